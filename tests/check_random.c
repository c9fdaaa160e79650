/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers by position: the published answers, and the shapes of the distributions. */
#include <gasket/random.h>

#include <math.h>

#include "tests/check_main.h"

/* Answers of Random123's own tests (kat_vectors, philox4x32 with 10 rounds). */
typedef struct {
    uint32_t counter[4];
    uint32_t key[2];
    uint32_t answer[4];
} Vector;

static const Vector vector[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(blocks_are_those_of_philox)
{
    const Vector *v = &vector[_i];
    uint64_t seed = (uint64_t)v->key[1] << 32 | v->key[0];
    uint64_t step = (uint64_t)(v->counter[3] & 0xff) << 32 | v->counter[2];
    GasketRandom random = gasket_random_at(seed, v->counter[3] >> 8, v->counter[1], step);
    random.draw = v->counter[0];
    for (unsigned i = 4; i-- > 0;) /* a block is handed out from its end */
        ck_assert_uint_eq(gasket_random_uint32(&random), v->answer[i]);
}
END_TEST

START_TEST(the_same_position_gives_the_same_numbers_and_every_coordinate_counts)
{
    GasketRandom position[] = {
        gasket_random_at(1, 2, 3, 4), gasket_random_at(1, 2, 3, 4), gasket_random_at(9, 2, 3, 4),
        gasket_random_at(1, 9, 3, 4), gasket_random_at(1, 2, 9, 4), gasket_random_at(1, 2, 3, 9),
    };
    uint32_t number[6][8];
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned j = 0; j < 8; j++)
            number[i][j] = gasket_random_uint32(&position[i]);
    }
    ck_assert_mem_eq(number[0], number[1], sizeof number[0]);
    for (unsigned i = 2; i < 6; i++)
        ck_assert_mem_ne(number[0], number[i], sizeof number[0]);
    ck_assert_mem_ne(number[0], &number[0][4], sizeof number[0] / 2);
}
END_TEST

START_TEST(below_is_uniform_and_below)
{
    enum { N = 7, DRAWS = 70000 };
    unsigned count[N] = {0};
    GasketRandom random = gasket_random_at(5, 0, 0, 0);
    for (unsigned i = 0; i < DRAWS; i++) {
        uint32_t x = gasket_random_below(&random, N);
        ck_assert_uint_lt(x, N);
        count[x]++;
    }
    double chi = 0;
    for (unsigned i = 0; i < N; i++)
        chi += pow(count[i] - 10000.0, 2) / 10000.0;
    ck_assert_double_lt(chi, 22.5); /* 6 degrees of freedom: exceeded once in 1000 */
    ck_assert_uint_eq(gasket_random_below(&random, 1), 0);
}
END_TEST

START_TEST(below_has_no_bias_where_n_does_not_divide_2_to_the_32)
{
    /* Without rejection every third number would come twice as often as the others. */
    const uint32_t n = 3u << 30;
    unsigned n_low = 0;
    GasketRandom random = gasket_random_at(6, 0, 0, 0);
    for (unsigned i = 0; i < 30000; i++)
        n_low += gasket_random_below(&random, n) % 3 == 0;
    ck_assert_uint_gt(n_low, 10000 - 330); /* 4 standard deviations */
    ck_assert_uint_lt(n_low, 10000 + 330);
}
END_TEST

START_TEST(doubles_are_uniform_over_0_to_1)
{
    const unsigned n = 100000;
    double sum = 0, squares = 0;
    GasketRandom random = gasket_random_at(7, 0, 0, 0);
    for (unsigned i = 0; i < n; i++) {
        double x = gasket_random_double(&random);
        ck_assert(x >= 0 && x < 1);
        sum += x;
        squares += x * x;
    }
    ck_assert_double_eq_tol(sum / n, 1.0 / 2, 0.004);
    ck_assert_double_eq_tol(squares / n, 1.0 / 3, 0.004);
}
END_TEST

START_TEST(normals_have_the_moments_of_a_normal)
{
    const unsigned n = 100000;
    double moment[5] = {0};
    GasketRandom random = gasket_random_at(8, 0, 0, 0);
    for (unsigned i = 0; i < n; i++) {
        double x = gasket_random_normal(&random);
        ck_assert(isfinite(x));
        for (unsigned k = 1; k < 5; k++)
            moment[k] += pow(x, k) / n;
    }
    ck_assert_double_eq_tol(moment[1], 0, 0.013);
    ck_assert_double_eq_tol(moment[2], 1, 0.018);
    ck_assert_double_eq_tol(moment[3], 0, 0.05);
    ck_assert_double_eq_tol(moment[4], 3, 0.13);
}
END_TEST

START_TEST(choices_come_as_often_as_their_weights_say)
{
    const double weight[] = {0, 1, 3, 0, 0.5, 0};
    unsigned n = 90000, count[6] = {0};
    GasketRandom random = gasket_random_at(9, 0, 0, 0);
    for (unsigned i = 0; i < n; i++)
        count[gasket_random_choice(&random, weight, 6)]++;
    for (unsigned i = 0; i < 6; i++)
        ck_assert_double_eq_tol(count[i], n * weight[i] / 4.5, weight[i] > 0 ? 700 : 0.5);
    ck_assert_uint_eq(gasket_random_choice(&random, weight + 1, 1), 0);
}
END_TEST

int
main(void)
{
    TCase *numbers = tcase_create("numbers");
    tcase_add_loop_test(numbers, blocks_are_those_of_philox, 0, G_N_ELEMENTS(vector));
    tcase_add_test(numbers, the_same_position_gives_the_same_numbers_and_every_coordinate_counts);
    tcase_add_test(numbers, below_is_uniform_and_below);
    tcase_add_test(numbers, below_has_no_bias_where_n_does_not_divide_2_to_the_32);
    tcase_add_test(numbers, doubles_are_uniform_over_0_to_1);
    tcase_add_test(numbers, normals_have_the_moments_of_a_normal);
    tcase_add_test(numbers, choices_come_as_often_as_their_weights_say);
    TCase *cases[] = {numbers};
    return check_run("random", cases, G_N_ELEMENTS(cases));
}
