/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a block in the asynchronous engine, which its modes put together. All are about
 * thread->vertex[0 .. count - 1], vertices of one kind.
 */
#ifndef GASKET_ENGINE_ASYNC_BLOCK_H
#define GASKET_ENGINE_ASYNC_BLOCK_H

#include "engine/async.h"

/* The vertices' rows in each row set; vertex i's sum is thread->sum[i] = i. */
void gasket_async_point_at_rows(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                                size_t count, GasketRows *rows);

void gasket_async_gather(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                         const GasketRows *rows);

/* Apply; thread->changed and thread->priority say what changed. */
void gasket_async_apply(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                        const GasketRows *rows, size_t count);

/* Makes changed values current: of 1, 2, 4 and 8 bytes by one store each. */
void gasket_async_publish(const GasketAsyncThread *thread, const GasketAsyncKind *kind,
                          size_t count);

void gasket_async_scatter(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                          const GasketRows *rows);

/* Notes for the other workers what was published and scattered. */
void gasket_async_note(const GasketAsyncThread *thread, const GasketAsyncKind *kind,
                       const GasketRows *rows, size_t count);

/* Wakes whom the changes wake. */
void gasket_async_wake(const GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count);

/* They have run. */
void gasket_async_done(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count);

/* All that follows a gather which needs no lock. */
void gasket_async_finish(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                         const GasketRows *rows, size_t count);

/* Takes the vertices with long rows out of a block, into longs; returns how many they are. */
size_t gasket_async_split_long(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                               size_t *count, uint32_t *longs);

/* Keeps rows kept[0 .. n - 1], ascending, of a block. */
void gasket_async_keep_rows(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                            const uint32_t *kept, size_t n, GasketRows *rows);

/* Whole blocks in the other modes (async_solo.c, async_locked.c). */
void gasket_async_run_solo(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count);
void gasket_async_run_validated(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                                size_t count);
void gasket_async_run_locked(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count);

#endif
