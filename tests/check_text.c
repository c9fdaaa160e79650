/* SPDX-License-Identifier: Apache-2.0 */
/* The scanners agree with the C library and with one another. */
#include <math.h>

#include "loaders/text.h"
#include "tests/check_main.h"

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* What a canonical integer of at most 18 digits is, by printing it back. */
static void
check_id(const char *text)
{
    char buffer[128] = {0}, printed[32];
    g_snprintf(buffer, sizeof buffer - 16, "%s\n", text);
    int64_t id = 0, padded = 0;
    const char *end = gasket_scan_id(buffer, &id);
    ck_assert_ptr_eq(gasket_scan_id_padded(buffer, &padded), end);
    char *stop;
    long long value = strtoll(buffer, &stop, 10);
    g_snprintf(printed, sizeof printed, "%lld", value);
    size_t digits = strlen(printed) - (value < 0);
    bool canonical = stop > buffer && (size_t)(stop - buffer) == strlen(printed) &&
                     strncmp(buffer, printed, strlen(printed)) == 0;
    ck_assert_uint_le(digits, GASKET_TEXT_DIGITS);
    ck_assert_msg((end != NULL) == canonical, "%s", text);
    if (end == NULL)
        return;
    ck_assert_ptr_eq(end, stop);
    ck_assert_int_eq(id, value);
    ck_assert_int_eq(padded, value);
}

START_TEST(ids_are_canonical_integers)
{
    static const char *const cases[] = {
        "0",
        "1",
        "9",
        "10",
        "-1",
        "-0",
        "007",
        "+5",
        "",
        "-",
        "x",
        "12x",
        "1234567",
        "12345678",
        "123456789",
        "0x1",
        "00",
        "1 2",
        "1:2",
        "12/3",
        "9\x80",
        "123456789012345678",
        "1234567890123456789",
        "-123456789012345678",
        "-1234567890123456789",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "9999999999999999999",
        "12345678901234567890",
        "123456789012345678901234567890",
        "1234567812345678",
        "12345678123456781",
        "12345678x",
        "1234567812345678 1",
        "01234567",
        "00000000000000001",
        "9999999",
        "99999999",
        "10000000",
        "1\xff",
        "12\xb0",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        check_id(cases[i]);
    uint64_t state = 1;
    for (int i = 0; i < 200000; i++) {
        static const char alphabet[] = "0123456789012345678901234567890123456789-+ x/:\x80\xb5";
        char text[24] = {0};
        size_t size = next_random(&state) % 22;
        for (size_t k = 0; k < size; k++)
            text[k] = alphabet[next_random(&state) % (sizeof alphabet - 1)];
        if (!g_ascii_isspace(text[0]) && text[0] != '+') /* strtoll takes both */
            check_id(text);
    }
}
END_TEST

START_TEST(counts_saturate)
{
    static const struct {
        const char *text;
        uint64_t value;
    } cases[] = {{"0", 0},
                 {"007", 7},
                 {"18446744073709551614", UINT64_MAX - 1},
                 {"18446744073709551616", UINT64_MAX},
                 {"99999999999999999999999999", UINT64_MAX}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t value;
        const char *end = gasket_scan_count(cases[i].text, &value);
        ck_assert_ptr_eq(end, cases[i].text + strlen(cases[i].text));
        ck_assert_uint_eq(value, cases[i].value);
    }
    uint64_t value;
    ck_assert_ptr_null(gasket_scan_count("-1", &value));
    ck_assert_ptr_null(gasket_scan_count("", &value));
}
END_TEST

START_TEST(doubles_are_those_of_the_library)
{
    static const char *const formats[] = {"%.17g", "%.15g", "%.6f", "%.3e", "%.0f", "%.25f", "%g"};
    uint64_t state = 7;
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = next_random(&state);
        double x;
        if (i % 2 == 0)
            memcpy(&x, &bits, sizeof x);
        else
            x = (double)(int64_t)bits / (double)(1 + next_random(&state) % 1000000007);
        if (!isfinite(x))
            continue;
        char text[512];
        g_snprintf(text, sizeof text, formats[next_random(&state) % G_N_ELEMENTS(formats)], x);
        double found = 0, expected = g_ascii_strtod(text, NULL);
        const char *end = gasket_scan_double(text, &found);
        ck_assert_ptr_eq(end, text + strlen(text));
        ck_assert_msg(memcmp(&found, &expected, sizeof found) == 0, "%s: %.17g", text, found);
    }
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
    static const char *const cases[] = {"",  "x",  "nan", "inf", "-inf", "Infinity", ".",
                                        "-", "+.", "e5",  "1e",  "1e+",  ".e1",      "-x"};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        double value;
        ck_assert_msg(gasket_scan_double(cases[i], &value) == NULL, "%s", cases[i]);
    }
    double value;
    const char hexadecimal[] = "0x10";
    ck_assert_ptr_eq(gasket_scan_double(hexadecimal, &value), hexadecimal + 1);
}
END_TEST

START_TEST(quotes_are_short_and_printable)
{
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        {"abc", "\"abc\""},
        {"a\"b\\", "\"a\\\"b\\\\\""},
        {"\x1b[0m\x7f", "\"\\x1b[0m\\x7f\""},
        {"M\xc3\xbcnchen", "\"M\xc3\xbcnchen\""},
        {"\xc3", "\"\\xc3\""},
        {"\xe2\x80\xae", "\"\\xe2\\x80\\xae\""}, /* turns the direction of text */
        {"1234567890123456789012345678901234567890x",
         "\"1234567890123456789012345678901234567890...\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = gasket_text_quote(cases[i].text, strlen(cases[i].text));
        ck_assert_str_eq(found, cases[i].quoted);
    }
}
END_TEST

int
main(void)
{
    TCase *cases[] = {tcase_create("text")};
    tcase_add_test(cases[0], ids_are_canonical_integers);
    tcase_add_test(cases[0], counts_saturate);
    tcase_add_test(cases[0], doubles_are_those_of_the_library);
    tcase_add_test(cases[0], what_is_no_number_is_refused);
    tcase_add_test(cases[0], quotes_are_short_and_printable);
    tcase_set_timeout(cases[0], 120);
    return check_run("text", cases, G_N_ELEMENTS(cases));
}
