/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sampling, mean field and local search against enumeration of every assignment, and the same bits
 * in every placement.
 */
#include "algorithms/algorithms.h"
#include "tests/factor_models.h"

static void *
parameters_of(const GasketAlgorithm *algorithm, const char *const *settings)
{
    g_autoptr(GError) error = NULL;
    void *parameters = g_malloc0(MAX(algorithm->parameters_size, 1));
    if (algorithm->options != NULL)
        gasket_options_set_defaults(algorithm->options, parameters);
    for (; settings != NULL && *settings != NULL; settings += 2)
        ck_assert_msg(gasket_options_set(algorithm->options, parameters, settings[0], settings[1],
                                         &error),
                      "%s", error ? error->message : "");
    return parameters;
}

static GasketResult *
run_on(const GasketAlgorithm *algorithm, const SmallModel *model, const char *const *settings,
       uint64_t seed)
{
    g_autofree void *parameters = parameters_of(algorithm, settings);
    g_autoptr(GError) error = NULL;
    const Experiment experiment = {algorithm, parameters, small_model_build, model, .seed = seed};
    GasketResult *result = run_once(&experiment, &(GasketRunOptions){.seed = seed}, &error);
    ck_assert_msg(result != NULL, "%s", error ? error->message : "");
    return result;
}

/* The natural logarithm of the product at the states of a result, which must be what it reports. */
static double
score_of(const SmallModel *model, const GasketResult *result)
{
    const int32_t *found = gasket_result_column(result, 0);
    uint32_t state[MAX_VARIABLES];
    for (unsigned v = 0; v < model->n; v++)
        state[v] = (uint32_t)found[v];
    double score = log(small_model_product(model, state));
    double reported = gasket_result_metric(result, "log10_score") * G_LN10;
    ck_assert(score == reported || fabs(score - reported) < 1e-9);
    return score;
}

/* With about 8,000 independent draws the deviation of a mean is at most 0.0056. */
START_TEST(gibbs_sampling_comes_near_the_marginals)
{
    static const char *const settings[] = {"draws", "2000", "burn-in", "50", NULL};
    static SmallModel model;
    for (unsigned seed = 0; seed < 4; seed++) {
        SmallAnswer answer;
        small_model_loopy(&model, 8, 10, 3, seed % 2 ? 2 : 3, 0.5, seed);
        model.evidence[3] = seed % 2 ? 0 : -1;
        small_model_solve(&model, &answer);
        g_autoptr(GasketResult) result = run_on(&gasket_gibbs, &model, settings, seed);
        ck_assert_double_le(small_model_difference(&model, &answer, result, 1), 0.03);
        ck_assert_double_le(gasket_result_metric(result, "r_hat"), 1.05);
        ck_assert_double_ge(gasket_result_metric(result, "effective_draws"), 100);
    }
}
END_TEST

START_TEST(marginals_of_chains_are_distributions)
{
    static const char *const settings[] = {"draws", "7", "chains", "3", "thin", "2", NULL};
    static SmallModel model;
    small_model_loopy(&model, 8, 10, 3, 3, 0.5, 1);
    g_autoptr(GasketResult) result = run_on(&gasket_gibbs, &model, settings, 1);
    const double *marginal = gasket_result_column(result, 1);
    const uint64_t *begin = gasket_result_begin(result, 1);
    for (unsigned v = 0; v < model.n; v++) {
        double total = 0;
        for (uint64_t e = begin[v]; e < begin[v + 1]; e++)
            total += marginal[e];
        ck_assert_double_le(fabs(total - 1), 1e-12);
    }
}
END_TEST

/* Two variables that must agree never change one at a time: chains that start apart stay apart. */
START_TEST(chains_that_cannot_mix_show_in_r_hat)
{
    static const char *const settings[] = {"draws", "200", "chains", "8", NULL};
    static SmallModel model;
    model = (SmallModel){.n = 3, .states = {2, 2, 2}, .evidence = {-1, -1, -1}};
    SmallFactor *strong = small_model_add(&model, 2, (const int64_t[]){0, 1});
    strong->table[0] = strong->table[3] = 1;
    strong->table[1] = strong->table[2] = 1e-4;
    SmallFactor *weak = small_model_add(&model, 2, (const int64_t[]){1, 2});
    for (unsigned i = 0; i < 4; i++)
        weak->table[i] = 1 + i;
    g_autoptr(GasketResult) result = run_on(&gasket_gibbs, &model, settings, 1);
    ck_assert_double_ge(gasket_result_metric(result, "r_hat"), 1.5);
}
END_TEST

START_TEST(mean_field_bounds_the_partition_function_from_below)
{
    static SmallModel model;
    for (unsigned seed = 0; seed < 8; seed++) {
        SmallAnswer answer;
        small_model_loopy(&model, 9, 12, 4, 3, 0.1 + 0.2 * seed, seed);
        small_model_solve(&model, &answer);
        g_autoptr(GasketResult) result = run_on(&gasket_mean_field, &model, NULL, 0);
        double bound = gasket_result_metric(result, "log10_z") * G_LN10;
        ck_assert_double_le(bound, answer.log_z + 1e-9);
        if (seed == 0) /* nearly independent */
            ck_assert_double_ge(bound, answer.log_z - 0.1);
    }
}
END_TEST

/* Without factors of several variables the distribution is a product: mean field is exact. */
START_TEST(mean_field_is_exact_for_independent_variables)
{
    static SmallModel model;
    SmallAnswer answer;
    GasketRandom random = gasket_random_at(1, 1, 0, 0);
    small_model_variables(&model, 5, 4, &random);
    for (int64_t v = 0; v < 5; v++)
        small_factor_draw(small_model_add(&model, 1, &v), &random, 1, v % 2 ? 3 : 0);
    model.evidence[2] = 0;
    small_model_solve(&model, &answer);
    g_autoptr(GasketResult) result = run_on(&gasket_mean_field, &model, NULL, 0);
    ck_assert_double_le(fabs(gasket_result_metric(result, "log10_z") * G_LN10 - answer.log_z),
                        1e-12);
    ck_assert_double_le(small_model_difference(&model, &answer, result, 1), 1e-12);
}
END_TEST

START_TEST(annealing_finds_the_best_and_icm_a_local_optimum)
{
    static const char *const anneal[] = {"anneal", "true", "draws", "400", NULL};
    static SmallModel model;
    for (unsigned seed = 0; seed < 6; seed++) {
        SmallAnswer answer;
        uint32_t state[MAX_VARIABLES];
        small_model_loopy(&model, 9, 12, 4, 3, 1, 50 + seed);
        model.evidence[1] = 0;
        small_model_solve(&model, &answer);
        g_autoptr(GasketResult) annealed = run_on(&gasket_gibbs, &model, anneal, seed);
        ck_assert_double_le(fabs(score_of(&model, annealed) - answer.best), 1e-9);
        g_autoptr(GasketResult) local = run_on(&gasket_icm, &model, NULL, 0);
        double score = score_of(&model, local);
        const int32_t *found = gasket_result_column(local, 0);
        for (unsigned v = 0; v < model.n; v++) {
            for (unsigned u = 0; u < model.n; u++)
                state[u] = (uint32_t)found[u];
            for (state[v] = 0; state[v] < model.states[v]; state[v]++)
                ck_assert_double_le(log(small_model_product(&model, state)), score + 1e-12);
        }
    }
}
END_TEST

START_TEST(mplp_bounds_the_best_from_above)
{
    static SmallModel model;
    for (unsigned seed = 0; seed < 10; seed++) {
        SmallAnswer answer;
        const bool tree = seed % 2 == 0;
        if (tree)
            small_model_tree(&model, 9, 2, 1, 0, seed);
        else
            small_model_loopy(&model, 9, 12, 4, 3, 1, seed);
        model.evidence[2] = seed % 3 == 0 ? 1 % (int32_t)model.states[2] : -1;
        small_model_solve(&model, &answer);
        g_autoptr(GasketResult) result = run_on(&gasket_mplp, &model, NULL, 0);
        double bound = gasket_result_metric(result, "log10_bound") * G_LN10;
        double score = score_of(&model, result);
        ck_assert_double_ge(bound, answer.best - 1e-9);
        ck_assert_double_le(score, answer.best + 1e-9);
        ck_assert_double_le(fabs(gasket_result_metric(result, "gap") * G_LN10 - (bound - score)),
                            1e-9);
        if (tree) /* the relaxation of a binary tree is tight */
            ck_assert_double_le(bound, answer.best + 1e-3);
    }
}
END_TEST

/* Every pair of a chain must differ: from an impossible start there is a way out. */
START_TEST(zeros_are_left_behind)
{
    static SmallModel model;
    model = (SmallModel){.n = 8, .states = {3, 3, 3, 3, 3, 3, 3, 3}};
    for (int64_t v = 0; v < 8; v++)
        model.evidence[v] = -1;
    for (int64_t v = 0; v + 1 < 8; v++) {
        SmallFactor *factor = small_model_add(&model, 2, (const int64_t[]){v, v + 1});
        for (unsigned i = 0; i < 9; i++)
            factor->table[i] = i % 4 != 0;
    }
    g_autoptr(GasketResult) result = run_on(&gasket_icm, &model, NULL, 0);
    ck_assert_double_eq(score_of(&model, result), 0);
}
END_TEST

/* ---- verifiers ------------------------------------------------------------------------------- */

/* An algorithm, and what is done to its result before its verifier looks. */
typedef struct {
    const GasketAlgorithm *algorithm;
    const void *parameters;
    enum { LEAVE, SPOIL_STATE, SPOIL_MARGINAL, SWAP_MARGINAL } spoil;
    unsigned variable;
} Trial;

static void
spoil(GasketRun *run, const Trial *trial)
{
    const GasketVertex v = gasket_run_owned(run, GASKET_KIND_VARIABLE, trial->variable);
    const uint64_t *begin = NULL;
    const size_t size = sizeof(int32_t); /* of every state here */

    if (v == GASKET_NO_VERTEX || trial->spoil == LEAVE)
        return;
    if (trial->spoil == SPOIL_STATE) {
        int32_t *state = (int32_t *)(void *)((char *)gasket_run_state(run, 0) + v * size);
        *state = 1 - *state;
        return;
    }
    double *marginal = (double *)gasket_run_result(run, 1, &begin) + begin[v];
    if (trial->spoil == SPOIL_MARGINAL) {
        marginal[0] += 0.1;
        return;
    }
    const double first = marginal[0];
    marginal[0] = marginal[1];
    marginal[1] = first;
}

static bool
run_and_verify(GasketRun *run, const void *parameters, GError **error)
{
    const Trial *trial = parameters;
    g_autofree char *message = NULL;
    g_autoptr(GError) local = NULL;

    if (!trial->algorithm->run(run, trial->parameters, error))
        return false;
    spoil(run, trial);
    bool correct = trial->algorithm->verify(run, trial->parameters, &message, &local);
    if (local != NULL) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    gasket_run_set_metric(run, "correct", correct);
    gasket_run_set_metric(run, "message", message != NULL && strlen(message) > 10);
    return true;
}

static bool
is_verified(const Trial *trial, const SmallModel *model, unsigned workers)
{
    g_autoptr(GError) error = NULL;
    GasketAlgorithm algorithm = *trial->algorithm;
    algorithm.run = run_and_verify;
    algorithm.prepare = NULL;
    const Experiment experiment = {&algorithm, trial, small_model_build, model, .seed = 1};
    g_autoptr(GasketResult) result =
        run_once(&experiment, &(GasketRunOptions){.workers = workers, .seed = 1}, &error);
    ck_assert_msg(result != NULL, "%s", error ? error->message : "");
    ck_assert(gasket_result_metric(result, "message") == 1);
    return gasket_result_metric(result, "correct") == 1;
}

START_TEST(verifiers_compare_with_exact_inference)
{
    static const struct {
        const GasketAlgorithm *algorithm;
        const char *settings[5];
        bool marginals, exact;
    } all[] = {
        {&gasket_bp, {NULL}, true, true},
        {&gasket_bp, {"product", "max", NULL}, false, true},
        {&gasket_gibbs, {"draws", "50", NULL}, true, false},
        {&gasket_gibbs, {"anneal", "true", "draws", "50", NULL}, false, false},
        {&gasket_icm, {NULL}, false, false},
        {&gasket_mean_field, {NULL}, true, false},
        {&gasket_mplp, {NULL}, false, false},
    };
    static SmallModel model;
    for (unsigned a = 0; a < G_N_ELEMENTS(all); a++) {
        g_autofree void *parameters = parameters_of(all[a].algorithm, all[a].settings);
        Trial trial = {all[a].algorithm, parameters, LEAVE, 3};
        for (unsigned seed = 0; seed < 2; seed++) {
            small_model_loopy(&model, 9, 12, 3, 2, 1, seed);
            ck_assert(is_verified(&trial, &model, 1 + 2 * seed));
            small_model_tree(&model, 9, 2, 1, 0, seed);
            model.evidence[3] = 0;
            ck_assert(is_verified(&trial, &model, 1 + 2 * seed));
            trial.spoil = all[a].marginals ? SPOIL_MARGINAL : SPOIL_STATE;
            ck_assert(!is_verified(&trial, &model, 1 + 2 * seed));
            if (all[a].exact && all[a].marginals) {
                trial.spoil = SWAP_MARGINAL;
                ck_assert(!is_verified(&trial, &model, 1 + 2 * seed));
            }
            trial.spoil = LEAVE;
        }
    }
}
END_TEST

START_TEST(every_placement_gives_the_same_bits)
{
    static const struct {
        const GasketAlgorithm *algorithm;
        const char *settings[5];
    } all[] = {
        {&gasket_gibbs, {"draws", "8", "burn-in", "2", NULL}},
        {&gasket_gibbs, {"draws", "8", "anneal", "true", NULL}},
        {&gasket_icm, {NULL}},
        {&gasket_mean_field, {NULL}},
        {&gasket_mplp, {NULL}},
    };
    static const unsigned workers[] = {1, 2, 4, 0};
    static SmallModel model;
    for (unsigned a = 0; a < G_N_ELEMENTS(all); a++) {
        g_autofree void *parameters = parameters_of(all[a].algorithm, all[a].settings);
        small_model_loopy(&model, 12, 16, 3, 3, 0.7, a);
        const Experiment experiment = {all[a].algorithm, parameters, small_model_build,
                                       &model,           3,          .iterations = 20};
        gasket_result_free(run_everywhere(&experiment, workers));
    }
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("inference");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, gibbs_sampling_comes_near_the_marginals);
    tcase_add_test(all, chains_that_cannot_mix_show_in_r_hat);
    tcase_add_test(all, mean_field_bounds_the_partition_function_from_below);
    tcase_add_test(all, mean_field_is_exact_for_independent_variables);
    tcase_add_test(all, annealing_finds_the_best_and_icm_a_local_optimum);
    tcase_add_test(all, mplp_bounds_the_best_from_above);
    tcase_add_test(all, zeros_are_left_behind);
    tcase_add_test(all, verifiers_compare_with_exact_inference);
    tcase_add_test(all, marginals_of_chains_are_distributions);
    tcase_add_test(all, every_placement_gives_the_same_bits);
    TCase *cases[] = {all};
    return check_run("inference", cases, G_N_ELEMENTS(cases));
}
