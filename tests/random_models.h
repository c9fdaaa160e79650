/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small random factor graphs, and what holds of them by going through every assignment.
 *
 *   const ModelShape shape = {.seed = 7, .n_variables = 8, .n_factors = 10, .zeros = 0.3};
 *   GasketGraph *graph = model_build(&shape);
 *   g_autoptr(ModelAnswer) answer = model_brute_force(&shape);
 */
#ifndef GASKET_TESTS_RANDOM_MODELS_H
#define GASKET_TESTS_RANDOM_MODELS_H

#include <math.h>
#include <string.h>

#include "tests/check_main.h"
#include <gasket/gasket.h>

#define MODEL_MAX_VARIABLES 12
#define MODEL_MAX_FACTORS   40
#define MODEL_MAX_TABLE     256

typedef struct {
    uint64_t seed;
    unsigned n_variables, n_factors; /* at most the bounds above */
    double zeros;                    /* share of entries that are 0 */
    double evidence;                 /* share of variables that are observed */
    double spread;                   /* entries are exp(spread x), x in (-1, 1); 0: in (0, 1) */
    bool tree;                       /* factors of two variables that make a tree */
} ModelShape;

typedef struct {
    unsigned n;
    int64_t scope[4];
    size_t size;
    double table[MODEL_MAX_TABLE];
} ModelFactor;

typedef struct {
    uint32_t cardinality[MODEL_MAX_VARIABLES];
    int32_t evidence[MODEL_MAX_VARIABLES];
    unsigned n_variables, n_factors;
    ModelFactor factors[MODEL_MAX_FACTORS];
} Model;

static inline double
model_entry(const ModelShape *shape, GasketRandom *random)
{
    if (gasket_random_double(random) < shape->zeros)
        return 0;
    double x = gasket_random_double(random);
    return shape->spread > 0 ? exp(shape->spread * (2 * x - 1)) : x;
}

static inline void
model_make(const ModelShape *shape, Model *model)
{
    GasketRandom random = gasket_random_at(shape->seed, 77, 0, 0);
    *model = (Model){.n_variables = shape->n_variables, .n_factors = shape->n_factors};
    for (unsigned v = 0; v < model->n_variables; v++) {
        model->cardinality[v] = 1 + gasket_random_below(&random, 4);
        model->evidence[v] = -1;
        if (gasket_random_double(&random) < shape->evidence)
            model->evidence[v] = (int32_t)gasket_random_below(&random, model->cardinality[v]);
    }
    for (unsigned f = 0; f < model->n_factors; f++) {
        ModelFactor *factor = &model->factors[f];
        unsigned drawn = gasket_random_below(&random, 5);
        unsigned wanted = MIN(drawn, model->n_variables);
        if (shape->tree && f + 1 < model->n_variables) {
            factor->scope[0] = f + 1;
            factor->scope[1] = gasket_random_below(&random, f + 1);
            factor->n = 2;
        }
        while (!shape->tree && factor->n < wanted) {
            unsigned v = gasket_random_below(&random, model->n_variables), i = 0;
            while (i < factor->n && factor->scope[i] != v)
                i++;
            if (i == factor->n)
                factor->scope[factor->n++] = v;
        }
        if (shape->tree && factor->n == 0)
            factor->scope[factor->n++] = gasket_random_below(&random, model->n_variables);
        factor->size = 1;
        for (unsigned i = 0; i < factor->n; i++)
            factor->size *= model->cardinality[factor->scope[i]];
        for (size_t e = 0; e < factor->size; e++)
            factor->table[e] = model_entry(shape, &random);
    }
}

static inline GasketGraph *
model_graph(const Model *model)
{
    g_autoptr(GError) error = NULL;
    GasketFactorGraph *builder = gasket_factor_graph_new();
    bool made =
        gasket_factor_graph_add_variables(builder, model->n_variables, model->cardinality, &error);
    for (unsigned f = 0; made && f < model->n_factors; f++) {
        const ModelFactor *factor = &model->factors[f];
        made = gasket_factor_graph_add_factor(builder, factor->n, factor->scope, factor->size,
                                              factor->table, &error);
    }
    for (unsigned v = 0; made && v < model->n_variables; v++)
        made = gasket_factor_graph_observe(builder, v, model->evidence[v], &error);
    ck_assert_no_error(error);
    GasketGraph *graph = gasket_factor_graph_finish_take(&builder, NULL, &error);
    ck_assert_no_error(error);
    return graph;
}

/* For Experiment.build. */
static inline GasketGraph *
model_build(const void *data)
{
    g_autofree Model *model = g_new(Model, 1);
    model_make(data, model);
    return model_graph(model);
}

typedef struct {
    double z, largest;                       /* sum and maximum of all weights */
    double marginal[MODEL_MAX_VARIABLES][4]; /* not divided by z */
} ModelAnswer;

/* The weight of an assignment, evidence included. */
static inline double
model_weight(const Model *model, const uint32_t *state)
{
    double weight = 1;
    for (unsigned v = 0; v < model->n_variables; v++)
        if (model->evidence[v] >= 0 && state[v] != (uint32_t)model->evidence[v])
            return 0;
    for (unsigned f = 0; f < model->n_factors; f++) {
        const ModelFactor *factor = &model->factors[f];
        size_t at = 0;
        for (unsigned i = 0; i < factor->n; i++)
            at = at * model->cardinality[factor->scope[i]] + state[factor->scope[i]];
        weight *= factor->table[at];
    }
    return weight;
}

static inline ModelAnswer
model_brute_force(const Model *model)
{
    ModelAnswer answer = {0};
    uint32_t state[MODEL_MAX_VARIABLES] = {0};
    unsigned v;
    do {
        double weight = model_weight(model, state);
        answer.z += weight;
        answer.largest = fmax(answer.largest, weight);
        for (v = 0; v < model->n_variables; v++)
            answer.marginal[v][state[v]] += weight;
        for (v = 0; v < model->n_variables && ++state[v] == model->cardinality[v]; v++)
            state[v] = 0;
    } while (v < model->n_variables);
    return answer;
}

#endif
