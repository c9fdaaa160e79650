/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle for all that builds graphs: what the arrays of a model's finished graph must be,
 * by brute force, slow and simple by design.
 */
#ifndef GASKET_TESTS_GRAPH_ORACLE_H
#define GASKET_TESTS_GRAPH_ORACLE_H

#include "tests/graph_model.h"

/* ---- numbers ------------------------------------------------------------------------------- */

/* One vertex of a kind while numbers are found. */
typedef struct {
    unsigned index; /* of its id */
    const char *id;
    bool text; /* ids of the kind are compared as text */
    int64_t integer;
    uint64_t degree;
    uint32_t ordinal;
} ModelVertex;

static inline int
model_compare_ids(const void *x, const void *y)
{
    const ModelVertex *a = x, *b = y;
    if (a->text)
        return strcmp(a->id, b->id);
    return (a->integer > b->integer) - (a->integer < b->integer);
}

static inline int
model_compare_degrees(const void *x, const void *y)
{
    const ModelVertex *a = x, *b = y;
    if (a->degree != b->degree)
        return a->degree > b->degree ? -1 : 1;
    return a->ordinal < b->ordinal ? -1 : 1;
}

static inline void
model_add_degrees(const Model *model, const GasketGraphRules *rules, unsigned kind,
                  ModelVertex *all)
{
    for (size_t e = 0; e < model->n_edges; e++) {
        const ModelItem *edge = &model->edges[e];
        const ModelRelation *relation = &model->relations[edge->of];
        bool loop = relation->source == relation->target && edge->u == edge->v;
        if (loop && rules->drop_self_loops)
            continue;
        unsigned by = relation->symmetric && !loop ? 2 : 1;
        if (relation->source == kind)
            all[edge->u].degree += by;
        if (relation->target == kind)
            all[edge->v].degree += by;
    }
}

/* The vertices of a kind by number; returns how many. number_of [n_ids] by index of id. */
static inline uint32_t
model_numbers(const Model *model, const GasketGraphRules *rules, unsigned kind,
              ModelVertex *vertices, uint32_t *number_of)
{
    unsigned n_ids = model->kinds[kind].n_ids;
    g_autofree bool *used = g_new0(bool, n_ids);
    for (size_t e = 0; e < model->n_edges; e++) {
        const ModelRelation *relation = &model->relations[model->edges[e].of];
        if (relation->source == kind)
            used[model->edges[e].u] = true;
        if (relation->target == kind)
            used[model->edges[e].v] = true;
    }
    for (size_t i = 0; i < model->n_vertices; i++) {
        if (model->vertices[i].of == kind)
            used[model->vertices[i].u] = true;
    }
    g_autofree ModelVertex *all = g_new0(ModelVertex, n_ids);
    model_add_degrees(model, rules, kind, all);
    uint32_t n = 0;
    bool text = false;
    for (unsigned i = 0; i < n_ids; i++) {
        if (!used[i])
            continue;
        ModelVertex *vertex = &vertices[n++];
        *vertex =
            (ModelVertex){.index = i, .id = model->kinds[kind].ids[i], .degree = all[i].degree};
        text |= !gasket_parse_canonical(vertex->id, strlen(vertex->id), &vertex->integer);
    }
    for (uint32_t i = 0; i < n; i++)
        vertices[i].text = text;
    qsort(vertices, n, sizeof *vertices, model_compare_ids);
    for (uint32_t i = 0; i < n; i++)
        vertices[i].ordinal = i;
    if (rules->order == GASKET_ORDER_DEGREE)
        qsort(vertices, n, sizeof *vertices, model_compare_degrees);
    for (uint32_t i = 0; i < n; i++)
        number_of[vertices[i].index] = i;
    return n;
}

/* ---- entries ------------------------------------------------------------------------------- */

/* Order of values as graph.h defines it, by widening each element. */
static inline int
model_compare_values(GasketType type, const ModelValue *x, const ModelValue *y)
{
    size_t size = gasket_type_size(type);
    for (uint64_t i = 0; i < MIN(x->count, y->count); i++) {
        uint64_t a = 0, b = 0;
        memcpy(&a, x->bytes + i * size, size);
        memcpy(&b, y->bytes + i * size, size);
        if (a != b)
            return a < b ? -1 : 1;
    }
    return (x->count > y->count) - (x->count < y->count);
}

/* An entry of a row: what it must hold. */
typedef struct {
    uint32_t row, neighbour;
    const ModelColumn *columns;
    unsigned n_columns;
    ModelValue value[MODEL_COLUMNS];
} ModelEntry;

static inline int
model_compare_entries(const void *x, const void *y)
{
    const ModelEntry *a = x, *b = y;
    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    if (a->neighbour != b->neighbour)
        return a->neighbour < b->neighbour ? -1 : 1;
    for (unsigned c = 0; c < a->n_columns; c++) {
        int order = model_compare_values(a->columns[c].type, &a->value[c], &b->value[c]);
        if (order != 0)
            return order;
    }
    return 0;
}

static inline double
model_element(GasketType type, const uint8_t *from)
{
    float single;
    double real;
    memcpy(&single, from, 4);
    memcpy(&real, from, type == GASKET_DOUBLE ? 8 : 4);
    return type == GASKET_FLOAT ? single : real;
}

/* A sum of integers, in more bits than can overflow, cut to the type's range. */
static inline void
model_store_integer(GasketType type, __int128 sum, uint8_t *to)
{
    __int128 low = type == GASKET_INT32 ? INT32_MIN : type == GASKET_INT64 ? INT64_MIN : 0;
    __int128 high = type == GASKET_INT32   ? INT32_MAX
                    : type == GASKET_INT64 ? INT64_MAX
                    : type == GASKET_UINT8 ? UINT8_MAX
                                           : UINT32_MAX;
    int64_t cut = (int64_t)CLAMP(sum, low, high);
    memcpy(to, &cut, gasket_type_size(type));
}

static inline int64_t
model_integer(GasketType type, const uint8_t *from)
{
    int32_t narrow;
    int64_t wide = 0;
    memcpy(&narrow, from, type == GASKET_UINT8 ? 1 : 4);
    memcpy(&wide, from, gasket_type_size(type));
    return type == GASKET_INT32 ? narrow : wide;
}

/* Column 0 of n parallel entries, merged into the first of them. */
static inline void
model_merge(ModelEntry *entries, size_t n, GasketMultiEdges rule)
{
    GasketType type = entries->columns[0].type;
    size_t size = gasket_type_size(type);
    bool real = type == GASKET_FLOAT || type == GASKET_DOUBLE;
    for (uint32_t i = 0; i < entries->columns[0].length; i++) {
        uint8_t *to = entries[0].value[0].bytes + i * size;
        double real_sum = real ? model_element(type, to) : 0;
        __int128 sum = real ? 0 : model_integer(type, to);
        for (size_t e = 1; e < n; e++) {
            const uint8_t *from = entries[e].value[0].bytes + i * size;
            double r = real ? model_element(type, from) : 0;
            __int128 x = real ? 0 : model_integer(type, from);
            if (rule == GASKET_MULTI_SUM) {
                real_sum += r;
                sum += x;
                if (type == GASKET_INT64) /* saturates at each step: then order matters */
                    sum = CLAMP(sum, (__int128)INT64_MIN, (__int128)INT64_MAX);
            } else if (rule == GASKET_MULTI_MIN) {
                real_sum = r < real_sum ? r : real_sum;
                sum = x < sum ? x : sum;
            } else {
                real_sum = r > real_sum ? r : real_sum;
                sum = x > sum ? x : sum;
            }
        }
        float single = (float)real_sum;
        if (!real)
            model_store_integer(type, sum, to);
        else
            memcpy(to, type == GASKET_FLOAT ? (void *)&single : (void *)&real_sum, size);
    }
}

/* Sorts entries and merges parallel ones; returns how many stay. */
static inline size_t
model_apply_rules(ModelEntry *entries, size_t n, GasketMultiEdges rule)
{
    qsort(entries, n, sizeof *entries, model_compare_entries);
    if (rule == GASKET_MULTI_KEEP)
        return n;
    size_t kept = 0;
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin; end < n && entries[end].row == entries[begin].row &&
                          entries[end].neighbour == entries[begin].neighbour;)
            end++;
        if (rule != GASKET_MULTI_DROP && entries[begin].n_columns > 0 && end - begin > 1)
            model_merge(entries + begin, end - begin, rule);
        entries[kept++] = entries[begin];
    }
    return kept;
}

/* The entries of one direction of a relation after the rules; returns how many. */
static inline size_t
model_entries(const Model *model, const GasketGraphRules *rules, unsigned r,
              GasketDirection direction, uint32_t *const *number_of, ModelEntry *entries)
{
    const ModelRelation *relation = &model->relations[r];
    size_t n = 0;
    for (size_t e = 0; e < model->n_edges; e++) {
        const ModelItem *edge = &model->edges[e];
        if (edge->of != r)
            continue;
        bool loop = relation->source == relation->target && edge->u == edge->v;
        if (loop && rules->drop_self_loops)
            continue;
        uint32_t u = number_of[relation->source][edge->u];
        uint32_t v = number_of[relation->target][edge->v];
        ModelEntry entry = {.row = direction == GASKET_IN ? v : u,
                            .neighbour = direction == GASKET_IN ? u : v,
                            .columns = relation->columns,
                            .n_columns = relation->n_columns};
        memcpy(entry.value, edge->value, sizeof entry.value);
        entries[n++] = entry;
        if (relation->symmetric && !loop) {
            entry.row = entries[n - 1].neighbour;
            entry.neighbour = entries[n - 1].row;
            entries[n++] = entry;
        }
    }
    return model_apply_rules(entries, n, rules->multi_edges);
}

/* ---- comparing ----------------------------------------------------------------------------- */

static inline void
model_compare_column(const GasketColumnData *column, const ModelColumn *shape, uint64_t x,
                     const ModelValue *value)
{
    size_t size = gasket_type_size(shape->type);
    ck_assert_int_eq(column->type, shape->type);
    ck_assert_uint_eq(column->length, shape->length);
    uint64_t begin = shape->length > 0 ? x * shape->length : column->begin[x];
    if (shape->length == 0)
        ck_assert_uint_eq(column->begin[x + 1] - begin, value->count);
    if (value->count > 0)
        ck_assert_mem_eq((const char *)column->data + begin * size, value->bytes,
                         value->count * size);
}

static inline void
model_compare_rows(const GasketGraphRows *rows, const ModelEntry *entries, size_t n,
                   uint32_t n_rows)
{
    ck_assert_uint_eq(rows->n_rows, n_rows);
    ck_assert_uint_eq(rows->n_entries, n);
    size_t e = 0;
    for (uint32_t row = 0; row < n_rows; row++) {
        ck_assert_uint_eq(rows->offset[row], e);
        for (; e < n && entries[e].row == row; e++) {
            ck_assert_uint_eq(rows->neighbour[e], entries[e].neighbour);
            for (unsigned c = 0; c < entries[e].n_columns; c++)
                model_compare_column(&rows->columns[c], &entries[e].columns[c], e,
                                     &entries[e].value[c]);
        }
    }
    ck_assert_uint_eq(e, n);
    ck_assert_uint_eq(rows->offset[n_rows], n);
}

static inline void
model_compare_kind(const Model *model, unsigned k, const ModelVertex *vertices, uint32_t n,
                   const GasketGraph *graph)
{
    const GasketGraphKind *kind = &graph->kinds[k];
    ck_assert_uint_eq(gasket_graph_n_vertices(graph, k), n);
    for (uint32_t v = 0; v < n; v++) {
        g_autofree char *id = gasket_graph_id_text(graph, k, v);
        ck_assert_str_eq(id, vertices[v].id);
        ck_assert_uint_eq(gasket_graph_find(graph, k, id), v);
        ck_assert_uint_eq(kind->ordinal ? kind->ordinal[v] : v, vertices[v].ordinal);
        const ModelItem *first = NULL;
        for (size_t i = 0; i < model->n_vertices; i++) {
            const ModelItem *item = &model->vertices[i];
            if (item->of != k || item->u != vertices[v].index)
                continue;
            int order = first == NULL ? -1 : 0;
            for (unsigned c = 0; order == 0 && c < kind->n_columns; c++)
                order = model_compare_values(model->kinds[k].columns[c].type, &item->value[c],
                                             &first->value[c]);
            if (order < 0)
                first = item;
        }
        for (unsigned c = 0; c < model->kinds[k].n_columns; c++) {
            ModelValue none = {.count = model->kinds[k].columns[c].length};
            model_compare_column(&kind->columns[c], &model->kinds[k].columns[c], v,
                                 first != NULL ? &first->value[c] : &none);
        }
    }
    ck_assert_uint_eq(gasket_graph_find(graph, k, "not there"), GASKET_NO_VERTEX);
}

/* Compares every array of a graph with what the model says. */
static inline void
model_compare(const Model *model, const GasketGraphRules *rules, const GasketWantedRows *wanted,
              const GasketGraph *graph)
{
    uint32_t *number_of[MODEL_KINDS], n_vertices[MODEL_KINDS];
    for (unsigned k = 0; k < model->n_kinds; k++) {
        g_autofree ModelVertex *vertices = g_new0(ModelVertex, model->kinds[k].n_ids);
        number_of[k] = g_new0(uint32_t, model->kinds[k].n_ids);
        n_vertices[k] = model_numbers(model, rules, k, vertices, number_of[k]);
        model_compare_kind(model, k, vertices, n_vertices[k], graph);
    }
    g_autofree ModelEntry *entries = g_new0(ModelEntry, 2 * model->n_edges + 1);
    for (unsigned r = 0; r < model->n_relations; r++) {
        const GasketGraphRelation *relation = &graph->relations[r];
        for (unsigned d = 0; d < 2; d++) {
            bool symmetric = relation->symmetric;
            bool out_only = wanted[r].out && !wanted[r].in;
            bool want = d == GASKET_IN ? symmetric || !out_only : !symmetric && wanted[r].out;
            ck_assert((relation->rows[d].offset != NULL) == want);
            size_t n = model_entries(model, rules, r, (GasketDirection)d, number_of, entries);
            size_t loops = 0;
            for (size_t e = 0; symmetric && e < n; e++)
                loops += entries[e].row == entries[e].neighbour;
            ck_assert_uint_eq(gasket_graph_n_edges(graph, r), symmetric ? (n + loops) / 2 : n);
            unsigned kind = d == GASKET_IN ? relation->target : relation->source;
            if (want)
                model_compare_rows(&relation->rows[d], entries, n, n_vertices[kind]);
        }
    }
    for (unsigned k = 0; k < model->n_kinds; k++)
        g_free(number_of[k]);
}

#endif
