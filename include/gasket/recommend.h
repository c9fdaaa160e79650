/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recommending from C: ratings -> a trained model -> predictions, lists, models on the disk.
 *
 *   const char *options[] = {"factors=20", "regularization=0.1", NULL};
 *   GasketGraph *ratings = gasket_ratings_read("ratings.csv", 0.1, 1, &error);
 *   if (ratings == NULL)
 *       return false;
 *   GasketFactorModel *model = gasket_factor_model_train(gasket_algorithm_find("als"), options,
 *                                                        &ratings, NULL, &error);
 *   if (model == NULL || !gasket_factor_model_write(model, "model", &error))
 *       return false;
 *   printf("test RMSE %g\n", gasket_factor_model_metric(model, "test.rmse"));
 *
 *   GasketScoredItem best[10];
 *   uint32_t user = gasket_factor_model_find_id(model, 0, "42");
 *   uint32_t n = gasket_factor_model_recommend(model, user, true, 10, best);
 *   for (uint32_t i = 0; i < n; i++) {
 *       char *id = gasket_factor_model_id(model, 1, best[i].item);
 *       printf("%s %g\n", id, best[i].score);
 *       g_free(id);
 *   }
 *   gasket_factor_model_free(model);
 *
 * Users are kind 0 and items kind 1; each is known by its row, 0 and up, ascending by id. A model
 * is read by any number of threads at once. It is what `gasket METHOD ... -o FOLDER` leaves, and
 * `gasket predict`, `recommend` and `similar` read.
 */
#ifndef GASKET_RECOMMEND_H
#define GASKET_RECOMMEND_H

#include <gasket/algorithm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct GasketFactorModel GasketFactorModel;

typedef struct {
    uint32_t item; /* row */
    double score;
} GasketScoredItem;

/* ---- ratings --------------------------------------------------------------------------------- */

/* Reads ratings in any format that the command knows, and holds the fraction `test` (0: none) out
 * of them at random. Errors: INPUT, FORMAT (FILE:LINE), ARGUMENT, MEMORY. */
GASKET_API GasketGraph *gasket_ratings_read(const char *path, double test, uint64_t seed,
                                            GError **error);

/* The same from n ratings in memory, which are copied; several of a pair become their mean.
 * Errors: ARGUMENT, MEMORY. */
GASKET_API GasketGraph *gasket_ratings_new(size_t n, const int64_t *user, const int64_t *item,
                                           const float *rating, double test, uint64_t seed,
                                           GError **error);

/* ---- training -------------------------------------------------------------------------------- */

/* Trains a method with factors or neighbours on ratings, which are used up. options: "name=value"
 * of those that differ from the defaults, ending with NULL; NULL: none. run: workers, threads,
 * iterations, ...; NULL: the defaults. Errors: ARGUMENT; FAILED if the model diverges; MEMORY. */
GASKET_API GasketFactorModel *
gasket_factor_model_train(const GasketAlgorithm *method, const char *const *options,
                          GasketGraph **ratings_take, const GasketRunOptions *run, GError **error);

/* What training measured: test.rmse, baseline.bias.rmse, ...; NAN for what it did not, and of
 * models that were read. */
GASKET_API double gasket_factor_model_metric(const GasketFactorModel *model, const char *name);

/* ---- on the disk ----------------------------------------------------------------------------- */

/* Writes a folder, whole or not at all; a model that stood there is replaced. Errors: IO; ARGUMENT
 * where something else stands. */
GASKET_API bool gasket_factor_model_write(const GasketFactorModel *model, const char *path,
                                          GError **error);

/* Errors: INPUT; FORMAT for what is damaged, cut off, of another version or no model; MEMORY. */
GASKET_API GasketFactorModel *gasket_factor_model_read(const char *path, GError **error);

/* NULL is allowed. */
GASKET_API void gasket_factor_model_free(GasketFactorModel *model);

/* ---- users and items ------------------------------------------------------------------------- */

/* How many of a kind. */
GASKET_API uint32_t gasket_factor_model_n(const GasketFactorModel *model, unsigned kind);

/* The row of an id as text, or GASKET_NO_VERTEX. O(log n). */
GASKET_API uint32_t gasket_factor_model_find_id(const GasketFactorModel *model, unsigned kind,
                                                const char *id);

/* The id of a row; free with g_free. */
GASKET_API char *gasket_factor_model_id(const GasketFactorModel *model, unsigned kind,
                                        uint32_t row);

/* ---- asking ---------------------------------------------------------------------------------- */

/* The rating (clipped to the range of those trained on) or score of a user and an item, either
 * GASKET_NO_VERTEX if not known: then it counts as average. */
GASKET_API double gasket_factor_model_score(const GasketFactorModel *model, uint32_t user,
                                            uint32_t item);

/* The count items with the largest scores for a user (not clipped), best first, ties by row;
 * without those that he was trained on if exclude_seen. ret_list: [count]; returns how many.
 * O(items (factors + log count)). */
GASKET_API uint32_t gasket_factor_model_recommend(const GasketFactorModel *model, uint32_t user,
                                                  bool exclude_seen, uint32_t count,
                                                  GasketScoredItem *ret_list);

/* The same for a user whom the model does not know, from n ratings of items (rows, each once;
 * GASKET_NO_VERTEX counts as none), without those items if exclude_rated: his factors are found as
 * the method would, with the items as they are. Errors: ARGUMENT where the method has no such step;
 * FAILED; MEMORY. */
GASKET_API bool gasket_factor_model_recommend_new(const GasketFactorModel *model, size_t n,
                                                  const uint32_t *item, const float *rating,
                                                  bool exclude_rated, uint32_t count,
                                                  GasketScoredItem *ret_list, uint32_t *ret_n,
                                                  GError **error);

/* The count items whose factors have the largest cosine with those of an item, without itself; of
 * itemknn its neighbours, of userknn none. */
GASKET_API uint32_t gasket_factor_model_like(const GasketFactorModel *model, uint32_t item,
                                             uint32_t count, GasketScoredItem *ret_list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketFactorModel, gasket_factor_model_free)

#ifdef __cplusplus
}
#endif

#endif
