/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a step sends to one peer, in order: values that changed, edge values, totals. The first two
 * are ready once the boundary rows have run, the totals once all have.
 */
#include <string.h>

#include "engine/step.h"

static bool
produce_totals(GasketStep *step, GasketStepPeer *state, GasketFrame **ret_frame, GError **error)
{
    GasketRun *run = step->run;
    uint64_t mask = step->reduced;
    uint32_t n_elements =
        run->totals.n_aggregates == 0 ? 0 : run->totals.first[run->totals.n_aggregates];
    size_t left = gasket_partials_wire_size(&run->own, mask);
    size_t room = MIN(left, GASKET_BULK_BYTES) + sizeof(GasketStepCounters);

    GasketFrame *frame = gasket_round_frame_new(GASKET_SECTION_TOTALS, (uint32_t)room, error);
    if (frame == NULL)
        return false;
    GasketRoundHeader *header = gasket_round_frame_header(frame);
    uint8_t *body = gasket_round_frame_body(frame);
    header->first = state->totals;
    size_t used = 0;
    if (mask != 0 && n_elements > 0)
        used = gasket_partials_write(&run->own, mask, &state->totals, body + sizeof step->own,
                                     room - sizeof step->own);
    /* A frame that had room for another element was the last one. */
    bool last = used + GASKET_EXACT_SUM_BYTES <= room - sizeof step->own ||
                state->totals >= n_elements || used == left;
    header->last = last;
    GasketStepCounters counters = last ? step->own : (GasketStepCounters){0};
    memcpy(body, &counters, sizeof counters);
    frame->length = (uint32_t)(sizeof *header + sizeof counters + used);
    *ret_frame = frame;
    return true;
}

/* Whether everything but totals is on its way to everybody: the totals say how much it was. */
static bool
all_sent(const GasketStep *step)
{
    for (unsigned p = 0; p < step->run->part->size; p++)
        if (p != step->run->part->rank && !step->peers[p].edges_done)
            return false;
    return true;
}

static bool
produce(void *data, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    GasketStep *step = data;
    GasketStepPeer *state = &step->peers[peer];

    *ret_frame = NULL;
    if (!step->boundary_done)
        return true;
    if (step->publishes && !state->values_done) {
        const uint64_t *changed = step->full ? NULL : step->kind->changed_owned;
        if (!gasket_ghosts_produce(&step->values, changed, peer, &state->update, ret_frame, error))
            return false;
        if (*ret_frame != NULL) {
            step->own.bytes_sent += (*ret_frame)->length;
            return true;
        }
    }
    state->values_done = true;
    if (step->program->scatter != NULL && !state->edges_done) {
        if (!gasket_edges_produce(step, peer, state, ret_frame, error))
            return false;
        if (*ret_frame != NULL) {
            step->own.bytes_sent += (*ret_frame)->length;
            return true;
        }
    }
    state->edges_done = true;
    return !step->all_done || !all_sent(step) || produce_totals(step, state, ret_frame, error);
}

static bool
consume_totals(GasketStep *step, unsigned peer, const GasketRoundHeader *header,
               const uint8_t *body, uint32_t n_body, GError **error)
{
    GasketRun *run = step->run;
    GasketStepCounters counters;
    uint32_t cursor = header->first;

    if (n_body < sizeof counters)
        return gasket_exchange_refuse(peer, "totals that are cut", error);
    memcpy(&counters, body, sizeof counters);
    gasket_step_count(&step->all, &counters);
    if (n_body == sizeof counters)
        return true;
    if (!gasket_partials_read(&run->all, step->reduced, &cursor, body + sizeof counters,
                              n_body - sizeof counters))
        return gasket_exchange_refuse(peer, "totals that do not fit", error);
    return true;
}

static bool
consume(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
        uint32_t n_body, GError **error)
{
    GasketStep *step = data;

    if (header->last && header->section != GASKET_SECTION_TOTALS)
        return gasket_exchange_refuse(peer, "the end of a step without totals", error);
    switch (header->section) {
    case GASKET_SECTION_VALUES:
        if (!step->publishes || header->index != step->program->kind)
            return gasket_exchange_refuse(peer, "values out of place", error);
        return gasket_ghosts_consume(&step->values, step->full ? NULL : step->kind->changed_ghosts,
                                     peer, header, body, n_body, error);
    case GASKET_SECTION_EDGES:
        if (step->program->scatter == NULL)
            return gasket_exchange_refuse(peer, "edge values out of place", error);
        return gasket_edges_consume(step, peer, header, body, n_body, error);
    case GASKET_SECTION_TOTALS:
        return consume_totals(step, peer, header, body, n_body, error);
    default:
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    }
}

const GasketRound gasket_step_round = {produce, consume};
