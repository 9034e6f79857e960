/* The connections that are open: how many of each address, and by when each must have said, or taken, what is under way. */
#ifndef PV_SERVER_CONNECTIONS_H
#define PV_SERVER_CONNECTIONS_H

#include "server/peer.h"

struct pv_connections;
struct pv_connection;

/* By when: while there is memory for all, and while there is not (never later). UINT64_MAX: whenever it likes. */
struct pv_deadline {
    uint64_t until_ms, pressed_ms;
};

/* `each_max`: connections of one address, 0: no limit. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_connections_new(size_t each_max, struct pv_connections **ret_connections);
/* After every connection has gone. */
void pv_connections_free(struct pv_connections *connections);
/* May another come from there? */
bool pv_connections_admit(struct pv_connections *connections, const struct pv_address *address);
/* It came. `fd` stays its owner's; NULL without memory, and then nothing is known of it. */
struct pv_connection *pv_connections_add(struct pv_connections *connections, const struct pv_address *address, int fd,
                                         struct pv_deadline deadline);
/* It is about to be closed. */
void pv_connections_remove(struct pv_connections *connections, struct pv_connection *connection);
/* What it sends must be here by then, or what it is sent be taken. */
void pv_connections_expect(struct pv_connections *connections, struct pv_connection *connection, struct pv_deadline deadline);
/* Cut those that are late. Returns how many. */
size_t pv_connections_sweep(struct pv_connections *connections, uint64_t now_ms, bool pressed);

#endif
