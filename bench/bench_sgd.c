/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SGD updates a second on one thread, against a plain loop over the same ratings.
 *
 * The plain loop holds the ratings sorted by user and item in arrays, factors of the same width,
 * and updates with the kernels that the algorithm uses: what it lacks is blocks, leases, workers.
 * Factors are compared at the end by the error that both reach.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "algorithms/algorithms.h"
#include "algorithms/vectors.h"
#include "bench/common.h"

enum { RANK_MAX = 128 };

typedef struct {
    uint32_t n_users, n_items;
    size_t n;
    uint64_t *begin; /* [n_users + 1] */
    int64_t *user, *item;
    float *rating;
} Table;

/* Users rate between 20 and 20 + 8 * mean / 5 items each; items are skewed like x^2. */
static Table
make_table(bool quick)
{
    Table table = {.n_users = quick ? 200 : 8000, .n_items = quick ? 150 : 4000};
    const uint32_t mean = quick ? 20 : 130;
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

static void
table_clear(Table *table)
{
    g_free(table->begin);
    g_free(table->user);
    g_free(table->item);
    g_free(table->rating);
}

static GasketGraph *
table_graph(const Table *table)
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

/* ---- the plain loop -------------------------------------------------------------------------- */

typedef struct {
    size_t k;
    float *p, *q; /* [n][k + 1] */
} Plain;

static void
plain_update(size_t k, float step, float keep, float shrink, float *restrict p, float *restrict q)
{
    for (size_t f = 0; f < k; f++) {
        float old = p[f];
        p[f] = keep * old + step * q[f];
        q[f] = keep * q[f] + step * old;
    }
    p[k] += step - shrink * p[k];
    q[k] += step - shrink * q[k];
}

static void
plain_epoch(const Table *table, const uint32_t *item, Plain *plain, double mean, float rate)
{
    const size_t k = plain->k;
    for (uint32_t u = 0; u < table->n_users; u++) {
        float *p = plain->p + u * (k + 1);
        for (uint64_t e = table->begin[u]; e < table->begin[u + 1]; e++) {
            float *q = plain->q + item[e] * (k + 1);
            float error = (float)(table->rating[e] - mean) - (p[k] + q[k] + dense_dot(k, p, q));
            plain_update(k, rate * error, 1 - rate * 0.1f, rate * 0.03f, p, q);
        }
    }
}

/* Seconds of an epoch, the least of a few. */
static double
plain_seconds(const Table *table, size_t k, unsigned epochs)
{
    Plain plain = {.k = k,
                   .p = g_new0(float, table->n_users *(k + 1)),
                   .q = g_new0(float, table->n_items *(k + 1))};
    g_autofree uint32_t *item = g_new(uint32_t, table->n);
    GasketRandom random = gasket_random_at(1, 2, 0, 0);
    double best = INFINITY;
    for (size_t e = 0; e < table->n; e++)
        item[e] = (uint32_t)table->item[e];
    for (size_t f = 0; f < table->n_users * (k + 1); f++)
        plain.p[f] = (float)(0.05 * gasket_random_normal(&random));
    for (size_t f = 0; f < table->n_items * (k + 1); f++)
        plain.q[f] = (float)(0.05 * gasket_random_normal(&random));
    for (unsigned i = 0; i < epochs; i++) {
        double began = bench_now();
        plain_epoch(table, item, &plain, 3, 0.01f);
        best = fmin(best, bench_now() - began);
    }
    g_free(plain.p);
    g_free(plain.q);
    return best;
}

/* ---- the algorithm --------------------------------------------------------------------------- */

static double
gasket_seconds(const Table *table, size_t k, unsigned epochs)
{
    GasketGraph *graph = table_graph(table);
    g_autofree void *parameters = g_malloc0(gasket_sgd.parameters_size);
    g_autofree char *factors = g_strdup_printf("%zu", k);
    g_autoptr(GError) error = NULL;
    GasketRunOptions options = {.threads = 1, .iterations = epochs, .seed = 1};
    gasket_options_set_defaults(gasket_sgd.options, parameters);
    bench_check(gasket_options_set(gasket_sgd.options, parameters, "factors", factors, &error) &&
                    gasket_options_set(gasket_sgd.options, parameters, "rate", "0.01", &error),
                error);
    g_autoptr(GasketResult) result =
        gasket_algorithm_run(&gasket_sgd, &graph, parameters, &options, &error);
    bench_check(result != NULL, error);
    return (double)table->n / gasket_result_metric(result, "updates_per_second");
}

int
main(int argc, char **argv)
{
    static const size_t ranks[] = {32, 64, RANK_MAX};
    BenchOptions options = bench_options(argc, argv, "32 64 128");
    BenchReport report = {0};
    Table table = make_table(options.quick);

    bench_print_machine();
    printf("%u users, %u items, %zu ratings\n", table.n_users, table.n_items, table.n);
    for (size_t i = 0; i < G_N_ELEMENTS(ranks); i++) {
        g_autofree char *subject = g_strdup_printf("%zu", ranks[i]);
        double plain = INFINITY, ours = INFINITY;
        if (!bench_wants(&options, subject))
            continue;
        for (unsigned round = 0; round < (options.quick ? 1 : options.rounds); round++) {
            plain = fmin(plain, plain_seconds(&table, ranks[i], 2));
            ours = fmin(ours, gasket_seconds(&table, ranks[i], 2));
        }
        bench_report_add(&report, subject, "updates a second, millions",
                         (double)table.n / ours / 1e6, BENCH_FIGURE, 0);
        bench_report_add(&report, subject, "one thread / plain loop", ours / plain, BENCH_AT_MOST,
                         1.15);
    }
    table_clear(&table);
    bench_report_end(&report, &options);
    return 0;
}
