/* The keystore's file: read, written, and sealed anew under another passphrase. */
#include "client/keystore_file.h"

#include <string.h>

#include "client/passphrase.h"
#include "client/system.h"

enum pv_err pv_keystore_file_error(struct pv_session *session, enum pv_err err, struct pv_report *report)
{
    const char *path = session->home.path;
    switch ((int)err) {
    case PV_ERR_NOT_FOUND:
        return pv_report(report, PV_ERR_CORRUPT, "%s/%s is missing: restore it from a backup; the rooms beside it survive but "
                         "open only with it", path, PV_KEYSTORE_FILE);
    case PV_ERR_BAD_MAC: return pv_report(report, PV_ERR_LOCKED, "wrong passphrase: nothing was opened or changed, try again");
    case PV_ERR_UNSUPPORTED:
        return pv_report(report, err, "%s/%s was made by a newer privity: update this one, nothing was changed", path, PV_KEYSTORE_FILE);
    case PV_ERR_NOMEM: return pv_report(report, err, "not enough memory to open the keystore (256 MiB are needed)");
    case PV_ERR_CORRUPT:
    case PV_ERR_TRUNCATED:
    case PV_ERR_MALFORMED:
    case PV_ERR_NONCANONICAL:
    case PV_ERR_LIMIT:
        return pv_report(report, PV_ERR_CORRUPT,
                         "%s/%s is damaged and was left as it is; the rooms beside it survive but open only with it: restore it "
                         "from a backup, or recover this person on a new device from the kit", path, PV_KEYSTORE_FILE);
    default: return pv_report_default(report, err, PV_KEYSTORE_FILE);
    }
}

enum pv_err pv_keystore_file_load(struct pv_session *session, struct pv_report *report)
{
    struct pv_keystore keystore;
    struct pv_buf bytes;
    enum pv_err err;

    pv_buf_init(&bytes, PV_LIMIT_KEYSTORE_BYTES);
    err = pv_home_read(&session->home, PV_KEYSTORE_FILE, &bytes, report);
    if (err == PV_ERR_IO || err == PV_ERR_DENIED) goto out;
    if (err == PV_OK) err = pv_keystore_read(pv_buf_bytes(&bytes), &keystore);
    if (err == PV_OK && session->has_secrets) {
        err = pv_keystore_check(&keystore, &session->secrets);
        if (err != PV_OK) pv_keystore_release(&keystore);
    }
    if (err != PV_OK) {
        err = pv_keystore_file_error(session, err, report);
        goto out;
    }
    if (session->has_seed && memcmp(&session->keystore.kem_pk, &keystore.kem_pk, sizeof keystore.kem_pk) != 0) {
        pv_wipe(&session->seed, sizeof session->seed); /* sealed anew by a change of the passphrase: it opens nothing here */
        session->has_seed = false;
    }
    if (session->has_keystore) pv_keystore_release(&session->keystore);
    session->keystore = keystore;
    session->has_keystore = true;
out:
    pv_buf_release(&bytes);
    return err;
}

enum pv_err pv_keystore_file_save(struct pv_session *session, struct pv_report *report)
{
    struct pv_buf bytes;
    enum pv_err err;
    pv_buf_init(&bytes, PV_LIMIT_KEYSTORE_BYTES);
    pv_keystore_put(&bytes, &session->keystore);
    err = bytes.err ? bytes.err : pv_home_write(&session->home, PV_KEYSTORE_FILE, pv_buf_bytes(&bytes), report);
    pv_buf_release(&bytes);
    return err;
}

/* ---- another passphrase */

/* The old one, in any case: whoever finds a device unlocked shall not take it over. */
static enum pv_err open_by_old(struct pv_session *session, struct pv_passphrase *ret_old, struct pv_report *report)
{
    enum pv_err err = pv_keystore_file_load(session, report);
    if (err == PV_OK) err = pv_passphrase_ask(false, ret_old, report);
    if (err != PV_OK) return err;
    err = pv_keystore_unlock(&session->keystore, pv_passphrase_bytes(ret_old), &session->seed);
    if (err != PV_OK) return pv_keystore_file_error(session, err, report);
    session->has_seed = true;
    err = pv_keystore_open_secrets(&session->keystore, &session->seed, &session->secrets);
    if (err != PV_OK) return pv_keystore_file_error(session, err, report);
    session->has_secrets = true;
    return PV_OK;
}

/* With the keystore's lock held: what other commands put in since is sealed anew, too. */
static enum pv_err seal_anew(struct pv_session *session, const struct pv_passphrase *new, struct pv_report *report)
{
    const struct pv_argon2_cost cost = {PV_KEYSTORE_PASSES, PV_KEYSTORE_MEMORY_KIB};
    struct pv_keystore made;
    enum pv_err err = pv_keystore_file_load(session, report);

    if (err == PV_OK && !session->has_seed)
        err = pv_report(report, PV_ERR_CONFLICT, "another command changed the passphrase at the same moment, and this one changed nothing");
    if (err != PV_OK) return err;
    err = pv_keystore_reseal(&session->keystore, &session->seed, &session->secrets, pv_passphrase_bytes(new), cost, &pv_system_random, &made);
    if (err != PV_OK) return pv_keystore_file_error(session, err, report);
    pv_keystore_release(&session->keystore);
    session->keystore = made;
    session->has_seed = false;
    pv_wipe(&session->seed, sizeof session->seed);
    err = pv_home_drop_unfinished(&session->home, PV_KEYSTORE_FILE, report);
    return err == PV_OK ? pv_keystore_file_save(session, report) : err;
}

enum pv_err pv_session_change_passphrase(struct pv_session *session, struct pv_report *report)
{
    struct pv_passphrase old = {.n = 0}, new = {.n = 0};
    int lock = -1;
    enum pv_err err = pv_home_open(&session->home, report);

    if (err == PV_OK) err = open_by_old(session, &old, report);
    if (err == PV_OK) err = pv_passphrase_ask_new(&new, report);
    if (err == PV_OK && pv_bytes_equal(pv_passphrase_bytes(&old), pv_passphrase_bytes(&new)))
        err = pv_report(report, PV_ERR_USAGE, "the new passphrase is the old one: nothing was changed");
    pv_passphrase_wipe(&old);
    if (err == PV_OK) err = pv_home_lock(&session->home, PV_KEYSTORE_LOCK, true, &lock, report);
    if (err == PV_OK) err = seal_anew(session, &new, report);
    pv_home_unlock(&lock);
    pv_passphrase_wipe(&new);
    return err;
}
