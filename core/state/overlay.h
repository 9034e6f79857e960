/* What is not sent yet, folded on top of the room's state for the time of one query, and rolled back after it. So a
 * pending write shows exactly as it will once it is accepted, by the same rules. */
#ifndef PV_STATE_OVERLAY_H
#define PV_STATE_OVERLAY_H

#include "core/state/query.h"

struct pv_overlay {
    struct pv_store *store; /* NULL: there is nothing on top */
    bool own;               /* the transaction is ours */
};

/* Does nothing without a device to write as, without unsent writes, and inside another overlay.
 * Errors: the fold's; then nothing is on top. */
PV_MUST_USE enum pv_err pv_overlay_begin(const struct pv_query *query, struct pv_overlay *ret_overlay);
void pv_overlay_end(struct pv_overlay *overlay);
/* Inside a transaction: what is folded, or folded anew, until pv_overlay_end does not stay. Errors: the store's. */
PV_MUST_USE enum pv_err pv_overlay_try(struct pv_store *store, struct pv_overlay *ret_overlay);

#endif
