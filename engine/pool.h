/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compute threads of one worker: made once, woken for each piece of a superstep.
 *
 *   gasket_pool_start(pool, work, data);   threads 1 .. T - 1 run work(data, thread)
 *   work(data, 0);                         the driver's thread is thread 0
 *   gasket_pool_join(pool);                all have returned
 */
#ifndef GASKET_ENGINE_POOL_H
#define GASKET_ENGINE_POOL_H

#include <gasket/error.h>

typedef struct GasketPool GasketPool;

/* A pool of `threads` threads, the caller's counted. Error: FAILED if the system gives no more. */
GasketPool *gasket_pool_new(unsigned threads, GError **error);

/* Ends the threads; nothing may be running. NULL is allowed. */
void gasket_pool_free(GasketPool *pool);

unsigned gasket_pool_threads(const GasketPool *pool);

void gasket_pool_start(GasketPool *pool, void (*work)(void *data, unsigned thread), void *data);
void gasket_pool_join(GasketPool *pool);

/* start, work as thread 0, join. */
void gasket_pool_run(GasketPool *pool, void (*work)(void *data, unsigned thread), void *data);

#endif
