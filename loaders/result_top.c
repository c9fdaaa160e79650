/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that a summary shows; see result_top.h.
 *
 * Invariants:
 *   1. heap[0 .. n - 1] is a heap by `worse`: no row is worse than its parent.
 *   2. With a rank column no row outside beats heap[0]; without one the heap is unused order: the
 *      first k rows.
 */
#include "loaders/result_top.h"

#include <math.h>
#include <stdlib.h>

#include "loaders/result_row.h"

typedef struct {
    double value;
    uint64_t row; /* position by id */
    char *text;
} Entry;

struct GasketResultTop {
    GasketResultColumn *columns; /* [n_columns] */
    GasketResultRow row;
    int rank; /* column, or -1 */
    unsigned k, n;
    uint64_t n_rows;
    Entry *heap; /* [k] */
};

GasketResultTop *
gasket_result_top_new(unsigned k, const GasketResultColumn *columns, unsigned n_columns,
                      const char *id_name, const char *index_name)
{
    g_assert(k > 0);
    GasketResultTop *top = g_new0(GasketResultTop, 1);

    top->columns = g_memdup2(columns, n_columns * sizeof *columns);
    top->k = k;
    top->heap = g_new0(Entry, k);
    top->rank = -1;
    for (unsigned c = n_columns; c-- > 0;)
        if (columns[c].rank && !columns[c].varying && columns[c].type != GASKET_VERTEX)
            top->rank = (int)c;
    gasket_result_row_init(&top->row, GASKET_ROW_TSV, id_name, index_name, top->columns, n_columns);
    return top;
}

static bool
worse(const Entry *a, const Entry *b)
{
    return a->value < b->value || (a->value == b->value && a->row > b->row);
}

static void
swap(Entry *a, Entry *b)
{
    Entry entry = *a;
    *a = *b;
    *b = entry;
}

static void
sift_down(GasketResultTop *top)
{
    for (unsigned i = 0, child; (child = 2 * i + 1) < top->n; i = child) {
        if (child + 1 < top->n && worse(&top->heap[child + 1], &top->heap[child]))
            child++;
        if (!worse(&top->heap[child], &top->heap[i]))
            return;
        swap(&top->heap[child], &top->heap[i]);
    }
}

static void
sift_up(GasketResultTop *top)
{
    for (unsigned i = top->n - 1; i > 0 && worse(&top->heap[i], &top->heap[(i - 1) / 2]);
         i = (i - 1) / 2)
        swap(&top->heap[i], &top->heap[(i - 1) / 2]);
}

static char *
text_of(const GasketResultTop *top, const GasketResultBlock *block, size_t i)
{
    GString *text = g_string_new(NULL);
    gasket_result_row_append(&top->row, block, i, text);
    return g_string_free(text, FALSE);
}

void
gasket_result_top_add(GasketResultTop *top, const GasketResultBlock *block)
{
    const GasketResultColumn *column = top->rank >= 0 ? &top->columns[top->rank] : NULL;
    size_t length = column != NULL ? gasket_result_length(column) : 1;

    for (size_t i = 0; i < block->n; i++) {
        Entry entry = {.row = top->n_rows++};
        if (column != NULL)
            entry.value = gasket_result_element(column, block->columns[top->rank], i * length);
        if (isnan(entry.value))
            continue;
        if (top->n < top->k) {
            entry.text = text_of(top, block, i);
            top->heap[top->n++] = entry;
            sift_up(top);
        } else if (worse(&top->heap[0], &entry)) {
            entry.text = text_of(top, block, i);
            g_free(top->heap[0].text);
            top->heap[0] = entry;
            sift_down(top);
        } else if (column == NULL) {
            top->n_rows += block->n - i - 1;
            return;
        }
    }
}

static int
compare(const void *a, const void *b)
{
    return worse(b, a) ? -1 : 1;
}

void
gasket_result_top_append(GasketResultTop *top, bool header, GString *out)
{
    if (header)
        gasket_result_row_append_header(&top->row, out);
    /* Sorted from best to worst; a heap needs the opposite, so it is turned round afterwards. */
    qsort(top->heap, top->n, sizeof *top->heap, compare);
    for (unsigned i = 0; i < top->n; i++)
        g_string_append(out, top->heap[i].text);
    for (unsigned i = 0; i < top->n / 2; i++)
        swap(&top->heap[i], &top->heap[top->n - 1 - i]);
}

const char *
gasket_result_top_ranked_by(const GasketResultTop *top)
{
    return top->rank >= 0 ? top->columns[top->rank].name : NULL;
}

uint64_t
gasket_result_top_n_rows(const GasketResultTop *top)
{
    return top->n_rows;
}

unsigned
gasket_result_top_n_shown(const GasketResultTop *top)
{
    return top->n;
}

void
gasket_result_top_free(GasketResultTop *top)
{
    if (top == NULL)
        return;
    for (unsigned i = 0; i < top->n; i++)
        g_free(top->heap[i].text);
    g_free(top->heap);
    gasket_result_row_clear(&top->row);
    g_free(top->columns);
    g_free(top);
}
