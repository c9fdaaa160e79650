/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the receiving of a part, and what other ranks then say that they read: any bytes are
 * refused, or give a part whose invariants hold.
 *
 * Input: | 0 | frames ... |                            as they come to rank 0 of 2
 *        | n | n times: place 16 bits, byte | frames ... |   the loader's bytes for a small graph,
 *                                                      changed in n places, come first
 *
 * A frame is | sender: even the loader, odd rank 1 | length 16 bits | payload ... |. The payload of
 * rank 1 starts with a round's header, whose round is put right.
 */
#include "engine/part_wire.h"

#include <string.h>

#include "engine/array.h"
#include "engine/exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RANK_1 = 1, LOADER = 2, MEMBERS = 3 };

typedef struct {
    GasketTransport base;
    const uint8_t *data;
    size_t size;
    size_t at[MEMBERS];   /* how far each peer's frames were taken */
    GByteArray *captured; /* what is sent to rank 0, if not NULL */
} Fake;

static bool
fail_peer(GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_PEER, "there is no more");
    return false;
}

static bool
fake_try_send(GasketTransport *transport, unsigned peer, GasketChannel channel, GasketFrame **frame,
              bool *ret_sent, GError **error)
{
    const Fake *fake = (const Fake *)transport;
    (void)channel, (void)error;
    if (fake->captured != NULL && peer == 0)
        g_byte_array_append(fake->captured, (*frame)->payload, (*frame)->length);
    gasket_frame_free(g_steal_pointer(frame));
    *ret_sent = true;
    return true;
}

/* The next frame of the input that is of the peer. */
static bool
fake_receive(GasketTransport *transport, unsigned peer, GasketChannel channel,
             GasketFrame **ret_frame, GError **error)
{
    Fake *fake = (Fake *)transport;
    size_t *at = &fake->at[peer];
    (void)channel;

    while (fake->size - *at >= 3) {
        const uint8_t *head = fake->data + *at;
        size_t length = MIN((size_t)head[1] | (size_t)head[2] << 8, fake->size - *at - 3);
        bool is_loader = head[0] % 2 == 0;
        *at += 3 + length;
        if (is_loader != (peer == LOADER))
            continue;
        GasketFrame *frame = gasket_frame_new(is_loader ? GASKET_WIRE_STREAM : GASKET_WIRE_ROUND,
                                              (uint32_t)length, error);
        if (frame == NULL)
            return false;
        memcpy(frame->payload, head + 3, length);
        if (!is_loader && length >= sizeof(GasketRoundHeader))
            gasket_round_frame_header(frame)->round = 1;
        *ret_frame = frame;
        return true;
    }
    return fail_peer(error);
}

static bool
fake_wait(GasketTransport *transport, int64_t timeout_us, GError **error)
{
    (void)transport, (void)timeout_us;
    return fail_peer(error);
}

static bool
fake_has_left(GasketTransport *transport, unsigned peer)
{
    (void)transport, (void)peer;
    return false;
}

static int64_t
fake_now(GasketTransport *transport)
{
    (void)transport;
    return 0;
}

static const GasketTransportClass fake_class = {
    .try_send = fake_try_send,
    .receive = fake_receive,
    .wait = fake_wait,
    .has_left = fake_has_left,
    .now = fake_now,
};

/* Two kinds, text ids, a symmetric relation, varying columns. */
static GasketGraph *
small_graph(void)
{
    static const int64_t from[] = {1, 2, 3, 3, 5}, to[] = {2, 3, 1, 3, 1};
    static const char *const who[] = {"a", "bc", "a"}, *const what[] = {"x", "y", "zzz"};
    static const double weights[] = {1, 2, 3, 4, 5};
    static const uint64_t begin[] = {0, 1, 1, 3};
    const GasketVarying varying = {weights, begin};
    const void *const weight[] = {weights}, *const number[] = {&varying};
    GasketGraphBuilder *builder = gasket_graph_builder_new();

    gasket_graph_builder_add_kind(builder, "page");
    gasket_graph_builder_add_kind(builder, "word");
    gasket_graph_builder_add_relation(builder, "links", 0, 0, false);
    gasket_graph_builder_add_relation(builder, "goes with", 1, 1, true);
    gasket_graph_builder_add_edge_column(builder, 0, "weight", GASKET_DOUBLE, 1);
    gasket_graph_builder_add_edge_column(builder, 1, "number", GASKET_DOUBLE, 0);
    (void)gasket_graph_builder_add_edges(builder, 0, 5, from, to, weight, NULL);
    (void)gasket_graph_builder_add_edges_text(builder, 1, 3, who, what, number, NULL);
    return gasket_graph_builder_finish_take(&builder, NULL, NULL);
}

/* The loader's bytes for rank 0. */
static GByteArray *
loaders_bytes(void)
{
    static const GasketPartExtras extras[] = {{true, true}, {false, false}};
    g_autoptr(GasketGraph) graph = small_graph();
    uint32_t pages[] = {0, 1, 0, 1}, words[] = {0, 1, 0, 1, 0};
    uint32_t *const owner[] = {pages, words};
    Fake fake = {.base = {.class = &fake_class, .rank = LOADER, .size = MEMBERS},
                 .captured = g_byte_array_new()};
    GasketStream streams[2];

    (void)gasket_graph_require_rows(graph, 0, GASKET_OUT, NULL);
    for (unsigned p = 0; p < 2; p++)
        gasket_stream_init(&streams[p], &fake.base, p);
    bool ok = gasket_parts_send(graph, owner, extras, streams, 2, NULL);
    g_assert(ok);
    return fake.captured;
}

/* The frames of an input; free with g_byte_array_unref. */
static GByteArray *
frames_of(const uint8_t *data, size_t size)
{
    size_t n = size > 0 ? data[0] : 0, used = MIN(1 + 3 * n, size);
    GByteArray *frames = g_byte_array_new();

    if (n > 0) {
        GByteArray *bytes = loaders_bytes();
        for (size_t at = 1; at + 3 <= used; at += 3)
            bytes->data[(data[at] | (size_t)data[at + 1] << 8) % bytes->len] = data[at + 2];
        const uint8_t head[] = {0, (uint8_t)bytes->len, (uint8_t)(bytes->len >> 8)};
        g_assert(bytes->len <= UINT16_MAX);
        g_byte_array_append(frames, head, sizeof head);
        g_byte_array_append(frames, bytes->data, bytes->len);
        g_byte_array_unref(bytes);
    }
    g_byte_array_append(frames, data + used, (guint)(size - used));
    return frames;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GByteArray) frames = frames_of(data, size);
    Fake fake = {.base = {.class = &fake_class, .rank = 0, .size = MEMBERS},
                 .data = frames->data,
                 .size = frames->len};
    GasketStream stream;
    g_autoptr(GError) error = NULL;

    gasket_stream_init(&stream, &fake.base, LOADER);
    g_autoptr(GasketPart) part = gasket_part_receive(&stream, 0, 2, &error);
    gasket_stream_clear(&stream);
    g_assert((part == NULL) == (error != NULL));
    if (part == NULL)
        return 0;
    GasketExchange *exchange = gasket_exchange_new(&fake.base, 0, 2);
    bool ok = gasket_part_subscribe(part, exchange, &error);
    g_assert(ok == (error == NULL));
    g_assert(!ok || gasket_part_check(part, NULL));
    gasket_exchange_free(exchange);
    return 0;
}
