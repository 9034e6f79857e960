/* Backups of a server's stores: taken while it serves, checked, and put back into an empty data directory. */
#ifndef PV_SERVER_BACKUP_H
#define PV_SERVER_BACKUP_H

#include "server/backup_dir.h"

/* Each returns the command's exit status, and says on standard output what was done, on standard error what failed. */

/* Bring the directory up to what `server`'s stores hold now.
 *   key_file  where the log key's copy goes; NULL: no copy is made */
int pv_backup_take(struct pv_server *server, const struct pv_config *config, const char *path, const char *key_file);
/* Read all of it, and compare with what was written down of it; damaged blobs are set aside. */
int pv_backup_verify(const char *path, bool json);
/* Into the configuration's stores, of which the metadata's is not there yet.
 *   server    clock and randomness; its stores are not open
 *   key_file  the log key's copy; NULL: the data directory has it */
int pv_backup_restore(struct pv_server *server, const struct pv_config *config, const char *path, const char *key_file);
/* The same where only the metadata was lost: the blob store here is the one that served last, and no copy. Rooms open as
 * soon as they are at the heads that stand beside it, if its server stopped in order. */
int pv_backup_restore_meta(struct pv_server *server, const struct pv_config *config, const char *path, const char *key_file);

/* ---- shared by these */

struct pv_backup_count {
    uint64_t all, bytes, copied;
    struct pv_id16 *lost; /* owned: rows whose bytes are not there, or not those of the row */
    size_t lost_count;
};
/* See that `to` has every blob that a row of `meta` names; a NULL `to` only reads. */
PV_MUST_USE enum pv_err pv_backup_blobs(struct pv_meta *meta, struct pv_blobs *from, struct pv_blobs *to,
                                        struct pv_backup_count *count);
int pv_backup_fail(const char *why, enum pv_err err);

#endif
