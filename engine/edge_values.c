/* SPDX-License-Identifier: Apache-2.0 */
/* Edge values in a step: buffers, and what of them crosses the wire. See edge_values.h. */
#include "engine/edge_values.h"

#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/step.h"

/* The edge values that the program's row set s writes, which are read at the opposite rows; *index
 * names them on the wire. */
static GasketEdgeValues *
written(const GasketStep *step, unsigned s, uint32_t *ret_index)
{
    GasketRowSet set = step->program->rows[s];
    const GasketPartRelation *relation = &step->run->part->relations[set.relation];
    GasketDirection direction = gasket_part_mate(relation, set.direction);

    *ret_index = 2 * set.relation + direction;
    return &gasket_run_rows_data(step->run, set.relation, direction)->values;
}

/* Whether the step also reads the edge values with this index. */
static bool
reads(const GasketStep *step, uint32_t index)
{
    for (unsigned s = 0; s < step->program->n_rows; s++) {
        GasketRowSet set = step->program->rows[s];
        const GasketPartRelation *relation = &step->run->part->relations[set.relation];
        if (2 * set.relation + gasket_part_direction(relation, set.direction) == index)
            return true;
    }
    return false;
}

/* Whom gasket_wake wakes along row set s, and where it notes those that others own. */
static bool
prepare_waker(GasketStep *step, unsigned s, GasketEdgeValues *values, GError **error)
{
    GasketRun *run = step->run;
    GasketRowSet set = step->program->rows[s];
    const GasketPartRelation *relation = &run->part->relations[set.relation];
    unsigned other = gasket_part_neighbour_kind(relation, set.direction);
    uint32_t n_outbox = (uint32_t)(values->n_slots - values->n_entries);

    if (values->outbox_woken == NULL) {
        values->outbox_woken =
            gasket_array_new(gasket_bitset_words(n_outbox), sizeof(uint64_t), error);
        if (values->outbox_woken == NULL)
            return false;
    }
    gasket_bitset_clear(values->outbox_woken, n_outbox);
    step->wakers[s] = (GasketWaker){.n_owned = run->part->kinds[other].n_owned,
                                    .active = run->kinds[other].active,
                                    .n_entries = values->n_entries,
                                    .outbox = values->outbox_woken};
    step->rows[s].waker = &step->wakers[s];
    return true;
}

typedef struct {
    uint8_t *to;
    const uint8_t *from;
    uint64_t bytes;
    unsigned n_threads;
} Copy;

static void
copy_share(void *data, unsigned thread)
{
    const Copy *copy = data;
    uint64_t share = copy->bytes / copy->n_threads / 64 * 64 + 64;
    uint64_t first = MIN(thread * share, copy->bytes), end = MIN(first + share, copy->bytes);

    memcpy(copy->to + first, copy->from + first, end - first);
}

bool
gasket_edges_prepare(GasketStep *step, GError **error)
{
    for (unsigned s = 0; s < step->program->n_rows; s++) {
        uint32_t index;
        GasketEdgeValues *values = written(step, s, &index);
        if (values->current == NULL)
            continue;
        uint64_t bytes = gasket_edge_value_begin(values, values->n_slots);
        values->next = values->current;
        if (reads(step, index)) {
            if (values->second == NULL) {
                values->second = gasket_array_new(bytes, 1, error);
                if (values->second == NULL)
                    return false;
            }
            /* What is not written now stays as it was written last. */
            Copy copy = {values->second, values->current, bytes, step->run->n_threads};
            gasket_pool_run(step->run->pool, copy_share, &copy);
            values->next = values->second;
        }
        step->rows[s].outgoing = values->next;
        step->rows[s].outgoing_begin = values->begin;
        step->rows[s].slot = values->slot;
        if (!prepare_waker(step, s, values, error))
            return false;
    }
    return true;
}

void
gasket_edges_commit(GasketStep *step)
{
    for (unsigned s = 0; s < step->program->n_rows; s++) {
        uint32_t index;
        GasketEdgeValues *values = written(step, s, &index);
        if (values->next == values->current)
            continue;
        values->second = values->current;
        values->current = values->next;
    }
}

/* Bytes that say which readers of slots first .. end - 1 are to be woken; 0: none is. */
static uint32_t
woken_bytes(const GasketEdgeValues *values, uint64_t first, uint64_t end)
{
    uint32_t from = (uint32_t)(first - values->n_entries), to = (uint32_t)(end - values->n_entries);
    if (gasket_bitset_next(values->outbox_woken, from, to) == to)
        return 0;
    return (to - from + 7) / 8;
}

/* One bit for each of the slots. */
static void
put_woken(const GasketEdgeValues *values, uint64_t first, uint64_t end, uint8_t *bits)
{
    uint32_t from = (uint32_t)(first - values->n_entries), to = (uint32_t)(end - values->n_entries);

    memset(bits, 0, (to - from + 7) / 8);
    for (uint32_t i = gasket_bitset_next(values->outbox_woken, from, to); i < to;
         i = gasket_bitset_next(values->outbox_woken, i + 1, to))
        bits[(i - from) / 8] |= (uint8_t)(1u << ((i - from) % 8));
}

bool
gasket_edges_produce(GasketStep *step, unsigned peer, GasketStepPeer *state,
                     GasketFrame **ret_frame, GError **error)
{
    for (; state->set < step->program->n_rows; state->set++, state->edge = 0) {
        uint32_t index;
        const GasketEdgeValues *values = written(step, state->set, &index);
        if (values->current == NULL)
            continue;
        uint64_t first = values->outbox_begin[peer] + state->edge;
        uint64_t end = values->outbox_begin[peer + 1], slot = first;
        uint64_t begin = gasket_edge_value_begin(values, first);
        if (first == end)
            continue;
        /* At least one value, however long. */
        do
            slot++;
        while (slot < end && gasket_edge_value_begin(values, slot + 1) - begin <=
                                 GASKET_BULK_BYTES - sizeof(GasketRoundHeader));
        uint64_t bytes = gasket_edge_value_begin(values, slot) - begin;
        uint32_t woken = woken_bytes(values, first, slot);
        GasketFrame *frame =
            gasket_round_frame_new(GASKET_SECTION_EDGES, woken + (uint32_t)bytes, error);
        if (frame == NULL)
            return false;
        GasketRoundHeader *header = gasket_round_frame_header(frame);
        header->index = index;
        header->first = state->edge;
        header->count = (uint32_t)(slot - first);
        header->flags = woken > 0;
        uint8_t *body = gasket_round_frame_body(frame);
        if (woken > 0)
            put_woken(values, first, slot, body);
        memcpy(body + woken, values->next + begin, bytes);
        state->edge += header->count;
        *ret_frame = frame;
        return true;
    }
    *ret_frame = NULL;
    return true;
}

/* Wakes the vertex whose row, of the rows with this index, has an entry. */
static void
wake_entry(GasketStep *step, uint32_t index, uint64_t entry)
{
    const GasketPartRelation *relation = &step->run->part->relations[index / 2];
    unsigned kind = gasket_part_row_kind(relation, index % 2);
    uint32_t row =
        gasket_part_row_of(&relation->rows[index % 2], step->run->part->kinds[kind].n_owned, entry);
    gasket_bitset_add_shared(step->run->kinds[kind].active, row);
}

/* The edge values that frames with this index are for, and how far the peer's have come. */
static GasketEdgeValues *
awaited(const GasketStep *step, unsigned peer, uint32_t frame_index, uint32_t **ret_from)
{
    GasketEdgeValues *values = NULL;

    for (unsigned s = 0; s < step->program->n_rows; s++) {
        uint32_t index;
        GasketEdgeValues *candidate = written(step, s, &index);
        if (index == frame_index && candidate->current != NULL) {
            values = candidate;
            *ret_from = &step->peers[peer].edges_from[s];
        }
    }
    return values;
}

bool
gasket_edges_consume(GasketStep *step, unsigned peer, const GasketRoundHeader *header,
                     const uint8_t *body, uint32_t n_body, GError **error)
{
    uint32_t *from = NULL;
    GasketEdgeValues *values = awaited(step, peer, header->index, &from);

    if (values == NULL)
        return gasket_exchange_refuse(peer, "edge values out of place", error);
    uint64_t n = values->inbox_begin[peer + 1] - values->inbox_begin[peer];
    if (header->first > n || header->count > n - header->first)
        return gasket_exchange_refuse(peer, "more edge values than there are edges", error);
    if (*from == n && header->first == 0)
        *from = 0; /* two row sets of a step may share their edge values */
    if (header->first != *from)
        return gasket_exchange_refuse(peer, "edge values out of order", error);
    *from += header->count;
    uint32_t used = header->flags != 0 ? (header->count + 7) / 8 : 0;
    if (header->flags > 1 || used > n_body)
        return gasket_exchange_refuse(peer, "edge values that are cut", error);
    for (uint32_t i = 0; i < header->count; i++) {
        uint64_t entry = values->inbox[values->inbox_begin[peer] + header->first + i];
        uint64_t begin = gasket_edge_value_begin(values, entry);
        uint64_t size = gasket_edge_value_begin(values, entry + 1) - begin;
        if (size > n_body - used)
            return gasket_exchange_refuse(peer, "edge values that are cut", error);
        memcpy(values->next + begin, body + used, size);
        used += (uint32_t)size;
        if (header->flags != 0 && (body[i / 8] >> (i % 8) & 1) != 0)
            wake_entry(step, header->index, entry);
    }
    return used == n_body || gasket_exchange_refuse(peer, "more than its edge values", error);
}

bool
gasket_edges_came(const GasketStep *step, unsigned peer)
{
    for (unsigned s = 0; s < step->program->n_rows; s++) {
        uint32_t index, *from = NULL;
        (void)written(step, s, &index);
        const GasketEdgeValues *values = awaited(step, peer, index, &from);
        if (values != NULL && *from != values->inbox_begin[peer + 1] - values->inbox_begin[peer])
            return false;
    }
    return true;
}
