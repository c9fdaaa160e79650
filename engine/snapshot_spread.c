/* SPDX-License-Identifier: Apache-2.0 */
/* Restored values to ghosts, edge values to outboxes; see snapshot_spread.h. */
#include <string.h>

#include "engine/edge_values.h"
#include "engine/ghosts.h"
#include "engine/snapshot_spread.h"
#include "engine/vertex_order.h"

/* How far one peer has been served. */
typedef struct {
    unsigned index; /* 2 * relation + direction of the edge values that come next */
    uint64_t edge;  /* position in the peer's inbox there */
} SpreadPeer;

typedef struct {
    GasketRun *run;
    SpreadPeer *peers; /* [size] */
} Spread;

/* The next values that this rank reads of those that peer writes, as many as fit a frame. */
static bool
produce_edges(const Spread *spread, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    const GasketRun *run = spread->run;
    SpreadPeer *state = &spread->peers[peer];

    for (; state->index < 2 * run->part->n_relations; state->index++, state->edge = 0) {
        const GasketEdgeValues *values = &run->rows[state->index].values;
        if (values->current == NULL)
            continue;
        const uint32_t *inbox = values->inbox + values->inbox_begin[peer];
        uint64_t n = values->inbox_begin[peer + 1] - values->inbox_begin[peer];
        uint64_t end = state->edge, bytes = 0, more = 0;
        while (end < n) {
            more = gasket_edge_value_begin(values, (uint64_t)inbox[end] + 1) -
                   gasket_edge_value_begin(values, inbox[end]);
            if (end > state->edge && bytes + more > GASKET_BULK_BYTES)
                break;
            bytes += more;
            end++;
        }
        if (end == state->edge)
            continue;
        GasketFrame *frame = gasket_round_frame_new(GASKET_SECTION_EDGES, (uint32_t)bytes, error);
        if (frame == NULL)
            return false;
        GasketRoundHeader *header = gasket_round_frame_header(frame);
        header->index = state->index;
        header->first = (uint32_t)state->edge;
        header->count = (uint32_t)(end - state->edge);
        uint8_t *to = gasket_round_frame_body(frame);
        for (; state->edge < end; state->edge++) {
            uint64_t begin = gasket_edge_value_begin(values, inbox[state->edge]);
            size_t size = gasket_edge_value_begin(values, (uint64_t)inbox[state->edge] + 1) - begin;
            memcpy(to, values->current + begin, size);
            to += size;
        }
        *ret_frame = frame;
        return true;
    }
    return true;
}

static bool
produce(void *data, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    const Spread *spread = data;

    *ret_frame = NULL;
    if (!produce_edges(spread, peer, ret_frame, error))
        return false;
    if (*ret_frame != NULL)
        return true;
    *ret_frame = gasket_round_frame_new_last(error);
    return *ret_frame != NULL;
}

static bool
consume_edges(const Spread *spread, unsigned peer, const GasketRoundHeader *header,
              const uint8_t *body, uint32_t n_body, GError **error)
{
    const GasketRun *run = spread->run;
    const GasketEdgeValues *values =
        header->index < 2 * run->part->n_relations ? &run->rows[header->index].values : NULL;

    if (values == NULL || values->current == NULL)
        return gasket_exchange_refuse(peer, "edge values out of place", error);
    uint64_t first = values->outbox_begin[peer] + header->first;
    uint64_t n = values->outbox_begin[peer + 1] - values->outbox_begin[peer];
    if (header->first > n || header->count > n - header->first)
        return gasket_exchange_refuse(peer, "more edge values than there are edges", error);
    uint64_t begin = gasket_edge_value_begin(values, first);
    if (gasket_edge_value_begin(values, first + header->count) - begin != n_body)
        return gasket_exchange_refuse(peer, "edge values of other sizes", error);
    memcpy(values->current + begin, body, n_body);
    return true;
}

static bool
consume(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
        uint32_t n_body, GError **error)
{
    const Spread *spread = data;

    if (header->section == GASKET_SECTION_EDGES)
        return consume_edges(spread, peer, header, body, n_body, error);
    return (header->section == GASKET_SECTION_BLOB && n_body == 0) ||
           gasket_exchange_refuse(peer, "a frame out of place", error);
}

static bool
spread_edge_values(GasketRun *run, GError **error)
{
    static const GasketRound round = {produce, consume};
    Spread spread = {run, g_new0(SpreadPeer, run->part->size)};

    gasket_exchange_begin(run->exchange, &round, &spread);
    bool ok = gasket_exchange_finish(run->exchange, error);
    g_free(spread.peers);
    return ok;
}

bool
gasket_snapshot_spread(GasketRun *run, GError **error)
{
    if (run->part->size == 1)
        return true;
    for (unsigned k = 0; k < run->part->n_kinds; k++) {
        const GasketKindData *kind = &run->kinds[k];
        const GasketValues values = {.part = &run->part->kinds[k],
                                     .kind = k,
                                     .size = kind->value_size,
                                     .begin = kind->value_begin,
                                     .bytes = kind->current};
        if (kind->current != NULL && !gasket_values_refresh(run, &values, NULL, error))
            return false;
    }
    return spread_edge_values(run, error);
}
