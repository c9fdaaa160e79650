/* SPDX-License-Identifier: Apache-2.0 */
/* Edge values and edge state everywhere against brute force: both buffers, one way, parallel
 * edges and self-loops, sizes that vary by either end. */
#include "tests/everywhere.h"

#define N SMALL_MAX_VERTICES

typedef struct {
    uint64_t x;
} State;

static const GasketRowSet in_row[] = {{0, GASKET_IN}};
static const GasketRowSet out_row[] = {{0, GASKET_OUT}};

static void
draw(SmallGraph *graph, unsigned i, bool symmetric)
{
    static const unsigned shapes[][2] = {{1, 3}, {8, 20}, {70, 90}, {90, 400}};
    *graph = (SmallGraph){.order = GASKET_ORDER_GIVEN,
                          .text = i % 2,
                          .symmetric = symmetric,
                          .weights = i % 2 ? SMALL_INTEGERS : SMALL_UNWEIGHTED};
    small_draw(graph, 80 + i, shapes[i][0], shapes[i][1]);
}

static void
apply_sum(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint64_t *sum = sums;
    State *state = run->state;
    for (size_t i = 0; i < run->count; i++)
        state[run->vertex[i]].x =
            fold(state[run->vertex[i]].x + context->ordinal[run->vertex[i]], sum[run->sum[i]]);
}

static void
gather_incoming(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint64_t *incoming = rows->incoming;
    uint64_t *sum = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] = fold(sum[rows->sum[r]], incoming[e]);
}

static void
no_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    (void)context, (void)rows, (void)sums;
}

/* What goes out at the k-th entry of a row; nothing is written at every fifth one. */
static bool
is_written(uint64_t x, uint64_t k)
{
    return (x + k) % 5 != 0;
}

static void
scatter(const GasketContext *context, const GasketRows *rows)
{
    const State *state = rows->state;
    uint64_t *outgoing = rows->outgoing;
    (void)context;
    for (size_t r = 0; r < rows->count; r++) {
        uint64_t x = state[rows->vertex[r]].x;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            if (is_written(x, e - rows->begin[r]))
                outgoing[rows->slot[e]] = fold(x, e - rows->begin[r]);
    }
}

#define ROUNDS 5

/* symmetric: reads while it writes. Directed: out-rows write, then in-rows read. */
static bool
exchange_run(GasketRun *run, const void *parameters, GError **error)
{
    const bool *symmetric = parameters;
    const GasketProgram both = {.name = "both",
                                .rows = in_row,
                                .n_rows = 1,
                                .sum_size = 8,
                                .whole_rows = true,
                                .gather = gather_incoming,
                                .apply = apply_sum,
                                .scatter = scatter,
                                .changes = GASKET_CHANGES_NONE};
    const GasketProgram write = {.name = "write",
                                 .rows = out_row,
                                 .n_rows = 1,
                                 .sum_size = 8,
                                 .whole_rows = true,
                                 .gather = no_gather,
                                 .apply = apply_sum,
                                 .scatter = scatter,
                                 .changes = GASKET_CHANGES_NONE};
    const GasketProgram read = {.name = "read",
                                .rows = in_row,
                                .n_rows = 1,
                                .sum_size = 8,
                                .gather = gather_incoming,
                                .apply = apply_sum,
                                .changes = GASKET_CHANGES_NONE};
    if (!gasket_run_set_state(run, 0, sizeof(State), error) ||
        !gasket_run_set_edge_value(run, in_row[0], 8, error))
        return false;
    for (unsigned round = 0; round < ROUNDS; round++)
        if (!gasket_run_step(run, *symmetric ? &both : &write, error) ||
            (!*symmetric && !gasket_run_step(run, &read, error)))
            return false;
    return true;
}

/* fold of the values at each row's entries */
static void
brute_sums(const SmallGraph *graph, const SmallRows *rows, const uint64_t *incoming, uint64_t *x)
{
    uint64_t sum[N] = {0};
    for (unsigned e = 0; incoming != NULL && e < rows->n; e++)
        sum[rows->entry[e].of] = fold(sum[rows->entry[e].of], incoming[e]);
    for (unsigned v = 0; v < graph->n; v++)
        x[v] = fold(x[v] + v, sum[v]);
}

static void
brute_scatter(const SmallRows *rows, const uint64_t *x, uint64_t *incoming)
{
    for (unsigned e = 0, k = 0; e < rows->n; e++) {
        uint32_t v = rows->entry[e].of;
        k = e > 0 && rows->entry[e - 1].of == v ? k + 1 : 0;
        if (is_written(x[v], k))
            incoming[rows->entry[e].mate] = fold(x[v], k);
    }
}

START_TEST(values_of_edges_arrive_at_the_other_end)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("exchange", exchange_run);
    for (unsigned i = 0; i < 8; i++) {
        SmallGraph graph;
        SmallRows rows[2];
        const bool symmetric = i >= 4;
        uint64_t x[N] = {0}, incoming[2 * SMALL_MAX_EDGES] = {0};
        draw(&graph, i % 4, symmetric);
        small_rows(&graph, rows);
        for (unsigned round = 0; round < ROUNDS; round++) {
            brute_sums(&graph, &rows[0], symmetric ? incoming : NULL, x);
            brute_scatter(&rows[1], x, incoming);
            if (!symmetric)
                brute_sums(&graph, &rows[0], incoming, x);
        }
        assert_everywhere_with(&algorithm, &graph, &symmetric, x);
    }
}
END_TEST

/* ---- sizes that vary ------------------------------------------------------------------------- */

/* Words of a value by the ordinal of the end that decides: none, few, or more than a frame holds
 * beside others. */
static size_t
n_words(uint32_t ordinal)
{
    return ordinal == 2 ? 9000 : ordinal % 4;
}

static size_t
varying_size(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)state;
    return 8 * n_words(context->ordinal[v]);
}

static void
varying_scatter(const GasketContext *context, const GasketRows *rows)
{
    const State *state = rows->state;
    (void)context;
    for (size_t r = 0; r < rows->count; r++) {
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            size_t size;
            uint64_t *value = gasket_outgoing(rows, e, &size);
            for (size_t k = 0; k < size / 8; k++)
                value[k] = fold(state[rows->vertex[r]].x + e - rows->begin[r], k);
        }
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
            const uint64_t *value = gasket_incoming(rows, e, &size);
            sum[rows->sum[r]] = fold(sum[rows->sum[r]], size);
            for (size_t k = 0; k < size / 8; k++)
                sum[rows->sum[r]] = fold(sum[rows->sum[r]], value[k]);
        }
    }
}

static bool
varying_run(GasketRun *run, const void *parameters, GError **error)
{
    const bool *by_owner = parameters;
    const GasketProgram write = {.name = "write",
                                 .rows = out_row,
                                 .n_rows = 1,
                                 .sum_size = 8,
                                 .whole_rows = true,
                                 .gather = no_gather,
                                 .apply = apply_sum,
                                 .scatter = varying_scatter,
                                 .changes = GASKET_CHANGES_NONE};
    const GasketProgram read = {.name = "read",
                                .rows = in_row,
                                .n_rows = 1,
                                .sum_size = 8,
                                .gather = varying_gather,
                                .apply = apply_sum,
                                .changes = GASKET_CHANGES_NONE};
    return gasket_run_set_state(run, 0, sizeof(State), error) &&
           gasket_run_set_edge_value_varying(run, in_row[0], *by_owner, varying_size, NULL,
                                             error) &&
           gasket_run_step(run, &write, error) && gasket_run_step(run, &read, error) &&
           gasket_run_step(run, &write, error) && gasket_run_step(run, &read, error);
}

START_TEST(sizes_may_vary_by_the_end_that_reads_or_writes)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("varying", varying_run);
    for (unsigned i = 0; i < 6; i++) {
        SmallGraph graph;
        SmallRows rows[2];
        const bool by_owner = i >= 3;
        uint64_t x[N] = {0};
        draw(&graph, i % 3, false);
        small_rows(&graph, rows);
        for (unsigned round = 0; round < 2; round++) {
            uint64_t first[2 * SMALL_MAX_EDGES], sum[N] = {0};
            brute_sums(&graph, &rows[1], NULL, x);
            for (unsigned e = 0, k = 0; e < rows[1].n; e++) {
                k = e > 0 && rows[1].entry[e - 1].of == rows[1].entry[e].of ? k + 1 : 0;
                first[rows[1].entry[e].mate] = x[rows[1].entry[e].of] + k;
            }
            for (unsigned e = 0; e < rows[0].n; e++) {
                uint32_t v = rows[0].entry[e].of;
                size_t n = n_words(by_owner ? v : rows[0].entry[e].neighbour);
                sum[v] = fold(sum[v], 8 * n);
                for (size_t k = 0; k < n; k++)
                    sum[v] = fold(sum[v], fold(first[e], k));
            }
            for (unsigned v = 0; v < graph.n; v++)
                x[v] = fold(x[v] + v, sum[v]);
        }
        assert_everywhere_with(&algorithm, &graph, &by_owner, x);
    }
}
END_TEST

/* ---- edge state ------------------------------------------------------------------------------ */

static void
count_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    uint64_t *sum = sums;
    uint32_t *state = rows->edge_state;
    (void)context;
    for (size_t r = 0; r < rows->count; r++) {
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            state[e] += (uint32_t)(e - rows->begin[r]) + rows->neighbour_number[rows->neighbour[e]];
            sum[rows->sum[r]] = fold(sum[rows->sum[r]], state[e]);
        }
    }
}

static bool
count_run(GasketRun *run, const void *parameters, GError **error)
{
    const GasketProgram program = {.name = "count",
                                   .rows = in_row,
                                   .n_rows = 1,
                                   .sum_size = 8,
                                   .whole_rows = true,
                                   .gather = count_gather,
                                   .apply = apply_sum,
                                   .changes = GASKET_CHANGES_NONE};
    (void)parameters;
    return gasket_run_set_state(run, 0, sizeof(State), error) &&
           gasket_run_set_edge_state(run, in_row[0], 4, error) &&
           gasket_run_step(run, &program, error) && gasket_run_step(run, &program, error) &&
           gasket_run_step(run, &program, error);
}

START_TEST(state_of_edges_stays_with_its_entry)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("count", count_run);
    for (unsigned i = 0; i < 8; i++) {
        SmallGraph graph;
        SmallRows rows[2];
        uint64_t x[N] = {0}, state[2 * SMALL_MAX_EDGES] = {0};
        draw(&graph, i % 4, i >= 4);
        small_rows(&graph, rows);
        for (unsigned round = 0; round < 3; round++) {
            for (unsigned e = 0, k = 0; e < rows[0].n; e++) {
                k = e > 0 && rows[0].entry[e - 1].of == rows[0].entry[e].of ? k + 1 : 0;
                state[e] += k + rows[0].entry[e].neighbour;
            }
            brute_sums(&graph, &rows[0], state, x);
        }
        assert_everywhere(&algorithm, &graph, x);
    }
}
END_TEST

int
main(void)
{
    TCase *edges = tcase_create("edge values");
    tcase_set_timeout(edges, 240);
    tcase_add_test(edges, values_of_edges_arrive_at_the_other_end);
    tcase_add_test(edges, sizes_may_vary_by_the_end_that_reads_or_writes);
    tcase_add_test(edges, state_of_edges_stays_with_its_entry);
    TCase *cases[] = {edges};
    return check_run("edge_values", cases, G_N_ELEMENTS(cases));
}
