/* SPDX-License-Identifier: Apache-2.0 */
/* Updates of ghosts: every encoding there and back, its size, and what is made of broken frames. */
#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/ghosts.h"
#include "tests/check_main.h"
#include <gasket/gasket.h>

/* Rank 0, with n_owned vertices, sends n of them to rank 1, which has them as its ghosts behind 3
 * vertices of its own. */
typedef struct {
    GasketPartKind from, to;
    GasketValues sent, received;
    uint64_t from_send_begin[3];
    uint32_t to_ghost_begin[3];
    uint64_t *changed, *changed_ghosts;
    uint8_t *before;  /* the receiver's bytes */
    uint64_t n_bytes; /* of the receiver */
} Pair;

#define OWN 3

/* Sizes of values: uniform `size`, or varying where it is 0. */
static uint64_t
size_of(size_t size, uint32_t i, const uint32_t *sizes)
{
    return size > 0 ? size : sizes[i];
}

static void
pair_init(Pair *pair, GasketRandom *random, uint32_t n, size_t size, const uint32_t *sizes)
{
    uint32_t n_owned = 2 * n + 1, next = 0;
    *pair = (Pair){.from_send_begin = {0, 0, n}, .to_ghost_begin = {OWN, OWN + n, OWN + n}};
    pair->from = (GasketPartKind){.n_owned = n_owned,
                                  .n_local = n_owned,
                                  .send_begin = pair->from_send_begin,
                                  .send = gasket_array_new(n, 4, NULL)};
    pair->to =
        (GasketPartKind){.n_owned = OWN, .n_local = OWN + n, .ghost_begin = pair->to_ghost_begin};
    for (uint32_t i = 0; i < n; i++) {
        next += gasket_random_below(random, 2);
        pair->from.send[i] = next++;
    }
    uint64_t *from_begin = gasket_array_new(n_owned + 1, 8, NULL);
    uint64_t *to_begin = gasket_array_new(OWN + n + 1, 8, NULL);
    for (uint32_t v = 0, i = 0; v < n_owned; v++) {
        bool is_sent = i < n && pair->from.send[i] == v;
        from_begin[v + 1] = from_begin[v] + (is_sent ? size_of(size, i, sizes) : size);
        i += is_sent;
    }
    for (uint32_t v = 0; v < OWN + n; v++)
        to_begin[v + 1] = to_begin[v] + (v < OWN ? size : size_of(size, v - OWN, sizes));
    pair->sent = (GasketValues){&pair->from, 0, size, size ? NULL : from_begin,
                                gasket_array_new(from_begin[n_owned], 1, NULL)};
    pair->n_bytes = to_begin[OWN + n];
    pair->received = (GasketValues){&pair->to, 0, size, size ? NULL : to_begin,
                                    gasket_array_new(pair->n_bytes, 1, NULL)};
    for (uint64_t b = 0; b < from_begin[n_owned]; b++)
        pair->sent.bytes[b] = (uint8_t)gasket_random_uint32(random);
    pair->changed = gasket_array_new(gasket_bitset_words(n_owned), 8, NULL);
    pair->changed_ghosts = gasket_array_new(gasket_bitset_words(n), 8, NULL);
    if (size > 0) {
        gasket_array_free(from_begin);
        gasket_array_free(to_begin);
    }
}

static void
pair_clear(Pair *pair)
{
    gasket_array_free(pair->from.send);
    gasket_array_free((void *)pair->sent.begin);
    gasket_array_free((void *)pair->received.begin);
    gasket_array_free(pair->sent.bytes);
    gasket_array_free(pair->received.bytes);
    gasket_array_free(pair->changed);
    gasket_array_free(pair->changed_ghosts);
}

static const uint8_t *
value_of(const GasketValues *values, uint32_t v, uint64_t *ret_size)
{
    *ret_size = values->begin ? values->begin[v + 1] - values->begin[v] : values->size;
    return values->bytes + (values->begin ? values->begin[v] : v * values->size);
}

/* Feeds a frame to the receiver from a buffer of exactly its size. */
static bool
consume(Pair *pair, bool mark, const GasketRoundHeader *header, const uint8_t *body, uint32_t n)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *copy = g_malloc(n + !n);
    memcpy(copy, body, n);
    bool ok = gasket_ghosts_consume(&pair->received, mark ? pair->changed_ghosts : NULL, 0, header,
                                    copy, n, &error);
    ck_assert(ok == (error == NULL));
    ck_assert(ok || g_error_matches(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL));
    return ok;
}

/* Sends the whole update; returns the bytes of all bodies, and the encodings as bits. */
static uint64_t
transfer(Pair *pair, bool all, unsigned *ret_frames, unsigned *ret_encodings)
{
    GasketUpdate update = {0};
    uint64_t bytes = 0;
    *ret_frames = *ret_encodings = 0;
    for (;;) {
        g_autoptr(GasketFrame) frame = NULL;
        ck_assert(gasket_ghosts_produce(&pair->sent, all ? NULL : pair->changed, 1, &update, &frame,
                                        NULL));
        if (frame == NULL)
            return bytes;
        ck_assert_uint_le(frame->length, GASKET_BULK_BYTES);
        uint32_t n = frame->length - (uint32_t)sizeof(GasketRoundHeader);
        const GasketRoundHeader *header = gasket_round_frame_header(frame);
        ck_assert(consume(pair, !all, header, gasket_round_frame_body(frame), n));
        if (n > 0)
            ck_assert(!consume(pair, !all, header, gasket_round_frame_body(frame), n - 1));
        bytes += n;
        ++*ret_frames;
        *ret_encodings |= 1u << header->encoding;
    }
}

/* What changed has arrived and is marked; everything else is as it was. */
static void
assert_received(const Pair *pair, bool all, const uint8_t *before)
{
    for (uint32_t i = 0; i < pair->to.n_local - OWN; i++) {
        uint64_t size, again;
        uint32_t v = pair->from.send[i];
        bool changed = all || gasket_bitset_has(pair->changed, v);
        const uint8_t *found = value_of(&pair->received, OWN + i, &size);
        const uint8_t *expected =
            changed ? value_of(&pair->sent, v, &again) : before + (found - pair->received.bytes);
        if (size > 0)
            ck_assert_mem_eq(found, expected, size);
        if (!all)
            ck_assert_int_eq(gasket_bitset_has(pair->changed_ghosts, i), changed);
    }
    uint64_t own = value_of(&pair->received, OWN, &(uint64_t){0}) - pair->received.bytes;
    if (own > 0)
        ck_assert_mem_eq(pair->received.bytes, before, own);
}

/* Draws what changed, sends it, and compares the bytes with the best of the encodings. */
static void
assert_update(GasketRandom *random, uint32_t n, size_t size, const uint32_t *sizes, double share)
{
    Pair pair;
    uint64_t some = 0, every = 0, largest = 0;
    uint32_t n_changed = 0;
    unsigned frames, encodings;
    pair_init(&pair, random, n, size, sizes);
    bool all = share > 1;
    for (uint32_t i = 0; i < n; i++) {
        every += size_of(size, i, sizes);
        largest = MAX(largest, size_of(size, i, sizes));
        if (gasket_random_double(random) < share) {
            gasket_bitset_add(pair.changed, pair.from.send[i]);
            some += size_of(size, i, sizes);
            n_changed++;
        }
    }
    /* Vertices that are not sent change too. */
    for (uint32_t v = 0; v < pair.from.n_owned; v += 3) {
        bool is_sent = false;
        for (uint32_t i = 0; n <= 1000 && i < n; i++)
            is_sent = is_sent || pair.from.send[i] == v;
        if (n <= 1000 && !is_sent)
            gasket_bitset_add(pair.changed, v);
    }
    g_autofree uint8_t *before = g_memdup2(pair.received.bytes, MAX(pair.n_bytes, 1));
    uint64_t bytes = transfer(&pair, all, &frames, &encodings);
    assert_received(&pair, all, before);

    double best = MIN(n / 8.0 + (double)some, (double)some + 2.0 * n_changed);
    if (all || n_changed == n)
        best = (double)every;
    ck_assert_msg((double)bytes <= 1.05 * best + 8.0 * frames,
                  "%u of %u values of %zu bytes took %" G_GUINT64_FORMAT " bytes, not %.0f",
                  n_changed, n, size, bytes, best);
    if (n_changed == 0 && !all)
        ck_assert_uint_eq(frames, 0);
    if (largest <= 20000) /* frames are full */
        ck_assert_uint_le(frames,
                          1 + bytes / (GASKET_BULK_BYTES - 24 - 8192 - largest) + n / (64u << 10));
    pair_clear(&pair);
}

START_TEST(uniform_values_arrive_in_the_smallest_encoding)
{
    static const size_t sizes[] = {1, 4, 8, 12, 400, 200000};
    static const double shares[] = {0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 0.9, 0.99, 1, 2};
    GasketRandom random = gasket_random_at(1, 0, 0, 0);
    for (unsigned s = 0; s < G_N_ELEMENTS(sizes); s++)
        for (unsigned i = 0; i < G_N_ELEMENTS(shares); i++)
            for (uint32_t n = sizes[s] > 1000 ? 5 : 1; n <= 200000; n = n * 60 + 3)
                if (n * sizes[s] <= 5000000)
                    assert_update(&random, n, sizes[s], NULL, shares[i]);
}
END_TEST

START_TEST(varying_values_arrive_with_empty_and_long_ones_among_them)
{
    static const double shares[] = {0, 0.01, 0.3, 0.97, 1, 2};
    GasketRandom random = gasket_random_at(2, 0, 0, 0);
    for (unsigned i = 0; i < 12 * G_N_ELEMENTS(shares); i++) {
        uint32_t n = 1 + gasket_random_below(&random, i % 3 ? 300 : 5000), sizes[5000];
        for (uint32_t k = 0; k < n; k++) {
            uint32_t lot = gasket_random_below(&random, 200);
            sizes[k] = lot == 0   ? 8 * gasket_random_below(&random, 50000)
                       : lot < 60 ? 0
                                  : 8 * gasket_random_below(&random, 20);
        }
        assert_update(&random, n, 0, sizes, shares[i / 12]);
    }
}
END_TEST

START_TEST(each_encoding_is_chosen_where_it_is_smallest)
{
    static const struct {
        double share;
        unsigned encoding;
    } cases[] = {{2, GASKET_ENCODING_DENSE},      {1, GASKET_ENCODING_DENSE},
                 {0.999, GASKET_ENCODING_BITMAP}, {0.5, GASKET_ENCODING_BITMAP},
                 {0.05, GASKET_ENCODING_SPARSE},  {0.001, GASKET_ENCODING_SPARSE}};
    GasketRandom random = gasket_random_at(3, 0, 0, 0);
    for (unsigned c = 0; c < G_N_ELEMENTS(cases); c++) {
        Pair pair;
        unsigned frames, encodings;
        pair_init(&pair, &random, 20000, 4, NULL);
        for (uint32_t i = 0; i < 20000; i++)
            if (gasket_random_double(&random) < cases[c].share)
                gasket_bitset_add(pair.changed, pair.from.send[i]);
        (void)transfer(&pair, cases[c].share > 1, &frames, &encodings);
        ck_assert_uint_eq(encodings, 1u << cases[c].encoding);
        pair_clear(&pair);
    }
}
END_TEST

/* ---- broken frames --------------------------------------------------------------------------- */

/* Changes a header or a body at random. */
static void
corrupt(GasketRandom *random, GasketRoundHeader *header, uint8_t *body, uint32_t *n)
{
    static const uint32_t odd[] = {
        0, 1, 7, 8, 255, 1u << 16, UINT32_MAX, UINT32_MAX - 1, (1u << 31) - 1};
    uint32_t any = gasket_random_below(random, 2)
                       ? odd[gasket_random_below(random, G_N_ELEMENTS(odd))]
                       : gasket_random_below(random, 300);
    switch (gasket_random_below(random, 5)) {
    case 0:
        header->first = any;
        break;
    case 1:
        header->count = any;
        break;
    case 2:
        header->encoding = (uint8_t)gasket_random_below(random, 6);
        break;
    case 3:
        *n = gasket_random_below(random, *n + 1);
        break;
    default:
        for (unsigned i = gasket_random_below(random, 4); *n > 0 && i < 5; i++)
            body[gasket_random_below(random, *n)] = (uint8_t)gasket_random_uint32(random);
    }
}

START_TEST(broken_frames_are_refused_or_stay_in_bounds)
{
    GasketRandom random = gasket_random_at(4, 0, 0, 0);
    unsigned n_refused = 0;
    for (unsigned round = 0; round < 400; round++) {
        Pair pair;
        uint32_t n = 1 + gasket_random_below(&random, 200), sizes[200];
        for (uint32_t i = 0; i < n; i++)
            sizes[i] = i == 7 ? 70000 : 8 * gasket_random_below(&random, 4);
        size_t size = round % 2 ? 0 : 1 + gasket_random_below(&random, 12);
        pair_init(&pair, &random, n, size, sizes);
        for (uint32_t i = 0; i < n; i++)
            if (round % 3 == 0 || gasket_random_below(&random, 1 + round % 20) == 0)
                gasket_bitset_add(pair.changed, pair.from.send[i]);
        GasketUpdate update = {0};
        for (;;) {
            g_autoptr(GasketFrame) frame = NULL;
            ck_assert(gasket_ghosts_produce(&pair.sent, pair.changed, 1, &update, &frame, NULL));
            if (frame == NULL)
                break;
            for (unsigned i = 0; i < 50; i++) {
                GasketRoundHeader header = *gasket_round_frame_header(frame);
                uint32_t n_body = frame->length - (uint32_t)sizeof header;
                g_autofree uint8_t *payload = g_memdup2(frame->payload, frame->length);
                uint8_t *body = payload + sizeof header;
                for (unsigned k = 0; k <= i % 3; k++)
                    corrupt(&random, &header, body, &n_body);
                n_refused += !consume(&pair, i % 2, &header, body, n_body);
            }
        }
        pair_clear(&pair);
    }
    ck_assert_uint_gt(n_refused, 5000);
}
END_TEST

int
main(void)
{
    TCase *ghosts = tcase_create("ghosts");
    tcase_set_timeout(ghosts, 120);
    tcase_add_test(ghosts, uniform_values_arrive_in_the_smallest_encoding);
    tcase_add_test(ghosts, varying_values_arrive_with_empty_and_long_ones_among_them);
    tcase_add_test(ghosts, each_encoding_is_chosen_where_it_is_smallest);
    tcase_add_test(ghosts, broken_frames_are_refused_or_stay_in_bounds);
    TCase *cases[] = {ghosts};
    return check_run("ghosts", cases, G_N_ELEMENTS(cases));
}
