/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mean field: the independent variables that come nearest to the model, and a lower bound on its
 * partition function.
 *
 *   log Z >= sum over variables of (expected log prior + entropy)
 *            + sum over factors of expected log table             for every q = product of q_v
 *
 * Group by group each variable takes the q_v that raises the bound most given the others:
 *
 *   q_v(x)  ~  prior(x) exp(sum over factors of the expected log table given x)
 *
 * Invariants:
 *   1. Variables of a group share no factor, so no turn lowers the bound.
 *   2. log 0 counts as FACTOR_FORBIDDEN while q is sought; if q then gives zeros of the tables any
 *      weight, the bound is minus infinity, which is what it is worth.
 *
 * Cost: as belief propagation, a table contracted once for each end of its scope.
 *
 * Reference: M. Jordan, Z. Ghahramani, T. Jaakkola, L. Saul, An introduction to variational methods
 * for graphical models, 1999.
 */
#include <math.h>

#include "algorithms.h"
#include "factor_conditional.h"
#include "factor_contract.h"
#include "factor_message.h"
#include "factor_verify.h"

enum { STATE, MARGINAL };

enum { CHANGE, BOUND, FORBIDDEN_WEIGHT, N_AGGREGATES };

static const GasketAggregate aggregates[N_AGGREGATES] = {{"change", GASKET_MAX, 1},
                                                         {"bound", GASKET_SUM, 1},
                                                         {"forbidden", GASKET_MAX, 1}};

typedef struct {
    FactorModel model; /* logarithms, -INFINITY as FACTOR_FORBIDDEN */
    FactorOrder order;
    double *marginal; /* [states of all owned variables] q */
    const uint64_t *begin;
    uint32_t group;
    bool start; /* q from the priors alone */
} MeanField;

static const GasketRowSet variable_rows[] = {{.relation = 0, .direction = GASKET_OUT}};
static const GasketRowSet factor_rows[] = {{.relation = 0, .direction = GASKET_IN}};

/* ---- factors --------------------------------------------------------------------------------- */

/* One block of memory for a factor's pointers, and what a contraction needs. */
typedef struct {
    const double **in;
    double **out;
    uint32_t *states;
    double *zeros, *rest;
} Scratch;

static size_t
scratch_size(const FactorModel *model)
{
    const size_t n = MAX(model->max_scope, 1);
    return 3 * n * sizeof(void *) +
           (model->max_table + factor_contract_scratch(model->max_table)) * sizeof(double) +
           model->max_cardinality * sizeof(double);
}

static Scratch
scratch_at(const FactorModel *model, void *memory)
{
    const size_t n = MAX(model->max_scope, 1);
    Scratch s = {.in = memory};
    s.out = (double **)(void *)(s.in + n);
    s.states = (uint32_t *)(void *)(s.out + n);
    s.zeros = (double *)(void *)(s.out + 2 * n);
    s.rest = s.zeros + model->max_table;
    return s;
}

/* The factor of row r with its q, and places for the messages to the group. */
static FactorContraction
collect(const MeanField *field, const GasketRows *rows, size_t r, const Scratch *s)
{
    const FactorModel *model = &field->model;
    const int32_t *position = rows->column[GASKET_SCOPE_POSITION].data;
    const FactorValue *value = rows->values;
    const GasketVertex f = rows->vertex[r];

    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
        size_t n;
        s->in[position[e]] = factor_in(rows, e, model->uniform, &n);
        s->states[position[e]] = (uint32_t)n;
        s->out[position[e]] = value[rows->neighbour[e]].group == field->group
                                  ? factor_out(rows, e, model->uniform)
                                  : NULL;
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
    const MeanField *field = context->parameters;
    const Scratch s = scratch_at(&field->model, context->scratch);

    for (size_t r = 0; r < rows->count; r++) {
        const FactorContraction factor = collect(field, rows, r, &s);
        if (factor.n > 0)
            factor_contract(FACTOR_LINEAR, &factor);
    }
}

/* The expected log table, and the weight that q gives to the table's zeros. */
static void
bound_scatter(const GasketContext *context, const GasketRows *rows)
{
    const MeanField *field = context->parameters;
    const Scratch s = scratch_at(&field->model, context->scratch);

    for (size_t r = 0; r < rows->count; r++) {
        FactorContraction factor = collect(field, rows, r, &s);
        gasket_add(context, BOUND, 0, factor_contract_all(FACTOR_LINEAR, &factor));
        for (uint64_t i = 0; i < factor.size; i++)
            s.zeros[i] = factor.table[i] <= FACTOR_FORBIDDEN;
        factor.table = s.zeros;
        if (field->model.zeros)
            gasket_extreme(context, FORBIDDEN_WEIGHT, 0,
                           factor_contract_all(FACTOR_LINEAR, &factor));
    }
}

/* ---- variables ------------------------------------------------------------------------------- */

static void
variable_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const MeanField *field = context->parameters;
    const FactorModel *model = &field->model;
    const GasketRows *rows = run->rows;
    int32_t *state = run->state;
    double *p = context->scratch, change = 0;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        size_t n = (size_t)model->cardinality[v], length;
        double *q = field->marginal + field->begin[v];
        memcpy(p, model->prior + model->prior_begin[v], n * sizeof *p);
        for (uint64_t e = rows->begin[i]; !field->start && e < rows->end[i]; e++)
            factor_multiply(FACTOR_LOG, p, factor_in(rows, e, model->uniform, &length), n);
        double largest = factor_maximum(p, n);
        for (size_t x = 0; x < n; x++)
            p[x] = exp(p[x] - largest);
        if (model->evidence[v] >= 0) {
            factor_fill(p, n, 0);
            p[model->evidence[v]] = 1;
        }
        (void)factor_rescale(FACTOR_LINEAR, p, n);
        double d = factor_distance(FACTOR_LINEAR, p, q, n);
        change = MAX(change, d);
        memcpy(q, p, n * sizeof *q);
        state[v] = (int32_t)factor_argmax(q, n);
    }
    gasket_extreme(context, CHANGE, 0, change);
}

static void
variable_scatter(const GasketContext *context, const GasketRows *rows)
{
    const MeanField *field = context->parameters;

    for (size_t r = 0; r < rows->count; r++) {
        GasketVertex v = rows->vertex[r];
        size_t n = (size_t)field->model.cardinality[v];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            memcpy(factor_out(rows, e, field->model.uniform), field->marginal + field->begin[v],
                   n * sizeof(double));
    }
}

/* Expected log prior and entropy. */
static void
bound_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const MeanField *field = context->parameters;
    const FactorModel *model = &field->model;
    double forbidden = 0;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        const double *q = field->marginal + field->begin[v];
        const double *prior = model->prior + model->prior_begin[v];
        double part = model->scale[v];
        for (size_t x = 0; x < (size_t)model->cardinality[v]; x++) {
            if (q[x] == 0)
                continue;
            part += q[x] * (prior[x] - log(q[x]));
            forbidden = prior[x] <= FACTOR_FORBIDDEN ? MAX(forbidden, q[x]) : forbidden;
        }
        if (isfinite(part))
            gasket_add(context, BOUND, 0, part);
        else
            forbidden = 1;
    }
    gasket_extreme(context, FORBIDDEN_WEIGHT, 0, forbidden);
}

/* ---- driver ---------------------------------------------------------------------------------- */

static void
field_clear(MeanField *field)
{
    factor_model_clear(&field->model);
    factor_order_clear(&field->order);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MeanField, field_clear)

static GasketProgram
variable_program(const MeanField *field)
{
    return (GasketProgram){.name = "variables",
                           .kind = GASKET_KIND_VARIABLE,
                           .rows = variable_rows,
                           .n_rows = 1,
                           .whole_rows = true,
                           .apply = variable_apply,
                           .scatter = variable_scatter,
                           .changes = GASKET_CHANGES_NONE,
                           .scratch_size = field->model.max_cardinality * sizeof(double),
                           .aggregates = 1 << CHANGE,
                           .parameters = field};
}

static GasketProgram
factor_program(const MeanField *field, GasketScatter scatter, uint64_t its_aggregates)
{
    return (GasketProgram){.name = "factors",
                           .kind = GASKET_KIND_FACTOR,
                           .rows = factor_rows,
                           .n_rows = 1,
                           .whole_rows = true,
                           .scatter = scatter,
                           .changes = GASKET_CHANGES_NONE,
                           .scratch_size = scratch_size(&field->model),
                           .aggregates = its_aggregates,
                           .parameters = field};
}

static bool
sweep(MeanField *field, double *ret_change, GError **error)
{
    *ret_change = 0;
    for (uint32_t g = 0; g < field->order.n_groups; g++) {
        field->group = g;
        const GasketProgram factors = factor_program(field, factor_scatter, 0);
        const GasketProgram variables = variable_program(field);
        if (!factor_order_turn(&field->order, g, &factors, &variables, error))
            return false;
        *ret_change = MAX(*ret_change, gasket_run_total(field->order.run, CHANGE, 0));
    }
    return true;
}

static bool
report_bound(MeanField *field, GError **error)
{
    GasketRun *run = field->order.run;
    const uint64_t mine = 1 << BOUND | 1 << FORBIDDEN_WEIGHT;
    const GasketProgram variables = {.name = "bound of variables",
                                     .kind = GASKET_KIND_VARIABLE,
                                     .apply = bound_apply,
                                     .changes = GASKET_CHANGES_NONE,
                                     .aggregates = mine,
                                     .parameters = field};
    field->group = FACTOR_ALL_GROUPS;
    const GasketProgram factors = factor_program(field, bound_scatter, mine);

    if (!gasket_run_step(run, &variables, error))
        return false;
    double bound = gasket_run_total(run, BOUND, 0);
    double forbidden = gasket_run_total(run, FORBIDDEN_WEIGHT, 0);
    if (!gasket_run_step(run, &factors, error))
        return false;
    bound += gasket_run_total(run, BOUND, 0);
    forbidden = MAX(forbidden, gasket_run_total(run, FORBIDDEN_WEIGHT, 0));
    gasket_run_set_metric(run, "log10_z", forbidden > 0 ? -INFINITY : bound / G_LN10);
    return true;
}

static void
forbid(double *x, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        x[i] = MAX(x[i], FACTOR_FORBIDDEN);
}

static bool
run_mean_field(GasketRun *run, const void *parameters, GError **error)
{
    g_auto(MeanField) field = {.start = true, .group = FACTOR_ALL_GROUPS};
    FactorModel *model = &field.model;
    (void)parameters;

    if (!gasket_run_set_aggregates(run, aggregates, N_AGGREGATES, error) ||
        !factor_model_open(model, run, FACTOR_MAX, error) ||
        !gasket_run_set_state(run, GASKET_KIND_VARIABLE, sizeof(int32_t), error) ||
        !gasket_run_set_value(run, GASKET_KIND_VARIABLE, sizeof(FactorValue), error) ||
        !factor_model_set_messages(model, /* both= */ true, error) ||
        !factor_model_set_result(model, MARGINAL, &field.marginal, &field.begin, error) ||
        !factor_order_open(&field.order, model, GASKET_KIND_VARIABLE, error))
        return false;
    forbid(model->own_table, model->table_begin[model->n_factors]);
    forbid(model->own_prior, model->prior_begin[model->n_variables]);
    const GasketProgram start = variable_program(&field);
    if (!gasket_run_step(run, &start, error))
        return false;
    field.start = false;
    while (gasket_run_continues(run)) {
        double change;
        if (!sweep(&field, &change, error))
            return false;
        gasket_run_end_iteration(run, change, change < gasket_run_tolerance(run));
    }
    return report_bound(&field, error);
}

static bool
verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    (void)parameters;
    return factor_verify_marginals(run, MARGINAL, false, ret_message, error);
}

const GasketAlgorithm gasket_mean_field = {
    .abi = GASKET_ABI,
    .name = "mean-field",
    .summary = "mean field: marginals, and a lower bound on the partition function",
    .description = "The nearest distribution of independent variables, by coordinate ascent.\n"
                   "log10_z in the report is a lower bound.\n"
                   "\n"
                   "  gasket mean-field grid.uai --evidence grid.evid -o grid.MAR",
    .input = GASKET_INPUT_FACTORS,
    GASKET_NEEDS({.in_rows = true, .out_rows = true}),
    GASKET_RESULTS({.name = "state", .type = GASKET_INT32},
                   {.name = "marginal", .type = GASKET_DOUBLE, .varying = true}),
    .default_iterations = 2000,
    .default_tolerance = 1e-6,
    .run = run_mean_field,
    .resumable = true,
    .verify = verify,
};
