/* What the keystore seals and opens.  Source: FORMAT.md §12. */
#include "core/room/keystore.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/crypto/parts.h"

enum { SECRETS_FIELDS = 6, SECRETS_VERSION = 1 };

/* Each key here seals one message only: it hangs on a fresh salt, a fresh seed or a fresh KEM ciphertext. */
static const struct pv_seal_nonce zero_nonce;

void pv_device_secrets_put(struct pv_buf *buf, const struct pv_device_secrets *secrets)
{
    pv_cbor_put_array(buf, SECRETS_FIELDS);
    pv_cbor_put_uint(buf, SECRETS_VERSION);
    pv_cbor_put_bytes(buf, secrets->sign_seed.b, sizeof secrets->sign_seed.b);
    pv_cbor_put_bytes(buf, secrets->kem_seed.b, sizeof secrets->kem_seed.b);
    pv_cbor_put_hash(buf, &secrets->person);
    pv_cbor_put_text(buf, secrets->name, strlen(secrets->name));
    pv_cbor_put_text(buf, secrets->server.text, strlen(secrets->server.text));
}

static enum pv_err read_secrets(struct pv_bytes bytes, struct pv_device_secrets *secrets)
{
    struct pv_cbor in;
    pv_cbor_init(&in, bytes);
    size_t fields = pv_cbor_get_array(&in, UINT8_MAX);
    if (pv_cbor_get_uint(&in, UINT64_MAX) != SECRETS_VERSION) pv_cbor_fail(&in, PV_ERR_UNSUPPORTED);
    if (fields != SECRETS_FIELDS) pv_cbor_fail(&in, PV_ERR_MALFORMED);
    pv_cbor_get_fixed(&in, secrets->sign_seed.b, sizeof secrets->sign_seed.b);
    pv_cbor_get_fixed(&in, secrets->kem_seed.b, sizeof secrets->kem_seed.b);
    pv_cbor_get_hash(&in, &secrets->person);
    struct pv_bytes name = pv_cbor_get_text(&in, PV_LIMIT_NAME_BYTES);
    struct pv_bytes server = pv_cbor_get_text(&in, PV_LIMIT_URL_BYTES);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return err;
    if (name.n && memchr(name.p, 0, name.n)) return PV_ERR_MALFORMED;
    if (name.n) memcpy(secrets->name, name.p, name.n);
    err = pv_server_url_read(server, &secrets->server);
    if (!err && !pv_bytes_equal(server, pv_bytes_of_string(secrets->server.text))) err = PV_ERR_NONCANONICAL;
    return err;
}

enum pv_err pv_device_secrets_read(struct pv_bytes bytes, struct pv_device_secrets *ret_secrets)
{
    struct pv_device_secrets secrets = {.name = {0}};
    enum pv_err err = read_secrets(bytes, &secrets);
    if (!err) *ret_secrets = secrets;
    pv_wipe(&secrets, sizeof secrets);
    return err;
}

void pv_keystore_release(struct pv_keystore *keystore)
{
    free(keystore->rooms);
    *keystore = (struct pv_keystore){.room_count = 0};
}

/* ---- keys */

/* What the passphrase gives; everything that it hangs on is bound in. */
static enum pv_err seed_key(const struct pv_keystore *keystore, struct pv_bytes passphrase, struct pv_seal_key *ret_key)
{
    struct pv_parts parts = {.n = 0};
    struct pv_hash kem_hash;
    uint8_t x[32];
    if (passphrase.n > PV_LIMIT_PASSPHRASE_BYTES) return PV_ERR_LIMIT;
    enum pv_err err = pv_argon2id(passphrase, keystore->salt, keystore->cost.passes, keystore->cost.memory_kib, x);
    if (err) return err;
    pv_kem_hash(&keystore->kem_pk, &kem_hash);
    pv_parts_put_bytes(&parts, keystore->salt, sizeof keystore->salt);
    pv_parts_put_uint(&parts, keystore->cost.passes);
    pv_parts_put_uint(&parts, keystore->cost.memory_kib);
    pv_parts_put_bytes(&parts, kem_hash.b, sizeof kem_hash.b);
    pv_hkdf(pv_bytes(x, sizeof x), "keystore/seed", pv_parts_bytes(&parts), ret_key->b);
    pv_wipe(x, sizeof x);
    return PV_OK;
}

static void secrets_key(const struct pv_kem_seed *seed, struct pv_seal_key *ret_key)
{
    pv_hkdf(PV_BYTES_OF(*seed), "keystore/device", pv_bytes(NULL, 0), ret_key->b);
}

static void room_key(const struct pv_kem_shared *shared, const struct pv_hash *room, struct pv_seal_key *ret_key)
{
    struct pv_parts parts = {.n = 0};
    pv_parts_put_bytes(&parts, room->b, sizeof room->b);
    pv_hkdf(PV_BYTES_OF(*shared), "keystore/room", pv_parts_bytes(&parts), ret_key->b);
}

/* The MAC over KEM key and rooms, keyed by the device's secrets: whoever else writes the file cannot make it. */
static void rooms_mac(const struct pv_keystore *keystore, const struct pv_device_secrets *secrets,
                      struct pv_hash *ret_mac)
{
    struct pv_parts parts = {.n = 0};
    struct pv_sha256 sha;
    struct pv_hash list;
    pv_hash_begin(&sha, "keystore-rooms");
    pv_sha256_put_bytes(&sha, keystore->kem_pk.b, sizeof keystore->kem_pk.b);
    for (size_t i = 0; i < keystore->room_count; i++) {
        pv_sha256_put_bytes(&sha, keystore->rooms[i].room.b, sizeof keystore->rooms[i].room.b);
        pv_sha256_put_bytes(&sha, keystore->rooms[i].sealed_key, sizeof keystore->rooms[i].sealed_key);
    }
    pv_sha256_final(&sha, &list);
    pv_parts_put_bytes(&parts, list.b, sizeof list.b);
    pv_hkdf(PV_BYTES_OF(secrets->sign_seed), "keystore/mac", pv_parts_bytes(&parts), ret_mac->b);
}

/* ---- making */

static enum pv_err seal_secrets(struct pv_keystore *keystore, const struct pv_kem_seed *seed,
                                const struct pv_device_secrets *secrets)
{
    struct pv_seal_key key;
    struct pv_buf plain;
    pv_buf_init(&plain, PV_LIMIT_SECRETS_BYTES);
    pv_device_secrets_put(&plain, secrets);
    enum pv_err err = plain.err;
    if (!err) {
        secrets_key(seed, &key);
        pv_seal(&key, &zero_nonce, pv_bytes(NULL, 0), pv_buf_bytes(&plain), keystore->sealed_secrets);
        keystore->sealed_secrets_len = plain.n + PV_SEAL_TAG_BYTES;
        pv_wipe(&key, sizeof key);
    }
    pv_buf_wipe(&plain);
    return err;
}

static enum pv_err create(struct pv_keystore *keystore, struct pv_bytes passphrase, const struct pv_kem_seed *seed,
                          const struct pv_device_secrets *secrets)
{
    struct pv_seal_key key;
    pv_kem_from_seed(seed, &keystore->kem_pk);
    enum pv_err err = seed_key(keystore, passphrase, &key);
    if (err) return err;
    pv_seal(&key, &zero_nonce, pv_bytes(NULL, 0), PV_BYTES_OF(*seed), keystore->sealed_seed);
    pv_wipe(&key, sizeof key);
    rooms_mac(keystore, secrets, &keystore->mac);
    return seal_secrets(keystore, seed, secrets);
}

enum pv_err pv_keystore_create(struct pv_bytes passphrase, struct pv_argon2_cost cost,
                               const struct pv_device_secrets *secrets, const struct pv_random *random,
                               struct pv_keystore *ret_keystore)
{
    struct pv_kem_seed seed;
    if (cost.passes < 1 || cost.passes > PV_LIMIT_ARGON2_PASSES || cost.memory_kib < 8 ||
        cost.memory_kib > PV_LIMIT_ARGON2_MEMORY_KIB)
        return PV_ERR_LIMIT;
    struct pv_keystore *keystore = calloc(1, sizeof *keystore);
    if (!keystore) return PV_ERR_NOMEM;
    keystore->cost = cost;
    pv_random_fill(random, keystore->salt, sizeof keystore->salt);
    pv_random_fill(random, seed.b, sizeof seed.b);
    enum pv_err err = create(keystore, passphrase, &seed, secrets);
    if (!err) *ret_keystore = *keystore;
    pv_wipe(&seed, sizeof seed);
    free(keystore);
    return err;
}

/* ---- opening */

enum pv_err pv_keystore_unlock(const struct pv_keystore *keystore, struct pv_bytes passphrase,
                               struct pv_kem_seed *ret_seed)
{
    struct pv_seal_key key;
    struct pv_kem_seed seed;
    enum pv_err err = seed_key(keystore, passphrase, &key);
    if (err) return err;
    err = pv_open(&key, &zero_nonce, pv_bytes(NULL, 0), pv_bytes(keystore->sealed_seed, sizeof keystore->sealed_seed),
                  seed.b);
    if (!err) *ret_seed = seed;
    pv_wipe(&key, sizeof key);
    pv_wipe(&seed, sizeof seed);
    return err;
}

enum pv_err pv_keystore_check(const struct pv_keystore *keystore, const struct pv_device_secrets *secrets)
{
    struct pv_hash mac;
    rooms_mac(keystore, secrets, &mac);
    bool same = pv_secret_equal(mac.b, keystore->mac.b, sizeof mac.b);
    pv_wipe(&mac, sizeof mac);
    return same ? PV_OK : PV_ERR_CORRUPT;
}

enum pv_err pv_keystore_open_secrets(const struct pv_keystore *keystore, const struct pv_kem_seed *seed,
                                     struct pv_device_secrets *ret_secrets)
{
    struct pv_seal_key key;
    struct pv_device_secrets secrets = {.name = {0}};
    uint8_t plain[PV_LIMIT_SECRETS_BYTES];
    if (keystore->sealed_secrets_len < PV_SEAL_TAG_BYTES) return PV_ERR_CORRUPT;
    secrets_key(seed, &key);
    enum pv_err err = pv_open(&key, &zero_nonce, pv_bytes(NULL, 0),
                              pv_bytes(keystore->sealed_secrets, keystore->sealed_secrets_len), plain);
    if (!err) err = pv_device_secrets_read(pv_bytes(plain, keystore->sealed_secrets_len - PV_SEAL_TAG_BYTES), &secrets);
    if (!err) err = pv_keystore_check(keystore, &secrets);
    if (!err) *ret_secrets = secrets;
    pv_wipe(&key, sizeof key);
    pv_wipe(plain, sizeof plain);
    pv_wipe(&secrets, sizeof secrets);
    return err == PV_OK || err == PV_ERR_UNSUPPORTED ? err : PV_ERR_CORRUPT;
}

/* ---- rooms */

/* Where `room` stands or belongs. */
static size_t find(const struct pv_keystore *keystore, const struct pv_hash *room, bool *ret_found)
{
    size_t i = 0;
    while (i < keystore->room_count && memcmp(keystore->rooms[i].room.b, room->b, sizeof room->b) < 0) i++;
    *ret_found = i < keystore->room_count && pv_hash_equal(&keystore->rooms[i].room, room);
    return i;
}

bool pv_keystore_has_room(const struct pv_keystore *keystore, const struct pv_hash *room)
{
    bool found;
    (void)find(keystore, room, &found);
    return found;
}

enum pv_err pv_keystore_open_room(const struct pv_keystore *keystore, const struct pv_kem_seed *seed,
                                  const struct pv_hash *room, struct pv_database_key *ret_key)
{
    struct pv_kem_ct ct;
    struct pv_kem_shared shared;
    struct pv_seal_key key;
    struct pv_database_key plain;
    bool found;
    size_t i = find(keystore, room, &found);
    if (!found) return PV_ERR_NOT_FOUND;
    const uint8_t *sealed = keystore->rooms[i].sealed_key;
    memcpy(ct.b, sealed, sizeof ct.b);
    if (pv_kem_decapsulate(seed, &ct, &shared)) return PV_ERR_CORRUPT;
    room_key(&shared, room, &key);
    enum pv_err err = pv_open(&key, &zero_nonce, pv_bytes(NULL, 0),
                              pv_bytes(sealed + sizeof ct.b, PV_KEYSTORE_SEALED_KEY_BYTES - sizeof ct.b), plain.b);
    if (!err) *ret_key = plain;
    pv_wipe(&shared, sizeof shared);
    pv_wipe(&key, sizeof key);
    pv_wipe(&plain, sizeof plain);
    return err ? PV_ERR_CORRUPT : PV_OK;
}

static enum pv_err seal_room(const struct pv_keystore *keystore, const struct pv_hash *room,
                             const struct pv_database_key *key, const struct pv_random *random,
                             struct pv_keystore_room *ret_room)
{
    uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
    struct pv_kem_ct ct;
    struct pv_kem_shared shared;
    struct pv_seal_key sealing;
    pv_random_fill(random, enc_seed, sizeof enc_seed);
    enum pv_err err = pv_kem_encapsulate(&keystore->kem_pk, enc_seed, &ct, &shared);
    pv_wipe(enc_seed, sizeof enc_seed);
    if (err) return err;
    room_key(&shared, room, &sealing);
    ret_room->room = *room;
    memcpy(ret_room->sealed_key, ct.b, sizeof ct.b);
    pv_seal(&sealing, &zero_nonce, pv_bytes(NULL, 0), PV_BYTES_OF(*key), ret_room->sealed_key + sizeof ct.b);
    pv_wipe(&shared, sizeof shared);
    pv_wipe(&sealing, sizeof sealing);
    return PV_OK;
}

enum pv_err pv_keystore_set_room(struct pv_keystore *keystore, const struct pv_device_secrets *secrets,
                                 const struct pv_hash *room, const struct pv_database_key *key,
                                 const struct pv_random *random)
{
    struct pv_keystore_room sealed;
    bool found;
    size_t i = find(keystore, room, &found), count = keystore->room_count;
    if (!found && count == PV_LIMIT_KEYSTORE_ROOMS) return PV_ERR_LIMIT;
    enum pv_err err = seal_room(keystore, room, key, random, &sealed);
    if (err) return err;
    if (!found) {
        struct pv_keystore_room *rooms = realloc(keystore->rooms, (count + 1) * sizeof *rooms);
        if (!rooms) return PV_ERR_NOMEM;
        memmove(rooms + i + 1, rooms + i, (count - i) * sizeof *rooms);
        keystore->rooms = rooms;
        keystore->room_count = count + 1;
    }
    keystore->rooms[i] = sealed;
    rooms_mac(keystore, secrets, &keystore->mac);
    return PV_OK;
}

void pv_keystore_drop_room(struct pv_keystore *keystore, const struct pv_device_secrets *secrets,
                           const struct pv_hash *room)
{
    bool found;
    size_t i = find(keystore, room, &found);
    if (!found) return;
    keystore->room_count--;
    memmove(keystore->rooms + i, keystore->rooms + i + 1, (keystore->room_count - i) * sizeof *keystore->rooms);
    rooms_mac(keystore, secrets, &keystore->mac);
}

/* ---- another passphrase */

static enum pv_err copy_room(const struct pv_keystore *from, const struct pv_kem_seed *seed, size_t i, const struct pv_random *random,
                             struct pv_keystore *to)
{
    struct pv_database_key key;
    enum pv_err err = pv_keystore_open_room(from, seed, &from->rooms[i].room, &key);
    if (err) return err;
    err = seal_room(to, &from->rooms[i].room, &key, random, &to->rooms[i]);
    pv_wipe(&key, sizeof key);
    return err;
}

enum pv_err pv_keystore_reseal(const struct pv_keystore *keystore, const struct pv_kem_seed *seed, const struct pv_device_secrets *secrets,
                               struct pv_bytes passphrase, struct pv_argon2_cost cost, const struct pv_random *random,
                               struct pv_keystore *ret_keystore)
{
    struct pv_keystore *made = calloc(1, sizeof *made);
    enum pv_err err = made ? pv_keystore_create(passphrase, cost, secrets, random, made) : PV_ERR_NOMEM;

    if (!err && !(made->rooms = calloc(keystore->room_count + 1, sizeof *made->rooms))) err = PV_ERR_NOMEM;
    for (size_t i = 0; !err && i < keystore->room_count; i++) {
        err = copy_room(keystore, seed, i, random, made);
        made->room_count = i + 1;
    }
    if (!err) {
        rooms_mac(made, secrets, &made->mac);
        *ret_keystore = *made;
    } else if (made) {
        pv_keystore_release(made);
    }
    free(made);
    return err;
}
