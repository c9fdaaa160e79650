/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact answer to a model: for `exact`, and for what other methods compare with.
 *
 *   g_auto(ExactAnswer) answer = {0};
 *   if ((rank == 0 && !exact_solve(&answer, run, &model, &wish, error)) ||
 *       !exact_share(&answer, run, &model, wish.map, error))
 *       return false;
 */
#ifndef GASKET_ALGORITHMS_EXACT_ANSWER_H
#define GASKET_ALGORITHMS_EXACT_ANSWER_H

#include "exact_tree.h"

typedef struct {
    bool map;           /* a most probable assignment instead of marginals */
    double max_bytes;   /* of tables; 0: half of the machine's memory */
    double max_entries; /* to compute; 0: any */
    bool tell;          /* the cost, to the user */
    ExactRule rule;
    ExactDomain domain;
} ExactWish;

typedef struct {
    double log_weight;   /* natural; -INFINITY if nothing is possible */
    double *marginals;   /* [states of the model] or, with map, NULL */
    double *states;      /* [n_variables] with map */
    double width, bytes; /* of the order */
} ExactAnswer;

void exact_answer_clear(ExactAnswer *answer);

/* Errors: MEMORY, also for what is beyond the wish's bounds, with the cost. */
bool exact_solve(ExactAnswer *answer, GasketRun *run, const ExactModel *model,
                 const ExactWish *wish, GError **error);

/* [all] Hands rank 0's answer out. Error: MEMORY. */
bool exact_share(ExactAnswer *answer, GasketRun *run, const ExactModel *model, bool map,
                 GError **error);

/* The natural logarithm of an assignment's weight, multiplied out; states: [n_variables]. */
double exact_weight_of(const ExactModel *model, const double *states);

#endif
