/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport: frames between the members of one run.
 *
 * A run has `size` members, ranks 0 .. size - 1; each member has one GasketTransport and uses it
 * from one thread (its driver thread). Three implementations stand behind the same functions:
 *
 *   tcp        processes, libevent and TLS 1.3 (transport_tcp.h)
 *   local      threads of one process (transport_local.h)
 *   simulated  threads of one process that run one at a time, in an order, with delays and cuts
 *              that are a function of a seed (transport_simulated.h)
 *
 * What all promise:
 *   1. Frames from one peer on one channel arrive whole, once, in the order they were sent.
 *      Control frames may overtake bulk frames.
 *   2. try_send never blocks. It refuses (ret_sent = false) while more than GASKET_TRANSPORT_QUEUE
 *      bytes wait for that peer on that channel; a refused frame is still the caller's.
 *   3. Received frames wait in a queue per peer and channel; a transport stops reading from a peer
 *      while more than GASKET_TRANSPORT_QUEUE bytes of it wait. So memory per peer is bounded.
 *   4. A peer that dies, falls silent for peer_timeout or breaks the protocol makes every later
 *      wait, receive (once the queue is empty) and try_send fail with PEER or PROTOCOL and a
 *      message that names its rank: "rank 2 closed its connection", "rank 2 was silent for 10 s".
 *   5. A peer that has left (gasket_transport_leave) is no failure; its frames can still be
 *      received; sending to it is an error.
 *
 *   connecting ──(every peer's HELLO)──> open ──leave──> closed
 *        └───────── any failure ─────────┴──> failed (sticky; the first error is kept)
 */
#ifndef GASKET_ENGINE_TRANSPORT_H
#define GASKET_ENGINE_TRANSPORT_H

#include <gasket/error.h>
#include <gasket/types.h>

/* Bytes that may wait for, or from, one peer before the sender is refused or the reader stops. */
#define GASKET_TRANSPORT_QUEUE (16u << 20)

/* Largest payload of a frame. A longer one on the wire is a PROTOCOL error before allocation. */
#define GASKET_FRAME_MAX (1u << 20)

typedef enum {
    GASKET_CHANNEL_CONTROL, /* small and urgent: totals, stop, errors */
    GASKET_CHANNEL_BULK,    /* parts, values, results */
    GASKET_N_CHANNELS,
} GasketChannel;

/* A frame: one allocation, payload behind the struct. */
typedef struct {
    uint32_t type;   /* the engine's business (wire.h): 1 .. 0xfeff */
    uint32_t length; /* bytes of payload, at most GASKET_FRAME_MAX */
    uint8_t payload[];
} GasketFrame;

/* A frame with room for length bytes. NULL and error MEMORY when there is none. */
GasketFrame *gasket_frame_new(uint32_t type, uint32_t length, GError **error);
void gasket_frame_free(GasketFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketFrame, gasket_frame_free)

typedef struct {
    uint64_t bytes_sent; /* frames with their headers, before TLS */
    uint64_t frames_sent;
    uint64_t bytes_received;
    uint64_t frames_received;
} GasketTransportStats;

typedef struct GasketTransport GasketTransport;

/* What an implementation provides. Each function as the one of the same name below. */
typedef struct {
    bool (*try_send)(GasketTransport *transport, unsigned peer, GasketChannel channel,
                     GasketFrame **frame, bool *ret_sent, GError **error);
    bool (*receive)(GasketTransport *transport, unsigned peer, GasketChannel channel,
                    GasketFrame **ret_frame, GError **error);
    bool (*has_left)(GasketTransport *transport, unsigned peer);
    bool (*wait)(GasketTransport *transport, int64_t timeout_us, GError **error);
    bool (*leave)(GasketTransport *transport, GError **error);
    void (*give_up)(GasketTransport *transport, const GError *why); /* NULL: peers hear nothing */
    int64_t (*now)(GasketTransport *transport);
    void (*stats)(const GasketTransport *transport, unsigned peer, GasketTransportStats *ret_stats);
    void (*free)(GasketTransport *transport);
} GasketTransportClass;

/* Implementations embed this as their first member. */
struct GasketTransport {
    const GasketTransportClass *class;
    unsigned rank;
    unsigned size;
};

/* Hands *frame to be sent to peer (not to oneself). ret_sent: whether it was taken; *frame is then
 * NULL. */
bool gasket_transport_try_send(GasketTransport *transport, unsigned peer, GasketChannel channel,
                               GasketFrame **frame, bool *ret_sent, GError **error);

/* The next frame of peer on channel, or NULL in *ret_frame if none has arrived. Never blocks. */
bool gasket_transport_receive(GasketTransport *transport, unsigned peer, GasketChannel channel,
                              GasketFrame **ret_frame, GError **error);

/* Whether peer has left: nothing more of it will arrive than what can be received now. */
bool gasket_transport_has_left(GasketTransport *transport, unsigned peer);

/* Blocks until something changed since the last wait returned: a frame arrived, a full queue
 * drained to below half, a peer left or failed; or timeout_us passed (-1: no limit). May return
 * early; callers loop. */
bool gasket_transport_wait(GasketTransport *transport, int64_t timeout_us, GError **error);

/* Waits until everything sent was handed to the network, then tells every peer that this member
 * leaves. Nothing may be sent afterwards. */
bool gasket_transport_leave(GasketTransport *transport, GError **error);

/* Fails, because of what a peer sent: the others are told why, so that they name it too and not the
 * member that goes because of it. why: of code PROTOCOL; others are not for peers. */
void gasket_transport_give_up(GasketTransport *transport, const GError *why);

/* Microseconds of a monotonic clock; virtual in the simulated transport. */
int64_t gasket_transport_now(GasketTransport *transport);

/* Counters of what went to and came from one peer. */
void gasket_transport_stats(const GasketTransport *transport, unsigned peer,
                            GasketTransportStats *ret_stats);

/* Closes what is open. NULL is allowed. */
void gasket_transport_free(GasketTransport *transport);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketTransport, gasket_transport_free)

/* Sends *frame, waiting while the peer's queue is full: for callers that receive nothing
 * meanwhile (the loader; results with one outstanding request). */
bool gasket_transport_send(GasketTransport *transport, unsigned peer, GasketChannel channel,
                           GasketFrame **frame, GError **error);

/* Waits for the next frame of peer on channel; an error if the peer leaves before one comes. */
bool gasket_transport_receive_wait(GasketTransport *transport, unsigned peer, GasketChannel channel,
                                   GasketFrame **ret_frame, GError **error);

#endif
