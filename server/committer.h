/* Group commit: appends of all rooms gathered, judged, signed and stored in one transaction.
 *
 * pv_committer_step does a batch and touches neither threads nor clocks of its own; the thread around it
 * (pv_committer_start) only gathers. Jobs of one batch are judged in order, each wholly taken or wholly refused. */
#ifndef PV_SERVER_COMMITTER_H
#define PV_SERVER_COMMITTER_H

#include "core/room/body.h"
#include "core/room/gate.h"
#include "server/server.h"
#include "server/unpaid.h"

/* Forgets that wait and holds that stand in one room: each is compared with each, whenever the room's members change. */
enum { PV_FORGETS_WAITING = 256, PV_HOLDS_STANDING = 256, PV_HOLDS_OF_ONE = 32 };

enum pv_job_kind {
    PV_JOB_APPEND,  /* bundles of one device */
    PV_JOB_GATE,    /* a gate is put, unless its invite has ended */
    PV_JOB_RELEASE, /* a gate opens: an entry of the server's */
    PV_JOB_EXPIRE,  /* deadlines of one room have passed: entries of the server's */
    PV_JOB_DROP,    /* what one room forgot is to be dropped */
    PV_JOB_RENEW,   /* the newest checkpoint is old: sign it again */
    PV_JOB_RESTORE  /* a device shows how far a room had come that a backup brought back, and gives back what came after */
};

/* What lies beside an entry, taken apart for the store. */
struct pv_kept_beside {
    struct pv_beside beside;
    struct pv_bytes links;    /* encoded */
    struct pv_hash kem_hashes[PV_LIMIT_BESIDE_KEM_KEYS];
    struct pv_hash *leaves;   /* owned: the stored hashes of the tree over wraps */
    size_t leaf_count;
};

/* A bundle that stood every check which needs no room: read, signed by its author, hashes and neighbours right. */
struct pv_prepared {
    struct pv_bundle bundle; /* borrowed from the request's body */
    struct pv_entry entry;
    struct pv_hash leaf;
    struct pv_kept_beside *kept; /* owned; NULL: nothing lies beside */
};

/* Where an item stands, and its verdict. */
struct pv_placed {
    bool known;
    uint64_t index;
    unsigned verdict, reason;
};

struct pv_job {
    struct pv_job *next;
    enum pv_job_kind kind;
    struct pv_hash room;
    struct pv_web_response *response; /* where the answer goes */
    void (*done)(struct pv_job *job); /* after the commit, on the committer's thread */
    void *context;

    /* APPEND */
    struct pv_hash author;
    bool founds; /* the first bundle is a genesis */
    bool is_unpaid; /* beyond its author's quota of today */
    struct pv_unpaid unpaid; /* the committer's */
    struct pv_prepared *items; /* owned */
    size_t count;
    enum pv_meta_registration registration;
    struct pv_hash registration_hash;

    /* RELEASE: everything but the room's view was checked */
    struct pv_id16 gate;
    uint64_t gate_version, max_releases;
    struct pv_hash request;
    struct pv_hash ticket_hash;

    /* GATE, with `gate` and `gate_version` */
    struct pv_bytes signed_gate, gate_refs; /* borrowed as the items are */
    bool has_half;
    struct pv_half_b half; /* secret */

    /* RESTORE; its items need no session's signature, as `note` covers them */
    struct pv_bytes note; /* borrowed as the items are */
    uint64_t from;
    bool go_on;
    uint64_t note_size; /* the committer's */

    /* the committer's own */
    struct pv_placed *placed; /* one an item; owned */
    bool refused;
    size_t work; /* which room of the batch */
};

PV_MUST_USE enum pv_err pv_job_new(enum pv_job_kind kind, size_t count, struct pv_job **ret_job);
void pv_job_free(struct pv_job *job);

PV_MUST_USE enum pv_err pv_committer_new(struct pv_server *server, struct pv_committer **ret_committer);
void pv_committer_free(struct pv_committer *committer);
/* Judge and store a list of jobs; every response is filled. */
void pv_committer_step(struct pv_committer *committer, struct pv_job *jobs);

/* ---- the thread. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_committer_start(struct pv_committer *committer);
/* Hand over a job; its `done` will be called. After stop: at once, with 503. */
void pv_committer_submit(struct pv_committer *committer, struct pv_job *job);
/* Finish what was submitted, then end the thread. */
void pv_committer_stop(struct pv_committer *committer);

#endif
