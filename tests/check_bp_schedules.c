/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splashes and restarts of belief propagation: fewer messages to the same fixed point, and the
 * better of several fixed points, against enumeration of every assignment; libDAI's test model.
 */
#include "loaders/model.h"
#include "tests/bp_runs.h"

/* A glass of 4 x 4 that plain messages circle in for long: the schedules of what has changed need
 * fewer of them than everybody's turn, and end at the same fixed point. */
START_TEST(splashes_need_fewer_messages_than_sweeps)
{
    static const char *const ways_to[][5] = {
        {"schedule", "parallel", "damping", "0", NULL},
        {"schedule", "splash", "damping", "0", NULL},
    };
    static SmallModel model;
    for (unsigned seed = 0; seed < 6; seed++) {
        glass(&model, 0.8, 20 + seed);
        g_autoptr(GasketResult) sweeps = run_bp(&model, ways_to[0], 1e-9);
        g_autoptr(GasketResult) splash = run_bp(&model, ways_to[1], 1e-9);
        ck_assert_double_lt(gasket_result_metric(splash, "updates"),
                            0.8 * gasket_result_metric(sweeps, "updates"));
        ck_assert_double_le(fabs(gasket_result_metric(splash, "log10_z") -
                                 gasket_result_metric(sweeps, "log10_z")),
                            1e-6);
    }
}
END_TEST

/* Factors publish their level while the model is looked at for cycles; isolated variables make
 * fewer ends of scopes than vertices though there is a cycle. */
START_TEST(a_cycle_among_many_lonely_variables_settles)
{
    static SmallModel model;
    static const uint64_t seed = 3;
    GasketRandom random = gasket_random_at(seed, 6, 0, 0);
    small_model_variables(&model, 16, 2, &random);
    for (int64_t a = 0; a < 4; a++) {
        for (int64_t b = 0; b < a; b++) {
            SmallFactor *pair = small_model_add(&model, 2, (const int64_t[]){a, b});
            double j = 4 * gasket_random_normal(&random);
            pair->table[0] = pair->table[3] = exp(j);
            pair->table[1] = pair->table[2] = exp(-j);
        }
    }
    g_autoptr(GasketResult) result = run_bp(&model, NULL, 1e-6);
    ck_assert_uint_lt(gasket_result_iterations(result), 3000);
    ck_assert(isfinite(gasket_result_metric(result, "log10_z")));
}
END_TEST

/* Eight variables, each joined to all others, that would rather be alike: which state they agree on
 * decides between as many fixed points, and what each would choose alone misleads. */
static void
potts(SmallModel *model, uint64_t seed)
{
    GasketRandom random = gasket_random_at(seed, 7, 0, 0);
    double like[3];
    small_model_variables(model, 8, 2, &random);
    for (unsigned x = 0; x < 3; x++)
        like[x] = exp(0.9 + 0.2 * gasket_random_normal(&random));
    for (int64_t a = 0; a < 8; a++) {
        model->states[a] = 3;
        for (int64_t b = 0; b < a; b++) {
            SmallFactor *pair = small_model_add(model, 2, (const int64_t[]){a, b});
            for (unsigned i = 0; i < 9; i++)
                pair->table[i] = i % 4 == 0 ? like[i / 4] : 1;
        }
    }
    for (int64_t v = 0; v < 8; v++)
        small_factor_draw(small_model_add(model, 1, &v), &random, 0.8, 0);
}

/* Among several fixed points restarts never take a smaller log Z than the first run found, and
 * where they take a larger one marginals are mostly nearer the exact ones. */
START_TEST(restarts_take_the_fixed_point_of_the_largest_log_z)
{
    static const char *const once[] = {"restarts", "0", NULL};
    static const char *const again[] = {"restarts", "4", NULL};
    static SmallModel model;
    double before = 0, after = 0;
    unsigned moved = 0;
    for (unsigned seed = 0; seed < 30; seed++) {
        SmallAnswer answer;
        potts(&model, seed);
        small_model_solve(&model, &answer);
        g_autoptr(GasketResult) one = run_bp(&model, once, 1e-6);
        g_autoptr(GasketResult) best = run_bp(&model, again, 1e-6);
        double gain = gasket_result_metric(best, "log10_z") - gasket_result_metric(one, "log10_z");
        if (gasket_result_iterations(one) == 3000)
            continue;
        ck_assert_double_ge(gain, 0);
        ck_assert((gain > 0) == (gasket_result_metric(best, "best_start") > 0));
        if (gain < 1e-3)
            continue;
        moved++;
        before += small_model_difference(&model, &answer, one, 1);
        after += small_model_difference(&model, &answer, best, 1);
    }
    ck_assert_uint_ge(moved, 3);
    ck_assert_double_lt(after, 0.5 * before);
}
END_TEST

/* The marginals below a method's line in libDAI's reference file: four digits of each. */
START_TEST(the_fixed_point_is_the_one_that_libdai_publishes)
{
    g_autofree char *path = check_data("factor-graphs/fg/testfast.fg");
    g_autofree char *reference = check_data("factor-graphs/fg/testfast.out");
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    if (path == NULL || reference == NULL)
        return;
    g_autoptr(GasketFactorGraph) model =
        gasket_model_load(&(GasketModelOptions){.path = path}, NULL, &error);
    ck_assert_no_error(error);
    GasketGraph *graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    ck_assert_no_error(error);
    g_autoptr(GasketResult) result =
        gasket_algorithm_run(&gasket_bp, &graph, NULL, &(GasketRunOptions){0}, &error);
    ck_assert_no_error(error);
    const double *marginal = gasket_result_column(result, 1);
    ck_assert_uint_eq(gasket_result_begin(result, 1)[16], 32);
    ck_assert(g_file_get_contents(reference, &text, NULL, NULL));
    const char *at = strstr(text, "\nBP ");
    for (unsigned v = 0; v < 16; v++) {
        ck_assert_ptr_nonnull(at);
        at = strstr(at, ", (");
        ck_assert_ptr_nonnull(at);
        char *end;
        double first = g_ascii_strtod(at + 3, &end), second = g_ascii_strtod(end + 1, NULL);
        ck_assert_double_eq_tol(marginal[2 * v], first, 1e-4);
        ck_assert_double_eq_tol(marginal[2 * v + 1], second, 1e-4);
        at = end;
    }
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("bp schedules");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, splashes_need_fewer_messages_than_sweeps);
    tcase_add_test(all, a_cycle_among_many_lonely_variables_settles);
    tcase_add_test(all, restarts_take_the_fixed_point_of_the_largest_log_z);
    tcase_add_test(all, the_fixed_point_is_the_one_that_libdai_publishes);
    TCase *cases[] = {all};
    return check_run("bp schedules", cases, G_N_ELEMENTS(cases));
}
