/* SPDX-License-Identifier: Apache-2.0 */
/* Verifiers of the built-in algorithms: they accept right answers, on real graphs too, and see a
 * single wrong vertex. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "loaders/load.h"
#include "tests/small_graphs.h"

/* What a run under test does to its state between the driver and the verifier: adds `amount` to
 * the vertex with an ordinal. */
typedef struct {
    const GasketAlgorithm *algorithm;
    const void *parameters;
    uint32_t ordinal; /* GASKET_NO_VERTEX: leave everything alone */
    double amount;
    unsigned column; /* which of the result columns */
} Sabotage;

static void
spoil(GasketRun *run, const Sabotage *sabotage)
{
    const GasketVertex v = sabotage->ordinal == GASKET_NO_VERTEX
                               ? GASKET_NO_VERTEX
                               : gasket_run_owned(run, 0, sabotage->ordinal);
    if (v == GASKET_NO_VERTEX)
        return;
    const GasketResultColumn *column = &sabotage->algorithm->results[sabotage->column];
    switch (column->type) {
    case GASKET_DOUBLE:
        ((double *)gasket_run_state(run, 0))[v] += sabotage->amount;
        break;
    default: /* a pair of 32-bit integers */
        ((uint32_t *)gasket_run_state(run, 0))[2 * v + column->offset / 4] +=
            (uint32_t)(int64_t)sabotage->amount;
    }
}

static bool
run_and_verify(GasketRun *run, const void *parameters, GError **error)
{
    const Sabotage *sabotage = parameters;
    const GasketAlgorithm *algorithm = sabotage->algorithm;
    g_autofree char *message = NULL;
    g_autoptr(GError) local = NULL;

    if (!algorithm->run(run, sabotage->parameters, error))
        return false;
    spoil(run, sabotage);
    bool correct = algorithm->verify(run, sabotage->parameters, &message, &local);
    if (local != NULL) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    gasket_run_set_metric(run, "correct", correct);
    gasket_run_set_metric(run, "message", message != NULL && strlen(message) > 10);
    return true;
}

/* Runs, spoils and verifies; returns whether the verifier was content. */
static bool
verified(const Sabotage *sabotage, BuildGraph build, const void *data, unsigned workers)
{
    g_autoptr(GError) error = NULL;
    GasketAlgorithm algorithm = *sabotage->algorithm;
    algorithm.run = run_and_verify;
    algorithm.prepare = NULL; /* these are about the parameters it does not get */
    algorithm.options = NULL;
    algorithm.parameters_size = sizeof *sabotage;
    Experiment experiment = {&algorithm, sabotage, build, .data = data};
    GasketRunOptions options = {.workers = workers, .threads = 2, .segment = 7};
    g_autoptr(GasketResult) result = run_once(&experiment, &options, &error);
    ck_assert_no_error(error);
    ck_assert_double_eq(gasket_result_metric(result, "message"), 1);
    return gasket_result_metric(result, "correct") == 1;
}

static const GasketAlgorithm *const algorithms[] = {&gasket_pagerank, &gasket_components,
                                                    &gasket_sssp, &gasket_bfs};

START_TEST(verifiers_accept_right_answers)
{
    static const char *const pairs[] = {"source", "-50", NULL};
    static SmallGraph graph;
    for (size_t a = 0; a < G_N_ELEMENTS(algorithms); a++) {
        g_autofree void *parameters = make_parameters(algorithms[a], a >= 2 ? pairs : NULL);
        Sabotage none = {algorithms[a], parameters, .ordinal = GASKET_NO_VERTEX};
        for (unsigned i = 0; i < 6; i++) {
            graph = (SmallGraph){.weights = (SmallWeights)(i % 3),
                                 .symmetric = i >= 3 || algorithms[a]->needs[0].symmetric};
            small_draw(&graph, i, 60, 120);
            for (unsigned workers = 1; workers <= 3; workers++)
                ck_assert_msg(verified(&none, small_build, &graph, workers), "%s, graph %u",
                              algorithms[a]->name, i);
        }
    }
}
END_TEST

START_TEST(verifiers_see_one_wrong_vertex)
{
    static const char *const pairs[] = {"source", "-50", NULL};
    static const struct {
        unsigned algorithm, column;
        double amount;
    } spoils[] = {{0, 0, 1e-4}, {0, 0, -1e-4}, {0, 0, NAN}, {1, 0, 1},  {1, 0, -1},
                  {2, 0, 1e-9}, {2, 0, -1e-9}, {3, 0, 1},   {3, 0, -1}, {3, 1, 1}};
    static SmallGraph graph;
    graph = (SmallGraph){.weights = SMALL_FRACTIONS, .symmetric = true};
    small_draw(&graph, 77, 30, 200);
    for (size_t s = 0; s < G_N_ELEMENTS(spoils); s++) {
        const GasketAlgorithm *algorithm = algorithms[spoils[s].algorithm];
        g_autofree void *parameters =
            make_parameters(algorithm, spoils[s].algorithm >= 2 ? pairs : NULL);
        Sabotage one = {algorithm, parameters, 11, spoils[s].amount, spoils[s].column};
        for (unsigned workers = 1; workers <= 3; workers++)
            ck_assert_msg(!verified(&one, small_build, &graph, workers), "%s, %zu", algorithm->name,
                          s);
    }
}
END_TEST

static void
merge_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    uint32_t *state = run->state, *label = run->value;
    (void)context;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        state[2 * run->vertex[i]] = label[run->vertex[i]] = 0;
}

/* All bear the first vertex's label: every edge's ends agree, and 0 names itself. */
static bool
merge_labels(GasketRun *run, const void *parameters, GError **error)
{
    const GasketProgram merge = {.name = "merge", .apply = merge_apply};
    return gasket_components.run(run, parameters, error) && gasket_run_step(run, &merge, error);
}

START_TEST(components_that_share_a_name_are_seen)
{
    static SmallGraph graph;
    graph = (SmallGraph){.n = 4, .m = 2, .source = {0, 2}, .target = {1, 3}, .symmetric = true};
    GasketAlgorithm merging = gasket_components;
    merging.run = merge_labels;
    Sabotage none = {.algorithm = &merging, .ordinal = GASKET_NO_VERTEX};
    ck_assert(!verified(&none, small_build, &graph, 1));
    ck_assert(!verified(&none, small_build, &graph, 2));
}
END_TEST

/* ---- real graphs ----------------------------------------------------------------------------- */

typedef struct {
    const char *path;
    bool undirected, weights;
} File;

static GasketGraph *
build_file(const void *data)
{
    const File *file = data;
    const char *const inputs[] = {file->path};
    const GasketLoadOptions options = {.inputs = inputs,
                                       .n_inputs = 1,
                                       .undirected = file->undirected,
                                       .want_weights = file->weights};
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_load(builder, &options, NULL, &error);
    ck_assert_no_error(error);
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, NULL, &error);
    ck_assert_no_error(error);
    return graph;
}

START_TEST(real_graphs_pass_and_have_the_known_components)
{
    static const struct {
        const char *name, *source;
        bool undirected, weights;
        double components, largest; /* 0: not known */
    } files[] = {
        {"graphs/Wiki-Vote.txt", "3", false, false, 24, 7066},
        {"graphs/facebook_combined.txt", "0", true, false, 1, 4039},
        {"graphs/rome99.gr", "1", false, true, 0, 0},
        {"graphs/email-Eu-core.txt", "0", false, false, 0, 0},
    };
    for (size_t f = 0; f < G_N_ELEMENTS(files); f++) {
        g_autofree char *path = check_data(files[f].name);
        if (path == NULL)
            continue;
        const char *const pairs[] = {"source", files[f].source, NULL};
        for (size_t a = 0; a < G_N_ELEMENTS(algorithms); a++) {
            const File file = {path, files[f].undirected || algorithms[a]->needs[0].symmetric,
                               files[f].weights};
            g_autofree void *parameters = make_parameters(algorithms[a], a >= 2 ? pairs : NULL);
            Sabotage none = {algorithms[a], parameters, .ordinal = GASKET_NO_VERTEX};
            ck_assert_msg(verified(&none, build_file, &file, 3), "%s on %s", algorithms[a]->name,
                          files[f].name);
        }
        const File undirected = {path, true, false};
        Experiment experiment = {&gasket_components, .build = build_file, .data = &undirected};
        g_autoptr(GasketResult) result = run_everywhere(&experiment, (const unsigned[]){1, 3, 0});
        if (files[f].components > 0) {
            ck_assert_double_eq(gasket_result_metric(result, "components"), files[f].components);
            ck_assert_double_eq(gasket_result_metric(result, "largest_component"),
                                files[f].largest);
        }
    }
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("verifiers");
    tcase_set_timeout(all, 240);
    tcase_add_test(all, verifiers_accept_right_answers);
    tcase_add_test(all, verifiers_see_one_wrong_vertex);
    tcase_add_test(all, components_that_share_a_name_are_seen);
    tcase_add_test(all, real_graphs_pass_and_have_the_known_components);
    TCase *cases[] = {all};
    return check_run("verifiers", cases, G_N_ELEMENTS(cases));
}
