/* `privity status`: what waits, when a server last answered, alarms until they are acknowledged. */
#include <string.h>

#include "cli/changes.h"
#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/successor.h"
#include "cli/term.h"
#include "client/alarms.h"
#include "client/system.h"

struct status {
    struct pv_session *session;
    struct pv_json *json; /* NULL: lines */
    struct pv_verifications verifications;
    uint64_t contact_ms;
};

static void alarm_line(const struct status *status, const struct pv_alarm *alarm, const char *word)
{
    char when[PV_OUT_TIME_BYTES];
    pv_out_time(alarm->time_ms, when);
    printf("    %s %s, %s: ", word, alarm->id, when);
    pv_term_print(stdout, alarm->text, PV_TERM_LINE, NULL);
    putchar('\n');
    if (*alarm->file) pv_term_line(stdout, "      evidence: %s/%s", status->session->home.path, alarm->file);
}

static void alarm_json(const struct status *status, const struct pv_alarm *alarm)
{
    struct pv_json *json = status->json;
    char path[PV_HOME_PATH_BYTES];
    pv_json_begin_object(json, NULL);
    pv_json_string(json, "id", alarm->id);
    pv_json_text(json, "text", alarm->text);
    pv_json_string(json, "what", pv_err_web_name(alarm->what));
    pv_json_u64(json, "time", alarm->time_ms);
    if (alarm->acknowledged_ms) pv_json_u64(json, "acknowledged", alarm->acknowledged_ms);
    else pv_json_null(json, "acknowledged");
    if (*alarm->file) pv_home_path_of(&status->session->home, alarm->file, path);
    pv_out_json_string(json, "evidence", *alarm->file ? path : NULL);
    pv_json_end_object(json);
}

static enum pv_err alarm_row(void *context, const struct pv_alarm *alarm)
{
    const struct status *status = context;
    if (status->json) alarm_json(status, alarm);
    else if (!alarm->acknowledged_ms) alarm_line(status, alarm, "ALARM");
    return PV_OK;
}

/* ---- acknowledging */

/* By the begin of an id: which, of all rooms? */
struct acknowledging {
    const struct status *status;
    const char *text;
    bool all, tell;
    struct pv_open_room *room; /* being looked at */
    uint64_t found;
};

static enum pv_err find_alarm(void *context, const struct pv_alarm *alarm)
{
    struct acknowledging *a = context;
    size_t n = strlen(a->text);
    if (alarm->acknowledged_ms) return PV_OK;
    if (!a->all && (n < 4 || strncmp(alarm->id, a->text, n) != 0)) return PV_OK;
    a->found++;
    return PV_OK;
}

static enum pv_err acknowledge_row(void *context, const struct pv_alarm *alarm)
{
    struct acknowledging *a = context;
    size_t n = strlen(a->text);
    if (alarm->acknowledged_ms || (!a->all && strncmp(alarm->id, a->text, n) != 0)) return PV_OK;
    if (a->tell) {
        pv_term_line(stdout, "%s", a->room->label);
        alarm_line(a->status, alarm, "acknowledged");
    }
    return pv_alarm_acknowledge(a->room, alarm->row);
}

/* Go over all rooms that are open without asking, the person's own first. */
static enum pv_err over_rooms(struct acknowledging *a, const struct pv_directory *directory, pv_alarm_row *row)
{
    struct pv_session *session = a->status->session;
    a->room = session->person;
    enum pv_err err = pv_alarms_each(a->room, row, a);
    for (size_t i = 0; i < directory->count && err == PV_OK; i++) {
        a->room = pv_directory_room_unlocked(session, &directory->rooms[i]);
        if (!a->room) continue;
        err = pv_alarms_each(a->room, row, a);
        pv_session_room_close(session, a->room);
    }
    return err;
}

static enum pv_err acknowledge(const struct status *status, const struct pv_directory *directory, const char *text,
                               bool tell, struct pv_report *report)
{
    struct acknowledging a = {.status = status, .text = text, .all = strcmp(text, "all") == 0, .tell = tell};
    enum pv_err err = over_rooms(&a, directory, find_alarm);
    if (err != PV_OK) return pv_report_default(report, err, "the alarms");
    if (a.found == 0 && !a.all) return pv_report(report, PV_ERR_NOT_FOUND, "no alarm %s waits: see privity status (locked rooms do not tell theirs)", text);
    if (a.found > 1 && !a.all) return pv_report(report, PV_ERR_USAGE, "%s is the begin of several alarms: type more of it", text);
    err = over_rooms(&a, directory, acknowledge_row);
    return err == PV_OK ? PV_OK : pv_report_default(report, err, "the alarms");
}

/* ---- a room */

/* What stands read-only, for `restored` in JSON and as a line. */
static bool is_restored(const struct pv_open_room *room)
{
    return room && pv_contact_is_restored(room) && !pv_cli_has_ended(room, NULL);
}

static void list_alarms(struct status *status, const struct pv_open_room *room)
{
    if (pv_alarms_each(room, alarm_row, status) == PV_OK) return;
    if (status->json) pv_json_null(status->json, NULL);
    else pv_term_line(stdout, "    the list of alarms cannot be read");
}

/* ---- changed devices */

struct changed {
    struct status *status;
    struct pv_open_room *room;
};

static enum pv_err changed_row(void *context, const struct pv_told_change *told)
{
    const struct changed *changed = context;
    char name[PV_CLI_NAME_BYTES], id[17], what[PV_CLI_CHANGE_BYTES], word[PV_TERM_WORD_BYTES];
    if (changed->status->json) {
        pv_cli_change_json(changed->room, told, changed->status->json);
        return PV_OK;
    }
    pv_cli_person_name(changed->room, &told->change.person, name);
    pv_hex_encode(told->change.person.b, 8, id);
    pv_cli_change_text(&told->change, what);
    pv_term_line(stdout, "    %s%s %s: see privity safety %s %s", name, told->is_verified ? ", whom you verified," : "", what,
                 pv_term_word(changed->room->label, word), id);
    return PV_OK;
}

static void list_changed(struct status *status, struct pv_open_room *room)
{
    struct changed changed = {status, room};
    if (pv_changes_standing(status->session, room, &status->verifications, changed_row, &changed) == PV_OK) return;
    if (status->json) pv_json_null(status->json, NULL);
    else pv_term_line(stdout, "    whose devices changed cannot be read");
}

static void status_lines(struct status *status, const struct pv_known_room *known, struct pv_open_room *room)
{
    const char *state = pv_directory_room_state(status->session, known, room);
    const char *gone = strcmp(state, "removed") == 0 ? "you were removed, " : strcmp(state, "left") == 0 ? "you left, "
                       : strcmp(state, "ended") == 0 ? "it ended, " : "";
    char when[PV_OUT_TIME_BYTES] = "never", word[PV_TERM_WORD_BYTES];
    uint64_t unsent = room ? pv_cli_unsent(room) : 0, contact_ms = 0;

    if (room && pv_store_number_get(room->store, PV_CONTACT_LAST, 0, &contact_ms) == PV_OK && contact_ms) pv_out_time(contact_ms, when);
    pv_term_column(stdout, known->name, 20);
    bool awaited = pv_directory_room_awaited(status->session, known, room) && unsent == 0;
    if (awaited)
        pv_term_line(stdout, is_restored(room) ? "not on this device yet: " PV_CLI_WAITS_TEXT : "not on this device yet: " PV_CLI_FETCH_TEXT,
                     pv_term_word(known->name, word));
    else if (!room)
        pv_term_line(stdout, "locked");
    else if (unsent)
        pv_term_line(stdout, "%s%llu not sent, last contact %s", gone, (unsigned long long)unsent, when);
    else
        pv_term_line(stdout, "%s%s, last contact %s", gone, *gone ? "nothing to send" : "all sent", when);
    if (!*gone && !awaited && is_restored(room))
        pv_term_line(stdout, "    read-only: its server was restored from a backup, and lacks what came after it; see privity repair %s",
                     pv_term_word(room->label, word));
    if (room) list_alarms(status, room);
    if (room && !*gone) list_changed(status, room);
}

static void status_json(struct status *status, const struct pv_known_room *known, struct pv_open_room *room)
{
    struct pv_json *json = status->json;
    uint64_t contact_ms = 0;
    pv_json_begin_object(json, NULL);
    pv_directory_room_json(status->session, known, room, json);
    if (room && pv_store_number_get(room->store, PV_CONTACT_LAST, 0, &contact_ms) == PV_OK && contact_ms)
        pv_json_u64(json, "last_contact", contact_ms);
    else
        pv_json_null(json, "last_contact");
    pv_json_bool(json, "restored", is_restored(room));
    pv_json_begin_array(json, "alarms");
    if (room) list_alarms(status, room);
    pv_json_end_array(json);
    pv_json_begin_array(json, "changed_devices");
    if (room && pv_contact_gone(room) == PV_GONE_NOT) list_changed(status, room);
    pv_json_end_array(json);
    pv_json_end_object(json);
}

static void each_room(struct status *status, const struct pv_directory *directory)
{
    for (size_t i = 0; i < directory->count; i++) {
        struct pv_open_room *room = pv_directory_room_unlocked(status->session, &directory->rooms[i]);
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

/* The person says: the server's clock is right, and this device's is not. Only a clock that is ahead keeps anybody from
 * writing. */
static enum pv_err accept_clock(struct pv_session *session, bool tell, struct pv_report *report)
{
    uint64_t server_ms = 0, now_ms, ahead_ms;
    enum pv_err err = pv_contact_server_time(session, &session->secrets.server, &server_ms, report);
    if (err != PV_OK) return err;
    now_ms = pv_system_now_ms();
    ahead_ms = now_ms > server_ms ? now_ms - server_ms : 0;
    err = pv_clock_accept(session, ahead_ms);
    if (err != PV_OK) return pv_session_room_error(session, session->person, err, report);
    if (tell) pv_term_line(stdout, "this device's clock is taken as %llu s ahead until it is set right", (unsigned long long)(ahead_ms / 1000));
    return PV_OK;
}

static enum pv_err print_json(struct status *status, const struct pv_directory *directory, struct pv_report *report)
{
    struct pv_session *session = status->session;
    struct pv_out out;
    int64_t difference_ms = 0;
    bool answered = clock_difference(session, &difference_ms);

    pv_out_begin(&out);
    status->json = &out.json;
    pv_out_json_hash(&out.json, "id", &session->me.person);
    pv_out_json_string(&out.json, "name", session->secrets.name);
    pv_out_json_string(&out.json, "server", session->secrets.server.text);
    pv_json_bool(&out.json, "reachable", answered);
    if (answered) pv_json_i64(&out.json, "clock_difference", difference_ms);
    else pv_json_null(&out.json, "clock_difference");
    pv_json_u64(&out.json, "clock_accepted", session->clock_ahead_ms);
    pv_json_bool(&out.json, "registered", pv_roster_is_born(pv_room_roster(session->person->room)));
    pv_json_u64(&out.json, "unsent", pv_cli_unsent(session->person));
    pv_json_bool(&out.json, "restored", is_restored(session->person));
    pv_json_begin_array(&out.json, "alarms");
    list_alarms(status, session->person);
    pv_json_end_array(&out.json);
    pv_json_begin_array(&out.json, "rooms");
    each_room(status, directory);
    pv_json_end_array(&out.json);
    return pv_out_end(&out, report);
}

static void print_lines(struct status *status, const struct pv_directory *directory)
{
    struct pv_session *session = status->session;
    int64_t difference_ms = 0;
    bool answered = clock_difference(session, &difference_ms);
    uint64_t waiting = 0;

    pv_term_line(stdout, "%s on %s: %s", session->secrets.name, session->secrets.server.text, answered ? "reachable" : "not reachable now");
    if (difference_ms > 60000 || difference_ms < -60000)
        pv_term_line(stdout, "this device's clock is %lld s %s the server's", (long long)(difference_ms > 0 ? difference_ms : -difference_ms) / 1000,
                     difference_ms > 0 ? "behind" : "ahead of");
    if (session->clock_ahead_ms)
        pv_term_line(stdout, "and is taken as %llu s ahead, as you said", (unsigned long long)(session->clock_ahead_ms / 1000));
    if (!pv_roster_is_born(pv_room_roster(session->person->room)))
        pv_term_line(stdout, session->refused ? "not registered there: that takes a code of whoever runs it (privity init --registration-file FILE) or an invite's link (privity join LINK)"
                                              : "not registered there yet: the next command that reaches it does that");
    if (pv_cli_unsent(session->person))
        pv_term_line(stdout, "your own room: %llu not sent", (unsigned long long)pv_cli_unsent(session->person));
    if (is_restored(session->person))
        pv_term_line(stdout, "your own room is read-only: its server was restored from a backup, and lacks what came after it; see privity repair");
    if (pv_alarms_waiting(session->person, &waiting) != PV_OK || waiting) {
        pv_term_line(stdout, "your own room:");
        list_alarms(status, session->person);
    }
    each_room(status, directory);
}

enum pv_err pv_cmd_status(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct status status = {.session = session};
    struct pv_directory directory = {NULL, 0};
    struct pv_report found = {.err = PV_OK};
    const char *alarm = pv_args_get(args, "acknowledge");
    enum pv_err err = pv_session_person(session, report), fetched;

    if (err != PV_OK) return err;
    /* An alarm of the own room is shown with the others, and told again at the end. */
    fetched = pv_cli_fetch(session, session->person, &found);
    if (fetched != PV_OK && pv_err_exit_status(fetched) != 4) {
        *report = found;
        return fetched;
    }
    if (pv_args_get(args, "accept-clock")) {
        err = accept_clock(session, !args->json, report);
        if (err != PV_OK) return err;
    }
    err = pv_directory_list(session, &directory, report);
    if (err == PV_OK && alarm) err = acknowledge(&status, &directory, alarm, !args->json, report);
    if (err == PV_OK) err = pv_changes_verifications(session, &status.verifications, report);
    if (err == PV_OK && args->json) err = print_json(&status, &directory, report);
    else if (err == PV_OK && !alarm) print_lines(&status, &directory);
    pv_directory_release(&directory);
    pv_verifications_release(&status.verifications);
    if (err != PV_OK || fetched == PV_OK) return err;
    *report = found;
    return fetched;
}
