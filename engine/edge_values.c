/* SPDX-License-Identifier: Apache-2.0 */
/* Edge values in a step: buffers, and what of them crosses the wire. See edge_values.h. */
#include "engine/edge_values.h"

#include <string.h>

#include "engine/array.h"
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
        GasketFrame *frame = gasket_round_frame_new(GASKET_SECTION_EDGES, (uint32_t)bytes, error);
        if (frame == NULL)
            return false;
        GasketRoundHeader *header = gasket_round_frame_header(frame);
        header->index = index;
        header->first = state->edge;
        header->count = (uint32_t)(slot - first);
        memcpy(gasket_round_frame_body(frame), values->next + begin, bytes);
        state->edge += header->count;
        *ret_frame = frame;
        return true;
    }
    *ret_frame = NULL;
    return true;
}

bool
gasket_edges_consume(GasketStep *step, unsigned peer, const GasketRoundHeader *header,
                     const uint8_t *body, uint32_t n_body, GError **error)
{
    GasketEdgeValues *values = NULL;

    for (unsigned s = 0; s < step->program->n_rows; s++) {
        uint32_t index;
        GasketEdgeValues *candidate = written(step, s, &index);
        if (index == header->index && candidate->current != NULL)
            values = candidate;
    }
    if (values == NULL)
        return gasket_exchange_refuse(peer, "edge values out of place", error);
    uint64_t n = values->inbox_begin[peer + 1] - values->inbox_begin[peer];
    if (header->first > n || header->count > n - header->first)
        return gasket_exchange_refuse(peer, "more edge values than there are edges", error);
    uint32_t used = 0;
    for (uint32_t i = 0; i < header->count; i++) {
        uint64_t entry = values->inbox[values->inbox_begin[peer] + header->first + i];
        uint64_t begin = gasket_edge_value_begin(values, entry);
        uint64_t size = gasket_edge_value_begin(values, entry + 1) - begin;
        if (size > n_body - used)
            return gasket_exchange_refuse(peer, "edge values that are cut", error);
        memcpy(values->next + begin, body + used, size);
        used += (uint32_t)size;
    }
    return used == n_body || gasket_exchange_refuse(peer, "more than its edge values", error);
}
