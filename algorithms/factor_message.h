/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic on messages: vectors of one double for each state of a variable.
 *
 *              multiply        neutral   normalised           impossible
 *   LINEAR     x y             1         sums to 1            0
 *   LOG, MAX   x + y           0         the largest is 0     -INFINITY
 *
 * A vector of impossible states alone stays as it is: normalising it is no error here, but the sign
 * that the evidence contradicts the model. Nothing is ever divided by a message or subtracted from
 * one, so there is no 0 / 0 and no INFINITY - INFINITY.
 *
 * Linear products that may underflow are noticed (FACTOR_TINY), not repaired: the whole run then
 * goes over to logarithms.
 */
#ifndef GASKET_ALGORITHMS_FACTOR_MESSAGE_H
#define GASKET_ALGORITHMS_FACTOR_MESSAGE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "factor_model.h"

/* Parts of a normalised product below this, other than 0, are too close to underflow: it times the
 * least entry of a message (1 / FACTOR_RANGE) is still a normal double. */
#define FACTOR_TINY 1e-200

static inline double
factor_neutral(FactorDomain domain)
{
    return domain == FACTOR_LINEAR ? 1 : 0;
}

static inline double
factor_impossible(FactorDomain domain)
{
    return domain == FACTOR_LINEAR ? 0 : -INFINITY;
}

static inline void
factor_fill(double *x, size_t n, double value)
{
    for (size_t i = 0; i < n; i++)
        x[i] = value;
}

/* x = x * y. */
static inline void
factor_multiply(FactorDomain domain, double *x, const double *y, size_t n)
{
    if (domain == FACTOR_LINEAR)
        for (size_t i = 0; i < n; i++)
            x[i] *= y[i];
    else
        for (size_t i = 0; i < n; i++)
            x[i] += y[i];
}

static inline double
factor_maximum(const double *x, size_t n)
{
    double largest = x[0];
    for (size_t i = 1; i < n; i++)
        largest = x[i] > largest ? x[i] : largest;
    return largest;
}

static inline double
factor_total(const double *x, size_t n)
{
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += x[i];
    return total;
}

/* log(sum of exp(x)); -INFINITY of nothing but -INFINITY. */
static inline double
factor_log_sum(const double *x, size_t n)
{
    double largest = factor_maximum(x, n), total = 0;
    if (largest == -INFINITY)
        return -INFINITY;
    for (size_t i = 0; i < n; i++)
        total += exp(x[i] - largest);
    return largest + log(total);
}

/* Normalises x; the natural logarithm of what it was divided by, -INFINITY (and x as it was) if
 * every state is impossible. */
static inline double
factor_normalise(FactorDomain domain, double *x, size_t n)
{
    if (domain == FACTOR_LINEAR) {
        double total = factor_total(x, n);
        if (!(total > 0))
            return -INFINITY;
        for (size_t i = 0; i < n; i++)
            x[i] /= total;
        return log(total);
    }
    double largest = factor_maximum(x, n);
    if (largest == -INFINITY)
        return -INFINITY;
    for (size_t i = 0; i < n; i++)
        x[i] -= largest;
    return largest;
}

/* The same without the logarithm: false if every state is impossible. */
static inline bool
factor_rescale(FactorDomain domain, double *x, size_t n)
{
    if (domain == FACTOR_LINEAR) {
        double total = factor_total(x, n);
        if (!(total > 0))
            return false;
        double inverse = 1 / total;
        for (size_t i = 0; i < n; i++)
            x[i] *= inverse;
        return true;
    }
    double largest = factor_maximum(x, n);
    if (largest == -INFINITY)
        return false;
    for (size_t i = 0; i < n; i++)
        x[i] -= largest;
    return true;
}

/* Whether a linear vector has parts other than 0 that are below least. */
static inline bool
factor_has_tiny(const double *x, size_t n, double least)
{
    bool tiny = false;
    for (size_t i = 0; i < n; i++)
        tiny |= (x[i] < least) & (x[i] > 0);
    return tiny;
}

/* The largest difference of two normalised messages, as probabilities (relative to the largest, in
 * the logarithmic domains). */
static inline double
factor_distance(FactorDomain domain, const double *x, const double *y, size_t n)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        double d = domain == FACTOR_LINEAR ? x[i] - y[i] : exp(x[i]) - exp(y[i]);
        d = fabs(d);
        largest = d > largest ? d : largest;
    }
    return largest;
}

/* x moves the share d of the way back to old, in its domain. An impossible state stays so. */
static inline void
factor_damp(FactorDomain domain, double *x, const double *old, double d, size_t n)
{
    if (domain == FACTOR_LINEAR) {
        for (size_t i = 0; i < n; i++)
            x[i] = x[i] > 0 ? x[i] + d * (old[i] - x[i]) : 0;
    } else {
        for (size_t i = 0; i < n; i++)
            x[i] = x[i] > -INFINITY && old[i] > -INFINITY ? x[i] + d * (old[i] - x[i]) : x[i];
    }
    (void)factor_rescale(domain, x, n);
}

/* The observed state alone, or the prior. */
static inline void
factor_prior(const FactorModel *model, GasketVertex v, double *x)
{
    const double *prior = model->prior + model->prior_begin[v];
    size_t n = (size_t)model->cardinality[v];
    int32_t observed = model->evidence[v];

    memcpy(x, prior, n * sizeof *x);
    if (observed < 0)
        return;
    factor_fill(x, n, factor_impossible(model->domain));
    x[observed] = prior[observed];
}

/* The index of the largest entry, the first of several. */
static inline size_t
factor_argmax(const double *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

/* The messages of entry e, and their length. */
static inline const double *
factor_in(const GasketRows *rows, uint64_t e, uint32_t uniform, size_t *ret_n)
{
    if (uniform > 0) {
        *ret_n = uniform;
        return (const double *)rows->incoming + e * uniform;
    }
    const double *message = gasket_incoming(rows, e, ret_n);
    *ret_n /= sizeof(double);
    return message;
}

static inline double *
factor_out(const GasketRows *rows, uint64_t e, uint32_t uniform)
{
    return uniform > 0 ? (double *)rows->outgoing + (size_t)rows->slot[e] * uniform
                       : gasket_outgoing(rows, e, NULL);
}

#endif
