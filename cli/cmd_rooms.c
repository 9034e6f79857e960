/* `privity rooms`, `members`, `whoami`, `refresh`. */
#include <stdlib.h>
#include <string.h>

#include "cli/changes.h"
#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/successor.h"
#include "cli/term.h"

static void print_room(struct pv_session *session, const struct pv_known_room *known, struct pv_open_room *room)
{
    const struct pv_roster *view = NULL;
    const struct pv_principal *me = NULL;
    const char *state = pv_directory_room_state(session, known, room);
    bool gone = strcmp(state, "left") == 0 || strcmp(state, "removed") == 0 || strcmp(state, "ended") == 0;
    char id[17];
    size_t count = 0;

    if (!pv_out_is_terminal()) {
        pv_term_line(stdout, "%s", known->name);
        return;
    }
    if (room && pv_room_view(room->room, &view) == PV_OK && pv_roster_is_born(view)) {
        me = pv_roster_principal(view, &session->me.person);
        (void)pv_roster_principals(view, &count);
    }
    pv_hex_encode(known->id.b, 8, id);
    pv_term_column(stdout, known->name, 20);
    pv_term_line(stdout, "%s  %-8s %s", id,
                 pv_directory_room_awaited(session, known, room) ? "not here" : !room ? "locked" : gone ? state : me ? pv_cli_role_name(me->role) : "-", known->server.text);
}

static enum pv_err list_rooms(struct pv_session *session, bool json, struct pv_report *report)
{
    struct pv_directory directory = {NULL, 0};
    struct pv_out out;
    enum pv_err err = pv_directory_list(session, &directory, report);

    if (err != PV_OK) return err;
    if (json) {
        pv_out_begin(&out);
        pv_json_begin_array(&out.json, "rooms");
    }
    for (size_t i = 0; i < directory.count; i++) {
        struct pv_open_room *room = pv_directory_room_unlocked(session, &directory.rooms[i]);
        if (json) {
            pv_json_begin_object(&out.json, NULL);
            pv_directory_room_json(session, &directory.rooms[i], room, &out.json);
            pv_json_end_object(&out.json);
        } else {
            print_room(session, &directory.rooms[i], room);
        }
        if (room) pv_session_room_close(session, room);
    }
    pv_directory_release(&directory);
    if (!json) return PV_OK;
    pv_json_end_array(&out.json);
    return pv_out_end(&out, report);
}

enum pv_err pv_cmd_rooms(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    enum pv_err err = pv_session_person(session, report);
    if (err == PV_OK) err = pv_cli_fetch(session, session->person, report);
    return err == PV_OK ? list_rooms(session, args->json, report) : err;
}

/* ---- members */

static void print_member(struct pv_session *session, struct pv_open_room *room, const struct pv_principal *member,
                         const struct pv_verification *verification)
{
    char name[PV_CLI_NAME_BYTES], id[17], what[PV_CLI_VERIFIED_BYTES] = "";
    pv_cli_person_name(room, &member->id, name);
    pv_hex_encode(member->id.b, 8, id);
    if (verification) pv_cli_verified_text(session, pv_room_roster(room->room), verification, what);
    pv_term_column(stdout, name, 20);
    if (pv_hash_equal(&member->id, &session->me.person)) snprintf(what, sizeof what, "(you)");
    pv_term_line(stdout, *what ? "%s  %-6s  %s" : "%s  %s", id, pv_cli_role_name(member->role), what);
}

/* The person's own room says who was verified, maybe by another device. */
static enum pv_err print_members(struct pv_session *session, struct pv_open_room *room, const struct pv_roster *roster,
                                 struct pv_report *report)
{
    struct pv_verifications verifications = {0};
    size_t count = 0;
    const struct pv_principal *members = pv_roster_principals(roster, &count);
    enum pv_err err = pv_changes_verifications(session, &verifications, report);
    for (size_t i = 0; i < count && err == PV_OK; i++)
        print_member(session, room, &members[i], pv_verifications_find(&verifications, &members[i].id));
    pv_verifications_release(&verifications);
    return err;
}

static enum pv_err fetch_own(struct pv_session *session, struct pv_report *report)
{
    bool was_quiet = session->quiet;
    session->quiet = true; /* an absent server was noted for the room already */
    enum pv_err err = pv_cli_fetch(session, session->person, report);
    session->quiet = was_quiet;
    return err;
}

enum pv_err pv_cmd_members(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_open_room *room = NULL;
    struct pv_query query, own;
    struct pv_buf text;
    enum pv_err err = pv_cli_room_fetched(session, args->words[0], &room, report);

    if (err == PV_OK) err = fetch_own(session, report);
    if (err == PV_OK) err = pv_cli_query(session, room, &query, report);
    if (err == PV_OK) err = pv_cli_query(session, session->person, &own, report);
    if (err != PV_OK) return err;
    if (args->json) {
        pv_buf_init(&text, PV_OUT_JSON_MAX);
        err = pv_query_members_json(&query, &own, &text);
        if (err == PV_OK) err = pv_out_json(pv_buf_bytes(&text));
        pv_buf_wipe(&text);
        return pv_session_room_error(session, room, err, report);
    }
    return print_members(session, room, query.roster, report);
}

/* ---- whoami */

static void put_devices(struct pv_session *session, struct pv_json *json)
{
    const struct pv_roster *view = NULL;
    const struct pv_room_device *devices;
    size_t count = 0;

    pv_json_begin_array(json, "devices");
    if (pv_room_view(session->person->room, &view) == PV_OK) {
        devices = pv_roster_devices(view, &count);
        for (size_t i = 0; i < count; i++) {
            pv_json_begin_object(json, NULL);
            pv_out_json_hash(json, "id", &devices[i].id);
            pv_json_bool(json, "current", pv_hash_equal(&devices[i].id, &session->me.device));
            pv_json_bool(json, "paper", devices[i].paper);
            pv_json_bool(json, "revoked", false);
            pv_json_end_object(json);
        }
    }
    pv_json_end_array(json);
}

enum pv_err pv_cmd_whoami(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    char person[65], device[65];
    struct pv_out out;
    enum pv_err err = pv_session_person(session, report);

    if (err != PV_OK) return err;
    if (args->json) {
        pv_out_begin(&out);
        pv_out_json_hash(&out.json, "id", &session->me.person);
        pv_out_json_string(&out.json, "name", session->secrets.name);
        pv_out_json_hash(&out.json, "device", &session->me.device);
        pv_out_json_string(&out.json, "server", session->secrets.server.text);
        put_devices(session, &out.json);
        return pv_out_end(&out, report);
    }
    pv_hex_encode(session->me.person.b, 32, person);
    pv_hex_encode(session->me.device.b, 32, device);
    pv_term_line(stdout, "name    %s", session->secrets.name);
    pv_term_line(stdout, "person  %s", person);
    pv_term_line(stdout, "device  %s", device);
    pv_term_line(stdout, "server  %s", session->secrets.server.text);
    return PV_OK;
}

/* ---- refresh */

/* A join that ended before its entry was written: the server lets nobody in for it. */
static bool is_broken_off(const struct pv_known_room *known, enum pv_err err)
{
    if (known->state != PV_ROOM_INTENDED || err != PV_ERR_DENIED) return false;
    pv_term_line(stderr, "privity: joining %s was broken off: run privity join with its link again", known->name);
    return true;
}

static enum pv_err refresh_room(struct pv_session *session, const struct pv_known_room *known, struct pv_open_room *room,
                                struct pv_report *report)
{
    struct pv_known_room now = *known;
    bool was_removed = pv_contact_gone(room) == PV_GONE_REMOVED;
    enum pv_err err;

    if (known->state == PV_ROOM_LEFT && pv_cli_unsent(room) == 0) return PV_OK;
    if (pv_cli_unsent(room)) session->kept = true;
    if (pv_cli_has_ended(room, NULL)) return PV_OK;
    err = pv_contact_push(session, room, NULL, report);
    if (err == PV_OK || err == PV_ERR_OFFLINE) {
        struct pv_report followed = {.err = PV_OK};
        enum pv_err worse = pv_cli_follow(session, room, &followed);
        if (worse != PV_OK) *report = followed;
        if (worse != PV_OK || room->goes_on) return worse;
    }
    if (err == PV_OK) pv_cli_say_restored(session, room);
    if (is_broken_off(known, err)) return PV_OK;
    if (err == PV_ERR_DENIED && was_removed && pv_cli_unsent(room) == 0) return PV_OK; /* said before */
    if (err != PV_OK || pv_contact_gone(room) != PV_GONE_LEFT || known->state == PV_ROOM_LEFT) return err;
    now.state = PV_ROOM_LEFT; /* a leave that waited has arrived */
    return pv_directory_record(session, &now, report);
}

/* All rooms, whatever happens to one; the worst error counts. */
static enum pv_err refresh_rooms(struct pv_session *session, struct pv_report *report)
{
    struct pv_directory directory = {NULL, 0};
    struct pv_report worst = {.err = PV_OK}, said;
    enum pv_err err = pv_directory_list(session, &directory, report);

    if (err == PV_OK) err = pv_directory_own_first(session, &directory);
    if (err != PV_OK) {
        pv_directory_release(&directory);
        return err;
    }
    for (size_t i = 0; i < directory.count; i++) {
        const struct pv_known_room *known = &directory.rooms[i];
        struct pv_open_room *room = NULL;
        bool is_here = pv_session_has_room(session, &known->id);
        if (is_here ? !pv_session_is_unlocked(session, &known->id) : known->state == PV_ROOM_LEFT) continue;
        said = (struct pv_report){.err = PV_OK};
        err = is_here ? PV_OK : pv_contact_lets_in(session, &known->id, known->name, &known->server, &said);
        if (!is_here && is_broken_off(known, err)) continue;
        if (err == PV_OK) err = pv_session_room_new(session, &known->id, known->name, &known->server, &room, &said);
        if (err == PV_OK) err = refresh_room(session, known, room, &said);
        if (room) pv_session_room_close(session, room);
        if (err != PV_OK && pv_err_exit_status(err) != 4 && worst.err != PV_OK) continue;
        if (err != PV_OK) worst = said;
    }
    pv_directory_release(&directory);
    *report = worst;
    return worst.err;
}

enum pv_err pv_cmd_refresh(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_report person_said = {.err = PV_OK};
    enum pv_err err = pv_session_person(session, report), listed;

    if (err != PV_OK) return err;
    if (pv_cli_unsent(session->person)) session->kept = true;
    err = pv_contact_push(session, session->person, NULL, &person_said);
    if (err == PV_OK || err == PV_ERR_OFFLINE) {
        enum pv_err rooms = refresh_rooms(session, report);
        if (rooms != PV_OK) err = rooms;
        else if (err != PV_OK) *report = person_said;
    } else {
        *report = person_said;
    }
    if (err != PV_OK) return err;
    listed = args->json ? list_rooms(session, true, report) : PV_OK;
    return listed;
}
