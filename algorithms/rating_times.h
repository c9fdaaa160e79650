/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times of ratings, for methods whose predictions change with them: each as a share of the time
 * from the first to the last training rating, and the piece of that time in which it lies.
 */
#ifndef GASKET_ALGORITHMS_RATING_TIMES_H
#define GASKET_ALGORITHMS_RATING_TIMES_H

#include "recommender.h"

typedef struct {
    int column;         /* of edges */
    double first, last; /* of the training ratings */
} RatingTimes;

/* What to keep of the three relations. */
#define RATING_TIMES_NEEDS 3
extern const GasketNeeds rating_times_needs[RATING_TIMES_NEEDS];

/* Finds the column. Error: ARGUMENT, where there is none, that the method needs it. */
bool rating_times_init(RatingTimes *times, const GasketRun *run, const char *method,
                       GError **error);

/* Two aggregates of the method's, one behind the other. */
#define RATING_TIMES_AGGREGATES                                                                    \
    {"first time", GASKET_MIN, 1},                                                                 \
    {                                                                                              \
        "last time", GASKET_MAX, 1                                                                 \
    }
#define RATING_TIMES_N 2

/* [all] Finds the first and the last time. */
bool rating_times_find(RatingTimes *times, GasketRun *run, unsigned aggregate, GError **error);

/* The time of entry e: 0 .. 1 for training ratings. */
static inline double
rating_times_share(const RatingTimes *times, const GasketRows *rows, uint64_t e)
{
    const double time = ((const double *)rows->column[times->column].data)[e];
    return times->last > times->first ? (time - times->first) / (times->last - times->first) : 0;
}

/* Which of n equal pieces a share lies in; the outermost hold what is beyond them. */
static inline size_t
rating_times_bin(double share, size_t n)
{
    const double at = share * (double)n;
    return at <= 0 ? 0 : at >= (double)n ? n - 1 : (size_t)at;
}

#endif
