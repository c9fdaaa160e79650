/* SPDX-License-Identifier: Apache-2.0 */
/* A table of ratings that is drawn: as arrays for plain loops, as a graph for the algorithms. */
#ifndef GASKET_BENCH_RATINGS_TABLE_H
#define GASKET_BENCH_RATINGS_TABLE_H

#include <gasket/graph.h>

/* Ascending by user and item. */
typedef struct {
    uint32_t n_users, n_items;
    size_t n;
    uint64_t *begin; /* [n_users + 1] */
    int64_t *user, *item;
    float *rating;
} BenchRatings;

/* Users rate about 20 to 20 + 2 mean items each; items are skewed like x^2. */
BenchRatings bench_ratings(uint32_t n_users, uint32_t n_items, uint32_t mean);
void bench_ratings_clear(BenchRatings *table);

/* As GASKET_INPUT_RATINGS; ids are the numbers. Ends the program on failure. */
GasketGraph *bench_ratings_graph(const BenchRatings *table);

#endif
