/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of small integers, one bit each, in words of 64. Plain functions on an array of words
 * (gasket_array); whoever has the array knows its length.
 */
#ifndef GASKET_ENGINE_BITSET_H
#define GASKET_ENGINE_BITSET_H

#include <string.h>

#include <gasket/types.h>

static inline size_t
gasket_bitset_words(uint32_t n)
{
    return ((size_t)n + 63) / 64;
}

static inline bool
gasket_bitset_has(const uint64_t *set, uint32_t i)
{
    return (set[i / 64] >> (i % 64)) & 1;
}

static inline void
gasket_bitset_add(uint64_t *set, uint32_t i)
{
    set[i / 64] |= UINT64_C(1) << (i % 64);
}

/* The same while other threads add to the set. */
static inline void
gasket_bitset_add_shared(uint64_t *set, uint32_t i)
{
    uint64_t bit = UINT64_C(1) << (i % 64);
    if (!(__atomic_load_n(&set[i / 64], __ATOMIC_RELAXED) & bit))
        __atomic_fetch_or(&set[i / 64], bit, __ATOMIC_RELAXED);
}

static inline void
gasket_bitset_remove(uint64_t *set, uint32_t i)
{
    set[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

static inline void
gasket_bitset_clear(uint64_t *set, uint32_t n)
{
    memset(set, 0, gasket_bitset_words(n) * sizeof *set);
}

/* Adds 0 .. n - 1. */
static inline void
gasket_bitset_fill(uint64_t *set, uint32_t n)
{
    memset(set, 0xff, n / 64 * sizeof *set);
    if (n % 64 != 0)
        set[n / 64] = (UINT64_C(1) << (n % 64)) - 1;
}

static inline uint32_t
gasket_bitset_count(const uint64_t *set, uint32_t n)
{
    uint32_t count = 0;
    for (size_t w = 0; w < gasket_bitset_words(n); w++)
        count += (uint32_t)__builtin_popcountll(set[w]);
    return count;
}

/* The smallest element that is at least i and below end; end if there is none. */
static inline uint32_t
gasket_bitset_next(const uint64_t *set, uint32_t i, uint32_t end)
{
    if (i >= end)
        return end;
    uint64_t word = set[i / 64] >> (i % 64);
    if (word != 0) {
        uint32_t found = i + (uint32_t)__builtin_ctzll(word);
        return found < end ? found : end;
    }
    for (size_t w = i / 64 + 1; w * 64 < end; w++) {
        if (set[w] != 0) {
            uint32_t found = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(set[w]);
            return found < end ? found : end;
        }
    }
    return end;
}

#endif
