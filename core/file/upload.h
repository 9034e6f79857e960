/* Sending files: a step function that turns files' bytes into jobs, blobs to store, and manifests.
 *
 * The driver asks pv_upload_next what to do, does it (now or later, jobs and stores in any order), and
 * reports. All calls come from one thread; only the jobs themselves may run elsewhere. Memory: `slots`
 * times PV_LIMIT_BLOB_BYTES, and the manifests under way.
 *
 * A file is reported when every blob that it names is stored, files in the order begun. After a crash the
 * same file is put again: `find` knows the chunks whose blobs the server has, so only the others are sealed
 * anew. Source: FORMAT.md §11. */
#ifndef PV_FILE_UPLOAD_H
#define PV_FILE_UPLOAD_H

#include "core/file/bulk.h"
#include "core/file/chunker.h"
#include "core/file/pack.h"

enum { PV_UPLOAD_SLOTS_MIN = 4, PV_UPLOAD_SLOTS_MAX = 64 };

struct pv_upload;

struct pv_upload_config {
    const struct pv_gear *gear;     /* borrowed, as is `random` */
    const struct pv_random *random;
    size_t slots;                   /* PV_UPLOAD_SLOTS_MIN to _MAX */
    bool hash_all;                  /* take the SHA-256 of files over PV_LIMIT_FILE_SHA256_BYTES too */

    /* Is there a chunk with this plaintext? Say yes only to one whose blob is stored and which this device
     * wrote or opened itself, or which this very upload reported to `wrote`. May be NULL. */
    bool (*find)(void *context, const struct pv_hash *sha256, uint32_t length_bytes, struct pv_chunk *ret_chunk);
    /* A chunk got its place; its blob is stored once that is reported. May be NULL. */
    void (*wrote)(void *context, const struct pv_chunk *chunk);
    void *context;
};

enum pv_upload_kind {
    PV_UPLOAD_NEXT,  /* pv_upload_begin the next file, or pv_upload_finish */
    PV_UPLOAD_READ,  /* read up to `space_bytes` of the current file to `space`, then pv_upload_read or _read_end */
    PV_UPLOAD_JOB,   /* perform `job`, then pv_upload_job_done */
    PV_UPLOAD_STORE, /* store `blob` durably, then pv_upload_stored */
    PV_UPLOAD_KEEP,  /* append an entry (payload `file_blobs`) that keeps `refs` alive for file `number` */
    PV_UPLOAD_FILE,  /* file `number` is whole: append its entry. What `result` borrows lasts until the next call */
    PV_UPLOAD_WAIT,  /* only jobs and stores on their way can lead on */
    PV_UPLOAD_END    /* all files were reported */
};

struct pv_upload_result {
    uint64_t number;               /* as pv_upload_begin gave it */
    uint64_t size_bytes;
    bool has_sha256;
    struct pv_hash sha256;
    struct pv_chunk_list manifest; /* for pv_file_put */
    struct pv_bytes refs;          /* blob names, 16 bytes each, none twice, at most PV_LIMIT_REFS */
};

struct pv_upload_step {
    enum pv_upload_kind kind;
    uint8_t *space;
    size_t space_bytes;
    struct pv_bulk_job *job;
    const struct pv_blob *blob;
    struct pv_upload_result result; /* KEEP: number and refs alone */
};

/* Errors: LIMIT (slots), NOMEM. */
PV_MUST_USE enum pv_err pv_upload_new(const struct pv_upload_config *config, struct pv_upload **ret_upload);
/* Wipes what it held. Jobs and blobs that were handed out must be done or abandoned by then. */
void pv_upload_free(struct pv_upload *upload);

/* What next? Errors stay: LIMIT (a file over PV_LIMIT_FILE_BYTES), NOMEM, and whatever a job reported. */
PV_MUST_USE enum pv_err pv_upload_next(struct pv_upload *upload, struct pv_upload_step *ret_step);

/* Only when asked by NEXT. Files are numbered from 0. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_upload_begin(struct pv_upload *upload, uint64_t *ret_number);
void pv_upload_finish(struct pv_upload *upload);
/* `n` bytes, 1 to space_bytes, lie in the space of the last READ. */
void pv_upload_read(struct pv_upload *upload, size_t n);
void pv_upload_read_end(struct pv_upload *upload);
void pv_upload_job_done(struct pv_upload *upload, struct pv_bulk_job *job);
void pv_upload_stored(struct pv_upload *upload, const struct pv_blob *blob);

#endif
