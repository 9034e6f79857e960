/* Persons for measuring a real server: core's own logic over a blocking connection to 127.0.0.1. */
#ifndef BENCH_PERSON_H
#define BENCH_PERSON_H

#include "tests/unit/sync_rig.h"

struct bench_person {
    struct rig_server proxy; /* gives the device's requests to the server */
    struct rig_device device;
    int fd;
    uint16_t port;
    char token[128], ticket[64];
};

double bench_now_s(void);
/* End with a line on standard error if `err` is one. */
void bench_must(enum pv_err err, const char *what);
int bench_connect(uint16_t port);
/* One request on a connection that is kept open; the HTTP status, the answer's body appended. Ends on a failure. */
unsigned bench_ask(int fd, const char *method, const char *path, const char *headers, struct pv_bytes body,
                   struct pv_buf *answer);

/* A person with one device, registered and with a session. Ends on a failure. */
void bench_person_init(struct bench_person *person, uint16_t port, uint64_t seed);
void bench_person_release(struct bench_person *person);

/* Makes and signs messages by a member of a room, past its store, so that it is quick. */
struct bench_writer {
    struct pv_prk prk;
    struct pv_header header;
    const struct pv_identity *me;
    struct seeded *seed;
};
void bench_writer_init(struct bench_writer *writer, struct rig_member *member);
/* Append the next message as a bundle. */
void bench_write(struct bench_writer *writer, const char *text, struct pv_buf *bundles);

#endif
