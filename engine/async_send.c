/* SPDX-License-Identifier: Apache-2.0 */
/* Changes on their way to other workers: noted by compute threads, cut into frames by thread 0. See
 * async_net.h. */
#include <string.h>

#include "engine/async_net.h"
#include "engine/bitset.h"
#include "engine/edge_values.h"
#include "engine/varint.h"

#define BODY_BYTES (GASKET_BULK_BYTES - (uint32_t)sizeof(GasketAsyncHeader))

/* ---- noting ---------------------------------------------------------------------------------- */

static void
note(GasketAsync *async, GasketAsyncChanges *changes, unsigned peer, uint64_t bit, unsigned weight)
{
    uint64_t mask = UINT64_C(1) << (bit % 64);

    /* A weight that gets lost between threads changes who goes first, and nothing else: below the
     * frame is cut only after the bit was set. */
    if (__atomic_load_n(&changes->weight[bit], __ATOMIC_RELAXED) < weight)
        __atomic_store_n(&changes->weight[bit], (uint8_t)weight, __ATOMIC_RELAXED);
    uint64_t old = __atomic_fetch_or(&changes->dirty[bit / 64], mask, __ATOMIC_RELEASE);
    if (!(old & mask))
        atomic_fetch_add_explicit(&async->net->peers[peer].n_dirty, 1, memory_order_release);
}

void
gasket_async_note_value(GasketAsync *async, const GasketAsyncKind *kind, GasketVertex v,
                        unsigned bucket)
{
    GasketAsyncNet *net = async->net;
    unsigned k = kind->program->kind;

    if (v >= kind->part->n_boundary)
        return;
    for (uint64_t i = net->reader_begin[k][v]; i < net->reader_begin[k][v + 1]; i++)
        note(async, &net->values[k], net->readers[k][i].peer, net->readers[k][i].index, bucket + 1);
}

static void
note_slot(GasketAsync *async, uint32_t index, uint64_t slot, unsigned weight)
{
    GasketAsyncChanges *changes = &async->net->edges[index];
    unsigned peer = 0;

    while (slot >= changes->begin[peer + 1])
        peer++;
    note(async, changes, peer, slot - changes->base, weight);
}

void
gasket_async_note_wake(GasketAsync *async, uint32_t index, uint64_t slot, unsigned bucket)
{
    note_slot(async, index, slot, bucket + 1);
}

void
gasket_async_note_edges(GasketAsync *async, const GasketAsyncKind *kind, const GasketRows *rows,
                        size_t r)
{
    if (!gasket_bitset_has(async->net->remote[kind->program->kind], rows[0].vertex[r]))
        return;
    for (unsigned s = 0; s < kind->program->n_rows; s++) {
        const GasketWaker *waker = rows[s].waker;
        if (waker == NULL)
            continue;
        for (uint64_t e = rows[s].begin[r]; e < rows[s].end[r]; e++)
            if (rows[s].neighbour[e] >= waker->n_owned)
                note_slot(async, waker->index, rows[s].slot[e], 0);
    }
}

/* ---- cutting --------------------------------------------------------------------------------- */

/* One sort of changes for one peer, while its frames are cut. */
typedef struct {
    GasketAsync *async;
    GasketAsyncChanges *changes;
    GasketAsyncPeer *peer;
    GasketAsyncSection section;
    uint32_t index;
    uint64_t first, end;  /* bits of the peer */
    unsigned least;       /* smaller weights stay ... */
    uint64_t n_least;     /* ... and of these so many go */
    const uint8_t *bytes; /* the values, from bit `first`'s own on where they are edges' */
    size_t size;          /* each, or 0 */
    const uint64_t *begin;
    const GasketPartKind *part; /* of values: whose send maps bits to vertices; NULL: edges */
    GasketCellWord *words;      /* of the kind, where values may be being written; or NULL */
    uint32_t first_cell;        /* of the kind, if versions travel with the values; else unused */
    uint32_t extra;             /* bytes of a version, or 0 */
} Cutter;

/* Which value a bit stands for. */
static inline uint64_t
element_of(const Cutter *cutter, uint64_t bit)
{
    return cutter->part != NULL ? cutter->part->send[bit] : cutter->changes->base + bit;
}

static inline size_t
size_of(const Cutter *cutter, uint64_t element)
{
    return cutter->begin == NULL ? cutter->size
                                 : (size_t)(cutter->begin[element + 1] - cutter->begin[element]);
}

/* Copies a value whole; false: it is being written, and will be noted again. */
static bool
copy_value(const Cutter *cutter, uint64_t element, uint8_t *to)
{
    size_t size = size_of(cutter, element);
    const uint8_t *from =
        cutter->bytes + (cutter->begin == NULL ? element * cutter->size : cutter->begin[element]);
    switch (cutter->begin == NULL ? size : 0) {
    case 1:
        *to = __atomic_load_n(from, __ATOMIC_RELAXED);
        return true;
    case 2: {
        uint16_t value = __atomic_load_n((const uint16_t *)(const void *)from, __ATOMIC_RELAXED);
        memcpy(to, &value, sizeof value);
        return true;
    }
    case 4: {
        uint32_t value = __atomic_load_n((const uint32_t *)(const void *)from, __ATOMIC_RELAXED);
        memcpy(to, &value, sizeof value);
        return true;
    }
    case 8: {
        uint64_t value = __atomic_load_n((const uint64_t *)(const void *)from, __ATOMIC_RELAXED);
        memcpy(to, &value, sizeof value);
        return true;
    }
    default:
        break;
    }
    uint64_t before = 0;
    if (cutter->words != NULL) {
        before = gasket_cell_load(&cutter->words[element]);
        if ((before & GASKET_CELL_LOCKED) != 0)
            return false;
    }
    gasket_async_copy_shared(to, from, size);
    if (cutter->words == NULL)
        return true;
    gasket_schedule_fence();
    uint64_t after = gasket_cell_load(&cutter->words[element]);
    return !(after & GASKET_CELL_LOCKED) &&
           after >> GASKET_CELL_VERSION == before >> GASKET_CELL_VERSION;
}

/* Whether a change is among the largest; one of the least of these uses up a place. */
static bool
may_go(Cutter *cutter, uint64_t bit)
{
    unsigned weight = __atomic_load_n(&cutter->changes->weight[bit], __ATOMIC_RELAXED);

    if (weight != cutter->least)
        return weight > cutter->least;
    if (cutter->n_least == 0)
        return false;
    cutter->n_least--;
    return true;
}

/* Fills one frame from bit *at on. *ret_frame NULL: nothing was left. */
static bool
cut_frame(Cutter *cutter, uint64_t *at, GasketFrame **ret_frame, GError **error)
{
    GasketAsyncChanges *changes = cutter->changes;
    uint64_t last = cutter->first;
    uint32_t used = 0, count = 0;
    g_autoptr(GasketFrame) frame = NULL;
    uint8_t *body = NULL;

    *ret_frame = NULL;
    for (; *at < cutter->end; ++*at) {
        uint64_t bit = *at, mask = UINT64_C(1) << (bit % 64);
        uint64_t word = __atomic_load_n(&changes->dirty[bit / 64], __ATOMIC_ACQUIRE);
        if ((word >> (bit % 64)) == 0) { /* none left in this word */
            *at |= 63;
            continue;
        }
        if (!(word & mask) || !may_go(cutter, bit))
            continue;
        uint64_t element = element_of(cutter, bit);
        size_t size = size_of(cutter, element);
        if (frame == NULL) {
            uint32_t room = MAX(BODY_BYTES, (uint32_t)size + GASKET_VARINT_MAX + 1 + cutter->extra);
            frame =
                gasket_async_frame_new(cutter->async, cutter->section, cutter->index, room, error);
            if (frame == NULL)
                return false;
            body = frame->payload + sizeof(GasketAsyncHeader);
        } else if (used + GASKET_VARINT_MAX + 1 + cutter->extra + size > BODY_BYTES) {
            break;
        }
        /* The bit goes before the value is read: a change after that is noted anew. */
        __atomic_fetch_and(&changes->dirty[bit / 64], ~mask, __ATOMIC_ACQ_REL);
        uint8_t weight = __atomic_exchange_n(&changes->weight[bit], 0, __ATOMIC_RELAXED);
        gasket_schedule_fence();
        uint32_t head = gasket_varint_write(body + used, (uint32_t)(bit - last));
        body[used + head++] = weight;
        if (cutter->extra > 0) {
            uint64_t version = gasket_history_version(cutter->async->history,
                                                      cutter->first_cell + (uint32_t)element);
            memcpy(body + used + head, &version, sizeof version);
            head += sizeof version;
        }
        atomic_fetch_sub_explicit(&cutter->peer->n_dirty, 1, memory_order_relaxed);
        if (!copy_value(cutter, element, body + used + head)) {
            note(cutter->async, changes, (unsigned)(cutter->peer - cutter->async->net->peers), bit,
                 weight);
            continue;
        }
        used += head + (uint32_t)size;
        last = bit;
        count++;
    }
    if (frame == NULL)
        return true;
    gasket_async_frame_header(frame)->count = count;
    frame->length = (uint32_t)sizeof(GasketAsyncHeader) + used;
    *ret_frame = g_steal_pointer(&frame);
    return true;
}

/* Finds the weight from which on changes fill about one frame, and how many of that weight have
 * room beside the larger ones. */
static void
choose_largest(Cutter *cutter)
{
    uint64_t n[GASKET_SCHEDULE_BUCKETS + 1] = {0}, room;
    size_t size = cutter->begin == NULL ? cutter->size : 64;
    unsigned weight = GASKET_SCHEDULE_BUCKETS;
    uint64_t larger = 0;

    for (uint64_t bit = cutter->first; bit < cutter->end; bit++)
        if (gasket_bitset_has(cutter->changes->dirty, (uint32_t)bit))
            n[MIN(cutter->changes->weight[bit], GASKET_SCHEDULE_BUCKETS)]++;
    /* Distances take two bytes, or less where changes lie close. */
    room = BODY_BYTES / (size + cutter->extra + 3) + 1;
    while (weight > 0 && larger + n[weight] < room)
        larger += n[weight--];
    cutter->least = weight;
    cutter->n_least = room - larger;
}

static bool
cut_changes(Cutter *cutter, bool largest_first, GError **error)
{
    uint64_t at = cutter->first;

    cutter->least = 0;
    cutter->n_least = UINT64_MAX;
    if (largest_first)
        choose_largest(cutter);
    while (at < cutter->end) {
        GasketFrame *frame;
        if (!cut_frame(cutter, &at, &frame, error))
            return false;
        if (frame == NULL)
            return true;
        gasket_frame_queue_push_take(&cutter->peer->out, &frame);
        if (largest_first)
            return true;
    }
    return true;
}

bool
gasket_async_cut(GasketAsync *async, unsigned p, bool largest_first, GError **error)
{
    GasketAsyncNet *net = async->net;
    GasketAsyncPeer *peer = &net->peers[p];
    unsigned n_indices = 2 * async->run->part->n_relations;

    for (unsigned k = 0; k < async->n_kinds; k++) {
        const GasketAsyncKind *kind = &async->kinds[k];
        GasketAsyncChanges *changes = &net->values[k];
        if (changes->dirty == NULL)
            continue;
        Cutter cutter = {.async = async,
                         .changes = changes,
                         .peer = peer,
                         .section = GASKET_ASYNC_VALUES,
                         .index = k,
                         .first = changes->begin[p],
                         .end = changes->begin[p + 1],
                         .bytes = kind->data->current,
                         .size = kind->data->value_size,
                         .begin = kind->data->value_begin,
                         .part = kind->part,
                         .first_cell = kind->first_cell,
                         .extra = async->history != NULL ? sizeof(uint64_t) : 0,
                         .words = async->words != NULL ? async->words + kind->first_cell : NULL};
        if (!cut_changes(&cutter, largest_first, error))
            return false;
    }
    for (unsigned i = 0; i < n_indices; i++) {
        GasketAsyncChanges *changes = &net->edges[i];
        const GasketEdgeValues *values = &async->run->rows[i].values;
        if (changes->dirty == NULL)
            continue;
        Cutter cutter = {.async = async,
                         .changes = changes,
                         .peer = peer,
                         .section = GASKET_ASYNC_EDGES,
                         .index = i,
                         .first = changes->begin[p] - changes->base,
                         .end = changes->begin[p + 1] - changes->base,
                         .bytes = values->current,
                         .size = values->size,
                         .begin = values->begin};
        if (!cut_changes(&cutter, largest_first, error))
            return false;
    }
    return true;
}
