/* Texts made of lines, and decimal numbers in their one spelling. */
#include "core/base/lines.h"

#include <string.h>

void pv_lines_init(struct pv_lines *in, struct pv_bytes text)
{
    *in = (struct pv_lines){.rest = text};
}

void pv_lines_fail(struct pv_lines *in, enum pv_err err)
{
    if (!in->err) in->err = err;
}

struct pv_bytes pv_lines_get(struct pv_lines *in)
{
    if (in->err) return pv_bytes(NULL, 0);
    const uint8_t *newline = in->rest.n ? memchr(in->rest.p, '\n', in->rest.n) : NULL;
    if (!newline) {
        in->err = PV_ERR_TRUNCATED;
        return pv_bytes(NULL, 0);
    }
    struct pv_bytes line = pv_bytes(in->rest.p, (size_t)(newline - in->rest.p));
    in->rest = pv_bytes(newline + 1, in->rest.n - line.n - 1);
    return line;
}

struct pv_bytes pv_lines_get_after(struct pv_lines *in, struct pv_bytes prefix)
{
    struct pv_bytes line = pv_lines_get(in);
    if (in->err) return pv_bytes(NULL, 0);
    if (line.n <= prefix.n || !pv_bytes_equal(pv_bytes(line.p, prefix.n), prefix)) {
        in->err = PV_ERR_MALFORMED;
        return pv_bytes(NULL, 0);
    }
    return pv_bytes(line.p + prefix.n, line.n - prefix.n);
}

void pv_lines_expect(struct pv_lines *in, struct pv_bytes line)
{
    struct pv_bytes got = pv_lines_get(in);
    if (!in->err && !pv_bytes_equal(got, line)) in->err = PV_ERR_MALFORMED;
}

enum pv_err pv_lines_finish(const struct pv_lines *in)
{
    if (in->err) return in->err;
    return in->rest.n ? PV_ERR_MALFORMED : PV_OK;
}

enum pv_err pv_decimal_read(struct pv_bytes text, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text.n == 0) return PV_ERR_MALFORMED;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9') return PV_ERR_MALFORMED;
    if (text.n > 1 && text.p[0] == '0') return PV_ERR_NONCANONICAL;
    for (size_t i = 0; i < text.n; i++) {
        uint64_t digit = (uint64_t)(text.p[i] - '0');
        if (value > max / 10 || digit > max - value * 10) return PV_ERR_LIMIT;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return PV_OK;
}

void pv_decimal_put(struct pv_buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    pv_buf_append(buf, digits + at, sizeof digits - at);
}

void pv_text_put(struct pv_buf *buf, const char *text)
{
    pv_buf_append(buf, text, strlen(text));
}
