/* SHA-256, HMAC and HKDF by published vectors; labelled hashes and derivations against the bytes they stand for. */
#include "core/crypto/hash.h"

#include <sodium.h>

#include "core/base/cbor.h"
#include "tests/tap.h"

static void is_hash(struct pv_bytes bytes, const char *want, const char *what)
{
    struct pv_hash hash;
    char hex[65];
    pv_sha256(bytes, &hash);
    pv_hex_encode(hash.b, 32, hex);
    tap_is_str(hex, want, what);
}

static void test_sha256(void) /* FIPS 180-4 examples */
{
    is_hash(pv_bytes(NULL, 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "SHA-256 of nothing");
    is_hash(pv_bytes("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "of abc");
    is_hash(pv_bytes_of_string("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "of two blocks");
    uint8_t *a = malloc(1000000);
    memset(a, 'a', 1000000);
    is_hash(pv_bytes(a, 1000000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "of a million a");
    bool good = true;
    for (size_t n = 0; n < 300; n++) { /* every split of every length, against libsodium's */
        uint8_t want[32];
        struct pv_hash got;
        struct pv_sha256 sha;
        crypto_hash_sha256(want, a, n);
        for (size_t cut = 0; cut <= n; cut += 1 + cut / 4) {
            pv_sha256_init(&sha);
            pv_sha256_update(&sha, a, cut);
            pv_sha256_update(&sha, NULL, 0);
            pv_sha256_update(&sha, a + cut, n - cut);
            pv_sha256_final(&sha, &got);
            good &= memcmp(got.b, want, 32) == 0;
        }
    }
    tap_ok(good, "in any two parts it is the same");
    free(a);
}

static void test_labelled(void)
{
    struct pv_hash got, want;
    struct pv_sha256 sha;
    static const char label[] = "\x6eprivity/1/test"; /* 14 characters */
    static const char encoded[] = "\x01\x19\x01\x2c\x43xyz\x64text\x82\x18\x64\x40";
    struct pv_buf buf;
    pv_buf_init(&buf, 1000);
    pv_buf_append(&buf, label, sizeof label - 1);
    pv_buf_append(&buf, encoded, sizeof encoded - 1);
    pv_sha256(pv_buf_bytes(&buf), &want);

    pv_hash_begin(&sha, "test");
    pv_sha256_put_uint(&sha, 1);
    pv_sha256_put_uint(&sha, 300);
    pv_sha256_put_bytes(&sha, "xyz", 3);
    pv_sha256_put_text(&sha, "text");
    pv_sha256_put_array(&sha, 2);
    pv_sha256_put_uint(&sha, 100);
    pv_sha256_put_bytes(&sha, NULL, 0);
    pv_sha256_final(&sha, &got);
    tap_is_bytes(got.b, 32, want.b, 32, "a labelled hash is SHA-256 of the label's and the parts' encodings");
    pv_hash_encoded("test", pv_bytes(encoded, sizeof encoded - 1), &got);
    tap_is_bytes(got.b, 32, want.b, 32, "so it is of parts already encoded");
    pv_hash_encoded("tesu", pv_bytes(encoded, sizeof encoded - 1), &got);
    tap_ok(!pv_hash_equal(&got, &want), "another label gives another hash");

    pv_buf_clear(&buf);
    pv_buf_append(&buf, label, sizeof label - 1);
    pv_cbor_put_bytes(&buf, encoded, sizeof encoded - 1);
    pv_sha256(pv_buf_bytes(&buf), &want);
    pv_hash_bytes("test", pv_bytes(encoded, sizeof encoded - 1), &got);
    tap_is_bytes(got.b, 32, want.b, 32, "of bytes it is that of one byte string");

    pv_buf_clear(&buf);
    pv_buf_append(&buf, "\x78\x1f", 2);
    pv_buf_append(&buf, "privity/1/twenty-character-what", 31);
    pv_sha256(pv_buf_bytes(&buf), &want);
    pv_hash_encoded("twenty-character-what", pv_bytes(NULL, 0), &got);
    tap_is_bytes(got.b, 32, want.b, 32, "a long label has a long head");
    pv_buf_release(&buf);
}

static void test_hmac(void) /* RFC 4231 */
{
    static const struct {
        const char *key, *data, *want;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t key[200], data[200];
        struct pv_hash mac;
        char hex[65];
        size_t key_n = strlen(cases[i].key) / 2, data_n = strlen(cases[i].data) / 2;
        if (pv_hex_decode(cases[i].key, 2 * key_n, key, key_n)) abort();
        if (pv_hex_decode(cases[i].data, 2 * data_n, data, data_n)) abort();
        struct pv_bytes parts[2] = {pv_bytes(data, 3), pv_bytes(data + 3, data_n - 3)};
        pv_hmac_sha256(pv_bytes(key, key_n), parts, 2, &mac);
        pv_hex_encode(mac.b, 32, hex);
        tap_is_str(hex, cases[i].want, "HMAC of RFC 4231");
    }
}

static void test_hkdf_general(void) /* RFC 5869 appendix A */
{
    uint8_t ikm[80], salt[80], info[80], okm[82], want[82];
    memset(ikm, 0x0b, 22);
    for (size_t i = 0; i < 13; i++) salt[i] = (uint8_t)i;
    for (size_t i = 0; i < 10; i++) info[i] = (uint8_t)(0xf0 + i);
    if (pv_hex_decode("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865", 84, want, 42))
        abort();
    tap_is_int(pv_hkdf_general(pv_bytes(ikm, 22), pv_bytes(salt, 13), pv_bytes(info, 10), okm, 42), PV_OK, "HKDF");
    tap_is_bytes(okm, 42, want, 42, "of RFC 5869 A.1");
    for (size_t i = 0; i < 80; i++) {
        ikm[i] = (uint8_t)i;
        salt[i] = (uint8_t)(0x60 + i);
        info[i] = (uint8_t)(0xb0 + i);
    }
    if (pv_hex_decode("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f"
                      "09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87", 164, want, 82))
        abort();
    tap_is_int(pv_hkdf_general(pv_bytes(ikm, 80), pv_bytes(salt, 80), pv_bytes(info, 80), okm, 82), PV_OK, "HKDF");
    tap_is_bytes(okm, 82, want, 82, "of RFC 5869 A.2, with a salt over a block");
    memset(ikm, 0x0b, 22);
    if (pv_hex_decode("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8", 84, want, 42))
        abort();
    tap_is_int(pv_hkdf_general(pv_bytes(ikm, 22), pv_bytes(NULL, 0), pv_bytes(NULL, 0), okm, 42), PV_OK, "HKDF");
    tap_is_bytes(okm, 42, want, 42, "of RFC 5869 A.3, with neither salt nor info");
    uint8_t *long_okm = malloc(255 * 32 + 1);
    long_okm[255 * 32] = 0x5a;
    tap_is_int(pv_hkdf_general(pv_bytes(ikm, 22), pv_bytes(NULL, 0), pv_bytes(NULL, 0), long_okm, 255 * 32 + 1),
               PV_ERR_LIMIT, "no more than 255 blocks");
    tap_ok(!pv_hkdf_general(pv_bytes(ikm, 22), pv_bytes(NULL, 0), pv_bytes(NULL, 0), long_okm, 255 * 32) &&
               memcmp(long_okm, want, 42) == 0 && long_okm[255 * 32] == 0x5a,
           "but as many");
    free(long_okm);
}

static void test_hkdf(void)
{
    static const char parts[] = "\x01\x42hi";
    struct pv_buf info;
    struct pv_prk prk;
    uint8_t secret[32], got[32], want[32], want_prk[32];
    memset(secret, 0x2a, sizeof secret);
    pv_buf_init(&info, 1000);
    pv_buf_append(&info, "\x6eprivity/1/test", 15);
    pv_buf_append(&info, parts, sizeof parts - 1);
    crypto_kdf_hkdf_sha256_extract(want_prk, NULL, 0, secret, sizeof secret);
    crypto_kdf_hkdf_sha256_expand(want, sizeof want, (const char *)info.p, info.n, want_prk);
    pv_hkdf(pv_bytes(secret, sizeof secret), "test", pv_bytes(parts, sizeof parts - 1), got);
    tap_is_bytes(got, 32, want, 32, "a derived key is HKDF with an empty salt, label and parts as info");
    pv_hkdf_extract(pv_bytes(secret, sizeof secret), &prk);
    tap_is_bytes(prk.b, 32, want_prk, 32, "its first half is HKDF's extract");
    pv_hkdf_expand(&prk, "test", pv_bytes(parts, sizeof parts - 1), got);
    tap_is_bytes(got, 32, want, 32, "and the second its expand");
    struct pv_bytes general_info = pv_buf_bytes(&info);
    tap_ok(!pv_hkdf_general(pv_bytes(secret, 32), pv_bytes(NULL, 0), general_info, got, 32) &&
               memcmp(got, want, 32) == 0,
           "as the general one has it");
    pv_buf_release(&info);
}

int main(void)
{
    test_sha256();
    test_labelled();
    test_hmac();
    test_hkdf_general();
    test_hkdf();
    return tap_done();
}
