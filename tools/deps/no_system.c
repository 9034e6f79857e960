/* What libsodium finds in place of a system in wasm, so that the module imports nothing: no randomness (asking for
 * some traps), no sleep, and a failed assertion traps without a message. */
#include <sodium/randombytes.h>
#include <time.h>

static const char *name(void)
{
    return "none";
}

static uint32_t random_word(void)
{
    __builtin_trap();
}

static void stir(void)
{
}

static void fill(void *const buf, const size_t size)
{
    (void)buf;
    (void)size;
    __builtin_trap();
}

const struct randombytes_implementation pv_no_randomness = {
    .implementation_name = name,
    .random = random_word,
    .stir = stir,
    .buf = fill,
};

/* libsodium sleeps only while another thread holds its lock; there is one thread. */
int pv_no_nanosleep(const struct timespec *want, struct timespec *ret_left)
{
    (void)want;
    (void)ret_left;
    return 0;
}

_Noreturn void pv_no_assert_fail(const char *expression, const char *file, int line, const char *function)
{
    (void)expression;
    (void)file;
    (void)line;
    (void)function;
    __builtin_trap();
}
