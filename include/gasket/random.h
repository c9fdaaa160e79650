/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers that are a function of where they are used, not of when.
 *
 *   GasketRandom random = gasket_random_at(seed, STREAM, number, step);
 *   uint32_t colour = gasket_random_below(&random, 3);
 *
 * A generator is a position: (seed, stream, number, step) name a sequence and `draw` counts the
 * numbers taken from it. The same position gives the same number on every thread, worker and
 * machine, so results do not depend on placement. Give the vertex's global number, never its local
 * index.
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3; SC 2011)
 * as Random123 implements it: ten rounds of two multiplications for four 32-bit numbers.
 */
#ifndef GASKET_RANDOM_H
#define GASKET_RANDOM_H

#include <gasket/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint64_t seed;
    uint32_t stream;   /* which use of random numbers in the program, < 2^24 */
    uint32_t number;   /* of the vertex, or of anything else that owns the sequence */
    uint64_t step;     /* < 2^40 */
    uint32_t draw;     /* blocks of four numbers taken */
    uint32_t n_left;   /* numbers of the current block not yet handed out */
    uint32_t block[4]; /* the current block, handed out from its end */
} GasketRandom;

/* The sequence of a stream, a number and a step, at its first draw. */
GASKET_API GasketRandom gasket_random_at(uint64_t seed, uint32_t stream, uint32_t number,
                                         uint64_t step);

/* Uniform over 0 .. 2^32 - 1. */
GASKET_API uint32_t gasket_random_uint32(GasketRandom *random);

/* Uniform over 0 .. n - 1, without bias; n > 0. */
GASKET_API uint32_t gasket_random_below(GasketRandom *random, uint32_t n);

/* Uniform over [0, 1), 53 random bits. */
GASKET_API double gasket_random_double(GasketRandom *random);

/* i with probability weight[i] / (weight[0] + ... + weight[n - 1]); n > 0, weights not negative and
 * not all 0. O(n). */
GASKET_API uint32_t gasket_random_choice(GasketRandom *random, const double *weight, uint32_t n);

/* Standard normal (Box and Muller). */
GASKET_API double gasket_random_normal(GasketRandom *random);

#ifdef __cplusplus
}
#endif

#endif
