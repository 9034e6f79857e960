/* The log where memory runs out at every allocation in turn: NOMEM, nothing leaked, nothing half written. */
#include "tests/fault/failing_malloc.h"

#include "tests/tap.h"

#if !FAULT_CANNOT_RUN

#include "core/log/checkpoint.h"
#include "core/log/seal.h"

static struct pv_sign_sk sk;
static struct pv_sign_pk pk;
static const struct pv_prk prk = {{1}};
static const struct pv_seal_nonce nonce = {{2}};
static const struct pv_hash room = {{3}};
static struct pv_header header = {.n = 5, .kind = PV_KIND_TALK, .epoch = 1};
static uint8_t sealed[4096], note[PV_LIMIT_NOTE_BYTES], large[8192];
static size_t sealed_bytes, note_bytes;
static struct pv_sig large_sig;

/* Run over a growing buffer that holds something already; that must stay, and nothing be added on failure. */
static enum pv_err over_buffer(enum pv_err (*run)(struct pv_buf *buf))
{
    struct pv_buf buf;
    pv_buf_init(&buf, 1 << 16);
    pv_buf_append(&buf, "before", 6);
    size_t before = buf.n;
    enum pv_err err = run(&buf);
    if (before == 6 && (memcmp(buf.p, "before", 6) != 0 || (!err && buf.n == 6))) err = PV_ERR_CORRUPT;
    pv_buf_release(&buf);
    return err;
}

static enum pv_err make_entry(struct pv_buf *buf)
{
    return pv_entry_make(&header, &sk, buf);
}

static enum pv_err seal(struct pv_buf *buf)
{
    struct pv_header h = header;
    size_t before = buf->n;
    enum pv_err err = pv_body_seal(&prk, &nonce, pv_bytes("\x59\x03\xe8", 3), &h, buf);
    if (err != PV_ERR_TRUNCATED) return PV_ERR_CORRUPT;
    struct pv_buf payload;
    pv_buf_init(&payload, 4096);
    pv_cbor_put_bytes(&payload, large, 1000);
    err = payload.err;
    if (!err) err = pv_body_seal(&prk, &nonce, pv_buf_bytes(&payload), &h, buf);
    pv_buf_release(&payload);
    /* A failure leaves header and buffer alone. */
    return err && (buf->n != before || !pv_hash_is_zero(&h.commit)) ? PV_ERR_CORRUPT : err;
}

static enum pv_err open_body(struct pv_buf *buf)
{
    size_t before = buf->n;
    enum pv_err err = pv_body_open(&prk, &header, pv_bytes(sealed, sealed_bytes), buf);
    return err && buf->n != before ? PV_ERR_CORRUPT : err;
}

static enum pv_err make_note(struct pv_buf *buf)
{
    struct pv_checkpoint checkpoint = {.size = 7, .time_s = 1760000000};
    return pv_checkpoint_make("rooms.example.org", &room, &checkpoint, &sk, &pk, buf);
}

static enum pv_err make_proof(struct pv_buf *buf)
{
    struct pv_merkle_proof inclusion = {.count = 20};
    return pv_proof_make(3, &inclusion, pv_bytes(note, note_bytes), buf);
}

static enum pv_err sign_large(struct pv_buf *buf)
{
    struct pv_sig sig;
    enum pv_err err = pv_sign(&sk, "large", pv_bytes(large, sizeof large), &sig);
    if (!err) pv_buf_append(buf, sig.b, sizeof sig.b);
    return err ? err : buf->err;
}

static enum pv_err verify_large(struct pv_buf *buf)
{
    enum pv_err err = pv_verify(&pk, "large", pv_bytes(large, sizeof large), &large_sig);
    pv_buf_append(buf, "x", 1);
    return err ? err : buf->err;
}

static void test_every(const char *what, enum pv_err (*run)(struct pv_buf *buf))
{
    size_t failed = 0, wrong = 0, leaks = 0;
    bool done = false;
    for (size_t n = 0; n < 100 && !done; n++) {
        fault_arm(n);
        enum pv_err err = over_buffer(run);
        bool fired = fault_disarm();
        leaks += fault_live != 0;
        wrong += fired ? err != PV_ERR_NOMEM : err != PV_OK;
        failed += fired;
        done = !fired;
    }
    tap_ok(done && failed > 0 && !wrong && !leaks, "%s: %zu allocations fail, %zu wrongly, %zu leaking", what, failed,
           wrong, leaks);
}

static void set_up(void)
{
    struct pv_sign_seed seed = {{4}};
    struct pv_buf buf;
    uint8_t payload[600] = {0x59, 0x02, 0x55};
    if (pv_crypto_init()) abort();
    pv_sign_from_seed(&seed, &sk, &pk);
    pv_buf_init_fixed(&buf, sealed, sizeof sealed);
    if (pv_body_seal(&prk, &nonce, pv_bytes(payload, sizeof payload), &header, &buf)) abort();
    sealed_bytes = buf.n;
    memset(header.body_hash.b, 0, sizeof header.body_hash.b);
    pv_buf_init_fixed(&buf, note, sizeof note);
    if (make_note(&buf) || pv_sign(&sk, "large", pv_bytes(large, sizeof large), &large_sig)) abort();
    note_bytes = buf.n;
}

int main(void)
{
    set_up();
    test_every("an entry made", make_entry);
    test_every("a body opened", open_body);
    memset(header.commit.b, 0, sizeof header.commit.b);
    test_every("a body sealed", seal);
    test_every("a note made", make_note);
    test_every("a proof made", make_proof);
    test_every("a large message signed", sign_large);
    test_every("a large message verified", verify_large);
    return tap_done();
}

#else

int main(void)
{
    tap_skip_all("the sanitizer has its own allocator");
}

#endif
