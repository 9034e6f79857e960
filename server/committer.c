/* Group commit: the queue, the thread that gathers batches, and the thread that hands out answers meanwhile. */
#include "server/committer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/batch.h"
#include "server/metrics.h"

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
    pv_wipe(&job->half, sizeof job->half);
    free(job);
}

void pv_committer_step(struct pv_committer *committer, struct pv_job *jobs)
{
    pv_batch_run(committer->server, committer->cache, jobs);
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

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
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
