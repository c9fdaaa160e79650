/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs of ratings for tests: planted factors, some of the pairs to train on, others to test.
 *
 *   Planted planted = planted_new(40, 30, 2, 7);
 *   GasketGraph *graph = planted_build(&planted);
 */
#ifndef GASKET_TESTS_RATINGS_GRAPHS_H
#define GASKET_TESTS_RATINGS_GRAPHS_H

#include "tests/run_everywhere.h"

#define PLANTED_MAX 64

typedef struct {
    unsigned users, items, rank;
    /* ids are 100 + 3 u and 7 + 5 i; 0: no rating, 1: train, 2: test */
    uint8_t part[PLANTED_MAX][PLANTED_MAX];
    float rating[PLANTED_MAX][PLANTED_MAX];
} Planted;

static inline Planted
planted_new(unsigned users, unsigned items, unsigned rank, uint64_t seed)
{
    Planted planted = {.users = users, .items = items, .rank = rank};
    double p[PLANTED_MAX][4], q[PLANTED_MAX][4];
    GasketRandom random = gasket_random_at(seed, 1, 2, 3);
    for (unsigned f = 0; f < rank; f++) {
        for (unsigned u = 0; u < users; u++)
            p[u][f] = gasket_random_normal(&random);
        for (unsigned i = 0; i < items; i++)
            q[i][f] = gasket_random_normal(&random);
    }
    for (unsigned u = 0; u < users; u++) {
        for (unsigned i = 0; i < items; i++) {
            double x = 3, draw = gasket_random_double(&random);
            for (unsigned f = 0; f < rank; f++)
                x += p[u][f] * q[i][f];
            planted.rating[u][i] = (float)x;
            planted.part[u][i] = draw < 0.6 ? 1 : draw < 0.75 ? 2 : 0;
        }
    }
    return planted;
}

static inline GasketGraph *
planted_build(const void *data)
{
    const Planted *planted = data;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "user");
    gasket_graph_builder_add_kind(builder, "item");
    gasket_graph_builder_add_relation(builder, "train", 0, 1, false);
    gasket_graph_builder_add_relation(builder, "test", 0, 1, false);
    for (unsigned r = 0; r < 2; r++)
        gasket_graph_builder_add_edge_column(builder, r, "rating", GASKET_FLOAT, 1);
    for (unsigned u = 0; u < planted->users; u++) {
        int64_t user = 100 + 3 * (int64_t)u;
        ck_assert(gasket_graph_builder_add_vertices(builder, 0, 1, &user, NULL, NULL));
        for (unsigned i = 0; i < planted->items; i++) {
            int64_t item = 7 + 5 * (int64_t)i;
            const void *columns[] = {&planted->rating[u][i]};
            ck_assert(gasket_graph_builder_add_vertices(builder, 1, 1, &item, NULL, NULL));
            if (planted->part[u][i] > 0)
                ck_assert(gasket_graph_builder_add_edges(builder, planted->part[u][i] - 1u, 1,
                                                         &user, &item, columns, NULL));
        }
    }
    GError *error = NULL;
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, NULL, &error);
    ck_assert_no_error(error);
    return graph;
}

#endif
