/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening databases that may be hostile: for reading only, defensively, with an untrusted schema,
 * and with an authorizer that lets statements do nothing but read.
 *
 *   sqlite3 *db = gasket_sqlite_open(path, error);
 *   ...
 *   sqlite3_close(db);
 */
#ifndef GASKET_LOADERS_SQLITE_OPEN_H
#define GASKET_LOADERS_SQLITE_OPEN_H

#include <stdbool.h>

#include <glib.h>

/* As sqlite3.h has them, which the loaders of SQLite alone include. */
struct sqlite3;
struct sqlite3_stmt;

/* Errors: INPUT for what cannot be read or is locked, FORMAT for what is damaged. */
struct sqlite3 *gasket_sqlite_open(const char *path, GError **error);

/* Sets the last failure of a database as the error. Always false. */
bool gasket_sqlite_fail(struct sqlite3 *db, const char *path, GError **error);

/* Names of the tables and views, in order; free with g_ptr_array_unref. */
GPtrArray *gasket_sqlite_tables(struct sqlite3 *db, const char *path, GError **error);

/* The table of a name, whatever its case, as it is written there; NULL if there is none. */
const char *gasket_sqlite_find(const GPtrArray *tables, const char *name);

/* The number in a column of the row at hand; NAN if there is none. */
double gasket_sqlite_number(struct sqlite3_stmt *rows, int column);

/* What stands in a column of the row at hand, for messages; g_free. */
char *gasket_sqlite_found(struct sqlite3_stmt *rows, int column);

#endif
