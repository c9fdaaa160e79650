/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latent Dirichlet allocation by collapsed Gibbs sampling (Griffiths, Steyvers 2004), documents in
 * parallel with the counts of the sweep before (Newman et al. 2009). A token's topic is the state
 * of its edge at the document and travels to the word as the edge's value.
 *
 * Kinds document and word; relation tokens: document -> word, one edge for each token.
 */
#include "programs.h"

#include <string.h>

enum { K = LDA_TOPICS };
enum { TOPICS };
static const GasketAggregate aggregates[] = {{"topics", GASKET_COUNT, K}};

/* p(k) of a token is proportional to (n_dk + alpha) (n_wk + beta) / (n_k + W beta), its own topic
 * not counted (n_dk is already without it). */
static uint32_t
draw_topic(const GasketContext *context, const int32_t *of_document, const int32_t *of_word,
           uint32_t old, GasketRandom *random)
{
    const uint32_t *n_words = context->parameters;
    double p[K];
    for (uint32_t k = 0; k < K; k++) {
        int own = k == old;
        p[k] = (of_document[k] + LDA_ALPHA) * (of_word[k] - own + LDA_BETA) /
               ((double)(gasket_total_count(context, TOPICS, k) - own) + *n_words * LDA_BETA);
    }
    return gasket_random_choice(random, p, K);
}

/* The first sweep draws evenly. */
static void
document_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = run->rows;
    const int32_t(*word)[K] = rows->values;
    const uint64_t sweep = context->step / 2;
    uint32_t *topic = rows->edge_state;
    int32_t(*state)[K] = run->state;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        GasketRandom random =
            gasket_random_at(context->seed, STREAM_SAMPLE, context->number[v], sweep);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            if (sweep > 0)
                state[v][topic[e]]--;
            topic[e] = sweep == 0 ? gasket_random_below(&random, K)
                                  : draw_topic(context, state[v], word[rows->neighbour[e]],
                                               topic[e], &random);
            state[v][topic[e]]++;
        }
        for (unsigned k = 0; k < K; k++)
            gasket_count(context, TOPICS, k, state[v][k]);
    }
}

static void
document_scatter(const GasketContext *context, const GasketRows *rows)
{
    const uint32_t *topic = rows->edge_state;
    uint32_t *out = rows->outgoing;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            out[rows->slot[e]] = topic[e];
}

static void
word_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint32_t *topic = run->rows->incoming;
    int32_t(*state)[K] = run->state, (*value)[K] = run->value;
    (void)context, (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        memset(state[v], 0, sizeof *state);
        for (uint64_t e = run->rows->begin[i]; e < run->rows->end[i]; e++)
            state[v][topic[e]]++;
        memcpy(value[v], state[v], sizeof *value);
    }
}

static bool
run_lda(GasketRun *run, const void *parameters, GError **error)
{
    static const GasketRowSet document_rows[] = {{0, GASKET_OUT}}, word_rows[] = {{0, GASKET_IN}};
    const uint32_t n_words = gasket_run_n_vertices(run, 1);
    const GasketProgram documents = {.name = "documents",
                                     .kind = 0,
                                     .rows = document_rows,
                                     .n_rows = 1,
                                     .whole_rows = true,
                                     .apply = document_apply,
                                     .scatter = document_scatter,
                                     .changes = GASKET_CHANGES_NONE,
                                     .aggregates = 1 << TOPICS,
                                     .parameters = &n_words};
    const GasketProgram words = {.name = "words",
                                 .kind = 1,
                                 .rows = word_rows,
                                 .n_rows = 1,
                                 .whole_rows = true,
                                 .apply = word_apply};
    (void)parameters;
    return gasket_run_set_aggregates(run, aggregates, 1, error) &&
           gasket_run_set_state(run, 0, K * sizeof(int32_t), error) &&
           gasket_run_set_state(run, 1, K * sizeof(int32_t), error) &&
           gasket_run_set_value(run, 1, K * sizeof(int32_t), error) &&
           gasket_run_set_edge_state(run, document_rows[0], sizeof(uint32_t), error) &&
           gasket_run_set_edge_value(run, word_rows[0], sizeof(uint32_t), error) &&
           gasket_run_iterate(run, (const GasketProgram *[]){&documents, &words}, 2, error);
}

static const GasketNeeds needs[] = {{.in_rows = true, .out_rows = true}};
static const GasketResultColumn results[] = {
    {.name = "document", .kind = 0, .type = GASKET_INT32, .length = K},
    {.name = "word", .kind = 1, .type = GASKET_INT32, .length = K},
};
const GasketAlgorithm program_lda = {
    .abi = GASKET_ABI,
    .name = "lda",
    .needs = needs,
    .n_needs = 1,
    .results = results,
    .n_results = 2,
    .default_iterations = 10,
    .resumable = true,
    .run = run_lda,
};
