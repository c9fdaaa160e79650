/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edge lists: one edge a line, in blanks (SNAP, TSV), in CSV, or with `::`.
 *
 * Lines of plain integers in columns 1, 2 and 3 take a fast path that is specialised for each
 * delimiter; a line that does not fit it, in whatever way, is read again by the general path,
 * which knows text ids, quotes and other columns, and which words the errors.
 *
 * Invariants:
 *   1. Both paths agree on every line that the fast one accepts.
 *   2. The scanners stop at the newline that ends each block's last line, so nothing reads past it.
 *
 * Cost: O(bytes); the fast path reads each byte once.
 */
#include <math.h>
#include <string.h>

#include "loaders/dialect.h"
#include "loaders/text.h"

typedef struct {
    GasketDialect dialect;
    GasketLoader *loader;
} EdgeList;

/* The field of a column, empty where the line ends before it. An empty one that is there is an
 * error: nothing was left out by chance. */
static bool
take_field(const GasketField *fields, size_t n, uint32_t column, const char *what,
           GasketField *ret_field, GError **error)
{
    *ret_field = column < n ? fields[column] : (GasketField){"", 0};
    if (column >= n || ret_field->size > 0)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT, "found an empty field, expected %s",
                what);
    return false;
}

/* The general path for one line. */
static bool
parse_line(EdgeList *list, GasketBatch *batch, char *line, size_t size, uint64_t *edges,
           GError **error)
{
    const GasketDialect *dialect = &list->dialect;
    GasketField fields[GASKET_FIELDS_MAX];
    size_t n = 0;
    if (gasket_dialect_skips(dialect, line, size))
        return true;
    if (!gasket_dialect_cut(dialect, line, size, fields, &n, error))
        return false;
    static const char *const vertices[] = {"a source vertex", "a target vertex"};
    static const char *const raters[] = {"a user", "an item"};
    const char *const *what = batch->ratings ? raters : vertices;
    GasketField field;
    const uint32_t column[] = {dialect->source, dialect->target};
    const unsigned kind[] = {batch->source_kind, batch->target_kind};
    uint32_t handle[2];
    for (int i = 0; i < 2; i++) {
        if (!take_field(fields, n, column[i], what[i], &field, error))
            return false;
        handle[i] = gasket_batch_id(batch, kind[i], field.text, field.size, what[i], error);
        if (handle[i] == GASKET_NO_VERTEX)
            return false;
    }
    double weight = 1, time = 0;
    if (dialect->weight != GASKET_NO_COLUMN) {
        if (!take_field(fields, n, dialect->weight,
                        batch->ratings ? "a rating (a finite number)"
                                       : "a weight (a finite number)",
                        &field, error) ||
            !gasket_batch_weight(batch, field.text, field.size, &weight, error))
            return false;
    } else if (dialect->only_two && n > 2) {
        gasket_text_error(error, fields[2].text, fields[2].size,
                          "no third column, as on the first line");
        return false;
    }
    if (dialect->time != GASKET_NO_COLUMN) {
        if (!take_field(fields, n, dialect->time, "a time (a finite number)", &field, error) ||
            !gasket_batch_time(field.text, field.size, &time, error))
            return false;
    }
    ++*edges;
    return gasket_batch_add_timed(batch, handle[0], handle[1], weight, time, error);
}

static inline const char *
skip_delimiter(const char *p, char delimiter)
{
    if (delimiter == ' ')
        return gasket_text_blank(*p) ? gasket_text_skip_blanks(p + 1) : NULL;
    if (delimiter == ':')
        return p[0] == ':' && p[1] == ':' ? p + 2 : NULL;
    return *p == delimiter ? p + 1 : NULL;
}

/* The start of the next line if nothing that matters is left on this one, else NULL. */
static inline const char *
skip_rest(const char *p, const char *end, char delimiter, bool only_two)
{
    if (*p == '\n')
        return p + 1;
    if (p[0] == '\r' && p[1] == '\n')
        return p + 2;
    p = only_two ? NULL : skip_delimiter(p, delimiter);
    if (p == NULL)
        return NULL;
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    if (delimiter != ' ' && delimiter != ':' && memchr(p, '"', (size_t)(newline - p)) != NULL)
        return NULL;
    return newline + 1;
}

typedef struct {
    int64_t source, target;
    double weight, time;
} Line;

/* The fast path for one line: the start of the next, or NULL. */
static inline const char *
scan_line(const char *p, const char *end, char delimiter, bool weighted, bool timed, bool only_two,
          Line *line)
{
    p = gasket_scan_id_padded(p, &line->source);
    if (p == NULL || (p = skip_delimiter(p, delimiter)) == NULL ||
        (p = gasket_scan_id_padded(p, &line->target)) == NULL)
        return NULL;
    if (weighted && ((p = skip_delimiter(p, delimiter)) == NULL ||
                     (p = gasket_scan_double(p, &line->weight)) == NULL))
        return NULL;
    if (timed && ((p = skip_delimiter(p, delimiter)) == NULL ||
                  (p = gasket_scan_double(p, &line->time)) == NULL || !isfinite(line->time)))
        return NULL;
    return skip_rest(p, end, delimiter, only_two);
}

static inline bool
parse_lines(EdgeList *list, GasketBatch *batch, GasketBlock *block, GasketBlockResult *result,
            char delimiter, bool weighted, bool timed, GError **error)
{
    const char *p = block->text, *end = block->text + block->size;
    bool only_two = list->dialect.only_two;
    uint64_t lines = 0, edges = 0;
    bool good = true;
    while (p < end) {
        Line line = {.weight = 1};
        const char *next = scan_line(p, end, delimiter, weighted, timed, only_two, &line);
        if (next != NULL && (!weighted || (fabs(line.weight) <= batch->most &&
                                           (line.weight >= 0 || !batch->nonnegative)))) {
            good = timed
                       ? gasket_batch_add_timed_ids(batch, line.source, line.target, line.weight,
                                                    line.time, error)
                       : gasket_batch_add_ids(batch, line.source, line.target, line.weight, error);
            edges++;
        } else {
            next = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
            char *text = block->text + (p - block->text);
            good = parse_line(list, batch, text, (size_t)(next - p) - 1, &edges, error);
        }
        if (!good)
            break;
        p = next;
        lines++;
    }
    result->lines = lines;
    result->edges = edges;
    return good;
}

/* Every line by the general path: columns in other places. */
static bool
parse_generally(EdgeList *list, GasketBatch *batch, GasketBlock *block, GasketBlockResult *result,
                GError **error)
{
    char *p = block->text, *end = block->text + block->size;
    for (; p < end; result->lines++) {
        char *newline = memchr(p, '\n', (size_t)(end - p));
        if (!parse_line(list, batch, p, (size_t)(newline - p), &result->edges, error))
            return false;
        p = newline + 1;
    }
    return true;
}

static bool
parse_block(void *data, unsigned thread, GasketBlock *block, GasketBlockResult *result,
            GError **error)
{
    EdgeList *list = data;
    const GasketDialect *dialect = &list->dialect;
    GasketBatch *batch = list->loader->batches[thread];
    bool weighted = dialect->weight != GASKET_NO_COLUMN;
    bool timed = dialect->time != GASKET_NO_COLUMN;
    if (dialect->source != 0 || dialect->target != 1 || (weighted && dialect->weight != 2) ||
        (timed && (!weighted || dialect->time != 3)))
        return parse_generally(list, batch, block, result, error);
    if (timed)
        return parse_lines(list, batch, block, result, dialect->delimiter, true, true, error);
    switch (dialect->delimiter) {
    case ' ':
        return weighted ? parse_lines(list, batch, block, result, ' ', true, false, error)
                        : parse_lines(list, batch, block, result, ' ', false, false, error);
    case ',':
        return parse_lines(list, batch, block, result, ',', weighted, false, error);
    case ':':
        return parse_lines(list, batch, block, result, ':', weighted, false, error);
    default:
        return parse_lines(list, batch, block, result, dialect->delimiter, weighted, false, error);
    }
}

static bool
load_list(GasketSource *source, GasketLoader *loader, GError **error)
{
    EdgeList *list = source->state;
    list->loader = loader;
    GasketChunkJob job = {.parse = parse_block, .data = list, .max_line = GASKET_LINE_MAX};
    uint64_t edges;
    return gasket_loader_parse(loader, source, &job, &edges, error);
}

static bool
prepare_dialect(GasketSource *source, const GasketLoadOptions *options, GasketDialect dialect,
                GError **error)
{
    EdgeList *list = g_new0(EdgeList, 1);
    source->state = list;
    list->dialect = dialect;
    bool good =
        gasket_dialect_prepare(&list->dialect, source->input, options, &source->weights, error);
    source->timed = list->dialect.time != GASKET_NO_COLUMN;
    return good;
}

/* A tab on the first line of a .tsv file separates fields that may have blanks in them. */
static bool
prepare_edges(GasketSource *source, const GasketLoadOptions *options, GError **error)
{
    g_autofree char *line = gasket_first_line(source->input, true, error);
    if (line == NULL)
        return false;
    bool tabs = gasket_extension_is(source->path, "tsv") && strchr(line, '\t') != NULL;
    GasketDialect dialect = {.delimiter = tabs ? '\t' : ' ', .comments = true};
    return prepare_dialect(source, options, dialect, error);
}

/* The delimiter of a CSV file: of those on its first line, the first of comma, semicolon, tab. */
static char
csv_delimiter(const char *line)
{
    bool quoted = false, semicolon = false, tab = false;
    for (; *line != '\0'; line++) {
        quoted ^= *line == '"';
        if (*line == ',' && !quoted)
            return ',';
        semicolon |= *line == ';' && !quoted;
        tab |= *line == '\t' && !quoted;
    }
    return semicolon ? ';' : tab ? '\t' : ',';
}

static bool
prepare_csv(GasketSource *source, const GasketLoadOptions *options, GError **error)
{
    g_autofree char *line = gasket_first_line(source->input, false, error);
    if (line == NULL)
        return false;
    GasketDialect dialect = {.delimiter = csv_delimiter(line), .quotes = true};
    return prepare_dialect(source, options, dialect, error);
}

/* Ratings: `::`, CSV with commas or semicolons, or blanks (u.data, LIBMF). */
static bool
prepare_ratings(GasketSource *source, const GasketLoadOptions *options, GError **error)
{
    g_autofree char *line = gasket_first_line(source->input, true, error);
    if (line == NULL)
        return false;
    if (strstr(line, "::") != NULL)
        return prepare_dialect(source, options, (GasketDialect){.delimiter = ':', .comments = true},
                               error);
    if (strchr(line, ',') != NULL || strchr(line, ';') != NULL)
        return prepare_csv(source, options, error);
    return prepare_edges(source, options, error);
}

const GasketFormat gasket_format_edges = {
    .name = "edges",
    .extensions = "txt tsv el wel edges",
    .columns = true,
    .prepare = prepare_edges,
    .load = load_list,
    .free = g_free,
};

const GasketFormat gasket_format_csv = {
    .name = "csv",
    .extensions = "csv",
    .columns = true,
    .prepare = prepare_csv,
    .load = load_list,
    .free = g_free,
};

const GasketFormat gasket_format_ratings = {
    .name = "ratings",
    .extensions = "",
    .columns = true,
    .prepare = prepare_ratings,
    .load = load_list,
    .free = g_free,
};
