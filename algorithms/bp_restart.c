/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Belief propagation from several starts: of the fixed points found, the one of the largest log Z.
 *
 * Fixed points are the stationary points of Bethe's free energy, and -log Z is its value: the
 * lowest one says most about the model. Messages that say nothing find one of them, and where
 * couplings are strong that may be a poor one, or none. So each restart looks for a likely state by
 * annealing, and begins with messages that lean towards it:
 *
 *   anneal ─> messages of factors: LEAN for the state, the rest for all others ─> sweeps
 *
 * What has not converged counts only while nothing has. Random numbers are a function of seed,
 * restart, variable and step, so the outcome is the same for every placement.
 *
 * Cost of a restart: ANNEALING sweeps that choose states, and at most SWEEPS of messages.
 *
 * Reference: J. Yedidia, W. Freeman, Y. Weiss, Constructing free-energy approximations and
 * generalized belief propagation algorithms, 2005 (what fixed points are).
 */
#include "bp.h"

#include <gasket/algorithm.h>

#include "factor_conditional.h"

#define LEAN      0.9
#define ANNEALING 100
#define HOTTEST   2.0
#define COLDEST   0.1
#define SWEEPS    1000
#define SAME      1e-6 /* log Z of one fixed point, as far as two runs go */
#define STREAM    5001 /* of random numbers; each restart takes the next */

static const GasketRowSet factor_rows[] = {{.relation = 0, .direction = GASKET_IN}};

/* ---- what is kept ---------------------------------------------------------------------------- */

/* Takes what bp_finish left if it is better than what is kept. */
static void
keep_better(Bp *bp, BpAnswer *best, double log_z, double residual, bool converged)
{
    const uint32_t n = bp->model.n_variables;
    const BpVariable *variable = gasket_run_state(bp->run, GASKET_KIND_VARIABLE);

    if (best->tried++ > 0 &&
        (converged != best->converged ? !converged : !(log_z > best->log_z + SAME)))
        return;
    best->which = best->tried - 1;
    best->log_z = log_z;
    best->residual = residual;
    best->converged = converged;
    memcpy(best->marginal, bp->settings.marginal,
           bp->settings.marginal_begin[n] * sizeof *best->marginal);
    for (uint32_t v = 0; v < n; v++)
        best->state[v] = variable[v].state;
}

static void
put_back(Bp *bp, const BpAnswer *best)
{
    const uint32_t n = bp->model.n_variables;
    BpVariable *variable = gasket_run_state(bp->run, GASKET_KIND_VARIABLE);

    memcpy(bp->settings.marginal, best->marginal,
           bp->settings.marginal_begin[n] * sizeof *best->marginal);
    for (uint32_t v = 0; v < n; v++)
        variable[v].state = best->state[v];
}

/* ---- a start --------------------------------------------------------------------------------- */

static void
lean_scatter(const GasketContext *context, const GasketRows *rows)
{
    const FactorModel *model = ((const BpSettings *)context->parameters)->model;
    const FactorValue *value = rows->values;

    for (size_t r = 0; r < rows->count; r++) {
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            size_t n;
            (void)factor_in(rows, e, model->uniform, &n);
            double *out = factor_out(rows, e, model->uniform);
            if (n == 1) {
                out[0] = factor_neutral(model->domain);
                continue;
            }
            const double rest = (1 - LEAN) / (double)(n - 1);
            factor_fill(out, n, model->domain == FACTOR_LINEAR ? rest : log(rest / LEAN));
            out[value[rows->neighbour[e]].state] = model->domain == FACTOR_LINEAR ? LEAN : 0;
        }
    }
}

/* [all] A likely state into the values of variables. The domain is LOG. */
static bool
anneal(Bp *bp, uint32_t restart, GError **error)
{
    FactorConditional settings = {.model = &bp->model,
                                  .stream = STREAM + restart,
                                  .inverse_temperature = 1,
                                  .changed = BP_UPDATES};
    int64_t changed;

    if (!factor_conditional_start(&bp->order, &settings, error))
        return false;
    for (unsigned i = 0; i < ANNEALING; i++) {
        settings.inverse_temperature =
            pow(HOTTEST / COLDEST, (double)i / (ANNEALING - 1)) / HOTTEST;
        if (!factor_conditional_sweep(&bp->order, &settings, &changed, error))
            return false;
    }
    return true;
}

/* [all] From an annealed state; the domain is that of the messages again. */
static bool
lean(Bp *bp, uint32_t restart, FactorDomain domain, GError **error)
{
    BpSettings *settings = &bp->settings;
    GasketProgram factors;

    if (bp->model.domain != FACTOR_LOG && !factor_model_set_domain(&bp->model, FACTOR_LOG, error))
        return false;
    if (!anneal(bp, restart, error) ||
        (domain != FACTOR_LOG && !factor_model_set_domain(&bp->model, domain, error)))
        return false;
    settings->fast = bp_is_fast(bp);
    if (!bp_start(bp->run, settings, error))
        return false;
    factors = bp_start_program(settings, GASKET_KIND_FACTOR);
    factors.rows = factor_rows;
    factors.scatter = lean_scatter;
    return gasket_run_step(bp->run, &factors, error);
}

/* ---- restarts -------------------------------------------------------------------------------- */

/* [all] Sweeps until they have converged, or no damping helps. */
static bool
sweep(Bp *bp, double damping, BpOutcome *ret_outcome, double *ret_residual, GError **error)
{
    const double tolerance = gasket_run_tolerance(bp->run);

    bp->settings.damping = damping;
    bp->damping = (BpDamping){.automatic = bp->damping.automatic};
    *ret_outcome = BP_DONE;
    *ret_residual = INFINITY;
    for (unsigned i = 0; i < SWEEPS && *ret_outcome == BP_DONE && *ret_residual >= tolerance &&
                         !bp->damping.exhausted && gasket_run_continues(bp->run);
         i++) {
        if (!bp_sweep(bp, ret_residual, ret_outcome, error))
            return false;
        gasket_run_end_iteration(bp->run, *ret_residual, false);
        bp_damping_watch(&bp->damping, &bp->settings, *ret_residual, tolerance);
    }
    return true;
}

/* [all] One restart, in logarithms if linear messages underflow. */
static bool
restart_once(Bp *bp, uint32_t restart, double damping, FactorDomain *domain, BpAnswer *best,
             GError **error)
{
    BpOutcome outcome = BP_UNDERFLOW;
    double residual = INFINITY, log_z;

    while (outcome == BP_UNDERFLOW) {
        if (!lean(bp, restart, *domain, error) || !bp_speak_first(bp, &outcome, error) ||
            (outcome == BP_DONE && !sweep(bp, damping, &outcome, &residual, error)))
            return false;
        if (outcome == BP_UNDERFLOW && *domain == FACTOR_LOG)
            return true;
        if (outcome == BP_UNDERFLOW)
            *domain = FACTOR_LOG;
    }
    if (outcome != BP_DONE)
        return true;
    bool conflict = false, converged = residual < gasket_run_tolerance(bp->run);
    if (converged && bp->model.domain == FACTOR_LOG &&
        !bp_find_conflict(bp->run, &bp->settings, &conflict, error))
        return false;
    if (!bp_finish(bp->run, &bp->settings, &log_z, error))
        return false;
    keep_better(bp, best, log_z, residual, converged && !conflict);
    return true;
}

static bool
open_answer(const Bp *bp, BpAnswer *best, GError **error)
{
    const uint32_t n = bp->model.n_variables;

    best->marginal = g_try_malloc0_n(bp->settings.marginal_begin[n] + 1, sizeof *best->marginal);
    best->state = g_try_malloc0_n((size_t)n + 1, sizeof *best->state);
    if (best->marginal != NULL && best->state != NULL)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for marginals");
    return false;
}

bool
bp_restart(Bp *bp, uint32_t restarts, double damping, double *log_z, GError **error)
{
    FactorDomain domain = bp->model.domain;
    BpAnswer *best = &bp->best;

    if (!open_answer(bp, best, error) || !bp_need_order(bp, error))
        return false;
    keep_better(bp, best, *log_z, bp->residual, bp->converged);
    bp->settings.counting = NULL; /* plain messages again */
    for (uint32_t r = 1; r <= restarts; r++) {
        gasket_run_end_iteration(bp->run, NAN, false); /* of the search for a state */
        if (!gasket_run_continues(bp->run))
            break;
        if (!restart_once(bp, r, damping, &domain, best, error))
            return false;
    }
    put_back(bp, best);
    *log_z = best->log_z;
    gasket_run_end_iteration(bp->run, best->residual, best->converged);
    return true;
}
