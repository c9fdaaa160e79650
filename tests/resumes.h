/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs that are stopped and go on: on 4 workers up to an iteration, then from the snapshot on
 * others with other partitions. The bits are those of the run that was never stopped.
 *
 *   assert_resumes_anywhere(&(Experiment){&gasket_pagerank, parameters, build, .data = data});
 */
#ifndef GASKET_TESTS_RESUMES_H
#define GASKET_TESTS_RESUMES_H

#include "tests/run_everywhere.h"
#include "tests/snapshot_folder.h"

static const unsigned resumed_on[] = {1, 2, 7};

static inline GasketResult *
run_with(const Experiment *experiment, const GasketRunOptions *options)
{
    g_autoptr(GError) error = NULL;
    GasketResult *result = run_once(experiment, options, &error);
    ck_assert_no_error(error);
    return result;
}

/* Stops after `iterations` on 4 workers, goes on with others, and expects the undisturbed bits. */
static inline void
assert_resumes(const Experiment *experiment, const GasketResult *expected, uint32_t iterations)
{
    SnapshotFolder folder = snapshot_folder_new();
    GasketRunOptions options = {.workers = 4,
                                .seed = experiment->seed,
                                .tolerance = experiment->tolerance,
                                .engine = experiment->engine,
                                .iterations = iterations,
                                .snapshot_folder = folder.path,
                                .snapshot_every = 3};
    gasket_result_free(run_with(experiment, &options));

    for (unsigned i = 0; i < G_N_ELEMENTS(resumed_on); i += check_is_short() ? 2 : 1) {
        g_autoptr(GasketGraph) graph = experiment->build(experiment->data);
        g_auto(GStrv) part = (GStrv)random_parts(graph, resumed_on[i], i + 1);
        options = (GasketRunOptions){.workers = resumed_on[i],
                                     .threads = 1 + i % 2,
                                     .seed = experiment->seed,
                                     .tolerance = experiment->tolerance,
                                     .engine = experiment->engine,
                                     .iterations = experiment->iterations,
                                     .resume = folder.path,
                                     .part = (const uint32_t *const *)(void *)part};
        g_autoptr(GasketResult) result = run_with(experiment, &options);
        g_autofree char *where =
            g_strdup_printf("%s from iteration %u on %u workers", experiment->algorithm->name,
                            iterations, resumed_on[i]);
        const GasketAlgorithm whole = prepared_algorithm(experiment);
        assert_same_columns(&whole, expected, result, where);
        g_free((void *)whole.results);
        ck_assert_uint_eq(gasket_result_iterations(result),
                          gasket_result_iterations(expected) - iterations); /* those after it */
    }
    snapshot_folder_clear(&folder);
}

/* At about four iterations, three apart at least. */
static inline void
assert_resumes_anywhere(const Experiment *experiment)
{
    const GasketRunOptions options = {.workers = 1,
                                      .seed = experiment->seed,
                                      .tolerance = experiment->tolerance,
                                      .engine = experiment->engine,
                                      .iterations = experiment->iterations};
    g_autoptr(GasketResult) expected = run_with(experiment, &options);
    uint32_t n = gasket_result_iterations(expected);

    const uint32_t stride = MAX(1, n / (check_is_short() ? 6 : 12)) * 3;
    ck_assert_uint_gt(n, 3);
    for (uint32_t i = stride; i < n; i += stride)
        assert_resumes(experiment, expected, i);
}

#endif
