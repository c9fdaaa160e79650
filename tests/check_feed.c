/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "tests/graph_oracle.h"

static GasketGraphBuilder *
plain_builder(void)
{
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    unsigned kind = gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_relation(builder, "edges", kind, kind, false);
    return builder;
}

START_TEST(an_id_has_one_handle_whichever_way_it_comes)
{
    g_autoptr(GasketGraphBuilder) builder = plain_builder();
    g_autoptr(GError) error = NULL;
    GasketFeed *feed = gasket_feed_new(builder, &error);
    ck_assert_uint_eq(gasket_feed_integer(feed, 0, 17, &error), 17);
    ck_assert_uint_eq(gasket_feed_integer_slow(feed, 0, 17, &error), 17);
    ck_assert_uint_eq(gasket_feed_text(feed, 0, "17", 2, &error), 17);
    ck_assert_uint_eq(gasket_feed_text(feed, 0, "2147483647", 10, &error), INT32_MAX);

    uint32_t large = gasket_feed_integer(feed, 0, INT64_C(1) << 31, &error);
    ck_assert_uint_eq(large, GASKET_FEED_DIRECT);
    ck_assert_uint_eq(gasket_feed_text(feed, 0, "2147483648", 10, &error), large);
    uint32_t negative = gasket_feed_text(feed, 0, "-1", 2, &error);
    ck_assert_uint_eq(gasket_feed_integer(feed, 0, -1, &error), negative);
    uint32_t text = gasket_feed_text(feed, 0, "017", 3, &error);
    ck_assert_uint_eq(text, GASKET_FEED_DIRECT + 2);
    ck_assert_uint_eq(gasket_feed_text(feed, 0, "017", 3, &error), text);
}
END_TEST

/* Small, large and negative ids, new ones and repeated ones, through many sizes of the table. */
START_TEST(ids_looked_up_together_have_the_handles_of_ids_looked_up_alone)
{
    enum { N = 40000 };
    g_autoptr(GasketGraphBuilder) builder = plain_builder();
    g_autoptr(GRand) rng = g_rand_new_with_seed(7);
    g_autoptr(GError) error = NULL;
    g_autofree int64_t *ids = g_new(int64_t, N);
    g_autofree uint32_t *handles = g_new(uint32_t, N);
    GasketFeed *together = gasket_feed_new(builder, &error),
               *alone = gasket_feed_new(builder, &error);

    for (unsigned i = 0; i < N; i++) {
        int64_t wide = (int64_t)((uint64_t)g_rand_int(rng) << 32 | g_rand_int(rng));
        unsigned choice = g_rand_int_range(rng, 0, 4);
        ids[i] = choice == 0            ? g_rand_int_range(rng, 0, INT32_MAX)
                 : choice == 1 && i > 0 ? ids[g_rand_int_range(rng, 0, (int)i)]
                 : choice == 2          ? (int64_t)GASKET_FEED_DIRECT + wide % 100
                                        : wide;
    }
    for (unsigned from = 0, n; from < N; from += n) {
        n = MIN(N - from, (unsigned)g_rand_int_range(rng, 0, 900));
        ck_assert(gasket_feed_integers(together, 0, n, ids + from, handles + from, &error));
    }
    for (unsigned i = 0; i < N; i++)
        ck_assert_uint_eq(handles[i], gasket_feed_integer(alone, 0, ids[i], &error));
}
END_TEST

START_TEST(one_text_makes_every_id_of_its_kind_text)
{
    GasketGraphBuilder *builder = plain_builder();
    g_autoptr(GError) error = NULL;
    GasketFeed *integers = gasket_feed_new(builder, &error);
    GasketFeed *texts = gasket_feed_new(builder, &error);
    const uint32_t from[] = {10, 9}, to[] = {9, gasket_feed_integer(integers, 0, -3, &error)};
    ck_assert(gasket_feed_edges(integers, 0, 2, from, to, NULL, &error));
    uint32_t x = gasket_feed_text(texts, 0, "x", 1, &error);
    uint32_t nine = gasket_feed_text(texts, 0, "9", 1, &error);
    ck_assert(gasket_feed_edges(texts, 0, 1, &x, &nine, NULL, &error));
    g_autoptr(GasketGraph) graph = gasket_graph_builder_finish_take(&builder, NULL, &error);
    ck_assert_no_error(error);

    const char *const expected[] = {"-3", "10", "9", "x"};
    ck_assert_uint_eq(gasket_graph_n_vertices(graph, 0), 4);
    for (uint32_t v = 0; v < 4; v++) {
        g_autofree char *id = gasket_graph_id_text(graph, 0, v);
        ck_assert_str_eq(id, expected[v]);
    }
}
END_TEST

/* ---- threads ------------------------------------------------------------------------------- */

typedef struct {
    GasketGraphBuilder *builder;
    unsigned first, step, n_edges;
} FeedThread;

/* Edge e: e * 7 % 1000 -> vertex named in one of three ways. */
static void *
feed_main(void *data)
{
    const FeedThread *part = data;
    GasketFeed *feed = gasket_feed_new(part->builder, NULL);
    for (unsigned e = part->first; e < part->n_edges; e += part->step) {
        uint32_t from = gasket_feed_integer(feed, 0, e * 7 % 1000, NULL);
        char text[24];
        int length = g_snprintf(text, sizeof text, e % 3 == 0 ? "n%u" : "%u", e * 11 % 1700);
        uint32_t to = gasket_feed_text(feed, 0, text, (size_t)length, NULL);
        if (!gasket_feed_edges(feed, 0, 1, &from, &to, NULL, NULL))
            return data; /* no failure is expected; this shows in the comparison */
    }
    return NULL;
}

static GasketGraph *
build_by_threads(unsigned n, unsigned n_edges)
{
    GasketGraphBuilder *builder = plain_builder();
    pthread_t threads[4];
    FeedThread parts[4];
    for (unsigned t = 0; t < n; t++) {
        parts[t] = (FeedThread){.builder = builder, .first = t, .step = n, .n_edges = n_edges};
        ck_assert_int_eq(pthread_create(&threads[t], NULL, feed_main, &parts[t]), 0);
    }
    for (unsigned t = 0; t < n; t++) {
        void *failed;
        pthread_join(threads[t], &failed);
        ck_assert_ptr_null(failed);
    }
    g_autoptr(GError) error = NULL;
    GasketGraphRules rules = {.order = GASKET_ORDER_DEGREE, .threads = n};
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
    return graph;
}

START_TEST(feeds_of_several_threads_give_the_graph_of_one)
{
    g_autoptr(GasketGraph) one = build_by_threads(1, 60000);
    const GasketGraphRows *expected = gasket_graph_rows(one, 0, GASKET_IN);
    for (unsigned n = 2; n <= 4; n++) {
        g_autoptr(GasketGraph) graph = build_by_threads(n, 60000);
        const GasketGraphRows *rows = gasket_graph_rows(graph, 0, GASKET_IN);
        ck_assert_uint_eq(rows->n_rows, expected->n_rows);
        ck_assert_uint_eq(rows->n_entries, 60000);
        ck_assert_mem_eq(rows->offset, expected->offset, (rows->n_rows + 1) * sizeof(uint64_t));
        ck_assert_mem_eq(rows->neighbour, expected->neighbour, 60000 * sizeof(uint32_t));
        ck_assert_mem_eq(graph->kinds[0].ordinal, one->kinds[0].ordinal,
                         rows->n_rows * sizeof(uint32_t));
    }
}
END_TEST

/* ---- blocks -------------------------------------------------------------------------------- */

START_TEST(batches_of_any_size_keep_their_columns_in_step)
{
    enum { N = 300000 };
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = plain_builder();
    gasket_graph_builder_add_edge_column(builder, 0, "fixed", GASKET_INT32, 1);
    gasket_graph_builder_add_edge_column(builder, 0, "varying", GASKET_UINT8, 0);
    g_autofree int64_t *u = g_new(int64_t, N), *v = g_new(int64_t, N);
    g_autofree int32_t *fixed = g_new(int32_t, N);
    g_autofree uint64_t *begin = g_new0(uint64_t, N + 1);
    g_autofree uint8_t *bytes = g_new(uint8_t, 3 * N);
    for (unsigned e = 0; e < N; e++) {
        u[e] = e;
        v[e] = N;
        fixed[e] = (int32_t)(3 * e);
        begin[e + 1] = begin[e] + e % 4;
        for (uint64_t i = begin[e]; i < begin[e + 1]; i++)
            bytes[i] = (uint8_t)(e + i);
    }
    GasketVarying varying = {.data = bytes, .begin = begin};
    const void *columns[] = {fixed, &varying};
    ck_assert(gasket_graph_builder_add_edges(builder, 0, N, u, v, columns, &error));
    GasketGraphRules rules = {.order = GASKET_ORDER_GIVEN};
    g_autoptr(GasketGraph) graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
    const GasketGraphRows *rows = gasket_graph_rows(graph, 0, GASKET_IN);
    ck_assert_uint_eq(rows->offset[N], 0);
    ck_assert_mem_eq(rows->columns[0].data, fixed, N * sizeof *fixed);
    ck_assert_mem_eq(rows->columns[1].begin, begin, (N + 1) * sizeof *begin);
    ck_assert_mem_eq(rows->columns[1].data, bytes, begin[N]);
}
END_TEST

/* ---- memory -------------------------------------------------------------------------------- */

/* Fails the first allocation, then the second, ... until building succeeds. */
static unsigned
fail_each(const Model *model, const GasketGraphRules *rules, const GasketWantedRows *wanted,
          guint32 seed)
{
    for (unsigned nth = 1;; nth++) {
        g_autoptr(GRand) rng = g_rand_new_with_seed(seed);
        g_autoptr(GError) error = NULL;
        gasket_array_fail_at(nth);
        g_autoptr(GasketGraph) graph = model_build(model, rules, wanted, 2, rng, &error);
        gasket_array_fail_at(0);
        if (graph != NULL) {
            model_compare(model, rules, wanted, graph);
            return nth;
        }
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
    }
}

START_TEST(every_allocation_that_fails_is_a_clean_error)
{
    g_autoptr(GRand) rng = g_rand_new_with_seed(4);
    const GasketWantedRows wanted[MODEL_RELATIONS] = {{true, true}, {false, true}, {true, true}};
    for (unsigned i = 0; i < 25; i++) {
        Model model;
        model_random(&model, rng, 12, 40);
        GasketGraphRules rules = {.order = (GasketOrder)(i % 3),
                                  .multi_edges = (GasketMultiEdges)(i % 5)};
        ck_assert_uint_gt(fail_each(&model, &rules, wanted, i), 10);
        model_clear(&model);
    }
}
END_TEST

int
main(void)
{
    TCase *feed = tcase_create("feed");
    tcase_set_timeout(feed, 120);
    tcase_add_test(feed, an_id_has_one_handle_whichever_way_it_comes);
    tcase_add_test(feed, ids_looked_up_together_have_the_handles_of_ids_looked_up_alone);
    tcase_add_test(feed, one_text_makes_every_id_of_its_kind_text);
    tcase_add_test(feed, feeds_of_several_threads_give_the_graph_of_one);
    tcase_add_test(feed, batches_of_any_size_keep_their_columns_in_step);
    tcase_add_test(feed, every_allocation_that_fails_is_a_clean_error);
    return check_run("feed", &feed, 1);
}
