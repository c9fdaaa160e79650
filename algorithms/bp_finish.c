/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What messages say in the end: marginals, the partition function, states.
 *
 * With messages m to variables, n to factors, however they are scaled (Yedidia, Freeman, Weiss:
 * Constructing free-energy approximations, 2005; here in its form by messages),
 *
 *   log Z = sum over v of log(sum of prior product of m)  +  sum over f of log(sum of table product
 *           of n)  -  sum over both ends of a scope of log(sum of m n)
 *
 * which is exact without cycles. As m = (table with all other n) / norm, the last sum is that of
 * log Z_f - log norm: a factor knows all of its part while it sends.
 */
#include "bp.h"

/* ---- marginals ------------------------------------------------------------------------------- */

/* From what a product was divided by to the logarithm of its sum, and to probabilities. */
static double
to_probabilities(FactorDomain domain, double *x, size_t n)
{
    if (domain == FACTOR_LINEAR)
        return factor_normalise(domain, x, n);
    double sum = domain == FACTOR_LOG ? factor_log_sum(x, n) : factor_maximum(x, n);
    if (sum == -INFINITY) {
        factor_fill(x, n, 0);
        return sum;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = exp(x[i] - sum);
    if (domain == FACTOR_MAX)
        (void)factor_rescale(FACTOR_LINEAR, x, n);
    return sum;
}

static void
belief_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const BpSettings *settings = context->parameters;
    const FactorModel *model = settings->model;
    const GasketRows *rows = run->rows;
    BpVariable *variable = run->state;
    BpSeen seen = {0};
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        double *belief = settings->marginal + settings->marginal_begin[v];
        double log_z = model->scale[v];
        size_t n = (size_t)model->cardinality[v], length;
        if (settings->counting != NULL)
            bp_counting_belief(settings, rows, i, belief, n);
        else
            factor_prior(model, v, belief);
        for (uint64_t e = rows->begin[i]; settings->counting == NULL && e < rows->end[i]; e++) {
            factor_multiply(model->domain, belief, factor_in(rows, e, model->uniform, &length), n);
            if (model->domain == FACTOR_LINEAR)
                log_z += factor_normalise(model->domain, belief, n);
        }
        log_z += to_probabilities(model->domain, belief, n);
        variable[v].state = (int32_t)factor_argmax(belief, n);
        if (isfinite(log_z))
            gasket_add(context, BP_LOG_Z, 0, log_z);
        else
            seen.impossible++;
    }
    bp_tell(context, &seen);
}

/* ---- conflicts ------------------------------------------------------------------------------- */

#define CONFLICT (-1000) /* the likeliest state has a message that takes this for its logarithm */

static void
conflict_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const BpSettings *settings = context->parameters;
    const FactorModel *model = settings->model;
    const GasketRows *rows = run->rows;
    double *belief = context->scratch;
    int64_t found = 0;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        size_t n = (size_t)model->cardinality[v], length;
        factor_prior(model, v, belief);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++)
            factor_multiply(model->domain, belief, factor_in(rows, e, model->uniform, &length), n);
        const double largest = factor_maximum(belief, n);
        found += largest < CONFLICT && largest > -INFINITY;
    }
    gasket_count(context, BP_TINY, 0, found);
}

bool
bp_find_conflict(GasketRun *run, const BpSettings *settings, bool *ret_conflict, GError **error)
{
    GasketProgram program = bp_variable_program(settings);
    program.name = "conflicts";
    program.apply = conflict_apply;
    program.scatter = NULL;
    program.aggregates = 1 << BP_TINY;
    if (!gasket_run_step(run, &program, error))
        return false;
    *ret_conflict = gasket_run_total_count(run, BP_TINY, 0) > 0;
    return true;
}

/* Nothing is possible: no distribution. */
static void
clear_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const BpSettings *settings = context->parameters;
    BpVariable *variable = run->state;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        variable[v].state = -1;
        factor_fill(settings->marginal + settings->marginal_begin[v],
                    (size_t)settings->model->cardinality[v], 0);
    }
}

bool
bp_finish(GasketRun *run, BpSettings *settings, double *ret_log_z, GError **error)
{
    const double damping = settings->damping;
    const uint32_t group = settings->group;

    settings->damping = 0;
    settings->group = FACTOR_ALL_GROUPS;
    settings->finish = true;
    GasketProgram factors = bp_factor_program(settings);
    GasketProgram variables = bp_variable_program(settings);
    variables.apply = belief_apply;
    variables.scatter = NULL;
    variables.aggregates = 1 << BP_LOG_Z | 1 << BP_IMPOSSIBLE;
    bool ok = gasket_run_step(run, &factors, error);
    double log_z = ok ? gasket_run_total(run, BP_LOG_Z, 0) : 0;
    bool possible = ok && gasket_run_total_count(run, BP_IMPOSSIBLE, 0) == 0;
    ok = ok && gasket_run_step(run, &variables, error);
    log_z += ok ? gasket_run_total(run, BP_LOG_Z, 0) : 0;
    possible = possible && ok && gasket_run_total_count(run, BP_IMPOSSIBLE, 0) == 0;
    settings->damping = damping;
    settings->group = group;
    settings->finish = false;
    if (!ok)
        return false;
    *ret_log_z = possible ? log_z : -INFINITY;
    return possible || bp_clear(run, settings, error);
}

bool
bp_clear(GasketRun *run, const BpSettings *settings, GError **error)
{
    const GasketProgram clear = {.name = "clear",
                                 .kind = GASKET_KIND_VARIABLE,
                                 .apply = clear_apply,
                                 .changes = GASKET_CHANGES_NONE,
                                 .parameters = settings};
    return gasket_run_step(run, &clear, error);
}

/* ---- marginals of factors -------------------------------------------------------------------- */

/* The table times all messages, in the model's domain. */
static void
factor_belief(const FactorModel *model, const GasketRows *rows, size_t r, double *belief)
{
    const int32_t *stride = rows->column[GASKET_SCOPE_STRIDE].data;
    const GasketVertex f = rows->vertex[r];
    const uint64_t size = factor_model_size(model, f);

    memcpy(belief, factor_model_table(model, f), size * sizeof *belief);
    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
        size_t n;
        const double *in = factor_in(rows, e, model->uniform, &n);
        const uint64_t step = (uint64_t)stride[e];
        for (uint64_t i = 0; i < size; i += n * step)
            for (size_t x = 0; x < n; x++)
                for (uint64_t j = 0; j < step; j++)
                    if (model->domain == FACTOR_LINEAR)
                        belief[i + x * step + j] *= in[x];
                    else
                        belief[i + x * step + j] += in[x];
    }
}

static void
factor_belief_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const BpSettings *settings = context->parameters;
    const BpFactorMarginals *to = settings->factors;
    int32_t *entry = run->state;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex f = run->vertex[i];
        const size_t size = (size_t)(to->begin[f + 1] - to->begin[f]);
        double *belief = to->marginal + to->begin[f];
        factor_belief(settings->model, run->rows, i, belief);
        const bool possible =
            to->possible && to_probabilities(settings->model->domain, belief, size) > -INFINITY;
        if (!possible)
            factor_fill(belief, size, 0);
        entry[f] = possible ? (int32_t)factor_argmax(belief, size) : -1;
    }
}

bool
bp_finish_factors(GasketRun *run, const BpSettings *settings, GError **error)
{
    GasketProgram program = bp_factor_program(settings);
    program.name = "marginals of factors";
    program.apply = factor_belief_apply;
    program.scatter = NULL;
    program.aggregates = 0;
    return gasket_run_step(run, &program, error);
}

/* ---- states ---------------------------------------------------------------------------------- */

bool
bp_decode(FactorOrder *order, BpSettings *settings, GError **error)
{
    const double damping = settings->damping;
    bool ok = true;

    settings->damping = 0;
    settings->decide = true;
    for (uint32_t g = 0; ok && g < order->n_groups; g++) {
        settings->group = g;
        GasketProgram factors = bp_factor_program(settings);
        GasketProgram variables = bp_variable_program(settings);
        ok = factor_order_turn(order, g, &factors, &variables, error);
    }
    settings->damping = damping;
    settings->decide = false;
    settings->group = FACTOR_ALL_GROUPS;
    return ok;
}
