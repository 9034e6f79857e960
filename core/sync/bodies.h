/* Sealed bodies that the server did not give with their entries: asked for again, some at each pull.  Private to core/sync. */
#ifndef PV_SYNC_BODIES_H
#define PV_SYNC_BODIES_H

#include "core/sync/pull.h"

/* Ask for what is missing, at most once a pull, and then call `then`; where nothing is, at once. What comes is stored, and
 * the room is folded anew by whoever opens next. */
enum pv_err pv_bodies_ask(struct pv_pull *pull, enum pv_err (*then)(struct pv_pull *pull));

#endif
