/* SPDX-License-Identifier: Apache-2.0 */
/* Parts: cut, sent and subscribed, against a cut by brute force; and what the check finds. */
#include "tests/cut_graph.h"

typedef struct {
    const GasketGraph *graph;
    uint32_t **owner;
    unsigned size, rank;
    const GasketPart *part;
} Expected;

static bool
is_owned(const Expected *x, unsigned kind, uint32_t v, unsigned rank)
{
    return x->owner[kind][v] == rank;
}

/* Whether some row of a rank names a vertex. */
static bool
is_read(const Expected *x, unsigned kind, uint32_t u, unsigned rank)
{
    for (unsigned r = 0; r < x->graph->n_relations; r++) {
        const GasketGraphRelation *relation = &x->graph->relations[r];
        for (unsigned d = 0; d < 2; d++) {
            const GasketGraphRows *rows = &relation->rows[d];
            unsigned own = d == GASKET_IN ? relation->target : relation->source;
            unsigned other = d == GASKET_IN ? relation->source : relation->target;
            if (rows->offset == NULL || other != kind)
                continue;
            for (uint32_t v = 0; v < rows->n_rows; v++)
                for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++)
                    if (rows->neighbour[e] == u && is_owned(x, own, v, rank))
                        return true;
        }
    }
    return false;
}

/* Numbers of a kind for which a condition holds, ascending; free with g_array_unref. */
typedef bool (*Condition)(const Expected *x, unsigned kind, uint32_t v, unsigned p);

static GArray *
numbers_where(const Expected *x, unsigned kind, Condition condition, unsigned p)
{
    GArray *numbers = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (uint32_t v = 0; v < x->graph->kinds[kind].n_vertices; v++)
        if (condition(x, kind, v, p))
            g_array_append_val(numbers, v);
    return numbers;
}

static bool
is_boundary(const Expected *x, unsigned kind, uint32_t v, unsigned p)
{
    (void)p;
    for (unsigned q = 0; q < x->size; q++)
        if (q != x->rank && is_owned(x, kind, v, x->rank) && is_read(x, kind, v, q))
            return true;
    return false;
}

static bool
is_interior(const Expected *x, unsigned kind, uint32_t v, unsigned p)
{
    return is_owned(x, kind, v, x->rank) && !is_boundary(x, kind, v, p);
}

static bool
is_ghost_of(const Expected *x, unsigned kind, uint32_t v, unsigned p)
{
    return p != x->rank && is_owned(x, kind, v, p) && is_read(x, kind, v, x->rank);
}

static bool
is_sent_to(const Expected *x, unsigned kind, uint32_t v, unsigned p)
{
    return p != x->rank && is_owned(x, kind, v, x->rank) && is_read(x, kind, v, p);
}

static void
assert_numbers(const uint32_t *found, uint64_t n, GArray *expected)
{
    ck_assert_uint_eq(n, expected->len);
    if (n > 0)
        ck_assert_mem_eq(found, expected->data, n * sizeof *found);
    g_array_unref(expected);
}

/* A column's value for a thing of the part is that of a thing of the graph. */
static void
assert_value(const GasketColumnData *found, uint64_t i, const GasketColumnData *expected,
             uint64_t x)
{
    size_t size = gasket_type_size(expected->type);
    ck_assert_str_eq(found->name, expected->name);
    ck_assert_int_eq(found->type, expected->type);
    ck_assert_uint_eq(found->length, expected->length);
    uint64_t a = found->begin ? found->begin[i] : i * found->length;
    uint64_t n = found->begin ? found->begin[i + 1] - a : found->length;
    uint64_t b = expected->begin ? expected->begin[x] : x * expected->length;
    ck_assert_uint_eq(n, expected->begin ? expected->begin[x + 1] - b : expected->length);
    if (n > 0)
        ck_assert_mem_eq((const char *)found->data + a * size,
                         (const char *)expected->data + b * size, n * size);
}

static void
assert_kind(const Expected *x, unsigned k)
{
    const GasketPartKind *found = &x->part->kinds[k];
    const GasketGraphKind *kind = &x->graph->kinds[k];
    ck_assert_str_eq(found->name, kind->name);
    ck_assert_uint_eq(found->n_global, kind->n_vertices);
    assert_numbers(found->number, found->n_boundary, numbers_where(x, k, is_boundary, 0));
    assert_numbers(found->number + found->n_boundary, found->n_owned - found->n_boundary,
                   numbers_where(x, k, is_interior, 0));
    for (unsigned p = 0; p < x->size; p++) {
        uint32_t begin = found->ghost_begin[p];
        assert_numbers(found->number + begin, found->ghost_begin[p + 1] - begin,
                       numbers_where(x, k, is_ghost_of, p));
        for (uint32_t g = begin; g < found->ghost_begin[p + 1]; g++)
            ck_assert_uint_eq(gasket_part_owner(x->part, k, g), p);
        GArray *sent = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        for (uint64_t i = found->send_begin[p]; i < found->send_begin[p + 1]; i++)
            g_array_append_val(sent, found->number[found->send[i]]);
        GArray *expected = numbers_where(x, k, is_sent_to, p);
        assert_numbers((const uint32_t *)(const void *)sent->data, sent->len, expected);
        g_array_unref(sent);
    }
    ck_assert_uint_eq(found->n_columns, kind->n_columns);
    ck_assert_uint_eq(found->ids.n, found->n_owned);
    for (uint32_t v = 0; v < found->n_owned; v++) {
        uint32_t number = found->number[v];
        g_autoptr(GString) a = g_string_new(NULL);
        g_autoptr(GString) b = g_string_new(NULL);
        gasket_ids_append(&found->ids, v, a);
        gasket_ids_append(&kind->ids, number, b);
        ck_assert_str_eq(a->str, b->str);
        ck_assert_uint_eq(found->ordinal[v], kind->ordinal ? kind->ordinal[number] : number);
        for (unsigned c = 0; c < kind->n_columns; c++)
            assert_value(&found->columns[c], v, &kind->columns[c], number);
        ck_assert_uint_eq(gasket_part_owner(x->part, k, v), x->rank);
    }
}

static void
assert_rows(const Expected *x, unsigned r, unsigned d)
{
    const GasketPartRelation *relation = &x->part->relations[r];
    const GasketPartRows *found = &relation->rows[d];
    const GasketGraphRows *rows = &x->graph->relations[r].rows[d];
    ck_assert_int_eq(found->standing, rows->offset != NULL);
    if (!found->standing)
        return;
    const GasketPartKind *own = &x->part->kinds[gasket_part_row_kind(relation, d)];
    const GasketPartKind *other = &x->part->kinds[gasket_part_neighbour_kind(relation, d)];
    uint64_t n = 0;
    for (uint32_t v = 0; v < own->n_owned; v++) {
        uint64_t e = rows->offset[own->number[v]], end = rows->offset[own->number[v] + 1];
        ck_assert_uint_eq(found->offset[v], n);
        for (; e < end; e++, n++) {
            ck_assert_uint_eq(other->number[found->neighbour[n]], rows->neighbour[e]);
            for (unsigned c = 0; c < relation->n_columns; c++)
                assert_value(&found->columns[c], n, &rows->columns[c], e);
        }
    }
    ck_assert_uint_eq(found->offset[own->n_owned], n);
    ck_assert_uint_eq(found->n_entries, n);
    ck_assert_uint_eq(relation->n_entries, rows->n_entries);
}

static void
assert_degrees(const Expected *x, unsigned r)
{
    const GasketPartRelation *relation = &x->part->relations[r];
    const GasketPartKind *target = &x->part->kinds[relation->target];
    const GasketPartKind *source = &x->part->kinds[relation->source];
    uint32_t *in = gasket_graph_degrees(x->graph, r, GASKET_IN, NULL);
    uint32_t *out = gasket_graph_degrees(x->graph, r, GASKET_OUT, NULL);
    for (uint32_t v = 0; v < target->n_owned; v++)
        ck_assert_uint_eq(relation->in_degree[v], in[target->number[v]]);
    for (uint32_t v = 0; v < source->n_owned; v++)
        ck_assert_uint_eq(relation->out_degree[v], out[source->number[v]]);
    gasket_array_free(in);
    gasket_array_free(out);
    ck_assert_int_eq(relation->out_strength != NULL, r == 0);
    if (relation->out_strength == NULL)
        return;
    double *strength = gasket_graph_out_strengths(x->graph, r, NULL);
    for (uint32_t v = 0; v < source->n_owned; v++)
        ck_assert(relation->out_strength[v] == strength[source->number[v]]);
    gasket_array_free(strength);
}

static void
assert_part(const Expected *x)
{
    g_autoptr(GError) error = NULL;
    ck_assert_msg(gasket_part_check(x->part, &error), "%s", error ? error->message : "");
    for (unsigned k = 0; k < x->graph->n_kinds; k++)
        assert_kind(x, k);
    for (unsigned r = 0; r < x->graph->n_relations; r++) {
        const GasketPartRelation *found = &x->part->relations[r];
        const GasketGraphRelation *relation = &x->graph->relations[r];
        ck_assert_str_eq(found->name, relation->name);
        ck_assert(found->source == relation->source && found->target == relation->target &&
                  found->symmetric == relation->symmetric && found->n_edges == relation->n_edges);
        assert_rows(x, r, GASKET_IN);
        assert_rows(x, r, GASKET_OUT);
        assert_degrees(x, r);
    }
}

START_TEST(parts_are_those_of_a_cut_by_brute_force)
{
    static const unsigned sizes[] = {1, 2, 3, 7};
    for (uint64_t seed = 0; seed < 8; seed++) {
        g_autoptr(GasketGraph) graph = cut_random_graph(seed);
        for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
            unsigned size = sizes[i];
            g_auto(GStrv) owner = (GStrv)cut_random_owners(graph, size, seed + i);
            GasketPart *part[7];
            cut_graph(graph, (uint32_t **)owner, size, part);
            for (unsigned p = 0; p < size; p++) {
                const Expected x = {graph, (uint32_t **)owner, size, p, part[p]};
                assert_part(&x);
                gasket_part_free(part[p]);
            }
        }
    }
}
END_TEST

START_TEST(a_whole_graph_is_a_part_without_ghosts)
{
    static const GasketPartExtras extras[CUT_RELATIONS] = {{true, true},
                                                           {true, false},
                                                           {true, false}};
    g_autoptr(GasketGraph) graph = cut_random_graph(1);
    GasketGraph *used = cut_random_graph(1);
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketPart) part = gasket_part_take_whole(&used, extras, &error);
    ck_assert_no_error(error);
    ck_assert_ptr_null(used);
    GasketExchange *exchange = gasket_exchange_new(NULL, 0, 1);
    ck_assert(gasket_part_subscribe(part, exchange, &error));
    gasket_exchange_free(exchange);
    uint32_t *zeros[] = {g_new0(uint32_t, graph->kinds[0].n_vertices + 1),
                         g_new0(uint32_t, graph->kinds[1].n_vertices + 1)};
    const Expected x = {graph, zeros, 1, 0, part};
    assert_part(&x);
    g_free(zeros[0]);
    g_free(zeros[1]);
}
END_TEST

/* Puts a value somewhere, expects the check to fail, and puts the old one back. */
#define ASSERT_FOUND(part, place, value)                                                           \
    do {                                                                                           \
        __typeof__(place) kept = (place);                                                          \
        (place) = (value);                                                                         \
        g_autoptr(GError) found = NULL;                                                            \
        ck_assert_msg(!gasket_part_check(part, &found), "%s = %s was not found", #place, #value);  \
        ck_assert(g_error_matches(found, GASKET_ERROR, GASKET_ERROR_FAILED));                      \
        (place) = kept;                                                                            \
    } while (0)

static void
assert_breaks_are_found(GasketPart *part)
{
    GasketPartKind *kind = &part->kinds[0];
    unsigned other = part->rank == 0 ? 1 : 0;
    ASSERT_FOUND(part, kind->n_boundary, kind->n_owned + 1);
    ASSERT_FOUND(part, kind->n_owned, kind->n_local + 1);
    ASSERT_FOUND(part, kind->number[1], kind->number[0]);
    ASSERT_FOUND(part, kind->number[kind->n_boundary + 1], kind->number[kind->n_boundary]);
    ASSERT_FOUND(part, kind->number[kind->n_owned + 1], kind->number[kind->n_owned]);
    ASSERT_FOUND(part, kind->number[kind->n_local - 1], kind->n_global);
    ASSERT_FOUND(part, kind->ghost_begin[0], kind->n_owned - 1);
    ASSERT_FOUND(part, kind->ghost_begin[part->size], kind->n_local - 1);
    ASSERT_FOUND(part, kind->ghost_begin[1], kind->n_local + 1000000);
    ASSERT_FOUND(part, kind->ghost_begin[part->rank + 1], kind->ghost_begin[part->rank] + 1);
    ASSERT_FOUND(part, kind->send[kind->send_begin[other]], kind->n_boundary);
    ASSERT_FOUND(part, kind->send[kind->send_begin[other] + 1],
                 kind->send[kind->send_begin[other]]);
    ASSERT_FOUND(part, kind->send_begin[0], 1);
    ASSERT_FOUND(part, kind->send_begin[other + 1], kind->send_begin[other]);

    GasketPartRows *rows = &part->relations[2].rows[GASKET_IN];
    uint32_t v = 0;
    while (rows->offset[v + 1] - rows->offset[v] < 2 ||
           rows->neighbour[rows->offset[v]] == rows->neighbour[rows->offset[v + 1] - 1])
        v++;
    uint64_t e = rows->offset[v];
    ASSERT_FOUND(part, rows->offset[0], 1);
    ASSERT_FOUND(part, rows->offset[v + 1], UINT64_MAX / 2);
    ASSERT_FOUND(part, rows->n_entries, rows->n_entries + 1);
    ASSERT_FOUND(part, rows->neighbour[e], kind->n_local);
    /* The first and the last entry of the row change places. */
    uint32_t *first = &rows->neighbour[e], *last = &rows->neighbour[rows->offset[v + 1] - 1];
    uint32_t old = *first;
    *first = *last;
    ASSERT_FOUND(part, *last, old);
    *first = old;
    ck_assert(gasket_part_check(part, NULL));
}

/* Whether a part has two at least of everything. */
static bool
is_rich(const GasketPartKind *kind)
{
    return kind->n_boundary >= 2 && kind->n_owned >= kind->n_boundary + 2 &&
           kind->n_local >= kind->n_owned + 2;
}

START_TEST(every_broken_invariant_is_found)
{
    unsigned n_rich = 0;
    for (uint64_t seed = 0; seed < 20; seed += 2) {
        g_autoptr(GasketGraph) graph = cut_random_graph(seed);
        GasketPart *part[2];
        g_auto(GStrv) owner = (GStrv)cut_random_owners(graph, 2, seed);
        cut_graph(graph, (uint32_t **)owner, 2, part);
        for (unsigned p = 0; p < 2; p++) {
            if (is_rich(&part[p]->kinds[0])) {
                assert_breaks_are_found(part[p]);
                n_rich++;
            }
            gasket_part_free(part[p]);
        }
    }
    ck_assert_uint_ge(n_rich, 2);
}
END_TEST

int
main(void)
{
    TCase *cut = tcase_create("cut");
    tcase_set_timeout(cut, 120);
    tcase_add_test(cut, parts_are_those_of_a_cut_by_brute_force);
    tcase_add_test(cut, a_whole_graph_is_a_part_without_ghosts);
    tcase_add_test(cut, every_broken_invariant_is_found);
    TCase *cases[] = {cut};
    return check_run("part", cases, G_N_ELEMENTS(cases));
}
