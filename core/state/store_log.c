/* The stored log: entries, verdicts, and the pages of the Merkle tree. */
#include <stdlib.h>
#include <string.h>

#include "core/state/sql.h"

static const char folded_size[] = "pv.folded";

/* ---- verdicts */

static const struct {
    const char *name;
    enum pv_reason reason;
} reasons[] = {
#define REASON_ROW(code, name) {name, PV_REASON_##code},
    PV_REASON_TABLE(REASON_ROW)
#undef REASON_ROW
};

static const char *reason_name(enum pv_reason reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].reason == reason) return reasons[i].name;
    return reasons[0].name;
}

/* A name that we do not know was written by a newer version: no reason is known, the verdict still is. */
static enum pv_reason reason_of(struct pv_bytes name)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (pv_bytes_equal(name, pv_bytes_of_string(reasons[i].name))) return reasons[i].reason;
    return PV_REASON_NONE;
}

static enum pv_err put_verdict(struct pv_store *store, uint64_t index, enum pv_verdict verdict, enum pv_reason reason)
{
    if (verdict == PV_ACCEPTED) {
        struct pv_sql drop = pv_sql_begin(store, "DELETE FROM verdict WHERE idx = ?");
        pv_sql_bind_u64(&drop, index);
        return pv_sql_run(&drop);
    }
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO verdict (idx, verdict, reason) VALUES (?, ?, ?)");
    pv_sql_bind_u64(&sql, index);
    pv_sql_bind_u64(&sql, (uint64_t)verdict);
    pv_sql_bind_text(&sql, pv_bytes_of_string(reason_name(reason)));
    return pv_sql_run(&sql);
}

enum pv_err pv_store_entry_set_verdict(struct pv_store *store, uint64_t index, enum pv_verdict verdict,
                                       enum pv_reason reason)
{
    return put_verdict(store, index, verdict, reason);
}

/* ---- entries */

enum pv_err pv_store_size(struct pv_store *store, uint64_t *ret_size)
{
    if (!store->size.known) {
        struct pv_sql sql = pv_sql_begin(store, "SELECT max(idx) + 1 FROM entry");
        enum pv_err err = pv_sql_run_u64(&sql, 0, &store->size.next);
        if (err) return err;
        store->size.known = store->in_transaction;
    }
    *ret_size = store->size.next;
    return PV_OK;
}

static enum pv_err insert_entry(struct pv_store *store, const struct pv_stored_entry *entry)
{
    uint64_t author = 0;
    enum pv_err err = pv_sql_author(store, &entry->author, &author);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(store, "INSERT INTO entry (idx, author, n, entry, refs, body)"
                                            " VALUES (?, ?, ?, ?, ?, ?)");
    pv_sql_bind_u64(&sql, entry->index);
    pv_sql_bind_u64(&sql, author);
    pv_sql_bind_u64(&sql, entry->n);
    pv_sql_bind_bytes(&sql, entry->entry);
    pv_sql_bind_bytes(&sql, entry->refs);
    if (entry->has_body) pv_sql_bind_bytes(&sql, entry->body);
    else pv_sql_bind_null(&sql);
    err = pv_sql_run(&sql);
    if (!err && entry->has_verdict) err = put_verdict(store, entry->index, entry->verdict, entry->reason);
    return err;
}

enum pv_err pv_store_entry_add(struct pv_store *store, const struct pv_stored_entry *entry)
{
    bool own = false;
    uint64_t size = 0;
    enum pv_err err = pv_sql_enter(store, &own);
    if (err) return err;
    err = pv_store_size(store, &size);
    if (!err && entry->index != size) err = PV_ERR_CONFLICT;
    if (!err) err = insert_entry(store, entry);
    if (!err) store->size.next = size + 1;
    return pv_sql_leave(store, own, err);
}

/* Columns of every statement that reads whole entries. */
#define ENTRY_COLUMNS "e.idx, a.id, e.n, e.entry, e.refs, e.body IS NOT NULL, v.verdict, v.reason"
#define ENTRY_TABLES " FROM entry e JOIN author a ON a.no = e.author LEFT JOIN verdict v ON v.idx = e.idx"
enum { BODY_COLUMN = 8 };

/* One row, its slices still in SQLite's hands. */
static void read_entry(struct pv_sql *sql, uint64_t folded, bool with_body, struct pv_stored_entry *ret_entry)
{
    struct pv_stored_entry entry = {.index = pv_sql_u64(sql, 0), .n = pv_sql_u64(sql, 2)};
    pv_sql_fixed(sql, 1, entry.author.b, sizeof entry.author.b);
    entry.entry = pv_sql_bytes(sql, 3);
    entry.refs = pv_sql_bytes(sql, 4);
    entry.has_body = pv_sql_u64(sql, 5) != 0;
    if (with_body) entry.body = pv_sql_bytes(sql, BODY_COLUMN);
    entry.has_verdict = entry.index < folded || !pv_sql_is_null(sql, 6);
    if (!pv_sql_is_null(sql, 6)) {
        uint64_t verdict = pv_sql_u64(sql, 6);
        if (verdict > PV_UNSUPPORTED) pv_sql_fail(sql, PV_ERR_CORRUPT);
        entry.verdict = (enum pv_verdict)verdict;
        entry.reason = reason_of(pv_sql_bytes(sql, 7));
    }
    *ret_entry = entry;
}

/* Move the slices into `memory`, so that they outlive the row. */
static void keep_entry(struct pv_sql *sql, struct pv_stored_entry *entry, struct pv_buf *memory)
{
    struct pv_bytes *slices[] = {&entry->entry, &entry->refs, &entry->body};
    pv_buf_clear(memory);
    for (size_t i = 0; i < 3; i++) pv_buf_append(memory, slices[i]->p, slices[i]->n);
    if (memory->err) {
        pv_sql_fail(sql, memory->err);
        return;
    }
    const uint8_t *at = memory->p;
    for (size_t i = 0; i < 3; i++) {
        slices[i]->p = at;
        at += slices[i]->n;
    }
}

enum pv_err pv_store_entry_get(struct pv_store *store, uint64_t index, struct pv_buf *memory,
                               struct pv_stored_entry *ret_entry)
{
    struct pv_stored_entry entry = {0};
    uint64_t folded = 0;
    enum pv_err err = pv_store_folded_size(store, &folded);
    if (err) return err;
    struct pv_sql sql = pv_sql_begin(store, "SELECT " ENTRY_COLUMNS ", e.body" ENTRY_TABLES " WHERE e.idx = ?");
    pv_sql_bind_u64(&sql, index);
    if (pv_sql_step(&sql)) {
        read_entry(&sql, folded, true, &entry);
        keep_entry(&sql, &entry, memory);
    } else {
        pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    }
    err = pv_sql_end(&sql);
    if (!err) *ret_entry = entry;
    return err;
}

/* Rows are copied before the callback sees them: it may write to what is being walked. */
static enum pv_err walk(struct pv_store *store, const char *text, bool with_body, uint64_t from, uint64_t to,
                        pv_store_entry_row *row, void *context)
{
    struct pv_stored_entry entry;
    struct pv_buf memory;
    uint64_t folded = 0;
    enum pv_err err = pv_store_folded_size(store, &folded);
    if (err) return err;
    pv_buf_init(&memory, SIZE_MAX);
    struct pv_sql sql = pv_sql_begin(store, text);
    pv_sql_bind_u64(&sql, from);
    pv_sql_bind_u64(&sql, to > INT64_MAX ? INT64_MAX : to);
    while (pv_sql_step(&sql)) {
        read_entry(&sql, folded, with_body, &entry);
        keep_entry(&sql, &entry, &memory);
        if (!sql.err) sql.err = row(context, &entry);
    }
    err = pv_sql_end(&sql);
    pv_buf_release(&memory);
    return err;
}

enum pv_err pv_store_entry_each(struct pv_store *store, uint64_t from, uint64_t to, pv_store_entry_row *row,
                                void *context)
{
    return walk(store, "SELECT " ENTRY_COLUMNS ", e.body" ENTRY_TABLES " WHERE e.idx >= ? AND e.idx < ? ORDER BY e.idx",
                true, from, to, row, context);
}

enum pv_err pv_store_header_each(struct pv_store *store, uint64_t from, uint64_t to, pv_store_entry_row *row,
                                 void *context)
{
    return walk(store, "SELECT " ENTRY_COLUMNS ENTRY_TABLES " WHERE e.idx >= ? AND e.idx < ? ORDER BY e.idx", false,
                from, to, row, context);
}

enum pv_err pv_store_entry_missing_bodies(struct pv_store *store, uint64_t from, uint64_t to, size_t max,
                                          uint64_t *ret_indexes, size_t *ret_count)
{
    size_t count = 0;
    struct pv_sql sql = pv_sql_begin(store, "SELECT idx FROM entry WHERE idx >= ? AND idx < ? AND body IS NULL"
                                            " ORDER BY idx LIMIT ?");
    pv_sql_bind_u64(&sql, from);
    pv_sql_bind_u64(&sql, to > INT64_MAX ? INT64_MAX : to);
    pv_sql_bind_u64(&sql, (uint64_t)max > INT64_MAX ? INT64_MAX : max);
    while (pv_sql_step(&sql)) ret_indexes[count++] = pv_sql_u64(&sql, 0);
    enum pv_err err = pv_sql_end(&sql);
    if (!err) *ret_count = count;
    return err;
}

static enum pv_err change_body(struct pv_store *store, uint64_t index, const struct pv_bytes *body)
{
    struct pv_sql sql = pv_sql_begin(store, "UPDATE entry SET body = ? WHERE idx = ? RETURNING idx");
    if (body) pv_sql_bind_bytes(&sql, *body);
    else pv_sql_bind_null(&sql);
    pv_sql_bind_u64(&sql, index);
    if (!pv_sql_step(&sql)) pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    return pv_sql_run(&sql);
}

enum pv_err pv_store_entry_set_body(struct pv_store *store, uint64_t index, struct pv_bytes body)
{
    return change_body(store, index, &body);
}

enum pv_err pv_store_entry_drop_body(struct pv_store *store, uint64_t index)
{
    return change_body(store, index, NULL);
}

enum pv_err pv_store_entry_find(struct pv_store *store, const struct pv_hash *author, uint64_t n, uint64_t *ret_index)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT idx FROM entry WHERE n = ?2 AND author ="
                                            " (SELECT no FROM author WHERE id = ?1) ORDER BY idx DESC LIMIT 1");
    uint64_t index = UINT64_MAX;
    pv_sql_bind_bytes(&sql, PV_BYTES_OF(*author));
    pv_sql_bind_u64(&sql, n);
    enum pv_err err = pv_sql_run_u64(&sql, UINT64_MAX, &index);
    if (err) return err;
    if (index == UINT64_MAX) return PV_ERR_NOT_FOUND;
    *ret_index = index;
    return PV_OK;
}

enum pv_err pv_store_folded_size(struct pv_store *store, uint64_t *ret_size)
{
    return pv_store_number_get(store, folded_size, 0, ret_size);
}

enum pv_err pv_store_set_folded_size(struct pv_store *store, uint64_t size)
{
    return pv_store_number_set(store, folded_size, size);
}

/* ---- the tree. The newest page is held in memory during a transaction: it changes with every entry. */

static enum pv_err load_page(struct pv_store *store, uint64_t page, struct pv_hash *ret_hashes, size_t *ret_count)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT hashes FROM hashes WHERE page = ?");
    pv_sql_bind_u64(&sql, page);
    size_t count = 0;
    if (pv_sql_step(&sql)) {
        struct pv_bytes bytes = pv_sql_bytes(&sql, 0);
        count = bytes.n / sizeof *ret_hashes;
        if (bytes.n % sizeof *ret_hashes || count == 0 || count > PV_SQL_HASHES_A_PAGE) {
            pv_sql_fail(&sql, PV_ERR_CORRUPT);
            count = 0;
        }
        if (count) memcpy(ret_hashes, bytes.p, bytes.n);
    }
    *ret_count = count;
    return pv_sql_end(&sql);
}

/* Have the newest page in memory. */
static enum pv_err load_tail(struct pv_store *store)
{
    if (store->tail.known) return PV_OK;
    struct pv_sql sql = pv_sql_begin(store, "SELECT max(page) FROM hashes");
    enum pv_err err = pv_sql_run_u64(&sql, 0, &store->tail.page);
    if (!err) err = load_page(store, store->tail.page, store->tail.hashes, &store->tail.count);
    if (err) return err;
    store->tail.changed = false;
    store->tail.known = store->in_transaction;
    return PV_OK;
}

enum pv_err pv_store_hashes_flush(struct pv_store *store)
{
    if (!store->tail.known || !store->tail.changed) return PV_OK;
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO hashes (page, hashes) VALUES (?, ?)");
    pv_sql_bind_u64(&sql, store->tail.page);
    pv_sql_bind_bytes(&sql, pv_bytes(store->tail.hashes, store->tail.count * sizeof *store->tail.hashes));
    enum pv_err err = pv_sql_run(&sql);
    if (!err) store->tail.changed = false;
    return err;
}

enum pv_err pv_store_hashes_count(struct pv_store *store, uint64_t *ret_count)
{
    enum pv_err err = load_tail(store);
    if (!err) *ret_count = store->tail.page * PV_SQL_HASHES_A_PAGE + store->tail.count;
    return err;
}

static enum pv_err add_hash(struct pv_store *store, const struct pv_hash *hash)
{
    if (store->tail.count == PV_SQL_HASHES_A_PAGE) {
        enum pv_err err = pv_store_hashes_flush(store);
        if (err) return err;
        store->tail.page++;
        store->tail.count = 0;
    }
    store->tail.hashes[store->tail.count++] = *hash;
    store->tail.changed = true;
    return PV_OK;
}

enum pv_err pv_store_hashes_add(struct pv_store *store, uint64_t at, const struct pv_hash *hashes, size_t count)
{
    bool own = false;
    uint64_t have = 0;
    enum pv_err err = pv_sql_enter(store, &own);
    if (err) return err;
    err = pv_store_hashes_count(store, &have);
    if (!err && at != have) err = PV_ERR_CONFLICT;
    for (size_t i = 0; i < count && !err; i++) err = add_hash(store, &hashes[i]);
    return pv_sql_leave(store, own, err);
}

static enum pv_err read_hashes(void *context, uint64_t at, size_t count, struct pv_hash *ret_hashes)
{
    struct pv_store *store = context;
    struct pv_hash page_hashes[PV_SQL_HASHES_A_PAGE];
    while (count) {
        uint64_t page = at / PV_SQL_HASHES_A_PAGE;
        size_t first = at % PV_SQL_HASHES_A_PAGE, have = 0;
        const struct pv_hash *hashes = page_hashes;
        if (store->tail.known && store->tail.page == page) {
            hashes = store->tail.hashes;
            have = store->tail.count;
        } else {
            enum pv_err err = load_page(store, page, page_hashes, &have);
            if (err) return err;
        }
        if (first >= have) return PV_ERR_NOT_FOUND;
        size_t take = have - first < count ? have - first : count;
        memcpy(ret_hashes, hashes + first, take * sizeof *hashes);
        ret_hashes += take;
        at += take;
        count -= take;
    }
    return PV_OK;
}

struct pv_merkle_reader pv_store_merkle_reader(struct pv_store *store)
{
    return (struct pv_merkle_reader){read_hashes, store};
}

enum pv_err pv_store_leaf(struct pv_store *store, uint64_t index, struct pv_hash *ret_leaf)
{
    return read_hashes(store, pv_merkle_stored_index(0, index), 1, ret_leaf);
}
