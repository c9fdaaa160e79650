/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases: for one phase, another worker than the owner may write a vertex's value. And loops of
 * drivers over the compute threads, by which a worker does that.
 *
 *   begin   owner ──positions in the holder's slice of ghosts──> holder
 *           the holder writes its copies
 *   end     holder ──values, in the order of the positions──> owner ──ghost update──> all ghosts
 *
 * Invariants: a vertex has one holder; what an owner lent to a rank and what that rank was granted
 * are the same positions in the same order.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/stale.h"
#include "engine/vertex_order.h"

#define POSITIONS_PER_FRAME (GASKET_BULK_BYTES / 4)

/* Vertices that travel between this rank and one peer, in the order of positions. */
typedef struct {
    uint32_t n;
    GasketVertex *vertex; /* into an array of the lease */
} LeaseList;

struct GasketLease {
    GasketRun *run;
    unsigned kind;
    LeaseList *lent;           /* [size] own vertices that each peer holds */
    LeaseList *granted;        /* [size] ghosts of each peer that this rank holds */
    GasketVertex *lent_all;    /* [send_begin[size]] */
    GasketVertex *granted_all; /* [n_local - n_owned] */
    uint32_t *positions;       /* [send_begin[size]] where each lent one is in the peer's slice */
    GasketVertex *vertices;    /* [n_vertices] all that this rank holds, ascending by number */
    uint32_t n_vertices;
    const uint32_t *holder; /* during begin */
    uint32_t *sent;         /* [size] elements sent in the round under way */
    uint64_t *sent_bytes;   /* [size] of the next one, if it goes in fragments */
    bool bad;               /* some rank asked for what cannot be */
};

static void
lease_free(GasketLease *lease)
{
    if (lease == NULL)
        return;
    gasket_array_free(lease->lent_all);
    gasket_array_free(lease->granted_all);
    gasket_array_free(lease->positions);
    gasket_array_free(lease->vertices);
    g_free(lease->lent);
    g_free(lease->granted);
    g_free(lease->sent);
    g_free(lease->sent_bytes);
    g_free(lease);
}

static bool
lease_alloc(GasketLease *lease, GError **error)
{
    const GasketPart *part = lease->run->part;
    const GasketPartKind *kind = &part->kinds[lease->kind];
    uint64_t n_sent = kind->send_begin[part->size];

    lease->lent_all = gasket_array_new(n_sent, sizeof(GasketVertex), error);
    if (lease->lent_all == NULL)
        return false;
    lease->positions = gasket_array_new(n_sent, sizeof(uint32_t), error);
    if (lease->positions == NULL)
        return false;
    lease->granted_all =
        gasket_array_new(kind->n_local - kind->n_owned, sizeof(GasketVertex), error);
    if (lease->granted_all == NULL)
        return false;
    lease->vertices = gasket_array_new(kind->n_local, sizeof(GasketVertex), error);
    if (lease->vertices == NULL)
        return false;
    for (unsigned p = 0; p < part->size; p++) {
        lease->lent[p].vertex = lease->lent_all + kind->send_begin[p];
        lease->granted[p].vertex = lease->granted_all + (kind->ghost_begin[p] - kind->n_owned);
    }
    return true;
}

static GasketLease *
lease_new(GasketRun *run, unsigned kind, const uint32_t *holder, GError **error)
{
    GasketLease *lease = g_new0(GasketLease, 1);
    unsigned size = run->part->size;

    lease->run = run;
    lease->kind = kind;
    lease->holder = holder;
    lease->lent = g_new0(LeaseList, size);
    lease->granted = g_new0(LeaseList, size);
    lease->sent = g_new0(uint32_t, size);
    lease->sent_bytes = g_new0(uint64_t, size);
    if (!lease_alloc(lease, error)) {
        lease_free(lease);
        return NULL;
    }
    return lease;
}

/* Sorts own vertices by holder. A holder that has no ghost of the vertex makes the lease bad. */
static void
divide(GasketLease *lease)
{
    const GasketPart *part = lease->run->part;
    const GasketPartKind *kind = &part->kinds[lease->kind];
    uint64_t elsewhere = 0, found = 0;

    for (uint32_t v = 0; v < kind->n_owned; v++) {
        if (lease->holder[v] == part->rank)
            lease->vertices[lease->n_vertices++] = v;
        else
            elsewhere++;
    }
    for (unsigned p = 0; p < part->size; p++) {
        LeaseList *lent = &lease->lent[p];
        for (uint64_t i = kind->send_begin[p]; i < kind->send_begin[p + 1]; i++) {
            if (lease->holder[kind->send[i]] != p)
                continue;
            lease->positions[kind->send_begin[p] + lent->n] = (uint32_t)(i - kind->send_begin[p]);
            lent->vertex[lent->n++] = kind->send[i];
            found++;
        }
    }
    lease->bad = found != elsewhere;
}

static bool
grant_produce(void *data, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    GasketLease *lease = data;
    const GasketPartKind *kind = &lease->run->part->kinds[lease->kind];
    const uint32_t *positions = lease->positions + kind->send_begin[peer];
    uint32_t n = lease->lent[peer].n;
    uint32_t count = MIN(n - lease->sent[peer], POSITIONS_PER_FRAME);

    GasketFrame *frame =
        gasket_round_frame_new(GASKET_SECTION_GRANT, count * (uint32_t)sizeof(uint32_t), error);
    if (frame == NULL)
        return false;
    GasketRoundHeader *header = gasket_round_frame_header(frame);
    header->index = lease->kind;
    header->count = count;
    header->flags = lease->bad;
    memcpy(gasket_round_frame_body(frame), positions + lease->sent[peer], count * sizeof(uint32_t));
    lease->sent[peer] += count;
    header->last = lease->sent[peer] == n;
    *ret_frame = frame;
    return true;
}

static bool
grant_consume(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
              uint32_t n_body, GError **error)
{
    GasketLease *lease = data;
    const GasketPartKind *kind = &lease->run->part->kinds[lease->kind];
    LeaseList *granted = &lease->granted[peer];
    uint32_t begin = kind->ghost_begin[peer], end = kind->ghost_begin[peer + 1];

    if (header->section != GASKET_SECTION_GRANT || header->index != lease->kind ||
        n_body % sizeof(uint32_t) != 0 || n_body / sizeof(uint32_t) != header->count)
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    lease->bad |= header->flags != 0;
    for (uint32_t i = 0; i < header->count; i++) {
        uint32_t position;
        memcpy(&position, body + (size_t)i * sizeof position, sizeof position);
        /* Ascending, so there are no more of them than ghosts. */
        if (position >= end - begin ||
            (granted->n > 0 && granted->vertex[granted->n - 1] >= begin + position))
            return gasket_exchange_refuse(peer, "a lease of what is not there", error);
        granted->vertex[granted->n++] = begin + position;
        lease->vertices[lease->n_vertices++] = begin + position;
    }
    return true;
}

static int
compare_numbers(const void *a, const void *b, void *data)
{
    const uint32_t *number = data;
    uint32_t x = number[*(const uint32_t *)a], y = number[*(const uint32_t *)b];
    return x < y ? -1 : x > y;
}

bool
gasket_run_lease_begin(GasketRun *run, unsigned kind, const uint32_t *holder,
                       GasketLease **ret_lease, GError **error)
{
    static const GasketRound round = {grant_produce, grant_consume};

    g_assert(run->kinds[kind].current != NULL);
    if (!gasket_stale_settle(run, error))
        return false;
    GasketLease *lease = lease_new(run, kind, holder, error);
    if (lease == NULL)
        return false;
    divide(lease);
    if (run->part->size > 1) {
        gasket_exchange_begin(run->exchange, &round, lease);
        if (!gasket_exchange_finish(run->exchange, error)) {
            lease_free(lease);
            return false;
        }
    }
    if (lease->bad) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a lease names a holder that does not have the vertex");
        lease_free(lease);
        return false;
    }
    lease->holder = NULL;
    const uint32_t *number = run->part->kinds[kind].number;
    bool ascending = true;
    for (uint32_t i = 1; i < lease->n_vertices && ascending; i++)
        ascending = number[lease->vertices[i - 1]] < number[lease->vertices[i]];
    if (!ascending)
        qsort_r(lease->vertices, lease->n_vertices, sizeof *lease->vertices, compare_numbers,
                run->part->kinds[kind].number);
    *ret_lease = lease;
    return true;
}

const GasketVertex *
gasket_lease_vertices(const GasketLease *lease, uint32_t *n)
{
    *n = lease->n_vertices;
    return lease->vertices;
}

void *
gasket_lease_values(const GasketLease *lease)
{
    return lease->run->kinds[lease->kind].current;
}

/* ---- going home ------------------------------------------------------------------------------ */

static uint8_t *
value_of(const GasketLease *lease, GasketVertex v, size_t *ret_size)
{
    const GasketKindData *kind = &lease->run->kinds[lease->kind];

    if (kind->value_begin == NULL) {
        *ret_size = kind->value_size;
        return kind->current + (size_t)v * kind->value_size;
    }
    *ret_size = kind->value_begin[v + 1] - kind->value_begin[v];
    return kind->current + kind->value_begin[v];
}

/* A value that is too long for a frame goes in fragments (header.encoding; count: byte offset). */
static bool
return_fragment(GasketLease *lease, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    uint64_t *offset = &lease->sent_bytes[peer];
    size_t size;
    const uint8_t *from = value_of(lease, lease->granted[peer].vertex[lease->sent[peer]], &size);
    uint32_t piece = (uint32_t)MIN(size - *offset, GASKET_BULK_BYTES);

    GasketFrame *frame = gasket_round_frame_new(GASKET_SECTION_GRANT, piece, error);
    if (frame == NULL)
        return false;
    memcpy(gasket_round_frame_body(frame), from + *offset, piece);
    GasketRoundHeader *header = gasket_round_frame_header(frame);
    header->encoding = GASKET_ENCODING_FRAGMENT;
    header->index = lease->kind;
    header->first = lease->sent[peer];
    header->count = (uint32_t)*offset;
    *offset += piece;
    if (*offset == size) {
        *offset = 0;
        lease->sent[peer]++;
    }
    header->last = lease->sent[peer] == lease->granted[peer].n;
    *ret_frame = frame;
    return true;
}

static bool
return_produce(void *data, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    GasketLease *lease = data;
    const LeaseList *granted = &lease->granted[peer];
    uint32_t first = lease->sent[peer], end = first;
    size_t bytes = 0, size = 0;

    while (end < granted->n) {
        (void)value_of(lease, granted->vertex[end], &size);
        if (bytes + size > GASKET_BULK_BYTES)
            break;
        bytes += size;
        end++;
    }
    if (end == first && first < granted->n)
        return return_fragment(lease, peer, ret_frame, error);
    GasketFrame *frame = gasket_round_frame_new(GASKET_SECTION_GRANT, (uint32_t)bytes, error);
    if (frame == NULL)
        return false;
    uint8_t *to = gasket_round_frame_body(frame);
    for (uint32_t i = first; i < end; i++) {
        const uint8_t *from = value_of(lease, granted->vertex[i], &size);
        memcpy(to, from, size);
        to += size;
    }
    GasketRoundHeader *header = gasket_round_frame_header(frame);
    header->index = lease->kind;
    header->first = first;
    header->count = end - first;
    header->last = end == granted->n;
    lease->sent[peer] = end;
    *ret_frame = frame;
    return true;
}

static bool
take_fragment(GasketLease *lease, unsigned peer, const GasketRoundHeader *header,
              const uint8_t *body, uint32_t n_body, GError **error)
{
    size_t size;

    if (header->first >= lease->lent[peer].n)
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    uint8_t *to = value_of(lease, lease->lent[peer].vertex[header->first], &size);
    if (header->count > size || n_body > size - header->count)
        return gasket_exchange_refuse(peer, "more than its leased values", error);
    memcpy(to + header->count, body, n_body);
    return true;
}

static bool
return_consume(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
               uint32_t n_body, GError **error)
{
    GasketLease *lease = data;
    const LeaseList *lent = &lease->lent[peer];
    uint32_t used = 0;

    if (header->section != GASKET_SECTION_GRANT || header->index != lease->kind)
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    if (header->encoding == GASKET_ENCODING_FRAGMENT)
        return take_fragment(lease, peer, header, body, n_body, error);
    if (header->first > lent->n || header->count > lent->n - header->first)
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    for (uint32_t i = header->first; i < header->first + header->count; i++) {
        size_t size;
        uint8_t *to = value_of(lease, lent->vertex[i], &size);
        if (size > n_body - used)
            return gasket_exchange_refuse(peer, "leased values that are cut", error);
        memcpy(to, body + used, size);
        used += (uint32_t)size;
    }
    return used == n_body || gasket_exchange_refuse(peer, "more than its leased values", error);
}

bool
gasket_run_lease_end_take(GasketRun *run, GasketLease **lease_take, GError **error)
{
    static const GasketRound round = {return_produce, return_consume};
    GasketLease *lease = g_steal_pointer(lease_take);
    GasketKindData *kind = &run->kinds[lease->kind];
    const GasketPartKind *part = &run->part->kinds[lease->kind];
    bool ok = true;

    memset(lease->sent, 0, run->part->size * sizeof *lease->sent);
    if (run->part->size > 1) {
        gasket_exchange_begin(run->exchange, &round, lease);
        ok = gasket_exchange_finish(run->exchange, error);
    }
    GasketValues values = {.part = part,
                           .kind = lease->kind,
                           .size = kind->value_size,
                           .begin = kind->value_begin,
                           .bytes = kind->current};
    ok = ok && gasket_values_refresh(run, &values, NULL, error);
    kind->all_changed = true;
    kind->n_changed = part->n_global;
    kind->pushable = (GasketPushable){0};
    lease_free(lease);
    return ok;
}

/* ---- parallel loops of drivers --------------------------------------------------------------- */

typedef struct {
    atomic_size_t next;
    size_t n;
    void (*work)(void *data, size_t i);
    void *data;
} Loop;

static void
loop_work(void *data, unsigned thread)
{
    Loop *loop = data;
    (void)thread;
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&loop->next, 1, memory_order_relaxed);
        if (i >= loop->n)
            return;
        loop->work(loop->data, i);
    }
}

void
gasket_run_parallel(GasketRun *run, size_t n, void (*work)(void *data, size_t i), void *data)
{
    Loop loop = {.n = n, .work = work, .data = data};
    if (n == 1)
        work(data, 0);
    else if (n > 0)
        gasket_pool_run(run->pool, loop_work, &loop);
}
