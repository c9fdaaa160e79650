/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a partitioner sees of a graph: which sets of rows stand, and one index for all kinds.
 *
 *   kind 0          kind 1                kind 2
 *   0 .. n0 - 1     n0 .. n0 + n1 - 1     ...          index = base[kind] + number
 *
 * A directed relation of which one direction stands shows each edge from one end only (`alone`);
 * a method that wants both ends has to make up for that.
 *
 * Invariants:
 *   1. Every relation has exactly one set with `first`: by these sets edges are counted.
 *   2. base[n_kinds] is the number of vertices of all kinds.
 */
#ifndef GASKET_PARTITION_VIEW_H
#define GASKET_PARTITION_VIEW_H

#include "partition/partition.h"

/* No part yet. */
#define GASKET_PARTITION_NONE UINT32_MAX

/* One set of rows that stands. */
typedef struct {
    const GasketGraphRows *rows;
    unsigned kind;      /* of the rows' owners */
    unsigned neighbour; /* kind of the neighbours */
    bool symmetric;     /* an edge stands in the rows of both its ends */
    bool first;         /* first set of its relation */
    bool alone;         /* directed, and the other direction does not stand */
} GasketPartitionRows;

typedef struct {
    const GasketGraph *graph;
    unsigned n_kinds, n_sets;
    uint64_t *base;            /* [n_kinds + 1] */
    GasketPartitionRows *sets; /* [n_sets] */
} GasketPartitionView;

void gasket_partition_view_init(GasketPartitionView *view, const GasketGraph *graph);
void gasket_partition_view_clear(GasketPartitionView *view);

/* Vertices of one kind. */
static inline uint32_t
gasket_partition_view_n(const GasketPartitionView *view, unsigned kind)
{
    return view->graph->kinds[kind].n_vertices;
}

/* Entries of the rows that the owner of a vertex keeps for it. */
static inline uint64_t
gasket_partition_view_entries(const GasketPartitionView *view, unsigned kind, uint32_t x)
{
    uint64_t entries = 0;
    for (unsigned s = 0; s < view->n_sets; s++)
        if (view->sets[s].kind == kind)
            entries += view->sets[s].rows->offset[x + 1] - view->sets[s].rows->offset[x];
    return entries;
}

/* The work of a vertex: what parts are balanced by. At least 1. */
static inline uint64_t
gasket_partition_view_work(const GasketPartitionView *view, unsigned kind, uint32_t x)
{
    return 1 + gasket_partition_view_entries(view, kind, x);
}

/* The work of all vertices of a kind. */
uint64_t gasket_partition_view_kind_work(const GasketPartitionView *view, unsigned kind);

/* Entries of the symmetrised graph before parallel and opposite edges are merged. */
uint64_t gasket_partition_view_symmetrised(const GasketPartitionView *view);

/* Edge ends (of edges counted once) at the busiest hundredth of the vertices that have edges, and
 * all edge ends. Exact. O(V + E). Error: MEMORY. */
bool gasket_partition_view_skew(const GasketPartitionView *view, uint64_t *ret_busiest,
                                uint64_t *ret_ends, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GasketPartitionView, gasket_partition_view_clear)

#endif
