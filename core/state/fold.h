/* The fold of sealed entries into a room's state: profiles, messages, files, the chunking secret, the room list.
 *
 * Entries are folded in the order of the log, each once; state depends on the log alone, not on how it came in
 * batches. What a payload does stands in one file a feature.  Source: FORMAT.md §10. */
#ifndef PV_STATE_FOLD_H
#define PV_STATE_FOLD_H

#include "core/state/store.h"

/* Fold one entry with its verdict. Only accepted ones of kinds 2 and 3 have an effect here; call it for all, so that
 * none is missed. `payload` is what pv_body_open gave (empty for other kinds). A payload that cannot be read is
 * noted as unreadable, one of an unknown type is kept for a later version: both are PV_OK.
 * Does not move the folded size. Errors: the store's. */
PV_MUST_USE enum pv_err pv_fold_entry(struct pv_store *store, const struct pv_log_item *item, enum pv_verdict verdict,
                                      struct pv_bytes payload);
/* Note an accepted sealed entry whose body could not be opened: `why` BAD_MAC, NOT_FOUND (body missing), … When it can
 * be opened later, fold anew. One that is forgotten is not folded at all. */
PV_MUST_USE enum pv_err pv_fold_unreadable(struct pv_store *store, uint64_t index, enum pv_err why);
/* The same where the epoch's key is missing (NO_KEY). */
PV_MUST_USE enum pv_err pv_fold_no_key(struct pv_store *store, uint64_t index, uint64_t epoch);
/* Indexes from `from` on, rising, at most `max`, of folded entries whose body was not here (NOT_FOUND). */
PV_MUST_USE enum pv_err pv_fold_missing_bodies(struct pv_store *store, uint64_t from, size_t max, uint64_t *ret_indexes,
                                               size_t *ret_count);
/* The key of an epoch came: if anything folded was waiting for it, what is folded is outdated. */
PV_MUST_USE enum pv_err pv_fold_key_came(struct pv_store *store, uint64_t epoch);
/* What is folded is not the state any more. */
PV_MUST_USE enum pv_err pv_fold_outdate(struct pv_store *store);
/* Has a folded entry used up this write id of its author? One that is forgotten has not. In a transaction. */
PV_MUST_USE enum pv_err pv_fold_has_write(struct pv_store *store, const struct pv_hash *author, const struct pv_id16 *write_id,
                                          bool *ret_has);
/* Bring the full-text index up to date, at most `max` entries (0: all). Folding leaves this behind, so that small
 * batches stay cheap; searching does it first. Call it once after a pull. */
PV_MUST_USE enum pv_err pv_fold_index_words(struct pv_store *store, uint64_t max);
/* Is there anything for it to do? True also where that cannot be told. */
bool pv_fold_index_is_behind(struct pv_store *store);
/* Whether to fold anew: this program folds types that the stored state has kept unfolded, or folds otherwise, or keys
 * have come. Reset and fold in one transaction where the room is small enough: others may be reading. */
PV_MUST_USE enum pv_err pv_fold_is_outdated(struct pv_store *store, bool *ret_outdated);
/* Drop everything folded, for folding anew from entry 0: entries, their verdicts, keys and the outbox stay; the
 * folded size is 0. */
PV_MUST_USE enum pv_err pv_fold_reset(struct pv_store *store);
/* A database that was just made needs no folding anew. */
PV_MUST_USE enum pv_err pv_fold_mark_new(struct pv_store *store);

#endif
