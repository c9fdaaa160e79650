/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a result: rows of one kind, ascending by original id, into a file of the user's choice.
 *
 *   g_autoptr(GasketResultWriter) writer =
 *       gasket_result_writer_new("ranks.tsv", columns, n_columns, NULL, &error);
 *   if (writer == NULL)
 *       return false;
 *   while (... a block of rows ...)
 *       if (!gasket_result_writer_write(writer, &block, &error))
 *           return false;
 *   return gasket_result_writer_finish(writer, &error);
 *
 * The format is that of the name's ending (or options.format):
 *
 *   tsv     .tsv .txt, and standard output ("-")     see result_row.h
 *   csv     .csv
 *   jsonl   .jsonl .ndjson
 *   npy     .npy    one array: (n,) or (n, length); a record array if there are several columns.
 *                   Ids stand in PATH.ids.npy (int64) or, where they are text, in PATH.ids.txt
 *                   (one a line, \t \n \r \\ escaped). A vertex column holds ids, INT64_MIN for
 *                   none; where ids are text it holds rows (0 ..), -1 for none; of another
 *                   kind's text (n_keys) rows of PATH.COLUMN.txt
 *   sqlite  .db .sqlite .sqlite3    a table in a new or existing database; other tables stay
 *   uai     .MAR .PR .MPE .MAP      results of graphical models: marginals (a varying column),
 *                   log10 of the partition function (the metric log10_z), an assignment (a column
 *                   of integers)
 *
 * Where a column varies in length, a vertex has a row for each element, which the index tells:
 *
 *   variable  state  probability        jsonl has an array instead; npy the elements one behind the
 *   7         0      0.25               other, PATH.begin.npy where those of each id begin, and no
 *   7         1      0.75               other column
 *
 * A result is written whole or not at all: until finish returns, what stood at the path before
 * stands there still, and freeing a writer that was not finished leaves nothing behind.
 *
 * Cost: one pass, a few MiB whatever the length.
 */
#ifndef GASKET_LOADERS_RESULT_WRITER_H
#define GASKET_LOADERS_RESULT_WRITER_H

#include "engine/job.h"

typedef struct GasketResultWriter GasketResultWriter;

typedef struct {
    const char *format;     /* "tsv", "csv", "jsonl", "npy", "sqlite"; NULL: by the path's ending */
    bool no_header;         /* tsv and csv without their first line */
    const char *table;      /* sqlite; NULL: "result" */
    const char *id_name;    /* heading of the ids; NULL: "vertex" */
    const char *index_name; /* heading of positions in a varying column; NULL: "index" */
    unsigned n_keys;        /* ids may be there several times: a row is known by its id and the
                               first so many columns. Vertex columns are then of another kind */
} GasketResultOptions;

/* columns: [n_columns] of one kind, copied; names borrowed. options: NULL for the defaults.
 * Errors: ARGUMENT (no such format, a column twice, a table without a name), IO. */
GasketResultWriter *gasket_result_writer_new(const char *path, const GasketResultColumn *columns,
                                             unsigned n_columns, const GasketResultOptions *options,
                                             GError **error);

/* Appends the rows of a block. Error: IO; the writer can then only be freed. */
bool gasket_result_writer_write(GasketResultWriter *writer, const GasketResultBlock *block,
                                GError **error);

/* Tells a writer what the run measured, before it finishes: .PR files hold log10_z. Copied. */
void gasket_result_writer_set_metrics(GasketResultWriter *writer, const GasketReport *report);

/* Makes the result appear. Error: IO. */
bool gasket_result_writer_finish(GasketResultWriter *writer, GError **error);

/* NULL is allowed. */
void gasket_result_writer_free(GasketResultWriter *writer);

/* Everything that can be said about path and options before there is a result. */
bool gasket_result_writer_check(const char *path, const GasketResultOptions *options,
                                GError **error);

/* And about the columns that it is to have. Error: ARGUMENT. */
bool gasket_result_writer_check_columns(const char *path, const GasketResultColumn *columns,
                                        unsigned n_columns, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketResultWriter, gasket_result_writer_free)

#endif
