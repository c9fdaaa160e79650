/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sweep of alternating least squares on one thread, against plain loops that solve with LAPACK.
 *
 * Both solve, for every user and then for every item with n ratings,
 *
 *   (sum q q' + lambda n I) p = sum r q
 *
 *   plain     for each rating the lower triangle of q q' is added in double precision; dposv
 *   blocked   128 rows q are gathered and added by dsyrk, their products by dgemv; dposv
 *
 * The plain loop is compiled for AVX2 too and takes it where there is any. Which BLAS and LAPACK
 * are measured is the machine's choice (LD_LIBRARY_PATH, update-alternatives). All figures are of
 * processor time, the least of interleaved rounds; gasket_run_step is wrapped by the linker. The
 * factors of both must agree at the end.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "algorithms/algorithms.h"
#include "bench/common.h"
#include "bench/ratings_table.h"

#define LAMBDA 0.15
#define BLOCK  128

enum { RANK_MAX = 100, SWEEPS = 2 };

void dposv_(const char *uplo, const int *n, const int *n_right, double *a, const int *lda,
            double *b, const int *ldb, int *info, size_t uplo_length);
void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *beta, double *c, const int *ldc,
            size_t uplo_length, size_t trans_length);
void dgemv_(const char *trans, const int *m, const int *n, const double *alpha, const double *a,
            const int *lda, const double *x, const int *incx, const double *beta, double *y,
            const int *incy, size_t trans_length);

/* Ratings of one side, row by row. */
typedef struct {
    uint32_t n;
    uint64_t *begin; /* [n + 1] */
    uint32_t *other; /* [ratings] */
    float *rating;   /* [ratings] */
} Side;

/* ---- the plain loops ------------------------------------------------------------------------- */

GASKET_WIDE static void
add_outer(size_t k, const float *q, double rating, double *a, double *b)
{
    for (size_t i = 0; i < k; i++) {
        const double x = (double)q[i];
        for (size_t j = 0; j <= i; j++)
            a[i * k + j] += x * (double)q[j];
        b[i] += rating * x;
    }
}

static void
gather_plain(size_t k, const Side *side, uint32_t v, const float *others, double *a, double *b)
{
    for (uint64_t e = side->begin[v]; e < side->begin[v + 1]; e++)
        add_outer(k, others + side->other[e] * k, (double)side->rating[e], a, b);
}

static void
gather_blocked(size_t k, const Side *side, uint32_t v, const float *others, double *a, double *b)
{
    static double x[BLOCK * RANK_MAX], y[BLOCK];
    const double one = 1;
    const int step = 1, size = (int)k;
    for (uint64_t e = side->begin[v]; e < side->begin[v + 1]; e += BLOCK) {
        const int m = (int)MIN(side->begin[v + 1] - e, BLOCK);
        for (size_t i = 0; i < (size_t)m; i++) {
            const float *q = others + side->other[e + i] * k;
            for (size_t f = 0; f < k; f++)
                x[i * k + f] = (double)q[f];
            y[i] = (double)side->rating[e + i];
        }
        dsyrk_("U", "N", &size, &m, &one, x, &size, &one, a, &size, 1, 1);
        dgemv_("N", &size, &m, &one, x, &size, y, &step, &one, b, &step, 1);
    }
}

static void
solve_side(size_t k, const Side *side, const float *others, bool blocked, float *own)
{
    static double a[RANK_MAX * RANK_MAX], b[RANK_MAX];
    const int size = (int)k, one = 1;
    for (uint32_t v = 0; v < side->n; v++) {
        const uint64_t n = side->begin[v + 1] - side->begin[v];
        int info = 0;
        memset(a, 0, k * k * sizeof(double));
        memset(b, 0, k * sizeof(double));
        for (size_t i = 0; i < k; i++)
            a[i * k + i] = n > 0 ? LAMBDA * (double)n : 1;
        (blocked ? gather_blocked : gather_plain)(k, side, v, others, a, b);
        /* Row-major lower is column-major upper. */
        dposv_("U", &size, &one, a, &size, b, &size, &info, 1);
        if (info != 0)
            g_error("dposv failed: %d", info);
        for (size_t i = 0; i < k; i++)
            own[v * k + i] = (float)b[i];
    }
}

/* Seconds of a sweep. factors: of users and items; the items' are what it begins with. */
static double
plain_seconds(size_t k, const Side sides[2], float *factors[2], bool blocked)
{
    double least = INFINITY;
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++) {
        const double began = bench_processor_seconds();
        solve_side(k, &sides[0], factors[1], blocked, factors[0]);
        solve_side(k, &sides[1], factors[0], blocked, factors[1]);
        least = fmin(least, bench_processor_seconds() - began);
    }
    return least;
}

/* ---- the algorithm --------------------------------------------------------------------------- */

static double turn[2]; /* least processor time of the users' turn and of the items' */

bool __real_gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error);
bool __wrap_gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error);

bool
__wrap_gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error)
{
    const double began = bench_processor_seconds();
    bool done = __real_gasket_run_step(run, program, error);
    if (strcmp(program->name, "als") == 0)
        turn[program->kind] = fmin(turn[program->kind], bench_processor_seconds() - began);
    return done;
}

/* Many sweeps leave factors that depend little on those at the start. */
static double
gasket_seconds(const BenchRatings *table, size_t k, unsigned sweeps, double *ret_rmse)
{
    g_autofree void *parameters = g_malloc0(gasket_als.parameters_size);
    g_autofree char *factors = g_strdup_printf("%zu", k);
    g_autoptr(GError) error = NULL;
    const GasketRunOptions options = {.threads = 1, .iterations = sweeps, .seed = 1};
    GasketGraph *graph = bench_ratings_graph(table);
    turn[0] = turn[1] = INFINITY;
    gasket_options_set_defaults(gasket_als.options, parameters);
    bench_check(gasket_options_set(gasket_als.options, parameters, "factors", factors, &error) &&
                    gasket_options_set(gasket_als.options, parameters, "regularization", "0.15",
                                       &error) &&
                    gasket_options_set(gasket_als.options, parameters, "no-biases", NULL, &error),
                error);
    g_autoptr(GasketResult) result =
        gasket_algorithm_run(&gasket_als, &graph, parameters, &options, &error);
    bench_check(result != NULL, error);
    *ret_rmse = gasket_result_metric(result, "train.rmse");
    return turn[0] + turn[1];
}

/* ---- comparison ------------------------------------------------------------------------------ */

/* The rows of users (as the table has them) or of items. */
static Side
make_side(const BenchRatings *table, bool items)
{
    Side side = {.n = items ? table->n_items : table->n_users};
    const int64_t *own = items ? table->item : table->user;
    const int64_t *other = items ? table->user : table->item;
    side.begin = g_new0(uint64_t, side.n + 2);
    side.other = g_new(uint32_t, table->n);
    side.rating = g_new(float, table->n);
    for (size_t e = 0; e < table->n; e++)
        side.begin[own[e] + 2]++;
    for (uint32_t v = 0; v < side.n; v++)
        side.begin[v + 1] += side.begin[v];
    for (size_t e = 0; e < table->n; e++) {
        const uint64_t at = side.begin[own[e] + 1]++;
        side.other[at] = (uint32_t)other[e];
        side.rating[at] = table->rating[e];
    }
    return side;
}

static void
side_clear(Side *side)
{
    g_free(side->begin);
    g_free(side->other);
    g_free(side->rating);
}

/* RMSE of clipped predictions on the ratings themselves. */
static double
plain_rmse(const BenchRatings *table, size_t k, float *const factors[2])
{
    double squares = 0;
    for (size_t e = 0; e < table->n; e++) {
        const float *p = factors[0] + (size_t)table->user[e] * k;
        const float *q = factors[1] + (size_t)table->item[e] * k;
        double x = 0;
        for (size_t f = 0; f < k; f++)
            x += (double)p[f] * (double)q[f];
        x = CLAMP(x, 1, 5) - (double)table->rating[e];
        squares += x * x;
    }
    return sqrt(squares / (double)table->n);
}

static void
measure(const BenchOptions *options, const BenchRatings *table, size_t k, BenchReport *report)
{
    g_autofree char *subject = g_strdup_printf("%zu", k);
    Side sides[2] = {make_side(table, false), make_side(table, true)};
    float *factors[2] = {g_new0(float, table->n_users *k), g_new0(float, table->n_items *k)};
    GasketRandom random = gasket_random_at(1, 1, 0, 0);
    double plain = INFINITY, blocked = INFINITY, ours = INFINITY, rmse = 0, other_rmse;
    for (size_t i = 0; i < table->n_items * k; i++)
        factors[1][i] = (float)(0.1 * gasket_random_normal(&random));
    for (unsigned round = 0; round < (options->quick ? 1 : options->rounds); round++) {
        plain = fmin(plain, plain_seconds(k, sides, factors, false));
        ours = fmin(ours, gasket_seconds(table, k, SWEEPS, &rmse));
        blocked = fmin(blocked, plain_seconds(k, sides, factors, true));
    }
    /* The same objective, from other first factors: after as many sweeps about the same error. */
    (void)gasket_seconds(table, k, options->quick ? 20 : SWEEPS * 2 * options->rounds, &rmse);
    for (unsigned sweep = 0; options->quick && sweep < 18; sweep += SWEEPS)
        (void)plain_seconds(k, sides, factors, true);
    other_rmse = plain_rmse(table, k, factors);
    if (fabs(rmse - other_rmse) > 0.05 * other_rmse)
        g_error("the errors differ: %g and %g", rmse, other_rmse);
    bench_report_add(report, subject, "seconds a sweep", ours, BENCH_FIGURE, 0);
    bench_report_add(report, subject, "one thread / plain loop and dposv", ours / plain,
                     BENCH_AT_MOST, 1);
    bench_report_add(report, subject, "one thread / dsyrk and dposv", ours / blocked, BENCH_AT_MOST,
                     1);
    for (unsigned s = 0; s < 2; s++) {
        side_clear(&sides[s]);
        g_free(factors[s]);
    }
}

int
main(int argc, char **argv)
{
    static const size_t ranks[] = {32, RANK_MAX};
    const BenchOptions options = bench_options(argc, argv, "32 100");
    BenchReport report = {0};
    BenchRatings table =
        options.quick ? bench_ratings(120, 80, 20) : bench_ratings(3000, 1500, 100);

    bench_print_machine();
    printf("%u users, %u items, %zu ratings\n", table.n_users, table.n_items, table.n);
    for (size_t i = 0; i < G_N_ELEMENTS(ranks); i++) {
        g_autofree char *subject = g_strdup_printf("%zu", ranks[i]);
        if (bench_wants(&options, subject))
            measure(&options, &table, ranks[i], &report);
    }
    bench_ratings_clear(&table);
    bench_report_end(&report, &options);
    return 0;
}
