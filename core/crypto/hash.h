/* SHA-256, labelled hashes over CBOR parts, and HKDF over the same parts.  Source: FORMAT.md §1. */
#ifndef PV_CRYPTO_HASH_H
#define PV_CRYPTO_HASH_H

#include "core/base/bytes.h"

#define PV_LABEL_PREFIX "privity/1/"

/* State of a SHA-256 in progress; opaque, no release needed. */
struct pv_sha256 {
    _Alignas(8) uint8_t state[128];
};

void pv_sha256_init(struct pv_sha256 *sha);
void pv_sha256_update(struct pv_sha256 *sha, const void *p, size_t n);
void pv_sha256_final(struct pv_sha256 *sha, struct pv_hash *ret_hash);
void pv_sha256(struct pv_bytes bytes, struct pv_hash *ret_hash);

/* Feed one CBOR item to a hash in progress, as the labelled functions do. */
void pv_sha256_put_uint(struct pv_sha256 *sha, uint64_t value);
void pv_sha256_put_bytes(struct pv_sha256 *sha, const void *p, size_t n);
void pv_sha256_put_text(struct pv_sha256 *sha, const char *text);
void pv_sha256_put_array(struct pv_sha256 *sha, size_t count);

/* Begin H(label; …): `what` without the "privity/1/" prefix. Parts follow by pv_sha256_put_…. */
void pv_hash_begin(struct pv_sha256 *sha, const char *what);
/* H(what; bytes) with the bytes as one byte string. */
void pv_hash_bytes(const char *what, struct pv_bytes bytes, struct pv_hash *ret_hash);
/* H(what; …) with `encoded` being CBOR items already encoded. */
void pv_hash_encoded(const char *what, struct pv_bytes encoded, struct pv_hash *ret_hash);

/* An extracted HKDF key (RFC 5869 §2.2), so that many keys derive from one secret cheaply. Secret. */
struct pv_prk {
    uint8_t b[32];
};

void pv_hkdf_extract(struct pv_bytes secret, struct pv_prk *ret_prk);
/* 32 bytes for `what` and CBOR parts already encoded (may be empty). */
void pv_hkdf_expand(const struct pv_prk *prk, const char *what, struct pv_bytes encoded, uint8_t ret_key[static 32]);
/* Extract and expand in one. */
void pv_hkdf(struct pv_bytes secret, const char *what, struct pv_bytes encoded, uint8_t ret_key[static 32]);

/* HMAC-SHA-256 (RFC 2104); a key of at most 64 bytes. */
void pv_hmac_sha256(struct pv_bytes key, const struct pv_bytes *parts, size_t part_count, struct pv_hash *ret_mac);
/* RFC 5869 with salt and any output length up to 255 × 32: only foreign vectors need it. */
PV_MUST_USE enum pv_err pv_hkdf_general(struct pv_bytes secret, struct pv_bytes salt, struct pv_bytes info,
                                        uint8_t *ret_key, size_t n);

#endif
