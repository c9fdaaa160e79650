/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block's vertices in sets, none of which has two vertices one of which reads the other: so that
 * a set can be gathered together although its vertices must run one after the other.
 *
 *   block   5 ── 6 ── 7 ── 8      set 0   5  7      set 1   6  8
 *
 * Greedily, in the order of the block: each vertex goes into the first set that has none of its
 * neighbours. So there are at most as many sets as the largest number of neighbours within the
 * block, and one.
 *
 * Cost: a comparison for each entry of the rows, and some steps for each that lies between the
 * block's first and last vertex.
 */
#ifndef GASKET_ENGINE_ASYNC_SETS_H
#define GASKET_ENGINE_ASYNC_SETS_H

#include "engine/async.h"

typedef struct {
    unsigned n;
    uint32_t vertex[GASKET_ASYNC_BLOCK];    /* set by set, ascending within each */
    uint32_t begin[GASKET_ASYNC_BLOCK + 1]; /* [n + 1] */
} GasketAsyncSets;

/* All in one set, which is right where no vertex names another. */
void gasket_async_sets_one(GasketAsyncSets *sets, const uint32_t *vertex, size_t count);

/* Splits vertex[0 .. count - 1], ascending, whose rows of each row set are rows[s]. */
void gasket_async_sets_split(GasketAsyncSets *sets, const GasketAsyncKind *kind,
                             const GasketRows *rows, const uint32_t *vertex, size_t count);

#endif
