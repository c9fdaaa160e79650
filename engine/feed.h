/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds: how parsing threads hand edges to a builder at full speed.
 *
 * Each thread has its own feed and takes no lock. It turns the ids of a line into handles and adds
 * edges in batches of handles; the builder merges the feeds when it finishes. A handle belongs to
 * one feed and one kind:
 *
 *   0 .. 2^31 - 1     the id itself: small non-negative integers need no dictionary
 *   2^31 ..           2^31 + index into the feed's dictionary of other integers and of text
 *
 * Batches are copied into blocks of their own, 8 bytes an edge and its columns, and freed as the
 * builder consumes them.
 */
#ifndef GASKET_ENGINE_FEED_H
#define GASKET_ENGINE_FEED_H

#include <gasket/graph.h>

#define GASKET_FEED_DIRECT (UINT32_C(1) << 31)

typedef struct GasketFeed GasketFeed;

/* A new feed of builder, which owns it. May be called from any thread; the feed is then used from
 * one thread at a time. Kinds, relations and columns must have been added before. */
GasketFeed *gasket_feed_new(GasketGraphBuilder *builder, GError **error);

/* The handle of an integer id outside 0 .. 2^31 - 1, or of any id. GASKET_NO_VERTEX and error
 * MEMORY on failure. */
uint32_t gasket_feed_integer_slow(GasketFeed *feed, unsigned kind, int64_t id, GError **error);

/* The handles of n integer ids, ret_handles [n]: much faster than one by one where they are many
 * and not small. */
bool gasket_feed_integers(GasketFeed *feed, unsigned kind, size_t n, const int64_t *ids,
                          uint32_t *ret_handles, GError **error);

/* The handle of an id given as text (not terminated): an integer if it is a canonical decimal that
 * fits, else text. */
uint32_t gasket_feed_text(GasketFeed *feed, unsigned kind, const char *text, size_t length,
                          GError **error);

static inline uint32_t
gasket_feed_integer(GasketFeed *feed, unsigned kind, int64_t id, GError **error)
{
    if ((uint64_t)id < GASKET_FEED_DIRECT)
        return (uint32_t)id;
    return gasket_feed_integer_slow(feed, kind, id, error);
}

/* Adds n edges by handles; columns as in gasket_graph_builder_add_edges. */
bool gasket_feed_edges(GasketFeed *feed, unsigned relation, size_t n, const uint32_t *sources,
                       const uint32_t *targets, const void *const *columns, GError **error);

/* Adds n vertices by handles; columns as in gasket_graph_builder_add_vertices. */
bool gasket_feed_vertices(GasketFeed *feed, unsigned kind, size_t n, const uint32_t *handles,
                          const void *const *columns, GError **error);

/* Which rows gasket_graph_builder_finish_rows_take leaves standing. Neither: in-rows all the same;
 * a symmetric relation's one set always stands. */
typedef struct {
    bool in, out;
} GasketWantedRows;

/* As gasket_graph_builder_finish_take, building exactly the rows wanted ([n_relations]). */
GasketGraph *gasket_graph_builder_finish_rows_take(GasketGraphBuilder **builder,
                                                   const GasketGraphRules *rules,
                                                   const GasketWantedRows *wanted, GError **error);

#endif
