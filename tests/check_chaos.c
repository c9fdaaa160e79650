/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three members whose connections all go through proxies that misbehave (chaos_proxy.h): every
 * frame arrives as it was sent, or each member ends in time with an error that names a rank.
 *
 *   GASKET_FIRST_SEED=100 GASKET_SEEDS=1000 check_chaos     other faults, and more
 */
#include "tests/tcp_members.h"

#include "tests/chaos_proxy.h"

#define SIZE    3
#define SECOND  ((int64_t)1000000)
#define SOON    (3 * SECOND)  /* of silence, where somebody falls silent */
#define PATIENT (60 * SECOND) /* where nobody does, however loaded the machine */

typedef struct {
    const GasketTcpOptions *options;
    TestTraffic traffic;
} Part;

static void
connect_and_talk(TestMember *self)
{
    const Part *part = self->data;
    self->data = part->options;
    REQUIRE(self, test_connect(self));
    self->data = &part->traffic;
    test_traffic(self);
}

/* A run through proxies; what became of each member is in member[]. */
static void
run_through(TestMember member[SIZE], const Chaos *chaos, uint32_t n_frames, int64_t peer_timeout_us)
{
    TestRun run;
    Part part[SIZE];
    ChaosProxy *proxy = g_new0(ChaosProxy, SIZE - 1);
    _Atomic unsigned n_lanes = 0;
    test_run_init(&run, SIZE, /* insecure= */ false);
    test_run_members(&run, member);
    for (unsigned i = 0; i + 1 < SIZE; i++) {
        chaos_proxy_init(&proxy[i], run.port[i], chaos, &n_lanes);
        run.port[i] = proxy[i].port;
    }
    for (unsigned i = 0; i < SIZE; i++) {
        run.options[i].peer_timeout_us = peer_timeout_us;
        run.options[i].connect_timeout_us = 4 * peer_timeout_us;
        part[i] = (Part){&run.options[i], {.n_frames = n_frames}};
        member[i].data = &part[i];
        member[i].talk = connect_and_talk;
        ck_assert_int_eq(pthread_create(&member[i].thread, NULL, test_member_thread, &member[i]),
                         0);
    }
    for (unsigned i = 0; i < SIZE; i++)
        pthread_join(member[i].thread, NULL);
    for (unsigned i = 0; i + 1 < SIZE; i++)
        chaos_proxy_clear(&proxy[i]);
    g_free(proxy);
    test_run_clear(&run);
}

static void
clear(TestMember member[SIZE])
{
    for (unsigned i = 0; i < SIZE; i++) {
        g_free(member[i].failure);
        g_clear_error(&member[i].error);
    }
}

/* ---- slow, but whole ------------------------------------------------------------------------- */

static void
assert_all_arrives(const Chaos *chaos, uint32_t n_frames)
{
    TestMember member[SIZE] = {0};
    run_through(member, chaos, n_frames, PATIENT);
    for (unsigned i = 0; i < SIZE; i++)
        ck_assert_msg(member[i].failure == NULL, "%s", member[i].failure);
    clear(member);
}

START_TEST(delays_harm_nothing)
{
    assert_all_arrives(&(Chaos){.delay_us = 2000}, 40);
}
END_TEST

START_TEST(single_bytes_harm_nothing)
{
    assert_all_arrives(&(Chaos){.piece = 1}, 4);
}
END_TEST

START_TEST(a_narrow_network_harms_nothing)
{
    assert_all_arrives(&(Chaos){.piece = 1000, .delay_us = 500}, 15);
}
END_TEST

/* ---- faults ---------------------------------------------------------------------------------- */

/* Bytes of a lane before which half of the faults strike: handshakes and greetings. */
#define MEETING 1500

/* Either it went well, or there is a rank to blame. */
static void
assert_well_or_named(const TestMember *member, uint64_t seed)
{
    if (member->failure == NULL)
        return;
    ck_assert_msg(member->error != NULL, "seed %" G_GUINT64_FORMAT ": %s", seed, member->failure);
    ck_assert_msg((g_error_matches(member->error, GASKET_ERROR, GASKET_ERROR_PEER) ||
                   g_error_matches(member->error, GASKET_ERROR, GASKET_ERROR_PROTOCOL)) &&
                      g_str_has_prefix(member->error->message, "rank "),
                  "seed %" G_GUINT64_FORMAT ": %s", seed, member->error->message);
}

static uint64_t
number_from(const char *name, uint64_t otherwise)
{
    const char *text = g_getenv(name);
    return text != NULL ? g_ascii_strtoull(text, NULL, 10) : otherwise;
}

START_TEST(a_fault_at_any_byte_ends_well_or_with_a_name)
{
    uint64_t first = number_from("GASKET_FIRST_SEED", 0);
    uint64_t end = first + number_from("GASKET_SEEDS", check_times(40, 12));
    unsigned n_struck = 0, n_failed = 0;
    for (uint64_t seed = first; seed < end; seed++) {
        GasketRandom random = gasket_random_at(seed, 5, 0, 0);
        _Atomic bool done = false;
        Chaos chaos = {.fault = CHAOS_CUT + seed % (CHAOS_SWALLOW - CHAOS_CUT),
                       .lane = gasket_random_below(&random, 6),
                       .at = gasket_random_below(&random, seed % 2 ? MEETING : 100000),
                       .done = &done};
        TestMember member[SIZE] = {0};
        int64_t before = g_get_monotonic_time();
        run_through(member, &chaos, 20, SOON);
        ck_assert_int_lt(g_get_monotonic_time() - before, 60 * SECOND);
        n_struck += done;
        n_failed += member[0].failure != NULL;
        for (unsigned i = 0; i < SIZE; i++)
            assert_well_or_named(&member[i], seed);
        /* What was changed or lost after they had met is noticed by somebody. */
        if (done && chaos.at > MEETING && chaos.fault != CHAOS_HALF_CLOSE)
            ck_assert_msg(member[0].failure || member[1].failure || member[2].failure,
                          "seed %" G_GUINT64_FORMAT ": nobody noticed", seed);
        clear(member);
    }
    ck_assert_uint_gt(n_struck, (end - first) / 2);
    ck_assert_uint_gt(n_failed, 0);
}
END_TEST

START_TEST(who_is_heard_no_more_is_named)
{
    _Atomic bool done = false;
    const Chaos chaos = {.fault = CHAOS_SWALLOW, .lane = 2, .at = 5000, .done = &done};
    TestMember member[SIZE] = {0};
    run_through(member, &chaos, 20, SOON);
    ck_assert(done);
    for (unsigned i = 0; i < SIZE; i++)
        assert_well_or_named(&member[i], 0);
    ck_assert(member[0].failure || member[1].failure || member[2].failure);
    clear(member);
}
END_TEST

int
main(void)
{
    TCase *slow = tcase_create("slow"), *faults = tcase_create("faults");
    tcase_set_timeout(slow, 240);
    tcase_set_timeout(faults, 0);
    tcase_add_test(slow, delays_harm_nothing);
    tcase_add_test(slow, single_bytes_harm_nothing);
    tcase_add_test(slow, a_narrow_network_harms_nothing);
    tcase_add_test(faults, a_fault_at_any_byte_ends_well_or_with_a_name);
    tcase_add_test(faults, who_is_heard_no_more_is_named);
    return check_run("chaos", (TCase *[]){slow, faults}, 2);
}
