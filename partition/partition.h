/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which worker owns which vertex: an edge cut of a whole graph into parts, and what it costs.
 *
 *   GasketPartitionOptions options = {.method = GASKET_PARTITION_AUTO, .parts = 4, .threads = 2};
 *   g_autoptr(GasketPartition) partition = gasket_partition_new(graph, &options, &error);
 *   if (partition == NULL)
 *       return false;
 *   gasket_partition_append_plan(partition, text);
 *   owner = partition->part[kind][number];
 *
 * Every kind is spread over all parts with about equal work each, so that a phase that runs one
 * kind only (the users, then the items) keeps every worker busy. The work of a vertex is 1 and the
 * entries of its rows that stand in the graph: those are the rows that its owner will keep.
 *
 * A partition is a function of the graph (its edges and which rows stand) and of method, parts,
 * seed and file; never of threads, nor of the order in which anything was read.
 */
#ifndef GASKET_PARTITION_PARTITION_H
#define GASKET_PARTITION_PARTITION_H

#include "engine/graph.h"

/* Parts are numbered 0 .. GASKET_PARTITION_PARTS_MAX - 1 at most. */
#define GASKET_PARTITION_PARTS_MAX 4096

/* ORDER gasket_partition_method */
typedef enum {
    GASKET_PARTITION_AUTO,      /* METIS or streaming, decided from the graph */
    GASKET_PARTITION_METIS,     /* multilevel k-way: fewest cut edges, slow and large */
    GASKET_PARTITION_STREAMING, /* a few passes over the rows: O(V) memory */
    GASKET_PARTITION_HASH,      /* by a mixed ordinal: no locality, perfect spread */
    GASKET_PARTITION_RANGE,     /* runs of consecutive numbers */
    GASKET_PARTITION_FILE,      /* as a file says */
} GasketPartitionMethod;

typedef struct {
    GasketPartitionMethod method;
    const char *file; /* GASKET_PARTITION_FILE: lines `[kind] id part` */
    unsigned parts;   /* 1 .. GASKET_PARTITION_PARTS_MAX */
    uint64_t seed;    /* METIS and hash */
    unsigned threads; /* for measuring the result; 0 means 1 */
} GasketPartitionOptions;

/* A partition and its measure. A ghost of a part is a distinct vertex of another part that stands
 * in some row which the part keeps. */
typedef struct {
    unsigned parts, n_kinds;
    GasketPartitionMethod method; /* what was used: never AUTO */
    char *reason;                 /* one line: why, where it was auto; else NULL */
    uint32_t **part;              /* [n_kinds][n_vertices] by number; gasket_arrays, the outer
                                         one too. May be taken: NULL it then */
    double seconds;               /* to partition, without the measuring */
    uint64_t peak_bytes;          /* METIS: largest resident size of its process, the pages of
                                         the graph included; else 0 */

    uint64_t n_vertices, n_edges, n_entries;  /* edges once; entries of all rows that stand */
    uint64_t cut_edges, cut_entries;          /* those whose ends have different owners */
    uint64_t *owned;                          /* [parts] vertices */
    uint64_t *entries;                        /* [parts] entries of the rows kept */
    uint64_t *ghosts;                         /* [parts] */
    uint64_t *kind_ghosts;                    /* [n_kinds] over all parts: so many values of the
                                                 kind cross the network when all have changed */
    uint64_t n_ghosts;                        /* over all parts and kinds */
    double balance_vertices, balance_entries; /* largest part over the mean; 1 for none */
} GasketPartition;

/* The method that a text names: `auto`, `metis`, `streaming`, `hash`, `range`; anything else is
 * the path of a file, for which ret_file gets text itself (else NULL). Error: ARGUMENT if empty. */
bool gasket_partition_parse_method(const char *text, GasketPartitionMethod *ret_method,
                                   const char **ret_file, GError **error);

/* "metis", ...; "file" for GASKET_PARTITION_FILE. */
const char *gasket_partition_method_name(GasketPartitionMethod method);

/* Partitions a graph of which at least one direction of every relation stands. METIS runs in a
 * child process: everything of it ends with the call. Parts may be empty.
 * Errors: ARGUMENT (parts out of range; a graph too large for METIS), MEMORY, FAILED (the child
 * was killed), INPUT and FORMAT (the file). O(V + E) but for METIS. */
GasketPartition *gasket_partition_new(const GasketGraph *graph,
                                      const GasketPartitionOptions *options, GError **error);
void gasket_partition_free(GasketPartition *partition);

/* Checks that every vertex has a part and that the sums agree; FAILED names the first that does
 * not. O(V). For tests and --check. */
bool gasket_partition_check(const GasketPartition *partition, const GasketGraph *graph,
                            GError **error);

/* Appends the plan for people: method and why, cut, ghosts, balance, bytes a step. Some lines of
 * `name<spaces>text\n`. */
void gasket_partition_append_plan(const GasketPartition *partition, GString *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketPartition, gasket_partition_free)

#endif
