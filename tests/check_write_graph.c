/* SPDX-License-Identifier: Apache-2.0 */
/* What is written in any format reads back as the same graph. */

#include "loaders/write_graph.h"
#include "tests/folder.h"
#include "tests/load_check.h"

static Folder folder;

static void
make_folder(void)
{
    folder = folder_new();
}

static void
drop_folder(void)
{
    folder_clear(&folder);
}

/* Loads text, orders vertices in one of the ways, writes the file, and returns what it holds. */
static char *
write_text(const char *text, GasketLoadOptions options, GasketOrder order, const char *name,
           uint64_t *ret_lost)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraphBuilder) builder = gasket_graph_builder_new();
    g_autofree char *path = g_build_filename(folder.path, name, NULL);
    ck_assert(gasket_load_memory(builder, options.format ? "input" : "input.csv", text,
                                 strlen(text), &options, NULL, &error));
    GasketGraphRules rules = {.order = order};
    g_autoptr(GasketGraph) graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
    if (!gasket_write_graph(graph, 0, path, NULL, ret_lost, &error)) {
        ck_assert(!g_file_test(path, G_FILE_TEST_EXISTS));
        return g_strdup(error->message);
    }
    char *found = NULL;
    ck_assert(g_file_get_contents(path, &found, NULL, NULL));
    return found;
}

static char *
read_back(const char *name, GasketLoadOptions options)
{
    g_autofree char *path = g_build_filename(folder.path, name, NULL);
    const char *const inputs[] = {path};
    options.inputs = inputs;
    options.n_inputs = 1;
    options.format = NULL;
    return load_dump(NULL, NULL, 0, &options);
}

static const GasketOrder orders[] = {GASKET_ORDER_GIVEN, GASKET_ORDER_DEGREE};

START_TEST(directed_graphs_read_back_from_every_format)
{
    static const char text[] = "3 1 0.1\n3 2 -2\n1 2 1e300\n2 2 7\n";
    static const char graph[] =
        "vertex: 1 2 3\nedges\n1 2 1.0000000000000001e+300\n2 2 7\n3 1 0.10000000000000001\n3 2 "
        "-2\n";
    static const char *const names[] = {"a.tsv", "a.csv", "a.mtx", "a.gr"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(orders); k++) {
            GasketLoadOptions options = {.want_weights = true, .format = "edges"};
            g_autofree char *file = write_text(text, options, orders[k], names[i], NULL);
            g_autofree char *found = read_back(names[i], options);
            ck_assert_msg(strcmp(found, graph) == 0, "%s:\n%s%s", names[i], file, found);
        }
}
END_TEST

START_TEST(files_stand_by_ascending_id_whatever_the_numbers)
{
    static const struct {
        const char *name, *file;
    } cases[] = {
        {"a.tsv", "10\t20\t0.5\n10\t40\t3\n40\t20\t2\n"},
        {"a.csv", "source,target,weight\n10,20,0.5\n10,40,3\n40,20,2\n"},
        {"a.mtx", "%%MatrixMarket matrix coordinate real general\n4 4 3\n1 2 0.5\n1 4 3\n4 2 2\n"},
        {"a.gr", "p sp 4 3\na 1 2 0.5\na 1 4 3\na 4 2 2\n"},
        {"a.adj", "10 2 20 40\n20 0\n30 0\n40 1 20\n"},
    };
    g_autofree char *list = put_file(folder.path, "list", "30\n", 3);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(orders); k++) {
            GasketLoadOptions options = {.want_weights = true, .format = "edges", .vertices = list};
            uint64_t lost = 99;
            g_autofree char *file = write_text("40 20 2\n10 40 3\n10 20 0.5\n", options, orders[k],
                                               cases[i].name, &lost);
            ck_assert_str_eq(file, cases[i].file);
            ck_assert_uint_eq(lost, i < 2 ? 1 : 0);
        }
}
END_TEST

START_TEST(undirected_graphs_are_written_as_each_format_wants_them)
{
    static const struct {
        const char *name, *file;
    } cases[] = {
        {"a.tsv", "1\t2\t5\n2\t3\t7\n"},
        {"a.mtx", "%%MatrixMarket matrix coordinate integer symmetric\n3 3 2\n2 1 5\n3 2 7\n"},
        {"a.graph", "3 2 001\n2 5\n1 5 3 7\n2 7\n"},
        {"a.gr", "p sp 3 4\na 1 2 5\na 2 1 5\na 2 3 7\na 3 2 7\n"},
        {"a.adj", "1 1 2\n2 2 1 3\n3 1 2\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(orders); k++) {
            GasketLoadOptions options = {.want_weights = true,
                                         .format = "edges",
                                         .undirected = true};
            g_autofree char *file =
                write_text("3 2 7\n1 2 5\n", options, orders[k], cases[i].name, NULL);
            ck_assert_str_eq(file, cases[i].file);
        }
}
END_TEST

START_TEST(text_ids_survive_lists)
{
    GasketLoadOptions none = {0};
    static const char text[] = "\"a, \"\"b\"\"\",x\nx,5\n";
    static const char graph[] = "vertex: 5 a, \"b\" x\nedges\na, \"b\" x\nx 5\n";
    g_autofree char *csv = write_text(text, none, GASKET_ORDER_GIVEN, "b.csv", NULL);
    ck_assert_str_eq(csv, "source,target\n\"a, \"\"b\"\"\",x\nx,5\n");
    g_autofree char *found = read_back("b.csv", none);
    ck_assert_str_eq(found, graph);
    g_autofree char *refused = write_text(text, none, GASKET_ORDER_GIVEN, "c.txt", NULL);
    ck_assert_str_eq(refused, "the id \"a, \\\"b\\\"\" cannot stand in a list with blanks between "
                              "ids: write csv");
    g_autofree char *list = write_text("x,y\nann,bob\n", none, GASKET_ORDER_GIVEN, "e.txt", NULL);
    ck_assert_str_eq(list, "source\ttarget\nann\tbob\nx\ty\n");
    g_autofree char *again = read_back("e.txt", none);
    ck_assert_str_eq(again, "vertex: ann bob x y\nedges\nann bob\nx y\n");
}
END_TEST

START_TEST(ratings_are_written_with_both_name_spaces)
{
    GasketLoadOptions ratings = {.bipartite = true, .want_weights = true};
    static const char text[] = "1,1,4.5\n1,3,1\n2,3,5\n";
    g_autofree char *csv = write_text(text, ratings, GASKET_ORDER_DEGREE, "r.csv", NULL);
    ck_assert_str_eq(csv, "user,item,rating\n1,1,4.5\n1,3,1\n2,3,5\n");
    g_autofree char *found = read_back("r.csv", ratings);
    ck_assert_str_eq(found, "user: 1 2\nitem: 1 3\nratings\n1 1 4.5\n1 3 1\n2 3 5\n");
    g_autofree char *mtx = write_text(text, ratings, GASKET_ORDER_DEGREE, "r.mtx", NULL);
    ck_assert_str_eq(mtx, "%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 4.5\n1 2 1\n2 "
                          "2 5\n");
}
END_TEST

START_TEST(what_a_format_cannot_hold_is_refused)
{
    GasketLoadOptions edges = {.format = "edges", .want_weights = true};
    GasketLoadOptions undirected = {.format = "edges", .want_weights = true, .undirected = true};
    static const struct {
        const char *text, *name, *start;
        bool undirected;
    } cases[] = {
        {"1 2\n1 2\n", "a.mtx", "the graph has several edges", false},
        {"1 2\n", "a.graph", "METIS files hold undirected graphs", false},
        {"1 1\n", "a.graph", "the graph has self-loops", true},
        {"1 2 0.5\n", "a.graph", "the graph has weights that are not positive integers", true},
        {"1 2\n", "a.xyz", "", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = write_text(cases[i].text, cases[i].undirected ? undirected : edges,
                                            GASKET_ORDER_GIVEN, cases[i].name, NULL);
        bool extension = strstr(found, "the extension names no format") != NULL;
        ck_assert_msg(*cases[i].start ? g_str_has_prefix(found, cases[i].start) : extension, "%s",
                      found);
    }
}
END_TEST

START_TEST(binary_records_read_back)
{
    GasketLoadOptions options = {.format = "edges", .want_weights = true};
    g_autofree char *pairs = write_text("1 2\n3 1\n", options, GASKET_ORDER_GIVEN, "a.bin", NULL);
    g_autofree char *found = read_back("a.bin", options);
    ck_assert_str_eq(found, "vertex: 1 2 3\nedges\n1 2\n3 1\n");
    g_autofree char *triples =
        write_text("1 2 0.5\n3 1 -2\n", options, GASKET_ORDER_GIVEN, "a.wbin", NULL);
    g_autofree char *weighted = read_back("a.wbin", options);
    ck_assert_str_eq(weighted, "vertex: 1 2 3\nedges\n1 2 0.5\n3 1 -2\n");
}
END_TEST

int
main(void)
{
    TCase *cases[] = {tcase_create("write")};
    tcase_add_checked_fixture(cases[0], make_folder, drop_folder);
    tcase_add_test(cases[0], directed_graphs_read_back_from_every_format);
    tcase_add_test(cases[0], files_stand_by_ascending_id_whatever_the_numbers);
    tcase_add_test(cases[0], undirected_graphs_are_written_as_each_format_wants_them);
    tcase_add_test(cases[0], text_ids_survive_lists);
    tcase_add_test(cases[0], ratings_are_written_with_both_name_spaces);
    tcase_add_test(cases[0], what_a_format_cannot_hold_is_refused);
    tcase_add_test(cases[0], binary_records_read_back);
    tcase_set_timeout(cases[0], 120);
    return check_run("write_graph", cases, G_N_ELEMENTS(cases));
}
