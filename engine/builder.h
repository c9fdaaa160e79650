/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a builder and of its feeds, for the files that finish a graph.
 *
 *   builder ── kinds, relations: names and shapes, fixed once the first feed exists
 *           └─ feeds ── for each kind: a dictionary, added vertices (blocks)
 *                    └─ for each relation: added edges (blocks)
 */
#ifndef GASKET_ENGINE_BUILDER_H
#define GASKET_ENGINE_BUILDER_H

#include <pthread.h>

#include "engine/block.h"
#include "engine/dictionary.h"
#include "engine/feed.h"
#include "engine/graph.h"

typedef struct {
    char *name;
    GasketColumnShape *columns; /* [n_columns] */
    unsigned n_columns;
} GasketKindShape;

typedef struct {
    char *name;
    unsigned source, target; /* kinds */
    bool symmetric;
    GasketColumnShape *columns; /* [n_columns] */
    unsigned n_columns;
} GasketRelationShape;

/* What one feed has seen of a kind. */
typedef struct {
    GasketDictionary dictionary;
    uint32_t direct_end; /* above every handle below GASKET_FEED_DIRECT */
    GasketBlockList vertices;
} GasketFeedKind;

struct GasketFeed {
    const GasketGraphBuilder *builder;
    GasketFeedKind *kinds;      /* [n_kinds] */
    GasketBlockList *relations; /* [n_relations] */
};

struct GasketGraphBuilder {
    unsigned n_kinds, n_relations;
    GasketKindShape *kinds;         /* [n_kinds] */
    GasketRelationShape *relations; /* [n_relations] */

    pthread_mutex_t lock; /* for feeds and n_feeds while feeds are being made */
    GasketFeed **feeds;   /* [n_feeds] */
    unsigned n_feeds;
    GasketFeed *own; /* one of feeds: that of gasket_graph_builder_add_...; NULL: none yet */
};

void gasket_feed_free(GasketFeed *feed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketFeed, gasket_feed_free)

#endif
