/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check_main.h"

#include <math.h>
#include <string.h>

#include "algorithms/registry.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/progress.h"
#include "cli/suggest.h"

/* ---- a small table --------------------------------------------------------------------------- */

typedef struct {
    bool flag, loud;
    int64_t count;
    const char *output;
    GPtrArray *set;
} Values;

static const GasketCliOption table[] = {
    {.option = {"flag", GASKET_OPTION_BOOL, offsetof(Values, flag), .help = "a flag"},
     .letter = 'f'},
    {.option = {"loud", GASKET_OPTION_BOOL, offsetof(Values, loud), .help = "another"},
     .letter = 'l'},
    {.option = {"count", GASKET_OPTION_INT, offsetof(Values, count), "7", "a count", .minimum = -9,
                .maximum = 9},
     .letter = 'c'},
    {.option = {"output", GASKET_OPTION_STRING, offsetof(Values, output), .help = "a file",
                .value_name = "FILE"},
     .letter = 'o'},
    {.option = {"set", GASKET_OPTION_STRING, offsetof(Values, set), .help = "many"},
     .repeated = true},
    {.letter = 0},
};

typedef struct {
    Values values;
    GPtrArray *arguments;
    bool ok, help;
    GError *error;
} Parsed;

static Parsed
parse(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    Parsed parsed = {.arguments = g_ptr_array_new_with_free_func(g_free)};
    const GasketCliGroup group = {"Options", table, &parsed.values};
    g_autoptr(GPtrArray) arguments = g_ptr_array_new();

    gasket_cli_set_defaults(&group, 1);
    int n = line[0] == '\0' ? 0 : (int)g_strv_length(words);
    parsed.ok = gasket_cli_parse(&group, 1, n, (const char *const *)words, arguments, &parsed.help,
                                 &parsed.error);
    for (unsigned i = 0; i < arguments->len; i++)
        g_ptr_array_add(parsed.arguments, g_strdup(arguments->pdata[i]));
    return parsed;
}

static void
parsed_clear(Parsed *parsed)
{
    g_ptr_array_free(parsed->arguments, TRUE);
    g_ptr_array_free(parsed->values.set, TRUE);
    g_clear_error(&parsed->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parsed, parsed_clear)

static void
assert_refused(const char *line, const char *message)
{
    g_auto(Parsed) parsed = parse(line);
    ck_assert(!parsed.ok);
    ck_assert_int_eq(parsed.error->code, GASKET_ERROR_ARGUMENT);
    ck_assert_str_eq(parsed.error->message, message);
}

START_TEST(options_and_arguments_stand_in_any_order)
{
    g_auto(Parsed) parsed = parse("a --count 3 - -o x.tsv b --flag --set p=1 --set q=2");
    ck_assert_no_error(parsed.error);
    ck_assert(parsed.ok && !parsed.help);
    ck_assert_uint_eq(parsed.arguments->len, 3);
    ck_assert_str_eq(parsed.arguments->pdata[1], "-");
    ck_assert_str_eq(parsed.arguments->pdata[2], "b");
    ck_assert_int_eq(parsed.values.count, 3);
    ck_assert_str_eq(parsed.values.output, "x.tsv");
    ck_assert(parsed.values.flag && !parsed.values.loud);
    ck_assert_uint_eq(parsed.values.set->len, 2);
    ck_assert_str_eq(parsed.values.set->pdata[1], "q=2");
}
END_TEST

START_TEST(values_may_stand_with_their_option)
{
    g_auto(Parsed) parsed = parse("--count=-3 -flox.tsv --set=a=b=c");
    ck_assert_no_error(parsed.error);
    ck_assert_int_eq(parsed.values.count, -3);
    ck_assert(parsed.values.flag && parsed.values.loud);
    ck_assert_str_eq(parsed.values.output, "x.tsv");
    ck_assert_str_eq(parsed.values.set->pdata[0], "a=b=c");

    g_auto(Parsed) negative = parse("-c -3 --count -4 --flag=false -o -");
    ck_assert_no_error(negative.error);
    ck_assert_int_eq(negative.values.count, -4);
    ck_assert(!negative.values.flag);
    ck_assert_str_eq(negative.values.output, "-");

    g_auto(Parsed) odd = parse("--output --odd --output=--count");
    ck_assert_no_error(odd.error);
    ck_assert_str_eq(odd.values.output, "--count");
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
    g_auto(Parsed) parsed = parse("-- --count -f");
    ck_assert_no_error(parsed.error);
    ck_assert_uint_eq(parsed.arguments->len, 2);
    ck_assert_int_eq(parsed.values.count, 7);
    g_auto(Parsed) empty = parse("");
    ck_assert(empty.ok);
}
END_TEST

START_TEST(help_wins_over_what_follows)
{
    g_auto(Parsed) parsed = parse("a --help --nonsense");
    ck_assert(parsed.ok && parsed.help);
    g_auto(Parsed) letter = parse("-h");
    ck_assert(letter.ok && letter.help);
}
END_TEST

START_TEST(mistakes_are_named)
{
    assert_refused("--cuont 3", "unknown option --cuont; did you mean --count?");
    assert_refused("--zzz", "unknown option --zzz");
    assert_refused("-x", "unknown option -x");
    assert_refused("--count", "--count: found no value, expected an integer in [-9, 9]");
    assert_refused("--count --flag", "--count: found no value, expected an integer in [-9, 9]");
    assert_refused("--count ten", "--count: found \"ten\", expected an integer in [-9, 9]");
    assert_refused("--flag=maybe", "--flag: found \"maybe\", expected true or false");
}
END_TEST

/* ---- the real tables ------------------------------------------------------------------------- */

START_TEST(no_option_of_an_algorithm_hides_a_common_one)
{
    GasketCliCommon common;
    GasketCliGroup groups[GASKET_CLI_N_TABLES];
    unsigned n = gasket_cli_common_groups(gasket_cli_algorithm_command.tables, &common, groups);

    for (const GasketAlgorithm *const *a = gasket_algorithms(); *a != NULL; a++)
        for (const GasketOption *o = (*a)->options; o != NULL && o->name != NULL; o++)
            for (unsigned g = 0; g < n; g++)
                for (const GasketCliOption *c = groups[g].options; c->option.name != NULL; c++)
                    ck_assert_msg(strcmp(o->name, c->option.name) != 0, "%s: --%s", (*a)->name,
                                  o->name);
}
END_TEST

START_TEST(help_of_every_command_tells_all_its_options)
{
    unsigned n_commands;
    const GasketCliCommand *const *commands = gasket_cli_commands(&n_commands);
    for (unsigned i = 0; i < n_commands; i++) {
        GasketCliCommon common;
        GasketCliGroup groups[GASKET_CLI_N_TABLES + 1];
        unsigned n = gasket_cli_common_groups(commands[i]->tables, &common, groups);
        groups[n++] = (GasketCliGroup){"", commands[i]->options, NULL};
        g_autoptr(GString) text = g_string_new(NULL);
        gasket_cli_append_help(commands[i], NULL, text);
        for (unsigned g = 0; g < n; g++) {
            const GasketCliOption *o = groups[g].options;
            for (; o != NULL && o->option.name != NULL; o++) {
                g_autofree char *name = g_strdup_printf("--%s", o->option.name);
                ck_assert_msg(strstr(text->str, name) != NULL, "%s %s", commands[i]->name, name);
            }
        }
    }
}
END_TEST

START_TEST(help_of_every_algorithm_fits_a_terminal)
{
    for (const GasketAlgorithm *const *a = gasket_algorithms(); *a != NULL; a++) {
        g_autoptr(GString) text = g_string_new(NULL);
        gasket_cli_append_help(&gasket_cli_algorithm_command, *a, text);
        ck_assert_ptr_nonnull(strstr(text->str, (*a)->name));
        g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
        for (char **line = lines; *line != NULL; line++)
            ck_assert_msg(g_utf8_strlen(*line, -1) <= 100, "%s: %s", (*a)->name, *line);
    }
}
END_TEST

START_TEST(options_that_exclude_one_another_are_refused)
{
    static const struct {
        GasketCliCommon common;
        const char *message;
    } cases[] = {
        {{.weighted = true, .unweighted = true}, "--weighted and --unweighted exclude one another"},
        {{.table = "t", .query = "q"}, "--table and --query exclude one another"},
        {{.json = true, .output = "-"}, "--json and --output - both want stdout"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert(!gasket_cli_common_check(&cases[i].common, &error));
        ck_assert_str_eq(error->message, cases[i].message);
    }
}
END_TEST

START_TEST(text_is_wrapped_at_blanks)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *word = g_strnfill(60, 'x');
    g_autofree char *sentence = g_strdup_printf("a %s b %s", word, word);
    g_autofree char *expected = g_strdup_printf("    a %s b\n    %s\n", word, word);
    gasket_cli_append_wrapped(sentence, 0, 4, text);
    ck_assert_str_eq(text->str, expected);
}
END_TEST

/* ---- suggestions and progress ---------------------------------------------------------------- */

static const char *
nearest(const char *typed)
{
    static const char *const names[] = {"pagerank", "components", "sssp", "bfs", "info"};
    GasketSuggestion suggestion = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        gasket_suggestion_offer(&suggestion, typed, names[i]);
    return suggestion.nearest;
}

START_TEST(near_names_are_suggested_and_far_ones_are_not)
{
    ck_assert_str_eq(nearest("pagernak"), "pagerank");
    ck_assert_str_eq(nearest("page-rank"), "pagerank");
    ck_assert_str_eq(nearest("comp"), "components");
    ck_assert_str_eq(nearest("dfs"), "bfs");
    ck_assert_str_eq(nearest("inof"), "info");
    ck_assert_ptr_null(nearest("recommend"));
    ck_assert_ptr_null(nearest(""));
    ck_assert_ptr_null(nearest("x"));
}
END_TEST

START_TEST(time_left_is_what_bound_or_residual_says_first)
{
    GasketCliProgress progress;
    gasket_cli_progress_init(&progress, true);
    progress.tolerance = 1e-6;
    GasketProgress step = {
        .phase = "run", .iteration = 10, .iterations = 200, .residual = NAN, .seconds = 5};
    ck_assert_double_eq_tol(gasket_cli_progress_left(&progress, &step), 95, 1e-9);

    for (unsigned i = 1; i <= 10; i++) {
        step.residual = pow(0.5, i);
        gasket_cli_progress_run(&progress, &step);
    }
    /* 2^-10 to 1e-6: ten more halvings. */
    ck_assert_double_eq_tol(gasket_cli_progress_left(&progress, &step), 5, 1e-9);
    step.iterations = 0;
    ck_assert_double_eq_tol(gasket_cli_progress_left(&progress, &step), 5, 1e-9);
    step.residual = 1e-6; /* there already */
    ck_assert(isnan(gasket_cli_progress_left(&progress, &step)));
    progress.tolerance = 0;
    ck_assert(isnan(gasket_cli_progress_left(&progress, &step)));
    step.iteration = 0;
    ck_assert(isnan(gasket_cli_progress_left(&progress, &step)));
}
END_TEST

int
main(void)
{
    TCase *parsing = tcase_create("parsing");
    tcase_add_test(parsing, options_and_arguments_stand_in_any_order);
    tcase_add_test(parsing, values_may_stand_with_their_option);
    tcase_add_test(parsing, two_dashes_end_the_options);
    tcase_add_test(parsing, help_wins_over_what_follows);
    tcase_add_test(parsing, mistakes_are_named);

    TCase *tables = tcase_create("tables");
    tcase_add_test(tables, no_option_of_an_algorithm_hides_a_common_one);
    tcase_add_test(tables, help_of_every_command_tells_all_its_options);
    tcase_add_test(tables, help_of_every_algorithm_fits_a_terminal);
    tcase_add_test(tables, options_that_exclude_one_another_are_refused);
    tcase_add_test(tables, text_is_wrapped_at_blanks);

    TCase *others = tcase_create("suggestions and progress");
    tcase_add_test(others, near_names_are_suggested_and_far_ones_are_not);
    tcase_add_test(others, time_left_is_what_bound_or_residual_says_first);

    TCase *cases[] = {parsing, tables, others};
    return check_run("cli", cases, G_N_ELEMENTS(cases));
}
