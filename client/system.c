/* The system's clock and randomness, and a process that leaves no core dump. */
#include "client/system.h"

#include <sodium.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

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

/* Everything, now and later, or nothing. */
static bool lock_all(void)
{
    enum { ENOUGH = 1 << 30 }; /* more than a command ever asks for: a passphrase alone wants 256 MiB */
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) return false;
    void *more = mmap(NULL, ENOUGH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (more != MAP_FAILED) {
        munmap(more, ENOUGH);
        return true;
    }
    munlockall(); /* else what is asked for later would fail */
    return false;
}

/* As much as every system lets a process lock: what is on the stack from here on, and what the caller names. */
static void lock_some(const void *statics, size_t n)
{
    enum { STACK_BYTES = 512 * 1024, ABOVE_BYTES = 16 * 1024 };
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = (here - STACK_BYTES) & ~(page - 1);
    volatile uint8_t grown[STACK_BYTES]; /* the kernel maps a stack as it is used */
    for (size_t i = 0; i < sizeof grown; i += page) grown[i] = 0;
    mlock2((const void *)statics, n, MLOCK_ONFAULT);
    mlock2((const void *)from, STACK_BYTES, MLOCK_ONFAULT);
    mlock2((const void *)(from + STACK_BYTES), ABOVE_BYTES, MLOCK_ONFAULT); /* of our callers; it may end sooner */
}

void pv_system_harden(const void *statics, size_t n)
{
    const struct rlimit none = {0, 0};
    struct rlimit locked;
    setrlimit(RLIMIT_CORE, &none);
    /* A sanitizer's leak checker attaches to its own process, which an undumpable one refuses. */
#if defined(__SANITIZE_ADDRESS__)
    (void)statics;
    (void)n;
    (void)locked;
    (void)lock_all;
    (void)lock_some;
#else
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0) {
        locked.rlim_cur = locked.rlim_max;
        setrlimit(RLIMIT_MEMLOCK, &locked);
    }
    if (!lock_all()) lock_some(statics, n);
#endif
}
