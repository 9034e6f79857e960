/* The newest signed head of each room, kept beside the blobs for the day on which the metadata is lost.
 *
 * A sequence of CBOR byte strings, each a checkpoint note; of one room the last counts. An empty one ends what a server
 * wrote that stopped in order, null begins what the next one writes: after the one and without the other, all is there. */
#ifndef PV_SERVER_HEADS_H
#define PV_SERVER_HEADS_H

#include "core/log/checkpoint.h"
#include "server/server.h"

struct pv_heads;

/* Make the store's file whole and say that a server writes again. What holds other things is set aside. Errors: the
 * stores'. */
PV_MUST_USE enum pv_err pv_heads_new(struct pv_meta *meta, struct pv_blobs *blobs, struct pv_heads **ret_heads);
void pv_heads_free(struct pv_heads *heads);
/* The room's newest note was committed. From any thread; costs a copy. What does not fit into memory is left out, and
 * then the end says nothing. */
void pv_heads_grew(struct pv_heads *heads, uint64_t room_no, struct pv_bytes note);
/* Write down what grew since. Errors: the store's; it is tried again with the next. */
PV_MUST_USE enum pv_err pv_heads_flush(struct pv_heads *heads);
/* Nothing more will grow. Errors: as flush's. */
PV_MUST_USE enum pv_err pv_heads_end(struct pv_heads *heads);

/* ---- reading, on a store that no server writes to */

struct pv_head_note {
    struct pv_hash room;
    struct pv_checkpoint checkpoint;
    struct pv_bytes note; /* borrowed from the list */
};
struct pv_heads_list {
    struct pv_buf bytes;
    struct pv_head_note *notes; /* one a room */
    size_t count;
    bool is_all;        /* it ended in order: no head is newer */
    uint64_t damaged_at; /* on CORRUPT: the byte where it is not as a server wrote it */
};
/* All of them, each shown to be signed by this key. One that a power cut left unfinished at the end is passed over.
 * Errors: NOT_FOUND: there are none; CORRUPT; LIMIT; the store's. Release the list in any case. */
PV_MUST_USE enum pv_err pv_heads_read(struct pv_blobs *blobs, const struct pv_sign_pk *log_pk, struct pv_heads_list *ret_list);
void pv_heads_list_release(struct pv_heads_list *list);

#endif
