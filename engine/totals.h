/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Totals: the aggregates of a run.
 *
 * Each thread adds into partials of its own; at the end of a step they are merged over threads and
 * then over ranks, in any order: integers, minima and maxima do not mind, and sums of doubles are
 * exact until they are rounded (exact_sum.h).
 *
 *   elements    aggregate 0: e0 e1 e2 | aggregate 1: e3 | aggregate 2: e4 ...
 *
 * A step's program says which aggregates it computes anew; the others keep their totals.
 */
#ifndef GASKET_ENGINE_TOTALS_H
#define GASKET_ENGINE_TOTALS_H

#include <math.h>

#include <gasket/run.h>

#include "engine/exact_sum.h"

/* One element being added up by one thread. */
typedef struct {
    uint32_t n_buffered;
    double *buffer; /* [GasketPartials.room] addends not yet in the sum */
    GasketExactSum sum;
} GasketPartialSum;

typedef union {
    int64_t count;
    double extreme;
    GasketPartialSum *sum;
} GasketPartial;

typedef union {
    int64_t count;
    double real;
} GasketTotal;

typedef struct {
    unsigned n_aggregates;
    GasketAggregate *aggregates; /* [n_aggregates], names owned */
    uint32_t *first;             /* [n_aggregates + 1] first element of each */
    GasketTotal *total;          /* [n_elements] as of the last step */
} GasketTotals;

/* Partials of every element: one set for each thread, one for the rank. */
typedef struct {
    const GasketTotals *totals;
    GasketPartial *element;
    GasketPartialSum *sums; /* those of the elements that need one */
    double *buffers;        /* theirs, one after the other */
    uint32_t room;          /* of each buffer */
} GasketPartials;

/* The smaller of two numbers, with the same bits whichever comes first: -0 is smaller than +0, and
 * a NaN counts only where both are, and is then always the same. (-least(-x, -y): the larger.) */
static inline double
gasket_least(double x, double y)
{
    if (isnan(x) || isnan(y))
        return isnan(x) && isnan(y) ? (double)NAN : isnan(x) ? y : x;
    if (x == y)
        return signbit(x) ? x : y;
    return x < y ? x : y;
}

bool gasket_totals_init(GasketTotals *totals, const GasketAggregate *aggregates,
                        unsigned n_aggregates, GError **error);
void gasket_totals_clear(GasketTotals *totals);

bool gasket_partials_init(GasketPartials *partials, const GasketTotals *totals, GError **error);
void gasket_partials_clear(GasketPartials *partials);

/* Empties the elements of the aggregates in mask. */
void gasket_partials_reset(GasketPartials *partials, uint64_t mask);

/* Adds other's elements of the aggregates in mask. */
void gasket_partials_merge(GasketPartials *partials, GasketPartials *other, uint64_t mask);

/* Rounds the elements in mask into the totals. */
void gasket_partials_finish(GasketPartials *partials, GasketTotals *totals, uint64_t mask);

/* ---- wire: elements of the aggregates in mask, in order ---- */

/* Bytes of all elements in mask on the wire. */
size_t gasket_partials_wire_size(const GasketPartials *partials, uint64_t mask);

/* Writes as many elements from *cursor on as fit into room bytes, and moves *cursor. Returns the
 * bytes. The cursor counts elements of the whole run; it starts at 0 and ends at n_elements. */
size_t gasket_partials_write(GasketPartials *partials, uint64_t mask, uint32_t *cursor,
                             uint8_t *bytes, size_t room);

/* Merges what write gave; false if the bytes are not of such elements. */
bool gasket_partials_read(GasketPartials *partials, uint64_t mask, uint32_t *cursor,
                          const uint8_t *bytes, size_t n);

#endif
