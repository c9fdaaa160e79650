/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a restore only the owners know their values, and only the readers their edge values:
 *
 *   values        owner  ──> ghosts                   as in every step, all of them
 *   edge values   reader ──> the writer's outbox      the other way round than in a step
 *
 * An outbox must hold what was written last, since a step sends it whole, also what it did not
 * write anew.
 */
#ifndef GASKET_ENGINE_SNAPSHOT_SPREAD_H
#define GASKET_ENGINE_SNAPSHOT_SPREAD_H

#include "engine/run_private.h"

/* [all] Errors: MEMORY, PEER, PROTOCOL. */
bool gasket_snapshot_spread(GasketRun *run, GError **error);

#endif
