/* A new person on a new device: keys, recovery kit, genesis, home. What `init` does, and `join` where there is none. */
#ifndef PV_CLI_PERSON_H
#define PV_CLI_PERSON_H

#include "client/session.h"
#include "core/room/kit.h"

struct pv_new_person {
    const char *name;
    const char *device_name;          /* NULL: after the machine; seen by the person's own devices alone */
    const char *kit_file;             /* NULL: shown */
    struct pv_server_url server;
    struct pv_kit_secret kit;         /* secret; set by pv_new_person_make */
    struct pv_device_secrets secrets; /* secret */
    struct pv_new_room genesis;
};

/* Ask the server for its name, make everything, ask for a passphrase, write home and kit. The person then stands in
 * the person room's outbox, and session->person is open. Nothing is left behind by a failure.
 * Errors: CONFLICT (a home or kit is there), OFFLINE, USAGE (no passphrase), FULL, IO, NOMEM. */
PV_MUST_USE enum pv_err pv_new_person_make(struct pv_session *session, struct pv_new_person *person,
                                           struct pv_report *report);
/* Show the kit, unless it went to a file. */
void pv_new_person_show_kit(const struct pv_new_person *person);
/* The kit's code for JSON; "" if it went to a file. Secret. */
void pv_new_person_kit_code(const struct pv_new_person *person, char ret_code[static PV_KIT_CODE_CHARS + 1]);
void pv_new_person_release(struct pv_new_person *person);

#endif
