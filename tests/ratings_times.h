/* SPDX-License-Identifier: Apache-2.0 */
/* Ratings with times for tests: the time of a pair is a function of its user and item. */
#ifndef GASKET_TESTS_RATINGS_TIMES_H
#define GASKET_TESTS_RATINGS_TIMES_H

#include "tests/ratings_train.h"

/* Time of a pair: a function of both. */
static inline double
ratings_time(int64_t user, int64_t item)
{
    return 1000 + (double)((user * 37 + item * 61) % 101);
}

/* With `validate` each fifth training rating is one to validate with. */
static inline GasketGraph *
ratings_build_timed(const Ratings *ratings, bool validate)
{
    static const char *const names[] = {"train", "test", "validation"};
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    const GasketGraphRules rules = {.order = GASKET_ORDER_GIVEN};
    g_autoptr(GError) error = NULL;

    gasket_graph_builder_add_kind(builder, "user");
    gasket_graph_builder_add_kind(builder, "item");
    for (unsigned r = 0; r < (validate ? 3 : 2); r++) {
        gasket_graph_builder_add_relation(builder, names[r], 0, 1, false);
        gasket_graph_builder_add_edge_column(builder, r, "rating", GASKET_FLOAT, 1);
        gasket_graph_builder_add_edge_column(builder, r, "time", GASKET_DOUBLE, 1);
    }
    for (size_t i = 0; i < ratings->n; i++) {
        const float rating = (float)ratings->rating[i];
        const double time = ratings_time(ratings->user[i], ratings->item[i]);
        const void *column[] = {&rating, &time};
        const bool validation = validate && !ratings->test[i] && i % 5 == 0;
        ck_assert(gasket_graph_builder_add_edges(builder, validation ? 2 : ratings->test[i], 1,
                                                 &ratings->user[i], &ratings->item[i], column,
                                                 &error));
    }
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_msg(graph != NULL, "%s", error ? error->message : "no graph");
    return graph;
}

static inline GasketGraph *
ratings_build_with_times(const void *data)
{
    return ratings_build_timed(data, false);
}

static inline GasketGraph *
ratings_build_to_validate(const void *data)
{
    return ratings_build_timed(data, true);
}

static inline GasketResult *
ratings_train_with_times(const GasketAlgorithm *algorithm, const Ratings *ratings, const char *text,
                         uint32_t iterations)
{
    g_autofree void *parameters = ratings_parameters(algorithm, text);
    const GasketRunOptions options = {.iterations = iterations, .seed = 1};
    const Experiment experiment = {algorithm, parameters, ratings_build_with_times,
                                   .data = ratings};
    g_autoptr(GError) error = NULL;
    GasketResult *result = run_once(&experiment, &options, &error);
    ck_assert_msg(result != NULL, "%s: %s", algorithm->name, error ? error->message : "");
    return result;
}

#endif
