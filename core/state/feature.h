/* What fold.c asks of each feature: one function that folds one payload, called in the order of the log.
 *
 * Kind and write id are already judged; what a payload names may be unknown, forgotten or of another type, and is
 * then as good as not there. Source: FORMAT.md §10. */
#ifndef PV_STATE_FEATURE_H
#define PV_STATE_FEATURE_H

#include "core/state/payload.h"
#include "core/state/sql.h"

struct pv_folding {
    uint64_t index;
    uint64_t author; /* its number in the database */
    uint64_t time_ms;
    const struct pv_payload *payload;
};

/* Where a store keeps the first name that the founder's device gave. */
#define PV_FOUNDER_NAME "pv.founder_name"

typedef enum pv_err pv_feature_fold(struct pv_store *store, const struct pv_folding *folding);

pv_feature_fold pv_profile_fold;
pv_feature_fold pv_message_fold;
pv_feature_fold pv_file_fold_put;
pv_feature_fold pv_file_fold_move;
pv_feature_fold pv_file_fold_remove;
pv_feature_fold pv_file_fold_blobs;
pv_feature_fold pv_chunking_fold;
pv_feature_fold pv_keys_fold;
pv_feature_fold pv_rooms_fold;
pv_feature_fold pv_verified_fold;

#endif
