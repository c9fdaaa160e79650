/* SPDX-License-Identifier: Apache-2.0 */
/* Waking along edges: distances that travel as edge values, each waking whom it is for. */
#include <string.h>

#include "tests/async_runs.h"
#include "tests/everywhere.h"

typedef struct {
    uint64_t distance; /* UINT64_MAX: not reached */
    bool closer;       /* in the run under way */
} State;

static const uint32_t source = 3;

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    State *state = run->state;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        State *own = &state[run->vertex[i]];
        *own = (State){context->ordinal[run->vertex[i]] == source ? 0 : UINT64_MAX, false};
    }
}

/* An edge value is a distance and one, or 0: none came. */
static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint64_t *incoming = rows->incoming;
    uint64_t *sum = sums;
    (void)context;
    if (rows->set != 0)
        return;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            if (incoming[e] != 0)
                sum[rows->sum[r]] = MIN(sum[rows->sum[r]], incoming[e]);
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    State *state = run->state;
    const uint64_t *sum = sums;
    for (size_t i = 0; i < run->count; i++) {
        State *own = &state[run->vertex[i]];
        bool starts = context->ordinal[run->vertex[i]] == source && !own->closer;
        own->closer = sum[run->sum[i]] < own->distance || (starts && own->distance == 0);
        own->distance = MIN(own->distance, sum[run->sum[i]]);
    }
}

/* Along the out-rows, to those whose edge may yet bring them closer. */
static void
scatter(const GasketContext *context, const GasketRows *rows)
{
    const State *state = rows->state;
    uint64_t *outgoing = rows->outgoing;
    if (rows->set != 1)
        return;
    for (size_t r = 0; r < rows->count; r++) {
        const State *own = &state[rows->vertex[r]];
        for (uint64_t e = rows->begin[r]; own->closer && e < rows->end[r]; e++) {
            uint64_t *value = &outgoing[rows->slot[e]];
            if (*value == own->distance + 1)
                continue;
            *value = own->distance + 1;
            gasket_wake(context, rows, e, 1.0f / (float)(1 + own->distance));
        }
    }
}

static bool
spread_run(GasketRun *run, const void *parameters, GError **error)
{
    static const uint64_t none = UINT64_MAX;
    static const GasketRowSet rows[] = {{0, GASKET_IN}, {0, GASKET_OUT}};
    static const GasketProgram start = {.name = "start", .apply = start_apply};
    static const GasketProgram spread = {.name = "spread",
                                         .rows = rows,
                                         .n_rows = 2,
                                         .whole_rows = true,
                                         .sum_size = sizeof(uint64_t),
                                         .identity = &none,
                                         .gather = gather,
                                         .apply = apply,
                                         .scatter = scatter,
                                         .changes = GASKET_CHANGES_NONE,
                                         .wakes = GASKET_WAKES_CHOSEN};
    const GasketProgram *const programs[] = {&spread};
    (void)parameters;
    if (!gasket_run_set_state(run, 0, sizeof(State), error) ||
        !gasket_run_set_edge_value(run, rows[0], sizeof(uint64_t), error) ||
        !gasket_run_step(run, &start, error))
        return false;
    /* Only the source runs unwoken. */
    g_autoptr(GasketVertexSet) first = gasket_vertex_set_new(run, 0);
    GasketVertex v = gasket_run_owned(run, 0, source);
    if (v != GASKET_NO_VERTEX)
        gasket_vertex_set_add(first, v);
    gasket_run_activate(run, first);
    if (!gasket_run_until_quiet(run, programs, 1, error))
        return false;
    ck_assert(gasket_run_is_quiet(run));
    return true;
}

static void
expect_distances(const SmallGraph *graph, uint64_t *distance)
{
    memset(distance, 0xff, graph->n * sizeof *distance);
    distance[source] = 0;
    for (unsigned round = 0; round < graph->n; round++) {
        for (unsigned i = 0; i < graph->m; i++) {
            uint32_t u = graph->source[i], v = graph->target[i];
            if (distance[u] != UINT64_MAX)
                distance[v] = MIN(distance[v], distance[u] + 1);
        }
    }
}

START_TEST(a_woken_neighbour_runs_wherever_it_lives)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("spread", spread_run);
    for (unsigned seed = 0; seed < 4; seed++) {
        SmallGraph graph = {.weights = SMALL_UNWEIGHTED};
        uint64_t expected[SMALL_MAX_VERTICES];
        small_draw(&graph, 20 + seed, 80, 90 + 40 * seed);
        expect_distances(&graph, expected);
        assert_everywhere(&algorithm, &graph, expected);
    }
}
END_TEST

START_TEST(so_it_does_with_the_asynchronous_engine)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("spread", spread_run);
    SmallGraph graph = {.weights = SMALL_UNWEIGHTED};
    uint64_t expected[SMALL_MAX_VERTICES];

    algorithm.engines = 1 << GASKET_ENGINE_ASYNC;
    small_draw(&graph, 21, 80, 200);
    expect_distances(&graph, expected);
    for (AsyncWay way = {0}; next_way(&way, workers, GASKET_CONSISTENCY_VERTEX);) {
        g_autoptr(GasketResult) result =
            run_way(&algorithm, &graph, NULL, GASKET_ENGINE_ASYNC, &way, 3);
        ck_assert_msg(memcmp(gasket_result_column(result, 0), expected,
                             graph.n * sizeof *expected) == 0,
                      "%u workers, %u threads, scheduler %d, consistency %d", way.workers,
                      way.threads, way.scheduler, way.consistency);
    }
}
END_TEST

int
main(void)
{
    TCase *waking = tcase_create("waking");
    tcase_set_timeout(waking, 120);
    tcase_add_test(waking, a_woken_neighbour_runs_wherever_it_lives);
    tcase_add_test(waking, so_it_does_with_the_asynchronous_engine);
    TCase *cases[] = {waking};
    return check_run("wake", cases, G_N_ELEMENTS(cases));
}
