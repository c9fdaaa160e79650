/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of edges, and the ids and weights that go into them. See format.h.
 */
#include <math.h>
#include <string.h>

#include "loaders/format.h"
#include "loaders/text.h"

static bool
flush_handles(GasketBatch *batch, GError **error)
{
    const void *columns[] = {batch->ratings ? (const void *)batch->rating : batch->weight,
                             batch->time};
    uint32_t n = batch->n;
    batch->n = 0;
    for (uint32_t i = 0; batch->ratings && i < n; i++)
        batch->rating[i] = (float)batch->weight[i];
    return n == 0 || gasket_feed_edges(batch->feed, batch->relation, n, batch->source,
                                       batch->target, batch->weighted ? columns : NULL, error);
}

bool
gasket_batch_flush_ids(GasketBatch *batch, GError **error)
{
    uint32_t n = batch->n_ids;
    if (!flush_handles(batch, error)) /* to use its arrays */
        return false;
    batch->n_ids = 0;
    batch->n = n;
    memcpy(batch->weight, batch->id_weight, n * sizeof *batch->weight);
    if (batch->timed)
        memcpy(batch->time, batch->id_time, n * sizeof *batch->time);
    return gasket_feed_integers(batch->feed, batch->source_kind, n, batch->source_id, batch->source,
                                error) &&
           gasket_feed_integers(batch->feed, batch->target_kind, n, batch->target_id, batch->target,
                                error) &&
           flush_handles(batch, error);
}

bool
gasket_batch_flush(GasketBatch *batch, GError **error)
{
    return flush_handles(batch, error) &&
           (batch->n_ids == 0 || gasket_batch_flush_ids(batch, error));
}

uint32_t
gasket_batch_id(GasketBatch *batch, unsigned kind, const char *text, size_t size, const char *what,
                GError **error)
{
    int64_t id;
    if (size == 0) {
        gasket_text_error(error, text, 0, "%s", what);
        return GASKET_NO_VERTEX;
    }
    if (size <= GASKET_TEXT_DIGITS + 1 && gasket_scan_id(text, &id) == text + size)
        return gasket_feed_integer(batch->feed, kind, id, error);
    if (size > GASKET_ID_MAX) {
        gasket_text_error(error, text, size, "%s of at most %d bytes", what, GASKET_ID_MAX);
        return GASKET_NO_VERTEX;
    }
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            gasket_text_error(error, text, size, "%s without control characters", what);
            return GASKET_NO_VERTEX;
        }
    return gasket_feed_text(batch->feed, kind, text, size, error);
}

bool
gasket_batch_weight(const GasketBatch *batch, const char *text, size_t size, double *ret_weight,
                    GError **error)
{
    double weight = 0;
    if (size == 0 || gasket_scan_double(text, &weight) != text + size ||
        !(fabs(weight) <= batch->most)) {
        gasket_text_error(error, text, size, "a %s (a finite number)",
                          batch->ratings ? "rating" : "weight");
        return false;
    }
    if (batch->nonnegative && weight < 0) {
        gasket_text_error(error, text, size, "a weight that is not negative");
        return false;
    }
    *ret_weight = weight;
    return true;
}

bool
gasket_batch_time(const char *text, size_t size, double *ret_time, GError **error)
{
    double time = 0;
    if (size == 0 || gasket_scan_double(text, &time) != text + size || !isfinite(time)) {
        gasket_text_error(error, text, size, "a time (a finite number)");
        return false;
    }
    *ret_time = time;
    return true;
}
