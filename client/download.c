/* The download's driver: fetches ranges of blobs, runs jobs, hands on verified bytes. */
#include <stdio.h>
#include <string.h>

#include "client/bulk.h"
#include "client/transfer.h"

enum { SLOTS = 4, THREADS = 2 };

struct download {
    struct pv_get *get;
    struct pv_report *report;
    struct pv_download *steps;
    struct pv_bulk_pool *pool;
    uint64_t done_bytes;
};

/* What of the answer lies in the range asked for; a server may answer with the whole blob. */
static size_t take_range(const struct pv_download_fetch *fetch, const struct pv_response *response)
{
    size_t from = response->status == 206 ? 0 : fetch->from_bytes, wanted = fetch->to_bytes - fetch->from_bytes;
    size_t n = response->body.n > from ? response->body.n - from : 0;
    if (n > wanted) n = wanted;
    if (n) memcpy(fetch->p, response->body.p + from, n);
    return n;
}

static enum pv_err refused(struct download *down, const struct pv_download_fetch *fetch, const struct pv_response *response)
{
    char name[33];
    pv_hex_encode(fetch->blob.b, sizeof fetch->blob.b, name);
    if (response->status == 404)
        return pv_report(down->report, PV_ERR_NOT_FOUND, "%s: the server does not have blob %s any more", down->get->label, name);
    if (response->status == 416) /* shorter than what the manifest says */
        return PV_OK;
    return pv_transport_refused(response, down->get->label, down->report);
}

static enum pv_err fetch(struct download *down, const struct pv_download_fetch *fetch)
{
    char room[65], name[33], range[64];
    struct pv_request request = {.method = PV_GET, .auth = PV_AUTH_SESSION, .max_response_bytes = PV_LIMIT_BLOB_BYTES + 1};
    struct pv_response response = {.status = 0};
    enum pv_err err;

    pv_hex_encode(down->get->room->id.b, 32, room);
    pv_hex_encode(fetch->blob.b, sizeof fetch->blob.b, name);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/blobs/%s", room, name);
    snprintf(range, sizeof range, "Range: bytes=%u-%u", fetch->from_bytes, fetch->to_bytes - 1);
    err = pv_contact_send(down->get->session, down->get->room, &request, range, &response, down->report);
    if (err != PV_OK) return err;
    if (response.status >= 400) {
        err = refused(down, fetch, &response);
        if (err == PV_OK) pv_download_fetched(down->steps, fetch, 0);
        return err;
    }
    pv_download_fetched(down->steps, fetch, take_range(fetch, &response));
    return PV_OK;
}

static enum pv_err deliver(struct download *down, struct pv_bytes bytes)
{
    struct pv_get *get = down->get;
    enum pv_err err = get->bytes(get->context, bytes);
    down->done_bytes += bytes.n;
    if (err == PV_OK && get->progress.show) get->progress.show(get->progress.context, down->done_bytes, get->file->size_bytes);
    return err;
}

/* Name what does not verify. */
static enum pv_err say_failure(struct download *down, enum pv_err err)
{
    struct pv_download_failure failure;
    char blob[33];
    if (!pv_download_failed(down->steps, &failure)) return err;
    pv_hex_encode(failure.blob.b, sizeof failure.blob.b, blob);
    if (pv_err_exit_status(err) != 4) err = PV_ERR_BROKEN_CHAIN;
    if (failure.whole)
        return pv_report(down->report, err, "%s: its bytes are not those that its author signed", down->get->label);
    return pv_report(down->report, err, "%s: %s %llu (at byte %llu, blob %s) is not what its author signed", down->get->label,
                     failure.page ? "manifest page" : "chunk", (unsigned long long)failure.index,
                     (unsigned long long)failure.position_bytes, blob);
}

static enum pv_err drive(struct download *down)
{
    for (;;) {
        struct pv_download_step step;
        struct pv_bulk_job *job = pv_bulk_pool_take(down->pool);
        enum pv_err err;
        if (job) pv_download_job_done(down->steps, job);
        err = pv_download_next(down->steps, &step);
        if (err != PV_OK) return say_failure(down, err);
        switch (step.kind) {
        case PV_DOWNLOAD_FETCH: err = fetch(down, step.fetch); break;
        case PV_DOWNLOAD_JOB: pv_bulk_pool_submit(down->pool, step.job); break;
        case PV_DOWNLOAD_BYTES: err = deliver(down, step.bytes); break;
        case PV_DOWNLOAD_WAIT:
            job = pv_bulk_pool_wait(down->pool);
            if (job) pv_download_job_done(down->steps, job);
            break;
        case PV_DOWNLOAD_END: return PV_OK;
        }
        if (err != PV_OK) return err;
    }
}

enum pv_err pv_transfer_get(struct pv_get *get, struct pv_report *report)
{
    struct download down = {.get = get, .report = report};
    enum pv_err err = pv_bulk_pool_new(get->file->size_bytes > PV_LIMIT_CHUNK_AVG_BYTES ? THREADS : 0, &down.pool);

    if (err == PV_OK) err = pv_download_new(get->file, SLOTS, &down.steps);
    if (err == PV_OK) err = drive(&down);
    if (down.pool) pv_bulk_pool_free(down.pool);
    if (down.steps) pv_download_free(down.steps);
    return pv_report_default(report, err, get->label);
}
