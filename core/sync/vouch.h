/* Which signatures hold: an entry's own, or that of a later entry of the same author that links to it.
 * Source: FORMAT.md §7.1. */
#ifndef PV_SYNC_VOUCH_H
#define PV_SYNC_VOUCH_H

#include "core/room/roster.h"

/* For `count` consecutive items whose listings were noted in `roster`: one signature check per author where all is
 * well, hashing for the rest. `ret_holds` takes `count` values. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_vouch(const struct pv_roster *roster, const struct pv_log_item *items, size_t count,
                                 bool *ret_holds);

#endif
