/* SPDX-License-Identifier: Apache-2.0 */
/* Ranking metrics over all unseen items; see ranking.h. */
#include "ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536 /* elements that are reduced at once */

enum { PRECISION, RECALL, HIT, MRR, MAP, NDCG, AUC, USERS };

static const char *const names[GASKET_RANKING_FIGURES] = {"precision", "recall", "hit", "mrr",
                                                          "map",       "ndcg",   "auc", "users"};

typedef struct {
    GasketRun *run;
    const GasketScorer *scorer; /* NULL: by popularity */
    unsigned aggregate, top;
    uint32_t n_items;
    float *popularity; /* [n_items] training ratings, by ordinal */
    uint32_t *ordinal; /* [n_items] by number */
} Ranking;

/* A test item. */
typedef struct {
    float score;
    uint32_t item; /* ordinal */
} Wanted;

/* ---- one user -------------------------------------------------------------------------------- */

static int
compare_wanted(const void *a, const void *b)
{
    const Wanted *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

/* How many of the wanted items, best first, stand before an item. */
static uint32_t
count_before(const Wanted *wanted, uint32_t m, float score, uint32_t item)
{
    uint32_t low = 0, high = m;
    const Wanted other = {score, item};
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_wanted(&wanted[middle], &other) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A user's figures from the ranks of the wanted items: before[j] others stand before the j-th. */
static void
add_figures(const GasketContext *context, const Ranking *ranking, const uint32_t *before,
            uint32_t m, uint32_t n_others)
{
    double hits = 0, precisions = 0, gain = 0, best = 0, pairs = 0;
    for (uint32_t j = 0; j < m; j++) {
        uint64_t rank = (uint64_t)before[j] + j + 1;
        pairs += n_others - before[j];
        if (rank <= ranking->top) {
            hits++;
            precisions += hits / (double)rank;
            gain += 1 / log2((double)rank + 1);
        }
        if (j < ranking->top)
            best += 1 / log2((double)j + 2);
    }
    double figure[GASKET_RANKING_FIGURES] = {
        [PRECISION] = hits / ranking->top,
        [RECALL] = hits / m,
        [HIT] = hits > 0,
        [MRR] = 1 / ((double)before[0] + 1),
        [MAP] = precisions / MIN(m, ranking->top),
        [NDCG] = gain / best,
        [AUC] = pairs / ((double)m * n_others),
        [USERS] = 1,
    };
    for (unsigned f = 0; f < GASKET_RANKING_FIGURES; f++)
        gasket_add(context, ranking->aggregate, f, figure[f]);
}

/* A thread's, carved out of its scratch. */
typedef struct {
    Wanted *wanted;   /* [n_items] */
    uint32_t *before; /* [n_items] */
    float *score;     /* [n_items] */
    uint8_t *seen;    /* [n_items] zeros between users */
    void *rest;       /* the scorer's */
} Space;

static size_t
scorer_size(const Ranking *ranking)
{
    return ranking->scorer != NULL ? (ranking->scorer->scratch_size + 7) / 8 * 8 : 0;
}

static size_t
space_size(const Ranking *ranking)
{
    return scorer_size(ranking) +
           ranking->n_items * (sizeof(Wanted) + sizeof(uint32_t) + sizeof(float) + 1) + 8;
}

static Space
space_of(const Ranking *ranking, void *scratch)
{
    Space space = {.rest = scratch};
    space.wanted = (Wanted *)(void *)((char *)scratch + scorer_size(ranking));
    space.before = (uint32_t *)(void *)(space.wanted + ranking->n_items);
    space.score = (float *)(void *)(space.before + ranking->n_items);
    space.seen = (uint8_t *)(space.score + ranking->n_items);
    return space;
}

static void
rank_user(const GasketContext *context, const Ranking *ranking, const GasketVertices *run, size_t i,
          const Space *space)
{
    const GasketRows *train = &run->rows[0], *test = &run->rows[1];
    const float *score = ranking->scorer != NULL ? space->score : ranking->popularity;
    Wanted *wanted = space->wanted;
    uint32_t m = 0, n_others = 0;

    if (ranking->scorer != NULL)
        ranking->scorer->score(ranking->scorer->data, run, i, space->rest, space->score);
    for (uint64_t e = train->begin[i]; e < train->end[i]; e++)
        space->seen[ranking->ordinal[train->neighbour_number[train->neighbour[e]]]] = 1;
    for (uint64_t e = test->begin[i]; e < test->end[i]; e++) {
        uint32_t item = ranking->ordinal[test->neighbour_number[test->neighbour[e]]];
        if (space->seen[item])
            continue;
        space->seen[item] = 2;
        wanted[m] = (Wanted){score[item], item};
        space->before[m++] = 0;
    }
    qsort(wanted, m, sizeof *wanted, compare_wanted);
    for (uint32_t item = 0; m > 0 && item < ranking->n_items; item++) {
        if (space->seen[item])
            continue;
        uint32_t at = count_before(wanted, m, score[item], item);
        n_others++;
        if (at < m)
            space->before[at]++;
    }
    for (uint32_t j = 1; j < m; j++)
        space->before[j] += space->before[j - 1];
    if (m > 0 && n_others > 0)
        add_figures(context, ranking, space->before, m, n_others);
    memset(space->seen, 0, ranking->n_items);
}

static void
ranking_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Ranking *ranking = context->parameters;
    const Space space = space_of(ranking, context->scratch);
    const GasketRows *test = &run->rows[1];
    (void)sums;

    for (size_t i = 0; i < run->count; i++)
        if (test->begin[i] < test->end[i])
            rank_user(context, ranking, run, i, &space);
}

/* ---- what every worker must know ------------------------------------------------------------- */

static bool
no_memory(size_t n, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory to share %zu vertices", n);
    return false;
}

/* Sorts vertices by position / step: chunk c has order[begin[c]] .. order[begin[c + 1] - 1].
 * begin: [chunks + 2] zeros. */
static void
sort_by_chunk(const uint32_t *position, uint32_t n, uint32_t step, size_t n_chunks, uint32_t *begin,
              GasketVertex *order)
{
    for (GasketVertex v = 0; v < n; v++)
        begin[position[v] / step + 2]++;
    for (size_t c = 2; c <= n_chunks + 1; c++)
        begin[c] += begin[c - 1];
    for (GasketVertex v = 0; v < n; v++)
        order[begin[position[v] / step + 1]++] = v;
}

/* Fills out with what the owners say: the largest of what the workers hold is the owner's. */
bool
gasket_ranking_share(GasketRun *run, unsigned kind, const uint32_t *position, unsigned columns,
                     GasketElement element, const void *data, float *out, GError **error)
{
    const uint32_t n_owned = gasket_run_n_owned(run, kind), n = gasket_run_n_vertices(run, kind);
    const uint32_t step = MAX(CHUNK / columns, 1);
    const size_t n_chunks = (n + (size_t)step - 1) / step;
    g_autofree double *chunk = g_new(double, (size_t)step *columns);
    g_autofree uint32_t *begin = g_try_malloc0_n(n_chunks + 2, sizeof *begin);
    g_autofree GasketVertex *order = g_try_new(GasketVertex, (size_t)n_owned + 1);

    if (begin == NULL || order == NULL)
        return no_memory(n, error);
    if (position == NULL)
        position = gasket_run_context(run, kind)->ordinal;
    sort_by_chunk(position, n_owned, step, n_chunks, begin, order);
    for (size_t c = 0; c < n_chunks; c++) {
        const size_t first = c * step, size = MIN(n - first, step) * columns;
        for (size_t i = 0; i < size; i++)
            chunk[i] = -INFINITY;
        for (uint32_t i = begin[c]; i < begin[c + 1]; i++)
            for (unsigned e = 0; e < columns; e++)
                chunk[(position[order[i]] - first) * columns + e] = element(data, order[i], e);
        if (!gasket_run_reduce_max(run, chunk, size, error))
            return false;
        for (size_t i = 0; i < size; i++)
            out[first * columns + i] = (float)chunk[i];
    }
    return true;
}

static double
count_element(const void *data, GasketVertex v, unsigned c)
{
    const GasketRows *rows = data;
    (void)c;
    return (double)(rows->end[v] - rows->begin[v]);
}

/* Halves of an ordinal: a float holds 16 bits of it exactly. */
static double
ordinal_element(const void *data, GasketVertex v, unsigned c)
{
    return c == 0 ? ((const uint32_t *)data)[v] >> 16 : ((const uint32_t *)data)[v] & 0xffff;
}

static bool
gather_items(Ranking *ranking, GError **error)
{
    GasketRun *run = ranking->run;
    const GasketContext *context = gasket_run_context(run, 1);
    const size_t n = ranking->n_items;
    const GasketRowSet in = {.relation = 0, .direction = GASKET_IN};
    g_autoptr(GasketRows) rows = gasket_run_rows(run, in, error);
    g_autofree float *halves = g_try_new(float, 2 * n + 1);

    if (rows == NULL)
        return false;
    ranking->popularity = g_try_new(float, n + 1);
    ranking->ordinal = g_try_new(uint32_t, n + 1);
    if (halves == NULL || ranking->popularity == NULL || ranking->ordinal == NULL)
        return no_memory(n, error);
    if (!gasket_ranking_share(run, 1, context->number, 2, ordinal_element, context->ordinal, halves,
                              error) ||
        !gasket_ranking_share(run, 1, NULL, 1, count_element, rows, ranking->popularity, error))
        return false;
    for (size_t i = 0; i < n; i++)
        ranking->ordinal[i] = (uint32_t)halves[2 * i] << 16 | (uint32_t)halves[2 * i + 1];
    return true;
}

/* ---- scores that are products ---------------------------------------------------------------- */

typedef struct {
    const GasketRecommender *model;
    uint32_t n_items;
    float *vectors; /* [n_items][width] by ordinal */
} Factors;

static void
score_by_factors(const void *data, const GasketVertices *run, size_t i, void *scratch, float *score)
{
    const Factors *factors = data;
    const unsigned width = factors->model->width, rank = width - 1;
    const float *p = (const float *)run->published + (size_t)run->vertex[i] * width;
    (void)scratch;
    for (uint32_t item = 0; item < factors->n_items; item++) {
        const float *q = factors->vectors + (size_t)item * width;
        score[item] = (float)(q[rank] + gasket_recommender_dot(p, q, rank));
    }
}

static double
vector_element(const void *data, GasketVertex v, unsigned c)
{
    const GasketRecommender *model = data;
    return ((const float *)gasket_run_values(model->run, 1))[(size_t)v * model->width + c];
}

bool
gasket_ranking_measure_factors(const GasketRecommender *model, unsigned aggregate, unsigned top,
                               GError **error)
{
    const uint32_t n = gasket_run_n_vertices(model->run, 1);
    g_autofree float *vectors = g_try_new(float, (size_t)n * model->width + 1);
    const Factors factors = {model, n, vectors};
    const GasketScorer scorer = {.score = score_by_factors, .data = &factors};
    if (vectors == NULL)
        return no_memory(n, error);
    return gasket_ranking_share(model->run, 1, NULL, model->width, vector_element, model, vectors,
                                error) &&
           gasket_ranking_measure(model, &scorer, aggregate, top, error);
}

/* ---- measuring ------------------------------------------------------------------------------- */

static bool
measure(const Ranking *ranking, const char *prefix, GError **error)
{
    static const GasketRowSet rows[] = {{.relation = 0, .direction = GASKET_OUT},
                                        {.relation = 1, .direction = GASKET_OUT}};
    GasketRun *run = ranking->run;
    const GasketProgram program = {
        .name = "ranking",
        .kind = 0,
        .rows = rows,
        .n_rows = 2,
        .whole_rows = true,
        .apply = ranking_apply,
        .changes = GASKET_CHANGES_NONE,
        .scratch_size = space_size(ranking),
        .aggregates = UINT64_C(1) << ranking->aggregate,
        .parameters = ranking,
    };
    if (!gasket_run_step(run, &program, error))
        return false;
    double users = gasket_run_total(run, ranking->aggregate, USERS);
    for (unsigned f = 0; f < GASKET_RANKING_FIGURES; f++) {
        g_autofree char *name = g_strconcat(prefix, ".", names[f], NULL);
        double total = gasket_run_total(run, ranking->aggregate, f);
        gasket_run_set_metric(run, name, f == USERS ? total : users > 0 ? total / users : NAN);
    }
    return true;
}

bool
gasket_ranking_measure(const GasketRecommender *model, const GasketScorer *scorer,
                       unsigned aggregate, unsigned top, GError **error)
{
    Ranking ranking = {.run = model->run,
                       .scorer = scorer,
                       .aggregate = aggregate,
                       .top = top,
                       .n_items = gasket_run_n_vertices(model->run, 1)};
    bool good = gather_items(&ranking, error) && measure(&ranking, "ranking", error);
    ranking.scorer = NULL;
    good = good && measure(&ranking, "baseline.popularity", error);
    g_free(ranking.popularity);
    g_free(ranking.ordinal);
    return good;
}
