/* Unlocked secrets, kept by the kernel between commands and forgotten after a time.
 *
 * A key lies in the user keyring (of this uid, all sessions), readable by this user's processes only, in memory that
 * is never swapped to a plain disk. Its description is "privity:<home id>:<name>"; names: "device", "room:<hex>",
 * "session:<server>". Where the kernel has no keyring, or PRIVITY_NO_KEYRING is set, everything answers
 * UNSUPPORTED and the caller asks for the passphrase each time. */
#ifndef PV_CLIENT_KEYRING_H
#define PV_CLIENT_KEYRING_H

#include "client/home.h"

enum { PV_KEYRING_UNLOCK_MINUTES = 480, PV_KEYRING_VALUE_MAX = 2048 };

bool pv_keyring_is_here(void);
/* How long unlocked keys live: PRIVITY_UNLOCK_MINUTES (1 to 43200), else PV_KEYRING_UNLOCK_MINUTES. */
unsigned pv_keyring_unlock_seconds(void);

/* Put or replace. Errors: UNSUPPORTED (no keyring), QUOTA (the user's), IO. */
PV_MUST_USE enum pv_err pv_keyring_put(const struct pv_home *home, const char *name, struct pv_bytes secret,
                                       unsigned timeout_seconds);
/* Append the secret. Errors: NOT_FOUND (never put, locked, timed out), UNSUPPORTED, IO, LIMIT. */
PV_MUST_USE enum pv_err pv_keyring_get(const struct pv_home *home, const char *name, struct pv_buf *secret);
/* Revoke: holders of the key's number lose it too. No error if it is not there. */
void pv_keyring_drop(const struct pv_home *home, const char *name);
/* All keys of this home whose name begins with `prefix` ("" for all). */
void pv_keyring_drop_all(const struct pv_home *home, const char *prefix);
bool pv_keyring_has(const struct pv_home *home, const char *name);

#endif
