/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of direct ids (0 .. 2^31 - 1) that knows each one's rank: how many lower ones it holds.
 *
 *   dense   bits  one bit an id, in 512s          0110 1001 ... | 0000 ... | 1100 ...
 *           rank  ids before each 512             0             | 214      | 214
 *   sparse  hash table: keys (id + 1, 0 = free) and, once sealed, their ranks
 *
 *   empty ──add──> filling ──seal──> sealed: contains, rank, list
 */
#ifndef GASKET_ENGINE_ID_SET_H
#define GASKET_ENGINE_ID_SET_H

#include <stdatomic.h>

#include <gasket/error.h>

typedef struct {
    uint32_t end; /* above every id that may be added */
    uint32_t n;   /* ids; of a dense set, once sealed */

    _Atomic uint64_t *bits; /* [(end + 511) / 512 * 8], or NULL: sparse */
    uint32_t *rank;         /* [(end + 511) / 512], once sealed */

    uint32_t *keys;   /* [n_slots] */
    uint32_t *ranks;  /* [n_slots], once sealed */
    uint64_t n_slots; /* a power of two */
    unsigned shift;   /* of a product's upper bits: 64 - log2 n_slots */
} GasketIdSet;

/* An empty set, which becomes dense if that takes at most about 2 bytes for each of n_adds. */
bool gasket_id_set_init(GasketIdSet *set, uint32_t end, uint64_t n_adds, GError **error);
void gasket_id_set_clear(GasketIdSet *set);

/* Adds an id to a dense set: from any thread, and cannot fail. */
static inline void
gasket_id_set_add_dense(GasketIdSet *set, uint32_t id)
{
    _Atomic uint64_t *word = &set->bits[id / 64];
    uint64_t bit = UINT64_C(1) << id % 64;
    if (!(atomic_load_explicit(word, memory_order_relaxed) & bit))
        atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
}

/* Whether a dense set holds an id below end. */
static inline bool
gasket_id_set_has_dense(const GasketIdSet *set, uint32_t id)
{
    return atomic_load_explicit(&set->bits[id / 64], memory_order_relaxed) >> id % 64 & 1;
}

/* Adds an id to a sparse set: from one thread. */
bool gasket_id_set_add_sparse(GasketIdSet *set, uint32_t id, GError **error);

/* Ends the adding. O(end / 64) or O(n). */
bool gasket_id_set_seal(GasketIdSet *set, GError **error);

/* For tests: the invariants of id_set.c, of a sealed set. */
bool gasket_id_set_check(const GasketIdSet *set, GError **error);

/* The ids ascending, ret_ids [n]. */
void gasket_id_set_list(const GasketIdSet *set, uint32_t *ret_ids);

uint32_t gasket_id_set_rank_sparse(const GasketIdSet *set, uint32_t id);

/* The rank of an id that is in the set. */
static inline uint32_t
gasket_id_set_rank(const GasketIdSet *set, uint32_t id)
{
    if (set->bits == NULL)
        return gasket_id_set_rank_sparse(set, id);
    uint32_t rank = set->rank[id / 512];
    uint32_t word = id / 512 * 8;
    for (; word < id / 64; word++)
        rank += (uint32_t)__builtin_popcountll(
            atomic_load_explicit(&set->bits[word], memory_order_relaxed));
    uint64_t below = (UINT64_C(1) << id % 64) - 1;
    return rank + (uint32_t)__builtin_popcountll(
                      atomic_load_explicit(&set->bits[word], memory_order_relaxed) & below);
}

#endif
