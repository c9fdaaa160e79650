/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random small graphs with everything that a graph may have: self-loops, parallel edges, isolated
 * vertices, dead ends, integer and text ids. Vertices are called by their position by ascending
 * id, as results list them.
 */
#ifndef GASKET_TESTS_SMALL_GRAPHS_H
#define GASKET_TESTS_SMALL_GRAPHS_H

#include "tests/run_everywhere.h"

#define SMALL_MAX_VERTICES 90
#define SMALL_MAX_EDGES    400

typedef enum {
    SMALL_UNWEIGHTED,
    SMALL_INTEGERS,  /* weights 0 .. 9 */
    SMALL_FRACTIONS, /* weights in [0, 1) */
} SmallWeights;

typedef struct {
    unsigned n, m;
    uint32_t source[SMALL_MAX_EDGES], target[SMALL_MAX_EDGES];
    double weight[SMALL_MAX_EDGES];
    SmallWeights weights;
    bool text;      /* ids are text */
    bool symmetric; /* each edge stands for both directions */
    GasketOrder order;
    const double *personalize; /* [n] or NULL */
} SmallGraph;

static inline char *
small_id(const SmallGraph *graph, uint32_t v)
{
    return graph->text ? g_strdup_printf("v%02u", v) : g_strdup_printf("%d", 10 * (int)v - 50);
}

/* Edges lie among the first vertices and between few of them, so that some have none. */
static inline void
small_draw(SmallGraph *graph, uint64_t seed, unsigned n, unsigned m)
{
    GasketRandom random = gasket_random_at(seed, 0, n, m);
    graph->n = n;
    graph->m = m;
    for (unsigned i = 0; i < m; i++) {
        graph->source[i] = gasket_random_below(&random, n - n / 5);
        graph->target[i] = n / 10 + gasket_random_below(&random, n - n / 10);
        graph->weight[i] = graph->weights == SMALL_FRACTIONS ? gasket_random_double(&random)
                                                             : gasket_random_below(&random, 10);
        if (graph->weights == SMALL_UNWEIGHTED)
            graph->weight[i] = 1;
        if (i % 10 == 9) {
            graph->source[i] = graph->source[i - 1];
            graph->target[i] = graph->target[i - 1];
        }
        if (i % 17 == 16)
            graph->target[i] = graph->source[i];
    }
}

static inline GasketGraph *
small_build(const void *data)
{
    const SmallGraph *graph = data;
    const GasketGraphRules rules = {.order = graph->order};
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "vertex");
    if (graph->personalize)
        gasket_graph_builder_add_vertex_column(builder, 0, "personalize", GASKET_DOUBLE, 1);
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, graph->symmetric);
    if (graph->weights != SMALL_UNWEIGHTED)
        gasket_graph_builder_add_edge_column(builder, 0, "weight", GASKET_DOUBLE, 1);

    /* One assertion for all: each takes as long as ten edges. */
    bool ok = true;
    for (uint32_t v = graph->n; v-- > 0;) {
        g_autofree char *id = small_id(graph, v);
        const char *const ids[] = {id};
        const void *const columns[] = {graph->personalize ? &graph->personalize[v] : NULL};
        ok =
            ok && gasket_graph_builder_add_vertices_text(builder, 0, 1, ids,
                                                         graph->personalize ? columns : NULL, NULL);
    }
    for (unsigned i = 0; i < graph->m; i++) {
        g_autofree char *source = small_id(graph, graph->source[i]);
        g_autofree char *target = small_id(graph, graph->target[i]);
        const char *const sources[] = {source}, *const targets[] = {target};
        const void *const columns[] = {&graph->weight[i]};
        ok = ok && gasket_graph_builder_add_edges_text(builder, 0, 1, sources, targets,
                                                       graph->weights != SMALL_UNWEIGHTED ? columns
                                                                                          : NULL,
                                                       NULL);
    }
    ck_assert(ok);
    GasketGraph *built = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
    return built;
}

/* An algorithm's parameters: the defaults, and what pairs of names and values (NULL ends them)
 * say. Free with g_free. */
static inline void *
make_parameters(const GasketAlgorithm *algorithm, const char *const *pairs)
{
    g_autoptr(GError) error = NULL;
    void *parameters = g_malloc0(MAX(algorithm->parameters_size, 1));
    if (algorithm->options)
        gasket_options_set_defaults(algorithm->options, parameters);
    for (; pairs && *pairs; pairs += 2) {
        gasket_options_set(algorithm->options, parameters, pairs[0], pairs[1], &error);
        ck_assert_no_error(error);
    }
    return parameters;
}

#endif
