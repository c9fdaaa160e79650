/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Belief propagation with counting numbers: entropies that count more or less than in Bethe's.
 *
 *   maximise   <log tables> + <log priors> + sum over f of c_f H_f + sum over v of c_v H_v
 *
 *   Bethe's approximation        c_f = 1         c_v = 1 - factors of v
 *   tree-reweighted              c_f in (0, 1]   c_v = 1 - sum of c_f of v's factors
 *   a step of the double loop    c_f = 1         c_v larger: below
 *
 * In logarithms, with c = c_v + sum of c_f, and tables to the power of 1 / c_f:
 *
 *   q_v = (prior + sum over f of c_f m_fv) / c         n_vf = q_v - m_fv
 *   m_fv(x) = log of the sum over the others of exp(table / c_f + sum over v' != v of n_v'f)
 *
 * The factors' update is the plain one, of other tables. It is here alone that a message is
 * subtracted: where m_fv(x) is minus infinity no entry of f is left for x, and n_vf(x), whatever
 * it was, meets zeros only: it is minus infinity too.
 *
 * The double loop. Bethe's free energy is not convex, because c_v = 1 - n is negative, n factors of
 * v. With c'_v > c_v instead, and the rest (c_v - c'_v) H_v replaced by what is linear in q_v at
 * the beliefs o of before, it is a bound that touches Bethe's at o:
 *
 *   q_v = (prior + (c'_v - c_v) o_v + sum of m_fv) / (c'_v + n)
 *
 * With c'_v = 0 that is convex; the larger c'_v, the less a belief moves at once. Solving it by
 * sweeps and then taking q for o never raises the free energy, if the sweeps get near enough to the
 * solution: should it not settle, more of them are made for each o. Where o = q the messages are a
 * fixed point of plain belief propagation.
 *
 * References: M. Wainwright, T. Jaakkola, A. Willsky, A new class of upper bounds on the log
 * partition function, 2005; A. Yuille, CCCP algorithms to minimize the Bethe and Kikuchi free
 * energies, 2002; T. Heskes, Convexity arguments for efficient minimization of the Bethe and
 * Kikuchi free energies, 2006.
 */
#include "bp.h"

#include <gasket/algorithm.h>

static const GasketRowSet variable_rows[] = {{.relation = 0, .direction = GASKET_OUT}};

/* ---- variables ------------------------------------------------------------------------------- */

/* The logarithm of the belief, its largest 0; false if nothing is possible. */
static bool
believe(const BpCounting *counting, const FactorModel *model, const GasketRows *rows, size_t r,
        double *q, size_t n)
{
    const GasketVertex v = rows->vertex[r];
    const double *weight = rows->values; /* c_f */
    const double hold = counting->hold[v], share = counting->share[v];
    size_t length;

    factor_prior(model, v, q);
    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
        const double *in = factor_in(rows, e, model->uniform, &length);
        const double c = weight[rows->neighbour[e]];
        for (size_t x = 0; x < n; x++)
            q[x] += c * in[x];
    }
    if (hold > 0) {
        const double *old = counting->old + counting->begin[v];
        for (size_t x = 0; x < n; x++)
            q[x] += hold * old[x];
    }
    for (size_t x = 0; x < n; x++)
        q[x] *= share;
    return factor_rescale(FACTOR_LOG, q, n);
}

void
bp_counting_variables(const GasketContext *context, const GasketRows *rows)
{
    const BpSettings *settings = context->parameters;
    const BpCounting *counting = settings->counting;
    const FactorModel *model = settings->model;
    double *q = context->scratch;
    BpSeen seen = {0};

    for (size_t r = 0; r < rows->count; r++) {
        const GasketVertex v = rows->vertex[r];
        const size_t n = (size_t)model->cardinality[v];
        bool possible = believe(counting, model, rows, r, q, n);
        seen.impossible += !possible;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            size_t length;
            const double *in = factor_in(rows, e, model->uniform, &length);
            double *out = factor_out(rows, e, model->uniform);
            for (size_t x = 0; x < n; x++)
                out[x] = in[x] > -INFINITY ? q[x] - in[x] : -INFINITY;
            (void)factor_rescale(FACTOR_LOG, out, n);
        }
        memcpy(counting->now + counting->begin[v], q, n * sizeof *q);
    }
    bp_tell(context, &seen);
}

void
bp_counting_belief(const BpSettings *settings, const GasketRows *rows, size_t r, double *belief,
                   size_t n)
{
    const double *weight = rows->values; /* c_f */
    size_t length;

    factor_prior(settings->model, rows->vertex[r], belief);
    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
        const double *in = factor_in(rows, e, settings->model->uniform, &length);
        for (size_t x = 0; x < n; x++)
            belief[x] += weight[rows->neighbour[e]] * in[x];
    }
}

/* ---- weights --------------------------------------------------------------------------------- */

static void
weight_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const BpSettings *settings = context->parameters;
    const double *weight = settings->counting->weight;
    double *value = run->value;
    (void)sums;

    for (size_t i = 0; i < run->count; i++)
        value[run->vertex[i]] = weight != NULL ? weight[run->vertex[i]] : 1;
}

/* Tables to the power of 1 / c_f: they are logarithms, and the model's own. */
static void
scale_tables(FactorModel *model, const double *weight)
{
    for (uint32_t f = 0; f < model->n_factors; f++)
        for (uint64_t i = model->table_begin[f]; i < model->table_begin[f + 1]; i++)
            model->own_table[i] /= weight[f];
}

bool
bp_counting_open(Bp *bp, BpCounting *counting, GError **error)
{
    const FactorModel *model = &bp->model;
    const GasketProgram publish = {.name = "weights",
                                   .kind = GASKET_KIND_FACTOR,
                                   .apply = weight_apply,
                                   .parameters = &bp->settings};
    const uint64_t n = model->n_variables, states = bp->settings.marginal_begin[n];

    counting->begin = bp->settings.marginal_begin;
    counting->share = g_try_malloc0_n(n + 1, sizeof *counting->share);
    counting->hold = g_try_malloc0_n(n + 1, sizeof *counting->hold);
    counting->now = g_try_malloc0_n(states + 1, sizeof *counting->now);
    counting->old = g_try_malloc0_n(states + 1, sizeof *counting->old);
    if (counting->share == NULL || counting->hold == NULL || counting->now == NULL ||
        counting->old == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for beliefs");
        return false;
    }
    for (uint64_t v = 0; v < n; v++)
        counting->share[v] = 1;
    if (!bp_publish_factors(bp->run, error))
        return false;
    bp->settings.counting = counting;
    if (counting->weight != NULL)
        scale_tables(&bp->model, counting->weight);
    return gasket_run_step(bp->run, &publish, error);
}

void
bp_counting_clear(BpCounting *counting)
{
    g_free(counting->weight);
    g_free(counting->share);
    g_free(counting->hold);
    g_free(counting->now);
    g_free(counting->old);
}

/* ---- the double loop ------------------------------------------------------------------------- */

#define LEAST  (-700) /* logarithm of a belief of before: 0 would stay so for ever */
#define WINDOW 100    /* outer iterations of the first window */

/* c'_v = 0. */
static bool
set_shares(Bp *bp, BpCounting *counting, GError **error)
{
    g_autoptr(GasketRows) rows = gasket_run_rows(bp->run, variable_rows[0], error);
    if (rows == NULL)
        return false;
    for (size_t r = 0; r < rows->count; r++) {
        const double n = (double)(rows->end[r] - rows->begin[r]);
        counting->hold[rows->vertex[r]] = n > 0 ? n - 1 : 0;
        counting->share[rows->vertex[r]] = n > 0 ? 1 / n : 1;
    }
    return true;
}

/* [all] Takes the beliefs of now for those of before; how far they were apart. */
static bool
take_beliefs(Bp *bp, BpCounting *counting, double *ret_moved, GError **error)
{
    *ret_moved = 0;
    for (uint32_t v = 0; v < bp->model.n_variables; v++) {
        const uint64_t first = counting->begin[v];
        const size_t n = (size_t)(counting->begin[v + 1] - first);
        double d = factor_distance(FACTOR_LOG, counting->now + first, counting->old + first, n);
        *ret_moved = MAX(*ret_moved, d);
        for (size_t x = 0; x < n; x++)
            counting->old[first + x] = MAX(counting->now[first + x], LEAST);
    }
    return gasket_run_reduce_max(bp->run, ret_moved, 1, error);
}

/* Sweeps for the same beliefs of before; fewer if they bring nothing. */
static bool
sweep_inner(Bp *bp, unsigned sweeps, BpOutcome *ret_outcome, GError **error)
{
    double residual = INFINITY;

    for (unsigned i = 0; i < sweeps && *ret_outcome == BP_DONE; i++) {
        if (!bp_sweep(bp, &residual, ret_outcome, error))
            return false;
        if (residual < 0.01 * gasket_run_tolerance(bp->run))
            break;
    }
    return true;
}

bool
bp_double_loop(Bp *bp, BpCounting *counting, BpOutcome *ret_outcome, GError **error)
{
    static const unsigned sweeps[] = {5, 10, 20, 40};
    unsigned stage = 0, at = 0, window = WINDOW;
    double best = INFINITY, before = INFINITY, moved;

    if (!set_shares(bp, counting, error))
        return false;
    while (*ret_outcome == BP_DONE && gasket_run_continues(bp->run)) {
        if (!sweep_inner(bp, sweeps[stage], ret_outcome, error) ||
            !take_beliefs(bp, counting, &moved, error))
            return false;
        bp_end_iteration(bp, moved,
                         *ret_outcome == BP_DONE && moved < gasket_run_tolerance(bp->run));
        best = MIN(best, moved);
        if (++at < window)
            continue;
        const bool settles = best < 0.8 * before;
        window = settles ? 2 * window : WINDOW;
        before = settles ? best : INFINITY;
        best = INFINITY;
        at = 0;
        if (!settles && stage + 1 < G_N_ELEMENTS(sweeps))
            stage++;
    }
    return true;
}
