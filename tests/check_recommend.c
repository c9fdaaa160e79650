/* SPDX-License-Identifier: Apache-2.0 */
/* Training and recommending through the public interface alone. */
#include <math.h>
#include <string.h>

#include <gasket/gasket.h>

#include "tests/folder.h"

enum { USERS = 50, ITEMS = 30, FACTORS = 2, MOST = USERS * ITEMS };

typedef struct {
    size_t n;
    int64_t user[MOST], item[MOST];
    float rating[MOST];
    double p[USERS][FACTORS], q[ITEMS][FACTORS];
} Planted;

/* Ratings 3 + p . q of two pairs in three, ids 100 + u and 7 i. */
static Planted *
plant(void)
{
    Planted *planted = g_new0(Planted, 1);
    GasketRandom random = gasket_random_at(3, 0, 0, 0);
    for (int f = 0; f < FACTORS; f++) {
        for (int u = 0; u < USERS; u++)
            planted->p[u][f] = 2 * gasket_random_double(&random) - 1;
        for (int i = 0; i < ITEMS; i++)
            planted->q[i][f] = 2 * gasket_random_double(&random) - 1;
    }
    for (int u = 0; u < USERS; u++) {
        for (int i = 0; i < ITEMS; i++) {
            if ((u + 2 * i) % 3 == 0)
                continue;
            planted->user[planted->n] = 100 + u;
            planted->item[planted->n] = 7 * i;
            planted->rating[planted->n++] = (float)(3 + planted->p[u][0] * planted->q[i][0] +
                                                    planted->p[u][1] * planted->q[i][1]);
        }
    }
    return planted;
}

static GasketFactorModel *
train(const Planted *planted, const char *method, const char *const *options,
      const GasketRunOptions *run, double test)
{
    g_autoptr(GError) error = NULL;
    GasketGraph *ratings = gasket_ratings_new(planted->n, planted->user, planted->item,
                                              planted->rating, test, 5, &error);
    ck_assert_no_error(error);
    GasketFactorModel *model =
        gasket_factor_model_train(gasket_algorithm_find(method), options, &ratings, run, &error);
    ck_assert_no_error(error);
    ck_assert_ptr_null(ratings);
    return model;
}

static const char *const little[] = {"factors=2", "regularization=0.001", NULL};

START_TEST(planted_ratings_come_back_also_of_pairs_that_were_not_there)
{
    g_autofree Planted *planted = plant();
    const GasketRunOptions run = {.iterations = 60, .seed = 1};
    g_autoptr(GasketFactorModel) model = train(planted, "als", little, &run, 0.1);
    ck_assert_uint_eq(gasket_factor_model_n(model, 0), USERS);
    ck_assert_uint_eq(gasket_factor_model_n(model, 1), ITEMS);
    ck_assert_double_lt(gasket_factor_model_metric(model, "test.rmse"), 0.1);
    ck_assert_double_gt(gasket_factor_model_metric(model, "baseline.bias.rmse"), 0.3);
    ck_assert(isnan(gasket_factor_model_metric(model, "no such")));
    for (uint32_t u = 0; u < USERS; u++) {
        g_autofree char *id = gasket_factor_model_id(model, 0, u);
        ck_assert_uint_eq(gasket_factor_model_find_id(model, 0, id), u);
        ck_assert_int_eq(atoi(id), 100 + (int)u);
    }
    ck_assert_uint_eq(gasket_factor_model_find_id(model, 0, "99"), GASKET_NO_VERTEX);
}
END_TEST

START_TEST(lists_leave_out_what_was_seen_and_begin_with_the_best)
{
    g_autofree Planted *planted = plant();
    const GasketRunOptions run = {.iterations = 60, .seed = 1};
    g_autoptr(GasketFactorModel) model = train(planted, "als", little, &run, 0);
    for (uint32_t u = 0; u < USERS; u++) {
        GasketScoredItem list[ITEMS];
        uint32_t n = gasket_factor_model_recommend(model, u, true, ITEMS, list), unseen = 0;
        for (uint32_t i = 0; i < ITEMS; i++)
            unseen += (u + 2 * i) % 3 == 0;
        ck_assert_uint_eq(n, unseen);
        for (uint32_t r = 0; r < n; r++) {
            ck_assert_uint_eq((u + 2 * list[r].item) % 3, 0);
            ck_assert(r == 0 || list[r - 1].score >= list[r].score);
        }
        ck_assert_uint_eq(gasket_factor_model_recommend(model, u, false, ITEMS, list), ITEMS);
    }
}
END_TEST

START_TEST(a_newcomer_who_rates_as_another_gets_his_list)
{
    g_autofree Planted *planted = plant();
    const GasketRunOptions run = {.iterations = 200, .seed = 1};
    g_autoptr(GasketFactorModel) model = train(planted, "als", little, &run, 0);
    g_autoptr(GError) error = NULL;
    uint32_t rows[ITEMS], n = 0, n_list;
    float ratings[ITEMS];
    GasketScoredItem list[ITEMS], expected[ITEMS];
    for (size_t e = 0; e < planted->n; e++) {
        if (planted->user[e] != 103)
            continue;
        rows[n] = (uint32_t)planted->item[e] / 7;
        ratings[n++] = planted->rating[e];
    }
    ck_assert(
        gasket_factor_model_recommend_new(model, n, rows, ratings, true, 4, list, &n_list, &error));
    ck_assert_uint_eq(n_list, gasket_factor_model_recommend(model, 3, true, 4, expected));
    for (uint32_t r = 0; r < n_list; r++) {
        ck_assert_uint_eq(list[r].item, expected[r].item);
        ck_assert_double_eq_tol(list[r].score, expected[r].score, 1e-2);
    }
}
END_TEST

START_TEST(scores_are_the_same_bits_for_every_placement_and_after_a_journey)
{
    static const GasketRunOptions runs[] = {
        {.iterations = 3, .seed = 2, .workers = 1, .threads = 1},
        {.iterations = 3, .seed = 2, .workers = 1, .threads = 2},
        {.iterations = 3, .seed = 2, .workers = 3, .threads = 1},
    };
    g_autofree Planted *planted = plant();
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "model", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketFactorModel) first = train(planted, "sgd", NULL, &runs[0], 0.2);
    for (size_t r = 0; r < G_N_ELEMENTS(runs); r++) {
        g_autoptr(GasketFactorModel) model = train(planted, "sgd", NULL, &runs[r], 0.2);
        ck_assert(gasket_factor_model_write(model, path, &error));
        g_autoptr(GasketFactorModel) again = gasket_factor_model_read(path, &error);
        ck_assert_no_error(error);
        for (uint32_t u = 0; u < USERS; u++)
            for (uint32_t i = 0; i < ITEMS; i++)
                ck_assert_double_eq(gasket_factor_model_score(first, u, i),
                                    gasket_factor_model_score(again, u, i));
    }
}
END_TEST

static void
expect_refusal(const char *method, const char *option)
{
    const int64_t user[] = {1, 2}, item[] = {1, 1};
    const float rating[] = {1, 2};
    const char *const options[] = {option, NULL};
    g_autoptr(GError) error = NULL;
    GasketGraph *ratings = gasket_ratings_new(2, user, item, rating, 0, 0, &error);
    ck_assert_no_error(error);
    ck_assert_ptr_null(
        gasket_factor_model_train(gasket_algorithm_find(method), options, &ratings, NULL, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    ck_assert_ptr_null(ratings);
}

START_TEST(what_does_not_fit_is_refused)
{
    const int64_t id[] = {1};
    const float rating[] = {NAN};
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(gasket_algorithm_find("no such method"));
    expect_refusal("no such method", NULL);
    expect_refusal("pagerank", NULL);
    expect_refusal("als", "factors=0");
    expect_refusal("als", "colour=blue");
    ck_assert_ptr_null(gasket_ratings_new(1, id, id, rating, 0, 0, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    g_clear_error(&error);
    ck_assert_ptr_null(gasket_ratings_new(1, id, id, (const float[]){1}, 1.5, 0, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    g_clear_error(&error);
    ck_assert_ptr_null(gasket_ratings_new(0, NULL, NULL, NULL, 0, 0, &error));
    ck_assert(error != NULL);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("recommend");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, planted_ratings_come_back_also_of_pairs_that_were_not_there);
    tcase_add_test(all, lists_leave_out_what_was_seen_and_begin_with_the_best);
    tcase_add_test(all, a_newcomer_who_rates_as_another_gets_his_list);
    tcase_add_test(all, scores_are_the_same_bits_for_every_placement_and_after_a_journey);
    tcase_add_test(all, what_does_not_fit_is_refused);
    TCase *const cases[] = {all};
    return check_run("recommend", cases, G_N_ELEMENTS(cases));
}
