/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building a graph in memory.
 *
 *   g_autoptr(GError) error = NULL;
 *   GasketGraphBuilder *builder = gasket_graph_builder_new();
 *   unsigned page = gasket_graph_builder_add_kind(builder, "vertex");
 *   unsigned edges = gasket_graph_builder_add_relation(builder, "edges", page, page, false);
 *   unsigned weight = gasket_graph_builder_add_edge_column(builder, edges, "weight",
 *                                                          GASKET_DOUBLE, 1);
 *   const int64_t source[] = {10, 10, 30}, target[] = {20, 30, 10};
 *   const double w[] = {0.5, 1.5, 1};
 *   const void *columns[] = {w};
 *   gasket_graph_builder_add_edges(builder, edges, 3, source, target, columns, &error);
 *   GasketGraph *graph = gasket_graph_builder_finish_take(&builder, NULL, &error);
 *
 * Ids are 64-bit integers or text, separately for each kind. Ids given as text that are canonical
 * decimals (as printf %lld writes them) and fit are integers; if any id of a kind is not, all ids
 * of that kind are text, in byte order. An edge's ends exist by being named; a vertex without
 * edges is added by gasket_graph_builder_add_vertices.
 *
 * The order in which edges and vertices are added never matters to the finished graph.
 */
#ifndef GASKET_GRAPH_H
#define GASKET_GRAPH_H

#include <gasket/error.h>
#include <gasket/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct GasketGraph GasketGraph;
typedef struct GasketGraphBuilder GasketGraphBuilder;

/* Rules that hold for every relation of a graph. */
typedef struct {
    GasketOrder order;
    GasketMultiEdges multi_edges; /* sum, min, max: over the first column of the relation */
    bool drop_self_loops;         /* relations within one kind only */
    unsigned threads;             /* to build with; 0 means 1 */
} GasketGraphRules;

/* ---- life ---------------------------------------------------------------------------------- */

/* Never NULL. Free with gasket_graph_builder_free or gasket_graph_builder_finish_take. */
GASKET_API GasketGraphBuilder *gasket_graph_builder_new(void);
GASKET_API void gasket_graph_builder_free(GasketGraphBuilder *builder);

/* Turns what was added into a graph with the in-rows of every relation and frees the builder, in
 * failure too. rules may be NULL: order auto, every edge kept.
 * Errors: MEMORY; ARGUMENT if a kind has 2^32 - 1 vertices or more, or ids of more text than can be
 * indexed. O(E + V log V). */
GASKET_API GasketGraph *gasket_graph_builder_finish_take(GasketGraphBuilder **builder,
                                                         const GasketGraphRules *rules,
                                                         GError **error);
GASKET_API void gasket_graph_free(GasketGraph *graph);

/* ---- shape (before any vertex or edge is added) ---------------------------------------------- */

/* A new kind of vertices; returns its index. The first kind is 0. name is copied. */
GASKET_API unsigned gasket_graph_builder_add_kind(GasketGraphBuilder *builder, const char *name);

/* A new relation source -> target; returns its index. symmetric (source == target only): each
 * edge added stands for both directions (a self-loop for one entry). */
GASKET_API unsigned gasket_graph_builder_add_relation(GasketGraphBuilder *builder, const char *name,
                                                      unsigned source, unsigned target,
                                                      bool symmetric);

/* A column of a kind or of a relation; returns its index there. length: elements each, 0 for
 * columns that vary in length. Vertices that are never added explicitly get zeros (or length 0). */
GASKET_API unsigned gasket_graph_builder_add_vertex_column(GasketGraphBuilder *builder,
                                                           unsigned kind, const char *name,
                                                           GasketType type, uint32_t length);
GASKET_API unsigned gasket_graph_builder_add_edge_column(GasketGraphBuilder *builder,
                                                         unsigned relation, const char *name,
                                                         GasketType type, uint32_t length);

/* ---- content --------------------------------------------------------------------------------- */

/* Data of count things for one varying column: thing i has the elements data[begin[i]] ..
 * data[begin[i + 1] - 1]. Stands in `columns` below as a pointer to this. */
typedef struct {
    const void *data;
    const uint64_t *begin; /* [count + 1] */
} GasketVarying;

/* Adds count vertices of a kind. columns: one pointer for each column of the kind, in order, to
 * [count * length] elements (or to a GasketVarying); NULL if the kind has none. Adding a vertex
 * twice is allowed; its columns are those that sort first. Everything is copied. */
GASKET_API bool gasket_graph_builder_add_vertices(GasketGraphBuilder *builder, unsigned kind,
                                                  size_t count, const int64_t *ids,
                                                  const void *const *columns, GError **error);
GASKET_API bool gasket_graph_builder_add_vertices_text(GasketGraphBuilder *builder, unsigned kind,
                                                       size_t count, const char *const *ids,
                                                       const void *const *columns, GError **error);

/* Adds count edges of a relation, edge i from sources[i] to targets[i]; columns as above. */
GASKET_API bool gasket_graph_builder_add_edges(GasketGraphBuilder *builder, unsigned relation,
                                               size_t count, const int64_t *sources,
                                               const int64_t *targets, const void *const *columns,
                                               GError **error);
GASKET_API bool gasket_graph_builder_add_edges_text(GasketGraphBuilder *builder, unsigned relation,
                                                    size_t count, const char *const *sources,
                                                    const char *const *targets,
                                                    const void *const *columns, GError **error);

/* ---- reading --------------------------------------------------------------------------------- */

GASKET_API unsigned gasket_graph_n_kinds(const GasketGraph *graph);
GASKET_API unsigned gasket_graph_n_relations(const GasketGraph *graph);
GASKET_API uint32_t gasket_graph_n_vertices(const GasketGraph *graph, unsigned kind);

/* Edges after the rules; an edge of a symmetric relation counts once. */
GASKET_API uint64_t gasket_graph_n_edges(const GasketGraph *graph, unsigned relation);

/* The original id of the vertex with a number, as text; free with g_free. */
GASKET_API char *gasket_graph_id_text(const GasketGraph *graph, unsigned kind, uint32_t number);

/* The number of the vertex with an original id, or GASKET_NO_VERTEX. O(log V); O(V) where vertices
 * are ordered by degree. */
GASKET_API uint32_t gasket_graph_find(const GasketGraph *graph, unsigned kind, const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketGraphBuilder, gasket_graph_builder_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketGraph, gasket_graph_free)

#ifdef __cplusplus
}
#endif

#endif
