/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splashes, between their files: bp_splash_grow.c chooses roots and grows trees, bp_splash.c sweeps
 * them.
 */
#ifndef GASKET_ALGORITHMS_BP_SPLASH_H
#define GASKET_ALGORITHMS_BP_SPLASH_H

#include "bp.h"

#include <stdatomic.h>

#define BP_LAST_STAMP ((UINT64_C(1) << 22) - 2)
#define BP_NO_PARENT  (-1)

/* Vertices of a kind in the order in which they joined a tree. */
typedef struct {
    GasketVertex *joined; /* [n_owned] */
    _Atomic uint32_t n_joined;
    uint32_t *begin;               /* [2 * depth + 3] of each level */
    GasketVertexSet *set, *nobody; /* of the step at hand, else empty; always empty */
} BpSplashSide;

/* A run of them. */
typedef struct {
    GasketRun *run;
    BpSettings *settings;
    BpTrees trees;
    uint32_t depth, n_levels;
    uint64_t stamp;
    float tolerance, least; /* of a variable of a tree, of a root */
    BpSplashSide side[2];
    int64_t left; /* messages until it gives up */
    BpOutcome outcome;
} BpSplash;

/* [all] Roots of a change of `least` or more, and trees about them, into joined and parents. */
bool bp_splash_grow(BpSplash *splash, GError **error);

/* Nobody is woken. */
void bp_splash_rest(BpSplash *splash);

#endif
