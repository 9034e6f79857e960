/* A room's store: what is put is found again, transactions stand or fall whole, damage and newer versions show. */
#include <sqlite3.h>

#include "core/state/store.h"
#include "core/state/verified.h"
#include "tests/tap.h"

static struct pv_hash hash_of(uint64_t number)
{
    struct pv_hash hash = {0};
    for (size_t i = 0; i < 8; i++) hash.b[i] = (uint8_t)(number >> (8 * i));
    hash.b[31] = 1;
    return hash;
}

static struct pv_stored_entry entry_of(uint64_t index)
{
    return (struct pv_stored_entry){.index = index,
                                    .author = hash_of(index % 3),
                                    .n = index / 3 + 1,
                                    .entry = pv_bytes("entry", 5),
                                    .refs = pv_bytes("\x80", 1),
                                    .has_body = index % 2 == 0,
                                    .body = pv_bytes("body", index % 2 ? 0 : 4)};
}

struct seen {
    size_t count;
    uint64_t sum;
    bool right;
    struct pv_store *store;
};

static enum pv_err see_entry(void *context, const struct pv_stored_entry *entry)
{
    struct seen *seen = context;
    struct pv_hash author = hash_of(entry->index % 3);
    seen->count++;
    seen->sum += entry->index;
    seen->right = seen->right && pv_hash_equal(&entry->author, &author) && entry->n == entry->index / 3 + 1 &&
                  pv_bytes_equal(entry->entry, pv_bytes("entry", 5)) && entry->has_body == (entry->index % 2 == 0);
    /* Writing to what is walked is allowed. */
    return seen->store ? pv_store_entry_set_verdict(seen->store, entry->index, PV_REJECTED, PV_REASON_ROLE) : PV_OK;
}

static enum pv_err stop_at_once(void *context, const struct pv_stored_entry *entry)
{
    (void)context;
    (void)entry;
    return PV_ERR_EXPIRED;
}

static void test_log(struct pv_store *store)
{
    struct pv_stored_entry entry, got;
    struct pv_buf memory;
    uint64_t size = 9, index = 9, missing[4];
    size_t count = 0;
    enum pv_err err = pv_store_begin(store);
    pv_buf_init(&memory, 1000);
    tap_is_int(err, PV_OK, "a transaction begins");
    tap_is_int(pv_store_begin(store), PV_ERR_USAGE, "but not a second one in it");
    for (uint64_t i = 0; i < 10 && !err; i++) {
        entry = entry_of(i);
        err = pv_store_entry_add(store, &entry);
    }
    tap_is_int(err, PV_OK, "entries are added");
    entry = entry_of(12);
    tap_is_int(pv_store_entry_add(store, &entry), PV_ERR_CONFLICT, "but none past a gap");
    tap_is_int(pv_store_commit(store), PV_OK, "and committed");
    tap_ok(!pv_store_size(store, &size) && size == 10, "the size is theirs");
    tap_is_int(pv_store_entry_get(store, 10, &memory, &got), PV_ERR_NOT_FOUND, "past the end is none");
    tap_is_int(pv_store_entry_get(store, 4, &memory, &got), PV_OK, "an entry is read");
    tap_ok(got.n == 2 && got.has_body && !got.has_verdict && pv_bytes_equal(got.body, pv_bytes("body", 4)), "as it was");
    tap_is_int(pv_store_entry_missing_bodies(store, 2, 9, 2, missing, &count), PV_OK, "missing bodies are listed");
    tap_ok(count == 2 && missing[0] == 3 && missing[1] == 5, "the first ones in the range");
    tap_is_int(pv_store_entry_set_body(store, 3, pv_bytes("", 0)), PV_OK, "a body comes later");
    tap_ok(!pv_store_entry_get(store, 3, &memory, &got) && got.has_body && got.body.n == 0, "an empty one is there too");
    tap_is_int(pv_store_entry_drop_body(store, 3), PV_OK, "and goes again");
    tap_is_int(pv_store_entry_set_body(store, 10, pv_bytes("", 0)), PV_ERR_NOT_FOUND, "no body without its entry");

    struct seen seen = {.right = true, .store = store};
    tap_is_int(pv_store_entry_each(store, 2, 5, see_entry, &seen), PV_OK, "a range is walked and written to");
    tap_ok(seen.count == 3 && seen.sum == 9 && seen.right, "each entry of it once, in full");
    seen = (struct seen){.right = true};
    tap_is_int(pv_store_header_each(store, 0, UINT64_MAX, see_entry, &seen), PV_OK, "and all without bodies");
    tap_ok(seen.count == 10 && seen.right, "each as it was");
    tap_is_int(pv_store_entry_each(store, 0, 9, stop_at_once, NULL), PV_ERR_EXPIRED, "a callback's error ends the walk");
    tap_ok(!pv_store_entry_get(store, 2, &memory, &got) && got.has_verdict && got.verdict == PV_REJECTED &&
               got.reason == PV_REASON_ROLE, "a rejection is kept with its reason");
    tap_is_int(pv_store_entry_set_verdict(store, 2, PV_ACCEPTED, PV_REASON_NONE), PV_OK, "and can be taken back");
    tap_is_int(pv_store_set_folded_size(store, 3), PV_OK, "the folded size is set");
    tap_ok(!pv_store_entry_get(store, 2, &memory, &got) && got.has_verdict && got.verdict == PV_ACCEPTED,
           "what is folded has a verdict");
    tap_ok(!pv_store_entry_get(store, 5, &memory, &got) && !got.has_verdict, "what is not has none");
    struct pv_hash author = hash_of(1), stranger = hash_of(77);
    tap_ok(!pv_store_entry_find(store, &author, 2, &index) && index == 4, "an entry is found by author and n");
    tap_is_int(pv_store_entry_find(store, &author, 9, &index), PV_ERR_NOT_FOUND, "not by another n");
    tap_is_int(pv_store_entry_find(store, &stranger, 1, &index), PV_ERR_NOT_FOUND, "nor by another author");
    pv_buf_release(&memory);
}

/* A tree kept in the store has the root that one kept in memory has, also after a roll-back. */
static void test_tree(struct pv_store *store)
{
    struct pv_merkle_edge edge = {0}, again;
    struct pv_hash hashes[64], leaf, want, got;
    struct pv_merkle_reader reader = pv_store_merkle_reader(store);
    size_t count;
    uint64_t at = 0, have = 0;
    enum pv_err err = PV_OK;
    for (uint64_t i = 0; i < 300 && !err; i++) {
        if (i % 50 == 0) err = pv_store_begin(store);
        if (i == 100) { /* begin some, forget it, begin anew */
            leaf = hash_of(999);
            if (!err) err = pv_store_hashes_add(store, at, &leaf, 1);
            pv_store_rollback(store);
            if (!err) err = pv_store_begin(store);
        }
        leaf = hash_of(i);
        pv_merkle_append(&edge, &leaf, hashes, &count);
        if (!err) err = pv_store_hashes_add(store, at, hashes, count);
        at += count;
        if (i % 50 == 49 && !err) err = pv_store_commit(store);
    }
    tap_is_int(err, PV_OK, "hashes of 300 leaves are added in six transactions");
    tap_ok(!pv_store_hashes_count(store, &have) && have == pv_merkle_stored_count(300), "all are there");
    pv_merkle_edge_root(&edge, &want);
    tap_is_int(pv_merkle_root(&reader, 300, &got), PV_OK, "a root is taken from the store");
    tap_ok(pv_hash_equal(&want, &got), "and is the tree's");
    tap_is_int(pv_merkle_edge_read(&reader, 300, &again), PV_OK, "the edge is read back");
    pv_merkle_edge_root(&again, &got);
    tap_ok(pv_hash_equal(&want, &got), "with the same root");
    leaf = hash_of(117);
    tap_ok(!pv_store_leaf(store, 117, &got) && pv_hash_equal(&leaf, &got), "a leaf is read by its index");
    tap_is_int(pv_store_leaf(store, 300, &got), PV_ERR_NOT_FOUND, "none past the end");
    tap_is_int(pv_store_hashes_add(store, 3, &leaf, 1), PV_ERR_CONFLICT, "hashes go to the end only");
    struct pv_hash many[200];
    tap_is_int(reader.read(reader.context, have - 200, 200, many), PV_OK, "a long range is read across pages");
    tap_is_int(reader.read(reader.context, have - 199, 200, many), PV_ERR_NOT_FOUND, "but not past the end");
}

static enum pv_err see_epoch(void *context, uint64_t epoch, const struct pv_epoch_secret *secret)
{
    struct seen *seen = context;
    seen->right = seen->right && secret->b[0] == epoch && (seen->count == 0 || epoch < seen->sum);
    seen->sum = epoch;
    seen->count++;
    return PV_OK;
}

static enum pv_err see_note(void *context, uint64_t size, uint64_t time_s, struct pv_bytes note)
{
    struct seen *seen = context;
    (void)time_s;
    (void)note;
    seen->count++;
    seen->sum = seen->sum * 10 + size;
    return PV_OK;
}

static enum pv_err see_evidence(void *context, const struct pv_evidence *evidence)
{
    struct seen *seen = context;
    seen->count++;
    seen->right = evidence->what == PV_ERR_FORK && evidence->index == 7 && evidence->time_ms == 5 &&
                  pv_bytes_equal(evidence->text, pv_bytes("two roots", 9));
    return PV_OK;
}

static void test_keys(struct pv_store *store)
{
    struct pv_buf buf;
    uint64_t size = 0, time_s = 0;
    pv_buf_init(&buf, 64);
    tap_is_int(pv_store_roster_get(store, &size, &buf), PV_ERR_NOT_FOUND, "there is no snapshot at first");
    bool put = !pv_store_roster_set(store, 4, pv_bytes("old", 3)) && !pv_store_roster_set(store, 9, pv_bytes("snap", 4));
    tap_ok(put && !pv_store_roster_get(store, &size, &buf) && size == 9 &&
               pv_bytes_equal(pv_buf_bytes(&buf), pv_bytes("snap", 4)), "the newest snapshot is kept");

    struct pv_epoch_secret secret = {{0}}, got;
    for (uint8_t i = 0; i < 3; i++) {
        secret.b[0] = i;
        put = put && !pv_store_epoch_set(store, i, &secret);
    }
    struct seen seen = {.right = true};
    tap_ok(put && !pv_store_epoch_each(store, see_epoch, &seen) && seen.count == 3 && seen.right,
           "epochs are walked, newest first");
    tap_ok(!pv_store_epoch_get(store, 1, &got) && got.b[0] == 1, "one is read");
    tap_is_int(pv_store_epoch_erase_before(store, 2), PV_OK, "old ones are erased");
    tap_is_int(pv_store_epoch_get(store, 1, &got), PV_ERR_NOT_FOUND, "and are gone");
    tap_is_int(pv_store_epoch_get(store, 2, &got), PV_OK, "newer ones stay");

    static struct pv_kem_pk pk, pk_got;
    struct pv_hash hash;
    memset(pk.b, 0x5a, sizeof pk.b);
    pv_kem_hash(&pk, &hash);
    tap_is_int(pv_store_kem_key_get(store, &hash, &pk_got), PV_ERR_NOT_FOUND, "a KEM key is not there at first");
    tap_ok(!pv_store_kem_key_add(store, &pk) && !pv_store_kem_key_add(store, &pk), "it is added, twice is fine");
    tap_ok(!pv_store_kem_key_get(store, &hash, &pk_got) && !memcmp(pk.b, pk_got.b, sizeof pk.b), "and read by its hash");

    tap_is_int(pv_store_note_newest(store, &size, &time_s, &buf), PV_ERR_NOT_FOUND, "there is no note at first");
    put = !pv_store_note_add(store, 5, 100, pv_bytes("a", 1)) && !pv_store_note_add(store, 3, 200, pv_bytes("b", 1)) &&
          !pv_store_note_add(store, 5, 100, pv_bytes("a", 1)) && !pv_store_note_add(store, 5, 150, pv_bytes("c", 1));
    seen = (struct seen){0};
    tap_ok(put && !pv_store_note_each(store, see_note, &seen) && seen.sum == 535, "every note is kept once, in order");
    tap_ok(!pv_store_note_newest(store, &size, &time_s, &buf) && size == 5 && time_s == 150 && buf.p[0] == 'c',
           "the newest is the later one of the largest size");

    struct pv_evidence evidence = {.time_ms = 5, .index = 7, .what = PV_ERR_FORK, .text = pv_bytes("two roots", 9)};
    tap_ok(!pv_store_evidence_add(store, &evidence, &size) && size == 1, "evidence is recorded");
    seen = (struct seen){0};
    tap_ok(!pv_store_evidence_each(store, see_evidence, &seen) && seen.count == 1 && seen.right, "and found as it was");
    pv_buf_release(&buf);
}

static enum pv_err see_write(void *context, const struct pv_write *write)
{
    struct seen *seen = context;
    seen->count++;
    seen->sum = seen->sum * 10 + write->id;
    seen->right = write->sealed_count == (write->id == 1 ? 2 : 0) && write->payload.n == 7 && write->created_ms == 3;
    return PV_OK;
}

static enum pv_err see_sealed(void *context, const struct pv_sealed_write *sealed)
{
    struct seen *seen = context;
    seen->count++;
    seen->sum = seen->sum * 10 + sealed->n;
    seen->right = sealed->write == 1 && sealed->epoch == 2 && pv_bytes_equal(sealed->body, pv_bytes("body", 4)) &&
                  pv_bytes_equal(sealed->beside, pv_bytes("beside", 6));
    return PV_OK;
}

static enum pv_err see_draft(void *context, const struct pv_write *write)
{
    struct seen *seen = context;
    seen->count++;
    seen->sum = seen->sum * 10 + write->id;
    return PV_OK;
}

static void is_drafts(struct pv_store *store, uint64_t want, const char *what)
{
    struct seen seen = {0};
    tap_ok(!pv_store_draft_each(store, see_draft, &seen) && seen.sum == want, "%s", what);
}

static enum pv_err see_blob(void *context, const struct pv_id16 *name, uint64_t size_bytes)
{
    struct seen *seen = context;
    seen->count++;
    seen->sum += size_bytes;
    seen->right = name->b[0] == 7;
    return PV_OK;
}

static void test_outbox(struct pv_store *store)
{
    struct pv_write write = {.write_id = {{1}}, .kind = 2, .type = 2, .payload = pv_bytes("payload", 7),
                             .refs = pv_bytes("\x80", 1), .created_ms = 3};
    struct pv_sealed_write sealed = {.write = 1, .n = 1, .epoch = 2, .leaf = hash_of(1), .entry = pv_bytes("e", 1),
                                     .refs = pv_bytes("\x80", 1), .body = pv_bytes("body", 4),
                                     .beside = pv_bytes("beside", 6)};
    struct pv_head head = {.n = 9};
    uint64_t id = 0, count = 0, newest = 9, oldest = 9;
    tap_ok(!pv_store_write_newest(store, &newest) && newest == 0 && !pv_store_write_oldest(store, &oldest) && oldest == 0,
           "nothing waits");
    tap_ok(!pv_store_write_add(store, &write, &id) && id == 1, "a write goes into the outbox");
    tap_is_int(pv_store_write_add(store, &write, &id), PV_ERR_CONFLICT, "once");
    write.write_id.b[0] = 2;
    tap_ok(!pv_store_write_add(store, &write, &id) && id == 2, "another one follows it");
    tap_ok(!pv_store_write_newest(store, &newest) && newest == 2 && !pv_store_write_oldest(store, &oldest) && oldest == 1,
           "the newest and the oldest are known");
    is_drafts(store, 12, "both are drafts");
    tap_ok(!pv_store_head_get(store, &head) && head.n == 0 && pv_hash_is_zero(&head.leaf), "nothing was signed yet");
    tap_is_int(pv_store_sealed_add(store, &sealed), PV_OK, "a sealed version is kept");
    tap_ok(!pv_store_head_get(store, &head) && head.n == 1 && pv_hash_equal(&head.leaf, &sealed.leaf), "and is the head");
    tap_is_int(pv_store_sealed_add(store, &sealed), PV_ERR_CONFLICT, "no n is used twice");
    is_drafts(store, 2, "the other one is a draft still");
    tap_ok(!pv_store_drafts_done(store, 2), "those before it are no drafts any more");
    is_drafts(store, 2, "but it is");
    tap_ok(!pv_store_drafts_done(store, 0), "nor is any other");
    is_drafts(store, 0, "so none is walked");
    tap_is_int(pv_store_sealed_abandon(store, 1), PV_OK, "it is abandoned");
    is_drafts(store, 12, "and both are drafts");
    sealed.n = 4;
    sealed.leaf = hash_of(4);
    tap_is_int(pv_store_sealed_add(store, &sealed), PV_OK, "and sealed anew");
    sealed.n = 5;
    sealed.write = 3;
    tap_is_int(pv_store_sealed_add(store, &sealed), PV_ERR_NOT_FOUND, "nothing is sealed without its write");
    struct seen seen = {0};
    tap_ok(!pv_store_sealed_each(store, see_sealed, &seen) && seen.count == 1 && seen.sum == 4 && seen.right,
           "what stands is to be sent");
    seen = (struct seen){0};
    tap_ok(!pv_store_sealed_from(store, 5, see_sealed, &seen) && seen.count == 0, "from a number on, too");
    seen = (struct seen){0};
    tap_ok(!pv_store_sealed_each_ever(store, see_sealed, &seen) && seen.sum == 14, "all versions are kept");
    seen = (struct seen){0};
    tap_ok(!pv_store_write_each(store, see_write, &seen) && seen.sum == 12 && seen.right, "writes are walked in order");
    struct pv_hash leaf = hash_of(1), other = hash_of(2);
    tap_is_int(pv_store_sealed_accepted(store, &other), PV_ERR_NOT_FOUND, "a strange leaf is not ours");
    tap_is_int(pv_store_sealed_accepted(store, &leaf), PV_OK, "the abandoned version can be the accepted one");
    tap_ok(!pv_store_write_count(store, &count) && count == 1, "then the write is done");
    seen = (struct seen){0};
    tap_ok(!pv_store_sealed_each_ever(store, see_sealed, &seen) && seen.count == 0, "and all its versions go");
    write.id = 2;
    write.payload = pv_bytes("other", 5);
    tap_is_int(pv_store_write_replace(store, &write), PV_OK, "a write is made anew");
    tap_is_int(pv_store_write_drop(store, 2), PV_OK, "and given up");
    tap_is_int(pv_store_write_drop(store, 2), PV_ERR_NOT_FOUND, "once");
    tap_is_int(pv_store_write_replace(store, &write), PV_ERR_NOT_FOUND, "what is gone is not made anew");

    struct pv_id16 name = {{7}};
    struct pv_buf buf;
    pv_buf_init(&buf, 100);
    tap_is_int(pv_store_blob_add(store, &name, pv_bytes("0123456789", 10)), PV_OK, "a blob waits for its upload");
    tap_is_int(pv_store_blob_add(store, &name, pv_bytes("x", 1)), PV_ERR_CONFLICT, "no other takes its name");
    seen = (struct seen){0};
    tap_ok(!pv_store_blob_each(store, see_blob, &seen) && seen.sum == 10 && seen.right, "it is listed with its size");
    tap_ok(!pv_store_blob_get(store, &name, &buf) && buf.n == 10, "and read");
    tap_is_int(pv_store_blob_acknowledged(store, &name), PV_OK, "it is acknowledged");
    tap_is_int(pv_store_blob_get(store, &name, &buf), PV_ERR_NOT_FOUND, "and goes");
    pv_buf_release(&buf);
}

static void test_values(struct pv_store *store)
{
    struct pv_buf buf;
    uint64_t number = 0;
    pv_buf_init(&buf, 8);
    tap_is_int(pv_store_value_get(store, "room", &buf), PV_ERR_NOT_FOUND, "a value is not there at first");
    tap_is_int(pv_store_value_set(store, "room", pv_bytes("12345678", 8)), PV_OK, "it is set");
    tap_ok(!pv_store_value_get(store, "room", &buf) && buf.n == 8, "and read");
    tap_is_int(pv_store_value_set(store, "room", pv_bytes("123456789", 9)), PV_OK, "a longer one replaces it");
    tap_is_int(pv_store_value_get(store, "room", &buf), PV_ERR_LIMIT, "which does not fit the reader's buffer");
    tap_ok(!pv_store_number_get(store, "x", 5, &number) && number == 5, "a number has a default");
    tap_ok(!pv_store_number_set(store, "x", 1ull << 53) && !pv_store_number_get(store, "x", 5, &number) &&
               number == 1ull << 53, "and a value of its own");
    tap_is_int(pv_store_begin(store), PV_OK, "a transaction begins");
    tap_is_int(pv_store_value_delete(store, "x"), PV_OK, "in which it goes");
    pv_store_rollback(store);
    tap_ok(!pv_store_number_get(store, "x", 5, &number) && number == 1ull << 53, "a roll-back brings it back");
    pv_store_rollback(store);
    tap_is_int(pv_store_commit(store), PV_ERR_USAGE, "outside of a transaction nothing commits");
    tap_is_int(pv_store_check(store), PV_OK, "the database hangs together");
    pv_buf_release(&buf);
}

static enum pv_err open_after(const char *statements)
{
    sqlite3 *db = NULL;
    struct pv_store *store = NULL;
    enum pv_err err = sqlite3_open(":memory:", &db) || sqlite3_exec(db, statements, NULL, NULL, NULL) ? PV_ERR_IO : PV_OK;
    if (!err) err = pv_store_open(db, &store);
    pv_store_close(store);
    sqlite3_close(db);
    return err;
}

/* A database of schema 1 gets what 2 adds, once, and keeps what it held. */
static void test_upgrade(void)
{
    sqlite3 *db = NULL;
    struct pv_store *store = NULL;
    struct pv_verifications list = {0};
    uint64_t number = 0;
    enum pv_err err = sqlite3_open(":memory:", &db) ? PV_ERR_IO : pv_store_open(db, &store);
    if (!err) err = pv_store_number_set(store, "kept", 7);
    pv_store_close(store);
    store = NULL;
    if (!err && sqlite3_exec(db, "DROP TABLE verified; DROP TABLE told; DROP TABLE entry_key; DROP TABLE epoch_seed; PRAGMA user_version = 1", NULL, NULL, NULL)) err = PV_ERR_IO;
    tap_is_int(err, PV_OK, "a database of schema 1");
    for (int i = 0; i < 2 && !err; i++) {
        err = pv_store_open(db, &store);
        const struct pv_query query = {.store = store};
        if (!err) err = pv_verifications_load(&query, &list);
        if (!err) err = pv_store_number_get(store, "kept", 0, &number);
        tap_ok(!err && number == 7 && list.count == 0, i ? "and opens again" : "is brought up to date, and keeps what it held");
        pv_store_close(store);
        store = NULL;
    }
    sqlite3_close(db);
}

/* A database of schema 2 gets what 3 adds. */
static void test_second_schema(void)
{
    sqlite3 *db = NULL;
    struct pv_store *store = NULL;
    if (!tap_ok(sqlite3_open(":memory:", &db) == SQLITE_OK && pv_store_open(db, &store) == PV_OK, "a store")) return;
    pv_store_close(store);
    tap_ok(sqlite3_exec(db, "DROP TABLE entry_key; DROP TABLE epoch_seed; PRAGMA user_version = 2;"
                            "INSERT INTO unfolded (idx, type) VALUES (4, 21)", NULL, NULL, NULL) == SQLITE_OK, "becomes one of schema 2");
    tap_is_int(pv_store_open(db, &store), PV_OK, "which opens");
    uint64_t fold = 7;
    tap_ok(!pv_store_number_get(store, "pv.fold", 7, &fold) && fold == 0, "and folds anew what it had kept unfolded");
    tap_ok(sqlite3_exec(db, "SELECT key FROM entry_key; SELECT seed FROM epoch_seed", NULL, NULL, NULL) == SQLITE_OK,
           "it has the tables of schema 3");
    pv_store_close(store);
    tap_is_int(pv_store_open(db, &store), PV_OK, "and opens again");
    pv_store_close(store);
    sqlite3_close(db);
}

int main(void)
{
    sqlite3 *db = NULL;
    struct pv_store *store = NULL;
    tap_ok(!pv_crypto_init() && sqlite3_open(":memory:", &db) == SQLITE_OK, "a database opens");
    if (!tap_ok(pv_store_open(db, &store) == PV_OK, "and becomes a store")) return tap_done();
    test_values(store);
    test_log(store);
    test_tree(store);
    test_keys(store);
    test_outbox(store);
    pv_store_close(store);
    tap_is_int(pv_store_open(db, &store), PV_OK, "a closed store opens again");
    uint64_t size = 0;
    tap_ok(!pv_store_size(store, &size) && size == 10, "with what it held");
    pv_store_close(store);
    tap_is_int(sqlite3_close(db), SQLITE_OK, "no statement is left behind");
    test_upgrade();
    tap_is_int(open_after("CREATE TABLE mine (a)"), PV_ERR_CORRUPT, "another program's database is refused");
    tap_is_int(open_after("PRAGMA application_id = 1347833938; PRAGMA user_version = 4"), PV_ERR_UNSUPPORTED,
               "a newer schema says so");
    test_second_schema();
    return tap_done();
}
