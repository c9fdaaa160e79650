/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an asynchronous run sends, and when: rank 0 of two, whose clock and link are this test's.
 *
 *   owned by rank 0:  0 .. N - 1      each has one neighbour,      0 ── N
 *   owned by rank 1:  N .. 2 N - 1    which rank 1 owns            1 ── N + 1  ...
 */
#include <pthread.h>
#include <string.h>

#include "engine/async_net.h"
#include "engine/varint.h"
#include "engine/job.h"
#include "tests/check_main.h"

#define N 30000 /* changes that fill some frames */

/* ---- a run that stands still ----------------------------------------------------------------- */

static const GasketRowSet rows[] = {{0, GASKET_IN}};

static void
keep(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    (void)context, (void)run, (void)sums;
}

static const GasketProgram program = {.name = "keep", .rows = rows, .n_rows = 1, .apply = keep};

/* A link that takes so many frames, and what it has taken. */
typedef struct {
    GasketTransport base;
    int64_t now;
    unsigned room; /* frames of the bulk channel that it still takes */
    GPtrArray *taken;
} Link;

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    GasketRun *run; /* rank 0's, while it stands still */
    bool over;

    GasketExchange *standing;
    GasketAsync *async;
    Link link;
} Stage;

static bool
stand_still(GasketRun *run, const void *parameters, GError **error)
{
    Stage *stage = *(Stage *const *)parameters;
    if (!gasket_run_set_state(run, 0, sizeof(uint64_t), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint64_t), error))
        return false;
    if (gasket_run_rank(run) != 0)
        return true;
    pthread_mutex_lock(&stage->lock);
    stage->run = run;
    pthread_cond_broadcast(&stage->changed);
    while (!stage->over)
        pthread_cond_wait(&stage->changed, &stage->lock);
    pthread_mutex_unlock(&stage->lock);
    return true;
}

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    g_autofree int64_t *from = g_new(int64_t, N), *to = g_new(int64_t, N);
    const GasketGraphRules rules = {.order = GASKET_ORDER_GIVEN};
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    (void)data, (void)report;
    for (int v = 0; v < N; v++) {
        from[v] = v;
        to[v] = v + N;
    }
    gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, true);
    ck_assert(gasket_graph_builder_add_edges(builder, 0, N, from, to, NULL, NULL));
    return gasket_graph_builder_finish_take(&builder, &rules, error);
}

static void *
play(void *data)
{
    static const GasketResultColumn results[] = {{.name = "x", .type = GASKET_INT64}};
    static const GasketNeeds needs[] = {{.in_rows = true, .symmetric = true}};
    const GasketAlgorithm algorithm = {.abi = GASKET_ABI,
                                       .name = "keep",
                                       .parameters_size = sizeof(Stage *),
                                       .needs = needs,
                                       .n_needs = 1,
                                       .results = results,
                                       .n_results = 1,
                                       .run = stand_still,
                                       .engines = 1u << GASKET_ENGINE_ASYNC};
    const GasketJob job = {.algorithm = &algorithm,
                           .parameters = &data,
                           .needs = needs,
                           .n_needs = 1,
                           .results = results,
                           .n_results = 1,
                           .workers = 2,
                           .threads = 1,
                           .engine = GASKET_ENGINE_ASYNC,
                           .consistency = GASKET_CONSISTENCY_VERTEX,
                           .load = load};
    GasketStopped stopped;
    GError *error = NULL;
    (void)gasket_job_run(&job, &stopped, &error);
    return error;
}

/* ---- the link -------------------------------------------------------------------------------- */

static bool
link_try_send(GasketTransport *transport, unsigned peer, GasketChannel channel, GasketFrame **frame,
              bool *ret_sent, GError **error)
{
    Link *link = (Link *)transport;
    (void)error;
    ck_assert_uint_eq(peer, 1);
    *ret_sent = channel == GASKET_CHANNEL_CONTROL || link->room > 0;
    if (channel == GASKET_CHANNEL_CONTROL) {
        gasket_frame_free(g_steal_pointer(frame));
    } else if (*ret_sent) {
        link->room--;
        g_ptr_array_add(link->taken, g_steal_pointer(frame));
    }
    return true;
}

static bool
link_receive(GasketTransport *transport, unsigned peer, GasketChannel channel,
             GasketFrame **ret_frame, GError **error)
{
    (void)transport, (void)peer, (void)channel, (void)error;
    *ret_frame = NULL;
    return true;
}

static int64_t
link_now(GasketTransport *transport)
{
    return ((const Link *)transport)->now;
}

static const GasketTransportClass link_class = {
    .try_send = link_try_send,
    .receive = link_receive,
    .now = link_now,
};

/* ---- the stage ------------------------------------------------------------------------------- */

static Stage *
open_stage(void)
{
    static const GasketProgram *const programs[] = {&program};
    Stage *stage = g_new0(Stage, 1);
    pthread_mutex_init(&stage->lock, NULL);
    pthread_cond_init(&stage->changed, NULL);
    ck_assert_int_eq(pthread_create(&stage->thread, NULL, play, stage), 0);
    pthread_mutex_lock(&stage->lock);
    while (stage->run == NULL)
        pthread_cond_wait(&stage->changed, &stage->lock);
    pthread_mutex_unlock(&stage->lock);
    stage->link = (Link){.base = {.class = &link_class, .rank = 0, .size = 3},
                         .room = UINT32_MAX,
                         .taken = g_ptr_array_new()};
    stage->standing = stage->run->exchange;
    stage->run->exchange = gasket_exchange_new(&stage->link.base, 0, 2);
    g_autoptr(GError) error = NULL;
    stage->async = gasket_async_new(stage->run, programs, 1, &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq(stage->async->kinds[0].part->n_boundary, N);
    atomic_store(&stage->async->n_busy, 1); /* it computes, so that changes may wait */
    gasket_async_net_begin(stage->async);
    return stage;
}

static void
close_stage(Stage *stage)
{
    void *error = NULL;
    gasket_async_free(stage->async);
    gasket_exchange_free(stage->run->exchange);
    stage->run->exchange = stage->standing;
    for (unsigned i = 0; i < stage->link.taken->len; i++)
        gasket_frame_free(g_ptr_array_index(stage->link.taken, i));
    g_ptr_array_unref(stage->link.taken);
    pthread_mutex_lock(&stage->lock);
    stage->over = true;
    pthread_cond_broadcast(&stage->changed);
    pthread_mutex_unlock(&stage->lock);
    ck_assert_int_eq(pthread_join(stage->thread, &error), 0);
    ck_assert_no_error((GError *)error);
    pthread_cond_destroy(&stage->changed);
    pthread_mutex_destroy(&stage->lock);
    g_free(stage);
}

/* A vertex of rank 0 publishes a value, which matters so much. */
static void
change(Stage *stage, GasketVertex v, uint64_t value, float priority)
{
    const GasketAsyncKind *kind = &stage->async->kinds[0];
    ((uint64_t *)(void *)kind->data->current)[v] = value;
    gasket_async_note_value(stage->async, kind, v, gasket_schedule_bucket(priority));
}

/* The clock goes on, and rank 0 sees to the network; returns how many frames were taken so far. */
static unsigned
after_us(Stage *stage, int64_t us)
{
    g_autoptr(GError) error = NULL;
    stage->link.now += us;
    ck_assert(gasket_async_net_attend(stage->async, &error));
    ck_assert_no_error(error);
    return stage->link.taken->len;
}

typedef struct {
    uint64_t value[N]; /* as the peer has it */
    unsigned weight[N];
    uint32_t n, position[N]; /* in the order in which they came */
} Received;

/* Reads frame i as the peer would, in addition to what it has. */
static void
receive(const Stage *stage, unsigned i, Received *received)
{
    const GasketFrame *frame = g_ptr_array_index(stage->link.taken, i);
    const uint8_t *body = frame->payload + sizeof(GasketAsyncHeader);
    uint32_t n_body = frame->length - (uint32_t)sizeof(GasketAsyncHeader), at = 0, position = 0;
    GasketAsyncHeader header;
    memcpy(&header, frame->payload, sizeof header);
    ck_assert_uint_eq(frame->type, GASKET_WIRE_ASYNC);
    ck_assert_uint_eq(header.section, GASKET_ASYNC_VALUES);
    ck_assert_uint_le(frame->length, GASKET_BULK_BYTES);
    for (uint32_t e = 0; e < header.count; e++) {
        uint32_t distance;
        ck_assert(gasket_varint_read(body, n_body, &at, &distance));
        position += distance;
        ck_assert_uint_lt(position, N);
        received->weight[position] = body[at++];
        memcpy(&received->value[position], body + at, sizeof(uint64_t));
        at += sizeof(uint64_t);
        received->position[received->n++ % N] = position;
    }
    ck_assert_uint_eq(at, n_body);
}

/* ---- when ------------------------------------------------------------------------------------ */

START_TEST(a_few_changes_wait_for_more_for_a_millisecond)
{
    Stage *stage = open_stage();
    g_autofree Received *received = g_new0(Received, 1);
    for (unsigned v = 0; v < 10; v++)
        change(stage, v, v, 1);
    ck_assert_uint_eq(after_us(stage, 5), 0);
    ck_assert_uint_eq(after_us(stage, 999), 0);
    change(stage, 20, 20, 1);
    ck_assert_uint_eq(after_us(stage, 1), 1);
    receive(stage, 0, received);
    ck_assert_uint_eq(received->n, 11);
    ck_assert_uint_eq(after_us(stage, 10000), 1); /* and nothing more */
    close_stage(stage);
}
END_TEST

START_TEST(enough_for_a_frame_goes_at_once)
{
    Stage *stage = open_stage();
    g_autofree Received *received = g_new0(Received, 1);
    ck_assert_uint_eq(stage->async->net->enough, 8192);
    for (unsigned v = 0; v < 8191; v++)
        change(stage, 3 * v, v, 1);
    ck_assert_uint_eq(after_us(stage, 1), 0);
    change(stage, N - 1, 7, 1);
    ck_assert_uint_eq(after_us(stage, 1), 1);
    receive(stage, 0, received);
    ck_assert_uint_eq(received->n, 8192);
    close_stage(stage);
}
END_TEST

START_TEST(who_has_nothing_else_to_do_sends_at_once)
{
    Stage *stage = open_stage();
    change(stage, 5, 1, 1);
    stage->async->threads[0].idle = true;
    ck_assert_uint_eq(after_us(stage, 1), 1);
    close_stage(stage);
}
END_TEST

/* ---- what ------------------------------------------------------------------------------------ */

START_TEST(the_newest_value_goes_with_the_largest_weight)
{
    Stage *stage = open_stage();
    g_autofree Received *received = g_new0(Received, 1);
    change(stage, 5, 100, 1);
    change(stage, 5, 101, 64);
    change(stage, 5, 102, 0.25F);
    ck_assert_uint_eq(stage->async->net->peers[1].n_dirty, 1);
    (void)after_us(stage, 1);
    ck_assert_uint_eq(after_us(stage, 1000), 1);
    receive(stage, 0, received);
    ck_assert_uint_eq(received->n, 1);
    ck_assert_uint_eq(received->value[5], 102);
    ck_assert_uint_eq(received->weight[5], gasket_schedule_bucket(64) + 1);
    change(stage, 5, 103, 2); /* the weights of what was sent are forgotten */
    (void)after_us(stage, 1);
    ck_assert_uint_eq(after_us(stage, 1000), 2);
    receive(stage, 1, received);
    ck_assert_uint_eq(received->value[5], 103);
    ck_assert_uint_eq(received->weight[5], gasket_schedule_bucket(2) + 1);
    close_stage(stage);
}
END_TEST

START_TEST(many_changes_go_in_full_frames)
{
    Stage *stage = open_stage();
    g_autofree Received *received = g_new0(Received, 1);
    for (unsigned v = 0; v < N; v++)
        change(stage, v, 3 * v, 1);
    unsigned n = after_us(stage, 1);
    ck_assert_uint_ge(n, 3);
    for (unsigned i = 0; i < n; i++) {
        const GasketFrame *frame = g_ptr_array_index(stage->link.taken, i);
        receive(stage, i, received);
        ck_assert(i + 1 == n || frame->length > GASKET_BULK_BYTES - 100);
    }
    ck_assert_uint_eq(received->n, N);
    for (unsigned v = 0; v < N; v++)
        ck_assert_uint_eq(received->value[v], 3 * v);
    close_stage(stage);
}
END_TEST

/* ---- a slow link ----------------------------------------------------------------------------- */

/* A peer that reads nothing: what waits for it is bounded, whatever changes, and nobody waits; once
 * it reads it gets the newest values, each once. */
START_TEST(what_waits_for_a_peer_that_does_not_read_is_bounded)
{
    Stage *stage = open_stage();
    g_autofree Received *received = g_new0(Received, 1);
    const GasketAsyncPeer *peer = &stage->async->net->peers[1];
    size_t most = 0, bound = (size_t)N * (sizeof(uint64_t) + 1 + GASKET_VARINT_MAX) + 2048;
    unsigned n_rounds = check_times(20, 5);
    stage->link.room = 0;
    for (unsigned round = 1; round <= n_rounds; round++) {
        for (unsigned v = 0; v < N; v++)
            change(stage, v, (uint64_t)round << 32 | v, 1);
        ck_assert_uint_eq(after_us(stage, 2000), 0);
        ck_assert_uint_le(peer->out.bytes, bound);
        ck_assert_uint_le(peer->n_dirty, N);
        most = MAX(most, peer->out.bytes);
    }
    ck_assert_uint_gt(most, 0);
    stage->link.room = UINT32_MAX;
    unsigned n = 0;
    for (unsigned turn = 0; turn < 100 && (peer->n_dirty > 0 || peer->out.n > 0); turn++)
        for (unsigned end = after_us(stage, 2000); n < end; n++)
            receive(stage, n, received);
    ck_assert_uint_eq(peer->n_dirty + peer->out.n, 0);
    ck_assert_uint_le(received->n, 2 * N); /* what was cut before it stopped reading, and once */
    for (unsigned v = 0; v < N; v++)
        ck_assert_uint_eq(received->value[v], (uint64_t)n_rounds << 32 | v);
    close_stage(stage);
}
END_TEST

/* A link that takes one frame at a time: none holds a larger change than one before it. */
START_TEST(the_largest_changes_go_first_when_the_link_is_slow)
{
    Stage *stage = open_stage();
    g_autofree Received *received = g_new0(Received, 1);
    static const float priority[] = {1e-6F, 0.01F, 1, 1, 1, 1, 1, 100};
    GasketRandom random = gasket_random_at(1, 2, 0, 0);
    unsigned n = 1, least = GASKET_SCHEDULE_BUCKETS;
    stage->link.room = 0;
    change(stage, 0, 1, 1);
    (void)after_us(stage, 1);
    (void)after_us(stage, 1000); /* its frame is refused: the link is slow */
    ck_assert_uint_eq(stage->async->net->peers[1].out.n, 1);
    for (unsigned v = 0; v < N; v++)
        change(stage, v, v, priority[gasket_random_below(&random, G_N_ELEMENTS(priority))]);
    stage->link.room = 1;
    (void)after_us(stage, 2000);
    receive(stage, 0, received);
    ck_assert_uint_eq(received->n, 1);
    received->n = 0;
    for (; received->n < N; n++) {
        uint32_t before = received->n;
        unsigned least_before = least;
        stage->link.room = 1;
        ck_assert_uint_eq(after_us(stage, 2000), n + 1);
        receive(stage, n, received);
        for (uint32_t i = before; i < received->n; i++) {
            unsigned weight = received->weight[received->position[i]];
            ck_assert_uint_le(weight, least_before);
            least = MIN(least, weight);
        }
    }
    ck_assert_uint_ge(n, 4); /* frames, so that there were some to choose between */
    close_stage(stage);
}
END_TEST

int
main(void)
{
    TCase *push = tcase_create("pushing");
    tcase_set_timeout(push, 120);
    tcase_add_test(push, a_few_changes_wait_for_more_for_a_millisecond);
    tcase_add_test(push, enough_for_a_frame_goes_at_once);
    tcase_add_test(push, who_has_nothing_else_to_do_sends_at_once);
    tcase_add_test(push, the_newest_value_goes_with_the_largest_weight);
    tcase_add_test(push, many_changes_go_in_full_frames);
    tcase_add_test(push, what_waits_for_a_peer_that_does_not_read_is_bounded);
    tcase_add_test(push, the_largest_changes_go_first_when_the_link_is_slow);
    TCase *cases[] = {push};
    return check_run("async_push", cases, G_N_ELEMENTS(cases));
}
