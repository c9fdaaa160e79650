/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results: rows from every rank, merged by ascending original id at rank 0.
 *
 *   rank 0                          rank r
 *   request (kind, first or next) ─────────> pack the next rows by ordinal
 *   merge by ordinal  <───────────────────── RESULT (n rows; 0: that was all)
 *   ...
 *   request end       ─────────────────────> leave the serving loop
 *
 * One request per rank is under way, so rank 0 holds a frame of each rank and one block, never the
 * whole result. Only where a result names vertices (GASKET_VERTEX) does rank 0 first collect all
 * ids of that kind: 8 bytes a vertex.
 */
#ifndef GASKET_ENGINE_RESULTS_H
#define GASKET_ENGINE_RESULTS_H

#include "engine/run_private.h"

/* On rank 0: asks all, gives merged blocks to job->result, and ends the others' serving. */
bool gasket_results_collect(GasketRun *run, const GasketJob *job, GError **error);

/* On the others: answers until rank 0 says that it has all. */
bool gasket_results_serve(GasketRun *run, const GasketJob *job, GError **error);

#endif
