/* Addresses of one's own, for whole programs: preloaded, each connection to 127.0.0.1 comes from the next of SOURCE_COUNT
 * addresses from SOURCE_FIRST on, which is one of 127.0.0.0/8. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint32_t first, count;
static atomic_uint taken;

__attribute__((constructor)) static void begin(void)
{
    const char *address = getenv("SOURCE_FIRST"), *number = getenv("SOURCE_COUNT");
    if (address) first = ntohl(inet_addr(address));
    count = number ? (uint32_t)strtoul(number, NULL, 10) : 1;
}

/* Asked of the kernel itself: libc's own function is the one that is replaced here. */
int connect(int fd, const struct sockaddr *address, socklen_t n)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    if (first && count && address->sa_family == AF_INET) {
        source.sin_addr.s_addr = htonl(first + atomic_fetch_add(&taken, 1) % count);
        (void)bind(fd, (const struct sockaddr *)&source, sizeof source); /* if not, it comes from where it would */
    }
    return (int)syscall(SYS_connect, fd, address, n);
}
