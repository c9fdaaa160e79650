/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results as a table of a SQLite database.
 *
 *   CREATE TABLE "result" ("vertex" INTEGER PRIMARY KEY, "rank" REAL)          integer ids
 *   CREATE TABLE "result" ("vertex" TEXT PRIMARY KEY, "rank" REAL) WITHOUT ROWID
 *
 * Either way rows stand by id, arrive by id, and are found by id without an index of their own.
 * Columns of several elements are name_0, name_1, ... NaN is NULL, as is no vertex. Where a column
 * varies in length a vertex has a row for each element:
 *
 *   CREATE TABLE "result" ("variable" INTEGER, "state" INTEGER, "probability" REAL,
 *                          PRIMARY KEY ("variable", "state")) WITHOUT ROWID
 *
 * A table with further keys has no more than one row of the id and these:
 *
 *   CREATE TABLE "result" ("user" INTEGER, "item" INTEGER, "prediction" REAL,
 *                          PRIMARY KEY ("user", "item")) WITHOUT ROWID
 *
 * An existing database gets the table in one transaction: its other tables stay, a table of the
 * same name is replaced, and whatever fails is rolled back. A new database is a file that appears
 * whole or not at all (result_file.h).
 *
 * Cost: one INSERT a row, all in one transaction; no more memory than SQLite's page cache.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "loaders/result_file.h"
#include "loaders/result_sink.h"
#include "loaders/sqlite_descriptor.h"

#define BUSY_MS 5000 /* wait for another process's transaction */

typedef struct {
    GasketResultSink sink;
    char *path;                        /* as given, for messages */
    char *target;                      /* links followed */
    GasketResultFile *file;            /* of a new database; else NULL */
    const GasketResultColumn *columns; /* [n_columns] */
    unsigned n_columns;
    char *table, *id_name, *index_name;
    bool varying;    /* some column is */
    unsigned n_keys; /* columns that belong to the key, behind the id */
    sqlite3 *db;
    sqlite3_stmt *insert; /* made with the first block, which tells the ids' type */
} SqliteSink;

static bool
fail(const SqliteSink *sink, GError **error)
{
    int code = sqlite3_system_errno(sink->db);
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "cannot write %s: %s%s%s", sink->path,
                sqlite3_errmsg(sink->db), code != 0 ? ": " : "", code != 0 ? g_strerror(code) : "");
    return false;
}

static bool
execute(const SqliteSink *sink, const char *sql, GError **error)
{
    return sqlite3_exec(sink->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(sink, error);
}

/* "name", with its quotes doubled. */
static void
append_name(GString *sql, const char *name)
{
    g_string_append_c(sql, '"');
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '"')
            g_string_append_c(sql, '"');
        g_string_append_c(sql, *p);
    }
    g_string_append_c(sql, '"');
}

/* What stands under the name of the table: "table", "view", ... or NULL; free with g_free. */
static bool
find_existing(const SqliteSink *sink, char **ret_type, GError **error)
{
    sqlite3_stmt *query = NULL;
    char *type = NULL;

    if (sqlite3_prepare_v2(sink->db,
                           "SELECT type FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE", -1,
                           &query, NULL) != SQLITE_OK)
        return fail(sink, error);
    (void)sqlite3_bind_text(query, 1, sink->table, -1, SQLITE_STATIC); /* step reports it */
    int status = sqlite3_step(query);
    if (status == SQLITE_ROW)
        type = g_strdup((const char *)sqlite3_column_text(query, 0));
    (void)sqlite3_finalize(query); /* repeats the status of step */
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        return fail(sink, error);
    *ret_type = type;
    return true;
}

static bool
drop_existing(const SqliteSink *sink, GError **error)
{
    g_autofree char *type = NULL;
    if (!find_existing(sink, &type, error))
        return false;
    if (type == NULL)
        return true;
    if (strcmp(type, "table") != 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s: found the %s \"%s\", expected a table to replace or none", sink->path,
                    type, sink->table);
        return false;
    }
    g_autoptr(GString) sql = g_string_new("DROP TABLE ");
    append_name(sql, sink->table);
    return execute(sink, sql->str, error);
}

static void
append_column(GString *sql, const GasketResultColumn *column, size_t element, bool text_vertices)
{
    g_autofree char *name = column->length > 1 ? g_strdup_printf("%s_%zu", column->name, element)
                                               : g_strdup(column->name);
    g_string_append(sql, ", ");
    append_name(sql, name);
    if (column->type == GASKET_FLOAT || column->type == GASKET_DOUBLE)
        g_string_append(sql, " REAL");
    else if (column->type == GASKET_VERTEX && text_vertices)
        g_string_append(sql, " TEXT");
    else
        g_string_append(sql, " INTEGER");
}

/* The key of a table where the id alone is none. */
static void
append_key(const SqliteSink *sink, GString *sql)
{
    g_string_append(sql, ", PRIMARY KEY (");
    append_name(sql, sink->id_name);
    if (sink->varying) {
        g_string_append(sql, ", ");
        append_name(sql, sink->index_name);
    }
    for (unsigned c = 0; c < sink->n_keys; c++) {
        g_string_append(sql, ", ");
        append_name(sql, sink->columns[c].name);
    }
    g_string_append_c(sql, ')');
}

static bool
create_table(SqliteSink *sink, const GasketResultBlock *block, GError **error)
{
    const bool text_ids = block != NULL && block->ids->integer == NULL;
    const bool text_vertices =
        block != NULL && block->directory != NULL && block->directory->integer == NULL;
    const bool long_key = sink->varying || sink->n_keys > 0;
    g_autoptr(GString) create = g_string_new("CREATE TABLE ");
    g_autoptr(GString) insert = g_string_new("INSERT INTO ");

    append_name(create, sink->table);
    append_name(insert, sink->table);
    g_string_append(create, " (");
    append_name(create, sink->id_name);
    g_string_append(create, text_ids ? " TEXT" : " INTEGER");
    g_string_append(create, long_key ? " NOT NULL" : " PRIMARY KEY");
    g_string_append(insert, " VALUES (?");
    if (sink->varying) {
        g_string_append(create, ", ");
        append_name(create, sink->index_name);
        g_string_append(create, " INTEGER NOT NULL");
        g_string_append(insert, ", ?");
    }
    for (unsigned c = 0; c < sink->n_columns; c++) {
        for (size_t e = 0; e < gasket_result_length(&sink->columns[c]); e++) {
            append_column(create, &sink->columns[c], e, text_vertices);
            g_string_append(insert, ", ?");
        }
    }
    if (long_key)
        append_key(sink, create);
    g_string_append(create, text_ids || long_key ? ") WITHOUT ROWID" : ")");
    g_string_append_c(insert, ')');

    if (!drop_existing(sink, error) || !execute(sink, create->str, error))
        return false;
    return sqlite3_prepare_v2(sink->db, insert->str, -1, &sink->insert, NULL) == SQLITE_OK ||
           fail(sink, error);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int
bind_id(sqlite3_stmt *insert, int parameter, const GasketIds *ids, uint32_t x)
{
    if (ids->integer != NULL)
        return sqlite3_bind_int64(insert, parameter, ids->integer[x]);
    return sqlite3_bind_text64(insert, parameter, ids->text + ids->text_begin[x],
                               ids->text_begin[x + 1] - ids->text_begin[x], SQLITE_STATIC,
                               SQLITE_UTF8);
}

static int
bind_element(sqlite3_stmt *insert, int parameter, const GasketResultColumn *column,
             const GasketResultBlock *block, const void *data, size_t e)
{
    if (column->type == GASKET_VERTEX) {
        uint32_t ordinal = ((const uint32_t *)data)[e];
        return ordinal == GASKET_NO_VERTEX ? sqlite3_bind_null(insert, parameter)
                                           : bind_id(insert, parameter, block->directory, ordinal);
    }
    if (column->type == GASKET_INT64)
        return sqlite3_bind_int64(insert, parameter, ((const int64_t *)data)[e]);
    double x = gasket_result_element(column, data, e);
    if (column->type == GASKET_FLOAT || column->type == GASKET_DOUBLE)
        return sqlite3_bind_double(insert, parameter, x); /* NaN becomes NULL */
    return sqlite3_bind_int64(insert, parameter, (int64_t)x);
}

/* line: of the elements of varying columns that the row has. */
static bool
insert_row(SqliteSink *sink, const GasketResultBlock *block, size_t i, size_t line, GError **error)
{
    int parameter = 1;
    int status = bind_id(sink->insert, parameter++, block->ids, (uint32_t)i);

    if (sink->varying && status == SQLITE_OK)
        status = sqlite3_bind_int64(sink->insert, parameter++, (int64_t)line);
    for (unsigned c = 0; c < sink->n_columns && status == SQLITE_OK; c++) {
        size_t first, length = gasket_result_elements(sink->columns, block, c, i, &first);
        const GasketResultColumn *column = &sink->columns[c];
        if (column->varying && line >= length) {
            status = sqlite3_bind_null(sink->insert, parameter++);
            continue;
        }
        size_t begin = column->varying ? first + line : first;
        size_t n = column->varying ? 1 : length;
        for (size_t e = 0; e < n && status == SQLITE_OK; e++)
            status = bind_element(sink->insert, parameter++, column, block, block->columns[c],
                                  begin + e);
    }
    if (status != SQLITE_OK || sqlite3_step(sink->insert) != SQLITE_DONE)
        return fail(sink, error);
    (void)sqlite3_reset(sink->insert); /* repeats the status of step */
    return true;
}

static bool
sqlite_write(GasketResultSink *base, const GasketResultBlock *block, GError **error)
{
    SqliteSink *sink = (SqliteSink *)base;

    if (sink->insert == NULL && !create_table(sink, block, error))
        return false;
    for (size_t i = 0; i < block->n; i++) {
        size_t lines =
            sink->varying ? gasket_result_lines(sink->columns, sink->n_columns, block, i) : 1;
        for (size_t line = 0; line < lines; line++)
            if (!insert_row(sink, block, i, line, error))
                return false;
    }
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool
sqlite_finish(GasketResultSink *base, GError **error)
{
    SqliteSink *sink = (SqliteSink *)base;

    if (sink->insert == NULL && !create_table(sink, NULL, error))
        return false;
    (void)sqlite3_finalize(sink->insert); /* every step's status was looked at */
    sink->insert = NULL;
    if (!execute(sink, "COMMIT", error))
        return false;
    if (sqlite3_close(sink->db) != SQLITE_OK)
        return fail(sink, error);
    sink->db = NULL;
    return sink->file == NULL || (gasket_result_file_sync(sink->file, error) &&
                                  gasket_result_file_publish(sink->file, error));
}

static void
sqlite_free(GasketResultSink *base)
{
    SqliteSink *sink = (SqliteSink *)base;

    (void)sqlite3_finalize(sink->insert);
    (void)sqlite3_close(sink->db); /* rolls an open transaction back */
    gasket_result_file_free(sink->file);
    g_free(sink->target);
    g_free(sink->path);
    g_free(sink->table);
    g_free(sink->id_name);
    g_free(sink->index_name);
    g_free(sink);
}

static bool
open_database(SqliteSink *sink, GError **error)
{
    /* An empty file is a database without tables; it is replaced like one that is not there. */
    struct stat status;
    int code;
    if (stat(sink->target, &status) == 0 && status.st_size > 0) {
        code = sqlite3_open_v2(sink->target, &sink->db, SQLITE_OPEN_READWRITE, NULL);
    } else {
        sink->file = gasket_result_file_new(sink->path, error);
        if (sink->file == NULL)
            return false;
        if (!gasket_result_file_can_rewrite(sink->file)) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO,
                        "cannot write %s: a database must be a regular file", sink->path);
            return false;
        }
        code = gasket_sqlite_open_descriptor(gasket_result_file_descriptor(sink->file), &sink->db);
    }
    if (code != SQLITE_OK)
        return fail(sink, error);
    (void)sqlite3_busy_timeout(sink->db, BUSY_MS); /* cannot fail on an open connection */
    /* What other hands put into the database is data, not code to run. */
    (void)sqlite3_db_config(sink->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return execute(sink, "PRAGMA trusted_schema = OFF", error) &&
           execute(sink, "BEGIN IMMEDIATE", error);
}

GasketResultSink *
gasket_result_sqlite_new(const char *path, const GasketResultColumn *columns, unsigned n_columns,
                         const GasketResultOptions *options, GError **error)
{
    SqliteSink *sink = g_new0(SqliteSink, 1);
    sink->sink = (GasketResultSink){sqlite_write, sqlite_finish, sqlite_free, NULL};
    sink->path = g_strdup(path);
    sink->target = gasket_result_file_target(path);
    sink->columns = columns;
    sink->n_columns = n_columns;
    sink->table = g_strdup(options->table);
    sink->id_name = g_strdup(options->id_name);
    sink->index_name = g_strdup(options->index_name);
    sink->n_keys = MIN(options->n_keys, n_columns);
    sink->varying = gasket_result_varies(columns, n_columns);
    if (!open_database(sink, error)) {
        sqlite_free(&sink->sink);
        return NULL;
    }
    return &sink->sink;
}
