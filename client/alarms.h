/* Alarms of a room: what did not verify, kept in its database until somebody acknowledges it, and its evidence as a file. */
#ifndef PV_CLIENT_ALARMS_H
#define PV_CLIENT_ALARMS_H

#include "client/session.h"

enum { PV_ALARM_ID_CHARS = 16, PV_ALARMS_MAX = 64 };

struct pv_alarm {
    char id[PV_ALARM_ID_CHARS + 1];      /* hex; names the evidence's file too */
    uint64_t row;
    uint64_t time_ms, acknowledged_ms;   /* 0: not yet */
    enum pv_err what;
    struct pv_bytes text;                /* untrusted only as far as numbers of the server's stand in it */
    struct pv_bytes evidence;            /* empty: there is none */
    char file[PV_HOME_NAME_BYTES];       /* its name in the home, "" for none */
};

typedef enum pv_err pv_alarm_row(void *context, const struct pv_alarm *alarm);
/* All, oldest first; each borrowed for the call. */
PV_MUST_USE enum pv_err pv_alarms_each(const struct pv_open_room *room, pv_alarm_row *row, void *context);
/* How many wait to be acknowledged. */
PV_MUST_USE enum pv_err pv_alarms_waiting(const struct pv_open_room *room, uint64_t *ret_count);
/* Keep an alarm and write its evidence into the home. One that waits with the same words is not kept again,
 * unless it convicts somebody for the first time; its file is written anew if it is gone. Errors: LIMIT (PV_ALARMS_MAX wait, or twice as many where it convicts), the store's and the home's. */
PV_MUST_USE enum pv_err pv_alarm_keep(struct pv_session *session, struct pv_open_room *room, enum pv_err what,
                                      struct pv_bytes text, struct pv_bytes evidence,
                                      char ret_file[static PV_HOME_NAME_BYTES], struct pv_report *report);
/* Acknowledge one. Errors: the store's. */
PV_MUST_USE enum pv_err pv_alarm_acknowledge(struct pv_open_room *room, uint64_t row);

#endif
