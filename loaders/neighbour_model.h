/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a model of neighbours (algorithms/knn.c tells the formulas).
 *
 *   items' neighbours   a user's ratings of those of an item
 *   users' neighbours   what a user's have said of an item
 *
 * Cost of a score: neighbours times the logarithm of a user's ratings.
 */
#ifndef GASKET_LOADERS_NEIGHBOUR_MODEL_H
#define GASKET_LOADERS_NEIGHBOUR_MODEL_H

#include "loaders/factor_model.h"

/* What is asked for: a user of the model, or one with ratings of his own. */
typedef struct {
    uint32_t user;        /* row, or GASKET_NO_VERTEX */
    double bias;          /* his */
    const uint32_t *item; /* [n] rows that he rated, ascending, and ratings */
    const float *rating;
    size_t n;
} GasketNeighbourUser;

/* A user of the model; GASKET_NO_VERTEX is one without ratings. */
GasketNeighbourUser gasket_neighbour_user(const GasketFactorModel *model, uint32_t user);

/* Not clipped; of preferences the sum of similarities. */
double gasket_neighbour_rate(const GasketFactorModel *model, const GasketNeighbourUser *user,
                             uint32_t item);

/* As gasket_factor_model_score. */
double gasket_neighbour_score(const GasketFactorModel *model, uint32_t user, uint32_t item);

/* A user from n ratings of items (ascending rows), with a damped bias. Error: ARGUMENT where users
 * have the neighbours. */
bool gasket_neighbour_newcomer(const GasketFactorModel *model, size_t n, const uint32_t *item,
                               const float *rating, GasketNeighbourUser *ret_user, GError **error);

#endif
