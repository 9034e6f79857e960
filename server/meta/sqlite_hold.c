/* The embedded store's blobs and gates. */
#include <stdio.h>
#include <string.h>

#include "server/meta/sqlite_store.h"

enum pv_err pv_sqlite_blob(struct pv_meta *meta, uint64_t room, const struct pv_id16 *name,
                           struct pv_meta_blob *ret_blob)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_BLOB);
    struct pv_meta_blob blob = {.name = *name};
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, room);
        pv_sqlite_bind_bytes(stmt, 2, name->b, sizeof name->b);
    }
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) err = pv_sqlite_fixed(stmt, 0, blob.locator.b, sizeof blob.locator.b);
    if (!err) err = pv_sqlite_fixed(stmt, 2, blob.sha256.b, sizeof blob.sha256.b);
    if (!err) {
        blob.size_bytes = pv_sqlite_uint(stmt, 1);
        *ret_blob = blob;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_blob_put(struct pv_meta *meta, uint64_t room, const struct pv_meta_blob *blob, uint64_t now_ms)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    enum pv_err err = pv_sqlite_begin(conn);
    sqlite3_stmt *stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_BLOB_PUT);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, room);
        pv_sqlite_bind_bytes(stmt, 2, blob->name.b, sizeof blob->name.b);
        pv_sqlite_bind_bytes(stmt, 3, blob->locator.b, sizeof blob->locator.b);
        pv_sqlite_bind_uint(stmt, 4, blob->size_bytes);
        pv_sqlite_bind_hash(stmt, 5, &blob->sha256);
        pv_sqlite_bind_uint(stmt, 6, now_ms);
    }
    if (!err) err = pv_sqlite_run(conn, stmt);
    if (!err && sqlite3_changes(conn->db) == 0) err = PV_ERR_CONFLICT;
    stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_BLOB_FOUND);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, room);
        pv_sqlite_bind_bytes(stmt, 2, blob->name.b, sizeof blob->name.b);
    }
    if (!err) err = pv_sqlite_run(conn, stmt);
    err = pv_sqlite_end(conn, err);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_lost_refs(struct pv_meta *meta, const struct pv_meta_lost *after, size_t max, struct pv_meta_lost *ret_lost,
                                size_t *ret_count)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_LOST_REFS);
    size_t count = 0;
    enum pv_err err;
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, after->room.no);
        pv_sqlite_bind_bytes(stmt, 2, after->name.b, sizeof after->name.b);
        pv_sqlite_bind_uint(stmt, 3, max);
    }
    while (!(err = pv_sqlite_row(conn, stmt)) && count < max) {
        struct pv_meta_lost lost = {.room.no = pv_sqlite_uint(stmt, 0)};
        err = pv_sqlite_fixed(stmt, 1, lost.room.id.b, sizeof lost.room.id.b);
        if (!err) err = pv_sqlite_fixed(stmt, 2, lost.name.b, sizeof lost.name.b);
        if (err) break;
        ret_lost[count++] = lost;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    if (err && err != PV_ERR_NOT_FOUND) return err;
    *ret_count = count;
    return PV_OK;
}

enum pv_err pv_sqlite_blob_collect(struct pv_meta *meta, uint64_t before_ms, size_t max, struct pv_id16 *ret_locators,
                                   size_t *ret_count)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_BLOB_COLLECT);
    size_t count = 0;
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, before_ms);
        pv_sqlite_bind_uint(stmt, 2, max);
    }
    enum pv_err err;
    while (!(err = pv_sqlite_row(conn, stmt))) {
        if (count < max) err = pv_sqlite_fixed(stmt, 0, ret_locators[count].b, sizeof ret_locators[count].b);
        if (err) break;
        count++;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    if (err != PV_ERR_NOT_FOUND) return err;
    *ret_count = count;
    return PV_OK;
}

enum pv_err pv_sqlite_blob_known(struct pv_meta *meta, const struct pv_id16 *locator, bool *ret_known)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_BLOB_KNOWN);
    if (stmt) pv_sqlite_bind_bytes(stmt, 1, locator->b, sizeof locator->b);
    enum pv_err err = pv_sqlite_exists(conn, stmt, ret_known);
    pv_sqlite_give(store, conn);
    return err;
}

static sqlite3_stmt *find_gate(struct pv_sqlite_conn *conn, const struct pv_id16 *id)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_GATE);
    if (stmt) pv_sqlite_bind_bytes(stmt, 1, id->b, sizeof id->b);
    return stmt;
}

/* Let go of the blobs that the gate's old version kept. */
static enum pv_err drop_old_refs(struct pv_sqlite_conn *conn, const struct pv_id16 *id, uint64_t room)
{
    uint8_t memory[64 * 1024];
    struct pv_buf refs;
    pv_buf_init_fixed(&refs, memory, sizeof memory);
    sqlite3_stmt *stmt = find_gate(conn, id);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err && pv_sqlite_uint(stmt, 0) != room) err = PV_ERR_CONFLICT;
    if (!err) {
        struct pv_bytes old = pv_sqlite_bytes(stmt, 5);
        pv_buf_append(&refs, old.p, old.n);
        err = refs.err;
    }
    pv_sqlite_done(stmt);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_OK : err;
    err = pv_sqlite_refs(conn, room, pv_buf_bytes(&refs), -1);
    return err == PV_ERR_NOT_FOUND ? PV_ERR_CORRUPT : err;
}

enum pv_err pv_sqlite_gate_put(struct pv_meta *meta, const struct pv_id16 *id, uint64_t room, uint64_t version,
                               struct pv_bytes signed_gate, const uint8_t *half_b, struct pv_bytes refs)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    enum pv_err err = pv_sqlite_begin(conn);
    if (!err && version > 1) err = drop_old_refs(conn, id, room);
    if (!err) {
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, version == 1 ? SQL_GATE_NEW : SQL_GATE_UPDATE);
        if (stmt) {
            pv_sqlite_bind_bytes(stmt, 1, id->b, sizeof id->b);
            pv_sqlite_bind_uint(stmt, 2, room);
            pv_sqlite_bind_uint(stmt, 3, version);
            pv_sqlite_bind_bytes(stmt, 4, signed_gate.p, signed_gate.n);
            if (half_b) pv_sqlite_bind_bytes(stmt, 5, half_b, 32);
            pv_sqlite_bind_bytes(stmt, 6, refs.p, refs.n);
        }
        err = pv_sqlite_run(conn, stmt);
        if (!err && sqlite3_changes(conn->db) == 0) err = PV_ERR_CONFLICT;
        if (!err && version > 1 && half_b) pv_sqlite_erases(conn); /* the half before */
    }
    if (!err) err = pv_sqlite_refs(conn, room, refs, 1);
    err = pv_sqlite_end(conn, err);
    pv_sqlite_give(store, conn);
    return err;
}

static enum pv_err get_gate(sqlite3_stmt *stmt, struct pv_meta_gate *gate, struct pv_buf *signed_gate)
{
    struct pv_bytes bytes = pv_sqlite_bytes(stmt, 2);
    gate->room.no = pv_sqlite_uint(stmt, 0);
    gate->version = pv_sqlite_uint(stmt, 1);
    gate->has_half = sqlite3_column_type(stmt, 3) != SQLITE_NULL;
    gate->releases = pv_sqlite_uint(stmt, 6);
    snprintf(gate->reason, sizeof gate->reason, "%s", (const char *)sqlite3_column_text(stmt, 4));
    enum pv_err err = gate->has_half ? pv_sqlite_fixed(stmt, 3, gate->half_b, sizeof gate->half_b) : PV_OK;
    if (err) return err;
    pv_buf_append(signed_gate, bytes.p, bytes.n);
    return signed_gate->err;
}

enum pv_err pv_sqlite_gate(struct pv_meta *meta, const struct pv_id16 *id, struct pv_meta_gate *ret_gate,
                           struct pv_buf *signed_gate)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    struct pv_meta_gate gate = {.id = *id};
    sqlite3_stmt *stmt = find_gate(conn, id);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) err = get_gate(stmt, &gate, signed_gate);
    pv_sqlite_done(stmt);
    stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_ROOM_BY_NO);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, gate.room.no);
        err = pv_sqlite_row(conn, stmt);
        if (!err) pv_sqlite_get_room(stmt, &gate.room);
        if (err == PV_ERR_NOT_FOUND) err = PV_ERR_CORRUPT;
        pv_sqlite_done(stmt);
    }
    pv_sqlite_give(store, conn);
    if (!err) *ret_gate = gate;
    pv_wipe(gate.half_b, sizeof gate.half_b);
    return err;
}

enum pv_err pv_sqlite_gate_close(struct pv_meta *meta, const struct pv_id16 *id, uint64_t room, const char *reason)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_GATE_CLOSE);
    if (stmt) {
        pv_sqlite_bind_bytes(stmt, 1, id->b, sizeof id->b);
        pv_sqlite_bind_uint(stmt, 2, room);
        sqlite3_bind_text(stmt, 3, reason, -1, SQLITE_STATIC);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    if (!err) pv_sqlite_erases(conn);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_released(struct pv_meta *meta, const struct pv_id16 *gate, const struct pv_hash *request,
                               bool *ret_released)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_RELEASED);
    if (stmt) {
        pv_sqlite_bind_bytes(stmt, 1, gate->b, sizeof gate->b);
        pv_sqlite_bind_hash(stmt, 2, request);
    }
    enum pv_err err = pv_sqlite_exists(conn, stmt, ret_released);
    pv_sqlite_give(store, conn);
    return err;
}
