/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learning the tables of a Bayesian network from cases with missing values: expectation
 * maximisation.
 *
 * The graph holds a copy of the network for each case (--cases), observed as the case says; copies
 * of a table are one. In turn,
 *
 *   E   belief propagation in all copies at once, from the messages of the last time, and
 *       n(x, parents) = sum over copies of the belief of a factor in (x, parents)
 *   M   p(x | parents) = n(x, parents) / sum over x of n(x, parents)
 *
 * A variable's table is the factor in whose scope it comes last; one that is last in none is a
 * root, and its table is its prior. Rows of parents that no case knows of stay as they were.
 *
 * Invariants:
 *   1. Where what is not observed hangs together as a forest in each copy, beliefs are exact and
 *      the likelihood of the cases never falls; else it is that of the Bethe approximation.
 *   2. Counts are exact sums, so tables do not depend on placement, nor on the order of cases.
 *   3. Every worker has all tables.
 *
 * Cost: an iteration is as many sweeps of bp as messages need, and a pass over all tables of all
 * copies.
 *
 * References: A. Dempster, N. Laird, D. Rubin, Maximum likelihood from incomplete data via the EM
 * algorithm, 1977; S. Lauritzen, The EM algorithm for graphical association models with missing
 * data, 1995.
 */
#include "algorithms.h"
#include "bp.h"

#include <math.h>

/* ---- options and result ---------------------------------------------------------------------- */

typedef struct {
    double pseudo_count;
    int64_t sweeps;
} Parameters;

static const GasketOption options[] = {
    {"pseudo-count", GASKET_OPTION_DOUBLE, offsetof(Parameters, pseudo_count), "0",
     "added to the count of each state under each row of parents (Laplace)", .minimum = 0,
     .maximum = 1e9},
    {"sweeps", GASKET_OPTION_INT, offsetof(Parameters, sweeps), "200",
     "of messages in an iteration, at most; they end once none changes by 1e-10", .minimum = 1,
     .maximum = 1e6},
    {.name = NULL},
};

static const GasketRowSet em_factor_rows[] = {{.relation = 0, .direction = GASKET_IN}};

enum { EM_COUNTS = BP_N_AGGREGATES, EM_N_AGGREGATES };

/* ---- the network ----------------------------------------------------------------------------- */

typedef struct {
    GasketRun *run;
    FactorModel model;
    BpSettings bp;
    const int32_t *variable, *factor; /* this worker's: which of the network each is */
    uint32_t n_variables, n_factors;  /* of the network */
    double *cardinality;              /* [n_variables] */
    double *size;                     /* [n_factors] entries of a table */
    double *child;                    /* [n_factors] the variable that comes last */
    int64_t *table_of;                /* [n_variables] its factor, or -1: a root */
    uint64_t *begin;                  /* [n_factors + n_variables + 1] into parameter: tables, then
                                         the priors of roots */
    double *parameter;                /* [begin[last]] probabilities */
    double *zeros;                    /* [owned variables] of the model: priors have no scale */
    double *marginal;                 /* by prior_begin */
    double cases;
} Em;

static void
em_clear(Em *em)
{
    factor_model_clear(&em->model);
    g_free(em->cardinality);
    g_free(em->size);
    g_free(em->child);
    g_free(em->table_of);
    g_free(em->begin);
    g_free(em->parameter);
    g_free(em->zeros);
    g_free(em->marginal);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Em, em_clear)

static double *
new_doubles(uint64_t n, GError **error)
{
    double *x = g_try_new0(double, n + 1);
    if (x == NULL)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "no memory for %" G_GUINT64_FORMAT " numbers of a network", n);
    return x;
}

static const int32_t *
template_of(GasketRun *run, unsigned kind, const char *name)
{
    int column = gasket_run_vertex_column(run, kind, name);
    return column >= 0 ? gasket_run_context(run, kind)->column[column].data : NULL;
}

/* [all] How many templates of a kind there are. */
static bool
count_templates(GasketRun *run, const int32_t *place, uint32_t n, uint32_t *ret_n, GError **error)
{
    double most = 0;
    for (uint32_t v = 0; v < n; v++)
        most = fmax(most, place[v] + 1.0);
    if (!gasket_run_reduce_max(run, &most, 1, error))
        return false;
    *ret_n = (uint32_t)most;
    return true;
}

/* [all] Cardinalities, sizes and children, each known to whoever owns a copy. */
static bool
measure(Em *em, GError **error)
{
    const FactorModel *model = &em->model;
    g_autoptr(GasketRows) rows = gasket_run_rows(em->run, em_factor_rows[0], error);
    if (rows == NULL)
        return false;
    const int32_t *position = rows->column[GASKET_SCOPE_POSITION].data;
    for (uint32_t v = 0; v < model->n_variables; v++)
        em->cardinality[em->variable[v]] = model->cardinality[v];
    for (size_t r = 0; r < rows->count; r++) {
        const uint32_t f = rows->vertex[r];
        const uint64_t last = rows->end[r] - rows->begin[r] - 1;
        em->size[em->factor[f]] = (double)factor_model_size(model, f);
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            if ((uint64_t)position[e] == last) /* numbers are places: order given */
                em->child[em->factor[f]] =
                    rows->neighbour_number[rows->neighbour[e]] % em->n_variables;
    }
    return gasket_run_reduce_max(em->run, em->cardinality, em->n_variables, error) &&
           gasket_run_reduce_max(em->run, em->size, em->n_factors, error) &&
           gasket_run_reduce_max(em->run, em->child, em->n_factors, error);
}

/* Where each table stands among the parameters; which variables are roots. */
static bool
lay_out(Em *em, GError **error)
{
    for (uint32_t v = 0; v < em->n_variables; v++)
        em->table_of[v] = -1;
    for (uint32_t f = 0; f < em->n_factors; f++) {
        uint32_t v = (uint32_t)em->child[f];
        if (em->table_of[v] >= 0) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "the model is no Bayesian network: variable %u (by its place, from 1) "
                        "comes last in the scopes of two factors, expected one",
                        v + 1);
            return false;
        }
        em->table_of[v] = f;
        em->begin[f + 1] = em->begin[f] + (uint64_t)em->size[f];
    }
    for (uint32_t v = 0; v < em->n_variables; v++)
        em->begin[em->n_factors + v + 1] =
            em->begin[em->n_factors + v] + (em->table_of[v] < 0 ? (uint64_t)em->cardinality[v] : 0);
    em->parameter = new_doubles(em->begin[em->n_factors + em->n_variables], error);
    return em->parameter != NULL;
}

/* [all] The tables that the network came with. */
static bool
first_parameters(Em *em, GError **error)
{
    const FactorModel *model = &em->model;
    for (uint32_t f = 0; f < model->n_factors; f++)
        for (uint64_t i = 0; i < factor_model_size(model, f); i++)
            em->parameter[em->begin[em->factor[f]] + i] =
                exp(model->own_table[model->table_begin[f] + i]);
    double faults = 0; /* priors that belong to no table */
    for (uint32_t v = 0; v < model->n_variables; v++) {
        const double *prior = model->own_prior + model->prior_begin[v];
        double *p = em->parameter + em->begin[em->n_factors + (uint32_t)em->variable[v]];
        for (int32_t x = 0; x < model->cardinality[v]; x++)
            if (em->table_of[em->variable[v]] < 0)
                p[x] = exp(prior[x] + model->scale[v]);
            else
                faults = prior[x] != 0 ? 1 : faults;
    }
    if (!gasket_run_reduce_max(em->run, &faults, 1, error) ||
        !gasket_run_reduce_max(em->run, em->parameter, em->begin[em->n_factors + em->n_variables],
                               error))
        return false;
    if (faults == 0)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "the model is no Bayesian network: a variable with parents has a prior too");
    return false;
}

/* Each run of n probabilities that is not all 0 sums to 1 afterwards. */
static void
normalise(double *p, uint64_t size, uint64_t n, const double *count, double pseudo)
{
    for (uint64_t row = 0; row + n <= size; row += n) {
        double total = 0;
        for (uint64_t x = 0; x < n; x++)
            total += count[row + x] + pseudo;
        for (uint64_t x = 0; total > 0 && x < n; x++)
            p[row + x] = (count[row + x] + pseudo) / total;
    }
}

/* Probabilities from counts: every table of the network. */
static void
maximise(Em *em, const double *count, double pseudo)
{
    for (uint32_t v = 0; v < em->n_variables; v++) {
        uint64_t t = em->table_of[v] >= 0 ? (uint64_t)em->table_of[v] : em->n_factors + v;
        normalise(em->parameter + em->begin[t], em->begin[t + 1] - em->begin[t],
                  (uint64_t)em->cardinality[v], count + em->begin[t], pseudo);
    }
}

/* Their logarithms into all copies. */
static void
spread(Em *em)
{
    FactorModel *model = &em->model;
    for (uint32_t f = 0; f < model->n_factors; f++)
        for (uint64_t i = 0; i < factor_model_size(model, f); i++)
            model->own_table[model->table_begin[f] + i] =
                log(em->parameter[em->begin[em->factor[f]] + i]);
    for (uint32_t v = 0; v < model->n_variables; v++) {
        const double *p = em->parameter + em->begin[em->n_factors + (uint32_t)em->variable[v]];
        for (int32_t x = 0; x < model->cardinality[v]; x++)
            model->own_prior[model->prior_begin[v] + (uint64_t)x] =
                em->table_of[em->variable[v]] < 0 ? log(p[x]) : 0;
    }
}

/* ---- counting -------------------------------------------------------------------------------- */

/* The belief of each factor: its table times what all its variables say. */
static void
count_factors(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Em *em = context->parameters;
    const FactorModel *model = &em->model;
    const GasketRows *rows = run->rows;
    double *belief = context->scratch;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex f = run->vertex[i];
        const uint64_t size = factor_model_size(model, f);
        const int32_t *strides = rows->column[GASKET_SCOPE_STRIDE].data;
        memcpy(belief, factor_model_table(model, f), size * sizeof *belief);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            size_t n;
            const double *message = factor_in(rows, e, model->uniform, &n);
            for (uint64_t x = 0; x < size; x++)
                belief[x] += message[x / (uint64_t)strides[e] % n];
        }
        const double norm = factor_log_sum(belief, size);
        if (norm == -INFINITY)
            continue;
        for (uint64_t x = 0; x < size; x++)
            belief[x] = exp(belief[x] - norm);
        for (uint64_t x = 0; x < size; x++)
            gasket_add(context, EM_COUNTS, (unsigned)(em->begin[em->factor[f]] + x), belief[x]);
    }
}

static void
count_roots(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Em *em = context->parameters;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const uint32_t place = (uint32_t)em->variable[v];
        if (em->table_of[place] < 0)
            for (uint32_t x = 0; x < (uint32_t)em->model.cardinality[v]; x++)
                gasket_add(context, EM_COUNTS, (unsigned)em->begin[em->n_factors + place] + x,
                           em->marginal[em->model.prior_begin[v] + x]);
    }
}

/* [all] Adds up the counts of a kind into count. */
static bool
count(Em *em, unsigned kind, double *counts, GError **error)
{
    const GasketProgram program = {
        .name = "count",
        .kind = kind,
        .rows = em_factor_rows,
        .n_rows = kind == GASKET_KIND_FACTOR,
        .whole_rows = kind == GASKET_KIND_FACTOR,
        .apply = kind == GASKET_KIND_FACTOR ? count_factors : count_roots,
        .changes = GASKET_CHANGES_NONE,
        .aggregates = UINT64_C(1) << EM_COUNTS,
        .scratch_size = em->model.max_table * sizeof(double),
        .parameters = em,
    };
    if (!gasket_run_step(em->run, &program, error))
        return false;
    for (uint64_t i = 0; i < em->begin[em->n_factors + em->n_variables]; i++)
        counts[i] += gasket_run_total(em->run, EM_COUNTS, (unsigned)i);
    return true;
}

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
declare(Em *em, GError **error)
{
    const uint64_t n = em->begin[em->n_factors + em->n_variables];
    const GasketAggregate aggregates[EM_N_AGGREGATES] = {
        [BP_RESIDUAL] = {"residual", GASKET_MAX, 1},
        [BP_TINY] = {"tiny", GASKET_COUNT, 1},
        [BP_IMPOSSIBLE] = {"impossible", GASKET_COUNT, 1},
        [BP_BROKEN] = {"broken", GASKET_COUNT, 1},
        [BP_LOG_Z] = {"log_z", GASKET_SUM, 1},
        [BP_UPDATES] = {"updates", GASKET_COUNT, 1},
        [BP_SCORE] = {"score", GASKET_SUM, 1},
        [BP_FORBIDDEN] = {"forbidden", GASKET_COUNT, 1},
        [EM_COUNTS] = {"counts", GASKET_SUM, (unsigned)n},
    };
    if (n == 0 || n > 1 << 17) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found a network of %" G_GUINT64_FORMAT " probabilities, expected 1 to %d", n,
                    1 << 17);
        return false;
    }
    return gasket_run_set_aggregates(em->run, aggregates, EM_N_AGGREGATES, error) &&
           gasket_run_set_state(em->run, GASKET_KIND_VARIABLE, sizeof(BpVariable), error) &&
           gasket_run_set_value(em->run, GASKET_KIND_VARIABLE, sizeof(FactorValue), error) &&
           factor_model_set_messages(&em->model, /* both= */ true, error);
}

static bool
open(Em *em, GError **error)
{
    GasketRun *run = em->run;
    FactorModel *model = &em->model;

    if (!factor_model_open(model, run, FACTOR_LOG, error))
        return false;
    em->variable = template_of(run, GASKET_KIND_VARIABLE, "template");
    em->factor = template_of(run, GASKET_KIND_FACTOR, "template");
    if (em->variable == NULL || em->factor == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "--cases: found none, expected a file of cases to learn from");
        return false;
    }
    if (!count_templates(run, em->variable, model->n_variables, &em->n_variables, error) ||
        !count_templates(run, em->factor, model->n_factors, &em->n_factors, error))
        return false;
    em->cases = (double)gasket_run_n_vertices(run, GASKET_KIND_VARIABLE) / em->n_variables;
    em->cardinality = new_doubles(em->n_variables, error);
    em->size = em->cardinality != NULL ? new_doubles(em->n_factors, error) : NULL;
    em->child = em->size != NULL ? new_doubles(em->n_factors, error) : NULL;
    em->zeros = em->child != NULL ? new_doubles(model->n_variables, error) : NULL;
    em->marginal =
        em->zeros != NULL ? new_doubles(model->prior_begin[model->n_variables], error) : NULL;
    if (em->marginal == NULL)
        return false;
    em->table_of = g_new(int64_t, em->n_variables + 1);
    em->begin = g_new0(uint64_t, (gsize)em->n_factors + em->n_variables + 1);
    if (!measure(em, error) || !lay_out(em, error) || !first_parameters(em, error) ||
        !declare(em, error))
        return false;
    model->scale = em->zeros;
    em->bp = (BpSettings){.model = model,
                          .group = FACTOR_ALL_GROUPS,
                          .scratch = bp_scratch(model),
                          .marginal = em->marginal,
                          .marginal_begin = model->prior_begin};
    return bp_start(run, &em->bp, error);
}

/* [all] Messages until none changes; the likelihood, and counts: [probabilities] zeros. */
static bool
expect(Em *em, int64_t sweeps, double *ret_likelihood, double *counts, GError **error)
{
    const GasketProgram variables = bp_variable_program(&em->bp);
    const GasketProgram factors = bp_factor_program(&em->bp);
    double residual = INFINITY;
    for (int64_t s = 0; s < sweeps && residual > 1e-10; s++) {
        if (!gasket_run_step(em->run, &variables, error) ||
            !gasket_run_step(em->run, &factors, error))
            return false;
        residual = gasket_run_total(em->run, BP_RESIDUAL, 0);
    }
    if (!gasket_run_step(em->run, &variables, error) ||
        !count(em, GASKET_KIND_FACTOR, counts, error) ||
        !bp_finish(em->run, &em->bp, ret_likelihood, error))
        return false;
    if (*ret_likelihood == -INFINITY) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "the network gives a case the probability 0, which no learning can raise; "
                    "expected tables without such zeros to start from");
        return false;
    }
    return count(em, GASKET_KIND_VARIABLE, counts, error);
}

/* Elements of a variable's table, in the first copy. */
static size_t
result_size(const GasketContext *context, GasketVertex v, const void *state)
{
    const Em *em = context->parameters;
    const uint32_t place = (uint32_t)em->variable[v];
    (void)state;
    if (context->number[v] >= em->n_variables)
        return 0;
    return em->table_of[place] < 0 ? (size_t)em->cardinality[place]
                                   : (size_t)em->size[em->table_of[place]];
}

static bool
write_result(Em *em, GError **error)
{
    const uint64_t *begin;
    void *data;
    if (!gasket_run_set_result(em->run, 0, result_size, em, &data, &begin, error))
        return false;
    for (uint32_t v = 0; v < em->model.n_variables; v++) {
        const uint32_t place = (uint32_t)em->variable[v];
        const uint64_t t =
            em->table_of[place] < 0 ? em->n_factors + place : (uint64_t)em->table_of[place];
        if (begin[v + 1] > begin[v])
            memcpy((double *)data + begin[v], em->parameter + em->begin[t],
                   (begin[v + 1] - begin[v]) * sizeof(double));
    }
    return true;
}

static bool
em_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    const double tolerance = gasket_run_tolerance(run);
    g_auto(Em) em = {.run = run};
    double likelihood = -INFINITY, before;

    if (!open(&em, error))
        return false;
    const uint64_t n = em.begin[em.n_factors + em.n_variables];
    g_autofree double *counts = new_doubles(n, error);
    if (counts == NULL)
        return false;
    while (gasket_run_continues(run)) {
        spread(&em);
        memset(counts, 0, n * sizeof *counts);
        before = likelihood;
        if (!expect(&em, given->sweeps, &likelihood, counts, error))
            return false;
        maximise(&em, counts, given->pseudo_count);
        double gain = (likelihood - before) / em.cases;
        gasket_run_end_iteration(run, gain, fabs(gain) < tolerance);
    }
    gasket_run_set_metric(run, "cases", em.cases);
    gasket_run_set_metric(run, "log_likelihood", likelihood);
    return write_result(&em, error);
}

const GasketAlgorithm gasket_em = {
    .abi = GASKET_ABI,
    .name = "em",
    .summary = "learns the tables of a Bayesian network from cases with missing values",
    .description =
        "The input is a network, whose tables are where learning starts, and --cases a file with "
        "a heading of variables and a line of states, by name or from 0, for each case; nothing, ? "
        "and NA are missing. The result is each variable's table, its parents' states in the "
        "network's order and its own running fastest. Stops when the mean log likelihood of a "
        "case gains less than --tolerance.\n"
        "\n"
        "  gasket em network.bif --cases cases.csv -o tables.tsv\n",
    .input = GASKET_INPUT_FACTORS,
    .options = options,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS({.in_rows = true, .out_rows = true}),
    GASKET_RESULTS({.name = "probability", .type = GASKET_DOUBLE, .varying = true}),
    .default_iterations = 1000,
    .default_tolerance = 1e-6,
    .run = em_run,
};
