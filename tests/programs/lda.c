/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latent Dirichlet allocation by collapsed Gibbs sampling (Griffiths, Steyvers 2004), documents in
 * parallel with the counts of the sweep before (Newman et al. 2009). A token's topic is the state
 * of its edge at the document and travels to the word as the edge's value.
 *
 * Kinds document and word; relation tokens: document -> word, one edge for each token.
 */
#include "programs.h"

enum { K = LDA_TOPICS };

/* p(k) of a token is proportional to (n_dk + alpha) (n_wk + beta) / (n_k + W beta), its own topic
 * not counted (n_dk is already without it). */
static uint32_t
draw_topic(const GasketContext *context, const int32_t *of_document, const int32_t *of_word,
           uint32_t old, GasketRandom *random)
{
    const uint32_t *n_words = context->parameters;
    double p[K];
    for (uint32_t k = 0; k < K; k++)
        p[k] = (of_document[k] + LDA_ALPHA) * (of_word[k] - (k == old) + LDA_BETA) /
               ((double)(gasket_total_count(context, 0, k) - (k == old)) + *n_words * LDA_BETA);
    return gasket_random_choice(random, p, K);
}

/* The first sweep draws evenly. */
static void
document_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = run->rows;
    const int32_t(*word)[K] = rows->values;
    uint32_t *topic = rows->edge_state;
    for (size_t i = 0; i < run->count; i++) {
        int32_t *n = (int32_t *)run->state + (size_t)K * run->vertex[i];
        uint32_t number = context->number[run->vertex[i]];
        GasketRandom random =
            gasket_random_at(context->seed, STREAM_SAMPLE, number, context->step / 2);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            n[topic[e]] -= context->step >= 2;
            topic[e] = context->step < 2
                           ? gasket_random_below(&random, K)
                           : draw_topic(context, n, word[rows->neighbour[e]], topic[e], &random);
            n[topic[e]]++;
        }
    }
}

static void
send_topics(const GasketContext *context, const GasketRows *rows)
{
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            ((uint32_t *)rows->outgoing)[rows->slot[e]] = ((uint32_t *)rows->edge_state)[e];
}

static void
word_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    int32_t(*state)[K] = run->state, (*value)[K] = run->value;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        memset(state[v], 0, sizeof *state);
        for (uint64_t e = run->rows->begin[i]; e < run->rows->end[i]; e++)
            state[v][((const uint32_t *)run->rows->incoming)[e]]++;
        memcpy(value[v], state[v], sizeof *value);
        for (unsigned k = 0; k < K; k++)
            gasket_count(context, 0, k, state[v][k]);
    }
}

static bool
run_lda(GasketRun *run, const void *parameters, GError **error)
{
    const GasketRowSet of_document = {0, GASKET_OUT}, of_word = {0, GASKET_IN};
    const uint32_t n_words = gasket_run_n_vertices(run, 1);
    const GasketProgram documents = {
        "documents",           0, &of_document, 1, .apply = document_apply, .scatter = send_topics,
        .parameters = &n_words};
    const GasketProgram words = {"words", 1, &of_word, 1, .apply = word_apply, .aggregates = 1};
    return gasket_run_set_aggregates(run, &(GasketAggregate){"n", GASKET_COUNT, K}, 1, error) &&
           gasket_run_set_state(run, 0, K * sizeof(int32_t), error) &&
           gasket_run_set_state(run, 1, K * sizeof(int32_t), error) &&
           gasket_run_set_value(run, 1, K * sizeof(int32_t), error) &&
           gasket_run_set_edge_state(run, of_document, sizeof(uint32_t), error) &&
           gasket_run_set_edge_value(run, of_word, sizeof(uint32_t), error) &&
           gasket_run_iterate(run, (const GasketProgram *[]){&documents, &words}, 2, error);
}

const GasketAlgorithm program_lda = {
    .abi = GASKET_ABI,
    .name = "lda",
    GASKET_NEEDS({.in_rows = true, .out_rows = true}),
    GASKET_RESULTS({"document", 0, GASKET_INT32, 0, K}, {"word", 1, GASKET_INT32, 0, K}),
    .default_iterations = 10,
    .resumable = true,
    .run = run_lda,
};
