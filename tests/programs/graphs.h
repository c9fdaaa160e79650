/* SPDX-License-Identifier: Apache-2.0 */
/* Small graphs for the checks of programs, and how to build them. */
#ifndef GASKET_TESTS_PROGRAMS_GRAPHS_H
#define GASKET_TESTS_PROGRAMS_GRAPHS_H

#include "tests/run_everywhere.h"

/* Numbers are positions by ascending id, as the brute force counts. */
static inline GasketGraph *
finish_given(GasketGraphBuilder *builder)
{
    GasketGraphRules rules = {.order = GASKET_ORDER_GIVEN};
    g_autoptr(GError) error = NULL;
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
    return graph;
}

static inline void
add_vertices(GasketGraphBuilder *builder, unsigned kind, size_t n, const void *const *columns)
{
    g_autofree int64_t *id = g_new(int64_t, n);
    for (size_t i = 0; i < n; i++)
        id[i] = (int64_t)i;
    ck_assert(gasket_graph_builder_add_vertices(builder, kind, n, id, columns, NULL));
}

static inline void
add_edge(GasketGraphBuilder *builder, unsigned relation, int64_t u, int64_t v,
         const void *const *columns)
{
    ck_assert(gasket_graph_builder_add_edges(builder, relation, 1, &u, &v, columns, NULL));
}

/* A random undirected graph without self-loops. */
#define FRIENDS 50

typedef struct {
    bool joined[FRIENDS][FRIENDS];
    int32_t colour[FRIENDS]; /* the smallest that no friend before has */
} Friends;

static inline void
draw_friends(Friends *ret_friends)
{
    GasketRandom random = gasket_random_at(14, 0, 0, 0);
    memset(ret_friends, 0, sizeof *ret_friends);
    for (int i = 0; i < 300; i++) {
        uint32_t u = gasket_random_below(&random, FRIENDS);
        uint32_t v = gasket_random_below(&random, FRIENDS);
        ret_friends->joined[u][v] = ret_friends->joined[v][u] = u != v;
    }
    for (int v = 0; v < FRIENDS; v++)
        for (int u = 0; u < v; u++)
            if (ret_friends->joined[u][v] && ret_friends->colour[u] == ret_friends->colour[v]) {
                ret_friends->colour[v]++;
                u = -1; /* look at all of them again */
            }
}

/* data: Friends. */
static inline GasketGraph *
build_friends(const void *data)
{
    const Friends *friends = data;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "friend");
    gasket_graph_builder_add_vertex_column(builder, 0, "colour", GASKET_INT32, 1);
    gasket_graph_builder_add_relation(builder, "friends", 0, 0, true);
    add_vertices(builder, 0, FRIENDS, (const void *[]){friends->colour});
    for (int u = 0; u < FRIENDS; u++)
        for (int v = 0; v < u; v++)
            if (friends->joined[u][v])
                add_edge(builder, 0, u, v, NULL);
    return finish_given(builder);
}

#endif
