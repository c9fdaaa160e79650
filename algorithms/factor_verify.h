/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifiers of the approximate methods: what exact inference says of the same model, where a tree
 * of cliques with at most 2^28 entries does.
 *
 * How far marginals are from the exact ones is told, not judged: that is the method's own error.
 * Wrong are marginals that are no distributions, states that are observed otherwise, a model called
 * impossible that is not, or the reverse, an assignment that weighs more than the best, and without
 * cycles whatever is not exact.
 */
#ifndef GASKET_ALGORITHMS_FACTOR_VERIFY_H
#define GASKET_ALGORITHMS_FACTOR_VERIFY_H

#include <gasket/run.h>

/* [all] Of the varying column of the result; exact_on_trees: as belief propagation is. As
 * GasketAlgorithm.verify. */
bool factor_verify_marginals(GasketRun *run, unsigned column, bool exact_on_trees,
                             char **ret_message, GError **error);

/* [all] Of states, int32_t at the start of each variable's state of `size` bytes. */
bool factor_verify_states(GasketRun *run, size_t size, bool exact_on_trees, char **ret_message,
                          GError **error);

#endif
