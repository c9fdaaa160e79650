/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How well a model ranks items: for each user with test ratings, all items but those that the user
 * has rated in training are ordered by score (ties by ascending id), and one looks where those of
 * the test ratings stand.
 *
 *   rank     1   2   3   4   5   6  ...  n          x: one of the user's m test items
 *            x       x           x                  h(k): how many of them among the first k
 *
 *   precision@k   h(k) / k                  recall@k   h(k) / m
 *   hit@k         1 if h(k) > 0, else 0     mrr        1 / rank of the first x
 *   map@k         (sum over x with rank r <= k of h(r) / r) / min(m, k)
 *   ndcg@k        (sum over x with rank r <= k of 1 / log2(r + 1)) / that of ranks 1 .. min(m, k)
 *   auc           the share of pairs (x, other item) in which x stands before
 *
 * Each is the mean over the users with test items and with other items. The metrics are
 * ranking.precision, .recall, .hit, .mrr, .map, .ndcg, .auc and .users, and of ordering items by
 * how often they were rated in training baseline.popularity.precision and so on.
 *
 * Cost: users x items x k flops; 4 (k + 1) bytes an item on each worker, 17 an item and thread.
 */
#ifndef GASKET_ALGORITHMS_RANKING_H
#define GASKET_ALGORITHMS_RANKING_H

#include "recommender.h"

/* How a user's items are scored. */
typedef struct GasketScorer {
    /* Writes the score of each item, [n_items] by ordinal, for vertex i of a run over the user's
     * training rows (and those of test). scratch: scratch_size bytes, zeros that it leaves so. */
    void (*score)(const void *data, const GasketVertices *run, size_t i, void *scratch,
                  float *score);
    const void *data;
    size_t scratch_size;
} GasketScorer;

/* [all] Measures a ranking, for lists of length `top`. aggregate: a GASKET_SUM of
 * GASKET_RANKING_FIGURES elements. Error: MEMORY, and those of steps. */
#define GASKET_RANKING_FIGURES 8
bool gasket_ranking_measure(const GasketRecommender *model, const GasketScorer *scorer,
                            unsigned aggregate, unsigned top, GError **error);

/* The same for scores that are bias + product of factors in the published values. */
bool gasket_ranking_measure_factors(const GasketRecommender *model, unsigned aggregate,
                                    unsigned top, GError **error);

/* Element c of what an owned vertex has. */
typedef double (*GasketElement)(const void *data, GasketVertex v, unsigned c);

/* [all] Gives all workers what each vertex of a kind has: out [n_vertices * columns], vertex v's
 * at position[v] (NULL: its ordinal). */
bool gasket_ranking_share(GasketRun *run, unsigned kind, const uint32_t *position, unsigned columns,
                          GasketElement element, const void *data, float *out, GError **error);

#endif
