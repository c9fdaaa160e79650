/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One member of a run on several hosts, for scripts/netns: PageRank on a random graph.
 *
 *   netns_member RANK ITERATIONS TIMEOUT HOST...    the last of the hosts loads the graph
 *
 * A file "key" in the working folder has the run's key and id. Rank 0 prints a hash of its results'
 * bits; whoever fails prints why and ends with 4, the exit code of a lost worker or network.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "algorithms/algorithms.h"
#include "engine/builder.h"
#include "engine/job_private.h"
#include "engine/transport_tcp.h"

#define N_VERTICES 20000
#define N_EDGES    100000
#define FIRST_PORT 7100
#define MAX_HOSTS  16

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    GasketRandom random = gasket_random_at(1, 2, 3, 4);
    (void)data, (void)report;
    gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, false);
    for (unsigned i = 0; i < N_EDGES; i++) {
        const int64_t from = gasket_random_below(&random, N_VERTICES);
        const int64_t to = gasket_random_below(&random, N_VERTICES);
        (void)gasket_graph_builder_add_edges(builder, 0, 1, &from, &to, NULL, NULL);
    }
    return gasket_graph_builder_finish_take(&builder, NULL, error);
}

static bool
take_result(void *data, const GasketResultBlock *block, GError **error)
{
    uint64_t *sum = data;
    const uint64_t *bits = block->columns[0];
    (void)error;
    for (size_t i = 0; i < block->n; i++)
        *sum = (*sum ^ bits[i]) * UINT64_C(0x9E3779B97F4A7C15);
    return true;
}

static bool
take_finish(void *data, const GasketReport *report, GError **error)
{
    const uint64_t *sum = data;
    (void)report, (void)error;
    printf("%016" G_GINT64_MODIFIER "x\n", *sum);
    return true;
}

static int
listen_on(const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (inet_pton(AF_INET, host, &address.sin_addr) == 1 &&
        bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 16) == 0)
        return fd;
    perror(host);
    exit(EXIT_FAILURE);
}

static GasketTcpOptions
make_options(unsigned rank, double timeout, unsigned size, char **hosts, uint16_t *port)
{
    GasketTcpOptions options = {.rank = rank,
                                .size = size,
                                .listen_fd = -1,
                                .host = (const char *const *)hosts,
                                .port = port,
                                .peer_timeout_us = (int64_t)(timeout * 1e6)};
    g_autofree char *key = NULL;
    gsize n;
    if (!g_file_get_contents("key", &key, &n, NULL) ||
        n != sizeof options.key + sizeof options.run_id) {
        fputs("there is no key of 48 bytes\n", stderr);
        exit(EXIT_FAILURE);
    }
    memcpy(options.key, key, sizeof options.key);
    memcpy(options.run_id, key + sizeof options.key, sizeof options.run_id);
    for (unsigned i = 0; i < size; i++)
        port[i] = (uint16_t)(FIRST_PORT + i);
    if (rank + 1 < size)
        options.listen_fd = listen_on(hosts[rank], port[rank]);
    return options;
}

int
main(int argc, char **argv)
{
    if (argc < 6 || argc > 4 + MAX_HOSTS)
        return EXIT_FAILURE;
    unsigned rank = (unsigned)atoi(argv[1]), size = (unsigned)argc - 4;
    uint16_t port[MAX_HOSTS];
    uint64_t sum = 0;
    GasketStopped stopped;
    g_autoptr(GError) error = NULL;
    g_autofree void *parameters = g_malloc0(gasket_pagerank.parameters_size);
    gasket_options_set_defaults(gasket_pagerank.options, parameters);
    const GasketJob job = {.algorithm = &gasket_pagerank,
                           .parameters = parameters,
                           .needs = gasket_pagerank.needs,
                           .n_needs = gasket_pagerank.n_needs,
                           .results = gasket_pagerank.results,
                           .n_results = gasket_pagerank.n_results,
                           .workers = size - 1,
                           .threads = 1,
                           .iterations = (uint32_t)atoi(argv[2]),
                           .tolerance = 1e-300,
                           .data = &sum,
                           .load = load,
                           .result = take_result,
                           .finish = take_finish};
    GasketTcpOptions options = make_options(rank, atof(argv[3]), size, argv + 4, port);
    g_autoptr(GasketTransport) transport = gasket_transport_tcp_new(&options, &error);
    bool ok = transport != NULL;
    if (ok && rank + 1 == size)
        ok = gasket_job_be_loader(&job, transport, &error);
    else if (ok)
        ok = gasket_job_be_rank(&job, transport, rank, &stopped, &error);
    if (ok)
        return EXIT_SUCCESS;
    fprintf(stderr, "%s\n", error->message);
    return 4;
}
