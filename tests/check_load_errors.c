/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with an input is said with its file, its line, what was found and expected. */
#include "tests/load_check.h"

typedef struct {
    const char *name, *text, *message;
    bool weighted, nonnegative, bipartite;
    const char *columns;
} Malformed;

#define BANNER "%%MatrixMarket matrix coordinate real general\n"

static const Malformed malformed[] = {
    {"a.txt", "1 2\n3\n", "a.txt:2: found the end of the line, expected a target vertex",
     .weighted = false},
    {"a.txt", "1 2\n1 2\x01\n",
     "a.txt:2: found \"2\\x01\", expected a target vertex without control characters",
     .weighted = false},
    {"a.txt", "1 2 0.5\n\n1 3 nan\n", "a.txt:3: found \"nan\", expected a weight (a finite number)",
     .weighted = true},
    {"a.txt", "1 2 inf\n", "a.txt:1: found \"inf\", expected a weight (a finite number)",
     .weighted = true},
    {"a.txt", "1 2 1e999\n", "a.txt:1: found \"1e999\", expected a weight (a finite number)",
     .weighted = true},
    {"a.txt", "1 2 0x10\n", "a.txt:1: found \"0x10\", expected a weight (a finite number)",
     .weighted = true},
    {"a.txt", "1 2 1\n1 3 -1\n", "a.txt:2: found \"-1\", expected a weight that is not negative",
     .weighted = true, .nonnegative = true},
    {"a.txt", "1 2 1\n1 3\n",
     "a.txt:2: found the end of the line, expected a weight (a finite number)", .weighted = true},
    {"a.txt", "1 2\n1 3 4\n",
     "a.txt:2: found \"4\", expected no third column, as on the first line", .weighted = true},
    {"a.txt", "1 2 abc\n2 3 4\n", "a.txt:1: found \"abc\", expected a weight (a finite number)",
     .weighted = true},
    {"a.csv", "1,2\n1,\n", "a.csv:2: found an empty field, expected a target vertex",
     .weighted = false},
    {"a.csv", "1,2\n\"1,2\n",
     "a.csv:2: found \"\\\"1,2\", expected a closing quote on the same line", .weighted = false},
    {"a.csv", "1,2\n\"1\"x,2\n", "a.csv:2: found \"x,2\", expected a delimiter behind the quote",
     .weighted = false},
    {"a.csv", "a,b\n1,2\n", "a.csv:1: found the columns \"a\", \"b\", expected a column \"c\"",
     .columns = "a,c"},
    {"a.csv", "a,b\n1,2\n", "column 0 is not a position from 1 to 256", .columns = "0,1"},
    {"a.csv", "a,b\n1,2\n",
     "columns \"a\" must name a source, a target and perhaps a weight, with commas between",
     .columns = "a"},
    {"a.mtx", "", "a.mtx:1: found the end of the file, expected %%MatrixMarket", .weighted = false},
    {"a.mtx", "%%MatrixMarket matrix array real general\n2 2\n",
     "a.mtx:1: found \"array\", expected coordinate", .weighted = false},
    {"a.mtx", "%%MatrixMarket matrix coordinate complex general\n",
     "a.mtx:1: found \"complex\", expected one of real, integer, pattern", .weighted = false},
    {"a.mtx", "%%MatrixMarket matrix coordinate real hermitian\n",
     "a.mtx:1: found \"hermitian\", expected one of general, symmetric, skew-symmetric",
     .weighted = false},
    {"a.mtx", "%%MatrixMarket matrix coordinate pattern skew-symmetric\n",
     "a.mtx:1: found \"skew-symmetric\", expected values in a skew-symmetric matrix",
     .weighted = false},
    {"a.mtx", BANNER "% c\n3 3\n",
     "a.mtx:3: found the end of the line, expected a number of entries", .weighted = false},
    {"a.mtx", BANNER "3 4 1\n1 1 1\n",
     "a.mtx:2: found 3 rows and 4 columns, expected as many of both (users by items are "
     "no graph of one kind of vertices)",
     .weighted = false},
    {"a.mtx", BANNER "99999999999999999999 99999999999999999999 1\n",
     "a.mtx:2: found \"99999999999999999999\", expected a number of rows", .weighted = false},
    {"a.mtx", BANNER "4294967296 4294967296 1\n",
     "a.mtx:2: found more than 4294967294 vertices announced, expected at most as many",
     .weighted = false},
    {"a.mtx", BANNER "3 3 2\n1 1 1\n",
     "a.mtx:2: found 1 entries in the file, expected the 2 that this line says", .weighted = false},
    {"a.mtx", BANNER "3 3 1\n1 1 1\n1 2 1\n",
     "a.mtx:2: found 2 entries in the file, expected the 1 that this line says", .weighted = false},
    {"a.mtx", BANNER "3 3 1\n0 1 1\n", "a.mtx:3: found \"0\", expected a row from 1 to 3",
     .weighted = false},
    {"a.mtx", BANNER "3 3 1\n1 4 1\n", "a.mtx:3: found \"4\", expected a column from 1 to 3",
     .weighted = false},
    {"a.mtx", BANNER "3 3 1\n1 -1 1\n", "a.mtx:3: found \"-1\", expected a column from 1 to 3",
     .weighted = false},
    {"a.mtx", BANNER "3 3 1\n1 1\n", "a.mtx:3: found the end of the line, expected a finite number",
     .weighted = false},
    {"a.mtx", BANNER "3 3 1\n1 1 1 1\n", "a.mtx:3: found \"1\", expected the end of the line",
     .weighted = false},
    {"a.mtx", BANNER "3 3 2\n1 1 1\n1 1 2\n",
     "a.mtx:4: found the entry 1 1 again, expected another entry than on the line before",
     .weighted = false},
    {"a.mtx", "%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 1\n2 3 2\n",
     "a.mtx:4: found an entry of the other triangle, expected one triangle of a symmetric matrix "
     "only",
     .weighted = false},
    {"a.graph", "", "a.graph:1: found the end of the file, expected numbers of vertices and edges",
     .weighted = false},
    {"a.graph", "3 2 012\n", "a.graph:1: found \"012\", expected the format as three digits 0 or 1",
     .weighted = false},
    {"a.graph", "2 1\n2\n1\n1\n",
     "a.graph:4: found \"1\", expected the end of the file after 2 vertices", .weighted = false},
    {"a.graph", "3 1\n2\n",
     "a.graph:1: found lists of 1 vertices, expected the 3 that this line says", .weighted = false},
    {"a.graph", "3 1\n2\n1 3\n2\n",
     "a.graph:1: found 4 neighbours in all lists, expected twice the 1 edges that this line says",
     .weighted = false},
    {"a.graph", "3 1\n2\n3\n\n",
     "a.graph:1: found an edge in the list of one of its ends only, or with two weights, expected "
     "each edge in the lists of both ends",
     .weighted = false},
    {"a.graph", "2 1 1\n2 5\n1 6\n",
     "a.graph:1: found an edge in the list of one of its ends only, or with two weights, expected "
     "each edge in the lists of both ends",
     .weighted = false},
    {"a.graph", "2 1\n1\n2\n",
     "a.graph:2: found \"1\", expected a neighbour from 1 to 2 other than the vertex itself",
     .weighted = false},
    {"a.graph", "2 1\n3\n1\n",
     "a.graph:2: found \"3\", expected a neighbour from 1 to 2 other than the vertex itself",
     .weighted = false},
    {"a.graph", "2 1 1\n2\n1 1\n",
     "a.graph:2: found the end of the line, expected a positive edge weight", .weighted = false},
    {"a.gr", "c x\n", "a.gr:2: found the end of the file, expected the problem (p sp n m)",
     .weighted = false},
    {"a.gr", "p edge 2 1\n",
     "a.gr:1: found \"edge\", expected sp (shortest paths), the only problem that is read",
     .weighted = false},
    {"a.gr", "p sp 2 1\na 1 3 1\n", "a.gr:2: found \"3\", expected a vertex from 1 to 2",
     .weighted = false},
    {"a.gr", "p sp 2 1\nb 1 2 1\n",
     "a.gr:2: found \"b\", expected an arc (a u v w) or a comment (c)", .weighted = false},
    {"a.gr", "p sp 2 1\na 1 2\n",
     "a.gr:2: found the end of the line, expected a weight (a finite number)", .weighted = false},
    {"a.gr", "p sp 2 2\na 1 2 1\n",
     "a.gr:1: found 1 arcs in the file, expected the 2 that this line says", .weighted = false},
    {"a.adj", "1 2 3\n", "a.adj:1: found 1 targets, expected the 2 that the line announces",
     .weighted = false},
    {"a.adj", "1 0\n1\n", "a.adj:2: found the end of the line, expected a number of targets",
     .weighted = false},
    {"a.bin", "12345678123",
     "a.bin:2: found 3 bytes at the end of the file, expected a record of 8", .weighted = false},
    {"a.wbin", "12345678\xff\xff\xff\x7f",
     "a.wbin:1: found \"nan\", expected a weight (a finite number)", .weighted = true},
    {"a.gr", "p sp 1 0\n",
     "a.gr:1: found a file in format dimacs, expected ratings, with users and items",
     .bipartite = true},
    {"ratings.dat", "1::2::3::4\n",
     "ratings.dat:1: found ratings, with users and items, expected a graph with one kind of "
     "vertices",
     .weighted = false},
    {"ratings.dat", "1::2::3::4\n1::2::\n",
     "ratings.dat:2: found an empty field, expected a weight (a finite number)", .bipartite = true,
     .weighted = true},
};

START_TEST(every_malformed_input_is_named_with_its_line)
{
    const Malformed *m = &malformed[_i];
    for (size_t block = 0; block < 17; block += 8) {
        GasketLoadOptions options = {.want_weights = m->weighted,
                                     .nonnegative = m->nonnegative,
                                     .bipartite = m->bipartite,
                                     .columns = m->columns,
                                     .block_size = block,
                                     .threads = 2};
        g_autofree char *found = load_dump(m->name, m->text, strlen(m->text), &options);
        ck_assert_str_eq(found, m->message);
    }
}
END_TEST

START_TEST(hostile_bytes_are_shown_as_escapes)
{
    GasketLoadOptions options = {0};
    static const char nul[] = "1 2\n1 \0002\n", escape[] = "1 2\n1 \033[31m\xff\n";
    g_autofree char *a = load_dump("a", nul, sizeof nul - 1, &options);
    ck_assert_str_eq(a, "a:2: found \"\\x002\", expected a target vertex without control "
                        "characters");
    g_autofree char *b = load_dump("a", escape, sizeof escape - 1, &options);
    ck_assert_str_eq(b, "a:2: found \"\\x1b[31m\\xff\", expected a target vertex without control "
                        "characters");
    g_autofree char *mtx =
        load_dump("a.mtx", BANNER "2 2 1\n1\0 1 1\n", strlen(BANNER) + 13, &options);
    ck_assert_str_eq(mtx, "a.mtx:3: found \"\\x00\", expected a column from 1 to 2");
}
END_TEST

START_TEST(long_lines_and_ids_are_read_or_refused)
{
    GasketLoadOptions options = {.threads = 2};
    size_t size = (size_t)10 << 20;
    g_autofree char *text = g_malloc(size + 3);
    memset(text, 'x', size);
    memcpy(text + size, " 1\n", 3);
    g_autofree char *found = load_dump("a", text, size + 3, &options);
    ck_assert_str_eq(found,
                     "a:1: found \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\", expected a "
                     "source vertex of at most 65535 bytes");
    memset(text, ' ', size);
    memcpy(text, "1 2", 3);
    g_autofree char *read = load_dump("a", text, size + 3, &options);
    ck_assert_str_eq(read, "vertex: 1 2\nedges\n1 2\n");
}
END_TEST

START_TEST(every_broken_matrix_of_the_folder_is_refused)
{
    g_autofree char *folder = check_data("malformed");
    if (folder == NULL)
        return;
    g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
    unsigned files = 0;
    for (const char *name; (name = g_dir_read_name(names)) != NULL; files++) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *prefix = g_strdup_printf("%s:", path);
        for (int bipartite = 0; bipartite < 2; bipartite++) {
            const char *const inputs[] = {path};
            GasketLoadOptions options = {.inputs = inputs,
                                         .n_inputs = 1,
                                         .bipartite = bipartite == 1,
                                         .threads = 2};
            g_autoptr(GError) error = NULL;
            g_autoptr(GasketGraph) graph = load_graph(NULL, NULL, 0, &options, &error);
            ck_assert_msg(graph == NULL, "%s was read", path);
            ck_assert_msg(g_str_has_prefix(error->message, prefix) &&
                              g_ascii_isdigit(error->message[strlen(prefix)]),
                          "%s", error->message);
            ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
        }
    }
    ck_assert_uint_ge(files, 20);
}
END_TEST

START_TEST(inputs_that_are_not_there_are_named)
{
    const char *const inputs[] = {"/nowhere/at-all.txt"}, *const folder[] = {"/"};
    GasketLoadOptions options = {.inputs = inputs, .n_inputs = 1};
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(load_graph(NULL, NULL, 0, &options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_INPUT));
    ck_assert_str_eq(error->message,
                     "/nowhere/at-all.txt: cannot be opened: No such file or directory");
    g_clear_error(&error);
    options.inputs = folder;
    ck_assert_ptr_null(load_graph(NULL, NULL, 0, &options, &error));
    ck_assert_str_eq(error->message, "/: cannot be read: Is a directory");
    g_clear_error(&error);
    options = (GasketLoadOptions){.format = "gexf"};
    ck_assert_ptr_null(load_graph("a", "1 2", 3, &options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    g_clear_error(&error);
    options = (GasketLoadOptions){.table = "x"};
    ck_assert_ptr_null(load_graph("a", "1 2", 3, &options, &error));
    ck_assert_str_eq(error->message, "a is in format edges, which has no tables to choose");
}
END_TEST

START_TEST(no_truncation_of_any_format_crashes)
{
    static const char *const files[][2] = {
        {"a.txt", "# c\n1 2 0.5\n1 3 2\n3 2 -3\n"},
        {"a.csv", "source,target,weight\n\"1\",2,0.5\n1,3,2\n3,2,-3\n"},
        {"a.mtx", "%%MatrixMarket matrix coordinate real general\n%%GraphBLAS type double\n3 3 "
                  "3\n1 2 0.5\n1 3 2\n3 2 -3\n"},
        {"a.gr", "c comment\np sp 3 3\na 1 2 0.5\nc more\na 1 3 2\na 3 2 -3\n"},
        {"a.graph", "3 2 111 2\n9 1 1 2 5\n9 1 1 1 5 3 7\n9 1 1 2 7\n"},
        {"a.adj", "1 2 2 3\n2 0\n3 1 2\n"},
        {"a.bin", "1234567812345678"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        for (size_t size = 0; size <= strlen(files[i][1]); size++) {
            GasketLoadOptions options = {.want_weights = true, .block_size = 5, .threads = 2};
            /* A copy of exactly this size, so that reading past it is noticed. */
            g_autofree char *copy = size > 0 ? g_memdup2(files[i][1], size) : NULL;
            g_autofree char *found =
                load_dump(files[i][0], copy != NULL ? copy : "", size, &options);
            ck_assert(g_str_has_prefix(found, "vertex:") || g_str_has_prefix(found, files[i][0]));
        }
}
END_TEST

int
main(void)
{
    TCase *cases[] = {tcase_create("errors")};
    tcase_add_loop_test(cases[0], every_malformed_input_is_named_with_its_line, 0,
                        G_N_ELEMENTS(malformed));
    tcase_add_test(cases[0], hostile_bytes_are_shown_as_escapes);
    tcase_add_test(cases[0], long_lines_and_ids_are_read_or_refused);
    tcase_add_test(cases[0], every_broken_matrix_of_the_folder_is_refused);
    tcase_add_test(cases[0], inputs_that_are_not_there_are_named);
    tcase_add_test(cases[0], no_truncation_of_any_format_crashes);
    tcase_set_timeout(cases[0], 120);
    return check_run("load_errors", cases, G_N_ELEMENTS(cases));
}
