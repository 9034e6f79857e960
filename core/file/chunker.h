/* Content-defined chunking: FastCDC with a gear table of the room's own.
 *
 * With G the gear table and b the bytes of a chunk from its start, for a length L
 *     h(L) = sum over j = 0…63 of G[b[L-1-j]] · 2^j  mod 2^64
 * and the chunk ends at the smallest L from PV_LIMIT_CHUNK_MIN_BYTES on with h(L) < 2^42 while L is below
 * PV_LIMIT_CHUNK_AVG_BYTES, h(L) < 2^46 from there on; at PV_LIMIT_CHUNK_MAX_BYTES; or with the file.
 * Where a chunk ends depends on its own bytes alone, never on how they were fed.  Source: FORMAT.md §11. */
#ifndef PV_FILE_CHUNKER_H
#define PV_FILE_CHUNKER_H

#include "core/base/bytes.h"

/* The room's chunking secret (payload `chunking`). Secret. */
struct pv_chunk_secret {
    uint8_t b[32];
};

/* Derived from the secret, hence secret: its holder wipes it. */
struct pv_gear {
    uint64_t of[256];
};

struct pv_chunker {
    const struct pv_gear *gear; /* borrowed */
    uint64_t hash;
    size_t length_bytes; /* of the chunk so far */
};

void pv_gear_derive(const struct pv_chunk_secret *secret, struct pv_gear *ret_gear);

void pv_chunker_init(struct pv_chunker *chunker, const struct pv_gear *gear);
/* Take bytes up to the end of the chunk at hand. Returns how many belong to it, all of them unless
 * `ret_cut` is true: then the chunk ends after them, and the next byte fed begins another. */
size_t pv_chunker_feed(struct pv_chunker *chunker, struct pv_bytes bytes, bool *ret_cut);

#endif
