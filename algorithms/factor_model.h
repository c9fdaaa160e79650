/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A factor graph as the inference algorithms read it: one worker's columns, and the figures of the
 * whole model that decide kernels and scratch.
 *
 *   FactorModel model;
 *   if (!factor_model_open(&model, run, FACTOR_LOG, error))
 *       return false;
 *   const double *table = factor_model_table(&model, f);
 *   ...
 *   factor_model_clear(&model);
 *
 * The graph is that of gasket/factor_graph.h: kind 0 variables, kind 1 factors, relation 0 scope.
 *
 * Tables are read in the form that the domain wants: their logarithms where messages are added,
 * and scaled to a largest entry of 1 where they are multiplied. `factor_model_scale` is the natural
 * logarithm of what was scaled out of them; tables that need neither are read in place.
 */
#ifndef GASKET_ALGORITHMS_FACTOR_MODEL_H
#define GASKET_ALGORITHMS_FACTOR_MODEL_H

#include <gasket/factor_graph.h>
#include <gasket/run.h>

/* How messages are kept, and what combines them. */
typedef enum {
    FACTOR_LINEAR, /* probabilities: products and sums; a message sums to 1 */
    FACTOR_LOG,    /* logarithms: sums, and logarithms of sums; a message has the maximum 0 */
    FACTOR_MAX,    /* logarithms: sums and maxima; a message has the maximum 0 */
} FactorDomain;

typedef struct {
    GasketRun *run;
    FactorDomain domain;

    /* This worker's. */
    uint32_t n_variables, n_factors;
    const int32_t *cardinality;    /* [n_variables] */
    const int32_t *evidence;       /* [n_variables] */
    const double *scale;           /* [n_variables] */
    const uint64_t *prior_begin;   /* [n_variables + 1] */
    const uint64_t *table_begin;   /* [n_factors + 1] */
    const double *prior, *table;   /* in the domain's form */
    double *own_prior, *own_table; /* what of them is a copy; else NULL */
    double *table_scale;           /* [n_factors] or NULL: all 0 */

    /* The whole model's. */
    uint32_t max_cardinality;
    uint32_t uniform;    /* cardinality of every variable, or 0 where they differ */
    uint32_t max_scope;  /* variables of a factor */
    uint32_t max_degree; /* factors of a variable */
    uint64_t max_table;
    bool extreme;  /* a table whose entries other than 0 lie further apart than FACTOR_RANGE */
    bool unscaled; /* a table whose entries are too large or too small to multiply as they are */
    bool zeros;    /* a table or prior has an entry 0 */
} FactorModel;

/* A linear message may span this much; beyond it products of a few could underflow. */
#define FACTOR_RANGE 1e100

/* [all] Errors: ARGUMENT for a graph of another shape; MEMORY. */
bool factor_model_open(FactorModel *model, GasketRun *run, FactorDomain domain, GError **error);

/* Changes the domain: prepares tables and priors anew. Error: MEMORY. */
bool factor_model_set_domain(FactorModel *model, FactorDomain domain, GError **error);

void factor_model_clear(FactorModel *model);

static inline const double *
factor_model_table(const FactorModel *model, GasketVertex f)
{
    return model->table + model->table_begin[f];
}

/* Entries of a table. */
static inline uint64_t
factor_model_size(const FactorModel *model, GasketVertex f)
{
    return model->table_begin[f + 1] - model->table_begin[f];
}

static inline double
factor_model_scale(const FactorModel *model, GasketVertex f)
{
    return model->table_scale != NULL ? model->table_scale[f] : 0;
}

/* [all] Declares edge values for messages of [cardinality] doubles to variables, or both ways. */
bool factor_model_set_messages(FactorModel *model, bool both, GError **error);

/* Room for a varying column of the result with an element for each state of a variable. */
bool factor_model_set_result(FactorModel *model, unsigned column, double **ret_data,
                             const uint64_t **ret_begin, GError **error);

#endif
