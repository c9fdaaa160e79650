/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing what a peer says in an asynchronous run: rank 0 of two, with values, edge values and
 * scopes; rank 1 is the input. Whatever it says is refused with its name, or taken.
 *
 * Input: records, | way | n u16 | n bytes |
 *
 *   way  what happens at rank 0
 *   0    a frame of a run: the bytes
 *   1    VALUES of kind 0:  | count | elements ... |
 *   2    EDGES:             | index | count | elements ... |
 *   3    SCOPES:            | count | messages ... |
 *   4    a frame of the control channel: the bytes
 *   5    a frame of another type: | type | bytes ... |
 *   6    a vertex of its own asks for all that it reads: | vertex |
 *   7    what has all it asked for runs
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array.h"
#include "engine/async_net.h"
#include "engine/async_scope.h"
#include "engine/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define N_WAYS     8
#define N_VERTICES 12

/* ---- a run that stands still ----------------------------------------------------------------- */

static const GasketRowSet rows[] = {{0, GASKET_IN}};

static void
gather(const GasketContext *context, const GasketRows *in, void *sums)
{
    const uint64_t *value = in->values;
    const uint32_t *incoming = in->incoming;
    uint64_t *sum = sums;
    (void)context;
    for (size_t r = 0; r < in->count; r++)
        for (uint64_t e = in->begin[r]; e < in->end[r]; e++)
            sum[in->sum[r]] += value[in->neighbour[e]] + incoming[e];
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint64_t *sum = sums;
    uint64_t *value = run->value;
    (void)context;
    for (size_t i = 0; i < run->count; i++)
        value[run->vertex[i]] = sum[run->sum[i]];
}

static void
scatter(const GasketContext *context, const GasketRows *in)
{
    uint32_t *outgoing = in->outgoing;
    (void)context;
    for (size_t r = 0; r < in->count; r++)
        for (uint64_t e = in->begin[r]; e < in->end[r]; e++)
            outgoing[in->slot[e]] = in->vertex[r];
}

static const GasketProgram program = {.name = "all",
                                      .rows = rows,
                                      .n_rows = 1,
                                      .sum_size = 8,
                                      .whole_rows = true,
                                      .gather = gather,
                                      .apply = apply,
                                      .scatter = scatter};

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GasketRun *run; /* rank 0's */
} Stage;

/* Rank 0 hands its run over; both ranks stay where they are. */
static bool
stand_still(GasketRun *run, const void *parameters, GError **error)
{
    Stage *stage = *(Stage *const *)parameters;
    if (!gasket_run_set_value(run, 0, 8, error) ||
        !gasket_run_set_edge_value(run, rows[0], 4, error))
        return false;
    pthread_mutex_lock(&stage->lock);
    if (gasket_run_rank(run) == 0)
        stage->run = run;
    pthread_cond_broadcast(&stage->changed);
    for (;;)
        pthread_cond_wait(&stage->changed, &stage->lock);
}

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    int64_t from[3 * N_VERTICES], to[3 * N_VERTICES];
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    const GasketGraphRules rules = {.order = GASKET_ORDER_GIVEN};
    (void)data, (void)report;
    for (int v = 0; v < N_VERTICES; v++)
        for (int i = 0; i < 3; i++) {
            from[3 * v + i] = v;
            to[3 * v + i] = (v * (i + 2) + 1) % N_VERTICES;
        }
    gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, true);
    (void)gasket_graph_builder_add_edges(builder, 0, G_N_ELEMENTS(from), from, to, NULL, NULL);
    return gasket_graph_builder_finish_take(&builder, &rules, error);
}

static const GasketResultColumn results[] = {{.name = "x", .type = GASKET_INT64}};
static const GasketNeeds needs[] = {{.in_rows = true, .symmetric = true}};
static const GasketAlgorithm algorithm = {.abi = GASKET_ABI,
                                          .name = "all",
                                          .parameters_size = sizeof(Stage *),
                                          .needs = needs,
                                          .n_needs = 1,
                                          .results = results,
                                          .n_results = 1,
                                          .run = stand_still,
                                          .engines = 1u << GASKET_ENGINE_ASYNC};

static void *
play(void *data)
{
    Stage *stage = data;
    const GasketJob job = {.algorithm = &algorithm,
                           .parameters = &stage,
                           .needs = needs,
                           .n_needs = 1,
                           .results = results,
                           .n_results = 1,
                           .workers = 2,
                           .threads = 1,
                           .engine = GASKET_ENGINE_ASYNC,
                           .scheduler = GASKET_SCHEDULER_PRIORITY,
                           .consistency = GASKET_CONSISTENCY_EDGE,
                           .load = load};
    GasketStopped stopped;
    (void)gasket_job_run(&job, &stopped, NULL);
    abort(); /* it stands still */
}

static GasketRun *
the_run(void)
{
    static Stage stage = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL};
    pthread_t thread;
    if (stage.run != NULL)
        return stage.run;
    int status = pthread_create(&thread, NULL, play, &stage);
    g_assert(status == 0);
    pthread_mutex_lock(&stage.lock);
    while (stage.run == NULL)
        pthread_cond_wait(&stage.changed, &stage.lock);
    pthread_mutex_unlock(&stage.lock);
    return stage.run;
}

/* ---- the peer -------------------------------------------------------------------------------- */

typedef struct {
    GasketTransport base;
    GasketFrame *next[GASKET_N_CHANNELS];
} Fake;

static bool
fake_try_send(GasketTransport *transport, unsigned peer, GasketChannel channel, GasketFrame **frame,
              bool *ret_sent, GError **error)
{
    (void)transport, (void)channel, (void)error;
    g_assert(peer == 1);
    gasket_frame_free(g_steal_pointer(frame));
    *ret_sent = true;
    return true;
}

static bool
fake_receive(GasketTransport *transport, unsigned peer, GasketChannel channel,
             GasketFrame **ret_frame, GError **error)
{
    Fake *fake = (Fake *)transport;
    (void)error;
    g_assert(peer == 1);
    *ret_frame = g_steal_pointer(&fake->next[channel]);
    return true;
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
    .now = fake_now,
};

/* A frame of `head` and bytes. */
static GasketFrame *
frame_of(uint32_t type, const void *head, uint32_t n_head, const uint8_t *bytes, uint32_t n)
{
    GasketFrame *frame = gasket_frame_new(type, n_head + n, NULL);
    if (n_head > 0)
        memcpy(frame->payload, head, n_head);
    if (n > 0)
        memcpy(frame->payload + n_head, bytes, n);
    return frame;
}

/* The peer's next frame. What was not yet received stays unreceived: the run reads no more. */
static void
put(Fake *fake, GasketChannel channel, GasketFrame *frame)
{
    gasket_frame_free(fake->next[channel]);
    fake->next[channel] = frame;
}

/* What the peer says in a record. */
static void
say(Fake *fake, unsigned way, const uint8_t *bytes, uint32_t n)
{
    static const GasketAsyncSection sections[] = {0, GASKET_ASYNC_VALUES, GASKET_ASYNC_EDGES,
                                                  GASKET_ASYNC_SCOPES};
    GasketAsyncHeader header = {0};
    uint32_t used = 0;
    if (way == 4) {
        put(fake, GASKET_CHANNEL_CONTROL, frame_of(GASKET_WIRE_TERMINATION, NULL, 0, bytes, n));
        return;
    }
    if (way == 0) {
        put(fake, GASKET_CHANNEL_BULK, frame_of(GASKET_WIRE_ASYNC, NULL, 0, bytes, n));
        return;
    }
    if (way == 5) {
        uint32_t type = n > 0 ? MAX(bytes[0], 1) : 1;
        put(fake, GASKET_CHANNEL_BULK, frame_of(type, NULL, 0, bytes + (n > 0), n - (n > 0)));
        return;
    }
    header.section = sections[way];
    if (way == 2 && used < n)
        header.index = bytes[used++];
    if (used < n)
        header.count = bytes[used++];
    put(fake, GASKET_CHANNEL_BULK,
        frame_of(GASKET_WIRE_ASYNC, &header, sizeof header, bytes + used, n - used));
}

/* One record; false: the run has failed. */
static bool
act(GasketAsync *async, Fake *fake, unsigned way, const uint8_t *bytes, uint32_t n, GError **error)
{
    const GasketAsyncKind *kind = &async->kinds[0];
    if (way == 6) {
        if (n > 0 && async->scopes.n < 50)
            (void)gasket_async_request_scope(async, kind, bytes[0] % kind->part->n_owned);
        return true;
    }
    if (way == 7) {
        gasket_async_attend_scopes(&async->threads[0]);
        return true;
    }
    say(fake, way, bytes, n);
    return gasket_async_net_attend(async, error);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GasketRun *run = the_run();
    GasketExchange *standing = run->exchange;
    Fake fake = {.base = {.class = &fake_class, .rank = 0, .size = 3}};
    const GasketProgram *const programs[] = {&program};
    g_autoptr(GError) error = NULL;

    run->exchange = gasket_exchange_new(&fake.base, 0, 2);
    GasketAsync *async = gasket_async_new(run, programs, 1, &error);
    g_assert(async != NULL && async->mode == GASKET_ASYNC_LOCKED);
    atomic_store(&async->n_busy, 1);
    gasket_async_net_begin(async);
    bool ok = true;
    while (ok && size >= 3) {
        uint32_t n = (uint32_t)MIN((size_t)(data[1] | data[2] << 8), size - 3);
        ok = act(async, &fake, data[0] % N_WAYS, data + 3, n, &error);
        data += 3 + n;
        size -= 3 + n;
    }
    g_assert(ok == (error == NULL));
    if (!ok)
        g_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL) &&
                 strstr(error->message, "rank 1") != NULL);
    gasket_async_free(async);
    for (unsigned c = 0; c < GASKET_N_CHANNELS; c++)
        gasket_frame_free(fake.next[c]);
    gasket_exchange_free(run->exchange);
    run->exchange = standing;
    return 0;
}
