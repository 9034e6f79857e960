/* Opening and folding one entry after the other.  Private to core/sync. */
#ifndef PV_SYNC_OPEN_H
#define PV_SYNC_OPEN_H

#include "core/log/seal.h"
#include "core/sync/room_parts.h"

struct pv_opening {
    struct pv_room *room;
    struct pv_buf payload;
    bool has_prk;
    uint64_t prk_epoch;
    struct pv_prk prk;
};

void pv_opening_init(struct pv_opening *o, struct pv_room *room);
void pv_opening_release(struct pv_opening *o);
/* Open and fold one judged entry; a body that cannot be opened is noted as unreadable. In a transaction.
 * Errors: NO_KEY (nothing was done), the store's. */
PV_MUST_USE enum pv_err pv_opening_fold(struct pv_opening *o, const struct pv_log_item *item, enum pv_verdict verdict,
                                        bool has_body, struct pv_bytes body);

/* Open and fold the judged entries [from, to), `from` being the folded size, with what is in the store. In a transaction. */
PV_MUST_USE enum pv_err pv_open_stored(struct pv_room *room, uint64_t from, uint64_t to);

/* K of an entry: by its epoch's secret, or the one that a `keys` entry gave. What is given is the entry's own.
 * Errors: NO_KEY; BAD_MAC, TRUNCATED (no key opens it). */
PV_MUST_USE enum pv_err pv_opening_key(struct pv_opening *o, uint64_t index, const struct pv_header *header, struct pv_bytes body,
                                       struct pv_entry_key *ret_key);
/* The type of its payload, which o->payload then holds. Errors: an opener's and a reader's. */
PV_MUST_USE enum pv_err pv_opening_type(struct pv_opening *o, const struct pv_entry_key *key, const struct pv_header *header,
                                        struct pv_bytes body, uint64_t *ret_type);

#endif
