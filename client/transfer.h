/* Files to and from a room: core/file's steps, driven with libcrypto's workers, the transport and the room's outbox. */
#ifndef PV_CLIENT_TRANSFER_H
#define PV_CLIENT_TRANSFER_H

#include <sys/stat.h>

#include "client/session.h"
#include "core/file/download.h"
#include "core/file/upload.h"

/* Bytes done of a total; the total is 0 where it is not known. */
struct pv_progress {
    void (*show)(void *context, uint64_t done_bytes, uint64_t total_bytes); /* NULL: nobody looks */
    void *context;
};

struct pv_put_source {
    const char *local; /* path on this machine */
    struct stat stat;  /* when it was opened */
};

/* One file is stored. `keep` are blob names (16 bytes each) that further entries before its own must hold. */
typedef enum pv_err pv_put_done(void *context, size_t number, const struct pv_upload_result *result);
/* More blobs than one entry may name: an entry of their own before the file's. */
typedef enum pv_err pv_put_keep(void *context, size_t number, struct pv_bytes refs);

struct pv_put {
    struct pv_session *session;
    struct pv_open_room *room;
    const struct pv_chunk_secret *secret; /* the room's, borrowed */
    struct pv_put_source *sources;
    size_t source_count;
    pv_put_done *done;
    pv_put_keep *keep;
    void *context;
    struct pv_progress progress;
};

/* Read, cut, seal and store. Blobs go to the server; where it cannot be reached, into the room's outbox, and
 * session->kept is set. A put that was cut off finds what it stored already.
 * Errors: NOT_FOUND, IO (a source), OFFLINE never, DENIED, QUOTA, …, and what `done` returned. */
PV_MUST_USE enum pv_err pv_transfer_put(struct pv_put *put, struct pv_report *report);

/* The file's verified bytes, in order. */
typedef enum pv_err pv_get_bytes(void *context, struct pv_bytes bytes);

struct pv_get {
    struct pv_session *session;
    struct pv_open_room *room;
    const struct pv_file *file;
    const char *label; /* what to call it in messages */
    pv_get_bytes *bytes;
    void *context;
    struct pv_progress progress;
};

/* Fetch, open and verify one file. Errors: OFFLINE; BAD_MAC, BROKEN_CHAIN (something does not verify; the report
 * names it), NOT_FOUND (the server does not have a blob), what `bytes` returned. */
PV_MUST_USE enum pv_err pv_transfer_get(struct pv_get *get, struct pv_report *report);

#endif
