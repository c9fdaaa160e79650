/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a factor graph: see factor_model.h.
 *
 * Invariant: what decides kernels, domains and scratch is reduced over all workers, so that every
 * worker decides alike.
 *
 * Cost: one pass over the tables; a copy of them for the logarithmic domains, and for linear ones
 * whose entries are too large or too small to multiply.
 */
#include "factor_model.h"

#include <math.h>

/* ---- the model's figures --------------------------------------------------------------------- */

enum {
    LARGEST_CARDINALITY,
    SMALLEST_CARDINALITY, /* negated, as all minima here */
    LARGEST_SCOPE,
    LARGEST_DEGREE,
    LARGEST_TABLE,
    EXTREME,
    UNSCALED, /* a table with entries that are too large or too small as they stand */
    ZEROS,
    N_FIGURES,
};

/* Entries other than 0: the least and the largest, and whether there are zeros. */
static void
range_of(const double *x, uint64_t n, double *ret_least, double *ret_largest, bool *ret_zeros)
{
    double least = INFINITY, largest = 0;
    bool zeros = false;

    for (uint64_t i = 0; i < n; i++) {
        zeros |= x[i] == 0;
        largest = x[i] > largest ? x[i] : largest;
        least = x[i] > 0 && x[i] < least ? x[i] : least;
    }
    *ret_least = least;
    *ret_largest = largest;
    *ret_zeros = zeros;
}

static void
measure_tables(const FactorModel *model, const GasketColumn *table, double *figure)
{
    for (uint32_t f = 0; f < model->n_factors; f++) {
        uint64_t n = table->begin[f + 1] - table->begin[f];
        double least, largest;
        bool zeros;
        range_of((const double *)table->data + table->begin[f], n, &least, &largest, &zeros);
        figure[LARGEST_TABLE] = MAX(figure[LARGEST_TABLE], (double)n);
        figure[ZEROS] = MAX(figure[ZEROS], (double)zeros);
        if (largest == 0)
            continue;
        if (largest / least > FACTOR_RANGE)
            figure[EXTREME] = 1;
        if (largest > FACTOR_RANGE || least < 1 / FACTOR_RANGE)
            figure[UNSCALED] = 1;
    }
}

static void
measure_variables(const FactorModel *model, const GasketColumn *prior, double *figure)
{
    for (uint32_t v = 0; v < model->n_variables; v++) {
        double least, largest;
        bool zeros;
        range_of((const double *)prior->data + prior->begin[v],
                 prior->begin[v + 1] - prior->begin[v], &least, &largest, &zeros);
        figure[LARGEST_CARDINALITY] = MAX(figure[LARGEST_CARDINALITY], model->cardinality[v]);
        figure[SMALLEST_CARDINALITY] = MAX(figure[SMALLEST_CARDINALITY], -model->cardinality[v]);
        figure[ZEROS] = MAX(figure[ZEROS], (double)zeros);
        if (largest > 0 && largest / least > FACTOR_RANGE)
            figure[EXTREME] = 1;
    }
}

static bool
measure_rows(GasketRun *run, GasketDirection direction, double *ret_longest, GError **error)
{
    g_autoptr(GasketRows) rows = gasket_run_rows(run, (GasketRowSet){0, direction}, error);
    if (rows == NULL)
        return false;
    for (size_t r = 0; r < rows->count; r++)
        *ret_longest = MAX(*ret_longest, (double)(rows->end[r] - rows->begin[r]));
    return true;
}

/* ---- shape ----------------------------------------------------------------------------------- */

static bool
is_column(const GasketRun *run, unsigned kind, const char *name, int index)
{
    return gasket_run_vertex_column(run, kind, name) == index;
}

static bool
check_shape(const GasketRun *run, GError **error)
{
    if (gasket_run_n_kinds(run) == 2 && gasket_run_n_relations(run) >= 1 &&
        is_column(run, GASKET_KIND_VARIABLE, "cardinality", GASKET_VARIABLE_CARDINALITY) &&
        is_column(run, GASKET_KIND_VARIABLE, "evidence", GASKET_VARIABLE_EVIDENCE) &&
        is_column(run, GASKET_KIND_VARIABLE, "prior", GASKET_VARIABLE_PRIOR) &&
        is_column(run, GASKET_KIND_VARIABLE, "scale", GASKET_VARIABLE_SCALE) &&
        is_column(run, GASKET_KIND_FACTOR, "table", GASKET_FACTOR_TABLE) &&
        gasket_run_edge_column(run, 0, "position") == GASKET_SCOPE_POSITION &&
        gasket_run_edge_column(run, 0, "stride") == GASKET_SCOPE_STRIDE)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "the input is not a factor graph (variables, factors with tables, scopes)");
    return false;
}

/* ---- domains --------------------------------------------------------------------------------- */

static double *
new_array(uint64_t n, GError **error)
{
    double *array =
        n < G_MAXSIZE / sizeof(double) ? g_try_malloc(MAX((size_t)n, 1) * sizeof(double)) : NULL;
    if (array == NULL)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "no memory for %" G_GUINT64_FORMAT " numbers of the model's tables", n);
    return array;
}

static bool
take_logarithms(FactorModel *model, const double *prior, const double *table, GError **error)
{
    uint64_t n_prior = model->prior_begin[model->n_variables];
    uint64_t n_table = model->table_begin[model->n_factors];

    model->own_prior = new_array(n_prior, error);
    if (model->own_prior == NULL)
        return false;
    model->own_table = new_array(n_table, error);
    if (model->own_table == NULL)
        return false;
    for (uint64_t i = 0; i < n_prior; i++)
        model->own_prior[i] = log(prior[i]);
    for (uint64_t i = 0; i < n_table; i++)
        model->own_table[i] = log(table[i]);
    return true;
}

static bool
scale_tables(FactorModel *model, const double *table, GError **error)
{
    model->own_table = new_array(model->table_begin[model->n_factors], error);
    if (model->own_table == NULL)
        return false;
    model->table_scale = new_array(model->n_factors, error);
    if (model->table_scale == NULL)
        return false;
    for (uint32_t f = 0; f < model->n_factors; f++) {
        double least, largest;
        bool zeros;
        uint64_t begin = model->table_begin[f], end = model->table_begin[f + 1];
        range_of(table + begin, end - begin, &least, &largest, &zeros);
        for (uint64_t i = begin; i < end; i++)
            model->own_table[i] = largest > 0 ? table[i] / largest : 0;
        model->table_scale[f] = largest > 0 ? log(largest) : 0;
    }
    return true;
}

static void
forget_copies(FactorModel *model)
{
    g_clear_pointer(&model->own_prior, g_free);
    g_clear_pointer(&model->own_table, g_free);
    g_clear_pointer(&model->table_scale, g_free);
}

bool
factor_model_set_domain(FactorModel *model, FactorDomain domain, GError **error)
{
    GasketRun *run = model->run;
    const GasketColumn *variable = gasket_run_context(run, GASKET_KIND_VARIABLE)->column;
    const double *prior = variable[GASKET_VARIABLE_PRIOR].data;
    const double *table =
        gasket_run_context(run, GASKET_KIND_FACTOR)->column[GASKET_FACTOR_TABLE].data;

    forget_copies(model);
    model->domain = domain;
    if (domain == FACTOR_LINEAR ? model->unscaled && !scale_tables(model, table, error)
                                : !take_logarithms(model, prior, table, error)) {
        forget_copies(model);
        return false;
    }
    model->prior = model->own_prior != NULL ? model->own_prior : prior;
    model->table = model->own_table != NULL ? model->own_table : table;
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

bool
factor_model_open(FactorModel *model, GasketRun *run, FactorDomain domain, GError **error)
{
    *model = (FactorModel){.run = run};
    if (!check_shape(run, error))
        return false;
    const GasketColumn *column = gasket_run_context(run, GASKET_KIND_VARIABLE)->column;
    const GasketColumn *prior = &column[GASKET_VARIABLE_PRIOR];
    model->n_variables = gasket_run_n_owned(run, GASKET_KIND_VARIABLE);
    model->cardinality = column[GASKET_VARIABLE_CARDINALITY].data;
    model->evidence = column[GASKET_VARIABLE_EVIDENCE].data;
    model->scale = column[GASKET_VARIABLE_SCALE].data;
    model->prior_begin = prior->begin;
    double figure[N_FIGURES] = {[SMALLEST_CARDINALITY] = -G_MAXINT32};
    measure_variables(model, prior, figure);

    const GasketColumn *table =
        &gasket_run_context(run, GASKET_KIND_FACTOR)->column[GASKET_FACTOR_TABLE];
    model->n_factors = gasket_run_n_owned(run, GASKET_KIND_FACTOR);
    model->table_begin = table->begin;
    measure_tables(model, table, figure);
    if (!measure_rows(run, GASKET_IN, &figure[LARGEST_SCOPE], error) ||
        !measure_rows(run, GASKET_OUT, &figure[LARGEST_DEGREE], error) ||
        !gasket_run_reduce_max(run, figure, N_FIGURES, error))
        return false;
    model->max_cardinality = (uint32_t)figure[LARGEST_CARDINALITY];
    if (figure[LARGEST_CARDINALITY] == -figure[SMALLEST_CARDINALITY])
        model->uniform = model->max_cardinality;
    model->max_scope = (uint32_t)figure[LARGEST_SCOPE];
    model->max_degree = (uint32_t)figure[LARGEST_DEGREE];
    model->max_table = (uint64_t)figure[LARGEST_TABLE];
    model->extreme = figure[EXTREME] > 0;
    model->unscaled = figure[UNSCALED] > 0;
    model->zeros = figure[ZEROS] > 0;
    return factor_model_set_domain(model, domain, error);
}

void
factor_model_clear(FactorModel *model)
{
    forget_copies(model);
}

/* ---- messages -------------------------------------------------------------------------------- */

static size_t
message_size(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)state;
    const int32_t *cardinality = context->column[GASKET_VARIABLE_CARDINALITY].data;
    return (size_t)cardinality[v] * sizeof(double);
}

bool
factor_model_set_messages(FactorModel *model, bool both, GError **error)
{
    const GasketRowSet to_variables = {0, GASKET_OUT}, to_factors = {0, GASKET_IN};
    GasketRun *run = model->run;

    if (model->uniform > 0) {
        size_t size = model->uniform * sizeof(double);
        return gasket_run_set_edge_value(run, to_variables, size, error) &&
               (!both || gasket_run_set_edge_value(run, to_factors, size, error));
    }
    return gasket_run_set_edge_value_varying(run, to_variables, /* by_owner= */ true, message_size,
                                             NULL, error) &&
           (!both || gasket_run_set_edge_value_varying(run, to_factors, /* by_owner= */ false,
                                                       message_size, NULL, error));
}

/* ---- results --------------------------------------------------------------------------------- */

static size_t
n_states(const GasketContext *context, GasketVertex v, const void *state)
{
    return message_size(context, v, state) / sizeof(double);
}

bool
factor_model_set_result(FactorModel *model, unsigned column, double **ret_data,
                        const uint64_t **ret_begin, GError **error)
{
    void *data;
    if (!gasket_run_set_result(model->run, column, n_states, NULL, &data, ret_begin, error))
        return false;
    *ret_data = data;
    return true;
}
