/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Belief propagation on a grid of binary variables against a plain loop of the same arithmetic.
 *
 *   bench_bp [--quick] [--rounds N] [--json FILE]
 *
 * The model: 300 x 300 variables, each with a field, joined to the neighbours to the right and
 * below (an Ising spin glass; couplings and fields are normal with deviations 0.35 and 0.1). An
 * update is one message from a factor with the message of the other variable that it is made of.
 * The hard grid, for the residual schedule, has 100 x 100 variables and couplings of 0.6.
 *
 * The plain loop keeps messages by grid edge and direction in dense arrays, knows the grid, and
 * does the same multiplications, additions and divisions in the parallel schedule.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/algorithms.h"
#include "bench/common.h"
#include <gasket/gasket.h>

#define SWEEPS 60

typedef struct {
    unsigned side;
    size_t n, m;      /* variables, pairs */
    double *prior;    /* [2 n] */
    double *table;    /* [4 m] */
    uint32_t *ends;   /* [2 m] variables of a pair */
    uint32_t *around; /* [4 n] messages into a variable: 2 pair + end; UINT32_MAX: none */
    double *to_factor, *to_variable; /* [4 m]: pair, end, state */
} Grid;

static Grid
grid_new(unsigned side, double coupling)
{
    Grid grid = {.side = side, .n = (size_t)side * side, .m = 2 * (size_t)side * (side - 1)};
    GasketRandom random = gasket_random_at(1, 1, 0, 0);
    size_t at = 0;

    grid.prior = g_new(double, 2 * grid.n);
    grid.table = g_new(double, 4 * grid.m);
    grid.ends = g_new(uint32_t, 2 * grid.m);
    grid.around = g_new(uint32_t, 4 * grid.n);
    grid.to_factor = g_new(double, 4 * grid.m);
    grid.to_variable = g_new(double, 4 * grid.m);
    memset(grid.around, 0xff, 4 * grid.n * sizeof *grid.around);
    for (size_t v = 0; v < grid.n; v++) {
        double h = 0.1 * gasket_random_normal(&random);
        grid.prior[2 * v] = exp(-h - fabs(h));
        grid.prior[2 * v + 1] = exp(h - fabs(h));
    }
    for (size_t v = 0; v < grid.n; v++) {
        for (unsigned d = 0; d < 2; d++) {
            if (d == 0 ? v % side == side - 1 : v / side == side - 1)
                continue;
            size_t u = d == 0 ? v + 1 : v + side;
            double j = coupling * gasket_random_normal(&random);
            grid.ends[2 * at] = (uint32_t)v;
            grid.ends[2 * at + 1] = (uint32_t)u;
            grid.table[4 * at] = grid.table[4 * at + 3] = exp(j);
            grid.table[4 * at + 1] = grid.table[4 * at + 2] = exp(-j);
            for (unsigned e = 0; e < 2; e++) {
                uint32_t *slot = grid.around + 4 * (size_t)grid.ends[2 * at + e];
                while (*slot != UINT32_MAX)
                    slot++;
                *slot = (uint32_t)(2 * at + e);
            }
            at++;
        }
    }
    return grid;
}

static void
grid_free(Grid *grid)
{
    g_free(grid->prior);
    g_free(grid->table);
    g_free(grid->ends);
    g_free(grid->around);
    g_free(grid->to_factor);
    g_free(grid->to_variable);
}

static GasketGraph *
grid_build(const Grid *grid)
{
    g_autoptr(GError) error = NULL;
    GasketFactorGraph *model = gasket_factor_graph_new();
    g_autofree uint32_t *states = g_new(uint32_t, grid->n);
    for (size_t v = 0; v < grid->n; v++)
        states[v] = 2;
    bench_check(gasket_factor_graph_add_variables(model, grid->n, states, &error), error);
    for (size_t f = 0; f < grid->m; f++) {
        const int64_t scope[] = {grid->ends[2 * f], grid->ends[2 * f + 1]};
        bench_check(gasket_factor_graph_add_factor(model, 2, scope, 4, grid->table + 4 * f, &error),
                    error);
    }
    for (size_t v = 0; v < grid->n; v++) {
        const int64_t scope[] = {(int64_t)v};
        bench_check(gasket_factor_graph_add_factor(model, 1, scope, 2, grid->prior + 2 * v, &error),
                    error);
    }
    GasketGraph *graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    bench_check(graph != NULL, error);
    return graph;
}

/* ---- the plain loop -------------------------------------------------------------------------- */

static void
plain_variables(Grid *grid)
{
    for (size_t v = 0; v < grid->n; v++) {
        const uint32_t *around = grid->around + 4 * v;
        double before[4][2], p0 = grid->prior[2 * v], p1 = grid->prior[2 * v + 1];
        unsigned n = 0;
        for (; n < 4 && around[n] != UINT32_MAX; n++) {
            before[n][0] = p0;
            before[n][1] = p1;
            p0 *= grid->to_variable[2 * (size_t)around[n]];
            p1 *= grid->to_variable[2 * (size_t)around[n] + 1];
        }
        p0 = p1 = 1;
        while (n-- > 0) {
            double x0 = before[n][0] * p0, x1 = before[n][1] * p1, inverse = 1 / (x0 + x1);
            grid->to_factor[2 * (size_t)around[n]] = x0 * inverse;
            grid->to_factor[2 * (size_t)around[n] + 1] = x1 * inverse;
            p0 *= grid->to_variable[2 * (size_t)around[n]];
            p1 *= grid->to_variable[2 * (size_t)around[n] + 1];
        }
    }
}

static double
plain_factors(Grid *grid)
{
    double residual = 0;
    for (size_t f = 0; f < grid->m; f++) {
        const double *t = grid->table + 4 * f, *in = grid->to_factor + 4 * f;
        double *out = grid->to_variable + 4 * f;
        double a0 = t[0] * in[2] + t[1] * in[3], a1 = t[2] * in[2] + t[3] * in[3];
        double b0 = t[0] * in[0] + t[2] * in[1], b1 = t[1] * in[0] + t[3] * in[1];
        double norm_a = 1 / (a0 + a1), norm_b = 1 / (b0 + b1);
        residual = MAX(residual, fabs(a0 * norm_a - out[0]));
        residual = MAX(residual, fabs(b0 * norm_b - out[2]));
        out[0] = a0 * norm_a;
        out[1] = a1 * norm_a;
        out[2] = b0 * norm_b;
        out[3] = b1 * norm_b;
    }
    return residual;
}

/* Seconds of a run, and its sweeps. */
static double
plain_run(Grid *grid, double tolerance, unsigned *ret_sweeps)
{
    for (size_t i = 0; i < 4 * grid->m; i++)
        grid->to_variable[i] = 0.5;
    double start = bench_now(), residual;
    unsigned sweeps = 0;
    do {
        plain_variables(grid);
        residual = plain_factors(grid);
        sweeps++;
    } while (residual >= tolerance && (tolerance > 0 || sweeps < SWEEPS));
    *ret_sweeps = sweeps;
    return bench_now() - start;
}

/* ---- the engine ------------------------------------------------------------------------------ */

typedef struct {
    const char *schedule;
    unsigned threads, workers;
    uint32_t iterations; /* 0: to the tolerance */
    GasketEngine engine;
} Way;

/* Seconds of the whole run without building; its sweeps and updates. */
static double
engine_run(const Grid *grid, const Way *way, uint32_t *ret_sweeps, double *ret_updates)
{
    g_autoptr(GError) error = NULL;
    g_autofree void *parameters = g_malloc0(gasket_bp.parameters_size);
    GasketGraph *graph = grid_build(grid);
    const GasketRunOptions options = {.threads = way->threads,
                                      .workers = way->workers,
                                      .engine = way->engine,
                                      .iterations = way->iterations > 0 ? way->iterations : 2000,
                                      .tolerance = way->iterations > 0 ? 1e-300 : 1e-6};
    gasket_options_set_defaults(gasket_bp.options, parameters);
    bench_check(gasket_options_set(gasket_bp.options, parameters, "schedule", way->schedule,
                                   &error) &&
                    gasket_options_set(gasket_bp.options, parameters, "damping", "0", &error),
                error);
    double start = bench_now();
    g_autoptr(GasketResult) result =
        gasket_algorithm_run(&gasket_bp, &graph, parameters, &options, &error);
    double seconds = bench_now() - start;
    bench_check(result != NULL, error);
    *ret_sweeps = gasket_result_iterations(result);
    *ret_updates = gasket_result_metric(result, "updates");
    return seconds;
}

/* ---- figures --------------------------------------------------------------------------------- */

/* Takes the time of a run of `sweeps` sweeps into *best. */
static void
time_engine(const Grid *grid, unsigned threads, uint32_t sweeps, double *best)
{
    const Way way = {"parallel", threads, 1, sweeps, GASKET_ENGINE_SYNC};
    double updates;
    *best = MIN(*best, engine_run(grid, &way, &sweeps, &updates));
}

/* The time of SWEEPS sweeps: of a run with as many more, less that of one without. */
static void
compare_speed(Grid *grid, const BenchOptions *options, BenchReport *report)
{
    double plain = INFINITY, best[2][2] = {{INFINITY, INFINITY}, {INFINITY, INFINITY}};
    const double updates = 2.0 * (double)grid->m * SWEEPS;
    unsigned sweeps;

    for (unsigned r = 0; r < options->rounds; r++) {
        plain = MIN(plain, plain_run(grid, 0, &sweeps));
        for (unsigned t = 0; t < 2; t++)
            for (unsigned more = 0; more < 2; more++)
                time_engine(grid, t + 1, SWEEPS + more * SWEEPS, &best[t][more]);
    }
    double one = best[0][1] - best[0][0], two = best[1][1] - best[1][0];
    bench_report_add(report, "grid", "plain loop, M updates/s", updates / plain / 1e6, BENCH_FIGURE,
                     0);
    bench_report_add(report, "grid", "one thread, M updates/s", updates / one / 1e6, BENCH_AT_LEAST,
                     36);
    bench_report_add(report, "grid", "two threads, M updates/s", updates / two / 1e6, BENCH_FIGURE,
                     0);
    bench_report_add(report, "grid", "one thread / plain loop", one / plain, BENCH_AT_MOST, 1.3);
}

static void
compare_schedules(const Grid *grid, const BenchOptions *options, BenchReport *report)
{
    static const char *const names[] = {"parallel", "sequential"};

    for (unsigned s = 0; s < G_N_ELEMENTS(names); s++) {
        const Way way = {names[s], 2, 1, 0, GASKET_ENGINE_SYNC};
        double best = INFINITY, updates = 0;
        uint32_t sweeps = 0;
        for (unsigned r = 0; r < options->rounds; r++)
            best = MIN(best, engine_run(grid, &way, &sweeps, &updates));
        bench_report_add(report, names[s], "to 1e-6 on two threads, seconds", best,
                         s == 0 ? BENCH_AT_MOST : BENCH_FIGURE, 0.5);
        bench_report_add(report, names[s], "sweeps", sweeps, BENCH_FIGURE, 0);
        bench_report_add(report, names[s], "M updates", updates / 1e6, BENCH_FIGURE, 0);
    }
}

/* How many messages it takes where the parallel schedule takes long. */
static void
compare_residual(const BenchOptions *options, BenchReport *report)
{
    static const Way ways[] = {{.schedule = "parallel", .threads = 2, .workers = 1},
                               {"residual", 1, 1, 0, GASKET_ENGINE_ASYNC},
                               {"residual", 1, 2, 0, GASKET_ENGINE_ASYNC},
                               {"splash", 1, 1, 0, GASKET_ENGINE_SYNC}};
    static const char *const names[] = {"parallel, M updates", "residual, M updates",
                                        "residual, two workers, M updates", "splash, M updates"};
    Grid grid = grid_new(options->quick ? 30 : 100, 0.6);
    double updates[G_N_ELEMENTS(ways)];

    for (unsigned w = 0; w < G_N_ELEMENTS(ways); w++) {
        uint32_t sweeps;
        double seconds = engine_run(&grid, &ways[w], &sweeps, &updates[w]);
        bench_report_add(report, "hard grid", names[w], updates[w] / 1e6, BENCH_FIGURE, 0);
        bench_report_add(report, "hard grid", "seconds", seconds, BENCH_FIGURE, 0);
    }
    bench_report_add(report, "hard grid", "updates, parallel / residual", updates[0] / updates[1],
                     BENCH_AT_LEAST, 2);
    bench_report_add(report, "hard grid", "updates, parallel / two workers",
                     updates[0] / updates[2], BENCH_AT_LEAST, 2);
    bench_report_add(report, "hard grid", "updates, parallel / splash", updates[0] / updates[3],
                     BENCH_AT_LEAST, 2);
    grid_free(&grid);
}

int
main(int argc, char **argv)
{
    BenchOptions options = bench_options(argc, argv, "speed schedules residual");
    BenchReport report = {0};
    Grid grid = grid_new(options.quick ? 40 : 300, 0.35);

    if (options.quick)
        options.rounds = 1;
    bench_print_machine();
    if (bench_wants(&options, "speed"))
        compare_speed(&grid, &options, &report);
    if (bench_wants(&options, "schedules"))
        compare_schedules(&grid, &options, &report);
    if (bench_wants(&options, "residual"))
        compare_residual(&options, &report);
    bench_report_end(&report, &options);
    grid_free(&grid);
    return EXIT_SUCCESS;
}
