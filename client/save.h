/* Writing a fetched file: whole and verified before it has its name, never outside the chosen directory. */
#ifndef PV_CLIENT_SAVE_H
#define PV_CLIENT_SAVE_H

#include <sys/types.h>

#include "client/report.h"
#include "core/file/manifest.h"

/* A file on its way to `directory`/`place`. */
struct pv_save {
    int dir_fd;        /* of the file's own directory */
    int fd;            /* of the temporary */
    char temporary[64];
    char name[256];    /* its name here */
};

/* Which file it is, whatever it is called. */
struct pv_save_identity {
    dev_t device;
    ino_t inode;
};

/* A place as it is called here: control characters are underscores, and what turns the reading around. Appended. */
PV_MUST_USE enum pv_err pv_save_place(struct pv_bytes place, struct pv_buf *ret_local);
/* Open the directories down to the place, making those that are absent, following no link below `directory`.
 *   place  names joined by slashes, from another member: hostile
 * Errors: IO, FULL, LIMIT (a name too long here). */
PV_MUST_USE enum pv_err pv_save_begin(const char *directory, struct pv_bytes place, struct pv_save *ret_save,
                                      struct pv_report *report);
/* Is there something under that name? ret_same: a plain file of this size and SHA-256. */
PV_MUST_USE enum pv_err pv_save_exists(const struct pv_save *save, const struct pv_file *file, bool *ret_exists,
                                       bool *ret_same, struct pv_report *report);
/* What stands under that name now. Errors: NOT_FOUND, IO. */
PV_MUST_USE enum pv_err pv_save_identity(const struct pv_save *save, struct pv_save_identity *ret_identity, struct pv_report *report);
/* Is there room for the file? A short manifest can name a few bytes for terabytes. Errors: FULL. */
PV_MUST_USE enum pv_err pv_save_fits(const struct pv_save *save, const struct pv_file *file, struct pv_report *report);
PV_MUST_USE enum pv_err pv_save_write(struct pv_save *save, struct pv_bytes bytes, struct pv_report *report);
/* Give it its mode (less `umask`), time and name. Without `replace` an existing one stays: CONFLICT. */
PV_MUST_USE enum pv_err pv_save_finish(struct pv_save *save, const struct pv_file *file, unsigned umask, bool replace,
                                       struct pv_report *report);
/* Drop what was not finished. */
void pv_save_release(struct pv_save *save);

#endif
