/* One log gives one state: cold, in batches of any size, in several sessions, folded anew, with queries in between. */
#include "tests/seeded.h"
#include "tests/unit/fold_rig.h"

enum { LOGS = 25, ENTRIES = 300, DEVICES = 4, WRITES = 120, PATHS = 6 };

/* Deterministic in seed and index, so that the log can be walked as often as needed. Write ids repeat now and then,
 * and what is named may not be there yet, or be of another author or type. */
static struct pv_payload make_payload(struct seeded *s, char *memory, size_t memory_bytes)
{
    static const char *const paths[PATHS] = {"a", "b", "dir/a", "dir/b", "dir/deep/a", "a b"};
    const char *path = paths[seeded_below(s, PATHS)];
    unsigned author = (unsigned)seeded_below(s, DEVICES), write = 1 + (unsigned)seeded_below(s, WRITES);
    struct pv_payload payload = {.type = PV_PAYLOAD_CHUNKING};
    switch (seeded_below(s, 8)) {
    case 0:
    case 1:
        snprintf(memory, memory_bytes, "text %llu of %u", (unsigned long long)seeded_below(s, 50), author);
        return rig_message(memory);
    case 2:
        snprintf(memory, memory_bytes, "name %llu", (unsigned long long)seeded_below(s, 5));
        return rig_profile(memory);
    case 3: return rig_file_put(path, seeded_below(s, 4), 0, 0);
    case 4: return rig_file_put(path, seeded_below(s, 4), author, write);
    case 5: return rig_file_move(author, write, path);
    case 6: return rig_file_remove(author, write);
    default: seeded_fill(s, payload.u.chunking.b, sizeof payload.u.chunking.b); return payload;
    }
}

static enum pv_err fold_one(struct rig *rig, uint64_t seed, uint64_t index)
{
    struct seeded s = seeded_make(seed * 1000 + index);
    char memory[64];
    struct pv_payload payload = make_payload(&s, memory, sizeof memory);
    unsigned author = (unsigned)seeded_below(&s, DEVICES), write = 1 + (unsigned)seeded_below(&s, WRITES);
    if (seeded_below(&s, 20) == 0) { /* something unreadable or unknown now and then */
        uint8_t bytes[20] = {0x82, 0x18, 0x63, 0x50, (uint8_t)write};
        return rig_fold_bytes(rig, author, PV_KIND_WORK, pv_bytes(bytes, (size_t)seeded_below(&s, sizeof bytes + 1)));
    }
    if (seeded_below(&s, 20) == 0) {
        rig->next++;
        return pv_fold_unreadable(rig->store, rig->next - 1, PV_ERR_NO_KEY);
    }
    return rig_put(rig, author, write, payload, false);
}

/* Settled or not. */
#define SELECT_WRITTEN                                                                                               \
    "SELECT * FROM written UNION SELECT write_id, author, idx FROM message UNION"                                    \
    " SELECT write_id, author, idx FROM version ORDER BY write_id, author"

/* Every row of every folded table, and what a search finds, as one hash. */
static bool dump(struct rig *rig, struct pv_hash *ret_hash)
{
    static const char *const selects[] = {
        "SELECT no, id FROM author ORDER BY no",
        SELECT_WRITTEN,
        "SELECT * FROM unreadable ORDER BY idx", "SELECT * FROM unfolded ORDER BY idx",
        "SELECT * FROM profile ORDER BY author", "SELECT * FROM message ORDER BY idx",
        "SELECT * FROM file ORDER BY idx",       "SELECT * FROM version ORDER BY idx",
        "SELECT * FROM chunking ORDER BY idx",   "SELECT * FROM room ORDER BY room",
        "SELECT * FROM room_head ORDER BY room, author"};
    struct pv_sha256 sha;
    bool good = true;
    pv_sha256_init(&sha);
    for (size_t i = 0; i < sizeof selects / sizeof *selects; i++) {
        sqlite3_stmt *stmt = NULL;
        good = good && sqlite3_prepare_v2(rig->db, selects[i], -1, &stmt, NULL) == SQLITE_OK;
        while (good && sqlite3_step(stmt) == SQLITE_ROW)
            for (int c = 0; c < sqlite3_column_count(stmt); c++) {
                const void *value = sqlite3_column_blob(stmt, c);
                pv_sha256_put_bytes(&sha, value, (size_t)sqlite3_column_bytes(stmt, c));
            }
        sqlite3_finalize(stmt);
    }
    static const char *const words[] = {"text", "name", "dir", "deep", "4", "b"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) pv_sha256_put_text(&sha, rig_search(rig, words[i]));
    pv_sha256_put_text(&sha, rig_files(rig, ""));
    pv_sha256_put_text(&sha, rig_messages(rig, (struct pv_message_filter){0}));
    pv_sha256_final(&sha, ret_hash);
    return good;
}

static bool fold_to(struct rig *rig, uint64_t seed, uint64_t end)
{
    bool good = !pv_store_begin(rig->store);
    while (good && rig->next < end) good = !fold_one(rig, seed, rig->next);
    return good && !pv_store_commit(rig->store);
}

static bool fold_cold(struct rig *rig, uint64_t seed, struct pv_hash *ret_hash)
{
    return fold_to(rig, seed, ENTRIES) && dump(rig, ret_hash);
}

/* Batches of any size; sometimes one that is rolled back, a new session, a query, an unsent write on top. */
static bool fold_in_batches(struct rig *rig, uint64_t seed, struct pv_hash *ret_hash)
{
    struct seeded s = seeded_make(~seed);
    bool good = true;
    while (good && rig->next < ENTRIES) {
        uint64_t end = rig->next + 1 + seeded_below(&s, seeded_below(&s, 2) ? 3 : 90);
        good = fold_to(rig, seed, end < ENTRIES ? end : ENTRIES);
        uint64_t dice = seeded_below(&s, 6);
        if (dice == 0 && good) {
            uint64_t next = rig->next;
            good = !pv_store_begin(rig->store) && !fold_one(rig, seed + 7, rig->next);
            pv_store_rollback(rig->store);
            rig->next = next;
        } else if (dice == 1) {
            pv_store_close(rig->store);
            rig->store = NULL;
            good = !pv_store_open(rig->db, &rig->store);
            rig->query.store = rig->store;
        } else if (dice == 2) {
            good = good && !pv_fold_index_words(rig->store, 1 + seeded_below(&s, 20));
        } else if (dice == 3) {
            struct pv_write write = {.write_id = rig_id(5000), .kind = PV_KIND_TALK, .created_ms = 1};
            uint64_t id = 0;
            struct pv_payload payload = rig_message("unsent");
            uint8_t memory[200];
            struct pv_buf buf;
            pv_buf_init_fixed(&buf, memory, sizeof memory);
            payload.write_id = write.write_id;
            pv_payload_put(&buf, &payload);
            write.payload = pv_buf_bytes(&buf);
            good = good && !pv_store_write_add(rig->store, &write, &id) && strstr(rig_search(rig, "unsent"), "unsent?") &&
                   !pv_store_write_drop(rig->store, id);
        }
    }
    return good && dump(rig, ret_hash);
}

static bool fold_anew(struct rig *rig, uint64_t seed, struct pv_hash *ret_hash)
{
    rig->next = 0;
    return !pv_fold_reset(rig->store) && fold_cold(rig, seed, ret_hash);
}

int main(void)
{
    unsigned cold = 0, batches = 0, anew = 0, different = 0;
    struct pv_hash last = {{0}};
    if (pv_crypto_init()) return 1;
    for (uint64_t seed = 1; seed <= LOGS; seed++) {
        struct rig a, b;
        struct pv_hash want = {{0}}, got = {{0}};
        cold += rig_open(&a) && fold_cold(&a, seed, &want);
        different += !pv_hash_equal(&want, &last);
        last = want;
        batches += rig_open(&b) && fold_in_batches(&b, seed, &got) && pv_hash_equal(&want, &got);
        anew += fold_anew(&b, seed, &got) && pv_hash_equal(&want, &got);
        rig_close(&a);
        rig_close(&b);
    }
    tap_is_int(cold, LOGS, "logs of 300 random entries fold");
    tap_is_int(different, LOGS, "each to a state of its own");
    tap_is_int(batches, LOGS, "which is the same in batches, sessions, and with queries in between");
    tap_is_int(anew, LOGS, "and when folded anew");
    return tap_done();
}
