/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How likely each factor is to be in a random forest: the weights of tree-reweighted belief
 * propagation.
 *
 * A set of factors without a cycle through variables that are not observed is a forest. With I_f
 * the information that f's variables have of one another, the entropy of any distribution is at
 * most that of its projection on a forest F, sum over v of H_v - sum over f in F of I_f. So is the
 * mean over several forests, in which f has as weight the share of the forests that it is in.
 *
 * Forests are grown one after the other: factors in turn, those in the fewest forests so far first
 * and else in a random order, each taken if it joins trees that are apart. There are at least 16,
 * and so many that each factor is in one. A model without cycles has weights of 1.
 *
 * Every worker does the same, from the scopes of all factors: 8 bytes an end of a scope and 24 a
 * factor. Cost: sorting the factors for each forest.
 */
#include "bp.h"

#include <float.h>
#include <stdlib.h>

#include <gasket/algorithm.h>

#include "disjoint.h"

#define FORESTS 16 /* at least */
#define STREAM  4101

/* All factors' scopes, by number. */
typedef struct {
    uint32_t n_variables, n_factors;
    uint64_t *begin;    /* [n_factors + 1] */
    double *scope;      /* variables that are not observed, then -1 */
    double *n;          /* [n_factors] ends of the scope */
    double *observed;   /* [n_variables] 1 or 0 */
    uint32_t *parent;   /* [n_variables] of a tree's vertex; itself: a root */
    uint32_t *count;    /* [n_factors] forests that have it */
    uint64_t *key;      /* [n_factors] to sort by: count, then at random */
    uint32_t *position; /* [n_factors] the order */
} Scopes;

static void
scopes_clear(Scopes *scopes)
{
    g_free(scopes->begin);
    g_free(scopes->scope);
    g_free(scopes->n);
    g_free(scopes->observed);
    g_free(scopes->parent);
    g_free(scopes->count);
    g_free(scopes->key);
    g_free(scopes->position);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scopes, scopes_clear)

static void *
zeroed(uint64_t n, size_t size, GError **error)
{
    void *array = g_try_malloc0_n(n + 1, size);
    if (array == NULL)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "no memory for the scopes of all "
                    "factors");
    return array;
}

/* [all] What every worker knows of its own, for all: at least 0 there and less elsewhere. */
static bool
gather(Scopes *scopes, const FactorModel *model, GError **error)
{
    GasketRun *run = model->run;
    const uint32_t *variable_number = gasket_run_context(run, GASKET_KIND_VARIABLE)->number;
    const uint32_t *factor_number = gasket_run_context(run, GASKET_KIND_FACTOR)->number;
    g_autoptr(GasketRows) rows =
        gasket_run_rows(run, (GasketRowSet){.relation = 0, .direction = GASKET_IN}, error);

    if (rows == NULL || (scopes->observed = zeroed(scopes->n_variables, 8, error)) == NULL ||
        (scopes->n = zeroed(scopes->n_factors, 8, error)) == NULL ||
        (scopes->begin = zeroed(scopes->n_factors, 8, error)) == NULL)
        return false;
    for (uint32_t v = 0; v < model->n_variables; v++)
        scopes->observed[variable_number[v]] = model->evidence[v] >= 0;
    for (size_t f = 0; f < rows->count; f++)
        scopes->n[factor_number[f]] = (double)(rows->end[f] - rows->begin[f]);
    if (!gasket_run_reduce_max(run, scopes->observed, scopes->n_variables, error) ||
        !gasket_run_reduce_max(run, scopes->n, scopes->n_factors, error))
        return false;
    for (uint32_t f = 0; f < scopes->n_factors; f++)
        scopes->begin[f + 1] = scopes->begin[f] + (uint64_t)scopes->n[f];
    const uint64_t n = scopes->begin[scopes->n_factors];
    if ((scopes->scope = zeroed(n, 8, error)) == NULL)
        return false;
    for (uint64_t i = 0; i < n; i++)
        scopes->scope[i] = -1;
    for (size_t f = 0; f < rows->count; f++) {
        double *scope = scopes->scope + scopes->begin[factor_number[f]];
        for (uint64_t e = rows->begin[f]; e < rows->end[f]; e++) {
            const uint32_t v = rows->neighbour_number[rows->neighbour[e]];
            if (scopes->observed[v] == 0)
                *scope++ = v;
        }
    }
    return gasket_run_reduce_max(run, scopes->scope, n, error);
}

/* Takes a factor into the forest, if its variables are in as many trees. */
static bool
take(Scopes *scopes, uint32_t f)
{
    const double *scope = scopes->scope + scopes->begin[f];
    const uint64_t n = scopes->begin[f + 1] - scopes->begin[f];

    for (uint64_t i = 1; i < n && scope[i] >= 0; i++)
        for (uint64_t j = 0; j < i; j++)
            if (disjoint_root(scopes->parent, (uint32_t)scope[i]) ==
                disjoint_root(scopes->parent, (uint32_t)scope[j]))
                return false;
    for (uint64_t i = 1; i < n && scope[i] >= 0; i++)
        scopes->parent[disjoint_root(scopes->parent, (uint32_t)scope[i])] =
            disjoint_root(scopes->parent, (uint32_t)scope[0]);
    scopes->count[f]++;
    return true;
}

static int
compare(const void *a, const void *b, void *data)
{
    const uint64_t *key = data;
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (key[x] != key[y])
        return key[x] < key[y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Returns the forests. */
static uint32_t
grow(Scopes *scopes)
{
    uint32_t left = scopes->n_factors, t;

    for (uint32_t f = 0; f < scopes->n_factors; f++)
        scopes->position[f] = f;
    for (t = 0; t < FORESTS || left > 0; t++) {
        for (uint32_t f = 0; f < scopes->n_factors; f++) {
            GasketRandom random = gasket_random_at(0, STREAM, f, t);
            scopes->key[f] = (uint64_t)scopes->count[f] << 32 | gasket_random_uint32(&random);
        }
        g_qsort_with_data(scopes->position, (int)scopes->n_factors, sizeof *scopes->position,
                          compare, scopes->key);
        for (uint32_t v = 0; v < scopes->n_variables; v++)
            scopes->parent[v] = v;
        for (uint32_t i = 0; i < scopes->n_factors; i++)
            if (take(scopes, scopes->position[i]) && scopes->count[scopes->position[i]] == 1)
                left--;
    }
    return t;
}

bool
bp_find_weights(const FactorModel *model, double **ret_weight, GError **error)
{
    const GasketContext *context = gasket_run_context(model->run, GASKET_KIND_FACTOR);
    g_auto(Scopes) scopes = {.n_variables = gasket_run_n_vertices(model->run, GASKET_KIND_VARIABLE),
                             .n_factors = gasket_run_n_vertices(model->run, GASKET_KIND_FACTOR)};

    if (!gather(&scopes, model, error) ||
        (scopes.parent = zeroed(scopes.n_variables, sizeof *scopes.parent, error)) == NULL ||
        (scopes.count = zeroed(scopes.n_factors, sizeof *scopes.count, error)) == NULL ||
        (scopes.key = zeroed(scopes.n_factors, sizeof *scopes.key, error)) == NULL ||
        (scopes.position = zeroed(scopes.n_factors, sizeof *scopes.position, error)) == NULL ||
        (*ret_weight = zeroed(model->n_factors, sizeof **ret_weight, error)) == NULL)
        return false;
    const double forests = grow(&scopes);
    for (uint32_t f = 0; f < model->n_factors; f++)
        (*ret_weight)[f] = scopes.count[context->number[f]] / forests;
    return true;
}
