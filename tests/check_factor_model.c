/* SPDX-License-Identifier: Apache-2.0 */
/* Models asked by their owners: new users against dense equations, lists against sorting. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gasket/random.h>

#include "engine/array.h"
#include "loaders/factor_fold.h"
#include "loaders/factor_lists.h"
#include "tests/check_main.h"

enum { RANK = 4, USERS = 9, ITEMS = 14, RATED = 6, MOST = RANK + 1 };

static float *
drawn(GasketRandom *random, size_t n, double shift)
{
    GError *error = NULL;
    float *array = gasket_array_new(n, sizeof *array, &error);
    ck_assert_ptr_nonnull(array);
    for (size_t i = 0; i < n; i++)
        array[i] = (float)(shift > 0 ? shift + gasket_random_double(random)
                                     : gasket_random_normal(random));
    return array;
}

/* positive: factors and no biases, as those of nmf. */
static GasketFactorModel *
new_model(const char *algorithm, bool positive)
{
    GasketRandom random = gasket_random_at(7, 0, 0, 0);
    GasketFactorModel *model = gasket_factor_model_new(algorithm, RANK);
    static const uint32_t n[2] = {USERS, ITEMS};
    GError *error = NULL;
    for (unsigned k = 0; k < 2; k++) {
        GasketFactorSide *side = &model->side[k];
        side->n = side->ids.n = n[k];
        side->factors = drawn(&random, (size_t)n[k] * RANK, positive ? 0.2 : 0);
        side->bias = drawn(&random, n[k], 0);
        side->ids.integer = gasket_array_new(n[k], sizeof(int64_t), &error);
        for (uint32_t i = 0; i < n[k]; i++) {
            side->ids.integer[i] = 10 * i;
            side->bias[i] *= positive ? 0 : 0.3f;
        }
    }
    model->mean = positive ? 0 : 3.5;
    return model;
}

static void
set_option(GasketFactorModel *model, const char *name, const char *value)
{
    g_hash_table_insert(model->options, g_strdup(name), g_strdup(value));
}

static const uint32_t rated[RATED] = {1, 3, 4, 8, 12, 13};
static const float ratings[RATED] = {4, 1.5f, 5, 2, 3, 4.5f};

/* a x = t in place of t by elimination with pivots. */
static void
eliminate(size_t n, double a[MOST][MOST], double t[MOST])
{
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;
        for (size_t r = c; r < n; r++)
            if (fabs(a[r][c]) > fabs(a[pivot][c]))
                pivot = r;
        for (size_t j = 0; j < n; j++) {
            double old = a[c][j];
            a[c][j] = a[pivot][j];
            a[pivot][j] = old;
        }
        double old = t[c];
        t[c] = t[pivot];
        t[pivot] = old;
        for (size_t r = 0; r < n; r++) {
            double factor = r == c ? 0 : a[r][c] / a[c][c];
            for (size_t j = 0; j < n; j++)
                a[r][j] -= factor * a[c][j];
            t[r] -= factor * t[c];
        }
    }
    for (size_t i = 0; i < n; i++)
        t[i] /= a[i][i];
}

/* The row of an item in a design matrix: its factors, and a 1 for the bias. */
static void
design(const GasketFactorModel *model, uint32_t item, double row[MOST])
{
    for (size_t f = 0; f < RANK; f++)
        row[f] = (double)model->side[1].factors[item * RANK + f];
    row[RANK] = 1;
}

/* Least squares over all items with weights and targets of each, and n (l, ..., l') on the
 * diagonal. */
static void
least_squares(const GasketFactorModel *model, size_t n, const double *weight, const double *target,
              double factors, double bias, double ret[MOST])
{
    double a[MOST][MOST] = {{0}}, row[MOST];
    memset(ret, 0, MOST * sizeof *ret);
    for (uint32_t i = 0; i < ITEMS; i++) {
        design(model, i, row);
        for (size_t f = 0; f < n; f++) {
            for (size_t g = 0; g < n; g++)
                a[f][g] += weight[i] * row[f] * row[g];
            ret[f] += weight[i] * target[i] * row[f];
        }
    }
    for (size_t f = 0; f < n; f++)
        a[f][f] += f < RANK ? factors : bias;
    eliminate(n, a, ret);
}

static void
fold(const GasketFactorModel *model, float factors[RANK], float *bias)
{
    GError *error = NULL;
    g_autoptr(GasketFactorFold) fold = gasket_factor_fold_new(model, &error);
    ck_assert_msg(fold != NULL, "%s", error != NULL ? error->message : "");
    /* An item that the model does not have says nothing. */
    uint32_t items[RATED + 1] = {GASKET_NO_VERTEX};
    float given[RATED + 1] = {1};
    memcpy(items + 1, rated, sizeof rated);
    memcpy(given + 1, ratings, sizeof ratings);
    ck_assert(gasket_factor_fold_user(fold, RATED + 1, items, given, factors, bias, &error));
}

static void
expect(const GasketFactorModel *model, const double *x, double bias)
{
    float factors[RANK], found;
    fold(model, factors, &found);
    for (size_t f = 0; f < RANK; f++)
        ck_assert_double_eq_tol(factors[f], x[f], 1e-5);
    ck_assert_double_eq_tol(found, bias, 1e-5);
}

/* Of what is rated: weights of 1 and what is left of the rating without the item's bias. */
static void
residuals(const GasketFactorModel *model, double weight[ITEMS], double target[ITEMS])
{
    memset(weight, 0, ITEMS * sizeof *weight);
    memset(target, 0, ITEMS * sizeof *target);
    for (size_t e = 0; e < RATED; e++) {
        weight[rated[e]] = 1;
        target[rated[e]] = ratings[e] - model->mean - (double)model->side[1].bias[rated[e]];
    }
}

START_TEST(a_new_user_solves_the_least_squares_of_the_method)
{
    static const struct {
        const char *algorithm, *bias_option;
        double bias;
    } methods[] = {{"als", NULL, 0.2}, {"sgd", "0.05", 0.05}, {"svdpp", "0.05", 0.05}};
    for (size_t m = 0; m < G_N_ELEMENTS(methods); m++) {
        g_autoptr(GasketFactorModel) model = new_model(methods[m].algorithm, false);
        double weight[ITEMS], target[ITEMS], x[MOST];
        set_option(model, "regularization", "0.2");
        if (methods[m].bias_option != NULL)
            set_option(model, "bias-regularization", methods[m].bias_option);
        residuals(model, weight, target);
        least_squares(model, MOST, weight, target, 0.2 * RATED, methods[m].bias * RATED, x);
        expect(model, x, x[RANK]);
    }
}
END_TEST

START_TEST(without_biases_there_is_none)
{
    g_autoptr(GasketFactorModel) model = new_model("als", true);
    double weight[ITEMS], target[ITEMS], x[MOST];
    set_option(model, "regularization", "0.2");
    set_option(model, "no-biases", "true");
    residuals(model, weight, target);
    least_squares(model, RANK, weight, target, 0.2 * RATED, 0, x);
    expect(model, x, 0);
}
END_TEST

START_TEST(coordinate_descent_has_a_damped_bias_first)
{
    g_autoptr(GasketFactorModel) model = new_model("ccdpp", false);
    double weight[ITEMS], target[ITEMS], x[MOST], bias = 0;
    set_option(model, "regularization", "0.2");
    residuals(model, weight, target);
    for (size_t e = 0; e < RATED; e++)
        bias += target[rated[e]] / (15 + RATED);
    for (size_t e = 0; e < RATED; e++)
        target[rated[e]] -= bias;
    least_squares(model, RANK, weight, target, 0.2 * RATED, 0, x);
    expect(model, x, bias);
}
END_TEST

START_TEST(implicit_feedback_counts_all_items)
{
    g_autoptr(GasketFactorModel) model = new_model("ials", true);
    double weight[ITEMS], target[ITEMS] = {0}, x[MOST];
    model->scores = true;
    set_option(model, "regularization", "0.7");
    set_option(model, "alpha", "3");
    for (size_t i = 0; i < ITEMS; i++)
        weight[i] = 1;
    for (size_t e = 0; e < RATED; e++) {
        weight[rated[e]] = 1 + 3 * (double)ratings[e];
        target[rated[e]] = 1;
    }
    least_squares(model, RANK, weight, target, 0.7, 0, x);
    expect(model, x, 0);
}
END_TEST

START_TEST(a_row_is_projected_on_singular_vectors)
{
    g_autoptr(GasketFactorModel) model = new_model("svd", true);
    double weight[ITEMS], target[ITEMS] = {0}, x[MOST];
    model->scores = true;
    for (size_t i = 0; i < ITEMS; i++)
        weight[i] = 1;
    for (size_t e = 0; e < RATED; e++)
        target[rated[e]] = (double)ratings[e];
    least_squares(model, RANK, weight, target, 0, 0, x);
    expect(model, x, 0);
}
END_TEST

/* A z = c with A = S^-1 + alpha sum y y', c = S^-1 m + alpha sum (r - rest) y: times S. */
START_TEST(bayes_draws_a_user_to_the_others)
{
    g_autoptr(GasketFactorModel) model = new_model("bpmf", false);
    double mean[MOST] = {0}, s[MOST][MOST] = {{0}}, a[MOST][MOST], c[MOST];
    double yy[MOST][MOST] = {{0}}, yr[MOST] = {0}, weight[ITEMS], target[ITEMS], row[MOST];
    const double alpha = 1.5;
    set_option(model, "precision", "1.5");
    for (size_t pass = 0; pass < 2; pass++) {
        for (uint32_t u = 0; u < USERS; u++) {
            for (size_t f = 0; f < RANK; f++)
                row[f] = (double)model->side[0].factors[u * RANK + f];
            row[RANK] = (double)model->side[0].bias[u];
            for (size_t f = 0; f < MOST; f++) {
                mean[f] += pass == 0 ? row[f] / USERS : 0;
                for (size_t g = 0; pass == 1 && g < MOST; g++)
                    s[f][g] += (row[f] - mean[f]) * (row[g] - mean[g]) / USERS;
            }
        }
    }
    residuals(model, weight, target);
    for (size_t e = 0; e < RATED; e++) {
        design(model, rated[e], row);
        for (size_t f = 0; f < MOST; f++) {
            yr[f] += alpha * target[rated[e]] * row[f];
            for (size_t g = 0; g < MOST; g++)
                yy[f][g] += alpha * row[f] * row[g];
        }
    }
    for (size_t f = 0; f < MOST; f++)
        s[f][f] += 1e-6; /* as the fold does, in case all users agree */
    for (size_t f = 0; f < MOST; f++) {
        c[f] = mean[f];
        for (size_t g = 0; g < MOST; g++) {
            a[f][g] = f == g;
            c[f] += s[f][g] * yr[g];
            for (size_t h = 0; h < MOST; h++)
                a[f][g] += s[f][h] * yy[h][g];
        }
    }
    eliminate(MOST, a, c);
    expect(model, c, c[RANK]);
}
END_TEST

/* No step of one factor lowers what nmf lowers. */
START_TEST(non_negative_factors_are_at_the_minimum)
{
    for (int kl = 0; kl < 2; kl++) {
        g_autoptr(GasketFactorModel) model = new_model("nmf", true);
        float factors[RANK], bias;
        set_option(model, "loss", kl ? "kl" : "squared");
        set_option(model, "regularization", "0.05");
        fold(model, factors, &bias);
        ck_assert_double_eq(bias, 0);
        for (size_t f = 0; f < RANK; f++) {
            double slope = 0.05 * RATED * (kl ? 1 : (double)factors[f]);
            for (size_t e = 0; e < RATED; e++) {
                double row[MOST], score = 0;
                design(model, rated[e], row);
                for (size_t g = 0; g < RANK; g++)
                    score += (double)factors[g] * row[g];
                slope +=
                    (kl ? 1 - (double)ratings[e] / score : score - (double)ratings[e]) * row[f];
            }
            ck_assert(factors[f] >= 0);
            if (factors[f] > 1e-3f)
                ck_assert_double_eq_tol(slope, 0, 1e-3);
            else
                ck_assert(slope > -1e-3);
        }
    }
}
END_TEST

START_TEST(a_user_without_ratings_is_the_average)
{
    g_autoptr(GasketFactorModel) model = new_model("als", false);
    GError *error = NULL;
    g_autoptr(GasketFactorFold) fold = gasket_factor_fold_new(model, &error);
    float factors[RANK] = {1, 1, 1, 1}, bias = 1;
    ck_assert(gasket_factor_fold_user(fold, 0, NULL, NULL, factors, &bias, &error));
    for (size_t f = 0; f < RANK; f++)
        ck_assert_double_eq(factors[f], 0);
    ck_assert_double_eq(bias, 0);
}
END_TEST

START_TEST(scores_without_such_a_step_are_refused)
{
    g_autoptr(GasketFactorModel) model = new_model("another", false);
    GError *error = NULL;
    model->scores = true;
    ck_assert_ptr_null(gasket_factor_fold_new(model, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    g_error_free(error);
}
END_TEST

/* ---- lists ----------------------------------------------------------------------------------- */

START_TEST(lists_are_the_heads_of_sorted_scores)
{
    g_autoptr(GasketFactorModel) model = new_model("als", false);
    const uint32_t excluded[] = {0, 5, 6, 13, GASKET_NO_VERTEX};
    memcpy(model->side[1].factors + 3 * RANK, model->side[1].factors + 2 * RANK,
           RANK * sizeof(float));
    model->side[1].bias[3] = model->side[1].bias[2]; /* a tie */
    for (uint32_t count = 0; count <= ITEMS; count++) {
        GasketScoredItem list[ITEMS];
        const float *p = model->side[0].factors;
        uint32_t n = gasket_factor_model_best(model, p, 0.25f, excluded, 5, count, list);
        ck_assert_uint_eq(n, MIN(count, ITEMS - 4));
        for (uint32_t r = 0; r < n; r++) {
            double row[MOST], score = model->mean + 0.25;
            design(model, list[r].item, row);
            score += (double)model->side[1].bias[list[r].item];
            for (size_t f = 0; f < RANK; f++)
                score += (double)p[f] * row[f];
            ck_assert_double_eq_tol(list[r].score, score, 1e-12);
            ck_assert(r == 0 || list[r - 1].score > list[r].score ||
                      (list[r - 1].score == list[r].score && list[r - 1].item < list[r].item));
            for (size_t x = 0; x < 4; x++)
                ck_assert_uint_ne(list[r].item, excluded[x]);
        }
        GasketScoredItem all[ITEMS];
        gasket_factor_model_best(model, p, 0.25f, excluded, 5, ITEMS, all);
        for (uint32_t r = 0; r < n; r++)
            ck_assert_uint_eq(all[r].item, list[r].item);
    }
}
END_TEST

START_TEST(items_are_like_those_in_the_same_direction)
{
    g_autoptr(GasketFactorModel) model = new_model("als", false);
    GasketScoredItem list[ITEMS];
    for (size_t f = 0; f < RANK; f++) {
        model->side[1].factors[7 * RANK + f] = 2 * model->side[1].factors[2 * RANK + f];
        model->side[1].factors[9 * RANK + f] = -model->side[1].factors[2 * RANK + f];
    }
    uint32_t n = gasket_factor_model_like(model, 2, ITEMS, list);
    ck_assert_uint_eq(n, ITEMS - 1);
    ck_assert_uint_eq(list[0].item, 7);
    ck_assert_double_eq_tol(list[0].score, 1, 1e-12);
    ck_assert_uint_eq(list[n - 1].item, 9);
    ck_assert_double_eq_tol(list[n - 1].score, -1, 1e-12);
}
END_TEST

/* ---- what was seen --------------------------------------------------------------------------- */

START_TEST(what_was_seen_comes_back_from_a_file)
{
    uint64_t begin[] = {0, 2, 2, 5};
    uint32_t item[] = {1, 4, 0, 2, 3};
    const GasketModelRows seen = {.n = 3, .begin = begin, .item = item};
    g_auto(GasketModelRows) again = {0};
    FILE *file = tmpfile();
    GError *error = NULL;
    ck_assert_ptr_nonnull(file);
    ck_assert(gasket_seen_store(&seen, fileno(file), &error));
    ck_assert(gasket_seen_fetch(fileno(file), &again, &error));
    ck_assert_uint_eq(again.n, 3);
    ck_assert_int_eq(memcmp(again.begin, begin, sizeof begin), 0);
    ck_assert_int_eq(memcmp(again.item, item, sizeof item), 0);
    ck_assert_int_eq(ftruncate(fileno(file), 40), 0);
    g_auto(GasketModelRows) cut = {0};
    ck_assert(!gasket_seen_fetch(fileno(file), &cut, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_IO));
    g_error_free(error);
    ck_assert_int_eq(fclose(file), 0);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_new_user_solves_the_least_squares_of_the_method);
    tcase_add_test(all, without_biases_there_is_none);
    tcase_add_test(all, coordinate_descent_has_a_damped_bias_first);
    tcase_add_test(all, implicit_feedback_counts_all_items);
    tcase_add_test(all, a_row_is_projected_on_singular_vectors);
    tcase_add_test(all, bayes_draws_a_user_to_the_others);
    tcase_add_test(all, non_negative_factors_are_at_the_minimum);
    tcase_add_test(all, a_user_without_ratings_is_the_average);
    tcase_add_test(all, scores_without_such_a_step_are_refused);
    tcase_add_test(all, lists_are_the_heads_of_sorted_scores);
    tcase_add_test(all, items_are_like_those_in_the_same_direction);
    tcase_add_test(all, what_was_seen_comes_back_from_a_file);
    TCase *const cases[] = {all};
    return check_run("factor_model", cases, G_N_ELEMENTS(cases));
}
