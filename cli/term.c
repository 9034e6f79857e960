/* Terminal output made harmless. */
#include "cli/term.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum { LINE_MAX_BYTES = 8192, TEXT_MAX_BYTES = 16 << 20, REPLACEMENT = 0xfffd };

/* Code points that change how what surrounds them is read, or that nobody sees. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x00ad, 0x00ad},   {0x034f, 0x034f},   {0x061c, 0x061c},   {0x115f, 0x1160},   {0x17b4, 0x17b5},
    {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
    {0xfe00, 0xfe0e},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0xe000, 0xf8ff},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff},
};

static bool is_dangerous(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
    if (c < hidden[0].first) return false;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (c >= hidden[i].first && c <= hidden[i].last) return true;
    return false;
}

/* The length in bytes of the code point at `p`, 0 if it is not UTF-8. */
static size_t decode(const uint8_t *p, size_t n, uint32_t *ret_c)
{
    size_t length = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (length > n || !pv_utf8_is_valid(p, length)) return 0;
    *ret_c = length == 1 ? p[0] : p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) *ret_c = *ret_c << 6 | (p[i] & 0x3fu);
    return length;
}

static void put_escape(struct pv_buf *out, uint32_t c, bool is_byte)
{
    char text[16];
    int n;
    if (c == '\n' || c == '\t' || c == '\r')
        n = snprintf(text, sizeof text, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
    else
        n = snprintf(text, sizeof text, is_byte || c < 0x80 ? "\\x%02x" : "\\u{%x}", c);
    pv_buf_append(out, text, (size_t)n);
}

void pv_term_put(struct pv_buf *out, struct pv_bytes text, enum pv_term_mode mode, const char *indent)
{
    for (size_t i = 0; i < text.n;) {
        uint32_t c = 0;
        size_t length = decode(text.p + i, text.n - i, &c);
        if (length == 0) {
            put_escape(out, text.p[i], true);
            i++;
            continue;
        }
        if (c == '\n' && mode == PV_TERM_TEXT) {
            pv_buf_append_byte(out, '\n');
            if (indent) pv_buf_append(out, indent, strlen(indent));
        } else if (c == '\t' && mode == PV_TERM_TEXT) {
            pv_buf_append_byte(out, ' ');
        } else if (mode == PV_TERM_TEXT && (c == 0x200c || c == 0x200d)) {
            pv_buf_append(out, text.p + i, length); /* joiners: Persian, Indic scripts and emoji need them */
        } else if (is_dangerous(c)) {
            put_escape(out, c, false);
        } else {
            pv_buf_append(out, text.p + i, length);
        }
        i += length;
    }
}

void pv_term_print(FILE *stream, struct pv_bytes text, enum pv_term_mode mode, const char *indent)
{
    struct pv_buf out;
    pv_buf_init(&out, TEXT_MAX_BYTES);
    pv_term_put(&out, text, mode, indent);
    fwrite(out.p, 1, out.n, stream);
    pv_buf_wipe(&out);
}

void pv_term_line(FILE *stream, const char *fmt, ...)
{
    char text[LINE_MAX_BYTES];
    va_list ap;
    int n;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0) return;
    pv_term_print(stream, pv_bytes(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1), PV_TERM_LINE, NULL);
    fputc('\n', stream);
}

void pv_term_put_utf8(struct pv_buf *out, struct pv_bytes text)
{
    for (size_t i = 0; i < text.n;) {
        uint32_t c = REPLACEMENT;
        size_t length = decode(text.p + i, text.n - i, &c);
        if (length)
            pv_buf_append(out, text.p + i, length);
        else
            pv_buf_append(out, "\xef\xbf\xbd", 3);
        i += length ? length : 1;
    }
}

void pv_term_put_json(struct pv_buf *out, struct pv_bytes json)
{
    for (size_t i = 0; i < json.n;) {
        uint32_t c = 0;
        size_t length = decode(json.p + i, json.n - i, &c);
        char text[16];
        if (length == 0) { /* cannot be: jansson writes UTF-8 */
            pv_buf_append(out, "?", 1);
            i++;
            continue;
        }
        if (c < 0x7f || !is_dangerous(c)) {
            pv_buf_append(out, json.p + i, length);
        } else if (c < 0x10000) {
            pv_buf_append(out, text, (size_t)snprintf(text, sizeof text, "\\u%04x", c));
        } else {
            c -= 0x10000;
            pv_buf_append(out, text,
                          (size_t)snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff)));
        }
        i += length;
    }
}

bool pv_term_has_colour(FILE *stream)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return !(no && *no) && term && strcmp(term, "dumb") != 0 && isatty(fileno(stream));
}

size_t pv_term_width(struct pv_bytes text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text.n;) {
        uint32_t c = 0;
        size_t length = decode(text.p + i, text.n - i, &c);
        int width = length ? wcwidth((wchar_t)c) : 1;
        columns += width < 0 ? 1 : (size_t)width;
        i += length ? length : 1;
    }
    return columns;
}

static bool is_blank(uint32_t c)
{
    return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x2800 || c == 0x3000;
}

/* A blank behind a blank is escaped: two of them part columns, and whoever chose the name would add some of their own. */
static void put_cell(struct pv_buf *out, struct pv_bytes text)
{
    bool after_blank = false;
    for (size_t i = 0; i < text.n;) {
        uint32_t c = 0;
        size_t length = decode(text.p + i, text.n - i, &c);
        bool blank = length && is_blank(c);
        if (blank && after_blank) put_escape(out, c, false);
        else pv_term_put(out, pv_bytes(text.p + i, length ? length : 1), PV_TERM_LINE, NULL);
        after_blank = blank;
        i += length ? length : 1;
    }
}

void pv_term_column(FILE *stream, const char *text, size_t columns)
{
    struct pv_buf safe;
    size_t width;
    pv_buf_init(&safe, TEXT_MAX_BYTES);
    put_cell(&safe, pv_bytes_of_string(text));
    width = pv_term_width(pv_buf_bytes(&safe));
    fwrite(safe.p, 1, safe.n, stream);
    fprintf(stream, "%*s", (int)(width < columns ? columns - width : 0) + 2, "");
    pv_buf_wipe(&safe);
}

const char *pv_term_word(const char *name, char memory[static PV_TERM_WORD_BYTES])
{
    size_t n = 0;
    if (*name && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:@%+-") == strlen(name)) return name;
    memory[n++] = '\'';
    for (; *name && n + 6 < PV_TERM_WORD_BYTES; name++) {
        if (*name == '\'') {
            memcpy(memory + n, "'\\'", 3);
            n += 3;
        }
        memory[n++] = *name;
    }
    memory[n++] = '\'';
    memory[n] = '\0';
    return memory;
}
