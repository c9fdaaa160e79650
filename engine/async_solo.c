/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edge consistency where one thread of one worker runs everything: nobody else writes, so that only
 * the vertices of one block could overlap. Those are known: their tasks run.
 *
 *   long rows   one by one                                          nothing to check
 *   others      is a neighbour in the block? ─no─> gather, apply, publish, scatter
 *                             └─yes─> then one by one
 *
 * The rest of the block neither reads nor is read by whom it was gathered with: to run the vertices
 * in the order in which they were published gives the same values.
 */
#include "engine/async_block.h"

/* Whether row r names another vertex of the block. */
static bool
names_block(const GasketAsync *async, const GasketAsyncKind *kind, const GasketRows *rows, size_t r)
{
    uint32_t own = kind->first_cell + rows[0].vertex[r];

    for (unsigned s = 0; s < kind->program->n_rows; s++) {
        uint32_t first = async->kinds[kind->neighbour_kind[s]].first_cell;
        const uint32_t *neighbour = rows[s].neighbour;
        for (uint64_t e = rows[s].begin[r]; e < rows[s].end[r]; e++)
            if (gasket_schedule_runs(async->schedule, first + neighbour[e]) &&
                first + neighbour[e] != own)
                return true;
    }
    return false;
}

static void
run_one(GasketAsyncThread *thread, const GasketAsyncKind *kind, GasketVertex v)
{
    GasketRows rows[GASKET_MAX_ROW_SETS];

    thread->vertex[0] = v;
    gasket_async_point_at_rows(thread, kind, 1, rows);
    gasket_async_gather(thread, kind, rows);
    gasket_async_finish(thread, kind, rows, 1);
}

void
gasket_async_run_solo(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    GasketRows rows[GASKET_MAX_ROW_SETS];
    uint32_t single[GASKET_ASYNC_BLOCK];
    size_t n_single = gasket_async_split_long(thread, kind, &count, single), n = 0;

    gasket_async_point_at_rows(thread, kind, count, rows);
    for (size_t r = 0; r < count; r++) {
        if (kind->by_scope || names_block(thread->async, kind, rows, r))
            single[n_single++] = thread->vertex[r];
        else
            thread->vertex[n++] = thread->vertex[r];
    }
    if (n > 0) {
        gasket_async_point_at_rows(thread, kind, n, rows);
        gasket_async_gather(thread, kind, rows);
        gasket_async_finish(thread, kind, rows, n);
    }
    for (size_t i = 0; i < n_single; i++)
        run_one(thread, kind, single[i]);
}
