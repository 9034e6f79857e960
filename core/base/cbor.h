/* Deterministic CBOR, the subset of FORMAT.md §1: integers, byte and text strings, arrays, false, true, null.
 *
 * Writer: appends to a pv_buf, whose sticky error is checked once at the end.
 * Reader: a cursor over borrowed bytes with a sticky error; after a failure every read returns zero, and
 * pv_cbor_finish tells the first error or that bytes are left over.  Source: RFC 8949 §3, §4.2.1. */
#ifndef PV_BASE_CBOR_H
#define PV_BASE_CBOR_H

#include "core/base/bytes.h"

enum pv_cbor_major {
    PV_CBOR_UINT = 0,
    PV_CBOR_NINT = 1,
    PV_CBOR_BYTES = 2,
    PV_CBOR_TEXT = 3,
    PV_CBOR_ARRAY = 4,
    PV_CBOR_SIMPLE = 7
};

enum { PV_CBOR_HEAD_MAX = 9 };

/* Encode one head into `ret_head`; returns its length in bytes, 1 to 9. */
size_t pv_cbor_head(enum pv_cbor_major major, uint64_t value, uint8_t ret_head[static PV_CBOR_HEAD_MAX]);

void pv_cbor_put_uint(struct pv_buf *buf, uint64_t value);
void pv_cbor_put_int(struct pv_buf *buf, int64_t value);
void pv_cbor_put_bytes(struct pv_buf *buf, const void *p, size_t n);
void pv_cbor_put_hash(struct pv_buf *buf, const struct pv_hash *hash);
void pv_cbor_put_id16(struct pv_buf *buf, const struct pv_id16 *id);
/* `p` is well-formed UTF-8, else the buffer fails with MALFORMED. */
void pv_cbor_put_text(struct pv_buf *buf, const char *p, size_t n);
void pv_cbor_put_array(struct pv_buf *buf, size_t count);
void pv_cbor_put_bool(struct pv_buf *buf, bool value);
void pv_cbor_put_null(struct pv_buf *buf);

struct pv_cbor {
    const uint8_t *p;
    const uint8_t *end;
    enum pv_err err;
};

void pv_cbor_init(struct pv_cbor *in, struct pv_bytes bytes);
/* Fail the reader, for a caller's own check on a value that it read. The first error stays. */
void pv_cbor_fail(struct pv_cbor *in, enum pv_err err);

/* Over `max`: LIMIT. */
uint64_t pv_cbor_get_uint(struct pv_cbor *in, uint64_t max);
int64_t pv_cbor_get_int(struct pv_cbor *in);
/* Borrowed from the input. Over `max_bytes`: LIMIT. */
struct pv_bytes pv_cbor_get_bytes(struct pv_cbor *in, size_t max_bytes);
struct pv_bytes pv_cbor_get_text(struct pv_cbor *in, size_t max_bytes);
/* Exactly `n` bytes, else MALFORMED; zeros on failure. */
void pv_cbor_get_fixed(struct pv_cbor *in, void *ret_bytes, size_t n);
void pv_cbor_get_hash(struct pv_cbor *in, struct pv_hash *ret_hash);
void pv_cbor_get_id16(struct pv_cbor *in, struct pv_id16 *ret_id);
/* The count of an array of at most `max` items; never more than the bytes left, so that memory may be taken by it. */
size_t pv_cbor_get_array(struct pv_cbor *in, size_t max);
/* An array of exactly `count` items, else MALFORMED. */
void pv_cbor_get_array_of(struct pv_cbor *in, size_t count);
bool pv_cbor_get_bool(struct pv_cbor *in);
/* Take a null if one is next. */
bool pv_cbor_take_null(struct pv_cbor *in);
/* The encoding of the next item, whatever it is, checked to be deterministic and at most
 * PV_LIMIT_NESTING arrays deep. */
struct pv_bytes pv_cbor_get_item(struct pv_cbor *in);
/* The major type that comes next; false at the end or after an error. */
bool pv_cbor_peek(const struct pv_cbor *in, enum pv_cbor_major *ret_major);
/* The first error, or MALFORMED if bytes are left. */
PV_MUST_USE enum pv_err pv_cbor_finish(const struct pv_cbor *in);
/* What is of an unknown version or type: UNSUPPORTED if it is one well-formed item, which tells it from damage; else why
 * it is none. */
PV_MUST_USE enum pv_err pv_cbor_unknown(struct pv_bytes bytes);

#endif
