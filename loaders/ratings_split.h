/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make ratings share. */
#ifndef GASKET_LOADERS_RATINGS_SPLIT_H
#define GASKET_LOADERS_RATINGS_SPLIT_H

#include "loaders/ratings.h"

/* The columns of a relation's out-rows, by entry. */
typedef struct {
    float *rating;
    double *time; /* NULL: none */
} GasketRatingColumns;

GasketRatingColumns gasket_rating_columns(const GasketGraphRelation *relation);

#endif
