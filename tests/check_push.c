/* SPDX-License-Identifier: Apache-2.0 */
/* Monotone programs: pushing gives what pulling gives, and what brute force gives. */
#include "tests/everywhere.h"

#define N SMALL_MAX_VERTICES

typedef struct {
    uint64_t x;
} State;

/* What a driver does besides spreading the smallest label along rows until nothing changes. */
typedef struct {
    bool pull;      /* the program does not say that it is monotone */
    bool alternate; /* two programs take turns, along in-rows and along out-rows */
    bool sets;      /* steps on a set between */
    bool other;     /* another program changes values between */
    bool narrow;    /* activates one vertex first */
} Plan;

static const uint64_t none = UINT64_MAX;
static const GasketAggregate aggregates[] = {{"ran", GASKET_COUNT, 1}};

static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint64_t *value = rows->values;
    uint64_t *sum = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] = MIN(sum[rows->sum[r]], value[rows->neighbour[e]]);
}

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    State *state = run->state;
    uint64_t *value = run->value;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        value[v] = state[v].x = fold(5, context->ordinal[v]);
    }
}

static void
spread_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint64_t *least = sums;
    State *state = run->state;
    uint64_t *value = run->value;
    gasket_count(context, 0, 0, (int64_t)run->count);
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        if (least[run->sum[i]] < state[v].x) {
            value[v] = state[v].x = least[run->sum[i]];
            run->changed[i] = 1;
        }
    }
}

/* Halves the labels of some vertices. */
static void
other_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    State *state = run->state;
    uint64_t *value = run->value;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        if (context->ordinal[v] % 7 == context->step % 7) {
            value[v] = state[v].x /= 2;
            run->changed[i] = 1;
        }
    }
}

static const GasketProgram start = {.name = "start", .apply = start_apply};
static const GasketProgram other = {.name = "other",
                                    .apply = other_apply,
                                    .changes = GASKET_CHANGES_MARKED};
static const GasketRowSet row[] = {{0, GASKET_IN}, {0, GASKET_OUT}};

static GasketProgram
spread_program(const Plan *plan, unsigned step)
{
    return (GasketProgram){.name = "spread",
                           .rows = plan->alternate ? &row[step % 2] : row,
                           .n_rows = 1,
                           .sum_size = 8,
                           .identity = &none,
                           .gather = gather,
                           .apply = spread_apply,
                           .changes = GASKET_CHANGES_MARKED,
                           .wakes = GASKET_WAKES_READERS,
                           .monotone = !plan->pull,
                           .aggregates = 1};
}

#define STEPS 120

static bool
spread_run(GasketRun *run, const void *parameters, GError **error)
{
    const Plan *plan = parameters;
    const GasketContext *context = gasket_run_context(run, 0);
    int64_t ran = 0;
    g_autoptr(GasketVertexSet) set = gasket_vertex_set_new(run, 0);
    if (!gasket_run_set_aggregates(run, aggregates, 1, error) ||
        !gasket_run_set_state(run, 0, sizeof(State), error) ||
        !gasket_run_set_value(run, 0, 8, error) || !gasket_run_step(run, &start, error))
        return false;
    for (GasketVertex v = 0; v < context->n_owned; v++)
        if (plan->narrow ? context->ordinal[v] == 0 : context->ordinal[v] % 3 == 0)
            gasket_vertex_set_add(set, v);
    if (plan->narrow)
        gasket_run_activate(run, set);
    for (unsigned step = 0; step < STEPS; step++) {
        GasketProgram program = spread_program(plan, step);
        if (plan->other && step % 9 == 8 && !gasket_run_step(run, &other, error))
            return false;
        if (!(plan->sets && step % 4 == 1 ? gasket_run_step_on(run, &program, set, error)
                                          : gasket_run_step(run, &program, error)))
            return false;
        ran += gasket_run_total_count(run, 0, 0);
    }
    gasket_run_set_metric(run, "ran", (double)ran);
    return true;
}

/* What remains is a fixed point, so the order of steps does not matter but for what a plan cuts
 * off: brute force does the same steps. */
static void
brute_spread(const SmallGraph *graph, const SmallRows rows[2], const Plan *plan, uint64_t *x)
{
    bool active[N];
    unsigned engine_step = 1;
    for (unsigned v = 0; v < graph->n; v++) {
        x[v] = fold(5, v);
        active[v] = !plan->narrow || v == 0;
    }
    for (unsigned step = 0; step < STEPS; step++) {
        uint64_t next[N];
        bool changed[N] = {false};
        const SmallRows *along = &rows[plan->alternate ? step % 2 : 0];
        if (plan->other && step % 9 == 8) {
            for (unsigned v = 0; v < graph->n; v++)
                if (v % 7 == engine_step % 7)
                    x[v] /= 2;
            engine_step++;
        }
        memcpy(next, x, sizeof next);
        for (unsigned e = 0; e < along->n; e++) {
            uint32_t v = along->entry[e].of, u = along->entry[e].neighbour;
            bool runs = plan->sets && step % 4 == 1 ? v % 3 == 0 : !plan->narrow || active[v];
            if (runs && x[u] < next[v]) {
                next[v] = x[u];
                changed[v] = true;
            }
        }
        memcpy(x, next, sizeof next);
        memset(active, 0, sizeof active);
        for (unsigned e = 0; e < along->n; e++)
            active[along->entry[e].of] |= changed[along->entry[e].neighbour];
        engine_step++;
    }
}

/* A path, so that it takes long and few change at a time, and some edges across. */
static void
draw_path(SmallGraph *graph, unsigned i)
{
    *graph = (SmallGraph){.order = GASKET_ORDER_GIVEN, .symmetric = i == 1, .n = N, .m = N - 1};
    for (unsigned v = 1; v < N; v++) {
        graph->source[v - 1] = v - 1;
        graph->target[v - 1] = v;
        graph->weight[v - 1] = 1;
    }
    if (i == 2)
        small_draw(graph, 9, N, 120);
}

static void
assert_spread(const Plan *plan, bool pushes)
{
    GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("spread", spread_run);
    SmallGraph graph;
    SmallRows rows[2];
    for (unsigned i = 0; i < 3; i++) {
        uint64_t x[N];
        draw_path(&graph, i);
        small_rows(&graph, rows);
        brute_spread(&graph, rows, plan, x);
        assert_everywhere_with(&algorithm, &graph, plan, x);
        g_autoptr(GasketResult) one = run_placed(&algorithm, &graph, plan, 1, 1, 0, 0);
        g_autoptr(GasketResult) four = run_placed(&algorithm, &graph, plan, 4, 2, 1, 0);
        double ran = gasket_result_metric(one, "ran");
        ck_assert(ran == gasket_result_metric(four, "ran"));
        if (pushes)
            ck_assert_msg(ran < (double)STEPS * N / 2, "%.0f runs of vertices: it did not push",
                          ran);
    }
}

START_TEST(a_monotone_program_pushes_and_ends_as_if_it_pulled)
{
    assert_spread(&(Plan){.pull = true}, false);
    assert_spread(&(Plan){.pull = false}, true);
}
END_TEST

START_TEST(what_one_program_changed_another_one_does_not_miss)
{
    assert_spread(&(Plan){.alternate = true}, false);
    assert_spread(&(Plan){.other = true}, true);
}
END_TEST

START_TEST(a_step_on_a_set_or_an_activation_does_not_lose_changes)
{
    assert_spread(&(Plan){.narrow = true}, true);
    assert_spread(&(Plan){.narrow = true, .pull = true}, true);
}
END_TEST

/* ---- two kinds ------------------------------------------------------------------------------- */

/* One kind with many ghosts and few vertices, then one with many vertices: what the first needed
 * to push with is too little for the second. */
static GasketGraph *
two_kinds(const void *data)
{
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    (void)data;
    for (unsigned k = 0; k < 2; k++) {
        g_autofree char *name = g_strdup_printf("kind%u", k);
        gasket_graph_builder_add_kind(builder, name);
        gasket_graph_builder_add_relation(builder, name, k, k, true);
    }
    for (unsigned k = 0; k < 2; k++) {
        for (int64_t v = 1; v < (k ? 5000 : 6000); v++) {
            const int64_t source[] = {v - 1}, target[] = {v};
            ck_assert(gasket_graph_builder_add_edges(builder, k, 1, source, target, NULL, NULL));
        }
    }
    const GasketGraphRules rules = {.order = GASKET_ORDER_GIVEN};
    return gasket_graph_builder_finish_take(&builder, &rules, NULL);
}

static bool
kinds_run(GasketRun *run, const void *parameters, GError **error)
{
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, 1, error))
        return false;
    for (unsigned k = 0; k < 2; k++) {
        const GasketRowSet along[] = {{k, GASKET_IN}};
        GasketProgram first = start;
        GasketProgram spread = spread_program(&(Plan){.pull = false}, 0);
        first.kind = spread.kind = k;
        spread.rows = along;
        if (!gasket_run_set_state(run, k, sizeof(State), error) ||
            !gasket_run_set_value(run, k, 8, error) || !gasket_run_step(run, &first, error))
            return false;
        do {
            if (!gasket_run_step(run, &spread, error))
                return false;
        } while (gasket_run_n_changed(run, k) > 0);
    }
    return true;
}

START_TEST(kinds_take_turns_to_push)
{
    static const GasketNeeds needs[] = {{.in_rows = true}, {.in_rows = true}};
    static const GasketResultColumn results[] = {{.name = "x", .kind = 0, .type = GASKET_INT64},
                                                 {.name = "y", .kind = 1, .type = GASKET_INT64}};
    const GasketAlgorithm algorithm = {.abi = GASKET_ABI,
                                       .name = "kinds",
                                       .needs = needs,
                                       .n_needs = 2,
                                       .results = results,
                                       .n_results = 2,
                                       .run = kinds_run};
    /* Rank 0 owns one in fifty of the first kind and everything of the second. */
    g_autofree uint32_t *owner0 = g_new(uint32_t, 6000), *owner1 = g_new0(uint32_t, 5000);
    for (unsigned v = 0; v < 6000; v++)
        owner0[v] = v % 50 == 0 ? 0 : 1;
    const uint32_t *const part[] = {owner0, owner1};
    for (unsigned workers = 1; workers <= 2; workers++) {
        GasketRunOptions options = {.workers = workers,
                                    .threads = 2,
                                    .part = workers == 2 ? part : NULL};
        g_autoptr(GError) error = NULL;
        GasketGraph *graph = two_kinds(NULL);
        g_autoptr(GasketResult) result =
            gasket_algorithm_run(&algorithm, &graph, NULL, &options, &error);
        ck_assert_no_error(error);
        for (unsigned k = 0; k < 2; k++) {
            const uint64_t *x = gasket_result_column(result, k);
            uint64_t least = UINT64_MAX;
            for (uint64_t v = 0; v < gasket_result_n(result, k); v++)
                least = MIN(least, fold(5, v));
            for (uint32_t v = 0; v < gasket_result_n(result, k); v++)
                ck_assert_uint_eq(x[v], least);
        }
    }
}
END_TEST

int
main(void)
{
    TCase *push = tcase_create("push");
    tcase_set_timeout(push, 240);
    tcase_add_test(push, a_monotone_program_pushes_and_ends_as_if_it_pulled);
    tcase_add_test(push, what_one_program_changed_another_one_does_not_miss);
    tcase_add_test(push, a_step_on_a_set_or_an_activation_does_not_lose_changes);
    tcase_add_test(push, kinds_take_turns_to_push);
    TCase *cases[] = {push};
    return check_run("push", cases, G_N_ELEMENTS(cases));
}
