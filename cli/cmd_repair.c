/* `privity repair`: how far a room is that a restored server waits with, and an owner's word that it goes on. */
#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/term.h"

static enum pv_err print_state(struct pv_session *session, struct pv_open_room *room, bool json, struct pv_report *report)
{
    uint64_t missing = 0;
    bool restored = pv_room_is_restored(room->room, &missing);
    struct pv_out out;
    if (json) {
        pv_out_begin(&out);
        pv_out_json_hash(&out.json, "id", &room->id);
        pv_json_bool(&out.json, "open", !restored);
        pv_json_u64(&out.json, "missing", missing);
        return pv_out_end(&out, report);
    }
    (void)session;
    if (!restored) pv_term_line(stdout, "%s is open", room->label);
    else if (missing)
        pv_term_line(stdout, "%s waits: %llu entries are known to be missing, and whoever has them gives them back on coming here",
                     room->label, (unsigned long long)missing);
    else
        pv_term_line(stdout, "%s waits for members who may have more than is here; once every owner was here, an owner may say: "
                     "privity repair %s --go-on", room->label, room->label);
    return PV_OK;
}

enum pv_err pv_cmd_repair(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_open_room *room = NULL;
    enum pv_err err = pv_cli_room(session, args->words[0], &room, report);
    if (err == PV_OK && pv_args_get(args, "go-on")) pv_room_go_on(room->room);
    if (err == PV_OK) err = pv_contact_pull(session, room, 0, report);
    return err == PV_OK ? print_state(session, room, args->json, report) : err;
}
