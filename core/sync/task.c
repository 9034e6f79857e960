/* The frame of every task: ask, be fed, go on. */
#include "core/sync/task.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/sync/task_parts.h"

enum { REQUEST_BODY_MAX = PV_LIMIT_BATCH_BYTES + 1024 * 1024 };

void pv_task_init(struct pv_task *task, pv_task_step *begin, void (*release)(struct pv_task *task))
{
    *task = (struct pv_task){.begin = begin, .release = release};
    pv_buf_init(&task->body, REQUEST_BODY_MAX);
}

enum pv_err pv_task_ask(struct pv_task *task, enum pv_method method, enum pv_auth auth, size_t max_response_bytes,
                        pv_task_step *on_answer, const char *path_format, ...)
{
    if (task->body.err) return task->body.err;
    va_list args;
    va_start(args, path_format);
    int n = vsnprintf(task->request.path, sizeof task->request.path, path_format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof task->request.path) return PV_ERR_LIMIT;
    task->request.method = method;
    task->request.auth = auth;
    task->request.max_response_bytes = max_response_bytes;
    task->request.body = pv_buf_bytes(&task->body);
    task->on_answer = on_answer;
    task->takes_problems = false;
    task->waiting = true;
    return PV_OK;
}

enum pv_err pv_task_finish(struct pv_task *task)
{
    task->finished = true;
    return PV_OK;
}

enum pv_err pv_task_error(struct pv_task *task, enum pv_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(task->message, sizeof task->message, format, args);
    va_end(args);
    return err;
}

enum pv_err pv_task_problem(struct pv_task *task, const struct pv_response *response)
{
    enum pv_err err = response->problem ? response->problem : PV_ERR_IO;
    /* What a server says of its own trouble is no finding of ours about integrity, nor a refusal. */
    if (pv_err_exit_status(err) == 4) err = PV_ERR_IO;
    if (response->status >= 500 && (!response->problem || err == PV_ERR_DENIED)) err = PV_ERR_OFFLINE;
    return pv_task_error(task, err, "the server says: %s",
                         response->problem_detail && *response->problem_detail ? response->problem_detail : pv_err_text(err));
}

enum pv_err pv_task_next(struct pv_task *task, const struct pv_request **ret_request)
{
    if (task->begin) {
        pv_task_step *begin = task->begin;
        task->begin = NULL;
        enum pv_err err = begin(task, NULL);
        if (err) return err;
    }
    *ret_request = task->waiting && !task->finished ? &task->request : NULL;
    return PV_OK;
}

enum pv_err pv_task_feed(struct pv_task *task, const struct pv_response *response)
{
    if (!task->waiting) return PV_ERR_USAGE;
    task->waiting = false;
    task->request.registration = NULL;
    pv_buf_wipe(&task->body);
    if (response->status >= 400 && !task->takes_problems) return pv_task_problem(task, response);
    if (response->body.n > task->request.max_response_bytes)
        return pv_task_error(task, PV_ERR_IO, "the answer is larger than any right one: is it a privity server?");
    return task->on_answer(task, response);
}

const char *pv_task_message(const struct pv_task *task)
{
    return task->message;
}

void pv_task_progress(const struct pv_task *task, uint64_t *ret_done, uint64_t *ret_total)
{
    *ret_done = task->done;
    *ret_total = task->total;
}

void pv_task_free(struct pv_task *task)
{
    if (!task) return;
    if (task->release) task->release(task);
    pv_buf_wipe(&task->body);
    free(task);
}
