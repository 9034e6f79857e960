/* What commands about devices share: a new device's home, names of devices, the walk over all rooms. */
#ifndef PV_CLI_DEVICES_H
#define PV_CLI_DEVICES_H

#include "cli/common.h"
#include "client/paper.h"
#include "core/sync/devices.h"

/* Make the home of a device that joins an existing person: keystore under a passphrase that is asked for, and an empty
 * copy of the person's own room. What a failure leaves is taken away. */
PV_MUST_USE enum pv_err pv_device_home_make(struct pv_session *session, const struct pv_device_secrets *secrets,
                                            struct pv_report *report);
/* Fetch the person's own room as this device, which was just added, and give the device its name there.
 * Errors: DENIED (it is not in that room), OFFLINE, what does not verify. */
PV_MUST_USE enum pv_err pv_device_home_settle(struct pv_session *session, const char *device_name, struct pv_report *report);
/* What others call the person: the name that the first device gave. */
void pv_device_person_name(const struct pv_paper *paper, char ret_name[static PV_CLI_NAME_BYTES]);

/* As `devices` lists it: its name; a kit is called one, and by its rank. */
void pv_device_name(struct pv_session *session, const struct pv_person_device *device, char ret_name[static PV_CLI_NAME_BYTES]);
/* A device by its name or the begin of its id among the current ones, or with `any` among all that ever were: there, the
 * first of several. Errors: NOT_FOUND, USAGE (several, without `any`). */
PV_MUST_USE enum pv_err pv_device_find(struct pv_session *session, const char *text, bool any,
                                       struct pv_person_device *ret_device, struct pv_report *report);

/* How a room stands after the walk came by. */
struct pv_walked_room {
    struct pv_known_room known;
    bool done;
    bool restored; /* its server was, and it waits for what that lost */
    char why[256]; /* not done: what it waits for, and for whom */
};
struct pv_walk {
    struct pv_walked_room *rooms;
    size_t count, waiting;
};
/* Bring every room of the person after the own one: as `paper`, if that is given, and then as this device. Whatever
 * happens in one room, the others have their turn; nothing is remembered, so it can be run again at any time.
 * Errors: of the own room's list only; how the rooms stand is in the walk. Release by pv_walk_release. */
PV_MUST_USE enum pv_err pv_walk_rooms(struct pv_session *session, struct pv_paper *paper, struct pv_walk *ret_walk,
                                      struct pv_report *report);
void pv_walk_release(struct pv_walk *walk);
/* A line a room, or a member "rooms" of an object. */
void pv_walk_print(const struct pv_walk *walk);
void pv_walk_json(const struct pv_walk *walk, struct pv_json *json);
/* OFFLINE with a line that says how many wait, if any do. */
PV_MUST_USE enum pv_err pv_walk_result(const struct pv_walk *walk, struct pv_report *report);

#endif
