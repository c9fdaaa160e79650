/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sends when, until nothing changes any more, and how much of an old message stays.
 *
 *   sequential   speak first ─> group 0: its factors, its variables ─> group 1 ─> ...
 *   parallel     all variables ─> all factors
 *   residual     who is woken ─> everybody once ─> if that changed anything, sweeps
 *   splash       trees where most has changed ─> as residual
 */
#include "bp.h"

#include <stdatomic.h>

#include <gasket/algorithm.h>

/* ---- damping --------------------------------------------------------------------------------- */

#define PATIENCE 20   /* sweeps of the first window */
#define ENOUGH   1600 /* sweeps that should have brought ... */
#define FAR      30   /* ... a residual of less than so many tolerances */

/* Whether the double loop shall take over: of sums alone. */
static void
damping_give_up(BpDamping *damping, const BpSettings *settings)
{
    damping->exhausted = settings->model->domain != FACTOR_MAX;
}

void
bp_damping_watch(BpDamping *damping, BpSettings *settings, double residual, double tolerance)
{
    static const double stages[] = {0, 0.3, 0.5, 0.7, 0.85, 0.95};

    if (!damping->automatic)
        return;
    if (damping->window == 0)
        *damping = (BpDamping){.automatic = true,
                               .best = INFINITY,
                               .before = INFINITY,
                               .window = PATIENCE,
                               .stage = damping->stage,
                               .sweeps = damping->sweeps};
    damping->best = MIN(damping->best, residual);
    if (++damping->sweeps >= ENOUGH && damping->best > FAR * tolerance)
        damping_give_up(damping, settings);
    if (++damping->at < damping->window)
        return;
    if (damping->best < 0.8 * damping->before) {
        damping->before = damping->best;
        damping->best = INFINITY;
        damping->at = 0;
        damping->window *= 2;
        return;
    }
    if (damping->stage + 1 < G_N_ELEMENTS(stages))
        settings->damping = stages[++damping->stage];
    else
        damping_give_up(damping, settings);
    damping->window = 0;
}

/* ---- schedules ------------------------------------------------------------------------------- */

#define MOST_MESSAGES 100 /* of the residual schedule, for each end of a scope */

bool
bp_is_fast(const Bp *bp)
{
    return bp->model.domain == FACTOR_LINEAR && bp->model.uniform == 2;
}

void
bp_end_iteration(Bp *bp, double residual, bool converged)
{
    bp->residual = residual;
    bp->converged = converged;
    gasket_run_end_iteration(bp->run, residual, converged);
}

bool
bp_need_order(Bp *bp, GError **error)
{
    return bp->order.n_groups > 0 ||
           factor_order_open(&bp->order, &bp->model, GASKET_KIND_VARIABLE, error);
}

BpOutcome
bp_outcome(const GasketRun *run, const BpSettings *settings)
{
    if (settings->model->domain == FACTOR_LINEAR && gasket_run_total_count(run, BP_TINY, 0) > 0)
        return BP_UNDERFLOW;
    return gasket_run_total_count(run, BP_IMPOSSIBLE, 0) > 0 ? BP_CONTRADICTION : BP_DONE;
}

bool
bp_publish_factors(GasketRun *run, GError **error)
{
    return gasket_run_values(run, GASKET_KIND_FACTOR) != NULL ||
           gasket_run_set_value(run, GASKET_KIND_FACTOR, sizeof(FactorValue), error);
}

bool
bp_start(GasketRun *run, const BpSettings *settings, GError **error)
{
    const GasketProgram factors = bp_start_program(settings, GASKET_KIND_FACTOR);
    const GasketProgram variables = bp_start_program(settings, GASKET_KIND_VARIABLE);
    return gasket_run_step(run, &factors, error) && gasket_run_step(run, &variables, error);
}

/* Everybody at once. */
static bool
sweep_parallel(Bp *bp, double *ret_residual, BpOutcome *ret_outcome, GError **error)
{
    const GasketProgram variables = bp_variable_program(&bp->settings);
    const GasketProgram factors = bp_factor_program(&bp->settings);

    if (!gasket_run_step(bp->run, &variables, error))
        return false;
    *ret_outcome = bp_outcome(bp->run, &bp->settings);
    if (*ret_outcome != BP_DONE)
        return true;
    if (!gasket_run_step(bp->run, &factors, error))
        return false;
    *ret_outcome = bp_outcome(bp->run, &bp->settings);
    *ret_residual = gasket_run_total(bp->run, BP_RESIDUAL, 0);
    bp->updates += gasket_run_total_count(bp->run, BP_UPDATES, 0);
    return true;
}

/* Group by group. */
static bool
sweep_sequential(Bp *bp, double *ret_residual, BpOutcome *ret_outcome, GError **error)
{
    BpOutcome outcome = BP_DONE;
    double residual = 0;

    for (uint32_t g = 0; outcome == BP_DONE && g < bp->order.n_groups; g++) {
        bp->settings.group = g;
        const GasketProgram variables = bp_variable_program(&bp->settings);
        const GasketProgram factors = bp_factor_program(&bp->settings);
        if (!factor_order_turn(&bp->order, g, &factors, NULL, error))
            return false;
        residual = MAX(residual, gasket_run_total(bp->run, BP_RESIDUAL, 0));
        bp->updates += gasket_run_total_count(bp->run, BP_UPDATES, 0);
        outcome = bp_outcome(bp->run, &bp->settings);
        if (outcome != BP_DONE)
            break;
        if (!factor_order_turn(&bp->order, g, NULL, &variables, error))
            return false;
        outcome = bp_outcome(bp->run, &bp->settings);
    }
    bp->settings.group = FACTOR_ALL_GROUPS;
    *ret_residual = residual;
    *ret_outcome = outcome;
    return true;
}

bool
bp_speak_first(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    const GasketProgram variables = bp_variable_program(&bp->settings);

    if (!gasket_run_step(bp->run, &variables, error))
        return false;
    *ret_outcome = bp_outcome(bp->run, &bp->settings);
    return true;
}

bool
bp_sweep(Bp *bp, double *ret_residual, BpOutcome *ret_outcome, GError **error)
{
    const bool sequential = bp->order.n_groups > 0 && bp->schedule != BP_SCHEDULE_PARALLEL;
    return (sequential ? sweep_sequential : sweep_parallel)(bp, ret_residual, ret_outcome, error);
}

/* What only seems to have converged is for the double loop. */
static bool
check_conflict(Bp *bp, bool *ret_converged, GError **error)
{
    bool conflict;

    if (bp->model.domain != FACTOR_LOG || !bp->damping.automatic || bp->reweighted)
        return true;
    if (!bp_find_conflict(bp->run, &bp->settings, &conflict, error))
        return false;
    *ret_converged = !conflict;
    bp->damping.exhausted = conflict;
    return true;
}

static bool
sweep_to_end(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    while (*ret_outcome == BP_DONE && (!bp->damping.exhausted || bp->reweighted) &&
           gasket_run_continues(bp->run)) {
        double residual = 0;
        if (!bp_sweep(bp, &residual, ret_outcome, error))
            return false;
        bool converged = *ret_outcome == BP_DONE && residual < gasket_run_tolerance(bp->run);
        if (converged && !check_conflict(bp, &converged, error))
            return false;
        bp_end_iteration(bp, residual, converged);
        if (!converged)
            bp_damping_watch(&bp->damping, &bp->settings, residual, gasket_run_tolerance(bp->run));
    }
    return true;
}

/* [all] Messages of those that are woken, alone or in trees. */
static bool
pass_woken(Bp *bp, BpResidual *residual, BpOutcome *ret_outcome, GError **error)
{
    const int64_t most = MOST_MESSAGES * (int64_t)gasket_run_n_edges(bp->run, 0);
    double figure[2];
    bool ok;

    bp->settings.residual = residual;
    bp->settings.fast = false; /* it wakes nobody */
    if (bp->schedule == BP_SCHEDULE_SPLASH) {
        factor_order_clear(&bp->order); /* trees take the place of groups */
        residual->last_step = UINT64_MAX;
        residual->most = INT64_MAX;
        ok = bp_splash_run(bp, most, ret_outcome, error);
    } else {
        const bool async = gasket_run_engine(bp->run) == GASKET_ENGINE_ASYNC;
        const uint64_t step = gasket_run_context(bp->run, GASKET_KIND_FACTOR)->step;
        residual->last_step = async ? UINT64_MAX : step + 2 * MOST_MESSAGES;
        residual->most = async ? most : INT64_MAX;
        ok = bp_residual_run(bp->run, &bp->settings, error);
    }
    bp->settings.residual = NULL;
    bp->settings.fast = bp_is_fast(bp);
    figure[0] = (double)atomic_load(&residual->updates);
    figure[1] = atomic_load(&residual->tiny) ? 1 : 0;
    if (!ok || !gasket_run_reduce_sum(bp->run, figure, 2, error))
        return false;
    bp->updates += (int64_t)figure[0];
    if (figure[1] > 0 && bp->model.domain == FACTOR_LINEAR)
        *ret_outcome = BP_UNDERFLOW;
    return true;
}

/* As they are woken; then everybody once, to know what is left to change. What has not converged by
 * then goes on in sweeps, with damping. */
static bool
by_residual(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    BpResidual residual = {.tolerance = gasket_run_tolerance(bp->run)};
    double left = 0;

    if (!pass_woken(bp, &residual, ret_outcome, error))
        return false;
    if (*ret_outcome == BP_UNDERFLOW)
        bp_end_iteration(bp, NAN, false);
    if (*ret_outcome != BP_DONE)
        return true;
    if (!sweep_parallel(bp, &left, ret_outcome, error))
        return false;
    /* Many small changes that woke nobody may add up to a little more. */
    bool converged = *ret_outcome == BP_DONE && left < 10 * residual.tolerance;
    if (converged && !check_conflict(bp, &converged, error))
        return false;
    if (bp->schedule == BP_SCHEDULE_SPLASH || (*ret_outcome == BP_DONE && !converged))
        bp_end_iteration(bp, left, converged);
    bp->converged = converged;
    bp->residual = left;
    if (*ret_outcome != BP_DONE || converged)
        return true;
    return bp_need_order(bp, error) && sweep_to_end(bp, ret_outcome, error);
}

static bool
iterate(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    if (bp->schedule == BP_SCHEDULE_RESIDUAL || bp->schedule == BP_SCHEDULE_SPLASH)
        return by_residual(bp, ret_outcome, error);
    if (bp->schedule != BP_SCHEDULE_PARALLEL && !bp_speak_first(bp, ret_outcome, error))
        return false;
    return sweep_to_end(bp, ret_outcome, error);
}

static bool
over_tree(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    const double damping = bp->settings.damping;

    if (!gasket_run_continues(bp->run))
        return true;
    bp->settings.damping = 0;
    if (!bp_forest_pass(bp->forest, &bp->settings, ret_outcome, error))
        return false;
    bp->settings.damping = damping;
    if (*ret_outcome != BP_UNDERFLOW)
        bp_end_iteration(bp, 0, true);
    return true;
}

/* No damping helps: the double loop, from the start. */
static bool
settle(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    if (bp->model.domain == FACTOR_LINEAR &&
        !factor_model_set_domain(&bp->model, FACTOR_LOG, error))
        return false;
    bp->settings.fast = false;
    bp->settings.damping = 0;
    bp->schedule = BP_SCHEDULE_SEQUENTIAL; /* it descends one variable at a time */
    return bp_need_order(bp, error) && bp_counting_open(bp, &bp->counting, error) &&
           bp_start(bp->run, &bp->settings, error) &&
           bp_double_loop(bp, &bp->counting, ret_outcome, error);
}

bool
bp_pass_messages(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    *ret_outcome = BP_DONE;
    if (!bp_start(bp->run, &bp->settings, error) ||
        !(bp->forest != NULL ? over_tree : iterate)(bp, ret_outcome, error))
        return false;
    if (*ret_outcome != BP_DONE || !bp->damping.exhausted || bp->reweighted)
        return true;
    return settle(bp, ret_outcome, error);
}
