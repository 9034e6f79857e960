/* Times as people type them. */
#include "cli/when.h"
#include "tests/tap.h"

static const uint64_t NOW = 1795402800000; /* 2026-11-23 03:00 UTC */

static void past(const char *text, uint64_t want)
{
    uint64_t got = 0;
    enum pv_err err = pv_when_past(text, NOW, &got);
    tap_ok(err == PV_OK && got == want, "%s", text);
    if (err != PV_OK || got != want) tap_note("err %d, got %llu, want %llu", (int)err, (unsigned long long)got, (unsigned long long)want);
}

static void refused(const char *text)
{
    uint64_t got = 42;
    tap_ok(pv_when_past(text, NOW, &got) == PV_ERR_USAGE && got == 42, "\"%s\" is refused", text);
}

int main(void)
{
    static const char *const bad[] = {"", "2", "h", "-2h", "2x", "2hh", "2 h", "2.5h", "tomorrow", "2026", "2026-1-2", "2026-13-01",
                                      "2026-02-30", "2026-11-23T", "2026-11-23T25:00", "2026-11-23T10:60", "2026-11-23T10:00:61",
                                      "2026-11-23T10:00+", "2026-11-23T10:00+1", "2026-11-23T10:00Zx", "@", "@x", "99999999d", "1969-12-31"};
    uint64_t value = 0;

    setenv("TZ", "UTC-2", 1); /* two hours east, no summer time */
    past("2h", NOW - 7200000);
    past("3d", NOW - 3 * 86400000ull);
    past("90s", NOW - 90000);
    past("30m", NOW - 1800000);
    past("2w", NOW - 14 * 86400000ull);
    past("now", NOW);
    past("today", 1795384800000);
    past("yesterday", 1795298400000);
    past("2026-11-23", 1795384800000);
    past("2026-11-23T10:00", 1795420800000);
    past("2026-11-23 10:00", 1795420800000);
    past("2026-11-23T10:00:30", 1795420830000);
    past("2026-11-23T10:00Z", 1795428000000);
    past("2026-11-23T10:00+01:00", 1795424400000);
    past("2026-11-23T10:00-0130", 1795433400000);
    past("2024-02-29Z", 1709164800000);
    past("@1000", 1000000);
    past("9999999w", 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refused(bad[i]);
    tap_is_int(pv_when_future("7d", NOW, &value), PV_OK, "7d from now");
    tap_is_int((long long)value, (long long)(NOW + 7 * 86400000ull), "is a week later");
    tap_is_int(pv_when_future("2026-11-22", NOW, &value), PV_ERR_USAGE, "a day that has passed is refused");
    tap_is_int(pv_when_future("0s", NOW, &value), PV_ERR_USAGE, "so is now");
    tap_is_int(pv_when_span("5m", &value), PV_OK, "a span alone");
    tap_is_int((long long)value, 300000, "is five minutes");
    return tap_done();
}
