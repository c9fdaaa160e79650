/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the formats and the loader know of one another.
 *
 *   open      input, format by recognise.c
 *   prepare   the format takes its header and says whether there are weights and symmetry
 *   declare   kinds, relation and columns, from what all inputs together need
 *   load      the format adds vertices and edges: blocks on threads, a batch for each thread
 *
 * A batch holds the edges that a thread has parsed until there are enough to hand over.
 */
#ifndef GASKET_LOADERS_FORMAT_H
#define GASKET_LOADERS_FORMAT_H

#include "engine/feed.h"
#include "loaders/chunk.h"
#include "loaders/load.h"

#define GASKET_BATCH_SIZE 2048

/* Longest text id. */
#define GASKET_ID_MAX 65535

/* Longest line of a format whose lines hold one edge. */
#define GASKET_LINE_MAX ((size_t)64 << 20)

typedef struct {
    GasketFeed *feed;
    unsigned relation, source_kind, target_kind;
    bool weighted, nonnegative;
    bool ratings, timed; /* columns "rating" (float), "time"; weighted then */
    double most;         /* largest magnitude of a weight */
    uint32_t n, n_ids;   /* edges by handles, by ids */
    uint32_t source[GASKET_BATCH_SIZE];
    uint32_t target[GASKET_BATCH_SIZE];
    double weight[GASKET_BATCH_SIZE];
    int64_t source_id[GASKET_BATCH_SIZE];
    int64_t target_id[GASKET_BATCH_SIZE];
    double id_weight[GASKET_BATCH_SIZE];
    double time[GASKET_BATCH_SIZE], id_time[GASKET_BATCH_SIZE]; /* where timed */
    float rating[GASKET_BATCH_SIZE];                            /* weights on their way */
} GasketBatch;

/* Hands over all edges, or those by ids alone. */
bool gasket_batch_flush(GasketBatch *batch, GError **error);
bool gasket_batch_flush_ids(GasketBatch *batch, GError **error);

/* Adds an edge by handles of the batch's feed. */
static inline bool
gasket_batch_add(GasketBatch *batch, uint32_t source, uint32_t target, double weight,
                 GError **error)
{
    batch->source[batch->n] = source;
    batch->target[batch->n] = target;
    batch->weight[batch->n] = weight;
    return ++batch->n < GASKET_BATCH_SIZE || gasket_batch_flush(batch, error);
}

/* Adds an edge by integer ids: small ones are handles, others wait to be looked up together. */
static inline bool
gasket_batch_add_ids(GasketBatch *batch, int64_t source, int64_t target, double weight,
                     GError **error)
{
    if (((uint64_t)source | (uint64_t)target) < GASKET_FEED_DIRECT)
        return gasket_batch_add(batch, (uint32_t)source, (uint32_t)target, weight, error);
    batch->source_id[batch->n_ids] = source;
    batch->target_id[batch->n_ids] = target;
    batch->id_weight[batch->n_ids] = weight;
    return ++batch->n_ids < GASKET_BATCH_SIZE || gasket_batch_flush_ids(batch, error);
}

/* The same with a time, of ratings. */
static inline bool
gasket_batch_add_timed(GasketBatch *batch, uint32_t source, uint32_t target, double weight,
                       double time, GError **error)
{
    batch->time[batch->n] = time;
    return gasket_batch_add(batch, source, target, weight, error);
}

static inline bool
gasket_batch_add_timed_ids(GasketBatch *batch, int64_t source, int64_t target, double weight,
                           double time, GError **error)
{
    if (((uint64_t)source | (uint64_t)target) < GASKET_FEED_DIRECT)
        batch->time[batch->n] = time;
    else
        batch->id_time[batch->n_ids] = time;
    return gasket_batch_add_ids(batch, source, target, weight, error);
}

/* The handle of an id as it stands in a file; refuses what cannot be an id. */
uint32_t gasket_batch_id(GasketBatch *batch, unsigned kind, const char *text, size_t size,
                         const char *what, GError **error);

/* Whether text is a time: a finite number. */
bool gasket_batch_time(const char *text, size_t size, double *ret_time, GError **error);

/* Whether text is a weight that the options allow. */
bool gasket_batch_weight(const GasketBatch *batch, const char *text, size_t size,
                         double *ret_weight, GError **error);

typedef enum {
    GASKET_WEIGHTS_UNKNOWN, /* no edge has been seen */
    GASKET_WEIGHTS_NONE,
    GASKET_WEIGHTS_THERE,
} GasketWeights;

typedef struct GasketSource GasketSource;
typedef struct GasketLoader GasketLoader;

/* ORDER gasket_load_formats */
typedef struct {
    const char *name;
    const char *extensions; /* separated by blanks */
    bool one_kind;          /* has no users and items */
    bool symmetric;         /* every file of it is */
    bool columns;           /* can be chosen */
    bool tables;            /* so can these */

    bool (*prepare)(GasketSource *source, const GasketLoadOptions *options, GError **error);
    bool (*load)(GasketSource *source, GasketLoader *loader, GError **error);
    void (*free)(void *state);
} GasketFormat;

extern const GasketFormat gasket_format_edges, gasket_format_csv, gasket_format_mtx,
    gasket_format_metis, gasket_format_dimacs, gasket_format_adjacency, gasket_format_binary,
    gasket_format_binary_weighted, gasket_format_sqlite, gasket_format_ratings;

/* One input on its way. */
struct GasketSource {
    const char *path;
    GasketInput *input; /* NULL between being prepared and loaded, where inputs are many */
    const GasketFormat *format;
    void *state; /* the format's */
    GasketWeights weights;
    bool timed;     /* ratings with times */
    bool symmetric; /* what is stored stands for both directions */
    bool test;      /* belongs to the relation "test" */
};

/* What is being filled. */
struct GasketLoader {
    GasketGraphBuilder *builder;
    const GasketLoadOptions *options;
    unsigned threads;
    GasketBatch **batches; /* [threads] */
    unsigned relation, source_kind, target_kind;
    bool weighted, symmetric;
    bool timed[2];               /* ratings: "train", "test" have the column "time" */
    const void **vertex_columns; /* [n_vertex_columns] zeros for a batch of vertices */
    double *zeros;               /* [GASKET_BATCH_SIZE] */
    GasketSource *current;
    uint64_t lines, edges; /* of all inputs so far */
    uint64_t bytes_done, bytes_total;
};

/* The format of an input by name, content or extension. */
const GasketFormat *gasket_recognise(GasketInput *input, const char *path, const char *name,
                                     GError **error);
const GasketFormat *gasket_format_find(const char *name);

/* The name's extension without the dot, in lower case, without .gz and .zst; g_free. */
char *gasket_extension(const char *path);

/* Whether a name's extension is one of those listed, with spaces between. */
bool gasket_extension_is(const char *path, const char *extensions);

/* Parses the rest of the source in blocks and hands over what the batches hold. job needs parse,
 * data and what the format has of count, check, record and max_line. */
bool gasket_loader_parse(GasketLoader *loader, GasketSource *source, const GasketChunkJob *job,
                         uint64_t *ret_edges, GError **error);

/* Adds vertices 1 .. n of a kind. */
bool gasket_loader_add_range(GasketLoader *loader, unsigned kind, uint64_t n, GError **error);

/* Adds n vertices by handles of a batch's feed. */
bool gasket_loader_add_vertices(GasketLoader *loader, GasketBatch *batch, unsigned kind, size_t n,
                                const uint32_t *handles, GError **error);

/* Adds the vertices of a list (a file, or a table of a database). */
bool gasket_loader_add_list(GasketLoader *loader, GError **error);

/* For sqlite: whether path is a database with a table of that name, and its first column as
 * vertices. */
bool gasket_sqlite_has_table(const char *path, const char *table);
bool gasket_sqlite_add_vertices(GasketLoader *loader, const char *path, const char *table,
                                GError **error);

/* Holds n against the most vertices that a header may announce. */
bool gasket_check_n_vertices(const GasketLoadOptions *options, uint64_t n, GError **error);

#endif
