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
    unsigned kind;     /* which is grouped: variables, or factors that share no variable */
    uint32_t n_groups; /* on all workers */
    uint32_t *group;   /* [vertices of the kind] of each of this worker's */
    struct FactorMembers {
        uint64_t *begin;      /* [n_groups + 1] */
        GasketVertex *vertex; /* by group: its members, or of the other kind those next to one */
        GasketVertexSet *set;
    } of[2]; /* by kind */
} FactorOrder;

/* [all] Colours a kind whose values are declared as FactorValue, and publishes the groups. Errors:
 * MEMORY, and as of a step. */
bool factor_order_open(FactorOrder *order, const FactorModel *model, unsigned kind, GError **error);
void factor_order_clear(FactorOrder *order);

/* [all] One step of the group's factors, or those next to it, then one of its variables, or those
 * next to it. NULL: none. */
bool factor_order_turn(FactorOrder *order, uint32_t group, const GasketProgram *factors,
                       const GasketProgram *variables, GError **error);

#endif
