/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push steps of monotone programs: gathering over just the neighbours that changed.
 *
 *   changed vertices ──(local transpose)──> (row, entry) pairs, binned by row range
 *   bin ──> gather on blocks of one-entry rows ──> apply on the rows of the bin that were touched
 *
 * A bin's rows belong to the one thread that takes it, so nothing is locked; and its entries lie
 * together, because entries are ordered by row. Costs the entries of the changed vertices.
 *
 * Only changes since the same program last gathered over all values can be pushed: after a step of
 * another program, a step on a set or a lease, it pulls first.
 */
#ifndef GASKET_ENGINE_PUSH_H
#define GASKET_ENGINE_PUSH_H

#include "engine/step.h"

/* Whether the step should push: the program is monotone and what changed has few readers. The
 * same on every rank. */
bool gasket_push_pays(const GasketStep *step);

/* After a step that may have changed values: whose changes they are. */
void gasket_push_remember(const GasketStep *step);

/* Lists what changed and makes room. Error: MEMORY. */
bool gasket_push_prepare(GasketStep *step, GError **error);

/* Runs the whole step's gathers and applies. */
void gasket_push_run(GasketStep *step);

void gasket_push_free(GasketPush *push);

#endif
