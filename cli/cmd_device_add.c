/* `privity device add`: shows a code, waits for the device on which it is typed, adds that one. */
#include <stdio.h>
#include <unistd.h>

#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/pairing.h"
#include "cli/term.h"
#include "client/system.h"

enum { CODE_MS = 10 * 60 * 1000 }; /* a server's, at most: its clock may be another */

static enum pv_err make_task(void *context, struct pv_task **ret_task)
{
    return pv_pairing_task(context, ret_task);
}

static enum pv_err run_host(void *context, struct pv_pairing_talk *talk, struct pv_report *report)
{
    struct pv_session *session = context;
    return pv_contact_run(session, session->person, 0, make_task, talk, report);
}

static enum pv_err begin(struct pv_session *session, struct pv_pairing_talk **ret_talk, struct pv_report *report)
{
    struct pv_pairing_offer offer = {.person = session->me.person, .signer = session->me.device,
                                     .note = pv_room_pin(session->person->room),
                                     .name = pv_bytes_of_string(session->secrets.name)};
    struct pv_bytes server_name = pv_roster_server_name(pv_room_roster(session->person->room));
    char name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    snprintf(name, sizeof name, "%.*s", (int)server_name.n, (const char *)server_name.p);
    enum pv_err err = pv_pairing_host(name, &offer, &pv_system_random, ret_talk);
    return err == PV_OK ? run_host(session, *ret_talk, report) : err;
}

/* The code alone where a script reads it. */
static enum pv_err show_code(const struct pv_session *session, const struct pv_pairing_talk *talk, bool json,
                             struct pv_report *report)
{
    uint64_t expires_ms;
    char text[PV_PAIRING_CODE_CHARS + 1];
    struct pv_out out;
    enum pv_err err = PV_OK;
    const struct pv_pairing_code *code = pv_pairing_code(talk, &expires_ms);

    pv_pairing_code_encode(code, text);
    if (json) {
        pv_out_begin(&out);
        pv_out_json_string(&out.json, "code", text);
        pv_json_u64(&out.json, "expires", expires_ms);
        err = pv_out_end(&out, report);
    } else if (isatty(STDOUT_FILENO)) {
        pv_term_line(stdout, "On the new device, within ten minutes, run");
        pv_term_line(stdout, "    privity device join --server %s --name NAME", session->secrets.server.text);
        pv_term_line(stdout, "and type there");
        pv_term_line(stdout, "    %s", text);
    } else {
        pv_term_line(stdout, "%s", text);
    }
    pv_wipe(text, sizeof text);
    if (fflush(stdout) != 0 && err == PV_OK) err = pv_report(report, PV_ERR_IO, "cannot write to standard output");
    return err;
}

/* Certify who asked, and let the server have it before the new device is told. */
static enum pv_err add(struct pv_session *session, struct pv_pairing_talk *talk, struct pv_report *report)
{
    const struct pv_pairing_request *asked = pv_pairing_asked(talk);
    struct pv_new_device device = {.device = asked->device, .kem_pk = asked->kem_pk, .consent = asked->consent};
    struct pv_hash id;
    enum pv_err err = pv_contact_pull(session, session->person, 0, report);

    pv_device_id(&asked->device, &id);
    if (err == PV_OK)
        err = pv_session_room_error(session, session->person, pv_device_add(session->person->room, &device), report);
    if (err == PV_OK) err = pv_cli_send(session, session->person, report);
    if (err == PV_OK && !pv_roster_device(pv_room_roster(session->person->room), &id))
        err = pv_report(report, PV_ERR_CONFLICT, "your devices changed at the same moment: run privity device add once more");
    return err;
}

/* Who typed the code, as it calls itself. */
struct newcomer {
    struct pv_hash id;
    char hex[17], name[PV_CLI_NAME_BYTES];
};

static void know(const struct pv_pairing_request *asked, struct newcomer *ret_newcomer)
{
    struct newcomer newcomer;
    pv_device_id(&asked->device, &newcomer.id);
    pv_hex_encode(newcomer.id.b, 8, newcomer.hex);
    snprintf(newcomer.name, sizeof newcomer.name, "%.*s", (int)asked->name.n, (const char *)asked->name.p);
    *ret_newcomer = newcomer;
}

/* It may come in yet: the entry waits, or arrived and its answer did not. So it is named, like one that was added. */
static enum pv_err not_added(struct pv_session *session, const struct newcomer *newcomer, enum pv_err err, struct pv_report *report)
{
    char said[PV_REPORT_BYTES];
    if (pv_cli_unsent(session->person) == 0) return err;
    snprintf(said, sizeof said, "%s", report->text);
    return pv_report(report, err, "%.64s (%s) is not added yet: %.600s; if that is not the device you meant, see privity devices, and revoke it "
                     "as soon as it is there (privity device revoke %s)", newcomer->name, newcomer->hex, said, newcomer->hex);
}

static enum pv_err not_told(const struct newcomer *newcomer, enum pv_err err, struct pv_report *report)
{
    return pv_report(report, err, "%.64s (%s) was added, but could not be told so: if it is yours, run privity device add here and privity device join there once "
                     "more; if not, privity device revoke %s", newcomer->name, newcomer->hex, newcomer->hex);
}

static enum pv_err print_added(const struct newcomer *newcomer, const struct pv_walk *walk, bool json, struct pv_report *report)
{
    struct pv_out out;

    if (!json) {
        if (isatty(STDOUT_FILENO)) pv_walk_print(walk);
        return PV_OK;
    }
    pv_out_begin(&out);
    pv_out_json_hash(&out.json, "id", &newcomer->id);
    pv_out_json_string(&out.json, "name", newcomer->name);
    pv_json_bool(&out.json, "current", false);
    pv_json_bool(&out.json, "paper", false);
    pv_json_bool(&out.json, "revoked", false);
    pv_walk_json(walk, &out.json);
    return pv_out_end(&out, report);
}

static enum pv_err add_device(struct pv_session *session, const struct pv_args *args, struct pv_pairing_talk *talk,
                              struct pv_report *report)
{
    struct pv_walk walk = {.rooms = NULL};
    struct newcomer newcomer;
    enum pv_err err = show_code(session, talk, args->json, report);

    if (err == PV_OK) err = pv_pairing_go_on(talk, run_host, session, pv_system_now_ms() + CODE_MS, report);
    if (err != PV_OK) return err;
    know(pv_pairing_asked(talk), &newcomer);
    pv_term_line(stderr, "privity: %s (%s) typed the code", newcomer.name, newcomer.hex); /* also if this is cut now */
    err = add(session, talk, report);
    if (err != PV_OK) {
        struct pv_report unheard = {.err = PV_OK};
        pv_pairing_decline(talk);
        (void)!run_host(session, talk, &unheard); /* so that it need not wait; the first error is the one to tell */
        return not_added(session, &newcomer, err, report);
    }
    if (!args->json) pv_term_line(isatty(STDOUT_FILENO) ? stdout : stderr, "Added %s (%s).", newcomer.name, newcomer.hex);
    err = pv_pairing_confirm(talk, pv_room_pin(session->person->room));
    if (err == PV_OK) err = run_host(session, talk, report);
    if (err != PV_OK) return not_told(&newcomer, err, report);
    err = pv_walk_rooms(session, NULL, &walk, report);
    if (err == PV_OK) err = print_added(&newcomer, &walk, args->json, report);
    if (err == PV_OK) err = pv_walk_result(&walk, report);
    pv_walk_release(&walk);
    return err;
}

enum pv_err pv_cmd_device_add(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_pairing_talk *talk = NULL;
    enum pv_err err = pv_session_person(session, report);

    if (err == PV_OK) err = pv_cli_registered(session, report);
    if (err == PV_OK) err = pv_contact_pull(session, session->person, 0, report);
    if (err == PV_OK) err = begin(session, &talk, report);
    if (err == PV_OK) err = add_device(session, args, talk, report);
    pv_pairing_free(talk);
    return err;
}
