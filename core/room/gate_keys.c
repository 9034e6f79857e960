/* The gate's key schedule: what derives from the two halves and the password.  Source: FORMAT.md §9. */
#include "core/crypto/parts.h"
#include "core/room/gate.h"

enum { PASSES = 3, MEMORY_KIB = 64 * 1024 };

static void id_part(struct pv_parts *parts, const struct pv_id16 *id)
{
    pv_parts_put_bytes(parts, id->b, sizeof id->b);
}

static void sign_pair(struct pv_sign_seed *seed, struct pv_sign_sk *ret_sk, struct pv_sign_pk *ret_pk)
{
    pv_sign_from_seed(seed, ret_sk, ret_pk);
    pv_wipe(seed, sizeof *seed);
}

void pv_gate_a_key(const struct pv_half_a *a, const struct pv_id16 *id, struct pv_sign_sk *ret_sk,
                   struct pv_sign_pk *ret_pk)
{
    struct pv_sign_seed seed;
    struct pv_parts parts = {.n = 0};
    id_part(&parts, id);
    pv_hkdf(PV_BYTES_OF(*a), "gate/a-key", pv_parts_bytes(&parts), seed.b);
    sign_pair(&seed, ret_sk, ret_pk);
}

void pv_gate_key(const struct pv_half_a *a, const struct pv_half_b *b, const struct pv_gate_password *password,
                 struct pv_bytes threshold_secret, const struct pv_id16 *id, struct pv_gate_key *ret_key)
{
    struct pv_parts secret = {.n = 0}, parts = {.n = 0};
    pv_parts_put_bytes(&secret, a->b, sizeof a->b);
    pv_parts_put_bytes(&secret, b->b, sizeof b->b);
    pv_parts_put_bytes(&secret, password ? password->b : NULL, password ? sizeof password->b : 0);
    pv_parts_put_bytes(&secret, threshold_secret.p, threshold_secret.n);
    id_part(&parts, id);
    pv_hkdf(pv_parts_bytes(&secret), "gate/key", pv_parts_bytes(&parts), ret_key->b);
    pv_wipe(&secret, sizeof secret);
}

enum pv_err pv_gate_password(struct pv_bytes password, const struct pv_half_a *a, const struct pv_id16 *id,
                             struct pv_gate_password *ret_password, struct pv_gate_proof *ret_proof)
{
    struct pv_sha256 sha;
    struct pv_hash salt;
    uint8_t x[32];
    pv_hash_begin(&sha, "gate/salt");
    pv_sha256_put_bytes(&sha, a->b, sizeof a->b);
    pv_sha256_put_bytes(&sha, id->b, sizeof id->b);
    pv_sha256_final(&sha, &salt);
    enum pv_err err = pv_argon2id(password, salt.b, PASSES, MEMORY_KIB, x);
    if (err) return err;
    pv_hkdf(pv_bytes(x, sizeof x), "gate/password", pv_bytes(NULL, 0), ret_password->b);
    pv_hkdf(pv_bytes(x, sizeof x), "gate/proof", pv_bytes(NULL, 0), ret_proof->b);
    pv_wipe(x, sizeof x);
    pv_wipe(&sha, sizeof sha);
    return PV_OK;
}

void pv_half_b_hash(const struct pv_half_b *b, struct pv_hash *ret_hash)
{
    pv_hash_bytes("half-b", PV_BYTES_OF(*b), ret_hash);
}

void pv_gate_proof_hash(const struct pv_gate_proof *proof, struct pv_hash *ret_hash)
{
    pv_hash_bytes("proof", PV_BYTES_OF(*proof), ret_hash);
}

void pv_invite_join_key(const struct pv_gate_key *key, struct pv_sign_sk *ret_sk, struct pv_sign_pk *ret_pk)
{
    struct pv_sign_seed seed;
    pv_hkdf(PV_BYTES_OF(*key), "invite/join-key", pv_bytes(NULL, 0), seed.b);
    sign_pair(&seed, ret_sk, ret_pk);
}

void pv_invite_kem_seed(const struct pv_gate_key *key, struct pv_kem_seed *ret_seed)
{
    pv_hkdf(PV_BYTES_OF(*key), "invite/kem", pv_bytes(NULL, 0), ret_seed->b);
}
