/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labelling problems in the manner of GraphLab's structured prediction: a file of priors and a file
 * of edges.
 *
 *   priors    id p1 ... pk             a line for each variable; numbers of at least 0, as many on
 *                                      each line
 *   edges     source target [weight]   neighbours; exp(smoothing x weight) where they agree, else
 *                                      1; weight 1 if there is none
 *
 * `#` starts a comment. Ids are integers or text; if one of the priors' is no canonical decimal,
 * all are text. An edge stands for both directions.
 */
#include <math.h>
#include <string.h>

#include "engine/array.h"
#include "loaders/model_format.h"
#include "loaders/text.h"

typedef struct {
    GasketTokens *tokens;
    GasketFactorGraph *model;
    const GasketModelOptions *options;
    double smoothing;
    bool names;     /* ids are text */
    uint32_t k;     /* states; 0 before the first line */
    double *prior;  /* [k], grows */
    uint64_t room;  /* of prior */
    uint64_t lines; /* of priors */
    double *table;  /* [k * k] */
} Labelling;

static bool
is_integer(const GasketToken *token, int64_t *ret_id)
{
    return token->size <= GASKET_TEXT_DIGITS + 1 &&
           gasket_scan_id(token->text, ret_id) == token->text + token->size;
}

/* Whether the next token stands on a line. */
static bool
goes_on(GasketTokens *tokens, uint64_t line)
{
    GasketToken token = gasket_tokens_peek(tokens);
    return token.text != NULL && token.line == line;
}

/* Whether some first word of a line is no integer. */
static bool
has_names(GasketTokens *tokens)
{
    bool names = false;
    uint64_t line = 0;
    GasketToken token;
    while (!names && (token = gasket_tokens_next(tokens)).text != NULL) {
        int64_t id;
        names = token.line != line && !is_integer(&token, &id);
        line = token.line;
    }
    gasket_tokens_rewind(tokens);
    return names;
}

/* The numbers of a line into prior. */
static bool
read_numbers(Labelling *labelling, uint64_t line, uint32_t *ret_n, GError **error)
{
    uint32_t n = 0;
    while (goes_on(labelling->tokens, line)) {
        if (n == labelling->room) {
            uint64_t room = MAX(16, 2 * labelling->room);
            double *grown = labelling->prior != NULL
                                ? gasket_array_resize(labelling->prior, room, sizeof *grown, error)
                                : gasket_array_new(room, sizeof *grown, error);
            if (grown == NULL)
                return false;
            labelling->prior = grown;
            labelling->room = room;
        }
        if (!gasket_tokens_weight(labelling->tokens, "a prior", &labelling->prior[n++], error))
            return false;
    }
    *ret_n = n;
    return true;
}

static bool
read_variable(Labelling *labelling, GError **error)
{
    GasketTokens *tokens = labelling->tokens;
    GasketToken token = gasket_tokens_next(tokens);
    uint64_t most = gasket_model_max_states(labelling->options);
    int64_t id = 0;
    uint32_t n;
    if (!read_numbers(labelling, token.line, &n, error))
        return false;
    if (n == 0 || (labelling->k > 0 && n != labelling->k))
        return labelling->k == 0
                   ? gasket_tokens_refuse(tokens, &token, error, "priors behind the id")
                   : gasket_tokens_refuse(tokens, &token, error,
                                          "an id with %u priors, as in the first line, instead of "
                                          "%u",
                                          labelling->k, n);
    labelling->k = n;
    labelling->lines++;
    if ((uint64_t)n * n > most || labelling->lines > most / n)
        return gasket_tokens_refuse(tokens, &token, error,
                                    "at most %" G_GUINT64_FORMAT " states in all", most);
    bool added;
    if (labelling->names) {
        g_autofree char *name = g_strndup(token.text, token.size);
        added = gasket_factor_graph_add_named(labelling->model, name, n, error);
        id = gasket_factor_graph_find(labelling->model, name);
    } else {
        (void)is_integer(&token, &id);
        added = gasket_factor_graph_add_variable(labelling->model, id, n, error);
    }
    if (added &&
        gasket_factor_graph_add_factor(labelling->model, 1, &id, n, labelling->prior, error))
        return true;
    gasket_model_error_at(error, tokens, &token);
    return false;
}

/* ---- edges ----------------------------------------------------------------------------------- */

static bool
read_end(const Labelling *labelling, uint64_t line, int64_t *ret_variable, GError **error)
{
    GasketTokens *tokens = labelling->tokens;
    GasketToken token = gasket_tokens_peek(tokens);
    int64_t id = -1;
    if (line > 0 && !goes_on(tokens, line))
        return gasket_tokens_refuse(tokens, &token, error, "a target on line %" G_GUINT64_FORMAT,
                                    line);
    (void)gasket_tokens_next(tokens);
    if (labelling->names) {
        g_autofree char *name = g_strndup(token.text, token.size);
        id = gasket_factor_graph_find(labelling->model, name);
    } else if (!is_integer(&token, &id)) {
        id = -1;
    }
    if (gasket_factor_graph_cardinality(labelling->model, id) == 0)
        return gasket_tokens_refuse(tokens, &token, error, "an id of the file of priors");
    *ret_variable = id;
    return true;
}

static bool
read_edge(Labelling *labelling, GError **error)
{
    GasketTokens *tokens = labelling->tokens;
    const GasketToken first = gasket_tokens_peek(tokens);
    const uint32_t k = labelling->k;
    int64_t scope[2];
    double weight = 1;
    if (!read_end(labelling, 0, &scope[0], error) ||
        !read_end(labelling, first.line, &scope[1], error))
        return false;
    GasketToken third = gasket_tokens_peek(tokens);
    if (goes_on(tokens, first.line) && !gasket_tokens_weight(tokens, "a weight", &weight, error))
        return false;
    if (!(weight * labelling->smoothing <= 500))
        return gasket_tokens_refuse(tokens, &third, error,
                                    "a weight that makes at most 500 with --smoothing %g",
                                    labelling->smoothing);
    if (goes_on(tokens, first.line)) {
        GasketToken more = gasket_tokens_peek(tokens);
        return gasket_tokens_refuse(tokens, &more, error, "the end of the line");
    }
    for (uint32_t x = 0; x < k; x++)
        for (uint32_t y = 0; y < k; y++)
            labelling->table[(size_t)x * k + y] = x == y ? exp(labelling->smoothing * weight) : 1;
    if (gasket_factor_graph_add_factor(labelling->model, 2, scope, (size_t)k * k, labelling->table,
                                       error))
        return true;
    gasket_model_error_at(error, tokens, &first);
    return false;
}

static bool
read_edges(Labelling *labelling, GError **error)
{
    g_autoptr(GasketInput) input = gasket_input_open(labelling->options->edges, error);
    g_autoptr(GasketTokens) tokens = input != NULL ? gasket_tokens_new(input, '#', error) : NULL;
    labelling->tokens = tokens;
    labelling->table =
        gasket_array_new((uint64_t)labelling->k * labelling->k, sizeof(double), error);
    bool read = tokens != NULL && labelling->table != NULL;
    while (read && gasket_tokens_peek(tokens).text != NULL)
        read = read_edge(labelling, error);
    gasket_array_free(labelling->table);
    return read;
}

static bool
load(GasketTokens *tokens, GasketFactorGraph *model, const GasketModelOptions *options,
     GError **error)
{
    Labelling labelling = {
        .tokens = tokens,
        .model = model,
        .options = options,
        .smoothing = options->levels > 0 ? options->smoothing : 1,
        .names = has_names(tokens),
    };
    if (gasket_tokens_peek(tokens).text == NULL) {
        GasketToken end = gasket_tokens_peek(tokens);
        return gasket_tokens_refuse(tokens, &end, error, "an id and its priors");
    }
    bool read = true;
    while (read && gasket_tokens_peek(tokens).text != NULL)
        read = read_variable(&labelling, error);
    read = read && (options->edges == NULL || read_edges(&labelling, error));
    gasket_array_free(labelling.prior);
    return read;
}

const GasketModelFormat gasket_model_priors = {
    .name = "priors",
    .extensions = "priors",
    .comment = '#',
    .load = load,
};
