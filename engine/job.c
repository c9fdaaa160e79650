/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader and the ranks of a job do. See job.h. */
#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/array.h"
#include "engine/job_private.h"
#include "engine/part_wire.h"
#include "engine/report_wire.h"
#include "engine/results.h"
#include "engine/run_private.h"
#include "engine/snapshots.h"
#include "engine/stale.h"

/* ---- loading --------------------------------------------------------------------------------- */

GasketNeeds
gasket_job_needs(const GasketJob *job, unsigned relation)
{
    if (relation < job->n_needs)
        return job->needs[relation];
    return (GasketNeeds){.in_rows = true};
}

GasketGraph *
gasket_job_load(const GasketJob *job, GasketReport *report, GError **error)
{
    g_autoptr(GasketGraph) graph = job->load(job->data, report, error);
    if (graph == NULL)
        return NULL;

    for (unsigned r = 0; r < graph->n_relations; r++) {
        GasketNeeds needs = gasket_job_needs(job, r);
        bool symmetric = graph->relations[r].symmetric;
        if (needs.symmetric && !symmetric) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "algorithm \"%s\" needs relation \"%s\" to be symmetric, but it is "
                        "directed",
                        job->algorithm->name, graph->relations[r].name);
            return NULL;
        }
        bool in = needs.in_rows || symmetric || !needs.out_rows;
        if (in && !gasket_graph_require_rows(graph, r, GASKET_IN, error))
            return NULL;
        if (needs.out_rows && !symmetric && !gasket_graph_require_rows(graph, r, GASKET_OUT, error))
            return NULL;
        if (!in)
            gasket_graph_drop_rows(graph, r, GASKET_IN);
        if (!needs.out_rows && !symmetric)
            gasket_graph_drop_rows(graph, r, GASKET_OUT);
    }
    report->input.vertices = report->input.edges = 0;
    for (unsigned k = 0; k < graph->n_kinds; k++)
        report->input.vertices += graph->kinds[k].n_vertices;
    for (unsigned r = 0; r < graph->n_relations; r++)
        report->input.edges += graph->relations[r].n_edges;
    g_free(report->plan.order);
    report->plan.order = g_strdup(graph->order == GASKET_ORDER_DEGREE ? "degree" : "given");
    g_free(report->plan.order_reason);
    report->plan.order_reason = g_strdup(graph->order_reason);
    return g_steal_pointer(&graph);
}

static GasketPartExtras *
extras_of(const GasketJob *job, const GasketGraph *graph)
{
    GasketPartExtras *extras = g_new0(GasketPartExtras, graph->n_relations + 1);
    for (unsigned r = 0; r < graph->n_relations; r++) {
        GasketNeeds needs = gasket_job_needs(job, r);
        extras[r] = (GasketPartExtras){needs.degrees, needs.strengths};
    }
    return extras;
}

static void
free_owners(uint32_t **owner, unsigned n_kinds)
{
    for (unsigned k = 0; owner != NULL && k < n_kinds; k++)
        gasket_array_free(owner[k]);
    gasket_array_free(owner);
}

/* What a vertex costs: itself and its rows. */
static uint64_t
vertex_work(const GasketGraph *graph, unsigned kind, uint32_t v)
{
    uint64_t work = 1;

    for (unsigned r = 0; r < graph->n_relations; r++) {
        const GasketGraphRelation *relation = &graph->relations[r];
        for (unsigned d = 0; d < 2; d++) {
            unsigned own = d == GASKET_IN ? relation->target : relation->source;
            const uint64_t *offset = relation->rows[d].offset;
            if (own == kind && offset != NULL)
                work += offset[v + 1] - offset[v];
        }
    }
    return work;
}

/* Ranges of numbers of about equal work, for callers that brought no partition. */
static uint32_t **
range_owners(const GasketGraph *graph, unsigned parts, GError **error)
{
    uint32_t **owner = gasket_array_new(graph->n_kinds, sizeof *owner, error);

    for (unsigned k = 0; owner != NULL && k < graph->n_kinds; k++) {
        uint32_t n = graph->kinds[k].n_vertices;
        owner[k] = gasket_array_new(n, sizeof **owner, error);
        if (owner[k] == NULL) {
            free_owners(owner, k);
            return NULL;
        }
        uint64_t all = 0, before = 0;
        for (uint32_t v = 0; v < n; v++)
            all += vertex_work(graph, k, v);
        for (uint32_t v = 0; v < n; v++) {
            owner[k][v] = (uint32_t)((unsigned __int128)before * parts / all);
            before += vertex_work(graph, k, v);
        }
    }
    return owner;
}

static bool
send_parts(const GasketJob *job, GasketGraph *graph, uint32_t **owner, GasketReport *report,
           GasketTransport *transport, GError **error)
{
    g_autofree GasketPartExtras *extras = extras_of(job, graph);
    g_autofree GasketStream *streams = g_new0(GasketStream, job->workers);
    struct rusage usage;

    for (unsigned p = 0; p < job->workers; p++)
        gasket_stream_init(&streams[p], transport, p);
    if (job->simulation != NULL) /* what is sent must be a function of the seed */
        report->seconds.load = report->seconds.number = report->seconds.plan = 0;
    bool ok = gasket_report_send_input(report, &streams[0], error) &&
              gasket_parts_send(graph, owner, extras, streams, job->workers, error);
    uint64_t peak = 0;
    if (job->simulation == NULL && getrusage(RUSAGE_SELF, &usage) == 0)
        peak = (uint64_t)usage.ru_maxrss * 1024;
    ok = ok && gasket_stream_write(&streams[0], &peak, sizeof peak, error) &&
         gasket_stream_flush(&streams[0], error);
    for (unsigned p = 0; p < job->workers; p++)
        gasket_stream_clear(&streams[p]);
    return ok;
}

bool
gasket_job_be_loader(const GasketJob *job, GasketTransport *transport, GError **error)
{
    GasketReport report;
    gasket_report_init(&report);

    g_autoptr(GasketGraph) graph = gasket_job_load(job, &report, error);
    bool ok = graph != NULL;
    uint32_t **owner = NULL;
    if (ok) {
        owner = job->partition != NULL
                    ? job->partition(job->data, graph, job->workers, &report, error)
                    : range_owners(graph, job->workers, error);
        ok = owner != NULL && send_parts(job, graph, owner, &report, transport, error) &&
             gasket_transport_leave(transport, error);
        free_owners(owner, graph->n_kinds);
    }
    gasket_report_clear(&report);
    return ok;
}

/* ---- running --------------------------------------------------------------------------------- */

/* All ranks' words on the result: wrong if one says so. */
typedef struct {
    uint8_t correct;
    char message[255];
} Verdict;

static bool
verify(GasketRun *run, const GasketJob *job, GError **error)
{
    GasketReport *report = run->report;
    g_autofree char *message = NULL;
    g_autofree Verdict *all = g_new0(Verdict, run->part->size);
    Verdict mine = {0};
    int64_t before = g_get_monotonic_time();
    GError *failure = NULL;

    if (!job->verify || job->algorithm->verify == NULL)
        return true;
    mine.correct = job->algorithm->verify(run, job->parameters, &message, &failure);
    if (failure != NULL) {
        g_propagate_error(error, failure);
        return false;
    }
    g_strlcpy(mine.message, message != NULL ? message : "", sizeof mine.message);
    if (!gasket_exchange_all(run->exchange, &mine, sizeof mine, all, error))
        return false;
    const Verdict *shown = &all[0];
    report->verified = report->correct = true;
    for (unsigned p = 0; p < run->part->size; p++) {
        if (!all[p].correct) {
            report->correct = false;
            shown = &all[p];
            break;
        }
    }
    report->verify_message = g_strndup(shown->message, sizeof shown->message - 1);
    report->seconds.verify = (double)(g_get_monotonic_time() - before) / 1e6;
    return true;
}

static bool
finish(GasketRun *run, const GasketJob *job, int64_t began, GError **error)
{
    GasketReport *report = run->report;
    int64_t before = g_get_monotonic_time();

    if (run->part->rank != 0)
        return gasket_results_serve(run, job, error);
    if (!gasket_results_collect(run, job, error))
        return false;
    report->seconds.write = (double)(g_get_monotonic_time() - before) / 1e6;
    report->seconds.total = (double)(g_get_monotonic_time() - began) / 1e6;
    if (report->verified && !report->correct) {
        if (job->finish != NULL && !job->finish(job->data, report, error))
            return false;
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "the result is wrong: %s",
                    report->verify_message);
        return false;
    }
    return job->finish == NULL || job->finish(job->data, report, error);
}

/* All ranks meet: one whose driver ends while others go on would wait for them as they for it. */
static bool
end_together(GasketRun *run, GError **error)
{
    g_autofree uint8_t *all = g_new0(uint8_t, run->part->size);
    return gasket_exchange_all(run->exchange, &(uint8_t){1}, 1, all, error);
}

/* The driver and all that follows it, on a part. */
static bool
run_part(const GasketJob *job, GasketPart **part, GasketExchange *exchange, GasketReport *report,
         int64_t began, GError **error)
{
    g_autoptr(GasketRun) run = gasket_run_new_take(part, exchange, job, report, error);
    if (run == NULL || !gasket_snapshots_open(run, error))
        return false;
    int64_t before = g_get_monotonic_time();
    GError *failure = NULL;
    if (!job->algorithm->run(run, job->parameters, &failure)) {
        if (failure == NULL)
            g_set_error(&failure, GASKET_ERROR, GASKET_ERROR_FAILED,
                        "algorithm \"%s\" failed without a reason", job->algorithm->name);
        g_propagate_error(error, failure);
        return false;
    }
    if (run->failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&run->failure));
        return false;
    }
    if (!gasket_stale_settle(run, error) || !end_together(run, error) ||
        !gasket_snapshots_end(run, error))
        return false;
    report->seconds.run = (double)(g_get_monotonic_time() - before) / 1e6 - report->seconds.layout;
    return verify(run, job, error) && finish(run, job, began, error);
}

static void
report_plan(const GasketJob *job, GasketReport *report)
{
    report->plan.workers = job->workers;
    report->plan.threads = job->threads;
    report->plan.layout = g_strdup("row-major");
}

bool
gasket_job_be_only_rank(const GasketJob *job, GasketStopped *ret_stopped, GError **error)
{
    int64_t began = g_get_monotonic_time();
    GasketReport report;
    gasket_report_init(&report);
    report_plan(job, &report);

    GasketExchange *exchange = gasket_exchange_new(NULL, 0, 1);
    g_autoptr(GasketPart) part = NULL;
    GasketGraph *graph = gasket_job_load(job, &report, error);
    if (graph != NULL) {
        g_autofree GasketPartExtras *extras = extras_of(job, graph);
        part = gasket_part_take_whole(&graph, extras, error);
    }
    bool ok = part != NULL && gasket_part_subscribe(part, exchange, error) &&
              run_part(job, &part, exchange, &report, began, error);
    *ret_stopped = report.stopped;
    gasket_exchange_free(exchange);
    gasket_report_clear(&report);
    return ok;
}

/* Receives the part, and as rank 0 the loader's report. */
static GasketPart *
receive_part(const GasketJob *job, GasketTransport *transport, unsigned rank, GasketReport *report,
             GError **error)
{
    GasketStream stream;
    GasketPart *part = NULL;

    gasket_stream_init(&stream, transport, job->workers);
    bool ok = rank != 0 || gasket_report_receive_input(report, &stream, error);
    int64_t before = g_get_monotonic_time();
    if (ok)
        part = gasket_part_receive(&stream, rank, job->workers, error);
    if (part != NULL && rank == 0 &&
        !gasket_stream_read(&stream, &report->loader_peak_bytes, sizeof(uint64_t), error))
        gasket_part_free(g_steal_pointer(&part));
    report->seconds.distribute = (double)(g_get_monotonic_time() - before) / 1e6;
    gasket_stream_clear(&stream);
    return part;
}

bool
gasket_job_be_rank(const GasketJob *job, GasketTransport *transport, unsigned rank,
                   GasketStopped *ret_stopped, GError **error)
{
    int64_t began = g_get_monotonic_time();
    GasketReport report;
    gasket_report_init(&report);
    report_plan(job, &report);

    GasketExchange *exchange = gasket_exchange_new(transport, rank, job->workers);
    g_autoptr(GasketPart) part = receive_part(job, transport, rank, &report, error);
    bool ok = part != NULL && gasket_part_subscribe(part, exchange, error) &&
              run_part(job, &part, exchange, &report, began, error) &&
              gasket_transport_leave(transport, error);
    if (!ok && error != NULL)
        gasket_transport_give_up(transport, *error);
    *ret_stopped = report.stopped;
    gasket_exchange_free(exchange);
    gasket_report_clear(&report);
    return ok;
}

/* ---- ending ---------------------------------------------------------------------------------- */

/* How likely an error is the cause of the others: what a peer saw of it comes last. */
static int
cause_rank(const GError *error)
{
    if (error->domain != GASKET_ERROR)
        return 2;
    return error->code == GASKET_ERROR_PEER ? 0 : error->code == GASKET_ERROR_PROTOCOL ? 1 : 2;
}

/* Of errors that are equally likely the first to happen is. */
static bool
is_cause_of(const GasketOutcome *one, const GasketOutcome *other)
{
    int rank = cause_rank(one->error), other_rank = cause_rank(other->error);
    return rank != other_rank ? rank > other_rank : one->ended_us < other->ended_us;
}

bool
gasket_job_conclude(GasketOutcome *outcomes, unsigned n, GasketStopped *ret_stopped, GError **error)
{
    GasketOutcome *cause = NULL;
    bool ok = true;

    for (unsigned m = 0; m < n; m++) {
        ok = ok && outcomes[m].ok;
        if (!outcomes[m].ok && outcomes[m].error != NULL &&
            (cause == NULL || is_cause_of(&outcomes[m], cause)))
            cause = &outcomes[m];
    }
    *ret_stopped = outcomes[0].stopped;
    if (cause != NULL)
        g_propagate_error(error, g_steal_pointer(&cause->error));
    else if (!ok)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "a worker was ended");
    for (unsigned m = 0; m < n; m++)
        g_clear_error(&outcomes[m].error);
    return ok;
}

/* The consistency that an algorithm needs. */
static GasketConsistency
least_consistency(const GasketAlgorithm *algorithm)
{
    return algorithm->consistency != GASKET_CONSISTENCY_AUTO ? algorithm->consistency
                                                             : GASKET_CONSISTENCY_VERTEX;
}

GasketScheduler
gasket_job_scheduler(const GasketJob *job)
{
    if (job->scheduler != GASKET_SCHEDULER_AUTO)
        return job->scheduler;
    return job->algorithm->scheduler != GASKET_SCHEDULER_AUTO ? job->algorithm->scheduler
                                                              : GASKET_SCHEDULER_FIFO;
}

GasketConsistency
gasket_job_consistency(const GasketJob *job)
{
    return job->consistency != GASKET_CONSISTENCY_AUTO ? job->consistency
                                                       : least_consistency(job->algorithm);
}

bool
gasket_job_check_engine(const GasketAlgorithm *algorithm, GasketEngine engine,
                        GasketConsistency consistency, GError **error)
{
    /* ORDER gasket_consistency */
    static const char *const levels[] = {"auto", "none", "vertex", "edge"};

    if (engine == GASKET_ENGINE_ASYNC && consistency != GASKET_CONSISTENCY_AUTO &&
        consistency < least_consistency(algorithm)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s needs at least the consistency %s to be right, found %s", algorithm->name,
                    levels[least_consistency(algorithm)], levels[consistency]);
        return false;
    }
    if (engine == GASKET_ENGINE_SYNC || (algorithm->engines >> engine & 1) != 0)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "%s runs with the engine sync alone: its steps must not read values that were "
                "written within them",
                algorithm->name);
    return false;
}

bool
gasket_job_check_staleness(const GasketAlgorithm *algorithm, GasketEngine engine,
                           unsigned staleness, GError **error)
{
    if (staleness == 0 || (algorithm->stale && engine == GASKET_ENGINE_SYNC))
        return true;
    if (engine != GASKET_ENGINE_SYNC)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found a staleness of %u with another engine than sync", staleness);
    else
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found a staleness of %u, but %s needs the values of the step before",
                    staleness, algorithm->name);
    return false;
}

bool
gasket_job_run(const GasketJob *job, GasketStopped *ret_status, GError **error)
{
    GasketStopped stopped = GASKET_STOPPED_CONVERGED;
    bool ok;

    if (!gasket_job_check_engine(job->algorithm, job->engine, job->consistency, error) ||
        !gasket_job_check_staleness(job->algorithm, job->engine, job->staleness, error))
        return false;
    if (job->mode == GASKET_JOB_PROCESSES && job->restarts > 0)
        ok = gasket_job_run_restarting(job, &stopped, error);
    else if (job->workers == 1)
        ok = gasket_job_be_only_rank(job, &stopped, error);
    else if (job->mode == GASKET_JOB_LOCAL)
        ok = gasket_job_run_threads(job, &stopped, error);
    else
        ok = gasket_job_run_processes(job, &stopped, error);
    *ret_status = stopped;
    return ok;
}
