/* Who was verified: the fold's outcome in the person's own room, loaded once and then looked up.
 *
 * In other rooms the table means nothing, whoever wrote into it; only a query on the own room is to be given here. */
#ifndef PV_STATE_VERIFIED_H
#define PV_STATE_VERIFIED_H

#include "core/base/limits.h"
#include "core/state/query.h"

struct pv_verification {
    struct pv_hash person;
    struct pv_hash device;      /* of this person's own, which wrote it down */
    bool device_revoked;        /* since then: what it wrote is worth as much as whoever had it */
    uint64_t index;             /* in the own room; PV_QUERY_PENDING_BASE and up: not sent yet */
    uint64_t time_ms;           /* of a checkpoint that the device held */
    enum pv_verified_how how;
    struct pv_hash devices[PV_LIMIT_DEVICES_PRESENT]; /* theirs at that time, rising */
    size_t device_count;
};
struct pv_verifications {
    struct pv_verification *rows; /* by person */
    size_t count;
};

/* `own`: a query on the person's own room, with its roster. NULL, or another room: nobody is verified.
 * Errors: the store's. Release by pv_verifications_release. */
PV_MUST_USE enum pv_err pv_verifications_load(const struct pv_query *own, struct pv_verifications *ret_list);
void pv_verifications_release(struct pv_verifications *list);
/* NULL: not verified. */
const struct pv_verification *pv_verifications_find(const struct pv_verifications *list, const struct pv_hash *person);
bool pv_verification_has_device(const struct pv_verification *verification, const struct pv_hash *device);
/* "compared", "number" or "code". */
const char *pv_verified_how_name(enum pv_verified_how how);

#endif
