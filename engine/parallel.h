/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop whose items are shared among a few threads, for building. (Supersteps have a pool of
 * their own, which outlives a loop.)
 *
 *   static void clear_part(void *data, size_t item, unsigned thread);
 *   gasket_parallel(threads, n_parts, clear_part, &job);
 *
 * Threads take items in ascending order, each the next one that is free; so which thread runs an
 * item is not determined, and results must not depend on it. Items that fail report to a
 * GasketFailure, which keeps one of the errors.
 */
#ifndef GASKET_ENGINE_PARALLEL_H
#define GASKET_ENGINE_PARALLEL_H

#include <stdatomic.h>

#include <gasket/error.h>

/* Calls body(data, item, thread) once for each item 0 .. n_items - 1, thread < max(1, threads),
 * and returns when all have. Thread 0 is the caller's own; where the system gives fewer threads,
 * fewer do the work. */
void gasket_parallel(unsigned threads, size_t n_items,
                     void (*body)(void *data, size_t item, unsigned thread), void *data);

/* The first failure that some thread reported. Starts as {NULL}. */
typedef struct {
    _Atomic(GError *) first;
} GasketFailure;

static inline bool
gasket_failure_happened(GasketFailure *failure)
{
    return atomic_load_explicit(&failure->first, memory_order_relaxed) != NULL;
}

/* Takes *error (not NULL), from any thread. */
void gasket_failure_take(GasketFailure *failure, GError **error);

/* After the loop: moves the failure to error, if there was one. Returns whether there was none. */
bool gasket_failure_none(GasketFailure *failure, GError **error);

#endif
