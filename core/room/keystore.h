/* A device's keystore as bytes: its secrets and its rooms' database keys, sealed under a passphrase. No I/O.
 *
 * Its KEM key pair lets a room's key be added without the passphrase; taking one out needs the seed, which needs the
 * passphrase. A MAC by the device's own secrets shows a list of rooms that someone else wrote.
 * Source: FORMAT.md §12. */
#ifndef PV_ROOM_KEYSTORE_H
#define PV_ROOM_KEYSTORE_H

#include "core/base/limits.h"
#include "core/crypto/hash.h"
#include "core/crypto/keys.h"
#include "core/room/server_url.h"

enum {
    PV_KEYSTORE_SEALED_SEED_BYTES = 32 + PV_SEAL_TAG_BYTES,
    PV_KEYSTORE_SEALED_KEY_BYTES = PV_KEM_CT_BYTES + 32 + PV_SEAL_TAG_BYTES,
    /* What a new keystore uses: a third of a second and 256 MiB on the machines of its time. */
    PV_KEYSTORE_PASSES = 3,
    PV_KEYSTORE_MEMORY_KIB = 256 * 1024
};

/* What a device knows for itself. Secret. */
struct pv_device_secrets {
    struct pv_sign_seed sign_seed;
    struct pv_kem_seed kem_seed;
    struct pv_hash person;
    char name[PV_LIMIT_NAME_BYTES + 1]; /* the device's own name for its person, UTF-8 */
    struct pv_server_url server;        /* home of the person room */
};

struct pv_database_key { uint8_t b[32]; };

/* As bytes of their own too, since they wait in a kernel keyring while unlocked. At most PV_LIMIT_SECRETS_BYTES. */
void pv_device_secrets_put(struct pv_buf *buf, const struct pv_device_secrets *secrets);
/* Errors: as a reader's; UNSUPPORTED for a newer version. */
PV_MUST_USE enum pv_err pv_device_secrets_read(struct pv_bytes bytes, struct pv_device_secrets *ret_secrets);

struct pv_argon2_cost {
    uint32_t passes, memory_kib; /* PV_LIMIT_ARGON2_PASSES, PV_LIMIT_ARGON2_MEMORY_KIB at most */
};

struct pv_keystore_room {
    struct pv_hash room;
    uint8_t sealed_key[PV_KEYSTORE_SEALED_KEY_BYTES];
};

/* A keystore in memory; nothing in it is secret. */
struct pv_keystore {
    uint8_t salt[16];
    struct pv_argon2_cost cost;
    struct pv_kem_pk kem_pk;
    uint8_t sealed_seed[PV_KEYSTORE_SEALED_SEED_BYTES];
    uint8_t sealed_secrets[PV_LIMIT_SECRETS_BYTES + PV_SEAL_TAG_BYTES];
    size_t sealed_secrets_len;
    struct pv_keystore_room *rooms; /* by id, rising */
    size_t room_count;
    struct pv_hash mac;
};

void pv_keystore_release(struct pv_keystore *keystore);

/* A new keystore without rooms. Errors: NOMEM (also: no memory for Argon2id), LIMIT. */
PV_MUST_USE enum pv_err pv_keystore_create(struct pv_bytes passphrase, struct pv_argon2_cost cost,
                                           const struct pv_device_secrets *secrets, const struct pv_random *random,
                                           struct pv_keystore *ret_keystore);

/* The file's bytes. */
void pv_keystore_put(struct pv_buf *buf, const struct pv_keystore *keystore);
/* Errors: TRUNCATED; MALFORMED (no keystore); CORRUPT (changed since it was written); UNSUPPORTED (newer); LIMIT,
 * NOMEM. Never BAD_MAC, so a damaged file is not taken for a wrong passphrase. */
PV_MUST_USE enum pv_err pv_keystore_read(struct pv_bytes bytes, struct pv_keystore *ret_keystore);

/* The seed that opens everything here. Errors: BAD_MAC (a wrong passphrase), NOMEM, LIMIT. */
PV_MUST_USE enum pv_err pv_keystore_unlock(const struct pv_keystore *keystore, struct pv_bytes passphrase,
                                           struct pv_kem_seed *ret_seed);
/* Also checks the MAC. Errors: CORRUPT (someone else wrote part of it), UNSUPPORTED. */
PV_MUST_USE enum pv_err pv_keystore_open_secrets(const struct pv_keystore *keystore, const struct pv_kem_seed *seed,
                                                 struct pv_device_secrets *ret_secrets);
/* Was the list of rooms written by this device? Errors: CORRUPT. */
PV_MUST_USE enum pv_err pv_keystore_check(const struct pv_keystore *keystore, const struct pv_device_secrets *secrets);

bool pv_keystore_has_room(const struct pv_keystore *keystore, const struct pv_hash *room);
/* Errors: NOT_FOUND, CORRUPT. */
PV_MUST_USE enum pv_err pv_keystore_open_room(const struct pv_keystore *keystore, const struct pv_kem_seed *seed,
                                              const struct pv_hash *room, struct pv_database_key *ret_key);
/* Add a room, or replace its key. Errors: LIMIT, NOMEM, MALFORMED (a KEM key that is none). */
PV_MUST_USE enum pv_err pv_keystore_set_room(struct pv_keystore *keystore, const struct pv_device_secrets *secrets,
                                             const struct pv_hash *room, const struct pv_database_key *key,
                                             const struct pv_random *random);
/* Nothing happens for a room that is not there. */
void pv_keystore_drop_room(struct pv_keystore *keystore, const struct pv_device_secrets *secrets,
                           const struct pv_hash *room);

/* The same contents in a new keystore under another passphrase: salt, seed and KEM key are new, and nothing of the old one
 * opens it. Errors: as of pv_keystore_create; CORRUPT (a room's key does not open by `seed`). */
PV_MUST_USE enum pv_err pv_keystore_reseal(const struct pv_keystore *keystore, const struct pv_kem_seed *seed,
                                           const struct pv_device_secrets *secrets, struct pv_bytes passphrase,
                                           struct pv_argon2_cost cost, const struct pv_random *random,
                                           struct pv_keystore *ret_keystore);

#endif
