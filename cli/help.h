/* SPDX-License-Identifier: Apache-2.0 */
/* Help, written from the tables that commands are parsed by. */
#ifndef GASKET_CLI_HELP_H
#define GASKET_CLI_HELP_H

#include "cli/command.h"

/* `gasket --help`: every command in a line. */
void gasket_cli_append_overview(GString *out);

/* `gasket --list`-like lines of commands: name and summary. */
void gasket_cli_append_commands(GString *out);

/* `gasket NAME --help`. algorithm: NULL if the command is none. */
void gasket_cli_append_help(const GasketCliCommand *command, const GasketAlgorithm *algorithm,
                            GString *out);

/* The options of an algorithm as a Markdown table, its results as another: for the docs. */
void gasket_cli_append_markdown(const GasketAlgorithm *algorithm, GString *out);

/* The options that all algorithms share, as Markdown. */
void gasket_cli_append_common_markdown(GString *out);

/* Appends text in lines of at most 80 characters. The first starts at `column`, which is where
 * the cursor stands; the others are indented to `indent`. Ends with a newline. */
void gasket_cli_append_wrapped(const char *text, unsigned column, unsigned indent, GString *out);

/* Where the values of an option lie: "in [0, 1]", "at least 1", or NULL. g_free. */
char *gasket_cli_range(const GasketOption *option);

#endif
