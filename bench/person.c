/* The connection, the proxy between core's tasks and it, and messages made past the store. */
#include "bench/person.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base64.h"
#include "core/log/seal.h"
#include "core/state/payload.h"

double bench_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void bench_must(enum pv_err err, const char *what)
{
    if (!err) return;
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, pv_err_text(err));
    exit(1);
}

/* ---- the connection */

int bench_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) bench_must(PV_ERR_OFFLINE, "connect");
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) bench_must(PV_ERR_IO, "nodelay");
    return fd;
}

static void send_all(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent <= 0) bench_must(PV_ERR_OFFLINE, "send");
        at += sent;
        n -= (size_t)sent;
    }
}

unsigned bench_ask(int fd, const char *method, const char *path, const char *headers, struct pv_bytes body,
                   struct pv_buf *answer)
{
    char head[4096];
    size_t have = 0, length = 0;
    unsigned status = 0;
    const char *end = NULL;
    int n = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: bench\r\n%sContent-Length: %zu\r\n\r\n", method, path,
                     headers, body.n);
    send_all(fd, head, (size_t)n);
    send_all(fd, body.p, body.n);
    while (!end) {
        ssize_t got = recv(fd, head + have, sizeof head - 1 - have, 0);
        if (got <= 0) bench_must(PV_ERR_OFFLINE, "receive");
        have += (size_t)got;
        head[have] = 0;
        end = strstr(head, "\r\n\r\n");
    }
    const char *announced = strcasestr(head, "\r\ncontent-length:");
    if (sscanf(head, "HTTP/1.1 %u", &status) != 1) bench_must(PV_ERR_MALFORMED, "status line");
    if (announced && announced < end) length = strtoul(announced + 17, NULL, 10);
    size_t early = have - (size_t)(end + 4 - head), from = answer->n;
    uint8_t *at = pv_buf_extend(answer, length);
    if (!at && length) bench_must(PV_ERR_NOMEM, "answer");
    if (early) memcpy(at, end + 4, early);
    for (size_t filled = early; filled < length;) {
        ssize_t got = recv(fd, answer->p + from + filled, length - filled, 0);
        if (got <= 0) bench_must(PV_ERR_OFFLINE, "receive");
        filled += (size_t)got;
    }
    return status;
}

/* ---- a person */

static const char *const methods[] = {[PV_GET] = "GET", [PV_POST] = "POST", [PV_PUT] = "PUT", [PV_DELETE] = "DELETE"};

/* The ticket of a release, which a client's driver would keep too. */
static void keep_ticket(struct bench_person *person, struct pv_bytes answer)
{
    struct pv_cbor in;
    struct pv_hash ticket;
    struct pv_buf text;
    pv_cbor_init(&in, answer);
    pv_cbor_get_array_of(&in, 3);
    pv_cbor_get_item(&in);
    pv_cbor_get_item(&in);
    pv_cbor_get_hash(&in, &ticket);
    bench_must(pv_cbor_finish(&in), "ticket");
    pv_buf_init_fixed(&text, person->ticket, sizeof person->ticket - 1);
    pv_base64_put(&text, PV_BASE64_URL, PV_BYTES_OF(ticket));
    person->ticket[text.n] = 0;
}

static unsigned proxy(void *context, const struct pv_request *request, struct pv_buf *answer, const char **why)
{
    struct bench_person *person = context;
    char headers[512] = "";
    size_t from = answer->n;
    int n = 0;
    *why = "";
    if (request->auth == PV_AUTH_SESSION)
        n = snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", person->token);
    if (request->auth == PV_AUTH_SESSION && person->ticket[0])
        snprintf(headers + n, sizeof headers - (size_t)n, "Privity-Ticket: %s\r\n", person->ticket);
    unsigned status = bench_ask(person->fd, methods[request->method], request->path, headers, request->body, answer);
    struct pv_bytes body = pv_bytes(answer->p + from, answer->n - from);
    if (status >= 400) fprintf(stderr, "%s %s: %u %.*s\n", methods[request->method], request->path, status, (int)body.n, (const char *)body.p);
    if (status == 200 && strstr(request->path, "/release")) keep_ticket(person, body);
    return status;
}

/* Drive a task by hand, since its result lives in it. */
static void drive(struct bench_person *person, struct pv_task *task)
{
    const struct pv_request *request;
    const char *why;
    for (;;) {
        struct pv_buf answer;
        bench_must(pv_task_next(task, &request), "request");
        if (!request) return;
        pv_buf_init(&answer, SIZE_MAX);
        struct pv_response response = {.status = proxy(person, request, &answer, &why), .problem_detail = "", .problem_reason = ""};
        response.body = pv_buf_bytes(&answer);
        response.problem = response.status >= 400 ? PV_ERR_DENIED : PV_OK;
        bench_must(pv_task_feed(task, &response), "answer");
        pv_buf_release(&answer);
    }
}

void bench_person_init(struct bench_person *person, uint16_t port, uint64_t seed)
{
    struct pv_task *task;
    struct timespec now;
    struct seeded keys = seeded_make(seed);
    uint64_t expires_ms;
    struct pv_sign_seed sign;
    struct pv_kem_seed kem;
    struct pv_identity me;
    *person = (struct bench_person){.port = port, .fd = bench_connect(port)};
    clock_gettime(CLOCK_REALTIME, &now);
    rig_server_init(&person->proxy, seed);
    person->proxy.serve = proxy;
    person->proxy.serve_context = person;
    person->proxy.now_ms = (uint64_t)now.tv_sec * 1000;
    bench_must(pv_server_info_task(&task), "server");
    drive(person, task);
    person->proxy.info = *pv_server_info_result(task);
    pv_task_free(task);
    seeded_fill(&keys, sign.b, sizeof sign.b); /* the device that rig_device_init will derive from the same seed */
    seeded_fill(&keys, kem.b, sizeof kem.b);
    pv_identity_derive(&sign, &kem, &me);
    bench_must(pv_session_task(&me, person->proxy.info.name, &task), "session");
    drive(person, task);
    snprintf(person->token, sizeof person->token, "%s", pv_session_token(task, &expires_ms));
    pv_task_free(task);
    bench_must(rig_device_init(&person->device, &person->proxy, seed), "person");
}

void bench_person_release(struct bench_person *person)
{
    rig_device_release(&person->device);
    rig_server_release(&person->proxy);
    close(person->fd);
}

/* ---- messages */

void bench_writer_init(struct bench_writer *writer, struct rig_member *member)
{
    struct pv_epoch_secret secret;
    struct pv_head head = {0};
    struct rig_device *device = member->device;
    uint64_t epoch = pv_roster_epoch(pv_room_roster(member->room));
    bench_must(pv_store_epoch_get(member->store, epoch, &secret), "secret");
    bench_must(pv_store_head_get(member->store, &head), "head");
    pv_epoch_prk(&secret, &writer->prk);
    writer->me = &device->me;
    writer->seed = &device->seed;
    writer->header = (struct pv_header){.room = *pv_room_id(member->room), .author = device->me.device, .n = head.n + 1,
                                        .prev = head.leaf, .time_ms = device->server->now_ms, .kind = PV_KIND_TALK,
                                        .epoch = epoch};
    pv_merkle_empty_root(&writer->header.seen_root);
    pv_refs_hash(pv_bytes("\x80", 1), &writer->header.refs_hash);
}

void bench_write(struct bench_writer *writer, const char *text, struct pv_buf *bundles)
{
    static const uint8_t no_refs[] = {0x80}, nothing_beside[] = {0x83, 0x80, 0x80, 0x80};
    struct pv_payload payload = {.type = PV_PAYLOAD_MESSAGE};
    struct pv_seal_nonce nonce;
    struct pv_buf plain, body, entry;
    payload.u.message.text = pv_bytes_of_string(text);
    seeded_fill(writer->seed, payload.write_id.b, sizeof payload.write_id.b);
    seeded_fill(writer->seed, nonce.b, sizeof nonce.b);
    pv_buf_init(&plain, PV_LIMIT_PAYLOAD_BYTES);
    pv_buf_init(&body, PV_LIMIT_BODY_BYTES);
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_payload_put(&plain, &payload);
    bench_must(pv_body_seal(&writer->prk, &nonce, pv_buf_bytes(&plain), &writer->header, &body), "seal");
    bench_must(pv_entry_make(&writer->header, &writer->me->sign_sk, &entry), "sign");
    struct pv_bundle bundle = {pv_buf_bytes(&entry), pv_bytes(no_refs, 1), pv_buf_bytes(&body), pv_bytes(nothing_beside, 4)};
    pv_bundle_put(bundles, &bundle);
    writer->header.n++;
    pv_entry_leaf(bundle.entry, &writer->header.prev);
    pv_buf_release(&plain);
    pv_buf_release(&body);
    pv_buf_release(&entry);
}
