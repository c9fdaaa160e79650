/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding in: factors of a user that a model was not trained on, from his ratings, with the items
 * as they are: the user's step of the method that trained the model.
 *
 *   als, sgd,    minimum of sum (r - mean - b_i - b - p . q_i)^2 + n (l |p|^2 + l' b^2), n his
 *   svdpp        ratings; l, l' the model's --regularization (sgd, svdpp: l' --bias-regularization)
 *   ccdpp        b = sum (r - mean - b_i) / (15 + n), then p as above
 *   bpmf, fm     mean of N(A^-1 c, A^-1) with mean and covariance of the model's users as prior;
 *                fm by als: minimum of sum (r - mean - b_i - b - p . q_i)^2 + l (|p|^2 + b^2)
 *   nmf          multiplicative updates from the mean user until they change nothing
 *   ials         (G + l I + sum of alpha r q q') p = sum of (1 + alpha r) q, G = sum of all q q'
 *   svd          G p = sum of r q: the projection of the row
 *   others       of ratings: as als; of scores: refused
 *
 * Cost: n k^2 / 2 + k^3 / 6 multiplications a user; ials and svd items k^2 / 2 once.
 */
#ifndef GASKET_LOADERS_FACTOR_FOLD_H
#define GASKET_LOADERS_FACTOR_FOLD_H

#include "loaders/factor_model.h"

typedef struct GasketFactorFold GasketFactorFold;

/* The model lives as long. Errors: ARGUMENT where the method has no such step; MEMORY. */
GasketFactorFold *gasket_factor_fold_new(const GasketFactorModel *model, GError **error);

/* NULL is allowed. */
void gasket_factor_fold_free(GasketFactorFold *fold);

/* From n ratings of items (rows of the model; GASKET_NO_VERTEX counts as none) ret_factors [rank]
 * and ret_bias; without ratings all are 0. Error: FAILED where the equations have no solution. */
bool gasket_factor_fold_user(GasketFactorFold *fold, size_t n, const uint32_t *item,
                             const float *rating, float *ret_factors, float *ret_bias,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketFactorFold, gasket_factor_fold_free)

#endif
