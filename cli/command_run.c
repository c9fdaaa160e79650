/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `gasket run PROGRAM.so FILE...`: an algorithm from a shared object, with everything that those
 * built in have.
 */
#include <dlfcn.h>
#include <string.h>

#include "cli/command.h"

typedef struct {
    GPtrArray *settings; /* `name=value` of --set */
} RunOptions;

static const GasketCliOption run_options[] = {
    {.option = {"set", GASKET_OPTION_STRING, offsetof(RunOptions, settings),
                .help = "an option of the program, any number of times; --NAME VALUE does the same "
                        "where the name is not taken",
                .value_name = "NAME=VALUE"},
     .repeated = true},
    {.letter = 0},
};

/* Everything in an option table that could make a later step stumble. */
static bool
check_options(const char *path, const GasketAlgorithm *algorithm, GError **error)
{
    for (const GasketOption *o = algorithm->options; o != NULL && o->name != NULL; o++) {
        if ((unsigned)o->type > GASKET_OPTION_FEATURES || o->help == NULL ||
            (o->type == GASKET_OPTION_CHOICE && o->choices == NULL) ||
            o->offset >= algorithm->parameters_size)
            return gasket_cli_refuse(error, "%s: its option %s is not described as it must be",
                                     path, o->name);
        if (o->default_value == NULL)
            continue;
        g_autofree void *scratch = g_malloc0(algorithm->parameters_size);
        g_autoptr(GError) refusal = NULL;
        if (!gasket_options_set(algorithm->options, scratch, o->name, o->default_value, &refusal))
            return gasket_cli_refuse(error, "%s: a default of its own is refused: %s", path,
                                     refusal->message);
    }
    return true;
}

const GasketAlgorithm *
gasket_cli_open_program(const char *path, GError **error)
{
    /* Without a slash dlopen would look anywhere but here. */
    g_autofree char *here = strchr(path, '/') == NULL ? g_strconcat("./", path, NULL) : NULL;
    void *object = dlopen(here != NULL ? here : path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        gasket_cli_refuse(error, "cannot open the program: %s", dlerror());
        return NULL;
    }
    void *symbol = dlsym(object, "gasket_algorithm");
    if (symbol == NULL) {
        gasket_cli_refuse(error,
                          "%s: found no function gasket_algorithm, expected a shared object that "
                          "exports it",
                          path);
        return NULL;
    }
    const GasketAlgorithm *(*get)(void);
    memcpy(&get, &symbol, sizeof get); /* C has no conversion from data to function pointers */
    const GasketAlgorithm *algorithm = get();
    if (algorithm == NULL || algorithm->abi != GASKET_ABI) {
        gasket_cli_refuse(error, "%s: found ABI %u, expected %d: build it against this version",
                          path, algorithm != NULL ? algorithm->abi : 0, GASKET_ABI);
        return NULL;
    }
    if (algorithm->name == NULL || algorithm->summary == NULL || algorithm->run == NULL) {
        gasket_cli_refuse(error, "%s: its algorithm lacks a name, a summary or a run function",
                          path);
        return NULL;
    }
    return check_options(path, algorithm, error) ? algorithm : NULL;
}

static bool
apply_settings(GasketCliCall *call, GError **error)
{
    const RunOptions *options = call->own;
    for (unsigned i = 0; i < options->settings->len; i++) {
        const char *setting = options->settings->pdata[i];
        const char *equals = strchr(setting, '=');
        g_autofree char *name =
            equals != NULL ? g_strndup(setting, (gsize)(equals - setting)) : g_strdup(setting);
        if (!gasket_options_set(call->algorithm->options, call->parameters, name,
                                equals != NULL ? equals + 1 : NULL, error)) {
            g_prefix_error(error, "--set: ");
            return false;
        }
    }
    return true;
}

static bool
run(GasketCliCall *call, int *ret_status, GError **error)
{
    if (call->algorithm == NULL)
        return gasket_cli_refuse(error, "run: expected PROGRAM.so as the first argument");
    return apply_settings(call, error) &&
           gasket_cli_run_algorithm(call, call->arguments, call->n_arguments, ret_status, error);
}

const GasketCliCommand gasket_cli_run_command = {
    .name = "run",
    .arguments = "PROGRAM.so FILE...",
    .summary = "run an algorithm of your own from a shared object",
    .description = "The shared object exports `const GasketAlgorithm *gasket_algorithm(void)` (see "
                   "gasket/algorithm.h). Loading, partitioning, workers, output and report are as "
                   "for the algorithms built in. `gasket run ./PROGRAM.so --help` tells its own "
                   "options.\n"
                   "\n"
                   "Examples\n"
                   "  gasket run ./mine.so graph.txt --set alpha=0.3\n"
                   "  gasket run ./mine.so graph.txt --workers 4 -o result.tsv\n",
    .tables = GASKET_CLI_INPUT | GASKET_CLI_MACHINE | GASKET_CLI_WORKERS | GASKET_CLI_RUN |
              GASKET_CLI_SNAPSHOTS | GASKET_CLI_OUTPUT,
    .options = run_options,
    .options_size = sizeof(RunOptions),
    .run = run,
};
