/* Deterministic CBOR: the one reader and the one writer. */
#include "core/base/cbor.h"

#include <string.h>

#include "core/base/limits.h"

enum { SIMPLE_FALSE = 20, SIMPLE_TRUE = 21, SIMPLE_NULL = 22 };

size_t pv_cbor_head(enum pv_cbor_major major, uint64_t value, uint8_t ret_head[static PV_CBOR_HEAD_MAX])
{
    uint8_t top = (uint8_t)((unsigned)major << 5);
    if (value < 24) {
        ret_head[0] = (uint8_t)(top | value);
        return 1;
    }
    unsigned log2_bytes = value <= UINT8_MAX ? 0 : value <= UINT16_MAX ? 1 : value <= UINT32_MAX ? 2 : 3;
    size_t n = (size_t)1 << log2_bytes;
    ret_head[0] = (uint8_t)(top | (24 + log2_bytes));
    for (size_t i = 0; i < n; i++) ret_head[1 + i] = (uint8_t)(value >> (8 * (n - 1 - i)));
    return 1 + n;
}

static void put_head(struct pv_buf *buf, enum pv_cbor_major major, uint64_t value)
{
    uint8_t head[PV_CBOR_HEAD_MAX];
    pv_buf_append(buf, head, pv_cbor_head(major, value, head));
}

void pv_cbor_put_uint(struct pv_buf *buf, uint64_t value)
{
    put_head(buf, PV_CBOR_UINT, value);
}

void pv_cbor_put_int(struct pv_buf *buf, int64_t value)
{
    if (value >= 0) put_head(buf, PV_CBOR_UINT, (uint64_t)value);
    else put_head(buf, PV_CBOR_NINT, (uint64_t)(-(value + 1)));
}

void pv_cbor_put_bytes(struct pv_buf *buf, const void *p, size_t n)
{
    put_head(buf, PV_CBOR_BYTES, n);
    pv_buf_append(buf, p, n);
}

void pv_cbor_put_hash(struct pv_buf *buf, const struct pv_hash *hash)
{
    pv_cbor_put_bytes(buf, hash->b, sizeof hash->b);
}

void pv_cbor_put_id16(struct pv_buf *buf, const struct pv_id16 *id)
{
    pv_cbor_put_bytes(buf, id->b, sizeof id->b);
}

void pv_cbor_put_text(struct pv_buf *buf, const char *p, size_t n)
{
    if (!pv_utf8_is_valid((const uint8_t *)p, n)) {
        if (!buf->err) buf->err = PV_ERR_MALFORMED;
        return;
    }
    put_head(buf, PV_CBOR_TEXT, n);
    pv_buf_append(buf, p, n);
}

void pv_cbor_put_array(struct pv_buf *buf, size_t count)
{
    put_head(buf, PV_CBOR_ARRAY, count);
}

void pv_cbor_put_bool(struct pv_buf *buf, bool value)
{
    put_head(buf, PV_CBOR_SIMPLE, value ? SIMPLE_TRUE : SIMPLE_FALSE);
}

void pv_cbor_put_null(struct pv_buf *buf)
{
    put_head(buf, PV_CBOR_SIMPLE, SIMPLE_NULL);
}

void pv_cbor_init(struct pv_cbor *in, struct pv_bytes bytes)
{
    static const uint8_t nothing[1];
    const uint8_t *p = bytes.n ? bytes.p : nothing;
    *in = (struct pv_cbor){.p = p, .end = p + bytes.n};
}

void pv_cbor_fail(struct pv_cbor *in, enum pv_err err)
{
    if (!in->err) in->err = err;
}

static size_t left(const struct pv_cbor *in)
{
    return (size_t)(in->end - in->p);
}

/* Read one head; on failure the error is set and false returned. */
static bool get_head(struct pv_cbor *in, unsigned *ret_major, uint64_t *ret_value)
{
    if (in->err) return false;
    if (left(in) == 0) {
        in->err = PV_ERR_TRUNCATED;
        return false;
    }
    unsigned major = in->p[0] >> 5, info = in->p[0] & 31;
    uint64_t value = info;
    size_t n = 0;
    if (info >= 28) { /* reserved, or an indefinite length */
        in->err = info == 31 ? PV_ERR_NONCANONICAL : PV_ERR_MALFORMED;
        return false;
    }
    if (info >= 24) {
        n = (size_t)1 << (info - 24);
        if (left(in) < 1 + n) {
            in->err = PV_ERR_TRUNCATED;
            return false;
        }
        value = 0;
        for (size_t i = 0; i < n; i++) value = value << 8 | in->p[1 + i];
        uint64_t least = n == 1 ? 24 : (uint64_t)1 << (4 * n);
        if (major != PV_CBOR_SIMPLE && value < least) {
            in->err = PV_ERR_NONCANONICAL;
            return false;
        }
    }
    bool known = major <= PV_CBOR_ARRAY ||
                 (major == PV_CBOR_SIMPLE && n == 0 && value >= SIMPLE_FALSE && value <= SIMPLE_NULL);
    if (!known) {
        in->err = PV_ERR_MALFORMED;
        return false;
    }
    in->p += 1 + n;
    *ret_major = major;
    *ret_value = value;
    return true;
}

static bool get_typed_head(struct pv_cbor *in, enum pv_cbor_major want, uint64_t *ret_value)
{
    unsigned major;
    if (!get_head(in, &major, ret_value)) return false;
    if (major == (unsigned)want) return true;
    in->err = PV_ERR_MALFORMED;
    return false;
}

uint64_t pv_cbor_get_uint(struct pv_cbor *in, uint64_t max)
{
    uint64_t value;
    if (!get_typed_head(in, PV_CBOR_UINT, &value)) return 0;
    if (value > max) {
        in->err = PV_ERR_LIMIT;
        return 0;
    }
    return value;
}

int64_t pv_cbor_get_int(struct pv_cbor *in)
{
    unsigned major;
    uint64_t value;
    if (!get_head(in, &major, &value)) return 0;
    if (major > PV_CBOR_NINT) {
        in->err = PV_ERR_MALFORMED;
        return 0;
    }
    if (value > INT64_MAX) {
        in->err = PV_ERR_LIMIT;
        return 0;
    }
    return major == PV_CBOR_UINT ? (int64_t)value : -(int64_t)value - 1;
}

static struct pv_bytes get_string(struct pv_cbor *in, enum pv_cbor_major major, uint64_t max_bytes)
{
    uint64_t n;
    if (!get_typed_head(in, major, &n)) return pv_bytes(NULL, 0);
    if (n > max_bytes) {
        in->err = PV_ERR_LIMIT;
    } else if (n > left(in)) {
        in->err = PV_ERR_TRUNCATED;
    } else if (major == PV_CBOR_TEXT && !pv_utf8_is_valid(in->p, (size_t)n)) {
        in->err = PV_ERR_MALFORMED;
    } else {
        struct pv_bytes bytes = pv_bytes(in->p, (size_t)n);
        in->p += n;
        return bytes;
    }
    return pv_bytes(NULL, 0);
}

struct pv_bytes pv_cbor_get_bytes(struct pv_cbor *in, size_t max_bytes)
{
    return get_string(in, PV_CBOR_BYTES, max_bytes);
}

struct pv_bytes pv_cbor_get_text(struct pv_cbor *in, size_t max_bytes)
{
    return get_string(in, PV_CBOR_TEXT, max_bytes);
}

void pv_cbor_get_fixed(struct pv_cbor *in, void *ret_bytes, size_t n)
{
    struct pv_bytes bytes = get_string(in, PV_CBOR_BYTES, UINT64_MAX);
    if (!in->err && bytes.n != n) in->err = PV_ERR_MALFORMED;
    if (in->err) memset(ret_bytes, 0, n);
    else if (n) memcpy(ret_bytes, bytes.p, n);
}

void pv_cbor_get_hash(struct pv_cbor *in, struct pv_hash *ret_hash)
{
    pv_cbor_get_fixed(in, ret_hash->b, sizeof ret_hash->b);
}

void pv_cbor_get_id16(struct pv_cbor *in, struct pv_id16 *ret_id)
{
    pv_cbor_get_fixed(in, ret_id->b, sizeof ret_id->b);
}

size_t pv_cbor_get_array(struct pv_cbor *in, size_t max)
{
    uint64_t count;
    if (!get_typed_head(in, PV_CBOR_ARRAY, &count)) return 0;
    if (count > max) in->err = PV_ERR_LIMIT;
    else if (count > left(in)) in->err = PV_ERR_TRUNCATED; /* an item has at least a byte */
    return in->err ? 0 : (size_t)count;
}

void pv_cbor_get_array_of(struct pv_cbor *in, size_t count)
{
    uint64_t got;
    if (get_typed_head(in, PV_CBOR_ARRAY, &got) && got != count) in->err = PV_ERR_MALFORMED;
}

bool pv_cbor_get_bool(struct pv_cbor *in)
{
    uint64_t value;
    if (!get_typed_head(in, PV_CBOR_SIMPLE, &value)) return false;
    if (value == SIMPLE_NULL) in->err = PV_ERR_MALFORMED;
    return value == SIMPLE_TRUE;
}

bool pv_cbor_take_null(struct pv_cbor *in)
{
    if (in->err || left(in) == 0 || in->p[0] != (PV_CBOR_SIMPLE << 5 | SIMPLE_NULL)) return false;
    in->p++;
    return true;
}

struct pv_bytes pv_cbor_get_item(struct pv_cbor *in)
{
    const uint8_t *start = in->p;
    uint64_t open[PV_LIMIT_NESTING]; /* items still to come in each open array */
    size_t depth = 0;
    for (;;) {
        unsigned major;
        uint64_t value;
        if (in->err || left(in) == 0) {
            pv_cbor_fail(in, PV_ERR_TRUNCATED);
            return pv_bytes(NULL, 0);
        }
        enum pv_cbor_major next = (enum pv_cbor_major)(in->p[0] >> 5);
        if (next == PV_CBOR_BYTES || next == PV_CBOR_TEXT) {
            (void)get_string(in, next, UINT64_MAX);
        } else if (get_head(in, &major, &value) && major == PV_CBOR_ARRAY) {
            if (depth == PV_LIMIT_NESTING) pv_cbor_fail(in, PV_ERR_LIMIT);
            else open[depth++] = value;
        }
        if (in->err) return pv_bytes(NULL, 0);
        while (depth && open[depth - 1] == 0) depth--;
        if (depth == 0) return pv_bytes(start, (size_t)(in->p - start));
        open[depth - 1]--;
    }
}

bool pv_cbor_peek(const struct pv_cbor *in, enum pv_cbor_major *ret_major)
{
    if (in->err || left(in) == 0) return false;
    *ret_major = (enum pv_cbor_major)(in->p[0] >> 5);
    return true;
}

enum pv_err pv_cbor_finish(const struct pv_cbor *in)
{
    if (in->err) return in->err;
    return left(in) ? PV_ERR_MALFORMED : PV_OK;
}

enum pv_err pv_cbor_unknown(struct pv_bytes bytes)
{
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    (void)pv_cbor_get_item(&in);
    enum pv_err err = pv_cbor_finish(&in);
    return err ? err : PV_ERR_UNSUPPORTED;
}
