/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of one table of a factor graph: what they may be, and their scale. */
#ifndef GASKET_ENGINE_FACTOR_TABLE_H
#define GASKET_ENGINE_FACTOR_TABLE_H

#include <float.h>
#include <math.h>

#include <gasket/error.h>

/* Error: ARGUMENT for an entry that is negative, infinite or not a number. */
static inline bool
gasket_factor_table_check(size_t n, const double *table, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i] >= 0 && table[i] <= DBL_MAX)
            continue;
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found %g as entry %zu of a table, expected a finite number of at least 0",
                    table[i], i);
        return false;
    }
    return true;
}

/* Divides the n entries by their largest, and adds its logarithm to *scale; a table of zeros stays,
 * with a scale of -INFINITY. */
static inline void
gasket_factor_table_rescale(double *table, int32_t n, double *scale)
{
    double largest = 0;
    for (int32_t x = 0; x < n; x++)
        largest = fmax(largest, table[x]);
    if (largest == 0) {
        *scale = -INFINITY;
        return;
    }
    for (int32_t x = 0; x < n; x++)
        table[x] /= largest;
    *scale += log(largest);
}

#endif
