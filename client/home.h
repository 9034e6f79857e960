/* The device's directory: who may open it, what lies where, and writing that survives a crash.
 *
 *   version            "privity home 1", then the home's random id in hex: names its keys in the keyring
 *   keystore           the device's secrets, sealed under the passphrase
 *   rooms/<hex>.db     one encrypted database a room, named by the first 16 hex digits of its id
 *   rooms/<hex>.lock   who holds it sends
 *   pins/<hex>         newest checkpoint below which this device holds all, outside the database
 *   evidence/<hex>-<alarm>  FORMAT.md §8.1: what shows that a server, or a device, did what it must not
 *   locks/<name>       rewritten by `lock`: long-running commands watch it
 *
 * Directories are 0700, files 0600, all of the user's own; anything else is refused. Names given to these
 * functions are relative to the home and come from code, never from a peer. */
#ifndef PV_CLIENT_HOME_H
#define PV_CLIENT_HOME_H

#include <stddef.h>

#include "client/report.h"
#include "core/base/bytes.h"

enum { PV_HOME_BASE_BYTES = 2944, PV_HOME_NAME_BYTES = 96, PV_HOME_PATH_BYTES = 3072, PV_HOME_ID_HEX = 32 };

struct pv_home {
    int dir_fd;
    char path[PV_HOME_BASE_BYTES];
    char id_hex[PV_HOME_ID_HEX + 1];
};

/* PRIVITY_HOME, else $XDG_DATA_HOME/privity, else ~/.local/share/privity. Errors: USAGE, LIMIT. */
PV_MUST_USE enum pv_err pv_home_locate(char ret_path[static PV_HOME_BASE_BYTES], struct pv_report *report);
/* Open and check. Errors: NOT_FOUND (no `init` yet), DENIED (owner, permissions), UNSUPPORTED, CORRUPT, IO. */
PV_MUST_USE enum pv_err pv_home_open(struct pv_home *ret_home, struct pv_report *report);
/* Make a new one, without its version file: pv_home_finish writes that last, so that a home is whole or absent.
 * Takes over a directory that is empty or that an unfinished `init` left behind. Errors: CONFLICT, DENIED, IO. */
PV_MUST_USE enum pv_err pv_home_create(struct pv_home *ret_home, struct pv_report *report);
PV_MUST_USE enum pv_err pv_home_finish(struct pv_home *home, struct pv_report *report);
/* Take away a new home in which nothing was made. What is not empty stays. */
void pv_home_abandon(struct pv_home *home);
void pv_home_close(struct pv_home *home);

/* Append a whole file. Errors: NOT_FOUND, LIMIT, DENIED, IO, NOMEM. */
PV_MUST_USE enum pv_err pv_home_read(const struct pv_home *home, const char *name, struct pv_buf *buf,
                                     struct pv_report *report);
/* Is `name` a plain file of ours? Errors: NOT_FOUND, CORRUPT, IO. */
PV_MUST_USE enum pv_err pv_home_check(const struct pv_home *home, const char *name, struct pv_report *report);
/* Replace a file at once: temporary, fsync, rename, fsync of the directory. Errors: FULL, IO. */
PV_MUST_USE enum pv_err pv_home_write(const struct pv_home *home, const char *name, struct pv_bytes bytes,
                                      struct pv_report *report);
/* Take away what writes of `name` left behind that were cut. Call it where no other process can be writing `name`. Errors: IO. */
PV_MUST_USE enum pv_err pv_home_drop_unfinished(const struct pv_home *home, const char *name, struct pv_report *report);
PV_MUST_USE enum pv_err pv_home_remove(const struct pv_home *home, const char *name, struct pv_report *report);
/* Nothing happens if `name` is not there. Errors: IO. */
PV_MUST_USE enum pv_err pv_home_rename(const struct pv_home *home, const char *name, const char *to,
                                       struct pv_report *report);
/* An absolute path for a library that opens files itself. */
void pv_home_path_of(const struct pv_home *home, const char *name, char ret_path[static PV_HOME_PATH_BYTES]);

/* Hold `name` (a lock file, made if absent) alone among this device's processes. `wait` false: CONFLICT if held.
 *   ret_fd  pv_home_unlock gives it back; so does the process's end */
PV_MUST_USE enum pv_err pv_home_lock(const struct pv_home *home, const char *name, bool wait, int *ret_fd,
                                     struct pv_report *report);
void pv_home_unlock(int *fd);

/* A number that changes whenever `name` is rewritten; 0: absent. */
uint64_t pv_home_generation(const struct pv_home *home, const char *name);

/* What a failed system call means. FULL: ENOSPC, EDQUOT, EFBIG; DENIED: EACCES, EPERM, EROFS; else IO. */
enum pv_err pv_home_errno(int error);

#endif
