/* The embedded store's rooms and logs: reading. */
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/room/epoch.h"
#include "server/meta/sqlite_place.h"

_Static_assert(WRAP_SLOT_BYTES == 1 + PV_WRAP_BYTES, "a slot holds one wrap");

void pv_sqlite_get_room(sqlite3_stmt *stmt, struct pv_meta_room *ret_room)
{
    *ret_room = (struct pv_meta_room){.no = pv_sqlite_uint(stmt, 0),
                                      .kind = (unsigned)pv_sqlite_uint(stmt, 2),
                                      .size = pv_sqlite_uint(stmt, 3),
                                      .note_time_s = pv_sqlite_uint(stmt, 4),
                                      .restored = pv_sqlite_uint(stmt, 5) != 0,
                                      .has_notice = sqlite3_column_type(stmt, 6) != SQLITE_NULL,
                                      .notice_ms = pv_sqlite_uint(stmt, 6),
                                      .dropping = pv_sqlite_uint(stmt, 7)};
    struct pv_bytes id = pv_sqlite_bytes(stmt, 1);
    if (id.n == sizeof ret_room->id.b) memcpy(ret_room->id.b, id.p, id.n);
}

enum pv_err pv_sqlite_room(struct pv_meta *meta, const struct pv_hash *id, struct pv_meta_room *ret_room)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ROOM);
    if (stmt) pv_sqlite_bind_hash(stmt, 1, id);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) pv_sqlite_get_room(stmt, ret_room);
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

/* Append column 0 of the one row of a statement about `key`, and tell column 1. */
static enum pv_err read_blob(struct pv_meta *meta, enum pv_sqlite_statement id, uint64_t key, struct pv_buf *ret_bytes,
                             uint64_t *ret_number)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, id);
    if (stmt) pv_sqlite_bind_uint(stmt, 1, key);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) {
        struct pv_bytes bytes = pv_sqlite_bytes(stmt, 0);
        pv_buf_append(ret_bytes, bytes.p, bytes.n);
        err = ret_bytes->err;
        if (!err && ret_number) *ret_number = pv_sqlite_uint(stmt, 1);
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_note(struct pv_meta *meta, uint64_t no, struct pv_buf *note, uint64_t *ret_size)
{
    return read_blob(meta, SQL_NOTE, no, note, ret_size);
}

enum pv_err pv_sqlite_roster(struct pv_meta *meta, uint64_t no, struct pv_buf *roster, uint64_t *ret_size)
{
    return read_blob(meta, SQL_ROSTER, no, roster, ret_size);
}

enum pv_err pv_sqlite_links(struct pv_meta *meta, uint64_t no, uint64_t index, struct pv_buf *links)
{
    return read_blob(meta, SQL_LINKS, pv_sqlite_place(no, index), links, NULL);
}

enum pv_err pv_sqlite_renew_note(struct pv_meta *meta, uint64_t no, uint64_t size, struct pv_bytes note,
                                 uint64_t time_s)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_NOTE_RENEW);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, no);
        pv_sqlite_bind_uint(stmt, 2, size);
        pv_sqlite_bind_bytes(stmt, 3, note.p, note.n);
        pv_sqlite_bind_uint(stmt, 4, time_s);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    if (!err && sqlite3_changes(conn->db) == 0) err = PV_ERR_CONFLICT;
    pv_sqlite_give(store, conn);
    return err;
}

static enum pv_err get_entry(sqlite3_stmt *stmt, uint64_t no, bool sealed, struct pv_meta_entry *ret_entry)
{
    struct pv_entry entry;
    struct pv_meta_entry row = {.index = pv_sqlite_uint(stmt, 0) - pv_sqlite_place(no, 0),
                                .author_n = pv_sqlite_uint(stmt, 1),
                                .verdict = (unsigned)pv_sqlite_uint(stmt, 2) & 0xff,
                                .reason = (unsigned)pv_sqlite_uint(stmt, 2) >> 8,
                                .entry = pv_sqlite_bytes(stmt, 3),
                                .refs = pv_sqlite_bytes(stmt, 4)};
    if (pv_entry_read(row.entry, &entry)) return PV_ERR_CORRUPT;
    row.author = entry.header.author;
    row.forgotten = sqlite3_column_type(stmt, 5) == SQLITE_NULL;
    if (!row.forgotten && (sealed || !pv_kind_is_sealed(entry.header.kind))) {
        row.body = pv_sqlite_bytes(stmt, 5);
        if (!row.body.p) row.body.p = (const uint8_t *)""; /* there, and empty */
    }
    *ret_entry = row;
    return PV_OK;
}

enum pv_err pv_sqlite_entries(struct pv_meta *meta, uint64_t no, uint64_t from, uint64_t count, bool sealed,
                              enum pv_err (*each)(void *context, const struct pv_meta_entry *entry), void *context)
{
    if (from >> INDEX_BITS) return PV_OK;
    uint64_t room_end = (uint64_t)1 << INDEX_BITS, to = count < room_end - from ? from + count : room_end;
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ENTRIES);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, pv_sqlite_place(no, from));
        pv_sqlite_bind_uint(stmt, 2, pv_sqlite_place(no, to));
    }
    enum pv_err err;
    while (!(err = pv_sqlite_row(conn, stmt))) {
        struct pv_meta_entry entry;
        err = get_entry(stmt, no, sealed, &entry);
        if (!err) err = each(context, &entry);
        if (err) break;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}

/* Is the row's entry, in `column`, by this author? The indexed number is only a hint. */
static enum pv_err is_by(sqlite3_stmt *stmt, int column, const struct pv_hash *author, bool *ret_is)
{
    struct pv_entry entry;
    if (pv_entry_read(pv_sqlite_bytes(stmt, column), &entry)) return PV_ERR_CORRUPT;
    *ret_is = pv_hash_equal(&entry.header.author, author);
    return PV_OK;
}

enum pv_err pv_sqlite_find(struct pv_meta *meta, uint64_t no, const struct pv_hash *author, uint64_t n,
                           struct pv_meta_entry *ret_entry)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ENTRY_FIND);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, pv_sqlite_author(no, author));
        pv_sqlite_bind_uint(stmt, 2, n);
        pv_sqlite_bind_uint(stmt, 3, pv_sqlite_place(no, 0));
        pv_sqlite_bind_uint(stmt, 4, pv_sqlite_place(no + 1, 0));
    }
    enum pv_err err;
    while (!(err = pv_sqlite_row(conn, stmt))) {
        bool is = false;
        err = is_by(stmt, 3, author, &is);
        if (err || is) break;
    }
    if (!err) {
        uint64_t verdict = pv_sqlite_uint(stmt, 1);
        *ret_entry = (struct pv_meta_entry){.index = pv_sqlite_uint(stmt, 0) - pv_sqlite_place(no, 0),
                                            .verdict = (unsigned)verdict & 0xff, .reason = (unsigned)verdict >> 8,
                                            .author_n = n, .author = *author};
        pv_entry_leaf(pv_sqlite_bytes(stmt, 3), &ret_entry->leaf);
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_newest(struct pv_meta *meta, uint64_t no, const struct pv_hash *author, unsigned except_reason,
                             uint64_t *ret_n, bool *ret_found, uint64_t *ret_index)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ENTRY_NEWEST);
    uint64_t n = 0, index = 0;
    bool found = false;
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, pv_sqlite_author(no, author));
        pv_sqlite_bind_uint(stmt, 2, pv_sqlite_place(no, 0));
        pv_sqlite_bind_uint(stmt, 3, pv_sqlite_place(no + 1, 0));
    }
    enum pv_err err;
    while (!found && !(err = pv_sqlite_row(conn, stmt))) {
        bool is = false;
        err = is_by(stmt, 3, author, &is);
        if (err) break;
        if (!is) continue;
        if (!n) n = pv_sqlite_uint(stmt, 1);
        found = pv_sqlite_uint(stmt, 2) >> 8 != except_reason;
        index = pv_sqlite_uint(stmt, 0) - pv_sqlite_place(no, 0);
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    if (err && err != PV_ERR_NOT_FOUND) return err;
    *ret_n = n;
    *ret_found = found;
    *ret_index = index;
    return PV_OK;
}

/* The leaf whose appending stored hash number `at`. */
static uint64_t leaf_of_stored(uint64_t at)
{
    uint64_t low = 0, high = at; /* 2n - popcount(n) is never below n */
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        if (pv_merkle_stored_count(middle) <= at) low = middle;
        else high = middle - 1;
    }
    return low;
}

enum pv_err pv_sqlite_hashes(struct pv_meta *meta, uint64_t no, uint64_t at, size_t count, struct pv_hash *ret_hashes)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    enum pv_err err = PV_OK;
    for (size_t done = 0; done < count && !err;) {
        uint64_t leaf = leaf_of_stored(at + done);
        size_t skip = (size_t)(at + done - pv_merkle_stored_count(leaf));
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_TREE);
        if (stmt) pv_sqlite_bind_uint(stmt, 1, pv_sqlite_place(no, leaf));
        err = pv_sqlite_row(conn, stmt);
        if (!err) {
            struct pv_bytes tree = pv_sqlite_bytes(stmt, 0);
            size_t here = tree.n / sizeof *ret_hashes;
            if (tree.n % sizeof *ret_hashes || here <= skip) err = PV_ERR_CORRUPT;
            for (; !err && skip < here && done < count; skip++, done++)
                memcpy(ret_hashes[done].b, tree.p + skip * sizeof *ret_hashes, sizeof *ret_hashes);
        } else if (err == PV_ERR_NOT_FOUND) {
            err = PV_ERR_CORRUPT;
        }
        pv_sqlite_done(stmt);
    }
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_wrap(struct pv_meta *meta, uint64_t no, uint64_t index, uint64_t i, struct pv_buf *wrap,
                           uint64_t *ret_count, struct pv_buf *leaves)
{
    if (i >= PV_LIMIT_WRAPS) return PV_ERR_NOT_FOUND;
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_WRAP);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, pv_sqlite_place(no, index));
        pv_sqlite_bind_uint(stmt, 2, i);
    }
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err && i >= pv_sqlite_uint(stmt, 0)) err = PV_ERR_NOT_FOUND;
    if (!err) {
        struct pv_bytes hashes = pv_sqlite_bytes(stmt, 1), slot = pv_sqlite_bytes(stmt, 2);
        if (slot.n != WRAP_SLOT_BYTES || slot.p[0] > 1) {
            err = PV_ERR_CORRUPT;
        } else {
            *ret_count = pv_sqlite_uint(stmt, 0);
            pv_buf_append(leaves, hashes.p, hashes.n);
            if (slot.p[0]) pv_buf_append(wrap, slot.p + 1, slot.n - 1);
            err = wrap->err ? wrap->err : leaves->err;
        }
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_kem_key(struct pv_meta *meta, uint64_t no, const struct pv_hash *hash, struct pv_kem_pk *ret_key)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_KEM);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, no);
        pv_sqlite_bind_hash(stmt, 2, hash);
    }
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) err = pv_sqlite_fixed(stmt, 0, ret_key->b, sizeof ret_key->b);
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_kem_put(struct pv_meta *meta, uint64_t no, const struct pv_hash *hash, const struct pv_kem_pk *key)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    enum pv_err err = pv_sqlite_begin(conn);
    sqlite3_stmt *stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_KEM_PUT);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, no);
        pv_sqlite_bind_hash(stmt, 2, hash);
        pv_sqlite_bind_bytes(stmt, 3, key->b, sizeof key->b);
    }
    if (!err) err = pv_sqlite_run(conn, stmt);
    err = pv_sqlite_end(conn, err);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_access(struct pv_meta *meta, uint64_t no, const struct pv_hash *device,
                             enum pv_access *ret_access)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ACCESS);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, device);
        pv_sqlite_bind_uint(stmt, 2, no);
    }
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) *ret_access = (enum pv_access)sqlite3_column_int(stmt, 0);
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_rooms_of(struct pv_meta *meta, const struct pv_hash *device,
                               enum pv_err (*each)(void *context, const struct pv_meta_room *room), void *context)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ROOMS_OF);
    if (stmt) pv_sqlite_bind_hash(stmt, 1, device);
    enum pv_err err;
    while (!(err = pv_sqlite_row(conn, stmt))) {
        struct pv_meta_room room;
        pv_sqlite_get_room(stmt, &room);
        err = each(context, &room);
        if (err) break;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}

enum pv_err pv_sqlite_overdue(struct pv_meta *meta, uint64_t now_ms, size_t max, struct pv_hash *ret_rooms,
                              size_t *ret_count)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_OVERDUE);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, now_ms);
        pv_sqlite_bind_uint(stmt, 2, max);
    }
    enum pv_err err = pv_sqlite_rooms(conn, stmt, max, ret_rooms, ret_count);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_set_deadline(struct pv_meta *meta, uint64_t no, uint64_t size, uint64_t next_until_ms)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_SOFT);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ROOM_DEADLINE_AT);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, no);
        pv_sqlite_bind_uint(stmt, 2, size);
        if (next_until_ms != UINT64_MAX) pv_sqlite_bind_uint(stmt, 3, next_until_ms);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    pv_sqlite_give(store, conn);
    return err;
}
