/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segment-major storage. A chunk's entries are one range of the row-major arrays, so each chunk is
 * permuted within its own range: the only extra memory is a copy of one chunk.
 */
#include "engine/layout.h"

#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"

uint32_t *
gasket_segments_new(const GasketPartKind *kind, uint32_t values, unsigned *ret_n, GError **error)
{
    uint64_t *present = gasket_array_new(gasket_bitset_words(kind->n_global), sizeof *present, error);
    if (present == NULL)
        return NULL;
    for (uint32_t v = 0; v < kind->n_local; v++)
        gasket_bitset_add(present, kind->number[v]);

    uint64_t room = (uint64_t)kind->n_local / values + 3;
    uint32_t *border = gasket_array_new(room, sizeof *border, error);
    unsigned n = 1;
    uint32_t held = 0;
    for (uint32_t x = gasket_bitset_next(present, 0, kind->n_global);
         border != NULL && x < kind->n_global;
         x = gasket_bitset_next(present, x + 1, kind->n_global)) {
        if (held == values) {
            border[n++] = x;
            held = 0;
        }
        held++;
    }
    gasket_array_free(present);
    if (border == NULL)
        return NULL;
    border[n] = kind->n_global;
    *ret_n = n;
    return border;
}

/* The segment of a number, searched from segment s upward: rows ascend. */
static inline unsigned
segment_of(const uint32_t *border, unsigned s, uint32_t number)
{
    while (number >= border[s + 1])
        s++;
    return s;
}

/*
 * Segments pay where blocks of rows read values from all over. On a sample of blocks: how many
 * segments does one touch, and how many entries does a piece have? A mesh or a web crawl in its own
 * order touches one or two; a graph without locality touches nearly all. Integer counts of the
 * part alone, so it costs nothing in results either way.
 */
bool
gasket_segments_pay(const GasketPartKind *own, const GasketPartKind *other,
                    const GasketPartRows *rows, const uint32_t *border, unsigned n_segments)
{
    const uint32_t block = 1024, n_samples = 64;
    uint64_t touched = 0, pieces = 0, entries = 0, blocks = 0;
    uint32_t stride = MAX(block, own->n_owned / n_samples);

    if (n_segments < 2)
        return false;
    g_autofree uint64_t *seen = g_new0(uint64_t, n_segments);
    for (uint32_t first = 0; first < own->n_owned; first += stride) {
        uint32_t end = first + MIN(block, own->n_owned - first);
        blocks++;
        for (uint32_t v = first; v < end; v++) {
            unsigned s = 0, before = n_segments;
            for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++) {
                s = segment_of(border, s, other->number[rows->neighbour[e]]);
                pieces += s != before;
                before = s;
                touched += seen[s] != blocks;
                seen[s] = blocks;
                entries++;
            }
        }
        if (own->n_owned - first <= stride)
            break;
    }
    return touched > 3 * blocks && entries >= 2 * pieces;
}

/* ---- permuting a chunk ----------------------------------------------------------------------- */

typedef struct {
    const GasketPartKind *other;
    GasketPartRows       *rows;
    unsigned              n_columns;
    const uint32_t       *border;
    unsigned              n_segments;
    GasketLayout         *layout;
    uint8_t              *copy;   /* of one array of one chunk */
    uint64_t             *target; /* [n_segments] next entry of each segment */
    uint64_t             *piece;  /* [n_segments] next piece of each segment */
    uint32_t             *place;  /* [entries of a chunk] where each goes, from the chunk's start */
} Permuter;

/* Counts pieces and entries of a chunk by segment. */
static void
count_chunk(const Permuter *p, unsigned chunk, uint64_t *pieces, uint64_t *entries)
{
    const GasketPartRows *rows = p->rows;

    for (uint32_t v = p->layout->chunks->begin[chunk]; v < p->layout->chunks->begin[chunk + 1];
         v++) {
        unsigned s = 0, before = p->n_segments;
        for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++) {
            s = segment_of(p->border, s, p->other->number[rows->neighbour[e]]);
            entries[s]++;
            pieces[s] += s != before;
            before = s;
        }
    }
}

/* Writes a chunk's pieces, and where each of its entries goes. */
static void
place_chunk(Permuter *p, unsigned chunk)
{
    const GasketPartRows *rows = p->rows;
    GasketLayout *layout = p->layout;
    uint64_t base = rows->offset[layout->chunks->begin[chunk]];

    for (uint32_t v = layout->chunks->begin[chunk]; v < layout->chunks->begin[chunk + 1]; v++) {
        unsigned s = 0, before = p->n_segments;
        for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++) {
            s = segment_of(p->border, s, p->other->number[rows->neighbour[e]]);
            if (s != before) {
                layout->row[p->piece[s]] = v;
                layout->begin[p->piece[s]++] = p->target[s];
                before = s;
            }
            p->place[e - base] = (uint32_t)(p->target[s]++ - base);
        }
    }
}

/* array[base + place[i]] = old array[base + i] (or the reverse), elements of size bytes. */
static void
permute(const Permuter *p, void *array, size_t size, uint64_t base, uint64_t n, bool reverse)
{
    uint8_t *at = (uint8_t *)array + base * size;

    memcpy(p->copy, at, n * size);
    if (size == sizeof(uint32_t)) {
        const uint32_t *from = (const uint32_t *)(const void *)p->copy;
        uint32_t *to = (uint32_t *)(void *)at;
        for (uint64_t i = 0; i < n; i++)
            to[reverse ? i : p->place[i]] = from[reverse ? p->place[i] : i];
        return;
    }
    for (uint64_t i = 0; i < n; i++)
        memcpy(at + (reverse ? i : p->place[i]) * size,
               p->copy + (reverse ? p->place[i] : i) * size, size);
}

static void
permute_all(const Permuter *p, unsigned chunk, bool reverse)
{
    const GasketPartRows *rows = p->rows;
    uint64_t base = rows->offset[p->layout->chunks->begin[chunk]];
    uint64_t n = rows->offset[p->layout->chunks->begin[chunk + 1]] - base;

    permute(p, rows->neighbour, sizeof(uint32_t), base, n, reverse);
    for (unsigned c = 0; c < p->n_columns; c++)
        permute(p, rows->columns[c].data,
                gasket_type_size(rows->columns[c].type) * rows->columns[c].length, base, n,
                reverse);
}

static void
permuter_clear(Permuter *p)
{
    gasket_array_free(p->copy);
    gasket_array_free(p->target);
    gasket_array_free(p->piece);
    gasket_array_free(p->place);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Permuter, permuter_clear)

static bool
permuter_init(Permuter *p, GError **error)
{
    const GasketChunks *chunks = p->layout->chunks;
    uint64_t largest = 0;
    size_t size = sizeof(uint32_t);

    for (unsigned c = 0; c < chunks->n; c++)
        largest = MAX(largest, p->rows->offset[chunks->begin[c + 1]] -
                                   p->rows->offset[chunks->begin[c]]);
    for (unsigned c = 0; c < p->n_columns; c++)
        size = MAX(size, gasket_type_size(p->rows->columns[c].type) * p->rows->columns[c].length);
    p->copy = gasket_array_new(largest, size, error);
    if (p->copy == NULL)
        return false;
    p->place = gasket_array_new(largest, sizeof *p->place, error);
    if (p->place == NULL)
        return false;
    p->target = gasket_array_new(p->n_segments, sizeof *p->target, error);
    if (p->target == NULL)
        return false;
    p->piece = gasket_array_new(p->n_segments, sizeof *p->piece, error);
    return p->piece != NULL;
}

/* Fills piece_first for all chunks, and makes room for the pieces. */
static bool
count_pieces(Permuter *p, GError **error)
{
    GasketLayout *layout = p->layout;
    unsigned n_segments = p->n_segments;

    for (unsigned c = 0; c < layout->chunks->n; c++) {
        memset(p->target, 0, n_segments * sizeof *p->target);
        memset(p->piece, 0, n_segments * sizeof *p->piece);
        count_chunk(p, c, p->piece, p->target);
        for (unsigned s = 0; s < n_segments; s++) {
            size_t at = (size_t)c * n_segments + s;
            layout->piece_first[at + 1] = layout->piece_first[at] + p->piece[s];
        }
    }
    uint64_t n_pieces = layout->piece_first[(size_t)layout->chunks->n * n_segments];
    layout->row = gasket_array_new(n_pieces, sizeof *layout->row, error);
    if (layout->row == NULL)
        return false;
    layout->begin = gasket_array_new(n_pieces + 1, sizeof *layout->begin, error);
    return layout->begin != NULL;
}

static void
fill_chunk(Permuter *p, unsigned chunk)
{
    GasketLayout *layout = p->layout;
    uint64_t next = p->rows->offset[layout->chunks->begin[chunk]];

    memset(p->target, 0, p->n_segments * sizeof *p->target);
    memset(p->piece, 0, p->n_segments * sizeof *p->piece);
    count_chunk(p, chunk, p->piece, p->target);
    for (unsigned s = 0; s < p->n_segments; s++) {
        uint64_t entries = p->target[s];
        p->target[s] = next;
        next += entries;
        p->piece[s] = layout->piece_first[(size_t)chunk * p->n_segments + s];
    }
    place_chunk(p, chunk);
    permute_all(p, chunk, false);
}

GasketLayout *
gasket_layout_new(const GasketPartKind *own, const GasketPartKind *other, GasketPartRows *rows,
                  unsigned n_columns, const uint32_t *border, unsigned n_segments,
                  uint64_t work_per_chunk, GError **error)
{
    const GasketPartRows *sets[] = {rows};
    g_autoptr(GasketLayout) layout = g_new0(GasketLayout, 1);
    g_auto(Permuter) permuter = {.other = other, .rows = rows, .n_columns = n_columns,
                                 .border = border, .n_segments = n_segments, .layout = layout};

    layout->n_segments = n_segments;
    layout->chunks = gasket_chunks_new(own, sets, 1, MIN(work_per_chunk, UINT32_MAX / 2), error);
    if (layout->chunks == NULL)
        return NULL;
    layout->piece_first = gasket_array_new((uint64_t)layout->chunks->n * n_segments + 1,
                                           sizeof *layout->piece_first, error);
    if (layout->piece_first == NULL || !permuter_init(&permuter, error) ||
        !count_pieces(&permuter, error))
        return NULL;
    for (unsigned c = 0; c < layout->chunks->n; c++)
        fill_chunk(&permuter, c);
    layout->begin[layout->piece_first[(size_t)layout->chunks->n * n_segments]] = rows->n_entries;
    return g_steal_pointer(&layout);
}

void
gasket_layout_free(GasketLayout *layout)
{
    if (layout == NULL)
        return;
    gasket_chunks_free(layout->chunks);
    gasket_array_free(layout->piece_first);
    gasket_array_free(layout->row);
    gasket_array_free(layout->begin);
    g_free(layout);
}

/* For each entry of a chunk's rows, in row order, where it stands now: pieces of a row ascend with
 * the segment, so walking the pieces in order visits a row's entries in order. */
static void
find_places(Permuter *p, unsigned chunk, uint64_t *cursor)
{
    const GasketLayout *layout = p->layout;
    uint32_t first = layout->chunks->begin[chunk], end = layout->chunks->begin[chunk + 1];
    uint64_t base = p->rows->offset[first];
    size_t at = (size_t)chunk * layout->n_segments;

    for (uint32_t v = first; v < end; v++)
        cursor[v - first] = p->rows->offset[v] - base;
    for (uint64_t i = layout->piece_first[at]; i < layout->piece_first[at + layout->n_segments]; i++)
        for (uint64_t e = layout->begin[i]; e < layout->begin[i + 1]; e++)
            p->place[cursor[layout->row[i] - first]++] = (uint32_t)(e - base);
}

bool
gasket_layout_restore(const GasketLayout *layout, GasketPartRows *rows, unsigned n_columns,
                      GError **error)
{
    const GasketChunks *chunks = layout->chunks;
    g_auto(Permuter) permuter = {.rows = rows, .n_columns = n_columns,
                                 .n_segments = layout->n_segments,
                                 .layout = (GasketLayout *)layout};
    uint32_t largest = 0;

    if (!permuter_init(&permuter, error))
        return false;
    for (unsigned c = 0; c < chunks->n; c++)
        largest = MAX(largest, chunks->begin[c + 1] - chunks->begin[c]);
    uint64_t *cursor = gasket_array_new(largest, sizeof *cursor, error);
    if (cursor == NULL)
        return false;
    for (unsigned c = 0; c < chunks->n; c++) {
        find_places(&permuter, c, cursor);
        permute_all(&permuter, c, true);
    }
    gasket_array_free(cursor);
    return true;
}

bool
gasket_layout_check(const GasketLayout *layout, const GasketPartKind *own,
                    const GasketPartKind *other, const GasketPartRows *rows,
                    const uint32_t *border, GError **error)
{
    g_autofree uint64_t *seen = g_new0(uint64_t, (size_t)own->n_owned + 1);

    for (unsigned c = 0; c < layout->chunks->n; c++) {
        for (unsigned s = 0; s < layout->n_segments; s++) {
            size_t at = (size_t)c * layout->n_segments + s;
            for (uint64_t i = layout->piece_first[at]; i < layout->piece_first[at + 1]; i++) {
                uint32_t v = layout->row[i];
                bool inside = v >= layout->chunks->begin[c] && v < layout->chunks->begin[c + 1];
                for (uint64_t e = layout->begin[i]; inside && e < layout->begin[i + 1]; e++) {
                    uint32_t x = other->number[rows->neighbour[e]];
                    inside = x >= border[s] && x < border[s + 1];
                    seen[v]++;
                }
                if (!inside || layout->begin[i] >= layout->begin[i + 1]) {
                    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                                "piece %" G_GUINT64_FORMAT " is out of place", i);
                    return false;
                }
            }
        }
    }
    for (uint32_t v = 0; v < own->n_owned; v++) {
        if (seen[v] != rows->offset[v + 1] - rows->offset[v]) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "row %u is not covered", v);
            return false;
        }
    }
    return true;
}
