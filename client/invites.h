/* Links of one's own that ended before they were used up. */
#ifndef PV_CLIENT_INVITES_H
#define PV_CLIENT_INVITES_H

#include "client/session.h"

/* How many of this person's links to the room ended since this device looked last, with uses and time left; each is told
 * once. Errors: the store's. */
PV_MUST_USE enum pv_err pv_invites_look(const struct pv_session *session, const struct pv_open_room *room, size_t *ret_ended);

#endif
