/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases: for one phase, another worker than the owner may write a vertex's value.
 *
 *   begin   owner ──positions in the holder's slice of ghosts──> holder
 *           the holder writes its copies
 *   end     holder ──values, in the order of the positions──> owner ──ghost update──> all ghosts
 *
 * Invariants: a vertex has one holder; what an owner lent to a rank and what that rank was granted
 * are the same positions in the same order.
 */
#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/vertex_order.h"

#define POSITIONS_PER_FRAME (GASKET_BULK_BYTES / 4)

typedef struct {
    GArray *lent;    /* uint32_t: own vertices that the peer holds */
    GArray *granted; /* uint32_t: ghosts that this rank holds of the peer */
} LeasePeer;

struct GasketLease {
    GasketRun     *run;
    unsigned       kind;
    LeasePeer     *peers;    /* [size] */
    GArray        *vertices; /* GasketVertex: all that this rank holds, ascending by number */
    const uint32_t *holder;  /* during begin */
    GArray       **positions; /* [size] during begin: positions to send */
    uint32_t      *sent;     /* [size] elements sent in the round under way */
    bool           bad;      /* some rank asked for what cannot be */
};

static void
lease_free(GasketLease *lease)
{
    if (lease == NULL)
        return;
    for (unsigned p = 0; p < lease->run->part->size; p++) {
        g_array_free(lease->peers[p].lent, TRUE);
        g_array_free(lease->peers[p].granted, TRUE);
        g_array_free(lease->positions[p], TRUE);
    }
    g_array_free(lease->vertices, TRUE);
    g_free(lease->peers);
    g_free(lease->positions);
    g_free(lease->sent);
    g_free(lease);
}

static GasketLease *
lease_new(GasketRun *run, unsigned kind, const uint32_t *holder)
{
    GasketLease *lease = g_new0(GasketLease, 1);
    unsigned size = run->part->size;

    lease->run = run;
    lease->kind = kind;
    lease->holder = holder;
    lease->peers = g_new0(LeasePeer, size);
    lease->positions = g_new0(GArray *, size);
    lease->sent = g_new0(uint32_t, size);
    lease->vertices = g_array_new(FALSE, FALSE, sizeof(GasketVertex));
    for (unsigned p = 0; p < size; p++) {
        lease->peers[p].lent = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        lease->peers[p].granted = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        lease->positions[p] = g_array_new(FALSE, FALSE, sizeof(uint32_t));
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
            g_array_append_val(lease->vertices, v);
        else
            elsewhere++;
    }
    for (unsigned p = 0; p < part->size; p++) {
        for (uint64_t i = kind->send_begin[p]; i < kind->send_begin[p + 1]; i++) {
            uint32_t v = kind->send[i], position = (uint32_t)(i - kind->send_begin[p]);
            if (lease->holder[v] != p || p == part->rank)
                continue;
            g_array_append_val(lease->peers[p].lent, v);
            g_array_append_val(lease->positions[p], position);
            found++;
        }
    }
    lease->bad = found != elsewhere;
}

static bool
grant_produce(void *data, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    GasketLease *lease = data;
    const GArray *positions = lease->positions[peer];
    uint32_t count = MIN(positions->len - lease->sent[peer], POSITIONS_PER_FRAME);

    GasketFrame *frame = gasket_round_frame_new(GASKET_SECTION_GRANT,
                                                count * (uint32_t)sizeof(uint32_t), error);
    if (frame == NULL)
        return false;
    GasketRoundHeader *header = gasket_round_frame_header(frame);
    header->index = lease->kind;
    header->count = count;
    header->flags = lease->bad;
    memcpy(gasket_round_frame_body(frame), &g_array_index(positions, uint32_t, lease->sent[peer]),
           count * sizeof(uint32_t));
    lease->sent[peer] += count;
    header->last = lease->sent[peer] == positions->len;
    *ret_frame = frame;
    return true;
}

static bool
grant_consume(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
              uint32_t n_body, GError **error)
{
    GasketLease *lease = data;
    const GasketPartKind *kind = &lease->run->part->kinds[lease->kind];
    GArray *granted = lease->peers[peer].granted;
    uint32_t begin = kind->ghost_begin[peer], end = kind->ghost_begin[peer + 1];

    if (header->section != GASKET_SECTION_GRANT || header->index != lease->kind ||
        n_body % sizeof(uint32_t) != 0 || n_body / sizeof(uint32_t) != header->count)
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    lease->bad |= header->flags != 0;
    for (uint32_t i = 0; i < header->count; i++) {
        uint32_t position;
        memcpy(&position, body + (size_t)i * sizeof position, sizeof position);
        uint32_t v = begin + position;
        bool ascends = granted->len == 0 || g_array_index(granted, uint32_t, granted->len - 1) < v;
        if (position >= end - begin || !ascends)
            return gasket_exchange_refuse(peer, "a lease of what is not there", error);
        g_array_append_val(granted, v);
        g_array_append_val(lease->vertices, v);
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
    GasketLease *lease = lease_new(run, kind, holder);

    g_assert(run->kinds[kind].current != NULL);
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
    g_array_sort_with_data(lease->vertices, compare_numbers, run->part->kinds[kind].number);
    *ret_lease = lease;
    return true;
}

const GasketVertex *
gasket_lease_vertices(const GasketLease *lease, uint32_t *n)
{
    *n = lease->vertices->len;
    return (const GasketVertex *)(const void *)lease->vertices->data;
}

void *
gasket_lease_values(const GasketLease *lease)
{
    return lease->run->kinds[lease->kind].current;
}

/* ---- going home ------------------------------------------------------------------------------- */

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

static bool
return_produce(void *data, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    GasketLease *lease = data;
    const GArray *granted = lease->peers[peer].granted;
    uint32_t first = lease->sent[peer], end = first;
    size_t bytes = 0, size = 0;

    while (end < granted->len) {
        (void)value_of(lease, g_array_index(granted, uint32_t, end), &size);
        if (end > first && bytes + size > GASKET_BULK_BYTES)
            break;
        bytes += size;
        end++;
    }
    GasketFrame *frame = gasket_round_frame_new(GASKET_SECTION_GRANT, (uint32_t)bytes, error);
    if (frame == NULL)
        return false;
    uint8_t *to = gasket_round_frame_body(frame);
    for (uint32_t i = first; i < end; i++) {
        const uint8_t *from = value_of(lease, g_array_index(granted, uint32_t, i), &size);
        memcpy(to, from, size);
        to += size;
    }
    GasketRoundHeader *header = gasket_round_frame_header(frame);
    header->index = lease->kind;
    header->first = first;
    header->count = end - first;
    header->last = end == granted->len;
    lease->sent[peer] = end;
    *ret_frame = frame;
    return true;
}

static bool
return_consume(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
               uint32_t n_body, GError **error)
{
    GasketLease *lease = data;
    const GArray *lent = lease->peers[peer].lent;
    uint32_t used = 0;

    if (header->section != GASKET_SECTION_GRANT || header->index != lease->kind ||
        header->first > lent->len || header->count > lent->len - header->first)
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    for (uint32_t i = header->first; i < header->first + header->count; i++) {
        size_t size;
        uint8_t *to = value_of(lease, g_array_index(lent, uint32_t, i), &size);
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
    GasketValues values = {.part = part, .kind = lease->kind, .size = kind->value_size,
                           .begin = kind->value_begin, .bytes = kind->current};
    ok = ok && gasket_values_refresh(run, &values, NULL, error);
    kind->all_changed = true;
    kind->n_changed = part->n_global;
    lease_free(lease);
    return ok;
}
