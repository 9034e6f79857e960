/* Blobs that outlived the metadata that named them: each has a name in the blob store that follows from its room and its
 * own, by which it is found when entries that refer to it come back. */
#ifndef PV_SERVER_SURVIVORS_H
#define PV_SERVER_SURVIVORS_H

#include "server/server.h"

/* After a restore no file is swept for so long: rooms that are not given back yet may name it. */
#define PV_SURVIVORS_KEEP_MS (30ull * 24 * 3600 * 1000)

/* What it is called in the blob store. */
void pv_blob_name(const struct pv_hash *room, const struct pv_id16 *name, struct pv_id16 *ret_name);
/* Do bytes stand there? */
PV_MUST_USE enum pv_err pv_blob_stands(struct pv_blobs *blobs, const struct pv_id16 *locator, bool *ret_stands);
/* Give a row to what is called so. Errors: NOT_FOUND: nothing is; the stores'. */
PV_MUST_USE enum pv_err pv_survivor_adopt(struct pv_server *server, const struct pv_meta_room *room, const struct pv_id16 *name,
                                          struct pv_meta_blob *ret_blob);
/* The same for all that entries refer to. `ret_adopted` counts up. */
PV_MUST_USE enum pv_err pv_survivors_adopt(struct pv_server *server, uint64_t *ret_adopted);

#endif
