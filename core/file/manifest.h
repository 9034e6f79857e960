/* What an entry says about a file: path, size, mode, times, hash, and the manifest of its chunks.
 *
 *   file     = [path, size, mode, [seconds, nanoseconds], sha256(32) or null, manifest]
 *   manifest = [0, [chunk, …]] up to PV_LIMIT_MANIFEST_INLINE_CHUNKS, or [1, [page, …]]
 *   chunk    = [sha256(32), length, blob(16), offset, key(32)]
 *   page     = [sha256(32), length, blob(16), offset, key(32), span]
 *
 * A page's plaintext is [chunk, …], sealed and stored like a chunk; `span` is the sum of its chunks'
 * lengths. So a file of 4 TiB takes one entry and a reader holds one page at a time.  Source: FORMAT.md §11.
 *
 * Readers check everything before they return: a list that was accepted is walked without errors. */
#ifndef PV_FILE_MANIFEST_H
#define PV_FILE_MANIFEST_H

#include "core/file/path.h"

/* AES-256 key of one chunk, random, used once. Secret. */
struct pv_chunk_key {
    uint8_t b[32];
};

enum { PV_CHUNK_TAG_BYTES = 16 };

/* Where a chunk or page lies and what it is: opening it with `key` must give `sha256`. Holds a secret. */
struct pv_chunk {
    struct pv_hash sha256; /* of the plaintext */
    uint32_t length_bytes; /* of the plaintext; PV_CHUNK_TAG_BYTES more when sealed */
    struct pv_id16 blob;
    uint32_t offset_bytes; /* of the sealed chunk in the blob */
    struct pv_chunk_key key;
    uint64_t span_bytes;   /* bytes of the file under it: a chunk's own length, a page's sum */
};

/* A checked list of chunks or pages, borrowed from the input; a value to walk. */
struct pv_chunk_list {
    bool pages;
    size_t count;
    struct pv_bytes encoded; /* the items, without the array's head */
};

struct pv_file {
    struct pv_path path;
    uint64_t size_bytes;
    uint32_t mode; /* Unix permission bits, at most 07777 */
    int64_t mtime_seconds;
    uint32_t mtime_nanoseconds;
    bool has_sha256;
    struct pv_hash sha256;
    struct pv_chunk_list manifest;
};

/* Append one encoded chunk (or page, with `as_page`): lists are collected so, then given to
 * pv_file_put as `manifest.encoded`. The buffer fails with LIMIT for what no reader would take. */
void pv_chunk_put(struct pv_buf *buf, const struct pv_chunk *chunk, bool as_page);
/* Read one chunk or page kept by itself; the reader fails with TRUNCATED, NONCANONICAL, MALFORMED, LIMIT. */
void pv_chunk_get(struct pv_cbor *in, bool as_page, struct pv_chunk *ret_chunk);
/* Take the next item; false at the end. */
bool pv_chunk_list_next(struct pv_chunk_list *list, struct pv_chunk *ret_chunk);

/* Append the encoding; the buffer fails with LIMIT or MALFORMED for what no reader would take, the
 * sum of lengths included. */
void pv_file_put(struct pv_buf *buf, const struct pv_file *file);
/* One `file`, borrowing from the input. The reader fails with TRUNCATED, NONCANONICAL, MALFORMED, LIMIT. */
void pv_file_get(struct pv_cbor *in, struct pv_file *ret_file);

/* A page's plaintext of `count` chunks already encoded. */
void pv_page_put(struct pv_buf *buf, struct pv_bytes encoded_chunks, size_t count);
/* Read a page's plaintext, which stays borrowed; its lengths must add up to `span_bytes`.
 * Errors: TRUNCATED, NONCANONICAL, MALFORMED, LIMIT. */
PV_MUST_USE enum pv_err pv_page_read(struct pv_bytes page, uint64_t span_bytes, struct pv_chunk_list *ret_list);

#endif
