/* Epoch secrets: what derives from them, and how they are wrapped for a reader or linked from a later epoch. */
#include "core/room/epoch.h"

#include <string.h>

#include "core/crypto/parts.h"

/* Each of these keys seals one message only, so the nonce may be zero. */
static const struct pv_seal_nonce zero_nonce;

void pv_epoch_secret_hash(const struct pv_epoch_secret *secret, struct pv_hash *ret_hash)
{
    pv_hash_bytes("epoch-secret", PV_BYTES_OF(*secret), ret_hash);
}

void pv_epoch_prk(const struct pv_epoch_secret *secret, struct pv_prk *ret_prk)
{
    pv_hkdf_extract(PV_BYTES_OF(*secret), ret_prk);
}

void pv_epoch_kem_seed(const struct pv_epoch_secret *secret, struct pv_kem_seed *ret_seed)
{
    pv_hkdf(PV_BYTES_OF(*secret), "epoch-kem", pv_bytes(NULL, 0), ret_seed->b);
}

/* Open 32 sealed bytes and hold them against the hash that names them. */
static enum pv_err open_secret(const struct pv_seal_key *key, struct pv_bytes sealed, const struct pv_hash *want,
                               struct pv_epoch_secret *ret_secret)
{
    struct pv_epoch_secret secret;
    struct pv_hash hash;
    enum pv_err err = pv_open(key, &zero_nonce, pv_bytes(NULL, 0), sealed, secret.b);
    if (err) return err;
    pv_epoch_secret_hash(&secret, &hash);
    if (pv_hash_equal(&hash, want)) *ret_secret = secret;
    else err = PV_ERR_BROKEN_CHAIN;
    pv_wipe(&secret, sizeof secret);
    return err;
}

static void wrap_key(const struct pv_wrap_context *context, const struct pv_kem_shared *shared,
                     struct pv_seal_key *ret_key)
{
    struct pv_parts parts = {.n = 0};
    pv_parts_put_bytes(&parts, context->room.b, sizeof context->room.b);
    pv_parts_put_uint(&parts, context->epoch);
    pv_parts_put_bytes(&parts, context->secret_hash.b, sizeof context->secret_hash.b);
    pv_parts_put_bytes(&parts, context->recipient.p, context->recipient.n);
    pv_parts_put_bytes(&parts, context->recipient_kem_hash.b, sizeof context->recipient_kem_hash.b);
    pv_hkdf(PV_BYTES_OF(*shared), "wrap", pv_parts_bytes(&parts), ret_key->b);
}

enum pv_err pv_wrap_make(const struct pv_wrap_context *context, const struct pv_kem_pk *recipient_pk,
                         const uint8_t enc_seed[static PV_KEM_ENC_SEED_BYTES], const struct pv_epoch_secret *secret,
                         uint8_t ret_wrap[static PV_WRAP_BYTES])
{
    struct pv_kem_ct ct;
    struct pv_kem_shared shared;
    struct pv_seal_key key;
    enum pv_err err = pv_kem_encapsulate(recipient_pk, enc_seed, &ct, &shared);
    if (err) return err;
    wrap_key(context, &shared, &key);
    memcpy(ret_wrap, ct.b, sizeof ct.b);
    pv_seal(&key, &zero_nonce, pv_bytes(NULL, 0), PV_BYTES_OF(*secret), ret_wrap + sizeof ct.b);
    pv_wipe(&shared, sizeof shared);
    pv_wipe(&key, sizeof key);
    return PV_OK;
}

enum pv_err pv_wrap_open(const struct pv_wrap_context *context, const struct pv_kem_seed *seed, struct pv_bytes wrap,
                         struct pv_epoch_secret *ret_secret)
{
    struct pv_kem_ct ct;
    struct pv_kem_shared shared;
    struct pv_seal_key key;
    if (wrap.n < PV_WRAP_BYTES) return PV_ERR_TRUNCATED;
    if (wrap.n > PV_WRAP_BYTES) return PV_ERR_MALFORMED;
    memcpy(ct.b, wrap.p, sizeof ct.b);
    enum pv_err err = pv_kem_decapsulate(seed, &ct, &shared);
    if (err) return err;
    wrap_key(context, &shared, &key);
    err = open_secret(&key, pv_bytes(wrap.p + sizeof ct.b, wrap.n - sizeof ct.b), &context->secret_hash, ret_secret);
    pv_wipe(&shared, sizeof shared);
    pv_wipe(&key, sizeof key);
    return err;
}

static void link_key(const struct pv_link_context *context, const struct pv_epoch_secret *new_secret,
                     struct pv_seal_key *ret_key)
{
    struct pv_parts parts = {.n = 0};
    pv_parts_put_bytes(&parts, context->room.b, sizeof context->room.b);
    pv_parts_put_uint(&parts, context->new_epoch);
    pv_parts_put_bytes(&parts, context->new_secret_hash.b, sizeof context->new_secret_hash.b);
    pv_parts_put_uint(&parts, context->old_epoch);
    pv_parts_put_bytes(&parts, context->old_secret_hash.b, sizeof context->old_secret_hash.b);
    pv_hkdf(PV_BYTES_OF(*new_secret), "link", pv_parts_bytes(&parts), ret_key->b);
}

void pv_link_make(const struct pv_link_context *context, const struct pv_epoch_secret *new_secret,
                  const struct pv_epoch_secret *old_secret, uint8_t ret_link[static PV_LINK_BYTES])
{
    struct pv_seal_key key;
    link_key(context, new_secret, &key);
    pv_seal(&key, &zero_nonce, pv_bytes(NULL, 0), PV_BYTES_OF(*old_secret), ret_link);
    pv_wipe(&key, sizeof key);
}

enum pv_err pv_link_open(const struct pv_link_context *context, const struct pv_epoch_secret *new_secret,
                         struct pv_bytes link, struct pv_epoch_secret *ret_old_secret)
{
    struct pv_seal_key key;
    if (link.n < PV_LINK_BYTES) return PV_ERR_TRUNCATED;
    if (link.n > PV_LINK_BYTES) return PV_ERR_MALFORMED;
    link_key(context, new_secret, &key);
    enum pv_err err = open_secret(&key, link, &context->old_secret_hash, ret_old_secret);
    pv_wipe(&key, sizeof key);
    return err;
}
