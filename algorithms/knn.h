/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbours: what the item's and the user's kind of kNN share; the method is told in knn.c.
 *
 * "Own" is the kind whose vertices have neighbours, "rater" the other one; for kNN of users the
 * roles are turned, and an item is said to rate its users. Published values:
 *
 *   own     | bias | ordinal | size | n | n neighbours of at most K     |   (ordinal, similarity)
 *   rater   | bias | ordinal | size | n | what it has rated, n of them  |   (ordinal, weight)
 */
#ifndef GASKET_ALGORITHMS_KNN_H
#define GASKET_ALGORITHMS_KNN_H

#include "recommender.h"

typedef enum { KNN_CENTRED, KNN_COSINE, KNN_JACCARD, KNN_BM25 } KnnSimilarity;

typedef struct {
    int64_t neighbours;
    int similarity, predict;
    double shrinkage, damping, k1, b;
    int64_t top;
} KnnParameters;

typedef struct {
    uint32_t ordinal; /* of an own vertex */
    float weight;
} KnnEntry;

typedef struct {
    float bias;
    uint32_t ordinal;
    float size; /* own: a norm, a number or a length, as the similarity needs it */
    uint32_t n;
    KnnEntry entry[];
} KnnTold;

typedef struct {
    float bias;
    uint32_t n; /* neighbours */
} KnnState;

typedef struct {
    GasketRecommender model;
    const KnnParameters *given;
    bool preferences;
    unsigned own, rater; /* kinds */
    uint32_t n_own;
    size_t stride;      /* bytes of an own value */
    double mean_length; /* of own vertices, for BM25 */
} Knn;

/* Aggregates of the method. */
enum { KNN_ERRORS = GASKET_RECOMMENDER_AGGREGATES, KNN_LENGTH };

static inline const KnnTold *
knn_own(const Knn *knn, const void *values, GasketVertex v)
{
    return (const KnnTold *)(const void *)((const char *)values + v * knn->stride);
}

static inline const KnnTold *
knn_rater(const void *values, const uint64_t *begin, GasketVertex v)
{
    return (const KnnTold *)(const void *)((const char *)values + begin[v]);
}

/* [all] Metrics of predictions by what is published now: train.rmse, train.mae and so on; or a
 * baseline's, of the test ratings if there are any. */
bool knn_report_errors(Knn *knn, GError **error);
bool knn_report_baseline(const Knn *knn, const char *name, GError **error);

/* [all] Metrics of the ranking. */
bool knn_rank(Knn *knn, GError **error);

#endif
