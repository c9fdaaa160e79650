/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Belief propagation against enumeration of every assignment: exact without cycles, near it with
 * weak ones; the same bits in every placement; zeros, evidence, contradictions, extreme tables.
 */
#include "tests/bp_runs.h"

static void
assert_exact(const SmallModel *model, const char *const *settings, double tolerance)
{
    SmallAnswer answer;
    small_model_solve(model, &answer);
    g_autoptr(GasketResult) result = run_bp(model, settings, 1e-13);
    double log_z = gasket_result_metric(result, "log10_z") * G_LN10;
    if (answer.log_z == -INFINITY) {
        ck_assert(log_z == -INFINITY);
        return;
    }
    ck_assert_msg(fabs(log_z - answer.log_z) <= tolerance * MAX(1, fabs(answer.log_z)),
                  "log Z is %g, not %g (%s %s)", log_z, answer.log_z, settings[0],
                  settings[0] ? settings[1] : "");
    ck_assert_double_le(small_model_difference(model, &answer, result, 1), tolerance);
}

static const char *const ways[][5] = {
    {NULL},
    {"arithmetic", "log", NULL},
    {"schedule", "parallel", "damping", "0", NULL},
    {"schedule", "sequential", "damping", "0", NULL},
    {"schedule", "sequential", "arithmetic", "log", NULL},
    {"schedule", "splash", "depth", "2", NULL},
    {"schedule", "residual", NULL}, /* the last two: small differences wake nobody */
};

START_TEST(trees_are_exact)
{
    static SmallModel model;
    for (unsigned seed = 0; seed < 12; seed++) {
        small_model_tree(&model, 4 + seed % 7, seed % 3 == 0 ? 2 : 4, 1.5, seed % 2 ? 0 : 6, seed);
        if (seed % 4 == 1)
            model.evidence[seed % 3] = (int32_t)model.states[seed % 3] - 1;
        for (unsigned w = 0; w < G_N_ELEMENTS(ways); w++)
            assert_exact(&model, ways[w], 1e-10);
    }
}
END_TEST

START_TEST(max_product_finds_the_best_of_a_tree)
{
    static SmallModel model;
    static const char *const max[] = {"product", "max", NULL};
    for (unsigned seed = 0; seed < 12; seed++) {
        SmallAnswer answer;
        uint32_t state[MAX_VARIABLES];
        small_model_tree(&model, 5 + seed % 6, 3, 1, seed % 2 ? 0 : 8, 100 + seed);
        if (seed % 3 == 0) /* every assignment is as good as any other */
            for (unsigned f = 0; f < model.n_factors; f++)
                for (unsigned i = 0; i < model.factor[f].size; i++)
                    model.factor[f].table[i] = model.factor[f].table[i] > 0;
        small_model_solve(&model, &answer);
        g_autoptr(GasketResult) result = run_bp(&model, max, 0);
        double score = gasket_result_metric(result, "log10_score") * G_LN10;
        if (answer.best == -INFINITY) {
            ck_assert(score == -INFINITY);
            continue;
        }
        const int32_t *found = gasket_result_column(result, 0);
        for (unsigned v = 0; v < model.n; v++)
            state[v] = (uint32_t)found[v];
        ck_assert_double_le(fabs(score - answer.best), 1e-10 * MAX(1, fabs(score)));
        ck_assert_double_le(fabs(log(small_model_product(&model, state)) - answer.best), 1e-10);
    }
}
END_TEST

START_TEST(weak_loops_come_near_and_all_schedules_agree)
{
    static SmallModel model;
    for (unsigned seed = 0; seed < 6; seed++) {
        SmallAnswer answer;
        g_autoptr(GasketResult) first = NULL;
        small_model_loopy(&model, 9, 12, 4, seed % 2 ? 2 : 3, 0.15, seed);
        small_model_solve(&model, &answer);
        for (unsigned w = 0; w < G_N_ELEMENTS(ways); w++) {
            g_autoptr(GasketResult) result = run_bp(&model, ways[w], 1e-13);
            ck_assert_double_le(small_model_difference(&model, &answer, result, 1), 0.01);
            ck_assert_double_le(fabs(gasket_result_metric(result, "log10_z") * G_LN10 -
                                     answer.log_z),
                                0.03);
            if (first == NULL) {
                first = g_steal_pointer(&result);
                continue;
            }
            ck_assert_double_le(fabs(gasket_result_metric(result, "log10_z") -
                                     gasket_result_metric(first, "log10_z")),
                                1e-10);
        }
    }
}
END_TEST

START_TEST(contradicting_evidence_has_probability_zero)
{
    static SmallModel model;
    const int64_t chain[][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 0}};
    model = (SmallModel){.n = 4, .states = {2, 2, 2, 2}, .evidence = {0, -1, 1, -1}};
    for (unsigned f = 0; f < 4; f++) {
        SmallFactor *equal = small_model_add(&model, 2, chain[f]);
        equal->table[0] = equal->table[3] = 1;
    }
    for (unsigned w = 0; w < G_N_ELEMENTS(ways); w++) {
        g_autoptr(GasketResult) result = run_bp(&model, ways[w], 0);
        const double *marginal = gasket_result_column(result, 1);
        ck_assert(gasket_result_metric(result, "log10_z") == -INFINITY);
        for (unsigned i = 0; i < 8; i++)
            ck_assert(marginal[i] == 0);
    }
}
END_TEST

/* A chain of factors each of which likes the second state 1e80 times as much as the first, against
 * one at the end that likes the first 1e300 times as much: no linear product can hold that. */
START_TEST(extreme_tables_go_over_to_logarithms)
{
    static SmallModel model;
    model = (SmallModel){.n = 6, .states = {2, 2, 2, 2, 2, 2}};
    for (int64_t v = 0; v < 6; v++)
        model.evidence[v] = -1;
    for (int64_t v = 0; v + 1 < 6; v++) {
        SmallFactor *factor = small_model_add(&model, 2, (const int64_t[]){v, v + 1});
        factor->table[0] = factor->table[3] = 1;
    }
    for (int64_t v = 0; v < 5; v++) {
        SmallFactor *factor = small_model_add(&model, 1, &v);
        factor->table[0] = 1e-80;
        factor->table[1] = 1;
    }
    const int64_t last = 5;
    SmallFactor *end = small_model_add(&model, 1, &last);
    end->table[0] = 1;
    end->table[1] = 1e-300;
    for (unsigned w = 0; w + 2 < G_N_ELEMENTS(ways); w++) {
        g_autoptr(GasketResult) result = run_bp(&model, ways[w], 0);
        const double *marginal = gasket_result_column(result, 1);
        for (unsigned v = 0; v < 6; v++)
            ck_assert_double_le(fabs(log10(marginal[2 * v + 1] / marginal[2 * v]) - 100), 1e-9);
        ck_assert_double_le(fabs(gasket_result_metric(result, "log10_z") + 300), 1e-9);
    }
    g_autoptr(GasketResult) woken = run_bp(&model, ways[G_N_ELEMENTS(ways) - 1], 0);
    for (unsigned v = 0; v < 6; v++)
        ck_assert_double_ge(((const double *)gasket_result_column(woken, 1))[2 * v + 1], 0.999);
}
END_TEST

START_TEST(a_factor_of_twenty_variables_is_contracted_at_once)
{
    g_autoptr(GError) error = NULL;
    g_autofree double *table = g_new(double, 1 << 20);
    GasketRandom random = gasket_random_at(7, 1, 0, 0);
    uint32_t states[20];
    int64_t scope[20];
    double expected[20] = {0}, z = 0;
    GasketFactorGraph *model = gasket_factor_graph_new();

    for (unsigned i = 0; i < 20; i++) {
        states[i] = 2;
        scope[i] = i;
    }
    for (unsigned i = 0; i < 1 << 20; i++) {
        table[i] = gasket_random_double(&random);
        z += table[i];
        for (unsigned v = 0; v < 20; v++)
            expected[v] += (i >> (19 - v) & 1) ? table[i] : 0;
    }
    ck_assert(gasket_factor_graph_add_variables(model, 20, states, &error) &&
              gasket_factor_graph_add_factor(model, 20, scope, 1 << 20, table, &error));
    GasketGraph *graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    ck_assert(graph != NULL);
    g_autoptr(GasketResult) result =
        gasket_algorithm_run(&gasket_bp, &graph, NULL, &(GasketRunOptions){0}, &error);
    ck_assert_msg(result != NULL, "%s", error ? error->message : "");
    const double *marginal = gasket_result_column(result, 1);
    for (unsigned v = 0; v < 20; v++)
        ck_assert_double_le(fabs(marginal[2 * v + 1] - expected[v] / z), 1e-12);
}
END_TEST

/* Not the same bits, but the same fixed point. */
START_TEST(the_asynchronous_engine_reaches_the_same_fixed_point)
{
    static const char *const residual[] = {"schedule", "residual", NULL};
    static SmallModel model;
    for (unsigned seed = 0; seed < 6; seed++) {
        g_autofree void *parameters = parameters_with(residual);
        g_autoptr(GError) error = NULL;
        small_model_loopy(&model, 12, 16, 3, 3, 0.3, seed);
        g_autoptr(GasketResult) expected = run_bp(&model, NULL, 1e-12);
        const Experiment experiment = {.algorithm = &gasket_bp,
                                       .parameters = parameters,
                                       .build = small_model_build,
                                       .data = &model};
        static const unsigned workers[] = {1, 2, 4};
        for (unsigned w = 0; w < G_N_ELEMENTS(workers); w++) {
            const GasketRunOptions options = {.workers = workers[w],
                                              .threads = 1 + seed % 2,
                                              .engine = GASKET_ENGINE_ASYNC,
                                              .tolerance = 1e-9};
            g_autoptr(GasketResult) result = run_once(&experiment, &options, &error);
            ck_assert_no_error(error);
            const double *a = gasket_result_column(expected, 1);
            const double *b = gasket_result_column(result, 1);
            for (uint64_t i = 0; i < gasket_result_begin(expected, 1)[model.n]; i++)
                ck_assert_double_le(fabs(a[i] - b[i]), 1e-6);
            ck_assert_double_le(fabs(gasket_result_metric(expected, "log10_z") -
                                     gasket_result_metric(result, "log10_z")),
                                1e-6);
        }
    }
}
END_TEST

/* The distribution of a factor's variables, by enumeration. */
static void
joint(const SmallModel *model, const SmallFactor *factor, double *p)
{
    uint32_t state[MAX_VARIABLES] = {0};
    double z = 0;
    unsigned v = 0;

    memset(p, 0, factor->size * sizeof *p);
    while (v < model->n) {
        unsigned at = 0;
        for (unsigned i = 0; i < factor->n; i++)
            at = at * model->states[factor->scope[i]] + state[factor->scope[i]];
        const double product = small_model_product(model, state);
        p[at] += product;
        z += product;
        for (v = 0; v < model->n && ++state[v] == model->states[v]; v++)
            state[v] = 0;
    }
    for (unsigned i = 0; z > 0 && i < factor->size; i++)
        p[i] /= z;
}

START_TEST(marginals_of_factors_are_exact_on_trees)
{
    static const char *const settings[][7] = {
        {"marginals", "factors", NULL},
        {"marginals", "factors", "arithmetic", "log", NULL},
        {"marginals", "factors", "schedule", "parallel", "damping", "0", NULL},
    };
    static const GasketResultColumn columns[] = {
        {.name = "likeliest", .kind = GASKET_KIND_FACTOR, .type = GASKET_INT32},
        {.name = "marginal", .kind = GASKET_KIND_FACTOR, .type = GASKET_DOUBLE, .varying = true},
    };
    static const unsigned workers[] = {1, 3, 0};
    static SmallModel model;
    static double expected[MAX_TABLE];
    GasketAlgorithm algorithm = gasket_bp;
    algorithm.results = columns;
    for (unsigned seed = 0; seed < 6; seed++) {
        g_autofree void *parameters = parameters_with(settings[seed % 3]);
        small_model_tree(&model, 8, 3, 1, seed % 2 ? 6 : 0, seed);
        model.evidence[2] = seed == 4 ? 0 : -1;
        const Experiment experiment = {.algorithm = &algorithm,
                                       .parameters = parameters,
                                       .build = small_model_build,
                                       .data = &model,
                                       .tolerance = 1e-13};
        g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);
        const int32_t *entry = gasket_result_column(result, 0);
        const double *marginal = gasket_result_column(result, 1);
        const uint64_t *begin = gasket_result_begin(result, 1);
        unsigned row = 0;
        for (unsigned f = 0; f < model.n_factors; f++) {
            if (model.factor[f].n == 1)
                continue;
            joint(&model, &model.factor[f], expected);
            ck_assert_uint_eq(begin[row + 1] - begin[row], model.factor[f].size);
            for (unsigned i = 0; i < model.factor[f].size; i++) {
                ck_assert_double_le(fabs(marginal[begin[row] + i] - expected[i]), 1e-10);
                ck_assert(entry[row] < 0 || expected[i] <= expected[entry[row]] + 1e-10);
            }
            row++;
        }
        ck_assert_uint_eq(row, gasket_result_n(result, GASKET_KIND_FACTOR));
    }
}
END_TEST

/* Every reweighted fixed point bounds log Z from above; without cycles it is log Z. */
START_TEST(reweighting_bounds_the_partition_function_from_above)
{
    static const char *const reweighted[][5] = {
        {"reweighted", "true", NULL},
        {"reweighted", "true", "schedule", "parallel", NULL},
    };
    static SmallModel model;
    for (unsigned seed = 0; seed < 12; seed++) {
        SmallAnswer answer;
        const bool tree = seed % 4 == 3;
        if (tree)
            small_model_tree(&model, 9, 3, 1, 0, seed);
        else
            small_model_loopy(&model, 9, 12, seed % 2 ? 2 : 4, 3, 0.2 * (1 + seed), seed);
        model.evidence[2] = seed % 3 == 0 ? 1 % (int32_t)model.states[2] : -1;
        small_model_solve(&model, &answer);
        g_autoptr(GasketResult) result = run_bp(&model, reweighted[seed % 2], 1e-9);
        double bound = gasket_result_metric(result, "log10_z") * G_LN10;
        ck_assert_uint_lt(gasket_result_iterations(result), 2000);
        ck_assert_double_ge(bound, answer.log_z - 1e-6);
        ck_assert_double_le(bound, answer.log_z + (tree ? 1e-6 : 1 + 2.0 * seed));
    }
}
END_TEST

/* Where no damping helps the double loop ends, at what plain messages agree with: starting anew
 * with another order of sweeps gives the same free energy. */
START_TEST(what_oscillates_settles_in_the_end)
{
    static const char *const parallel[] = {"schedule", "parallel", NULL};
    static SmallModel model;
    unsigned settled = 0;
    for (unsigned seed = 0; seed < 5; seed++) {
        glass(&model, 4, seed);
        g_autoptr(GasketResult) one = run_bp(&model, NULL, 1e-6);
        g_autoptr(GasketResult) other = run_bp(&model, parallel, 1e-6);
        ck_assert_uint_lt(gasket_result_iterations(one), 3000);
        ck_assert_uint_lt(gasket_result_iterations(other), 3000);
        if (gasket_result_metric(one, "double_loop") == 0 ||
            gasket_result_metric(other, "double_loop") == 0)
            continue;
        settled++;
        ck_assert_double_le(fabs(gasket_result_metric(one, "log10_z") -
                                 gasket_result_metric(other, "log10_z")),
                            1e-5);
    }
    ck_assert_uint_ge(settled, 1);
}
END_TEST

START_TEST(every_placement_gives_the_same_bits)
{
    static const char *const all[][5] = {
        {"schedule", "parallel", NULL},
        {"schedule", "sequential", NULL},
        {"schedule", "parallel", "arithmetic", "log", NULL},
        {"product", "max", NULL},
        {"schedule", "residual", NULL},
        {"schedule", "splash", "depth", "2", NULL},
        {"reweighted", "true", NULL},
        {"restarts", "2", NULL},
    };
    static const unsigned workers[] = {1, 2, 4, 0};
    static SmallModel model;
    for (unsigned w = 0; w < 2 * G_N_ELEMENTS(all); w++) {
        g_autofree void *parameters = parameters_with(all[w / 2]);
        small_model_loopy(&model, 14, 18, w % 2 ? 2 : 4, w % 2 ? 2 : 3, 0.7, w);
        const Experiment experiment = {.algorithm = &gasket_bp,
                                       .parameters = parameters,
                                       .build = small_model_build,
                                       .data = &model,
                                       .iterations = w == 2 * G_N_ELEMENTS(all) - 1 ? 400 : 25};
        gasket_result_free(run_everywhere(&experiment, workers));
    }
    small_model_tree(&model, 14, 4, 1, 0, 5);
    const Experiment tree = {.algorithm = &gasket_bp, .build = small_model_build, .data = &model};
    gasket_result_free(run_everywhere(&tree, workers));
    static const unsigned few[] = {1, 3, 0};
    glass(&model, 4, 1); /* into the double loop */
    const Experiment settles = {.algorithm = &gasket_bp,
                                .build = small_model_build,
                                .data = &model,
                                .iterations = 270};
    gasket_result_free(run_everywhere(&settles, few));
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("bp");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, trees_are_exact);
    tcase_add_test(all, max_product_finds_the_best_of_a_tree);
    tcase_add_test(all, weak_loops_come_near_and_all_schedules_agree);
    tcase_add_test(all, contradicting_evidence_has_probability_zero);
    tcase_add_test(all, extreme_tables_go_over_to_logarithms);
    tcase_add_test(all, a_factor_of_twenty_variables_is_contracted_at_once);
    tcase_add_test(all, the_asynchronous_engine_reaches_the_same_fixed_point);
    tcase_add_test(all, marginals_of_factors_are_exact_on_trees);
    tcase_add_test(all, reweighting_bounds_the_partition_function_from_above);
    tcase_add_test(all, what_oscillates_settles_in_the_end);
    tcase_add_test(all, every_placement_gives_the_same_bits);
    TCase *cases[] = {all};
    return check_run("bp", cases, G_N_ELEMENTS(cases));
}
