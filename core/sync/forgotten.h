/* What a device does once the server has said `deleted`: bodies, then keys from before the cut go, and the room is folded
 * anew.  Private to core/sync.  Source: FORMAT.md §10 ("Forgetting"). */
#ifndef PV_SYNC_FORGOTTEN_H
#define PV_SYNC_FORGOTTEN_H

#include "core/sync/room_parts.h"

/* A server's entry was accepted, `folded` entries being folded: remember what is to be erased. In a transaction. */
PV_MUST_USE enum pv_err pv_forgotten_judged(struct pv_room *room, const struct pv_log_item *item, uint64_t folded);
/* All that is judged is folded: erase what is to go, as far as nothing that stays would become unreadable by it.
 * `ret_more`: look again. */
PV_MUST_USE enum pv_err pv_forgotten_finish(struct pv_room *room, bool *ret_more);

#endif
