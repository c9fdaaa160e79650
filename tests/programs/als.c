/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix factorisation by alternating least squares (Zhou et al. 2008): users and items in turn
 * solve (A + lambda n I) x = b, A and b summed over what they rated or who rated them.
 *
 * Kinds user, item; relations train, test: user -> item, column rating (double).
 */
#include "programs.h"

enum { R = ALS_RANK };

/* [a | b] becomes [1 | x] by Gauss and Jordan; a is positive definite, which needs no pivots. */
static void
solve(double a[R][R + 1])
{
    for (int c = 0; c < R; c++)
        for (int k = R; k >= c; k--) {
            a[c][k] /= a[c][c];
            for (int r = 0; r < R; r++)
                a[r][k] -= r == c ? 0 : a[r][c] * a[c][k];
        }
}

/* The first iteration draws factors; whoever has no ratings keeps them. */
static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = run->rows;
    const double(*other)[R] = rows->values, *rating = rows->column[0].data;
    double(*state)[R] = run->state, (*value)[R] = run->value;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        GasketRandom random = gasket_random_at(context->seed, STREAM_START, context->number[v], 0);
        bool draws = context->step < 2 || rows->begin[i] == rows->end[i];
        double a[R][R + 1] = {{0}}; /* column R is b */
        for (uint64_t e = rows->begin[i]; !draws && e < rows->end[i]; e++)
            for (int r = 0; r < R; r++) {
                const double *y = other[rows->neighbour[e]];
                for (int c = 0; c < R; c++)
                    a[r][c] += y[r] * y[c];
                a[r][r] += ALS_LAMBDA; /* n times in all */
                a[r][R] += rating[e] * y[r];
            }
        if (!draws)
            solve(a);
        for (int k = 0; k < R; k++)
            value[v][k] = state[v][k] = draws ? gasket_random_double(&random) : a[k][R];
    }
}

/* Adds up squared errors and number of a user's test ratings. */
static void
test_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const double(*item)[R] = run->rows->values, (*user)[R] = run->state;
    for (size_t i = 0; i < run->count; i++)
        for (uint64_t e = run->rows->begin[i]; e < run->rows->end[i]; e++) {
            double error = ((const double *)run->rows->column[0].data)[e];
            for (int k = 0; k < R; k++)
                error -= user[run->vertex[i]][k] * item[run->rows->neighbour[e]][k];
            gasket_add(context, 0, 0, error * error);
            gasket_add(context, 0, 1, 1);
        }
}

static const GasketProgram users = {"users", 0, GASKET_ROWS({0, GASKET_OUT}), .apply = apply};
static const GasketProgram items = {"items", 1, GASKET_ROWS({0, GASKET_IN}), .apply = apply};
static const GasketProgram test = {"test",
                                   0,
                                   GASKET_ROWS({1, GASKET_OUT}),
                                   .apply = test_apply,
                                   .changes = GASKET_CHANGES_NONE,
                                   .aggregates = 1};

static bool
run_als(GasketRun *run, const void *parameters, GError **error)
{
    bool ok = gasket_run_set_aggregates(run, &(GasketAggregate){"test", GASKET_SUM, 2}, 1, error) &&
              gasket_run_set_state(run, 0, R * sizeof(double), error) &&
              gasket_run_set_value(run, 0, R * sizeof(double), error) &&
              gasket_run_set_state(run, 1, R * sizeof(double), error) &&
              gasket_run_set_value(run, 1, R * sizeof(double), error) &&
              gasket_run_iterate(run, (const GasketProgram *[]){&users, &items, &test}, 3, error);
    double mean = ok ? gasket_run_total(run, 0, 0) / gasket_run_total(run, 0, 1) : NAN;
    gasket_run_set_metric(run, "test.rmse", sqrt(mean));
    return ok;
}

const GasketAlgorithm program_als = {
    .abi = GASKET_ABI,
    .name = "als",
    GASKET_NEEDS({.in_rows = true, .out_rows = true}, {.out_rows = true}),
    GASKET_RESULTS({"user", 0, GASKET_DOUBLE, 0, R}, {"item", 1, GASKET_DOUBLE, 0, R}),
    .default_iterations = 7,
    .resumable = true,
    .run = run_als,
};
