/* Opening a room of 100,000 messages on an empty device: fetch, verify, open, fold and index, beside the least that
 * any program must do: decrypt each body and insert one row for it, into the same kind of database.
 *
 * The server is the tests' one in memory, so no network is measured. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/log/seal.h"
#include "core/state/payload.h"
#include "tests/unit/sync_rig.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(enum pv_err err, const char *what)
{
    if (!err) return;
    fprintf(stderr, "bench_cold_open: %s: %s\n", what, pv_err_text(err));
    exit(1);
}

static void must_sql(sqlite3 *db, int rc)
{
    if (rc == SQLITE_OK || rc == SQLITE_DONE) return;
    fprintf(stderr, "bench_cold_open: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static sqlite3 *open_encrypted(const char *path)
{
    static const char key[] = "raw:0123456789abcdef0123456789abcdef";
    sqlite3 *db;
    must_sql(NULL, sqlite3_open(path, &db));
    must_sql(db, sqlite3_exec(db, "PRAGMA cipher = 'aegis'", NULL, NULL, NULL));
    must_sql(db, sqlite3_key_v2(db, "main", key, sizeof key - 1));
    return db;
}

struct writer { /* Ada's device, writing past the outbox so that making the room is quick */
    struct rig_member *ada;
    struct pv_prk prk;
    struct pv_header header;
};

static void put_message(struct writer *w, size_t i, struct pv_buf *bundles)
{
    char text[256];
    struct pv_payload payload = {.type = PV_PAYLOAD_MESSAGE};
    struct pv_seal_nonce nonce;
    struct pv_buf plain, body, entry;
    static const uint8_t no_refs[] = {0x80}, nothing_beside[] = {0x83, 0x80, 0x80, 0x80};
    (void)snprintf(text, sizeof text, "message %zu: the drawing of part %zu is attached; please say by week %zu whether "
                   "%zu pieces are enough, and what the client thinks of the colour", i, i * 7919 % 1000, i % 52, i % 13);
    payload.u.message.text = pv_bytes_of_string(text);
    seeded_fill(&w->ada->device->seed, payload.write_id.b, sizeof payload.write_id.b);
    seeded_fill(&w->ada->device->seed, nonce.b, sizeof nonce.b);
    pv_buf_init(&plain, PV_LIMIT_PAYLOAD_BYTES);
    pv_buf_init(&body, PV_LIMIT_BODY_BYTES);
    pv_buf_init(&entry, PV_LIMIT_ENTRY_BYTES);
    pv_payload_put(&plain, &payload);
    must(pv_body_seal(&w->prk, &nonce, pv_buf_bytes(&plain), &w->header, &body), "seal");
    must(pv_entry_make(&w->header, &w->ada->device->me.sign_sk, &entry), "sign");
    struct pv_bundle bundle = {pv_buf_bytes(&entry), pv_bytes(no_refs, 1), pv_buf_bytes(&body), pv_bytes(nothing_beside, 4)};
    pv_bundle_put(bundles, &bundle);
    w->header.n++;
    pv_entry_leaf(bundle.entry, &w->header.prev);
    pv_buf_release(&plain);
    pv_buf_release(&body);
    pv_buf_release(&entry);
}

static void fill_room(struct rig_server *server, struct rig_member *ada, size_t messages)
{
    struct writer w = {.ada = ada};
    struct pv_epoch_secret secret;
    struct pv_head head;
    struct rig_room *room = rig_room_find(server, pv_room_id(ada->room));
    must(pv_store_epoch_get(ada->store, 0, &secret), "secret");
    must(pv_store_head_get(ada->store, &head), "head");
    pv_epoch_prk(&secret, &w.prk);
    w.header = (struct pv_header){.room = room->id, .author = ada->device->me.device, .n = head.n + 1, .prev = head.leaf,
                                  .time_ms = server->now_ms, .kind = PV_KIND_TALK};
    pv_refs_hash(pv_bytes("\x80", 1), &w.header.refs_hash);
    for (size_t done = 0; done < messages;) {
        struct pv_buf bundles;
        size_t count = messages - done < PV_LIMIT_BATCH_ENTRIES ? messages - done : PV_LIMIT_BATCH_ENTRIES;
        w.header.seen_size = room->edge.size;
        pv_merkle_edge_root(&room->edge, &w.header.seen_root);
        pv_buf_init(&bundles, PV_LIMIT_BATCH_BYTES);
        pv_cbor_put_array(&bundles, count);
        for (size_t i = 0; i < count; i++) put_message(&w, done + i, &bundles);
        must(rig_append(server, room, pv_buf_bytes(&bundles)), "append");
        pv_buf_release(&bundles);
        done += count;
    }
}

/* Decrypt each body with its key at hand, and insert one row. */
static double least(struct rig_room *room, const char *path)
{
    static uint8_t plain[PV_LIMIT_BODY_BYTES];
    struct pv_seal_key key = {{1}};
    struct pv_seal_nonce nonce = {{2}};
    struct rig_entry *sealed = calloc(room->count, sizeof *sealed);
    sqlite3 *db = open_encrypted(path);
    sqlite3_stmt *insert;
    if (!sealed) exit(1);
    for (size_t i = 0; i < room->count; i++) { /* the same lengths, under one key */
        uint8_t *at;
        pv_buf_init(&sealed[i].body, SIZE_MAX);
        at = pv_buf_extend(&sealed[i].body, room->entries[i].body.n + PV_SEAL_TAG_BYTES);
        pv_seal(&key, &nonce, pv_bytes(NULL, 0), pv_buf_bytes(&room->entries[i].body), at);
    }
    double from = now_s();
    must_sql(db, sqlite3_exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, text BLOB); BEGIN", NULL, NULL, NULL));
    must_sql(db, sqlite3_prepare_v2(db, "INSERT INTO t (text) VALUES (?)", -1, &insert, NULL));
    for (size_t i = 0; i < room->count; i++) {
        struct pv_bytes body = pv_buf_bytes(&sealed[i].body);
        must(pv_open(&key, &nonce, pv_bytes(NULL, 0), body, plain), "open");
        must_sql(db, sqlite3_bind_blob(insert, 1, plain, (int)(body.n - PV_SEAL_TAG_BYTES), SQLITE_STATIC));
        must_sql(db, sqlite3_step(insert));
        must_sql(db, sqlite3_reset(insert));
        if (i % 8192 == 8191) must_sql(db, sqlite3_exec(db, "COMMIT; BEGIN", NULL, NULL, NULL));
    }
    must_sql(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    double took = now_s() - from;
    sqlite3_finalize(insert);
    sqlite3_close(db);
    for (size_t i = 0; i < room->count; i++) pv_buf_release(&sealed[i].body);
    free(sealed);
    return took;
}

static double cold_open(struct rig_device *device, const struct pv_hash *id, const char *path, size_t messages)
{
    struct rig_member fresh;
    struct pv_buf texts;
    size_t lines = 0;
    double from = now_s();
    must(rig_member_open_over(&fresh, device, id, open_encrypted(path)), "open");
    must(rig_pull(&fresh), "pull");
    double took = now_s() - from;
    pv_buf_init(&texts, SIZE_MAX);
    rig_texts(&fresh, &texts);
    for (size_t i = 0; i < texts.n; i++) lines += texts.p[i] == '\n';
    if (lines != messages) must(PV_ERR_CORRUPT, "count of messages");
    pv_buf_release(&texts);
    rig_member_close(&fresh);
    return took;
}

int main(int argc, char **argv)
{
    size_t messages = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    char dir[] = "/tmp/pv-cold-XXXXXX", path[64];
    struct rig_server server;
    struct rig_device ada;
    struct rig_member room;
    must(pv_crypto_init(), "crypto");
    if (!mkdtemp(dir)) must(PV_ERR_IO, "temporary directory");
    rig_server_init(&server, 1);
    server.page_max = 8192;
    must(rig_device_init(&ada, &server, 2), "device");
    must(rig_found(&room, &ada), "room");
    fill_room(&server, &room, messages);
    double best_least = 1e9, best_ours = 1e9;
    for (int round = 0; round < 3; round++) {
        double took;
        (void)snprintf(path, sizeof path, "%s/least%d", dir, round);
        took = least(rig_room_find(&server, pv_room_id(room.room)), path);
        if (took < best_least) best_least = took;
        unlink(path);
        (void)snprintf(path, sizeof path, "%s/ours%d", dir, round);
        took = cold_open(&ada, pv_room_id(room.room), path, messages);
        if (took < best_ours) best_ours = took;
        unlink(path);
    }
    rmdir(dir);
    printf("%-52s %8.3f s\n", "decrypt and insert one row each (the least)", best_least);
    printf("%-52s %8.3f s   %.1f us a message\n", "cold open: fetch, verify, open, fold, index", best_ours, best_ours / (double)messages * 1e6);
    printf("%-52s %8.2f     (target: below 5)\n", "ratio", best_ours / best_least);
    rig_member_close(&room);
    rig_device_release(&ada);
    rig_server_release(&server);
    return 0;
}
