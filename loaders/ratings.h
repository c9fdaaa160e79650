/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ratings: files -> the graph that recommenders train on, and what is held out from them.
 *
 *   user (kind 0) ── train (relation 0): rating (float), time (double, if wanted) ──> item
 *                `─ test  (relation 1): the same columns; perhaps empty                 (kind 1)
 *
 *   load ─> number ─> rows by user ─> one rating a pair ─> hold out ─> train, test
 *
 * One rating a pair. A pair (user, item) that occurs several times in a relation becomes one
 * rating, by a rule that does not depend on the order of the lines (gasket_duplicates below).
 *
 * Holding out. Which ratings go to "test" is a function of the graph, the seed and the ordinals of
 * user and item alone: never of the order of lines, threads, workers or `order`.
 *
 *   random         each rating by itself, with probability `fraction`
 *   fold           of k folds of equal probability the one asked for: the k folds of a seed are
 *                  disjoint and cover everything
 *   leave-one-out  one rating of each user who has at least two: the latest; without times, and of
 *                  several at the same time, one at random
 *   by-time        the latest `fraction` of all ratings; at the same time at random
 *
 * Cost: O(bytes) to load; 24 bytes a rating at the peak of by-time, else O(users) more than the
 * graph.
 */
#ifndef GASKET_LOADERS_RATINGS_H
#define GASKET_LOADERS_RATINGS_H

#include "engine/graph.h"
#include "loaders/load.h"

/* ORDER gasket_duplicates */
typedef enum {
    GASKET_DUPLICATES_AUTO, /* the latest; without times the mean */
    GASKET_DUPLICATES_LATEST,
    GASKET_DUPLICATES_MEAN,
    GASKET_DUPLICATES_SUM, /* counts of events */
    GASKET_DUPLICATES_MIN,
    GASKET_DUPLICATES_MAX,
} GasketDuplicates;

/* ORDER gasket_holdout */
typedef enum {
    GASKET_HOLDOUT_RANDOM,
    GASKET_HOLDOUT_LEAVE_ONE_OUT,
    GASKET_HOLDOUT_BY_TIME,
    GASKET_HOLDOUT_FOLD,
    GASKET_HOLDOUT_NONE,
} GasketHoldout;

typedef struct {
    GasketLoadOptions load; /* inputs, format, ...; ratings and weights are seen to */
    GasketOrder order;
    GasketDuplicates duplicates;
    bool keep_times; /* the column "time" stays, where there is one */

    GasketHoldout holdout; /* with test inputs: NONE */
    double fraction;       /* RANDOM, BY_TIME: in (0, 1) */
    unsigned fold, folds;  /* FOLD */
    const char *
        features[2]; /* files of what is known of users, of items (rating_features.h); NULL: none */
    unsigned least_features; /* how many ids must have a feature, or it is dropped */
    double validation;       /* share of what is left that goes to "validation", at random */
    uint64_t seed;
} GasketRatingsOptions;

typedef struct {
    GasketLoadInfo info;
    uint64_t duplicates; /* ratings that another one of the same pair replaced or was joined to */
    double load_seconds, number_seconds;
} GasketRatingsStats;

/* Loads. The out-rows (those of users) of both relations stand. ret_stats may be NULL; clear its
 * info. Errors: those of gasket_load; ARGUMENT where the times that are needed are missing, where
 * nothing is left to train on. */
GasketGraph *gasket_ratings_load(const GasketRatingsOptions *options, GasketRatingsStats *ret_stats,
                                 GError **error);

/* Joins, holds out and measures as gasket_ratings_load does, from a builder of that shape which
 * stands for the inputs; it is used up. name: of the input, for messages. */
GasketGraph *gasket_ratings_finish_take(GasketGraphBuilder **builder, const char *name,
                                        const GasketRatingsOptions *options,
                                        GasketRatingsStats *stats, GError **error);

/* Holds ratings out of a graph of that shape, whose "test" is empty; its out-rows stand. */
bool gasket_ratings_hold_out(GasketGraph *graph, const GasketRatingsOptions *options,
                             GError **error);

/* Holds a share of "train" out as "validation" (relation 2), for early stopping. */
bool gasket_ratings_validate(GasketGraph *graph, const GasketRatingsOptions *options,
                             GError **error);

#endif
