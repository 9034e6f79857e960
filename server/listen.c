/* The socket that the server listens on. */
#include "server/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static enum pv_err bind_address(const struct addrinfo *address, int *ret_socket)
{
    int on = 1;
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
    if (fd < 0) return PV_ERR_IO;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) || listen(fd, BACKLOG)) {
        enum pv_err err = errno == EADDRINUSE ? PV_ERR_CONFLICT : PV_ERR_IO;
        int saved = errno;
        close(fd);
        errno = saved;
        return err;
    }
    *ret_socket = fd;
    return PV_OK;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {0}};
    socklen_t n = sizeof address;
    if (getsockname(fd, &address.any, &n)) return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

enum pv_err pv_listen_open(const struct pv_config *config, int *ret_socket, uint16_t *ret_port,
                           char ret_why[static PV_CONFIG_WHY_MAX])
{
    char host[256], service[8];
    uint16_t port;
    int fd = -1;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
    enum pv_err err = pv_config_split_listen(config->listen, host, &port);
    if (err) return err;
    snprintf(service, sizeof service, "%u", port);
    int failed = getaddrinfo(host, service, &hints, &found);
    if (failed) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "there is no address %s: %s", host, gai_strerror(failed));
        return PV_ERR_USAGE;
    }
    err = bind_address(found, &fd);
    if (err == PV_ERR_CONFLICT)
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "port %u on %s is in use by another program: stop that one, or choose another with --listen", port, host);
    else if (err)
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "cannot listen on %.300s: %s", config->listen, strerrordesc_np(errno));
    freeaddrinfo(found);
    if (err) return err;
    *ret_socket = fd;
    *ret_port = port_of(fd);
    return PV_OK;
}
