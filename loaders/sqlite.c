/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading graphs from SQLite: a table, a view or one SELECT, with a row for each edge.
 *
 * The database may be hostile: see sqlite_open.h.
 *
 * Ids are integers or text, row by row, with the rule of all formats: text that is a canonical
 * decimal is an integer. Weights are numbers. NULL, REAL and BLOB ids are errors that name the row.
 *
 * Cost: SQLite's own; one thread.
 */
#include <math.h>
#include <string.h>

#include <sqlite3.h>

#include "loaders/dialect.h"
#include "loaders/sqlite_open.h"
#include "loaders/text.h"

typedef struct {
    const char *path;
    sqlite3 *db;
    sqlite3_stmt *rows;
    GasketDialect columns; /* source, target and weight among those of the statement */
} Database;

static void
database_free(void *state)
{
    Database *database = state;
    if (database == NULL)
        return;
    sqlite3_finalize(database->rows);
    sqlite3_close(database->db);
    g_free(database);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Database, database_free)

static Database *
database_open(const char *path, GError **error)
{
    g_autoptr(Database) database = g_new0(Database, 1);
    database->path = path;
    database->db = gasket_sqlite_open(path, error);
    return database->db != NULL ? g_steal_pointer(&database) : NULL;
}

static bool
fail(const Database *database, GError **error)
{
    return gasket_sqlite_fail(database->db, database->path, error);
}

/* The table to read: that asked for; the only one; or one called edges or ratings. g_free. */
static char *
choose_table(const Database *database, const char *wanted, GError **error)
{
    g_autoptr(GPtrArray) tables = gasket_sqlite_tables(database->db, database->path, error);
    if (tables == NULL)
        return NULL;
    const char *table = NULL;
    if (wanted != NULL)
        table = gasket_sqlite_find(tables, wanted);
    else if (tables->len == 1)
        table = tables->pdata[0];
    else if ((table = gasket_sqlite_find(tables, "edges")) == NULL)
        table = gasket_sqlite_find(tables, "ratings");
    if (table != NULL)
        return g_strdup(table);
    g_autoptr(GString) list = g_string_new(NULL);
    for (guint i = 0; i < tables->len; i++) {
        const char *name = tables->pdata[i];
        g_autofree char *quoted = gasket_text_quote(name ? name : "", name ? strlen(name) : 0);
        g_string_append_printf(list, "%s%s", i == 0 ? "" : ", ", quoted);
    }
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s: found the tables %s, expected %s%s%s", database->path,
                list->len > 0 ? list->str : "(none)", wanted != NULL ? "a table \"" : "",
                wanted != NULL ? wanted : "--table to name one of them",
                wanted != NULL ? "\"" : "");
    return NULL;
}

/* Prepares sql, which must be one SELECT. */
static bool
prepare_select(Database *database, const char *sql, bool user, GError **error)
{
    const char *tail = NULL;
    if (sqlite3_prepare_v2(database->db, sql, -1, &database->rows, &tail) != SQLITE_OK) {
        int code = sqlite3_errcode(database->db) & 0xff;
        if (!user || code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_CORRUPT ||
            code == SQLITE_NOTADB || code == SQLITE_IOERR || code == SQLITE_CANTOPEN)
            return fail(database, error);
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "%s: query is refused: %s",
                    database->path, sqlite3_errmsg(database->db));
        return false;
    }
    while (tail != NULL && (g_ascii_isspace(*tail) || *tail == ';'))
        tail++;
    if (database->rows == NULL || (tail != NULL && *tail != '\0') ||
        !sqlite3_stmt_readonly(database->rows) || sqlite3_column_count(database->rows) == 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "%s: query must be a single SELECT",
                    database->path);
        return false;
    }
    return true;
}

static bool
select_table(Database *database, const char *table, GError **error)
{
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
    if (sql == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "%s: no memory for a query",
                    database->path);
        return false;
    }
    bool good = prepare_select(database, sql, false, error);
    sqlite3_free(sql);
    return good;
}

/* Chooses source, target and weight among the statement's columns. */
static bool
choose_columns(Database *database, const GasketLoadOptions *options, GasketWeights *ret_weights,
               GError **error)
{
    GasketField names[GASKET_FIELDS_MAX];
    size_t n = MIN((size_t)sqlite3_column_count(database->rows), GASKET_FIELDS_MAX);
    for (size_t i = 0; i < n; i++) {
        const char *name = sqlite3_column_name(database->rows, (int)i);
        names[i] = (GasketField){name ? name : "", name ? strlen(name) : 0};
    }
    GasketDialect *columns = &database->columns;
    bool common;
    if (!gasket_dialect_columns(columns, options, names, n, database->path, &common, error))
        return false;
    if (options->columns == NULL && columns->weight != GASKET_NO_COLUMN && columns->weight >= n)
        columns->weight = GASKET_NO_COLUMN;
    if (options->columns == NULL && columns->time != GASKET_NO_COLUMN && columns->time >= n)
        columns->time = GASKET_NO_COLUMN;
    bool weighted = columns->weight != GASKET_NO_COLUMN;
    uint32_t highest = MAX(columns->source, columns->target);
    if (weighted)
        highest = MAX(highest, columns->weight);
    if (columns->time != GASKET_NO_COLUMN)
        highest = MAX(highest, columns->time);
    if (highest >= n) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "%s: found %zu column%s, expected at least %u", database->path, n,
                    n == 1 ? "" : "s", highest + 1);
        return false;
    }
    *ret_weights = weighted ? GASKET_WEIGHTS_THERE : GASKET_WEIGHTS_NONE;
    if (!options->want_weights && !options->require_weights)
        columns->weight = GASKET_NO_COLUMN;
    return true;
}

static bool
prepare(GasketSource *source, const GasketLoadOptions *options, GError **error)
{
    if (!gasket_input_reopens(source->input) ||
        gasket_input_compression(source->input) != GASKET_COMPRESSION_NONE) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_INPUT,
                    "%s: a database is read from a plain file, neither compressed nor from a pipe",
                    gasket_input_name(source->input));
        return false;
    }
    if (options->table != NULL && options->query != NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a table and a query cannot both be given");
        return false;
    }
    Database *database = database_open(source->path, error);
    source->state = database;
    if (database == NULL)
        return false;
    if (options->query != NULL) {
        if (!prepare_select(database, options->query, true, error))
            return false;
    } else {
        g_autofree char *table = choose_table(database, options->table, error);
        if (table == NULL || !select_table(database, table, error))
            return false;
    }
    bool good = choose_columns(database, options, &source->weights, error);
    source->timed = database->columns.time != GASKET_NO_COLUMN;
    return good;
}

/* Sets `PATH: row N: found what stands in the column, expected ...`. */
static void
fail_row(const Database *database, uint64_t row, uint32_t column, const char *expected,
         GError **error)
{
    sqlite3_stmt *rows = database->rows;
    g_autofree char *found = gasket_sqlite_found(rows, (int)column);
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s: row %" G_GUINT64_FORMAT ": found %s in column \"%s\", expected %s",
                database->path, row, found, sqlite3_column_name(rows, (int)column), expected);
}

/* The handle of the id in a column. */
static uint32_t
read_id(const Database *database, GasketBatch *batch, unsigned kind, uint32_t column, uint64_t row,
        GError **error)
{
    sqlite3_stmt *rows = database->rows;
    switch (sqlite3_column_type(rows, (int)column)) {
    case SQLITE_INTEGER:
        return gasket_feed_integer(batch->feed, kind, sqlite3_column_int64(rows, (int)column),
                                   error);
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_column_text(rows, (int)column);
        size_t size = (size_t)sqlite3_column_bytes(rows, (int)column);
        GError *found = NULL;
        uint32_t handle = gasket_batch_id(batch, kind, text ? text : "", text ? size : 0,
                                          "an integer or text", &found);
        if (found != NULL && g_error_matches(found, GASKET_ERROR, GASKET_ERROR_FORMAT)) {
            fail_row(database, row, column, "an id of 1 to 65535 bytes, none a control character",
                     error);
            g_error_free(found);
        } else if (found != NULL) {
            g_propagate_error(error, found);
        }
        return handle;
    }
    default:
        fail_row(database, row, column, "an integer or text as id", error);
        return GASKET_NO_VERTEX;
    }
}

static bool
read_time(const Database *database, uint64_t row, double *ret_time, GError **error)
{
    *ret_time = gasket_sqlite_number(database->rows, (int)database->columns.time);
    if (isfinite(*ret_time))
        return true;
    fail_row(database, row, database->columns.time, "a time (a finite number)", error);
    return false;
}

static bool
read_weight(const Database *database, const GasketBatch *batch, uint64_t row, double *ret_weight,
            GError **error)
{
    double weight = gasket_sqlite_number(database->rows, (int)database->columns.weight);
    if (!(fabs(weight) <= batch->most)) {
        fail_row(database, row, database->columns.weight,
                 batch->ratings ? "a rating (a finite number)" : "a weight (a finite number)",
                 error);
        return false;
    }
    if (batch->nonnegative && weight < 0) {
        fail_row(database, row, database->columns.weight, "a weight that is not negative", error);
        return false;
    }
    *ret_weight = weight;
    return true;
}

static bool
read_edge(const Database *database, GasketBatch *batch, uint64_t row, GError **error)
{
    const GasketDialect *columns = &database->columns;
    double weight = 1, time = 0;
    uint32_t u = read_id(database, batch, batch->source_kind, columns->source, row, error);
    if (u == GASKET_NO_VERTEX)
        return false;
    uint32_t v = read_id(database, batch, batch->target_kind, columns->target, row, error);
    return v != GASKET_NO_VERTEX &&
           (columns->weight == GASKET_NO_COLUMN ||
            read_weight(database, batch, row, &weight, error)) &&
           (columns->time == GASKET_NO_COLUMN || read_time(database, row, &time, error)) &&
           gasket_batch_add_timed(batch, u, v, weight, time, error);
}

static bool
load(GasketSource *source, GasketLoader *loader, GError **error)
{
    const GasketLoadOptions *options = loader->options;
    Database *database = source->state;
    GasketBatch *batch = loader->batches[0];
    uint64_t row = 0;
    int code;
    while ((code = sqlite3_step(database->rows)) == SQLITE_ROW) {
        if (!read_edge(database, batch, ++row, error))
            return false;
        if (options->progress != NULL && row % (1 << 16) == 0)
            options->progress(options->progress_data, loader->bytes_done, loader->bytes_total,
                              loader->edges + row);
    }
    if (code != SQLITE_DONE)
        return fail(database, error);
    loader->lines += row;
    loader->edges += row;
    return gasket_batch_flush(batch, error);
}

bool
gasket_sqlite_has_table(const char *path, const char *table)
{
    g_autoptr(GasketInput) input = strcmp(path, "-") != 0 ? gasket_input_open(path, NULL) : NULL;
    const char *text;
    size_t size;
    if (input == NULL || !gasket_input_peek(input, 16, &text, &size, NULL) || size < 16 ||
        memcmp(text, "SQLite format 3", 16) != 0)
        return false;
    g_autoptr(Database) database = database_open(path, NULL);
    g_autoptr(GPtrArray) tables =
        database != NULL ? gasket_sqlite_tables(database->db, path, NULL) : NULL;
    return tables != NULL && gasket_sqlite_find(tables, table) != NULL;
}

bool
gasket_sqlite_add_vertices(GasketLoader *loader, const char *path, const char *table,
                           GError **error)
{
    g_autoptr(Database) database = database_open(path, error);
    if (database == NULL || !select_table(database, table, error))
        return false;
    GasketBatch *batch = loader->batches[0];
    int code;
    for (uint64_t row = 1; (code = sqlite3_step(database->rows)) == SQLITE_ROW; row++) {
        uint32_t handle = read_id(database, batch, loader->source_kind, 0, row, error);
        if (handle == GASKET_NO_VERTEX ||
            !gasket_loader_add_vertices(loader, batch, loader->source_kind, 1, &handle, error))
            return false;
    }
    return code == SQLITE_DONE || fail(database, error);
}

const GasketFormat gasket_format_sqlite = {
    .name = "sqlite",
    .extensions = "db sqlite sqlite3",
    .columns = true,
    .tables = true,
    .prepare = prepare,
    .load = load,
    .free = database_free,
};
