/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How rows lie in memory for one step: chunks that threads take, segment-major storage, and the
 * local transpose.
 *
 * Chunks cut the rows of a kind into pieces of about equal work. Each starts at a multiple of 64,
 * so that threads never share a word of a bit set. Boundary rows, and up to 63 interior rows that
 * share a word with the last of them, have chunks of their own: once these have run, no thread
 * touches a word that tells which boundary values changed.
 *
 * Segment-major storage (GasketLayout) cuts each row where the neighbours' numbers pass a segment
 * border, and stores for each chunk the pieces of segment 0, then of segment 1, ...
 *
 *            row 0         row 1     row 2              chunk 0 = rows 0-2
 *   rows     1 2 9 | 0 5 8 | 1 6 7                      segments: numbers 0-4, 5-9
 *   stored   1 2 | 0 | 1 |  9 | 5 8 | 6 7
 *   row      0     1   2    0   1     2                 (a piece each)
 *   begin    0     2   3    4   5     7   (9)
 *
 * A thread that walks a chunk reads entries in one stream, while the values of one segment stay in
 * its cache. A row's pieces ascend, so a left fold adds in the order of the row: the bits are those
 * of row-major storage. 4 bytes an entry and 12 a piece.
 *
 * Readers (the local transpose) list for each local vertex, ghosts included, the rows that name it:
 * waking and pushing need no network.
 */
#ifndef GASKET_ENGINE_LAYOUT_H
#define GASKET_ENGINE_LAYOUT_H

#include "engine/part.h"

typedef struct {
    unsigned n;
    unsigned n_boundary; /* the first of them have the boundary rows */
    uint32_t *begin;     /* [n + 1] rows */
} GasketChunks;

/* Cuts the rows of a kind; rows [n_sets] may be none. Error: MEMORY. */
GasketChunks *gasket_chunks_new(const GasketPartKind *kind, const GasketPartRows *const *rows,
                                unsigned n_sets, uint64_t work_per_chunk, GError **error);
void gasket_chunks_free(GasketChunks *chunks);

/* For tests: that chunks cover the rows in order, share no word of a bit set, and keep the boundary
 * rows apart. */
bool gasket_chunks_check(const GasketChunks *chunks, const GasketPartKind *kind, GError **error);

typedef struct {
    unsigned n_segments;
    GasketChunks *chunks;
    uint64_t *piece_first; /* [chunks->n * n_segments + 1] pieces of (chunk, segment) */
    uint32_t *row;         /* [n_pieces] */
    uint64_t *begin;       /* [n_pieces + 1] */
} GasketLayout;

/* Segment borders over the numbers of a kind, [*ret_n + 1], such that no segment has more than
 * `values` local vertices (more only where there would be more than 2^16 segments). */
uint32_t *gasket_segments_new(const GasketPartKind *kind, uint32_t values, unsigned *ret_n,
                              GError **error);

/* Whether segments pay for these rows: see layout.c for the rule. */
bool gasket_segments_pay(const GasketPartKind *own, const GasketPartKind *other,
                         const GasketPartRows *rows, const uint32_t *border, unsigned n_segments);

/* Reorders the entries of rows, and their columns (uniform ones only), in place into segment-major
 * order, each thread a chunk at a time. rows->offset stays: it tells where a chunk starts and
 * restores the rows. Error: MEMORY, rows unchanged. O(E). */
GasketLayout *gasket_layout_new(const GasketPartKind *own, const GasketPartKind *other,
                                GasketPartRows *rows, unsigned n_columns, const uint32_t *border,
                                unsigned n_segments, uint64_t work_per_chunk, unsigned threads,
                                GError **error);
void gasket_layout_free(GasketLayout *layout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketLayout, gasket_layout_free)

/* Puts the entries and columns back in row-major order. Error: MEMORY, rows unchanged. */
bool gasket_layout_restore(const GasketLayout *layout, GasketPartRows *rows, unsigned n_columns,
                           GError **error);

/* For tests: that pieces cover the rows in order and stay within their segments. */
bool gasket_layout_check(const GasketLayout *layout, const GasketPartKind *own,
                         const GasketPartKind *other, const GasketPartRows *rows,
                         const uint32_t *border, GError **error);

typedef struct {
    uint64_t *begin; /* [n_local of the neighbours' kind + 1] */
    uint32_t *row;   /* [n_entries] */
    uint32_t *entry; /* [n_entries] where it stands in the layout; NULL if not asked for */
} GasketReaders;

/* The transpose of rows as stored in layout (NULL: row-major). entries: keep entry indices
 * (needs fewer than 2^32 entries, else ARGUMENT). O(E). */
GasketReaders *gasket_readers_new(const GasketPartKind *own, const GasketPartKind *other,
                                  const GasketPartRows *rows, const GasketLayout *layout,
                                  bool entries, GError **error);
void gasket_readers_free(GasketReaders *readers);

/* For tests: that every entry is listed once, under its neighbour. own, other, rows and layout as
 * for gasket_readers_new. O(E). */
bool gasket_readers_check(const GasketReaders *readers, const GasketPartKind *own,
                          const GasketPartKind *other, const GasketPartRows *rows,
                          const GasketLayout *layout, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketReaders, gasket_readers_free)

#endif
