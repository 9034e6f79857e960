/* A room's encrypted database file: AEGIS-256 under a key of its own, no passphrase in between. */
#ifndef PV_CLIENT_DATABASE_H
#define PV_CLIENT_DATABASE_H

#include <sqlite3.h>

#include "client/home.h"
#include "core/room/keystore.h"

/* `rooms/<hex>.db` and its like: the first 16 hex digits of the room's id, then `suffix`. */
void pv_database_name(const char *folder, const struct pv_hash *room, const char *suffix,
                      char ret_name[static PV_HOME_NAME_BYTES]);

/* Open it, or make an empty one if there is none. A file that does not open is left as it is.
 *   label  what the user calls the room, for messages
 * Errors: CORRUPT (damaged, or of another key), NOMEM, IO. */
PV_MUST_USE enum pv_err pv_database_open(const struct pv_home *home, const struct pv_hash *room,
                                         const struct pv_database_key *key, const char *label, sqlite3 **ret_db,
                                         struct pv_report *report);
/* NULL does nothing. */
void pv_database_close(sqlite3 *db);
/* What to tell of an error from the store: which file, what survives, what to do. Returns `err`. */
enum pv_err pv_database_report(const struct pv_home *home, const struct pv_hash *room, const char *label, enum pv_err err,
                               struct pv_report *report);

#endif
