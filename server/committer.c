/* Group commit: the batch step, the thread that gathers batches, and the thread that hands out answers meanwhile. */
#include "server/committer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/events.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/work.h"

enum {
    BATCH_ENTRIES_MAX = 4096,
    CROWD = 4,             /* so many answered by one batch are likely to ask again at once */
    WINDOW_MAX_US = 2000,
    STACK_BYTES = 1024 * 1024
};

struct pv_committer {
    struct pv_server *server;
    struct pv_room_cache *cache;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct pv_job *first, **last;
    size_t queued, target; /* jobs that wait, and how many are worth waiting for */
    uint64_t window_us;    /* how long */
    /* Waking a batch's writers takes as long as a tenth of its commit: the next one does not wait for that. */
    pthread_t answerer;
    pthread_cond_t answered;
    struct pv_job *ready, **ready_last;
    bool running, answering, stopping, ended;
};

/* ---- jobs */

enum pv_err pv_job_new(enum pv_job_kind kind, size_t count, struct pv_job **ret_job)
{
    struct pv_job *job = calloc(1, sizeof *job);
    if (!job) return PV_ERR_NOMEM;
    job->kind = kind;
    job->items = calloc(count + 1, sizeof *job->items);
    job->placed = calloc(count + 1, sizeof *job->placed);
    if (!job->items || !job->placed) {
        pv_job_free(job);
        return PV_ERR_NOMEM;
    }
    job->count = count;
    *ret_job = job;
    return PV_OK;
}

void pv_job_free(struct pv_job *job)
{
    if (!job) return;
    for (size_t i = 0; i < job->count && job->items; i++) {
        struct pv_kept_beside *kept = job->items[i].kept;
        if (!kept) continue;
        pv_beside_release(&kept->beside);
        free(kept->leaves);
        free(kept);
    }
    free(job->items);
    free(job->placed);
    free(job);
}

/* ---- a batch */

struct batch {
    struct pv_committer *committer;
    struct pv_work *works;
    struct pv_meta_append *appends; /* one a work; entry_count 0: nothing for the store */
    size_t count;
    uint64_t now_ms;
};

static struct pv_work *work_for(struct batch *batch, struct pv_job *job)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->works[i].state || !pv_hash_equal(&batch->works[i].state->row.id, &job->room)) continue;
        job->work = i;
        return &batch->works[i];
    }
    struct pv_work *work = &batch->works[batch->count];
    enum pv_err err = pv_work_open(work, batch->committer->server, batch->committer->cache, &job->room, job->founds,
                                   batch->now_ms);
    if (err) {
        pv_work_release(work);
        job->refused = true;
        if (err == PV_ERR_CORRUPT)
            pv_problem(job->response, err, "room", "this server's store is damaged: what it has of the room contradicts itself");
        else if (err == PV_ERR_NOT_FOUND) pv_problem(job->response, err, NULL, "no such room here");
        else pv_problem_of(job->response, err);
        return NULL;
    }
    job->work = batch->count++;
    return work;
}

static void judge(struct batch *batch, struct pv_job *job)
{
    struct pv_work *work = work_for(batch, job);
    if (!work) return;
    switch (job->kind) {
    case PV_JOB_APPEND: pv_work_append(work, job); break;
    case PV_JOB_RELEASE: pv_work_release_gate(work, job); break;
    case PV_JOB_EXPIRE: pv_work_expire(work, job); break;
    case PV_JOB_RENEW: pv_work_renew(work, job); break;
    }
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Bring every room's gains to the store in one transaction. */
static void store(struct batch *batch)
{
    struct pv_server *server = batch->committer->server;
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct pv_work *work = &batch->works[i];
        batch->appends[i] = (struct pv_meta_append){0};
        if (!work->err && work->count) work->err = pv_work_close(work, &batch->appends[i]);
    }
    /* The store takes a dense list. */
    struct pv_meta_append *dense = calloc(batch->count + 1, sizeof *dense);
    size_t *from = calloc(batch->count + 1, sizeof *from);
    for (size_t i = 0; i < batch->count; i++) {
        if (!dense || !from) batch->works[i].err = PV_ERR_NOMEM;
        if (batch->works[i].err || !batch->works[i].count) continue;
        from[count] = i;
        dense[count++] = batch->appends[i];
    }
    uint64_t began = now_us();
    enum pv_err err = count ? server->meta->ops->append(server->meta, dense, count) : PV_OK;
    if (count) {
        PV_METRIC_ADD(server->metrics, commits, 1);
        PV_METRIC_ADD(server->metrics, commit_microseconds, now_us() - began);
    }
    for (size_t k = 0; k < count; k++) {
        struct pv_work *work = &batch->works[from[k]];
        batch->appends[from[k]] = dense[k];
        work->err = err ? err : dense[k].ret_err;
    }
    free(dense);
    free(from);
}

static void publish(struct batch *batch, struct pv_work *work)
{
    struct pv_server *server = batch->committer->server;
    size_t count;
    if (!server->events || !pv_events_any(server->events)) return;
    const struct pv_room_device *devices = pv_roster_devices(work->state->roster, &count);
    struct pv_hash *ids = malloc((count + 1) * sizeof *ids);
    if (!ids) return; /* a hint is lost; clients also look on their own */
    for (size_t i = 0; i < count; i++) ids[i] = devices[i].id;
    size_t told = pv_events_publish(server->events, &work->state->row.id, work->state->row.size, ids, count);
    PV_METRIC_ADD(server->metrics, events, told);
    free(ids);
}

static void count_entries(const struct pv_server *server, const struct pv_work *work)
{
    size_t rejected = 0;
    for (size_t i = 0; i < work->count; i++) rejected += work->pending[i].verdict == PV_REJECTED;
    PV_METRIC_ADD(server->metrics, entries, work->count);
    PV_METRIC_ADD(server->metrics, entries_rejected, rejected);
}

/* ---- answers */

static enum pv_err read_note(struct pv_server *server, const struct pv_work *work, struct pv_buf *note)
{
    uint64_t size;
    if (!work->count) return server->meta->ops->note(server->meta, work->state->row.no, note, &size);
    pv_buf_append(note, work->note.p, work->note.n);
    return note->err;
}

static void answer_append(struct pv_server *server, struct pv_work *work, struct pv_job *job)
{
    struct pv_buf *body = &job->response->body;
    struct pv_buf note;
    uint8_t memory[PV_LIMIT_NOTE_BYTES];
    pv_buf_init_fixed(&note, memory, sizeof memory);
    enum pv_err err = read_note(server, work, &note);
    if (err) {
        pv_problem_of(job->response, err);
        return;
    }
    pv_cbor_put_array(body, 2);
    pv_cbor_put_array(body, job->count);
    for (size_t i = 0; i < job->count; i++) {
        const char *reason = pv_reason_name((enum pv_reason)job->placed[i].reason);
        pv_cbor_put_array(body, 3);
        pv_cbor_put_uint(body, job->placed[i].index);
        pv_cbor_put_uint(body, job->placed[i].verdict);
        pv_cbor_put_text(body, reason, strlen(reason));
    }
    pv_cbor_put_bytes(body, note.p, note.n);
    pv_answer(job->response, PV_TYPE_CBOR);
    PV_METRIC_ADD(server->metrics, appends, 1);
}

static void answer_failure(struct pv_work *work, struct pv_job *job)
{
    switch ((int)work->err) {
    case PV_ERR_CONFLICT:
        pv_problem(job->response, PV_ERR_CONFLICT, "size", "the room has grown meanwhile: try again");
        break;
    case PV_ERR_NOT_FOUND:
        pv_problem(job->response, PV_ERR_CONFLICT, "refs", "the entry names a blob that is not here");
        break;
    case PV_ERR_DENIED:
        pv_problem(job->response, PV_ERR_DENIED, "registration",
                   "the registration code or invite is not good here: mistyped, used up or expired");
        break;
    case PV_ERR_EXPIRED:
        pv_problem(job->response, PV_ERR_EXPIRED, "spent", "this gate has released all that it may, or was revoked");
        break;
    case PV_ERR_FULL:
        pv_problem(job->response, PV_ERR_FULL, NULL, "the server's disk is full; nothing was taken");
        break;
    default: pv_problem_of(job->response, work->err);
    }
}

static void answer(struct batch *batch, struct pv_job *job)
{
    struct pv_server *server = batch->committer->server;
    if (job->refused) return;
    struct pv_work *work = &batch->works[job->work];
    if (work->err) {
        answer_failure(work, job);
        return;
    }
    if (job->kind == PV_JOB_APPEND) answer_append(server, work, job);
    if (job->kind == PV_JOB_RELEASE) {
        pv_answer(job->response, PV_TYPE_CBOR); /* its body was made before */
        PV_METRIC_ADD(server->metrics, releases, 1);
    }
    if (job->kind == PV_JOB_EXPIRE) job->response->status = 204;
    if (job->kind == PV_JOB_RENEW) {
        enum pv_err err = read_note(server, work, &job->response->body);
        if (err) pv_problem_of(job->response, err);
        else pv_answer(job->response, PV_TYPE_TEXT);
    }
}

/* Failures that may be one job's own fault, so that the room's other jobs deserve another try. */
static bool may_retry(const struct pv_work *work)
{
    return work->err == PV_ERR_CONFLICT || work->err == PV_ERR_NOT_FOUND || work->err == PV_ERR_DENIED ||
           work->err == PV_ERR_EXPIRED;
}

static void reset_job(struct pv_job *job)
{
    job->refused = false;
    memset(job->placed, 0, job->count * sizeof *job->placed);
}

/* After the commit: what is at hand matches the store again, or is dropped. */
static void settle(struct batch *batch)
{
    struct pv_room_cache *cache = batch->committer->cache;
    for (size_t i = 0; i < batch->count; i++) {
        struct pv_work *work = &batch->works[i];
        if (!work->err && work->count) {
            pv_work_committed(work, &batch->appends[i]);
            if (work->has_before) pv_room_cache_weigh(cache, work->state);
            count_entries(batch->committer->server, work);
            if (work->registration != PV_REGISTRATION_NONE)
                PV_LOG(PV_LOG_INFO, "account made", PV_LOG_TEXT("person", pv_log_id(work->state->row.id.b).text));
            publish(batch, work);
        }
    }
}

static void drop_failed(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct pv_work *work = &batch->works[i];
        if (work->err || (work->state->row.no == 0 && work->count == 0))
            pv_room_cache_drop(batch->committer->cache, work->state);
        pv_work_release(work);
    }
}

static void run_batch(struct pv_committer *committer, struct pv_job *jobs, size_t count, bool alone)
{
    struct batch batch = {.committer = committer, .now_ms = pv_server_now_ms(committer->server)};
    batch.works = calloc(count, sizeof *batch.works);
    batch.appends = calloc(count, sizeof *batch.appends);
    if (!batch.works || !batch.appends) {
        for (struct pv_job *job = jobs; job; job = job->next) pv_problem_of(job->response, PV_ERR_NOMEM);
        free(batch.works);
        free(batch.appends);
        return;
    }
    for (struct pv_job *job = jobs; job; job = job->next) judge(&batch, job);
    store(&batch);
    settle(&batch);
    bool *retry = alone ? NULL : calloc(count, sizeof *retry);
    for (struct pv_job *job = jobs; job; job = job->next)
        if (!retry || job->refused || !may_retry(&batch.works[job->work])) answer(&batch, job);
    for (size_t i = 0; retry && i < batch.count; i++) retry[i] = may_retry(&batch.works[i]);
    drop_failed(&batch);
    free(batch.works);
    free(batch.appends);
    /* One at a time, so that each gets its own answer. */
    for (struct pv_job *job = jobs; job && retry; job = job->next) {
        if (job->refused || !retry[job->work]) continue;
        struct pv_job *after = job->next;
        job->next = NULL;
        reset_job(job);
        run_batch(committer, job, 1, true);
        job->next = after;
    }
    free(retry);
}

void pv_committer_step(struct pv_committer *committer, struct pv_job *jobs)
{
    size_t count = 0;
    for (struct pv_job *job = jobs; job; job = job->next) count++;
    if (count) run_batch(committer, jobs, count, count == 1);
    pv_room_cache_trim(committer->cache);
}

/* ---- the thread */

enum pv_err pv_committer_new(struct pv_server *server, struct pv_committer **ret_committer)
{
    struct pv_committer *committer = calloc(1, sizeof *committer);
    if (!committer) return PV_ERR_NOMEM;
    committer->server = server;
    committer->last = &committer->first;
    committer->ready_last = &committer->ready;
    enum pv_err err = pv_room_cache_new(server, &committer->cache);
    if (err) {
        free(committer);
        return err;
    }
    pthread_mutex_init(&committer->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&committer->wanted, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&committer->answered, NULL);
    *ret_committer = committer;
    return PV_OK;
}

void pv_committer_free(struct pv_committer *committer)
{
    if (!committer) return;
    pv_room_cache_free(committer->cache);
    pthread_mutex_destroy(&committer->lock);
    pthread_cond_destroy(&committer->wanted);
    pthread_cond_destroy(&committer->answered);
    free(committer);
}

/* Writers that were just answered come back within a fraction of what a commit takes: one sync for all of them is
 * cheaper than one for those who happen to be here and another for the rest. */
static void await_crowd(struct pv_committer *committer)
{
    uint64_t end_us = now_us() + committer->window_us;
    struct timespec until = {.tv_sec = (time_t)(end_us / 1000000), .tv_nsec = (long)(end_us % 1000000) * 1000};
    while (committer->queued < committer->target && !committer->stopping)
        if (pthread_cond_timedwait(&committer->wanted, &committer->lock, &until)) break;
    committer->target = 0;
}

/* After a batch of `answered` jobs that took `took_us`. */
static void expect_crowd(struct pv_committer *committer, size_t answered, uint64_t took_us)
{
    pthread_mutex_lock(&committer->lock);
    size_t crowd = committer->queued + answered;
    committer->target = answered >= CROWD ? crowd - crowd / 8 : 0;
    committer->window_us = took_us / 3 < WINDOW_MAX_US ? took_us / 3 : WINDOW_MAX_US;
    pthread_mutex_unlock(&committer->lock);
}

/* Everything that waits, up to a bound; NULL when the end has come. */
static struct pv_job *gather(struct pv_committer *committer)
{
    size_t entries = 0, count = 0;
    pthread_mutex_lock(&committer->lock);
    while (!committer->first && !committer->stopping) pthread_cond_wait(&committer->wanted, &committer->lock);
    if (committer->queued < committer->target) await_crowd(committer);
    struct pv_job *jobs = committer->first, *last = NULL;
    for (struct pv_job *job = jobs; job && (!last || entries + job->count <= BATCH_ENTRIES_MAX); job = job->next) {
        entries += job->count;
        last = job;
        count++;
    }
    committer->first = last ? last->next : NULL;
    if (!committer->first) committer->last = &committer->first;
    if (last) last->next = NULL;
    committer->queued -= count;
    pthread_mutex_unlock(&committer->lock);
    PV_METRIC_ADD(committer->server->metrics, queue, -(int64_t)count);
    return jobs;
}

/* Hand over what is committed; NULL: no more will come. */
static void put_ready(struct pv_committer *committer, struct pv_job *jobs)
{
    pthread_mutex_lock(&committer->lock);
    *committer->ready_last = jobs;
    while (*committer->ready_last) committer->ready_last = &(*committer->ready_last)->next;
    committer->ended = !jobs;
    pthread_cond_signal(&committer->answered);
    pthread_mutex_unlock(&committer->lock);
}

static struct pv_job *take_ready(struct pv_committer *committer)
{
    pthread_mutex_lock(&committer->lock);
    while (!committer->ready && !committer->ended) pthread_cond_wait(&committer->answered, &committer->lock);
    struct pv_job *jobs = committer->ready;
    committer->ready = NULL;
    committer->ready_last = &committer->ready;
    pthread_mutex_unlock(&committer->lock);
    return jobs;
}

static void *run_commits(void *context)
{
    struct pv_committer *committer = context;
    struct pv_job *jobs;
    while ((jobs = gather(committer))) {
        size_t answered = 0;
        uint64_t began = now_us();
        pv_committer_step(committer, jobs);
        for (struct pv_job *job = jobs; job; job = job->next) answered++;
        put_ready(committer, jobs);
        expect_crowd(committer, answered, now_us() - began);
    }
    put_ready(committer, NULL);
    return NULL;
}

static void *run_answers(void *context)
{
    struct pv_committer *committer = context;
    struct pv_job *jobs;
    while ((jobs = take_ready(committer))) {
        while (jobs) {
            struct pv_job *next = jobs->next;
            jobs->done(jobs);
            jobs = next;
        }
    }
    return NULL;
}

enum pv_err pv_committer_start(struct pv_committer *committer)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    committer->running = pthread_create(&committer->thread, &attr, run_commits, committer) == 0;
    if (committer->running) committer->answering = pthread_create(&committer->answerer, &attr, run_answers, committer) == 0;
    pthread_attr_destroy(&attr);
    return committer->answering ? PV_OK : PV_ERR_NOMEM;
}

void pv_committer_submit(struct pv_committer *committer, struct pv_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&committer->lock);
    bool late = committer->stopping;
    if (!late) {
        *committer->last = job;
        committer->last = &job->next;
        PV_METRIC_ADD(committer->server->metrics, queue, 1);
        committer->queued++;
        if (committer->queued == 1 || committer->queued >= committer->target) pthread_cond_signal(&committer->wanted);
    }
    pthread_mutex_unlock(&committer->lock);
    if (!late) return;
    pv_problem(job->response, PV_ERR_OFFLINE, NULL, "the server is stopping");
    job->done(job);
}

void pv_committer_stop(struct pv_committer *committer)
{
    pthread_mutex_lock(&committer->lock);
    committer->stopping = true;
    pthread_cond_signal(&committer->wanted);
    pthread_mutex_unlock(&committer->lock);
    if (committer->running) pthread_join(committer->thread, NULL);
    if (committer->answering) pthread_join(committer->answerer, NULL);
    committer->running = committer->answering = false;
}
