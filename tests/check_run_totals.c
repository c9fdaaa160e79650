/* SPDX-License-Identifier: Apache-2.0 */
/* Totals of whole runs; scratch and identities of programs. */
#include <math.h>

#include "engine/exact_sum.h"
#include "tests/everywhere.h"

/* ---- long vectors ---------------------------------------------------------------------------- */

#define LONG 700 /* more than a frame holds */

typedef struct {
    uint64_t x;
} State;

enum { SUMS, COUNTS, LEAST, GREATEST, SCRATCH };
static const GasketAggregate aggregates[] = {{"sums", GASKET_SUM, LONG},
                                             {"counts", GASKET_COUNT, 7},
                                             {"least", GASKET_MIN, 2},
                                             {"greatest", GASKET_MAX, 1},
                                             {"scratch", GASKET_COUNT, 2}};

static double
addend(uint32_t ordinal, uint32_t i)
{
    return ldexp((double)(int32_t)fold(ordinal, i), (int)(fold(i, ordinal) % 80) - 40);
}

typedef struct {
    uint64_t n_vertices; /* in apply since the step began */
} Scratch;

/* Adds to everything; counts vertices in scratch, and in an aggregate how often it did not begin
 * at 0 though this was the thread's first call. */
static void
add_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    Scratch *scratch = context->scratch;
    State *state = run->state;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        uint32_t v = context->ordinal[run->vertex[i]];
        double many[10];
        for (uint32_t k = 0; k < 10; k++)
            many[k] = addend(v, LONG - 10 + k);
        for (uint32_t k = v % 13; k < LONG - 10; k += 13)
            gasket_add(context, SUMS, k, addend(v, k));
        gasket_add_many(context, SUMS, LONG - 10 + v % 10, many, 10);
        gasket_count(context, COUNTS, v % 7, v);
        gasket_extreme(context, LEAST, v % 2, v % 5 ? -0.0 : 0.0);
        gasket_extreme(context, GREATEST, 0, v % 3 ? 0.0 : -0.0);
        state[run->vertex[i]].x = v;
        scratch->n_vertices++;
        gasket_count(context, SCRATCH, 0, 1);
    }
    gasket_count(context, SCRATCH, 1, scratch->n_vertices > context->n_owned);
}

static uint64_t
bits(double x)
{
    uint64_t word;
    memcpy(&word, &x, sizeof word);
    return word;
}

/* In the next step all see the totals. */
static void
see_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    State *state = run->state;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        uint32_t v = context->ordinal[run->vertex[i]];
        uint64_t x = v;
        for (uint32_t k = v % 3; k < LONG; k += 3)
            x = fold(x, bits(gasket_total(context, SUMS, k)));
        for (unsigned k = 0; k < 7; k++)
            x = fold(x, (uint64_t)gasket_total_count(context, COUNTS, k));
        x = fold(x, bits(gasket_total(context, LEAST, 0)));
        x = fold(x, bits(gasket_total(context, LEAST, 1)));
        x = fold(x, bits(gasket_total(context, GREATEST, 0)));
        x = fold(x, (uint64_t)gasket_total_count(context, SCRATCH, 0));
        x = fold(x, (uint64_t)gasket_total_count(context, SCRATCH, 1));
        state[run->vertex[i]].x = x;
    }
}

static bool
totals_run(GasketRun *run, const void *parameters, GError **error)
{
    const GasketProgram add = {.name = "add",
                               .apply = add_apply,
                               .changes = GASKET_CHANGES_NONE,
                               .scratch_size = sizeof(Scratch),
                               .aggregates = 31};
    const GasketProgram see = {.name = "see", .apply = see_apply, .changes = GASKET_CHANGES_NONE};
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error) ||
        !gasket_run_set_state(run, 0, sizeof(State), error))
        return false;
    for (unsigned i = 0; i < 3; i++) /* scratch and partials begin anew each time */
        if (!gasket_run_step(run, &add, error))
            return false;
    double again = gasket_run_total(run, SUMS, 0), greatest[2] = {-0.0, gasket_run_rank(run)};
    if (!gasket_run_step(run, &see, error) || !gasket_run_reduce_max(run, greatest, 2, error))
        return false;
    if (gasket_run_total(run, SUMS, 0) != again || bits(greatest[0]) != bits(-0.0) ||
        greatest[1] != gasket_run_n_workers(run) - 1) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "totals changed by themselves");
        return false;
    }
    return true;
}

START_TEST(long_vectors_of_totals_reach_every_worker)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("totals", totals_run);
    SmallGraph graph = {.order = GASKET_ORDER_DEGREE};
    uint64_t expected[SMALL_MAX_VERTICES];
    int64_t counts[7] = {0};
    g_autofree GasketExactSum *sums = g_new0(GasketExactSum, LONG);
    small_draw(&graph, 12, 90, 200);
    for (uint32_t v = 0; v < graph.n; v++) {
        for (uint32_t k = v % 13; k < LONG - 10; k += 13)
            gasket_exact_sum_add(&sums[k], addend(v, k));
        for (uint32_t k = 0; k < 10; k++)
            gasket_exact_sum_add(&sums[LONG - 10 + v % 10], addend(v, LONG - 10 + k));
        counts[v % 7] += v;
    }
    for (uint32_t v = 0; v < graph.n; v++) {
        uint64_t x = v;
        for (uint32_t k = v % 3; k < LONG; k += 3)
            x = fold(x, bits(gasket_exact_sum_round(&sums[k])));
        for (unsigned k = 0; k < 7; k++)
            x = fold(x, (uint64_t)counts[k]);
        x = fold(fold(fold(x, bits(-0.0)), bits(-0.0)), bits(0.0));
        expected[v] = fold(fold(x, graph.n), 0);
    }
    assert_everywhere(&algorithm, &graph, expected);
}
END_TEST

/* ---- identities ------------------------------------------------------------------------------ */

/* A sum of 12 bytes: the least and the greatest neighbour, and how many there are. */
typedef struct {
    uint32_t least, greatest, n;
} Range;

static const Range nothing = {UINT32_MAX, 0, 1000};
static const double infinite = INFINITY;
static const GasketRowSet in_row[] = {{0, GASKET_IN}};

static void
range_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    Range *sum = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++) {
        Range *range = &sum[rows->sum[r]];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            uint32_t u = rows->neighbour_number[rows->neighbour[e]];
            *range = (Range){MIN(range->least, u), MAX(range->greatest, u), range->n + 1};
        }
    }
}

static void
range_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Range *sum = sums;
    State *state = run->state;
    (void)context;
    for (size_t i = 0; i < run->count; i++) {
        const Range *range = &sum[run->sum[i]];
        state[run->vertex[i]].x = fold(fold(range->least, range->greatest), range->n);
    }
}

static void
least_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    double *sum = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] = fmin(sum[rows->sum[r]], rows->neighbour_number[rows->neighbour[e]]);
}

static void
least_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const double *sum = sums;
    State *state = run->state;
    (void)context;
    for (size_t i = 0; i < run->count; i++)
        state[run->vertex[i]].x = fold(state[run->vertex[i]].x, bits(sum[run->sum[i]]));
}

static bool
identity_run(GasketRun *run, const void *parameters, GError **error)
{
    const GasketProgram range = {.name = "range",
                                 .rows = in_row,
                                 .n_rows = 1,
                                 .sum_size = sizeof(Range),
                                 .identity = &nothing,
                                 .gather = range_gather,
                                 .apply = range_apply};
    const GasketProgram least = {.name = "least",
                                 .rows = in_row,
                                 .n_rows = 1,
                                 .sum_size = 8,
                                 .identity = &infinite,
                                 .gather = least_gather,
                                 .apply = least_apply};
    (void)parameters;
    return gasket_run_set_state(run, 0, sizeof(State), error) &&
           gasket_run_set_value(run, 0, 4, error) && gasket_run_step(run, &range, error) &&
           gasket_run_step(run, &least, error) && gasket_run_step(run, &range, error) &&
           gasket_run_step(run, &least, error);
}

START_TEST(sums_start_as_the_identity)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("identity", identity_run);
    SmallGraph graph = {.order = GASKET_ORDER_GIVEN};
    SmallRows rows[2];
    uint64_t expected[SMALL_MAX_VERTICES];
    small_draw(&graph, 13, 80, 100);
    small_rows(&graph, rows);
    for (uint32_t v = 0; v < graph.n; v++) {
        Range range = nothing;
        for (unsigned e = 0; e < rows[0].n; e++) {
            uint32_t u = rows[0].entry[e].neighbour;
            if (rows[0].entry[e].of == v)
                range = (Range){MIN(range.least, u), MAX(range.greatest, u), range.n + 1};
        }
        expected[v] = fold(fold(fold(range.least, range.greatest), range.n),
                           bits(range.n == 1000 ? INFINITY : range.least));
    }
    assert_everywhere(&algorithm, &graph, expected);
}
END_TEST

/* ---- few sums, whose addends wait for one another -------------------------------------------- */

#define MOST 2500 /* addends at a time: more than may wait */

static const GasketAggregate two_sums[] = {{"large", GASKET_SUM, 1}, {"small", GASKET_SUM, 1}};

/* Of how many addends a vertex brings to each sum: none, some, as many as may wait, more. */
static uint32_t
n_addends(uint32_t ordinal)
{
    static const uint32_t n[] = {0, 1, 7, 700, 1023, 1024, 1025, MOST};
    return n[ordinal % G_N_ELEMENTS(n)];
}

static void
few_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    double many[MOST];
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        uint32_t v = context->ordinal[run->vertex[i]], n = n_addends(v);
        for (uint32_t k = 0; k < n; k++) {
            many[k] = addend(v, k);
            gasket_add(context, 1, 0, -addend(k, v));
        }
        gasket_add_many(context, 0, 0, many, n);
    }
}

static void
few_see(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    State *state = run->state;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        state[run->vertex[i]].x =
            fold(bits(gasket_total(context, 0, 0)), bits(gasket_total(context, 1, 0)));
}

static bool
few_run(GasketRun *run, const void *parameters, GError **error)
{
    const GasketProgram add = {.name = "add",
                               .apply = few_apply,
                               .changes = GASKET_CHANGES_NONE,
                               .aggregates = 3};
    const GasketProgram see = {.name = "see", .apply = few_see, .changes = GASKET_CHANGES_NONE};
    (void)parameters;
    return gasket_run_set_aggregates(run, two_sums, G_N_ELEMENTS(two_sums), error) &&
           gasket_run_set_state(run, 0, sizeof(State), error) &&
           gasket_run_step(run, &add, error) && gasket_run_step(run, &see, error);
}

START_TEST(addends_may_come_one_by_one_or_in_any_number)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("few", few_run);
    SmallGraph graph = {.order = GASKET_ORDER_GIVEN};
    uint64_t expected[SMALL_MAX_VERTICES];
    GasketExactSum sums[2];
    gasket_exact_sum_init(&sums[0]);
    gasket_exact_sum_init(&sums[1]);
    small_draw(&graph, 14, 40, 60);
    for (uint32_t v = 0; v < graph.n; v++)
        for (uint32_t k = 0; k < n_addends(v); k++) {
            gasket_exact_sum_add(&sums[0], addend(v, k));
            gasket_exact_sum_add(&sums[1], -addend(k, v));
        }
    for (uint32_t v = 0; v < graph.n; v++)
        expected[v] =
            fold(bits(gasket_exact_sum_round(&sums[0])), bits(gasket_exact_sum_round(&sums[1])));
    assert_everywhere(&algorithm, &graph, expected);
}
END_TEST

int
main(void)
{
    TCase *totals = tcase_create("run totals");
    tcase_set_timeout(totals, 240);
    tcase_add_test(totals, long_vectors_of_totals_reach_every_worker);
    tcase_add_test(totals, sums_start_as_the_identity);
    tcase_add_test(totals, addends_may_come_one_by_one_or_in_any_number);
    TCase *cases[] = {totals};
    return check_run("run_totals", cases, G_N_ELEMENTS(cases));
}
