/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SQLite database in a file that has no name.
 *
 * SQLite opens files by name. What is being written shall have none until it is whole
 * (result_file.h), so it is handed over as a descriptor:
 *
 *   sqlite3 *db;
 *   int code = gasket_sqlite_open_descriptor(fd, &db);
 *
 * The database is this connection's alone: nothing is locked, journals and temporary tables are
 * kept in memory, and syncing is left to the descriptor's owner, who also closes it, after db.
 */
#ifndef GASKET_LOADERS_SQLITE_DESCRIPTOR_H
#define GASKET_LOADERS_SQLITE_DESCRIPTOR_H

struct sqlite3;

/* Opens the database in fd, a regular file open for reading and writing (empty: a new database).
 * A result code of SQLite; whatever it is, *ret_db is to be closed. */
int gasket_sqlite_open_descriptor(int fd, struct sqlite3 **ret_db);

#endif
