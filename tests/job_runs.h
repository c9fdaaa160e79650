/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole jobs on small graphs with everything that a job can be told, in threads of this process:
 * over plain queues or a simulated network, or in processes over TCP (.mode).
 *
 *   const GasketJob job = {.workers = 3, .threads = 1, .simulation = &options, ...};
 *   GByteArray *result = NULL;
 *   if (run_job(&gasket_components, NULL, &graph, &job, &result, &error))
 *       g_byte_array_unref(result);
 */
#ifndef GASKET_TESTS_JOB_RUNS_H
#define GASKET_TESTS_JOB_RUNS_H

#include <sys/mman.h>

#include "engine/array.h"
#include "engine/job.h"
#include "tests/small_graphs.h"

/* Which seeds a test runs: n from 0 on, or as the environment says (scripts/simulate); a few where
 * members are threads, as under a sanitizer. */
static inline uint64_t
job_first_seed(void)
{
    const char *text = g_getenv("GASKET_FIRST_SEED");
    return text != NULL ? g_ascii_strtoull(text, NULL, 10) : 0;
}

static inline uint64_t
job_end_seed(unsigned n)
{
    const char *text = g_getenv("GASKET_SEEDS");
    uint64_t n_seeds = check_is_short() ? CLAMP(n / 10, 4, 20) : n;
    return job_first_seed() + (text != NULL ? g_ascii_strtoull(text, NULL, 10) : n_seeds);
}

#define JOB_RESULT_BYTES (64u << 10)

/* What rank 0's process leaves for the test. */
typedef struct {
    uint32_t n;
    uint8_t bytes[JOB_RESULT_BYTES];
} JobShared;

typedef struct {
    const SmallGraph *graph;
    GByteArray *result; /* columns of every block, one after the other */
    const GasketAlgorithm *algorithm;
    uint64_t seed;
    JobShared *shared; /* NULL: all in this process */
} JobObserver;

static inline GasketGraph *
job_load(void *data, GasketReport *report, GError **error)
{
    const JobObserver *observer = data;
    (void)report, (void)error;
    return small_build(observer->graph);
}

static inline bool
job_take_result(void *data, const GasketResultBlock *block, GError **error)
{
    JobObserver *observer = data;
    (void)error;
    for (unsigned c = 0; c < observer->algorithm->n_results; c++)
        g_byte_array_append(observer->result, block->columns[c],
                            (guint)(block->n *
                                    gasket_type_size(observer->algorithm->results[c].type)));
    return true;
}

static inline bool
job_take_finish(void *data, const GasketReport *report, GError **error)
{
    const JobObserver *observer = data;
    (void)report, (void)error;
    if (observer->shared != NULL && observer->result->len <= JOB_RESULT_BYTES) {
        observer->shared->n = observer->result->len;
        memcpy(observer->shared->bytes, observer->result->data, observer->result->len);
    }
    return true;
}

/* For GasketJob.partition: vertices go to workers by lot, so that most edges are cut. */
static inline uint32_t **
job_partition(void *data, const GasketGraph *graph, unsigned parts, GasketReport *report,
              GError **error)
{
    const JobObserver *observer = data;
    uint32_t n = gasket_graph_n_vertices(graph, 0);
    uint32_t **part = gasket_array_new(1, sizeof *part, error);
    (void)report;
    part[0] = gasket_array_new(n, sizeof **part, error);
    GasketRandom lots = gasket_random_at(observer->seed, 77, 0, 0);
    for (uint32_t v = 0; v < n; v++)
        part[0][v] = gasket_random_below(&lots, parts);
    return part;
}

/* Runs an algorithm as `how` says; the bytes of the result in *ret_result, which is the caller's.
 * parameters: pairs as of make_parameters. */
static inline bool
run_job(const GasketAlgorithm *algorithm, const char *const *pairs, const SmallGraph *graph,
        const GasketJob *how, GByteArray **ret_result, GError **error)
{
    g_autofree void *parameters = make_parameters(algorithm, pairs);
    JobObserver observer = {.graph = graph,
                            .result = g_byte_array_new(),
                            .algorithm = algorithm,
                            .seed = how->seed};
    GasketJob job = *how;
    GasketStopped stopped;

    if (how->mode == GASKET_JOB_PROCESSES)
        observer.shared = mmap(NULL, sizeof *observer.shared, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(observer.shared != MAP_FAILED);
    job.algorithm = algorithm;
    job.parameters = parameters;
    job.needs = algorithm->needs;
    job.n_needs = algorithm->n_needs;
    job.results = algorithm->results;
    job.n_results = algorithm->n_results;
    job.iterations = algorithm->default_iterations;
    job.tolerance = algorithm->default_tolerance;
    job.data = &observer;
    job.load = job_load;
    job.result = job_take_result;
    job.finish = job_take_finish;
    bool ok = gasket_job_run(&job, &stopped, error);
    if (observer.shared != NULL) {
        g_byte_array_append(observer.result, observer.shared->bytes, observer.shared->n);
        munmap(observer.shared, sizeof *observer.shared);
    }
    if (ok)
        *ret_result = observer.result;
    else
        g_byte_array_unref(observer.result);
    return ok;
}

#endif
