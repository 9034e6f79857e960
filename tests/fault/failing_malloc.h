/* An allocator whose Nth call fails, and that counts what was not freed. Included by one file of a program;
 * it stands in for glibc's, so it is for builds without sanitizers. */
#ifndef TESTS_FAULT_FAILING_MALLOC_H
#define TESTS_FAULT_FAILING_MALLOC_H

#include <stdbool.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAULT_CANNOT_RUN 1
#else
#define FAULT_CANNOT_RUN 0

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static bool fault_armed, fault_fired;
static size_t fault_left; /* allocations that still succeed */
static long fault_live;   /* allocated and not freed while armed */

static bool fault_now(void)
{
    if (!fault_armed) return false;
    if (fault_left == 0) fault_fired = true;
    else fault_left--;
    return fault_fired; /* memory that has run out stays out */
}

static void *fault_count(void *p)
{
    if (fault_armed && p) fault_live++;
    return p;
}

void *malloc(size_t n)
{
    return fault_now() ? NULL : fault_count(__libc_malloc(n));
}

void *calloc(size_t count, size_t n)
{
    return fault_now() ? NULL : fault_count(__libc_calloc(count, n));
}

void *realloc(void *p, size_t n)
{
    if (fault_now()) return NULL;
    return p ? __libc_realloc(p, n) : fault_count(__libc_malloc(n));
}

void free(void *p)
{
    if (fault_armed && p) fault_live--;
    __libc_free(p);
}

/* From here on the allocation after `succeed` more fails, and all that follow it. */
static void fault_arm(size_t succeed)
{
    fault_left = succeed;
    fault_fired = false;
    fault_live = 0;
    fault_armed = true;
}

/* Returns whether one failed. */
static bool fault_disarm(void)
{
    fault_armed = false;
    return fault_fired;
}

#endif
#endif
