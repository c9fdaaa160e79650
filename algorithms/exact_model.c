/* SPDX-License-Identifier: Apache-2.0 */
/* Models whole, and cut down to what is open. See exact_model.h. */
#include "exact_model.h"

#include <float.h>
#include <math.h>
#include <string.h>

void *
exact_new(uint64_t n, size_t size, GError **error)
{
    void *array = n <= SIZE_MAX / size ? g_try_malloc0_n(MAX(n, 1), size) : NULL;
    if (array == NULL && (error == NULL || *error == NULL)) /* one message of several in a row */
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "no memory for %" G_GUINT64_FORMAT " elements of %zu bytes", n, size);
    return array;
}

/* ---- gathering ------------------------------------------------------------------------------- */

/* Lengths, given as doubles, into offsets. */
static uint64_t *
offsets(const double *length, uint32_t n, GError **error)
{
    uint64_t *begin = exact_new((uint64_t)n + 1, sizeof *begin, error);
    for (uint32_t i = 0; begin != NULL && i < n; i++)
        begin[i + 1] = begin[i] + (uint64_t)length[i];
    return begin;
}

/* Everything gathered is at least -DBL_MAX on its owner and that elsewhere: its maximum over the
 * workers is the owner's. */
static double *
unknown(uint64_t n, GError **error)
{
    double *array = exact_new(n, sizeof *array, error);
    for (uint64_t i = 0; array != NULL && i < n; i++)
        array[i] = -DBL_MAX;
    return array;
}

static bool
gather_variables(ExactModel *model, GasketRun *run, GError **error)
{
    const GasketContext *context = gasket_run_context(run, GASKET_KIND_VARIABLE);
    const GasketColumn *column = context->column;
    uint32_t n = model->n_variables;

    model->cardinality = unknown(n, error);
    model->evidence = model->cardinality != NULL ? unknown(n, error) : NULL;
    model->log_scale = model->evidence != NULL ? unknown(n, error) : NULL;
    if (model->log_scale == NULL)
        return false;
    for (uint32_t v = 0; v < context->n_owned; v++) {
        uint32_t i = context->number[v];
        double scale = ((const double *)column[GASKET_VARIABLE_SCALE].data)[v];
        model->cardinality[i] = ((const int32_t *)column[GASKET_VARIABLE_CARDINALITY].data)[v];
        model->evidence[i] = ((const int32_t *)column[GASKET_VARIABLE_EVIDENCE].data)[v];
        model->log_scale[i] = fmax(scale, -DBL_MAX);
    }
    if (!gasket_run_reduce_max(run, model->cardinality, n, error) ||
        !gasket_run_reduce_max(run, model->evidence, n, error) ||
        !gasket_run_reduce_max(run, model->log_scale, n, error))
        return false;
    model->state_begin = offsets(model->cardinality, n, error);
    model->prior = model->state_begin != NULL ? unknown(model->state_begin[n], error) : NULL;
    if (model->prior == NULL)
        return false;
    const GasketColumn *prior = &column[GASKET_VARIABLE_PRIOR];
    for (uint32_t v = 0; v < context->n_owned; v++)
        memcpy(model->prior + model->state_begin[context->number[v]],
               (const double *)prior->data + prior->begin[v],
               (prior->begin[v + 1] - prior->begin[v]) * sizeof(double));
    return gasket_run_reduce_max(run, model->prior, model->state_begin[n], error);
}

static bool
gather_factors(ExactModel *model, GasketRun *run, const GasketRows *rows, GError **error)
{
    const GasketContext *context = gasket_run_context(run, GASKET_KIND_FACTOR);
    const GasketColumn *table = &context->column[GASKET_FACTOR_TABLE];
    const int32_t *position = rows->column[GASKET_SCOPE_POSITION].data;
    uint32_t n = model->n_factors;
    g_autofree double *degree = unknown(n, error);
    g_autofree double *size = degree != NULL ? unknown(n, error) : NULL;

    if (size == NULL)
        return false;
    for (size_t f = 0; f < rows->count; f++) {
        degree[context->number[f]] = (double)(rows->end[f] - rows->begin[f]);
        size[context->number[f]] = (double)(table->begin[f + 1] - table->begin[f]);
    }
    if (!gasket_run_reduce_max(run, degree, n, error) ||
        !gasket_run_reduce_max(run, size, n, error))
        return false;
    model->scope_begin = offsets(degree, n, error);
    model->table_begin = model->scope_begin != NULL ? offsets(size, n, error) : NULL;
    model->scope = model->table_begin != NULL ? unknown(model->scope_begin[n], error) : NULL;
    model->table = model->scope != NULL ? unknown(model->table_begin[n], error) : NULL;
    if (model->table == NULL)
        return false;
    for (size_t f = 0; f < rows->count; f++) {
        double *scope = model->scope + model->scope_begin[context->number[f]];
        for (uint64_t e = rows->begin[f]; e < rows->end[f]; e++)
            scope[position[e]] = rows->neighbour_number[rows->neighbour[e]];
        memcpy(model->table + model->table_begin[context->number[f]],
               (const double *)table->data + table->begin[f],
               (table->begin[f + 1] - table->begin[f]) * sizeof(double));
    }
    return gasket_run_reduce_max(run, model->scope, model->scope_begin[n], error) &&
           gasket_run_reduce_max(run, model->table, model->table_begin[n], error);
}

bool
exact_model_gather(ExactModel *model, GasketRun *run, GError **error)
{
    *model = (ExactModel){.n_variables = gasket_run_n_vertices(run, GASKET_KIND_VARIABLE),
                          .n_factors = gasket_run_n_vertices(run, GASKET_KIND_FACTOR)};
    g_autoptr(GasketRows) rows =
        gasket_run_rows(run, (GasketRowSet){.relation = 0, .direction = GASKET_IN}, error);
    return rows != NULL && gather_variables(model, run, error) &&
           gather_factors(model, run, rows, error);
}

void
exact_model_clear(ExactModel *model)
{
    g_free(model->cardinality);
    g_free(model->evidence);
    g_free(model->log_scale);
    g_free(model->state_begin);
    g_free(model->prior);
    g_free(model->scope_begin);
    g_free(model->scope);
    g_free(model->table_begin);
    g_free(model->table);
    *model = (ExactModel){0};
}

/* ---- what is possible ------------------------------------------------------------------------ */

/* One factor's entries, counted off with the states of its variables. */
typedef struct {
    const ExactModel *model;
    const double *scope; /* [k] variable numbers */
    uint64_t k, size;
    const double *table;
    uint32_t *state; /* [k] */
} Walk;

static Walk
walk_of(const ExactModel *model, uint32_t f, uint32_t *state)
{
    uint64_t begin = model->scope_begin[f];
    return (Walk){.model = model,
                  .scope = model->scope + begin,
                  .k = model->scope_begin[f + 1] - begin,
                  .size = model->table_begin[f + 1] - model->table_begin[f],
                  .table = model->table + model->table_begin[f],
                  .state = state};
}

static void
walk_next(Walk *walk)
{
    for (uint64_t i = walk->k; i-- > 0;) {
        if (++walk->state[i] < (uint32_t)walk->model->cardinality[(uint32_t)walk->scope[i]])
            return;
        walk->state[i] = 0;
    }
}

/* Marks in `supported` the states that an entry above 0 of possible states has. */
static void
find_support(Walk *walk, const uint8_t *possible, uint8_t *supported)
{
    const uint64_t *begin = walk->model->state_begin;

    memset(walk->state, 0, walk->k * sizeof *walk->state);
    for (uint64_t e = 0; e < walk->size; e++, walk_next(walk)) {
        bool stands = walk->table[e] > 0;
        for (uint64_t i = 0; stands && i < walk->k; i++)
            stands = possible[begin[(uint32_t)walk->scope[i]] + walk->state[i]];
        for (uint64_t i = 0; stands && i < walk->k; i++)
            supported[begin[(uint32_t)walk->scope[i]] + walk->state[i]] = 1;
    }
}

/* Lists of the factors of each variable. */
static bool
find_factors(const ExactModel *model, uint64_t **ret_begin, uint32_t **ret_factor, GError **error)
{
    uint64_t n = model->scope_begin[model->n_factors];
    uint64_t *begin = *ret_begin =
        exact_new((uint64_t)model->n_variables + 2, sizeof *begin, error);
    uint32_t *factor = *ret_factor = begin != NULL ? exact_new(n, sizeof *factor, error) : NULL;

    if (factor == NULL)
        return false;
    for (uint64_t i = 0; i < n; i++)
        begin[(uint32_t)model->scope[i] + 2]++;
    for (uint32_t v = 0; v < model->n_variables; v++)
        begin[v + 2] += begin[v + 1];
    for (uint32_t f = 0; f < model->n_factors; f++)
        for (uint64_t i = model->scope_begin[f]; i < model->scope_begin[f + 1]; i++)
            factor[begin[(uint32_t)model->scope[i] + 1]++] = f;
    return true;
}

static uint64_t
longest_scope(const ExactModel *model)
{
    uint64_t longest = 1;
    for (uint32_t f = 0; f < model->n_factors; f++)
        longest = MAX(longest, model->scope_begin[f + 1] - model->scope_begin[f]);
    return longest;
}

/* Takes out what factor f does not support; its variables' other factors are to be looked at
 * again. */
static void
revise(Walk *walk, uint8_t *possible, uint8_t *supported, const uint64_t *begin,
       const uint32_t *factor, GQueue *queue, uint8_t *queued)
{
    const uint64_t *states = walk->model->state_begin;

    find_support(walk, possible, supported);
    for (uint64_t i = 0; i < walk->k; i++) {
        uint32_t v = (uint32_t)walk->scope[i];
        bool changed = false;
        for (uint64_t s = states[v]; s < states[v + 1]; s++) {
            changed |= possible[s] && !supported[s];
            possible[s] &= supported[s];
            supported[s] = 0;
        }
        for (uint64_t e = begin[v]; changed && e < begin[v + 1]; e++) {
            if (queued[factor[e]])
                continue;
            queued[factor[e]] = 1;
            g_queue_push_tail(queue, GUINT_TO_POINTER(factor[e]));
        }
    }
}

static bool
find_possible(const ExactModel *model, uint8_t *possible, GError **error)
{
    g_autofree uint64_t *begin = NULL;
    g_autofree uint32_t *factor = NULL;
    g_autofree uint32_t *state = exact_new(longest_scope(model), sizeof *state, error);
    g_autofree uint8_t *queued = exact_new(model->n_factors, 1, error);
    g_autofree uint8_t *supported = exact_new(model->state_begin[model->n_variables], 1, error);

    if (state == NULL || queued == NULL || supported == NULL ||
        !find_factors(model, &begin, &factor, error))
        return false;
    for (uint32_t v = 0; v < model->n_variables; v++)
        for (uint64_t s = model->state_begin[v]; s < model->state_begin[v + 1]; s++)
            possible[s] =
                model->prior[s] > 0 && (model->evidence[v] < 0 ||
                                        (double)(s - model->state_begin[v]) == model->evidence[v]);
    g_autoptr(GQueue) queue = g_queue_new();
    for (uint32_t f = 0; f < model->n_factors; f++) {
        queued[f] = 1;
        g_queue_push_tail(queue, GUINT_TO_POINTER(f));
    }
    while (!g_queue_is_empty(queue)) {
        uint32_t f = GPOINTER_TO_UINT(g_queue_pop_head(queue));
        Walk walk = walk_of(model, f, state);
        queued[f] = 0;
        revise(&walk, possible, supported, begin, factor, queue, queued);
    }
    return true;
}

/* ---- cutting down ---------------------------------------------------------------------------- */

/* Scales a table's largest entry to 1. */
static void
rescale(ExactProblem *problem, double *table, uint64_t n)
{
    double largest = 0;
    for (uint64_t i = 0; i < n; i++)
        largest = fmax(largest, table[i]);
    if (largest == 0) {
        problem->impossible = true;
        return;
    }
    for (uint64_t i = 0; i < n; i++)
        table[i] /= largest;
    problem->log_constant += log(largest);
}

/* Adds a factor of the open variables of a scope. */
static ExactFactor *
add_factor(ExactProblem *problem, const double *scope, uint64_t k, GError **error)
{
    ExactFactor *factor = &problem->factors[problem->n_factors++];
    factor->size = 1;
    for (uint64_t i = 0; i < k; i++)
        factor->n += problem->open[(uint32_t)scope[i]] >= 0;
    factor->scope = exact_new(factor->n, sizeof *factor->scope, error);
    if (factor->scope == NULL)
        return NULL;
    for (uint64_t i = 0, n = 0; i < k; i++) {
        int64_t open = problem->open[(uint32_t)scope[i]];
        if (open < 0)
            continue;
        factor->scope[n++] = (uint32_t)open;
        factor->size *= problem->cardinality[open];
    }
    factor->table = exact_new(factor->size, sizeof *factor->table, error);
    return factor->table != NULL ? factor : NULL;
}

/* The entries of possible states, which stand in the order of the whole table. */
static bool
cut_factor(ExactProblem *problem, Walk *walk, GError **error)
{
    const uint64_t *begin = walk->model->state_begin;
    ExactFactor *factor = add_factor(problem, walk->scope, walk->k, error);

    if (factor == NULL)
        return false;
    memset(walk->state, 0, walk->k * sizeof *walk->state);
    uint64_t n = 0;
    for (uint64_t e = 0; e < walk->size; e++, walk_next(walk)) {
        bool stands = true;
        for (uint64_t i = 0; stands && i < walk->k; i++)
            stands = problem->possible[begin[(uint32_t)walk->scope[i]] + walk->state[i]];
        if (stands)
            factor->table[n++] = walk->table[e];
    }
    g_assert(n == factor->size);
    rescale(problem, factor->table, n);
    return true;
}

static bool
cut_prior(ExactProblem *problem, const ExactModel *model, uint32_t v, GError **error)
{
    const double scope = v;
    double scale = model->log_scale[v];
    if (problem->open[v] < 0) {
        for (uint64_t s = model->state_begin[v]; s < model->state_begin[v + 1]; s++)
            if (problem->possible[s])
                problem->log_constant += log(model->prior[s]) + scale;
        return true;
    }
    ExactFactor *factor = add_factor(problem, &scope, 1, error);
    if (factor == NULL)
        return false;
    uint64_t n = 0;
    for (uint64_t s = model->state_begin[v]; s < model->state_begin[v + 1]; s++)
        if (problem->possible[s])
            factor->table[n++] = model->prior[s];
    rescale(problem, factor->table, n);
    problem->log_constant += scale;
    return true;
}

static bool
find_open(ExactProblem *problem, const ExactModel *model)
{
    for (uint32_t v = 0; v < model->n_variables; v++) {
        uint32_t states = 0;
        for (uint64_t s = model->state_begin[v]; s < model->state_begin[v + 1]; s++)
            states += problem->possible[s];
        problem->impossible |= states == 0;
        problem->open[v] = -1;
        if (states < 2)
            continue;
        problem->open[v] = problem->n;
        problem->variable[problem->n] = v;
        problem->cardinality[problem->n++] = states;
    }
    return !problem->impossible;
}

bool
exact_problem_init(ExactProblem *problem, const ExactModel *model, GError **error)
{
    uint32_t n = model->n_variables;
    g_autofree uint32_t *state = exact_new(longest_scope(model), sizeof *state, error);

    *problem = (ExactProblem){.possible = exact_new(model->state_begin[n], 1, error)};
    problem->open = exact_new(n, sizeof *problem->open, error);
    problem->variable = exact_new(n, sizeof *problem->variable, error);
    problem->cardinality = exact_new(n, sizeof *problem->cardinality, error);
    problem->factors = exact_new((uint64_t)n + model->n_factors, sizeof *problem->factors, error);
    if (state == NULL || problem->possible == NULL || problem->open == NULL ||
        problem->variable == NULL || problem->cardinality == NULL || problem->factors == NULL ||
        !find_possible(model, problem->possible, error))
        return false;
    if (!find_open(problem, model))
        return true;
    for (uint32_t v = 0; v < n; v++)
        if (!cut_prior(problem, model, v, error))
            return false;
    for (uint32_t f = 0; f < model->n_factors; f++) {
        Walk walk = walk_of(model, f, state);
        if (!cut_factor(problem, &walk, error))
            return false;
    }
    return true;
}

void
exact_problem_empty(ExactProblem *problem)
{
    for (uint32_t f = 0; f < problem->n_factors; f++) {
        g_free(problem->factors[f].scope);
        g_free(problem->factors[f].table);
    }
    problem->n = problem->n_factors = 0;
}

void
exact_problem_clear(ExactProblem *problem)
{
    exact_problem_empty(problem);
    g_free(problem->factors);
    g_free(problem->possible);
    g_free(problem->open);
    g_free(problem->variable);
    g_free(problem->cardinality);
    *problem = (ExactProblem){0};
}
