/* What a forget takes, and what stands in its way: the entries that go with those that were named, the writes that keep
 * today's state as it is without them, and the keys of what stays.  Private to core/sync.
 * Source: FORMAT.md §10 ("Forgetting"). */
#ifndef PV_SYNC_FORGET_PLAN_H
#define PV_SYNC_FORGET_PLAN_H

#include "core/sync/room_parts.h"

struct pv_forget_plan {
    struct pv_range ranges[PV_LIMIT_RANGES]; /* as the forget will name them */
    size_t range_count;
    struct pv_buf writes; /* payloads of kind 3, each as a byte string; secret */
    size_t write_count;
};

/* In a transaction, of which nothing stays. `cut`: keys of entries of earlier epochs are listed.
 * Errors: DENIED (held, or nothing there that can be forgotten), NO_KEY, NOT_FOUND (a body of what stays is missing),
 * LIMIT (more ranges than one forget takes), CONFLICT (the state cannot be kept), UNSUPPORTED; words are in the alarm. */
PV_MUST_USE enum pv_err pv_forget_plan_make(struct pv_room *room, const struct pv_range *ranges, size_t count, uint64_t cut,
                                            struct pv_forget_plan *ret_plan);
void pv_forget_plan_release(struct pv_forget_plan *plan);

#endif
