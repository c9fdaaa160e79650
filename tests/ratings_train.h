/* SPDX-License-Identifier: Apache-2.0 */
/* Training a method on ratings, with options as text: `name=value name=value`. */
#ifndef GASKET_TESTS_RATINGS_TRAIN_H
#define GASKET_TESTS_RATINGS_TRAIN_H

#include "tests/ratings_graph.h"

/* The algorithm's parameters with the options of a text; free with g_free. */
static inline void *
ratings_parameters(const GasketAlgorithm *algorithm, const char *text)
{
    void *parameters = g_malloc0(algorithm->parameters_size);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    g_autoptr(GError) error = NULL;
    gasket_options_set_defaults(algorithm->options, parameters);
    for (char **word = words; *word != NULL && **word != 0; word++) {
        g_auto(GStrv) pair = g_strsplit(*word, "=", 2);
        ck_assert_msg(gasket_options_set(algorithm->options, parameters, pair[0], pair[1], &error),
                      "%s", error ? error->message : "");
    }
    return parameters;
}

static inline GasketResult *
ratings_train(const GasketAlgorithm *algorithm, const Ratings *ratings, const char *text,
              uint32_t iterations)
{
    g_autofree void *parameters = ratings_parameters(algorithm, text);
    GasketRunOptions options = {.iterations = iterations, .seed = 1};
    Experiment experiment = {algorithm, parameters, ratings_build, .data = ratings};
    g_autoptr(GError) error = NULL;
    GasketResult *result = run_once(&experiment, &options, &error);
    ck_assert_msg(result != NULL, "%s: %s", algorithm->name, error ? error->message : "");
    return result;
}

#endif
