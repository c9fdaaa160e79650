/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Degrees and strengths of the vertices of a relation. Where the rows of the wanted end stand, each
 * row is read by itself, many at a time; else the rows of the other end are read in order, which
 * brings the edges of each vertex in the order of its row.
 *
 * Cost: O(V) for degrees of rows that stand, O(V + E) else.
 */
#include "engine/array.h"
#include "engine/graph.h"
#include "engine/parallel.h"

#define RANGE ((uint64_t)1 << 14) /* rows that are added up at a time */

static uint32_t
n_vertices_at(const GasketGraph *graph, unsigned relation, GasketDirection direction)
{
    const GasketGraphRelation *of = &graph->relations[relation];
    return graph->kinds[direction == GASKET_IN ? of->target : of->source].n_vertices;
}

/* The rows of the other direction. */
static const GasketGraphRows *
opposite_rows(const GasketGraph *graph, unsigned relation, GasketDirection direction)
{
    return gasket_graph_rows(graph, relation, direction == GASKET_IN ? GASKET_OUT : GASKET_IN);
}

/* Fills degree; false if one is too large. */
static bool
count_degrees(const GasketGraph *graph, unsigned relation, GasketDirection direction,
              uint32_t *degree)
{
    const GasketGraphRows *rows = gasket_graph_rows(graph, relation, direction);
    if (rows->offset != NULL) {
        for (uint32_t v = 0; v < rows->n_rows; v++) {
            uint64_t count = rows->offset[v + 1] - rows->offset[v];
            if (count > UINT32_MAX)
                return false;
            degree[v] = (uint32_t)count;
        }
        return true;
    }
    rows = opposite_rows(graph, relation, direction);
    for (uint64_t e = 0; e < rows->n_entries; e++) {
        if (++degree[rows->neighbour[e]] == 0)
            return false;
    }
    return true;
}

uint32_t *
gasket_graph_degrees(const GasketGraph *graph, unsigned relation, GasketDirection direction,
                     GError **error)
{
    g_assert(relation < graph->n_relations);
    uint32_t *degree =
        gasket_array_new(n_vertices_at(graph, relation, direction), sizeof *degree, error);
    if (degree == NULL)
        return NULL;
    if (!count_degrees(graph, relation, direction, degree)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a vertex has more than 2^32 - 1 edges of relation %s",
                    graph->relations[relation].name);
        gasket_array_free(degree);
        return NULL;
    }
    return degree;
}

typedef struct {
    const GasketGraphRows *rows;
    const double *weight; /* [n_entries] or NULL: 1 each */
    double *strength;
} StrengthJob;

static void
add_up_rows(void *data, size_t item, unsigned thread)
{
    (void)thread;
    const StrengthJob *job = data;
    const GasketGraphRows *rows = job->rows;
    uint64_t end = MIN(rows->n_rows, (item + 1) * RANGE);
    for (uint64_t v = item * RANGE; v < end; v++) {
        double strength = 0;
        for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++)
            strength += job->weight[e];
        job->strength[v] = strength;
    }
}

static const double *
weights_of(const GasketGraphRelation *relation, const GasketGraphRows *rows)
{
    if (relation->n_columns == 0)
        return NULL;
    g_assert(rows->columns[0].type == GASKET_DOUBLE && rows->columns[0].length == 1);
    return rows->columns[0].data;
}

/* Each edge counts 1. */
static bool
strengths_of_ones(const GasketGraph *graph, unsigned relation, double *strength, GError **error)
{
    uint32_t *degree = gasket_graph_degrees(graph, relation, GASKET_OUT, error);
    if (degree == NULL)
        return false;
    for (uint32_t v = 0; v < n_vertices_at(graph, relation, GASKET_OUT); v++)
        strength[v] = degree[v];
    gasket_array_free(degree);
    return true;
}

double *
gasket_graph_out_strengths(const GasketGraph *graph, unsigned relation, GError **error)
{
    g_assert(relation < graph->n_relations);
    const GasketGraphRelation *of = &graph->relations[relation];
    double *strength =
        gasket_array_new(n_vertices_at(graph, relation, GASKET_OUT), sizeof *strength, error);
    if (strength == NULL)
        return NULL;
    if (of->n_columns == 0) {
        if (!strengths_of_ones(graph, relation, strength, error)) {
            gasket_array_free(strength);
            return NULL;
        }
        return strength;
    }
    const GasketGraphRows *rows = gasket_graph_rows(graph, relation, GASKET_OUT);
    if (rows->offset != NULL) {
        StrengthJob job = {.rows = rows, .weight = weights_of(of, rows), .strength = strength};
        gasket_parallel(graph->threads, (rows->n_rows + RANGE - 1) / RANGE, add_up_rows, &job);
        return strength;
    }
    rows = opposite_rows(graph, relation, GASKET_OUT);
    const double *weight = weights_of(of, rows);
    for (uint64_t e = 0; e < rows->n_entries; e++)
        strength[rows->neighbour[e]] += weight[e];
    return strength;
}
