/* For tests of core/sync: a server's logic in memory, devices with stores in memory, and a driver between them.
 *
 * The rig's server is a second, minimal one: it shares the roster with privityd, as clients do, and nothing else. */
#ifndef TESTS_UNIT_SYNC_RIG_H
#define TESTS_UNIT_SYNC_RIG_H

#include <sqlite3.h>

#include "core/sync/devices.h"
#include "tests/seeded.h"

enum { RIG_ROOMS = 16 };

struct rig_entry {
    struct pv_buf entry, refs, body, beside;
    bool dropped;              /* body and refs, as forgotten */
    bool beside_dropped;       /* wraps and links, as from before a cut */
};

struct rig_room {
    struct pv_hash id;
    struct pv_roster *roster;
    struct pv_merkle_edge edge;
    struct rig_entry *entries;
    size_t count, cap;
    struct pv_hash *hashes; /* stored hashes */
    uint64_t signed_ms;     /* when the newest note was signed */
    uint64_t spent_n;       /* the highest number of what was rejected because it continues nothing */
};

struct rig_gate {
    struct pv_id16 id;
    struct pv_half_b b;
    uint64_t version;
};

struct rig_server {
    struct seeded seed;
    struct pv_random random;
    struct pv_server_info info;
    struct pv_sign_sk log_sk;
    uint64_t now_ms;
    struct rig_room rooms[RIG_ROOMS];
    size_t room_count;
    struct rig_gate *gates;
    size_t gate_count;
    /* faults */
    bool down;                 /* no answer at all */
    size_t down_from;          /* no answer from this request on; 0: never */
    bool hide_kem_keys;        /* says that it has none */
    bool takes_forgeries;      /* entries whose signature does not hold, or that no log can have */
    bool lose_ack;             /* the next append is done but not answered */
    size_t page_max;           /* entries a page, 0: all */
    unsigned refusals;         /* so many of the next requests under a session are refused, */
    unsigned refusal_status;   /* with this */
    bool session_is_kept;      /* the driver has its session from before */
    void (*tamper)(struct rig_server *server, const struct pv_request *request, struct pv_buf *answer);
    void *tamper_context;
    void (*around)(bool entering); /* called before and after the server works, if set */
    /* another server in place of this one (tests/server) */
    unsigned (*serve)(void *context, const struct pv_request *request, struct pv_buf *answer, const char **why);
    void *serve_context;
    /* what it cost */
    size_t requests, bytes_up, bytes_down, notes_down, logins;
};

struct rig_device {
    struct rig_server *server;
    struct seeded seed;
    struct pv_random random;
    struct pv_identity me;
    struct pv_identity paper;  /* of the person's kit; only on the device that founded the person */
    sqlite3 *person_db;
    struct pv_store *person_store;
    struct pv_room *person;
};

struct rig_member { /* a device's copy of one client room */
    struct rig_device *device;
    sqlite3 *db;
    struct pv_store *store;
    struct pv_room *room;
    struct pv_buf pin;
};

void rig_server_init(struct rig_server *server, uint64_t seed);
void rig_server_release(struct rig_server *server);
struct rig_room *rig_room_find(struct rig_server *server, const struct pv_hash *id);

/* Append an encoded array of bundles, as a request would. */
enum pv_err rig_append(struct rig_server *server, struct rig_room *room, struct pv_bytes bundles);

/* What the server does when a forget's notice is over: says `deleted`, then drops what that names. CONFLICT: the rules do not
 * let it. */
enum pv_err rig_deleted(struct rig_server *server, struct rig_room *room, const struct pv_id16 *forget);

/* Leave those bodies out of a page of entries that `which` names. */
void rig_page_withhold(struct pv_buf *page, bool (*which)(const struct pv_entry *entry, bool is_last));

/* Its answer to one request: a status, bytes, and why not. */
unsigned rig_serve(struct rig_server *server, const struct pv_request *request, struct pv_buf *answer, const char **why);
/* Run a task to its end; frees it. OFFLINE when the server is down. */
enum pv_err rig_run(struct rig_server *server, enum pv_err made, struct pv_task *task);

/* The next keys from `seed`. */
struct pv_identity rig_identity(struct seeded *seed);
enum pv_err rig_device_init(struct rig_device *device, struct rig_server *server, uint64_t seed);
void rig_device_release(struct rig_device *device);
/* A device of its own keys with an empty copy of an existing person's room, as whom `me` says. */
enum pv_err rig_device_open(struct rig_device *device, struct rig_server *server, const struct pv_identity *me,
                            const struct pv_hash *person, uint64_t seed);
/* Keys from `seed`, certified and added by `old`, whose person room is sent; then the new one pulls it. */
enum pv_err rig_device_second(struct rig_device *device, struct rig_device *old, uint64_t seed, bool paper);
enum pv_err rig_person_push(struct rig_device *device);
enum pv_err rig_person_pull(struct rig_device *device);
/* Push, and pull the person's own room whenever the room asks for that, until it is settled. */
enum pv_err rig_settle(struct rig_member *member);
/* Open a copy of room `id`, empty. */
enum pv_err rig_member_open(struct rig_member *member, struct rig_device *device, const struct pv_hash *id);
/* The same over an opened database, which becomes the member's. */
enum pv_err rig_member_open_over(struct rig_member *member, struct rig_device *device, const struct pv_hash *id, sqlite3 *db);
/* Close and open again over the same database, as a new process would. */
enum pv_err rig_member_reopen(struct rig_member *member);
void rig_member_close(struct rig_member *member);
/* Another program of the same device, over the member's database; closed before the member. */
enum pv_err rig_member_beside(struct rig_member *other, const struct rig_member *member);
enum pv_err rig_found(struct rig_member *member, struct rig_device *device);
enum pv_err rig_push(struct rig_member *member);
enum pv_err rig_pull(struct rig_member *member);
enum pv_err rig_invite(struct rig_member *owner, enum pv_role role, uint64_t uses, struct pv_invite_link *ret_link);
/* The server's half of an invite, as who has the link gets it. */
enum pv_err rig_release(struct rig_device *device, const struct pv_invite_link *link, struct pv_half_b *ret_b);
/* Up to where the join waits in the outbox. */
enum pv_err rig_join_unsent(struct rig_member *member, struct rig_device *device, const struct pv_invite_link *link);
enum pv_err rig_join(struct rig_member *member, struct rig_device *device, const struct pv_invite_link *link);
/* A person made from `seed` joins without a copy of the room, by the secrets that `owner` holds. */
enum pv_err rig_join_apart(struct rig_server *server, struct rig_member *owner, const struct pv_invite_link *link,
                           uint64_t seed);
/* The same with the server's half at hand, at any server; the person is the one that rig_device_init makes from `seed`. */
enum pv_err rig_join_apart_by(struct rig_server *server, struct rig_member *owner, const struct pv_invite_link *link,
                              const struct pv_half_b *b, uint64_t seed);
enum pv_err rig_say(struct rig_member *member, const char *text);
/* Write into `room` that `person` is verified, with the devices that `member` shows, or not any more. */
enum pv_err rig_verify_into(struct pv_room *room, struct rig_member *member, const struct pv_hash *person, bool stands);
/* Texts of all folded messages in order, each followed by a newline, and a NUL. */
void rig_texts(struct rig_member *member, struct pv_buf *ret_texts);

#endif
