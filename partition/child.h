/* SPDX-License-Identifier: Apache-2.0 */
/* Running a function in a process of its own, so that whatever it does to memory, signals, streams
 * and global state ends with it. */
#ifndef GASKET_PARTITION_CHILD_H
#define GASKET_PARTITION_CHILD_H

#include <gasket/error.h>
#include <gasket/types.h>

/* Runs in the child. It sees the caller's memory as it was and writes its result ([bytes]). It may
 * allocate and need not free; it must not start threads. */
typedef bool (*GasketChildFunction)(void *data, void *result, GError **error);

/* Runs function in a forked child and waits for it; what: its name in messages ("METIS").
 * On success result has what the function wrote and ret_peak_bytes, if not NULL, the largest
 * resident size of the child (which counts the pages it shares with the caller). Nothing of the
 * child is left behind in any case, and the caller's death ends it.
 * Errors: the function's own; MEMORY; FAILED if the child cannot be started or ends without
 * having answered (naming signal or exit code). */
bool gasket_child_run(const char *what, GasketChildFunction function, void *data, void *result,
                      size_t bytes, uint64_t *ret_peak_bytes, GError **error);

#endif
