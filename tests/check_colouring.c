/* SPDX-License-Identifier: Apache-2.0 */
/* Colourings of random graphs: proper, greedy, the same in every placement, and what they are for:
 * Gibbs sampling through factors. */
#include <math.h>

#include "engine/array.h"
#include "engine/colouring.h"
#include "tests/small_graphs.h"

static const unsigned workers[] = {1, 2, 4, 7, 0};

/* ---- an algorithm that colours ----------------------------------------------------------------
 *
 * Colours the rows' kind and nothing else; the result has a column for either kind. */

typedef struct {
    GasketRowSet rows;
    unsigned distance;
    unsigned kind; /* that owns the rows */
} Request;

static bool
colour_run(GasketRun *run, const void *parameters, GError **error)
{
    const Request *request = parameters;
    for (unsigned k = 0; k < gasket_run_n_kinds(run); k++)
        if (!gasket_run_set_state(run, k, sizeof(uint32_t), error))
            return false;
    uint64_t step = gasket_run_context(run, 0)->step;
    g_autoptr(GasketColouring) colouring =
        gasket_run_colour(run, request->rows, request->distance, error);
    if (colouring == NULL || !gasket_colouring_check(colouring, error))
        return false;
    ck_assert_uint_eq(gasket_run_context(run, 0)->step, step);

    uint32_t *state = gasket_run_state(run, request->kind), n = gasket_colouring_n(colouring);
    uint32_t owned = gasket_run_n_owned(run, request->kind), listed = 0;
    for (GasketVertex v = 0; v < owned; v++)
        state[v] = gasket_colouring_of(colouring, v);
    for (uint32_t c = n; c-- > 0;) {
        const GasketVertexSet *set = gasket_colouring_set(colouring, c);
        listed += gasket_vertex_set_count(set);
        for (GasketVertex v = 0; v < owned; v++)
            ck_assert(gasket_vertex_set_has(set, v) == (state[v] == c));
    }
    ck_assert_uint_eq(listed, owned);
    gasket_run_set_metric(run, "colours", n);
    return true;
}

static const GasketResultColumn colour_results[] = {
    {.name = "first", .kind = 0, .type = GASKET_UINT32},
    {.name = "second", .kind = 1, .type = GASKET_UINT32},
};
static const GasketNeeds both_rows[] = {{.in_rows = true, .out_rows = true}};
static const GasketNeeds only_in_rows[] = {{.in_rows = true}};

static GasketAlgorithm
colour_algorithm(unsigned n_kinds, bool both)
{
    return (GasketAlgorithm){.abi = GASKET_ABI,
                             .name = "colour",
                             .needs = both ? both_rows : only_in_rows,
                             .n_needs = 1,
                             .results = colour_results,
                             .n_results = n_kinds,
                             .run = colour_run};
}

/* ---- properties ------------------------------------------------------------------------------ */

#define MOST 100

typedef struct {
    unsigned n;
    bool joined[MOST][MOST]; /* must differ */
} Conflicts;

static void
assert_greedy(const Conflicts *conflicts, const uint32_t *colour, uint32_t n_colours)
{
    uint32_t most = 0;
    for (unsigned u = 0; u < conflicts->n; u++) {
        bool taken[MOST + 1] = {false};
        most = MAX(most, colour[u] + 1);
        ck_assert_uint_lt(colour[u], n_colours);
        for (unsigned v = 0; v < conflicts->n; v++) {
            if (u == v || !conflicts->joined[u][v])
                continue;
            ck_assert_msg(colour[u] != colour[v], "%u and %u both have colour %u", u, v, colour[u]);
            taken[colour[v]] = true;
        }
        for (uint32_t c = 0; c < colour[u]; c++)
            ck_assert_msg(taken[c], "%u has colour %u, but %u was free", u, colour[u], c);
    }
    ck_assert_uint_eq(most, n_colours);
}

/* Adds what is within two steps. */
static void
square(Conflicts *conflicts)
{
    static Conflicts one;
    one = *conflicts;
    for (unsigned u = 0; u < one.n; u++)
        for (unsigned w = 0; w < one.n; w++)
            for (unsigned v = 0; one.joined[u][w] && v < one.n; v++)
                conflicts->joined[u][v] |= one.joined[w][v];
}

/* ---- one kind -------------------------------------------------------------------------------- */

static void
assert_small(SmallGraph *graph, GasketDirection direction, unsigned distance, bool both)
{
    const Request request = {{0, direction}, distance, 0};
    const GasketAlgorithm algorithm = colour_algorithm(1, both);
    Experiment experiment = {&algorithm, &request, small_build, .data = graph};
    g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);

    Conflicts conflicts = {.n = graph->n};
    for (unsigned i = 0; i < graph->m; i++)
        conflicts.joined[graph->source[i]][graph->target[i]] =
            conflicts.joined[graph->target[i]][graph->source[i]] = true;
    if (distance == 2)
        square(&conflicts);
    assert_greedy(&conflicts, gasket_result_column(result, 0),
                  (uint32_t)gasket_result_metric(result, "colours"));
}

START_TEST(neighbours_differ_whatever_the_direction_of_edges)
{
    static const unsigned shapes[][2] = {{1, 0}, {1, 3}, {40, 50}, {90, 110}, {60, 400}};
    SmallGraph graph = {.symmetric = _i % 2 == 1, .order = (GasketOrder)(_i % 3)};
    small_draw(&graph, 200 + (unsigned)_i, shapes[_i % 5][0], shapes[_i % 5][1]);
    assert_small(&graph, GASKET_IN, 1, false);
    assert_small(&graph, GASKET_OUT, 1, true);
}
END_TEST

START_TEST(vertices_two_steps_apart_differ_at_distance_2)
{
    static const unsigned shapes[][2] = {{1, 3}, {40, 50}, {90, 110}, {60, 400}};
    SmallGraph graph = {.symmetric = _i % 2 == 1, .order = (GasketOrder)(_i % 3)};
    small_draw(&graph, 300 + (unsigned)_i, shapes[_i / 2][0], shapes[_i / 2][1]);
    assert_small(&graph, GASKET_IN, 2, false);
    assert_small(&graph, GASKET_OUT, 2, true);
}
END_TEST

START_TEST(a_clique_has_a_colour_for_each_vertex_and_a_star_two)
{
    SmallGraph clique = {.n = 20, .symmetric = true}, star = {.n = 60, .m = 59};
    for (uint32_t u = 0; u < 20; u++)
        for (uint32_t v = 0; v < u; v++, clique.m++) {
            clique.source[clique.m] = u;
            clique.target[clique.m] = v;
        }
    for (uint32_t v = 1; v < 60; v++)
        star.source[v - 1] = v;
    for (unsigned distance = 1; distance <= 2; distance++) {
        const SmallGraph *const graphs[] = {&clique, &star};
        const double expected[] = {20, distance == 1 ? 2 : 60};
        for (unsigned i = 0; i < 2; i++) {
            const Request request = {{0, GASKET_IN}, distance, 0};
            const GasketAlgorithm algorithm = colour_algorithm(1, false);
            Experiment experiment = {&algorithm, &request, small_build, .data = graphs[i]};
            g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);
            ck_assert_double_eq(gasket_result_metric(result, "colours"), expected[i]);
        }
    }
}
END_TEST

/* ---- two kinds ------------------------------------------------------------------------------- */

#define VARIABLES 70
#define FACTORS   50

typedef struct {
    bool joined[VARIABLES][FACTORS];
} Scopes;

static void
draw_scopes(Scopes *ret_scopes, uint64_t seed, unsigned n)
{
    GasketRandom random = gasket_random_at(seed, 0, 0, 0);
    memset(ret_scopes, 0, sizeof *ret_scopes);
    for (unsigned i = 0; i < n; i++) {
        /* Variable 0 is in many factors, the last factors have none. */
        uint32_t v = i % 4 == 0 ? 0 : gasket_random_below(&random, VARIABLES);
        ret_scopes->joined[v][gasket_random_below(&random, FACTORS - 5)] = true;
    }
}

static GasketGraph *
finish_given(GasketGraphBuilder *builder)
{
    const GasketGraphRules rules = {.order = GASKET_ORDER_GIVEN};
    g_autoptr(GError) error = NULL;
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
    return graph;
}

static GasketGraph *
build_scopes(const void *data)
{
    const Scopes *scopes = data;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "variable");
    gasket_graph_builder_add_kind(builder, "factor");
    gasket_graph_builder_add_relation(builder, "scope", 0, 1, false);
    for (int64_t i = 0; i < VARIABLES + FACTORS; i++) {
        int64_t id = i < VARIABLES ? i : i - VARIABLES;
        ck_assert(gasket_graph_builder_add_vertices(builder, i >= VARIABLES, 1, &id, NULL, NULL));
    }
    for (int64_t v = 0; v < VARIABLES; v++)
        for (int64_t f = 0; f < FACTORS; f++)
            if (scopes->joined[v][f])
                ck_assert(gasket_graph_builder_add_edges(builder, 0, 1, &v, &f, NULL, NULL));
    return finish_given(builder);
}

START_TEST(vertices_that_share_one_of_the_other_kind_differ)
{
    static const unsigned n_edges[] = {0, 60, 150, 400};
    Scopes scopes;
    draw_scopes(&scopes, 500 + (unsigned)_i, n_edges[_i]);
    for (unsigned kind = 0; kind < 2; kind++) {
        for (unsigned distance = 1; distance <= 2; distance++) {
            const Request request = {{0, kind == 0 ? GASKET_OUT : GASKET_IN}, distance, kind};
            const GasketAlgorithm algorithm = colour_algorithm(2, true);
            Experiment experiment = {&algorithm, &request, build_scopes, .data = &scopes};
            g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);

            Conflicts conflicts = {.n = kind == 0 ? VARIABLES : FACTORS};
            for (unsigned u = 0; distance == 2 && u < conflicts.n; u++)
                for (unsigned v = 0; v < conflicts.n; v++)
                    for (unsigned i = 0; i < (kind == 0 ? FACTORS : VARIABLES); i++)
                        conflicts.joined[u][v] |= kind == 0
                                                      ? scopes.joined[u][i] && scopes.joined[v][i]
                                                      : scopes.joined[i][u] && scopes.joined[i][v];
            assert_greedy(&conflicts, gasket_result_column(result, kind),
                          (uint32_t)gasket_result_metric(result, "colours"));
        }
    }
}
END_TEST

/* ---- errors ---------------------------------------------------------------------------------- */

static void
assert_refused(const Request *request, const char *part_of_message)
{
    SmallGraph graph = {0};
    small_draw(&graph, 1, 40, 60);
    const GasketAlgorithm algorithm = colour_algorithm(1, false);
    Experiment experiment = {&algorithm, request, small_build, .data = &graph};
    const GasketRunOptions options = {.workers = 2};
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(run_once(&experiment, &options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    ck_assert_msg(strstr(error->message, part_of_message) != NULL, "found \"%s\"", error->message);
}

START_TEST(other_distances_and_rows_that_do_not_stand_are_refused)
{
    assert_refused(&(Request){{0, GASKET_IN}, 3, 0}, "distance 3");
    assert_refused(&(Request){{0, GASKET_OUT}, 1, 0}, "did not ask for");
    assert_refused(&(Request){{1, GASKET_IN}, 1, 0}, "did not ask for");
}
END_TEST

/* Colours with the nth allocation failing, until none does. */
static bool
short_of_memory_run(GasketRun *run, const void *parameters, GError **error)
{
    const Request *request = parameters;
    unsigned n_failed = 0;
    if (!gasket_run_set_state(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_set_state(run, 1, sizeof(uint32_t), error))
        return false;
    for (uint64_t nth = 1;; nth++, n_failed++) {
        g_autoptr(GError) failure = NULL;
        gasket_array_fail_at(nth);
        g_autoptr(GasketColouring) colouring =
            gasket_run_colour(run, request->rows, request->distance, &failure);
        gasket_array_fail_at(0);
        if (colouring != NULL)
            break;
        ck_assert(g_error_matches(failure, GASKET_ERROR, GASKET_ERROR_MEMORY));
    }
    ck_assert_uint_ge(n_failed, 5);
    return true;
}

START_TEST(every_allocation_of_a_colouring_may_fail)
{
    Scopes scopes;
    draw_scopes(&scopes, 7, 150);
    const Request request = {{0, GASKET_OUT}, 2, 0};
    GasketAlgorithm algorithm = colour_algorithm(2, true);
    algorithm.run = short_of_memory_run;
    Experiment experiment = {&algorithm, &request, build_scopes, .data = &scopes};
    const GasketRunOptions options = {.workers = 1};
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketResult) result = run_once(&experiment, &options, &error);
    ck_assert_no_error(error);
}
END_TEST

/* ---- Gibbs sampling through factors -----------------------------------------------------------
 *
 * Triples of bits, each under one factor that likes exactly one of them to be on:
 *
 *   variable 3 i ───┐
 *   variable 3 i + 1 ── factor i: publishes the three bits
 *   variable 3 i + 2 ─┘
 *
 * Variables have no edges between them, so at distance 1 all have one colour and are sampled at
 * once from one another's old bits: which samples another distribution. */

#define TRIPLES 200
#define SWEEPS  260
#define BURN_IN 10

static const double likes[8] = {1, 12, 12, 1, 12, 1, 1, 1}; /* by the bits */

typedef struct {
    uint64_t distance, sweep;
} Gibbs;

static void
bits_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const int32_t *position = rows->column[0].data;
    const uint32_t *bit = rows->values;
    uint32_t *sum = sums;
    (void)context;

    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] |= bit[rows->neighbour[e]] << position[e];
}

static void
bits_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint32_t *sum = sums;
    uint32_t *bits = run->value;
    (void)context;

    for (size_t i = 0; i < run->count; i++)
        bits[run->vertex[i]] = sum[run->sum[i]];
}

/* What the factors like of a variable's being off and on. */
static void
sample_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const int32_t *position = rows->column[0].data;
    const uint32_t *bits = rows->values;
    double(*sum)[2] = sums;
    (void)context;

    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            uint32_t own = UINT32_C(1) << position[e], others = bits[rows->neighbour[e]] & ~own;
            sum[rows->sum[r]][0] += log(likes[others]);
            sum[rows->sum[r]][1] += log(likes[others | own]);
        }
}

static void
sample_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Gibbs *gibbs = context->parameters;
    const double(*sum)[2] = sums;
    uint32_t *bit = run->value, *seen = run->state;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        const double *s = sum[run->sum[i]];
        GasketRandom random = gasket_random_at(context->seed, 1, context->number[v], gibbs->sweep);
        bit[v] = gasket_random_double(&random) < 1 / (1 + exp(s[0] - s[1]));
        seen[v] += gibbs->sweep >= BURN_IN ? bit[v] : 0;
    }
}

static bool
gibbs_run(GasketRun *run, const void *parameters, GError **error)
{
    static const GasketRowSet factors_rows[] = {{0, GASKET_IN}};
    static const GasketRowSet variables_rows[] = {{0, GASKET_OUT}};
    Gibbs gibbs = *(const Gibbs *)parameters;
    const GasketProgram bits = {.name = "bits",
                                .kind = 1,
                                .rows = factors_rows,
                                .n_rows = 1,
                                .sum_size = sizeof(uint32_t),
                                .gather = bits_gather,
                                .apply = bits_apply};
    const GasketProgram sample = {.name = "sample",
                                  .kind = 0,
                                  .rows = variables_rows,
                                  .n_rows = 1,
                                  .sum_size = 2 * sizeof(double),
                                  .gather = sample_gather,
                                  .apply = sample_apply,
                                  .parameters = &gibbs};

    if (!gasket_run_set_state(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_set_value(run, 1, sizeof(uint32_t), error))
        return false;
    g_autoptr(GasketColouring) colouring =
        gasket_run_colour(run, variables_rows[0], (unsigned)gibbs.distance, error);
    if (colouring == NULL)
        return false;
    gasket_run_set_metric(run, "colours", gasket_colouring_n(colouring));
    for (; gasket_run_continues(run); gibbs.sweep++) {
        for (uint32_t c = 0; c < gasket_colouring_n(colouring); c++)
            if (!gasket_run_step_on(run, &sample, gasket_colouring_set(colouring, c), error) ||
                !gasket_run_step(run, &bits, error))
                return false;
        gasket_run_end_iteration(run, NAN, false);
    }
    return true;
}

static GasketGraph *
build_triples(const void *data)
{
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    (void)data;
    gasket_graph_builder_add_kind(builder, "variable");
    gasket_graph_builder_add_kind(builder, "factor");
    gasket_graph_builder_add_relation(builder, "scope", 0, 1, false);
    gasket_graph_builder_add_edge_column(builder, 0, "position", GASKET_INT32, 1);
    for (int64_t f = 0; f < TRIPLES; f++)
        for (int32_t p = 0; p < 3; p++) {
            const int64_t v = 3 * f + p;
            const void *const columns[] = {&p};
            ck_assert(gasket_graph_builder_add_edges(builder, 0, 1, &v, &f, columns, NULL));
        }
    return finish_given(builder);
}

/* How often a bit was on: alike for the three of each triple. */
static double
sampled_marginal(unsigned distance, double *ret_colours)
{
    const Gibbs gibbs = {distance, 0};
    GasketAlgorithm algorithm = colour_algorithm(1, true);
    algorithm.run = gibbs_run;
    algorithm.default_iterations = SWEEPS;
    static const unsigned few[] = {1, 3, 0};
    Experiment experiment = {&algorithm, &gibbs, build_triples, .seed = 11};
    g_autoptr(GasketResult) result = run_everywhere(&experiment, few);
    const uint32_t *seen = gasket_result_column(result, 0);
    double on = 0;
    for (unsigned v = 0; v < 3 * TRIPLES; v++)
        on += seen[v];
    *ret_colours = gasket_result_metric(result, "colours");
    return on / (3.0 * TRIPLES * (SWEEPS - BURN_IN));
}

START_TEST(gibbs_through_factors_is_right_at_distance_2_and_wrong_at_1)
{
    double colours, on = 0, all = 0;
    for (unsigned bits = 0; bits < 8; bits++) {
        all += likes[bits];
        on += likes[bits] * __builtin_popcount(bits) / 3;
    }
    double exact = on / all;

    ck_assert_double_eq_tol(sampled_marginal(2, &colours), exact, 0.01);
    ck_assert_double_eq(colours, 3);
    double wrong = sampled_marginal(1, &colours);
    ck_assert_double_eq(colours, 1);
    ck_assert_msg(fabs(wrong - exact) > 0.04, "found %g, exact %g", wrong, exact);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("colouring");
    tcase_set_timeout(all, 240);
    tcase_add_loop_test(all, neighbours_differ_whatever_the_direction_of_edges, 0, 10);
    tcase_add_loop_test(all, vertices_two_steps_apart_differ_at_distance_2, 0, 8);
    tcase_add_test(all, a_clique_has_a_colour_for_each_vertex_and_a_star_two);
    tcase_add_loop_test(all, vertices_that_share_one_of_the_other_kind_differ, 0, 4);
    tcase_add_test(all, other_distances_and_rows_that_do_not_stand_are_refused);
    tcase_add_test(all, every_allocation_of_a_colouring_may_fail);
    tcase_add_test(all, gibbs_through_factors_is_right_at_distance_2_and_wrong_at_1);
    TCase *cases[] = {all};
    return check_run("colouring", cases, G_N_ELEMENTS(cases));
}
