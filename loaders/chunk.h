/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing in parallel: blocks of whole lines, handed to threads in turn.
 *
 *           ┌─ lock ─────────────────────────┐
 *   input ──│ rest of the last block │ read  │── cut at the last newline ──> parse (no lock)
 *           └────────────────────────────────┘         the piece behind it waits for the next
 *
 * The thread that holds the lock reads (and decompresses) the next block while the others parse,
 * so reading overlaps parsing and one block a thread is in flight.
 *
 * Invariants:
 *   1. Blocks are numbered in the order of the file, and every block before a taken one was taken.
 *   2. An error is that of the lowest block that has one: lower blocks are finished before it is
 *      reported, higher ones are not begun once it is known.
 *   3. Line numbers are exact: the lines of all lower blocks are added when the error is reported.
 *   4. What shows only across blocks is checked in the order of the file (`check`), so that 2 holds
 *      for it too.
 *
 * Cost: one copy of the text, nothing a line.
 */
#ifndef GASKET_LOADERS_CHUNK_H
#define GASKET_LOADERS_CHUNK_H

#include "loaders/input.h"

typedef struct {
    char *text;     /* whole lines; 16 bytes behind them may be read */
    size_t size;    /* the last byte is a newline (of records: a multiple of their size) */
    uint64_t first; /* what the job's count has counted in all blocks before */
} GasketBlock;

#define GASKET_BLOCK_MARKS 8

typedef struct {
    uint64_t lines; /* in the block; in failure: those before the one that is wrong */
    uint64_t edges;
    uint64_t mark[GASKET_BLOCK_MARKS]; /* the format's own */
} GasketBlockResult;

typedef struct {
    size_t block_size; /* bytes to read at once */
    size_t max_line;   /* a longer line is a FORMAT error */
    size_t record;     /* bytes of a record, for formats without lines; else 0 */

    /* Counts what GasketBlock.first is to number; called in the order of the file. NULL: none. */
    uint64_t (*count)(void *data, const char *text, size_t size);

    /* Parses one block on a thread (0 .. threads - 1). FORMAT errors without `NAME:LINE: `. */
    bool (*parse)(void *data, unsigned thread, GasketBlock *block, GasketBlockResult *result,
                  GError **error);

    /* Finds what shows only across blocks, in the n results before and at the first error (or
     * all); in failure ret_line counts the lines before the one that is wrong. May be NULL. */
    bool (*check)(void *data, const GasketBlockResult *results, size_t n, uint64_t *ret_line,
                  GError **error);

    /* After each block, by one thread at a time: edges of all blocks so far. May be NULL. */
    void (*progress)(void *progress_data, uint64_t edges);
    void *progress_data;
    void *data; /* the format's, for the others */
} GasketChunkJob;

/* Parses the rest of input; its lines and edges. */
bool gasket_chunks_parse(GasketInput *input, const GasketChunkJob *job, unsigned threads,
                         uint64_t *ret_lines, uint64_t *ret_edges, GError **error);

#endif
