/* SPDX-License-Identifier: Apache-2.0 */
/* Running small graphs with the asynchronous engine, in every way that it can be told to. */
#ifndef GASKET_TESTS_ASYNC_RUNS_H
#define GASKET_TESTS_ASYNC_RUNS_H

#include "tests/small_graphs.h"

/* One way to run. */
typedef struct {
    unsigned workers, threads;
    GasketScheduler scheduler;
    GasketConsistency consistency;
} AsyncWay;

/* Runs an algorithm on a small graph; parts at random if there is more than one worker. */
static inline GasketResult *
run_way(const GasketAlgorithm *algorithm, const SmallGraph *small, const void *parameters,
        GasketEngine engine, const AsyncWay *way, uint64_t seed)
{
    Experiment experiment = {algorithm, parameters, small_build, .data = small, .seed = seed};
    GasketRunOptions options = {.workers = way->workers,
                                .threads = way->threads,
                                .seed = seed,
                                .engine = engine,
                                .scheduler = way->scheduler,
                                .consistency = way->consistency};
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) part = NULL;
    if (way->workers > 1) {
        g_autoptr(GasketGraph) graph = small_build(small);
        part = (GStrv)random_parts(graph, way->workers, seed);
        options.part = (const uint32_t *const *)part;
    }
    GasketResult *result = run_once(&experiment, &options, &error);
    ck_assert_msg(result != NULL, "%s, %u workers, %u threads, scheduler %d, consistency %d: %s",
                  algorithm->name, way->workers, way->threads, way->scheduler, way->consistency,
                  error ? error->message : "no error");
    return result;
}

/* The next of all ways with workers from the list (0 ends it) and consistencies from `least` on;
 * false after the last. Starts from zeros. */
static inline bool
next_way(AsyncWay *way, const unsigned *workers, GasketConsistency least)
{
    if (way->workers == 0) {
        *way = (AsyncWay){workers[0], 1, GASKET_SCHEDULER_FIFO, least};
        return true;
    }
    if (++way->threads <= (way->workers == 1 ? 3u : 2u))
        return true;
    way->threads = 1;
    if (++way->scheduler <= GASKET_SCHEDULER_SWEEP)
        return true;
    way->scheduler = GASKET_SCHEDULER_FIFO;
    if (++way->consistency <= GASKET_CONSISTENCY_EDGE)
        return true;
    way->consistency = least;
    while (*workers != way->workers)
        workers++;
    way->workers = workers[1];
    return way->workers != 0;
}

#endif
