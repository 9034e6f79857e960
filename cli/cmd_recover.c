/* `privity recover`: a new device by the recovery kit.
 *
 * Each step looks at what is there: a home of the same person is gone on with, a device that was added is not added
 * again, a room that is mended stays so. So a recovery that was cut is taken up by running it again. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/devices.h"
#include "cli/handlers.h"
#include "cli/kit.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/system.h"

struct recover {
    const char *device_name;
    struct pv_given_kit kit; /* secret */
    struct pv_server_url server;
    struct pv_paper paper;   /* secret */
    struct pv_walk walk;
};

/* Who has just typed a code of 66 characters is not sent back for want of a URL. */
static bool ask_server(char *ret_text, size_t size)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) return false;
    fputs("Server, as it stands on the kit: ", stderr);
    if (!fgets(ret_text, (int)size, stdin)) return false;
    ret_text[strcspn(ret_text, " \r\n")] = '\0';
    return true;
}

static enum pv_err read_server(const char *text, struct pv_server_url *ret_server, struct pv_report *report)
{
    if (pv_server_url_read(pv_bytes_of_string(text), ret_server) == PV_OK) return PV_OK;
    return pv_report(report, PV_ERR_USAGE, "%s is no server's address: write https://HOST or https://HOST:PORT", text);
}

/* A mistake in the address shows before the code is typed. */
static enum pv_err check_server(const char *text, const char *kit_file, struct pv_report *report)
{
    struct pv_server_url server;
    enum pv_err err = read_server(text, &server, report);
    if (err != PV_OK || kit_file || !isatty(STDIN_FILENO)) return err;
    return pv_paper_reach(&server, report);
}

static enum pv_err read_options(const struct pv_args *args, struct recover *r, struct pv_report *report)
{
    const char *server = pv_args_get(args, "server"), *kit_file = pv_args_get(args, "kit");
    char typed[PV_LIMIT_URL_BYTES + 2];
    enum pv_err err;

    r->device_name = pv_args_get(args, "name");
    if (!r->device_name) return pv_report(report, PV_ERR_USAGE, "a name for this device is missing: privity recover --name DEVICE");
    err = pv_cli_check_name(r->device_name, report);
    if (err == PV_OK && server && *server) err = check_server(server, kit_file, report);
    if (err == PV_OK) err = pv_kit_read(kit_file, &r->kit, report);
    if (err != PV_OK) return err;
    if (!server || !*server) server = r->kit.has_server ? r->kit.server.text : getenv("PRIVITY_SERVER");
    if ((!server || !*server) && ask_server(typed, sizeof typed)) server = typed;
    if (!server || !*server) return pv_report(report, PV_ERR_USAGE, "no server is named: give --server URL, as it stands on the kit");
    return read_server(server, &r->server, report);
}

/* This device's home: one of the same person that an earlier run made, or a new one. */
static enum pv_err find_home(struct pv_session *session, struct recover *r, bool is_new, struct pv_report *report)
{
    struct pv_device_secrets secrets = {.person = r->paper.me.person, .server = r->server};
    enum pv_err err;

    if (!is_new) {
        pv_home_close(&session->home);
        err = pv_session_open(session, report);
        if (err == PV_ERR_LOCKED)
            return pv_report(report, err, "wrong passphrase: %s holds a device already, and nothing there was opened or changed; if its passphrase is "
                             "forgotten, set PRIVITY_HOME to another directory", session->home.path);
        if (err == PV_OK && !pv_hash_equal(&session->me.person, &r->paper.me.person))
            err = pv_report(report, PV_ERR_CONFLICT, "%s holds another person: set PRIVITY_HOME for this one; nothing was changed", session->home.path);
        return err;
    }
    pv_random_fill(&pv_system_random, &secrets.sign_seed, sizeof secrets.sign_seed);
    pv_random_fill(&pv_system_random, &secrets.kem_seed, sizeof secrets.kem_seed);
    pv_device_person_name(&r->paper, secrets.name);
    if (!*secrets.name) snprintf(secrets.name, sizeof secrets.name, "%s", *r->kit.name ? r->kit.name : r->device_name);
    err = pv_device_home_make(session, &secrets, report);
    pv_wipe(&secrets, sizeof secrets);
    return err;
}

/* Before anything is made here: is the person's own room open, on a server that may have been restored? */
static enum pv_err check_open(const struct recover *r, struct pv_report *report)
{
    uint64_t missing;
    if (!pv_room_is_restored(r->paper.person.room, &missing)) return PV_OK;
    return pv_report(report, PV_ERR_OFFLINE,
                     "the server was restored from a backup, and your own room waits until your devices have given back what came after it: use "
                     "each of them once (privity refresh), then run this again; if none is left that could, add --go-on");
}

struct stays {
    struct pv_hash devices[PV_LIMIT_DEVICES_PRESENT];
    size_t count;
};

/* All others that the kit may remove, and who stays: itself, this device, older kits. */
static void name_others(const struct pv_session *session, const struct recover *r, struct pv_revocation *ret_others,
                        struct stays *ret_stays)
{
    const struct pv_roster *roster = pv_room_roster(r->paper.person.room);
    const struct pv_room_device *kit = pv_roster_device(roster, &r->paper.me.device), *devices;
    size_t count;

    *ret_others = (struct pv_revocation){.count = 0};
    ret_stays->count = 0;
    devices = pv_roster_devices(roster, &count);
    for (size_t i = 0; i < count && ret_others->count < PV_LIMIT_TARGETS; i++) {
        bool stays = &devices[i] == kit || pv_hash_equal(&devices[i].id, &session->me.device) ||
                     (devices[i].paper && devices[i].order <= kit->order);
        if (!stays) ret_others->devices[ret_others->count++] = devices[i].id;
        else if (ret_stays->count < PV_LIMIT_DEVICES_PRESENT) ret_stays->devices[ret_stays->count++] = devices[i].id;
    }
}

static enum pv_err revoke_others(struct pv_session *session, struct recover *r, struct pv_report *report)
{
    struct pv_room *room = r->paper.person.room;
    struct pv_revocation others;
    struct stays stays;
    enum pv_err err = PV_OK;

    name_others(session, r, &others, &stays);
    if (others.count) {
        err = pv_revocation_spare(room, stays.devices, stays.count, &others);
        if (err == PV_OK) err = pv_device_revoke(room, &others);
        if (err == PV_ERR_DENIED) return pv_report(report, err, "the others could not be revoked: %s", pv_room_alarm(room));
    }
    if (err == PV_OK) err = pv_paper_push_person(&r->paper, report);
    return pv_report_default(report, err, r->server.text);
}

/* A thief may have added as many devices as there may be: then the others go first, so that this one finds a place. */
static enum pv_err make_place(struct pv_session *session, struct recover *r, bool revokes, struct pv_report *report)
{
    const struct pv_roster *roster = pv_room_roster(r->paper.person.room);
    size_t count;

    (void)pv_roster_devices(roster, &count);
    if (count < PV_LIMIT_DEVICES_PRESENT || pv_roster_device(roster, &session->me.device)) return PV_OK;
    if (revokes) return revoke_others(session, r, report);
    return pv_report(report, PV_ERR_LIMIT, "you have %zu devices, and there is no place for another: with --revoke-others they make place; or revoke "
                     "some from one that works (privity device revoke)", count);
}

/* The kit certifies this device. */
static enum pv_err add_self(struct pv_session *session, struct recover *r, bool revokes, struct pv_report *report)
{
    struct pv_new_device device;
    enum pv_err err = pv_paper_push_person(&r->paper, report); /* with a rekey that may be due */

    if (err == PV_OK && pv_roster_has_bar(pv_room_roster(r->paper.person.room), &session->me.person, &session->me.device))
        return pv_report(report, PV_ERR_DENIED, "the device in %s was revoked and never comes back: set PRIVITY_HOME to another directory", session->home.path);
    if (err == PV_OK) err = make_place(session, r, revokes, report);
    if (err == PV_OK) err = pv_device_consent(&session->me, false, &session->me.person, &r->paper.me.device, &device);
    if (err == PV_OK) err = pv_device_add(r->paper.person.room, &device);
    if (err == PV_OK) err = pv_paper_push_person(&r->paper, report);
    if (err == PV_OK && !pv_roster_device(pv_room_roster(r->paper.person.room), &session->me.device))
        err = pv_report(report, PV_ERR_CONFLICT, "your devices changed at the same moment: run privity recover once more");
    return pv_report_default(report, err, r->server.text);
}

static enum pv_err print_result(struct pv_session *session, const struct recover *r, bool revoked, bool json, struct pv_report *report)
{
    struct pv_revocation others;
    struct stays stays;
    struct pv_out out;
    char name[PV_CLI_NAME_BYTES];

    name_others(session, r, &others, &stays);
    if (json) {
        pv_out_begin(&out);
        pv_out_json_hash(&out.json, "id", &session->me.person);
        pv_out_json_string(&out.json, "name", session->secrets.name);
        pv_out_json_hash(&out.json, "device", &session->me.device);
        pv_out_json_string(&out.json, "server", session->secrets.server.text);
        pv_json_u64(&out.json, "others", others.count);
        pv_walk_json(&r->walk, &out.json);
        return pv_out_end(&out, report);
    }
    pv_cli_person_name(session->person, &session->me.device, name); /* an earlier run may have given another */
    pv_term_line(stdout, "This device, %s, acts for %s from now on.", name, session->secrets.name);
    pv_walk_print(&r->walk);
    if (revoked) pv_term_line(stdout, "All other devices are revoked.");
    else if (others.count)
        pv_term_line(stdout, "%zu other %s still act%s for you: see privity devices, and revoke what is lost (privity device revoke).", others.count,
                     others.count == 1 ? "device" : "devices", others.count == 1 ? "s" : "");
    return PV_OK;
}

static enum pv_err recover(struct pv_session *session, struct recover *r, const struct pv_args *args, bool is_new, struct pv_report *report)
{
    bool revokes = pv_args_get(args, "revoke-others") != NULL;
    bool goes_on = pv_args_get(args, "go-on") != NULL;
    enum pv_err err = pv_paper_open(&r->kit.secret, &r->server, goes_on, &r->paper, report);

    if (err == PV_OK) err = check_open(r, report);
    if (err == PV_OK) err = pv_paper_keys(&r->paper, true, report);
    if (err == PV_OK) err = find_home(session, r, is_new, report);
    if (err == PV_OK) err = add_self(session, r, revokes, report);
    if (err == PV_OK && revokes) err = revoke_others(session, r, report);
    if (err == PV_OK) err = pv_device_home_settle(session, r->device_name, report);
    if (err == PV_OK) err = pv_walk_rooms(session, &r->paper, &r->walk, report);
    if (err == PV_OK) err = print_result(session, r, revokes, args->json, report);
    return err == PV_OK ? pv_walk_result(&r->walk, report) : err;
}

enum pv_err pv_cmd_recover(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct recover *r = calloc(1, sizeof *r);
    struct pv_report why = {.err = PV_OK};
    enum pv_err err;

    if (!r) return PV_ERR_NOMEM;
    err = session->offline ? pv_report(report, PV_ERR_OFFLINE, "recovering needs the server (--offline)") : read_options(args, r, report);
    if (err == PV_OK) {
        bool is_new = pv_home_open(&session->home, &why) == PV_ERR_NOT_FOUND;
        if (!is_new && session->home.dir_fd < 0) err = pv_report(report, why.err, "%s", why.text);
        else err = recover(session, r, args, is_new, report);
    }
    pv_walk_release(&r->walk);
    pv_paper_release(&r->paper);
    pv_wipe(r, sizeof *r);
    free(r);
    return err;
}
