/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats as they are written, row by row. See write_format.h.
 *
 * Lists with text ids start with a header, so that no reader takes the first ids for one.
 */
#include "loaders/write_format.h"

#include <string.h>

#include "loaders/text.h"

static bool
refuse(GError **error, const char *message)
{
    g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, message);
    return false;
}

static bool
two_kinds(const GasketGraphWriter *writer)
{
    return writer->relation->source != writer->relation->target;
}

static void
append_weight(const GasketGraphWriter *writer, double weight)
{
    gasket_write_double(writer->numbers, writer->text, weight);
}

/* ---- edges, csv, adjacency: original ids ----------------------------------------------------- */

/* An id between blanks must not hold one, nor look like a comment. */
static bool
check_words_of(const GasketGraphKind *kind, GError **error)
{
    for (uint32_t x = 0; kind->ids.text_begin != NULL && x < kind->n_vertices; x++) {
        const char *id = kind->ids.text + kind->ids.text_begin[x];
        size_t size = (size_t)(kind->ids.text_begin[x + 1] - kind->ids.text_begin[x]);
        bool word = size > 0 && *id != '#' && *id != '%' && *id != '"';
        for (size_t i = 0; i < size; i++)
            word &= id[i] != ' ' && id[i] != '\t';
        if (!word) {
            g_autofree char *quoted = gasket_text_quote(id, size);
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "the id %s cannot stand in a list with blanks between ids: write csv",
                        quoted);
            return false;
        }
    }
    return true;
}

static bool
check_words(const GasketGraphWriter *writer, GError **error)
{
    return check_words_of(writer->source.kind, error) && check_words_of(writer->target.kind, error);
}

static void
append_id(GasketGraphWriter *writer, const GasketWriteEnd *end, uint32_t ordinal)
{
    gasket_ids_append(&end->kind->ids, gasket_write_number(end, ordinal), writer->text);
}

static void
header_names(GasketGraphWriter *writer, char delimiter)
{
    bool two = two_kinds(writer);
    g_string_append_printf(writer->text, "%s%c%s", two ? "user" : "source", delimiter,
                           two ? "item" : "target");
    if (writer->weights != NULL)
        g_string_append_printf(writer->text, "%c%s", delimiter, two ? "rating" : "weight");
    g_string_append_c(writer->text, '\n');
}

static void
edges_header(GasketGraphWriter *writer)
{
    if (writer->source.kind->ids.integer == NULL || writer->target.kind->ids.integer == NULL)
        header_names(writer, '\t');
}

static bool
edges_row(GasketGraphWriter *writer, uint32_t ordinal, const GasketWriteEntry *entries, size_t n,
          GError **error)
{
    (void)error;
    for (size_t i = 0; i < n; i++) {
        append_id(writer, &writer->source, ordinal);
        g_string_append_c(writer->text, '\t');
        append_id(writer, &writer->target, entries[i].ordinal);
        if (writer->weights != NULL) {
            g_string_append_c(writer->text, '\t');
            append_weight(writer, entries[i].weight);
        }
        g_string_append_c(writer->text, '\n');
    }
    return true;
}

static void
csv_header(GasketGraphWriter *writer)
{
    header_names(writer, ',');
}

/* An id as a field: in quotes where it holds a delimiter, a quote or outer blanks. */
static void
append_field(GasketGraphWriter *writer, const GasketWriteEnd *end, uint32_t ordinal)
{
    size_t from = writer->text->len;
    append_id(writer, end, ordinal);
    const char *id = writer->text->str + from;
    size_t size = writer->text->len - from;
    if (end->kind->ids.integer != NULL ||
        (size > 0 && strpbrk(id, ",;\"\t") == NULL && *id != ' ' && id[size - 1] != ' '))
        return;
    g_autofree char *copy = g_strndup(id, size);
    g_string_truncate(writer->text, from);
    g_string_append_c(writer->text, '"');
    for (size_t i = 0; i < size; i++) {
        if (copy[i] == '"')
            g_string_append_c(writer->text, '"');
        g_string_append_c(writer->text, copy[i]);
    }
    g_string_append_c(writer->text, '"');
}

static bool
csv_row(GasketGraphWriter *writer, uint32_t ordinal, const GasketWriteEntry *entries, size_t n,
        GError **error)
{
    (void)error;
    for (size_t i = 0; i < n; i++) {
        append_field(writer, &writer->source, ordinal);
        g_string_append_c(writer->text, ',');
        append_field(writer, &writer->target, entries[i].ordinal);
        if (writer->weights != NULL) {
            g_string_append_c(writer->text, ',');
            append_weight(writer, entries[i].weight);
        }
        g_string_append_c(writer->text, '\n');
    }
    return true;
}

static bool
adjacency_row(GasketGraphWriter *writer, uint32_t ordinal, const GasketWriteEntry *entries,
              size_t n, GError **error)
{
    (void)error;
    append_id(writer, &writer->source, ordinal);
    g_string_append_printf(writer->text, " %zu", n);
    for (size_t i = 0; i < n; i++) {
        g_string_append_c(writer->text, ' ');
        append_id(writer, &writer->target, entries[i].ordinal);
    }
    g_string_append_c(writer->text, '\n');
    return true;
}

/* ---- mtx, metis, dimacs, binary: vertices from 1 --------------------------------------------- */

static void
mtx_header(GasketGraphWriter *writer)
{
    bool symmetric = writer->relation->symmetric;
    g_string_append_printf(writer->text, "%%%%MatrixMarket matrix coordinate %s %s\n",
                           writer->weights == NULL ? "pattern"
                           : writer->whole         ? "integer"
                                                   : "real",
                           symmetric ? "symmetric" : "general");
    g_string_append_printf(writer->text, "%u %u %" G_GUINT64_FORMAT "\n",
                           writer->source.kind->n_vertices, writer->target.kind->n_vertices,
                           writer->relation->n_edges);
}

static bool
mtx_row(GasketGraphWriter *writer, uint32_t ordinal, const GasketWriteEntry *entries, size_t n,
        GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && entries[i].ordinal == entries[i - 1].ordinal)
            return refuse(error, "the graph has several edges between the same two vertices, which "
                                 "Matrix Market cannot hold: --multi-edges can drop or add them");
        gasket_write_integer(writer->text, (int64_t)ordinal + 1);
        g_string_append_c(writer->text, ' ');
        gasket_write_integer(writer->text, (int64_t)entries[i].ordinal + 1);
        if (writer->weights != NULL) {
            g_string_append_c(writer->text, ' ');
            if (writer->whole)
                gasket_write_integer(writer->text, (int64_t)entries[i].weight);
            else
                append_weight(writer, entries[i].weight);
        }
        g_string_append_c(writer->text, '\n');
    }
    return true;
}

static bool
metis_check(const GasketGraphWriter *writer, GError **error)
{
    if (!writer->relation->symmetric)
        return refuse(error, "METIS files hold undirected graphs: --undirected reads the input as "
                             "one");
    if (writer->n_self_loops > 0)
        return refuse(error, "the graph has self-loops, which METIS files cannot hold: "
                             "--self-loops drop leaves them out");
    bool positive = writer->whole;
    for (uint64_t e = 0; writer->weights != NULL && e < writer->rows->n_entries; e++)
        positive &= writer->weights[e] >= 1;
    return writer->weights == NULL || positive ||
           refuse(error, "the graph has weights that are not positive integers, which METIS files "
                         "cannot hold");
}

static void
metis_header(GasketGraphWriter *writer)
{
    g_string_append_printf(writer->text, "%u %" G_GUINT64_FORMAT "%s\n",
                           writer->source.kind->n_vertices, writer->relation->n_edges,
                           writer->weights != NULL ? " 001" : "");
}

static bool
metis_row(GasketGraphWriter *writer, uint32_t ordinal, const GasketWriteEntry *entries, size_t n,
          GError **error)
{
    (void)ordinal;
    (void)error;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            g_string_append_c(writer->text, ' ');
        gasket_write_integer(writer->text, (int64_t)entries[i].ordinal + 1);
        if (writer->weights != NULL) {
            g_string_append_c(writer->text, ' ');
            gasket_write_integer(writer->text, (int64_t)entries[i].weight);
        }
    }
    g_string_append_c(writer->text, '\n');
    return true;
}

static bool
dimacs_check(const GasketGraphWriter *writer, GError **error)
{
    return !two_kinds(writer) ||
           refuse(error, "DIMACS files have one kind of vertices, not users and items");
}

static void
dimacs_header(GasketGraphWriter *writer)
{
    g_string_append_printf(writer->text, "p sp %u %" G_GUINT64_FORMAT "\n",
                           writer->source.kind->n_vertices, writer->rows->n_entries);
}

static bool
dimacs_row(GasketGraphWriter *writer, uint32_t ordinal, const GasketWriteEntry *entries, size_t n,
           GError **error)
{
    (void)error;
    for (size_t i = 0; i < n; i++) {
        g_string_append(writer->text, "a ");
        gasket_write_integer(writer->text, (int64_t)ordinal + 1);
        g_string_append_c(writer->text, ' ');
        gasket_write_integer(writer->text, (int64_t)entries[i].ordinal + 1);
        g_string_append_c(writer->text, ' ');
        append_weight(writer, entries[i].weight);
        g_string_append_c(writer->text, '\n');
    }
    return true;
}

static bool
binary_row(GasketGraphWriter *writer, uint32_t ordinal, const GasketWriteEntry *entries, size_t n,
           GError **error)
{
    (void)error;
    for (size_t i = 0; i < n; i++) {
        uint32_t pair[] = {GUINT32_TO_LE(ordinal + 1), GUINT32_TO_LE(entries[i].ordinal + 1)};
        g_string_append_len(writer->text, (const char *)pair, sizeof pair);
    }
    return true;
}

static bool
triple_row(GasketGraphWriter *writer, uint32_t ordinal, const GasketWriteEntry *entries, size_t n,
           GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!binary_row(writer, ordinal, &entries[i], 1, error))
            return false;
        float weight = (float)entries[i].weight;
        uint32_t bits;
        memcpy(&bits, &weight, sizeof bits);
        bits = GUINT32_TO_LE(bits);
        g_string_append_len(writer->text, (const char *)&bits, sizeof bits);
    }
    return true;
}

const GasketWriteFormat gasket_write_edges = {.name = "edges",
                                              .extensions = "tsv txt el wel edges",
                                              .check = check_words,
                                              .header = edges_header,
                                              .row = edges_row};

const GasketWriteFormat gasket_write_csv = {.name = "csv",
                                            .extensions = "csv",
                                            .header = csv_header,
                                            .row = csv_row};

const GasketWriteFormat gasket_write_mtx = {.name = "mtx",
                                            .extensions = "mtx mm",
                                            .lower = true,
                                            .keeps_isolated = true,
                                            .header = mtx_header,
                                            .row = mtx_row};

const GasketWriteFormat gasket_write_metis = {.name = "metis",
                                              .extensions = "graph metis",
                                              .symmetric_twice = true,
                                              .keeps_isolated = true,
                                              .check = metis_check,
                                              .header = metis_header,
                                              .row = metis_row};

const GasketWriteFormat gasket_write_dimacs = {.name = "dimacs",
                                               .extensions = "gr",
                                               .symmetric_twice = true,
                                               .keeps_isolated = true,
                                               .check = dimacs_check,
                                               .header = dimacs_header,
                                               .row = dimacs_row};

const GasketWriteFormat gasket_write_adjacency = {.name = "adjacency",
                                                  .extensions = "adj adjacency adjlist",
                                                  .symmetric_twice = true,
                                                  .keeps_isolated = true,
                                                  .check = check_words,
                                                  .row = adjacency_row};

const GasketWriteFormat gasket_write_binary = {.name = "binary",
                                               .extensions = "bin",
                                               .row = binary_row};

const GasketWriteFormat gasket_write_binary_weighted = {.name = "binary-weighted",
                                                        .extensions = "wbin",
                                                        .row = triple_row};
