/* The embedded store's sessions, nonces, tickets, codes, counters, accounts. */
#include "server/meta/sqlite_store.h"

/* A statement with one hash and up to two numbers, in a transaction of its own. */
static enum pv_err write_one(struct pv_meta *meta, enum pv_sqlite_use use, enum pv_sqlite_statement id,
                             const struct pv_hash *hash, uint64_t second, uint64_t third, int *ret_changes)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, use);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, id);
    int bound = stmt ? sqlite3_bind_parameter_count(stmt) : 0;
    if (bound > 0) pv_sqlite_bind_hash(stmt, 1, hash);
    if (bound > 1) pv_sqlite_bind_uint(stmt, 2, second);
    if (bound > 2) pv_sqlite_bind_uint(stmt, 3, third);
    enum pv_err err = pv_sqlite_run(conn, stmt);
    if (ret_changes) *ret_changes = sqlite3_changes(conn->db);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_nonce_put(struct pv_meta *meta, const struct pv_hash *nonce, uint64_t expires_ms)
{
    return write_one(meta, PV_SQLITE_SOFT, SQL_NONCE_PUT, nonce, expires_ms, 0, NULL);
}

enum pv_err pv_sqlite_nonce_take(struct pv_meta *meta, const struct pv_hash *nonce, uint64_t now_ms)
{
    int changes = 0;
    enum pv_err err = write_one(meta, PV_SQLITE_SOFT, SQL_NONCE_TAKE, nonce, now_ms, 0, &changes);
    return err || changes ? err : PV_ERR_NOT_FOUND;
}

enum pv_err pv_sqlite_session_put(struct pv_meta *meta, const struct pv_hash *token_hash,
                                  const struct pv_meta_session *session)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_SOFT);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_SESSION_PUT);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, token_hash);
        pv_sqlite_bind_hash(stmt, 2, &session->device_id);
        pv_sqlite_bind_bytes(stmt, 3, session->device.sign_pk.b, sizeof session->device.sign_pk.b);
        pv_sqlite_bind_hash(stmt, 4, &session->device.kem_hash);
        pv_sqlite_bind_uint(stmt, 5, session->expires_ms);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    pv_sqlite_give(store, conn);
    return err;
}

static enum pv_err get_session(struct pv_sqlite_conn *conn, const struct pv_hash *token_hash, uint64_t now_ms,
                               struct pv_meta_session *session)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_SESSION);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, token_hash);
        pv_sqlite_bind_uint(stmt, 2, now_ms);
    }
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) err = pv_sqlite_fixed(stmt, 0, session->device_id.b, 32);
    if (!err) err = pv_sqlite_fixed(stmt, 1, session->device.sign_pk.b, 32);
    if (!err) err = pv_sqlite_fixed(stmt, 2, session->device.kem_hash.b, 32);
    if (!err) session->expires_ms = pv_sqlite_uint(stmt, 3);
    pv_sqlite_done(stmt);
    /* A damaged row is no session: it must not speak for another device, and a new one is made in two requests. */
    struct pv_hash device_id;
    if (!err) pv_device_id(&session->device, &device_id);
    if (!err && !pv_hash_equal(&device_id, &session->device_id)) err = PV_ERR_NOT_FOUND;
    return err;
}

static enum pv_err get_person(struct pv_sqlite_conn *conn, struct pv_meta_session *session)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_PERSON_OF);
    if (stmt) pv_sqlite_bind_hash(stmt, 1, &session->device_id);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (err == PV_ERR_NOT_FOUND) {
        err = PV_OK;
    } else if (!err) {
        session->has_person = true;
        err = pv_sqlite_fixed(stmt, 0, session->person.b, 32);
        if (!err && sqlite3_column_int(stmt, 1)) err = PV_ERR_DENIED;
    }
    pv_sqlite_done(stmt);
    return err;
}

enum pv_err pv_sqlite_session(struct pv_meta *meta, const struct pv_hash *token_hash, uint64_t now_ms,
                              struct pv_meta_session *ret_session)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    struct pv_meta_session session = {0};
    enum pv_err err = get_session(conn, token_hash, now_ms, &session);
    if (!err) err = get_person(conn, &session);
    pv_sqlite_give(store, conn);
    if (!err) *ret_session = session;
    return err;
}

enum pv_err pv_sqlite_session_end(struct pv_meta *meta, const struct pv_hash *token_hash)
{
    return write_one(meta, PV_SQLITE_SOFT, SQL_SESSION_END, token_hash, 0, 0, NULL);
}

enum pv_err pv_sqlite_ticket_put(struct pv_meta *meta, const struct pv_hash *ticket_hash, uint64_t room,
                                 uint64_t expires_ms)
{
    return write_one(meta, PV_SQLITE_SOFT, SQL_TICKET_PUT, ticket_hash, room, expires_ms, NULL);
}

enum pv_err pv_sqlite_ticket(struct pv_meta *meta, const struct pv_hash *ticket_hash, uint64_t now_ms,
                             uint64_t *ret_room)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_TICKET);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, ticket_hash);
        pv_sqlite_bind_uint(stmt, 2, now_ms);
    }
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) *ret_room = pv_sqlite_uint(stmt, 0);
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_code_put(struct pv_meta *meta, const struct pv_hash *code_hash, uint64_t expires_ms)
{
    return write_one(meta, PV_SQLITE_DURABLE, SQL_CODE_PUT, code_hash, expires_ms, 0, NULL);
}

enum pv_err pv_sqlite_count(struct pv_meta *meta, const char *what, const struct pv_hash *key, uint64_t window,
                            int64_t add, uint64_t expires_ms, uint64_t *ret_sum)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, add ? PV_SQLITE_SOFT : PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, add ? SQL_COUNT_ADD : SQL_COUNT_GET);
    if (stmt) {
        sqlite3_bind_text(stmt, 1, what, -1, SQLITE_STATIC);
        pv_sqlite_bind_hash(stmt, 2, key);
        pv_sqlite_bind_uint(stmt, 3, window);
    }
    if (stmt && add) {
        sqlite3_bind_int64(stmt, 4, add);
        pv_sqlite_bind_uint(stmt, 5, expires_ms);
    }
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) *ret_sum = pv_sqlite_uint(stmt, 0);
    if (err == PV_ERR_NOT_FOUND) {
        *ret_sum = 0;
        err = PV_OK;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_accounts(struct pv_meta *meta,
                               enum pv_err (*each)(void *context, const struct pv_meta_account *account), void *context)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_ACCOUNTS);
    enum pv_err err;
    while (!(err = pv_sqlite_row(conn, stmt))) {
        struct pv_meta_account account = {.created_ms = pv_sqlite_uint(stmt, 1),
                                          .suspended = sqlite3_column_int(stmt, 2) != 0,
                                          .size = pv_sqlite_uint(stmt, 3),
                                          .bytes = pv_sqlite_uint(stmt, 4)};
        err = pv_sqlite_fixed(stmt, 0, account.person.b, 32);
        if (!err) err = each(context, &account);
        if (err) break;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}

enum pv_err pv_sqlite_suspend(struct pv_meta *meta, const struct pv_hash *person, bool suspended)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    enum pv_err err = pv_sqlite_begin(conn);
    sqlite3_stmt *stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_SUSPEND);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, person);
        sqlite3_bind_int(stmt, 2, suspended);
        err = pv_sqlite_run(conn, stmt);
        if (!err && sqlite3_changes(conn->db) == 0) err = PV_ERR_NOT_FOUND;
    }
    stmt = err || !suspended ? NULL : pv_sqlite_stmt(conn, SQL_SUSPEND_SESSIONS);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, person);
        err = pv_sqlite_run(conn, stmt);
    }
    err = pv_sqlite_end(conn, err);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_stats(struct pv_meta *meta, struct pv_meta_stats *ret_stats)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_STATS);
    struct pv_meta_stats stats = {0};
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err)
        stats = (struct pv_meta_stats){
            .rooms = pv_sqlite_uint(stmt, 0), .entries = pv_sqlite_uint(stmt, 1), .accounts = pv_sqlite_uint(stmt, 2),
            .devices = pv_sqlite_uint(stmt, 3), .blobs = pv_sqlite_uint(stmt, 4),
            .blob_bytes = pv_sqlite_uint(stmt, 5), .gates = pv_sqlite_uint(stmt, 6),
            .sessions = pv_sqlite_uint(stmt, 7)};
    pv_sqlite_done(stmt);
    stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_PAGES);
    if (!err) err = pv_sqlite_row(conn, stmt);
    if (!err) stats.store_bytes = pv_sqlite_uint(stmt, 0);
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    if (!err) *ret_stats = stats;
    return err;
}
