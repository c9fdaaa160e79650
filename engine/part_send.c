/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a graph into parts and sending them.
 *
 * For each rank in turn, `local` maps the numbers of a kind to that rank's local indices: its
 * boundary, its interior, then the ghosts that its rows name, by owner. Rows and columns are then
 * translated and sent a buffer at a time; nothing of a part is ever held whole.
 */
#include "engine/part_wire.h"

#include "engine/array.h"

#define BUFFER_ENTRIES 16384

typedef struct {
    const GasketGraph *graph;
    uint32_t *const *owner;
    unsigned size;
    uint8_t **boundary; /* [n_kinds][n] 1: read by another rank */
    uint32_t **local;   /* [n_kinds][n] for the rank at hand; NO_VERTEX: not there */
    uint32_t **held;    /* [n_kinds][n] number of each local vertex */
    uint32_t *n_boundary, *n_owned, *n_local; /* [n_kinds] for the rank at hand */
    uint32_t **ghost_begin;                   /* [n_kinds][size + 1] */
    uint32_t **in_degree, **out_degree;       /* [n_relations], NULL if not asked */
    double **out_strength;
} Cutter;

static void
cutter_clear(Cutter *cut)
{
    for (unsigned k = 0; k < cut->graph->n_kinds; k++) {
        gasket_array_free(cut->boundary[k]);
        gasket_array_free(cut->local[k]);
        gasket_array_free(cut->held[k]);
        g_free(cut->ghost_begin[k]);
    }
    for (unsigned r = 0; r < cut->graph->n_relations; r++) {
        gasket_array_free(cut->in_degree[r]);
        gasket_array_free(cut->out_degree[r]);
        gasket_array_free(cut->out_strength[r]);
    }
    g_free(cut->boundary);
    g_free(cut->local);
    g_free(cut->held);
    g_free(cut->n_boundary);
    g_free(cut->n_owned);
    g_free(cut->n_local);
    g_free(cut->ghost_begin);
    g_free(cut->in_degree);
    g_free(cut->out_degree);
    g_free(cut->out_strength);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cutter, cutter_clear)

static bool
cutter_init(Cutter *cut, const GasketPartExtras *extras, GError **error)
{
    const GasketGraph *graph = cut->graph;
    unsigned kinds = graph->n_kinds, relations = graph->n_relations;

    cut->boundary = g_new0(uint8_t *, kinds);
    cut->local = g_new0(uint32_t *, kinds);
    cut->held = g_new0(uint32_t *, kinds);
    cut->n_boundary = g_new0(uint32_t, kinds);
    cut->n_owned = g_new0(uint32_t, kinds);
    cut->n_local = g_new0(uint32_t, kinds);
    cut->ghost_begin = g_new0(uint32_t *, kinds);
    cut->in_degree = g_new0(uint32_t *, relations);
    cut->out_degree = g_new0(uint32_t *, relations);
    cut->out_strength = g_new0(double *, relations);
    for (unsigned k = 0; k < kinds; k++) {
        uint32_t n = graph->kinds[k].n_vertices;
        cut->boundary[k] = gasket_array_new(n, sizeof(uint8_t), error);
        if (cut->boundary[k] == NULL)
            return false;
        cut->local[k] = gasket_array_new(n, sizeof(uint32_t), error);
        if (cut->local[k] == NULL)
            return false;
        cut->held[k] = gasket_array_new(n, sizeof(uint32_t), error);
        if (cut->held[k] == NULL)
            return false;
        cut->ghost_begin[k] = g_new0(uint32_t, cut->size + 1);
    }
    for (unsigned r = 0; r < relations; r++) {
        if (extras[r].degrees) {
            cut->in_degree[r] = gasket_graph_degrees(graph, r, GASKET_IN, error);
            if (cut->in_degree[r] == NULL)
                return false;
            cut->out_degree[r] = gasket_graph_degrees(graph, r, GASKET_OUT, error);
            if (cut->out_degree[r] == NULL)
                return false;
        }
        if (extras[r].strengths) {
            cut->out_strength[r] = gasket_graph_out_strengths(graph, r, error);
            if (cut->out_strength[r] == NULL)
                return false;
        }
    }
    return true;
}

/* The kinds of a relation's rows and of their neighbours. */
static void
row_kinds(const GasketGraphRelation *relation, unsigned direction, unsigned *ret_own,
          unsigned *ret_other)
{
    *ret_own = direction == GASKET_IN ? relation->target : relation->source;
    *ret_other = direction == GASKET_IN ? relation->source : relation->target;
}

static void
mark_boundary(Cutter *cut)
{
    for (unsigned r = 0; r < cut->graph->n_relations; r++) {
        const GasketGraphRelation *relation = &cut->graph->relations[r];
        for (unsigned d = 0; d < 2; d++) {
            const GasketGraphRows *rows = &relation->rows[d];
            if (rows->offset == NULL)
                continue;
            unsigned own, other;
            row_kinds(relation, d, &own, &other);
            for (uint32_t v = 0; v < rows->n_rows; v++) {
                uint32_t rank = cut->owner[own][v];
                for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++)
                    if (cut->owner[other][rows->neighbour[e]] != rank)
                        cut->boundary[other][rows->neighbour[e]] = 1;
            }
        }
    }
}

/* Local indices of a rank's own vertices, boundary first. */
static void
map_owned(Cutter *cut, unsigned rank)
{
    for (unsigned k = 0; k < cut->graph->n_kinds; k++) {
        uint32_t n = cut->graph->kinds[k].n_vertices, next = 0;
        memset(cut->local[k], 0xff, (size_t)n * sizeof(uint32_t));
        for (int interior = 0; interior < 2; interior++) {
            for (uint32_t v = 0; v < n; v++) {
                if (cut->owner[k][v] != rank || cut->boundary[k][v] == interior)
                    continue;
                cut->held[k][next] = v;
                cut->local[k][v] = next++;
            }
            if (!interior)
                cut->n_boundary[k] = next;
        }
        cut->n_owned[k] = next;
    }
}

/* Local indices of the ghosts that a rank's rows name: marked first, then numbered by owner. */
static void
map_ghosts(Cutter *cut)
{
    const uint32_t marked = GASKET_NO_VERTEX - 1;

    for (unsigned r = 0; r < cut->graph->n_relations; r++) {
        const GasketGraphRelation *relation = &cut->graph->relations[r];
        for (unsigned d = 0; d < 2; d++) {
            const GasketGraphRows *rows = &relation->rows[d];
            if (rows->offset == NULL)
                continue;
            unsigned own, other;
            row_kinds(relation, d, &own, &other);
            for (uint32_t i = 0; i < cut->n_owned[own]; i++) {
                uint32_t v = cut->held[own][i];
                for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++)
                    if (cut->local[other][rows->neighbour[e]] == GASKET_NO_VERTEX)
                        cut->local[other][rows->neighbour[e]] = marked;
            }
        }
    }
    for (unsigned k = 0; k < cut->graph->n_kinds; k++) {
        uint32_t n = cut->graph->kinds[k].n_vertices, *begin = cut->ghost_begin[k];
        memset(begin, 0, (cut->size + 1) * sizeof *begin);
        for (uint32_t v = 0; v < n; v++)
            if (cut->local[k][v] == marked)
                begin[cut->owner[k][v]]++;
        uint32_t next = cut->n_owned[k];
        for (unsigned p = 0; p <= cut->size; p++) {
            uint32_t count = begin[p];
            begin[p] = next;
            next += count;
        }
        cut->n_local[k] = begin[cut->size];
        g_autofree uint32_t *cursor = g_memdup2(begin, (cut->size + 1) * sizeof *begin);
        for (uint32_t v = 0; v < n; v++) {
            if (cut->local[k][v] != marked)
                continue;
            uint32_t at = cursor[cut->owner[k][v]]++;
            cut->held[k][at] = v;
            cut->local[k][v] = at;
        }
    }
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool
send_u64(GasketStream *stream, uint64_t x, GError **error)
{
    return gasket_stream_write(stream, &x, sizeof x, error);
}

static bool
send_text(GasketStream *stream, const char *text, GError **error)
{
    size_t n = strlen(text);
    return send_u64(stream, n, error) && gasket_stream_write(stream, text, n, error);
}

/* Sends array[held[i]] for i < n, elements of size bytes. */
static bool
send_picked(GasketStream *stream, const void *array, size_t size, const uint32_t *held, uint32_t n,
            GError **error)
{
    for (uint32_t i = 0; i < n; i++)
        if (!gasket_stream_write(stream, (const uint8_t *)array + (size_t)held[i] * size, size,
                                 error))
            return false;
    return true;
}

static bool
send_ids(GasketStream *stream, const GasketIds *ids, const uint32_t *held, uint32_t n,
         GError **error)
{
    if (!send_u64(stream, ids->integer != NULL, error))
        return false;
    if (ids->integer != NULL)
        return send_picked(stream, ids->integer, sizeof(int64_t), held, n, error);
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += ids->text_begin[held[i] + 1] - ids->text_begin[held[i]];
    if (!send_u64(stream, total, error))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!send_u64(stream, ids->text_begin[held[i] + 1] - ids->text_begin[held[i]], error))
            return false;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t begin = ids->text_begin[held[i]];
        if (!gasket_stream_write(stream, ids->text + begin, ids->text_begin[held[i] + 1] - begin,
                                 error))
            return false;
    }
    return true;
}

/* A column's things: those of vertices held[0 .. n - 1], or the entries of their rows. */
typedef struct {
    const uint32_t *held;
    uint32_t n;
    const uint64_t *offset; /* of the rows; NULL: the vertices themselves */
} Things;

static inline uint64_t
things_begin(const Things *things, uint32_t i)
{
    return things->offset ? things->offset[things->held[i]] : things->held[i];
}

static inline uint64_t
things_end(const Things *things, uint32_t i)
{
    return things->offset ? things->offset[things->held[i] + 1] : (uint64_t)things->held[i] + 1;
}

/* Sends a column's elements of some things: first how many each has where that varies, then the
 * elements. */
static bool
send_column(GasketStream *stream, const GasketColumnData *column, const Things *things,
            GError **error)
{
    size_t size = gasket_type_size(column->type);
    uint32_t n = things->n;

    if (!send_text(stream, column->name, error) || !send_u64(stream, column->type, error) ||
        !send_u64(stream, column->length, error))
        return false;
    if (column->begin != NULL) {
        uint64_t total = 0;
        for (uint32_t i = 0; i < n; i++)
            total += column->begin[things_end(things, i)] - column->begin[things_begin(things, i)];
        if (!send_u64(stream, total, error))
            return false;
        for (uint32_t i = 0; i < n; i++)
            for (uint64_t x = things_begin(things, i); x < things_end(things, i); x++)
                if (!send_u64(stream, column->begin[x + 1] - column->begin[x], error))
                    return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t begin = things_begin(things, i), end = things_end(things, i);
        uint64_t first = column->begin ? column->begin[begin] : begin * column->length;
        uint64_t after = column->begin ? column->begin[end] : end * column->length;
        if (!gasket_stream_write(stream, (const uint8_t *)column->data + first * size,
                                 (after - first) * size, error))
            return false;
    }
    return true;
}

static bool
send_kind(const Cutter *cut, unsigned k, GasketStream *stream, GError **error)
{
    const GasketGraphKind *kind = &cut->graph->kinds[k];
    const uint32_t *held = cut->held[k];
    uint32_t n = cut->n_owned[k];

    if (!send_text(stream, kind->name, error) || !send_u64(stream, kind->n_vertices, error) ||
        !send_u64(stream, n, error) || !send_u64(stream, cut->n_boundary[k], error) ||
        !send_u64(stream, cut->n_local[k], error) ||
        !gasket_stream_write(stream, cut->ghost_begin[k], (cut->size + 1) * sizeof(uint32_t),
                             error) ||
        !gasket_stream_write(stream, held, (size_t)cut->n_local[k] * sizeof(uint32_t), error))
        return false;
    if (kind->ordinal != NULL
            ? !send_picked(stream, kind->ordinal, sizeof(uint32_t), held, n, error)
            : !gasket_stream_write(stream, held, (size_t)n * sizeof *held, error))
        return false;
    if (!send_ids(stream, &kind->ids, held, n, error) || !send_u64(stream, kind->n_columns, error))
        return false;

    const Things vertices = {held, n, NULL};
    for (unsigned c = 0; c < kind->n_columns; c++)
        if (!send_column(stream, &kind->columns[c], &vertices, error))
            return false;
    return true;
}

static bool
send_rows(const Cutter *cut, const GasketGraphRelation *relation, unsigned d, GasketStream *stream,
          GError **error)
{
    const GasketGraphRows *rows = &relation->rows[d];
    unsigned own, other;

    row_kinds(relation, d, &own, &other);
    if (!send_u64(stream, rows->offset != NULL, error))
        return false;
    if (rows->offset == NULL)
        return true;

    const Things entries = {cut->held[own], cut->n_owned[own], rows->offset};
    uint32_t n = entries.n;
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += things_end(&entries, i) - things_begin(&entries, i);
    if (!send_u64(stream, total, error))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!send_u64(stream, things_end(&entries, i) - things_begin(&entries, i), error))
            return false;

    g_autofree uint32_t *buffer = g_new(uint32_t, BUFFER_ENTRIES);
    size_t used = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (uint64_t e = things_begin(&entries, i); e < things_end(&entries, i); e++) {
            buffer[used++] = cut->local[other][rows->neighbour[e]];
            if (used < BUFFER_ENTRIES)
                continue;
            if (!gasket_stream_write(stream, buffer, used * sizeof *buffer, error))
                return false;
            used = 0;
        }
    }
    if (!gasket_stream_write(stream, buffer, used * sizeof *buffer, error))
        return false;
    for (unsigned c = 0; c < relation->n_columns; c++)
        if (!send_column(stream, &rows->columns[c], &entries, error))
            return false;
    return true;
}

static bool
send_relation(const Cutter *cut, unsigned r, GasketStream *stream, GError **error)
{
    const GasketGraphRelation *relation = &cut->graph->relations[r];
    const GasketGraphRows *rows = gasket_graph_rows(cut->graph, r, GASKET_IN);
    const uint32_t *held_in = cut->held[relation->target], *held_out = cut->held[relation->source];
    uint32_t n_in = cut->n_owned[relation->target], n_out = cut->n_owned[relation->source];

    if (rows == NULL || rows->offset == NULL)
        rows = &relation->rows[GASKET_OUT];
    if (!send_text(stream, relation->name, error) || !send_u64(stream, relation->source, error) ||
        !send_u64(stream, relation->target, error) ||
        !send_u64(stream, relation->symmetric, error) ||
        !send_u64(stream, relation->n_edges, error) || !send_u64(stream, rows->n_entries, error) ||
        !send_u64(stream, relation->n_columns, error))
        return false;
    for (unsigned d = 0; d < 2; d++)
        if (!send_rows(cut, relation, d, stream, error))
            return false;
    if (!send_u64(stream, cut->in_degree[r] != NULL, error))
        return false;
    if (cut->in_degree[r] != NULL &&
        (!send_picked(stream, cut->in_degree[r], sizeof(uint32_t), held_in, n_in, error) ||
         !send_picked(stream, cut->out_degree[r], sizeof(uint32_t), held_out, n_out, error)))
        return false;
    if (!send_u64(stream, cut->out_strength[r] != NULL, error))
        return false;
    return cut->out_strength[r] == NULL ||
           send_picked(stream, cut->out_strength[r], sizeof(double), held_out, n_out, error);
}

bool
gasket_parts_send(const GasketGraph *graph, uint32_t *const *owner, const GasketPartExtras *extras,
                  GasketStream *streams, unsigned size, GError **error)
{
    g_auto(Cutter) cut = {.graph = graph, .owner = owner, .size = size};

    if (!cutter_init(&cut, extras, error))
        return false;
    mark_boundary(&cut);
    for (unsigned rank = 0; rank < size; rank++) {
        GasketStream *stream = &streams[rank];
        map_owned(&cut, rank);
        map_ghosts(&cut);
        if (!send_u64(stream, graph->n_kinds, error) ||
            !send_u64(stream, graph->n_relations, error))
            return false;
        for (unsigned k = 0; k < graph->n_kinds; k++)
            if (!send_kind(&cut, k, stream, error))
                return false;
        for (unsigned r = 0; r < graph->n_relations; r++)
            if (!send_relation(&cut, r, stream, error))
                return false;
        if (!gasket_stream_flush(stream, error))
            return false;
    }
    return true;
}
