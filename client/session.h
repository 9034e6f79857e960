/* One command's hold on this device: home, unlocked keys, opened rooms, servers.
 *
 * Secrets come from the kernel's keyring; where they are not there, the passphrase is asked for once and opens the
 * keystore. Everything here is wiped by pv_session_close. */
#ifndef PV_CLIENT_SESSION_H
#define PV_CLIENT_SESSION_H

#include "client/database.h"
#include "client/transport.h"
#include "core/sync/room.h"

enum { PV_SESSION_SERVERS_MAX = 8, PV_SESSION_READ_MS = 2000 };

/* A room of this device, opened. */
struct pv_open_room {
    struct pv_hash id;
    char label[PV_LIMIT_NAME_BYTES + 1]; /* its local name; untrusted text */
    struct pv_server_url server;
    uint64_t lock_generation;            /* of `lock` when it was opened */
    uint64_t first_new_write;            /* the first write that this command put into the outbox; 0: none */
    sqlite3 *db;
    struct pv_store *store;
    struct pv_room *room;
    struct pv_open_room *goes_on;        /* its successor, followed by this command: what waited is there now */
    struct pv_open_room *next;
};

struct pv_session_server {
    struct pv_transport *transport;
    bool logged_in;
    bool is_kept; /* its session was made by an earlier command */
};

struct pv_told_change; /* client/changes.h */

struct pv_session {
    struct pv_home home;
    struct pv_device_secrets secrets; /* secret */
    struct pv_identity me;            /* secret */
    struct pv_kem_seed seed;          /* secret; opens the keystore */
    bool has_secrets, has_seed, has_keystore;
    struct pv_keystore keystore;
    bool offline;                     /* never ask a server */
    uint64_t send_limit_ms;           /* sending ends after it; 0: as long as it takes */
    bool quiet;                       /* do not note that the server was not reached: what follows will say so */
    bool sends;                       /* what follows sends, and says itself what it fails at */
    char away[PV_REPORT_BYTES];       /* why the server was not reached, for what sends and had nothing to send */
    bool kept;                        /* something was put into an outbox: being offline loses nothing */
    bool refused;                     /* the server was asked to register this person, and did not */
    bool told_no_keyring;
    unsigned user_umask;              /* before this program set its own */
    uint64_t clock_ahead_ms;          /* as the person said: so much this device's clock is ahead (pv_session_now_ms) */
    struct pv_open_room *person;      /* the person's own room, once opened */
    struct pv_open_room *rooms;       /* all opened ones, the person's too */
    struct pv_session_server servers[PV_SESSION_SERVERS_MAX];
    size_t server_count;
    /* Called before words leave for a room, with each change that its person was not told of. NULL: nobody listens. */
    void (*tell)(struct pv_session *session, struct pv_open_room *room, const struct pv_told_change *told);
    /* A write is given up, of this payload: what it refers to is gone from the server. */
    void (*give_up)(struct pv_session *session, struct pv_open_room *room, struct pv_bytes payload);
    bool gave_up;
    struct pv_told_change *told;      /* what this command told */
    size_t told_count;
};

void pv_session_init(struct pv_session *session);
void pv_session_close(struct pv_session *session);

/* ---- keys */

/* Open the home and get the device's secrets, from the keyring or by the passphrase.
 * Errors: the home's; LOCKED (wrong passphrase), CORRUPT (keystore), USAGE (nowhere to ask). */
PV_MUST_USE enum pv_err pv_session_open(struct pv_session *session, struct pv_report *report);
/* Ask for the passphrase in any case, and put all keys into the keyring. */
PV_MUST_USE enum pv_err pv_session_unlock(struct pv_session *session, struct pv_report *report);
/* A new keystore for `secrets` in the session's new home. */
PV_MUST_USE enum pv_err pv_session_create(struct pv_session *session, const struct pv_device_secrets *secrets,
                                          struct pv_bytes passphrase, struct pv_report *report);
/* Drop the keys of one room, or of all with the device's own (`room` NULL), and tell running commands. */
PV_MUST_USE enum pv_err pv_session_lock(struct pv_session *session, const struct pv_hash *room, struct pv_report *report);
/* Was it locked, or did its key time out, since it was opened? */
bool pv_session_was_locked(const struct pv_session *session, const struct pv_open_room *room);
/* Does this device have a key for it at all? A room that another device of the person entered has none here yet. */
bool pv_session_has_room(struct pv_session *session, const struct pv_hash *room);
/* Is its key here without asking? */
bool pv_session_is_unlocked(const struct pv_session *session, const struct pv_hash *room);

/* ---- rooms */

/* Open a room whose database key is in the keystore; opening again gives the same.
 * Errors: NOT_FOUND (no such key), LOCKED, CORRUPT, … */
PV_MUST_USE enum pv_err pv_session_room(struct pv_session *session, const struct pv_hash *id, const char *label,
                                        const struct pv_server_url *server, struct pv_open_room **ret_room,
                                        struct pv_report *report);
/* The same, making a database key if the keystore has none. */
PV_MUST_USE enum pv_err pv_session_room_new(struct pv_session *session, const struct pv_hash *id, const char *label,
                                            const struct pv_server_url *server, struct pv_open_room **ret_room,
                                            struct pv_report *report);
/* Open the person's own room into session->person. */
PV_MUST_USE enum pv_err pv_session_person(struct pv_session *session, struct pv_report *report);
/* Close one that was opened; its memory is wiped. */
void pv_session_room_close(struct pv_session *session, struct pv_open_room *room);
/* Say what an error of core on this room means. Returns `err`. */
enum pv_err pv_session_room_error(const struct pv_session *session, const struct pv_open_room *room, enum pv_err err,
                                  struct pv_report *report);

/* ---- the clock (clock.c) */

/* The time, by this device's clock less what the person accepted as its error. */
uint64_t pv_session_now_ms(const struct pv_session *session);
/* Of the person's own room, as it is opened. */
PV_MUST_USE enum pv_err pv_clock_load(struct pv_session *session);
/* The person says that this device's clock is so much ahead; 0: that it is right. Errors: the store's. */
PV_MUST_USE enum pv_err pv_clock_accept(struct pv_session *session, uint64_t ahead_ms);
/* A server signed a time in `room`: where it is later than the corrected clock, the clock was set right meanwhile, and
 * less of it is corrected. */
PV_MUST_USE enum pv_err pv_clock_heard(struct pv_session *session, const struct pv_open_room *room);

/* ---- servers (login.c, contact.c) */

/* A transport to a server, made once. Errors: OFFLINE in offline mode. */
PV_MUST_USE enum pv_err pv_contact_server(struct pv_session *session, const struct pv_server_url *server,
                                          struct pv_transport **ret_transport, struct pv_report *report);
/* The same with a session of this device on it, bound to the server's name as the room's roster says. */
PV_MUST_USE enum pv_err pv_contact_login(struct pv_session *session, const struct pv_open_room *room,
                                         struct pv_transport **ret_transport, struct pv_report *report);
/* A request to the room's server with this device's session. A refusal that may be the session's own fault is believed
 * after signing in anew and asking once more. `extra_header` and the response as pv_transport_send says. */
PV_MUST_USE enum pv_err pv_contact_send(struct pv_session *session, const struct pv_open_room *room,
                                        const struct pv_request *request, const char *extra_header,
                                        struct pv_response *ret_response, struct pv_report *report);
/* Fetch, verify, fold. `limit_ms` 0: as long as it takes. Pins and evidence are saved.
 * Errors: OFFLINE, and what does not verify (FORK, BROKEN_CHAIN, BAD_SIG, …). */
PV_MUST_USE enum pv_err pv_contact_pull(struct pv_session *session, struct pv_open_room *room, uint64_t limit_ms,
                                        struct pv_report *report);
/* Send what is unsent, one process at a time. `registration` NULL: none. */
PV_MUST_USE enum pv_err pv_contact_push(struct pv_session *session, struct pv_open_room *room, const char *registration,
                                        struct pv_report *report);
/* The same without a look at the person's own room (devices.c): for that room itself, and what was asked for already. */
PV_MUST_USE enum pv_err pv_contact_pull_alone(struct pv_session *session, struct pv_open_room *room, uint64_t limit_ms,
                                              struct pv_report *report);
PV_MUST_USE enum pv_err pv_contact_push_alone(struct pv_session *session, struct pv_open_room *room,
                                              const char *registration, struct pv_report *report);
/* Run a task on the room's server, each request as pv_contact_send sends it. `make` makes the task. Errors: the task's. */
typedef enum pv_err pv_contact_make_task(void *context, struct pv_task **ret_task);
PV_MUST_USE enum pv_err pv_contact_run(struct pv_session *session, const struct pv_open_room *room, uint64_t limit_ms,
                                       pv_contact_make_task *make, void *context, struct pv_report *report);
/* The store's number under which the time of the last answer of the server stands, in ms. */
#define PV_CONTACT_LAST "client.last_contact"
/* And that of the last one that said that the server was restored: blobs put before may be lost. */
#define PV_CONTACT_RESTORED "client.restored"
/* Is the room read-only, as of the server's last answer, since that was restored and waits for the room's lost tail? */
bool pv_contact_is_restored(const struct pv_open_room *room);
/* A server's clock, asked for just now. Errors: OFFLINE. */
PV_MUST_USE enum pv_err pv_contact_server_time(struct pv_session *session, const struct pv_server_url *server,
                                               uint64_t *ret_ms, struct pv_report *report);
/* Is this person out of a room, as far as this device was told? Who left or was removed may not read the log that says
 * so, so it is noted here, and taken back by the next fetch that succeeds. */
enum pv_gone { PV_GONE_NOT = 0, PV_GONE_LEFT = 1, PV_GONE_REMOVED = 2 };
enum pv_gone pv_contact_gone(const struct pv_open_room *room);
/* Drop writes that will never be sent: those of this command, or `all`. Errors: the store's. */
PV_MUST_USE enum pv_err pv_contact_take_back(const struct pv_session *session, struct pv_open_room *room, bool all);
/* Is this device let into a room that it has not yet, by its server's word? What a list of rooms names is nothing before:
 * for each room a device keeps a key and a database, and has place for so many. Errors: NOT_FOUND, DENIED, OFFLINE. */
PV_MUST_USE enum pv_err pv_contact_lets_in(struct pv_session *session, const struct pv_hash *id, const char *label,
                                           const struct pv_server_url *server, struct pv_report *report);
/* Does the room's log hold this device's newest entry? For who left: its log cannot be read any more, and this alone
 * is still told, with its proof. Errors: NOT_FOUND (not there), OFFLINE, BAD_SIG, BROKEN_CHAIN. */
PV_MUST_USE enum pv_err pv_contact_own_head(struct pv_session *session, struct pv_open_room *room, struct pv_report *report);
/* Save the room's newest pin outside its database. */
PV_MUST_USE enum pv_err pv_contact_save_pin(struct pv_session *session, struct pv_open_room *room, struct pv_report *report);
/* The alarm that a task on the room raised, where the task ended with another error; else `err`. */
enum pv_err pv_contact_alarm(const struct pv_open_room *room, enum pv_err err, struct pv_report *report);
/* After a pull that failed for what it found: keep the alarm, save the evidence and name its place in the report. Returns `err`. */
enum pv_err pv_contact_convict(struct pv_session *session, struct pv_open_room *room, enum pv_err err,
                               struct pv_report *report);

#endif
