/* Parts of labelled functions, encoded in place. */
#include "core/crypto/parts.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cbor.h"

static void put(struct pv_parts *parts, const void *p, size_t n)
{
    if (n > sizeof parts->b - parts->n) abort();
    if (n) memcpy(parts->b + parts->n, p, n);
    parts->n += n;
}

static void put_head(struct pv_parts *parts, enum pv_cbor_major major, uint64_t value)
{
    uint8_t head[PV_CBOR_HEAD_MAX];
    put(parts, head, pv_cbor_head(major, value, head));
}

void pv_parts_put_uint(struct pv_parts *parts, uint64_t value)
{
    put_head(parts, PV_CBOR_UINT, value);
}

void pv_parts_put_bytes(struct pv_parts *parts, const void *p, size_t n)
{
    put_head(parts, PV_CBOR_BYTES, n);
    put(parts, p, n);
}

void pv_parts_put_null(struct pv_parts *parts)
{
    static const uint8_t null = 0xf6; /* RFC 8949 §3.3 */
    put(parts, &null, 1);
}
