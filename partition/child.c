/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function in a child process. Its answer comes through memory that both share:
 *
 *   | answered | code | message[512] |  result ...        |
 *     Answer, one page-aligned header   [bytes]
 *
 *   caller                                child
 *   block signals, fork ────────────────> handlers to default, descriptors closed, unblock
 *   unblock, wait4                        function(data, result)
 *      <───────────────────────────────── answered = DONE or REFUSED, _exit(0)
 *   answered? copy or report
 *
 * Invariants:
 *   1. The child runs no handler of the caller (signals are blocked across the fork until the
 *      handlers are gone), holds none of its descriptors, and prints nowhere.
 *   2. The child dies with its caller.
 *   3. answered is set last: a child that dies half-way has not answered.
 *
 * An interrupt from the terminal reaches the whole process group; the child ignores it, for what
 * becomes of the run is the caller's decision.
 *
 * Cost: a fork (page tables of the caller) and one copy of the result.
 */
#include "partition/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ANSWERED_NOTHING,
    ANSWERED_DONE,
    ANSWERED_REFUSED, /* code and message say why */
};

typedef struct {
    _Alignas(64) int answered;
    int code;
    char message[512];
} Answer;

/* Leaves everything of the caller behind that could act in the child. */
static void
detach(pid_t caller, const sigset_t *unblocked)
{
    for (int s = 1; s < NSIG; s++) {
        struct sigaction old;
        if (sigaction(s, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)signal(s, SIG_DFL); /* SIGKILL and SIGSTOP refuse, as they must */
    }
    (void)signal(SIGINT, SIG_IGN);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != caller)
        _exit(1); /* it died before it could be watched */
    int nowhere = open("/dev/null", O_RDWR);
    if (nowhere < 0)
        _exit(1);
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(nowhere, fd);
    (void)close_range(3, ~0U, 0); /* where the kernel cannot, they close when the child ends */
    (void)sigprocmask(SIG_SETMASK, unblocked, NULL);
}

static void
answer(Answer *shared, GasketChildFunction function, void *data)
{
    GError *error = NULL;
    if (function(data, shared + 1, &error)) {
        shared->answered = ANSWERED_DONE;
        return;
    }
    shared->code = error->code;
    g_strlcpy(shared->message, error->message, sizeof shared->message);
    shared->answered = ANSWERED_REFUSED;
}

/* Forks, runs, waits. ret_status is the wait status, -1 if somebody else has reaped the child. */
static bool
run_and_wait(Answer *shared, GasketChildFunction function, void *data, int *ret_status,
             struct rusage *ret_usage, int *ret_errno)
{
    sigset_t all, before;
    pid_t caller = getpid();

    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        detach(caller, &before);
        answer(shared, function, data);
        _exit(0);
    }
    *ret_errno = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0)
        return false;

    pid_t waited;
    do
        waited = wait4(pid, ret_status, 0, ret_usage);
    while (waited < 0 && errno == EINTR);
    if (waited < 0)
        *ret_status = -1;
    return true;
}

/* Says how a child ended that has not answered. */
static void
report_death(const char *what, int status, GError **error)
{
    if (status != -1 && WIFSIGNALED(status))
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "the process that ran %s was ended by signal %d (%s)", what, WTERMSIG(status),
                    strsignal(WTERMSIG(status)));
    else if (status != -1)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "the process that ran %s ended with code %d and no result", what,
                    WEXITSTATUS(status));
    else
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "the process that ran %s ended without a result", what);
}

bool
gasket_child_run(const char *what, GasketChildFunction function, void *data, void *result,
                 size_t bytes, uint64_t *ret_peak_bytes, GError **error)
{
    struct rusage usage = {0};
    int status = -1, fork_errno = 0;
    size_t size = sizeof(Answer) + bytes;
    Answer *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "cannot allocate %zu bytes for the result of %s", size, what);
        return false;
    }
    bool ok = run_and_wait(shared, function, data, &status, &usage, &fork_errno);
    if (!ok) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "cannot start a process for %s: %s",
                    what, g_strerror(fork_errno));
    } else if (shared->answered == ANSWERED_DONE) {
        memcpy(result, shared + 1, bytes);
        if (ret_peak_bytes != NULL)
            *ret_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    } else if (shared->answered == ANSWERED_REFUSED) {
        ok = false;
        g_set_error_literal(error, GASKET_ERROR, shared->code, shared->message);
    } else {
        ok = false;
        report_death(what, status, error);
    }
    (void)munmap(shared, size);
    return ok;
}
