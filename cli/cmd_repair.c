/* `privity repair`: how far a room is that a restored server waits with; an owner's word that it goes on, here or in a
 * successor. */
#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/successor.h"
#include "cli/term.h"

static enum pv_err print_json(struct pv_open_room *room, struct pv_report *report)
{
    struct pv_hash successor;
    struct pv_out out;
    uint64_t missing = 0;
    bool ended = pv_cli_has_ended(room, &successor), restored = pv_room_is_restored(room->room, &missing);
    pv_out_begin(&out);
    pv_out_json_hash(&out.json, "id", &room->id);
    pv_json_bool(&out.json, "open", !restored && !ended);
    pv_json_u64(&out.json, "missing", missing);
    if (ended) pv_out_json_hash(&out.json, "successor", &successor);
    else pv_json_null(&out.json, "successor");
    return pv_out_end(&out, report);
}

static void print_state(const struct pv_open_room *room)
{
    uint64_t missing = 0;
    bool restored = pv_room_is_restored(room->room, &missing);
    if (pv_cli_has_ended(room, NULL)) pv_term_line(stdout, "%s has ended, and goes on in its successor", room->label);
    else if (!restored) pv_term_line(stdout, "%s is open", room->label);
    else if (missing)
        pv_term_line(stdout, "%s waits: %llu entries are known to be missing, and whoever has them gives them back on coming here; where nobody "
                     "can, an owner may say: privity repair %s --successor", room->label, (unsigned long long)missing, room->label);
    else
        pv_term_line(stdout, "%s waits for members who may have more than is here; once every owner was here, an owner may say: "
                     "privity repair %s --go-on", room->label, room->label);
}

enum pv_err pv_cmd_repair(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    bool succeeds = pv_args_get(args, "successor") != NULL, goes_on = pv_args_get(args, "go-on") != NULL;
    struct pv_open_room *room = NULL;
    enum pv_err err = PV_OK;

    if (succeeds && goes_on) err = pv_report(report, PV_ERR_USAGE, "a room goes on either here (--go-on) or in a successor (--successor)");
    if (err == PV_OK) err = pv_cli_room(session, args->words[0], &room, report);
    if (err == PV_OK && goes_on) pv_room_go_on(room->room);
    if (err == PV_OK) err = pv_contact_pull(session, room, 0, report);
    if (err == PV_OK) err = succeeds ? pv_cli_succeed(session, room, report) : pv_cli_follow(session, room, report);
    if (err != PV_OK) return err;
    if (args->json) return print_json(room, report);
    print_state(room);
    return PV_OK;
}
