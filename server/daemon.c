/* The daemon: opening everything in order, the threads, periodic work, and the graceful stop. */
#include "server/daemon.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "server/committer.h"
#include "server/data.h"
#include "server/events.h"
#include "server/gc.h"
#include "server/heads.h"
#include "server/http.h"
#include "server/listen.h"
#include "server/metrics.h"
#include "server/notify.h"
#include "server/process.h"
#include "server/sandbox.h"
#include "server/session_cache.h"
#include "server/signer.h"

enum {
    GRACE_MS = 10 * 1000,
    ARENAS = 4, /* of malloc: many threads, little memory */
    MAPPED_BYTES = 256 * 1024, /* what is larger goes back to the system when it is freed, whatever was freed before */
    OVERDUE_AT_ONCE = 64,
    FLUSH_EVERY_S = 5,
    EXPIRE_EVERY_S = 60,
    GC_EVERY_S = 3600
};

/* ---- clock, randomness, stores */

static uint64_t system_now_ms(void *context)
{
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void system_random(void *context, void *ret_bytes, size_t n)
{
    uint8_t *at = ret_bytes;
    (void)context;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) abort(); /* no key is better than a guessable one */
        at += got;
        n -= (size_t)got;
    }
}

void pv_daemon_init(struct pv_server *server)
{
    *server = (struct pv_server){.clock = {system_now_ms, NULL}, .random = {system_random, NULL}};
}

enum pv_err pv_daemon_open_stores(struct pv_server *server, const struct pv_config *config,
                                  char ret_why[static PV_CONFIG_WHY_MAX])
{
    char why[PV_META_WHY_MAX];
    const char *dir = config->blobs + strlen("fs:");
    enum pv_err err = pv_meta_sqlite_open(config->meta + strlen("sqlite:"), &server->meta, why);
    if (err) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "%s", why);
        return err;
    }
    err = pv_blobs_fs_open(dir, &server->blobs);
    if (err) {
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the blob store %.512s cannot be opened: %s", dir, pv_err_text(err));
        pv_daemon_close_stores(server);
    }
    return err;
}

void pv_daemon_close_stores(struct pv_server *server)
{
    if (server->meta) server->meta->ops->close(server->meta);
    if (server->blobs) server->blobs->ops->close(server->blobs);
    server->meta = NULL;
    server->blobs = NULL;
}

/* ---- periodic work, on the main thread */

static void expiry_done(struct pv_job *job)
{
    if (job->response->err && job->response->err != PV_ERR_CORRUPT) /* that the room is damaged was said when it was found */
        PV_LOG(PV_LOG_WARN, "expiry failed", PV_LOG_TEXT("code", pv_err_web_name(job->response->err)));
    pv_web_response_release(job->response);
    free(job->response);
    pv_job_free(job);
}

/* Work of the server's own on one room. */
static void submit(struct pv_server *server, enum pv_job_kind kind, const struct pv_hash *room)
{
    struct pv_job *job;
    struct pv_web_response *response = malloc(sizeof *response);
    if (!response || pv_job_new(kind, 0, &job)) {
        free(response);
        return;
    }
    pv_web_response_init(response);
    job->room = *room;
    job->response = response;
    job->done = expiry_done;
    pv_committer_submit(server->committer, job);
}

static void tell(const char *what, enum pv_err err)
{
    if (err) PV_LOG(PV_LOG_ERROR, "upkeep failed", PV_LOG_TEXT("what", what), PV_LOG_TEXT("code", pv_err_web_name(err)));
}

static void collect(struct pv_server *server)
{
    struct pv_gc_result result;
    enum pv_err err = pv_gc(server, &result);
    tell("collecting blobs", err);
    if (result.collected || result.swept)
        PV_LOG(PV_LOG_INFO, "blobs collected", PV_LOG_NUMBER("collected", result.collected),
               PV_LOG_NUMBER("swept", result.swept));
}

static void tick(struct pv_server *server, uint64_t second)
{
    struct pv_hash rooms[OVERDUE_AT_ONCE];
    size_t count = 0;
    uint64_t now_ms = pv_server_now_ms(server);
    pv_events_beat(server->events, now_ms);
    tell("deadlines", server->meta->ops->overdue(server->meta, now_ms, OVERDUE_AT_ONCE, rooms, &count));
    for (size_t i = 0; i < count; i++) submit(server, PV_JOB_EXPIRE, &rooms[i]);
    tell("forgetting", server->meta->ops->undropped(server->meta, OVERDUE_AT_ONCE, rooms, &count));
    for (size_t i = 0; i < count; i++) submit(server, PV_JOB_DROP, &rooms[i]);
    tell("the store's own", server->meta->ops->maintain(server->meta, now_ms));
    tell("heads beside the blobs", pv_heads_flush(server->heads));
    if (second % FLUSH_EVERY_S == 0) pv_limits_flush(server);
    if (second % EXPIRE_EVERY_S == 0) tell("expiry", server->meta->ops->expire(server->meta, now_ms));
    if (second % GC_EVERY_S == GC_EVERY_S / 2) collect(server);
}

static void block_signals(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGINT);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGHUP);
    sigaddset(ret_set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, ret_set, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

/* Asked to stop once more: what is in work is not waited for, what is taken in is still committed. */
static bool is_hurried(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) < 0) return false;
    PV_LOG(PV_LOG_WARN, "stopping without waiting");
    return true;
}

/* Until it is asked to stop, or, with an error, until it cannot go on. */
static enum pv_err serve(struct pv_server *server, struct pv_http *http, const sigset_t *signals)
{
    const struct timespec second = {1, 0};
    for (uint64_t i = 1;; i++) {
        int got = sigtimedwait(signals, NULL, &second);
        if (got == SIGINT || got == SIGTERM) return PV_OK;
        if (pv_signer_is_gone(server->signer)) return PV_ERR_IO;
        if (got == SIGHUP) PV_LOG(PV_LOG_INFO, "hangup ignored");
        if (got >= 0) continue;
        tick(server, i);
        pv_http_sweep(http);
    }
}

/* ---- start and stop */

/* No client can speak to it by this name. */
static bool is_wildcard(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* Host and port of the public URL; without one, of the address that we listen on, which has no name where that is all
 * of this machine's: then it is good for this machine alone. */
static enum pv_err name_server(struct pv_server *server, const struct pv_config *config, uint16_t port)
{
    char host[256], name[sizeof host + 16];
    uint16_t unused;
    const char *scheme = strstr(config->public_url, "://");
    enum pv_err err = pv_config_split_listen(config->listen, host, &unused);
    if (err) return err;
    if (!scheme && is_wildcard(host)) {
        PV_LOG(PV_LOG_WARN, "no public-url is set: clients of other machines cannot sign in", PV_LOG_TEXT("listen", config->listen));
        snprintf(host, sizeof host, "localhost");
    }
    if (scheme) snprintf(name, sizeof name, "%s", scheme + 3);
    else snprintf(name, sizeof name, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
    if (strlen(name) >= sizeof server->name) return PV_ERR_LIMIT;
    memcpy(server->name, name, strlen(name) + 1);
    return PV_OK;
}

struct daemon {
    struct pv_server server;
    struct pv_tls_files files;
    struct pv_sandbox sandbox, signer;
    struct pv_metrics metrics;
    struct pv_http *http;
    int listener, lock; /* -1: none */
    uint16_t port;
};

/* What may need root: the port, the TLS key, a directory under one that is root's. Then no more of it. */
static enum pv_err take_and_drop(struct daemon *daemon, const struct pv_config *config, char why[static PV_CONFIG_WHY_MAX])
{
    struct pv_user user;
    enum pv_err err = pv_user_find(config, &user, why);
    if (!err) err = pv_tls_files_read(&daemon->files, config, why);
    if (!err) err = pv_listen_open(config, &daemon->listener, &daemon->port, why);
    if (!err) err = pv_user_make_dir(&user, config->data, why);
    if (!err) err = pv_user_become(&user, why);
    if (!err && pv_user_is_unsaid_root(&user))
        PV_LOG(PV_LOG_WARN, "running as root", PV_LOG_TEXT("advice", "--user NAME of a user of its own who owns the data, or --user root if it must be"));
    return err;
}

static enum pv_err open_data(struct daemon *daemon, const struct pv_config *config, char why[static PV_CONFIG_WHY_MAX])
{
    struct pv_server *server = &daemon->server;
    enum pv_err err = pv_data_open(config->data, why);
    if (!err) err = pv_data_lock(config->data, &daemon->lock, why);
    if (!err) err = pv_daemon_open_stores(server, config, why);
    if (err) return err;
    pv_blobs_fs_sweep(server->blobs); /* not where an operator's command opens them: an upload may be under way */
    struct pv_meta_stats stats;
    err = server->meta->ops->stats(server->meta, &stats);
    if (err) {
        snprintf(why, PV_CONFIG_WHY_MAX, "the metadata store %.512s cannot be read: %s", config->meta, pv_err_text(err));
        return err;
    }
    return pv_signer_open(server->signer, stats.rooms == 0, &server->log_pk, &daemon->signer, why);
}

/* Everything is open, no thread is there yet. */
static enum pv_err enter_sandbox(struct daemon *daemon, const struct pv_config *config, char why[static PV_CONFIG_WHY_MAX])
{
    enum pv_err err = pv_sandbox_enter(config, &daemon->sandbox, why);
    if (err || config->sandbox != PV_SANDBOX_REQUIRED || pv_sandbox_is_whole(&daemon->signer)) return err;
    snprintf(why, PV_CONFIG_WHY_MAX, "the sandbox is required, and the signer got none");
    return PV_ERR_UNSUPPORTED;
}

static enum pv_err start(struct daemon *daemon, const struct pv_config *config, char why[static PV_CONFIG_WHY_MAX])
{
    struct pv_server *server = &daemon->server;
    char host[PV_CONFIG_TEXT_MAX];
    snprintf(host, sizeof host, "%.*s", (int)(strrchr(config->listen, ':') - config->listen), config->listen);
    enum pv_err err = take_and_drop(daemon, config, why);
    if (!err) err = pv_signer_fork(config, &server->signer, why);
    if (!err) err = open_data(daemon, config, why);
    if (!err) err = enter_sandbox(daemon, config, why);
    if (err) return err;
    err = name_server(server, config, daemon->port);
    server->registration = config->registration;
    server->metrics = &daemon->metrics;
    if (!err) err = pv_limits_new(&config->limits, &server->limits);
    if (!err) err = pv_session_cache_new(&server->sessions);
    if (!err) err = pv_events_new(&server->events);
    if (!err) err = pv_heads_new(server->meta, server->blobs, &server->heads);
    if (!err) err = pv_committer_new(server, &server->committer);
    if (!err) err = pv_committer_start(server->committer);
    if (err) {
        snprintf(why, PV_CONFIG_WHY_MAX, "the server cannot start: %s", pv_err_text(err));
        return err;
    }
    int listener = daemon->listener;
    daemon->listener = -1;
    err = pv_http_start(server, config, listener, &daemon->files, &daemon->http, why);
    pv_tls_files_release(&daemon->files);
    if (err) return err;
    printf("privityd: listening on %s://%s:%u as %s\n", *config->tls_cert ? "https" : "http",
           host, daemon->port, server->name);
    fflush(stdout);
    PV_LOG(PV_LOG_INFO, "started", PV_LOG_TEXT("version", PV_SERVER_VERSION), PV_LOG_TEXT("name", server->name),
           PV_LOG_NUMBER("port", daemon->port), PV_LOG_TEXT("seccomp", daemon->sandbox.calls ? "on" : "off"),
           PV_LOG_NUMBER("landlock", daemon->sandbox.files),
           PV_LOG_TEXT("signer", pv_sandbox_is_whole(&daemon->signer) ? "sandboxed" : "not sandboxed"));
    pv_notify_send("READY=1");
    return PV_OK;
}

static void stop(struct daemon *daemon)
{
    struct pv_server *server = &daemon->server;
    atomic_store(&server->stopping, true);
    if (daemon->http) pv_notify_send("STOPPING=1");
    if (daemon->http) pv_http_drain(daemon->http, GRACE_MS, is_hurried);
    if (server->committer) pv_committer_stop(server->committer);
    pv_http_free(daemon->http);
    pv_committer_free(server->committer);
    if (server->meta) pv_limits_flush(server);
    pv_limits_free(server->limits);
    pv_session_cache_free(server->sessions);
    pv_events_free(server->events);
    if (server->heads) tell("heads beside the blobs", pv_heads_end(server->heads));
    pv_heads_free(server->heads);
    pv_daemon_close_stores(server);
    pv_signer_free(server->signer);
    pv_tls_files_release(&daemon->files);
    if (daemon->listener >= 0) close(daemon->listener);
    if (daemon->lock >= 0) close(daemon->lock);
}

int pv_daemon_run(const struct pv_config *config)
{
    char why[PV_CONFIG_WHY_MAX] = "";
    sigset_t signals;
    struct daemon *daemon = calloc(1, sizeof *daemon);
    if (!daemon) return 1;
    mallopt(M_ARENA_MAX, ARENAS);
    mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
    pv_process_harden();
    pv_log_set_level(config->log_level);
    pv_daemon_init(&daemon->server);
    daemon->listener = daemon->lock = -1;
    block_signals(&signals);
    enum pv_err err = start(daemon, config, why);
    if (err) fprintf(stderr, "privityd: %s\n", *why ? why : pv_err_text(err));
    else err = serve(&daemon->server, daemon->http, &signals);
    stop(daemon);
    if (!err) PV_LOG(PV_LOG_INFO, "stopped");
    free(daemon);
    return err ? 1 : 0;
}
