/* The signer: its process, and how the server asks it. */
#include "server/signer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/data.h"
#include "server/log.h"
#include "server/process.h"

enum { NOTES_AT_ONCE = 32 };

enum what { OPEN, NOTES, ENTRY };

/* A message: what it is, and how many items of that follow. */
struct head {
    uint32_t what, count;
};

struct opened {
    enum pv_err err;
    struct pv_sign_pk pk;
    struct pv_sandbox sandbox;
    char why[PV_CONFIG_WHY_MAX];
};

struct pv_signer {
    struct pv_keeper *keeper; /* here; NULL: in the process */
    int socket;
    pid_t pid;
    atomic_bool gone;
};

static bool send_parts(int fd, uint32_t what, uint32_t count, const void *items, size_t bytes)
{
    struct head head = {what, count};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)(uintptr_t)items, bytes}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent;
    do sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)(sizeof head + bytes);
}

/* The items' bytes, or -1: the other side is gone, or sent too much. */
static ssize_t take_parts(int fd, struct head *ret_head, void *ret_items, size_t max)
{
    struct iovec parts[2] = {{ret_head, sizeof *ret_head}, {ret_items, max}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t got;
    do got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < (ssize_t)sizeof *ret_head || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) return -1;
    return got - (ssize_t)sizeof *ret_head;
}

/* ---- the process */

union asked {
    uint8_t fresh;
    struct pv_ask_note notes[NOTES_AT_ONCE];
    struct pv_ask_entry entry;
};

union made {
    struct opened opened;
    struct pv_made_note notes[NOTES_AT_ONCE];
    struct pv_made_entry entry;
};

struct room_for_all {
    union asked asked;
    union made made;
};

static void fill_random(void *context, void *ret_bytes, size_t n)
{
    uint8_t *at = ret_bytes;
    (void)context;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) _exit(1); /* no key is better than a guessable one */
        at += got;
        n -= (size_t)got;
    }
}

static void open_key(const struct pv_config *config, bool fresh, struct pv_keeper **keeper, struct opened *ret_opened)
{
    const struct pv_random random = {fill_random, NULL};
    struct pv_sign_sk sk;
    *ret_opened = (struct opened){.err = PV_ERR_CONFLICT}; /* once is enough */
    if (*keeper) return;
    ret_opened->err = pv_data_log_key(config->data, fresh, &random, &sk, &ret_opened->pk, ret_opened->why);
    if (ret_opened->err) return;
    ret_opened->err = pv_keeper_new(&sk, &ret_opened->pk, keeper);
    pv_wipe(&sk, sizeof sk);
    pv_sandbox_enter_signer(config->sandbox, &ret_opened->sandbox);
}

/* False: no question that we know. */
static bool answer(int fd, const struct head *head, size_t bytes, struct room_for_all *all, const struct pv_config *config,
                   struct pv_keeper **keeper)
{
    union asked *asked = &all->asked;
    union made *made = &all->made;
    if (head->what == OPEN && bytes == sizeof asked->fresh) {
        open_key(config, asked->fresh, keeper, &made->opened);
        return send_parts(fd, OPEN, 1, &made->opened, sizeof made->opened);
    }
    if (!*keeper) return false;
    if (head->what == NOTES && head->count <= NOTES_AT_ONCE && bytes == head->count * sizeof asked->notes[0]) {
        memset(made->notes, 0, head->count * sizeof made->notes[0]);
        for (uint32_t i = 0; i < head->count; i++) pv_keeper_note(*keeper, &asked->notes[i], &made->notes[i]);
        return send_parts(fd, NOTES, head->count, made->notes, head->count * sizeof made->notes[0]);
    }
    if (head->what == ENTRY && bytes == sizeof asked->entry) {
        memset(&made->entry, 0, sizeof made->entry);
        pv_keeper_entry(*keeper, &asked->entry, &made->entry);
        return send_parts(fd, ENTRY, 1, &made->entry, sizeof made->entry);
    }
    return false;
}

/* Until the server closes its end. */
static void run(int fd, const struct pv_config *config)
{
    struct head head;
    ssize_t bytes;
    struct pv_keeper *keeper = NULL;
    struct room_for_all *all = malloc(sizeof *all);
    while (all && (bytes = take_parts(fd, &head, &all->asked, sizeof all->asked)) >= 0)
        if (!answer(fd, &head, (size_t)bytes, all, config, &keeper)) break;
    pv_keeper_free(keeper);
    free(all);
}

/* What is typed at the server's terminal or sent to its group is the server's to follow: we end when it has. */
static void be_signer(int fd, const struct pv_config *config)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    prctl(PR_SET_NAME, "privityd-signer");
    pv_process_harden(); /* whose dumpability a fork keeps; said again for a reader */
    if (!PV_SANITIZED) mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT); /* the key stays out of swap where that is let */
    dup2(fd, 3);
    close_range(4, ~0u, 0);
    run(3, config);
    _exit(0);
}

/* ---- the server's side */

static enum pv_err new_signer(struct pv_signer **ret_signer)
{
    struct pv_signer *signer = calloc(1, sizeof *signer);
    if (!signer) return PV_ERR_NOMEM;
    signer->socket = -1;
    *ret_signer = signer;
    return PV_OK;
}

enum pv_err pv_signer_new_here(const struct pv_sign_sk *log_sk, const struct pv_sign_pk *log_pk, struct pv_signer **ret_signer)
{
    struct pv_signer *signer;
    enum pv_err err = new_signer(&signer);
    if (err) return err;
    err = pv_keeper_new(log_sk, log_pk, &signer->keeper);
    if (err) free(signer);
    else *ret_signer = signer;
    return err;
}

enum pv_err pv_signer_fork(const struct pv_config *config, struct pv_signer **ret_signer, char ret_why[static PV_CONFIG_WHY_MAX])
{
    struct pv_signer *signer;
    int ends[2];
    enum pv_err err = new_signer(&signer);
    if (err) return err;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the signer gets no socket: %s", strerrordesc_np(errno));
        free(signer);
        return PV_ERR_IO;
    }
    signer->pid = fork();
    if (signer->pid == 0) {
        close(ends[0]);
        be_signer(ends[1], config);
    }
    close(ends[1]);
    signer->socket = ends[0];
    if (signer->pid > 0) {
        *ret_signer = signer;
        return PV_OK;
    }
    snprintf(ret_why, PV_CONFIG_WHY_MAX, "the signer's process cannot be started: %s", strerrordesc_np(errno));
    pv_signer_free(signer);
    return PV_ERR_IO;
}

static enum pv_err lose(struct pv_signer *signer)
{
    if (!atomic_exchange(&signer->gone, true))
        PV_LOG(PV_LOG_ERROR, "the signer is gone", PV_LOG_TEXT("effect", "nothing can be signed: the server takes no more and ends"));
    return PV_ERR_IO;
}

/* One question, one answer of the same kind and count. */
static enum pv_err ask(struct pv_signer *signer, enum what what, uint32_t count, const void *items, size_t bytes,
                       void *ret_made, size_t made_bytes)
{
    struct head head;
    if (atomic_load(&signer->gone)) return PV_ERR_IO;
    if (!send_parts(signer->socket, what, count, items, bytes)) return lose(signer);
    if (take_parts(signer->socket, &head, ret_made, made_bytes) != (ssize_t)made_bytes) return lose(signer);
    return head.what == what && head.count == count ? PV_OK : lose(signer);
}

enum pv_err pv_signer_open(struct pv_signer *signer, bool fresh, struct pv_sign_pk *ret_pk,
                           struct pv_sandbox *ret_sandbox, char ret_why[static PV_CONFIG_WHY_MAX])
{
    struct opened opened;
    uint8_t flag = fresh;
    enum pv_err err = ask(signer, OPEN, 1, &flag, sizeof flag, &opened, sizeof opened);
    if (err) snprintf(ret_why, PV_CONFIG_WHY_MAX, "the signer's process has ended");
    else if (opened.err) snprintf(ret_why, PV_CONFIG_WHY_MAX, "%s", opened.why);
    if (err || opened.err) return err ? err : opened.err;
    *ret_pk = opened.pk;
    *ret_sandbox = opened.sandbox;
    return PV_OK;
}

void pv_signer_free(struct pv_signer *signer)
{
    if (!signer) return;
    pv_keeper_free(signer->keeper);
    if (signer->socket >= 0) close(signer->socket);
    while (signer->pid > 0 && waitpid(signer->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    free(signer);
}

enum pv_err pv_signer_notes(struct pv_signer *signer, const struct pv_ask_note *asks, size_t count,
                            struct pv_made_note *ret_made)
{
    enum pv_err err = PV_OK;
    for (size_t i = 0; signer->keeper && i < count; i++) pv_keeper_note(signer->keeper, &asks[i], &ret_made[i]);
    if (signer->keeper) return PV_OK;
    for (size_t i = 0; i < count && !err; i += NOTES_AT_ONCE) {
        size_t n = count - i < NOTES_AT_ONCE ? count - i : NOTES_AT_ONCE;
        err = ask(signer, NOTES, (uint32_t)n, asks + i, n * sizeof *asks, ret_made + i, n * sizeof *ret_made);
    }
    for (size_t i = 0; i < count && !err; i++)
        if (ret_made[i].n > sizeof ret_made[i].note) err = lose(signer);
    return err;
}

enum pv_err pv_signer_entry(struct pv_signer *signer, const struct pv_ask_entry *asked, struct pv_made_entry *ret_made)
{
    enum pv_err err = PV_OK;
    if (signer->keeper) pv_keeper_entry(signer->keeper, asked, ret_made);
    else err = ask(signer, ENTRY, 1, asked, sizeof *asked, ret_made, sizeof *ret_made);
    return !err && ret_made->n > sizeof ret_made->entry ? lose(signer) : err;
}

bool pv_signer_is_gone(struct pv_signer *signer)
{
    struct pollfd end = {.fd = signer->socket, .events = 0};
    if (!signer->keeper && poll(&end, 1, 0) > 0 && (end.revents & (POLLHUP | POLLERR))) (void)lose(signer);
    return atomic_load(&signer->gone);
}
