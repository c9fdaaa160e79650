/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recommending from a C program: trains on a file of ratings, says how good the model is, lists
 * items for one user and for a newcomer, and keeps the model.
 *
 *   cc recommend.c -o recommend $(pkg-config --cflags --libs gasket)
 *   ./recommend ratings.csv 42 model
 *
 * The folder that it writes is one that `gasket predict`, `recommend` and `similar` read.
 */
#include <stdio.h>
#include <stdlib.h>

#include <glib.h>

#include <gasket/gasket.h>

enum { LISTED = 5 };

static void
print_list(const GasketFactorModel *model, const char *title, const GasketScoredItem *list,
           uint32_t n)
{
    printf("%s\n", title);
    for (uint32_t i = 0; i < n; i++) {
        char *id = gasket_factor_model_id(model, 1, list[i].item);
        printf("  %s  %.4f\n", id, list[i].score);
        g_free(id);
    }
}

/* Someone who likes the first item of the model best, and the second not at all. */
static bool
recommend_to_newcomer(const GasketFactorModel *model, GError **error)
{
    const uint32_t items[] = {0, 1};
    const float ratings[] = {5, 1};
    GasketScoredItem list[LISTED];
    uint32_t n;
    if (!gasket_factor_model_recommend_new(model, 2, items, ratings, true, LISTED, list, &n, error))
        return false;
    print_list(model, "a newcomer", list, n);
    return true;
}

static bool
recommend(const char *path, const char *id, const char *folder, GError **error)
{
    static const char *const options[] = {"factors=8", "regularization=0.1", NULL};
    const GasketRunOptions run = {.threads = 2, .iterations = 10, .seed = 1};
    GasketGraph *ratings = gasket_ratings_read(path, 0.1, run.seed, error);
    if (ratings == NULL)
        return false;
    g_autoptr(GasketFactorModel) model =
        gasket_factor_model_train(gasket_algorithm_find("als"), options, &ratings, &run, error);
    if (model == NULL)
        return false;
    printf("test RMSE %.4f, of biases alone %.4f\n", gasket_factor_model_metric(model, "test.rmse"),
           gasket_factor_model_metric(model, "baseline.bias.rmse"));

    const uint32_t user = gasket_factor_model_find_id(model, 0, id);
    if (user != GASKET_NO_VERTEX) {
        GasketScoredItem list[LISTED];
        uint32_t n = gasket_factor_model_recommend(model, user, true, LISTED, list);
        print_list(model, id, list, n);
    }
    return recommend_to_newcomer(model, error) && gasket_factor_model_write(model, folder, error);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    if (argc != 4) {
        fprintf(stderr, "usage: %s RATINGS USER FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    if (recommend(argv[1], argv[2], argv[3], &error))
        return EXIT_SUCCESS;
    fprintf(stderr, "%s: %s\n", argv[0], error->message);
    return EXIT_FAILURE;
}
