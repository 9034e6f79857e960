/* The thread that takes connections in and hands them on. */
#ifndef PV_SERVER_ACCEPTOR_H
#define PV_SERVER_ACCEPTOR_H

#include <stdbool.h>
#include <sys/socket.h>

#include "core/base/err.h"

struct pv_acceptor;

/* Who gets the connections; called on the accepting thread alone. */
struct pv_acceptor_taker {
    bool (*has_room)(void *context); /* while it has none, connections wait in the kernel */
    void (*take)(void *context, int fd, const struct sockaddr *peer, socklen_t peer_bytes); /* fd is the taker's */
    void *context;
};

/* Accept on the socket, which stays the caller's. Errors: IO, NOMEM. */
PV_MUST_USE enum pv_err pv_acceptor_start(int socket, const struct pv_acceptor_taker *taker,
                                          struct pv_acceptor **ret_acceptor);
/* End the thread: nothing is taken any more once this returns. NULL is fine. */
void pv_acceptor_stop(struct pv_acceptor *acceptor);

#endif
