/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All outgoing messages of a factor, together in time proportional to its table.
 *
 *   out_i(x_i) = sum over the other x of  table(x) product over j != i of in_j(x_j)
 *
 * The table is contracted from the left, variable by variable, and the messages from the right are
 * multiplied out, so that each variable meets what is left of the table once:
 *
 *   left_0 = table                 left_i(x_i ..)  = sum over x_{i-1} of in_{i-1} left_{i-1}
 *   right_n = 1                    right_i(x_i ..) = in_i right_{i+1}
 *   out_i(x_i) = sum over x_{i+1} .. of left_i(x_i ..) right_{i+1}(x_{i+1} ..)
 *
 * left_i is as many times smaller than left_{i-1} as the variable had states: the whole costs
 * about 5 passes over the table for 2 states each, and less for more, whatever the number of
 * variables (of one state each excepted: those cost a pass each).
 *
 * In the logarithmic domains products are sums and sums are logarithms of sums, or maxima.
 */
#ifndef GASKET_ALGORITHMS_FACTOR_CONTRACT_H
#define GASKET_ALGORITHMS_FACTOR_CONTRACT_H

#include "factor_model.h"

/* One factor: its variables by position, the last varying fastest. */
typedef struct {
    const double *table;
    uint64_t size;           /* of the table */
    uint32_t n;              /* variables */
    const uint32_t *states;  /* [n] */
    const double *const *in; /* [n] incoming messages */
    double *const *out;      /* [n] outgoing ones, not normalised; NULL: not wanted */
    double *scratch;         /* [factor_contract_scratch(size)] */
} FactorContraction;

/* Doubles of scratch for a table of this size. */
static inline uint64_t
factor_contract_scratch(uint64_t size)
{
    return 2 * size + 1;
}

/* Writes the outgoing messages that are wanted. */
void factor_contract(FactorDomain domain, const FactorContraction *factor);

/* The sum (or maximum) over all states of the table times all messages: in logarithms too where the
 * domain is. */
double factor_contract_all(FactorDomain domain, const FactorContraction *factor);

#endif
