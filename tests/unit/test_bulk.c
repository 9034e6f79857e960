/* Bulk work by libcrypto: known answers, refusals, workers, and 70 MiB through the real cipher and threads. */
#include <poll.h>

#include "client/bulk.h"
#include "core/base/limits.h"
#include "tests/unit/transfer_rig.h"

static struct rig rig;
static struct pv_gear gear;

static void from_hex(const char *hex, uint8_t *ret_bytes)
{
    if (pv_hex_decode(hex, strlen(hex), ret_bytes, strlen(hex) / 2)) abort();
}

/* Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B. */
static void test_known(struct pv_bulk *bulk)
{
    uint8_t key[32], nonce[12], ad[20], plain[60], want[76], sealed[76], back[60];
    from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key);
    from_hex("cafebabefacedbaddecaf888", nonce);
    from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", ad);
    from_hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
             "b16aedf5aa0de657ba637b39", plain);
    from_hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
             "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b", want);
    struct pv_bytes a = pv_bytes(ad, sizeof ad);
    tap_is_int(pv_bulk_aes256gcm_seal(bulk, key, nonce, a, pv_bytes(plain, sizeof plain), sealed), PV_OK, "seals");
    tap_is_bytes(sealed, sizeof sealed, want, sizeof want, "to the paper's bytes");
    tap_is_int(pv_bulk_aes256gcm_open(bulk, key, nonce, a, pv_bytes(sealed, sizeof sealed), back), PV_OK, "opens");
    tap_is_bytes(back, sizeof back, plain, sizeof plain, "to the same plaintext");

    size_t refused = 0, zeroed = 0;
    static const uint8_t zero[60];
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memset(back, 1, sizeof back);
        refused += pv_bulk_aes256gcm_open(bulk, key, nonce, a, pv_bytes(sealed, sizeof sealed), back) == PV_ERR_BAD_MAC;
        zeroed += memcmp(back, zero, sizeof back) == 0;
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    tap_ok(refused == 8 * sizeof sealed && zeroed == refused, "every flipped bit is refused and leaves nothing");
    ad[0] ^= 1;
    tap_is_int(pv_bulk_aes256gcm_open(bulk, key, nonce, a, pv_bytes(sealed, sizeof sealed), back), PV_ERR_BAD_MAC,
               "other associated data is refused");
    tap_is_int(pv_bulk_aes256gcm_open(bulk, key, nonce, a, pv_bytes(sealed, 15), back), PV_ERR_TRUNCATED,
               "less than a tag is too short");
    ad[0] ^= 1;
    tap_is_int(pv_bulk_aes256gcm_open(bulk, key, nonce, a, pv_bytes(sealed, sizeof sealed), sealed), PV_OK,
               "opens in place");
    tap_is_bytes(sealed, sizeof plain, plain, sizeof plain, "to the same");
}

/* Test case 13: nothing sealed, nothing beside it. */
static void test_nothing(struct pv_bulk *bulk)
{
    static const uint8_t key[32], nonce[12];
    uint8_t want[16], sealed[16];
    struct pv_bytes none = {0};
    from_hex("530f8afbc74536b9a963b4f1c4cb738b", want);
    tap_ok(!pv_bulk_aes256gcm_seal(bulk, key, nonce, none, none, sealed) && memcmp(sealed, want, 16) == 0 &&
               !pv_bulk_aes256gcm_open(bulk, key, nonce, none, pv_bytes(sealed, 16), NULL),
           "nothing seals to its tag and opens");
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void test_pool(size_t threads)
{
    enum { JOBS = 40, BYTES = 40000 };
    static uint8_t bytes[BYTES];
    static struct pv_bulk_job jobs[JOBS];
    struct pv_bulk_pool *pool;
    if (pv_bulk_pool_new(threads, &pool)) abort();
    bool idle = !readable(pv_bulk_pool_fd(pool)) && !pv_bulk_pool_take(pool) && !pv_bulk_pool_wait(pool);
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = (struct pv_bulk_job){.kind = PV_BULK_HASH, .in = pv_bytes(bytes, BYTES - 1000 * i)};
        pv_bulk_pool_submit(pool, &jobs[i]);
    }
    size_t taken = 0, right = 0;
    while (taken < JOBS) {
        struct pv_bulk_job *job = taken % 2 ? pv_bulk_pool_wait(pool) : pv_bulk_pool_take(pool);
        if (!job) continue;
        struct pv_hash want;
        pv_sha256(job->in, &want);
        right += pv_hash_equal(&want, &job->sha256);
        taken++;
    }
    tap_ok(idle && taken == JOBS && right == JOBS && !readable(pv_bulk_pool_fd(pool)),
           "%zu threads do 40 jobs, each once", threads);
    for (size_t i = 0; i < JOBS; i++) pv_bulk_pool_submit(pool, &jobs[i]);
    struct pollfd p = {.fd = pv_bulk_pool_fd(pool), .events = POLLIN};
    tap_ok(poll(&p, 1, 10000) == 1 && pv_bulk_pool_take(pool), "its descriptor tells of a finished one");
    pv_bulk_pool_free(pool); /* with jobs on their way */
}

static void perform(struct rig *r, struct pv_bulk_job *job)
{
    pv_bulk_run(r->bulk, job);
}

/* 70 MiB through workers, as a transfer does it. */
static void test_transfer(size_t threads)
{
    enum { BYTES = 70 << 20 };
    struct rig_input in = {malloc(BYTES), BYTES};
    struct pv_bulk_pool *pool;
    struct pv_upload *u;
    struct pv_upload_step step;
    uint64_t number, at = 0;
    bool begun = false;
    struct pv_bulk bulk;
    if (!in.p || pv_bulk_pool_new(threads, &pool) || pv_bulk_init(&bulk)) abort();
    rig_init(&rig, perform, &bulk);
    for (size_t i = 0; i < BYTES; i += 8) {
        uint64_t word = rig_random(&rig);
        memcpy((uint8_t *)(uintptr_t)in.p + i, &word, 8);
    }
    struct pv_upload_config config = {&gear, &rig.random, 8, true, rig_find, rig_wrote, &rig};
    if (pv_upload_new(&config, &u)) abort();
    enum pv_err err;
    while (!(err = pv_upload_next(u, &step)) && step.kind != PV_UPLOAD_END) {
        struct pv_bulk_job *job = NULL;
        if (step.kind == PV_UPLOAD_NEXT) {
            if (begun) pv_upload_finish(u);
            else if (pv_upload_begin(u, &number)) abort();
            begun = true;
        } else if (step.kind == PV_UPLOAD_READ) {
            size_t n = step.space_bytes < BYTES - at ? step.space_bytes : (size_t)(BYTES - at);
            memcpy(step.space, in.p + at, n);
            at += n;
            if (n) pv_upload_read(u, n);
            else pv_upload_read_end(u);
        } else if (step.kind == PV_UPLOAD_JOB) {
            pv_bulk_pool_submit(pool, step.job);
        } else if (step.kind == PV_UPLOAD_STORE) {
            rig_store(&rig, step.blob);
            pv_upload_stored(u, step.blob);
        } else if (step.kind == PV_UPLOAD_WAIT) {
            job = pv_bulk_pool_wait(pool);
        } else {
            rig_report(&rig, &step);
        }
        if (!job) job = pv_bulk_pool_take(pool);
        for (; job; job = pv_bulk_pool_take(pool)) pv_upload_job_done(u, job);
    }
    pv_bulk_pool_free(pool);
    pv_upload_free(u);
    struct pv_hash sha;
    pv_sha256(pv_bytes(in.p, BYTES), &sha);
    tap_ok(!err && rig.files[0].done && rig.files[0].result.has_sha256 &&
               pv_hash_equal(&rig.files[0].result.sha256, &sha) && rig.files[0].result.manifest.pages,
           "70 MiB go through %zu threads", threads);
    tap_ok(rig_comes_back(&rig, 0, &in, 4), "and come back");

    rig_release(&rig);
    pv_bulk_release(&bulk);
    free((void *)(uintptr_t)in.p);
}

/* 500 bits flipped anywhere in the store, under the real cipher. */
static void test_flips(struct pv_bulk *bulk)
{
    enum { BYTES = 1 << 20, FLIPS = 500 };
    static uint8_t bytes[BYTES];
    struct rig_input in = {bytes, BYTES};
    rig_init(&rig, perform, bulk);
    rig_fill(&rig, bytes, BYTES);
    if (rig_upload(&rig, &gear, 4, &in, 1)) abort();
    struct pv_file file = rig_as_file(&rig.files[0]);
    size_t refused = 0, padding = 0;
    for (size_t i = 0; i < FLIPS; i++) {
        struct rig_blob *blob = &rig.blobs[rig_random(&rig) % rig.blob_count];
        size_t at = (size_t)(rig_random(&rig) % blob->n);
        uint8_t bit = (uint8_t)(1u << rig_random(&rig) % 8);
        uint64_t n;
        bool wrong;
        blob->p[at] ^= bit;
        enum pv_err err = rig_download(&rig, &file, 3, bytes, &n, &wrong);
        refused += err == PV_ERR_BAD_MAC && !wrong && pv_id16_equal(&rig.failure.blob, &blob->name);
        padding += !err && !wrong && n == BYTES;
        blob->p[at] ^= bit;
    }
    tap_ok(refused + padding == FLIPS && refused > FLIPS / 2,
           "%zu flipped bits refused, %zu in padding", refused, padding);
    rig_release(&rig);
}

int main(void)
{
    struct pv_bulk bulk;
    struct pv_chunk_secret secret = {{3}};
    if (pv_bulk_init(&bulk)) return 1;
    pv_gear_derive(&secret, &gear);
    test_known(&bulk);
    test_nothing(&bulk);
    test_flips(&bulk);
    pv_bulk_release(&bulk);
    for (size_t threads = 0; threads < 4; threads++) test_pool(threads);
    test_transfer(0);
    test_transfer(2);
    return tap_done();
}
