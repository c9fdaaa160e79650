/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nearest neighbours: items that the same users rate alike, or users that rate alike.
 *
 * Each item i keeps the K items that are most similar to it, N(i); only positive similarities. With
 * e_ui = r_ui - mean - b_u - b_i (biases.h), or preferences in place of ratings:
 *
 *   rating      mean + b_u + b_i + sum of s_ij e_uj / (damping + sum of s_ij)
 *   preference  sum of s_ij                     sums over the j in N(i) that u has rated
 *
 * Similarity of i and j, from the n_ij users u who rated both, times n_ij / (n_ij + shrinkage):
 *
 *   centred   sum e_ui e_uj / (|e_i| |e_j|)      over all users who rated the one or the other
 *   cosine    sum r_ui r_uj / (|r_i| |r_j|)      in the norms
 *   jaccard   n_ij / (n_i + n_j - n_ij)
 *   bm25      sum w_ui w_uj     w_ui = idf_u r_ui (k1 + 1) / (k1 (1 - b + b l_i / l) + r_ui)
 *                               idf_u = log(items / (1 + n_u)), l_i = sum of the r_ui, l their mean
 *
 * What users rate travels once, as the value that they publish:
 *
 *   measure   items       |e_i|, ...                          from biases of users
 *   tell      users    <- what each has rated, with weights
 *   find      items    <- sum over raters of their lists, in a dense array; the K largest stay
 *   errors    users    <- N(i) of the test items
 *
 * For kNN of users the same with users and items exchanged.
 *
 * Invariant: every sum is in the order of rows, and of equal similarities the smaller ordinal comes
 * first: the lists are a function of (graph, options).
 *
 * Cost: sum over raters of n_u^2 additions; 8 bytes a rating and copy of a rater, 8 K an item, and
 * 16 bytes an item and thread.
 *
 * References: B. Sarwar, G. Karypis, J. Konstan, J. Riedl, Item-based collaborative filtering
 * recommendation algorithms, WWW 2001; M. Deshpande, G. Karypis, Item-based top-N recommendation
 * algorithms, ACM TOIS 22(1), 2004; of users: J. Herlocker, J. Konstan, A. Borchers, J. Riedl, An
 * algorithmic framework for performing collaborative filtering, SIGIR 1999; BM25: S. Robertson,
 * S. Walker and others, Okapi at TREC-3, 1994.
 */
#include "knn.h"

#include <math.h>
#include <string.h>

#include "algorithms.h"

/* ---- options and result ---------------------------------------------------------------------- */

static const char *const similarities[] = {"centred", "cosine", "jaccard", "bm25", NULL};
static const char *const predictions[] = {"ratings", "preferences", NULL};

#define FIELD(name) offsetof(KnnParameters, name)
static const GasketOption options[] = {
    {"neighbours", GASKET_OPTION_INT, FIELD(neighbours), "100", "neighbours that each keeps",
     .minimum = 1, .maximum = 1e5},
    {"similarity", GASKET_OPTION_CHOICE, FIELD(similarity), "centred",
     "of what the biases leave of ratings, of ratings, of who rated, or of weighted counts",
     .choices = similarities},
    {"predict", GASKET_OPTION_CHOICE, FIELD(predict), "ratings",
     "ratings, or preferences that only rank", .choices = predictions},
    {"shrinkage", GASKET_OPTION_DOUBLE, FIELD(shrinkage), "50",
     "common raters from which on a similarity is believed by half", .minimum = 0, .maximum = 1e9},
    {"damping", GASKET_OPTION_DOUBLE, FIELD(damping), "0.1",
     "sum of similarities from which on neighbours are believed by half", .minimum = 0,
     .maximum = 1e9},
    {"k1", GASKET_OPTION_DOUBLE, FIELD(k1), "1.2", "bm25: how late counts saturate", .minimum = 0,
     .maximum = 1e6},
    {"b", GASKET_OPTION_DOUBLE, FIELD(b), "0.75", "bm25: how much long ones count less",
     .minimum = 0, .maximum = 1},
    {"top", GASKET_OPTION_INT, FIELD(top), "0",
     "rank all unseen items for the test users and measure lists of this length; 0: no",
     .minimum = 0, .maximum = 1e6},
    {.name = NULL},
};

/* ---- weights --------------------------------------------------------------------------------- */

/* What a rating counts in a similarity; n: of the rater. Jaccard's own part. */
static double
weight_of(const Knn *knn, double rating, const KnnTold *own, double rater_bias, double n)
{
    const KnnParameters *given = knn->given;
    switch (given->similarity) {
    case KNN_CENTRED:
        return own->size > 0 ? (rating - knn->model.mean - own->bias - rater_bias) / own->size : 0;
    case KNN_COSINE:
        return own->size > 0 ? rating / own->size : 0;
    case KNN_BM25: {
        const double idf = fmax(0, log(knn->n_own / (1 + n)));
        const double length = 1 - given->b + given->b * own->size / knn->mean_length;
        return rating > 0 ? idf * rating * (given->k1 + 1) / (given->k1 * length + rating) : 0;
    }
    default:
        return 1;
    }
}

/* From the sum of products of weights and the number of common raters. */
static double
similarity_of(const Knn *knn, const KnnTold *own, double total, uint32_t n)
{
    const double believed = n / (n + knn->given->shrinkage);
    if (knn->given->similarity != KNN_JACCARD)
        return total * believed;
    const double other = total / n; /* raters told its number each time */
    return n / (own->size + other - n) * believed;
}

/* ---- the vertex programs --------------------------------------------------------------------- */

static void
measure_own(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Knn *knn = context->parameters;
    const GasketRows *rows = run->rows;
    const float *rating = rows->column[0].data;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const float bias = knn_own(knn, run->published, v)->bias;
        KnnTold *told = (KnnTold *)(void *)((char *)run->value + v * knn->stride);
        double squares = 0, length = 0, n = (double)(rows->end[i] - rows->begin[i]);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            double x = rating[e];
            length += x > 0 ? x : 0;
            if (knn->given->similarity == KNN_CENTRED)
                x -= knn->model.mean + bias +
                     knn_rater(rows->values, rows->value_begin, rows->neighbour[e])->bias;
            squares += x * x;
        }
        memset(told, 0, knn->stride);
        told->bias = bias;
        told->ordinal = context->ordinal[v];
        told->size = (float)(knn->given->similarity == KNN_JACCARD ? n
                             : knn->given->similarity == KNN_BM25  ? length
                                                                   : sqrt(squares));
        gasket_add(context, KNN_LENGTH, 0, length);
    }
}

static void
tell(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Knn *knn = context->parameters;
    const GasketRows *rows = run->rows;
    const float *rating = rows->column[0].data;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const KnnTold *before = knn_rater(run->published, run->value_begin, v);
        KnnTold *told = (KnnTold *)(void *)((char *)run->value + run->value_begin[v]);
        const uint64_t begin = rows->begin[i], n = rows->end[i] - begin;
        told->bias = before->bias;
        told->ordinal = context->ordinal[v];
        told->size = 0;
        told->n = (uint32_t)n;
        for (uint64_t e = 0; e < n; e++) {
            const KnnTold *own = knn_own(knn, rows->values, rows->neighbour[begin + e]);
            told->entry[e].ordinal = own->ordinal;
            told->entry[e].weight =
                knn->given->similarity == KNN_JACCARD
                    ? own->size
                    : (float)weight_of(knn, rating[begin + e], own, told->bias, (double)n);
        }
    }
}

/* A thread's: zeros between rows. */
typedef struct {
    double *total;     /* [n_own] */
    uint32_t *n;       /* [n_own] */
    uint32_t *touched; /* [n_own] */
} Space;

/* Sums the lists of the raters of row i; returns how many others were touched. */
static uint32_t
add_raters(const Knn *knn, const GasketRows *rows, size_t i, const KnnTold *own, const Space *space)
{
    const float *rating = rows->column[0].data;
    uint32_t n_touched = 0;
    for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
        const KnnTold *rater = knn_rater(rows->values, rows->value_begin, rows->neighbour[e]);
        const double weight = weight_of(knn, rating[e], own, rater->bias, rater->n);
        for (uint32_t j = 0; j < rater->n; j++) {
            const uint32_t other = rater->entry[j].ordinal;
            if (space->n[other]++ == 0)
                space->touched[n_touched++] = other;
            space->total[other] += weight * rater->entry[j].weight;
        }
    }
    return n_touched;
}

/* Puts an entry into the list, which stays sorted and at most K long. */
static void
keep(KnnTold *told, uint32_t most, KnnEntry entry)
{
    uint32_t at = told->n;
    while (at > 0 && (told->entry[at - 1].weight < entry.weight ||
                      (told->entry[at - 1].weight == entry.weight &&
                       told->entry[at - 1].ordinal > entry.ordinal)))
        at--;
    if (at == most)
        return;
    told->n += told->n < most;
    memmove(&told->entry[at + 1], &told->entry[at], (told->n - 1 - at) * sizeof entry);
    told->entry[at] = entry;
}

static void
find(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Knn *knn = context->parameters;
    Space space = {.total = context->scratch};
    (void)sums;

    space.n = (uint32_t *)(void *)(space.total + knn->n_own);
    space.touched = space.n + knn->n_own;
    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        KnnTold *told = (KnnTold *)(void *)((char *)run->value + v * knn->stride);
        KnnState *state = (KnnState *)run->state + v;
        memmove(told, knn_own(knn, run->published, v), knn->stride);
        const uint32_t n = add_raters(knn, run->rows, i, told, &space);
        for (uint32_t j = 0; j < n; j++) {
            const uint32_t other = space.touched[j];
            const float s = (float)similarity_of(knn, told, space.total[other], space.n[other]);
            if (s > 0 && other != told->ordinal)
                keep(told, (uint32_t)knn->given->neighbours, (KnnEntry){other, s});
            space.total[other] = 0;
            space.n[other] = 0;
        }
        *state = (KnnState){told->bias, told->n};
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

static size_t
rater_size(const GasketContext *context, GasketVertex v, const void *state)
{
    const Knn *knn = context->parameters;
    const uint32_t n = knn->rater == 0 ? context->out_degree[v] : context->in_degree[v];
    (void)state;
    return sizeof(KnnTold) + n * sizeof(KnnEntry);
}

static size_t
list_length(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)context;
    return ((const KnnState *)state)[v].n;
}

static bool
declare(Knn *knn, GasketRun *run, GError **error)
{
    knn->n_own = gasket_run_n_vertices(run, knn->own);
    knn->stride = sizeof(KnnTold) + (size_t)knn->given->neighbours * sizeof(KnnEntry);
    return gasket_run_set_value(run, knn->own, knn->stride, error) &&
           gasket_run_set_value_varying(run, knn->rater, rater_size, knn, error) &&
           gasket_run_set_state(run, 0, sizeof(KnnState), error) &&
           gasket_run_set_state(run, 1, sizeof(KnnState), error);
}

static bool
find_all(Knn *knn, GError **error)
{
    GasketRun *run = knn->model.run;
    const GasketProgram measure = {.name = "measure",
                                   .kind = knn->own,
                                   .apply = measure_own,
                                   .aggregates = UINT64_C(1) << KNN_LENGTH,
                                   .parameters = knn};
    const GasketProgram telling = {.name = "tell",
                                   .kind = knn->rater,
                                   .apply = tell,
                                   .parameters = knn};
    const GasketProgram finding = {.name = "find",
                                   .kind = knn->own,
                                   .apply = find,
                                   .scratch_size =
                                       knn->n_own * (sizeof(double) + 2 * sizeof(uint32_t)),
                                   .parameters = knn};
    if (!gasket_recommender_turn(run, &measure, error))
        return false;
    const double length = gasket_run_total(run, KNN_LENGTH, 0);
    knn->mean_length = length > 0 ? length / knn->n_own : 1;
    return gasket_recommender_turn(run, &telling, error) &&
           gasket_recommender_turn(run, &finding, error);
}

/* The published lists -> the result. */
static bool
finish(const Knn *knn, GError **error)
{
    GasketRun *run = knn->model.run;
    const void *values = gasket_run_values(run, knn->own);
    const uint64_t *begin;
    void *neighbours, *weights;
    if (!gasket_run_set_result(run, 0, list_length, NULL, &neighbours, &begin, error) ||
        !gasket_run_set_result(run, 1, list_length, NULL, &weights, &begin, error))
        return false;
    for (GasketVertex v = 0; v < gasket_run_n_owned(run, knn->own); v++) {
        const KnnTold *told = knn_own(knn, values, v);
        for (uint32_t j = 0; j < told->n; j++) {
            ((uint32_t *)neighbours)[begin[v] + j] = told->entry[j].ordinal;
            ((float *)weights)[begin[v] + j] = told->entry[j].weight;
        }
    }
    return true;
}

static void
keep_bias(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    (void)context, (void)sums;
    for (size_t i = 0; i < run->count; i++)
        ((KnnState *)run->state)[run->vertex[i]].bias =
            knn_rater(run->published, run->value_begin, run->vertex[i])->bias;
}

static bool
knn_run(Knn *knn, GasketRun *run, const KnnParameters *given, GError **error)
{
    static const GasketAggregate aggregates[] = {{"knn errors", GASKET_SUM, 2},
                                                 {"knn length", GASKET_SUM, 1}};
    knn->given = given;
    knn->preferences = given->predict == 1;
    const GasketRecommenderOptions common = {.own_values = true,
                                             .ratings = !knn->preferences,
                                             .top = (unsigned)given->top,
                                             .aggregates = aggregates,
                                             .n_aggregates = G_N_ELEMENTS(aggregates)};
    const GasketProgram bias = {.name = "bias",
                                .kind = knn->rater,
                                .apply = keep_bias,
                                .changes = GASKET_CHANGES_NONE};
    GasketBiasPlace place[2] = {{0, 0}, {0, 0}};
    if (!declare(knn, run, error) || !gasket_recommender_begin(&knn->model, run, &common, error))
        return false;
    place[knn->own].stride = knn->stride;
    if (!gasket_run_continues(run))
        return true;
    if (!knn->preferences && (!knn_report_baseline(knn, "baseline.mean.rmse", error) ||
                              !gasket_recommender_fit_biases(&knn->model, place, error) ||
                              !knn_report_baseline(knn, "baseline.bias.rmse", error)))
        return false;
    if (!find_all(knn, error) || !gasket_run_step(run, &bias, error) ||
        (!knn->preferences && !knn_report_errors(knn, error)))
        return false;
    gasket_run_end_iteration(run, knn->preferences ? NAN : knn->model.train, true);
    return finish(knn, error) && (given->top == 0 || !knn->model.has_test || knn_rank(knn, error));
}

/* ---- items and users ------------------------------------------------------------------------- */

#define KNN_RESULTS(its_kind)                                                                      \
    {                                                                                              \
        {.name = "neighbour", .kind = its_kind, .type = GASKET_UINT32, .varying = true},           \
            {.name = "similarity", .kind = its_kind, .type = GASKET_FLOAT, .varying = true},       \
            {.name = "bias", .kind = 0, .type = GASKET_FLOAT},                                     \
            {.name = "bias", .kind = 1, .type = GASKET_FLOAT},                                     \
    }

#define EXPLAINED                                                                                  \
    "With --predict preferences (and --similarity jaccard or bm25, for counts) scores only rank; " \
    "--top measures the ranking.\n"

static bool
itemknn_run(GasketRun *run, const void *parameters, GError **error)
{
    Knn knn = {.own = 1, .rater = 0};
    return knn_run(&knn, run, parameters, error);
}

static bool
userknn_run(GasketRun *run, const void *parameters, GError **error)
{
    Knn knn = {.own = 0, .rater = 1};
    return knn_run(&knn, run, parameters, error);
}

static const GasketNeeds item_needs[] = {{.in_rows = true, .out_rows = true, .degrees = true},
                                         {.out_rows = true},
                                         {.out_rows = true}};
static const GasketNeeds user_needs[] = {{.in_rows = true, .out_rows = true, .degrees = true},
                                         {.in_rows = true, .out_rows = true},
                                         {.in_rows = true, .out_rows = true}};
static const GasketResultColumn item_results[] = KNN_RESULTS(1), user_results[] = KNN_RESULTS(0);

const GasketAlgorithm gasket_itemknn = {
    .abi = GASKET_ABI,
    .name = "itemknn",
    .summary = "predict ratings from those of the most similar items",
    .description = "Keeps for each item the --neighbours most similar ones, by what the same users "
                   "said of both. " EXPLAINED "\n"
                   "  gasket itemknn u1.base --test u1.test\n"
                   "  gasket itemknn plays.tsv --test 0.1 --predict preferences --similarity bm25 "
                   "--top 10\n",
    .input = GASKET_INPUT_RATINGS,
    .recommends = GASKET_RECOMMENDS_NEIGHBOURS,
    .options = options,
    .parameters_size = sizeof(KnnParameters),
    .needs = item_needs,
    .n_needs = G_N_ELEMENTS(item_needs),
    .results = item_results,
    .n_results = G_N_ELEMENTS(item_results),
    .run = itemknn_run,
};

const GasketAlgorithm gasket_userknn = {
    .abi = GASKET_ABI,
    .name = "userknn",
    .summary = "predict ratings from those of the most similar users",
    .description = "Keeps for each user the --neighbours most similar ones, by what both said of "
                   "the same items. " EXPLAINED "\n"
                   "  gasket userknn u1.base --test u1.test\n",
    .input = GASKET_INPUT_RATINGS,
    .recommends = GASKET_RECOMMENDS_NEIGHBOURS,
    .options = options,
    .parameters_size = sizeof(KnnParameters),
    .needs = user_needs,
    .n_needs = G_N_ELEMENTS(user_needs),
    .results = user_results,
    .n_results = G_N_ELEMENTS(user_results),
    .run = userknn_run,
};
