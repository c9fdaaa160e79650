/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asynchronous engine's side of a history (history.h), under edge consistency: what a block
 * reads before and after its gather, and which of its vertices have run. With no history asked for
 * each is one test.
 */
#ifndef GASKET_ENGINE_ASYNC_HISTORY_H
#define GASKET_ENGINE_ASYNC_HISTORY_H

#include "engine/async.h"

/* Starts recording if the job asks for it. */
bool gasket_async_history_begin(GasketAsync *async, GError **error);

/* A block's vertices are locked: before its gather; after it, before neighbours are validated. */
void gasket_async_history_note(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                               const GasketRows *rows, bool again);

/* The first count vertices have run and written; their cells are still locked. */
void gasket_async_history_ran(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count);

static inline void
gasket_async_history_before(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                            const GasketRows *rows)
{
    if (G_UNLIKELY(thread->log != NULL))
        gasket_async_history_note(thread, kind, rows, false);
}

static inline void
gasket_async_history_after(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                           const GasketRows *rows)
{
    if (G_UNLIKELY(thread->log != NULL))
        gasket_async_history_note(thread, kind, rows, true);
}

static inline void
gasket_async_history_written(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    if (G_UNLIKELY(thread->log != NULL))
        gasket_async_history_ran(thread, kind, count);
}

/* Whether neighbours that run or have changed are to be overlooked: a broken lock, which the
 * checker must find (history.h). */
static inline bool
gasket_async_history_is_blind(const GasketAsyncThread *thread)
{
    return G_UNLIKELY(thread->log != NULL) &&
           gasket_history_is_blind(thread->async->history->history);
}

#endif
