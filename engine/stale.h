/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded staleness: steps that do not wait for everybody.
 *
 * With --staleness S a worker ends its step r once it has everything of the steps up to r - S from
 * each peer, and reads whatever newer values have come. So no worker is more than S steps ahead of
 * the slowest, and no ghost that is read is more than S steps older than a synchronous run would
 * have it. A worker that is slow for a moment, or a link, holds up nobody who is not S steps ahead.
 *
 *   rank 0   | 1 | 2 | 3 |  wait   | 4 ...          S = 2: step 4 begins when step 2 - 1 = 1 ... of
 *   rank 1   |    1    |    2    |    3    | ...    rank 1 is there
 *
 * Totals are those of step r - S, which every worker then knows: so drivers, which depend on totals
 * alone, take the same turns everywhere. The first step is waited for; until step S + 1 its totals
 * stand.
 *
 * What a run says of convergence is then S steps old and was found with old values. So when the
 * driver says that it has converged, staleness ends: everything outstanding is received and the run
 * goes on synchronously until the driver says so again, which is the answer's last word.
 *
 * Only steps of programs that gather over their own kind's values and publish them are ever stale,
 * and only of algorithms that say that they may be (GasketAlgorithm.stale): that any values of
 * earlier steps will do in place of the newest. Steps on sets, sweeps, edge values and whatever
 * else ranks do together come after everything outstanding. With S = 0 nothing here runs.
 *
 * Cost: what changed is copied once a step instead of exchanging two buffers; 2 S + 1 sets of
 * partial totals; monotone programs pull in every step.
 *
 * Reference: Q. Ho et al., More effective distributed ML via a stale synchronous parallel parameter
 * server, NIPS 2013.
 */
#ifndef GASKET_ENGINE_STALE_H
#define GASKET_ENGINE_STALE_H

#include "engine/step.h"

/* Before a step: whether it may be stale (ret_stale), else receives everything outstanding. */
bool gasket_stale_prepare(GasketRun *run, const GasketProgram *program, const GasketStepPart *part,
                          GasketStale **ret_stale, GError **error);

/* [all] Receives everything outstanding. Before anything that ranks do together. */
bool gasket_stale_settle(GasketRun *run, GError **error);

/* The round of a stale step; its own totals are done once `finish` is called. */
void gasket_stale_begin(GasketStale *stale, GasketStep *step);
bool gasket_stale_finish(GasketStale *stale, GError **error);

void gasket_stale_free(GasketStale *stale);

#endif
