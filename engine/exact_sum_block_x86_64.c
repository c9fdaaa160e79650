/* SPDX-License-Identifier: Apache-2.0 */
/* The block loops of exact sums for x86-64: compiled twice, with and without AVX2, and chosen by
 * what the processor has. Both give the same sums. */
#include "engine/exact_sum_block.h"

__attribute__((target("avx2"))) static GasketTook
take_avx2(const double *x, size_t n, double *ret_taken, double *ret_left)
{
    return gasket_take(x, n, ret_taken, ret_left);
}

static GasketTook
take_sse2(const double *x, size_t n, double *ret_taken, double *ret_left)
{
    return gasket_take(x, n, ret_taken, ret_left);
}

GasketTook
gasket_exact_sum_take(const double *x, size_t n, double *ret_taken, double *ret_left)
{
    return __builtin_cpu_supports("avx2") ? take_avx2(x, n, ret_taken, ret_left)
                                          : take_sse2(x, n, ret_taken, ret_left);
}
