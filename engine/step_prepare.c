/* SPDX-License-Identifier: Apache-2.0 */
/* What a superstep needs before it runs: buffers, where values go, who runs. See step.h. */
#include "engine/step.h"

#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/rows_use.h"

/* ---- buffers --------------------------------------------------------------------------------- */

/* Grows a buffer that is written before it is read. */
static bool
need(uint8_t **buffer, size_t *size, uint64_t n, size_t each, GError **error)
{
    uint64_t bytes;
    if (!g_uint64_checked_mul(&bytes, n, each)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "sums are too large");
        return false;
    }
    if (bytes <= *size)
        return true;
    gasket_array_free(*buffer);
    *size = 0;
    *buffer = gasket_array_new(bytes, 1, error);
    if (*buffer == NULL)
        return false;
    *size = bytes;
    return true;
}

bool
gasket_step_need_sums(GasketStep *step, GError **error)
{
    GasketRun *run = step->run;
    return need(&run->sums, &run->sums_size, step->part->n_owned, step->program->sum_size, error);
}

/* ---- preparing ------------------------------------------------------------------------------- */

bool
gasket_step_prepare_values(GasketStep *step, const GasketVertexSet *set, GError **error)
{
    GasketRun *run = step->run;
    const GasketProgram *program = step->program;
    GasketKindData *kind = step->kind;
    bool reads_own = false;

    for (unsigned s = 0; s < program->n_rows; s++) {
        const GasketPartRelation *relation = &run->part->relations[program->rows[s].relation];
        if (gasket_part_neighbour_kind(relation, program->rows[s].direction) == program->kind)
            reads_own = true;
    }
    step->publishes =
        program->changes != GASKET_CHANGES_NONE && program->apply != NULL && kind->current != NULL;
    step->all_run = program->wakes == GASKET_WAKES_NONE && set == NULL;
    step->full = program->changes == GASKET_CHANGES_ALL && step->all_run && step->stale == NULL;
    step->in_place = !reads_own;
    if (step->publishes && !step->in_place && kind->next == NULL) {
        uint64_t bytes = kind->value_begin != NULL
                             ? kind->value_begin[step->part->n_local]
                             : (uint64_t)step->part->n_local * kind->value_size;
        kind->next = gasket_array_new(bytes, 1, error);
        if (kind->next == NULL)
            return false;
        memcpy(kind->next, kind->current, bytes);
    }
    step->values = (GasketValues){.part = step->part,
                                  .kind = program->kind,
                                  .size = kind->value_size,
                                  .begin = kind->value_begin,
                                  .bytes = step->in_place ? kind->current : kind->next};
    return true;
}

void
gasket_step_prepare_rows(GasketStep *step, unsigned s)
{
    GasketRowSet set = step->program->rows[s];
    step->offset[s] = gasket_run_part_rows(step->run, set.relation, set.direction)->offset;
    step->rows[s] = gasket_rows_view(step->run, set);
    step->rows[s].set = s;
}

const uint32_t *
gasket_step_reader_degree(const GasketStep *step)
{
    if (step->program->n_rows == 0)
        return NULL;
    GasketRowSet set = step->program->rows[0];
    const GasketPartRelation *relation = &step->run->part->relations[set.relation];
    if (relation->source != relation->target)
        return NULL;
    return set.direction == GASKET_IN ? relation->out_degree : relation->in_degree;
}

bool
gasket_step_prepare_threads(GasketStep *step, GError **error)
{
    GasketRun *run = step->run;
    const GasketProgram *program = step->program;
    const GasketPartRelation *relation =
        program->n_rows > 0 ? &run->part->relations[program->rows[0].relation]
                            : (run->part->n_relations > 0 ? &run->part->relations[0] : NULL);

    step->block_rows = GASKET_BLOCK_ROWS;
    if (program->sum_size > 0)
        step->block_rows = CLAMP((256u << 10) / program->sum_size, 1, GASKET_BLOCK_ROWS);
    for (unsigned t = 0; t < run->n_threads; t++) {
        GasketThread *thread = &run->threads[t];
        if (!need(&thread->sums, &thread->sums_size, step->block_rows, program->sum_size, error) ||
            !need(&thread->scratch, &thread->scratch_size, program->scratch_size, 1, error))
            return false;
        if (program->scratch_size > 0)
            memset(thread->scratch, 0, program->scratch_size);
        gasket_run_fill_context(run, &thread->context, program->kind, relation);
        thread->context.step = run->step;
        thread->context.parameters = program->parameters;
        thread->context.scratch = program->scratch_size > 0 ? thread->scratch : NULL;
        thread->context.thread = thread;
        thread->n_ran = thread->n_changed = thread->n_woken = thread->changed_degree = 0;
        gasket_partials_reset(&thread->partials, program->aggregates);
    }
    gasket_partials_reset(&run->own, step->fresh);
    gasket_partials_reset(&run->all, step->fresh);
    return true;
}

/* Takes a set of vertices out of those that are woken: they run. */
static void
use_up(GasketKindData *kind, const uint64_t *set, uint32_t n)
{
    if (kind->all_active)
        gasket_bitset_fill(kind->active, n);
    kind->all_active = false;
    for (size_t w = 0; w < gasket_bitset_words(n); w++)
        kind->active[w] &= ~set[w];
}

/* Those of a set that are woken, in the buffer behind the woken ones. */
static const uint64_t *
awake_of(GasketKindData *kind, const uint64_t *set, uint32_t n)
{
    size_t words = gasket_bitset_words(n);

    if (kind->all_active)
        return set;
    for (size_t w = 0; w < words; w++)
        kind->active[words + w] = kind->active[w] & set[w];
    return kind->active + words;
}

/* Who runs: a set, those woken, or all. Woken vertices are used up; while all are, a monotone
 * program leaves it at that, so that nobody need be woken. */
void
gasket_step_prepare_active(GasketStep *step, const uint64_t *set)
{
    GasketKindData *kind = step->kind;
    uint32_t n = step->part->n_owned;

    step->active = set;
    if (step->program->wakes == GASKET_WAKES_NONE)
        return;
    if (set != NULL) {
        if (step->awake_only)
            step->active = awake_of(kind, set, n);
        use_up(kind, set, n);
        return;
    }
    if (kind->all_active && step->program->monotone)
        return;
    if (kind->all_active) {
        kind->all_active = false;
        gasket_bitset_clear(kind->active, n);
        return;
    }
    memcpy(kind->active + gasket_bitset_words(n), kind->active,
           gasket_bitset_words(n) * sizeof *kind->active);
    step->active = kind->active + gasket_bitset_words(n);
    gasket_bitset_clear(kind->active, n);
}
