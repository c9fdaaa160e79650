/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product of several tables over one clique, block by block.
 *
 *   dims     0    1    ...    n - 1          the last varies fastest
 *            └ outer ┘└──── block ────┘      counted off; offsets worked out once
 *
 * Each input is a table over some of the dimensions, with a stride for each (0: not in its scope).
 * Entry j of a block is product of input[base + offset[j]].
 */
#ifndef GASKET_ALGORITHMS_EXACT_KERNEL_H
#define GASKET_ALGORITHMS_EXACT_KERNEL_H

#include "exact_tree.h"

typedef struct {
    double *table;
    uint64_t base;
    uint64_t *stride; /* [n] */
    uint32_t *offset; /* [block] */
    bool last_only;   /* within a block it depends on the last dimension alone */
} ExactInput;

typedef struct {
    ExactDomain domain;
    uint32_t n;      /* dimensions */
    uint32_t *card;  /* [n] */
    uint32_t outer;  /* dimensions before the block */
    uint32_t *state; /* [outer] */
    uint64_t block;  /* entries of a block */
    uint64_t n_blocks;
    double *product; /* [block] of the inputs */
    double *last;    /* [card of the last dimension] product of those that are last_only */
    uint32_t n_inputs;
    ExactInput *inputs; /* [n_inputs] */
    bool underflow;
} ExactKernel;

/* A kernel over dimensions card[0 .. n - 1] with room for inputs and as many others, whose strides
 * are to be filled. Error: MEMORY. Clear it, in failure too. */
bool exact_kernel_init(ExactKernel *kernel, ExactDomain domain, uint32_t n, const uint32_t *card,
                       uint32_t n_inputs, GError **error);
void exact_kernel_clear(ExactKernel *kernel);

/* Once strides stand: works out the offsets. */
void exact_kernel_begin(ExactKernel *kernel);

/* The product of the first n inputs at the block that the bases stand at. */
void exact_kernel_multiply(ExactKernel *kernel, uint32_t n);

/* Moves all bases to the next block. */
void exact_kernel_next(ExactKernel *kernel);

#endif
