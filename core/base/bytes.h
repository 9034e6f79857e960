/* Slices, growing buffers with a maximum, and the few byte operations everything shares. */
#ifndef PV_BASE_BYTES_H
#define PV_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/* Borrowed bytes; `p` may be NULL only when `n` is 0. */
struct pv_bytes {
    const uint8_t *p;
    size_t n;
};

/* A public 32-byte name: hash, leaf, root, room id, person id, device id. */
struct pv_hash {
    uint8_t b[32];
};

/* A random 16-byte name: invite, gate, blob, write, hold. */
struct pv_id16 {
    uint8_t b[16];
};

/* An owned, growing buffer. The first failure sticks in `err` and later appends do nothing, so a
 * writer checks once at the end. Zero-initialised it is unusable until pv_buf_init. */
struct pv_buf {
    uint8_t *p;
    size_t n;
    size_t cap;
    size_t max; /* bytes; PV_ERR_LIMIT beyond */
    enum pv_err err;
};

static inline struct pv_bytes pv_bytes(const void *p, size_t n)
{
    return (struct pv_bytes){(const uint8_t *)p, n};
}

#define PV_BYTES_OF(object) pv_bytes((object).b, sizeof(object).b)

struct pv_bytes pv_bytes_of_string(const char *s);
bool pv_bytes_equal(struct pv_bytes a, struct pv_bytes b);
/* memcmp order, a prefix first. */
int pv_bytes_compare(struct pv_bytes a, struct pv_bytes b);
bool pv_hash_equal(const struct pv_hash *a, const struct pv_hash *b);
bool pv_hash_is_zero(const struct pv_hash *h);
bool pv_id16_equal(const struct pv_id16 *a, const struct pv_id16 *b);

void pv_buf_init(struct pv_buf *buf, size_t max_bytes);
/* Over the caller's memory: never grows (LIMIT beyond it), never allocates, needs no release and must get none. */
void pv_buf_init_fixed(struct pv_buf *buf, void *memory, size_t max_bytes);
/* Free the contents; the buffer is empty and usable again, its error cleared. */
void pv_buf_release(struct pv_buf *buf);
/* As release, wiping the contents first. */
void pv_buf_wipe(struct pv_buf *buf);
/* Keep the memory, drop contents and error. */
void pv_buf_clear(struct pv_buf *buf);
void pv_buf_append(struct pv_buf *buf, const void *p, size_t n);
void pv_buf_append_byte(struct pv_buf *buf, uint8_t byte);
/* Room for `n` further bytes at once, so that appending them copies nothing of what is there. */
void pv_buf_reserve(struct pv_buf *buf, size_t n);
/* Append `n` bytes of zero, n > 0, and return where they begin; NULL when the buffer has failed. */
uint8_t *pv_buf_extend(struct pv_buf *buf, size_t n);
struct pv_bytes pv_buf_bytes(const struct pv_buf *buf);

/* Overwrite a secret in a way that the compiler keeps. */
void pv_wipe(void *p, size_t n);

/* Lower-case hex; `ret_text` takes 2n + 1 chars. */
void pv_hex_encode(const uint8_t *p, size_t n, char *ret_text);
/* Exactly 2n hex digits. Errors: MALFORMED. */
PV_MUST_USE enum pv_err pv_hex_decode(const char *text, size_t text_len, uint8_t *ret_bytes, size_t n);

/* Well-formed UTF-8 of RFC 3629: no surrogates, no overlong forms. */
bool pv_utf8_is_valid(const uint8_t *p, size_t n);

#endif
