/* The data directory: ours alone, one server at a time, and the log key in it. */
#ifndef PV_SERVER_DATA_H
#define PV_SERVER_DATA_H

#include "core/crypto/keys.h"
#include "server/config.h"

/* Make it if it is not there, and see that nobody else can read it.
 * Errors: IO, DENIED; `ret_why` is a sentence. */
PV_MUST_USE enum pv_err pv_data_open(const char *dir, char ret_why[static PV_CONFIG_WHY_MAX]);
/* Hold the directory for this process; the descriptor is kept until it ends. Errors: CONFLICT: another holds it. */
PV_MUST_USE enum pv_err pv_data_lock(const char *dir, int *ret_fd, char ret_why[static PV_CONFIG_WHY_MAX]);
/* Would it do? Changes nothing. `ret_locked`: a server works on it now. Errors: as open's, and the key's. */
PV_MUST_USE enum pv_err pv_data_check(const char *dir, bool *ret_locked, char ret_why[static PV_CONFIG_WHY_MAX]);
/* Whose is the log key in that file? Errors: NOT_FOUND; DENIED: open to others; CORRUPT: damaged, or no log key. */
PV_MUST_USE enum pv_err pv_data_key_file(const char *path, struct pv_sign_pk *ret_pk, char ret_why[static PV_CONFIG_WHY_MAX]);
/* Read the log key; while no room stands here (`fresh`) a missing one is made, later it is missed: a new key would
 * end every room. The secret is the caller's to wipe. */
PV_MUST_USE enum pv_err pv_data_log_key(const char *dir, bool fresh, const struct pv_random *random, struct pv_sign_sk *ret_sk,
                                        struct pv_sign_pk *ret_pk, char ret_why[static PV_CONFIG_WHY_MAX]);

#endif
