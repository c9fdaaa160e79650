/* SPDX-License-Identifier: Apache-2.0 */
/* Supersteps of small programs in every placement against a serial brute force: row sets, waking,
 * sets, what may change, varying values, scratch, identities and aggregates. */
#include <math.h>

#include "tests/everywhere.h"

#define N SMALL_MAX_VERTICES

typedef struct {
    uint64_t x;
    uint64_t n_runs;
} State;

static const GasketRowSet in_row[] = {{0, GASKET_IN}};
static const GasketRowSet both_rows[] = {{0, GASKET_IN}, {0, GASKET_OUT}};

static void
draw(SmallGraph *graph, unsigned i)
{
    static const unsigned shapes[][2] = {{1, 3}, {8, 20}, {70, 90}, {90, 400}};
    *graph = (SmallGraph){.order = GASKET_ORDER_GIVEN, .text = i % 2, .symmetric = i == 2};
    small_draw(graph, 50 + i, shapes[i][0], shapes[i][1]);
}

static void
gather_fold(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint64_t *value = rows->values;
    uint64_t *sum = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] = fold(sum[rows->sum[r]], value[rows->neighbour[e]]);
}

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    State *state = run->state;
    uint64_t *value = run->value;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        state[v] = (State){.x = context->ordinal[v]};
        value[v] = fold(7, context->ordinal[v]);
    }
}

static const GasketProgram start = {.name = "start", .apply = start_apply};

static bool
set_up(GasketRun *run, GError **error)
{
    return gasket_run_set_state(run, 0, sizeof(State), error) &&
           gasket_run_set_value(run, 0, sizeof(uint64_t), error) &&
           gasket_run_step(run, &start, error);
}

/* ---- every vertex, one and two row sets ------------------------------------------------------ */

static void
all_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint64_t *sum = sums;
    State *state = run->state;
    uint64_t *value = run->value;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        state[v].x = fold(state[v].x, sum[run->sum[i]] + context->step);
        value[v] = state[v].x;
    }
}

static bool
run_all(GasketRun *run, const void *parameters, GError **error)
{
    GasketProgram program = {.name = "all",
                             .sum_size = 8,
                             .gather = gather_fold,
                             .apply = all_apply};
    (void)parameters;
    if (!set_up(run, error))
        return false;
    for (unsigned step = 0; step < 6; step++) {
        program.rows = step % 3 == 2 ? both_rows : in_row;
        program.n_rows = step % 3 == 2 ? 2 : 1;
        program.whole_rows = step == 4;
        if (!gasket_run_step(run, &program, error))
            return false;
    }
    return true;
}

/* The fold over a row of each vertex. */
static void
brute_fold(const SmallRows *rows, const uint64_t *value, uint64_t *sum)
{
    for (unsigned e = 0; e < rows->n; e++)
        sum[rows->entry[e].of] = fold(sum[rows->entry[e].of], value[rows->entry[e].neighbour]);
}

static void
brute_start(const SmallGraph *graph, uint64_t *x, uint64_t *value)
{
    for (unsigned v = 0; v < graph->n; v++) {
        x[v] = v;
        value[v] = fold(7, v);
    }
}

START_TEST(folds_over_one_and_two_row_sets_are_those_of_the_rows)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("all", run_all);
    SmallGraph graph;
    SmallRows rows[2];
    for (unsigned i = 0; i < 4; i++) {
        uint64_t x[N], value[N];
        draw(&graph, i);
        small_rows(&graph, rows);
        brute_start(&graph, x, value);
        for (unsigned step = 0; step < 6; step++) {
            uint64_t sum[N] = {0};
            brute_fold(&rows[0], value, sum);
            if (step % 3 == 2)
                brute_fold(&rows[1], value, sum);
            for (unsigned v = 0; v < graph.n; v++)
                value[v] = x[v] = fold(x[v], sum[v] + step + 1);
        }
        assert_everywhere(&algorithm, &graph, x);
    }
}
END_TEST

/* ---- waking ---------------------------------------------------------------------------------- */

/* What a driver does, the same for the engine and for brute force: step k runs with .wakes, on a
 * set (ordinals k modulo .modulo) or on those awake; .activate: such a set is activated before. */
typedef struct {
    GasketWakes wakes;
    GasketChanges changes;
    unsigned on, activate; /* modulo of the set; 0: no */
    unsigned rarely;       /* a vertex does not change one time in so many; 0: changes one in 3 */
    bool no_apply;         /* sums are computed for nothing */
} Turn;

typedef struct {
    unsigned n_turns;
    const Turn *turns;
} Plan;

static bool
is_changed(const Turn *turn, uint64_t x)
{
    return turn->rarely > 0 ? x % turn->rarely != 0 : x % 3 == 0;
}

static void
turn_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Turn *turn = context->parameters;
    const uint64_t *sum = sums, *published = run->published;
    State *state = run->state;
    uint64_t *value = run->value;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        uint64_t x = fold(fold(state[v].x, sum[run->sum[i]]), published[v] + context->step);
        state[v].x = x;
        if (turn->changes == GASKET_CHANGES_NONE)
            continue;
        if (turn->changes == GASKET_CHANGES_ALL || is_changed(turn, x))
            value[v] = x;
        else
            value[v] = 0xDEAD; /* not marked: nobody may see it */
        if (run->changed != NULL)
            run->changed[i] = is_changed(turn, x);
    }
}

static void
fill_set(GasketRun *run, GasketVertexSet *set, unsigned modulo, unsigned k)
{
    const GasketContext *context = gasket_run_context(run, 0);
    gasket_vertex_set_clear(set);
    for (GasketVertex v = 0; v < context->n_owned; v++)
        if (context->ordinal[v] % modulo == k % modulo)
            gasket_vertex_set_add(set, v);
}

static bool
run_plan(GasketRun *run, const void *parameters, GError **error)
{
    const Plan *plan = parameters;
    g_autoptr(GasketVertexSet) set = gasket_vertex_set_new(run, 0);
    if (!set_up(run, error))
        return false;
    for (unsigned k = 0; k < plan->n_turns; k++) {
        const Turn *turn = &plan->turns[k];
        GasketProgram program = {.name = "turn",
                                 .rows = in_row,
                                 .n_rows = 1,
                                 .sum_size = 8,
                                 .gather = gather_fold,
                                 .apply = turn->no_apply ? NULL : turn_apply,
                                 .changes = turn->changes,
                                 .wakes = turn->wakes,
                                 .parameters = turn};
        if (turn->activate > 0) {
            fill_set(run, set, turn->activate, k);
            gasket_run_activate(run, set);
        }
        if (turn->on > 0)
            fill_set(run, set, turn->on, k);
        if (!(turn->on > 0 ? gasket_run_step_on(run, &program, set, error)
                           : gasket_run_step(run, &program, error)))
            return false;
    }
    return true;
}

static void
brute_plan(const SmallGraph *graph, const SmallRows *rows, const Plan *plan, uint64_t *x)
{
    uint64_t value[N];
    bool active[N];
    brute_start(graph, x, value);
    for (unsigned v = 0; v < graph->n; v++)
        active[v] = true;
    for (unsigned k = 0; k < plan->n_turns; k++) {
        const Turn *turn = &plan->turns[k];
        uint64_t sum[N] = {0}, next[N];
        bool changed[N] = {false};
        brute_fold(rows, value, sum);
        memcpy(next, value, sizeof next);
        for (unsigned v = 0; v < graph->n; v++) {
            if (turn->activate > 0)
                active[v] = v % turn->activate == k % turn->activate;
            bool runs = turn->on > 0                       ? v % turn->on == k % turn->on
                        : turn->wakes == GASKET_WAKES_NONE ? true
                                                           : active[v];
            if (!runs || turn->no_apply)
                continue;
            if (turn->wakes != GASKET_WAKES_NONE)
                active[v] = false;
            x[v] = fold(fold(x[v], sum[v]), value[v] + k + 1);
            changed[v] = turn->changes == GASKET_CHANGES_ALL ||
                         (turn->changes == GASKET_CHANGES_MARKED && is_changed(turn, x[v]));
            if (changed[v])
                next[v] = x[v];
        }
        memcpy(value, next, sizeof value);
        for (unsigned v = 0; v < graph->n; v++)
            if (changed[v] && turn->wakes == GASKET_WAKES_SELF)
                active[v] = true;
        for (unsigned e = 0; e < rows->n; e++)
            if (changed[rows->entry[e].neighbour] && turn->wakes == GASKET_WAKES_READERS)
                active[rows->entry[e].of] = true;
    }
}

static void
assert_plan(const Turn *turns, unsigned n_turns)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("plan", run_plan);
    const Plan plan = {n_turns, turns};
    SmallGraph graph;
    SmallRows rows[2];
    for (unsigned i = 0; i < 4; i++) {
        uint64_t x[N];
        draw(&graph, i);
        small_rows(&graph, rows);
        brute_plan(&graph, &rows[0], &plan, x);
        assert_everywhere_with(&algorithm, &graph, &plan, x);
    }
}

START_TEST(changed_vertices_wake_their_readers_and_nobody_else)
{
    Turn turns[8];
    for (unsigned k = 0; k < 8; k++)
        turns[k] = (Turn){GASKET_WAKES_READERS, GASKET_CHANGES_MARKED, 0, k == 4 ? 3 : 0, 0, false};
    assert_plan(turns, 8);
    turns[0].activate = 5; /* few from the beginning */
    assert_plan(turns, 8);
    for (unsigned k = 0; k < 8; k++)
        turns[k].changes = GASKET_CHANGES_ALL;
    assert_plan(turns, 8);
}
END_TEST

START_TEST(changed_vertices_wake_themselves)
{
    Turn turns[8];
    for (unsigned k = 0; k < 8; k++)
        turns[k] = (Turn){GASKET_WAKES_SELF, GASKET_CHANGES_MARKED, 0, k == 5 ? 2 : 0, 2, false};
    assert_plan(turns, 8);
}
END_TEST

START_TEST(steps_on_sets_use_up_those_that_run)
{
    static const Turn turns[] = {{GASKET_WAKES_READERS, GASKET_CHANGES_MARKED, 3, 0, 0, false},
                                 {GASKET_WAKES_READERS, GASKET_CHANGES_MARKED, 0, 0, 0, false},
                                 {GASKET_WAKES_READERS, GASKET_CHANGES_ALL, 4, 0, 0, false},
                                 {GASKET_WAKES_READERS, GASKET_CHANGES_MARKED, 0, 0, 0, false},
                                 {GASKET_WAKES_NONE, GASKET_CHANGES_ALL, 2, 0, 0, false},
                                 {GASKET_WAKES_READERS, GASKET_CHANGES_MARKED, 0, 0, 0, false}};
    assert_plan(turns, G_N_ELEMENTS(turns));
}
END_TEST

START_TEST(values_that_were_not_marked_stay_as_published)
{
    /* Nearly all change, after a step that changed all: stale values would show. */
    static const Turn turns[] = {{GASKET_WAKES_NONE, GASKET_CHANGES_ALL, 0, 0, 0, false},
                                 {GASKET_WAKES_NONE, GASKET_CHANGES_MARKED, 0, 0, 50, false},
                                 {GASKET_WAKES_NONE, GASKET_CHANGES_ALL, 0, 0, 0, false},
                                 {GASKET_WAKES_NONE, GASKET_CHANGES_MARKED, 0, 0, 20, false},
                                 {GASKET_WAKES_READERS, GASKET_CHANGES_MARKED, 0, 0, 20, false},
                                 {GASKET_WAKES_READERS, GASKET_CHANGES_MARKED, 0, 0, 20, false}};
    assert_plan(turns, G_N_ELEMENTS(turns));
}
END_TEST

START_TEST(steps_that_change_nothing_leave_values_and_wakes_alone)
{
    static const Turn turns[] = {{GASKET_WAKES_READERS, GASKET_CHANGES_MARKED, 0, 0, 0, false},
                                 {GASKET_WAKES_NONE, GASKET_CHANGES_ALL, 0, 0, 0, true},
                                 {GASKET_WAKES_NONE, GASKET_CHANGES_NONE, 0, 0, 0, false},
                                 {GASKET_WAKES_READERS, GASKET_CHANGES_MARKED, 0, 0, 0, false},
                                 {GASKET_WAKES_READERS, GASKET_CHANGES_NONE, 0, 0, 0, false},
                                 {GASKET_WAKES_READERS, GASKET_CHANGES_MARKED, 0, 0, 0, false}};
    assert_plan(turns, G_N_ELEMENTS(turns));
}
END_TEST

/* ---- varying values -------------------------------------------------------------------------- */

/* Bytes of a vertex's value: none for some, more than a frame for one. */
static size_t
varying_size(const GasketContext *context, GasketVertex v, const void *state)
{
    uint32_t ordinal = context->ordinal[v];
    (void)state;
    return ordinal == 3 ? 200000 : 8 * (size_t)(ordinal % 5);
}

static void
varying_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint64_t *sum = sums;
    State *state = run->state;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        state[v].x = fold(state[v].x + context->ordinal[v], sum ? sum[run->sum[i]] : 0);
        uint64_t *value = (uint64_t *)(void *)((char *)run->value + run->value_begin[v]);
        size_t n = (run->value_begin[v + 1] - run->value_begin[v]) / 8;
        for (size_t k = 0; k < n; k++)
            value[k] = fold(state[v].x, k);
        if (run->changed != NULL)
            run->changed[i] = state[v].x % 4 != 0;
    }
}

static void
varying_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    uint64_t *sum = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++) {
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            size_t size;
            const uint64_t *value = gasket_value_of(rows, rows->neighbour[e], &size);
            for (size_t k = 0; k < size / 8; k++)
                sum[rows->sum[r]] = fold(sum[rows->sum[r]], value[k]);
        }
    }
}

static bool
run_varying(GasketRun *run, const void *parameters, GError **error)
{
    const GasketProgram first = {.name = "first", .apply = varying_apply};
    const GasketProgram next = {.name = "next",
                                .rows = in_row,
                                .n_rows = 1,
                                .sum_size = 8,
                                .gather = varying_gather,
                                .apply = varying_apply,
                                .changes = GASKET_CHANGES_MARKED};
    (void)parameters;
    return gasket_run_set_state(run, 0, sizeof(State), error) &&
           gasket_run_set_value_varying(run, 0, varying_size, NULL, error) &&
           gasket_run_step(run, &first, error) && gasket_run_step(run, &next, error) &&
           gasket_run_step(run, &next, error) && gasket_run_step(run, &next, error);
}

START_TEST(values_of_varying_sizes_are_read_whole)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("varying", run_varying);
    SmallGraph graph;
    SmallRows rows[2];
    for (unsigned i = 0; i < 3; i++) {
        uint64_t x[N] = {0}, seed[N] = {0}; /* value k of v is fold(seed[v], k) */
        draw(&graph, i);
        small_rows(&graph, rows);
        for (unsigned step = 0; step < 4; step++) {
            uint64_t sum[N] = {0};
            for (unsigned e = 0; step > 0 && e < rows[0].n; e++) {
                uint32_t v = rows[0].entry[e].of, u = rows[0].entry[e].neighbour;
                for (unsigned k = 0; k < (u == 3 ? 25000 : u % 5); k++)
                    sum[v] = fold(sum[v], fold(seed[u], k));
            }
            for (unsigned v = 0; v < graph.n; v++) {
                x[v] = fold(x[v] + v, sum[v]);
                if (step == 0 || x[v] % 4 != 0)
                    seed[v] = x[v];
            }
        }
        assert_everywhere(&algorithm, &graph, x);
    }
}
END_TEST

int
main(void)
{
    TCase *step = tcase_create("step");
    tcase_set_timeout(step, 240);
    tcase_add_test(step, folds_over_one_and_two_row_sets_are_those_of_the_rows);
    tcase_add_test(step, changed_vertices_wake_their_readers_and_nobody_else);
    tcase_add_test(step, changed_vertices_wake_themselves);
    tcase_add_test(step, steps_on_sets_use_up_those_that_run);
    tcase_add_test(step, values_that_were_not_marked_stay_as_published);
    tcase_add_test(step, steps_that_change_nothing_leave_values_and_wakes_alone);
    tcase_add_test(step, values_of_varying_sizes_are_read_whole);
    TCase *cases[] = {step};
    return check_run("step", cases, G_N_ELEMENTS(cases));
}
