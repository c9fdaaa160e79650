/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix Market coordinate files: A(i, j) is an edge from i to j, or a rating of item j by user i.
 *
 *   %%MatrixMarket matrix coordinate real|integer|pattern general|symmetric|skew-symmetric
 *   %%GraphBLAS type int8_t                  optional: values must fit
 *   % comments
 *   rows columns entries
 *   i j [value]                              from 1
 *
 * Every row and column is a vertex, with or without entries. A symmetric file stores one triangle
 * and its graph has both directions; in a skew-symmetric one the other direction has the opposite
 * weight and there is no diagonal.
 *
 * Invariants:
 *   1. As many entries as announced, each inside the matrix.
 *   2. A symmetric file has entries in one triangle only (and on the diagonal).
 *   3. No entry stands twice in succession, across blocks too. (Entries that stand twice in other
 *      places are parallel edges.)
 *
 * Reference: Boisvert, Pozo, Remington: The Matrix Market Exchange Formats, NISTIR 5935, 1996.
 */
#include <math.h>
#include <string.h>

#include "loaders/format.h"
#include "loaders/text.h"

#define HEADER_LINE ((size_t)1 << 20)

typedef enum { REAL, INTEGER, PATTERN } Field;
typedef enum { GENERAL, SYMMETRIC, SKEW } Symmetry;

/* What a block tells about itself: marks of its result. Lines count from 1; 0: none. */
enum { FIRST_LINE, FIRST_ROW, FIRST_COLUMN, LAST_ROW, LAST_COLUMN, LOWER_LINE, UPPER_LINE };

typedef struct {
    Field field;
    Symmetry symmetry;
    bool typed; /* a GraphBLAS type bounds the values */
    double least, most;
    uint64_t rows, columns, entries;
    uint64_t size_line;
    GasketLoader *loader;
    const char *name;
} Matrix;

/* The range of a GraphBLAS type by name. */
static bool
type_range(const char *type, double *ret_least, double *ret_most)
{
    static const struct {
        const char *name;
        double least, most;
    } ranges[] = {
        {"bool", 0, 1},
        {"int8_t", INT8_MIN, INT8_MAX},
        {"int16_t", INT16_MIN, INT16_MAX},
        {"int32_t", INT32_MIN, INT32_MAX},
        {"int64_t", -0x1p63, 0x1p63},
        {"uint8_t", 0, UINT8_MAX},
        {"uint16_t", 0, UINT16_MAX},
        {"uint32_t", 0, UINT32_MAX},
        {"uint64_t", 0, 0x1p64},
        {"float", -0x1.fffffep127, 0x1.fffffep127},
        {"double", -INFINITY, INFINITY},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++)
        if (strcmp(type, ranges[i].name) == 0) {
            *ret_least = ranges[i].least;
            *ret_most = ranges[i].most;
            return true;
        }
    return false;
}

/* The index of a word among names, or an error that lists them. */
static bool
choose(const char *word, const char *const *names, int *ret_index, GError **error)
{
    g_autoptr(GString) list = g_string_new(NULL);
    for (int i = 0; names[i] != NULL; i++) {
        if (g_ascii_strcasecmp(word, names[i]) == 0) {
            *ret_index = i;
            return true;
        }
        g_string_append_printf(list, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    gasket_text_error(error, word, strlen(word), "%s%s", names[1] != NULL ? "one of " : "",
                      list->str);
    return false;
}

static bool
parse_banner(Matrix *matrix, const char *line, GError **error)
{
    static const char *const objects[] = {"matrix", NULL};
    static const char *const layouts[] = {"coordinate", NULL};
    static const char *const fields[] = {"real", "integer", "pattern", NULL};
    static const char *const symmetries[] = {"general", "symmetric", "skew-symmetric", NULL};
    static const char *const *const choices[] = {objects, layouts, fields, symmetries};
    int chosen[4] = {0};
    const char *p = line;
    for (int i = -1; i < 4; i++) {
        const char *word = p = gasket_text_skip_blanks(p);
        p = gasket_text_word_end(word);
        g_autofree char *copy = g_strndup(word, (size_t)(p - word));
        if (i < 0 ? g_ascii_strcasecmp(copy, "%%MatrixMarket") != 0
                  : !choose(copy, choices[i], &chosen[i], error)) {
            if (i < 0)
                gasket_text_error(error, copy, strlen(copy), "%%%%MatrixMarket");
            return false;
        }
    }
    p = gasket_text_skip_blanks(p);
    if (*p != '\n' && *p != '\r') {
        gasket_text_error_word(error, p, "the end of the line");
        return false;
    }
    matrix->field = (Field)chosen[2];
    matrix->symmetry = (Symmetry)chosen[3];
    if (matrix->field == PATTERN && matrix->symmetry == SKEW) {
        gasket_text_error(error, "skew-symmetric", 14, "values in a skew-symmetric matrix");
        return false;
    }
    return true;
}

/* `%%GraphBLAS type T` among the comments. */
static bool
parse_comment(Matrix *matrix, const char *line, GError **error)
{
    if (g_ascii_strncasecmp(line, "%%GraphBLAS", 11) != 0)
        return true;
    const char *p = gasket_text_skip_blanks(line + 11);
    if (strncmp(p, "type", 4) != 0 || !gasket_text_blank(p[4]))
        return true;
    p = gasket_text_skip_blanks(p + 4);
    g_autofree char *type = g_strndup(p, (size_t)(gasket_text_word_end(p) - p));
    matrix->typed = true;
    if (!type_range(type, &matrix->least, &matrix->most)) {
        gasket_text_error(error, type, strlen(type),
                          "bool, float, double, or intN_t or uintN_t with N 8, 16, 32 or 64");
        return false;
    }
    if (matrix->symmetry == SKEW && matrix->least == 0) {
        gasket_text_error(error, type, strlen(type),
                          "a type with a sign, as the matrix is skew-symmetric");
        return false;
    }
    return true;
}

static bool
parse_size(Matrix *matrix, const char *line, const GasketLoadOptions *options, GError **error)
{
    static const char *const what[] = {"a number of rows", "a number of columns",
                                       "a number of entries"};
    uint64_t *number[] = {&matrix->rows, &matrix->columns, &matrix->entries};
    const char *p = line;
    for (int i = 0; i < 3; i++) {
        const char *word = gasket_text_skip_blanks(p);
        p = gasket_scan_count(word, number[i]);
        if (p == NULL || !gasket_text_ends(*p) || *number[i] == UINT64_MAX) {
            gasket_text_error_word(error, word, "%s", what[i]);
            return false;
        }
    }
    p = gasket_text_skip_blanks(p);
    if (*p != '\n' && *p != '\r') {
        gasket_text_error_word(error, p, "the end of the line");
        return false;
    }
    if (matrix->rows != matrix->columns &&
        (!(options->bipartite || options->ratings) || matrix->symmetry != GENERAL)) {
        bool kinds = matrix->symmetry == GENERAL;
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found %" G_GUINT64_FORMAT " rows and %" G_GUINT64_FORMAT
                    " columns, expected as many of both%s",
                    matrix->rows, matrix->columns,
                    kinds ? " (users by items are no graph of one kind of vertices)"
                          : " in a symmetric matrix");
        return false;
    }
    return gasket_check_n_vertices(options, MAX(matrix->rows, matrix->columns), error);
}

/* Takes the lines up to the one with the size. */
static bool
parse_header(Matrix *matrix, GasketInput *input, const GasketLoadOptions *options, GError **error)
{
    bool good = true;
    for (uint64_t line_number = 1; good; line_number++) {
        char *line;
        size_t size;
        if (!gasket_input_line(input, HEADER_LINE, &line, &size, error))
            return false;
        if (line == NULL) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                        "found the end of the file, expected %s",
                        line_number == 1 ? "%%MatrixMarket" : "rows, columns and entries");
            good = false;
        } else if (line_number == 1) {
            good = parse_banner(matrix, line, error);
        } else if (*line == '%') {
            good = parse_comment(matrix, line, error);
        } else if (*gasket_text_skip_blanks(line) != '\n') {
            matrix->size_line = line_number;
            good = parse_size(matrix, line, options, error);
            if (good)
                return true;
        }
        if (!good)
            gasket_text_error_at(error, matrix->name, line_number);
    }
    return false;
}

static bool
prepare(GasketSource *source, const GasketLoadOptions *options, GError **error)
{
    Matrix *matrix = g_new0(Matrix, 1);
    source->state = matrix;
    matrix->name = gasket_input_name(source->input);
    if (!parse_header(matrix, source->input, options, error))
        return false;
    bool weighted = options->want_weights || options->require_weights;
    source->weights = matrix->field == PATTERN ? GASKET_WEIGHTS_NONE : GASKET_WEIGHTS_THERE;
    source->symmetric = matrix->symmetry == SYMMETRIC || (matrix->symmetry == SKEW && !weighted);
    if (matrix->symmetry == SKEW && weighted && options->undirected) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "%s:1: found \"skew-symmetric\", expected the same weight in both directions "
                    "of an undirected graph",
                    matrix->name);
        return false;
    }
    return true;
}

/* A value behind the indices: p is moved behind it. */
static bool
parse_value(const Matrix *matrix, const char **p, double *ret_value, GError **error)
{
    const char *word = gasket_text_skip_blanks(*p);
    double value;
    const char *end;
    if (matrix->field == INTEGER) {
        const char *digits = word + (*word == '-' || *word == '+');
        uint64_t magnitude = 0;
        bool wide = matrix->typed && matrix->most == 0x1p64;
        end = gasket_scan_count(digits, &magnitude);
        value = *word == '-' ? -(double)magnitude : (double)magnitude;
        if (magnitude > (wide ? UINT64_MAX - 1 : (uint64_t)INT64_MAX))
            end = NULL;
    } else {
        end = gasket_scan_double(word, &value);
    }
    if (end == NULL || !gasket_text_ends(*end) || !isfinite(value)) {
        gasket_text_error_word(error, word, "%s",
                               matrix->field == INTEGER ? "an integer of 64 bits"
                                                        : "a finite number");
        return false;
    }
    if (matrix->typed && (value < matrix->least || value > matrix->most)) {
        gasket_text_error_word(error, word, "a value of the file's type, from %.17g to %.17g",
                               matrix->least, matrix->most);
        return false;
    }
    bool negative = value < 0 || (matrix->symmetry == SKEW && value > 0);
    if (negative && matrix->loader->options->nonnegative && matrix->loader->weighted) {
        gasket_text_error_word(error, word, "a weight that is not negative%s",
                               matrix->symmetry == SKEW ? " in either direction" : "");
        return false;
    }
    *p = end;
    *ret_value = value;
    return true;
}

static bool
parse_index(const char **p, uint64_t most, const char *what, uint64_t *ret_index, GError **error)
{
    const char *word = gasket_text_skip_blanks(*p);
    const char *end = gasket_scan_count(word, ret_index);
    if (end == NULL || !gasket_text_ends(*end) || *ret_index == 0 || *ret_index > most) {
        gasket_text_error_word(error, word, "a %s from 1 to %" G_GUINT64_FORMAT, what, most);
        return false;
    }
    *p = end;
    return true;
}

/* Adds an entry, in both directions if the file stores one of them and the relation has not. */
static bool
add_entry(const Matrix *matrix, GasketBatch *batch, uint64_t row, uint64_t column, double value,
          GasketBlockResult *result, GError **error)
{
    result->edges++;
    if (!gasket_batch_add_ids(batch, row, column, value, error))
        return false;
    if (matrix->symmetry == GENERAL || matrix->loader->symmetric || row == column)
        return true;
    return gasket_batch_add_ids(batch, column, row, matrix->symmetry == SKEW ? -value : value,
                                error);
}

static bool
fail_again(uint64_t row, uint64_t column, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "found the entry %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                " again, expected another entry than on the line before",
                row, column);
    return false;
}

/* Notes what check_blocks compares; finds an entry that stands twice in succession. */
static bool
note_entry(const Matrix *matrix, GasketBlockResult *result, uint64_t row, uint64_t column,
           const char *line, GError **error)
{
    uint64_t *mark = result->mark;
    if (mark[FIRST_LINE] == 0) {
        mark[FIRST_LINE] = result->lines + 1;
        mark[FIRST_ROW] = row;
        mark[FIRST_COLUMN] = column;
    } else if (mark[LAST_ROW] == row && mark[LAST_COLUMN] == column) {
        return fail_again(row, column, error);
    }
    mark[LAST_ROW] = row;
    mark[LAST_COLUMN] = column;
    if (matrix->symmetry == GENERAL)
        return true;
    if (row == column && matrix->symmetry == SKEW) {
        gasket_text_error_word(error, line, "no diagonal in a skew-symmetric matrix");
        return false;
    }
    int triangle = row > column ? LOWER_LINE : UPPER_LINE;
    if (row != column && mark[triangle] == 0)
        mark[triangle] = result->lines + 1;
    return true;
}

static bool
parse_entry(const Matrix *matrix, GasketBatch *batch, const char *line, GasketBlockResult *result,
            GError **error)
{
    const char *p = line;
    uint64_t row, column;
    double value = 1;
    if (!parse_index(&p, matrix->rows, "row", &row, error) ||
        !parse_index(&p, matrix->columns, "column", &column, error) ||
        (matrix->field != PATTERN && !parse_value(matrix, &p, &value, error)))
        return false;
    p = gasket_text_skip_blanks(p);
    if (*p != '\n' && !(p[0] == '\r' && p[1] == '\n')) {
        gasket_text_error_word(error, p, "the end of the line");
        return false;
    }
    return note_entry(matrix, result, row, column, line, error) &&
           add_entry(matrix, batch, row, column, value, result, error);
}

static bool
parse_block(void *data, unsigned thread, GasketBlock *block, GasketBlockResult *result,
            GError **error)
{
    const Matrix *matrix = data;
    GasketBatch *batch = matrix->loader->batches[thread];
    const char *p = block->text, *end = block->text + block->size;
    for (; p < end; result->lines++) {
        const char *word = gasket_text_skip_blanks(p);
        bool empty = *word == '%' || *word == '\n' || (word[0] == '\r' && word[1] == '\n');
        if (!empty && !parse_entry(matrix, batch, word, result, error))
            return false;
        p = (const char *)memchr(word, '\n', (size_t)(end - word)) + 1;
    }
    return true;
}

/* Entries that stand twice in succession across blocks, and both triangles of a symmetric file. */
static bool
check_blocks(void *data, const GasketBlockResult *results, size_t n, uint64_t *ret_line,
             GError **error)
{
    const Matrix *matrix = data;
    const GasketBlockResult *last = NULL;
    uint64_t lines = 0;
    bool lower = false, upper = false;
    for (size_t i = 0; i < n; i++) {
        const uint64_t *mark = results[i].mark;
        if (mark[FIRST_LINE] > 0 && last != NULL && last->mark[LAST_ROW] == mark[FIRST_ROW] &&
            last->mark[LAST_COLUMN] == mark[FIRST_COLUMN]) {
            *ret_line = lines + mark[FIRST_LINE] - 1;
            return fail_again(mark[FIRST_ROW], mark[FIRST_COLUMN], error);
        }
        uint64_t other = lower   ? mark[UPPER_LINE]
                         : upper ? mark[LOWER_LINE]
                         : mark[LOWER_LINE] > 0 && mark[UPPER_LINE] > 0
                             ? MAX(mark[LOWER_LINE], mark[UPPER_LINE])
                             : 0;
        lower |= mark[LOWER_LINE] > 0;
        upper |= mark[UPPER_LINE] > 0;
        if (other > 0 && matrix->symmetry != GENERAL) {
            *ret_line = lines + other - 1;
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                        "found an entry of the other triangle, expected one triangle of a "
                        "symmetric matrix only");
            return false;
        }
        if (mark[FIRST_LINE] > 0)
            last = &results[i];
        lines += results[i].lines;
    }
    return true;
}

static bool
load(GasketSource *source, GasketLoader *loader, GError **error)
{
    Matrix *matrix = source->state;
    matrix->loader = loader;
    if (!gasket_loader_add_range(loader, loader->source_kind, matrix->rows, error) ||
        (loader->target_kind != loader->source_kind &&
         !gasket_loader_add_range(loader, loader->target_kind, matrix->columns, error)))
        return false;
    GasketChunkJob job = {.parse = parse_block,
                          .check = check_blocks,
                          .data = matrix,
                          .max_line = GASKET_LINE_MAX};
    uint64_t entries;
    if (!gasket_loader_parse(loader, source, &job, &entries, error))
        return false;
    if (entries != matrix->entries) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "%s:%" G_GUINT64_FORMAT ": found %" G_GUINT64_FORMAT
                    " entries in the file, expected the %" G_GUINT64_FORMAT " that this line says",
                    matrix->name, matrix->size_line, entries, matrix->entries);
        return false;
    }
    return true;
}

const GasketFormat gasket_format_mtx = {
    .name = "mtx",
    .extensions = "mtx mm",
    .prepare = prepare,
    .load = load,
    .free = g_free,
};
