/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting integers: few or already sorted ones by insertion, many by radix.
 *
 * None of these allocates: scratch has room for n elements and need not be initialised. All are
 * stable in what they do not look at.
 */
#ifndef GASKET_ENGINE_SORT_H
#define GASKET_ENGINE_SORT_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t key;
    uint64_t value;
} GasketPair;

/* Ascending. O(n). */
void gasket_sort_u32(uint32_t *elements, size_t n, uint32_t *scratch);

/* Ascending by the upper 32 bits; elements that agree in these keep their order. n < 2^32. O(n). */
void gasket_sort_upper(uint64_t *elements, size_t n, uint64_t *scratch);

/* Ascending by key; pairs with one key keep their order. O(n). */
void gasket_sort_pairs(GasketPair *pairs, size_t n, GasketPair *scratch);

#endif
