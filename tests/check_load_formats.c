/* SPDX-License-Identifier: Apache-2.0 */
/* One graph in every format, and what each format accepts. */
#include "tests/load_check.h"

#define WEIGHTED                                                                                   \
    (GasketLoadOptions)                                                                            \
    {                                                                                              \
        .want_weights = true                                                                       \
    }

static void
expect(const char *name, const char *text, GasketLoadOptions options, const char *graph)
{
    const size_t blocks[] = {0, 1, 7, 16};
    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++)
        for (unsigned threads = 1; threads <= 3; threads++) {
            options.block_size = blocks[i];
            options.threads = threads;
            g_autofree char *found = load_dump(name, text, strlen(text), &options);
            ck_assert_msg(strcmp(found, graph) == 0, "%s, blocks of %zu:\n%s\nexpected\n%s", name,
                          blocks[i], found, graph);
        }
}

START_TEST(every_format_gives_the_same_graph)
{
    static const char graph[] = "vertex: 1 2 3\nedges\n1 2 0.5\n1 3 2\n3 2 -3\n";
    static const char *const files[][2] = {
        {"a.txt", "# comment\n1 2 0.5\n1 3 2\n3 2 -3\n"},
        {"a.tsv", "1\t2\t0.5\n1\t3\t2\n3\t2\t-3"},
        {"a.csv", "source,target,weight\n1,2,0.5\n1,3,2\n3,2,-3\n"},
        {"a.csv", "weight;to;from\n0.5;2;1\n2;3;1\n-3;2;3\n"},
        {"a.csv", "1,2,0.5\r\n1,3,2\r\n\"3\",2,-3\r\n"},
        {"a.mtx", "%%MatrixMarket matrix coordinate real general\n3 3 3\n1 2 0.5\n1 3 2\n3 2 -3\n"},
        {"a.gr", "c comment\np sp 3 3\na 1 2 0.5\nc more\na 1 3 2\na 3 2 -3\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        expect(files[i][0], files[i][1], WEIGHTED, graph);
}
END_TEST

START_TEST(weights_are_dropped_unless_wanted_and_ones_if_required)
{
    GasketLoadOptions none = {0}, required = {.require_weights = true};
    expect("a", "1 2 0.5\n1 3 x\n", none, "vertex: 1 2 3\nedges\n1 2\n1 3\n");
    expect("a", "1 2\n1 3\n", WEIGHTED, "vertex: 1 2 3\nedges\n1 2\n1 3\n");
    expect("a", "1 2\n1 3\n", required, "vertex: 1 2 3\nedges\n1 2 1\n1 3 1\n");
}
END_TEST

START_TEST(isolated_vertices_are_kept_where_the_format_has_them)
{
    GasketLoadOptions none = {0};
    static const char graph[] = "vertex: 1 2 3\nedges\n1 2\n";
    expect("a.adj", "1 1 2\n3 0\n", none, graph);
    expect("a.gr", "p sp 3 1\na 1 2 5\n", none, graph);
    expect("a.mtx", "%%MatrixMarket matrix coordinate pattern general\n3 3 1\n1 2\n", none, graph);
    expect("a.graph", "3 1\n2\n1\n\n", none, "vertex: 1 2 3\nedges symmetric\n1 2\n");
    expect("a.graph", "3 1\n2\n1\n", none, "vertex: 1 2 3\nedges symmetric\n1 2\n");
}
END_TEST

START_TEST(matrices_with_one_triangle_have_both_directions)
{
    GasketLoadOptions none = {0};
    expect("a.mtx",
           "%%MatrixMarket matrix coordinate pattern symmetric\n% c\n\n3 3 3\n1 1\n2 1\n3 2\n",
           none, "vertex: 1 2 3\nedges symmetric\n1 1\n1 2\n2 3\n");
    expect("a.mtx",
           "%%MatrixMarket matrix coordinate integer skew-symmetric\n3 3 2\n2 1 5\n3 2 -7\n",
           WEIGHTED, "vertex: 1 2 3\nedges\n1 2 -5\n2 1 5\n2 3 7\n3 2 -7\n");
    expect("a.mtx",
           "%%MatrixMarket matrix coordinate integer skew-symmetric\n3 3 2\n2 1 5\n3 2 -7\n", none,
           "vertex: 1 2 3\nedges symmetric\n1 2\n2 3\n");
}
END_TEST

START_TEST(metis_files_have_each_edge_once)
{
    GasketLoadOptions none = {0};
    static const char graph[] = "vertex: 1 2 3\nedges symmetric\n1 2 5\n2 3 7\n";
    expect("a.graph", "% c\n3 2 001\n2 5\n% c\n1 5 3 7\n2 7\n", WEIGHTED, graph);
    expect("a.graph", "3 2 111 2\n9 1 1 2 5\n9 1 1 1 5 3 7\n9 1 1 2 7", WEIGHTED, graph);
    expect("a.graph", "3 2 10\n4 2\n4 1 3\n4 2\n\n\n", none,
           "vertex: 1 2 3\nedges symmetric\n1 2\n2 3\n");
}
END_TEST

START_TEST(undirected_lines_stand_for_both_directions)
{
    GasketLoadOptions undirected = {.undirected = true};
    static const char graph[] = "vertex: 1 2 3\nedges symmetric\n1 2\n2 3\n3 3\n";
    expect("a", "2 1\n2 3\n3 3\n", undirected, graph);
    expect("a.mtx", "%%MatrixMarket matrix coordinate pattern symmetric\n3 3 3\n2 1\n3 2\n3 3\n",
           undirected, graph);
}
END_TEST

START_TEST(ratings_have_two_name_spaces)
{
    GasketLoadOptions ratings = {.bipartite = true, .want_weights = true};
    static const char graph[] = "user: 1 2\nitem: 1 3\nratings\n1 1 4.5\n1 3 1\n2 3 5\n";
    expect("u.data", "1\t1\t4.5\t881250949\n1\t3\t1\t891717742\n2\t3\t5\t878887116\n", ratings,
           graph);
    expect("ratings.dat", "1::1::4.5::978300760\n1::3::1::978302109\n2::3::5::9\n", ratings, graph);
    expect("ratings.csv", "userId,movieId,rating,timestamp\n1,1,4.5,9\n1,3,1.0,9\n2,3,5.0,9\n",
           ratings, graph);
    expect("a.mtx", "%%MatrixMarket matrix coordinate real general\n2 3 3\n1 1 4.5\n1 3 1\n2 3 5\n",
           ratings, "user: 1 2\nitem: 1 2 3\nratings\n1 1 4.5\n1 3 1\n2 3 5\n");
    ratings.format = "ratings";
    expect("x", "0 0 4\n0 1 5\n", ratings, "user: 0\nitem: 0 1\nratings\n0 0 4\n0 1 5\n");
}
END_TEST

START_TEST(ids_are_sparse_integers_or_text)
{
    GasketLoadOptions none = {0};
    expect("a", "-5 9223372036854775807\n0 12345678901\n", none,
           "vertex: -5 0 12345678901 9223372036854775807\nedges\n-5 9223372036854775807\n"
           "0 12345678901\n");
    expect("a", "007 7\n", none, "vertex: 007 7\nedges\n007 7\n");
    expect("a", "ann bob\nann 7\n", none, "vertex: 7 ann bob\nedges\nann 7\nann bob\n");
    expect("a", "9223372036854775808 1\n", none,
           "vertex: 1 9223372036854775808\nedges\n9223372036854775808 1\n");
    expect("a.csv", "\"a, \"\"b\"\"\",c d\n", none, "vertex: a, \"b\" c d\nedges\na, \"b\" c d\n");
    expect("a.tsv", "New York\tLos Angeles\n", none,
           "vertex: Los Angeles New York\nedges\nNew York Los Angeles\n");
}
END_TEST

START_TEST(lists_allow_what_is_found_in_the_wild)
{
    GasketLoadOptions none = {0};
    static const char graph[] = "vertex: 1 2\nedges\n1 1\n1 2\n1 2\n";
    expect("a", "% c\r\n1 2\r\n\r\n  1\t 2  \r\n1 1", none, graph);
    expect("a",
           "\xef\xbb\xbf"
           "1 2\n1 2 3 4 more\n1 1\n",
           none, graph);
    expect("a.csv",
           "\xef\xbb\xbf"
           "src,dst\n1,2\n 1 , 2 \n1,1\n",
           none, graph);
    expect("a", "", none, "vertex:\nedges\n");
    expect("a", "# nothing\n", WEIGHTED, "vertex:\nedges\n");
    expect("a", "source target\n1 2\n1 1\n1 2\n", none, graph);
}
END_TEST

START_TEST(columns_are_chosen_by_name_or_position)
{
    static const char text[] = "id,Left,Right,Cost\n7,1,2,0.5\n8,1,3,2\n";
    static const char graph[] = "vertex: 1 2 3\nedges\n1 2 0.5\n1 3 2\n";
    GasketLoadOptions named = {.columns = "left,right,cost", .want_weights = true};
    GasketLoadOptions placed = {.columns = "2,3,4", .want_weights = true};
    expect("a.csv", text, named, graph);
    expect("a.csv", text, placed, graph);
    placed.columns = "2,3";
    expect("a", "x 1 2\ny 1 3\n", placed, "vertex: 1 2 3\nedges\n1 2\n1 3\n");
}
END_TEST

START_TEST(binary_records_are_little_endian)
{
    static const unsigned char pairs[] = {1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0};
    static const unsigned char triples[] = {1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0x20, 0x41};
    for (size_t block = 0; block < 20; block += 5) {
        GasketLoadOptions options = {.block_size = block, .threads = 2, .want_weights = true};
        g_autofree char *found = load_dump("a.bin", pairs, sizeof pairs, &options);
        ck_assert_str_eq(found, "vertex: 1 2 256\nedges\n1 2\n1 256\n");
        g_autofree char *weighted = load_dump("a.wbin", triples, sizeof triples, &options);
        ck_assert_str_eq(weighted, "vertex: 1 2\nedges\n1 2 10\n");
    }
}
END_TEST

START_TEST(weights_are_correctly_rounded)
{
    static const char *const numbers[] = {
        "0.1",
        "1e22",
        "1e23",
        "123456789012345678",
        "9007199254740993",
        "0.30000000000000004",
        "4.9e-324",
        "1.7976931348623157e308",
        "-0",
        "+5",
        ".5",
        "5.",
        "1e-400",
        "3.0e+2",
        "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649",
        "0.00000000000000000000000000000000000000000000000000000000000000000000000000000000000001",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autofree char *text = g_strdup_printf("1 2 %s\n", numbers[i]);
        g_autofree char *graph =
            g_strdup_printf("vertex: 1 2\nedges\n1 2 %.17g\n", g_ascii_strtod(numbers[i], NULL));
        expect("a", text, WEIGHTED, graph);
    }
}
END_TEST

int
main(void)
{
    TCase *cases[] = {tcase_create("formats")};
    tcase_add_test(cases[0], every_format_gives_the_same_graph);
    tcase_add_test(cases[0], weights_are_dropped_unless_wanted_and_ones_if_required);
    tcase_add_test(cases[0], isolated_vertices_are_kept_where_the_format_has_them);
    tcase_add_test(cases[0], matrices_with_one_triangle_have_both_directions);
    tcase_add_test(cases[0], metis_files_have_each_edge_once);
    tcase_add_test(cases[0], undirected_lines_stand_for_both_directions);
    tcase_add_test(cases[0], ratings_have_two_name_spaces);
    tcase_add_test(cases[0], ids_are_sparse_integers_or_text);
    tcase_add_test(cases[0], lists_allow_what_is_found_in_the_wild);
    tcase_add_test(cases[0], columns_are_chosen_by_name_or_position);
    tcase_add_test(cases[0], binary_records_are_little_endian);
    tcase_add_test(cases[0], weights_are_correctly_rounded);
    tcase_set_timeout(cases[0], 60);
    return check_run("load_formats", cases, G_N_ELEMENTS(cases));
}
