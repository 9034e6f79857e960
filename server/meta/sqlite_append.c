/* The embedded store's one write to logs: everything that a batch of rooms gains, in one transaction. */
#include <stdlib.h>
#include <string.h>

#include "server/meta/sqlite_place.h"

enum { ROOMS_MAX = 1 << 22 };

enum pv_err pv_sqlite_refs(struct pv_sqlite_conn *conn, uint64_t room, struct pv_bytes refs, int delta)
{
    size_t count;
    bool missing = false;
    if (pv_refs_are_dropped(refs)) return PV_OK; /* of a tail that was given back */
    enum pv_err err = pv_refs_check(refs, &count);
    for (size_t i = 0; i < count && !err; i++) {
        struct pv_id16 name;
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_BLOB_REF);
        pv_refs_at(refs, i, &name);
        if (stmt) {
            pv_sqlite_bind_uint(stmt, 1, room);
            pv_sqlite_bind_bytes(stmt, 2, name.b, sizeof name.b);
            sqlite3_bind_int(stmt, 3, delta);
        }
        err = pv_sqlite_run(conn, stmt);
        missing |= !err && sqlite3_changes(conn->db) == 0;
    }
    return !err && missing ? PV_ERR_NOT_FOUND : err;
}

static enum pv_err grow_room(struct pv_sqlite_conn *conn, struct pv_meta_append *room)
{
    bool fresh = room->no == 0;
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, fresh ? SQL_ROOM_NEW : SQL_ROOM_GROW);
    uint64_t size = room->size + room->entry_count;
    if (stmt && fresh) {
        pv_sqlite_bind_hash(stmt, 1, &room->room);
        pv_sqlite_bind_uint(stmt, 2, room->kind);
        pv_sqlite_bind_uint(stmt, 3, size);
    } else if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, room->no);
        pv_sqlite_bind_uint(stmt, 2, room->size);
        pv_sqlite_bind_uint(stmt, 3, size);
    }
    if (stmt) {
        pv_sqlite_bind_bytes(stmt, 4, room->note.p, room->note.n);
        pv_sqlite_bind_uint(stmt, 5, room->note_time_s);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    if (!err && sqlite3_changes(conn->db) == 0) err = PV_ERR_CONFLICT;
    if (!err && fresh) room->no = (uint64_t)sqlite3_last_insert_rowid(conn->db);
    if (!err && room->no >= ROOMS_MAX) err = PV_ERR_FULL;
    return err;
}

static enum pv_err put_entry(struct pv_sqlite_conn *conn, uint64_t room, const struct pv_meta_entry *entry)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ENTRY_PUT);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, pv_sqlite_place(room, entry->index));
        sqlite3_bind_int64(stmt, 2, pv_sqlite_author(room, &entry->author));
        pv_sqlite_bind_uint(stmt, 3, entry->author_n);
        pv_sqlite_bind_uint(stmt, 4, entry->verdict | (uint64_t)entry->reason << 8);
        pv_sqlite_bind_bytes(stmt, 5, entry->hashes, entry->hash_count * sizeof *entry->hashes);
        pv_sqlite_bind_bytes(stmt, 6, entry->entry.p, entry->entry.n);
        pv_sqlite_bind_bytes(stmt, 7, entry->refs.p, entry->refs.n);
        if (!entry->forgotten) pv_sqlite_bind_bytes(stmt, 8, entry->body.p, entry->body.n);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    return err;
}

/* Blobs of a tail that is given back may be gone with the disk, or have lost their rows: those count for when they come. */
static enum pv_err put_refs(struct pv_sqlite_conn *conn, const struct pv_meta_append *room, struct pv_bytes refs)
{
    size_t count = 0;
    enum pv_err err = pv_sqlite_refs(conn, room->no, refs, 1);
    if (err != PV_ERR_NOT_FOUND || !room->given_back) return err;
    err = pv_refs_check(refs, &count);
    for (size_t i = 0; i < count && !err; i++) {
        struct pv_id16 name;
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_BLOB_LOST);
        pv_refs_at(refs, i, &name);
        if (stmt) {
            pv_sqlite_bind_uint(stmt, 1, room->no);
            pv_sqlite_bind_bytes(stmt, 2, name.b, sizeof name.b);
        }
        err = pv_sqlite_run(conn, stmt);
    }
    return err;
}

static enum pv_err put_kem_keys(struct pv_sqlite_conn *conn, uint64_t room, const struct pv_meta_beside *beside)
{
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < beside->kem_key_count && !err; i++) {
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_KEM_PUT);
        if (stmt) {
            pv_sqlite_bind_uint(stmt, 1, room);
            pv_sqlite_bind_hash(stmt, 2, &beside->kem_hashes[i]);
            pv_sqlite_bind_bytes(stmt, 3, beside->kem_keys[i].p, beside->kem_keys[i].n);
        }
        err = pv_sqlite_run(conn, stmt);
    }
    return err;
}

static enum pv_err put_beside(struct pv_sqlite_conn *conn, uint64_t room, const struct pv_meta_beside *beside)
{
    enum pv_err err = put_kem_keys(conn, room, beside);
    if (err || (beside->wrap_count == 0 && beside->links.n <= 1)) return err;
    uint8_t *slots = calloc(beside->wrap_count + 1, WRAP_SLOT_BYTES);
    if (!slots) return PV_ERR_NOMEM;
    for (size_t i = 0; i < beside->wrap_count; i++) {
        if (beside->wraps[i].n != WRAP_SLOT_BYTES - 1) continue;
        slots[i * WRAP_SLOT_BYTES] = 1;
        memcpy(slots + i * WRAP_SLOT_BYTES + 1, beside->wraps[i].p, WRAP_SLOT_BYTES - 1);
    }
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_BESIDE_PUT);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, pv_sqlite_place(room, beside->index));
        pv_sqlite_bind_bytes(stmt, 2, beside->links.p, beside->links.n);
        pv_sqlite_bind_uint(stmt, 3, beside->wrap_count);
        pv_sqlite_bind_bytes(stmt, 4, beside->leaves, beside->leaf_count * sizeof *beside->leaves);
        pv_sqlite_bind_bytes(stmt, 5, slots, beside->wrap_count * WRAP_SLOT_BYTES);
    }
    err = pv_sqlite_run(conn, stmt);
    free(slots);
    return err;
}

static enum pv_err put_member(struct pv_sqlite_conn *conn, const struct pv_meta_append *room,
                              const struct pv_meta_member *member)
{
    bool gone = member->access == PV_ACCESS_NONE;
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, gone ? SQL_MEMBER_DROP : SQL_MEMBER_PUT);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, &member->device);
        pv_sqlite_bind_uint(stmt, 2, room->no);
        if (!gone) sqlite3_bind_int(stmt, 3, (int)member->access);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    if (err || !gone || room->kind != 0) return err;
    stmt = pv_sqlite_stmt(conn, SQL_SESSION_END_OF); /* a person has revoked its device */
    if (stmt) pv_sqlite_bind_hash(stmt, 1, &member->device);
    return pv_sqlite_run(conn, stmt);
}

static enum pv_err put_roster(struct pv_sqlite_conn *conn, const struct pv_meta_append *room)
{
    enum pv_err err = PV_OK;
    if (room->roster.n) {
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ROSTER_PUT);
        if (stmt) {
            pv_sqlite_bind_uint(stmt, 1, room->no);
            pv_sqlite_bind_uint(stmt, 2, room->size + room->entry_count);
            pv_sqlite_bind_bytes(stmt, 3, room->roster.p, room->roster.n);
        }
        err = pv_sqlite_run(conn, stmt);
    }
    if (!err && room->deadline_changes) {
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ROOM_DEADLINE);
        if (stmt) {
            pv_sqlite_bind_uint(stmt, 1, room->no);
            if (room->next_until_ms != UINT64_MAX) pv_sqlite_bind_uint(stmt, 2, room->next_until_ms);
        }
        err = pv_sqlite_run(conn, stmt);
    }
    for (size_t i = 0; i < room->member_count && !err; i++) err = put_member(conn, room, &room->members[i]);
    return err;
}

static enum pv_err put_release(struct pv_sqlite_conn *conn, uint64_t room, const struct pv_meta_release *release)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_RELEASE_PUT);
    if (stmt) {
        pv_sqlite_bind_bytes(stmt, 1, release->gate.b, sizeof release->gate.b);
        pv_sqlite_bind_hash(stmt, 2, &release->request);
        pv_sqlite_bind_uint(stmt, 3, release->time_ms);
        pv_sqlite_bind_uint(stmt, 4, release->version);
        pv_sqlite_bind_uint(stmt, 5, release->max_releases); /* no maximum binds as -1 */
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    if (!err && sqlite3_changes(conn->db) == 0) err = PV_ERR_EXPIRED;
    stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_TICKET_PUT);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, &release->ticket);
        pv_sqlite_bind_uint(stmt, 2, room);
        pv_sqlite_bind_uint(stmt, 3, release->ticket_until_ms);
    }
    return err ? err : pv_sqlite_run(conn, stmt);
}

static enum pv_err put_gates(struct pv_sqlite_conn *conn, const struct pv_meta_append *room)
{
    enum pv_err err = PV_OK;
    for (size_t i = 0; i < room->closed_count && !err; i++) {
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_GATE_CLOSE);
        if (stmt) {
            pv_sqlite_bind_bytes(stmt, 1, room->closed[i].gate.b, sizeof room->closed[i].gate.b);
            pv_sqlite_bind_uint(stmt, 2, room->no);
            sqlite3_bind_text(stmt, 3, room->closed[i].reason, -1, SQLITE_STATIC);
        }
        err = pv_sqlite_run(conn, stmt);
        if (!err) pv_sqlite_erases(conn);
    }
    for (size_t i = 0; i < room->release_count && !err; i++) err = put_release(conn, room->no, &room->releases[i]);
    return err;
}

/* A code goes. */
static enum pv_err take_code(struct pv_sqlite_conn *conn, const struct pv_meta_append *room)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_CODE_TAKE);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, &room->registration_hash);
        pv_sqlite_bind_uint(stmt, 2, room->now_ms);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    return !err && sqlite3_changes(conn->db) == 0 ? PV_ERR_DENIED : err;
}

/* A ticket stays, for reading, and is counted: it is good for one account. */
static enum pv_err take_ticket(struct pv_sqlite_conn *conn, const struct pv_meta_append *room)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_TICKET);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, &room->registration_hash);
        pv_sqlite_bind_uint(stmt, 2, room->now_ms);
    }
    enum pv_err err = pv_sqlite_row(conn, stmt);
    pv_sqlite_done(stmt);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_ERR_DENIED : err;
    stmt = pv_sqlite_stmt(conn, SQL_COUNT_ADD);
    if (stmt) {
        sqlite3_bind_text(stmt, 1, PV_META_COUNT_REGISTERED, -1, SQLITE_STATIC);
        pv_sqlite_bind_hash(stmt, 2, &room->registration_hash);
        pv_sqlite_bind_uint(stmt, 3, 0);
        pv_sqlite_bind_uint(stmt, 4, 1);
        pv_sqlite_bind_uint(stmt, 5, room->now_ms + 24 * 3600 * 1000); /* tickets live for minutes */
    }
    err = pv_sqlite_row(conn, stmt);
    bool first = !err && pv_sqlite_uint(stmt, 0) == 1;
    pv_sqlite_done(stmt);
    return err || first ? err : PV_ERR_DENIED;
}

static enum pv_err register_account(struct pv_sqlite_conn *conn, const struct pv_meta_append *room)
{
    enum pv_err err = PV_OK;
    if (room->registration == PV_REGISTRATION_NONE) return PV_OK;
    if (room->registration == PV_REGISTRATION_CODE) err = take_code(conn, room);
    if (room->registration == PV_REGISTRATION_TICKET) err = take_ticket(conn, room);
    sqlite3_stmt *stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_ACCOUNT_PUT);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, &room->room);
        pv_sqlite_bind_uint(stmt, 2, room->now_ms);
    }
    return err ? err : pv_sqlite_run(conn, stmt);
}

static enum pv_err put_forget(struct pv_sqlite_conn *conn, uint64_t room, const struct pv_meta_forget *forget)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_FORGET_PUT);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, room);
        pv_sqlite_bind_bytes(stmt, 2, forget->id.b, sizeof forget->id.b);
        pv_sqlite_bind_uint(stmt, 3, forget->due_ms);
    }
    return pv_sqlite_run(conn, stmt);
}

/* A forget that is done is remembered until all that it names is dropped. */
static enum pv_err put_deleted(struct pv_sqlite_conn *conn, uint64_t room, const struct pv_id16 *forget)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_FORGET_DONE);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, room);
        pv_sqlite_bind_bytes(stmt, 2, forget->b, sizeof forget->b);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_DROPPING);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, room);
        pv_sqlite_bind_uint(stmt, 2, 1); /* from the first entry */
    }
    return err ? err : pv_sqlite_run(conn, stmt);
}

static enum pv_err put_forgetting(struct pv_sqlite_conn *conn, const struct pv_meta_append *room)
{
    enum pv_err err = PV_OK;
    if (room->policy_changes) {
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_NOTICE);
        if (stmt) {
            pv_sqlite_bind_uint(stmt, 1, room->no);
            if (room->has_notice) pv_sqlite_bind_uint(stmt, 2, room->notice_ms);
        }
        err = pv_sqlite_run(conn, stmt);
    }
    for (size_t i = 0; i < room->forget_count && !err; i++) err = put_forget(conn, room->no, &room->forgets[i]);
    for (size_t i = 0; i < room->deleted_count && !err; i++) err = put_deleted(conn, room->no, &room->deleted[i]);
    return err;
}

static enum pv_err put_room(struct pv_sqlite_conn *conn, struct pv_meta_append *room)
{
    enum pv_err err = grow_room(conn, room);
    if (!err) err = register_account(conn, room);
    if (!err && room->given_back && room->size == 0) {
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ROOM_RESTORED);
        if (stmt) pv_sqlite_bind_uint(stmt, 1, room->no);
        err = pv_sqlite_run(conn, stmt);
    }
    for (size_t i = 0; i < room->entry_count && !err; i++) {
        err = put_entry(conn, room->no, &room->entries[i]);
        if (!err) err = put_refs(conn, room, room->entries[i].refs);
    }
    for (size_t i = 0; i < room->beside_count && !err; i++) err = put_beside(conn, room->no, &room->besides[i]);
    if (!err) err = put_roster(conn, room);
    if (!err) err = put_forgetting(conn, room);
    return err ? err : put_gates(conn, room);
}

/* May this room fail alone, after it has begun to write? */
static bool can_fail_late(const struct pv_meta_append *room)
{
    if (room->registration != PV_REGISTRATION_NONE || room->release_count) return true;
    for (size_t i = 0; i < room->entry_count; i++)
        if (room->entries[i].refs.n > 1) return true;
    return false;
}

static bool is_of_one_room(enum pv_err err)
{
    return err == PV_ERR_CONFLICT || err == PV_ERR_NOT_FOUND || err == PV_ERR_DENIED || err == PV_ERR_EXPIRED;
}

enum pv_err pv_sqlite_append(struct pv_meta *meta, struct pv_meta_append *rooms, size_t count)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    enum pv_err err = pv_sqlite_begin(conn);
    for (size_t i = 0; i < count && !err; i++) {
        struct pv_meta_append *room = &rooms[i];
        bool guarded = can_fail_late(room), fresh = room->no == 0;
        if (guarded) err = pv_sqlite_exec(conn, SQL_SAVEPOINT);
        if (err) break;
        room->ret_err = put_room(conn, room);
        if (room->ret_err && fresh) room->no = 0;
        if (room->ret_err && !is_of_one_room(room->ret_err)) err = room->ret_err;
        if (!err && guarded && room->ret_err) err = pv_sqlite_exec(conn, SQL_UNDO);
        if (!err && guarded) err = pv_sqlite_exec(conn, SQL_RELEASE);
    }
    err = pv_sqlite_end(conn, err);
    pv_sqlite_give(store, conn);
    return err;
}
