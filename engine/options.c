/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options: text into the fields of a parameter struct, as a table of GasketOption describes it.
 *
 *   table            {"damping", GASKET_OPTION_DOUBLE, offsetof(P, damping), "0.85", ...}
 *   text             "0.9"
 *   parameters       *(double *)((char *)p + offset) = 0.9
 *
 * A value is taken whole or refused: no trailing text, no numbers beyond the table's bounds, no
 * NaN or infinity. Numbers are read in the C locale. What a refusal quotes is cut short and made
 * printable, since it may come from anywhere.
 *
 * Cost: O(options) a call; no allocation but interned strings.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <gasket/algorithm.h>

#define QUOTE_MAX 40 /* characters of a refused value that its message shows */

static void *
field_of(const GasketOption *option, void *parameters)
{
    return (char *)parameters + option->offset;
}

static void
append_number(GString *text, double number)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(text, g_ascii_formatd(digits, sizeof digits, "%.15g", number));
}

/* "a number in [0, 1]", "an integer of at least 1", "one of auto, given, degree". */
static char *
describe_expected(const GasketOption *option)
{
    GString *text = g_string_new(NULL);

    switch (option->type) {
    case GASKET_OPTION_BOOL:
        g_string_append(text, "true or false");
        break;
    case GASKET_OPTION_INT:
    case GASKET_OPTION_DOUBLE:
        g_string_append(text, option->type == GASKET_OPTION_INT ? "an integer" : "a number");
        if (option->minimum == 0 && option->maximum == 0)
            break;
        if (isfinite(option->minimum) && isfinite(option->maximum)) {
            g_string_append(text, " in [");
            append_number(text, option->minimum);
            g_string_append(text, ", ");
            append_number(text, option->maximum);
            g_string_append_c(text, ']');
        } else if (isfinite(option->minimum)) {
            g_string_append(text, " of at least ");
            append_number(text, option->minimum);
        } else if (isfinite(option->maximum)) {
            g_string_append(text, " of at most ");
            append_number(text, option->maximum);
        }
        break;
    case GASKET_OPTION_CHOICE:
        g_string_append(text, "one of ");
        for (unsigned i = 0; option->choices[i] != NULL; i++)
            g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", option->choices[i]);
        break;
    case GASKET_OPTION_STRING:
        g_string_append(text, "text");
        break;
    case GASKET_OPTION_COLUMN:
    case GASKET_OPTION_FEATURES:
        g_string_append(text, "the name of a file");
        break;
    }
    return g_string_free(text, FALSE);
}

static bool
refuse(const GasketOption *option, const char *value, GError **error)
{
    g_autofree char *expected = describe_expected(option);
    if (value == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "--%s: found no value, expected %s",
                    option->name, expected);
        return false;
    }
    g_autofree char *cut = g_strndup(value, QUOTE_MAX);
    g_autofree char *printable = g_strescape(cut, NULL);
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "--%s: found \"%s\"%s, expected %s",
                option->name, printable, strlen(value) > QUOTE_MAX ? "..." : "", expected);
    return false;
}

static bool
within_bounds(const GasketOption *option, double number)
{
    if (option->minimum == 0 && option->maximum == 0)
        return true;
    return number >= option->minimum && number <= option->maximum;
}

static bool
parse_bool(const char *value, bool *ret_flag)
{
    if (value == NULL || strcmp(value, "true") == 0)
        *ret_flag = true;
    else if (strcmp(value, "false") == 0)
        *ret_flag = false;
    else
        return false;
    return true;
}

static bool
parse_integer(const char *value, int64_t *ret_number)
{
    const char *digits = value[0] == '-' ? value + 1 : value;
    if (!g_ascii_isdigit(digits[0]))
        return false;
    char *end = NULL;
    errno = 0;
    int64_t number = g_ascii_strtoll(value, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *ret_number = number;
    return true;
}

static bool
parse_number(const char *value, double *ret_number)
{
    /* Only what a decimal number is made of: strtod also reads hexadecimal, nan and inf. */
    if (value[0] == '\0' || strspn(value, "+-.0123456789eE") != strlen(value))
        return false;
    char *end = NULL;
    double number = g_ascii_strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(number))
        return false;
    *ret_number = number;
    return true;
}

static bool
set_value(const GasketOption *option, void *parameters, const char *value, GError **error)
{
    void *field = field_of(option, parameters);

    if (value == NULL && option->type != GASKET_OPTION_BOOL)
        return refuse(option, value, error);
    switch (option->type) {
    case GASKET_OPTION_BOOL:
        return parse_bool(value, field) || refuse(option, value, error);
    case GASKET_OPTION_INT: {
        int64_t number;
        if (!parse_integer(value, &number) || !within_bounds(option, (double)number))
            return refuse(option, value, error);
        *(int64_t *)field = number;
        return true;
    }
    case GASKET_OPTION_DOUBLE: {
        double number;
        if (!parse_number(value, &number) || !within_bounds(option, number))
            return refuse(option, value, error);
        *(double *)field = number;
        return true;
    }
    case GASKET_OPTION_CHOICE:
        for (int i = 0; option->choices[i] != NULL; i++) {
            if (strcmp(value, option->choices[i]) == 0) {
                *(int *)field = i;
                return true;
            }
        }
        return refuse(option, value, error);
    case GASKET_OPTION_STRING:
    case GASKET_OPTION_COLUMN:
    case GASKET_OPTION_FEATURES:
        if (option->type != GASKET_OPTION_STRING && value[0] == '\0')
            return refuse(option, value, error);
        *(const char **)field = g_intern_string(value);
        return true;
    }
    g_assert_not_reached();
}

static void
clear_value(const GasketOption *option, void *parameters)
{
    void *field = field_of(option, parameters);

    switch (option->type) {
    case GASKET_OPTION_BOOL:
        *(bool *)field = false;
        break;
    case GASKET_OPTION_INT:
        *(int64_t *)field = 0;
        break;
    case GASKET_OPTION_DOUBLE:
        *(double *)field = 0;
        break;
    case GASKET_OPTION_CHOICE:
        *(int *)field = 0;
        break;
    case GASKET_OPTION_STRING:
    case GASKET_OPTION_COLUMN:
    case GASKET_OPTION_FEATURES:
        *(const char **)field = NULL;
        break;
    }
}

void
gasket_options_set_defaults(const GasketOption *options, void *parameters)
{
    for (const GasketOption *option = options; option && option->name; option++) {
        clear_value(option, parameters);
        if (option->default_value == NULL)
            continue;
        /* A default that its own table refuses is a bug of whoever wrote the table. */
        g_autoptr(GError) error = NULL;
        bool set = set_value(option, parameters, option->default_value, &error);
        g_assert_no_error(error);
        g_assert(set);
    }
}

bool
gasket_options_set(const GasketOption *options, void *parameters, const char *name,
                   const char *value, GError **error)
{
    for (const GasketOption *option = options; option && option->name; option++)
        if (strcmp(option->name, name) == 0)
            return set_value(option, parameters, value, error);

    g_autofree char *cut = g_strndup(name, QUOTE_MAX);
    g_autofree char *printable = g_strescape(cut, NULL);
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "unknown option --%s", printable);
    return false;
}
