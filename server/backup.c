/* Taking a backup: a copy of the metadata as of one moment, then every blob that it names. */
#include "server/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cbor.h"
#include "server/daemon.h"
#include "server/data.h"

enum { PART_BYTES = 256 * 1024, PRUNE_AT_ONCE = 256 };

int pv_backup_fail(const char *why, enum pv_err err)
{
    fprintf(stderr, "privityd: %s\n", *why ? why : pv_err_text(err));
    return pv_err_exit_status(err);
}

static void show(const char *what, uint64_t done, uint64_t total)
{
    if (!isatty(STDERR_FILENO)) return;
    fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 "%s", what, done, total, done == total ? "\n" : "");
}

/* ---- blobs */

static bool has_size(struct pv_blobs *blobs, const struct pv_meta_blob *blob)
{
    struct stat status;
    int fd;
    if (blobs->ops->open(blobs, &blob->locator, &fd)) return false;
    bool has = fstat(fd, &status) == 0 && (uint64_t)status.st_size == blob->size_bytes;
    close(fd);
    return has;
}

/* Read it, into `writer` if there is one. CORRUPT: other bytes than the row's. */
static enum pv_err read_blob(struct pv_blobs *from, const struct pv_meta_blob *blob, struct pv_blobs *to,
                             struct pv_blob_writer *writer)
{
    struct pv_sha256 sha;
    struct pv_hash found;
    struct pv_buf part;
    enum pv_err err = PV_OK;
    pv_sha256_init(&sha);
    pv_buf_init(&part, PART_BYTES);
    for (uint64_t at = 0; !err && at < blob->size_bytes; at += part.n) {
        uint64_t left = blob->size_bytes - at;
        pv_buf_clear(&part);
        err = from->ops->read(from, &blob->locator, at, left < PART_BYTES ? (size_t)left : PART_BYTES, &part);
        if (!err) pv_sha256_update(&sha, part.p, part.n);
        if (!err && writer) err = to->ops->write(writer, part.p, part.n);
    }
    pv_buf_release(&part);
    pv_sha256_final(&sha, &found);
    if (err == PV_ERR_TRUNCATED || (!err && !pv_hash_equal(&found, &blob->sha256))) err = PV_ERR_CORRUPT;
    return err;
}

static enum pv_err copy_blob(struct pv_blobs *from, struct pv_blobs *to, const struct pv_meta_blob *blob, uint64_t *ret_copied)
{
    struct pv_blob_writer *writer;
    if (has_size(to, blob)) return PV_OK;
    enum pv_err err = to->ops->remove(to, &blob->locator);
    if (!err) err = to->ops->begin(to, &blob->locator, &writer);
    if (err) return err;
    err = read_blob(from, blob, to, writer);
    if (err) to->ops->abandon(writer);
    else err = to->ops->commit(writer);
    if (!err) ++*ret_copied;
    return err;
}

struct walk {
    struct pv_blobs *from, *to;
    struct pv_backup_count *count;
    uint64_t expected;
};

static enum pv_err walk_blob(void *context, const struct pv_meta_blob *blob)
{
    struct walk *walk = context;
    struct pv_backup_count *count = walk->count;
    enum pv_err err = walk->to ? copy_blob(walk->from, walk->to, blob, &count->copied) : read_blob(walk->from, blob, NULL, NULL);
    if (err == PV_ERR_NOT_FOUND || err == PV_ERR_CORRUPT) {
        struct pv_id16 *more = realloc(count->lost, (count->lost_count + 1) * sizeof *more);
        if (!more) return PV_ERR_NOMEM;
        count->lost = more;
        more[count->lost_count++] = blob->locator;
        return PV_OK;
    }
    if (err) return err;
    count->all++;
    count->bytes += blob->size_bytes;
    if (count->all % 64 == 0 || count->all == walk->expected) show("blobs", count->all, walk->expected);
    return PV_OK;
}

enum pv_err pv_backup_blobs(struct pv_meta *meta, struct pv_blobs *from, struct pv_blobs *to, struct pv_backup_count *count)
{
    struct pv_meta_stats stats;
    enum pv_err err = meta->ops->stats(meta, &stats);
    struct walk walk = {from, to, count, err ? 0 : stats.blobs};
    return err ? err : meta->ops->each_blob(meta, walk_blob, &walk);
}

/* What went in between because nothing refers to it goes from the copy too; the rest is truly lost. */
static enum pv_err drop_unreferenced(struct pv_meta *meta, struct pv_backup_count *count)
{
    size_t left = 0;
    for (size_t i = 0; i < count->lost_count; i++) {
        enum pv_err err = meta->ops->blob_drop(meta, &count->lost[i]);
        if (err == PV_ERR_CONFLICT) count->lost[left++] = count->lost[i];
        else if (err) return err;
    }
    count->lost_count = left;
    return PV_OK;
}

struct prune {
    struct pv_meta *meta;
    struct pv_id16 found[PRUNE_AT_ONCE];
    size_t count;
};

static enum pv_err find_stray(void *context, const struct pv_id16 *locator, uint64_t written_ms)
{
    struct prune *prune = context;
    bool known;
    (void)written_ms;
    if (prune->count == PRUNE_AT_ONCE) return PV_ERR_LIMIT; /* ends the walk */
    enum pv_err err = prune->meta->ops->blob_known(prune->meta, locator, &known);
    if (!err && !known) prune->found[prune->count++] = *locator;
    return err;
}

/* Blobs of earlier backups that this one does not name. */
static enum pv_err prune(struct pv_meta *meta, struct pv_blobs *blobs)
{
    struct prune prune = {.meta = meta, .count = PRUNE_AT_ONCE};
    enum pv_err err = PV_OK;
    while (!err && prune.count == PRUNE_AT_ONCE) {
        prune.count = 0;
        err = blobs->ops->each(blobs, find_stray, &prune);
        if (err == PV_ERR_LIMIT) err = PV_OK;
        for (size_t i = 0; i < prune.count && !err; i++) err = blobs->ops->remove(blobs, &prune.found[i]);
    }
    return err;
}

/* ---- metadata */

static void show_pages(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    show("metadata", done, total);
}

static enum pv_err put_note(void *context, const struct pv_meta_room *room, struct pv_bytes note)
{
    uint8_t head[PV_CBOR_HEAD_MAX];
    size_t n = pv_cbor_head(PV_CBOR_BYTES, note.n, head);
    (void)room;
    return fwrite(head, 1, n, context) == n && fwrite(note.p, 1, note.n, context) == note.n ? PV_OK : pv_file_error(errno);
}

static enum pv_err write_notes(struct pv_meta *meta, const char *path)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        if (fd >= 0) close(fd);
        return pv_file_error(errno);
    }
    enum pv_err err = meta->ops->each_note(meta, put_note, file);
    if (!err && (fflush(file) || fsync(fd))) err = pv_file_error(errno);
    fclose(file);
    return err;
}

struct taking {
    struct pv_server *server;
    struct pv_backup_dir dir;
    struct pv_backup_manifest manifest;
    struct pv_backup_count blobs;
    char meta_path[PV_BACKUP_PATH_MAX], notes_path[PV_BACKUP_PATH_MAX];
};

static enum pv_err snapshot(struct taking *taking, struct pv_meta **ret_meta, char why[static PV_CONFIG_WHY_MAX])
{
    struct pv_meta *meta = taking->server->meta;
    char meta_why[PV_META_WHY_MAX] = "";
    unlink(taking->meta_path); /* of a backup that was cut */
    enum pv_err err = meta->ops->snapshot(meta, taking->meta_path, show_pages, NULL);
    if (err) snprintf(why, PV_CONFIG_WHY_MAX, "the metadata cannot be copied: %s", pv_err_text(err));
    else err = pv_meta_sqlite_open(taking->meta_path, ret_meta, meta_why);
    if (*meta_why) snprintf(why, PV_CONFIG_WHY_MAX, "%s", meta_why);
    return err;
}

static enum pv_err copy_all(struct taking *taking, struct pv_meta *meta, struct pv_blobs *blobs)
{
    struct pv_backup_manifest *manifest = &taking->manifest;
    struct pv_meta_stats stats;
    enum pv_err err = pv_backup_blobs(meta, taking->server->blobs, blobs, &taking->blobs);
    if (!err) err = drop_unreferenced(meta, &taking->blobs);
    if (!err) err = write_notes(meta, taking->notes_path);
    if (!err) err = meta->ops->stats(meta, &stats);
    if (err) return err;
    manifest->rooms = stats.rooms;
    manifest->entries = stats.entries;
    manifest->accounts = stats.accounts;
    manifest->blobs = stats.blobs;
    manifest->blob_bytes = stats.blob_bytes;
    return PV_OK;
}

/* The files are complete and at rest: write down what they are. */
static enum pv_err seal(struct taking *taking)
{
    struct pv_backup_manifest *manifest = &taking->manifest;
    enum pv_err err = pv_file_sync(taking->meta_path);
    if (!err) err = pv_file_sha256(taking->meta_path, &manifest->meta_bytes, &manifest->meta_sha256);
    if (!err) err = pv_file_sha256(taking->notes_path, &manifest->notes_bytes, &manifest->notes_sha256);
    if (!err) err = pv_backup_manifest_write(&taking->dir, manifest);
    if (!err) pv_backup_dir_tidy(&taking->dir, manifest->generation);
    return err;
}

static enum pv_err tidy_blobs(struct taking *taking, struct pv_blobs *blobs)
{
    char why[PV_META_WHY_MAX];
    struct pv_meta *meta;
    enum pv_err err = pv_meta_sqlite_open(taking->meta_path, &meta, why);
    if (err) return err;
    err = prune(meta, blobs);
    meta->ops->close(meta);
    return err;
}

static enum pv_err take(struct taking *taking, char why[static PV_CONFIG_WHY_MAX])
{
    char blobs_path[PV_BACKUP_PATH_MAX];
    struct pv_blobs *blobs;
    struct pv_meta *meta = NULL;
    pv_backup_meta_path(&taking->dir, taking->manifest.generation, taking->meta_path);
    pv_backup_notes_path(&taking->dir, taking->manifest.generation, taking->notes_path);
    pv_backup_blobs_path(&taking->dir, blobs_path);
    enum pv_err err = pv_blobs_fs_open(blobs_path, &blobs);
    if (err) return err;
    pv_blobs_fs_sweep(blobs);
    err = snapshot(taking, &meta, why);
    if (!err) err = copy_all(taking, meta, blobs);
    if (meta) meta->ops->close(meta);
    if (!err) err = seal(taking);
    if (!err) err = tidy_blobs(taking, blobs);
    blobs->ops->close(blobs);
    return err;
}

/* ---- the log key */

static enum pv_err find_key(struct taking *taking, const struct pv_config *config, char why[static PV_CONFIG_WHY_MAX])
{
    struct pv_sign_sk sk;
    enum pv_err err = pv_data_log_key(config->data, false, &taking->server->random, &sk, &taking->manifest.log_pk, why);
    pv_wipe(&sk, sizeof sk);
    return err;
}

static enum pv_err copy_key(const struct pv_config *config, const char *to, char why[static PV_CONFIG_WHY_MAX])
{
    char from[PV_BACKUP_PATH_MAX];
    struct pv_hash here, there;
    snprintf(from, sizeof from, "%s/log.key", config->data);
    enum pv_err err = pv_file_copy(from, to);
    if (err == PV_ERR_CONFLICT) {
        err = pv_file_sha256(from, NULL, &here);
        if (!err) err = pv_file_sha256(to, NULL, &there);
        if (!err && !pv_hash_equal(&here, &there)) err = PV_ERR_CONFLICT;
    }
    if (err) snprintf(why, PV_CONFIG_WHY_MAX, "the log key cannot be copied to %.512s: %s", to, pv_err_text(err));
    return err;
}

/* ---- the commands */

static int report(const struct taking *taking, bool json)
{
    const struct pv_backup_manifest *manifest = &taking->manifest;
    const struct pv_admin_count counts[] = {{"rooms", manifest->rooms}, {"entries", manifest->entries}, {"accounts", manifest->accounts},
                                            {"blobs", manifest->blobs}, {"blob_bytes", manifest->blob_bytes},
                                            {"blobs_copied", taking->blobs.copied}, {"blobs_lost", taking->blobs.lost_count}};
    if (json) {
        int printed = pv_admin_print_counts(counts, sizeof counts / sizeof *counts);
        if (printed) return printed;
    } else {
        printf("%" PRIu64 " rooms, %" PRIu64 " entries, %" PRIu64 " accounts, %" PRIu64 " blobs of %" PRIu64 " bytes (%" PRIu64 " new)\n",
               manifest->rooms, manifest->entries, manifest->accounts, manifest->blobs, manifest->blob_bytes, taking->blobs.copied);
    }
    if (!taking->blobs.lost_count) return 0;
    fprintf(stderr, "privityd: the backup is whole but for %zu blobs that entries refer to: the blob store has lost or damaged them\n",
            taking->blobs.lost_count);
    return 1;
}

int pv_backup_take(struct pv_server *server, const struct pv_config *config, const char *path, const char *key_file)
{
    char why[PV_CONFIG_WHY_MAX] = "";
    struct taking taking = {.server = server, .manifest.time_ms = pv_server_now_ms(server), .manifest.program = PV_SERVER_VERSION};
    enum pv_err err = find_key(&taking, config, why);
    if (!err) err = pv_backup_dir_open(path, true, &taking.dir, why);
    if (err) return pv_backup_fail(why, err);
    taking.manifest.generation = taking.dir.has_manifest ? taking.dir.manifest.generation + 1 : 1;
    if (key_file) err = copy_key(config, key_file, why);
    if (!err) err = take(&taking, why);
    if (err && !*why) snprintf(why, sizeof why, "the backup was not finished: %s", pv_err_text(err));
    int status = err ? pv_backup_fail(why, err) : report(&taking, config->json);
    free(taking.blobs.lost);
    pv_backup_dir_close(&taking.dir);
    return status;
}
