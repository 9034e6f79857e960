/* Checkpoints and proofs: bytes made by hand from C2SP's words, every kind of damage, and notes of other rooms. */
#include "core/log/checkpoint.h"

#include "core/base/base64.h"
#include "core/base/lines.h"
#include "core/crypto/hash.h"
#include "tests/tap.h"

#define SERVER "rooms.example.org"
#define DASH "\xe2\x80\x94 "

static struct pv_sign_sk sk, other_sk;
static struct pv_sign_pk pk, other_pk;
static struct pv_hash room;
static struct pv_checkpoint checkpoint = {.size = 1234567, .time_s = 1760000000};
static struct pv_buf note;

static void key_id(const char *name, uint8_t type, const struct pv_sign_pk *key, uint8_t ret_id[4])
{
    struct pv_buf buf;
    struct pv_hash hash;
    pv_buf_init(&buf, 1000);
    pv_text_put(&buf, name);
    pv_text_put(&buf, "\n");
    pv_buf_append_byte(&buf, type);
    pv_buf_append(&buf, key->b, 32);
    pv_sha256(pv_buf_bytes(&buf), &hash);
    memcpy(ret_id, hash.b, 4);
    pv_buf_release(&buf);
}

/* The note of Go's golang.org/x/mod/sumdb/note documentation: our key id and signature rules are its. */
static void test_known_note(void)
{
    static const char text[] = "If you think cryptography is the answer to your problem,\n"
                               "then you don't know what your problem is.\n";
    static const char key_text[] = "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    static const char sig_text[] = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJ"
                                   "nAM=";
    uint8_t key[33], signature[68], id[4];
    struct pv_sign_pk peter;
    struct pv_sig sig;
    if (pv_base64_decode_fixed(PV_BASE64_STANDARD, pv_bytes_of_string(key_text), key, sizeof key) ||
        pv_base64_decode_fixed(PV_BASE64_STANDARD, pv_bytes_of_string(sig_text), signature, sizeof signature))
        abort();
    memcpy(peter.b, key + 1, 32);
    memcpy(sig.b, signature + 4, 64);
    key_id("PeterNeumann", key[0], &peter, id);
    tap_is_bytes(id, 4, signature, 4, "a key id is what Go's note package says");
    tap_is_int(pv_verify_raw(&peter, pv_bytes(text, sizeof text - 1), &sig), PV_OK, "its signature verifies");
}

static void put_line(struct pv_buf *buf, const char *origin, const uint8_t *p, size_t n)
{
    pv_text_put(buf, DASH);
    pv_text_put(buf, origin);
    pv_text_put(buf, " ");
    pv_base64_put(buf, PV_BASE64_STANDARD, pv_bytes(p, n));
    pv_text_put(buf, "\n");
}

/* A note of any text, signed as checkpoints are. */
static void by_hand(const char *origin, const char *text, uint64_t time_s, const struct pv_sign_sk *key,
                    const struct pv_sign_pk *key_pk, struct pv_buf *ret_note)
{
    struct pv_buf message;
    struct pv_sig sig;
    uint8_t plain[68], cosigned[76];
    char head[64];
    pv_buf_init(&message, 4096);
    pv_sign_raw(key, pv_bytes_of_string(text), &sig);
    key_id(origin, 1, key_pk, plain);
    memcpy(plain + 4, sig.b, 64);
    snprintf(head, sizeof head, "cosignature/v1\ntime %llu\n", (unsigned long long)time_s);
    pv_text_put(&message, head);
    pv_text_put(&message, text);
    pv_sign_raw(key, pv_buf_bytes(&message), &sig);
    key_id(origin, 4, key_pk, cosigned);
    for (int i = 0; i < 8; i++) cosigned[4 + i] = (uint8_t)(time_s >> (56 - 8 * i));
    memcpy(cosigned + 12, sig.b, 64);
    pv_buf_clear(ret_note);
    pv_text_put(ret_note, text);
    pv_text_put(ret_note, "\n");
    put_line(ret_note, origin, plain, sizeof plain);
    put_line(ret_note, origin, cosigned, sizeof cosigned);
    pv_buf_release(&message);
}

static void origin_of(const char *server, char ret_origin[400])
{
    char hex[65];
    pv_hex_encode(room.b, 32, hex);
    snprintf(ret_origin, 400, "%s/room/%s", server, hex);
}

static void set_up(void)
{
    struct pv_sign_seed seed = {{4, 5, 6}}, other = {{7}};
    if (pv_crypto_init()) abort();
    pv_sign_from_seed(&seed, &sk, &pk);
    pv_sign_from_seed(&other, &other_sk, &other_pk);
    for (size_t i = 0; i < 32; i++) room.b[i] = (uint8_t)(0xf0 - 7 * i);
    memset(checkpoint.root.b, 0x7b, 32);
    pv_buf_init(&note, 4096);
}

static bool untouched(const struct pv_checkpoint *c)
{
    return c->size == 77 && c->time_s == 77;
}

static enum pv_err open_note(struct pv_bytes bytes, struct pv_checkpoint *ret_checkpoint)
{
    *ret_checkpoint = (struct pv_checkpoint){.size = 77, .time_s = 77};
    enum pv_err err = pv_checkpoint_open(bytes, SERVER, &room, &pk, ret_checkpoint);
    return err && !untouched(ret_checkpoint) ? PV_OK : err;
}

static void test_make_and_open(void)
{
    struct pv_buf want;
    struct pv_checkpoint back;
    char origin[400], text[600];
    pv_buf_init(&want, 4096);
    origin_of(SERVER, origin);
    snprintf(text, sizeof text, "%s\n1234567\ne3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3s=\n", origin);
    by_hand(origin, text, checkpoint.time_s, &sk, &pk, &want);
    if (!tap_is_int(pv_checkpoint_make(SERVER, &room, &checkpoint, &sk, &pk, &note), PV_OK, "a note is made")) return;
    tap_is_bytes(note.p, note.n, want.p, want.n, "byte for byte as by hand");
    tap_is_int(open_note(pv_buf_bytes(&note), &back), PV_OK, "it opens");
    tap_ok(back.size == checkpoint.size && back.time_s == checkpoint.time_s &&
               pv_hash_equal(&back.root, &checkpoint.root),
           "to size, root and time");
    back = (struct pv_checkpoint){.size = 0};
    tap_ok(!pv_checkpoint_peek(pv_buf_bytes(&note), &back) && back.size == checkpoint.size &&
               back.time_s == checkpoint.time_s && pv_hash_equal(&back.root, &checkpoint.root),
           "and so it peeks");
    pv_buf_release(&want);
}

/* Less what its reader knows, and back. */
static void test_packed(void)
{
    struct pv_packed_note packed, again;
    struct pv_buf encoded, back;
    struct pv_cbor in;
    pv_buf_init(&encoded, 512);
    pv_buf_init(&back, PV_LIMIT_NOTE_BYTES);
    tap_is_int(pv_note_pack(pv_buf_bytes(&note), &packed), PV_OK, "a note is packed");
    pv_packed_note_put(&encoded, &packed);
    tap_ok(encoded.err == PV_OK && encoded.n < 200, "into less than 200 bytes");
    pv_cbor_init(&in, pv_buf_bytes(&encoded));
    pv_packed_note_get(&in, &again);
    tap_is_int(pv_cbor_finish(&in), PV_OK, "read");
    tap_ok(again.checkpoint.time_s == checkpoint.time_s && again.checkpoint.size == checkpoint.size, "with its time");
    tap_is_int(pv_note_unpack(&again, SERVER, &room, &back), PV_OK, "and unpacked");
    tap_is_bytes(back.p, back.n, note.p, note.n, "to the same bytes");
    tap_is_int(pv_note_pack(pv_bytes(note.p, note.n - 1), &packed), PV_ERR_TRUNCATED, "one that is cut is not packed");
    tap_is_int(pv_note_unpack(&again, "two words", &room, &back), PV_ERR_MALFORMED, "nor unpacked under what is no name");
    pv_buf_release(&encoded);
    pv_buf_release(&back);
}

static void test_wrong_views(void)
{
    struct pv_checkpoint back;
    struct pv_hash other_room = room;
    struct pv_bytes bytes = pv_buf_bytes(&note);
    other_room.b[31] ^= 1;
    tap_is_int(pv_checkpoint_open(bytes, "rooms.example.com", &room, &pk, &back), PV_ERR_BROKEN_CHAIN, "another server");
    tap_is_int(pv_checkpoint_open(bytes, SERVER, &other_room, &pk, &back), PV_ERR_BROKEN_CHAIN, "another room");
    tap_is_int(pv_checkpoint_open(bytes, SERVER, &room, &other_pk, &back), PV_ERR_BAD_SIG, "another log key");
    tap_is_int(pv_checkpoint_open(bytes, "a b", &room, &pk, &back), PV_ERR_MALFORMED, "no server name");
}

static void test_damage(void)
{
    uint8_t copy[PV_LIMIT_NOTE_BYTES + 8];
    struct pv_checkpoint back;
    bool truncated = true, refused = true;
    for (size_t n = 0; n < note.n; n++) truncated &= open_note(pv_bytes(note.p, n), &back) == PV_ERR_TRUNCATED;
    tap_ok(truncated, "cut at every byte, a note is truncated");
    for (size_t bit = 0; bit < 8 * note.n; bit++) {
        memcpy(copy, note.p, note.n);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refused &= open_note(pv_bytes(copy, note.n), &back) != PV_OK;
    }
    tap_ok(refused, "with any bit flipped, a note is refused");
    memcpy(copy, note.p, note.n);
    memcpy(copy + note.n, "\n", 1);
    tap_is_int(open_note(pv_bytes(copy, note.n + 1), &back), PV_ERR_MALFORMED, "nothing follows");
    tap_is_int(open_note(pv_bytes(copy, sizeof copy), &back), PV_ERR_LIMIT, "no note is over the limit");
}

/* A well-signed note of these lines. */
static enum pv_err open_lines(const char *server, const char *size, const char *root, uint64_t time_s)
{
    char origin[400], text[800];
    struct pv_buf made;
    struct pv_checkpoint back;
    pv_buf_init(&made, 4096);
    origin_of(server, origin);
    snprintf(text, sizeof text, "%s\n%s\n%s\n", origin, size, root);
    by_hand(origin, text, time_s, &sk, &pk, &made);
    enum pv_err err = open_note(pv_buf_bytes(&made), &back);
    pv_buf_release(&made);
    return err;
}

static void test_spelling(void)
{
    static const char root[] = "e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3s=";
    tap_is_int(open_lines(SERVER, "1", root, 1), PV_OK, "(the test's notes open)");
    tap_is_int(open_lines(SERVER, "01", root, 1), PV_ERR_NONCANONICAL, "a size with a leading zero");
    tap_is_int(open_lines(SERVER, "+1", root, 1), PV_ERR_MALFORMED, "a size with a sign");
    tap_is_int(open_lines(SERVER, "-1", root, 1), PV_ERR_MALFORMED, "a negative size");
    tap_is_int(open_lines(SERVER, "", root, 1), PV_ERR_MALFORMED, "no size");
    tap_is_int(open_lines(SERVER, "0", root, 1), PV_ERR_MALFORMED, "size 0 is never signed");
    tap_is_int(open_lines(SERVER, "9007199254740992", root, 1), PV_OK, "the largest size");
    tap_is_int(open_lines(SERVER, "9007199254740993", root, 1), PV_ERR_LIMIT, "one more");
    tap_is_int(open_lines(SERVER, "18446744073709551617", root, 1), PV_ERR_LIMIT, "2^64 + 1 is not 1");
    tap_is_int(open_lines(SERVER, "1", "e3t7", 1), PV_ERR_MALFORMED, "a short root");
    tap_is_int(open_lines(SERVER, "1", "e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t=", 1), PV_ERR_NONCANONICAL,
               "a root with bits left over");
    tap_is_int(open_lines(SERVER, "1\nextra", root, 1), PV_ERR_MALFORMED, "an extension line");
    tap_is_int(open_lines(SERVER, "1", root, PV_CHECKPOINT_TIME_MAX_S), PV_OK, "the latest time");
    tap_is_int(open_lines(SERVER, "1", root, PV_CHECKPOINT_TIME_MAX_S + 1), PV_ERR_LIMIT, "one later");
    tap_is_int(open_lines("rooms.example.com", "1", root, 1), PV_ERR_BROKEN_CHAIN, "another server's note");
}

/* Signature lines left out, doubled, swapped, or half by another key. */
static void test_signatures(void)
{
    struct pv_buf made, other;
    struct pv_checkpoint back;
    char origin[400], text[600];
    origin_of(SERVER, origin);
    snprintf(text, sizeof text, "%s\n1234567\ne3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3s=\n", origin);
    pv_buf_init(&made, 4096);
    pv_buf_init(&other, 4096);
    by_hand(origin, text, checkpoint.time_s, &other_sk, &pk, &other);
    size_t text_n = strlen(text) + 1;
    const uint8_t *plain = note.p + text_n, *cosigned = (const uint8_t *)memchr(plain, '\n', note.n - text_n) + 1;
    size_t plain_n = (size_t)(cosigned - plain), cosigned_n = (size_t)(note.p + note.n - cosigned);
#define NOTE_OF(a, a_n, b, b_n, want, what)                                                                            \
    do {                                                                                                               \
        pv_buf_clear(&made);                                                                                           \
        pv_buf_append(&made, note.p, text_n);                                                                          \
        pv_buf_append(&made, a, a_n);                                                                                  \
        pv_buf_append(&made, b, b_n);                                                                                  \
        tap_is_int(open_note(pv_buf_bytes(&made), &back), want, what);                                                 \
    } while (0)
    NOTE_OF(plain, plain_n, cosigned, cosigned_n, PV_OK, "both signatures hold");
    NOTE_OF(plain, plain_n, cosigned, 0, PV_ERR_TRUNCATED, "the cosignature is missing");
    NOTE_OF(plain, 0, cosigned, cosigned_n, PV_ERR_LIMIT, "the plain signature is missing");
    NOTE_OF(cosigned, cosigned_n, plain, plain_n, PV_ERR_LIMIT, "they are swapped");
    NOTE_OF(plain, plain_n, plain, plain_n, PV_ERR_MALFORMED, "the plain one is doubled");
    NOTE_OF(other.p + text_n, plain_n, cosigned, cosigned_n, PV_ERR_BAD_SIG, "the plain one does not hold");
    NOTE_OF(plain, plain_n, other.p + text_n + plain_n, cosigned_n, PV_ERR_BAD_SIG, "the cosignature does not hold");
#undef NOTE_OF
    pv_buf_release(&made);
    pv_buf_release(&other);
}

static void test_names(void)
{
    char longest[257];
    struct pv_buf made;
    struct pv_checkpoint back;
    memset(longest, 'x', 256);
    longest[256] = '\0';
    pv_buf_init(&made, 4096);
    tap_is_int(pv_checkpoint_make(longest, &room, &checkpoint, &sk, &pk, &made), PV_ERR_MALFORMED, "a name too long");
    longest[255] = '\0';
    struct pv_checkpoint largest = {.size = PV_LIMIT_N, .time_s = PV_CHECKPOINT_TIME_MAX_S};
    tap_ok(!pv_checkpoint_make(longest, &room, &largest, &sk, &pk, &made) &&
               !pv_checkpoint_open(pv_buf_bytes(&made), longest, &room, &pk, &back) && back.size == largest.size,
           "the longest name's largest note is within the limit");
    static const char *const bad[] = {"", "a b", "a\nb", "a+b", "a\tb", "a\x7f", "b\xc3\xbc", "\x01"};
    bool refused = true;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pv_buf_clear(&made);
        refused &= pv_checkpoint_make(bad[i], &room, &checkpoint, &sk, &pk, &made) == PV_ERR_MALFORMED && made.n == 0;
    }
    tap_ok(refused, "names that a note cannot carry are refused");
    largest.size = 0;
    tap_is_int(pv_checkpoint_make(SERVER, &room, &largest, &sk, &pk, &made), PV_ERR_MALFORMED, "size 0 is not signed");
    largest.size = PV_LIMIT_N + 1;
    tap_is_int(pv_checkpoint_make(SERVER, &room, &largest, &sk, &pk, &made), PV_ERR_LIMIT, "nor one over the limit");
    pv_buf_release(&made);
}

static void test_proof(void)
{
    struct pv_buf proof, again;
    struct pv_merkle_proof inclusion = {.count = 2}, back;
    struct pv_bytes back_note;
    uint64_t index = 77;
    memset(inclusion.hashes[0].b, 0x7b, 32);
    memset(inclusion.hashes[1].b, 0x00, 32);
    pv_buf_init(&proof, 1 << 16);
    pv_buf_init(&again, 1 << 16);
    if (pv_proof_make(42, &inclusion, pv_buf_bytes(&note), &proof)) abort();
    static const char head[] = "c2sp.org/tlog-proof@v1\nindex 42\n"
                               "e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3t7e3s=\n"
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n";
    tap_is_bytes(proof.p, sizeof head - 1, head, sizeof head - 1, "a proof's lines");
    tap_is_bytes(proof.p + sizeof head - 1, proof.n - sizeof head + 1, note.p, note.n, "then its checkpoint");
    tap_is_int(pv_proof_read(pv_buf_bytes(&proof), &index, &back, &back_note), PV_OK, "it reads");
    tap_ok(index == 42 && back.count == 2 && memcmp(back.hashes, inclusion.hashes, 64) == 0 &&
               pv_bytes_equal(back_note, pv_buf_bytes(&note)),
           "back to the same");
    bool good = true;
    for (size_t n = 0; n <= sizeof head - 1; n++)
        good &= pv_proof_read(pv_bytes(proof.p, n), &index, &back, &back_note) == PV_ERR_TRUNCATED;
    tap_ok(good, "cut anywhere before its checkpoint, it is truncated");
    good = true;
    for (size_t bit = 0; bit < 8 * (sizeof head - 1); bit++) {
        proof.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (!pv_proof_read(pv_buf_bytes(&proof), &index, &back, &back_note)) {
            pv_buf_clear(&again);
            good &= !pv_proof_make(index, &back, back_note, &again) &&
                    pv_bytes_equal(pv_buf_bytes(&again), pv_buf_bytes(&proof));
        }
        proof.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    tap_ok(good, "with a bit flipped it is refused or another proof in its one spelling");
#define READS(text, want, what)                                                                                        \
    tap_is_int(pv_proof_read(pv_bytes_of_string(text), &index, &back, &back_note), want, what)
#define V1 "c2sp.org/tlog-proof@v1\n"
    READS(V1 "index 0\n\nx", PV_OK, "no hashes at all");
    READS("c2sp.org/tlog-proof@v2\nindex 0\n\nx", PV_ERR_UNSUPPORTED, "another version");
    READS("something else\nindex 0\n\nx", PV_ERR_MALFORMED, "another text");
    READS(V1 "index 00\n\nx", PV_ERR_NONCANONICAL, "an index with a leading zero");
    READS(V1 "index -1\n\nx", PV_ERR_MALFORMED, "a negative index");
    READS(V1 "index 9007199254740993\n\nx", PV_ERR_LIMIT, "an index over the limit");
    READS(V1 "extra AAAA\nindex 0\n\nx", PV_ERR_MALFORMED, "extra data");
    READS(V1 "index 0\nAAAA\n\nx", PV_ERR_MALFORMED, "a short hash");
    READS(V1 "index 0\n\n", PV_ERR_TRUNCATED, "no checkpoint");
    inclusion.count = PV_LIMIT_PROOF_HASHES;
    memset(inclusion.hashes, 1, sizeof inclusion.hashes);
    pv_buf_clear(&proof);
    tap_ok(!pv_proof_make(1, &inclusion, pv_buf_bytes(&note), &proof) &&
               !pv_proof_read(pv_buf_bytes(&proof), &index, &back, &back_note) && back.count == PV_LIMIT_PROOF_HASHES,
           "the longest proof");
    pv_buf_clear(&proof);
    pv_text_put(&proof, V1 "index 1\n");
    for (int i = 0; i < PV_LIMIT_PROOF_HASHES + 1; i++)
        pv_text_put(&proof, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    pv_text_put(&proof, "\nx");
    tap_is_int(pv_proof_read(pv_buf_bytes(&proof), &index, &back, &back_note), PV_ERR_LIMIT, "and one longer");
    pv_buf_release(&proof);
    pv_buf_release(&again);
}

int main(void)
{
    set_up();
    test_known_note();
    test_make_and_open();
    test_packed();
    test_wrong_views();
    test_damage();
    test_spelling();
    test_signatures();
    test_names();
    test_proof();
    pv_buf_release(&note);
    return tap_done();
}
