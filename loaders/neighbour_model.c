/* SPDX-License-Identifier: Apache-2.0 */
/* Scores by neighbours; see neighbour_model.h. */
#include "loaders/neighbour_model.h"

#include <math.h>

#define USER_DAMPING 15.0 /* of a newcomer's bias */

typedef struct {
    double above, below; /* sums of s e, and of s */
} Sums;

/* Where item stands in ascending rows, or n. */
static size_t
find(const uint32_t *rows, size_t n, uint32_t item)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (rows[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && rows[low] == item ? low : n;
}

GasketNeighbourUser
gasket_neighbour_user(const GasketFactorModel *model, uint32_t user)
{
    const GasketModelRows *seen = &model->seen;
    if (user == GASKET_NO_VERTEX)
        return (GasketNeighbourUser){.user = user};
    const uint64_t begin = seen->begin[user];
    return (GasketNeighbourUser){.user = user,
                                 .bias = model->side[0].bias[user],
                                 .item = seen->item + begin,
                                 .rating = seen->value + begin,
                                 .n = seen->begin[user + 1] - begin};
}

/* Takes a rating of item by somebody with that bias into the sums. */
static void
take(const GasketFactorModel *model, const GasketNeighbourUser *by, uint32_t item,
     double similarity, Sums *sums)
{
    const size_t at = find(by->item, by->n, item);
    if (at == by->n || isnan(by->rating[at]))
        return;
    const float left = (float)((double)by->rating[at] - model->mean -
                               (double)model->side[1].bias[item] - by->bias);
    sums->above += similarity * (double)left;
    sums->below += similarity;
}

double
gasket_neighbour_rate(const GasketFactorModel *model, const GasketNeighbourUser *user,
                      uint32_t item)
{
    const GasketModelRows *rows = &model->neighbours;
    const uint32_t own = model->own == 1 ? item : user->user;
    Sums sums = {0};
    if (item == GASKET_NO_VERTEX)
        return model->scores ? 0 : model->mean + user->bias;
    for (uint64_t e = own != GASKET_NO_VERTEX ? rows->begin[own] : 0;
         own != GASKET_NO_VERTEX && e < rows->begin[own + 1]; e++) {
        const double similarity = (double)rows->value[e];
        if (model->own == 1) {
            take(model, user, rows->item[e], similarity, &sums);
        } else {
            const GasketNeighbourUser other = gasket_neighbour_user(model, rows->item[e]);
            take(model, &other, item, similarity, &sums);
        }
    }
    if (model->scores)
        return sums.below;
    const double damping = gasket_factor_model_option(model, "damping", 0.1);
    return model->mean + (double)model->side[1].bias[item] + user->bias +
           (sums.above != 0 ? sums.above / (damping + sums.below) : 0);
}

double
gasket_neighbour_score(const GasketFactorModel *model, uint32_t user, uint32_t item)
{
    const GasketNeighbourUser of = gasket_neighbour_user(model, user);
    const double score = gasket_neighbour_rate(model, &of, item);
    return model->scores ? score : CLAMP(score, model->low, model->high);
}

bool
gasket_neighbour_newcomer(const GasketFactorModel *model, size_t n, const uint32_t *item,
                          const float *rating, GasketNeighbourUser *ret_user, GError **error)
{
    double sum = 0;
    if (model->own == 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a model of %s takes no ratings of new users", model->algorithm);
        return false;
    }
    for (size_t e = 0; e < n; e++)
        sum += (double)rating[e] - model->mean - (double)model->side[1].bias[item[e]];
    *ret_user = (GasketNeighbourUser){.user = GASKET_NO_VERTEX,
                                      .bias = model->scores ? 0 : sum / (USER_DAMPING + (double)n),
                                      .item = item,
                                      .rating = rating,
                                      .n = n};
    return true;
}
