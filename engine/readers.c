/* SPDX-License-Identifier: Apache-2.0 */
/* The local transpose: which rows name a vertex. A counting sort of the entries by neighbour. */
#include "engine/array.h"
#include "engine/layout.h"

typedef struct {
    GasketReaders *readers;
    uint64_t *cursor; /* [n_local] */
} Filler;

static inline void
fill(Filler *filler, uint32_t row, uint32_t neighbour, uint64_t entry)
{
    uint64_t at = filler->cursor[neighbour]++;
    filler->readers->row[at] = row;
    if (filler->readers->entry != NULL)
        filler->readers->entry[at] = (uint32_t)entry;
}

static void
fill_all(Filler *filler, const GasketPartKind *own, const GasketPartRows *rows,
         const GasketLayout *layout)
{
    if (layout == NULL) {
        for (uint32_t v = 0; v < own->n_owned; v++)
            for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++)
                fill(filler, v, rows->neighbour[e], e);
        return;
    }
    uint64_t n = layout->piece_first[(size_t)layout->chunks->n * layout->n_segments];
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t e = layout->begin[i]; e < layout->begin[i + 1]; e++)
            fill(filler, layout->row[i], rows->neighbour[e], e);
}

GasketReaders *
gasket_readers_new(const GasketPartKind *own, const GasketPartKind *other,
                   const GasketPartRows *rows, const GasketLayout *layout, bool entries,
                   GError **error)
{
    if (entries && rows->n_entries > UINT32_MAX) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a worker has %" G_GUINT64_FORMAT
                    " edges, and %u is the most here: use more workers",
                    rows->n_entries, UINT32_MAX);
        return NULL;
    }
    g_autoptr(GasketReaders) readers = g_new0(GasketReaders, 1);
    readers->begin = gasket_array_new((uint64_t)other->n_local + 1, sizeof *readers->begin, error);
    if (readers->begin == NULL)
        return NULL;
    readers->row = gasket_array_new(rows->n_entries, sizeof *readers->row, error);
    if (readers->row == NULL)
        return NULL;
    if (entries) {
        readers->entry = gasket_array_new(rows->n_entries, sizeof *readers->entry, error);
        if (readers->entry == NULL)
            return NULL;
    }
    for (uint64_t e = 0; e < rows->n_entries; e++)
        readers->begin[rows->neighbour[e] + 1]++;
    for (uint32_t u = 0; u < other->n_local; u++)
        readers->begin[u + 1] += readers->begin[u];
    uint64_t *cursor = gasket_array_new(other->n_local, sizeof *cursor, error);
    if (cursor == NULL)
        return NULL;
    memcpy(cursor, readers->begin, (size_t)other->n_local * sizeof *cursor);
    Filler filler = {readers, cursor};
    fill_all(&filler, own, rows, layout);
    gasket_array_free(cursor);
    return g_steal_pointer(&readers);
}

void
gasket_readers_free(GasketReaders *readers)
{
    if (readers == NULL)
        return;
    gasket_array_free(readers->begin);
    gasket_array_free(readers->row);
    gasket_array_free(readers->entry);
    g_free(readers);
}

/* The row that each entry stands in. */
static void
list_rows(const GasketPartKind *own, const GasketPartRows *rows, const GasketLayout *layout,
          uint32_t *ret_row)
{
    if (layout == NULL) {
        for (uint32_t v = 0; v < own->n_owned; v++)
            for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++)
                ret_row[e] = v;
        return;
    }
    uint64_t n = layout->piece_first[(size_t)layout->chunks->n * layout->n_segments];
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t e = layout->begin[i]; e < layout->begin[i + 1]; e++)
            ret_row[e] = layout->row[i];
}

/* Entries of one neighbour are listed in the order in which they stand, so that the next that names
 * it is the one to compare with, whether entries are kept or not. */
bool
gasket_readers_check(const GasketReaders *readers, const GasketPartKind *own,
                     const GasketPartKind *other, const GasketPartRows *rows,
                     const GasketLayout *layout, GError **error)
{
    g_autofree uint32_t *row = g_new0(uint32_t, rows->n_entries + 1);
    g_autofree uint64_t *next = g_memdup2(readers->begin, other->n_local * sizeof *next);
    bool good = readers->begin[0] == 0 && readers->begin[other->n_local] == rows->n_entries;

    for (uint32_t u = 0; good && u < other->n_local; u++)
        good = readers->begin[u] <= readers->begin[u + 1];
    list_rows(own, rows, layout, row);
    for (uint64_t e = 0; good && e < rows->n_entries; e++) {
        uint32_t u = rows->neighbour[e];
        uint64_t i = u < other->n_local ? next[u]++ : rows->n_entries;
        good = u < other->n_local && i < readers->begin[u + 1] && readers->row[i] == row[e] &&
               (readers->entry == NULL || readers->entry[i] == e);
    }
    if (!good)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "readers are not the transpose");
    return good;
}
