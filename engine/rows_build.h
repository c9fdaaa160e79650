/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From edges to rows (CSR), in two steps:
 *
 *   blocks of feeds ─┐
 *                    ├─scatter──> buckets of records ──fill──> offset, neighbour, columns
 *   other rows ──────┘
 *
 * Scatter (rows_build.c, rows_transpose.c): handles become numbers, what the rules drop is left
 * out, and each record goes to the bucket of its row; consumed blocks are freed.
 * Fill (rows_fill.c; with columns rows_fill_columns.c): each bucket is counted, its records go to
 * their rows, rows are sorted and parallel edges merged: all in the cache, each bucket by one
 * thread. Long rows are sorted together, by sorting their bucket's records before they go.
 *
 * The rows are a function of the multiset of edges and of the rules: sorting leaves at most records
 * with equal bits in an order that depends on anything else.
 *
 * Cost: O(E + V) (a row of parallel edges with columns: their number log it). Edges without
 * columns take 8 bytes each while scattered, then 4 more for the rows being filled.
 */
#ifndef GASKET_ENGINE_ROWS_BUILD_H
#define GASKET_ENGINE_ROWS_BUILD_H

#include "engine/builder.h"
#include "engine/number.h"
#include "engine/record.h"
#include "engine/scatter.h"

/* Builds the rows of one direction of a relation from the feeds, which lose its blocks, and sets
 * the relation's n_edges. Symmetric: direction GASKET_IN. Errors: MEMORY; ARGUMENT if one bucket
 * has 2^32 or more edges with columns. */
bool gasket_rows_build(GasketGraphBuilder *builder, const GasketNumbers *numbers,
                       const GasketGraphRules *rules, unsigned relation, GasketDirection direction,
                       GasketGraph *graph, GError **error);

/* Scattered edges to be turned into rows. */
typedef struct {
    const GasketScatter *scatter;
    const GasketRecordLayout *layout;
    char *const *names; /* [layout->n_columns] of the columns */
    GasketMultiEdges multi_edges;
    unsigned threads;
} GasketFill;

/* rows_fill.c: turns them into rows; *rows is empty and holds nothing after a failure. */
bool gasket_rows_fill(const GasketFill *fill, GasketGraphRows *ret_rows, GError **error);

/* What the files that fill share. */
typedef struct {
    const GasketFill *fill;
    GasketGraphRows *rows;
    uint64_t *base;       /* [buckets + 1] records in the buckets before */
    uint64_t *kept;       /* [buckets] entries after merging */
    uint64_t max_count;   /* records of the largest bucket */
    uint64_t max_chunks;  /* chunks of the bucket that has most */
    const void ***values; /* [n_columns] of varying columns: where an entry's stands */
} GasketFillJob;

/* Counts the rows of a bucket and puts in offset[r] where row r begins. */
void gasket_fill_offsets(const GasketFillJob *job, uint32_t bucket);

/* After the entries were put, each at offset[row]++: offset[r] is again where row r begins. */
void gasket_fill_restore(const GasketFillJob *job, uint32_t bucket);

/* rows_fill_columns.c: the same with columns. */
bool gasket_fill_columns(GasketFillJob *job, GError **error);
bool gasket_fill_alloc_columns(GasketFillJob *job, GError **error);
void gasket_fill_move_columns(GasketFillJob *job, uint64_t to, uint64_t from, uint64_t n);
bool gasket_fill_finish_columns(GasketFillJob *job, GError **error);

/* graph.c */
void gasket_graph_rows_clear(GasketGraphRows *rows, unsigned n_columns);

#endif
