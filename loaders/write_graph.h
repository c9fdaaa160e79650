/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing: a graph -> a file of any format that load.h reads (SQLite and ratings.dat excepted), and
 * generated edges -> a file as they come.
 *
 *   if (!gasket_write_graph(graph, 0, "b.mtx", NULL, &lost, &error))
 *       return false;
 *
 *   format            ids          vertices without edges   a symmetric relation
 *   edges, csv        original     lost                     each edge once
 *   binary[-weighted] 1 .. n       lost                     each edge once
 *   adjacency         original     kept                     from both ends
 *   mtx               1 .. n       kept                     as symmetric: the lower triangle
 *   metis             1 .. n       kept                     from both ends, as the format demands
 *   dimacs            1 .. n       kept                     an arc in each direction
 *
 * 1 .. n counts vertices by ascending original id. Edges stand by ascending id of source and then
 * of target. Weights are written in their shortest form that reads back to the same number. The
 * file appears whole or not at all; "-" is stdout.
 *
 * What a format cannot hold is an ARGUMENT error that says what to do: parallel edges in mtx, a
 * directed graph, self-loops and fractional weights in metis, two kinds of vertices in metis and
 * dimacs, ids with blanks in edges and adjacency.
 */
#ifndef GASKET_LOADERS_WRITE_GRAPH_H
#define GASKET_LOADERS_WRITE_GRAPH_H

#include <gasket/graph.h>

/* format NULL: by the path's extension (edges for "-"). ret_lost (may be NULL): vertices without
 * edges that the format cannot hold. Errors: ARGUMENT, IO, MEMORY. */
bool gasket_write_graph(GasketGraph *graph, unsigned relation, const char *path, const char *format,
                        uint64_t *ret_lost, GError **error);

/* NULL-terminated names of the formats that can be written. */
const char *const *gasket_write_formats(void);

/* ---- edges as they come ---------------------------------------------------------------------- */

typedef struct GasketEdgeWriter GasketEdgeWriter;

/* format: edges, csv, binary or binary-weighted; NULL: by extension. */
GasketEdgeWriter *gasket_edge_writer_new(const char *path, const char *format, bool weighted,
                                         GError **error);

/* Writes n edges between vertices from 0 with their numbers; weight is NULL where there are none.
 * A GasketEmitEdges, with the writer as data. */
bool gasket_edge_writer_add(void *writer, size_t n, const uint64_t *source, const uint64_t *target,
                            const float *weight, GError **error);

/* Makes the file stand at its path; the writer is still to be freed. */
bool gasket_edge_writer_finish(GasketEdgeWriter *writer, GError **error);
void gasket_edge_writer_free(GasketEdgeWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketEdgeWriter, gasket_edge_writer_free)

#endif
