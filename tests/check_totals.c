/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates: partials of threads and ranks, and the wire. */
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

int
main(void)
{
    TCase *totals = tcase_create("totals");
    tcase_set_timeout(totals, 240);
    tcase_add_test(totals, totals_have_the_same_bits_however_addends_are_dealt);
    tcase_add_test(totals, aggregates_that_are_not_asked_for_keep_their_totals);
    tcase_add_test(totals, extremes_have_one_order);
    tcase_add_test(totals, bytes_that_are_no_elements_are_refused);
    TCase *cases[] = {totals};
    return check_run("totals", cases, G_N_ELEMENTS(cases));
}
