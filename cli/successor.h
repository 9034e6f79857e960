/* Rooms that go on in a successor: following an owner's word there, and giving it; and what both need of other commands. */
#ifndef PV_CLI_SUCCESSOR_H
#define PV_CLI_SUCCESSOR_H

#include "cli/common.h"

/* If the last contact said that this room waits on a restored server: ask whether it goes on in a successor, and if an
 * owner said so, join that, take along what waits here, and give it this room's name. Then room->goes_on is set, and one
 * line told. What keeps it from that is told too, and is no error. Errors: those of this device's own stores. */
PV_MUST_USE enum pv_err pv_cli_follow(struct pv_session *session, struct pv_open_room *room, struct pv_report *report);
/* Found a successor of a restored room, or make its invites anew; then room->goes_on is set.
 * Errors: DENIED, CONFLICT (the room needs none), OFFLINE; the room's. */
PV_MUST_USE enum pv_err pv_cli_succeed(struct pv_session *session, struct pv_open_room *room, struct pv_report *report);
/* Has this room ended here? `ret_successor` may be NULL. */
bool pv_cli_has_ended(const struct pv_open_room *room, struct pv_hash *ret_successor);

/* ---- of other commands */

/* Found a room under this name, into its own outbox (cmd_room_new.c). */
PV_MUST_USE enum pv_err pv_cli_found(struct pv_session *session, const char *name, struct pv_known_room *ret_known,
                                     struct pv_open_room **ret_room, struct pv_report *report);
/* Make an invite and leave its half with the server (cmd_invite.c). `ret_link` is secret. */
PV_MUST_USE enum pv_err pv_cli_invite(struct pv_session *session, struct pv_open_room *room, const struct pv_invite_options *options,
                                      struct pv_invite_link *ret_link, struct pv_report *report);
/* Join by a link, or go on with that, under a name that is free (cmd_join.c). */
PV_MUST_USE enum pv_err pv_cli_join_by_link(struct pv_session *session, const struct pv_invite_link *link, const char *name,
                                            struct pv_open_room **ret_room, struct pv_report *report);

#endif
