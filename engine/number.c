/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbering the vertices of a graph: see number.h. Here: which ids there are.
 *
 * Every block of every feed is a piece; threads take pieces and mark direct ids in one set for each
 * kind. Ids of dictionaries are merged in number_merge.c, orders are in number_order.c.
 */
#include "engine/number.h"

#include "engine/array.h"
#include "engine/parallel.h"

void
gasket_numbers_free(GasketNumbers *numbers)
{
    if (numbers == NULL)
        return;
    for (unsigned k = 0; k < numbers->n_kinds; k++) {
        GasketKindNumbers *kind = &numbers->kinds[k];
        gasket_array_free(kind->table);
        gasket_array_free(kind->by_rank);
        gasket_id_set_clear(&kind->direct);
        for (unsigned f = 0; f < numbers->n_feeds; f++)
            gasket_array_free(kind->other[f]);
        g_free(kind->other);
    }
    g_free(numbers->kinds);
    g_free(numbers);
}

static GasketNumbers *
numbers_alloc(const GasketGraphBuilder *builder)
{
    GasketNumbers *numbers = g_new0(GasketNumbers, 1);
    numbers->n_kinds = builder->n_kinds;
    numbers->n_feeds = builder->n_feeds;
    numbers->kinds = g_new0(GasketKindNumbers, builder->n_kinds);
    for (unsigned k = 0; k < builder->n_kinds; k++)
        numbers->kinds[k].other = g_new0(uint32_t *, builder->n_feeds);
    return numbers;
}

static void
add_pieces(const GasketBlockList *list, GasketPiece like, GasketPiece *pieces, size_t *n_pieces)
{
    for (size_t b = 0; b < list->n_blocks; b++) {
        like.block = list->blocks[b];
        like.ends = list->ends;
        pieces[(*n_pieces)++] = like;
    }
}

/* Every block of every feed; a gasket_array. */
static GasketPiece *
list_pieces(const GasketGraphBuilder *builder, size_t *ret_n, GError **error)
{
    size_t n = 0;
    for (unsigned f = 0; f < builder->n_feeds; f++) {
        for (unsigned k = 0; k < builder->n_kinds; k++)
            n += builder->feeds[f]->kinds[k].vertices.n_blocks;
        for (unsigned r = 0; r < builder->n_relations; r++)
            n += builder->feeds[f]->relations[r].n_blocks;
    }
    GasketPiece *pieces = gasket_array_new(n, sizeof *pieces, error);
    if (pieces == NULL)
        return NULL;
    n = 0;
    for (unsigned f = 0; f < builder->n_feeds; f++) {
        GasketFeed *feed = builder->feeds[f];
        for (unsigned k = 0; k < builder->n_kinds; k++)
            add_pieces(&feed->kinds[k].vertices, (GasketPiece){.feed = f, .kind = {k, k}}, pieces,
                       &n);
        for (unsigned r = 0; r < builder->n_relations; r++) {
            const GasketRelationShape *shape = &builder->relations[r];
            add_pieces(&feed->relations[r],
                       (GasketPiece){.feed = f,
                                     .kind = {shape->source, shape->target},
                                     .symmetric = shape->symmetric},
                       pieces, &n);
        }
    }
    *ret_n = n;
    return pieces;
}

/* Empty sets for the direct ids of each kind. */
static bool
init_sets(GasketNumbers *numbers, const GasketGraphBuilder *builder, const GasketPiece *pieces,
          size_t n_pieces, GError **error)
{
    g_autofree uint64_t *n_adds = g_new0(uint64_t, builder->n_kinds);
    for (size_t i = 0; i < n_pieces; i++) {
        for (unsigned end = 0; end < pieces[i].ends; end++)
            n_adds[pieces[i].kind[end]] += pieces[i].block->n;
    }
    for (unsigned k = 0; k < builder->n_kinds; k++) {
        uint32_t end = 0;
        for (unsigned f = 0; f < builder->n_feeds; f++)
            end = MAX(end, builder->feeds[f]->kinds[k].direct_end);
        if (!gasket_id_set_init(&numbers->kinds[k].direct, end, n_adds[k], error))
            return false;
    }
    return true;
}

typedef struct {
    GasketNumbers *numbers;
    const GasketPiece *pieces;
} MarkJob;

/* Marks the direct ids of a piece in the sets that are dense. */
static void
mark_dense(void *data, size_t item, unsigned thread)
{
    (void)thread;
    const MarkJob *job = data;
    const GasketPiece *piece = &job->pieces[item];
    for (unsigned end = 0; end < piece->ends; end++) {
        GasketIdSet *set = &job->numbers->kinds[piece->kind[end]].direct;
        if (set->bits == NULL)
            continue;
        const uint32_t *handles = piece->block->handles + end;
        for (size_t i = 0; i < piece->block->n; i++) {
            uint32_t handle = handles[i * piece->ends];
            if (handle < GASKET_FEED_DIRECT)
                gasket_id_set_add_dense(set, handle);
        }
    }
}

static bool
mark_sparse(GasketNumbers *numbers, const GasketPiece *piece, GError **error)
{
    for (unsigned end = 0; end < piece->ends; end++) {
        GasketIdSet *set = &numbers->kinds[piece->kind[end]].direct;
        if (set->bits != NULL)
            continue;
        const uint32_t *handles = piece->block->handles + end;
        for (size_t i = 0; i < piece->block->n; i++) {
            uint32_t handle = handles[i * piece->ends];
            if (handle < GASKET_FEED_DIRECT && !gasket_id_set_add_sparse(set, handle, error))
                return false;
        }
    }
    return true;
}

static bool
mark(GasketNumbers *numbers, const GasketPiece *pieces, size_t n_pieces, unsigned threads,
     GError **error)
{
    MarkJob job = {.numbers = numbers, .pieces = pieces};
    gasket_parallel(threads, n_pieces, mark_dense, &job);
    for (size_t i = 0; i < n_pieces; i++) {
        if (!mark_sparse(numbers, &pieces[i], error))
            return false;
    }
    for (unsigned k = 0; k < numbers->n_kinds; k++) {
        if (!gasket_id_set_seal(&numbers->kinds[k].direct, error))
            return false;
    }
    return true;
}

/* A table from direct ids to numbers where it is not much larger than their ranks' would be. */
static bool
make_table(GasketKindNumbers *kind, GError **error)
{
    const GasketIdSet *direct = &kind->direct;
    kind->identity = direct->n == direct->end && kind->first == 0 && kind->by_rank == NULL;
    if (kind->identity || direct->bits == NULL || direct->end / 2 > direct->n)
        return true;
    kind->table = gasket_array_new(direct->end, sizeof *kind->table, error);
    if (kind->table == NULL)
        return false;
    uint32_t rank = 0;
    for (uint64_t word = 0; word < ((uint64_t)direct->end + 63) / 64; word++) {
        uint64_t bits = atomic_load_explicit(&direct->bits[word], memory_order_relaxed);
        for (; bits != 0; bits &= bits - 1, rank++)
            kind->table[64 * word + (uint64_t)__builtin_ctzll(bits)] =
                kind->by_rank != NULL ? kind->by_rank[rank] : kind->first + rank;
    }
    return true;
}

static bool
number_all(GasketNumbers *numbers, const GasketPiece *pieces, size_t n_pieces,
           const GasketGraphBuilder *builder, const GasketGraphRules *rules, GasketGraph *graph,
           GError **error)
{
    if (!init_sets(numbers, builder, pieces, n_pieces, error) ||
        !mark(numbers, pieces, n_pieces, rules->threads, error))
        return false;
    for (unsigned k = 0; k < numbers->n_kinds; k++) {
        GasketKindNumbers *kind = &numbers->kinds[k];
        if (!gasket_numbers_merge(builder, k, kind, &graph->kinds[k].ids, error) ||
            !make_table(kind, error))
            return false;
        graph->kinds[k].n_vertices = kind->n;
    }
    return gasket_numbers_order(numbers, pieces, n_pieces, rules, builder, graph, error);
}

GasketNumbers *
gasket_numbers_new(const GasketGraphBuilder *builder, const GasketGraphRules *rules,
                   GasketGraph *graph, GError **error)
{
    g_autoptr(GasketNumbers) numbers = numbers_alloc(builder);
    size_t n_pieces;
    GasketPiece *pieces = list_pieces(builder, &n_pieces, error);
    if (pieces == NULL)
        return NULL;
    bool done = number_all(numbers, pieces, n_pieces, builder, rules, graph, error);
    gasket_array_free(pieces);
    return done ? g_steal_pointer(&numbers) : NULL;
}
