/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading: bytes of any known format -> a graph builder.
 *
 *   const char *const inputs[] = {"web.txt.gz"};
 *   GasketLoadOptions options = {.inputs = inputs, .n_inputs = 1, .threads = 2};
 *   g_autoptr(GasketGraphBuilder) builder = gasket_graph_builder_new();
 *   if (!gasket_load(builder, &options, NULL, &error))
 *       return false;                           ("web.txt.gz:17: found "x", expected ...")
 *   GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
 *
 * The formats, by name (`format`), and how they are recognised when none is given:
 *
 *   edges            `source target [weight] ...` in blanks, `#` and `%` comments; the default
 *   csv              as edges with `,` `;` or tab, quotes, optional header; a comma in line 1
 *   mtx              Matrix Market coordinate; `%%MatrixMarket`
 *   metis            METIS .graph; extension .graph or .metis
 *   dimacs           DIMACS .gr; extension .gr, or lines c, p sp, a
 *   adjacency        `source n target1 ... targetn`; extension .adj or .adjacency
 *   binary           little-endian uint32 pairs; extension .bin
 *   binary-weighted  the same, each pair with a float32 weight; extension .wbin
 *   sqlite           a table or a query; `SQLite format 3`
 *   ratings          u.data, ratings.dat (`::`), ratings.csv, LIBMF triples; `::` in line 1
 *
 * gzip and zstd are recognised by their first bytes and undone on the way.
 *
 * Invariants:
 *   1. What is built is a function of the inputs and options alone, not of threads or block_size.
 *   2. The error that is reported is the first in the order of the inputs and of their lines.
 *   3. At most one block (1 MiB, or the longest line) for each thread is in memory, besides the
 *      builder.
 *
 * Cost: O(bytes), shared out among the threads by blocks.
 */
#ifndef GASKET_LOADERS_LOAD_H
#define GASKET_LOADERS_LOAD_H

#include <gasket/graph.h>

/* A file `id [number]` that becomes a vertex column (double) of the first kind. */
typedef struct {
    const char *name; /* of the column */
    const char *path;
} GasketLoadColumn;

typedef struct {
    const char *const *inputs; /* [n_inputs] paths; "-" is stdin */
    unsigned n_inputs;
    const char *format; /* a name above; NULL: by content and extension */

    bool undirected;      /* each line stands for both directions */
    bool want_weights;    /* keep weights as the edge column "weight" (double) if there are any */
    bool require_weights; /* the same, and where the inputs have none every weight is 1 */
    bool nonnegative;     /* a negative weight is an error */
    bool bipartite;       /* kinds "user" and "item", relation "ratings" from user to item;
                             else kind "vertex", relation "edges" */
    bool ratings;         /* bipartite, for recommending: relations "train", "test" and
                             (empty) "validation" with the
                             columns "rating" (float; 1 where the inputs have none) and, if every
                             input of the relation has times, "time" (double) */
    unsigned n_test;      /* ratings: so many of the inputs, the last, are the relation "test" */

    bool features; /* ratings: rating_features.h's kinds and relations are declared too */

    const char *vertices; /* file with an id in the first column of each line, or a table of the
                             same database: vertices even without edges. NULL: none */
    const GasketLoadColumn *vertex_columns; /* [n_vertex_columns] */
    unsigned n_vertex_columns;

    const char *table;   /* SQLite: the table to read; NULL: the only one, or "edges", "ratings" */
    const char *query;   /* SQLite: a SELECT instead of a table */
    const char *columns; /* SQLite and CSV: "source,target[,weight[,time]]" by name or 1-based
                            position; times in ratings only */

    unsigned threads; /* 0: 1 */

    /* Called now and then by one thread at a time; bytes_total is 0 where unknown. */
    void (*progress)(void *data, uint64_t bytes_done, uint64_t bytes_total, uint64_t edges);
    void *progress_data;

    size_t block_size;     /* bytes a thread reads at once; 0: 1 MiB */
    uint64_t max_vertices; /* bound on the vertices a header may announce; 0: 2^32 - 2 */
} GasketLoadOptions;

typedef struct {
    char *format;      /* of the first input */
    char *compression; /* of the first input: "gzip", "zstd" or NULL */
    uint64_t bytes;    /* read, before decompression */
    uint64_t lines;    /* or records, or rows of a table */
    uint64_t edges;    /* added to the builder */
    bool weighted;     /* the relation has the column "weight" */
    bool symmetric;    /* the relation is symmetric */
    bool timed;        /* ratings: "train" has the column "time" */
} GasketLoadInfo;

void gasket_load_info_clear(GasketLoadInfo *info);

/* Declares kinds, relation and columns in the empty builder and fills it. ret_info may be NULL;
 * clear it with gasket_load_info_clear. On failure the builder is to be freed. Errors: INPUT for
 * what cannot be opened or read, FORMAT for what does not follow its format, ARGUMENT, MEMORY. */
bool gasket_load(GasketGraphBuilder *builder, const GasketLoadOptions *options,
                 GasketLoadInfo *ret_info, GError **error);

/* The same from memory: one input of size bytes, called name in messages, instead of
 * options->inputs. */
bool gasket_load_memory(GasketGraphBuilder *builder, const char *name, const void *data,
                        size_t size, const GasketLoadOptions *options, GasketLoadInfo *ret_info,
                        GError **error);

/* Fills the vertex columns of options from their files, once the graph is finished, and adds those
 * that it does not have to the first kind: the number of each line, 1 where there is none, 0 for
 * vertices no line names. An id that the graph does not have, and one that stands twice, are FORMAT
 * errors at FILE:LINE. O(lines log V). */
bool gasket_load_vertex_columns(GasketGraph *graph, const GasketLoadOptions *options,
                                GError **error);

/* NULL-terminated names of the formats. */
const char *const *gasket_load_formats(void);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GasketLoadInfo, gasket_load_info_clear)

#endif
