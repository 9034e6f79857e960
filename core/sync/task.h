/* Work that needs a server, as step functions: a task says which request it wants, is fed the answer, and goes on.
 *
 * The driver owns sockets, clock and retries:
 *
 *     while (pv_task_next(task, &request) == PV_OK && request)
 *         err = pv_task_feed(task, &response)        with the answer to `request`
 *
 * When a request cannot be made (no network), the driver frees the task and may begin it again at any time: all that
 * matters is in the room's store. */
#ifndef PV_SYNC_TASK_H
#define PV_SYNC_TASK_H

#include "core/base/bytes.h"
#include "core/base/limits.h"

enum pv_method { PV_GET, PV_POST, PV_PUT, PV_DELETE };
enum pv_auth { PV_AUTH_NONE, PV_AUTH_SESSION, PV_AUTH_TICKET };

struct pv_request {
    enum pv_method method;
    char path[256];                /* "/v1/…", with its query */
    enum pv_auth auth;
    struct pv_bytes body;          /* borrowed until the next call on the task */
    size_t max_response_bytes;
    const char *registration;      /* value of Privity-Registration, or NULL */
};

struct pv_response {
    unsigned status;               /* HTTP status */
    struct pv_bytes body;
    enum pv_err problem;           /* for status >= 400: the problem's code (pv_err_from_web_name) */
    const char *problem_detail;    /* one line for the user, or "" */
    const char *problem_reason;    /* or "" */
};

struct pv_task;

/* The request it wants now, NULL when the task is done. `request` stays valid until the next call. */
PV_MUST_USE enum pv_err pv_task_next(struct pv_task *task, const struct pv_request **ret_request);
/* Errors end the task: DENIED, BROKEN_CHAIN, FORK, BAD_SIG, … with pv_task_message for the user. */
PV_MUST_USE enum pv_err pv_task_feed(struct pv_task *task, const struct pv_response *response);
/* One line about the error: what and why; "" if there is nothing to add to pv_err_text. */
const char *pv_task_message(const struct pv_task *task);
/* How far it is, for progress: done of total (total 0: unknown). */
void pv_task_progress(const struct pv_task *task, uint64_t *ret_done, uint64_t *ret_total);
void pv_task_free(struct pv_task *task);

#endif
