/* What storing and folding a room costs, beside raw decryption and one plain insert for each message, and what reading
 * from it costs then:
 *     fold [MESSAGES [BATCH [DIRECTORY]]] */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/log/seal.h"
#include "core/state/fold.h"
#include "core/state/payload.h"
#include "core/state/query.h"

enum { AUTHORS = 8, WORDS = 4000 };

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void must(bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "fold: %s failed\n", what);
    exit(1);
}

static uint64_t state = 88172645463325252u;
static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* Some 90 letters of words, the frequent ones frequent. */
static size_t make_text(char *text, size_t max)
{
    size_t n = 0, words = 5 + next_random() % 20;
    for (size_t i = 0; i < words; i++) {
        double r = (double)(next_random() % 1000000) / 1e6;
        unsigned word = (unsigned)(r * r * r * WORDS);
        n += (size_t)snprintf(text + n, max - n, "%s%c%c%c%u", i ? " " : "", 'a' + word % 26, 'a' + word / 26 % 26,
                              'a' + word / 676, word % 7);
    }
    return n;
}

struct sample {
    struct pv_log_item item;
    struct pv_buf entry, body, payload;
};

static struct pv_prk prk;

static void make_sample(uint64_t i, struct sample *s)
{
    char text[512];
    struct pv_seal_nonce nonce;
    struct pv_payload payload = {.type = PV_PAYLOAD_MESSAGE};
    struct pv_header *h = &s->item.entry.header;
    memset(s, 0, sizeof *s);
    pv_buf_init(&s->entry, 4096);
    pv_buf_init(&s->body, 4096);
    pv_buf_init(&s->payload, 4096);
    for (size_t k = 0; k < 16; k++) payload.write_id.b[k] = (uint8_t)next_random();
    for (size_t k = 0; k < sizeof nonce.b; k++) nonce.b[k] = (uint8_t)next_random();
    payload.u.message.text = pv_bytes(text, make_text(text, sizeof text));
    pv_payload_put(&s->payload, &payload);
    h->author.b[0] = (uint8_t)(next_random() % AUTHORS + 1);
    h->n = i + 1;
    h->kind = PV_KIND_TALK;
    h->time_ms = 1700000000000u + i * 1000;
    must(!pv_body_seal(&prk, &nonce, pv_buf_bytes(&s->payload), h, &s->body), "sealing");
    pv_header_put(&s->entry, h);
    memset(pv_buf_extend(&s->entry, 68), 0x5a, 68); /* a signature's size */
    s->item.index = i;
    pv_entry_leaf(pv_buf_bytes(&s->entry), &s->item.leaf);
}

static sqlite3 *open_db(const char *path)
{
    sqlite3 *db = NULL;
    must(sqlite3_open(path, &db) == SQLITE_OK, "opening");
    must(sqlite3_exec(db, "PRAGMA cipher = 'aegis'; PRAGMA key = 'raw:"
                          "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'", NULL, NULL, NULL) ==
             SQLITE_OK, "keying");
    return db;
}

/* The yardstick: open each body, insert each text. */
static double raw(const char *path, const struct sample *samples, size_t count)
{
    struct pv_buf payload;
    sqlite3 *db = open_db(path);
    sqlite3_stmt *insert = NULL;
    pv_buf_init(&payload, 1u << 17);
    double start = now();
    must(sqlite3_exec(db, "CREATE TABLE m (idx INTEGER PRIMARY KEY, payload BLOB); BEGIN", NULL, NULL, NULL) ==
             SQLITE_OK, "creating");
    must(sqlite3_prepare_v2(db, "INSERT INTO m VALUES (?, ?)", -1, &insert, NULL) == SQLITE_OK, "preparing");
    for (size_t i = 0; i < count; i++) {
        pv_buf_clear(&payload);
        must(!pv_body_open(&prk, &samples[i].item.entry.header, pv_buf_bytes(&samples[i].body), &payload), "opening");
        sqlite3_bind_int64(insert, 1, (sqlite3_int64)i);
        sqlite3_bind_blob(insert, 2, payload.p, (int)payload.n, SQLITE_STATIC);
        must(sqlite3_step(insert) == SQLITE_DONE, "inserting");
        sqlite3_reset(insert);
    }
    must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, "committing");
    double took = now() - start;
    sqlite3_finalize(insert);
    sqlite3_close(db);
    pv_buf_release(&payload);
    return took;
}

static void put_one(struct pv_store *store, struct pv_merkle_edge *edge, const struct sample *s)
{
    struct pv_hash hashes[64];
    size_t count = 0;
    uint64_t at = pv_merkle_stored_count(edge->size);
    struct pv_stored_entry entry = {.index = s->item.index,
                                    .author = s->item.entry.header.author,
                                    .n = s->item.entry.header.n,
                                    .entry = pv_buf_bytes(&s->entry),
                                    .refs = pv_bytes("\x80", 1),
                                    .has_body = true,
                                    .body = pv_buf_bytes(&s->body)};
    must(!pv_store_entry_add(store, &entry), "storing");
    pv_merkle_append(edge, &s->item.leaf, hashes, &count);
    must(!pv_store_hashes_add(store, at, hashes, count), "adding hashes");
    must(!pv_fold_entry(store, &s->item, PV_ACCEPTED, pv_buf_bytes(&s->payload)), "folding");
}

static void fold(const char *path, const struct sample *samples, size_t count, size_t batch, double *ret_fold,
                 double *ret_words)
{
    struct pv_store *store = NULL;
    struct pv_merkle_edge edge = {0};
    sqlite3 *db = open_db(path);
    double start = now();
    must(!pv_store_open(db, &store), "opening a store");
    for (size_t i = 0; i < count; i++) {
        if (i % batch == 0) must(!pv_store_begin(store), "beginning");
        put_one(store, &edge, &samples[i]);
        if (i % batch == batch - 1 || i == count - 1) {
            must(!pv_store_set_folded_size(store, i + 1), "setting the size");
            must(!pv_store_commit(store), "committing");
        }
    }
    *ret_fold = now() - start;
    start = now();
    must(!pv_fold_index_words(store, 0), "indexing");
    *ret_words = now() - start;
    pv_store_close(store);
    sqlite3_close(db);
}

static void tell(const char *what, double start)
{
    printf("  %-44s %7.2f ms\n", what, 1000 * (now() - start));
}

/* As a command does it: open, ask, close. */
static void ask(const char *path, size_t count)
{
    struct pv_store *store = NULL;
    struct pv_hash me = {{1}};
    struct pv_buf json;
    uint64_t unread = 0;
    double start = now();
    sqlite3 *db = open_db(path);
    must(!pv_store_open(db, &store), "opening again");
    tell("open", start);
    struct pv_query query = {.store = store, .me = &me};
    pv_buf_init(&json, 1u << 30);
    for (int warm = 0; warm < 2; warm++) {
        start = now();
        must(!pv_query_messages_json(&query, &(struct pv_message_filter){.limit = 100}, &json), "reading");
        tell(warm ? "newest 100 messages, again" : "newest 100 messages", start);
    }
    start = now();
    struct pv_message_filter since = {.has_since = true, .since_ms = 1700000000000u + (count - 100) * 1000};
    must(!pv_query_messages_json(&query, &since, &json), "reading");
    tell("messages since a time, 100 of them", start);
    start = now();
    must(!pv_query_search_json(&query, &(struct pv_search){.words = pv_bytes("daa4 fa", 7), .limit = 50}, &json), "searching");
    tell("search for two words, 50 of each", start);
    start = now();
    must(!pv_query_unread(&query, &unread), "counting");
    tell("count all as unread", start);
    start = now();
    must(!pv_query_messages_json(&query, &(struct pv_message_filter){0}, &json), "reading");
    tell("all messages as JSON", start);
    pv_buf_release(&json);
    pv_store_close(store);
    sqlite3_close(db);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    size_t batch = argc > 2 ? strtoul(argv[2], NULL, 10) : 4096;
    char dir[512], path[600];
    double fold_s = 0, words_s = 0;
    snprintf(dir, sizeof dir, "%s/pv-fold-XXXXXX", argc > 3 ? argv[3] : "/tmp");
    must(count && batch && !pv_crypto_init() && mkdtemp(dir), "making a directory");
    pv_hkdf_extract(pv_bytes("secret", 6), &prk);
    struct sample *samples = calloc(count, sizeof *samples);
    must(samples != NULL, "allocating");
    for (size_t i = 0; i < count; i++) make_sample(i, &samples[i]);
    snprintf(path, sizeof path, "%s/raw.db", dir);
    double raw_s = raw(path, samples, count);
    unlink(path);
    snprintf(path, sizeof path, "%s/fold.db", dir);
    fold(path, samples, count, batch, &fold_s, &words_s);
    printf("%zu messages in batches of %zu: raw %.3f s; store and fold %.3f s, words %.3f s: %.2f times raw\n", count,
           batch, raw_s, fold_s, words_s, (fold_s + words_s) / raw_s);
    ask(path, count);
    unlink(path);
    rmdir(dir);
    return 0;
}
