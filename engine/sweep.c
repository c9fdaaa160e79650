/* SPDX-License-Identifier: Apache-2.0 */
/* Sweeps over colours. See sweep.h. */
#include "engine/sweep.h"

#include "engine/colouring.h"
#include "engine/step.h"

/* The first row set over which the program gathers values of its own kind, or NULL. */
static const GasketRowSet *
own_rows(const GasketRun *run, const GasketProgram *program)
{
    for (unsigned s = 0; s < program->n_rows; s++) {
        const GasketRowSet *set = &program->rows[s];
        if (set->relation >= run->part->n_relations)
            continue;
        const GasketPartRelation *relation = &run->part->relations[set->relation];
        if (relation->source == program->kind && relation->target == program->kind)
            return set;
    }
    return NULL;
}

bool
gasket_sweep_colouring(GasketRun *run, const GasketProgram *program,
                       GasketColouring **ret_colouring, GError **error)
{
    if (run->engine != GASKET_ENGINE_CHROMATIC || program->kind >= run->part->n_kinds ||
        run->kinds[program->kind].current == NULL || program->apply == NULL ||
        program->scatter != NULL || program->changes == GASKET_CHANGES_NONE)
        return true;
    const GasketRowSet *rows = own_rows(run, program);
    if (rows == NULL)
        return true;
    GasketColouring **kept = &run->colourings[rows->relation];
    if (*kept == NULL)
        *kept = gasket_run_colour(run, *rows, 1, error);
    *ret_colouring = *kept;
    return *kept != NULL;
}

bool
gasket_run_sweep(GasketRun *run, const GasketProgram *program, GasketColouring *colouring,
                 GError **error)
{
    uint32_t n = gasket_colouring_n(colouring);
    uint64_t n_changed = 0, changed_degree = 0;

    if (program->kind != colouring->kind) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "program \"%s\" is for another kind of vertices than the colouring",
                    program->name);
        return false;
    }
    GasketKindData *kind = &run->kinds[program->kind];
    bool publishes =
        program->changes != GASKET_CHANGES_NONE && program->apply != NULL && kind->current != NULL;
    /* Without vertices there are no colours, and still totals. */
    for (uint32_t c = 0; c < MAX(n, 1); c++) {
        const GasketStepPart part = {.set = n > 0 ? gasket_colouring_set(colouring, c)
                                                  : colouring->set,
                                     .awake_only = true,
                                     .first = c == 0,
                                     .last = c + 1 >= n};
        if (!gasket_step_run(run, program, &part, error))
            return false;
        n_changed += kind->n_changed;
        changed_degree += kind->changed_degree;
    }
    if (publishes) {
        kind->n_changed = n_changed;
        kind->changed_degree = changed_degree;
    }
    return true;
}
