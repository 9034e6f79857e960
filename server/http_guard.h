/* The HTTP library's connections: where each comes from, how many of one address, how slowly each may send. */
#ifndef PV_SERVER_HTTP_GUARD_H
#define PV_SERVER_HTTP_GUARD_H

#include <microhttpd.h>

#include "server/config.h"
#include "server/connections.h"
#include "server/metrics.h"

struct pv_http_guard {
    struct pv_proxies proxies;
    struct pv_connections *connections;
    struct pv_metrics *metrics;
    uint64_t head_ms;
    bool spares_loopback;
};

PV_MUST_USE enum pv_err pv_http_guard_init(struct pv_http_guard *guard, const struct pv_config *config,
                                           struct pv_metrics *metrics);
void pv_http_guard_release(struct pv_http_guard *guard);

/* Callbacks of the library; `context` is the guard. */
enum MHD_Result pv_http_guard_arrival(void *context, const struct sockaddr *socket_address, socklen_t n);
void pv_http_guard_connection(void *context, struct MHD_Connection *connection, void **socket_state,
                              enum MHD_ConnectionNotificationCode what);

/* The client's address as text, by the word of a trusted proxy where one stands before us. */
void pv_http_guard_address(const struct pv_http_guard *guard, struct MHD_Connection *connection,
                           char ret_text[static PV_PEER_TEXT_BYTES]);
/* So many bytes must come, or be taken, within their time, which is shorter for such as hold memory while that is scarce. */
void pv_http_guard_expect(struct pv_http_guard *guard, struct MHD_Connection *connection, uint64_t bytes, bool holds);
/* Nothing is awaited for now. */
void pv_http_guard_wait(struct pv_http_guard *guard, struct MHD_Connection *connection);
/* A request is over; the next one may be `idle_s` away. */
void pv_http_guard_rest(struct pv_http_guard *guard, struct MHD_Connection *connection, unsigned idle_s);
/* Cut connections that are late; `pressed`: memory is scarce. */
void pv_http_guard_sweep(struct pv_http_guard *guard, bool pressed);

#endif
