/* What a room lacks beside the person's own, and writing that.  Private to core/sync. */
#ifndef PV_SYNC_MEND_H
#define PV_SYNC_MEND_H

#include "core/sync/devices.h"
#include "core/sync/room_parts.h"

struct pv_mend_plan {
    struct pv_devices_report report;
    /* for PV_DEVICES_MEND: the removal to write */
    struct pv_roster_body body;
};

/* Does a removal wait in the outbox of the person's own room? */
PV_MUST_USE enum pv_err pv_mend_removal_waits(struct pv_room *person, bool *ret_waits);
/* Compare the view of a room with the verified log of the person's own. In a transaction or not. */
PV_MUST_USE enum pv_err pv_mend_plan(struct pv_room *room, struct pv_mend_plan *ret_plan);
/* May something be sealed in this room, as far as devices go? */
PV_MUST_USE enum pv_err pv_mend_allows_sealing(struct pv_room *room, bool *ret_allowed);
/* Write what the room lacks: removals, bars, the new key, devices. In a transaction. */
PV_MUST_USE enum pv_err pv_mend(struct pv_room *room);
/* The person's present KEM key, and whose epoch it is. Errors: NO_KEY. */
PV_MUST_USE enum pv_err pv_mend_person_key(struct pv_room *person, struct pv_kem_pk *ret_pk, struct pv_hash *ret_hash);
/* That of an earlier epoch. Errors: NO_KEY. */
PV_MUST_USE enum pv_err pv_mend_key_of_epoch(struct pv_room *person, uint64_t epoch, struct pv_kem_pk *ret_pk, struct pv_hash *ret_hash);

/* The value of a person room's store: the index of its newest removal of devices, plus one. */
#define PV_SWEPT_AT "sync.swept"

#endif
