/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and looking into databases; see sqlite_open.h. */
#include "loaders/sqlite_open.h"

#include <gasket/error.h>
#include <math.h>
#include <string.h>

#include <sqlite3.h>

#include "loaders/text.h"

#define BUSY_MS 2000 /* wait for another process's transaction */

bool
gasket_sqlite_fail(sqlite3 *db, const char *path, GError **error)
{
    int code = sqlite3_errcode(db) & 0xff;
    bool locked = code == SQLITE_BUSY || code == SQLITE_LOCKED;
    bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    g_set_error(error, GASKET_ERROR, damaged ? GASKET_ERROR_FORMAT : GASKET_ERROR_INPUT,
                "%s: %s: %s", path,
                locked    ? "the database is locked by another process"
                : damaged ? "the database is damaged"
                          : "the database cannot be read",
                sqlite3_errmsg(db));
    return false;
}

/* Statements may read and nothing else. */
static int
allow_reading(void *data, int action, const char *a, const char *b, const char *c, const char *d)
{
    (void)data, (void)a, (void)b, (void)c, (void)d;
    return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION ||
                   action == SQLITE_RECURSIVE
               ? SQLITE_OK
               : SQLITE_DENY;
}

sqlite3 *
gasket_sqlite_open(const char *path, GError **error)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(db, BUSY_MS);
        if (sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
            sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK &&
            sqlite3_exec(db, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", NULL, NULL,
                         NULL) == SQLITE_OK &&
            sqlite3_set_authorizer(db, allow_reading, NULL) == SQLITE_OK)
            return db;
    }
    gasket_sqlite_fail(db, path, error);
    sqlite3_close(db);
    return NULL;
}

GPtrArray *
gasket_sqlite_tables(sqlite3 *db, const char *path, GError **error)
{
    g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(g_free);
    sqlite3_stmt *query = NULL;
    int code = sqlite3_prepare_v2(db,
                                  "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
                                  "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
                                  -1, &query, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(query);
        if (code == SQLITE_ROW)
            g_ptr_array_add(tables, g_strdup((const char *)sqlite3_column_text(query, 0)));
    }
    if (code != SQLITE_DONE)
        gasket_sqlite_fail(db, path, error);
    sqlite3_finalize(query);
    return code == SQLITE_DONE ? g_steal_pointer(&tables) : NULL;
}

const char *
gasket_sqlite_find(const GPtrArray *tables, const char *name)
{
    for (guint i = 0; i < tables->len; i++)
        if (tables->pdata[i] != NULL && g_ascii_strcasecmp(tables->pdata[i], name) == 0)
            return tables->pdata[i];
    return NULL;
}

double
gasket_sqlite_number(sqlite3_stmt *rows, int column)
{
    int type = sqlite3_column_type(rows, column);
    double number = NAN;
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
        number = sqlite3_column_double(rows, column);
    } else if (type == SQLITE_TEXT) {
        const char *text = (const char *)sqlite3_column_text(rows, column);
        const char *end = text != NULL ? gasket_scan_double(text, &number) : NULL;
        if (end != text + sqlite3_column_bytes(rows, column))
            number = NAN;
    }
    return number;
}

char *
gasket_sqlite_found(sqlite3_stmt *rows, int column)
{
    int type = sqlite3_column_type(rows, column);
    if (type == SQLITE_NULL)
        return g_strdup("NULL");
    if (type == SQLITE_BLOB)
        return g_strdup_printf("a BLOB of %d bytes", sqlite3_column_bytes(rows, column));
    const char *text = (const char *)sqlite3_column_text(rows, column);
    return gasket_text_quote(text ? text : "", text ? strlen(text) : 0);
}
