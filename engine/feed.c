/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds: see feed.h. A feed shares nothing with other feeds but the builder's shape, which no
 * longer changes.
 *
 * Invariants:
 *   1. One id has one handle in a feed: small integers are always direct, whichever way they came.
 *   2. direct_end of a kind is above every direct handle in its blocks.
 */
#include "engine/feed.h"

#include "engine/builder.h"

void
gasket_feed_free(GasketFeed *feed)
{
    if (feed == NULL)
        return;
    for (unsigned k = 0; k < feed->builder->n_kinds; k++) {
        gasket_dictionary_clear(&feed->kinds[k].dictionary);
        gasket_block_list_clear(&feed->kinds[k].vertices);
    }
    for (unsigned r = 0; r < feed->builder->n_relations; r++)
        gasket_block_list_clear(&feed->relations[r]);
    g_free(feed->kinds);
    g_free(feed->relations);
    g_free(feed);
}

/* A feed's own structures have the size of the shape, not of data: none of them can fail. */
GasketFeed *
gasket_feed_new(GasketGraphBuilder *builder, GError **error)
{
    (void)error;
    GasketFeed *feed = g_new0(GasketFeed, 1);
    feed->builder = builder;
    feed->kinds = g_new0(GasketFeedKind, builder->n_kinds);
    feed->relations = g_new0(GasketBlockList, builder->n_relations);
    for (unsigned k = 0; k < builder->n_kinds; k++)
        gasket_block_list_init(&feed->kinds[k].vertices, /* ends= */ 1, builder->kinds[k].columns,
                               builder->kinds[k].n_columns);
    for (unsigned r = 0; r < builder->n_relations; r++)
        gasket_block_list_init(&feed->relations[r], /* ends= */ 2, builder->relations[r].columns,
                               builder->relations[r].n_columns);

    pthread_mutex_lock(&builder->lock);
    builder->feeds = g_renew(GasketFeed *, builder->feeds, builder->n_feeds + 1);
    builder->feeds[builder->n_feeds++] = feed;
    pthread_mutex_unlock(&builder->lock);
    return feed;
}

uint32_t
gasket_feed_integer_slow(GasketFeed *feed, unsigned kind, int64_t id, GError **error)
{
    g_assert(kind < feed->builder->n_kinds);
    if ((uint64_t)id < GASKET_FEED_DIRECT)
        return (uint32_t)id;
    uint32_t index;
    if (!gasket_dictionary_integer(&feed->kinds[kind].dictionary, id, &index, error))
        return GASKET_NO_VERTEX;
    return GASKET_FEED_DIRECT + index;
}

/* Ids handed to the dictionary at a time. */
#define GROUP 256

bool
gasket_feed_integers(GasketFeed *feed, unsigned kind, size_t n, const int64_t *ids,
                     uint32_t *ret_handles, GError **error)
{
    g_assert(kind < feed->builder->n_kinds);
    int64_t other[GROUP];
    uint32_t place[GROUP], index[GROUP];

    for (size_t from = 0, end; from < n; from = end) {
        uint32_t n_other = 0;
        end = MIN(from + GROUP, n);
        for (size_t i = from; i < end; i++) {
            ret_handles[i] = (uint32_t)ids[i];
            other[n_other] = ids[i];
            place[n_other] = (uint32_t)(i - from);
            n_other += (uint64_t)ids[i] >= GASKET_FEED_DIRECT;
        }
        if (!gasket_dictionary_integers(&feed->kinds[kind].dictionary, n_other, other, index,
                                        error))
            return false;
        for (uint32_t i = 0; i < n_other; i++)
            ret_handles[from + place[i]] = GASKET_FEED_DIRECT + index[i];
    }
    return true;
}

uint32_t
gasket_feed_text(GasketFeed *feed, unsigned kind, const char *text, size_t length, GError **error)
{
    g_assert(kind < feed->builder->n_kinds);
    int64_t id;
    if (gasket_parse_canonical(text, length, &id))
        return gasket_feed_integer(feed, kind, id, error);
    uint32_t index;
    if (!gasket_dictionary_text(&feed->kinds[kind].dictionary, text, length, &index, error))
        return GASKET_NO_VERTEX;
    return GASKET_FEED_DIRECT + index;
}

/* Keeps direct_end above n handles. */
static void
raise_direct_end(GasketFeedKind *kind, size_t n, const uint32_t *handles)
{
    uint32_t end = kind->direct_end;
    for (size_t i = 0; i < n; i++) {
        uint32_t above = handles[i] < GASKET_FEED_DIRECT ? handles[i] + 1 : 0;
        end = MAX(end, above);
    }
    kind->direct_end = end;
}

bool
gasket_feed_edges(GasketFeed *feed, unsigned relation, size_t n, const uint32_t *sources,
                  const uint32_t *targets, const void *const *columns, GError **error)
{
    g_assert(relation < feed->builder->n_relations);
    const GasketRelationShape *shape = &feed->builder->relations[relation];
    g_assert(shape->n_columns == 0 || columns != NULL || n == 0);
    if (!gasket_block_list_add(&feed->relations[relation], n, sources, targets, columns, error))
        return false;
    raise_direct_end(&feed->kinds[shape->source], n, sources);
    raise_direct_end(&feed->kinds[shape->target], n, targets);
    return true;
}

bool
gasket_feed_vertices(GasketFeed *feed, unsigned kind, size_t n, const uint32_t *handles,
                     const void *const *columns, GError **error)
{
    g_assert(kind < feed->builder->n_kinds);
    GasketFeedKind *to = &feed->kinds[kind];
    g_assert(to->vertices.n_columns == 0 || columns != NULL || n == 0);
    if (!gasket_block_list_add(&to->vertices, n, handles, /* second= */ NULL, columns, error))
        return false;
    raise_direct_end(to, n, handles);
    return true;
}
