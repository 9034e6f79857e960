/* `privity repair`: how far a room is that a restored server waits with; an owner's word that it goes on, here or in a
 * successor; giving back blobs from files at hand. */
#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/kit.h"
#include "cli/output.h"
#include "cli/regain.h"
#include "cli/successor.h"
#include "cli/term.h"
#include "client/paper.h"

/* Of the person's own room there is no regain (NULL): it has no files. */
static void put_lost(const struct pv_regain *regain, struct pv_json *json)
{
    const struct pv_lost_version *lost;
    pv_json_begin_array(json, "lost");
    for (size_t i = 0; regain && (lost = pv_regain_lost(regain, i)); i++) {
        pv_json_begin_object(json, NULL);
        pv_json_name(json, "path", pv_bytes_of_string(lost->name));
        pv_json_u64(json, "version", lost->number);
        pv_json_u64(json, "index", lost->index);
        pv_json_u64(json, "blobs", lost->missing);
        pv_json_end_object(json);
    }
    pv_json_end_array(json);
    pv_json_u64(json, "lost_else", regain ? pv_regain_lost_else(regain) : 0);
}

static enum pv_err print_json(struct pv_open_room *room, const struct pv_regain *regain, uint64_t sent, struct pv_report *report)
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
    put_lost(regain, &out.json);
    pv_json_u64(&out.json, "blobs_given", sent);
    return pv_out_end(&out, report);
}

static void print_own_state(const struct pv_open_room *room)
{
    uint64_t missing = 0;
    if (!pv_room_is_restored(room->room, &missing))
        pv_term_line(stdout, "your own room is open");
    else if (missing)
        pv_term_line(stdout, "your own room waits: %llu entries are known to be missing, and whichever of your devices has them gives them back with "
                     "any command; where none is left that could, your recovery kit may say so: privity recover --go-on",
                     (unsigned long long)missing);
    else
        pv_term_line(stdout, "your own room waits for your other devices, which may have more than is here: use each once; if one is lost, "
                     "say: privity repair --go-on");
}

static void print_state(const struct pv_open_room *room)
{
    uint64_t missing = 0;
    bool restored = pv_room_is_restored(room->room, &missing);
    if (!pv_roster_is_born(pv_room_roster(room->room)))
        pv_term_line(stdout, "%s waits, and this device is not in it yet: another device of yours brings it in, once the room is open; where only "
                     "your recovery kit is left, it may say, if you are an owner, and once the other members came by: privity repair %s --go-on "
                     "--kit FILE (or --kit -, to type its code)", room->label, room->label);
    else if (pv_cli_has_ended(room, NULL)) pv_term_line(stdout, "%s has ended, and goes on in its successor", room->label);
    else if (!restored) pv_term_line(stdout, "%s is open", room->label);
    else if (missing)
        pv_term_line(stdout, "%s waits: %llu entries are known to be missing, and whoever has them gives them back on coming here; where nobody "
                     "can, an owner may say: privity repair %s --successor", room->label, (unsigned long long)missing, room->label);
    else
        pv_term_line(stdout, "%s waits for members who may have more than is here; once every owner was here, an owner may say: "
                     "privity repair %s --go-on; who comes later with more is alarmed then, and nobody is by: privity repair %s --successor",
                     room->label, room->label, room->label);
}

/* Blobs that the server lost: those that the named files make again are given back, the others are told. */
static enum pv_err regain(struct pv_session *session, struct pv_open_room *room, const struct pv_args *args, struct pv_report *report)
{
    struct pv_regain *regain = NULL;
    uint64_t sent = 0;
    enum pv_err err = pv_regain_new(session, room, &regain, report);

    for (size_t i = 1; i < args->word_count && err == PV_OK; i++) err = pv_regain_look(regain, args->words[i], report);
    if (err == PV_OK && args->word_count > 1) err = pv_regain_send(regain, &sent, report);
    if (err == PV_OK && args->json) err = print_json(room, regain, sent, report);
    else if (err == PV_OK) {
        print_state(room);
        if (args->word_count > 1) pv_term_line(stdout, "given back: %llu blob%s", (unsigned long long)sent, sent == 1 ? "" : "s");
        pv_regain_print(regain, room);
    }
    pv_regain_free(regain);
    return err;
}

/* The person's own room has no files, no other members, and no successor. */
static enum pv_err repair_own(struct pv_session *session, bool goes_on, bool json, struct pv_report *report)
{
    enum pv_err err = pv_session_person(session, report);
    if (err == PV_OK) err = pv_cli_registered(session, report);
    if (err == PV_OK && goes_on) pv_room_go_on(session->person->room);
    if (err == PV_OK) err = pv_contact_pull(session, session->person, 0, report);
    if (err != PV_OK) return err;
    if (json) return print_json(session->person, NULL, 0, report);
    print_own_state(session->person);
    return PV_OK;
}

/* By the recovery kit, where it is all that is left of an owner in the room: it says that the room goes on, and brings this
 * device in. */
static enum pv_err go_on_by_kit(struct pv_session *session, const struct pv_open_room *room, const char *file, struct pv_report *report)
{
    struct pv_paper_mended mended = {.restored = false};
    struct pv_given_kit kit;
    struct pv_paper paper = {.transport = NULL};
    enum pv_err err = pv_kit_read(file, &kit, report);

    if (err == PV_OK) err = pv_paper_open(&kit.secret, &session->secrets.server, false, &paper, report);
    if (err == PV_OK && !pv_hash_equal(&paper.me.person, &session->me.person))
        err = pv_report(report, PV_ERR_CONFLICT, "the kit is another person's; nothing was changed");
    if (err == PV_OK) err = pv_paper_keys(&paper, true, report);
    if (err == PV_OK) err = pv_paper_mend(&paper, &room->id, &room->server, true, &mended, report);
    pv_wipe(&kit, sizeof kit);
    pv_paper_release(&paper);
    return err;
}

enum pv_err pv_cmd_repair(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    bool succeeds = pv_args_get(args, "successor") != NULL, goes_on = pv_args_get(args, "go-on") != NULL;
    const char *kit = pv_args_get(args, "kit");
    struct pv_open_room *room = NULL;
    enum pv_err err = PV_OK;

    if (kit && (!goes_on || !args->word_count))
        err = pv_report(report, PV_ERR_USAGE, "--kit goes with a room and --go-on; for your own room there is privity recover --go-on");
    if (err == PV_OK && succeeds && goes_on) err = pv_report(report, PV_ERR_USAGE, "a room goes on either here (--go-on) or in a successor (--successor)");
    if (err == PV_OK && succeeds && !args->word_count) err = pv_report(report, PV_ERR_USAGE, "your own room has no successor; name the room that shall have one");
    if (err == PV_OK && !args->word_count) return repair_own(session, goes_on, args->json, report);
    if (err == PV_OK) err = pv_cli_room(session, args->words[0], &room, report);
    if (err == PV_OK && goes_on && !kit) pv_room_go_on(room->room);
    if (err == PV_OK && kit) err = go_on_by_kit(session, room, kit, report);
    if (err == PV_OK) err = pv_contact_pull(session, room, 0, report);
    if (err == PV_OK) err = succeeds ? pv_cli_succeed(session, room, report) : pv_cli_follow(session, room, report);
    if (err != PV_OK) return err;
    return regain(session, room, args, report);
}
