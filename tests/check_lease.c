/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: what holders write comes home and goes on to every ghost, in every placement. */
#include "tests/everywhere.h"

#define N SMALL_MAX_VERTICES

typedef struct {
    uint64_t x;
} State;

static const GasketRowSet in_row[] = {{0, GASKET_IN}};

/* Sizes of values: 8 bytes, or varying with one that no frame can hold. */
typedef struct {
    bool varying;
    bool impossible; /* a holder is named that has no copy */
} Plan;

static size_t
varying_size(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)state;
    return context->ordinal[v] == 4 ? 1500000 : 8 * (1 + (size_t)context->ordinal[v] % 3);
}

static uint64_t *
words_of(const GasketContext *context, void *values, const uint64_t *begin, GasketVertex v,
         uint64_t *ret_n)
{
    (void)context;
    *ret_n = begin ? (begin[v + 1] - begin[v]) / 8 : 1;
    return begin ? (uint64_t *)(void *)((char *)values + begin[v]) : (uint64_t *)values + v;
}

/* Reads every word of every neighbour's value. */
static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    uint64_t *sum = sums;
    for (size_t r = 0; r < rows->count; r++) {
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            uint64_t n;
            const uint64_t *word =
                words_of(context, (void *)rows->values, rows->value_begin, rows->neighbour[e], &n);
            for (uint64_t k = 0; k < n; k++)
                sum[rows->sum[r]] = fold(sum[rows->sum[r]], word[k]);
        }
    }
}

/* ... and of its own. */
static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint64_t *sum = sums;
    State *state = run->state;
    for (size_t i = 0; i < run->count; i++) {
        uint64_t n,
            *own = words_of(context, (void *)run->published, run->value_begin, run->vertex[i], &n);
        state[run->vertex[i]].x = fold(sum[run->sum[i]] + own[n - 1], own[0]);
    }
}

/* Each vertex goes to one of the ranks that have it, of their own or as a ghost: another one every
 * round. Free with g_free. */
static uint32_t *
choose_holders(GasketRun *run, unsigned round, GError **error)
{
    const GasketContext *context = gasket_run_context(run, 0);
    unsigned size = gasket_run_n_workers(run), rank = gasket_run_rank(run);
    g_autofree double *reads = g_new0(double, (size_t)N *size);
    uint32_t n_local = gasket_run_n_local(run, 0);
    /* reads[number * size + rank]: has a copy */
    for (GasketVertex v = 0; v < n_local; v++)
        reads[(size_t)context->number[v] * size + rank] = 1;
    if (!gasket_run_reduce_max(run, reads, (size_t)N * size, error))
        return NULL;
    uint32_t *holder = g_new(uint32_t, context->n_owned + 1);
    for (GasketVertex v = 0; v < context->n_owned; v++) {
        unsigned wanted = (context->number[v] + round) % size;
        while (reads[(size_t)context->number[v] * size + wanted] == 0)
            wanted = (wanted + 1) % size;
        holder[v] = wanted;
    }
    return holder;
}

/* The holder writes: words that depend on the vertex, the round and what was there. */
static void
write_leased(GasketRun *run, const GasketLease *lease, const uint64_t *begin, unsigned round)
{
    const GasketContext *context = gasket_run_context(run, 0);
    uint32_t n_held;
    const GasketVertex *held = gasket_lease_vertices(lease, &n_held);
    for (uint32_t i = 0; i < n_held; i++) {
        g_assert(i == 0 || context->number[held[i - 1]] < context->number[held[i]]);
        uint64_t n, *word = words_of(context, gasket_lease_values(lease), begin, held[i], &n);
        for (uint64_t k = 0; k < n; k++)
            word[k] = fold(word[k] + context->number[held[i]] + k, round);
    }
}

static bool
lease_run(GasketRun *run, const void *parameters, GError **error)
{
    const Plan *plan = parameters;
    const GasketProgram read = {.name = "read",
                                .rows = in_row,
                                .n_rows = 1,
                                .sum_size = 8,
                                .gather = gather,
                                .apply = apply,
                                .changes = GASKET_CHANGES_NONE};
    if (!gasket_run_set_state(run, 0, sizeof(State), error) ||
        !(plan->varying ? gasket_run_set_value_varying(run, 0, varying_size, NULL, error)
                        : gasket_run_set_value(run, 0, 8, error)))
        return false;
    for (unsigned round = 0; round < 3; round++) {
        g_autoptr(GasketRows) rows = gasket_run_rows(run, in_row[0], error);
        g_autofree uint32_t *holder = rows ? choose_holders(run, round, error) : NULL;
        GasketLease *lease;
        if (holder == NULL)
            return false;
        if (plan->impossible && gasket_run_rank(run) == 0 && gasket_run_n_owned(run, 0) > 0)
            holder[0] = gasket_run_n_workers(run) + 5;
        if (!gasket_run_lease_begin(run, 0, holder, &lease, error)) {
            if (!plan->impossible || !g_error_matches(*error, GASKET_ERROR, GASKET_ERROR_ARGUMENT))
                return false;
            g_clear_error(error);
            State *state = gasket_run_state(run, 0);
            for (GasketVertex v = 0; v < gasket_run_n_owned(run, 0); v++)
                state[v].x = 77; /* refused, and the run goes on */
            return gasket_run_step(run, &(GasketProgram){.name = "none"}, error);
        }
        write_leased(run, lease, rows->value_begin, round);
        if (!gasket_run_lease_end_take(run, &lease, error) || lease != NULL ||
            !gasket_run_step(run, &read, error))
            return false;
    }
    return true;
}

START_TEST(what_holders_write_comes_home_and_to_all_ghosts)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("lease", lease_run);
    for (unsigned i = 0; i < 2; i++) {
        const Plan plan = {.varying = i == 1};
        SmallGraph graph = {.order = GASKET_ORDER_GIVEN};
        SmallRows rows[2];
        uint64_t x[N];
        small_draw(&graph, 31, i ? 40 : N, 200);
        small_rows(&graph, rows);
        uint64_t *word[N], n[N];
        for (unsigned v = 0; v < graph.n; v++) {
            n[v] = !plan.varying ? 1 : v == 4 ? 187500 : 1 + v % 3;
            word[v] = g_new0(uint64_t, n[v]);
        }
        for (unsigned round = 0; round < 3; round++)
            for (unsigned v = 0; v < graph.n; v++)
                for (uint64_t k = 0; k < n[v]; k++)
                    word[v][k] = fold(word[v][k] + v + k, round);
        memset(x, 0, sizeof x);
        for (unsigned e = 0; e < rows[0].n; e++) {
            uint32_t v = rows[0].entry[e].of, u = rows[0].entry[e].neighbour;
            for (uint64_t k = 0; k < n[u]; k++)
                x[v] = fold(x[v], word[u][k]);
        }
        for (unsigned v = 0; v < graph.n; v++)
            x[v] = fold(x[v] + word[v][n[v] - 1], word[v][0]);
        assert_everywhere_with(&algorithm, &graph, &plan, x);
        for (unsigned v = 0; v < graph.n; v++)
            g_free(word[v]);
    }
}
END_TEST

START_TEST(a_holder_without_the_vertex_is_an_error_on_every_rank)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("impossible", lease_run);
    const Plan plan = {.impossible = true};
    SmallGraph graph = {.order = GASKET_ORDER_GIVEN};
    small_draw(&graph, 31, N, 200);
    for (unsigned workers = 1; workers <= 5; workers++) {
        g_autoptr(GasketResult) result =
            run_placed(&algorithm, &graph, &plan, workers, 1, workers > 1, 0);
        const uint64_t *x = gasket_result_column(result, 0);
        for (unsigned v = 0; v < graph.n; v++)
            ck_assert_uint_eq(x[v], 77);
    }
}
END_TEST

/* ---- a small block-stratified update --------------------------------------------------------- */

/* As in stochastic gradient descent on blocks: in phase s, block b of the sources works on the
 * targets of block (b + s) mod B, one edge after the other in order of numbers. Block b of the
 * sources belongs to worker b mod workers, and so do the targets at first. The serial order of the
 * edges is (phase, block, source, row), whatever the number of workers. */
#define BLOCKS 4u

static unsigned
block_of(uint32_t number)
{
    return number % BLOCKS;
}

static void
update_edge(uint64_t *source, uint64_t *target)
{
    uint64_t before = *source;
    *source = fold(*source, *target);
    *target = fold(*target + 1, before);
}

static const GasketRowSet out_row[] = {{0, GASKET_OUT}};

static bool
work_on_blocks(GasketRun *run, unsigned phase, const GasketLease *lease, GError **error)
{
    const GasketContext *context = gasket_run_context(run, 0);
    g_autoptr(GasketRows) rows = gasket_run_rows(run, out_row[0], error);
    State *state = gasket_run_state(run, 0);
    uint64_t *value = gasket_lease_values(lease);
    if (rows == NULL)
        return false;
    for (uint32_t number = 0; number < context->n_vertices; number++) {
        for (GasketVertex v = 0; v < context->n_owned; v++) {
            if (context->number[v] != number)
                continue;
            for (uint64_t e = rows->begin[v]; e < rows->end[v]; e++) {
                GasketVertex u = rows->neighbour[e];
                if (block_of(rows->neighbour_number[u]) == (block_of(number) + phase) % BLOCKS)
                    update_edge(&state[v].x, &value[u]);
            }
        }
    }
    return true;
}

static bool
blocks_run(GasketRun *run, const void *parameters, GError **error)
{
    const GasketContext *context = gasket_run_context(run, 0);
    unsigned size = gasket_run_n_workers(run);
    (void)parameters;
    if (!gasket_run_set_state(run, 0, sizeof(State), error) ||
        !gasket_run_set_value(run, 0, 8, error))
        return false;
    g_autofree uint32_t *holder = g_new(uint32_t, context->n_owned + 1);
    for (unsigned phase = 0; phase < 2 * BLOCKS; phase++) {
        GasketLease *lease;
        for (GasketVertex v = 0; v < context->n_owned; v++)
            holder[v] = (block_of(context->number[v]) + 2 * BLOCKS - phase) % BLOCKS % size;
        if (!gasket_run_lease_begin(run, 0, holder, &lease, error))
            return false;
        bool ok = work_on_blocks(run, phase, lease, error);
        if (!gasket_run_lease_end_take(run, &lease, ok ? error : NULL) || !ok)
            return false;
    }
    return true;
}

/* Every source has an edge to every target, so that every worker has a copy of everything. */
static GasketGraph *
complete_graph(const void *data)
{
    const GasketGraphRules rules = {.order = GASKET_ORDER_GIVEN};
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    (void)data;
    gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, false);
    for (int64_t u = 0; u < 20; u++)
        for (int64_t v = 0; v < 20; v++)
            ck_assert(gasket_graph_builder_add_edges(builder, 0, 1, &u, &v, NULL, NULL));
    return gasket_graph_builder_finish_take(&builder, &rules, NULL);
}

START_TEST(block_stratified_updates_are_the_same_for_every_number_of_workers)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("blocks", blocks_run);
    uint64_t source[20] = {0}, target[20] = {0};
    for (unsigned phase = 0; phase < 2 * BLOCKS; phase++)
        for (uint32_t u = 0; u < 20; u++)
            for (uint32_t v = 0; v < 20; v++)
                if (block_of(v) == (block_of(u) + phase) % BLOCKS)
                    update_edge(&source[u], &target[v]);
    for (unsigned workers = 1; workers <= BLOCKS; workers++) {
        uint32_t owner[20];
        for (unsigned v = 0; v < 20; v++)
            owner[v] = block_of(v) % workers;
        const uint32_t *const part[] = {owner};
        GasketRunOptions options = {.workers = workers, .part = part};
        Experiment experiment = {&algorithm, NULL, complete_graph, .data = NULL};
        g_autoptr(GError) error = NULL;
        g_autoptr(GasketResult) result = run_once(&experiment, &options, &error);
        ck_assert_no_error(error);
        ck_assert_mem_eq(gasket_result_column(result, 0), source, sizeof source);
    }
}
END_TEST

int
main(void)
{
    TCase *lease = tcase_create("lease");
    tcase_set_timeout(lease, 120);
    tcase_add_test(lease, what_holders_write_comes_home_and_to_all_ghosts);
    tcase_add_test(lease, a_holder_without_the_vertex_is_an_error_on_every_rank);
    tcase_add_test(lease, block_stratified_updates_are_the_same_for_every_number_of_workers);
    TCase *cases[] = {lease};
    return check_run("lease", cases, G_N_ELEMENTS(cases));
}
