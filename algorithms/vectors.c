/* SPDX-License-Identifier: Apache-2.0 */
/* Small dense kernels. See vectors.h. Cost: rank one n^2 / 2, Cholesky n^3 / 6 multiplications. */
#include "vectors.h"

#include <math.h>

double
dense_dot_double(size_t n, const double *restrict x, const double *restrict y)
{
    double lane[DENSE_LANES] = {0}, rest = 0;
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

void
dense_axpy_double(size_t n, double a, const double *restrict x, double *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

void
dense_rank_one(size_t n, double w, const float *restrict x, double *restrict a)
{
    for (size_t i = 0; i < n; i++) {
        const double wx = w * x[i];
        double *row = a + i * n;
        for (size_t j = 0; j <= i; j++)
            row[j] += wx * x[j];
    }
}

void
dense_symmetric_times(size_t n, const double *a, const double *x, double *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = 0;
    for (size_t i = 0; i < n; i++) {
        const double *row = a + i * n;
        y[i] += dense_dot_double(i + 1, row, x);
        dense_axpy_double(i, x[i], row, y);
    }
}

/* Row by row: L[i][j] = (a[i][j] - L[i] . L[j]) / L[j][j] for j < i, then the diagonal. */
bool
dense_cholesky(size_t n, double *a)
{
    for (size_t i = 0; i < n; i++) {
        double *row = a + i * n;
        for (size_t j = 0; j < i; j++)
            row[j] = (row[j] - dense_dot_double(j, row, a + j * n)) / a[j * n + j];
        double left = row[i] - dense_dot_double(i, row, row);
        if (!(left > 0))
            return false;
        row[i] = sqrt(left);
    }
    return true;
}

void
dense_solve_lower(size_t n, const double *l, double *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - dense_dot_double(i, l + i * n, x)) / l[i * n + i];
}

void
dense_solve_lower_transposed(size_t n, const double *l, double *x)
{
    for (size_t i = n; i-- > 0;) {
        x[i] /= l[i * n + i];
        dense_axpy_double(i, -x[i], l + i * n, x);
    }
}

bool
dense_solve(size_t n, double *a, double *b)
{
    if (!dense_cholesky(n, a))
        return false;
    dense_solve_lower(n, a, b);
    dense_solve_lower_transposed(n, a, b);
    return true;
}
