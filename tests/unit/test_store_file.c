/* A room's database as an encrypted file: damage is told and never written over, a full disk and a busy database
 * change nothing, two processes see each other's commits. */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/seeded.h"
#include "tests/unit/fold_rig.h"

static char dir[] = "/tmp/pv-store-XXXXXX";
static char path[64];

static sqlite3 *open_file(int key)
{
    char sql[128];
    sqlite3 *db = NULL;
    snprintf(sql, sizeof sql, "PRAGMA cipher = 'aegis'; PRAGMA key = 'raw:%064d'", key);
    if (sqlite3_open(path, &db) || sqlite3_exec(db, sql, NULL, NULL, NULL)) abort();
    return db;
}

static bool open_rig(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    rig->db = open_file(1);
    rig->me = rig_device(0);
    if (pv_store_open(rig->db, &rig->store)) return false;
    rig->query = (struct pv_query){.store = rig->store, .me = &rig->me};
    return true;
}

static uint8_t content[1 << 20], before[1 << 20];

static size_t read_file(uint8_t *ret_bytes)
{
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(ret_bytes, 1, sizeof content, f) : 0;
    if (f) fclose(f);
    return n;
}

static void write_file(const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) abort();
}

/* A room with a little of everything. */
static bool fill(struct rig *rig)
{
    char text[300];
    bool good = !pv_store_begin(rig->store);
    for (unsigned i = 0; i < 200 && good; i++) {
        struct pv_stored_entry entry = {.index = i, .author = rig_device(i % 3), .n = i + 1, .entry = pv_bytes(text, 200),
                                        .refs = pv_bytes("\x80", 1), .has_body = true, .body = pv_bytes(text, 100)};
        memset(text, 'e', sizeof text);
        good = !pv_store_entry_add(rig->store, &entry);
        snprintf(text, sizeof text, "message number %u, a canary", i);
        good = good && !rig_put(rig, 1, i + 1, i % 4 ? rig_message(text) : rig_file_put(text, 1, 0, 0), false);
    }
    return good && !pv_fold_index_words(rig->store, 0) && !pv_store_commit(rig->store);
}

static bool file_holds(const char *text)
{
    size_t n = read_file(content);
    return n == 0 || memmem(content, n, text, strlen(text)) != NULL;
}

static void test_keys(void)
{
    struct rig rig;
    struct pv_store *store = NULL;
    tap_ok(open_rig(&rig) && fill(&rig), "a room is filled");
    rig_close(&rig);
    tap_ok(!file_holds("canary"), "the file does not tell what it holds");
    size_t n = read_file(before);
    sqlite3 *db = open_file(2);
    tap_is_int(pv_store_open(db, &store), PV_ERR_CORRUPT, "with a wrong key it does not open");
    sqlite3_close(db);
    tap_ok(read_file(content) == n && memcmp(content, before, n) == 0, "and is not touched");
    tap_ok(open_rig(&rig) && !pv_store_check(rig.store), "with the right one it is as it was");
    rig_close(&rig);
}

static enum pv_err ignore_entry(void *context, const struct pv_stored_entry *entry)
{
    (void)context;
    (void)entry;
    return PV_OK;
}

/* Everything that a session may read; the first error. */
static enum pv_err read_all(struct rig *rig)
{
    struct rig_line line;
    struct pv_message_filter filter = {.limit = 10};
    struct pv_search search = {.words = pv_bytes("canary", 6), .limit = 3};
    memset(&line, 0, sizeof line);
    enum pv_err err = pv_store_entry_each(rig->store, 0, UINT64_MAX, ignore_entry, NULL);
    if (!err) err = pv_query_messages(&rig->query, &filter, rig_say_message, &line);
    if (!err) err = pv_query_search(&rig->query, &search, rig_say_message, NULL, &line);
    if (!err) err = pv_store_check(rig->store);
    return err;
}

/* Each page is authenticated, so a changed byte anywhere shows where it is read, and nothing else happens. */
static void test_damage(void)
{
    struct seeded s = seeded_make(1);
    size_t n = read_file(before), told = 0, strange = 0, touched = 0;
    enum { ROUNDS = 150 };
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct rig rig;
        memcpy(content, before, n);
        content[seeded_below(&s, n)] ^= (uint8_t)(1 << seeded_below(&s, 8));
        write_file(content, n);
        enum pv_err err = PV_ERR_CORRUPT;
        memset(&rig, 0, sizeof rig);
        if (open_rig(&rig)) err = read_all(&rig);
        rig_close(&rig);
        told += err == PV_ERR_CORRUPT;
        strange += err != PV_ERR_CORRUPT && err != PV_OK;
        static uint8_t after[sizeof content];
        touched += read_file(after) != n || memcmp(after, content, n) != 0;
    }
    write_file(before, n);
    tap_note("%zu of %d changes were told", told, ROUNDS);
    tap_ok(told > ROUNDS * 9 / 10, "a changed bit is told as damage");
    tap_is_int((long long)strange, 0, "and as nothing else");
    tap_is_int((long long)touched, 0, "the damaged file is left as it is");
    size_t cuts = 0; /* a single byte is left out: SQLite takes that for an empty file */
    for (size_t at = 2; at < n; at += at < 4 ? 1 : n / 11) {
        struct rig rig;
        write_file(before, at);
        enum pv_err err = open_rig(&rig) ? read_all(&rig) : PV_ERR_CORRUPT;
        cuts += err != PV_ERR_CORRUPT && err != PV_ERR_IO;
        rig_close(&rig);
    }
    write_file(before, n);
    tap_is_int((long long)cuts, 0, "a file cut short is told too");
}

static void test_full(void)
{
    struct rig rig;
    uint64_t size = 0;
    bool open = open_rig(&rig);
    sqlite3_exec(rig.db, "PRAGMA max_page_count = 1", NULL, NULL, NULL); /* which is: no more than now */
    struct pv_id16 name = {{1}};
    enum pv_err err = open ? pv_store_begin(rig.store) : PV_ERR_IO;
    if (!err) err = pv_store_set_folded_size(rig.store, 77);
    static uint8_t blob[300000];
    if (!err) err = pv_store_blob_add(rig.store, &name, pv_bytes(blob, sizeof blob));
    tap_is_int(err, PV_ERR_FULL, "a disk without room says so");
    err = pv_store_set_folded_size(rig.store, 78);
    tap_ok(err == PV_OK || err == PV_ERR_IO, "what comes after it stands or fails");
    pv_store_rollback(rig.store);
    tap_ok(!pv_store_folded_size(rig.store, &size) && size == 0, "and the transaction had no effect");
    tap_ok(!pv_store_check(rig.store), "the database is sound");
    rig_close(&rig);
}

static void test_two(void)
{
    struct rig a, b;
    uint64_t va = 0, vb = 0, size = 0;
    bool open = open_rig(&a) && open_rig(&b);
    tap_ok(open && !pv_store_data_version(b.store, &va), "two sessions open one room");
    sqlite3_busy_timeout(b.db, 20);
    tap_is_int(pv_store_begin(a.store), PV_OK, "one writes");
    tap_is_int(pv_store_begin(b.store), PV_ERR_BUSY, "the other has to wait, and says so in the end");
    tap_ok(!pv_store_set_folded_size(a.store, 5) && !pv_store_folded_size(b.store, &size) && size == 0,
           "but reads what was there");
    tap_is_int(pv_store_commit(a.store), PV_OK, "the first commits");
    tap_ok(!pv_store_data_version(b.store, &vb) && va != vb, "the other is told");
    tap_ok(!pv_store_folded_size(b.store, &size) && size == 5, "and sees it");
    tap_ok(!pv_store_begin(b.store) && !pv_store_commit(b.store), "then it is its turn");
    tap_ok(!pv_store_begin_reading(b.store) && !pv_store_folded_size(b.store, &size) && size == 5, "it begins to read");
    tap_is_int(pv_store_begin_reading(b.store), PV_ERR_USAGE, "once");
    tap_ok(!pv_store_begin(a.store) && !pv_store_set_folded_size(a.store, 6) && !pv_store_commit(a.store),
           "which keeps nobody from writing");
    tap_ok(!pv_store_folded_size(b.store, &size) && size == 5, "it goes on seeing the state that it began with");
    tap_ok(!pv_store_commit(b.store) && !pv_store_folded_size(b.store, &size) && size == 6, "until it ends");
    rig_close(&a);
    rig_close(&b);
}

int main(void)
{
    if (pv_crypto_init() || !mkdtemp(dir)) tap_skip_all("no temporary directory");
    snprintf(path, sizeof path, "%s/room", dir);
    test_keys();
    test_damage();
    test_full();
    test_two();
    unlink(path);
    tap_is_int(rmdir(dir), 0, "no other file is left");
    return tap_done();
}
