/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latent Dirichlet allocation by collapsed Gibbs sampling (Griffiths, Steyvers 2004), documents in
 * parallel with the counts of the sweep before (Newman et al. 2009). A token's topic is the state
 * of its edge at the document and travels to the word as the edge's value.
 *
 * Kinds document and word; relation tokens: document -> word, one edge for each token.
 */
#include "programs.h"

#include <math.h>
#include <string.h>

#define K LDA_TOPICS

enum { TOPICS };

static const GasketAggregate aggregates[] = {{"topics", GASKET_COUNT, K}};
static const GasketNeeds needs[] = {{.in_rows = true, .out_rows = true}};
static const GasketResultColumn results[] = {
    {.name = "document", .kind = 0, .type = GASKET_INT32, .length = K},
    {.name = "word", .kind = 1, .type = GASKET_INT32, .length = K},
};
static const GasketRowSet document_rows[] = {{0, GASKET_OUT}}, word_rows[] = {{0, GASKET_IN}};

typedef struct {
    uint64_t sweep; /* 0: topics are drawn evenly */
    uint32_t n_words;
} Settings;

/* p(k) of a token is proportional to (n_dk + alpha) (n_wk + beta) / (n_k + W beta), its own topic
 * not counted. */
static uint32_t
draw_topic(const GasketContext *context, const int32_t *in_document, const int32_t *of_word,
           uint32_t old, GasketRandom *random)
{
    const Settings *settings = context->parameters;
    double below[K], total = 0;
    for (uint32_t k = 0; k < K; k++) {
        int own = k == old;
        double n_k = (double)(gasket_total_count(context, TOPICS, k) - own);
        below[k] = total += (in_document[k] + LDA_ALPHA) * (of_word[k] - own + LDA_BETA) /
                            (n_k + settings->n_words * LDA_BETA);
    }
    double u = gasket_random_double(random) * total;
    uint32_t k = 0;
    while (k + 1 < K && u >= below[k])
        k++;
    return k;
}

static void
document_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const Settings *settings = context->parameters;
    const int32_t(*word)[K] = rows->values;
    int32_t(*count)[K] = sums;
    uint32_t *topic = rows->edge_state;

    for (size_t r = 0; r < rows->count; r++) {
        int32_t *n = count[rows->sum[r]];
        GasketRandom random = gasket_random_at(context->seed, STREAM_SAMPLE,
                                               context->number[rows->vertex[r]], settings->sweep);
        for (uint64_t e = rows->begin[r]; settings->sweep > 0 && e < rows->end[r]; e++)
            n[topic[e]]++;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            if (settings->sweep == 0) {
                topic[e] = gasket_random_below(&random, K);
            } else {
                n[topic[e]]--;
                topic[e] = draw_topic(context, n, word[rows->neighbour[e]], topic[e], &random);
            }
            n[topic[e]]++;
        }
        for (unsigned k = 0; k < K; k++)
            gasket_count(context, TOPICS, k, n[k]);
    }
}

static void
document_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const int32_t(*count)[K] = sums;
    int32_t(*state)[K] = run->state;
    (void)context;
    for (size_t i = 0; i < run->count; i++)
        memcpy(state[run->vertex[i]], count[run->sum[i]], sizeof *state);
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
word_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint32_t *topic = rows->incoming;
    int32_t(*count)[K] = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            count[rows->sum[r]][topic[e]]++;
}

static void
word_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    int32_t(*value)[K] = run->value;
    document_apply(context, run, sums);
    for (size_t i = 0; i < run->count; i++)
        memcpy(value[run->vertex[i]], ((const int32_t(*)[K])sums)[run->sum[i]], sizeof *value);
}

static bool
run_lda(GasketRun *run, const void *parameters, GError **error)
{
    Settings settings = {0, gasket_run_n_vertices(run, 1)};
    const GasketProgram documents = {.name = "documents",
                                     .kind = 0,
                                     .rows = document_rows,
                                     .n_rows = 1,
                                     .whole_rows = true,
                                     .sum_size = K * sizeof(int32_t),
                                     .gather = document_gather,
                                     .apply = document_apply,
                                     .scatter = document_scatter,
                                     .changes = GASKET_CHANGES_NONE,
                                     .aggregates = 1 << TOPICS,
                                     .parameters = &settings};
    const GasketProgram words = {.name = "words",
                                 .kind = 1,
                                 .rows = word_rows,
                                 .n_rows = 1,
                                 .sum_size = K * sizeof(int32_t),
                                 .gather = word_gather,
                                 .apply = word_apply};
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, 1, error) ||
        !gasket_run_set_state(run, 0, K * sizeof(int32_t), error) ||
        !gasket_run_set_state(run, 1, K * sizeof(int32_t), error) ||
        !gasket_run_set_value(run, 1, K * sizeof(int32_t), error) ||
        !gasket_run_set_edge_state(run, document_rows[0], sizeof(uint32_t), error) ||
        !gasket_run_set_edge_value(run, word_rows[0], sizeof(uint32_t), error))
        return false;
    for (; gasket_run_continues(run); settings.sweep++) {
        if (!gasket_run_step(run, &documents, error) || !gasket_run_step(run, &words, error))
            return false;
        gasket_run_end_iteration(run, NAN, false);
    }
    return true;
}

static const GasketAlgorithm algorithm = {
    .abi = GASKET_ABI,
    .name = "lda",
    .needs = needs,
    .n_needs = 1,
    .results = results,
    .n_results = 2,
    .default_iterations = 10,
    .run = run_lda,
};

const GasketAlgorithm *
program_lda(void)
{
    return &algorithm;
}
