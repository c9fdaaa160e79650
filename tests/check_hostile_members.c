/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who knows the key and misuses it: a member that sends frames that are cut, too long, out of order
 * or out of place, or whose counts and numbers fit nothing, ends the run with its name on it.
 */
#include "algorithms/algorithms.h"
#include "engine/builder.h"
#include "engine/job_private.h"
#include "engine/transport_tls.h"
#include "engine/wire.h"
#include "tests/hostile.h"

/* ---- frames ---------------------------------------------------------------------------------- */

/* Every type there is, and one that is none. */
static const uint32_t types[] = {GASKET_WIRE_STREAM,
                                 GASKET_WIRE_ROUND,
                                 GASKET_WIRE_RESULT,
                                 GASKET_WIRE_RESULT_MORE,
                                 GASKET_WIRE_WORKER,
                                 GASKET_WIRE_ASYNC,
                                 GASKET_WIRE_TERMINATION,
                                 GASKET_FRAME_HELLO,
                                 GASKET_FRAME_HEARTBEAT,
                                 GASKET_FRAME_LEAVE,
                                 GASKET_FRAME_REFUSE,
                                 GASKET_FRAME_ABORT,
                                 0xFFFF};

/* A peer with its hands on the bytes: rank 1 of two, behind TLS. */
typedef struct {
    GasketTlsRun run;
    GasketTlsParty party;
    SSL_CTX *context;
    SSL *tls;
    int fd;
} Peer;

static bool
peer_say(Peer *peer, uint32_t type, uint64_t sequence, uint32_t announced, const void *payload,
         uint32_t n)
{
    const GasketFrame shape = {.type = type, .length = announced};
    uint8_t bytes[GASKET_FRAME_HEADER + 1000];
    gasket_frame_header_write(bytes, &shape, GASKET_CHANNEL_BULK, sequence);
    memset(bytes + GASKET_FRAME_HEADER, 0, n);
    if (payload != NULL)
        memcpy(bytes + GASKET_FRAME_HEADER, payload, n);
    return SSL_write(peer->tls, bytes, (int)(GASKET_FRAME_HEADER + n)) > 0;
}

/* Proves the key and greets. */
static void
peer_init(Peer *peer, const GasketTcpOptions *options)
{
    uint8_t bytes[1000];
    *peer = (Peer){.run = {.rank = 1, .size = 2}, .fd = hostile_dial(options, 0)};
    memcpy(peer->run.key, options->key, sizeof peer->run.key);
    memcpy(peer->run.run_id, options->run_id, sizeof peer->run.run_id);
    peer->party = (GasketTlsParty){.run = &peer->run, .peer = 0};
    peer->context = gasket_tls_context_new(NULL);
    peer->tls = gasket_tls_client_new(peer->context, &peer->party, NULL);
    SSL_set_fd(peer->tls, peer->fd);
    ck_assert_int_eq(SSL_connect(peer->tls), 1);

    GasketHello hello = {.from = 1, .to = 0, .size = 2, .fingerprint = options->fingerprint};
    memcpy(hello.run_id, options->run_id, sizeof hello.run_id);
    g_autoptr(GasketFrame) frame = gasket_hello_frame_new(&hello, NULL);
    ck_assert(peer_say(peer, frame->type, 0, frame->length, frame->payload, frame->length));
    ck_assert_int_gt(SSL_read(peer->tls, bytes, sizeof bytes), 0); /* its greeting */
}

static void
peer_clear(Peer *peer)
{
    SSL_free(peer->tls);
    SSL_CTX_free(peer->context);
    close(peer->fd);
}

static void
wait_for_the_worst(TestMember *self)
{
    bool well = test_connect(self);
    while (well)
        well = gasket_transport_wait(self->transport, -1, &self->error);
    self->failure = g_strdup(self->error->message);
    self->error->message[0] = '\0';
}

/* What rank 0 says of rank 1 after its deed. */
static char *
verdict_on(void (*deed)(Peer *peer, uint32_t type), uint32_t type)
{
    TestRun run;
    TestMember member[2];
    Peer peer;
    test_run_init(&run, 2, /* insecure= */ false);
    test_run_members(&run, member);
    member[0].talk = wait_for_the_worst;
    pthread_create(&member[0].thread, NULL, test_member_thread, &member[0]);
    peer_init(&peer, &run.options[1]);
    deed(&peer, type);
    shutdown(peer.fd, SHUT_WR);
    ck_assert(hostile_is_closed(peer.fd));
    peer_clear(&peer);
    pthread_join(member[0].thread, NULL);
    g_clear_error(&member[0].error);
    test_run_clear(&run);
    return member[0].failure;
}

static void
cut(Peer *peer, uint32_t type)
{
    (void)peer_say(peer, type, 1, 500, NULL, 499);
}

static void
cut_head(Peer *peer, uint32_t type)
{
    const GasketFrame shape = {.type = type, .length = 0};
    uint8_t bytes[GASKET_FRAME_HEADER];
    gasket_frame_header_write(bytes, &shape, GASKET_CHANNEL_BULK, 1);
    (void)SSL_write(peer->tls, bytes, sizeof bytes - 1);
}

static void
exceed(Peer *peer, uint32_t type)
{
    (void)peer_say(peer, type, 1, GASKET_FRAME_MAX + 1, NULL, 100);
}

static void
repeat(Peer *peer, uint32_t type)
{
    (void)peer_say(peer, type, 0, 0, NULL, 0);
}

static void
leave_out(Peer *peer, uint32_t type)
{
    (void)peer_say(peer, type, 2, 0, NULL, 0);
}

START_TEST(frames_of_every_type_that_are_cut_too_long_or_out_of_order_are_the_senders_fault)
{
    static const struct {
        void (*deed)(Peer *peer, uint32_t type);
        const char *verdict;
    } deeds[] = {
        {cut, "rank 1 closed its connection"},
        {cut_head, "rank 1 closed its connection"},
        {exceed, "rank 1 sent a frame of 1048577 bytes where 1048576 are the most"},
        {repeat, "rank 1 sent frame number 0 where 1 was due"},
        {leave_out, "rank 1 sent frame number 2 where 1 was due"},
    };
    for (unsigned d = 0; d < G_N_ELEMENTS(deeds); d++) {
        for (unsigned t = 0; t < G_N_ELEMENTS(types); t += check_is_short() ? 5 : 1) {
            g_autofree char *verdict = verdict_on(deeds[d].deed, types[t]);
            ck_assert_msg(strcmp(verdict, deeds[d].verdict) == 0, "type %u: found \"%s\"", types[t],
                          verdict);
        }
    }
}
END_TEST

/* ---- what frames say ------------------------------------------------------------------------- */

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    (void)data, (void)report;
    gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, false);
    for (int64_t v = 0; v < 40; v++) {
        const int64_t from[] = {v, v}, to[] = {(v * 7 + 1) % 40, (v + 1) % 40};
        (void)gasket_graph_builder_add_edges(builder, 0, 2, from, to, NULL, NULL);
    }
    return gasket_graph_builder_finish_take(&builder, NULL, error);
}

static bool
take_result(void *data, const GasketResultBlock *block, GError **error)
{
    (void)data, (void)block, (void)error;
    return true;
}

static bool
take_finish(void *data, const GasketReport *report, GError **error)
{
    (void)data, (void)report, (void)error;
    return true;
}

/* What one liar says, and as whom: of rank 0 (honest), rank 1 and the loader. */
typedef struct {
    unsigned liar;
    uint32_t type;
    GasketChannel channel;
    unsigned shape;
    const GasketTcpOptions *options;
} Lie;

#define N_SHAPES 6

/* Nothing, zeros, ones, chance, and heads of rounds with counts that are too large. */
static GasketFrame *
lie_frame(const Lie *lie)
{
    static const uint32_t lengths[N_SHAPES] = {0, 24, 64, 4000, 24, 4000};
    GasketFrame *frame = gasket_frame_new(lie->type, lengths[lie->shape], NULL);
    GasketRandom random = gasket_random_at(8, lie->type, lie->shape, lie->liar);
    for (uint32_t i = 0; i < frame->length; i++)
        frame->payload[i] = lie->shape == 1   ? 0
                            : lie->shape == 2 ? 0xFF
                                              : (uint8_t)gasket_random_uint32(&random);
    if (lie->shape >= 4) {
        const GasketRoundHeader head = {.round = 1,
                                        .section = 1 + lie->shape % 4,
                                        .index = lie->shape == 4 ? 0 : UINT32_MAX,
                                        .first = UINT32_MAX,
                                        .count = UINT32_MAX};
        memcpy(frame->payload, &head, sizeof head);
    }
    return frame;
}

static GasketJob
make_job(const void *parameters)
{
    return (GasketJob){.algorithm = &gasket_pagerank,
                       .parameters = parameters,
                       .needs = gasket_pagerank.needs,
                       .n_needs = gasket_pagerank.n_needs,
                       .results = gasket_pagerank.results,
                       .n_results = gasket_pagerank.n_results,
                       .workers = 2,
                       .threads = 1,
                       .iterations = 5,
                       .tolerance = 1e-3,
                       .load = load,
                       .result = take_result,
                       .finish = take_finish};
}

/* A member of the run, honest or not; what became of it is in self->error. */
static void
be_member(TestMember *self)
{
    const Lie *lie = self->data;
    GasketStopped stopped;
    g_autofree void *parameters = g_malloc0(gasket_pagerank.parameters_size);
    gasket_options_set_defaults(gasket_pagerank.options, parameters);
    const GasketJob job = make_job(parameters);
    self->data = lie->options;
    if (!test_connect(self))
        return; /* others have met, and found out, before this one has met them all */
    unsigned rank = lie->options->rank;
    if (rank != lie->liar) {
        bool ok = rank == 2
                      ? gasket_job_be_loader(&job, self->transport, &self->error)
                      : gasket_job_be_rank(&job, self->transport, rank, &stopped, &self->error);
        if (ok) /* the loader may have gone before the lie */
            REQUIRE(self, rank == 2);
        return;
    }
    for (unsigned to = 0; to < 2; to++) {
        g_autoptr(GasketFrame) frame = lie_frame(lie);
        bool sent;
        if (to != rank &&
            !gasket_transport_try_send(self->transport, to, lie->channel, &frame, &sent, NULL))
            break; /* it has been thrown out */
    }
    while (gasket_transport_wait(self->transport, -1, &self->error))
        continue; /* until it is thrown out */
    g_clear_error(&self->error);
}

/* Rank 0 ends, with the liar's name. */
static void
assert_found_out(Lie lie)
{
    TestRun run;
    TestMember member[3];
    Lie lies[3] = {lie, lie, lie};
    test_run_init(&run, 3, false);
    test_run_members(&run, member);
    for (unsigned i = 0; i < 3; i++) {
        lies[i].options = &run.options[i];
        member[i].data = &lies[i];
        member[i].talk = be_member;
        pthread_create(&member[i].thread, NULL, test_member_thread, &member[i]);
    }
    for (unsigned i = 0; i < 3; i++)
        pthread_join(member[i].thread, NULL);
    g_autofree char *name = g_strdup_printf("rank %u", lie.liar);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_msg(member[i].failure == NULL, "%s", member[i].failure);
    ck_assert_msg(member[0].error != NULL, "type %u, shape %u of %s: nobody minds", lie.type,
                  lie.shape, name);
    ck_assert_msg(strstr(member[0].error->message, name) != NULL ||
                      (lie.liar == 2 && strstr(member[0].error->message, "loader") != NULL),
                  "type %u, shape %u of %s: found \"%s\"", lie.type, lie.shape, name,
                  member[0].error->message);
    ck_assert(g_error_matches(member[0].error, GASKET_ERROR, GASKET_ERROR_PROTOCOL));
    for (unsigned i = 0; i < 3; i++)
        g_clear_error(&member[i].error);
    test_run_clear(&run);
}

START_TEST(payloads_that_fit_nothing_are_the_senders_fault)
{
    for (unsigned liar = 1; liar <= 2; liar++)
        for (unsigned t = 0; t < 6; t++)
            for (unsigned shape = 0; shape < N_SHAPES; shape += check_is_short() ? 3 : 1)
                assert_found_out((Lie){.liar = liar,
                                       .type = types[t],
                                       .channel = GASKET_CHANNEL_BULK,
                                       .shape = shape});
}
END_TEST

int
main(void)
{
    TCase *frames = tcase_create("frames"), *payloads = tcase_create("payloads");
    tcase_set_timeout(frames, 240);
    tcase_set_timeout(payloads, 240);
    tcase_add_test(
        frames, frames_of_every_type_that_are_cut_too_long_or_out_of_order_are_the_senders_fault);
    tcase_add_test(payloads, payloads_that_fit_nothing_are_the_senders_fault);
    return check_run("hostile_members", (TCase *[]){frames, payloads}, 2);
}
