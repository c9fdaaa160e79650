/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of the best items: a heap with the worst of them on top; see factor_lists.h. */
#include "loaders/factor_lists.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array.h"
#include "loaders/factor_fold.h"
#include "loaders/neighbour_model.h"

typedef struct {
    GasketScoredItem *item; /* [room] a heap: each worse than those below it */
    uint32_t n, room;
} Best;

static bool
is_worse(const GasketScoredItem *a, const GasketScoredItem *b)
{
    return a->score < b->score || (a->score == b->score && a->item > b->item);
}

static void
swap(GasketScoredItem *a, GasketScoredItem *b)
{
    const GasketScoredItem old = *a;
    *a = *b;
    *b = old;
}

static void
sink(Best *best, uint32_t at)
{
    for (;;) {
        uint32_t worst = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < best->n; child++)
            if (is_worse(&best->item[child], &best->item[worst]))
                worst = child;
        if (worst == at)
            return;
        swap(&best->item[at], &best->item[worst]);
        at = worst;
    }
}

static void
offer(Best *best, uint32_t item, double score)
{
    const GasketScoredItem scored = {item, isnan(score) ? -INFINITY : score};
    if (best->n < best->room) {
        uint32_t at = best->n++;
        best->item[at] = scored;
        for (; at > 0 && is_worse(&best->item[at], &best->item[(at - 1) / 2]); at = (at - 1) / 2)
            swap(&best->item[at], &best->item[(at - 1) / 2]);
    } else if (best->n > 0 && is_worse(&best->item[0], &scored)) {
        best->item[0] = scored;
        sink(best, 0);
    }
}

static int
compare_scored(const void *a, const void *b)
{
    return is_worse(a, b) ? 1 : is_worse(b, a) ? -1 : 0;
}

static uint32_t
finish(Best *best)
{
    qsort(best->item, best->n, sizeof *best->item, compare_scored);
    return best->n;
}

uint32_t
gasket_factor_model_best(const GasketFactorModel *model, const float *factors, float bias,
                         const uint32_t *excluded, size_t n_excluded, uint32_t count,
                         GasketScoredItem *ret_list)
{
    const GasketFactorSide *items = &model->side[1];
    Best best = {.item = ret_list, .room = count};
    size_t next = 0;

    for (uint32_t i = 0; i < items->n; i++) {
        while (next < n_excluded && excluded[next] < i)
            next++;
        if (next < n_excluded && excluded[next] == i)
            continue;
        const float *q = items->factors + (size_t)i * model->rank;
        double score = model->mean + (double)bias + (double)items->bias[i];
        for (uint32_t f = 0; f < model->rank; f++)
            score += (double)factors[f] * (double)q[f];
        offer(&best, i, score);
    }
    return finish(&best);
}

/* The same by neighbours. */
static uint32_t
best_by_neighbours(const GasketFactorModel *model, const GasketNeighbourUser *user,
                   const uint32_t *excluded, size_t n_excluded, uint32_t count,
                   GasketScoredItem *ret_list)
{
    Best best = {.item = ret_list, .room = count};
    size_t next = 0;
    for (uint32_t i = 0; i < model->side[1].n; i++) {
        while (next < n_excluded && excluded[next] < i)
            next++;
        if (next == n_excluded || excluded[next] != i)
            offer(&best, i, gasket_neighbour_rate(model, user, i));
    }
    return finish(&best);
}

uint32_t
gasket_factor_model_recommend(const GasketFactorModel *model, uint32_t user, bool exclude_seen,
                              uint32_t count, GasketScoredItem *ret_list)
{
    const GasketFactorSide *users = &model->side[0];
    const GasketModelRows *seen = &model->seen;
    const bool excludes = exclude_seen && seen->begin != NULL;
    g_assert(user < users->n);
    if (model->neighbours.begin != NULL) {
        const GasketNeighbourUser known = gasket_neighbour_user(model, user);
        return best_by_neighbours(model, &known, known.item, excludes ? known.n : 0, count,
                                  ret_list);
    }
    return gasket_factor_model_best(model, users->factors + (size_t)user * model->rank,
                                    users->bias[user],
                                    excludes ? seen->item + seen->begin[user] : NULL,
                                    excludes ? seen->begin[user + 1] - seen->begin[user] : 0, count,
                                    ret_list);
}

static int
compare_rows(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

typedef struct {
    uint32_t item;
    float rating;
} Rated;

static int
compare_rated(const void *a, const void *b)
{
    return compare_rows(&((const Rated *)a)->item, &((const Rated *)b)->item);
}

/* Ratings of a newcomer by ascending row, without those of items that the model does not have. */
static bool
recommend_by_neighbours(const GasketFactorModel *model, size_t n, const uint32_t *item,
                        const float *rating, const uint32_t *excluded, size_t n_excluded,
                        uint32_t count, GasketScoredItem *ret_list, uint32_t *ret_n, GError **error)
{
    Rated *rated = gasket_array_new(n + 1, sizeof *rated, error);
    uint32_t *rows = gasket_array_new(n + 1, sizeof *rows, error);
    float *ratings = gasket_array_new(n + 1, sizeof *ratings, error);
    GasketNeighbourUser user;
    size_t known = 0;
    bool good = rated != NULL && rows != NULL && ratings != NULL;
    for (size_t e = 0; good && e < n; e++)
        if (item[e] != GASKET_NO_VERTEX)
            rated[known++] = (Rated){item[e], rating[e]};
    if (good)
        qsort(rated, known, sizeof *rated, compare_rated);
    for (size_t e = 0; good && e < known; e++) {
        rows[e] = rated[e].item;
        ratings[e] = rated[e].rating;
    }
    good = good && gasket_neighbour_newcomer(model, known, rows, ratings, &user, error);
    if (good)
        *ret_n = best_by_neighbours(model, &user, excluded, n_excluded, count, ret_list);
    gasket_array_free(rated);
    gasket_array_free(rows);
    gasket_array_free(ratings);
    return good;
}

bool
gasket_factor_model_best_new(const GasketFactorModel *model, GasketFactorFold *fold, size_t n,
                             const uint32_t *item, const float *rating, const uint32_t *excluded,
                             size_t n_excluded, uint32_t count, GasketScoredItem *ret_list,
                             uint32_t *ret_n, GError **error)
{
    if (fold == NULL)
        return recommend_by_neighbours(model, n, item, rating, excluded, n_excluded, count,
                                       ret_list, ret_n, error);
    g_autofree float *factors = g_new(float, model->rank + 1);
    float bias;
    if (!gasket_factor_fold_user(fold, n, item, rating, factors, &bias, error))
        return false;
    *ret_n = gasket_factor_model_best(model, factors, bias, excluded, n_excluded, count, ret_list);
    return true;
}

bool
gasket_factor_model_recommend_new(const GasketFactorModel *model, size_t n, const uint32_t *item,
                                  const float *rating, bool exclude_rated, uint32_t count,
                                  GasketScoredItem *ret_list, uint32_t *ret_n, GError **error)
{
    const bool neighbours = model->neighbours.begin != NULL;
    g_autoptr(GasketFactorFold) fold = neighbours ? NULL : gasket_factor_fold_new(model, error);
    if (fold == NULL && !neighbours)
        return false;
    uint32_t *excluded = gasket_array_new(n + 1, sizeof *excluded, error);
    if (excluded == NULL)
        return false;
    memcpy(excluded, item, n * sizeof *excluded);
    qsort(excluded, n, sizeof *excluded, compare_rows);
    const bool good =
        gasket_factor_model_best_new(model, fold, n, item, rating, excluded, exclude_rated ? n : 0,
                                     count, ret_list, ret_n, error);
    gasket_array_free(excluded);
    return good;
}

static double
product(const float *p, const float *q, uint32_t n)
{
    double sum = 0;
    for (uint32_t f = 0; f < n; f++)
        sum += (double)p[f] * (double)q[f];
    return sum;
}

uint32_t
gasket_factor_model_like(const GasketFactorModel *model, uint32_t item, uint32_t count,
                         GasketScoredItem *ret_list)
{
    const GasketFactorSide *items = &model->side[1];
    const GasketModelRows *neighbours = &model->neighbours;
    if (neighbours->begin != NULL) {
        Best nearest = {.item = ret_list, .room = count};
        for (uint64_t e = model->own == 1 ? neighbours->begin[item] : 0;
             model->own == 1 && e < neighbours->begin[item + 1]; e++)
            offer(&nearest, neighbours->item[e], (double)neighbours->value[e]);
        return finish(&nearest);
    }
    const float *p = items->factors + (size_t)item * model->rank;
    const double length = product(p, p, model->rank);
    Best best = {.item = ret_list, .room = count};

    for (uint32_t i = 0; i < items->n; i++) {
        const float *q = items->factors + (size_t)i * model->rank;
        double lengths = length * product(q, q, model->rank);
        if (i != item)
            offer(&best, i, lengths > 0 ? product(p, q, model->rank) / sqrt(lengths) : 0);
    }
    return finish(&best);
}
