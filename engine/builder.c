/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder: takes a graph's shape and content. What it is given goes through a feed of its own;
 * finishing numbers the vertices (number.h), then turns each relation's edges into rows
 * (rows_build.h), giving back the blocks of the feeds as it goes.
 *
 *   shape ──first content──> content ──finish_take──> graph
 *
 * Cost: adding is one copy and, for text and large integers, one look-up in a dictionary; for
 * finishing see number.h and rows_build.h.
 */
#include "engine/builder.h"

#include <string.h>

#include "engine/array.h"
#include "engine/kind_build.h"
#include "engine/number.h"
#include "engine/rows_build.h"

/* Ids that are turned into handles at a time. */
#define BATCH 512

/* ---- life ---------------------------------------------------------------------------------- */

GasketGraphBuilder *
gasket_graph_builder_new(void)
{
    GasketGraphBuilder *builder = g_new0(GasketGraphBuilder, 1);
    pthread_mutex_init(&builder->lock, NULL);
    return builder;
}

static void
columns_free(GasketColumnShape *columns, unsigned n_columns)
{
    for (unsigned c = 0; c < n_columns; c++)
        g_free(columns[c].name);
    g_free(columns);
}

void
gasket_graph_builder_free(GasketGraphBuilder *builder)
{
    if (builder == NULL)
        return;
    for (unsigned f = 0; f < builder->n_feeds; f++)
        gasket_feed_free(builder->feeds[f]);
    g_free(builder->feeds);
    for (unsigned k = 0; k < builder->n_kinds; k++) {
        columns_free(builder->kinds[k].columns, builder->kinds[k].n_columns);
        g_free(builder->kinds[k].name);
    }
    g_free(builder->kinds);
    for (unsigned r = 0; r < builder->n_relations; r++) {
        columns_free(builder->relations[r].columns, builder->relations[r].n_columns);
        g_free(builder->relations[r].name);
    }
    g_free(builder->relations);
    pthread_mutex_destroy(&builder->lock);
    g_free(builder);
}

/* ---- shape --------------------------------------------------------------------------------- */

unsigned
gasket_graph_builder_add_kind(GasketGraphBuilder *builder, const char *name)
{
    g_assert(builder->n_feeds == 0);
    builder->kinds = g_renew(GasketKindShape, builder->kinds, builder->n_kinds + 1);
    builder->kinds[builder->n_kinds] = (GasketKindShape){.name = g_strdup(name)};
    return builder->n_kinds++;
}

unsigned
gasket_graph_builder_add_relation(GasketGraphBuilder *builder, const char *name, unsigned source,
                                  unsigned target, bool symmetric)
{
    g_assert(builder->n_feeds == 0);
    g_assert(source < builder->n_kinds && target < builder->n_kinds);
    g_assert(!symmetric || source == target);
    builder->relations = g_renew(GasketRelationShape, builder->relations, builder->n_relations + 1);
    builder->relations[builder->n_relations] = (GasketRelationShape){.name = g_strdup(name),
                                                                     .source = source,
                                                                     .target = target,
                                                                     .symmetric = symmetric};
    return builder->n_relations++;
}

static unsigned
add_column(GasketColumnShape **columns, unsigned *n_columns, const char *name, GasketType type,
           uint32_t length)
{
    *columns = g_renew(GasketColumnShape, *columns, *n_columns + 1);
    (*columns)[*n_columns] =
        (GasketColumnShape){.name = g_strdup(name), .type = type, .length = length};
    return (*n_columns)++;
}

unsigned
gasket_graph_builder_add_vertex_column(GasketGraphBuilder *builder, unsigned kind, const char *name,
                                       GasketType type, uint32_t length)
{
    g_assert(builder->n_feeds == 0 && kind < builder->n_kinds);
    GasketKindShape *shape = &builder->kinds[kind];
    return add_column(&shape->columns, &shape->n_columns, name, type, length);
}

unsigned
gasket_graph_builder_add_edge_column(GasketGraphBuilder *builder, unsigned relation,
                                     const char *name, GasketType type, uint32_t length)
{
    g_assert(builder->n_feeds == 0 && relation < builder->n_relations);
    GasketRelationShape *shape = &builder->relations[relation];
    return add_column(&shape->columns, &shape->n_columns, name, type, length);
}

/* ---- content ------------------------------------------------------------------------------- */

/* Ids as the public functions take them: one of the two. */
typedef struct {
    const int64_t *integer;
    const char *const *text;
} Ids;

/* Handles of n ids from the one at first. */
static bool
look_up(GasketFeed *feed, unsigned kind, const Ids *ids, size_t first, size_t n, uint32_t *handles,
        GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (ids->integer != NULL)
            handles[i] = gasket_feed_integer(feed, kind, ids->integer[first + i], error);
        else
            handles[i] = gasket_feed_text(feed, kind, ids->text[first + i],
                                          strlen(ids->text[first + i]), error);
        if (handles[i] == GASKET_NO_VERTEX)
            return false;
    }
    return true;
}

/* A batch's part of the columns that a caller gave; varying: [n_columns] to hold them. */
static void
columns_from(const GasketColumnShape *shape, unsigned n_columns, const void *const *columns,
             size_t first, const void **ret_columns, GasketVarying *varying)
{
    for (unsigned c = 0; c < n_columns; c++) {
        if (shape[c].length == 0) {
            const GasketVarying *all = columns[c];
            varying[c] = (GasketVarying){.data = all->data, .begin = all->begin + first};
            ret_columns[c] = &varying[c];
        } else {
            ret_columns[c] = (const char *)columns[c] +
                             first * shape[c].length * gasket_type_size(shape[c].type);
        }
    }
}

static bool
own_feed(GasketGraphBuilder *builder, GError **error)
{
    if (builder->own == NULL)
        builder->own = gasket_feed_new(builder, error);
    return builder->own != NULL;
}

static bool
add_vertices(GasketGraphBuilder *builder, unsigned kind, size_t count, const Ids *ids,
             const void *const *columns, GError **error)
{
    g_assert(kind < builder->n_kinds);
    if (!own_feed(builder, error))
        return false;
    const GasketKindShape *shape = &builder->kinds[kind];
    g_autofree const void **part = g_new0(const void *, shape->n_columns);
    g_autofree GasketVarying *varying = g_new0(GasketVarying, shape->n_columns);
    uint32_t handles[BATCH];

    for (size_t first = 0; first < count; first += BATCH) {
        size_t n = MIN(BATCH, count - first);
        columns_from(shape->columns, shape->n_columns, columns, first, part, varying);
        if (!look_up(builder->own, kind, ids, first, n, handles, error) ||
            !gasket_feed_vertices(builder->own, kind, n, handles, part, error))
            return false;
    }
    return true;
}

static bool
add_edges(GasketGraphBuilder *builder, unsigned relation, size_t count, const Ids *sources,
          const Ids *targets, const void *const *columns, GError **error)
{
    g_assert(relation < builder->n_relations);
    if (!own_feed(builder, error))
        return false;
    const GasketRelationShape *shape = &builder->relations[relation];
    g_autofree const void **part = g_new0(const void *, shape->n_columns);
    g_autofree GasketVarying *varying = g_new0(GasketVarying, shape->n_columns);
    uint32_t from[BATCH], to[BATCH];

    for (size_t first = 0; first < count; first += BATCH) {
        size_t n = MIN(BATCH, count - first);
        columns_from(shape->columns, shape->n_columns, columns, first, part, varying);
        if (!look_up(builder->own, shape->source, sources, first, n, from, error) ||
            !look_up(builder->own, shape->target, targets, first, n, to, error) ||
            !gasket_feed_edges(builder->own, relation, n, from, to, part, error))
            return false;
    }
    return true;
}

bool
gasket_graph_builder_add_vertices(GasketGraphBuilder *builder, unsigned kind, size_t count,
                                  const int64_t *ids, const void *const *columns, GError **error)
{
    return add_vertices(builder, kind, count, &(Ids){.integer = ids}, columns, error);
}

bool
gasket_graph_builder_add_vertices_text(GasketGraphBuilder *builder, unsigned kind, size_t count,
                                       const char *const *ids, const void *const *columns,
                                       GError **error)
{
    return add_vertices(builder, kind, count, &(Ids){.text = ids}, columns, error);
}

bool
gasket_graph_builder_add_edges(GasketGraphBuilder *builder, unsigned relation, size_t count,
                               const int64_t *sources, const int64_t *targets,
                               const void *const *columns, GError **error)
{
    return add_edges(builder, relation, count, &(Ids){.integer = sources},
                     &(Ids){.integer = targets}, columns, error);
}

bool
gasket_graph_builder_add_edges_text(GasketGraphBuilder *builder, unsigned relation, size_t count,
                                    const char *const *sources, const char *const *targets,
                                    const void *const *columns, GError **error)
{
    return add_edges(builder, relation, count, &(Ids){.text = sources}, &(Ids){.text = targets},
                     columns, error);
}

/* ---- finishing ----------------------------------------------------------------------------- */

static GasketGraph *
graph_of_shape(const GasketGraphBuilder *builder, const GasketGraphRules *rules)
{
    GasketGraph *graph = g_new0(GasketGraph, 1);
    graph->n_kinds = builder->n_kinds;
    graph->n_relations = builder->n_relations;
    graph->threads = MAX(rules->threads, 1);
    graph->kinds = g_new0(GasketGraphKind, builder->n_kinds);
    graph->relations = g_new0(GasketGraphRelation, builder->n_relations);
    for (unsigned k = 0; k < builder->n_kinds; k++)
        graph->kinds[k].name = g_strdup(builder->kinds[k].name);
    for (unsigned r = 0; r < builder->n_relations; r++) {
        const GasketRelationShape *shape = &builder->relations[r];
        GasketGraphRelation *relation = &graph->relations[r];
        relation->name = g_strdup(shape->name);
        relation->source = shape->source;
        relation->target = shape->target;
        relation->symmetric = shape->symmetric;
        relation->n_columns = shape->n_columns;
    }
    return graph;
}

GasketGraph *
gasket_graph_builder_finish_rows_take(GasketGraphBuilder **builder, const GasketGraphRules *rules,
                                      const GasketWantedRows *wanted, GError **error)
{
    static const GasketGraphRules default_rules = {.order = GASKET_ORDER_AUTO};
    g_autoptr(GasketGraphBuilder) from = g_steal_pointer(builder);
    if (rules == NULL)
        rules = &default_rules;

    g_autoptr(GasketGraph) graph = graph_of_shape(from, rules);
    g_autoptr(GasketNumbers) numbers = gasket_numbers_new(from, rules, graph, error);
    if (numbers == NULL)
        return NULL;
    for (unsigned k = 0; k < from->n_kinds; k++) {
        if (!gasket_kind_build_columns(from, numbers, k, &graph->kinds[k], error))
            return NULL;
    }
    for (unsigned r = 0; r < from->n_relations; r++) {
        bool symmetric = graph->relations[r].symmetric;
        bool out_only = !symmetric && wanted[r].out && !wanted[r].in;
        if (!gasket_rows_build(from, numbers, rules, r, out_only ? GASKET_OUT : GASKET_IN, graph,
                               error))
            return NULL;
        if (!symmetric && wanted[r].in && wanted[r].out &&
            !gasket_graph_require_rows(graph, r, GASKET_OUT, error))
            return NULL;
    }
    return g_steal_pointer(&graph);
}

GasketGraph *
gasket_graph_builder_finish_take(GasketGraphBuilder **builder, const GasketGraphRules *rules,
                                 GError **error)
{
    g_autofree GasketWantedRows *wanted = g_new0(GasketWantedRows, (*builder)->n_relations);
    for (unsigned r = 0; r < (*builder)->n_relations; r++)
        wanted[r].in = true;
    return gasket_graph_builder_finish_rows_take(builder, rules, wanted, error);
}
