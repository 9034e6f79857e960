/* Checking a backup: every byte of it is read, and blobs that are damaged are set aside, so that the next backup, which
 * copies none that is there with its size, copies them anew. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/backup.h"
#include "server/daemon.h"

enum { NAMED_MAX = 32 };

/* A restore could not use it either; what is left of it may still help somebody. `is_named`: on standard error. */
static void set_aside(const struct pv_backup_dir *dir, const struct pv_id16 *lost, bool is_named)
{
    char blobs[PV_BACKUP_PATH_MAX], path[PV_BACKUP_PATH_MAX + 64], aside[sizeof path + 16], locator[33];
    pv_backup_blobs_path(dir, blobs);
    pv_hex_encode(lost->b, sizeof lost->b, locator);
    snprintf(path, sizeof path, "%s/%.2s/%s", blobs, locator, locator);
    snprintf(aside, sizeof aside, "%s.damaged", path);
    int failed = rename(path, aside) ? errno : 0;
    if (!is_named) return;
    if (!failed) fprintf(stderr, "privityd: damaged, and set aside as %s\n", aside);
    else if (failed == ENOENT) fprintf(stderr, "privityd: missing: %s\n", path);
    else fprintf(stderr, "privityd: damaged, and to be removed by hand (%s): %s\n", strerrordesc_np(failed), path);
}

static void set_all_aside(const struct pv_backup_dir *dir, const struct pv_backup_count *count)
{
    for (size_t i = 0; i < count->lost_count; i++) set_aside(dir, &count->lost[i], i < NAMED_MAX);
    if (count->lost_count > NAMED_MAX) fprintf(stderr, "privityd: and %zu more, likewise\n", count->lost_count - NAMED_MAX);
}

static enum pv_err verify_blobs(const struct pv_backup_dir *dir, struct pv_backup_count *count, char why[static PV_CONFIG_WHY_MAX])
{
    char path[PV_BACKUP_PATH_MAX], meta_why[PV_META_WHY_MAX] = "";
    struct pv_meta *meta;
    struct pv_blobs *blobs;
    pv_backup_blobs_path(dir, path);
    enum pv_err err = pv_blobs_fs_open(path, &blobs);
    if (err) return err;
    pv_backup_meta_path(dir, dir->manifest.generation, path);
    err = pv_meta_sqlite_open(path, &meta, meta_why);
    if (err) {
        snprintf(why, PV_CONFIG_WHY_MAX, "%s", meta_why);
    } else {
        err = pv_backup_blobs(meta, blobs, NULL, count);
        meta->ops->close(meta);
    }
    blobs->ops->close(blobs);
    if (!err && count->lost_count) {
        set_all_aside(dir, count);
        snprintf(why, PV_CONFIG_WHY_MAX, "%zu blobs are missing or damaged: take the backup again, which copies them anew",
                 count->lost_count);
        err = PV_ERR_CORRUPT;
    }
    return err;
}

int pv_backup_verify(const char *path, bool json)
{
    char why[PV_CONFIG_WHY_MAX] = "";
    struct pv_backup_dir dir;
    struct pv_backup_count count = {0};
    int status = 0;
    enum pv_err err = pv_backup_dir_open(path, false, &dir, why);
    if (err) return pv_backup_fail(why, err);
    err = pv_backup_files_check(&dir, why);
    if (!err) err = verify_blobs(&dir, &count, why);
    if (!err && json) {
        const struct pv_admin_count counts[] = {{"rooms", dir.manifest.rooms}, {"entries", dir.manifest.entries},
                                                {"blobs", count.all}, {"blob_bytes", count.bytes}};
        status = pv_admin_print_counts(counts, sizeof counts / sizeof *counts);
    } else if (!err) {
        printf("whole: %" PRIu64 " rooms, %" PRIu64 " entries, %" PRIu64 " blobs of %" PRIu64 " bytes\n", dir.manifest.rooms,
               dir.manifest.entries, count.all, count.bytes);
    }
    free(count.lost);
    pv_backup_dir_close(&dir);
    return err ? pv_backup_fail(why, err) : status;
}
