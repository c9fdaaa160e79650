/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops of dense.h, to be compiled for several instruction sets: the compiler turns the vectors
 * of 8 into as many registers as it takes.
 */
#ifndef GASKET_ALGORITHMS_DENSE_BLOCK_H
#define GASKET_ALGORITHMS_DENSE_BLOCK_H

#include <math.h>
#include <string.h>

#include "dense.h"

#define GASKET_INLINE static inline __attribute__((always_inline))

typedef float Lanes __attribute__((vector_size(32), aligned(4)));
typedef double Doubles __attribute__((vector_size(32), aligned(8)));

/* Rows i .. i + 3 and columns j .. j + 8 n - 1 of A += X^T X; n is 1 or 2. */
GASKET_INLINE void
dense_tile(const float *x, size_t m, size_t stride, size_t i, size_t j, unsigned n, double *a)
{
    Lanes sum[4][2] = {{{0}}};
    for (size_t r = 0; r < m; r++, x += stride) {
        const Lanes left = *(const Lanes *)(const void *)(x + j);
        Lanes right = {0};
        if (n > 1)
            right = *(const Lanes *)(const void *)(x + j + 8);
        for (unsigned k = 0; k < 4; k++) {
            sum[k][0] += x[i + k] * left;
            if (n > 1)
                sum[k][1] += x[i + k] * right;
        }
    }
    for (unsigned k = 0; k < 4; k++)
        for (unsigned h = 0; h < n; h++)
            for (unsigned l = 0; l < 8; l++)
                a[(i + k) * stride + j + 8 * h + l] += (double)sum[k][h][l];
}

GASKET_INLINE void
dense_update(const float *x, const float *y, size_t m, size_t stride, double *a, double *t,
             double *s)
{
    for (size_t i = 0; i < stride; i += 4) {
        size_t j = i / 8 * 8; /* the tile that holds the diagonal */
        for (; j + 16 <= stride; j += 16)
            dense_tile(x, m, stride, i, j, 2, a);
        if (j < stride)
            dense_tile(x, m, stride, i, j, 1, a);
    }
    for (size_t j = 0; j < stride; j += 8) {
        Lanes product = {0}, sum = {0};
        for (size_t r = 0; r < m; r++) {
            const Lanes row = *(const Lanes *)(const void *)(x + r * stride + j);
            if (t != NULL)
                product += y[r] * row;
            sum += row;
        }
        for (unsigned l = 0; l < 8; l++) {
            if (t != NULL)
                t[j + l] += (double)product[l];
            if (s != NULL)
                s[j + l] += (double)sum[l];
        }
    }
}

/* Makes rows p .. p + n - 1 (n at most 4) those of the factor U, A = U^T U. */
GASKET_INLINE bool
dense_panel(double *a, size_t p, size_t n, size_t end, size_t stride)
{
    for (size_t r = p; r < p + n; r++) {
        double *row = a + r * stride;
        for (size_t q = p; q < r; q++) {
            const double *above = a + q * stride;
            const double factor = above[r];
            for (size_t j = r; j < end; j++)
                row[j] -= factor * above[j];
        }
        if (!(row[r] > 0))
            return false;
        const double scale = 1 / sqrt(row[r]);
        for (size_t j = r; j < end; j++)
            row[j] *= scale;
    }
    return true;
}

/* Takes rows p .. p + 3 of the factor out of rows i .. i + n - 1 behind them, from the column of
 * the diagonal's block to the end of the padding; n is 1 or 4. */
GASKET_INLINE void
dense_reduce(double *a, size_t p, size_t i, unsigned n, size_t stride)
{
    const double *above = a + p * stride;
    double *row = a + i * stride;
    double factor[4][4];
    for (unsigned k = 0; k < n; k++)
        for (unsigned q = 0; q < 4; q++)
            factor[k][q] = above[q * stride + i + k];
    for (size_t j = i / 4 * 4; j < stride; j += 4) {
        Doubles u[4];
        for (unsigned q = 0; q < 4; q++)
            u[q] = *(const Doubles *)(const void *)(above + q * stride + j);
        for (unsigned k = 0; k < n; k++) {
            Doubles *x = (Doubles *)(void *)(row + k * stride + j);
            *x -= factor[k][0] * u[0] + factor[k][1] * u[1] + factor[k][2] * u[2] +
                  factor[k][3] * u[3];
        }
    }
}

GASKET_INLINE bool
dense_solve(double *a, size_t n, size_t stride, double *t)
{
    for (size_t p = 0; p < n; p += 4) {
        size_t rows = n - p < 4 ? n - p : 4, i = p + 4;
        if (!dense_panel(a, p, rows, n, stride))
            return false;
        for (; i + 4 <= n; i += 4)
            dense_reduce(a, p, i, 4, stride);
        for (; i < n; i++)
            dense_reduce(a, p, i, 1, stride);
    }
    for (size_t i = 0; i < n; i++) { /* U^T z = t */
        const double *row = a + i * stride;
        t[i] /= row[i];
        for (size_t j = i + 1; j < n; j++)
            t[j] -= t[i] * row[j];
    }
    for (size_t i = n; i-- > 0;) { /* U x = z */
        const double *row = a + i * stride;
        double sum[4] = {0};
        size_t j = i + 1;
        for (; j + 4 <= n; j += 4)
            for (unsigned l = 0; l < 4; l++)
                sum[l] += row[j + l] * t[j + l];
        for (; j < n; j++)
            sum[0] += row[j] * t[j];
        t[i] = (t[i] - ((sum[0] + sum[1]) + (sum[2] + sum[3]))) / row[i];
    }
    return true;
}

#endif
