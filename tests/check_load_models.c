/* SPDX-License-Identifier: Apache-2.0 */
/* Graphical models in every format, whole, broken and cut short. */
#include <math.h>
#include <string.h>

#include <zstd.h>

#include "engine/factor_graph.h"
#include "engine/graph.h"
#include "loaders/evidence.h"
#include "loaders/model.h"
#include "tests/model_same.h"

static GasketGraph *
load(const char *name, const char *text, size_t size, GError **error)
{
    const GasketModelOptions options = {.path = name, .max_states = 100000};
    g_autoptr(GasketFactorGraph) model = gasket_model_load_memory(text, size, &options, error);
    return model != NULL ? gasket_factor_graph_finish_take(&model, NULL, error) : NULL;
}

static void
expect_error(const char *name, const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = load(name, text, strlen(text), &error);
    ck_assert_msg(graph == NULL, "%s was read, expected %s", text, message);
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
    ck_assert_msg(strcmp(error->message, message) == 0, "%s: %s, expected %s", text, error->message,
                  message);
}

static const char uai[] = "MARKOV\n3\n2 3 2\n3\n2 0 1\n1 2\n2 2 1\n\n"
                          "6\n 0.5 1e-05 2\n 3 4 5\n2\n .25 .75\n6 1 2 3 4 5 6\n";
static const char fg[] = "# comment\n3\n\n2\n1 0\n3 2\n6\n0 .5\n3 3\n1 1e-5\n4 4\n2 2\n5 5\n\n"
                         "1\n2\n2\n2\n0 .25\n1 .75\n\n"
                         "2\n1 2\n3 2\n6\n0 1\n1 2\n2 3\n3 4\n4 5\n5 6\n";

START_TEST(a_model_is_the_same_in_every_format)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) a = load("a.uai", uai, strlen(uai), &error);
    ck_assert_no_error(error);
    g_autoptr(GasketGraph) b = load("a.fg", fg, strlen(fg), &error);
    ck_assert_no_error(error);
    expect_same(a, b);
    const double *table = a->kinds[1].columns[GASKET_FACTOR_TABLE].data;
    ck_assert(table[0] == 0.5 && table[1] == 1e-5 && table[5] == 5);
    const double *prior = a->kinds[0].columns[GASKET_VARIABLE_PRIOR].data;
    ck_assert(prior[5] == 0.25 / 0.75 && prior[6] == 1);
}
END_TEST

static const char bif[] =
    "network unknown {\n}\nvariable smoke {\n  type discrete [ 2 ] { yes, no };\n}\n"
    "variable xray {\n  type discrete [ 3 ] { a, b-1, c };\n  property \"x; y\" ;\n}\n"
    "probability ( smoke ) {\n  table 0.25, 0.75;\n}\n"
    "probability ( xray | smoke ) { // by row\n  (no) 0.5, 0.125, 0.375;\n  default 1, 0, 0;\n}\n";

START_TEST(networks_keep_the_names_of_their_variables)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = load("a.bif", bif, strlen(bif), &error);
    ck_assert_no_error(error);
    ck_assert(gasket_graph_check(graph, &error));
    g_autofree char *first = gasket_graph_id_text(graph, 0, 0);
    g_autofree char *second = gasket_graph_id_text(graph, 0, 1);
    ck_assert_str_eq(first, "smoke");
    ck_assert_str_eq(second, "xray");
    const double table[] = {1, 0, 0, 0.5, 0.125, 0.375};
    ck_assert_mem_eq(graph->kinds[1].columns[GASKET_FACTOR_TABLE].data, table, sizeof table);
    const double *prior = graph->kinds[0].columns[GASKET_VARIABLE_PRIOR].data;
    ck_assert(prior[0] == 0.25 / 0.75 && prior[1] == 1 && prior[2] == 1);

    expect_error("a.bif", "variable x { type discrete [ 2 ] { a, b }; }\nprobability ( y ) { }",
                 "a.bif:2: found \"y\" (word 3), expected a variable that has been declared");
    expect_error("a.bif", "variable x { type discrete [ 2 ] { a, b }; }",
                 "a.bif:1: found the end of the file, expected a probability of variable x");
    expect_error("a.bif", "variable x { type continuous; }",
                 "a.bif:1: found \"continuous\" (word 5), expected \"discrete\"");
}
END_TEST

/* Bits 1 2 3, checks 1 + 2 and 2 + 3. */
static const char alist[] = "3 2\n2 2\n1 2 1\n2 2\n1 0\n1 2\n2 0\n1 2\n2 3\n";

START_TEST(parity_checks_allow_even_sums)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = load("a.alist", alist, strlen(alist), &error);
    ck_assert_no_error(error);
    const double table[] = {1, 0, 0, 1, 1, 0, 0, 1};
    const uint32_t neighbour[] = {0, 1, 1, 2};
    ck_assert_uint_eq(graph->kinds[0].n_vertices, 3);
    ck_assert_uint_eq(graph->kinds[1].n_vertices, 2);
    ck_assert_mem_eq(graph->kinds[1].columns[GASKET_FACTOR_TABLE].data, table, sizeof table);
    ck_assert_mem_eq(gasket_graph_rows(graph, 0, GASKET_IN)->neighbour, neighbour, 16);
    expect_error("a.alist", "3 2\n2 2\n1 2 1\n2 2\n1 0\n1 2\n2 0\n1 2\n1 3\n",
                 "a.alist:9: found \"1\" (word 1), expected a column that names this row, once");
}
END_TEST

START_TEST(pixels_are_drawn_to_their_grey_and_to_their_neighbours)
{
    static const char raw[] = "P5 # raw\n2 1 255\n\xff\x00";
    static const char plain[] = "P2\n2 1\n# white\n3\n3 0";
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) a = load("a.pgm", raw, sizeof raw - 1, &error);
    ck_assert_no_error(error);
    g_autoptr(GasketGraph) b = load("a.pgm", plain, strlen(plain), &error);
    ck_assert_no_error(error);
    expect_same(a, b);
    const double *prior = a->kinds[0].columns[GASKET_VARIABLE_PRIOR].data;
    ck_assert(prior[0] == exp(-8) && prior[1] == 1 && prior[2] == 1 && prior[3] == exp(-8));
    const double table[] = {exp(1), 1, 1, exp(1)};
    ck_assert_mem_eq(a->kinds[1].columns[GASKET_FACTOR_TABLE].data, table, sizeof table);
    const GasketModelOptions loose = {.path = "a.pgm", .levels = 2, .noise = 0.25, .smoothing = 0};
    g_autoptr(GasketFactorGraph) model =
        gasket_model_load_memory(raw, sizeof raw - 1, &loose, &error);
    ck_assert_no_error(error);
    g_autoptr(GasketGraph) c = gasket_factor_graph_finish_take(&model, NULL, &error);
    const double apart[] = {1, 1, 1, 1};
    ck_assert_mem_eq(c->kinds[1].columns[GASKET_FACTOR_TABLE].data, apart, sizeof apart);
    expect_error("a.pgm", "P5 2 2 255\nabc",
                 "a.pgm:2: found the end of the file, expected 4 bytes of pixels");
}
END_TEST

START_TEST(lines_and_comments_have_no_meaning)
{
    static const char bayes[] = "BAYES # a network\r\n3 2\t3 2 3 2 0 1 1\r\n2 2 2 1 6 0.5 1e-05 2 "
                                "3\n4\n5 2 0.25 0.75 # last\n6 1 2 3 4 5 6";
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) a = load("a.uai", uai, strlen(uai), &error);
    g_autoptr(GasketGraph) b = load("a.uai", bayes, strlen(bayes), &error);
    ck_assert_no_error(error);
    expect_same(a, b);
}
END_TEST

START_TEST(constants_and_zeros_are_read)
{
    static const char text[] = "MARKOV 1 2 2 0 1 0 1 0.125 2 0 1e-3";
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = load("a.uai", text, strlen(text), &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq(graph->kinds[1].n_vertices, 1);
    ck_assert_double_eq(*(const double *)graph->kinds[1].columns[0].data, 0.125);
    const double *scale = graph->kinds[0].columns[GASKET_VARIABLE_SCALE].data;
    ck_assert_double_eq(scale[0], log(1e-3));
}
END_TEST

START_TEST(what_does_not_fit_is_an_error_with_its_place)
{
    expect_error("a.uai", "GRAPH 1", "a.uai:1: found \"GRAPH\" (word 1), expected MARKOV or BAYES");
    expect_error("a.uai", "MARKOV\n2\n2 0",
                 "a.uai:3: found \"0\" (word 2), expected a cardinality from 1 to 99998");
    expect_error("a.uai", "MARKOV\n2\n2 2\n1\n2 0 2",
                 "a.uai:5: found \"2\" (word 3), expected a variable from 0 to 1");
    expect_error("a.uai", "MARKOV\n2\n2 2\n1\n2 1 1",
                 "a.uai:5: found \"1\" (word 3), expected a variable that is not in this scope "
                 "already");
    expect_error("a.uai", "MARKOV 1 2 1 1 0\n3 1 1 1",
                 "a.uai:2: found \"3\" (word 1), expected 2 entries, the product of the "
                 "cardinalities of factor 0");
    expect_error("a.uai", "MARKOV 1 2 1 1 0\n2 1 -1",
                 "a.uai:2: found \"-1\" (word 3), expected an entry of a table, a finite number of "
                 "at least 0");
    expect_error("a.uai", "MARKOV 1 2 1 1 0\n2 1 nan",
                 "a.uai:2: found \"nan\" (word 3), expected an entry of a table, a finite number "
                 "of at least 0");
    expect_error("a.uai", "MARKOV 1 2 1 1 0\n2 1 1e999",
                 "a.uai:2: found \"1e999\" (word 3), expected an entry of a table, a finite number "
                 "of at least 0");
    expect_error("a.uai", "MARKOV 1 2 1 1 0\n2 1 1\n1\n",
                 "a.uai:3: found \"1\" (word 1), expected the end of the file");
    expect_error("a.uai", "MARKOV 2 1000 1000 1 2 0 1",
                 "a.uai:1: found \"1\" (word 8), expected a scope whose table has at most 100000 "
                 "entries");
    expect_error("a.fg", "1\n1\n5\n2\n1\n2 1\n",
                 "a.fg:6: found \"2\" (word 1), expected the index of an entry from 0 to 1");
    expect_error("a.fg", "1\n1\n5\n2\n2\n1 1\n1 1\n",
                 "a.fg:7: found \"1\" (word 1), expected an entry that was not given already");
    expect_error("a.fg", "2\n1\n5\n2\n0\n1\n5\n3\n0\n",
                 "a.fg:8: found \"3\" (word 1), expected the cardinality that the variable had "
                 "before, from 2 to 2");
    expect_error("a.txt", "hello",
                 "a.txt:1: found no format of models that is known, expected one "
                 "of: uai, fg, bif, alist, image, priors, sqlite");
}
END_TEST

/* The first bytes of a model, fewer than whole, are an error with a place. */
static void
cut_before(const char *name, const char *text, size_t whole)
{
    for (size_t size = 0; size < whole; size++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *part = g_memdup2(text, size + 1); /* no byte to spare behind it */
        g_autoptr(GasketGraph) graph = load(name, part, size, &error);
        g_autofree char *begin = g_strdup_printf("%s:", name);
        ck_assert_msg(graph == NULL, "%s is read at %zu bytes", name, size);
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
        ck_assert_msg(g_str_has_prefix(error->message, begin) &&
                          g_ascii_isdigit(error->message[strlen(begin)]),
                      "%s", error->message);
    }
}

/* A model cut anywhere before its last character is an error with a place. */
static void
cut_everywhere(const char *name, const char *text)
{
    size_t whole = strlen(text);
    while (g_ascii_isspace(text[whole - 1]))
        whole--;
    cut_before(name, text, whole);
}

START_TEST(every_truncation_is_an_error_with_a_place)
{
    cut_everywhere("a.uai", uai);
    cut_everywhere("a.fg", fg);
    cut_everywhere("a.bif", bif);
    cut_everywhere("a.alist", alist);
    cut_everywhere("a.pgm", "P2\n2 2\n9\n0 9\n9 5\n");
    cut_everywhere("b.uai", "BAYES\n2\n2 2\n2\n1 0\n2 0 1\n\n2\n 0.2 0.8\n\n4\n 0.1 0.9\n 0.0 1\n");
}
END_TEST

START_TEST(every_truncation_of_a_compressed_model_is_one_too)
{
    char packed[1024];
    size_t size = ZSTD_compress(packed, sizeof(packed), uai, strlen(uai), 3);
    ck_assert(!ZSTD_isError(size));
    cut_before("a.uai", packed, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = load("a.uai", packed, size, &error);
    ck_assert_no_error(error);
}
END_TEST

/* ---- evidence -------------------------------------------------------------------------------- */

static char *
observed(const char *evidence)
{
    g_autoptr(GError) error = NULL;
    const GasketModelOptions options = {.path = "a.uai"};
    g_autoptr(GasketFactorGraph) model =
        gasket_model_load_memory(uai, strlen(uai), &options, &error);
    ck_assert_no_error(error);
    if (!gasket_evidence_load_memory(model, "a.evid", evidence, strlen(evidence), &error)) {
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
        return g_strdup(error->message);
    }
    g_autoptr(GasketGraph) graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    const int32_t *state = graph->kinds[0].columns[GASKET_VARIABLE_EVIDENCE].data;
    return g_strdup_printf("%d %d %d", state[0], state[1], state[2]);
}

START_TEST(evidence_is_read_in_its_three_dialects)
{
    const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "-1 -1 -1"},
        {"0", "-1 -1 -1"},
        {"0\n", "-1 -1 -1"},
        {"2 1 2 2 0\n", "-1 2 0"},
        {"1\n2 1 2 2 0\n", "-1 2 0"},
        {"1\n0\n", "-1 -1 -1"},
        {"2\n1 2\n2 0\n", "-1 2 0"},
        {"2\n1 2 2 0", "-1 2 0"},
        {"1\n1 2", "-1 2 -1"},
        {"1 1\n2", "-1 2 -1"},
        {"1\n1 0 3", "a.evid:2: found \"3\" (word 3), expected a state from 0 to 1"},
        {"1 3 0", "a.evid:1: found \"3\" (word 2), expected a variable of the model"},
        {"2 1 0 1 0",
         "a.evid:1: found \"1\" (word 4), expected a variable that is not observed already"},
        {"2\n1 0 1\n1 1 0", "a.evid:1: found \"2\" (word 1), expected 1 sample of evidence, as the "
                            "line of an odd number of words that follows is read"},
        {"2 1 0", "a.evid:1: found the end of the file, expected a variable from 0 to "
                  "9223372036854775807"},
        {"1 1 0 1", "a.evid:1: found \"1\" (word 4), expected the end of the file"},
        {"x", "a.evid:1: found \"x\" (word 1), expected a number of observations from 0 to "
              "18446744073709551614"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = observed(cases[i].text);
        ck_assert_msg(strcmp(found, cases[i].expected) == 0, "\"%s\": %s, expected %s",
                      cases[i].text, found, cases[i].expected);
    }
}
END_TEST

START_TEST(the_reference_models_are_read_whole)
{
    static const char *const files[] = {
        "MAR/CSP_11.uai",           "MAR/Pedigree_11.uai", "ldpc/PEG_Reg_1008x504.alist",
        "ldpc/WIMAX_288_576.alist", "MAP/wcsp_12.uai",     "fg/alarm.fg",
        "fg/jtreemapbug.fg",        "fg/zeroes1.fg"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *relative = g_build_filename("factor-graphs", files[i], NULL);
        g_autofree char *path = check_data(relative);
        if (path == NULL)
            continue;
        g_autoptr(GError) error = NULL;
        g_autofree char *evidence = g_strconcat(path, ".evid", NULL);
        bool has = g_file_test(evidence, G_FILE_TEST_EXISTS);
        const GasketModelOptions options = {.path = path, .evidence = has ? evidence : NULL};
        ck_assert(gasket_model_recognised(path, NULL));
        g_autoptr(GasketFactorGraph) model = gasket_model_load(&options, NULL, &error);
        ck_assert_no_error(error);
        g_autoptr(GasketGraph) graph = gasket_factor_graph_finish_take(&model, NULL, &error);
        ck_assert_no_error(error);
        ck_assert(gasket_graph_check(graph, &error));
        ck_assert_uint_gt(graph->kinds[0].n_vertices, 1);
    }
}
END_TEST

int
main(void)
{
    TCase *models = tcase_create("models");
    tcase_add_test(models, a_model_is_the_same_in_every_format);
    tcase_add_test(models, networks_keep_the_names_of_their_variables);
    tcase_add_test(models, parity_checks_allow_even_sums);
    tcase_add_test(models, pixels_are_drawn_to_their_grey_and_to_their_neighbours);
    tcase_add_test(models, lines_and_comments_have_no_meaning);
    tcase_add_test(models, constants_and_zeros_are_read);
    tcase_add_test(models, what_does_not_fit_is_an_error_with_its_place);
    tcase_add_test(models, every_truncation_is_an_error_with_a_place);
    tcase_add_test(models, every_truncation_of_a_compressed_model_is_one_too);
    tcase_add_test(models, evidence_is_read_in_its_three_dialects);
    tcase_add_test(models, the_reference_models_are_read_whole);
    return check_run("load_models", &models, 1);
}
