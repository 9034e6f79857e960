/* Durable appends: 64 writers, each with a device and a kept connection, post entries one by one to a running server.
 *
 *   bench_append PORT one|many SECONDS SERVER-PID
 *
 * Entries are signed before the clock starts. Prints entries a second, answers' latency at the median and of 99 in
 * 100 (ms), processor time an entry of the server and of this program (µs), and the bytes of an entry. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/person.h"

enum { WRITERS = 64, ENTRIES_MAX = 4000 };

struct writer {
    struct bench_person person;
    struct rig_member member;
    struct pv_buf requests;         /* whole requests, one after the other */
    size_t ends[ENTRIES_MAX];
    size_t count, done;
    char answer[2048];
    size_t have;
    double sent_s;
};

static struct writer *writers;
static double *latency;
static size_t latency_count, entry_bytes;

/* ---- rooms and requests */

static void make_rooms(uint16_t port, bool one)
{
    struct pv_invite_link link;
    uint64_t seed = (uint64_t)getpid() << 32;
    for (size_t i = 0; i < WRITERS; i++) {
        struct writer *w = &writers[i];
        bench_person_init(&w->person, port, seed + i + 1);
        if (i == 0 || !one) {
            bench_must(rig_found(&w->member, &w->person.device), "room");
            if (one) bench_must(rig_invite(&w->member, PV_ROLE_EDITOR, WRITERS, &link), "invite");
        } else {
            bench_must(rig_join(&w->member, &w->person.device, &link), "join");
        }
    }
}

static void make_requests(size_t each)
{
    char text[160], hex[65];
    struct pv_buf bundles;
    pv_buf_init(&bundles, PV_LIMIT_BATCH_BYTES);
    for (size_t i = 0; i < WRITERS; i++) {
        struct writer *w = &writers[i];
        struct bench_writer maker;
        bench_writer_init(&maker, &w->member);
        pv_buf_init(&w->requests, SIZE_MAX);
        pv_hex_encode(pv_room_id(w->member.room)->b, 32, hex);
        for (size_t k = 0; k < each; k++) {
            char head[512];
            snprintf(text, sizeof text, "message %zu of writer %zu: the drawing of part 7 is attached; is the colour right?", k, i);
            pv_buf_clear(&bundles);
            pv_cbor_put_array(&bundles, 1);
            bench_write(&maker, text, &bundles);
            int n = snprintf(head, sizeof head,
                             "POST /v1/rooms/%s/entries HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n"
                             "Content-Length: %zu\r\n\r\n", hex, w->person.token, bundles.n);
            pv_buf_append(&w->requests, head, (size_t)n);
            pv_buf_append(&w->requests, bundles.p, bundles.n);
            bench_must(w->requests.err, "requests");
            w->ends[w->count++] = w->requests.n;
            entry_bytes = bundles.n;
        }
    }
    pv_buf_release(&bundles);
}

/* ---- the run */

static void send_next(struct writer *w)
{
    size_t from = w->done ? w->ends[w->done - 1] : 0, n = w->ends[w->done] - from;
    w->sent_s = bench_now_s();
    w->have = 0;
    if (send(w->person.fd, w->requests.p + from, n, MSG_NOSIGNAL) != (ssize_t)n) bench_must(PV_ERR_OFFLINE, "send");
}

/* Is a whole answer here? */
static bool receive(struct writer *w)
{
    ssize_t got = recv(w->person.fd, w->answer + w->have, sizeof w->answer - 1 - w->have, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) bench_must(PV_ERR_OFFLINE, "receive");
    w->have += (size_t)got;
    w->answer[w->have] = 0;
    const char *end = strstr(w->answer, "\r\n\r\n");
    const char *announced = end ? strcasestr(w->answer, "\r\ncontent-length:") : NULL;
    if (!announced || w->have < (size_t)(end + 4 - w->answer) + strtoul(announced + 17, NULL, 10)) return false;
    if (strncmp(w->answer, "HTTP/1.1 200 ", 13) != 0) {
        fprintf(stderr, "bench_append: %.*s\n", (int)w->have, w->answer);
        exit(1);
    }
    return true;
}

static double cpu_s(clockid_t clock)
{
    struct timespec used;
    if (clock_gettime(clock, &used)) bench_must(PV_ERR_IO, "processor time");
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static double run(double seconds)
{
    struct epoll_event events[WRITERS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    double from = bench_now_s(), now = from;
    size_t running = WRITERS;
    bool ending = false;
    for (size_t i = 0; i < WRITERS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &writers[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, writers[i].person.fd, &event)) bench_must(PV_ERR_IO, "epoll");
        send_next(&writers[i]);
    }
    while (running) {
        int n = epoll_wait(epoll, events, WRITERS, 10000);
        if (n <= 0) bench_must(PV_ERR_OFFLINE, "wait");
        now = bench_now_s();
        for (int i = 0; i < n; i++) {
            struct writer *w = events[i].data.ptr;
            if (!receive(w)) continue;
            latency[latency_count++] = now - w->sent_s;
            w->done++;
            ending = ending || now - from > seconds || w->done == w->count;
            if (ending) running--;
            else send_next(w);
        }
    }
    close(epoll);
    return now - from;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    clockid_t server_clock;
    if (argc != 5 || clock_getcpuclockid((pid_t)strtoul(argv[4], NULL, 10), &server_clock)) return 2;
    double seconds = strtod(argv[3], NULL);
    bench_must(pv_crypto_init(), "crypto");
    writers = calloc(WRITERS, sizeof *writers);
    latency = calloc((size_t)WRITERS * ENTRIES_MAX, sizeof *latency);
    if (!writers || !latency) return 1;
    make_rooms((uint16_t)strtoul(argv[1], NULL, 10), strcmp(argv[2], "one") == 0);
    size_t each = (size_t)(seconds * 250) + 1; /* 16,000 a second */
    make_requests(each < ENTRIES_MAX ? each : ENTRIES_MAX);
    double server_s = cpu_s(server_clock), own_s = cpu_s(CLOCK_PROCESS_CPUTIME_ID);
    double took = run(seconds), count = (double)latency_count;
    server_s = cpu_s(server_clock) - server_s;
    own_s = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - own_s;
    qsort(latency, latency_count, sizeof *latency, compare);
    printf("%.0f %.2f %.2f %.1f %.1f %zu\n", count / took, latency[latency_count / 2] * 1e3,
           latency[latency_count * 99 / 100] * 1e3, server_s / count * 1e6, own_s / count * 1e6, entry_bytes);
    return 0;
}
