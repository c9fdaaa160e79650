/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small dense kernels of the matrix factorisations: vectors of a rank's length.
 *
 * A reduction runs in 8 lanes, which are added up in one fixed order: the compiler may keep the
 * lanes in registers of any width, and the bits stay the same. Everything else is element by
 * element. Matrices are row-major, [n][n]; symmetric ones keep their lower triangle.
 */
#ifndef GASKET_ALGORITHMS_VECTORS_H
#define GASKET_ALGORITHMS_VECTORS_H

#include <stdbool.h>
#include <stddef.h>

#define DENSE_LANES 8

/* x . y */
static inline float
dense_dot(size_t n, const float *restrict x, const float *restrict y)
{
    float lane[DENSE_LANES] = {0}, rest = 0;
    size_t i = 0;

    for (; i + DENSE_LANES <= n; i += DENSE_LANES)
        for (size_t j = 0; j < DENSE_LANES; j++)
            lane[j] += x[i + j] * y[i + j];
    for (; i < n; i++)
        rest += x[i] * y[i];
    return (((lane[0] + lane[4]) + (lane[1] + lane[5])) +
            ((lane[2] + lane[6]) + (lane[3] + lane[7]))) +
           rest;
}

/* y += a x */
static inline void
dense_axpy(size_t n, float a, const float *restrict x, float *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

/* x . y in double */
double dense_dot_double(size_t n, const double *restrict x, const double *restrict y);

/* y += a x in double */
void dense_axpy_double(size_t n, double a, const double *restrict x, double *restrict y);

/* Lower triangle of a [n][n] += w x x'. */
void dense_rank_one(size_t n, double w, const float *restrict x, double *restrict a);

/* y = a x, a symmetric by its lower triangle. */
void dense_symmetric_times(size_t n, const double *a, const double *x, double *restrict y);

/* Replaces the lower triangle of a by L with a = L L'. false if a is not positive definite. */
bool dense_cholesky(size_t n, double *a);

/* Solves L x = b, and L' x = b, in place. */
void dense_solve_lower(size_t n, const double *l, double *x);
void dense_solve_lower_transposed(size_t n, const double *l, double *x);

/* Solves a x = b in place of b by Cholesky; a is lost. false if a is not positive definite. */
bool dense_solve(size_t n, double *a, double *b);

#endif
