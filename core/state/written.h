/* Which write ids are used up, and by which entry. Internal to core/state.
 *
 * Write ids are random, so a table by them changes all over with every entry. Those of messages and versions stand in
 * their own rows already: the newest are looked up in memory, and settled into the table many at a time. */
#ifndef PV_STATE_WRITTEN_H
#define PV_STATE_WRITTEN_H

#include "core/state/sql.h"

/* Unsettled writes of one session at most; 64 bytes each. */
enum { PV_WRITTEN_FRESH_MAX = 131072 };

/* Only inside a transaction. `ret_index` is set when it is found. */
PV_MUST_USE enum pv_err pv_written_find(struct pv_store *store, const struct pv_id16 *write_id, uint64_t author,
                                        bool *ret_found, uint64_t *ret_index);
/* The same by the author's id, which may be nobody's here. */
PV_MUST_USE enum pv_err pv_written_find_by(struct pv_store *store, const struct pv_id16 *write_id, const struct pv_hash *author,
                                           bool *ret_found, uint64_t *ret_index);
/* Use up a write id that was not found. `has_row`: the entry gets a row in `message` or `version`. */
PV_MUST_USE enum pv_err pv_written_add(struct pv_store *store, const struct pv_id16 *write_id, uint64_t author,
                                       uint64_t index, bool has_row);
/* Bring all into the table. */
PV_MUST_USE enum pv_err pv_written_settle(struct pv_store *store);
/* Messages and versions from here on are not in the table. */
PV_MUST_USE enum pv_err pv_written_settled(struct pv_store *store, uint64_t *ret_from);
/* What is in memory may be wrong: read it anew when it is needed. */
void pv_written_forget(struct pv_store *store);
void pv_written_free(struct pv_store *store);

#endif
