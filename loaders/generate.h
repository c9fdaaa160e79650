/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated graphs: each is a function of (options, seed), whatever the threads.
 *
 *   GasketGenerateOptions options = {.kind = GASKET_GENERATE_KRONECKER, .scale = 20, .seed = 1};
 *   if (!gasket_generate(&options, emit, data, &error))
 *       return false;
 *
 *   kronecker  2^scale vertices, edge_factor edges each, drawn down scale levels of a 2 x 2 matrix
 *              with A, B, C = 0.57, 0.19, 0.19; vertex numbers permuted (as Graph500 and GAP)
 *   uniform    n edges between vertices drawn evenly and independently
 *   grid       rows x columns vertices, each with an edge to the right and one downwards
 *   ratings    n different (user, item) pairs; a rating is the product of planted factors of rank
 *              `rank` about a mean of 3, plus noise, rounded to half stars in 0.5 .. 5
 *
 * Vertices count from 0. Self-loops and repeated edges of kronecker and uniform are kept.
 */
#ifndef GASKET_LOADERS_GENERATE_H
#define GASKET_LOADERS_GENERATE_H

#include <gasket/graph.h>

typedef enum {
    GASKET_GENERATE_KRONECKER,
    GASKET_GENERATE_UNIFORM,
    GASKET_GENERATE_GRID,
    GASKET_GENERATE_RATINGS,
} GasketGenerateKind;

typedef struct {
    GasketGenerateKind kind;
    unsigned scale;         /* kronecker: 0 .. 31 */
    uint64_t edge_factor;   /* kronecker; 0: 16 */
    uint64_t n_vertices;    /* uniform: below 2^32 */
    uint64_t n_edges;       /* uniform, ratings */
    uint64_t rows, columns; /* grid: rows * columns below 2^32 */
    uint64_t users, items;  /* ratings: below 2^31 each */
    unsigned rank;          /* ratings; 0: 8 */
    double noise;           /* ratings: its standard deviation, in stars */
    bool weights;           /* whole weights 1 .. 255, drawn evenly; ratings always have
                                         weights */
    bool both;              /* every edge, but self-loops, in both directions */
    uint64_t seed;
    unsigned threads; /* 0: 1 */
} GasketGenerateOptions;

/* Takes n edges; weight is NULL where there are none. Called in one order, by one thread at a time
 * (not always the same one). */
typedef bool (*GasketEmitEdges)(void *data, size_t n, const uint64_t *source,
                                const uint64_t *target, const float *weight, GError **error);

/* "kronecker", "uniform", "grid", "ratings", NULL. ORDER GasketGenerateKind */
const char *const *gasket_generate_kinds(void);

/* Checks the options: ARGUMENT names the one that is wrong. */
bool gasket_generate_check(const GasketGenerateOptions *options, GError **error);

/* Vertices (users of ratings) and edges that checked options give; edges count once with `both`. */
uint64_t gasket_generate_n_vertices(const GasketGenerateOptions *options);
uint64_t gasket_generate_n_edges(const GasketGenerateOptions *options);
bool gasket_generate_weighted(const GasketGenerateOptions *options);

/* Checks the options and emits all edges. */
bool gasket_generate(const GasketGenerateOptions *options, GasketEmitEdges emit, void *data,
                     GError **error);

/* Declares kinds, relation and weight column in the empty builder, as gasket_load does, and fills
 * it: all vertices, with or without edges. symmetric: the relation is (then `both` must not be
 * set). */
bool gasket_generate_into(GasketGraphBuilder *builder, const GasketGenerateOptions *options,
                          bool symmetric, GError **error);

#endif
