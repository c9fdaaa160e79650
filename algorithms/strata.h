/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Epochs of updates over all ratings, in blocks of which those of one stratum run at once: the
 * schedule of sgd.c, where it is drawn, for every method that updates a user and an item at a time.
 *
 *   static void update_user(void *data, const GasketRows *rows, GasketVertex u,
 *                           uint64_t begin, uint64_t end);
 *   strata_epoch(strata, (StrataValues){&users, &items}, update_user, &data, error);
 */
#ifndef GASKET_ALGORITHMS_STRATA_H
#define GASKET_ALGORITHMS_STRATA_H

#include <gasket/algorithm.h>

typedef struct Strata Strata;

/* Where to leave the values of users (kind 0) and items (kind 1) while they may be written. */
typedef struct {
    float **users, **items;
} StrataValues;

/* Works on the entries begin .. end - 1 of user u's row in "train": may write the value of u and of
 * the items named there, and what else belongs to u alone. Calls of different users overlap. */
typedef void (*StrataUpdate)(void *data, const GasketRows *rows, GasketVertex u, uint64_t begin,
                             uint64_t end);

/* [all] Divides users and items. Needs both rows of relation 0. Snapshots keep how many epochs
 * there were. */
Strata *strata_new(GasketRun *run, GError **error);
void strata_free(Strata *strata);

/* [all] Calls update for every rating once, by (stratum, user, item); then values are published. */
bool strata_epoch(Strata *strata, StrataValues values, StrataUpdate update, void *data,
                  GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Strata, strata_free)

#endif
