/* Giving a server back what its backup lacks, as a part of the pull.  Private to core/sync. */
#ifndef PV_SYNC_REPAIR_H
#define PV_SYNC_REPAIR_H

#include "core/sync/pull.h"

/* The server says that it was restored, and holds less than this device: is what it holds the beginning of that?
 * Errors: FORK, BAD_SIG (alarm raised), the store's. */
PV_MUST_USE enum pv_err pv_repair_check(struct pv_room *room, struct pv_bytes note);
/* Show the newest note held, with the entries from `size` (what the server holds) on, as many as fit under one of the
 * notes held; then `pull->after_repair`. */
enum pv_err pv_repair_ask(struct pv_pull *pull, uint64_t size);

#endif
