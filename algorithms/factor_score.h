/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The score of an assignment: the natural logarithm of the product of all priors and tables at the
 * states that variables publish (FactorValue).
 *
 * The run declares at indices `aggregate` and `aggregate` + 1 what FACTOR_SCORE_AGGREGATES says.
 */
#ifndef GASKET_ALGORITHMS_FACTOR_SCORE_H
#define GASKET_ALGORITHMS_FACTOR_SCORE_H

#include "factor_model.h"

#define FACTOR_SCORE_AGGREGATES                                                                    \
    {"score", GASKET_SUM, 1},                                                                      \
    {                                                                                              \
        "forbidden", GASKET_COUNT, 1                                                               \
    }

/* [all] -INFINITY if a table or prior is 0 there, or an observed variable has another state. */
bool factor_score(const FactorModel *model, unsigned aggregate, double *ret_score, GError **error);

#endif
