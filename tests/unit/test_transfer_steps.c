/* Sending and fetching as step functions, driven in random order over a store in memory; AES-256-GCM by libcrypto
 * natively, by node's crypto for wasm. */
#include "tests/unit/transfer_rig.h"

#include "core/base/limits.h"
#include "tests/vectors/vectors.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static struct rig rig;
static struct pv_gear gear, gear_low; /* gear_low cuts at the least size, always */

/* As a browser would: AES-256-GCM by the host, hashes by core. */
static void perform(struct rig *unused, struct pv_bulk_job *job)
{
    static const uint8_t zero_nonce[12];
    (void)unused;
    if (job->kind == PV_BULK_HASH) {
        pv_sha256(job->in, &job->sha256);
        return;
    }
    bool seal = job->kind == PV_BULK_SEAL;
    bool good = vectors_aes256gcm(seal, job->key.b, zero_nonce, pv_bytes(NULL, 0), job->in, job->out);
    job->err = good ? PV_OK : PV_ERR_BAD_MAC;
    if (good && !seal) pv_sha256(pv_bytes(job->out, job->in.n - PV_CHUNK_TAG_BYTES), &job->sha256);
}

/* For files of gigabytes: nothing is done to the bytes, and pages alone are hashed and opened truly. */
static void count_perform(struct rig *r, struct pv_bulk_job *job)
{
    size_t n = job->in.n;
    bool chunk = n == PV_LIMIT_CHUNK_MIN_BYTES || n == PV_LIMIT_CHUNK_MIN_BYTES + PV_CHUNK_TAG_BYTES;
    if (chunk) memset(job->sha256.b, 0xcc, sizeof job->sha256.b);
    else perform(r, job);
}

static uint8_t *make_bytes(size_t n, uint64_t seed)
{
    static struct rig source;
    source.seed = seed;
    uint8_t *p = malloc(n ? n : 1);
    if (!p) abort();
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++, word >>= 8) {
        if (i % 8 == 0) word = rig_random(&source);
        p[i] = (uint8_t)word;
    }
    return p;
}

static bool blobs_are_right(const struct rig *r)
{
    for (size_t i = 0; i < r->blob_count; i++)
        if (r->blobs[i].n > PV_LIMIT_BLOB_BYTES || pv_padme(r->blobs[i].n) != r->blobs[i].n) return false;
    return true;
}

static void test_sizes(void)
{
    static const struct { size_t n; size_t slots; } cases[] = {
        {0, 4}, {1, 4}, {2, 64}, {255 * KIB, 4}, {256 * KIB - 1, 5}, {256 * KIB, 4}, {256 * KIB + 1, 4},
        {MIB, 4}, {4 * MIB - 1, 4}, {4 * MIB, 4}, {4 * MIB + 1, 8}, {11 * MIB + 5, 4}, {11 * MIB + 5, 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig_input in = {make_bytes(cases[i].n, i), cases[i].n};
        rig_init(&rig, perform, NULL);
        struct pv_hash sha;
        pv_sha256(pv_bytes(in.p, (size_t)in.n), &sha);
        bool good = !rig_upload(&rig, &gear, cases[i].slots, &in, 1) && rig.files[0].done;
        good = good && rig.files[0].result.has_sha256 && pv_hash_equal(&rig.files[0].result.sha256, &sha);
        good = good && rig.files[0].result.refs.n / 16 == rig.blob_count && blobs_are_right(&rig);
        good = good && rig_comes_back(&rig, 0, &in, 1) && rig_comes_back(&rig, 0, &in, cases[i].slots);
        tap_ok(good && !rig.bad_range,
               "%zu bytes go and come back, %zu slots", cases[i].n, cases[i].slots);
        rig_release(&rig);
        free((void *)(uintptr_t)in.p);
    }
}

static void test_many(void)
{
    enum { COUNT = 300 };
    static struct rig_input in[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        in[i].n = i == 100 ? 5 * MIB : (i * 37) % 3000;
        in[i].p = make_bytes((size_t)in[i].n, i);
    }
    rig_init(&rig, perform, NULL);
    bool good = !rig_upload(&rig, &gear, 8, in, COUNT);
    size_t back = 0;
    for (size_t i = 0; i < COUNT && good; i++) back += rig.files[i].done && rig_comes_back(&rig, i, &in[i], 2);
    tap_is_int((long long)back, COUNT, "300 files of one put come back");
    tap_ok(rig.blob_count < 20, "the small ones share blobs: %zu in all", rig.blob_count);
    rig_forget_files(&rig);
    size_t blobs = rig.blob_count, sealed = rig.sealed;
    good = !rig_upload(&rig, &gear, 8, in, COUNT);
    for (size_t i = 0, all = 0; i < COUNT && good; i++) good = (all += rig.files[i].done) == i + 1;
    tap_ok(good && rig.blob_count == blobs && rig.sealed == sealed, "put again, they need nothing new");
    for (size_t i = 0; i < COUNT; i++) free((void *)(uintptr_t)in[i].p);
    rig_release(&rig);
}

static void test_repeats(void)
{
    struct rig_input in = {calloc(1, 20 * MIB), 20 * MIB};
    rig_init(&rig, perform, NULL);
    bool good = in.p && !rig_upload(&rig, &gear, 6, &in, 1) && rig_comes_back(&rig, 0, &in, 3);
    tap_ok(good && rig.sealed == 1 && rig.files[0].result.refs.n == 16, "20 MiB of zeros are one chunk in one blob");
    rig_release(&rig);
    free((void *)(uintptr_t)in.p);
}

static void test_pages(void)
{
    static const struct { size_t chunks; bool pages; } cases[] = {{32, false}, {33, true}, {40, true}};
    for (size_t i = 0; i < 3; i++) {
        size_t n = cases[i].chunks * PV_LIMIT_CHUNK_MIN_BYTES;
        struct rig_input in = {make_bytes(n, i), n};
        rig_init(&rig, perform, NULL);
        bool good = !rig_upload(&rig, &gear_low, 4 + i, &in, 1) && rig_comes_back(&rig, 0, &in, 1 + i);
        good = good && rig.opened == cases[i].chunks;
        tap_ok(good && rig.files[0].result.manifest.pages == cases[i].pages, "%zu chunks %s", cases[i].chunks,
               cases[i].pages ? "lie in a page" : "lie in the entry");
        rig_release(&rig);
        free((void *)(uintptr_t)in.p);
    }
}

/* 8 GiB and a bit: a page and a second. All chunks are the same one, so nothing is sealed but the pages. */
static void test_huge(void)
{
    uint64_t chunks = PV_LIMIT_MANIFEST_PAGE_CHUNKS + 3ull;
    struct rig_input in = {NULL, chunks * PV_LIMIT_CHUNK_MIN_BYTES};
    uint64_t n;
    bool wrong;
    rig_init(&rig, count_perform, NULL);
    enum pv_err err = rig_upload(&rig, &gear_low, 4, &in, 1);
    struct pv_upload_result *result = &rig.files[0].result;
    tap_ok(!err && result->manifest.pages && result->manifest.count == 2 && !result->has_sha256 && rig.sealed == 1,
           "8 GiB of one chunk are two pages");
    struct pv_file file = rig_as_file(&rig.files[0]);
    err = rig_download(&rig, &file, 2, NULL, &n, &wrong);
    tap_ok(!err && n == in.n, "and all of it comes back");
    rig_release(&rig);
}

static bool never_found(void *context, const struct pv_hash *sha256, uint32_t length, struct pv_chunk *ret_chunk)
{
    (void)context;
    (void)sha256;
    (void)length;
    (void)ret_chunk;
    return false;
}

/* More blobs than one entry may name: they are kept by entries of their own. */
static void test_keep(void)
{
    enum { CHUNKS = 2 * PV_LIMIT_REFS + 5 };
    uint64_t left = (uint64_t)CHUNKS * PV_LIMIT_CHUNK_MIN_BYTES, number;
    size_t jobs = 0, blobs = 0, keeps = 0, kept = 0;
    struct pv_upload *u;
    struct pv_upload_step step;
    rig_init(&rig, count_perform, NULL);
    struct pv_upload_config config = {&gear_low, &rig.random, 4, false, never_found, NULL, NULL};
    if (pv_upload_new(&config, &u)) abort();
    bool begun = false, whole = false;
    enum pv_err err;
    while (!(err = pv_upload_next(u, &step)) && step.kind != PV_UPLOAD_END) {
        switch (step.kind) {
        case PV_UPLOAD_NEXT:
            if (begun) pv_upload_finish(u);
            else err = pv_upload_begin(u, &number);
            begun = true;
            break;
        case PV_UPLOAD_READ:
            if (step.space_bytes > left) step.space_bytes = (size_t)left;
            left -= step.space_bytes;
            if (step.space_bytes) pv_upload_read(u, step.space_bytes);
            else pv_upload_read_end(u);
            break;
        case PV_UPLOAD_JOB:
            jobs++;
            count_perform(&rig, step.job);
            pv_upload_job_done(u, step.job);
            break;
        case PV_UPLOAD_STORE:
            blobs++;
            pv_upload_stored(u, step.blob);
            break;
        case PV_UPLOAD_KEEP:
            keeps += step.result.refs.n / 16 == PV_LIMIT_REFS;
            kept += step.result.refs.n / 16;
            break;
        case PV_UPLOAD_FILE:
            whole = step.result.manifest.pages && step.result.manifest.count == 1;
            kept += step.result.refs.n / 16;
            break;
        case PV_UPLOAD_WAIT:
        case PV_UPLOAD_END:
            break;
        }
        if (err) break;
    }
    tap_ok(!err && whole && keeps == 2 && kept == blobs && blobs == CHUNKS + 1,
           "2053 chunks' blobs are kept by two entries and the file's own");
    pv_upload_free(u);
}

/* Stop at every few steps, put again what was not reported, and get everything. */
static void test_resume(void)
{
    struct rig_input in[3] = {
        {make_bytes(MIB, 1), MIB}, {make_bytes(1000, 2), 1000}, {make_bytes(4 * MIB, 3), 4 * MIB}};
    size_t crashes = 0, good = 0, reused = 0;
    for (uint64_t after = 1;; after += 3) {
        rig_init(&rig, perform, NULL);
        rig.seed = after;
        rig.crash_after = after;
        enum pv_err err = rig_upload(&rig, &gear, 5, in, 3);
        if (err != PV_ERR_OFFLINE) {
            rig_release(&rig);
            break;
        }
        crashes++;
        rig.crash_after = 0;
        rig_forget_unstored(&rig);
        rig_forget_files(&rig);
        size_t known = rig.chunk_count;
        rig.found = 0;
        err = rig_upload(&rig, &gear, 5, in, 3);
        bool back = !err;
        for (size_t i = 0; i < 3 && back; i++) back = rig.files[i].done && rig_comes_back(&rig, i, &in[i], 2);
        good += back && rig.found == known;
        reused += known;
        rig_release(&rig);
    }
    tap_ok(crashes > 20 && good == crashes && reused > crashes,
           "%zu cuts, and what was stored is not sent again", crashes);
    for (size_t i = 0; i < 3; i++) free((void *)(uintptr_t)in[i].p);
}

static void test_flips(void)
{
    enum { FLIPS = 500, BYTES = 300 * KIB };
    struct rig_input in[2] = {{make_bytes(BYTES, 1), BYTES}, {make_bytes(90 * KIB, 2), 90 * KIB}};
    rig_init(&rig, perform, NULL);
    if (rig_upload(&rig, &gear, 4, in, 2)) abort();
    size_t refused = 0, harmless = 0, named = 0;
    for (size_t i = 0; i < FLIPS; i++) {
        struct rig_blob *blob = &rig.blobs[rig_random(&rig) % rig.blob_count];
        size_t at = (size_t)(rig_random(&rig) % blob->n);
        uint8_t bit = (uint8_t)(1u << rig_random(&rig) % 8);
        blob->p[at] ^= bit;
        size_t bad = 0;
        for (size_t f = 0; f < 2; f++) {
            struct pv_file file = rig_as_file(&rig.files[f]);
            uint64_t n;
            bool wrong;
            enum pv_err err = rig_download(&rig, &file, 2, in[f].p, &n, &wrong);
            bad += err == PV_ERR_BAD_MAC && !wrong;
            if (err) named += pv_id16_equal(&rig.failure.blob, &blob->name) && at >= rig.failure.offset_bytes &&
                              at < rig.failure.offset_bytes + rig.failure.length_bytes + PV_CHUNK_TAG_BYTES;
            else if (wrong || n != in[f].n) bad = 9;
        }
        refused += bad == 1;
        harmless += bad == 0;
        blob->p[at] ^= bit;
    }
    tap_ok(refused + harmless == FLIPS && refused > FLIPS * 8 / 10,
           "%zu flipped bits refused, %zu lay in padding", refused, harmless);
    tap_is_int((long long)named, (long long)refused, "each names its chunk");
    for (size_t i = 0; i < 2; i++) free((void *)(uintptr_t)in[i].p);
    rig_release(&rig);
}

/* Download `file` after a change to its first chunk, or with its whole hash changed. */
static enum pv_err get_changed(struct pv_chunk *chunk, bool change_whole)
{
    struct pv_file file = rig_as_file(&rig.files[0]);
    struct pv_buf list;
    uint64_t n;
    bool wrong;
    pv_buf_init(&list, 4096);
    pv_chunk_put(&list, chunk, false);
    file.manifest.encoded = pv_buf_bytes(&list);
    if (change_whole) file.sha256.b[0] ^= 1;
    enum pv_err err = rig_download(&rig, &file, 1, NULL, &n, &wrong);
    pv_buf_release(&list);
    return err;
}

static void test_lies(void)
{
    struct rig_input in = {make_bytes(300 * KIB, 7), 300 * KIB};
    rig_init(&rig, perform, NULL);
    if (rig_upload(&rig, &gear, 4, &in, 1)) abort();
    struct pv_chunk_list list = rig.files[0].result.manifest;
    struct pv_chunk chunk, changed;
    if (!pv_chunk_list_next(&list, &chunk)) abort();
    tap_is_int(get_changed(&chunk, false), PV_OK, "a true manifest opens");
    tap_is_int(get_changed(&chunk, true), PV_ERR_BROKEN_CHAIN, "a file's wrong hash is told");
    tap_ok(rig.failure.whole, "as that of the whole");
    changed = chunk;
    changed.sha256.b[31] ^= 1;
    tap_is_int(get_changed(&changed, false), PV_ERR_BROKEN_CHAIN, "a chunk's wrong hash is told");
    tap_ok(!rig.failure.whole && pv_id16_equal(&rig.failure.blob, &chunk.blob), "as that chunk's");
    changed = chunk;
    changed.key.b[0] ^= 1;
    tap_is_int(get_changed(&changed, false), PV_ERR_BAD_MAC, "a wrong key does not open");
    changed = chunk;
    changed.offset_bytes = 16;
    tap_is_int(get_changed(&changed, false), PV_ERR_BAD_MAC, "nor a wrong offset");
    changed = chunk;
    changed.blob.b[0] ^= 1;
    tap_is_int(get_changed(&changed, false), PV_ERR_BAD_MAC, "nor a blob that is not there");
    rig.blobs[0].n = 300 * KIB + 15;
    tap_is_int(get_changed(&chunk, false), PV_ERR_BAD_MAC, "nor one cut short by a byte");
    rig.blobs[0].n++;
    tap_is_int(get_changed(&chunk, false), PV_OK, "padding may be missing");
    rig_release(&rig);
    free((void *)(uintptr_t)in.p);
}

static void fail_perform(struct rig *r, struct pv_bulk_job *job)
{
    perform(r, job);
    if (job->kind != PV_BULK_HASH) job->err = PV_ERR_NOMEM;
}

static void test_failing_job(void)
{
    struct rig_input in = {make_bytes(600 * KIB, 7), 600 * KIB};
    rig_init(&rig, fail_perform, NULL);
    tap_is_int(rig_upload(&rig, &gear, 4, &in, 1), PV_ERR_NOMEM, "a job's error ends the upload");
    tap_ok(!rig.files[0].done, "and nothing is reported");
    rig_release(&rig);
    struct pv_upload *u = NULL;
    struct pv_upload_config config = {&gear, &rig.random, 3, false, NULL, NULL, NULL};
    tap_is_int(pv_upload_new(&config, &u), PV_ERR_LIMIT, "three slots are too few");
    free((void *)(uintptr_t)in.p);
}

int main(void)
{
    struct pv_chunk_secret secret = {{9}};
    pv_gear_derive(&secret, &gear);
    test_sizes();
    test_many();
    test_repeats();
    test_pages();
    test_huge();
    test_keep();
    test_resume();
    test_flips();
    test_lies();
    test_failing_job();
    return tap_done();
}
