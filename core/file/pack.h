/* Blobs: sealed chunks one behind the other, zeros up to the Padmé length, under a random name.
 *
 * A chunk of PV_PACK_OWN_BYTES or more has a blob of its own; smaller ones of one put share.
 * Source: FORMAT.md §11. */
#ifndef PV_FILE_PACK_H
#define PV_FILE_PACK_H

#include "core/crypto/keys.h"
#include "core/file/manifest.h"

enum {
    PV_PACK_OWN_BYTES = PV_LIMIT_CHUNK_MIN_BYTES,
    PV_PACK_RANGE_BYTES = 64 * 1024 /* readers ask for whole multiples, so the server learns no exact length */
};

struct pv_blob {
    struct pv_id16 name;
    uint8_t *p; /* PV_LIMIT_BLOB_BYTES of the owner's memory */
    size_t n;   /* bytes in use */
};

/* A new, empty blob over `memory`, named by `random`. */
void pv_blob_init(struct pv_blob *blob, const struct pv_random *random, uint8_t *memory);
/* Is there room for a chunk of `length_bytes`, sealed, and for its padding? */
bool pv_blob_has_room(const struct pv_blob *blob, size_t length_bytes);
/* Reserve that room, giving `chunk` its blob, offset and a fresh key; the caller seals to p + offset. */
void pv_blob_place(struct pv_blob *blob, const struct pv_random *random, struct pv_chunk *chunk);
/* Pad: nothing can be placed any more, and p, n are the bytes to store. */
void pv_blob_close(struct pv_blob *blob);

/* The range [from, to) of the chunk's blob to ask for. The blob may end before `to`, but not before the
 * sealed chunk does. At most PV_LIMIT_BLOB_BYTES. */
void pv_blob_range(const struct pv_chunk *chunk, uint32_t *ret_from_bytes, uint32_t *ret_to_bytes);

#endif
