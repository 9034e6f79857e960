/* Changed devices, told while a push waits: the room's database knows what was told, the own room who is verified. */
#include "client/changes.h"

#include <stdlib.h>

static enum pv_err load_verifications(struct pv_session *session, struct pv_verifications *ret_list)
{
    const struct pv_roster *view = NULL;
    enum pv_err err = pv_room_view(session->person->room, &view);
    const struct pv_query own = {session->person->store, view, &session->me.device};
    return err == PV_OK ? pv_verifications_load(&own, ret_list) : err;
}

enum pv_err pv_changes_verifications(struct pv_session *session, struct pv_verifications *ret_list, struct pv_report *report)
{
    enum pv_err err = pv_session_person(session, report);
    if (err != PV_OK) return err;
    return pv_session_room_error(session, session->person, load_verifications(session, ret_list), report);
}

static struct pv_watch watch_of(const struct pv_session *session, const struct pv_open_room *room, const struct pv_verifications *list)
{
    return (struct pv_watch){room->store, pv_room_roster(room->room), &session->me.person, list};
}

/* ---- each change, apart from the list of verifications */

struct rows {
    const struct pv_open_room *room;
    pv_told_change_row *row;
    void *context;
};

static enum pv_err take_row(void *context, const struct pv_change *change)
{
    const struct rows *rows = context;
    struct pv_told_change told = {.room = rows->room->id, .change = *change};
    told.change.verification = NULL;
    told.is_verified = change->verification != NULL;
    if (change->verification) told.verified_ms = change->verification->time_ms;
    return rows->row(rows->context, &told);
}

enum pv_err pv_changes_standing(const struct pv_session *session, const struct pv_open_room *room,
                                const struct pv_verifications *list, pv_told_change_row *row, void *context)
{
    const struct pv_watch watch = watch_of(session, room, list);
    struct rows rows = {room, row, context};
    return pv_changes_each(&watch, take_row, &rows);
}

enum pv_err pv_changes_seen(const struct pv_session *session, const struct pv_open_room *room,
                            const struct pv_verifications *list, const struct pv_hash *person)
{
    const struct pv_watch watch = watch_of(session, room, list);
    return pv_changes_set_seen(&watch, person);
}

/* ---- while a push waits */

static enum pv_err tell_row(void *context, const struct pv_told_change *told)
{
    struct pv_telling *telling = context;
    struct pv_session *session = telling->session;
    struct pv_told_change *grown;
    if (told->change.told) return PV_OK;
    grown = realloc(session->told, (session->told_count + 1) * sizeof *grown);
    if (!grown) return PV_ERR_NOMEM;
    session->told = grown;
    session->told[session->told_count++] = *told;
    if (session->tell) session->tell(session, telling->room, told);
    return PV_OK;
}

/* Told first, and then noted: a command that is cut in between tells twice rather than never. */
static enum pv_err before_words(void *context, struct pv_room *room)
{
    struct pv_telling *telling = context;
    struct pv_verifications list = {0};
    const struct pv_watch watch = watch_of(telling->session, telling->room, &list);
    bool told = false;
    enum pv_err err = pv_changes_are_told(&watch, &told);
    (void)room;
    if (err != PV_OK || told) return err;
    err = load_verifications(telling->session, &list);
    if (err == PV_OK) err = pv_changes_standing(telling->session, telling->room, &list, tell_row, telling);
    if (err == PV_OK) err = pv_changes_set_told(&watch);
    pv_verifications_release(&list);
    return err;
}

void pv_telling_begin(struct pv_telling *telling, struct pv_session *session, struct pv_open_room *room)
{
    *telling = (struct pv_telling){session, room};
    if (session->person && room != session->person) pv_room_on_words(room->room, before_words, telling);
}

void pv_telling_end(struct pv_telling *telling)
{
    pv_room_on_words(telling->room->room, NULL, NULL);
}
