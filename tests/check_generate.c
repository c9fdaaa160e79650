/* SPDX-License-Identifier: Apache-2.0 */
/* Generated graphs are functions of their options, and have the shape they promise. */
#include <math.h>

#include "loaders/generate.h"
#include "loaders/write_graph.h"
#include "tests/folder.h"
#include "tests/load_check.h"

typedef struct {
    GArray *source, *target, *weight;
    uint64_t stop_after; /* edges; 0: never */
} Edges;

static bool
take_edges(void *data, size_t n, const uint64_t *source, const uint64_t *target,
           const float *weight, GError **error)
{
    Edges *edges = data;
    g_array_append_vals(edges->source, source, (guint)n);
    g_array_append_vals(edges->target, target, (guint)n);
    if (weight != NULL)
        g_array_append_vals(edges->weight, weight, (guint)n);
    if (edges->stop_after == 0 || edges->source->len < edges->stop_after)
        return true;
    g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_IO, "enough");
    return false;
}

static Edges
edges_new(void)
{
    return (Edges){g_array_new(FALSE, FALSE, 8), g_array_new(FALSE, FALSE, 8),
                   g_array_new(FALSE, FALSE, 4), 0};
}

static void
edges_clear(Edges *edges)
{
    g_array_unref(edges->source);
    g_array_unref(edges->target);
    g_array_unref(edges->weight);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Edges, edges_clear)

static Edges
generate(GasketGenerateOptions options)
{
    Edges edges = edges_new();
    g_autoptr(GError) error = NULL;
    gasket_generate(&options, take_edges, &edges, &error);
    ck_assert_no_error(error);
    return edges;
}

#define SOURCE(e, i) g_array_index((e).source, uint64_t, i)
#define TARGET(e, i) g_array_index((e).target, uint64_t, i)
#define WEIGHT(e, i) g_array_index((e).weight, float, i)

static const GasketGenerateOptions kinds[] = {
    {.kind = GASKET_GENERATE_KRONECKER, .scale = 12, .seed = 7},
    {.kind = GASKET_GENERATE_KRONECKER, .scale = 11, .seed = 7, .weights = true, .both = true},
    {.kind = GASKET_GENERATE_UNIFORM, .n_vertices = 1000, .n_edges = 50001, .seed = 7},
    {.kind = GASKET_GENERATE_GRID, .rows = 150, .columns = 201, .weights = true, .seed = 7},
    {.kind = GASKET_GENERATE_RATINGS,
     .users = 300,
     .items = 400,
     .n_edges = 60000,
     .noise = 0.3,
     .seed = 7},
};

static bool
same(const GArray *a, const GArray *b, size_t size)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len * size) == 0);
}

START_TEST(threads_never_change_what_is_generated)
{
    GasketGenerateOptions options = kinds[_i];
    g_auto(Edges) one = generate(options);
    for (unsigned threads = 2; threads <= 5; threads++) {
        options.threads = threads;
        g_auto(Edges) more = generate(options);
        ck_assert(same(one.source, more.source, 8) && same(one.target, more.target, 8) &&
                  same(one.weight, more.weight, 4));
    }
    options.seed++;
    g_auto(Edges) other = generate(options);
    ck_assert(options.kind == GASKET_GENERATE_GRID ? !same(one.weight, other.weight, 4)
                                                   : !same(one.source, other.source, 8));
    ck_assert_uint_eq(one.weight->len, gasket_generate_weighted(&options) ? one.source->len : 0);
    if (!options.both)
        ck_assert_uint_eq(one.source->len, gasket_generate_n_edges(&options));
}
END_TEST

START_TEST(kronecker_graphs_are_skewed_and_permuted)
{
    GasketGenerateOptions options = {.kind = GASKET_GENERATE_KRONECKER, .scale = 14, .seed = 1};
    g_auto(Edges) edges = generate(options);
    g_autofree uint32_t *degree = g_new0(uint32_t, 1 << 14);
    ck_assert_uint_eq(edges.source->len, 16 << 14);
    for (guint i = 0; i < edges.source->len; i++) {
        ck_assert_uint_lt(SOURCE(edges, i), 1 << 14);
        ck_assert_uint_lt(TARGET(edges, i), 1 << 14);
        degree[SOURCE(edges, i)]++;
    }
    /* The first vertex before permutation has 0.76^14 of all edges; it is the largest. */
    uint32_t largest = 0;
    for (uint32_t v = 1; v < 1 << 14; v++)
        largest = degree[v] > degree[largest] ? v : largest;
    double expected = pow(0.76, 14) * (16 << 14);
    ck_assert_double_le(fabs(degree[largest] - expected), 5 * sqrt(expected));
    ck_assert_uint_ne(largest, 0);
}
END_TEST

START_TEST(uniform_edges_spread_evenly)
{
    GasketGenerateOptions options = {.kind = GASKET_GENERATE_UNIFORM,
                                     .n_vertices = 100,
                                     .n_edges = 100000,
                                     .seed = 3};
    g_auto(Edges) edges = generate(options);
    double chi_square = 0, expected = 2 * 100000 / 100.0, count[100] = {0};
    for (guint i = 0; i < edges.source->len; i++) {
        count[SOURCE(edges, i)]++;
        count[TARGET(edges, i)]++;
    }
    for (int v = 0; v < 100; v++)
        chi_square += (count[v] - expected) * (count[v] - expected) / expected;
    ck_assert_double_lt(chi_square, 170); /* 99 degrees of freedom: five deviations */
}
END_TEST

START_TEST(grids_join_each_vertex_with_the_next_in_row_and_column)
{
    GasketGenerateOptions options = {.kind = GASKET_GENERATE_GRID, .rows = 3, .columns = 4};
    g_auto(Edges) edges = generate(options);
    unsigned right = 0, down = 0;
    ck_assert_uint_eq(edges.source->len, 3 * 3 + 2 * 4);
    for (guint i = 0; i < edges.source->len; i++) {
        uint64_t u = SOURCE(edges, i), v = TARGET(edges, i);
        ck_assert_uint_lt(v, 12);
        ck_assert(v == u + 4 || (v == u + 1 && u / 4 == v / 4));
        right += v == u + 1;
        down += v == u + 4;
    }
    ck_assert_uint_eq(right, 9);
    ck_assert_uint_eq(down, 8);
}
END_TEST

START_TEST(ratings_are_different_pairs_in_half_stars)
{
    GasketGenerateOptions options = {.kind = GASKET_GENERATE_RATINGS,
                                     .users = 30,
                                     .items = 50,
                                     .n_edges = 1500,
                                     .rank = 3,
                                     .seed = 5};
    g_auto(Edges) edges = generate(options); /* every pair there is */
    g_autofree uint8_t *seen = g_new0(uint8_t, 1500);
    double sum = 0, squares = 0;
    for (guint i = 0; i < 1500; i++) {
        uint64_t pair = SOURCE(edges, i) * 50 + TARGET(edges, i);
        float stars = WEIGHT(edges, i);
        ck_assert(pair < 1500 && !seen[pair]);
        seen[pair] = 1;
        ck_assert(stars >= 0.5F && stars <= 5 && 2 * stars == rintf(2 * stars));
        sum += stars;
        squares += (double)stars * stars;
    }
    double mean = sum / 1500, deviation = sqrt(squares / 1500 - mean * mean);
    ck_assert(mean > 2.5 && mean < 3.5);
    ck_assert(deviation > 0.4 && deviation < 1.6);
}
END_TEST

START_TEST(an_error_of_the_taker_ends_generation)
{
    for (unsigned threads = 1; threads <= 3; threads++) {
        GasketGenerateOptions options = {.kind = GASKET_GENERATE_KRONECKER,
                                         .scale = 14,
                                         .threads = threads};
        g_auto(Edges) edges = edges_new();
        g_autoptr(GError) error = NULL;
        edges.stop_after = 40000;
        ck_assert(!gasket_generate(&options, take_edges, &edges, &error));
        ck_assert_str_eq(error->message, "enough");
        ck_assert_uint_lt(edges.source->len, 80000);
    }
}
END_TEST

START_TEST(options_that_cannot_be_are_refused)
{
    static const GasketGenerateOptions wrong[] = {
        {.kind = GASKET_GENERATE_KRONECKER, .scale = 32},
        {.kind = GASKET_GENERATE_UNIFORM, .n_edges = 1},
        {.kind = GASKET_GENERATE_UNIFORM, .n_vertices = UINT32_MAX},
        {.kind = GASKET_GENERATE_GRID, .rows = 1},
        {.kind = GASKET_GENERATE_GRID, .rows = UINT64_MAX, .columns = UINT64_MAX},
        {.kind = GASKET_GENERATE_RATINGS, .users = 2, .items = 2, .n_edges = 5},
        {.kind = GASKET_GENERATE_RATINGS, .users = 2, .items = 2, .noise = NAN},
        {.kind = GASKET_GENERATE_RATINGS, .users = 2, .items = 2, .both = true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert(!gasket_generate_check(&wrong[i], &error));
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    }
}
END_TEST

START_TEST(a_written_file_and_a_builder_give_the_same_graph)
{
    g_auto(Folder) folder = folder_new();
    static const char *const names[] = {"g.tsv", "g.csv", "g.bin", "g.wbin"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        bool weights = i != 2;
        GasketGenerateOptions options = {.kind = GASKET_GENERATE_GRID,
                                         .rows = 30,
                                         .columns = 40,
                                         .weights = weights,
                                         .threads = 2};
        g_autofree char *path = g_build_filename(folder.path, names[i], NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(GasketEdgeWriter) writer = gasket_edge_writer_new(path, NULL, weights, &error);
        ck_assert_no_error(error);
        ck_assert(gasket_generate(&options, gasket_edge_writer_add, writer, &error));
        ck_assert(gasket_edge_writer_finish(writer, &error));
        const char *const inputs[] = {path};
        GasketLoadOptions load = {.inputs = inputs, .n_inputs = 1, .want_weights = true};
        g_autofree char *read = load_dump(NULL, NULL, 0, &load);

        g_autoptr(GasketGraphBuilder) builder = gasket_graph_builder_new();
        ck_assert(gasket_generate_into(builder, &options, false, &error));
        g_autoptr(GasketGraph) graph = gasket_graph_builder_finish_take(&builder, NULL, &error);
        ck_assert_no_error(error);
        g_autofree char *built = dump(graph);
        ck_assert_str_eq(read, built);
    }
}
END_TEST

int
main(void)
{
    TCase *cases[] = {tcase_create("generate")};
    tcase_add_loop_test(cases[0], threads_never_change_what_is_generated, 0, G_N_ELEMENTS(kinds));
    tcase_add_test(cases[0], kronecker_graphs_are_skewed_and_permuted);
    tcase_add_test(cases[0], uniform_edges_spread_evenly);
    tcase_add_test(cases[0], grids_join_each_vertex_with_the_next_in_row_and_column);
    tcase_add_test(cases[0], ratings_are_different_pairs_in_half_stars);
    tcase_add_test(cases[0], an_error_of_the_taker_ends_generation);
    tcase_add_test(cases[0], options_that_cannot_be_are_refused);
    tcase_add_test(cases[0], a_written_file_and_a_builder_give_the_same_graph);
    tcase_set_timeout(cases[0], 120);
    return check_run("generate", cases, G_N_ELEMENTS(cases));
}
