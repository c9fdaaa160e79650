/* SPDX-License-Identifier: Apache-2.0 */
/* Result writers: formats by name, and the way to their sinks; see result_writer.h. */
#include "loaders/result_writer.h"

#include <string.h>

#include "loaders/result_file.h"
#include "loaders/result_sink.h"

typedef enum {
    FORMAT_TSV,
    FORMAT_CSV,
    FORMAT_JSONL,
    FORMAT_NPY,
    FORMAT_SQLITE,
    FORMAT_UAI,
} Format;

typedef struct {
    const char *name;
    Format format;
} FormatName;

static const FormatName format_names[] = {
    {"tsv", FORMAT_TSV}, {"csv", FORMAT_CSV},       {"jsonl", FORMAT_JSONL},
    {"npy", FORMAT_NPY}, {"sqlite", FORMAT_SQLITE},
};

static const FormatName endings[] = {
    {".tsv", FORMAT_TSV},      {".txt", FORMAT_TSV},       {".csv", FORMAT_CSV},
    {".jsonl", FORMAT_JSONL},  {".npy", FORMAT_NPY},       {".db", FORMAT_SQLITE},
    {".ndjson", FORMAT_JSONL}, {".sqlite", FORMAT_SQLITE}, {".sqlite3", FORMAT_SQLITE},
    {".MAR", FORMAT_UAI},      {".PR", FORMAT_UAI},        {".MPE", FORMAT_UAI},
    {".MAP", FORMAT_UAI},
};

struct GasketResultWriter {
    GasketResultSink *sink;
    GasketResultColumn *columns; /* [n_columns] */
};

static bool
named_format(const char *name, Format *ret_format, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(format_names); i++) {
        if (strcmp(format_names[i].name, name) == 0) {
            *ret_format = format_names[i].format;
            return true;
        }
    }
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "%s is no format for results, expected tsv, csv, jsonl, npy or sqlite", name);
    return false;
}

/* Standard output, devices and pipes have no ending to go by. */
static bool
is_stream(const char *path)
{
    return strcmp(path, "-") == 0 ||
           (g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR) &&
            !g_file_test(path, G_FILE_TEST_IS_DIR));
}

static bool
find_format(const char *path, const GasketResultOptions *options, Format *ret_format,
            GError **error)
{
    if (options != NULL && options->format != NULL)
        return named_format(options->format, ret_format, error);
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        if (g_str_has_suffix(path, endings[i].name)) {
            *ret_format = endings[i].format;
            return true;
        }
    }
    if (is_stream(path)) {
        *ret_format = FORMAT_TSV;
        return true;
    }
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "%s: the ending names no format for results, expected .tsv, .csv, .jsonl, .npy, "
                ".db, of graphical models .MAR, .PR or .MPE, or - for standard output",
                path);
    return false;
}

static bool
check_format(Format format, const char *path, const GasketResultOptions *options, GError **error)
{
    if ((format == FORMAT_NPY || format == FORMAT_SQLITE) && is_stream(path)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s: results in this format need a file of their own", path);
        return false;
    }
    const char *table = options != NULL ? options->table : NULL;
    if (format == FORMAT_SQLITE && table != NULL &&
        (table[0] == '\0' || g_ascii_strncasecmp(table, "sqlite_", 7) == 0)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "\"%s\" cannot be the name of a table", table);
        return false;
    }
    return true;
}

bool
gasket_result_writer_check(const char *path, const GasketResultOptions *options, GError **error)
{
    Format format;
    return find_format(path, options, &format, error) &&
           check_format(format, path, options, error) && gasket_result_file_check(path, error);
}

bool
gasket_result_writer_check_columns(const char *path, const GasketResultColumn *columns,
                                   unsigned n_columns, GError **error)
{
    Format format;
    unsigned column;
    return find_format(path, NULL, &format, error) &&
           (format != FORMAT_UAI ||
            gasket_result_uai_column(path, columns, n_columns, &column, error));
}

static GasketResultSink *
new_sink(Format format, const char *path, const GasketResultColumn *columns, unsigned n_columns,
         const GasketResultOptions *options, GError **error)
{
    switch (format) {
    case FORMAT_TSV:
        return gasket_result_text_new(GASKET_ROW_TSV, path, columns, n_columns, options, error);
    case FORMAT_CSV:
        return gasket_result_text_new(GASKET_ROW_CSV, path, columns, n_columns, options, error);
    case FORMAT_JSONL:
        return gasket_result_text_new(GASKET_ROW_JSONL, path, columns, n_columns, options, error);
    case FORMAT_NPY:
        return gasket_result_npy_new(path, columns, n_columns, options, error);
    case FORMAT_SQLITE:
        return gasket_result_sqlite_new(path, columns, n_columns, options, error);
    case FORMAT_UAI:
        return gasket_result_uai_new(path, columns, n_columns, error);
    }
    g_assert_not_reached();
}

GasketResultWriter *
gasket_result_writer_new(const char *path, const GasketResultColumn *columns, unsigned n_columns,
                         const GasketResultOptions *options, GError **error)
{
    GasketResultOptions complete = options != NULL ? *options : (GasketResultOptions){0};
    if (complete.table == NULL)
        complete.table = "result";
    if (complete.id_name == NULL)
        complete.id_name = "vertex";
    if (complete.index_name == NULL)
        complete.index_name = "index";

    Format format;
    if (!find_format(path, options, &format, error) || !check_format(format, path, options, error))
        return NULL;

    g_autoptr(GasketResultWriter) writer = g_new0(GasketResultWriter, 1);
    writer->columns = g_memdup2(columns, n_columns * sizeof *columns);
    writer->sink = new_sink(format, path, writer->columns, n_columns, &complete, error);
    return writer->sink != NULL ? g_steal_pointer(&writer) : NULL;
}

bool
gasket_result_writer_write(GasketResultWriter *writer, const GasketResultBlock *block,
                           GError **error)
{
    return writer->sink->write(writer->sink, block, error);
}

void
gasket_result_writer_set_metrics(GasketResultWriter *writer, const GasketReport *report)
{
    if (writer->sink->set_metrics != NULL)
        writer->sink->set_metrics(writer->sink, report);
}

bool
gasket_result_writer_finish(GasketResultWriter *writer, GError **error)
{
    return writer->sink->finish(writer->sink, error);
}

void
gasket_result_writer_free(GasketResultWriter *writer)
{
    if (writer == NULL)
        return;
    if (writer->sink != NULL)
        writer->sink->free(writer->sink);
    g_free(writer->columns);
    g_free(writer);
}
