/* SPDX-License-Identifier: Apache-2.0 */
/* The block loops of exact sums for any processor. */
#include "engine/exact_sum_block.h"

GasketTook
gasket_exact_sum_take(const double *x, size_t n, double *ret_taken, double *ret_left)
{
    return gasket_take(x, n, ret_taken, ret_left);
}
