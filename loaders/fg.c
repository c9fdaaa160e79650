/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libDAI factor graphs.
 *
 *   file   := nfactors factor{nfactors}          `#` comments
 *   factor := nvars label{nvars} card{nvars} nonzeros (index value){nonzeros}
 *
 * The FIRST variable varies fastest: with the scope turned round the table is in our order. Labels
 * are any non-negative integers and become the variables' ids; entries left out are 0.
 */
#include "engine/array.h"
#include "loaders/model_format.h"

typedef struct {
    GasketTokens *tokens;
    GasketFactorGraph *model;
    uint64_t most, states; /* of all variables: bound, so far */
    GArray *scope;         /* of int64_t, in our order */
    double *table;         /* [entries] gasket_array */
    uint8_t *given;        /* [entries] */
} Fg;

/* The labels and cardinalities of a factor, and the size of its table. */
static bool
read_scope(Fg *fg, uint64_t n, uint64_t *ret_entries, GError **error)
{
    uint64_t entries = 1;

    g_array_set_size(fg->scope, 0);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t label;
        if (!gasket_tokens_count(fg->tokens, 0, INT64_MAX, "the label of a variable", &label,
                                 error))
            return false;
        int64_t id = (int64_t)label;
        g_array_append_val(fg->scope, id);
    }
    for (uint64_t i = 0; i < n; i++) {
        GasketToken token = gasket_tokens_peek(fg->tokens);
        int64_t id = g_array_index(fg->scope, int64_t, i);
        uint64_t cardinality, known = gasket_factor_graph_cardinality(fg->model, id);
        uint64_t least = known > 0 ? known : 1, most = known > 0 ? known : fg->most - fg->states;
        if (!gasket_tokens_count(fg->tokens, least, most,
                                 known > 0 ? "the cardinality that the variable had before,"
                                           : "a cardinality",
                                 &cardinality, error))
            return false;
        entries *= cardinality;
        if (entries > fg->most)
            return gasket_tokens_refuse(fg->tokens, &token, error,
                                        "a table of at most %" G_GUINT64_FORMAT " entries",
                                        fg->most);
        if (known == 0) {
            fg->states += cardinality;
            if (!gasket_factor_graph_add_variable(fg->model, id, (uint32_t)cardinality, error))
                return false;
        }
    }
    for (uint64_t i = 0; i < n / 2; i++) {
        int64_t *scope = (int64_t *)(void *)fg->scope->data, last = scope[n - 1 - i];
        scope[n - 1 - i] = scope[i];
        scope[i] = last;
    }
    *ret_entries = entries;
    return true;
}

static bool
read_entries(Fg *fg, uint64_t entries, GError **error)
{
    uint64_t nonzeros;

    if (!gasket_tokens_count(fg->tokens, 0, entries, "a number of entries that are not 0",
                             &nonzeros, error))
        return false;
    for (uint64_t i = 0; i < nonzeros; i++) {
        GasketToken token = gasket_tokens_peek(fg->tokens);
        uint64_t index;
        if (!gasket_tokens_count(fg->tokens, 0, entries - 1, "the index of an entry", &index,
                                 error))
            return false;
        if (fg->given[index])
            return gasket_tokens_refuse(fg->tokens, &token, error,
                                        "an entry that was not given already");
        fg->given[index] = 1;
        if (!gasket_tokens_weight(fg->tokens, "an entry of a table", &fg->table[index], error))
            return false;
    }
    return true;
}

static bool
read_factor(Fg *fg, GError **error)
{
    GasketToken head = gasket_tokens_peek(fg->tokens);
    uint64_t n, entries = 0;

    if (!gasket_tokens_count(fg->tokens, 0, GASKET_NO_VERTEX - 1, "a number of variables", &n,
                             error) ||
        !read_scope(fg, n, &entries, error))
        return false;
    fg->table = gasket_array_new(entries, sizeof *fg->table, error);
    fg->given = fg->table != NULL ? gasket_array_new(entries, 1, error) : NULL;
    bool read = fg->given != NULL && read_entries(fg, entries, error);
    if (read) {
        read = gasket_factor_graph_add_factor(fg->model, n, (int64_t *)(void *)fg->scope->data,
                                              entries, fg->table, error);
        if (!read)
            gasket_model_error_at(error, fg->tokens, &head);
    }
    gasket_array_free(g_steal_pointer(&fg->table));
    gasket_array_free(g_steal_pointer(&fg->given));
    return read;
}

static bool
load(GasketTokens *tokens, GasketFactorGraph *model, const GasketModelOptions *options,
     GError **error)
{
    g_autoptr(GArray) scope = g_array_new(FALSE, FALSE, sizeof(int64_t));
    Fg fg = {.tokens = tokens,
             .model = model,
             .most = gasket_model_max_states(options),
             .scope = scope};
    uint64_t n;

    if (!gasket_tokens_count(tokens, 0, GASKET_NO_VERTEX - 1, "a number of factors", &n, error))
        return false;
    for (uint64_t f = 0; f < n; f++)
        if (!read_factor(&fg, error))
            return false;
    return gasket_tokens_end(tokens, error);
}

const GasketModelFormat gasket_model_fg = {
    .name = "fg",
    .extensions = "fg",
    .comment = '#',
    .load = load,
};
