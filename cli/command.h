/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands: what `gasket NAME` can be, and one call of one.
 *
 *   argv ──find──> command ──parse by its tables──> call ──run──> exit status or error
 */
#ifndef GASKET_CLI_COMMAND_H
#define GASKET_CLI_COMMAND_H

#include "cli/common_options.h"

/* Exit codes, beside those that errors have. */
#define GASKET_EXIT_DONE          0
#define GASKET_EXIT_NOT_CONVERGED 5
#define GASKET_EXIT_STOPPED       75
#define GASKET_EXIT_INTERRUPTED   130

typedef struct GasketCliCall GasketCliCall;

typedef struct {
    const char *name;
    const char *arguments;          /* "FILE..." */
    const char *summary;            /* one line */
    const char *description;        /* paragraphs and examples */
    unsigned tables;                /* common options: GasketCliTables */
    const GasketCliOption *options; /* its own; NULL: none */
    size_t options_size;            /* of the struct that they fill */
    bool hidden;                    /* not listed */
    /* Returns the exit status. Error: as error.h. */
    bool (*run)(GasketCliCall *call, int *ret_status, GError **error);
} GasketCliCommand;

struct GasketCliCall {
    const GasketCliCommand *command;
    const GasketAlgorithm *algorithm; /* of commands that run one; else NULL */
    GasketCliCommon common;
    void *own;                    /* what the command's options fill */
    void *parameters;             /* what the algorithm's options fill */
    const char *const *arguments; /* [n_arguments] words that are no options */
    unsigned n_arguments;
    struct GasketCliFolds *folds; /* takes the figures of --folds instead of stdout; else NULL */
};

/* The commands that are no algorithms: [*ret_n]. */
const GasketCliCommand *const *gasket_cli_commands(unsigned *ret_n);

/* A command by name, or a built-in algorithm; ret_algorithm: NULL if it is none.
 * Error: ARGUMENT, with the nearest name there is. */
const GasketCliCommand *
gasket_cli_find_or_refuse(const char *name, const GasketAlgorithm **ret_algorithm, GError **error);

/* What all algorithms share as commands: their tables and their run function. */
extern const GasketCliCommand gasket_cli_algorithm_command;

/* One file each. */
extern const GasketCliCommand gasket_cli_run_command;
extern const GasketCliCommand gasket_cli_info_command;
extern const GasketCliCommand gasket_cli_partition_command;
extern const GasketCliCommand gasket_cli_convert_command;
extern const GasketCliCommand gasket_cli_generate_command;
extern const GasketCliCommand gasket_cli_predict_command;
extern const GasketCliCommand gasket_cli_recommend_command;
extern const GasketCliCommand gasket_cli_similar_command;
extern const GasketCliCommand gasket_cli_list_command;
extern const GasketCliCommand gasket_cli_help_command;
extern const GasketCliCommand gasket_cli_docs_command;

/* The algorithm of a shared object, which stays open. Errors: ARGUMENT if it cannot be opened or is
 * none of ours. */
const GasketAlgorithm *gasket_cli_open_program(const char *path, GError **error);

/* Runs the call's algorithm on the inputs [n_inputs]. */
bool gasket_cli_run_algorithm(GasketCliCall *call, const char *const *inputs, unsigned n_inputs,
                              int *ret_status, GError **error);

/* Says what was wrong with the arguments; for commands. Always false. */
bool gasket_cli_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Writes text to stdout. Error: IO. */
bool gasket_cli_print(const char *text, GError **error);

/* Writes text to stderr, where nobody minds if it cannot be written. */
void gasket_cli_note(const char *text);

#endif
