/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A graphical model whole, in one place, and what is left of it to do once everything certain has
 * been taken out.
 *
 *   ExactModel      the model as the graph has it, gathered from all workers
 *   ExactProblem    states that are possible, variables with more than one of them, tables over
 *                   these alone
 *
 * A state is impossible if it is not the observed one, if its prior is 0, or if some factor has no
 * entry above 0 for it among the possible states of its other variables; that is repeated until
 * nothing changes (generalised arc consistency). Evidence is thus one case of a hard constraint:
 * tables are cut down by both before anything is computed with them.
 */
#ifndef GASKET_ALGORITHMS_EXACT_MODEL_H
#define GASKET_ALGORITHMS_EXACT_MODEL_H

#include <gasket/factor_graph.h>
#include <gasket/run.h>

/* By number of the variable or factor. */
typedef struct {
    uint32_t n_variables, n_factors;
    double *cardinality, *evidence; /* [n_variables] */
    double *log_scale;              /* [n_variables] of the priors; at least -DBL_MAX */
    uint64_t *state_begin;          /* [n_variables + 1] into prior */
    double *prior;                  /* [state_begin[n_variables]] */
    uint64_t *scope_begin;          /* [n_factors + 1] into scope */
    double *scope;                  /* variable numbers by position */
    uint64_t *table_begin;          /* [n_factors + 1] into table */
    double *table;
} ExactModel;

/* [all] Gathers the model on every worker. Errors: MEMORY, and as of gasket_run_reduce_max. */
bool exact_model_gather(ExactModel *model, GasketRun *run, GError **error);
void exact_model_clear(ExactModel *model);

/* A table over open variables, in an order of its own; the last varies fastest. */
typedef struct {
    uint32_t n;
    uint32_t *scope; /* [n] */
    uint64_t size;
    double *table; /* [size] the largest is 1 */
} ExactFactor;

/* Open variables, those with several possible states, are counted from 0. */
typedef struct {
    uint32_t n;
    uint32_t *variable;    /* [n] number in the model */
    uint32_t *cardinality; /* [n] possible states */
    int64_t *open;         /* [n_variables] index of each variable of the model, or -1 */
    uint8_t *possible;     /* [states of the model] */
    uint32_t n_factors;
    ExactFactor *factors; /* [n_factors] */
    double log_constant;  /* natural logarithm of what stands outside the tables */
    bool impossible;      /* no assignment has a probability above 0 */
} ExactProblem;

/* Errors: MEMORY. Clear it, in failure too. */
bool exact_problem_init(ExactProblem *problem, const ExactModel *model, GError **error);
void exact_problem_clear(ExactProblem *problem);

/* Nothing open, and no factors. */
void exact_problem_empty(ExactProblem *problem);

/* Zeroed, freed with g_free. NULL and MEMORY on failure. */
void *exact_new(uint64_t n, size_t size, GError **error);

#endif
