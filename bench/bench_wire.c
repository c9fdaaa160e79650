/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What steps send, against the least of the three encodings: an update of N ghosts, of which C
 * changed, of s bytes each may take 1.05 x min(N s, N / 8 + C s, C (s + 2)) bytes to a peer, and a
 * step 64 KiB more in all.
 *
 *   bench_wire [--quick] [--json FILE] [pagerank | components | bfs]...
 *
 * Built-in algorithms run on 4 workers that are threads of this process, on a Kronecker graph of
 * scale 18 cut into ranges. The program is linked so that every call of gasket_run_step comes to
 * __wrap_gasket_run_step below, which reads the transport's counters (frames and their headers,
 * before TLS) before and after the step.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/algorithms.h"
#include "bench/common.h"
#include "bench/graphs.h"
#include "engine/bitset.h"
#include "engine/run_private.h"

#define WORKERS   4
#define MAX_STEPS 512
#define STEP_ROOM 65536.0

typedef struct {
    double sent, bound; /* bytes of all ranks to all peers */
    double changed, ghosts;
} StepFigures;

/* What the ranks' threads find, in one place for the run of main; hence a variable of the file. */
static struct {
    pthread_mutex_t lock;
    StepFigures steps[MAX_STEPS];
    uint64_t n_steps;
    double worst_peer; /* the largest (sent - room) / least encoding of one peer in one step */
} found = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool __real_gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error);
bool __wrap_gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error);

static uint64_t
sent_to(const GasketRun *run, unsigned peer)
{
    GasketTransportStats stats;
    gasket_transport_stats(gasket_exchange_transport(run->exchange), peer, &stats);
    return stats.bytes_sent;
}

/* Ghosts that peer has of this rank's vertices, and how many of them the step changed. */
static void
count_ghosts(const GasketRun *run, const GasketProgram *program, unsigned peer, double *ret_n,
             double *ret_changed)
{
    const GasketPartKind *part = &run->part->kinds[program->kind];
    const GasketKindData *kind = &run->kinds[program->kind];

    *ret_n = *ret_changed = 0;
    if (program->changes == GASKET_CHANGES_NONE || kind->value_size == 0)
        return;
    *ret_n = (double)(part->send_begin[peer + 1] - part->send_begin[peer]);
    for (uint64_t i = part->send_begin[peer]; i < part->send_begin[peer + 1]; i++)
        *ret_changed += kind->all_changed || gasket_bitset_has(kind->changed_owned, part->send[i]);
}

bool
__wrap_gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error)
{
    unsigned rank = run->part->rank;
    uint64_t before[WORKERS] = {0}, step = run->step;

    for (unsigned p = 0; p < WORKERS; p++)
        before[p] = p != rank ? sent_to(run, p) : 0;
    if (!__real_gasket_run_step(run, program, error))
        return false;

    double size = (double)run->kinds[program->kind].value_size;
    pthread_mutex_lock(&found.lock);
    for (unsigned p = 0; p < WORKERS && step < MAX_STEPS; p++) {
        StepFigures *figures = &found.steps[step];
        double n, changed;
        if (p == rank)
            continue;
        count_ghosts(run, program, p, &n, &changed);
        double sent = (double)(sent_to(run, p) - before[p]);
        double least = fmin(n * size, fmin(n / 8 + changed * size, changed * (size + 2)));
        figures->sent += sent;
        figures->bound += 1.05 * least;
        figures->changed += changed;
        figures->ghosts += n;
        found.n_steps = MAX(found.n_steps, step + 1);
        if (least >= STEP_ROOM)
            found.worst_peer = fmax(found.worst_peer, sent / least);
    }
    pthread_mutex_unlock(&found.lock);
    return true;
}

static void
run_algorithm(const GasketAlgorithm *algorithm, unsigned scale, BenchReport *report)
{
    GError *error = NULL;
    const BenchGraph shape = {.name = "kronecker", .scale = scale};
    GasketGraphBuilder *builder = bench_graph_builder(&shape);
    GasketGraph *graph = bench_graph_finish(&builder);
    GasketRunOptions options = {.workers = WORKERS, .iterations = 40};
    g_autofree void *parameters = g_malloc0(algorithm->parameters_size + 1);

    gasket_options_set_defaults(algorithm->options, parameters);
    if (strcmp(algorithm->name, "bfs") == 0) {
        g_autofree char *source = gasket_graph_id_text(graph, 0, 0);
        bench_check(gasket_options_set(algorithm->options, parameters, "source", source, &error),
                    error);
    }
    memset(found.steps, 0, sizeof found.steps);
    found.n_steps = 0;
    found.worst_peer = 0;
    GasketResult *result = gasket_algorithm_run(algorithm, &graph, parameters, &options, &error);
    bench_check(result != NULL, error);
    gasket_result_free(result);

    double sent = 0, bound = 0, worst = 0, most = 0;
    for (uint64_t s = 0; s < found.n_steps; s++) {
        const StepFigures *figures = &found.steps[s];
        printf("%s step %" G_GUINT64_FORMAT ": %.0f of %.0f ghosts changed, %.0f bytes, %.0f\n",
               algorithm->name, s, figures->changed, figures->ghosts, figures->sent,
               figures->bound);
        sent += figures->sent;
        bound += figures->bound;
        worst = fmax(worst, figures->sent / (figures->bound + STEP_ROOM));
        most = fmax(most, figures->sent - figures->bound);
    }
    const char *name = algorithm->name;
    bench_report_add(report, name, "steps", (double)found.n_steps, BENCH_FIGURE, 0);
    bench_report_add(report, name, "sent [bytes]", sent, BENCH_FIGURE, 0);
    bench_report_add(report, name, "sent / 1.05 x least encodings", sent / bound, BENCH_FIGURE, 0);
    bench_report_add(report, name, "most beyond them in a step [bytes]", most, BENCH_AT_MOST,
                     STEP_ROOM);
    bench_report_add(report, name, "worst step / its bound", worst, BENCH_AT_MOST, 1);
    if (found.worst_peer > 0)
        bench_report_add(report, name, "worst peer and step / least encoding", found.worst_peer,
                         BENCH_AT_MOST, 1.05);
}

int
main(int argc, char **argv)
{
    static const GasketAlgorithm *const algorithms[] = {&gasket_pagerank, &gasket_components,
                                                        &gasket_bfs};
    BenchOptions options = bench_options(argc, argv, "pagerank components bfs");
    BenchReport report = {0};

    bench_print_machine();
    for (size_t a = 0; a < G_N_ELEMENTS(algorithms); a++)
        if (bench_wants(&options, algorithms[a]->name))
            run_algorithm(algorithms[a], options.quick ? 12 : 18, &report);
    bench_report_end(&report, &options);
    return EXIT_SUCCESS;
}
