/* `privity init`: a new person, this device, the recovery kit; then the server. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/passphrase.h"
#include "client/system.h"
#include "core/room/kit.h"

struct init {
    const char *name;
    const char *kit_file; /* NULL: shown */
    struct pv_server_url server;
    struct pv_passphrase passphrase;
    struct pv_kit_secret kit;
    struct pv_device_secrets secrets;
    struct pv_new_room genesis;
    bool has_code;
    struct pv_passphrase code;
};

static void wipe(struct init *init)
{
    pv_new_room_release(&init->genesis);
    pv_wipe(init, sizeof *init);
}

static enum pv_err read_options(const struct pv_args *args, struct init *init, struct pv_report *report)
{
    const char *server = pv_args_get(args, "server"), *file = pv_args_get(args, "registration-file");
    enum pv_err err;

    init->name = pv_args_get(args, "name");
    init->kit_file = pv_args_get(args, "kit");
    if (!init->name) return pv_report(report, PV_ERR_USAGE, "a name is missing: privity init --name NAME");
    err = pv_cli_check_name(init->name, report);
    if (err != PV_OK) return err;
    if (!server || !*server) server = getenv("PRIVITY_SERVER");
    if (!server || !*server)
        return pv_report(report, PV_ERR_USAGE, "no server is named: give --server URL or set PRIVITY_SERVER");
    if (pv_server_url_read(pv_bytes_of_string(server), &init->server) != PV_OK)
        return pv_report(report, PV_ERR_USAGE, "%s is no server's address: write https://HOST or https://HOST:PORT", server);
    if (!file) return PV_OK;
    err = pv_secret_read_file(file, "the registration code", &init->code, report);
    if (err == PV_OK && init->code.n == sizeof init->code.text) err = pv_report(report, PV_ERR_LIMIT, "the registration code is too long");
    if (err != PV_OK) return err;
    init->code.text[init->code.n] = '\0';
    init->has_code = true;
    return PV_OK;
}

/* Keys, kit and genesis, in memory. */
static enum pv_err make_person(struct pv_session *session, struct init *init, struct pv_report *report)
{
    struct pv_transport *transport = NULL;
    struct pv_task *task = NULL;
    struct pv_identity me, paper;
    struct pv_sign_seed paper_sign;
    struct pv_kem_seed paper_kem;
    enum pv_err err = pv_contact_server(session, &init->server, &transport, report);

    if (err == PV_OK) err = pv_server_info_task(&task);
    if (err == PV_OK) err = pv_transport_run(transport, task, report);
    if (err != PV_OK) goto out;
    pv_random_fill(&pv_system_random, &init->secrets.sign_seed, sizeof init->secrets.sign_seed);
    pv_random_fill(&pv_system_random, &init->secrets.kem_seed, sizeof init->secrets.kem_seed);
    pv_random_fill(&pv_system_random, &init->kit, sizeof init->kit);
    pv_kit_paper_seeds(&init->kit, &paper_sign, &paper_kem);
    pv_identity_derive(&init->secrets.sign_seed, &init->secrets.kem_seed, &me);
    pv_identity_derive(&paper_sign, &paper_kem, &paper);
    err = pv_found_person_room(&me, &paper, pv_server_info_result(task), &pv_system_random, pv_system_now_ms(), &init->genesis);
    init->secrets.person = init->genesis.room_id;
    init->secrets.server = init->server;
    snprintf(init->secrets.name, sizeof init->secrets.name, "%s", init->name);
    pv_wipe(&me, sizeof me);
    pv_wipe(&paper, sizeof paper);
    pv_wipe(&paper_sign, sizeof paper_sign);
    pv_wipe(&paper_kem, sizeof paper_kem);
out:
    pv_task_free(task);
    return err;
}

static void put_sheet(const struct init *init, struct pv_buf *sheet)
{
    const struct pv_kit_facts facts = {pv_bytes_of_string(init->name), init->secrets.person, init->server.text};
    pv_buf_init(sheet, PV_KIT_SHEET_BYTES);
    pv_kit_sheet_put(sheet, &facts, &init->kit);
}

static enum pv_err write_kit(const struct init *init, struct pv_report *report)
{
    struct pv_buf sheet;
    enum pv_err err = PV_OK;
    int fd = open(init->kit_file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return pv_report(report, errno == EEXIST ? PV_ERR_CONFLICT : PV_ERR_IO, "cannot write the recovery kit to %s: %s%s",
                         init->kit_file, strerror(errno), errno == EEXIST ? "; nothing was made, give another name" : "");
    put_sheet(init, &sheet);
    if (sheet.err != PV_OK || write(fd, sheet.p, sheet.n) != (ssize_t)sheet.n || fsync(fd) != 0)
        err = pv_report(report, pv_home_errno(errno), "cannot write the recovery kit to %s: %s", init->kit_file, strerror(errno));
    if (close(fd) != 0 && err == PV_OK) err = pv_report(report, PV_ERR_IO, "cannot write the recovery kit to %s", init->kit_file);
    if (err != PV_OK) unlink(init->kit_file);
    pv_buf_wipe(&sheet);
    return err;
}

/* The home's files, the version last; what a failure leaves is taken away. */
static enum pv_err write_home(struct pv_session *session, struct init *init, struct pv_report *report)
{
    char name[PV_HOME_NAME_BYTES];
    struct pv_report ignored;
    enum pv_err err = pv_session_create(session, &init->secrets, pv_passphrase_bytes(&init->passphrase), report);

    if (err == PV_OK)
        err = pv_session_room_new(session, &init->genesis.room_id, "your own room", &init->server, &session->person, report);
    if (err == PV_OK) {
        err = pv_room_adopt_genesis(session->person->room, &init->genesis);
        if (err == PV_OK) err = pv_cli_write_profile(session, session->person, init->name, report);
        err = pv_session_room_error(session, session->person, err, report);
    }
    if (err == PV_OK && init->kit_file) err = write_kit(init, report);
    if (err == PV_OK) err = pv_home_finish(&session->home, report);
    if (err == PV_OK) return PV_OK;
    if (session->person) pv_session_room_close(session, session->person);
    for (int i = 0; i < 3; i++) {
        static const char *const suffixes[] = {".db", ".db-wal", ".db-shm"};
        pv_database_name("rooms", &init->genesis.room_id, suffixes[i], name);
        if (pv_home_remove(&session->home, name, &ignored) != PV_OK) break;
    }
    if (pv_home_remove(&session->home, "keystore", &ignored) != PV_OK) return err;
    return err;
}

static enum pv_err make(struct pv_session *session, struct init *init, struct pv_report *report)
{
    enum pv_err err = pv_home_create(&session->home, report);
    if (err == PV_OK) err = make_person(session, init, report);
    if (err == PV_OK) err = pv_passphrase_ask(true, &init->passphrase, report);
    if (err == PV_OK) err = write_home(session, init, report);
    return err;
}

/* An `init` that could not reach the server, or was refused, is taken up by the next one. */
static enum pv_err resume(struct pv_session *session, struct pv_report *report)
{
    enum pv_err err = pv_session_unlock(session, report);
    if (err == PV_OK) err = pv_session_person(session, report);
    if (err == PV_OK && pv_roster_is_born(pv_room_roster(session->person->room)))
        err = pv_report(report, PV_ERR_CONFLICT,
                        "%s holds a person already: set PRIVITY_HOME for another one; nothing was changed", session->home.path);
    return err;
}

static enum pv_err show_kit(const struct init *init, bool json)
{
    struct pv_buf sheet;
    if (init->kit_file || json) return PV_OK;
    put_sheet(init, &sheet);
    fwrite(sheet.p, 1, sheet.n, stdout);
    putchar('\n');
    fflush(stdout);
    pv_buf_wipe(&sheet);
    if (pv_out_is_terminal() && isatty(STDIN_FILENO)) {
        fputs("This is shown once. Press Enter when it is printed or written down. ", stderr);
        for (int c = getchar(); c != '\n' && c != EOF;) c = getchar();
    }
    return PV_OK;
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
    if (is_new && !init->kit_file) pv_kit_encode(&init->kit, code);
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

static enum pv_err send_registration(struct pv_session *session, const struct init *init, struct pv_report *report)
{
    enum pv_err err = pv_contact_push(session, session->person, init->has_code ? (const char *)init->code.text : NULL, report);
    char said[PV_REPORT_BYTES];

    if (err == PV_OK || pv_err_exit_status(err) == 4) return err;
    snprintf(said, sizeof said, "%s", report->text);
    session->kept = true;
    if (err == PV_ERR_OFFLINE)
        return pv_report(report, err, "%.600s; what was made is kept: run `privity refresh` to register later", said);
    if (pv_err_exit_status(err) == 3)
        return pv_report(report, err,
                         "%.600s; what was made is kept: run init again with --registration-file FILE, or `privity join LINK`", said);
    return pv_report(report, err, "%.600s; what was made is kept: run init again to register", said);
}

enum pv_err pv_cmd_init(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct init init = {.name = NULL};
    struct pv_report why = {.err = PV_OK};
    bool is_new = true;
    enum pv_err err = read_options(args, &init, report), printed;

    if (err == PV_OK) {
        is_new = pv_home_open(&session->home, &why) == PV_ERR_NOT_FOUND;
        if (!is_new && session->home.dir_fd < 0) err = pv_report(report, why.err, "%s", why.text);
    }
    if (err == PV_OK) err = is_new ? make(session, &init, report) : resume(session, report);
    if (err == PV_OK) {
        if (is_new) err = show_kit(&init, args->json);
        if (err == PV_OK) err = send_registration(session, &init, report);
        printed = print_result(session, &init, is_new, err == PV_OK, args->json, report);
        if (err == PV_OK) err = printed;
    }
    wipe(&init);
    return err;
}
