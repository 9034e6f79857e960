/* Fetching and sending with the person's own room in view: what the core asks for before it seals elsewhere. */
#include <stdio.h>
#include <string.h>

#include "client/session.h"
#include "client/system.h"
#include "core/sync/devices.h"

enum { PERSON_FRESH_MS = 60000, ROUNDS_MAX = 4 };

/* The server keeps this device out of the person's own room, where it was. */
static enum pv_err explain_denied(struct pv_session *session, enum pv_err err, struct pv_report *report)
{
    const struct pv_roster *roster = pv_room_roster(session->person->room);
    if (err != PV_ERR_DENIED || !pv_roster_is_born(roster)) return err;
    return pv_report(report, err,
                     "the server says: this device was revoked by another one of yours; if that was not you, recover with your kit "
                     "(privity recover) and revoke the others");
}

static enum pv_err pull_person(struct pv_session *session, uint64_t limit_ms, struct pv_report *report)
{
    return explain_denied(session, pv_contact_pull_alone(session, session->person, limit_ms, report), report);
}

static enum pv_err push_person(struct pv_session *session, struct pv_report *report)
{
    return explain_denied(session, pv_contact_push_alone(session, session->person, NULL, report), report);
}

/* Is the person's own room somewhere that can be asked? */
static bool has_person(const struct pv_session *session)
{
    return session->person && pv_roster_is_born(pv_room_roster(session->person->room));
}

/* Look into the own room at most once a minute. Its server being away stops nothing elsewhere. */
static enum pv_err follow_person(struct pv_session *session, const struct pv_open_room *room, struct pv_report *report)
{
    struct pv_report said = {.err = PV_OK};
    uint64_t now_ms = pv_system_now_ms(), last_ms = 0;
    enum pv_err err = pv_store_number_get(session->person->store, PV_CONTACT_LAST, 0, &last_ms);

    if (err != PV_OK || (now_ms >= last_ms && now_ms - last_ms < PERSON_FRESH_MS)) return err;
    err = pull_person(session, PV_SESSION_READ_MS, &said);
    bool elsewhere = strcmp(session->person->server.text, room->server.text) != 0;
    if (err == PV_OK || (elsewhere && (err == PV_ERR_OFFLINE || err == PV_ERR_RATE))) return PV_OK;
    *report = said;
    return err;
}

/* Refused in a room: was it the person who was removed there, or this device by another of the person's? */
static enum pv_err tell_revoked(struct pv_session *session, enum pv_err err, struct pv_report *report)
{
    struct pv_report said = {.err = PV_OK};
    if (err != PV_ERR_DENIED || !has_person(session)) return err;
    if (pull_person(session, PV_SESSION_READ_MS, &said) == PV_ERR_DENIED) *report = said;
    return err;
}

enum pv_err pv_contact_pull(struct pv_session *session, struct pv_open_room *room, uint64_t limit_ms,
                            struct pv_report *report)
{
    enum pv_err err;
    if (room == session->person) return pull_person(session, limit_ms, report);
    err = tell_revoked(session, pv_contact_pull_alone(session, room, limit_ms, report), report);
    if (err != PV_OK || !has_person(session) || !pv_room_wants_person(room->room)) return err;
    err = pull_person(session, limit_ms, report);
    return err == PV_OK ? pv_contact_pull_alone(session, room, limit_ms, report) : err;
}

/* A room stands in the own one's list before it is founded or joined: else one that was lost on the way would keep a
 * device that is revoked later. */
static enum pv_err record_first(struct pv_session *session, struct pv_open_room *room, struct pv_report *report)
{
    const struct pv_roster *roster = pv_room_roster(room->room), *view = NULL;
    bool recorded = true;
    enum pv_err err = pv_room_view(room->room, &view);

    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    if (pv_roster_is_born(roster) && pv_roster_principal(roster, &session->me.person)) return PV_OK;
    if (!pv_roster_is_born(view) || !pv_roster_principal(view, &session->me.person)) return PV_OK;
    err = pv_room_is_recorded(session->person->room, &room->id, &recorded);
    if (err == PV_OK && !recorded) err = push_person(session, report);
    if (err == PV_OK && !recorded) err = pv_room_is_recorded(session->person->room, &room->id, &recorded);
    if (err == PV_OK && !recorded)
        err = pv_report(report, PV_ERR_OFFLINE, "%s: your own list of rooms has to hold it first, and could not be sent", room->label);
    return err;
}

/* What stands in the way in the own room, done there. */
static enum pv_err help_on(struct pv_session *session, struct pv_open_room *room, bool *ret_again, struct pv_report *report)
{
    struct pv_devices_report devices;
    enum pv_err err = pv_devices_report(room->room, &devices);

    *ret_again = false;
    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    if (devices.state == PV_DEVICES_PERSON_DUE) err = push_person(session, report);
    else if (pv_room_wants_person(room->room)) err = pull_person(session, 0, report);
    else return PV_OK;
    *ret_again = err == PV_OK;
    return err == PV_ERR_OFFLINE || err == PV_ERR_RATE ? PV_OK : err; /* it waits, and whoever asks is told */
}

enum pv_err pv_contact_push(struct pv_session *session, struct pv_open_room *room, const char *registration,
                            struct pv_report *report)
{
    bool again = true;
    enum pv_err err = PV_OK;

    if (room == session->person)
        return explain_denied(session, pv_contact_push_alone(session, room, registration, report), report);
    if (session->offline || !has_person(session)) return pv_contact_push_alone(session, room, registration, report);
    err = follow_person(session, room, report);
    if (err == PV_OK) err = record_first(session, room, report);
    for (int round = 0; err == PV_OK && again && round < ROUNDS_MAX; round++) {
        err = tell_revoked(session, pv_contact_push_alone(session, room, registration, report), report);
        if (err == PV_OK) err = help_on(session, room, &again, report);
    }
    return err;
}
