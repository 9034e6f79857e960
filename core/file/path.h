/* A file's place in a room: names from the top folder down.  Source: FORMAT.md §10. */
#ifndef PV_FILE_PATH_H
#define PV_FILE_PATH_H

#include "core/base/cbor.h"
#include "core/base/limits.h"

/* Names are bytes, as on Unix; a terminal shows them neutralised. They borrow. */
struct pv_path {
    size_t part_count; /* 1 to PV_LIMIT_PATH_PARTS */
    struct pv_bytes parts[PV_LIMIT_PATH_PARTS];
};

/* Errors: MALFORMED for a part that is empty, `.`, `..` or has a slash or zero byte, or no part at all;
 * LIMIT for too many parts or bytes. */
PV_MUST_USE enum pv_err pv_path_check(const struct pv_path *path);
/* From `a/b/c` as people write it: slashes at the end and doubled ones are dropped. Errors as above. */
PV_MUST_USE enum pv_err pv_path_from_text(struct pv_bytes text, struct pv_path *ret_path);
/* The parts joined by slashes, no zero byte at the end. */
void pv_path_put_text(struct pv_buf *buf, const struct pv_path *path);

/* The buffer fails when the path does. */
void pv_path_put(struct pv_buf *buf, const struct pv_path *path);
/* Borrows from the input; the reader fails when the path does. */
void pv_path_get(struct pv_cbor *in, struct pv_path *ret_path);

#endif
