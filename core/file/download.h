/* Fetching a file: a step function that turns a manifest into ranges to fetch, jobs, and verified bytes.
 *
 * Driven like core/file/upload.h: one thread calls, fetches and jobs finish in any order. No byte is
 * released before its whole chunk opened under its key and matched its hash; bytes come in order. One
 * object fetches one file: for many small ones run a few side by side. Ranges are rounded outwards, so
 * neighbours in a shared blob overlap; a driver may answer from what it fetched before. Memory: `slots`
 * times PV_LIMIT_BLOB_BYTES and one page.  Source: FORMAT.md §11. */
#ifndef PV_FILE_DOWNLOAD_H
#define PV_FILE_DOWNLOAD_H

#include "core/file/bulk.h"
#include "core/file/pack.h"

enum { PV_DOWNLOAD_SLOTS_MAX = 64 };

struct pv_download;

enum pv_download_kind {
    PV_DOWNLOAD_FETCH, /* fetch `fetch`, then pv_download_fetched */
    PV_DOWNLOAD_JOB,   /* perform `job`, then pv_download_job_done */
    PV_DOWNLOAD_BYTES, /* the file's next `bytes`; they last until the next call */
    PV_DOWNLOAD_WAIT,  /* only fetches and jobs on their way can lead on */
    PV_DOWNLOAD_END    /* the file is whole and its SHA-256, where there is one, is right */
};

/* Bytes [from_bytes, to_bytes) of a blob, as many as there are, go to `p`. */
struct pv_download_fetch {
    struct pv_id16 blob;
    uint32_t from_bytes;
    uint32_t to_bytes;
    uint8_t *p;
};

struct pv_download_step {
    enum pv_download_kind kind;
    const struct pv_download_fetch *fetch;
    struct pv_bulk_job *job;
    struct pv_bytes bytes;
};

/* What failed to verify. */
struct pv_download_failure {
    bool page;              /* a page of the manifest, else a chunk */
    bool whole;             /* all chunks were right but the file's SHA-256 was not; the rest is zero */
    uint64_t index;         /* of the chunk in the file, or of the page */
    uint64_t position_bytes; /* in the file */
    struct pv_id16 blob;
    uint32_t offset_bytes;
    uint32_t length_bytes;
};

/* `file` is copied. `slots` 1 to PV_DOWNLOAD_SLOTS_MAX. Errors: LIMIT (slots), NOMEM. */
PV_MUST_USE enum pv_err pv_download_new(const struct pv_file *file, size_t slots, struct pv_download **ret_download);
/* Tell `opened` of every chunk that opened and matched its hash: this device may refer to it from now on. */
void pv_download_tell_opened(struct pv_download *download, void (*opened)(void *context, const struct pv_chunk *chunk),
                             void *context);
/* Wipes what it held. Fetches and jobs that were handed out must be done or abandoned by then. */
void pv_download_free(struct pv_download *download);

/* What next? Errors stay: BAD_MAC (a chunk does not open, or its blob is too short), BROKEN_CHAIN (it opens
 * to something else, or the file's SHA-256 differs), a page's MALFORMED, NONCANONICAL, TRUNCATED, LIMIT, and NOMEM. */
PV_MUST_USE enum pv_err pv_download_next(struct pv_download *download, struct pv_download_step *ret_step);
/* `n` bytes arrived from `from_bytes` on; fewer than asked for only where the blob ends. */
void pv_download_fetched(struct pv_download *download, const struct pv_download_fetch *fetch, size_t n);
void pv_download_job_done(struct pv_download *download, struct pv_bulk_job *job);
/* After an error: what it was about; false for NOMEM. */
bool pv_download_failed(const struct pv_download *download, struct pv_download_failure *ret_failure);

#endif
