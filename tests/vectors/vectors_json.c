/* Reading vector files: JSON with integers of any size, hex and base64. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/lines.h"
#include "tests/vectors/vectors.h"

enum { FILE_BYTES_MAX = 64 << 20, SAFE_DIGITS = 18 };

#define BIG "#integer:" /* marks a string that stands for an integer */

static bool read_file(const char *path, struct pv_buf *text)
{
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    char block[16384];
    size_t n;
    while ((n = fread(block, 1, sizeof block, file)) > 0) pv_buf_append(text, block, n);
    bool good = !ferror(file) && !text->err;
    (void)fclose(file);
    return good;
}

/* The code unit of a \u escape at p; 0 if there is none. */
static unsigned escaped_unit(const uint8_t *p, size_t n)
{
    uint8_t unit[2];
    if (n < 6 || p[0] != '\\' || p[1] != 'u' || pv_hex_decode((const char *)p + 2, 4, unit, 2)) return 0;
    return (unsigned)unit[0] << 8 | unit[1];
}

/* Copy a string, each half of a surrogate pair that stands alone as U+FFFD: some vectors try text that is none. */
static void copy_string(const uint8_t *p, size_t n, struct pv_buf *out)
{
    for (size_t i = 0; i < n;) {
        unsigned unit = escaped_unit(p + i, n - i), next = unit ? escaped_unit(p + i + 6, n - i - 6) : 0;
        bool pair = unit >> 10 == 0xd800 >> 10 && next >> 10 == 0xdc00 >> 10;
        size_t take = pair ? 12 : unit ? 6 : p[i] == '\\' && i + 1 < n ? 2 : 1;
        if (!pair && unit >> 11 == 0xd800 >> 11) pv_text_put(out, "\\ufffd");
        else pv_buf_append(out, p + i, take);
        i += take;
    }
}

static size_t string_length(const uint8_t *p, size_t n)
{
    size_t i = 1;
    while (i < n && p[i] != '"') i += p[i] == '\\' ? 2 : 1;
    return i < n ? i + 1 : n;
}

static size_t number_length(const uint8_t *p, size_t n, bool *ret_integer)
{
    size_t i = 0;
    *ret_integer = true;
    while (i < n && p[i] && strchr("+-.0123456789eE", p[i])) {
        if (strchr("+.eE", p[i])) *ret_integer = false;
        i++;
    }
    return i;
}

/* Copy `text` as jansson takes it: long integers as marked strings, strings well-formed. */
static void prepare(struct pv_bytes text, struct pv_buf *quoted)
{
    for (size_t i = 0; i < text.n;) {
        const uint8_t *p = text.p + i;
        size_t left = text.n - i, n = 1;
        bool integer = false;
        if (*p == '"') n = string_length(p, left);
        else if (*p == '-' || (*p >= '0' && *p <= '9')) n = number_length(p, left, &integer);
        bool quote = integer && n > SAFE_DIGITS;
        if (quote) pv_text_put(quoted, "\"" BIG);
        if (*p == '"') copy_string(p, n, quoted);
        else pv_buf_append(quoted, p, n);
        if (quote) pv_text_put(quoted, "\"");
        i += n;
    }
}

json_t *vectors_load(const char *path)
{
    struct pv_buf text, quoted;
    json_t *root = NULL;
    json_error_t error;
    pv_buf_init(&text, FILE_BYTES_MAX);
    pv_buf_init(&quoted, 2 * (size_t)FILE_BYTES_MAX);
    if (!read_file(path, &text)) {
        fprintf(stderr, "pv-vectors: %s: %s\n", path, text.err ? pv_err_text(text.err) : "cannot be read");
    } else {
        prepare(pv_buf_bytes(&text), &quoted);
        root = json_loadb((const char *)quoted.p, quoted.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!root) fprintf(stderr, "pv-vectors: %s: line %d: %s\n", path, error.line, error.text);
    }
    pv_buf_release(&text);
    pv_buf_release(&quoted);
    return root;
}

bool vectors_get_u64(const json_t *value, uint64_t *ret_value)
{
    if (json_is_integer(value)) {
        if (json_integer_value(value) < 0) return false;
        *ret_value = (uint64_t)json_integer_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (!text || strncmp(text, BIG, strlen(BIG)) != 0) return false;
    return pv_decimal_read(pv_bytes_of_string(text + strlen(BIG)), UINT64_MAX, ret_value) == PV_OK;
}

bool vectors_get_hex(const json_t *object, const char *name, struct pv_buf *buf)
{
    const json_t *value = json_object_get(object, name);
    pv_buf_clear(buf);
    if (!json_is_string(value)) return false;
    size_t n = json_string_length(value);
    if (n == 0) return true;
    uint8_t *at = pv_buf_extend(buf, (n + 1) / 2);
    return at && pv_hex_decode(json_string_value(value), n, at, n / 2) == PV_OK;
}

bool vectors_decode_base64(const json_t *value, struct pv_buf *buf)
{
    size_t n;
    pv_buf_clear(buf);
    if (json_is_null(value)) return true;
    if (!json_is_string(value)) return false;
    struct pv_bytes text = pv_bytes(json_string_value(value), json_string_length(value));
    if (text.n == 0) return true;
    uint8_t *at = pv_buf_extend(buf, text.n);
    if (!at || pv_base64_decode(PV_BASE64_STANDARD, text, at, text.n, &n)) return false;
    buf->n = n;
    return true;
}
