/* Texts made of lines: one spelling for each number, and a cursor that stops at the first error. */
#include "core/base/lines.h"

#include "tests/tap.h"

static void number(const char *text, uint64_t max, enum pv_err want_err, uint64_t want)
{
    uint64_t got = 77;
    enum pv_err err = pv_decimal_read(pv_bytes_of_string(text), max, &got);
    tap_ok(err == want_err && got == (err ? 77 : want), "'%s' below %llu: %s", text, (unsigned long long)max,
           pv_err_web_name(want_err));
}

static void test_numbers(void)
{
    static const uint64_t values[] = {0, 1, 9, 10, 99, 100, 12345678901234567890u, UINT64_MAX - 1, UINT64_MAX};
    struct pv_buf buf;
    bool good = true;
    number("0", UINT64_MAX, PV_OK, 0);
    number("18446744073709551615", UINT64_MAX, PV_OK, UINT64_MAX);
    number("18446744073709551616", UINT64_MAX, PV_ERR_LIMIT, 0);
    number("99999999999999999999999", UINT64_MAX, PV_ERR_LIMIT, 0);
    number("255", 255, PV_OK, 255);
    number("256", 255, PV_ERR_LIMIT, 0);
    number("260", 259, PV_ERR_LIMIT, 0);
    number("1", 0, PV_ERR_LIMIT, 0);
    number("", 9, PV_ERR_MALFORMED, 0);
    number("00", 9, PV_ERR_NONCANONICAL, 0);
    number("07", 9, PV_ERR_NONCANONICAL, 0);
    number("-0", 9, PV_ERR_MALFORMED, 0);
    number("+1", 9, PV_ERR_MALFORMED, 0);
    number(" 1", 9, PV_ERR_MALFORMED, 0);
    number("1 ", 9, PV_ERR_MALFORMED, 0);
    number("0x1", 99, PV_ERR_MALFORMED, 0);
    pv_buf_init(&buf, 64);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint64_t back = 77;
        pv_buf_clear(&buf);
        pv_decimal_put(&buf, values[i]);
        good &= !pv_decimal_read(pv_buf_bytes(&buf), UINT64_MAX, &back) && back == values[i];
    }
    tap_ok(good, "numbers written read back");
    pv_buf_release(&buf);
}

static void test_lines(void)
{
    struct pv_lines in;
    struct pv_bytes line;
    pv_lines_init(&in, pv_bytes_of_string("one\n\ntwo words\nrest"));
    line = pv_lines_get(&in);
    tap_is_bytes(line.p, line.n, "one", 3, "a line");
    pv_lines_expect(&in, pv_bytes(NULL, 0));
    line = pv_lines_get_after(&in, pv_bytes_of_string("two "));
    tap_is_bytes(line.p, line.n, "words", 5, "what follows a prefix");
    tap_is_int(pv_lines_finish(&in), PV_ERR_MALFORMED, "text is left");
    line = pv_lines_get(&in);
    tap_ok(line.n == 0 && pv_lines_finish(&in) == PV_ERR_TRUNCATED, "a line without its end is truncated");
    pv_lines_fail(&in, PV_ERR_LIMIT);
    tap_is_int(pv_lines_finish(&in), PV_ERR_TRUNCATED, "the first error stays");

    pv_lines_init(&in, pv_bytes_of_string("prefix\n"));
    (void)pv_lines_get_after(&in, pv_bytes_of_string("prefix"));
    tap_is_int(pv_lines_finish(&in), PV_ERR_MALFORMED, "a prefix alone is refused");
    pv_lines_init(&in, pv_bytes_of_string("abc\n"));
    (void)pv_lines_get_after(&in, pv_bytes_of_string("ax"));
    tap_is_int(pv_lines_finish(&in), PV_ERR_MALFORMED, "and another prefix");
    pv_lines_init(&in, pv_bytes_of_string("abc\n"));
    pv_lines_expect(&in, pv_bytes_of_string("abc"));
    tap_is_int(pv_lines_finish(&in), PV_OK, "an expected line");
    pv_lines_init(&in, pv_bytes_of_string("abcd\n"));
    pv_lines_expect(&in, pv_bytes_of_string("abc"));
    tap_is_int(pv_lines_finish(&in), PV_ERR_MALFORMED, "and another one");
    pv_lines_init(&in, pv_bytes(NULL, 0));
    tap_is_int(pv_lines_finish(&in), PV_OK, "nothing is a text");
    (void)pv_lines_get(&in);
    tap_is_int(pv_lines_finish(&in), PV_ERR_TRUNCATED, "without lines");
}

int main(void)
{
    test_numbers();
    test_lines();
    return tap_done();
}
