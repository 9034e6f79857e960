/* Files where memory runs out at every allocation in turn: NOMEM, nothing leaked, nothing reported. */
#include "tests/fault/failing_malloc.h"

#include "tests/tap.h"

#if !FAULT_CANNOT_RUN

#include "client/bulk.h"
#include "tests/unit/transfer_rig.h"

enum { CHUNKS = 34, BYTES = CHUNKS * PV_LIMIT_CHUNK_MIN_BYTES, ALLOCATIONS_MAX = 2000 };

static struct rig rig;
static struct pv_gear gear; /* zeros: cuts at the least size */
static uint8_t bytes[BYTES];

/* A cipher that changes nothing: memory is what this test is about. */
static void perform(struct rig *unused, struct pv_bulk_job *job)
{
    (void)unused;
    bool seal = job->kind == PV_BULK_SEAL;
    if (job->kind == PV_BULK_HASH) pv_sha256(job->in, &job->sha256);
    if (seal && job->out != job->in.p) memcpy(job->out, job->in.p, job->in.n);
    if (seal) memset(job->out + job->in.n, 0, PV_CHUNK_TAG_BYTES);
    if (job->kind == PV_BULK_OPEN) pv_sha256(pv_bytes(job->in.p, job->in.n - PV_CHUNK_TAG_BYTES), &job->sha256);
}

static const struct rig_input inputs[] = {{bytes, 1000}, {bytes, 0}, {bytes, BYTES}};

static enum pv_err put(void)
{
    return rig_upload(&rig, &gear, 6, inputs, 3);
}

static enum pv_err get(void)
{
    struct pv_file file = rig_as_file(&rig.files[2]);
    uint64_t n;
    bool wrong;
    enum pv_err err = rig_download(&rig, &file, 3, bytes, &n, &wrong);
    return !err && (wrong || n != BYTES) ? PV_ERR_CORRUPT : err;
}

static enum pv_err encode(void)
{
    struct pv_file file = rig_as_file(&rig.files[2]);
    struct pv_buf buf;
    pv_buf_init(&buf, PV_LIMIT_PAYLOAD_BYTES);
    pv_file_put(&buf, &file);
    enum pv_err err = buf.err;
    pv_buf_release(&buf);
    return err;
}

static enum pv_err pool(void)
{
    struct pv_bulk_pool *pool = NULL;
    enum pv_err err = pv_bulk_pool_new(0, &pool);
    if (!err) pv_bulk_pool_free(pool);
    return err;
}

static void test_every(const char *what, enum pv_err (*run)(void), bool counting)
{
    size_t failed = 0, good = 0, leaks = 0;
    for (size_t n = 0; n < ALLOCATIONS_MAX; n++) {
        rig.counting = rig.forgetting = counting;
        if (counting) rig.blob_count = rig.chunk_count = 0;
        fault_arm(n);
        enum pv_err err = run();
        bool fired = fault_disarm();
        leaks += fault_live != 0;
        if (!fired) {
            tap_ok(!err && failed > 0 && good == failed, "%s: %zu allocations, each failure is NOMEM", what, failed);
            tap_is_int((long long)leaks, 0, "and nothing leaks");
            return;
        }
        failed++;
        good += err == PV_ERR_NOMEM;
    }
    tap_ok(false, "%s ends", what);
}

int main(void)
{
    rig_init(&rig, perform, NULL);
    rig_fill(&rig, bytes, sizeof bytes);
    if (pool()) return 1; /* libcrypto's own first-time allocations */
    test_every("put", put, true);
    rig_init(&rig, perform, NULL);
    if (rig_upload(&rig, &gear, 6, inputs, 3)) return 1;
    test_every("get", get, false);
    test_every("a file's encoding", encode, false);
    test_every("workers", pool, false);
    rig_release(&rig);
    return tap_done();
}

#else

int main(void)
{
    tap_skip_all("needs the system's own allocator");
}

#endif
