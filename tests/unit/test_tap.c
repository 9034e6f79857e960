/* The test header itself: what it calls the same and what it calls different. */
#include "tests/tap.h"

/* Take back the failure just counted; false if there was none. */
static bool fails(bool result)
{
    tap_failed -= !result;
    return !result;
}

int main(void)
{
    static const uint8_t abc[] = {'a', 'b', 'c'};

    tap_is_bytes(abc, sizeof abc, "abc", 3, "equal bytes are the same");
    tap_is_bytes(NULL, 0, NULL, 0, "no bytes are the same as no bytes");
    tap_is_int(-5, -5, "equal numbers are the same");
    tap_is_str("a", "a", "equal strings are the same");

    /* To prove, a failure marked TODO is an expected one. */
    tap_ok(fails(tap_is_bytes(abc, 3, "abd", 3, "must fail # TODO")), "other bytes differ");
    tap_ok(fails(tap_is_bytes(abc, 2, abc, 3, "must fail # TODO")), "a prefix differs");
    tap_ok(fails(tap_is_int(1, 2, "must fail # TODO")), "other numbers differ");
    tap_ok(fails(tap_is_str("a", NULL, "must fail # TODO")), "no string differs from a string");
    return tap_done();
}
