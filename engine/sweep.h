/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sweeps: a program's vertices colour by colour, the values of one colour visible to the next.
 *
 *   colour 0 ─ step ─ commit ─ wake ─> colour 1 ─ step ─ commit ─ wake ─> ... ─> totals
 *
 * Each colour is a superstep on a set: staged, committed and sent as any other, so that a sweep is
 * as deterministic as a step. The program's aggregates run on from the first colour to the last.
 */
#ifndef GASKET_ENGINE_SWEEP_H
#define GASKET_ENGINE_SWEEP_H

#include "engine/run_private.h"

/* [all] The colouring that a step of the program runs by: with the chromatic engine, if it gathers
 * over values of its own kind and writes them, one at distance 1 over its first such row set, made
 * when first needed and kept by the run; else NULL. */
bool gasket_sweep_colouring(GasketRun *run, const GasketProgram *program,
                            GasketColouring **ret_colouring, GError **error);

#endif
