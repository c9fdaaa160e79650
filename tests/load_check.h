/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the loaders share: loading from memory, and a graph as text.
 *
 *   char *text = dump(graph);
 *
 *   vertex: 1 2 3          ids by ascending id
 *   edges                  or `edges symmetric`
 *   1 2 0.5                original ids and weight, sorted as text; a symmetric edge once
 */
#ifndef GASKET_TESTS_LOAD_CHECK_H
#define GASKET_TESTS_LOAD_CHECK_H

#include <string.h>

#include "engine/graph.h"
#include "loaders/load.h"
#include "tests/check_main.h"

static inline void
dump_kind(const GasketGraph *graph, unsigned k, GString *out)
{
    const GasketGraphKind *kind = &graph->kinds[k];
    g_autofree char **ids = g_new0(char *, kind->n_vertices + 1);
    for (uint32_t x = 0; x < kind->n_vertices; x++)
        ids[kind->ordinal != NULL ? kind->ordinal[x] : x] = gasket_graph_id_text(graph, k, x);
    g_string_append_printf(out, "%s:", kind->name);
    for (uint32_t x = 0; x < kind->n_vertices; x++) {
        g_string_append_printf(out, " %s", ids[x]);
        g_free(ids[x]);
    }
    g_string_append_c(out, '\n');
}

static inline int
dump_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void
dump_relation(GasketGraph *graph, unsigned r, GString *out)
{
    const GasketGraphRelation *relation = &graph->relations[r];
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    if (!relation->symmetric)
        ck_assert(gasket_graph_require_rows(graph, r, GASKET_OUT, NULL));
    const GasketGraphRows *rows = gasket_graph_rows(graph, r, GASKET_OUT);
    for (uint32_t u = 0; u < rows->n_rows; u++)
        for (uint64_t e = rows->offset[u]; e < rows->offset[u + 1]; e++) {
            uint32_t v = rows->neighbour[e];
            if (relation->symmetric && v < u)
                continue;
            g_autofree char *a = gasket_graph_id_text(graph, relation->source, u);
            g_autofree char *b = gasket_graph_id_text(graph, relation->target, v);
            bool swap = relation->symmetric && strcmp(a, b) > 0;
            GString *line = g_string_new(NULL);
            g_string_append_printf(line, "%s %s", swap ? b : a, swap ? a : b);
            if (relation->n_columns > 0)
                g_string_append_printf(line, " %.17g", ((const double *)rows->columns[0].data)[e]);
            g_ptr_array_add(lines, g_string_free(line, FALSE));
        }
    if (lines->len > 0)
        qsort(lines->pdata, lines->len, sizeof(char *), dump_compare);
    g_string_append_printf(out, "%s%s\n", relation->name, relation->symmetric ? " symmetric" : "");
    for (guint i = 0; i < lines->len; i++)
        g_string_append_printf(out, "%s\n", (char *)lines->pdata[i]);
}

static inline char *
dump(GasketGraph *graph)
{
    GString *out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    gasket_graph_check(graph, &error);
    ck_assert_no_error(error);
    for (unsigned k = 0; k < graph->n_kinds; k++)
        dump_kind(graph, k, out);
    for (unsigned r = 0; r < graph->n_relations; r++)
        dump_relation(graph, r, out);
    return g_string_free(out, FALSE);
}

/* The graph, or NULL and the error. */
static inline GasketGraph *
load_graph(const char *name, const void *data, size_t size, const GasketLoadOptions *options,
           GError **error)
{
    g_autoptr(GasketGraphBuilder) builder = gasket_graph_builder_new();
    bool loaded = data != NULL ? gasket_load_memory(builder, name, data, size, options, NULL, error)
                               : gasket_load(builder, options, NULL, error);
    return loaded ? gasket_graph_builder_finish_take(&builder, NULL, error) : NULL;
}

/* Loads text and dumps the graph; the error's message instead if there is one. */
static inline char *
load_dump(const char *name, const void *data, size_t size, const GasketLoadOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = load_graph(name, data, size, options, &error);
    ck_assert((graph == NULL) == (error != NULL));
    return graph != NULL ? dump(graph) : g_strdup(error->message);
}

/* Writes a file into a folder; free the path with g_free. */
static inline char *
put_file(const char *folder, const char *name, const void *data, size_t size)
{
    char *path = g_build_filename(folder, name, NULL);
    ck_assert(g_file_set_contents(path, data, (gssize)size, NULL));
    return path;
}

#endif
