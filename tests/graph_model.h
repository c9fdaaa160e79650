/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A graph as a plain list of ids, edges and added vertices: drawn at random, and built through
 * builder and feeds. What its arrays must then be says graph_oracle.h.
 *
 *   Model model;
 *   model_random(&model, rng, n_ids, n_edges);
 *   GasketGraph *graph = model_build(&model, &rules, wanted, n_feeds, rng, &error);
 *   model_compare(&model, &rules, wanted, graph);
 *   model_clear(&model);
 */
#ifndef GASKET_TESTS_GRAPH_MODEL_H
#define GASKET_TESTS_GRAPH_MODEL_H

#include <string.h>

#include "engine/array.h"
#include "engine/dictionary.h"
#include "engine/feed.h"
#include "engine/graph.h"
#include "tests/check_main.h"

#define MODEL_KINDS     3
#define MODEL_RELATIONS 3
#define MODEL_COLUMNS   3
#define MODEL_ELEMENTS  20

/* One value of a column: count elements. */
typedef struct {
    uint64_t count;
    uint8_t bytes[MODEL_ELEMENTS * 8];
} ModelValue;

typedef struct {
    GasketType type;
    uint32_t length;
} ModelColumn;

/* An edge u -> v of a relation, or (v unused) an added vertex of a kind; ids by index. */
typedef struct {
    unsigned of;
    unsigned u, v;
    ModelValue value[MODEL_COLUMNS];
} ModelItem;

typedef struct {
    unsigned n_ids;
    char **ids; /* [n_ids] distinct */
    unsigned n_columns;
    ModelColumn columns[MODEL_COLUMNS];
} ModelKind;

typedef struct {
    unsigned source, target;
    bool symmetric;
    unsigned n_columns;
    ModelColumn columns[MODEL_COLUMNS];
} ModelRelation;

typedef struct {
    unsigned n_kinds, n_relations;
    ModelKind kinds[MODEL_KINDS];
    ModelRelation relations[MODEL_RELATIONS];
    ModelItem *edges;    /* [n_edges] */
    ModelItem *vertices; /* [n_vertices] */
    size_t n_edges, n_vertices;
} Model;

static inline void
model_clear(Model *model)
{
    for (unsigned k = 0; k < model->n_kinds; k++) {
        for (unsigned i = 0; i < model->kinds[k].n_ids; i++)
            g_free(model->kinds[k].ids[i]);
        g_free(model->kinds[k].ids);
    }
    g_free(model->edges);
    g_free(model->vertices);
    *model = (Model){0};
}

/* ---- random models ------------------------------------------------------------------------- */

static inline unsigned
model_draw(GRand *rng, unsigned n)
{
    return (unsigned)g_rand_int_range(rng, 0, (gint32)n);
}

/* An id in one of five styles: small, sparse, signed and large integers; text among integers;
 * text that agrees in its first bytes. */
static inline char *
model_draw_id(GRand *rng, unsigned style, unsigned n)
{
    static const char *const odd[] = {"",    "-0",      "007", "+1",
                                      "1e3", "-",       "a",   "9223372036854775808",
                                      " 1",  "\xc3\xa9"};
    int64_t any = (int64_t)((uint64_t)g_rand_int(rng) << 32 | g_rand_int(rng));
    switch (style) {
    case 0:
        return g_strdup_printf("%u", model_draw(rng, 2 * n));
    case 1:
        return g_strdup_printf("%u", g_rand_int(rng) >> 1);
    case 2:
        return g_strdup_printf("%" G_GINT64_FORMAT, any >> model_draw(rng, 64));
    case 3:
        if (model_draw(rng, 3) == 0)
            return g_strdup(odd[model_draw(rng, G_N_ELEMENTS(odd))]);
        return g_strdup_printf("%" G_GINT64_FORMAT, any >> model_draw(rng, 64));
    default:
        return g_strdup_printf("vertex/%u%s", model_draw(rng, n), model_draw(rng, 2) ? "" : "x");
    }
}

static inline void
model_draw_ids(ModelKind *kind, GRand *rng, unsigned n)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    unsigned style = model_draw(rng, 5);
    kind->ids = g_new0(char *, n);
    for (unsigned tries = 0; tries < 4 * n && kind->n_ids < n; tries++) {
        g_autofree char *id = model_draw_id(rng, style, n);
        if (g_hash_table_contains(seen, id))
            continue;
        g_hash_table_add(seen, id);
        kind->ids[kind->n_ids++] = g_steal_pointer(&id);
    }
}

static inline unsigned
model_draw_columns(ModelColumn columns[MODEL_COLUMNS], GRand *rng)
{
    static const GasketType types[] = {GASKET_UINT8, GASKET_INT32, GASKET_UINT32,
                                       GASKET_INT64, GASKET_FLOAT, GASKET_DOUBLE};
    static const uint32_t lengths[] = {1, 1, 1, 2, 0, MODEL_ELEMENTS};
    unsigned n = model_draw(rng, 2) == 0 ? 0 : 1 + model_draw(rng, MODEL_COLUMNS);
    for (unsigned c = 0; c < n; c++)
        columns[c] = (ModelColumn){.type = types[model_draw(rng, G_N_ELEMENTS(types))],
                                   .length = lengths[model_draw(rng, G_N_ELEMENTS(lengths))]};
    return n;
}

/* Few different values, so that ties occur; large ones, so that sums of integers overflow. */
static inline void
model_draw_element(GasketType type, GRand *rng, uint8_t *to)
{
    int64_t integer = (int64_t)model_draw(rng, 4) - 1;
    if (model_draw(rng, 8) == 0)
        integer = model_draw(rng, 2) == 0 ? INT64_MAX - 3 : INT64_MIN + 3;
    double real = (model_draw(rng, 5) - 2.0) * (model_draw(rng, 3) == 0 ? 1e17 : 0.1);
    float single = (float)real;
    switch (type) {
    case GASKET_FLOAT:
        memcpy(to, &single, 4);
        return;
    case GASKET_DOUBLE:
        memcpy(to, &real, 8);
        return;
    default:
        memcpy(to, &integer, gasket_type_size(type)); /* the low bytes of a little-endian machine */
    }
}

static inline void
model_draw_values(const ModelColumn *columns, unsigned n, GRand *rng, ModelItem *item)
{
    for (unsigned c = 0; c < n; c++) {
        ModelValue *value = &item->value[c];
        value->count = columns[c].length > 0 ? columns[c].length : model_draw(rng, 4);
        for (uint64_t i = 0; i < value->count; i++)
            model_draw_element(columns[c].type, rng,
                               value->bytes + i * gasket_type_size(columns[c].type));
    }
}

/* Up to 3 kinds and 3 relations; n_ids ids and n_edges edges at most. */
static inline void
model_random(Model *model, GRand *rng, unsigned n_ids, unsigned n_edges)
{
    *model = (Model){.n_kinds = 1 + model_draw(rng, MODEL_KINDS),
                     .n_relations = 1 + model_draw(rng, MODEL_RELATIONS)};
    for (unsigned k = 0; k < model->n_kinds; k++) {
        model_draw_ids(&model->kinds[k], rng, 1 + model_draw(rng, n_ids));
        model->kinds[k].n_columns = model_draw_columns(model->kinds[k].columns, rng);
    }
    for (unsigned r = 0; r < model->n_relations; r++) {
        ModelRelation *relation = &model->relations[r];
        relation->source = model_draw(rng, model->n_kinds);
        relation->target = model_draw(rng, model->n_kinds);
        relation->symmetric = relation->source == relation->target && model_draw(rng, 2) == 0;
        relation->n_columns = model_draw_columns(relation->columns, rng);
    }
    model->n_edges = model_draw(rng, n_edges + 1);
    model->edges = g_new0(ModelItem, model->n_edges);
    for (size_t e = 0; e < model->n_edges; e++) {
        ModelItem *edge = &model->edges[e];
        edge->of = model_draw(rng, model->n_relations);
        const ModelRelation *relation = &model->relations[edge->of];
        unsigned n_sources = model->kinds[relation->source].n_ids;
        unsigned n_targets = model->kinds[relation->target].n_ids;
        edge->u = model_draw(rng, n_sources);
        edge->v = model_draw(rng, model_draw(rng, 3) == 0 ? 1 : n_targets); /* id 0 is a hub */
        model_draw_values(relation->columns, relation->n_columns, rng, edge);
    }
    model->n_vertices = model_draw(rng, n_ids + 1);
    model->vertices = g_new0(ModelItem, model->n_vertices);
    for (size_t i = 0; i < model->n_vertices; i++) {
        ModelItem *vertex = &model->vertices[i];
        vertex->of = model_draw(rng, model->n_kinds);
        const ModelKind *kind = &model->kinds[vertex->of];
        vertex->u = model_draw(rng, kind->n_ids);
        model_draw_values(kind->columns, kind->n_columns, rng, vertex);
    }
}

/* ---- building ------------------------------------------------------------------------------ */

static inline GasketGraphBuilder *
model_shape(const Model *model)
{
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    for (unsigned k = 0; k < model->n_kinds; k++) {
        const ModelKind *kind = &model->kinds[k];
        gasket_graph_builder_add_kind(builder, "kind");
        for (unsigned c = 0; c < kind->n_columns; c++)
            gasket_graph_builder_add_vertex_column(builder, k, "column", kind->columns[c].type,
                                                   kind->columns[c].length);
    }
    for (unsigned r = 0; r < model->n_relations; r++) {
        const ModelRelation *relation = &model->relations[r];
        gasket_graph_builder_add_relation(builder, "relation", relation->source, relation->target,
                                          relation->symmetric);
        for (unsigned c = 0; c < relation->n_columns; c++)
            gasket_graph_builder_add_edge_column(builder, r, "column", relation->columns[c].type,
                                                 relation->columns[c].length);
    }
    return builder;
}

/* Adds one item by the builder's own functions or by a feed, at random. */
static inline bool
model_add(const Model *model, const ModelItem *item, bool is_edge, GasketGraphBuilder *builder,
          GasketFeed *feed, GRand *rng, GError **error)
{
    const ModelRelation *relation = &model->relations[item->of];
    unsigned u_kind = is_edge ? relation->source : item->of;
    unsigned v_kind = is_edge ? relation->target : item->of;
    const char *u = model->kinds[u_kind].ids[item->u], *v = model->kinds[v_kind].ids[item->v];
    const ModelColumn *column = is_edge ? relation->columns : model->kinds[item->of].columns;
    GasketVarying varying[MODEL_COLUMNS];
    uint64_t begin[MODEL_COLUMNS][2] = {{0}};
    const void *columns[MODEL_COLUMNS];
    for (unsigned c = 0; c < MODEL_COLUMNS; c++) {
        begin[c][1] = item->value[c].count;
        varying[c] = (GasketVarying){.data = item->value[c].bytes, .begin = begin[c]};
        columns[c] = column[c].length > 0 ? (const void *)item->value[c].bytes : &varying[c];
    }
    int64_t u_integer, v_integer;
    bool integers = gasket_parse_canonical(u, strlen(u), &u_integer) &&
                    gasket_parse_canonical(v, strlen(v), &v_integer) && model_draw(rng, 2) == 0;
    if (feed != NULL) {
        uint32_t from = integers ? gasket_feed_integer(feed, u_kind, u_integer, error)
                                 : gasket_feed_text(feed, u_kind, u, strlen(u), error);
        uint32_t to = GASKET_NO_VERTEX;
        if (from == GASKET_NO_VERTEX)
            return false;
        if (!is_edge)
            return gasket_feed_vertices(feed, item->of, 1, &from, columns, error);
        to = integers ? gasket_feed_integer(feed, v_kind, v_integer, error)
                      : gasket_feed_text(feed, v_kind, v, strlen(v), error);
        return to != GASKET_NO_VERTEX &&
               gasket_feed_edges(feed, item->of, 1, &from, &to, columns, error);
    }
    if (integers)
        return is_edge ? gasket_graph_builder_add_edges(builder, item->of, 1, &u_integer,
                                                        &v_integer, columns, error)
                       : gasket_graph_builder_add_vertices(builder, item->of, 1, &u_integer,
                                                           columns, error);
    return is_edge
               ? gasket_graph_builder_add_edges_text(builder, item->of, 1, &u, &v, columns, error)
               : gasket_graph_builder_add_vertices_text(builder, item->of, 1, &u, columns, error);
}

/* Builds the model's graph: everything in a random order, through n_feeds feeds and the builder's
 * own functions. NULL on failure. */
static inline GasketGraph *
model_build(const Model *model, const GasketGraphRules *rules, const GasketWantedRows *wanted,
            unsigned n_feeds, GRand *rng, GError **error)
{
    g_autoptr(GasketGraphBuilder) builder = model_shape(model);
    g_autofree GasketFeed **feeds = g_new0(GasketFeed *, n_feeds + 1);
    for (unsigned f = 0; f < n_feeds; f++) {
        if ((feeds[f] = gasket_feed_new(builder, error)) == NULL)
            return NULL;
    }
    size_t n = model->n_edges + model->n_vertices;
    g_autofree size_t *order = g_new0(size_t, n);
    for (size_t i = 0; i < n; i++) {
        size_t j = model_draw(rng, (unsigned)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (size_t i = 0; i < n; i++) {
        bool is_edge = order[i] < model->n_edges;
        const ModelItem *item =
            is_edge ? &model->edges[order[i]] : &model->vertices[order[i] - model->n_edges];
        GasketFeed *feed = feeds[model_draw(rng, n_feeds + 1)]; /* the last one is NULL */
        if (!model_add(model, item, is_edge, builder, feed, rng, error))
            return NULL;
    }
    GasketGraph *graph = gasket_graph_builder_finish_rows_take(&builder, rules, wanted, error);
    ck_assert_ptr_null(builder);
    return graph;
}

#endif
