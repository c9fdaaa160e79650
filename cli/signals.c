/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals; see signals.h. The counters are variables outside any function: a handler has no other
 * way to reach what it must tell.
 *
 * Only SIGINTs count towards the second one: ^C reaches every process of a run, and the launcher
 * forwards the wish to stop as a SIGTERM besides.
 */
#include "cli/signals.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "cli/command.h"

static volatile sig_atomic_t asked;
static volatile sig_atomic_t interrupts;
static volatile sig_atomic_t snapshots;

static pid_t launcher; /* the process that speaks */
static bool terminal;  /* to one, where progress may stand on the line */

/* What a person who pressed ^C and sees nothing happen wants to know. */
static void
reassure(void)
{
    static const char words[] = "\r\033[Kgasket: stops after this step and writes what there is; "
                                "^C again ends it at once\n";
    size_t skipped = terminal ? 0 : 4;
    int saved_errno = errno;
    (void)!write(STDERR_FILENO, words + skipped, sizeof words - 1 - skipped);
    errno = saved_errno;
}

static void
ask(int signal_number)
{
    if (signal_number == SIGINT && ++interrupts > 1)
        _exit(GASKET_EXIT_INTERRUPTED);
    if (signal_number == SIGINT && getpid() == launcher)
        reassure();
    asked = 1;
}

static void
want_snapshot(int signal_number)
{
    (void)signal_number;
    snapshots++;
}

void
gasket_cli_signals_install(void)
{
    launcher = getpid();
    terminal = isatty(STDERR_FILENO) == 1;
    struct sigaction action = {.sa_handler = ask, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    action.sa_handler = want_snapshot;
    sigaction(SIGUSR1, &action, NULL);

    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
}

const volatile sig_atomic_t *
gasket_cli_signals_stop(void)
{
    return &asked;
}

const volatile sig_atomic_t *
gasket_cli_signals_snapshot(void)
{
    return &snapshots;
}
