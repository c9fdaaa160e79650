/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded staleness: answers stay right whatever is how old, nobody waits who need not, and without
 * staleness nothing changes. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "tests/job_runs.h"

static bool
run_stale(const GasketAlgorithm *algorithm, const char *const *pairs, const SmallGraph *graph,
          unsigned workers, unsigned staleness, const GasketSimulatedOptions *network,
          GByteArray **ret_result, uint64_t *ret_trace, GError **error)
{
    const GasketJob how = {.workers = workers,
                           .threads = 1,
                           .seed = network != NULL ? network->seed : 1,
                           .partition = job_partition,
                           .staleness = staleness,
                           .simulation = network,
                           .ret_trace = ret_trace};
    return run_job(algorithm, pairs, graph, &how, ret_result, error);
}

/* Runs of n seeds agree with supersteps: to the bit if tolerance is 0. */
static void
assert_right(const GasketAlgorithm *algorithm, const char *const *pairs, const SmallGraph *graph,
             unsigned n_seeds, double tolerance)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) expected = NULL;
    ck_assert(run_stale(algorithm, pairs, graph, 1, 0, NULL, &expected, NULL, &error));
    for (uint64_t seed = job_first_seed(); seed < job_end_seed(n_seeds); seed++) {
        const GasketSimulatedOptions network = {.seed = seed,
                                                .slow_peer = seed % 3,
                                                .slow_us = seed % 2 ? 20000 : 0,
                                                .cut_peer = -1,
                                                .delay_us_max = seed % 3 ? 5000 : 50,
                                                .queue = seed % 5 == 0 ? 700 : 0};
        unsigned workers = 2 + seed % 4, staleness = 1 + seed / 4 % 5;
        uint64_t trace[2] = {0};
        for (unsigned again = 0; again < (seed % 10 == 0 ? 2u : 1u); again++) {
            g_autoptr(GByteArray) found = NULL;
            if (!run_stale(algorithm, pairs, graph, workers, staleness, &network, &found,
                           &trace[again], &error))
                ck_abort_msg("%s, seed %" G_GUINT64_FORMAT ", staleness %u: %s", algorithm->name,
                             seed, staleness, error->message);
            ck_assert_uint_eq(found->len, expected->len);
            double distance = 0;
            for (size_t i = 0; tolerance > 0 && i < found->len / sizeof(double); i++)
                distance += fabs(((double *)(void *)found->data)[i] -
                                 ((double *)(void *)expected->data)[i]);
            ck_assert_msg(tolerance > 0 ? distance < tolerance
                                        : memcmp(found->data, expected->data, found->len) == 0,
                          "%s, seed %" G_GUINT64_FORMAT ", %u workers, staleness %u: differs (%g)",
                          algorithm->name, seed, workers, staleness, distance);
        }
        ck_assert(seed % 10 != 0 || trace[0] == trace[1]);
    }
}

START_TEST(ranks_are_as_near_as_without_staleness)
{
    SmallGraph graph = {.weights = SMALL_UNWEIGHTED};
    small_draw(&graph, 5, 80, 300);
    assert_right(&gasket_pagerank, NULL, &graph, 20, 2e-6 / (1 - 0.85));
}
END_TEST

START_TEST(components_are_the_same)
{
    SmallGraph graph = {.symmetric = true};
    small_draw(&graph, 6, 90, 80);
    assert_right(&gasket_components, NULL, &graph, 48, 0);
}
END_TEST

START_TEST(distances_are_the_same)
{
    const char *const source[] = {"source", "-20", NULL};
    SmallGraph graph = {.weights = SMALL_FRACTIONS};
    small_draw(&graph, 7, 80, 300);
    assert_right(&gasket_sssp, source, &graph, 24, 0);
}
END_TEST

START_TEST(real_threads_agree_as_well)
{
    g_autoptr(GError) error = NULL;
    SmallGraph graph = {.symmetric = true};
    small_draw(&graph, 8, 90, 80);
    g_autoptr(GByteArray) expected = NULL;
    ck_assert(run_stale(&gasket_components, NULL, &graph, 1, 0, NULL, &expected, NULL, &error));
    for (unsigned staleness = 0; staleness < 8; staleness++) {
        g_autoptr(GByteArray) found = NULL;
        if (!run_stale(&gasket_components, NULL, &graph, 4, staleness, NULL, &found, NULL, &error))
            ck_abort_msg("staleness %u: %s", staleness, error->message);
        ck_assert(memcmp(found->data, expected->data, found->len) == 0);
    }
}
END_TEST

START_TEST(without_staleness_the_bits_are_those_of_one_worker)
{
    g_autoptr(GError) error = NULL;
    SmallGraph graph = {.weights = SMALL_FRACTIONS};
    small_draw(&graph, 9, 80, 300);
    g_autoptr(GByteArray) one = NULL, three = NULL;
    ck_assert(run_stale(&gasket_pagerank, NULL, &graph, 1, 0, NULL, &one, NULL, &error));
    ck_assert(run_stale(&gasket_pagerank, NULL, &graph, 3, 0, NULL, &three, NULL, &error));
    ck_assert(memcmp(one->data, three->data, one->len) == 0);
}
END_TEST

START_TEST(a_cut_ends_stale_runs_too)
{
    SmallGraph graph = {.weights = SMALL_UNWEIGHTED};
    unsigned n_failed = 0;
    small_draw(&graph, 5, 80, 300);
    for (unsigned seed = 0; seed < 30; seed++) {
        const GasketSimulatedOptions network = {.seed = seed,
                                                .delay_us_max = 1000,
                                                .cut_peer = (int)(seed % 3),
                                                .cut_after_frames = 20 + 3 * seed,
                                                .peer_timeout_us = 100000};
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) found = NULL;
        n_failed +=
            !run_stale(&gasket_pagerank, NULL, &graph, 3, 2, &network, &found, NULL, &error) &&
            g_error_matches(error, GASKET_ERROR, GASKET_ERROR_PEER);
    }
    ck_assert_uint_eq(n_failed, 30);
}
END_TEST

START_TEST(who_does_not_allow_it_is_refused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) found = NULL;
    SmallGraph graph = {.symmetric = true};
    small_draw(&graph, 1, 20, 30);
    ck_assert(!run_stale(&gasket_colouring, NULL, &graph, 2, 1, NULL, &found, NULL, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    ck_assert_ptr_nonnull(strstr(error->message, "colouring"));
}
END_TEST

int
main(void)
{
    TCase *stale = tcase_create("staleness");
    tcase_set_timeout(stale, 240);
    tcase_add_test(stale, ranks_are_as_near_as_without_staleness);
    tcase_add_test(stale, components_are_the_same);
    tcase_add_test(stale, distances_are_the_same);
    tcase_add_test(stale, real_threads_agree_as_well);
    tcase_add_test(stale, without_staleness_the_bits_are_those_of_one_worker);
    tcase_add_test(stale, a_cut_ends_stale_runs_too);
    tcase_add_test(stale, who_does_not_allow_it_is_refused);
    TCase *cases[] = {stale};
    return check_run("stale", cases, G_N_ELEMENTS(cases));
}
