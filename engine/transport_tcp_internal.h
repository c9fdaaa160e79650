/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the TCP transport share. The picture of it all is in transport_tcp.c.
 *
 *   transport_tcp.c       the driver's side: new, send, receive, wait, leave, free
 *   transport_tcp_io.c    the I/O thread: its loop, heartbeats, the end
 *   transport_tcp_meet.c  listening, dialling, greeting
 *   transport_tcp_link.c  one connection: its life
 *   transport_tcp_write.c ... what it writes
 *   transport_tcp_read.c  ... what it reads, and its end
 */
#ifndef GASKET_ENGINE_TRANSPORT_TCP_INTERNAL_H
#define GASKET_ENGINE_TRANSPORT_TCP_INTERNAL_H

#include <pthread.h>
#include <sys/socket.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "engine/transport_frame.h"
#include "engine/transport_handshake.h"
#include "engine/transport_queue.h"
#include "engine/transport_tcp.h"
#include "engine/transport_tls.h"

typedef struct GasketTcp GasketTcp;
typedef struct GasketTcpLink GasketTcpLink;

typedef enum {
    GASKET_LINK_SECURING, /* the TLS handshake runs */
    GASKET_LINK_GREETING, /* a HELLO is awaited */
    GASKET_LINK_OPEN,     /* it is its peer's link */
    GASKET_LINK_REFUSED,  /* the refusal is being written */
    GASKET_LINK_ENDED,    /* an open link that broke; what it still holds is read */
} GasketLinkState;

/* One connection; belongs to the I/O thread. */
struct GasketTcpLink {
    GasketTcp *tcp;
    GasketLinkState state;
    bool is_client; /* this member has dialled */
    unsigned peer;  /* its rank; size while unknown */
    char name[64];  /* the other end's address, for the log */
    GasketTlsParty party;
    struct bufferevent *stream;
    struct event *deadline; /* to be open by; NULL once it is */
    int64_t since_us;       /* when it was made */
    GasketFrameDecoder decoder;

    uint64_t next_sequence; /* of the next frame written */
    GasketFrame *frame;     /* being written, or NULL */
    GasketChannel channel;
    uint8_t header[GASKET_FRAME_HEADER];
    size_t n_written; /* bytes of header and frame */
    bool abort_sent;
    bool leave_sent;
};

/* What there is of one peer. */
typedef struct {
    /* under the lock */
    GasketFrameQueue out[GASKET_N_CHANNELS];
    GasketFrameQueue in[GASKET_N_CHANNELS];
    size_t n_buffered;               /* bytes taken from out, not yet written */
    bool refused[GASKET_N_CHANNELS]; /* since then out was not below half */
    bool paused;                     /* reading, until in is below half */
    bool open;                       /* has said HELLO */
    bool left;                       /* has said LEAVE */
    bool drained;                    /* our LEAVE was written */
    bool closed;                     /* its link is gone */
    char *refusal;                   /* why it is not open, if known */
    GasketTransportStats stats;

    /* the I/O thread's */
    GasketTcpLink *link;  /* NULL before and after */
    struct event *dial;   /* the next try, or the end of this one */
    int dial_fd;          /* a socket that connects, or -1 */
    int64_t dial_wait_us; /* before the next try */
    int64_t heard_us;     /* when something came last */
    unsigned rank;
    GasketTcp *tcp;
} GasketTcpPeer;

struct GasketTcp {
    GasketTransport base;

    /* constant */
    GasketTlsRun run;
    bool insecure;
    uint64_t fingerprint;
    int64_t connect_timeout_us;
    int64_t peer_timeout_us;
    int64_t greet_timeout_us;
    struct sockaddr_storage *address; /* [size] of lower ranks */
    socklen_t *address_length;        /* [size] */

    /* under the lock */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t changes; /* and seen: as in wait */
    uint64_t seen;
    GError *failure; /* the first */
    unsigned n_open;
    bool leaving;
    bool stopping;
    bool woken;          /* wake_fd is readable */
    GasketTcpPeer *peer; /* [size] */

    /* the I/O thread's */
    pthread_t thread;
    bool has_thread;
    int listen_fd; /* until the listener has it */
    int wake_fd;
    SSL_CTX *tls; /* NULL if insecure */
    struct event_base *loop;
    struct evconnlistener *listener;
    struct event *wake;
    struct event *tick;
    struct event *resume_listening;
    struct event *finish; /* looks whether all is delivered, while stopping */
    GPtrArray *unopened;  /* of GasketTcpLink, oldest first */
    int64_t last_tick_us;
    int64_t finish_since_us; /* last progress */
    uint64_t finish_left;    /* bytes then undelivered */
};

/* ---- transport_tcp.c ---- */

int64_t gasket_tcp_now(void);

/* A member that does nothing yet; takes options->listen_fd. Free with gasket_transport_free. */
GasketTcp *gasket_tcp_alloc(const GasketTcpOptions *options);

/* Lets the driver's wait return. Locked. */
void gasket_tcp_notify(GasketTcp *tcp);

/* Makes the I/O thread look at everything. Locked. */
void gasket_tcp_wake(GasketTcp *tcp);

/* Keeps *error as the run's failure if it is the first, and takes it. Not locked. */
void gasket_tcp_fail_take(GasketTcp *tcp, GError **error);

/* ---- transport_tcp_io.c ---- */

/* Everything the I/O thread needs but the thread. Errors: FAILED, IO. */
bool gasket_tcp_io_init(GasketTcp *tcp, GError **error);
void gasket_tcp_io_clear(GasketTcp *tcp);

/* The thread's function. */
void *gasket_tcp_io_run(void *tcp);

/* ---- transport_tcp_meet.c ---- */

/* Begins to listen and to dial. Errors: FAILED. */
bool gasket_tcp_meet_begin(GasketTcp *tcp, GError **error);
void gasket_tcp_meet_end(GasketTcp *tcp);

/* The link has its bytes secured: greets, or waits for the greeting. */
void gasket_tcp_meet_secured(GasketTcpLink *link);

/* The first frame has come, and is taken. false if the link is gone. */
bool gasket_tcp_meet_greeted(GasketTcpLink *link, GasketFrame **frame);

/* Drops a link that never opened; a dialler tries again. why: goes to the debugging log, and is
 * kept for the final message if it is known whose the link would have been. */
void gasket_tcp_meet_drop(GasketTcpLink *link, const char *why);

/* ---- transport_tcp_link.c ---- */

/* A link on a connected socket, which it takes. peer: whom a client has dialled. Error: FAILED. */
GasketTcpLink *gasket_tcp_link_new(GasketTcp *tcp, int fd, bool is_client, unsigned peer,
                                   GError **error);
void gasket_tcp_link_free(GasketTcpLink *link);

/* ---- transport_tcp_write.c ---- */

/* Writes a whole frame at once, between those of fill; takes it. */
void gasket_tcp_link_write_take(GasketTcpLink *link, GasketFrame **frame);

/* Moves what waits for the peer into the stream, as far as there is room. */
void gasket_tcp_link_fill(GasketTcpLink *link);

/* Bytes in the stream and in the system that the peer's system has not acknowledged. */
uint64_t gasket_tcp_link_undelivered(const GasketTcpLink *link);

/* ---- transport_tcp_read.c ---- */

/* Takes what the stream holds. May free the link. */
void gasket_tcp_link_read(GasketTcpLink *link);

/* The stream is broken: takes what it still holds, now or after the pause, then ends the link. */
void gasket_tcp_link_break(GasketTcpLink *link);

/* The text in a frame from byte start on, fit to be shown. g_free. */
char *gasket_tcp_frame_text(const GasketFrame *frame, uint32_t start);

/* Reads on after a pause. */
void gasket_tcp_link_resume(GasketTcpLink *link);

#endif
