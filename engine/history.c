/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording histories. See history.h.
 *
 * A log is words: for each update
 *
 *   | id | turn | version | changed | n | (id, version) of n reads |
 *
 * and, while a block runs, what its rows have read, in the same order as the entries.
 */
#include "engine/history.h"

#include <string.h>

#include "engine/history_private.h"

GasketHistory *
gasket_history_new(void)
{
    GasketHistory *history = g_new0(GasketHistory, 1);
    pthread_mutex_init(&history->lock, NULL);
    history->cells = g_ptr_array_new();
    history->logs = g_ptr_array_new();
    history->shared_fd = -1;
    return history;
}

void
gasket_history_set_blind(GasketHistory *history, bool blind)
{
    history->blind = blind;
}

bool
gasket_history_is_blind(const GasketHistory *history)
{
    return history->blind;
}

static void
words_clear(GasketHistoryWords *words)
{
    g_free(words->word);
}

void
gasket_history_free(GasketHistory *history)
{
    if (history == NULL)
        return;
    for (unsigned i = 0; i < history->logs->len; i++) {
        GasketHistoryLog *log = g_ptr_array_index(history->logs, i);
        words_clear(&log->updates);
        words_clear(&log->reads);
        words_clear(&log->rows);
        g_free(log);
    }
    for (unsigned i = 0; i < history->cells->len; i++) {
        GasketHistoryCells *cells = g_ptr_array_index(history->cells, i);
        gasket_array_free(cells->id);
        gasket_array_free((void *)cells->version);
        gasket_array_free((void *)cells->turn);
        g_free(cells);
    }
    gasket_history_unshare(history);
    g_ptr_array_unref(history->logs);
    g_ptr_array_unref(history->cells);
    pthread_mutex_destroy(&history->lock);
    g_free(history);
}

GasketHistoryCells *
gasket_history_cells_new(GasketHistory *history, uint32_t n_cells, GError **error)
{
    GasketHistoryCells *cells = g_new0(GasketHistoryCells, 1);

    cells->history = history;
    cells->n_cells = n_cells;
    pthread_mutex_lock(&history->lock);
    g_ptr_array_add(history->cells, cells);
    pthread_mutex_unlock(&history->lock);
    cells->id = gasket_array_new(n_cells, sizeof *cells->id, error);
    if (cells->id == NULL)
        return NULL;
    cells->version = gasket_array_new(n_cells, sizeof *cells->version, error);
    if (cells->version == NULL)
        return NULL;
    cells->turn = gasket_array_new(n_cells, sizeof *cells->turn, error);
    return cells->turn != NULL ? cells : NULL;
}

GasketHistoryLog *
gasket_history_log_new(GasketHistoryCells *cells)
{
    GasketHistoryLog *log = g_new0(GasketHistoryLog, 1);

    log->cells = cells;
    pthread_mutex_lock(&cells->history->lock);
    g_ptr_array_add(cells->history->logs, log);
    pthread_mutex_unlock(&cells->history->lock);
    return log;
}

/* ---- recording ------------------------------------------------------------------------------- */

static bool
make_room(GasketHistoryWords *words, size_t n)
{
    if (words->n + n <= words->room)
        return true;
    size_t room = MAX(2 * words->room, words->n + n);
    uint64_t *grown = g_try_renew(uint64_t, words->word, room);
    if (grown == NULL)
        return false;
    words->word = grown;
    words->room = room;
    return true;
}

static void
push(GasketHistoryLog *log, GasketHistoryWords *words, uint64_t word)
{
    if (make_room(words, 1))
        words->word[words->n++] = word;
    else
        log->no_memory = true;
}

void
gasket_history_read(GasketHistoryLog *log, const GasketHistoryBlock *block)
{
    const GasketHistoryCells *cells = log->cells;
    size_t count = block->n_rows > 0 ? block->rows[0].count : 0;

    log->reads.n = log->rows.n = 0;
    for (size_t r = 0; r < count; r++) {
        uint32_t own = block->first_cell + block->rows[0].vertex[r];
        push(log, &log->rows, own);
        push(log, &log->rows, log->reads.n);
        push(log, &log->rows, atomic_load(&cells->turn[own]));
        for (unsigned s = 0; s < block->n_rows; s++) {
            const GasketRows *rows = &block->rows[s];
            for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
                uint32_t cell = block->neighbour_cell[s] + rows->neighbour[e];
                push(log, &log->reads, cells->id[cell]);
                push(log, &log->reads, atomic_load(&cells->version[cell]));
            }
        }
    }
}

void
gasket_history_reread(GasketHistoryLog *log, const GasketHistoryBlock *block)
{
    const GasketHistoryCells *cells = log->cells;
    size_t count = block->n_rows > 0 ? block->rows[0].count : 0, i = 0;

    for (size_t r = 0; r < count && !log->no_memory; r++) {
        for (unsigned s = 0; s < block->n_rows; s++) {
            const GasketRows *rows = &block->rows[s];
            for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++, i += 2) {
                uint32_t cell = block->neighbour_cell[s] + rows->neighbour[e];
                if (atomic_load(&cells->version[cell]) != log->reads.word[i + 1])
                    log->reads.word[i + 1] = GASKET_HISTORY_TORN;
            }
        }
    }
}

void
gasket_history_write(GasketHistoryLog *log, size_t r, bool changed)
{
    GasketHistoryCells *cells = log->cells;

    if (log->no_memory)
        return;
    const uint64_t *row = log->rows.word + GASKET_HISTORY_ROW_WORDS * r;
    uint64_t own = row[0], first = row[1], turn = row[2];
    bool is_last = GASKET_HISTORY_ROW_WORDS * (r + 1) == log->rows.n;
    size_t end = is_last ? log->reads.n : row[GASKET_HISTORY_ROW_WORDS + 1];
    uint64_t version = atomic_load(&cells->version[own]);
    if (!make_room(&log->updates, GASKET_HISTORY_UPDATE_WORDS + end - first)) {
        log->no_memory = true;
        return;
    }
    uint64_t *word = log->updates.word + log->updates.n;
    word[0] = cells->id[own];
    word[1] = turn;
    word[2] = version;
    word[3] = changed;
    word[4] = (end - first) / 2;
    if (end > first)
        memcpy(word + GASKET_HISTORY_UPDATE_WORDS, log->reads.word + first,
               (end - first) * sizeof *word);
    log->updates.n += GASKET_HISTORY_UPDATE_WORDS + end - first;
    log->n_updates++;
    /* Not one atomic addition: two updates that run over each other must be seen to have. */
    atomic_store(&cells->turn[own], turn + 1);
    if (changed)
        atomic_store(&cells->version[own], version + 1);
}

uint64_t
gasket_history_version(const GasketHistoryCells *cells, uint32_t cell)
{
    return atomic_load(&cells->version[cell]);
}

void
gasket_history_arrived(GasketHistoryCells *cells, uint32_t cell, uint64_t version)
{
    atomic_store(&cells->version[cell], version);
}
