/* Hostile text on a terminal: nothing that moves the cursor, hides, or turns what stands around it. */
#include <locale.h>

#include "cli/term.h"
#include "tests/tap.h"

static void is(const char *text, size_t n, enum pv_term_mode mode, const char *want, const char *what)
{
    struct pv_buf out;
    pv_buf_init(&out, 1 << 16);
    pv_term_put(&out, pv_bytes(text, n), mode, mode == PV_TERM_TEXT ? "  " : NULL);
    tap_is_bytes(out.p, out.n, want, strlen(want), what);
    pv_buf_release(&out);
}

#define IS(text, mode, want, what) is(text, sizeof text - 1, mode, want, what)

/* No byte of the output is a control, whatever goes in. */
static void test_every_byte(void)
{
    struct pv_buf out;
    bool clean = true, json_clean = true;
    pv_buf_init(&out, 1 << 16);
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            uint8_t text[2] = {(uint8_t)a, (uint8_t)b};
            pv_buf_clear(&out);
            pv_term_put(&out, pv_bytes(text, 2), PV_TERM_LINE, NULL);
            for (size_t i = 0; i < out.n; i++) clean = clean && out.p[i] >= 0x20 && out.p[i] != 0x7f;
            clean = clean && pv_utf8_is_valid(out.p, out.n);
            pv_buf_clear(&out);
            pv_term_put_utf8(&out, pv_bytes(text, 2));
            json_clean = json_clean && pv_utf8_is_valid(out.p, out.n);
        }
    tap_ok(clean, "every pair of bytes prints as harmless UTF-8");
    tap_ok(json_clean, "every pair of bytes becomes UTF-8 for JSON");
    pv_buf_release(&out);
}

static void test_json(void)
{
    struct pv_buf out;
    static const char text[] = "{\"a\":\"x\xe2\x80\xae\x7fy\xf3\xa0\x80\x81 \xc3\xa9\"}", want[] = "{\"a\":\"x\\u202e\\u007fy\\udb40\\udc01 \xc3\xa9\"}";
    pv_buf_init(&out, 1 << 10);
    pv_term_put_json(&out, pv_bytes(text, sizeof text - 1));
    tap_is_bytes(out.p, out.n, want, sizeof want - 1, "JSON: overrides and tags are escaped, letters stay");
    pv_buf_release(&out);
}

int main(void)
{
    IS("plain text", PV_TERM_LINE, "plain text", "plain text stays");
    IS("Gr\xc3\xbc\xc3\x9f" "e \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80", PV_TERM_LINE,
       "Gr\xc3\xbc\xc3\x9f" "e \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80", "letters of all scripts stay");
    IS("a\nb\tc\rd", PV_TERM_LINE, "a\\nb\\tc\\rd", "a name with newlines is one line");
    IS("a\nb\tc", PV_TERM_TEXT, "a\n  b c", "a message's lines are set in");
    IS("\033[2Jx\x07\x7f", PV_TERM_TEXT, "\\x1b[2Jx\\x07\\x7f", "escape sequences are shown, not obeyed");
    IS("a\0b", PV_TERM_LINE, "a\\x00" "b", "a zero byte is shown");
    IS("\xc2\x9b" "2J", PV_TERM_LINE, "\\u{9b}2J", "so are 8-bit controls");
    IS("invoice\xe2\x80\xaexcod.pdf", PV_TERM_LINE, "invoice\\u{202e}xcod.pdf", "a bidirectional override is shown");
    IS("\xe2\x81\xa6x\xe2\x81\xa9\xe2\x80\x8f", PV_TERM_LINE, "\\u{2066}x\\u{2069}\\u{200f}", "isolates and marks too");
    IS("a\xe2\x80\x8b" "b\xef\xbb\xbf", PV_TERM_LINE, "a\\u{200b}b\\u{feff}", "and what has no width");
    IS("\xe2\x80\xa8", PV_TERM_TEXT, "\\u{2028}", "a line separator is no newline");
    IS("\xf3\xa0\x81\x81", PV_TERM_TEXT, "\\u{e0041}", "invisible tags are shown");
    IS("\xff\xc3(\xe2\x82", PV_TERM_LINE, "\\xff\\xc3(\\xe2\\x82", "bytes that are no UTF-8 are shown as such");
    IS("\xed\xa0\x80\xc0\xaf", PV_TERM_LINE, "\\xed\\xa0\\x80\\xc0\\xaf", "surrogates and overlong forms too");
    test_every_byte();
    test_json();
    tap_is_int((long long)pv_term_width(pv_bytes_of_string("Gr\xc3\xbc\xc3\x9f" "e")), 5, "width counts code points");
    char memory[PV_TERM_WORD_BYTES];
    tap_is_str(pv_term_word("acme-2.x", memory), "acme-2.x", "a plain name is a word");
    tap_is_str(pv_term_word("a b", memory), "'a b'", "a blank is quoted");
    tap_is_str(pv_term_word("it's $HOME", memory), "'it'\\''s $HOME'", "so is a quote");
    tap_is_str(pv_term_word("", memory), "''", "and nothing");
    if (setlocale(LC_CTYPE, "C.UTF-8")) {
        tap_is_int((long long)pv_term_width(pv_bytes_of_string("\xe6\x97\xa5\xe6\x9c\xac")), 4, "wide letters take two columns");
        tap_is_int((long long)pv_term_width(pv_bytes_of_string("e\xcc\x81")), 1, "a mark above takes none");
    }
    return tap_done();
}
