/* SPDX-License-Identifier: Apache-2.0 */
/* Running woken vertices until none is: by steps, or by the asynchronous engine. */
#include <math.h>

#include "engine/async.h"

static bool
refuse(const GasketProgram *program, const char *why, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "program \"%s\" %s", program->name,
                why);
    return false;
}

static bool
check_programs(const GasketRun *run, const GasketProgram *const *programs, unsigned n_programs,
               GError **error)
{
    for (unsigned p = 0; p < n_programs; p++) {
        if (programs[p]->kind >= run->part->n_kinds)
            return refuse(programs[p], "is for a kind of vertices that the graph does not have",
                          error);
        if (programs[p]->wakes == GASKET_WAKES_NONE)
            return refuse(programs[p], "is never woken, so it would never be quiet", error);
        for (unsigned q = 0; q < p; q++)
            if (programs[q]->kind == programs[p]->kind)
                return refuse(programs[p], "is the second one of its kind of vertices", error);
    }
    return true;
}

/* A step of each program; *ret_moved: values that they changed and vertices that they woke. */
static bool
step_all(GasketRun *run, const GasketProgram *const *programs, unsigned n_programs,
         uint64_t *ret_moved, GError **error)
{
    *ret_moved = 0;
    for (unsigned p = 0; p < n_programs; p++) {
        if (!gasket_run_step(run, programs[p], error))
            return false;
        if (programs[p]->changes != GASKET_CHANGES_NONE && programs[p]->apply != NULL &&
            run->kinds[programs[p]->kind].current != NULL &&
            programs[p]->wakes != GASKET_WAKES_CHOSEN)
            *ret_moved += run->kinds[programs[p]->kind].n_changed;
        *ret_moved += run->n_woken;
    }
    return true;
}

void
gasket_run_set_measure(GasketRun *run, const GasketMeasure *measure)
{
    run->measure = measure != NULL ? *measure : (GasketMeasure){0};
}

bool
gasket_run_end_measured(GasketRun *run, GError **error)
{
    const GasketMeasure *measure = &run->measure;
    double residual = NAN;

    if (measure->program != NULL) {
        uint64_t active = run->under_way.active; /* who was looked at has not run */
        if (!gasket_run_step(run, measure->program, error))
            return false;
        run->under_way.active = active;
        residual = gasket_run_total(run, measure->aggregate, measure->element);
        if (measure->then != NULL)
            measure->then(run, measure->data);
    }
    gasket_run_end_iteration(run, residual, run->quiet || residual < measure->enough);
    return true;
}

bool
gasket_run_until_quiet(GasketRun *run, const GasketProgram *const *programs, unsigned n_programs,
                       GError **error)
{
    if (!check_programs(run, programs, n_programs, error))
        return false;
    run->quiet = run->converged = false;
    if (run->engine == GASKET_ENGINE_ASYNC)
        return gasket_async_run(run, programs, n_programs, error);
    while (gasket_run_continues(run)) {
        uint64_t moved;
        if (!step_all(run, programs, n_programs, &moved, error))
            return false;
        run->quiet = moved == 0;
        if (!gasket_run_end_measured(run, error))
            return false;
    }
    return true;
}

bool
gasket_run_is_quiet(const GasketRun *run)
{
    return run->quiet;
}
