/* SPDX-License-Identifier: Apache-2.0 */
/* Drawn ratings; see ratings_table.h. */
#include "bench/ratings_table.h"

#include <glib.h>

#include <gasket/random.h>

#include "bench/common.h"

BenchRatings
bench_ratings(uint32_t n_users, uint32_t n_items, uint32_t mean)
{
    BenchRatings table = {.n_users = n_users, .n_items = n_items};
    GasketRandom random = gasket_random_at(1, 0, 0, 0);
    const size_t room = (size_t)table.n_users * (20 + 2 * mean);
    table.begin = g_new0(uint64_t, table.n_users + 1);
    table.user = g_new(int64_t, room);
    table.item = g_new(int64_t, room);
    table.rating = g_new(float, room);
    g_autofree uint32_t *seen = g_new0(uint32_t, table.n_items);
    for (uint32_t u = 0; u < table.n_users; u++) {
        uint32_t wanted = 20 + gasket_random_below(&random, 2 * mean);
        for (uint32_t i = 0; i < wanted; i++) {
            double x = gasket_random_double(&random);
            seen[(uint32_t)(x * x * table.n_items)] = u + 1;
        }
        for (uint32_t i = 0; i < table.n_items; i++) {
            if (seen[i] != u + 1)
                continue;
            table.user[table.n] = u;
            table.item[table.n] = i;
            table.rating[table.n++] = (float)(1 + gasket_random_below(&random, 5));
        }
        table.begin[u + 1] = table.n;
    }
    return table;
}

void
bench_ratings_clear(BenchRatings *table)
{
    g_free(table->begin);
    g_free(table->user);
    g_free(table->item);
    g_free(table->rating);
}

GasketGraph *
bench_ratings_graph(const BenchRatings *table)
{
    const GasketGraphRules rules = {.order = GASKET_ORDER_GIVEN};
    const void *column[] = {table->rating};
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    g_autoptr(GError) error = NULL;
    gasket_graph_builder_add_kind(builder, "user");
    gasket_graph_builder_add_kind(builder, "item");
    for (unsigned r = 0; r < 2; r++) {
        gasket_graph_builder_add_relation(builder, r ? "test" : "train", 0, 1, false);
        gasket_graph_builder_add_edge_column(builder, r, "rating", GASKET_FLOAT, 1);
    }
    bench_check(gasket_graph_builder_add_edges(builder, 0, table->n, table->user, table->item,
                                               column, &error),
                error);
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    bench_check(graph != NULL, error);
    return graph;
}
