/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check_main.h"

#include <math.h>

#include <gasket/algorithm.h>

typedef struct {
    bool flag;
    int64_t count;
    int64_t free_count;
    double damping;
    double scale;
    const char *source;
    int choice;
    const char *column;
} Parameters;

static const char *const colours[] = {"red", "green", "blue", NULL};

static const GasketOption options[] = {
    {"flag", GASKET_OPTION_BOOL, offsetof(Parameters, flag), NULL, .help = "a flag"},
    {"count", GASKET_OPTION_INT, offsetof(Parameters, count), "7", "a count", .minimum = 1,
     .maximum = 64},
    {"free-count", GASKET_OPTION_INT, offsetof(Parameters, free_count), NULL,
     .help = "any integer"},
    {"damping", GASKET_OPTION_DOUBLE, offsetof(Parameters, damping), "0.85", "a number",
     .minimum = 0, .maximum = 1},
    {"scale", GASKET_OPTION_DOUBLE, offsetof(Parameters, scale), "1e-3", "a number", .minimum = 0,
     .maximum = INFINITY},
    {"source", GASKET_OPTION_STRING, offsetof(Parameters, source), NULL, .help = "an id"},
    {"colour", GASKET_OPTION_CHOICE, offsetof(Parameters, choice), "green", "a colour",
     .choices = colours},
    {"column", GASKET_OPTION_COLUMN, offsetof(Parameters, column), NULL, .help = "a file"},
    {NULL},
};

static void
assert_refused(const char *name, const char *value, const char *message)
{
    Parameters p, before;
    memset(&p, 0, sizeof p);
    gasket_options_set_defaults(options, &p);
    before = p;

    g_autoptr(GError) error = NULL;
    ck_assert(!gasket_options_set(options, &p, name, value, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    ck_assert_str_eq(error->message, message);
    ck_assert_mem_eq(&p, &before, sizeof p);
}

static void
assert_accepted(Parameters *p, const char *name, const char *value)
{
    g_autoptr(GError) error = NULL;
    bool set = gasket_options_set(options, p, name, value, &error);
    ck_assert_no_error(error);
    ck_assert(set);
}

START_TEST(defaults_are_what_the_table_types)
{
    Parameters p;
    memset(&p, 0xff, sizeof p);
    gasket_options_set_defaults(options, &p);
    ck_assert(!p.flag);
    ck_assert_int_eq(p.count, 7);
    ck_assert_int_eq(p.free_count, 0);
    ck_assert_double_eq(p.damping, 0.85);
    ck_assert_double_eq(p.scale, 1e-3);
    ck_assert_ptr_null(p.source);
    ck_assert_int_eq(p.choice, 1);
    ck_assert_ptr_null(p.column);
    gasket_options_set_defaults(NULL, NULL);
}
END_TEST

START_TEST(values_reach_their_fields)
{
    Parameters p = {0};
    gasket_options_set_defaults(options, &p);
    assert_accepted(&p, "flag", NULL);
    ck_assert(p.flag);
    assert_accepted(&p, "flag", "false");
    ck_assert(!p.flag);
    assert_accepted(&p, "count", "64");
    ck_assert_int_eq(p.count, 64);
    assert_accepted(&p, "free-count", "-9223372036854775808");
    ck_assert_int_eq(p.free_count, INT64_MIN);
    assert_accepted(&p, "damping", "1");
    ck_assert_double_eq(p.damping, 1);
    assert_accepted(&p, "scale", "+2.5E2");
    ck_assert_double_eq(p.scale, 250);
    assert_accepted(&p, "colour", "blue");
    ck_assert_int_eq(p.choice, 2);

    char text[] = "a b";
    assert_accepted(&p, "source", text);
    text[0] = 'x'; /* the field holds a copy */
    ck_assert_str_eq(p.source, "a b");
    assert_accepted(&p, "source", "");
    ck_assert_str_eq(p.source, "");
    assert_accepted(&p, "column", "t.tsv");
    ck_assert_str_eq(p.column, "t.tsv");
}
END_TEST

START_TEST(refusals_name_the_option_what_was_found_and_what_is_allowed)
{
    assert_refused("damping", "abc", "--damping: found \"abc\", expected a number in [0, 1]");
    assert_refused("damping", "1.5", "--damping: found \"1.5\", expected a number in [0, 1]");
    assert_refused("damping", "-0.1", "--damping: found \"-0.1\", expected a number in [0, 1]");
    assert_refused("damping", "nan", "--damping: found \"nan\", expected a number in [0, 1]");
    assert_refused("damping", "", "--damping: found \"\", expected a number in [0, 1]");
    assert_refused("damping", "0.5x", "--damping: found \"0.5x\", expected a number in [0, 1]");
    assert_refused("damping", "0x1", "--damping: found \"0x1\", expected a number in [0, 1]");
    assert_refused("damping", "0,5", "--damping: found \"0,5\", expected a number in [0, 1]");
    assert_refused("damping", NULL, "--damping: found no value, expected a number in [0, 1]");
    assert_refused("scale", "1e999", "--scale: found \"1e999\", expected a number of at least 0");
    assert_refused("count", "0", "--count: found \"0\", expected an integer in [1, 64]");
    assert_refused("count", "65", "--count: found \"65\", expected an integer in [1, 64]");
    assert_refused("count", "3.5", "--count: found \"3.5\", expected an integer in [1, 64]");
    assert_refused("count", " 3", "--count: found \" 3\", expected an integer in [1, 64]");
    assert_refused("free-count", "9223372036854775808",
                   "--free-count: found \"9223372036854775808\", expected an integer");
    assert_refused("colour", "pink", "--colour: found \"pink\", expected one of red, green, blue");
    assert_refused("flag", "maybe", "--flag: found \"maybe\", expected true or false");
    assert_refused("column", "", "--column: found \"\", expected the name of a file");
    assert_refused("dampng", "1", "unknown option --dampng");
}
END_TEST

START_TEST(hostile_values_are_cut_and_printable_in_messages)
{
    assert_refused("count", "\x1b[31m\n",
                   "--count: found \"\\033[31m\\n\", expected an integer in [1, 64]");
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_refused("count", longer,
                   "--count: found \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"..., expected an "
                   "integer in [1, 64]");
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("options");
    tcase_add_test(all, defaults_are_what_the_table_types);
    tcase_add_test(all, values_reach_their_fields);
    tcase_add_test(all, refusals_name_the_option_what_was_found_and_what_is_allowed);
    tcase_add_test(all, hostile_values_are_cut_and_printable_in_messages);
    TCase *cases[] = {all};
    return check_run("options", cases, G_N_ELEMENTS(cases));
}
