/* Primitives by published vectors, labelled signatures against plain ones, and what each must refuse. */
#include "core/crypto/keys.h"

#include <sodium.h>

#include "core/crypto/hash.h"
#include "tests/tap.h"

static void from_hex(const char *hex, uint8_t *ret_bytes, size_t n)
{
    if (pv_hex_decode(hex, strlen(hex), ret_bytes, n)) abort();
}

static void test_sign_known(void) /* RFC 8032 §7.1, test 2 */
{
    struct pv_sign_seed seed;
    struct pv_sign_sk sk;
    struct pv_sign_pk pk, want_pk;
    struct pv_sig sig, want_sig;
    from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", seed.b, 32);
    from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", want_pk.b, 32);
    from_hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
             "b00d291612bb0c00", want_sig.b, 64);
    pv_sign_from_seed(&seed, &sk, &pk);
    tap_is_bytes(pk.b, 32, want_pk.b, 32, "RFC 8032's public key");
    pv_sign_raw(&sk, pv_bytes("\x72", 1), &sig);
    tap_is_bytes(sig.b, 64, want_sig.b, 64, "and its signature");
    tap_is_int(pv_verify_raw(&pk, pv_bytes("\x72", 1), &sig), PV_OK, "which verifies");
    tap_is_int(pv_verify_raw(&pk, pv_bytes("\x73", 1), &sig), PV_ERR_BAD_SIG, "not for another message");
}

static void test_sign_strict(void)
{
    struct pv_sign_seed seed = {{1}};
    struct pv_sign_sk sk;
    struct pv_sign_pk pk, small = {{1}};
    struct pv_sig sig, high, zero = {{1}};
    pv_sign_from_seed(&seed, &sk, &pk);
    pv_sign_raw(&sk, pv_bytes("m", 1), &sig);
    high = sig;
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                      0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)high.b[32 + i] + order[i];
        high.b[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    tap_is_int(pv_verify_raw(&pk, pv_bytes("m", 1), &high), PV_ERR_BAD_SIG, "S plus the group's order is refused");
    /* The neutral element as key and R, S = 0: a lenient verifier takes it for every message. */
    tap_is_int(pv_verify_raw(&small, pv_bytes("m", 1), &zero), PV_ERR_BAD_SIG, "as is a key of small order");
}

static void test_sign_labelled(void)
{
    struct pv_sign_seed seed = {{2}};
    struct pv_sign_sk sk;
    struct pv_sign_pk pk;
    struct pv_sig sig, plain;
    struct pv_buf message;
    pv_sign_from_seed(&seed, &sk, &pk);
    pv_buf_init(&message, 1 << 20);
    bool good = true;
    static const size_t lengths[] = {0, 1, 2, 500, 1008, 1009, 1010, 5000, 100000};
    uint8_t *parts = calloc(1, 100000);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct pv_bytes encoded = pv_bytes(parts, lengths[i]);
        pv_buf_clear(&message);
        pv_buf_append(&message, "\x6fprivity/1/label", 16);
        pv_buf_append(&message, encoded.p, encoded.n);
        pv_sign_raw(&sk, pv_buf_bytes(&message), &plain);
        good &= !pv_sign(&sk, "label", encoded, &sig) && memcmp(sig.b, plain.b, 64) == 0;
        good &= !pv_verify(&pk, "label", encoded, &sig) && pv_verify(&pk, "lable", encoded, &sig) == PV_ERR_BAD_SIG;
        if (encoded.n) {
            parts[lengths[i] - 1] ^= 1;
            good &= pv_verify(&pk, "label", encoded, &sig) == PV_ERR_BAD_SIG;
            parts[lengths[i] - 1] ^= 1;
        }
    }
    tap_ok(good, "a labelled signature is one over the label's encoding and the parts, at every length");
    free(parts);
    pv_buf_release(&message);
}

static void test_kem(void)
{
    /* The first vector of draft-connolly-cfrg-xwing-kem, its long values by their SHA-256. */
    struct pv_kem_seed seed;
    struct pv_kem_pk pk, bad_pk;
    struct pv_kem_ct ct;
    struct pv_kem_shared shared, back;
    struct pv_hash hash, by_hand;
    uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES], want[32];
    from_hex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26", seed.b, 32);
    from_hex("3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835"
             "d25e6a435085b2", enc_seed, 64);
    from_hex("d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384", want, 32);
    pv_kem_from_seed(&seed, &pk);
    static const uint8_t pk_start[] = {0xe2, 0x23, 0x6b, 0x35, 0xa8, 0xc2, 0x4b, 0x39};
    tap_is_bytes(pk.b, 8, pk_start, 8, "X-Wing's public key begins as the draft's");
    tap_is_int(pv_kem_encapsulate(&pk, enc_seed, &ct, &shared), PV_OK, "encapsulates");
    tap_is_bytes(shared.b, 32, want, 32, "to the draft's shared secret");
    tap_is_int(pv_kem_decapsulate(&seed, &ct, &back), PV_OK, "decapsulates");
    tap_is_bytes(back.b, 32, want, 32, "to the same");
    ct.b[500] ^= 1;
    tap_ok(pv_kem_decapsulate(&seed, &ct, &back) != PV_OK || memcmp(back.b, want, 32) != 0,
           "another ciphertext gives another secret, or none");
    memset(bad_pk.b, 0xff, sizeof bad_pk.b);
    tap_is_int(pv_kem_encapsulate(&bad_pk, enc_seed, &ct, &shared), PV_ERR_MALFORMED, "a key that is none is refused");
    pv_kem_hash(&pk, &hash);
    pv_hash_bytes("kem-key", pv_bytes(pk.b, sizeof pk.b), &by_hand);
    tap_is_bytes(hash.b, 32, by_hand.b, 32, "a KEM key's hash");
}

static void test_seal(void)
{
    /* draft-irtf-cfrg-xchacha-03, appendix A.3.1 */
    static const char text[] = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
                               "sunscreen would be it.";
    struct pv_seal_key key;
    struct pv_seal_nonce nonce;
    uint8_t ad[12], sealed[114 + 16], plain[114], tag[16], start[8];
    for (size_t i = 0; i < 32; i++) key.b[i] = (uint8_t)(0x80 + i);
    for (size_t i = 0; i < 24; i++) nonce.b[i] = (uint8_t)(0x40 + i);
    from_hex("50515253c0c1c2c3c4c5c6c7", ad, 12);
    from_hex("bd6d179d3e83d43b", start, 8);
    from_hex("c0875924c1c7987947deafd8780acf49", tag, 16);
    pv_seal(&key, &nonce, pv_bytes(ad, 12), pv_bytes(text, 114), sealed);
    tap_is_bytes(sealed, 8, start, 8, "the draft's ciphertext begins");
    tap_is_bytes(sealed + 114, 16, tag, 16, "and its tag");
    tap_is_int(pv_open(&key, &nonce, pv_bytes(ad, 12), pv_bytes(sealed, sizeof sealed), plain), PV_OK, "it opens");
    tap_is_bytes(plain, 114, text, 114, "to the text");
    bool good = true;
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 0x10;
        memset(plain, 0x55, sizeof plain);
        good &= pv_open(&key, &nonce, pv_bytes(ad, 12), pv_bytes(sealed, sizeof sealed), plain) == PV_ERR_BAD_MAC;
        for (size_t j = 0; j < sizeof plain; j++) good &= plain[j] == 0;
        sealed[i] ^= 0x10;
    }
    tap_ok(good, "with any byte changed it does not, and what it wrote is zero");
    tap_is_int(pv_open(&key, &nonce, pv_bytes(ad, 11), pv_bytes(sealed, sizeof sealed), plain), PV_ERR_BAD_MAC, "nor with other data");
    tap_is_int(pv_open(&key, &nonce, pv_bytes(ad, 12), pv_bytes(sealed, 15), plain), PV_ERR_TRUNCATED, "15 bytes hold no tag");
    pv_seal(&key, &nonce, pv_bytes(NULL, 0), pv_bytes(NULL, 0), sealed);
    tap_is_int(pv_open(&key, &nonce, pv_bytes(NULL, 0), pv_bytes(sealed, 16), plain), PV_OK, "nothing can be sealed");
}

static void test_argon2id(void)
{
    static const uint8_t salt[16] = "somesaltsomesalt";
    uint8_t got[32], want[32];
    if (crypto_pwhash(want, 32, "password", 8, salt, 2, 64 * 1024, crypto_pwhash_ALG_ARGON2ID13)) abort();
    tap_is_int(pv_argon2id(pv_bytes("password", 8), salt, 2, 64, got), PV_OK, "Argon2id");
    tap_is_bytes(got, 32, want, 32, "is libsodium's, its memory in KiB");
    tap_is_int(pv_argon2id(pv_bytes(NULL, 0), salt, 1, 8, got), PV_OK, "an empty password is one");
    tap_is_int(pv_argon2id(pv_bytes(salt, 4097), salt, 1, 8, got), PV_ERR_LIMIT, "one over the limit is none");
    tap_is_int(pv_argon2id(pv_bytes("x", 1), salt, 0, 8, got), PV_ERR_LIMIT, "no passes");
    tap_is_int(pv_argon2id(pv_bytes("x", 1), salt, 1, 7, got), PV_ERR_LIMIT, "too little memory");
}

static void test_equal(void)
{
    tap_ok(pv_secret_equal("abc", "abc", 3) && !pv_secret_equal("abc", "abd", 3) && pv_secret_equal("a", "b", 0),
           "secrets compare");
}

int main(void)
{
    if (pv_crypto_init()) return 1;
    test_sign_known();
    test_sign_strict();
    test_sign_labelled();
    test_kem();
    test_seal();
    test_argon2id();
    test_equal();
    return tap_done();
}
