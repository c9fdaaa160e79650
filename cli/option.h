/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of commands: tables, and reading a command line by them.
 *
 *   static const GasketCliOption options[] = {
 *       {.option = {"output", GASKET_OPTION_STRING, offsetof(Common, output), NULL, .help = "...",
 *                   .value_name = "FILE"}, .letter = 'o'},
 *       {.letter = 0},
 *   };
 *   GasketCliGroup group = {"Output", options, &common};
 *
 * One table is the source of parsing, of --help and of the documentation. Options stand anywhere
 * among the arguments: `--name value`, `--name=value`, `-o value`, `-ovalue`, flags without a
 * value; `--` ends them, `-` is an argument. Given twice, the last one counts.
 */
#ifndef GASKET_CLI_OPTION_H
#define GASKET_CLI_OPTION_H

#include <gasket/algorithm.h>

typedef struct {
    GasketOption option;
    char letter;   /* short form, or 0 */
    bool repeated; /* STRING only: the field is a GPtrArray * of text */
    bool advanced; /* listed last */
} GasketCliOption;

/* A table and where its values go. */
typedef struct {
    const char *title;
    const GasketCliOption *options; /* ends with a NULL name */
    void *target;
} GasketCliGroup;

/* Fills the targets with defaults; repeated options get an empty array. */
void gasket_cli_set_defaults(const GasketCliGroup *groups, unsigned n_groups);

/* Frees the arrays of repeated options. */
void gasket_cli_clear_values(const GasketCliGroup *groups, unsigned n_groups);

/* Reads n words (without program and command). Of several options with a name, that of the last
 * group counts. arguments: words that are no options are appended; borrowed. required options
 * are checked. ret_help: --help or -h was there, and nothing after it was read.
 * Error: ARGUMENT. */
bool gasket_cli_parse(const GasketCliGroup *groups, unsigned n_groups, int n,
                      const char *const *words, GPtrArray *arguments, bool *ret_help,
                      GError **error);

/* What the value is called: "FILE", "N", "auto|given|degree"; NULL for flags. g_free. */
char *gasket_cli_value_name(const GasketCliOption *option);

/* The table of an algorithm in this form; ends with a NULL name. g_free. */
GasketCliOption *gasket_cli_wrap_options(const GasketOption *options);

/* A table by itself of one option, for the functions of algorithm.h. */
typedef struct {
    GasketOption option[2];
} GasketCliSingle;

static inline GasketCliSingle
gasket_cli_single(const GasketCliOption *option)
{
    return (GasketCliSingle){.option = {option->option}};
}

#endif
