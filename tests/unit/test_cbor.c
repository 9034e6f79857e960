/* CBOR: RFC 8949's examples inside the subset read, everything outside is refused, and nothing reads two ways. */
#include "core/base/cbor.h"

#include "core/base/limits.h"
#include "tests/tap.h"

/* RFC 8949 appendix A; `inside` are those of the subset. */
static const struct {
    const char *hex;
    bool inside;
} examples[] = {
    {"00", true}, {"01", true}, {"0a", true}, {"17", true}, {"1818", true}, {"1819", true}, {"1864", true},
    {"1903e8", true}, {"1a000f4240", true}, {"1b000000e8d4a51000", true}, {"1bffffffffffffffff", true},
    {"c249010000000000000000", false}, {"3bffffffffffffffff", true}, {"c349010000000000000000", false},
    {"20", true}, {"29", true}, {"3863", true}, {"3903e7", true},
    {"f90000", false}, {"f98000", false}, {"f93c00", false}, {"fb3ff199999999999a", false}, {"f93e00", false},
    {"f97bff", false}, {"fa47c35000", false}, {"fa7f7fffff", false}, {"fb7e37e43c8800759c", false},
    {"f90001", false}, {"f90400", false}, {"f9c400", false}, {"fbc010666666666666", false}, {"f97c00", false},
    {"f97e00", false}, {"f9fc00", false}, {"fa7f800000", false}, {"fa7fc00000", false}, {"faff800000", false},
    {"fb7ff0000000000000", false}, {"fb7ff8000000000000", false}, {"fbfff0000000000000", false},
    {"f4", true}, {"f5", true}, {"f6", true}, {"f7", false}, {"f0", false}, {"f8ff", false},
    {"c074323031332d30332d32315432303a30343a30305a", false}, {"c11a514b67b0", false},
    {"c1fb41d452d9e8200000", false}, {"d74401020304", false}, {"d818456449455446", false},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", false},
    {"40", true}, {"4401020304", true}, {"60", true}, {"6161", true}, {"6449455446", true}, {"62225c", true},
    {"62c3bc", true}, {"63e6b0b4", true}, {"64f0908591", true}, {"80", true}, {"83010203", true},
    {"8301820203820405", true}, {"98190102030405060708090a0b0c0d0e0f101112131415161718181819", true},
    {"a0", false}, {"a201020304", false}, {"a26161016162820203", false}, {"826161a161626163", false},
    {"a56161614161626142616361436164614461656145", false},
    {"5f42010243030405ff", false}, {"7f657374726561646d696e67ff", false}, {"9fff", false},
    {"9f018202039f0405ffff", false}, {"9f01820203820405ff", false}, {"83018202039f0405ff", false},
    {"83019f0203ff820405", false}, {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", false},
    {"bf61610161629f0203ffff", false}, {"826161bf61626163ff", false}, {"bf6346756ef563416d7421ff", false},
    /* not well-formed: RFC 8949 appendix F */
    {"1c", false}, {"1d", false}, {"1e", false}, {"1f", false}, {"3c", false}, {"3f", false}, {"5c", false},
    {"7c", false}, {"9c", false}, {"bc", false}, {"dc", false}, {"df", false}, {"fc", false}, {"ff", false},
    {"f800", false}, {"f801", false}, {"f818", false}, {"f81f", false}, {"f814", false}, {"f816", false},
    {"e0", false}, {"f3", false},
    /* heads that are not the shortest */
    {"1800", false}, {"1817", false}, {"190000", false}, {"1900ff", false}, {"1a00000000", false},
    {"1a0000ffff", false}, {"1b0000000000000000", false}, {"1b00000000ffffffff", false}, {"3817", false},
    {"3900ff", false}, {"5801aa", false}, {"590001aa", false}, {"5b0000000000000001aa", false}, {"780161", false},
    {"980100", false}, {"99000100", false}, {"9b000000000000000100", false}, {"81190017", false},
    /* text that is not UTF-8 */
    {"61ff", false}, {"62c080", false}, {"63eda080", false}, {"64f4908080", false}, {"61c3", false},
};

enum { EXAMPLES = sizeof examples / sizeof *examples };

static size_t example_bytes(size_t i, uint8_t *ret_bytes)
{
    size_t n = strlen(examples[i].hex) / 2;
    if (pv_hex_decode(examples[i].hex, 2 * n, ret_bytes, n)) abort();
    return n;
}

static enum pv_err read_item(struct pv_bytes bytes, struct pv_bytes *ret_item)
{
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    *ret_item = pv_cbor_get_item(&in);
    return pv_cbor_finish(&in);
}

/* Write again what the typed getters read. */
static void copy_item(struct pv_cbor *in, struct pv_buf *out)
{
    enum pv_cbor_major major;
    struct pv_bytes bytes;
    if (!pv_cbor_peek(in, &major)) {
        pv_cbor_fail(in, PV_ERR_TRUNCATED);
        return;
    }
    switch (major) {
    case PV_CBOR_UINT:
        pv_cbor_put_uint(out, pv_cbor_get_uint(in, UINT64_MAX));
        break;
    case PV_CBOR_NINT:
        pv_cbor_put_int(out, pv_cbor_get_int(in));
        break;
    case PV_CBOR_BYTES:
        bytes = pv_cbor_get_bytes(in, SIZE_MAX);
        pv_cbor_put_bytes(out, bytes.p, bytes.n);
        break;
    case PV_CBOR_TEXT:
        bytes = pv_cbor_get_text(in, SIZE_MAX);
        pv_cbor_put_text(out, (const char *)bytes.p, bytes.n);
        break;
    case PV_CBOR_ARRAY: {
        size_t count = pv_cbor_get_array(in, SIZE_MAX);
        pv_cbor_put_array(out, count);
        for (size_t i = 0; i < count && !in->err; i++) copy_item(in, out);
        break;
    }
    case PV_CBOR_SIMPLE:
    default:
        if (pv_cbor_take_null(in)) pv_cbor_put_null(out);
        else pv_cbor_put_bool(out, pv_cbor_get_bool(in));
        break;
    }
}

static bool copies(struct pv_bytes bytes)
{
    struct pv_buf out;
    struct pv_cbor in;
    pv_buf_init(&out, 1 << 16);
    pv_cbor_init(&in, bytes);
    copy_item(&in, &out);
    bool same = !pv_cbor_finish(&in) && !out.err && pv_bytes_equal(pv_buf_bytes(&out), bytes);
    pv_buf_release(&out);
    return same;
}

static void test_examples(void)
{
    bool written = true, truncated = true, followed = true;
    for (size_t i = 0; i < EXAMPLES; i++) {
        uint8_t bytes[64];
        size_t n = example_bytes(i, bytes);
        struct pv_bytes item;
        enum pv_err err = read_item(pv_bytes(bytes, n), &item);
        tap_ok(examples[i].inside ? !err && item.n == n : err != PV_OK, "%s is %s", examples[i].hex,
               examples[i].inside ? "read" : "refused");
        if (!examples[i].inside) continue;
        bool beyond_int64 = strcmp(examples[i].hex, "3bffffffffffffffff") == 0;
        written &= copies(pv_bytes(bytes, n)) == !beyond_int64;
        for (size_t cut = 0; cut < n; cut++)
            truncated &= read_item(pv_bytes(bytes, cut), &item) == PV_ERR_TRUNCATED && item.n == 0;
        bytes[n] = 0;
        followed &= read_item(pv_bytes(bytes, n + 1), &item) == PV_ERR_MALFORMED && item.n == n;
    }
    tap_ok(written, "the writer gives the same bytes");
    tap_ok(truncated, "cut at every byte, each is truncated");
    tap_ok(followed, "a byte that follows is not part of it, and refused at the end");
}

/* Everything of three bytes: what the item reader takes is what the typed readers take, and writes back the same. */
static void test_all_short(void)
{
    bool good = true;
    size_t accepted = 0;
    for (unsigned x = 0; x < 1 << 24; x += x < 1 << 16 ? 1 : 7) {
        uint8_t b[3] = {(uint8_t)(x >> 16), (uint8_t)(x >> 8), (uint8_t)x};
        struct pv_bytes item;
        struct pv_cbor in;
        pv_cbor_init(&in, pv_bytes(b, 3));
        item = pv_cbor_get_item(&in);
        if (in.err) continue;
        accepted++;
        good &= item.n > 0 && copies(item);
    }
    tap_ok(good && accepted > 1000, "what is read of three bytes is written back the same");
}

static void test_bit_flips(void)
{
    static const char source[] = "\x88\x01\x38\x63\x44\x01\x02\x03\x04\x63\xe6\xb0\xb4\x82\x00\xf6\xf5\x19\x03\xe8\x80";
    uint8_t bytes[sizeof source - 1];
    bool good = true;
    struct pv_bytes item;
    memcpy(bytes, source, sizeof bytes);
    tap_ok(copies(pv_bytes(bytes, sizeof bytes)), "a mixed array is written back the same");
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum pv_err err = read_item(pv_bytes(bytes, sizeof bytes), &item);
        good &= err || copies(pv_bytes(bytes, sizeof bytes));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    tap_ok(good, "with any bit flipped it is refused or reads one way");
}

static enum pv_err read_nested(size_t depth, bool filled)
{
    uint8_t bytes[64];
    struct pv_bytes item;
    memset(bytes, 0x81, depth);
    bytes[depth] = 0;
    if (!filled) bytes[depth - 1] = 0x80;
    return read_item(pv_bytes(bytes, filled ? depth + 1 : depth), &item);
}

static void test_nesting(void)
{
    tap_is_int(read_nested(PV_LIMIT_NESTING, true), PV_OK, "eight arrays in each other");
    tap_is_int(read_nested(PV_LIMIT_NESTING + 1, true), PV_ERR_LIMIT, "nine are too many");
    tap_is_int(read_nested(PV_LIMIT_NESTING, false), PV_OK, "an empty array counts as one");
    tap_is_int(read_nested(PV_LIMIT_NESTING + 1, false), PV_ERR_LIMIT, "at every depth");
    size_t n = 1 << 20;
    uint8_t *deep = malloc(n);
    struct pv_bytes item;
    memset(deep, 0x81, n);
    tap_is_int(read_item(pv_bytes(deep, n), &item), PV_ERR_LIMIT, "a megabyte of array heads is refused at the ninth");
    memset(deep, 0x80, n);
    memcpy(deep, "\x9a\x00\x0f\xff\xfb", 5);
    tap_ok(!read_item(pv_bytes(deep, n), &item) && item.n == n, "a million empty arrays side by side are fine");
    free(deep);
}

static void test_oversized(void)
{
    struct pv_bytes item;
    static const char *const heads[] = {"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", "\x7b\x80\x00\x00\x00\x00\x00\x00\x00",
                                        "\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "\x5b\x00\x00\x00\x01\x00\x00\x00\x00",
                                        "\x7b\x00\x00\x00\x01\x00\x00\x00\x01"};
    bool good = true;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        uint8_t bytes[32] = {0};
        memcpy(bytes, heads[i], 9);
        good &= read_item(pv_bytes(bytes, 9), &item) == PV_ERR_TRUNCATED;
        good &= read_item(pv_bytes(bytes, sizeof bytes), &item) == PV_ERR_TRUNCATED;
    }
    tap_ok(good, "lengths beyond the data are truncated, however large");
    struct pv_cbor in;
    pv_cbor_init(&in, pv_bytes("\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 9));
    tap_ok(pv_cbor_get_array(&in, 1000) == 0 && in.err == PV_ERR_LIMIT, "a count over the field's limit is refused");
    pv_cbor_init(&in, pv_bytes("\x84\x01\x02\x03", 4));
    tap_ok(pv_cbor_get_array(&in, 1000) == 0 && in.err == PV_ERR_TRUNCATED, "so is one over the bytes that are left");
    pv_cbor_init(&in, pv_bytes("\x84\x01\x02\x03\x04", 5));
    tap_ok(pv_cbor_get_array(&in, 4) == 4 && !in.err, "but not one of as many");
    pv_cbor_init(&in, pv_bytes("\x45hello", 6));
    tap_ok(pv_cbor_get_bytes(&in, 4).n == 0 && in.err == PV_ERR_LIMIT, "as is a string over it");
    pv_cbor_init(&in, pv_bytes("\x45hello", 6));
    tap_ok(pv_cbor_get_bytes(&in, 5).n == 5 && !pv_cbor_finish(&in), "and not one of just that length");
    pv_cbor_init(&in, pv_bytes("\x19\x01\x00", 3));
    tap_ok(pv_cbor_get_uint(&in, 255) == 0 && in.err == PV_ERR_LIMIT, "a number over the limit is refused");
}

static void test_integers(void)
{
    static const int64_t values[] = {0,   -1,    23,    -24,   24,        -25,       255,      -256,     256,      -257,
                                     65535, -65536, 65536, -65537, UINT32_MAX, (int64_t)UINT32_MAX + 1, -4294967296,
                                     -4294967297, INT64_MAX, INT64_MIN};
    bool good = true;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint8_t memory[16];
        struct pv_buf buf;
        struct pv_cbor in;
        pv_buf_init_fixed(&buf, memory, sizeof memory);
        pv_cbor_put_int(&buf, values[i]);
        pv_cbor_init(&in, pv_buf_bytes(&buf));
        good &= pv_cbor_get_int(&in) == values[i] && !pv_cbor_finish(&in);
        pv_cbor_init(&in, pv_buf_bytes(&buf));
        uint64_t u = pv_cbor_get_uint(&in, UINT64_MAX);
        good &= values[i] >= 0 ? u == (uint64_t)values[i] && !in.err : in.err == PV_ERR_MALFORMED;
    }
    tap_ok(good, "signed integers of every size, to both ends");
    struct pv_cbor in;
    pv_cbor_init(&in, pv_bytes("\x1b\x80\x00\x00\x00\x00\x00\x00\x00", 9));
    tap_ok(pv_cbor_get_int(&in) == 0 && in.err == PV_ERR_LIMIT, "2^63 is no signed integer of ours");
    pv_cbor_init(&in, pv_bytes("\x3b\x80\x00\x00\x00\x00\x00\x00\x00", 9));
    tap_ok(pv_cbor_get_int(&in) == 0 && in.err == PV_ERR_LIMIT, "nor is -2^63 - 1");
}

/* Each getter against each kind of item: only its own kind reads. */
static void test_types(void)
{
    static const char *const items[] = {"\x05", "\x24", "\x41x", "\x61x", "\x80", "\xf4", "\xf6"};
    static const size_t lengths[] = {1, 1, 2, 2, 1, 1, 1};
    enum { GETTERS = 9, ITEMS = sizeof items / sizeof *items };
    static const bool takes[GETTERS][ITEMS] = {
        {1, 0, 0, 0, 0, 0, 0}, /* uint */  {1, 1, 0, 0, 0, 0, 0}, /* int */   {0, 0, 1, 0, 0, 0, 0}, /* bytes */
        {0, 0, 0, 1, 0, 0, 0}, /* text */  {0, 0, 1, 0, 0, 0, 0}, /* fixed */ {0, 0, 0, 0, 1, 0, 0}, /* array */
        {0, 0, 0, 0, 1, 0, 0}, /* array of 0 */                  {0, 0, 0, 0, 0, 1, 0}, /* bool */
        {0, 0, 0, 0, 0, 0, 1}, /* null */
    };
    bool good = true;
    for (size_t g = 0; g < GETTERS; g++) {
        for (size_t i = 0; i < ITEMS; i++) {
            struct pv_cbor in;
            uint8_t byte = 0x55;
            pv_cbor_init(&in, pv_bytes(items[i], lengths[i]));
            switch (g) {
            case 0: (void)pv_cbor_get_uint(&in, 9); break;
            case 1: (void)pv_cbor_get_int(&in); break;
            case 2: (void)pv_cbor_get_bytes(&in, 9); break;
            case 3: (void)pv_cbor_get_text(&in, 9); break;
            case 4: pv_cbor_get_fixed(&in, &byte, 1); break;
            case 5: (void)pv_cbor_get_array(&in, 9); break;
            case 6: pv_cbor_get_array_of(&in, 0); break;
            case 7: (void)pv_cbor_get_bool(&in); break;
            default:
                if (!pv_cbor_take_null(&in)) pv_cbor_fail(&in, PV_ERR_MALFORMED);
                break;
            }
            enum pv_err err = pv_cbor_finish(&in);
            good &= takes[g][i] ? !err : err == PV_ERR_MALFORMED;
            if (g == 4) good &= byte == (takes[g][i] ? 'x' : 0);
        }
    }
    tap_ok(good, "each getter reads its own kind and no other");
}

static void test_sticky(void)
{
    struct pv_cbor in;
    struct pv_hash hash;
    enum pv_cbor_major major;
    memset(hash.b, 0x55, sizeof hash.b);
    pv_cbor_init(&in, pv_bytes("\xf7\x01\x02\x43zzz\x80\xf5\xf6", 10));
    (void)pv_cbor_get_uint(&in, 9);
    bool good = in.err == PV_ERR_MALFORMED;
    good &= pv_cbor_get_uint(&in, 9) == 0 && pv_cbor_get_int(&in) == 0 && pv_cbor_get_bytes(&in, 9).n == 0 &&
            pv_cbor_get_text(&in, 9).n == 0 && pv_cbor_get_array(&in, 9) == 0 && !pv_cbor_get_bool(&in) &&
            !pv_cbor_take_null(&in) && pv_cbor_get_item(&in).n == 0 && !pv_cbor_peek(&in, &major);
    pv_cbor_get_hash(&in, &hash);
    good &= pv_hash_is_zero(&hash);
    pv_cbor_fail(&in, PV_ERR_LIMIT);
    tap_ok(good && pv_cbor_finish(&in) == PV_ERR_MALFORMED, "after the first error all reads are empty, and it stays");
    pv_cbor_init(&in, pv_bytes(NULL, 0));
    tap_ok(!pv_cbor_peek(&in, &major) && !pv_cbor_finish(&in), "nothing holds no item");
    (void)pv_cbor_get_uint(&in, 9);
    tap_is_int(pv_cbor_finish(&in), PV_ERR_TRUNCATED, "and reading one is truncated");
    pv_cbor_init(&in, pv_bytes("\x42xy", 3));
    pv_cbor_get_hash(&in, &hash);
    tap_is_int(pv_cbor_finish(&in), PV_ERR_MALFORMED, "a hash has 32 bytes");
    pv_cbor_init(&in, pv_bytes("\x83", 1));
    pv_cbor_get_array_of(&in, 2);
    tap_is_int(pv_cbor_finish(&in), PV_ERR_MALFORMED, "an array of two has not three");
}

static void test_writer(void)
{
    struct pv_buf buf;
    struct pv_hash hash;
    struct pv_id16 id;
    uint8_t want[2 + 32 + 1 + 16];
    memset(hash.b, 7, sizeof hash.b);
    memset(id.b, 8, sizeof id.b);
    pv_buf_init(&buf, 1000);
    pv_cbor_put_hash(&buf, &hash);
    pv_cbor_put_id16(&buf, &id);
    memcpy(want, "\x58\x20", 2);
    memset(want + 2, 7, 32);
    want[34] = 0x50;
    memset(want + 35, 8, 16);
    tap_is_bytes(buf.p, buf.n, want, sizeof want, "hashes and ids are byte strings");
    pv_buf_clear(&buf);
    pv_cbor_put_text(&buf, "a\xff", 2);
    tap_ok(buf.err == PV_ERR_MALFORMED && buf.n == 0, "text that is not UTF-8 is not written");
    pv_cbor_put_uint(&buf, 1);
    tap_is_int((long long)buf.n, 0, "nor anything after it");
    pv_buf_release(&buf);
}

int main(void)
{
    test_examples();
    test_all_short();
    test_bit_flips();
    test_nesting();
    test_oversized();
    test_integers();
    test_types();
    test_sticky();
    test_writer();
    return tap_done();
}
