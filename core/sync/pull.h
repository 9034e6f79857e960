/* The pull as a part of other tasks.  Private to core/sync. */
#ifndef PV_SYNC_PULL_H
#define PV_SYNC_PULL_H

#include "core/sync/room_parts.h"
#include "core/sync/task_parts.h"

struct pv_pull {
    struct pv_task task;
    struct pv_room *room;
    enum pv_auth auth;
    char room_hex[65];
    struct pv_buf page;          /* an answer waiting for its consistency proof */
    struct pv_key_want want;
    bool asked_note;             /* for a newer signature */
    bool keys_wait;              /* no more keys can be had in this pull */
    enum pv_err paused;          /* UNSUPPORTED: said at the end, when what came before it is open */
    uint64_t number;             /* of this pull, counted in the room; 0: not begun */
    struct pv_hash fork_leaf;    /* of another history, where this one ends */
    unsigned conflicts;          /* times that another process was quicker */
    bool gave;                   /* a restored server has what this device can give */
    unsigned repairs;            /* requests that gave */
    uint64_t given;              /* the restored server's size, as it last said */
    uint64_t reached;            /* the largest after it was given something */
    enum pv_err refused;         /* what led to this pull, and stands where this is refused, too; PV_OK: nothing did */
    char refusal[256];
    enum pv_err (*after_repair)(struct pv_pull *pull);
    bool bodies_asked;           /* those that are missing, once a pull */
    uint64_t bodies_from;
    enum pv_err (*after_bodies)(struct pv_pull *pull);
    pv_task_step *then;          /* goes on after the pull; NULL: the task is done */
};

void pv_pull_init(struct pv_pull *pull, struct pv_room *room, enum pv_auth auth, pv_task_step *begin,
                  void (*release)(struct pv_task *task));
void pv_pull_release(struct pv_task *task);
/* Ask for the next page; `pull->then` is called when all is in. */
enum pv_err pv_pull_start(struct pv_task *task, const struct pv_response *response);
/* Return `err` with the room's alarm as the task's message. */
enum pv_err pv_pull_error(struct pv_pull *pull, enum pv_err err);
/* End as the room is not at the server: NOT_FOUND, with what may be behind it. */
PV_MUST_USE enum pv_err pv_pull_unknown_room(struct pv_pull *pull);

#endif
