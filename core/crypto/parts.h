/* A few short CBOR items side by side without allocating: the parts of labelled hashes, signatures and keys. */
#ifndef PV_CRYPTO_PARTS_H
#define PV_CRYPTO_PARTS_H

#include "core/base/bytes.h"

enum { PV_PARTS_BYTES = 256 };

/* Zero-initialised it is empty. Whoever puts in a secret wipes it. */
struct pv_parts {
    uint8_t b[PV_PARTS_BYTES];
    size_t n;
};

/* What does not fit is the caller's mistake and aborts: only fixed-size parts belong here. */
void pv_parts_put_uint(struct pv_parts *parts, uint64_t value);
void pv_parts_put_bytes(struct pv_parts *parts, const void *p, size_t n);
void pv_parts_put_null(struct pv_parts *parts);

static inline struct pv_bytes pv_parts_bytes(const struct pv_parts *parts)
{
    return pv_bytes(parts->b, parts->n);
}

#endif
