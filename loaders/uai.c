/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UAI models.
 *
 *   model  := ("MARKOV" | "BAYES") nvars card{nvars} nfactors scope{nfactors} table{nfactors}
 *   scope  := k var{k}                     variables from 0; BAYES: the child is last
 *   table  := nentries value{nentries}     the last variable of the scope varies fastest
 *
 * Lines have no meaning; `#` comments go to the end of the line. BAYES and MARKOV differ in what
 * they promise of the tables alone, so both are read the same way.
 */
#include <string.h>

#include "engine/array.h"
#include "loaders/model_format.h"

/* Factors that a file may announce: their ids are 32-bit numbers. */
#define MAX_FACTORS (GASKET_NO_VERTEX - 1)

/* The scopes of all factors, which stand before the first table. */
typedef struct {
    uint64_t n_factors, n_variables;
    uint64_t *begin;   /* [n_read + 1], grows */
    int64_t *variable; /* [begin[n_read]], grows */
    uint64_t *entries; /* [n_read] of the table that each scope has, grows */
    uint64_t *stamp;   /* [n_variables] last scope that named the variable, from 1 */
    uint64_t room, variable_room;
    double *table; /* [table_room] the one at hand, grows */
    uint64_t table_room;
} Scopes;

static void
scopes_clear(Scopes *scopes)
{
    gasket_array_free(scopes->begin);
    gasket_array_free(scopes->variable);
    gasket_array_free(scopes->entries);
    gasket_array_free(scopes->stamp);
    gasket_array_free(scopes->table);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scopes, scopes_clear)

/* Room for n elements. A file's numbers are not trusted: arrays grow with what has been read. */
static bool
reserve(void **array, uint64_t *room, uint64_t n, size_t size, GError **error)
{
    if (n <= *room && *array != NULL)
        return true;
    uint64_t larger = MAX(MAX(2 * *room, n), 64);
    void *grown = *array == NULL ? gasket_array_new(larger, size, error)
                                 : gasket_array_resize(*array, larger, size, error);
    if (grown == NULL)
        return false;
    *array = grown;
    *room = larger;
    return true;
}

static bool
read_variables(GasketTokens *tokens, GasketFactorGraph *model, const GasketModelOptions *options,
               uint64_t *ret_n, GError **error)
{
    uint64_t n, most = gasket_model_max_states(options), states = 0;
    if (!gasket_tokens_count(tokens, 0, most, "a number of variables", &n, error))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t cardinality;
        if (!gasket_tokens_count(tokens, 1, most - states, "a cardinality", &cardinality, error))
            return false;
        states += cardinality;
        if (!gasket_factor_graph_add_variable(model, (int64_t)i, (uint32_t)cardinality, error))
            return false;
    }
    *ret_n = n;
    return true;
}

/* The scope of factor f, and how many entries its table must have. */
static bool
read_scope(GasketTokens *tokens, const GasketFactorGraph *model, const GasketModelOptions *options,
           Scopes *scopes, uint64_t f, GError **error)
{
    uint64_t k, entries = 1, most = gasket_model_max_states(options);
    uint64_t begin = f > 0 ? scopes->begin[f] : 0;

    if (!gasket_tokens_count(tokens, 0, scopes->n_variables, "a number of variables in a scope", &k,
                             error))
        return false;
    for (uint64_t i = 0; i < k; i++) {
        GasketToken token = gasket_tokens_peek(tokens);
        uint64_t v;
        if (!gasket_tokens_count(tokens, 0, scopes->n_variables - 1, "a variable", &v, error))
            return false;
        if (scopes->stamp[v] == f + 1)
            return gasket_tokens_refuse(tokens, &token, error,
                                        "a variable that is not in this scope already");
        scopes->stamp[v] = f + 1;
        entries *= gasket_factor_graph_cardinality(model, (int64_t)v);
        if (entries > most)
            return gasket_tokens_refuse(tokens, &token, error,
                                        "a scope whose table has at most %" G_GUINT64_FORMAT
                                        " entries",
                                        most);
        if (!reserve((void **)&scopes->variable, &scopes->variable_room, begin + i + 1,
                     sizeof *scopes->variable, error))
            return false;
        scopes->variable[begin + i] = (int64_t)v;
    }
    uint64_t room = scopes->room; /* shared by both arrays, begin being one longer */
    if (!reserve((void **)&scopes->begin, &room, f + 2, sizeof *scopes->begin, error) ||
        !reserve((void **)&scopes->entries, &scopes->room, f + 2, sizeof *scopes->entries, error))
        return false;
    scopes->entries[f] = entries;
    scopes->begin[f + 1] = begin + k;
    return true;
}

static bool
read_table(GasketTokens *tokens, GasketFactorGraph *model, Scopes *scopes, uint64_t f,
           GError **error)
{
    GasketToken head = gasket_tokens_peek(tokens);
    uint64_t n, expected = scopes->entries[f];

    if (!gasket_tokens_count(tokens, 0, UINT64_MAX - 1, "a number of entries", &n, error))
        return false;
    if (n != expected)
        return gasket_tokens_refuse(tokens, &head, error,
                                    "%" G_GUINT64_FORMAT
                                    " entries, the product of the cardinalities of factor "
                                    "%" G_GUINT64_FORMAT,
                                    expected, f);
    for (uint64_t i = 0; i < n; i++) {
        if (!reserve((void **)&scopes->table, &scopes->table_room, i + 1, sizeof *scopes->table,
                     error) ||
            !gasket_tokens_weight(tokens, "an entry of a table", &scopes->table[i], error))
            return false;
    }
    uint64_t begin = scopes->begin[f];
    if (gasket_factor_graph_add_factor(model, scopes->begin[f + 1] - begin,
                                       scopes->variable != NULL ? scopes->variable + begin : NULL,
                                       n, scopes->table, error))
        return true;
    gasket_model_error_at(error, tokens, &head);
    return false;
}

static bool
load(GasketTokens *tokens, GasketFactorGraph *model, const GasketModelOptions *options,
     GError **error)
{
    g_auto(Scopes) scopes = {0};
    GasketToken type = gasket_tokens_next(tokens);

    if (type.text == NULL || !((type.size == 6 && memcmp(type.text, "MARKOV", 6) == 0) ||
                               (type.size == 5 && memcmp(type.text, "BAYES", 5) == 0)))
        return gasket_tokens_refuse(tokens, &type, error, "MARKOV or BAYES");
    if (!read_variables(tokens, model, options, &scopes.n_variables, error) ||
        !gasket_tokens_count(tokens, 0, MAX_FACTORS, "a number of factors", &scopes.n_factors,
                             error))
        return false;
    scopes.stamp = gasket_array_new(scopes.n_variables, sizeof *scopes.stamp, error);
    if (scopes.stamp == NULL)
        return false;
    for (uint64_t f = 0; f < scopes.n_factors; f++)
        if (!read_scope(tokens, model, options, &scopes, f, error))
            return false;
    for (uint64_t f = 0; f < scopes.n_factors; f++)
        if (!read_table(tokens, model, &scopes, f, error))
            return false;
    return gasket_tokens_end(tokens, error);
}

const GasketModelFormat gasket_model_uai = {
    .name = "uai",
    .extensions = "uai",
    .comment = '#',
    .load = load,
};
