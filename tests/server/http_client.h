/* A small blocking HTTP client for tests: one keep-alive connection, no library, every failure an error. */
#ifndef TESTS_SERVER_HTTP_CLIENT_H
#define TESTS_SERVER_HTTP_CLIENT_H

#include "core/base/bytes.h"

struct http_client {
	const char *host; /* numeric */
	uint16_t port;
	int fd; /* -1: not connected */
	char head[4096];
};

void http_client_init(struct http_client *client, const char *host, uint16_t port);
void http_client_close(struct http_client *client);
/* `headers`: whole lines, each with its CRLF, or "". The body of the answer replaces `answer`'s.
 * Errors: OFFLINE: no connection, or it broke; the client connects again with the next request. */
PV_MUST_USE enum pv_err http_client_ask(struct http_client *client, const char *method, const char *target,
					const char *headers, struct pv_bytes body, unsigned *ret_status,
					struct pv_buf *answer);

#endif
