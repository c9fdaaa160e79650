/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/result_fixture.h"

#include "loaders/result_top.h"

/* ---- the summary ----------------------------------------------------------------------------- */

START_TEST(the_largest_come_first_ties_by_id_and_nan_never)
{
    static const double value[] = {1, 3, NAN, 2, 3, 0, -1, 2};
    static int64_t ids[] = {0, 1, 2, 3, 4, 5, 6, 7};
    const GasketIds all = {.n = 8, .integer = ids};
    const void *const data[] = {value};
    const GasketResultBlock block = {.n = 8, .ids = &all, .columns = data};
    const GasketResultColumn column = {.name = "rank", .type = GASKET_DOUBLE, .rank = true};

    g_autoptr(GasketResultTop) top = gasket_result_top_new(4, &column, 1, "vertex", "index");
    gasket_result_top_add(top, &block);
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(GString) found = g_string_new(NULL);
        gasket_result_top_append(top, i == 0, found);
        ck_assert_str_eq(found->str, i == 0 ? "vertex\trank\n1\t3\n4\t3\n3\t2\n7\t2\n"
                                            : "1\t3\n4\t3\n3\t2\n7\t2\n");
    }
    ck_assert_str_eq(gasket_result_top_ranked_by(top), "rank");
    ck_assert_uint_eq(gasket_result_top_n_rows(top), 8);
    ck_assert_uint_eq(gasket_result_top_n_shown(top), 4);
}
END_TEST

START_TEST(the_largest_of_many_are_those_that_sorting_finds)
{
    enum { N = 5000, K = 20 };
    static double value[N];
    static int64_t ids[N];
    uint32_t x = 1;
    for (unsigned i = 0; i < N; i++) {
        x = x * 1664525 + 1013904223;
        value[i] = x >> 20;
        ids[i] = i;
    }
    const GasketResultColumn column = {.name = "rank", .type = GASKET_DOUBLE, .rank = true};
    g_autoptr(GasketResultTop) top = gasket_result_top_new(K, &column, 1, "vertex", "index");
    for (unsigned i = 0; i < N; i += 500) {
        const GasketIds part = {.n = 500, .integer = ids + i};
        const void *const data[] = {value + i};
        gasket_result_top_add(top, &(GasketResultBlock){.n = 500, .ids = &part, .columns = data});
    }
    g_autoptr(GString) expected = g_string_new(NULL), found = g_string_new(NULL);
    for (unsigned k = 0; k < K; k++) {
        unsigned best = 0;
        for (unsigned i = 1; i < N; i++)
            if (value[i] > value[best])
                best = i;
        g_string_append_printf(expected, "%u\t%.0f\n", best, value[best]);
        value[best] = -1;
    }
    gasket_result_top_append(top, false, found);
    ck_assert_str_eq(found->str, expected->str);
}
END_TEST

START_TEST(without_a_rank_the_first_rows_are_shown)
{
    GasketResultColumn unranked = columns[2];
    const void *const data[] = {pair};
    const GasketResultBlock block = {.n = 3, .ids = &integer_ids, .columns = data};
    g_autoptr(GasketResultTop) top = gasket_result_top_new(2, &unranked, 1, "vertex", "index");
    gasket_result_top_add(top, &block);
    gasket_result_top_add(top, &block);
    g_autoptr(GString) found = g_string_new(NULL);
    gasket_result_top_append(top, true, found);
    ck_assert_str_eq(found->str, "vertex\tpair_0\tpair_1\n-5\t1\t2\n7\t3\t4\n");
    ck_assert_ptr_null(gasket_result_top_ranked_by(top));
    ck_assert_uint_eq(gasket_result_top_n_rows(top), 6);
}
END_TEST

int
main(void)
{
    TCase *summary = tcase_create("summary");
    tcase_add_test(summary, the_largest_come_first_ties_by_id_and_nan_never);
    tcase_add_test(summary, the_largest_of_many_are_those_that_sorting_finds);
    tcase_add_test(summary, without_a_rank_the_first_rows_are_shown);

    TCase *cases[] = {summary};
    return check_run("result_top", cases, G_N_ELEMENTS(cases));
}
