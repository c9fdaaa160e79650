/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a graph without columns takes from feeds to finished rows, against the least that any
 * build does: one thread's counting sort of the same edges, already numbered, into rows that are
 * not sorted.
 *
 *   bench_build [scale [edge factor [threads [order]]]]        20 16 2 auto
 *
 * The edges are a Kronecker graph's (A, B, C = 0.57, 0.19, 0.19), their ends permuted. Both builds
 * run five times in turn; the figures are the fastest of each. Peak memory is that of a process of
 * its own, which builds once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/array.h"
#include "engine/feed.h"
#include "engine/graph.h"

#define ROUNDS 5
#define BATCH  4096

typedef struct {
    uint32_t *source, *target; /* [n_edges] */
    uint64_t n_edges;
    uint32_t n_vertices;
    unsigned threads;
    GasketOrder order;
} Edges;

static double
now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static uint64_t
next_random(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void
draw_edge(unsigned scale, uint64_t *state, uint32_t *source, uint32_t *target)
{
    uint32_t u = 0, v = 0;
    for (unsigned bit = 0; bit < scale; bit++) {
        uint64_t r = next_random(state) % 100;
        unsigned quadrant = r < 57 ? 0 : r < 76 ? 1 : r < 95 ? 2 : 3;
        u = u << 1 | quadrant >> 1;
        v = v << 1 | (quadrant & 1);
    }
    *source = u;
    *target = v;
}

static bool
edges_init(Edges *edges, unsigned scale, unsigned factor)
{
    uint64_t state = 1;
    edges->n_vertices = UINT32_C(1) << scale;
    edges->n_edges = (uint64_t)factor << scale;
    edges->source = gasket_array_new(edges->n_edges, sizeof(uint32_t), NULL);
    edges->target = gasket_array_new(edges->n_edges, sizeof(uint32_t), NULL);
    uint32_t *permuted = gasket_array_new(edges->n_vertices, sizeof(uint32_t), NULL);
    if (edges->source == NULL || edges->target == NULL || permuted == NULL)
        return false;
    for (uint32_t v = 0; v < edges->n_vertices; v++) {
        uint32_t at = (uint32_t)(next_random(&state) % (v + 1));
        permuted[v] = permuted[at];
        permuted[at] = v;
    }
    for (uint64_t e = 0; e < edges->n_edges; e++) {
        uint32_t u, v;
        draw_edge(scale, &state, &u, &v);
        edges->source[e] = permuted[u];
        edges->target[e] = permuted[v];
    }
    gasket_array_free(permuted);
    return true;
}

/* Builds from two feeds that hold the edges; the seconds that finishing takes, by the clock and of
 * all processors. */
static void
build(const Edges *edges, GasketGraph **ret_graph, double *ret_seconds, double *ret_busy)
{
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    unsigned kind = gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_relation(builder, "edges", kind, kind, false);
    GasketFeed *feeds[2] = {gasket_feed_new(builder, &error), gasket_feed_new(builder, &error)};
    for (uint64_t e = 0; e < edges->n_edges; e += BATCH)
        gasket_feed_edges(feeds[e / BATCH % 2], 0, MIN(BATCH, edges->n_edges - e),
                          edges->source + e, edges->target + e, NULL, &error);

    GasketGraphRules rules = {.order = edges->order, .threads = edges->threads};
    double start = now(CLOCK_MONOTONIC), busy_start = now(CLOCK_PROCESS_CPUTIME_ID);
    *ret_graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    *ret_seconds = now(CLOCK_MONOTONIC) - start;
    *ret_busy = now(CLOCK_PROCESS_CPUTIME_ID) - busy_start;
    if (*ret_graph == NULL) {
        fprintf(stderr, "%s\n", error->message);
        exit(EXIT_FAILURE);
    }
}

/* The plain build; the seconds it takes. */
static double
build_plain(const Edges *edges)
{
    double start = now(CLOCK_MONOTONIC);
    uint64_t *offset = gasket_array_new((uint64_t)edges->n_vertices + 2, sizeof *offset, NULL);
    uint32_t *neighbour = gasket_array_new(edges->n_edges, sizeof *neighbour, NULL);
    if (offset == NULL || neighbour == NULL)
        exit(EXIT_FAILURE);
    for (uint64_t e = 0; e < edges->n_edges; e++)
        offset[edges->target[e] + 2]++;
    for (uint32_t v = 0; v < edges->n_vertices; v++)
        offset[v + 2] += offset[v + 1];
    for (uint64_t e = 0; e < edges->n_edges; e++)
        neighbour[offset[edges->target[e] + 1]++] = edges->source[e];
    double seconds = now(CLOCK_MONOTONIC) - start;
    gasket_array_free(offset);
    gasket_array_free(neighbour);
    return seconds;
}

/* Builds once in a process of its own; prints what finishing added to its memory. */
static void
measure_memory(const Edges *edges)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        GasketGraph *graph;
        double seconds, busy;
        build(edges, &graph, &seconds, &busy);
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        uint64_t given = 2 * sizeof(uint32_t) * edges->n_edges; /* the bench's own arrays */
        double peak = 1024.0 * (double)usage.ru_maxrss - (double)given;
        double finished = (double)gasket_graph_bytes(graph);
        printf("peak %.0f MB, finished graph %.0f MB: %.2f times\n", peak / 1e6, finished / 1e6,
               peak / finished);
        gasket_graph_free(graph);
        fflush(stdout);
        _exit(EXIT_SUCCESS);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
}

int
main(int argc, char **argv)
{
    unsigned scale = argc > 1 ? (unsigned)atoi(argv[1]) : 20;
    unsigned factor = argc > 2 ? (unsigned)atoi(argv[2]) : 16;
    Edges edges = {.threads = argc > 3 ? (unsigned)atoi(argv[3]) : 2};
    const char *order = argc > 4 ? argv[4] : "auto";
    edges.order = strcmp(order, "given") == 0    ? GASKET_ORDER_GIVEN
                  : strcmp(order, "degree") == 0 ? GASKET_ORDER_DEGREE
                                                 : GASKET_ORDER_AUTO;
    if (scale < 1 || scale > 28 || !edges_init(&edges, scale, factor)) {
        fprintf(stderr, "usage: bench_build [scale [edge factor [threads [order]]]]\n");
        return EXIT_FAILURE;
    }
    measure_memory(&edges);
    double best = 1e9, best_plain = 1e9, best_busy = 1e9;
    for (unsigned round = 0; round < ROUNDS; round++) {
        GasketGraph *graph;
        double seconds, busy;
        build(&edges, &graph, &seconds, &busy);
        best = MIN(best, seconds);
        best_busy = MIN(best_busy, busy);
        if (round == 0)
            printf("%u vertices, %" G_GUINT64_FORMAT " edges; %s: %s\n",
                   gasket_graph_n_vertices(graph, 0), gasket_graph_n_edges(graph, 0),
                   graph->order == GASKET_ORDER_DEGREE ? "degree" : "given",
                   graph->order_reason ? graph->order_reason : "asked for");
        gasket_graph_free(graph);
        best_plain = MIN(best_plain, build_plain(&edges));
    }
    printf("build %.3f s (%.3f s of processors), plain counting sort %.3f s: %.2f times\n", best,
           best_busy, best_plain, best / best_plain);
    gasket_array_free(edges.source);
    gasket_array_free(edges.target);
    return EXIT_SUCCESS;
}
