/* What the two drivers, request and event stream, share of libcurl. Private to client/. */
#ifndef PV_CLIENT_TRANSPORT_CURL_H
#define PV_CLIENT_TRANSPORT_CURL_H

#include <curl/curl.h>

#include "client/transport.h"

/* URL and the options that every handle has. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_transport_prepare(CURL *curl, const struct pv_transport *transport, const char *path);
/* End a transfer whose head and trailers grow beyond all reason; counted in `head_bytes`, which lives as long. */
void pv_transport_limit_head(CURL *curl, size_t *head_bytes);
/* NULL: out of memory. Holds tokens: give back by pv_transport_free_headers. */
struct curl_slist *pv_transport_headers(const struct pv_transport *transport, const struct pv_request *request,
                                        const char *extra_header);
void pv_transport_free_headers(struct curl_slist *list);

#endif
