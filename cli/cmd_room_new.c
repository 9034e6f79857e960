/* `privity room new`: found a room and list it in the person's own. */
#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/successor.h"
#include "cli/term.h"
#include "client/system.h"

/* Name and log key of the person's server: what the person room's log says is in force. */
static void server_of_person(struct pv_session *session, const struct pv_roster *view, struct pv_server_info *ret_info)
{
    struct pv_bytes name = pv_roster_server_name(view);
    (void)session;
    snprintf(ret_info->name, sizeof ret_info->name, "%.*s", (int)name.n, (const char *)name.p);
    ret_info->log_key = *pv_roster_log_key(view);
}

enum pv_err pv_cli_found(struct pv_session *session, const char *name, struct pv_known_room *known, struct pv_open_room **ret_room,
                         struct pv_report *report)
{
    const struct pv_roster *view = NULL;
    struct pv_server_info server;
    struct pv_new_room genesis = {.secret = {{0}}};
    enum pv_err err = pv_room_view(session->person->room, &view);

    if (err != PV_OK) return pv_session_room_error(session, session->person, err, report);
    server_of_person(session, view, &server);
    err = pv_found_client_room(&session->me, session->person->room, &server, &pv_system_random, pv_session_now_ms(session), &genesis);
    if (err != PV_OK) return pv_session_room_error(session, session->person, err, report);
    *known = (struct pv_known_room){.id = genesis.room_id, .server = session->secrets.server, .state = PV_ROOM_INTENDED};
    snprintf(known->name, sizeof known->name, "%s", name);
    err = pv_session_room_new(session, &known->id, name, &known->server, ret_room, report);
    if (err == PV_OK) {
        err = pv_room_adopt_genesis((*ret_room)->room, &genesis);
        err = pv_session_room_error(session, *ret_room, err, report);
    }
    pv_new_room_release(&genesis);
    return err;
}

enum pv_err pv_cmd_room_new(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    const char *as = pv_args_get(args, "as");
    char word[PV_TERM_WORD_BYTES];
    struct pv_known_room known;
    struct pv_open_room *room = NULL;
    enum pv_err err = as ? pv_cli_check_name(as, report) : PV_OK, sent;

    if (err == PV_OK) err = pv_session_person(session, report);
    if (err == PV_OK) err = pv_cli_registered(session, report);
    if (err == PV_OK) err = pv_directory_check_name(session, args->words[0], report);
    if (err == PV_OK) err = pv_cli_found(session, args->words[0], &known, &room, report);
    if (err != PV_OK) return err;
    err = pv_directory_record(session, &known, report);
    if (err != PV_OK && err != PV_ERR_OFFLINE) return err;
    err = pv_cli_write_profile(session, room, as ? as : session->secrets.name, report);
    if (err != PV_OK) return err;
    sent = pv_cli_send(session, room, report);
    if (sent != PV_OK && sent != PV_ERR_OFFLINE) return sent;
    if (sent == PV_OK) {
        known.state = PV_ROOM_JOINED;
        err = pv_directory_record(session, &known, report);
        if (err != PV_OK && err != PV_ERR_OFFLINE) return err;
    }
    if (args->json) {
        struct pv_out out;
        pv_out_begin(&out);
        pv_directory_room_json(session, &known, room, &out.json);
        err = pv_out_end(&out, report);
    } else if (sent == PV_OK)
        pv_term_line(stdout, "The room %s is made. Run privity invite %s for a link to join it.", known.name, pv_term_word(known.name, word));
    return err == PV_OK || err == PV_ERR_OFFLINE ? sent : err;
}
