/* The connections that are open: how many of each address, and by when each must have said what it is saying. */
#ifndef PV_SERVER_CONNECTIONS_H
#define PV_SERVER_CONNECTIONS_H

#include "server/peer.h"

struct pv_connections;
struct pv_connection;

enum {
    PV_BODY_BYTES_PER_S = 2048 /* a body may come no slower, the time for a head apart */
};

/* `each_max`: connections of one address, 0: no limit. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_connections_new(size_t each_max, struct pv_connections **ret_connections);
/* After every connection has gone. */
void pv_connections_free(struct pv_connections *connections);
/* May another come from there? */
bool pv_connections_admit(struct pv_connections *connections, const struct pv_address *address);
/* It came. `fd` stays its owner's; NULL without memory, and then nothing is known of it. */
struct pv_connection *pv_connections_add(struct pv_connections *connections, const struct pv_address *address, int fd,
                                         uint64_t until_ms);
/* It is about to be closed. */
void pv_connections_remove(struct pv_connections *connections, struct pv_connection *connection);
/* What it sends must be here by then; UINT64_MAX: it need not send anything. */
void pv_connections_expect(struct pv_connections *connections, struct pv_connection *connection, uint64_t until_ms);
/* Cut those that are late. Returns how many. */
size_t pv_connections_sweep(struct pv_connections *connections, uint64_t now_ms);

#endif
