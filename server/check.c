/* --check-config: everything that a start would trip over, one line each, changing nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "server/daemon.h"
#include "server/data.h"
#include "server/listen.h"
#include "server/process.h"
#include "server/sandbox.h"
#include "server/tls_files.h"

enum { FREE_BYTES_MIN = 64 * 1024 * 1024 };

static bool say(const char *what, enum pv_err err, const char *why)
{
    printf("%-5s %s\n", err ? "bad" : "good", what);
    fflush(stdout);
    if (err) fprintf(stderr, "privityd: %s\n", *why ? why : pv_err_text(err));
    return err == PV_OK;
}

/* A store that is not there yet will be made. With rooms in it, the log key must be there. */
static enum pv_err check_meta(const struct pv_config *config, char why[static PV_CONFIG_WHY_MAX])
{
    const char *path = config->meta + strlen("sqlite:");
    char key[PV_CONFIG_TEXT_MAX + 16], meta_why[PV_META_WHY_MAX] = "";
    struct pv_meta *meta;
    struct pv_meta_stats stats;
    if (access(path, F_OK)) return PV_OK;
    enum pv_err err = pv_meta_sqlite_open(path, &meta, meta_why);
    if (err) {
        snprintf(why, PV_CONFIG_WHY_MAX, "%s", meta_why);
        return err;
    }
    err = meta->ops->stats(meta, &stats);
    meta->ops->close(meta);
    snprintf(key, sizeof key, "%s/log.key", config->data);
    if (err) {
        snprintf(why, PV_CONFIG_WHY_MAX, "the metadata store %.512s cannot be read: %s", path, pv_err_text(err));
    } else if (stats.rooms && access(key, F_OK)) {
        snprintf(why, PV_CONFIG_WHY_MAX, "the log key %.512s is gone, though rooms stand here: restore it", key);
        err = PV_ERR_CORRUPT;
    }
    return err;
}

static enum pv_err check_blobs(const struct pv_config *config, char why[static PV_CONFIG_WHY_MAX])
{
    const char *dir = config->blobs + strlen("fs:");
    struct stat status;
    if (stat(dir, &status)) return PV_OK;
    if (S_ISDIR(status.st_mode) && access(dir, R_OK | W_OK | X_OK) == 0) return PV_OK;
    snprintf(why, PV_CONFIG_WHY_MAX, "the blob store %.512s is no directory that this user can write to", dir);
    return PV_ERR_IO;
}

/* Where the data will lie, or of what is there of the path. */
static enum pv_err check_space(const struct pv_config *config, char why[static PV_CONFIG_WHY_MAX])
{
    char path[PV_CONFIG_TEXT_MAX];
    struct statvfs disk;
    snprintf(path, sizeof path, "%s", config->data);
    while (statvfs(*path ? path : "/", &disk)) {
        char *slash = strrchr(path, '/');
        if (!*path || !slash) return PV_OK;
        *slash = 0;
    }
    if (disk.f_blocks == 0) return PV_OK; /* no disk */
    uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (left >= FREE_BYTES_MIN) return PV_OK;
    snprintf(why, PV_CONFIG_WHY_MAX, "the disk of %.512s has %" PRIu64 " bytes left: a server wants at least %d", config->data,
             left, FREE_BYTES_MIN);
    return PV_ERR_FULL;
}

static void note_files(const struct pv_config *config)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= config->connections) return;
    printf("note  open files are limited to %" PRIu64 ": there will be fewer connections than %" PRIu64 "\n",
           (uint64_t)limit.rlim_max, config->connections);
}

static bool check_sandbox(const struct pv_config *config)
{
    struct pv_sandbox sandbox = {false, 0};
    if (config->sandbox == PV_SANDBOX_OFF) {
        puts("note  the sandbox is switched off");
        return true;
    }
    sandbox = pv_sandbox_try();
    bool bad = config->sandbox == PV_SANDBOX_REQUIRED && !pv_sandbox_is_whole(&sandbox);
    printf("%-5s sandbox: system calls %s, files ", bad ? "bad" : pv_sandbox_is_whole(&sandbox) ? "good" : "note",
           sandbox.calls ? "limited (seccomp)" : "not limited: no seccomp here");
    if (sandbox.files) printf("limited (Landlock %d)\n", sandbox.files);
    else puts("not limited: no Landlock here");
    fflush(stdout);
    if (bad) fprintf(stderr, "privityd: the sandbox is required, and this kernel or container lacks a part of it\n");
    return !bad;
}

/* A start warns of it too. */
static void note_name(const struct pv_config *config)
{
    char host[256];
    uint16_t port;
    if (*config->public_url || pv_config_split_listen(config->listen, host, &port)) return;
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        puts("note  no public-url is set: clients of other machines cannot sign in; give --public-url https://HOST");
}

int pv_check_config(const struct pv_config *config)
{
    char why[PV_CONFIG_WHY_MAX] = "";
    bool locked = false;
    int listener = -1;
    uint16_t port;
    struct pv_user user = {.uid = geteuid()};
    bool good = !*config->user || say("user", pv_user_find(config, &user, why), why);
    /* A directory that is missing is made before anybody else is become. */
    if (good && access(config->data, F_OK) == 0 && pv_user_try(&user)) good = say("user", PV_ERR_DENIED, "this process cannot become that user");
    good = good && say("data directory and log key", pv_data_check(config->data, &locked, why), why);
    if (good) good = say("metadata store", check_meta(config, why), why);
    good &= say("blob store", check_blobs(config, why), why);
    good &= say("space on the disk", check_space(config, why), why);
    pv_user_untry(&user);
    if (*config->tls_cert) good &= say("certificate and key", pv_tls_check(config->tls_cert, config->tls_key, why), why);
    /* The server that runs on this data has the port. */
    if (!locked) good &= say("address and port", pv_listen_open(config, &listener, &port, why), why);
    if (listener >= 0) close(listener);
    good &= check_sandbox(config);
    note_files(config);
    note_name(config);
    if (pv_user_is_unsaid_root(&user)) puts("note  the server would run as root: give it a user of its own with --user NAME");
    if (!good) return 1;
    puts(locked ? "the configuration is good; a server runs on its data directory" : "the configuration is good");
    return 0;
}
