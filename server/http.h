/* The HTTP driver: sockets, threads and libmicrohttpd in front of the router. */
#ifndef PV_SERVER_HTTP_H
#define PV_SERVER_HTTP_H

#include "server/config.h"

struct pv_http;

/* Bind the address of the configuration; the port taken is told, so that the server can name itself before it
 * answers. `ret_why`: a sentence. Errors: USAGE (no such address), CONFLICT (in use), IO. */
PV_MUST_USE enum pv_err pv_http_bind(const struct pv_config *config, int *ret_socket, uint16_t *ret_port,
                                     char ret_why[static PV_CONFIG_WHY_MAX]);
/* Answer requests on the socket, which is the driver's from now on. Errors: IO, NOMEM. */
PV_MUST_USE enum pv_err pv_http_start(struct pv_server *server, const struct pv_config *config, int listener,
                                      struct pv_http **ret_http, char ret_why[static PV_CONFIG_WHY_MAX]);
/* Take no more connections, end event streams, wait until requests in work are answered, at most `grace_ms`. */
void pv_http_drain(struct pv_http *http, unsigned grace_ms);
/* After the committer has stopped. */
void pv_http_free(struct pv_http *http);

#endif
