/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shortest decimal text of binary floating-point numbers; see number_text.h.
 *
 *   v = c * 2^q         the number; every decimal in [(c - 1/2) 2^q, (c + 1/2) 2^q] reads back as
 *                       it (ends included if c is even; c - 1/4 where the binade below begins)
 *   k = floor(log10 of that interval's width 2^q, or of 3/4 2^q)
 *   v * 10^-k           an interval 1 to 10 wide: it holds an integer, and at most one multiple
 *                       of 10. That multiple, if there is one, is a digit shorter: it wins
 *
 *   scaled(x) = x * 2^q * 10^-k, times 4, rounded to odd: an odd result says that something was
 *               cut off, so comparisons against even numbers come out as if nothing had been
 *
 * Invariants:
 *   1. power[i] = ceiling(10^(i + POWER_MIN) * 2^s), s such that its top bit is bit 127.
 *   2. scaled() of an exact integer is that integer: the ceiling adds less than one unit of the
 *      fraction that is looked at, and a true fraction is larger than one unit.
 */
#include "loaders/number_text.h"

#include <math.h>
#include <string.h>

typedef unsigned __int128 Wide;

#define POWER_MIN (-324)
#define POWER_MAX 324
#define N_POWERS  (POWER_MAX - POWER_MIN + 1)

struct GasketNumberText {
    Wide power[N_POWERS]; /* of ten, by exponent - POWER_MIN */
};

/* c * 10^exponent */
typedef struct {
    uint64_t digits;
    int exponent;
} Decimal;

/* ---- the powers of ten ----------------------------------------------------------------------- */

/* A natural number of up to 1280 bits: 10^324 has 1077, and dividing 2^1279 by 10^324 leaves more
 * than 128. */
#define N_WORDS 40

typedef struct {
    uint32_t word[N_WORDS]; /* least significant first */
} Big;

static void
big_times_10(Big *x)
{
    uint64_t carry = 0;
    for (int i = 0; i < N_WORDS; i++) {
        carry += (uint64_t)x->word[i] * 10;
        x->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static bool
big_over_10(Big *x)
{
    uint64_t remainder = 0;
    for (int i = N_WORDS - 1; i >= 0; i--) {
        remainder = remainder << 32 | x->word[i];
        x->word[i] = (uint32_t)(remainder / 10);
        remainder %= 10;
    }
    return remainder != 0;
}

static bool
big_bit(const Big *x, int i)
{
    return i >= 0 && (x->word[i / 32] >> (i % 32) & 1) != 0;
}

/* The top 128 bits of x (shifted up if it has fewer), rounded up if anything is cut off. */
static Wide
big_ceiling(const Big *x, bool inexact)
{
    int top = N_WORDS * 32 - 1;
    while (!big_bit(x, top))
        top--;
    Wide bits = 0;
    for (int i = top; i > top - 128; i--)
        bits = bits << 1 | big_bit(x, i);
    for (int i = top - 128; i >= 0 && !inexact; i--)
        inexact = big_bit(x, i);
    return bits + inexact;
}

GasketNumberText *
gasket_number_text_new(void)
{
    GasketNumberText *numbers = g_new0(GasketNumberText, 1);

    Big positive = {{1}};
    for (int exponent = 0; exponent <= POWER_MAX; exponent++) {
        numbers->power[exponent - POWER_MIN] = big_ceiling(&positive, false);
        if (exponent < POWER_MAX)
            big_times_10(&positive);
    }

    /* floor(floor(2^n / 10) / 10) = floor(2^n / 100): no error builds up. */
    Big negative = {{0}};
    negative.word[N_WORDS - 1] = UINT32_C(1) << 31;
    bool inexact = false;
    for (int exponent = -1; exponent >= POWER_MIN; exponent--) {
        inexact |= big_over_10(&negative);
        numbers->power[exponent - POWER_MIN] = big_ceiling(&negative, inexact);
    }
    return numbers;
}

void
gasket_number_text_free(GasketNumberText *numbers)
{
    g_free(numbers);
}

/* ---- shortest decimal ------------------------------------------------------------------------ */

/* Division rounding down; the arithmetic shift of gcc and clang. */
static int
shift_down(int64_t x, int bits)
{
    return (int)(x >> bits);
}

/* floor(log10(2^q)) and, with closer, floor(log10(3/4 2^q)); exact for |q| <= 1500. */
static int
log10_of_width(int q, bool closer)
{
    return shift_down((int64_t)q * 1262611 - (closer ? 524031 : 0), 22);
}

/* floor(log2(10^e)); exact for |e| <= 1233. */
static int
log2_of_power(int e)
{
    return shift_down((int64_t)e * 1741647, 19);
}

/* floor(power * x / 2^128), made odd if a fraction is cut off (invariant 2). */
static uint64_t
scaled(Wide power, uint64_t x)
{
    Wide low = (Wide)(uint64_t)power * x;
    Wide high = (Wide)(uint64_t)(power >> 64) * x + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* The shortest decimal that reads back as c * 2^q. closer: the next smaller number is half as far
 * away as the next larger one. c > 0. */
static Decimal
shortest(const GasketNumberText *numbers, uint64_t c, int q, bool closer)
{
    const int k = log10_of_width(q, closer);
    const int shift = q + log2_of_power(-k) + 1;
    const Wide power = numbers->power[-k - POWER_MIN];

    /* In quarters of 10^k: the interval [lower, upper], ends included where ties read back to c. */
    const bool odd = (c & 1) != 0;
    const uint64_t lower = scaled(power, (4 * c - 2 + closer) << shift) + odd;
    const uint64_t middle = scaled(power, (4 * c) << shift);
    const uint64_t upper = scaled(power, (4 * c + 2) << shift) - odd;

    /* One digit fewer: at most one of the two multiples of 10 around v lies inside. */
    const uint64_t units = middle / 4, tens = units / 10;
    if (units >= 10) {
        const bool below = lower <= 40 * tens;
        const bool above = 40 * tens + 40 <= upper;
        if (below != above)
            return (Decimal){tens + above, k + 1};
    }
    const bool below = lower <= 4 * units;
    const bool above = 4 * units + 4 <= upper;
    if (below != above)
        return (Decimal){units + above, k};

    /* Both are inside: the nearer one, the even one of a tie. */
    const uint64_t half = 4 * units + 2;
    const bool up = middle > half || (middle == half && (units & 1) != 0);
    return (Decimal){units + up, k};
}

/* ---- text ------------------------------------------------------------------------------------ */

static size_t
write_digits(uint64_t x, char *out)
{
    char reversed[20];
    size_t n = 0;
    do {
        reversed[n++] = (char)('0' + x % 10);
        x /= 10;
    } while (x > 0);
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    return n;
}

size_t
gasket_number_text_integer(int64_t x, char out[GASKET_NUMBER_TEXT_MAX])
{
    if (x >= 0)
        return write_digits((uint64_t)x, out);
    out[0] = '-';
    return 1 + write_digits(-(uint64_t)x, out + 1);
}

/* d.ddde-07, at least two digits in the exponent. */
static size_t
write_scientific(const char *digits, size_t n, int exponent, char *out)
{
    char *p = out;
    *p++ = digits[0];
    if (n > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, n - 1);
        p += n - 1;
    }
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (magnitude < 10)
        *p++ = '0';
    p += write_digits(magnitude, p);
    return (size_t)(p - out);
}

static size_t
write_decimal(Decimal decimal, char *out)
{
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    char digits[20];
    size_t n = write_digits(decimal.digits, digits);

    /* Of the leading digit: d.ddd * 10^exponent. */
    int exponent = decimal.exponent + (int)n - 1;
    if (exponent < -4 || exponent > 15)
        return write_scientific(digits, n, exponent, out);
    if (exponent < 0) {
        size_t zeros = (size_t)-exponent - 1;
        memcpy(out, "0.", 2);
        memset(out + 2, '0', zeros);
        memcpy(out + 2 + zeros, digits, n);
        return 2 + zeros + n;
    }
    size_t whole = (size_t)exponent + 1;
    if (whole >= n) {
        memcpy(out, digits, n);
        memset(out + n, '0', whole - n);
        return whole;
    }
    memcpy(out, digits, whole);
    out[whole] = '.';
    memcpy(out + whole + 1, digits + whole, n - whole);
    return n + 1;
}

static size_t
write_word(const char *word, char *out)
{
    size_t length = strlen(word);
    memcpy(out, word, length);
    return length;
}

/* Text of (-1)^negative * significand * 2^exponent, fraction_bits wide as stored. */
static size_t
write_binary(const GasketNumberText *numbers, bool negative, uint64_t fraction, int biased,
             int fraction_bits, int bias, char *out)
{
    size_t sign = 0;
    if (negative)
        out[sign++] = '-';
    if (biased == 0 && fraction == 0) {
        out[sign] = '0';
        return sign + 1;
    }
    const uint64_t hidden = UINT64_C(1) << fraction_bits;
    const uint64_t c = biased > 0 ? fraction | hidden : fraction;
    const int q = (biased > 0 ? biased : 1) - bias - fraction_bits;

    /* Small whole numbers are their own shortest text. */
    if (q <= 0 && -q <= fraction_bits && (c & ((UINT64_C(1) << -q) - 1)) == 0)
        return sign + write_decimal((Decimal){c >> -q, 0}, out + sign);
    return sign + write_decimal(shortest(numbers, c, q, fraction == 0 && biased > 1), out + sign);
}

size_t
gasket_number_text_double(const GasketNumberText *numbers, double x,
                          char out[GASKET_NUMBER_TEXT_MAX])
{
    if (!isfinite(x))
        return write_word(isnan(x) ? "nan" : x > 0 ? "inf" : "-inf", out);
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return write_binary(numbers, bits >> 63 != 0, bits & ((UINT64_C(1) << 52) - 1),
                        (int)(bits >> 52 & 0x7ff), 52, 1023, out);
}

size_t
gasket_number_text_float(const GasketNumberText *numbers, float x, char out[GASKET_NUMBER_TEXT_MAX])
{
    if (!isfinite(x))
        return write_word(isnan(x) ? "nan" : x > 0 ? "inf" : "-inf", out);
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return write_binary(numbers, bits >> 31 != 0, bits & ((UINT32_C(1) << 23) - 1),
                        (int)(bits >> 23 & 0xff), 23, 127, out);
}
