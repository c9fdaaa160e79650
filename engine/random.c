/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers that are a function of their position (random.h).
 *
 * How: a position is a counter and a key of Philox4x32-10; encrypting it gives four numbers.
 *
 *   counter  | draw | number | step, low 32 bits | stream, 24 bits : step, high 8 bits |
 *   key      | seed, low 32 bits | seed, high 32 bits |
 *
 * Invariants:
 *   1. block[0 .. n_left - 1] are the numbers of draw - 1 not yet handed out.
 *   2. Different (stream, number, step, draw) within their ranges are different counters.
 *
 * Cost: one encryption for four numbers.
 * Reference: Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011);
 * Lemire: Fast Random Integer Generation in an Interval (2019), for _below.
 */
#include <gasket/random.h>

#include <math.h>

#include <Random123/philox.h>

#define STREAM_MAX ((uint32_t)1 << 24)
#define STEP_MAX   ((uint64_t)1 << 40)

GasketRandom
gasket_random_at(uint64_t seed, uint32_t stream, uint32_t number, uint64_t step)
{
    g_assert(stream < STREAM_MAX && step < STEP_MAX);
    return (GasketRandom){.seed = seed, .stream = stream, .number = number, .step = step};
}

static void
draw_block(GasketRandom *random)
{
    philox4x32_ctr_t counter = {{
        random->draw,
        random->number,
        (uint32_t)random->step,
        random->stream << 8 | (uint32_t)(random->step >> 32),
    }};
    philox4x32_key_t key = {{(uint32_t)random->seed, (uint32_t)(random->seed >> 32)}};
    philox4x32_ctr_t block = philox4x32(counter, key);
    for (unsigned i = 0; i < 4; i++)
        random->block[i] = block.v[i];
    random->draw++;
    random->n_left = 4;
}

uint32_t
gasket_random_uint32(GasketRandom *random)
{
    if (random->n_left == 0)
        draw_block(random);
    return random->block[--random->n_left];
}

uint32_t
gasket_random_below(GasketRandom *random, uint32_t n)
{
    g_assert(n > 0);
    /* The high word of a 32 x 32 bit product is uniform over 0 .. n - 1 once the first
     * 2^32 mod n values of the low word, which would favour some of them, are drawn again. */
    uint64_t product = (uint64_t)gasket_random_uint32(random) * n;
    if ((uint32_t)product < n) {
        uint32_t favoured = -n % n; /* 2^32 mod n */
        while ((uint32_t)product < favoured)
            product = (uint64_t)gasket_random_uint32(random) * n;
    }
    return (uint32_t)(product >> 32);
}

double
gasket_random_double(GasketRandom *random)
{
    uint64_t high = gasket_random_uint32(random);
    uint64_t low = gasket_random_uint32(random);
    return (double)((high << 32 | low) >> 11) * 0x1p-53;
}

uint32_t
gasket_random_choice(GasketRandom *random, const double *weight, uint32_t n)
{
    double total = 0, sum = 0;
    for (uint32_t i = 0; i < n; i++)
        total += weight[i];
    double at = total * gasket_random_double(random);
    uint32_t last = 0; /* with a weight, should at round to the total */
    for (uint32_t i = 0; i < n; i++) {
        sum += weight[i];
        if (at < sum)
            return i;
        last = weight[i] > 0 ? i : last;
    }
    return last;
}

double
gasket_random_normal(GasketRandom *random)
{
    /* z = sqrt(-2 ln u) cos(2 pi w), u in (0, 1] so that the logarithm is finite. The sine's twin
     * is dropped: a normal then always takes four numbers, whatever was drawn before. */
    double u = 1.0 - gasket_random_double(random);
    double w = gasket_random_double(random);
    return sqrt(-2.0 * log(u)) * cos(2.0 * G_PI * w);
}
