/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waking along edges: what gasket_wake does in a program's scatter.
 *
 * A neighbour that this worker owns is woken here. For one that another worker owns the slot of the
 * edge value is noted, and the edge value takes the wake along.
 *
 *   scatter ──gasket_wake(e)──> neighbour[e] owned: its bit in active
 *                          └──> else: the bit of slot[e] in outbox ──edge value──> the owner's
 */
#ifndef GASKET_ENGINE_WAKE_H
#define GASKET_ENGINE_WAKE_H

#include <gasket/types.h>

typedef struct GasketWaker GasketWaker;
struct GasketWaker {
    uint32_t n_owned;   /* vertices of the neighbours' kind that are woken here */
    uint64_t *active;   /* bits by owned vertex */
    uint64_t n_entries; /* slots from here on are the outbox's */
    uint64_t *outbox;   /* bits by slot - n_entries */

    struct GasketAsync *async; /* of an asynchronous run, else NULL; then active is not used */
    uint32_t first_cell;       /* of the neighbours' kind */
    uint32_t index;            /* 2 * relation + direction of the rows that read them */
};

#endif
