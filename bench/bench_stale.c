/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figure of bounded staleness: how a run's time divides into computing and waiting for others,
 * against the staleness, and how many steps it takes.
 *
 *   bench_stale [--quick] [--json FILE] [components | pagerank | always]...
 *
 * 4 workers, which are threads of this process. A step takes each of them SHORT, spent asleep, so
 * that the processors of this machine do not matter, and
 *
 *   components   of a grid; one step of 8, by lot, LONG: whoever waits for all waits for the
 *                slowest of each step, while nobody is slow for long
 *   pagerank     of a Kronecker graph, to a residual of 1e-6; the same lots
 *   always       components; rank 0 always twice as long: nothing helps against that but less work
 *                for rank 0
 *
 * The program is linked so that every call of gasket_run_step comes to __wrap_gasket_run_step.
 */
#include <stdio.h>
#include <unistd.h>

#include <gasket/random.h>

#include "algorithms/algorithms.h"
#include "bench/common.h"
#include "bench/graphs.h"
#include "engine/run_private.h"

#define WORKERS  4
#define SHORT_US 2000
#define LONG_US  16000

typedef struct {
    BenchGraph graph;
    double run_seconds, wait_seconds; /* the run's; the mean of the workers' */
    uint64_t steps;
} Figures;

/* Who is slow, for the ranks' threads of the run of main; hence a variable of the file. */
static bool always;

bool __real_gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error);
bool __wrap_gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error);

bool
__wrap_gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error)
{
    GasketRandom lot = gasket_random_at(1, 0, run->part->rank, run->step);
    bool slow = always ? run->part->rank == 0 : gasket_random_below(&lot, 8) == 0;

    usleep(slow ? (always ? 2 * SHORT_US : LONG_US) : SHORT_US);
    return __real_gasket_run_step(run, program, error);
}

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    const Figures *figures = data;
    GasketGraphBuilder *builder = bench_graph_builder(&figures->graph);
    (void)report, (void)error;
    return bench_graph_finish(&builder);
}

static bool
take_result(void *data, const GasketResultBlock *block, GError **error)
{
    (void)data, (void)block, (void)error;
    return true;
}

static bool
take_report(void *data, const GasketReport *report, GError **error)
{
    Figures *figures = data;
    (void)error;
    figures->run_seconds = report->seconds.run;
    figures->steps = report->n_iterations;
    figures->wait_seconds = 0;
    for (size_t i = 0; i < report->n_workers; i++)
        figures->wait_seconds += report->workers[i].wait_seconds / (double)report->n_workers;
    return true;
}

static void
measure(const char *subject, const GasketAlgorithm *algorithm, const BenchGraph *graph,
        unsigned staleness, BenchReport *report)
{
    g_autoptr(GError) error = NULL;
    g_autofree void *parameters = g_malloc0(MAX(algorithm->parameters_size, 1));
    Figures figures = {.graph = *graph};
    GasketStopped stopped;

    if (algorithm->options != NULL)
        gasket_options_set_defaults(algorithm->options, parameters);
    const GasketJob job = {.algorithm = algorithm,
                           .parameters = parameters,
                           .needs = algorithm->needs,
                           .n_needs = algorithm->n_needs,
                           .results = algorithm->results,
                           .n_results = algorithm->n_results,
                           .workers = WORKERS,
                           .threads = 1,
                           .tolerance = algorithm->default_tolerance,
                           .staleness = staleness,
                           .data = &figures,
                           .load = load,
                           .result = take_result,
                           .finish = take_report};
    bench_check(gasket_job_run(&job, &stopped, &error), error);
    double share = figures.wait_seconds / figures.run_seconds;
    g_autofree char *name = g_strdup_printf("%s, staleness %u", subject, staleness);
    printf("%-28s %8.3f s  compute %5.1f %%  wait %5.1f %%  %3u steps\n", name, figures.run_seconds,
           100 * (1 - share), 100 * share, (unsigned)figures.steps);
    bench_report_add(report, name, "seconds", figures.run_seconds, BENCH_FIGURE, 0);
    bench_report_add(report, name, "share of waiting", share, BENCH_FIGURE, 0);
    bench_report_add(report, name, "steps", (double)figures.steps, BENCH_FIGURE, 0);
}

int
main(int argc, char **argv)
{
    static const char *const subjects[] = {"components", "pagerank", "always"};
    static const unsigned staleness[] = {0, 1, 2, 4, 8, 16};
    const BenchOptions options = bench_options(argc, argv, "components, pagerank, always");
    const BenchGraph grid = {.name = "grid", .side = options.quick ? 8 : 96};
    const BenchGraph kronecker = {.name = "kronecker", .scale = options.quick ? 8 : 13};
    BenchReport report = {0};

    bench_print_machine();
    for (unsigned i = 0; i < G_N_ELEMENTS(subjects); i++) {
        if (!bench_wants(&options, subjects[i]))
            continue;
        always = i == 2;
        for (unsigned s = 0; s < (options.quick ? 2 : G_N_ELEMENTS(staleness)); s++)
            measure(subjects[i], i == 1 ? &gasket_pagerank : &gasket_components,
                    i == 1 ? &kronecker : &grid, staleness[s], &report);
    }
    bench_report_end(&report, &options);
    return 0;
}
