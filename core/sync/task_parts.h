/* What the tasks of core/sync share: one pending request, one continuation, one message.  Private to core/sync. */
#ifndef PV_SYNC_TASK_PARTS_H
#define PV_SYNC_TASK_PARTS_H

#include "core/sync/room.h"
#include "core/sync/task.h"

/* Goes on with the answer to the pending request: asks again (pv_task_ask) or finishes (pv_task_finish). */
typedef enum pv_err pv_task_step(struct pv_task *task, const struct pv_response *response);

struct pv_task {
    struct pv_request request;
    bool waiting;                /* request is wanted */
    bool finished;
    struct pv_buf body;          /* the request's */
    pv_task_step *begin;         /* called once, with no response */
    pv_task_step *on_answer;
    bool takes_problems;         /* on_answer wants answers of 400 and above too */
    void (*release)(struct pv_task *task); /* frees what the embedding task owns, not the task */
    char message[256];
    uint64_t done, total;
};

/* Prepare the embedded task of a zeroed, malloc'd object whose first member it is. */
void pv_task_init(struct pv_task *task, pv_task_step *begin, void (*release)(struct pv_task *task));
/* Want a request; the body is what stands in task->body. */
PV_MUST_USE enum pv_err pv_task_ask(struct pv_task *task, enum pv_method method, enum pv_auth auth,
                                    size_t max_response_bytes, pv_task_step *on_answer, const char *path_format, ...)
    __attribute__((format(printf, 6, 7)));
enum pv_err pv_task_finish(struct pv_task *task);
/* Set the message and return `err`. */
enum pv_err pv_task_error(struct pv_task *task, enum pv_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The error that a problem answer stands for, its detail as the message. */
enum pv_err pv_task_problem(struct pv_task *task, const struct pv_response *response);

/* ---- KEM keys of a room, by their hashes (kem_keys.c) */

enum { PV_KEM_ASK_MAX = 512 };
PV_MUST_USE enum pv_err pv_kem_keys_ask(struct pv_task *task, const struct pv_room *room, const struct pv_hash *asked,
                                        size_t count, pv_task_step *on_answer);
/* Keep those of the answer that are what they were asked for by; the others count as missing. `ret_count`: how many came. */
PV_MUST_USE enum pv_err pv_kem_keys_take(struct pv_task *task, struct pv_room *room, const struct pv_hash *asked, size_t count,
                                         const struct pv_response *response, size_t *ret_count);
/* Of those asked for, keep in `asked` what the server has no key for. `ret_count`: how many these are. */
PV_MUST_USE enum pv_err pv_kem_keys_lacked(struct pv_task *task, struct pv_hash *asked, size_t count,
                                           const struct pv_response *response, size_t *ret_count);

#endif
