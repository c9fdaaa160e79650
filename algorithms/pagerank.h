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
    double least;    /* dynamic: a change that is larger is published */
} GasketPagerankSettings;

/* [all] From the shares of 1/n each to the ranks, by vertices that run when a share that they
 * gather has changed. iterated: the program of an iteration, whose rows and gather it has too. */
bool gasket_pagerank_run_dynamic(GasketRun *run, const GasketPagerankSettings *settings,
                                 const GasketProgram *iterated, GError **error);

#endif
