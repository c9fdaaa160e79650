/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files about vertices: lists of ids, and columns `id [number]`.
 *
 * A list is read while the graph is built: its vertices exist even without edges. A column is read
 * when the graph is finished, because only then is it known which ids exist, and each of its lines
 * goes straight to its place. Both are lines in blanks with `#` and `%` comments, or CSV where the
 * file is called so, with or without a header.
 */
#include <math.h>
#include <string.h>

#include "engine/array.h"
#include "engine/graph.h"
#include "loaders/dialect.h"
#include "loaders/text.h"

/* Called with each line's fields; a FORMAT error comes without the file and line. */
typedef bool (*VisitLine)(void *data, const GasketField *fields, size_t n, GError **error);

static bool
visit_lines(GasketInput *input, const GasketDialect *dialect, VisitLine visit, void *data,
            uint64_t *ret_lines, GError **error)
{
    for (;;) {
        char *line;
        size_t size, n = 0;
        GasketField fields[GASKET_FIELDS_MAX];
        if (!gasket_input_line(input, GASKET_LINE_MAX, &line, &size, error))
            return false;
        if (line == NULL)
            break;
        if (gasket_dialect_skips(dialect, line, size))
            continue;
        if (!gasket_dialect_cut(dialect, line, size, fields, &n, error) ||
            !visit(data, fields, n, error)) {
            gasket_text_error_at(error, gasket_input_name(input), gasket_input_lines(input));
            return false;
        }
    }
    *ret_lines = gasket_input_lines(input);
    return true;
}

/* Opens a list and visits its lines. */
static bool
visit_list(const char *path, VisitLine visit, void *data, uint64_t *ret_lines, GError **error)
{
    g_autoptr(GasketInput) input = gasket_input_open(path, error);
    if (input == NULL)
        return false;
    bool csv = gasket_extension_is(path, "csv");
    GasketDialect dialect = {.delimiter = csv ? ',' : ' ', .quotes = csv, .comments = !csv};
    return gasket_dialect_prepare_list(&dialect, input, error) &&
           visit_lines(input, &dialect, visit, data, ret_lines, error);
}

typedef struct {
    GasketLoader *loader;
    uint32_t handles[GASKET_BATCH_SIZE];
    size_t n;
} List;

static bool
flush_list(List *list, GError **error)
{
    GasketLoader *loader = list->loader;
    size_t n = list->n;
    list->n = 0;
    return n == 0 || gasket_loader_add_vertices(loader, loader->batches[0], loader->source_kind, n,
                                                list->handles, error);
}

static bool
add_vertex(void *data, const GasketField *fields, size_t n, GError **error)
{
    List *list = data;
    GasketLoader *loader = list->loader;
    GasketField id = n > 0 ? fields[0] : (GasketField){"", 0};
    uint32_t handle = gasket_batch_id(loader->batches[0], loader->source_kind, id.text, id.size,
                                      "a vertex", error);
    if (handle == GASKET_NO_VERTEX)
        return false;
    list->handles[list->n++] = handle;
    return list->n < GASKET_BATCH_SIZE || flush_list(list, error);
}

bool
gasket_loader_add_list(GasketLoader *loader, GError **error)
{
    const GasketLoadOptions *options = loader->options;
    if (options->n_inputs > 0 && gasket_sqlite_has_table(options->inputs[0], options->vertices))
        return gasket_sqlite_add_vertices(loader, options->inputs[0], options->vertices, error);
    g_autofree List *list = g_new0(List, 1);
    list->loader = loader;
    uint64_t lines;
    return visit_list(options->vertices, add_vertex, list, &lines, error) &&
           flush_list(list, error);
}

typedef struct {
    const GasketGraph *graph;
    double *column; /* [n_vertices] */
    uint8_t *named; /* [n_vertices] 1 where a line has named the vertex */
} Column;

static bool
set_value(void *data, const GasketField *fields, size_t n, GError **error)
{
    Column *column = data;
    GasketField id = n > 0 ? fields[0] : (GasketField){"", 0};
    g_autofree char *text = g_strndup(id.text, id.size);
    uint32_t number = gasket_graph_find(column->graph, 0, text);
    if (number == GASKET_NO_VERTEX) {
        gasket_text_error(error, id.text, id.size, "a vertex of the graph");
        return false;
    }
    if (column->named[number]) {
        gasket_text_error(error, id.text, id.size, "each vertex once");
        return false;
    }
    double value = 1;
    if (n > 1 && (fields[1].size == 0 ||
                  gasket_scan_double(fields[1].text, &value) != fields[1].text + fields[1].size ||
                  !isfinite(value))) {
        gasket_text_error(error, fields[1].text, fields[1].size, "a finite number");
        return false;
    }
    column->named[number] = 1;
    column->column[number] = value;
    return true;
}

/* A new column of zeros. */
static GasketColumnData *
add_column(GasketGraphKind *kind, const char *name, GError **error)
{
    double *zeros = gasket_array_new(kind->n_vertices, sizeof *zeros, error);
    if (zeros == NULL)
        return NULL;
    kind->columns = g_renew(GasketColumnData, kind->columns, kind->n_columns + 1);
    kind->columns[kind->n_columns] = (GasketColumnData){.name = g_strdup(name),
                                                        .type = GASKET_DOUBLE,
                                                        .length = 1,
                                                        .data = zeros};
    return &kind->columns[kind->n_columns++];
}

bool
gasket_load_vertex_columns(GasketGraph *graph, const GasketLoadOptions *options, GError **error)
{
    GasketGraphKind *kind = &graph->kinds[0];
    for (unsigned i = 0; i < options->n_vertex_columns; i++) {
        const GasketLoadColumn *file = &options->vertex_columns[i];
        GasketColumnData *data = NULL;
        for (unsigned c = 0; c < kind->n_columns; c++)
            if (strcmp(kind->columns[c].name, file->name) == 0)
                data = &kind->columns[c];
        if (data == NULL && (data = add_column(kind, file->name, error)) == NULL)
            return false;
        g_assert(data->type == GASKET_DOUBLE && data->length == 1);
        Column column = {.graph = graph, .column = data->data};
        column.named = gasket_array_new(kind->n_vertices, 1, error);
        uint64_t lines;
        bool good =
            column.named != NULL && visit_list(file->path, set_value, &column, &lines, error);
        gasket_array_free(column.named);
        if (!good)
            return false;
    }
    return true;
}
