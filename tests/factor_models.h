/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random small factor graphs and their exact answers by enumerating every assignment.
 *
 *   SmallModel model;
 *   small_model_tree(&model, seed);
 *   SmallAnswer answer;
 *   small_model_solve(&model, &answer);
 */
#ifndef GASKET_TESTS_FACTOR_MODELS_H
#define GASKET_TESTS_FACTOR_MODELS_H

#include <math.h>

#include "tests/run_everywhere.h"

#define MAX_VARIABLES 16
#define MAX_FACTORS   40
#define MAX_SCOPE     5
#define MAX_STATES    5
#define MAX_TABLE     3125

typedef struct {
    unsigned n;
    int64_t scope[MAX_SCOPE];
    unsigned size;
    double table[MAX_TABLE];
} SmallFactor;

typedef struct {
    unsigned n, n_factors;
    uint32_t states[MAX_VARIABLES];
    int32_t evidence[MAX_VARIABLES];
    SmallFactor factor[MAX_FACTORS];
} SmallModel;

typedef struct {
    double log_z;
    double marginal[MAX_VARIABLES][MAX_STATES];
    double best; /* natural logarithm of the largest product */
} SmallAnswer;

static inline SmallFactor *
small_model_add(SmallModel *model, unsigned n, const int64_t *scope)
{
    SmallFactor *factor = &model->factor[model->n_factors++];
    factor->n = n;
    factor->size = 1;
    for (unsigned i = 0; i < n; i++) {
        factor->scope[i] = scope[i];
        factor->size *= model->states[scope[i]];
    }
    return factor;
}

/* Entries exp(strength z); one in `zeros` (0: none) is 0. */
static inline void
small_factor_draw(SmallFactor *factor, GasketRandom *random, double strength, unsigned zeros)
{
    for (unsigned i = 0; i < factor->size; i++) {
        factor->table[i] = exp(strength * gasket_random_normal(random));
        if (zeros > 0 && gasket_random_below(random, zeros) == 0)
            factor->table[i] = 0;
    }
}

static inline void
small_model_variables(SmallModel *model, unsigned n, unsigned max_states, GasketRandom *random)
{
    *model = (SmallModel){.n = n};
    for (unsigned v = 0; v < n; v++) {
        model->states[v] = max_states == 2 ? 2 : 1 + gasket_random_below(random, max_states);
        model->evidence[v] = -1;
    }
}

/* Without cycles: each factor joins one variable of the tree so far with new ones; some variables
 * have a factor of their own, and the last one stands alone. */
static inline void
small_model_tree(SmallModel *model, unsigned n, unsigned max_states, double strength,
                 unsigned zeros, uint64_t seed)
{
    GasketRandom random = gasket_random_at(seed, 1, 0, 0);
    small_model_variables(model, n, max_states, &random);
    for (unsigned v = 1; v + 1 < n;) {
        unsigned more = 1 + gasket_random_below(&random, MIN(3, n - 1 - v));
        unsigned at = gasket_random_below(&random, more + 1);
        int64_t scope[MAX_SCOPE], old = gasket_random_below(&random, v);
        for (unsigned i = 0; i <= more; i++)
            scope[i] = i == at ? old : v++;
        small_factor_draw(small_model_add(model, more + 1, scope), &random, strength, zeros);
    }
    for (int64_t v = 0; v < n; v += 2)
        small_factor_draw(small_model_add(model, 1, &v), &random, strength, 0);
}

/* Factors over variables at random, all of them positive. */
static inline void
small_model_loopy(SmallModel *model, unsigned n, unsigned n_factors, unsigned max_scope,
                  unsigned max_states, double strength, uint64_t seed)
{
    GasketRandom random = gasket_random_at(seed, 2, 0, 0);
    small_model_variables(model, n, max_states, &random);
    for (unsigned f = 0; f < n_factors; f++) {
        int64_t all[MAX_VARIABLES];
        unsigned size = 2 + gasket_random_below(&random, max_scope - 1);
        for (unsigned v = 0; v < n; v++)
            all[v] = v;
        for (unsigned i = 0; i < size; i++) {
            unsigned other = i + gasket_random_below(&random, n - i);
            int64_t swap = all[i];
            all[i] = all[other];
            all[other] = swap;
        }
        small_factor_draw(small_model_add(model, size, all), &random, strength, 0);
    }
    for (int64_t v = 0; v < n; v++)
        small_factor_draw(small_model_add(model, 1, &v), &random, strength, 0);
}

static inline double
small_model_product(const SmallModel *model, const uint32_t *state)
{
    double product = 1;
    for (unsigned f = 0; f < model->n_factors; f++) {
        unsigned at = 0;
        for (unsigned i = 0; i < model->factor[f].n; i++)
            at = at * model->states[model->factor[f].scope[i]] + state[model->factor[f].scope[i]];
        product *= model->factor[f].table[at];
    }
    for (unsigned v = 0; v < model->n; v++)
        if (model->evidence[v] >= 0 && state[v] != (uint32_t)model->evidence[v])
            product = 0;
    return product;
}

static inline void
small_model_solve(const SmallModel *model, SmallAnswer *answer)
{
    uint32_t state[MAX_VARIABLES] = {0};
    double z = 0, best = 0;
    unsigned v = 0;

    *answer = (SmallAnswer){0};
    while (v < model->n) {
        double product = small_model_product(model, state);
        z += product;
        best = MAX(best, product);
        for (unsigned u = 0; u < model->n; u++)
            answer->marginal[u][state[u]] += product;
        for (v = 0; v < model->n && ++state[v] == model->states[v]; v++)
            state[v] = 0;
    }
    answer->log_z = log(z);
    answer->best = log(best);
    for (v = 0; z > 0 && v < model->n; v++)
        for (unsigned x = 0; x < model->states[v]; x++)
            answer->marginal[v][x] /= z;
}

static inline GasketGraph *
small_model_build(const void *data)
{
    const SmallModel *model = data;
    g_autoptr(GError) error = NULL;
    GasketFactorGraph *graph = gasket_factor_graph_new();
    bool ok = gasket_factor_graph_add_variables(graph, model->n, model->states, &error);
    for (unsigned f = 0; ok && f < model->n_factors; f++)
        ok = gasket_factor_graph_add_factor(graph, model->factor[f].n, model->factor[f].scope,
                                            model->factor[f].size, model->factor[f].table, &error);
    for (unsigned v = 0; ok && v < model->n; v++)
        ok = gasket_factor_graph_observe(graph, v, model->evidence[v], &error);
    ck_assert_msg(ok, "%s", error ? error->message : "");
    GasketGraph *built = gasket_factor_graph_finish_take(&graph, NULL, &error);
    ck_assert_msg(built != NULL, "%s", error ? error->message : "");
    return built;
}

/* The largest difference of a result's marginals (varying column c) from the answer. */
static inline double
small_model_difference(const SmallModel *model, const SmallAnswer *answer,
                       const GasketResult *result, unsigned c)
{
    const double *marginal = gasket_result_column(result, c);
    const uint64_t *begin = gasket_result_begin(result, c);
    double largest = 0;
    for (unsigned v = 0; v < model->n; v++) {
        ck_assert_uint_eq(begin[v + 1] - begin[v], model->states[v]);
        for (unsigned x = 0; x < model->states[v]; x++) {
            double d = fabs(marginal[begin[v] + x] - answer->marginal[v][x]);
            largest = isnan(d) ? INFINITY : MAX(largest, d);
        }
    }
    return largest;
}

#endif
