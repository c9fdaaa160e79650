/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds that lag. See stale.h.
 *
 *   rounds     r - S ... r - 1 | r | r + 1 ... r + S      that peers may be sending
 *   slot          totals and counters of each, until they are shown
 */
#include "engine/stale.h"

#include "engine/array.h"

typedef struct {
    uint64_t round; /* of which it holds totals */
    GasketPartials all;
    GasketStepCounters counters;
} StaleSlot;

struct GasketStale {
    GasketRun *run;
    GasketProgram program; /* of the rounds that lag together */
    uint8_t tag;           /* theirs */
    uint64_t first;        /* the first of them; 0: nothing is outstanding */
    GasketStep *step;      /* under way, or NULL */
    GasketValues values;   /* where what arrives is put */
    unsigned n_slots;
    StaleSlot slot[]; /* [n_slots] */
};

static StaleSlot *
slot_of(GasketStale *stale, uint64_t round)
{
    StaleSlot *slot = &stale->slot[round % stale->n_slots];
    if (slot->round != round) {
        slot->round = round;
        slot->counters = (GasketStepCounters){0};
        gasket_partials_reset(&slot->all, stale->program.aggregates);
    }
    return slot;
}

/* ---- the round ------------------------------------------------------------------------------- */

static bool
produce(void *data, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    GasketStale *stale = data;
    return gasket_step_round.produce(stale->step, peer, ret_frame, error);
}

static bool
consume_totals(GasketStale *stale, unsigned peer, const GasketRoundHeader *header,
               const uint8_t *body, uint32_t n_body, GError **error)
{
    StaleSlot *slot = slot_of(stale, header->round);
    const GasketStepTotals to = {.program = &stale->program,
                                 .counters = &slot->counters,
                                 .partials = &slot->all,
                                 .mask = stale->program.aggregates};
    return gasket_step_take_totals(&to, peer, header, body, n_body, error);
}

static bool
consume(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
        uint32_t n_body, GError **error)
{
    GasketStale *stale = data;

    if (header->last && header->section != GASKET_SECTION_TOTALS)
        return gasket_exchange_refuse(peer, "the end of a step without totals", error);
    if (header->section == GASKET_SECTION_TOTALS)
        return consume_totals(stale, peer, header, body, n_body, error);
    if (header->section != GASKET_SECTION_VALUES || header->index != stale->program.kind)
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    return gasket_ghosts_consume(&stale->values,
                                 stale->run->kinds[stale->program.kind].changed_ghosts, peer,
                                 header, body, n_body, error);
}

static const GasketRound stale_round = {produce, consume};

void
gasket_stale_begin(GasketStale *stale, GasketStep *step)
{
    GasketRun *run = stale->run;

    stale->step = step;
    stale->values = step->values;
    gasket_exchange_begin_lagging(run->exchange, &stale_round, stale, stale->tag, run->staleness);
    if (stale->first == 0)
        stale->first = gasket_exchange_round(run->exchange);
}

bool
gasket_stale_finish(GasketStale *stale, GError **error)
{
    GasketRun *run = stale->run;
    GasketStep *step = stale->step;
    uint64_t round = gasket_exchange_round(run->exchange);
    uint64_t shown = MAX(stale->first, round - MIN(run->staleness, round));
    StaleSlot *own = slot_of(stale, round);

    gasket_partials_merge(&own->all, &run->own, stale->program.aggregates);
    bool ok = gasket_exchange_finish_until(run->exchange, shown, error);
    gasket_step_count(&own->counters, &step->own); /* now that what was sent is counted */
    stale->step = NULL;
    if (!ok)
        return false;
    StaleSlot *slot = slot_of(stale, shown);
    gasket_partials_finish(&slot->all, &run->totals, stale->program.aggregates);
    step->all = slot->counters;
    return true;
}

/* ---- what may be stale ----------------------------------------------------------------------- */

/* Whether a step reads nothing but its own kind's values, and publishes such. */
static bool
may_be_stale(const GasketRun *run, const GasketProgram *program, const GasketStepPart *part)
{
    if (run->staleness == 0 || run->settling || run->part->size == 1 || part->set != NULL ||
        !part->first || !part->last || program->scatter != NULL || program->apply == NULL ||
        program->n_rows == 0 || program->changes == GASKET_CHANGES_NONE ||
        program->wakes == GASKET_WAKES_CHOSEN || run->kinds[program->kind].current == NULL)
        return false;
    for (unsigned s = 0; s < program->n_rows; s++) {
        const GasketPartRelation *relation = &run->part->relations[program->rows[s].relation];
        if (gasket_part_neighbour_kind(relation, program->rows[s].direction) != program->kind)
            return false;
    }
    return true;
}

static bool
is_same_program(const GasketProgram *a, const GasketProgram *b)
{
    return a->kind == b->kind && a->gather == b->gather && a->apply == b->apply &&
           a->aggregates == b->aggregates && a->changes == b->changes && a->wakes == b->wakes &&
           a->n_rows == b->n_rows && a->rows == b->rows;
}

static bool
stale_new(GasketRun *run, GError **error)
{
    unsigned n_slots = 2 * run->staleness + 1;

    run->stale = gasket_array_new(1, sizeof *run->stale + n_slots * sizeof(StaleSlot), error);
    if (run->stale == NULL)
        return false;
    run->stale->run = run;
    for (; run->stale->n_slots < n_slots; run->stale->n_slots++) {
        StaleSlot *slot = &run->stale->slot[run->stale->n_slots];
        if (!gasket_partials_init(&slot->all, &run->totals, error))
            return false;
    }
    return true;
}

bool
gasket_stale_prepare(GasketRun *run, const GasketProgram *program, const GasketStepPart *part,
                     GasketStale **ret_stale, GError **error)
{
    *ret_stale = NULL;
    if (run->staleness == 0)
        return true;
    bool stale = may_be_stale(run, program, part);
    if ((!stale || (run->stale != NULL && !is_same_program(&run->stale->program, program))) &&
        !gasket_stale_settle(run, error))
        return false;
    if (!stale)
        return true;
    if (run->stale == NULL && !stale_new(run, error))
        return false;
    if (run->stale->first == 0)
        run->stale->tag = run->stale->tag % UINT8_MAX + 1;
    run->stale->program = *program;
    *ret_stale = run->stale;
    return true;
}

bool
gasket_stale_settle(GasketRun *run, GError **error)
{
    GasketStale *stale = run->stale;

    if (stale == NULL || stale->first == 0)
        return true;
    GasketKindData *kind = &run->kinds[stale->program.kind];
    stale->values.bytes = kind->current;
    if (!gasket_exchange_finish(run->exchange, error))
        return false;
    uint64_t round = gasket_exchange_round(run->exchange);
    StaleSlot *slot = slot_of(stale, round);
    if (round - stale->first > 0) /* else it was shown */
        gasket_partials_finish(&slot->all, &run->totals, stale->program.aggregates);
    stale->first = 0;
    kind->all_active = true; /* whoever reads what has come */
    kind->all_changed = true;
    return true;
}

void
gasket_stale_free(GasketStale *stale)
{
    if (stale == NULL)
        return;
    for (unsigned i = 0; i < stale->n_slots; i++)
        gasket_partials_clear(&stale->slot[i].all);
    gasket_array_free(stale);
}
