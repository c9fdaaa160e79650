/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adjacency lists: `source n target1 ... targetn`, blanks between, `#` and `%` comments.
 *
 * `2 0` is a vertex without out-edges, which exists even if no other line names it. Ids are
 * integers or text.
 */
#include <string.h>

#include "loaders/format.h"
#include "loaders/text.h"

#define LIST_LINE ((size_t)1 << 36) /* a hub may have any number of targets */

typedef struct {
    GasketLoader *loader;
} Adjacency;

static bool
line_ends(const char *p)
{
    return *p == '\n' || (p[0] == '\r' && p[1] == '\n');
}

/* The handle of the id at *p, which is moved behind it. */
static uint32_t
parse_id(GasketBatch *batch, unsigned kind, const char **p, const char *what, GError **error)
{
    int64_t id;
    const char *end = gasket_scan_id(*p, &id);
    if (end != NULL && gasket_text_ends(*end)) {
        *p = end;
        return gasket_feed_integer(batch->feed, kind, id, error);
    }
    end = *p;
    while (!gasket_text_blank(*end) && !line_ends(end))
        end++;
    uint32_t handle = gasket_batch_id(batch, kind, *p, (size_t)(end - *p), what, error);
    *p = end;
    return handle;
}

static bool
parse_list(GasketLoader *loader, GasketBatch *batch, const char *line, GasketBlockResult *result,
           GError **error)
{
    const char *p = line;
    uint32_t source = parse_id(batch, batch->source_kind, &p, "a source vertex", error);
    if (source == GASKET_NO_VERTEX)
        return false;
    uint64_t announced, n = 0;
    const char *count = gasket_text_skip_blanks(p);
    p = gasket_scan_count(count, &announced);
    if (p == NULL || !gasket_text_ends(*p)) {
        gasket_text_error_word(error, count, "a number of targets");
        return false;
    }
    for (p = gasket_text_skip_blanks(p); !line_ends(p); p = gasket_text_skip_blanks(p), n++) {
        uint32_t target = parse_id(batch, batch->target_kind, &p, "a target vertex", error);
        if (target == GASKET_NO_VERTEX || !gasket_batch_add(batch, source, target, 1, error))
            return false;
    }
    result->edges += n;
    if (n != announced) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found %" G_GUINT64_FORMAT " targets, expected the %" G_GUINT64_FORMAT
                    " that the line announces",
                    n, announced);
        return false;
    }
    return n > 0 ||
           gasket_loader_add_vertices(loader, batch, batch->source_kind, 1, &source, error);
}

static bool
parse_block(void *data, unsigned thread, GasketBlock *block, GasketBlockResult *result,
            GError **error)
{
    const Adjacency *adjacency = data;
    GasketBatch *batch = adjacency->loader->batches[thread];
    const char *p = block->text, *end = block->text + block->size;
    for (; p < end; result->lines++) {
        const char *word = gasket_text_skip_blanks(p);
        bool empty = *word == '#' || *word == '%' || line_ends(word);
        if (!empty && !parse_list(adjacency->loader, batch, word, result, error))
            return false;
        p = (const char *)memchr(word, '\n', (size_t)(end - word)) + 1;
    }
    return true;
}

static bool
prepare(GasketSource *source, const GasketLoadOptions *options, GError **error)
{
    (void)options;
    (void)error;
    source->state = g_new0(Adjacency, 1);
    source->weights = GASKET_WEIGHTS_NONE;
    return true;
}

static bool
load(GasketSource *source, GasketLoader *loader, GError **error)
{
    Adjacency *adjacency = source->state;
    adjacency->loader = loader;
    GasketChunkJob job = {.parse = parse_block, .data = adjacency, .max_line = LIST_LINE};
    uint64_t edges;
    return gasket_loader_parse(loader, source, &job, &edges, error);
}

const GasketFormat gasket_format_adjacency = {
    .name = "adjacency",
    .extensions = "adj adjacency adjlist",
    .prepare = prepare,
    .load = load,
    .free = g_free,
};
