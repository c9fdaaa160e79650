/* SPDX-License-Identifier: Apache-2.0 */
/* The best of a model's items for any factors; see factor_model.h. */
#ifndef GASKET_LOADERS_FACTOR_LISTS_H
#define GASKET_LOADERS_FACTOR_LISTS_H

#include "loaders/factor_model.h"

/* The count items with the largest mean + bias + its bias + factors . its factors (not clipped),
 * without the excluded [n_excluded] (ascending; GASKET_NO_VERTEX may stand at the end), best first,
 * ties by ascending row. ret_list: [count]; returns how many. factors: [rank].
 * O(items (rank + log count)). */
uint32_t gasket_factor_model_best(const GasketFactorModel *model, const float *factors, float bias,
                                  const uint32_t *excluded, size_t n_excluded, uint32_t count,
                                  GasketScoredItem *ret_list);

#endif
