/* How fast files go through chunking, hashing and sealing, beside what the processor can do at most. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/bulk.h"
#include "core/crypto/hash.h"
#include "core/file/download.h"
#include "core/file/upload.h"

enum { DATA_BYTES = 512 << 20, PIECE_BYTES = 1 << 20, ROUNDS = 3 };

static uint8_t *data, *sealed; /* DATA_BYTES and a place to put a copy */
static struct pv_gear gear;
static struct pv_bulk bulk;

static uint64_t seed;

static void fill(void *context, void *ret_bytes, size_t n)
{
    (void)context;
    uint8_t *p = ret_bytes;
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(seed >> 56);
    }
}

static const struct pv_random randomness = {fill, NULL};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- what the processor does ---------------------------------------------------------------------------- */

static void run_copy(size_t unused)
{
    (void)unused;
    for (size_t at = 0; at < DATA_BYTES; at += PIECE_BYTES) memcpy(sealed + at, data + at, PIECE_BYTES);
}

static void run_sha256(size_t unused)
{
    (void)unused;
    struct pv_hash hash;
    for (size_t at = 0; at < DATA_BYTES; at += PIECE_BYTES) pv_sha256(pv_bytes(data + at, PIECE_BYTES), &hash);
}

static void run_gcm(size_t unused)
{
    (void)unused;
    static const uint8_t key[32], nonce[12];
    static uint8_t out[PIECE_BYTES + PV_CHUNK_TAG_BYTES];
    for (size_t at = 0; at < DATA_BYTES; at += PIECE_BYTES)
        if (pv_bulk_aes256gcm_seal(&bulk, key, nonce, pv_bytes(NULL, 0), pv_bytes(data + at, PIECE_BYTES), out))
            abort();
}

/* --- what we do ----------------------------------------------------------------------------------------- */

static void run_chunker(size_t unused)
{
    (void)unused;
    struct pv_chunker chunker;
    bool cut;
    pv_chunker_init(&chunker, &gear);
    for (size_t at = 0; at < DATA_BYTES;)
        at += pv_chunker_feed(&chunker, pv_bytes(data + at, DATA_BYTES - at), &cut);
}

/* One upload's blobs, for the download. */
static struct {
    size_t count;
    struct pv_id16 name[DATA_BYTES / PV_LIMIT_CHUNK_MIN_BYTES + 64];
    uint8_t *at[DATA_BYTES / PV_LIMIT_CHUNK_MIN_BYTES + 64];
    size_t n[DATA_BYTES / PV_LIMIT_CHUNK_MIN_BYTES + 64];
    struct pv_file file;
    struct pv_buf list;
} store;

static bool keep_blobs;

static void store_blob(const struct pv_blob *blob)
{
    if (!keep_blobs) return;
    uint8_t *p = malloc(blob->n);
    if (!p) abort();
    memcpy(p, blob->p, blob->n);
    store.name[store.count] = blob->name;
    store.at[store.count] = p;
    store.n[store.count++] = blob->n;
}

static void take_file(const struct pv_upload_result *result)
{
    pv_buf_init(&store.list, PV_LIMIT_PAYLOAD_BYTES);
    pv_buf_append(&store.list, result->manifest.encoded.p, result->manifest.encoded.n);
    store.file.size_bytes = result->size_bytes;
    store.file.manifest = result->manifest;
    store.file.manifest.encoded = pv_buf_bytes(&store.list);
}

static void run_upload(size_t threads)
{
    struct pv_upload_config config = {&gear, &randomness, 8 + 2 * threads, false, NULL, NULL, NULL};
    struct pv_bulk_pool *pool;
    struct pv_upload *u;
    struct pv_upload_step step;
    uint64_t number;
    size_t at = 0;
    bool begun = false;
    if (pv_bulk_pool_new(threads, &pool) || pv_upload_new(&config, &u)) abort();
    enum pv_err err;
    while (!(err = pv_upload_next(u, &step)) && step.kind != PV_UPLOAD_END) {
        struct pv_bulk_job *job = NULL;
        if (step.kind == PV_UPLOAD_NEXT) {
            if (begun) pv_upload_finish(u);
            else if (pv_upload_begin(u, &number)) abort();
            begun = true;
        } else if (step.kind == PV_UPLOAD_READ) {
            size_t n = step.space_bytes < DATA_BYTES - at ? step.space_bytes : DATA_BYTES - at;
            memcpy(step.space, data + at, n);
            at += n;
            if (n) pv_upload_read(u, n);
            else pv_upload_read_end(u);
        } else if (step.kind == PV_UPLOAD_JOB) {
            pv_bulk_pool_submit(pool, step.job);
        } else if (step.kind == PV_UPLOAD_STORE) {
            store_blob(step.blob);
            pv_upload_stored(u, step.blob);
        } else if (step.kind == PV_UPLOAD_WAIT) {
            job = pv_bulk_pool_wait(pool);
        } else if (keep_blobs) {
            take_file(&step.result);
        }
        if (!job) job = pv_bulk_pool_take(pool);
        for (; job; job = pv_bulk_pool_take(pool)) pv_upload_job_done(u, job);
    }
    if (err) abort();
    pv_bulk_pool_free(pool);
    pv_upload_free(u);
}

static void fetch(struct pv_download *d, const struct pv_download_fetch *f)
{
    size_t i = 0;
    while (!pv_id16_equal(&store.name[i], &f->blob)) i++;
    size_t n = (f->to_bytes < store.n[i] ? f->to_bytes : store.n[i]) - f->from_bytes;
    memcpy(f->p, store.at[i] + f->from_bytes, n);
    pv_download_fetched(d, f, n);
}

static void run_download(size_t threads)
{
    struct pv_bulk_pool *pool;
    struct pv_download *d;
    struct pv_download_step step;
    if (pv_bulk_pool_new(threads, &pool) || pv_download_new(&store.file, 6 + 2 * threads, &d)) abort();
    enum pv_err err;
    size_t at = 0;
    while (!(err = pv_download_next(d, &step)) && step.kind != PV_DOWNLOAD_END) {
        struct pv_bulk_job *job = NULL;
        if (step.kind == PV_DOWNLOAD_FETCH) {
            fetch(d, step.fetch);
        } else if (step.kind == PV_DOWNLOAD_JOB) {
            pv_bulk_pool_submit(pool, step.job);
        } else if (step.kind == PV_DOWNLOAD_BYTES) {
            memcpy(sealed + at, step.bytes.p, step.bytes.n);
            at += step.bytes.n;
        } else {
            job = pv_bulk_pool_wait(pool);
        }
        if (!job) job = pv_bulk_pool_take(pool);
        for (; job; job = pv_bulk_pool_take(pool)) pv_download_job_done(d, job);
    }
    if (err || at != DATA_BYTES) abort();
    pv_bulk_pool_free(pool);
    pv_download_free(d);
}

/* The best of a few rounds, in MB/s. */
static double measure(const char *what, void (*run)(size_t), size_t threads)
{
    double best = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double start = now_s();
        run(threads);
        double rate = DATA_BYTES / 1e6 / (now_s() - start);
        if (rate > best) best = rate;
    }
    printf("%-44s %8.0f MB/s\n", what, best);
    fflush(stdout);
    return best;
}

int main(void)
{
    struct pv_chunk_secret secret = {{5}};
    data = malloc(DATA_BYTES);
    sealed = malloc(DATA_BYTES);
    if (!data || !sealed || pv_bulk_init(&bulk)) return 1;
    fill(NULL, data, DATA_BYTES);
    pv_gear_derive(&secret, &gear);

    double copy = measure("memcpy", run_copy, 0);
    double sha = measure("SHA-256 alone", run_sha256, 0);
    double gcm = measure("AES-256-GCM alone", run_gcm, 0);
    double chunker = measure("chunking alone", run_chunker, 0);
    double up = measure("put: chunk, hash, seal; one thread", run_upload, 0);
    double up2 = measure("put: one thread and two workers", run_upload, 2);
    keep_blobs = true;
    run_upload(0);
    double down = measure("get: open, hash; one thread", run_download, 0);
    double down2 = measure("get: one thread and two workers", run_download, 2);

    double limit = 1 / (1 / sha + 1 / gcm); /* what must be done to each byte, one after the other */
    printf("\nlimit of one core, SHA-256 and AES-256-GCM   %8.0f MB/s\n", limit);
    printf("chunking / memcpy                            %8.2f\n", chunker / copy);
    printf("chunking / SHA-256                           %8.2f\n", chunker / sha);
    printf("put / limit, one thread                      %8.2f\n", up / limit);
    printf("put / limit, two workers                     %8.2f\n", up2 / limit);
    printf("get / limit, one thread                      %8.2f\n", down / limit);
    printf("get / limit, two workers                     %8.2f\n", down2 / limit);
    return 0;
}
