/* A room's store where memory runs out at every allocation in turn: an error each time, nothing leaked, and the next
 * try finds the database as it was before. */
#include "tests/fault/failing_malloc.h"

#include "tests/tap.h"

#if !FAULT_CANNOT_RUN

#include "tests/unit/fold_rig.h"

static struct rig rig;

/* One transaction that touches everything: log, tree, keys, fold, outbox. */
static enum pv_err write_in_transaction(void)
{
    struct pv_merkle_edge edge = {0};
    struct pv_hash hashes[64], leaf = {{1}};
    struct pv_epoch_secret secret = {{2}};
    size_t count = 0;
    uint64_t id = 0;
    struct pv_stored_entry entry = {.author = rig_device(1), .n = 1, .entry = pv_bytes("entry", 5),
                                    .refs = pv_bytes("\x80", 1), .has_body = true, .body = pv_bytes("body", 4)};
    struct pv_write write = {.write_id = rig_id(100), .kind = 0, .payload = pv_bytes("p", 1)};
    struct pv_sealed_write sealed = {.n = 1, .entry = pv_bytes("e", 1), .body = pv_bytes("b", 1)};
    enum pv_err err = pv_store_entry_add(rig.store, &entry);
    pv_merkle_append(&edge, &leaf, hashes, &count);
    if (!err) err = pv_store_hashes_add(rig.store, 0, hashes, count);
    if (!err) err = pv_store_epoch_set(rig.store, 0, &secret);
    if (!err) err = pv_store_note_add(rig.store, 1, 2, pv_bytes("note", 4));
    if (!err) err = pv_store_write_add(rig.store, &write, &id);
    sealed.write = id;
    if (!err) err = pv_store_sealed_add(rig.store, &sealed);
    rig.next = 10;
    if (!err) err = rig_put(&rig, 1, 10, rig_message("new words"), false);
    if (!err) err = rig_put(&rig, 1, 11, rig_file_put("x/new", 1, 0, 0), false);
    if (!err) err = rig_put(&rig, 2, 12, rig_file_put("x/new", 2, 1, 11), false);
    if (!err) err = pv_fold_index_words(rig.store, 0);
    return err;
}

static enum pv_err write_and_commit(void)
{
    enum pv_err err = pv_store_begin(rig.store);
    if (err) return err;
    err = write_in_transaction();
    if (!err) return pv_store_commit(rig.store);
    pv_store_rollback(rig.store);
    return err;
}

static enum pv_err query_all(void)
{
    struct pv_message_filter filter = {.limit = 5};
    struct pv_search search = {.words = pv_bytes("words", 5)};
    struct pv_buf json;
    pv_buf_init(&json, 1 << 16);
    enum pv_err err = pv_query_messages_json(&rig.query, &filter, &json);
    if (!err) err = pv_query_files_json(&rig.query, pv_bytes("", 0), false, &json);
    if (!err) err = pv_query_versions_json(&rig.query, pv_bytes("a", 1), &json);
    if (!err) err = pv_query_search_json(&rig.query, &search, &json);
    if (!err) err = pv_query_unsent_json(&rig.query, &json);
    pv_buf_release(&json);
    return err;
}

/* Where a query is asked inside a transaction, what the transaction wrote before it must stay whole or go whole. */
static enum pv_err write_query_commit(void)
{
    enum pv_err err = pv_store_begin(rig.store);
    if (err) return err;
    err = pv_store_value_set(rig.store, "before", pv_bytes("1", 1));
    if (!err) err = query_all();
    if (!err) err = pv_store_value_set(rig.store, "after", pv_bytes("1", 1));
    if (!err) return pv_store_commit(rig.store);
    pv_store_rollback(rig.store);
    return err;
}

static enum pv_err reset(void)
{
    return pv_fold_reset(rig.store);
}

/* What is seen of the room, without the outbox on top. */
static struct pv_hash look(void)
{
    static const char *const tables[] = {"entry", "hashes", "epoch", "note", "outbox", "sealed", "value", "author",
                                         "written", "message", "file", "version", "profile"};
    struct pv_sha256 sha;
    struct pv_hash hash;
    char sql[100];
    pv_sha256_init(&sha);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        sqlite3_stmt *stmt = NULL;
        snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1, 2", tables[i]);
        if (sqlite3_prepare_v2(rig.db, sql, -1, &stmt, NULL)) abort();
        while (sqlite3_step(stmt) == SQLITE_ROW)
            for (int c = 0; c < sqlite3_column_count(stmt); c++) {
                const void *value = sqlite3_column_blob(stmt, c);
                pv_sha256_put_bytes(&sha, value, (size_t)sqlite3_column_bytes(stmt, c));
            }
        sqlite3_finalize(stmt);
    }
    pv_sha256_final(&sha, &hash);
    return hash;
}

static void fill(void)
{
    bool good = rig_open(&rig) && !rig_put(&rig, 1, 1, rig_message("some words"), false) &&
                !rig_put(&rig, 1, 2, rig_file_put("a", 1, 0, 0), false) &&
                !rig_put(&rig, 0, 3, rig_message("unsent words"), true) &&
                !rig_put(&rig, 0, 4, rig_file_put("a", 2, 1, 2), true) && !pv_fold_index_words(rig.store, 0);
    if (!good) abort();
}

/* Run with fewer and fewer failures until it goes through; each time that it fails, nothing may have changed. */
static void test_every(const char *what, enum pv_err (*run)(void), bool changes)
{
    size_t failed = 0, wrong = 0, changed = 0;
    bool done = false;
    fill();
    struct pv_hash before = look();
    for (size_t n = 0; n < 20000 && !done; n++) {
        fault_arm(n);
        enum pv_err err = run();
        bool fired = fault_disarm();
        struct pv_hash now = look();
        /* SQLite does without some of its allocations: then it may well have worked. */
        wrong += err && !fired;
        done = !fired;
        failed += err != PV_OK;
        if (err) {
            changed += !pv_hash_equal(&now, &before);
        } else {
            wrong += changes == pv_hash_equal(&now, &before);
            rig_close(&rig);
            fill();
        }
        if (pv_store_in_transaction(rig.store)) wrong++;
    }
    tap_ok(done && failed > 0 && !wrong && !changed, "%s: %zu times it fails, %zu wrongly, %zu with a change", what,
           failed, wrong, changed);
    tap_ok(pv_store_check(rig.store) == PV_OK && rig_close(&rig), "and all is sound and released after it");
}

static void test_open(void)
{
    size_t failed = 0, wrong = 0;
    bool done = false;
    for (size_t n = 0; n < 20000 && !done; n++) {
        sqlite3 *db = NULL;
        struct pv_store *store = NULL;
        if (sqlite3_open(":memory:", &db)) abort();
        fault_arm(n);
        enum pv_err err = pv_store_open(db, &store);
        bool fired = fault_disarm();
        done = !fired;
        failed += err != PV_OK;
        if (err && !fired) wrong++;
        if (err) err = pv_store_open(db, &store); /* the same connection, now that there is memory */
        if (err) wrong++;
        pv_store_close(store);
        if (sqlite3_close(db)) wrong++;
    }
    tap_ok(done && failed > 0 && !wrong, "opening: %zu times it fails, %zu wrongly", failed, wrong);
}

int main(void)
{
    if (pv_crypto_init()) return 1;
    test_open();
    test_every("writing", write_and_commit, true);
    test_every("asking", query_all, false);
    test_every("asking while writing", write_query_commit, true);
    test_every("folding anew", reset, true);
    return tap_done();
}

#else

int main(void)
{
    tap_skip_all("the sanitizer has its own allocator");
}

#endif
