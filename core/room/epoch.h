/* Epoch secrets: what derives from S, and how S travels in wraps and links.  Source: FORMAT.md §5. */
#ifndef PV_ROOM_EPOCH_H
#define PV_ROOM_EPOCH_H

#include "core/crypto/hash.h"
#include "core/crypto/keys.h"

enum { PV_WRAP_BYTES = PV_KEM_CT_BYTES + 32 + PV_SEAL_TAG_BYTES, PV_LINK_BYTES = 32 + PV_SEAL_TAG_BYTES };

struct pv_epoch_secret { uint8_t b[32]; };

void pv_epoch_secret_hash(const struct pv_epoch_secret *secret, struct pv_hash *ret_hash);
void pv_epoch_prk(const struct pv_epoch_secret *secret, struct pv_prk *ret_prk);
void pv_epoch_kem_seed(const struct pv_epoch_secret *secret, struct pv_kem_seed *ret_seed);

/* What a wrap is bound to. `room` is zero in a genesis. */
struct pv_wrap_context {
    struct pv_hash room;
    uint64_t epoch;
    struct pv_hash secret_hash;
    struct pv_bytes recipient; /* 32-byte principal or 16-byte invite id */
    struct pv_hash recipient_kem_hash;
};

/* Errors: MALFORMED when X-Wing refuses the key (the wrap is then left empty), NOMEM. */
PV_MUST_USE enum pv_err pv_wrap_make(const struct pv_wrap_context *context, const struct pv_kem_pk *recipient_pk,
                                     const uint8_t enc_seed[static PV_KEM_ENC_SEED_BYTES],
                                     const struct pv_epoch_secret *secret, uint8_t ret_wrap[static PV_WRAP_BYTES]);
/* Also checks the secret against context->secret_hash. Errors: TRUNCATED, BAD_MAC, BROKEN_CHAIN, NOMEM. */
PV_MUST_USE enum pv_err pv_wrap_open(const struct pv_wrap_context *context, const struct pv_kem_seed *seed,
                                     struct pv_bytes wrap, struct pv_epoch_secret *ret_secret);

struct pv_link_context {
    struct pv_hash room;
    uint64_t new_epoch, old_epoch;
    struct pv_hash new_secret_hash, old_secret_hash;
};

void pv_link_make(const struct pv_link_context *context, const struct pv_epoch_secret *new_secret,
                  const struct pv_epoch_secret *old_secret, uint8_t ret_link[static PV_LINK_BYTES]);
/* Errors: TRUNCATED, BAD_MAC, BROKEN_CHAIN. */
PV_MUST_USE enum pv_err pv_link_open(const struct pv_link_context *context, const struct pv_epoch_secret *new_secret,
                                     struct pv_bytes link, struct pv_epoch_secret *ret_old_secret);

#endif
