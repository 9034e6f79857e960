/* Base64, strict and without tables. */
#include "core/base/base64.h"

size_t pv_base64_length(enum pv_base64 alphabet, size_t n)
{
    if (alphabet == PV_BASE64_STANDARD) return (n + 2) / 3 * 4;
    return n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0);
}

/* All ones if a < b, else zero; both below 2^31. */
static uint32_t less(uint32_t a, uint32_t b)
{
    return (uint32_t)-((a - b) >> 31);
}

static uint8_t digit(enum pv_base64 alphabet, uint32_t v)
{
    uint32_t plus = alphabet == PV_BASE64_STANDARD ? '+' : '-';
    uint32_t slash = alphabet == PV_BASE64_STANDARD ? '/' : '_';
    uint32_t c = 'A' + v;
    c += ~less(v, 26) & ('a' - 26 - 'A');
    c -= ~less(v, 52) & ('a' - 26 - ('0' - 52));
    c = (less(v, 62) & c) | (~less(v, 62) & less(v, 63) & plus) | (~less(v, 63) & slash);
    return (uint8_t)c;
}

/* `value` where c is in [from, to], else 0. */
static uint32_t in_range(uint32_t c, uint32_t from, uint32_t to, uint32_t value)
{
    return ~less(c, from) & less(c, to + 1) & value;
}

/* The value of a digit plus one; zero for what is none. */
static uint32_t value_plus_one(enum pv_base64 alphabet, uint32_t c)
{
    uint32_t plus = alphabet == PV_BASE64_STANDARD ? '+' : '-';
    uint32_t slash = alphabet == PV_BASE64_STANDARD ? '/' : '_';
    return in_range(c, 'A', 'Z', c - 'A' + 1) | in_range(c, 'a', 'z', c - 'a' + 27) |
           in_range(c, '0', '9', c - '0' + 53) | in_range(c, plus, plus, 63) | in_range(c, slash, slash, 64);
}

void pv_base64_put(struct pv_buf *buf, enum pv_base64 alphabet, struct pv_bytes bytes)
{
    uint8_t *out = pv_buf_extend(buf, pv_base64_length(alphabet, bytes.n));
    if (!out) return;
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        acc = acc << 8 | bytes.p[i];
        for (bits += 8; bits >= 6; bits -= 6) *out++ = digit(alphabet, acc >> (bits - 6) & 63);
    }
    if (bits) *out++ = digit(alphabet, acc << (6 - bits) & 63);
    if (alphabet == PV_BASE64_STANDARD)
        for (size_t left = bytes.n % 3; left && left < 3; left++) *out++ = '=';
}

/* Take the padding off. */
static enum pv_err unpad(enum pv_base64 alphabet, struct pv_bytes *text)
{
    if (alphabet == PV_BASE64_URL) return PV_OK;
    if (text->n % 4) return PV_ERR_TRUNCATED;
    for (int i = 0; i < 2 && text->n && text->p[text->n - 1] == '='; i++) text->n--;
    return PV_OK;
}

enum pv_err pv_base64_decode(enum pv_base64 alphabet, struct pv_bytes text, uint8_t *ret_bytes, size_t cap,
                             size_t *ret_n)
{
    enum pv_err err = unpad(alphabet, &text);
    if (err) return err;
    if (text.n % 4 == 1) return PV_ERR_TRUNCATED;
    size_t n = text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0);
    if (n > cap) return PV_ERR_LIMIT;
    uint32_t bad = 0, last = 0;
    for (size_t i = 0; i < text.n; i++) {
        last = value_plus_one(alphabet, text.p[i]);
        bad |= less(last, 1);
    }
    if (bad) return PV_ERR_MALFORMED;
    uint32_t spare = text.n % 4 == 2 ? 15 : text.n % 4 == 3 ? 3 : 0;
    if ((last - 1) & spare) return PV_ERR_NONCANONICAL;
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < text.n; i++) {
        acc = acc << 6 | (value_plus_one(alphabet, text.p[i]) - 1);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *ret_bytes++ = (uint8_t)(acc >> bits);
        }
    }
    *ret_n = n;
    return PV_OK;
}

enum pv_err pv_base64_decode_fixed(enum pv_base64 alphabet, struct pv_bytes text, uint8_t *ret_bytes, size_t n)
{
    size_t length = pv_base64_length(alphabet, n), got;
    if (text.n < length) return PV_ERR_MALFORMED;
    if (text.n == length && alphabet == PV_BASE64_STANDARD && n % 3) {
        /* Padding decides the count, so look before writing. */
        size_t pad = 3 - n % 3;
        for (size_t i = 0; i < 2; i++)
            if ((text.p[length - 1 - i] == '=') != (i < pad)) return PV_ERR_MALFORMED;
    } else if (text.n == length && n && text.p[length - 1] == '=') {
        return PV_ERR_MALFORMED;
    }
    return pv_base64_decode(alphabet, text, ret_bytes, n, &got);
}
