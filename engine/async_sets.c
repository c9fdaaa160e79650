/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of a block's vertices that do not read one another. See async_sets.h. */
#include "engine/async_sets.h"

#include <string.h>

G_STATIC_ASSERT(GASKET_ASYNC_BLOCK == 64); /* members of a block are bits */

#define PLACES  256
#define NOWHERE UINT8_MAX

/* A block, and where its vertices stand in it. */
typedef struct {
    const uint32_t *vertex; /* [count] ascending */
    size_t count;
    uint32_t first, width; /* of the vertices: first .. first + width */
    bool is_shared;        /* two have the same low bits: one of them is not in place */
    uint8_t place[PLACES]; /* of a vertex by its low bits */
} Block;

static void
init_block(Block *block, const uint32_t *vertex, size_t count)
{
    block->vertex = vertex;
    block->count = count;
    block->first = vertex[0];
    block->width = vertex[count - 1] - block->first;
    block->is_shared = false;
    memset(block->place, NOWHERE, sizeof block->place);
    for (size_t i = 0; i < count; i++) {
        uint8_t *place = &block->place[vertex[i] % PLACES];
        block->is_shared |= *place != NOWHERE;
        *place = (uint8_t)i;
    }
}

static size_t
search(const Block *block, uint32_t u)
{
    size_t low = 0, high = block->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (block->vertex[middle] < u)
            low = middle + 1;
        else
            high = middle;
    }
    return low < block->count && block->vertex[low] == u ? low : NOWHERE;
}

/* Where u stands, which is not beyond the last vertex, or NOWHERE. */
static inline size_t
place_of(const Block *block, uint32_t u)
{
    uint8_t place = block->place[u % PLACES];

    if (place == NOWHERE || block->vertex[place] == u)
        return place;
    return block->is_shared ? search(block, u) : NOWHERE;
}

/* Notes as bits which vertices of the block each names, and by which it is named. */
static bool
find_neighbours(const GasketAsyncKind *kind, const GasketRows *rows, const Block *block,
                uint64_t *beside)
{
    uint64_t any = 0;

    for (unsigned s = 0; s < kind->program->n_rows; s++) {
        const uint32_t *neighbour = rows[s].neighbour;
        if (kind->neighbour_kind[s] != kind->program->kind)
            continue;
        for (size_t i = 0; i < block->count; i++) {
            for (uint64_t e = rows[s].begin[i]; e < rows[s].end[i]; e++) {
                uint32_t u = neighbour[e];
                if (u - block->first > block->width)
                    continue;
                size_t j = place_of(block, u);
                if (j == NOWHERE || j == i)
                    continue;
                beside[i] |= UINT64_C(1) << j;
                beside[j] |= UINT64_C(1) << i;
                any = 1;
            }
        }
    }
    return any != 0;
}

/* Each vertex into the first set that has none of its neighbours; returns how many there are. */
static unsigned
choose_sets(const uint64_t *beside, size_t count, uint64_t *members)
{
    unsigned n = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned s = 0;
        while (s < n && (members[s] & beside[i]) != 0)
            s++;
        if (s == n)
            members[n++] = 0;
        members[s] |= UINT64_C(1) << i;
    }
    return n;
}

void
gasket_async_sets_one(GasketAsyncSets *sets, const uint32_t *vertex, size_t count)
{
    sets->n = count > 0;
    sets->begin[0] = 0;
    sets->begin[1] = (uint32_t)count;
    memcpy(sets->vertex, vertex, count * sizeof *sets->vertex);
}

void
gasket_async_sets_split(GasketAsyncSets *sets, const GasketAsyncKind *kind, const GasketRows *rows,
                        const uint32_t *vertex, size_t count)
{
    uint64_t beside[GASKET_ASYNC_BLOCK] = {0}, members[GASKET_ASYNC_BLOCK];
    Block block;
    uint32_t n = 0;

    gasket_async_sets_one(sets, vertex, count);
    if (count == 0)
        return;
    init_block(&block, vertex, count);
    if (!find_neighbours(kind, rows, &block, beside))
        return;
    sets->n = choose_sets(beside, count, members);
    for (unsigned s = 0; s < sets->n; s++) {
        for (uint64_t left = members[s]; left != 0; left &= left - 1)
            sets->vertex[n++] = vertex[__builtin_ctzll(left)];
        sets->begin[s + 1] = n;
    }
}
