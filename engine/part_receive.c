/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving a part, and telling every owner which of its vertices this rank reads. The order of
 * fields is that of part_send.c. Everything is checked before it is used.
 */
#include "engine/part_wire.h"

#include "engine/array.h"

#define MAX_KINDS 256
#define MAX_NAME  (64u << 10)

static bool
refuse(const char *what, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL, "the loader sent %s", what);
    return false;
}

/* A number of at most `max`. */
static bool
read_u64(GasketStream *stream, uint64_t max, uint64_t *ret_x, GError **error)
{
    uint64_t x;
    if (!gasket_stream_read(stream, &x, sizeof x, error))
        return false;
    if (x > max)
        return refuse("a number that is too large", error);
    *ret_x = x;
    return true;
}

static bool
read_text(GasketStream *stream, char **ret_text, GError **error)
{
    uint64_t n;
    if (!read_u64(stream, MAX_NAME, &n, error))
        return false;
    g_autofree char *text = g_malloc0(n + 1);
    if (!gasket_stream_read(stream, text, n, error))
        return false;
    *ret_text = g_steal_pointer(&text);
    return true;
}

static void *
read_array(GasketStream *stream, uint64_t n, size_t size, GError **error)
{
    void *array = gasket_array_new(n, size, error);
    if (array != NULL && !gasket_stream_read(stream, array, n * size, error)) {
        gasket_array_free(array);
        return NULL;
    }
    return array;
}

/* n lengths that add up to total, as begins [n + 1]. */
static uint64_t *
read_begins(GasketStream *stream, uint64_t n, uint64_t total, GError **error)
{
    uint64_t *begin = gasket_array_new(n + 1, sizeof *begin, error);
    if (begin == NULL)
        return NULL;
    bool ok = gasket_stream_read(stream, begin + 1, n * sizeof *begin, error);
    for (uint64_t i = 0; ok && i < n; i++) {
        if (begin[i + 1] > total - begin[i])
            ok = refuse("lengths that do not add up", error);
        else
            begin[i + 1] += begin[i];
    }
    if (ok && begin[n] != total)
        ok = refuse("lengths that do not add up", error);
    if (!ok) {
        gasket_array_free(begin);
        return NULL;
    }
    return begin;
}

static bool
read_ids(GasketStream *stream, GasketIds *ids, uint32_t n, GError **error)
{
    uint64_t integer, total;

    if (!read_u64(stream, 1, &integer, error))
        return false;
    ids->n = n;
    if (integer) {
        ids->integer = read_array(stream, n, sizeof(int64_t), error);
        return ids->integer != NULL;
    }
    if (!read_u64(stream, UINT64_MAX / 2, &total, error))
        return false;
    ids->text_begin = read_begins(stream, n, total, error);
    if (ids->text_begin == NULL)
        return false;
    ids->text = read_array(stream, total, 1, error);
    return ids->text != NULL;
}

static bool
read_column(GasketStream *stream, GasketColumnData *column, uint64_t n, GError **error)
{
    uint64_t type, length, total;

    if (!read_text(stream, &column->name, error) ||
        !read_u64(stream, GASKET_DOUBLE, &type, error) ||
        !read_u64(stream, UINT32_MAX, &length, error))
        return false;
    column->type = (GasketType)type;
    column->length = (uint32_t)length;
    if (length == 0) {
        if (!read_u64(stream, UINT64_MAX / 16, &total, error))
            return false;
        column->begin = read_begins(stream, n, total, error);
        if (column->begin == NULL)
            return false;
    } else if (!g_uint64_checked_mul(&total, n, length)) {
        return refuse("a column that is too large", error);
    }
    column->data = read_array(stream, total, gasket_type_size(column->type), error);
    return column->data != NULL;
}

static bool
read_columns(GasketStream *stream, GasketColumnData **columns, unsigned n_columns, uint64_t n,
             GError **error)
{
    *columns = g_new0(GasketColumnData, n_columns);
    for (unsigned c = 0; c < n_columns; c++)
        if (!read_column(stream, &(*columns)[c], n, error))
            return false;
    return true;
}

/* Ghosts of each rank one after another behind the owned vertices, none of this rank's own; owned
 * numbers and those of each rank's ghosts ascend. */
static bool
check_order(const GasketPartKind *kind, unsigned rank, unsigned size)
{
    const uint32_t *begin = kind->ghost_begin;
    bool ok =
        begin[0] == kind->n_owned && begin[size] == kind->n_local && begin[rank] == begin[rank + 1];

    for (unsigned p = 0; ok && p < size; p++)
        ok = begin[p] <= begin[p + 1];
    unsigned p = 0;
    for (uint32_t v = 1; ok && v < kind->n_local; v++) {
        while (p < size && begin[p] < v)
            p++;
        bool starts = v == kind->n_boundary || begin[p] == v;
        ok = starts || kind->number[v - 1] < kind->number[v];
    }
    return ok;
}

static bool
read_kind(GasketStream *stream, GasketPartKind *kind, unsigned rank, unsigned size, GError **error)
{
    uint64_t n_global, n_owned, n_boundary, n_local, n_columns;

    if (!read_text(stream, &kind->name, error) ||
        !read_u64(stream, GASKET_NO_VERTEX, &n_global, error) ||
        !read_u64(stream, n_global, &n_owned, error) ||
        !read_u64(stream, n_owned, &n_boundary, error) ||
        !read_u64(stream, n_global, &n_local, error))
        return false;
    if (n_local < n_owned)
        return refuse("fewer vertices than it owns", error);
    kind->n_global = (uint32_t)n_global;
    kind->n_owned = (uint32_t)n_owned;
    kind->n_boundary = (uint32_t)n_boundary;
    kind->n_local = (uint32_t)n_local;
    kind->ghost_begin = read_array(stream, size + 1, sizeof(uint32_t), error);
    if (kind->ghost_begin == NULL)
        return false;
    kind->number = read_array(stream, n_local, sizeof(uint32_t), error);
    if (kind->number == NULL)
        return false;
    kind->ordinal = read_array(stream, n_owned, sizeof(uint32_t), error);
    if (kind->ordinal == NULL)
        return false;
    for (uint32_t v = 0; v < kind->n_local; v++)
        if (kind->number[v] >= n_global || (v < n_owned && kind->ordinal[v] >= n_global))
            return refuse("a vertex that the graph does not have", error);
    if (!check_order(kind, rank, size))
        return refuse("vertices out of order", error);
    if (!read_ids(stream, &kind->ids, kind->n_owned, error) ||
        !read_u64(stream, MAX_KINDS, &n_columns, error))
        return false;
    kind->n_columns = (unsigned)n_columns;
    return read_columns(stream, &kind->columns, kind->n_columns, n_owned, error);
}

static bool
read_rows(GasketStream *stream, const GasketPart *part, GasketPartRelation *relation, unsigned d,
          GError **error)
{
    GasketPartRows *rows = &relation->rows[d];
    uint64_t standing;

    if (!read_u64(stream, 1, &standing, error))
        return false;
    if (!standing)
        return true;
    const GasketPartKind *own = &part->kinds[gasket_part_row_kind(relation, d)];
    const GasketPartKind *other = &part->kinds[gasket_part_neighbour_kind(relation, d)];
    if (relation->symmetric && d != GASKET_IN)
        return refuse("a second direction of a symmetric relation", error);
    if (!read_u64(stream, relation->n_entries, &rows->n_entries, error))
        return false;
    rows->offset = read_begins(stream, own->n_owned, rows->n_entries, error);
    if (rows->offset == NULL)
        return false;
    rows->neighbour = read_array(stream, rows->n_entries, sizeof(uint32_t), error);
    if (rows->neighbour == NULL)
        return false;
    for (uint64_t e = 0; e < rows->n_entries; e++)
        if (rows->neighbour[e] >= other->n_local)
            return refuse("a neighbour that is not there", error);
    rows->standing = true;
    return read_columns(stream, &rows->columns, relation->n_columns, rows->n_entries, error);
}

static bool
read_extras(GasketStream *stream, const GasketPart *part, GasketPartRelation *relation,
            GError **error)
{
    uint32_t n_in = part->kinds[relation->target].n_owned;
    uint32_t n_out = part->kinds[relation->source].n_owned;
    uint64_t degrees, strengths;

    if (!read_u64(stream, 1, &degrees, error))
        return false;
    if (degrees) {
        relation->in_degree = read_array(stream, n_in, sizeof(uint32_t), error);
        if (relation->in_degree == NULL)
            return false;
        relation->out_degree = read_array(stream, n_out, sizeof(uint32_t), error);
        if (relation->out_degree == NULL)
            return false;
    }
    if (!read_u64(stream, 1, &strengths, error))
        return false;
    if (strengths) {
        relation->out_strength = read_array(stream, n_out, sizeof(double), error);
        if (relation->out_strength == NULL)
            return false;
    }
    return true;
}

static bool
read_relation(GasketStream *stream, const GasketPart *part, GasketPartRelation *relation,
              GError **error)
{
    uint64_t source, target, symmetric, n_columns;

    if (!read_text(stream, &relation->name, error) ||
        !read_u64(stream, part->n_kinds - 1, &source, error) ||
        !read_u64(stream, part->n_kinds - 1, &target, error) ||
        !read_u64(stream, 1, &symmetric, error) ||
        !read_u64(stream, UINT64_MAX, &relation->n_edges, error) ||
        !read_u64(stream, UINT64_MAX, &relation->n_entries, error) ||
        !read_u64(stream, MAX_KINDS, &n_columns, error))
        return false;
    if (symmetric && source != target)
        return refuse("a symmetric relation between two kinds", error);
    relation->source = (unsigned)source;
    relation->target = (unsigned)target;
    relation->symmetric = symmetric != 0;
    relation->n_columns = (unsigned)n_columns;
    for (unsigned d = 0; d < 2; d++)
        if (!read_rows(stream, part, relation, d, error))
            return false;
    return read_extras(stream, part, relation, error);
}

GasketPart *
gasket_part_receive(GasketStream *stream, unsigned rank, unsigned size, GError **error)
{
    g_autoptr(GasketPart) part = g_new0(GasketPart, 1);
    uint64_t n_kinds, n_relations;

    part->rank = rank;
    part->size = size;
    if (!read_u64(stream, MAX_KINDS, &n_kinds, error) ||
        !read_u64(stream, MAX_KINDS, &n_relations, error))
        return NULL;
    if (n_kinds == 0) {
        (void)refuse("a graph without kinds", error);
        return NULL;
    }
    part->kinds = g_new0(GasketPartKind, n_kinds);
    part->relations = g_new0(GasketPartRelation, n_relations);
    part->n_kinds = (unsigned)n_kinds;
    for (unsigned k = 0; k < part->n_kinds; k++)
        if (!read_kind(stream, &part->kinds[k], rank, size, error))
            return NULL;
    for (unsigned r = 0; r < n_relations; r++) {
        part->n_relations = r + 1;
        if (!read_relation(stream, part, &part->relations[r], error))
            return NULL;
    }
    return g_steal_pointer(&part);
}
