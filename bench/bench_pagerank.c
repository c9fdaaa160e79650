/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A superstep of the built-in PageRank against hand-written loops (kernels.h).
 *
 *   bench_pagerank [--quick] [--rounds N] [--json FILE] [kronecker-22 | kronecker-20 | grid |
 *                  cnr-2000]...
 *
 * Four contenders take turns, step by step, and each one's fastest step counts:
 *
 *   plain      the pull loop over the numbers as given (a Kronecker graph's are permuted)
 *   segments   the hand-written segment-major loop over the engine's numbers
 *   gasket 1   gasket_pagerank as a job of one worker and one thread
 *   gasket 2   the same with two threads
 *
 * A job runs in a thread of its own and hands over in the progress callback, which the engine calls
 * at the end of each iteration: the time of a step is that from one callback's return to the next
 * one's entry, so everything is in it that an iteration costs. The first two steps, the layout
 * among them, do not count. After every round the residuals of all four must agree.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/algorithms.h"
#include "bench/common.h"
#include "bench/graphs.h"
#include "bench/kernels.h"
#include "engine/job.h"

#define WARM_UP 2 /* steps */

/* ---- a job that runs a step when it is told to ----------------------------------------------- */

typedef struct {
    GasketGraph *graph;
    unsigned threads;
    uint32_t iterations;

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t turned;
    bool its_turn;
    double began, seconds, residual; /* of the last step */
    double layout_seconds;
    char *layout;
} Runner;

static void
runner_progress(void *data, const GasketProgress *progress)
{
    double ended = bench_now();
    Runner *runner = data;

    pthread_mutex_lock(&runner->mutex);
    runner->seconds = ended - runner->began;
    runner->residual = progress->residual;
    runner->its_turn = false;
    pthread_cond_broadcast(&runner->turned);
    while (!runner->its_turn)
        pthread_cond_wait(&runner->turned, &runner->mutex);
    pthread_mutex_unlock(&runner->mutex);
    runner->began = bench_now();
}

static GasketGraph *
runner_load(void *data, GasketReport *report, GError **error)
{
    Runner *runner = data;
    (void)report;
    (void)error;
    return g_steal_pointer(&runner->graph);
}

static bool
runner_finish(void *data, const GasketReport *report, GError **error)
{
    Runner *runner = data;
    (void)error;
    runner->layout_seconds = report->seconds.layout;
    runner->layout = g_strdup(report->plan.layout);
    return true;
}

static void *
runner_main(void *data)
{
    Runner *runner = data;
    GError *error = NULL;
    GasketStopped stopped;
    g_autofree void *parameters = g_malloc0(gasket_pagerank.parameters_size);
    gasket_options_set_defaults(gasket_pagerank.options, parameters);
    bench_check(gasket_options_set(gasket_pagerank.options, parameters, "precision", "single",
                                   &error),
                error);
    const GasketJob job = {.algorithm = &gasket_pagerank,
                           .parameters = parameters,
                           .needs = gasket_pagerank.needs,
                           .n_needs = gasket_pagerank.n_needs,
                           .mode = GASKET_JOB_LOCAL,
                           .workers = 1,
                           .threads = runner->threads,
                           .iterations = runner->iterations,
                           .tolerance = G_MINDOUBLE, /* never reached */
                           .data = runner,
                           .load = runner_load,
                           .progress = runner_progress,
                           .finish = runner_finish};
    bench_check(gasket_job_run(&job, &stopped, &error), error);
    return NULL;
}

/* Waits until the job has ended a step. */
static void
runner_wait(Runner *runner)
{
    pthread_mutex_lock(&runner->mutex);
    while (runner->its_turn)
        pthread_cond_wait(&runner->turned, &runner->mutex);
    pthread_mutex_unlock(&runner->mutex);
}

static void
runner_go(Runner *runner)
{
    pthread_mutex_lock(&runner->mutex);
    runner->its_turn = true;
    pthread_cond_broadcast(&runner->turned);
    pthread_mutex_unlock(&runner->mutex);
}

/* Starts the job and runs its first step. */
static void
runner_init(Runner *runner, GasketGraph **graph, unsigned threads, uint32_t iterations)
{
    *runner = (Runner){.graph = g_steal_pointer(graph),
                       .threads = threads,
                       .iterations = iterations,
                       .its_turn = true};
    pthread_mutex_init(&runner->mutex, NULL);
    pthread_cond_init(&runner->turned, NULL);
    bench_check(pthread_create(&runner->thread, NULL, runner_main, runner) == 0, NULL);
    runner_wait(runner);
}

static double
runner_step(Runner *runner)
{
    runner_go(runner);
    runner_wait(runner);
    return runner->seconds;
}

static void
runner_end(Runner *runner)
{
    runner_go(runner);
    pthread_join(runner->thread, NULL);
    pthread_mutex_destroy(&runner->mutex);
    pthread_cond_destroy(&runner->turned);
}

/* ---- a graph's race -------------------------------------------------------------------------- */

enum {
    PLAIN,
    SEGMENTS,
    GASKET_1,
    GASKET_2,
    N_CONTENDERS,
};

static const char *const contender_names[] = {"plain", "segments", "gasket, 1 thread",
                                              "gasket, 2 threads"};

typedef struct {
    BenchKernel *plain, *segments;
    Runner runners[2];
} Race;

static double
run_kernel(BenchKernel *kernel, double (*step)(BenchKernel *), double *ret_residual)
{
    double began = bench_now();
    *ret_residual = step(kernel);
    return bench_now() - began;
}

/* One step of each contender, whose residuals must agree. */
static void
run_round(Race *race, double seconds[N_CONTENDERS])
{
    double residual[N_CONTENDERS];

    seconds[PLAIN] = run_kernel(race->plain, bench_kernel_plain, &residual[PLAIN]);
    seconds[GASKET_1] = runner_step(&race->runners[0]);
    seconds[SEGMENTS] = run_kernel(race->segments, bench_kernel_segments, &residual[SEGMENTS]);
    seconds[GASKET_2] = runner_step(&race->runners[1]);
    residual[GASKET_1] = race->runners[0].residual;
    residual[GASKET_2] = race->runners[1].residual;
    for (unsigned c = 0; c < N_CONTENDERS; c++) {
        if (fabs(residual[c] - residual[PLAIN]) <= 1e-6 + 1e-4 * residual[PLAIN])
            continue;
        fprintf(stderr, "residual of %s: %g, but of %s: %g\n", contender_names[c], residual[c],
                contender_names[PLAIN], residual[PLAIN]);
        exit(EXIT_FAILURE);
    }
}

static void
race_init(Race *race, const BenchGraph *graph, unsigned rounds, double ret_number[2])
{
    double ignored;

    for (unsigned t = 0; t < 2; t++) {
        GasketGraphBuilder *builder = bench_graph_builder(graph);
        ret_number[t] = bench_graph_number(builder, t + 1);
        GasketGraph *built = bench_graph_finish(&builder);
        if (t == 0) {
            printf("%s: %u vertices, %" G_GUINT64_FORMAT " entries, %s\n", graph->name,
                   built->kinds[0].n_vertices, gasket_graph_rows(built, 0, GASKET_IN)->n_entries,
                   built->order == GASKET_ORDER_DEGREE ? "degree" : "given");
            fflush(stdout);
            race->plain = bench_kernel_new(built, /* by_ordinal= */ true);
            race->segments = bench_kernel_new(built, /* by_ordinal= */ false);
            bench_kernel_cut(race->segments);
        }
        runner_init(&race->runners[t], &built, t + 1, rounds + WARM_UP);
    }
    bench_kernel_start(race->plain);
    bench_kernel_start(race->segments);
    run_kernel(race->plain, bench_kernel_plain, &ignored);
    run_kernel(race->segments, bench_kernel_segments, &ignored);
}

static void
race_clear(Race *race)
{
    bench_kernel_free(race->plain);
    bench_kernel_free(race->segments);
    for (unsigned t = 0; t < 2; t++)
        g_free(race->runners[t].layout);
}

static void
add_bounds(BenchReport *report, const BenchGraph *graph, const double best[N_CONTENDERS])
{
    const char *name = graph->name;
    double plain = best[GASKET_1] / best[PLAIN], two = best[GASKET_1] / best[GASKET_2];
    bool large = graph->scale >= 22, skewed = graph->scale >= 20;

    bench_report_add(report, name, "gasket 1 / segments", best[GASKET_1] / best[SEGMENTS],
                     large ? BENCH_AT_MOST : BENCH_FIGURE, 1.15);
    bench_report_add(report, name, "gasket 1 / plain", plain, BENCH_AT_MOST,
                     large    ? 0.35
                     : skewed ? 0.65
                              : 1.05);
    bench_report_add(report, name, "gasket 1 / gasket 2", two,
                     graph->file == NULL ? BENCH_AT_LEAST : BENCH_FIGURE, 1.7);
}

static void
race_run(const BenchGraph *graph, unsigned rounds, BenchReport *report)
{
    Race race = {0};
    double best[N_CONTENDERS] = {INFINITY, INFINITY, INFINITY, INFINITY}, number[2];

    race_init(&race, graph, rounds, number);
    for (unsigned round = 0; round <= rounds; round++) {
        double seconds[N_CONTENDERS];
        run_round(&race, seconds);
        for (unsigned c = 0; c < N_CONTENDERS && round > 0; c++)
            best[c] = MIN(best[c], seconds[c]);
    }
    for (unsigned t = 0; t < 2; t++)
        runner_end(&race.runners[t]);
    printf("%s: %s\n", graph->name, race.runners[0].layout);
    for (unsigned c = 0; c < N_CONTENDERS; c++) {
        g_autofree char *measure = g_strdup_printf("step, %s [ms]", contender_names[c]);
        bench_report_add(report, graph->name, measure, 1e3 * best[c], BENCH_FIGURE, 0);
    }
    add_bounds(report, graph, best);
    for (unsigned t = 0; t < 2; t++) {
        double layout = race.runners[t].layout_seconds;
        g_autofree char *measure =
            g_strdup_printf("numbering + layout, %u thread%s [plain steps]", t + 1, t ? "s" : "");
        g_autofree char *parts = g_strdup_printf("numbering %.0f ms, layout [ms]", 1e3 * number[t]);
        bench_report_add(report, graph->name, parts, 1e3 * layout, BENCH_FIGURE, 0);
        bench_report_add(report, graph->name, measure, (number[t] + layout) / best[PLAIN],
                         BENCH_AT_MOST, 10);
    }
    race_clear(&race);
}

int
main(int argc, char **argv)
{
    static const BenchGraph graphs[] = {
        {.name = "kronecker-22", .scale = 22},
        {.name = "kronecker-20", .scale = 20},
        {.name = "grid", .side = 2000},
        {.name = "cnr-2000", .file = "graphs/cnr-2000.txt.gz"},
    };
    static const BenchGraph toys[] = {
        {.name = "kronecker-10", .scale = 10},
        {.name = "grid-30", .side = 30},
    };
    BenchOptions options = bench_options(argc, argv, "kronecker-22 kronecker-20 grid cnr-2000");
    BenchReport report = {0};

    bench_print_machine();
    for (size_t g = 0; options.quick && g < G_N_ELEMENTS(toys); g++)
        race_run(&toys[g], 2, &report);
    for (size_t g = 0; !options.quick && g < G_N_ELEMENTS(graphs); g++) {
        g_autofree char *path = graphs[g].file != NULL ? bench_graph_path(&graphs[g]) : NULL;
        if (!bench_wants(&options, graphs[g].name))
            continue;
        if (graphs[g].file != NULL && path == NULL)
            printf("%s: left out, the sample data are not there\n", graphs[g].name);
        else
            race_run(&graphs[g], options.rounds, &report);
    }
    bench_report_end(&report, &options);
    return EXIT_SUCCESS;
}
