/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts by hash: every vertex to a part that depends on its ordinal, its kind and the seed alone.
 *
 * The position is mixed until every bit of it bears on every bit of the result; the part is the
 * upper half of (32 mixed bits * parts), which needs no division and favours no part by more than
 * parts / 2^32.
 *
 * Ordinals, not numbers: a vertex keeps its part when the numbering changes.
 *
 * Cost: O(V) time, no memory. A random edge is cut with probability 1 - 1/parts.
 * Reference: the finalizer of MurmurHash3 with the constants of Stafford's variant 13.
 */
#include "partition/methods.h"

static uint64_t
mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void
gasket_partition_hash(const GasketPartitionView *view, const GasketPartitionOptions *options,
                      uint32_t **part)
{
    uint64_t salt = mix(options->seed + UINT64_C(0x9e3779b97f4a7c15));

    for (unsigned k = 0; k < view->n_kinds; k++) {
        const uint32_t *ordinal = view->graph->kinds[k].ordinal;
        uint32_t n = gasket_partition_view_n(view, k);
        for (uint32_t x = 0; x < n; x++) {
            uint64_t position = (uint64_t)k << 32 | (ordinal ? ordinal[x] : x);
            uint64_t bits = mix(position ^ salt) >> 32;
            part[k][x] = (uint32_t)(bits * options->parts >> 32);
        }
    }
}
