/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks of rows of about equal work. See layout.h. */
#include "engine/array.h"
#include "engine/layout.h"

/* What a row costs beside its entries, in entries. */
#define ROW_WORK 8

static uint64_t
row_work(const GasketPartRows *const *rows, unsigned n_sets, uint32_t v)
{
    uint64_t work = ROW_WORK;
    for (unsigned s = 0; s < n_sets; s++)
        work += rows[s]->offset[v + 1] - rows[s]->offset[v];
    return work;
}

/* Cuts rows first .. end - 1; appends the begin of each chunk to begin from *n on. */
static void
cut(const GasketPartRows *const *rows, unsigned n_sets, uint32_t first, uint32_t end,
    uint64_t work_per_chunk, uint32_t *begin, unsigned *n)
{
    uint64_t work = 0;

    for (uint32_t v = first; v < end; v++) {
        if (v == first || (work >= work_per_chunk && v % 64 == 0)) {
            begin[(*n)++] = v;
            work = 0;
        }
        work += row_work(rows, n_sets, v);
    }
}

GasketChunks *
gasket_chunks_new(const GasketPartKind *kind, const GasketPartRows *const *rows, unsigned n_sets,
                  uint64_t work_per_chunk, GError **error)
{
    uint64_t room = (uint64_t)kind->n_owned / 64 + 4;
    GasketChunks *chunks = g_new0(GasketChunks, 1);

    chunks->begin = gasket_array_new(room, sizeof *chunks->begin, error);
    if (chunks->begin == NULL) {
        g_free(chunks);
        return NULL;
    }
    uint32_t boundary = (uint32_t)MIN(((uint64_t)kind->n_boundary + 63) / 64 * 64, kind->n_owned);
    cut(rows, n_sets, 0, boundary, work_per_chunk, chunks->begin, &chunks->n);
    chunks->n_boundary = chunks->n;
    cut(rows, n_sets, boundary, kind->n_owned, work_per_chunk, chunks->begin, &chunks->n);
    chunks->begin[chunks->n] = kind->n_owned;
    return chunks;
}

void
gasket_chunks_free(GasketChunks *chunks)
{
    if (chunks == NULL)
        return;
    gasket_array_free(chunks->begin);
    g_free(chunks);
}

bool
gasket_chunks_check(const GasketChunks *chunks, const GasketPartKind *kind, GError **error)
{
    const uint32_t *begin = chunks->begin;
    uint32_t edge = chunks->n_boundary == 0 ? 0 : begin[chunks->n_boundary];
    bool good = begin[chunks->n] == kind->n_owned && (chunks->n == 0 || begin[0] == 0);

    for (unsigned c = 0; good && c < chunks->n; c++)
        good = begin[c] % 64 == 0 && begin[c] < begin[c + 1];
    if (!good)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "chunks do not cover the rows");
    else if (edge < kind->n_boundary || edge - kind->n_boundary >= 64)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "boundary rows end at %u, their chunks at %u", kind->n_boundary, edge);
    else
        return true;
    return false;
}
