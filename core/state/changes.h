/* What changed among the devices of a room's other members since this device told its person, so that a message is not
 * sent to devices that its writer never heard of.
 *
 * For each member the room's database keeps the devices that were told; who is seen for the first time has nothing to
 * tell, unless this person verified them in another room with other devices. Of somebody verified, what was told in
 * passing stays to be looked at (`told`). Nothing of this is synced: each device tells by itself. */
#ifndef PV_STATE_CHANGES_H
#define PV_STATE_CHANGES_H

#include "core/state/verified.h"

struct pv_change {
    struct pv_hash person;
    size_t added, removed;  /* devices; recovery kits are some */
    bool by_kit;            /* a recovery kit added one: they recovered */
    bool all_new;           /* of the devices that were there, kits apart, none is left */
    bool new_keys;          /* they made new keys, as after a removal, though no device here changed */
    bool told;              /* told before; for someone verified it is repeated until they are looked at */
    const struct pv_verification *verification; /* NULL: not verified. The caller's list */
};
typedef enum pv_err pv_change_row(void *context, const struct pv_change *change);

struct pv_watch {
    struct pv_store *store;
    const struct pv_roster *roster; /* of the room's verified log; a person's own room has no changes */
    const struct pv_hash *me;       /* this person, who is left out */
    const struct pv_verifications *verifications;
};
/* Has all been told that this roster shows? Quick. Errors: the store's. */
PV_MUST_USE enum pv_err pv_changes_are_told(const struct pv_watch *watch, bool *ret_told);
/* By person. Errors: the callback's, NOMEM, the store's. */
PV_MUST_USE enum pv_err pv_changes_each(const struct pv_watch *watch, pv_change_row *row, void *context);
/* All that this roster shows is told now. */
PV_MUST_USE enum pv_err pv_changes_set_told(const struct pv_watch *watch);
/* One member was looked at, with the devices that they have now. */
PV_MUST_USE enum pv_err pv_changes_set_seen(const struct pv_watch *watch, const struct pv_hash *person);

/* What changed since somebody was verified, as this room shows it: their present devices that were not known then, and
 * those known then that this room had and has no more. */
struct pv_change pv_change_since_verified(const struct pv_roster *roster, const struct pv_verification *verification);
/* The member "verified" of an object about a person, null where `verification` is NULL; what changed since is by `roster`,
 * and the device that wrote it goes by its name in the person's own room. Errors: the store's. */
PV_MUST_USE enum pv_err pv_verified_json(struct pv_json *json, const struct pv_query *own, const struct pv_roster *roster,
                                         const struct pv_verification *verification);

#endif
