/* SPDX-License-Identifier: Apache-2.0 */
/* One superstep of a program: preparing it, running its chunks. See step.h. */
#include "engine/step.h"

#include <string.h>
#include <unistd.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/push.h"
#include "engine/rows_use.h"

/* ---- sums ------------------------------------------------------------------------------------- */

void
gasket_step_clear_sums(const GasketProgram *program, void *sums, size_t n)
{
    size_t size = program->sum_size;

    if (program->identity == NULL) {
        memset(sums, 0, n * size);
        return;
    }
    if (size == sizeof(uint64_t)) {
        uint64_t identity, *sum = sums;
        memcpy(&identity, program->identity, sizeof identity);
        for (size_t i = 0; i < n; i++)
            sum[i] = identity;
        return;
    }
    for (size_t i = 0; i < n; i++)
        memcpy((uint8_t *)sums + i * size, program->identity, size);
}

/* Grows a buffer that is written before it is read. */
static bool
need(uint8_t **buffer, size_t *size, uint64_t n, size_t each, GError **error)
{
    uint64_t bytes;
    if (!g_uint64_checked_mul(&bytes, n, each)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "sums are too large");
        return false;
    }
    if (bytes <= *size)
        return true;
    gasket_array_free(*buffer);
    *size = 0;
    *buffer = gasket_array_new(bytes, 1, error);
    if (*buffer == NULL)
        return false;
    *size = bytes;
    return true;
}

bool
gasket_step_need_sums(GasketStep *step, GError **error)
{
    GasketRun *run = step->run;
    return need(&run->sums, &run->sums_size, step->part->n_owned, step->program->sum_size, error);
}

/* ---- blocks ----------------------------------------------------------------------------------- */

static void
mark_changed(GasketStep *step, GasketThread *thread, const uint32_t *vertex, size_t count)
{
    GasketKindData *kind = step->kind;

    if (step->program->changes == GASKET_CHANGES_ALL) {
        thread->n_changed += count;
        for (size_t i = 0; !step->full && i < count; i++)
            gasket_bitset_add(kind->changed_owned, vertex[i]);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!thread->changed[i])
            continue;
        thread->n_changed++;
        if (step->degree != NULL)
            thread->changed_degree += step->degree[vertex[i]];
        gasket_bitset_add(kind->changed_owned, vertex[i]);
    }
}

void
gasket_step_apply(GasketStep *step, GasketThread *thread, const uint32_t *vertex,
                  const uint32_t *slot, size_t count, const void *sums)
{
    const GasketProgram *program = step->program;
    bool marked = program->changes == GASKET_CHANGES_MARKED;

    thread->n_ran += count;
    if (program->apply == NULL)
        return;
    if (marked)
        memset(thread->changed, 0, count);
    GasketVertices run = {.count = count,
                          .vertex = vertex,
                          .sum = slot,
                          .state = step->kind->state,
                          .value = step->values.bytes,
                          .published = step->kind->current,
                          .value_begin = step->kind->value_begin,
                          .changed = marked ? thread->changed : NULL};
    program->apply(&thread->context, &run, sums);
    if (step->publishes)
        mark_changed(step, thread, vertex, count);
}

/* The rows of a block in each row set: vertices first .. if all run, else those listed. */
static void
point_at_rows(const GasketStep *step, GasketThread *thread, unsigned set, size_t count,
              GasketRows *rows)
{
    const uint64_t *offset = step->offset[set];
    const uint32_t *vertex = thread->vertex;

    *rows = step->rows[set];
    rows->count = count;
    rows->vertex = vertex;
    rows->sum = thread->slot;
    if (step->active == NULL) {
        rows->begin = offset + vertex[0];
        rows->end = offset + vertex[0] + 1;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        thread->begin[set][i] = offset[vertex[i]];
        thread->end[set][i] = offset[vertex[i] + 1];
    }
    rows->begin = thread->begin[set];
    rows->end = thread->end[set];
}

/* Gather, apply, scatter on thread->vertex[0 .. count - 1]. */
static void
run_block(GasketStep *step, GasketThread *thread, size_t count)
{
    const GasketProgram *program = step->program;
    GasketRows rows[GASKET_MAX_ROW_SETS];

    for (unsigned s = 0; s < program->n_rows; s++)
        point_at_rows(step, thread, s, count, &rows[s]);
    if (program->gather != NULL) {
        gasket_step_clear_sums(program, thread->sums, count);
        for (unsigned s = 0; s < program->n_rows; s++)
            program->gather(&thread->context, &rows[s], thread->sums);
    }
    gasket_step_apply(step, thread, thread->vertex, thread->slot, count, thread->sums);
    for (unsigned s = 0; program->scatter != NULL && s < program->n_rows; s++)
        program->scatter(&thread->context, &rows[s]);
}

static void
run_rows_chunk(GasketStep *step, GasketThread *thread, uint32_t first, uint32_t end)
{
    if (step->active == NULL) {
        for (uint32_t v = first; v < end; v += (uint32_t)step->block_rows) {
            uint32_t count = MIN(end - v, (uint32_t)step->block_rows);
            for (uint32_t i = 0; i < count; i++)
                thread->vertex[i] = v + i;
            run_block(step, thread, count);
        }
        return;
    }
    size_t count = 0;
    for (uint32_t v = gasket_bitset_next(step->active, first, end); v < end;
         v = gasket_bitset_next(step->active, v + 1, end)) {
        thread->vertex[count++] = v;
        if (count == step->block_rows) {
            run_block(step, thread, count);
            count = 0;
        }
    }
    if (count > 0)
        run_block(step, thread, count);
}

static void
run_segments_chunk(GasketStep *step, GasketThread *thread, unsigned chunk)
{
    const GasketLayout *layout = step->layout;
    const GasketProgram *program = step->program;
    uint32_t first = layout->chunks->begin[chunk], end = layout->chunks->begin[chunk + 1];
    GasketRows rows = step->rows[0];
    uint8_t *sums = step->run->sums;

    gasket_step_clear_sums(program, sums + (size_t)first * program->sum_size, end - first);
    for (unsigned s = 0; s < layout->n_segments; s++) {
        const uint64_t *piece = layout->piece_first + (size_t)chunk * layout->n_segments + s;
        if (piece[0] == piece[1])
            continue;
        rows.count = piece[1] - piece[0];
        rows.vertex = rows.sum = layout->row + piece[0];
        rows.begin = layout->begin + piece[0];
        rows.end = layout->begin + piece[0] + 1;
        program->gather(&thread->context, &rows, sums);
    }
    for (uint32_t v = first; v < end; v += GASKET_BLOCK_ROWS) {
        uint32_t count = MIN(end - v, GASKET_BLOCK_ROWS);
        for (uint32_t i = 0; i < count; i++)
            thread->vertex[i] = v + i;
        gasket_step_apply(step, thread, thread->vertex, thread->vertex, count, sums);
    }
}

/* ---- threads ---------------------------------------------------------------------------------- */

static void
work(void *data, unsigned index)
{
    GasketStep *step = data;
    GasketThread *thread = &step->run->threads[index];

    for (;;) {
        unsigned chunk = atomic_fetch_add_explicit(&step->next_chunk, 1, memory_order_relaxed);
        if (chunk >= step->end_chunk)
            return;
        if (step->layout != NULL)
            run_segments_chunk(step, thread, chunk);
        else
            run_rows_chunk(step, thread, step->chunks->begin[chunk], step->chunks->begin[chunk + 1]);
        /* The driver's thread keeps the network busy between its chunks. */
        if (index == 0 && step->part->n_local > 0 && step->run->part->size > 1 &&
            step->error == NULL)
            (void)gasket_exchange_pump(step->run->exchange, &step->error);
    }
}

static void
run_chunks(GasketStep *step, unsigned first, unsigned end)
{
    atomic_store(&step->next_chunk, first);
    step->end_chunk = end;
    if (first < end)
        gasket_pool_run(step->run->pool, work, step);
}

/* ---- preparing -------------------------------------------------------------------------------- */

static bool
prepare_values(GasketStep *step, const GasketVertexSet *set, GError **error)
{
    GasketRun *run = step->run;
    const GasketProgram *program = step->program;
    GasketKindData *kind = step->kind;
    bool reads_own = false;

    for (unsigned s = 0; s < program->n_rows; s++) {
        const GasketPartRelation *relation = &run->part->relations[program->rows[s].relation];
        if (gasket_part_neighbour_kind(relation, program->rows[s].direction) == program->kind)
            reads_own = true;
    }
    step->publishes = program->changes != GASKET_CHANGES_NONE && kind->current != NULL;
    step->all_run = program->wakes == GASKET_WAKES_NONE && set == NULL;
    step->full = program->changes == GASKET_CHANGES_ALL && step->all_run;
    step->in_place = !reads_own;
    if (step->publishes && !step->in_place && kind->next == NULL) {
        uint64_t bytes = kind->value_begin != NULL
                             ? kind->value_begin[step->part->n_local]
                             : (uint64_t)step->part->n_local * kind->value_size;
        kind->next = gasket_array_new(bytes, 1, error);
        if (kind->next == NULL)
            return false;
        memcpy(kind->next, kind->current, bytes);
    }
    step->values = (GasketValues){.part = step->part,
                                  .kind = program->kind,
                                  .size = kind->value_size,
                                  .begin = kind->value_begin,
                                  .bytes = step->in_place ? kind->current : kind->next};
    return true;
}

static void
prepare_rows(GasketStep *step, unsigned s)
{
    GasketRun *run = step->run;
    GasketRowSet set = step->program->rows[s];
    const GasketPartRelation *relation = &run->part->relations[set.relation];
    const GasketRowsData *data = gasket_run_rows_data(run, set.relation, set.direction);
    const GasketPartRows *part_rows = gasket_run_part_rows(run, set.relation, set.direction);
    unsigned other = gasket_part_neighbour_kind(relation, set.direction);

    step->offset[s] = part_rows->offset;
    step->rows[s] = (GasketRows){.neighbour = part_rows->neighbour,
                                 .set = s,
                                 .values = run->kinds[other].current,
                                 .value_begin = run->kinds[other].value_begin,
                                 .neighbour_number = run->part->kinds[other].number,
                                 .column = data->columns,
                                 .n_columns = relation->n_columns,
                                 .edge_state = data->edge_state,
                                 .incoming = data->values.current,
                                 .incoming_begin = data->values.begin,
                                 .state = step->kind->state};
}

/* Who reads a vertex's value, if that is known without a pass: for the choice to push. */
static const uint32_t *
reader_degree(const GasketStep *step)
{
    if (step->program->n_rows == 0)
        return NULL;
    GasketRowSet set = step->program->rows[0];
    const GasketPartRelation *relation = &step->run->part->relations[set.relation];
    if (relation->source != relation->target)
        return NULL;
    return set.direction == GASKET_IN ? relation->out_degree : relation->in_degree;
}

static bool
prepare_threads(GasketStep *step, GError **error)
{
    GasketRun *run = step->run;
    const GasketProgram *program = step->program;
    const GasketPartRelation *relation =
        program->n_rows > 0 ? &run->part->relations[program->rows[0].relation]
                            : (run->part->n_relations > 0 ? &run->part->relations[0] : NULL);

    step->block_rows = GASKET_BLOCK_ROWS;
    if (program->sum_size > 0)
        step->block_rows = CLAMP((256u << 10) / program->sum_size, 1, GASKET_BLOCK_ROWS);
    for (unsigned t = 0; t < run->n_threads; t++) {
        GasketThread *thread = &run->threads[t];
        if (!need(&thread->sums, &thread->sums_size, step->block_rows, program->sum_size, error) ||
            !need(&thread->scratch, &thread->scratch_size, program->scratch_size, 1, error))
            return false;
        if (program->scratch_size > 0)
            memset(thread->scratch, 0, program->scratch_size);
        gasket_run_fill_context(run, &thread->context, program->kind, relation);
        thread->context.step = run->step;
        thread->context.parameters = program->parameters;
        thread->context.scratch = program->scratch_size > 0 ? thread->scratch : NULL;
        thread->context.thread = thread;
        thread->n_ran = thread->n_changed = thread->changed_degree = 0;
        gasket_partials_reset(&thread->partials, program->aggregates);
    }
    gasket_partials_reset(&run->own, program->aggregates);
    gasket_partials_reset(&run->all, program->aggregates);
    return true;
}

/* Who runs: a set, those woken, or all. Woken vertices are used up. */
static void
prepare_active(GasketStep *step, const uint64_t *set)
{
    GasketKindData *kind = step->kind;
    uint32_t n = step->part->n_owned;

    step->active = set;
    if (set != NULL || step->program->wakes == GASKET_WAKES_NONE || step->program->monotone)
        return;
    if (kind->all_active) {
        kind->all_active = false;
        gasket_bitset_clear(kind->active, n);
        return;
    }
    memcpy(kind->active + gasket_bitset_words(n), kind->active,
           gasket_bitset_words(n) * sizeof *kind->active);
    step->active = kind->active + gasket_bitset_words(n);
    gasket_bitset_clear(kind->active, n);
}

/* ---- the step --------------------------------------------------------------------------------- */

static void
sum_up(GasketStep *step)
{
    GasketRun *run = step->run;

    for (unsigned t = 0; t < run->n_threads; t++) {
        GasketThread *thread = &run->threads[t];
        gasket_partials_merge(&run->own, &thread->partials, step->program->aggregates);
        step->own.n_ran += thread->n_ran;
        step->own.n_changed += thread->n_changed;
        step->own.changed_degree += thread->changed_degree;
    }
    step->own.stop_asked = run->stop != NULL && *run->stop > 0;
    step->all_done = true;
}

static bool
run_all_chunks(GasketStep *step, bool push, GError **error)
{
    GasketRun *run = step->run;
    bool several = run->part->size > 1;

    if (several)
        gasket_exchange_begin(run->exchange, &gasket_step_round, step);
    if (push) {
        gasket_push_run(step);
    } else {
        unsigned boundary = step->chunks->n_boundary;
        run_chunks(step, 0, boundary);
        step->boundary_done = true;
        run_chunks(step, boundary, step->chunks->n);
    }
    step->boundary_done = true;
    sum_up(step);
    if (step->error != NULL) {
        g_propagate_error(error, g_steal_pointer(&step->error));
        return false;
    }
    return !several || gasket_exchange_finish(run->exchange, error);
}

static void
finish(GasketStep *step)
{
    GasketRun *run = step->run;
    uint64_t mask = step->program->aggregates;

    gasket_partials_merge(&run->all, &run->own, mask);
    gasket_partials_finish(&run->all, &run->totals, mask);
    step->all.n_ran += step->own.n_ran;
    step->all.n_changed += step->own.n_changed;
    step->all.changed_degree += step->own.changed_degree;
    step->all.bytes_sent += step->own.bytes_sent;
    step->all.stop_asked |= step->own.stop_asked;
    if (step->publishes) {
        step->kind->n_changed = step->all.n_changed;
        step->kind->changed_degree = step->all.changed_degree;
    }
    run->under_way.active += step->all.n_ran;
    run->under_way.bytes_sent += step->all.bytes_sent;
    run->stop_asked |= step->all.stop_asked != 0;
    run->step++;
}

static bool
choose_chunks(GasketStep *step, const GasketVertexSet *set, GError **error)
{
    GasketRun *run = step->run;
    const GasketProgram *program = step->program;

    if (!gasket_rows_use(run, program, set != NULL, &step->layout, error))
        return false;
    if (step->layout != NULL) {
        step->chunks = step->layout->chunks;
        return gasket_step_need_sums(step, error);
    }
    step->chunks = gasket_rows_chunks(run, program, error);
    return step->chunks != NULL;
}

static bool
run_step(GasketRun *run, const GasketProgram *program, const GasketVertexSet *set,
         const uint64_t *bits, GError **error)
{
    int64_t began = g_get_monotonic_time();
    g_autofree GasketStepPeer *peers = g_new0(GasketStepPeer, run->part->size);
    GasketStep step = {.run = run, .program = program, .peers = peers};

    step.kind = &run->kinds[program->kind];
    step.part = &run->part->kinds[program->kind];
    step.degree = program->monotone ? reader_degree(&step) : NULL;
    if (!prepare_values(&step, set, error) || !choose_chunks(&step, set, error) ||
        !prepare_threads(&step, error))
        return false;
    for (unsigned s = 0; s < program->n_rows; s++)
        prepare_rows(&step, s);
    if (program->scatter != NULL && !gasket_edges_prepare(&step, error))
        return false;
    bool push = set == NULL && gasket_push_pays(&step);
    if (push && !gasket_push_prepare(&step, error))
        return false;
    prepare_active(&step, bits);
    if (step.publishes) {
        gasket_bitset_clear(step.kind->changed_owned, step.part->n_owned);
        gasket_bitset_clear(step.kind->changed_ghosts, step.part->n_local - step.part->n_owned);
        step.kind->all_changed = step.full;
    }
    run->under_way.pushed += push;
    if (!run_all_chunks(&step, push, error))
        return false;
    finish(&step);
    gasket_step_commit(&step);
    bool woken = gasket_step_wake(&step, error);
    run->step_seconds += (double)(g_get_monotonic_time() - began) / 1e6;
    return woken;
}

bool
gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error)
{
    return run_step(run, program, NULL, NULL, error);
}

bool
gasket_run_step_on(GasketRun *run, const GasketProgram *program, const GasketVertexSet *set,
                   GError **error)
{
    return run_step(run, program, set, gasket_vertex_set_bits(set, program->kind), error);
}
