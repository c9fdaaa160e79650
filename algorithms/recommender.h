/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What methods on ratings share: a model with factors and biases, its error, when to stop, what it
 * is to be compared with, and the result.
 *
 *   prediction of (u, i) = mean + b_u + b_i + p_u . q_i
 *
 *   published value of a user, and of an item:    | p_0 ... p_k-1 | b |     float [k + 1]
 *
 *   static bool
 *   method_run(GasketRun *run, const void *parameters, GError **error)
 *   {
 *       const GasketRecommenderOptions options = {.rank = given->rank, .ratings = true};
 *       GasketRecommender model;
 *       if (!gasket_recommender_begin(&model, run, &options, error) ||
 *           !gasket_recommender_draw(&model, 0.1, error))
 *           return false;
 *       while (gasket_run_continues(run))
 *           if (!gasket_recommender_turn(run, &users, error) ||
 *               !gasket_recommender_turn(run, &items, error) ||
 *               !gasket_recommender_end_iteration(&model, false, error))
 *               return false;
 *       return gasket_recommender_finish(&model, error);
 *   }
 *
 *   const GasketAlgorithm gasket_method = {GASKET_RECOMMENDER_METHOD(Parameters), .name = ...
 *
 * A driver that keeps what its iterations leave for one another (gasket_run_keep) can go on from a
 * snapshot: the recommender keeps what it needs itself, two variables and, with validation ratings,
 * the best values in the vertices' state.
 *
 * The steps write whole values. begin leaves the damped biases of the baseline in them, with
 * factors of 0.
 *
 * The graph is that of GASKET_INPUT_RATINGS: kind 0 users, kind 1 items, relation 0 "train",
 * relation 1 "test", and perhaps relation 2 "validation", which early stopping looks at.
 *
 * Metrics: train.rmse, train.mae, and test.*, validation.* where there are such ratings; mean, low
 * and high of the training ratings, and how many (ratings); baseline.mean.rmse and
 * baseline.bias.rmse (of test if there is one, else of train; biases.h). Predictions are clipped to
 * the range of the training ratings when errors are measured. With `top`: those of ranking.h.
 */
#ifndef GASKET_ALGORITHMS_RECOMMENDER_H
#define GASKET_ALGORITHMS_RECOMMENDER_H

#include <math.h>

#include <gasket/algorithm.h>

/* Aggregates 0 .. GASKET_RECOMMENDER_AGGREGATES - 1 belong to the recommender. */
#define GASKET_RECOMMENDER_AGGREGATES 6

typedef struct {
    unsigned rank;     /* factors, at least 1 */
    bool own_values;   /* the method declares values (and state) and measures errors itself */
    bool ratings;      /* ratings are to be predicted: errors are measured, biases are fitted;
                           else they are counts, mean and biases start as 0 */
    bool no_biases;    /* with ratings: mean and biases start as 0 */
    size_t state_size; /* bytes of state of each user and item that the method keeps for itself */
    unsigned patience; /* stop after so many iterations without a better validation error; 0: 3 */
    unsigned top;      /* rank items for test users at the end, for lists of this length; 0: no */
    const GasketAggregate *aggregates; /* [n_aggregates] further ones */
    unsigned n_aggregates;
    /* The prediction of entry e of run->rows[0], row r, whose user is vertex r of the run; NULL:
     * mean + biases + p . q. */
    double (*predict)(const void *data, const GasketVertices *run, size_t r, uint64_t e);
    const void *predict_data;
    const char *hint; /* what to try if it diverges: "a smaller --rate" */
} GasketRecommenderOptions;

typedef struct {
    GasketRun *run;
    GasketRecommenderOptions options;
    unsigned width;     /* rank + 1 */
    uint64_t n_ratings; /* in "train" */
    bool has_test, has_validation;
    double mean;                    /* of the training ratings, or 0 */
    double variance;                /* of the training ratings */
    double low, high;               /* their range */
    double train, test, validation; /* RMSE, of the last iteration; NAN: not measured */
    double baseline;                /* RMSE on train of the damped biases */
    double best;                    /* smallest validation error so far */
    unsigned since_best;            /* iterations since */
    bool test_known;                /* the method has measured test in this iteration: its metrics
                                       stay (bpmf: of the mean of many models) */
} GasketRecommender;

/* Where a kind's published values have the bias (float): offset bytes after their begin. They are
 * stride bytes each, unless their sizes vary. */
typedef struct {
    size_t stride, offset;
} GasketBiasPlace;

/* What to keep of the three relations: rows for the method (0) and for the errors. */
#define GASKET_RECOMMENDER_NEEDS                                                                   \
    {.in_rows = true, .out_rows = true}, {.out_rows = true},                                       \
    {                                                                                              \
        .out_rows = true                                                                           \
    }

/* The columns of the result, for GASKET_RECOMMENDS_FACTORS and _SCORES. Lengths and offsets are
 * filled in by gasket_recommender_prepare, for a rank at the start of the parameters. */
#define GASKET_RECOMMENDER_RESULTS                                                                 \
    {.name = "factors", .kind = 0, .type = GASKET_FLOAT},                                          \
        {.name = "bias", .kind = 0, .type = GASKET_FLOAT},                                         \
        {.name = "factors", .kind = 1, .type = GASKET_FLOAT},                                      \
    {                                                                                              \
        .name = "bias", .kind = 1, .type = GASKET_FLOAT                                            \
    }
#define GASKET_RECOMMENDER_N_RESULTS 4

/* The rows of the training ratings by kind: a user's are its out-rows, an item's its in-rows. */
extern const GasketRowSet gasket_train_rows[2];

/* For methods whose parameters begin with `int64_t factors`: what they have in common. */
#define GASKET_RECOMMENDER_METHOD(Parameters)                                                      \
    .abi = GASKET_ABI, .input = GASKET_INPUT_RATINGS, .parameters_size = sizeof(Parameters),       \
    .needs = gasket_recommender_needs, .n_needs = 3, .results = gasket_recommender_results,        \
    .n_results = GASKET_RECOMMENDER_N_RESULTS, .prepare = gasket_recommender_prepare
extern const GasketNeeds gasket_recommender_needs[3];
extern const GasketResultColumn gasket_recommender_results[GASKET_RECOMMENDER_N_RESULTS];
bool gasket_recommender_prepare(const void *parameters, double tolerance, GasketNeeds *needs,
                                GasketResultColumn *results, GError **error);

/* [all] One step of a program over whole rows of training ratings, those of its kind: it need not
 * name them. */
bool gasket_recommender_turn(GasketRun *run, const GasketProgram *program, GError **error);

/* [all] Declares values (and state), measures the ratings, fits and measures the baselines.
 * Error: ARGUMENT if the graph is not one of ratings. */
bool gasket_recommender_begin(GasketRecommender *model, GasketRun *run,
                              const GasketRecommenderOptions *options, GError **error);

/* [all] With own_values: fits the biases of the baseline, at their place in each kind's values. */
bool gasket_recommender_fit_biases(const GasketRecommender *model, const GasketBiasPlace place[2],
                                   GError **error);

/* [all] Draws every factor from a normal distribution of that deviation, a function of seed, kind
 * and ordinal, or with `positive` its magnitude; biases stay. */
bool gasket_recommender_draw(GasketRecommender *model, double deviation, bool positive,
                             GError **error);

/* The method's own state of vertex v of a kind, given the kind's state as programs see it. */
void *gasket_recommender_state(const GasketRecommender *model, void *state, GasketVertex v);

/* [all] Measures the errors and ends the iteration. FAILED with the hint if the model diverges.
 * With validation ratings it says that the run has converged once they are predicted no better for
 * `patience` iterations. converged: the method's own opinion. */
bool gasket_recommender_end_iteration(GasketRecommender *model, bool converged, GError **error);

/* [all] The published values -> the result; those of the best iteration where there are validation
 * ratings. Ranks items if asked. */
bool gasket_recommender_finish(GasketRecommender *model, GError **error);

/* [all] Ranks items for the test users by a scorer; for methods with own_values. */
struct GasketScorer;
bool gasket_recommender_rank(const GasketRecommender *model, const struct GasketScorer *scorer,
                             GError **error);

/* Whether there are values of a best iteration, by validation ratings. */
static inline bool
gasket_recommender_has_best(const GasketRecommender *model)
{
    return model->has_validation && model->best < (double)INFINITY;
}

/* p . q over n floats, in double: four sums of every fourth product, for the sake of speed. */
static inline double
gasket_recommender_dot(const float *p, const float *q, unsigned n)
{
    double sum[4] = {0};
    unsigned i = 0;
    for (; i + 4 <= n; i += 4)
        for (unsigned j = 0; j < 4; j++)
            sum[j] += (double)p[i + j] * q[i + j];
    for (; i < n; i++)
        sum[0] += (double)p[i] * q[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

#endif
