/* What several commands do alike: open a room, fetch before reading, send after writing, find a member by what was typed. */
#ifndef PV_CLI_COMMON_H
#define PV_CLI_COMMON_H

#include "cli/command.h"
#include "cli/directory.h"
#include "client/session.h"
#include "core/state/query.h"

/* See that the person's server knows this person: register what an `init` could not send. Errors: OFFLINE (said for a
 * person; also where it wants a code). */
PV_MUST_USE enum pv_err pv_cli_registered(struct pv_session *session, struct pv_report *report);

/* Find and open. */
PV_MUST_USE enum pv_err pv_cli_room(struct pv_session *session, const char *text, struct pv_open_room **ret_room,
                                    struct pv_report *report);
/* Before reading: fetch for two seconds at most. An absent server is only noted on standard error. */
PV_MUST_USE enum pv_err pv_cli_fetch(struct pv_session *session, struct pv_open_room *room, struct pv_report *report);
/* On standard error, if the last contact told so: this room waits on a server that was restored from a backup. */
void pv_cli_say_restored(const struct pv_session *session, const struct pv_open_room *room);
/* Of a room of which nothing is on this device yet, with its name as a word: what it waits for, known or not. */
#define PV_CLI_WAITS_TEXT "it waits since its server was restored from a backup; see privity repair %s"
#define PV_CLI_FETCH_TEXT "run privity refresh; where that brings nothing, see privity repair %s"
/* Before a change. Errors: NOT_FOUND (nothing of the room is here yet; says what to do). */
PV_MUST_USE enum pv_err pv_cli_check_here(const struct pv_session *session, const struct pv_open_room *room, struct pv_report *report);
/* Whoever made links learns, once, that they ended before they were used up: nobody else would tell. */
PV_MUST_USE enum pv_err pv_cli_say_ended_invites(struct pv_session *session, struct pv_open_room *room, struct pv_report *report);
/* After writing: send. What cannot be sent stays; the report then says so and the error is OFFLINE. */
PV_MUST_USE enum pv_err pv_cli_send(struct pv_session *session, struct pv_open_room *room, struct pv_report *report);
/* Open the room, and fetch unless it is to be left at that. */
PV_MUST_USE enum pv_err pv_cli_room_fetched(struct pv_session *session, const char *text, struct pv_open_room **ret_room,
                                            struct pv_report *report);
/* The same before writing: an absent server is told once, by what fails to send, or else when the command ends. */
PV_MUST_USE enum pv_err pv_cli_room_to_change(struct pv_session *session, const char *text, struct pv_open_room **ret_room,
                                              struct pv_report *report);

/* A member by name or begin of an id, whichever; only one may be meant. Errors: NOT_FOUND, USAGE (ambiguous). */
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
/* Does it read like an id, as far as lists show one: 16 hex digits or more? Then it is no name: names are what people
 * choose, and nobody becomes another by choosing that one's id. */
bool pv_cli_is_id(const char *text);
/* Does `text` mean what goes by this name, or has this id? Of several that it means, none is to be taken before others. */
bool pv_cli_means(const char *text, const char *name, const struct pv_hash *id);
/* A display name: 1 to PV_LIMIT_NAME_BYTES bytes of UTF-8 without controls. Errors: USAGE. */
PV_MUST_USE enum pv_err pv_cli_check_name(const char *name, struct pv_report *report);
/* Write a payload, its write id already drawn, into the outbox. */
PV_MUST_USE enum pv_err pv_cli_write(struct pv_session *session, struct pv_open_room *room,
                                     const struct pv_payload *payload, struct pv_bytes refs, struct pv_report *report);
/* Write this person's name into a room. */
PV_MUST_USE enum pv_err pv_cli_write_profile(struct pv_session *session, struct pv_open_room *room, const char *name,
                                             struct pv_report *report);
/* For queries on a room: its store, its roster with what is unsent, this device. Errors: the room's. */
PV_MUST_USE enum pv_err pv_cli_query(struct pv_session *session, struct pv_open_room *room, struct pv_query *ret_query,
                                     struct pv_report *report);
/* How many writes wait. */
uint64_t pv_cli_unsent(struct pv_open_room *room);

/* What to add where something is not in the room: that some of it was forgotten, if it was. */
const char *pv_cli_forgotten(const struct pv_open_room *room);

#endif
