/* A new device's home, names of devices, and the walk over all rooms of the person. */
#include "cli/devices.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/term.h"
#include "client/passphrase.h"
#include "client/system.h"

/* ---- a new device's home */

static enum pv_err write_home(struct pv_session *session, const struct pv_device_secrets *secrets, struct pv_report *report)
{
    struct pv_passphrase passphrase = {.n = 0};
    enum pv_err err = pv_passphrase_ask(true, &passphrase, report);

    if (err == PV_OK) err = pv_session_create(session, secrets, pv_passphrase_bytes(&passphrase), report);
    pv_passphrase_wipe(&passphrase);
    if (err == PV_OK)
        err = pv_session_room_new(session, &secrets->person, "your own room", &secrets->server, &session->person, report);
    return err == PV_OK ? pv_home_finish(&session->home, report) : err;
}

static void clear_home(struct pv_session *session, const struct pv_hash *person)
{
    static const char *const suffixes[] = {".db", ".db-wal", ".db-shm"};
    char name[PV_HOME_NAME_BYTES];
    struct pv_report ignored;

    if (session->person) pv_session_room_close(session, session->person);
    for (int i = 0; i < 3; i++) {
        pv_database_name("rooms", person, suffixes[i], name);
        if (pv_home_remove(&session->home, name, &ignored) != PV_OK) return;
    }
    if (pv_home_remove(&session->home, "keystore", &ignored) == PV_OK) pv_home_abandon(&session->home);
}

enum pv_err pv_device_home_make(struct pv_session *session, const struct pv_device_secrets *secrets, struct pv_report *report)
{
    enum pv_err err = pv_home_create(&session->home, report);
    if (err != PV_OK) return err;
    err = write_home(session, secrets, report);
    if (err != PV_OK) clear_home(session, &secrets->person);
    return err;
}

enum pv_err pv_device_home_settle(struct pv_session *session, const char *device_name, struct pv_report *report)
{
    struct pv_query query;
    struct pv_buf name;
    enum pv_err err = pv_session_person(session, report);

    if (err == PV_OK) err = pv_contact_pull(session, session->person, 0, report);
    if (err == PV_OK) err = pv_cli_query(session, session->person, &query, report);
    if (err != PV_OK) return err;
    pv_buf_init(&name, PV_LIMIT_NAME_BYTES);
    err = pv_query_name(&query, &session->me.device, &name);
    bool named = err == PV_OK;
    pv_buf_release(&name);
    if (named) return PV_OK;
    if (err != PV_ERR_NOT_FOUND) return pv_session_room_error(session, session->person, err, report);
    err = pv_cli_write_profile(session, session->person, device_name, report);
    if (err == PV_OK) err = pv_cli_send(session, session->person, report);
    if (err != PV_ERR_OFFLINE) return err;
    *report = (struct pv_report){.err = PV_OK}; /* the name waits, and keeps nothing else waiting, where a quota is used up, say */
    return PV_OK;
}

void pv_device_person_name(const struct pv_paper *paper, char ret_name[static PV_CLI_NAME_BYTES])
{
    struct pv_query query = {.store = paper->person.store, .roster = pv_room_roster(paper->person.room)};
    struct pv_person_device *devices = NULL;
    uint8_t memory[PV_LIMIT_NAME_BYTES];
    struct pv_buf name;
    size_t count = 0;

    ret_name[0] = '\0';
    pv_buf_init_fixed(&name, memory, sizeof memory);
    if (pv_person_devices(paper->person.room, &devices, &count) != PV_OK) return;
    query.roster = pv_room_roster(paper->person.room);
    if (pv_query_founder_name(&query, &name) == PV_OK || (count > 0 && pv_query_name(&query, &devices[0].id, &name) == PV_OK))
        snprintf(ret_name, PV_CLI_NAME_BYTES, "%.*s", (int)name.n, (const char *)name.p);
    free(devices);
}

/* ---- devices by what was typed */

void pv_device_name(struct pv_session *session, const struct pv_person_device *device, char ret_name[static PV_CLI_NAME_BYTES])
{
    if (device->paper) snprintf(ret_name, PV_CLI_NAME_BYTES, "%s", device->founding ? "recovery kit" : "further kit");
    else pv_cli_person_name(session->person, &device->id, ret_name);
}

enum pv_err pv_device_find(struct pv_session *session, const char *text, bool any, struct pv_person_device *ret_device,
                           struct pv_report *report)
{
    struct pv_person_device *devices = NULL, found = {0};
    size_t count = 0, matches = 0, n = 0;
    char candidates[512] = "";
    enum pv_err err = pv_person_devices(session->person->room, &devices, &count);

    if (err != PV_OK) return pv_session_room_error(session, session->person, err, report);
    for (size_t i = 0; i < count; i++) {
        char name[PV_CLI_NAME_BYTES], id[17];
        if (devices[i].revoked && !any) continue;
        pv_device_name(session, &devices[i], name);
        if (!pv_cli_means(text, name, &devices[i].id)) continue;
        pv_hex_encode(devices[i].id.b, 8, id);
        if (matches++ == 0) found = devices[i];
        if (n < sizeof candidates - 64)
            n += (size_t)snprintf(candidates + n, sizeof candidates - n, "%s%.32s (%s)", n ? ", " : "", name, id);
    }
    free(devices);
    if (matches == 0) return pv_report(report, PV_ERR_NOT_FOUND, "there is no device %s of yours: see privity devices", text);
    if (matches > 1 && !any)
        return pv_report(report, PV_ERR_USAGE, "%s names several devices: %s; give the begin of an id, as long as here", text, candidates);
    *ret_device = found;
    return PV_OK;
}

/* ---- the walk */

/* It may end in a name that was cut, or in a server's words: no half of a character stays. */
static void waits(struct pv_walked_room *walked, const char *why)
{
    char *text = walked->why;
    walked->done = false;
    snprintf(text, sizeof walked->why, "%s", why);
    for (size_t n = strlen(text); !pv_utf8_is_valid((const uint8_t *)text, n);) text[--n] = '\0';
}

static void waits_restored(struct pv_walked_room *walked)
{
    char why[128 + sizeof walked->known.name];
    snprintf(why, sizeof why, "its server was restored from a backup, and lacks what came after it: see privity repair %s", walked->known.name);
    waits(walked, why);
    walked->restored = true;
}

/* Whom a server keeps out cannot tell whether that is the person, or this device alone: then whoever took it out reads on. */
static const char shut_out[] = "its server says that you were removed. If only this device was, by one that you have revoked, that one still reads "
                               "there, and your kit takes it out: privity recover. If you were, privity leave lets the room go";

/* What a look at the room says is still to do. */
static void judge(struct pv_walked_room *walked, const struct pv_devices_report *devices)
{
    switch (devices->state) {
    case PV_DEVICES_READY:
        if (devices->rekey_due) waits(walked, "its new key is not made yet: any member who comes online makes it");
        else if (devices->missing) waits(walked, "a device of yours could not be added: the room is at its limit, or barred it");
        else walked->done = true;
        break;
    case PV_DEVICES_MEND: waits(walked, "the room changed at the same moment: run privity refresh"); break;
    case PV_DEVICES_PERSON_DUE:
    case PV_DEVICES_PERSON_OLD: waits(walked, "your own room comes first, and could not be brought up to date: run privity refresh"); break;
    case PV_DEVICES_KEY: waits(walked, "it holds a key of yours that none of your devices made: find in privity devices the one that may have, and revoke it"); break;
    case PV_DEVICES_PAPER: waits(walked, "a revoked recovery kit is in it that only your first kit can remove: run privity recover with that one"); break;
    case PV_DEVICES_REVOKED: waits(walked, "this device was revoked"); break;
    case PV_DEVICES_OUTSIDE: walked->done = true; break; /* no member: nothing of this person is in it */
    }
}

/* Why a room could not be walked: the server's silence, or what was found. */
static void failed(struct pv_walked_room *walked, enum pv_err err, const struct pv_report *said)
{
    char why[256];
    snprintf(why, sizeof why, "%s%.200s", err == PV_ERR_OFFLINE ? "its server: " : "", said->err != PV_OK ? said->text : pv_err_text(err));
    waits(walked, why);
}

static enum pv_err walk_as_device(struct pv_session *session, struct pv_walked_room *walked, struct pv_report *report)
{
    const struct pv_known_room *known = &walked->known;
    struct pv_devices_report devices;
    struct pv_open_room *room = NULL;
    uint64_t missing;
    enum pv_err err = pv_session_has_room(session, &known->id) ? PV_OK
                                                               : pv_contact_lets_in(session, &known->id, known->name, &known->server, report);

    if (err == PV_OK) err = pv_session_room_new(session, &known->id, known->name, &known->server, &room, report);
    if (err != PV_OK) return err;
    err = pv_contact_push(session, room, NULL, report);
    enum pv_gone gone = pv_contact_gone(room);
    if (err == PV_OK && !gone) err = pv_devices_report(room->room, &devices);
    if (err == PV_OK && !gone) judge(walked, &devices);
    if (err == PV_OK && !gone && !walked->done && pv_room_is_restored(room->room, &missing)) waits_restored(walked);
    pv_session_room_close(session, room);
    if (gone == PV_GONE_LEFT) walked->done = true;
    else if (gone) waits(walked, shut_out);
    return gone ? PV_OK : err;
}

/* The kit's look at a room, where the list says that it is; where nothing comes of that, at the person's own server, if that
 * lets the kit in: a thief may have written another address. */
static enum pv_err mend_by_kit(struct pv_paper *paper, struct pv_walked_room *walked, struct pv_paper_mended *ret_mended, struct pv_report *said)
{
    struct pv_known_room *known = &walked->known;
    struct pv_report ignored = {.err = PV_OK};
    bool there = false;
    enum pv_err err = pv_paper_mend(paper, &known->id, &known->server, false, ret_mended, said);

    if (err == PV_OK && ret_mended->devices.state != PV_DEVICES_OUTSIDE) return PV_OK;
    if (strcmp(known->server.text, paper->server.text) == 0) return err;
    if (pv_paper_is_in(paper, &known->id, &paper->server, &there, &ignored) != PV_OK || !there) return err;
    known->server = paper->server;
    *said = (struct pv_report){.err = PV_OK};
    return pv_paper_mend(paper, &known->id, &known->server, false, ret_mended, said);
}

static void walk_room(struct pv_session *session, struct pv_paper *paper, struct pv_walked_room *walked)
{
    struct pv_report said = {.err = PV_OK};
    struct pv_paper_mended mended;
    enum pv_err err = PV_OK;

    if (paper) {
        err = mend_by_kit(paper, walked, &mended, &said);
        if (err == PV_ERR_DENIED) said = (struct pv_report){.err = PV_OK}; /* the kit is not in it: what can this device do? */
        else if (err == PV_OK && mended.devices.state == PV_DEVICES_OUTSIDE) {
            walked->done = true;
            return;
        } else if (err == PV_OK && mended.restored) {
            waits_restored(walked);
            return;
        }
    }
    if (err == PV_OK || err == PV_ERR_DENIED) err = walk_as_device(session, walked, &said);
    if (err == PV_ERR_DENIED && walked->known.state == PV_ROOM_INTENDED) walked->done = true; /* a join that never was */
    else if (err != PV_OK) failed(walked, err, &said);
}

/* Is this person in it, as far as this device's copy tells? */
static bool is_in(struct pv_session *session, const struct pv_known_room *known)
{
    struct pv_report ignored = {.err = PV_OK};
    struct pv_open_room *room = NULL;

    if (!pv_session_has_room(session, &known->id) ||
        pv_session_room(session, &known->id, known->name, &known->server, &room, &ignored) != PV_OK) return false;
    bool in = pv_contact_gone(room) == PV_GONE_NOT && pv_roster_principal(pv_room_roster(room->room), &session->me.person);
    pv_session_room_close(session, room);
    return in;
}

/* The list says again where the person is. */
static enum pv_err list_again(struct pv_session *session, struct pv_walked_room *walked, struct pv_report *report)
{
    walked->known.state = PV_ROOM_JOINED;
    enum pv_err err = pv_directory_record(session, &walked->known, report);
    return err == PV_ERR_OFFLINE ? PV_OK : err;
}

/* A room that the list says was left. A thief may have written so, to stay where no revocation comes: the room's own log
 * counts. One that was really left is passed over (`ret_in` false), whatever its server says or does not say; so is one
 * whose server was restored, since it may be left for its successor. */
static enum pv_err walk_left(struct pv_session *session, struct pv_paper *paper, struct pv_walked_room *walked, bool *ret_in,
                             struct pv_report *report)
{
    struct pv_report ignored = {.err = PV_OK};
    struct pv_paper_mended mended;

    *ret_in = is_in(session, &walked->known);
    if (!*ret_in && paper)
        *ret_in = mend_by_kit(paper, walked, &mended, &ignored) == PV_OK && mended.devices.state != PV_DEVICES_OUTSIDE && !mended.restored;
    if (!*ret_in) return PV_OK;
    walk_room(session, paper, walked);
    *ret_in = !walked->restored && is_in(session, &walked->known);
    return *ret_in && walked->done ? list_again(session, walked, report) : PV_OK;
}

static enum pv_err walk_listed(struct pv_session *session, struct pv_paper *paper, struct pv_walked_room *walked, struct pv_report *report)
{
    const struct pv_server_url listed = walked->known.server;
    walk_room(session, paper, walked);
    bool is_elsewhere = strcmp(listed.text, walked->known.server.text) != 0;
    return is_elsewhere && walked->done ? list_again(session, walked, report) : PV_OK;
}

enum pv_err pv_walk_rooms(struct pv_session *session, struct pv_paper *paper, struct pv_walk *ret_walk, struct pv_report *report)
{
    struct pv_directory directory = {NULL, 0};
    struct pv_walk walk = {.rooms = NULL};
    enum pv_err err = pv_directory_list(session, &directory, report);

    if (err == PV_OK) err = pv_directory_own_first(session, &directory);
    if (err == PV_OK && !(walk.rooms = calloc(directory.count + 1, sizeof *walk.rooms))) err = PV_ERR_NOMEM;
    for (size_t i = 0; i < directory.count && err == PV_OK; i++) {
        struct pv_walked_room *walked = &walk.rooms[walk.count];
        bool in = true;
        *walked = (struct pv_walked_room){.known = directory.rooms[i]};
        if (walked->known.state == PV_ROOM_LEFT) err = walk_left(session, paper, walked, &in, report);
        else err = walk_listed(session, paper, walked, report);
        if (err != PV_OK || !in) continue;
        walk.waiting += !walked->done;
        walk.count++;
    }
    pv_directory_release(&directory);
    if (err == PV_OK && walk.waiting) session->kept = true; /* what waits is done later, by whoever comes by */
    if (err == PV_OK) *ret_walk = walk;
    else free(walk.rooms);
    return err;
}

void pv_walk_release(struct pv_walk *walk)
{
    free(walk->rooms);
    *walk = (struct pv_walk){.rooms = NULL};
}

void pv_walk_print(const struct pv_walk *walk)
{
    for (size_t i = 0; i < walk->count; i++) {
        pv_term_column(stdout, walk->rooms[i].known.name, 20);
        pv_term_line(stdout, "%s%s", walk->rooms[i].done ? "done" : "waits: ", walk->rooms[i].why);
    }
}

void pv_walk_json(const struct pv_walk *walk, struct pv_json *json)
{
    pv_json_begin_array(json, "rooms");
    for (size_t i = 0; i < walk->count; i++) {
        pv_json_begin_object(json, NULL);
        pv_out_json_hash(json, "id", &walk->rooms[i].known.id);
        pv_out_json_string(json, "name", walk->rooms[i].known.name);
        pv_json_bool(json, "done", walk->rooms[i].done);
        pv_out_json_string(json, "waits_for", walk->rooms[i].done ? NULL : walk->rooms[i].why);
        pv_json_end_object(json);
    }
    pv_json_end_array(json);
}

enum pv_err pv_walk_result(const struct pv_walk *walk, struct pv_report *report)
{
    if (!walk->waiting) return PV_OK;
    return pv_report(report, PV_ERR_OFFLINE, "%zu of %zu rooms wait: nothing is lost; run the same command again, or privity refresh",
                     walk->waiting, walk->count);
}
