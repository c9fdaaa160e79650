/* SPDX-License-Identifier: Apache-2.0 */
/* The best of a model's items: for a user, and by likeness to an item. See factor_model.h. */
#ifndef GASKET_LOADERS_FACTOR_LISTS_H
#define GASKET_LOADERS_FACTOR_LISTS_H

#include "loaders/factor_model.h"

typedef struct {
    uint32_t item; /* a row of the model */
    double score;
} GasketScoredItem;

/* The count items with the largest mean + bias + its bias + factors . its factors (not clipped),
 * without the excluded [n_excluded] (ascending; GASKET_NO_VERTEX may stand at the end), best first,
 * ties by ascending row. ret_list: [count]; returns how many. factors: [rank].
 * O(items (rank + log count)). */
uint32_t gasket_factor_model_best(const GasketFactorModel *model, const float *factors, float bias,
                                  const uint32_t *excluded, size_t n_excluded, uint32_t count,
                                  GasketScoredItem *ret_list);

/* The count items whose factors have the largest cosine with those of an item, without itself. */
uint32_t gasket_factor_model_like(const GasketFactorModel *model, uint32_t item, uint32_t count,
                                  GasketScoredItem *ret_list);

#endif
