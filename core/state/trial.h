/* Trying out what the room would be with another log: a fold that never stays, and the files that it shows. */
#ifndef PV_STATE_TRIAL_H
#define PV_STATE_TRIAL_H

#include "core/state/overlay.h"
#include "core/state/payload.h"

/* One file that stands. */
struct pv_trial_file {
    uint64_t head;             /* index of its newest version, by which it is known in both folds */
    struct pv_write_ref ref;   /* the same by author and write id */
    uint64_t order;            /* among those of its path: which stands first */
    struct pv_bytes path;      /* parts joined by slashes; borrowed from the list */
};
struct pv_trial_files {
    struct pv_trial_file *files; /* by head */
    size_t count, cap;
    uint8_t *paths;
    size_t paths_n, paths_cap;
};
/* The files that stand now. Release it, also after a failure. */
PV_MUST_USE enum pv_err pv_trial_files_read(struct pv_store *store, struct pv_trial_files *ret_files);
void pv_trial_files_release(struct pv_trial_files *files);

/* What a list of payloads grows by. */
struct pv_trial_mending {
    const struct pv_random *random;
    struct pv_buf *payloads; /* each as a byte string */
    size_t count;
};
/* Writes that make `after` into what `before` was, less the files whose head `goes` says to go: what came back is removed,
 * what is elsewhere is moved, and who stood first at a path stands first. */
PV_MUST_USE enum pv_err pv_trial_mend(const struct pv_trial_files *before, const struct pv_trial_files *after,
                                      bool (*goes)(void *context, uint64_t head), void *context, struct pv_trial_mending *mending);
/* Are they the same, but for those that go? Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_trial_same(const struct pv_trial_files *before, const struct pv_trial_files *after,
                                      bool (*goes)(void *context, uint64_t head), void *context, bool *ret_same);

#endif
