/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Factors and biases drawn from their distribution given the ratings, one side after the other:
 * what Gibbs samplers of ratings (bpmf.c, where the model is told) and of ratings with features
 * (fm.c) share.
 *
 *   x = (p, b)    d = k + 1 numbers of a user or an item, which it publishes
 *   x ~ N(m + t, L^-1)    (m, L) ~ Gauss-Wishart of the side; t its shift: 0, or what the method
 *                         keeps for each vertex
 *
 *   state of a vertex:  | sum of the draws that count: double [d] | t: float [d], if shifted | ...
 *
 * Without drawing every x becomes the mean of its conditional distribution, and L stays as it was
 * set: block coordinate descent on alpha sum e^2 + sum (x - t)' L (x - t).
 */
#ifndef GASKET_ALGORITHMS_SAMPLER_H
#define GASKET_ALGORITHMS_SAMPLER_H

#include "recommender.h"
#include "vectors.h"

/* Aggregates that belong to the sampler, behind those of the recommender. */
#define SAMPLER_AGGREGATES(d)                                                                      \
    {"sums", GASKET_SUM, (unsigned)(d)},                                                           \
        {"products", GASKET_SUM, (unsigned)((d) * ((d) + 1) / 2)},                                 \
    {                                                                                              \
        "mean_error", GASKET_SUM, 2                                                                \
    }
#define SAMPLER_N_AGGREGATES 3

/* A side's distribution, as drawn last. */
typedef struct {
    double *precision; /* [d][d] L, lower triangle */
    double *root;      /* [d][d] lower triangular, L = root root' */
    double *mean;      /* [d] m */
    double *weighted;  /* [d] L m */
} SamplerPrior;

typedef struct {
    GasketRecommender *model;
    size_t d; /* k + 1 */
    double mean, alpha;
    int rating;                 /* edge column */
    bool shifted;               /* vertices have t */
    bool settled;               /* nothing is drawn */
    uint64_t iteration, n_kept; /* kept: draws that are averaged, this one counted */
    unsigned kind;              /* the side at hand */
    SamplerPrior prior;
    /* Vectors of a side that L says something of too: x ~ N(0, (strength L)^-1), how many, and the
     * lower triangle of strength sum x x' [d (d + 1) / 2]. 0 and NULL: none. */
    double n_others;
    const double *others;
} Sampler;

/* Bytes of state that a vertex needs. */
static inline size_t
sampler_state_size(size_t d, bool shifted)
{
    return d * sizeof(double) + (shifted ? d * sizeof(float) : 0);
}

/* t of a vertex. */
static inline float *
sampler_shift(const Sampler *sampler, void *states, GasketVertex v)
{
    double *total = gasket_recommender_state(sampler->model, states, v);
    return (float *)(void *)(total + sampler->d);
}

/* Makes room for the prior, 0 at first, and has its counts kept by snapshots; the sampler is
 * cleared with sampler_clear. */
void sampler_init(Sampler *sampler, GasketRecommender *model, double alpha);
void sampler_clear(Sampler *sampler);

/* [all] Draws the side's distribution unless that is settled, then its vertices. FAILED if the
 * draws diverge. */
bool sampler_side(Sampler *sampler, unsigned kind, GError **error);

/* [all] The mean of x - t over a side; ret_mean [d]. */
bool sampler_mean(Sampler *sampler, unsigned kind, double *ret_mean, GError **error);

/* [all] Takes this iteration's draws into the mean prediction of each test rating, and measures
 * it: metrics test.rmse and test.mae. Needs sampler_begin_test. */
bool sampler_begin_test(const Sampler *sampler, GError **error);
bool sampler_average_test(Sampler *sampler, GError **error);

/* [all] The means of what was drawn become the values. */
bool sampler_settle(const Sampler *sampler, GError **error);

/* Gamma with shape a >= 1 / 2 and scale 1. */
double sampler_gamma(GasketRandom *random, double a);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sampler, sampler_clear)

#endif
