/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Truncated singular value decomposition of the ratings, a missing one being 0, by Lanczos.
 *
 *   A ~ sum over f < k of s_f x_f y_f'      the closest matrix of rank k
 *
 * Golub-Kahan bidiagonalisation from a drawn y: users multiply, items multiply, and each new vector
 * is made orthogonal to those before and of length 1:
 *
 *   u_j = A v_j,  v_j+1 = A' u_j, both orthogonalised;  a_j, b_j their lengths before scaling
 *
 *              | a_0 b_0         |
 *   A V = U B, |     a_1 b_1     |    B's singular values approach those of A, the largest first
 *              |         ...     |
 *
 * B is small: its decomposition X S Y' by one-sided Jacobi is everybody's own work, and then
 * x_f = U X_f, y_f = V Y_f. Each is written times the root of s_f, so that a score is a product of
 * factors. Metrics: singular_0, singular_1, ...
 *
 * Invariant: the basis is orthogonal to rounding: each vector is orthogonalised twice (dot products
 * are exact totals), which is enough (Kahan; Parlett 1980).
 *
 * Cost of m steps: 4 m flops an edge, 8 m^2 flops and 8 m bytes a vertex.
 *
 * Reference: G. Golub, W. Kahan, Calculating the singular values and pseudo-inverse of a matrix,
 * SIAM J. Numer. Anal. 2(2), 1965.
 */
#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "recommender.h"
#include "vectors.h"

/* ---- options and result ---------------------------------------------------------------------- */

typedef struct {
    int64_t factors, steps;
} Parameters;

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "16", "singular values to find",
     .minimum = 1, .maximum = 1024},
    {"steps", GASKET_OPTION_INT, offsetof(Parameters, steps), "0",
     "Lanczos steps; 0: twice the factors and 20", .minimum = 0, .maximum = 8192},
    {.name = NULL},
};

static const GasketResultColumn results[] = {GASKET_RECOMMENDER_RESULTS};

static const GasketNeeds needs[] = {{.in_rows = true, .out_rows = true}, {.out_rows = true}};

/* A state: basis [m] doubles, then factors [k] and a bias of 0 in floats. */
static size_t
n_steps(const Parameters *given)
{
    return (size_t)MAX(given->steps > 0 ? given->steps : 2 * given->factors + 20, given->factors);
}

static size_t
state_size(const Parameters *given)
{
    return n_steps(given) * sizeof(double) + ((size_t)given->factors + 2) / 2 * 2 * sizeof(float);
}

static bool
svd_prepare(const void *parameters, double tolerance, GasketNeeds *needs_copy,
            GasketResultColumn *results_copy, GError **error)
{
    const Parameters *given = parameters;
    const size_t before = n_steps(given) * sizeof(double);
    (void)tolerance;
    (void)needs_copy;
    (void)error;
    for (unsigned c = 0; c < G_N_ELEMENTS(results); c++) {
        results_copy[c].offset = before + (c % 2 ? (size_t)given->factors * sizeof(float) : 0);
        results_copy[c].length = c % 2 ? 1 : (size_t)given->factors;
    }
    return true;
}

/* ---- the vertex programs --------------------------------------------------------------------- */

enum { DOTS, LENGTH };
enum { STREAM_START = 7201 };

typedef struct {
    size_t m, k, size;   /* basis, factors, bytes of a state */
    size_t at;           /* the vector in work: those before it are orthogonal to it or to be so */
    double length;       /* of it */
    int rating;          /* edge column */
    const double *small; /* [k][m] what makes a factor of the basis */
} Lanczos;

static double *
basis_of(const Lanczos *lanczos, void *states, GasketVertex v)
{
    return (double *)(void *)((char *)states + v * lanczos->size);
}

static void
add_dots(const GasketContext *context, const Lanczos *lanczos, const double *basis)
{
    for (size_t l = 0; l < lanczos->at; l++)
        gasket_add(context, DOTS, (unsigned)l, basis[l] * basis[lanczos->at]);
    gasket_add(context, LENGTH, 0, basis[lanczos->at] * basis[lanczos->at]);
}

static void
start(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Lanczos *lanczos = context->parameters;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        double *basis = basis_of(lanczos, run->state, run->vertex[i]);
        GasketRandom random =
            gasket_random_at(context->seed, STREAM_START, context->ordinal[run->vertex[i]], 0);
        basis[0] = gasket_random_normal(&random);
        add_dots(context, lanczos, basis);
    }
}

static void
multiply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Lanczos *lanczos = context->parameters;
    const GasketRows *rows = run->rows;
    const double *other = rows->values;
    const float *rating = lanczos->rating < 0 ? NULL : rows->column[lanczos->rating].data;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        double *basis = basis_of(lanczos, run->state, run->vertex[i]), total = 0;
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++)
            total += (rating != NULL ? (double)rating[e] : 1) * other[rows->neighbour[e]];
        basis[lanczos->at] = total;
        add_dots(context, lanczos, basis);
    }
}

/* Takes off what the vector has of those before it. */
static void
orthogonalise(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Lanczos *lanczos = context->parameters;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        double *basis = basis_of(lanczos, run->state, run->vertex[i]);
        for (size_t l = 0; l < lanczos->at; l++)
            basis[lanczos->at] -= gasket_total(context, DOTS, (unsigned)l) * basis[l];
        add_dots(context, lanczos, basis);
    }
}

static void
scale(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Lanczos *lanczos = context->parameters;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        double *basis = basis_of(lanczos, run->state, run->vertex[i]);
        basis[lanczos->at] /= lanczos->length;
        ((double *)run->value)[run->vertex[i]] = basis[lanczos->at];
    }
}

static void
combine(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Lanczos *lanczos = context->parameters;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        const double *basis = basis_of(lanczos, run->state, run->vertex[i]);
        float *factors = (float *)(void *)((char *)basis + lanczos->m * sizeof(double));
        for (size_t f = 0; f < lanczos->k; f++)
            factors[f] =
                (float)dense_dot_double(lanczos->at, lanczos->small + f * lanczos->m, basis);
    }
}

/* ---- the small decomposition ----------------------------------------------------------------- */

/* One-sided Jacobi (Hestenes): rotates pairs of columns of b [n][n], stored by columns, until all
 * are orthogonal, and y, which starts as the identity, with them: b = X S, y = Y. */
static void
jacobi(size_t n, double *b, double *y)
{
    for (unsigned sweep = 0; sweep < 60; sweep++) {
        bool rotated = false;
        for (size_t p = 0; p + 1 < n; p++)
            for (size_t q = p + 1; q < n; q++) {
                double *bp = b + p * n, *bq = b + q * n, *yp = y + p * n, *yq = y + q * n;
                const double pp = dense_dot_double(n, bp, bp), qq = dense_dot_double(n, bq, bq);
                const double pq = dense_dot_double(n, bp, bq);
                if (fabs(pq) <= 1e-15 * sqrt(pp * qq))
                    continue;
                const double zeta = (qq - pp) / (2 * pq);
                const double t = copysign(1, zeta) / (fabs(zeta) + sqrt(1 + zeta * zeta));
                const double c = 1 / sqrt(1 + t * t), s = c * t;
                for (size_t i = 0; i < n; i++) {
                    double x = bp[i], z = yp[i];
                    bp[i] = c * x - s * bq[i];
                    bq[i] = s * x + c * bq[i];
                    yp[i] = c * z - s * yq[i];
                    yq[i] = s * z + c * yq[i];
                }
                rotated = true;
            }
        if (!rotated)
            return;
    }
}

/* From B of n steps to the factors' combinations of each side's basis: small[kind] [k][m]. */
static void
decompose(GasketRun *run, const Lanczos *lanczos, size_t n, const double *a, const double *b,
          double *const small[2])
{
    g_autofree double *columns = g_new0(double, n *n + 1), *y = g_new0(double, n *n + 1);
    g_autofree double *size = g_new0(double, n + 1);

    for (size_t j = 0; j < n; j++) {
        columns[j * n + j] = a[j];
        if (j > 0)
            columns[j * n + j - 1] = b[j - 1];
        y[j * n + j] = 1;
    }
    jacobi(n, columns, y);
    for (size_t j = 0; j < n; j++)
        size[j] = sqrt(dense_dot_double(n, columns + j * n, columns + j * n));
    for (size_t f = 0; f < MIN(n, lanczos->k); f++) {
        size_t best = 0;
        for (size_t j = 1; j < n; j++)
            if (size[j] > size[best])
                best = j;
        g_autofree char *name = g_strdup_printf("singular_%zu", f);
        gasket_run_set_metric(run, name, size[best]);
        const double root = sqrt(size[best]);
        for (size_t i = 0; i < n && root > 0; i++) {
            small[0][f * lanczos->m + i] = columns[best * n + i] / root;
            small[1][f * lanczos->m + i] = y[best * n + i] * root;
        }
        size[best] = -1;
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

static const GasketRowSet rows_of[2][1] = {{{0, GASKET_OUT}}, {{0, GASKET_IN}}};

static bool
step_of(GasketRun *run, unsigned kind, GasketApply apply, const Lanczos *lanczos, GError **error)
{
    const bool multiplies = apply == multiply, writes = apply == scale;
    const GasketProgram program = {.name = multiplies ? "multiply"
                                           : writes   ? "scale"
                                                      : "orthogonalise",
                                   .kind = kind,
                                   .rows = multiplies ? rows_of[kind] : NULL,
                                   .n_rows = multiplies,
                                   .whole_rows = multiplies,
                                   .apply = apply,
                                   .changes = writes ? GASKET_CHANGES_ALL : GASKET_CHANGES_NONE,
                                   .aggregates =
                                       writes || apply == combine ? 0 : 1 << DOTS | 1 << LENGTH,
                                   .parameters = lanczos};
    return gasket_run_step(run, &program, error);
}

/* A new vector of a side, of length 1 unless nothing is left of it. */
static bool
new_vector(GasketRun *run, unsigned kind, GasketApply first, Lanczos *lanczos, GError **error)
{
    if (!step_of(run, kind, first, lanczos, error))
        return false;
    for (unsigned twice = 0; twice < 2; twice++)
        if (!step_of(run, kind, orthogonalise, lanczos, error))
            return false;
    lanczos->length = sqrt(gasket_run_total(run, LENGTH, 0));
    return lanczos->length == 0 || step_of(run, kind, scale, lanczos, error);
}

/* U, V, B; ret_n: steps until nothing new was left. */
static bool
bidiagonalise(GasketRun *run, Lanczos *lanczos, double *a, double *b, size_t *ret_n, GError **error)
{
    double largest = 0;
    size_t n = 0;

    if (!new_vector(run, 1, start, lanczos, error))
        return false;
    while (gasket_run_continues(run)) {
        lanczos->at = n;
        if (!new_vector(run, 0, multiply, lanczos, error))
            return false;
        a[n] = lanczos->length;
        largest = fmax(largest, a[n]);
        bool ended = a[n] <= 1e-12 * largest;
        if (!ended && ++n < lanczos->m) {
            lanczos->at = n;
            if (!new_vector(run, 1, multiply, lanczos, error))
                return false;
            b[n - 1] = lanczos->length;
            ended = b[n - 1] <= 1e-12 * largest;
        }
        gasket_run_end_iteration(run, NAN, ended || n == lanczos->m);
    }
    *ret_n = n;
    return true;
}

static bool
svd_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    Lanczos lanczos = {.m = n_steps(given),
                       .k = (size_t)given->factors,
                       .size = state_size(given),
                       .rating = gasket_run_edge_column(run, 0, "rating")};
    const GasketAggregate aggregates[] = {{"dots", GASKET_SUM, (unsigned)lanczos.m},
                                          {"length", GASKET_SUM, 1}};
    g_autofree double *a = g_new0(double, lanczos.m), *b = g_new0(double, lanczos.m);
    g_autofree double *left = g_new0(double, lanczos.k *lanczos.m);
    g_autofree double *right = g_new0(double, lanczos.k *lanczos.m);
    double *const small[] = {left, right};
    size_t n = 0;

    if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error))
        return false;
    for (unsigned kind = 0; kind < 2; kind++)
        if (!gasket_run_set_state(run, kind, lanczos.size, error) ||
            !gasket_run_set_value(run, kind, sizeof(double), error))
            return false;
    if (!bidiagonalise(run, &lanczos, a, b, &n, error))
        return false;
    decompose(run, &lanczos, n, a, b, small);
    for (unsigned kind = 0; kind < 2; kind++) {
        lanczos.at = n;
        lanczos.small = small[kind];
        if (!step_of(run, kind, combine, &lanczos, error))
            return false;
    }
    return true;
}

const GasketAlgorithm gasket_svd = {
    .abi = GASKET_ABI,
    .name = "svd",
    .summary = "largest singular values and vectors of a ratings table",
    .description =
        "Finds the largest singular values of the table of users and items, missing ratings being "
        "0, and their vectors, each times the root of the value: scores are products of factors.\n"
        "\n"
        "  gasket svd plays.tsv --factors 50 -o model/\n",
    .input = GASKET_INPUT_RATINGS,
    .recommends = GASKET_RECOMMENDS_SCORES,
    .options = options,
    .parameters_size = sizeof(Parameters),
    .needs = needs,
    .n_needs = G_N_ELEMENTS(needs),
    .results = results,
    .n_results = G_N_ELEMENTS(results),
    .prepare = svd_prepare,
    .run = svd_run,
};
