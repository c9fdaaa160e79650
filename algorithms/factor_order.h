/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables in groups that take turns: coloured so that no two of a group share a factor.
 *
 *   group 0:  factors next to it  ─>  its variables       a factor has one variable at most in a
 *   group 1:  factors next to it  ─>  its variables       group, and sends to that one alone
 *   ...
 *
 * A turn of every group updates each variable once, with what the groups before have just become:
 * sequential belief propagation, coordinate ascent, Gibbs sampling. The same for every placement.
 *
 * A variable publishes its group and a state (FactorValue), which factors read.
 */
#ifndef GASKET_ALGORITHMS_FACTOR_ORDER_H
#define GASKET_ALGORITHMS_FACTOR_ORDER_H

#include "factor_model.h"

/* What a variable publishes. */
typedef struct {
    uint32_t group;
    int32_t state; /* for algorithms that keep an assignment */
} FactorValue;

#define FACTOR_ALL_GROUPS UINT32_MAX

typedef struct {
    GasketRun *run;
    uint32_t n_groups;        /* on all workers */
    uint32_t *group;          /* [n_variables] of each of this worker's */
    uint64_t *variable_begin; /* [n_groups + 1] */
    GasketVertex *variable;   /* [n_variables] by group */
    uint64_t *factor_begin;   /* [n_groups + 1] */
    GasketVertex *factor;     /* [scopes' entries] next to a variable of the group */
    GasketVertexSet *variable_set, *factor_set;
} FactorOrder;

/* [all] Colours the variables, whose values are declared as FactorValue, and publishes the groups.
 * Errors: MEMORY, and as of a step. */
bool factor_order_open(FactorOrder *order, const FactorModel *model, GError **error);
void factor_order_clear(FactorOrder *order);

/* [all] One step of the factors next to a group (NULL: none), then one of its variables. */
bool factor_order_turn(FactorOrder *order, uint32_t group, const GasketProgram *factors,
                       const GasketProgram *variables, GError **error);

#endif
