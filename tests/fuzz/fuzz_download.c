/* Fetching a file whose page is hostile though it opens and matches its hash, as a malicious member would make
 * it: the first eight bytes say the span, the rest is the page. Never more than the file's size comes out. */
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/file/download.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void serve(struct pv_download *d, const struct pv_download_fetch *fetch, struct pv_bytes page,
                  const struct pv_id16 *page_blob)
{
    size_t n = fetch->to_bytes - fetch->from_bytes;
    if (n > PV_LIMIT_BLOB_BYTES) abort();
    memset(fetch->p, 0, n);
    if (pv_id16_equal(&fetch->blob, page_blob) && page.n <= n) memcpy(fetch->p, page.p, page.n);
    pv_download_fetched(d, fetch, n);
}

/* A cipher that changes nothing and a tag that is always zero. */
static void perform(struct pv_bulk_job *job)
{
    pv_sha256(pv_bytes(job->in.p, job->in.n - PV_CHUNK_TAG_BYTES), &job->sha256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t span;
    if (size < sizeof span + 1 || size > PV_LIMIT_CHUNK_MAX_BYTES) return 0;
    memcpy(&span, data, sizeof span);
    span &= PV_LIMIT_FILE_BYTES - 1;
    if (span == 0) return 0;
    struct pv_bytes page = pv_bytes(data + sizeof span, size - sizeof span);
    struct pv_chunk ref = {.length_bytes = (uint32_t)page.n, .span_bytes = span, .blob = {{0xff}}};
    pv_sha256(page, &ref.sha256);
    struct pv_buf list;
    pv_buf_init(&list, 4096);
    pv_chunk_put(&list, &ref, true);
    struct pv_file file = {.size_bytes = span, .manifest = {true, 1, pv_buf_bytes(&list)}};

    struct pv_download *d;
    struct pv_download_step step;
    if (pv_download_new(&file, 2, &d)) abort();
    enum pv_err err;
    uint64_t given = 0;
    while (!(err = pv_download_next(d, &step))) {
        if (step.kind == PV_DOWNLOAD_FETCH) {
            serve(d, step.fetch, page, &ref.blob);
        } else if (step.kind == PV_DOWNLOAD_JOB) {
            perform(step.job);
            pv_download_job_done(d, step.job);
        } else if (step.kind == PV_DOWNLOAD_BYTES) {
            if (step.bytes.n == 0 || step.bytes.n > span - given) abort();
            given += step.bytes.n;
        } else {
            break;
        }
    }
    if (!err && given != span) abort();
    struct pv_download_failure failure;
    if (err && err != PV_ERR_NOMEM && !pv_download_failed(d, &failure)) abort();
    pv_download_free(d);
    pv_buf_release(&list);
    return 0;
}
