/* Gates: two halves of a secret, the keys that derive from them, the policy the server keeps, release, invite links.
 * Source: FORMAT.md §9. */
#ifndef PV_ROOM_GATE_H
#define PV_ROOM_GATE_H

#include "core/log/checkpoint.h"
#include "core/crypto/hash.h"
#include "core/crypto/keys.h"
#include "core/base/cbor.h"
#include "core/base/limits.h"

struct pv_half_a { uint8_t b[32]; };
struct pv_half_b { uint8_t b[32]; };
struct pv_gate_key { uint8_t b[32]; };
struct pv_gate_proof { uint8_t b[32]; };    /* shows knowledge of the password to the server */
struct pv_gate_password { uint8_t b[32]; }; /* P */

struct pv_gate_policy {
    bool has_not_before, has_not_after, has_max_releases, has_document;
    uint64_t not_before_ms, not_after_ms, max_releases;
    struct pv_hash document;
    struct pv_hash persons[PV_LIMIT_TARGETS];
    size_t person_count;
    uint64_t approvals;
    uint64_t wait_ms;
    struct pv_hash vetoers[PV_LIMIT_TARGETS];
    size_t vetoer_count;
};

struct pv_gate {
    struct pv_id16 id;
    struct pv_hash room;
    uint64_t version;
    struct pv_sign_pk a_key;
    struct pv_hash half_hash;
    bool has_proof_hash;
    struct pv_hash proof_hash;
    struct pv_gate_policy policy;
    struct pv_bytes preview;   /* empty: null */
    struct pv_bytes shares;    /* encoded array; empty: none */
    struct pv_bytes refs;      /* encoded array of blob names; empty: none */
};

void pv_gate_put(struct pv_buf *buf, const struct pv_gate *gate);
PV_MUST_USE enum pv_err pv_gate_read(struct pv_bytes bytes, struct pv_gate *ret_gate);
/* A signed gate: [gate, device id, sig]. */
PV_MUST_USE enum pv_err pv_gate_sign(const struct pv_gate *gate, const struct pv_hash *device,
                                     const struct pv_sign_sk *sk, struct pv_buf *signed_gate);
/* Shape; the device's key is then looked up and given to pv_gate_verify. */
PV_MUST_USE enum pv_err pv_gate_read_signed(struct pv_bytes bytes, struct pv_gate *ret_gate, struct pv_hash *ret_device);
PV_MUST_USE enum pv_err pv_gate_verify(struct pv_bytes signed_gate, const struct pv_sign_pk *device_pk);

/* ---- the key schedule */
void pv_gate_a_key(const struct pv_half_a *a, const struct pv_id16 *id, struct pv_sign_sk *ret_sk, struct pv_sign_pk *ret_pk);
/* `password` may be NULL (none); C is empty here, a threshold secret comes with approvals. */
void pv_gate_key(const struct pv_half_a *a, const struct pv_half_b *b, const struct pv_gate_password *password,
                 struct pv_bytes threshold_secret, const struct pv_id16 *id, struct pv_gate_key *ret_key);
/* Argon2id: 64 MiB, some 0.2 s. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_gate_password(struct pv_bytes password, const struct pv_half_a *a, const struct pv_id16 *id,
                                         struct pv_gate_password *ret_password, struct pv_gate_proof *ret_proof);
void pv_half_b_hash(const struct pv_half_b *b, struct pv_hash *ret_hash);
void pv_gate_proof_hash(const struct pv_gate_proof *proof, struct pv_hash *ret_hash);
void pv_invite_join_key(const struct pv_gate_key *key, struct pv_sign_sk *ret_sk, struct pv_sign_pk *ret_pk);
void pv_invite_kem_seed(const struct pv_gate_key *key, struct pv_kem_seed *ret_seed);

/* ---- release */
struct pv_release_request {
    struct pv_id16 gate;
    uint64_t version;
    struct pv_kem_pk kem_pk; /* ephemeral, the requester's */
    bool has_proof;
    struct pv_gate_proof proof;
    struct pv_sig a_sig;
};
void pv_release_request_id(const struct pv_kem_pk *kem_pk, struct pv_hash *ret_id);
/* Sets a_sig. */
PV_MUST_USE enum pv_err pv_release_request_sign(struct pv_release_request *request, const struct pv_sign_sk *a_sk);
PV_MUST_USE enum pv_err pv_release_request_verify(const struct pv_release_request *request, const struct pv_sign_pk *a_key);
void pv_release_request_put(struct pv_buf *buf, const struct pv_release_request *request);
PV_MUST_USE enum pv_err pv_release_request_read(struct pv_bytes bytes, struct pv_release_request *ret_request);
/* The answer [kem_ct, sealed B, ticket or null]. */
PV_MUST_USE enum pv_err pv_release_answer_make(const struct pv_id16 *gate, const struct pv_kem_pk *kem_pk,
                                               const uint8_t enc_seed[static PV_KEM_ENC_SEED_BYTES],
                                               const struct pv_half_b *b, const struct pv_hash *ticket, struct pv_buf *answer);
PV_MUST_USE enum pv_err pv_release_answer_open(const struct pv_id16 *gate, const struct pv_kem_seed *seed,
                                               struct pv_bytes answer, struct pv_half_b *ret_b, bool *ret_has_ticket,
                                               struct pv_hash *ret_ticket);

/* ---- invite links */
struct pv_invite_link {
    char server_url[PV_LIMIT_URL_BYTES + 1]; /* in the form of server_url.h */
    struct pv_half_a a;
    struct pv_id16 gate;
    struct pv_hash room;
    struct pv_hash inviter;              /* person id */
    bool has_note;
    struct pv_packed_note note;          /* newest checkpoint the inviter held */
};
/* Appends text `<server_url>/i#…`, no NUL; the URL is brought into its one form. Secret, as A is in it.
 * Errors: MALFORMED, LIMIT, NOMEM. */
PV_MUST_USE enum pv_err pv_invite_link_write(const struct pv_invite_link *link, struct pv_buf *text);
/* Errors: TRUNCATED or MALFORMED for a damaged link (the checksum, which covers the URL, tells), LIMIT,
 * NONCANONICAL, UNSUPPORTED. The note is the server's word and not checked here. */
PV_MUST_USE enum pv_err pv_invite_link_read(struct pv_bytes text, struct pv_invite_link *ret_link);

#endif
