/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables that keep one state each and choose a new one given those around them: Gibbs sampling,
 * annealing, iterated conditional modes.
 *
 *   p(x | rest)  ~  prior(x) product over factors of table(x, states of the others)
 *
 * Group by group (factor_order.h): the factors next to a group send the logarithm of their tables'
 * slices at the published states, its variables add them up and choose. Steps:
 *
 *   settings.group = g;
 *   program = factor_slice_program(&settings), factor_choose_program(&settings);
 *
 * A 0 counts as exp(FACTOR_FORBIDDEN): it is never chosen where anything else can be, and from an
 * impossible assignment the way leads to fewer zeros.
 */
#ifndef GASKET_ALGORITHMS_FACTOR_CONDITIONAL_H
#define GASKET_ALGORITHMS_FACTOR_CONDITIONAL_H

#include "factor_order.h"

#define FACTOR_FORBIDDEN (-1e4)

typedef struct FactorConditional FactorConditional;

/* Told the conditional distribution of a variable, normalised, after each choice. */
typedef void (*FactorWatch)(const FactorConditional *settings, GasketVertex v, const double *p,
                            size_t n);

struct FactorConditional {
    const FactorModel *model; /* in the domain MAX or LOG: logarithms of tables */
    uint32_t group;
    double inverse_temperature; /* probabilities to this power; INFINITY: the likeliest state */
    bool start;                 /* choose by the prior alone */
    uint32_t stream;            /* of random numbers */
    unsigned changed;           /* COUNT aggregate: variables with a new state */
    FactorWatch watch;          /* or NULL */
    void *data;                 /* for watch */
};

GasketProgram factor_slice_program(const FactorConditional *settings);
GasketProgram factor_choose_program(const FactorConditional *settings);

/* [all] Every group in turn; how many variables have changed. */
bool factor_conditional_sweep(FactorOrder *order, FactorConditional *settings, int64_t *ret_changed,
                              GError **error);

/* [all] A state for each variable by its prior alone, or its evidence. */
bool factor_conditional_start(FactorOrder *order, FactorConditional *settings, GError **error);

#endif
