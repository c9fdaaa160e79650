/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix factorisation by alternating least squares (Zhou et al. 2008): users and items in turn
 * solve (A + lambda n I) x = b, A and b summed over what they rated or who rated them.
 *
 * Kinds user, item; relations train, test: user -> item, column rating (double).
 */
#include "programs.h"

#include <math.h>

#define R ALS_RANK

enum { SQUARED_ERROR, N_TESTED };

static const GasketAggregate aggregates[] = {{"squared_error", GASKET_SUM, 1},
                                             {"n_tested", GASKET_COUNT, 1}};
static const GasketNeeds needs[] = {{.in_rows = true, .out_rows = true}, {.out_rows = true}};
static const GasketResultColumn results[] = {
    {.name = "user", .kind = 0, .type = GASKET_DOUBLE, .length = R},
    {.name = "item", .kind = 1, .type = GASKET_DOUBLE, .length = R},
};

typedef struct {
    double a[R][R], b[R], n;
} Normal;

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    double(*state)[R] = run->state, (*value)[R] = run->value;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        GasketRandom random = gasket_random_at(context->seed, STREAM_START, context->number[v], 0);
        for (unsigned k = 0; k < R; k++)
            value[v][k] = state[v][k] = gasket_random_double(&random);
    }
}

/* x = (A + lambda n I)^-1 b by Cholesky; A = L L^T takes the place of A. */
static void
solve(Normal s, double *x)
{
    for (unsigned i = 0; i < R; i++) {
        s.a[i][i] += ALS_LAMBDA * s.n;
        for (unsigned j = 0; j <= i; j++) {
            for (unsigned k = 0; k < j; k++)
                s.a[i][j] -= s.a[i][k] * s.a[j][k];
            s.a[i][j] = i == j ? sqrt(s.a[i][i]) : s.a[i][j] / s.a[j][j];
        }
    }
    for (unsigned i = 0; i < R; i++) {
        x[i] = s.b[i];
        for (unsigned k = 0; k < i; k++)
            x[i] -= s.a[i][k] * x[k];
        x[i] /= s.a[i][i];
    }
    for (unsigned i = R; i-- > 0;) {
        for (unsigned k = i + 1; k < R; k++)
            x[i] -= s.a[k][i] * x[k];
        x[i] /= s.a[i][i];
    }
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = run->rows;
    const double(*other)[R] = rows->values, *rating = rows->column[0].data;
    double(*state)[R] = run->state, (*value)[R] = run->value;
    (void)context, (void)sums;

    for (size_t r = 0; r < run->count; r++) {
        GasketVertex v = run->vertex[r];
        Normal s = {.n = (double)(rows->end[r] - rows->begin[r])};
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            const double *y = other[rows->neighbour[e]];
            for (unsigned i = 0; i < R; i++) {
                for (unsigned j = 0; j <= i; j++)
                    s.a[i][j] += y[i] * y[j];
                s.b[i] += rating[e] * y[i];
            }
        }
        if (s.n > 0)
            solve(s, state[v]);
        for (unsigned k = 0; k < R; k++)
            value[v][k] = state[v][k];
    }
}

/* Squared error over a user's test ratings. */
static void
test_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const double(*item)[R] = rows->values, (*user)[R] = rows->state;
    const double *rating = rows->column[0].data;
    (void)sums;

    for (size_t r = 0; r < rows->count; r++) {
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            double error = rating[e];
            for (unsigned k = 0; k < R; k++)
                error -= user[rows->vertex[r]][k] * item[rows->neighbour[e]][k];
            gasket_add(context, SQUARED_ERROR, 0, error * error);
        }
        gasket_count(context, N_TESTED, 0, (int64_t)(rows->end[r] - rows->begin[r]));
    }
}

static const GasketRowSet user_rows[] = {{0, GASKET_OUT}}, item_rows[] = {{0, GASKET_IN}},
                          test_rows[] = {{1, GASKET_OUT}};
static const GasketProgram start[] = {{.name = "start users", .kind = 0, .apply = start_apply},
                                      {.name = "start items", .kind = 1, .apply = start_apply}};
static const GasketProgram users = {
    .name = "users", .kind = 0, .rows = user_rows, .n_rows = 1, .whole_rows = true, .apply = apply};
static const GasketProgram items = {
    .name = "items", .kind = 1, .rows = item_rows, .n_rows = 1, .whole_rows = true, .apply = apply};
static const GasketProgram test = {.name = "test",
                                   .kind = 0,
                                   .rows = test_rows,
                                   .n_rows = 1,
                                   .gather = test_gather,
                                   .changes = GASKET_CHANGES_NONE,
                                   .aggregates = 1 << SQUARED_ERROR | 1 << N_TESTED};

static bool
run_als(GasketRun *run, const void *parameters, GError **error)
{
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, 2, error))
        return false;
    for (unsigned kind = 0; kind < 2; kind++)
        if (!gasket_run_set_state(run, kind, R * sizeof(double), error) ||
            !gasket_run_set_value(run, kind, R * sizeof(double), error) ||
            !gasket_run_step(run, &start[kind], error))
            return false;
    while (gasket_run_continues(run)) {
        if (!gasket_run_step(run, &users, error) || !gasket_run_step(run, &items, error) ||
            !gasket_run_step(run, &test, error))
            return false;
        double rmse = sqrt(gasket_run_total(run, SQUARED_ERROR, 0) /
                           (double)gasket_run_total_count(run, N_TESTED, 0));
        gasket_run_set_metric(run, "test.rmse", rmse);
        gasket_run_end_iteration(run, NAN, false);
    }
    return true;
}

static const GasketAlgorithm algorithm = {
    .abi = GASKET_ABI,
    .name = "als",
    .needs = needs,
    .n_needs = 2,
    .results = results,
    .n_results = 2,
    .default_iterations = 6,
    .run = run_als,
};

const GasketAlgorithm *
program_als(void)
{
    return &algorithm;
}
