/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting integers: see sort.h.
 *
 * Radix: from the lowest digit to the highest, one stable counting pass from one array to the other
 * for each digit in which the elements differ at all. One look at the elements finds these and
 * whether anything is out of order. Digits are bytes; where many elements are sorted by their upper
 * halves, up to 11 bits.
 *
 * Cost: insertion n^2 / 4 steps for n below 32; radix one reading and one writing of the elements
 * for each digit.
 */
#include "engine/sort.h"

#include <stdbool.h>
#include <string.h>

#define INSERTION_BELOW 32
#define DIGITS          256
#define DIGIT_BITS      8
#define WIDE_BITS       11
#define WIDE_FROM       4096 /* elements that are worth 2^11 counters */
#define PASSES_MAX      4

/* counts[d] becomes the number of elements with a lower digit than d. */
static void
counts_to_starts(size_t counts[DIGITS])
{
    size_t start = 0;
    for (unsigned d = 0; d < DIGITS; d++) {
        size_t count = counts[d];
        counts[d] = start;
        start += count;
    }
}

static void
insert_u32(uint32_t *elements, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t element = elements[i];
        size_t at = i;
        for (; at > 0 && elements[at - 1] > element; at--)
            elements[at] = elements[at - 1];
        elements[at] = element;
    }
}

void
gasket_sort_u32(uint32_t *elements, size_t n, uint32_t *scratch)
{
    if (n < INSERTION_BELOW) {
        insert_u32(elements, n);
        return;
    }
    uint32_t differing = 0;
    uint32_t falls = 0;
    for (size_t i = 1; i < n; i++) {
        differing |= elements[i] ^ elements[0];
        falls |= elements[i] < elements[i - 1];
    }
    if (!falls)
        return;

    uint32_t *from = elements, *to = scratch;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        if ((differing >> shift & 0xff) == 0)
            continue;
        size_t start[DIGITS] = {0};
        for (size_t i = 0; i < n; i++)
            start[from[i] >> shift & 0xff]++;
        counts_to_starts(start);
        for (size_t i = 0; i < n; i++)
            to[start[from[i] >> shift & 0xff]++] = from[i];
        uint32_t *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != elements)
        memcpy(elements, from, n * sizeof *elements);
}

static void
insert_upper(uint64_t *elements, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t element = elements[i];
        size_t at = i;
        for (; at > 0 && elements[at - 1] >> 32 > element >> 32; at--)
            elements[at] = elements[at - 1];
        elements[at] = element;
    }
}

/* Digits of the bits in which elements differ, from bit shift on: few passes where the elements are
 * many enough to be worth the counters. */
typedef struct {
    unsigned shift, width, passes;
} Digits;

static Digits
choose_digits(uint64_t differing, size_t n)
{
    unsigned lowest = (unsigned)__builtin_ctzll(differing);
    unsigned bits = 64 - (unsigned)__builtin_clzll(differing) - lowest;
    unsigned widest = n < WIDE_FROM ? DIGIT_BITS : WIDE_BITS;
    unsigned passes = (bits + widest - 1) / widest;
    return (Digits){.shift = lowest, .width = (bits + passes - 1) / passes, .passes = passes};
}

void
gasket_sort_upper(uint64_t *elements, size_t n, uint64_t *scratch)
{
    if (n < INSERTION_BELOW) {
        insert_upper(elements, n);
        return;
    }
    uint64_t differing = 0;
    bool falls = false;
    for (size_t i = 1; i < n; i++) {
        differing |= elements[i] ^ elements[0];
        falls |= elements[i] >> 32 < elements[i - 1] >> 32;
    }
    if (!falls)
        return;

    Digits digits = choose_digits(differing >> 32 << 32, n);
    const uint64_t mask = (UINT64_C(1) << digits.width) - 1;
    uint32_t start[PASSES_MAX << WIDE_BITS];
    memset(start, 0, ((size_t)digits.passes << digits.width) * sizeof *start);
    for (size_t i = 0; i < n; i++) {
        uint64_t rest = elements[i] >> digits.shift;
        for (unsigned pass = 0; pass < digits.passes; pass++, rest >>= digits.width)
            start[((uint64_t)pass << digits.width) + (rest & mask)]++;
    }
    uint64_t *from = elements, *to = scratch;
    for (unsigned pass = 0; pass < digits.passes; pass++) {
        uint32_t *next = start + ((size_t)pass << digits.width);
        unsigned shift = digits.shift + pass * digits.width;
        uint32_t before = 0;
        for (uint64_t d = 0; d <= mask; d++) {
            uint32_t count = next[d];
            next[d] = before;
            before += count;
        }
        for (size_t i = 0; i < n; i++)
            to[next[from[i] >> shift & mask]++] = from[i];
        uint64_t *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != elements)
        memcpy(elements, from, n * sizeof *elements);
}

void
gasket_sort_pairs(GasketPair *pairs, size_t n, GasketPair *scratch)
{
    if (n < 2)
        return;
    uint64_t differing = 0;
    bool falls = false;
    for (size_t i = 1; i < n; i++) {
        differing |= pairs[i].key ^ pairs[0].key;
        falls |= pairs[i].key < pairs[i - 1].key;
    }
    if (!falls)
        return;

    GasketPair *from = pairs, *to = scratch;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if ((differing >> shift & 0xff) == 0)
            continue;
        size_t start[DIGITS] = {0};
        for (size_t i = 0; i < n; i++)
            start[from[i].key >> shift & 0xff]++;
        counts_to_starts(start);
        for (size_t i = 0; i < n; i++)
            to[start[from[i].key >> shift & 0xff]++] = from[i];
        GasketPair *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != pairs)
        memcpy(pairs, from, n * sizeof *pairs);
}
