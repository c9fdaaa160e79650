/* SPDX-License-Identifier: Apache-2.0 */
/* What `convert` and `info` do with a graphical model. */
#ifndef GASKET_CLI_MODEL_COMMANDS_H
#define GASKET_CLI_MODEL_COMMANDS_H

#include "cli/command.h"

/* Whether the only input of a call is a graphical model. */
bool gasket_cli_is_model(const GasketCliCall *call, unsigned n_inputs);

/* Writes the model of the first argument as the last says. to: a format, or NULL. */
bool gasket_cli_convert_model(GasketCliCall *call, const char *to, int *ret_status, GError **error);

/* Prints the model's figures. */
bool gasket_cli_info_model(GasketCliCall *call, bool json, int *ret_status, GError **error);

#endif
