/* Unlocking: from the keyring, or from the keystore by the passphrase; and the rooms that are open. */
#include "client/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/keyring.h"
#include "client/keystore_file.h"
#include "client/passphrase.h"
#include "client/system.h"
#include "core/log/checkpoint.h"

static const char lock_all[] = "locks/all";

enum { KEY_NAME_BYTES = 48, NOTE_MAX = PV_LIMIT_NOTE_BYTES };

void pv_session_init(struct pv_session *session)
{
    *session = (struct pv_session){.home.dir_fd = -1};
}

void pv_session_close(struct pv_session *session)
{
    while (session->rooms) pv_session_room_close(session, session->rooms);
    for (size_t i = 0; i < session->server_count; i++) pv_transport_free(session->servers[i].transport);
    if (session->has_keystore) pv_keystore_release(&session->keystore);
    free(session->told);
    pv_home_close(&session->home);
    pv_wipe(session, sizeof *session);
    session->home.dir_fd = -1;
}

/* ---- the keyring's names */

static void room_key_name(const struct pv_hash *room, char ret_name[static KEY_NAME_BYTES])
{
    char hex[33];
    pv_hex_encode(room->b, 16, hex);
    snprintf(ret_name, KEY_NAME_BYTES, "room:%s", hex);
}

static void remember(struct pv_session *session, const char *name, struct pv_bytes secret)
{
    enum pv_err err = pv_keyring_put(&session->home, name, secret, pv_keyring_unlock_seconds());
    if (err == PV_OK || session->told_no_keyring) return;
    session->told_no_keyring = true;
    fprintf(stderr, "privity: %s: the passphrase will be asked for each time\n",
            err == PV_ERR_QUOTA ? "the kernel's keyring is full (kernel.keys.maxbytes)" : "no kernel keyring can be used here");
}

static void remember_device(struct pv_session *session)
{
    uint8_t memory[PV_LIMIT_SECRETS_BYTES];
    struct pv_buf encoded;
    pv_buf_init_fixed(&encoded, memory, sizeof memory);
    pv_device_secrets_put(&encoded, &session->secrets);
    if (encoded.err == PV_OK) remember(session, "device", pv_buf_bytes(&encoded));
    pv_wipe(memory, sizeof memory);
}

/* ---- unlocking */

/* The passphrase, and what it opens. */
static enum pv_err ask(struct pv_session *session, struct pv_report *report)
{
    struct pv_passphrase passphrase = {.n = 0};
    enum pv_err err;

    if (session->has_seed) return PV_OK;
    if (!session->has_keystore) {
        err = pv_keystore_file_load(session, report);
        if (err != PV_OK) return err;
    }
    if (!pv_keyring_is_here() && !session->told_no_keyring) {
        session->told_no_keyring = true;
        fputs("privity: no kernel keyring here: the passphrase is asked for each time\n", stderr);
    }
    err = pv_passphrase_ask(false, &passphrase, report);
    if (err != PV_OK) return err;
    err = pv_keystore_unlock(&session->keystore, pv_passphrase_bytes(&passphrase), &session->seed);
    pv_passphrase_wipe(&passphrase);
    if (err != PV_OK) return pv_keystore_file_error(session, err, report);
    session->has_seed = true;
    if (!session->has_secrets) {
        err = pv_keystore_open_secrets(&session->keystore, &session->seed, &session->secrets);
        if (err != PV_OK) return pv_keystore_file_error(session, err, report);
    }
    session->has_secrets = true;
    return PV_OK;
}

static void take_identity(struct pv_session *session)
{
    pv_identity_derive(&session->secrets.sign_seed, &session->secrets.kem_seed, &session->me);
    session->me.person = session->secrets.person;
}

/* Every room's key, into the keyring. */
static enum pv_err remember_rooms(struct pv_session *session, struct pv_report *report)
{
    for (size_t i = 0; i < session->keystore.room_count; i++) {
        const struct pv_hash *room = &session->keystore.rooms[i].room;
        struct pv_database_key key;
        char name[KEY_NAME_BYTES];
        enum pv_err err = pv_keystore_open_room(&session->keystore, &session->seed, room, &key);
        if (err != PV_OK) return pv_keystore_file_error(session, err, report);
        room_key_name(room, name);
        remember(session, name, PV_BYTES_OF(key));
        pv_wipe(&key, sizeof key);
    }
    return PV_OK;
}

static bool recall_device(struct pv_session *session)
{
    uint8_t memory[PV_KEYRING_VALUE_MAX];
    struct pv_buf encoded;
    pv_buf_init_fixed(&encoded, memory, sizeof memory);
    session->has_secrets = pv_keyring_get(&session->home, "device", &encoded) == PV_OK &&
                           pv_device_secrets_read(pv_buf_bytes(&encoded), &session->secrets) == PV_OK;
    pv_wipe(memory, sizeof memory);
    return session->has_secrets;
}

enum pv_err pv_session_unlock(struct pv_session *session, struct pv_report *report)
{
    enum pv_err err = PV_OK;
    if (session->home.dir_fd < 0) err = pv_home_open(&session->home, report);
    if (err == PV_OK) err = ask(session, report);
    if (err != PV_OK) return err;
    take_identity(session);
    if (!pv_keyring_is_here()) return PV_OK;
    remember_device(session);
    return remember_rooms(session, report);
}

enum pv_err pv_session_open(struct pv_session *session, struct pv_report *report)
{
    enum pv_err err = pv_home_open(&session->home, report);
    if (err != PV_OK) return err;
    if (!recall_device(session)) return pv_session_unlock(session, report);
    take_identity(session);
    return PV_OK;
}

enum pv_err pv_session_create(struct pv_session *session, const struct pv_device_secrets *secrets,
                              struct pv_bytes passphrase, struct pv_report *report)
{
    const struct pv_argon2_cost cost = {PV_KEYSTORE_PASSES, PV_KEYSTORE_MEMORY_KIB};
    enum pv_err err;

    session->secrets = *secrets;
    session->has_secrets = true;
    take_identity(session);
    err = pv_keystore_create(passphrase, cost, secrets, &pv_system_random, &session->keystore);
    if (err == PV_OK) {
        session->has_keystore = true;
        err = pv_keystore_file_save(session, report);
    }
    if (err == PV_OK) remember_device(session);
    return err == PV_OK ? PV_OK : pv_keystore_file_error(session, err, report);
}

/* ---- locking */

/* A file whose rewriting tells running commands. */
static void lock_name(const struct pv_hash *room, char ret_name[static PV_HOME_NAME_BYTES])
{
    pv_database_name("locks", room, "", ret_name);
}

enum pv_err pv_session_lock(struct pv_session *session, const struct pv_hash *room, struct pv_report *report)
{
    char name[PV_HOME_NAME_BYTES], key[KEY_NAME_BYTES];

    if (!room) {
        pv_keyring_drop_all(&session->home, "");
        return pv_home_write(&session->home, lock_all, pv_bytes(NULL, 0), report);
    }
    room_key_name(room, key);
    pv_keyring_drop(&session->home, key);
    lock_name(room, name);
    return pv_home_write(&session->home, name, pv_bytes(NULL, 0), report);
}

static uint64_t lock_generation(const struct pv_session *session, const struct pv_hash *room)
{
    char name[PV_HOME_NAME_BYTES];
    lock_name(room, name);
    return pv_home_generation(&session->home, name) * 31 + pv_home_generation(&session->home, lock_all);
}

bool pv_session_has_room(struct pv_session *session, const struct pv_hash *room)
{
    struct pv_report ignored = {.err = PV_OK};
    if (!session->has_keystore && pv_keystore_file_load(session, &ignored) != PV_OK) return true; /* nothing is made beside it */
    return pv_keystore_has_room(&session->keystore, room);
}

bool pv_session_is_unlocked(const struct pv_session *session, const struct pv_hash *room)
{
    char key[KEY_NAME_BYTES];
    room_key_name(room, key);
    return session->has_seed || pv_keyring_has(&session->home, key);
}

bool pv_session_was_locked(const struct pv_session *session, const struct pv_open_room *room)
{
    char key[KEY_NAME_BYTES];
    if (lock_generation(session, &room->id) != room->lock_generation) return true;
    if (!pv_keyring_is_here()) return false;
    room_key_name(&room->id, key);
    return !pv_keyring_has(&session->home, key);
}

/* ---- database keys */

static enum pv_err recall_room_key(struct pv_session *session, const struct pv_hash *room, struct pv_database_key *ret_key)
{
    struct pv_database_key key;
    char name[KEY_NAME_BYTES];
    struct pv_buf buf;
    enum pv_err err;

    room_key_name(room, name);
    pv_buf_init_fixed(&buf, &key, sizeof key);
    err = pv_keyring_get(&session->home, name, &buf);
    if (err == PV_OK && buf.n != sizeof key) err = PV_ERR_NOT_FOUND;
    if (err == PV_OK) *ret_key = key;
    pv_wipe(&key, sizeof key);
    return err;
}

static enum pv_err get_room_key(struct pv_session *session, const struct pv_hash *room, struct pv_database_key *ret_key,
                                struct pv_report *report)
{
    char name[KEY_NAME_BYTES];
    enum pv_err err = recall_room_key(session, room, ret_key);

    if (err == PV_OK) return PV_OK;
    err = pv_keystore_file_load(session, report);
    if (err != PV_OK) return err;
    if (!pv_keystore_has_room(&session->keystore, room)) return PV_ERR_NOT_FOUND;
    err = ask(session, report);
    if (err != PV_OK) return err;
    err = pv_keystore_open_room(&session->keystore, &session->seed, room, ret_key);
    if (err != PV_OK) return pv_keystore_file_error(session, err, report);
    room_key_name(room, name);
    if (pv_keyring_is_here()) remember(session, name, PV_BYTES_OF(*ret_key));
    return PV_OK;
}

/* Under the keystore's lock: another command may have added one meanwhile. */
static enum pv_err make_room_key(struct pv_session *session, const struct pv_hash *room, struct pv_database_key *ret_key,
                                 struct pv_report *report)
{
    struct pv_database_key key;
    char name[KEY_NAME_BYTES];
    int lock = -1;
    enum pv_err err = pv_home_lock(&session->home, PV_KEYSTORE_LOCK, true, &lock, report);

    if (err == PV_OK) err = pv_keystore_file_load(session, report);
    if (err == PV_OK && pv_keystore_has_room(&session->keystore, room)) err = PV_ERR_CONFLICT;
    if (err == PV_OK) {
        pv_random_fill(&pv_system_random, key.b, sizeof key.b);
        err = pv_keystore_set_room(&session->keystore, &session->secrets, room, &key, &pv_system_random);
        if (err == PV_OK) err = pv_keystore_file_save(session, report);
    }
    pv_home_unlock(&lock);
    if (err == PV_ERR_CONFLICT) return get_room_key(session, room, ret_key, report);
    if (err == PV_OK) {
        room_key_name(room, name);
        if (pv_keyring_is_here()) remember(session, name, PV_BYTES_OF(key));
        *ret_key = key;
    }
    pv_wipe(&key, sizeof key);
    return err;
}

/* ---- rooms */

enum pv_err pv_session_room_error(const struct pv_session *session, const struct pv_open_room *room, enum pv_err err,
                                  struct pv_report *report)
{
    const char *alarm = room->room ? pv_room_alarm(room->room) : "";
    if (err == PV_OK) return PV_OK;
    if (alarm && *alarm && err != PV_ERR_CORRUPT && err != PV_ERR_IO && err != PV_ERR_FULL)
        return pv_report(report, err, "%s: %s", room->label, alarm);
    return pv_database_report(&session->home, &room->id, room->label, err, report);
}

void pv_session_room_close(struct pv_session *session, struct pv_open_room *room)
{
    struct pv_open_room **at = &session->rooms;
    uint64_t unsent = 0; /* the id of one */
    while (*at && *at != room) at = &(*at)->next;
    if (*at) *at = room->next;
    if (session->person == room) session->person = NULL;
    pv_room_close(room->room);
    /* SQLite takes a damaged write-ahead log for one that ends earlier; a damaged page is noticed. What exists
     * nowhere else must not be lost unnoticed. */
    if (room->store && pv_store_write_oldest(room->store, &unsent) == PV_OK && unsent > 0)
        (void)sqlite3_wal_checkpoint_v2(room->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    pv_store_close(room->store);
    pv_database_close(room->db);
    pv_wipe(room, sizeof *room);
    free(room);
}

static enum pv_err read_pin(struct pv_session *session, const struct pv_hash *id, struct pv_buf *pin, struct pv_report *report)
{
    char name[PV_HOME_NAME_BYTES], path[PV_HOME_PATH_BYTES];
    struct pv_checkpoint checkpoint;
    enum pv_err err;
    pv_database_name("pins", id, "", name);
    err = pv_home_read(&session->home, name, pin, report);
    if (err == PV_ERR_NOT_FOUND) return PV_OK;
    if (err == PV_OK && pin->n && pv_checkpoint_peek(pv_buf_bytes(pin), &checkpoint) != PV_OK) {
        pv_home_path_of(&session->home, name, path);
        return pv_report(report, PV_ERR_CORRUPT, "%s, which says how far a room had come, is damaged and was left as it is: move it away, and run privity refresh", path);
    }
    return err;
}

static enum pv_err open_room(struct pv_session *session, struct pv_open_room *room, const struct pv_database_key *key,
                             struct pv_report *report)
{
    uint8_t memory[NOTE_MAX];
    struct pv_buf pin;
    struct pv_room_options options = {.me = &session->me, .random = &pv_system_random, .room_id = room->id};
    enum pv_err err;

    pv_buf_init_fixed(&pin, memory, sizeof memory);
    err = pv_database_open(&session->home, &room->id, key, room->label, &room->db, report);
    if (err != PV_OK) return err;
    err = pv_store_open(room->db, &room->store);
    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    err = read_pin(session, &room->id, &pin, report);
    if (err != PV_OK) return err;
    options.store = room->store;
    options.pin = pv_buf_bytes(&pin);
    options.person_room = session->person ? session->person->room : NULL;
    err = pv_room_open(&options, &room->room);
    if (err != PV_OK) return pv_session_room_error(session, room, err, report);
    pv_room_set_time(room->room, pv_session_now_ms(session));
    return PV_OK;
}

static enum pv_err open_with(struct pv_session *session, const struct pv_hash *id, const char *label,
                             const struct pv_server_url *server, const struct pv_database_key *key,
                             struct pv_open_room **ret_room, struct pv_report *report)
{
    struct pv_open_room *room = calloc(1, sizeof *room);
    enum pv_err err;

    if (!room) return PV_ERR_NOMEM;
    room->id = *id;
    snprintf(room->label, sizeof room->label, "%s", label);
    room->server = *server;
    room->lock_generation = lock_generation(session, id);
    room->next = session->rooms;
    session->rooms = room;
    err = open_room(session, room, key, report);
    if (err != PV_OK)
        pv_session_room_close(session, room);
    else
        *ret_room = room;
    return err;
}

static struct pv_open_room *find_open(struct pv_session *session, const struct pv_hash *id)
{
    struct pv_open_room *room = session->rooms;
    while (room && !pv_hash_equal(&room->id, id)) room = room->next;
    return room;
}

static enum pv_err open_any(struct pv_session *session, const struct pv_hash *id, const char *label,
                            const struct pv_server_url *server, bool make, struct pv_open_room **ret_room,
                            struct pv_report *report)
{
    struct pv_open_room *found = find_open(session, id);
    struct pv_database_key key;
    enum pv_err err;

    if (found) {
        *ret_room = found;
        return PV_OK;
    }
    err = get_room_key(session, id, &key, report);
    if (err == PV_ERR_NOT_FOUND && make) err = make_room_key(session, id, &key, report);
    if (err == PV_ERR_NOT_FOUND) return pv_report(report, err, "this device has no key for %s", label);
    if (err == PV_OK) err = open_with(session, id, label, server, &key, ret_room, report);
    pv_wipe(&key, sizeof key);
    return err;
}

enum pv_err pv_session_room(struct pv_session *session, const struct pv_hash *id, const char *label,
                            const struct pv_server_url *server, struct pv_open_room **ret_room, struct pv_report *report)
{
    return open_any(session, id, label, server, false, ret_room, report);
}

enum pv_err pv_session_room_new(struct pv_session *session, const struct pv_hash *id, const char *label,
                                const struct pv_server_url *server, struct pv_open_room **ret_room,
                                struct pv_report *report)
{
    return open_any(session, id, label, server, true, ret_room, report);
}

enum pv_err pv_session_person(struct pv_session *session, struct pv_report *report)
{
    if (session->person) return PV_OK;
    enum pv_err err = pv_session_room(session, &session->me.person, "your own room", &session->secrets.server, &session->person, report);
    if (err != PV_OK || !session->person) return err;
    err = pv_session_room_error(session, session->person, pv_clock_load(session), report);
    if (err == PV_OK) pv_room_set_time(session->person->room, pv_session_now_ms(session));
    return err;
}
