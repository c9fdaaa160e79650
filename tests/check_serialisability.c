/* SPDX-License-Identifier: Apache-2.0 */
/* Under edge consistency every run equals a serial one: what each update read is noted, an order is
 * found, and to run the updates in that order gives the same result. Broken locks are found out. */
#include "algorithms/algorithms.h"
#include "tests/job_runs.h"

/* One asynchronous run that is noted. */
static GasketHistory *
run_noted(const GasketAlgorithm *algorithm, const SmallGraph *graph, const GasketJob *how,
          bool blind, GByteArray **ret_result)
{
    g_autoptr(GError) error = NULL;
    GasketHistory *history = gasket_history_new();
    GasketJob job = *how;

    gasket_history_set_blind(history, blind);
    job.engine = GASKET_ENGINE_ASYNC;
    job.consistency = GASKET_CONSISTENCY_EDGE;
    job.history = history;
    if (!run_job(algorithm, NULL, graph, &job, ret_result, &error))
        ck_abort_msg("%s, seed %" G_GUINT64_FORMAT ": %s", algorithm->name, how->seed,
                     error->message);
    return history;
}

/* Colours the vertices one after the other in the order found. */
static void
colour_again(const SmallGraph *graph, const GasketHistoryUpdate *order, size_t n, uint32_t *colour)
{
    memset(colour, 0, graph->n * sizeof *colour);
    for (size_t i = 0; i < n; i++) {
        uint32_t v = (uint32_t)order[i].id, smallest = 1;
        bool taken[SMALL_MAX_EDGES + 2] = {false};
        if (!order[i].changed)
            continue;
        for (unsigned e = 0; e < graph->m; e++) {
            if (graph->source[e] == v && graph->target[e] != v)
                taken[colour[graph->target[e]]] = true;
            if (graph->target[e] == v && graph->source[e] != v)
                taken[colour[graph->source[e]]] = true;
        }
        while (taken[smallest])
            smallest++;
        colour[v] = smallest;
    }
}

/* A run is serial; a colouring's result is what its order gives. */
static void
assert_serial(const GasketAlgorithm *algorithm, const SmallGraph *graph, const GasketJob *how)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) result = NULL;
    g_autoptr(GasketHistory) history = run_noted(algorithm, graph, how, false, &result);
    size_t n;
    g_autofree GasketHistoryUpdate *order = gasket_history_check(history, &n, &error);

    if (order == NULL)
        ck_abort_msg("%s, seed %" G_GUINT64_FORMAT ", %u workers, %u threads: %s", algorithm->name,
                     how->seed, how->workers, how->threads, error->message);
    if (n < graph->n)
        ck_abort_msg("%s: %zu updates are noted of %u vertices", algorithm->name, n, graph->n);
    if (algorithm != &gasket_colouring)
        return;
    uint32_t colour[SMALL_MAX_VERTICES];
    colour_again(graph, order, n, colour);
    if (memcmp(colour, result->data, result->len) != 0)
        ck_abort_msg("seed %" G_GUINT64_FORMAT ": the order found gives other colours", how->seed);
}

static const GasketAlgorithm *const algorithms[] = {&gasket_colouring, &gasket_components,
                                                    &gasket_pagerank};

static void
draw(SmallGraph *graph, unsigned algorithm, uint64_t seed)
{
    *graph = (SmallGraph){.symmetric = algorithms[algorithm] != &gasket_pagerank};
    small_draw(graph, seed, 40 + seed % 50, 60 + seed % 7 * 50);
}

START_TEST(runs_of_several_threads_equal_serial_ones)
{
    for (unsigned seed = 0; seed < 30; seed++) {
        SmallGraph graph;
        unsigned algorithm = seed % G_N_ELEMENTS(algorithms);
        const GasketJob how = {.workers = 1,
                               .threads = 1 + seed % 4,
                               .seed = seed,
                               .scheduler = GASKET_SCHEDULER_FIFO + seed / 3 % 3};
        draw(&graph, algorithm, seed);
        assert_serial(algorithms[algorithm], &graph, &how);
    }
}
END_TEST

/* Four vertices that all others and one another read: with rows so long, each runs by itself and
 * stays locked while others change. */
START_TEST(hubs_that_are_neighbours_run_one_after_the_other)
{
    enum { N_HUBS = 4 };
    for (unsigned seed = 0; seed < check_times(24, 6); seed++) {
        unsigned algorithm = seed % G_N_ELEMENTS(algorithms);
        SmallGraph graph = {.symmetric = algorithms[algorithm] != &gasket_pagerank,
                            .order = GASKET_ORDER_GIVEN};
        const GasketJob how = {.workers = 1,
                               .threads = 2 + seed % 3,
                               .seed = seed,
                               .scheduler = GASKET_SCHEDULER_FIFO + seed / 3 % 3};
        small_draw(&graph, seed, 90, N_HUBS * 89);
        for (unsigned e = 0; e < graph.m; e++) {
            unsigned hub = (e / 89 * 20 + seed) % graph.n, other = (hub + 1 + e % 89) % graph.n;
            graph.source[e] = graph.symmetric || e % 2 != 0 ? hub : other;
            graph.target[e] = graph.source[e] == hub ? other : hub;
        }
        assert_serial(algorithms[algorithm], &graph, &how);
    }
}
END_TEST

/* Every vertex's neighbours are elsewhere; delays, slow workers and short queues by lot. */
START_TEST(simulated_clusters_equal_serial_runs)
{
    for (uint64_t seed = job_first_seed(); seed < job_end_seed(300); seed++) {
        SmallGraph graph;
        unsigned algorithm = seed % G_N_ELEMENTS(algorithms);
        uint64_t trace[2] = {0};
        const GasketSimulatedOptions network = {.seed = seed,
                                                .cut_peer = -1,
                                                .slow_peer = seed % 3,
                                                .slow_us = seed % 5 == 0 ? 5000 : 0,
                                                .delay_us_max = seed % 4 ? 2000 : 0,
                                                .queue = seed % 6 == 0 ? 700 : 0};
        GasketJob how = {.workers = 2 + seed % 3,
                         .threads = 1,
                         .seed = seed,
                         .scheduler = GASKET_SCHEDULER_FIFO + seed / 3 % 3,
                         .partition = job_partition,
                         .simulation = &network};
        draw(&graph, algorithm, seed);
        for (unsigned again = 0; again < (seed % 50 == 0 ? 2u : 1u); again++) {
            how.ret_trace = &trace[again];
            assert_serial(algorithms[algorithm], &graph, &how);
        }
        ck_assert(seed % 50 != 0 || trace[0] == trace[1]);
    }
}
END_TEST

START_TEST(four_real_workers_equal_serial_runs)
{
    for (unsigned seed = 0; seed < check_times(8, 3); seed++) {
        SmallGraph graph;
        unsigned algorithm = seed % G_N_ELEMENTS(algorithms);
        const GasketJob how = {.workers = 4,
                               .threads = 1 + seed % 3,
                               .seed = seed,
                               .scheduler = GASKET_SCHEDULER_FIFO + seed / 3 % 3,
                               .partition = job_partition};
        draw(&graph, algorithm, seed);
        assert_serial(algorithms[algorithm], &graph, &how);
    }
}
END_TEST

/* Four processes, TLS between them: as machines run it. */
START_TEST(four_processes_equal_serial_runs)
{
    for (unsigned seed = 3; seed < 3 + check_times(6, 3); seed++) {
        SmallGraph graph;
        unsigned algorithm = seed % G_N_ELEMENTS(algorithms);
        const GasketJob how = {.mode = GASKET_JOB_PROCESSES,
                               .workers = 4,
                               .threads = 1 + seed / 3 % 2,
                               .seed = seed,
                               .scheduler = GASKET_SCHEDULER_FIFO + seed / 3 % 3,
                               .partition = job_partition};
        draw(&graph, algorithm, seed);
        assert_serial(algorithms[algorithm], &graph, &how);
    }
}
END_TEST

/* Even vertices go to ranks 0 and 1, odd ones to 2 and 3. */
static uint32_t **
part_by_parity(void *data, const GasketGraph *graph, unsigned parts, GasketReport *report,
               GError **error)
{
    uint32_t n = gasket_graph_n_vertices(graph, 0);
    uint32_t **part = gasket_array_new(1, sizeof *part, error);
    (void)data, (void)parts, (void)report;
    part[0] = gasket_array_new(n, sizeof **part, error);
    for (uint32_t v = 0; v < n; v++)
        part[0][v] = v % 2 * 2 + v / 2 % 2;
    return part;
}

/* Every edge is between an even and an odd vertex, so that the locks that are missing are those
 * between the processes alone. */
START_TEST(processes_that_take_no_locks_of_each_other_are_found_out)
{
    bool caught = false;
    for (uint64_t seed = 0; seed < 10 && !caught; seed++) {
        SmallGraph graph = {.order = GASKET_ORDER_GIVEN};
        const GasketJob how = {.mode = GASKET_JOB_PROCESSES,
                               .workers = 4,
                               .threads = 1,
                               .seed = seed,
                               .partition = part_by_parity};
        g_autoptr(GByteArray) result = NULL;
        small_draw(&graph, seed, 90, 400);
        for (unsigned e = 0; e < graph.m; e++)
            graph.target[e] = graph.target[e] / 2 * 2 + (graph.source[e] + 1) % 2;
        g_autoptr(GasketHistory) history = run_noted(&gasket_pagerank, &graph, &how, true, &result);
        size_t n_updates;
        g_autofree GasketHistoryUpdate *order = gasket_history_check(history, &n_updates, NULL);
        caught = order == NULL;
    }
    ck_assert(caught); /* two that read each other's old value, which every run has */
}
END_TEST

START_TEST(workers_that_take_no_locks_of_each_other_are_found_out)
{
    unsigned n_caught = 0, n = check_times(8, 2);
    for (uint64_t seed = 0; seed < n; seed++) {
        SmallGraph graph;
        const GasketSimulatedOptions network = {.seed = seed, .cut_peer = -1, .delay_us_max = 2000};
        const GasketJob how = {.workers = 4,
                               .threads = 1,
                               .seed = seed,
                               .partition = job_partition,
                               .simulation = &network};
        g_autoptr(GByteArray) result = NULL;
        draw(&graph, 1, seed);
        g_autoptr(GasketHistory) history =
            run_noted(&gasket_components, &graph, &how, true, &result);
        size_t n_updates;
        g_autofree GasketHistoryUpdate *order = gasket_history_check(history, &n_updates, NULL);
        n_caught += order == NULL;
    }
    ck_assert_uint_eq(n_caught, n);
}
END_TEST

START_TEST(locks_that_see_nothing_are_found_out)
{
    unsigned n_caught = 0, n = 8;
    for (unsigned seed = 0; seed < n; seed++) {
        SmallGraph graph;
        const GasketJob how = {.workers = 1, .threads = 1 + seed % 3, .seed = seed};
        g_autoptr(GByteArray) result = NULL;
        draw(&graph, 1, seed);
        g_autoptr(GasketHistory) history =
            run_noted(&gasket_components, &graph, &how, true, &result);
        size_t n_updates;
        g_autofree GasketHistoryUpdate *order = gasket_history_check(history, &n_updates, NULL);
        n_caught += order == NULL;
    }
    ck_assert_uint_eq(n_caught, n); /* neighbours in one block read each other's old value */
}
END_TEST

int
main(void)
{
    TCase *serial = tcase_create("serialisability");
    tcase_set_timeout(serial, 240);
    tcase_add_test(serial, runs_of_several_threads_equal_serial_ones);
    tcase_add_test(serial, hubs_that_are_neighbours_run_one_after_the_other);
    tcase_add_test(serial, simulated_clusters_equal_serial_runs);
    tcase_add_test(serial, four_real_workers_equal_serial_runs);
    tcase_add_test(serial, four_processes_equal_serial_runs);
    tcase_add_test(serial, processes_that_take_no_locks_of_each_other_are_found_out);
    tcase_add_test(serial, workers_that_take_no_locks_of_each_other_are_found_out);
    tcase_add_test(serial, locks_that_see_nothing_are_found_out);
    TCase *cases[] = {serial};
    return check_run("serialisability", cases, G_N_ELEMENTS(cases));
}
