/* Slices, growing buffers with a maximum, hex and UTF-8. */
#include "core/base/bytes.h"

#include <stdlib.h>
#include <string.h>

struct pv_bytes pv_bytes_of_string(const char *s)
{
    return pv_bytes(s, strlen(s));
}

bool pv_bytes_equal(struct pv_bytes a, struct pv_bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int pv_bytes_compare(struct pv_bytes a, struct pv_bytes b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c) return c;
    return (a.n > b.n) - (a.n < b.n);
}

bool pv_hash_equal(const struct pv_hash *a, const struct pv_hash *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool pv_hash_is_zero(const struct pv_hash *h)
{
    static const struct pv_hash zero;
    return pv_hash_equal(h, &zero);
}

bool pv_id16_equal(const struct pv_id16 *a, const struct pv_id16 *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

void pv_buf_init(struct pv_buf *buf, size_t max_bytes)
{
    *buf = (struct pv_buf){.max = max_bytes};
}

void pv_buf_init_fixed(struct pv_buf *buf, void *memory, size_t max_bytes)
{
    *buf = (struct pv_buf){.p = memory, .cap = max_bytes, .max = max_bytes};
}

void pv_buf_release(struct pv_buf *buf)
{
    free(buf->p);
    pv_buf_init(buf, buf->max);
}

void pv_buf_wipe(struct pv_buf *buf)
{
    if (buf->p) pv_wipe(buf->p, buf->cap);
    pv_buf_release(buf);
}

void pv_buf_clear(struct pv_buf *buf)
{
    buf->n = 0;
    buf->err = PV_OK;
}

/* Secrets pass through buffers, so growing never leaves an unwiped copy behind. */
static bool move_to(struct pv_buf *buf, size_t cap)
{
    uint8_t *p = malloc(cap);
    if (!p) {
        buf->err = PV_ERR_NOMEM;
        return false;
    }
    if (buf->n) memcpy(p, buf->p, buf->n);
    if (buf->p) pv_wipe(buf->p, buf->cap);
    free(buf->p);
    buf->p = p;
    buf->cap = cap;
    return true;
}

static bool grow(struct pv_buf *buf, size_t need)
{
    size_t cap = buf->cap ? buf->cap : 64;
    while (cap < need) cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    return move_to(buf, cap < buf->max ? cap : buf->max);
}

void pv_buf_reserve(struct pv_buf *buf, size_t n)
{
    if (buf->err || n <= buf->cap - buf->n) return;
    if (n > buf->max - buf->n) buf->err = PV_ERR_LIMIT;
    else (void)move_to(buf, buf->n + n);
}

uint8_t *pv_buf_extend(struct pv_buf *buf, size_t n)
{
    if (buf->err) return NULL;
    if (n > buf->max - buf->n) {
        buf->err = PV_ERR_LIMIT;
        return NULL;
    }
    if (n > buf->cap - buf->n && !grow(buf, buf->n + n)) return NULL;
    uint8_t *at = buf->p ? buf->p + buf->n : NULL;
    if (at) memset(at, 0, n);
    buf->n += n;
    return at;
}

void pv_buf_append(struct pv_buf *buf, const void *p, size_t n)
{
    if (n == 0) return;
    uint8_t *at = pv_buf_extend(buf, n);
    if (at) memcpy(at, p, n);
}

void pv_buf_append_byte(struct pv_buf *buf, uint8_t byte)
{
    pv_buf_append(buf, &byte, 1);
}

struct pv_bytes pv_buf_bytes(const struct pv_buf *buf)
{
    return pv_bytes(buf->p, buf->n);
}

void pv_wipe(void *p, size_t n)
{
    if (n == 0) return;
    memset(p, 0, n);
    __asm__ __volatile__("" : : "r"(p) : "memory");
}

void pv_hex_encode(const uint8_t *p, size_t n, char *ret_text)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        ret_text[2 * i] = digit[p[i] >> 4];
        ret_text[2 * i + 1] = digit[p[i] & 15];
    }
    ret_text[2 * n] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum pv_err pv_hex_decode(const char *text, size_t text_len, uint8_t *ret_bytes, size_t n)
{
    if (text_len != 2 * n) return PV_ERR_MALFORMED;
    for (size_t i = 0; i < text_len; i++)
        if (hex_value(text[i]) < 0) return PV_ERR_MALFORMED;
    for (size_t i = 0; i < n; i++)
        ret_bytes[i] = (uint8_t)((unsigned)hex_value(text[2 * i]) << 4 | (unsigned)hex_value(text[2 * i + 1]));
    return PV_OK;
}

/* Length of the well-formed sequence at p, 0 if there is none (Unicode 15, table 3-7). */
static size_t utf8_sequence(const uint8_t *p, size_t n)
{
    uint8_t lead = p[0];
    size_t len = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (len == 0 || len > n) return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (lead == 0xe0 && p[1] < 0xa0) return 0;
    if (lead == 0xed && p[1] > 0x9f) return 0;
    if (lead == 0xf0 && p[1] < 0x90) return 0;
    if (lead == 0xf4 && p[1] > 0x8f) return 0;
    return len;
}

bool pv_utf8_is_valid(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint64_t eight;
        if (n - i >= sizeof eight) { /* most text is ASCII */
            memcpy(&eight, p + i, sizeof eight);
            if ((eight & 0x8080808080808080u) == 0) {
                i += sizeof eight;
                continue;
            }
        }
        size_t len = utf8_sequence(p + i, n - i);
        if (len == 0) return false;
        i += len;
    }
    return true;
}
