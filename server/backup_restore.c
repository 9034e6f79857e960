/* Putting a backup back: blobs first, then the metadata, marked and renamed into place, so that a cut one begins anew. */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/backup.h"
#include "server/daemon.h"
#include "server/data.h"

struct restoring {
    struct pv_server *server;
    const struct pv_config *config;
    struct pv_backup_dir dir;
    struct pv_backup_count blobs;
    int lock;
};

/* Nothing that stands is written over, nor a journal left that is of another database. */
static enum pv_err check_absent(const struct pv_config *config, char why[static PV_CONFIG_WHY_MAX])
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    const char *meta = config->meta + strlen("sqlite:");
    char path[PV_BACKUP_PATH_MAX];
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(path, sizeof path, "%s%s", meta, suffixes[i]);
        if (access(path, F_OK) && errno == ENOENT) continue;
        snprintf(why, PV_CONFIG_WHY_MAX, "%.512s is there: a backup is put back where no metadata is; move that away first", path);
        return PV_ERR_CONFLICT;
    }
    return PV_OK;
}

/* The key that the backup's rooms know: in the data directory, or from its own copy. */
static enum pv_err put_key(struct restoring *restoring, const char *key_file, char why[static PV_CONFIG_WHY_MAX])
{
    struct pv_sign_sk sk;
    struct pv_sign_pk pk;
    char path[PV_BACKUP_PATH_MAX];
    snprintf(path, sizeof path, "%s/log.key", restoring->config->data);
    bool had = access(path, F_OK) == 0;
    enum pv_err err = key_file && !had ? pv_file_copy(key_file, path) : PV_OK;
    if (err) {
        snprintf(why, PV_CONFIG_WHY_MAX, "the log key %.512s cannot be copied: %s", key_file, pv_err_text(err));
        return err;
    }
    if (!key_file && !had) {
        snprintf(why, PV_CONFIG_WHY_MAX, "the log key is neither in %.512s nor named: put it there as log.key, or name its copy",
                 restoring->config->data);
        return PV_ERR_NOT_FOUND;
    }
    err = pv_data_log_key(restoring->config->data, false, &restoring->server->random, &sk, &pk, why);
    pv_wipe(&sk, sizeof sk);
    if (!err && memcmp(pk.b, restoring->dir.manifest.log_pk.b, sizeof pk.b) != 0) {
        snprintf(why, PV_CONFIG_WHY_MAX, "the log key %.512s is not that of the backup's rooms", had ? path : key_file);
        err = PV_ERR_DENIED;
    }
    if (err && !had) unlink(path);
    return err;
}

static enum pv_err put_blobs(struct restoring *restoring, const char *meta_path, char why[static PV_CONFIG_WHY_MAX])
{
    char from_path[PV_BACKUP_PATH_MAX], meta_why[PV_META_WHY_MAX] = "";
    struct pv_blobs *from, *to = NULL;
    struct pv_meta *meta = NULL;
    pv_backup_blobs_path(&restoring->dir, from_path);
    enum pv_err err = pv_blobs_fs_open(from_path, &from);
    if (err) return err;
    err = pv_blobs_fs_open(restoring->config->blobs + strlen("fs:"), &to);
    if (!err) err = pv_meta_sqlite_open(meta_path, &meta, meta_why);
    if (*meta_why) snprintf(why, PV_CONFIG_WHY_MAX, "%s", meta_why);
    if (!err) err = pv_backup_blobs(meta, from, to, &restoring->blobs);
    if (meta) meta->ops->close(meta);
    if (to) to->ops->close(to);
    from->ops->close(from);
    return err;
}

/* The copy is marked while it has another name: a server never finds one that is not. */
static enum pv_err put_meta(struct restoring *restoring, const char *from, char why[static PV_CONFIG_WHY_MAX])
{
    const char *to = restoring->config->meta + strlen("sqlite:");
    char beside[PV_BACKUP_PATH_MAX], folder[PV_BACKUP_PATH_MAX], meta_why[PV_META_WHY_MAX] = "";
    struct pv_meta *meta;
    snprintf(beside, sizeof beside, "%s.restoring", to);
    snprintf(folder, sizeof folder, "%s", to);
    unlink(beside);
    enum pv_err err = pv_file_copy(from, beside);
    if (!err) {
        err = pv_meta_sqlite_open(beside, &meta, meta_why);
        if (*meta_why) snprintf(why, PV_CONFIG_WHY_MAX, "%s", meta_why);
    }
    if (err) return err;
    err = meta->ops->mark_restored(meta, pv_server_now_ms(restoring->server));
    meta->ops->close(meta);
    if (!err) err = pv_file_sync(beside);
    if (!err && rename(beside, to)) err = pv_file_error(errno);
    return err ? err : pv_file_sync(dirname(folder));
}

static enum pv_err restore(struct restoring *restoring, const char *key_file, char why[static PV_CONFIG_WHY_MAX])
{
    char meta_path[PV_BACKUP_PATH_MAX];
    pv_backup_meta_path(&restoring->dir, restoring->dir.manifest.generation, meta_path);
    enum pv_err err = pv_backup_files_check(&restoring->dir, why);
    if (!err) err = pv_data_open(restoring->config->data, why);
    if (!err) err = pv_data_lock(restoring->config->data, &restoring->lock, why);
    if (!err) err = check_absent(restoring->config, why);
    if (!err) err = put_key(restoring, key_file, why);
    if (!err) err = put_blobs(restoring, meta_path, why);
    if (!err) err = put_meta(restoring, meta_path, why);
    return err;
}

int pv_backup_restore(struct pv_server *server, const struct pv_config *config, const char *path, const char *key_file)
{
    char why[PV_CONFIG_WHY_MAX] = "";
    struct restoring restoring = {.server = server, .config = config, .lock = -1};
    enum pv_err err = pv_backup_dir_open(path, false, &restoring.dir, why);
    if (err) return pv_backup_fail(why, err);
    err = restore(&restoring, key_file, why);
    if (err && !*why) snprintf(why, sizeof why, "the backup was not put back: %s; the same command begins anew", pv_err_text(err));
    int status = err ? pv_backup_fail(why, err) : restoring.blobs.lost_count > 0;
    const struct pv_admin_count counts[] = {{"rooms", restoring.dir.manifest.rooms}, {"entries", restoring.dir.manifest.entries},
                                            {"blobs", restoring.blobs.all}, {"blobs_copied", restoring.blobs.copied},
                                            {"blobs_lost", restoring.blobs.lost_count}};
    if (!err && config->json) {
        int printed = pv_admin_print_counts(counts, sizeof counts / sizeof *counts);
        if (printed) status = printed;
    } else if (!err) {
        printf("%" PRIu64 " rooms, %" PRIu64 " entries, %" PRIu64 " blobs (%" PRIu64 " copied)\n", restoring.dir.manifest.rooms,
               restoring.dir.manifest.entries, restoring.blobs.all, restoring.blobs.copied);
        puts("every room is read-only until its members have given back what came after the backup");
    }
    if (!err && restoring.blobs.lost_count)
        fprintf(stderr, "privityd: %zu blobs are missing or damaged in the backup: the files in them are lost\n", restoring.blobs.lost_count);
    free(restoring.blobs.lost);
    if (restoring.lock >= 0) close(restoring.lock);
    pv_backup_dir_close(&restoring.dir);
    return status;
}
