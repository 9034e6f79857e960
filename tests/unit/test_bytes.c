/* Buffers keep their maximum and their first error; hex and UTF-8 by their definitions; the error table is whole. */
#include "core/base/bytes.h"

#include "tests/tap.h"

static void test_buffer(void)
{
    struct pv_buf buf;
    bool good = true;
    pv_buf_init(&buf, 1000);
    for (size_t i = 0; i < 1000; i++) {
        pv_buf_append_byte(&buf, (uint8_t)i);
        good &= buf.n == i + 1 && buf.cap <= 1000 && !buf.err;
    }
    for (size_t i = 0; i < 1000; i++) good &= buf.p[i] == (uint8_t)i;
    tap_ok(good, "a buffer grows byte by byte up to its maximum");
    pv_buf_append(&buf, NULL, 0);
    tap_is_int(buf.err, PV_OK, "nothing more is no error");
    pv_buf_append_byte(&buf, 1);
    tap_is_int(buf.err, PV_ERR_LIMIT, "one byte more is");
    tap_ok(buf.n == 1000 && pv_buf_extend(&buf, 1) == NULL, "and leaves the buffer as it was");
    pv_buf_clear(&buf);
    tap_ok(buf.n == 0 && !buf.err && buf.cap == 1000, "clearing keeps the memory");
    pv_buf_append(&buf, "abc", 3);
    uint8_t *at = pv_buf_extend(&buf, 2);
    tap_ok(at == buf.p + 3 && at[0] == 0 && at[1] == 0, "an extension is zeroed, whatever stood there");
    pv_buf_append(&buf, "abc", SIZE_MAX);
    tap_is_int(buf.err, PV_ERR_LIMIT, "the largest length is over the limit");
    pv_buf_release(&buf);
    tap_ok(!buf.p && buf.n == 0 && buf.cap == 0 && buf.max == 1000 && !buf.err, "a released buffer is empty");
    pv_buf_append(&buf, "abc", 3);
    pv_buf_reserve(&buf, 900);
    const uint8_t *stands = buf.p;
    tap_ok(buf.n == 3 && buf.cap == 903 && memcmp(buf.p, "abc", 3) == 0, "room made for more keeps what is there");
    for (int i = 0; i < 900; i++) pv_buf_append_byte(&buf, 1);
    tap_ok(buf.p == stands && buf.n == 903 && !buf.err, "and is used");
    pv_buf_reserve(&buf, 98);
    tap_is_int(buf.err, PV_ERR_LIMIT, "over the maximum there is none");
    pv_buf_release(&buf);
    pv_buf_append(&buf, "x", 1);
    tap_ok(buf.n == 1 && buf.p[0] == 'x', "and usable");
    pv_buf_wipe(&buf);
    tap_ok(!buf.p && buf.n == 0, "as is a wiped one");
    pv_buf_wipe(&buf);
}

static void test_fixed(void)
{
    uint8_t memory[8];
    struct pv_buf buf;
    memset(memory, 0xee, sizeof memory);
    pv_buf_init_fixed(&buf, memory, 7);
    pv_buf_append(&buf, "1234", 4);
    pv_buf_append(&buf, "5678", 4);
    tap_ok(buf.err == PV_ERR_LIMIT && buf.n == 4, "a fixed buffer refuses what does not fit");
    pv_buf_append(&buf, "5", 1);
    tap_is_int((long long)buf.n, 4, "and anything after that");
    pv_buf_clear(&buf);
    pv_buf_append(&buf, "1234567", 7);
    tap_ok(buf.p == memory && !buf.err && memcmp(memory, "1234567\xee", 8) == 0, "what fits stands in its memory");
}

static void test_compare(void)
{
    struct pv_bytes a = pv_bytes("ab", 2), b = pv_bytes("abc", 3), c = pv_bytes("b", 1), none = pv_bytes(NULL, 0);
    tap_ok(pv_bytes_compare(a, b) < 0 && pv_bytes_compare(b, a) > 0, "a prefix comes first");
    tap_ok(pv_bytes_compare(b, c) < 0 && pv_bytes_compare(none, a) < 0 && pv_bytes_compare(none, none) == 0,
           "then bytes decide");
    tap_ok(pv_bytes_compare(pv_bytes("\x7f", 1), pv_bytes("\x80", 1)) < 0, "as unsigned numbers");
    tap_ok(pv_bytes_equal(none, pv_bytes("", 0)) && !pv_bytes_equal(a, b) && pv_bytes_equal(a, pv_bytes("ab", 2)),
           "equality");
    struct pv_hash zero = {{0}}, one = {{0}};
    one.b[31] = 1;
    tap_ok(pv_hash_is_zero(&zero) && !pv_hash_is_zero(&one) && !pv_hash_equal(&zero, &one), "hashes");
    struct pv_id16 x = {{0}}, y = {{0}};
    y.b[15] = 1;
    tap_ok(pv_id16_equal(&x, &x) && !pv_id16_equal(&x, &y), "ids");
}

static void test_hex(void)
{
    uint8_t all[256], back[256];
    char text[513];
    for (size_t i = 0; i < sizeof all; i++) all[i] = (uint8_t)i;
    pv_hex_encode(all, sizeof all, text);
    tap_ok(strlen(text) == 512 && memcmp(text, "000102", 6) == 0 && strcmp(text + 506, "fdfeff") == 0, "hex is lower case");
    tap_is_int(pv_hex_decode(text, 512, back, 256), PV_OK, "hex reads back");
    tap_is_bytes(back, 256, all, 256, "to the same bytes");
    memset(back, 0x55, sizeof back);
    tap_is_int(pv_hex_decode("ABcd", 4, back, 2), PV_OK, "upper case is read too");
    tap_is_bytes(back, 3, "\xab\xcd\x55", 3, "and nothing beyond is written");
    bool good = true;
    for (unsigned c = 0; c < 256; c++) {
        char pair[2] = {'0', (char)c};
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        back[0] = 0x55;
        enum pv_err err = pv_hex_decode(pair, 2, back, 1);
        good &= digit ? !err : err == PV_ERR_MALFORMED && back[0] == 0x55;
    }
    tap_ok(good, "all other characters are refused");
    tap_ok(pv_hex_decode("abc", 3, back, 1) == PV_ERR_MALFORMED && pv_hex_decode("abc", 3, back, 2) == PV_ERR_MALFORMED,
           "as is any other length");
}

/* UTF-8 by decoding to a code point and encoding it again. */
static bool naive_utf8(const uint8_t *p, size_t n)
{
    while (n) {
        size_t len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
        if (len == 0 || len > n) return false;
        uint32_t code = len == 1 ? p[0] : (uint32_t)(p[0] & (0x7f >> len));
        for (size_t i = 1; i < len; i++) {
            if (p[i] >> 6 != 2) return false;
            code = code << 6 | (p[i] & 0x3f);
        }
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
        p += len;
        n -= len;
    }
    return true;
}

static void test_utf8(void)
{
    bool good = true;
    static const uint8_t edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            uint8_t s[4] = {(uint8_t)a, (uint8_t)b, 0, 0};
            good &= pv_utf8_is_valid(s, 1) == naive_utf8(s, 1) && pv_utf8_is_valid(s, 2) == naive_utf8(s, 2);
            for (size_t c = 0; c < sizeof edges; c++) {
                s[2] = edges[c];
                good &= pv_utf8_is_valid(s, 3) == naive_utf8(s, 3);
                for (size_t d = 0; d < sizeof edges; d++) {
                    s[3] = edges[d];
                    good &= pv_utf8_is_valid(s, 4) == naive_utf8(s, 4);
                }
            }
        }
    }
    tap_ok(good, "all sequences of two bytes, and of four at the edges, are judged as by decoding them");
    tap_ok(pv_utf8_is_valid(NULL, 0), "nothing is well-formed");
    tap_ok(pv_utf8_is_valid((const uint8_t *)"a\0b\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 12), "so is a mix of lengths");
}

static void test_wipe(void)
{
    uint8_t secret[33];
    memset(secret, 0xaa, sizeof secret);
    pv_wipe(secret, 32);
    bool zero = true;
    for (size_t i = 0; i < 32; i++) zero &= secret[i] == 0;
    tap_ok(zero && secret[32] == 0xaa, "wiping zeroes what it is told to and no more");
    pv_wipe(NULL, 0);
}

static void test_errors(void)
{
    bool good = true;
    size_t count = 0;
#define CHECK(code, exit_status, http, web, text)                                                                      \
    good &= pv_err_exit_status(code) == exit_status && pv_err_http_status(code) == http &&                             \
            strcmp(pv_err_web_name(code), web) == 0 && strcmp(pv_err_text(code), text) == 0 &&                         \
            pv_err_from_web_name(web) == code && (size_t)code == count;                                                \
    count++;
    PV_ERR_TABLE(CHECK)
#undef CHECK
    tap_ok(good && count > 20, "each error has its row, and a name that leads back to it");
    enum pv_err beyond = (enum pv_err)count;
    tap_ok(pv_err_text(beyond) && pv_err_web_name(beyond) && pv_err_exit_status(beyond) == 1 &&
               pv_err_http_status(beyond) == 500,
           "a code beyond the table is an unknown error");
    tap_is_int(pv_err_from_web_name("no such"), PV_ERR_MALFORMED, "an unknown name is malformed");
}

int main(void)
{
    test_buffer();
    test_fixed();
    test_compare();
    test_hex();
    test_utf8();
    test_wipe();
    test_errors();
    return tap_done();
}
