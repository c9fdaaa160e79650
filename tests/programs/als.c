/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix factorisation by alternating least squares (Zhou et al. 2008): users and items in turn
 * solve (A + lambda n I) x = b, A and b summed over what they rated or who rated them.
 *
 * Kinds user, item; relations train, test: user -> item, column rating (double).
 */
#include "programs.h"

#include <math.h>
#include <string.h>

enum { R = ALS_RANK };
enum { SQUARED_ERROR, N_TESTED };
static const GasketAggregate aggregates[] = {{"squared_error", GASKET_SUM, 1},
                                             {"n_tested", GASKET_COUNT, 1}};

/* Solves a x = b by Gauss; a is symmetric and positive definite, which needs no pivots. */
static void
solve(double a[R][R], double *b, double *x)
{
    for (int c = 0; c < R; c++)
        for (int r = c + 1; r < R; r++) {
            double factor = a[r][c] / a[c][c];
            for (int k = c; k < R; k++)
                a[r][k] -= factor * a[c][k];
            b[r] -= factor * b[c];
        }
    for (int r = R - 1; r >= 0; r--) {
        x[r] = b[r];
        for (int k = r + 1; k < R; k++)
            x[r] -= a[r][k] * x[k];
        x[r] /= a[r][r];
    }
}

/* Each side draws its factors first. Whoever has no ratings keeps them. */
static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = run->rows;
    const double(*other)[R] = rows->values, *rating = rows->column[0].data;
    double(*state)[R] = run->state, (*value)[R] = run->value;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        double a[R][R] = {{0}}, b[R] = {0};
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const double *y = other[rows->neighbour[e]];
            for (int r = 0; r < R; r++) {
                for (int c = 0; c < R; c++)
                    a[r][c] += y[r] * y[c];
                b[r] += rating[e] * y[r];
                a[r][r] += ALS_LAMBDA; /* n times in all */
            }
        }
        GasketRandom random = gasket_random_at(context->seed, STREAM_START, context->number[v], 0);
        for (int k = 0; context->step < 2 && k < R; k++)
            state[v][k] = gasket_random_double(&random);
        if (context->step >= 2 && rows->begin[i] < rows->end[i])
            solve(a, b, state[v]);
        memcpy(value[v], state[v], sizeof *value);
    }
}

/* Squared error over a user's test ratings. */
static void
test_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = run->rows;
    const double(*item)[R] = rows->values, (*user)[R] = run->state, *rating = rows->column[0].data;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            double error = rating[e];
            for (int k = 0; k < R; k++)
                error -= user[run->vertex[i]][k] * item[rows->neighbour[e]][k];
            gasket_add(context, SQUARED_ERROR, 0, error * error);
            gasket_count(context, N_TESTED, 0, 1);
        }
}

static const GasketRowSet user_rows[] = {{0, GASKET_OUT}}, item_rows[] = {{0, GASKET_IN}},
                          test_rows[] = {{1, GASKET_OUT}};
static const GasketProgram users = {
    .name = "users", .kind = 0, .rows = user_rows, .n_rows = 1, .whole_rows = true, .apply = apply};
static const GasketProgram items = {
    .name = "items", .kind = 1, .rows = item_rows, .n_rows = 1, .whole_rows = true, .apply = apply};
static const GasketProgram test = {.name = "test",
                                   .kind = 0,
                                   .rows = test_rows,
                                   .n_rows = 1,
                                   .whole_rows = true,
                                   .apply = test_apply,
                                   .changes = GASKET_CHANGES_NONE,
                                   .aggregates = 1 << SQUARED_ERROR | 1 << N_TESTED};

static bool
run_als(GasketRun *run, const void *parameters, GError **error)
{
    static const GasketProgram *const sides[] = {&users, &items};
    (void)parameters;
    for (unsigned kind = 0; kind < 2; kind++)
        if (!gasket_run_set_state(run, kind, R * sizeof(double), error) ||
            !gasket_run_set_value(run, kind, R * sizeof(double), error))
            return false;
    if (!gasket_run_set_aggregates(run, aggregates, 2, error) ||
        !gasket_run_step(run, &users, error) || !gasket_run_step(run, &items, error) ||
        !gasket_run_iterate(run, sides, 2, error) || !gasket_run_step(run, &test, error))
        return false;
    gasket_run_set_metric(run, "test.rmse",
                          sqrt(gasket_run_total(run, SQUARED_ERROR, 0) /
                               (double)gasket_run_total_count(run, N_TESTED, 0)));
    return true;
}

static const GasketNeeds needs[] = {{.in_rows = true, .out_rows = true}, {.out_rows = true}};
static const GasketResultColumn results[] = {
    {.name = "user", .kind = 0, .type = GASKET_DOUBLE, .length = R},
    {.name = "item", .kind = 1, .type = GASKET_DOUBLE, .length = R},
};
const GasketAlgorithm program_als = {
    .abi = GASKET_ABI,
    .name = "als",
    .needs = needs,
    .n_needs = 2,
    .results = results,
    .n_results = 2,
    .default_iterations = 6,
    .resumable = true,
    .run = run_als,
};
