/* The one thread that accepts.
 *
 * libmicrohttpd's own threads would all wake for each connection, and whichever is first would take it: some would
 * have many times the writers of others. One thread that deals connections out keeps them even. */
#include "server/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    PAUSE_MS = 20, /* while no connection can be taken */
    STACK_BYTES = 256 * 1024
};

struct pv_acceptor {
    int socket, stop; /* stop: an eventfd */
    struct pv_acceptor_taker taker;
    pthread_t thread;
};

/* False: there is nothing to take now, or, with `ret_pause`, no means to take it. */
static bool accept_one(struct pv_acceptor *acceptor, bool *ret_pause)
{
    struct sockaddr_storage peer = {0};
    socklen_t peer_bytes = sizeof peer;
    int fd = accept4(acceptor->socket, (struct sockaddr *)&peer, &peer_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        acceptor->taker.take(acceptor->taker.context, fd, (struct sockaddr *)&peer, peer_bytes);
        return true;
    }
    *ret_pause = errno != EAGAIN && errno != EINTR && errno != ECONNABORTED; /* no files or no memory left, say */
    return errno == EINTR || errno == ECONNABORTED;
}

static void *run_accepts(void *context)
{
    struct pv_acceptor *acceptor = context;
    bool pause = false;
    for (;;) {
        /* Without means only the end is waited for: what comes stays with the kernel. */
        struct pollfd wait[2] = {{acceptor->stop, POLLIN, 0}, {acceptor->socket, POLLIN, 0}};
        poll(wait, pause ? 1 : 2, pause ? PAUSE_MS : -1);
        if (wait[0].revents) return NULL;
        do pause = !acceptor->taker.has_room(acceptor->taker.context);
        while (!pause && accept_one(acceptor, &pause));
    }
}

enum pv_err pv_acceptor_start(int socket, const struct pv_acceptor_taker *taker, struct pv_acceptor **ret_acceptor)
{
    pthread_attr_t attr;
    struct pv_acceptor *acceptor = calloc(1, sizeof *acceptor);
    if (!acceptor) return PV_ERR_NOMEM;
    *acceptor = (struct pv_acceptor){.socket = socket, .stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .taker = *taker};
    if (acceptor->stop < 0) {
        free(acceptor);
        return PV_ERR_IO;
    }
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    int failed = pthread_create(&acceptor->thread, &attr, run_accepts, acceptor);
    pthread_attr_destroy(&attr);
    if (failed) {
        close(acceptor->stop);
        free(acceptor);
        return PV_ERR_NOMEM;
    }
    *ret_acceptor = acceptor;
    return PV_OK;
}

void pv_acceptor_stop(struct pv_acceptor *acceptor)
{
    if (!acceptor) return;
    eventfd_write(acceptor->stop, 1);
    pthread_join(acceptor->thread, NULL);
    close(acceptor->stop);
    free(acceptor);
}
