/* The batch step of group commit: judge every job, sign each room's checkpoint, store all in one transaction, answer. */
#include "server/batch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/events.h"
#include "server/heads.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/signer.h"
#include "server/work.h"

struct batch {
    struct pv_server *server;
    struct pv_room_cache *cache;
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
    enum pv_err err = pv_work_open(work, batch->server, batch->cache, &job->room, job->founds,
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
    case PV_JOB_GATE: break; /* once the batch is stored: it may end the gate's invite */
    case PV_JOB_RELEASE: pv_work_release_gate(work, job); break;
    case PV_JOB_EXPIRE: pv_work_expire(work, job); break;
    case PV_JOB_DROP: break; /* once the batch is stored */
    case PV_JOB_RENEW: pv_work_renew(work, job); break;
    case PV_JOB_RESTORE: pv_work_restore(work, job); break;
    }
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* What every room gains, with the checkpoints of all signed in one go. */
static void close_works(struct batch *batch)
{
    size_t count = 0;
    struct pv_ask_note *asks = malloc((batch->count + 1) * sizeof *asks);
    struct pv_made_note *made = malloc((batch->count + 1) * sizeof *made);
    enum pv_err err = asks && made ? PV_OK : PV_ERR_NOMEM;
    for (size_t i = 0; i < batch->count; i++) {
        struct pv_work *work = &batch->works[i];
        batch->appends[i] = (struct pv_meta_append){0};
        if (work->err || !work->count) continue;
        work->err = err ? err : pv_work_close(work, &batch->appends[i], &asks[count]);
        if (!work->err && !work->given_back) count++;
    }
    if (count) err = pv_signer_notes(batch->server->signer, asks, count, made);
    for (size_t i = 0, k = 0; i < batch->count; i++) {
        struct pv_work *work = &batch->works[i];
        if (!work->err && work->count && !work->given_back) work->err = pv_work_signed(work, err, &made[k++], &batch->appends[i]);
    }
    free(asks);
    free(made);
}

/* Bring every room's gains to the store in one transaction. */
static void store(struct batch *batch)
{
    struct pv_server *server = batch->server;
    size_t count = 0;
    close_works(batch);
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
    struct pv_server *server = batch->server;
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
    struct pv_server *server = batch->server;
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
    if (job->kind == PV_JOB_GATE) pv_work_put_gate(work, job);
    if (job->kind == PV_JOB_RESTORE) pv_work_restored(work, job);
    if (job->kind == PV_JOB_DROP) pv_work_drop(work);
    if (job->kind == PV_JOB_EXPIRE || job->kind == PV_JOB_DROP) job->response->status = 204;
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
    struct pv_room_cache *cache = batch->cache;
    for (size_t i = 0; i < batch->count; i++) {
        struct pv_work *work = &batch->works[i];
        if (!work->err && work->count) {
            pv_work_committed(work, &batch->appends[i]);
            if (work->has_before) pv_room_cache_weigh(cache, work->state);
            count_entries(batch->server, work);
            if (work->registration != PV_REGISTRATION_NONE)
                PV_LOG(PV_LOG_INFO, "account made", PV_LOG_TEXT("person", pv_log_id(work->state->row.id.b).text));
            publish(batch, work);
            if (batch->server->heads) pv_heads_grew(batch->server->heads, work->state->row.no, batch->appends[i].note);
        }
    }
}

static void drop_failed(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct pv_work *work = &batch->works[i];
        if (work->err || (work->state->row.no == 0 && work->count == 0))
            pv_room_cache_drop(batch->cache, work->state);
        pv_work_release(work);
    }
}

static void run(struct pv_server *server, struct pv_room_cache *cache, struct pv_job *jobs, size_t count, bool alone)
{
    struct batch batch = {.server = server, .cache = cache, .now_ms = pv_server_now_ms(server)};
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
        run(server, cache, job, 1, true);
        job->next = after;
    }
    free(retry);
}

void pv_batch_run(struct pv_server *server, struct pv_room_cache *cache, struct pv_job *jobs)
{
    size_t count = 0;
    for (struct pv_job *job = jobs; job; job = job->next) count++;
    if (count) run(server, cache, jobs, count, count == 1);
    pv_room_cache_trim(cache);
}
