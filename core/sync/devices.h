/* A person's devices: adding and removing them in the person's own room, and bringing every other room after it.
 *
 * The person's own room goes first; what another room lacks follows from comparing the two, each time anew. So a walk
 * over rooms can be cut anywhere, repeated, and done by any device of the person: pv_push_task mends the room that it
 * sends for, and nothing is sealed there before (FORMAT.md §7.3). */
#ifndef PV_SYNC_DEVICES_H
#define PV_SYNC_DEVICES_H

#include "core/sync/room.h"

/* ---- adding: the new device consents, one that is certified adds it */

/* What a new device hands over. */
struct pv_new_device {
    struct pv_device device;
    struct pv_kem_pk kem_pk;
    bool paper;
    struct pv_sig consent;
};
/* On the new device: consent to act for `person`, certified by `signer`. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_device_consent(const struct pv_identity *me, bool paper, const struct pv_hash *person,
                                          const struct pv_hash *signer, struct pv_new_device *ret_device);
/* On a device of the person: certify it, into the outbox of the person's own room. Adding one that is there already
 * changes nothing.
 * Errors: BAD_SIG (the consent is not this device's, for this person and signer), MALFORMED (the KEM key is not the
 * one that the device names), DENIED (barred, at the limit; pv_room_alarm tells), OFFLINE (keys are being changed),
 * NO_KEY (this device lacks the present secret), the store's. */
PV_MUST_USE enum pv_err pv_device_add(struct pv_room *person_room, const struct pv_new_device *device);

/* ---- who was ever there */

struct pv_person_device {
    struct pv_hash id;
    bool paper;
    bool founding;          /* of the person's first two: nobody added it */
    bool revoked;
    struct pv_hash adder;   /* not of founding ones */
    uint64_t index;         /* of the entry that added it */
    uint64_t added_ms;      /* by its author's clock */
    struct pv_hash revoker; /* of revoked ones */
    uint64_t revoked_ms;
};
/* Every device ever in the person's own room by its verified log, in the order of coming; what is revoked here and not
 * sent yet counts as revoked. The caller frees. Errors: NOMEM, the store's. */
PV_MUST_USE enum pv_err pv_person_devices(struct pv_room *person_room, struct pv_person_device **ret_devices,
                                          size_t *ret_count);
/* Does this copy of a room hold the secret of its present epoch? Errors: the store's. */
PV_MUST_USE enum pv_err pv_room_has_present_key(struct pv_room *room, bool *ret_has);

/* ---- removing */

struct pv_revocation {
    struct pv_hash devices[PV_LIMIT_TARGETS]; /* named */
    size_t count;
    uint64_t since;                           /* what they added from here on goes with them */
};
/* The smallest `since` that spares this device and those in `keep`, current ones all and none of them named: whatever the
 * named ones added later goes, and where none of them led to one that is spared, whatever they ever added.
 * Errors: LIMIT (nobody is named), NOMEM, the store's. */
PV_MUST_USE enum pv_err pv_revocation_spare(struct pv_room *person_room, const struct pv_hash *keep, size_t keep_count,
                                            struct pv_revocation *revocation);
/* Which current devices would go, named ones first.
 *   ret_devices  at least PV_LIMIT_DEVICES_PRESENT
 * Errors: DENIED (the rules refuse it; pv_room_alarm tells why), NOMEM, the store's. */
PV_MUST_USE enum pv_err pv_revocation_preview(struct pv_room *person_room, const struct pv_revocation *revocation,
                                              struct pv_hash *ret_devices, size_t *ret_count);
/* Remove them from the person's own room, with the rekey, into its outbox. Errors: as of the preview. */
PV_MUST_USE enum pv_err pv_device_revoke(struct pv_room *person_room, const struct pv_revocation *revocation);

/* ---- other rooms, after the person's own */

enum pv_devices_state {
    PV_DEVICES_READY = 0,   /* nothing stands in the way of sealing */
    PV_DEVICES_MEND,        /* the next push of this room removes or bars devices, or brings the new key */
    PV_DEVICES_PERSON_DUE,  /* the person's own room comes first: its removal or rekey is not in yet */
    PV_DEVICES_PERSON_OLD,  /* this room knows what the copy of the person's own does not: pull that first */
    PV_DEVICES_KEY,         /* this room holds a key of the person that no current device made: revoking who set it removes it */
    PV_DEVICES_PAPER,       /* a recovery kit is in the way that only an older kit can remove */
    PV_DEVICES_REVOKED,     /* this device itself was revoked */
    PV_DEVICES_OUTSIDE      /* the person is no member of this room */
};
struct pv_devices_report {
    enum pv_devices_state state;
    size_t stale;           /* devices present here for the person that are not current */
    size_t missing;         /* current ones that are not here */
    size_t unbarred;        /* revoked ones that might still use a link */
    bool old_key;           /* the room wraps to a key of the person from before the last revocation */
    bool rekey_due;         /* in this room, by the verified log */
};
/* How this device's copy of a room stands to its copy of the person's own. Errors: NOMEM, the store's. */
PV_MUST_USE enum pv_err pv_devices_report(struct pv_room *room, struct pv_devices_report *ret_report);
/* After a push or pull: would a newer copy of the person's own room help it on? */
bool pv_room_wants_person(const struct pv_room *room);
/* Does the verified log of the person's own room list this one? To be asked before founding or joining it is sent. */
PV_MUST_USE enum pv_err pv_room_is_recorded(struct pv_room *person_room, const struct pv_hash *room, bool *ret_is);

#endif
