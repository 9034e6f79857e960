/* A clock that is wrong, for whole programs: preloaded, it shifts the time of day by FAKE_CLOCK_OFFSET_MS. Clocks that
 * only count on (CLOCK_MONOTONIC and its kin) stay as they are. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t offset_ms;

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("FAKE_CLOCK_OFFSET_MS");
    if (text) offset_ms = strtoll(text, NULL, 10);
}

/* Asked of the kernel itself: libc's own function is the one that is replaced here. */
int clock_gettime(clockid_t id, struct timespec *ret_time)
{
    if (syscall(SYS_clock_gettime, id, ret_time) != 0) return -1;
    if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE && id != CLOCK_TAI) return 0;
    int64_t ns = ret_time->tv_nsec + offset_ms % 1000 * 1000000;
    ret_time->tv_sec += offset_ms / 1000 + (ns < 0 ? -1 : ns / 1000000000);
    ret_time->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
    return 0;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    *ret_time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret_time)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    if (ret_time) *ret_time = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *ret_time, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, ret_time) == 0 ? base : 0;
}
