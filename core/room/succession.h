/* A room that goes on in another: an owner's signed word that lies beside the ended one, with invites into its successor
 * sealed under the ended room's last secret.  Source: FORMAT.md §9.2. */
#ifndef PV_ROOM_SUCCESSION_H
#define PV_ROOM_SUCCESSION_H

#include "core/base/cbor.h"
#include "core/base/limits.h"
#include "core/crypto/keys.h"
#include "core/room/epoch.h"

struct pv_succession {
    struct pv_hash room, successor;
    uint64_t size;       /* of the log's newest head that the owner held, */
    struct pv_hash root; /* and its root */
    uint64_t epoch;      /* of the ended room, whose secret seals what follows */
    struct pv_bytes sealed; /* borrowed */
};

/* Append [succession, device, sig]. Errors: the buffer's, NOMEM. */
PV_MUST_USE enum pv_err pv_succession_sign(const struct pv_succession *succession, const struct pv_hash *device,
                                           const struct pv_sign_sk *sk, struct pv_buf *signed_succession);
/* Shape; the device's key is then looked up and given to pv_succession_verify.
 * Errors: UNSUPPORTED (a newer version), the reader's. */
PV_MUST_USE enum pv_err pv_succession_read(struct pv_bytes bytes, struct pv_succession *ret_succession, struct pv_hash *ret_device);
/* Errors: BAD_SIG, the reader's. */
PV_MUST_USE enum pv_err pv_succession_verify(struct pv_bytes bytes, const struct pv_sign_pk *device_pk);

/* ---- what is sealed: invite links, as text. Secret. */

/* A member whose role is not to be had by all: its link is sealed to its KEM key, too. */
struct pv_succession_place {
    struct pv_hash person, kem_hash;
    const struct pv_kem_pk *kem_pk; /* writing only */
    struct pv_bytes link;           /* writing only */
};

/* Seal into `sealed`, which is appended to.
 *   common  the link for whoever else is a member; n 0: none
 * Errors: MALFORMED (X-Wing refuses a key), LIMIT (too many places, too long), NOMEM. */
PV_MUST_USE enum pv_err pv_succession_seal(const struct pv_succession *succession, const struct pv_epoch_secret *secret,
                                           struct pv_bytes common, const struct pv_succession_place *places, size_t count,
                                           const struct pv_random *random, struct pv_buf *sealed);
/* The link for `person`: its own place's, else the common one; appended.
 *   seed  gives the KEM seed for a hash of this person's. Errors: its own.
 * Errors: BAD_MAC (another secret, or changed), NOT_FOUND (no link for this person), the reader's. */
PV_MUST_USE enum pv_err pv_succession_open(const struct pv_succession *succession, const struct pv_epoch_secret *secret,
                                           const struct pv_hash *person,
                                           enum pv_err (*seed)(void *context, const struct pv_hash *kem_hash, struct pv_kem_seed *ret_seed),
                                           void *context, struct pv_buf *link);

#endif
