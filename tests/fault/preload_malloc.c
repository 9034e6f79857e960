/* Memory that runs out, for whole programs: preloaded, it fails the allocation after FAULT_AFTER more and all that
 * follow it; without FAULT_AFTER it writes to descriptor FAULT_FD, at the end, how many there were. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);

static size_t made, limit = SIZE_MAX;

__attribute__((constructor)) static void begin(void)
{
    const char *after = getenv("FAULT_AFTER");
    if (after) limit = strtoull(after, NULL, 10);
}

__attribute__((destructor)) static void end(void)
{
    const char *fd = getenv("FAULT_FD");
    char text[32];
    if (!fd) return;
    int n = snprintf(text, sizeof text, "%zu\n", made);
    if (write(atoi(fd), text, (size_t)n) < 0) return;
}

static bool out(void)
{
    return __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED) >= limit;
}

void *malloc(size_t n)
{
    return out() ? NULL : __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
    return out() ? NULL : __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
    return out() ? NULL : __libc_realloc(p, n);
}
