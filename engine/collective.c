/* SPDX-License-Identifier: Apache-2.0 */
/* What all workers do together outside steps: finding vertices by id, and reductions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array.h"
#include "engine/dictionary.h"
#include "engine/exact_sum.h"
#include "engine/run_private.h"
#include "engine/stale.h"

/* ---- vertices by ordinal --------------------------------------------------------------------- */

static int
compare_ordinals(const void *a, const void *b, void *data)
{
    const uint32_t *ordinal = data;
    uint32_t x = ordinal[*(const uint32_t *)a], y = ordinal[*(const uint32_t *)b];
    return x < y ? -1 : x > y;
}

const uint32_t *
gasket_run_by_ordinal(GasketRun *run, unsigned kind, GError **error)
{
    const GasketPartKind *part = &run->part->kinds[kind];

    if (run->by_ordinal[kind] != NULL)
        return run->by_ordinal[kind];
    uint32_t *order = gasket_array_new(part->n_owned, sizeof *order, error);
    if (order == NULL)
        return NULL;
    bool sorted = true;
    for (uint32_t v = 0; v < part->n_owned; v++) {
        order[v] = v;
        sorted = sorted && (v == 0 || part->ordinal[v - 1] < part->ordinal[v]);
    }
    if (!sorted)
        qsort_r(order, part->n_owned, sizeof *order, compare_ordinals, part->ordinal);
    run->by_ordinal[kind] = order;
    return order;
}

GasketVertex
gasket_run_owned(const GasketRun *run, unsigned kind, uint32_t ordinal)
{
    const GasketPartKind *part = &run->part->kinds[kind];
    /* The order is kept for the next time; the run itself stays as it is. */
    const uint32_t *order = gasket_run_by_ordinal((GasketRun *)run, kind, NULL);

    if (order == NULL) { /* no memory: the long way */
        for (uint32_t v = 0; v < part->n_owned; v++)
            if (part->ordinal[v] == ordinal)
                return v;
        return GASKET_NO_VERTEX;
    }
    uint32_t low = 0, high = part->n_owned;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (part->ordinal[order[middle]] < ordinal)
            low = middle + 1;
        else
            high = middle;
    }
    return low < part->n_owned && part->ordinal[order[low]] == ordinal ? order[low]
                                                                       : GASKET_NO_VERTEX;
}

/* Order of an id (integer: its value, where ids are integers) and that of a vertex. */
static int
compare_id(const char *id, size_t length, int64_t integer, const GasketIds *ids, uint32_t v)
{
    if (ids->integer != NULL)
        return (integer > ids->integer[v]) - (integer < ids->integer[v]);
    uint64_t its_length = ids->text_begin[v + 1] - ids->text_begin[v];
    int order = memcmp(id, ids->text + ids->text_begin[v], MIN(length, its_length));
    return order != 0 ? order : (length > its_length) - (length < its_length);
}

/* The owned vertex whose id reads `id`, or GASKET_NO_VERTEX. order: by ascending ordinal, which is
 * by ascending id. */
static GasketVertex
find_id(const GasketPartKind *part, const uint32_t *order, const char *id)
{
    size_t length = strlen(id);
    int64_t integer = 0;
    uint32_t low = 0, high = part->n_owned;

    if (part->ids.integer != NULL && !gasket_parse_canonical(id, length, &integer))
        return GASKET_NO_VERTEX;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int found = compare_id(id, length, integer, &part->ids, order[middle]);
        if (found == 0)
            return order[middle];
        if (found > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return GASKET_NO_VERTEX;
}

bool
gasket_run_find(GasketRun *run, unsigned kind, const char *id, uint32_t *ret_ordinal,
                GError **error)
{
    const GasketPartKind *part = &run->part->kinds[kind];
    const uint32_t *order = gasket_run_by_ordinal(run, kind, error);
    if (order == NULL)
        return false;
    GasketVertex v = find_id(part, order, id);
    uint32_t mine = v == GASKET_NO_VERTEX ? GASKET_NO_VERTEX : part->ordinal[v];
    g_autofree uint32_t *all = g_new(uint32_t, run->part->size);

    if (!gasket_stale_settle(run, error) ||
        !gasket_exchange_all(run->exchange, &mine, sizeof mine, all, error))
        return false;
    for (unsigned p = 0; p < run->part->size; p++) {
        if (all[p] != GASKET_NO_VERTEX) {
            *ret_ordinal = all[p];
            return true;
        }
    }
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "found \"%s\", expected the id of a vertex of the graph", id);
    return false;
}

/* ---- reductions ------------------------------------------------------------------------------ */

#define AT_ONCE 16384

/* The exact sum of x[0], x[stride] ..., rounded once. Counts, which are what is mostly added, are
 * exact in plain additions. */
static double
sum_exactly(const double *x, size_t stride, unsigned n)
{
    const double largest = 0x1p53;
    double total = 0, size = 0;
    bool whole = true;
    GasketExactSum sum;

    for (unsigned p = 0; p < n; p++) {
        double y = x[p * stride];
        total += y;
        size += fabs(y);
        whole = whole && fabs(y) < largest && y == (double)(int64_t)y;
    }
    if (whole && size < largest)
        return total;
    gasket_exact_sum_init(&sum);
    for (unsigned p = 0; p < n; p++)
        gasket_exact_sum_add(&sum, x[p * stride]);
    return gasket_exact_sum_round(&sum);
}

bool
gasket_run_reduce_sum(GasketRun *run, double *x, size_t n, GError **error)
{
    g_autofree double *all = g_new(double, MIN(n, AT_ONCE) * run->part->size + 1);

    for (size_t first = 0; first < n; first += AT_ONCE) {
        size_t count = MIN(n - first, AT_ONCE);
        if (!gasket_stale_settle(run, error) ||
            !gasket_exchange_all(run->exchange, x + first, count * sizeof *x, all, error))
            return false;
        for (size_t i = 0; i < count; i++)
            x[first + i] = sum_exactly(all + i, count, run->part->size);
    }
    return true;
}

bool
gasket_run_reduce_max(GasketRun *run, double *x, size_t n, GError **error)
{
    g_autofree double *all = g_new(double, MIN(n, AT_ONCE) * run->part->size + 1);

    for (size_t first = 0; first < n; first += AT_ONCE) {
        size_t count = MIN(n - first, AT_ONCE);
        if (!gasket_stale_settle(run, error) ||
            !gasket_exchange_all(run->exchange, x + first, count * sizeof *x, all, error))
            return false;
        for (size_t i = 0; i < count; i++) {
            double least = NAN; /* of what is below 0 where x is above */
            for (unsigned p = 0; p < run->part->size; p++)
                least = gasket_least(least, -all[p * count + i]);
            x[first + i] = -least;
        }
    }
    return true;
}
