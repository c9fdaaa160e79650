/* SPDX-License-Identifier: Apache-2.0 */
/* Running an algorithm from C: a job whose members are threads, and its result in memory. */
#include <math.h>
#include <string.h>

#include "engine/array.h"
#include "engine/snapshot_manifest.h"

struct GasketResult {
    unsigned n_columns, n_kinds;
    void **columns;      /* [n_columns] */
    uint64_t *used;      /* [n_columns] bytes */
    unsigned *kind;      /* [n_columns] */
    size_t *row;         /* [n_columns] bytes of a row; varying: of an element */
    uint64_t **begin;    /* [n_columns] varying: [n + 1]; else NULL */
    uint32_t *n;         /* [n_kinds] rows */
    GasketReport report; /* iterations and metrics */
};

typedef struct {
    const GasketRunOptions *options;
    GasketGraph **graph;
    const GasketJob *job;
    GasketResult *result;
    uint32_t *n_vertices; /* [n_kinds] */
} Call;

static GasketGraph *
call_load(void *data, GasketReport *report G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    Call *call = data;
    return g_steal_pointer(call->graph);
}

static uint32_t **
call_partition(void *data, const GasketGraph *graph, unsigned parts,
               GasketReport *report G_GNUC_UNUSED, GError **error)
{
    const Call *call = data;
    uint32_t **owner = gasket_array_new(graph->n_kinds, sizeof *owner, error);

    for (unsigned k = 0; owner != NULL && k < graph->n_kinds; k++) {
        uint32_t n = graph->kinds[k].n_vertices;
        owner[k] = gasket_array_new(n, sizeof **owner, error);
        bool ok = owner[k] != NULL;
        for (uint32_t v = 0; ok && v < n; v++) {
            owner[k][v] = call->options->part[k][v];
            ok = owner[k][v] < parts;
            if (!ok)
                g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                            "part %u of vertex %u, but there are %u workers", owner[k][v], v,
                            parts);
        }
        if (!ok) {
            for (unsigned i = 0; i <= k; i++)
                gasket_array_free(owner[i]);
            gasket_array_free(owner);
            return NULL;
        }
    }
    return owner;
}

/* Room for a block's elements of a varying column, and where they begin. */
static bool
grow_varying(GasketResult *result, unsigned c, const GasketResultBlock *block, unsigned f,
             size_t *ret_bytes, GError **error)
{
    uint64_t first = result->used[c] / result->row[c], n = block->begin[f][block->n];
    uint64_t *begin = result->begin[c] + result->n[block->kind];
    void *grown = gasket_array_resize(result->columns[c], first + n, result->row[c], error);

    if (grown == NULL)
        return false;
    result->columns[c] = grown;
    for (size_t i = 0; i < block->n; i++)
        begin[i + 1] = first + block->begin[f][i + 1];
    *ret_bytes = n * result->row[c];
    return true;
}

static bool
call_result(void *data, const GasketResultBlock *block, GError **error)
{
    Call *call = data;
    GasketResult *result = call->result;
    unsigned f = 0;

    for (unsigned c = 0; c < result->n_columns; c++) {
        if (result->kind[c] != block->kind)
            continue;
        if (result->columns[c] == NULL) {
            result->columns[c] =
                gasket_array_new(call->n_vertices[block->kind], result->row[c], error);
            if (result->columns[c] == NULL)
                return false;
        }
        size_t bytes = block->n * result->row[c];
        if (result->begin[c] != NULL && !grow_varying(result, c, block, f, &bytes, error))
            return false;
        if (bytes > 0)
            memcpy((uint8_t *)result->columns[c] + result->used[c], block->columns[f], bytes);
        result->used[c] += bytes;
        f++;
    }
    result->n[block->kind] += (uint32_t)block->n;
    return true;
}

static bool
call_finish(void *data, const GasketReport *report, GError **error G_GNUC_UNUSED)
{
    Call *call = data;
    GasketReport *copy = &call->result->report;

    for (size_t i = 0; i < report->n_iterations; i++)
        gasket_report_add_iteration(copy, &report->iterations[i]);
    for (size_t m = 0; m < report->n_metrics; m++)
        gasket_report_set_metric(copy, report->metrics[m].name, report->metrics[m].value);
    return true;
}

static GasketResult *
result_new(const GasketJob *job, unsigned n_kinds, const uint32_t *n_vertices)
{
    GasketResult *result = g_new0(GasketResult, 1);

    gasket_report_init(&result->report);
    result->n_columns = job->n_results;
    result->n_kinds = n_kinds;
    result->columns = g_new0(void *, job->n_results + 1);
    result->used = g_new0(uint64_t, job->n_results + 1);
    result->kind = g_new0(unsigned, job->n_results + 1);
    result->row = g_new0(size_t, job->n_results + 1);
    result->begin = g_new0(uint64_t *, job->n_results + 1);
    result->n = g_new0(uint32_t, n_kinds);
    for (unsigned c = 0; c < job->n_results; c++) {
        const GasketResultColumn *column = &job->results[c];
        result->kind[c] = column->kind;
        result->row[c] = gasket_type_size(column->type) * MAX(column->length, 1);
        if (!column->varying)
            continue;
        result->row[c] = gasket_type_size(column->type);
        result->begin[c] = g_new0(uint64_t, (gsize)n_vertices[column->kind] + 1);
    }
    return result;
}

void
gasket_result_free(GasketResult *result)
{
    if (result == NULL)
        return;
    for (unsigned c = 0; c < result->n_columns; c++) {
        gasket_array_free(result->columns[c]);
        g_free(result->begin[c]);
    }
    g_free(result->begin);
    gasket_report_clear(&result->report);
    g_free(result->columns);
    g_free(result->used);
    g_free(result->kind);
    g_free(result->row);
    g_free(result->n);
    g_free(result);
}

/* ret_resume owns the folder that the plan names. */
static bool
plan_snapshots(GasketJob *job, const GasketRunOptions *options, char **ret_resume, GError **error)
{
    job->snapshot = (GasketSnapshotPlan){.folder = options->snapshot_folder,
                                         .every_steps = options->snapshot_every};
    if (options->resume == NULL)
        return true;
    *ret_resume = gasket_snapshot_find(&gasket_disk_real, options->resume, false, error);
    job->snapshot.resume = *ret_resume;
    return *ret_resume != NULL;
}

GasketResult *
gasket_algorithm_run(const GasketAlgorithm *algorithm, GasketGraph **graph_take,
                     const void *parameters, const GasketRunOptions *options, GError **error)
{
    static const GasketRunOptions plain = {0};
    const GasketRunOptions *given = options != NULL ? options : &plain;
    g_autoptr(GasketGraph) graph = g_steal_pointer(graph_take);
    g_autofree void *defaults = g_malloc0(algorithm->parameters_size + 1);
    g_autofree GasketNeeds *needs = g_memdup2(algorithm->needs, algorithm->n_needs * sizeof *needs);
    g_autofree GasketResultColumn *results =
        g_memdup2(algorithm->results, algorithm->n_results * sizeof *results);
    g_autofree uint32_t *n_vertices = g_new0(uint32_t, graph->n_kinds);
    double tolerance = given->tolerance > 0 ? given->tolerance : algorithm->default_tolerance;

    if (parameters == NULL) {
        gasket_options_set_defaults(algorithm->options, defaults);
        parameters = defaults;
    }
    if (algorithm->prepare != NULL &&
        !algorithm->prepare(parameters, tolerance, needs, results, error))
        return NULL;
    for (unsigned k = 0; k < graph->n_kinds; k++)
        n_vertices[k] = graph->kinds[k].n_vertices;

    Call call = {.options = given, .graph = &graph, .n_vertices = n_vertices};
    GasketJob job = {
        .algorithm = algorithm,
        .parameters = parameters,
        .needs = needs,
        .n_needs = needs != NULL ? algorithm->n_needs : 0,
        .results = results,
        .n_results = algorithm->n_results,
        .mode = GASKET_JOB_LOCAL,
        .workers = MAX(given->workers, 1),
        .threads = MAX(given->threads, 1),
        .seed = given->seed,
        .iterations = given->iterations != 0 ? given->iterations : algorithm->default_iterations,
        .tolerance = tolerance,
        .segment = given->segment,
        .engine = given->engine,
        .scheduler = given->scheduler,
        .consistency = given->consistency,
        .staleness = given->staleness,
        .max_seconds = given->max_seconds,
        .max_updates = given->max_updates,
        .data = &call,
        .load = call_load,
        .partition = given->part != NULL ? call_partition : NULL,
        .result = call_result,
        .finish = call_finish,
    };
    call.job = &job;
    g_autofree char *resume = NULL;
    if (!plan_snapshots(&job, given, &resume, error))
        return NULL;
    g_autoptr(GasketResult) result = result_new(&job, graph->n_kinds, n_vertices);
    call.result = result;
    GasketStopped stopped;
    return gasket_job_run(&job, &stopped, error) ? g_steal_pointer(&result) : NULL;
}

uint32_t
gasket_result_n(const GasketResult *result, unsigned kind)
{
    return kind < result->n_kinds ? result->n[kind] : 0;
}

const void *
gasket_result_column(const GasketResult *result, unsigned column)
{
    return column < result->n_columns ? result->columns[column] : NULL;
}

const uint64_t *
gasket_result_begin(const GasketResult *result, unsigned column)
{
    return column < result->n_columns ? result->begin[column] : NULL;
}

uint32_t
gasket_result_iterations(const GasketResult *result)
{
    return (uint32_t)result->report.n_iterations;
}

double
gasket_result_metric(const GasketResult *result, const char *name)
{
    for (size_t m = 0; m < result->report.n_metrics; m++)
        if (strcmp(result->report.metrics[m].name, name) == 0)
            return result->report.metrics[m].value;
    return NAN;
}
