/* SPDX-License-Identifier: Apache-2.0 */
/* Factors of all vertices on every worker; see replica.h. */
#include "replica.h"

#include "ranking.h"

#define DRAWS 64 /* of a vertex that a row does not name */

bool
replica_init(Replica *replica, const GasketRecommender *model, unsigned kind, unsigned n_extra,
             GError **error)
{
    *replica = (Replica){.model = model,
                         .kind = kind,
                         .n_extra = n_extra,
                         .columns = model->width + n_extra,
                         .n = gasket_run_n_vertices(model->run, kind)};
    replica->rows = g_try_malloc_n((size_t)replica->n * replica->columns + 1, sizeof(float));
    if (replica->rows == NULL)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "no memory for the factors of all %u users or items", replica->n);
    return replica->rows != NULL;
}

static double
element(const void *data, GasketVertex v, unsigned c)
{
    const Replica *replica = data;
    const unsigned width = replica->model->width;
    const float *values = gasket_run_values(replica->model->run, replica->kind);
    return c < width ? values[(size_t)v * width + c]
                     : replica->extra[(size_t)v * replica->n_extra + (c - width)];
}

bool
replica_update(Replica *replica, const float *extra, GError **error)
{
    GasketRun *run = replica->model->run;
    replica->extra = extra;
    return gasket_ranking_share(run, replica->kind, gasket_run_context(run, replica->kind)->number,
                                replica->columns, element, replica, replica->rows, error);
}

void
replica_clear(Replica *replica)
{
    g_free(g_steal_pointer(&replica->rows));
}

bool
replica_row_has(const GasketRows *rows, size_t r, uint32_t number)
{
    uint64_t low = rows->begin[r], high = rows->end[r];
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        const uint32_t found = rows->neighbour_number[rows->neighbour[middle]];
        if (found == number)
            return true;
        if (found < number)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool
replica_draw_other(const Replica *replica, GasketRandom *random, const GasketRows *rows, size_t r,
                   uint32_t *ret_number)
{
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        *ret_number = gasket_random_below(random, replica->n);
        if (!replica_row_has(rows, r, *ret_number))
            return true;
    }
    return false;
}
