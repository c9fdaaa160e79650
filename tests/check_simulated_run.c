/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs over a simulated network: delays and order never change a bit, a seed gives its trace
 * again, and a cut ends the run. */
#include "algorithms/algorithms.h"
#include "tests/job_runs.h"

/* Runs it; the bytes of the result in *ret_result. */
static bool
simulate(const GasketAlgorithm *algorithm, const SmallGraph *graph, unsigned workers,
         const GasketSimulatedOptions *options, GByteArray **ret_result, uint64_t *ret_trace,
         GError **error)
{
    const GasketJob how = {.workers = workers,
                           .threads = 1,
                           .seed = options != NULL ? options->seed : 0,
                           .simulation = options,
                           .ret_trace = ret_trace};
    return run_job(algorithm, NULL, graph, &how, ret_result, error);
}

static void
assert_same_bits(const GasketAlgorithm *algorithm, const SmallGraph *graph, unsigned n_seeds)
{
    g_autoptr(GError) error = NULL;
    GByteArray *expected = NULL;
    ck_assert(simulate(algorithm, graph, 1, NULL, &expected, NULL, &error));
    ck_assert_uint_gt(expected->len, 0);
    for (uint64_t seed = job_first_seed(); seed < job_end_seed(n_seeds); seed++) {
        /* Short queues make senders wait; long delays let ranks run a round ahead. */
        const GasketSimulatedOptions options = {.seed = seed,
                                                .cut_peer = -1,
                                                .slow_peer = seed % 3,
                                                .slow_us = seed % 7 == 0 ? 20000 : 0,
                                                .delay_us_max = seed % 3 ? 5000 : 0,
                                                .queue = seed % 4 == 0 ? 500 : 0};
        unsigned workers = 2 + seed % 4;
        uint64_t trace[2] = {0};
        for (unsigned again = 0; again < (seed % 5 == 0 ? 2u : 1u); again++) {
            GByteArray *found = NULL;
            ck_assert_msg(simulate(algorithm, graph, workers, &options, &found, &trace[again],
                                   &error),
                          "%s, seed %" G_GUINT64_FORMAT ": %s", algorithm->name, seed,
                          error ? error->message : "");
            ck_assert_uint_eq(found->len, expected->len);
            ck_assert_msg(memcmp(found->data, expected->data, found->len) == 0,
                          "%s, seed %" G_GUINT64_FORMAT ", %u workers: other bits", algorithm->name,
                          seed, workers);
            g_byte_array_unref(found);
            if (again > 0)
                ck_assert_uint_eq(trace[0], trace[1]);
        }
    }
    g_byte_array_unref(expected);
}

START_TEST(pagerank_has_the_same_bits_whatever_the_network_does)
{
    SmallGraph graph = {.weights = SMALL_FRACTIONS};
    small_draw(&graph, 5, 80, 300);
    assert_same_bits(&gasket_pagerank, &graph, 60);
}
END_TEST

START_TEST(components_are_the_same_whatever_the_network_does)
{
    SmallGraph graph = {.symmetric = true};
    small_draw(&graph, 6, 90, 80);
    assert_same_bits(&gasket_components, &graph, 200);
}
END_TEST

START_TEST(a_cut_ends_the_run_for_every_rank)
{
    SmallGraph graph = {.weights = SMALL_FRACTIONS};
    small_draw(&graph, 5, 80, 300);
    unsigned n_failed = 0;
    for (unsigned seed = 0; seed < 120; seed++) {
        const unsigned workers = 2 + seed % 3;
        const GasketSimulatedOptions options = {.seed = seed,
                                                .delay_us_max = 1000,
                                                .cut_peer = (int)(seed % (workers + 1)),
                                                .cut_after_frames = seed,
                                                .peer_timeout_us = 100000};
        g_autoptr(GError) error = NULL;
        GByteArray *found = NULL;
        if (simulate(&gasket_pagerank, &graph, workers, &options, &found, NULL, &error)) {
            g_byte_array_unref(found); /* the loader had left before */
            continue;
        }
        ck_assert_msg(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_PEER), "seed %u: %s", seed,
                      error->message);
        n_failed++;
    }
    ck_assert_uint_gt(n_failed, 80);
}
END_TEST

/* Vertices that run by themselves, a slow worker now and then, and in every other run a cut: a run
 * ends with the right answer, or names whom it has lost. */
START_TEST(asynchronous_runs_end_right_or_name_who_is_lost)
{
    SmallGraph graph = {.symmetric = true};
    small_draw(&graph, 6, 90, 120);
    GByteArray *expected = NULL;
    g_autoptr(GError) failure = NULL;
    unsigned n_lost = 0, n = 0;
    ck_assert(simulate(&gasket_components, &graph, 1, NULL, &expected, NULL, &failure));
    for (uint64_t seed = job_first_seed(); seed < job_end_seed(1500); seed++, n++) {
        const unsigned workers = 2 + seed % 3;
        const GasketSimulatedOptions network = {.seed = seed,
                                                .delay_us_max = seed % 5 ? 1000 : 0,
                                                .slow_peer = seed % workers,
                                                .slow_us = seed % 4 == 0 ? 5000 : 0,
                                                .queue = seed % 6 == 0 ? 700 : 0,
                                                .cut_peer =
                                                    seed % 2 ? (int)(seed / 2 % (workers + 1)) : -1,
                                                .cut_after_frames = seed / 2 % 200,
                                                .peer_timeout_us = 100000};
        uint64_t trace[2] = {0};
        for (unsigned again = 0; again < (seed % 50 < 2 ? 2u : 1u); again++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(GByteArray) found = NULL;
            const GasketJob how = {.workers = workers,
                                   .threads = 1,
                                   .seed = seed,
                                   .engine = GASKET_ENGINE_ASYNC,
                                   .scheduler = GASKET_SCHEDULER_FIFO + seed / 3 % 3,
                                   .consistency = GASKET_CONSISTENCY_VERTEX + seed / 7 % 2,
                                   .partition = job_partition,
                                   .simulation = &network,
                                   .ret_trace = &trace[again]};
            if (run_job(&gasket_components, NULL, &graph, &how, &found, &error)) {
                ck_assert_msg(found->len == expected->len &&
                                  memcmp(found->data, expected->data, found->len) == 0,
                              "seed %" G_GUINT64_FORMAT ": other components", seed);
                continue;
            }
            ck_assert_msg(network.cut_peer >= 0 &&
                              g_error_matches(error, GASKET_ERROR, GASKET_ERROR_PEER),
                          "seed %" G_GUINT64_FORMAT ": %s", seed, error->message);
            n_lost += again == 0;
        }
        ck_assert_msg(seed % 50 >= 2 || trace[0] == trace[1],
                      "seed %" G_GUINT64_FORMAT ": another trace", seed);
    }
    ck_assert(n < 20 || n_lost > n / 10);
    g_byte_array_unref(expected);
}
END_TEST

int
main(void)
{
    TCase *simulated = tcase_create("simulated runs");
    tcase_set_timeout(simulated, 240);
    tcase_add_test(simulated, pagerank_has_the_same_bits_whatever_the_network_does);
    tcase_add_test(simulated, components_are_the_same_whatever_the_network_does);
    tcase_add_test(simulated, a_cut_ends_the_run_for_every_rank);
    tcase_add_test(simulated, asynchronous_runs_end_right_or_name_who_is_lost);
    TCase *cases[] = {simulated};
    return check_run("simulated_run", cases, G_N_ELEMENTS(cases));
}
