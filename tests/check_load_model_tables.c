/* SPDX-License-Identifier: Apache-2.0 */
/* Pairwise models in tables of SQLite, sound and broken. */
#include <math.h>
#include <string.h>

#include <sqlite3.h>

#include "loaders/model.h"
#include "tests/folder.h"
#include "tests/model_same.h"

static GasketGraph *
load_uai(const char *text, GError **error)
{
    const GasketModelOptions options = {.path = "a.uai"};
    g_autoptr(GasketFactorGraph) model =
        gasket_model_load_memory(text, strlen(text), &options, error);
    return model != NULL ? gasket_factor_graph_finish_take(&model, NULL, error) : NULL;
}

/* The model of a database that sql makes, or NULL and the message without the folder. */
static GasketGraph *
load_tables(const char *sql, char **ret_message)
{
    g_autoptr(GError) error = NULL;
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "a.db", NULL);
    sqlite3 *db = NULL;
    char *message = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s", message);
    sqlite3_close(db);

    const GasketModelOptions options = {.path = path, .max_states = 1000};
    g_autoptr(GasketFactorGraph) model = gasket_model_load(&options, NULL, &error);
    ck_assert(gasket_model_recognised(path, NULL) || model == NULL);
    *ret_message = NULL;
    if (model != NULL)
        return gasket_factor_graph_finish_take(&model, NULL, &error);
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
    ck_assert(g_str_has_prefix(error->message, folder.path));
    *ret_message = g_strdup(error->message + strlen(folder.path) + 1);
    return NULL;
}

#define VARIABLES "CREATE TABLE variables(state, prior, variable);"
#define EDGES     "CREATE TABLE edges(source, target, weight, entries);"

START_TEST(tables_hold_pairwise_models)
{
    /* Rows in any order; edges by weight and by table. e^0.5 = 1.6487212707001282. */
    static const char pairs[] = "MARKOV 3 2 3 2 4 1 0 2 0 1 2 2 1 2 0 2 2 0.25 0.75 "
                                "6 0.5 1e-5 2 3 4 5 6 1 2 3 4 5 6 "
                                "4 1.6487212707001282 1 1 1.6487212707001282";
    g_autofree char *message = NULL;
    g_autoptr(GasketGraph) found =
        load_tables(VARIABLES EDGES
                    "INSERT INTO variables VALUES (1, 0.75, 0), (0, 1, 2), (0, 0.25, 0),"
                    "(2, 1, 1), (1, '1', 1), (0, 1, 1), (1, 1, 2);"
                    "INSERT INTO edges VALUES (0, 1, NULL, '0.5 1e-5 2, 3,4 5'),"
                    "('2', 1, NULL, '1 2 3 4 5 6'), (0, 2, 0.5, NULL)",
                    &message);
    ck_assert_msg(found != NULL, "%s", message);
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) expected = load_uai(pairs, &error);
    ck_assert_no_error(error);
    expect_same(expected, found);
}
END_TEST

START_TEST(tables_name_variables)
{
    g_autofree char *message = NULL;
    g_autoptr(GasketGraph) found =
        load_tables(VARIABLES
                    "INSERT INTO variables VALUES (0, 1, 'b'), (1, 4, 'b'), (0, 1, 7), (1, 1, 7);"
                    "CREATE VIEW edges AS SELECT 'b' AS source, 7 AS target, -1 AS weight",
                    &message);
    ck_assert_msg(found != NULL, "%s", message);
    g_autofree char *first = gasket_graph_id_text(found, 0, 0);
    g_autofree char *second = gasket_graph_id_text(found, 0, 1);
    ck_assert_str_eq(first, "7");
    ck_assert_str_eq(second, "b");
    const double prior[] = {1, 1, 0.25, 1}, table[] = {exp(-1), 1, 1, exp(-1)};
    ck_assert_mem_eq(found->kinds[0].columns[GASKET_VARIABLE_PRIOR].data, prior, sizeof prior);
    ck_assert_mem_eq(found->kinds[1].columns[GASKET_FACTOR_TABLE].data, table, sizeof table);
}
END_TEST

START_TEST(tables_that_do_not_fit_are_errors_with_their_place)
{
    static const char *const cases[][2] = {
        {"CREATE TABLE x(a)",
         "a.db: found no table \"variables\", expected the tables variables and edges"},
        {VARIABLES, "a.db: found no table \"edges\", expected the tables variables and edges"},
        {EDGES "CREATE TABLE variables(a, b)",
         "a.db: table variables: found the columns a, b, expected a column \"variable\""},
        {VARIABLES "CREATE TABLE edges(source, target)",
         "a.db: table edges: found neither a column \"weight\" nor \"entries\", expected one of "
         "them"},
        {VARIABLES EDGES "INSERT INTO variables VALUES (0, 1, 5), (2, 1, 5)",
         "a.db: table variables, variable 5: found \"2\" in column \"state\", expected 1: a "
         "variable has the states 0, 1, ..."},
        {VARIABLES EDGES "INSERT INTO variables VALUES (0, 1, 5), (0, 1, 5)",
         "a.db: table variables, variable 5: found \"0\" in column \"state\", expected 1: a "
         "variable has the states 0, 1, ..."},
        {VARIABLES EDGES "INSERT INTO variables VALUES (0, -1, 5)",
         "a.db: table variables, variable 5, state 0: found \"-1\" in column \"prior\", expected "
         "a finite number of at least 0"},
        {VARIABLES EDGES "INSERT INTO variables VALUES (0, 1, 5), (0, 1, NULL)",
         "a.db: table variables, row 2: found NULL in column \"variable\", expected an integer, "
         "or a text of 1 to 65535 bytes, none a control character"},
        {VARIABLES EDGES "INSERT INTO variables VALUES (0, 1, 5), (0, 1, '5')",
         "a.db: table variables, variable 5: found \"0\" in column \"state\", expected 1: a "
         "variable has the states 0, 1, ..."},
        {VARIABLES EDGES "INSERT INTO variables VALUES (0, 1, 5), (0, 1, 6);"
                         "INSERT INTO edges VALUES (5, 6, 1, NULL), (5, 7, 1, NULL)",
         "a.db: table edges, row 2: found \"7\" in column \"target\", expected a variable of the "
         "table variables"},
        {VARIABLES EDGES "INSERT INTO variables VALUES (0, 1, 5), (0, 1, 6);"
                         "INSERT INTO edges VALUES (5, 6, 1, '1')",
         "a.db: table edges, row 1: found both, expected a weight or entries, and not both"},
        {VARIABLES EDGES "INSERT INTO variables VALUES (0, 1, 5), (0, 1, 6), (1, 1, 6);"
                         "INSERT INTO edges VALUES (5, 6, 1, NULL)",
         "a.db: table edges, row 1: found a weight between variables of 1 and 2 states, expected "
         "as many of both, or entries"},
        {VARIABLES EDGES "INSERT INTO variables VALUES (0, 1, 5), (0, 1, 6), (1, 1, 6);"
                         "INSERT INTO edges VALUES (5, 6, NULL, '1 2 3')",
         "a.db: table edges, row 1: found \"1 2 3\" in column \"entries\", expected 1 x 2 numbers "
         "of at least 0, the target's state running fastest"},
        {VARIABLES EDGES "INSERT INTO variables VALUES (0, 1, 5); INSERT INTO edges VALUES (5, 5, "
                         "1e9, NULL)",
         "a.db: table edges, row 1: found \"1000000000.0\" in column \"weight\", expected a number "
         "from -500 to 500"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *message = NULL;
        g_autoptr(GasketGraph) found = load_tables(cases[i][0], &message);
        ck_assert_msg(found == NULL, "%s was read", cases[i][0]);
        ck_assert_str_eq(message, cases[i][1]);
    }
    g_autofree char *message = NULL;
    g_autoptr(GasketGraph) found =
        load_tables(VARIABLES EDGES
                    "INSERT INTO variables VALUES (0, 1, 5); INSERT INTO edges VALUES (5, 5, "
                    "1, NULL)",
                    &message);
    ck_assert(found == NULL && g_str_has_prefix(message, "a.db: table edges, row 1: "));
}
END_TEST

int
main(void)
{
    TCase *tables = tcase_create("tables");
    tcase_add_test(tables, tables_hold_pairwise_models);
    tcase_add_test(tables, tables_name_variables);
    tcase_add_test(tables, tables_that_do_not_fit_are_errors_with_their_place);
    return check_run("load_model_tables", &tables, 1);
}
