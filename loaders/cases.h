/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases to learn from: a model becomes as many copies of itself as there are cases, each observed
 * as its case says, and all with the same tables.
 *
 *   a,c,b             a heading: variables by name or id, in any order; those that are left out are
 *   0,1,              never observed
 *   1,?,2             states from 0, or by name; nothing, ? and NA are missing
 *
 * Fields stand between commas or tabs. Variable v of the model, by its place in the order of ids,
 * has in copy c the place c n + v; the copy of the first case has the ids of the model.
 */
#ifndef GASKET_LOADERS_CASES_H
#define GASKET_LOADERS_CASES_H

#include <gasket/factor_graph.h>

/* The copies of a model, which is used up. states: names, as of model.h, or NULL; a field that has
 * none of its variable's names is a number. ret_n: variables of one copy. Errors: INPUT, MEMORY,
 * FORMAT with FILE:LINE. */
GasketFactorGraph *gasket_cases_load(GasketFactorGraph **model_take, const char *path,
                                     GHashTable *states, uint32_t *ret_n, GError **error);

/* Adds a column "template" (INT32) to both kinds of the copies' graph: which variable or factor of
 * the model each is, by its place. The graph has the order given: numbers are places. Error:
 * MEMORY. */
bool gasket_cases_mark(GasketGraph *graph, uint32_t n_variables, GError **error);

#endif
