/* SPDX-License-Identifier: Apache-2.0 */
/* Models of neighbours: what they predict, by hand and as training measured it; on the disk, whole
 * and damaged. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "loaders/neighbour_model.h"
#include "tests/check_main.h"
#include "tests/snapshot_folder.h"

enum { USERS = 40, ITEMS = 25 };

typedef struct {
    size_t n;
    int64_t user[USERS * ITEMS], item[USERS * ITEMS];
    float rating[USERS * ITEMS];
} Table;

static void
draw(Table *table)
{
    GasketRandom random = gasket_random_at(4, 0, 0, 0);
    for (int64_t u = 0; u < USERS; u++)
        for (int64_t i = 0; i < ITEMS; i++)
            if (gasket_random_below(&random, 3) > 0) {
                table->user[table->n] = 2 * u;
                table->item[table->n] = 10 + i;
                table->rating[table->n++] =
                    (float)(1 + (u * 7 + i % 3 * 5) % 4 + gasket_random_below(&random, 2));
            }
}

static GasketFactorModel *
train(const Table *table, const char *method, const char *predict)
{
    const char *const options[] = {"neighbours=6", "shrinkage=3", predict, NULL};
    g_autoptr(GError) error = NULL;
    GasketGraph *ratings =
        gasket_ratings_new(table->n, table->user, table->item, table->rating, 0, 1, &error);
    GasketFactorModel *model =
        gasket_factor_model_train(gasket_algorithm_find(method), options, &ratings, NULL, &error);
    ck_assert_msg(model != NULL, "%s", error ? error->message : "");
    return model;
}

static const char *const methods[] = {"itemknn", "userknn"};

/* The mean square of what scores leave of the ratings. */
static double
error_of(const GasketFactorModel *model, const Table *table)
{
    double squares = 0;
    for (size_t e = 0; e < table->n; e++)
        squares += pow(gasket_factor_model_score(model, (uint32_t)(table->user[e] / 2),
                                                 (uint32_t)(table->item[e] - 10)) -
                           table->rating[e],
                       2);
    return sqrt(squares / (double)table->n);
}

START_TEST(scores_have_the_error_that_training_measured)
{
    static Table table;
    table.n = 0;
    draw(&table);
    g_autoptr(GasketFactorModel) model = train(&table, methods[_i], "predict=ratings");
    const double error = gasket_factor_model_metric(model, "train.rmse");
    ck_assert_double_gt(error, 0.1);
    ck_assert_double_eq_tol(error_of(model, &table), error, 1e-9);
}
END_TEST

/* Of preferences: every similarity whose item the user has rated, by hand. */
START_TEST(a_list_has_the_largest_sums_of_similarities)
{
    static Table table;
    table.n = 0;
    draw(&table);
    g_autoptr(GasketFactorModel) model = train(&table, "itemknn", "predict=preferences");
    bool has[USERS][ITEMS] = {{false}};
    for (size_t e = 0; e < table.n; e++)
        has[table.user[e] / 2][table.item[e] - 10] = true;
    for (uint32_t u = 0; u < USERS; u += 7) {
        double sum[ITEMS] = {0};
        const GasketModelRows *rows = &model->neighbours;
        for (uint32_t i = 0; i < ITEMS; i++)
            for (uint64_t e = rows->begin[i]; e < rows->begin[i + 1]; e++)
                sum[i] += has[u][rows->item[e]] ? (double)rows->value[e] : 0;
        GasketScoredItem list[ITEMS];
        const uint32_t n = gasket_factor_model_recommend(model, u, true, ITEMS, list);
        unsigned unseen = 0;
        for (uint32_t i = 0; i < ITEMS; i++)
            unseen += !has[u][i];
        ck_assert_uint_eq(n, unseen);
        for (uint32_t r = 0; r < n; r++) {
            ck_assert(!has[u][list[r].item]);
            ck_assert_double_eq_tol(list[r].score, sum[list[r].item], 1e-12);
            ck_assert(r == 0 || list[r - 1].score >= list[r].score);
        }
    }
    GasketScoredItem like[ITEMS];
    const uint32_t n = gasket_factor_model_like(model, 3, ITEMS, like);
    ck_assert_uint_eq(n, model->neighbours.begin[4] - model->neighbours.begin[3]);
    for (uint32_t r = 1; r < n; r++)
        ck_assert_double_ge(like[r - 1].score, like[r].score);
}
END_TEST

/* Somebody with the ratings of a user is told what the user is, but for the bias. */
START_TEST(a_newcomer_is_recommended_to_from_his_ratings)
{
    static Table table;
    table.n = 0;
    draw(&table);
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketFactorModel) model = train(&table, "itemknn", "predict=preferences");
    GasketScoredItem known[ITEMS], new[ITEMS];
    uint32_t item[ITEMS], n = 0, n_new;
    float rating[ITEMS];
    for (size_t e = table.n; e-- > 0;) /* in falling order */
        if (table.user[e] == 6) {
            item[n] = (uint32_t)(table.item[e] - 10);
            rating[n++] = table.rating[e];
        }
    item[n] = GASKET_NO_VERTEX;
    rating[n] = 1;
    ck_assert(gasket_factor_model_recommend_new(model, n + 1, item, rating, true, ITEMS, new,
                                                &n_new, &error));
    ck_assert_uint_eq(gasket_factor_model_recommend(model, 3, true, ITEMS, known), n_new);
    for (uint32_t r = 0; r < n_new; r++) {
        ck_assert_uint_eq(known[r].item, new[r].item);
        ck_assert_double_eq_tol(known[r].score, new[r].score, 1e-12);
    }
    g_autoptr(GasketFactorModel) users = train(&table, "userknn", "predict=ratings");
    ck_assert(!gasket_factor_model_recommend_new(users, n, item, rating, true, ITEMS, new, &n_new,
                                                 &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
}
END_TEST

START_TEST(a_model_comes_back_from_the_disk_and_a_damaged_one_does_not)
{
    static Table table;
    table.n = 0;
    draw(&table);
    SnapshotFolder folder = snapshot_folder_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketFactorModel) model = train(&table, methods[_i], "predict=ratings");
    ck_assert(gasket_factor_model_write(model, folder.path, &error));
    g_autoptr(GasketFactorModel) again = gasket_factor_model_read(folder.path, &error);
    ck_assert_msg(again != NULL, "%s", error ? error->message : "");
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            ck_assert_double_eq(gasket_factor_model_score(model, u, i),
                                gasket_factor_model_score(again, u, i));
    g_autoptr(GDir) dir = g_dir_open(folder.path, 0, NULL);
    unsigned n = 0;
    for (const char *name; (name = g_dir_read_name(dir)) != NULL; n++) {
        g_autofree char *path = g_build_filename(folder.path, name, NULL), *bytes = NULL;
        gsize size;
        ck_assert(g_file_get_contents(path, &bytes, &size, NULL));
        for (gsize at = 0; at < size; at += 1 + size / 20) {
            g_clear_error(&error);
            bytes[at] ^= 4;
            ck_assert(g_file_set_contents(path, bytes, (gssize)size, NULL));
            ck_assert_msg(gasket_factor_model_read(folder.path, &error) == NULL, "%s, byte %zu",
                          name, at);
            bytes[at] ^= 4;
        }
        ck_assert(g_file_set_contents(path, bytes, (gssize)size / 2, NULL));
        g_clear_error(&error);
        ck_assert(gasket_factor_model_read(folder.path, &error) == NULL);
        ck_assert(g_file_set_contents(path, bytes, (gssize)size, NULL));
    }
    ck_assert_uint_eq(n, 11);
    snapshot_folder_clear(&folder);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, scores_have_the_error_that_training_measured, 0, 2);
    tcase_add_test(all, a_list_has_the_largest_sums_of_similarities);
    tcase_add_test(all, a_newcomer_is_recommended_to_from_his_ratings);
    tcase_add_loop_test(all, a_model_comes_back_from_the_disk_and_a_damaged_one_does_not, 0, 2);
    TCase *cases[] = {all};
    return check_run("neighbour_model", cases, G_N_ELEMENTS(cases));
}
