/* SPDX-License-Identifier: Apache-2.0 */
/* Dense least squares for x86-64, with or without AVX2; see dense.h. */
#include "dense_block.h"

static void
update_sse2(const float *x, const float *y, size_t m, size_t stride, double *a, double *t,
            double *s)
{
    dense_update(x, y, m, stride, a, t, s);
}

static bool
solve_sse2(double *a, size_t n, size_t stride, double *t)
{
    return dense_solve(a, n, stride, t);
}

__attribute__((target("avx2"))) static void
update_avx2(const float *x, const float *y, size_t m, size_t stride, double *a, double *t,
            double *s)
{
    dense_update(x, y, m, stride, a, t, s);
}

__attribute__((target("avx2"))) static bool
solve_avx2(double *a, size_t n, size_t stride, double *t)
{
    return dense_solve(a, n, stride, t);
}

const GasketDense *
gasket_dense(void)
{
    static const GasketDense sse2 = {update_sse2, solve_sse2}, avx2 = {update_avx2, solve_avx2};
    return __builtin_cpu_supports("avx2") ? &avx2 : &sse2;
}
