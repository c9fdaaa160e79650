/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, and the small ones: list, help, docs-options. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "algorithms/registry.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/suggest.h"

bool
gasket_cli_refuse(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    GError *refusal = g_error_new_valist(GASKET_ERROR, GASKET_ERROR_ARGUMENT, format, arguments);
    va_end(arguments);
    g_propagate_error(error, refusal);
    return false;
}

bool
gasket_cli_print(const char *text, GError **error)
{
    if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "cannot write standard output: %s",
                g_strerror(errno));
    return false;
}

void
gasket_cli_note(const char *text)
{
    fputs(text, stderr);
}

static bool
print_and_free(GString *text, int *ret_status, GError **error)
{
    g_autofree char *plain = g_string_free(text, FALSE);
    *ret_status = GASKET_EXIT_DONE;
    return gasket_cli_print(plain, error);
}

/* ---- list ------------------------------------------------------------------------------------ */

static bool
list(GasketCliCall *call, int *ret_status, GError **error)
{
    if (call->n_arguments > 0)
        return gasket_cli_refuse(error, "found \"%s\", expected no arguments", call->arguments[0]);
    GString *text = g_string_new(NULL);
    gasket_cli_append_commands(text);
    return print_and_free(text, ret_status, error);
}

const GasketCliCommand gasket_cli_list_command = {
    .name = "list",
    .arguments = "",
    .summary = "name the algorithms and commands there are",
    .run = list,
};

/* ---- help ------------------------------------------------------------------------------------ */

static bool
help(GasketCliCall *call, int *ret_status, GError **error)
{
    if (call->n_arguments > 1)
        return gasket_cli_refuse(error, "found \"%s\", expected one command", call->arguments[1]);
    GString *text = g_string_new(NULL);
    if (call->n_arguments == 0) {
        gasket_cli_append_overview(text);
        return print_and_free(text, ret_status, error);
    }
    const GasketAlgorithm *algorithm;
    const GasketCliCommand *command =
        gasket_cli_find_or_refuse(call->arguments[0], &algorithm, error);
    if (command == NULL) {
        g_string_free(text, TRUE);
        return false;
    }
    gasket_cli_append_help(command, algorithm, text);
    return print_and_free(text, ret_status, error);
}

const GasketCliCommand gasket_cli_help_command = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "tell what a command does and its options",
    .run = help,
};

/* ---- docs-options ---------------------------------------------------------------------------- */

static bool
docs(GasketCliCall *call, int *ret_status, GError **error)
{
    if (call->n_arguments > 1)
        return gasket_cli_refuse(error, "found \"%s\", expected one algorithm", call->arguments[1]);
    GString *text = g_string_new(NULL);
    if (call->n_arguments == 0) {
        gasket_cli_append_common_markdown(text);
        return print_and_free(text, ret_status, error);
    }
    const GasketAlgorithm *algorithm = gasket_algorithm_find(call->arguments[0]);
    if (algorithm == NULL) {
        g_string_free(text, TRUE);
        return gasket_cli_refuse(error, "\"%s\" is no algorithm", call->arguments[0]);
    }
    gasket_cli_append_markdown(algorithm, text);
    return print_and_free(text, ret_status, error);
}

const GasketCliCommand gasket_cli_docs_command = {
    .name = "docs-options",
    .arguments = "[ALGORITHM]",
    .summary = "the options of an algorithm, or those that all share, as a Markdown table",
    .hidden = true,
    .run = docs,
};

/* ---- the table ------------------------------------------------------------------------------- */

#define N_COMMANDS 11

static const GasketCliCommand *const commands[N_COMMANDS] = {
    &gasket_cli_run_command,       &gasket_cli_info_command,     &gasket_cli_partition_command,
    &gasket_cli_convert_command,   &gasket_cli_generate_command, &gasket_cli_predict_command,
    &gasket_cli_recommend_command, &gasket_cli_similar_command,  &gasket_cli_list_command,
    &gasket_cli_help_command,      &gasket_cli_docs_command,
};

const GasketCliCommand *const *
gasket_cli_commands(unsigned *ret_n)
{
    *ret_n = N_COMMANDS;
    return commands;
}

const GasketCliCommand *
gasket_cli_find_or_refuse(const char *name, const GasketAlgorithm **ret_algorithm, GError **error)
{
    GasketSuggestion suggestion = {0};

    for (const GasketAlgorithm *const *a = gasket_algorithms(); *a != NULL; a++) {
        if (strcmp((*a)->name, name) == 0) {
            *ret_algorithm = *a;
            return &gasket_cli_algorithm_command;
        }
        gasket_suggestion_offer(&suggestion, name, (*a)->name);
    }
    for (unsigned i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            *ret_algorithm = NULL;
            return commands[i];
        }
        if (!commands[i]->hidden)
            gasket_suggestion_offer(&suggestion, name, commands[i]->name);
    }
    g_autofree char *printable = g_strescape(name, NULL);
    if (suggestion.nearest != NULL)
        gasket_cli_refuse(error, "unknown command %s; did you mean %s?", printable,
                          suggestion.nearest);
    else
        gasket_cli_refuse(error, "unknown command %s; `gasket list` names those there are",
                          printable);
    return NULL;
}
