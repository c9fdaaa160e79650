/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as bytes, greetings as frames, keys as functions of a pair: no socket in sight. */
#include "engine/transport_frame.h"

#include <string.h>

#include "engine/transport_handshake.h"
#include "engine/transport_tls.h"
#include "tests/check_main.h"

/* ---- frames ---------------------------------------------------------------------------------- */

/* The bytes of n frames of 0, 1, .. n - 1 bytes, alternating between the channels. */
static GByteArray *
stream_new(unsigned n)
{
    GByteArray *stream = g_byte_array_new();
    for (uint32_t i = 0; i < n; i++) {
        g_autoptr(GasketFrame) frame = gasket_frame_new(i + 1, i, NULL);
        uint8_t header[GASKET_FRAME_HEADER];
        memset(frame->payload, (int)i, i);
        gasket_frame_header_write(header, frame, (GasketChannel)(i % 2), i);
        g_byte_array_append(stream, header, sizeof header);
        g_byte_array_append(stream, frame->payload, i);
    }
    return stream;
}

START_TEST(a_header_is_laid_out_as_drawn)
{
    g_autoptr(GasketFrame) frame = gasket_frame_new(0x1234, 0x0a0b0c, NULL);
    const uint8_t expected[] = {0x0c, 0x0b, 0x0a, 0x00, 0x34, 0x12, 0x01, 0x00,
                                0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01};
    uint8_t header[GASKET_FRAME_HEADER];
    gasket_frame_header_write(header, frame, GASKET_CHANNEL_BULK, 0x0102030405060708);
    ck_assert_mem_eq(header, expected, sizeof header);
}
END_TEST

START_TEST(frames_come_out_of_pieces_of_any_size)
{
    const unsigned n = 50;
    g_autoptr(GByteArray) stream = stream_new(n);
    for (size_t piece = 1; piece < 70; piece++) {
        GasketFrameDecoder decoder;
        gasket_frame_decoder_init(&decoder, 100);
        unsigned n_frames = 0;
        for (size_t at = 0; at < stream->len;) {
            g_autoptr(GasketFrame) frame = NULL;
            GasketChannel channel = GASKET_N_CHANNELS;
            size_t used, given = MIN(piece, stream->len - at);
            ck_assert(gasket_frame_decoder_feed(&decoder, stream->data + at, given, &used, &frame,
                                                &channel, NULL));
            ck_assert(used == given || frame != NULL);
            at += used;
            if (frame == NULL)
                continue;
            ck_assert_uint_eq(frame->type, n_frames + 1);
            ck_assert_uint_eq(frame->length, n_frames);
            ck_assert_uint_eq(channel, n_frames % 2);
            for (unsigned i = 0; i < frame->length; i++)
                ck_assert_uint_eq(frame->payload[i], n_frames);
            n_frames++;
        }
        ck_assert_uint_eq(n_frames, n);
        gasket_frame_decoder_clear(&decoder);
    }
}
END_TEST

typedef struct {
    unsigned at; /* byte of the second frame's header that is changed */
    uint8_t to;
    const char *message;
} Damage;

static const Damage damage[] = {
    {0, 101, "a frame of 101 bytes where 100 are the most"},
    {3, 255, "a frame of 4278190081 bytes where 100 are the most"},
    {4, 0, "a frame of type 0"},
    {6, 2, "a frame on channel 2"},
    {6, 255, "a frame on channel 255"},
    {7, 1, "a frame with 1 where a zero must stand"},
    {8, 0, "frame number 0 where 1 was due"},
    {8, 2, "frame number 2 where 1 was due"},
    {15, 128, "frame number 9223372036854775809 where 1 was due"},
};

START_TEST(a_damaged_header_is_refused_before_anything_is_allocated)
{
    const Damage *d = &damage[_i];
    g_autoptr(GByteArray) stream = stream_new(3);
    stream->data[GASKET_FRAME_HEADER + d->at] = d->to;
    GasketFrameDecoder decoder;
    gasket_frame_decoder_init(&decoder, 100);
    g_autoptr(GasketFrame) frame = NULL;
    GasketChannel channel;
    size_t used, more;
    ck_assert(gasket_frame_decoder_feed(&decoder, stream->data, stream->len, &used, &frame,
                                        &channel, NULL));
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(used, GASKET_FRAME_HEADER);

    g_autoptr(GError) error = NULL;
    ck_assert(!gasket_frame_decoder_feed(&decoder, stream->data + used, stream->len - used, &more,
                                         &frame, &channel, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL));
    ck_assert_str_eq(error->message, d->message);
    ck_assert_ptr_null(decoder.frame);
    gasket_frame_decoder_clear(&decoder);
}
END_TEST

START_TEST(a_frame_cut_short_is_freed)
{
    g_autoptr(GByteArray) stream = stream_new(40);
    GasketFrameDecoder decoder;
    gasket_frame_decoder_init(&decoder, 100);
    decoder.next_sequence = 39;
    g_autoptr(GasketFrame) frame = NULL;
    GasketChannel channel;
    size_t used;
    const uint8_t *last = stream->data + stream->len - GASKET_FRAME_HEADER - 39;
    ck_assert(gasket_frame_decoder_feed(&decoder, last, GASKET_FRAME_HEADER + 38, &used, &frame,
                                        &channel, NULL));
    ck_assert_ptr_null(frame);
    ck_assert_ptr_nonnull(decoder.frame);
    gasket_frame_decoder_clear(&decoder); /* a leak is the sanitizer's to tell */
}
END_TEST

/* ---- greetings ------------------------------------------------------------------------------- */

static const GasketHello hello = {
    .run_id = "0123456789abcde", .from = 3, .to = 1, .size = 5, .fingerprint = 77};

START_TEST(a_greeting_that_fits_is_accepted)
{
    g_autoptr(GasketFrame) frame = gasket_hello_frame_new(&hello, NULL);
    GasketHello any = hello;
    any.from = any.size;
    unsigned from = 99;
    ck_assert(gasket_hello_check(frame, &hello, &from, NULL));
    ck_assert_uint_eq(from, 3);
    from = 99;
    ck_assert(gasket_hello_check(frame, &any, &from, NULL));
    ck_assert_uint_eq(from, 3);
}
END_TEST

START_TEST(every_byte_of_a_greeting_counts)
{
    g_autoptr(GasketFrame) frame = gasket_hello_frame_new(&hello, NULL);
    for (uint32_t i = 0; i < frame->length; i++) {
        g_autoptr(GError) error = NULL;
        unsigned from = 99;
        frame->payload[i] ^= 0x40;
        ck_assert(!gasket_hello_check(frame, &hello, &from, &error));
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL));
        ck_assert_uint_eq(from, 99);
        frame->payload[i] ^= 0x40;
    }
    for (uint32_t length = 0; length < frame->length; length++) {
        g_autoptr(GasketFrame) shorter = gasket_frame_new(frame->type, length, NULL);
        unsigned from;
        memcpy(shorter->payload, frame->payload, length);
        ck_assert(!gasket_hello_check(shorter, &hello, &from, NULL));
    }
    frame->type = GASKET_FRAME_LEAVE;
    unsigned from;
    ck_assert(!gasket_hello_check(frame, &hello, &from, NULL));
}
END_TEST

START_TEST(nobody_comes_to_a_higher_rank_or_from_outside)
{
    GasketHello any = hello;
    any.from = any.size;
    const unsigned wrong[] = {0, 1, 5, 6};
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        GasketHello other = hello;
        other.from = wrong[i];
        g_autoptr(GasketFrame) frame = gasket_hello_frame_new(&other, NULL);
        unsigned from;
        ck_assert(!gasket_hello_check(frame, &any, &from, NULL));
    }
}
END_TEST

/* ---- keys ------------------------------------------------------------------------------------ */

START_TEST(a_key_is_a_function_of_run_and_direction)
{
    GasketTlsRun run = {.key = {1, 2, 3}, .run_id = {4, 5}, .rank = 0, .size = 4};
    uint8_t key[6][GASKET_KEY_BYTES];
    ck_assert(gasket_tls_derive_key(&run, 2, 1, key[0], NULL));
    ck_assert(gasket_tls_derive_key(&run, 1, 2, key[1], NULL));
    ck_assert(gasket_tls_derive_key(&run, 3, 1, key[2], NULL));
    ck_assert(gasket_tls_derive_key(&run, 2, 0, key[3], NULL));
    run.run_id[15] = 1;
    ck_assert(gasket_tls_derive_key(&run, 2, 1, key[4], NULL));
    run.run_id[15] = 0;
    run.key[31] = 1;
    ck_assert(gasket_tls_derive_key(&run, 2, 1, key[5], NULL));
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned j = 0; j < i; j++)
            ck_assert_mem_ne(key[i], key[j], GASKET_KEY_BYTES);
    }
    uint8_t again[GASKET_KEY_BYTES];
    run.key[31] = 0;
    ck_assert(gasket_tls_derive_key(&run, 2, 1, again, NULL));
    ck_assert_mem_eq(again, key[0], GASKET_KEY_BYTES);
}
END_TEST

START_TEST(an_identity_is_readable)
{
    const uint8_t run_id[GASKET_RUN_ID_BYTES] = {0xab, 0x01};
    char identity[GASKET_TLS_IDENTITY];
    gasket_tls_identity_write(identity, run_id, 12, 3);
    ck_assert_str_eq(identity, "gasket ab010000000000000000000000000000 client 12 server 3");
    gasket_tls_identity_write(identity, run_id, UINT32_MAX, UINT32_MAX);
    ck_assert(g_str_has_suffix(identity, " client 4294967295 server 4294967295"));
}
END_TEST

int
main(void)
{
    TCase *frames = tcase_create("frames");
    tcase_add_test(frames, a_header_is_laid_out_as_drawn);
    tcase_add_test(frames, frames_come_out_of_pieces_of_any_size);
    tcase_add_loop_test(frames, a_damaged_header_is_refused_before_anything_is_allocated, 0,
                        G_N_ELEMENTS(damage));
    tcase_add_test(frames, a_frame_cut_short_is_freed);
    TCase *greetings = tcase_create("greetings");
    tcase_add_test(greetings, a_greeting_that_fits_is_accepted);
    tcase_add_test(greetings, every_byte_of_a_greeting_counts);
    tcase_add_test(greetings, nobody_comes_to_a_higher_rank_or_from_outside);
    TCase *keys = tcase_create("keys");
    tcase_add_test(keys, a_key_is_a_function_of_run_and_direction);
    tcase_add_test(keys, an_identity_is_readable);
    TCase *cases[] = {frames, greetings, keys};
    return check_run("transport_frame", cases, G_N_ELEMENTS(cases));
}
