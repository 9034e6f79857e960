/* Keys of entries, and seeds of a person's epochs, that outlive the epochs' secrets.  Source: FORMAT.md §10 (`keys`). */
#ifndef PV_STATE_KEPT_KEYS_H
#define PV_STATE_KEPT_KEYS_H

#include "core/state/payload.h"
#include "core/state/store.h"

/* A number of the store: a `keys` entry was folded since it was last set to 0. */
#define PV_KEYS_CAME "pv.keys-came"

/* Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_kept_key_get(struct pv_store *store, uint64_t index, struct pv_entry_key *ret_key);
/* The index of the `keys` entry that gave it. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_kept_key_source(struct pv_store *store, uint64_t index, uint64_t *ret_source);
/* The one whose KEM key has this hash, as the roster names it. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_kept_seed_get(struct pv_store *store, uint64_t epoch, const struct pv_hash *kem_hash,
                                         struct pv_kem_seed *ret_seed);
/* Is there a key for something that was folded as without one? */
PV_MUST_USE enum pv_err pv_kept_keys_waiting(struct pv_store *store, bool *ret_waiting);

struct pv_kept_erasing {
    const void *context;
    bool (*goes)(const void *context, uint64_t index, uint64_t source); /* source: the index of the `keys` entry */
};
PV_MUST_USE enum pv_err pv_kept_keys_erase(struct pv_store *store, const struct pv_kept_erasing *erasing);

/* Drop a forgotten entry's body and refs; `ret_was_here` is set true where there was something to drop. */
PV_MUST_USE enum pv_err pv_store_erase_entry(struct pv_store *store, uint64_t index, bool *ret_was_here);
/* Outside of a transaction: take over the write-ahead log, so that no earlier page stays in a file. `ret_clean` false:
 * others are reading; try again later. Errors: USAGE (inside one). */
PV_MUST_USE enum pv_err pv_store_scrub(struct pv_store *store, bool *ret_clean);

#endif
