/* What the log key signs, and what it does not: the rules of whoever holds it.
 *
 * Nothing is signed as bytes. A keeper is told what a checkpoint or an entry should say, and makes it itself, so
 * whatever a hostile asker gets signed is well-formed and says what it was judged by. For each room it remembers from
 * where to where it signed last: the next checkpoint must go on from one end of that, so that somebody who took over
 * the server cannot have two histories signed, but for the newest step, which a failing disk may take back. It holds
 * on to its latest times alike. What it knows is of this process's life and of the rooms that were signed for lately. */
#ifndef PV_SERVER_KEEPER_H
#define PV_SERVER_KEEPER_H

#include "core/log/checkpoint.h"
#include "core/log/entry.h"

enum { PV_KEEPER_BODY_BYTES = 4096 };

struct pv_tree_head {
    uint64_t size;
    struct pv_hash root; /* of size 0: zeros */
};

/* A checkpoint that is wanted. */
struct pv_ask_note {
    struct pv_hash room;
    struct pv_tree_head from, to; /* what stands in the store, and what will */
    uint64_t time_s;
    char name[PV_LIMIT_SERVER_NAME_BYTES + 1];
};

struct pv_made_note {
    enum pv_err err;
    uint64_t time_s; /* as signed: never before one that was signed for this room */
    uint64_t n;
    uint8_t note[PV_LIMIT_NOTE_BYTES];
};

/* An entry of the server's own that is wanted. */
struct pv_ask_entry {
    struct pv_header header; /* its hashes are the keeper's to make */
    uint64_t n;
    uint8_t body[PV_KEEPER_BODY_BYTES];
};

struct pv_made_entry {
    enum pv_err err;
    uint64_t n;
    uint8_t entry[PV_LIMIT_ENTRY_BYTES];
};

struct pv_keeper;

/* The secret is copied. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_keeper_new(const struct pv_sign_sk *log_sk, const struct pv_sign_pk *log_pk,
                                      struct pv_keeper **ret_keeper);
void pv_keeper_free(struct pv_keeper *keeper);

/* Errors, in what is made: MALFORMED; DENIED: it would be another history; LIMIT. */
void pv_keeper_note(struct pv_keeper *keeper, const struct pv_ask_note *ask, struct pv_made_note *ret_made);
/* Errors, in what is made: MALFORMED; DENIED: no entry that a server writes. */
void pv_keeper_entry(struct pv_keeper *keeper, const struct pv_ask_entry *ask, struct pv_made_entry *ret_made);

#endif
