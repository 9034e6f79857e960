/* Entries that only bar devices: each closes every invite and makes a rekey due, and there is no end of ids to bar. */
#ifndef PV_SERVER_BARS_H
#define PV_SERVER_BARS_H

#include "core/room/roster.h"
#include "server/committer.h"

enum { PV_BARS_AN_HOUR = 16 }; /* of one device in one room; an honest one bars all that it must with one entry */

/* How a roster stands before an entry that may only bar. */
struct pv_bars {
    bool may; /* the entry is a removal of devices */
    size_t devices;
    bool has_kem;
    struct pv_hash kem_hash;
    uint64_t person_epoch;
};

void pv_bars_before(struct pv_bars *bars, const struct pv_roster *roster, const struct pv_prepared *item);
/* After it was accepted: if no device went and no key came, count it.
 * Errors: RATE: one too many, `ret_retry_s` says when another may come; the store's. */
PV_MUST_USE enum pv_err pv_bars_after(const struct pv_bars *bars, const struct pv_roster *roster,
                                      const struct pv_prepared *item, const struct pv_hash *room,
                                      struct pv_server *server, unsigned *ret_retry_s);

#endif
