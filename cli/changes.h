/* Changed devices and verifications in words and as JSON: what `say` and `put` tell, what `members`, `status` and `safety`
 * show. */
#ifndef PV_CLI_CHANGES_H
#define PV_CLI_CHANGES_H

#include "cli/common.h"
#include "client/changes.h"

/* The session's `tell`: one line on standard error, before what was written leaves. */
void pv_cli_tell_change(struct pv_session *session, struct pv_open_room *room, const struct pv_told_change *told);

/* "added a device and removed 2 of theirs". */
enum { PV_CLI_CHANGE_BYTES = 160 };
void pv_cli_change_text(const struct pv_change *change, char ret_text[static PV_CLI_CHANGE_BYTES]);
/* One object, without a key. */
void pv_cli_change_json(struct pv_open_room *room, const struct pv_told_change *told, struct pv_json *json);
/* The member "changed_devices": what this command told of a room. */
void pv_cli_told_json(const struct pv_session *session, struct pv_open_room *room, struct pv_json *json);

/* "verified 2026-11-23 by laptop; since then added a device". The own room's name for a device. */
enum { PV_CLI_VERIFIED_BYTES = 2 * PV_CLI_NAME_BYTES + PV_CLI_CHANGE_BYTES };
void pv_cli_verified_text(struct pv_session *session, const struct pv_roster *roster, const struct pv_verification *verification,
                          char ret_text[static PV_CLI_VERIFIED_BYTES]);

#endif
