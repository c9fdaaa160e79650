/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Biases of users and items, damped as much as the ratings themselves say.
 *
 *   r_ui = mean + b_u + b_i + noise        b_u ~ N(0, t_U)   b_i ~ N(0, t_I)   noise ~ N(0, s)
 *
 * How much a bias is drawn to 0 is a question of how much the biases of its kind differ, beside how
 * noisy ratings are. Both are unknown; the expectation of everything else, and then their best
 * values, in turn (variational Bayes, users and items taken as independent given the ratings):
 *
 *   b_i = sum (r - mean - b_u) / (s / t_I + n_i)     of variance v_i = s / (s / t_I + n_i)
 *   t_I = mean over rated items of b_i^2 + v_i
 *   the same for users
 *   s   = mean over ratings of (r - mean - b_u - b_i)^2 + v_u + v_i
 *
 * Invariant: a user or item without training ratings has a bias of 0.
 *
 * Cost: 10 sweeps of 6 flops a rating.
 *
 * Reference for the damped biases: Y. Koren, Factor in the neighbors: scalable and accurate
 * collaborative filtering, TKDD 2010, section 2.1, with constants in place of s / t.
 */
#ifndef GASKET_ALGORITHMS_BIASES_H
#define GASKET_ALGORITHMS_BIASES_H

#include "recommender.h"

/* Elements of the GASKET_SUM aggregate that fitting uses. */
#define GASKET_BIASES_FIGURES 3

/* [all] Leaves the biases in the published values, and else zeros. Metrics:
 * baseline.bias.user_damping and .item_damping, the s / t. */
bool gasket_biases_fit(const GasketRecommender *model, const GasketBiasPlace place[2],
                       unsigned aggregate, GError **error);

#endif
