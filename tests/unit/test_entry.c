/* Entries: exact bytes, signature, every field rule, and every way to spell the same entry otherwise. */
#include "core/log/entry.h"

#include "core/base/limits.h"
#include "core/crypto/hash.h"
#include "tests/tap.h"

static struct pv_sign_sk sk;
static struct pv_sign_pk pk;
static struct pv_header plain_header; /* kind 2, all fields set */
static uint8_t entry_memory[PV_LIMIT_ENTRY_BYTES];
static struct pv_bytes entry_bytes;

static void fill(struct pv_hash *hash, uint8_t byte)
{
    memset(hash->b, byte, sizeof hash->b);
}

static void set_up(void)
{
    struct pv_sign_seed seed = {{1, 2, 3}};
    struct pv_buf buf;
    if (pv_crypto_init()) abort();
    pv_sign_from_seed(&seed, &sk, &pk);
    struct pv_header *h = &plain_header;
    fill(&h->room, 0x11);
    fill(&h->author, 0x22);
    h->n = 7;
    fill(&h->prev, 0x33);
    h->seen_size = 300;
    fill(&h->seen_root, 0x44);
    h->time_ms = 1760000000000;
    h->kind = PV_KIND_TALK;
    h->epoch = 24;
    fill(&h->refs_hash, 0x55);
    fill(&h->body_hash, 0x66);
    fill(&h->commit, 0x77);
    pv_buf_init_fixed(&buf, entry_memory, sizeof entry_memory);
    if (pv_entry_make(h, &sk, &buf)) abort();
    entry_bytes = pv_buf_bytes(&buf);
}

static bool same_header(const struct pv_header *a, const struct pv_header *b)
{
    return pv_hash_equal(&a->room, &b->room) && pv_hash_equal(&a->author, &b->author) && a->n == b->n &&
           pv_hash_equal(&a->prev, &b->prev) && a->seen_size == b->seen_size &&
           pv_hash_equal(&a->seen_root, &b->seen_root) && a->time_ms == b->time_ms && a->kind == b->kind &&
           a->epoch == b->epoch && pv_hash_equal(&a->refs_hash, &b->refs_hash) &&
           pv_hash_equal(&a->body_hash, &b->body_hash) && pv_hash_equal(&a->commit, &b->commit);
}

#define X4(s) s s s s
#define X32(s) X4(X4(s s))

static void test_bytes(void)
{
    static const char want_header[] =
        "\x8c\x01\x58\x20" X32("\x11") "\x58\x20" X32("\x22") "\x07\x58\x20" X32("\x33") "\x82\x19\x01\x2c\x58\x20" X32(
            "\x44") "\x1b\x00\x00\x01\x99\xc8\x2c\xc0\x00\x02\x18\x18\x58\x20" X32("\x55") "\x58\x20" X32("\x66") "\x58\x20"
        X32("\x77");
    static const char want_first_ten_end[] = "\x02\x18\x18\x58\x20" X32("\x55");
    uint8_t memory[512];
    struct pv_buf buf;
    pv_buf_init_fixed(&buf, memory, sizeof memory);
    pv_header_put(&buf, &plain_header);
    tap_is_bytes(buf.p, buf.n, want_header, sizeof want_header - 1, "a header's bytes");
    tap_is_int(entry_bytes.p[0], 0x82, "an entry is an array of two");
    tap_is_bytes(entry_bytes.p + 1, buf.n, want_header, sizeof want_header - 1, "first the header");
    tap_is_int((long long)entry_bytes.n, (long long)(1 + buf.n + 2 + 64), "then 64 bytes of signature");
    size_t header_bytes = buf.n;
    pv_buf_clear(&buf);
    pv_header_put_first_ten(&buf, &plain_header);
    size_t end = sizeof want_first_ten_end - 1;
    tap_ok(buf.n == header_bytes - 68 && memory[0] == 0x8a && memcmp(memory + 1, want_header + 1, buf.n - 1) == 0,
           "the first ten fields are an array of their own");
    tap_is_bytes(memory + buf.n - end, end, want_first_ten_end, end, "that ends with the hash of refs");
}

static void test_read_and_verify(void)
{
    struct pv_entry entry;
    if (!tap_is_int(pv_entry_read(entry_bytes, &entry), PV_OK, "an entry reads")) return;
    tap_ok(same_header(&entry.header, &plain_header), "with all its fields");
    tap_is_int(pv_entry_verify(&entry, &pk), PV_OK, "its signature verifies");
    struct pv_entry changed = entry;
    changed.header.time_ms++;
    tap_is_int(pv_entry_verify(&changed, &pk), PV_ERR_BAD_SIG, "not with another time");
    changed = entry;
    changed.sig.b[63] ^= 0x20;
    tap_is_int(pv_entry_verify(&changed, &pk), PV_ERR_BAD_SIG, "not with another signature");
    struct pv_sign_seed other_seed = {{9}};
    struct pv_sign_sk other_sk;
    struct pv_sign_pk other_pk;
    pv_sign_from_seed(&other_seed, &other_sk, &other_pk);
    tap_is_int(pv_entry_verify(&entry, &other_pk), PV_ERR_BAD_SIG, "not under another key");
}

/* Whatever is accepted encodes to the very bytes that were read. */
static bool accepted_only_as_is(struct pv_bytes bytes)
{
    struct pv_entry entry;
    uint8_t memory[PV_LIMIT_ENTRY_BYTES];
    struct pv_buf buf;
    memset(&entry, 0xa5, sizeof entry);
    if (pv_entry_read(bytes, &entry)) {
        struct pv_entry untouched;
        memset(&untouched, 0xa5, sizeof untouched);
        return memcmp(&entry, &untouched, sizeof entry) == 0;
    }
    pv_buf_init_fixed(&buf, memory, sizeof memory);
    pv_cbor_put_array(&buf, 2);
    pv_header_put(&buf, &entry.header);
    pv_cbor_put_bytes(&buf, entry.sig.b, sizeof entry.sig.b);
    return !buf.err && pv_bytes_equal(pv_buf_bytes(&buf), bytes);
}

static void test_damage(void)
{
    uint8_t copy[PV_LIMIT_ENTRY_BYTES + 8];
    struct pv_entry entry;
    bool truncated = true, same = true, verified = false;
    for (size_t n = 0; n < entry_bytes.n; n++) {
        memcpy(copy, entry_bytes.p, n);
        truncated &= pv_entry_read(pv_bytes(copy, n), &entry) == PV_ERR_TRUNCATED;
    }
    tap_ok(truncated, "cut at every byte, an entry is truncated");
    for (size_t bit = 0; bit < 8 * entry_bytes.n; bit++) {
        memcpy(copy, entry_bytes.p, entry_bytes.n);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct pv_bytes bytes = pv_bytes(copy, entry_bytes.n);
        same &= accepted_only_as_is(bytes);
        if (bit % 37 == 0 && !pv_entry_read(bytes, &entry)) verified |= !pv_entry_verify(&entry, &pk);
    }
    tap_ok(same, "with any bit flipped, an entry is refused or another entry");
    tap_ok(!verified, "and then its signature does not verify");
    memcpy(copy, entry_bytes.p, entry_bytes.n);
    copy[entry_bytes.n] = 0;
    tap_is_int(pv_entry_read(pv_bytes(copy, entry_bytes.n + 1), &entry), PV_ERR_MALFORMED, "one byte more is refused");
    tap_is_int(pv_entry_read(pv_bytes(copy, PV_LIMIT_ENTRY_BYTES + 1), &entry), PV_ERR_LIMIT, "as is one over the limit");
}

/* The entry with the `n` bytes at `at` replaced. */
static enum pv_err read_with(size_t at, size_t n, const char *with, size_t with_n)
{
    uint8_t copy[PV_LIMIT_ENTRY_BYTES + 32];
    struct pv_entry entry;
    memcpy(copy, entry_bytes.p, at);
    memcpy(copy + at, with, with_n);
    memcpy(copy + at + with_n, entry_bytes.p + at + n, entry_bytes.n - at - n);
    return pv_entry_read(pv_bytes(copy, entry_bytes.n - n + with_n), &entry);
}

#define WITH(at, n, with) read_with(at, n, with, sizeof with - 1)

static void test_spelling(void)
{
    enum { VERSION_AT = 2, N_AT = 71, PREV_AT = 72, SEEN_AT = 106, TIME_AT = 144, KIND_AT = 153, EPOCH_AT = 154 };
    tap_is_int(WITH(N_AT, 1, "\x07"), PV_OK, "(the offsets of this test are right)");
    tap_is_int(WITH(N_AT, 1, "\x18\x07"), PV_ERR_NONCANONICAL, "n in two bytes instead of one");
    tap_is_int(WITH(EPOCH_AT, 2, "\x19\x00\x18"), PV_ERR_NONCANONICAL, "epoch in three bytes instead of two");
    tap_is_int(WITH(SEEN_AT + 1, 3, "\x1a\x00\x00\x01\x2c"), PV_ERR_NONCANONICAL, "size in five bytes instead of three");
    tap_is_int(WITH(PREV_AT, 2, "\x59\x00\x20"), PV_ERR_NONCANONICAL, "a long head on a hash");
    tap_is_int(WITH(0, 1, "\x98\x02"), PV_ERR_NONCANONICAL, "a long head on the entry");
    tap_is_int(WITH(0, 1, "\x9f"), PV_ERR_NONCANONICAL, "an indefinite array");
    tap_is_int(WITH(0, 1, "\xc1\x82"), PV_ERR_MALFORMED, "a tag");
    tap_is_int(WITH(N_AT, 1, "\x27"), PV_ERR_MALFORMED, "a negative n");
    tap_is_int(WITH(N_AT, 1, "\xf6"), PV_ERR_MALFORMED, "null for n");
    tap_is_int(WITH(N_AT, 1, "\xf9\x47\x00"), PV_ERR_MALFORMED, "a float for n");
    tap_is_int(WITH(PREV_AT, 2, "\x78\x20"), PV_ERR_MALFORMED, "text for a hash");
    tap_is_int(WITH(N_AT, 1, "\x00"), PV_ERR_MALFORMED, "n is at least 1");
    tap_is_int(WITH(N_AT, 1, "\x1b\x00\x20\x00\x00\x00\x00\x00\x00"), PV_OK, "n may be 2^53");
    tap_is_int(WITH(N_AT, 1, "\x1b\x00\x20\x00\x00\x00\x00\x00\x01"), PV_ERR_LIMIT, "and not more");
    tap_is_int(WITH(TIME_AT, 9, "\x1b\xff\xff\xff\xff\xff\xff\xff\xff"), PV_ERR_LIMIT, "a time over the limit");
    tap_is_int(WITH(VERSION_AT, 1, "\x02"), PV_ERR_UNSUPPORTED, "another version is unsupported");
    tap_is_int(WITH(1, 1, "\x8d\x02\x03"), PV_ERR_MALFORMED, "but only where the rest is well-formed");
    tap_is_int(WITH(1, 2, "\x8d\x02\x03"), PV_ERR_UNSUPPORTED, "whatever its fields are");
    tap_is_int(WITH(1, 2, "\x8d\x01\x03"), PV_ERR_MALFORMED, "version 1 has twelve");
    tap_is_int(WITH(KIND_AT, 1, "\x05"), PV_ERR_UNSUPPORTED, "another kind is unsupported");
    tap_is_int(WITH(KIND_AT, 1, "\x03"), PV_OK, "kind 3 is as kind 2");
    tap_is_int(WITH(KIND_AT, 1, "\x00"), PV_ERR_MALFORMED, "kind 0 with a commitment");
    tap_is_int(WITH(SEEN_AT + 1, 3, "\x00"), PV_ERR_MALFORMED, "size 0 with a root of something");
}

/* Read `header` as an entry. */
static enum pv_err read_header(const struct pv_header *header)
{
    struct pv_buf buf;
    struct pv_entry entry;
    pv_buf_init(&buf, PV_LIMIT_ENTRY_BYTES);
    enum pv_err err = pv_entry_make(header, &sk, &buf);
    if (err) abort();
    err = pv_entry_read(pv_buf_bytes(&buf), &entry);
    if (!err && !same_header(header, &entry.header)) abort();
    pv_buf_release(&buf);
    return err;
}

static void test_rules(void)
{
    struct pv_header h = plain_header;
    struct pv_hash zero = {{0}}, one = {{1}}, empty_root;
    pv_sha256(pv_bytes(NULL, 0), &empty_root);

    h.commit = zero;
    h.kind = PV_KIND_ROSTER;
    tap_is_int(read_header(&h), PV_OK, "a roster entry has an epoch and no commitment");
    h.kind = PV_KIND_SIGN;
    tap_is_int(read_header(&h), PV_ERR_MALFORMED, "a sign has no epoch");
    h.epoch = 0;
    tap_is_int(read_header(&h), PV_OK, "but epoch 0");
    h.commit = one;
    tap_is_int(read_header(&h), PV_ERR_MALFORMED, "and no commitment");
    h.kind = PV_KIND_SERVER;
    tap_is_int(read_header(&h), PV_ERR_MALFORMED, "nor has the server's");
    h.commit = zero;
    tap_is_int(read_header(&h), PV_OK, "whose epoch is 0");
    h.epoch = 1;
    tap_is_int(read_header(&h), PV_ERR_MALFORMED, "and not 1");

    h = plain_header;
    h.seen_size = 0;
    h.seen_root = empty_root;
    tap_is_int(read_header(&h), PV_OK, "nothing seen is size 0 and the empty root");

    struct pv_header genesis = {.author = one, .n = 1, .seen_root = empty_root, .time_ms = 5};
    tap_is_int(read_header(&genesis), PV_OK, "a genesis has no room");
    h = genesis;
    h.n = 2;
    tap_is_int(read_header(&h), PV_ERR_MALFORMED, "is its author's first");
    h = genesis;
    h.prev = one;
    tap_is_int(read_header(&h), PV_ERR_MALFORMED, "links to nothing");
    h = genesis;
    h.epoch = 1;
    tap_is_int(read_header(&h), PV_ERR_MALFORMED, "is of epoch 0");
    h = genesis;
    h.seen_size = 1;
    tap_is_int(read_header(&h), PV_ERR_MALFORMED, "has seen nothing");
    h = genesis;
    h.kind = PV_KIND_WORK;
    tap_is_int(read_header(&h), PV_ERR_MALFORMED, "and is a roster entry");
    h = plain_header;
    h.n = h.seen_size = h.time_ms = h.epoch = PV_LIMIT_N;
    tap_is_int(read_header(&h), PV_OK, "the largest numbers fit");
}

static void test_refs(void)
{
    struct pv_buf buf;
    struct pv_id16 names[PV_LIMIT_REFS + 1], name;
    size_t count = 77;
    bool good = true;
    pv_buf_init(&buf, 1 << 16);
    for (size_t i = 0; i < PV_LIMIT_REFS + 1; i++) memset(names[i].b, (int)(i * 31 % 251), sizeof names[i].b);
    for (size_t n = 0; n <= PV_LIMIT_REFS; n += n < 300 ? 1 : 181) {
        pv_buf_clear(&buf);
        pv_refs_put(&buf, names, n);
        good &= !pv_refs_check(pv_buf_bytes(&buf), &count) && count == n;
        for (size_t i = 0; i < n; i++) {
            pv_refs_at(pv_buf_bytes(&buf), i, &name);
            good &= pv_id16_equal(&name, &names[i]);
        }
    }
    tap_ok(good, "refs of every count come back by their place");
    pv_buf_clear(&buf);
    pv_refs_put(&buf, names, PV_LIMIT_REFS + 1);
    tap_is_int(pv_refs_check(pv_buf_bytes(&buf), &count), PV_ERR_LIMIT, "refs over the limit are refused");
    pv_buf_clear(&buf);
    pv_refs_put(&buf, names, 3);
    good = true;
    for (size_t n = 0; n < buf.n; n++) good &= pv_refs_check(pv_bytes(buf.p, n), &count) == PV_ERR_TRUNCATED;
    tap_ok(good, "as are truncated ones");
    buf.p[1] = 0x4f;
    tap_is_int(pv_refs_check(pv_buf_bytes(&buf), &count), PV_ERR_MALFORMED, "and names of another length");
    tap_is_int(pv_refs_check(pv_bytes("\x80\x80", 2), &count), PV_ERR_MALFORMED, "and trailing bytes");
    pv_buf_release(&buf);
}

/* H(label; item) with everything spelt out. */
static void by_hand(const char *label, struct pv_bytes item, struct pv_hash *ret_hash)
{
    struct pv_sha256 sha;
    uint8_t head = (uint8_t)(0x60 + strlen(label));
    pv_sha256_init(&sha);
    pv_sha256_update(&sha, &head, 1);
    pv_sha256_update(&sha, label, strlen(label));
    pv_sha256_update(&sha, item.p, item.n);
    pv_sha256_final(&sha, ret_hash);
}

static void test_hashes(void)
{
    struct pv_hash got, want;
    struct pv_sha256 sha;
    pv_entry_leaf(entry_bytes, &got);
    pv_sha256_init(&sha);
    pv_sha256_update(&sha, "\0", 1);
    pv_sha256_update(&sha, entry_bytes.p, entry_bytes.n);
    pv_sha256_final(&sha, &want);
    tap_is_bytes(got.b, 32, want.b, 32, "a leaf is SHA-256 of 00 and the entry");
    pv_body_hash(pv_bytes("hello", 5), &got);
    by_hand("privity/1/body", pv_bytes("\x45hello", 6), &want);
    tap_is_bytes(got.b, 32, want.b, 32, "a body's hash");
    pv_entry_room_id(pv_bytes("hello", 5), &got);
    by_hand("privity/1/room", pv_bytes("\x45hello", 6), &want);
    tap_is_bytes(got.b, 32, want.b, 32, "a room id");
    pv_refs_hash(pv_bytes("\x80", 1), &got);
    by_hand("privity/1/refs", pv_bytes("\x80", 1), &want);
    tap_is_bytes(got.b, 32, want.b, 32, "the hash of no refs");

    struct pv_device device = {.kem_hash = {{7}}}, back;
    uint8_t memory[128];
    struct pv_buf buf;
    struct pv_cbor in;
    device.sign_pk = pk;
    pv_buf_init_fixed(&buf, memory, sizeof memory);
    pv_device_put(&buf, &device);
    pv_device_id(&device, &got);
    by_hand("privity/1/device", pv_buf_bytes(&buf), &want);
    tap_is_bytes(got.b, 32, want.b, 32, "a device id");
    tap_is_int((long long)buf.n, 70, "a device's length");
    pv_cbor_init(&in, pv_buf_bytes(&buf));
    pv_device_get(&in, &back);
    tap_ok(!pv_cbor_finish(&in) && memcmp(&back, &device, sizeof back) == 0, "a device reads back");
    memory[1] = 2;
    pv_cbor_init(&in, pv_buf_bytes(&buf));
    pv_device_get(&in, &back);
    tap_is_int(pv_cbor_finish(&in), PV_ERR_UNSUPPORTED, "a device of another version is unsupported");

    memcpy(memory, "\x58\x20", 2);
    memcpy(memory + 2, pk.b, sizeof pk.b);
    pv_log_key_id(&pk, &got);
    by_hand("privity/1/log-key", pv_bytes(memory, 34), &want);
    tap_is_bytes(got.b, 32, want.b, 32, "the id of a log key");
}

static void test_bundle(void)
{
    static const char beside[] = "\x83\x80\x80\x81\x41\x01";
    struct pv_bundle bundle = {entry_bytes, pv_bytes("\x80", 1), pv_bytes("body", 4), pv_bytes(beside, 6)}, back;
    struct pv_buf buf;
    struct pv_cbor in;
    bool truncated = true;
    pv_buf_init(&buf, 4096);
    pv_bundle_put(&buf, &bundle);
    pv_cbor_init(&in, pv_buf_bytes(&buf));
    pv_bundle_get(&in, &back);
    tap_ok(!pv_cbor_finish(&in) && pv_bytes_equal(back.entry, bundle.entry) && pv_bytes_equal(back.refs, bundle.refs) &&
               pv_bytes_equal(back.body, bundle.body) && pv_bytes_equal(back.beside, bundle.beside),
           "a bundle reads back");
    for (size_t n = 0; n < buf.n; n++) {
        pv_cbor_init(&in, pv_bytes(buf.p, n));
        pv_bundle_get(&in, &back);
        truncated &= pv_cbor_finish(&in) == PV_ERR_TRUNCATED && back.beside.n == 0;
    }
    tap_ok(truncated, "cut at every byte, a bundle is truncated");
    pv_buf_release(&buf);
}

static void test_make_errors(void)
{
    struct pv_buf buf;
    pv_buf_init(&buf, 100);
    tap_is_int(pv_entry_make(&plain_header, &sk, &buf), PV_ERR_LIMIT, "a buffer that is too small says so");
    pv_buf_release(&buf);
}

int main(void)
{
    set_up();
    test_bytes();
    test_read_and_verify();
    test_damage();
    test_spelling();
    test_rules();
    test_refs();
    test_hashes();
    test_bundle();
    test_make_errors();
    return tap_done();
}
