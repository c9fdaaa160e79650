/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the builder does to the values of columns: comparing them by their bits, which gives every
 * multiset of values one order, and combining those of parallel edges.
 */
#ifndef GASKET_ENGINE_COLUMN_BITS_H
#define GASKET_ENGINE_COLUMN_BITS_H

#include <gasket/types.h>

/* Order of two values, element by element, elements as the unsigned integers that their bits are;
 * if one is the other's beginning, the shorter is first: < 0, 0, > 0. */
int gasket_bits_compare(GasketType type, const void *x, uint64_t x_count, const void *y,
                        uint64_t y_count);

/* The sum, minimum or maximum of one element over parallel edges.
 *
 * Sums of floating-point elements are kept in double; those of integers stop at the ends of the
 * type's range. A NaN is neither less nor greater: it stays only if it comes first. */
typedef struct {
    GasketMultiEdges rule;
    GasketType type;
    int64_t integer; /* so far, of integer types */
    double real;     /* ... of floating-point types */
} GasketFold;

/* Starts with one element. rule: SUM, MIN or MAX. */
void gasket_fold_start(GasketFold *fold, GasketMultiEdges rule, GasketType type,
                       const void *element);
void gasket_fold_add(GasketFold *fold, const void *element);
void gasket_fold_store(const GasketFold *fold, void *ret_element);

#endif
