/* Forgetting step by step, within a push: each step stands in the log before the next is made.  Private to core/sync.
 *
 * A cut (a rekey without links), then the keys of what stays and the writes that keep today's state, then the forget. What
 * is under way stands in the database: a push that was cut is done again and goes on where the log says. */
#ifndef PV_SYNC_FORGET_H
#define PV_SYNC_FORGET_H

#include "core/sync/room_parts.h"

/* Does this device forget something here? */
PV_MUST_USE enum pv_err pv_forget_is_under_way(struct pv_room *room, bool *ret_is);
/* Look where it stands by the verified log. `ret_cut`: a rekey without links is what comes next; `ret_link`: one with links,
 * since nothing came of a cut. What is refused, or asked by who is no owner any more, is given up: `ret_refused` says so,
 * and the alarm why. In a transaction. */
PV_MUST_USE enum pv_err pv_forget_look(struct pv_room *room, bool *ret_cut, bool *ret_link, enum pv_err *ret_refused);
/* That rekey was made, and begins `epoch`. In the same transaction. */
PV_MUST_USE enum pv_err pv_forget_cut_made(struct pv_room *room, uint64_t epoch);
/* Do what can be done now. Where the rules refuse it, it is given up: `ret_refused` says so, and the alarm why.
 * In a transaction. */
PV_MUST_USE enum pv_err pv_forget_step(struct pv_room *room, enum pv_err *ret_refused);

#endif
