/* `privity device join`: makes this a device of a person, by the code that another device of that person shows.
 *
 * The home is made once the two devices have met, and before this one asks to be added: so a wrong code leaves nothing
 * behind, and an exchange that was cut loses no keys. Run again, it goes on with the home that is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/pairing.h"
#include "cli/term.h"
#include "client/passphrase.h"
#include "client/system.h"

struct join {
    const char *device_name;
    struct pv_server_url server;
    struct pv_pairing_code code;    /* secret */
    struct pv_transport *transport;
    struct pv_pairing_talk *talk;
    char person_name[PV_CLI_NAME_BYTES];
};

/* ---- what was typed */

static enum pv_err read_code(const char *path, struct pv_pairing_code *ret_code, struct pv_report *report)
{
    struct pv_passphrase line = {.n = 0};
    if (!path && isatty(STDIN_FILENO)) fputs("Type the code that the other device shows (three groups of four digits): ", stderr);
    enum pv_err err = pv_secret_read_file(path ? path : "-", "the code", &line, report);
    if (err != PV_OK) return err;
    err = pv_pairing_code_decode(pv_passphrase_bytes(&line), ret_code);
    pv_passphrase_wipe(&line);
    if (err == PV_ERR_TRUNCATED || err == PV_ERR_LIMIT)
        return pv_report(report, PV_ERR_USAGE, "the code has twelve digits, in three groups of four: see what privity device add shows, and run this again; the other device still waits");
    if (err != PV_OK) return pv_report(report, PV_ERR_USAGE, "a digit of the code is wrong: compare it with what the other device shows, and run this again; that device still waits");
    return PV_OK;
}

static enum pv_err read_options(const struct pv_args *args, struct join *join, struct pv_report *report)
{
    const char *server = pv_args_get(args, "server");

    join->device_name = pv_args_get(args, "name");
    if (!join->device_name) return pv_report(report, PV_ERR_USAGE, "a name for this device is missing: privity device join --name DEVICE");
    if (!server || !*server) server = getenv("PRIVITY_SERVER");
    if (!server || !*server) return pv_report(report, PV_ERR_USAGE, "no server is named: give --server URL, as the other device shows it");
    if (pv_server_url_read(pv_bytes_of_string(server), &join->server) != PV_OK)
        return pv_report(report, PV_ERR_USAGE, "%s is no server's address: write https://HOST or https://HOST:PORT", server);
    return pv_cli_check_name(join->device_name, report);
}

/* ---- the talk */

static enum pv_err run_guest(void *context, struct pv_pairing_talk *talk, struct pv_report *report)
{
    struct join *join = context;
    struct pv_task *task = NULL;
    enum pv_err err = pv_pairing_task(talk, &task);
    if (err == PV_OK) err = pv_transport_run(join->transport, task, NULL, NULL, report);
    pv_task_free(task);
    return pv_report_default(report, err, join->server.text);
}

/* Ask the server its name, which both devices put into their key, and meet the other device. */
static enum pv_err meet(struct join *join, struct pv_report *report)
{
    struct pv_task *info = NULL;
    enum pv_err err = pv_transport_new(join->server.text, &join->transport, report);

    if (err == PV_OK) err = pv_server_info_task(&info);
    if (err == PV_OK) err = pv_transport_run(join->transport, info, NULL, NULL, report);
    if (err == PV_OK && !pv_server_url_has_name(&join->server, pv_bytes_of_string(pv_server_info_result(info)->name)))
        err = pv_report(report, PV_ERR_CONFLICT, "%.300s says that it is %s: use that server's own address", join->server.text,
                        pv_server_info_result(info)->name);
    if (err == PV_OK) err = pv_pairing_guest(pv_server_info_result(info)->name, &join->code, &pv_system_random, &join->talk);
    pv_task_free(info);
    if (err == PV_OK) err = pv_pairing_go_on(join->talk, run_guest, join, 0, report);
    return pv_report_default(report, err, join->server.text);
}

/* ---- the home */

/* The home that is there goes on only if the exchange that made it was cut: then its person's room, if it is here at all,
 * does not know this device by a name yet. */
static enum pv_err open_unfinished(struct pv_session *session, struct pv_report *report)
{
    struct pv_query query;
    struct pv_buf name;
    pv_home_close(&session->home);
    enum pv_err err = pv_session_open(session, report);
    if (err == PV_OK) err = pv_session_person(session, report);
    if (err != PV_OK || !pv_roster_device(pv_room_roster(session->person->room), &session->me.device)) return err;
    err = pv_cli_query(session, session->person, &query, report);
    if (err != PV_OK) return err;
    pv_buf_init(&name, PV_LIMIT_NAME_BYTES);
    err = pv_query_name(&query, &session->me.device, &name);
    if (err == PV_OK)
        err = pv_report(report, PV_ERR_CONFLICT, "%s holds a device already, %.*s, which acts for %s: set PRIVITY_HOME for another one; nothing was changed",
                        session->home.path, (int)name.n, (const char *)name.p, session->secrets.name);
    else if (err == PV_ERR_NOT_FOUND) err = PV_OK;
    else err = pv_session_room_error(session, session->person, err, report);
    pv_buf_release(&name);
    return err;
}

static enum pv_err check_person(const struct pv_session *session, const struct pv_hash *person, struct pv_report *report)
{
    if (pv_hash_equal(&session->me.person, person)) return PV_OK;
    return pv_report(report, PV_ERR_CONFLICT, "%s holds another person: set PRIVITY_HOME for this one; nothing was changed", session->home.path);
}

static enum pv_err make_home(struct pv_session *session, const struct join *join, const struct pv_hash *person, struct pv_report *report)
{
    struct pv_device_secrets secrets = {.person = *person, .server = join->server};
    pv_random_fill(&pv_system_random, &secrets.sign_seed, sizeof secrets.sign_seed);
    pv_random_fill(&pv_system_random, &secrets.kem_seed, sizeof secrets.kem_seed);
    snprintf(secrets.name, sizeof secrets.name, "%s", join->person_name);
    enum pv_err err = pv_device_home_make(session, &secrets, report);
    pv_wipe(&secrets, sizeof secrets);
    return err;
}

/* ---- asking */

static enum pv_err ask(struct pv_session *session, struct join *join, const struct pv_pairing_offer *offer, struct pv_report *report)
{
    struct pv_pairing_request request = {.name = pv_bytes_of_string(join->device_name)};
    struct pv_new_device device;
    enum pv_err err = pv_device_consent(&session->me, false, &offer->person, &offer->signer, &device);

    if (err != PV_OK) return err;
    request.device = device.device;
    request.kem_pk = device.kem_pk;
    request.consent = device.consent;
    err = pv_pairing_ask(join->talk, &request);
    return err == PV_OK ? pv_pairing_go_on(join->talk, run_guest, join, 0, report) : err;
}

static enum pv_err print_joined(const struct pv_session *session, const struct join *join, const struct pv_walk *walk, bool json,
                                struct pv_report *report)
{
    struct pv_out out;
    if (!json) {
        pv_term_line(stdout, "This device, %s, acts for %s from now on.", join->device_name, session->secrets.name);
        pv_walk_print(walk);
        return PV_OK;
    }
    pv_out_begin(&out);
    pv_out_json_hash(&out.json, "id", &session->me.person);
    pv_out_json_string(&out.json, "name", session->secrets.name);
    pv_out_json_hash(&out.json, "device", &session->me.device);
    pv_out_json_string(&out.json, "server", session->secrets.server.text);
    pv_walk_json(walk, &out.json);
    return pv_out_end(&out, report);
}

static enum pv_err join_person(struct pv_session *session, struct join *join, const struct pv_args *args, bool is_new,
                               struct pv_report *report)
{
    struct pv_walk walk = {.rooms = NULL};
    struct pv_pairing_offer offer;
    enum pv_err err = meet(join, report);

    if (err != PV_OK) return err;
    offer = *pv_pairing_offered(join->talk);
    snprintf(join->person_name, sizeof join->person_name, "%.*s", (int)offer.name.n, (const char *)offer.name.p);
    err = is_new ? make_home(session, join, &offer.person, report) : check_person(session, &offer.person, report);
    if (err == PV_OK) err = ask(session, join, &offer, report);
    if (err == PV_OK) err = pv_device_home_settle(session, join->device_name, report);
    if (err == PV_OK) err = pv_walk_rooms(session, NULL, &walk, report);
    if (err == PV_OK) err = print_joined(session, join, &walk, args->json, report);
    if (err == PV_OK) err = pv_walk_result(&walk, report);
    pv_walk_release(&walk);
    return err;
}

enum pv_err pv_cmd_device_join(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct join *join = calloc(1, sizeof *join);
    struct pv_report why = {.err = PV_OK};
    enum pv_err err;

    if (!join) return PV_ERR_NOMEM;
    err = read_options(args, join, report);
    if (err == PV_OK) {
        bool is_new = pv_home_open(&session->home, &why) == PV_ERR_NOT_FOUND;
        if (!is_new && session->home.dir_fd < 0) err = pv_report(report, why.err, "%s", why.text);
        else if (!is_new) err = open_unfinished(session, report);
        if (err == PV_OK) err = read_code(pv_args_get(args, "code-file"), &join->code, report);
        if (err == PV_OK) err = join_person(session, join, args, is_new, report);
    }
    pv_pairing_free(join->talk);
    pv_transport_free(join->transport);
    pv_wipe(join, sizeof *join);
    free(join);
    return err;
}
