/* What a used-up quota keeps nobody from: taking out who is in, and the keys that follow from it. */
#ifndef PV_SERVER_UNPAID_H
#define PV_SERVER_UNPAID_H

#include "core/room/roster.h"

struct pv_prepared;

/* Of an append beyond its author's quota: what came beside entries that take out. An author's earlier entries come first. */
struct pv_unpaid {
    bool takes_out;
    size_t beside_bytes;
};

/* Does this entry come in beyond the quota, into a room that stands as `roster` says, if it is accepted? It takes out a
 * member, a device or an invite, or is the rekey that is due for that, so there is no more of it than there is to take out;
 * or the first recovery kit of its person brings a device or a key, and whoever used the quota up has not that kit. */
bool pv_unpaid_may(const struct pv_roster *roster, const struct pv_prepared *item);
void pv_unpaid_count(struct pv_unpaid *unpaid, const struct pv_prepared *item, bool takes_out);
/* Does an append of these come in? */
bool pv_unpaid_is_in(const struct pv_unpaid *unpaid);

#endif
