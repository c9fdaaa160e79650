/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader: opens and prepares every input, declares the graph's shape from what they need
 * together, and has each format add its edges. See load.h and format.h.
 *
 * Inputs are prepared twice where there are many: once to know the shape, then one at a time, so
 * that no more than a few files are open.
 */
#include "loaders/load.h"

#include <float.h>
#include <string.h>

#include "engine/array.h"
#include "loaders/rating_features.h"
#include "loaders/format.h"
#include "loaders/text.h"

/* Inputs that stay open between being prepared and being loaded. */
#define OPEN_INPUTS 16

typedef struct {
    const char *name;
    const void *data; /* NULL: options->inputs are files */
    size_t size;
} Memory;

static void
close_source(GasketSource *source)
{
    if (source->format != NULL && source->format->free != NULL && source->state != NULL)
        source->format->free(source->state);
    source->state = NULL;
    g_clear_pointer(&source->input, gasket_input_free);
}

static bool
two_kinds(const GasketLoadOptions *options)
{
    return options->bipartite || options->ratings;
}

/* Opens an input, finds its format and lets it take the header. */
static bool
open_source(GasketSource *source, const GasketLoadOptions *options, const Memory *memory,
            GError **error)
{
    source->input = memory->data != NULL
                        ? gasket_input_new_memory(memory->name, memory->data, memory->size, error)
                        : gasket_input_open(source->path, error);
    if (source->input == NULL)
        return false;
    source->format = gasket_recognise(source->input, source->path, options->format, error);
    if (source->format == NULL)
        return false;
    const char *name = gasket_input_name(source->input);
    if (two_kinds(options) && source->format->one_kind) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "%s:1: found a file in format %s, expected ratings, with users and items", name,
                    source->format->name);
        return false;
    }
    if (!two_kinds(options) && source->format == &gasket_format_ratings) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "%s:1: found ratings, with users and items, expected a graph with one kind of "
                    "vertices",
                    name);
        return false;
    }
    if ((options->columns != NULL && !source->format->columns) ||
        ((options->table != NULL || options->query != NULL) && !source->format->tables)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s is in format %s, which has no %s to choose", name, source->format->name,
                    source->format->columns ? "tables" : "columns");
        return false;
    }
    source->symmetric = source->format->symmetric;
    return source->format->prepare(source, options, error);
}

/* All inputs have weights, or none has. */
static bool
check_weights(const GasketSource *sources, unsigned n, bool wanted, bool *ret_weighted,
              GError **error)
{
    const GasketSource *known = NULL;
    for (unsigned i = 0; i < n && wanted; i++) {
        const GasketSource *source = &sources[i];
        if (source->weights == GASKET_WEIGHTS_UNKNOWN)
            continue;
        if (known != NULL && known->weights != source->weights) {
            bool there = source->weights == GASKET_WEIGHTS_THERE;
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                        "%s:1: found edges %s weights, expected them %s as in %s", source->path,
                        there ? "with" : "without", there ? "without" : "with", known->path);
            return false;
        }
        known = source;
    }
    *ret_weighted = known != NULL && known->weights == GASKET_WEIGHTS_THERE;
    return true;
}

/* Users, items, and the relations "train" and "test" between them. */
static void
declare_ratings(GasketLoader *loader)
{
    static const char *const names[] = {"train", "test", "validation"};
    GasketGraphBuilder *builder = loader->builder;
    loader->source_kind = gasket_graph_builder_add_kind(builder, "user");
    loader->target_kind = gasket_graph_builder_add_kind(builder, "item");
    for (unsigned r = 0; r < 3; r++) {
        gasket_graph_builder_add_relation(builder, names[r], loader->source_kind,
                                          loader->target_kind, false);
        gasket_graph_builder_add_edge_column(builder, r, "rating", GASKET_FLOAT, 1);
        if (r < 2 && loader->timed[r])
            gasket_graph_builder_add_edge_column(builder, r, "time", GASKET_DOUBLE, 1);
    }
    if (loader->options->features)
        gasket_features_declare(builder);
    loader->weighted = true;
}

/* Kinds, relation and columns of the builder. */
static void
declare(GasketLoader *loader)
{
    const GasketLoadOptions *options = loader->options;
    GasketGraphBuilder *builder = loader->builder;
    if (options->ratings) {
        declare_ratings(loader);
        return;
    }
    loader->source_kind = loader->target_kind =
        gasket_graph_builder_add_kind(builder, options->bipartite ? "user" : "vertex");
    if (options->bipartite)
        loader->target_kind = gasket_graph_builder_add_kind(builder, "item");
    for (unsigned i = 0; i < options->n_vertex_columns; i++)
        gasket_graph_builder_add_vertex_column(builder, loader->source_kind,
                                               options->vertex_columns[i].name, GASKET_DOUBLE, 1);
    loader->relation =
        gasket_graph_builder_add_relation(builder, options->bipartite ? "ratings" : "edges",
                                          loader->source_kind, loader->target_kind,
                                          loader->symmetric);
    if (loader->weighted)
        gasket_graph_builder_add_edge_column(builder, loader->relation, "weight", GASKET_DOUBLE, 1);
}

/* A feed and a batch for each thread. */
static bool
make_batches(GasketLoader *loader, GError **error)
{
    loader->batches = g_new0(GasketBatch *, loader->threads);
    for (unsigned i = 0; i < loader->threads; i++) {
        GasketBatch *batch = gasket_array_new(1, sizeof *batch, error);
        if (batch == NULL)
            return false;
        loader->batches[i] = batch;
        batch->feed = gasket_feed_new(loader->builder, error);
        if (batch->feed == NULL)
            return false;
        batch->relation = loader->relation;
        batch->source_kind = loader->source_kind;
        batch->target_kind = loader->target_kind;
        batch->weighted = loader->weighted;
        batch->nonnegative = loader->options->nonnegative;
        batch->ratings = loader->options->ratings;
        batch->most = batch->ratings ? FLT_MAX : DBL_MAX;
    }
    unsigned n = loader->options->n_vertex_columns;
    loader->zeros = gasket_array_new(GASKET_BATCH_SIZE, sizeof(double), error);
    loader->vertex_columns = g_new0(const void *, n + 1);
    for (unsigned i = 0; i < n; i++)
        loader->vertex_columns[i] = loader->zeros;
    return loader->zeros != NULL;
}

static void
loader_clear(GasketLoader *loader)
{
    for (unsigned i = 0; loader->batches != NULL && i < loader->threads; i++)
        gasket_array_free(loader->batches[i]);
    g_free(loader->batches);
    g_free(loader->vertex_columns);
    gasket_array_free(loader->zeros);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GasketLoader, loader_clear)

static void
report_progress(void *data, uint64_t edges)
{
    GasketLoader *loader = data;
    const GasketLoadOptions *options = loader->options;
    options->progress(options->progress_data,
                      loader->bytes_done + gasket_input_raw_bytes(loader->current->input),
                      loader->bytes_total, loader->edges + edges);
}

static bool
flush_batches(GasketLoader *loader, GError **error)
{
    for (unsigned i = 0; i < loader->threads; i++)
        if (!gasket_batch_flush(loader->batches[i], error))
            return false;
    return true;
}

bool
gasket_loader_parse(GasketLoader *loader, GasketSource *source, const GasketChunkJob *job,
                    uint64_t *ret_edges, GError **error)
{
    GasketChunkJob run = *job;
    size_t size = loader->options->block_size > 0 ? loader->options->block_size : (size_t)1 << 20;
    run.block_size = run.record > 0 ? MAX(size - size % run.record, run.record) : size;
    run.progress = loader->options->progress != NULL ? report_progress : NULL;
    run.progress_data = loader;
    uint64_t lines, edges;
    if (!gasket_chunks_parse(source->input, &run, loader->threads, &lines, &edges, error) ||
        !flush_batches(loader, error))
        return false;
    loader->lines += lines + gasket_input_lines(source->input);
    loader->edges += edges;
    *ret_edges = edges;
    return true;
}

bool
gasket_check_n_vertices(const GasketLoadOptions *options, uint64_t n, GError **error)
{
    uint64_t most = options->max_vertices > 0 ? options->max_vertices : GASKET_NO_VERTEX - 1;
    if (n <= most)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "found more than %" G_GUINT64_FORMAT " vertices announced, expected at most as "
                "many",
                most);
    return false;
}

bool
gasket_loader_add_vertices(GasketLoader *loader, GasketBatch *batch, unsigned kind, size_t n,
                           const uint32_t *handles, GError **error)
{
    g_assert(n <= GASKET_BATCH_SIZE);
    bool columns = kind == loader->source_kind && loader->options->n_vertex_columns > 0;
    return gasket_feed_vertices(batch->feed, kind, n, handles,
                                columns ? loader->vertex_columns : NULL, error);
}

bool
gasket_loader_add_range(GasketLoader *loader, unsigned kind, uint64_t n, GError **error)
{
    GasketBatch *batch = loader->batches[0];
    uint32_t handles[GASKET_BATCH_SIZE];
    for (uint64_t id = 1; id <= n;) {
        size_t count = 0;
        for (; id <= n && count < GASKET_BATCH_SIZE; id++) {
            handles[count] = gasket_feed_integer(batch->feed, kind, (int64_t)id, error);
            if (handles[count++] == GASKET_NO_VERTEX)
                return false;
        }
        if (!gasket_loader_add_vertices(loader, batch, kind, count, handles, error))
            return false;
    }
    return true;
}

/* Prepares every input; those beyond the first few are closed again. */
static bool
prepare_sources(GasketSource *sources, unsigned n, const GasketLoadOptions *options,
                const Memory *memory, GasketLoadInfo *info, GError **error)
{
    unsigned stdins = 0;
    for (unsigned i = 0; i < n; i++)
        stdins += strcmp(sources[i].path, "-") == 0;
    if (stdins > 1) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "stdin can be given only once");
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        GasketSource *source = &sources[i];
        if (!open_source(source, options, memory, error))
            return false;
        if (i == 0) {
            info->format = g_strdup(source->format->name);
            info->compression =
                g_strdup(gasket_compression_name(gasket_input_compression(source->input)));
        }
        if (i >= OPEN_INPUTS && gasket_input_reopens(source->input))
            close_source(source);
    }
    return true;
}

static bool
load_sources(GasketLoader *loader, GasketSource *sources, unsigned n, const Memory *memory,
             GError **error)
{
    for (unsigned i = 0; i < n; i++)
        loader->bytes_total +=
            sources[i].input != NULL ? gasket_input_raw_size(sources[i].input) : 0;
    for (unsigned i = 0; i < n; i++) {
        GasketSource *source = &sources[i];
        if (source->input == NULL && !open_source(source, loader->options, memory, error))
            return false;
        loader->current = source;
        for (unsigned t = 0; loader->options->ratings && t < loader->threads; t++) {
            loader->batches[t]->relation = source->test;
            loader->batches[t]->timed = loader->timed[source->test];
        }
        if (!source->format->load(source, loader, error))
            return false;
        loader->bytes_done += gasket_input_raw_bytes(source->input);
        close_source(source);
    }
    return true;
}

static bool
fill(GasketGraphBuilder *builder, const GasketLoadOptions *options, const Memory *memory,
     GasketSource *sources, unsigned n, GasketLoadInfo *info, GError **error)
{
    g_auto(GasketLoader) loader = {.builder = builder, .options = options};
    bool wanted = options->want_weights || options->require_weights, weighted = false;
    if (!prepare_sources(sources, n, options, memory, info, error) ||
        !check_weights(sources, n, wanted, &weighted, error))
        return false;
    loader.threads = MAX(options->threads, 1);
    loader.weighted = weighted || options->require_weights;
    loader.symmetric = options->undirected;
    for (unsigned t = 0; options->ratings && t < 2; t++) {
        loader.timed[t] = n > 0;
        for (unsigned i = 0; i < n; i++)
            loader.timed[t] &= sources[i].test != (t == 1) || sources[i].timed;
    }
    if (!options->undirected && !two_kinds(options)) {
        loader.symmetric = n > 0;
        for (unsigned i = 0; i < n; i++)
            loader.symmetric &= sources[i].symmetric;
    }
    declare(&loader);
    if (!make_batches(&loader, error) || !load_sources(&loader, sources, n, memory, error) ||
        (options->vertices != NULL && !gasket_loader_add_list(&loader, error)))
        return false;
    info->bytes = loader.bytes_done;
    info->lines = loader.lines;
    info->edges = loader.edges;
    info->weighted = loader.weighted;
    info->symmetric = loader.symmetric;
    info->timed = loader.timed[0];
    return true;
}

static bool
load(GasketGraphBuilder *builder, const GasketLoadOptions *options, const Memory *memory,
     GasketLoadInfo *ret_info, GError **error)
{
    if (options->undirected && two_kinds(options)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "ratings lead from users to items and cannot be undirected");
        return false;
    }
    if (options->vertices != NULL && two_kinds(options)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a list of vertices needs a graph with one kind of vertices");
        return false;
    }
    unsigned n = memory->data != NULL ? 1 : options->n_inputs;
    g_autofree GasketSource *sources = g_new0(GasketSource, n + 1);
    for (unsigned i = 0; i < n; i++)
        sources[i] = (GasketSource){
            .path = memory->data != NULL ? memory->name : options->inputs[i],
            .test = options->ratings && i >= n - MIN(options->n_test, n),
        };
    g_auto(GasketLoadInfo) info = {0};
    bool good = fill(builder, options, memory, sources, n, &info, error);
    for (unsigned i = 0; i < n; i++)
        close_source(&sources[i]);
    if (good && ret_info != NULL) {
        *ret_info = info;
        info = (GasketLoadInfo){0};
    }
    return good;
}

bool
gasket_load(GasketGraphBuilder *builder, const GasketLoadOptions *options, GasketLoadInfo *ret_info,
            GError **error)
{
    Memory none = {0};
    return load(builder, options, &none, ret_info, error);
}

bool
gasket_load_memory(GasketGraphBuilder *builder, const char *name, const void *data, size_t size,
                   const GasketLoadOptions *options, GasketLoadInfo *ret_info, GError **error)
{
    Memory memory = {name, size > 0 ? data : "", size};
    return load(builder, options, &memory, ret_info, error);
}

void
gasket_load_info_clear(GasketLoadInfo *info)
{
    g_free(info->format);
    g_free(info->compression);
    *info = (GasketLoadInfo){0};
}
