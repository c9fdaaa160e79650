/* SPDX-License-Identifier: Apache-2.0 */
/* Results whose columns vary in length, in every format. */
#include "tests/result_fixture.h"

/*   -5: 0.25 0.75     7: none     9000000000: 1       and a state for each */
static const double probability[] = {0.25, 0.75, 1};
static const uint64_t begin[] = {0, 2, 2, 3};
static const int32_t state[] = {1, 4, 0};
static const void *const data[] = {probability, state};
static const uint64_t *const begins[] = {begin, NULL};
static const GasketResultColumn shape[] = {
    {"probability", 0, GASKET_DOUBLE, 0, .varying = true},
    {"state", 0, GASKET_INT32, 0, .length = 1},
};
static const GasketResultBlock varying_block = {.n = 3,
                                                .ids = &integer_ids,
                                                .columns = data,
                                                .begin = begins};

static char *
write_as(const Folder *folder, const char *name, unsigned n_columns)
{
    g_autoptr(GError) error = NULL;
    const GasketResultOptions options = {.id_name = "variable", .index_name = "at"};
    char *path = g_build_filename(folder->path, name, NULL);
    g_autoptr(GasketResultWriter) writer =
        gasket_result_writer_new(path, shape, n_columns, &options, &error);
    ck_assert_no_error(error);
    for (int i = 0; i < 2; i++) { /* two blocks: offsets go on */
        GasketIds ids = integer_ids;
        int64_t later[] = {9000000001, 9000000002, 9000000003};
        GasketResultBlock one = varying_block;
        one.ids = &ids;
        if (i == 1)
            ids.integer = later;
        ck_assert(gasket_result_writer_write(writer, &one, &error));
    }
    ck_assert(gasket_result_writer_finish(writer, &error));
    return path;
}

static void
check_text(const Folder *folder, const char *name, unsigned n_columns, const char *expected)
{
    g_autofree char *path = write_as(folder, name, n_columns), *written = NULL;
    ck_assert(g_file_get_contents(path, &written, NULL, NULL));
    ck_assert_str_eq(written, expected);
}

START_TEST(text_has_a_line_for_each_element)
{
    Folder folder = folder_new();
    check_text(&folder, "a.tsv", 2,
               "variable\tat\tprobability\tstate\n-5\t0\t0.25\t1\n-5\t1\t0.75\t1\n"
               "9000000000\t0\t1\t0\n9000000001\t0\t0.25\t1\n9000000001\t1\t0.75\t1\n"
               "9000000003\t0\t1\t0\n");
    check_text(&folder, "a.csv", 1,
               "variable,at,probability\n-5,0,0.25\n-5,1,0.75\n9000000000,0,1\n"
               "9000000001,0,0.25\n9000000001,1,0.75\n9000000003,0,1\n");
    check_text(&folder, "a.jsonl", 2,
               "{\"variable\":-5,\"probability\":[0.25,0.75],\"state\":1}\n"
               "{\"variable\":7,\"probability\":[],\"state\":4}\n"
               "{\"variable\":9000000000,\"probability\":[1],\"state\":0}\n"
               "{\"variable\":9000000001,\"probability\":[0.25,0.75],\"state\":1}\n"
               "{\"variable\":9000000002,\"probability\":[],\"state\":4}\n"
               "{\"variable\":9000000003,\"probability\":[1],\"state\":0}\n");
    folder_clear(&folder);
}
END_TEST

START_TEST(arrays_are_flat_with_their_beginnings_beside_them)
{
    Folder folder = folder_new();
    g_autofree char *path = write_as(&folder, "a.npy", 1), *array = NULL, *begin_array = NULL;
    g_autofree char *begin_path = g_strconcat(path, ".begin.npy", NULL);
    gsize size, begin_size;
    ck_assert(g_file_get_contents(path, &array, &size, NULL));
    ck_assert(g_file_get_contents(begin_path, &begin_array, &begin_size, NULL));
    const double twice[] = {0.25, 0.75, 1, 0.25, 0.75, 1};
    const int64_t expected[] = {0, 2, 2, 3, 5, 5, 6};
    ck_assert_ptr_nonnull(strstr(array + 10, "'<f8', 'fortran_order': False, 'shape': (6,)"));
    ck_assert_ptr_nonnull(strstr(begin_array + 10, "'<i8', 'fortran_order': False, 'shape': (7,)"));
    ck_assert_mem_eq(array + size - sizeof twice, twice, sizeof twice);
    ck_assert_mem_eq(begin_array + begin_size - sizeof expected, expected, sizeof expected);

    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(gasket_result_writer_new(path, shape, 2, NULL, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    folder_clear(&folder);
}
END_TEST

START_TEST(tables_have_a_row_for_each_element)
{
    Folder folder = folder_new();
    g_autofree char *path = write_as(&folder, "a.db", 2);
    sqlite3 *db;
    sqlite3_stmt *query;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "SELECT count(*), sum(probability), sum(state), max(at) "
                                        "FROM result WHERE variable < 9000000001",
                                        -1, &query, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(query, 0), 3);
    ck_assert_double_eq(sqlite3_column_double(query, 1), 2);
    ck_assert_int_eq(sqlite3_column_int(query, 2), 2);
    ck_assert_int_eq(sqlite3_column_int(query, 3), 1);
    sqlite3_finalize(query);
    sqlite3_close(db);
    folder_clear(&folder);
}
END_TEST

/* Those of the fixture that this program does not use. */
static const GasketResultBlock *const unused[] G_GNUC_UNUSED = {&integer_block, &text_block};

int
main(void)
{
    TCase *varying = tcase_create("varying");
    tcase_add_test(varying, text_has_a_line_for_each_element);
    tcase_add_test(varying, arrays_are_flat_with_their_beginnings_beside_them);
    tcase_add_test(varying, tables_have_a_row_for_each_element);
    return check_run("result_varying", &varying, 1);
}
