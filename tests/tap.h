/* TAP output for C tests: one header, no state but a counter, the same natively and as wasm. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count;
static int tap_failed;

/* Report one case. Returns `good`, so that a test can stop where going on makes no sense. */
__attribute__((unused, format(printf, 2, 3))) static bool tap_ok(bool good, const char *fmt, ...)
{
    va_list ap;
    tap_count++;
    if (!good)
        tap_failed++;
    printf("%s %d - ", good ? "ok" : "not ok", tap_count);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
    return good;
}

/* A line of explanation beside the results. */
__attribute__((unused, format(printf, 1, 2))) static void tap_note(const char *fmt, ...)
{
    va_list ap;
    fputs("# ", stdout);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

__attribute__((unused)) static void tap_print_hex(const char *label, const uint8_t *p, size_t n)
{
    printf("# %s (%zu bytes): ", label, n);
    for (size_t i = 0; i < n && i < 256; i++)
        printf("%02x", p[i]);
    puts(n > 256 ? "…" : "");
}

/* Are `got` and `want` the same bytes? Prints both as hex where they are not. */
__attribute__((unused)) static bool tap_is_bytes(const void *got, size_t got_bytes, const void *want,
                         size_t want_bytes, const char *what)
{
    bool same = got_bytes == want_bytes && (want_bytes == 0 || memcmp(got, want, want_bytes) == 0);
    tap_ok(same, "%s", what);
    if (!same) {
        tap_print_hex("got ", got, got_bytes);
        tap_print_hex("want", want, want_bytes);
    }
    return same;
}

/* Are the two numbers the same? Prints both where they are not. Error codes fit too. */
__attribute__((unused)) static bool tap_is_int(long long got, long long want, const char *what)
{
    tap_ok(got == want, "%s", what);
    if (got != want)
        tap_note("got %lld, want %lld", got, want);
    return got == want;
}

/* Are the two strings the same? Prints both where they are not. */
__attribute__((unused)) static bool tap_is_str(const char *got, const char *want, const char *what)
{
    bool same = got && want && strcmp(got, want) == 0;
    tap_ok(same, "%s", what);
    if (!same)
        tap_note("got \"%s\", want \"%s\"", got ? got : "(null)", want ? want : "(null)");
    return same;
}

/* End a program that cannot run here, saying why. */
__attribute__((unused, noreturn)) static void tap_skip_all(const char *reason)
{
    printf("1..0 # SKIP %s\n", reason);
    exit(0);
}

/* The plan, last: `return tap_done();` from main. A program without a case has failed. */
__attribute__((unused)) static int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed > 0 || tap_count == 0;
}

#endif
