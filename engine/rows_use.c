/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing and changing the storage of row sets; chunks and transposes that are kept. */
#include "engine/rows_use.h"

#include <unistd.h>

#include "engine/array.h"

#define MIN_CHUNK_WORK    (UINT64_C(1) << 12)
#define MAX_CHUNK_WORK    (UINT64_C(1) << 20)
#define CHUNKS_PER_THREAD 16
#define DEFAULT_L2        (1 << 20)
#define SMALL_SEGMENT     (UINT64_C(256) << 10) /* bytes of values */
#define LAYOUT_CHUNKS     16 /* per thread: small sums, but each reads every segment's values */
#define MIN_LAYOUT_WORK   (UINT64_C(1) << 21)

static uint64_t
total_work(const GasketRun *run, unsigned kind, const GasketPartRows *const *rows, unsigned n_rows)
{
    uint64_t work = run->part->kinds[kind].n_owned;
    for (unsigned s = 0; s < n_rows; s++)
        work += rows[s]->n_entries;
    return work;
}

static bool
same_rows(const GasketChunkCache *kept, const GasketProgram *program)
{
    if (kept->kind != program->kind || kept->n_rows != program->n_rows)
        return false;
    for (unsigned s = 0; s < program->n_rows; s++)
        if (kept->rows[s].relation != program->rows[s].relation ||
            kept->rows[s].direction != program->rows[s].direction)
            return false;
    return true;
}

GasketRows
gasket_rows_view(const GasketRun *run, GasketRowSet set)
{
    const GasketPartRelation *relation = &run->part->relations[set.relation];
    const GasketRowsData *data = gasket_run_rows_data(run, set.relation, set.direction);
    const GasketPartRows *rows = gasket_run_part_rows(run, set.relation, set.direction);
    unsigned own = gasket_part_row_kind(relation, set.direction);
    unsigned other = gasket_part_neighbour_kind(relation, set.direction);
    return (GasketRows){.neighbour = rows->neighbour,
                        .values = run->kinds[other].current,
                        .value_begin = run->kinds[other].value_begin,
                        .neighbour_number = run->part->kinds[other].number,
                        .column = data->columns,
                        .n_columns = relation->n_columns,
                        .edge_state = data->edge_state,
                        .incoming = data->values.current,
                        .incoming_begin = data->values.begin,
                        .state = run->kinds[own].state};
}

const GasketChunks *
gasket_rows_chunks(GasketRun *run, const GasketProgram *program, GError **error)
{
    const GasketPartRows *rows[GASKET_MAX_ROW_SETS];

    for (unsigned i = 0; i < run->n_chunk_cache; i++)
        if (same_rows(&run->chunk_cache[i], program))
            return run->chunk_cache[i].chunks;

    for (unsigned s = 0; s < program->n_rows; s++)
        rows[s] = gasket_run_part_rows(run, program->rows[s].relation, program->rows[s].direction);
    uint64_t work = total_work(run, program->kind, rows, program->n_rows) /
                    ((uint64_t)run->n_threads * CHUNKS_PER_THREAD);
    GasketChunks *chunks =
        gasket_chunks_new(&run->part->kinds[program->kind], rows, program->n_rows,
                          CLAMP(work, MIN_CHUNK_WORK, MAX_CHUNK_WORK), error);
    if (chunks == NULL)
        return NULL;
    /* More combinations than a program has steps of are a driver's own making: replace one. */
    unsigned at =
        run->n_chunk_cache < GASKET_CHUNK_CACHE ? run->n_chunk_cache++ : GASKET_CHUNK_CACHE - 1;
    GasketChunkCache *kept = &run->chunk_cache[at];
    gasket_chunks_free(kept->chunks);
    *kept = (GasketChunkCache){.kind = program->kind, .n_rows = program->n_rows, .chunks = chunks};
    for (unsigned s = 0; s < program->n_rows; s++)
        kept->rows[s] = program->rows[s];
    return chunks;
}

static uint64_t
l2_bytes(void)
{
    long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return bytes > 0 ? (uint64_t)bytes : DEFAULT_L2;
}

/* Values to a segment: as asked for, or a quarter of the L2, since sums and entries pass through
 * it too; half of a small one, for each piece of a row costs something. 0: values fit, rows stay
 * whole. */
static uint32_t
segment_values(const GasketRun *run, const GasketKindData *other, const GasketPartKind *part)
{
    if (run->segment == UINT32_MAX || other->value_size == 0)
        return 0;
    if (run->segment != 0)
        return run->segment;
    if ((uint64_t)part->n_local * other->value_size <= l2_bytes())
        return 0;
    uint64_t bytes = MAX(l2_bytes() / 4, MIN(l2_bytes() / 2, SMALL_SEGMENT));
    return (uint32_t)MAX(bytes / other->value_size, 64);
}

static bool
may_segment(const GasketRun *run, const GasketProgram *program, bool on_set)
{
    if (program->n_rows != 1 || program->gather == NULL || program->whole_rows ||
        program->scatter != NULL || on_set ||
        (program->wakes != GASKET_WAKES_NONE && !program->monotone))
        return false;
    GasketRowSet set = program->rows[0];
    const GasketRowsData *data = gasket_run_rows_data(run, set.relation, set.direction);
    const GasketPartRelation *relation = &run->part->relations[set.relation];
    const GasketPartRows *rows = gasket_run_part_rows(run, set.relation, set.direction);
    for (unsigned c = 0; c < relation->n_columns; c++)
        if (rows->columns[c].begin != NULL)
            return false;
    return !data->row_major_only && data->edge_state == NULL && data->values.current == NULL;
}

static bool
make_layout(GasketRun *run, GasketRowSet set, GasketRowsData *data, GError **error)
{
    const GasketPartRelation *relation = &run->part->relations[set.relation];
    GasketPartRows *rows = gasket_run_part_rows(run, set.relation, set.direction);
    unsigned other = gasket_part_neighbour_kind(relation, set.direction);
    const GasketPartKind *own_part =
        &run->part->kinds[gasket_part_row_kind(relation, set.direction)];
    const GasketPartKind *other_part = &run->part->kinds[other];
    uint32_t values = segment_values(run, &run->kinds[other], other_part);
    unsigned n_segments;

    if (values == 0)
        return true;
    int64_t before = g_get_monotonic_time();
    uint32_t *border = gasket_segments_new(other_part, values, &n_segments, error);
    if (border == NULL)
        return false;
    bool ok = true;
    if (run->segment != 0 || gasket_segments_pay(own_part, other_part, rows, border, n_segments)) {
        uint64_t work = rows->n_entries / ((uint64_t)run->n_threads * LAYOUT_CHUNKS);
        data->layout =
            gasket_layout_new(own_part, other_part, rows, relation->n_columns, border, n_segments,
                              MAX(work, run->segment != 0 ? 1024 : MIN_LAYOUT_WORK), run->n_threads,
                              error);
        ok = data->layout != NULL;
        if (ok) {
            gasket_readers_free(g_steal_pointer(&data->readers));
            g_free(run->report->plan.layout);
            run->report->plan.layout =
                g_strdup_printf("segment-major, %u segments of up to %u values", n_segments,
                                values);
        }
    }
    gasket_array_free(border);
    run->report->seconds.layout += (double)(g_get_monotonic_time() - before) / 1e6;
    return ok;
}

bool
gasket_rows_need_whole(GasketRun *run, unsigned relation, GasketDirection direction, GError **error)
{
    GasketRowsData *data = gasket_run_rows_data(run, relation, direction);
    GasketPartRows *rows = gasket_run_part_rows(run, relation, direction);

    if (data->layout != NULL) {
        if (!gasket_layout_restore(data->layout, rows, run->part->relations[relation].n_columns,
                                   error))
            return false;
        gasket_layout_free(g_steal_pointer(&data->layout));
        gasket_readers_free(g_steal_pointer(&data->readers));
    }
    data->row_major_only = true;
    return true;
}

bool
gasket_rows_use(GasketRun *run, const GasketProgram *program, bool on_set,
                const GasketLayout **ret_layout, GError **error)
{
    *ret_layout = NULL;
    for (unsigned s = 0; s < program->n_rows; s++) {
        GasketRowSet set = program->rows[s];
        if (set.relation >= run->part->n_relations ||
            !gasket_run_part_rows(run, set.relation, set.direction)->standing) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "program \"%s\" gathers over rows that its algorithm did not ask for",
                        program->name);
            return false;
        }
        if (gasket_part_row_kind(&run->part->relations[set.relation], set.direction) !=
            program->kind) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "program \"%s\" gathers over rows of another kind of vertices",
                        program->name);
            return false;
        }
    }
    if (may_segment(run, program, on_set)) {
        GasketRowSet set = program->rows[0];
        GasketRowsData *data = gasket_run_rows_data(run, set.relation, set.direction);
        if (data->layout == NULL && !make_layout(run, set, data, error))
            return false;
        *ret_layout = data->layout;
        if (data->layout == NULL)
            data->row_major_only = true;
        return true;
    }
    for (unsigned s = 0; s < program->n_rows; s++)
        if (!gasket_rows_need_whole(run, program->rows[s].relation, program->rows[s].direction,
                                    error))
            return false;
    return true;
}

GasketReaders *
gasket_rows_readers(GasketRun *run, unsigned relation, GasketDirection direction, GError **error)
{
    GasketRowsData *data = gasket_run_rows_data(run, relation, direction);
    const GasketPartRelation *r = &run->part->relations[relation];
    const GasketPartRows *rows = gasket_run_part_rows(run, relation, direction);

    if (data->readers == NULL)
        data->readers =
            gasket_readers_new(&run->part->kinds[gasket_part_row_kind(r, direction)],
                               &run->part->kinds[gasket_part_neighbour_kind(r, direction)], rows,
                               data->layout, rows->n_entries <= UINT32_MAX, error);
    return data->readers;
}
