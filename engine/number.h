/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbering: from the handles of feeds to the vertex numbers of a graph.
 *
 *   feed 0: 7, 3, "b"       ids of the kind     ordinals      numbers
 *   feed 1: 3, -2, "b"  ──merge──> -2 3 7 b ──> 0 1 2 3 ──order──> 2 0 3 1
 *
 * Ordinals: integers by value, or, if one id of the kind is no canonical decimal, all as text by
 * bytes. Numbers: the ordinals themselves (given), or a permutation of them (degree).
 *
 * Degree of a vertex, for the order: the entries it would have in rows of both directions if every
 * parallel edge were kept; self-loops that the rules drop are not counted. So a directed self-loop
 * counts 2, and an edge of a symmetric relation 2 at each end (its rows serve both directions).
 *
 * Auto chooses, from counts that are a function of the graph:
 *   1. given, if all kinds together have at most 2^17 vertices: their values fit a cache;
 *   2. given, if at least half of the edges (of a sample of one in 32) are near: their ends'
 *      ordinals, scaled to the larger of both kinds, lie less than 2^14 apart;
 *   3. degree, if the eighth of each kind with the highest degrees holds at least half of the ends
 *      of edges;
 *   4. given.
 */
#ifndef GASKET_ENGINE_NUMBER_H
#define GASKET_ENGINE_NUMBER_H

#include "engine/builder.h"
#include "engine/id_set.h"

typedef struct {
    uint32_t n;         /* vertices */
    bool identity;      /* a direct id is its vertex's number */
    uint32_t *table;    /* [direct.end] number by direct id, or NULL */
    GasketIdSet direct; /* the direct ids */
    uint32_t first;     /* number of the first direct id, where by_rank is NULL */
    uint32_t *by_rank;  /* [direct.n] number by rank of direct id; NULL: first + rank */
    uint32_t **other;   /* [n_feeds] arrays: number by index in the feed's dictionary */
} GasketKindNumbers;

typedef struct {
    unsigned n_kinds, n_feeds;
    GasketKindNumbers *kinds; /* [n_kinds] */
} GasketNumbers;

/* Merges and orders the ids of every feed. Fills the kinds of graph with n_vertices, ids and
 * ordinal, and its order and order_reason. Errors: MEMORY; ARGUMENT if a kind has too many
 * vertices. O(E + V), text ids O(V log V). */
GasketNumbers *gasket_numbers_new(const GasketGraphBuilder *builder, const GasketGraphRules *rules,
                                  GasketGraph *graph, GError **error);
void gasket_numbers_free(GasketNumbers *numbers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketNumbers, gasket_numbers_free)

/* The number of a handle; other: that of the handle's feed. */
static inline uint32_t
gasket_number_of(const GasketKindNumbers *kind, const uint32_t *other, uint32_t handle)
{
    if (handle >= GASKET_FEED_DIRECT)
        return other[handle - GASKET_FEED_DIRECT];
    if (kind->identity)
        return handle;
    if (kind->table != NULL)
        return kind->table[handle];
    uint32_t rank = gasket_id_set_rank(&kind->direct, handle);
    return kind->by_rank != NULL ? kind->by_rank[rank] : kind->first + rank;
}

/* The numbers of n handles that stand `stride` apart. */
static inline void
gasket_numbers_of(const GasketKindNumbers *kind, const uint32_t *other, size_t n, size_t stride,
                  const uint32_t *restrict handles, uint32_t *restrict ret_numbers)
{
    const uint32_t *table = kind->table;
    uint32_t any = 0;

    for (size_t i = 0; i < n; i++)
        any |= handles[i * stride];
    if (any >= GASKET_FEED_DIRECT || (!kind->identity && table == NULL)) {
        for (size_t i = 0; i < n; i++)
            ret_numbers[i] = gasket_number_of(kind, other, handles[i * stride]);
    } else if (kind->identity) {
        for (size_t i = 0; i < n; i++)
            ret_numbers[i] = handles[i * stride];
    } else {
        for (size_t i = 0; i < n; i++)
            ret_numbers[i] = table[handles[i * stride]];
    }
}

/* A block of a feed, with what its handles mean. */
typedef struct {
    unsigned feed;
    GasketBlock *block;
    unsigned ends; /* 1: vertices of kind[0]; 2: edges from kind[0] to kind[1] */
    unsigned kind[2];
    bool symmetric;
} GasketPiece;

/* The steps of gasket_numbers_new, each in a file of its own. */

/* number_merge.c: the ids of one kind ascending, numbers that are ordinals. direct is sealed. */
bool gasket_numbers_merge(const GasketGraphBuilder *builder, unsigned kind,
                          GasketKindNumbers *numbers, GasketIds *ret_ids, GError **error);

/* number_order.c: chooses the order and, where it is degree, renumbers. */
bool gasket_numbers_order(GasketNumbers *numbers, const GasketPiece *pieces, size_t n_pieces,
                          const GasketGraphRules *rules, const GasketGraphBuilder *builder,
                          GasketGraph *graph, GError **error);

#endif
