/* What several commands do alike: find a room or member by what was typed, fetch before reading, send after writing. */
#ifndef PV_CLI_COMMON_H
#define PV_CLI_COMMON_H

#include "cli/command.h"
#include "client/session.h"
#include "core/state/query.h"

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

/* See that the person's server knows this person: register what an `init` could not send. Errors: OFFLINE (said for a
 * person; also where it wants a code). */
PV_MUST_USE enum pv_err pv_cli_registered(struct pv_session *session, struct pv_report *report);

/* A room of the list, opened only if that needs no passphrase, else NULL. A damaged one is noted on standard error. */
struct pv_open_room *pv_cli_room_unlocked(struct pv_session *session, const struct pv_known_room *known);
/* Find and open. */
PV_MUST_USE enum pv_err pv_cli_room(struct pv_session *session, const char *text, struct pv_open_room **ret_room,
                                    struct pv_report *report);
/* Before reading: fetch for two seconds at most. An absent server is only noted on standard error. */
PV_MUST_USE enum pv_err pv_cli_fetch(struct pv_session *session, struct pv_open_room *room, struct pv_report *report);
/* On standard error, if the last contact told so: this room waits on a server that was restored from a backup. */
void pv_cli_say_restored(const struct pv_session *session, const struct pv_open_room *room);
/* Whoever made links learns, once, that they ended before they were used up: nobody else would tell. */
PV_MUST_USE enum pv_err pv_cli_say_ended_invites(struct pv_session *session, struct pv_open_room *room, struct pv_report *report);
/* After writing: send. What cannot be sent stays; the report then says so and the error is OFFLINE. */
PV_MUST_USE enum pv_err pv_cli_send(struct pv_session *session, struct pv_open_room *room, struct pv_report *report);
/* Open the room, and fetch unless it is to be left at that. */
PV_MUST_USE enum pv_err pv_cli_room_fetched(struct pv_session *session, const char *text, struct pv_open_room **ret_room,
                                            struct pv_report *report);

/* A member by name or unique begin of an id. Errors: NOT_FOUND, USAGE (ambiguous). */
PV_MUST_USE enum pv_err pv_cli_member(struct pv_session *session, struct pv_open_room *room, const char *text,
                                      struct pv_hash *ret_person, struct pv_report *report);
/* The name that a person gave in a room; the begin of the id where there is none. */
enum { PV_CLI_NAME_BYTES = PV_LIMIT_NAME_BYTES + 1 };
void pv_cli_person_name(struct pv_open_room *room, const struct pv_hash *person, char ret_name[static PV_CLI_NAME_BYTES]);
/* The person for whom a device acts or acted; the device's own id where nobody knows. */
void pv_cli_person_of(struct pv_open_room *room, const struct pv_hash *device, struct pv_hash *ret_person);

/* "owner", "editor", "viewer" and back. Errors: USAGE. */
const char *pv_cli_role_name(enum pv_role role);
PV_MUST_USE enum pv_err pv_cli_role(const char *text, enum pv_role *ret_role, struct pv_report *report);

/* Is `text` the begin of the hex of these bytes, four digits at least? */
bool pv_cli_is_prefix(const char *text, const uint8_t *p, size_t n);
/* A display name: 1 to PV_LIMIT_NAME_BYTES bytes of UTF-8 without controls. Errors: USAGE. */
PV_MUST_USE enum pv_err pv_cli_check_name(const char *name, struct pv_report *report);
/* Write a payload, its write id already drawn, into the outbox. */
PV_MUST_USE enum pv_err pv_cli_write(struct pv_session *session, struct pv_open_room *room,
                                     const struct pv_payload *payload, struct pv_bytes refs, struct pv_report *report);
/* Write this person's name into a room. */
PV_MUST_USE enum pv_err pv_cli_write_profile(struct pv_session *session, struct pv_open_room *room, const char *name,
                                             struct pv_report *report);
/* "intended", "joined", "left", "removed" or "ended" (it goes on in a successor), as far as this device knows. `room` NULL: locked. */
const char *pv_cli_room_state(const struct pv_session *session, const struct pv_known_room *known, struct pv_open_room *room);
/* The members of a room's object, as of `rooms`. `room` NULL: locked. */
void pv_cli_room_json(struct pv_session *session, const struct pv_known_room *known, struct pv_open_room *room,
                      struct pv_json *json);
/* For queries on a room: its store, its roster with what is unsent, this device. Errors: the room's. */
PV_MUST_USE enum pv_err pv_cli_query(struct pv_session *session, struct pv_open_room *room, struct pv_query *ret_query,
                                     struct pv_report *report);
/* How many writes wait. */
uint64_t pv_cli_unsent(struct pv_open_room *room);

/* What to add where something is not in the room: that some of it was forgotten, if it was. */
const char *pv_cli_forgotten(const struct pv_open_room *room);

#endif
