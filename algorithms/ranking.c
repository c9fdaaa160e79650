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
    const GasketRecommender *model;
    unsigned aggregate, top;
    uint32_t n_items;
    float *vectors;    /* [n_items][width] by ordinal; NULL: by popularity */
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

static float
score_of(const Ranking *ranking, const float *p, uint32_t item)
{
    if (ranking->vectors == NULL)
        return ranking->popularity[item];
    const unsigned width = ranking->model->width, rank = width - 1;
    const float *q = ranking->vectors + (size_t)item * width;
    return (float)(q[rank] + gasket_recommender_dot(p, q, rank));
}

/* wanted, before: room for all items; seen: [n_items] zeros, which it leaves. */
static void
rank_user(const GasketContext *context, const Ranking *ranking, const GasketVertices *run, size_t i,
          Wanted *wanted, uint32_t *before, uint8_t *seen)
{
    const GasketRows *train = &run->rows[0], *test = &run->rows[1];
    const float *users = run->published;
    const float *p = users + (size_t)run->vertex[i] * ranking->model->width;
    uint32_t m = 0, n_others = 0;

    for (uint64_t e = train->begin[i]; e < train->end[i]; e++)
        seen[ranking->ordinal[train->neighbour_number[train->neighbour[e]]]] = 1;
    for (uint64_t e = test->begin[i]; e < test->end[i]; e++) {
        uint32_t item = ranking->ordinal[test->neighbour_number[test->neighbour[e]]];
        if (seen[item])
            continue;
        seen[item] = 2;
        wanted[m] = (Wanted){score_of(ranking, p, item), item};
        before[m++] = 0;
    }
    qsort(wanted, m, sizeof *wanted, compare_wanted);
    for (uint32_t item = 0; m > 0 && item < ranking->n_items; item++) {
        if (seen[item])
            continue;
        uint32_t at = count_before(wanted, m, score_of(ranking, p, item), item);
        n_others++;
        if (at < m)
            before[at]++;
    }
    for (uint32_t j = 1; j < m; j++)
        before[j] += before[j - 1];
    if (m > 0 && n_others > 0)
        add_figures(context, ranking, before, m, n_others);
    memset(seen, 0, ranking->n_items);
}

static void
ranking_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Ranking *ranking = context->parameters;
    Wanted *wanted = context->scratch;
    uint32_t *before = (uint32_t *)(void *)(wanted + ranking->n_items);
    uint8_t *seen = (uint8_t *)(before + ranking->n_items);
    const GasketRows *test = &run->rows[1];
    (void)sums;

    for (size_t i = 0; i < run->count; i++)
        if (test->begin[i] < test->end[i])
            rank_user(context, ranking, run, i, wanted, before, seen);
}

/* ---- what every worker must know ------------------------------------------------------------- */

typedef double (*Element)(const Ranking *ranking, const void *data, GasketVertex v, unsigned c);

/* Fills out [n_items * columns] with what the owners say, at the position that `position` gives an
 * item: the largest of what the workers hold is the owner's. */
static bool
share(const Ranking *ranking, const uint32_t *position, unsigned columns, Element element,
      const void *data, float *out, GError **error)
{
    GasketRun *run = ranking->model->run;
    const uint32_t n_owned = gasket_run_n_owned(run, 1);
    const uint32_t step = MAX(CHUNK / columns, 1);
    g_autofree double *chunk = g_new(double, (size_t)step *columns);

    for (uint64_t first = 0; first < ranking->n_items; first += step) {
        const size_t n = (size_t)MIN(ranking->n_items - first, step) * columns;
        for (size_t i = 0; i < n; i++)
            chunk[i] = -INFINITY;
        for (GasketVertex v = 0; v < n_owned; v++) {
            if (position[v] < first || position[v] >= first + step)
                continue;
            for (unsigned c = 0; c < columns; c++)
                chunk[(position[v] - first) * columns + c] = element(ranking, data, v, c);
        }
        if (!gasket_run_reduce_max(run, chunk, n, error))
            return false;
        for (size_t i = 0; i < n; i++)
            out[first * columns + i] = (float)chunk[i];
    }
    return true;
}

static double
vector_element(const Ranking *ranking, const void *data, GasketVertex v, unsigned c)
{
    return ((const float *)data)[(size_t)v * ranking->model->width + c];
}

static double
count_element(const Ranking *ranking, const void *data, GasketVertex v, unsigned c)
{
    const GasketRows *rows = data;
    (void)ranking, (void)c;
    return (double)(rows->end[v] - rows->begin[v]);
}

/* Halves of an ordinal: a float holds 16 bits of it exactly. */
static double
ordinal_element(const Ranking *ranking, const void *data, GasketVertex v, unsigned c)
{
    (void)ranking;
    return c == 0 ? ((const uint32_t *)data)[v] >> 16 : ((const uint32_t *)data)[v] & 0xffff;
}

static bool
gather_items(Ranking *ranking, GError **error)
{
    GasketRun *run = ranking->model->run;
    const GasketContext *context = gasket_run_context(run, 1);
    const size_t n = ranking->n_items;
    const GasketRowSet in = {.relation = 0, .direction = GASKET_IN};
    g_autoptr(GasketRows) rows = gasket_run_rows(run, in, error);
    g_autofree float *halves = g_try_new(float, 2 * n + 1);

    if (rows == NULL)
        return false;
    ranking->vectors = g_try_new(float, n * ranking->model->width + 1);
    ranking->popularity = g_try_new(float, n + 1);
    ranking->ordinal = g_try_new(uint32_t, n + 1);
    if (halves == NULL || ranking->vectors == NULL || ranking->popularity == NULL ||
        ranking->ordinal == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory to rank %zu items", n);
        return false;
    }
    if (!share(ranking, context->number, 2, ordinal_element, context->ordinal, halves, error) ||
        !share(ranking, context->ordinal, ranking->model->width, vector_element,
               gasket_run_values(run, 1), ranking->vectors, error) ||
        !share(ranking, context->ordinal, 1, count_element, rows, ranking->popularity, error))
        return false;
    for (size_t i = 0; i < n; i++)
        ranking->ordinal[i] = (uint32_t)halves[2 * i] << 16 | (uint32_t)halves[2 * i + 1];
    return true;
}

/* ---- measuring ------------------------------------------------------------------------------- */

static bool
measure(const Ranking *ranking, const char *prefix, GError **error)
{
    static const GasketRowSet rows[] = {{.relation = 0, .direction = GASKET_OUT},
                                        {.relation = 1, .direction = GASKET_OUT}};
    GasketRun *run = ranking->model->run;
    const GasketProgram program = {
        .name = "ranking",
        .kind = 0,
        .rows = rows,
        .n_rows = 2,
        .whole_rows = true,
        .apply = ranking_apply,
        .changes = GASKET_CHANGES_NONE,
        .scratch_size = (size_t)ranking->n_items * (sizeof(Wanted) + sizeof(uint32_t) + 1) + 8,
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
gasket_ranking_measure(const GasketRecommender *model, unsigned aggregate, unsigned top,
                       GError **error)
{
    Ranking ranking = {.model = model,
                       .aggregate = aggregate,
                       .top = top,
                       .n_items = gasket_run_n_vertices(model->run, 1)};
    bool good = gather_items(&ranking, error) && measure(&ranking, "ranking", error);
    g_free(g_steal_pointer(&ranking.vectors));
    good = good && measure(&ranking, "baseline.popularity", error);
    g_free(ranking.popularity);
    g_free(ranking.ordinal);
    return good;
}
