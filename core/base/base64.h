/* Base64 of RFC 4648: standard with padding (§4) and URL-safe without (§5), one text for each byte string.
 *
 * Nothing branches or indexes on the bytes encoded, as they may be secret. */
#ifndef PV_BASE_BASE64_H
#define PV_BASE_BASE64_H

#include "core/base/bytes.h"

enum pv_base64 {
    PV_BASE64_STANDARD, /* + and /, padded with = to a multiple of four */
    PV_BASE64_URL       /* - and _, never padded */
};

/* Characters for `n` bytes, no NUL. */
size_t pv_base64_length(enum pv_base64 alphabet, size_t n);
/* Append the text, without a NUL. */
void pv_base64_put(struct pv_buf *buf, enum pv_base64 alphabet, struct pv_bytes bytes);
/* Decode all of `text` into at most `cap` bytes. Refuses another alphabet, spaces, padding other than the
 * alphabet's, and bits that are left over but not zero.
 *   ret_bytes  not written on failure
 * Errors: TRUNCATED (a length that no text has), MALFORMED, NONCANONICAL (bits left over), LIMIT (over `cap`). */
PV_MUST_USE enum pv_err pv_base64_decode(enum pv_base64 alphabet, struct pv_bytes text, uint8_t *ret_bytes, size_t cap,
                                         size_t *ret_n);
/* Exactly `n` bytes. Errors: as above; MALFORMED for fewer. */
PV_MUST_USE enum pv_err pv_base64_decode_fixed(enum pv_base64 alphabet, struct pv_bytes text, uint8_t *ret_bytes,
                                               size_t n);

#endif
