/* SPDX-License-Identifier: Apache-2.0 */
/* What partitioners see: which sets of rows stand, work, and the measure of skew. */
#include "check_main.h"

#include "partition/view.h"
#include "partition_graphs.h"

START_TEST(sets_are_the_rows_that_stand_and_edges_are_counted_by_one_of_them)
{
    g_autoptr(GasketGraph) graph = random_graph(5, 2, 20, 90, true, (RowsStanding)_i);
    g_auto(GasketPartitionView) view;
    gasket_partition_view_init(&view, graph);

    /* The symmetric relation has one set of rows, the directed one (0 -> 1) one or two. */
    ck_assert_uint_eq(view.n_sets, _i == ROWS_BOTH ? 3 : 2);
    ck_assert(view.sets[0].symmetric && view.sets[0].first && !view.sets[0].alone);
    ck_assert_uint_eq(view.sets[1].kind, _i == ROWS_OUT ? 0 : 1);
    ck_assert_uint_eq(view.sets[1].neighbour, _i == ROWS_OUT ? 1 : 0);
    ck_assert(view.sets[1].first && view.sets[1].alone == (_i != ROWS_BOTH));
    ck_assert(_i != ROWS_BOTH || (view.sets[2].kind == 0 && !view.sets[2].first));
    ck_assert_uint_eq(view.base[1], 20);
    ck_assert_uint_eq(view.base[2], 70);
    ck_assert_uint_eq(gasket_partition_view_symmetrised(&view),
                      graph->relations[0].rows[GASKET_IN].n_entries + 180);
}
END_TEST

START_TEST(work_is_one_and_the_entries_of_all_rows_kept)
{
    g_autoptr(GasketGraph) graph = random_graph(6, 2, 20, 90, false, (RowsStanding)_i);
    g_auto(GasketPartitionView) view;
    gasket_partition_view_init(&view, graph);
    uint64_t entries = 0;
    for (unsigned k = 0; k < 2; k++) {
        uint64_t work = 0;
        for (uint32_t x = 0; x < gasket_partition_view_n(&view, k); x++)
            work += gasket_partition_view_work(&view, k, x);
        ck_assert_uint_eq(work, gasket_partition_view_kind_work(&view, k));
        entries += work - gasket_partition_view_n(&view, k);
    }
    ck_assert_uint_eq(entries, _i == ROWS_BOTH ? 360 : 180);
}
END_TEST

START_TEST(busiest_hundredth_is_counted_exactly)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph =
        random_graph((uint64_t)_i, 2, 700, 3000, _i % 2 == 0, (RowsStanding)(_i % 3));
    g_auto(GasketPartitionView) view;
    gasket_partition_view_init(&view, graph);
    uint64_t n = view.base[2], busiest, ends, all = 0, top = 0, connected = 0;
    g_autofree uint64_t *degree = g_new0(uint64_t, n);
    for (unsigned s = 0; s < view.n_sets; s++) {
        const GasketPartitionRows *set = &view.sets[s];
        for (uint32_t x = 0; set->first && x < set->rows->n_rows; x++)
            for (uint64_t e = set->rows->offset[x]; e < set->rows->offset[x + 1]; e++) {
                degree[view.base[set->kind] + x]++;
                if (!set->symmetric)
                    degree[view.base[set->neighbour] + set->rows->neighbour[e]]++;
            }
    }
    for (uint64_t i = 0; i < n; i++) {
        all += degree[i];
        connected += degree[i] > 0;
    }
    for (uint64_t taken = 0; taken < (connected + 99) / 100; taken++) {
        uint64_t best = 0;
        for (uint64_t i = 1; i < n; i++)
            if (degree[i] > degree[best])
                best = i;
        top += degree[best];
        degree[best] = 0;
    }
    ck_assert(gasket_partition_view_skew(&view, &busiest, &ends, &error));
    ck_assert_uint_eq(ends, all);
    ck_assert_uint_eq(busiest, top);
}
END_TEST

int
main(void)
{
    TCase *view = tcase_create("view");
    tcase_add_loop_test(view, sets_are_the_rows_that_stand_and_edges_are_counted_by_one_of_them, 0,
                        3);
    tcase_add_loop_test(view, work_is_one_and_the_entries_of_all_rows_kept, 0, 3);
    tcase_add_loop_test(view, busiest_hundredth_is_counted_exactly, 0, 6);
    TCase *cases[] = {view};
    return check_run("partition_view", cases, G_N_ELEMENTS(cases));
}
