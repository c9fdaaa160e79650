/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small dense least squares: what a vertex solves that holds a whole row of ratings.
 *
 *   rank-k update    A += X^T X and t += X^T y of a block of rows X [m][stride]
 *   solve            A x = t by Cholesky
 *
 * A is symmetric; only its upper triangle is read and written, row-major:
 *
 *      stride
 *    | a00 a01 a02 ..|      tiles of 4 rows by 16 columns on and right of the diagonal are
 *    |     a11 a12   |      summed over the whole block in registers, in single precision,
 *    |         a22   |      then added to A in double
 *
 * The bits are a function of the arguments alone: each sum has one order, without contraction, for
 * every width of vectors that the processor has.
 *
 * Cost: m stride (stride + 16) flops and stride^3 / 3.
 */
#ifndef GASKET_ALGORITHMS_DENSE_H
#define GASKET_ALGORITHMS_DENSE_H

#include <gasket/types.h>

/* Elements of a row with n numbers in it: the next multiple of 8. The rest must be 0 in X. */
static inline size_t
gasket_dense_stride(size_t n)
{
    return (n + 7) / 8 * 8;
}

typedef struct {
    /* A += X^T X; t += X^T y (y [m]; NULL: no t); s += X^T 1 (NULL: no s). */
    void (*update)(const float *x, const float *y, size_t m, size_t stride, double *a, double *t,
                   double *s);
    /* Solves A x = t in place of t for the first n rows and columns; A is overwritten by its
     * factor. False if A is not positive definite. */
    bool (*solve)(double *a, size_t n, size_t stride, double *t);
} GasketDense;

/* The fastest for this processor; the same bits from each. */
const GasketDense *gasket_dense(void);

#endif
