/* Guarding the HTTP library's connections. */
#include "server/http_guard.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    BYTES_PER_S = 2048, /* no slower may a body come or an answer go, the time for a head apart */
    PRESSED_BYTES_PER_S = 128 * 1024, /* while memory is scarce, those that hold some */
    PRESSED_MS = 10 * 1000
};

enum pv_err pv_http_guard_init(struct pv_http_guard *guard, const struct pv_config *config, struct pv_metrics *metrics)
{
    bool told = config->connections_address != PV_CONNECTIONS_DEFAULT;
    *guard = (struct pv_http_guard){.proxies = config->proxies, .metrics = metrics, .head_ms = config->head_s * 1000,
                                    .spares_loopback = !told};
    return pv_connections_new(told ? config->connections_address : PV_CONNECTIONS_ADDRESS, &guard->connections);
}

void pv_http_guard_release(struct pv_http_guard *guard)
{
    pv_connections_free(guard->connections);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct said {
    const char *name;
    char text[PV_PEER_HEADER_BYTES];
    size_t n;
};

/* All lines of one header; of what is too long the end, from a whole hop on: that is what proxies added last. */
static enum MHD_Result join_lines(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct said *said = context;
    (void)kind;
    if (!name || !value || strcasecmp(name, said->name) != 0) return MHD_YES;
    size_t n = strlen(value);
    if (said->n + n + 2 > sizeof said->text) {
        const char *keep = n < sizeof said->text / 2 ? value : strchr(value + n - sizeof said->text / 2, ',');
        said->n = 0;
        if (!keep) return MHD_YES;
        value = keep;
        n = strlen(value);
    }
    if (said->n) said->text[said->n++] = ',';
    memcpy(said->text + said->n, value, n + 1);
    said->n += n;
    return MHD_YES;
}

void pv_http_guard_address(const struct pv_http_guard *guard, struct MHD_Connection *connection,
                           char ret_text[static PV_PEER_TEXT_BYTES])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct pv_address address;
    pv_address_of(info ? info->client_addr : NULL, &address);
    if (pv_proxies_trust(&guard->proxies, &address)) {
        struct said said = {.name = pv_proxies_header(&guard->proxies)};
        MHD_get_connection_values(connection, MHD_HEADER_KIND, join_lines, &said);
        pv_proxies_client(&guard->proxies, &address, said.text, &address);
    }
    pv_address_text(&address, ret_text);
}

static struct pv_connection *connection_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static struct pv_deadline sends_by(uint64_t until_ms)
{
    return (struct pv_deadline){until_ms, until_ms};
}

/* Trusted proxies bring many clients: they are not counted, nor is what came by a local socket. */
enum MHD_Result pv_http_guard_arrival(void *context, const struct sockaddr *socket_address, socklen_t n)
{
    struct pv_http_guard *guard = context;
    struct pv_address address;
    (void)n;
    pv_address_of(socket_address, &address);
    bool free_of_limits = !address.known || pv_proxies_trust(&guard->proxies, &address) ||
                          (guard->spares_loopback && pv_address_is_loopback(&address));
    if (free_of_limits || pv_connections_admit(guard->connections, &address)) return MHD_YES;
    PV_METRIC_ADD(guard->metrics, connections_refused, 1);
    return MHD_NO;
}

void pv_http_guard_connection(void *context, struct MHD_Connection *connection, void **socket_state,
                              enum MHD_ConnectionNotificationCode what)
{
    struct pv_http_guard *guard = context;
    if (what != MHD_CONNECTION_NOTIFY_STARTED) {
        pv_connections_remove(guard->connections, *socket_state);
        *socket_state = NULL;
        PV_METRIC_ADD(guard->metrics, connections, -1);
        return;
    }
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct pv_address address;
    pv_address_of(peer ? peer->client_addr : NULL, &address);
    if (fd) *socket_state = pv_connections_add(guard->connections, &address, fd->connect_fd, sends_by(now_ms() + guard->head_ms));
    PV_METRIC_ADD(guard->metrics, connections, 1);
}

void pv_http_guard_expect(struct pv_http_guard *guard, struct MHD_Connection *connection, uint64_t bytes, bool holds)
{
    uint64_t now = now_ms(), pressed_ms = guard->head_ms < PRESSED_MS ? guard->head_ms : PRESSED_MS;
    struct pv_deadline deadline = sends_by(now + guard->head_ms + bytes * 1000 / BYTES_PER_S);
    if (holds) deadline.pressed_ms = now + pressed_ms + bytes * 1000 / PRESSED_BYTES_PER_S;
    pv_connections_expect(guard->connections, connection_of(connection), deadline);
}

void pv_http_guard_wait(struct pv_http_guard *guard, struct MHD_Connection *connection)
{
    pv_connections_expect(guard->connections, connection_of(connection), sends_by(UINT64_MAX));
}

void pv_http_guard_rest(struct pv_http_guard *guard, struct MHD_Connection *connection, unsigned idle_s)
{
    pv_connections_expect(guard->connections, connection_of(connection), sends_by(now_ms() + idle_s * 1000ull + guard->head_ms));
}

void pv_http_guard_sweep(struct pv_http_guard *guard, bool pressed)
{
    size_t cut = pv_connections_sweep(guard->connections, now_ms(), pressed);
    if (cut) PV_METRIC_ADD(guard->metrics, connections_cut, cut);
}
