/* What drives pv_upload and pv_download in tests: a blob store in memory, a device's table of chunks, and a
 * driver that finishes jobs, stores and fetches in a random order. */
#ifndef TESTS_UNIT_TRANSFER_RIG_H
#define TESTS_UNIT_TRANSFER_RIG_H

#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/file/download.h"
#include "core/file/upload.h"
#include "core/log/seal.h"
#include "tests/tap.h"

enum { RIG_BLOBS_MAX = 4096, RIG_CHUNKS_MAX = 4096, RIG_FILES_MAX = 512, RIG_WAITING_MAX = 160 };

struct rig_blob {
    struct pv_id16 name;
    uint8_t *p; /* NULL where the rig only counts */
    size_t n;
};

struct rig_input {
    const uint8_t *p; /* NULL: whatever lies in the buffers */
    uint64_t n;
};

struct rig_file {
    struct pv_upload_result result;
    struct pv_buf list;
    struct pv_buf refs; /* of its KEEP reports and its own */
    size_t keeps;
    bool done;
};

struct rig {
    uint64_t seed;
    struct pv_random random;
    void (*perform)(struct rig *rig, struct pv_bulk_job *job);
    void *bulk;
    bool counting; /* store no bytes */
    bool forgetting; /* keep no reports */
    uint64_t crash_after; /* steps; 0: never */

    size_t blob_count, chunk_count, found, sealed, opened, reads;
    struct rig_blob blobs[RIG_BLOBS_MAX];
    struct pv_chunk chunks[RIG_CHUNKS_MAX];
    struct rig_file files[RIG_FILES_MAX];
    struct pv_download_failure failure;
    bool bad_range;
};

__attribute__((unused)) static uint64_t rig_random(struct rig *rig)
{
    rig->seed += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = rig->seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void rig_fill(void *context, void *ret_bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) ((uint8_t *)ret_bytes)[i] = (uint8_t)(rig_random(context) >> 32);
}

static void rig_init(struct rig *rig, void (*perform)(struct rig *, struct pv_bulk_job *), void *bulk)
{
    memset(rig, 0, sizeof *rig);
    rig->seed = 42;
    rig->random = (struct pv_random){rig_fill, rig};
    rig->perform = perform;
    rig->bulk = bulk;
}

static void rig_forget_files(struct rig *rig)
{
    for (size_t i = 0; i < RIG_FILES_MAX; i++) {
        pv_buf_release(&rig->files[i].list);
        pv_buf_release(&rig->files[i].refs);
        rig->files[i] = (struct rig_file){0};
    }
}

static void rig_release(struct rig *rig)
{
    rig_forget_files(rig);
    for (size_t i = 0; i < rig->blob_count; i++) free(rig->blobs[i].p);
    rig->blob_count = 0;
    rig->chunk_count = 0;
}

static struct rig_blob *rig_blob(struct rig *rig, const struct pv_id16 *name)
{
    for (size_t i = rig->blob_count; i-- > 0;)
        if (pv_id16_equal(&rig->blobs[i].name, name)) return &rig->blobs[i];
    return NULL;
}

static bool rig_find(void *context, const struct pv_hash *sha256, uint32_t length, struct pv_chunk *ret_chunk)
{
    struct rig *rig = context;
    for (size_t i = 0; i < rig->chunk_count; i++) {
        if (!pv_hash_equal(&rig->chunks[i].sha256, sha256) || rig->chunks[i].length_bytes != length) continue;
        *ret_chunk = rig->chunks[i];
        rig->found++;
        return true;
    }
    return false;
}

static void rig_wrote(void *context, const struct pv_chunk *chunk)
{
    struct rig *rig = context;
    rig->sealed++;
    if (rig->chunk_count < RIG_CHUNKS_MAX) rig->chunks[rig->chunk_count++] = *chunk;
}

/* As after a crash: chunks whose blobs never reached the store are not known. */
__attribute__((unused)) static void rig_forget_unstored(struct rig *rig)
{
    size_t kept = 0;
    for (size_t i = 0; i < rig->chunk_count; i++)
        if (rig_blob(rig, &rig->chunks[i].blob)) rig->chunks[kept++] = rig->chunks[i];
    rig->chunk_count = kept;
}

static void rig_store(struct rig *rig, const struct pv_blob *blob)
{
    if (rig->blob_count == RIG_BLOBS_MAX || rig_blob(rig, &blob->name)) abort();
    struct rig_blob *to = &rig->blobs[rig->blob_count++];
    *to = (struct rig_blob){.name = blob->name, .n = blob->n};
    if (rig->counting) return;
    if (!(to->p = malloc(blob->n))) abort();
    memcpy(to->p, blob->p, blob->n);
}

static void rig_report(struct rig *rig, const struct pv_upload_step *step)
{
    struct rig_file *file = &rig->files[step->result.number];
    if (rig->forgetting) return;
    if (file->done) abort();
    if (!file->refs.max) pv_buf_init(&file->refs, 1 << 20);
    for (size_t i = 0; i < step->result.refs.n; i += 16) {
        struct pv_id16 name;
        memcpy(name.b, step->result.refs.p + i, 16);
        if (!rig_blob(rig, &name)) abort(); /* reported before it was stored */
    }
    pv_buf_append(&file->refs, step->result.refs.p, step->result.refs.n);
    file->keeps += step->kind == PV_UPLOAD_KEEP;
    if (step->kind == PV_UPLOAD_KEEP) return;
    file->result = step->result;
    pv_buf_init(&file->list, 1 << 20);
    pv_buf_append(&file->list, step->result.manifest.encoded.p, step->result.manifest.encoded.n);
    file->result.manifest.encoded = pv_buf_bytes(&file->list);
    file->done = true;
}

struct rig_waiting {
    size_t count;
    struct {
        struct pv_bulk_job *job;
        const struct pv_blob *blob;
        const struct pv_download_fetch *fetch;
    } at[RIG_WAITING_MAX];
};

static void rig_finish_one(struct rig *rig, struct rig_waiting *waiting, struct pv_upload *u)
{
    size_t i = (size_t)(rig_random(rig) % waiting->count);
    if (waiting->at[i].job) {
        rig->perform(rig, waiting->at[i].job);
        pv_upload_job_done(u, waiting->at[i].job);
    } else {
        rig_store(rig, waiting->at[i].blob);
        pv_upload_stored(u, waiting->at[i].blob);
    }
    waiting->at[i] = waiting->at[--waiting->count];
}

/* Put `count` files. OK, an error, or PV_ERR_OFFLINE where the rig crashed. */
static enum pv_err rig_upload(struct rig *rig, const struct pv_gear *gear, size_t slots,
                              const struct rig_input *inputs, size_t count)
{
    struct pv_upload_config config = {gear, &rig->random, slots, false, rig_find, rig_wrote, rig};
    struct pv_upload *u;
    struct pv_upload_step step;
    struct rig_waiting waiting = {0};
    size_t begun = 0;
    uint64_t at = 0, steps = 0, number = 0;
    enum pv_err err = pv_upload_new(&config, &u);
    if (err) return err;
    for (;;) {
        while (waiting.count && rig_random(rig) % 3 == 0) rig_finish_one(rig, &waiting, u);
        if (rig->crash_after && ++steps >= rig->crash_after) {
            err = PV_ERR_OFFLINE;
            break;
        }
        if ((err = pv_upload_next(u, &step)) || step.kind == PV_UPLOAD_END) break;
        if (step.kind == PV_UPLOAD_NEXT && begun == count) {
            pv_upload_finish(u);
        } else if (step.kind == PV_UPLOAD_NEXT) {
            if ((err = pv_upload_begin(u, &number))) break;
            if (number != begun++) abort();
            at = 0;
        } else if (step.kind == PV_UPLOAD_READ) {
            const struct rig_input *in = &inputs[begun - 1];
            uint64_t n = rig->counting ? step.space_bytes : 1 + rig_random(rig) % step.space_bytes;
            if (n > in->n - at) n = in->n - at;
            if (n && in->p) memcpy(step.space, in->p + at, (size_t)n);
            at += n;
            rig->reads++;
            if (n) pv_upload_read(u, (size_t)n);
            else pv_upload_read_end(u);
        } else if (step.kind == PV_UPLOAD_JOB || step.kind == PV_UPLOAD_STORE) {
            if (waiting.count == RIG_WAITING_MAX) abort();
            waiting.at[waiting.count].job = step.job;
            waiting.at[waiting.count++].blob = step.blob;
        } else if (step.kind == PV_UPLOAD_WAIT) {
            if (!waiting.count) abort();
            rig_finish_one(rig, &waiting, u);
        } else {
            rig_report(rig, &step);
        }
    }
    pv_upload_free(u);
    return err;
}

static struct pv_file rig_as_file(const struct rig_file *from)
{
    struct pv_file file = {
        .path = {1, {pv_bytes_of_string("f")}},
        .size_bytes = from->result.size_bytes,
        .has_sha256 = from->result.has_sha256,
        .sha256 = from->result.sha256,
        .manifest = from->result.manifest,
    };
    return file;
}

static void rig_fetch(struct rig *rig, struct pv_download *d, const struct pv_download_fetch *fetch)
{
    const struct rig_blob *blob = rig_blob(rig, &fetch->blob);
    uint32_t end = fetch->to_bytes;
    if (fetch->from_bytes % PV_PACK_RANGE_BYTES || end % PV_PACK_RANGE_BYTES || end <= fetch->from_bytes ||
        end > PV_LIMIT_BLOB_BYTES)
        rig->bad_range = true;
    if (blob && end > blob->n) end = (uint32_t)blob->n;
    size_t n = !blob || end < fetch->from_bytes ? 0 : end - fetch->from_bytes;
    if (n && blob->p) memcpy(fetch->p, blob->p + fetch->from_bytes, n);
    pv_download_fetched(d, fetch, n);
}

static void rig_finish_fetch(struct rig *rig, struct rig_waiting *waiting, struct pv_download *d)
{
    size_t i = (size_t)(rig_random(rig) % waiting->count);
    struct pv_bulk_job *job = waiting->at[i].job;
    if (job) {
        rig->perform(rig, job);
        pv_download_job_done(d, job);
    } else {
        rig_fetch(rig, d, waiting->at[i].fetch);
    }
    waiting->at[i] = waiting->at[--waiting->count];
}

static void rig_opened(void *context, const struct pv_chunk *chunk)
{
    struct rig *rig = context;
    rig->opened += rig_blob(rig, &chunk->blob) != NULL;
}

/* Get a file; compares what comes with `want` (unless that is NULL) and says in `ret_wrong` whether any byte
 * differed, whatever the verdict. */
static enum pv_err rig_download(struct rig *rig, const struct pv_file *file, size_t slots, const uint8_t *want,
                                uint64_t *ret_bytes, bool *ret_wrong)
{
    struct pv_download *d;
    struct pv_download_step step;
    struct rig_waiting waiting = {0};
    *ret_bytes = 0;
    *ret_wrong = false;
    enum pv_err err = pv_download_new(file, slots, &d);
    if (err) return err;
    rig->opened = 0;
    pv_download_tell_opened(d, rig_opened, rig);
    for (;;) {
        while (waiting.count && rig_random(rig) % 3 == 0) rig_finish_fetch(rig, &waiting, d);
        if ((err = pv_download_next(d, &step)) || step.kind == PV_DOWNLOAD_END) break;
        if (step.kind == PV_DOWNLOAD_BYTES) {
            bool over = *ret_bytes + step.bytes.n > file->size_bytes;
            if (over || (want && memcmp(want + *ret_bytes, step.bytes.p, step.bytes.n))) *ret_wrong = true;
            *ret_bytes += step.bytes.n;
        } else if (step.kind == PV_DOWNLOAD_WAIT) {
            if (!waiting.count) abort();
            rig_finish_fetch(rig, &waiting, d);
        } else {
            if (waiting.count == RIG_WAITING_MAX) abort();
            waiting.at[waiting.count].job = step.job;
            waiting.at[waiting.count++].fetch = step.fetch;
        }
    }
    rig->failure = (struct pv_download_failure){0};
    if (err) (void)pv_download_failed(d, &rig->failure);
    pv_download_free(d);
    return err;
}

/* Does file `number` come back as `want`? */
__attribute__((unused)) static bool rig_comes_back(struct rig *rig, size_t number, const struct rig_input *want,
                                                   size_t slots)
{
    struct pv_file file = rig_as_file(&rig->files[number]);
    struct pv_buf encoded;
    struct pv_cbor in;
    uint64_t n;
    bool wrong;
    pv_buf_init(&encoded, PV_LIMIT_PAYLOAD_BYTES);
    pv_file_put(&encoded, &file); /* through its bytes, as a reader gets it */
    if (encoded.err) abort();
    pv_cbor_init(&in, pv_buf_bytes(&encoded));
    pv_file_get(&in, &file);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) err = rig_download(rig, &file, slots, want->p, &n, &wrong);
    pv_buf_release(&encoded);
    return !err && n == want->n && !wrong;
}

#endif
