/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histories of several processes: each hands its logs over through a file in memory, which all have
 * inherited. See history.h.
 *
 *   caller ──share──> fork ──> child: ... run ... hand over ─┐ | n_updates | n words | words |, one
 *      collect <──────────────── when all have ended ────────┘ after the other, each behind a lock
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/history_private.h"

typedef struct {
    uint64_t n_updates, n_words, no_memory;
} LogRecord;

static bool
system_error(const char *what, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "%s: %s", what, g_strerror(errno));
    return false;
}

void
gasket_history_unshare(GasketHistory *history)
{
    if (history->shared_fd >= 0)
        close(history->shared_fd);
    history->shared_fd = -1;
}

bool
gasket_history_share(GasketHistory *history, GError **error)
{
    gasket_history_unshare(history);
    history->n_before = history->logs->len;
    history->shared_fd = memfd_create("gasket history", MFD_CLOEXEC);
    return history->shared_fd >= 0 || system_error("cannot share a history", error);
}

/* Reads or writes all n bytes. */
static bool
transfer(int fd, void *bytes, size_t n, bool writes)
{
    uint8_t *at = bytes;

    while (n > 0) {
        ssize_t done = writes ? write(fd, at, n) : read(fd, at, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        n -= (size_t)done;
    }
    return true;
}

bool
gasket_history_hand_over(const GasketHistory *history, GError **error)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = history->shared_fd;
    bool ok = true;

    while (fcntl(fd, F_SETLKW, &lock) != 0)
        if (errno != EINTR)
            return system_error("cannot lock a shared history", error);
    for (unsigned i = history->n_before; ok && i < history->logs->len; i++) {
        const GasketHistoryLog *log = g_ptr_array_index(history->logs, i);
        LogRecord record = {log->n_updates, log->updates.n, log->no_memory};
        ok = transfer(fd, &record, sizeof record, true) &&
             transfer(fd, log->updates.word, log->updates.n * sizeof(uint64_t), true);
    }
    if (!ok)
        system_error("cannot write a shared history", error);
    lock.l_type = F_UNLCK;
    (void)fcntl(fd, F_SETLK, &lock); /* it ends with the process, too */
    return ok;
}

/* The next log of the file into the history. */
static bool
take_log(GasketHistory *history, const LogRecord *record, GError **error)
{
    GasketHistoryLog *log = g_new0(GasketHistoryLog, 1);

    g_ptr_array_add(history->logs, log);
    log->n_updates = record->n_updates;
    log->no_memory = record->no_memory != 0;
    log->updates.word = g_try_new(uint64_t, record->n_words);
    if (log->updates.word == NULL && record->n_words > 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for a history");
        return false;
    }
    log->updates.n = log->updates.room = record->n_words;
    return transfer(history->shared_fd, log->updates.word, log->updates.n * sizeof(uint64_t),
                    false) ||
           system_error("cannot read a shared history", error);
}

bool
gasket_history_collect(GasketHistory *history, GError **error)
{
    off_t end = lseek(history->shared_fd, 0, SEEK_END), at = 0;
    LogRecord record;

    if (end < 0 || lseek(history->shared_fd, 0, SEEK_SET) != 0)
        return system_error("cannot read a shared history", error);
    while (at < end) {
        if (!transfer(history->shared_fd, &record, sizeof record, false))
            return system_error("cannot read a shared history", error);
        if (!take_log(history, &record, error))
            return false;
        at += (off_t)(sizeof record + record.n_words * sizeof(uint64_t));
    }
    gasket_history_unshare(history);
    return true;
}
