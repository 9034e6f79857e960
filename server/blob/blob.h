/* The blob store: bytes under a random locator, written once, whole and durably.
 *
 * Which blobs exist is for the metadata store to say; here nothing has a name. Calls may come from any thread, a
 * writer from one at a time. Every implementation runs tests/conformance.
 * Errors everywhere: IO, FULL, NOMEM. */
#ifndef PV_BLOB_BLOB_H
#define PV_BLOB_BLOB_H

#include "core/base/bytes.h"

struct pv_blobs;
struct pv_blob_writer; /* each store's own */

struct pv_blob_ops {
    void (*close)(struct pv_blobs *blobs);
    enum pv_err (*check)(struct pv_blobs *blobs);
    enum pv_err (*begin)(struct pv_blobs *blobs, const struct pv_id16 *locator, struct pv_blob_writer **ret_writer);
    enum pv_err (*write)(struct pv_blob_writer *writer, const void *p, size_t n);
    /* Durable when OK. Frees the writer in any case. Errors: CONFLICT: the locator is taken. */
    enum pv_err (*commit)(struct pv_blob_writer *writer);
    /* The same, under another locator than it was begun with. */
    enum pv_err (*commit_as)(struct pv_blob_writer *writer, const struct pv_id16 *locator);
    /* Drop what was written and free the writer; NULL is nothing. */
    void (*abandon)(struct pv_blob_writer *writer);
    /* Append bytes [offset, offset + n). Errors: NOT_FOUND; TRUNCATED: the blob is shorter. */
    enum pv_err (*read)(struct pv_blobs *blobs, const struct pv_id16 *locator, uint64_t offset, size_t n,
                        struct pv_buf *ret_bytes);
    /* A file descriptor to send from, the caller's to close. Errors: NOT_FOUND; UNSUPPORTED: this store has no files,
     * use read. */
    enum pv_err (*open)(struct pv_blobs *blobs, const struct pv_id16 *locator, int *ret_fd);
    /* One that is not there is no error. */
    enum pv_err (*remove)(struct pv_blobs *blobs, const struct pv_id16 *locator);
    /* Every blob with the time of its writing, until `each` fails. */
    enum pv_err (*each)(struct pv_blobs *blobs,
                        enum pv_err (*each)(void *context, const struct pv_id16 *locator, uint64_t written_ms),
                        void *context);
    /* Let a blob be found by its name, 16 bytes that its reader can derive, should the metadata be lost. Not durable by
     * itself; a name that is taken stays whose it is. */
    enum pv_err (*name)(struct pv_blobs *blobs, const struct pv_id16 *locator, const struct pv_id16 *name);
    /* Make what has that name a blob under a new locator, too. Errors: NOT_FOUND; CONFLICT: the locator is taken. */
    enum pv_err (*find)(struct pv_blobs *blobs, const struct pv_id16 *name, const struct pv_id16 *locator);
    /* Forget names of what is gone. */
    enum pv_err (*tidy)(struct pv_blobs *blobs);
    /* One file apart from all blobs, for server/heads. Append, durably; a power cut may leave a beginning of it. */
    enum pv_err (*heads_add)(struct pv_blobs *blobs, struct pv_bytes bytes);
    /* Put these in the place of all that is there, durably and at once; what was there may stay beside it. */
    enum pv_err (*heads_replace)(struct pv_blobs *blobs, struct pv_bytes bytes, bool keeps_old);
    /* Append all. Errors: NOT_FOUND: there are none; the buffer's. */
    enum pv_err (*heads_read)(struct pv_blobs *blobs, struct pv_buf *ret_bytes);
};

struct pv_blobs {
    const struct pv_blob_ops *ops;
};

/* Files under `dir`, which is made if absent. Errors: DENIED: not a directory of ours. */
PV_MUST_USE enum pv_err pv_blobs_fs_open(const char *dir, struct pv_blobs **ret_blobs);
/* Remove what a process that died had half written; for the one alone that may write here. */
void pv_blobs_fs_sweep(struct pv_blobs *blobs);
PV_MUST_USE enum pv_err pv_blobs_memory_open(struct pv_blobs **ret_blobs);

#endif
