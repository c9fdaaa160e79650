/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check_main.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <sqlite3.h>

#include "loaders/result_file.h"
#include "loaders/result_top.h"
#include "loaders/result_writer.h"

/* ---- a result of three vertices, and a folder of its own --------------------------------------
 *
 *   vertex      rank      parent      pair
 *   -5          0.5       -5          1 2
 *   7           nan       none        3 4
 *   9000000000  1e-07     7           5 6
 */

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

typedef struct {
    char *path;
} Folder;

static Folder
folder_new(void)
{
    g_autoptr(GError) error = NULL;
    Folder folder = {g_dir_make_tmp("gasket-results-XXXXXX", &error)};
    ck_assert_no_error(error);
    return folder;
}

static unsigned
folder_count(const Folder *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder->path, 0, NULL);
    unsigned n = 0;
    while (g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

static void
folder_clear(Folder *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder->path, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder->path, name, NULL);
        ck_assert_int_eq(g_unlink(path), 0);
    }
    ck_assert_int_eq(g_rmdir(folder->path), 0);
    g_free(folder->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Folder, folder_clear)

static void
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

static void
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

static void
assert_text_result(const char *name, const GasketResultBlock *block,
                   const GasketResultOptions *options, const char *expected)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, name, NULL);
    write_result(path, block, options);
    assert_bytes(path, expected, strlen(expected));
    ck_assert_uint_eq(folder_count(&folder), 1);
}

/* ---- formats ---------------------------------------------------------------------------------- */

START_TEST(tsv_has_a_header_ids_and_shortest_numbers)
{
    assert_text_result("r.tsv", &integer_block, NULL,
                       "vertex\trank\tparent\tpair_0\tpair_1\n"
                       "-5\t0.5\t-5\t1\t2\n"
                       "7\tnan\t\t3\t4\n"
                       "9000000000\t1e-07\t7\t5\t6\n");
}
END_TEST

START_TEST(tsv_escapes_what_would_break_its_lines)
{
    assert_text_result("r.txt", &text_block, &(GasketResultOptions){.no_header = true},
                       "a,b\t0.5\ta,b\t1\t2\n"
                       "say \"x\"\tnan\t\t3\t4\n"
                       "two\\nlines\\tand\\\\\t1e-07\tsay \"x\"\t5\t6\n");
}
END_TEST

START_TEST(csv_quotes_commas_quotes_and_newlines)
{
    assert_text_result("r.csv", &text_block, &(GasketResultOptions){.id_name = "page"},
                       "page,rank,parent,pair_0,pair_1\n"
                       "\"a,b\",0.5,\"a,b\",1,2\n"
                       "\"say \"\"x\"\"\",nan,,3,4\n"
                       "\"two\nlines\tand\\\",1e-07,\"say \"\"x\"\"\",5,6\n");
}
END_TEST

START_TEST(jsonl_has_strings_numbers_arrays_and_null)
{
    assert_text_result("r.jsonl", &text_block, NULL,
                       "{\"vertex\":\"a,b\",\"rank\":0.5,\"parent\":\"a,b\",\"pair\":[1,2]}\n"
                       "{\"vertex\":\"say \\\"x\\\"\",\"rank\":null,\"parent\":null,"
                       "\"pair\":[3,4]}\n"
                       "{\"vertex\":\"two\\u000alines\\u0009and\\\\\",\"rank\":1e-07,"
                       "\"parent\":\"say \\\"x\\\"\",\"pair\":[5,6]}\n");
    assert_text_result("r.ndjson", &integer_block, NULL,
                       "{\"vertex\":-5,\"rank\":0.5,\"parent\":-5,\"pair\":[1,2]}\n"
                       "{\"vertex\":7,\"rank\":null,\"parent\":null,\"pair\":[3,4]}\n"
                       "{\"vertex\":9000000000,\"rank\":1e-07,\"parent\":7,\"pair\":[5,6]}\n");
}
END_TEST

START_TEST(ids_that_are_not_utf8_are_kept_in_tsv_and_replaced_in_json)
{
    static char bytes[] = "\xff\xc3\xa9";
    static uint64_t begin[] = {0, 3};
    static const int32_t zero[] = {0};
    const GasketIds ids = {.n = 1, .text_begin = begin, .text = bytes};
    const void *const data[] = {zero};
    const GasketResultBlock block = {.n = 1, .ids = &ids, .columns = data};
    const GasketResultColumn column = {.name = "x", .type = GASKET_INT32};
    const char *const names[] = {"r.tsv", "r.jsonl"};
    const char *const expected[] = {"vertex\tx\n\xff\xc3\xa9\t0\n",
                                    "{\"vertex\":\"\xef\xbf\xbd\xc3\xa9\",\"x\":0}\n"};

    for (unsigned i = 0; i < 2; i++) {
        g_auto(Folder) folder = folder_new();
        g_autofree char *path = g_build_filename(folder.path, names[i], NULL);
        g_autoptr(GasketResultWriter) writer =
            gasket_result_writer_new(path, &column, 1, NULL, NULL);
        ck_assert(gasket_result_writer_write(writer, &block, NULL));
        ck_assert(gasket_result_writer_finish(writer, NULL));
        assert_bytes(path, expected[i], strlen(expected[i]));
    }
}
END_TEST

/* The header of an array of any number of rows takes whole lines of 64 bytes. */
static size_t
assert_npy(const char *path, const char *dictionary, size_t data_bytes, char **ret_data)
{
    g_autofree char *found = NULL;
    gsize n = 0;
    ck_assert(g_file_get_contents(path, &found, &n, NULL));
    ck_assert_mem_eq(found, "\x93NUMPY\x01\x00", 8);
    size_t header = 10 + ((unsigned char)found[8] | (size_t)(unsigned char)found[9] << 8);
    ck_assert_uint_eq(header % 64, 0);
    ck_assert_uint_eq(n, header + data_bytes);
    ck_assert_mem_eq(found + 10, dictionary, strlen(dictionary));
    for (size_t i = 10 + strlen(dictionary); i < header - 1; i++)
        ck_assert_int_eq(found[i], ' ');
    ck_assert_int_eq(found[header - 1], '\n');
    *ret_data = g_memdup2(found + header, data_bytes);
    return header;
}

START_TEST(npy_of_several_columns_is_an_array_of_records)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "r.npy", NULL);
    g_autofree char *ids_path = g_build_filename(folder.path, "r.npy.ids.npy", NULL);
    g_autofree char *data = NULL, *ids = NULL;

    write_result(path, &integer_block, NULL);
    assert_npy(path,
               "{'descr': [('rank', '<f8'), ('parent', '<i8'), ('pair', '<i4', (2,))], "
               "'fortran_order': False, 'shape': (3,), }",
               3 * 24, &data);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_mem_eq(data + 24 * i, &rank[i], 8);
        ck_assert_mem_eq(data + 24 * i + 16, &pair[2 * i], 8);
    }
    const int64_t parents[] = {-5, INT64_MIN, 7};
    for (size_t i = 0; i < 3; i++)
        ck_assert_mem_eq(data + 24 * i + 8, &parents[i], 8);
    assert_npy(ids_path, "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", 24, &ids);
    ck_assert_mem_eq(ids, integers, 24);
    ck_assert_uint_eq(folder_count(&folder), 2);
}
END_TEST

START_TEST(npy_of_text_ids_has_them_as_lines_and_replaces_those_of_before)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "r.npy", NULL);
    g_autofree char *ids_path = g_build_filename(folder.path, "r.npy.ids.txt", NULL);
    g_autofree char *data = NULL;

    write_result(path, &integer_block, NULL);
    write_result(path, &text_block, NULL);
    assert_bytes(ids_path, "a,b\nsay \"x\"\ntwo\\nlines\\tand\\\\\n", 30);
    assert_npy(path,
               "{'descr': [('rank', '<f8'), ('parent', '<i8'), ('pair', '<i4', (2,))], "
               "'fortran_order': False, 'shape': (3,), }",
               3 * 24, &data);
    const int64_t parents[] = {0, -1, 1};
    for (size_t i = 0; i < 3; i++)
        ck_assert_mem_eq(data + 24 * i + 8, &parents[i], 8);
    ck_assert_uint_eq(folder_count(&folder), 2);
}
END_TEST

START_TEST(npy_of_one_column_is_a_plain_array)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "r.npy", NULL);
    const void *const data_columns[] = {pair};
    const GasketResultBlock block = {.n = 3, .ids = &integer_ids, .columns = data_columns};
    g_autofree char *data = NULL;

    g_autoptr(GasketResultWriter) writer =
        gasket_result_writer_new(path, &columns[2], 1, NULL, NULL);
    /* More rows than the first header had digits for. */
    for (unsigned i = 0; i < 400; i++)
        ck_assert(gasket_result_writer_write(writer, &block, NULL));
    ck_assert(gasket_result_writer_finish(writer, NULL));
    assert_npy(path, "{'descr': '<i4', 'fortran_order': False, 'shape': (1200, 2), }", 1200 * 8,
               &data);
    ck_assert_mem_eq(data + 1199 * 8, &pair[4], 8);
}
END_TEST

/* ---- sqlite ----------------------------------------------------------------------------------- */

static char *
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

static void
assert_query(const char *path, const char *sql, const char *expected)
{
    g_autofree char *found = query(path, sql);
    ck_assert_str_eq(found, expected);
}

START_TEST(sqlite_table_is_keyed_by_id)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "r.db", NULL);

    write_result(path, &integer_block, NULL);
    assert_query(path, "SELECT * FROM result",
                 "-5|0.5|-5|1|2;7|null|null|3|4;9000000000|1.0e-07|7|5|6;");
    assert_query(path, "SELECT name, type, pk FROM pragma_table_info('result')",
                 "vertex|INTEGER|1;rank|REAL|0;parent|INTEGER|0;pair_0|INTEGER|0;"
                 "pair_1|INTEGER|0;");
    ck_assert_uint_eq(folder_count(&folder), 1);
}
END_TEST

START_TEST(sqlite_replaces_its_table_and_keeps_the_others)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "r.sqlite", NULL);

    write_result(path, &integer_block, &(GasketResultOptions){.table = "odd \"name\""});
    g_free(query(path, "CREATE TABLE mine (x)"));
    g_free(query(path, "INSERT INTO mine VALUES (42)"));
    write_result(path, &text_block, &(GasketResultOptions){.table = "odd \"name\""});
    assert_query(path, "SELECT * FROM mine", "42;");
    assert_query(path, "SELECT vertex, parent FROM \"odd \"\"name\"\"\"",
                 "a,b|a,b;say \"x\"|null;two\nlines\tand\\|say \"x\";");
    ck_assert_uint_eq(folder_count(&folder), 1);
}
END_TEST

START_TEST(sqlite_refuses_a_view_a_file_of_another_kind_and_a_bad_name)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "r.db", NULL);
    g_autoptr(GError) error = NULL;

    write_result(path, &integer_block, NULL);
    g_free(query(path, "CREATE VIEW v AS SELECT * FROM result"));
    GasketResultWriter *writer =
        gasket_result_writer_new(path, columns, 3, &(GasketResultOptions){.table = "V"}, &error);
    ck_assert_no_error(error);
    ck_assert(!gasket_result_writer_write(writer, &integer_block, &error));
    g_autofree char *expected =
        g_strdup_printf("%s: found the view \"V\", expected a table to replace or none", path);
    ck_assert_str_eq(error->message, expected);
    gasket_result_writer_free(writer);
    assert_query(path, "SELECT count(*) FROM v", "3;");

    g_clear_error(&error);
    ck_assert(!gasket_result_writer_check(path, &(GasketResultOptions){.table = "sqlite_master"},
                                          &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));

    g_clear_error(&error);
    g_autofree char *other = g_build_filename(folder.path, "text.db", NULL);
    ck_assert(g_file_set_contents(other, "not a database, but long enough to look at", -1, NULL));
    writer = gasket_result_writer_new(other, columns, 3, NULL, &error);
    ck_assert_ptr_null(writer);
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_IO));
    ck_assert_ptr_nonnull(strstr(error->message, "file is not a database"));
    assert_bytes(other, "not a database, but long enough to look at", 42);
}
END_TEST

/* ---- whole or not at all ---------------------------------------------------------------------- */

static const char *const every_name[] = {"r.tsv", "r.csv", "r.jsonl", "r.npy", "r.db"};

START_TEST(a_writer_that_is_not_finished_leaves_what_was_there)
{
    for (size_t i = 0; i < G_N_ELEMENTS(every_name); i++) {
        g_auto(Folder) folder = folder_new();
        g_autofree char *path = g_build_filename(folder.path, every_name[i], NULL);

        GasketResultWriter *writer = gasket_result_writer_new(path, columns, 3, NULL, NULL);
        ck_assert(gasket_result_writer_write(writer, &integer_block, NULL));
        gasket_result_writer_free(writer);
        ck_assert_uint_eq(folder_count(&folder), 0);

        write_result(path, &integer_block, NULL);
        unsigned n_files = folder_count(&folder);
        g_autofree char *before = NULL, *after = NULL;
        gsize n_before = 0, n_after = 0;
        ck_assert(g_file_get_contents(path, &before, &n_before, NULL));
        writer = gasket_result_writer_new(path, columns, 3, NULL, NULL);
        ck_assert(gasket_result_writer_write(writer, &text_block, NULL));
        gasket_result_writer_free(writer);
        ck_assert_uint_eq(folder_count(&folder), n_files);
        ck_assert(g_file_get_contents(path, &after, &n_after, NULL));
        ck_assert_uint_eq(n_before, n_after);
        ck_assert_mem_eq(before, after, n_before);
    }
}
END_TEST

START_TEST(a_process_that_is_killed_leaves_no_file)
{
    /* All but a new database, which SQLite can only write under a name. */
    for (size_t i = 0; i < G_N_ELEMENTS(every_name) - 1; i++) {
        g_auto(Folder) folder = folder_new();
        g_autofree char *path = g_build_filename(folder.path, every_name[i], NULL);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            GasketResultWriter *writer = gasket_result_writer_new(path, columns, 3, NULL, NULL);
            for (unsigned n = 0; n < 100000; n++)
                if (!gasket_result_writer_write(writer, &integer_block, NULL))
                    _exit(1);
            raise(SIGKILL);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        ck_assert_uint_eq(folder_count(&folder), 0);
    }
}
END_TEST

START_TEST(a_database_survives_a_writer_that_is_killed)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "r.db", NULL);
    write_result(path, &integer_block, NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        GasketResultWriter *writer =
            gasket_result_writer_new(path, columns, 3, &(GasketResultOptions){.table = "other"},
                                     NULL);
        if (gasket_result_writer_write(writer, &integer_block, NULL))
            raise(SIGKILL);
        _exit(1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    assert_query(path, "SELECT count(*) FROM result", "3;");
    assert_query(path, "SELECT name FROM sqlite_schema WHERE type = 'table'", "result;");
}
END_TEST

START_TEST(a_full_disk_is_an_error_and_leaves_no_file)
{
    struct rlimit before, small;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){16384, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);

    for (size_t i = 0; i < G_N_ELEMENTS(every_name); i++) {
        g_auto(Folder) folder = folder_new();
        g_autofree char *path = g_build_filename(folder.path, every_name[i], NULL);
        g_autoptr(GError) error = NULL;
        static int64_t ids[3];
        const GasketIds growing = {.n = 3, .integer = ids};
        GasketResultBlock block = integer_block;
        block.ids = &growing;

        GasketResultWriter *writer = gasket_result_writer_new(path, columns, 3, NULL, &error);
        ck_assert_no_error(error);
        bool written = true;
        for (int64_t n = 0; n < 300000 && written; n += 3) {
            for (int j = 0; j < 3; j++)
                ids[j] = n + j;
            written = gasket_result_writer_write(writer, &block, &error);
        }
        written = written && gasket_result_writer_finish(writer, &error);
        ck_assert_msg(!written, "%s", path);
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_IO));
        ck_assert_ptr_nonnull(strstr(error->message, path));
        gasket_result_writer_free(writer);
        ck_assert_uint_eq(folder_count(&folder), 0);
    }
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
}
END_TEST

START_TEST(a_device_that_is_full_is_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketResultWriter) writer =
        gasket_result_writer_new("/dev/full", columns, 3, NULL, &error);
    ck_assert_no_error(error);
    bool written = gasket_result_writer_write(writer, &integer_block, &error) &&
                   gasket_result_writer_finish(writer, &error);
    ck_assert(!written);
    ck_assert_str_eq(error->message, "cannot write /dev/full: No space left on device");
}
END_TEST

START_TEST(a_symbolic_link_is_followed_and_permissions_stay)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "real.tsv", NULL);
    g_autofree char *link = g_build_filename(folder.path, "link.tsv", NULL);
    GStatBuf status;

    ck_assert(g_file_set_contents(path, "old", -1, NULL));
    ck_assert_int_eq(g_chmod(path, 0640), 0);
    ck_assert_int_eq(symlink("real.tsv", link), 0);
    write_result(link, &integer_block, NULL);
    ck_assert(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    ck_assert_int_eq(g_stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0640);
    ck_assert_int_gt(status.st_size, 3);
}
END_TEST

START_TEST(what_cannot_be_written_is_said_before_the_run)
{
    static const struct {
        const char *path, *message;
        int code;
    } cases[] = {
        {"/nowhere/r.tsv", "cannot write /nowhere/r.tsv: No such file or directory",
         GASKET_ERROR_IO},
        {"r.xlsx",
         "r.xlsx: the ending names no format for results, expected .tsv, .csv, .jsonl, .npy, .db "
         "or - for standard output",
         GASKET_ERROR_ARGUMENT},
        {"/tmp",
         "/tmp: the ending names no format for results, expected .tsv, .csv, .jsonl, .npy, .db or "
         "- for standard output",
         GASKET_ERROR_ARGUMENT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert(!gasket_result_writer_check(cases[i].path, NULL, &error));
        ck_assert_str_eq(error->message, cases[i].message);
        ck_assert_int_eq(error->code, cases[i].code);
    }
    ck_assert(gasket_result_writer_check("-", NULL, NULL));
    ck_assert(gasket_result_writer_check("/tmp/r.db", NULL, NULL));
    g_autoptr(GError) error = NULL;
    ck_assert(!gasket_result_writer_check("-", &(GasketResultOptions){.format = "npy"}, &error));
    ck_assert_str_eq(error->message, "-: results in this format need a file of their own");
}
END_TEST

START_TEST(an_empty_result_is_a_result)
{
    const char *const expected[] = {"vertex\trank\tparent\tpair_0\tpair_1\n",
                                    "vertex,rank,parent,pair_0,pair_1\n", ""};
    for (size_t i = 0; i < G_N_ELEMENTS(every_name); i++) {
        g_auto(Folder) folder = folder_new();
        g_autofree char *path = g_build_filename(folder.path, every_name[i], NULL);
        g_autoptr(GasketResultWriter) writer =
            gasket_result_writer_new(path, columns, 3, NULL, NULL);
        ck_assert(gasket_result_writer_finish(writer, NULL));
        if (i < G_N_ELEMENTS(expected))
            assert_bytes(path, expected[i], strlen(expected[i]));
        if (i == G_N_ELEMENTS(every_name) - 1)
            assert_query(path, "SELECT count(*) FROM result", "0;");
    }
}
END_TEST

/* ---- the summary ------------------------------------------------------------------------------ */

START_TEST(the_largest_come_first_ties_by_id_and_nan_never)
{
    static const double value[] = {1, 3, NAN, 2, 3, 0, -1, 2};
    static int64_t ids[] = {0, 1, 2, 3, 4, 5, 6, 7};
    const GasketIds all = {.n = 8, .integer = ids};
    const void *const data[] = {value};
    const GasketResultBlock block = {.n = 8, .ids = &all, .columns = data};
    const GasketResultColumn column = {.name = "rank", .type = GASKET_DOUBLE, .rank = true};

    g_autoptr(GasketResultTop) top = gasket_result_top_new(4, &column, 1, "vertex");
    gasket_result_top_add(top, &block);
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(GString) found = g_string_new(NULL);
        gasket_result_top_append(top, i == 0, found);
        ck_assert_str_eq(found->str, i == 0 ? "vertex\trank\n1\t3\n4\t3\n3\t2\n7\t2\n"
                                            : "1\t3\n4\t3\n3\t2\n7\t2\n");
    }
    ck_assert_str_eq(gasket_result_top_ranked_by(top), "rank");
    ck_assert_uint_eq(gasket_result_top_n_rows(top), 8);
    ck_assert_uint_eq(gasket_result_top_n_shown(top), 4);
}
END_TEST

START_TEST(the_largest_of_many_are_those_that_sorting_finds)
{
    enum { N = 5000, K = 20 };
    static double value[N];
    static int64_t ids[N];
    uint32_t x = 1;
    for (unsigned i = 0; i < N; i++) {
        x = x * 1664525 + 1013904223;
        value[i] = x >> 20;
        ids[i] = i;
    }
    const GasketResultColumn column = {.name = "rank", .type = GASKET_DOUBLE, .rank = true};
    g_autoptr(GasketResultTop) top = gasket_result_top_new(K, &column, 1, "vertex");
    for (unsigned i = 0; i < N; i += 500) {
        const GasketIds part = {.n = 500, .integer = ids + i};
        const void *const data[] = {value + i};
        gasket_result_top_add(top, &(GasketResultBlock){.n = 500, .ids = &part, .columns = data});
    }
    g_autoptr(GString) expected = g_string_new(NULL), found = g_string_new(NULL);
    for (unsigned k = 0; k < K; k++) {
        unsigned best = 0;
        for (unsigned i = 1; i < N; i++)
            if (value[i] > value[best])
                best = i;
        g_string_append_printf(expected, "%u\t%.0f\n", best, value[best]);
        value[best] = -1;
    }
    gasket_result_top_append(top, false, found);
    ck_assert_str_eq(found->str, expected->str);
}
END_TEST

START_TEST(without_a_rank_the_first_rows_are_shown)
{
    GasketResultColumn unranked = columns[2];
    const void *const data[] = {pair};
    const GasketResultBlock block = {.n = 3, .ids = &integer_ids, .columns = data};
    g_autoptr(GasketResultTop) top = gasket_result_top_new(2, &unranked, 1, "vertex");
    gasket_result_top_add(top, &block);
    gasket_result_top_add(top, &block);
    g_autoptr(GString) found = g_string_new(NULL);
    gasket_result_top_append(top, true, found);
    ck_assert_str_eq(found->str, "vertex\tpair_0\tpair_1\n-5\t1\t2\n7\t3\t4\n");
    ck_assert_ptr_null(gasket_result_top_ranked_by(top));
    ck_assert_uint_eq(gasket_result_top_n_rows(top), 6);
}
END_TEST

int
main(void)
{
    TCase *formats = tcase_create("formats");
    tcase_add_test(formats, tsv_has_a_header_ids_and_shortest_numbers);
    tcase_add_test(formats, tsv_escapes_what_would_break_its_lines);
    tcase_add_test(formats, csv_quotes_commas_quotes_and_newlines);
    tcase_add_test(formats, jsonl_has_strings_numbers_arrays_and_null);
    tcase_add_test(formats, ids_that_are_not_utf8_are_kept_in_tsv_and_replaced_in_json);
    tcase_add_test(formats, npy_of_several_columns_is_an_array_of_records);
    tcase_add_test(formats, npy_of_text_ids_has_them_as_lines_and_replaces_those_of_before);
    tcase_add_test(formats, npy_of_one_column_is_a_plain_array);
    tcase_add_test(formats, sqlite_table_is_keyed_by_id);
    tcase_add_test(formats, sqlite_replaces_its_table_and_keeps_the_others);
    tcase_add_test(formats, sqlite_refuses_a_view_a_file_of_another_kind_and_a_bad_name);

    TCase *whole = tcase_create("whole or not at all");
    tcase_set_timeout(whole, 60);
    tcase_add_test(whole, a_writer_that_is_not_finished_leaves_what_was_there);
    tcase_add_test(whole, a_process_that_is_killed_leaves_no_file);
    tcase_add_test(whole, a_database_survives_a_writer_that_is_killed);
    tcase_add_test(whole, a_full_disk_is_an_error_and_leaves_no_file);
    tcase_add_test(whole, a_device_that_is_full_is_an_error);
    tcase_add_test(whole, a_symbolic_link_is_followed_and_permissions_stay);
    tcase_add_test(whole, what_cannot_be_written_is_said_before_the_run);
    tcase_add_test(whole, an_empty_result_is_a_result);

    TCase *summary = tcase_create("summary");
    tcase_add_test(summary, the_largest_come_first_ties_by_id_and_nan_never);
    tcase_add_test(summary, the_largest_of_many_are_those_that_sorting_finds);
    tcase_add_test(summary, without_a_rank_the_first_rows_are_shown);

    TCase *cases[] = {formats, whole, summary};
    return check_run("results", cases, G_N_ELEMENTS(cases));
}
