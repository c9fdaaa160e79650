/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of vertices in the asynchronous engine: gather, apply, publish, scatter, wake.
 *
 * Gathers read values plainly while other threads store them atomically: what a gather reads may be
 * of any age, but it is never half of one value, since a value of up to 8 bytes is read by one load
 * and larger ones are validated. A thread checker is told so, where there is one.
 */
#include "engine/async_block.h"

#include <string.h>

#include "engine/async_net.h"
#include "engine/step.h"

#define LONG_ROW 64 /* entries from which on a vertex costs much more than a call for it alone */
#define LINE     16 /* entries to a line of the cache */

/* The thread checker's, where the program runs under it; else NULL. */
void AnnotateIgnoreReadsBegin(const char *file, int line) __attribute__((weak));
void AnnotateIgnoreReadsEnd(const char *file, int line) __attribute__((weak));

static inline void
ignore_reads(bool ignore)
{
    if (ignore && AnnotateIgnoreReadsBegin != NULL)
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    if (!ignore && AnnotateIgnoreReadsEnd != NULL)
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

void
gasket_async_copy_shared(uint8_t *to, const uint8_t *from, size_t size)
{
    ignore_reads(true);
    memcpy(to, from, size);
    ignore_reads(false);
}

/* ---- gather ---------------------------------------------------------------------------------- */

void
gasket_async_point_at_rows(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count,
                           GasketRows *rows)
{
    const uint32_t *vertex = thread->vertex;

    for (size_t i = 0; i < count; i++)
        thread->sum[i] = (uint32_t)i;
    for (unsigned s = 0; s < kind->program->n_rows; s++) {
        const uint64_t *offset = kind->offset[s];
        const uint32_t *neighbour = kind->rows[s].neighbour;
        for (size_t i = 0; i < count; i++)
            __builtin_prefetch(&offset[vertex[i]]);
        for (size_t i = 0; i < count; i++) {
            thread->begin[s][i] = offset[vertex[i]];
            thread->end[s][i] = offset[vertex[i] + 1];
            __builtin_prefetch(&neighbour[thread->begin[s][i]]);
            __builtin_prefetch(&neighbour[thread->begin[s][i] + LINE]);
        }
        rows[s] = kind->rows[s];
        rows[s].count = count;
        rows[s].vertex = vertex;
        rows[s].sum = thread->sum;
        rows[s].begin = thread->begin[s];
        rows[s].end = thread->end[s];
    }
}

void
gasket_async_gather(GasketAsyncThread *thread, const GasketAsyncKind *kind, const GasketRows *rows)
{
    const GasketProgram *program = kind->program;
    const GasketContext *context = &thread->contexts[program->kind];

    if (program->gather == NULL)
        return;
    gasket_step_clear_sums(program, thread->sums, rows[0].count);
    ignore_reads(true);
    for (unsigned s = 0; s < program->n_rows; s++)
        program->gather(context, &rows[s], thread->sums);
    ignore_reads(false);
}

void
gasket_async_keep_rows(GasketAsyncThread *thread, const GasketAsyncKind *kind, const uint32_t *kept,
                       size_t n, GasketRows *rows)
{
    for (size_t i = 0; i < n; i++) {
        thread->vertex[i] = thread->vertex[kept[i]];
        thread->sum[i] = kept[i];
        for (unsigned s = 0; s < kind->program->n_rows; s++) {
            thread->begin[s][i] = thread->begin[s][kept[i]];
            thread->end[s][i] = thread->end[s][kept[i]];
        }
    }
    for (unsigned s = 0; s < kind->program->n_rows; s++)
        rows[s].count = n;
}

size_t
gasket_async_split_long(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t *count,
                        uint32_t *longs)
{
    size_t n = 0, n_longs = 0;

    for (size_t i = 0; i < *count; i++) {
        GasketVertex v = thread->vertex[i];
        uint64_t length = 0;
        for (unsigned s = 0; s < kind->program->n_rows; s++)
            length += kind->offset[s][v + 1] - kind->offset[s][v];
        if (length >= LONG_ROW)
            longs[n_longs++] = v;
        else
            thread->vertex[n++] = v;
    }
    *count = n;
    return n_longs;
}

/* ---- apply ----------------------------------------------------------------------------------- */

void
gasket_async_apply(GasketAsyncThread *thread, const GasketAsyncKind *kind, const GasketRows *rows,
                   size_t count)
{
    const GasketProgram *program = kind->program;
    bool marked = program->changes == GASKET_CHANGES_MARKED;

    memset(thread->changed, program->changes == GASKET_CHANGES_ALL, count);
    if (program->apply == NULL)
        return;
    if (thread->async->asks_priority)
        for (size_t i = 0; i < count; i++)
            thread->priority[i] = 1;
    GasketVertices run = {.count = count,
                          .vertex = thread->vertex,
                          .sum = thread->sum,
                          .state = kind->data->state,
                          .value = kind->data->next,
                          .published = kind->data->current,
                          .value_begin = kind->data->value_begin,
                          .changed = marked ? thread->changed : NULL,
                          .priority = thread->async->asks_priority ? thread->priority : NULL,
                          .rows = gasket_program_sees_rows(program) ? rows : NULL};
    if (run.rows != NULL)
        ignore_reads(true);
    program->apply(&thread->contexts[program->kind], &run, thread->sums);
    if (run.rows != NULL)
        ignore_reads(false);
}

/* ---- publish --------------------------------------------------------------------------------- */

#define PUBLISH(type)                                                                              \
    do {                                                                                           \
        const type *from = (const type *)(const void *)kind->data->next;                           \
        type *to = (type *)(void *)kind->data->current;                                            \
        for (size_t i = 0; i < count; i++)                                                         \
            if (thread->changed[i])                                                                \
                __atomic_store_n(&to[thread->vertex[i]], from[thread->vertex[i]],                  \
                                 __ATOMIC_RELAXED);                                                \
    } while (0)

static void
publish_large(const GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    const GasketKindData *data = kind->data;

    for (size_t i = 0; i < count; i++) {
        GasketVertex v = thread->vertex[i];
        if (!thread->changed[i])
            continue;
        uint64_t begin =
            data->value_begin != NULL ? data->value_begin[v] : (uint64_t)v * data->value_size;
        size_t size =
            data->value_begin != NULL ? data->value_begin[v + 1] - begin : data->value_size;
        memcpy(data->current + begin, data->next + begin, size);
    }
}

void
gasket_async_publish(const GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    switch (kind->data->value_size) {
    case 1:
        PUBLISH(uint8_t);
        break;
    case 2:
        PUBLISH(uint16_t);
        break;
    case 4:
        PUBLISH(uint32_t);
        break;
    case 8:
        PUBLISH(uint64_t);
        break;
    default:
        publish_large(thread, kind, count);
        break;
    }
}

/* ---- note ------------------------------------------------------------------------------------ */

void
gasket_async_note(const GasketAsyncThread *thread, const GasketAsyncKind *kind,
                  const GasketRows *rows, size_t count)
{
    GasketAsync *async = thread->async;

    for (size_t i = 0; kind->publishes && i < count; i++)
        if (thread->changed[i])
            gasket_async_note_value(async, kind, thread->vertex[i],
                                    gasket_schedule_bucket(thread->priority[i]));
    for (size_t i = 0; kind->program->scatter != NULL && i < count; i++)
        gasket_async_note_edges(async, kind, rows, i);
}

/* ---- wake ------------------------------------------------------------------------------------ */

void
gasket_async_wake_readers(GasketAsync *async, unsigned thread, const GasketAsyncKind *kind,
                          GasketVertex v, unsigned bucket)
{
    for (unsigned i = 0; i < kind->n_readers; i++) {
        const GasketReaders *readers = kind->readers[i].readers;
        gasket_schedule_wake_many(async->schedule, thread, kind->readers[i].first_cell,
                                  readers->row + readers->begin[v],
                                  readers->begin[v + 1] - readers->begin[v], bucket);
    }
}

/* Fetches the readers of what changed, which lie anywhere. */
static void
prefetch_readers(const GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    for (unsigned i = 0; i < kind->n_readers; i++) {
        const GasketReaders *readers = kind->readers[i].readers;
        for (size_t j = 0; j < count; j++)
            if (thread->changed[j])
                __builtin_prefetch(&readers->begin[thread->vertex[j]]);
        for (size_t j = 0; j < count; j++) {
            if (!thread->changed[j])
                continue;
            const uint32_t *row = readers->row + readers->begin[thread->vertex[j]];
            __builtin_prefetch(row);
            __builtin_prefetch(row + LINE);
        }
    }
}

void
gasket_async_wake(const GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    GasketAsync *async = thread->async;
    bool self = kind->program->wakes == GASKET_WAKES_SELF;

    if (!kind->publishes)
        return;
    if (!self)
        prefetch_readers(thread, kind, count);
    gasket_schedule_fence();
    for (size_t i = 0; i < count; i++) {
        if (!thread->changed[i])
            continue;
        unsigned bucket = async->asks_priority ? gasket_schedule_bucket(thread->priority[i]) : 0;
        if (self)
            gasket_schedule_wake(async->schedule, thread->index,
                                 kind->first_cell + thread->vertex[i], bucket);
        else
            gasket_async_wake_readers(async, thread->index, kind, thread->vertex[i], bucket);
    }
}

void
gasket_async_wake_along(GasketAsyncThread *thread, const GasketRows *rows, uint64_t e,
                        float priority)
{
    const GasketWaker *waker = rows->waker;
    GasketVertex u = rows->neighbour[e];

    if (u >= waker->n_owned) {
        gasket_async_note_wake(thread->async, waker->index, rows->slot[e],
                               gasket_schedule_bucket(priority));
        return;
    }
    gasket_schedule_fence();
    gasket_schedule_wake(thread->async->schedule, thread->index, waker->first_cell + u,
                         gasket_schedule_bucket(priority));
}

/* ---- blocks ---------------------------------------------------------------------------------- */

void
gasket_async_scatter(GasketAsyncThread *thread, const GasketAsyncKind *kind, const GasketRows *rows)
{
    if (kind->program->scatter == NULL)
        return;
    ignore_reads(true);
    for (unsigned s = 0; s < kind->program->n_rows; s++)
        kind->program->scatter(&thread->contexts[kind->program->kind], &rows[s]);
    ignore_reads(false);
}

void
gasket_async_done(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    gasket_schedule_done(thread->async->schedule, thread->index, kind->first_cell, thread->vertex,
                         count);
    uint64_t n = atomic_load_explicit(&thread->n_ran, memory_order_relaxed);
    atomic_store_explicit(&thread->n_ran, n + count, memory_order_relaxed);
}

void
gasket_async_finish(GasketAsyncThread *thread, const GasketAsyncKind *kind, const GasketRows *rows,
                    size_t count)
{
    gasket_async_apply(thread, kind, rows, count);
    if (kind->publishes)
        gasket_async_publish(thread, kind, count);
    gasket_async_scatter(thread, kind, rows);
    if (thread->async->net != NULL)
        gasket_async_note(thread, kind, rows, count);
    gasket_async_wake(thread, kind, count);
    gasket_async_done(thread, kind, count);
}

static void
run_plain(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    GasketRows rows[GASKET_MAX_ROW_SETS];

    gasket_async_point_at_rows(thread, kind, count, rows);
    gasket_async_gather(thread, kind, rows);
    gasket_async_finish(thread, kind, rows, count);
}

void
gasket_async_run_block(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    switch (thread->async->mode) {
    case GASKET_ASYNC_PLAIN:
        run_plain(thread, kind, count);
        break;
    case GASKET_ASYNC_SOLO:
        gasket_async_run_solo(thread, kind, count);
        break;
    case GASKET_ASYNC_VALIDATED:
        gasket_async_run_validated(thread, kind, count);
        break;
    case GASKET_ASYNC_LOCKED:
        gasket_async_run_locked(thread, kind, count);
        break;
    }
}
