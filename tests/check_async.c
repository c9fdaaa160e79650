/* SPDX-License-Identifier: Apache-2.0 */
/* The asynchronous engine: the answers of the built-in algorithms are those of supersteps, however
 * vertices are scheduled. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "tests/async_runs.h"

static const unsigned workers[] = {1, 2, 4, 0};

/* Every way gives the bytes of the synchronous engine's first column. */
static void
assert_as_sync(const GasketAlgorithm *algorithm, const SmallGraph *graph, const char *const *pairs,
               uint64_t seed)
{
    g_autofree void *parameters = make_parameters(algorithm, pairs);
    const AsyncWay one = {.workers = 1, .threads = 1};
    g_autoptr(GasketResult) expected =
        run_way(algorithm, graph, parameters, GASKET_ENGINE_SYNC, &one, seed);
    size_t bytes = gasket_type_size(algorithm->results[0].type) * graph->n;

    for (AsyncWay way = {0}; next_way(&way, workers, GASKET_CONSISTENCY_VERTEX);) {
        g_autoptr(GasketResult) found =
            run_way(algorithm, graph, parameters, GASKET_ENGINE_ASYNC, &way, seed);
        ck_assert_uint_eq(gasket_result_n(found, 0), graph->n);
        ck_assert_msg(memcmp(gasket_result_column(found, 0), gasket_result_column(expected, 0),
                             bytes) == 0,
                      "%s, seed %u, %u workers, %u threads, scheduler %d, consistency %d differs",
                      algorithm->name, (unsigned)seed, way.workers, way.threads, way.scheduler,
                      way.consistency);
    }
}

START_TEST(components_are_those_of_supersteps)
{
    for (unsigned seed = 0; seed < 2; seed++) {
        SmallGraph graph = {.symmetric = true};
        small_draw(&graph, seed, 90, 60 + 50 * seed);
        assert_as_sync(&gasket_components, &graph, NULL, seed);
    }
}
END_TEST

START_TEST(distances_are_those_of_supersteps)
{
    const char *const source[] = {"source", "-20", NULL};
    for (unsigned seed = 0; seed < 2; seed++) {
        SmallGraph graph = {.weights = (SmallWeights)(1 + seed % 2)};
        small_draw(&graph, seed, 80, 300);
        assert_as_sync(&gasket_sssp, &graph, source, seed);
    }
}
END_TEST

/* Both stop when one more step would change ranks by less than t in all, and so are within
 * t / (1 - d) of the true ranks in all. */
START_TEST(ranks_are_those_of_supersteps_within_the_tolerance)
{
    for (unsigned seed = 0; seed < 1; seed++) {
        SmallGraph graph = {.weights = SMALL_UNWEIGHTED};
        small_draw(&graph, seed, 80, 250);
        g_autofree void *parameters = make_parameters(&gasket_pagerank, NULL);
        const AsyncWay one = {.workers = 1, .threads = 1};
        g_autoptr(GasketResult) expected =
            run_way(&gasket_pagerank, &graph, parameters, GASKET_ENGINE_SYNC, &one, seed);
        const double *right = gasket_result_column(expected, 0);
        for (AsyncWay way = {0}; next_way(&way, workers, GASKET_CONSISTENCY_VERTEX);) {
            g_autoptr(GasketResult) found =
                run_way(&gasket_pagerank, &graph, parameters, GASKET_ENGINE_ASYNC, &way, seed);
            const double *rank = gasket_result_column(found, 0);
            double distance = 0;
            for (unsigned v = 0; v < graph.n; v++)
                distance += fabs(rank[v] - right[v]);
            ck_assert_msg(distance < 2e-6 / (1 - 0.85),
                          "%u workers, %u threads, scheduler %d, consistency %d: off by %g",
                          way.workers, way.threads, way.scheduler, way.consistency, distance);
        }
    }
}
END_TEST

/* ---- colouring ------------------------------------------------------------------------------- */

/* How many edges have the same colour at both ends; every vertex must have one. */
static unsigned
n_improper(const SmallGraph *graph, const GasketResult *result)
{
    const uint32_t *colour = gasket_result_column(result, 0);
    unsigned n = 0;

    for (unsigned v = 0; v < graph->n; v++)
        ck_assert_uint_gt(colour[v], 0);
    for (unsigned i = 0; i < graph->m; i++)
        n += graph->source[i] != graph->target[i] &&
             colour[graph->source[i]] == colour[graph->target[i]];
    return n;
}

/* No colour above a vertex's degree and one. */
static void
assert_greedy(const SmallGraph *graph, const GasketResult *result)
{
    const uint32_t *colour = gasket_result_column(result, 0);
    unsigned degree[SMALL_MAX_VERTICES] = {0};

    for (unsigned i = 0; i < graph->m; i++) {
        degree[graph->source[i]]++;
        degree[graph->target[i]]++;
    }
    for (unsigned v = 0; v < graph->n; v++)
        ck_assert_uint_le(colour[v], degree[v] + 1);
}

START_TEST(a_greedy_colouring_is_proper_under_edge_consistency)
{
    for (unsigned seed = 0; seed < 3; seed++) {
        SmallGraph graph = {.symmetric = true};
        small_draw(&graph, seed, 90, 60 + 120 * seed);
        for (AsyncWay way = {0}; next_way(&way, workers, GASKET_CONSISTENCY_EDGE);) {
            g_autoptr(GasketResult) found =
                run_way(&gasket_colouring, &graph, NULL, GASKET_ENGINE_ASYNC, &way, seed);
            ck_assert_uint_eq(n_improper(&graph, found), 0);
            assert_greedy(&graph, found);
        }
    }
}
END_TEST

START_TEST(without_edge_consistency_neighbours_get_the_same_colour)
{
    GasketAlgorithm careless = gasket_colouring;
    careless.consistency = GASKET_CONSISTENCY_VERTEX;
    SmallGraph graph = {.symmetric = true};
    small_draw(&graph, 1, 90, 300);
    const AsyncWay way = {1, 1, GASKET_SCHEDULER_FIFO, GASKET_CONSISTENCY_VERTEX};
    g_autoptr(GasketResult) found = run_way(&careless, &graph, NULL, GASKET_ENGINE_ASYNC, &way, 1);
    ck_assert_uint_gt(n_improper(&graph, found), 0);
}
END_TEST

START_TEST(the_other_engines_colour_properly_and_the_same_everywhere)
{
    static const unsigned some[] = {1, 2, 4, 0};
    for (unsigned engine = GASKET_ENGINE_SYNC; engine <= GASKET_ENGINE_CHROMATIC; engine++) {
        SmallGraph graph = {.symmetric = true};
        small_draw(&graph, 3, 90, 300);
        const Experiment experiment = {&gasket_colouring, NULL,
                                       small_build,       .data = &graph,
                                       .seed = 1,         .engine = (GasketEngine)engine};
        g_autoptr(GasketResult) found = run_everywhere(&experiment, some);
        ck_assert_uint_eq(n_improper(&graph, found), 0);
        assert_greedy(&graph, found);
    }
}
END_TEST

/* ---- measures -------------------------------------------------------------------------------- */

/* Every vertex counts its runs up without end; a measure ends it once all have run often. */
static void
tick_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    uint64_t *state = run->state, *value = run->value;
    (void)context, (void)sums;
    for (size_t i = 0; i < run->count; i++)
        value[run->vertex[i]] = ++state[run->vertex[i]];
}

static void
least_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint64_t *state = run->state;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        gasket_extreme(context, 0, 0, -(double)state[run->vertex[i]]);
}

static bool
tick_run(GasketRun *run, const void *parameters, GError **error)
{
    static const GasketAggregate aggregates[] = {{"fewest", GASKET_MAX, 1}};
    static const GasketProgram tick = {.name = "tick",
                                       .apply = tick_apply,
                                       .wakes = GASKET_WAKES_SELF};
    static const GasketProgram least = {.name = "least",
                                        .apply = least_apply,
                                        .changes = GASKET_CHANGES_NONE,
                                        .aggregates = 1};
    static const GasketMeasure measure = {.program = &least, .seconds = 0.001, .enough = -20};
    const GasketProgram *const programs[] = {&tick};
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, 1, error) ||
        !gasket_run_set_state(run, 0, sizeof(uint64_t), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint64_t), error))
        return false;
    gasket_run_set_measure(run, &measure);
    return gasket_run_until_quiet(run, programs, 1, error) && !gasket_run_is_quiet(run);
}

START_TEST(a_rule_on_a_measure_ends_a_run_that_would_not)
{
    static const GasketResultColumn runs[] = {{.name = "runs", .type = GASKET_INT64}};
    static const GasketNeeds needs[] = {{.in_rows = true}};
    const GasketAlgorithm tick = {.abi = GASKET_ABI,
                                  .name = "tick",
                                  .needs = needs,
                                  .n_needs = 1,
                                  .results = runs,
                                  .n_results = 1,
                                  .run = tick_run,
                                  .engines = 1 << GASKET_ENGINE_ASYNC};
    SmallGraph graph = {.symmetric = true};
    small_draw(&graph, 1, 90, 200);
    for (unsigned w = 1; w <= 3; w++) {
        for (unsigned engine = GASKET_ENGINE_SYNC; engine <= GASKET_ENGINE_ASYNC; engine += 2) {
            const AsyncWay way = {w, 1, GASKET_SCHEDULER_FIFO, GASKET_CONSISTENCY_AUTO};
            g_autoptr(GasketResult) found =
                run_way(&tick, &graph, NULL, (GasketEngine)engine, &way, 1);
            const int64_t *n = gasket_result_column(found, 0);
            for (unsigned v = 0; v < graph.n; v++)
                ck_assert_int_gt(n[v], 20);
        }
    }
}
END_TEST

START_TEST(a_bound_on_updates_ends_the_run)
{
    SmallGraph graph = {.symmetric = true};
    small_draw(&graph, 1, 90, 200);
    Experiment experiment = {&gasket_components, NULL, small_build, .data = &graph};
    const GasketRunOptions options = {.engine = GASKET_ENGINE_ASYNC, .max_updates = 1};
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketResult) result = run_once(&experiment, &options, &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq(gasket_result_n(result, 0), graph.n);
}
END_TEST

START_TEST(less_consistency_than_is_right_is_refused)
{
    SmallGraph graph = {.symmetric = true};
    small_draw(&graph, 1, 20, 30);
    Experiment experiment = {&gasket_components, NULL, small_build, .data = &graph};
    const GasketRunOptions options = {.engine = GASKET_ENGINE_ASYNC,
                                      .consistency = GASKET_CONSISTENCY_NONE};
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(run_once(&experiment, &options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
}
END_TEST

int
main(void)
{
    TCase *async = tcase_create("asynchronous runs");
    tcase_set_timeout(async, 240);
    tcase_add_test(async, components_are_those_of_supersteps);
    tcase_add_test(async, distances_are_those_of_supersteps);
    tcase_add_test(async, ranks_are_those_of_supersteps_within_the_tolerance);
    tcase_add_test(async, a_greedy_colouring_is_proper_under_edge_consistency);
    tcase_add_test(async, without_edge_consistency_neighbours_get_the_same_colour);
    tcase_add_test(async, the_other_engines_colour_properly_and_the_same_everywhere);
    tcase_add_test(async, a_rule_on_a_measure_ends_a_run_that_would_not);
    tcase_add_test(async, a_bound_on_updates_ends_the_run);
    tcase_add_test(async, less_consistency_than_is_right_is_refused);
    TCase *cases[] = {async};
    return check_run("async", cases, G_N_ELEMENTS(cases));
}
