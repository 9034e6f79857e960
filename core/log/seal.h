/* Sealed bodies: padding, the entry key, commitment.  Source: FORMAT.md §4. */
#ifndef PV_LOG_SEAL_H
#define PV_LOG_SEAL_H

#include "core/crypto/hash.h"
#include "core/log/entry.h"

/* K of one entry: opens that body and nothing else. Secret. */
struct pv_entry_key { uint8_t b[32]; };

/* Padmé length of `n` bytes. */
uint64_t pv_padme(uint64_t n);

/* K for the header's room, epoch, author, n and a nonce; `epoch_prk` is pv_hkdf_extract of the epoch's secret. */
void pv_entry_key_derive(const struct pv_prk *epoch_prk, const struct pv_header *header,
                         const struct pv_seal_nonce *nonce, struct pv_entry_key *ret_key);
void pv_entry_key_commit(const struct pv_entry_key *key, struct pv_hash *ret_commit);

/* Pad and seal `payload` for `header`, whose first ten fields are final: appends the body and fills
 * header->body_hash and header->commit.
 * Errors: NOMEM, LIMIT; TRUNCATED, NONCANONICAL, MALFORMED when the payload is not one CBOR item. */
PV_MUST_USE enum pv_err pv_body_seal(const struct pv_prk *epoch_prk, const struct pv_seal_nonce *nonce,
                                     struct pv_bytes payload, struct pv_header *header, struct pv_buf *body);
/* Check commit, open, check padding; appends the payload's one CBOR item to `payload`. That the body is the one of
 * header->body_hash is for the caller to check: what is opened is only known to be by someone with the key.
 * Errors: TRUNCATED, BAD_MAC (commit or tag), NONCANONICAL (padding), MALFORMED, LIMIT, NOMEM. */
PV_MUST_USE enum pv_err pv_body_open(const struct pv_prk *epoch_prk, const struct pv_header *header,
                                     struct pv_bytes body, struct pv_buf *payload);
/* The same with K at hand (a `keys` entry, a proof). */
PV_MUST_USE enum pv_err pv_body_open_with_key(const struct pv_entry_key *key, const struct pv_header *header,
                                              struct pv_bytes body, struct pv_buf *payload);

#endif
