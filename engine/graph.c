/* SPDX-License-Identifier: Apache-2.0 */
/* A finished graph: its end, and reading it. See graph.h; building: builder.c. */
#include "engine/graph.h"

#include <string.h>

#include "engine/array.h"
#include "engine/dictionary.h"
#include "engine/rows_build.h"

/* ---- life ---------------------------------------------------------------------------------- */

void
gasket_column_data_clear(GasketColumnData *column)
{
    g_free(column->name);
    gasket_array_free(column->data);
    gasket_array_free(column->begin);
    *column = (GasketColumnData){0};
}

static void
columns_free(GasketColumnData *columns, unsigned n_columns)
{
    for (unsigned c = 0; columns != NULL && c < n_columns; c++)
        gasket_column_data_clear(&columns[c]);
    g_free(columns);
}

void
gasket_graph_rows_clear(GasketGraphRows *rows, unsigned n_columns)
{
    gasket_array_free(rows->offset);
    gasket_array_free(rows->neighbour);
    columns_free(rows->columns, n_columns);
    *rows = (GasketGraphRows){0};
}

void
gasket_graph_free(GasketGraph *graph)
{
    if (graph == NULL)
        return;
    for (unsigned k = 0; k < graph->n_kinds; k++) {
        GasketGraphKind *kind = &graph->kinds[k];
        g_free(kind->name);
        gasket_ids_clear(&kind->ids);
        gasket_array_free(kind->ordinal);
        columns_free(kind->columns, kind->n_columns);
    }
    for (unsigned r = 0; r < graph->n_relations; r++) {
        GasketGraphRelation *relation = &graph->relations[r];
        g_free(relation->name);
        gasket_graph_rows_clear(&relation->rows[GASKET_IN], relation->n_columns);
        gasket_graph_rows_clear(&relation->rows[GASKET_OUT], relation->n_columns);
    }
    g_free(graph->kinds);
    g_free(graph->relations);
    g_free(graph->order_reason);
    g_free(graph);
}

void
gasket_graph_drop_rows(GasketGraph *graph, unsigned relation, GasketDirection direction)
{
    g_assert(relation < graph->n_relations);
    GasketGraphRelation *of = &graph->relations[relation];
    g_assert(of->rows[direction == GASKET_IN ? GASKET_OUT : GASKET_IN].offset != NULL);
    gasket_graph_rows_clear(&of->rows[direction], of->n_columns);
}

/* ---- reading ------------------------------------------------------------------------------- */

unsigned
gasket_graph_n_kinds(const GasketGraph *graph)
{
    return graph->n_kinds;
}

unsigned
gasket_graph_n_relations(const GasketGraph *graph)
{
    return graph->n_relations;
}

uint32_t
gasket_graph_n_vertices(const GasketGraph *graph, unsigned kind)
{
    g_assert(kind < graph->n_kinds);
    return graph->kinds[kind].n_vertices;
}

uint64_t
gasket_graph_n_edges(const GasketGraph *graph, unsigned relation)
{
    g_assert(relation < graph->n_relations);
    return graph->relations[relation].n_edges;
}

const GasketGraphRows *
gasket_graph_rows(const GasketGraph *graph, unsigned relation, GasketDirection direction)
{
    g_assert(relation < graph->n_relations);
    const GasketGraphRelation *of = &graph->relations[relation];
    return &of->rows[of->symmetric ? GASKET_IN : direction];
}

char *
gasket_graph_id_text(const GasketGraph *graph, unsigned kind, uint32_t number)
{
    g_assert(kind < graph->n_kinds && number < graph->kinds[kind].n_vertices);
    GString *text = g_string_new(NULL);
    gasket_ids_append(&graph->kinds[kind].ids, number, text);
    return g_string_free(text, FALSE);
}

/* An id as the caller of gasket_graph_find gave it. */
typedef struct {
    const char *text;
    size_t length;
    int64_t integer; /* where ids are integers */
} Wanted;

/* Order of a wanted id and that of a vertex. */
static int
compare_wanted(const Wanted *wanted, const GasketIds *ids, uint32_t x)
{
    if (ids->integer != NULL)
        return (wanted->integer > ids->integer[x]) - (wanted->integer < ids->integer[x]);
    uint64_t length = ids->text_begin[x + 1] - ids->text_begin[x];
    int order = memcmp(wanted->text, ids->text + ids->text_begin[x], MIN(wanted->length, length));
    return order != 0 ? order : (wanted->length > length) - (wanted->length < length);
}

uint32_t
gasket_graph_find(const GasketGraph *graph, unsigned kind, const char *id)
{
    g_assert(kind < graph->n_kinds);
    const GasketIds *ids = &graph->kinds[kind].ids;
    Wanted wanted = {.text = id, .length = strlen(id)};
    if (ids->integer != NULL && !gasket_parse_canonical(id, wanted.length, &wanted.integer))
        return GASKET_NO_VERTEX;

    if (graph->kinds[kind].ordinal != NULL) { /* ids do not ascend with numbers */
        for (uint32_t x = 0; x < ids->n; x++) {
            if (compare_wanted(&wanted, ids, x) == 0)
                return x;
        }
        return GASKET_NO_VERTEX;
    }
    uint32_t low = 0, high = ids->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_wanted(&wanted, ids, middle);
        if (order == 0)
            return middle;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return GASKET_NO_VERTEX;
}

/* ---- bytes --------------------------------------------------------------------------------- */

static uint64_t
columns_bytes(const GasketColumnData *columns, unsigned n_columns, uint64_t n)
{
    uint64_t bytes = 0;
    for (unsigned c = 0; c < n_columns; c++) {
        uint64_t elements = columns[c].begin ? columns[c].begin[n] : n * columns[c].length;
        bytes += elements * gasket_type_size(columns[c].type);
        bytes += columns[c].begin ? (n + 1) * sizeof(uint64_t) : 0;
    }
    return bytes;
}

uint64_t
gasket_graph_bytes(const GasketGraph *graph)
{
    uint64_t bytes = 0;
    for (unsigned k = 0; k < graph->n_kinds; k++) {
        const GasketGraphKind *kind = &graph->kinds[k];
        uint64_t n = kind->n_vertices;
        if (kind->ids.integer != NULL)
            bytes += n * sizeof(int64_t);
        else if (kind->ids.text_begin != NULL)
            bytes += (n + 1) * sizeof(uint64_t) + kind->ids.text_begin[n];
        bytes += kind->ordinal ? n * sizeof(uint32_t) : 0;
        bytes += columns_bytes(kind->columns, kind->n_columns, n);
    }
    for (unsigned r = 0; r < graph->n_relations; r++) {
        for (unsigned d = 0; d < 2; d++) {
            const GasketGraphRows *rows = &graph->relations[r].rows[d];
            if (rows->offset == NULL)
                continue;
            bytes += ((uint64_t)rows->n_rows + 1) * sizeof(uint64_t);
            bytes += rows->n_entries * sizeof(uint32_t);
            bytes += columns_bytes(rows->columns, graph->relations[r].n_columns, rows->n_entries);
        }
    }
    return bytes;
}
