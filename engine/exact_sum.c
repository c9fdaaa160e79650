/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact sums of doubles in one long fixed-point number.
 *
 * Every finite double is an integer in units of 2^-1074 with at most 2098 bits. The sum is such an
 * integer, cut into chunks 32 bits apart, each in a signed 64-bit word, so that addends go in
 * without carries:
 *
 *   weight       2^0        2^32       2^64             2^2144      (x 2^-1074)
 *   chunk      [ 64 bit ] [ 64 bit ] [ 64 bit ]  ...  [ 64 bit ]
 *                         [ m low  ] [ m high ]                     an addend m * 2^e touches two
 *
 * Carries are propagated (normalise) before a chunk can overflow.
 *
 * add_many first sums blocks of numbers of similar size by plain additions that cannot round
 * (exact_sum_block.h) and adds a few totals for each block.
 *
 * Invariants:
 *   1. The sum is the total of chunk[i] * 2^(32 i - 1074), chunk by chunk exact.
 *   2. |chunk[i]| < 2^32 + n_pending * (2^52 + 2^32), n_pending <= MAX_PENDING; the last chunk,
 *      which only takes carries and merged sums, is bounded by 2^31 per merged sum.
 *   3. Normalised: n_pending = 0 and chunks 0 .. 66 are in [0, 2^32); the sign is in the last.
 *
 * Cost: 560 bytes; an addend touches 16 bytes of them. Rounding walks the chunks once.
 *
 * Reference: R. M. Neal, Fast exact summation using small and large superaccumulators, 2015.
 */
#include "engine/exact_sum.h"
#include "engine/exact_sum_block.h"

#include <math.h>
#include <string.h>

#define CHUNK_BITS   32
#define CHUNK_MASK   UINT64_C(0xffffffff)
#define N_CHUNKS     GASKET_EXACT_SUM_CHUNKS
#define MAX_PENDING  1024 /* 2^10 * (2^52 + 2^32) + 2^32 < 2^63 */
#define LOWEST_POWER (-1074)

void
gasket_exact_sum_init(GasketExactSum *sum)
{
    memset(sum, 0, sizeof *sum);
}

static uint64_t
bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Propagates carries: invariant 3. The shift of a negative number rounds down. */
static void
normalise(GasketExactSum *sum)
{
    int64_t carry = 0;
    for (unsigned i = 0; i + 1 < N_CHUNKS; i++) {
        int64_t c = sum->chunk[i] + carry;
        sum->chunk[i] = (int64_t)((uint64_t)c & CHUNK_MASK);
        carry = c >> CHUNK_BITS;
    }
    sum->chunk[N_CHUNKS - 1] += carry;
    sum->n_pending = 0;
}

void
gasket_exact_sum_add(GasketExactSum *sum, double x)
{
    uint64_t bits = bits_of(x);
    unsigned exponent = (bits >> 52) & 0x7ff;
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);

    if (exponent == 0x7ff) {
        sum->not_finite = true;
        return;
    }
    if (exponent == 0)
        exponent = 1; /* subnormal: the same unit as the smallest normal numbers */
    else
        mantissa |= UINT64_C(1) << 52;

    if (sum->n_pending == MAX_PENDING)
        normalise(sum);
    sum->n_pending++;

    /* |x| = mantissa * 2^position in units of 2^-1074 */
    unsigned position = exponent - 1;
    unsigned chunk = position / CHUNK_BITS, shift = position % CHUNK_BITS;
    int64_t low = (int64_t)((mantissa << shift) & CHUNK_MASK);
    int64_t high = (int64_t)(mantissa >> (CHUNK_BITS - shift));

    int64_t sign = -(int64_t)(bits >> 63); /* 0 or -1: x ^ -1 - -1 is -x, without a branch */
    sum->chunk[chunk] += (low ^ sign) - sign;
    sum->chunk[chunk + 1] += (high ^ sign) - sign;
}

/* ---- blocks --------------------------------------------------------------------------------- */

static void
add_each(GasketExactSum *sum, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gasket_exact_sum_add(sum, x[i]);
}

/* Fewer addends than this are not worth two passes. */
#define FEW 24

void
gasket_exact_sum_add_many(GasketExactSum *sum, const double *x, size_t n)
{
    double left[GASKET_EXACT_SUM_BLOCK], taken[GASKET_EXACT_SUM_LEVELS];

    while (n >= FEW) {
        size_t block = MIN(n - n % GASKET_EXACT_SUM_GROUP, GASKET_EXACT_SUM_BLOCK);
        switch (gasket_exact_sum_take(x, block, taken, left)) {
        case GASKET_TOOK_NOTHING:
            add_each(sum, x, block);
            break;
        case GASKET_TOOK_SOME:
            add_each(sum, left, block);
            add_each(sum, taken, GASKET_EXACT_SUM_LEVELS);
            break;
        case GASKET_TOOK_ALL:
            add_each(sum, taken, GASKET_EXACT_SUM_LEVELS);
            break;
        }
        x += block;
        n -= block;
    }
    add_each(sum, x, n);
}

/* ---- totals --------------------------------------------------------------------------------- */

void
gasket_exact_sum_merge(GasketExactSum *sum, const GasketExactSum *other)
{
    GasketExactSum carried = *other;
    normalise(&carried);
    if (sum->n_pending == MAX_PENDING)
        normalise(sum);
    sum->n_pending++; /* a normalised chunk is smaller than an addend's share */
    for (unsigned i = 0; i < N_CHUNKS; i++)
        sum->chunk[i] += carried.chunk[i];
    sum->not_finite |= carried.not_finite;
}

/* Makes a normalised sum its own negative. */
static void
negate(GasketExactSum *sum)
{
    for (unsigned i = 0; i < N_CHUNKS; i++)
        sum->chunk[i] = -sum->chunk[i];
    normalise(sum);
}

/* Bits position .. position + 63 of a normalised, non-negative sum. */
static uint64_t
bits_at(const GasketExactSum *sum, unsigned position)
{
    unsigned chunk = position / CHUNK_BITS, shift = position % CHUNK_BITS;
    uint64_t bits = (uint64_t)sum->chunk[chunk] >> shift;
    for (unsigned i = 1; i <= 2 && chunk + i < N_CHUNKS; i++) {
        unsigned up = i * CHUNK_BITS - shift;
        if (up < 64)
            bits |= (uint64_t)sum->chunk[chunk + i] << up;
    }
    return bits;
}

/* Whether any bit below position is set. */
static bool
any_below(const GasketExactSum *sum, unsigned position)
{
    unsigned chunk = position / CHUNK_BITS, shift = position % CHUNK_BITS;
    for (unsigned i = 0; i < chunk; i++)
        if (sum->chunk[i] != 0)
            return true;
    return ((uint64_t)sum->chunk[chunk] & ((UINT64_C(1) << shift) - 1)) != 0;
}

double
gasket_exact_sum_round(const GasketExactSum *sum)
{
    if (sum->not_finite)
        return NAN;

    GasketExactSum whole = *sum;
    normalise(&whole);
    bool negative = whole.chunk[N_CHUNKS - 1] < 0;
    if (negative)
        negate(&whole);

    unsigned top = N_CHUNKS;
    while (top > 0 && whole.chunk[top - 1] == 0)
        top--;
    if (top == 0)
        return 0;
    unsigned n_bits =
        (top - 1) * CHUNK_BITS + 64 - (unsigned)__builtin_clzll((uint64_t)whole.chunk[top - 1]);

    /* 53 bits make the number; the next and whether any is below it decide the rounding. Up to 53
     * bits are exact, subnormal numbers among them. */
    unsigned drop = n_bits > 53 ? n_bits - 53 : 0;
    uint64_t mantissa = bits_at(&whole, drop) & ((UINT64_C(1) << 53) - 1);
    if (drop > 0) {
        bool half = bits_at(&whole, drop - 1) & 1;
        if (half && (any_below(&whole, drop - 1) || (mantissa & 1)))
            mantissa++;
    }
    double total = ldexp((double)mantissa, (int)drop + LOWEST_POWER);
    return negative ? -total : total;
}

/* ---- the wire ------------------------------------------------------------------------------- */

static void
write_word(uint8_t *bytes, uint64_t word)
{
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(word >> (8 * i));
}

static uint64_t
read_word(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

void
gasket_exact_sum_write(const GasketExactSum *sum, uint8_t ret_bytes[GASKET_EXACT_SUM_BYTES])
{
    GasketExactSum whole = *sum;
    normalise(&whole);
    if (whole.not_finite) /* what else was added then has no meaning */
        memset(whole.chunk, 0, sizeof whole.chunk);
    for (unsigned i = 0; i < N_CHUNKS; i += 2) {
        uint64_t low = (uint64_t)whole.chunk[i], high = (uint64_t)whole.chunk[i + 1];
        write_word(ret_bytes + i / 2 * 8, low | high << CHUNK_BITS);
    }
    write_word(ret_bytes + N_CHUNKS / 2 * 8, whole.not_finite);
}

bool
gasket_exact_sum_read(GasketExactSum *sum, const uint8_t bytes[GASKET_EXACT_SUM_BYTES])
{
    uint64_t not_finite = read_word(bytes + N_CHUNKS / 2 * 8);
    if (not_finite > 1)
        return false;

    gasket_exact_sum_init(sum);
    sum->not_finite = not_finite;
    for (unsigned i = 0; i < N_CHUNKS; i += 2) {
        uint64_t word = read_word(bytes + i / 2 * 8);
        sum->chunk[i] = (int64_t)(word & CHUNK_MASK);
        sum->chunk[i + 1] = (int64_t)(word >> CHUNK_BITS);
    }
    sum->chunk[N_CHUNKS - 1] = (int32_t)sum->chunk[N_CHUNKS - 1]; /* the sign */
    return true;
}

bool
gasket_exact_sum_check(const GasketExactSum *sum)
{
    if (sum->n_pending > MAX_PENDING)
        return false;
    int64_t share = (INT64_C(1) << 52) + (INT64_C(1) << 32);
    int64_t bound = (INT64_C(1) << 32) + sum->n_pending * share;
    for (unsigned i = 0; i + 1 < N_CHUNKS; i++)
        if (sum->chunk[i] <= -bound || sum->chunk[i] >= bound)
            return false;
    return true;
}
