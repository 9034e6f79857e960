/* The rig's devices and their copies of rooms: what people do, each call one command. */
#include "tests/unit/sync_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/cbor.h"
#include "core/state/payload.h"

static sqlite3 *memory_db(void)
{
    sqlite3 *db;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) abort();
    return db;
}

struct pv_identity rig_identity(struct seeded *seed)
{
    struct pv_sign_seed sign;
    struct pv_kem_seed kem;
    struct pv_identity id;
    seeded_fill(seed, sign.b, sizeof sign.b);
    seeded_fill(seed, kem.b, sizeof kem.b);
    pv_identity_derive(&sign, &kem, &id);
    return id;
}

static enum pv_err open_room(struct pv_store *store, struct rig_device *device, struct pv_room *person,
                             const struct pv_hash *id, struct pv_bytes pin, struct pv_room **ret_room)
{
    struct pv_room_options options = {.store = store, .me = &device->me, .person_room = person, .random = &device->random,
                                      .room_id = *id, .pin = pin};
    enum pv_err err = pv_room_open(&options, ret_room);
    if (!err) pv_room_set_time(*ret_room, device->server->now_ms);
    return err;
}

enum pv_err rig_device_init(struct rig_device *device, struct rig_server *server, uint64_t seed)
{
    struct pv_new_room founded;
    *device = (struct rig_device){.server = server, .seed = seeded_make(seed)};
    device->random = seeded_random(&device->seed);
    device->me = rig_identity(&device->seed);
    device->paper = rig_identity(&device->seed);
    enum pv_err err = pv_found_person_room(&device->me, &device->paper, &server->info, &device->random, server->now_ms, &founded);
    device->person_db = memory_db();
    if (!err) err = pv_store_open(device->person_db, &device->person_store);
    if (!err) err = open_room(device->person_store, device, NULL, &founded.room_id, pv_bytes(NULL, 0), &device->person);
    if (!err) err = pv_room_adopt_genesis(device->person, &founded);
    pv_new_room_release(&founded);
    device->paper.person = device->me.person;
    return err ? err : rig_person_push(device);
}

enum pv_err rig_person_push(struct rig_device *device)
{
    struct pv_task *task = NULL;
    pv_room_set_time(device->person, device->server->now_ms);
    enum pv_err err = pv_push_task(device->person, NULL, &task);
    return rig_run(device->server, err, task);
}

enum pv_err rig_person_pull(struct rig_device *device)
{
    struct pv_task *task = NULL;
    pv_room_set_time(device->person, device->server->now_ms);
    enum pv_err err = pv_pull_task(device->person, PV_AUTH_SESSION, &task);
    return rig_run(device->server, err, task);
}

enum pv_err rig_device_open(struct rig_device *device, struct rig_server *server, const struct pv_identity *me,
                            const struct pv_hash *person, uint64_t seed)
{
    *device = (struct rig_device){.server = server, .seed = seeded_make(seed), .me = *me};
    device->random = seeded_random(&device->seed);
    device->me.person = *person;
    device->person_db = memory_db();
    enum pv_err err = pv_store_open(device->person_db, &device->person_store);
    return err ? err : open_room(device->person_store, device, NULL, person, pv_bytes(NULL, 0), &device->person);
}

enum pv_err rig_device_second(struct rig_device *device, struct rig_device *old, uint64_t seed, bool paper)
{
    struct seeded keys = seeded_make(seed + 1000000);
    const struct pv_identity me = rig_identity(&keys);
    struct pv_new_device handed;
    enum pv_err err = pv_device_consent(&me, paper, &old->me.person, &old->me.device, &handed);
    if (!err) err = pv_device_add(old->person, &handed);
    if (!err) err = rig_person_push(old);
    if (!err) err = rig_device_open(device, old->server, &me, &old->me.person, seed);
    return err ? err : rig_person_pull(device);
}

void rig_device_release(struct rig_device *device)
{
    pv_room_close(device->person);
    pv_store_close(device->person_store);
    sqlite3_close(device->person_db);
}

enum pv_err rig_member_open(struct rig_member *member, struct rig_device *device, const struct pv_hash *id)
{
    return rig_member_open_over(member, device, id, memory_db());
}

enum pv_err rig_member_open_over(struct rig_member *member, struct rig_device *device, const struct pv_hash *id, sqlite3 *db)
{
    *member = (struct rig_member){.device = device, .db = db};
    pv_buf_init(&member->pin, PV_LIMIT_NOTE_BYTES);
    enum pv_err err = pv_store_open(db, &member->store);
    return err ? err : open_room(member->store, device, device->person, id, pv_bytes(NULL, 0), &member->room);
}

static void keep_pin(struct rig_member *member)
{
    struct pv_bytes pin = pv_room_pin(member->room);
    pv_buf_clear(&member->pin);
    pv_buf_append(&member->pin, pin.p, pin.n);
}

enum pv_err rig_member_reopen(struct rig_member *member)
{
    struct pv_hash id = *pv_room_id(member->room);
    keep_pin(member);
    pv_room_close(member->room);
    member->room = NULL;
    pv_store_close(member->store);
    enum pv_err err = pv_store_open(member->db, &member->store);
    return err ? err : open_room(member->store, member->device, member->device->person, &id, pv_buf_bytes(&member->pin), &member->room);
}

void rig_member_close(struct rig_member *member)
{
    pv_room_close(member->room);
    pv_store_close(member->store);
    sqlite3_close(member->db);
    pv_buf_release(&member->pin);
}

enum pv_err rig_member_beside(struct rig_member *other, const struct rig_member *member)
{
    *other = (struct rig_member){.device = member->device};
    pv_buf_init(&other->pin, PV_LIMIT_NOTE_BYTES);
    enum pv_err err = pv_store_open(member->db, &other->store);
    if (err) return err;
    return open_room(other->store, other->device, other->device->person, pv_room_id(member->room), pv_buf_bytes(&other->pin), &other->room);
}

enum pv_err rig_push(struct rig_member *member)
{
    struct pv_task *task = NULL;
    pv_room_set_time(member->room, member->device->server->now_ms);
    enum pv_err err = pv_push_task(member->room, NULL, &task);
    return rig_run(member->device->server, err, task);
}

enum pv_err rig_settle(struct rig_member *member)
{
    enum pv_err err = rig_push(member);
    for (int tries = 0; tries < 4 && !err && pv_room_wants_person(member->room); tries++) {
        err = rig_person_pull(member->device);
        if (!err) err = rig_push(member);
    }
    return err;
}

enum pv_err rig_pull(struct rig_member *member)
{
    struct pv_task *task = NULL;
    pv_room_set_time(member->room, member->device->server->now_ms);
    enum pv_err err = pv_pull_task(member->room, PV_AUTH_SESSION, &task);
    return rig_run(member->device->server, err, task);
}

enum pv_err rig_found(struct rig_member *member, struct rig_device *device)
{
    struct pv_new_room founded;
    enum pv_err err = pv_found_client_room(&device->me, device->person, &device->server->info, &device->random,
                                           device->server->now_ms, &founded);
    if (err) return err;
    err = rig_member_open(member, device, &founded.room_id);
    if (!err) err = pv_room_adopt_genesis(member->room, &founded);
    pv_new_room_release(&founded);
    return err ? err : rig_push(member);
}

enum pv_err rig_invite(struct rig_member *owner, enum pv_role role, uint64_t uses, struct pv_invite_link *ret_link)
{
    struct pv_invite_options options = {.role = role, .uses = uses, .server_url = "http://rig.example"};
    struct pv_buf request;
    struct pv_task *task = NULL;
    pv_buf_init(&request, PV_LIMIT_GATE_BYTES);
    enum pv_err err = pv_room_invite(owner->room, &options, ret_link, &request);
    if (!err) {
        err = pv_gate_put_task(&ret_link->gate, pv_buf_bytes(&request), &task);
        err = rig_run(owner->device->server, err, task);
    }
    pv_buf_wipe(&request);
    return err ? err : rig_push(owner);
}

enum pv_err rig_release(struct rig_device *device, const struct pv_invite_link *link, struct pv_half_b *ret_b)
{
    struct pv_task *task = NULL;
    const struct pv_request *request;
    const char *ticket;
    enum pv_err err = pv_release_task(link, pv_bytes(NULL, 0), &device->random, &task);
    /* the result lives in the task, so this one is driven here */
    while (!err && !(err = pv_task_next(task, &request)) && request) {
        struct pv_buf answer;
        const char *why = "";
        pv_buf_init(&answer, SIZE_MAX);
        struct pv_response response = {.status = rig_serve(device->server, request, &answer, &why)};
        response.body = pv_buf_bytes(&answer);
        response.problem = response.status >= 400 && response.status < 500 ? PV_ERR_DENIED : PV_OK;
        err = pv_task_feed(task, &response);
        pv_buf_release(&answer);
    }
    if (!err) *ret_b = *pv_release_result(task, &ticket);
    pv_task_free(task);
    return err;
}

enum pv_err rig_join_unsent(struct rig_member *member, struct rig_device *device, const struct pv_invite_link *link)
{
    struct pv_half_b b;
    enum pv_err err = rig_release(device, link, &b);
    if (!err) err = rig_member_open(member, device, &link->room);
    if (!err) err = pv_room_read_by_link(member->room, link, &b);
    if (!err) err = rig_pull(member);
    return err ? err : pv_room_join(member->room, link, &b);
}

enum pv_err rig_join(struct rig_member *member, struct rig_device *device, const struct pv_invite_link *link)
{
    enum pv_err err = rig_join_unsent(member, device, link);
    return err ? err : rig_push(member);
}

enum pv_err rig_say(struct rig_member *member, const char *text)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_MESSAGE};
    struct pv_buf buf;
    pv_buf_init(&buf, PV_LIMIT_PAYLOAD_BYTES);
    seeded_fill(&member->device->seed, payload.write_id.b, sizeof payload.write_id.b);
    payload.u.message.text = pv_bytes_of_string(text);
    pv_payload_put(&buf, &payload);
    enum pv_err err = buf.err;
    pv_room_set_time(member->room, member->device->server->now_ms);
    if (!err) err = pv_room_write(member->room, PV_KIND_TALK, pv_buf_bytes(&buf), pv_bytes(NULL, 0));
    pv_buf_release(&buf);
    return err;
}

static struct pv_buf devices_now(const struct rig_member *member, const struct pv_hash *person, size_t *ret_count)
{
    struct pv_buf buf;
    size_t count = 0;
    const struct pv_room_device *devices = pv_roster_devices(pv_room_roster(member->room), &count);
    pv_buf_init(&buf, 4096);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!pv_hash_equal(&devices[i].principal, person)) continue;
        pv_cbor_put_hash(&buf, &devices[i].id);
        ++*ret_count;
    }
    return buf;
}

enum pv_err rig_verify_into(struct pv_room *room, struct rig_member *member, const struct pv_hash *person, bool stands)
{
    size_t count;
    struct pv_buf devices = devices_now(member, person, &count), encoded;
    struct pv_payload payload = {.type = PV_PAYLOAD_VERIFIED, .u.verified = {.person = *person, .stands = stands, .how = PV_VERIFIED_NUMBER}};
    payload.u.verified.time_ms = 5000;
    payload.u.verified.devices = (struct pv_encoded_list){count, pv_buf_bytes(&devices)};
    pv_random_fill(&member->device->random, payload.write_id.b, sizeof payload.write_id.b);
    pv_buf_init(&encoded, 8192);
    pv_payload_put(&encoded, &payload);
    enum pv_err err = encoded.err ? encoded.err : pv_room_write(room, PV_KIND_TALK, pv_buf_bytes(&encoded), pv_bytes(NULL, 0));
    pv_buf_release(&devices);
    pv_buf_release(&encoded);
    return err;
}

void rig_texts(struct rig_member *member, struct pv_buf *ret_texts)
{
    sqlite3_stmt *stmt;
    pv_buf_clear(ret_texts);
    if (sqlite3_prepare_v2(member->db, "SELECT text FROM message ORDER BY idx", -1, &stmt, NULL)) {
        printf("# %s\n", sqlite3_errmsg(member->db));
        return;
    }
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        pv_buf_append(ret_texts, sqlite3_column_text(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
        pv_buf_append_byte(ret_texts, '\n');
    }
    pv_buf_append_byte(ret_texts, 0);
    sqlite3_finalize(stmt);
}
