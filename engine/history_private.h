/* SPDX-License-Identifier: Apache-2.0 */
/* What recording and checking of histories share: the logs. See history.c. */
#ifndef GASKET_ENGINE_HISTORY_PRIVATE_H
#define GASKET_ENGINE_HISTORY_PRIVATE_H

#include <pthread.h>

#include "engine/array.h"
#include "engine/history.h"

#define GASKET_HISTORY_TORN         UINT64_MAX /* a version that changed while it was read */
#define GASKET_HISTORY_UPDATE_WORDS 5          /* id, turn, version, changed, number of reads */
#define GASKET_HISTORY_ROW_WORDS    3          /* cell, first of its reads, turn */

typedef struct {
    uint64_t *word; /* [room] the first n are used */
    size_t n, room;
} GasketHistoryWords;

struct GasketHistoryLog {
    GasketHistoryCells *cells;  /* NULL: another process's */
    GasketHistoryWords updates; /* all so far */
    size_t n_updates;
    GasketHistoryWords reads, rows; /* of the block under way */
    bool no_memory;
};

struct GasketHistory {
    pthread_mutex_t lock; /* of the arrays */
    GPtrArray *cells;     /* GasketHistoryCells */
    GPtrArray *logs;      /* GasketHistoryLog */
    bool blind;
    int shared_fd;     /* of history_share.c, or -1 ... */
    unsigned n_before; /* ... and the logs that there were before it was shared */
};

void gasket_history_unshare(GasketHistory *history);

#endif
