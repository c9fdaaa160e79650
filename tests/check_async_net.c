/* SPDX-License-Identifier: Apache-2.0 */
/* Asynchronous runs over a simulated network: whatever it does, answers are right, runs end, a seed
 * gives its trace again, a worker that is cut off ends them, and what does not move is told. */
#include <pthread.h>

#include "algorithms/algorithms.h"
#include "tests/job_runs.h"

static bool
simulate(const GasketAlgorithm *algorithm, const SmallGraph *graph, uint64_t seed, int cut_peer,
         GByteArray **ret_result, uint64_t *ret_trace, GError **error)
{
    /* Short queues refuse frames, so that changes wait and the largest go first. */
    const GasketSimulatedOptions options = {.seed = seed,
                                            .cut_peer = cut_peer,
                                            .cut_after_frames = seed,
                                            .delay_us_max = seed % 3 ? 3000 : 0,
                                            .queue = seed % 4 == 0 ? 500 : 0,
                                            .peer_timeout_us = 100000};
    const char *const source[] = {"source", "-20", NULL};
    const GasketJob how = {.workers = 2 + (unsigned)(seed % 4),
                           .threads = 1,
                           .seed = seed,
                           .engine = GASKET_ENGINE_ASYNC,
                           .scheduler = GASKET_SCHEDULER_FIFO + seed / 2 % 3,
                           .consistency =
                               seed % 2 ? GASKET_CONSISTENCY_EDGE : GASKET_CONSISTENCY_AUTO,
                           .partition = job_partition,
                           .simulation = &options,
                           .ret_trace = ret_trace};
    return run_job(algorithm, algorithm == &gasket_sssp ? source : NULL, graph, &how, ret_result,
                   error);
}

static GByteArray *
synchronously(const GasketAlgorithm *algorithm, const SmallGraph *graph)
{
    const char *const source[] = {"source", "-20", NULL};
    const GasketJob how = {.workers = 1, .threads = 1};
    g_autoptr(GError) error = NULL;
    GByteArray *result = NULL;

    ck_assert(run_job(algorithm, algorithm == &gasket_sssp ? source : NULL, graph, &how, &result,
                      &error));
    return result;
}

static void
assert_right_for_seeds(const GasketAlgorithm *algorithm, const SmallGraph *graph, unsigned n_seeds)
{
    g_autoptr(GByteArray) expected = synchronously(algorithm, graph);

    for (unsigned seed = 0; seed < n_seeds; seed++) {
        uint64_t trace[2] = {0};
        for (unsigned again = 0; again < (seed % 5 == 0 ? 2u : 1u); again++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(GByteArray) found = NULL;
            ck_assert_msg(simulate(algorithm, graph, seed, -1, &found, &trace[again], &error),
                          "%s, seed %u: %s", algorithm->name, seed, error ? error->message : "");
            ck_assert_uint_eq(found->len, expected->len);
            ck_assert_msg(memcmp(found->data, expected->data, found->len) == 0,
                          "%s, seed %u: another answer", algorithm->name, seed);
            if (again > 0)
                ck_assert_msg(trace[0] == trace[1], "%s, seed %u: another trace", algorithm->name,
                              seed);
        }
    }
}

START_TEST(components_are_right_whatever_the_network_does)
{
    SmallGraph graph = {.symmetric = true};
    small_draw(&graph, 6, 90, 100);
    assert_right_for_seeds(&gasket_components, &graph, check_times(25, 6));
}
END_TEST

START_TEST(distances_are_right_whatever_the_network_does)
{
    SmallGraph graph = {.weights = SMALL_FRACTIONS};
    small_draw(&graph, 7, 80, 300);
    assert_right_for_seeds(&gasket_sssp, &graph, check_times(25, 6));
}
END_TEST

/* Both ends of every edge, whose vertices run on different workers at once if scopes let them. */
START_TEST(colourings_are_proper_whatever_the_network_does)
{
    for (unsigned seed = 0; seed < check_times(40, 8); seed++) {
        SmallGraph graph = {.symmetric = true};
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) found = NULL;
        small_draw(&graph, seed, 60 + seed % 30, 50 + seed % 7 * 50);
        ck_assert_msg(simulate(&gasket_colouring, &graph, seed, -1, &found, NULL, &error),
                      "seed %u: %s", seed, error ? error->message : "");
        const uint32_t *colour = (const uint32_t *)(const void *)found->data;
        for (unsigned i = 0; i < graph.m; i++)
            ck_assert_msg(graph.source[i] == graph.target[i] ||
                              (colour[graph.source[i]] != colour[graph.target[i]] &&
                               colour[graph.source[i]] != 0),
                          "seed %u: vertices %u and %u have colour %u", seed, graph.source[i],
                          graph.target[i], colour[graph.source[i]]);
    }
}
END_TEST

START_TEST(a_cut_ends_the_run)
{
    SmallGraph graph = {.symmetric = true};
    unsigned n_failed = 0, n = check_times(60, 20);
    small_draw(&graph, 5, 80, 300);
    for (unsigned seed = 0; seed < n; seed++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) found = NULL;
        if (simulate(&gasket_colouring, &graph, seed, (int)(seed % 3), &found, NULL, &error))
            continue; /* it was over before */
        ck_assert_msg(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_PEER), "seed %u: %s", seed,
                      error->message);
        n_failed++;
    }
    ck_assert_uint_gt(n_failed, n / 3);
}
END_TEST

/* ---- the watchdog ---------------------------------------------------------------------------- */

static GString *logged;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void
keep_log(const char *domain, GLogLevelFlags level, const char *message, void *data)
{
    (void)domain, (void)level, (void)data;
    pthread_mutex_lock(&log_lock);
    g_string_append_printf(logged, "%s\n", message);
    pthread_mutex_unlock(&log_lock);
}

/* What three workers log whose frames fly for so long, on a clock that is simulated. */
static void
run_with_delay(int64_t delay_us)
{
    const GasketSimulatedOptions network = {.seed = 1,
                                            .cut_peer = -1,
                                            .delay_us_min = delay_us,
                                            .delay_us_max = delay_us,
                                            .peer_timeout_us = 1000 * delay_us};
    const GasketJob how = {.workers = 3,
                           .threads = 1,
                           .engine = GASKET_ENGINE_ASYNC,
                           .partition = job_partition,
                           .simulation = &network};
    SmallGraph graph = {.symmetric = true};
    g_autoptr(GByteArray) result = NULL;
    g_autoptr(GError) error = NULL;
    small_draw(&graph, 6, 90, 100);
    logged = g_string_new(NULL);
    g_log_set_default_handler(keep_log, NULL);
    bool ok = run_job(&gasket_components, NULL, &graph, &how, &result, &error);
    g_log_set_default_handler(g_log_default_handler, NULL);
    ck_assert_msg(ok, "%s", error ? error->message : "");
}

START_TEST(the_watchdog_tells_the_counters_when_nothing_moves)
{
    run_with_delay(15 * G_USEC_PER_SEC);
    ck_assert_ptr_nonnull(strstr(logged->str, "nothing has moved for 10 s: rank 0 of 3: "));
    ck_assert_ptr_nonnull(strstr(logged->str, "nothing has moved for 10 s: rank 1 of 3: "));
    ck_assert_ptr_nonnull(strstr(logged->str, " sent, "));
    ck_assert_ptr_nonnull(strstr(logged->str, " vertices, "));
    ck_assert_ptr_nonnull(strstr(logged->str, "  rank 2 last answered wave "));
    ck_assert_ptr_nonnull(strstr(logged->str, "this wave waits for it"));
    g_string_free(logged, TRUE);
}
END_TEST

START_TEST(the_watchdog_is_silent_while_something_moves)
{
    run_with_delay(G_USEC_PER_SEC);
    ck_assert_ptr_null(strstr(logged->str, "nothing has moved"));
    g_string_free(logged, TRUE);
}
END_TEST

int
main(void)
{
    TCase *net = tcase_create("asynchronous runs over a network");
    tcase_set_timeout(net, 240);
    tcase_add_test(net, components_are_right_whatever_the_network_does);
    tcase_add_test(net, distances_are_right_whatever_the_network_does);
    tcase_add_test(net, colourings_are_proper_whatever_the_network_does);
    tcase_add_test(net, a_cut_ends_the_run);
    tcase_add_test(net, the_watchdog_tells_the_counters_when_nothing_moves);
    tcase_add_test(net, the_watchdog_is_silent_while_something_moves);
    TCase *cases[] = {net};
    return check_run("async_net", cases, G_N_ELEMENTS(cases));
}
