/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search for a method's options by cross-validation.
 *
 *   --grid factors=8,16,32 --grid regularization=0.1,0.15          6 settings, each of them
 *   --grid factors=8,16,32 --grid regularization=0.01:1 --random 20     20 drawn ones
 *
 * A list names values; LOW:HIGH is a range that --random draws from, evenly, or where LOW is above
 * 0 evenly by the logarithm. "iterations" may stand among the options. Each setting is judged by
 * --folds folds; the measure is test.rmse, or ranking.ndcg where ratings are not predicted. A
 * setting whose model diverges is the worst. Which settings are tried is a function of the options
 * and --seed alone; --budget bounds the time: settings then come in an order that is drawn, and the
 * last is begun before the time is up.
 *
 *   factors  regularization  test.rmse  deviation  seconds          best first, on stdout
 *   16       0.15            0.9312     0.0041     0.71
 *
 * With --test or --output the best setting then trains once on all ratings but those of --test.
 */
#ifndef GASKET_CLI_SEARCH_H
#define GASKET_CLI_SEARCH_H

#include "cli/command.h"

/* Whether a call asks for a search. */
bool gasket_cli_search_wanted(const GasketCliCall *call);

/* Runs it on the inputs. Errors: ARGUMENT for what does not go together, and those of runs. */
bool gasket_cli_search(GasketCliCall *call, const char *const *inputs, unsigned n_inputs,
                       int *ret_status, GError **error);

#endif
