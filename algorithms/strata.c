/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of users and items, and whose turn it is. See strata.h and the drawing in sgd.c.
 *
 * Cost: 4 (B + 1) bytes a user of this worker and, where there are several workers, 8 a user of
 * all while the turns are made.
 */
#include "strata.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_BLOCKS = 32,
    FEW_BLOCKS = 8,
    RATINGS_A_PIECE = 16, /* of a user in a block, at the least where there are more than FEW */
    RATINGS_A_BLOCK = 1024,
    MAX_BUCKETS = 4096, /* of numbers; bounds of blocks are bounds of buckets */
    STREAM_ORDER = 7001,
};

/* Users first .. end - 1 by number, all of one owner and one block. */
typedef struct {
    uint32_t first, end;
    uint32_t owner;
} Turn;

struct Strata {
    GasketRun *run;
    unsigned n_blocks;
    uint32_t bound[2][MAX_BLOCKS + 1]; /* numbers at which blocks of users, items begin */
    uint32_t n_users;                  /* of this worker */
    GasketVertex *user;                /* [n_users] ascending by number */
    uint32_t *cut; /* [n_users][n_blocks + 1] where a block of items begins in the row */
    Turn *turns;   /* [turn_begin[n_blocks]] */
    uint32_t turn_begin[MAX_BLOCKS + 1];
    uint32_t *holder; /* [n items of this worker] */
    uint64_t epoch;
};

static const GasketRowSet user_rows = {0, GASKET_OUT}, item_rows = {0, GASKET_IN};

static void *
try_new(size_t n, size_t size, GError **error)
{
    void *array = g_try_malloc0_n(n + 1, size);
    if (array == NULL)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "no memory for the blocks of %zu users or items", n);
    return array;
}

void
strata_free(Strata *strata)
{
    if (strata == NULL)
        return;
    g_free(strata->user);
    g_free(strata->cut);
    g_free(strata->turns);
    g_free(strata->holder);
    g_free(strata);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Bounds of blocks of about equal work, from the ratings (and one more a vertex) in each bucket of
 * numbers: integers, whose sums are exact. */
static bool
divide(Strata *strata, unsigned kind, const GasketRows *rows, GError **error)
{
    const GasketContext *context = gasket_run_context(strata->run, kind);
    const uint32_t n = context->n_vertices, n_buckets = MIN(n, MAX_BUCKETS);
    double work[MAX_BUCKETS] = {0}, total = 0, before = 0;

    for (size_t r = 0; r < rows->count; r++) {
        uint64_t number = context->number[rows->vertex[r]];
        work[number * n_buckets / n] += (double)(rows->end[r] - rows->begin[r] + 1);
    }
    if (!gasket_run_reduce_sum(strata->run, work, n_buckets, error))
        return false;
    for (uint32_t i = 0; i < n_buckets; i++)
        total += work[i];
    unsigned block = 0;
    for (uint32_t i = 0; i < n_buckets; i++) {
        while (block < strata->n_blocks && before * strata->n_blocks >= total * block)
            strata->bound[kind][block++] =
                (uint32_t)(((uint64_t)i * n + n_buckets - 1) / n_buckets);
        before += work[i];
    }
    while (block <= strata->n_blocks)
        strata->bound[kind][block++] = n;
    return true;
}

static int
compare_numbers(const void *a, const void *b, void *data)
{
    const uint32_t *number = data;
    uint32_t x = number[*(const uint32_t *)a], y = number[*(const uint32_t *)b];
    return x < y ? -1 : x > y;
}

static bool
cut_rows(Strata *strata, const GasketRows *rows, GError **error)
{
    const GasketContext *context = gasket_run_context(strata->run, 0);
    const unsigned n = strata->n_blocks;

    strata->n_users = context->n_owned;
    strata->user = try_new(strata->n_users, sizeof *strata->user, error);
    if (strata->user == NULL)
        return false;
    strata->cut = try_new(strata->n_users, (n + 1) * sizeof *strata->cut, error);
    if (strata->cut == NULL)
        return false;
    for (uint32_t i = 0; i < strata->n_users; i++)
        strata->user[i] = i;
    qsort_r(strata->user, strata->n_users, sizeof *strata->user, compare_numbers,
            (void *)context->number);
    for (uint32_t i = 0; i < strata->n_users; i++) {
        GasketVertex u = strata->user[i];
        uint64_t e = rows->begin[u];
        for (unsigned b = 0; b <= n; b++) {
            while (e < rows->end[u] &&
                   rows->neighbour_number[rows->neighbour[e]] < strata->bound[1][b])
                e++;
            strata->cut[(size_t)i * (n + 1) + b] = (uint32_t)(e - rows->begin[u]);
        }
    }
    return true;
}

/* ---- turns ----------------------------------------------------------------------------------- */

/* The owner of every user by number; free with g_free. */
static double *
all_owners(GasketRun *run, GError **error)
{
    const GasketContext *context = gasket_run_context(run, 0);
    double *owner = try_new(context->n_vertices, sizeof *owner, error);
    if (owner == NULL)
        return NULL;
    for (GasketVertex u = 0; u < context->n_owned; u++)
        owner[context->number[u]] = gasket_run_rank(run);
    if (gasket_run_n_workers(run) > 1 &&
        !gasket_run_reduce_max(run, owner, context->n_vertices, error)) {
        g_free(owner);
        return NULL;
    }
    return owner;
}

static bool
make_turns(Strata *strata, GError **error)
{
    const uint32_t n = gasket_run_n_vertices(strata->run, 0);
    g_autofree double *owner = all_owners(strata->run, error);
    if (owner == NULL)
        return false;
    uint32_t n_turns = strata->n_blocks;
    for (uint32_t i = 1; i < n; i++)
        n_turns += owner[i] != owner[i - 1];
    strata->turns = try_new(n_turns, sizeof *strata->turns, error);
    if (strata->turns == NULL)
        return false;
    n_turns = 0;
    for (unsigned b = 0; b < strata->n_blocks; b++) {
        const uint32_t first = strata->bound[0][b], end = strata->bound[0][b + 1];
        strata->turn_begin[b] = n_turns;
        for (uint32_t i = first; i < end; i++) {
            if (i == first || owner[i] != owner[i - 1])
                strata->turns[n_turns++] = (Turn){.first = i, .owner = (uint32_t)owner[i]};
            strata->turns[n_turns - 1].end = i + 1;
        }
    }
    strata->turn_begin[strata->n_blocks] = n_turns;
    return true;
}

/* B: as many as there may be threads, but pieces of rows that are worth a call. */
static unsigned
choose_blocks(const GasketRun *run)
{
    const double n = (double)gasket_run_n_edges(run, 0);
    const double row = n / fmax(gasket_run_n_vertices(run, 0), 1);
    double most = fmin(fmax(row / RATINGS_A_PIECE, FEW_BLOCKS), MAX_BLOCKS);
    return (unsigned)fmax(fmin(sqrt(n / RATINGS_A_BLOCK), most), 1);
}

Strata *
strata_new(GasketRun *run, GError **error)
{
    g_autoptr(Strata) strata = g_new0(Strata, 1);
    g_autoptr(GasketRows) of_users = gasket_run_rows(run, user_rows, error);
    if (of_users == NULL)
        return NULL;
    g_autoptr(GasketRows) of_items = gasket_run_rows(run, item_rows, error);
    if (of_items == NULL)
        return NULL;
    strata->run = run;
    gasket_run_keep(run, &strata->epoch, sizeof strata->epoch);
    strata->n_blocks = choose_blocks(run);
    strata->holder = try_new(gasket_run_n_owned(run, 1), sizeof *strata->holder, error);
    if (strata->holder == NULL || !divide(strata, 0, of_users, error) ||
        !divide(strata, 1, of_items, error) || !cut_rows(strata, of_users, error) ||
        !make_turns(strata, error))
        return NULL;
    return g_steal_pointer(&strata);
}

/* ---- an epoch -------------------------------------------------------------------------------- */

/* Whether an item has a rating of a user first .. end - 1. */
static bool
is_rated(const GasketRows *rows, size_t r, uint32_t first, uint32_t end)
{
    uint64_t low = rows->begin[r], high = rows->end[r];
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (rows->neighbour_number[rows->neighbour[middle]] < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < rows->end[r] && rows->neighbour_number[rows->neighbour[low]] < end;
}

/* The turn of a block of users, or NULL if it has no such turn. */
static const Turn *
turn_of(const Strata *strata, unsigned block, uint32_t turn)
{
    uint32_t i = strata->turn_begin[block] + turn;
    return i < strata->turn_begin[block + 1] ? &strata->turns[i] : NULL;
}

static void
choose_holders(Strata *strata, unsigned stratum, uint32_t turn, const GasketRows *of_items)
{
    const GasketContext *context = gasket_run_context(strata->run, 1);
    const unsigned n = strata->n_blocks, rank = gasket_run_rank(strata->run);

    for (GasketVertex i = 0; i < context->n_owned; i++) {
        strata->holder[i] = rank;
        if (gasket_run_n_workers(strata->run) == 1)
            continue;
        unsigned block = 0;
        while (context->number[i] >= strata->bound[1][block + 1])
            block++;
        const Turn *its = turn_of(strata, (block + n - stratum) % n, turn);
        if (its != NULL && is_rated(of_items, i, its->first, its->end))
            strata->holder[i] = its->owner;
    }
}

typedef struct {
    const Strata *strata;
    const GasketRows *rows;
    unsigned stratum;
    uint32_t turn;
    StrataUpdate update;
    void *data;
} Work;

/* The first of this worker's users whose number is not below. */
static uint32_t
lower_bound(const Strata *strata, const uint32_t *number, uint32_t below)
{
    uint32_t low = 0, high = strata->n_users;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (number[strata->user[middle]] < below)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
work_on_block(void *data, size_t block)
{
    const Work *work = data;
    const Strata *strata = work->strata;
    const uint32_t *number = gasket_run_context(strata->run, 0)->number;
    const unsigned n = strata->n_blocks, items = ((unsigned)block + work->stratum) % n;
    const Turn *turn = turn_of(strata, (unsigned)block, work->turn);

    if (turn == NULL || turn->owner != gasket_run_rank(strata->run))
        return;
    for (uint32_t i = lower_bound(strata, number, turn->first);
         i < strata->n_users && number[strata->user[i]] < turn->end; i++) {
        const uint32_t *cut = strata->cut + (size_t)i * (n + 1) + items;
        uint64_t row = work->rows->begin[strata->user[i]];
        if (cut[0] < cut[1])
            work->update(work->data, work->rows, strata->user[i], row + cut[0], row + cut[1]);
    }
}

static bool
run_stratum(const Work *work, const GasketRows *of_items, float **items, GError **error)
{
    Strata *strata = (Strata *)work->strata;
    GasketRun *run = strata->run;
    uint32_t n_turns = 0;

    for (unsigned b = 0; b < strata->n_blocks; b++)
        n_turns = MAX(n_turns, strata->turn_begin[b + 1] - strata->turn_begin[b]);
    for (uint32_t turn = 0; turn < n_turns; turn++) {
        Work now = *work;
        GasketLease *lease;
        now.turn = turn;
        choose_holders(strata, work->stratum, turn, of_items);
        if (!gasket_run_lease_begin(run, 1, strata->holder, &lease, error))
            return false;
        *items = gasket_lease_values(lease);
        gasket_run_parallel(run, strata->n_blocks, work_on_block, &now);
        if (!gasket_run_lease_end_take(run, &lease, error))
            return false;
    }
    return true;
}

/* The strata in an order that is drawn. */
static void
draw_order(const Strata *strata, unsigned *order)
{
    GasketRandom random =
        gasket_random_at(gasket_run_seed(strata->run), STREAM_ORDER, 0, strata->epoch);
    for (unsigned s = 0; s < strata->n_blocks; s++) {
        unsigned other = gasket_random_below(&random, s + 1);
        order[s] = order[other];
        order[other] = s;
    }
}

bool
strata_epoch(Strata *strata, StrataValues values, StrataUpdate update, void *data, GError **error)
{
    GasketRun *run = strata->run;
    const uint32_t n_users = gasket_run_n_owned(run, 0);
    unsigned order[MAX_BLOCKS] = {0};
    GasketLease *users;
    g_autoptr(GasketRows) of_users = gasket_run_rows(run, user_rows, error);
    if (of_users == NULL)
        return false;
    g_autoptr(GasketRows) of_items = gasket_run_rows(run, item_rows, error);
    g_autofree uint32_t *own = of_items ? try_new(n_users, sizeof *own, error) : NULL;
    if (own == NULL)
        return false;
    for (uint32_t u = 0; u < n_users; u++)
        own[u] = gasket_run_rank(run);
    if (!gasket_run_lease_begin(run, 0, own, &users, error))
        return false;
    *values.users = gasket_lease_values(users);

    Work work = {.strata = strata, .rows = of_users, .update = update, .data = data};
    bool ok = true;
    draw_order(strata, order);
    for (unsigned s = 0; s < strata->n_blocks && ok; s++) {
        work.stratum = order[s];
        ok = run_stratum(&work, of_items, values.items, error);
    }
    strata->epoch++;
    return gasket_run_lease_end_take(run, &users, ok ? error : NULL) && ok;
}
