/* JSON as it is written: commas, escapes, numbers at their ends, names that are no text. */
#include "core/base/json.h"
#include "tests/tap.h"

static struct pv_buf out;
static struct pv_json json;

static void begin(void)
{
    pv_buf_release(&out);
    pv_json_init(&json, &out);
}

static const char *text(void)
{
    pv_buf_append_byte(&out, 0);
    return out.err ? pv_err_text(out.err) : (const char *)out.p;
}

static void test_structure(void)
{
    begin();
    pv_json_begin_object(&json, NULL);
    pv_json_begin_array(&json, "empty");
    pv_json_end_array(&json);
    pv_json_begin_array(&json, "list");
    pv_json_u64(&json, NULL, 1);
    pv_json_begin_object(&json, NULL);
    pv_json_end_object(&json);
    pv_json_begin_object(&json, NULL);
    pv_json_bool(&json, "yes", true);
    pv_json_bool(&json, "no", false);
    pv_json_end_object(&json);
    pv_json_null(&json, NULL);
    pv_json_end_array(&json);
    pv_json_string(&json, "last", "one");
    pv_json_end_object(&json);
    tap_is_str(text(), "{\"empty\":[],\"list\":[1,{},{\"yes\":true,\"no\":false},null],\"last\":\"one\"}",
               "commas stand between members and nowhere else");
}

static void test_numbers(void)
{
    begin();
    pv_json_begin_array(&json, NULL);
    pv_json_u64(&json, NULL, UINT64_MAX);
    pv_json_i64(&json, NULL, INT64_MIN);
    pv_json_i64(&json, NULL, INT64_MAX);
    pv_json_i64(&json, NULL, 0);
    pv_json_i64(&json, NULL, -1);
    pv_json_end_array(&json);
    tap_is_str(text(), "[18446744073709551615,-9223372036854775808,9223372036854775807,0,-1]", "numbers at their ends");
}

static void test_texts(void)
{
    begin();
    pv_json_text(&json, NULL, pv_bytes("\"\\/\n\r\t\0\x1f\x7f\xc3\xa9\xf0\x9f\x98\x80", 15));
    tap_is_str(text(), "\"\\\"\\\\/\\n\\u000d\\u0009\\u0000\\u001f\\u007f\xc3\xa9\xf0\x9f\x98\x80\"",
               "what must be escaped is, and the rest stays");
    begin();
    pv_json_text(&json, NULL, pv_bytes("", 0));
    tap_is_str(text(), "\"\"", "an empty text");
    begin();
    pv_json_text(&json, NULL, pv_bytes("\xc0\x80", 2));
    tap_is_int(out.err, PV_ERR_MALFORMED, "what is no text fails the buffer");
}

static void test_bytes(void)
{
    uint8_t bytes[130];
    char want[2 * sizeof bytes + 3];
    memset(bytes, 0xa5, sizeof bytes);
    memset(want, 0, sizeof want);
    want[0] = want[2 * sizeof bytes + 1] = '"';
    for (size_t i = 0; i < sizeof bytes; i++) memcpy(want + 1 + 2 * i, "a5", 2);
    begin();
    pv_json_hex(&json, NULL, pv_bytes(bytes, sizeof bytes));
    tap_is_str(text(), want, "hex of any length");
    begin();
    pv_json_begin_object(&json, NULL);
    pv_json_name(&json, "a", pv_bytes("plain\\", 6));
    pv_json_name(&json, "b", pv_bytes("\xe2\x82\xac\\\xe2\x82\xff\n", 8));
    pv_json_end_object(&json);
    tap_is_str(text(), "{\"a\":\"plain\\\\\",\"b\":\"\xe2\x82\xac\\\\\\\\\\\\xe2\\\\x82\\\\xff\\n\",\"b_bytes\":\"4oKsXOKC_wo\"}",
               "a name that is no text is escaped, and given in bytes");
}

int main(void)
{
    pv_buf_init(&out, 4096);
    test_structure();
    test_numbers();
    test_texts();
    test_bytes();
    pv_buf_release(&out);
    return tap_done();
}
