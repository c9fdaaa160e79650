/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of a block of doubles of similar size by plain additions that cannot round, for
 * gasket_exact_sum_add_many.
 *
 * Let A = sum of |x[i]|, M = 1.5 * 2^k with 2^k > 4 A, and u = 2^(k-52), the spacing of doubles
 * around M. Starting from S = M, for every x:
 *
 *   t = S + x     rounded to a multiple of u; within [2^k, 2^(k+1)), as is every S
 *   q = t - S     exact: what S took of x, a multiple of u
 *   r = x - q     exact: what is left of x, |r| <= u / 2
 *   S = t
 *
 * In the end S - M is the exact sum of the q. The r go through the next level, with a smaller M.
 * Numbers of similar size leave nothing after two levels, which is checked; others go through two
 * more. Levels and what is left together are the exact sum whatever the order, so that every SIMD
 * lane may have its own S and the widest vectors of the machine give the same sum.
 *
 * Differences of larger numbers (how much values changed, what rounding took) are multiples of the
 * larger numbers' spacing and leave nothing after one level. This is tried first, and cheaper:
 * every x starts from M itself, and the bits of all t are added up as integers. They are n times
 * the bits of M plus the sum of the q in units of u.
 *
 * Cost: two passes, 7 operations an addend and one level, 10 and two levels. That one level is not
 * enough mostly shows after PROBE addends.
 *
 * Reference: J. Demmel, H. D. Nguyen, Parallel reproducible summation, IEEE Transactions on
 * Computers 64 (7), 2015.
 */
#ifndef GASKET_ENGINE_EXACT_SUM_BLOCK_H
#define GASKET_ENGINE_EXACT_SUM_BLOCK_H

#include <gasket/types.h>

#include <math.h>
#include <string.h>

#define GASKET_EXACT_SUM_BLOCK  1024 /* addends that share their levels, at most */
#define GASKET_EXACT_SUM_LEVELS 4
#define GASKET_EXACT_SUM_GROUP  8 /* addends of one turn of the loops */

typedef enum {
    GASKET_TOOK_NOTHING, /* too large or not finite: nothing was done */
    GASKET_TOOK_SOME,    /* the sum is that of taken[] and left[] */
    GASKET_TOOK_ALL,     /* the sum is that of taken[] */
} GasketTook;

/* Splits the sum of n doubles, a multiple of GASKET_EXACT_SUM_GROUP up to GASKET_EXACT_SUM_BLOCK,
 * into ret_taken [GASKET_EXACT_SUM_LEVELS] and ret_left [n]. One definition for each family of
 * processors (exact_sum_block_*.c). */
GasketTook gasket_exact_sum_take(const double *x, size_t n, double *ret_taken, double *ret_left);

/* ---- the loops, to be compiled for one instruction set or another ---------------------------- */

#define GASKET_ALWAYS_INLINE static inline __attribute__((always_inline))

enum {
    GASKET_LANES = 4,   /* doubles to a vector */
    GASKET_VECTORS = 2, /* independent chains, to hide the latency of additions */
    /* From one level's k to the next: a level leaves at most u / 2 = 2^(k-53) each, 1024 of them
     * sum to 2^(k-43), and the next level's 2^k is to be 4 times that. */
    GASKET_LEVEL_BITS = 41,
    GASKET_PROBE = 128, /* addends after which one level may turn out not to be enough */
};

typedef double GasketLanes __attribute__((vector_size(4 * sizeof(double))));
typedef int64_t GasketLaneBits __attribute__((vector_size(4 * sizeof(double))));
typedef uint64_t GasketLaneWords __attribute__((vector_size(4 * sizeof(double))));

/* 2^e, for the exponents of normal numbers. */
GASKET_ALWAYS_INLINE double
gasket_power_of_two(int e)
{
    uint64_t bits = (uint64_t)(e + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* One level with M = start, whose bits are added up. Returns whether nothing is left. */
GASKET_ALWAYS_INLINE bool
gasket_take_one_level(const double *x, size_t n, double start, uint64_t *total)
{
    GasketLaneWords taken[GASKET_VECTORS] = {{0}}, some[GASKET_VECTORS] = {{0}};
    for (size_t i = 0; i < n; i += GASKET_EXACT_SUM_GROUP) {
        for (unsigned j = 0; j < GASKET_VECTORS; j++) {
            GasketLanes v;
            memcpy(&v, x + i + j * GASKET_LANES, sizeof v);
            GasketLanes t = v + start;
            v -= t - start;
            taken[j] += (GasketLaneWords)t;
            some[j] |= (GasketLaneWords)v;
        }
    }
    GasketLaneWords sum = taken[0] + taken[1], all = some[0] | some[1];
    *total += sum[0] + sum[1] + sum[2] + sum[3];
    return (all[0] | all[1] | all[2] | all[3]) << 1 == 0; /* a left -0 is nothing */
}

/* The sum of |x[i]| but for rounding; not finite if any x is not. */
GASKET_ALWAYS_INLINE double
gasket_sum_of_magnitudes(const double *x, size_t n)
{
    const GasketLaneBits magnitude = (GasketLaneBits){0} + INT64_MAX;
    GasketLanes total[GASKET_VECTORS] = {{0}};
    for (size_t i = 0; i < n; i += GASKET_EXACT_SUM_GROUP) {
        for (unsigned j = 0; j < GASKET_VECTORS; j++) {
            GasketLanes v;
            memcpy(&v, x + i + j * GASKET_LANES, sizeof v);
            total[j] += (GasketLanes)((GasketLaneBits)v & magnitude);
        }
    }
    GasketLanes all = total[0] + total[1];
    return all[0] + all[1] + all[2] + all[3];
}

/* What the lanes took beyond what they started with. Exact: all are multiples of u and their
 * magnitudes sum to less than 2^k. */
GASKET_ALWAYS_INLINE double
gasket_lanes_taken(const GasketLanes lanes[GASKET_VECTORS], double start)
{
    double total = 0;
    for (unsigned j = 0; j < GASKET_VECTORS; j++)
        for (unsigned i = 0; i < GASKET_LANES; i++)
            total += lanes[j][i] - start;
    return total;
}

/* Two levels, with M = 1.5 * 2^k and 1.5 * 2^(k - LEVEL_BITS). ret_left may be x. Returns whether
 * anything is left. */
GASKET_ALWAYS_INLINE bool
gasket_take_two_levels(const double *x, size_t n, int k, double *ret_taken, double *ret_left)
{
    const double first = ldexp(1.5, k), second = ldexp(1.5, k - GASKET_LEVEL_BITS);
    GasketLanes high[GASKET_VECTORS], low[GASKET_VECTORS];
    GasketLaneBits some[GASKET_VECTORS] = {{0}};
    for (unsigned j = 0; j < GASKET_VECTORS; j++) {
        high[j] = (GasketLanes){0} + first;
        low[j] = (GasketLanes){0} + second;
    }
    for (size_t i = 0; i < n; i += GASKET_EXACT_SUM_GROUP) {
        for (unsigned j = 0; j < GASKET_VECTORS; j++) {
            GasketLanes v;
            memcpy(&v, x + i + j * GASKET_LANES, sizeof v);
            GasketLanes t = high[j] + v;
            v -= t - high[j];
            high[j] = t;
            t = low[j] + v;
            v -= t - low[j];
            low[j] = t;
            some[j] |= (GasketLaneBits)v;
            memcpy(ret_left + i + j * GASKET_LANES, &v, sizeof v);
        }
    }
    ret_taken[0] = gasket_lanes_taken(high, first);
    ret_taken[1] = gasket_lanes_taken(low, second);
    GasketLaneBits all = some[0] | some[1];
    return (uint64_t)(all[0] | all[1] | all[2] | all[3]) << 1 != 0; /* a left -0 is nothing */
}

/* Takes a block whole in one level with M = 1.5 * 2^k; false if that leaves something. */
GASKET_ALWAYS_INLINE bool
gasket_take_at_once(const double *x, size_t n, int k, double *ret_taken)
{
    double start = 1.5 * gasket_power_of_two(k);
    uint64_t start_bits, total = 0;
    memcpy(&start_bits, &start, sizeof start_bits);

    for (size_t i = 0; i < n; i += GASKET_PROBE)
        if (!gasket_take_one_level(x + i, n - i < GASKET_PROBE ? n - i : GASKET_PROBE, start,
                                   &total))
            return false;
    /* At most n 2^51 on either side of 0: two halves that are doubles. */
    int64_t units = (int64_t)(total - n * start_bits);
    ret_taken[0] = (double)(units >> 32) * gasket_power_of_two(k - 52 + 32);
    ret_taken[1] = (double)(units & UINT32_MAX) * gasket_power_of_two(k - 52);
    return true;
}

GASKET_ALWAYS_INLINE GasketTook
gasket_take(const double *x, size_t n, double *ret_taken, double *ret_left)
{
    double total = gasket_sum_of_magnitudes(x, n);
    if (!(total < 0x1p1000)) /* NaN too */
        return GASKET_TOOK_NOTHING;

    /* Four levels below the smallest k still stand above the subnormal numbers. */
    int k = total > 0x1p-700 ? ilogb(total) + 3 : -697;
    ret_taken[2] = ret_taken[3] = 0;
    if (gasket_take_at_once(x, n, k - 1, ret_taken))
        return GASKET_TOOK_ALL;
    if (!gasket_take_two_levels(x, n, k, ret_taken, ret_left))
        return GASKET_TOOK_ALL;
    if (!gasket_take_two_levels(ret_left, n, k - 2 * GASKET_LEVEL_BITS, ret_taken + 2, ret_left))
        return GASKET_TOOK_ALL;
    return GASKET_TOOK_SOME;
}

#endif
