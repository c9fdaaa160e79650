/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing command lines: any words are refused with a reason, or give options within the bounds
 * that their tables state.
 *
 * Input: | which command or algorithm | words, each ended by a line feed ... |
 */
#include <string.h>

#include "algorithms/registry.h"
#include "cli/command.h"
#include "cli/snapshot_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A command, or an algorithm as one. */
static void
choose(GasketCliCall *call, unsigned which)
{
    const GasketAlgorithm *const *algorithms = gasket_algorithms();
    unsigned n_commands, n_algorithms = 0;
    const GasketCliCommand *const *commands = gasket_cli_commands(&n_commands);
    while (algorithms[n_algorithms] != NULL)
        n_algorithms++;
    which %= n_commands + n_algorithms;
    call->command = which < n_commands ? commands[which] : &gasket_cli_algorithm_command;
    call->algorithm = which < n_commands ? NULL : algorithms[which - n_commands];
}

/* Numbers keep within their bounds, choices among theirs. */
static void
check_values(const GasketCliGroup *group)
{
    for (const GasketCliOption *o = group->options; o != NULL && o->option.name != NULL; o++) {
        const char *field = (const char *)group->target + o->option.offset;
        const GasketOption *option = &o->option;
        bool bounded = option->minimum < option->maximum && option->default_value != NULL;
        if (option->type == GASKET_OPTION_INT && bounded) {
            int64_t x = *(const int64_t *)(const void *)field;
            g_assert((double)x >= option->minimum && (double)x <= option->maximum);
        } else if (option->type == GASKET_OPTION_CHOICE) {
            int x = *(const int *)(const void *)field;
            g_assert(x >= 0 && (unsigned)x < g_strv_length((char **)option->choices));
        }
    }
}

static void
parse(GasketCliCall *call, const GasketCliGroup *groups, unsigned n_groups, char **words)
{
    g_autoptr(GPtrArray) arguments = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    bool help = false;
    bool ok = gasket_cli_parse(groups, n_groups, (int)g_strv_length(words),
                               (const char *const *)words, arguments, &help, &error);
    g_assert(ok == (error == NULL));
    g_assert(ok || g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    for (unsigned g = 0; g < n_groups && ok; g++)
        check_values(&groups[g]);
    g_assert(arguments->len <= g_strv_length(words));
    if (ok && !help)
        (void)gasket_cli_common_check(&call->common, NULL);
    GasketSnapshotPlan plan = {0};
    if (call->common.snapshot_every != NULL)
        (void)gasket_cli_parse_snapshot_every(call->common.snapshot_every, &plan, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    GasketCliCall call = {0};
    choose(&call, data[0]);
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    g_auto(GStrv) words = g_strsplit(text, "\n", 100);
    g_autofree void *own = g_malloc0(call.command->options_size + 1);
    size_t n_parameters = call.algorithm != NULL ? call.algorithm->parameters_size : 0;
    g_autofree void *parameters = g_malloc0(n_parameters + 1);
    g_autofree GasketCliOption *algorithm_options =
        gasket_cli_wrap_options(call.algorithm != NULL ? call.algorithm->options : NULL);

    GasketCliGroup groups[GASKET_CLI_N_TABLES + 2];
    unsigned n = 0;
    if (call.algorithm != NULL)
        groups[n++] = (GasketCliGroup){"Algorithm", algorithm_options, parameters};
    if (call.command->options != NULL)
        groups[n++] = (GasketCliGroup){"Options", call.command->options, own};
    unsigned tables = gasket_cli_tables_for(call.command->tables, call.algorithm);
    n += gasket_cli_common_groups(tables, &call.common, groups + n);
    gasket_cli_set_defaults(groups, n);
    gasket_cli_common_init(&call.common);
    parse(&call, groups, n, words);
    gasket_cli_clear_values(groups, n);
    return 0;
}
