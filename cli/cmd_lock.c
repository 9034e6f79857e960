/* `privity lock` and `privity unlock`: the keys in the keyring; `privity passphrase`, which opens them there. */
#include <stdlib.h>
#include <string.h>

#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/keyring.h"
#include "client/keystore_file.h"
#include "client/system.h"

enum pv_err pv_cmd_lock(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_known_room known;
    enum pv_err err = pv_home_open(&session->home, report);
    const char *name = "all";

    if (err == PV_OK && args->word_count > 0) {
        /* Its id is known to the unlocked device only; one that is locked already has nothing to lock. */
        pv_home_close(&session->home);
        err = pv_session_open(session, report);
        if (err == PV_OK) err = pv_directory_find(session, args->words[0], &known, report);
        name = known.name;
    }
    if (err == PV_OK) err = pv_session_lock(session, args->word_count > 0 ? &known.id : NULL, report);
    if (err != PV_OK) return err;
    if (args->json) {
        struct pv_out out;
        pv_out_begin(&out);
        pv_json_begin_array(&out.json, "locked");
        pv_out_json_string(&out.json, NULL, name);
        pv_json_end_array(&out.json);
        return pv_out_end(&out, report);
    }
    pv_term_line(stdout, args->word_count > 0 ? "%s is locked." : "Everything is locked.", name);
    return PV_OK;
}

enum pv_err pv_cmd_unlock(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    enum pv_err err = pv_session_unlock(session, report);
    bool stays = pv_keyring_is_here();
    uint64_t until_ms = pv_system_now_ms() + (uint64_t)pv_keyring_unlock_seconds() * 1000;

    if (err != PV_OK) return err;
    if (args->json) {
        struct pv_out out;
        pv_out_begin(&out);
        pv_json_bool(&out.json, "unlocked", stays);
        if (stays)
            pv_json_u64(&out.json, "until", until_ms);
        else
            pv_json_null(&out.json, "until");
        return pv_out_end(&out, report);
    }
    if (stays)
        pv_term_line(stdout, "Unlocked for %u minutes.", pv_keyring_unlock_seconds() / 60);
    else
        pv_term_line(stdout, "The passphrase is right; it will be asked for each time.");
    return PV_OK;
}

/* A script's file goes on holding the passphrase that opens nothing any more. */
static void say_file_is_old(void)
{
    const char *fd = getenv("PRIVITY_PASSPHRASE_FD"), *file = getenv("PRIVITY_PASSPHRASE_FILE");
    if ((!fd || !*fd) && file && *file && strcmp(file, "-") != 0)
        pv_term_line(stderr, "privity: %s, which PRIVITY_PASSPHRASE_FILE names, has to hold the new passphrase from now on", file);
}

enum pv_err pv_cmd_passphrase(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    enum pv_err err = pv_session_change_passphrase(session, report);

    if (err != PV_OK) return err;
    say_file_is_old();
    if (args->json) {
        struct pv_out out;
        pv_out_begin(&out);
        pv_json_bool(&out.json, "changed", true);
        return pv_out_end(&out, report);
    }
    pv_term_line(stdout, "The passphrase of this device is changed. Recovery kits and your other devices go on as they are.");
    return PV_OK;
}
