/* Entries of a room's log: header, signature, leaf, and the hashes of what lies with them.  Source: FORMAT.md §3. */
#ifndef PV_LOG_ENTRY_H
#define PV_LOG_ENTRY_H

#include "core/base/bytes.h"
#include "core/base/cbor.h"
#include "core/crypto/keys.h"

enum pv_kind { PV_KIND_ROSTER = 0, PV_KIND_SIGN = 1, PV_KIND_TALK = 2, PV_KIND_WORK = 3, PV_KIND_SERVER = 4 };

static inline bool pv_kind_is_sealed(uint64_t kind)
{
    return kind == PV_KIND_TALK || kind == PV_KIND_WORK;
}

struct pv_header {
    struct pv_hash room;
    struct pv_hash author;
    uint64_t n;
    struct pv_hash prev;
    uint64_t seen_size;
    struct pv_hash seen_root;
    uint64_t time_ms;
    uint64_t kind;
    uint64_t epoch;
    struct pv_hash refs_hash;
    struct pv_hash body_hash;
    struct pv_hash commit;
};

struct pv_entry {
    struct pv_header header;
    struct pv_sig sig;
};

/* An entry as it travels: everything borrowed from the bytes that it was read from. */
struct pv_bundle {
    struct pv_bytes entry;
    struct pv_bytes refs;   /* encoded array */
    struct pv_bytes body;
    struct pv_bytes beside; /* encoded [[kem key…], [link…], [wrap…]] */
};

void pv_header_put(struct pv_buf *buf, const struct pv_header *header);
/* The first ten fields as an array: the associated data of a sealed body, after its label. */
void pv_header_put_first_ten(struct pv_buf *buf, const struct pv_header *header);

/* Sign `header` and append the encoded entry. Errors: NOMEM, LIMIT. */
PV_MUST_USE enum pv_err pv_entry_make(const struct pv_header *header, const struct pv_sign_sk *sk, struct pv_buf *buf);
/* Read one entry; checks encoding and the field rules of §3, not the signature.
 * Errors: TRUNCATED, NONCANONICAL, MALFORMED, LIMIT; UNSUPPORTED for an unknown version or kind. */
PV_MUST_USE enum pv_err pv_entry_read(struct pv_bytes bytes, struct pv_entry *ret_entry);
PV_MUST_USE enum pv_err pv_entry_verify(const struct pv_entry *entry, const struct pv_sign_pk *author_pk);
void pv_entry_leaf(struct pv_bytes entry_bytes, struct pv_hash *ret_leaf);
/* Of a genesis entry's bytes. */
void pv_entry_room_id(struct pv_bytes entry_bytes, struct pv_hash *ret_room);
void pv_body_hash(struct pv_bytes body, struct pv_hash *ret_hash);

/* refs: an encoded array of at most PV_LIMIT_REFS blob names. */
void pv_refs_put(struct pv_buf *buf, const struct pv_id16 *names, size_t count);
/* Check the encoding, count; `ret_count` names follow by pv_refs_at. */
PV_MUST_USE enum pv_err pv_refs_check(struct pv_bytes refs, size_t *ret_count);
void pv_refs_at(struct pv_bytes refs, size_t i, struct pv_id16 *ret_name);
void pv_refs_hash(struct pv_bytes refs, struct pv_hash *ret_hash);
/* null in their place: they were dropped with a forgotten body. */
bool pv_refs_are_dropped(struct pv_bytes refs);
#define PV_REFS_DROPPED pv_bytes("\xf6", 1)

/* A device's public half, FORMAT.md §2. */
struct pv_device {
    struct pv_sign_pk sign_pk;
    struct pv_hash kem_hash;
};
void pv_device_put(struct pv_buf *buf, const struct pv_device *device);
void pv_device_get(struct pv_cbor *in, struct pv_device *ret_device);
void pv_device_id(const struct pv_device *device, struct pv_hash *ret_id);
/* The author id of a server's entries. */
void pv_log_key_id(const struct pv_sign_pk *log_key, struct pv_hash *ret_id);

void pv_bundle_put(struct pv_buf *buf, const struct pv_bundle *bundle);
void pv_bundle_get(struct pv_cbor *in, struct pv_bundle *ret_bundle);

#endif
