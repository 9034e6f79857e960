/* Signed checkpoints (C2SP tlog-checkpoint with a timestamped cosignature) and tlog-proofs.  Source: FORMAT.md §8. */
#ifndef PV_LOG_CHECKPOINT_H
#define PV_LOG_CHECKPOINT_H

#include "core/base/cbor.h"
#include "core/base/limits.h"
#include "core/crypto/keys.h"
#include "core/log/merkle.h"

/* In milliseconds still a number that JSON holds exactly. */
#define PV_CHECKPOINT_TIME_MAX_S (PV_LIMIT_N / 1000)

struct pv_checkpoint {
    uint64_t size;
    struct pv_hash root;
    uint64_t time_s; /* of the type 4 signature, seconds since 1970 UTC */
};

/* 1 to PV_LIMIT_SERVER_NAME_BYTES printable ASCII characters, no space, no plus (C2SP signed-note's key names). */
bool pv_server_name_is_valid(struct pv_bytes name);

/* Append a signed note. Errors: MALFORMED (server name, size 0), LIMIT, NOMEM. */
PV_MUST_USE enum pv_err pv_checkpoint_make(const char *server_name, const struct pv_hash *room,
                                           const struct pv_checkpoint *checkpoint, const struct pv_sign_sk *log_sk,
                                           const struct pv_sign_pk *log_pk, struct pv_buf *note);
/* Parse and verify a note for this room, server name and log key. Both signatures must hold.
 * Errors: MALFORMED, TRUNCATED, LIMIT, BAD_SIG, BROKEN_CHAIN (another origin). */
PV_MUST_USE enum pv_err pv_checkpoint_open(struct pv_bytes note, const char *server_name, const struct pv_hash *room,
                                           const struct pv_sign_pk *log_pk, struct pv_checkpoint *ret_checkpoint);
/* Parse size, root and time without verifying, e.g. from a link before the log key is known. */
PV_MUST_USE enum pv_err pv_checkpoint_peek(struct pv_bytes note, struct pv_checkpoint *ret_checkpoint);

/* A note less what its reader knows: from the server's name and the room come the same bytes again. For links. */
enum { PV_NOTE_PLAIN_BYTES = 4 + 64, PV_NOTE_COSIGNATURE_BYTES = 4 + 8 + 64 };
struct pv_packed_note {
    struct pv_checkpoint checkpoint;
    uint8_t plain[PV_NOTE_PLAIN_BYTES], cosignature[PV_NOTE_COSIGNATURE_BYTES]; /* as in the note's lines */
};
/* Errors: as of parsing a note. */
PV_MUST_USE enum pv_err pv_note_pack(struct pv_bytes note, struct pv_packed_note *ret_packed);
/* Append the note. Errors: MALFORMED (server name), the buffer's. */
PV_MUST_USE enum pv_err pv_note_unpack(const struct pv_packed_note *packed, const char *server_name,
                                       const struct pv_hash *room, struct pv_buf *note);
void pv_packed_note_put(struct pv_buf *buf, const struct pv_packed_note *packed);
void pv_packed_note_get(struct pv_cbor *in, struct pv_packed_note *ret_packed);

/* Append a tlog-proof: index, inclusion hashes, checkpoint note. */
PV_MUST_USE enum pv_err pv_proof_make(uint64_t index, const struct pv_merkle_proof *inclusion, struct pv_bytes note,
                                      struct pv_buf *proof);
/* Parse a tlog-proof; `ret_note` is borrowed. Errors: MALFORMED, LIMIT, UNSUPPORTED. */
PV_MUST_USE enum pv_err pv_proof_read(struct pv_bytes proof, uint64_t *ret_index, struct pv_merkle_proof *ret_inclusion,
                                      struct pv_bytes *ret_note);

#endif
