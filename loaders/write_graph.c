/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a graph: which format, and the walk over its rows by ascending id. See write_graph.h.
 *
 * Cost: O(E) where vertices are numbered by id, else a sort of each row; 4 bytes a vertex.
 */
#include "loaders/write_graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array.h"
#include "loaders/result_file.h"
#include "loaders/write_format.h"

#define CHUNK_BYTES ((size_t)64 << 10)

/* ORDER gasket_write_formats */
static const GasketWriteFormat *const formats[] = {
    &gasket_write_edges,  &gasket_write_csv,
    &gasket_write_mtx,    &gasket_write_metis,
    &gasket_write_dimacs, &gasket_write_adjacency,
    &gasket_write_binary, &gasket_write_binary_weighted,
};

const char *const *
gasket_write_formats(void)
{
    static const char *const names[] = {"edges",  "csv",       "mtx",    "metis",
                                        "dimacs", "adjacency", "binary", "binary-weighted",
                                        NULL};
    return names;
}

static bool
has_extension(const char *path, const char *extensions)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    g_auto(GStrv) known = g_strsplit(extensions, " ", -1);
    g_autofree char *extension = g_ascii_strdown(dot != NULL ? dot + 1 : "", -1);
    return g_strv_contains((const char *const *)known, extension);
}

static const GasketWriteFormat *
choose_format(const char *path, const char *name, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (name != NULL ? strcmp(formats[i]->name, name) == 0
                         : has_extension(path, formats[i]->extensions))
            return formats[i];
    if (name == NULL && strcmp(path, "-") == 0)
        return formats[0];
    g_autofree char *known = g_strjoinv(", ", (char **)gasket_write_formats());
    if (name != NULL)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "format \"%s\" cannot be written: those that can are %s", name, known);
    else
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s: the extension names no format that can be written: name one of %s", path,
                    known);
    return NULL;
}

/* ---- graphs ---------------------------------------------------------------------------------- */

static bool
end_init(GasketWriteEnd *end, const GasketGraphKind *kind, GError **error)
{
    end->kind = kind;
    if (kind->ordinal == NULL)
        return true;
    end->by_ordinal = gasket_array_new(kind->n_vertices, sizeof *end->by_ordinal, error);
    for (uint32_t x = 0; end->by_ordinal != NULL && x < kind->n_vertices; x++)
        end->by_ordinal[kind->ordinal[x]] = x;
    return end->by_ordinal != NULL;
}

static void
writer_clear(GasketGraphWriter *writer)
{
    gasket_array_free(writer->source.by_ordinal);
    gasket_array_free(writer->target.by_ordinal);
    gasket_number_text_free(writer->numbers);
    if (writer->text != NULL)
        g_string_free(writer->text, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GasketGraphWriter, writer_clear)

/* Finds the weight column, and what its weights are like. */
static void
look_at_weights(GasketGraphWriter *writer)
{
    const GasketGraphRelation *relation = writer->relation;
    if (relation->n_columns > 0 && writer->rows->columns[0].type == GASKET_DOUBLE &&
        writer->rows->columns[0].length == 1)
        writer->weights = writer->rows->columns[0].data;
    writer->whole = true;
    for (uint64_t e = 0; writer->weights != NULL && e < writer->rows->n_entries; e++)
        writer->whole &=
            fabs(writer->weights[e]) <= 0x1p53 && writer->weights[e] == floor(writer->weights[e]);
    for (uint32_t v = 0; relation->source == relation->target && v < writer->rows->n_rows; v++)
        for (uint64_t e = writer->rows->offset[v]; e < writer->rows->offset[v + 1]; e++)
            writer->n_self_loops += writer->rows->neighbour[e] == v;
}

static bool
writer_init(GasketGraphWriter *writer, GasketGraph *graph, unsigned relation, GError **error)
{
    if (!graph->relations[relation].symmetric &&
        !gasket_graph_require_rows(graph, relation, GASKET_OUT, error))
        return false;
    writer->graph = graph;
    writer->relation = &graph->relations[relation];
    writer->rows = gasket_graph_rows(graph, relation, GASKET_OUT);
    look_at_weights(writer);
    writer->numbers = gasket_number_text_new();
    writer->text = g_string_sized_new(2 * CHUNK_BYTES);
    return end_init(&writer->source, &graph->kinds[writer->relation->source], error) &&
           end_init(&writer->target, &graph->kinds[writer->relation->target], error);
}

static int
compare_entries(const void *a, const void *b)
{
    const GasketWriteEntry *x = a, *y = b;
    if (x->ordinal != y->ordinal)
        return x->ordinal < y->ordinal ? -1 : 1;
    return (x->weight > y->weight) - (x->weight < y->weight);
}

/* The entries of a row that the format writes, by ascending ordinal. */
static size_t
collect_row(const GasketGraphWriter *writer, const GasketWriteFormat *format, uint32_t ordinal,
            GasketWriteEntry *entries)
{
    const GasketGraphRows *rows = writer->rows;
    const uint32_t *target_ordinal = writer->target.kind->ordinal;
    uint32_t number = gasket_write_number(&writer->source, ordinal);
    bool half = writer->relation->symmetric && !format->symmetric_twice;
    size_t n = 0;
    for (uint64_t e = rows->offset[number]; e < rows->offset[number + 1]; e++) {
        uint32_t target = rows->neighbour[e];
        if (target_ordinal != NULL)
            target = target_ordinal[target];
        if (!half || (format->lower ? target <= ordinal : target >= ordinal))
            entries[n++] = (GasketWriteEntry){target, writer->weights ? writer->weights[e] : 1};
    }
    if (target_ordinal != NULL)
        qsort(entries, n, sizeof *entries, compare_entries);
    return n;
}

static bool
write_text(GasketResultFile *file, GString *text, size_t from, GError **error)
{
    if (text->len < from)
        return true;
    bool good = gasket_result_file_write(file, text->str, text->len, error);
    g_string_truncate(text, 0);
    return good;
}

static bool
write_rows(GasketGraphWriter *writer, const GasketWriteFormat *format, GasketResultFile *file,
           GError **error)
{
    const GasketGraphRows *rows = writer->rows;
    uint64_t longest = 0;
    for (uint32_t v = 0; v < rows->n_rows; v++)
        longest = MAX(longest, rows->offset[v + 1] - rows->offset[v]);
    GasketWriteEntry *entries = gasket_array_new(longest, sizeof *entries, error);
    bool good = entries != NULL;
    for (uint32_t ordinal = 0; good && ordinal < rows->n_rows; ordinal++) {
        size_t n = collect_row(writer, format, ordinal, entries);
        good = format->row(writer, ordinal, entries, n, error) &&
               write_text(file, writer->text, CHUNK_BYTES, error);
    }
    gasket_array_free(entries);
    return good && write_text(file, writer->text, 0, error);
}

/* Vertices of both ends without any edge of the relation. */
static bool
count_isolated(GasketGraph *graph, unsigned relation, uint64_t *ret_isolated, GError **error)
{
    const GasketGraphRelation *edges = &graph->relations[relation];
    uint32_t n = graph->kinds[edges->target].n_vertices;
    uint8_t *reached = gasket_array_new(n, 1, error);
    if (reached == NULL)
        return false;
    const GasketGraphRows *rows = gasket_graph_rows(graph, relation, GASKET_OUT);
    bool one_kind = edges->source == edges->target;
    uint64_t isolated = 0;
    for (uint64_t e = 0; e < rows->n_entries; e++)
        reached[rows->neighbour[e]] = 1;
    for (uint32_t v = 0; v < rows->n_rows; v++)
        isolated += rows->offset[v] == rows->offset[v + 1] && !(one_kind && reached[v]);
    for (uint32_t v = 0; !one_kind && v < n; v++)
        isolated += !reached[v];
    gasket_array_free(reached);
    *ret_isolated = isolated;
    return true;
}

bool
gasket_write_graph(GasketGraph *graph, unsigned relation, const char *path, const char *format_name,
                   uint64_t *ret_lost, GError **error)
{
    g_assert(relation < graph->n_relations);
    const GasketWriteFormat *format = choose_format(path, format_name, error);
    g_auto(GasketGraphWriter) writer = {0};
    uint64_t lost = 0;
    if (format == NULL || !writer_init(&writer, graph, relation, error) ||
        (format->check != NULL && !format->check(&writer, error)) ||
        (!format->keeps_isolated && !count_isolated(graph, relation, &lost, error)))
        return false;
    g_autoptr(GasketResultFile) file = gasket_result_file_new(path, error);
    if (file == NULL)
        return false;
    if (format->header != NULL)
        format->header(&writer);
    if (!write_rows(&writer, format, file, error) || !gasket_result_file_sync(file, error) ||
        !gasket_result_file_publish(file, error))
        return false;
    if (ret_lost != NULL)
        *ret_lost = lost;
    return true;
}

/* ---- edges as they come ---------------------------------------------------------------------- */

struct GasketEdgeWriter {
    GasketResultFile *file;
    const GasketWriteFormat *format;
    GasketNumberText *numbers;
    GString *text;
};

GasketEdgeWriter *
gasket_edge_writer_new(const char *path, const char *format_name, bool weighted, GError **error)
{
    const GasketWriteFormat *format = choose_format(path, format_name, error);
    if (format == NULL)
        return NULL;
    if (format != &gasket_write_edges && format != &gasket_write_csv &&
        format != &gasket_write_binary && format != &gasket_write_binary_weighted) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "format \"%s\" cannot be written edge by edge: edges, csv, binary and "
                    "binary-weighted can",
                    format->name);
        return NULL;
    }
    GasketResultFile *file = gasket_result_file_new(path, error);
    if (file == NULL)
        return NULL;
    GasketEdgeWriter *writer = g_new0(GasketEdgeWriter, 1);
    writer->file = file;
    writer->format = format;
    writer->numbers = gasket_number_text_new();
    writer->text = g_string_sized_new(2 * CHUNK_BYTES);
    if (format == &gasket_write_csv)
        g_string_append(writer->text, weighted ? "source,target,weight\n" : "source,target\n");
    return writer;
}

static void
append_record(GString *text, uint64_t source, uint64_t target, bool triple, float weight)
{
    uint32_t record[] = {GUINT32_TO_LE((uint32_t)source), GUINT32_TO_LE((uint32_t)target), 0};
    memcpy(&record[2], &weight, sizeof weight);
    record[2] = GUINT32_TO_LE(record[2]);
    g_string_append_len(text, (const char *)record, triple ? 12 : 8);
}

static void
append_line(const GasketEdgeWriter *writer, uint64_t source, uint64_t target, const float *weight)
{
    char delimiter = writer->format == &gasket_write_csv ? ',' : '\t';
    GString *text = writer->text;
    gasket_write_integer(text, (int64_t)source);
    g_string_append_c(text, delimiter);
    gasket_write_integer(text, (int64_t)target);
    if (weight != NULL) {
        char digits[GASKET_NUMBER_TEXT_MAX];
        g_string_append_c(text, delimiter);
        g_string_append_len(text, digits,
                            (gssize)gasket_number_text_float(writer->numbers, *weight, digits));
    }
    g_string_append_c(text, '\n');
}

bool
gasket_edge_writer_add(void *data, size_t n, const uint64_t *source, const uint64_t *target,
                       const float *weight, GError **error)
{
    GasketEdgeWriter *writer = data;
    bool triple = writer->format == &gasket_write_binary_weighted;
    bool binary = triple || writer->format == &gasket_write_binary;
    for (size_t i = 0; i < n; i++) {
        if (binary)
            append_record(writer->text, source[i], target[i], triple, weight ? weight[i] : 1);
        else
            append_line(writer, source[i], target[i], weight ? &weight[i] : NULL);
        if (!write_text(writer->file, writer->text, CHUNK_BYTES, error))
            return false;
    }
    return true;
}

bool
gasket_edge_writer_finish(GasketEdgeWriter *writer, GError **error)
{
    return write_text(writer->file, writer->text, 0, error) &&
           gasket_result_file_sync(writer->file, error) &&
           gasket_result_file_publish(writer->file, error);
}

void
gasket_edge_writer_free(GasketEdgeWriter *writer)
{
    if (writer == NULL)
        return;
    gasket_result_file_free(writer->file);
    gasket_number_text_free(writer->numbers);
    g_string_free(writer->text, TRUE);
    g_free(writer);
}
