/* SPDX-License-Identifier: Apache-2.0 */
/* Learning from cases: against EM by enumeration, frequencies of complete cases, broken files. */
#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

#include "algorithms/algorithms.h"
#include "engine/graph.h"
#include "loaders/cases.h"
#include "loaders/model.h"
#include "tests/run_everywhere.h"

/* a (2)   b (3)
 *   \   /
 *    c (2)          what is missing hangs together as a tree, whatever it is
 *    |
 *    d (3)
 */
#define N       4
#define STATES  36
#define N_CASES 60

static const unsigned cards[N] = {2, 3, 2, 3};
static const unsigned table_begin[N + 1] = {0, 2, 5, 17, 23};

typedef struct {
    double parameter[23];
    int seen[N_CASES][N]; /* -1: missing */
} Network;

static void
states_of(unsigned joint, unsigned x[N])
{
    for (unsigned v = N; v-- > 0; joint /= cards[v])
        x[v] = joint % cards[v];
}

/* Entry of variable v's table at x. */
static unsigned
entry_of(unsigned v, const unsigned x[N])
{
    const unsigned at[N] = {x[0], x[1], (x[0] * 3 + x[1]) * 2 + x[2], x[2] * 3 + x[3]};
    return table_begin[v] + at[v];
}

static void
normalise(double *p)
{
    for (unsigned v = 0; v < N; v++)
        for (unsigned row = table_begin[v]; row < table_begin[v + 1]; row += cards[v]) {
            double total = 0;
            for (unsigned x = 0; x < cards[v]; x++)
                total += p[row + x];
            for (unsigned x = 0; x < cards[v]; x++)
                p[row + x] /= total;
        }
}

static void
draw(Network *network, double missing, uint64_t seed)
{
    GasketRandom random = gasket_random_at(seed, 1, 0, 0);
    double truth[23];
    for (unsigned i = 0; i < 23; i++) {
        network->parameter[i] = 0.1 + gasket_random_double(&random);
        truth[i] = 0.1 + gasket_random_double(&random);
    }
    normalise(network->parameter);
    normalise(truth);
    for (unsigned c = 0; c < N_CASES; c++) {
        double weight[STATES];
        unsigned x[N];
        for (unsigned s = 0; s < STATES; s++) {
            states_of(s, x);
            weight[s] = 1;
            for (unsigned v = 0; v < N; v++)
                weight[s] *= truth[entry_of(v, x)];
        }
        states_of(gasket_random_choice(&random, weight, STATES), x);
        for (unsigned v = 0; v < N; v++)
            network->seen[c][v] = gasket_random_double(&random) < missing ? -1 : (int)x[v];
    }
}

/* An iteration by enumeration: the log likelihood of before it. */
static double
iterate(const Network *network, double p[23], double pseudo)
{
    double count[23], likelihood = 0;
    for (unsigned i = 0; i < 23; i++)
        count[i] = pseudo;
    for (unsigned c = 0; c < N_CASES; c++) {
        double weight[STATES], total = 0;
        unsigned x[N];
        for (unsigned s = 0; s < STATES; s++) {
            states_of(s, x);
            weight[s] = 1;
            for (unsigned v = 0; v < N; v++)
                weight[s] *= network->seen[c][v] < 0 || network->seen[c][v] == (int)x[v]
                                 ? p[entry_of(v, x)]
                                 : 0;
            total += weight[s];
        }
        likelihood += log(total);
        for (unsigned s = 0; s < STATES; s++) {
            states_of(s, x);
            for (unsigned v = 0; v < N; v++)
                count[entry_of(v, x)] += weight[s] / total;
        }
    }
    memcpy(p, count, sizeof count);
    normalise(p);
    return likelihood;
}

static void
free_states(gpointer names)
{
    g_strfreev(names);
}

static GasketFactorGraph *
load(const char *name, const char *text, const char *cases, uint32_t *ret_n, GError **error)
{
    g_autoptr(GHashTable) states =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_states);
    const GasketModelOptions options = {.path = name, .state_names = states};
    g_autofree char *path = NULL;
    GasketFactorGraph *model = gasket_model_load_memory(text, strlen(text), &options, error);
    ck_assert_ptr_nonnull(model);
    int fd = g_file_open_tmp("gasket-cases-XXXXXX", &path, NULL);
    ck_assert(fd >= 0 && g_close(fd, NULL) && g_file_set_contents(path, cases, -1, NULL));
    GasketFactorGraph *copies = gasket_cases_load(&model, path, states, ret_n, error);
    if (error != NULL && *error != NULL && g_str_has_prefix((*error)->message, path)) {
        g_autofree char *message = g_strdup((*error)->message + strlen(path));
        g_clear_error(error);
        g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_FORMAT, message);
    }
    g_unlink(path);
    return copies;
}

static GasketGraph *
build(const void *data)
{
    static const char *const scopes[N] = {"1 0", "1 1", "3 0 1 2", "2 2 3"};
    const Network *network = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new("BAYES 4 2 3 2 3 4");
    g_autoptr(GString) cases = g_string_new("3,0,1,2\n");
    for (unsigned v = 0; v < N; v++)
        g_string_append_printf(text, " %s", scopes[v]);
    for (unsigned v = 0; v < N; v++) {
        g_string_append_printf(text, " %u", table_begin[v + 1] - table_begin[v]);
        for (unsigned i = table_begin[v]; i < table_begin[v + 1]; i++)
            g_string_append_printf(text, " %.17g", network->parameter[i]);
    }
    for (unsigned c = 0; c < N_CASES; c++)
        for (unsigned k = 0; k < N; k++) {
            int x = network->seen[c][(k + 3) % N];
            if (x >= 0)
                g_string_append_printf(cases, "%d", x);
            else
                g_string_append(cases, c % 2 == 0 ? "?" : "NA");
            g_string_append_c(cases, k + 1 < N ? ',' : '\n');
        }
    uint32_t n;
    g_autoptr(GasketFactorGraph) copies = load("a.uai", text->str, cases->str, &n, &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq(n, N);
    GasketGraph *graph = gasket_factor_graph_finish_take(&copies, NULL, &error);
    ck_assert(gasket_cases_mark(graph, n, &error));
    return graph;
}

static void *
make_parameters(const char *pseudo)
{
    void *parameters = g_malloc0(gasket_em.parameters_size);
    gasket_options_set_defaults(gasket_em.options, parameters);
    ck_assert(gasket_options_set(gasket_em.options, parameters, "pseudo-count", pseudo, NULL));
    return parameters;
}

static void
expect_tables(const Network *network, const char *pseudo, uint32_t iterations)
{
    g_autoptr(GError) error = NULL;
    g_autofree void *parameters = make_parameters(pseudo);
    double p[23], likelihood = 0, before = -INFINITY;
    memcpy(p, network->parameter, sizeof p);
    for (uint32_t i = 0; i < iterations; i++) {
        likelihood = iterate(network, p, atof(pseudo));
        ck_assert(atof(pseudo) > 0 || likelihood >= before - 1e-9);
        before = likelihood;
    }
    GasketGraph *graph = build(network);
    const GasketRunOptions options = {.workers = 2, .iterations = iterations, .tolerance = 1e-300};
    g_autoptr(GasketResult) result =
        gasket_algorithm_run(&gasket_em, &graph, parameters, &options, &error);
    ck_assert_no_error(error);
    const uint64_t *begin = gasket_result_begin(result, 0);
    const double *found = gasket_result_column(result, 0);
    ck_assert_uint_eq(begin[N], 23); /* the first copy has all of them */
    ck_assert_uint_eq(begin[N * N_CASES], 23);
    for (unsigned i = 0; i < 23; i++)
        ck_assert_msg(fabs(found[i] - p[i]) <= 1e-8, "entry %u: %.12g, not %.12g", i, found[i],
                      p[i]);
    ck_assert_double_eq_tol(gasket_result_metric(result, "log_likelihood"), likelihood, 1e-8);
    ck_assert_double_eq(gasket_result_metric(result, "cases"), N_CASES);
}

START_TEST(tables_are_those_of_enumeration)
{
    Network network;
    for (uint64_t seed = 0; seed < 4; seed++) {
        draw(&network, 0.1 + 0.2 * (double)seed, seed);
        expect_tables(&network, "0.5", 1);
        expect_tables(&network, "0", 7);
    }
}
END_TEST

START_TEST(tables_of_complete_cases_are_frequencies)
{
    Network network;
    unsigned count[23] = {0};
    draw(&network, 0, 5);
    for (unsigned c = 0; c < N_CASES; c++) {
        unsigned x[N];
        for (unsigned v = 0; v < N; v++)
            x[v] = (unsigned)network.seen[c][v];
        for (unsigned v = 0; v < N; v++)
            count[entry_of(v, x)]++;
    }
    g_autoptr(GError) error = NULL;
    GasketGraph *graph = build(&network);
    g_autofree void *parameters = make_parameters("0");
    const GasketRunOptions options = {.tolerance = 1e-12};
    g_autoptr(GasketResult) result =
        gasket_algorithm_run(&gasket_em, &graph, parameters, &options, &error);
    ck_assert_no_error(error);
    const double *found = gasket_result_column(result, 0);
    for (unsigned v = 0; v < N; v++)
        for (unsigned row = table_begin[v]; row < table_begin[v + 1]; row += cards[v]) {
            unsigned total = 0;
            for (unsigned x = 0; x < cards[v]; x++)
                total += count[row + x];
            for (unsigned x = 0; total > 0 && x < cards[v]; x++)
                ck_assert_double_eq_tol(found[row + x], count[row + x] / (double)total, 1e-12);
        }
}
END_TEST

START_TEST(cases_that_do_not_fit_are_errors_with_their_place)
{
    static const char *const cases[][2] = {
        {"", ":1: found nothing, expected a heading of variables"},
        {"0,2\n", ":1: found \"2\", expected a variable of the model"},
        {"0,0\n", ":1: found \"0\", expected each variable once"},
        {"0,1\n", ":1: found nothing, expected a line for each case"},
        {"0,1\n1,1\n0,2\n", ":3: found \"2\", expected a state from 0 to 1, or nothing"},
        {"0,1\n1,1\n0\n", ":3: found \"0\", expected 2 fields, as in the heading"},
        {"0,1\n1,x\n", ":2: found \"x\", expected a state from 0 to 1, or nothing"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        uint32_t n;
        g_autoptr(GasketFactorGraph) copies =
            load("a.uai", "BAYES 2 2 2 2 1 0 2 0 1 2 0.5 0.5 4 0.5 0.5 0.5 0.5", cases[i][0], &n,
                 &error);
        ck_assert_msg(copies == NULL, "%s was read", cases[i][0]);
        ck_assert_str_eq(error->message, cases[i][1]);
    }
}
END_TEST

START_TEST(states_of_cases_may_have_names)
{
    static const char bif[] = "variable a { type discrete [ 3 ] { low, 2, high }; }\n"
                              "probability ( a ) { table 0.2, 0.3, 0.5; }\n";
    g_autoptr(GError) error = NULL;
    uint32_t n;
    g_autoptr(GasketFactorGraph) copies = load("a.bif", bif, "a\nhigh\n2\n0\n?\n", &n, &error);
    ck_assert_no_error(error);
    g_autoptr(GasketGraph) graph = gasket_factor_graph_finish_take(&copies, NULL, &error);
    const int32_t *state = graph->kinds[0].columns[GASKET_VARIABLE_EVIDENCE].data;
    const int32_t expected[] = {2, 1, 0, -1}; /* a name goes before a number */
    ck_assert_mem_eq(state, expected, sizeof expected);
    g_autoptr(GasketFactorGraph) none = load("a.bif", bif, "a\nmiddle\n", &n, &error);
    ck_assert_ptr_null(none);
    ck_assert_str_eq(
        error->message,
        ":2: found \"middle\", expected a state from 0 to 2 or by its name, or nothing");
}
END_TEST

START_TEST(the_bits_are_the_same_everywhere)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    Network network;
    draw(&network, 0.4, 3);
    g_autofree void *parameters = make_parameters("0");
    const Experiment em = {.algorithm = &gasket_em,
                           .build = build,
                           .data = &network,
                           .parameters = parameters,
                           .iterations = 2};
    g_autoptr(GasketResult) result = run_everywhere(&em, workers);
}
END_TEST

int
main(void)
{
    TCase *em = tcase_create("em");
    tcase_add_test(em, tables_are_those_of_enumeration);
    tcase_add_test(em, tables_of_complete_cases_are_frequencies);
    tcase_add_test(em, cases_that_do_not_fit_are_errors_with_their_place);
    tcase_add_test(em, states_of_cases_may_have_names);
    tcase_add_test(em, the_bits_are_the_same_everywhere);
    return check_run("em", &em, 1);
}
