/* The keystore as a file of the home, and its passphrase changed. */
#ifndef PV_CLIENT_KEYSTORE_FILE_H
#define PV_CLIENT_KEYSTORE_FILE_H

#include "client/session.h"

#define PV_KEYSTORE_FILE "keystore"
#define PV_KEYSTORE_LOCK "keystore.lock" /* held by whoever changes it */

/* Read it as it stands on the disk now; a seed that does not belong to it is forgotten.
 * Errors: CORRUPT (also: missing), UNSUPPORTED, NOMEM, DENIED, IO. */
PV_MUST_USE enum pv_err pv_keystore_file_load(struct pv_session *session, struct pv_report *report);
/* Errors: FULL, IO, NOMEM. */
PV_MUST_USE enum pv_err pv_keystore_file_save(struct pv_session *session, struct pv_report *report);
/* Say what an error of reading or opening it means. */
PV_MUST_USE enum pv_err pv_keystore_file_error(struct pv_session *session, enum pv_err err, struct pv_report *report);

/* Ask for the passphrase and for a new one, and seal all anew under that: at each instant the file opens by one of the two.
 * The keyring stays as it is, so what was unlocked stays so, and what was locked too.
 * Errors: as of pv_session_unlock; CONFLICT (another command changed it at the same moment), FULL, IO. */
PV_MUST_USE enum pv_err pv_session_change_passphrase(struct pv_session *session, struct pv_report *report);

#endif
