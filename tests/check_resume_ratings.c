/* SPDX-License-Identifier: Apache-2.0 */
/* Methods on ratings that go on from a snapshot. */
#include "algorithms/algorithms.h"
#include "tests/ratings_times.h"
#include "tests/resumes.h"

static const struct {
    const GasketAlgorithm *algorithm;
    const char *options;
} methods[] = {
    {&gasket_als, "factors=3"},
    {&gasket_sgd, "factors=3"},
    {&gasket_svdpp, "factors=3"},
    {&gasket_time_svdpp, "factors=3 bins=4"},
    {&gasket_tensor_als, "factors=3 bins=3"},
    {&gasket_nmf, "factors=3"},
    {&gasket_ccdpp, "factors=3"},
    {&gasket_ials, "factors=3"},
    {&gasket_bpmf, "factors=3 burn-in=2"},
    {&gasket_fm, "factors=3 burn-in=2"},
    {&gasket_fm, "factors=3 learner=als"},
    {&gasket_bpr, "factors=3"},
    {&gasket_logistic_mf, "factors=3"},
};

START_TEST(a_method_ends_with_the_same_bits_as_if_it_was_never_stopped)
{
    Ratings ratings = ratings_plant(30, 20, 2, 0.5, 0.5, true);
    g_autofree void *parameters = ratings_parameters(methods[_i].algorithm, methods[_i].options);
    assert_resumes_anywhere(&(Experiment){methods[_i].algorithm, parameters,
                                          ratings_build_with_times, .data = &ratings, .seed = 5,
                                          .iterations = 5});
    ratings_clear(&ratings);
}
END_TEST

/* The best iteration so far, and how long ago it was. */
START_TEST(the_best_iteration_comes_back)
{
    static const GasketAlgorithm *const algorithms[] = {&gasket_sgd, &gasket_tensor_als};
    static const char *const options[] = {"factors=8 regularization=0 rate=0.2",
                                          "factors=8 bins=3 regularization=0.0001"};
    Ratings ratings = ratings_plant(30, 20, 6, 0.5, 0.5, true);
    g_autofree void *parameters = ratings_parameters(algorithms[_i], options[_i]);
    g_autoptr(GError) error = NULL;
    const Experiment experiment = {algorithms[_i],   parameters, ratings_build_to_validate,
                                   .data = &ratings, .seed = 5,  .iterations = 20};
    GasketRunOptions run = {.workers = 1, .seed = 5, .iterations = 20};
    g_autoptr(GasketResult) result = run_once(&experiment, &run, &error);
    ck_assert_no_error(error);
    if (_i == 0) /* it stopped early */
        ck_assert_uint_lt(gasket_result_iterations(result), 20);
    ck_assert_uint_gt(gasket_result_iterations(result), 3);
    assert_resumes(&experiment, result, 3);
    ratings_clear(&ratings);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_loop_test(all, a_method_ends_with_the_same_bits_as_if_it_was_never_stopped, 0,
                        G_N_ELEMENTS(methods));
    tcase_add_loop_test(all, the_best_iteration_comes_back, 0, 2);
    TCase *cases[] = {all};
    return check_run("resume_ratings", cases, G_N_ELEMENTS(cases));
}
