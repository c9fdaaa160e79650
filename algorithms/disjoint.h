/* SPDX-License-Identifier: Apache-2.0 */
/* Disjoint sets of 0 .. n - 1 as trees: parent[v] is v in a root. */
#ifndef GASKET_ALGORITHMS_DISJOINT_H
#define GASKET_ALGORITHMS_DISJOINT_H

#include <stdint.h>

/* The root of v's set; halves the path to it. */
static inline uint32_t
disjoint_root(uint32_t *parent, uint32_t v)
{
    while (parent[v] != v)
        v = parent[v] = parent[parent[v]];
    return v;
}

#endif
