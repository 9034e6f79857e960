/* The rig's server, and the driver that carries requests to it. */
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
    room->entries[room->count++] = (struct rig_entry){.entry = copy_of(bundle->entry), .refs = copy_of(bundle->refs),
                                                      .body = copy_of(bundle->body), .beside = copy_of(bundle->beside)};
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
    bool is_new = item.entry.header.n > room->spent_n && !(head && item.entry.header.n <= head->n);
    for (size_t i = 0; !is_new && i < room->count; i++) {
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
    if ((!key || pv_entry_verify(&item.entry, key)) && !takes_forgeries) return 403;
    if (pv_roster_apply(room->roster, &item, &verdict, &reason)) return 500;
    *why = pv_reason_name(reason);
    if (verdict > PV_REJECTED && !takes_forgeries) return 400;
    if (reason == PV_REASON_STALE_CHAIN && item.entry.header.n > room->spent_n) room->spent_n = item.entry.header.n;
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

static void drop_forgotten(struct rig_room *room)
{
    size_t count;
    const struct pv_epoch_info *epochs = pv_roster_epochs(room->roster, &count);
    uint64_t cut = epochs[pv_roster_cut_done(room->roster)].index;
    for (size_t i = 0; i < room->count; i++) {
        struct rig_entry *e = &room->entries[i];
        struct pv_entry entry;
        if (pv_entry_read(pv_buf_bytes(&e->entry), &entry)) abort();
        if (i < cut) e->beside_dropped = true;
        if (!pv_kind_is_sealed(entry.header.kind) || !pv_roster_is_forgotten(room->roster, i)) continue;
        e->dropped = true;
        pv_buf_clear(&e->body);
        pv_buf_clear(&e->refs);
    }
}

enum pv_err rig_deleted(struct rig_server *server, struct rig_room *room, const struct pv_id16 *forget)
{
    struct pv_server_body content = {.type = PV_SERVER_DELETED};
    struct pv_header header = {.room = room->id, .n = 1, .kind = PV_KIND_SERVER, .time_ms = server->now_ms};
    struct pv_buf entry, body;
    enum pv_verdict verdict = PV_REJECTED;
    enum pv_reason reason = PV_REASON_NONE;
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_buf_init(&body, PV_LIMIT_BODY_BYTES);
    content.u.deleted_forget = *forget;
    pv_server_body_put(&body, &content);
    pv_log_key_id(&server->info.log_key, &header.author);
    const struct pv_head *head = pv_roster_head(room->roster, &header.author);
    if (head) header.n = head->n + 1;
    if (head) header.prev = head->leaf;
    pv_merkle_empty_root(&header.seen_root);
    pv_refs_hash(pv_bytes("\x80", 1), &header.refs_hash);
    pv_body_hash(pv_buf_bytes(&body), &header.body_hash);
    struct pv_log_item item = {.index = room->count, .body = pv_buf_bytes(&body)};
    enum pv_err err = pv_entry_make(&header, &server->log_sk, &entry);
    if (!err) err = pv_entry_read(pv_buf_bytes(&entry), &item.entry);
    if (!err) pv_entry_leaf(pv_buf_bytes(&entry), &item.leaf);
    if (!err) err = pv_roster_judge(room->roster, &item, &verdict, &reason);
    if (!err && verdict != PV_ACCEPTED) err = PV_ERR_CONFLICT;
    if (!err) err = pv_roster_apply(room->roster, &item, &verdict, &reason);
    if (!err) {
        struct pv_bundle bundle = {pv_buf_bytes(&entry), pv_bytes("\x80", 1), pv_buf_bytes(&body), pv_bytes("\x83\x80\x80\x80", 4)};
        room_append(room, &bundle, &item.leaf);
        room->signed_ms = server->now_ms;
        drop_forgotten(room);
    }
    pv_buf_release(&entry);
    pv_buf_release(&body);
    return err;
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
        if (e->dropped) {
            pv_cbor_put_null(answer);
            pv_cbor_put_null(answer);
            continue;
        }
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

void rig_page_withhold(struct pv_buf *page, bool (*which)(const struct pv_entry *entry, bool is_last))
{
    struct pv_cbor in;
    struct pv_buf out;
    pv_buf_init(&out, SIZE_MAX);
    pv_cbor_init(&in, pv_buf_bytes(page));
    pv_cbor_get_array_of(&in, 3);
    pv_cbor_put_array(&out, 3);
    pv_cbor_put_uint(&out, pv_cbor_get_uint(&in, UINT64_MAX));
    size_t count = pv_cbor_get_array(&in, 1000);
    pv_cbor_put_array(&out, count);
    for (size_t i = 0; i < count; i++) {
        struct pv_entry entry;
        pv_cbor_get_array_of(&in, 3);
        struct pv_bytes bytes = pv_cbor_get_bytes(&in, PV_LIMIT_ENTRY_BYTES), refs = pv_cbor_get_item(&in), body = pv_cbor_get_item(&in);
        bool withheld = pv_entry_read(bytes, &entry) == PV_OK && which(&entry, i + 1 == count);
        pv_cbor_put_array(&out, 3);
        pv_cbor_put_bytes(&out, bytes.p, bytes.n);
        pv_buf_append(&out, refs.p, refs.n);
        if (withheld) pv_cbor_put_null(&out);
        else pv_buf_append(&out, body.p, body.n);
    }
    struct pv_bytes note = pv_cbor_get_item(&in);
    pv_buf_append(&out, note.p, note.n);
    pv_buf_clear(page);
    pv_buf_append(page, out.p, out.n);
    pv_buf_release(&out);
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
    else if (sscanf(rest, "/entries/%llu/", &a) == 1 && room->entries[a].beside_dropped) return 404;
    else if (sscanf(rest, "/entries/%llu/wraps/%llu", &a, &b) == 2) put_wrap(room, a, b, answer);
    else if (sscanf(rest, "/entries/%llu/links", &a) == 1) put_links(room, a, answer);
    else if (strcmp(rest, "/entries") == 0) return append(server, room, request->body, answer, why);
    else if (strcmp(rest, "/checkpoint") == 0) put_checkpoint(server, room, answer);
    else if (strcmp(rest, "/kem") == 0) put_kem(server, room, request->body, answer);
    else if (sscanf(rest, "/consistency?old=%llu&new=%llu", &a, &b) == 2) {
        if (pv_merkle_prove_consistency(&reader, a, b, &proof)) return 400;
        put_proof(&proof, answer);
    } else if (sscanf(rest, "/inclusion?index=%llu&size=%llu", &a, &b) == 2) {
        if (pv_merkle_prove_inclusion(&reader, a, b, &proof)) return 400;
        put_proof(&proof, answer);
    } else if (strncmp(rest, "/blobs/", 7) == 0) return 201;
    else return 404;
    return 200;
}

unsigned rig_serve(struct rig_server *server, const struct pv_request *request, struct pv_buf *answer, const char **why)
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
        response.status = refuse ? server->refusal_status : rig_serve(server, request, answer, why);
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
        server->bytes_up += request->body.n;
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
