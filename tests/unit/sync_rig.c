/* The rig's server, devices and driver. */
#include "tests/unit/sync_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/cbor.h"
#include "core/log/checkpoint.h"
#include "core/state/payload.h"

/* ---- server */

void rig_server_init(struct rig_server *server, uint64_t seed)
{
    struct pv_sign_seed key;
    *server = (struct rig_server){.seed = seeded_make(seed), .now_ms = 1700000000000};
    server->random = seeded_random(&server->seed);
    strcpy(server->info.name, "rig.example");
    seeded_fill(&server->seed, key.b, sizeof key.b);
    pv_sign_from_seed(&key, &server->log_sk, &server->info.log_key);
}

void rig_server_release(struct rig_server *server)
{
    for (size_t r = 0; r < server->room_count; r++) {
        struct rig_room *room = &server->rooms[r];
        for (size_t i = 0; i < room->count; i++) {
            pv_buf_release(&room->entries[i].entry);
            pv_buf_release(&room->entries[i].refs);
            pv_buf_release(&room->entries[i].body);
            pv_buf_release(&room->entries[i].beside);
        }
        free(room->entries);
        free(room->hashes);
        pv_roster_free(room->roster);
    }
    free(server->gates);
}

struct rig_room *rig_room_find(struct rig_server *server, const struct pv_hash *id)
{
    for (size_t i = 0; i < server->room_count; i++)
        if (pv_hash_equal(&server->rooms[i].id, id)) return &server->rooms[i];
    return NULL;
}

static enum pv_err read_hashes(void *context, uint64_t at, size_t count, struct pv_hash *ret_hashes)
{
    struct rig_room *room = context;
    memcpy(ret_hashes, room->hashes + at, count * sizeof *ret_hashes);
    return PV_OK;
}

static struct pv_merkle_reader reader_of(struct rig_room *room)
{
    return (struct pv_merkle_reader){read_hashes, room};
}

static void put_note(struct rig_server *server, struct rig_room *room, struct pv_buf *answer)
{
    struct pv_buf note;
    struct pv_checkpoint checkpoint = {.size = room->edge.size, .time_s = room->signed_ms / 1000};
    pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
    pv_merkle_edge_root(&room->edge, &checkpoint.root);
    if (pv_checkpoint_make(server->info.name, &room->id, &checkpoint, &server->log_sk, &server->info.log_key, &note))
        abort();
    pv_cbor_put_bytes(answer, note.p, note.n);
    server->notes_down++;
    pv_buf_release(&note);
}

static struct pv_buf copy_of(struct pv_bytes bytes)
{
    struct pv_buf buf;
    pv_buf_init(&buf, SIZE_MAX);
    pv_buf_append(&buf, bytes.p, bytes.n);
    return buf;
}

static void room_append(struct rig_room *room, const struct pv_bundle *bundle, const struct pv_hash *leaf)
{
    struct pv_hash hashes[64];
    size_t hash_count;
    uint64_t at = pv_merkle_stored_count(room->edge.size);
    if (room->count == room->cap) {
        room->cap = room->cap ? 2 * room->cap : 64;
        room->entries = realloc(room->entries, room->cap * sizeof *room->entries);
        room->hashes = realloc(room->hashes, 2 * room->cap * sizeof *room->hashes);
        if (!room->entries || !room->hashes) abort();
    }
    room->entries[room->count++] = (struct rig_entry){copy_of(bundle->entry), copy_of(bundle->refs),
                                                      copy_of(bundle->body), copy_of(bundle->beside)};
    pv_merkle_append(&room->edge, leaf, hashes, &hash_count);
    memcpy(room->hashes + at, hashes, hash_count * sizeof *hashes);
}

static struct rig_room *room_new(struct rig_server *server, struct pv_bytes genesis)
{
    struct rig_room *room = &server->rooms[server->room_count++];
    if (server->room_count > RIG_ROOMS) abort();
    *room = (struct rig_room){.count = 0};
    pv_entry_room_id(genesis, &room->id);
    if (pv_roster_new(&room->roster)) abort();
    return room;
}

/* Append one bundle as privityd does: same (author, n) again gives the same answer. Returns an HTTP status. */
static unsigned take_bundle(struct rig_room *room, const struct pv_bundle *bundle, bool takes_forgeries, const char **why)
{
    struct pv_log_item item = {.index = room->count, .body = bundle->body};
    enum pv_verdict verdict;
    enum pv_reason reason = PV_REASON_NONE;
    *why = "malformed";
    if (pv_entry_read(bundle->entry, &item.entry)) return 400;
    pv_entry_leaf(bundle->entry, &item.leaf);
    const struct pv_head *head = pv_roster_head(room->roster, &item.entry.header.author);
    for (size_t i = 0; head && item.entry.header.n <= head->n && i < room->count; i++) {
        struct pv_entry old;
        if (pv_entry_read(pv_buf_bytes(&room->entries[i].entry), &old)) return 500;
        if (!pv_hash_equal(&old.header.author, &item.entry.header.author) || old.header.n != item.entry.header.n) continue;
        return pv_bytes_equal(bundle->entry, pv_buf_bytes(&room->entries[i].entry)) ? 200 : 409;
    }
    *why = "beside";
    if (pv_beside_check(item.entry.header.kind, bundle->body, bundle->beside)) return 400;
    if (pv_roster_note(room->roster, &item)) return 500;
    const struct pv_sign_pk *key = pv_roster_author_key(room->roster, &item.entry.header.author, item.index);
    *why = "author";
    if (!key || (pv_entry_verify(&item.entry, key) && !takes_forgeries)) return 403;
    if (pv_roster_apply(room->roster, &item, &verdict, &reason)) return 500;
    *why = pv_reason_name(reason);
    if (verdict > PV_REJECTED) return 400;
    room_append(room, bundle, &item.leaf);
    return 200;
}

static unsigned append(struct rig_server *server, struct rig_room *room, struct pv_bytes body, struct pv_buf *answer,
                       const char **why)
{
    struct pv_cbor in;
    pv_cbor_init(&in, body);
    size_t count = pv_cbor_get_array(&in, PV_LIMIT_BATCH_ENTRIES);
    for (size_t i = 0; i < count; i++) {
        struct pv_bundle bundle;
        pv_bundle_get(&in, &bundle);
        *why = "bundle";
        if (in.err) return 400;
        if (!room) {
            struct pv_hash id;
            pv_entry_room_id(bundle.entry, &id);
            room = rig_room_find(server, &id);
            if (!room) room = room_new(server, bundle.entry);
        }
        unsigned status = take_bundle(room, &bundle, server->takes_forgeries, why);
        if (status != 200) return status;
    }
    if (room) room->signed_ms = server->now_ms;
    pv_cbor_put_array(answer, 2);
    pv_cbor_put_array(answer, 0);
    put_note(server, room, answer);
    return 200;
}

enum pv_err rig_append(struct rig_server *server, struct rig_room *room, struct pv_bytes bundles)
{
    struct pv_buf answer;
    const char *why;
    pv_buf_init(&answer, SIZE_MAX);
    unsigned status = append(server, room, bundles, &answer, &why);
    pv_buf_release(&answer);
    return status == 200 ? PV_OK : PV_ERR_CONFLICT;
}

static void put_page(struct rig_server *server, struct rig_room *room, unsigned long long from, struct pv_buf *answer)
{
    size_t count = from < room->count ? room->count - (size_t)from : 0;
    if (server->page_max && count > server->page_max) count = server->page_max;
    pv_cbor_put_array(answer, 3);
    pv_cbor_put_uint(answer, from);
    pv_cbor_put_array(answer, count);
    for (size_t i = 0; i < count; i++) {
        const struct rig_entry *e = &room->entries[from + i];
        pv_cbor_put_array(answer, 3);
        pv_cbor_put_bytes(answer, e->entry.p, e->entry.n);
        pv_buf_append(answer, e->refs.p, e->refs.n);
        pv_cbor_put_bytes(answer, e->body.p, e->body.n);
    }
    put_note(server, room, answer);
}

/* The note alone, as text, signed anew. */
static void put_checkpoint(struct rig_server *server, struct rig_room *room, struct pv_buf *answer)
{
    struct pv_buf item;
    struct pv_cbor in;
    room->signed_ms = server->now_ms;
    pv_buf_init(&item, PV_LIMIT_NOTE_BYTES + 16);
    put_note(server, room, &item);
    pv_cbor_init(&in, pv_buf_bytes(&item));
    struct pv_bytes note = pv_cbor_get_bytes(&in, PV_LIMIT_NOTE_BYTES);
    pv_buf_append(answer, note.p, note.n);
    pv_buf_release(&item);
}

static void put_proof(const struct pv_merkle_proof *proof, struct pv_buf *answer)
{
    pv_cbor_put_array(answer, proof->count);
    for (size_t i = 0; i < proof->count; i++) pv_cbor_put_hash(answer, &proof->hashes[i]);
}

static void put_wrap(struct rig_room *room, unsigned long long index, unsigned long long slot, struct pv_buf *answer)
{
    struct pv_beside beside;
    struct pv_merkle_proof proof;
    if (pv_beside_read(pv_buf_bytes(&room->entries[index].beside), &beside)) abort();
    if (pv_merkle_list_prove(beside.wraps, beside.wrap_count, (size_t)slot, &proof)) abort();
    pv_cbor_put_array(answer, 3);
    pv_cbor_put_bytes(answer, beside.wraps[slot].p, beside.wraps[slot].n);
    pv_cbor_put_uint(answer, beside.wrap_count);
    put_proof(&proof, answer);
    pv_beside_release(&beside);
}

static void put_links(struct rig_room *room, unsigned long long index, struct pv_buf *answer)
{
    struct pv_beside beside;
    if (pv_beside_read(pv_buf_bytes(&room->entries[index].beside), &beside)) abort();
    pv_cbor_put_array(answer, beside.link_count);
    for (size_t i = 0; i < beside.link_count; i++) pv_cbor_put_bytes(answer, beside.links[i].p, beside.links[i].n);
    pv_beside_release(&beside);
}

static void put_kem(struct rig_server *server, struct rig_room *room, struct pv_bytes body, struct pv_buf *answer)
{
    struct pv_cbor in;
    pv_cbor_init(&in, body);
    size_t count = pv_cbor_get_array(&in, 1024);
    pv_cbor_put_array(answer, count);
    for (size_t i = 0; i < count; i++) {
        struct pv_hash want, got;
        bool found = false;
        pv_cbor_get_hash(&in, &want);
        if (server->hide_kem_keys) {
            pv_cbor_put_null(answer);
            continue;
        }
        for (size_t e = 0; e < room->count && !found; e++) {
            struct pv_beside beside;
            if (pv_beside_read(pv_buf_bytes(&room->entries[e].beside), &beside)) abort();
            for (size_t k = 0; k < beside.kem_key_count && !found; k++) {
                pv_hash_bytes("kem-key", beside.kem_keys[k], &got);
                found = pv_hash_equal(&want, &got);
                if (found) pv_cbor_put_bytes(answer, beside.kem_keys[k].p, beside.kem_keys[k].n);
            }
            pv_beside_release(&beside);
        }
        if (!found) pv_cbor_put_null(answer);
    }
}

static unsigned gate_request(struct rig_server *server, const struct pv_request *request, const char *hex,
                             const char *rest, struct pv_buf *answer)
{
    struct pv_id16 id;
    struct rig_gate *gate = NULL;
    if (pv_hex_decode(hex, 32, id.b, sizeof id.b)) return 400;
    for (size_t i = 0; i < server->gate_count; i++)
        if (pv_id16_equal(&server->gates[i].id, &id)) gate = &server->gates[i];
    if (request->method == PV_PUT) {
        struct pv_cbor in;
        server->gates = realloc(server->gates, (server->gate_count + 1) * sizeof *server->gates);
        if (!server->gates) abort();
        gate = &server->gates[server->gate_count++];
        pv_cbor_init(&in, request->body);
        pv_cbor_get_array_of(&in, 2);
        (void)pv_cbor_get_item(&in);
        pv_cbor_get_fixed(&in, gate->b.b, sizeof gate->b.b);
        gate->id = id;
        gate->version = 1;
        return in.err ? 400 : 201;
    }
    if (!gate) return 404;
    if (strcmp(rest, "/release") == 0) {
        struct pv_release_request release;
        uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
        if (pv_release_request_read(request->body, &release)) return 400;
        seeded_fill(&server->seed, enc_seed, sizeof enc_seed);
        return pv_release_answer_make(&id, &release.kem_pk, enc_seed, &gate->b, NULL, answer) ? 500 : 200;
    }
    pv_cbor_put_array(answer, 3);
    pv_cbor_put_uint(answer, gate->version);
    pv_cbor_put_bool(answer, false);
    pv_cbor_put_array(answer, 0);
    return 200;
}

static unsigned room_request(struct rig_server *server, const struct pv_request *request, const char *hex,
                             const char *rest, struct pv_buf *answer, const char **why)
{
    struct pv_hash id;
    unsigned long long a, b;
    if (pv_hex_decode(hex, 64, id.b, sizeof id.b)) return 400;
    struct rig_room *room = rig_room_find(server, &id);
    if (!room) return 404;
    struct pv_merkle_reader reader = reader_of(room);
    struct pv_merkle_proof proof;
    if (sscanf(rest, "/entries?from=%llu", &a) == 1) put_page(server, room, a, answer);
    else if (sscanf(rest, "/entries/%llu/wraps/%llu", &a, &b) == 2) put_wrap(room, a, b, answer);
    else if (sscanf(rest, "/entries/%llu/links", &a) == 1) put_links(room, a, answer);
    else if (strcmp(rest, "/entries") == 0) return append(server, room, request->body, answer, why);
    else if (strcmp(rest, "/checkpoint") == 0) put_checkpoint(server, room, answer);
    else if (strcmp(rest, "/kem") == 0) put_kem(server, room, request->body, answer);
    else if (sscanf(rest, "/consistency?old=%llu&new=%llu", &a, &b) == 2) {
        if (pv_merkle_prove_consistency(&reader, a, b, &proof)) return 400;
        put_proof(&proof, answer);
    } else if (strncmp(rest, "/blobs/", 7) == 0) return 201;
    else return 404;
    return 200;
}

static unsigned serve(struct rig_server *server, const struct pv_request *request, struct pv_buf *answer, const char **why)
{
    const char *path = request->path;
    if (server->serve) return server->serve(server->serve_context, request, answer, why);
    if (strncmp(path, "/v1/rooms/", 10) == 0) return room_request(server, request, path + 10, path + 74, answer, why);
    if (strncmp(path, "/v1/gates/", 10) == 0) return gate_request(server, request, path + 10, path + 42, answer);
    if (strcmp(path, "/v1/rooms") == 0) return append(server, NULL, request->body, answer, why);
    return 404;
}

static enum pv_err problem_of(unsigned status)
{
    switch (status) {
    case 401: return PV_ERR_UNAUTHENTICATED;
    case 403: return PV_ERR_DENIED;
    case 404: return PV_ERR_NOT_FOUND;
    case 409: return PV_ERR_CONFLICT;
    default: return status >= 400 && status < 500 ? PV_ERR_MALFORMED : PV_OK;
    }
}

/* Serve a request as a driver sends it: once more after signing in anew, if the refusal may be the session's fault. */
static struct pv_response exchange(struct rig_server *server, const struct pv_request *request, struct pv_buf *answer,
                                   const char **why)
{
    struct pv_response response = {.status = 0};
    for (bool again = true, repeated = false; again; repeated = true) {
        pv_buf_clear(answer);
        bool refuse = request->auth == PV_AUTH_SESSION && server->refusals > 0;
        if (refuse) server->refusals--;
        response.status = refuse ? server->refusal_status : serve(server, request, answer, why);
        response.problem = problem_of(response.status);
        server->requests++;
        again = !repeated && pv_session_is_in_doubt(request, &response, server->session_is_kept);
        if (again) server->logins++;
        if (again) server->session_is_kept = false;
    }
    response.body = pv_buf_bytes(answer);
    response.problem_detail = response.problem_reason = *why;
    return response;
}

enum pv_err rig_run(struct rig_server *server, enum pv_err made, struct pv_task *task)
{
    enum pv_err err = made;
    while (!err) {
        const struct pv_request *request;
        const char *why = "";
        struct pv_buf answer;
        err = pv_task_next(task, &request);
        if (err || !request) break;
        if (server->down || (server->down_from && server->requests >= server->down_from)) {
            err = PV_ERR_OFFLINE;
            break;
        }
        pv_buf_init(&answer, SIZE_MAX);
        if (server->around) server->around(true);
        struct pv_response response = exchange(server, request, &answer, &why);
        if (server->around) server->around(false);
        server->bytes_down += answer.n;
        bool append_request = request->method == PV_POST && strstr(request->path, "/entries");
        if (server->lose_ack && append_request) {
            server->lose_ack = false;
            err = PV_ERR_OFFLINE;
        } else {
            if (server->tamper) server->tamper(server, request, &answer);
            response.body = pv_buf_bytes(&answer);
            err = pv_task_feed(task, &response);
        }
        pv_buf_release(&answer);
    }
    if (err && getenv("RIG_VERBOSE")) printf("# %s: %s\n", pv_err_web_name(err), task ? pv_task_message(task) : "");
    if (!made) pv_task_free(task);
    return err;
}

/* ---- devices */

static sqlite3 *memory_db(void)
{
    sqlite3 *db;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) abort();
    return db;
}

static struct pv_identity identity_from(struct seeded *seed)
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
    device->me = identity_from(&device->seed);
    device->paper = identity_from(&device->seed);
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
    const struct pv_identity me = identity_from(&keys);
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

enum pv_err rig_join(struct rig_member *member, struct rig_device *device, const struct pv_invite_link *link)
{
    struct pv_task *task = NULL;
    const struct pv_request *request;
    const char *ticket;
    struct pv_half_b b;
    enum pv_err err = pv_release_task(link, pv_bytes(NULL, 0), &device->random, &task);
    /* the result lives in the task, so this one is driven here */
    while (!err && !(err = pv_task_next(task, &request)) && request) {
        struct pv_buf answer;
        const char *why = "";
        pv_buf_init(&answer, SIZE_MAX);
        struct pv_response response = {.status = serve(device->server, request, &answer, &why)};
        response.body = pv_buf_bytes(&answer);
        response.problem = response.status >= 400 && response.status < 500 ? PV_ERR_DENIED : PV_OK;
        err = pv_task_feed(task, &response);
        pv_buf_release(&answer);
    }
    if (!err) b = *pv_release_result(task, &ticket);
    pv_task_free(task);
    if (!err) err = rig_member_open(member, device, &link->room);
    if (!err) err = pv_room_read_by_link(member->room, link, &b);
    if (!err) err = rig_pull(member);
    if (!err) err = pv_room_join(member->room, link, &b);
    return err ? err : rig_push(member);
}

/* The join's body and what lies beside it, for a person whose genesis is `founded`. */
static enum pv_err apart_join(struct rig_member *owner, const struct pv_invite_link *link, const struct pv_gate_key *gate_key,
                              const struct pv_identity *me, const struct pv_identity *paper,
                              const struct pv_new_room *founded, struct seeded *seed, struct pv_buf *body, struct pv_buf *beside)
{
    const struct pv_roster *roster = pv_room_roster(owner->room);
    uint64_t epoch = pv_roster_epoch(roster);
    size_t epoch_count;
    struct pv_wrap_context context = {.room = *pv_room_id(owner->room), .epoch = epoch,
                                      .secret_hash = pv_roster_epochs(roster, &epoch_count)[epoch].secret_hash,
                                      .recipient = PV_BYTES_OF(me->person)};
    struct pv_roster_body join = {.type = PV_ROSTER_JOIN};
    struct pv_epoch_secret secret;
    struct pv_kem_seed person_seed;
    struct pv_kem_pk person_pk;
    struct pv_sign_sk join_sk;
    struct pv_sign_pk join_pk;
    struct pv_bundle genesis;
    struct pv_buf record;
    struct pv_cbor in;
    uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES], wrap[PV_WRAP_BYTES];
    pv_buf_init(&record, SIZE_MAX);
    pv_cbor_init(&in, pv_buf_bytes(&founded->bundle));
    pv_bundle_get(&in, &genesis);
    pv_record_put(&record, genesis.entry, genesis.body, NULL, 0);
    pv_epoch_kem_seed(&founded->secret, &person_seed);
    pv_kem_from_seed(&person_seed, &person_pk);
    pv_kem_hash(&person_pk, &context.recipient_kem_hash);
    join.u.join.invite = link->gate;
    join.u.join.party = (struct pv_party){.record = pv_buf_bytes(&record), .device_count = 2, .kem_hash = context.recipient_kem_hash};
    join.u.join.party.devices[0] = me->device;
    join.u.join.party.devices[1] = paper->device;
    pv_invite_join_key(gate_key, &join_sk, &join_pk);
    seeded_fill(seed, enc_seed, sizeof enc_seed);
    enum pv_err err = pv_store_epoch_get(owner->store, epoch, &secret);
    if (!err) err = pv_wrap_make(&context, &person_pk, enc_seed, &secret, wrap);
    struct pv_bytes wraps = pv_bytes(wrap, sizeof wrap), kem_key = PV_BYTES_OF(person_pk);
    if (!err) err = pv_merkle_list_root(&wraps, 1, &join.u.join.wraps_root);
    if (!err) err = pv_join_sign(&join_sk, &context.room, &me->person, &join.u.join.party, &join.u.join.invite, &join.u.join.join_sig);
    pv_roster_body_put(body, &join);
    pv_cbor_put_array(beside, 3);
    pv_cbor_put_array(beside, 1);
    pv_cbor_put_bytes(beside, kem_key.p, kem_key.n);
    pv_cbor_put_array(beside, 0);
    pv_cbor_put_array(beside, 1);
    pv_cbor_put_bytes(beside, wraps.p, wraps.n);
    pv_buf_release(&record);
    return err;
}

enum pv_err rig_join_apart(struct rig_server *server, struct rig_member *owner, const struct pv_invite_link *link, uint64_t seed)
{
    struct seeded random_state = seeded_make(seed);
    struct pv_random random = seeded_random(&random_state);
    struct pv_identity me = identity_from(&random_state), paper = identity_from(&random_state);
    struct rig_room *room = rig_room_find(server, pv_room_id(owner->room));
    struct pv_new_room founded;
    struct pv_gate_key gate_key;
    struct pv_buf body, beside, entry, bundles;
    struct pv_header header = {.room = room->id, .n = 1, .time_ms = server->now_ms, .seen_size = 0,
                               .epoch = pv_roster_epoch(room->roster)};
    pv_buf_init(&body, SIZE_MAX);
    pv_buf_init(&beside, SIZE_MAX);
    pv_buf_init(&entry, SIZE_MAX);
    pv_buf_init(&bundles, SIZE_MAX);
    enum pv_err err = pv_found_person_room(&me, &paper, &server->info, &random, server->now_ms, &founded);
    for (size_t i = 0; i < server->gate_count; i++)
        if (pv_id16_equal(&server->gates[i].id, &link->gate))
            pv_gate_key(&link->a, &server->gates[i].b, NULL, pv_bytes(NULL, 0), &link->gate, &gate_key);
    if (!err) err = apart_join(owner, link, &gate_key, &me, &paper, &founded, &random_state, &body, &beside);
    header.author = me.device;
    pv_merkle_empty_root(&header.seen_root);
    pv_refs_hash(pv_bytes("\x80", 1), &header.refs_hash);
    pv_body_hash(pv_buf_bytes(&body), &header.body_hash);
    if (!err) err = pv_entry_make(&header, &me.sign_sk, &entry);
    struct pv_bundle bundle = {pv_buf_bytes(&entry), pv_bytes("\x80", 1), pv_buf_bytes(&body), pv_buf_bytes(&beside)};
    pv_cbor_put_array(&bundles, 1);
    pv_bundle_put(&bundles, &bundle);
    if (!err) err = rig_append(server, room, pv_buf_bytes(&bundles));
    pv_new_room_release(&founded);
    pv_buf_release(&body);
    pv_buf_release(&beside);
    pv_buf_release(&entry);
    pv_buf_release(&bundles);
    return err;
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
