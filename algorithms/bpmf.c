/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probabilistic matrix factorisation by Gibbs sampling.
 *
 *   r_ui ~ N(mean + b_u + b_i + p_u . q_i, 1 / alpha)
 *   (p_u, b_u) ~ N(m_U, L_U^-1)    (q_i, b_i) ~ N(m_I, L_I^-1)    k + 1 numbers each
 *   (m, L) ~ Gauss-Wishart: L ~ W(I, d), m ~ N(0, (2 L)^-1), d = k + 1
 *
 * An iteration draws each of these from what the others leave it:
 *
 *   (m, L) of a side   from the sums of its x and x x' over all vertices (aggregates): by every
 *                      worker, from the same totals and random numbers
 *   x = (p_u, b_u)     N(A^-1 c, A^-1), A = L + alpha sum y y', c = L m + alpha sum (r - rest) y,
 *                      where y = (q_i, 1): a bias is a factor that meets a 1
 *
 * A prediction is the mean over the draws after `--burn-in` of them, kept for each test rating
 * (metric test.rmse). The model that is written is the mean of the drawn factors, which is close
 * to it as long as the draws stay about one of the many equivalent solutions.
 *
 * Cost: k^2 / 2 multiplications a rating and side, k^3 / 3 a vertex; 16 bytes a test rating.
 *
 * Reference: R. Salakhutdinov, A. Mnih, Bayesian probabilistic matrix factorization using Markov
 * chain Monte Carlo, ICML 2008.
 */
#include "algorithms.h"
#include "sampler.h"

/* ---- options --------------------------------------------------------------------------------- */

typedef struct {
    int64_t factors, burn_in;
    double precision, spread;
} Parameters;

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "16",
     "factors of a user and an item", .minimum = 1, .maximum = 1024},
    {"burn-in", GASKET_OPTION_INT, offsetof(Parameters, burn_in), "20",
     "iterations whose draws are not averaged", .minimum = 0, .maximum = 1e9},
    {"precision", GASKET_OPTION_DOUBLE, offsetof(Parameters, precision), "1.5",
     "1 / variance of a rating about its prediction", .minimum = 1e-9, .maximum = 1e9},
    {"spread", GASKET_OPTION_DOUBLE, offsetof(Parameters, spread), "0.1",
     "deviation of the factors at the start", .minimum = 0, .maximum = 100},
    {.name = NULL},
};

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
bpmf_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    const size_t d = (size_t)given->factors + 1;
    const GasketAggregate aggregates[] = {SAMPLER_AGGREGATES(d)};
    const GasketRecommenderOptions options_of = {.rank = (unsigned)given->factors,
                                                 .ratings = true,
                                                 .state_size = sampler_state_size(d, false),
                                                 .aggregates = aggregates,
                                                 .n_aggregates = SAMPLER_N_AGGREGATES,
                                                 .hint = "a smaller --precision"};
    GasketRecommender model;
    g_auto(Sampler) sampler = {0};

    if (!gasket_recommender_begin(&model, run, &options_of, error) ||
        !gasket_recommender_draw(&model, given->spread, false, error))
        return false;
    sampler_init(&sampler, &model, given->precision);
    if (!sampler_begin_test(&sampler, error))
        return false;
    while (gasket_run_continues(run)) {
        sampler.n_kept = sampler.iteration < (uint64_t)given->burn_in ? 0 : sampler.n_kept + 1;
        if (!sampler_side(&sampler, 0, error) || !sampler_side(&sampler, 1, error) ||
            !sampler_average_test(&sampler, error) ||
            !gasket_recommender_end_iteration(&model, false, error))
            return false;
        sampler.iteration++;
    }
    return sampler_settle(&sampler, error) && gasket_recommender_finish(&model, error);
}

const GasketAlgorithm gasket_bpmf = {
    GASKET_RECOMMENDER_METHOD(Parameters),
    .name = "bpmf",
    .summary = "Bayesian matrix factorisation by Gibbs sampling",
    .description =
        "Draws factors and biases of users and items from their distribution given the ratings, "
        "and averages the predictions: little to tune, hard to overfit.\n"
        "\n"
        "  gasket bpmf ratings.tsv --test 0.1 --factors 32 --iterations 200 -o model/\n",
    .recommends = GASKET_RECOMMENDS_FACTORS,
    .options = options,
    .default_iterations = 120,
    .resumable = true,
    .run = bpmf_run,
};
