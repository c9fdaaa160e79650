/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PageRank's arithmetic on a batch of consecutive vertices, in plain loops over plain arrays:
 *
 *   rank[i]   becomes  arrives[i] + d * pulled[i]
 *   change[i]          by how much that moves it
 *   share[i]           rank[i] / strength[i], rounded to its type; 0 where the strength is
 *   left[i]            what the share does not carry: rank[i] - share[i] * strength[i]
 */
#ifndef GASKET_ALGORITHMS_PAGERANK_MOVE_H
#define GASKET_ALGORITHMS_PAGERANK_MOVE_H

#include <gasket/gasket.h>

/* Arrays of as many elements as the batch has vertices, none overlapping another. */
typedef struct {
    const double *arrives, *pulled, *strength;
    double *rank;
    void *share; /* floats or doubles */
    double *change, *left;
} PageRankBatch;

/* Moves a batch of n vertices; shares are floats or doubles. */
void gasket_pagerank_move_single(size_t n, double d, const PageRankBatch *batch);
void gasket_pagerank_move_double(size_t n, double d, const PageRankBatch *batch);

#endif
