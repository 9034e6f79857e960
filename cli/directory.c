/* The person's list of rooms: finding one by what was typed, recording one, telling of one. */
#include "cli/directory.h"

#include <stdlib.h>
#include <string.h>

#include "cli/common.h"
#include "cli/output.h"
#include "cli/successor.h"
#include "cli/term.h"

enum { CANDIDATES_MAX = 8 };

struct listing {
    struct pv_directory *directory;
    const struct pv_server_url *own; /* the person's own server */
};

/* An address that cannot be read, by a thief's hand, say, does not hide a room: most are where the person's own is. */
static enum pv_err add_room(void *context, const struct pv_listed_room *listed)
{
    const struct listing *listing = context;
    struct pv_directory *directory = listing->directory;
    struct pv_known_room *grown, *room;

    if (!listed->has_place) return PV_OK;
    grown = realloc(directory->rooms, (directory->count + 1) * sizeof *grown);
    if (!grown) return PV_ERR_NOMEM;
    directory->rooms = grown;
    room = &grown[directory->count];
    *room = (struct pv_known_room){.id = listed->room, .state = listed->state};
    if (pv_server_url_read(listed->server_url, &room->server) != PV_OK) room->server = *listing->own;
    snprintf(room->name, sizeof room->name, "%.*s", (int)listed->local_name.n, (const char *)listed->local_name.p);
    directory->count++;
    return PV_OK;
}

enum pv_err pv_directory_list(struct pv_session *session, struct pv_directory *ret_directory, struct pv_report *report)
{
    struct pv_directory directory = {NULL, 0};
    struct listing listing = {&directory, &session->secrets.server};
    struct pv_query query;
    enum pv_err err = pv_session_person(session, report);

    if (err == PV_OK) err = pv_cli_query(session, session->person, &query, report);
    if (err != PV_OK) return err;
    err = pv_query_rooms(&query, add_room, &listing);
    if (err != PV_OK) {
        pv_directory_release(&directory);
        return pv_session_room_error(session, session->person, err, report);
    }
    *ret_directory = directory;
    return PV_OK;
}

static int rank(struct pv_session *session, const struct pv_known_room *room)
{
    if (strcmp(room->server.text, session->secrets.server.text) != 0) return 2;
    return pv_session_has_room(session, &room->id) ? 0 : 1;
}

enum pv_err pv_directory_own_first(struct pv_session *session, struct pv_directory *directory)
{
    struct pv_known_room *sorted = calloc(directory->count + 1, sizeof *sorted);
    size_t count = 0;

    if (!sorted) return PV_ERR_NOMEM;
    for (int wanted = 0; wanted < 3; wanted++)
        for (size_t i = 0; i < directory->count; i++)
            if (rank(session, &directory->rooms[i]) == wanted) sorted[count++] = directory->rooms[i];
    free(directory->rooms);
    directory->rooms = sorted;
    return PV_OK;
}

void pv_directory_release(struct pv_directory *directory)
{
    free(directory->rooms);
    *directory = (struct pv_directory){NULL, 0};
}

/* The only one that it means. */
static enum pv_err pick(const struct pv_directory *directory, const char *text, struct pv_known_room *ret_room,
                        struct pv_report *report)
{
    const struct pv_known_room *found = NULL;
    char candidates[512] = "";
    size_t count = 0, n = 0;
    for (size_t i = 0; i < directory->count; i++) {
        const struct pv_known_room *room = &directory->rooms[i];
        char id[17];
        if (!pv_cli_means(text, room->name, &room->id)) continue;
        found = room;
        pv_hex_encode(room->id.b, 8, id);
        if (count++ < CANDIDATES_MAX && n < sizeof candidates - 64)
            n += (size_t)snprintf(candidates + n, sizeof candidates - n, "%s%.32s (%s)", n ? ", " : "", room->name, id);
    }
    if (count > 1) return pv_report(report, PV_ERR_USAGE, "%s names several rooms: %s; give more of the id", text, candidates);
    if (!found) return pv_report(report, PV_ERR_NOT_FOUND, "there is no room %s here: see privity rooms", text);
    *ret_room = *found;
    return PV_OK;
}

enum pv_err pv_directory_find(struct pv_session *session, const char *text, struct pv_known_room *ret_room,
                              struct pv_report *report)
{
    struct pv_directory directory = {NULL, 0};
    struct pv_report said = {.err = PV_OK};
    enum pv_err err = pv_directory_list(session, &directory, report), pulled;

    if (err == PV_OK && !*text) err = pv_report(report, PV_ERR_USAGE, "a room's name is missing: see privity rooms");
    if (err == PV_OK) err = pick(&directory, text, ret_room, report);
    pv_directory_release(&directory);
    if (err != PV_ERR_NOT_FOUND || session->offline) return err;
    /* Another device of this person may have made it. */
    pulled = pv_cli_registered(session, &said);
    if (pulled == PV_OK) pulled = pv_contact_pull(session, session->person, PV_SESSION_READ_MS, &said);
    if (pulled == PV_ERR_OFFLINE || pulled == PV_ERR_DENIED) /* who is not registered has no rooms there */
        return pv_report(report, err, "there is no room %s here, and the server could not be asked: %.600s", text, said.text);
    if (pulled != PV_OK) {
        *report = said;
        return pulled;
    }
    err = pv_directory_list(session, &directory, report);
    if (err == PV_OK) err = pick(&directory, text, ret_room, report);
    pv_directory_release(&directory);
    return err;
}

enum pv_err pv_directory_check_name(struct pv_session *session, const char *name, struct pv_report *report)
{
    struct pv_directory directory = {NULL, 0};
    enum pv_err err = pv_cli_check_name(name, report);

    if (err == PV_OK && (name[0] == '-' || strchr(name, '/')))
        err = pv_report(report, PV_ERR_USAGE, "a room's name cannot begin with - or hold a slash");
    if (err == PV_OK && pv_cli_is_id(name)) err = pv_report(report, PV_ERR_USAGE, "a room's name cannot read like an id: 16 hex digits, or more");
    if (err == PV_OK) err = pv_directory_list(session, &directory, report);
    for (size_t i = 0; err == PV_OK && i < directory.count; i++)
        if (strcmp(directory.rooms[i].name, name) == 0)
            err = pv_report(report, PV_ERR_CONFLICT, "a room %s is here already: choose another name", name);
    pv_directory_release(&directory);
    return err;
}

enum pv_err pv_directory_by_id(struct pv_session *session, const struct pv_hash *id, struct pv_known_room *ret_room,
                               struct pv_report *report)
{
    struct pv_directory directory = {NULL, 0};
    enum pv_err err = pv_directory_list(session, &directory, report);

    if (err != PV_OK) return err;
    err = PV_ERR_NOT_FOUND;
    for (size_t i = 0; i < directory.count; i++)
        if (pv_hash_equal(&directory.rooms[i].id, id)) {
            *ret_room = directory.rooms[i];
            err = PV_OK;
        }
    pv_directory_release(&directory);
    return err;
}

enum pv_err pv_directory_record(struct pv_session *session, const struct pv_known_room *room, struct pv_report *report)
{
    return pv_directory_record_all(session, room, 1, report);
}

enum pv_err pv_directory_record_all(struct pv_session *session, const struct pv_known_room *rooms, size_t count, struct pv_report *report)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_ROOMS};
    struct pv_buf encoded;
    enum pv_err err = pv_session_person(session, report);

    if (err != PV_OK) return err;
    pv_buf_init(&encoded, PV_LIMIT_PAYLOAD_BYTES);
    for (size_t i = 0; i < count; i++)
        pv_listed_room_put(&encoded, &(struct pv_listed_room){.room = rooms[i].id, .has_place = true, .state = rooms[i].state,
                                                              .server_url = pv_bytes_of_string(rooms[i].server.text),
                                                              .local_name = pv_bytes_of_string(rooms[i].name)});
    payload.u.rooms = (struct pv_encoded_list){count, pv_buf_bytes(&encoded)};
    err = encoded.err ? encoded.err : pv_cli_write(session, session->person, &payload, pv_bytes(NULL, 0), report);
    pv_buf_wipe(&encoded);
    return err == PV_OK ? pv_cli_send(session, session->person, report) : err;
}

/* ---- a room's object */

bool pv_directory_room_awaited(struct pv_session *session, const struct pv_known_room *known, const struct pv_open_room *room)
{
    if (!room) return !pv_session_has_room(session, &known->id);
    return known->state == PV_ROOM_JOINED && !pv_roster_is_born(pv_room_roster(room->room));
}

const char *pv_directory_room_state(const struct pv_session *session, const struct pv_known_room *known, struct pv_open_room *room)
{
    static const char *const states[] = {"intended", "joined", "left"};
    const struct pv_roster *view = NULL;

    if (!room || pv_room_view(room->room, &view) != PV_OK || !pv_roster_is_born(view)) return states[known->state];
    if (pv_cli_has_ended(room, NULL)) return "ended";
    if (pv_contact_gone(room) == PV_GONE_REMOVED) return "removed";
    if (pv_contact_gone(room) == PV_GONE_LEFT || known->state == PV_ROOM_LEFT) return "left";
    if (pv_roster_principal(view, &session->me.person) && pv_roster_principal(pv_room_roster(room->room), &session->me.person)) return "joined";
    return known->state == PV_ROOM_JOINED ? "removed" : states[known->state];
}

void pv_directory_room_json(struct pv_session *session, const struct pv_known_room *known, struct pv_open_room *room,
                      struct pv_json *json)
{
    const struct pv_roster *view = NULL;
    const struct pv_principal *me = NULL;
    size_t count = 0;

    if (room && pv_room_view(room->room, &view) == PV_OK && pv_roster_is_born(view)) {
        me = pv_roster_principal(view, &session->me.person);
        (void)pv_roster_principals(view, &count);
    }
    pv_out_json_hash(json, "id", &known->id);
    pv_out_json_string(json, "name", known->name);
    pv_out_json_string(json, "role", me ? pv_cli_role_name(me->role) : NULL);
    pv_out_json_string(json, "state", pv_directory_room_state(session, known, room));
    pv_out_json_string(json, "server", known->server.text);
    if (room) {
        pv_json_u64(json, "members", count);
        pv_json_u64(json, "unsent", pv_cli_unsent(room));
    } else {
        pv_json_null(json, "members");
        pv_json_null(json, "unsent");
    }
    pv_json_bool(json, "locked", room == NULL && pv_session_has_room(session, &known->id));
}

struct pv_open_room *pv_directory_room_unlocked(struct pv_session *session, const struct pv_known_room *known)
{
    struct pv_report said = {.err = PV_OK};
    struct pv_open_room *room = NULL;
    if (!pv_session_is_unlocked(session, &known->id)) return NULL;
    if (pv_session_room(session, &known->id, known->name, &known->server, &room, &said) == PV_OK) return room;
    if (said.err != PV_ERR_NOT_FOUND) pv_term_line(stderr, "privity: %s", said.text);
    return NULL;
}
