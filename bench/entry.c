/* What core spends on one entry with a 256-byte message: reading, hashing, deriving, opening, checking. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/log/merkle.h"
#include "core/log/seal.h"

enum { ROUNDS = 100000, SLOW_ROUNDS = 2000, TEXT_BYTES = 256 };

static struct pv_sign_sk sk;
static struct pv_sign_pk pk;
static struct pv_prk prk = {{1}};
static struct pv_seal_nonce nonce = {{2}};
static struct pv_header header = {.n = 7000, .seen_size = 300, .time_ms = 1760000000000, .kind = PV_KIND_TALK, .epoch = 24};
static struct pv_entry entry;
static struct pv_entry_key key;
static struct pv_buf payload, body, entry_buf, refs, out;
static struct pv_merkle_edge edge;
static struct pv_hash hash;

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void must(enum pv_err err)
{
    if (!err) return;
    fprintf(stderr, "entry: %s\n", pv_err_text(err));
    exit(1);
}

static void step_read(void) { must(pv_entry_read(pv_buf_bytes(&entry_buf), &entry)); }
static void step_verify(void) { must(pv_entry_verify(&entry, &pk)); }
static void step_leaf(void) { pv_entry_leaf(pv_buf_bytes(&entry_buf), &hash); }
static void step_refs(void) { pv_refs_hash(pv_buf_bytes(&refs), &hash); }
static void step_body(void) { pv_body_hash(pv_buf_bytes(&body), &hash); }
static void step_derive(void) { pv_entry_key_derive(&prk, &header, &nonce, &key); }

static void step_append(void)
{
    struct pv_hash added[64];
    size_t count;
    pv_merkle_append(&edge, &hash, added, &count);
}

static void step_open(void)
{
    pv_buf_clear(&out);
    must(pv_body_open_with_key(&key, &header, pv_buf_bytes(&body), &out));
}

/* The cipher alone, over as many bytes. */
static void step_cipher(void)
{
    static uint8_t sealed[512], plain[512];
    static size_t n;
    struct pv_seal_key seal_key = {{3}};
    struct pv_bytes ad = pv_bytes(entry_buf.p, 280);
    if (!n) {
        n = body.n - sizeof nonce.b;
        pv_seal(&seal_key, &nonce, ad, pv_bytes(plain, n - PV_SEAL_TAG_BYTES), sealed);
    }
    must(pv_open(&seal_key, &nonce, ad, pv_bytes(sealed, n), plain));
}

static void set_up(void)
{
    struct pv_sign_seed seed = {{4}};
    char text[TEXT_BYTES];
    static const struct pv_id16 write_id;
    must(pv_crypto_init());
    pv_sign_from_seed(&seed, &sk, &pk);
    struct pv_buf *const bufs[] = {&payload, &body, &entry_buf, &refs, &out};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) pv_buf_init(bufs[i], 4096);
    memset(header.room.b, 0x11, sizeof header.room.b);
    memset(header.author.b, 0x22, sizeof header.author.b);
    memset(text, 'x', sizeof text);
    pv_cbor_put_array(&payload, 5);
    pv_cbor_put_uint(&payload, 2);
    pv_cbor_put_id16(&payload, &write_id);
    pv_cbor_put_text(&payload, text, sizeof text);
    pv_cbor_put_null(&payload);
    pv_cbor_put_array(&payload, 0);
    pv_refs_put(&refs, NULL, 0);
    pv_refs_hash(pv_buf_bytes(&refs), &header.refs_hash);
    must(pv_body_seal(&prk, &nonce, pv_buf_bytes(&payload), &header, &body));
    must(pv_entry_make(&header, &sk, &entry_buf));
}

int main(void)
{
    static const struct {
        const char *what;
        void (*run)(void);
        bool for_each; /* once for every entry; a signature is verified for the newest of an author only */
    } steps[] = {
        {"read", step_read, true},           {"leaf", step_leaf, true},
        {"append to the tree", step_append, true}, {"hash of refs", step_refs, true},
        {"hash of body", step_body, true},   {"derive K", step_derive, true},
        {"check commit, open", step_open, true},   {"(the cipher alone)", step_cipher, false},
        {"(a signature)", step_verify, false},
    };
    double all = 0;
    set_up();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int rounds = steps[i].run == step_verify ? SLOW_ROUNDS : ROUNDS;
        double start = now();
        for (int round = 0; round < rounds; round++) steps[i].run();
        double us = (now() - start) / rounds * 1e6;
        if (steps[i].for_each) all += us;
        printf("%-22s %8.3f us\n", steps[i].what, us);
    }
    printf("%-22s %8.3f us\n", "one entry", all);
    struct pv_buf *const bufs[] = {&payload, &body, &entry_buf, &refs, &out};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) pv_buf_release(bufs[i]);
    return 0;
}
