/* A backup's directory: what it is known by, its manifest, and the files that it names.
 *
 *   DIR/privity-backup  says whose it is; locked by who works on it
 *   DIR/manifest        [content, SHA-256 of content]; names a generation, written last
 *   DIR/meta.G.db       the metadata store as of one moment
 *   DIR/notes.G         the newest note of each room, byte strings one after another
 *   DIR/blobs/          as a blob store of files
 * What a manifest does not name is of a backup that was cut, and goes with the next one. */
#ifndef PV_SERVER_BACKUP_DIR_H
#define PV_SERVER_BACKUP_DIR_H

#include "server/config.h"

enum { PV_BACKUP_PATH_MAX = PV_CONFIG_TEXT_MAX + 64 };

struct pv_backup_manifest {
    uint64_t generation, time_ms;
    char program[32];          /* version that made it */
    struct pv_sign_pk log_pk;  /* whose rooms they are */
    uint64_t rooms, entries, accounts, blobs, blob_bytes;
    uint64_t meta_bytes, notes_bytes;
    struct pv_hash meta_sha256, notes_sha256;
};

struct pv_backup_dir {
    const char *path;
    int fd, lock;
    bool has_manifest;
    struct pv_backup_manifest manifest;
};

/* Open, and with `make` begin, a directory of backups; nobody else works on it until it is closed.
 * Errors: DENIED: something else's, or open to others; NOT_FOUND; CONFLICT: in use; CORRUPT: the manifest;
 * `ret_why` is a sentence. */
PV_MUST_USE enum pv_err pv_backup_dir_open(const char *path, bool make, struct pv_backup_dir *ret_dir,
                                           char ret_why[static PV_CONFIG_WHY_MAX]);
void pv_backup_dir_close(struct pv_backup_dir *dir);
/* "DIR/meta.G.db" and the like. */
void pv_backup_meta_path(const struct pv_backup_dir *dir, uint64_t generation, char ret_path[static PV_BACKUP_PATH_MAX]);
void pv_backup_notes_path(const struct pv_backup_dir *dir, uint64_t generation, char ret_path[static PV_BACKUP_PATH_MAX]);
void pv_backup_blobs_path(const struct pv_backup_dir *dir, char ret_path[static PV_BACKUP_PATH_MAX]);
/* Durable; from here on the directory holds this backup. */
PV_MUST_USE enum pv_err pv_backup_manifest_write(struct pv_backup_dir *dir, const struct pv_backup_manifest *manifest);
/* Remove the files of every other generation. */
void pv_backup_dir_tidy(const struct pv_backup_dir *dir, uint64_t keep);
/* Are the files that the manifest names those that it names? Errors: CORRUPT, IO; `ret_why` says which. */
PV_MUST_USE enum pv_err pv_backup_files_check(const struct pv_backup_dir *dir, char ret_why[static PV_CONFIG_WHY_MAX]);

/* ---- files */

PV_MUST_USE enum pv_err pv_file_sha256(const char *path, uint64_t *ret_bytes, struct pv_hash *ret_hash);
/* A durable copy under a name that is not taken, 0600. Errors: CONFLICT, FULL, IO. */
PV_MUST_USE enum pv_err pv_file_copy(const char *from, const char *to);
/* Sync a file or directory. */
PV_MUST_USE enum pv_err pv_file_sync(const char *path);
PV_MUST_USE enum pv_err pv_file_error(int number);

#endif
