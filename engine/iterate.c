/* SPDX-License-Identifier: Apache-2.0 */
/* Iterations: when a driver goes on, and what is reported of it. */
#include <math.h>

#include "engine/snapshots.h"

/* [all] Snapshots, between iterations. A failure ends the driver; the next step, or the job, has
 * it as its error. */
static bool
snapshots_between(GasketRun *run)
{
    return run->failure == NULL && gasket_snapshots_between(run, run->stop_asked, &run->failure);
}

bool
gasket_run_continues_up_to(GasketRun *run, uint32_t max_iterations)
{
    if (run->converged || !snapshots_between(run))
        return false;
    if (run->stop_asked) {
        run->report->stopped = GASKET_STOPPED_ASKED;
        return false;
    }
    if (max_iterations != 0 && run->iteration >= max_iterations) {
        run->report->stopped = GASKET_STOPPED_ITERATIONS;
        return false;
    }
    run->iteration_began_us = g_get_monotonic_time();
    return true;
}

bool
gasket_run_continues(GasketRun *run)
{
    return gasket_run_continues_up_to(run, run->max_iterations);
}

void
gasket_run_end_iteration(GasketRun *run, double residual, bool converged)
{
    int64_t now = g_get_monotonic_time();

    if (converged && run->stale != NULL && !run->settling) {
        run->settling = true; /* now with values that are not stale, until it says so again */
        converged = false;
    }
    run->iteration++;
    run->converged = converged;
    if (converged)
        run->report->stopped = GASKET_STOPPED_CONVERGED;
    run->under_way.step = run->step;
    run->under_way.residual = residual;
    run->under_way.seconds = (double)(now - run->iteration_began_us) / 1e6;
    gasket_report_add_iteration(run->report, &run->under_way);
    if (run->progress != NULL) {
        GasketProgress progress = {.phase = "run",
                                   .iteration = run->iteration,
                                   .iterations = run->max_iterations,
                                   .residual = residual,
                                   .active = run->under_way.active,
                                   .seconds = (double)(now - run->run_began_us) / 1e6,
                                   .report = run->report};
        run->progress(run->progress_data, &progress);
    }
    run->under_way = (GasketReportIteration){0};
}

bool
gasket_run_iterate(GasketRun *run, const GasketProgram *const *programs, unsigned n_programs,
                   GError **error)
{
    while (gasket_run_continues(run)) {
        bool writes = false, changed = false;
        for (unsigned p = 0; p < n_programs; p++) {
            if (!gasket_run_step(run, programs[p], error))
                return false;
            if (programs[p]->changes == GASKET_CHANGES_NONE ||
                run->kinds[programs[p]->kind].current == NULL)
                continue;
            writes = true;
            changed = changed || gasket_run_n_changed(run, programs[p]->kind) > 0;
        }
        gasket_run_end_iteration(run, NAN, writes && !changed);
    }
    return true;
}

void
gasket_run_set_metric(GasketRun *run, const char *name, double value)
{
    gasket_report_set_metric(run->report, name, value);
}

void
gasket_run_keep(GasketRun *run, void *data, size_t size)
{
    g_assert(run->n_kept < GASKET_MAX_KEPT);
    run->kept[run->n_kept++] = (GasketKept){data, size};
}

void
gasket_run_keep_array(GasketRun *run, unsigned kind, void *data, const uint64_t *begin, size_t size)
{
    g_assert(run->n_kept_arrays < GASKET_MAX_KEPT && kind < run->part->n_kinds);
    run->kept_arrays[run->n_kept_arrays++] = (GasketKeptArray){kind, data, begin, size};
}

void
gasket_run_note(GasketRun *run, const char *text)
{
    if (run->note != NULL)
        run->note(run->progress_data, text);
}
