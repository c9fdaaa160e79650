/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edge consistency where one thread of one worker runs everything: nobody else writes, so that only
 * the vertices of one block could overlap. The block is split into sets of vertices none of which
 * reads another of its set (async_sets.h), which run one after the other:
 *
 *   long rows   one by one
 *   others      set 0: gather, apply, publish, scatter ─> set 1: the same ─> ...
 *
 * A set's vertices neither read nor are read by whom they were gathered with: to run them in the
 * order in which they were published gives the same values.
 */
#include "engine/async_block.h"
#include "engine/async_sets.h"

static void
run_set(GasketAsyncThread *thread, const GasketAsyncKind *kind, const uint32_t *vertex,
        size_t count)
{
    GasketRows rows[GASKET_MAX_ROW_SETS];

    for (size_t i = 0; i < count; i++)
        thread->vertex[i] = vertex[i];
    gasket_schedule_begin(thread->async->schedule, kind->first_cell, vertex, count);
    gasket_async_point_at_rows(thread, kind, count, rows);
    gasket_async_gather(thread, kind, rows);
    gasket_async_finish(thread, kind, rows, count);
}

void
gasket_async_run_solo(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    GasketRows rows[GASKET_MAX_ROW_SETS];
    uint32_t single[GASKET_ASYNC_BLOCK];
    GasketAsyncSets sets;
    size_t n_single = gasket_async_split_long(thread, kind, &count, single);

    if (kind->by_scope) { /* they read their rows in apply, one after the other */
        sets.n = 0;
        for (size_t i = 0; i < count; i++)
            single[n_single++] = thread->vertex[i];
    } else {
        gasket_async_point_at_rows(thread, kind, count, rows);
        gasket_async_sets_split(&sets, kind, rows, thread->vertex, count);
    }
    for (unsigned s = 0; s < sets.n; s++)
        run_set(thread, kind, sets.vertex + sets.begin[s], sets.begin[s + 1] - sets.begin[s]);
    for (size_t i = 0; i < n_single; i++)
        run_set(thread, kind, &single[i], 1);
}
