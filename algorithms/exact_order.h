/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elimination orders: in which order variables are summed out decides how large the tables become.
 *
 *   eliminating v joins its neighbours N(v) into a clique; the table then in use is over v and
 *   N(v), and what is left of it, a message over N(v), is kept
 *
 * Two greedy rules are tried, each with several ways to break ties, and the cheapest order is kept:
 * eliminate the variable that adds the fewest edges (min-fill), or the one whose table is smallest.
 *
 * Cost: O(neighbours) for each edge that is added and each pair that is looked at; bounded.
 *
 * Reference: U. Kjaerulff, Triangulation of graphs: algorithms giving small total state space,
 * 1990.
 */
#ifndef GASKET_ALGORITHMS_EXACT_ORDER_H
#define GASKET_ALGORITHMS_EXACT_ORDER_H

#include "exact_model.h"

typedef struct {
    uint32_t n;
    uint32_t *variable;  /* [n] open variables in the order of their elimination */
    uint32_t *position;  /* [n] in that order */
    uint64_t *begin;     /* [n + 1] into separator, by position */
    uint32_t *separator; /* N(v), as positions, descending: the first to be eliminated is last */
    uint32_t width;      /* variables of the largest separator: the treewidth found */
    double log2_largest; /* entries of the largest table over v and N(v) */
    double entries;      /* of all those tables together: what is computed */
    double messages;     /* entries that are kept */
    bool complete;       /* false: given up, the width and sizes are at least these */
} ExactOrder;

typedef enum {
    EXACT_MIN_FILL,
    EXACT_MIN_SIZE,
    EXACT_BEST, /* of several tries of both */
} ExactRule;

/* Error: MEMORY. Clear it, in failure too. */
bool exact_order_init(ExactOrder *order, const ExactProblem *problem, ExactRule rule,
                      GError **error);
void exact_order_clear(ExactOrder *order);

#endif
