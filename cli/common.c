/* What several commands do alike: opening and fetching a room, sending, members by what was typed. */
#include "cli/common.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/output.h"
#include "cli/successor.h"
#include "cli/term.h"
#include "client/invites.h"
#include "client/system.h"
#include "core/sync/devices.h"

enum { PREFIX_MIN = 4, SHOWN_DIGITS = 16, PAYLOAD_MAX = PV_LIMIT_PAYLOAD_BYTES, CANDIDATES_MAX = 8, DAY_MS = 86400000, SEND_TRIES = 5 };

bool pv_cli_is_prefix(const char *text, const uint8_t *p, size_t n)
{
    char hex[129];
    size_t length = strlen(text);
    if (length < PREFIX_MIN || length > 2 * n || n > 64) return false;
    pv_hex_encode(p, n, hex);
    return strncasecmp(hex, text, length) == 0;
}

bool pv_cli_is_id(const char *text)
{
    size_t n = strlen(text);
    return n >= SHOWN_DIGITS && strspn(text, "0123456789abcdefABCDEF") == n;
}

bool pv_cli_means(const char *text, const char *name, const struct pv_hash *id)
{
    if (pv_cli_is_prefix(text, id->b, sizeof id->b)) return true;
    return !pv_cli_is_id(text) && strcmp(name, text) == 0;
}

enum pv_err pv_cli_check_name(const char *name, struct pv_report *report)
{
    size_t n = strlen(name);
    if (n == 0 || n > PV_LIMIT_NAME_BYTES)
        return pv_report(report, PV_ERR_USAGE, n ? "a name is at most %d bytes long" : "a name is empty", PV_LIMIT_NAME_BYTES);
    if (strspn(name, " ") == n) return pv_report(report, PV_ERR_USAGE, "a name is blank");
    if (!pv_utf8_is_valid((const uint8_t *)name, n)) return pv_report(report, PV_ERR_USAGE, "a name is not UTF-8");
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return pv_report(report, PV_ERR_USAGE, "a name holds a control character");
    return PV_OK;
}

static const char *const role_names[] = {[PV_ROLE_VIEWER] = "viewer", [PV_ROLE_EDITOR] = "editor", [PV_ROLE_OWNER] = "owner"};

const char *pv_cli_role_name(enum pv_role role)
{
    return role_names[role];
}

enum pv_err pv_cli_role(const char *text, enum pv_role *ret_role, struct pv_report *report)
{
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(text, role_names[i]) == 0) {
            *ret_role = (enum pv_role)i;
            return PV_OK;
        }
    return pv_report(report, PV_ERR_USAGE, "%s is no role: write owner, editor or viewer", text);
}

/* ---- opening, fetching, sending */

enum pv_err pv_cli_registered(struct pv_session *session, struct pv_report *report)
{
    struct pv_report said = {.err = PV_OK};
    enum pv_err err = pv_session_person(session, report);
    if (err != PV_OK || pv_roster_is_born(pv_room_roster(session->person->room))) return err;
    session->send_limit_ms = PV_SESSION_READ_MS;
    err = pv_contact_push(session, session->person, NULL, &said); /* what `init` could not send */
    session->send_limit_ms = 0;
    if (err == PV_OK) return PV_OK;
    if (pv_err_exit_status(err) != 3 && err != PV_ERR_OFFLINE) {
        *report = said;
        return err;
    }
    session->refused = err != PV_ERR_OFFLINE;
    return pv_report(report, PV_ERR_OFFLINE, "%s does not know you yet: %.600s; %s", session->secrets.server.text, said.text,
                     err == PV_ERR_OFFLINE ? "the next command that reaches it registers you"
                                           : "run privity init again with --registration-file FILE, or privity join with an invite's link");
}

/* A room that another device of this person left, before this one had anything of it: nothing can be shown or written. */
static enum pv_err check_was_here(struct pv_session *session, const struct pv_known_room *known, struct pv_open_room *room,
                                  struct pv_report *report)
{
    const struct pv_roster *view = NULL;
    if (known->state != PV_ROOM_LEFT) return PV_OK;
    enum pv_err err = pv_room_view(room->room, &view);
    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    if (pv_roster_is_born(view)) return PV_OK;
    return pv_report(report, PV_ERR_DENIED, "%s was left, or ended, before this device came, and nothing of it is here: your devices that had it can read it; "
                     "to come back into one that goes on, ask an owner for a new link", room->label);
}

enum pv_err pv_cli_room(struct pv_session *session, const char *text, struct pv_open_room **ret_room, struct pv_report *report)
{
    struct pv_known_room known;
    enum pv_err err = pv_directory_find(session, text, &known, report);
    if (err == PV_OK) err = pv_session_room_new(session, &known.id, known.name, &known.server, ret_room, report);
    return err == PV_OK ? check_was_here(session, &known, *ret_room, report) : err;
}

enum pv_err pv_cli_query(struct pv_session *session, struct pv_open_room *room, struct pv_query *ret_query,
                         struct pv_report *report)
{
    const struct pv_roster *view = NULL;
    enum pv_err err = pv_room_view(room->room, &view);
    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    *ret_query = (struct pv_query){room->store, view, &session->me.device};
    return PV_OK;
}

/* ---- fetching and sending */

static bool is_here(const struct pv_open_room *room)
{
    const struct pv_roster *view = NULL;
    return pv_room_view(room->room, &view) != PV_OK || pv_roster_is_born(view);
}

/* A room that waits on a restored server lets no new device in: then no refresh brings it. */
enum pv_err pv_cli_check_here(const struct pv_session *session, const struct pv_open_room *room, struct pv_report *report)
{
    char word[PV_TERM_WORD_BYTES];
    if (room == session->person || is_here(room)) return PV_OK;
    return pv_report(report, PV_ERR_NOT_FOUND, pv_contact_is_restored(room) ? "%s: not on this device yet, and nothing was changed: " PV_CLI_WAITS_TEXT
                                                                            : "%s: not on this device yet, and nothing was changed: " PV_CLI_FETCH_TEXT,
                     room->label, pv_term_word(room->label, word));
}

void pv_cli_say_restored(const struct pv_session *session, const struct pv_open_room *room)
{
    char word[PV_TERM_WORD_BYTES]; /* what is shown may be run as it stands, and a room's name may be another's choice */
    uint64_t missing;
    if (room->goes_on || session->quiet || !pv_room_is_restored(room->room, &missing) || pv_cli_has_ended(room, NULL)) return;
    if (room != session->person && !is_here(room)) {
        if (!session->sends) pv_term_line(stderr, "privity: %s: not on this device yet: " PV_CLI_WAITS_TEXT, room->label, pv_term_word(room->label, word));
        return;
    }
    if (room == session->person)
        pv_term_line(stderr, "privity: the server was restored from a backup, and your own room, with your devices and your list of rooms, is "
                     "read-only until your devices have given back what came after it; see privity repair");
    else
        pv_term_line(stderr, "privity: %s: the server was restored from a backup, and this room is read-only until its members have given "
                     "back what came after it; see privity repair %s", room->label, pv_term_word(room->label, word));
}

enum pv_err pv_cli_say_ended_invites(struct pv_session *session, struct pv_open_room *room, struct pv_report *report)
{
    char word[PV_TERM_WORD_BYTES];
    size_t ended = 0;
    enum pv_err err = room == session->person ? PV_OK : pv_invites_look(session, room, &ended);
    if (err == PV_OK && ended && !session->quiet)
        pv_term_line(stderr, "privity: %s: %zu open invite%s of yours ended, as links do when somebody goes or a device is revoked; "
                     "make new ones with privity invite %s", room->label, ended, ended == 1 ? "" : "s", pv_term_word(room->label, word));
    return pv_session_room_error(session, room, err, report);
}

enum pv_err pv_cli_fetch(struct pv_session *session, struct pv_open_room *room, struct pv_report *report)
{
    const struct pv_roster *view = NULL;
    char said[PV_REPORT_BYTES];
    enum pv_err err;
    if (session->offline) return PV_OK;
    if (room == session->person) {
        err = pv_cli_registered(session, report);
        if (err == PV_OK) err = pv_contact_pull(session, room, PV_SESSION_READ_MS, report);
    } else {
        err = pv_contact_pull(session, room, PV_SESSION_READ_MS, report);
    }
    if (err == PV_OK) err = pv_cli_follow(session, room, report);
    if (err == PV_OK) pv_cli_say_restored(session, room);
    if (err == PV_OK) err = pv_cli_say_ended_invites(session, room, report);
    if (err != PV_ERR_OFFLINE && err != PV_ERR_RATE) return err;
    if (pv_room_view(room->room, &view) == PV_OK && !pv_roster_is_born(view)) { /* nothing is no state of a room */
        snprintf(said, sizeof said, "%s", report->text);
        return pv_report(report, err, "%.700s; nothing of %s is here yet", said, room->label);
    }
    if (session->sends) snprintf(session->away, sizeof session->away, "%s", report->text);
    else if (!session->quiet) pv_term_line(stderr, "privity: %s; showing what is here", report->text);
    if (report->is_nonsense) report->exit_status = 1; /* shown, but what is missing is the server's fault */
    return PV_OK;
}

enum pv_err pv_cli_room_fetched(struct pv_session *session, const char *text, struct pv_open_room **ret_room,
                                struct pv_report *report)
{
    struct pv_known_room known = {0};
    char said[PV_REPORT_BYTES];
    enum pv_err err = pv_directory_find(session, text, &known, report);

    if (err == PV_OK) err = pv_session_room_new(session, &known.id, known.name, &known.server, ret_room, report);
    if (err == PV_OK) err = check_was_here(session, &known, *ret_room, report);
    if (err != PV_OK || known.state == PV_ROOM_LEFT) return err;
    err = pv_cli_fetch(session, *ret_room, report);
    if (err == PV_OK && (*ret_room)->goes_on) { /* by its name it is the successor now */
        *ret_room = (*ret_room)->goes_on;
        return PV_OK;
    }
    if (err != PV_ERR_DENIED || pv_contact_gone(*ret_room) != PV_GONE_NOT) return err;
    snprintf(said, sizeof said, "%s", report->text);
    return pv_report(report, err, "%.800s; what is on this device can be read with --offline", said);
}

enum pv_err pv_cli_room_to_change(struct pv_session *session, const char *text, struct pv_open_room **ret_room, struct pv_report *report)
{
    session->sends = true;
    enum pv_err err = pv_cli_room_fetched(session, text, ret_room, report);
    return err == PV_OK && pv_contact_gone(*ret_room) == PV_GONE_NOT ? pv_cli_check_here(session, *ret_room, report) : err;
}

/* The server answered, and yet something was not sealed: core seals nothing while the room's key is to change, or
 * while this device's clock tells that the server's newest signature is more than a day old. */
static enum pv_err say_why_kept(const struct pv_session *session, struct pv_open_room *room, struct pv_report *report)
{
    uint64_t size, time_s = 0, now_ms = pv_session_now_ms(session);
    struct pv_devices_report devices;
    struct pv_buf note;
    enum pv_err err = pv_devices_report(room->room, &devices);

    if (err == PV_OK && devices.state == PV_DEVICES_REVOKED)
        return pv_report(report, PV_ERR_DENIED, "%s: this device was revoked by another one of yours; what was written stays here", room->label);
    if (err == PV_OK && devices.state == PV_DEVICES_PAPER)
        return pv_report(report, PV_ERR_OFFLINE,
                         "%s: kept and not sent: a recovery kit that you revoked is still in this room, and only your first kit can remove it: "
                         "run privity recover with that one", room->label);
    if (err == PV_OK && devices.state == PV_DEVICES_KEY)
        return pv_report(report, PV_ERR_OFFLINE,
                         "%s: kept and not sent: the room holds a key of yours that none of your devices made: find in privity devices the one "
                         "that may have, and run privity device revoke with it", room->label);
    if (err == PV_OK && (devices.state == PV_DEVICES_PERSON_DUE || devices.state == PV_DEVICES_PERSON_OLD))
        return pv_report(report, PV_ERR_OFFLINE,
                         "%s: kept and not sent: your devices changed, and your own server has to be asked first; run privity refresh", room->label);
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    err = pv_store_note_newest(room->store, &size, &time_s, &note);
    pv_buf_release(&note);
    if (err == PV_OK && now_ms > time_s * 1000 && now_ms - time_s * 1000 > DAY_MS)
        return pv_report(report, PV_ERR_OFFLINE,
                         "%s: kept and not sent: this device's clock is %llu days ahead of the server's; set it right, or "
                         "run privity status --accept-clock if it is the server's that is right; then privity refresh",
                         room->label, (unsigned long long)((now_ms - time_s * 1000) / DAY_MS));
    return pv_report(report, PV_ERR_OFFLINE, "%s: kept and not sent: the room's key is about to change; run privity refresh, and where that sends nothing, again after "
                     "another owner or editor was there", room->label);
}

/* Does the write `newest`, or an older one, wait after this? What other commands of this device wrote meanwhile is
 * theirs to send. */
static enum pv_err push_once(struct pv_session *session, struct pv_open_room *room, uint64_t newest, bool *ret_waits,
                             struct pv_report *report)
{
    uint64_t oldest = 0;
    enum pv_err err = pv_contact_push(session, room, NULL, report);
    if (err == PV_OK) err = pv_store_write_oldest(room->store, &oldest);
    *ret_waits = err == PV_OK && oldest > 0 && oldest <= newest;
    return err;
}

enum pv_err pv_cli_send(struct pv_session *session, struct pv_open_room *room, struct pv_report *report)
{
    uint64_t newest = 0;
    bool waits = false;
    enum pv_err err;
    char said[PV_REPORT_BYTES];

    session->kept = true;
    err = pv_store_write_newest(room->store, &newest);
    if (err == PV_OK) err = push_once(session, room, newest, &waits, report);
    if (err == PV_OK && pv_contact_gone(room) == PV_GONE_LEFT) return PV_OK; /* it arrived, but may not be read there */
    /* Others may change the room's key at the same moment: try again before it is left for later. */
    for (int tries = 1; tries <= SEND_TRIES && err == PV_OK && waits; tries++) {
        const struct timespec pause = {0, tries * 100000000L};
        nanosleep(&pause, NULL);
        err = push_once(session, room, newest, &waits, report);
    }
    if (err == PV_ERR_OFFLINE) {
        char why[PV_REPORT_BYTES];
        snprintf(why, sizeof why, "%s", report->text);
        enum pv_err followed = pv_cli_follow(session, room, report);
        if (followed != PV_OK) return followed;
        if (room->goes_on && pv_cli_unsent(room) == 0) return PV_OK; /* it is there, and sent or told */
        if (room->goes_on) return pv_report(report, PV_ERR_OFFLINE, "%s has ended: what waits in it is not sent any more", room->label);
        (void)pv_report(report, err, "%s", why);
    }
    if (err == PV_OK && waits) return say_why_kept(session, room, report);
    if (err == PV_OK) return pv_cli_say_ended_invites(session, room, report);
    if (err == PV_ERR_DENIED && pv_contact_gone(room) == PV_GONE_REMOVED) {
        enum pv_err dropped = pv_contact_take_back(session, room, false); /* it can never be sent */
        return dropped == PV_OK ? err : pv_session_room_error(session, room, dropped, report);
    }
    if (err == PV_OK || pv_err_exit_status(err) == 4) return err;
    snprintf(said, sizeof said, "%s", report->text);
    if (err == PV_ERR_OFFLINE || err == PV_ERR_RATE)
        return pv_report(report, PV_ERR_OFFLINE, "%.800s; it is kept and will be sent", said);
    return pv_cli_unsent(room) ? pv_report(report, err, "%.800s; what was written stays in the outbox", said) : err;
}

uint64_t pv_cli_unsent(struct pv_open_room *room)
{
    uint64_t count = 0;
    if (pv_contact_gone(room) == PV_GONE_LEFT) return 0; /* all arrived, if only its sender may not see it there */
    return pv_store_write_count(room->store, &count) == PV_OK ? count : 0;
}

enum pv_err pv_cli_write(struct pv_session *session, struct pv_open_room *room, const struct pv_payload *payload,
                         struct pv_bytes refs, struct pv_report *report)
{
    struct pv_payload whole = *payload;
    struct pv_buf encoded;
    enum pv_kind kind = PV_KIND_TALK;
    enum pv_err err;

    /* A removal is only what the server said when asked last: it is asked again, and the write taken back if it refuses. */
    if (pv_contact_gone(room) == PV_GONE_LEFT) return pv_report(report, PV_ERR_DENIED, "%s: you left this room", room->label);
    if (pv_cli_has_ended(room, NULL)) return pv_report(report, PV_ERR_DENIED, "%s has ended, and goes on in its successor: see privity rooms", room->label);
    err = pv_cli_check_here(session, room, report);
    if (err != PV_OK) return err;
    pv_buf_init(&encoded, PAYLOAD_MAX);
    if (pv_bytes_equal(PV_BYTES_OF(whole.write_id), PV_BYTES_OF((struct pv_id16){{0}})))
        pv_random_fill(&pv_system_random, whole.write_id.b, sizeof whole.write_id.b);
    pv_payload_put(&encoded, &whole);
    err = encoded.err ? encoded.err : pv_payload_kind(whole.type, &kind);
    if (err == PV_OK) {
        pv_room_set_time(room->room, pv_session_now_ms(session));
        err = pv_room_write(room->room, kind, pv_buf_bytes(&encoded), refs);
    }
    pv_buf_wipe(&encoded);
    if (err == PV_OK) session->kept = true;
    if (err == PV_OK && room->first_new_write == 0) err = pv_store_write_newest(room->store, &room->first_new_write);
    return pv_session_room_error(session, room, err, report);
}

enum pv_err pv_cli_write_profile(struct pv_session *session, struct pv_open_room *room, const char *name,
                                 struct pv_report *report)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_PROFILE};
    payload.u.profile_name = pv_bytes_of_string(name);
    return pv_cli_write(session, room, &payload, pv_bytes(NULL, 0), report);
}

/* ---- people */

static void begin_of_id(const struct pv_hash *id, char ret_name[static PV_CLI_NAME_BYTES])
{
    pv_hex_encode(id->b, 8, ret_name);
}

void pv_cli_person_name(struct pv_open_room *room, const struct pv_hash *person, char ret_name[static PV_CLI_NAME_BYTES])
{
    const struct pv_roster *view = NULL;
    uint8_t memory[PV_LIMIT_NAME_BYTES];
    struct pv_buf name;

    begin_of_id(person, ret_name);
    pv_buf_init_fixed(&name, memory, sizeof memory);
    if (pv_room_view(room->room, &view) != PV_OK) return;
    const struct pv_query query = {room->store, view, NULL};
    if (pv_query_name(&query, person, &name) == PV_OK && name.n > 0)
        snprintf(ret_name, PV_CLI_NAME_BYTES, "%.*s", (int)name.n, (const char *)name.p);
}

void pv_cli_person_of(struct pv_open_room *room, const struct pv_hash *device, struct pv_hash *ret_person)
{
    const struct pv_roster *view = NULL;
    const struct pv_hash *person = pv_room_view(room->room, &view) == PV_OK ? pv_roster_owner_of(view, device) : NULL;
    *ret_person = person ? *person : *device;
}

enum pv_err pv_cli_member(struct pv_session *session, struct pv_open_room *room, const char *text,
                          struct pv_hash *ret_person, struct pv_report *report)
{
    const struct pv_roster *view = NULL;
    const struct pv_principal *members, *found = NULL;
    char candidates[512] = "", word[PV_TERM_WORD_BYTES];
    size_t count = 0, matches = 0, n = 0;
    enum pv_err err = pv_room_view(room->room, &view);

    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    members = pv_roster_principals(view, &count);
    for (size_t i = 0; i < count; i++) {
        char name[PV_CLI_NAME_BYTES], id[17];
        pv_cli_person_name(room, &members[i].id, name);
        if (!pv_cli_means(text, name, &members[i].id)) continue;
        found = &members[i];
        pv_hex_encode(members[i].id.b, 8, id);
        if (matches++ < CANDIDATES_MAX && n < sizeof candidates - 64)
            n += (size_t)snprintf(candidates + n, sizeof candidates - n, "%s%.32s (%s)", n ? ", " : "", name, id);
    }
    if (matches > 1)
        return pv_report(report, PV_ERR_USAGE, "%s names several members: %s; give the begin of an id, as long as here", text, candidates);
    if (!found)
        return pv_report(report, PV_ERR_NOT_FOUND, "%s has no member %s: see privity members %s", room->label, text, pv_term_word(room->label, word));
    *ret_person = found->id;
    return PV_OK;
}

const char *pv_cli_forgotten(const struct pv_open_room *room)
{
    const struct pv_roster *roster = pv_room_roster(room->room);
    for (size_t i = 0; i < pv_roster_forget_count(roster); i++) {
        struct pv_forget_info forget;
        pv_roster_forget_at(roster, i, &forget);
        if (forget.done) return "; some of this room was forgotten and is gone for good: see privity log";
    }
    return "";
}
