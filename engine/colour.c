/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a colouring: the greedy one in a random order, by all workers at once.
 *
 * Every vertex has a priority, a random number that is a function of its number. It gets the
 * smallest colour that no vertex of higher priority that it conflicts with has. Colour by colour:
 * of those still without one, a vertex takes the colour if it is the highest of all candidates
 * that it conflicts with, and is out for this colour if one of them has taken it.
 *
 *   key   0                            out for this colour, or coloured before
 *         CANDIDATE | priority | number
 *         TAKEN | CANDIDATE | ...      has this colour; above all candidates
 *
 *   round   each vertex learns the highest key within its distance, then takes, leaves or waits
 *
 * Keys spread by maxima over closed neighbourhoods, whatever the direction of an edge:
 *
 *   distance 1             near = max(own, gathered from the row, scattered along others' rows)
 *   distance 2, one kind   the same twice
 *   distance 2, two kinds  scattered to the vertices between, then gathered from them
 *
 * Scattered maxima go home from ghosts (ghosts_raise.h); in a symmetric relation rows say all.
 *
 * Invariants:
 *   1. Two vertices that conflict never take one colour: keys differ, and one of them is lower.
 *   2. Colours depend on numbers and edges alone: the same for every placement.
 *   3. Every smaller colour is taken by some vertex that a vertex conflicts with.
 *
 * Cost: for each colour about as many rounds as a random order of the candidates makes layers
 * (O(log V)), each over the vertices and the rows of the candidates; at distance 2 within one kind
 * over all rows. 8 bytes a vertex and ghost for each array of keys, two to four of them.
 *
 * Reference: M. T. Jones, P. E. Plassmann, A parallel graph coloring heuristic, SIAM J. Sci.
 * Comput. 14, 1993; G. E. Blelloch, J. T. Fineman, J. Shun, Greedy sequential maximal independent
 * set and matching are parallel on average, SPAA 2012.
 */
#include <stdatomic.h>
#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/colouring.h"
#include "engine/ghosts_raise.h"
#include "engine/vertex_order.h"

#define TAKEN     (UINT64_C(1) << 63)
#define CANDIDATE (UINT64_C(1) << 62)
#define NONE      UINT32_MAX
#define STREAM    0xc01045 /* of priorities */
#define SHARE     256      /* vertices that a thread takes at a time */

/* Keys of a kind's vertices. */
typedef struct {
    unsigned kind;
    uint64_t *next;    /* [n_local] being made */
    uint64_t *known;   /* [n_local] as every rank has them; NULL where nobody else reads them */
    uint64_t *changed; /* [n_owned] bits */
} Keys;

typedef struct {
    GasketRun *run;
    const GasketPartKind *part; /* of the kind that is coloured */
    const GasketPartRows *rows;
    bool one_kind, symmetric;
    unsigned distance;
    uint32_t *colour;   /* [n_owned] */
    GasketVertex *live; /* [n_live] candidates of this colour, out and taken included */
    uint32_t n_live;
    Keys own;          /* what each vertex is */
    Keys between;      /* the highest one step away, at distance 2 */
    uint64_t *highest; /* [n_local] within the distance, of live vertices */
} Colourer;

/* One parallel pass over the rows of some vertices. */
typedef struct {
    const Colourer *colourer;
    const GasketVertex *vertices; /* [n] or NULL: 0 .. n - 1 */
    uint32_t n;
    const uint64_t *own;      /* of the rows' vertices; NULL: nothing */
    const uint64_t *gathered; /* of the neighbours; NULL: do not gather */
    uint64_t *to;             /* where maxima are taken, by the rows' vertices */
    uint64_t *scattered;      /* the same by neighbour; NULL: do not scatter */
    atomic_uint next;
} Pass;

/* What all ranks add up after a round. */
typedef struct {
    uint64_t undecided, uncoloured;
} Left;

/* ---- passes ---------------------------------------------------------------------------------- */

static void
raise_to(uint64_t *to, uint64_t key)
{
    _Atomic uint64_t *at = (_Atomic uint64_t *)to;
    uint64_t found = atomic_load_explicit(at, memory_order_relaxed);

    while (found < key &&
           !atomic_compare_exchange_weak_explicit(at, &found, key, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

static void
pass_vertex(const Pass *pass, GasketVertex v)
{
    const GasketPartRows *rows = pass->colourer->rows;
    uint64_t own = pass->own != NULL ? pass->own[v] : 0, highest = own;
    bool scatters = pass->scattered != NULL && own != 0;

    if (pass->gathered == NULL && !scatters)
        return;
    for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++) {
        uint32_t u = rows->neighbour[e];
        if (scatters)
            raise_to(&pass->scattered[u], own);
        if (pass->gathered != NULL)
            highest = MAX(highest, pass->gathered[u]);
    }
    if (pass->gathered != NULL)
        raise_to(&pass->to[v], highest);
}

static void
pass_work(void *data, unsigned thread G_GNUC_UNUSED)
{
    Pass *pass = data;

    for (;;) {
        uint64_t first =
            (uint64_t)SHARE * atomic_fetch_add_explicit(&pass->next, 1, memory_order_relaxed);
        uint64_t end = MIN(first + SHARE, pass->n);
        if (first >= end)
            return;
        for (uint64_t i = first; i < end; i++)
            pass_vertex(pass, pass->vertices != NULL ? pass->vertices[i] : (GasketVertex)i);
    }
}

/* Makes keys->next known to every rank that reads them. */
static bool
publish(const Colourer *colourer, Keys *keys, GError **error)
{
    const GasketPartKind *part = &colourer->run->part->kinds[keys->kind];
    GasketValues values = {.part = part,
                           .kind = keys->kind,
                           .size = sizeof(uint64_t),
                           .bytes = (uint8_t *)keys->known};

    gasket_bitset_clear(keys->changed, part->n_owned);
    for (GasketVertex v = 0; v < part->n_owned; v++) {
        if (keys->known[v] == keys->next[v])
            continue;
        keys->known[v] = keys->next[v];
        gasket_bitset_add(keys->changed, v);
    }
    return gasket_values_refresh(colourer->run, &values, keys->changed, error);
}

/* Within one kind: to[v] becomes the highest of from in v's closed neighbourhood. */
static bool
spread(const Colourer *colourer, const uint64_t *from, uint64_t *to, bool live_only, GError **error)
{
    Pass pass = {.colourer = colourer,
                 .vertices = live_only ? colourer->live : NULL,
                 .n = live_only ? colourer->n_live : colourer->part->n_owned,
                 .own = from,
                 .gathered = from,
                 .to = to,
                 .scattered = colourer->symmetric ? NULL : to};

    memset(to, 0, (size_t)colourer->part->n_local * sizeof *to);
    gasket_pool_run(colourer->run->pool, pass_work, &pass);
    return colourer->symmetric || gasket_ghosts_raise(colourer->run, colourer->own.kind, to, error);
}

/* Over another kind: to the vertices between, and from there back. */
static bool
spread_between(Colourer *colourer, GError **error)
{
    GasketRun *run = colourer->run;
    Keys *between = &colourer->between;
    Pass scatter = {.colourer = colourer,
                    .vertices = colourer->live,
                    .n = colourer->n_live,
                    .own = colourer->own.next,
                    .scattered = between->next};
    Pass gather = {.colourer = colourer,
                   .vertices = colourer->live,
                   .n = colourer->n_live,
                   .own = colourer->own.next,
                   .gathered = between->known,
                   .to = colourer->highest};

    memset(between->next, 0, (size_t)run->part->kinds[between->kind].n_local * sizeof(uint64_t));
    gasket_pool_run(run->pool, pass_work, &scatter);
    if (!gasket_ghosts_raise(run, between->kind, between->next, error) ||
        !publish(colourer, between, error))
        return false;
    memset(colourer->highest, 0, (size_t)colourer->part->n_local * sizeof(uint64_t));
    gasket_pool_run(run->pool, pass_work, &gather);
    return true;
}

/* colourer->highest of every live vertex. */
static bool
learn(Colourer *colourer, GError **error)
{
    if (!colourer->one_kind && colourer->distance == 2)
        return spread_between(colourer, error);
    if (!colourer->one_kind) { /* nobody conflicts */
        memcpy(colourer->highest, colourer->own.next,
               (size_t)colourer->part->n_owned * sizeof(uint64_t));
        return true;
    }
    if (!publish(colourer, &colourer->own, error))
        return false;
    const uint64_t *from = colourer->own.known;
    if (colourer->distance == 2) {
        if (!spread(colourer, from, colourer->between.next, false, error) ||
            !publish(colourer, &colourer->between, error))
            return false;
        /* Whoever has a key scatters it, live or not. */
        return spread(colourer, colourer->between.known, colourer->highest, false, error);
    }
    return spread(colourer, from, colourer->highest, true, error);
}

/* ---- colours --------------------------------------------------------------------------------- */

/* Every vertex without a colour is a candidate for the next one. */
static void
begin_colour(Colourer *colourer)
{
    uint64_t *key = colourer->own.next;
    uint32_t n = 0;

    for (uint32_t i = 0; i < colourer->n_live; i++) {
        GasketVertex v = colourer->live[i];
        key[v] = 0;
        if (colourer->colour[v] != NONE)
            continue;
        GasketRandom random = gasket_random_at(0, STREAM, colourer->part->number[v], 0);
        uint64_t priority = gasket_random_uint32(&random) >> 2;
        key[v] = CANDIDATE | priority << 32 | colourer->part->number[v];
        colourer->live[n++] = v;
    }
    colourer->n_live = n;
}

/* Candidates take the colour, leave it, or wait. */
static Left
decide(Colourer *colourer, uint32_t colour)
{
    uint64_t *key = colourer->own.next;
    Left left = {0};

    for (uint32_t i = 0; i < colourer->n_live; i++) {
        GasketVertex v = colourer->live[i];
        if ((key[v] & TAKEN) != 0)
            continue;
        if ((colourer->highest[v] & TAKEN) != 0) {
            key[v] = 0;
        } else if (key[v] != 0 && colourer->highest[v] == key[v]) {
            key[v] |= TAKEN;
            colourer->colour[v] = colour;
            continue;
        }
        left.undecided += key[v] != 0;
        left.uncoloured++;
    }
    return left;
}

static bool
add_up(Colourer *colourer, Left *left, GError **error)
{
    unsigned size = colourer->run->part->size;
    g_autofree Left *all = g_new0(Left, size);

    if (size == 1)
        return true;
    if (!gasket_exchange_all(colourer->run->exchange, left, sizeof *left, all, error))
        return false;
    *left = (Left){0};
    for (unsigned p = 0; p < size; p++) {
        left->undecided += all[p].undecided;
        left->uncoloured += all[p].uncoloured;
    }
    return true;
}

static bool
colour_all(Colourer *colourer, uint32_t *ret_n_colours, GError **error)
{
    Left left = {.uncoloured = colourer->part->n_global};
    uint32_t n_colours = 0;

    for (; left.uncoloured > 0; n_colours++) {
        begin_colour(colourer);
        do {
            if (!learn(colourer, error))
                return false;
            left = decide(colourer, n_colours);
            if (!add_up(colourer, &left, error))
                return false;
        } while (left.undecided > 0);
    }
    *ret_n_colours = n_colours;
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool
keys_init(Keys *keys, const GasketRun *run, unsigned kind, GError **error)
{
    const GasketPartKind *part = &run->part->kinds[kind];

    keys->kind = kind;
    keys->next = gasket_array_new(part->n_local, sizeof(uint64_t), error);
    if (keys->next == NULL)
        return false;
    keys->known = gasket_array_new(part->n_local, sizeof(uint64_t), error);
    if (keys->known == NULL)
        return false;
    keys->changed = gasket_array_new(gasket_bitset_words(part->n_owned), sizeof(uint64_t), error);
    return keys->changed != NULL;
}

static void
keys_clear(Keys *keys)
{
    gasket_array_free(keys->next);
    gasket_array_free(keys->known);
    gasket_array_free(keys->changed);
}

static void
colourer_clear(Colourer *colourer)
{
    keys_clear(&colourer->own);
    keys_clear(&colourer->between);
    gasket_array_free(colourer->live);
    gasket_array_free(colourer->highest);
    gasket_array_free(colourer->colour);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Colourer, colourer_clear)

/* Everyone is live and without a colour. other: the neighbours' kind. */
static bool
colourer_init(Colourer *colourer, unsigned kind, unsigned other, GError **error)
{
    const GasketPartKind *part = colourer->part;

    if (!keys_init(&colourer->own, colourer->run, kind, error) ||
        (colourer->distance == 2 && !keys_init(&colourer->between, colourer->run, other, error)))
        return false;
    colourer->highest = gasket_array_new(part->n_local, sizeof(uint64_t), error);
    if (colourer->highest == NULL)
        return false;
    colourer->live = gasket_array_new(part->n_owned, sizeof(GasketVertex), error);
    if (colourer->live == NULL)
        return false;
    colourer->colour = gasket_array_new(part->n_owned, sizeof(uint32_t), error);
    if (colourer->colour == NULL)
        return false;
    colourer->n_live = part->n_owned;
    for (GasketVertex v = 0; v < part->n_owned; v++) {
        colourer->live[v] = v;
        colourer->colour[v] = NONE;
    }
    return true;
}

uint32_t *
gasket_colour_vertices(GasketRun *run, GasketRowSet rows, unsigned distance,
                       uint32_t *ret_n_colours, GError **error)
{
    const GasketPartRelation *relation = &run->part->relations[rows.relation];
    unsigned kind = gasket_part_row_kind(relation, rows.direction);
    unsigned other = gasket_part_neighbour_kind(relation, rows.direction);
    g_auto(Colourer) colourer = {
        .run = run,
        .part = &run->part->kinds[kind],
        .rows = gasket_run_part_rows(run, rows.relation, rows.direction),
        .one_kind = kind == other,
        .symmetric = relation->symmetric,
        .distance = distance,
    };

    if (!colourer_init(&colourer, kind, other, error) ||
        !colour_all(&colourer, ret_n_colours, error))
        return NULL;
    return g_steal_pointer(&colourer.colour);
}
