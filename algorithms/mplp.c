/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MPLP: likely states with a bound that says how far from the best they can be.
 *
 * The logarithm of the best product is at most, for any messages m,
 *
 *   dual(m) = sum over v of max over x of (log prior(x) + sum over f of m_fv(x))
 *             + sum over f of max over x of (log table(x) - sum over v in f of m_fv(x_v))
 *
 * Factors that share no variable take turns as groups. With c_v = log prior + messages of the other
 * factors, and M_v(x) the maximum of log table + all c of f where v has state x,
 *
 *   m_fv = M_v / n - c_v            n variables of f
 *
 * is the best that f alone can do: the dual never rises. It is the linear programming relaxation's
 * where it stops, or near it: coordinate descent can get stuck. States are those that variables
 * prefer, then improved one at a time; the gap is dual minus score.
 *
 * A 0 in a table counts as exp(FACTOR_FORBIDDEN), which can only raise the dual.
 *
 * Reference: A. Globerson, T. Jaakkola, Fixing max-product: convergent message passing algorithms
 * for MAP LP-relaxations, 2007.
 */
#include <math.h>

#include "algorithms.h"
#include "factor_conditional.h"
#include "factor_contract.h"
#include "factor_message.h"
#include "factor_score.h"
#include "factor_verify.h"

#define OBSERVED (-1e7) /* of states that were not observed: no sum of tables makes up for it */

enum { SCORE, FORBIDDEN, CHANGED, DUAL, N_AGGREGATES };

static const GasketAggregate aggregates[N_AGGREGATES] = {FACTOR_SCORE_AGGREGATES,
                                                         {"changed", GASKET_COUNT, 1},
                                                         {"dual", GASKET_SUM, 1}};

typedef struct {
    FactorModel model; /* logarithms, -INFINITY as FACTOR_FORBIDDEN */
    FactorOrder factors, variables;
} Mplp;

static const GasketRowSet variable_rows[] = {{.relation = 0, .direction = GASKET_OUT}};
static const GasketRowSet factor_rows[] = {{.relation = 0, .direction = GASKET_IN}};

/* ---- variables ------------------------------------------------------------------------------- */

/* Log prior and all messages. */
static void
total(const FactorModel *model, const GasketRows *rows, size_t r, double *x)
{
    const GasketVertex v = rows->vertex[r];
    size_t n = (size_t)model->cardinality[v], length;

    memcpy(x, model->prior + model->prior_begin[v], n * sizeof *x);
    for (size_t i = 0; model->evidence[v] >= 0 && i < n; i++)
        if (i != (size_t)model->evidence[v])
            x[i] = OBSERVED;
    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
        factor_multiply(FACTOR_MAX, x, factor_in(rows, e, model->uniform, &length), n);
}

static void
variable_scatter(const GasketContext *context, const GasketRows *rows)
{
    const Mplp *mplp = context->parameters;
    double *x = context->scratch;

    for (size_t r = 0; r < rows->count; r++) {
        total(&mplp->model, rows, r, x);
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            size_t n;
            const double *in = factor_in(rows, e, mplp->model.uniform, &n);
            double *out = factor_out(rows, e, mplp->model.uniform);
            for (size_t i = 0; i < n; i++)
                out[i] = x[i] - in[i];
        }
    }
}

/* The variables' part of the dual, and the states that they prefer. */
static void
variable_dual(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Mplp *mplp = context->parameters;
    const FactorValue *published = run->published;
    FactorValue *value = run->value;
    int32_t *state = run->state;
    double *x = context->scratch;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        size_t n = (size_t)mplp->model.cardinality[v];
        total(&mplp->model, run->rows, i, x);
        size_t best = factor_argmax(x, n);
        double scale = mplp->model.scale[v];
        gasket_add(context, DUAL, 0, x[best] + (isfinite(scale) ? scale : FACTOR_FORBIDDEN));
        state[v] = (int32_t)best;
        value[v].group = published[v].group;
        value[v].state = state[v];
    }
}

/* ---- factors --------------------------------------------------------------------------------- */

typedef struct {
    const double **in;
    double **out;
    uint32_t *states;
    double *negated, *rest;
} Scratch;

static size_t
scratch_size(const FactorModel *model)
{
    const size_t n = MAX(model->max_scope, 1);
    return 3 * n * sizeof(void *) +
           (n * model->max_cardinality + factor_contract_scratch(model->max_table)) *
               sizeof(double);
}

static Scratch
scratch_at(const FactorModel *model, void *memory)
{
    const size_t n = MAX(model->max_scope, 1);
    Scratch s = {.in = memory};
    s.out = (double **)(void *)(s.in + n);
    s.states = (uint32_t *)(void *)(s.out + n);
    s.negated = (double *)(void *)(s.out + 2 * n);
    s.rest = s.negated + n * model->max_cardinality;
    return s;
}

static FactorContraction
collect(const FactorModel *model, const GasketRows *rows, size_t r, const Scratch *s)
{
    const int32_t *position = rows->column[GASKET_SCOPE_POSITION].data;
    const GasketVertex f = rows->vertex[r];

    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
        size_t n;
        s->in[position[e]] = factor_in(rows, e, model->uniform, &n);
        s->out[position[e]] = factor_out(rows, e, model->uniform);
        s->states[position[e]] = (uint32_t)n;
    }
    return (FactorContraction){.table = factor_model_table(model, f),
                               .size = factor_model_size(model, f),
                               .n = (uint32_t)(rows->end[r] - rows->begin[r]),
                               .states = s->states,
                               .in = s->in,
                               .out = s->out,
                               .scratch = s->rest};
}

static void
factor_scatter(const GasketContext *context, const GasketRows *rows)
{
    const Mplp *mplp = context->parameters;
    const Scratch s = scratch_at(&mplp->model, context->scratch);

    for (size_t r = 0; r < rows->count; r++) {
        const FactorContraction factor = collect(&mplp->model, rows, r, &s);
        const double share = factor.n > 0 ? 1 / (double)factor.n : 0;
        if (factor.n == 0)
            continue;
        factor_contract(FACTOR_MAX, &factor);
        /* out = max over the others; M = out + in, m = M / n - in. */
        for (uint32_t i = 0; i < factor.n; i++)
            for (uint32_t x = 0; x < s.states[i]; x++)
                s.out[i][x] = share * s.out[i][x] - (1 - share) * s.in[i][x];
    }
}

/* The factors' part of the dual, of the messages that they sent last. */
static void
factor_dual(const GasketContext *context, const GasketRows *rows)
{
    const Mplp *mplp = context->parameters;
    const Scratch s = scratch_at(&mplp->model, context->scratch);

    for (size_t r = 0; r < rows->count; r++) {
        FactorContraction factor = collect(&mplp->model, rows, r, &s);
        double *at = s.negated;
        for (uint32_t i = 0; i < factor.n; i++) {
            for (uint32_t x = 0; x < s.states[i]; x++)
                at[x] = -s.out[i][x];
            s.in[i] = at;
            at += s.states[i];
        }
        gasket_add(context, DUAL, 0, factor_contract_all(FACTOR_MAX, &factor));
    }
}

/* ---- driver ---------------------------------------------------------------------------------- */

static void
mplp_clear(Mplp *mplp)
{
    factor_model_clear(&mplp->model);
    factor_order_clear(&mplp->factors);
    factor_order_clear(&mplp->variables);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Mplp, mplp_clear)

static GasketProgram
variable_program(const Mplp *mplp, bool dual)
{
    return (GasketProgram){.name = "variables",
                           .kind = GASKET_KIND_VARIABLE,
                           .rows = variable_rows,
                           .n_rows = 1,
                           .whole_rows = true,
                           .apply = dual ? variable_dual : NULL,
                           .scatter = dual ? NULL : variable_scatter,
                           .changes = dual ? GASKET_CHANGES_ALL : GASKET_CHANGES_NONE,
                           .aggregates = dual ? 1 << DUAL : 0,
                           .scratch_size = mplp->model.max_cardinality * sizeof(double),
                           .parameters = mplp};
}

static GasketProgram
factor_program(const Mplp *mplp, bool dual)
{
    return (GasketProgram){.name = "factors",
                           .kind = GASKET_KIND_FACTOR,
                           .rows = factor_rows,
                           .n_rows = 1,
                           .whole_rows = true,
                           .scatter = dual ? factor_dual : factor_scatter,
                           .changes = GASKET_CHANGES_NONE,
                           .aggregates = dual ? 1 << DUAL : 0,
                           .scratch_size = scratch_size(&mplp->model),
                           .parameters = mplp};
}

static bool
compute_dual(Mplp *mplp, double *ret_dual, GError **error)
{
    const GasketProgram factors = factor_program(mplp, true);
    const GasketProgram variables = variable_program(mplp, true);
    GasketRun *run = mplp->model.run;

    if (!gasket_run_step(run, &factors, error))
        return false;
    *ret_dual = gasket_run_total(run, DUAL, 0);
    if (!gasket_run_step(run, &variables, error))
        return false;
    *ret_dual += gasket_run_total(run, DUAL, 0);
    return true;
}

static bool
descend(Mplp *mplp, double *ret_dual, GError **error)
{
    const GasketProgram variables = variable_program(mplp, false);
    const GasketProgram factors = factor_program(mplp, false);
    GasketRun *run = mplp->model.run;
    double before = INFINITY;

    if (!gasket_run_step(run, &variables, error))
        return false;
    gasket_run_keep(run, &before, sizeof before);
    gasket_run_keep(run, ret_dual, sizeof *ret_dual);
    while (gasket_run_continues(run)) {
        for (uint32_t g = 0; g < mplp->factors.n_groups; g++)
            if (!factor_order_turn(&mplp->factors, g, &factors, &variables, error))
                return false;
        if (!compute_dual(mplp, ret_dual, error))
            return false;
        double gained = (before - *ret_dual) / MAX(1, fabs(*ret_dual));
        gasket_run_end_iteration(run, gained == INFINITY ? NAN : gained,
                                 gained < gasket_run_tolerance(run));
        before = *ret_dual;
    }
    return true;
}

static void
forbid(double *x, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        x[i] = MAX(x[i], FACTOR_FORBIDDEN);
}

static bool
open_mplp(Mplp *mplp, GasketRun *run, GError **error)
{
    FactorModel *model = &mplp->model;

    if (!gasket_run_set_aggregates(run, aggregates, N_AGGREGATES, error) ||
        !factor_model_open(model, run, FACTOR_MAX, error) ||
        !gasket_run_set_state(run, GASKET_KIND_VARIABLE, sizeof(int32_t), error) ||
        !gasket_run_set_value(run, GASKET_KIND_VARIABLE, sizeof(FactorValue), error) ||
        !gasket_run_set_value(run, GASKET_KIND_FACTOR, sizeof(FactorValue), error) ||
        !factor_model_set_messages(model, /* both= */ true, error) ||
        !factor_order_open(&mplp->factors, model, GASKET_KIND_FACTOR, error) ||
        !factor_order_open(&mplp->variables, model, GASKET_KIND_VARIABLE, error))
        return false;
    forbid(model->own_table, model->table_begin[model->n_factors]);
    forbid(model->own_prior, model->prior_begin[model->n_variables]);
    return true;
}

static bool
run_mplp(GasketRun *run, const void *parameters, GError **error)
{
    g_auto(Mplp) mplp = {.model.run = run};
    FactorConditional best = {.model = &mplp.model,
                              .inverse_temperature = INFINITY,
                              .changed = CHANGED};
    double dual = INFINITY, score;
    int64_t changed = 1;
    (void)parameters;

    if (!open_mplp(&mplp, run, error) || !descend(&mplp, &dual, error))
        return false;
    while (changed > 0)
        if (!factor_conditional_sweep(&mplp.variables, &best, &changed, error))
            return false;
    if (!factor_score(&mplp.model, SCORE, &score, error))
        return false;
    gasket_run_set_metric(run, "log10_score", score / G_LN10);
    gasket_run_set_metric(run, "log10_bound", dual / G_LN10);
    gasket_run_set_metric(run, "gap", (dual - score) / G_LN10);
    return true;
}

static bool
verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    (void)parameters;
    return factor_verify_states(run, sizeof(int32_t), false, ret_message, error);
}

const GasketAlgorithm gasket_mplp = {
    .abi = GASKET_ABI,
    .name = "mplp",
    .summary = "likely states and a bound on how much better any others can be (MPLP)",
    .description =
        "Lowers an upper bound on the score of every assignment (log10_bound in the report)\n"
        "until it falls no further, and takes the states that it points to (log10_score). A gap "
        "of\n"
        "0 proves them the best.\n"
        "\n"
        "  gasket mplp grid.uai --evidence grid.evid -o grid.MPE",
    .input = GASKET_INPUT_FACTORS,
    GASKET_NEEDS({.in_rows = true, .out_rows = true}),
    GASKET_RESULTS({.name = "state", .type = GASKET_INT32}),
    .default_iterations = 1000,
    .default_tolerance = 1e-7,
    .run = run_mplp,
    .resumable = true,
    .verify = verify,
};
