/* SPDX-License-Identifier: Apache-2.0 */
/* A partition from a user's file: what is taken, and how everything else is refused. */
#include "folder.h"

#include <string.h>

#include "partition/partition.h"
#include "partition_graphs.h"

/* Vertices 10, 20, 30 of one kind. */
static GasketGraph *
three_vertices(void)
{
    const int64_t source[] = {10, 20}, target[] = {20, 30};
    return graph_of(2, source, target, false, ROWS_IN);
}

/* Users 1, 2 and items 1, 7. */
static GasketGraph *
two_kinds(void)
{
    g_autoptr(GError) error = NULL;
    const int64_t user[] = {1, 2}, item[] = {1, 7};
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "user");
    gasket_graph_builder_add_kind(builder, "item");
    gasket_graph_builder_add_relation(builder, "ratings", 0, 1, false);
    ck_assert(gasket_graph_builder_add_edges(builder, 0, 2, user, item, NULL, &error));
    return finish(builder, ROWS_BOTH);
}

/* Writes text to a file of a new folder and partitions by it into 3 parts. ret_path: free it. */
static GasketPartition *
partition_by(GasketGraph *graph, const char *text, gssize length, char **ret_path, GError **error)
{
    g_auto(Folder) folder = folder_new();
    char *path = g_build_filename(folder.path, "parts.tsv", NULL);
    ck_assert(g_file_set_contents(path, text, length, NULL));
    GasketPartitionOptions options = {.method = GASKET_PARTITION_FILE,
                                      .file = path,
                                      .parts = 3,
                                      .threads = 1};
    GasketPartition *partition = gasket_partition_new(graph, &options, error);
    *ret_path = path;
    gasket_graph_free(graph);
    return partition;
}

START_TEST(lines_are_taken_in_any_order_and_with_any_separator)
{
    static const char *const texts[] = {
        "10 2\n20 0\n30 1\n",
        "30\t1\n10\t2\n20\t0",
        "vertex\tpart\n10\t2\n20\t0\n30\t1\n",
        "# by hand\n\n  vertex , part\n10, 2\r\n20 ,0 # the middle\n   \n30,1\r\n",
    };
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    g_autoptr(GasketPartition) partition =
        partition_by(three_vertices(), texts[_i], -1, &path, &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq(partition->part[0][0], 2);
    ck_assert_uint_eq(partition->part[0][1], 0);
    ck_assert_uint_eq(partition->part[0][2], 1);
    ck_assert_int_eq(partition->method, GASKET_PARTITION_FILE);
    ck_assert_uint_eq(partition->cut_edges, 2);
}
END_TEST

START_TEST(several_kinds_are_named_on_each_line)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    g_autoptr(GasketPartition) partition =
        partition_by(two_kinds(), "kind id part\nitem 7 2\nuser 1 1\nitem 1 1\nuser 2 0\n", -1,
                     &path, &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq(partition->part[0][0], 1);
    ck_assert_uint_eq(partition->part[0][1], 0);
    ck_assert_uint_eq(partition->part[1][0], 1);
    ck_assert_uint_eq(partition->part[1][1], 2);
    ck_assert_uint_eq(partition->cut_edges, 1);
}
END_TEST

typedef struct {
    bool kinds;
    gssize length; /* -1: to the end of the text */
    const char *text, *message;
} Malformed;

static const Malformed malformed[] = {
    {false, -1, "10 0\n20\n", "2: found 1 field, expected `id part`"},
    {false, -1, "10 0 0\n", "1: found 3 fields, expected `id part`"},
    {false, -1, "10 0 0 0 0\n", "1: found 4 or more fields, expected `id part`"},
    {false, -1, "# x\n\n11 0\n", "3: found vertex `11`, expected a vertex of the graph"},
    {false, -1, "10 3\n", "1: found part `3`, expected a number from 0 to 2"},
    {false, -1, "10 -1\n", "1: found part `-1`, expected a number from 0 to 2"},
    {false, -1, "10 1.0\n", "1: found part `1.0`, expected a number from 0 to 2"},
    {false, -1, "10 99999999999999999999\n",
     "1: found part `99999999999999999999`, expected a number from 0 to 2"},
    {false, -1, "10 0\n20 1\n10 0\n", "3: found vertex `10` again, expected every vertex once"},
    {false, -1, "10 0\nvertex part\n", "2: found vertex `vertex`, expected a vertex of the graph"},
    {false, -1, "10 0\n",
     "2: found the end of the file, expected a line for vertex `20` (2 missing)"},
    {false, 0, "", "1: found the end of the file, expected a line for vertex `10` (3 missing)"},
    {false, 6, "10 0\0\n", "1: found a zero byte, expected text"},
    {true, -1, "user 1 0\n1 0\n", "2: found 2 fields, expected `kind id part`"},
    {true, -1, "movie 1 0\n",
     "1: found kind `movie`, expected a kind of the graph (the first is `user`)"},
    {true, -1, "user 7 0\n", "1: found vertex `7`, expected a vertex of the graph"},
    {true, -1, "user 1 0\nuser 2 0\nitem 1 0\n",
     "4: found the end of the file, expected a line for vertex item `7` (1 missing)"},
};

START_TEST(malformed_file_is_refused_with_line_found_and_expected)
{
    const Malformed *m = &malformed[_i];
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    g_autoptr(GasketPartition) partition =
        partition_by(m->kinds ? two_kinds() : three_vertices(), m->text, m->length, &path, &error);
    g_autofree char *message = g_strdup_printf("%s:%s", path, m->message);
    ck_assert_ptr_null(partition);
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
    ck_assert_str_eq(error->message, message);
}
END_TEST

START_TEST(file_that_cannot_be_read_is_an_input_error)
{
    static const char *const files[][2] = {
        {"/nonexistent/parts", "cannot open /nonexistent/parts: No such file or directory"},
        {"/", "cannot read /: Is a directory"},
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = three_vertices();
    GasketPartitionOptions options = {.method = GASKET_PARTITION_FILE,
                                      .file = files[_i][0],
                                      .parts = 3,
                                      .threads = 1};
    ck_assert_ptr_null(gasket_partition_new(graph, &options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_INPUT));
    ck_assert_str_eq(error->message, files[_i][1]);
}
END_TEST

int
main(void)
{
    TCase *taken = tcase_create("taken");
    tcase_add_loop_test(taken, lines_are_taken_in_any_order_and_with_any_separator, 0, 4);
    tcase_add_test(taken, several_kinds_are_named_on_each_line);
    TCase *refused = tcase_create("refused");
    tcase_add_loop_test(refused, malformed_file_is_refused_with_line_found_and_expected, 0,
                        G_N_ELEMENTS(malformed));
    tcase_add_loop_test(refused, file_that_cannot_be_read_is_an_input_error, 0, 2);
    TCase *cases[] = {taken, refused};
    return check_run("partition_file", cases, G_N_ELEMENTS(cases));
}
