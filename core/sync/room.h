/* One room on one device: its store, its roster, its keys, and what may be written into it.
 *
 * Everything the user does to a room is a local write here (into the store's outbox) followed by pv_push_task;
 * everything that others did arrives by pv_pull_task. */
#ifndef PV_SYNC_ROOM_H
#define PV_SYNC_ROOM_H

#include "core/crypto/keys.h"
#include "core/room/epoch.h"
#include "core/room/gate.h"
#include "core/room/roster.h"
#include "core/state/store.h"
#include "core/sync/task.h"

/* This device, unlocked. Secret. */
struct pv_identity {
    struct pv_hash person;      /* id of the person's room */
    struct pv_hash device;
    struct pv_device public;
    struct pv_sign_sk sign_sk;
    struct pv_kem_seed kem_seed;
};
/* Device id and public half from its two seeds. */
void pv_identity_derive(const struct pv_sign_seed *sign_seed, const struct pv_kem_seed *kem_seed,
                        struct pv_identity *ret_identity);

struct pv_room;

struct pv_room_options {
    struct pv_store *store;                /* borrowed */
    const struct pv_identity *me;          /* borrowed */
    struct pv_room *person_room;           /* borrowed; NULL when this is the person's own room */
    const struct pv_random *random;        /* borrowed */
    struct pv_hash room_id;
    struct pv_bytes pin;                   /* newest pinned note, kept outside the database; may be empty */
};

PV_MUST_USE enum pv_err pv_room_open(const struct pv_room_options *options, struct pv_room **ret_room);
void pv_room_close(struct pv_room *room);
/* The clock, in ms; set before writing and before tasks. */
void pv_room_set_time(struct pv_room *room, uint64_t now_ms);

const struct pv_hash *pv_room_id(const struct pv_room *room);
struct pv_store *pv_room_store(struct pv_room *room);
/* The roster of the verified log. */
const struct pv_roster *pv_room_roster(const struct pv_room *room);
/* The same with this device's own unsent entries applied: what the user sees as done. Rebuilt on demand.
 * Errors: NOMEM, CORRUPT. */
PV_MUST_USE enum pv_err pv_room_view(struct pv_room *room, const struct pv_roster **ret_view);
/* The note to pin now (entries below it are all held and verified); empty when there is none. */
struct pv_bytes pv_room_pin(const struct pv_room *room);
/* After FORK, BROKEN_CHAIN, BAD_SIG, …: what was found, and a file of evidence to save (core/room/evidence.h); empty
 * when there is none. `_err` tells the alarm even where the task that found it ended otherwise since: PV_OK for none. */
const char *pv_room_alarm(const struct pv_room *room);
enum pv_err pv_room_alarm_err(const struct pv_room *room);
struct pv_bytes pv_room_evidence(const struct pv_room *room);
/* What may be behind it. */
#define PV_ROOM_UNKNOWN_TEXT "the server knows no such room: it was never founded, or the server was put back from an older backup, or its store is " \
                             "damaged; what is on this device stays"
/* Did the server say, in the last task, that it was restored from a backup and that this room waits for its lost tail?
 * `ret_missing`: how many entries of a history that was shown to it are still to come; 0 none is known. */
bool pv_room_is_restored(const struct pv_room *room, uint64_t *ret_missing);
/* Say in the next task, as an owner, that a restored room goes on with what it has. */
void pv_room_go_on(struct pv_room *room);
/* In a push: the log is fetched, words or files wait, and none of them is sent yet. Whoever writes may be told here what
 * has changed since. An error ends the push. NULL: nobody is asked. */
typedef enum pv_err pv_room_before_words(void *context, struct pv_room *room);
void pv_room_on_words(struct pv_room *room, pv_room_before_words *call, void *context);
/* The person's fingerprint for display is the person id; this device's KEM-carrying record for joins:
 * appends the person record of a person room. Errors: NOT_FOUND before the room is born, NOMEM. */
PV_MUST_USE enum pv_err pv_room_person_record(struct pv_room *person_room, struct pv_buf *record);

/* ---- founding; the room then stands in the outbox and the first push creates it on the server */

struct pv_server_info {
    char name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    struct pv_sign_pk log_key;
};
/* Make the genesis of a person room for `me` (person is filled in) and its paper device `kit`.
 * The caller then opens a store named by me->person and calls pv_room_adopt_genesis.
 *   ret_genesis  caller releases. Errors: NOMEM. */
struct pv_new_room {
    struct pv_hash room_id;
    struct pv_buf bundle;                  /* the genesis */
    struct pv_epoch_secret secret;         /* of epoch 0 */
};
void pv_new_room_release(struct pv_new_room *new_room);
PV_MUST_USE enum pv_err pv_found_person_room(struct pv_identity *me, const struct pv_identity *paper,
                                             const struct pv_server_info *server, const struct pv_random *random,
                                             uint64_t now_ms, struct pv_new_room *ret_new);
PV_MUST_USE enum pv_err pv_found_client_room(const struct pv_identity *me, struct pv_room *person_room,
                                             const struct pv_server_info *server, const struct pv_random *random,
                                             uint64_t now_ms, struct pv_new_room *ret_new);
/* Put a genesis made above into the (new) room's outbox, with the secret of epoch 0. */
PV_MUST_USE enum pv_err pv_room_adopt_genesis(struct pv_room *room, const struct pv_new_room *new_room);

/* ---- writing: each is one transaction; the entry is sealed at once when the rules allow, else it waits as a draft.
 * Errors: DENIED (role, not a member; pv_room_alarm tells why), LIMIT, NOMEM, FULL, CORRUPT, IO. */

/* `payload` is a whole payload whose write id the caller drew from `random`; kind 2 or 3; `refs` encoded array of
 * blob names, empty for none. */
PV_MUST_USE enum pv_err pv_room_write(struct pv_room *room, enum pv_kind kind, struct pv_bytes payload,
                                      struct pv_bytes refs);
PV_MUST_USE enum pv_err pv_room_set_role(struct pv_room *room, const struct pv_hash *person, enum pv_role role);
PV_MUST_USE enum pv_err pv_room_remove(struct pv_room *room, const struct pv_hash *person);
/* Several by one entry, all of them or none, so that none of them brings another back in between. Errors: also LIMIT. */
PV_MUST_USE enum pv_err pv_room_remove_all(struct pv_room *room, const struct pv_hash *persons, size_t count);
PV_MUST_USE enum pv_err pv_room_leave(struct pv_room *room);
PV_MUST_USE enum pv_err pv_room_close_invite(struct pv_room *room, const struct pv_id16 *invite);

struct pv_invite_options {
    enum pv_role role;
    uint64_t uses;
    uint64_t until_ms;                     /* 0: none */
    const struct pv_hash *document;        /* NULL: none */
    const char *server_url;
};
/* Make an invite: the entry goes to the outbox; `gate_request` is the body of PUT /v1/gates/{id}, to be sent by
 * pv_gate_put_task before the push. The link is good once both are done. */
PV_MUST_USE enum pv_err pv_room_invite(struct pv_room *room, const struct pv_invite_options *options,
                                       struct pv_invite_link *ret_link, struct pv_buf *gate_request);
/* Before pulling a room by a link's ticket: look for the room's secrets under the link's keys, too. */
PV_MUST_USE enum pv_err pv_room_read_by_link(struct pv_room *room, const struct pv_invite_link *link,
                                             const struct pv_half_b *half_b);
/* After pulling a room by a link's ticket: check the link against the log, then join as `me`.
 * Errors: FORK, BROKEN_CHAIN (the log is not the one the link names), EXPIRED (closed, used up), DENIED (already a
 * member, barred, unsigned), NO_KEY. */
PV_MUST_USE enum pv_err pv_room_join(struct pv_room *room, const struct pv_invite_link *link,
                                     const struct pv_half_b *half_b);

/* Forget the sealed bodies in these ranges (half-open, rising, of the verified log): the pushes that follow do it. What
 * belongs to them goes along, and today's state stays as it is without them. An owner's.
 * Errors: USAGE (ranges), CONFLICT (one is under way, or the state cannot be kept), DENIED (no owner, a hold, nothing there),
 * NO_KEY, NOT_FOUND (the body of something that stays is missing), LIMIT (more ranges than one forget takes). */
PV_MUST_USE enum pv_err pv_room_forget(struct pv_room *room, const struct pv_range *ranges, size_t count);
/* Is one under way on this device? From then on its part is the server's. */
PV_MUST_USE enum pv_err pv_room_is_forgetting(struct pv_room *room, bool *ret_is);

/* Give up a join of ours that the log will never take (its invite ended): what was written behind it waits as drafts
 * for the next one. Nothing happens to who is in. */
PV_MUST_USE enum pv_err pv_room_join_give_up(struct pv_room *room);

/* ---- tasks */

/* Nonce and session; `ret_token` afterwards by pv_session_token. */
PV_MUST_USE enum pv_err pv_session_task(const struct pv_identity *me, const char *server_name, struct pv_task **ret_task);
/* The token, NUL-terminated, and when it ends; NULL before the task is done. Secret. */
const char *pv_session_token(const struct pv_task *task, uint64_t *ret_expires_ms);
/* Is a refusal rather the session's fault than the request's? It may have ended, and where it was kept from an earlier
 * command, the server's record of it may have come to name another device meanwhile; that of a suspended account is none.
 * Before such a refusal is believed,
 * the driver signs in anew (the session is not kept any more then) and sends the request once more, never twice.
 *   is_kept  the session is older than this command */
bool pv_session_is_in_doubt(const struct pv_request *request, const struct pv_response *response, bool is_kept);

/* Name and log key of a server. */
PV_MUST_USE enum pv_err pv_server_info_task(struct pv_task **ret_task);
const struct pv_server_info *pv_server_info_result(const struct pv_task *task);

/* Bring the room up to date: entries, bodies, keys, state. */
PV_MUST_USE enum pv_err pv_pull_task(struct pv_room *room, enum pv_auth auth, struct pv_task **ret_task);
/* Pull, rekey if due and ours to make, seal drafts, send what is unsent, pull again until it is settled.
 * `registration`: code or ticket for founding a person room, or NULL. */
PV_MUST_USE enum pv_err pv_push_task(struct pv_room *room, const char *registration, struct pv_task **ret_task);
PV_MUST_USE enum pv_err pv_gate_put_task(const struct pv_id16 *gate, struct pv_bytes gate_request, struct pv_task **ret_task);
/* GET the gate, then release it with the link's half A. */
PV_MUST_USE enum pv_err pv_release_task(const struct pv_invite_link *link, struct pv_bytes password,
                                        const struct pv_random *random, struct pv_task **ret_task);
/* NULL before it is done. `ret_ticket`: base64url text for `Authorization: Ticket`, "" when there is none. */
const struct pv_half_b *pv_release_result(const struct pv_task *task, const char **ret_ticket);

#endif
