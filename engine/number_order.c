/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing the order of numbers and renumbering by degree: see number.h.
 *
 * For auto a pass over the edges counts how many are near, among those whose ends hash to a
 * multiple of 32: a sample that is a function of the graph. If that does not decide, or the order
 * is degree, another pass counts each vertex's degree, in the order of direct ids where all ids
 * are direct and dense, else by ordinal.
 *
 * Threads count degrees in arrays of their own (as many threads as these arrays do not outweigh
 * the edges), which are then added up; a degree stays at 2^32 - 1 once it is there. The arrays that
 * every edge touches have 16 bits a counter, so that more of them fit a cache; their carries, which
 * only hubs have, go to others of 32 bits.
 *
 *   upper 32 bits   2^32 - 1 - degree     sorted: falling degree, ties by ordinal
 *   lower 32 bits   ordinal
 *
 * Cost: O(E + V); 6 to 12 bytes a vertex and thread, then 16 bytes a vertex.
 */
#include <string.h>

#include "engine/array.h"
#include "engine/number.h"
#include "engine/parallel.h"
#include "engine/sort.h"

#define CACHED_VERTICES (UINT64_C(1) << 17)
#define NEAR            (UINT64_C(1) << 14)
#define RANGE           ((uint64_t)1 << 16) /* vertices that are added up at a time */

/* Where a kind's degrees are counted. */
typedef struct {
    uint64_t base; /* of its counters among those of all kinds */
    uint64_t n;    /* counters: vertices, or direct.end */
    bool by_id;    /* counters stand by direct id */
} Counters;

typedef struct {
    const GasketNumbers *numbers;
    const GasketPiece *pieces;
    size_t n_pieces;
    bool drop_self_loops;
    unsigned threads; /* that count degrees */

    Counters *counters;  /* [n_kinds] */
    uint64_t n_counters; /* of all kinds */
    uint16_t *low;       /* [threads][n_counters] */
    uint32_t *degree;    /* [threads][n_counters], less low; the sums end in the first */
    uint64_t *near,
        *n_sampled; /* [threads * LINE] one for each cache line; the sums in the first */
} DegreeJob;

#define LINE 8 /* counters a cache line */

/* ---- counting ------------------------------------------------------------------------------ */

/* Adds to a degree what fits. */
static inline void
raise_degree(uint32_t *degree, uint32_t by)
{
    uint32_t raised = *degree + by;
    *degree = raised < by ? UINT32_MAX : raised;
}

/* Adds to a counter, whose carries go to its degree. */
static inline void
count(uint16_t *low, uint32_t *degree, uint32_t i, uint16_t by)
{
    low[i] = (uint16_t)(low[i] + by);
    if (low[i] < by)
        raise_degree(&degree[i], UINT32_C(1) << 16);
}

/* Whether an edge is in the sample; u, v: what stands for its ends in every feed alike. */
static inline bool
is_sampled(uint32_t u, uint32_t v)
{
    return (u * UINT32_C(0x9e3779b1) ^ v * UINT32_C(0x85ebca77)) * UINT32_C(0xc2b2ae3d) >> 27 == 0;
}

/* Whether the ends of an edge lie close to one another; scales: 2^32 times what makes positions in
 * both kinds comparable. */
static inline bool
is_near(uint32_t u, uint32_t v, uint64_t u_scale, uint64_t v_scale)
{
    uint64_t x = (uint64_t)((unsigned __int128)u * u_scale >> 32);
    uint64_t y = (uint64_t)((unsigned __int128)v * v_scale >> 32);
    return (x > y ? x - y : y - x) < NEAR;
}

static inline uint32_t
ordinal_of(const GasketKindNumbers *kind, bool by_id, uint32_t counter)
{
    return by_id && !kind->identity ? kind->table[counter] : counter;
}

/* Edges whose counters are found at a time. */
#define BATCH 512

/* Counters of n handles that stand 2 apart. */
static void
find_counters(const GasketKindNumbers *kind, bool by_id, const uint32_t *other, size_t n,
              const uint32_t *restrict handles, uint32_t *restrict ret_counters)
{
    if (!by_id) {
        gasket_numbers_of(kind, other, n, 2, handles, ret_counters);
        return;
    }
    for (size_t i = 0; i < n; i++)
        ret_counters[i] = handles[2 * i];
}

/* Which of n edges are in the sample. */
GASKET_WIDE static void
find_sampled(size_t n, const uint32_t *restrict u, const uint32_t *restrict v,
             uint8_t *restrict ret_sampled)
{
    for (size_t i = 0; i < n; i++)
        ret_sampled[i] = is_sampled(u[i], v[i]);
}

/* Counts the edges of a piece that are in the sample, and how many of these are near. */
static void
sample_piece(void *data, size_t item, unsigned thread)
{
    DegreeJob *job = data;
    const GasketPiece *piece = &job->pieces[item];
    if (piece->ends != 2)
        return;
    const GasketKindNumbers *from = &job->numbers->kinds[piece->kind[0]];
    const GasketKindNumbers *to = &job->numbers->kinds[piece->kind[1]];
    bool u_by_id = job->counters[piece->kind[0]].by_id;
    bool v_by_id = job->counters[piece->kind[1]].by_id;
    uint64_t larger = (uint64_t)MAX(from->n, to->n) << 32;
    uint64_t u_scale = larger / from->n, v_scale = larger / to->n;
    uint64_t near = 0, n_sampled = 0;
    uint32_t u[BATCH], v[BATCH];
    uint8_t sampled[BATCH];

    for (size_t first = 0, n; first < piece->block->n; first += n) {
        const uint32_t *handles = piece->block->handles + 2 * first;
        n = MIN(piece->block->n - first, BATCH);
        find_counters(from, u_by_id, from->other[piece->feed], n, handles, u);
        find_counters(to, v_by_id, to->other[piece->feed], n, handles + 1, v);
        find_sampled(n, u, v, sampled);
        for (size_t i = 0; i < n; i++) {
            if (!sampled[i])
                continue;
            near += is_near(ordinal_of(from, u_by_id, u[i]), ordinal_of(to, v_by_id, v[i]), u_scale,
                            v_scale);
            n_sampled++;
        }
    }
    job->near[thread * LINE] += near;
    job->n_sampled[thread * LINE] += n_sampled;
}

/* Whether at least half of the sampled edges are near; the reason is written to graph. */
static bool
is_local(DegreeJob *job, unsigned threads, GasketGraph *graph)
{
    threads = MAX(threads, 1);
    job->near = g_new0(uint64_t, (size_t)threads * LINE);
    job->n_sampled = g_new0(uint64_t, (size_t)threads * LINE);
    gasket_parallel(threads, job->n_pieces, sample_piece, job);
    for (unsigned t = 1; t < threads; t++) {
        job->near[0] += job->near[t * LINE];
        job->n_sampled[0] += job->n_sampled[t * LINE];
    }
    g_free(graph->order_reason);
    graph->order_reason =
        g_strdup_printf("%.0f %% of the edges join ids less than %" G_GUINT64_FORMAT
                        " positions apart",
                        100.0 * (double)job->near[0] / (double)MAX(job->n_sampled[0], 1), NEAR);
    return 2 * job->near[0] >= job->n_sampled[0];
}

static void
count_piece(void *data, size_t item, unsigned thread)
{
    DegreeJob *job = data;
    const GasketPiece *piece = &job->pieces[item];
    if (piece->ends != 2)
        return;
    const GasketKindNumbers *from = &job->numbers->kinds[piece->kind[0]];
    const GasketKindNumbers *to = &job->numbers->kinds[piece->kind[1]];
    const Counters *u_counters = &job->counters[piece->kind[0]];
    const Counters *v_counters = &job->counters[piece->kind[1]];
    uint32_t *degree = job->degree + job->n_counters * thread;
    uint16_t *low = job->low + job->n_counters * thread;
    uint32_t *u_degree = degree + u_counters->base, *v_degree = degree + v_counters->base;
    uint16_t *u_low = low + u_counters->base, *v_low = low + v_counters->base;
    bool one_kind = piece->kind[0] == piece->kind[1];
    /* What an edge and a self-loop count at either end. */
    const uint16_t by_edge = piece->symmetric ? 2 : 1, by_loop = job->drop_self_loops ? 0 : 1;
    uint32_t u[BATCH], v[BATCH];

    for (size_t first = 0, n; first < piece->block->n; first += n) {
        const uint32_t *handles = piece->block->handles + 2 * first;
        n = MIN(piece->block->n - first, BATCH);
        find_counters(from, u_counters->by_id, from->other[piece->feed], n, handles, u);
        find_counters(to, v_counters->by_id, to->other[piece->feed], n, handles + 1, v);
        for (size_t i = 0; i < n; i++) {
            uint16_t by = one_kind && u[i] == v[i] ? by_loop : by_edge;
            count(u_low, u_degree, u[i], by);
            count(v_low, v_degree, v[i], by);
        }
    }
}

/* Adds up the threads' degrees of a range of counters. */
static void
add_up(void *data, size_t item, unsigned thread)
{
    (void)thread;
    DegreeJob *job = data;
    uint64_t n = job->n_counters, end = MIN(n, (item + 1) * RANGE);
    for (unsigned t = 0; t < job->threads; t++) {
        for (uint64_t i = item * RANGE; i < end; i++) {
            raise_degree(&job->degree[i], job->low[n * t + i]);
            if (t > 0)
                raise_degree(&job->degree[i], job->degree[n * t + i]);
        }
    }
}

/* Lays out the counters of each kind. */
static void
place_counters(DegreeJob *job, const GasketGraphBuilder *builder)
{
    job->counters = g_new0(Counters, job->numbers->n_kinds);
    for (unsigned k = 0; k < job->numbers->n_kinds; k++) {
        const GasketKindNumbers *kind = &job->numbers->kinds[k];
        bool by_id = kind->identity || kind->table != NULL;
        for (unsigned f = 0; f < builder->n_feeds; f++)
            by_id &= builder->feeds[f]->kinds[k].dictionary.n == 0;
        job->counters[k] = (Counters){.base = job->n_counters,
                                      .n = by_id ? kind->direct.end : kind->n,
                                      .by_id = by_id};
        job->n_counters += job->counters[k].n;
    }
}

/* Fills degree, the sums in the first. */
static bool
count_degrees(DegreeJob *job, unsigned threads, GError **error)
{
    uint64_t n_edges = 0;
    for (size_t i = 0; i < job->n_pieces; i++)
        n_edges += job->pieces[i].ends == 2 ? job->pieces[i].block->n : 0;
    job->threads = (unsigned)CLAMP(n_edges / MAX(job->n_counters, 1), 1, MAX(threads, 1));
    job->degree = gasket_array_new(job->n_counters * job->threads, sizeof *job->degree, error);
    if (job->degree == NULL)
        return false;
    job->low = gasket_array_new(job->n_counters * job->threads, sizeof *job->low, error);
    if (job->low == NULL)
        return false;
    gasket_parallel(job->threads, job->n_pieces, count_piece, job);
    gasket_parallel(threads, (job->n_counters + RANGE - 1) / RANGE, add_up, job);
    return true;
}

/* ---- choosing ------------------------------------------------------------------------------ */

/* Ordinals of a kind by falling degree, as drawn above; a gasket_array. */
static uint64_t *
sorted_degrees(const DegreeJob *job, unsigned k, GError **error)
{
    const GasketKindNumbers *kind = &job->numbers->kinds[k];
    const Counters *counters = &job->counters[k];
    const uint32_t *degree = job->degree + counters->base;
    uint64_t *sorted = gasket_array_new(kind->n, sizeof *sorted, error);
    uint64_t *scratch = sorted != NULL ? gasket_array_new(kind->n, sizeof *scratch, error) : NULL;
    if (scratch == NULL) {
        gasket_array_free(sorted);
        return NULL;
    }
    bool gaps = counters->by_id && !kind->identity; /* ids that are not there have counters */
    uint32_t v = 0;
    for (uint64_t i = 0; i < counters->n; i++) {
        if (gaps && !gasket_id_set_has_dense(&kind->direct, (uint32_t)i))
            continue;
        sorted[v] = (uint64_t)(UINT32_MAX - degree[i]) << 32 | v;
        v++;
    }
    gasket_sort_upper(sorted, kind->n, scratch);
    gasket_array_free(scratch);
    return sorted;
}

/* Whether few vertices have most ends, by which a graph that is not local is numbered by degree;
 * added to the reason. */
static bool
is_skewed(const DegreeJob *job, uint64_t *const *sorted, GasketGraph *graph)
{
    uint64_t top = 0, all = 0;
    for (unsigned k = 0; k < job->numbers->n_kinds; k++) {
        uint32_t n = job->numbers->kinds[k].n;
        for (uint32_t i = 0; i < n; i++) {
            uint64_t degree = UINT32_MAX - (uint32_t)(sorted[k][i] >> 32);
            all += degree;
            top += i < n / 8 ? degree : 0;
        }
    }
    char *reason = g_strdup_printf(
        "%s, and the eighth of the vertices with the highest degrees has %.0f %% of their ends",
        graph->order_reason, 100.0 * (double)top / (double)MAX(all, 1));
    g_free(graph->order_reason);
    graph->order_reason = reason;
    return 2 * top >= all;
}

/* ---- renumbering --------------------------------------------------------------------------- */

/* The ids in a new order: sorted's lower halves are the old positions. */
static bool
permute_ids(GasketIds *ids, const uint64_t *sorted, GError **error)
{
    GasketIds permuted = {.n = ids->n};
    if (ids->integer != NULL) {
        permuted.integer = gasket_array_new(ids->n, sizeof *permuted.integer, error);
        if (permuted.integer == NULL)
            return false;
        for (uint32_t i = 0; i < ids->n; i++)
            permuted.integer[i] = ids->integer[(uint32_t)sorted[i]];
    } else {
        permuted.text_begin =
            gasket_array_new((uint64_t)ids->n + 1, sizeof *permuted.text_begin, error);
        permuted.text =
            permuted.text_begin ? gasket_array_new(ids->text_begin[ids->n], 1, error) : NULL;
        if (permuted.text == NULL) {
            gasket_ids_clear(&permuted);
            return false;
        }
        for (uint32_t i = 0; i < ids->n; i++) {
            uint64_t begin = ids->text_begin[(uint32_t)sorted[i]];
            uint64_t length = ids->text_begin[(uint32_t)sorted[i] + 1] - begin;
            memcpy(permuted.text + permuted.text_begin[i], ids->text + begin, length);
            permuted.text_begin[i + 1] = permuted.text_begin[i] + length;
        }
    }
    gasket_ids_clear(ids);
    *ids = permuted;
    return true;
}

static void
map(uint32_t *numbers, uint64_t n, const uint32_t *number_of)
{
    for (uint64_t i = 0; i < n; i++)
        numbers[i] = number_of[numbers[i]];
}

/* Replaces the ordinals in a kind's numbers by number_of them. */
static bool
map_numbers(GasketKindNumbers *kind, const GasketGraphBuilder *builder, unsigned k,
            const uint32_t *number_of, GError **error)
{
    for (unsigned f = 0; f < builder->n_feeds; f++)
        map(kind->other[f], builder->feeds[f]->kinds[k].dictionary.n, number_of);
    if (kind->identity) {
        kind->identity = false;
        kind->table = gasket_array_new(kind->direct.end, sizeof *kind->table, error);
        if (kind->table == NULL)
            return false;
        memcpy(kind->table, number_of, kind->direct.end * sizeof *kind->table);
    } else if (kind->table != NULL) {
        map(kind->table, kind->direct.end, number_of); /* what stands for no id does no harm */
    } else if (kind->by_rank != NULL) {
        map(kind->by_rank, kind->direct.n, number_of);
    } else {
        kind->by_rank = gasket_array_new(kind->direct.n, sizeof *kind->by_rank, error);
        if (kind->by_rank == NULL)
            return false;
        memcpy(kind->by_rank, number_of + kind->first, kind->direct.n * sizeof *kind->by_rank);
    }
    return true;
}

static bool
renumber(GasketKindNumbers *kind, const GasketGraphBuilder *builder, unsigned k,
         const uint64_t *sorted, GasketGraphKind *to, GError **error)
{
    if (kind->n == 0)
        return true;
    uint32_t *number_of = gasket_array_new(kind->n, sizeof *number_of, error);
    if (number_of == NULL)
        return false;
    for (uint32_t i = 0; i < kind->n; i++)
        number_of[(uint32_t)sorted[i]] = i;
    bool done = map_numbers(kind, builder, k, number_of, error);
    gasket_array_free(number_of);
    if (!done || !permute_ids(&to->ids, sorted, error))
        return false;
    to->ordinal = gasket_array_new(kind->n, sizeof *to->ordinal, error);
    if (to->ordinal == NULL)
        return false;
    for (uint32_t i = 0; i < kind->n; i++)
        to->ordinal[i] = (uint32_t)sorted[i];
    return true;
}

static bool
sort_and_renumber(DegreeJob *job, uint64_t **sorted, GasketNumbers *numbers, GasketOrder order,
                  const GasketGraphBuilder *builder, GasketGraph *graph, GError **error)
{
    for (unsigned k = 0; k < numbers->n_kinds; k++) {
        sorted[k] = sorted_degrees(job, k, error);
        if (sorted[k] == NULL)
            return false;
    }
    if (order == GASKET_ORDER_AUTO && !is_skewed(job, sorted, graph))
        return true;
    graph->order = GASKET_ORDER_DEGREE;
    for (unsigned k = 0; k < numbers->n_kinds; k++) {
        if (!renumber(&numbers->kinds[k], builder, k, sorted[k], &graph->kinds[k], error))
            return false;
    }
    return true;
}

bool
gasket_numbers_order(GasketNumbers *numbers, const GasketPiece *pieces, size_t n_pieces,
                     const GasketGraphRules *rules, const GasketGraphBuilder *builder,
                     GasketGraph *graph, GError **error)
{
    graph->order = GASKET_ORDER_GIVEN;
    if (rules->order == GASKET_ORDER_GIVEN)
        return true;
    uint64_t n_vertices = 0;
    for (unsigned k = 0; k < numbers->n_kinds; k++)
        n_vertices += numbers->kinds[k].n;
    if (rules->order == GASKET_ORDER_AUTO && n_vertices <= CACHED_VERTICES) {
        graph->order_reason =
            g_strdup_printf("%" G_GUINT64_FORMAT " vertices are few enough (%" G_GUINT64_FORMAT
                            ") for a cache in any order",
                            n_vertices, CACHED_VERTICES);
        return true;
    }

    DegreeJob job = {.numbers = numbers,
                     .pieces = pieces,
                     .n_pieces = n_pieces,
                     .drop_self_loops = rules->drop_self_loops};
    place_counters(&job, builder);
    g_autofree uint64_t **sorted = g_new0(uint64_t *, numbers->n_kinds);
    bool given = rules->order == GASKET_ORDER_AUTO && is_local(&job, rules->threads, graph);
    bool done =
        given || (count_degrees(&job, rules->threads, error) &&
                  sort_and_renumber(&job, sorted, numbers, rules->order, builder, graph, error));
    for (unsigned k = 0; k < numbers->n_kinds; k++)
        gasket_array_free(sorted[k]);
    gasket_array_free(job.degree);
    gasket_array_free(job.low);
    g_free(job.counters);
    g_free(job.near);
    g_free(job.n_sampled);
    return done;
}
