/* `privity recovery test` and `recovery add-kit`. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/devices.h"
#include "cli/handlers.h"
#include "cli/kit.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/system.h"

/* ---- recovery test */

struct test {
    struct pv_given_kit kit; /* secret */
    struct pv_paper paper;   /* secret */
    size_t rooms, missing;
    char missing_names[512];
};

/* What this device knows of the kit, before the server is asked. */
static enum pv_err check_known(struct pv_session *session, const struct test *t, struct pv_report *report)
{
    struct pv_person_device *devices = NULL;
    const struct pv_person_device *found = NULL;
    struct pv_identity me;
    size_t count = 0;
    enum pv_err err = pv_person_devices(session->person->room, &devices, &count);

    if (err != PV_OK) return pv_session_room_error(session, session->person, err, report);
    pv_paper_identity(&t->kit.secret, &me);
    for (size_t i = 0; i < count; i++)
        if (pv_hash_equal(&devices[i].id, &me.device)) found = &devices[i];
    pv_wipe(&me, sizeof me);
    if (!found || !found->paper)
        err = pv_report(report, PV_ERR_DENIED, "this kit would not work: it is not one of %s's; is it another person's, or an old one?", session->secrets.name);
    else if (found->revoked)
        err = pv_report(report, PV_ERR_DENIED, "this kit would not work: it was revoked; add another with privity recovery add-kit and destroy this one");
    free(devices);
    return err;
}

/* Rooms that do not have the kit, or whose server cannot be asked. */
static enum pv_err check_rooms(struct pv_session *session, struct test *t, struct pv_report *report)
{
    struct pv_directory directory = {NULL, 0};
    size_t n = 0;
    enum pv_err err = pv_directory_list(session, &directory, report);

    for (size_t i = 0; i < directory.count && err == PV_OK; i++) {
        const struct pv_known_room *known = &directory.rooms[i];
        struct pv_report ignored = {.err = PV_OK};
        bool there = false;
        if (known->state != PV_ROOM_JOINED) continue;
        bool unknown = pv_paper_is_in(&t->paper, &known->id, &known->server, &there, &ignored) != PV_OK;
        t->rooms++;
        t->missing += !there;
        if (!there && n < sizeof t->missing_names - 80)
            n += (size_t)snprintf(t->missing_names + n, sizeof t->missing_names - n, "%s%.48s%s", n ? ", " : "", known->name,
                                  unknown ? " (its server was not reached)" : "");
    }
    pv_directory_release(&directory);
    return err;
}

static enum pv_err print_test(const struct pv_session *session, const struct test *t, bool json, struct pv_report *report)
{
    struct pv_out out;
    if (!json) {
        pv_term_line(stdout, "The kit works: it opens %s's newest keys and has its place in %zu of %zu rooms. Nothing was changed.",
                     session->secrets.name, t->rooms - t->missing, t->rooms);
        if (t->missing) pv_term_line(stdout, "Not in: %s. Run privity refresh, which adds it; in a room that you were removed from it has no place.", t->missing_names);
        return PV_OK;
    }
    pv_out_begin(&out);
    pv_out_json_hash(&out.json, "id", &t->paper.me.device);
    pv_json_bool(&out.json, "works", true);
    pv_json_u64(&out.json, "rooms", t->rooms);
    pv_json_u64(&out.json, "missing", t->missing);
    return pv_out_end(&out, report);
}

enum pv_err pv_cmd_recovery_test(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct test *t = calloc(1, sizeof *t);
    enum pv_err err = t ? pv_session_person(session, report) : PV_ERR_NOMEM;

    if (err != PV_OK) {
        free(t);
        return err;
    }
    err = pv_kit_read(pv_args_get(args, "kit"), &t->kit, report);
    if (err == PV_OK) err = pv_cli_registered(session, report);
    if (err == PV_OK) err = pv_contact_pull(session, session->person, 0, report);
    if (err == PV_OK) err = check_known(session, t, report);
    if (err == PV_OK) err = pv_paper_open(&t->kit.secret, &session->secrets.server, false, &t->paper, report);
    if (err == PV_OK && !pv_hash_equal(&t->paper.me.person, &session->me.person))
        err = pv_report(report, PV_ERR_DENIED, "this kit would not work: the server gives it another person");
    if (err == PV_OK) err = pv_paper_keys(&t->paper, false, report);
    if (err == PV_OK) err = check_rooms(session, t, report);
    if (err == PV_OK) err = print_test(session, t, args->json, report);
    pv_paper_release(&t->paper);
    pv_wipe(t, sizeof *t);
    free(t);
    return err;
}

/* ---- recovery add-kit */

/* The new kit's paper device, certified by this one. */
static enum pv_err add_paper(struct pv_session *session, const struct pv_kit_secret *kit, struct pv_hash *ret_id, struct pv_report *report)
{
    struct pv_new_device device;
    struct pv_identity paper;
    enum pv_err err;

    pv_paper_identity(kit, &paper);
    err = pv_device_consent(&paper, true, &session->me.person, &session->me.device, &device);
    *ret_id = paper.device;
    pv_wipe(&paper, sizeof paper);
    if (err == PV_OK) err = pv_device_add(session->person->room, &device);
    if (err != PV_OK) return pv_session_room_error(session, session->person, err, report);
    err = pv_cli_send(session, session->person, report);
    if (err == PV_OK && !pv_roster_device(pv_room_roster(session->person->room), ret_id))
        err = pv_report(report, PV_ERR_CONFLICT, "your devices changed at the same moment, and no kit was added: run the same command once more");
    return err;
}

/* Does its entry wait to be sent? Then the kit will be one, and whoever asked for it has to have it. */
static bool is_to_come(struct pv_session *session, const struct pv_hash *id)
{
    const struct pv_roster *view = NULL;
    return pv_room_view(session->person->room, &view) == PV_OK && pv_roster_device(view, id);
}

static enum pv_err print_added(const struct pv_hash *id, const struct pv_kit_secret *kit, const char *file, const struct pv_walk *walk,
                               struct pv_report *report)
{
    char code[PV_KIT_CODE_CHARS + 1] = "";
    struct pv_out out;
    enum pv_err err;

    if (!file) pv_kit_encode(kit, code);
    pv_out_begin(&out);
    pv_out_json_hash(&out.json, "id", id);
    pv_out_json_string(&out.json, "kit", *code ? code : NULL);
    pv_walk_json(walk, &out.json);
    err = pv_out_end(&out, report);
    pv_wipe(code, sizeof code);
    return err;
}

enum pv_err pv_cmd_recovery_add_kit(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    const char *file = pv_args_get(args, "kit");
    struct pv_walk walk = {.rooms = NULL};
    struct pv_kit_secret kit;
    struct pv_hash id;
    enum pv_err err = pv_session_person(session, report), sent;

    if (err == PV_OK) err = pv_cli_registered(session, report);
    if (err == PV_OK) err = pv_contact_push(session, session->person, NULL, report);
    if (err != PV_OK) return err;
    const struct pv_kit_facts facts = {.name = pv_bytes_of_string(session->secrets.name), .person = session->me.person,
                                       .server_url = session->secrets.server.text, .further = true};
    pv_random_fill(&pv_system_random, &kit, sizeof kit);
    /* On paper first: a kit that nobody holds is of no use. */
    if (file) err = pv_kit_write(file, &facts, &kit, report);
    if (err != PV_OK) {
        pv_wipe(&kit, sizeof kit);
        return err;
    }
    sent = add_paper(session, &kit, &id, report);
    if (sent != PV_OK && !is_to_come(session, &id)) {
        if (file) unlink(file);
        pv_wipe(&kit, sizeof kit);
        return sent;
    }
    if (!file && !args->json) pv_kit_show(&facts, &kit); /* also where it is only kept: it will be added */
    if (sent == PV_OK) sent = pv_walk_rooms(session, NULL, &walk, report);
    if (args->json) {
        err = print_added(&id, &kit, file, &walk, report);
    } else {
        pv_walk_print(&walk);
        pv_term_line(stdout, "The new kit works beside the old one. It goes with this device: if this device is revoked, so is the kit, unless it is kept.");
    }
    if (err == PV_OK) err = sent;
    if (err == PV_OK) err = pv_walk_result(&walk, report);
    pv_walk_release(&walk);
    pv_wipe(&kit, sizeof kit);
    return err;
}
