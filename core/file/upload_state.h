/* Inside of an upload: what upload.c (reading and steps) and upload_place.c (places and reports) share. */
#ifndef PV_FILE_UPLOAD_STATE_H
#define PV_FILE_UPLOAD_STATE_H

#include "core/crypto/hash.h"
#include "core/file/upload.h"

enum { READ_BYTES = 256 * 1024, SLOTS_KEPT = 2 };

/* A tail as long as the least chunk would hold another cut. */
_Static_assert((int)READ_BYTES <= (int)PV_LIMIT_CHUNK_MIN_BYTES, "what follows a cut in one read holds no other");

enum pv_upload_slot_state {
    SLOT_FREE,
    SLOT_FILLING,
    SLOT_TO_HASH,
    SLOT_HASHING,
    SLOT_HASHED,  /* waits to be placed */
    SLOT_TO_SEAL,
    SLOT_SEALING,
    SLOT_SHARING, /* the shared blob, taking chunks */
    SLOT_CLOSED,  /* a blob that takes no more; stored once `seals` is 0 */
    SLOT_STORING
};

struct pv_upload_file {
    struct pv_upload_file *next;
    uint64_t number;
    uint64_t size_bytes;
    struct pv_sha256 sha;      /* of the whole */
    struct pv_hash only_chunk; /* its hash */
    size_t unplaced;           /* chunks cut but not yet placed */
    bool ended;                /* no more to read */
    struct pv_buf chunks, pages, refs;
    size_t chunk_count, page_count, chunks_placed;
    uint64_t span_bytes; /* of `chunks` */
};

struct pv_upload_slot {
    enum pv_upload_slot_state state;
    uint8_t *p;
    size_t used_bytes; /* of `p`, ever: to wipe */
    struct pv_chunk chunk;
    struct pv_upload_file *file;
    bool page;
    struct pv_upload_slot *into; /* where the chunk is sealed to */
    struct pv_upload_slot *next; /* in the line of chunks to place */
    struct pv_bulk_job job;
    struct pv_blob blob;
    uint64_t blob_number;
    size_t seals;
};

/* Something to report once all blobs numbered below `after` are stored. */
struct pv_upload_report {
    struct pv_upload_report *next;
    uint64_t after;
    bool keep;
    struct pv_upload_result result;
    struct pv_buf list, refs;
};

struct pv_upload {
    struct pv_upload_config config;
    enum pv_err err;
    bool finished;
    uint64_t files_begun, blobs_begun;
    struct pv_chunker chunker;
    struct pv_upload_slot *filling;
    size_t tail_bytes; /* read but behind the last cut */
    struct pv_upload_file *current;             /* being read */
    struct pv_upload_file *files, *files_last; /* not yet placed whole, in order */
    struct pv_upload_slot *line, *line_last; /* chunks to place, in order */
    struct pv_upload_slot *page; /* not yet placed */
    struct pv_upload_slot *shared;
    struct pv_upload_report *reports, *reports_last;
    struct pv_upload_report *told; /* the driver reads it */
    size_t report_count;
    uint8_t tail[READ_BYTES];
    struct pv_upload_slot slots[PV_UPLOAD_SLOTS_MAX];
};

void pv_upload_fail(struct pv_upload *u, enum pv_err err);
/* A free slot, if more than `keep` are free; NULL otherwise, or out of memory, which sticks. */
struct pv_upload_slot *pv_upload_take_slot(struct pv_upload *u, enum pv_upload_slot_state state, size_t keep);
/* Forget all but its memory: free again. */
void pv_upload_drop_slot(struct pv_upload_slot *slot);
/* The slot's memory holds secrets up to here. */
void pv_upload_note_use(struct pv_upload_slot *slot, size_t n);

/* Move the oldest file on by one chunk, one page, or to its report. True when something moved. */
bool pv_upload_place(struct pv_upload *u);
/* The shared blob takes no more. */
void pv_upload_close_shared(struct pv_upload *u);
bool pv_upload_wants_whole_hash(const struct pv_upload *u, const struct pv_upload_file *file);
void pv_upload_free_file(struct pv_upload_file *file);

#endif
