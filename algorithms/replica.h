/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every worker must know of all vertices of a kind: their published factors, for methods that
 * also learn from pairs that are no edges of the graph. A row for each vertex, by number:
 *
 *   | value: factors and bias, width floats | extra: what the method says, n_extra floats |
 *
 *   g_auto(Replica) items = {0};
 *   if (!replica_init(&items, &model, 1, 0, error) || !replica_update(&items, NULL, error)) ...
 *   const float *q = replica_row(&items, number);
 *
 * Cost: 4 (width + n_extra) bytes a vertex on each worker; an update sends twice as much to each.
 */
#ifndef GASKET_ALGORITHMS_REPLICA_H
#define GASKET_ALGORITHMS_REPLICA_H

#include "recommender.h"

typedef struct {
    const GasketRecommender *model;
    unsigned kind, n_extra, columns;
    uint32_t n;
    float *rows;        /* [n][columns] by number */
    const float *extra; /* [n_owned][n_extra] during an update */
} Replica;

bool replica_init(Replica *replica, const GasketRecommender *model, unsigned kind, unsigned n_extra,
                  GError **error);

/* [all] Takes the values as published now, and extra [n_owned][n_extra]. */
bool replica_update(Replica *replica, const float *extra, GError **error);

void replica_clear(Replica *replica);

static inline const float *
replica_row(const Replica *replica, uint32_t number)
{
    return replica->rows + (size_t)number * replica->columns;
}

/* Whether row r names the neighbour with a number. O(log n). */
bool replica_row_has(const GasketRows *rows, size_t r, uint32_t number);

/* A vertex of the replica's kind that row r does not name, uniformly; false if none was found in
 * many draws. */
bool replica_draw_other(const Replica *replica, GasketRandom *random, const GasketRows *rows,
                        size_t r, uint32_t *ret_number);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Replica, replica_clear)

#endif
