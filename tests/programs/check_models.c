/* SPDX-License-Identifier: Apache-2.0 */
/* Belief propagation, Gibbs sampling and LDA: every placement gives the same bits, and enumeration
 * or the same chain on one thread the same numbers. */
#include <math.h>

#include "tests/programs/model_graphs.h"
#include "tests/programs/programs.h"

static const unsigned workers[] = {1, 2, 4, 0};

/* ---- bp: enumeration ------------------------------------------------------------------------- */

START_TEST(bp_on_a_tree_gives_the_marginals_that_enumeration_gives)
{
    Tables tables;
    draw_tables(&tables);
    Experiment experiment = {&program_bp, .build = build_factors, .data = &tables};
    g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);
    const double(*belief)[BP_STATES] = gasket_result_column(result, 0);

    ck_assert_uint_eq(gasket_result_iterations(result), 20);

    double marginal[VARIABLES][BP_STATES] = {{0}}, z = 0;
    int x[VARIABLES] = {0};
    for (bool more = true; more;) {
        double product = 1;
        for (int f = 0; f < FACTORS; f++) {
            int i = 0;
            for (int p = 0; p < scope_size[f]; p++)
                i = i * cardinality[scope[f][p]] + x[scope[f][p]];
            product *= tables.value[tables.begin[f] + (uint64_t)i];
        }
        z += product;
        for (int v = 0; v < VARIABLES; v++)
            marginal[v][x[v]] += product;
        int v = 0;
        while (v < VARIABLES && ++x[v] == cardinality[v])
            x[v++] = 0;
        more = v < VARIABLES;
    }
    for (int v = 0; v < VARIABLES; v++)
        for (int s = 0; s < BP_STATES; s++)
            ck_assert_double_eq_tol(belief[v][s], marginal[v][s] / z, 1e-12);
}
END_TEST

/* ---- gibbs: the same chain, one vertex after the other --------------------------------------- */

START_TEST(gibbs_by_colours_is_the_serial_chain)
{
    Friends friends;
    draw_friends(&friends);
    Experiment experiment = {&program_gibbs, .build = build_friends, .data = &friends, .seed = 6};
    g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);
    const int32_t(*seen)[GIBBS_STATES] = gasket_result_column(result, 0);

    uint32_t spin[FRIENDS];
    int32_t n_colours = 0;
    int32_t serial[FRIENDS][GIBBS_STATES] = {{0}};
    for (uint32_t v = 0; v < FRIENDS; v++) {
        GasketRandom random = gasket_random_at(6, STREAM_START, v, 0);
        spin[v] = gasket_random_below(&random, GIBBS_STATES);
        n_colours = MAX(n_colours, friends.colour[v] + 1);
        for (uint32_t u = 0; u < v; u++)
            ck_assert(!friends.joined[u][v] || friends.colour[u] != friends.colour[v]);
    }
    for (uint32_t step = 1; step <= 30 * (uint32_t)n_colours; step++) {
        for (uint32_t v = 0; v < FRIENDS; v++) {
            if ((uint32_t)friends.colour[v] != (step - 1) % (uint32_t)n_colours)
                continue;
            double weight[GIBBS_STATES] = {0}, total = 0, sum = 0;
            for (uint32_t u = 0; u < FRIENDS; u++)
                weight[spin[u]] += friends.joined[u][v];
            for (int s = 0; s < GIBBS_STATES; s++)
                total += weight[s] = exp(GIBBS_COUPLING * weight[s]);
            GasketRandom random = gasket_random_at(6, STREAM_SAMPLE, v, step);
            double at = gasket_random_double(&random) * total;
            for (spin[v] = 0; spin[v] < GIBBS_STATES - 1; spin[v]++)
                if (at < (sum += weight[spin[v]]))
                    break;
            serial[v][spin[v]]++;
        }
    }
    ck_assert_mem_eq(seen, serial, sizeof serial);
}
END_TEST

START_TEST(a_colour_that_is_out_of_range_is_an_error)
{
    Friends friends;
    const int32_t wrong[] = {-1, FRIENDS};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        draw_friends(&friends);
        friends.colour[FRIENDS / 2] = wrong[i];
        GasketGraph *graph = build_friends(&friends);
        g_autoptr(GError) error = NULL;
        g_autoptr(GasketResult) result =
            gasket_algorithm_run(&program_gibbs, &graph, NULL, &(GasketRunOptions){.workers = 2},
                                 &error);
        ck_assert(result == NULL);
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
        ck_assert(g_str_has_prefix(error->message, "column colour: found colour "));
    }
}
END_TEST

/* ---- lda: counts in two arrays --------------------------------------------------------------- */

typedef struct {
    int32_t document[DOCUMENTS][LDA_TOPICS], word[WORDS][LDA_TOPICS];
} Topics;

/* One sweep over the tokens of every document, with last's counts of words. */
static void
lda_sweep(const Corpus *corpus, uint64_t seed, uint64_t sweep, uint32_t *topic, const Topics *last,
          Topics *next)
{
    int64_t total[LDA_TOPICS] = {0};
    for (int w = 0; w < WORDS; w++)
        for (int k = 0; k < LDA_TOPICS; k++)
            total[k] += last->word[w][k];
    *next = (Topics){.document = {{0}}};
    memcpy(next->document, last->document, sizeof next->document);
    for (uint32_t d = 0; d < DOCUMENTS; d++) {
        GasketRandom random = gasket_random_at(seed, STREAM_SAMPLE, d, sweep);
        int32_t *n = next->document[d];
        for (int w = 0; w < WORDS; w++) {
            for (uint32_t i = 0; i < corpus->count[d][w]; i++, topic++) {
                if (sweep == 0) {
                    *topic = gasket_random_below(&random, LDA_TOPICS);
                } else {
                    double p[LDA_TOPICS], sum = 0, below = 0;
                    n[*topic]--;
                    for (uint32_t k = 0; k < LDA_TOPICS; k++) {
                        int own = k == *topic;
                        p[k] = (n[k] + LDA_ALPHA) * (last->word[w][k] - own + LDA_BETA) /
                               ((double)(total[k] - own) + WORDS * LDA_BETA);
                        sum += p[k];
                    }
                    double at = gasket_random_double(&random) * sum;
                    for (*topic = 0; *topic < LDA_TOPICS - 1; ++*topic)
                        if (at < (below += p[*topic]))
                            break;
                }
                n[*topic]++;
                next->word[w][*topic]++;
            }
        }
    }
}

START_TEST(lda_counts_are_those_of_the_serial_sampler)
{
    Corpus corpus;
    draw_corpus(&corpus);
    Experiment experiment = {&program_lda, .build = build_corpus, .data = &corpus, .seed = 7};
    g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);

    uint32_t topic[TOKENS];
    Topics last = {.document = {{0}}}, next;
    for (uint64_t sweep = 0; sweep < 10; sweep++) {
        lda_sweep(&corpus, 7, sweep, topic, &last, &next);
        last = next;
    }
    ck_assert_mem_eq(gasket_result_column(result, 0), last.document, sizeof last.document);
    ck_assert_mem_eq(gasket_result_column(result, 1), last.word, sizeof last.word);

    int32_t tokens = 0;
    for (int k = 0; k < LDA_TOPICS; k++) {
        int32_t of_documents = 0, of_words = 0;
        for (int d = 0; d < DOCUMENTS; d++)
            of_documents += last.document[d][k];
        for (int w = 0; w < WORDS; w++)
            of_words += last.word[w][k];
        ck_assert_int_eq(of_documents, of_words);
        tokens += of_words;
    }
    ck_assert_int_eq(tokens, TOKENS);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("models");
    tcase_set_timeout(all, 240);
    tcase_add_test(all, bp_on_a_tree_gives_the_marginals_that_enumeration_gives);
    tcase_add_test(all, gibbs_by_colours_is_the_serial_chain);
    tcase_add_test(all, a_colour_that_is_out_of_range_is_an_error);
    tcase_add_test(all, lda_counts_are_those_of_the_serial_sampler);
    TCase *cases[] = {all};
    return check_run("models", cases, G_N_ELEMENTS(cases));
}
