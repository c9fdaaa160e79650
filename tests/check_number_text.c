/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check_main.h"

#include <math.h>
#include <string.h>

#include <gasket/random.h>

#include "loaders/number_text.h"

static char *
double_text(const GasketNumberText *numbers, double x)
{
    char text[GASKET_NUMBER_TEXT_MAX];
    return g_strndup(text, gasket_number_text_double(numbers, x, text));
}

static char *
float_text(const GasketNumberText *numbers, float x)
{
    char text[GASKET_NUMBER_TEXT_MAX];
    return g_strndup(text, gasket_number_text_float(numbers, x, text));
}

/* Digits of the mantissa, without leading and trailing zeros. */
static size_t
count_digits(const char *text)
{
    size_t n = 0, zeros = 0;
    for (const char *p = text; *p != '\0' && *p != 'e'; p++) {
        if (*p == '0' && n > 0)
            zeros++;
        if (!g_ascii_isdigit(*p) || *p == '0')
            continue;
        n += zeros + 1;
        zeros = 0;
    }
    return n;
}

START_TEST(known_numbers_have_their_known_text)
{
    static const struct {
        double x;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-150000, "-150000"},
        {0.1, "0.1"},
        {1.5, "1.5"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1e15, "1000000000000000"},
        {1e16, "1e+16"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {9007199254740991.0, "9007199254740991"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {-1.2345678901234568e-300, "-1.2345678901234568e-300"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    g_autoptr(GasketNumberText) numbers = gasket_number_text_new();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = double_text(numbers, cases[i].x);
        ck_assert_str_eq(text, cases[i].text);
    }
    g_autofree char *tenth = float_text(numbers, 0.1f);
    ck_assert_str_eq(tenth, "0.1");
    g_autofree char *least = float_text(numbers, 1e-45f);
    ck_assert_str_eq(least, "1e-45");
    g_autofree char *largest = float_text(numbers, 3.4028235e38f);
    ck_assert_str_eq(largest, "3.4028235e+38");
}
END_TEST

START_TEST(integers_up_to_both_ends_are_exact)
{
    char text[GASKET_NUMBER_TEXT_MAX];
    size_t n = gasket_number_text_integer(INT64_MIN, text);
    ck_assert_uint_eq(n, 20);
    ck_assert_mem_eq(text, "-9223372036854775808", n);
    n = gasket_number_text_integer(INT64_MAX, text);
    ck_assert_mem_eq(text, "9223372036854775807", n);
    n = gasket_number_text_integer(0, text);
    ck_assert_uint_eq(n, 1);
    ck_assert_mem_eq(text, "0", 1);
}
END_TEST

/* A double of any magnitude, or one among the shapes that are hard to round. */
static double
draw_double(GasketRandom *random, unsigned shape)
{
    uint64_t bits = (uint64_t)gasket_random_uint32(random) << 32 | gasket_random_uint32(random);
    if (shape == 1)
        bits &= UINT64_C(0xfff0000000000000); /* powers of two: the gap below is half as wide */
    if (shape == 2)
        bits &= UINT64_C(0x800fffffffffffff); /* subnormal */
    if (shape == 3)
        return gasket_random_double(random);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

START_TEST(doubles_read_back_and_no_shorter_text_does)
{
    g_autoptr(GasketNumberText) numbers = gasket_number_text_new();
    GasketRandom random = gasket_random_at(1, 1, 1, 1);

    for (unsigned i = 0; i < 40000; i++) {
        double x = draw_double(&random, i % 4);
        if (!isfinite(x) || x == 0)
            continue;
        g_autofree char *text = double_text(numbers, x);
        ck_assert_msg(g_ascii_strtod(text, NULL) == x, "%s is not %.17g", text, x);

        int digits = 1;
        char shortest[40];
        do
            g_snprintf(shortest, sizeof shortest, "%.*e", digits - 1, x);
        while (g_ascii_strtod(shortest, NULL) != x && ++digits < 17);
        ck_assert_msg(count_digits(text) <= (size_t)digits, "%s, but %s is enough", text, shortest);
    }
}
END_TEST

START_TEST(floats_read_back_and_no_shorter_text_does)
{
    g_autoptr(GasketNumberText) numbers = gasket_number_text_new();
    GasketRandom random = gasket_random_at(2, 1, 1, 1);

    for (unsigned i = 0; i < 40000; i++) {
        uint32_t bits = gasket_random_uint32(&random);
        float x;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x) || x == 0)
            continue;
        g_autofree char *text = float_text(numbers, x);
        ck_assert_msg(strtof(text, NULL) == x, "%s is not %.9g", text, (double)x);

        int digits = 1;
        char shortest[40];
        do
            g_snprintf(shortest, sizeof shortest, "%.*e", digits - 1, (double)x);
        while (strtof(shortest, NULL) != x && ++digits < 9);
        ck_assert_msg(count_digits(text) <= (size_t)digits, "%s, but %s is enough", text, shortest);
    }
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("number_text");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, known_numbers_have_their_known_text);
    tcase_add_test(all, integers_up_to_both_ends_are_exact);
    tcase_add_test(all, doubles_read_back_and_no_shorter_text_does);
    tcase_add_test(all, floats_read_back_and_no_shorter_text_does);
    TCase *cases[] = {all};
    return check_run("number_text", cases, G_N_ELEMENTS(cases));
}
