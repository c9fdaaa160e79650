/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "engine/sort.h"
#include "tests/check_main.h"

#define MAX_N 20000

/* Sizes around every change of method. */
static const size_t sizes[] = {0, 1, 2, 3, 31, 32, 33, 255, 256, 257, 4095, 4096, 4097, MAX_N};

static int
compare_u32(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

/* Numbers with every bit, few bits, high bits alone, or a handful of values. */
static uint32_t
draw(GRand *rng, unsigned kind)
{
    uint32_t x = g_rand_int(rng);
    switch (kind) {
    case 0:
        return x;
    case 1:
        return x & g_rand_int(rng) & g_rand_int(rng) & 0xfffff;
    case 2:
        return x & 0xff000000;
    default:
        return UINT32_MAX - x % 5;
    }
}

START_TEST(integers_ascend)
{
    g_autoptr(GRand) rng = g_rand_new_with_seed(1);
    g_autofree uint32_t *found = g_new(uint32_t, MAX_N), *scratch = g_new(uint32_t, MAX_N);
    g_autofree uint32_t *expected = g_new(uint32_t, MAX_N);

    for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++) {
        for (unsigned kind = 0; kind < 4; kind++) {
            for (size_t i = 0; i < sizes[s]; i++)
                expected[i] = found[i] = draw(rng, kind);
            qsort(expected, sizes[s], sizeof *expected, compare_u32);
            gasket_sort_u32(found, sizes[s], scratch);
            ck_assert(memcmp(found, expected, sizes[s] * sizeof *found) == 0);
        }
    }
}
END_TEST

/* What is not looked at says where an element stood before. */
START_TEST(elements_and_pairs_that_agree_keep_their_order)
{
    g_autoptr(GRand) rng = g_rand_new_with_seed(2);
    g_autofree uint64_t *upper = g_new(uint64_t, MAX_N), *scratch = g_new(uint64_t, MAX_N);
    g_autofree GasketPair *pairs = g_new(GasketPair, MAX_N), *other = g_new(GasketPair, MAX_N);
    g_autofree uint32_t *keys = g_new(uint32_t, MAX_N);

    for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++) {
        for (unsigned kind = 0; kind < 4; kind++) {
            size_t n = sizes[s];
            for (size_t i = 0; i < n; i++) {
                keys[i] = draw(rng, kind);
                upper[i] = (uint64_t)keys[i] << 32 | i;
                pairs[i] = (GasketPair){.key = (uint64_t)keys[i] << 20, .value = i};
            }
            gasket_sort_upper(upper, n, scratch);
            gasket_sort_pairs(pairs, n, other);
            for (size_t i = 0; i < n; i++) {
                uint32_t place = (uint32_t)upper[i];
                ck_assert_uint_eq(keys[place], upper[i] >> 32);
                ck_assert(i == 0 || upper[i - 1] < upper[i]);
                ck_assert_uint_eq(pairs[i].key, (uint64_t)keys[place] << 20);
                ck_assert_uint_eq(pairs[i].value, place);
            }
        }
    }
}
END_TEST

int
main(void)
{
    TCase *sort = tcase_create("sort");
    tcase_add_test(sort, integers_ascend);
    tcase_add_test(sort, elements_and_pairs_that_agree_keep_their_order);
    return check_run("sort", &sort, 1);
}
