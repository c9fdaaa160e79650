/* SPDX-License-Identifier: Apache-2.0 */
/* Sweeps and the chromatic engine: what one colour writes the next one reads, totals cover the
 * sweep, who sleeps does not run; the built-in algorithms come to the same answers. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "loaders/load.h"
#include "tests/small_graphs.h"

static const unsigned workers[] = {1, 2, 4, 0};

static const GasketNeeds in_rows_needs[] = {{.in_rows = true, .degrees = true}};
static const GasketRowSet in_rows[] = {{0, GASKET_IN}};

/* ---- the serial chain ------------------------------------------------------------------------
 *
 * Gibbs sampling of a Potts model, which a serial loop over the colours must reproduce. */

#define STATES   3
#define COUPLING 0.6
#define SWEEPS   20

typedef struct {
    uint32_t colour;
    uint32_t seen[STATES];
} Potts;

static const GasketResultColumn potts_results[] = {
    {.name = "colour", .type = GASKET_UINT32, .offset = offsetof(Potts, colour)},
    {.name = "seen", .type = GASKET_UINT32, .offset = offsetof(Potts, seen), .length = STATES},
};

static uint32_t
draw_state(const uint32_t n[STATES], uint64_t seed, uint32_t number, uint64_t sweep)
{
    double below[STATES], total = 0;
    for (unsigned x = 0; x < STATES; x++)
        below[x] = total += exp(COUPLING * n[x]);
    GasketRandom random = gasket_random_at(seed, 1, number, sweep);
    double u = gasket_random_double(&random) * total;
    uint32_t x = 0;
    while (x + 1 < STATES && u >= below[x])
        x++;
    return x;
}

static void
potts_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint32_t *spin = rows->values;
    uint32_t(*n)[STATES] = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            n[rows->sum[r]][spin[rows->neighbour[e]]]++;
}

static void
potts_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint32_t(*n)[STATES] = sums;
    const uint64_t *sweep = context->parameters;
    uint32_t *spin = run->value;
    Potts *state = run->state;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        spin[v] = draw_state(n[run->sum[i]], context->seed, context->ordinal[v], *sweep);
        state[v].seen[spin[v]]++;
    }
}

static bool
potts_run(GasketRun *run, const void *parameters, GError **error)
{
    uint64_t sweep = 0;
    const GasketProgram sample = {.name = "sample",
                                  .rows = in_rows,
                                  .n_rows = 1,
                                  .sum_size = STATES * sizeof(uint32_t),
                                  .gather = potts_gather,
                                  .apply = potts_apply,
                                  .parameters = &sweep};
    (void)parameters;
    if (!gasket_run_set_state(run, 0, sizeof(Potts), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint32_t), error))
        return false;
    g_autoptr(GasketColouring) colouring = gasket_run_colour(run, in_rows[0], 1, error);
    if (colouring == NULL)
        return false;
    Potts *state = gasket_run_state(run, 0);
    for (GasketVertex v = 0; v < gasket_run_n_owned(run, 0); v++)
        state[v].colour = gasket_colouring_of(colouring, v);
    for (; gasket_run_continues(run); sweep++) {
        uint64_t step = gasket_run_context(run, 0)->step;
        if (!gasket_run_sweep(run, &sample, colouring, error))
            return false;
        ck_assert_uint_eq(gasket_run_context(run, 0)->step, step + gasket_colouring_n(colouring));
        ck_assert_uint_eq(gasket_run_n_changed(run, 0), gasket_run_n_vertices(run, 0));
        gasket_run_end_iteration(run, NAN, false);
    }
    return true;
}

START_TEST(a_sweep_is_the_serial_loop_over_colours)
{
    static SmallGraph graph;
    graph = (SmallGraph){.symmetric = _i % 2 == 1, .order = (GasketOrder)(_i % 3)};
    small_draw(&graph, 40 + (unsigned)_i, 80, 250);
    const GasketAlgorithm algorithm = {.abi = GASKET_ABI,
                                       .name = "potts",
                                       .needs = in_rows_needs,
                                       .n_needs = 1,
                                       .results = potts_results,
                                       .n_results = 2,
                                       .default_iterations = SWEEPS,
                                       .run = potts_run};
    Experiment experiment = {&algorithm, NULL, small_build, .data = &graph, .seed = 3};
    g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);
    const uint32_t *colour = gasket_result_column(result, 0);

    uint32_t spin[SMALL_MAX_VERTICES] = {0}, seen[SMALL_MAX_VERTICES][STATES] = {{0}};
    for (uint64_t sweep = 0; sweep < SWEEPS; sweep++) {
        for (uint32_t c = 0; c < graph.n; c++) {
            for (uint32_t v = 0; v < graph.n; v++) {
                uint32_t n[STATES] = {0};
                if (colour[v] != c)
                    continue;
                for (unsigned i = 0; i < graph.m; i++) {
                    if (graph.target[i] == v)
                        n[spin[graph.source[i]]]++;
                    else if (graph.symmetric && graph.source[i] == v)
                        n[spin[graph.target[i]]]++;
                }
                spin[v] = draw_state(n, 3, v, sweep);
                seen[v][spin[v]]++;
            }
        }
    }
    ck_assert_mem_eq(gasket_result_column(result, 1), seen, graph.n * sizeof *seen);
}
END_TEST

/* ---- totals and sleep ------------------------------------------------------------------------ */

enum { RAN, SUM, LARGEST, SMALLEST };

static const GasketAggregate aggregates[] = {{"ran", GASKET_COUNT, 1},
                                             {"sum", GASKET_SUM, 1},
                                             {"largest", GASKET_MAX, 1},
                                             {"smallest", GASKET_MIN, 1}};

typedef struct {
    uint32_t label;
    uint32_t strange; /* times that totals were not those of the sweep before */
} Label;

typedef struct {
    int64_t ran;
    double sum, largest, smallest;
} Totals;

static const GasketResultColumn label_results[] = {
    {.name = "label", .type = GASKET_UINT32, .offset = offsetof(Label, label)},
    {.name = "strange", .type = GASKET_UINT32, .offset = offsetof(Label, strange)},
};

static void
label_start(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    Label *state = run->state;
    uint32_t *label = run->value;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        label[v] = state[v].label = context->ordinal[v];
    }
}

static void
label_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint32_t *label = rows->values;
    uint32_t *least = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            least[rows->sum[r]] = MIN(least[rows->sum[r]], label[rows->neighbour[e]]);
}

static void
label_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Totals *last = context->parameters;
    const uint32_t *least = sums;
    Label *state = run->state;
    uint32_t *label = run->value;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        double x = 0.1 * context->ordinal[v];
        state[v].strange += gasket_total_count(context, RAN, 0) != last->ran ||
                            gasket_total(context, SUM, 0) != last->sum ||
                            gasket_total(context, LARGEST, 0) != last->largest ||
                            gasket_total(context, SMALLEST, 0) != last->smallest;
        gasket_count(context, RAN, 0, 1);
        gasket_add(context, SUM, 0, x);
        gasket_extreme(context, LARGEST, 0, x);
        gasket_extreme(context, SMALLEST, 0, x);
        if (least[run->sum[i]] < state[v].label) {
            label[v] = state[v].label = least[run->sum[i]];
            run->changed[i] = 1;
        }
    }
}

static bool
sweep_once(GasketRun *run, const GasketProgram *program, GasketColouring *colouring, Totals *totals,
           GError **error)
{
    if (!gasket_run_sweep(run, program, colouring, error))
        return false;
    *totals = (Totals){gasket_run_total_count(run, RAN, 0), gasket_run_total(run, SUM, 0),
                       gasket_run_total(run, LARGEST, 0), gasket_run_total(run, SMALLEST, 0)};
    return true;
}

static bool
label_run(GasketRun *run, const void *parameters, GError **error)
{
    static const uint32_t none = UINT32_MAX;
    Totals totals = {0, 0, -INFINITY, INFINITY};
    const GasketProgram start = {.name = "start", .apply = label_start};
    const GasketProgram spread = {.name = "spread",
                                  .rows = in_rows,
                                  .n_rows = 1,
                                  .sum_size = sizeof(uint32_t),
                                  .identity = &none,
                                  .gather = label_gather,
                                  .apply = label_apply,
                                  .changes = GASKET_CHANGES_MARKED,
                                  .wakes = GASKET_WAKES_READERS,
                                  .monotone = true,
                                  .aggregates = 0xf,
                                  .parameters = &totals};
    uint32_t n = gasket_run_n_vertices(run, 0);
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error) ||
        !gasket_run_set_state(run, 0, sizeof(Label), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_step(run, &start, error))
        return false;
    g_autoptr(GasketColouring) colouring = gasket_run_colour(run, in_rows[0], 1, error);
    if (colouring == NULL || !sweep_once(run, &spread, colouring, &totals, error))
        return false;

    /* All ran, each once. */
    double sum = 0.05 * n * (n - 1.0);
    ck_assert_int_eq(totals.ran, n);
    ck_assert_double_eq_tol(totals.sum, sum, 1e-9);
    ck_assert(totals.largest == 0.1 * (n - 1) && totals.smallest == 0);
    while (gasket_run_n_changed(run, 0) > 0)
        if (!sweep_once(run, &spread, colouring, &totals, error))
            return false;

    /* Nobody is awake; then one vertex is. */
    if (!sweep_once(run, &spread, colouring, &totals, error))
        return false;
    ck_assert(totals.ran == 0 && totals.sum == 0 && totals.largest == -INFINITY);
    g_autoptr(GasketVertexSet) one = gasket_vertex_set_new(run, 0);
    GasketVertex v = gasket_run_owned(run, 0, n / 2);
    if (v != GASKET_NO_VERTEX)
        gasket_vertex_set_add(one, v);
    gasket_run_activate(run, one);
    if (!sweep_once(run, &spread, colouring, &totals, error))
        return false;
    ck_assert(totals.ran == 1 && totals.smallest == 0.1 * (n / 2));
    ck_assert_uint_eq(gasket_run_n_changed(run, 0), 0);

    /* The rest of the engine still works on what sweeps leave: pull, then push. */
    return gasket_run_step(run, &start, error) && gasket_run_step(run, &spread, error);
}

START_TEST(totals_cover_the_sweep_and_who_sleeps_does_not_run)
{
    static SmallGraph graph;
    graph = (SmallGraph){.symmetric = true, .text = _i == 1};
    small_draw(&graph, 60 + (unsigned)_i, 70, 75 + 60 * (unsigned)_i);
    const GasketAlgorithm algorithm = {.abi = GASKET_ABI,
                                       .name = "label",
                                       .needs = in_rows_needs,
                                       .n_needs = 1,
                                       .results = label_results,
                                       .n_results = 2,
                                       .run = label_run};
    Experiment experiment = {&algorithm, NULL, small_build, .data = &graph};
    g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);
    const uint32_t *strange = gasket_result_column(result, 1);
    for (unsigned v = 0; v < graph.n; v++)
        ck_assert_uint_eq(strange[v], 0);
}
END_TEST

/* ---- algorithms on the chromatic engine ------------------------------------------------------ */

/* A driver followed by its verifier. */
typedef struct {
    const GasketAlgorithm *algorithm;
    const void *parameters;
} Verified;

static bool
run_and_verify(GasketRun *run, const void *parameters, GError **error)
{
    const Verified *verified = parameters;
    g_autofree char *message = NULL;
    g_autoptr(GError) failure = NULL;

    if (!verified->algorithm->run(run, verified->parameters, error))
        return false;
    bool correct = verified->algorithm->verify(run, verified->parameters, &message, &failure);
    ck_assert_no_error(failure);
    gasket_run_set_metric(run, "correct", correct);
    return true;
}

/* Both engines' results; that of the chromatic one in every placement, and verified. */
static void
run_both(const GasketAlgorithm *algorithm, BuildGraph build, const void *data,
         const char *const *pairs, double tolerance, const unsigned *n_workers,
         GasketResult **ret_sync, GasketResult **ret_chromatic)
{
    g_autoptr(GError) error = NULL;
    g_autofree void *parameters = make_parameters(algorithm, pairs);
    const Verified verified = {algorithm, parameters};
    GasketAlgorithm both = *algorithm;
    both.run = run_and_verify;
    both.prepare = NULL;
    both.options = NULL;
    both.parameters_size = sizeof verified;

    Experiment experiment = {&both, &verified, build, .data = data, .tolerance = tolerance};
    const GasketRunOptions options = {.workers = 1, .tolerance = tolerance};
    *ret_sync = run_once(&experiment, &options, &error);
    ck_assert_no_error(error);
    experiment.engine = GASKET_ENGINE_CHROMATIC;
    *ret_chromatic = run_everywhere(&experiment, n_workers);
    ck_assert_double_eq(gasket_result_metric(*ret_chromatic, "correct"), 1);
}

static void
assert_same_answer(const GasketAlgorithm *algorithm, BuildGraph build, const void *data,
                   const char *const *pairs, double tolerance, const unsigned *n_workers)
{
    g_autoptr(GasketResult) sync = NULL;
    g_autoptr(GasketResult) chromatic = NULL;
    run_both(algorithm, build, data, pairs, tolerance, n_workers, &sync, &chromatic);
    uint32_t n = gasket_result_n(sync, 0);
    ck_assert_uint_eq(n, gasket_result_n(chromatic, 0));
    if (algorithm != &gasket_pagerank) {
        /* A minimum gets at least as far in a sweep as in a step. */
        ck_assert_uint_le(gasket_result_iterations(chromatic), gasket_result_iterations(sync));
        if (n > 0)
            ck_assert_mem_eq(gasket_result_column(sync, 0), gasket_result_column(chromatic, 0),
                             n * gasket_type_size(algorithm->results[0].type));
        return;
    }
    const double *a = gasket_result_column(sync, 0), *b = gasket_result_column(chromatic, 0);
    double apart = 0;
    for (uint32_t v = 0; v < n; v++)
        apart += fabs(a[v] - b[v]);
    /* Each is within d tolerance / (1 - d) of the fixed point. */
    ck_assert_msg(apart <= 2 * 0.85 / 0.15 * tolerance, "%g apart", apart);
}

START_TEST(answers_are_those_of_the_synchronous_engine)
{
    static const char *const source[] = {"source", "-50", NULL};
    static SmallGraph graph;
    for (unsigned w = SMALL_UNWEIGHTED; w <= SMALL_FRACTIONS; w++) {
        graph = (SmallGraph){.weights = (SmallWeights)w,
                             .symmetric = (_i + w) % 3 == 2,
                             .order = (GasketOrder)(_i % 3)};
        small_draw(&graph, 70 + (unsigned)_i, _i == 0 ? 1 : 80, _i == 0 ? 2 : 60 * (unsigned)_i);
        assert_same_answer(&gasket_sssp, small_build, &graph, source, 0, workers);
        assert_same_answer(&gasket_pagerank, small_build, &graph, NULL, 1e-12, workers);
        if (w == SMALL_UNWEIGHTED)
            assert_same_answer(&gasket_pagerank, small_build, &graph, NULL, 1e-6, workers);
        graph.symmetric = true;
        assert_same_answer(&gasket_components, small_build, &graph, NULL, 0, workers);
    }
}
END_TEST

static GasketGraph *
build_nothing(const void *data)
{
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    (void)data;
    gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, true);
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &(GasketGraphRules){0}, &error);
    ck_assert_no_error(error);
    return graph;
}

START_TEST(a_graph_without_vertices_has_an_answer)
{
    static const unsigned one[] = {1, 2, 0};
    assert_same_answer(&gasket_components, build_nothing, NULL, NULL, 0, one);
    assert_same_answer(&gasket_pagerank, build_nothing, NULL, NULL, 1e-6, one);
}
END_TEST

START_TEST(an_algorithm_that_needs_the_step_before_is_refused)
{
    static const char *const source[] = {"source", "-50", NULL};
    static SmallGraph graph;
    small_draw(&graph, 1, 30, 60);
    g_autofree void *parameters = make_parameters(&gasket_bfs, source);
    Experiment experiment = {&gasket_bfs, parameters, small_build, .data = &graph};
    for (unsigned n = 1; n <= 2; n++) {
        const GasketRunOptions options = {.workers = n, .engine = GASKET_ENGINE_CHROMATIC};
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(run_once(&experiment, &options, &error));
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
        ck_assert_ptr_nonnull(strstr(error->message, "bfs runs with the engine sync alone"));
    }
}
END_TEST

typedef struct {
    const char *path;
    bool symmetric;
} File;

static GasketGraph *
build_file(const void *data)
{
    const File *file = data;
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    const char *const inputs[] = {file->path};
    const GasketLoadOptions options = {.inputs = inputs,
                                       .n_inputs = 1,
                                       .threads = 1,
                                       .undirected = file->symmetric};
    ck_assert_msg(gasket_load(builder, &options, NULL, &error), "%s", error ? error->message : "");
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &(GasketGraphRules){0}, &error);
    ck_assert_no_error(error);
    return graph;
}

START_TEST(a_real_graph_has_the_same_bits_in_every_placement)
{
    static const unsigned few[] = {1, 3, 0};
    static const char *const source[] = {"source", "30", NULL};
    g_autofree char *path = check_data("graphs/Wiki-Vote.txt");
    if (path == NULL)
        return;
    const File directed = {path, false}, undirected = {path, true};
    assert_same_answer(&gasket_pagerank, build_file, &directed, NULL, 1e-6, few);
    assert_same_answer(&gasket_sssp, build_file, &directed, source, 0, few);
    assert_same_answer(&gasket_components, build_file, &undirected, NULL, 0, few);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("sweep");
    tcase_set_timeout(all, 240);
    tcase_add_loop_test(all, a_sweep_is_the_serial_loop_over_colours, 0, 6);
    tcase_add_loop_test(all, totals_cover_the_sweep_and_who_sleeps_does_not_run, 0, 3);
    tcase_add_loop_test(all, answers_are_those_of_the_synchronous_engine, 0, 5);
    tcase_add_test(all, a_graph_without_vertices_has_an_answer);
    tcase_add_test(all, an_algorithm_that_needs_the_step_before_is_refused);
    tcase_add_test(all, a_real_graph_has_the_same_bits_in_every_placement);
    TCase *cases[] = {all};
    return check_run("sweep", cases, G_N_ELEMENTS(cases));
}
