/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks the invariants of a finished graph (graph.h, by their numbers there).
 *
 * Whether in- and out-rows hold the same edges: reading one set of rows in order meets the entries
 * of every row of the other in order; so one cursor for each of these, and the entry under it must
 * be the one that was met. A symmetric relation is compared with itself.
 *
 * Cost: O(V + E), 8 bytes a vertex.
 */
#include <string.h>

#include "engine/array.h"
#include "engine/column_bits.h"
#include "engine/graph.h"

static bool
broken(GError **error, int invariant, const char *name, uint64_t where)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                "invariant %d of a graph is broken: %s, at %" G_GUINT64_FORMAT, invariant, name,
                where);
    return false;
}

/* The value of an entry or vertex in a column. */
static const void *
value_at(const GasketColumnData *column, uint64_t x, uint64_t *ret_count)
{
    uint64_t begin = column->begin ? column->begin[x] : x * column->length;
    *ret_count = column->begin ? column->begin[x + 1] - begin : column->length;
    return (const char *)column->data + begin * gasket_type_size(column->type);
}

/* Order of entry x of some rows and entry y of others, by their columns. */
static int
compare_columns(const GasketColumnData *of_x, uint64_t x, const GasketColumnData *of_y, uint64_t y,
                unsigned n_columns)
{
    for (unsigned c = 0; c < n_columns; c++) {
        uint64_t x_count, y_count;
        const void *x_value = value_at(&of_x[c], x, &x_count);
        const void *y_value = value_at(&of_y[c], y, &y_count);
        int order = gasket_bits_compare(of_x[c].type, x_value, x_count, y_value, y_count);
        if (order != 0)
            return order;
    }
    return 0;
}

/* Varying columns begin at 0 and ascend. */
static bool
check_columns(const GasketColumnData *columns, unsigned n_columns, uint64_t n, GError **error)
{
    for (unsigned c = 0; c < n_columns; c++) {
        const uint64_t *begin = columns[c].begin;
        if ((begin == NULL) != (columns[c].length > 0))
            return broken(error, 1, columns[c].name, 0);
        for (uint64_t x = 0; begin != NULL && x < n; x++) {
            if (begin[0] != 0 || begin[x] > begin[x + 1])
                return broken(error, 1, columns[c].name, x);
        }
    }
    return true;
}

/* Invariants 1 to 3. */
static bool
check_rows(const GasketGraphRelation *relation, const GasketGraphRows *rows, uint32_t n_rows,
           uint32_t n_neighbours, GError **error)
{
    if (rows->n_rows != n_rows || rows->offset[0] != 0 ||
        rows->offset[rows->n_rows] != rows->n_entries)
        return broken(error, 1, relation->name, rows->n_rows);
    for (uint32_t v = 0; v < n_rows; v++) {
        if (rows->offset[v] > rows->offset[v + 1])
            return broken(error, 1, relation->name, v);
    }
    if (!check_columns(rows->columns, relation->n_columns, rows->n_entries, error))
        return false;
    for (uint32_t v = 0; v < n_rows; v++) {
        for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++) {
            if (rows->neighbour[e] >= n_neighbours)
                return broken(error, 2, relation->name, e);
            if (e == rows->offset[v] || rows->neighbour[e - 1] < rows->neighbour[e])
                continue;
            if (rows->neighbour[e - 1] > rows->neighbour[e] ||
                compare_columns(rows->columns, e - 1, rows->columns, e, relation->n_columns) > 0)
                return broken(error, 3, relation->name, e);
        }
    }
    return true;
}

/* Invariant 4. */
static bool
check_transposed(const GasketGraphRelation *relation, const GasketGraphRows *rows,
                 const GasketGraphRows *other, uint64_t *cursor, GError **error)
{
    if (rows->n_entries != other->n_entries)
        return broken(error, 4, relation->name, rows->n_entries);
    memcpy(cursor, other->offset, other->n_rows * sizeof *cursor);
    for (uint32_t v = 0; v < rows->n_rows; v++) {
        for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++) {
            uint32_t u = rows->neighbour[e];
            uint64_t at = cursor[u]++;
            if (at >= other->offset[u + 1] || other->neighbour[at] != v ||
                compare_columns(rows->columns, e, other->columns, at, relation->n_columns) != 0)
                return broken(error, 4, relation->name, e);
        }
    }
    return true;
}

static bool
check_relation(const GasketGraph *graph, const GasketGraphRelation *relation, GError **error)
{
    uint32_t n_sources = graph->kinds[relation->source].n_vertices;
    uint32_t n_targets = graph->kinds[relation->target].n_vertices;
    const GasketGraphRows *in = &relation->rows[GASKET_IN], *out = &relation->rows[GASKET_OUT];
    if (in->offset == NULL && (out->offset == NULL || relation->symmetric))
        return broken(error, 4, relation->name, 0);
    if (in->offset != NULL && !check_rows(relation, in, n_targets, n_sources, error))
        return false;
    if (out->offset != NULL && !check_rows(relation, out, n_sources, n_targets, error))
        return false;
    if (relation->symmetric)
        out = in;
    else if (relation->n_edges != (in->offset != NULL ? in : out)->n_entries)
        return broken(error, 4, relation->name, relation->n_edges);
    if (in->offset == NULL || out->offset == NULL)
        return true;
    uint64_t *cursor = gasket_array_new(n_sources, sizeof *cursor, error);
    bool correct = cursor != NULL && check_transposed(relation, in, out, cursor, error);
    gasket_array_free(cursor);
    return correct;
}

/* Invariant 5. */
static bool
check_kind(const GasketGraph *graph, const GasketGraphKind *kind, GError **error)
{
    uint32_t n = kind->n_vertices;
    if (kind->ids.n != n || (kind->ids.integer == NULL && kind->ids.text_begin == NULL) ||
        (graph->order == GASKET_ORDER_GIVEN && kind->ordinal != NULL))
        return broken(error, 5, kind->name, n);
    if (!check_columns(kind->columns, kind->n_columns, n, error))
        return false;
    uint32_t *by_ordinal = gasket_array_new(n, sizeof *by_ordinal, error);
    if (by_ordinal == NULL)
        return false;
    bool correct = true;
    for (uint32_t x = 0; correct && x < n; x++) {
        uint32_t ordinal = kind->ordinal != NULL ? kind->ordinal[x] : x;
        correct = ordinal < n || broken(error, 5, kind->name, x);
        if (correct)
            by_ordinal[ordinal] = x;
    }
    for (uint32_t o = 1; correct && o < n; o++) {
        if (gasket_ids_compare(&kind->ids, by_ordinal[o - 1], by_ordinal[o]) >= 0)
            correct = broken(error, 5, kind->name, o);
    }
    gasket_array_free(by_ordinal);
    return correct;
}

bool
gasket_graph_check(const GasketGraph *graph, GError **error)
{
    for (unsigned k = 0; k < graph->n_kinds; k++) {
        if (!check_kind(graph, &graph->kinds[k], error))
            return false;
    }
    for (unsigned r = 0; r < graph->n_relations; r++) {
        if (!check_relation(graph, &graph->relations[r], error))
            return false;
    }
    return true;
}
