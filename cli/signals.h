/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: SIGINT or SIGTERM once asks the run to stop after its step and to write what there is;
 * a second SIGINT ends the process at once with 130, as the launcher says on stderr when it sees
 * the first. SIGPIPE is ignored: writing reports it.
 */
#ifndef GASKET_CLI_SIGNALS_H
#define GASKET_CLI_SIGNALS_H

#include <signal.h>

/* From now on; for the whole process and the children it forks. */
void gasket_cli_signals_install(void);

/* Becomes greater than 0 when the user asks to stop. */
const volatile sig_atomic_t *gasket_cli_signals_stop(void);

/* Counts the SIGUSR1s that came: requests for a snapshot. */
const volatile sig_atomic_t *gasket_cli_signals_snapshot(void);

#endif
