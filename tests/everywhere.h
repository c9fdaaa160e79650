/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small programs in many placements: workers 1, 2, 4, 7, threads 1, 2, 3, parts by ranges, at
 * random, and with nothing on some workers; the result is a 64-bit `x` in each vertex's state, and
 * must be that of a serial brute force.
 *
 *   static bool run_it(GasketRun *run, const void *parameters, GError **error);
 *   const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("it", run_it, needs, sizeof(State));
 *   assert_everywhere(&algorithm, &graph, expected);
 */
#ifndef GASKET_TESTS_EVERYWHERE_H
#define GASKET_TESTS_EVERYWHERE_H

#include "tests/small_graphs.h"

static const GasketResultColumn everywhere_results[] = {
    {.name = "x", .kind = 0, .type = GASKET_INT64, .offset = 0}};

static const GasketNeeds everywhere_needs[] = {{.in_rows = true, .out_rows = true}};

#define EVERYWHERE_ALGORITHM(its_name, its_run)                                                    \
    {                                                                                              \
        .abi = GASKET_ABI, .name = its_name, .needs = everywhere_needs, .n_needs = 1,              \
        .results = everywhere_results, .n_results = 1, .run = its_run                              \
    }

/* A hash that depends on the order of what goes into it. */
static inline uint64_t
fold(uint64_t sum, uint64_t x)
{
    sum = (sum ^ x) * UINT64_C(0x9E3779B97F4A7C15);
    return sum ^ sum >> 29;
}

/* parts: 0 by ranges, 1 at random, 2 at random among every second worker, 3 all with the last. */
static inline GasketResult *
run_placed(const GasketAlgorithm *algorithm, const SmallGraph *small, const void *parameters,
           unsigned workers, unsigned threads, unsigned parts, uint32_t segment)
{
    Experiment experiment = {algorithm, parameters, small_build, .data = small, .seed = 3};
    GasketRunOptions options = {.workers = workers,
                                .threads = threads,
                                .seed = 3,
                                .segment = segment};
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) part = NULL;
    if (parts > 0) {
        g_autoptr(GasketGraph) graph = small_build(small);
        part = (GStrv)random_parts(graph, workers, parts);
        uint32_t *owner = (uint32_t *)(void *)part[0];
        for (unsigned v = 0; v < small->n; v++)
            owner[v] = parts == 3 ? workers - 1 : parts == 2 ? owner[v] / 2 * 2 : owner[v];
        options.part = (const uint32_t *const *)part;
    }
    GasketResult *result = run_once(&experiment, &options, &error);
    ck_assert_msg(result != NULL, "%s, %u workers, %u threads, parts %u: %s", algorithm->name,
                  workers, threads, parts, error ? error->message : "no error");
    return result;
}

static inline void
assert_everywhere_with(const GasketAlgorithm *algorithm, const SmallGraph *graph,
                       const void *parameters, const uint64_t *expected)
{
    static const unsigned workers[] = {1, 2, 4, 7};
    static const uint32_t segments[] = {0, 1, 7};
    unsigned turn = 0;
    for (unsigned w = 0; w < G_N_ELEMENTS(workers); w++) {
        for (unsigned threads = 1; threads <= 3; threads++) {
            for (unsigned parts = 0; parts < (workers[w] == 1 ? 1 : 4); parts++) {
                if (turn++ % 5 != 0 && check_is_short())
                    continue;
                g_autoptr(GasketResult) result =
                    run_placed(algorithm, graph, parameters, workers[w], threads, parts,
                               segments[turn % G_N_ELEMENTS(segments)]);
                ck_assert_uint_eq(gasket_result_n(result, 0), graph->n);
                const uint64_t *x = gasket_result_column(result, 0);
                for (unsigned v = 0; v < graph->n; v++)
                    ck_assert_msg(x[v] == expected[v],
                                  "%s, %u workers, %u threads, parts %u: vertex %u of %u has "
                                  "%" G_GINT64_MODIFIER "x, not %" G_GINT64_MODIFIER "x",
                                  algorithm->name, workers[w], threads, parts, v, graph->n, x[v],
                                  expected[v]);
            }
        }
    }
}

static inline void
assert_everywhere(const GasketAlgorithm *algorithm, const SmallGraph *graph,
                  const uint64_t *expected)
{
    assert_everywhere_with(algorithm, graph, NULL, expected);
}

/* ---- rows by brute force --------------------------------------------------------------------- */

/* An entry of a row of vertex `of`. */
typedef struct {
    uint32_t of, neighbour;
    double weight;
    uint32_t mate; /* the entry at the other end: index in the opposite rows */
} SmallEntry;

/* The rows of a direction, ascending by (of, neighbour, weight); order of the graph is `given`. */
typedef struct {
    unsigned n;
    SmallEntry entry[2 * SMALL_MAX_EDGES];
} SmallRows;

static inline int
small_compare_entries(const void *a, const void *b)
{
    const SmallEntry *x = a, *y = b;
    if (x->of != y->of)
        return x->of < y->of ? -1 : 1;
    if (x->neighbour != y->neighbour)
        return x->neighbour < y->neighbour ? -1 : 1;
    return x->weight < y->weight ? -1 : x->weight > y->weight;
}

/* In-rows and out-rows, each entry with its mate in the other (symmetric: both the same). */
static inline void
small_rows(const SmallGraph *graph, SmallRows rows[2])
{
    for (unsigned d = 0; d < 2; d++) {
        rows[d].n = 0;
        for (unsigned i = 0; i < graph->m; i++) {
            uint32_t u = graph->source[i], v = graph->target[i];
            SmallEntry in = {v, u, graph->weight[i], 0}, out = {u, v, graph->weight[i], 0};
            if (d == GASKET_IN || graph->symmetric)
                rows[d].entry[rows[d].n++] = in;
            if (d == GASKET_OUT || (graph->symmetric && u != v))
                rows[d].entry[rows[d].n++] = out;
        }
        if (graph->symmetric && d == GASKET_OUT) { /* a self-loop is one entry */
            rows[1] = rows[0];
            break;
        }
        qsort(rows[d].entry, rows[d].n, sizeof *rows[d].entry, small_compare_entries);
    }
    for (unsigned d = 0; d < 2; d++) {
        for (uint32_t e = 0; e < rows[d].n; e++) {
            SmallEntry *entry = &rows[d].entry[e];
            uint32_t first = e; /* of those that are alike */
            while (first > 0 && small_compare_entries(&rows[d].entry[first - 1], entry) == 0)
                first--;
            SmallEntry wanted = {entry->neighbour, entry->of, entry->weight, 0};
            uint32_t m = 0;
            while (small_compare_entries(&rows[!d].entry[m], &wanted) != 0)
                m++;
            entry->mate = m + (e - first);
        }
    }
}

#endif
