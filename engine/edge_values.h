/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edge values: matching both ends of every edge, and their travel.
 *
 * An edge value is read at an entry of one row set (the reader's) and written from the entry of the
 * same edge in the opposite rows (the writer's). Parallel edges match in the order of the rows,
 * which is total: edges that it cannot tell apart are alike in every column.
 *
 * Both ranks of a cut edge agree on an order without talking: by number of the reader's vertex,
 * then of the writer's, then row order.
 */
#ifndef GASKET_ENGINE_EDGE_VALUES_H
#define GASKET_ENGINE_EDGE_VALUES_H

#include "engine/run_private.h"

/* Longest edge value: one must fit into a frame. */
#define GASKET_EDGE_VALUE_MAX ((1u << 20) - 64)

void gasket_edge_values_clear(GasketEdgeValues *values);

/* Bytes of the value at a slot, and where it starts. */
static inline uint64_t
gasket_edge_value_begin(const GasketEdgeValues *values, uint64_t slot)
{
    return values->begin != NULL ? values->begin[slot] : slot * values->size;
}

#endif
