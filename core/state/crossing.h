/* Removals that crossed with what others wrote: between the newest entry that the remover had seen and the removal's
 * place in the log, whoever wrote did not know of it, and sealed so that the removed may read it. Kept beside the log, so
 * that rows and entries can be shown as such. */
#ifndef PV_STATE_CROSSING_H
#define PV_STATE_CROSSING_H

#include "core/log/entry.h"
#include "core/state/store.h"

struct pv_crossing {
    uint64_t from, to; /* half-open: what the remover had not seen, up to the removal */
    struct pv_hash remover; /* device */
};

enum { PV_CROSSINGS_MAX = 1024 }; /* the newest so many are kept */

struct pv_crossings {
    struct pv_crossing *rows; /* by `to` */
    size_t count;
};

/* Note an accepted removal; nothing where none stands between. */
PV_MUST_USE enum pv_err pv_crossing_add(struct pv_store *store, const struct pv_crossing *crossing);
PV_MUST_USE enum pv_err pv_crossings_load(struct pv_store *store, struct pv_crossings *ret_crossings);
void pv_crossings_release(struct pv_crossings *crossings);
/* The newest removal, made by another device than `author`, with which the entry at `index` crossed; NULL: none. */
const struct pv_crossing *pv_crossings_find(const struct pv_crossings *crossings, uint64_t index, const struct pv_hash *author);

#endif
