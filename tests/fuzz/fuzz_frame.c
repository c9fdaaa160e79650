/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the frame decoder: any bytes, in pieces of any size, give the same frames or the same
 * refusal, and never more than the limit is allocated.
 *
 * Input: | size of the pieces - 1 | bytes ... |
 */
#include "engine/transport_frame.h"
#include "engine/transport_handshake.h"

#include <string.h>

#define LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    uint64_t hash; /* of every frame */
    unsigned n_frames;
    bool is_broken;
} Outcome;

/* What frames do to those who take them. */
static void
take(Outcome *outcome, const GasketFrame *frame, GasketChannel channel)
{
    static const GasketHello expected = {.from = 2, .to = 1, .size = 2};
    g_autoptr(GError) error = NULL;
    unsigned from = 99;
    g_assert(frame->type >= 1 && frame->type <= 0xFFFF && frame->length <= LIMIT);
    g_assert(channel < GASKET_N_CHANNELS);
    if (gasket_hello_check(frame, &expected, &from, &error))
        g_assert(from != 99 && error == NULL);
    else
        g_assert(from == 99 && error != NULL);
    for (uint32_t i = 0; i < frame->length; i++)
        outcome->hash = outcome->hash * 1099511628211u + frame->payload[i];
    outcome->hash = (outcome->hash + frame->type) * 31 + channel;
    outcome->n_frames++;
}

static Outcome
decode(const uint8_t *data, size_t size, size_t piece)
{
    GasketFrameDecoder decoder;
    Outcome outcome = {0};
    gasket_frame_decoder_init(&decoder, LIMIT);
    for (size_t at = 0; at < size && !outcome.is_broken;) {
        g_autoptr(GasketFrame) frame = NULL;
        g_autoptr(GError) error = NULL;
        GasketChannel channel = GASKET_N_CHANNELS;
        size_t used = 0, given = MIN(piece, size - at);
        outcome.is_broken =
            !gasket_frame_decoder_feed(&decoder, data + at, given, &used, &frame, &channel, &error);
        g_assert(outcome.is_broken == (error != NULL));
        if (outcome.is_broken)
            g_assert(frame == NULL && decoder.frame == NULL);
        else
            g_assert(used > 0 && used <= given && (used == given || frame != NULL));
        if (frame != NULL)
            take(&outcome, frame, channel);
        at += used;
    }
    gasket_frame_decoder_clear(&decoder);
    return outcome;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t piece = (size_t)data[0] + 1;
    Outcome whole = decode(data + 1, size - 1, SIZE_MAX);
    Outcome pieces = decode(data + 1, size - 1, piece);
    g_assert(whole.hash == pieces.hash && whole.n_frames == pieces.n_frames &&
             whole.is_broken == pieces.is_broken);
    return 0;
}
