/* `privity init`: a new person, this device, the recovery kit; then the server. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/person.h"
#include "cli/term.h"
#include "client/passphrase.h"

struct init {
    struct pv_new_person person;
    bool has_server, has_code;
    struct pv_passphrase code; /* NUL-terminated */
};

static void wipe(struct init *init)
{
    pv_new_person_release(&init->person);
    pv_wipe(init, sizeof *init);
}

static enum pv_err read_options(const struct pv_args *args, struct init *init, struct pv_report *report)
{
    const char *server = pv_args_get(args, "server");
    enum pv_err err;

    init->person.name = pv_args_get(args, "name");
    init->person.kit_file = pv_args_get(args, "kit");
    err = init->person.name ? pv_cli_check_name(init->person.name, report) : PV_OK;
    init->person.device_name = pv_args_get(args, "device");
    if (err == PV_OK && init->person.device_name) err = pv_cli_check_name(init->person.device_name, report);
    if (err != PV_OK) return err;
    if (!server || !*server) server = getenv("PRIVITY_SERVER");
    if (!server || !*server) return PV_OK;
    init->has_server = true;
    if (pv_server_url_read(pv_bytes_of_string(server), &init->person.server) != PV_OK)
        return pv_report(report, PV_ERR_USAGE, "%s is no server's address: write https://HOST or https://HOST:PORT", server);
    return PV_OK;
}

/* Of a person that is here already, and only is to be registered, nothing has to be said again. */
static enum pv_err check_new(const struct init *init, struct pv_report *report)
{
    if (!init->person.name) return pv_report(report, PV_ERR_USAGE, "a name is missing: privity init --name NAME");
    if (!init->has_server) return pv_report(report, PV_ERR_USAGE, "no server is named: give --server URL or set PRIVITY_SERVER");
    return PV_OK;
}

static enum pv_err read_code(const struct pv_args *args, struct init *init, struct pv_report *report)
{
    const char *file = pv_args_get(args, "registration-file");
    enum pv_err err;

    if (!file) return PV_OK;
    err = pv_secret_read_file(file, "the registration code", &init->code, report);
    if (err == PV_OK && init->code.n == sizeof init->code.text) err = pv_report(report, PV_ERR_LIMIT, "the registration code is too long");
    if (err != PV_OK) return err;
    init->code.text[init->code.n] = '\0';
    init->has_code = true;
    return PV_OK;
}

/* An `init` that could not reach the server, or was refused, is taken up by the next one. */
static enum pv_err resume(struct pv_session *session, struct pv_report *report)
{
    enum pv_err err;
    pv_home_close(&session->home);
    err = pv_session_open(session, report);
    if (err == PV_OK) err = pv_session_person(session, report);
    if (err == PV_OK && pv_roster_is_born(pv_room_roster(session->person->room)))
        err = pv_report(report, PV_ERR_CONFLICT,
                        "%s holds a person already: set PRIVITY_HOME for another one; nothing was changed", session->home.path);
    return err;
}

static enum pv_err print_result(struct pv_session *session, const struct init *init, bool is_new, bool registered, bool json,
                                struct pv_report *report)
{
    char code[PV_KIT_CODE_CHARS + 1] = "";
    struct pv_out out;
    enum pv_err err;

    if (!json) {
        char id[17];
        pv_hex_encode(session->me.person.b, 8, id);
        if (registered)
            pv_term_line(stdout, "%s (%s) is registered with %s.", session->secrets.name, id, session->secrets.server.text);
        return PV_OK;
    }
    if (is_new) pv_new_person_kit_code(&init->person, code);
    pv_out_begin(&out);
    pv_out_json_hash(&out.json, "id", &session->me.person);
    pv_out_json_string(&out.json, "name", session->secrets.name);
    pv_out_json_hash(&out.json, "device", &session->me.device);
    pv_out_json_string(&out.json, "server", session->secrets.server.text);
    pv_out_json_string(&out.json, "kit", *code ? code : NULL);
    pv_json_bool(&out.json, "registered", registered);
    err = pv_out_end(&out, report);
    pv_wipe(code, sizeof code);
    return err;
}

/* A person at the terminal may type the code that the server asks for. Errors: DENIED (none was typed). */
static enum pv_err ask_code(struct init *init, struct pv_report *report)
{
    enum pv_err err;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) return PV_ERR_DENIED;
    pv_term_line(stderr, "%s", report->text);
    fputs("Registration code (empty: later): ", stderr);
    err = pv_secret_read_file("-", "the registration code", &init->code, report);
    if (err != PV_OK || init->code.n == 0 || init->code.n == sizeof init->code.text) return PV_ERR_DENIED;
    init->code.text[init->code.n] = '\0';
    init->has_code = true;
    return PV_OK;
}

static enum pv_err send_registration(struct pv_session *session, struct init *init, struct pv_report *report)
{
    enum pv_err err = pv_contact_push(session, session->person, init->has_code ? (const char *)init->code.text : NULL, report);
    char said[PV_REPORT_BYTES];

    if (err == PV_ERR_DENIED && !init->has_code && ask_code(init, report) == PV_OK)
        err = pv_contact_push(session, session->person, (const char *)init->code.text, report);

    if (err == PV_OK || pv_err_exit_status(err) == 4) return err;
    snprintf(said, sizeof said, "%s", report->text);
    session->kept = true;
    if (err == PV_ERR_OFFLINE)
        return pv_report(report, err, "%.600s; what was made is kept, and the next command that reaches the server registers you", said);
    if (pv_err_exit_status(err) == 3)
        return pv_report(report, err, "%.600s; what was made is kept: %s", said,
                         init->has_code ? "ask whoever runs the server for a new code, and run privity init again, with it in the file that "
                                          "--registration-file names or typed when asked"
                                        : "run privity init again with --registration-file FILE, or `privity join LINK`");
    return pv_report(report, err, "%.600s; what was made is kept: run init again to register", said);
}

enum pv_err pv_cmd_init(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct init init = {.has_code = false};
    struct pv_report why = {.err = PV_OK};
    bool is_new = true;
    enum pv_err err = read_options(args, &init, report), printed;

    if (err == PV_OK) err = read_code(args, &init, report);
    if (err == PV_OK) {
        is_new = pv_home_open(&session->home, &why) == PV_ERR_NOT_FOUND;
        if (is_new) err = check_new(&init, report);
        else if (session->home.dir_fd < 0) err = pv_report(report, why.err, "%s", why.text);
    }
    if (err == PV_OK) err = is_new ? pv_new_person_make(session, &init.person, report) : resume(session, report);
    if (err == PV_OK) {
        if (is_new && !args->json) pv_new_person_show_kit(&init.person);
        err = send_registration(session, &init, report);
        printed = print_result(session, &init, is_new, err == PV_OK, args->json, report);
        if (err == PV_OK) err = printed;
    }
    wipe(&init);
    return err;
}
