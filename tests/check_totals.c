/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates: partials of threads and ranks, the wire, and totals of whole runs; scratch and
 * identities of programs. */
#include <math.h>

#include "engine/array.h"
#include "engine/totals.h"
#include "tests/everywhere.h"

static const GasketAggregate shapes[] = {{"counts", GASKET_COUNT, 5},
                                         {"sums", GASKET_SUM, 40},
                                         {"least", GASKET_MIN, 3},
                                         {"one sum", GASKET_SUM, 0},
                                         {"greatest", GASKET_MAX, 700}};
#define N_ELEMENTS (5 + 40 + 3 + 1 + 700)

typedef struct {
    GasketTotals totals;
    GasketPartials parts[4], all;
} Sets;

static void
sets_init(Sets *sets)
{
    *sets = (Sets){0};
    ck_assert(gasket_totals_init(&sets->totals, shapes, G_N_ELEMENTS(shapes), NULL));
    for (unsigned p = 0; p < 4; p++)
        ck_assert(gasket_partials_init(&sets->parts[p], &sets->totals, NULL));
    ck_assert(gasket_partials_init(&sets->all, &sets->totals, NULL));
}

static void
sets_clear(Sets *sets)
{
    for (unsigned p = 0; p < 4; p++)
        gasket_partials_clear(&sets->parts[p]);
    gasket_partials_clear(&sets->all);
    gasket_totals_clear(&sets->totals);
}

/* An addend: of any size, whole, or special now and then. */
static double
draw(GasketRandom *random)
{
    switch (gasket_random_below(random, 40)) {
    case 0:
        return -0.0;
    case 1:
        return 0.0;
    case 2:
        return -1e300 * gasket_random_double(random);
    case 3:
        return 1e300 * gasket_random_double(random);
    default:
        return ldexp(gasket_random_double(random) - 0.5,
                     (int)gasket_random_below(random, 200) - 100);
    }
}

static GasketAggregateType
type_of(uint32_t element)
{
    return element < 5    ? GASKET_COUNT
           : element < 45 ? GASKET_SUM
           : element < 48 ? GASKET_MIN
           : element < 49 ? GASKET_SUM
                          : GASKET_MAX;
}

/* Adds what belongs to a partial's element. */
static void
contribute(GasketPartials *partials, uint32_t element, double x)
{
    GasketPartial *to = &partials->element[element];
    if (type_of(element) == GASKET_COUNT)
        to->count += (int64_t)(fmod(x, 1000));
    else if (type_of(element) == GASKET_SUM)
        gasket_exact_sum_add(&to->sum->sum, x);
    else if (type_of(element) == GASKET_MIN)
        to->extreme = gasket_least(to->extreme, x);
    else
        to->extreme = -gasket_least(-to->extreme, -x);
}

/* The same addends, dealt to four partials in some way and merged in some order. */
static void
deal(Sets *sets, uint64_t way)
{
    GasketRandom addends = gasket_random_at(1, 0, 0, 0), ways = gasket_random_at(2, 0, 0, way);
    for (unsigned p = 0; p < 4; p++)
        gasket_partials_reset(&sets->parts[p], UINT64_MAX);
    gasket_partials_reset(&sets->all, UINT64_MAX);
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t element = gasket_random_below(&addends, N_ELEMENTS);
        contribute(&sets->parts[gasket_random_below(&ways, 4)], element, draw(&addends));
    }
}

/* All sets over the wire in frames of `room` bytes, as elements of the aggregates in mask. */
static void
through_the_wire(Sets *sets, uint64_t mask, size_t room)
{
    g_autofree uint8_t *bytes = g_malloc(room);
    for (unsigned p = 0; p < 4; p++) {
        uint32_t from = 0, to;
        size_t n, total = 0;
        while (to = from, /* each frame says where it begins */
               (n = gasket_partials_write(&sets->parts[p], mask, &from, bytes, room)) > 0) {
            g_autofree uint8_t *copy = g_memdup2(bytes, n);
            ck_assert(gasket_partials_read(&sets->all, mask, &to, copy, n));
            ck_assert_uint_le(to, from);
            total += n;
        }
        ck_assert_uint_eq(total, gasket_partials_wire_size(&sets->parts[p], mask));
    }
}

START_TEST(totals_have_the_same_bits_however_addends_are_dealt)
{
    GasketTotal expected[N_ELEMENTS];
    Sets sets;
    sets_init(&sets);
    for (unsigned way = 0; way < 12; way++) {
        deal(&sets, way);
        if (way % 2 == 0)
            for (unsigned p = 0; p < 4; p++)
                gasket_partials_merge(&sets.all, &sets.parts[(p + way) % 4], UINT64_MAX);
        else
            through_the_wire(&sets, UINT64_MAX, way == 1 ? 280 : 300 + 977 * way);
        gasket_partials_finish(&sets.all, &sets.totals, UINT64_MAX);
        if (way == 0)
            memcpy(expected, sets.totals.total, sizeof expected);
        ck_assert_mem_eq(expected, sets.totals.total, sizeof expected);
    }
    sets_clear(&sets);
}
END_TEST

START_TEST(aggregates_that_are_not_asked_for_keep_their_totals)
{
    Sets sets;
    sets_init(&sets);
    ck_assert(isinf(sets.totals.total[45].real) && sets.totals.total[45].real > 0);
    ck_assert(isinf(sets.totals.total[49].real) && sets.totals.total[49].real < 0);
    for (uint64_t mask = 0; mask < 32; mask++) {
        deal(&sets, mask);
        for (uint32_t i = 0; i < N_ELEMENTS; i++)
            sets.totals.total[i].count = 12345;
        through_the_wire(&sets, mask, 5000);
        gasket_partials_finish(&sets.all, &sets.totals, mask);
        for (unsigned a = 0; a < G_N_ELEMENTS(shapes); a++)
            for (uint32_t i = sets.totals.first[a];
                 !(mask >> a & 1) && i < sets.totals.first[a + 1]; i++)
                ck_assert_int_eq(sets.totals.total[i].count, 12345);
    }
    sets_clear(&sets);
}
END_TEST

START_TEST(extremes_have_one_order)
{
    const double numbers[] = {-INFINITY, -2, -0.0, 0.0, 1, INFINITY};
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++) {
        for (unsigned k = i; k < G_N_ELEMENTS(numbers); k++) {
            double a = gasket_least(numbers[i], numbers[k]),
                   b = gasket_least(numbers[k], numbers[i]);
            ck_assert_mem_eq(&a, &numbers[i], sizeof a);
            ck_assert_mem_eq(&b, &numbers[i], sizeof b);
        }
        ck_assert(gasket_least(NAN, numbers[i]) == numbers[i]);
        ck_assert(gasket_least(numbers[i], NAN) == numbers[i]);
    }
    ck_assert(isnan(gasket_least(NAN, NAN)));

    Sets sets;
    sets_init(&sets);
    for (unsigned order = 0; order < 2; order++) {
        deal(&sets, 0);
        for (unsigned p = 0; p < 2; p++) {
            double zero = p == order ? 0.0 : -0.0;
            sets.parts[p].element[45].extreme = sets.parts[p].element[49].extreme = zero;
            gasket_partials_merge(&sets.all, &sets.parts[p], UINT64_MAX);
        }
        ck_assert(signbit(sets.all.element[45].extreme));
        ck_assert(!signbit(sets.all.element[49].extreme));
    }
    sets_clear(&sets);
}
END_TEST

START_TEST(bytes_that_are_no_elements_are_refused)
{
    Sets sets;
    uint8_t bytes[400] = {0};
    uint32_t cursor = 0;
    sets_init(&sets);
    ck_assert(!gasket_partials_read(&sets.all, 1, &cursor, bytes, 7));
    cursor = 0;
    ck_assert(!gasket_partials_read(&sets.all, 1, &cursor, bytes, 48)); /* one too many */
    cursor = 0;
    ck_assert(!gasket_partials_read(&sets.all, 2, &cursor, bytes, 279));
    cursor = UINT32_MAX;
    ck_assert(!gasket_partials_read(&sets.all, 31, &cursor, bytes, 8));
    cursor = 0;
    ck_assert(!gasket_partials_read(&sets.all, 0, &cursor, bytes, 8));
    cursor = 0;
    memset(bytes, 0xff, sizeof bytes); /* neither finite nor not */
    ck_assert(!gasket_partials_read(&sets.all, 2, &cursor, bytes, 280));
    sets_clear(&sets);
}
END_TEST

/* ---- in runs --------------------------------------------------------------------------------- */

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

int
main(void)
{
    TCase *totals = tcase_create("totals");
    tcase_set_timeout(totals, 240);
    tcase_add_test(totals, totals_have_the_same_bits_however_addends_are_dealt);
    tcase_add_test(totals, aggregates_that_are_not_asked_for_keep_their_totals);
    tcase_add_test(totals, extremes_have_one_order);
    tcase_add_test(totals, bytes_that_are_no_elements_are_refused);
    tcase_add_test(totals, long_vectors_of_totals_reach_every_worker);
    tcase_add_test(totals, sums_start_as_the_identity);
    TCase *cases[] = {totals};
    return check_run("totals", cases, G_N_ELEMENTS(cases));
}
