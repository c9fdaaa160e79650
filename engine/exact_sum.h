/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact sums: adding doubles without any rounding until the total is asked for.
 *
 *   GasketExactSum sum;
 *   gasket_exact_sum_init(&sum);
 *   gasket_exact_sum_add_many(&sum, x, n);
 *   gasket_exact_sum_merge(&sum, &of_another_thread);
 *   double total = gasket_exact_sum_round(&sum);
 *
 * The total is the double nearest to the exact sum (ties to even), so it is the same for every
 * order of addition and every way to split the addends over threads and workers. Totals beyond
 * the largest double round to an infinity. If any addend is a NaN or an infinity, the total is
 * NaN. An empty or cancelled sum is +0.
 *
 * A sum takes up to 2^62 addends.
 */
#ifndef GASKET_ENGINE_EXACT_SUM_H
#define GASKET_ENGINE_EXACT_SUM_H

#include <gasket/types.h>

#define GASKET_EXACT_SUM_CHUNKS 68

/* Bytes of a sum on the wire. */
#define GASKET_EXACT_SUM_BYTES 280

/* Private fields; see exact_sum.c. Plain data: may be copied, and zeroed memory is an empty sum. */
typedef struct {
    int64_t chunk[GASKET_EXACT_SUM_CHUNKS];
    uint32_t n_pending;
    bool not_finite;
} GasketExactSum;

/* Makes it empty. */
void gasket_exact_sum_init(GasketExactSum *sum);

/* Adds x. */
void gasket_exact_sum_add(GasketExactSum *sum, double x);

/* Adds x[0] .. x[n - 1]: by vectors where hundreds of addends lie within a factor of 2^25 of one
 * another, otherwise one by one. */
void gasket_exact_sum_add_many(GasketExactSum *sum, const double *x, size_t n);

/* Adds what other holds. */
void gasket_exact_sum_merge(GasketExactSum *sum, const GasketExactSum *other);

/* The total, rounded once. */
double gasket_exact_sum_round(const GasketExactSum *sum);

/* The sum for the wire, the same bytes for equal sums: 34 little-endian 64-bit words of a
 * two's-complement integer in units of 2^-1074, then a word that is 1 if the total is NaN. */
void gasket_exact_sum_write(const GasketExactSum *sum, uint8_t ret_bytes[GASKET_EXACT_SUM_BYTES]);

/* Reads what gasket_exact_sum_write wrote. false (sum untouched): no sum has these bytes. */
bool gasket_exact_sum_read(GasketExactSum *sum, const uint8_t bytes[GASKET_EXACT_SUM_BYTES]);

/* Whether invariants 1 and 2 of exact_sum.c hold. For tests. */
bool gasket_exact_sum_check(const GasketExactSum *sum);

#endif
