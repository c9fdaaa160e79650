/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection of the TCP transport writes.
 *
 * How: frames are copied into contiguous blocks of 64 KiB, because every chain of an evbuffer
 * becomes one TLS write. At most OUTPUT_HIGH bytes stand in the stream; its write callback fetches
 * more.
 *
 *   out[control], out[bulk] ──next_frame──> link->frame ──copy_part──> block ──> stream ──> socket
 *
 * Invariants:
 *   1. link->frame == NULL exactly where the next byte to be written starts a frame.
 *   2. No frame is written after LEAVE or ABORT.
 *   3. A frame is in one place: in `out`, in link->frame, or (as bytes) in the stream.
 *
 * Cost: one copy of every byte, one lock for each frame.
 */
#include "engine/transport_tcp_internal.h"

#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

#include <event2/buffer.h>

/* A block: with libevent's header of a chain it fills 64 KiB of malloc. */
#define BLOCK_BYTES (((size_t)64 << 10) - 256)

/* Bytes that may stand in a stream to be written. */
#define OUTPUT_HIGH ((size_t)512 << 10)

/* Blocks in one call of fill: timers and other peers get their turn in between. */
#define MAX_BLOCKS 8

void
gasket_tcp_link_write_take(GasketTcpLink *link, GasketFrame **frame)
{
    g_assert(link->frame == NULL);
    g_autoptr(GasketFrame) taken = g_steal_pointer(frame);
    uint8_t header[GASKET_FRAME_HEADER];
    gasket_frame_header_write(header, taken, GASKET_CHANNEL_CONTROL, link->next_sequence++);
    bufferevent_write(link->stream, header, sizeof header);
    bufferevent_write(link->stream, taken->payload, taken->length);
}

/* A frame of this transport's own with a code and a text. */
static GasketFrame *
abort_frame(const GError *failure)
{
    uint32_t length = (uint32_t)MIN(strlen(failure->message), 500);
    GasketFrame *frame = gasket_frame_new(GASKET_FRAME_ABORT, 1 + length, /* error= */ NULL);
    if (frame == NULL)
        return NULL;
    frame->payload[0] = (uint8_t)failure->code;
    memcpy(frame->payload + 1, failure->message, length);
    return frame;
}

/* The next frame for the peer: why this member failed; or control before bulk; or, once all has
 * been taken, the farewell. Locked. */
static GasketFrame *
next_frame(GasketTcpLink *link)
{
    GasketTcp *tcp = link->tcp;
    GasketTcpPeer *peer = &tcp->peer[link->peer];
    link->channel = GASKET_CHANNEL_CONTROL;
    if (link->leave_sent || link->abort_sent)
        return NULL;
    if (tcp->failure != NULL) {
        link->abort_sent = true;
        return abort_frame(tcp->failure);
    }
    for (unsigned c = 0; c < GASKET_N_CHANNELS; c++) {
        GasketFrame *frame = gasket_frame_queue_pop(&peer->out[c]);
        if (peer->refused[c] && peer->out[c].bytes < GASKET_TRANSPORT_QUEUE / 2) {
            peer->refused[c] = false;
            gasket_tcp_notify(tcp);
        }
        if (frame != NULL) {
            link->channel = (GasketChannel)c;
            return frame;
        }
    }
    if (!tcp->leaving)
        return NULL;
    GasketFrame *leave = gasket_frame_new(GASKET_FRAME_LEAVE, 0, /* error= */ NULL);
    link->leave_sent = leave != NULL;
    return leave;
}

/* Makes link->frame the frame to be written; false if there is none. */
static bool
begin_frame(GasketTcpLink *link)
{
    if (link->frame != NULL)
        return true;
    pthread_mutex_lock(&link->tcp->lock);
    link->frame = next_frame(link);
    pthread_mutex_unlock(&link->tcp->lock);
    if (link->frame == NULL)
        return false;
    gasket_frame_header_write(link->header, link->frame, link->channel, link->next_sequence++);
    link->n_written = 0;
    return true;
}

/* Copies the next bytes of link->frame; returns how many, and lets go of a frame that is done. */
static size_t
copy_part(GasketTcpLink *link, uint8_t *to, size_t room)
{
    size_t total = GASKET_FRAME_HEADER + link->frame->length;
    size_t used = 0;
    if (link->n_written < GASKET_FRAME_HEADER) {
        used = MIN(room, GASKET_FRAME_HEADER - link->n_written);
        memcpy(to, link->header + link->n_written, used);
    }
    size_t done = link->n_written + used;
    if (done >= GASKET_FRAME_HEADER) {
        size_t part = MIN(room - used, total - done);
        memcpy(to + used, link->frame->payload + (done - GASKET_FRAME_HEADER), part);
        used += part;
    }
    link->n_written += used;
    if (link->n_written == total) {
        gasket_frame_free(link->frame);
        link->frame = NULL;
    }
    return used;
}

/* Adds one block of frames to the stream; false if there was nothing, or no memory. */
static bool
write_block(GasketTcpLink *link)
{
    if (!begin_frame(link))
        return false;

    struct evbuffer *output = bufferevent_get_output(link->stream);
    const GasketTcpPeer *peer = &link->tcp->peer[link->peer];
    size_t wanted = GASKET_FRAME_HEADER + link->frame->length - link->n_written;
    pthread_mutex_lock(&link->tcp->lock);
    wanted += peer->out[GASKET_CHANNEL_CONTROL].bytes + peer->out[GASKET_CHANNEL_BULK].bytes;
    pthread_mutex_unlock(&link->tcp->lock);

    struct evbuffer_iovec block;
    size_t room = MIN(wanted, BLOCK_BYTES);
    if (evbuffer_reserve_space(output, (ev_ssize_t)room, &block, 1) != 1)
        return false;
    size_t used = 0;
    while (used < room && begin_frame(link))
        used += copy_part(link, (uint8_t *)block.iov_base + used, room - used);
    block.iov_len = used;
    return evbuffer_commit_space(output, &block, 1) == 0;
}

void
gasket_tcp_link_fill(GasketTcpLink *link)
{
    GasketTcp *tcp = link->tcp;
    GasketTcpPeer *peer = &tcp->peer[link->peer];
    if (link->state != GASKET_LINK_OPEN)
        return;

    struct evbuffer *output = bufferevent_get_output(link->stream);
    unsigned n_blocks = 0;
    while (n_blocks < MAX_BLOCKS && evbuffer_get_length(output) < OUTPUT_HIGH && write_block(link))
        n_blocks++;
    size_t n_output = evbuffer_get_length(output);

    pthread_mutex_lock(&tcp->lock);
    peer->n_buffered = n_output;
    if (link->frame != NULL)
        peer->n_buffered += link->frame->length;
    if (link->leave_sent && n_output == 0 && link->frame == NULL && !peer->drained) {
        peer->drained = true;
        gasket_tcp_notify(tcp);
    }
    /* An output that TLS has written at once may not call back: the next turn goes on. */
    if (n_blocks == MAX_BLOCKS && n_output == 0)
        gasket_tcp_wake(tcp);
    pthread_mutex_unlock(&tcp->lock);
}

uint64_t
gasket_tcp_link_undelivered(const GasketTcpLink *link)
{
    int n_system = 0;
    if (ioctl(bufferevent_getfd(link->stream), SIOCOUTQ, &n_system) != 0)
        n_system = 0; /* no such connection any more: nothing can be delivered */
    return evbuffer_get_length(bufferevent_get_output(link->stream)) + (uint64_t)n_system;
}
