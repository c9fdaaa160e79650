/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ratings for tests of recommenders: planted ones, MovieLens's splits, and the graph of them (kinds
 * user and item; relations train and test, column rating).
 */
#ifndef GASKET_TESTS_RATINGS_GRAPH_H
#define GASKET_TESTS_RATINGS_GRAPH_H

#include <stdio.h>

#include "tests/run_everywhere.h"

typedef struct {
    size_t n;
    int64_t *user, *item; /* [n] */
    double *rating;       /* [n] */
    bool *test;           /* [n] */
} Ratings;

static inline Ratings
ratings_new(size_t n)
{
    return (Ratings){.user = g_new0(int64_t, n + 1),
                     .item = g_new0(int64_t, n + 1),
                     .rating = g_new0(double, n + 1),
                     .test = g_new0(bool, n + 1)};
}

static inline void
ratings_clear(Ratings *ratings)
{
    g_free(ratings->user);
    g_free(ratings->item);
    g_free(ratings->rating);
    g_free(ratings->test);
}

static inline void
ratings_add(Ratings *ratings, int64_t user, int64_t item, double rating, bool test)
{
    ratings->user[ratings->n] = user;
    ratings->item[ratings->n] = item;
    ratings->rating[ratings->n] = rating;
    ratings->test[ratings->n++] = test;
}

static inline GasketGraph *
ratings_build(const void *data)
{
    static const char *const names[] = {"train", "test"};
    const Ratings *ratings = data;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    const GasketGraphRules rules = {.order = GASKET_ORDER_GIVEN};
    g_autoptr(GError) error = NULL;

    gasket_graph_builder_add_kind(builder, "user");
    gasket_graph_builder_add_kind(builder, "item");
    for (unsigned r = 0; r < 2; r++) {
        gasket_graph_builder_add_relation(builder, names[r], 0, 1, false);
        gasket_graph_builder_add_edge_column(builder, r, "rating", GASKET_FLOAT, 1);
    }
    for (size_t i = 0; i < ratings->n; i++) {
        const float rating = (float)ratings->rating[i];
        const void *column[] = {&rating};
        ck_assert(gasket_graph_builder_add_edges(builder, ratings->test[i], 1, &ratings->user[i],
                                                 &ratings->item[i], column, &error));
    }
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_msg(graph != NULL, "%s", error ? error->message : "no graph");
    return graph;
}

/* Drawn factors p, q of a rank, positive if asked; each pair is kept with probability `density`,
 * one in ten of those to test on. rating = mean + b_u + b_i + p . q. */
static inline Ratings
ratings_plant(unsigned n_users, unsigned n_items, unsigned rank, double density, double bias,
              bool positive)
{
    Ratings ratings = ratings_new((size_t)n_users * n_items);
    g_autofree double *factor = g_new(double, (size_t)(n_users + n_items) * (rank + 1));
    for (unsigned v = 0; v < n_users + n_items; v++) {
        GasketRandom random = gasket_random_at(11, 1, v, 0);
        for (unsigned f = 0; f <= rank; f++) {
            double x = gasket_random_normal(&random);
            factor[v * (rank + 1) + f] = positive ? 0.2 + fabs(x) : x;
        }
    }
    for (unsigned u = 0; u < n_users; u++) {
        GasketRandom random = gasket_random_at(11, 2, u, 0);
        const double *p = factor + u * (rank + 1);
        for (unsigned i = 0; i < n_items; i++) {
            const double *q = factor + (n_users + i) * (rank + 1);
            double x = bias * (6 + p[rank] + q[rank]);
            for (unsigned f = 0; f < rank; f++)
                x += p[f] * q[f];
            bool kept = gasket_random_double(&random) < density;
            bool test = gasket_random_below(&random, 10) == 0;
            if (kept)
                ratings_add(&ratings, 100 + 3 * u, 7 * i, x, test);
        }
    }
    return ratings;
}

/* MovieLens 100K's split: false where the data is absent. */
static inline bool
ratings_load(Ratings *ratings, const char *split)
{
    static const char *const endings[] = {"base", "test"};
    const char *folder = g_getenv("GASKET_DATA");

    *ratings = ratings_new(100000);
    for (unsigned test = 0; test < 2; test++) {
        g_autofree char *path =
            g_strdup_printf("%s/ratings/ml-100k/%s.%s", folder ? folder : "", split, endings[test]);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            return false;
        long user, item, time;
        double rating;
        while (fscanf(file, "%ld %ld %lf %ld", &user, &item, &rating, &time) == 4)
            ratings_add(ratings, user, item, rating, test == 1);
        fclose(file);
    }
    return true;
}

#endif
