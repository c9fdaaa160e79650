/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scanning numbers and words in text that ends with a newline.
 *
 *   int64_t id;
 *   const char *end = gasket_scan_id(p, &id);
 *   if (end == NULL || !gasket_text_ends(*end))
 *       ... not a canonical integer: a text id or an error
 *
 * Every scanner reads from p, returns where it stopped, or NULL if what stands there is not what it
 * scans. None reads past the first character that does not belong to the number, so a buffer needs
 * one terminator (newline or NUL) and no other bound.
 *
 * Invariants:
 *   1. A canonical integer is what printf("%lld") writes: `0`, or an optional minus and digits that
 *      start with 1 .. 9. `007`, `+5` and `-0` are text.
 *   2. Doubles are correctly rounded: a mantissa of at most 2^53 times or over a power of ten of at
 *      most 10^22 is one exact operation (Clinger 1990), all else goes to g_ascii_strtod.
 *   3. `nan`, `inf` and hexadecimal numbers are not numbers. A decimal too large for a double
 *      scans as infinity, for the caller to refuse.
 *
 * Cost: a multiplication and an addition a digit.
 */
#ifndef GASKET_LOADERS_TEXT_H
#define GASKET_LOADERS_TEXT_H

#include <string.h>

#include <gasket/error.h>
#include <gasket/types.h>

/* Digits of the longest integer that fits 63 bits. */
#define GASKET_TEXT_DIGITS 19

static inline bool
gasket_text_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline bool
gasket_text_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* The end of a word: a blank, the end of the line or of the text. */
static inline bool
gasket_text_ends(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

static inline const char *
gasket_text_skip_blanks(const char *p)
{
    while (gasket_text_blank(*p))
        p++;
    return p;
}

/* The end of the word at p. */
static inline const char *
gasket_text_word_end(const char *p)
{
    while (!gasket_text_ends(*p))
        p++;
    return p;
}

/* A canonical integer that fits. */
static inline const char *
gasket_scan_id(const char *p, int64_t *ret_id)
{
    bool negative = *p == '-';
    const char *first = p + negative;
    uint64_t value = (unsigned char)(*first - '0');
    if (value > 9 || (value == 0 && (negative || gasket_text_digit(first[1]))))
        return NULL;
    const char *q = first + 1;
    for (unsigned char digit; (digit = (unsigned char)(*q - '0')) < 10; q++) {
        if (q - first >= GASKET_TEXT_DIGITS)
            return NULL;
        value = value * 10 + digit;
    }
    if (value > (uint64_t)INT64_MAX + negative)
        return NULL;
    *ret_id = (int64_t)(negative ? -value : value);
    return q;
}

/* How many of 8 bytes, xor '0' and the first in the lowest, are digits before any other. */
static inline unsigned
gasket_text_count_digits(uint64_t t)
{
    uint64_t others = (((t & UINT64_C(0x7f7f7f7f7f7f7f7f)) + UINT64_C(0x7676767676767676)) | t) &
                      UINT64_C(0x8080808080808080);
    return others != 0 ? (unsigned)__builtin_ctzll(others) / 8 : 8;
}

/* The number that the first 1 .. 8 of them are. Moved to the top, which puts zeros before them,
 * they are added up in pairs, fours and eights by multiplication. */
static inline uint64_t
gasket_text_value(uint64_t t, unsigned digits)
{
    t <<= 64 - 8 * digits;
    t = t * 10 + (t >> 8);
    return ((t & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
            (t >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
           32;
}

static inline uint64_t
gasket_text_eight_bytes(const char *p)
{
    uint64_t t;
    memcpy(&t, p, sizeof t);
    return GUINT64_FROM_LE(t) ^ UINT64_C(0x3030303030303030);
}

/* gasket_scan_id of a number of 8 digits or more, of which the first 8 are t. */
static inline const char *
gasket_scan_id_long(const char *p, uint64_t t, int64_t *ret_id)
{
    static const uint32_t power[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    uint64_t value = gasket_text_value(t, 8);
    unsigned n = 8, digits;

    do {
        t = gasket_text_eight_bytes(p + n);
        digits = gasket_text_count_digits(t);
        if (n + digits > GASKET_TEXT_DIGITS)
            return NULL;
        if (digits > 0)
            value = value * power[digits] + gasket_text_value(t, digits);
        n += digits;
    } while (digits == 8);
    if (value > INT64_MAX)
        return NULL;
    *ret_id = (int64_t)value;
    return p + n;
}

/* gasket_scan_id where 7 bytes behind the text's terminator may be read: 8 digits at once and
 * without a branch for each. */
static inline const char *
gasket_scan_id_padded(const char *p, int64_t *ret_id)
{
    uint64_t t = gasket_text_eight_bytes(p);
    unsigned digits = gasket_text_count_digits(t);
    if (digits == 0 || (digits > 1 && *p == '0'))
        return gasket_scan_id(p, ret_id);
    if (digits == 8)
        return gasket_scan_id_long(p, t, ret_id);
    *ret_id = (int64_t)gasket_text_value(t, digits);
    return p + digits;
}

/* Digits, leading zeros allowed. UINT64_MAX where the number is larger than that. */
static inline const char *
gasket_scan_count(const char *p, uint64_t *ret_count)
{
    uint64_t value = (unsigned char)(*p - '0');
    if (value > 9)
        return NULL;
    const char *q = p + 1;
    for (unsigned char digit; (digit = (unsigned char)(*q - '0')) < 10; q++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            while (gasket_text_digit(*q))
                q++;
            value = UINT64_MAX;
            break;
        }
    *ret_count = value;
    return q;
}

/* The part of gasket_scan_double that is rarely needed. */
const char *gasket_scan_double_slow(const char *p, double *ret_value);

/* A decimal number: [+-] digits [. digits] [e [+-] digits], with a digit before the exponent. */
static inline const char *
gasket_scan_double(const char *p, double *ret_value)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool negative = *p == '-';
    const char *first = p + (*p == '-' || *p == '+');
    const char *q = first;
    uint64_t mantissa = 0;
    for (unsigned char digit; (digit = (unsigned char)(*q - '0')) < 10; q++)
        mantissa = mantissa * 10 + digit;
    ptrdiff_t digits = q - first, fraction = 0;
    if (*q == '.') {
        const char *point = q++;
        for (unsigned char digit; (digit = (unsigned char)(*q - '0')) < 10; q++)
            mantissa = mantissa * 10 + digit;
        fraction = q - point - 1;
        digits += fraction;
    }
    if (digits == 0 || digits > GASKET_TEXT_DIGITS || fraction > 22 || *q == 'e' || *q == 'E' ||
        mantissa > (UINT64_C(1) << 53))
        return gasket_scan_double_slow(p, ret_value);
    double value = fraction == 0 ? (double)mantissa : (double)mantissa / power[fraction];
    *ret_value = negative ? -value : value;
    return q;
}

/* text as it may stand in a message: in double quotes, at most 40 characters, what cannot be
 * printed as \xNN. Free with g_free. */
char *gasket_text_quote(const char *text, size_t size);

/* Sets `found "text", expected ...`, or `found the end of the line, expected ...` for size 0. */
void gasket_text_error(GError **error, const char *text, size_t size, const char *expected, ...)
    G_GNUC_PRINTF(4, 5);

/* Bytes of the word at p; a NUL or a CR inside the line counts as one. */
static inline size_t
gasket_text_word_size(const char *p)
{
    size_t size = (size_t)(gasket_text_word_end(p) - p);
    return size == 0 && (*p == '\0' || (*p == '\r' && p[1] != '\n')) ? 1 : size;
}

/* The same for the word at p. */
#define gasket_text_error_word(error, p, ...)                                                      \
    gasket_text_error((error), (p), gasket_text_word_size(p), __VA_ARGS__)

/* Puts `PATH:LINE: ` before the message of a FORMAT error. */
void gasket_text_error_at(GError **error, const char *name, uint64_t line);

#endif
