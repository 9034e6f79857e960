/* The rooms of this person, as the person's own room lists them. */
#ifndef PV_CLI_DIRECTORY_H
#define PV_CLI_DIRECTORY_H

#include "client/session.h"
#include "core/base/json.h"
#include "core/state/payload.h"

/* A room as the person's own room lists it. */
struct pv_known_room {
    struct pv_hash id;
    char name[PV_LIMIT_NAME_BYTES + 1]; /* untrusted only as far as this person's other devices are */
    struct pv_server_url server;
    enum pv_room_state state;
};

struct pv_directory {
    struct pv_known_room *rooms; /* by name */
    size_t count;
};

/* All rooms, what is not sent yet too. Release by pv_directory_release. */
PV_MUST_USE enum pv_err pv_directory_list(struct pv_session *session, struct pv_directory *ret_directory,
                                          struct pv_report *report);
/* Those on the person's own server before others, and of these what is on this device: who writes addresses into the list
 * that answer slowly, or never, or rooms that are none, keeps no other room waiting. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_directory_own_first(struct pv_session *session, struct pv_directory *directory);
void pv_directory_release(struct pv_directory *directory);
/* By local name, else by unique begin of the id. Errors: NOT_FOUND, USAGE (ambiguous). */
PV_MUST_USE enum pv_err pv_directory_find(struct pv_session *session, const char *text, struct pv_known_room *ret_room,
                                          struct pv_report *report);
/* Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_directory_by_id(struct pv_session *session, const struct pv_hash *id, struct pv_known_room *ret_room,
                                           struct pv_report *report);
/* Write into the person's own room where a room is, and send that if the server answers. */
PV_MUST_USE enum pv_err pv_directory_record(struct pv_session *session, const struct pv_known_room *room,
                                            struct pv_report *report);
/* The same of several at once: all or none. */
PV_MUST_USE enum pv_err pv_directory_record_all(struct pv_session *session, const struct pv_known_room *rooms, size_t count,
                                                struct pv_report *report);
/* A local name can be typed as a word and is not taken. Errors: USAGE, CONFLICT. */
PV_MUST_USE enum pv_err pv_directory_check_name(struct pv_session *session, const char *name, struct pv_report *report);

/* A room of the list, opened only if that needs no passphrase, else NULL. A damaged one is noted on standard error. */
struct pv_open_room *pv_directory_room_unlocked(struct pv_session *session, const struct pv_known_room *known);
/* Has this person entered it, and this device not come into it yet? */
bool pv_directory_room_awaited(struct pv_session *session, const struct pv_known_room *known, const struct pv_open_room *room);
/* "intended", "joined", "left", "removed" or "ended" (it goes on in a successor), as far as this device knows. `room` NULL: locked. */
const char *pv_directory_room_state(const struct pv_session *session, const struct pv_known_room *known, struct pv_open_room *room);
/* The members of a room's object, as of `rooms`. `room` NULL: locked. */
void pv_directory_room_json(struct pv_session *session, const struct pv_known_room *known, struct pv_open_room *room,
                      struct pv_json *json);

#endif
