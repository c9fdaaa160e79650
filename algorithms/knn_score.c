/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Predictions from neighbours' lists: errors and rankings; see knn.c for the formulas.
 *
 * Errors are measured where the raters are: a rater knows what it left over of each own vertex, and
 * reads the lists of those to be predicted. A ranking scores all items for a user: of items, every
 * worker gets the lists; of users, what every user has rated.
 */
#include "knn.h"

#include <math.h>
#include <string.h>

#include "ranking.h"

/* What a rater left over of own vertices, by ordinal; zeros between raters. */
typedef struct {
    float *left; /* [n_own] */
    float *has;  /* [n_own] 1 where there is a rating */
} Left;

static Left
left_of(void *scratch, uint32_t n)
{
    return (Left){scratch, (float *)scratch + n};
}

static double
left_over(const Knn *knn, float rating, const KnnTold *own, float rater_bias)
{
    return rating - knn->model.mean - own->bias - rater_bias;
}

static void
fill(const Knn *knn, const GasketRows *rows, size_t i, float rater_bias, const Left *left)
{
    const float *rating = rows->column[0].data;
    for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
        const KnnTold *own = knn_own(knn, rows->values, rows->neighbour[e]);
        left->left[own->ordinal] = (float)left_over(knn, rating[e], own, rater_bias);
        left->has[own->ordinal] = 1;
    }
}

static void
clear(const Knn *knn, const GasketRows *rows, size_t i, const Left *left)
{
    for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
        const KnnTold *own = knn_own(knn, rows->values, rows->neighbour[e]);
        left->left[own->ordinal] = left->has[own->ordinal] = 0;
    }
}

/* ---- errors ---------------------------------------------------------------------------------- */

static double
predict(const Knn *knn, const KnnTold *own, float rater_bias, const Left *left)
{
    const GasketRecommender *model = &knn->model;
    double above = 0, below = knn->given->damping;
    for (uint32_t j = 0; j < own->n; j++) {
        const KnnEntry *entry = &own->entry[j];
        above += (double)entry->weight * left->left[entry->ordinal];
        below += (double)entry->weight * left->has[entry->ordinal];
    }
    const double x = model->mean + own->bias + rater_bias + (above != 0 ? above / below : 0);
    return fmin(fmax(x, model->low), model->high);
}

static void
errors_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Knn *knn = context->parameters;
    const GasketRows *train = &run->rows[0], *rows = &run->rows[1];
    const float *rating = rows->column[0].data;
    const Left left = left_of(context->scratch, knn->n_own);
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const float bias = knn_rater(run->published, run->value_begin, run->vertex[i])->bias;
        double squares = 0, magnitudes = 0;
        if (rows->begin[i] == rows->end[i])
            continue;
        fill(knn, train, i, bias, &left);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const KnnTold *own = knn_own(knn, rows->values, rows->neighbour[e]);
            const double off = predict(knn, own, bias, &left) - rating[e];
            squares += off * off;
            magnitudes += fabs(off);
        }
        clear(knn, train, i, &left);
        gasket_add(context, KNN_ERRORS, 0, squares);
        gasket_add(context, KNN_ERRORS, 1, magnitudes);
    }
}

static bool
measure(const Knn *knn, unsigned relation, double *ret_rmse, double *ret_mae, GError **error)
{
    const GasketDirection direction = knn->rater == 0 ? GASKET_OUT : GASKET_IN;
    const GasketRowSet rows[] = {{0, direction}, {relation, direction}};
    const GasketProgram program = {.name = "errors",
                                   .kind = knn->rater,
                                   .rows = rows,
                                   .n_rows = 2,
                                   .whole_rows = true,
                                   .apply = errors_apply,
                                   .changes = GASKET_CHANGES_NONE,
                                   .scratch_size = 2 * knn->n_own * sizeof(float),
                                   .aggregates = UINT64_C(1) << KNN_ERRORS,
                                   .parameters = knn};
    const double n = (double)gasket_run_n_edges(knn->model.run, relation);
    if (!gasket_run_step(knn->model.run, &program, error))
        return false;
    *ret_rmse = sqrt(gasket_run_total(knn->model.run, KNN_ERRORS, 0) / n);
    *ret_mae = gasket_run_total(knn->model.run, KNN_ERRORS, 1) / n;
    return true;
}

bool
knn_report_baseline(const Knn *knn, const char *name, GError **error)
{
    double rmse, mae;
    if (!measure(knn, knn->model.has_test ? 1 : 0, &rmse, &mae, error))
        return false;
    gasket_run_set_metric(knn->model.run, name, rmse);
    return true;
}

bool
knn_report_errors(Knn *knn, GError **error)
{
    static const char *const names[][2] = {{"train.rmse", "train.mae"},
                                           {"test.rmse", "test.mae"},
                                           {"validation.rmse", "validation.mae"}};
    GasketRecommender *model = &knn->model;
    double *const rmse[] = {&model->train, &model->test, &model->validation};
    const bool has[] = {true, model->has_test, model->has_validation};
    for (unsigned relation = 0; relation < 3; relation++) {
        double mae;
        if (!has[relation])
            continue;
        if (!measure(knn, relation, rmse[relation], &mae, error))
            return false;
        gasket_run_set_metric(model->run, names[relation][0], *rmse[relation]);
        gasket_run_set_metric(model->run, names[relation][1], mae);
    }
    return true;
}

/* ---- ranking by similar items ---------------------------------------------------------------- */

typedef struct {
    const Knn *knn;
    uint32_t n_items;
    float *bias; /* [n_items] by ordinal */
    /* of items: */
    float *lists; /* [n_items][3 K] halves of an ordinal, similarity */
    /* of users: */
    uint64_t *begin; /* [users + 1] by ordinal */
    KnnEntry *rated; /* item's ordinal, what was left over */
} Scores;

static double
score_from(const Scores *scores, uint32_t item, double above, double below)
{
    if (scores->knn->preferences)
        return below;
    return scores->bias[item] + (above != 0 ? above / (scores->knn->given->damping + below) : 0);
}

static void
score_items(const void *data, const GasketVertices *run, size_t i, void *scratch, float *score)
{
    const Scores *scores = data;
    const Knn *knn = scores->knn;
    const size_t k = (size_t)knn->given->neighbours;
    const Left left = left_of(scratch, scores->n_items);
    const float bias = knn_rater(run->published, run->value_begin, run->vertex[i])->bias;

    fill(knn, run->rows, i, bias, &left);
    for (uint32_t item = 0; item < scores->n_items; item++) {
        const float *entry = scores->lists + item * 3 * k;
        double above = 0, below = 0;
        for (size_t j = 0; j < k && entry[2] > 0; j++, entry += 3) {
            const uint32_t other = (uint32_t)entry[0] << 16 | (uint32_t)entry[1];
            above += (double)entry[2] * left.left[other];
            below += (double)entry[2] * left.has[other];
        }
        score[item] = (float)score_from(scores, item, above, below);
    }
    clear(knn, run->rows, i, &left);
}

static double
item_bias(const void *data, GasketVertex v, unsigned c)
{
    const Knn *knn = data;
    (void)c;
    return ((const KnnState *)gasket_run_state(knn->model.run, 1))[v].bias;
}

static double
list_element(const void *data, GasketVertex v, unsigned c)
{
    const Knn *knn = data;
    const KnnTold *told = knn_own(knn, gasket_run_values(knn->model.run, knn->own), v);
    const KnnEntry *entry = &told->entry[c / 3];
    if (c / 3 >= told->n)
        return 0;
    return c % 3 == 0 ? entry->ordinal >> 16 : c % 3 == 1 ? entry->ordinal & 0xffff : entry->weight;
}

/* ---- ranking by similar users ---------------------------------------------------------------- */

static void
score_by_users(const void *data, const GasketVertices *run, size_t i, void *scratch, float *score)
{
    const Scores *scores = data;
    const KnnTold *told = knn_own(scores->knn, run->published, run->vertex[i]);
    double *above = scratch, *below = above + scores->n_items;

    for (uint32_t j = 0; j < told->n; j++) {
        const uint32_t other = told->entry[j].ordinal;
        const double s = told->entry[j].weight;
        for (uint64_t e = scores->begin[other]; e < scores->begin[other + 1]; e++) {
            above[scores->rated[e].ordinal] += s * scores->rated[e].weight;
            below[scores->rated[e].ordinal] += s;
        }
    }
    for (uint32_t item = 0; item < scores->n_items; item++)
        score[item] = (float)score_from(scores, item, above[item], below[item]);
    memset(above, 0, 2 * scores->n_items * sizeof *above);
}

static double
row_length(const void *data, GasketVertex v, unsigned c)
{
    const GasketRows *rows = data;
    (void)c;
    return (double)(rows->end[v] - rows->begin[v]);
}

/* Puts what owned users rated of entries first .. first + n - 1 into chunk [2 n]. */
static void
take_rated(const Scores *scores, const GasketRows *rows, uint64_t first, size_t n, double *chunk)
{
    GasketRun *run = scores->knn->model.run;
    const uint32_t *ordinal = gasket_run_context(run, 0)->ordinal;
    const float *rating = rows->column[0].data;
    for (size_t i = 0; i < 2 * n; i++)
        chunk[i] = -INFINITY;
    for (GasketVertex v = 0; v < gasket_run_n_owned(run, 0); v++) {
        const uint64_t begin = scores->begin[ordinal[v]], end = scores->begin[ordinal[v] + 1];
        const KnnTold *own = knn_own(scores->knn, gasket_run_values(run, 0), v);
        for (uint64_t at = MAX(begin, first); at < MIN(end, first + n); at++) {
            const uint64_t e = rows->begin[v] + (at - begin);
            const KnnTold *item = knn_rater(rows->values, rows->value_begin, rows->neighbour[e]);
            chunk[2 * (at - first)] = item->ordinal;
            chunk[2 * (at - first) + 1] = left_over(scores->knn, rating[e], own, item->bias);
        }
    }
}

static bool
share_rated(Scores *scores, GError **error)
{
    enum { CHUNK = 32768 };
    GasketRun *run = scores->knn->model.run;
    const uint32_t n_users = gasket_run_n_vertices(run, 0);
    const GasketRowSet out = {.relation = 0, .direction = GASKET_OUT};
    g_autoptr(GasketRows) rows = gasket_run_rows(run, out, error);
    g_autofree float *length = g_try_new(float, n_users + 1);
    g_autofree double *chunk = g_new(double, 2 * CHUNK);

    if (rows == NULL || length == NULL ||
        !gasket_ranking_share(run, 0, NULL, 1, row_length, rows, length, error))
        return false;
    scores->begin[0] = 0;
    for (uint32_t u = 0; u < n_users; u++)
        scores->begin[u + 1] = scores->begin[u] + (uint64_t)length[u];
    for (uint64_t first = 0; first < scores->begin[n_users]; first += CHUNK) {
        const size_t n = (size_t)MIN(scores->begin[n_users] - first, CHUNK);
        take_rated(scores, rows, first, n, chunk);
        if (!gasket_run_reduce_max(run, chunk, 2 * n, error))
            return false;
        for (size_t i = 0; i < n; i++)
            scores->rated[first + i] = (KnnEntry){(uint32_t)chunk[2 * i], (float)chunk[2 * i + 1]};
    }
    return true;
}

/* ---- ranking --------------------------------------------------------------------------------- */

bool
knn_rank(Knn *knn, GError **error)
{
    GasketRun *run = knn->model.run;
    const bool items = knn->own == 1;
    const uint32_t n = gasket_run_n_vertices(run, 1), n_users = gasket_run_n_vertices(run, 0);
    const unsigned columns = 3 * (unsigned)knn->given->neighbours;
    g_autofree float *bias = g_try_new(float, n + 1);
    g_autofree float *lists = g_try_new(float, items ? (size_t)n *columns + 1 : 1);
    g_autofree uint64_t *begin = g_try_new(uint64_t, items ? 1 : n_users + 1);
    g_autofree KnnEntry *rated = g_try_new(KnnEntry, items ? 1 : knn->model.n_ratings + 1);
    Scores scores = {knn, n, bias, lists, begin, rated};
    const GasketScorer scorer = {.score = items ? score_items : score_by_users,
                                 .data = &scores,
                                 .scratch_size = 2 * n * (items ? sizeof(float) : sizeof(double))};
    if (bias == NULL || lists == NULL || begin == NULL || rated == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory to rank %u items", n);
        return false;
    }
    return gasket_ranking_share(run, 1, NULL, 1, item_bias, knn, bias, error) &&
           (items ? gasket_ranking_share(run, 1, NULL, columns, list_element, knn, lists, error)
                  : share_rated(&scores, error)) &&
           gasket_recommender_rank(&knn->model, &scorer, error);
}
