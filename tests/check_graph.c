/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <zlib.h>

#include "engine/array.h"
#include "engine/feed.h"
#include "engine/graph.h"
#include "tests/check_main.h"

/*   10 ─.5─> 20
 *   10 ─1.5─> 30 ─1─> 10        and 5 alone */
static GasketGraph *
small_graph(GasketWantedRows wanted)
{
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    unsigned kind = gasket_graph_builder_add_kind(builder, "page");
    gasket_graph_builder_add_vertex_column(builder, kind, "size", GASKET_INT64, 1);
    unsigned edges = gasket_graph_builder_add_relation(builder, "links", kind, kind, false);
    gasket_graph_builder_add_edge_column(builder, edges, "weight", GASKET_DOUBLE, 1);
    const int64_t source[] = {10, 10, 30}, target[] = {20, 30, 10}, alone[] = {5, 20, 5};
    const double weight[] = {0.5, 1.5, 1};
    const int64_t size[] = {7, 8, 6};
    const void *edge_columns[] = {weight}, *vertex_columns[] = {size};
    gasket_graph_builder_add_edges(builder, edges, 3, source, target, edge_columns, &error);
    gasket_graph_builder_add_vertices(builder, kind, 3, alone, vertex_columns, &error);
    ck_assert_no_error(error);
    GasketGraph *graph = gasket_graph_builder_finish_rows_take(&builder, NULL, &wanted, &error);
    ck_assert_no_error(error);
    ck_assert_ptr_null(builder);
    return graph;
}

START_TEST(a_small_graph_has_the_arrays_worked_out_by_hand)
{
    g_autoptr(GasketGraph) graph = small_graph((GasketWantedRows){.in = true, .out = true});
    const uint64_t in_offset[] = {0, 0, 1, 2, 3}, out_offset[] = {0, 0, 2, 2, 3};
    const uint32_t in_neighbour[] = {3, 1, 1}, out_neighbour[] = {2, 3, 1};
    const double in_weight[] = {1, 0.5, 1.5}, out_weight[] = {0.5, 1.5, 1};
    const int64_t ids[] = {5, 10, 20, 30}, size[] = {6, 0, 8, 0};
    const GasketGraphRows *in = gasket_graph_rows(graph, 0, GASKET_IN);
    const GasketGraphRows *out = gasket_graph_rows(graph, 0, GASKET_OUT);
    ck_assert_mem_eq(in->offset, in_offset, sizeof in_offset);
    ck_assert_mem_eq(in->neighbour, in_neighbour, sizeof in_neighbour);
    ck_assert_mem_eq(in->columns[0].data, in_weight, sizeof in_weight);
    ck_assert_mem_eq(out->offset, out_offset, sizeof out_offset);
    ck_assert_mem_eq(out->neighbour, out_neighbour, sizeof out_neighbour);
    ck_assert_mem_eq(out->columns[0].data, out_weight, sizeof out_weight);
    ck_assert_mem_eq(graph->kinds[0].ids.integer, ids, sizeof ids);
    ck_assert_mem_eq(graph->kinds[0].columns[0].data, size, sizeof size);
    ck_assert_str_eq(graph->kinds[0].name, "page");
    ck_assert_str_eq(graph->relations[0].name, "links");
    ck_assert_uint_eq(gasket_graph_n_kinds(graph), 1);
    ck_assert_uint_eq(gasket_graph_n_relations(graph), 1);
    ck_assert_uint_eq(gasket_graph_n_edges(graph, 0), 3);
    ck_assert_uint_eq(gasket_graph_find(graph, 0, "30"), 3);
    ck_assert_uint_eq(gasket_graph_find(graph, 0, "030"), GASKET_NO_VERTEX);
    ck_assert_uint_eq(gasket_graph_find(graph, 0, "11"), GASKET_NO_VERTEX);
    /* ids 32, size 32; each set of rows: offsets 40, neighbours 12, weights 24 */
    ck_assert_uint_eq(gasket_graph_bytes(graph), 64 + 2 * 76);
}
END_TEST

START_TEST(degrees_and_strengths_are_the_same_from_rows_of_either_end)
{
    const uint32_t in_degree[] = {0, 1, 1, 1}, out_degree[] = {0, 2, 0, 1};
    const double strength[] = {0, 2, 0, 1};
    for (unsigned direction = 0; direction < 2; direction++) {
        g_autoptr(GasketGraph) graph =
            small_graph((GasketWantedRows){.in = direction == 0, .out = direction == 1});
        uint32_t *in = gasket_graph_degrees(graph, 0, GASKET_IN, NULL);
        uint32_t *out = gasket_graph_degrees(graph, 0, GASKET_OUT, NULL);
        double *out_strength = gasket_graph_out_strengths(graph, 0, NULL);
        ck_assert_mem_eq(in, in_degree, sizeof in_degree);
        ck_assert_mem_eq(out, out_degree, sizeof out_degree);
        ck_assert_mem_eq(out_strength, strength, sizeof strength);
        gasket_array_free(in);
        gasket_array_free(out);
        gasket_array_free(out_strength);
    }
}
END_TEST

START_TEST(rows_can_be_dropped_and_are_the_same_when_required_again)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = small_graph((GasketWantedRows){.out = true});
    ck_assert_ptr_null(gasket_graph_rows(graph, 0, GASKET_IN)->offset);
    ck_assert(gasket_graph_require_rows(graph, 0, GASKET_IN, &error));
    gasket_graph_drop_rows(graph, 0, GASKET_OUT);
    ck_assert_ptr_null(gasket_graph_rows(graph, 0, GASKET_OUT)->offset);
    ck_assert(gasket_graph_require_rows(graph, 0, GASKET_OUT, &error));
    const uint32_t out_neighbour[] = {2, 3, 1};
    ck_assert_mem_eq(gasket_graph_rows(graph, 0, GASKET_OUT)->neighbour, out_neighbour,
                     sizeof out_neighbour);
    gasket_graph_check(graph, &error);
    ck_assert_no_error(error);
}
END_TEST

START_TEST(requiring_rows_without_memory_leaves_the_graph_as_it_was)
{
    for (unsigned nth = 1;; nth++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GasketGraph) graph = small_graph((GasketWantedRows){.in = true});
        gasket_array_fail_at(nth);
        bool done = gasket_graph_require_rows(graph, 0, GASKET_OUT, &error);
        gasket_array_fail_at(0);
        if (done) {
            ck_assert_uint_gt(nth, 5);
            return;
        }
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
        ck_assert_ptr_null(gasket_graph_rows(graph, 0, GASKET_OUT)->offset);
        g_clear_error(&error);
        gasket_graph_check(graph, &error);
        ck_assert_no_error(error);
    }
}
END_TEST

/* Breaks a graph in one place; the check must name the invariant. */
static void
expect_broken(GasketGraph *graph, int invariant)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *expected = g_strdup_printf("invariant %d ", invariant);
    ck_assert(!gasket_graph_check(graph, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FAILED));
    ck_assert_msg(g_str_has_prefix(error->message, expected), "%s", error->message);
}

START_TEST(a_check_names_the_invariant_that_is_broken)
{
    const GasketWantedRows both = {.in = true, .out = true};
    g_autoptr(GasketGraph) offsets = small_graph(both);
    offsets->relations[0].rows[GASKET_IN].offset[1] = 2;
    offsets->relations[0].rows[GASKET_IN].offset[2] = 1;
    expect_broken(offsets, 1);
    g_autoptr(GasketGraph) beyond = small_graph(both);
    beyond->relations[0].rows[GASKET_IN].neighbour[0] = 4;
    expect_broken(beyond, 2);
    g_autoptr(GasketGraph) unsorted = small_graph(both);
    unsorted->relations[0].rows[GASKET_OUT].neighbour[0] = 3;
    unsorted->relations[0].rows[GASKET_OUT].neighbour[1] = 2;
    expect_broken(unsorted, 3);
    g_autoptr(GasketGraph) other_edge = small_graph(both);
    other_edge->relations[0].rows[GASKET_IN].neighbour[0] = 2;
    expect_broken(other_edge, 4);
    g_autoptr(GasketGraph) other_weight = small_graph(both);
    ((double *)other_weight->relations[0].rows[GASKET_IN].columns[0].data)[2] = 7;
    expect_broken(other_weight, 4);
    g_autoptr(GasketGraph) ids = small_graph(both);
    ids->kinds[0].ids.integer[2] = 10;
    expect_broken(ids, 5);
}
END_TEST

START_TEST(a_graph_may_be_empty)
{
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    unsigned kind = gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_relation(builder, "edges", kind, kind, true);
    GasketGraphRules rules = {.order = GASKET_ORDER_DEGREE, .threads = 2};
    g_autoptr(GasketGraph) graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq(gasket_graph_n_vertices(graph, 0), 0);
    ck_assert_uint_eq(gasket_graph_n_edges(graph, 0), 0);
    gasket_graph_check(graph, &error);
    ck_assert_no_error(error);
}
END_TEST

/* ---- the order that auto chooses ----------------------------------------------------------- */

typedef struct {
    GasketGraphBuilder *builder;
    int64_t source[1024], target[1024];
    size_t n;
} Adder;

static void
flush_edges(Adder *adder)
{
    ck_assert(gasket_graph_builder_add_edges(adder->builder, 0, adder->n, adder->source,
                                             adder->target, NULL, NULL));
    adder->n = 0;
}

static void
add_edge(Adder *adder, int64_t source, int64_t target)
{
    adder->source[adder->n] = source;
    adder->target[adder->n++] = target;
    if (adder->n == G_N_ELEMENTS(adder->source))
        flush_edges(adder);
}

static void
adder_init(Adder *adder)
{
    adder->n = 0;
    adder->builder = gasket_graph_builder_new();
    unsigned kind = gasket_graph_builder_add_kind(adder->builder, "vertex");
    gasket_graph_builder_add_relation(adder->builder, "edges", kind, kind, false);
}

static void
expect_order(Adder *adder, GasketOrder order)
{
    g_autoptr(GError) error = NULL;
    GasketGraphRules rules = {.threads = 2};
    flush_edges(adder);
    g_autoptr(GasketGraph) graph =
        gasket_graph_builder_finish_take(&adder->builder, &rules, &error);
    ck_assert_no_error(error);
    ck_assert_msg(graph->order == order, "%s", graph->order_reason);
    ck_assert_ptr_nonnull(graph->order_reason);
    ck_assert((graph->kinds[0].ordinal != NULL) == (order == GASKET_ORDER_DEGREE));
    gasket_graph_check(graph, &error);
    ck_assert_no_error(error);
}

START_TEST(a_grid_keeps_its_given_order)
{
    enum { SIDE = 500 };
    Adder adder;
    adder_init(&adder);
    for (int64_t y = 0; y < SIDE; y++) {
        for (int64_t x = 0; x < SIDE; x++) {
            add_edge(&adder, y * SIDE + x, y * SIDE + (x + 1) % SIDE);
            add_edge(&adder, y * SIDE + x, (y + 1) % SIDE * SIDE + x);
        }
    }
    expect_order(&adder, GASKET_ORDER_GIVEN);
}
END_TEST

START_TEST(a_skewed_graph_with_shuffled_ids_is_ordered_by_degree)
{
    enum { SCALE = 18 };
    g_autoptr(GRand) rng = g_rand_new_with_seed(5);
    g_autofree uint32_t *permuted = g_new0(uint32_t, 1u << SCALE);
    for (uint32_t v = 0; v < 1u << SCALE; v++) {
        uint32_t at = (uint32_t)g_rand_int_range(rng, 0, (gint32)v + 1);
        permuted[v] = permuted[at];
        permuted[at] = v;
    }
    Adder adder;
    adder_init(&adder);
    for (uint64_t e = 0; e < UINT64_C(8) << SCALE; e++) {
        uint32_t u = 0, v = 0;
        for (unsigned bit = 0; bit < SCALE; bit++) { /* a Kronecker graph's quadrants */
            uint32_t r = g_rand_int(rng) % 100;
            unsigned quadrant = r < 57 ? 0 : r < 76 ? 1 : r < 95 ? 2 : 3;
            u = u << 1 | quadrant >> 1;
            v = v << 1 | (quadrant & 1);
        }
        add_edge(&adder, permuted[u], permuted[v]);
    }
    for (uint32_t v = 0; v + 1 < 1u << SCALE; v += 2) /* so that all ids exist */
        add_edge(&adder, permuted[v], permuted[v + 1]);
    expect_order(&adder, GASKET_ORDER_DEGREE);
}
END_TEST

START_TEST(an_even_graph_with_shuffled_ids_keeps_its_given_order)
{
    g_autoptr(GRand) rng = g_rand_new_with_seed(6);
    Adder adder;
    adder_init(&adder);
    for (int64_t v = 0; v < 200000; v++) {
        for (unsigned i = 0; i < 4; i++)
            add_edge(&adder, v, g_rand_int_range(rng, 0, 200000));
    }
    expect_order(&adder, GASKET_ORDER_GIVEN);
}
END_TEST

START_TEST(a_web_crawl_in_the_order_of_its_addresses_keeps_it)
{
    g_autofree char *path = check_data("graphs/cnr-2000.txt.gz");
    if (path == NULL)
        return;
    gzFile file = gzopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    Adder adder;
    adder_init(&adder);
    char line[256];
    while (gzgets(file, line, sizeof line) != NULL) {
        char *end;
        int64_t source = g_ascii_strtoll(line, &end, 10);
        if (end != line)
            add_edge(&adder, source, g_ascii_strtoll(end, NULL, 10));
    }
    gzclose(file);
    expect_order(&adder, GASKET_ORDER_GIVEN);
}
END_TEST

int
main(void)
{
    TCase *graph = tcase_create("graph");
    tcase_set_timeout(graph, 120);
    tcase_add_test(graph, a_small_graph_has_the_arrays_worked_out_by_hand);
    tcase_add_test(graph, degrees_and_strengths_are_the_same_from_rows_of_either_end);
    tcase_add_test(graph, rows_can_be_dropped_and_are_the_same_when_required_again);
    tcase_add_test(graph, requiring_rows_without_memory_leaves_the_graph_as_it_was);
    tcase_add_test(graph, a_check_names_the_invariant_that_is_broken);
    tcase_add_test(graph, a_graph_may_be_empty);
    tcase_add_test(graph, a_grid_keeps_its_given_order);
    tcase_add_test(graph, a_skewed_graph_with_shuffled_ids_is_ordered_by_degree);
    tcase_add_test(graph, an_even_graph_with_shuffled_ids_keeps_its_given_order);
    tcase_add_test(graph, a_web_crawl_in_the_order_of_its_addresses_keeps_it);
    return check_run("graph", &graph, 1);
}
