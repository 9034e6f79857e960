/* The system's clock and randomness, and a process that leaves no core dump. */
#include "client/system.h"

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

static void fill(void *context, void *ret_bytes, size_t n)
{
    (void)context;
    randombytes_buf(ret_bytes, n);
}

const struct pv_random pv_system_random = {fill, NULL};

static uint64_t read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t pv_system_now_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

uint64_t pv_system_ticks_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void pv_system_harden(void)
{
    const struct rlimit none = {0, 0};
    /* A sanitizer's leak checker attaches to its own process, which an undumpable one refuses. */
#if !defined(__SANITIZE_ADDRESS__)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    setrlimit(RLIMIT_CORE, &none);
}
