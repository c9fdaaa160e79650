/* SPDX-License-Identifier: Apache-2.0 */
/* Labels from priors and neighbours, and types from seeds, against brute force. */
#include <math.h>
#include <string.h>

#include "algorithms/algorithms.h"
#include "loaders/model.h"
#include "tests/folder.h"
#include "tests/run_everywhere.h"

/* ---- priors and edges ------------------------------------------------------------------------ */

/* The model of two files, or NULL and the message without the folder. */
static GasketFactorGraph *
load(const char *priors, const char *edges, double smoothing, char **ret_message)
{
    g_autoptr(GError) error = NULL;
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "e.txt", NULL);
    ck_assert(g_file_set_contents(path, edges, -1, NULL));
    const GasketModelOptions options = {.path = "p.txt",
                                        .edges = path,
                                        .levels = 2,
                                        .noise = 1,
                                        .smoothing = smoothing,
                                        .max_states = 1000};
    GasketFactorGraph *model = gasket_model_load_memory(priors, strlen(priors), &options, &error);
    *ret_message = NULL;
    if (model == NULL) {
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
        const char *message = error->message;
        *ret_message = g_strdup(
            g_str_has_prefix(message, folder.path) ? message + strlen(folder.path) + 1 : message);
    }
    return model;
}

#define N 7
#define K 3

typedef struct {
    double prior[N][K];
    unsigned n_edges, end[2 * N][2];
    double weight[2 * N], smoothing;
} Problem;

static void
draw(Problem *problem, unsigned extra, uint64_t seed)
{
    GasketRandom random = gasket_random_at(seed, 1, extra, 0);
    *problem = (Problem){.smoothing = 0.25 + gasket_random_double(&random)};
    for (unsigned v = 0; v < N; v++)
        for (unsigned x = 0; x < K; x++)
            problem->prior[v][x] = 0.05 + gasket_random_double(&random);
    for (unsigned e = 0; e < N - 1 + extra; e++) {
        unsigned v = e < N - 1 ? e + 1 : N - 1 - (e - (N - 1));
        problem->end[e][0] = v;
        problem->end[e][1] = gasket_random_below(&random, v);
        problem->weight[e] = e % 2 == 0 ? 1 : 2 * gasket_random_double(&random);
        problem->n_edges++;
    }
}

static GasketGraph *
build(const void *data)
{
    const Problem *problem = data;
    g_autoptr(GString) priors = g_string_new("# id and priors\n"), edges = g_string_new(NULL);
    for (unsigned v = 0; v < N; v++)
        g_string_append_printf(priors, "v%u %.17g %.17g\t%.17g\n", v, problem->prior[v][0],
                               problem->prior[v][1], problem->prior[v][2]);
    for (unsigned e = 0; e < problem->n_edges; e++) {
        g_string_append_printf(edges, "v%u v%u", problem->end[e][0], problem->end[e][1]);
        if (problem->weight[e] != 1)
            g_string_append_printf(edges, " %.17g", problem->weight[e]);
        g_string_append_c(edges, '\n');
    }
    g_autofree char *message = NULL;
    g_autoptr(GasketFactorGraph) model =
        load(priors->str, edges->str, problem->smoothing, &message);
    ck_assert_msg(model != NULL, "%s", message);
    g_autoptr(GError) error = NULL;
    return gasket_factor_graph_finish_take(&model, NULL, &error);
}

/* Marginals and the best assignment by all K^N of them. */
static void
enumerate(const Problem *problem, double marginal[N][K], int best[N])
{
    double total = 0, most = -1;
    memset(marginal, 0, N * K * sizeof(double));
    for (unsigned i = 0; i < 2187; i++) {
        int x[N];
        double p = 1;
        for (unsigned v = 0, rest = i; v < N; v++, rest /= K) {
            x[v] = (int)(rest % K);
            p *= problem->prior[v][x[v]];
        }
        for (unsigned e = 0; e < problem->n_edges; e++)
            if (x[problem->end[e][0]] == x[problem->end[e][1]])
                p *= exp(problem->smoothing * problem->weight[e]);
        total += p;
        for (unsigned v = 0; v < N; v++)
            marginal[v][x[v]] += p;
        if (p > most) {
            most = p;
            memcpy(best, x, N * sizeof *best);
        }
    }
    for (unsigned v = 0; v < N; v++)
        for (unsigned x = 0; x < K; x++)
            marginal[v][x] /= total;
}

static GasketResult *
label(const Problem *problem, const char *best)
{
    g_autoptr(GError) error = NULL;
    g_autofree void *parameters = g_malloc0(gasket_labelling.parameters_size);
    gasket_options_set_defaults(gasket_labelling.options, parameters);
    ck_assert(gasket_options_set(gasket_labelling.options, parameters, "best", best, &error));
    GasketGraph *graph = build(problem);
    const GasketRunOptions options = {.tolerance = 1e-12};
    GasketResult *result =
        gasket_algorithm_run(&gasket_labelling, &graph, parameters, &options, &error);
    ck_assert_no_error(error);
    return result;
}

START_TEST(labels_of_a_tree_are_those_of_enumeration)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        Problem problem;
        double marginal[N][K];
        int best[N];
        draw(&problem, 0, seed);
        enumerate(&problem, marginal, best);
        g_autoptr(GasketResult) each = label(&problem, "each");
        g_autoptr(GasketResult) together = label(&problem, "together");
        const int32_t *states = gasket_result_column(together, 0);
        const double *found = gasket_result_column(each, 1);
        for (unsigned v = 0; v < N; v++) {
            ck_assert_int_eq(states[v], best[v]);
            for (unsigned x = 0; x < K; x++)
                ck_assert_double_eq_tol(found[v * K + x], marginal[v][x], 1e-9);
        }
    }
}
END_TEST

START_TEST(labels_with_cycles_come_close)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        Problem problem;
        double marginal[N][K];
        int best[N];
        draw(&problem, 3, seed);
        problem.smoothing *= 0.3;
        enumerate(&problem, marginal, best);
        g_autoptr(GasketResult) each = label(&problem, "each");
        const double *found = gasket_result_column(each, 1);
        for (unsigned v = 0; v < N; v++)
            for (unsigned x = 0; x < K; x++)
                ck_assert_double_eq_tol(found[v * K + x], marginal[v][x], 0.02);
    }
}
END_TEST

START_TEST(priors_and_edges_that_do_not_fit_are_errors_with_their_place)
{
    static const char *const cases[][3] = {
        {"", "", "p.txt:1: found the end of the file, expected an id and its priors"},
        {"1\n", "", "p.txt:1: found \"1\" (word 1), expected priors behind the id"},
        {"1 1 1\n2 1\n", "",
         "p.txt:2: found \"2\" (word 1), expected an id with 2 priors, as in the first line, "
         "instead of 1"},
        {"1 1 -1\n", "",
         "p.txt:1: found \"-1\" (word 3), expected a prior, a finite number of at least 0"},
        {"1 1 1\n1 1 1\n", "", "p.txt:2: found variable 1 twice, expected it once"},
        {"1 1 1\n2 1 1\n", "1 3\n",
         "e.txt:1: found \"3\" (word 2), expected an id of the file of priors"},
        {"1 1 1\n2 1 1\n", "1 2\n1\n",
         "e.txt:2: found the end of the file, expected a target on line 2"},
        {"1 1 1\n2 1 1\n", "1 2 x\n",
         "e.txt:1: found \"x\" (word 3), expected a weight, a finite number of at least 0"},
        {"1 1 1\n2 1 1\n", "1 2 1 1\n",
         "e.txt:1: found \"1\" (word 4), expected the end of the line"},
        {"1 1 1\n2 1 1\n", "1 2 501\n",
         "e.txt:1: found \"501\" (word 3), expected a weight that makes at most 500 with "
         "--smoothing 1"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *message = NULL;
        g_autoptr(GasketFactorGraph) model = load(cases[i][0], cases[i][1], 1, &message);
        ck_assert_msg(model == NULL, "%s was read", cases[i][0]);
        ck_assert_str_eq(message, cases[i][2]);
    }
    g_autofree char *message = NULL;
    g_autoptr(GasketFactorGraph) model = load("1 1\n", "1 1\n", 1, &message);
    ck_assert(model == NULL && g_str_has_prefix(message, "e.txt:1: "));
}
END_TEST

/* ---- types from seeds ------------------------------------------------------------------------ */

#define SIDE  12 /* phrases, and as many contexts */
#define TYPES 3

typedef struct {
    double weight[SIDE][SIDE]; /* phrase, context */
    double seed[2 * SIDE];
} Text;

static void
draw_text(Text *text, uint64_t seed)
{
    GasketRandom random = gasket_random_at(seed, 2, 0, 0);
    *text = (Text){0};
    for (unsigned p = 0; p < SIDE; p++) {
        text->weight[p][p] = 1; /* a chain holds all together */
        text->weight[p][(p + 1) % SIDE] = 1 + gasket_random_below(&random, 5);
        text->weight[p][gasket_random_below(&random, SIDE)] = 1 + gasket_random_below(&random, 9);
        text->seed[p] = p % 4 == 0 ? 1 + p / 4 : 0;
    }
}

static GasketGraph *
build_text(const void *data)
{
    const Text *text = data;
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_vertex_column(builder, 0, "seeds", GASKET_DOUBLE, 1);
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, true);
    gasket_graph_builder_add_edge_column(builder, 0, "weight", GASKET_DOUBLE, 1);
    for (int64_t v = 0; v < 2 * SIDE; v++) {
        const void *seeds[] = {&text->seed[v]};
        ck_assert(gasket_graph_builder_add_vertices(builder, 0, 1, &v, seeds, &error));
    }
    for (int64_t p = 0; p < SIDE; p++)
        for (int64_t c = 0; c < SIDE; c++) {
            const int64_t context = SIDE + c;
            const void *weight[] = {&text->weight[p][c]};
            if (text->weight[p][c] > 0)
                ck_assert(
                    gasket_graph_builder_add_edges(builder, 0, 1, &p, &context, weight, &error));
        }
    return gasket_graph_builder_finish_take(&builder, NULL, &error);
}

/* The harmonic function: p(v) sum of w = sum of w p(u), solved by elimination. */
static void
harmonic(const Text *text, double p[2 * SIDE][TYPES])
{
    enum { M = 2 * SIDE };
    static long double a[M][M + TYPES];
    memset(a, 0, sizeof a);
    for (unsigned v = 0; v < M; v++) {
        a[v][v] = 1;
        if (text->seed[v] > 0) {
            a[v][M + (unsigned)text->seed[v] - 1] = 1;
            continue;
        }
        long double total = 0;
        for (unsigned u = 0; u < M; u++) {
            bool across = (u < SIDE) != (v < SIDE);
            long double w =
                across ? text->weight[v < SIDE ? v : u][v < SIDE ? u - SIDE : v - SIDE] : 0;
            a[v][u] -= w;
            total += w;
        }
        for (unsigned u = 0; u < M; u++)
            a[v][u] = u == v ? 1 : a[v][u] / total;
    }
    for (unsigned k = 0; k < M; k++)
        for (unsigned i = 0; i < M; i++) {
            long double factor = i == k ? 0 : a[i][k] / a[k][k];
            for (unsigned j = k; factor != 0 && j < M + TYPES; j++)
                a[i][j] -= factor * a[k][j];
        }
    for (unsigned v = 0; v < M; v++)
        for (unsigned t = 0; t < TYPES; t++)
            p[v][t] = (double)(a[v][M + t] / a[v][v]);
}

START_TEST(types_are_the_chances_of_meeting_a_seed_first)
{
    static const char *parameters = "seeds";
    for (uint64_t seed = 0; seed < 8; seed++) {
        g_autoptr(GError) error = NULL;
        Text text;
        double expected[2 * SIDE][TYPES];
        draw_text(&text, seed);
        harmonic(&text, expected);
        GasketGraph *graph = build_text(&text);
        const GasketRunOptions options = {.tolerance = 1e-13,
                                          .engine = seed % 2 == 0 ? GASKET_ENGINE_SYNC
                                                                  : GASKET_ENGINE_CHROMATIC};
        g_autoptr(GasketResult) result =
            gasket_algorithm_run(&gasket_coem, &graph, &parameters, &options, &error);
        ck_assert_no_error(error);
        const double *found = gasket_result_column(result, 1);
        const int32_t *type = gasket_result_column(result, 0);
        for (unsigned v = 0; v < 2 * SIDE; v++) {
            unsigned best = 0;
            for (unsigned t = 0; t < TYPES; t++) {
                ck_assert_double_eq_tol(found[v * TYPES + t], expected[v][t], 1e-9);
                best = found[v * TYPES + t] > found[v * TYPES + best] ? t : best;
            }
            ck_assert_int_eq(type[v], (int)best + 1);
        }
        ck_assert_double_eq(gasket_result_metric(result, "unknown"), 0);
    }
}
END_TEST

START_TEST(seeds_without_a_type_are_refused)
{
    static const double wrong[] = {0, 0.5, -1, 5000};
    static const char *parameters = "seeds";
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        Text text;
        draw_text(&text, 1);
        for (unsigned v = 0; v < 2 * SIDE; v++)
            text.seed[v] = v == 3 ? wrong[i] : 0;
        GasketGraph *graph = build_text(&text);
        ck_assert_ptr_null(gasket_algorithm_run(&gasket_coem, &graph, &parameters, NULL, &error));
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
        gasket_graph_free(graph);
    }
}
END_TEST

START_TEST(the_bits_are_the_same_everywhere)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    Problem problem;
    draw(&problem, 3, 4);
    const Experiment labelling = {.algorithm = &gasket_labelling, .build = build, .data = &problem};
    g_autoptr(GasketResult) a = run_everywhere(&labelling, workers);
    Text text;
    draw_text(&text, 2);
    const Experiment coem = {.algorithm = &gasket_coem, .build = build_text, .data = &text};
    g_autoptr(GasketResult) b = run_everywhere(&coem, workers);
}
END_TEST

int
main(void)
{
    TCase *labelling = tcase_create("labelling");
    tcase_add_test(labelling, labels_of_a_tree_are_those_of_enumeration);
    tcase_add_test(labelling, labels_with_cycles_come_close);
    tcase_add_test(labelling, priors_and_edges_that_do_not_fit_are_errors_with_their_place);
    tcase_add_test(labelling, types_are_the_chances_of_meeting_a_seed_first);
    tcase_add_test(labelling, seeds_without_a_type_are_refused);
    tcase_add_test(labelling, the_bits_are_the_same_everywhere);
    return check_run("labelling", &labelling, 1);
}
