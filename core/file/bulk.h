/* One piece of bulk work: a chunk to hash, seal or open.
 *
 * Core makes jobs and takes results; a driver performs them with what its platform does best (libcrypto on
 * threads, WebCrypto). A job touches only its own bytes, so jobs run in any order and on any thread.
 *
 * The cipher is AES-256-GCM with a nonce of twelve zero bytes, empty associated data and the 16-byte tag at
 * the end; every key seals once.  Source: FORMAT.md §11; NIST SP 800-38D. */
#ifndef PV_FILE_BULK_H
#define PV_FILE_BULK_H

#include "core/file/manifest.h"

enum pv_bulk_kind {
    PV_BULK_HASH, /* sha256 of `in` */
    PV_BULK_SEAL, /* `in` to `out`, PV_CHUNK_TAG_BYTES longer */
    PV_BULK_OPEN  /* `in` to `out`, PV_CHUNK_TAG_BYTES shorter, and sha256 of the plaintext */
};

/* `out` may be where `in` is. Who performs it sets the results and leaves the rest. */
struct pv_bulk_job {
    enum pv_bulk_kind kind;
    struct pv_chunk_key key;
    struct pv_bytes in;
    uint8_t *out;
    struct pv_hash sha256;    /* result */
    enum pv_err err;          /* result: OK; BAD_MAC, and `out` is zeroed; NOMEM */
    struct pv_bulk_job *next; /* the performer's, for its queues */
};

#endif
