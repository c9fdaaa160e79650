/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SGD updates a second on one thread, against a plain loop over the same ratings.
 *
 * The plain loop holds the ratings sorted by user and item in arrays, factors of the same width,
 * and updates with the kernels that the algorithm uses: what it lacks is blocks, leases, workers.
 * Both are measured in processor time, the least of several epochs; strata_epoch is wrapped by the
 * linker.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "algorithms/algorithms.h"
#include "algorithms/strata.h"
#include "algorithms/vectors.h"
#include "bench/common.h"
#include "bench/ratings_table.h"

enum { RANK_MAX = 128 };

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
plain_epoch(const BenchRatings *table, const uint32_t *item, Plain *plain, double mean, float rate)
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
plain_seconds(const BenchRatings *table, size_t k, unsigned epochs)
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
        double began = bench_processor_seconds();
        plain_epoch(table, item, &plain, 3, 0.01f);
        best = fmin(best, bench_processor_seconds() - began);
    }
    g_free(plain.p);
    g_free(plain.q);
    return best;
}

/* ---- the algorithm --------------------------------------------------------------------------- */

static double least; /* processor time of an epoch */

bool __real_strata_epoch(Strata *strata, StrataValues values, StrataUpdate update, void *data,
                         GError **error);
bool __wrap_strata_epoch(Strata *strata, StrataValues values, StrataUpdate update, void *data,
                         GError **error);

bool
__wrap_strata_epoch(Strata *strata, StrataValues values, StrataUpdate update, void *data,
                    GError **error)
{
    const double began = bench_processor_seconds();
    bool done = __real_strata_epoch(strata, values, update, data, error);
    least = fmin(least, bench_processor_seconds() - began);
    return done;
}

static double
gasket_seconds(const BenchRatings *table, size_t k, unsigned epochs)
{
    GasketGraph *graph = bench_ratings_graph(table);
    g_autofree void *parameters = g_malloc0(gasket_sgd.parameters_size);
    g_autofree char *factors = g_strdup_printf("%zu", k);
    g_autoptr(GError) error = NULL;
    GasketRunOptions options = {.threads = 1, .iterations = epochs, .seed = 1};
    least = INFINITY;
    gasket_options_set_defaults(gasket_sgd.options, parameters);
    bench_check(gasket_options_set(gasket_sgd.options, parameters, "factors", factors, &error) &&
                    gasket_options_set(gasket_sgd.options, parameters, "rate", "0.01", &error),
                error);
    g_autoptr(GasketResult) result =
        gasket_algorithm_run(&gasket_sgd, &graph, parameters, &options, &error);
    bench_check(result != NULL, error);
    return least;
}

int
main(int argc, char **argv)
{
    static const size_t ranks[] = {32, 64, RANK_MAX};
    BenchOptions options = bench_options(argc, argv, "32 64 128");
    BenchReport report = {0};
    BenchRatings table =
        options.quick ? bench_ratings(200, 150, 20) : bench_ratings(8000, 4000, 130);

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
    bench_ratings_clear(&table);
    bench_report_end(&report, &options);
    return 0;
}
