/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks, segment-major storage and readers of the rows of random parts, against brute force. */
#include "tests/cut_graph.h"

#include "engine/layout.h"

/* Calls body for every row set with uniform columns of every part of random graphs. */
typedef void (*RowsTest)(const GasketPart *part, const GasketPartRelation *relation,
                         GasketDirection direction);

static void
for_all_rows(RowsTest body)
{
    static const unsigned sizes[] = {1, 2, 5};
    for (uint64_t seed = 0; seed < 4; seed++) {
        g_autoptr(GasketGraph) graph = cut_random_graph(seed);
        for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
            g_auto(GStrv) owner = (GStrv)cut_random_owners(graph, sizes[i], seed + i);
            GasketPart *part[5];
            cut_graph(graph, (uint32_t **)owner, sizes[i], part);
            for (unsigned p = 0; p < sizes[i]; p++) {
                for (unsigned r = 0; r < part[p]->n_relations; r++)
                    for (unsigned d = 0; d < 2; d++)
                        if (part[p]->relations[r].rows[d].standing)
                            body(part[p], &part[p]->relations[r], (GasketDirection)d);
                gasket_part_free(part[p]);
            }
        }
    }
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static void
assert_chunks(const GasketPart *part, const GasketPartRelation *relation, GasketDirection direction)
{
    const GasketPartKind *own = &part->kinds[gasket_part_row_kind(relation, direction)];
    const GasketPartRows *sets[] = {&relation->rows[direction], &relation->rows[direction]};
    for (unsigned n_sets = 0; n_sets <= 2; n_sets++) {
        for (uint64_t work = 1; work <= 100000; work *= 10) {
            GasketChunks *chunks = gasket_chunks_new(own, sets, n_sets, work, NULL);
            g_autoptr(GError) error = NULL;
            ck_assert(gasket_chunks_check(chunks, own, &error));
            ck_assert_no_error(error);
            chunks->begin[chunks->n]++;
            ck_assert(!gasket_chunks_check(chunks, own, NULL));
            chunks->begin[chunks->n]--;
            if (chunks->n > 1) {
                chunks->begin[1]++;
                ck_assert(!gasket_chunks_check(chunks, own, NULL));
            }
            gasket_chunks_free(chunks);
        }
    }
}

START_TEST(chunks_cover_the_rows_and_share_no_word_of_a_set)
{
    for_all_rows(assert_chunks);
}
END_TEST

/* ---- readers --------------------------------------------------------------------------------- */

static int
compare_pairs(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Each entry is listed once, under its neighbour, with its row and where it stands. row_of: by
 * place of the entry. */
static void
assert_readers(const GasketReaders *readers, const GasketPartRows *rows, uint32_t n_local,
               const uint32_t *row_of)
{
    g_autofree uint64_t *found = g_new(uint64_t, rows->n_entries + 1);
    ck_assert_uint_eq(readers->begin[0], 0);
    ck_assert_uint_eq(readers->begin[n_local], rows->n_entries);
    for (uint32_t u = 0; u < n_local; u++) {
        for (uint64_t i = readers->begin[u]; i < readers->begin[u + 1]; i++) {
            uint32_t e = readers->entry[i];
            ck_assert_uint_lt(e, rows->n_entries);
            ck_assert_uint_eq(rows->neighbour[e], u);
            ck_assert_uint_eq(readers->row[i], row_of[e]);
            found[i] = e;
        }
    }
    qsort(found, rows->n_entries, sizeof *found, compare_pairs);
    for (uint64_t e = 0; e < rows->n_entries; e++)
        ck_assert_uint_eq(found[e], e);
}

/* The row of each entry, by place in the layout. Free with g_free. */
static uint32_t *
rows_of_entries(const GasketPartRows *rows, uint32_t n_owned, const GasketLayout *layout)
{
    uint32_t *row_of = g_new(uint32_t, rows->n_entries + 1);
    if (layout == NULL) {
        for (uint32_t v = 0; v < n_owned; v++)
            for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++)
                row_of[e] = v;
        return row_of;
    }
    uint64_t n = layout->piece_first[(size_t)layout->chunks->n * layout->n_segments];
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t e = layout->begin[i]; e < layout->begin[i + 1]; e++)
            row_of[e] = layout->row[i];
    return row_of;
}

static void
check_readers(const GasketPart *part, const GasketPartRelation *relation, GasketDirection direction,
              const GasketLayout *layout)
{
    const GasketPartKind *own = &part->kinds[gasket_part_row_kind(relation, direction)];
    const GasketPartKind *other = &part->kinds[gasket_part_neighbour_kind(relation, direction)];
    const GasketPartRows *rows = &relation->rows[direction];
    g_autofree uint32_t *row_of = rows_of_entries(rows, own->n_owned, layout);
    g_autoptr(GasketReaders) readers = gasket_readers_new(own, other, rows, layout, true, NULL);
    g_autoptr(GasketReaders) without = gasket_readers_new(own, other, rows, layout, false, NULL);
    assert_readers(readers, rows, other->n_local, row_of);
    ck_assert(gasket_readers_check(readers, own, other, rows, layout, NULL));
    ck_assert(gasket_readers_check(without, own, other, rows, layout, NULL));
    if (rows->n_entries > 0) {
        without->row[rows->n_entries - 1]++;
        ck_assert(!gasket_readers_check(without, own, other, rows, layout, NULL));
        without->row[rows->n_entries - 1]--;
    }
    ck_assert_ptr_null(without->entry);
    ck_assert_mem_eq(without->row, readers->row, rows->n_entries * sizeof *readers->row);
    for (uint64_t nth = 1;; nth++) {
        g_autoptr(GError) error = NULL;
        gasket_array_fail_at(nth);
        g_autoptr(GasketReaders) failed =
            gasket_readers_new(own, other, rows, layout, true, &error);
        gasket_array_fail_at(0);
        if (failed != NULL)
            break;
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
    }
}

static void
assert_row_major_readers(const GasketPart *part, const GasketPartRelation *relation,
                         GasketDirection direction)
{
    check_readers(part, relation, direction, NULL);
}

START_TEST(readers_list_every_entry_under_its_neighbour)
{
    for_all_rows(assert_row_major_readers);
}
END_TEST

/* ---- layouts --------------------------------------------------------------------------------- */

typedef struct {
    uint32_t *neighbour;
    uint8_t *column; /* NULL: there is none */
    size_t size;     /* of the column's value */
} Copy;

static Copy
copy_rows(const GasketPartRows *rows, unsigned n_columns)
{
    Copy copy = {.neighbour = g_memdup2(rows->neighbour, MAX(rows->n_entries * 4, 1))};
    if (n_columns > 0) {
        copy.size = gasket_type_size(rows->columns[0].type) * rows->columns[0].length;
        copy.column = g_memdup2(rows->columns[0].data, MAX(rows->n_entries * copy.size, 1));
    }
    return copy;
}

static void
assert_as_copied(const GasketPartRows *rows, const Copy *copy)
{
    ck_assert_mem_eq(rows->neighbour, copy->neighbour, rows->n_entries * 4);
    if (copy->column != NULL)
        ck_assert_mem_eq(rows->columns[0].data, copy->column, rows->n_entries * copy->size);
}

/* The pieces of each row, in order of segments, are the row; and so are those of the columns. */
static void
assert_pieces_are_rows(const GasketLayout *layout, const GasketPartRows *rows, uint32_t n_owned,
                       const Copy *copy)
{
    g_autofree uint64_t *at = g_memdup2(rows->offset, (n_owned + 1) * sizeof *at);
    uint64_t n = layout->piece_first[(size_t)layout->chunks->n * layout->n_segments];
    for (uint64_t i = 0; i < n; i++) {
        for (uint64_t e = layout->begin[i]; e < layout->begin[i + 1]; e++) {
            uint64_t x = at[layout->row[i]]++;
            ck_assert_uint_lt(x, rows->offset[layout->row[i] + 1]);
            ck_assert_uint_eq(rows->neighbour[e], copy->neighbour[x]);
            if (copy->column != NULL)
                ck_assert_mem_eq((const uint8_t *)rows->columns[0].data + e * copy->size,
                                 copy->column + x * copy->size, copy->size);
        }
    }
    for (uint32_t v = 0; v < n_owned; v++)
        ck_assert_uint_eq(at[v], rows->offset[v + 1]);
}

/* Every allocation in turn fails, and the rows stay as they were. */
static void
assert_failures_change_nothing(const GasketPartKind *own, const GasketPartKind *other,
                               GasketPartRows *rows, unsigned n_columns, const uint32_t *border,
                               unsigned n_segments, const Copy *copy)
{
    for (uint64_t nth = 1;; nth++) {
        g_autoptr(GError) error = NULL;
        gasket_array_fail_at(nth);
        g_autoptr(GasketLayout) failed =
            gasket_layout_new(own, other, rows, n_columns, border, n_segments, 100, 1, &error);
        gasket_array_fail_at(0);
        if (failed != NULL) {
            ck_assert(gasket_layout_restore(failed, rows, n_columns, NULL));
            break;
        }
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
        assert_as_copied(rows, copy);
    }
    assert_as_copied(rows, copy);
}

static void
assert_layouts(const GasketPart *part, const GasketPartRelation *relation,
               GasketDirection direction)
{
    static const uint32_t sizes[] = {1, 7, 1 << 10, 1 << 17};
    const GasketPartKind *own = &part->kinds[gasket_part_row_kind(relation, direction)];
    const GasketPartKind *other = &part->kinds[gasket_part_neighbour_kind(relation, direction)];
    GasketPartRows *rows = (GasketPartRows *)&relation->rows[direction];
    bool uniform = relation->n_columns == 0 || rows->columns[0].begin == NULL;
    unsigned n_columns = uniform ? relation->n_columns : 0;
    Copy copy = copy_rows(rows, n_columns);

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        unsigned n_segments;
        g_autoptr(GError) error = NULL;
        uint32_t *border = gasket_segments_new(other, sizes[i], &n_segments, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(border[0], 0);
        ck_assert_uint_eq(border[n_segments], other->n_global);
        for (unsigned s = 0; s < n_segments; s++) {
            uint32_t within = 0;
            for (uint32_t v = 0; v < other->n_local; v++)
                within += other->number[v] >= border[s] && other->number[v] < border[s + 1];
            ck_assert_uint_le(within, sizes[i]);
        }
        GasketLayout *layout = gasket_layout_new(own, other, rows, n_columns, border, n_segments,
                                                 i % 2 ? 1 : 1000, 1 + i, &error);
        ck_assert_no_error(error);
        ck_assert_msg(gasket_layout_check(layout, own, other, rows, border, &error), "%s",
                      error ? error->message : "");
        assert_pieces_are_rows(layout, rows, own->n_owned, &copy);
        check_readers(part, relation, direction, layout);
        ck_assert(gasket_layout_restore(layout, rows, n_columns, &error));
        gasket_layout_free(layout);
        assert_as_copied(rows, &copy);
        assert_failures_change_nothing(own, other, rows, n_columns, border, n_segments, &copy);
        gasket_array_free(border);
    }
    g_free(copy.neighbour);
    g_free(copy.column);
}

START_TEST(pieces_are_the_rows_and_restoring_gives_the_same_bytes)
{
    for_all_rows(assert_layouts);
}
END_TEST

/* A row's entry moved to another segment, and a piece given to another row, are found. */
static void
assert_breaks_are_found(const GasketPart *part, const GasketPartRelation *relation,
                        GasketDirection direction)
{
    const GasketPartKind *own = &part->kinds[gasket_part_row_kind(relation, direction)];
    const GasketPartKind *other = &part->kinds[gasket_part_neighbour_kind(relation, direction)];
    GasketPartRows *rows = (GasketPartRows *)&relation->rows[direction];
    unsigned n_segments;
    uint32_t *border = gasket_segments_new(other, 3, &n_segments, NULL);
    g_autoptr(GasketLayout) layout =
        gasket_layout_new(own, other, rows, 0, border, n_segments, 1000, 1, NULL);
    if (n_segments >= 2 && rows->n_entries > 0) {
        uint32_t kept = rows->neighbour[0], v = 0;
        bool in_first = other->number[kept] < border[1];
        while ((other->number[v] < border[1]) == in_first)
            v++;
        rows->neighbour[0] = v;
        ck_assert(!gasket_layout_check(layout, own, other, rows, border, NULL));
        rows->neighbour[0] = kept;
        layout->row[0] += own->n_owned;
        ck_assert(!gasket_layout_check(layout, own, other, rows, border, NULL));
        layout->row[0] -= own->n_owned;
    }
    ck_assert(gasket_layout_check(layout, own, other, rows, border, NULL));
    ck_assert(gasket_layout_restore(layout, rows, 0, NULL));
    gasket_array_free(border);
}

START_TEST(a_broken_layout_is_found)
{
    for_all_rows(assert_breaks_are_found);
}
END_TEST

int
main(void)
{
    TCase *layout = tcase_create("layout");
    tcase_set_timeout(layout, 120);
    tcase_add_test(layout, chunks_cover_the_rows_and_share_no_word_of_a_set);
    tcase_add_test(layout, readers_list_every_entry_under_its_neighbour);
    tcase_add_test(layout, pieces_are_the_rows_and_restoring_gives_the_same_bytes);
    tcase_add_test(layout, a_broken_layout_is_found);
    TCase *cases[] = {layout};
    return check_run("layout", cases, G_N_ELEMENTS(cases));
}
