/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small result.
 *
 *   vertex      rank      parent      pair            as text ids
 *   -5          0.5       -5          1 2             a,b
 *   7           nan       none        3 4             say "x"
 *   9000000000  1e-07     7           5 6             two<newline>lines<tab>and<backslash>
 */
#ifndef GASKET_TESTS_RESULT_FIXTURE_H
#define GASKET_TESTS_RESULT_FIXTURE_H

#include <math.h>
#include <string.h>

#include <sqlite3.h>

#include "loaders/result_writer.h"
#include "tests/folder.h"

static int64_t integers[] = {-5, 7, 9000000000};
static char text[] = "a,b"
                     "say \"x\""
                     "two\nlines\tand\\";
static uint64_t text_begin[] = {0, 3, 10, 24};
static const double rank[] = {0.5, NAN, 1e-7};
static const uint32_t parent[] = {0, GASKET_NO_VERTEX, 1};
static const int32_t pair[] = {1, 2, 3, 4, 5, 6};
static const void *const columns_data[] = {rank, parent, pair};
static const GasketResultColumn columns[] = {
    {"rank", 0, GASKET_DOUBLE, 0, .rank = true},
    {"parent", 0, GASKET_VERTEX, 8, .length = 1},
    {"pair", 0, GASKET_INT32, 12, .length = 2},
};
static const GasketIds integer_ids = {.n = 3, .integer = integers};
static const GasketIds text_ids = {.n = 3, .text_begin = text_begin, .text = text};

static const GasketResultBlock integer_block = {.n = 3,
                                                .ids = &integer_ids,
                                                .columns = columns_data,
                                                .directory = &integer_ids};
static const GasketResultBlock text_block = {.n = 3,
                                             .ids = &text_ids,
                                             .columns = columns_data,
                                             .directory = &text_ids};

static inline void
write_result(const char *path, const GasketResultBlock *block, const GasketResultOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketResultWriter) writer =
        gasket_result_writer_new(path, columns, G_N_ELEMENTS(columns), options, &error);
    ck_assert_no_error(error);
    bool written = gasket_result_writer_write(writer, block, &error);
    ck_assert_no_error(error);
    ck_assert(written);
    bool finished = gasket_result_writer_finish(writer, &error);
    ck_assert_no_error(error);
    ck_assert(finished);
}

static inline void
assert_bytes(const char *path, const char *expected, size_t length)
{
    g_autofree char *found = NULL;
    gsize n = 0;
    g_autoptr(GError) error = NULL;
    g_file_get_contents(path, &found, &n, &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq(n, length);
    ck_assert_mem_eq(found, expected, length);
}

static inline void
assert_text_result(const char *name, const GasketResultBlock *block,
                   const GasketResultOptions *options, const char *expected)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, name, NULL);
    write_result(path, block, options);
    assert_bytes(path, expected, strlen(expected));
    ck_assert_uint_eq(folder_count(&folder), 1);
}

/* Rows as `a|b;c|d;`, null where there is nothing; g_free. */
static inline char *
query(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    GString *rows = g_string_new(NULL);

    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(db));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int c = 0; c < sqlite3_column_count(statement); c++) {
            const char *value = (const char *)sqlite3_column_text(statement, c);
            g_string_append_printf(rows, "%s%s", c > 0 ? "|" : "", value ? value : "null");
        }
        g_string_append_c(rows, ';');
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return g_string_free(rows, FALSE);
}

static inline void
assert_query(const char *path, const char *sql, const char *expected)
{
    g_autofree char *found = query(path, sql);
    ck_assert_str_eq(found, expected);
}

#endif
