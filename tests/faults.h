/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults in whatever thread meets them: the n-th allocation of data size, or the n-th call of the
 * system that reads, writes, opens, syncs or names a file, fails or does less than it was asked to.
 *
 *   for (uint64_t nth = 1;; nth++) {
 *       fault_arm(FAULT_MEMORY, nth);
 *       ... what is tested ...
 *       if (!fault_disarm())
 *           break;                     (it needs fewer than that)
 *   }
 *
 * A test that is linked with faults.c has its calls wrapped by the linker (tests/meson.build), but
 * only those of Gasket's own objects: what Check, GLib and SQLite do themselves goes well.
 */
#ifndef GASKET_TESTS_FAULTS_H
#define GASKET_TESTS_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    FAULT_MEMORY,      /* gasket_array_new, _resize, gasket_frame_new: MEMORY */
    FAULT_CALL,        /* open, read, write, fsync, rename, linkat, mkdir ...: EIO */
    FAULT_SHORT,       /* a read or write does half */
    FAULT_INTERRUPTED, /* a read or write does nothing: EINTR */
} Fault;

/* From now on the nth call of that sort fails, and no other. */
void fault_arm(Fault fault, uint64_t nth);

/* Whether it came to that. */
bool fault_disarm(void);

#endif
