/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an edge costs in the asynchronous engine, against supersteps and a plain loop.
 *
 *   bench_async [--quick] [--rounds N] [--json FILE] [kronecker-20 | kronecker-16 | grid |
 *               cnr-2000]...
 *
 * One program for all: it adds up its neighbours' values (4 bytes each) and publishes a new one,
 * which wakes the readers, as long as it has run fewer than RUNS times. Contenders take turns on
 * one run of one graph, so all read the same rows in the same order; each one's smallest processor
 * time counts (of all threads together: the machine may be busy), divided by the entries that it
 * gathered.
 *
 *   plain         a loop over all rows that does the same, RUNS times
 *   sync          supersteps with one segment
 *   none ... edge the asynchronous engine with this consistency. sweep takes vertices in the
 *                 order of supersteps, and is held to the bounds; what fifo costs more is the cache
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/common.h"
#include "bench/graphs.h"
#include "engine/job.h"
#include "engine/run_private.h"

#define RUNS 4

typedef struct {
    const char *name;
    GasketEngine engine;
    GasketScheduler scheduler;
    GasketConsistency consistency;
    double limit; /* of its time to sync's, on one thread; 0: none */
} Contender;

static const Contender contenders[] = {
    {"sync", GASKET_ENGINE_SYNC, GASKET_SCHEDULER_FIFO, GASKET_CONSISTENCY_NONE, 0},
    {"none, fifo", GASKET_ENGINE_ASYNC, GASKET_SCHEDULER_FIFO, GASKET_CONSISTENCY_NONE, 0},
    {"none, sweep", GASKET_ENGINE_ASYNC, GASKET_SCHEDULER_SWEEP, GASKET_CONSISTENCY_NONE, 1.5},
    {"vertex, fifo", GASKET_ENGINE_ASYNC, GASKET_SCHEDULER_FIFO, GASKET_CONSISTENCY_VERTEX, 0},
    {"edge, fifo", GASKET_ENGINE_ASYNC, GASKET_SCHEDULER_FIFO, GASKET_CONSISTENCY_EDGE, 0},
    {"edge, sweep", GASKET_ENGINE_ASYNC, GASKET_SCHEDULER_SWEEP, GASKET_CONSISTENCY_EDGE, 2.5},
};

#define N_CONTENDERS G_N_ELEMENTS(contenders)

typedef struct {
    GasketGraph *graph;
    unsigned rounds;
    double plain;              /* ns an entry, the smallest */
    double best[N_CONTENDERS]; /* the same */
} Race;

static double
processor_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- the program ----------------------------------------------------------------------------- */

static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const float *value = rows->values;
    double *sum = sums;
    (void)context;

    for (size_t r = 0; r < rows->count; r++) {
        double total = sum[rows->sum[r]];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            total += value[rows->neighbour[e]];
        sum[rows->sum[r]] = total;
    }
}

/* What a vertex publishes that has gathered sum: something else each time. */
static float
publish(double sum, uint32_t runs)
{
    return (float)(1 + runs + 1e-9 * sum);
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const double *sum = sums;
    uint32_t *runs = run->state;
    float *value = run->value;
    (void)context;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        value[v] = publish(sum[run->sum[i]], runs[v]);
        run->changed[i] = ++runs[v] < RUNS;
    }
}

static const GasketRowSet in_rows[] = {{.relation = 0, .direction = GASKET_IN}};

static const GasketProgram program = {
    .name = "add",
    .rows = in_rows,
    .n_rows = 1,
    .sum_size = sizeof(double),
    .gather = gather,
    .apply = apply,
    .changes = GASKET_CHANGES_MARKED,
    .wakes = GASKET_WAKES_READERS,
};

/* ---- contenders ------------------------------------------------------------------------------ */

/* Nanoseconds of processor time for each entry that a contender gathered. */
static double
run_contender(GasketRun *run, const Contender *contender, const GasketRows *rows)
{
    const GasketProgram *const programs[] = {&program};
    GError *error = NULL;
    uint32_t *runs = gasket_run_state(run, 0), n = gasket_run_n_owned(run, 0);
    g_autoptr(GasketVertexSet) all = gasket_vertex_set_new(run, 0);
    uint64_t entries = 0;

    for (uint32_t v = 0; v < n; v++)
        runs[v] = 0;
    gasket_vertex_set_fill(all);
    gasket_run_activate(run, all);
    run->engine = contender->engine;
    run->scheduler = contender->scheduler;
    run->consistency = contender->consistency;
    double began = processor_seconds();
    bench_check(gasket_run_until_quiet(run, programs, 1, &error), error);
    double seconds = processor_seconds() - began;
    for (uint32_t v = 0; v < n; v++)
        entries += runs[v] * (rows->end[v] - rows->begin[v]);
    return 1e9 * seconds / (double)entries;
}

static double
run_plain(const GasketRows *rows, float *value)
{
    double began = processor_seconds();
    uint64_t entries = 0;

    for (unsigned i = 0; i < RUNS; i++) {
        for (size_t r = 0; r < rows->count; r++) {
            double total = 0;
            for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
                total += value[rows->neighbour[e]];
            value[r] = publish(total, i);
            entries += rows->end[r] - rows->begin[r];
        }
    }
    return 1e9 * (processor_seconds() - began) / (double)entries;
}

static bool
drive(GasketRun *run, const void *parameters, GError **error)
{
    Race *race = *(Race *const *)parameters;
    g_autofree float *value = g_new0(float, gasket_run_n_owned(run, 0));

    if (!gasket_run_set_state(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_set_value(run, 0, sizeof(float), error))
        return false;
    g_autoptr(GasketRows) rows = gasket_run_rows(run, in_rows[0], error);
    if (rows == NULL)
        return false;
    run_contender(run, &contenders[0], rows); /* warms up */
    for (unsigned round = 0; round < race->rounds; round++) {
        race->plain = MIN(race->plain, run_plain(rows, value));
        for (size_t c = 0; c < N_CONTENDERS; c++)
            race->best[c] = MIN(race->best[c], run_contender(run, &contenders[c], rows));
    }
    return true;
}

/* ---- races ----------------------------------------------------------------------------------- */

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    Race *race = data;
    (void)report, (void)error;
    return g_steal_pointer(&race->graph);
}

static const GasketNeeds needs[] = {{.in_rows = true}};

static const GasketAlgorithm algorithm = {
    .abi = GASKET_ABI,
    .name = "add",
    .needs = needs,
    .n_needs = 1,
    .run = drive,
    .engines = 1u << GASKET_ENGINE_ASYNC,
};

static void
race_run(const BenchGraph *graph, unsigned rounds, unsigned threads, BenchReport *report)
{
    GasketGraphBuilder *builder = bench_graph_builder(graph);
    Race race = {.graph = bench_graph_finish(&builder), .rounds = rounds, .plain = INFINITY};
    Race *parameters = &race;
    GError *error = NULL;
    GasketStopped stopped;

    for (size_t c = 0; c < N_CONTENDERS; c++)
        race.best[c] = INFINITY;
    const GasketJob job = {.algorithm = &algorithm,
                           .parameters = &parameters,
                           .needs = needs,
                           .n_needs = 1,
                           .mode = GASKET_JOB_LOCAL,
                           .workers = 1,
                           .threads = threads,
                           .engine = GASKET_ENGINE_ASYNC,
                           .segment = UINT32_MAX,
                           .data = &race,
                           .load = load};
    bench_check(gasket_job_run(&job, &stopped, &error), error);
    g_autofree char *subject = g_strdup_printf("%s, %u threads", graph->name, threads);
    bench_report_add(report, subject, "plain [ns an edge]", race.plain, BENCH_FIGURE, 0);
    for (size_t c = 0; c < N_CONTENDERS; c++) {
        g_autofree char *measure = g_strdup_printf("%s [ns an edge]", contenders[c].name);
        bench_report_add(report, subject, measure, race.best[c], BENCH_FIGURE, 0);
    }
    for (size_t c = 1; c < N_CONTENDERS; c++) {
        const Contender *contender = &contenders[c];
        bool bound = contender->limit > 0 && threads == 1;
        g_autofree char *measure = g_strdup_printf("%s / sync", contender->name);
        bench_report_add(report, subject, measure, race.best[c] / race.best[0],
                         bound ? BENCH_AT_MOST : BENCH_FIGURE, contender->limit);
    }
}

int
main(int argc, char **argv)
{
    static const BenchGraph graphs[] = {
        {.name = "kronecker-20", .scale = 20},
        {.name = "kronecker-16", .scale = 16},
        {.name = "grid", .side = 1000},
        {.name = "cnr-2000", .file = "graphs/cnr-2000.txt.gz"},
    };
    static const BenchGraph toy = {.name = "kronecker-10", .scale = 10};
    BenchOptions options = bench_options(argc, argv, "kronecker-20 kronecker-16 grid cnr-2000");
    BenchReport report = {0};

    bench_print_machine();
    for (unsigned threads = 1; threads <= 2; threads++) {
        if (options.quick)
            race_run(&toy, 2, threads, &report);
        for (size_t g = 0; !options.quick && g < G_N_ELEMENTS(graphs); g++) {
            g_autofree char *path = graphs[g].file != NULL ? bench_graph_path(&graphs[g]) : NULL;
            if (!bench_wants(&options, graphs[g].name))
                continue;
            if (graphs[g].file != NULL && path == NULL)
                printf("%s: left out, the sample data are not there\n", graphs[g].name);
            else
                race_run(&graphs[g], options.rounds, threads, &report);
        }
    }
    bench_report_end(&report, &options);
    return EXIT_SUCCESS;
}
