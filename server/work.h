/* One room within a batch of the committer: what it had, and what it gains. */
#ifndef PV_SERVER_WORK_H
#define PV_SERVER_WORK_H

#include "server/committer.h"
#include "server/keeper.h"
#include "server/room_cache.h"

/* An entry that has a place but is not stored yet. */
struct pv_pending {
    struct pv_prepared item;
    uint8_t *made; /* owned: the bytes of an entry of the server's */
    unsigned verdict, reason;
    size_t hash_at, hash_count; /* in the work's hashes */
};

struct pv_work {
    struct pv_server *server;
    struct pv_room_state *state; /* its roster runs ahead with the pending entries */
    struct pv_merkle_edge edge;  /* with the pending entries */
    struct pv_pending *pending;
    size_t count, cap;
    struct pv_hash *hashes;
    size_t hash_count, hash_cap;
    struct pv_meta_release *releases;
    size_t release_count;
    enum pv_meta_registration registration;
    struct pv_hash registration_hash;
    /* The roster before its first change in the batch. */
    bool has_before;
    struct pv_meta_member *before; /* by device */
    size_t before_count;
    struct pv_id16 *open_before;
    size_t open_before_count;
    bool given_back; /* what is pending is under `note` already */
    bool policy_changes, has_notice; /* by the batch; the notice after it */
    uint64_t notice_ms;
    enum pv_err err; /* the room as a whole failed */

    /* What goes to the store, filled by pv_work_close. */
    struct pv_meta_entry *entries;
    struct pv_meta_beside *besides;
    struct pv_meta_member *members;
    struct pv_meta_closed *closed;
    struct pv_meta_forget *forgets;
    size_t forget_count;
    struct pv_id16 *deleted;
    size_t deleted_count;
    struct pv_buf note, roster;
    uint64_t now_ms, note_time_s;
};

/* Open the room for a batch. `founds`: it may not exist yet. Errors: as the cache's. */
PV_MUST_USE enum pv_err pv_work_open(struct pv_work *work, struct pv_server *server, struct pv_room_cache *cache,
                                     const struct pv_hash *room, bool founds, uint64_t now_ms);
void pv_work_release(struct pv_work *work);

/* Judge a job's bundles and give them places; when one is refused, none has one, and the response says why. */
void pv_work_append(struct pv_work *work, struct pv_job *job);
void pv_work_release_gate(struct pv_work *work, struct pv_job *job);
/* After the commit: keep the gate, unless it is that of an invite that has ended; answer. */
void pv_work_put_gate(struct pv_work *work, struct pv_job *job);
/* Append an `expired` for each invite and membership past its time. */
void pv_work_expire(struct pv_work *work, struct pv_job *job);

/* Drop bodies and what else goes by forgets that are done, a stretch of the room at a time. Nothing may be pending. */
void pv_work_drop(struct pv_work *work);

/* Take a restored room's tail if it is that of the note. */
void pv_work_restore(struct pv_work *work, struct pv_job *job);
/* After the commit: remember who has shown what, open the room if that is all, answer. */
void pv_work_restored(struct pv_work *work, struct pv_job *job);

/* Sign the newest checkpoint again if it is old and nothing else does it in this batch. */
void pv_work_renew(struct pv_work *work, struct pv_job *job);

/* The newest entries' size. */
static inline uint64_t pv_work_size(const struct pv_work *work)
{
    return work->state->row.size + work->count;
}

/* Take the roster's snapshot if it is time, and tell the store what the room gains; `ret_ask`: the checkpoint that is
 * still to be signed. Errors: NOMEM, LIMIT. */
PV_MUST_USE enum pv_err pv_work_close(struct pv_work *work, struct pv_meta_append *ret_append, struct pv_ask_note *ret_ask);
/* It is signed, or `err`: it is not. Errors: IO: refused; OFFLINE: there is no signer; NOMEM. */
PV_MUST_USE enum pv_err pv_work_signed(struct pv_work *work, enum pv_err err, const struct pv_made_note *made,
                                       struct pv_meta_append *append);
/* It is stored. */
void pv_work_committed(struct pv_work *work, const struct pv_meta_append *append);

/* ---- within the work: judging (work_judge.c) on places and trees (work.c) */

/* Give the item its place after the verdict. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_work_place(struct pv_work *work, const struct pv_prepared *item, uint8_t *made,
                                      unsigned verdict, unsigned reason);
/* Take back everything after the first `count` entries: the roster is read anew. */
PV_MUST_USE enum pv_err pv_work_rewind(struct pv_work *work, size_t count);
/* The root at a size up to now. Errors: the store's. */
PV_MUST_USE enum pv_err pv_work_root(struct pv_work *work, uint64_t size, struct pv_hash *ret_root);
/* Remember the roster as it is before its first change in the batch. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_work_remember(struct pv_work *work);


/* ---- forgetting (work_forget.c) */

/* How long a forget waits where the policy does not say. */
#define PV_FORGET_NOTICE_MS (7ull * 24 * 3600 * 1000)

/* Has the room place for one more (PV_FORGETS_WAITING), if the item is a forget or a hold? */
bool pv_work_may_wait(const struct pv_work *work, const struct pv_prepared *item);
/* What the batch says of forgetting, for the store. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_work_note_forgets(struct pv_work *work, struct pv_meta_append *append);
/* Bring `next_ms` down to the earliest end of a notice after `after_ms`. Errors: the store's. */
PV_MUST_USE enum pv_err pv_work_forget_deadline(struct pv_work *work, uint64_t after_ms, uint64_t *next_ms);
/* Forgets whose notice is over and which nobody holds; the caller's to free. */
PV_MUST_USE enum pv_err pv_work_due_forgets(struct pv_work *work, struct pv_id16 **ret_due, size_t *ret_count);

#endif
