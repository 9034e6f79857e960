/* The certificates that a person's own room holds, and what is made of them.  Private to core/sync. */
#ifndef PV_SYNC_CERTS_H
#define PV_SYNC_CERTS_H

#include "core/sync/room_parts.h"

/* Of every device that was ever added to the person's room, in the order of adding. */
struct pv_own_certs {
    struct pv_cert *certs;
    struct pv_hash *ids;
    size_t count;
};

/* Read from the verified log. Errors: NOMEM, the store's. */
PV_MUST_USE enum pv_err pv_own_certs_read(struct pv_room *person_room, struct pv_own_certs *ret_certs);
void pv_own_certs_release(struct pv_own_certs *certs);
/* NULL: one of the genesis's two, or no device of this person. */
const struct pv_cert *pv_own_cert(const struct pv_own_certs *certs, const struct pv_hash *device);
/* The certificates that lead to `device`, the first signed by a device for which `known` says yes, the last the
 * device's own. Errors: NOT_FOUND (no chain from a known device), LIMIT (it is too long). */
PV_MUST_USE enum pv_err pv_own_chain(const struct pv_own_certs *certs, const struct pv_hash *device,
                                     bool (*known)(const void *context, const struct pv_hash *device), const void *context,
                                     struct pv_cert ret_chain[static PV_LIMIT_CERTIFICATES], size_t *ret_count);

#endif
