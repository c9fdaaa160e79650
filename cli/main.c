/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gasket: argv -> command -> library -> text. The only place that prints errors and decides how
 * the process ends:
 *
 *   0 done · 1 failure · 2 usage · 3 bad input · 4 a worker or the network failed
 *   5 not converged (the result is written) · 75 stopped when asked · 130 ended by a second ^C
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/signals.h"
#include "cli/version.h"

#define GASKET_EXIT_USAGE 2

/* ORDER gasket_error_code */
static int
exit_code_of(const GError *error)
{
    if (error->domain != GASKET_ERROR)
        return 1;
    switch ((GasketErrorCode)error->code) {
    case GASKET_ERROR_FAILED:
    case GASKET_ERROR_IO:
    case GASKET_ERROR_MEMORY:
        return 1;
    case GASKET_ERROR_ARGUMENT:
        return GASKET_EXIT_USAGE;
    case GASKET_ERROR_FORMAT:
    case GASKET_ERROR_INPUT:
        return 3;
    case GASKET_ERROR_PEER:
    case GASKET_ERROR_PROTOCOL:
        return 4;
    }
    return 1;
}

/* The options of a call: the algorithm's, the command's, the common ones. */
static unsigned
groups_of(GasketCliCall *call, GasketCliOption *algorithm_options, GasketCliGroup *groups)
{
    unsigned n = 0;
    if (call->algorithm != NULL)
        groups[n++] = (GasketCliGroup){call->algorithm->name, algorithm_options, call->parameters};
    if (call->command->options != NULL)
        groups[n++] = (GasketCliGroup){"Options", call->command->options, call->own};
    unsigned tables = gasket_cli_tables_for(call->command->tables, call->algorithm);
    return n + gasket_cli_common_groups(tables, &call->common, groups + n);
}

static bool
parse_and_run(GasketCliCall *call, const GasketCliGroup *groups, unsigned n_groups, int n,
              const char *const *words, int *ret_status, GError **error)
{
    g_autoptr(GPtrArray) arguments = g_ptr_array_new();
    bool help;

    if (!gasket_cli_parse(groups, n_groups, n, words, arguments, &help, error))
        return false;
    if (help) {
        g_autoptr(GString) text = g_string_new(NULL);
        gasket_cli_append_help(call->command, call->algorithm, text);
        *ret_status = GASKET_EXIT_DONE;
        return gasket_cli_print(text->str, error);
    }
    call->arguments = (const char *const *)arguments->pdata;
    call->n_arguments = arguments->len;
    return gasket_cli_common_check(&call->common, error) &&
           call->command->run(call, ret_status, error);
}

/* words: the command and what follows it. */
static bool
dispatch(int n, const char *const *words, int *ret_status, GError **error)
{
    GasketCliCall call = {0};
    call.command = gasket_cli_find_or_refuse(words[0], &call.algorithm, error);
    if (call.command == NULL)
        return false;
    words++;
    n--;

    /* A program of the user's brings options of its own, so it is opened before they are read. */
    if (call.command == &gasket_cli_run_command && n > 0 && words[0][0] != '-') {
        call.algorithm = gasket_cli_open_program(words[0], error);
        if (call.algorithm == NULL)
            return false;
        words++;
        n--;
    }
    g_autofree void *own = g_malloc0(call.command->options_size + 1);
    g_autofree void *parameters =
        g_malloc0((call.algorithm != NULL ? call.algorithm->parameters_size : 0) + 1);
    call.own = own;
    call.parameters = parameters;

    GasketCliGroup groups[GASKET_CLI_N_TABLES + 2];
    g_autofree GasketCliOption *algorithm_options =
        gasket_cli_wrap_options(call.algorithm != NULL ? call.algorithm->options : NULL);
    unsigned n_groups = groups_of(&call, algorithm_options, groups);
    gasket_cli_set_defaults(groups, n_groups);
    gasket_cli_common_init(&call.common);
    bool ran = parse_and_run(&call, groups, n_groups, n, words, ret_status, error);
    gasket_cli_clear_values(groups, n_groups);
    return ran;
}

static bool
begin(int argc, const char *const *argv, int *ret_status, GError **error)
{
    if (argc < 2) {
        g_autoptr(GString) text = g_string_new(NULL);
        gasket_cli_append_overview(text);
        fputs(text->str, stderr);
        *ret_status = GASKET_EXIT_USAGE;
        return true;
    }
    if (strcmp(argv[1], "--version") == 0) {
        *ret_status = GASKET_EXIT_DONE;
        return gasket_cli_print("gasket " GASKET_VERSION "\n", error);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        const char *const help[] = {"help"};
        return dispatch(1, help, ret_status, error);
    }
    if (argv[1][0] == '-')
        return gasket_cli_refuse(error, "found %s, expected a command; `gasket --help` lists them",
                                 argv[1]);
    return dispatch(argc - 1, argv + 1, ret_status, error);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    int status = GASKET_EXIT_DONE;

    gasket_cli_signals_install();
    if (begin(argc, (const char *const *)argv, &status, &error))
        return status;
    /* A line of progress may stand there, of this process or of a worker that died. */
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    fprintf(stderr, "gasket: %s\n", error->message);
    return exit_code_of(error);
}
