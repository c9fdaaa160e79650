/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UAI evidence in its three dialects:
 *
 *   2014      n (var val){n}                            2 1 0 2 1
 *   2010      nsamples, then a line for each sample     1
 *             n (var val){n}                            2 1 0 2 1
 *   2006      n on a line of its own, then the pairs    2
 *             (var val){n}, over any number of lines    1 0
 *                                                       2 1
 *
 * The first line a single integer and the next one of an odd number of words: the 2010 form, of
 * which one sample is read. An empty file, or `0`, observes nothing.
 */
#include "loaders/evidence.h"

#include "loaders/tokens.h"

/* Words of the line that comes next; 0 at the end. */
static uint64_t
words_of_line(GasketTokens *tokens)
{
    GasketToken token = gasket_tokens_peek(tokens);
    uint64_t line = token.line, n = 0;
    while (token.text != NULL && token.line == line) {
        gasket_tokens_next(tokens);
        token = gasket_tokens_peek(tokens);
        n++;
    }
    return n;
}

/* Whether the file has the 2010 form. */
static bool
has_samples(GasketTokens *tokens)
{
    bool samples = words_of_line(tokens) == 1 && words_of_line(tokens) % 2 == 1;
    gasket_tokens_rewind(tokens);
    return samples;
}

static bool
observe(GasketTokens *tokens, GasketFactorGraph *model, GHashTable *seen, GError **error)
{
    GasketToken token = gasket_tokens_peek(tokens);
    uint64_t variable, state;
    if (!gasket_tokens_count(tokens, 0, INT64_MAX, "a variable", &variable, error))
        return false;
    uint32_t cardinality = gasket_factor_graph_cardinality(model, (int64_t)variable);
    if (cardinality == 0)
        return gasket_tokens_refuse(tokens, &token, error, "a variable of the model");
    int64_t id = (int64_t)variable;
    if (!g_hash_table_add(seen, g_memdup2(&id, sizeof id)))
        return gasket_tokens_refuse(tokens, &token, error,
                                    "a variable that is not observed already");
    return gasket_tokens_count(tokens, 0, cardinality - 1, "a state", &state, error) &&
           gasket_factor_graph_observe(model, id, (int32_t)state, error);
}

static bool
load(GasketTokens *tokens, GasketFactorGraph *model, GError **error)
{
    if (gasket_tokens_peek(tokens).text == NULL)
        return true;
    uint64_t samples, n;
    GasketToken first = gasket_tokens_peek(tokens);
    if (has_samples(tokens)) {
        if (!gasket_tokens_count(tokens, 0, UINT64_MAX - 1, "a number of samples", &samples, error))
            return false;
        if (samples != 1)
            return gasket_tokens_refuse(tokens, &first, error,
                                        "1 sample of evidence, as the line of an odd number of "
                                        "words that follows is read");
    }
    if (!gasket_tokens_count(tokens, 0, UINT64_MAX - 1, "a number of observations", &n, error))
        return false;
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    for (uint64_t i = 0; i < n; i++)
        if (!observe(tokens, model, seen, error))
            return false;
    return gasket_tokens_end(tokens, error);
}

static bool
load_input(GasketFactorGraph *model, GasketInput *input, GError **error)
{
    g_autoptr(GasketTokens) tokens = gasket_tokens_new(input, '#', error);
    return tokens != NULL && load(tokens, model, error);
}

bool
gasket_evidence_load(GasketFactorGraph *model, const char *path, GError **error)
{
    g_autoptr(GasketInput) input = gasket_input_open(path, error);
    return input != NULL && load_input(model, input, error);
}

bool
gasket_evidence_load_memory(GasketFactorGraph *model, const char *name, const void *data,
                            size_t size, GError **error)
{
    g_autoptr(GasketInput) input = gasket_input_new_memory(name, data, size, error);
    return input != NULL && load_input(model, input, error);
}
