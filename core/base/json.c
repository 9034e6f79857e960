/* JSON text, written member by member. */
#include "core/base/json.h"

#include <stdio.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/lines.h"

void pv_json_init(struct pv_json *json, struct pv_buf *out)
{
    *json = (struct pv_json){.out = out};
}

static void put_char(struct pv_json *json, char c)
{
    pv_buf_append_byte(json->out, (uint8_t)c);
}

static void put_escaped(struct pv_json *json, struct pv_bytes text)
{
    static const char digits[] = "0123456789abcdef";
    size_t plain = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) continue;
        pv_buf_append(json->out, text.p + plain, i - plain);
        plain = i + 1;
        if (c == '"' || c == '\\') {
            pv_buf_append(json->out, c == '"' ? "\\\"" : "\\\\", 2);
        } else if (c == '\n') {
            pv_buf_append(json->out, "\\n", 2);
        } else {
            pv_buf_append(json->out, "\\u00", 4);
            put_char(json, digits[c >> 4]);
            put_char(json, digits[c & 15]);
        }
    }
    pv_buf_append(json->out, text.p + plain, text.n - plain);
}

/* Comma and key; what follows is the value. */
static void put_key(struct pv_json *json, const char *key)
{
    if (json->comma) put_char(json, ',');
    json->comma = true;
    if (!key) return;
    put_char(json, '"');
    put_escaped(json, pv_bytes_of_string(key));
    pv_buf_append(json->out, "\":", 2);
}

static void begin(struct pv_json *json, const char *key, char bracket)
{
    put_key(json, key);
    put_char(json, bracket);
    json->comma = false;
}

static void end(struct pv_json *json, char bracket)
{
    put_char(json, bracket);
    json->comma = true;
}

void pv_json_begin_object(struct pv_json *json, const char *key)
{
    begin(json, key, '{');
}

void pv_json_end_object(struct pv_json *json)
{
    end(json, '}');
}

void pv_json_begin_array(struct pv_json *json, const char *key)
{
    begin(json, key, '[');
}

void pv_json_end_array(struct pv_json *json)
{
    end(json, ']');
}

void pv_json_u64(struct pv_json *json, const char *key, uint64_t value)
{
    put_key(json, key);
    pv_decimal_put(json->out, value);
}

void pv_json_i64(struct pv_json *json, const char *key, int64_t value)
{
    put_key(json, key);
    if (value < 0) put_char(json, '-');
    pv_decimal_put(json->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void pv_json_bool(struct pv_json *json, const char *key, bool value)
{
    put_key(json, key);
    pv_text_put(json->out, value ? "true" : "false");
}

void pv_json_null(struct pv_json *json, const char *key)
{
    put_key(json, key);
    pv_text_put(json->out, "null");
}

void pv_json_string(struct pv_json *json, const char *key, const char *value)
{
    pv_json_text(json, key, pv_bytes_of_string(value));
}

void pv_json_text(struct pv_json *json, const char *key, struct pv_bytes text)
{
    if (!pv_utf8_is_valid(text.p, text.n) && !json->out->err) json->out->err = PV_ERR_MALFORMED;
    put_key(json, key);
    put_char(json, '"');
    put_escaped(json, text);
    put_char(json, '"');
}

/* The length of the well-formed character at the beginning; 0: there is none. */
static size_t character_bytes(const uint8_t *p, size_t n)
{
    for (size_t take = 1; take <= 4 && take <= n; take++)
        if (pv_utf8_is_valid(p, take)) return take;
    return 0;
}

static void put_name(struct pv_json *json, struct pv_bytes name)
{
    char escape[5];
    for (size_t i = 0; i < name.n;) {
        size_t take = character_bytes(name.p + i, name.n - i);
        if (take == 0) {
            snprintf(escape, sizeof escape, "\\x%02x", (unsigned)name.p[i++]);
            put_escaped(json, pv_bytes_of_string(escape));
            continue;
        }
        put_escaped(json, pv_bytes(name.p + i, take));
        if (name.p[i] == '\\') put_escaped(json, pv_bytes("\\", 1));
        i += take;
    }
}

void pv_json_name(struct pv_json *json, const char *key, struct pv_bytes name)
{
    char bytes_key[64];
    if (pv_utf8_is_valid(name.p, name.n)) {
        pv_json_text(json, key, name);
        return;
    }
    put_key(json, key);
    put_char(json, '"');
    put_name(json, name);
    put_char(json, '"');
    snprintf(bytes_key, sizeof bytes_key, "%s_bytes", key);
    pv_json_base64url(json, bytes_key, name);
}

void pv_json_hex(struct pv_json *json, const char *key, struct pv_bytes bytes)
{
    char text[2 * 64 + 1];
    put_key(json, key);
    put_char(json, '"');
    for (size_t at = 0; at < bytes.n; at += 64) {
        size_t take = bytes.n - at < 64 ? bytes.n - at : 64;
        pv_hex_encode(bytes.p + at, take, text);
        pv_buf_append(json->out, text, 2 * take);
    }
    put_char(json, '"');
}

void pv_json_base64url(struct pv_json *json, const char *key, struct pv_bytes bytes)
{
    put_key(json, key);
    put_char(json, '"');
    pv_base64_put(json->out, PV_BASE64_URL, bytes);
    put_char(json, '"');
}
