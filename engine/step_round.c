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

/* ---- what a step is -------------------------------------------------------------------------- */

static uint64_t
mix(uint64_t hash, uint64_t x)
{
    hash = (hash ^ x) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

uint64_t
gasket_step_identity(const GasketProgram *program, bool on_set)
{
    uint64_t hash = mix(program->kind, (uint64_t)program->changes << 8 | program->wakes);

    hash = mix(hash, (uint64_t)program->sum_size << 1 | on_set);
    hash = mix(hash, program->aggregates);
    hash = mix(hash, (program->apply != NULL) << 1 | (program->scatter != NULL));
    for (unsigned s = 0; s < program->n_rows; s++)
        hash = mix(hash, (uint64_t)program->rows[s].relation << 8 | program->rows[s].direction);
    for (const char *c = program->name; c != NULL && *c != '\0'; c++)
        hash = mix(hash, (uint8_t)*c);
    return hash;
}

bool
gasket_step_check_identity(const GasketProgram *program, bool on_set,
                           const GasketStepCounters *counters, unsigned peer, GError **error)
{
    if (counters->identity == gasket_step_identity(program, on_set))
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL,
                "rank %u made another step than \"%s\": its driver went another way", peer,
                program->name);
    return false;
}

/* ---- what arrives ---------------------------------------------------------------------------- */

/* Values come in order. Where all change, none is left out. */
static bool
consume_values(GasketStep *step, unsigned peer, const GasketRoundHeader *header,
               const uint8_t *body, uint32_t n_body, GError **error)
{
    const GasketValues *values = &step->values;
    uint32_t *from = &step->peers[peer].values_from;

    if (!gasket_ghosts_consume(values, step->full ? NULL : step->kind->changed_ghosts, peer, header,
                               body, n_body, error))
        return false;
    if (!step->full)
        return true;
    if (header->first != *from)
        return gasket_exchange_refuse(peer, "values out of order", error);
    if (header->encoding == GASKET_ENCODING_DENSE) {
        *from += header->count;
    } else if (header->encoding == GASKET_ENCODING_FRAGMENT) {
        GasketVertex v = step->part->ghost_begin[peer] + header->first;
        uint64_t size =
            values->begin != NULL ? values->begin[v + 1] - values->begin[v] : values->size;
        *from += header->count + (uint64_t)n_body == size;
    } else {
        return gasket_exchange_refuse(peer, "some of its values where all are due", error);
    }
    return true;
}

/* Whether everything that is due in every such step has come from the peer. */
static bool
check_all_came(const GasketStep *step, unsigned peer, GError **error)
{
    const uint32_t *begin = step->part->ghost_begin;

    if (step->publishes && step->full &&
        step->peers[peer].values_from != begin[peer + 1] - begin[peer])
        return gasket_exchange_refuse(peer, "fewer values than are due", error);
    if (step->program->scatter != NULL && !gasket_edges_came(step, peer))
        return gasket_exchange_refuse(peer, "fewer edge values than are due", error);
    return true;
}

bool
gasket_step_take_totals(const GasketStepTotals *to, unsigned peer, const GasketRoundHeader *header,
                        const uint8_t *body, uint32_t n_body, GError **error)
{
    GasketStepCounters counters;
    uint32_t cursor = header->first;

    if (n_body < sizeof counters)
        return gasket_exchange_refuse(peer, "totals that are cut", error);
    memcpy(&counters, body, sizeof counters);
    if (header->last &&
        !gasket_step_check_identity(to->program, to->on_set, &counters, peer, error))
        return false;
    gasket_step_count(to->counters, &counters);
    if (!gasket_partials_read(to->partials, to->mask, &cursor, body + sizeof counters,
                              n_body - sizeof counters))
        return gasket_exchange_refuse(peer, "totals that do not fit", error);
    return true;
}

static bool
consume_totals(GasketStep *step, unsigned peer, const GasketRoundHeader *header,
               const uint8_t *body, uint32_t n_body, GError **error)
{
    const GasketStepTotals to = {.program = step->program,
                                 .on_set = step->on_set,
                                 .counters = &step->all,
                                 .partials = &step->run->all,
                                 .mask = step->reduced};
    return gasket_step_take_totals(&to, peer, header, body, n_body, error) &&
           (!header->last || check_all_came(step, peer, error));
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
        return consume_values(step, peer, header, body, n_body, error);
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
