/* Finding, checking and making the word that a room goes on in another. */
#include "core/sync/successor.h"

#include <stdlib.h>
#include <string.h>

#include "core/log/seal.h"
#include "core/room/succession.h"
#include "core/sync/room_parts.h"
#include "core/sync/task_parts.h"

enum {
    SMALL_ANSWER = 8 * 1024,
    SIGNED_MAX = PV_LIMIT_SUCCESSION_BYTES + 512
};

/* ---- checking one */

static enum pv_err my_seed(void *context, const struct pv_hash *kem_hash, struct pv_kem_seed *ret_seed)
{
    return pv_keys_my_kem_seed(context, kem_hash, ret_seed);
}

static enum pv_err refuse(struct pv_task *task, const char *why)
{
    return pv_task_error(task, PV_ERR_DENIED, "%s; it is not followed", why);
}

/* Is the head that it names one of this log? What is longer than what is here cannot be compared. */
static enum pv_err check_head(struct pv_task *task, struct pv_room *room, const struct pv_succession *succession)
{
    struct pv_hash root;
    struct pv_merkle_reader reader = pv_store_merkle_reader(room->store);
    if (succession->size > room->edge.size) return PV_OK;
    enum pv_err err = pv_merkle_root(&reader, succession->size, &root);
    if (err || pv_hash_equal(&root, &succession->root)) return err;
    return refuse(task, "a successor of this room was named by an owner who was shown another history than this device");
}

static enum pv_err open_link(struct pv_task *task, struct pv_room *room, const struct pv_succession *succession,
                             struct pv_successor *successor)
{
    struct pv_epoch_secret secret;
    struct pv_buf text;
    enum pv_err err = pv_keys_secret(room, room->roster, succession->epoch, &secret);
    if (err == PV_ERR_NOT_FOUND)
        return pv_task_error(task, PV_ERR_NO_KEY, "this room goes on in a successor, whose invite this device has not the key to open: ask an owner for a link");
    if (err) return err;
    pv_buf_init(&text, PV_LIMIT_LINK_BYTES);
    err = pv_succession_open(succession, &secret, &room->me->person, my_seed, room, &text);
    pv_wipe(&secret, sizeof secret);
    if (!err) err = pv_invite_link_read(pv_buf_bytes(&text), &successor->link);
    pv_buf_wipe(&text);
    if (err == PV_ERR_NOT_FOUND) return PV_OK; /* this person is there, as far as its maker knew */
    if (err == PV_ERR_NOMEM || err == PV_ERR_NO_KEY) return err;
    if (err) return refuse(task, "what an owner says of this room's successor does not open with the room's key");
    successor->has_link = pv_hash_equal(&successor->link.room, &succession->successor) &&
                          pv_hash_equal(&successor->link.inviter, &successor->founder);
    return successor->has_link ? PV_OK : refuse(task, "the invite into this room's successor is another room's or another person's");
}

static enum pv_err check(struct pv_task *task, struct pv_room *room, struct pv_bytes bytes, struct pv_successor *ret_successor)
{
    struct pv_succession succession;
    struct pv_successor successor = {.is_there = true};
    struct pv_hash device_id;
    enum pv_err err = pv_succession_read(bytes, &succession, &device_id);
    if (err == PV_ERR_UNSUPPORTED) return pv_task_error(task, err, "this room goes on in a successor, which needs a newer privity");
    if (err || !pv_hash_equal(&succession.room, &room->id)) return refuse(task, "what the server says of this room's successor is not of its form");
    const struct pv_principal *founder = pv_roster_principal_of(room->roster, &device_id);
    const struct pv_room_device *device = pv_roster_device(room->roster, &device_id);
    if (!device || !founder || founder->role != PV_ROLE_OWNER)
        return refuse(task, "a successor of this room was named by somebody who is no owner of it");
    if (pv_succession_verify(bytes, &device->device.sign_pk))
        return refuse(task, "the signature under what the server says of this room's successor does not hold");
    if (!pv_roster_principal(room->roster, &room->me->person)) return refuse(task, "you are no member of this room, which goes on in a successor");
    successor.room = succession.successor;
    successor.size = succession.size;
    successor.founder = founder->id;
    err = check_head(task, room, &succession);
    if (!err && !pv_hash_equal(&successor.founder, &room->me->person)) err = open_link(task, room, &succession, &successor);
    if (!err) *ret_successor = successor;
    pv_wipe(&successor, sizeof successor);
    return err;
}

/* ---- asking for one */

struct find {
    struct pv_task task;
    struct pv_room *room;
    struct pv_successor *ret_successor;
};

static enum pv_err find_answer(struct pv_task *task, const struct pv_response *response)
{
    struct find *find = (struct find *)task;
    if (response->status == 404) *find->ret_successor = (struct pv_successor){.is_there = false};
    else if (response->status >= 400) return pv_task_problem(task, response);
    enum pv_err err = response->status == 404 ? PV_OK : check(task, find->room, response->body, find->ret_successor);
    return err ? err : pv_task_finish(task);
}

static enum pv_err ask_for(struct pv_task *task, struct pv_room *room, enum pv_method method, size_t max, pv_task_step *on_answer)
{
    char hex[2 * sizeof room->id.b + 1];
    pv_hex_encode(room->id.b, sizeof room->id.b, hex);
    enum pv_err err = pv_task_ask(task, method, PV_AUTH_SESSION, max, on_answer, "/v1/rooms/%s/successor", hex);
    task->takes_problems = !err;
    return err;
}

static enum pv_err find_begin(struct pv_task *task, const struct pv_response *response)
{
    (void)response;
    return ask_for(task, ((struct find *)task)->room, PV_GET, SIGNED_MAX, find_answer);
}

enum pv_err pv_successor_task(struct pv_room *room, struct pv_successor *ret_successor, struct pv_task **ret_task)
{
    struct find *find = calloc(1, sizeof *find);
    if (!find) return PV_ERR_NOMEM;
    enum pv_err err = pv_room_refresh(room);
    if (err) {
        free(find);
        return err;
    }
    pv_task_init(&find->task, find_begin, NULL);
    find->room = room;
    find->ret_successor = ret_successor;
    *ret_task = &find->task;
    return PV_OK;
}

/* ---- founding */

enum pv_err pv_successor_check(struct pv_room *room)
{
    struct pv_bytes none = pv_bytes(NULL, 0);
    struct pv_epoch_secret secret;
    const struct pv_principal *me = pv_roster_principal_of(room->roster, &room->me->device);
    if (!room->person_room || !me || me->role != PV_ROLE_OWNER)
        return pv_room_raise(room, PV_ERR_DENIED, none, "only an owner may found a successor of this room");
    if (pv_roster_rekey_due(room->roster))
        return pv_room_raise(room, PV_ERR_OFFLINE, none,
                             "somebody was removed from this room, and its key could not be changed since: a successor would be open to that one; "
                             "found a new room, and invite its members by links");
    enum pv_err err = pv_keys_secret(room, room->roster, pv_roster_epoch(room->roster), &secret);
    pv_wipe(&secret, sizeof secret);
    return err == PV_ERR_NOT_FOUND ? pv_room_raise(room, PV_ERR_NO_KEY, none, "this device has not the room's present key") : err;
}

struct keys_task {
    struct pv_task task;
    struct pv_room *room;
    struct pv_hash asked[PV_KEM_ASK_MAX];
    size_t count;
};

static enum pv_err keys_begin(struct pv_task *task, const struct pv_response *response);

static enum pv_err keys_answer(struct pv_task *task, const struct pv_response *response)
{
    struct keys_task *keys = (struct keys_task *)task;
    size_t got = 0;
    if (response->status >= 400) return pv_task_problem(task, response);
    enum pv_err err = pv_kem_keys_take(task, keys->room, keys->asked, keys->count, response, &got);
    if (err) return err;
    return got ? keys_begin(task, NULL) : pv_task_finish(task);
}

static enum pv_err keys_begin(struct pv_task *task, const struct pv_response *response)
{
    struct keys_task *keys = (struct keys_task *)task;
    (void)response;
    enum pv_err err = pv_rekey_missing_keys(keys->room, keys->asked, PV_KEM_ASK_MAX, &keys->count);
    if (err || !keys->count) return err ? err : pv_task_finish(task);
    err = pv_kem_keys_ask(task, keys->room, keys->asked, keys->count, keys_answer);
    task->takes_problems = !err;
    return err;
}

enum pv_err pv_successor_keys_task(struct pv_room *room, struct pv_task **ret_task)
{
    struct keys_task *keys = calloc(1, sizeof *keys);
    if (!keys) return PV_ERR_NOMEM;
    pv_task_init(&keys->task, keys_begin, NULL);
    keys->room = room;
    *ret_task = &keys->task;
    return PV_OK;
}

/* Members but oneself who are not there yet, with the role that each gets and, above the least one, the key to seal to.
 * The order is the roster's, so that counting and making agree. */
struct place {
    const struct pv_principal *member;
    enum pv_role role;
    struct pv_kem_pk pk;
};

static enum pv_err find_places(struct pv_room *room, const struct pv_roster *there, struct place **ret_places, size_t *ret_count)
{
    size_t count, kept = 0, sealed = 0;
    const struct pv_principal *members = pv_roster_principals(room->roster, &count);
    struct place *places = calloc(count + 1, sizeof *places);
    enum pv_err err = places ? PV_OK : PV_ERR_NOMEM;
    for (size_t i = 0; i < count && !err; i++) {
        struct place *place = &places[kept];
        if (pv_hash_equal(&members[i].id, &room->me->person) || (there && pv_roster_principal(there, &members[i].id))) continue;
        *place = (struct place){.member = &members[i], .role = members[i].role};
        kept++;
        if (place->role == PV_ROLE_VIEWER) continue;
        err = sealed < PV_LIMIT_SUCCESSION_PLACES ? pv_store_kem_key_get(room->store, &members[i].kem_hash, &place->pk) : PV_ERR_NOT_FOUND;
        if (err == PV_ERR_NOT_FOUND) place->role = PV_ROLE_VIEWER;
        else sealed++;
        if (err == PV_ERR_NOT_FOUND) err = PV_OK;
    }
    if (err) {
        free(places);
        return err;
    }
    *ret_places = places;
    *ret_count = kept;
    return PV_OK;
}

enum pv_err pv_successor_count(struct pv_room *room, const struct pv_roster *there, uint64_t ret_uses[static 3])
{
    struct place *places;
    size_t count;
    enum pv_err err = find_places(room, there, &places, &count);
    if (err) return err;
    for (size_t i = 0; i < 3; i++) ret_uses[i] = 0;
    for (size_t i = 0; i < count; i++) ret_uses[places[i].role]++;
    free(places);
    return PV_OK;
}

static enum pv_err seal_places(struct pv_room *room, const struct pv_succession *succession, const struct place *places, size_t count,
                               const struct pv_bytes links[static 3], struct pv_buf *sealed)
{
    struct pv_epoch_secret secret;
    struct pv_succession_place *list = calloc(count + 1, sizeof *list);
    size_t n = 0;
    if (!list) return PV_ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        if (places[i].role != PV_ROLE_VIEWER)
            list[n++] = (struct pv_succession_place){places[i].member->id, places[i].member->kem_hash, &places[i].pk, links[places[i].role]};
    enum pv_err err = pv_keys_secret(room, room->roster, succession->epoch, &secret);
    if (!err) err = pv_succession_seal(succession, &secret, links[PV_ROLE_VIEWER], list, n, room->random, sealed);
    pv_wipe(&secret, sizeof secret);
    free(list);
    return err;
}

enum pv_err pv_successor_make(struct pv_room *room, const struct pv_hash *successor, const struct pv_roster *there,
                              const struct pv_bytes links[static 3], struct pv_buf *signed_succession)
{
    struct pv_succession succession = {.room = room->id, .successor = *successor, .size = room->edge.size};
    struct place *places;
    struct pv_buf sealed;
    size_t count;
    enum pv_err err = pv_successor_check(room);
    if (!err) err = find_places(room, there, &places, &count);
    if (err) return err;
    pv_buf_init(&sealed, PV_LIMIT_SUCCESSION_BYTES);
    succession.epoch = pv_roster_epoch(room->roster);
    pv_merkle_edge_root(&room->edge, &succession.root);
    err = seal_places(room, &succession, places, count, links, &sealed);
    succession.sealed = pv_buf_bytes(&sealed);
    if (!err) err = pv_succession_sign(&succession, &room->me->device, &room->me->sign_sk, signed_succession);
    pv_buf_release(&sealed);
    free(places);
    return err;
}

struct put_task {
    struct pv_task task;
    struct pv_room *room;
    struct pv_bytes signed_succession;
};

static enum pv_err put_answer(struct pv_task *task, const struct pv_response *response)
{
    return response->status >= 400 ? pv_task_problem(task, response) : pv_task_finish(task);
}

static enum pv_err put_begin(struct pv_task *task, const struct pv_response *response)
{
    struct put_task *put = (struct put_task *)task;
    (void)response;
    pv_buf_append(&task->body, put->signed_succession.p, put->signed_succession.n);
    return ask_for(task, put->room, PV_PUT, SMALL_ANSWER, put_answer);
}

enum pv_err pv_successor_put_task(struct pv_room *room, struct pv_bytes signed_succession, struct pv_task **ret_task)
{
    struct put_task *put = calloc(1, sizeof *put);
    if (!put) return PV_ERR_NOMEM;
    pv_task_init(&put->task, put_begin, NULL);
    put->room = room;
    put->signed_succession = signed_succession;
    *ret_task = &put->task;
    return PV_OK;
}

/* ---- own words */

struct own {
    struct pv_room *room;
    enum pv_err (*each)(void *context, enum pv_kind kind, struct pv_bytes payload);
    void *context;
    struct pv_buf payload;
};

static enum pv_err open_own(void *context, const struct pv_stored_entry *stored)
{
    struct own *own = context;
    struct pv_epoch_secret secret;
    struct pv_entry entry;
    struct pv_prk prk;
    if (!pv_hash_equal(&stored->author, &own->room->me->device) || !stored->has_body || !stored->has_verdict ||
        stored->verdict != PV_ACCEPTED || pv_entry_read(stored->entry, &entry) || !pv_kind_is_sealed(entry.header.kind)) return PV_OK;
    enum pv_err err = pv_keys_secret(own->room, own->room->roster, entry.header.epoch, &secret);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_OK : err;
    pv_epoch_prk(&secret, &prk);
    pv_buf_clear(&own->payload);
    err = pv_body_open(&prk, &entry.header, stored->body, &own->payload);
    pv_wipe(&secret, sizeof secret);
    pv_wipe(&prk, sizeof prk);
    if (err) return err == PV_ERR_NOMEM ? err : PV_OK;
    return own->each(own->context, (enum pv_kind)entry.header.kind, pv_buf_bytes(&own->payload));
}

enum pv_err pv_room_own_words(struct pv_room *room, uint64_t from,
                              enum pv_err (*each)(void *context, enum pv_kind kind, struct pv_bytes payload), void *context)
{
    struct own own = {.room = room, .each = each, .context = context};
    if (from >= room->edge.size) return PV_OK;
    pv_buf_init(&own.payload, PV_LIMIT_BODY_BYTES);
    enum pv_err err = pv_store_entry_each(room->store, from, room->edge.size, open_own, &own);
    pv_buf_wipe(&own.payload);
    return err;
}
