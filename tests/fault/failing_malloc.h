/* An allocator whose Nth call fails, and that counts what was not freed. Included by one file of a program.
 *
 * It stands in for glibc's, so it is for builds without sanitizers; a program that defines FAULT_WRAPS first runs under
 * AddressSanitizer too: there the linker turns calls of malloc into calls of __wrap_malloc (see the Makefile). */
#ifndef TESTS_FAULT_FAILING_MALLOC_H
#define TESTS_FAULT_FAILING_MALLOC_H

#include <stdbool.h>
#include <stdlib.h>

#if defined(__SANITIZE_THREAD__) || (defined(__SANITIZE_ADDRESS__) && !defined(FAULT_WRAPS))
#define FAULT_CANNOT_RUN 1
#else
#define FAULT_CANNOT_RUN 0

#ifdef __SANITIZE_ADDRESS__
#define FAULT_REAL(name) __real_##name
#define FAULT_OURS(name) __wrap_##name
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);
#else
#define FAULT_REAL(name) __libc_##name
#define FAULT_OURS(name) name
#endif

void *FAULT_REAL(malloc)(size_t n);
void *FAULT_REAL(calloc)(size_t count, size_t n);
void *FAULT_REAL(realloc)(void *p, size_t n);
void FAULT_REAL(free)(void *p);

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

void *FAULT_OURS(malloc)(size_t n)
{
    return fault_now() ? NULL : fault_count(FAULT_REAL(malloc)(n));
}

void *FAULT_OURS(calloc)(size_t count, size_t n)
{
    return fault_now() ? NULL : fault_count(FAULT_REAL(calloc)(count, n));
}

void *FAULT_OURS(realloc)(void *p, size_t n)
{
    if (fault_now()) return NULL;
    return p ? FAULT_REAL(realloc)(p, n) : fault_count(FAULT_REAL(malloc)(n));
}

void FAULT_OURS(free)(void *p)
{
    if (fault_armed && p) fault_live--;
    FAULT_REAL(free)(p);
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

/* Around what stands for another machine, whose memory does not run out. */
__attribute__((unused)) static void fault_elsewhere(bool entering)
{
    static bool was_armed;
    if (entering) {
        was_armed = fault_armed;
        fault_armed = false;
    } else {
        fault_armed = was_armed;
    }
}

#endif
#endif
