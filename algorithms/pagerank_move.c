/* SPDX-License-Identifier: Apache-2.0 */
/* PageRank's arithmetic on a batch of vertices. See pagerank_move.h. */
#include "pagerank_move.h"

#include <math.h>

/* What a rank is divided by: nothing is left of a share of a vertex without out-edges. */
static inline double
divisor(double strength)
{
    return strength > 0 ? strength : INFINITY;
}

GASKET_WIDE void
gasket_pagerank_move_single(size_t n, double d, const PageRankBatch *batch)
{
    const double *restrict arrives = batch->arrives, *restrict pulled = batch->pulled;
    const double *restrict strength = batch->strength;
    double *restrict rank = batch->rank, *restrict change = batch->change;
    double *restrict left = batch->left;
    float *restrict share = batch->share;

    for (size_t i = 0; i < n; i++) {
        double new_rank = arrives[i] + d * pulled[i];
        change[i] = fabs(new_rank - rank[i]);
        rank[i] = new_rank;
        share[i] = (float)(new_rank / divisor(strength[i]));
        left[i] = new_rank - share[i] * strength[i];
    }
}

GASKET_WIDE void
gasket_pagerank_move_double(size_t n, double d, const PageRankBatch *batch)
{
    const double *restrict arrives = batch->arrives, *restrict pulled = batch->pulled;
    const double *restrict strength = batch->strength;
    double *restrict rank = batch->rank, *restrict change = batch->change;
    double *restrict left = batch->left;
    double *restrict share = batch->share;

    for (size_t i = 0; i < n; i++) {
        double new_rank = arrives[i] + d * pulled[i];
        change[i] = fabs(new_rank - rank[i]);
        rank[i] = new_rank;
        share[i] = new_rank / divisor(strength[i]);
        left[i] = new_rank - share[i] * strength[i];
    }
}
