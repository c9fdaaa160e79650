/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ghost path reversed, for maxima: what ranks know of one another's vertices goes home.
 *
 *   ghost of v on rank 1: 7 ──┐
 *   ghost of v on rank 2: 3 ──┴──> v on its owner: max(own, 7, 3)
 *
 * A rank sends (position in the owner's list, value) of each ghost whose value is not 0. Positions
 * are those of ghost updates (ghosts.h). A maximum does not mind the order in which peers answer.
 *
 * Cost: 12 bytes for each ghost whose value is not 0, in one round.
 */
#ifndef GASKET_ENGINE_GHOSTS_RAISE_H
#define GASKET_ENGINE_GHOSTS_RAISE_H

#include "engine/run_private.h"

/* [all] Every owned vertex's value becomes the largest of it and its ghosts' on all ranks. value:
 * [n_local] of the kind; ghosts are left as they are. */
bool gasket_ghosts_raise(GasketRun *run, unsigned kind, uint64_t *value, GError **error);

#endif
