/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds of frames among ranks. See exchange.h. */
#include "engine/exchange.h"

typedef struct {
    GasketFrame *refused;  /* produced, but the peer's queue was full */
    GasketFrame *put_back; /* received, but not yet wanted */
    bool sent;
    uint64_t received; /* rounds of which everything came */
} ExchangePeer;

struct GasketExchange {
    GasketTransport *transport;
    unsigned rank, n_ranks;
    uint64_t round;
    unsigned lag;                /* rounds by which peers may be ahead */
    uint8_t tag;                 /* of the frames of rounds that lag together; else 0 */
    const GasketRound *handlers; /* of the round under way */
    void *data;
    int64_t waited_us;
    ExchangePeer *peers; /* [n_ranks] */
};

GasketExchange *
gasket_exchange_new(GasketTransport *transport, unsigned rank, unsigned n_ranks)
{
    GasketExchange *exchange = g_new0(GasketExchange, 1);
    exchange->transport = transport;
    exchange->rank = rank;
    exchange->n_ranks = n_ranks;
    exchange->peers = g_new0(ExchangePeer, n_ranks);
    return exchange;
}

void
gasket_exchange_free(GasketExchange *exchange)
{
    if (exchange == NULL)
        return;
    for (unsigned p = 0; p < exchange->n_ranks; p++) {
        gasket_frame_free(exchange->peers[p].refused);
        gasket_frame_free(exchange->peers[p].put_back);
    }
    g_free(exchange->peers);
    g_free(exchange);
}

void
gasket_exchange_begin_lagging(GasketExchange *exchange, const GasketRound *round, void *data,
                              uint8_t tag, unsigned lag)
{
    bool together = tag != 0 && tag == exchange->tag;
    for (unsigned p = 0; p < exchange->n_ranks; p++) {
        ExchangePeer *peer = &exchange->peers[p];
        g_assert(peer->refused == NULL && (together || peer->received == exchange->round));
        peer->sent = p == exchange->rank;
    }
    exchange->round++;
    exchange->peers[exchange->rank].received = exchange->round;
    exchange->handlers = round;
    exchange->data = data;
    exchange->tag = tag;
    exchange->lag = lag;
}

void
gasket_exchange_begin(GasketExchange *exchange, const GasketRound *round, void *data)
{
    gasket_exchange_begin_lagging(exchange, round, data, /* tag= */ 0, /* lag= */ 0);
}

/* Sends to one peer as long as frames are ready and its queue has room. */
static bool
send_to(GasketExchange *exchange, unsigned p, bool *ret_progress, GError **error)
{
    ExchangePeer *peer = &exchange->peers[p];

    while (!peer->sent) {
        if (peer->refused == NULL) {
            if (!exchange->handlers->produce(exchange->data, p, &peer->refused, error))
                return false;
            if (peer->refused == NULL)
                return true;
            gasket_round_frame_header(peer->refused)->round = exchange->round;
            if (exchange->tag != 0)
                gasket_round_frame_header(peer->refused)->flags = exchange->tag;
        }
        bool last = gasket_round_frame_header(peer->refused)->last != 0;
        bool taken = false;
        if (!gasket_transport_try_send(exchange->transport, p, GASKET_CHANNEL_BULK, &peer->refused,
                                       &taken, error))
            return false;
        if (!taken)
            return true;
        *ret_progress = true;
        peer->sent = last;
    }
    return true;
}

bool
gasket_exchange_refuse(unsigned peer, const char *what, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL, "rank %u sent %s", peer, what);
    return false;
}

static bool
receive_from(GasketExchange *exchange, unsigned p, bool *ret_progress, GError **error)
{
    ExchangePeer *peer = &exchange->peers[p];

    while (peer->received < exchange->round + exchange->lag) {
        g_autoptr(GasketFrame) frame = g_steal_pointer(&peer->put_back);
        if (frame == NULL &&
            !gasket_transport_receive(exchange->transport, p, GASKET_CHANNEL_BULK, &frame, error))
            return false;
        if (frame == NULL)
            return true;
        if (frame->type != GASKET_WIRE_ROUND || frame->length < sizeof(GasketRoundHeader))
            return gasket_exchange_refuse(p, "a frame that is not of a round", error);
        GasketRoundHeader header;
        memcpy(&header, frame->payload, sizeof header);
        if (header.round != peer->received + 1)
            return gasket_exchange_refuse(p, "a frame of another round", error);
        if (header.round > exchange->round && header.flags != exchange->tag) {
            peer->put_back = g_steal_pointer(&frame);
            return true;
        }
        if (!exchange->handlers->consume(exchange->data, p, &header, frame->payload + sizeof header,
                                         frame->length - (uint32_t)sizeof header, error))
            return false;
        *ret_progress = true;
        peer->received += header.last != 0;
    }
    return true;
}

/* ret_done: whether all is sent, and received of the rounds up to `until`. */
static bool
pump(GasketExchange *exchange, uint64_t until, bool *ret_progress, bool *ret_done, GError **error)
{
    bool done = true;

    for (unsigned p = 0; p < exchange->n_ranks; p++) {
        if (p == exchange->rank)
            continue;
        if (!receive_from(exchange, p, ret_progress, error) ||
            !send_to(exchange, p, ret_progress, error))
            return false;
        done = done && exchange->peers[p].sent && exchange->peers[p].received >= until;
    }
    *ret_done = done;
    return true;
}

bool
gasket_exchange_pump(GasketExchange *exchange, GError **error)
{
    bool progress = false, done = false;
    return pump(exchange, exchange->round, &progress, &done, error);
}

bool
gasket_exchange_finish(GasketExchange *exchange, GError **error)
{
    return gasket_exchange_finish_until(exchange, exchange->round, error);
}

bool
gasket_exchange_finish_until(GasketExchange *exchange, uint64_t round, GError **error)
{
    for (;;) {
        bool progress = false, done = false;
        if (!pump(exchange, round, &progress, &done, error))
            return false;
        if (done)
            return true;
        if (progress)
            continue;
        int64_t before = gasket_transport_now(exchange->transport);
        bool ok = gasket_transport_wait(exchange->transport, -1, error);
        exchange->waited_us += gasket_transport_now(exchange->transport) - before;
        if (!ok)
            return false;
    }
}

void
gasket_exchange_put_back_take(GasketExchange *exchange, unsigned peer, GasketFrame **frame)
{
    g_assert(exchange->peers[peer].put_back == NULL);
    exchange->peers[peer].put_back = g_steal_pointer(frame);
}

int64_t
gasket_exchange_waited_us(const GasketExchange *exchange)
{
    return exchange->waited_us;
}

uint64_t
gasket_exchange_round(const GasketExchange *exchange)
{
    return exchange->round;
}

unsigned
gasket_exchange_rank(const GasketExchange *exchange)
{
    return exchange->rank;
}

unsigned
gasket_exchange_size(const GasketExchange *exchange)
{
    return exchange->n_ranks;
}

GasketTransport *
gasket_exchange_transport(const GasketExchange *exchange)
{
    return exchange->transport;
}

GasketFrame *
gasket_round_frame_new(GasketSection section, uint32_t n_body, GError **error)
{
    uint32_t length = (uint32_t)sizeof(GasketRoundHeader) + n_body;
    GasketFrame *frame = gasket_frame_new(GASKET_WIRE_ROUND, length, error);
    if (frame == NULL)
        return NULL;
    memset(frame->payload, 0, sizeof(GasketRoundHeader));
    gasket_round_frame_header(frame)->section = (uint8_t)section;
    return frame;
}

GasketFrame *
gasket_round_frame_new_last(GError **error)
{
    GasketFrame *frame = gasket_round_frame_new(GASKET_SECTION_BLOB, 0, error);
    if (frame != NULL)
        gasket_round_frame_header(frame)->last = 1;
    return frame;
}

/* ---- all to all ------------------------------------------------------------------------------ */

typedef struct {
    const uint8_t *mine;
    uint8_t *all;
    size_t size;
} Blobs;

static bool
blob_produce(void *data, unsigned peer G_GNUC_UNUSED, GasketFrame **ret_frame, GError **error)
{
    Blobs *blobs = data;
    GasketFrame *frame = gasket_round_frame_new(GASKET_SECTION_BLOB, (uint32_t)blobs->size, error);
    if (frame == NULL)
        return false;
    memcpy(gasket_round_frame_body(frame), blobs->mine, blobs->size);
    gasket_round_frame_header(frame)->last = 1;
    *ret_frame = frame;
    return true;
}

static bool
blob_consume(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
             uint32_t n_body, GError **error)
{
    Blobs *blobs = data;
    if (header->section != GASKET_SECTION_BLOB || n_body != blobs->size || !header->last)
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    memcpy(blobs->all + (size_t)peer * blobs->size, body, blobs->size);
    return true;
}

bool
gasket_exchange_all(GasketExchange *exchange, const void *mine, size_t size, void *all,
                    GError **error)
{
    static const GasketRound round = {blob_produce, blob_consume};
    Blobs blobs = {mine, all, size};

    g_assert(size <= GASKET_FRAME_MAX - sizeof(GasketRoundHeader));
    memcpy((uint8_t *)all + exchange->rank * size, mine, size);
    if (exchange->n_ranks == 1)
        return true;
    gasket_exchange_begin(exchange, &round, &blobs);
    return gasket_exchange_finish(exchange, error);
}
