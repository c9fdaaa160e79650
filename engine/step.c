/* SPDX-License-Identifier: Apache-2.0 */
/* One superstep of a program: running its chunks, and the order of everything. See step.h. */
#include "engine/step.h"

#include <string.h>
#include <unistd.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/push.h"
#include "engine/rows_use.h"
#include "engine/snapshots.h"
#include "engine/stale.h"
#include "engine/sweep.h"

/* ---- sums ------------------------------------------------------------------------------------ */

void
gasket_step_clear_sums(const GasketProgram *program, void *sums, size_t n)
{
    size_t size = program->sum_size;

    if (size == 0)
        return;
    if (program->identity == NULL) {
        memset(sums, 0, n * size);
        return;
    }
    if (size == sizeof(uint64_t)) {
        uint64_t identity, *sum = sums;
        memcpy(&identity, program->identity, sizeof identity);
        for (size_t i = 0; i < n; i++)
            sum[i] = identity;
        return;
    }
    for (size_t i = 0; i < n; i++)
        memcpy((uint8_t *)sums + i * size, program->identity, size);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void
mark_changed(GasketStep *step, GasketThread *thread, const uint32_t *vertex, size_t count)
{
    GasketKindData *kind = step->kind;

    if (step->program->changes == GASKET_CHANGES_ALL) {
        thread->n_changed += count;
        for (size_t i = 0; !step->full && i < count; i++)
            gasket_bitset_add(kind->changed_owned, vertex[i]);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!thread->changed[i])
            continue;
        thread->n_changed++;
        if (step->degree != NULL)
            thread->changed_degree += step->degree[vertex[i]];
        gasket_bitset_add(kind->changed_owned, vertex[i]);
    }
}

void
gasket_step_apply(GasketStep *step, GasketThread *thread, const uint32_t *vertex,
                  const uint32_t *slot, size_t count, const void *sums, const GasketRows *rows)
{
    const GasketProgram *program = step->program;
    bool marked = program->changes == GASKET_CHANGES_MARKED;

    thread->n_ran += count;
    if (program->apply == NULL)
        return;
    if (marked)
        memset(thread->changed, 0, count);
    GasketVertices run = {.count = count,
                          .vertex = vertex,
                          .sum = slot,
                          .state = step->kind->state,
                          .value = step->values.bytes,
                          .published = step->kind->current,
                          .value_begin = step->kind->value_begin,
                          .changed = marked ? thread->changed : NULL,
                          .rows = rows};
    program->apply(&thread->context, &run, sums);
    if (step->publishes)
        mark_changed(step, thread, vertex, count);
}

/* The rows of a block in each row set: vertices first .. if all run, else those listed. */
static void
point_at_rows(const GasketStep *step, GasketThread *thread, unsigned set, size_t count,
              GasketRows *rows)
{
    const uint64_t *offset = step->offset[set];
    const uint32_t *vertex = thread->vertex;

    *rows = step->rows[set];
    rows->count = count;
    rows->vertex = vertex;
    rows->sum = thread->slot;
    if (step->active == NULL) {
        rows->begin = offset + vertex[0];
        rows->end = offset + vertex[0] + 1;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        thread->begin[set][i] = offset[vertex[i]];
        thread->end[set][i] = offset[vertex[i] + 1];
    }
    rows->begin = thread->begin[set];
    rows->end = thread->end[set];
}

/* Gather, apply, scatter on thread->vertex[0 .. count - 1]. */
static void
run_block(GasketStep *step, GasketThread *thread, size_t count)
{
    const GasketProgram *program = step->program;
    GasketRows rows[GASKET_MAX_ROW_SETS];

    for (unsigned s = 0; s < program->n_rows; s++)
        point_at_rows(step, thread, s, count, &rows[s]);
    if (program->gather != NULL) {
        gasket_step_clear_sums(program, thread->sums, count);
        for (unsigned s = 0; s < program->n_rows; s++)
            program->gather(&thread->context, &rows[s], thread->sums);
    }
    gasket_step_apply(step, thread, thread->vertex, thread->slot, count, thread->sums,
                      gasket_program_sees_rows(program) ? rows : NULL);
    for (unsigned s = 0; program->scatter != NULL && s < program->n_rows; s++)
        program->scatter(&thread->context, &rows[s]);
}

static void
run_rows_chunk(GasketStep *step, GasketThread *thread, uint32_t first, uint32_t end)
{
    if (step->active == NULL) {
        for (uint32_t v = first, count; v < end; v += count) {
            count = MIN(end - v, (uint32_t)step->block_rows);
            for (uint32_t i = 0; i < count; i++)
                thread->vertex[i] = v + i;
            run_block(step, thread, count);
        }
        return;
    }
    size_t count = 0;
    for (uint32_t v = gasket_bitset_next(step->active, first, end); v < end;
         v = gasket_bitset_next(step->active, v + 1, end)) {
        thread->vertex[count++] = v;
        if (count == step->block_rows) {
            run_block(step, thread, count);
            count = 0;
        }
    }
    if (count > 0)
        run_block(step, thread, count);
}

static void
run_segments_chunk(GasketStep *step, GasketThread *thread, unsigned chunk)
{
    const GasketLayout *layout = step->layout;
    const GasketProgram *program = step->program;
    uint32_t first = layout->chunks->begin[chunk], end = layout->chunks->begin[chunk + 1];
    GasketRows rows = step->rows[0];
    uint8_t *sums = step->run->sums;

    gasket_step_clear_sums(program, sums + (size_t)first * program->sum_size, end - first);
    for (unsigned s = 0; s < layout->n_segments; s++) {
        const uint64_t *piece = layout->piece_first + (size_t)chunk * layout->n_segments + s;
        if (piece[0] == piece[1])
            continue;
        rows.count = piece[1] - piece[0];
        rows.vertex = rows.sum = layout->row + piece[0];
        rows.begin = layout->begin + piece[0];
        rows.end = layout->begin + piece[0] + 1;
        program->gather(&thread->context, &rows, sums);
    }
    for (uint32_t v = first, count; v < end; v += count) {
        count = MIN(end - v, GASKET_BLOCK_ROWS);
        for (uint32_t i = 0; i < count; i++)
            thread->vertex[i] = v + i;
        gasket_step_apply(step, thread, thread->vertex, thread->vertex, count, sums, NULL);
    }
}

/* ---- threads --------------------------------------------------------------------------------- */

static void
work(void *data, unsigned index)
{
    GasketStep *step = data;
    GasketThread *thread = &step->run->threads[index];

    for (;;) {
        unsigned chunk = atomic_fetch_add_explicit(&step->next_chunk, 1, memory_order_relaxed);
        if (chunk >= step->end_chunk)
            return;
        if (step->layout != NULL)
            run_segments_chunk(step, thread, chunk);
        else
            run_rows_chunk(step, thread, step->chunks->begin[chunk],
                           step->chunks->begin[chunk + 1]);
        /* The driver's thread keeps the network busy between its chunks. */
        if (index == 0 && step->part->n_local > 0 && step->run->part->size > 1 &&
            step->error == NULL)
            (void)gasket_exchange_pump(step->run->exchange, &step->error);
    }
}

static void
run_chunks(GasketStep *step, unsigned first, unsigned end)
{
    atomic_store(&step->next_chunk, first);
    step->end_chunk = end;
    if (first < end)
        gasket_pool_run(step->run->pool, work, step);
}

/* ---- the step -------------------------------------------------------------------------------- */

static void
sum_up(GasketStep *step)
{
    GasketRun *run = step->run;

    for (unsigned t = 0; t < run->n_threads; t++) {
        GasketThread *thread = &run->threads[t];
        gasket_partials_merge(&run->own, &thread->partials, step->program->aggregates);
        step->own.n_ran += thread->n_ran;
        step->own.n_changed += thread->n_changed;
        step->own.n_woken += thread->n_woken;
        step->own.changed_degree += thread->changed_degree;
    }
    step->own.stop_asked = run->stop != NULL && *run->stop > 0;
    step->own.snapshot_wanted = gasket_snapshots_wanted(run);
    step->own.snapshot_written = gasket_snapshots_written(run);
    step->all_done = true;
}

static bool
run_all_chunks(GasketStep *step, bool push, GError **error)
{
    GasketRun *run = step->run;
    bool several = run->part->size > 1;

    if (step->stale != NULL)
        gasket_stale_begin(step->stale, step);
    else if (several)
        gasket_exchange_begin(run->exchange, &gasket_step_round, step);
    if (push) {
        gasket_push_run(step);
    } else {
        unsigned boundary = step->chunks->n_boundary;
        run_chunks(step, 0, boundary);
        step->boundary_done = true;
        run_chunks(step, boundary, step->chunks->n);
    }
    step->boundary_done = true;
    sum_up(step);
    if (step->error != NULL) {
        g_propagate_error(error, g_steal_pointer(&step->error));
        return false;
    }
    if (step->stale != NULL)
        return gasket_stale_finish(step->stale, error);
    return !several || gasket_exchange_finish(run->exchange, error);
}

void
gasket_step_count(GasketStepCounters *counters, const GasketStepCounters *more)
{
    counters->n_ran += more->n_ran;
    counters->n_changed += more->n_changed;
    counters->n_woken += more->n_woken;
    counters->changed_degree += more->changed_degree;
    counters->bytes_sent += more->bytes_sent;
    counters->stop_asked |= more->stop_asked;
    counters->snapshot_wanted += more->snapshot_wanted;
    counters->snapshot_written += more->snapshot_written;
}

static void
finish(GasketStep *step)
{
    GasketRun *run = step->run;

    if (step->stale == NULL) {
        gasket_partials_merge(&run->all, &run->own, step->reduced);
        gasket_partials_finish(&run->all, &run->totals, step->reduced);
        gasket_step_count(&step->all, &step->own);
    }
    if (step->publishes) {
        step->kind->n_changed = step->all.n_changed;
        step->kind->changed_degree = step->all.changed_degree;
        gasket_push_remember(step);
    }
    run->n_woken = step->all.n_woken;
    run->under_way.active += step->all.n_ran;
    run->under_way.bytes_sent += step->all.bytes_sent;
    run->stop_asked |= step->all.stop_asked != 0;
    gasket_snapshots_heard(run, step->all.snapshot_wanted, step->all.snapshot_written);
    run->step++;
}

/* Whether only some vertices run: those of a set, or those woken. */
static bool
runs_on_some(const GasketStep *step, const GasketVertexSet *set)
{
    return set != NULL || (step->program->wakes != GASKET_WAKES_NONE && !step->kind->all_active);
}

static bool
choose_chunks(GasketStep *step, const GasketVertexSet *set, GError **error)
{
    GasketRun *run = step->run;
    const GasketProgram *program = step->program;

    if (!gasket_rows_use(run, program, runs_on_some(step, set), &step->layout, error))
        return false;
    if (step->layout != NULL) {
        step->chunks = step->layout->chunks;
        return gasket_step_need_sums(step, error);
    }
    step->chunks = gasket_rows_chunks(run, program, error);
    return step->chunks != NULL;
}

bool
gasket_step_run(GasketRun *run, const GasketProgram *program, const GasketStepPart *part,
                GError **error)
{
    const GasketVertexSet *set = part->set;
    int64_t began = g_get_monotonic_time();
    int64_t waited = gasket_exchange_waited_us(run->exchange);
    g_autofree GasketStepPeer *peers = g_new0(GasketStepPeer, run->part->size);
    GasketStep step = {.run = run,
                       .program = program,
                       .peers = peers,
                       .on_set = set != NULL,
                       .own = {.identity = gasket_step_identity(program, set != NULL)},
                       .awake_only = part->awake_only,
                       .fresh = part->first ? program->aggregates : 0,
                       .reduced = part->last ? program->aggregates : 0};

    g_assert(program->n_rows <= GASKET_MAX_ROW_SETS);
    if (run->failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&run->failure));
        return false;
    }
    if (program->kind >= run->part->n_kinds) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "program \"%s\" is for a kind of vertices that the graph does not have",
                    program->name);
        return false;
    }
    if (!gasket_stale_prepare(run, program, part, &step.stale, error))
        return false;
    step.kind = &run->kinds[program->kind];
    step.part = &run->part->kinds[program->kind];
    step.degree = program->monotone ? gasket_step_reader_degree(&step) : NULL;
    if (!gasket_step_prepare_values(&step, set, error) || !choose_chunks(&step, set, error) ||
        !gasket_step_prepare_threads(&step, error))
        return false;
    for (unsigned s = 0; s < program->n_rows; s++)
        gasket_step_prepare_rows(&step, s);
    if (program->scatter != NULL && !gasket_edges_prepare(&step, error))
        return false;
    bool push = step.stale == NULL && !runs_on_some(&step, set) && gasket_push_pays(&step);
    if (push && !gasket_push_prepare(&step, error))
        return false;
    gasket_step_prepare_active(&step,
                               set != NULL ? gasket_vertex_set_bits(set, program->kind) : NULL);
    if (step.publishes) {
        gasket_bitset_clear(step.kind->changed_owned, step.part->n_owned);
        gasket_bitset_clear(step.kind->changed_ghosts, step.part->n_local - step.part->n_owned);
        step.kind->all_changed = step.full;
    }
    run->under_way.pushed += push;
    if (!run_all_chunks(&step, push, error))
        return false;
    finish(&step);
    gasket_step_commit(&step);
    bool woken = gasket_step_wake(&step, error);
    run->step_seconds += (double)(g_get_monotonic_time() - began) / 1e6;
    run->step_wait_seconds += (double)(gasket_exchange_waited_us(run->exchange) - waited) / 1e6;
    return woken;
}

bool
gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error)
{
    GasketColouring *colouring = NULL;
    if (!gasket_sweep_colouring(run, program, &colouring, error))
        return false;
    if (colouring != NULL)
        return gasket_run_sweep(run, program, colouring, error);
    return gasket_step_run(run, program, &(GasketStepPart){.first = true, .last = true}, error);
}

bool
gasket_run_step_on(GasketRun *run, const GasketProgram *program, const GasketVertexSet *set,
                   GError **error)
{
    return gasket_step_run(run, program, &(GasketStepPart){.set = set, .first = true, .last = true},
                           error);
}
