/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segment-major storage. A chunk's entries are one range of the row-major arrays, so each chunk is
 * permuted within its own range, by any thread: the extra memory is a copy of one chunk for each
 * thread, and 2 bytes a neighbour that say in which segment it is.
 */
#include "engine/layout.h"

#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/parallel.h"

#define MAX_SEGMENTS (1u << 16)

/* Cuts the numbers that are there after every `values` of them. */
static bool
cut_present(const GasketPartKind *kind, uint32_t values, uint32_t *border, unsigned *n,
            GError **error)
{
    uint64_t *present =
        gasket_array_new(gasket_bitset_words(kind->n_global), sizeof *present, error);
    uint32_t held = 0;

    if (present == NULL)
        return false;
    for (uint32_t v = 0; v < kind->n_local; v++)
        gasket_bitset_add(present, kind->number[v]);
    for (uint32_t x = gasket_bitset_next(present, 0, kind->n_global); x < kind->n_global;
         x = gasket_bitset_next(present, x + 1, kind->n_global)) {
        if (held == values) {
            border[(*n)++] = x;
            held = 0;
        }
        held++;
    }
    gasket_array_free(present);
    return true;
}

uint32_t *
gasket_segments_new(const GasketPartKind *kind, uint32_t values, unsigned *ret_n, GError **error)
{
    values = MAX(values, kind->n_local / MAX_SEGMENTS + 1);
    uint64_t room = (uint64_t)kind->n_local / values + 3;
    uint32_t *border = gasket_array_new(room, sizeof *border, error);
    unsigned n = 1;

    if (border == NULL)
        return NULL;
    if (kind->n_local == kind->n_global) {
        for (uint64_t x = values; x < kind->n_global; x += values)
            border[n++] = (uint32_t)x;
    } else if (!cut_present(kind, values, border, &n, error)) {
        gasket_array_free(border);
        return NULL;
    }
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

/* What a sample of blocks of rows reads. */
typedef struct {
    uint64_t blocks, entries;
    uint64_t touched; /* segments of each block */
    uint64_t pieces;
    uint64_t far; /* entries outside the two segments that their block reads most */
} Sample;

/* Adds rows first .. end - 1 as one block. reads: [n_segments], of no use afterwards. */
static void
sample_block(const GasketPartKind *other, const GasketPartRows *rows, uint32_t first, uint32_t end,
             const uint32_t *border, unsigned n_segments, uint64_t *reads, Sample *sample)
{
    uint64_t most = 0, second = 0;

    memset(reads, 0, n_segments * sizeof *reads);
    for (uint32_t v = first; v < end; v++) {
        unsigned s = 0, before = n_segments;
        for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++) {
            s = segment_of(border, s, other->number[rows->neighbour[e]]);
            sample->pieces += s != before;
            before = s;
            reads[s]++;
        }
    }
    for (unsigned s = 0; s < n_segments; s++) {
        sample->touched += reads[s] > 0;
        second = MAX(second, MIN(most, reads[s]));
        most = MAX(most, reads[s]);
    }
    uint64_t entries = rows->offset[end] - rows->offset[first];
    sample->blocks++;
    sample->entries += entries;
    sample->far += entries - most - second;
}

/*
 * Segments pay where blocks of rows read values from all over. On a sample of blocks: how many
 * segments does one touch, how much does it read outside its own surroundings, and how many entries
 * does a piece have? A mesh touches one or two segments; a web crawl in its own order touches a few
 * more, but reads nearly all in two; a graph without locality reads nearly all of them. Integer
 * counts of the part alone, so it costs nothing in results either way.
 */
bool
gasket_segments_pay(const GasketPartKind *own, const GasketPartKind *other,
                    const GasketPartRows *rows, const uint32_t *border, unsigned n_segments)
{
    const uint32_t block = 1024, n_samples = 64;
    uint32_t stride = MAX(block, own->n_owned / n_samples);
    Sample sample = {0};

    if (n_segments < 2)
        return false;
    g_autofree uint64_t *reads = g_new0(uint64_t, n_segments);
    for (uint32_t first = 0; first < own->n_owned; first += stride) {
        uint32_t end = first + MIN(block, own->n_owned - first);
        sample_block(other, rows, first, end, border, n_segments, reads, &sample);
        if (own->n_owned - first <= stride)
            break;
    }
    return sample.touched > 3 * sample.blocks && 50 * sample.far >= sample.entries &&
           sample.entries >= 2 * sample.pieces;
}

/* ---- permuting a chunk ----------------------------------------------------------------------- */

/* What one thread has of its own. */
typedef struct {
    uint8_t *copy;    /* of one array of one chunk */
    uint32_t *place;  /* [entries of a chunk] where each goes, from the chunk's start */
    uint64_t *target; /* [n_segments] next entry of each segment */
    uint64_t *piece;  /* [n_segments] next piece of each segment */
} Scratch;

typedef struct {
    GasketPartRows *rows;
    unsigned n_columns, n_segments, threads;
    const GasketLayout *layout;
    uint16_t *segment; /* [n_local of the neighbours' kind] */
    uint64_t *entries; /* [chunks->n * n_segments] */
    Scratch *scratch;  /* [threads] */
} Permuter;

/* The segment of every neighbour. Numbers ascend but for a fall from one owner to the next. */
static bool
find_segments(Permuter *p, const GasketPartKind *other, const uint32_t *border, GError **error)
{
    unsigned s = 0;

    p->segment = gasket_array_new(other->n_local, sizeof *p->segment, error);
    if (p->segment == NULL)
        return false;
    for (uint32_t v = 0; v < other->n_local; v++) {
        if (other->number[v] < border[s])
            s = 0;
        s = segment_of(border, s, other->number[v]);
        p->segment[v] = (uint16_t)s;
    }
    return true;
}

/* Counts pieces (one place further on, to be added up) and entries of a chunk by segment. */
static void
count_chunk(void *data, size_t chunk, unsigned thread G_GNUC_UNUSED)
{
    const Permuter *p = data;
    const GasketPartRows *rows = p->rows;
    uint64_t *entries = p->entries + chunk * p->n_segments;
    uint64_t *pieces = p->layout->piece_first + chunk * p->n_segments + 1;

    for (uint32_t v = p->layout->chunks->begin[chunk]; v < p->layout->chunks->begin[chunk + 1];
         v++) {
        unsigned before = p->n_segments;
        for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++) {
            unsigned s = p->segment[rows->neighbour[e]];
            entries[s]++;
            pieces[s] += s != before;
            before = s;
        }
    }
}

/* Writes a chunk's pieces and moves its neighbours; tells columns where they go. */
static void
move_neighbours(const Permuter *p, Scratch *scratch, size_t chunk)
{
    const GasketPartRows *rows = p->rows;
    const GasketLayout *layout = p->layout;
    const uint32_t *begin = layout->chunks->begin + chunk;
    uint64_t base = rows->offset[begin[0]], n = rows->offset[begin[1]] - base;
    const uint32_t *neighbour = (const uint32_t *)(const void *)scratch->copy;

    memcpy(scratch->copy, rows->neighbour + base, n * sizeof *neighbour);
    for (uint32_t v = begin[0]; v < begin[1]; v++) {
        unsigned before = p->n_segments;
        for (uint64_t e = rows->offset[v] - base; e < rows->offset[v + 1] - base; e++) {
            unsigned s = p->segment[neighbour[e]];
            if (s != before) {
                layout->row[scratch->piece[s]] = v;
                layout->begin[scratch->piece[s]++] = scratch->target[s];
                before = s;
            }
            uint64_t place = scratch->target[s]++;
            rows->neighbour[place] = neighbour[e];
            if (p->n_columns > 0)
                scratch->place[e] = (uint32_t)(place - base);
        }
    }
}

/* array[base + place[i]] = old array[base + i] (or the reverse), elements of size bytes. */
static void
permute(const Scratch *scratch, void *array, size_t size, uint64_t base, uint64_t n, bool reverse)
{
    uint8_t *at = (uint8_t *)array + base * size;
    const uint32_t *place = scratch->place;

    memcpy(scratch->copy, at, n * size);
    for (uint64_t i = 0; i < n; i++)
        memcpy(at + (reverse ? i : place[i]) * size,
               scratch->copy + (reverse ? place[i] : i) * size, size);
}

static void
permute_columns(const Permuter *p, const Scratch *scratch, size_t chunk, bool reverse)
{
    const GasketPartRows *rows = p->rows;
    uint64_t base = rows->offset[p->layout->chunks->begin[chunk]];
    uint64_t n = rows->offset[p->layout->chunks->begin[chunk + 1]] - base;

    for (unsigned c = 0; c < p->n_columns; c++)
        permute(scratch, rows->columns[c].data,
                gasket_type_size(rows->columns[c].type) * rows->columns[c].length, base, n,
                reverse);
}

static void
permuter_clear(Permuter *p)
{
    for (unsigned t = 0; p->scratch != NULL && t < p->threads; t++) {
        gasket_array_free(p->scratch[t].copy);
        gasket_array_free(p->scratch[t].place);
        gasket_array_free(p->scratch[t].target);
        gasket_array_free(p->scratch[t].piece);
    }
    g_free(p->scratch);
    gasket_array_free(p->segment);
    gasket_array_free(p->entries);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Permuter, permuter_clear)

static bool
scratch_init(const Permuter *p, Scratch *scratch, uint64_t largest, bool places, GError **error)
{
    size_t size = sizeof(uint32_t);

    for (unsigned c = 0; c < p->n_columns; c++)
        size = MAX(size, gasket_type_size(p->rows->columns[c].type) * p->rows->columns[c].length);
    scratch->copy = gasket_array_new(largest, size, error);
    if (scratch->copy == NULL)
        return false;
    scratch->place = gasket_array_new(places ? largest : 0, sizeof *scratch->place, error);
    if (scratch->place == NULL)
        return false;
    scratch->target = gasket_array_new(p->n_segments, sizeof *scratch->target, error);
    if (scratch->target == NULL)
        return false;
    scratch->piece = gasket_array_new(p->n_segments, sizeof *scratch->piece, error);
    return scratch->piece != NULL;
}

/* Scratch for each thread; places: to be remembered. */
static bool
permuter_init(Permuter *p, bool places, GError **error)
{
    const GasketChunks *chunks = p->layout->chunks;
    uint64_t largest = 0;

    for (unsigned c = 0; c < chunks->n; c++)
        largest =
            MAX(largest, p->rows->offset[chunks->begin[c + 1]] - p->rows->offset[chunks->begin[c]]);
    p->scratch = g_new0(Scratch, p->threads);
    for (unsigned t = 0; t < p->threads; t++)
        if (!scratch_init(p, &p->scratch[t], largest, places, error))
            return false;
    return true;
}

/* Fills piece_first for all chunks, and makes room for the pieces. */
static bool
count_pieces(Permuter *p, GasketLayout *layout, GError **error)
{
    size_t n = (size_t)layout->chunks->n * p->n_segments;

    p->entries = gasket_array_new(n, sizeof *p->entries, error);
    layout->piece_first = gasket_array_new(n + 1, sizeof *layout->piece_first, error);
    if (p->entries == NULL || layout->piece_first == NULL)
        return false;
    gasket_parallel(p->threads, layout->chunks->n, count_chunk, p);
    for (size_t at = 0; at < n; at++)
        layout->piece_first[at + 1] += layout->piece_first[at];
    layout->row = gasket_array_new(layout->piece_first[n], sizeof *layout->row, error);
    if (layout->row == NULL)
        return false;
    layout->begin = gasket_array_new(layout->piece_first[n] + 1, sizeof *layout->begin, error);
    return layout->begin != NULL;
}

static void
fill_chunk(void *data, size_t chunk, unsigned thread)
{
    const Permuter *p = data;
    Scratch *scratch = &p->scratch[thread];
    uint64_t next = p->rows->offset[p->layout->chunks->begin[chunk]];

    for (unsigned s = 0; s < p->n_segments; s++) {
        size_t at = chunk * p->n_segments + s;
        scratch->target[s] = next;
        scratch->piece[s] = p->layout->piece_first[at];
        next += p->entries[at];
    }
    move_neighbours(p, scratch, chunk);
    permute_columns(p, scratch, chunk, /* reverse= */ false);
}

GasketLayout *
gasket_layout_new(const GasketPartKind *own, const GasketPartKind *other, GasketPartRows *rows,
                  unsigned n_columns, const uint32_t *border, unsigned n_segments,
                  uint64_t work_per_chunk, unsigned threads, GError **error)
{
    const GasketPartRows *sets[] = {rows};
    g_autoptr(GasketLayout) layout = g_new0(GasketLayout, 1);
    g_auto(Permuter) permuter = {.rows = rows,
                                 .n_columns = n_columns,
                                 .n_segments = n_segments,
                                 .layout = layout};

    layout->n_segments = n_segments;
    layout->chunks = gasket_chunks_new(own, sets, 1, MIN(work_per_chunk, UINT32_MAX / 2), error);
    if (layout->chunks == NULL)
        return NULL;
    permuter.threads = CLAMP(threads, 1, MAX(layout->chunks->n, 1));
    if (!find_segments(&permuter, other, border, error) ||
        !count_pieces(&permuter, layout, error) ||
        !permuter_init(&permuter, /* places= */ n_columns > 0, error))
        return NULL;
    gasket_parallel(permuter.threads, layout->chunks->n, fill_chunk, &permuter);
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
find_places(const Permuter *p, unsigned chunk, uint64_t *cursor)
{
    const GasketLayout *layout = p->layout;
    uint32_t first = layout->chunks->begin[chunk], end = layout->chunks->begin[chunk + 1];
    uint64_t base = p->rows->offset[first];
    size_t at = (size_t)chunk * layout->n_segments;

    for (uint32_t v = first; v < end; v++)
        cursor[v - first] = p->rows->offset[v] - base;
    for (uint64_t i = layout->piece_first[at]; i < layout->piece_first[at + layout->n_segments];
         i++)
        for (uint64_t e = layout->begin[i]; e < layout->begin[i + 1]; e++)
            p->scratch->place[cursor[layout->row[i] - first]++] = (uint32_t)(e - base);
}

bool
gasket_layout_restore(const GasketLayout *layout, GasketPartRows *rows, unsigned n_columns,
                      GError **error)
{
    const GasketChunks *chunks = layout->chunks;
    g_auto(Permuter) permuter = {.rows = rows,
                                 .n_columns = n_columns,
                                 .threads = 1,
                                 .n_segments = layout->n_segments,
                                 .layout = layout};
    uint32_t largest = 0;

    if (!permuter_init(&permuter, /* places= */ true, error))
        return false;
    for (unsigned c = 0; c < chunks->n; c++)
        largest = MAX(largest, chunks->begin[c + 1] - chunks->begin[c]);
    uint64_t *cursor = gasket_array_new(largest, sizeof *cursor, error);
    if (cursor == NULL)
        return false;
    for (unsigned c = 0; c < chunks->n; c++) {
        find_places(&permuter, c, cursor);
        uint64_t base = rows->offset[chunks->begin[c]];
        permute(permuter.scratch, rows->neighbour, sizeof *rows->neighbour, base,
                rows->offset[chunks->begin[c + 1]] - base, /* reverse= */ true);
        permute_columns(&permuter, permuter.scratch, c, /* reverse= */ true);
    }
    gasket_array_free(cursor);
    return true;
}

bool
gasket_layout_check(const GasketLayout *layout, const GasketPartKind *own,
                    const GasketPartKind *other, const GasketPartRows *rows, const uint32_t *border,
                    GError **error)
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
