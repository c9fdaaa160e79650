/* SPDX-License-Identifier: Apache-2.0 */
/* The best of a model's items for any factors; see factor_model.h. */
#ifndef GASKET_LOADERS_FACTOR_LISTS_H
#define GASKET_LOADERS_FACTOR_LISTS_H

#include "loaders/factor_fold.h"

/* The count items with the largest mean + bias + its bias + factors . its factors (not clipped),
 * without the excluded [n_excluded] (ascending; GASKET_NO_VERTEX may stand at the end), best first,
 * ties by ascending row. ret_list: [count]; returns how many. factors: [rank].
 * O(items (rank + log count)). */
uint32_t gasket_factor_model_best(const GasketFactorModel *model, const float *factors, float bias,
                                  const uint32_t *excluded, size_t n_excluded, uint32_t count,
                                  GasketScoredItem *ret_list);

/* The same for somebody from n ratings of items (rows; GASKET_NO_VERTEX counts as none): by a fold
 * of the model, NULL for a model of neighbours. Errors: ARGUMENT, FAILED, MEMORY. */
bool gasket_factor_model_best_new(const GasketFactorModel *model, GasketFactorFold *fold, size_t n,
                                  const uint32_t *item, const float *rating,
                                  const uint32_t *excluded, size_t n_excluded, uint32_t count,
                                  GasketScoredItem *ret_list, uint32_t *ret_n, GError **error);

#endif
