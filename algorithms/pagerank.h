/* SPDX-License-Identifier: Apache-2.0 */
/* What the two ways to compute PageRank share: by iterations, and vertex by vertex. */
#ifndef GASKET_ALGORITHMS_PAGERANK_H
#define GASKET_ALGORITHMS_PAGERANK_H

#include <gasket/gasket.h>

typedef struct {
    double damping;
    bool single;
    int weight;      /* edge column, or -1 */
    int personalize; /* vertex column, or -1 */
    double jumps;    /* sum of the weights of --personalize */
    double least;    /* dynamic: a change of a share that is larger is published ... */
    double s;        /* ... and what jumps bring in all */
} GasketPagerankSettings;

/* The run's aggregates. */
enum {
    GASKET_PAGERANK_RESIDUAL,      /* sum of |change of rank| */
    GASKET_PAGERANK_LEFT,          /* sum of what shares do not carry */
    GASKET_PAGERANK_JUMPS,         /* sum of the weights of --personalize ... */
    GASKET_PAGERANK_SMALLEST_JUMP, /* ... and the smallest of them */
    GASKET_PAGERANK_SCALE,         /* dynamic: [GASKET_PAGERANK_N_SCALE] see pagerank_dynamic.c */
};

#define GASKET_PAGERANK_N_SCALE 3

/* [all] From the shares of 1/n each to the ranks, by vertices that run when a share that they
 * gather has changed. iterated: the program of an iteration, whose rows and gather it has too. */
bool gasket_pagerank_run_dynamic(GasketRun *run, const GasketPagerankSettings *settings,
                                 const GasketProgram *iterated, GError **error);

#endif
