/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/result_fixture.h"

/* ---- formats --------------------------------------------------------------------------------- */

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

/* ---- sqlite ---------------------------------------------------------------------------------- */

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

    TCase *cases[] = {formats};
    return check_run("results", cases, G_N_ELEMENTS(cases));
}
