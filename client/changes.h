/* Telling a person whose devices changed, before anything of theirs leaves for a room. */
#ifndef PV_CLIENT_CHANGES_H
#define PV_CLIENT_CHANGES_H

#include "client/session.h"
#include "core/state/changes.h"

/* One change that this command told, or that stands to be told. */
struct pv_told_change {
    struct pv_hash room;
    struct pv_change change;   /* its `verification` is NULL; instead: */
    bool is_verified;
    uint64_t verified_ms;
};

/* Who is verified, as the own room says with what is unsent in it. Release by pv_verifications_release. */
PV_MUST_USE enum pv_err pv_changes_verifications(struct pv_session *session, struct pv_verifications *ret_list,
                                                 struct pv_report *report);
/* What stands to be told of a room, told to nobody. `list`: borrowed. */
typedef enum pv_err pv_told_change_row(void *context, const struct pv_told_change *change);
PV_MUST_USE enum pv_err pv_changes_standing(const struct pv_session *session, const struct pv_open_room *room,
                                            const struct pv_verifications *list, pv_told_change_row *row, void *context);
/* Somebody's present devices were shown to the person. */
PV_MUST_USE enum pv_err pv_changes_seen(const struct pv_session *session, const struct pv_open_room *room,
                                        const struct pv_verifications *list, const struct pv_hash *person);

/* For the time of one push: `session->tell` is called with each change before the first message or file is sent, and
 * what was told stays in `session->told`. Nothing is refused. */
struct pv_telling {
    struct pv_session *session;
    struct pv_open_room *room;
};
void pv_telling_begin(struct pv_telling *telling, struct pv_session *session, struct pv_open_room *room);
void pv_telling_end(struct pv_telling *telling);

#endif
