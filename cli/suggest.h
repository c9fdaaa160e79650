/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest of some names to one that was mistyped.
 *
 * Distance counts letters inserted, left out, changed and swapped with their neighbour (optimal
 * string alignment). A name counts as near up to a third of its length, at least one.
 *
 * Cost: O(length^2) a name.
 */
#ifndef GASKET_CLI_SUGGEST_H
#define GASKET_CLI_SUGGEST_H

#include <gasket/types.h>

/* The search so far: start with a zeroed one and offer every name. */
typedef struct {
    const char *nearest; /* NULL: none is near */
    unsigned distance;
} GasketSuggestion;

void gasket_suggestion_offer(GasketSuggestion *suggestion, const char *typed, const char *name);

#endif
