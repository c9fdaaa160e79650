/* SPDX-License-Identifier: Apache-2.0 */
/* Help from the tables; see help.h. */
#include "cli/help.h"

#include <math.h>
#include <string.h>

#include "algorithms/registry.h"

#define WIDTH       80
#define HELP_COLUMN 28 /* where the explanation of an option starts */
#define NAME_COLUMN 14 /* where the summary of a command starts */

void
gasket_cli_append_wrapped(const char *text, unsigned column, unsigned indent, GString *out)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    if (column < indent) {
        g_string_append_printf(out, "%*s", (int)(indent - column), "");
        column = indent;
    }
    bool first = true;
    for (char **word = words; *word != NULL; word++) {
        unsigned length = (unsigned)g_utf8_strlen(*word, -1);
        if (!first && column + 1 + length > WIDTH) {
            g_string_append_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            g_string_append_c(out, ' ');
            column++;
        }
        g_string_append(out, *word);
        column += length;
        first = false;
    }
    g_string_append_c(out, '\n');
}

char *
gasket_cli_range(const GasketOption *option)
{
    if (option->minimum == 0 && option->maximum == 0)
        return NULL;
    char low[G_ASCII_DTOSTR_BUF_SIZE], high[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(low, sizeof low, "%.10g", option->minimum);
    g_ascii_formatd(high, sizeof high, "%.10g", option->maximum);
    /* Bounds that only say how wide the field is, and none below zero, are of no interest. */
    bool bounded = isfinite(option->maximum) && option->maximum < (double)UINT32_MAX;
    if (isfinite(option->minimum) && bounded)
        return g_strdup_printf("%s to %s", low, high);
    if (option->minimum == 0)
        return NULL;
    return isfinite(option->minimum) ? g_strdup_printf("at least %s", low)
                                     : g_strdup_printf("at most %s", high);
}

/* ---- options --------------------------------------------------------------------------------- */

static void
append_option(const GasketCliOption *option, GString *out)
{
    g_autofree char *value_name = gasket_cli_value_name(option);
    g_autofree char *range = gasket_cli_range(&option->option);
    size_t start = out->len;

    if (option->letter != 0)
        g_string_append_printf(out, "  -%c, --%s", option->letter, option->option.name);
    else
        g_string_append_printf(out, "      --%s", option->option.name);
    if (value_name != NULL)
        g_string_append_printf(out, " %s", value_name);

    unsigned column = (unsigned)(out->len - start);
    if (column + 2 > HELP_COLUMN) {
        g_string_append_c(out, '\n');
        column = 0;
    }
    g_autoptr(GString) help = g_string_new(option->option.help);
    g_autofree char *value = g_strdup(option->option.default_value);
    if (option->option.required)
        g_string_append(help, " (required)");
    else if (value != NULL && range != NULL)
        g_string_append_printf(help, " (%s; default %s)", range, value);
    else if (value != NULL)
        g_string_append_printf(help, " (default %s)", value);
    else if (range != NULL)
        g_string_append_printf(help, " (%s)", range);
    gasket_cli_append_wrapped(help->str, column, HELP_COLUMN, out);
}

static void
append_group(const char *title, const GasketCliOption *options, bool advanced, GString *out)
{
    bool titled = false;
    for (const GasketCliOption *o = options; o != NULL && o->option.name != NULL; o++) {
        if (o->advanced != advanced)
            continue;
        if (!titled && title != NULL)
            g_string_append_printf(out, "\n%s\n", title);
        titled = true;
        append_option(o, out);
    }
}

static bool
has_advanced(const GasketCliOption *options)
{
    for (const GasketCliOption *o = options; o != NULL && o->option.name != NULL; o++)
        if (o->advanced)
            return true;
    return false;
}

static void
append_all_options(const GasketCliCommand *command, const GasketAlgorithm *algorithm, GString *out)
{
    GasketCliCommon common;
    GasketCliGroup groups[GASKET_CLI_N_TABLES];
    unsigned tables = gasket_cli_tables_for(command->tables, algorithm);
    unsigned n_groups = gasket_cli_common_groups(tables, &common, groups);

    append_group("Options", command->options, false, out);
    if (algorithm != NULL) {
        g_autofree GasketCliOption *wrapped = gasket_cli_wrap_options(algorithm->options);
        g_autofree char *title = g_strdup_printf("Options of %s", algorithm->name);
        append_group(title, wrapped, false, out);
    }
    bool advanced = false;
    for (unsigned g = 0; g < n_groups; g++) {
        append_group(groups[g].title, groups[g].options, false, out);
        advanced |= has_advanced(groups[g].options);
    }
    if (advanced)
        g_string_append(out, "\nSeldom needed\n");
    for (unsigned g = 0; g < n_groups; g++)
        append_group(NULL, groups[g].options, true, out);
}

/* ---- commands -------------------------------------------------------------------------------- */

/* Paragraphs are wrapped; lines that start with a blank (examples) stand as they are. */
static void
append_description(const char *description, GString *out)
{
    g_auto(GStrv) lines = g_strsplit(description, "\n", -1);
    g_autoptr(GString) paragraph = g_string_new(NULL);

    for (char **line = lines;; line++) {
        bool plain = *line != NULL && **line != '\0' && **line != ' ';
        if (plain) {
            g_string_append_printf(paragraph, "%s%s", paragraph->len > 0 ? " " : "", *line);
            continue;
        }
        if (paragraph->len > 0)
            gasket_cli_append_wrapped(paragraph->str, 0, 0, out);
        g_string_truncate(paragraph, 0);
        if (*line == NULL)
            break;
        /* No empty line at the end. */
        if (**line != '\0' || line[1] != NULL)
            g_string_append_printf(out, "%s\n", *line);
    }
}

static const char *
title_of(GasketType type)
{
    switch (type) {
    case GASKET_UINT8:
    case GASKET_INT32:
    case GASKET_UINT32:
    case GASKET_INT64:
        return "integer";
    case GASKET_FLOAT:
    case GASKET_DOUBLE:
        return "number";
    case GASKET_VERTEX:
        return "vertex id";
    }
    g_assert_not_reached();
}

static void
append_results(const GasketAlgorithm *algorithm, GString *out)
{
    if (algorithm->n_results == 0)
        return;
    g_autoptr(GString) line = g_string_new("The result has a line for each vertex: its id");
    for (unsigned c = 0; c < algorithm->n_results; c++) {
        const GasketResultColumn *column = &algorithm->results[c];
        if (c > 0 && column->kind != algorithm->results[c - 1].kind)
            g_string_append(line, "; of each of another kind: its id");
        g_string_append_printf(line, ", %s (%s)", column->name, title_of(column->type));
    }
    g_string_append_c(line, '.');
    g_string_append_c(out, '\n');
    gasket_cli_append_wrapped(line->str, 0, 0, out);
    if (algorithm->default_iterations > 0)
        g_string_append_printf(out, "Without --iterations it stops after %u",
                               algorithm->default_iterations);
    else
        g_string_append(out, "Without --iterations it goes on until it is done");
    if (algorithm->default_tolerance > 0)
        g_string_append_printf(out, "; without --tolerance it has converged at %g",
                               algorithm->default_tolerance);
    g_string_append(out, ".\n");
}

void
gasket_cli_append_help(const GasketCliCommand *command, const GasketAlgorithm *algorithm,
                       GString *out)
{
    const char *name = algorithm != NULL && command == &gasket_cli_algorithm_command
                           ? algorithm->name
                           : command->name;
    const char *summary = algorithm != NULL ? algorithm->summary : command->summary;
    const char *description = algorithm != NULL ? algorithm->description : command->description;

    g_string_append_printf(out, "Usage: gasket %s %s [options]\n\n", name, command->arguments);
    gasket_cli_append_wrapped(summary, 0, 0, out);
    if (description != NULL) {
        g_string_append_c(out, '\n');
        append_description(description, out);
    }
    if (algorithm != NULL)
        append_results(algorithm, out);
    append_all_options(command, algorithm, out);
}

void
gasket_cli_append_commands(GString *out)
{
    g_string_append(out, "Algorithms\n");
    for (const GasketAlgorithm *const *a = gasket_algorithms(); *a != NULL; a++) {
        g_string_append_printf(out, "  %-*s", NAME_COLUMN - 2, (*a)->name);
        gasket_cli_append_wrapped((*a)->summary, NAME_COLUMN, NAME_COLUMN, out);
    }
    g_string_append(out, "\nOther commands\n");
    unsigned n;
    const GasketCliCommand *const *commands = gasket_cli_commands(&n);
    for (unsigned i = 0; i < n; i++) {
        if (commands[i]->hidden)
            continue;
        g_string_append_printf(out, "  %-*s", NAME_COLUMN - 2, commands[i]->name);
        gasket_cli_append_wrapped(commands[i]->summary, NAME_COLUMN, NAME_COLUMN, out);
    }
}

void
gasket_cli_append_overview(GString *out)
{
    g_string_append(out, "Usage: gasket COMMAND FILE... [options]\n"
                         "\n"
                         "Machine learning and graph algorithms as vertex programs, on one thread, "
                         "on all\nprocessors, or on many workers, with the same result.\n"
                         "\n");
    gasket_cli_append_commands(out);
    g_string_append(out, "\n"
                         "Examples\n"
                         "  gasket pagerank web.txt.gz\n"
                         "  gasket pagerank web.txt.gz --workers 4 -o ranks.tsv\n"
                         "  gasket sssp roads.gr --source 17 -o paths.db\n"
                         "  gasket info graph.mtx\n"
                         "\n"
                         "`gasket help COMMAND` tells the options of a command; `gasket --version` "
                         "the version.\n");
}

/* ---- Markdown -------------------------------------------------------------------------------- */

/* A `|` would end the cell. */
static void
append_cell(const char *text, GString *out)
{
    for (const char *p = text; *p != '\0'; p++)
        g_string_append_printf(out, *p == '|' ? "\\%c" : "%c", *p);
}

static void
append_markdown_options(const GasketCliOption *options, GString *out)
{
    g_string_append(out, "| option | default | meaning |\n| --- | --- | --- |\n");
    for (const GasketCliOption *o = options; o->option.name != NULL; o++) {
        g_autofree char *value_name = gasket_cli_value_name(o);
        g_autofree char *range = gasket_cli_range(&o->option);
        g_string_append(out, "| `");
        if (o->letter != 0)
            g_string_append_printf(out, "-%c`, `", o->letter);
        g_string_append_printf(out, "--%s", o->option.name);
        if (value_name != NULL) {
            g_string_append_c(out, ' ');
            append_cell(value_name, out);
        }
        g_string_append(out, "` | ");
        if (o->option.required)
            g_string_append(out, "required");
        else if (o->option.default_value != NULL)
            g_string_append_printf(out, "`%s`", o->option.default_value);
        g_string_append(out, " | ");
        append_cell(o->option.help, out);
        if (range != NULL)
            g_string_append_printf(out, "; %s", range);
        g_string_append(out, " |\n");
    }
}

void
gasket_cli_append_markdown(const GasketAlgorithm *algorithm, GString *out)
{
    g_autofree GasketCliOption *wrapped = gasket_cli_wrap_options(algorithm->options);
    if (wrapped[0].option.name != NULL) {
        append_markdown_options(wrapped, out);
        g_string_append_c(out, '\n');
    }
    g_string_append(out, "| result | type |\n| --- | --- |\n");
    for (unsigned c = 0; c < algorithm->n_results; c++)
        g_string_append_printf(out, "| `%s` | %s |\n", algorithm->results[c].name,
                               title_of(algorithm->results[c].type));
}

void
gasket_cli_append_common_markdown(GString *out)
{
    GasketCliCommon common;
    GasketCliGroup groups[GASKET_CLI_N_TABLES];
    unsigned n = gasket_cli_common_groups(gasket_cli_algorithm_command.tables | GASKET_CLI_MODEL |
                                              GASKET_CLI_RATINGS,
                                          &common, groups);

    for (unsigned g = 0; g < n; g++) {
        g_string_append_printf(out, "%s**%s**\n\n", g > 0 ? "\n" : "", groups[g].title);
        append_markdown_options(groups[g].options, out);
    }
}
