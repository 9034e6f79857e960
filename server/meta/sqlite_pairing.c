/* The embedded store's pairings: what two devices leave for each other, for minutes. */
#include "server/meta/sqlite_store.h"

enum pv_err pv_sqlite_pairing_new(struct pv_meta *meta, unsigned plate, const struct pv_hash *device, uint64_t now_ms,
                                  uint64_t expires_ms)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_SOFT);
    enum pv_err err = pv_sqlite_exec(conn, SQL_BEGIN);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_PAIRING_CLEAR);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, device);
        pv_sqlite_bind_uint(stmt, 2, now_ms);
    }
    if (!err) err = pv_sqlite_run(conn, stmt);
    stmt = pv_sqlite_stmt(conn, SQL_PAIRING_NEW);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, plate);
        pv_sqlite_bind_hash(stmt, 2, device);
        pv_sqlite_bind_uint(stmt, 3, expires_ms);
    }
    if (!err) {
        err = pv_sqlite_run(conn, stmt);
        if (!err && sqlite3_changes(conn->db) == 0) err = PV_ERR_CONFLICT;
    }
    err = pv_sqlite_end(conn, err);
    pv_sqlite_give(store, conn);
    return err;
}

static enum pv_err find_pairing(struct pv_sqlite_conn *conn, unsigned plate, uint64_t now_ms, struct pv_hash *ret_device)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_PAIRING);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, plate);
        pv_sqlite_bind_uint(stmt, 2, now_ms);
    }
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) err = pv_sqlite_fixed(stmt, 0, ret_device->b, sizeof ret_device->b);
    pv_sqlite_done(stmt);
    return err;
}

enum pv_err pv_sqlite_pairing(struct pv_meta *meta, unsigned plate, uint64_t now_ms, struct pv_hash *ret_device)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    enum pv_err err = find_pairing(conn, plate, now_ms, ret_device);
    pv_sqlite_give(store, conn);
    return err;
}

/* The message in a slot, to be stepped to. */
static sqlite3_stmt *find_message(struct pv_sqlite_conn *conn, unsigned plate, unsigned slot, uint64_t now_ms)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_PAIRING_GET);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, plate);
        pv_sqlite_bind_uint(stmt, 2, slot);
        pv_sqlite_bind_uint(stmt, 3, now_ms);
    }
    return stmt;
}

/* Why nothing was written: no such pairing, or a message that stands there and may be this very one. */
static enum pv_err compare_message(struct pv_sqlite_conn *conn, unsigned plate, unsigned slot, uint64_t now_ms,
                                   struct pv_bytes message)
{
    sqlite3_stmt *stmt = find_message(conn, plate, slot, now_ms);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err && !pv_bytes_equal(pv_sqlite_bytes(stmt, 0), message)) err = PV_ERR_CONFLICT;
    pv_sqlite_done(stmt);
    return err;
}

enum pv_err pv_sqlite_pairing_put(struct pv_meta *meta, unsigned plate, unsigned slot, uint64_t now_ms,
                                  struct pv_bytes message)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_SOFT);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_PAIRING_PUT);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, plate);
        pv_sqlite_bind_uint(stmt, 2, slot);
        pv_sqlite_bind_uint(stmt, 3, now_ms);
        pv_sqlite_bind_bytes(stmt, 4, message.p, message.n);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    if (!err && sqlite3_changes(conn->db) == 0) err = compare_message(conn, plate, slot, now_ms, message);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_pairing_get(struct pv_meta *meta, unsigned plate, unsigned slot, uint64_t now_ms,
                                  struct pv_buf *message, bool *ret_there)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = find_message(conn, plate, slot, now_ms);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) {
        struct pv_bytes bytes = pv_sqlite_bytes(stmt, 0);
        *ret_there = sqlite3_column_type(stmt, 0) != SQLITE_NULL;
        pv_buf_append(message, bytes.p, bytes.n);
        err = message->err;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}
