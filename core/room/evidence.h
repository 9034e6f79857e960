/* Evidence: one file that shows to anyone, offline, what a log's key or a device signed and should not have.
 *
 * A file stands for itself: the room's genesis, which names the log's key, and what was signed under it. What only this
 * device was shown, unsigned, is kept in the same form, and convicts nobody.  Source: FORMAT.md §8.1. */
#ifndef PV_ROOM_EVIDENCE_H
#define PV_ROOM_EVIDENCE_H

#include "core/log/checkpoint.h"
#include "core/log/entry.h"

/* A tree that a note was signed over, or one that the note's tree begins with. */
struct pv_evidence_tree {
    struct pv_bytes note;
    bool is_part;                      /* the following hold: the part's size and root, and that the note's tree extends it */
    uint64_t size;
    struct pv_hash root;
    struct pv_merkle_proof consistency;
};

/* A leaf and its inclusion hashes. Those to its left give the root of the tree before it. */
struct pv_evidence_path {
    struct pv_hash leaf;
    struct pv_merkle_proof proof;
};

/* An entry that is clear, with its body. */
struct pv_evidence_part {
    struct pv_bytes entry, body;
};

enum pv_evidence_type { PV_EVIDENCE_NOTES = 0, PV_EVIDENCE_ENTRY = 1, PV_EVIDENCE_SHOWN = 2 };

/* As read, everything is borrowed from the bytes. */
struct pv_evidence_file {
    uint64_t told_ms;
    struct pv_bytes told;              /* the device's own words, UTF-8: they prove nothing */
    struct pv_hash room;
    bool has_genesis;                  /* always for types 0 and 1 */
    struct pv_evidence_part genesis;
    struct pv_evidence_part changes[PV_LIMIT_EVIDENCE_CHANGES]; /* entries that gave the room another server or key */
    size_t change_count;
    enum pv_evidence_type type;
    /* NOTES: `note` against `tree`. ENTRY: an entry in `tree`. */
    struct pv_evidence_tree tree;
    struct pv_bytes note;
    bool has_path;                     /* NOTES: in `tree`, at the size of `note`; ENTRY: at the entry's seen size */
    struct pv_evidence_path path;
    uint64_t index;
    struct pv_merkle_proof inclusion;
    struct pv_bytes entry;
    bool has_device, has_body;
    struct pv_device device;           /* the entry's author */
    struct pv_bytes body;
    /* SHOWN */
    struct pv_bytes what;              /* an error's web name */
    struct pv_bytes shown;
};

/* Is this the begin of an evidence file? For a command that takes several kinds. */
bool pv_evidence_is(struct pv_bytes bytes);
/* Append a file. Errors: MALFORMED (words no UTF-8, a type without its genesis), LIMIT, NOMEM. */
PV_MUST_USE enum pv_err pv_evidence_put(struct pv_buf *buf, const struct pv_evidence_file *file);
/* Errors: MALFORMED, TRUNCATED, NONCANONICAL, LIMIT; UNSUPPORTED for another version or type. */
PV_MUST_USE enum pv_err pv_evidence_read(struct pv_bytes bytes, struct pv_evidence_file *ret_file);

/* What a file shows. */
enum pv_finding_kind {
    PV_FINDING_TWO_HISTORIES,          /* the log's key signed two trees, neither of which continues the other */
    PV_FINDING_WENT_BACK,              /* it signed a smaller tree later */
    PV_FINDING_MALFORMED,              /* it signed a tree with an entry that is none, */
    PV_FINDING_ROOM,                   /* of another room, */
    PV_FINDING_SEEN_LATER,             /* that has seen what came after it, */
    PV_FINDING_SEEN,                   /* that has seen another history, */
    PV_FINDING_SIGNATURE,              /* that its author did not sign, */
    PV_FINDING_BODY,                   /* or with a clear body that is none */
    PV_FINDING_OPEN,                   /* two notes that may both be of one log */
    PV_FINDING_SHOWN                   /* unsigned: shows only that somebody has such bytes */
};
const char *pv_finding_name(enum pv_finding_kind kind);

struct pv_finding {
    enum pv_finding_kind kind;
    bool convicts_server;
    struct pv_sign_pk log_key;         /* of the newest key that signed something here; for all but SHOWN */
    char server_name[PV_LIMIT_SERVER_NAME_BYTES + 1];
    bool is_vouched;                   /* the genesis names that key, or each change to it was signed by the key before */
    struct pv_checkpoint first, second; /* NOTES: both trees; ENTRY: `second`, its time the note's */
    bool has_author;                   /* ENTRY, where the author is known: */
    struct pv_hash author;
    bool is_signed;                    /* and did sign the entry, */
    bool convicts_author;              /* and is convicted by that: of BODY alone */
    uint64_t index, seen_size;
};

/* Everything that the file claims is checked, with nothing but the file. A claim that does not hold is an error.
 * Errors: BAD_SIG, BROKEN_CHAIN, MALFORMED, NOMEM. */
PV_MUST_USE enum pv_err pv_evidence_judge(const struct pv_evidence_file *file, struct pv_finding *ret_finding);

#endif
