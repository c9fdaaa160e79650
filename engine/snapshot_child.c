/* SPDX-License-Identifier: Apache-2.0 */
/* A child that writes; see snapshot_child.h. */
#include "engine/snapshot_child.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/snapshot_data.h"

GasketSnapshotWritten *
gasket_snapshot_written_new(GError **error)
{
    GasketSnapshotWritten *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared != MAP_FAILED)
        return shared;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for snapshots");
    return NULL;
}

void
gasket_snapshot_written_free(GasketSnapshotWritten *written)
{
    (void)munmap(written, sizeof *written);
}

void
gasket_snapshot_write_here(const GasketRun *run, const GasketDisk *disk, const char *path,
                           GasketSnapshotWritten *written)
{
    g_autoptr(GError) error = NULL;
    int64_t before = g_get_monotonic_time();

    written->ok = gasket_snapshot_write_rank(run, disk, path, &written->file, &error);
    if (!written->ok)
        g_strlcpy(written->message, error->message, sizeof written->message);
    written->seconds = (double)(g_get_monotonic_time() - before) / 1e6;
}

pid_t
gasket_snapshot_write_in_child(const GasketRun *run, const GasketDisk *disk, const char *path,
                               GasketSnapshotWritten *written)
{
    pid_t parent = getpid(), child = fork();

    if (child != 0)
        return child;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); /* the rank died before prctl */
    (void)close_range(3, ~0u, 0);
    gasket_snapshot_write_here(run, disk, path, written);
    _exit(0);
}

bool
gasket_snapshot_child_ended(pid_t child, bool wait, GasketSnapshotWritten *written)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(child, &status, wait ? 0 : WNOHANG)) < 0 && errno == EINTR)
        ;
    if (pid == 0)
        return false;
    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        written->ok = 0;
        g_strlcpy(written->message, "the child that wrote it was killed", sizeof written->message);
    }
    return true;
}
