/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of a run over TCP on loopback, in threads of one test.
 *
 *   TestRun run;
 *   test_run_init(&run, 3, insecure);
 *   run.options[2].fingerprint++;                       (what this test is about)
 *   TestMember member[3];
 *   test_run_members(&run, member);
 *   test_members_run(member, 3, talk);                  (talk begins with test_connect)
 *   test_run_clear(&run);
 */
#ifndef GASKET_TESTS_TCP_MEMBERS_H
#define GASKET_TESTS_TCP_MEMBERS_H

#include <dirent.h>
#include <unistd.h>

#include "engine/transport_tcp.h"
#include "tests/transport_members.h"

#define TEST_RUN_MAX 8

/* However loaded the machine, what has not happened by then does not happen. */
#define TEST_PATIENCE_US ((int64_t)100000000)

typedef struct TestRun {
    unsigned size;
    uint16_t port[TEST_RUN_MAX];
    const char *host[TEST_RUN_MAX];
    GasketTcpOptions options[TEST_RUN_MAX];
    unsigned n_open_before;
} TestRun;

/* Descriptors that this process has open. */
static inline unsigned
test_count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned n = 0;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

/* Sockets, ports, a key; and timeouts that only what never happens meets. */
static inline void
test_run_init(TestRun *run, unsigned size, bool insecure)
{
    *run = (TestRun){.size = size, .n_open_before = test_count_descriptors()};
    GasketTcpOptions common = {.size = size,
                               .insecure = insecure,
                               .listen_fd = -1,
                               .fingerprint = 0x1234567890abcdef,
                               .connect_timeout_us = TEST_PATIENCE_US,
                               .peer_timeout_us = TEST_PATIENCE_US};
    ck_assert(gasket_tcp_random_key(common.key, common.run_id, NULL));
    for (unsigned i = 0; i < size; i++) {
        run->host[i] = "127.0.0.1";
        run->options[i] = common;
        run->options[i].rank = i;
        if (i + 1 < size)
            ck_assert(gasket_tcp_listen(NULL, &run->options[i].listen_fd, &run->port[i], NULL));
    }
}

static inline void
test_run_members(TestRun *run, TestMember *member)
{
    for (unsigned i = 0; i < run->size; i++) {
        run->options[i].host = run->host;
        run->options[i].port = run->port;
        member[i] = (TestMember){.data = &run->options[i]};
    }
}

/* Nothing is left open. */
static inline void
test_run_clear(const TestRun *run)
{
    ck_assert_uint_eq(test_count_descriptors(), run->n_open_before);
}

/* self->transport, made from the options in self->data; false and self->error. */
static inline bool
test_connect(TestMember *self)
{
    self->transport = gasket_transport_tcp_new(self->data, &self->error);
    return self->transport != NULL;
}

#endif
