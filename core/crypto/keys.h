/* One type for each key's role, and the primitives over them: Ed25519, X-Wing, XChaCha20-Poly1305, Argon2id.
 *
 * Keys ending in `seed`, `sk` or `key` are secret: their holder wipes them. Nothing here asks for randomness;
 * the caller passes it in.  Source: FORMAT.md §1. */
#ifndef PV_CRYPTO_KEYS_H
#define PV_CRYPTO_KEYS_H

#include "core/base/bytes.h"

enum {
    PV_KEM_PK_BYTES = 1216,
    PV_KEM_CT_BYTES = 1120,
    PV_KEM_ENC_SEED_BYTES = 64,
    PV_SEAL_NONCE_BYTES = 24,
    PV_SEAL_TAG_BYTES = 16
};

struct pv_sign_pk { uint8_t b[32]; };
struct pv_sign_seed { uint8_t b[32]; };
struct pv_sign_sk { uint8_t b[64]; }; /* expanded: seed and public key */
struct pv_sig { uint8_t b[64]; };

struct pv_kem_pk { uint8_t b[PV_KEM_PK_BYTES]; };
struct pv_kem_seed { uint8_t b[32]; }; /* X-Wing's decapsulation key is its seed */
struct pv_kem_ct { uint8_t b[PV_KEM_CT_BYTES]; };
struct pv_kem_shared { uint8_t b[32]; };

struct pv_seal_key { uint8_t b[32]; };
struct pv_seal_nonce { uint8_t b[PV_SEAL_NONCE_BYTES]; };

/* Where randomness comes from: the driver's system source, a test's or simulation's seeded one. */
struct pv_random {
    void (*fill)(void *context, void *ret_bytes, size_t n);
    void *context;
};

static inline void pv_random_fill(const struct pv_random *random, void *ret_bytes, size_t n)
{
    random->fill(random->context, ret_bytes, n);
}

/* Once per process, before anything else here. Errors: IO. */
PV_MUST_USE enum pv_err pv_crypto_init(void);

void pv_sign_from_seed(const struct pv_sign_seed *seed, struct pv_sign_sk *ret_sk, struct pv_sign_pk *ret_pk);
/* Plain Ed25519 over `message`, for formats that are not ours (checkpoints). */
void pv_sign_raw(const struct pv_sign_sk *sk, struct pv_bytes message, struct pv_sig *ret_sig);
PV_MUST_USE enum pv_err pv_verify_raw(const struct pv_sign_pk *pk, struct pv_bytes message, const struct pv_sig *sig);
/* Sign(key, what; encoded): `encoded` is CBOR items already encoded. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_sign(const struct pv_sign_sk *sk, const char *what, struct pv_bytes encoded,
                                struct pv_sig *ret_sig);
/* Errors: BAD_SIG, NOMEM. */
PV_MUST_USE enum pv_err pv_verify(const struct pv_sign_pk *pk, const char *what, struct pv_bytes encoded,
                                  const struct pv_sig *sig);

void pv_kem_from_seed(const struct pv_kem_seed *seed, struct pv_kem_pk *ret_pk);
void pv_kem_hash(const struct pv_kem_pk *pk, struct pv_hash *ret_hash);
/* Errors: MALFORMED when X-Wing refuses the key. */
PV_MUST_USE enum pv_err pv_kem_encapsulate(const struct pv_kem_pk *pk, const uint8_t enc_seed[static PV_KEM_ENC_SEED_BYTES],
                                           struct pv_kem_ct *ret_ct, struct pv_kem_shared *ret_shared);
/* Errors: BAD_MAC. X-Wing rejects implicitly, so a wrong ciphertext gives a wrong secret, not an error. */
PV_MUST_USE enum pv_err pv_kem_decapsulate(const struct pv_kem_seed *seed, const struct pv_kem_ct *ct,
                                           struct pv_kem_shared *ret_shared);

/* XChaCha20-Poly1305. `ret_sealed` takes plain.n + PV_SEAL_TAG_BYTES; may be plain.p. */
void pv_seal(const struct pv_seal_key *key, const struct pv_seal_nonce *nonce, struct pv_bytes ad,
             struct pv_bytes plain, uint8_t *ret_sealed);
/* `ret_plain` takes sealed.n - PV_SEAL_TAG_BYTES and is zeroed on failure. Errors: TRUNCATED, BAD_MAC. */
PV_MUST_USE enum pv_err pv_open(const struct pv_seal_key *key, const struct pv_seal_nonce *nonce, struct pv_bytes ad,
                                struct pv_bytes sealed, uint8_t *ret_plain);

/* Argon2id v1.3, 1 lane, 32 bytes out. Errors: NOMEM, LIMIT. */
PV_MUST_USE enum pv_err pv_argon2id(struct pv_bytes password, const uint8_t salt[static 16], uint32_t passes,
                                    uint32_t memory_kib, uint8_t ret_key[static 32]);

/* Constant time in `n`. */
bool pv_secret_equal(const void *a, const void *b, size_t n);

#endif
