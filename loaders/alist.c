/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LDPC parity checks in MacKay's alist format.
 *
 *   N M                     columns (bits), rows (checks)
 *   dv dc                   largest degree of a column and of a row
 *   degree{N} degree{M}
 *   N lines of rows, M lines of columns, from 1; shorter lines may be filled with zeros
 *
 * Each bit becomes a variable of two states, each check a factor that is 1 where its bits have an
 * even sum, else 0. What the two halves say must agree.
 *
 * Cost: 2^k entries for a check of k bits.
 */
#include "engine/array.h"
#include "loaders/model_format.h"

/* Bits of a check: its table has 2^k entries. */
#define MAX_CHECK 20

typedef struct {
    GasketTokens *tokens;
    uint64_t n[2];       /* columns, rows */
    uint64_t largest[2]; /* degree */
    uint32_t *degree[2]; /* [n] */
    GHashTable *edges;   /* column * rows + row, of the first half, until the second half has it */
} Alist;

static bool
read_head(Alist *alist, const GasketModelOptions *options, GError **error)
{
    uint64_t most = MIN(gasket_model_max_states(options) / 2, (uint64_t)INT32_MAX);
    return gasket_tokens_count(alist->tokens, 1, most, "a number of columns", &alist->n[0],
                               error) &&
           gasket_tokens_count(alist->tokens, 1, most, "a number of rows", &alist->n[1], error) &&
           gasket_tokens_count(alist->tokens, 0, alist->n[1], "the largest degree of a column",
                               &alist->largest[0], error) &&
           gasket_tokens_count(alist->tokens, 0, MIN(alist->n[0], MAX_CHECK),
                               "the largest degree of a row", &alist->largest[1], error);
}

static bool
read_degrees(Alist *alist, unsigned half, GError **error)
{
    /* Numbers of two bytes at least: no more can be announced than the file can hold. */
    if (alist->n[half] > gasket_tokens_left(alist->tokens)) {
        GasketToken end = {.line = gasket_tokens_peek(alist->tokens).line};
        return gasket_tokens_refuse(alist->tokens, &end, error, "the degree of each %s",
                                    half == 0 ? "column" : "row");
    }
    alist->degree[half] = gasket_array_new(alist->n[half], sizeof **alist->degree, error);
    for (uint64_t i = 0; alist->degree[half] != NULL && i < alist->n[half]; i++) {
        uint64_t degree;
        if (!gasket_tokens_count(alist->tokens, 0, alist->largest[half], "a degree", &degree,
                                 error))
            return false;
        alist->degree[half][i] = (uint32_t)degree;
    }
    return alist->degree[half] != NULL;
}

/* The list of column or row i, with the zeros behind it; list: [its degree] from 0. */
static bool
read_list(Alist *alist, unsigned half, uint64_t i, int64_t *list, GError **error)
{
    uint32_t degree = alist->degree[half][i];
    GasketToken first = gasket_tokens_peek(alist->tokens);

    for (uint32_t k = 0; k < degree; k++) {
        GasketToken token = gasket_tokens_peek(alist->tokens);
        uint64_t other, column, row;
        if (!gasket_tokens_count(alist->tokens, 1, alist->n[!half],
                                 half == 0 ? "a row" : "a column", &other, error))
            return false;
        column = half == 0 ? i : other - 1;
        row = half == 0 ? other - 1 : i;
        int64_t edge = (int64_t)(column * alist->n[1] + row);
        bool fits = half == 0 ? g_hash_table_add(alist->edges, g_memdup2(&edge, sizeof edge))
                              : g_hash_table_remove(alist->edges, &edge);
        if (!fits)
            return gasket_tokens_refuse(alist->tokens, &token, error,
                                        half == 0 ? "a row that this column does not name twice"
                                                  : "a column that names this row, once");
        list[k] = (int64_t)other - 1;
    }
    for (;;) { /* zeros fill the line */
        GasketToken token = gasket_tokens_peek(alist->tokens);
        if (token.text == NULL || token.size != 1 || *token.text != '0' ||
            (degree > 0 && token.line != first.line))
            return true;
        (void)gasket_tokens_next(alist->tokens);
        if (degree == 0 && gasket_tokens_peek(alist->tokens).line != token.line)
            return true;
    }
}

static bool
add_check(GasketFactorGraph *model, const int64_t *bits, uint32_t k, double *table, GError **error)
{
    size_t size = (size_t)1 << k;
    for (size_t e = 0; e < size; e++)
        table[e] = __builtin_parityll(e) == 0 ? 1 : 0;
    return k == 0 || gasket_factor_graph_add_factor(model, k, bits, size, table, error);
}

static bool
read_lists(Alist *alist, GasketFactorGraph *model, GError **error)
{
    uint64_t longest = MAX(alist->largest[0], alist->largest[1]);
    int64_t *list = gasket_array_new(longest, sizeof *list, error);
    double *table = list != NULL
                        ? gasket_array_new((uint64_t)1 << alist->largest[1], sizeof *table, error)
                        : NULL;
    bool read = list != NULL && table != NULL;

    for (uint64_t i = 0; read && i < alist->n[0]; i++)
        read = gasket_factor_graph_add_variable(model, (int64_t)i, 2, error) &&
               read_list(alist, 0, i, list, error);
    for (uint64_t i = 0; read && i < alist->n[1]; i++)
        read = read_list(alist, 1, i, list, error) &&
               add_check(model, list, alist->degree[1][i], table, error);
    gasket_array_free(list);
    gasket_array_free(table);
    if (read && g_hash_table_size(alist->edges) > 0) {
        GasketToken end = gasket_tokens_peek(alist->tokens);
        return gasket_tokens_refuse(alist->tokens, &end, error,
                                    "rows that name every column that names them");
    }
    return read;
}

static bool
load(GasketTokens *tokens, GasketFactorGraph *model, const GasketModelOptions *options,
     GError **error)
{
    Alist alist = {.tokens = tokens,
                   .edges = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL)};
    bool read = read_head(&alist, options, error) && read_degrees(&alist, 0, error) &&
                read_degrees(&alist, 1, error) && read_lists(&alist, model, error) &&
                gasket_tokens_end(tokens, error);
    g_hash_table_destroy(alist.edges);
    gasket_array_free(alist.degree[0]);
    gasket_array_free(alist.degree[1]);
    return read;
}

const GasketModelFormat gasket_model_alist = {
    .name = "alist",
    .extensions = "alist",
    .load = load,
};
