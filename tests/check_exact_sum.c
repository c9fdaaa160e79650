/* SPDX-License-Identifier: Apache-2.0 */
/* Exact sums against a plain big integer: 2240 bits, one addend after the other, rounded bit by
 * bit. */
#include "tests/check_main.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/exact_sum.h"
#include "engine/exact_sum_block.h"
#include <gasket/random.h>

/* ---- the reference --------------------------------------------------------------------------- */

#define LIMBS 70 /* of 32 bits, two's complement, in units of 2^-1074 */

typedef struct {
    uint32_t limb[LIMBS];
} Big;

static void
big_negate(Big *big)
{
    uint64_t carry = 1;
    for (unsigned i = 0; i < LIMBS; i++) {
        carry += (uint32_t)~big->limb[i];
        big->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void
big_add(Big *big, double x)
{
    if (x == 0)
        return;
    int power;
    double fraction = frexp(fabs(x), &power); /* |x| = fraction * 2^power */
    /* mantissa * 2^shift in units of 2^-1074; below that unit mantissa ends in zeros */
    uint64_t mantissa = (uint64_t)ldexp(fraction, 53);
    int shift = power - 53 + 1074;
    for (; shift < 0; shift++)
        mantissa >>= 1;

    Big addend = {{0}};
    for (unsigned bit = 0; bit < 53; bit++) {
        unsigned at = (unsigned)shift + bit;
        if (mantissa >> bit & 1)
            addend.limb[at / 32] |= UINT32_C(1) << at % 32;
    }
    if (x < 0)
        big_negate(&addend);

    uint64_t carry = 0;
    for (unsigned i = 0; i < LIMBS; i++) {
        carry += (uint64_t)big->limb[i] + addend.limb[i];
        big->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static unsigned
big_bit(const Big *big, int at)
{
    return big->limb[at / 32] >> at % 32 & 1;
}

static double
big_round(const Big *big)
{
    Big whole = *big;
    bool negative = whole.limb[LIMBS - 1] >> 31;
    if (negative)
        big_negate(&whole);

    int top = 32 * LIMBS - 1;
    while (top >= 0 && !big_bit(&whole, top))
        top--;
    uint64_t mantissa = 0;
    int at = top;
    for (; at >= 0 && at > top - 53; at--)
        mantissa = mantissa << 1 | big_bit(&whole, at);
    if (at >= 0 && big_bit(&whole, at)) {
        bool above_half = mantissa & 1;
        for (int below = at - 1; below >= 0; below--)
            above_half |= big_bit(&whole, below);
        mantissa += above_half;
    }
    double total = ldexp((double)mantissa, at + 1 - 1074);
    return negative ? -total : total;
}

static double
reference(const double *x, size_t n)
{
    Big big = {{0}};
    for (size_t i = 0; i < n; i++)
        big_add(&big, x[i]);
    return big_round(&big);
}

/* ---- the sums -------------------------------------------------------------------------------- */

static void
assert_same(double expected, double found)
{
    ck_assert_msg(memcmp(&expected, &found, sizeof expected) == 0, "expected %a, found %a",
                  expected, found);
}

/* One by one, at once, in reverse, in pieces merged in an order of their own, and over the wire. */
static void
assert_all_ways(const double *x, size_t n)
{
    double expected = reference(x, n);

    GasketExactSum single, many, reversed, pieces[5], merged;
    gasket_exact_sum_init(&single);
    gasket_exact_sum_init(&many);
    gasket_exact_sum_init(&reversed);
    gasket_exact_sum_init(&merged);
    for (size_t i = 0; i < n; i++) {
        gasket_exact_sum_add(&single, x[i]);
        gasket_exact_sum_add(&reversed, x[n - 1 - i]);
        ck_assert(gasket_exact_sum_check(&single));
    }
    gasket_exact_sum_add_many(&many, x, n);
    ck_assert(gasket_exact_sum_check(&many));

    for (unsigned p = 0; p < 5; p++) {
        gasket_exact_sum_init(&pieces[p]);
        size_t from = n * p / 5, to = n * (p + 1) / 5;
        gasket_exact_sum_add_many(&pieces[p], x + from, to - from);
    }
    static const unsigned order[] = {3, 0, 4, 1, 2};
    uint8_t wire[GASKET_EXACT_SUM_BYTES], again[GASKET_EXACT_SUM_BYTES];
    for (unsigned p = 0; p < 5; p++) {
        GasketExactSum received;
        gasket_exact_sum_write(&pieces[order[p]], wire);
        ck_assert(gasket_exact_sum_read(&received, wire));
        ck_assert(gasket_exact_sum_check(&received));
        gasket_exact_sum_merge(&merged, &received);
        ck_assert(gasket_exact_sum_check(&merged));
    }

    assert_same(expected, gasket_exact_sum_round(&single));
    assert_same(expected, gasket_exact_sum_round(&reversed));
    assert_same(expected, gasket_exact_sum_round(&many));
    assert_same(expected, gasket_exact_sum_round(&merged));

    gasket_exact_sum_write(&many, wire);
    gasket_exact_sum_write(&merged, again);
    ck_assert_mem_eq(wire, again, sizeof wire);
}

/* A finite double of a random sign and mantissa, its exponent within [from, to) of 0 .. 2046. */
static double
random_finite(GasketRandom *random, uint32_t from, uint32_t to)
{
    uint64_t bits = (uint64_t)gasket_random_uint32(random) << 32 | gasket_random_uint32(random);
    uint64_t exponent = from + gasket_random_below(random, to - from);
    bits = (bits & ~(UINT64_C(0x7ff) << 52)) | exponent << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

START_TEST(random_sums_are_those_of_a_big_integer)
{
    static const uint32_t ranges[][2] = {
        {0, 2047},    {0, 1},       {0, 3},       {1020, 1026}, {1000, 1040}, {960, 1050},
        {900, 1100},  {2040, 2047}, {2020, 2030}, {300, 340},   {280, 330},   {0, 60},
        {1023, 1024}, {40, 400},    {1900, 2047}, {1990, 2010},
    };
    static const size_t sizes[] = {0, 1, 2, 7, 24, 31, 100, 256, 1000, 1024, 1025, 3000};
    GasketRandom random = gasket_random_at(1, 0, 0, 0);
    double x[3000];

    for (size_t r = 0; r < G_N_ELEMENTS(ranges); r++) {
        for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++) {
            for (size_t i = 0; i < sizes[s]; i++)
                x[i] = random_finite(&random, ranges[r][0], ranges[r][1]);
            assert_all_ways(x, sizes[s]);
            for (size_t i = 0; i < sizes[s]; i++)
                x[i] = fabs(x[i]);
            assert_all_ways(x, sizes[s]);
        }
    }
}
END_TEST

START_TEST(what_cancels_leaves_exactly_the_rest)
{
    GasketRandom random = gasket_random_at(2, 0, 0, 0);
    double x[2001];

    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < 1000; i++)
            x[i] = random_finite(&random, 0, 2047);
        for (size_t i = 0; i < 1000; i++)
            x[1000 + i] = -x[i];
        for (size_t i = 1999; i > 0; i--) {
            size_t j = gasket_random_below(&random, (uint32_t)i + 1);
            double swap = x[i];
            x[i] = x[j], x[j] = swap;
        }
        assert_same(0.0, reference(x, 2000));
        assert_all_ways(x, 2000);
        x[2000] = random_finite(&random, 0, 3);
        assert_same(x[2000], reference(x, 2001));
        assert_all_ways(x, 2001);
    }
}
END_TEST

START_TEST(halves_round_to_even_and_the_smallest_bit_decides)
{
    static const double cases[][4] = {
        {1, 0x1p-53, 0, 1},
        {1, 0x1p-53, 0x1p-1074, 0x1.0000000000001p0},
        {1, 0x1p-53, -0x1p-1074, 1},
        {0x1.0000000000001p0, 0x1p-53, 0, 0x1.0000000000002p0},
        {0x1.0000000000001p0, 0x1p-53, -0x1p-1074, 0x1.0000000000001p0},
        {0x1.fffffffffffffp0, 0x1p-53, 0, 2},
        {-1, -0x1p-53, -0x1p-1074, -0x1.0000000000001p0},
        {0x1p-1022, -0x1p-1074, 0, 0x0.fffffffffffffp-1022},
        {0x1.fffffffffffffp-1022, 0x1p-1074, 0x1p-1074, 0x1.0000000000000p-1021},
        {0x1p1000, 1, -0x1p1000, 1},
        {-0.0, -0.0, -0.0, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_same(cases[i][3], reference(cases[i], 3));
        assert_all_ways(cases[i], 3);
    }
}
END_TEST

START_TEST(totals_beyond_the_largest_double_are_infinite_and_may_come_back)
{
    const double largest = 0x1.fffffffffffffp1023;
    double x[4096];

    assert_all_ways((const double[]){largest, 0x1p969}, 2);
    assert_same(largest, reference((const double[]){largest, 0x1p969}, 2));
    assert_same(INFINITY, reference((const double[]){largest, 0x1p970}, 2));
    assert_all_ways((const double[]){largest, 0x1p970}, 2);
    assert_same(-INFINITY, reference((const double[]){-largest, -0x1p970}, 2));
    assert_all_ways((const double[]){-largest, -0x1p970}, 2);

    for (size_t i = 0; i < 4096; i++)
        x[i] = largest;
    assert_same(INFINITY, reference(x, 4096));
    assert_all_ways(x, 4096);
    for (size_t i = 0; i < 2048; i++)
        x[i] = -largest;
    x[4095] = -largest + 1;
    assert_all_ways(x, 4096);
}
END_TEST

START_TEST(a_nan_or_an_infinity_anywhere_makes_the_total_nan)
{
    const double bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    double x[2048];

    for (size_t b = 0; b < G_N_ELEMENTS(bad); b++) {
        for (size_t at = 0; at < 2048; at += 41) {
            for (size_t i = 0; i < 2048; i++)
                x[i] = b % 2 ? 0 : 1.0 / (double)(i + 1);
            x[at] = bad[b];
            GasketExactSum sum, other, received;
            uint8_t wire[GASKET_EXACT_SUM_BYTES];
            gasket_exact_sum_init(&sum);
            gasket_exact_sum_add_many(&sum, x, 2048);
            ck_assert(isnan(gasket_exact_sum_round(&sum)));

            gasket_exact_sum_init(&other);
            gasket_exact_sum_add(&other, 1);
            gasket_exact_sum_write(&sum, wire);
            ck_assert(gasket_exact_sum_read(&received, wire));
            gasket_exact_sum_merge(&other, &received);
            gasket_exact_sum_add(&other, 2);
            ck_assert(isnan(gasket_exact_sum_round(&other)));
        }
    }
}
END_TEST

START_TEST(millions_of_addends_never_overflow_a_chunk)
{
    GasketExactSum sum, twice;
    double x[1000];

    gasket_exact_sum_init(&sum);
    for (int i = 0; i < 3000000; i++)
        gasket_exact_sum_add(&sum, 0x1.fffffffffffffp52);
    ck_assert(gasket_exact_sum_check(&sum));
    assert_same(3000000 * 0x1.fffffffffffffp52, gasket_exact_sum_round(&sum));

    /* more merges than a chunk takes without carries */
    gasket_exact_sum_init(&twice);
    for (int i = 0; i < 20000; i++)
        gasket_exact_sum_merge(&twice, &sum);
    ck_assert(gasket_exact_sum_check(&twice));
    assert_same(20000 * 3000000.0 * 0x1.fffffffffffffp52, gasket_exact_sum_round(&twice));

    for (size_t i = 0; i < 1000; i++)
        x[i] = -0x1p1023;
    gasket_exact_sum_init(&sum);
    for (int i = 0; i < 5000; i++)
        gasket_exact_sum_add_many(&sum, x, 1000);
    for (int i = 0; i < 5000000; i++)
        gasket_exact_sum_add(&sum, 0x1p1023);
    gasket_exact_sum_add(&sum, -3);
    ck_assert(gasket_exact_sum_check(&sum));
    assert_same(-3, gasket_exact_sum_round(&sum));
}
END_TEST

START_TEST(bytes_that_no_sum_has_are_refused)
{
    uint8_t wire[GASKET_EXACT_SUM_BYTES] = {0};
    GasketExactSum sum;

    gasket_exact_sum_init(&sum);
    gasket_exact_sum_add(&sum, 7);
    wire[GASKET_EXACT_SUM_BYTES - 8] = 2;
    ck_assert(!gasket_exact_sum_read(&sum, wire));
    wire[GASKET_EXACT_SUM_BYTES - 8] = 0;
    wire[GASKET_EXACT_SUM_BYTES - 1] = 1;
    ck_assert(!gasket_exact_sum_read(&sum, wire));
    assert_same(7, gasket_exact_sum_round(&sum));

    /* Any other bytes are a sum, whatever a peer sent. */
    memset(wire, 0xff, sizeof wire - 8);
    wire[GASKET_EXACT_SUM_BYTES - 1] = 0;
    ck_assert(gasket_exact_sum_read(&sum, wire));
    assert_same(-0x1p-1074, gasket_exact_sum_round(&sum));
}
END_TEST

/* The plain loops and the machine's widest ones, and a block where each level has work. */
START_TEST(every_instruction_set_takes_the_same)
{
    GasketRandom random = gasket_random_at(3, 0, 0, 0);
    double x[1024], left[1024], left_plain[1024], taken[4], taken_plain[4];

    static const uint32_t spread[] = {1, 20, 60, 90, 130, 300, 1000};
    static const GasketTook took[] = {GASKET_TOOK_ALL, GASKET_TOOK_ALL,  GASKET_TOOK_ALL,
                                      GASKET_TOOK_ALL, GASKET_TOOK_SOME, GASKET_TOOK_SOME,
                                      GASKET_TOOK_SOME};
    for (size_t s = 0; s < G_N_ELEMENTS(spread); s++) {
        for (size_t i = 0; i < 1024; i++)
            x[i] = random_finite(&random, 1023 - spread[s], 1024);
        ck_assert_int_eq(gasket_exact_sum_take(x, 1024, taken, left), took[s]);
        ck_assert_int_eq(gasket_take(x, 1024, taken_plain, left_plain), took[s]);
        ck_assert_mem_eq(taken, taken_plain, sizeof taken);
        if (took[s] == GASKET_TOOK_SOME)
            ck_assert_mem_eq(left, left_plain, sizeof left);
    }
}
END_TEST

/* Multiples of one spacing are taken at once; a smaller number among them, or one that is not
 * finite, is not overlooked wherever it stands. */
START_TEST(multiples_of_one_spacing_are_taken_at_once)
{
    GasketRandom random = gasket_random_at(4, 0, 0, 0);
    double x[1000], left[1000], taken[4];

    for (unsigned turn = 0; turn < 200; turn++) {
        const double odd[] = {0, 0x1p-300, 0x1.8p-61, NAN, -INFINITY};
        unsigned which = turn % G_N_ELEMENTS(odd), at = gasket_random_uint32(&random) % 1000;
        for (unsigned i = 0; i < 1000; i++) {
            int32_t bits = (int32_t)gasket_random_uint32(&random);
            x[i] = turn < 5 ? 0 : ldexp(bits, -60); /* zeros are multiples of anything */
        }
        if (which > 0)
            x[at] = odd[which];
        GasketTook took = gasket_exact_sum_take(x, 1000, taken, left);
        if (which == 0)
            ck_assert_int_eq(took, GASKET_TOOK_ALL);
        if (which <= 2) {
            assert_all_ways(x, 1000);
            continue;
        }
        ck_assert_int_eq(took, GASKET_TOOK_NOTHING);
        GasketExactSum sum;
        gasket_exact_sum_init(&sum);
        gasket_exact_sum_add_many(&sum, x, 1000);
        ck_assert(isnan(gasket_exact_sum_round(&sum)));
    }
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("exact_sum");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, random_sums_are_those_of_a_big_integer);
    tcase_add_test(all, what_cancels_leaves_exactly_the_rest);
    tcase_add_test(all, halves_round_to_even_and_the_smallest_bit_decides);
    tcase_add_test(all, totals_beyond_the_largest_double_are_infinite_and_may_come_back);
    tcase_add_test(all, a_nan_or_an_infinity_anywhere_makes_the_total_nan);
    tcase_add_test(all, millions_of_addends_never_overflow_a_chunk);
    tcase_add_test(all, bytes_that_no_sum_has_are_refused);
    tcase_add_test(all, every_instruction_set_takes_the_same);
    tcase_add_test(all, multiples_of_one_spacing_are_taken_at_once);
    TCase *cases[] = {all};
    return check_run("exact_sum", cases, G_N_ELEMENTS(cases));
}
