/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs for the tests of partitions: random ones of several shapes, meshes from files, Kronecker.
 * Everything is a function of a seed.
 */
#ifndef GASKET_TESTS_PARTITION_GRAPHS_H
#define GASKET_TESTS_PARTITION_GRAPHS_H

#include "check_main.h"

#include <string.h>

#include <gasket/random.h>

#include "engine/graph.h"

/* Which rows of a directed relation stand. */
typedef enum {
    ROWS_IN,
    ROWS_OUT,
    ROWS_BOTH,
} RowsStanding;

static inline void
let_stand(GasketGraph *graph, RowsStanding standing)
{
    g_autoptr(GError) error = NULL;
    for (unsigned r = 0; r < graph->n_relations; r++) {
        GasketGraphRelation *relation = &graph->relations[r];
        GasketDirection keep = standing == ROWS_OUT ? GASKET_OUT : GASKET_IN;
        ck_assert(gasket_graph_require_rows(graph, r, keep, &error));
        if (relation->symmetric)
            continue;
        if (standing == ROWS_BOTH)
            ck_assert(gasket_graph_require_rows(graph, r, GASKET_OUT, &error));
        else if (relation->rows[!keep].offset != NULL)
            gasket_graph_drop_rows(graph, r, !keep);
    }
}

static inline GasketGraph *
finish_ordered(GasketGraphBuilder *builder, RowsStanding standing, GasketOrder order)
{
    g_autoptr(GError) error = NULL;
    GasketGraphRules rules = {.order = order};
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
    let_stand(graph, standing);
    return graph;
}

static inline GasketGraph *
finish(GasketGraphBuilder *builder, RowsStanding standing)
{
    return finish_ordered(builder, standing, GASKET_ORDER_GIVEN);
}

/* A builder of one kind, one relation, with edges. */
static inline GasketGraphBuilder *
builder_of(size_t n, const int64_t *sources, const int64_t *targets, bool symmetric)
{
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    unsigned kind = gasket_graph_builder_add_kind(builder, "vertex");
    unsigned edges = gasket_graph_builder_add_relation(builder, "edges", kind, kind, symmetric);
    ck_assert(gasket_graph_builder_add_edges(builder, edges, n, sources, targets, NULL, &error));
    return builder;
}

/* A graph of one kind, one relation from edges. */
static inline GasketGraph *
graph_of(size_t n, const int64_t *sources, const int64_t *targets, bool symmetric,
         RowsStanding standing)
{
    return finish(builder_of(n, sources, targets, symmetric), standing);
}

/* A random graph of n_kinds kinds with 2, 5, 8, ... times n / 2 vertices, one relation within the
 * first kind and one between each two neighbouring kinds; loops, parallel edges and vertices
 * without edges included. */
static inline GasketGraph *
random_graph(uint64_t seed, unsigned n_kinds, uint32_t n, uint32_t n_edges, bool symmetric,
             RowsStanding standing)
{
    g_autoptr(GError) error = NULL;
    GasketRandom random = gasket_random_at(seed, 1, 0, 0);
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    uint32_t size[8];

    for (unsigned k = 0; k < n_kinds; k++) {
        g_autofree char *name = g_strdup_printf("kind%u", k);
        gasket_graph_builder_add_kind(builder, name);
        size[k] = n * (2 + 3 * k) / 2;
    }
    gasket_graph_builder_add_relation(builder, "within", 0, 0, symmetric);
    for (unsigned k = 1; k < n_kinds; k++)
        gasket_graph_builder_add_relation(builder, "between", k - 1, k, false);
    for (unsigned k = 0; k < n_kinds; k++)
        for (int64_t id = 0; id < size[k]; id++)
            ck_assert(gasket_graph_builder_add_vertices(builder, k, 1, &id, NULL, &error));
    for (unsigned r = 0; r < n_kinds; r++)
        for (uint32_t e = 0; e < n_edges; e++) {
            int64_t source = gasket_random_below(&random, size[r > 0 ? r - 1 : 0]);
            int64_t target = gasket_random_below(&random, size[r]);
            if (gasket_random_below(&random, 4) > 0)
                target = target % (1 + size[r] / 8); /* some are busier than others */
            ck_assert(
                gasket_graph_builder_add_edges(builder, r, 1, &source, &target, NULL, &error));
        }
    return finish(builder, standing);
}

/* A symmetric Kronecker graph with 16 * 2^scale edges and shuffled vertices. */
static inline GasketGraph *
kronecker_graph(unsigned scale, GasketOrder order)
{
    uint32_t n = UINT32_C(1) << scale;
    size_t n_edges = (size_t)16 << scale;
    GasketRandom random = gasket_random_at(7, 2, 0, 0);
    g_autofree int64_t *label = g_new(int64_t, n);
    g_autofree int64_t *source = g_new0(int64_t, n_edges);
    g_autofree int64_t *target = g_new0(int64_t, n_edges);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = gasket_random_below(&random, i + 1);
        label[i] = label[j];
        label[j] = i;
    }
    for (size_t e = 0; e < n_edges; e++) {
        for (unsigned bit = 0; bit < scale; bit++) {
            double q = gasket_random_double(&random);
            source[e] = 2 * source[e] + (q >= 0.76);
            target[e] = 2 * target[e] + ((q >= 0.57 && q < 0.76) || q >= 0.95);
        }
        source[e] = label[source[e]];
        target[e] = label[target[e]];
    }
    return finish_ordered(builder_of(n_edges, source, target, true), ROWS_IN, order);
}

/* Edges of a METIS or DIMACS .gr file, each undirected edge of the former once. */
static inline GasketGraph *
graph_from_file(const char *path, RowsStanding standing)
{
    g_autofree char *text = NULL;
    bool metis = g_str_has_suffix(path, ".graph");
    GArray *ends[2] = {g_array_new(FALSE, FALSE, 8), g_array_new(FALSE, FALSE, 8)};
    int64_t row = -1;

    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        if (metis ? row < 0 : **line != 'a') {
            row += metis; /* the header */
            continue;
        }
        char *rest = metis ? *line : *line + 1, *next;
        int64_t u = metis ? ++row : strtoll(rest, &rest, 10), v;
        for (; v = strtoll(rest, &next, 10), next != rest; rest = metis ? next : "")
            if (!metis || u < v) {
                g_array_append_val(ends[0], u);
                g_array_append_val(ends[1], v);
            }
    }
    GasketGraph *graph = graph_of(ends[0]->len, (int64_t *)(void *)ends[0]->data,
                                  (int64_t *)(void *)ends[1]->data, metis, standing);
    g_array_free(ends[0], TRUE);
    g_array_free(ends[1], TRUE);
    return graph;
}

#endif
