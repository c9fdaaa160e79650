/* SPDX-License-Identifier: Apache-2.0 */
/* What the asynchronous engine tells a history. See async_history.h. */
#include "engine/async_history.h"

bool
gasket_async_history_begin(GasketAsync *async, GError **error)
{
    GasketRun *run = async->run;

    if (run->history == NULL || async->mode != GASKET_ASYNC_LOCKED)
        return true;
    async->history = gasket_history_cells_new(run->history, async->n_cells, error);
    if (async->history == NULL)
        return false;
    for (unsigned k = 0; k < async->n_kinds; k++) {
        const GasketAsyncKind *kind = &async->kinds[k];
        for (uint32_t v = 0; v < kind->part->n_local; v++)
            async->history->id[kind->first_cell + v] =
                gasket_history_id(run->history_epoch, k, kind->part->number[v]);
    }
    run->history_epoch++;
    for (unsigned t = 0; t < run->n_threads; t++)
        async->threads[t].log = gasket_history_log_new(async->history);
    return true;
}

void
gasket_async_history_note(GasketAsyncThread *thread, const GasketAsyncKind *kind,
                          const GasketRows *rows, bool again)
{
    uint32_t first[GASKET_MAX_ROW_SETS];
    GasketHistoryBlock block = {kind->first_cell, kind->program->n_rows, first, rows};

    for (unsigned s = 0; s < block.n_rows; s++)
        first[s] = thread->async->kinds[kind->neighbour_kind[s]].first_cell;
    if (again)
        gasket_history_reread(thread->log, &block);
    else
        gasket_history_read(thread->log, &block);
}

void
gasket_async_history_ran(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    bool scatters = kind->program->scatter != NULL;

    if (kind->program->n_rows == 0)
        return;
    for (size_t i = 0; i < count; i++)
        gasket_history_write(thread->log, thread->sum[i], scatters || thread->changed[i]);
}
