/* Sealed bodies: Padmé, exact derivations, padding and commitment that must fit, and nothing opened otherwise. */
#include "core/log/seal.h"

#include <sodium.h>

#include "core/base/limits.h"
#include "tests/tap.h"

static struct pv_prk prk;
static struct pv_seal_nonce nonce;
static struct pv_header header;

static void set_up(void)
{
    uint8_t secret[32];
    if (pv_crypto_init()) abort();
    memset(secret, 0x5e, sizeof secret);
    pv_hkdf_extract(pv_bytes(secret, sizeof secret), &prk);
    for (size_t i = 0; i < sizeof nonce.b; i++) nonce.b[i] = (uint8_t)(i + 1);
    memset(header.room.b, 0x11, 32);
    memset(header.author.b, 0x22, 32);
    header.n = 300;
    memset(header.prev.b, 0x33, 32);
    header.seen_size = 12;
    memset(header.seen_root.b, 0x44, 32);
    header.time_ms = 1760000000000;
    header.kind = PV_KIND_TALK;
    header.epoch = 3;
    memset(header.refs_hash.b, 0x55, 32);
}

/* A payload of `n` bytes in all: one byte string, n > 1 and no length that has no such string. */
static struct pv_bytes payload_of(struct pv_buf *buf, size_t n)
{
    size_t head = n <= 24 ? 1 : n <= 257 ? 2 : n <= 65538 ? 3 : 5;
    pv_buf_clear(buf);
    pv_cbor_put_array(buf, 0);
    if (n > 1) {
        pv_buf_clear(buf);
        uint8_t *bytes = malloc(n);
        memset(bytes, 0xab, n);
        pv_cbor_put_bytes(buf, bytes, n - head);
        free(bytes);
    }
    return pv_buf_bytes(buf);
}

static void test_padme(void)
{
    static const uint64_t known[][2] = {
        {0, 0},         {1, 1},         {2, 2},           {3, 3},           {8, 8},
        {9, 10},        {10, 10},       {15, 16},         {17, 18},         {33, 36},
        {100, 104},     {256, 256},     {257, 272},       {1000, 1024},     {65537, 67584},
        {81920, 81920}, {81919, 81920}, {1 << 20, 1 << 20}, {(1 << 20) + 1, (1 << 20) + (1 << 15)},
    };
    bool good = true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        tap_ok(pv_padme(known[i][0]) == known[i][1], "Padmé of %llu is %llu", (unsigned long long)known[i][0],
               (unsigned long long)known[i][1]);
    }
    for (uint64_t n = 2; n < 100000; n++) { /* the definition, in another way */
        unsigned e = 0, s = 0;
        while (n >> (e + 1)) e++;
        for (unsigned x = e; x; x >>= 1) s++;
        uint64_t step = (uint64_t)1 << (e - s), padded = pv_padme(n);
        good &= padded % step == 0 && padded >= n && padded - n < step && pv_padme(padded) == padded;
        good &= (padded - n) * 8 <= n;
    }
    tap_ok(good, "Padmé is the next multiple, at most an eighth more, and stays where it is");
}

static void test_derivations(void)
{
    static const uint8_t info[] = "\x6f" "privity/1/entry\x58\x20";
    struct pv_buf want_info;
    struct pv_entry_key key;
    struct pv_hash commit, want_commit;
    struct pv_sha256 sha;
    uint8_t want[32];
    pv_buf_init(&want_info, 256);
    pv_buf_append(&want_info, info, sizeof info - 1);
    pv_buf_append(&want_info, header.room.b, 32);
    pv_buf_append(&want_info, "\x03\x58\x20", 3);
    pv_buf_append(&want_info, header.author.b, 32);
    pv_buf_append(&want_info, "\x19\x01\x2c\x58\x18", 5);
    pv_buf_append(&want_info, nonce.b, 24);
    crypto_kdf_hkdf_sha256_expand(want, sizeof want, (const char *)want_info.p, want_info.n, prk.b);
    pv_entry_key_derive(&prk, &header, &nonce, &key);
    tap_is_bytes(key.b, 32, want, 32, "K is HKDF of room, epoch, author, n and nonce");
    pv_entry_key_commit(&key, &commit);
    pv_sha256_init(&sha);
    pv_sha256_update(&sha, "\x70privity/1/commit\x58\x20", 19);
    pv_sha256_update(&sha, key.b, sizeof key.b);
    pv_sha256_final(&sha, &want_commit);
    tap_is_bytes(commit.b, 32, want_commit.b, 32, "its commitment is a labelled hash");
    pv_buf_release(&want_info);
}

static void test_round_trip(void)
{
    static const size_t sizes[] = {1, 2, 9, 24, 26, 100, 257, 300, 1000, 65538, 80 * 1024};
    struct pv_buf payload, body, back;
    pv_buf_init(&payload, 1 << 20);
    pv_buf_init(&body, 1 << 20);
    pv_buf_init(&back, 1 << 20);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct pv_header h = header;
        struct pv_bytes plain = payload_of(&payload, sizes[i]);
        struct pv_hash body_hash;
        pv_buf_clear(&body);
        pv_buf_append(&body, "before", 6);
        pv_buf_clear(&back);
        pv_buf_append(&back, "kept", 4);
        enum pv_err err = pv_body_seal(&prk, &nonce, plain, &h, &body);
        struct pv_bytes sealed = pv_bytes(body.p + 6, body.n - 6);
        pv_body_hash(sealed, &body_hash);
        bool good = !err && plain.n == sizes[i] && sealed.n == pv_padme(plain.n) + 40 &&
                    memcmp(sealed.p, nonce.b, 24) == 0 && pv_hash_equal(&body_hash, &h.body_hash);
        err = pv_body_open(&prk, &h, sealed, &back);
        good &= !err && back.n == 4 + plain.n && memcmp(back.p, "kept", 4) == 0 &&
                memcmp(back.p + 4, plain.p, plain.n) == 0;
        tap_ok(good, "a payload of %zu bytes opens again", sizes[i]);
    }
    pv_buf_release(&payload);
    pv_buf_release(&body);
    pv_buf_release(&back);
}

static void test_same_as_by_hand(void)
{
    struct pv_header h = header;
    struct pv_buf body, ad;
    struct pv_entry_key key;
    uint8_t padded[16] = "\x48" "8 bytes!", want[32]; /* 9 bytes, padded to 10 */
    unsigned long long want_n;
    pv_buf_init(&body, 1000);
    pv_buf_init(&ad, 1000);
    if (pv_body_seal(&prk, &nonce, pv_bytes(padded, 9), &h, &body)) abort();
    pv_entry_key_derive(&prk, &header, &nonce, &key);
    pv_buf_append(&ad, "\x71privity/1/body-ad", 18);
    pv_header_put_first_ten(&ad, &header);
    crypto_aead_xchacha20poly1305_ietf_encrypt(want, &want_n, padded, 10, ad.p, ad.n, NULL, nonce.b, key.b);
    tap_is_bytes(body.p + 24, body.n - 24, want, (size_t)want_n, "a body is XChaCha20-Poly1305 over the padded payload");
    pv_buf_release(&body);
    pv_buf_release(&ad);
}

/* A body made as a faulty writer would: any padded plaintext, rightly committed to. */
static enum pv_err open_padded(const char *padded, size_t n)
{
    struct pv_header h = header;
    struct pv_buf ad, body, back;
    struct pv_entry_key key;
    struct pv_seal_key seal_key;
    pv_buf_init(&ad, 1000);
    pv_buf_init(&body, 1 << 20);
    pv_buf_init(&back, 1 << 20);
    pv_entry_key_derive(&prk, &h, &nonce, &key);
    pv_entry_key_commit(&key, &h.commit);
    pv_buf_append(&ad, "\x71privity/1/body-ad", 18);
    pv_header_put_first_ten(&ad, &h);
    memcpy(seal_key.b, key.b, 32);
    pv_buf_append(&body, nonce.b, 24);
    pv_seal(&seal_key, &nonce, pv_buf_bytes(&ad), pv_bytes(padded, n), pv_buf_extend(&body, n + 16));
    enum pv_err err = pv_body_open(&prk, &h, pv_buf_bytes(&body), &back);
    if (err && back.n) err = PV_OK; /* nothing may be released */
    pv_buf_release(&ad);
    pv_buf_release(&body);
    pv_buf_release(&back);
    return err;
}

static void test_padding(void)
{
    tap_is_int(open_padded("\x48" "8 bytes!\0", 10), PV_OK, "nine bytes are padded to ten");
    tap_is_int(open_padded("\x48" "8 bytes!\1", 10), PV_ERR_NONCANONICAL, "with zero, nothing else");
    tap_is_int(open_padded("\x48" "8 bytes!", 9), PV_ERR_NONCANONICAL, "not left as they are");
    tap_is_int(open_padded("\x48" "8 bytes!\0\0\0", 12), PV_ERR_NONCANONICAL, "and not padded further");
    tap_is_int(open_padded("\x80", 1), PV_OK, "one byte stays");
    tap_is_int(open_padded("\x80\0", 2), PV_ERR_NONCANONICAL, "and is not padded");
    tap_is_int(open_padded("\x48" "8 byte", 7), PV_ERR_TRUNCATED, "an item that does not end");
    tap_is_int(open_padded("\xc1\x00", 2), PV_ERR_MALFORMED, "a tag is no payload");
    tap_is_int(open_padded("\x18\x01", 2), PV_ERR_NONCANONICAL, "nor is a number in another spelling");
    tap_is_int(open_padded("\x81\x81\x81\x81\x81\x81\x81\x81\x81\x00", 10), PV_ERR_LIMIT, "nor deep nesting");
    struct pv_buf big;
    pv_buf_init(&big, 1 << 20);
    payload_of(&big, PV_LIMIT_PAYLOAD_BYTES + 1);
    pv_buf_extend(&big, (size_t)pv_padme(big.n) - big.n);
    tap_is_int(open_padded((const char *)big.p, big.n), PV_ERR_LIMIT, "nor one over the limit");
    pv_buf_release(&big);
}

static void test_seal_errors(void)
{
    struct pv_header h = header;
    struct pv_buf payload, body;
    pv_buf_init(&payload, 1 << 20);
    pv_buf_init(&body, 1 << 20);
    struct pv_bytes big = payload_of(&payload, PV_LIMIT_PAYLOAD_BYTES + 1);
    tap_is_int(pv_body_seal(&prk, &nonce, big, &h, &body), PV_ERR_LIMIT, "a payload over the limit is not sealed");
    tap_is_int(pv_body_seal(&prk, &nonce, pv_bytes("\x80\x80", 2), &h, &body), PV_ERR_MALFORMED, "nor are two items");
    tap_is_int(pv_body_seal(&prk, &nonce, pv_bytes(NULL, 0), &h, &body), PV_ERR_TRUNCATED, "nor nothing");
    tap_ok(body.n == 0 && memcmp(&h, &header, sizeof h) == 0, "and nothing was written");
    struct pv_buf small;
    pv_buf_init(&small, 40);
    tap_is_int(pv_body_seal(&prk, &nonce, pv_bytes("\x80", 1), &h, &small), PV_ERR_LIMIT, "a full buffer says so");
    pv_buf_release(&small);
    pv_buf_release(&payload);
    pv_buf_release(&body);
}

/* Change one thing at a time; all that fits the body is the header that it was sealed for. */
static void test_binding(void)
{
    struct pv_header sealed_for = header, h;
    struct pv_buf body, back;
    struct pv_prk other = prk;
    uint8_t copy[256];
    bool good = true;
    pv_buf_init(&body, 1000);
    pv_buf_init(&back, 1000);
    if (pv_body_seal(&prk, &nonce, pv_bytes("\x65hello", 6), &sealed_for, &body)) abort();
    struct pv_bytes bytes = pv_buf_bytes(&body);
    tap_is_int(pv_body_open(&prk, &sealed_for, bytes, &back), PV_OK, "opens for its header");
    pv_buf_clear(&back);
#define REFUSES(change, what)                                                                                          \
    do {                                                                                                               \
        h = sealed_for;                                                                                                \
        change;                                                                                                        \
        tap_ok(pv_body_open(&prk, &h, bytes, &back) == PV_ERR_BAD_MAC && back.n == 0, "not with another %s", what);    \
    } while (0)
    REFUSES(h.room.b[0] ^= 1, "room");
    REFUSES(h.author.b[31] ^= 1, "author");
    REFUSES(h.n++, "n");
    REFUSES(h.prev.b[5] ^= 1, "prev");
    REFUSES(h.seen_size++, "seen size");
    REFUSES(h.seen_root.b[5] ^= 1, "seen root");
    REFUSES(h.time_ms++, "time");
    REFUSES(h.kind++, "kind");
    REFUSES(h.epoch++, "epoch");
    REFUSES(h.refs_hash.b[9] ^= 1, "refs");
    REFUSES(h.commit.b[9] ^= 1, "commitment");
#undef REFUSES
    for (size_t bit = 0; bit < 8 * bytes.n; bit++) {
        memcpy(copy, bytes.p, bytes.n);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        good &= pv_body_open(&prk, &sealed_for, pv_bytes(copy, bytes.n), &back) == PV_ERR_BAD_MAC && back.n == 0;
    }
    tap_ok(good, "not with any bit flipped");
    good = true;
    for (size_t n = 0; n < bytes.n; n++) {
        enum pv_err want = n <= 40 ? PV_ERR_TRUNCATED : PV_ERR_BAD_MAC;
        good &= pv_body_open(&prk, &sealed_for, pv_bytes(bytes.p, n), &back) == want && back.n == 0;
    }
    tap_ok(good, "not cut at any byte");
    other.b[0] ^= 1;
    tap_is_int(pv_body_open(&other, &sealed_for, bytes, &back), PV_ERR_BAD_MAC, "not with another epoch's secret");

    struct pv_entry_key key;
    pv_entry_key_derive(&prk, &sealed_for, &nonce, &key);
    tap_is_int(pv_body_open_with_key(&key, &sealed_for, bytes, &back), PV_OK, "opens with K alone");
    tap_is_bytes(back.p, back.n, "\x65hello", 6, "to the payload");
    key.b[3] ^= 1;
    tap_is_int(pv_body_open_with_key(&key, &sealed_for, bytes, &back), PV_ERR_BAD_MAC, "not with another K");
    pv_buf_release(&body);
    pv_buf_release(&back);
}

int main(void)
{
    set_up();
    test_padme();
    test_derivations();
    test_round_trip();
    test_same_as_by_hand();
    test_padding();
    test_seal_errors();
    test_binding();
    return tap_done();
}
