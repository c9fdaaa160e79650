/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results as NumPy arrays (.npy 1.0), with the ids in a file of their own beside them.
 *
 *   PATH            93 'NUMPY' 1 0 | length of header, 16 bit | header, blanks, newline | rows
 *   PATH.ids.npy    the same with '<i8' ids, or
 *   PATH.ids.txt    the ids, one a line
 *   PATH.COLUMN.txt the text ids that a vertex column of another kind holds rows of
 *   PATH.begin.npy  '<i8' (n + 1): where each id's elements begin, if the column varies in length
 *
 * One column is an array of its type, (n,) or (n, length). Several are an array of records, field
 * after field without gaps. The number of rows is known at the end only, so the header is written
 * twice into room that is enough for any number.
 *
 * Invariants:
 *   1. The header's size depends on the columns alone, and rows begin at a multiple of 64.
 *   2. Both files are on the disk before either gets its name.
 */
#include <string.h>
#include <unistd.h>

#include "loaders/result_file.h"
#include "loaders/result_sink.h"

#define MAGIC       "\x93NUMPY\x01\x00"
#define MAGIC_BYTES 8
#define SHAPE_ROOM  24 /* digits that the number of rows may need */

typedef struct {
    GasketResultSink sink;
    char *path;
    const GasketResultColumn *columns; /* [n_columns] */
    unsigned n_columns;
    bool foreign;  /* vertex columns are of another kind */
    bool text_ids; /* once ids is there */
    GasketResultFile *data;
    GasketResultFile *ids;   /* made with the first block, which tells their type */
    GasketResultFile *begin; /* of a varying column; else NULL */
    GasketResultFile *names; /* of the vertices of another kind, where they are text; else NULL */
    GString *record;
    uint64_t n_rows, n_elements;
} NpySink;

static const char *
descr_of(GasketType type)
{
    switch (type) {
    case GASKET_UINT8:
        return "|u1";
    case GASKET_INT32:
        return "<i4";
    case GASKET_UINT32:
        return "<u4";
    case GASKET_INT64:
    case GASKET_VERTEX:
        return "<i8";
    case GASKET_FLOAT:
        return "<f4";
    case GASKET_DOUBLE:
        return "<f8";
    }
    g_assert_not_reached();
}

/* The description of an array's elements: `'<f8'` or `[('a', '<f8'), ('b', '<i4', (3,))]`. */
static char *
describe(const GasketResultColumn *columns, unsigned n_columns)
{
    if (n_columns == 1)
        return g_strdup_printf("'%s'", descr_of(columns[0].type));

    GString *text = g_string_new("[");
    for (unsigned c = 0; c < n_columns; c++) {
        g_autofree char *name = g_strescape(columns[c].name, NULL);
        g_string_append_printf(text, "%s('%s', '%s'", c > 0 ? ", " : "", name,
                               descr_of(columns[c].type));
        if (columns[c].length > 1)
            g_string_append_printf(text, ", (%zu,)", columns[c].length);
        g_string_append_c(text, ')');
    }
    g_string_append_c(text, ']');
    return g_string_free(text, FALSE);
}

static GString *
header(const char *descr, uint64_t n_rows, size_t length)
{
    GString *text = g_string_new_len(MAGIC "??", MAGIC_BYTES + 2);
    g_string_append_printf(text, "{'descr': %s, 'fortran_order': False, 'shape': (", descr);
    /* The dictionary as long as it can get, whatever n_rows, then a whole number of 64 bytes. */
    size_t before = text->len;
    g_string_append_printf(text, "%" G_GUINT64_FORMAT, n_rows);
    size_t digits = text->len - before;
    if (length > 1)
        g_string_append_printf(text, ", %zu), }", length);
    else
        g_string_append(text, ",), }");
    size_t total = (text->len - digits + SHAPE_ROOM + 1 + 63) / 64 * 64;
    while (text->len < total - 1)
        g_string_append_c(text, ' ');
    g_string_append_c(text, '\n');

    size_t size = total - MAGIC_BYTES - 2;
    g_assert(size <= UINT16_MAX);
    text->str[MAGIC_BYTES] = (char)(size & 0xff);
    text->str[MAGIC_BYTES + 1] = (char)(size >> 8);
    return text;
}

static GString *
data_header(const NpySink *npy)
{
    g_autofree char *descr = describe(npy->columns, npy->n_columns);
    size_t length = npy->n_columns == 1 ? gasket_result_length(&npy->columns[0]) : 1;
    return header(descr, npy->begin != NULL ? npy->n_elements : npy->n_rows,
                  npy->begin != NULL ? 1 : length);
}

static bool
write_header(GasketResultFile *file, GString *text, bool again, GError **error)
{
    bool written = again ? gasket_result_file_rewrite_start(file, text->str, text->len, error)
                         : gasket_result_file_write(file, text->str, text->len, error);
    g_string_free(text, TRUE);
    return written;
}

/* Opens the file of the ids. */
static bool
open_ids(NpySink *npy, bool text_ids, GError **error)
{
    g_autofree char *path = g_strconcat(npy->path, text_ids ? ".ids.txt" : ".ids.npy", NULL);

    npy->text_ids = text_ids;
    npy->ids = gasket_result_file_new(path, error);
    if (npy->ids == NULL)
        return false;
    return text_ids || write_header(npy->ids, header("'<i8'", 0, 1), false, error);
}

/* The first n ids as lines of text. */
static bool
write_lines(NpySink *npy, GasketResultFile *file, const GasketIds *ids, size_t n, GError **error)
{
    GString *text = npy->record;
    for (size_t i = 0; i < n; i++) {
        g_string_truncate(text, 0);
        gasket_result_row_append_id(ids, (uint32_t)i, text);
        g_string_append_c(text, '\n');
        if (!gasket_result_file_write(file, text->str, text->len, error))
            return false;
    }
    return true;
}

static bool
write_ids(NpySink *npy, const GasketResultBlock *block, GError **error)
{
    if (!npy->text_ids)
        return gasket_result_file_write(npy->ids, block->ids->integer,
                                        block->n * sizeof *block->ids->integer, error);
    return write_lines(npy, npy->ids, block->ids, block->n, error);
}

/* The file of the names of a vertex column of another kind: all in one, from the first block. */
static bool
write_names(NpySink *npy, const GasketIds *directory, GError **error)
{
    for (unsigned c = 0; c < npy->n_columns; c++) {
        if (npy->columns[c].type != GASKET_VERTEX)
            continue;
        g_autofree char *path = g_strdup_printf("%s.%s.txt", npy->path, npy->columns[c].name);
        npy->names = gasket_result_file_new(path, error);
        return npy->names != NULL && write_lines(npy, npy->names, directory, directory->n, error) &&
               gasket_result_file_sync(npy->names, error);
    }
    return true;
}

/* Appends the elements of one row's column. Results are little-endian, as this machine is. */
static void
append_elements(const GasketResultColumn *column, const GasketResultBlock *block, const void *data,
                size_t i, GString *out)
{
    size_t length = gasket_result_length(column);

    if (column->type != GASKET_VERTEX) {
        size_t bytes = length * gasket_type_size(column->type);
        g_string_append_len(out, (const char *)data + i * bytes, (gssize)bytes);
        return;
    }
    const uint32_t *ordinal = (const uint32_t *)data + i * length;
    const int64_t *integer = block->directory->integer;
    for (size_t e = 0; e < length; e++) {
        bool none = ordinal[e] == GASKET_NO_VERTEX;
        int64_t id = integer != NULL ? (none ? INT64_MIN : integer[ordinal[e]])
                                     : (none ? -1 : (int64_t)ordinal[e]);
        g_string_append_len(out, (const char *)&id, sizeof id);
    }
}

static bool
write_varying(NpySink *npy, const GasketResultBlock *block, GError **error)
{
    const uint64_t *begin = block->begin[0];
    size_t size = gasket_type_size(npy->columns[0].type);

    for (size_t i = 0; i < block->n; i++) {
        int64_t end = (int64_t)(npy->n_elements + begin[i + 1]);
        if (!gasket_result_file_write(npy->begin, &end, sizeof end, error))
            return false;
    }
    npy->n_elements += begin[block->n];
    npy->n_rows += block->n;
    return gasket_result_file_write(npy->data, block->columns[0], begin[block->n] * size, error);
}

/* Opens the file of where elements begin, which starts with a 0. */
static bool
open_begin(NpySink *npy, GError **error)
{
    g_autofree char *path = g_strconcat(npy->path, ".begin.npy", NULL);
    const int64_t zero = 0;

    if (npy->n_columns > 1) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s: a .npy file holds one column that varies in length and no other; "
                    "expected .tsv, .csv, .jsonl or .db",
                    npy->path);
        return false;
    }
    npy->begin = gasket_result_file_new(path, error);
    return npy->begin != NULL && write_header(npy->begin, header("'<i8'", 0, 1), false, error) &&
           gasket_result_file_write(npy->begin, &zero, sizeof zero, error);
}

static bool
finish_begin(NpySink *npy, GError **error)
{
    return write_header(npy->begin, header("'<i8'", npy->n_rows + 1, 1), true, error) &&
           gasket_result_file_sync(npy->begin, error) &&
           gasket_result_file_publish(npy->begin, error);
}

static bool
npy_write(GasketResultSink *sink, const GasketResultBlock *block, GError **error)
{
    NpySink *npy = (NpySink *)sink;

    if (npy->ids == NULL) {
        bool text = npy->foreign && block->directory != NULL && block->directory->integer == NULL;
        if (!open_ids(npy, block->ids->integer == NULL, error) ||
            (text && !write_names(npy, block->directory, error)))
            return false;
    }
    if (!write_ids(npy, block, error))
        return false;
    if (npy->begin != NULL)
        return write_varying(npy, block, error);
    for (size_t i = 0; i < block->n; i++) {
        g_string_truncate(npy->record, 0);
        for (unsigned c = 0; c < npy->n_columns; c++)
            append_elements(&npy->columns[c], block, block->columns[c], i, npy->record);
        if (!gasket_result_file_write(npy->data, npy->record->str, npy->record->len, error))
            return false;
    }
    npy->n_rows += block->n;
    return true;
}

static bool
npy_finish(GasketResultSink *sink, GError **error)
{
    NpySink *npy = (NpySink *)sink;

    if (npy->ids == NULL && !open_ids(npy, false, error))
        return false;
    if (!write_header(npy->data, data_header(npy), true, error) ||
        (!npy->text_ids && !write_header(npy->ids, header("'<i8'", npy->n_rows, 1), true, error)))
        return false;
    if (npy->begin != NULL && !finish_begin(npy, error))
        return false;
    if (!gasket_result_file_sync(npy->ids, error) || !gasket_result_file_sync(npy->data, error) ||
        (npy->names != NULL && !gasket_result_file_publish(npy->names, error)) ||
        !gasket_result_file_publish(npy->ids, error) ||
        !gasket_result_file_publish(npy->data, error))
        return false;
    /* Ids of the other type are those of a result that stood here before. */
    g_autofree char *stale = g_strconcat(npy->path, npy->text_ids ? ".ids.npy" : ".ids.txt", NULL);
    (void)unlink(stale);
    return true;
}

static void
npy_free(GasketResultSink *sink)
{
    NpySink *npy = (NpySink *)sink;

    gasket_result_file_free(npy->data);
    gasket_result_file_free(npy->ids);
    gasket_result_file_free(npy->begin);
    gasket_result_file_free(npy->names);
    g_string_free(npy->record, TRUE);
    g_free(npy->path);
    g_free(npy);
}

GasketResultSink *
gasket_result_npy_new(const char *path, const GasketResultColumn *columns, unsigned n_columns,
                      const GasketResultOptions *options, GError **error)
{
    GasketResultFile *file = gasket_result_file_new(path, error);
    if (file == NULL)
        return NULL;

    NpySink *npy = g_new0(NpySink, 1);
    npy->sink = (GasketResultSink){npy_write, npy_finish, npy_free, NULL};
    npy->path = g_strdup(path);
    npy->columns = columns;
    npy->n_columns = n_columns;
    npy->foreign = options->n_keys > 0;
    npy->data = file;
    npy->record = g_string_new(NULL);
    if ((gasket_result_varies(columns, n_columns) && !open_begin(npy, error)) ||
        !write_header(file, data_header(npy), false, error)) {
        npy_free(&npy->sink);
        return NULL;
    }
    return &npy->sink;
}
