/* SPDX-License-Identifier: Apache-2.0 */
/* What an asynchronous run needs before its first phase. See async.h. */
#include <string.h>

#include "engine/array.h"
#include "engine/async.h"
#include "engine/async_history.h"
#include "engine/async_net.h"
#include "engine/async_scope.h"
#include "engine/edge_values.h"
#include "engine/rows_use.h"

/* ---- kinds ----------------------------------------------------------------------------------- */

static bool
init_cells(GasketAsync *async, GError **error)
{
    const GasketPart *part = async->run->part;
    uint64_t n = 0;

    for (unsigned k = 0; k < part->n_kinds; k++) {
        GasketAsyncKind *kind = &async->kinds[k];
        kind->data = &async->run->kinds[k];
        kind->part = &part->kinds[k];
        kind->first_cell = (uint32_t)n;
        n += kind->part->n_local;
        if (n > UINT32_MAX) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "a worker has more than %u vertices and ghosts, which are the most with "
                        "the engine async: use more workers",
                        UINT32_MAX);
            return false;
        }
    }
    async->n_cells = (uint32_t)n;
    return true;
}

/* Values are staged in `next`, whose slots for owned vertices each one's own program writes. */
static bool
need_staging(GasketAsyncKind *kind, GError **error)
{
    GasketKindData *data = kind->data;

    if (!kind->publishes || data->next != NULL)
        return true;
    uint64_t bytes = data->value_begin != NULL ? data->value_begin[kind->part->n_local]
                                               : (uint64_t)kind->part->n_local * data->value_size;
    data->next = gasket_array_new(bytes, 1, error);
    return data->next != NULL;
}

/* The rows of a row set, as far as they are the same for every block. */
static void
point_at_set(GasketAsync *async, GasketAsyncKind *kind, unsigned s)
{
    GasketRun *run = async->run;
    GasketRowSet set = kind->program->rows[s];
    const GasketPartRelation *relation = &run->part->relations[set.relation];
    unsigned other = gasket_part_neighbour_kind(relation, set.direction);

    kind->offset[s] = gasket_run_part_rows(run, set.relation, set.direction)->offset;
    kind->neighbour_kind[s] = other;
    kind->rows[s] = gasket_rows_view(run, set);
    kind->rows[s].set = s;
    if (kind->program->scatter == NULL)
        return;
    GasketDirection mate = gasket_part_mate(relation, set.direction);
    GasketEdgeValues *written = &gasket_run_rows_data(run, set.relation, mate)->values;
    if (written->current == NULL)
        return;
    kind->wakers[s] = (GasketWaker){.n_owned = run->part->kinds[other].n_owned,
                                    .n_entries = written->n_entries,
                                    .async = async,
                                    .first_cell = async->kinds[other].first_cell,
                                    .index = 2 * set.relation + mate};
    kind->rows[s].outgoing = written->current;
    kind->rows[s].outgoing_begin = written->begin;
    kind->rows[s].slot = written->slot;
    kind->rows[s].waker = &kind->wakers[s];
}

static bool
init_program(GasketAsync *async, const GasketProgram *program, GError **error)
{
    GasketRun *run = async->run;
    GasketAsyncKind *kind = &async->kinds[program->kind];
    const GasketLayout *layout;

    kind->program = program;
    kind->publishes = program->changes != GASKET_CHANGES_NONE && program->apply != NULL &&
                      kind->data->current != NULL;
    kind->block = GASKET_ASYNC_BLOCK;
    if (program->sum_size > 0)
        kind->block = CLAMP((256u << 10) / program->sum_size, 1, GASKET_ASYNC_BLOCK);
    /* "on some": rows are taken one by one, so they must be whole. */
    if (!gasket_rows_use(run, program, true, &layout, error) || !need_staging(kind, error))
        return false;
    for (unsigned s = 0; s < program->n_rows; s++)
        point_at_set(async, kind, s);
    return true;
}

/* Adds the rows of row set s of a program to those that its neighbours' changes wake. */
static bool
add_readers(GasketAsync *async, const GasketAsyncKind *rows_kind, unsigned s, GError **error)
{
    GasketRun *run = async->run;
    GasketRowSet set = rows_kind->program->rows[s];
    const GasketPartRelation *relation = &run->part->relations[set.relation];
    GasketAsyncKind *written = &async->kinds[gasket_part_neighbour_kind(relation, set.direction)];

    if (!written->publishes || written->program->wakes != GASKET_WAKES_READERS)
        return true;
    const GasketReaders *readers = gasket_rows_readers(run, set.relation, set.direction, error);
    if (readers == NULL)
        return false;
    for (unsigned i = 0; i < written->n_readers; i++)
        if (written->readers[i].readers == readers)
            return true;
    written->readers = g_renew(GasketAsyncReaders, written->readers, written->n_readers + 1);
    written->readers[written->n_readers++] = (GasketAsyncReaders){readers, rows_kind->first_cell};
    return true;
}

/* ---- modes ----------------------------------------------------------------------------------- */

/* Whether a value or edge value is read by one load. */
static bool
is_word(size_t size)
{
    return size == 1 || size == 2 || size == 4 || size == 8;
}

/* Whether the program must have its neighbours held while it runs, whatever was asked for: what it
 * does cannot be done again, and is not done by one load. */
static bool
needs_scopes(const GasketAsyncKind *kind)
{
    if (kind->program->n_rows > 0 && kind->program->gather == NULL)
        return true;
    for (unsigned s = 0; s < kind->program->n_rows; s++)
        if (kind->rows[s].edge_state != NULL)
            return true;
    return false;
}

/* The least mode in which no value that row set s reads or writes is torn. */
static GasketAsyncMode
least_mode(const GasketAsync *async, const GasketAsyncKind *kind, unsigned s)
{
    GasketRun *run = async->run;
    GasketRowSet set = kind->program->rows[s];
    const GasketPartRelation *relation = &run->part->relations[set.relation];
    GasketDirection mate = gasket_part_mate(relation, set.direction);
    const GasketEdgeValues *read = &gasket_run_rows_data(run, set.relation, set.direction)->values;
    const GasketEdgeValues *written = &gasket_run_rows_data(run, set.relation, mate)->values;
    const GasketAsyncKind *other = &async->kinds[kind->neighbour_kind[s]];
    bool whole = !other->publishes || is_word(other->data->value_size);

    if ((read->current != NULL && !is_word(read->size)) ||
        (kind->program->scatter != NULL && written->current != NULL && !is_word(written->size)))
        return GASKET_ASYNC_LOCKED;
    if (whole)
        return GASKET_ASYNC_PLAIN;
    return needs_scopes(kind) ? GASKET_ASYNC_LOCKED : GASKET_ASYNC_VALIDATED;
}

static bool
choose_mode(GasketAsync *async, GError **error)
{
    async->mode = async->run->consistency == GASKET_CONSISTENCY_EDGE ? GASKET_ASYNC_LOCKED
                                                                     : GASKET_ASYNC_PLAIN;
    for (unsigned k = 0; k < async->n_kinds; k++) {
        const GasketAsyncKind *kind = &async->kinds[k];
        for (unsigned s = 0; kind->program != NULL && s < kind->program->n_rows; s++)
            async->mode = MAX(async->mode, least_mode(async, kind, s));
    }
    for (unsigned k = 0; k < async->n_kinds; k++)
        if (async->kinds[k].program != NULL)
            async->kinds[k].by_scope = needs_scopes(&async->kinds[k]);
    /* A history is of locks, so that these are what it is about. */
    if (async->alone && async->run->part->size == 1 && async->run->history == NULL)
        async->mode = async->mode == GASKET_ASYNC_LOCKED ? GASKET_ASYNC_SOLO : GASKET_ASYNC_PLAIN;
    if (async->mode == GASKET_ASYNC_PLAIN || async->mode == GASKET_ASYNC_SOLO)
        return true;
    async->words = gasket_array_new(async->n_cells, sizeof *async->words, error);
    return async->words != NULL;
}

/* ---- threads --------------------------------------------------------------------------------- */

static bool
init_thread(GasketAsync *async, GasketAsyncThread *thread, unsigned index, GError **error)
{
    GasketRun *run = async->run;
    uint64_t sums = 0;

    thread->async = async;
    thread->index = index;
    thread->thread = &run->threads[index];
    thread->contexts = g_new0(GasketContext, async->n_kinds);
    thread->scratch = g_new0(uint8_t *, async->n_kinds);
    for (unsigned k = 0; k < async->n_kinds; k++) {
        const GasketAsyncKind *kind = &async->kinds[k];
        const GasketProgram *program = kind->program;
        if (program == NULL)
            continue;
        const GasketPartRelation *relation =
            program->n_rows > 0 ? &run->part->relations[program->rows[0].relation]
                                : (run->part->n_relations > 0 ? &run->part->relations[0] : NULL);
        gasket_run_fill_context(run, &thread->contexts[k], k, relation);
        thread->contexts[k].parameters = program->parameters;
        thread->contexts[k].thread = thread->thread;
        sums = MAX(sums, (uint64_t)kind->block * program->sum_size);
        if (program->scratch_size == 0)
            continue;
        thread->scratch[k] = gasket_array_new(program->scratch_size, 1, error);
        if (thread->scratch[k] == NULL)
            return false;
        thread->contexts[k].scratch = thread->scratch[k];
    }
    thread->sums = gasket_array_new(sums, 1, error);
    thread->thread->async = thread;
    return thread->sums != NULL;
}

static void
clear_thread(GasketAsync *async, GasketAsyncThread *thread)
{
    for (unsigned k = 0; thread->scratch != NULL && k < async->n_kinds; k++)
        gasket_array_free(thread->scratch[k]);
    g_free(thread->scratch);
    g_free(thread->contexts);
    gasket_array_free(thread->sums);
    if (thread->thread != NULL)
        thread->thread->async = NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

GasketAsync *
gasket_async_new(GasketRun *run, const GasketProgram *const *programs, unsigned n_programs,
                 GError **error)
{
    g_autoptr(GasketAsync) async = g_new0(GasketAsync, 1);

    async->run = run;
    async->alone = run->n_threads == 1;
    pthread_mutex_init(&async->scopes.lock, NULL);
    async->n_kinds = run->part->n_kinds;
    async->kinds = g_new0(GasketAsyncKind, async->n_kinds);
    async->asks_priority = run->scheduler == GASKET_SCHEDULER_PRIORITY || run->part->size > 1;
    if (!init_cells(async, error))
        return NULL;
    for (unsigned p = 0; p < n_programs; p++)
        if (!init_program(async, programs[p], error))
            return NULL;
    for (unsigned p = 0; p < n_programs; p++)
        for (unsigned s = 0; s < programs[p]->n_rows; s++)
            if (!add_readers(async, &async->kinds[programs[p]->kind], s, error))
                return NULL;
    if (!choose_mode(async, error))
        return NULL;
    async->schedule = gasket_schedule_new(run->scheduler, async->n_cells, run->n_threads, error);
    if (async->schedule == NULL)
        return NULL;
    async->threads = gasket_array_new(run->n_threads, sizeof *async->threads, error);
    if (async->threads == NULL)
        return NULL;
    for (unsigned t = 0; t < run->n_threads; t++)
        if (!init_thread(async, &async->threads[t], t, error))
            return NULL;
    if (!gasket_async_net_init(async, error))
        return NULL;
    return gasket_async_history_begin(async, error) ? g_steal_pointer(&async) : NULL;
}

void
gasket_async_free(GasketAsync *async)
{
    if (async == NULL)
        return;
    gasket_async_net_clear(async);
    for (unsigned t = 0; async->threads != NULL && t < async->run->n_threads; t++)
        clear_thread(async, &async->threads[t]);
    gasket_array_free(async->threads);
    gasket_array_free((void *)async->words);
    gasket_async_scopes_clear(&async->scopes);
    pthread_mutex_destroy(&async->scopes.lock);
    for (unsigned k = 0; k < async->n_kinds; k++)
        g_free(async->kinds[k].readers);
    g_free(async->kinds);
    gasket_schedule_free(async->schedule);
    g_clear_error(&async->error);
    g_free(async);
}
