/* The primitives, as thin typed calls into libsodium. */
#include "core/crypto/keys.h"

#include <sodium.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/crypto/hash.h"


_Static_assert(PV_KEM_PK_BYTES == crypto_kem_xwing_PUBLICKEYBYTES, "X-Wing public key");
_Static_assert(PV_KEM_CT_BYTES == crypto_kem_xwing_CIPHERTEXTBYTES, "X-Wing ciphertext");
_Static_assert(sizeof(struct pv_kem_seed) == crypto_kem_xwing_SECRETKEYBYTES, "X-Wing secret key");
_Static_assert(sizeof(struct pv_sign_sk) == crypto_sign_SECRETKEYBYTES, "Ed25519 secret key");
_Static_assert(PV_SEAL_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

#ifdef __wasm__

/* sodium_init chooses among a processor's implementations, of which wasm has one, and asks for randomness to guard
 * its own allocations, which we do not use and the core does not have. */
enum pv_err pv_crypto_init(void)
{
    return PV_OK;
}

#else

enum pv_err pv_crypto_init(void)
{
    return sodium_init() < 0 ? PV_ERR_IO : PV_OK;
}

#endif

void pv_sign_from_seed(const struct pv_sign_seed *seed, struct pv_sign_sk *ret_sk, struct pv_sign_pk *ret_pk)
{
    (void)crypto_sign_seed_keypair(ret_pk->b, ret_sk->b, seed->b);
}

void pv_sign_raw(const struct pv_sign_sk *sk, struct pv_bytes message, struct pv_sig *ret_sig)
{
    (void)crypto_sign_detached(ret_sig->b, NULL, message.p, message.n, sk->b);
}

enum pv_err pv_verify_raw(const struct pv_sign_pk *pk, struct pv_bytes message, const struct pv_sig *sig)
{
    return crypto_sign_verify_detached(sig->b, message.p, message.n, pk->b) == 0 ? PV_OK : PV_ERR_BAD_SIG;
}

/* The labelled message; small ones, which is nearly all, need no allocation. */
struct message {
    uint8_t fixed[1024];
    struct pv_buf buf;
    struct pv_bytes bytes;
};

static enum pv_err message_make(struct message *m, const char *what, struct pv_bytes encoded)
{
    uint8_t head[PV_CBOR_HEAD_MAX];
    size_t text = strlen(PV_LABEL_PREFIX) + strlen(what);
    size_t head_len = pv_cbor_head(PV_CBOR_TEXT, text, head);
    size_t n = head_len + text + encoded.n;
    pv_buf_init(&m->buf, SIZE_MAX);
    uint8_t *p = n <= sizeof m->fixed ? m->fixed : pv_buf_extend(&m->buf, n);
    if (!p) return PV_ERR_NOMEM;
    m->bytes = pv_bytes(p, n);
    memcpy(p, head, head_len);
    p += head_len;
    memcpy(p, PV_LABEL_PREFIX, strlen(PV_LABEL_PREFIX));
    p += strlen(PV_LABEL_PREFIX);
    memcpy(p, what, strlen(what));
    if (encoded.n) memcpy(p + strlen(what), encoded.p, encoded.n);
    return PV_OK;
}

enum pv_err pv_sign(const struct pv_sign_sk *sk, const char *what, struct pv_bytes encoded, struct pv_sig *ret_sig)
{
    struct message m;
    enum pv_err err = message_make(&m, what, encoded);
    if (err) return err;
    pv_sign_raw(sk, m.bytes, ret_sig);
    pv_buf_release(&m.buf);
    return PV_OK;
}

enum pv_err pv_verify(const struct pv_sign_pk *pk, const char *what, struct pv_bytes encoded, const struct pv_sig *sig)
{
    struct message m;
    enum pv_err err = message_make(&m, what, encoded);
    if (err) return err;
    err = pv_verify_raw(pk, m.bytes, sig);
    pv_buf_release(&m.buf);
    return err;
}

void pv_kem_from_seed(const struct pv_kem_seed *seed, struct pv_kem_pk *ret_pk)
{
    uint8_t sk[crypto_kem_xwing_SECRETKEYBYTES];
    (void)crypto_kem_xwing_seed_keypair(ret_pk->b, sk, seed->b);
    pv_wipe(sk, sizeof sk);
}

void pv_kem_hash(const struct pv_kem_pk *pk, struct pv_hash *ret_hash)
{
    pv_hash_bytes("kem-key", PV_BYTES_OF(*pk), ret_hash);
}

enum pv_err pv_kem_encapsulate(const struct pv_kem_pk *pk, const uint8_t enc_seed[static PV_KEM_ENC_SEED_BYTES],
                               struct pv_kem_ct *ret_ct, struct pv_kem_shared *ret_shared)
{
    return crypto_kem_xwing_enc_deterministic(ret_ct->b, ret_shared->b, pk->b, enc_seed) == 0 ? PV_OK
                                                                                              : PV_ERR_MALFORMED;
}

enum pv_err pv_kem_decapsulate(const struct pv_kem_seed *seed, const struct pv_kem_ct *ct,
                               struct pv_kem_shared *ret_shared)
{
    return crypto_kem_xwing_dec(ret_shared->b, ct->b, seed->b) == 0 ? PV_OK : PV_ERR_BAD_MAC;
}

void pv_seal(const struct pv_seal_key *key, const struct pv_seal_nonce *nonce, struct pv_bytes ad,
             struct pv_bytes plain, uint8_t *ret_sealed)
{
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(ret_sealed, NULL, plain.p, plain.n, ad.p, ad.n, NULL, nonce->b,
                                                     key->b);
}

enum pv_err pv_open(const struct pv_seal_key *key, const struct pv_seal_nonce *nonce, struct pv_bytes ad,
                    struct pv_bytes sealed, uint8_t *ret_plain)
{
    if (sealed.n < PV_SEAL_TAG_BYTES) return PV_ERR_TRUNCATED;
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(ret_plain, NULL, NULL, sealed.p, sealed.n, ad.p, ad.n,
                                                            nonce->b, key->b);
    return failed ? PV_ERR_BAD_MAC : PV_OK;
}

enum pv_err pv_argon2id(struct pv_bytes password, const uint8_t salt[static 16], uint32_t passes, uint32_t memory_kib,
                        uint8_t ret_key[static 32])
{
    if (password.n > 4096 || passes < 1 || memory_kib < 8) return PV_ERR_LIMIT;
    int failed = crypto_pwhash(ret_key, 32, password.n ? (const char *)password.p : "", password.n, salt, passes,
                               (size_t)memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
    return failed ? PV_ERR_NOMEM : PV_OK;
}

bool pv_secret_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}
