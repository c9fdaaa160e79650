/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions: every method against brute force, cuts of real meshes, and what `auto` decides. */
#include "check_main.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "engine/array.h"
#include "partition/partition.h"
#include "partition/view.h"
#include "partition_graphs.h"

static GasketPartition *
partition_into(const GasketGraph *graph, GasketPartitionMethod method, unsigned parts)
{
    g_autoptr(GError) error = NULL;
    GasketPartitionOptions options = {.method = method, .parts = parts, .seed = 1, .threads = 2};
    GasketPartition *partition = gasket_partition_new(graph, &options, &error);
    ck_assert_no_error(error);
    ck_assert_msg(gasket_partition_check(partition, graph, &error), "%s",
                  error ? error->message : "");
    return partition;
}

static void
assert_same_parts(const GasketPartition *a, const GasketPartition *b, const GasketGraph *graph)
{
    for (unsigned k = 0; k < graph->n_kinds; k++)
        ck_assert_int_eq(memcmp(a->part[k], b->part[k],
                                graph->kinds[k].n_vertices * sizeof(uint32_t)),
                         0);
}

/* ---- against brute force --------------------------------------------------------------------- */

/* The entries of one set of rows, one by one: entries and cut entries by owner, and for each
 * (part, neighbour) that it is a ghost, in ghost[part * V + index]. */
static uint64_t
walk_rows(const GasketPartitionRows *set, const uint64_t *base, const GasketPartition *partition,
          uint64_t *entries, bool *ghost)
{
    uint64_t cut = 0;
    for (uint32_t x = 0; x < set->rows->n_rows; x++)
        for (uint64_t e = set->rows->offset[x]; e < set->rows->offset[x + 1]; e++) {
            uint32_t u = set->rows->neighbour[e], p = partition->part[set->kind][x];
            entries[p]++;
            if (partition->part[set->neighbour][u] == p)
                continue;
            cut++;
            ghost[p * partition->n_vertices + base[set->neighbour] + u] = true;
        }
    return cut;
}

static void
assert_measured_by_brute_force(const GasketPartition *partition, const GasketGraph *graph)
{
    uint64_t n = partition->n_vertices, cut_entries = 0, cut_edges = 0, n_ghosts = 0;
    g_autofree uint64_t *entries = g_new0(uint64_t, partition->parts);
    g_autofree bool *ghost = g_new0(bool, partition->parts *n);
    g_auto(GasketPartitionView) view;
    gasket_partition_view_init(&view, graph);

    ck_assert_uint_eq(n, view.base[view.n_kinds]);
    for (unsigned s = 0; s < view.n_sets; s++) {
        uint64_t cut = walk_rows(&view.sets[s], view.base, partition, entries, ghost);
        cut_entries += cut;
        if (view.sets[s].first)
            cut_edges += view.sets[s].symmetric ? cut / 2 : cut;
    }
    ck_assert_uint_eq(partition->cut_entries, cut_entries);
    ck_assert_uint_eq(partition->cut_edges, cut_edges);
    for (unsigned p = 0; p < partition->parts; p++) {
        uint64_t ghosts = 0;
        for (uint64_t i = 0; i < n; i++)
            ghosts += ghost[p * n + i];
        ck_assert_uint_eq(partition->ghosts[p], ghosts);
        ck_assert_uint_eq(partition->entries[p], entries[p]);
        n_ghosts += ghosts;
    }
    ck_assert_uint_eq(partition->n_ghosts, n_ghosts);
    for (unsigned k = 0; k < graph->n_kinds; k++) {
        uint64_t ghosts = 0;
        for (unsigned p = 0; p < partition->parts; p++)
            for (uint64_t i = view.base[k]; i < view.base[k + 1]; i++)
                ghosts += ghost[p * n + i];
        ck_assert_uint_eq(partition->kind_ghosts[k], ghosts);
    }
}

START_TEST(every_vertex_has_a_part_and_the_measure_agrees_with_brute_force)
{
    static const unsigned parts[] = {1, 2, 3, 7, 64, 300};
    GasketPartitionMethod method = (GasketPartitionMethod)_i;

    for (unsigned shape = 0; shape < 12; shape++) {
        g_autoptr(GasketGraph) graph = random_graph(shape, 1 + shape % 3, 40, shape < 9 ? 150 : 3,
                                                    shape % 2 == 0, (RowsStanding)(shape / 3 % 3));
        for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
            g_autoptr(GasketPartition) partition = partition_into(graph, method, parts[i]);
            assert_measured_by_brute_force(partition, graph);
            ck_assert_int_ne(partition->method, GASKET_PARTITION_AUTO);
        }
    }
}
END_TEST

START_TEST(parts_depend_neither_on_threads_nor_on_the_order_of_edges)
{
    const int64_t n = 400;
    int64_t source[2][2000], target[2][2000];
    GasketRandom random = gasket_random_at(3, 1, 0, 0);
    GasketPartitionOptions options = {.method = (GasketPartitionMethod)_i, .parts = 5, .seed = 9};
    GasketPartition *partition[3];

    for (size_t e = 0; e < 2000; e++) {
        source[0][e] = source[1][1999 - e] = gasket_random_below(&random, (uint32_t)n);
        target[0][e] = target[1][1999 - e] = (source[0][e] + gasket_random_below(&random, 9)) % n;
    }
    for (unsigned run = 0; run < 3; run++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GasketGraph) graph =
            graph_of(2000, source[run % 2], target[run % 2], false, ROWS_BOTH);
        options.threads = 1 + run;
        partition[run] = gasket_partition_new(graph, &options, &error);
        ck_assert_no_error(error);
        assert_same_parts(partition[0], partition[run], graph);
        ck_assert_uint_eq(partition[run]->n_ghosts, partition[0]->n_ghosts);
        ck_assert_uint_eq(partition[run]->cut_entries, partition[0]->cut_entries);
    }
    for (unsigned run = 0; run < 3; run++)
        gasket_partition_free(partition[run]);
}
END_TEST

/* Three permutations of 300 vertices: everyone has as many edges in as out, so that the work, too,
 * is the same whichever rows stand. */
START_TEST(metis_finds_the_same_parts_whichever_rows_stand)
{
    int64_t source[900], target[900];
    GasketRandom random = gasket_random_at(11, 1, 0, 0);
    for (unsigned e = 0; e < 900; e++) {
        uint32_t first = e / 300 * 300, other = first + gasket_random_below(&random, e - first + 1);
        source[e] = e % 300;
        target[e] = target[other];
        target[other] = e % 300;
    }
    g_autoptr(GasketGraph) graph = graph_of(900, source, target, false, ROWS_IN);
    g_autoptr(GasketPartition) in = partition_into(graph, GASKET_PARTITION_METIS, 4);
    let_stand(graph, ROWS_OUT);
    g_autoptr(GasketPartition) out = partition_into(graph, GASKET_PARTITION_METIS, 4);
    assert_same_parts(in, out, graph);
    ck_assert_uint_eq(in->cut_edges, out->cut_edges);
    let_stand(graph, ROWS_BOTH);
    g_autoptr(GasketPartition) both = partition_into(graph, GASKET_PARTITION_HASH, 4);
    ck_assert_uint_eq(both->n_entries, 2 * both->n_edges);
    ck_assert_uint_eq(both->cut_entries, 2 * both->cut_edges);
}
END_TEST

/* ---- balance --------------------------------------------------------------------------------- */

START_TEST(every_kind_is_balanced_by_itself)
{
    const unsigned parts = 4;
    g_autoptr(GasketGraph) graph = random_graph(2, 3, 400, 3000, true, ROWS_BOTH);
    g_autoptr(GasketPartition) partition = partition_into(graph, (GasketPartitionMethod)_i, parts);
    g_auto(GasketPartitionView) view;
    gasket_partition_view_init(&view, graph);
    for (unsigned k = 0; k < graph->n_kinds; k++) {
        uint64_t load[4] = {0}, total = 0, largest = 0;
        for (uint32_t x = 0; x < graph->kinds[k].n_vertices; x++) {
            uint64_t work = gasket_partition_view_work(&view, k, x);
            load[partition->part[k][x]] += work;
            total += work;
            largest = MAX(largest, work);
        }
        ck_assert_uint_eq(total, gasket_partition_view_kind_work(&view, k));
        for (unsigned p = 0; p < parts; p++)
            ck_assert_uint_le(load[p], total / parts * 110 / 100 + largest);
    }
}
END_TEST

START_TEST(ranges_are_runs_of_numbers_with_equal_work)
{
    g_autoptr(GasketGraph) graph = random_graph(4, 1, 3000, 20000, false, ROWS_IN);
    g_autoptr(GasketPartition) partition = partition_into(graph, GASKET_PARTITION_RANGE, 6);
    uint32_t n = graph->kinds[0].n_vertices;
    uint64_t work[6] = {0};
    for (uint32_t x = 0; x < n; x++) {
        ck_assert(x == 0 || partition->part[0][x] >= partition->part[0][x - 1]);
        const uint64_t *offset = graph->relations[0].rows[GASKET_IN].offset;
        work[partition->part[0][x]] += 1 + offset[x + 1] - offset[x];
    }
    for (unsigned p = 0; p < 6; p++) {
        ck_assert_uint_le(work[p], (n + 20000) / 6 + 60);
        ck_assert_uint_ge(work[p], (n + 20000) / 6 - 60);
    }
}
END_TEST

START_TEST(hash_follows_the_id_and_the_seed_and_not_the_numbering)
{
    g_autoptr(GError) error = NULL;
    GasketPartitionOptions options = {.method = GASKET_PARTITION_HASH, .parts = 8, .threads = 1};
    GasketPartition *partition[3];
    GasketGraph *graph[2];
    uint32_t n = 0, n_other = 0;
    for (unsigned i = 0; i < 2; i++) {
        GasketGraphBuilder *builder = gasket_graph_builder_new();
        GasketGraphRules rules = {.order = i == 0 ? GASKET_ORDER_GIVEN : GASKET_ORDER_DEGREE};
        gasket_graph_builder_add_kind(builder, "vertex");
        gasket_graph_builder_add_relation(builder, "edges", 0, 0, false);
        for (int64_t v = 0; v < 1000; v++) {
            int64_t hub = 999 - v * v % 37;
            ck_assert(gasket_graph_builder_add_edges(builder, 0, 1, &v, &hub, NULL, &error));
        }
        graph[i] = gasket_graph_builder_finish_take(&builder, &rules, &error);
        ck_assert_no_error(error);
        let_stand(graph[i], ROWS_IN);
        partition[i] = gasket_partition_new(graph[i], &options, &error);
    }
    options.seed = 1;
    partition[2] = gasket_partition_new(graph[0], &options, &error);
    for (; n < 1000; n++) {
        g_autofree char *id = g_strdup_printf("%u", n);
        uint32_t x = gasket_graph_find(graph[0], 0, id), y = gasket_graph_find(graph[1], 0, id);
        ck_assert_uint_eq(partition[0]->part[0][x], partition[1]->part[0][y]);
        n_other += partition[0]->part[0][x] != partition[2]->part[0][x];
    }
    ck_assert_uint_gt(n_other, 800); /* 875 are expected to move with another seed */
    for (unsigned p = 0; p < 8; p++) {
        ck_assert_uint_gt(partition[0]->owned[p], 80);
        ck_assert_uint_lt(partition[0]->owned[p], 170);
    }
    for (unsigned i = 0; i < 3; i++)
        gasket_partition_free(partition[i]);
    gasket_graph_free(graph[0]);
    gasket_graph_free(graph[1]);
}
END_TEST

/* ---- real graphs ----------------------------------------------------------------------------- */

START_TEST(meshes_and_roads_are_cut_far_below_a_hash)
{
    static const char *const files[] = {"graphs/4elt.graph", "graphs/wing.graph",
                                        "graphs/rome99.gr"};
    g_autofree char *path = check_data(files[_i]);
    if (path == NULL)
        return;
    g_autoptr(GasketGraph) graph = graph_from_file(path, ROWS_IN);
    g_autoptr(GasketPartition) hash = partition_into(graph, GASKET_PARTITION_HASH, 4);
    g_autoptr(GasketPartition) streaming = partition_into(graph, GASKET_PARTITION_STREAMING, 4);
    g_autoptr(GasketPartition) metis = partition_into(graph, GASKET_PARTITION_METIS, 4);
    g_autoptr(GasketPartition) chosen = partition_into(graph, GASKET_PARTITION_AUTO, 4);

    ck_assert_uint_lt(2 * streaming->cut_edges, hash->cut_edges);
    ck_assert_uint_lt(20 * metis->cut_edges, hash->cut_edges);
    ck_assert_uint_lt(20 * metis->n_ghosts, hash->n_ghosts);
    ck_assert_double_lt(metis->balance_entries, 1.05);
    ck_assert_double_lt(streaming->balance_entries, 1.07);
    ck_assert_uint_gt(metis->peak_bytes, 0);
    ck_assert_int_eq(chosen->method, GASKET_PARTITION_METIS);
    ck_assert_ptr_nonnull(strstr(chosen->reason, "the busiest 1 % of vertices hold"));
    assert_same_parts(chosen, metis, graph);
}
END_TEST

START_TEST(kronecker_graph_is_streamed)
{
    g_autoptr(GasketGraph) graph = kronecker_graph((unsigned)_i, GASKET_ORDER_GIVEN);
    g_autoptr(GasketPartition) chosen = partition_into(graph, GASKET_PARTITION_AUTO, 4);
    g_autoptr(GasketPartition) streaming = partition_into(graph, GASKET_PARTITION_STREAMING, 4);
    ck_assert_int_eq(chosen->method, GASKET_PARTITION_STREAMING);
    ck_assert_ptr_nonnull(strstr(chosen->reason, "METIS would gain little"));
    assert_same_parts(chosen, streaming, graph);
    ck_assert_double_lt(chosen->balance_entries, 1.10);
    ck_assert_double_gt((double)chosen->cut_edges / (double)chosen->n_edges, 0.5);
    ck_assert_double_lt((double)chosen->cut_edges / (double)chosen->n_edges, 0.70);
}
END_TEST

START_TEST(hubs_are_spread_by_streaming_even_when_they_come_first)
{
    g_autoptr(GasketGraph) graph = kronecker_graph(14, GASKET_ORDER_DEGREE);
    g_autoptr(GasketPartition) streaming = partition_into(graph, GASKET_PARTITION_STREAMING, 4);
    g_autoptr(GasketPartition) hash = partition_into(graph, GASKET_PARTITION_HASH, 4);
    ck_assert_double_lt(streaming->balance_vertices, 1.10);
    ck_assert_double_lt(streaming->balance_entries, 1.06);
    ck_assert_uint_lt(100 * streaming->cut_edges, 92 * hash->cut_edges);
}
END_TEST

/* Two stars of 2000 leaves each: all at two hubs, and yet easily cut in two. */
START_TEST(graph_with_hubs_that_falls_into_pieces_is_given_to_metis)
{
    int64_t hub[4000], leaf[4000];
    for (int64_t i = 0; i < 4000; i++) {
        hub[i] = i % 2;
        leaf[i] = 10 + i;
    }
    g_autoptr(GasketGraph) graph = graph_of(4000, hub, leaf, true, ROWS_IN);
    g_autoptr(GasketPartition) partition = partition_into(graph, GASKET_PARTITION_AUTO, 2);
    ck_assert_int_eq(partition->method, GASKET_PARTITION_METIS);
    ck_assert_ptr_nonnull(strstr(partition->reason, "but even streaming cuts only"));
    ck_assert_uint_lt(partition->cut_edges, 400);
}
END_TEST

/* ---- limits and failures --------------------------------------------------------------------- */

START_TEST(method_is_parsed_from_its_name_and_anything_else_is_a_file)
{
    static const char *const names[] = {"auto", "metis", "streaming", "hash", "range"};
    g_autoptr(GError) error = NULL;
    GasketPartitionMethod method;
    const char *file;
    for (unsigned m = 0; m < G_N_ELEMENTS(names); m++) {
        ck_assert(gasket_partition_parse_method(names[m], &method, &file, &error));
        ck_assert_uint_eq(method, m);
        ck_assert_ptr_null(file);
        ck_assert_str_eq(gasket_partition_method_name(method), names[m]);
    }
    ck_assert(gasket_partition_parse_method("parts.tsv", &method, &file, &error));
    ck_assert_int_eq(method, GASKET_PARTITION_FILE);
    ck_assert_str_eq(file, "parts.tsv");
    ck_assert(!gasket_partition_parse_method("", &method, &file, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
}
END_TEST

START_TEST(number_of_parts_out_of_range_is_an_argument_error)
{
    static const unsigned wrong[] = {0, 4097};
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = random_graph(1, 1, 10, 10, false, ROWS_IN);
    GasketPartitionOptions options = {.method = GASKET_PARTITION_HASH, .parts = wrong[_i]};
    ck_assert_ptr_null(gasket_partition_new(graph, &options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    g_autofree char *message =
        g_strdup_printf("a graph is partitioned into 1 to 4096 parts, not %u", wrong[_i]);
    ck_assert_str_eq(error->message, message);
}
END_TEST

START_TEST(graph_beyond_31_bits_is_refused_by_metis_before_it_is_touched)
{
    g_autoptr(GError) error = NULL;
    uint64_t offset[2] = {0};
    GasketGraphKind kind = {.name = "vertex", .n_vertices = 3};
    GasketGraphRelation relation = {.name = "edges", .n_edges = UINT64_C(1) << 30};
    GasketGraph graph = {.n_kinds = 1, .n_relations = 1, .kinds = &kind, .relations = &relation};
    relation.rows[GASKET_IN] =
        (GasketGraphRows){.n_rows = 3, .n_entries = UINT64_C(1) << 30, .offset = offset};
    GasketPartitionOptions options = {.method = GASKET_PARTITION_METIS, .parts = 2};
    ck_assert_ptr_null(gasket_partition_new(&graph, &options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    ck_assert_str_eq(error->message,
                     "METIS takes fewer than 2^31 vertices and entries, and the graph has 3 and "
                     "2147483648 (both ends of an edge counted): use --partition streaming");
}
END_TEST

START_TEST(rows_that_contradict_each_other_are_refused_and_never_reach_metis)
{
    g_autoptr(GError) error = NULL;
    const int64_t source[] = {1, 2, 3}, target[] = {2, 3, 4};
    g_autoptr(GasketGraph) graph = graph_of(3, source, target, true, ROWS_IN);
    GasketPartitionOptions options = {.method = GASKET_PARTITION_METIS, .parts = 2};
    graph->relations[0].rows[GASKET_IN].neighbour[0] = 3; /* 1 - 4, but not 4 - 1 */
    ck_assert_ptr_null(gasket_partition_new(graph, &options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FAILED));
    ck_assert_str_eq(error->message,
                     "the graph's rows are not consistent: METIS cannot be given them");
}
END_TEST

START_TEST(failed_allocation_anywhere_is_a_memory_error)
{
    g_autoptr(GasketGraph) graph = random_graph(6, 2, 60, 300, false, ROWS_IN);
    GasketPartitionOptions options = {.method = (GasketPartitionMethod)_i, .parts = 3};
    GasketPartition *partition = NULL;
    uint64_t nth = 0;
    while (partition == NULL) {
        g_autoptr(GError) error = NULL;
        ck_assert_uint_lt(nth, 40);
        gasket_array_fail_at(++nth);
        partition = gasket_partition_new(graph, &options, &error);
        gasket_array_fail_at(0);
        if (partition == NULL)
            ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
    }
    ck_assert_uint_ge(nth, 5); /* part, two kinds, listed, stamp have failed before */
    gasket_partition_free(partition);
}
END_TEST

START_TEST(metis_leaves_no_process_no_handler_and_no_trace_in_rand)
{
    static const int caught[] = {SIGABRT, SIGTERM, SIGINT, SIGCHLD};
    struct sigaction before[4], after;
    g_autoptr(GasketGraph) graph = random_graph(8, 1, 300, 2000, true, ROWS_IN);
    srand(42);
    int expected = rand();
    srand(42);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(sigaction(caught[i], NULL, &before[i]), 0);
    g_autoptr(GasketPartition) partition = partition_into(graph, GASKET_PARTITION_METIS, 4);
    ck_assert_int_eq(rand(), expected);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(sigaction(caught[i], NULL, &after), 0);
        ck_assert(after.sa_handler == before[i].sa_handler);
    }
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(plan_tells_method_cut_ghosts_and_balance)
{
    const int64_t source[] = {1, 2, 3, 4}, target[] = {2, 3, 4, 1};
    g_autoptr(GasketGraph) graph = graph_of(4, source, target, false, ROWS_IN);
    g_autoptr(GasketPartition) partition = partition_into(graph, GASKET_PARTITION_RANGE, 2);
    g_autoptr(GString) text = g_string_new(NULL);
    gasket_partition_append_plan(partition, text);
    ck_assert_ptr_nonnull(g_strrstr(text->str, "planned "));
    g_string_truncate(text, (gsize)(g_strrstr(text->str, "planned ") - text->str));
    ck_assert_str_eq(text->str,
                     "partition  range, 2 parts\n"
                     "cut        2 of 4 edges (50.0 %)\n"
                     "ghosts     1 a worker at most, 1 on average; a full update sends 2 values\n"
                     "balance    vertices 1.000, edges 1.000 (largest part over the mean)\n");
}
END_TEST

int
main(void)
{
    TCase *methods = tcase_create("methods");
    tcase_set_timeout(methods, 0);
    tcase_add_loop_test(methods, every_vertex_has_a_part_and_the_measure_agrees_with_brute_force,
                        GASKET_PARTITION_AUTO, GASKET_PARTITION_FILE);
    tcase_add_loop_test(methods, parts_depend_neither_on_threads_nor_on_the_order_of_edges,
                        GASKET_PARTITION_AUTO, GASKET_PARTITION_FILE);
    tcase_add_test(methods, metis_finds_the_same_parts_whichever_rows_stand);
    tcase_add_loop_test(methods, every_kind_is_balanced_by_itself, GASKET_PARTITION_AUTO,
                        GASKET_PARTITION_HASH);
    tcase_add_test(methods, ranges_are_runs_of_numbers_with_equal_work);
    tcase_add_test(methods, hash_follows_the_id_and_the_seed_and_not_the_numbering);
    TCase *choice = tcase_create("choice");
    tcase_set_timeout(choice, 0);
    tcase_add_loop_test(choice, meshes_and_roads_are_cut_far_below_a_hash, 0, 3);
    tcase_add_loop_test(choice, kronecker_graph_is_streamed, 10, 15);
    tcase_add_test(choice, hubs_are_spread_by_streaming_even_when_they_come_first);
    tcase_add_test(choice, graph_with_hubs_that_falls_into_pieces_is_given_to_metis);
    TCase *limits = tcase_create("limits");
    tcase_add_test(limits, method_is_parsed_from_its_name_and_anything_else_is_a_file);
    tcase_add_loop_test(limits, number_of_parts_out_of_range_is_an_argument_error, 0, 2);
    tcase_add_test(limits, graph_beyond_31_bits_is_refused_by_metis_before_it_is_touched);
    tcase_add_test(limits, rows_that_contradict_each_other_are_refused_and_never_reach_metis);
    tcase_add_loop_test(limits, failed_allocation_anywhere_is_a_memory_error, GASKET_PARTITION_AUTO,
                        GASKET_PARTITION_FILE);
    tcase_add_test(limits, metis_leaves_no_process_no_handler_and_no_trace_in_rand);
    tcase_add_test(limits, plan_tells_method_cut_ghosts_and_balance);
    TCase *cases[] = {methods, choice, limits};
    return check_run("partition", cases, G_N_ELEMENTS(cases));
}
