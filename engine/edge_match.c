/* SPDX-License-Identifier: Apache-2.0 */
/* Declaring edge values: matching the ends of the edges, sizes, buffers. See edge_values.h. */
#include <string.h>

#include "engine/array.h"
#include "engine/edge_values.h"
#include "engine/rows_use.h"
#include "engine/vertex_order.h"

/* The reader's rows, the writer's rows, and the values between them. */
typedef struct {
    const GasketPart *part;
    const GasketPartKind *reader_kind, *writer_kind;
    const GasketPartRows *reader, *writer;
    unsigned reader_kind_index, writer_kind_index;
    GasketEdgeValues *values;
    GasketVertex *reader_order, *writer_order; /* owned vertices, ascending by number */
} Match;

static void
match_clear(Match *match)
{
    gasket_array_free(match->reader_order);
    gasket_array_free(match->writer_order);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Match, match_clear)

void
gasket_edge_values_clear(GasketEdgeValues *values)
{
    gasket_array_free(values->begin);
    gasket_array_free(values->current);
    gasket_array_free(values->second);
    gasket_array_free(values->slot);
    gasket_array_free(values->outbox_begin);
    gasket_array_free(values->outbox_woken);
    gasket_array_free(values->inbox_begin);
    gasket_array_free(values->inbox);
    *values = (GasketEdgeValues){0};
}

static bool
match_init(Match *match, GasketRun *run, GasketRowSet rows, GError **error)
{
    const GasketPartRelation *relation = &run->part->relations[rows.relation];
    GasketDirection reader = gasket_part_direction(relation, rows.direction);
    GasketDirection writer = gasket_part_mate(relation, reader);

    match->part = run->part;
    match->reader = &relation->rows[reader];
    match->writer = &relation->rows[writer];
    match->reader_kind_index = gasket_part_row_kind(relation, reader);
    match->writer_kind_index = gasket_part_neighbour_kind(relation, reader);
    match->reader_kind = &run->part->kinds[match->reader_kind_index];
    match->writer_kind = &run->part->kinds[match->writer_kind_index];
    match->values = &gasket_run_rows_data(run, rows.relation, reader)->values;
    if (!match->reader->standing || !match->writer->standing) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "edge values of relation \"%s\" need its in-rows and its out-rows",
                    relation->name);
        return false;
    }
    g_assert(match->values->current == NULL);
    if (!gasket_rows_need_whole(run, rows.relation, reader, error) ||
        !gasket_rows_need_whole(run, rows.relation, writer, error))
        return false;
    match->reader_order = gasket_vertices_by_number(match->reader_kind, error);
    if (match->reader_order == NULL)
        return false;
    match->writer_order = gasket_vertices_by_number(match->writer_kind, error);
    return match->writer_order != NULL;
}

/* Walks the reader's rows by number. A local edge is the next local entry of its writer's row; a
 * cut one joins the inbox of the writer's rank (fill) or is counted for it. */
static bool
walk_reader_rows(Match *match, bool fill, uint64_t *inbox_cursor, uint64_t *cursor, GError **error)
{
    const GasketPartRows *reader = match->reader, *writer = match->writer;
    GasketEdgeValues *values = match->values;

    for (uint32_t i = 0; i < match->reader_kind->n_owned; i++) {
        GasketVertex u = match->reader_order[i];
        for (uint64_t e = reader->offset[u]; e < reader->offset[u + 1]; e++) {
            GasketVertex v = reader->neighbour[e];
            if (v >= match->writer_kind->n_owned) {
                unsigned rank = gasket_part_owner(match->part, match->writer_kind_index, v);
                uint64_t at = inbox_cursor[rank]++;
                if (fill)
                    values->inbox[at] = (uint32_t)e;
                continue;
            }
            if (!fill)
                continue;
            uint64_t *c = &cursor[v];
            while (*c < writer->offset[v + 1] &&
                   writer->neighbour[*c] >= match->reader_kind->n_owned)
                (*c)++;
            if (*c == writer->offset[v + 1] || writer->neighbour[*c] != u) {
                g_set_error(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL,
                            "in-rows and out-rows are not of the same edges");
                return false;
            }
            values->slot[(*c)++] = (uint32_t)e;
        }
    }
    return true;
}

static bool
match_inbox(Match *match, GError **error)
{
    GasketEdgeValues *values = match->values;
    unsigned size = match->part->size;
    g_autofree uint64_t *at = g_new0(uint64_t, size);

    values->inbox_begin = gasket_array_new(size + 1, sizeof(uint64_t), error);
    if (values->inbox_begin == NULL)
        return false;
    (void)walk_reader_rows(match, false, at, NULL, NULL); /* counting cannot fail */
    for (unsigned p = 0; p < size; p++)
        values->inbox_begin[p + 1] = values->inbox_begin[p] + at[p];
    memcpy(at, values->inbox_begin, size * sizeof *at);
    values->inbox = gasket_array_new(values->inbox_begin[size], sizeof(uint32_t), error);
    if (values->inbox == NULL)
        return false;
    uint64_t *cursor = gasket_array_new(match->writer_kind->n_owned, sizeof *cursor, error);
    if (cursor == NULL)
        return false;
    memcpy(cursor, match->writer->offset, match->writer_kind->n_owned * sizeof *cursor);
    bool ok = walk_reader_rows(match, true, at, cursor, error);
    gasket_array_free(cursor);
    return ok;
}

/* Slots of cut edges: by ghost reader (ascending by number within each rank), then by writer. */
static bool
match_outbox(Match *match, GError **error)
{
    const GasketPartRows *writer = match->writer;
    GasketEdgeValues *values = match->values;
    uint32_t n_owned = match->reader_kind->n_owned;
    uint32_t n_ghosts = match->reader_kind->n_local - n_owned;
    unsigned size = match->part->size;

    uint64_t *begin = gasket_array_new((uint64_t)n_ghosts + 1, sizeof *begin, error);
    values->outbox_begin = gasket_array_new(size + 1, sizeof(uint64_t), error);
    if (begin == NULL || values->outbox_begin == NULL) {
        gasket_array_free(begin);
        return false;
    }
    for (uint64_t e = 0; e < writer->n_entries; e++)
        if (writer->neighbour[e] >= n_owned)
            begin[writer->neighbour[e] - n_owned + 1]++;
    begin[0] = values->n_entries;
    for (uint32_t g = 0; g < n_ghosts; g++)
        begin[g + 1] += begin[g];
    values->n_slots = begin[n_ghosts];
    for (unsigned p = 0; p <= size; p++)
        values->outbox_begin[p] = begin[match->reader_kind->ghost_begin[p] - n_owned];
    for (uint32_t i = 0; i < match->writer_kind->n_owned; i++) {
        GasketVertex v = match->writer_order[i];
        for (uint64_t e = writer->offset[v]; e < writer->offset[v + 1]; e++)
            if (writer->neighbour[e] >= n_owned)
                values->slot[e] = (uint32_t)begin[writer->neighbour[e] - n_owned]++;
    }
    gasket_array_free(begin);
    return true;
}

static bool
match_edges(Match *match, GError **error)
{
    GasketEdgeValues *values = match->values;

    values->n_entries = match->reader->n_entries;
    if (match->reader->n_entries + match->writer->n_entries > UINT32_MAX) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a worker has too many edges for edge values: use more workers");
        return false;
    }
    values->slot = gasket_array_new(match->writer->n_entries, sizeof(uint32_t), error);
    return values->slot != NULL && match_outbox(match, error) && match_inbox(match, error);
}

static bool
make_buffer(GasketEdgeValues *values, GError **error)
{
    values->current = gasket_array_new(gasket_edge_value_begin(values, values->n_slots), 1, error);
    values->next = values->current;
    return values->current != NULL;
}

static bool
check_size(size_t size, GError **error)
{
    if (size > 0 && size <= GASKET_EDGE_VALUE_MAX)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "an edge value of %" G_GSIZE_FORMAT " bytes, but 1 to %u are possible", size,
                GASKET_EDGE_VALUE_MAX);
    return false;
}

bool
gasket_run_set_edge_value(GasketRun *run, GasketRowSet rows, size_t size, GError **error)
{
    g_auto(Match) match = {0};

    if (!check_size(size, error) || !match_init(&match, run, rows, error) ||
        !match_edges(&match, error))
        return false;
    match.values->size = size;
    return make_buffer(match.values, error);
}

/* Fills begin from the size of each edge's end: sizes [n_local] of the kind of that end. */
static bool
fill_begins(Match *match, const uint32_t *sizes, bool by_owner, GError **error)
{
    GasketEdgeValues *values = match->values;
    const GasketPartRows *reader = match->reader, *writer = match->writer;

    values->begin = gasket_array_new(values->n_slots + 1, sizeof(uint64_t), error);
    if (values->begin == NULL)
        return false;
    for (uint32_t u = 0; u < match->reader_kind->n_owned; u++)
        for (uint64_t e = reader->offset[u]; e < reader->offset[u + 1]; e++)
            values->begin[e + 1] = sizes[by_owner ? u : reader->neighbour[e]];
    for (uint32_t v = 0; v < match->writer_kind->n_owned; v++)
        for (uint64_t e = writer->offset[v]; e < writer->offset[v + 1]; e++)
            if (values->slot[e] >= values->n_entries)
                values->begin[(uint64_t)values->slot[e] + 1] =
                    sizes[by_owner ? writer->neighbour[e] : v];
    for (uint64_t s = 0; s < values->n_slots; s++)
        values->begin[s + 1] += values->begin[s];
    return true;
}

bool
gasket_run_set_edge_value_varying(GasketRun *run, GasketRowSet rows, bool by_owner,
                                  GasketVertexSize size, const void *parameters, GError **error)
{
    g_auto(Match) match = {0};

    if (!match_init(&match, run, rows, error) || !match_edges(&match, error))
        return false;
    unsigned kind = by_owner ? match.reader_kind_index : match.writer_kind_index;
    uint32_t *sizes = gasket_vertex_sizes(run, kind, size, parameters, error);
    if (sizes == NULL)
        return false;
    bool ok = true;
    for (uint32_t v = 0; ok && v < run->part->kinds[kind].n_local; v++)
        ok = sizes[v] == 0 || check_size(sizes[v], error);
    ok = ok && fill_begins(&match, sizes, by_owner, error) && make_buffer(match.values, error);
    gasket_array_free(sizes);
    return ok;
}

bool
gasket_run_set_edge_state(GasketRun *run, GasketRowSet rows, size_t size, GError **error)
{
    GasketRowsData *data = gasket_run_rows_data(run, rows.relation, rows.direction);
    const GasketPartRows *part_rows = gasket_run_part_rows(run, rows.relation, rows.direction);

    g_assert(data->edge_state == NULL);
    if (!part_rows->standing) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "edge state needs rows that the algorithm did not ask for");
        return false;
    }
    if (!gasket_rows_need_whole(run, rows.relation, rows.direction, error))
        return false;
    data->edge_state = gasket_array_new(part_rows->n_entries, size, error);
    data->edge_state_size = size;
    return data->edge_state != NULL;
}
