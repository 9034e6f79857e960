/* Writes that can never be sent: what they refer to was stored at the server, and is there no more. It keeps for a week
 * what nothing refers to, and a device may come back later than that. */
#ifndef PV_CLIENT_UNSENDABLE_H
#define PV_CLIENT_UNSENDABLE_H

#include "client/session.h"

/* Give them up, so that what waits behind them can be sent; each is told by session->give_up. Under the room's lock.
 * `ret_some`: there were some. Errors: the store's, the server's. */
PV_MUST_USE enum pv_err pv_unsendable_give_up(struct pv_session *session, struct pv_open_room *room, bool *ret_some,
                                              struct pv_report *report);

#endif
