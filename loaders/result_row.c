/* SPDX-License-Identifier: Apache-2.0 */
/* Result rows as text; see result_row.h. */
#include "loaders/result_row.h"

#include <math.h>
#include <string.h>

/* ---- text ------------------------------------------------------------------------------------ */

static void
append_tsv(const char *text, size_t length, GString *out)
{
    for (size_t i = 0; i < length; i++) {
        switch (text[i]) {
        case '\t':
            g_string_append(out, "\\t");
            break;
        case '\n':
            g_string_append(out, "\\n");
            break;
        case '\r':
            g_string_append(out, "\\r");
            break;
        case '\\':
            g_string_append(out, "\\\\");
            break;
        default:
            g_string_append_c(out, text[i]);
        }
    }
}

static bool
csv_needs_quotes(const char *text, size_t length)
{
    if (length == 0)
        return true; /* an empty id, apart from a field without a value */
    for (size_t i = 0; i < length; i++)
        if (strchr(",\"\r\n", text[i]) != NULL)
            return true;
    /* Readers may trim blanks around bare fields. */
    return text[0] == ' ' || text[length - 1] == ' ';
}

static void
append_csv(const char *text, size_t length, GString *out)
{
    if (!csv_needs_quotes(text, length)) {
        g_string_append_len(out, text, (gssize)length);
        return;
    }
    g_string_append_c(out, '"');
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, text[i]);
    }
    g_string_append_c(out, '"');
}

static void
append_json(const char *text, size_t length, GString *out)
{
    /* g_utf8_make_valid also takes care of NUL, which is not valid within a length. */
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);

    g_string_append_c(out, '"');
    for (const char *p = valid; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            g_string_append_c(out, '\\');
            g_string_append_c(out, *p);
        } else if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            g_string_append_printf(out, "\\u%04x", (unsigned)*p);
        } else {
            g_string_append_c(out, *p);
        }
    }
    g_string_append_c(out, '"');
}

static void
append_text(GasketRowStyle style, const char *text, size_t length, GString *out)
{
    switch (style) {
    case GASKET_ROW_TSV:
        append_tsv(text, length, out);
        break;
    case GASKET_ROW_CSV:
        append_csv(text, length, out);
        break;
    case GASKET_ROW_JSONL:
        append_json(text, length, out);
        break;
    }
}

static void
append_integer(int64_t x, GString *out)
{
    char text[GASKET_NUMBER_TEXT_MAX];
    g_string_append_len(out, text, (gssize)gasket_number_text_integer(x, text));
}

static void
append_id(GasketRowStyle style, const GasketIds *ids, uint32_t x, GString *out)
{
    if (ids->integer != NULL)
        append_integer(ids->integer[x], out);
    else
        append_text(style, ids->text + ids->text_begin[x],
                    ids->text_begin[x + 1] - ids->text_begin[x], out);
}

void
gasket_result_row_append_id(const GasketIds *ids, uint32_t x, GString *out)
{
    append_id(GASKET_ROW_TSV, ids, x, out);
}

/* ---- elements -------------------------------------------------------------------------------- */

double
gasket_result_element(const GasketResultColumn *column, const void *data, size_t e)
{
    switch (column->type) {
    case GASKET_UINT8:
        return ((const uint8_t *)data)[e];
    case GASKET_INT32:
        return ((const int32_t *)data)[e];
    case GASKET_UINT32:
        return ((const uint32_t *)data)[e];
    case GASKET_INT64:
        return (double)((const int64_t *)data)[e];
    case GASKET_FLOAT:
        return (double)((const float *)data)[e];
    case GASKET_DOUBLE:
        return ((const double *)data)[e];
    case GASKET_VERTEX:
        break;
    }
    return NAN;
}

static void
append_float(const GasketResultRow *row, GasketType type, const void *data, size_t e, GString *out)
{
    char text[GASKET_NUMBER_TEXT_MAX];
    size_t length;
    double x;

    if (type == GASKET_FLOAT) {
        x = (double)((const float *)data)[e];
        length = gasket_number_text_float(row->numbers, ((const float *)data)[e], text);
    } else {
        x = ((const double *)data)[e];
        length = gasket_number_text_double(row->numbers, x, text);
    }
    if (row->style == GASKET_ROW_JSONL && !isfinite(x))
        g_string_append(out, "null");
    else
        g_string_append_len(out, text, (gssize)length);
}

static void
append_element(const GasketResultRow *row, const GasketResultBlock *block, unsigned column,
               size_t e, GString *out)
{
    const void *data = block->columns[column];

    switch (row->columns[column].type) {
    case GASKET_UINT8:
        append_integer(((const uint8_t *)data)[e], out);
        break;
    case GASKET_INT32:
        append_integer(((const int32_t *)data)[e], out);
        break;
    case GASKET_UINT32:
        append_integer(((const uint32_t *)data)[e], out);
        break;
    case GASKET_INT64:
        append_integer(((const int64_t *)data)[e], out);
        break;
    case GASKET_FLOAT:
    case GASKET_DOUBLE:
        append_float(row, row->columns[column].type, data, e, out);
        break;
    case GASKET_VERTEX: {
        uint32_t ordinal = ((const uint32_t *)data)[e];
        if (ordinal != GASKET_NO_VERTEX)
            append_id(row->style, block->directory, ordinal, out);
        else if (row->style == GASKET_ROW_JSONL)
            g_string_append(out, "null");
        break;
    }
    }
}

/* ---- rows ------------------------------------------------------------------------------------ */

static GString *
json_key(const char *lead, const char *name)
{
    GString *key = g_string_new(lead);
    append_json(name, strlen(name), key);
    g_string_append_c(key, ':');
    return key;
}

bool
gasket_result_varies(const GasketResultColumn *columns, unsigned n_columns)
{
    for (unsigned c = 0; c < n_columns; c++)
        if (columns[c].varying)
            return true;
    return false;
}

size_t
gasket_result_lines(const GasketResultColumn *columns, unsigned n_columns,
                    const GasketResultBlock *block, size_t i)
{
    size_t lines = 0, first;
    for (unsigned c = 0; c < n_columns; c++)
        if (columns[c].varying)
            lines = MAX(lines, gasket_result_elements(columns, block, c, i, &first));
    return lines;
}

void
gasket_result_row_init(GasketResultRow *row, GasketRowStyle style, const char *id_name,
                       const char *index_name, const GasketResultColumn *columns,
                       unsigned n_columns)
{
    *row = (GasketResultRow){.style = style,
                             .id_name = id_name,
                             .index_name = index_name,
                             .varying = gasket_result_varies(columns, n_columns),
                             .columns = columns,
                             .n_columns = n_columns,
                             .numbers = gasket_number_text_new()};
    if (style != GASKET_ROW_JSONL)
        return;
    row->id_key = json_key("{", id_name);
    row->keys = g_new0(GString *, n_columns);
    for (unsigned c = 0; c < n_columns; c++)
        row->keys[c] = json_key(",", columns[c].name);
}

void
gasket_result_row_clear(GasketResultRow *row)
{
    g_clear_pointer(&row->numbers, gasket_number_text_free);
    if (row->keys == NULL)
        return;
    g_string_free(row->id_key, TRUE);
    for (unsigned c = 0; c < row->n_columns; c++)
        g_string_free(row->keys[c], TRUE);
    g_clear_pointer(&row->keys, g_free);
}

void
gasket_result_row_append_header(const GasketResultRow *row, GString *out)
{
    if (row->style == GASKET_ROW_JSONL)
        return;
    char separator = row->style == GASKET_ROW_TSV ? '\t' : ',';

    append_text(row->style, row->id_name, strlen(row->id_name), out);
    if (row->varying) {
        g_string_append_c(out, separator);
        append_text(row->style, row->index_name, strlen(row->index_name), out);
    }
    for (unsigned c = 0; c < row->n_columns; c++) {
        const GasketResultColumn *column = &row->columns[c];
        for (size_t i = 0; i < gasket_result_length(column); i++) {
            g_autofree char *name = column->length > 1 ? g_strdup_printf("%s_%zu", column->name, i)
                                                       : g_strdup(column->name);
            g_string_append_c(out, separator);
            append_text(row->style, name, strlen(name), out);
        }
    }
    g_string_append_c(out, '\n');
}

static void
append_json_row(const GasketResultRow *row, const GasketResultBlock *block, size_t i, GString *out)
{
    g_string_append_len(out, row->id_key->str, (gssize)row->id_key->len);
    append_id(row->style, block->ids, (uint32_t)i, out);
    for (unsigned c = 0; c < row->n_columns; c++) {
        size_t first, length = gasket_result_elements(row->columns, block, c, i, &first);
        bool array = row->columns[c].length > 1 || row->columns[c].varying;

        g_string_append_len(out, row->keys[c]->str, (gssize)row->keys[c]->len);
        if (array)
            g_string_append_c(out, '[');
        for (size_t e = 0; e < length; e++) {
            if (e > 0)
                g_string_append_c(out, ',');
            append_element(row, block, c, first + e, out);
        }
        if (array)
            g_string_append_c(out, ']');
    }
    g_string_append(out, "}\n");
}

/* line: of the elements of varying columns that it shows. */
static void
append_line(const GasketResultRow *row, const GasketResultBlock *block, size_t i, size_t line,
            GString *out)
{
    char separator = row->style == GASKET_ROW_TSV ? '\t' : ',';

    append_id(row->style, block->ids, (uint32_t)i, out);
    if (row->varying) {
        g_string_append_c(out, separator);
        append_integer((int64_t)line, out);
    }
    for (unsigned c = 0; c < row->n_columns; c++) {
        size_t first, length = gasket_result_elements(row->columns, block, c, i, &first);
        bool varying = row->columns[c].varying;
        for (size_t e = 0; e < (varying ? 1 : length); e++) {
            g_string_append_c(out, separator);
            if (!varying)
                append_element(row, block, c, first + e, out);
            else if (line < length)
                append_element(row, block, c, first + line, out);
        }
    }
    g_string_append_c(out, '\n');
}

void
gasket_result_row_append(const GasketResultRow *row, const GasketResultBlock *block, size_t i,
                         GString *out)
{
    if (row->style == GASKET_ROW_JSONL) {
        append_json_row(row, block, i, out);
        return;
    }
    size_t lines = row->varying ? gasket_result_lines(row->columns, row->n_columns, block, i) : 1;
    for (size_t line = 0; line < lines; line++)
        append_line(row, block, i, line, out);
}
