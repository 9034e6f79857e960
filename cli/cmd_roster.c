/* `privity role`, `remove`, `leave`: who may do what in a room. */
#include "cli/common.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/term.h"

static enum pv_err print_change(const struct pv_hash *id, const char *name, const char *role, const char *state,
                                struct pv_report *report)
{
    struct pv_out out;
    pv_out_begin(&out);
    pv_out_json_hash(&out.json, "id", id);
    pv_out_json_string(&out.json, "name", name);
    if (role) pv_out_json_string(&out.json, "role", role);
    pv_out_json_string(&out.json, "state", state);
    return pv_out_end(&out, report);
}

/* Send, then print: what was kept is printed too, and the error goes on. */
static enum pv_err send_and_print(struct pv_session *session, struct pv_open_room *room, const struct pv_hash *id,
                                  const char *name, const char *role, bool json, struct pv_report *report)
{
    enum pv_err err = pv_cli_send(session, room, report), printed = PV_OK;
    if (json && (err == PV_OK || err == PV_ERR_OFFLINE)) printed = print_change(id, name, role, err == PV_OK ? "sent" : "unsent", report);
    return err == PV_OK ? printed : err;
}

/* Has the member that role already, as far as this device knows, what waits here included? */
static enum pv_err has_role(struct pv_session *session, struct pv_open_room *room, const struct pv_hash *person, enum pv_role role,
                            bool *ret_has, struct pv_report *report)
{
    const struct pv_roster *view = NULL;
    enum pv_err err = pv_room_view(room->room, &view);
    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    const struct pv_principal *member = pv_roster_principal(view, person);
    *ret_has = member && member->role == role;
    return PV_OK;
}

enum pv_err pv_cmd_role(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    char name[PV_CLI_NAME_BYTES];
    struct pv_open_room *room = NULL;
    struct pv_hash person;
    enum pv_role role = PV_ROLE_VIEWER;
    bool same = false;
    enum pv_err err = pv_cli_role(args->words[2], &role, report);

    if (err == PV_OK) err = pv_cli_room_to_change(session, args->words[0], &room, report);
    if (err == PV_OK) err = pv_cli_member(session, room, args->words[1], &person, report);
    if (err != PV_OK) return err;
    pv_cli_person_name(room, &person, name);
    err = has_role(session, room, &person, role, &same, report);
    if (err != PV_OK) return err;
    if (same && !pv_cli_unsent(room)) { /* else the change that made it so may be what waits */
        if (args->json) return print_change(&person, name, pv_cli_role_name(role), "unchanged", report);
        pv_term_line(stdout, "%s is %s of %s already: nothing was changed.", name, pv_cli_role_name(role), room->label);
        return PV_OK;
    }
    err = same ? PV_OK : pv_room_set_role(room->room, &person, role);
    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    err = send_and_print(session, room, &person, name, pv_cli_role_name(role), args->json, report);
    if (err == PV_OK && !args->json) pv_term_line(stdout, "%s is %s of %s now.", name, pv_cli_role_name(role), room->label);
    return err;
}

struct removal {
    struct pv_hash persons[PV_LIMIT_TARGETS];
    size_t count;
};

static enum pv_err read_members(struct pv_session *session, const struct pv_args *args, struct pv_open_room *room,
                                struct removal *removal, struct pv_report *report)
{
    for (size_t i = 1; i < args->word_count; i++) {
        struct pv_hash *person = &removal->persons[removal->count];
        enum pv_err err = pv_cli_member(session, room, args->words[i], person, report);
        bool again = false;
        if (err != PV_OK) return err;
        if (pv_hash_equal(person, &session->me.person))
            return pv_report(report, PV_ERR_USAGE, "that is you: to go, run privity leave %s", args->words[0]);
        for (size_t j = 0; j < removal->count; j++) again = again || pv_hash_equal(person, &removal->persons[j]);
        removal->count += !again;
    }
    return PV_OK;
}

/* Of one its object; of several a list, named by its plural. */
static enum pv_err print_removed(struct pv_open_room *room, const struct removal *removal, bool json, const char *state,
                                 struct pv_report *report)
{
    char name[PV_CLI_NAME_BYTES];
    struct pv_out out;
    if (json) pv_out_begin(&out);
    if (json && removal->count > 1) pv_json_begin_array(&out.json, "members");
    for (size_t i = 0; i < removal->count; i++) {
        pv_cli_person_name(room, &removal->persons[i], name);
        if (json && removal->count > 1) pv_json_begin_object(&out.json, NULL);
        if (json) {
            pv_out_json_hash(&out.json, "id", &removal->persons[i]);
            pv_out_json_string(&out.json, "name", name);
            pv_out_json_string(&out.json, "state", state);
        } else {
            pv_term_line(stdout, "%s was removed from %s; the room's key has changed.", name, room->label);
        }
        if (json && removal->count > 1) pv_json_end_object(&out.json);
    }
    if (json && removal->count > 1) pv_json_end_array(&out.json);
    return json ? pv_out_end(&out, report) : PV_OK;
}

enum pv_err pv_cmd_remove(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_open_room *room = NULL;
    struct removal removal = {.count = 0};
    enum pv_err err = pv_cli_room_to_change(session, args->words[0], &room, report), printed = PV_OK;

    if (err == PV_OK) err = read_members(session, args, room, &removal, report);
    if (err != PV_OK) return err;
    err = pv_room_remove_all(room->room, removal.persons, removal.count);
    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    err = pv_cli_send(session, room, report);
    if (err == PV_OK || (err == PV_ERR_OFFLINE && args->json))
        printed = print_removed(room, &removal, args->json, err == PV_OK ? "sent" : "unsent", report);
    return err == PV_OK ? printed : err;
}

/* Who was removed has nothing to send any more, and what waited is let go. */
static enum pv_err let_go(struct pv_session *session, struct pv_open_room *room, struct pv_report *report)
{
    uint64_t unsent = pv_cli_unsent(room);
    enum pv_err err = pv_contact_take_back(session, room, true);
    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    if (unsent)
        pv_term_line(stderr, "privity: you had been removed from %s; what could not be sent was dropped: %llu", room->label,
                     (unsigned long long)unsent);
    return PV_OK;
}

enum pv_err pv_cmd_leave(struct pv_session *session, const struct pv_args *args, struct pv_report *report)
{
    struct pv_known_room known;
    struct pv_open_room *room = NULL;
    bool removed;
    enum pv_err err = pv_directory_find(session, args->words[0], &known, report);

    if (err == PV_OK) err = pv_cli_room_to_change(session, args->words[0], &room, report);
    removed = err == PV_ERR_DENIED && room && pv_contact_gone(room) == PV_GONE_REMOVED;
    if (err != PV_OK && !removed) return err;
    if (removed) {
        err = let_go(session, room, report);
        if (err != PV_OK) return err;
    } else if (pv_contact_gone(room) == PV_GONE_NOT) {
        err = pv_room_leave(room->room);
        if (err != PV_OK) return pv_session_room_error(session, room, err, report);
        err = send_and_print(session, room, &room->id, room->label, NULL, args->json, report);
        if (err != PV_OK) return err; /* kept: `refresh` lists the room as left once the log says so */
    }
    known.state = PV_ROOM_LEFT;
    err = pv_directory_record(session, &known, report);
    if (err != PV_OK && err != PV_ERR_OFFLINE) return err;
    if (!args->json) pv_term_line(stdout, "You left %s. What is on this device stays readable.", room->label);
    return PV_OK;
}
