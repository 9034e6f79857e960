/* A room that its server cannot make whole goes on in a successor: an owner's word for it, and following that word.
 *
 * The driver founds the successor and joins it by a link, as any room; here is what passes between the two. */
#ifndef PV_SYNC_SUCCESSOR_H
#define PV_SYNC_SUCCESSOR_H

#include "core/sync/room.h"

/* What a succession says to this device, checked as FORMAT.md §9.2 asks. Secret. */
struct pv_successor {
    bool is_there;               /* else nothing of this is: the room goes on in itself */
    struct pv_hash room;         /* where it goes on */
    uint64_t size;               /* entries from here on the founder did not have */
    struct pv_hash founder;      /* the owner's person */
    bool has_link;               /* else: nothing was sealed to this person, who founded it or is there */
    struct pv_invite_link link;
};

/* Ask the server whether this room goes on elsewhere. `ret_successor` is written when the task ends well.
 * Errors: DENIED with a message (a word that is nobody's to follow), NO_KEY, the tasks'. */
PV_MUST_USE enum pv_err pv_successor_task(struct pv_room *room, struct pv_successor *ret_successor, struct pv_task **ret_task);

/* ---- founding */

/* May this device say that its room goes on elsewhere? Errors: DENIED (no owner), OFFLINE (a member was removed, and the
 * key is not changed yet: the word would be open to that one), NO_KEY; the room's message says why. */
PV_MUST_USE enum pv_err pv_successor_check(struct pv_room *room);
/* Fetch the KEM keys that are missing here; who has none on the server either gets the least role. */
PV_MUST_USE enum pv_err pv_successor_keys_task(struct pv_room *room, struct pv_task **ret_task);
/* How many uses an invite of each role needs.
 *   there  the successor's roster: who is in it needs none; NULL: nobody is */
PV_MUST_USE enum pv_err pv_successor_count(struct pv_room *room, const struct pv_roster *there, uint64_t ret_uses[static 3]);
/* Append the signed succession. `links` by role, as text, empty where the count is 0. Errors: as check, LIMIT. */
PV_MUST_USE enum pv_err pv_successor_make(struct pv_room *room, const struct pv_hash *successor, const struct pv_roster *there,
                                          const struct pv_bytes links[static 3], struct pv_buf *signed_succession);
/* `signed_succession` is borrowed until the task ends. Errors: CONFLICT: another owner was first. */
PV_MUST_USE enum pv_err pv_successor_put_task(struct pv_room *room, struct pv_bytes signed_succession, struct pv_task **ret_task);

/* ---- what this device wrote and the founder did not have */

/* Each accepted talk or work of this device at or after `from`, opened; what does not open is passed over. */
PV_MUST_USE enum pv_err pv_room_own_words(struct pv_room *room, uint64_t from,
                                          enum pv_err (*each)(void *context, enum pv_kind kind, struct pv_bytes payload),
                                          void *context);

#endif
