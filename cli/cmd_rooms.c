/* `privity rooms`, `members`, `whoami`, `status`, `refresh`. */
#include <stdlib.h>
#include <string.h>

#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/term.h"
#include "client/system.h"

/* A room of the list, opened only if that needs no passphrase. A damaged one is noted, and the others still shown. */
static struct pv_open_room *open_unlocked(struct pv_session *session, const struct pv_known_room *known)
{
    struct pv_report said = {.err = PV_OK};
    struct pv_open_room *room = NULL;
    if (!pv_session_is_unlocked(session, &known->id)) return NULL;
    if (pv_session_room(session, &known->id, known->name, &known->server, &room, &said) == PV_OK) return room;
    if (said.err != PV_ERR_NOT_FOUND) pv_term_line(stderr, "privity: %s", said.text);
    return NULL;
}

static void print_room(struct pv_session *session, const struct pv_known_room *known, struct pv_open_room *room)
{
    const struct pv_roster *view = NULL;
    const struct pv_principal *me = NULL;
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
                 !room ? "locked" : known->state == PV_ROOM_LEFT ? "left" : me ? pv_cli_role_name(me->role) : "-", known->server.text);
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
        struct pv_open_room *room = open_unlocked(session, &directory.rooms[i]);
        if (json) {
            pv_json_begin_object(&out.json, NULL);
            pv_cli_room_json(session, &directory.rooms[i], room, &out.json);
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

static void print_member(struct pv_session *session, struct pv_open_room *room, const struct pv_principal *member)
{
    char name[PV_CLI_NAME_BYTES], id[17];
    pv_cli_person_name(room, &member->id, name);
    pv_hex_encode(member->id.b, 8, id);
    pv_term_column(stdout, name, 20);
    pv_term_line(stdout, "%s  %s%s", id, pv_cli_role_name(member->role),
                 pv_hash_equal(&member->id, &session->me.person) ? "  (you)" : "");
}

enum pv_err pv_cmd_members(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_open_room *room = NULL;
    const struct pv_principal *members;
    struct pv_query query;
    struct pv_buf text;
    size_t count = 0;
    enum pv_err err = pv_cli_room_fetched(session, args->words[0], &room, report);

    if (err == PV_OK) err = pv_cli_query(session, room, &query, report);
    if (err != PV_OK) return err;
    if (args->json) {
        pv_buf_init(&text, PV_OUT_JSON_MAX);
        err = pv_query_members_json(&query, &text);
        if (err == PV_OK) err = pv_out_json(pv_buf_bytes(&text));
        pv_buf_wipe(&text);
        return pv_session_room_error(session, room, err, report);
    }
    members = pv_roster_principals(query.roster, &count);
    for (size_t i = 0; i < count; i++) print_member(session, room, &members[i]);
    return PV_OK;
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

/* ---- status */

struct status {
    struct pv_session *session;
    struct pv_json *json; /* NULL: lines */
    uint64_t contact_ms;
};

static enum pv_err alarm_row(void *context, const struct pv_evidence *evidence)
{
    struct status *status = context;
    if (status->json)
        pv_json_text(status->json, NULL, evidence->text);
    else {
        fputs("    ALARM: ", stdout);
        pv_term_print(stdout, evidence->text, PV_TERM_LINE, NULL);
        putchar('\n');
    }
    return PV_OK;
}

static void status_lines(struct status *status, const struct pv_known_room *known, struct pv_open_room *room)
{
    char when[PV_OUT_TIME_BYTES] = "never";
    uint64_t unsent = room ? pv_cli_unsent(room) : 0, contact_ms = 0;

    if (room && pv_store_number_get(room->store, PV_CONTACT_LAST, 0, &contact_ms) == PV_OK && contact_ms) pv_out_time(contact_ms, when);
    pv_term_column(stdout, known->name, 20);
    if (!room)
        pv_term_line(stdout, "locked");
    else if (unsent)
        pv_term_line(stdout, "%llu not sent, last contact %s", (unsigned long long)unsent, when);
    else
        pv_term_line(stdout, "all sent, last contact %s", when);
    if (room && pv_store_evidence_each(room->store, alarm_row, status) != PV_OK)
        pv_term_line(stdout, "    the list of alarms cannot be read");
}

static void status_json(struct status *status, const struct pv_known_room *known, struct pv_open_room *room)
{
    struct pv_json *json = status->json;
    uint64_t contact_ms = 0;
    pv_json_begin_object(json, NULL);
    pv_cli_room_json(status->session, known, room, json);
    if (room && pv_store_number_get(room->store, PV_CONTACT_LAST, 0, &contact_ms) == PV_OK && contact_ms)
        pv_json_u64(json, "last_contact", contact_ms);
    else
        pv_json_null(json, "last_contact");
    pv_json_begin_array(json, "alarms");
    if (room && pv_store_evidence_each(room->store, alarm_row, status) != PV_OK)
        pv_json_string(json, NULL, "the list of alarms cannot be read");
    pv_json_end_array(json);
    pv_json_end_object(json);
}

static void each_room(struct status *status, const struct pv_directory *directory)
{
    for (size_t i = 0; i < directory->count; i++) {
        struct pv_open_room *room = open_unlocked(status->session, &directory->rooms[i]);
        if (status->json)
            status_json(status, &directory->rooms[i], room);
        else
            status_lines(status, &directory->rooms[i], room);
        if (room) pv_session_room_close(status->session, room);
    }
}

/* Ask for a note signed just now, if the server answers: how far is its clock from ours? */
static bool clock_difference(struct pv_session *session, int64_t *ret_ms)
{
    uint64_t server_ms = 0;
    struct pv_report ignored;
    if (pv_contact_server_time(session, &session->secrets.server, &server_ms, &ignored) != PV_OK) return false;
    *ret_ms = (int64_t)server_ms - (int64_t)pv_system_now_ms();
    return true;
}

enum pv_err pv_cmd_status(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct status status = {.session = session};
    struct pv_directory directory = {NULL, 0};
    struct pv_out out;
    int64_t difference_ms = 0;
    bool answered;
    enum pv_err err = pv_session_person(session, report);

    if (err == PV_OK) err = pv_cli_fetch(session, session->person, report);
    if (err == PV_OK) err = pv_directory_list(session, &directory, report);
    if (err != PV_OK) return err;
    answered = clock_difference(session, &difference_ms);
    if (args->json) {
        pv_out_begin(&out);
        status.json = &out.json;
        pv_out_json_hash(&out.json, "id", &session->me.person);
        pv_out_json_string(&out.json, "name", session->secrets.name);
        pv_out_json_string(&out.json, "server", session->secrets.server.text);
        pv_json_bool(&out.json, "reachable", answered);
        if (answered)
            pv_json_i64(&out.json, "clock_difference", difference_ms);
        else
            pv_json_null(&out.json, "clock_difference");
        pv_json_bool(&out.json, "registered", pv_roster_is_born(pv_room_roster(session->person->room)));
        pv_json_u64(&out.json, "unsent", pv_cli_unsent(session->person));
        pv_json_begin_array(&out.json, "rooms");
        each_room(&status, &directory);
        pv_json_end_array(&out.json);
        err = pv_out_end(&out, report);
    } else {
        pv_term_line(stdout, "%s on %s: %s", session->secrets.name, session->secrets.server.text, answered ? "reachable" : "not reachable now");
        if (difference_ms > 60000 || difference_ms < -60000)
            pv_term_line(stdout, "this device's clock is %lld s %s the server's", (long long)(difference_ms > 0 ? difference_ms : -difference_ms) / 1000,
                         difference_ms > 0 ? "behind" : "ahead of");
        if (!pv_roster_is_born(pv_room_roster(session->person->room)))
            pv_term_line(stdout, "not registered there yet: the next command that reaches it does that");
        if (pv_cli_unsent(session->person))
            pv_term_line(stdout, "your own room: %llu not sent", (unsigned long long)pv_cli_unsent(session->person));
        each_room(&status, &directory);
    }
    pv_directory_release(&directory);
    return err;
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
    err = pv_contact_push(session, room, NULL, report);
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

    if (err != PV_OK) return err;
    for (size_t i = 0; i < directory.count; i++) {
        const struct pv_known_room *known = &directory.rooms[i];
        struct pv_open_room *room = NULL;
        if (!pv_session_is_unlocked(session, &known->id) && pv_session_has_room(session, &known->id)) continue;
        said = (struct pv_report){.err = PV_OK};
        err = pv_session_room_new(session, &known->id, known->name, &known->server, &room, &said);
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
