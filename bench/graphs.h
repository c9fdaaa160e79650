/* SPDX-License-Identifier: Apache-2.0 */
/* The graphs of the benchmarks: generated (loaders/generate.h) or read from the sample data. */
#ifndef GASKET_BENCH_GRAPHS_H
#define GASKET_BENCH_GRAPHS_H

#include "engine/graph.h"

typedef struct {
    const char *name;
    unsigned scale;   /* a Kronecker graph of 2^scale vertices, edge factor 16, symmetric; 0: no */
    uint64_t side;    /* a grid of side x side, symmetric; 0: no */
    const char *file; /* below the folder in GASKET_DATA; NULL: none */
} BenchGraph;

/* The file's path, or NULL if it is not there; free with g_free. */
char *bench_graph_path(const BenchGraph *graph);

/* A builder that holds the edges, filled by two threads. */
GasketGraphBuilder *bench_graph_builder(const BenchGraph *graph);

/* Seconds to merge the ids and to number the vertices, on `threads` threads. */
double bench_graph_number(const GasketGraphBuilder *builder, unsigned threads);

/* The graph: order auto, self-loops and repeated edges dropped. */
GasketGraph *bench_graph_finish(GasketGraphBuilder **builder);

#endif
