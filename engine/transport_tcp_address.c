/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options and addresses of the TCP transport, and what a run begins with: a socket to listen on,
 * a key.
 *
 * How: addresses are numeric, IPv4 or IPv6; no name is looked up.
 */
#include "engine/transport_tcp_address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static bool
wrong(GError **error, const char *what)
{
    g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, what);
    return false;
}

bool
gasket_tcp_check_options(const GasketTcpOptions *options, GError **error)
{
    if (options->size == 0)
        return wrong(error, "a run needs at least one member");
    if (options->rank >= options->size)
        return wrong(error, "a rank must be less than the number of members");
    if (options->listen_fd < 0 && options->rank + 1 < options->size)
        return wrong(error, "every rank but the highest needs a listening socket");
    if (options->rank > 0 && (options->host == NULL || options->port == NULL))
        return wrong(error, "the addresses of the lower ranks are missing");
    if (options->connect_timeout_us < 0 || options->peer_timeout_us < 0)
        return wrong(error, "a timeout must not be negative");
    return true;
}

/* A numeric address and port. */
static bool
parse_address(const char *host, uint16_t port, struct sockaddr_storage *ret_address,
              socklen_t *ret_length, GError **error)
{
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    char service[8];
    g_snprintf(service, sizeof service, "%u", port);
    struct addrinfo *found = NULL;
    if (host == NULL || getaddrinfo(host, service, &hints, &found) != 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "'%s' is not a numeric address",
                    host != NULL ? host : "");
        return false;
    }
    memcpy(ret_address, found->ai_addr, found->ai_addrlen);
    *ret_length = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

static bool
is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *ip4 = (const struct sockaddr_in *)address;
        return ntohl(ip4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)address;
    return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&ip6->sin6_addr);
}

static bool
is_listening_on_loopback(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &length) == 0 && is_loopback(&address);
}

bool
gasket_tcp_resolve(const GasketTcpOptions *options, struct sockaddr_storage **ret_address,
                   socklen_t **ret_length, GError **error)
{
    g_autofree struct sockaddr_storage *address = g_new0(struct sockaddr_storage, options->size);
    g_autofree socklen_t *length = g_new0(socklen_t, options->size);
    bool all_loopback = options->listen_fd < 0 || is_listening_on_loopback(options->listen_fd);
    for (unsigned i = 0; i < options->size; i++) {
        bool is_dialled = i < options->rank;
        bool is_given = options->host != NULL && options->host[i] != NULL;
        if (!is_dialled && !(options->insecure && is_given))
            continue;
        uint16_t port = options->port != NULL ? options->port[i] : 0;
        if (!parse_address(options->host[i], port, &address[i], &length[i], error))
            return false;
        all_loopback = all_loopback && is_loopback(&address[i]);
    }
    if (options->insecure && !all_loopback)
        return wrong(error, "a run without a key must stay on loopback addresses");
    *ret_address = g_steal_pointer(&address);
    *ret_length = g_steal_pointer(&length);
    return true;
}

/* Connections that wait to be accepted. In a crowd some 200 a second are (transport_tcp_meet.c):
 * whoever stands at the queue's end must be let in before he gives up. */
#define MAX_OUTSIDE 256

static bool
io_failed(GError **error, const char *what)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "%s: %s", what, g_strerror(errno));
    return false;
}

bool
gasket_tcp_listen(const char *address, int *ret_fd, uint16_t *ret_port, GError **error)
{
    struct sockaddr_storage local;
    socklen_t length;
    g_autoptr(GError) bad = NULL;
    if (!parse_address(address != NULL ? address : "127.0.0.1", 0, &local, &length, &bad)) {
        g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_IO, bad->message);
        return false;
    }
    int fd = socket(local.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return io_failed(error, "a socket cannot be made");
    if (bind(fd, (const struct sockaddr *)&local, length) != 0 || listen(fd, MAX_OUTSIDE) != 0 ||
        getsockname(fd, (struct sockaddr *)&local, &length) != 0) {
        io_failed(error, "a socket cannot listen");
        close(fd);
        return false;
    }
    *ret_port = ntohs(local.ss_family == AF_INET ? ((struct sockaddr_in *)&local)->sin_port
                                                 : ((struct sockaddr_in6 *)&local)->sin6_port);
    *ret_fd = fd;
    return true;
}

bool
gasket_tcp_random_key(uint8_t key[GASKET_KEY_BYTES], uint8_t run_id[GASKET_RUN_ID_BYTES],
                      GError **error)
{
    uint8_t bytes[GASKET_KEY_BYTES + GASKET_RUN_ID_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "no random numbers: %s",
                    g_strerror(errno));
        return false;
    }
    memcpy(key, bytes, GASKET_KEY_BYTES);
    memcpy(run_id, bytes + GASKET_KEY_BYTES, GASKET_RUN_ID_BYTES);
    explicit_bzero(bytes, sizeof bytes);
    return true;
}
