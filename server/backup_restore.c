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
#include "server/heads.h"

struct restoring {
    struct pv_server *server;
    const struct pv_config *config;
    struct pv_backup_dir dir;
    struct pv_backup_count blobs;
    struct pv_heads_list heads; /* that stood beside the blobs */
    bool blobs_are_last;        /* the operator's word: it is the store that served last, and no copy of it */
    uint64_t heads_wait, heads_open;
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

/* Is that key the one that the backup's rooms know? */
static enum pv_err check_key(const struct restoring *restoring, const char *path, const char *shown, char why[static PV_CONFIG_WHY_MAX])
{
    struct pv_sign_pk pk;
    enum pv_err err = pv_data_key_file(path, &pk, why);
    if (err == PV_ERR_CORRUPT && shown != path)
        snprintf(why, PV_CONFIG_WHY_MAX, "%.512s is no log key, or damaged: name another copy of it", shown);
    if (err || memcmp(pk.b, restoring->dir.manifest.log_pk.b, sizeof pk.b) == 0) return err;
    snprintf(why, PV_CONFIG_WHY_MAX, "the log key %.512s is not that of the backup's rooms", shown);
    return PV_ERR_DENIED;
}

/* In the data directory already, or from its own copy, which gets its name there once it is the right one. */
static enum pv_err put_key(struct restoring *restoring, const char *key_file, char why[static PV_CONFIG_WHY_MAX])
{
    const char *dir = restoring->config->data;
    char path[PV_BACKUP_PATH_MAX], beside[PV_BACKUP_PATH_MAX];
    snprintf(path, sizeof path, "%s/log.key", dir);
    snprintf(beside, sizeof beside, "%s/log.key.new", dir);
    if (access(path, F_OK) == 0) return check_key(restoring, path, path, why);
    if (!key_file) {
        snprintf(why, PV_CONFIG_WHY_MAX, "the log key is neither in %.512s nor named: put it there as log.key, or name its copy", dir);
        return PV_ERR_NOT_FOUND;
    }
    unlink(beside); /* of a restore that was cut */
    enum pv_err err = pv_file_copy(key_file, beside);
    if (err) {
        snprintf(why, PV_CONFIG_WHY_MAX, "the log key %.512s cannot be copied: %s", key_file, pv_err_text(err));
        return err;
    }
    err = check_key(restoring, beside, key_file, why);
    if (!err && rename(beside, path)) err = pv_file_error(errno);
    if (err) unlink(beside);
    return err ? err : pv_file_sync(dir);
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
    if (!err) pv_blobs_fs_sweep(to);
    if (!err) err = pv_meta_sqlite_open(meta_path, &meta, meta_why);
    if (*meta_why) snprintf(why, PV_CONFIG_WHY_MAX, "%s", meta_why);
    if (!err) err = pv_backup_blobs(meta, from, to, &restoring->blobs);
    if (meta) meta->ops->close(meta);
    if (to) to->ops->close(to);
    from->ops->close(from);
    return err;
}

/* Before anything is written: what stands beside the blobs is a server's, or the operator is told. */
static enum pv_err read_heads(struct restoring *restoring, char why[static PV_CONFIG_WHY_MAX])
{
    const char *dir = restoring->config->blobs + strlen("fs:");
    struct pv_blobs *blobs;
    enum pv_err err = pv_blobs_fs_open(dir, &blobs);
    if (err) return err;
    err = pv_heads_read(blobs, &restoring->dir.manifest.log_pk, &restoring->heads);
    blobs->ops->close(blobs);
    if (err == PV_ERR_NOT_FOUND) return PV_OK;
    if (err == PV_ERR_CORRUPT)
        snprintf(why, PV_CONFIG_WHY_MAX, "%.512s/heads is damaged, or of another server, at byte %" PRIu64
                 ": nothing was put back; move that file away to go on without what it knows", dir, restoring->heads.damaged_at);
    return err;
}

/* A room that is longer than its head shows that this store served no longer than until then. */
static enum pv_err find_contradiction(struct restoring *restoring, struct pv_meta *meta, bool *ret_is_last)
{
    bool is_last = restoring->blobs_are_last && restoring->heads.is_all;
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < restoring->heads.count && is_last && !err; i++) {
        struct pv_meta_room row;
        err = meta->ops->room(meta, &restoring->heads.notes[i].room, &row);
        if (!err && row.size > restoring->heads.notes[i].checkpoint.size) is_last = false;
        if (err == PV_ERR_NOT_FOUND) err = PV_OK; /* it came after the backup */
    }
    *ret_is_last = is_last;
    return err;
}

/* Its own note has to say the same of the tree: as long, it may be another, from before an earlier restore. */
static enum pv_err open_if_whole(struct pv_meta *meta, const struct pv_meta_room *row, const struct pv_head_note *head, bool *ret_opens)
{
    struct pv_checkpoint ours;
    struct pv_buf note;
    uint64_t size;
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    enum pv_err err = meta->ops->note(meta, row->no, &note, &size);
    if (!err) err = pv_checkpoint_peek(pv_buf_bytes(&note), &ours);
    pv_buf_release(&note);
    *ret_opens = !err && size == head->checkpoint.size && pv_hash_equal(&ours.root, &head->checkpoint.root);
    return err || !*ret_opens ? err : meta->ops->open_room(meta, row->no, size);
}

static enum pv_err put_heads(struct restoring *restoring, struct pv_meta *meta)
{
    bool is_last;
    enum pv_err err = find_contradiction(restoring, meta, &is_last);
    for (size_t i = 0; i < restoring->heads.count && !err; i++) {
        const struct pv_head_note *head = &restoring->heads.notes[i];
        struct pv_meta_room row = {.no = 0};
        bool opens = false;
        err = meta->ops->room(meta, &head->room, &row);
        if (err == PV_ERR_NOT_FOUND) err = PV_OK;
        if (!err) err = meta->ops->keep_head(meta, &head->room, head->checkpoint.size, head->note, is_last);
        if (!err && is_last && row.no && row.size == head->checkpoint.size) err = open_if_whole(meta, &row, head, &opens);
        restoring->heads_open += opens;
        restoring->heads_wait += head->checkpoint.size > row.size;
    }
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
    if (!err) err = put_heads(restoring, meta);
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
    if (!err) err = read_heads(restoring, why);
    if (!err) err = put_key(restoring, key_file, why);
    if (!err) err = put_blobs(restoring, meta_path, why);
    if (!err) err = put_meta(restoring, meta_path, why);
    return err;
}

static void report(const struct restoring *restoring)
{
    const struct pv_backup_manifest *manifest = &restoring->dir.manifest;
    printf("%" PRIu64 " rooms, %" PRIu64 " entries, %" PRIu64 " blobs (%" PRIu64 " copied)\n", manifest->rooms, manifest->entries,
           restoring->blobs.all, restoring->blobs.copied);
    if (restoring->heads_wait)
        printf("beside the blobs stand newer heads of %" PRIu64 " rooms: each waits for what leads up to its own\n", restoring->heads_wait);
    if (restoring->heads_open)
        printf("%" PRIu64 " rooms are whole, and open; every other one is read-only until its members have given back what came after the backup\n",
               restoring->heads_open);
    else
        puts("every room is read-only until its members have given back what came after the backup");
}

static void warn(const struct restoring *restoring)
{
    if (restoring->blobs_are_last && !restoring->heads.count)
        fputs("privityd: no heads stand beside the blobs: rooms open as after any restore\n", stderr);
    else if (restoring->blobs_are_last && !restoring->heads_open && !restoring->heads.is_all)
        fputs("privityd: the server that wrote here last did not stop in order, so its heads may not be the newest: rooms open as after any restore\n",
              stderr);
    if (restoring->blobs.lost_count)
        fprintf(stderr, "privityd: %zu blobs are missing or damaged in the backup: the files in them are lost\n", restoring->blobs.lost_count);
}

static int run(struct pv_server *server, const struct pv_config *config, const char *path, const char *key_file, bool blobs_are_last)
{
    char why[PV_CONFIG_WHY_MAX] = "";
    struct restoring restoring = {.server = server, .config = config, .blobs_are_last = blobs_are_last, .lock = -1};
    pv_buf_init(&restoring.heads.bytes, 1);
    enum pv_err err = pv_backup_dir_open(path, false, &restoring.dir, why);
    if (err) return pv_backup_fail(why, err);
    err = restore(&restoring, key_file, why);
    if (err && !*why) snprintf(why, sizeof why, "the backup was not put back: %s; the same command begins anew", pv_err_text(err));
    int status = err ? pv_backup_fail(why, err) : restoring.blobs.lost_count > 0;
    const struct pv_admin_count counts[] = {{"rooms", restoring.dir.manifest.rooms}, {"entries", restoring.dir.manifest.entries},
                                            {"blobs", restoring.blobs.all}, {"blobs_copied", restoring.blobs.copied},
                                            {"blobs_lost", restoring.blobs.lost_count}, {"rooms_behind_heads", restoring.heads_wait},
                                            {"rooms_open", restoring.heads_open}};
    if (!err && config->json) {
        int printed = pv_admin_print_counts(counts, sizeof counts / sizeof *counts);
        if (printed) status = printed;
    } else if (!err) {
        report(&restoring);
    }
    if (!err) warn(&restoring);
    free(restoring.blobs.lost);
    pv_heads_list_release(&restoring.heads);
    if (restoring.lock >= 0) close(restoring.lock);
    pv_backup_dir_close(&restoring.dir);
    return status;
}

int pv_backup_restore(struct pv_server *server, const struct pv_config *config, const char *path, const char *key_file)
{
    return run(server, config, path, key_file, false);
}

int pv_backup_restore_meta(struct pv_server *server, const struct pv_config *config, const char *path, const char *key_file)
{
    return run(server, config, path, key_file, true);
}
