/* The upload's driver: reads files, runs jobs on workers, stores blobs, remembers chunks for the next time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/bulk.h"
#include "client/system.h"
#include "client/transfer.h"

enum {
    SLOTS = 8,
    THREADS = 2,
    CHUNK_VALUE_MAX = 256,
    CHUNK_NAME_BYTES = 80,
    /* The server keeps an unreferenced blob for seven days: before that it need not be asked. */
    TRUST_MS = 5 * 24 * 3600 * 1000
};

struct upload {
    struct pv_put *put;
    struct pv_report *report;
    struct pv_upload *steps;
    struct pv_bulk_pool *pool;
    size_t next; /* source to begin */
    int fd;
    uint64_t read_bytes; /* of the current source */
    uint64_t done_bytes, total_bytes;
    bool to_outbox; /* the server cannot be reached */
    struct pv_chunk *pending; /* got a place in a blob that is not stored yet */
    size_t pending_count, pending_cap;
};

/* ---- chunks that this device has stored, by their plaintext's hash, in the room's encrypted database */

static void chunk_name(const struct pv_hash *sha256, char ret_name[static CHUNK_NAME_BYTES])
{
    char hex[65];
    pv_hex_encode(sha256->b, sizeof sha256->b, hex);
    snprintf(ret_name, CHUNK_NAME_BYTES, PV_STORE_CHUNKS "%s", hex);
}

static enum pv_err remember(struct upload *up, const struct pv_chunk *chunk)
{
    uint8_t memory[CHUNK_VALUE_MAX];
    char name[CHUNK_NAME_BYTES];
    struct pv_buf value;
    enum pv_err err;

    pv_buf_init_fixed(&value, memory, sizeof memory);
    pv_cbor_put_uint(&value, pv_system_now_ms());
    pv_chunk_put(&value, chunk, false);
    chunk_name(&chunk->sha256, name);
    err = value.err ? value.err : pv_store_value_set(up->put->room->store, name, pv_buf_bytes(&value));
    pv_wipe(memory, sizeof memory);
    return err;
}

/* Ask whether a blob still stands there. */
static bool server_has(struct upload *up, const struct pv_id16 *blob)
{
    char hex[65], name[33];
    struct pv_request request = {.method = PV_GET, .auth = PV_AUTH_SESSION, .max_response_bytes = 1 << 16};
    struct pv_response response;
    struct pv_report ignored;

    if (up->to_outbox) return true;
    pv_hex_encode(up->put->room->id.b, 32, hex);
    pv_hex_encode(blob->b, sizeof blob->b, name);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/blobs/%s", hex, name);
    return pv_contact_send(up->put->session, up->put->room, &request, "Range: bytes=0-0", &response, &ignored) == PV_OK &&
           response.status < 300;
}

static bool find(void *context, const struct pv_hash *sha256, uint32_t length_bytes, struct pv_chunk *ret_chunk)
{
    struct upload *up = context;
    uint8_t memory[CHUNK_VALUE_MAX];
    char name[CHUNK_NAME_BYTES];
    struct pv_chunk_list list = {.count = 1};
    struct pv_chunk chunk;
    struct pv_buf value;
    struct pv_cbor in;
    uint64_t time_ms, now_ms = pv_system_now_ms(), restored_ms = 0;
    bool found;

    if (length_bytes < PV_LIMIT_CHUNK_MIN_BYTES) return false;
    pv_buf_init_fixed(&value, memory, sizeof memory);
    chunk_name(sha256, name);
    if (pv_store_value_get(up->put->room->store, name, &value) != PV_OK) return false;
    pv_cbor_init(&in, pv_buf_bytes(&value));
    time_ms = pv_cbor_get_uint(&in, PV_LIMIT_N);
    list.encoded = pv_cbor_get_item(&in);
    found = pv_cbor_finish(&in) == PV_OK && pv_chunk_list_next(&list, &chunk) && chunk.length_bytes == length_bytes &&
            pv_hash_equal(&chunk.sha256, sha256);
    if (found && pv_store_number_get(up->put->room->store, PV_CONTACT_RESTORED, 0, &restored_ms) != PV_OK) found = false;
    if (found && (now_ms < time_ms || now_ms - time_ms > TRUST_MS || time_ms <= restored_ms)) {
        found = server_has(up, &chunk.blob);
        if (found && remember(up, &chunk) != PV_OK) found = false;
    }
    if (found) *ret_chunk = chunk;
    pv_wipe(memory, sizeof memory);
    pv_wipe(&chunk, sizeof chunk);
    return found;
}

static void wrote(void *context, const struct pv_chunk *chunk)
{
    struct upload *up = context;
    if (chunk->length_bytes < PV_LIMIT_CHUNK_MIN_BYTES) return;
    if (up->pending_count == up->pending_cap) {
        size_t cap = up->pending_cap ? up->pending_cap * 2 : 16;
        struct pv_chunk *grown = calloc(cap, sizeof *grown);
        if (!grown) return; /* only costs the next put some work */
        if (up->pending_count) memcpy(grown, up->pending, up->pending_count * sizeof *grown);
        pv_wipe(up->pending, up->pending_cap * sizeof *grown);
        free(up->pending);
        up->pending = grown;
        up->pending_cap = cap;
    }
    up->pending[up->pending_count++] = *chunk;
}

static enum pv_err remember_blob(struct upload *up, const struct pv_id16 *blob)
{
    struct pv_store *store = up->put->room->store;
    enum pv_err err = PV_OK;
    bool begun = false;

    for (size_t i = 0; i < up->pending_count && err == PV_OK;) {
        if (!pv_id16_equal(&up->pending[i].blob, blob)) {
            i++;
            continue;
        }
        if (!begun) err = pv_store_begin(store);
        begun = err == PV_OK;
        if (begun) err = remember(up, &up->pending[i]);
        up->pending[i] = up->pending[--up->pending_count];
    }
    if (!begun) return err;
    if (err == PV_OK) return pv_store_commit(store);
    pv_store_rollback(store);
    return err;
}

/* ---- blobs */

static enum pv_err send_blob(struct upload *up, const struct pv_blob *blob)
{
    char room[65], name[33];
    struct pv_request request = {.method = PV_PUT, .auth = PV_AUTH_SESSION, .body = pv_bytes(blob->p, blob->n)};
    struct pv_response response;
    enum pv_err err;

    pv_hex_encode(up->put->room->id.b, 32, room);
    pv_hex_encode(blob->name.b, sizeof blob->name.b, name);
    snprintf(request.path, sizeof request.path, "/v1/rooms/%s/blobs/%s", room, name);
    err = pv_contact_send(up->put->session, up->put->room, &request, NULL, &response, up->report);
    if (err != PV_OK) return err;
    return response.status < 300 ? PV_OK : pv_transport_refused(&response, up->put->room->label, up->report);
}

static enum pv_err store_blob(struct upload *up, const struct pv_blob *blob)
{
    enum pv_err err = PV_OK;
    if (!up->to_outbox) {
        err = send_blob(up, blob);
        /* Offline: what follows goes to the outbox too. A room that the server does not have yet is made by the push. */
        up->to_outbox = err == PV_ERR_OFFLINE || err == PV_ERR_NOT_FOUND || err == PV_ERR_UNAUTHENTICATED;
        if (err != PV_OK && !up->to_outbox) return err;
    }
    if (up->to_outbox) {
        err = pv_store_blob_add(up->put->room->store, &blob->name, pv_bytes(blob->p, blob->n));
        if (err != PV_OK) return pv_session_room_error(up->put->session, up->put->room, err, up->report);
    }
    err = remember_blob(up, &blob->name);
    if (err != PV_OK) return pv_session_room_error(up->put->session, up->put->room, err, up->report);
    return PV_OK;
}

/* ---- files */

static enum pv_err report_source(struct upload *up, const char *path, const char *verb)
{
    enum pv_err err = pv_home_errno(errno);
    return pv_report(up->report, err == PV_ERR_DENIED ? PV_ERR_IO : err, "cannot %s %s: %s", verb, path, strerror(errno));
}

static enum pv_err begin(struct upload *up)
{
    struct pv_put_source *source;
    uint64_t number;

    if (up->next == up->put->source_count) {
        pv_upload_finish(up->steps);
        return PV_OK;
    }
    source = &up->put->sources[up->next++];
    up->read_bytes = 0;
    up->fd = open(source->local, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (up->fd < 0 || fstat(up->fd, &source->stat) != 0) return report_source(up, source->local, "open");
    if (!S_ISREG(source->stat.st_mode))
        return pv_report(up->report, PV_ERR_USAGE, "%s is no plain file", source->local);
    if ((uint64_t)source->stat.st_size > PV_LIMIT_FILE_BYTES) /* before hours are spent on reading it */
        return pv_report(up->report, PV_ERR_LIMIT, "%s is larger than a room takes", source->local);
    return pv_upload_begin(up->steps, &number);
}

/* One that grows as fast as it is read would never end. */
static enum pv_err check_end(const struct upload *up)
{
    const struct pv_put_source *source = &up->put->sources[up->next - 1];
    uint64_t told = (uint64_t)source->stat.st_size;
    if (told && up->read_bytes > told)
        return pv_report(up->report, PV_ERR_CONFLICT, "%s changed while it was read: it grew, and nothing of it was put; put it again when nobody "
                         "writes to it, or put a copy", source->local);
    if (!told && up->read_bytes > PV_LIMIT_FILE_UNTOLD_BYTES)
        return pv_report(up->report, PV_ERR_LIMIT, "%s does not tell its size, and had no end after %llu MiB: nothing of it was put; put a copy of the "
                         "part that you need", source->local, PV_LIMIT_FILE_UNTOLD_BYTES >> 20);
    return PV_OK;
}

static enum pv_err read_some(struct upload *up, const struct pv_upload_step *step)
{
    ssize_t got;
    do got = read(up->fd, step->space, step->space_bytes);
    while (got < 0 && errno == EINTR);
    if (got < 0) return report_source(up, up->put->sources[up->next - 1].local, "read");
    if (got == 0) {
        pv_upload_read_end(up->steps);
        close(up->fd);
        up->fd = -1;
        return PV_OK;
    }
    up->read_bytes += (uint64_t)got;
    enum pv_err err = check_end(up);
    if (err != PV_OK) return err;
    pv_upload_read(up->steps, (size_t)got);
    up->done_bytes += (uint64_t)got;
    if (up->put->progress.show) up->put->progress.show(up->put->progress.context, up->done_bytes, up->total_bytes);
    return PV_OK;
}

static void take_job(struct upload *up, bool wait)
{
    struct pv_bulk_job *job = wait ? pv_bulk_pool_wait(up->pool) : pv_bulk_pool_take(up->pool);
    if (job) pv_upload_job_done(up->steps, job);
}

static enum pv_err perform(struct upload *up, const struct pv_upload_step *step)
{
    struct pv_put *put = up->put;
    enum pv_err err = PV_OK;
    switch (step->kind) {
    case PV_UPLOAD_NEXT: return begin(up);
    case PV_UPLOAD_READ: return read_some(up, step);
    case PV_UPLOAD_JOB: pv_bulk_pool_submit(up->pool, step->job); break;
    case PV_UPLOAD_STORE:
        err = store_blob(up, step->blob);
        if (err == PV_OK) pv_upload_stored(up->steps, step->blob);
        break;
    case PV_UPLOAD_KEEP: return put->keep(put->context, (size_t)step->result.number, step->result.refs);
    case PV_UPLOAD_FILE: return put->done(put->context, (size_t)step->result.number, &step->result);
    case PV_UPLOAD_WAIT: take_job(up, true); break;
    case PV_UPLOAD_END: break;
    }
    return err;
}

static enum pv_err drive(struct upload *up)
{
    for (;;) {
        struct pv_upload_step step;
        enum pv_err err;
        take_job(up, false);
        err = pv_upload_next(up->steps, &step);
        if (err == PV_ERR_LIMIT)
            return pv_report(up->report, err, "%s is larger than a room takes", up->put->sources[up->next ? up->next - 1 : 0].local);
        if (err == PV_OK && step.kind == PV_UPLOAD_END) return PV_OK;
        if (err == PV_OK) err = perform(up, &step);
        if (err != PV_OK) return err;
    }
}

static uint64_t total_size(const struct pv_put *put)
{
    struct stat st;
    uint64_t total = 0;
    for (size_t i = 0; i < put->source_count; i++)
        if (stat(put->sources[i].local, &st) == 0 && S_ISREG(st.st_mode)) total += (uint64_t)st.st_size;
    return total;
}

enum pv_err pv_transfer_put(struct pv_put *put, struct pv_report *report)
{
    struct pv_gear gear;
    struct upload up = {.put = put, .report = report, .fd = -1, .total_bytes = total_size(put), .to_outbox = put->session->offline};
    struct pv_upload_config config = {&gear, &pv_system_random, SLOTS, false, find, wrote, &up};
    enum pv_err err;

    pv_gear_derive(put->secret, &gear);
    err = pv_bulk_pool_new(THREADS, &up.pool);
    if (err == PV_OK) err = pv_upload_new(&config, &up.steps);
    if (err == PV_OK) err = drive(&up);
    if (up.to_outbox) put->session->kept = true;
    if (up.pool) pv_bulk_pool_free(up.pool);
    if (up.steps) pv_upload_free(up.steps);
    if (up.fd >= 0) close(up.fd);
    if (up.pending) pv_wipe(up.pending, up.pending_cap * sizeof *up.pending);
    free(up.pending);
    pv_wipe(&gear, sizeof gear);
    return pv_report_default(report, err, put->room->label);
}
