/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running an algorithm: the call's options -> a job, and the job's callbacks.
 *
 *   launcher   options, checks that need no graph        (one thread: the job forks)
 *   loader     load, partition
 *   rank 0     progress, result, finish: the writer and everything that is printed
 *
 * With one worker all of them are this process.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/error_table.h"
#include "cli/folds.h"
#include "cli/graph_input.h"
#include "cli/model_input.h"
#include "cli/plan.h"
#include "cli/progress.h"
#include "cli/ratings_input.h"
#include "cli/ratings_model.h"
#include "cli/report_json.h"
#include "cli/report_text.h"
#include "cli/search.h"
#include "cli/signals.h"
#include "cli/snapshot_options.h"
#include "engine/job.h"
#include "loaders/factor_model.h"
#include "loaders/result_top.h"
#include "loaders/result_writer.h"

#define N_TOP 20 /* rows of the summary */

typedef struct {
    const GasketCliCommon *common;
    const GasketAlgorithm *algorithm;
    GasketNeeds *needs; /* [n_needs] */
    unsigned n_needs;
    GasketResultColumn *results; /* [n_results] */
    GArray *columns;             /* of GasketLoadColumn */
    GasketGraphInput input;
    GasketReportHead head;
    GasketCliProgress progress;
    GasketCliErrorTable errors;
    GasketResultWriter *writer; /* NULL before the first rows, and without --output */
    GasketCliFolds *folds;      /* of cross-validation, else NULL */
    GasketCliModel *model;      /* of a method on ratings, with --output */
    GasketResultTop *top;       /* NULL with --output or --json */
} AlgorithmRun;

/* ---- loader ---------------------------------------------------------------------------------- */

typedef GasketGraph *(*Loader)(const GasketGraphInput *input, GasketGraphInputStats *ret_stats,
                               GError **error);

static Loader
loader_of(const GasketAlgorithm *algorithm)
{
    switch (algorithm->input) {
    case GASKET_INPUT_RATINGS:
        return gasket_ratings_input_load;
    case GASKET_INPUT_FACTORS:
        return gasket_model_input_load;
    default:
        return gasket_graph_input_load;
    }
}

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    AlgorithmRun *run = data;
    GasketGraphInputStats stats = {0};
    GasketGraph *graph = loader_of(run->algorithm)(&run->input, &stats, error);
    if (graph == NULL)
        return NULL;

    g_free(report->input.path);
    g_free(report->input.format);
    report->input.path = g_strdup(run->input.paths[0]);
    report->input.format = g_strdup(stats.info.format);
    report->input.bytes = stats.info.bytes;
    report->input.weighted = stats.info.weighted;
    report->input.vertices = gasket_graph_n_vertices(graph, 0);
    report->input.edges = gasket_graph_n_edges(graph, 0);
    report->seconds.load = stats.load_seconds;
    report->seconds.number = stats.number_seconds;
    gasket_load_info_clear(&stats.info);
    gasket_cli_report_plan(run->common, graph, NULL, report);
    if (run->model != NULL && !gasket_cli_model_keep_seen(run->model, graph, error))
        g_clear_pointer(&graph, gasket_graph_free);
    return graph;
}

static uint32_t **
partition(void *data, const GasketGraph *graph, unsigned parts, GasketReport *report,
          GError **error)
{
    AlgorithmRun *run = data;
    g_autoptr(GasketPartition) made =
        gasket_cli_partition(run->common, run->common->partition, graph, parts, error);
    if (made == NULL)
        return NULL;
    gasket_cli_report_plan(run->common, graph, made, report);
    return g_steal_pointer(&made->part);
}

/* ---- rank 0 ---------------------------------------------------------------------------------- */

static bool
open_writer(AlgorithmRun *run, GError **error)
{
    const GasketResultOptions options = {
        .no_header = run->common->no_header,
        .table = run->common->output_table,
        .id_name = gasket_model_input_id_name(run->algorithm, run->results),
        .index_name = gasket_model_input_index_name(run->algorithm, run->results),
    };
    run->writer = gasket_result_writer_new(run->common->output, run->results,
                                           run->algorithm->n_results, &options, error);
    return run->writer != NULL;
}

static void
progress(void *data, const GasketProgress *step)
{
    AlgorithmRun *run = data;
    g_autoptr(GString) row = g_string_new(NULL);
    if (run->algorithm->input == GASKET_INPUT_RATINGS && run->folds == NULL)
        gasket_cli_error_table_append(&run->errors, step, row);
    gasket_cli_note(row->str);
    if (row->len == 0)
        gasket_cli_progress_run(&run->progress, step);
}

static void
note(void *data, const char *text)
{
    AlgorithmRun *run = data;
    g_autofree char *line = g_strdup_printf("%-10s %s\n", run->algorithm->name, text);
    gasket_cli_progress_end(&run->progress);
    gasket_cli_note(line);
}

static bool
result(void *data, const GasketResultBlock *block, GError **error)
{
    AlgorithmRun *run = data;
    if (run->model != NULL)
        return gasket_cli_model_add(run->model, block, error);
    if (run->algorithm->n_results > 0 && block->kind != run->results[0].kind)
        return true;
    if (run->top != NULL)
        gasket_result_top_add(run->top, block);
    if (run->common->output == NULL)
        return true;
    return (run->writer != NULL || open_writer(run, error)) &&
           gasket_result_writer_write(run->writer, block, error);
}

static bool
print_summary(const AlgorithmRun *run, const GasketReport *report, GError **error)
{
    if (!run->common->quiet) {
        g_autoptr(GString) text = g_string_new(NULL);
        gasket_report_append_text(&run->head, report, text);
        if (run->top != NULL &&
            gasket_result_top_n_shown(run->top) < gasket_result_top_n_rows(run->top)) {
            const char *by = gasket_result_top_ranked_by(run->top);
            g_string_append_printf(text, "result     the %s %u%s%s; -o FILE writes all\n",
                                   by != NULL ? "largest" : "first",
                                   gasket_result_top_n_shown(run->top), by != NULL ? " by " : "",
                                   by != NULL ? by : "");
        }
        gasket_cli_note(text->str);
    }
    if (run->top != NULL) {
        g_autoptr(GString) rows = g_string_new(NULL);
        gasket_result_top_append(run->top, !run->common->no_header, rows);
        return gasket_cli_print(rows->str, error);
    }
    if (!run->common->json)
        return true;
    g_autofree char *json = gasket_report_json(&run->head, report);
    return gasket_cli_print(json, error);
}

static bool
finish(void *data, const GasketReport *report, GError **error)
{
    AlgorithmRun *run = data;
    gasket_cli_progress_end(&run->progress);
    if (run->folds != NULL) {
        gasket_cli_folds_add(run->folds, report);
        return true;
    }
    if (run->model != NULL) {
        if (!gasket_cli_model_write(run->model, report, run->common->output, error))
            return false;
    } else if (run->common->output != NULL) {
        if (run->writer == NULL && !open_writer(run, error))
            return false;
        gasket_result_writer_set_metrics(run->writer, report);
        if (!gasket_result_writer_finish(run->writer, error))
            return false;
    }
    return print_summary(run, report, error);
}

/* ---- launcher -------------------------------------------------------------------------------- */

static void
run_clear(AlgorithmRun *run)
{
    g_free(run->needs);
    g_free(run->results);
    if (run->columns != NULL)
        g_array_free(run->columns, TRUE);
    gasket_result_writer_free(run->writer);
    gasket_cli_model_free(run->model);
    gasket_result_top_free(run->top);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AlgorithmRun, run_clear)

/* Copies what the algorithm says of itself and lets it adjust the copies. */
static bool
prepare(AlgorithmRun *run, const GasketCliCall *call, GError **error)
{
    static const GasketNeeds in_rows = {.in_rows = true};
    const GasketAlgorithm *algorithm = call->algorithm;
    const bool has_needs = algorithm->needs != NULL && algorithm->n_needs > 0;

    run->n_needs = has_needs ? algorithm->n_needs : 1;
    run->needs =
        g_memdup2(has_needs ? algorithm->needs : &in_rows, run->n_needs * sizeof *run->needs);
    run->results = g_memdup2(algorithm->results, algorithm->n_results * sizeof *run->results);
    for (unsigned c = 0; c < algorithm->n_results; c++)
        if (algorithm->results[c].kind != 0 && algorithm->input != GASKET_INPUT_RATINGS)
            return gasket_cli_refuse(error,
                                     "%s has results for several kinds of vertices, which the "
                                     "inputs of this command do not have",
                                     algorithm->name);
    return algorithm->prepare == NULL || algorithm->prepare(call->parameters, run->head.tolerance,
                                                            run->needs, run->results, error);
}

static void
set_head(AlgorithmRun *run, const GasketCliCall *call)
{
    const GasketAlgorithm *algorithm = call->algorithm;
    const GasketCliCommon *common = &call->common;

    run->head = (GasketReportHead){
        .algorithm = algorithm->name,
        .options = algorithm->options,
        .parameters = call->parameters,
        .iterations =
            common->iterations >= 0 ? (uint32_t)common->iterations : algorithm->default_iterations,
        .tolerance = common->tolerance > 0 ? common->tolerance : algorithm->default_tolerance,
        .seed = (uint64_t)common->seed,
        .engine = (GasketEngine)common->engine,
        .planned = common->dry_run,
    };
}

static bool
check_call(const GasketCliCall *call, const char *const *inputs, unsigned n_inputs, GError **error)
{
    const GasketCliCommon *common = &call->common;
    const GasketResultOptions options = {.table = common->output_table};

    if (call->algorithm->input == GASKET_INPUT_FACTORS && n_inputs > 1)
        return gasket_cli_refuse(error, "%s: found %u inputs, expected one model",
                                 call->algorithm->name, n_inputs);
    if (n_inputs == 0)
        return gasket_cli_refuse(error, "%s: expected FILE..., or - for stdin",
                                 call->algorithm->name);
    if (call->algorithm->input == GASKET_INPUT_RATINGS) {
        if (!gasket_ratings_input_check(common, error))
            return false;
        if (common->output != NULL && call->algorithm->recommends == GASKET_RECOMMENDS_NOTHING)
            return gasket_cli_refuse(error, "--output: %s leaves no model", call->algorithm->name);
        if (common->output != NULL && !gasket_factor_model_check(common->output, error))
            return false;
    }
    if (common->verify && call->algorithm->verify == NULL)
        return gasket_cli_refuse(error, "--verify: %s has no verifier", call->algorithm->name);
    const char *table = common->output_table != NULL ? common->output_table : "result";
    for (unsigned i = 0; common->restart > 0 && i < n_inputs; i++)
        if (strcmp(inputs[i], "-") == 0)
            return gasket_cli_refuse(error, "--restart: stdin cannot be read twice");
    return gasket_graph_input_check_output(inputs, n_inputs, common, common->output, table,
                                           error) &&
           gasket_job_check_engine(call->algorithm, (GasketEngine)common->engine,
                                   (GasketConsistency)common->consistency, error) &&
           gasket_job_check_staleness(call->algorithm, (GasketEngine)common->engine,
                                      (unsigned)common->staleness, error) &&
           gasket_cli_partition_check(common->partition, error) &&
           (common->output == NULL || call->algorithm->input == GASKET_INPUT_RATINGS ||
            gasket_result_writer_check(common->output, &options, error));
}

/* --dry-run: what would happen, on stdout. */
static bool
plan(AlgorithmRun *run, int *ret_status, GError **error)
{
    GasketReport report;
    gasket_report_init(&report);
    unsigned workers = (unsigned)run->common->workers;
    g_autoptr(GasketPartition) made = NULL;
    g_autoptr(GasketGraph) graph = load(run, &report, error);
    bool planned = graph != NULL;

    if (planned && workers > 1) {
        made = gasket_cli_partition(run->common, run->common->partition, graph, workers, error);
        planned = made != NULL;
    }
    if (planned) {
        gasket_cli_report_plan(run->common, graph, made, &report);
        report.seconds.total = report.seconds.load + report.seconds.number + report.seconds.plan;
        g_autoptr(GString) text = g_string_new(NULL);
        if (run->common->json) {
            g_autofree char *json = gasket_report_json(&run->head, &report);
            g_string_append(text, json);
        } else {
            gasket_report_append_text(&run->head, &report, text);
            gasket_cli_append_plan(graph, made, text);
        }
        *ret_status = GASKET_EXIT_DONE;
        planned = gasket_cli_print(text->str, error);
    }
    gasket_report_clear(&report);
    return planned;
}

/* A run that is bounded by design has done what it should at its bound; one that goes on until it
 * is done, or to a tolerance, has not. */
static int
status_of(const AlgorithmRun *run, GasketStopped stopped)
{
    if (stopped == GASKET_STOPPED_ASKED)
        return GASKET_EXIT_STOPPED;
    bool wants_more = run->head.tolerance > 0 || run->algorithm->default_iterations == 0;
    bool bounded = stopped == GASKET_STOPPED_ITERATIONS || stopped == GASKET_STOPPED_LIMIT;
    return bounded && wants_more ? GASKET_EXIT_NOT_CONVERGED : GASKET_EXIT_DONE;
}

static void
notice(void *data, const char *message)
{
    AlgorithmRun *run = data;
    g_autofree char *line = g_strdup_printf("gasket: %s\n", message);
    gasket_cli_progress_end(&run->progress);
    gasket_cli_note(line);
}

static bool
run_job(AlgorithmRun *run, const GasketCliCall *call, int *ret_status, GError **error)
{
    const GasketCliCommon *common = &call->common;
    GasketJob job = {
        .algorithm = call->algorithm,
        .parameters = call->parameters,
        .needs = run->needs,
        .n_needs = run->n_needs,
        .results = run->results,
        .n_results = call->algorithm->n_results,
        .mode = GASKET_JOB_PROCESSES,
        .workers = (unsigned)common->workers,
        .threads = gasket_cli_threads(common, (unsigned)common->workers),
        .seed = run->head.seed,
        .iterations = run->head.iterations,
        .tolerance = run->head.tolerance,
        .engine = (GasketEngine)common->engine,
        .scheduler = (GasketScheduler)common->scheduler,
        .consistency = (GasketConsistency)common->consistency,
        .staleness = (unsigned)common->staleness,
        .max_seconds = common->max_seconds,
        .max_updates = (uint64_t)common->max_updates,
        .segment = (uint32_t)common->segment,
        .verify = common->verify,
        .peer_timeout_us = (int64_t)(common->peer_timeout * 1e6),
        .insecure = common->insecure,
        .data = run,
        .load = load,
        .partition = partition,
        .progress = common->quiet ? NULL : progress,
        .note = common->quiet ? NULL : note,
        .result = result,
        .finish = finish,
        .restarts = (unsigned)common->restart,
        .notice = notice,
        .stop = gasket_cli_signals_stop(),
    };
    g_autofree char *resume = NULL;
    GasketStopped stopped;
    if (!gasket_cli_snapshot_plan(common, &job, &job.snapshot, &resume, error))
        return false;
    bool done = gasket_job_run(&job, &stopped, error);
    gasket_cli_progress_end(&run->progress);
    if (done)
        *ret_status = status_of(run, stopped);
    return done;
}

/* --folds: trains once for each, then prints the table. */
static bool
run_folds(AlgorithmRun *run, GasketCliCall *call, int *ret_status, GError **error)
{
    g_autoptr(GasketCliFolds) own = gasket_cli_folds_new();
    run->folds = call->folds != NULL ? call->folds : own;
    for (call->common.fold = 0; call->common.fold < call->common.folds; call->common.fold++)
        if (!run_job(run, call, ret_status, error))
            return false;
    if (call->folds != NULL)
        return true;
    g_autoptr(GString) table = g_string_new(NULL);
    gasket_cli_folds_append(own, table);
    return gasket_cli_print(table->str, error);
}

bool
gasket_cli_run_algorithm(GasketCliCall *call, const char *const *inputs, unsigned n_inputs,
                         int *ret_status, GError **error)
{
    g_auto(AlgorithmRun) run = {.common = &call->common, .algorithm = call->algorithm};

    if (gasket_cli_search_wanted(call))
        return gasket_cli_search(call, inputs, n_inputs, ret_status, error);
    set_head(&run, call);
    if (!check_call(call, inputs, n_inputs, error) || !prepare(&run, call, error))
        return false;
    const bool leaves_model = call->algorithm->input == GASKET_INPUT_RATINGS;
    if (call->common.output != NULL && !leaves_model &&
        !gasket_result_writer_check_columns(call->common.output, run.results,
                                            call->algorithm->n_results, error))
        return false;
    run.columns = gasket_graph_input_columns(call->algorithm->options, call->parameters);
    run.input = (GasketGraphInput){
        .paths = inputs,
        .n_paths = n_inputs,
        .common = run.common,
        .needs = &run.needs[0],
        .columns = (const GasketLoadColumn *)(void *)run.columns->data,
        .n_columns = run.columns->len,
    };
    gasket_graph_input_features(call->algorithm->options, call->parameters, run.input.features);
    if (call->common.dry_run)
        return plan(&run, ret_status, error);

    if (call->common.output != NULL && leaves_model) {
        run.model = gasket_cli_model_new(run.algorithm, run.results, call->parameters, error);
        if (run.model == NULL)
            return false;
    }
    gasket_cli_progress_init(&run.progress, call->common.quiet);
    run.progress.name = call->algorithm->name;
    run.progress.tolerance = run.head.tolerance;
    if (call->common.output == NULL && !call->common.json &&
        call->algorithm->input != GASKET_INPUT_RATINGS)
        run.top = gasket_result_top_new(N_TOP, run.results, call->algorithm->n_results,
                                        gasket_model_input_id_name(run.algorithm, run.results),
                                        gasket_model_input_index_name(run.algorithm, run.results));
    if (call->common.folds > 0)
        return run_folds(&run, call, ret_status, error);
    return run_job(&run, call, ret_status, error);
}

static bool
run_built_in(GasketCliCall *call, int *ret_status, GError **error)
{
    return gasket_cli_run_algorithm(call, call->arguments, call->n_arguments, ret_status, error);
}

const GasketCliCommand gasket_cli_algorithm_command = {
    .name = "ALGORITHM",
    .arguments = "FILE...",
    .summary = "run an algorithm",
    .tables = GASKET_CLI_INPUT | GASKET_CLI_MACHINE | GASKET_CLI_WORKERS | GASKET_CLI_RUN |
              GASKET_CLI_SNAPSHOTS | GASKET_CLI_OUTPUT,
    .hidden = true,
    .run = run_built_in,
};
