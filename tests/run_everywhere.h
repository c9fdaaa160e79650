/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running an algorithm in every placement and asking for the same bits from each: numbers of
 * workers, threads and segments, parts by ranges and at random.
 */
#ifndef GASKET_TESTS_RUN_EVERYWHERE_H
#define GASKET_TESTS_RUN_EVERYWHERE_H

#include <string.h>

#include "tests/check_main.h"
#include <gasket/gasket.h>

/* Builds the graph anew for each run. */
typedef GasketGraph *(*BuildGraph)(const void *data);

typedef struct {
    const GasketAlgorithm *algorithm;
    const void *parameters; /* NULL: the defaults */
    BuildGraph build;
    const void *data; /* for build */
    uint64_t seed;
    uint32_t iterations; /* 0: the algorithm's */
    double tolerance;    /* 0: the algorithm's */
    GasketEngine engine;
} Experiment;

static inline GasketResult *
run_once(const Experiment *experiment, const GasketRunOptions *options, GError **error)
{
    GasketGraph *graph = experiment->build(experiment->data);
    GasketResult *result =
        gasket_algorithm_run(experiment->algorithm, &graph, experiment->parameters, options, error);
    gasket_graph_free(graph);
    return result;
}

static inline void
assert_same_columns(const GasketAlgorithm *algorithm, const GasketResult *expected,
                    const GasketResult *found, const char *where)
{
    for (unsigned c = 0; c < algorithm->n_results; c++) {
        const GasketResultColumn *column = &algorithm->results[c];
        uint32_t n = gasket_result_n(expected, column->kind);
        ck_assert_uint_eq(n, gasket_result_n(found, column->kind));
        size_t bytes = MAX(column->length, 1) * gasket_type_size(column->type);
        const uint8_t *a = gasket_result_column(expected, c), *b = gasket_result_column(found, c);
        const uint64_t *begin = gasket_result_begin(expected, c);
        if (begin != NULL) { /* varying: every element counts as a row */
            ck_assert_mem_eq(begin, gasket_result_begin(found, c), (n + 1) * sizeof *begin);
            n = (uint32_t)begin[n];
        }
        for (uint32_t i = 0; i < n; i++)
            ck_assert_msg(memcmp(a + i * bytes, b + i * bytes, bytes) == 0,
                          "%s, %s: %s of vertex %u of %u differs", algorithm->name, where,
                          column->name, i, n);
    }
}

static inline void
assert_same_result(const GasketAlgorithm *algorithm, const GasketResult *expected,
                   const GasketResult *found, const char *where)
{
    ck_assert_uint_eq(gasket_result_iterations(expected), gasket_result_iterations(found));
    assert_same_columns(algorithm, expected, found, where);
}

/* The algorithm with the columns of its result as long as parameters make them; free .results. */
static inline GasketAlgorithm
prepared_algorithm(const Experiment *experiment)
{
    GasketAlgorithm whole = *experiment->algorithm;
    GasketResultColumn *results = g_memdup2(whole.results, whole.n_results * sizeof *results);
    g_autofree GasketNeeds *needs = g_memdup2(whole.needs, whole.n_needs * sizeof *needs);
    g_autofree void *defaults = g_malloc0(whole.parameters_size + 1);
    gasket_options_set_defaults(whole.options, defaults);
    if (whole.prepare != NULL)
        ck_assert(whole.prepare(experiment->parameters != NULL ? experiment->parameters : defaults,
                                NAN, needs, results, NULL));
    whole.results = results;
    return whole;
}

/* An owner for every vertex, drawn; free with g_strfreev. */
static inline uint32_t **
random_parts(const GasketGraph *graph, unsigned workers, uint64_t seed)
{
    unsigned n_kinds = gasket_graph_n_kinds(graph);
    uint32_t **part = g_new0(uint32_t *, n_kinds + 1);
    for (unsigned k = 0; k < n_kinds; k++) {
        uint32_t n = gasket_graph_n_vertices(graph, k);
        GasketRandom random = gasket_random_at(seed, 999, k, workers);
        part[k] = g_new(uint32_t, n + 1);
        for (uint32_t i = 0; i < n; i++)
            part[k][i] = gasket_random_below(&random, workers);
    }
    return part;
}

/* Runs with each number of workers (0 ends them), on 1 and 2 threads, with segments of the
 * engine's choice, of 1, of 7, and whole rows (a third of the combinations from 3 workers on), up
 * to 2 workers also of 2^10 and of 2^17; returns the result, the same in all. */
static inline GasketResult *
run_everywhere(const Experiment *experiment, const unsigned *workers)
{
    static const uint32_t segments[] = {UINT32_MAX, 0, 1, 7, 1 << 10, 1 << 17};
    GasketResult *first = NULL;
    g_autoptr(GError) error = NULL;
    const GasketAlgorithm whole = prepared_algorithm(experiment);

    for (; *workers > 0; workers++) {
        const bool few = *workers <= 2;
        if (check_is_short() && !few && workers[1] > 0)
            continue;                    /* of many workers the most alone */
        const unsigned n = few ? 12 : 8; /* twice as many as segments */
        for (unsigned i = 0; i < n; i += few && i < 8 && !check_is_short() ? 1 : 3) {
            GasketRunOptions options = {.workers = *workers,
                                        .threads = 1 + i % 2,
                                        .seed = experiment->seed,
                                        .iterations = experiment->iterations,
                                        .tolerance = experiment->tolerance,
                                        .engine = experiment->engine,
                                        .segment = segments[i / 2]};
            g_auto(GStrv) part = NULL;
            if (i >= 2) {
                g_autoptr(GasketGraph) graph = experiment->build(experiment->data);
                part = (GStrv)random_parts(graph, *workers, i);
                options.part = (const uint32_t *const *)part;
            }
            g_autofree char *where =
                g_strdup_printf("%u workers, %u threads, segment %u, %s parts", *workers,
                                options.threads, options.segment, part ? "random" : "range");
            GasketResult *result = run_once(experiment, &options, &error);
            ck_assert_msg(result != NULL, "%s, %s: %s", experiment->algorithm->name, where,
                          error ? error->message : "no error");
            if (first == NULL) {
                first = result;
                continue;
            }
            assert_same_result(&whole, first, result, where);
            gasket_result_free(result);
        }
    }
    g_free((void *)whole.results);
    return first;
}

#endif
