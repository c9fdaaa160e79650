/* SPDX-License-Identifier: Apache-2.0 */
/* Dense least squares for any processor; see dense.h. */
#include "dense_block.h"

static void
update(const float *x, const float *y, size_t m, size_t stride, double *a, double *t, double *s)
{
    dense_update(x, y, m, stride, a, t, s);
}

static bool
solve(double *a, size_t n, size_t stride, double *t)
{
    return dense_solve(a, n, stride, t);
}

const GasketDense *
gasket_dense(void)
{
    static const GasketDense any = {update, solve};
    return &any;
}
