/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest name; see suggest.h. */
#include "cli/suggest.h"

#include <string.h>

#define LENGTH_MAX 64 /* longer words are not mistyped names */

/*
 *   row[i][j] = distance of the first i letters of a and the first j of b; three rows suffice:
 *   the one being filled, the one above it, and for swaps the one above that.
 */
static unsigned
distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    unsigned rows[3][LENGTH_MAX + 1];

    for (unsigned j = 0; j <= n_b; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= n_a; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= n_b; j++) {
            unsigned change = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = MIN(change, MIN(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = MIN(row[j], above2[j - 2] + 1);
        }
    }
    return rows[n_a % 3][n_b];
}

void
gasket_suggestion_offer(GasketSuggestion *suggestion, const char *typed, const char *name)
{
    size_t n_typed = strlen(typed), n_name = strlen(name);
    if (n_typed == 0 || n_typed > LENGTH_MAX || n_name > LENGTH_MAX)
        return;

    unsigned d = distance(typed, n_typed, name, n_name);
    /* What was cut short is as good as what was mistyped. */
    if (n_typed >= 3 && strncmp(typed, name, n_typed) == 0)
        d = 1;
    if (d > MAX(n_name / 3, 1))
        return;
    if (suggestion->nearest == NULL || d < suggestion->distance) {
        suggestion->nearest = name;
        suggestion->distance = d;
    }
}
