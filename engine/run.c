/* SPDX-License-Identifier: Apache-2.0 */
/* A run's life and its data. See run_private.h; steps are in step.c, iterations in iterate.c. */
#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/edge_values.h"
#include "engine/push.h"
#include "engine/rows_use.h"
#include "engine/snapshots.h"
#include "engine/stale.h"
#include "engine/vertex_order.h"

#include <string.h>

/* ---- life ------------------------------------------------------------------------------------ */

static bool
thread_init(GasketThread *thread, GasketRun *run, unsigned index, GError **error)
{
    thread->run = run;
    thread->index = index;
    thread->vertex = gasket_array_new(GASKET_BLOCK_ROWS, sizeof *thread->vertex, error);
    thread->slot = gasket_array_new(GASKET_BLOCK_ROWS, sizeof *thread->slot, error);
    thread->changed = gasket_array_new(GASKET_BLOCK_ROWS, 1, error);
    bool ok = thread->vertex != NULL && thread->slot != NULL && thread->changed != NULL;
    for (unsigned s = 0; ok && s < GASKET_MAX_ROW_SETS; s++) {
        thread->begin[s] = gasket_array_new(GASKET_BLOCK_ROWS, sizeof(uint64_t), error);
        thread->end[s] = gasket_array_new(GASKET_BLOCK_ROWS, sizeof(uint64_t), error);
        ok = thread->begin[s] != NULL && thread->end[s] != NULL;
    }
    for (uint32_t i = 0; ok && i < GASKET_BLOCK_ROWS; i++)
        thread->slot[i] = i;
    return ok;
}

static void
thread_clear(GasketThread *thread)
{
    gasket_partials_clear(&thread->partials);
    gasket_array_free(thread->vertex);
    gasket_array_free(thread->slot);
    gasket_array_free(thread->changed);
    for (unsigned s = 0; s < GASKET_MAX_ROW_SETS; s++) {
        gasket_array_free(thread->begin[s]);
        gasket_array_free(thread->end[s]);
    }
    gasket_array_free(thread->sums);
    gasket_array_free(thread->scratch);
}

/* The columns of rows as programs see them. */
static GasketColumn *
column_views(const GasketColumnData *columns, unsigned n)
{
    GasketColumn *views = g_new0(GasketColumn, n + 1);
    for (unsigned c = 0; c < n; c++)
        views[c] = (GasketColumn){.name = columns[c].name,
                                  .type = columns[c].type,
                                  .length = columns[c].length,
                                  .data = columns[c].data,
                                  .begin = columns[c].begin};
    return views;
}

static bool
init_data(GasketRun *run, GError **error)
{
    const GasketPart *part = run->part;

    run->kinds = g_new0(GasketKindData, part->n_kinds);
    run->kind_columns = g_new0(GasketColumn *, part->n_kinds);
    run->rows = g_new0(GasketRowsData, (size_t)part->n_relations * 2);
    run->by_ordinal = g_new0(uint32_t *, part->n_kinds);
    run->colourings = g_new0(GasketColouring *, part->n_relations);
    run->views = g_new0(GasketContext, part->n_kinds);
    for (unsigned k = 0; k < part->n_kinds; k++) {
        const GasketPartKind *kind = &part->kinds[k];
        run->kind_columns[k] = column_views(kind->columns, kind->n_columns);
        run->kinds[k].all_active = true;
        run->kinds[k].active =
            gasket_array_new(2 * gasket_bitset_words(kind->n_owned), sizeof(uint64_t), error);
        if (run->kinds[k].active == NULL)
            return false;
    }
    for (unsigned r = 0; r < part->n_relations; r++)
        for (unsigned d = 0; d < 2; d++)
            if (part->relations[r].rows[d].standing)
                run->rows[2 * r + d].columns =
                    column_views(part->relations[r].rows[d].columns, part->relations[r].n_columns);
    return true;
}

GasketRun *
gasket_run_new_take(GasketPart **part, GasketExchange *exchange, const GasketJob *job,
                    GasketReport *report, GError **error)
{
    g_autoptr(GasketRun) run = g_new0(GasketRun, 1);

    run->part = g_steal_pointer(part);
    run->exchange = exchange;
    run->report = report;
    run->seed = job->seed;
    run->segment = job->segment;
    run->engine = job->engine;
    run->scheduler = gasket_job_scheduler(job);
    run->consistency = gasket_job_consistency(job);
    run->history = job->history;
    run->staleness = job->staleness;
    run->simulated = job->simulation != NULL;
    run->max_seconds = job->max_seconds;
    run->max_updates = job->max_updates;
    run->tolerance = job->tolerance;
    run->max_iterations = job->iterations;
    run->stop = job->stop;
    run->result_columns = job->results;
    run->n_results = job->n_results;
    run->results = g_new0(GasketRunResult, job->n_results + 1);
    run->progress = run->part->rank == 0 ? job->progress : NULL;
    run->note = run->part->rank == 0 ? job->note : NULL;
    run->progress_data = job->data;
    run->run_began_us = g_get_monotonic_time();
    if (!init_data(run, error))
        return NULL;
    run->pool = gasket_pool_new(job->threads, error);
    if (run->pool == NULL)
        return NULL;
    run->n_threads = gasket_pool_threads(run->pool);
    run->threads = g_new0(GasketThread, run->n_threads);
    for (unsigned t = 0; t < run->n_threads; t++)
        if (!thread_init(&run->threads[t], run, t, error))
            return NULL;
    if (!gasket_run_set_aggregates(run, NULL, 0, error) ||
        !gasket_snapshots_new(job, &run->snapshots, error))
        return NULL;
    return g_steal_pointer(&run);
}

static void
clear_partials(GasketRun *run)
{
    for (unsigned t = 0; t < run->n_threads; t++)
        gasket_partials_clear(&run->threads[t].partials);
    gasket_partials_clear(&run->own);
    gasket_partials_clear(&run->all);
    gasket_totals_clear(&run->totals);
}

static void
clear_kind(GasketRun *run, unsigned k)
{
    GasketKindData *kind = &run->kinds[k];

    gasket_array_free(kind->state);
    gasket_array_free(kind->value_begin);
    gasket_array_free(kind->current);
    gasket_array_free(kind->next);
    gasket_array_free(kind->changed_owned);
    gasket_array_free(kind->changed_ghosts);
    gasket_array_free(kind->active);
    gasket_array_free(run->by_ordinal[k]);
    g_free(run->kind_columns[k]);
}

void
gasket_run_free(GasketRun *run)
{
    if (run == NULL)
        return;
    gasket_pool_free(run->pool);
    gasket_snapshots_free(run->snapshots);
    g_clear_error(&run->failure);
    clear_partials(run);
    for (unsigned t = 0; t < run->n_threads; t++)
        thread_clear(&run->threads[t]);
    g_free(run->threads);
    for (unsigned k = 0; k < run->part->n_kinds; k++)
        clear_kind(run, k);
    for (unsigned i = 0; i < 2 * run->part->n_relations; i++) {
        g_free(run->rows[i].columns);
        gasket_layout_free(run->rows[i].layout);
        gasket_readers_free(run->rows[i].readers);
        gasket_array_free(run->rows[i].edge_state);
        gasket_edge_values_clear(&run->rows[i].values);
    }
    for (unsigned i = 0; i < run->n_chunk_cache; i++)
        gasket_chunks_free(run->chunk_cache[i].chunks);
    for (unsigned r = 0; r < run->part->n_relations && run->colourings != NULL; r++)
        gasket_colouring_free(run->colourings[r]);
    g_free(run->colourings);
    for (unsigned c = 0; c < run->n_results; c++) {
        gasket_array_free(run->results[c].data);
        gasket_array_free(run->results[c].begin);
    }
    g_free(run->results);
    gasket_stale_free(run->stale);
    gasket_push_free(run->push);
    gasket_array_free(run->sums);
    g_free(run->kinds);
    g_free(run->kind_columns);
    g_free(run->rows);
    g_free(run->by_ordinal);
    g_free(run->views);
    gasket_part_free(run->part);
    g_free(run);
}

/* ---- what there is --------------------------------------------------------------------------- */

unsigned
gasket_run_rank(const GasketRun *run)
{
    return run->part->rank;
}

unsigned
gasket_run_n_workers(const GasketRun *run)
{
    return run->part->size;
}

uint64_t
gasket_run_seed(const GasketRun *run)
{
    return run->seed;
}

unsigned
gasket_run_n_kinds(const GasketRun *run)
{
    return run->part->n_kinds;
}

unsigned
gasket_run_n_relations(const GasketRun *run)
{
    return run->part->n_relations;
}

uint32_t
gasket_run_n_vertices(const GasketRun *run, unsigned kind)
{
    return run->part->kinds[kind].n_global;
}

uint64_t
gasket_run_n_edges(const GasketRun *run, unsigned relation)
{
    return run->part->relations[relation].n_edges;
}

uint32_t
gasket_run_n_owned(const GasketRun *run, unsigned kind)
{
    return run->part->kinds[kind].n_owned;
}

uint32_t
gasket_run_n_local(const GasketRun *run, unsigned kind)
{
    return run->part->kinds[kind].n_local;
}

GasketEngine
gasket_run_engine(const GasketRun *run)
{
    return run->engine;
}

double
gasket_run_tolerance(const GasketRun *run)
{
    return run->tolerance;
}

static int
find_column(const GasketColumnData *columns, unsigned n, const char *name)
{
    for (unsigned c = 0; c < n; c++)
        if (strcmp(columns[c].name, name) == 0)
            return (int)c;
    return -1;
}

int
gasket_run_vertex_column(const GasketRun *run, unsigned kind, const char *name)
{
    return find_column(run->part->kinds[kind].columns, run->part->kinds[kind].n_columns, name);
}

int
gasket_run_edge_column(const GasketRun *run, unsigned relation, const char *name)
{
    const GasketPartRelation *r = &run->part->relations[relation];
    unsigned d = r->rows[GASKET_IN].standing ? GASKET_IN : GASKET_OUT;

    return r->rows[d].standing ? find_column(r->rows[d].columns, r->n_columns, name) : -1;
}

void
gasket_run_fill_context(const GasketRun *run, GasketContext *context, unsigned kind,
                        const GasketPartRelation *relation)
{
    const GasketPartKind *part = &run->part->kinds[kind];

    *context = (GasketContext){.step = run->step,
                               .seed = run->seed,
                               .n_vertices = part->n_global,
                               .n_owned = part->n_owned,
                               .number = part->number,
                               .ordinal = part->ordinal,
                               .column = run->kind_columns[kind],
                               .n_columns = part->n_columns,
                               .thread = &run->threads[0]};
    if (relation == NULL)
        return;
    if (relation->target == kind)
        context->in_degree = relation->in_degree;
    if (relation->source == kind) {
        context->out_degree = relation->out_degree;
        context->out_strength = relation->out_strength;
    }
}

const GasketContext *
gasket_run_context(GasketRun *run, unsigned kind)
{
    const GasketPartRelation *relation =
        run->part->n_relations > 0 ? &run->part->relations[0] : NULL;
    gasket_run_fill_context(run, &run->views[kind], kind, relation);
    return &run->views[kind];
}

void *
gasket_run_state(const GasketRun *run, unsigned kind)
{
    return run->kinds[kind].state;
}

const void *
gasket_run_values(const GasketRun *run, unsigned kind)
{
    return run->kinds[kind].current;
}

/* ---- data ------------------------------------------------------------------------------------ */

bool
gasket_run_set_state(GasketRun *run, unsigned kind, size_t size, GError **error)
{
    GasketKindData *data = &run->kinds[kind];

    g_assert(data->state == NULL);
    data->state_size = size;
    data->state = gasket_array_new(run->part->kinds[kind].n_owned, size, error);
    return data->state != NULL;
}

/* Zeroed values of `bytes` in all, and which of them changed: all have. */
static bool
make_values(GasketRun *run, unsigned kind, uint64_t n, size_t size, GError **error)
{
    const GasketPartKind *part = &run->part->kinds[kind];
    GasketKindData *data = &run->kinds[kind];

    data->current = gasket_array_new(n, size, error);
    if (data->current == NULL)
        return false;
    data->changed_owned =
        gasket_array_new(gasket_bitset_words(part->n_owned), sizeof(uint64_t), error);
    if (data->changed_owned == NULL)
        return false;
    data->changed_ghosts = gasket_array_new(gasket_bitset_words(part->n_local - part->n_owned),
                                            sizeof(uint64_t), error);
    if (data->changed_ghosts == NULL)
        return false;
    data->all_changed = true;
    data->n_changed = part->n_global;
    return true;
}

bool
gasket_run_set_value(GasketRun *run, unsigned kind, size_t size, GError **error)
{
    g_assert(run->kinds[kind].current == NULL && size > 0);
    run->kinds[kind].value_size = size;
    return make_values(run, kind, run->part->kinds[kind].n_local, size, error);
}

bool
gasket_run_set_value_varying(GasketRun *run, unsigned kind, GasketVertexSize size,
                             const void *parameters, GError **error)
{
    uint32_t n = run->part->kinds[kind].n_local;
    GasketKindData *data = &run->kinds[kind];

    g_assert(data->current == NULL);
    uint32_t *sizes = gasket_vertex_sizes(run, kind, size, parameters, error);
    if (sizes == NULL)
        return false;
    data->value_begin = gasket_array_new((uint64_t)n + 1, sizeof(uint64_t), error);
    for (uint32_t v = 0; data->value_begin != NULL && v < n; v++)
        data->value_begin[v + 1] = data->value_begin[v] + sizes[v];
    gasket_array_free(sizes);
    return data->value_begin != NULL && make_values(run, kind, data->value_begin[n], 1, error);
}

bool
gasket_run_set_aggregates(GasketRun *run, const GasketAggregate *aggregates, unsigned n_aggregates,
                          GError **error)
{
    g_assert(n_aggregates <= GASKET_MAX_AGGREGATES);
    clear_partials(run);
    if (!gasket_totals_init(&run->totals, aggregates, n_aggregates, error) ||
        !gasket_partials_init(&run->own, &run->totals, error) ||
        !gasket_partials_init(&run->all, &run->totals, error))
        return false;
    for (unsigned t = 0; t < run->n_threads; t++)
        if (!gasket_partials_init(&run->threads[t].partials, &run->totals, error))
            return false;
    return true;
}

double
gasket_run_total(const GasketRun *run, unsigned aggregate, unsigned i)
{
    return run->totals.total[run->totals.first[aggregate] + i].real;
}

int64_t
gasket_run_total_count(const GasketRun *run, unsigned aggregate, unsigned i)
{
    return run->totals.total[run->totals.first[aggregate] + i].count;
}

uint64_t
gasket_run_n_changed(const GasketRun *run, unsigned kind)
{
    return run->kinds[kind].n_changed;
}

/* ---- views ----------------------------------------------------------------------------------- */

GasketRows *
gasket_run_rows(GasketRun *run, GasketRowSet set, GError **error)
{
    const GasketPartRelation *relation = &run->part->relations[set.relation];
    const GasketPartRows *rows = gasket_run_part_rows(run, set.relation, set.direction);

    if (!rows->standing) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "the algorithm did not ask for these rows of relation \"%s\"", relation->name);
        return NULL;
    }
    if (!gasket_rows_need_whole(run, set.relation, set.direction, error))
        return NULL;
    uint32_t n = run->part->kinds[gasket_part_row_kind(relation, set.direction)].n_owned;
    uint32_t *vertex = gasket_array_new(n, sizeof *vertex, error);
    if (vertex == NULL)
        return NULL;
    for (uint32_t v = 0; v < n; v++)
        vertex[v] = v;
    GasketRows *view = g_new(GasketRows, 1);
    *view = gasket_rows_view(run, set);
    view->count = n;
    view->vertex = view->sum = vertex;
    view->begin = rows->offset;
    view->end = rows->offset + 1;
    return view;
}

void
gasket_run_rows_free(GasketRows *rows)
{
    if (rows == NULL)
        return;
    gasket_array_free((void *)rows->vertex);
    g_free(rows);
}
