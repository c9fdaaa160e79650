/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the options of a generator mean: checks and counts; and feeding a builder with its edges.
 * See generate.h.
 */
#include <math.h>

#include "engine/array.h"
#include "engine/feed.h"
#include "loaders/generate.h"

static bool
wrong(GError **error, const char *message)
{
    g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, message);
    return false;
}

static bool
check_ratings(const GasketGenerateOptions *options, GError **error)
{
    const uint64_t most = UINT64_C(1) << 31;
    if (options->users == 0 || options->items == 0 || options->users >= most ||
        options->items >= most)
        return wrong(error, "users and items must each be at least 1 and below 2^31");
    if (options->n_edges > options->users * options->items)
        return wrong(error, "there are fewer pairs of a user and an item than edges asked for");
    if (options->rank > 4096)
        return wrong(error, "rank must be at most 4096");
    if (!isfinite(options->noise) || options->noise < 0)
        return wrong(error, "noise must be a number that is not negative");
    return !options->both || wrong(error, "ratings have one direction");
}

bool
gasket_generate_check(const GasketGenerateOptions *options, GError **error)
{
    uint64_t product;
    switch (options->kind) {
    case GASKET_GENERATE_KRONECKER:
        if (options->scale > 31)
            return wrong(error, "scale must be at most 31");
        return options->edge_factor < UINT64_C(1) << 32 ||
               wrong(error, "edge-factor must be below 2^32");
    case GASKET_GENERATE_UNIFORM:
        if (options->n_vertices >= GASKET_NO_VERTEX)
            return wrong(error, "vertices must be below 2^32 - 1");
        if (options->n_edges >> 56 != 0)
            return wrong(error, "edges must be below 2^56");
        return options->n_vertices > 0 || options->n_edges == 0 ||
               wrong(error, "edges need at least one vertex");
    case GASKET_GENERATE_GRID:
        if (options->rows == 0 || options->columns == 0)
            return wrong(error, "rows and columns must be at least 1");
        return (!__builtin_mul_overflow(options->rows, options->columns, &product) &&
                product < GASKET_NO_VERTEX) ||
               wrong(error, "rows times columns must be below 2^32 - 1");
    case GASKET_GENERATE_RATINGS:
        return check_ratings(options, error);
    }
    g_assert_not_reached();
}

uint64_t
gasket_generate_n_vertices(const GasketGenerateOptions *options)
{
    switch (options->kind) {
    case GASKET_GENERATE_KRONECKER:
        return UINT64_C(1) << options->scale;
    case GASKET_GENERATE_UNIFORM:
        return options->n_vertices;
    case GASKET_GENERATE_GRID:
        return options->rows * options->columns;
    case GASKET_GENERATE_RATINGS:
        return options->users;
    }
    g_assert_not_reached();
}

uint64_t
gasket_generate_n_edges(const GasketGenerateOptions *options)
{
    switch (options->kind) {
    case GASKET_GENERATE_KRONECKER:
        return (options->edge_factor > 0 ? options->edge_factor : 16) << options->scale;
    case GASKET_GENERATE_GRID:
        return options->rows * (options->columns - 1) + (options->rows - 1) * options->columns;
    case GASKET_GENERATE_UNIFORM:
    case GASKET_GENERATE_RATINGS:
        return options->n_edges;
    }
    g_assert_not_reached();
}

bool
gasket_generate_weighted(const GasketGenerateOptions *options)
{
    return options->weights || options->kind == GASKET_GENERATE_RATINGS;
}

#define BATCH 2048

/* Edges on their way into a builder. */
typedef struct {
    GasketFeed *feed;
    unsigned source_kind, target_kind;
    uint32_t source[BATCH], target[BATCH];
    double weight[BATCH];
} Feeding;

static bool
feed_edges(void *data, size_t n, const uint64_t *source, const uint64_t *target,
           const float *weight, GError **error)
{
    Feeding *feeding = data;
    const void *columns[] = {feeding->weight};
    for (size_t from = 0; from < n; from += BATCH) {
        size_t count = MIN(n - from, BATCH);
        for (size_t i = 0; i < count; i++) {
            feeding->source[i] = gasket_feed_integer(feeding->feed, feeding->source_kind,
                                                     (int64_t)source[from + i], error);
            feeding->target[i] = gasket_feed_integer(feeding->feed, feeding->target_kind,
                                                     (int64_t)target[from + i], error);
            if (feeding->source[i] == GASKET_NO_VERTEX || feeding->target[i] == GASKET_NO_VERTEX)
                return false;
        }
        for (size_t i = 0; weight != NULL && i < count; i++)
            feeding->weight[i] = weight[from + i];
        if (!gasket_feed_edges(feeding->feed, 0, count, feeding->source, feeding->target,
                               weight != NULL ? columns : NULL, error))
            return false;
    }
    return true;
}

static bool
feed_vertices(Feeding *feeding, unsigned kind, uint64_t n, GError **error)
{
    for (uint64_t id = 0; id < n;) {
        size_t count = 0;
        for (; id < n && count < BATCH; id++) {
            feeding->source[count] = gasket_feed_integer(feeding->feed, kind, (int64_t)id, error);
            if (feeding->source[count++] == GASKET_NO_VERTEX)
                return false;
        }
        if (!gasket_feed_vertices(feeding->feed, kind, count, feeding->source, NULL, error))
            return false;
    }
    return true;
}

bool
gasket_generate_into(GasketGraphBuilder *builder, const GasketGenerateOptions *options,
                     bool symmetric, GError **error)
{
    g_assert(!symmetric || !options->both);
    if (!gasket_generate_check(options, error))
        return false;
    bool ratings = options->kind == GASKET_GENERATE_RATINGS;
    if (ratings && symmetric)
        return wrong(error, "ratings have one direction");
    Feeding *feeding = gasket_array_new(1, sizeof *feeding, error);
    if (feeding == NULL)
        return false;
    feeding->source_kind = feeding->target_kind =
        gasket_graph_builder_add_kind(builder, ratings ? "user" : "vertex");
    if (ratings)
        feeding->target_kind = gasket_graph_builder_add_kind(builder, "item");
    unsigned relation =
        gasket_graph_builder_add_relation(builder, ratings ? "ratings" : "edges",
                                          feeding->source_kind, feeding->target_kind, symmetric);
    if (gasket_generate_weighted(options))
        gasket_graph_builder_add_edge_column(builder, relation, "weight", GASKET_DOUBLE, 1);
    feeding->feed = gasket_feed_new(builder, error);
    bool good =
        feeding->feed != NULL &&
        feed_vertices(feeding, feeding->source_kind, gasket_generate_n_vertices(options), error) &&
        (!ratings || feed_vertices(feeding, feeding->target_kind, options->items, error)) &&
        gasket_generate(options, feed_edges, feeding, error);
    gasket_array_free(feeding);
    return good;
}
