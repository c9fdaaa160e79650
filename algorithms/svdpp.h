/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SVD++ with and without times share; the method is told in svdpp.c.
 *
 * Published values of a user, and of an item; only time_svdpp.c has a rest:
 *
 *   | p + s, or q [rank] | rest | bias |        float [width]
 */
#ifndef GASKET_ALGORITHMS_SVDPP_H
#define GASKET_ALGORITHMS_SVDPP_H

#include "recommender.h"
#include "strata.h"
#include "vectors.h"

typedef struct {
    GasketRecommender *model;
    size_t rank, width;
    double mean;
    float rate, shrink, bias_shrink, implicit_shrink, gain;
    int rating; /* edge column */
    float *users, *items;
    void *user_states;
} Svdpp;

/* A user's own: p, t, s of k floats each, and what it publishes behind the factors. */
typedef struct {
    float *p, *t, *s, *rest;
} SvdppUser;

/* Bytes that a user and an item keep for themselves. */
static inline size_t
svdpp_state_size(size_t rank, size_t width)
{
    return (2 * rank + width) * sizeof(float);
}

static inline SvdppUser
svdpp_user(const Svdpp *descent, void *states, GasketVertex u)
{
    const size_t k = descent->rank;
    float *own = gasket_recommender_state(descent->model, states, u);
    return (SvdppUser){own, own + k, own + 2 * k, own + 3 * k};
}

/* One step of p, t and q along the gradient. */
static inline void
svdpp_update(const Svdpp *descent, float error, float *restrict p, float *restrict t,
             float *restrict q)
{
    const float step = descent->rate * error, keep = 1 - descent->rate * descent->shrink,
                keep_t = 1 - descent->rate * descent->implicit_shrink;

    for (size_t f = 0; f < descent->rank; f++) {
        float both = p[f] + t[f];
        p[f] = keep * p[f] + step * q[f];
        t[f] = keep_t * t[f] + step * q[f];
        q[f] = keep * q[f] + step * both;
    }
}

/* [all] What comes after an epoch's updates: items learn y, users sum it, values are shown. */
bool svdpp_exchange(GasketRun *run, const Svdpp *descent, GError **error);

#endif
