/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part's life, and the part that is the whole graph. See part.h for the layout; parts of several
 * workers come over the wire (part_send.c, part_receive.c).
 */
#include "engine/part.h"

#include "engine/array.h"
#include "engine/bitset.h"

static void
part_kind_clear(GasketPartKind *kind)
{
    g_free(kind->name);
    gasket_array_free(kind->number);
    gasket_array_free(kind->ordinal);
    gasket_ids_clear(&kind->ids);
    for (unsigned c = 0; c < kind->n_columns; c++)
        gasket_column_data_clear(&kind->columns[c]);
    g_free(kind->columns);
    gasket_array_free(kind->ghost_begin);
    gasket_array_free(kind->send_begin);
    gasket_array_free(kind->send);
}

static void
part_relation_clear(GasketPartRelation *relation)
{
    for (unsigned d = 0; d < 2; d++) {
        GasketPartRows *rows = &relation->rows[d];
        gasket_array_free(rows->offset);
        gasket_array_free(rows->neighbour);
        for (unsigned c = 0; rows->columns != NULL && c < relation->n_columns; c++)
            gasket_column_data_clear(&rows->columns[c]);
        g_free(rows->columns);
    }
    g_free(relation->name);
    gasket_array_free(relation->in_degree);
    gasket_array_free(relation->out_degree);
    gasket_array_free(relation->out_strength);
}

void
gasket_part_free(GasketPart *part)
{
    if (part == NULL)
        return;
    for (unsigned k = 0; k < part->n_kinds; k++)
        part_kind_clear(&part->kinds[k]);
    for (unsigned r = 0; r < part->n_relations; r++)
        part_relation_clear(&part->relations[r]);
    g_free(part->kinds);
    g_free(part->relations);
    g_free(part);
}

static bool
take_kind(GasketPartKind *kind, GasketGraphKind *from, GError **error)
{
    uint32_t n = from->n_vertices;

    kind->name = g_strdup(from->name);
    kind->n_global = kind->n_owned = kind->n_local = n;
    kind->number = gasket_array_new(n, sizeof *kind->number, error);
    if (kind->number == NULL)
        return false;
    for (uint32_t v = 0; v < n; v++)
        kind->number[v] = v;
    if (from->ordinal != NULL) {
        kind->ordinal = g_steal_pointer(&from->ordinal);
    } else {
        kind->ordinal = gasket_array_new(n, sizeof *kind->ordinal, error);
        if (kind->ordinal == NULL)
            return false;
        memcpy(kind->ordinal, kind->number, (size_t)n * sizeof *kind->ordinal);
    }
    kind->ids = from->ids;
    from->ids = (GasketIds){0};
    kind->columns = g_steal_pointer(&from->columns);
    kind->n_columns = from->n_columns;
    from->n_columns = 0;

    kind->ghost_begin = gasket_array_new(2, sizeof *kind->ghost_begin, error);
    kind->send_begin = gasket_array_new(2, sizeof *kind->send_begin, error);
    if (kind->ghost_begin == NULL || kind->send_begin == NULL)
        return false;
    kind->ghost_begin[0] = kind->ghost_begin[1] = n;
    return true;
}

static bool
take_relation(GasketPartRelation *relation, GasketGraph *graph, unsigned r,
              const GasketPartExtras *extras, GError **error)
{
    GasketGraphRelation *from = &graph->relations[r];

    if (extras->degrees) {
        relation->in_degree = gasket_graph_degrees(graph, r, GASKET_IN, error);
        if (relation->in_degree == NULL)
            return false;
        relation->out_degree = gasket_graph_degrees(graph, r, GASKET_OUT, error);
        if (relation->out_degree == NULL)
            return false;
    }
    if (extras->strengths) {
        relation->out_strength = gasket_graph_out_strengths(graph, r, error);
        if (relation->out_strength == NULL)
            return false;
    }
    relation->name = g_strdup(from->name);
    relation->source = from->source;
    relation->target = from->target;
    relation->symmetric = from->symmetric;
    relation->n_edges = from->n_edges;
    relation->n_columns = from->n_columns;
    for (unsigned d = 0; d < 2; d++) {
        GasketGraphRows *rows = &from->rows[d];
        if (rows->offset == NULL)
            continue;
        relation->n_entries = rows->n_entries;
        relation->rows[d].standing = true;
        relation->rows[d].n_entries = rows->n_entries;
        relation->rows[d].offset = g_steal_pointer(&rows->offset);
        relation->rows[d].neighbour = g_steal_pointer(&rows->neighbour);
        relation->rows[d].columns = g_steal_pointer(&rows->columns);
    }
    return true;
}

GasketPart *
gasket_part_take_whole(GasketGraph **graph, const GasketPartExtras *extras, GError **error)
{
    g_autoptr(GasketGraph) from = g_steal_pointer(graph);
    g_autoptr(GasketPart) part = g_new0(GasketPart, 1);

    part->size = 1;
    part->n_kinds = from->n_kinds;
    part->n_relations = from->n_relations;
    part->kinds = g_new0(GasketPartKind, part->n_kinds);
    part->relations = g_new0(GasketPartRelation, part->n_relations);
    for (unsigned r = 0; r < part->n_relations; r++)
        if (!take_relation(&part->relations[r], from, r, &extras[r], error))
            return NULL;
    for (unsigned k = 0; k < part->n_kinds; k++)
        if (!take_kind(&part->kinds[k], &from->kinds[k], error))
            return NULL;
    return g_steal_pointer(&part);
}

uint32_t
gasket_part_row_of(const GasketPartRows *rows, uint32_t n_owned, uint64_t entry)
{
    uint32_t low = 0, high = n_owned;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (rows->offset[middle] <= entry)
            low = middle;
        else
            high = middle;
    }
    return low;
}

unsigned
gasket_part_owner(const GasketPart *part, unsigned kind, GasketVertex v)
{
    const GasketPartKind *k = &part->kinds[kind];

    if (v < k->n_owned)
        return part->rank;
    unsigned low = 0, high = part->size; /* ghost_begin[low] <= v < ghost_begin[high] */
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;
        if (k->ghost_begin[middle] <= v)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool
fail(GError **error, const char *what, const char *where)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "part of %s: %s", where, what);
    return false;
}

static bool
ascending(const uint32_t *x, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin + 1; i < end; i++)
        if (x[i - 1] >= x[i])
            return false;
    return true;
}

/* The lists of what is sent: ascending, of boundary vertices, each of those in one at least. */
static bool
check_send(const GasketPart *part, const GasketPartKind *kind, GError **error)
{
    uint64_t *sent = gasket_array_new(gasket_bitset_words(kind->n_boundary), sizeof *sent, error);
    const char *wrong = NULL;

    if (sent == NULL)
        return false;
    if (kind->send_begin[0] != 0)
        wrong = "lists to send do not begin at 0";
    for (unsigned p = 0; wrong == NULL && p < part->size; p++) {
        if (kind->send_begin[p] > kind->send_begin[p + 1] ||
            !ascending(kind->send, kind->send_begin[p], kind->send_begin[p + 1]))
            wrong = "vertices to send do not ascend";
        else if (p == part->rank && kind->send_begin[p] < kind->send_begin[p + 1])
            wrong = "a rank sends to itself";
        for (uint64_t i = kind->send_begin[p]; wrong == NULL && i < kind->send_begin[p + 1]; i++) {
            if (kind->send[i] >= kind->n_boundary)
                wrong = "a vertex to send is not on the boundary";
            else
                gasket_bitset_add(sent, kind->send[i]);
        }
    }
    if (wrong == NULL && gasket_bitset_count(sent, kind->n_boundary) != kind->n_boundary)
        wrong = "a boundary vertex is sent to nobody";
    gasket_array_free(sent);
    return wrong == NULL || fail(error, wrong, kind->name);
}

static bool
check_kind(const GasketPart *part, const GasketPartKind *kind, GError **error)
{
    if (kind->n_boundary > kind->n_owned || kind->n_owned > kind->n_local)
        return fail(error, "sizes are out of order", kind->name);
    if (!ascending(kind->number, 0, kind->n_boundary) ||
        !ascending(kind->number, kind->n_boundary, kind->n_owned))
        return fail(error, "owned numbers do not ascend", kind->name);
    for (uint32_t v = 0; v < kind->n_local; v++)
        if (kind->number[v] >= kind->n_global)
            return fail(error, "a number is out of range", kind->name);
    if (kind->ghost_begin[0] != kind->n_owned || kind->ghost_begin[part->size] != kind->n_local)
        return fail(error, "ghosts do not follow the owned vertices", kind->name);
    for (unsigned p = 0; p < part->size; p++) {
        if (kind->ghost_begin[p] > kind->ghost_begin[p + 1] ||
            kind->ghost_begin[p + 1] > kind->n_local ||
            !ascending(kind->number, kind->ghost_begin[p], kind->ghost_begin[p + 1]))
            return fail(error, "ghosts do not ascend", kind->name);
    }
    if (kind->ghost_begin[part->rank] != kind->ghost_begin[part->rank + 1])
        return fail(error, "a rank has ghosts of its own", kind->name);
    return check_send(part, kind, error);
}

static bool
check_rows(const GasketPart *part, const GasketPartRelation *relation, GasketDirection direction,
           GError **error)
{
    const GasketPartRows *rows = &relation->rows[direction];
    const GasketPartKind *own = &part->kinds[gasket_part_row_kind(relation, direction)];
    const GasketPartKind *other = &part->kinds[gasket_part_neighbour_kind(relation, direction)];

    if (rows->offset[0] != 0 || rows->offset[own->n_owned] != rows->n_entries)
        return fail(error, "offsets do not cover the entries", relation->name);
    for (uint32_t v = 0; v < own->n_owned; v++) {
        if (rows->offset[v] > rows->offset[v + 1])
            return fail(error, "offsets do not ascend", relation->name);
        for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++) {
            if (rows->neighbour[e] >= other->n_local)
                return fail(error, "a neighbour is out of range", relation->name);
            if (e > rows->offset[v] &&
                other->number[rows->neighbour[e - 1]] > other->number[rows->neighbour[e]])
                return fail(error, "a row does not ascend", relation->name);
        }
    }
    return true;
}

bool
gasket_part_check(const GasketPart *part, GError **error)
{
    for (unsigned k = 0; k < part->n_kinds; k++)
        if (!check_kind(part, &part->kinds[k], error))
            return false;
    for (unsigned r = 0; r < part->n_relations; r++)
        for (unsigned d = 0; d < 2; d++)
            if (part->relations[r].rows[d].standing &&
                !check_rows(part, &part->relations[r], d, error))
                return false;
    return true;
}
