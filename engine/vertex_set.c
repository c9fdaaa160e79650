/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of vertices of one kind, this worker's share: a bit for each owned vertex. */
#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/rows_use.h"
#include "engine/run_private.h"

struct GasketVertexSet {
    unsigned kind;
    uint32_t n;
    uint64_t *bits;
};

GasketVertexSet *
gasket_vertex_set_new(const GasketRun *run, unsigned kind)
{
    GasketVertexSet *set = g_new0(GasketVertexSet, 1);
    set->kind = kind;
    set->n = run->part->kinds[kind].n_owned;
    set->bits = g_new0(uint64_t, gasket_bitset_words(set->n) + 1);
    return set;
}

void
gasket_vertex_set_free(GasketVertexSet *set)
{
    if (set == NULL)
        return;
    g_free(set->bits);
    g_free(set);
}

void
gasket_vertex_set_add(GasketVertexSet *set, GasketVertex v)
{
    g_assert(v < set->n);
    gasket_bitset_add(set->bits, v);
}

void
gasket_vertex_set_remove(GasketVertexSet *set, GasketVertex v)
{
    g_assert(v < set->n);
    gasket_bitset_remove(set->bits, v);
}

bool
gasket_vertex_set_has(const GasketVertexSet *set, GasketVertex v)
{
    g_assert(v < set->n);
    return gasket_bitset_has(set->bits, v);
}

void
gasket_vertex_set_fill(GasketVertexSet *set)
{
    gasket_bitset_fill(set->bits, set->n);
}

void
gasket_vertex_set_clear(GasketVertexSet *set)
{
    gasket_bitset_clear(set->bits, set->n);
}

void
gasket_vertex_set_unite(GasketVertexSet *set, const GasketVertexSet *other)
{
    g_assert(set->kind == other->kind);
    for (size_t w = 0; w < gasket_bitset_words(set->n); w++)
        set->bits[w] |= other->bits[w];
}

void
gasket_vertex_set_intersect(GasketVertexSet *set, const GasketVertexSet *other)
{
    g_assert(set->kind == other->kind);
    for (size_t w = 0; w < gasket_bitset_words(set->n); w++)
        set->bits[w] &= other->bits[w];
}

void
gasket_vertex_set_subtract(GasketVertexSet *set, const GasketVertexSet *other)
{
    g_assert(set->kind == other->kind);
    for (size_t w = 0; w < gasket_bitset_words(set->n); w++)
        set->bits[w] &= ~other->bits[w];
}

uint32_t
gasket_vertex_set_count(const GasketVertexSet *set)
{
    return gasket_bitset_count(set->bits, set->n);
}

const uint64_t *
gasket_vertex_set_bits(const GasketVertexSet *set, unsigned kind)
{
    g_assert(set->kind == kind);
    return set->bits;
}

void
gasket_run_activate(GasketRun *run, const GasketVertexSet *set)
{
    GasketKindData *kind = &run->kinds[set->kind];
    kind->all_active = false;
    kind->pushable = (GasketPushable){0};
    for (size_t w = 0; w < gasket_bitset_words(set->n); w++)
        kind->active[w] = set->bits[w];
}

void
gasket_run_wake(GasketRun *run, const GasketVertexSet *set)
{
    GasketKindData *kind = &run->kinds[set->kind];
    kind->pushable = (GasketPushable){0};
    for (size_t w = 0; !kind->all_active && w < gasket_bitset_words(set->n); w++)
        kind->active[w] |= set->bits[w];
}
