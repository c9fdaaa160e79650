/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of direct ids with ranks: see id_set.h.
 *
 * Invariants:
 *   1. dense: bits from end on are 0. Sealed: rank[i] counts the bits before bit 512 i.
 *   2. sparse: at most half of the slots are used; a key is reached from its hash without passing a
 *      free slot. n is the number of keys.
 *
 * Cost: dense 1 bit for each number below end; sparse 8 to 16 bytes an id (16 to 32 when sealed).
 */
#include "engine/id_set.h"

#include "engine/array.h"
#include "engine/sort.h"

#define BITS_PER_ADD 16
#define ALWAYS_DENSE (UINT32_C(1) << 24) /* 2 MiB of bits */
#define FIRST_SLOTS  1024
#define GOLDEN_RATIO UINT64_C(0x9e3779b97f4a7c15) /* of 2^64 */

static bool
init_slots(GasketIdSet *set, uint64_t n_slots, GError **error)
{
    set->keys = gasket_array_new(n_slots, sizeof *set->keys, error);
    set->n_slots = n_slots;
    set->shift = 64 - (unsigned)__builtin_ctzll(n_slots);
    return set->keys != NULL;
}

bool
gasket_id_set_init(GasketIdSet *set, uint32_t end, uint64_t n_adds, GError **error)
{
    *set = (GasketIdSet){.end = end};
    if (end <= ALWAYS_DENSE || end / BITS_PER_ADD <= n_adds) {
        set->bits = gasket_array_new(((uint64_t)end + 511) / 512 * 8, sizeof *set->bits, error);
        return set->bits != NULL;
    }
    return init_slots(set, FIRST_SLOTS, error);
}

void
gasket_id_set_clear(GasketIdSet *set)
{
    gasket_array_free((void *)set->bits);
    gasket_array_free(set->rank);
    gasket_array_free(set->keys);
    gasket_array_free(set->ranks);
    *set = (GasketIdSet){0};
}

/* The slot that holds a key, or the free one where it belongs. */
static uint64_t
find_slot(const GasketIdSet *set, uint32_t key)
{
    uint64_t at = key * GOLDEN_RATIO >> set->shift;
    while (set->keys[at] != key && set->keys[at] != 0)
        at = (at + 1) & (set->n_slots - 1);
    return at;
}

static bool
grow(GasketIdSet *set, GError **error)
{
    GasketIdSet larger = *set;
    if (!init_slots(&larger, 2 * set->n_slots, error))
        return false;
    for (uint64_t i = 0; i < set->n_slots; i++) {
        if (set->keys[i] != 0)
            larger.keys[find_slot(&larger, set->keys[i])] = set->keys[i];
    }
    gasket_array_free(set->keys);
    *set = larger;
    return true;
}

bool
gasket_id_set_add_sparse(GasketIdSet *set, uint32_t id, GError **error)
{
    uint64_t at = find_slot(set, id + 1);
    if (set->keys[at] != 0)
        return true;
    if (2 * ((uint64_t)set->n + 1) > set->n_slots) {
        if (!grow(set, error))
            return false;
        at = find_slot(set, id + 1);
    }
    set->keys[at] = id + 1;
    set->n++;
    return true;
}

static bool
seal_dense(GasketIdSet *set, GError **error)
{
    uint64_t n_groups = ((uint64_t)set->end + 511) / 512;
    set->rank = gasket_array_new(n_groups, sizeof *set->rank, error);
    if (set->rank == NULL)
        return false;
    uint32_t n = 0;
    for (uint64_t group = 0; group < n_groups; group++) {
        set->rank[group] = n;
        for (uint64_t word = 8 * group; word < 8 * group + 8; word++)
            n += (uint32_t)__builtin_popcountll(
                atomic_load_explicit(&set->bits[word], memory_order_relaxed));
    }
    set->n = n;
    return true;
}

/* The keys ascending, as ids. */
static bool
sorted_ids(const GasketIdSet *set, uint32_t *ids, GError **error)
{
    uint32_t *scratch = gasket_array_new(set->n, sizeof *scratch, error);
    if (scratch == NULL)
        return false;
    uint32_t n = 0;
    for (uint64_t i = 0; i < set->n_slots; i++) {
        if (set->keys[i] != 0)
            ids[n++] = set->keys[i] - 1;
    }
    gasket_sort_u32(ids, n, scratch);
    gasket_array_free(scratch);
    return true;
}

static bool
seal_sparse(GasketIdSet *set, GError **error)
{
    set->ranks = gasket_array_new(set->n_slots, sizeof *set->ranks, error);
    if (set->ranks == NULL)
        return false;
    uint32_t *ids = gasket_array_new(set->n, sizeof *ids, error);
    bool done = ids != NULL && sorted_ids(set, ids, error);
    for (uint32_t i = 0; done && i < set->n; i++)
        set->ranks[find_slot(set, ids[i] + 1)] = i;
    gasket_array_free(ids);
    return done;
}

bool
gasket_id_set_seal(GasketIdSet *set, GError **error)
{
    return set->bits != NULL ? seal_dense(set, error) : seal_sparse(set, error);
}

void
gasket_id_set_list(const GasketIdSet *set, uint32_t *ret_ids)
{
    if (set->bits == NULL) {
        for (uint64_t i = 0; i < set->n_slots; i++) {
            if (set->keys[i] != 0)
                ret_ids[set->ranks[i]] = set->keys[i] - 1;
        }
        return;
    }
    uint32_t n = 0;
    for (uint64_t word = 0; word < ((uint64_t)set->end + 63) / 64; word++) {
        uint64_t bits = atomic_load_explicit(&set->bits[word], memory_order_relaxed);
        for (; bits != 0; bits &= bits - 1)
            ret_ids[n++] = (uint32_t)(64 * word) + (uint32_t)__builtin_ctzll(bits);
    }
}

uint32_t
gasket_id_set_rank_sparse(const GasketIdSet *set, uint32_t id)
{
    return set->ranks[find_slot(set, id + 1)];
}

static bool
check_dense(const GasketIdSet *set)
{
    uint32_t n = 0;
    for (uint64_t id = 0; id < ((uint64_t)set->end + 511) / 512 * 512; id++) {
        if (id % 512 == 0 && set->rank[id / 512] != n)
            return false;
        bool there = gasket_id_set_has_dense(set, (uint32_t)id);
        if (there && id >= set->end)
            return false;
        n += there;
    }
    return n == set->n;
}

static bool
check_sparse(const GasketIdSet *set)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < set->n_slots; i++) {
        if (set->keys[i] == 0)
            continue;
        n++;
        if (set->keys[i] > set->end || find_slot(set, set->keys[i]) != i || set->ranks[i] >= set->n)
            return false;
    }
    return n == set->n && 2 * n <= set->n_slots;
}

bool
gasket_id_set_check(const GasketIdSet *set, GError **error)
{
    if (set->bits != NULL ? check_dense(set) : check_sparse(set))
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "a set of ids is damaged");
    return false;
}
