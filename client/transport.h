/* HTTP to one server: a kept-alive connection that drives core/sync's tasks, and the event stream.
 *
 * Redirects are refused, TLS is verified, proxies follow the usual environment variables, every answer has a
 * maximum. What is not an answer of privityd (HTML, an error without problem details, a body cut short) becomes
 * OFFLINE or IO with a line that says so. */
#ifndef PV_CLIENT_TRANSPORT_H
#define PV_CLIENT_TRANSPORT_H

#include "client/report.h"
#include "core/sync/task.h"

struct pv_transport;

/* `server_url`: scheme://host[:port]. Errors: USAGE (not such a URL), NOMEM. */
PV_MUST_USE enum pv_err pv_transport_new(const char *server_url, struct pv_transport **ret_transport,
                                         struct pv_report *report);
void pv_transport_free(struct pv_transport *transport);
const char *pv_transport_url(const struct pv_transport *transport);

/* From now on all requests together may take this long; 0: no limit but the usual one for a connection (10 s)
 * and for a server that sends next to nothing (30 s). */
void pv_transport_set_deadline(struct pv_transport *transport, uint64_t milliseconds);
/* Secrets, copied; NULL forgets. A ticket goes beside the session: a joiner is no member yet. */
PV_MUST_USE enum pv_err pv_transport_set_session(struct pv_transport *transport, const char *token);
PV_MUST_USE enum pv_err pv_transport_set_ticket(struct pv_transport *transport, const char *ticket);

/* A request of the client's own (blobs, verify). The response's body and texts are borrowed until the next call.
 *   extra_header  "Name: value" or NULL
 * Errors: OFFLINE (no answer, or none of a privityd), NOMEM. A status >= 400 is no error here. */
PV_MUST_USE enum pv_err pv_transport_send(struct pv_transport *transport, const struct pv_request *request,
                                          const char *extra_header, struct pv_response *ret_response,
                                          struct pv_report *report);
/* The error of a response with status >= 400, said for a person. */
enum pv_err pv_transport_refused(const struct pv_response *response, const char *what, struct pv_report *report);

/* Sees each answer before the task does. ret_again: send the request once more, which the session on this transport has
 * changed for. It may use the transport: `response` is gone then. Errors end the task. */
typedef enum pv_err pv_transport_renew(void *context, const struct pv_request *request, const struct pv_response *response,
                                       bool *ret_again, struct pv_report *report);
/* Drive a task to its end. A request that repeats safely is tried again, twice, after a lost connection.
 *   renew  NULL: none
 * Errors: the task's, the transport's, or renew's. */
PV_MUST_USE enum pv_err pv_transport_run(struct pv_transport *transport, struct pv_task *task, pv_transport_renew *renew,
                                         void *renew_context, struct pv_report *report);

/* ---- the event stream, on a connection of its own */
struct pv_events;
PV_MUST_USE enum pv_err pv_events_open(struct pv_transport *transport, struct pv_events **ret_events,
                                       struct pv_report *report);
void pv_events_close(struct pv_events *events);
/* Wait at most `milliseconds`. ret_hint: something happened in some room. Errors: OFFLINE (the stream ended). */
PV_MUST_USE enum pv_err pv_events_wait(struct pv_events *events, unsigned milliseconds, bool *ret_hint);

#endif
