/* The HTTP driver: sockets, threads and libmicrohttpd in front of the router. */
#ifndef PV_SERVER_HTTP_H
#define PV_SERVER_HTTP_H

#include "server/config.h"
#include "server/tls_files.h"

struct pv_http;

/* Answer requests on the socket, which is the driver's from now on, over TLS if there are files for it; they are not
 * needed any more when it returns. Errors: IO, NOMEM. */
PV_MUST_USE enum pv_err pv_http_start(struct pv_server *server, const struct pv_config *config, int listener,
                                      const struct pv_tls_files *files, struct pv_http **ret_http, char ret_why[static PV_CONFIG_WHY_MAX]);
/* Cut connections that are late with what they send; now and then. */
void pv_http_sweep(struct pv_http *http);
/* Take no more connections, end event streams, wait until requests in work are answered, at most `grace_ms`, or until
 * `is_hurried` (NULL: never) says so. */
void pv_http_drain(struct pv_http *http, unsigned grace_ms, bool (*is_hurried)(void));
/* After the committer has stopped. */
void pv_http_free(struct pv_http *http);

#endif
