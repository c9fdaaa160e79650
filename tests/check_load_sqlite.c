/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs in SQLite: tables, queries, columns, and databases that are wrong, locked or hostile. */
#include <glib/gstdio.h>

#include <sqlite3.h>

#include "tests/load_check.h"

static char *folder, *path;

static void
make_folder(void)
{
    folder = g_dir_make_tmp("gasket-sqlite-XXXXXX", NULL);
    ck_assert_ptr_nonnull(folder);
    path = g_build_filename(folder, "a.db", NULL);
}

static void
drop_folder(void)
{
    g_unlink(path);
    g_rmdir(folder);
    g_clear_pointer(&folder, g_free);
    g_clear_pointer(&path, g_free);
}

static void
make_database(const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    g_unlink(path);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s", message);
    sqlite3_close(db);
}

/* The graph or the message, without the folder. */
static char *
load_database(GasketLoadOptions options)
{
    const char *const inputs[] = {path};
    options.inputs = inputs;
    options.n_inputs = 1;
    options.threads = 2;
    g_autofree char *found = load_dump(NULL, NULL, 0, &options);
    return g_strdup(g_str_has_prefix(found, path) ? found + strlen(folder) + 1 : found);
}

static void
expect(GasketLoadOptions options, const char *expected)
{
    g_autofree char *found = load_database(options);
    ck_assert_str_eq(found, expected);
}

static const char two_tables[] =
    "CREATE TABLE edges(source INTEGER, target INTEGER, weight REAL);"
    "INSERT INTO edges VALUES (1, 2, 0.5), (1, 3, 2), ('3', 2, '-3');"
    "CREATE TABLE people(id, name); INSERT INTO people VALUES (2, 'x'), (7, 'y');"
    "CREATE VIEW heavy AS SELECT target AS t, source AS s FROM edges WHERE weight > 1";

START_TEST(tables_views_and_queries_are_read)
{
    make_database(two_tables);
    expect((GasketLoadOptions){.want_weights = true},
           "vertex: 1 2 3\nedges\n1 2 0.5\n1 3 2\n3 2 -3\n");
    expect((GasketLoadOptions){.table = "EDGES"}, "vertex: 1 2 3\nedges\n1 2\n1 3\n3 2\n");
    expect((GasketLoadOptions){.table = "heavy", .columns = "s,t"}, "vertex: 1 3\nedges\n1 3\n");
    expect((GasketLoadOptions){.table = "edges", .columns = "2,1,3", .require_weights = true},
           "vertex: 1 2 3\nedges\n2 1 0.5\n2 3 -3\n3 1 2\n");
    expect((GasketLoadOptions){.query = "SELECT source, count(*) AS target FROM edges GROUP BY 1;"},
           "vertex: 1 2 3\nedges\n1 2\n3 1\n");
    expect((GasketLoadOptions){.vertices = "people"}, "vertex: 1 2 3 7\nedges\n1 2\n1 3\n3 2\n");
    expect((GasketLoadOptions){.bipartite = true, .want_weights = true, .format = "ratings"},
           "user: 1 3\nitem: 2 3\nratings\n1 2 0.5\n1 3 2\n3 2 -3\n");
}
END_TEST

START_TEST(ids_may_be_text)
{
    make_database("CREATE TABLE x(a, b); INSERT INTO x VALUES ('ann', 'bob'), ('ann', 7)");
    expect((GasketLoadOptions){0}, "vertex: 7 ann bob\nedges\nann 7\nann bob\n");
}
END_TEST

START_TEST(what_is_missing_is_told_with_what_there_is)
{
    make_database(two_tables);
    expect((GasketLoadOptions){.table = "edge"},
           "a.db: found the tables \"edges\", \"heavy\", \"people\", expected a table \"edge\"");
    expect((GasketLoadOptions){.columns = "source,dest"},
           "a.db: found the columns \"source\", \"target\", \"weight\", expected a column "
           "\"dest\"");
    expect((GasketLoadOptions){.columns = "1,4"}, "a.db: found 3 columns, expected at least 4");
    make_database("CREATE TABLE a(x, y); CREATE TABLE b(x, y)");
    expect((GasketLoadOptions){0},
           "a.db: found the tables \"a\", \"b\", expected --table to name one of them");
    make_database("CREATE TABLE a(x)");
    expect((GasketLoadOptions){0}, "a.db: found 1 column, expected at least 2");
}
END_TEST

START_TEST(rows_that_are_no_edges_are_named)
{
    static const char *const cases[][2] = {
        {"(1, 2, 1), (1, NULL, 1)",
         "a.db: row 2: found NULL in column \"target\", expected an integer or text as id"},
        {"(1.5, 2, 1)",
         "a.db: row 1: found \"1.5\" in column \"source\", expected an integer or text as id"},
        {"(1, x'00ff', 1)",
         "a.db: row 1: found a BLOB of 2 bytes in column \"target\", expected an integer or text "
         "as id"},
        {"('', 1, 1)", "a.db: row 1: found \"\" in column \"source\", expected an id of 1 to 65535 "
                       "bytes, none a control character"},
        {"(1, 2, NULL)",
         "a.db: row 1: found NULL in column \"weight\", expected a weight (a finite number)"},
        {"(1, 2, 9e999)",
         "a.db: row 1: found \"Inf\" in column \"weight\", expected a weight (a finite number)"},
        {"(1, 2, '1x')",
         "a.db: row 1: found \"1x\" in column \"weight\", expected a weight (a finite number)"},
        {"(1, 2, -1)",
         "a.db: row 1: found \"-1\" in column \"weight\", expected a weight that is not negative"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *sql = g_strdup_printf("CREATE TABLE e(source, target, weight); "
                                               "INSERT INTO e VALUES %s",
                                               cases[i][0]);
        make_database(sql);
        expect((GasketLoadOptions){.want_weights = true, .nonnegative = true}, cases[i][1]);
    }
}
END_TEST

START_TEST(queries_can_only_read)
{
    static const char *const queries[] = {
        "DELETE FROM edges",
        "SELECT 1, 2; SELECT 3, 4",
        "PRAGMA table_info(edges)",
        "ATTACH 'x' AS y",
        "",
        "CREATE TABLE z(a, b)",
        "SELECT nonsense",
        "INSERT INTO edges VALUES (1, 2, 3) RETURNING source, target",
    };
    make_database(two_tables);
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
        g_autofree char *found = load_database((GasketLoadOptions){.query = queries[i]});
        ck_assert_msg(g_str_has_prefix(found, "a.db: query "), "%s: %s", queries[i], found);
    }
    expect((GasketLoadOptions){.query = "SELECT 1, 2", .table = "edges"},
           "a table and a query cannot both be given");
}
END_TEST

START_TEST(a_locked_database_is_an_error_that_says_so)
{
    make_database(two_tables);
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    expect((GasketLoadOptions){0},
           "a.db: the database is locked by another process: database is locked");
    sqlite3_close(db);
}
END_TEST

START_TEST(no_damage_to_a_database_crashes)
{
    make_database(two_tables);
    g_autofree char *whole = NULL, *graph = load_database((GasketLoadOptions){0});
    gsize size;
    ck_assert(g_file_get_contents(path, &whole, &size, NULL));
    for (gsize at = 16; at < size; at += 61) {
        whole[at] ^= 0x2a;
        ck_assert(g_file_set_contents(path, whole, (gssize)size, NULL));
        g_autofree char *found = load_database((GasketLoadOptions){.want_weights = true});
        ck_assert(strlen(found) > 0);
        whole[at] ^= 0x2a;
    }
    for (gsize cut = 16; cut < size; cut += 509) {
        ck_assert(g_file_set_contents(path, whole, (gssize)cut, NULL));
        g_autofree char *found = load_database((GasketLoadOptions){0});
        /* A page that is not there may be one that nothing asks for. */
        ck_assert_msg(g_str_has_prefix(found, "a.db: ") || strcmp(found, graph) == 0, "%s", found);
    }
}
END_TEST

int
main(void)
{
    TCase *cases[] = {tcase_create("sqlite")};
    tcase_add_checked_fixture(cases[0], make_folder, drop_folder);
    tcase_add_test(cases[0], tables_views_and_queries_are_read);
    tcase_add_test(cases[0], ids_may_be_text);
    tcase_add_test(cases[0], what_is_missing_is_told_with_what_there_is);
    tcase_add_test(cases[0], rows_that_are_no_edges_are_named);
    tcase_add_test(cases[0], queries_can_only_read);
    tcase_add_test(cases[0], a_locked_database_is_an_error_that_says_so);
    tcase_add_test(cases[0], no_damage_to_a_database_crashes);
    tcase_set_timeout(cases[0], 120);
    return check_run("load_sqlite", cases, G_N_ELEMENTS(cases));
}
