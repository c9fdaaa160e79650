/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact inference on a tree of cliques: one for each variable v, over v and its separator, the
 * variables that were its neighbours when it was eliminated.
 *
 *   up     message of v  = sum (or maximum) over v of  tables x messages of its children
 *   down   belief of v   = tables x children's messages x message from the parent
 *          to child c    = (belief summed down to c's separator) / c's own message
 *
 * The parent of v is the first of its separator to be eliminated. Only messages are kept, never a
 * clique's whole table: it passes block by block through a buffer of a few KiB.
 *
 *   separator s2 s1, v:   | block 0            | block 1 ...      v varies fastest
 *                           inputs read by base + offset[j]
 *
 * A message's largest entry is 1 (0 in logarithms); what was scaled out adds up to log Z. Linear
 * tables are used first; should a product fall below 1e-290 they cannot be trusted, and everything
 * is done again in logarithms, where nothing underflows.
 *
 * Cost: time as ExactOrder.entries, memory 8 bytes for each of ExactOrder.messages.
 *
 * Reference: S. L. Lauritzen, D. J. Spiegelhalter, Local computations with probabilities on
 * graphical structures, 1988; R. Dechter, Bucket elimination, 1999.
 */
#ifndef GASKET_ALGORITHMS_EXACT_TREE_H
#define GASKET_ALGORITHMS_EXACT_TREE_H

#include "exact_order.h"

typedef enum {
    EXACT_LINEAR, /* probabilities */
    EXACT_LOG,    /* the same in logarithms */
    EXACT_MAX,    /* logarithms, and the maximum instead of the sum */
} ExactDomain;

/* Bytes of tables that the tree needs in all: messages, and tables in logarithms. */
double exact_tree_bytes(const ExactProblem *problem, const ExactOrder *order);

/* log Z, and for each open variable the probability of each of its states in turn ([sum of their
 * cardinalities]; g_free). domain: EXACT_LINEAR or EXACT_LOG. ret_log_z: natural logarithm, without
 * problem->log_constant. ret_underflow: the linear domain was left before its end, with no other
 * result. Error: MEMORY. */
bool exact_tree_marginals(const ExactProblem *problem, const ExactOrder *order, ExactDomain domain,
                          double *ret_log_z, double **ret_marginals, bool *ret_underflow,
                          GError **error);

/* A most probable state for each open variable ([n]; g_free) and the natural logarithm of its
 * weight. Of several the one whose states come first, by the order of elimination reversed. Error:
 * MEMORY. */
bool exact_tree_map(const ExactProblem *problem, const ExactOrder *order, double *ret_log_weight,
                    uint32_t **ret_states, GError **error);

#endif
