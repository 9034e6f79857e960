/* What somebody who was in no room is shown of one entry, as a file, and what it proves to them with nothing else at hand.
 *
 * A file of these tests alone, of parts that are the product's: entries, records, checkpoints with inclusion proofs, and
 * the key of one body.  Source: FORMAT.md §2 to §4, §8. */
#ifndef TESTS_SIMULATION_PROOFS_H
#define TESTS_SIMULATION_PROOFS_H

#include "core/log/checkpoint.h"
#include "core/log/seal.h"

/* What lies in a file; all but the entry and the room's genesis may be left out, as empty. */
struct sim_shown {
    struct pv_bytes genesis, genesis_body; /* whose log it is */
    struct pv_bytes entry;
    struct pv_bytes record;                /* person record that leads to the author */
    struct pv_bytes place;                 /* tlog-proof */
    struct pv_bytes body, key;
    /* An entry of somebody else, who has seen this one, and where: [index, [hash, …]] in the tree that it names. */
    struct pv_bytes receipt, receipt_record, receipt_path;
};

/* What holds, each for itself. */
struct sim_facts {
    bool has_author, has_place, has_time, has_text, has_receipt;
    struct pv_hash author, person; /* the device that signed it, and for whom that acts */
    uint64_t index;                /* it stands there in the log, … */
    uint64_t time_s;               /* … and did at this time, by the server's word */
    struct pv_hash text;           /* a hash over what it says */
    size_t message;                /* as sim_message_number tells */
    struct pv_hash receiver;       /* a person who had the entry, by that one's own signature */
};

void sim_shown_put(struct pv_buf *buf, const struct sim_shown *shown);
void sim_receipt_path_put(struct pv_buf *buf, uint64_t index, const struct pv_merkle_proof *path);
/* False: it is no such file, or does not say of which room. */
bool sim_proof_check(struct pv_bytes file, const struct pv_hash *room, struct sim_facts *ret_facts);
/* Does `some` say nothing that `all` does not? */
bool sim_facts_are_among(const struct sim_facts *some, const struct sim_facts *all);

#endif
