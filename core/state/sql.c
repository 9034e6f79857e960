/* Prepared statements kept by their text, with a sticky error. */
#include "core/state/sql.h"

#include <string.h>

enum pv_err pv_sql_err(int rc)
{
    if (rc == SQLITE_IOERR_NOMEM) return PV_ERR_NOMEM;
    if (rc == SQLITE_IOERR_DATA || rc == SQLITE_IOERR_CORRUPTFS) return PV_ERR_CORRUPT;
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return PV_OK;
    case SQLITE_NOMEM: return PV_ERR_NOMEM;
    case SQLITE_FULL: return PV_ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return PV_ERR_BUSY;
    case SQLITE_TOOBIG: return PV_ERR_LIMIT;
    case SQLITE_CONSTRAINT: return PV_ERR_CONFLICT;
    case SQLITE_ERROR: /* our statements are right, so a table or column is not what we made */
    case SQLITE_MISMATCH:
    case SQLITE_FORMAT:
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return PV_ERR_CORRUPT;
    default: return PV_ERR_IO;
    }
}

enum pv_err pv_sql_exec(struct pv_store *store, const char *text)
{
    return pv_sql_err(sqlite3_exec(store->db, text, NULL, NULL, NULL));
}

static sqlite3_stmt *find_kept(struct pv_store *store, const char *text, bool *ret_busy)
{
    for (size_t i = 0; i < store->kept_count; i++) {
        if (store->kept[i].text != text) continue;
        *ret_busy = sqlite3_stmt_busy(store->kept[i].stmt) != 0;
        return store->kept[i].stmt;
    }
    return NULL;
}

/* SQLite ends a transaction by itself when the disk is full or memory runs out: what follows must not be written as if
 * the part before it stood. And one that could not be rolled back before must not go on. */
static enum pv_err check_transaction(struct pv_store *store)
{
    bool is_open = !sqlite3_get_autocommit(store->db);
    if (is_open == store->in_transaction) return PV_OK;
    return is_open ? pv_sql_exec(store, "ROLLBACK") : PV_ERR_IO;
}

struct pv_sql pv_sql_begin(struct pv_store *store, const char *text)
{
    struct pv_sql sql = {.store = store};
    bool busy = false;
    sql.err = check_transaction(store);
    if (sql.err) return sql;
    sql.stmt = find_kept(store, text, &busy);
    sql.kept = sql.stmt && !busy;
    if (sql.kept) return sql;
    bool keep = !sql.stmt && store->kept_count < PV_SQL_KEPT_MAX;
    sql.stmt = NULL;
    sql.err = pv_sql_err(sqlite3_prepare_v3(store->db, text, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, &sql.stmt, NULL));
    if (!sql.err && keep) {
        store->kept[store->kept_count++] = (struct pv_sql_kept){text, sql.stmt};
        sql.kept = true;
    }
    return sql;
}

void pv_sql_fail(struct pv_sql *sql, enum pv_err err)
{
    if (!sql->err) sql->err = err;
}

void pv_sql_bind_u64(struct pv_sql *sql, uint64_t value)
{
    if (value > INT64_MAX) pv_sql_fail(sql, PV_ERR_LIMIT);
    if (!sql->err) sql->err = pv_sql_err(sqlite3_bind_int64(sql->stmt, ++sql->bound, (sqlite3_int64)value));
}

void pv_sql_bind_bytes(struct pv_sql *sql, struct pv_bytes bytes)
{
    if (sql->err) return;
    const void *p = bytes.n ? (const void *)bytes.p : "";
    sql->err = pv_sql_err(sqlite3_bind_blob64(sql->stmt, ++sql->bound, p, bytes.n, SQLITE_STATIC));
}

void pv_sql_bind_text(struct pv_sql *sql, struct pv_bytes text)
{
    if (sql->err) return;
    const char *p = text.n ? (const char *)text.p : "";
    sql->err = pv_sql_err(sqlite3_bind_text64(sql->stmt, ++sql->bound, p, text.n, SQLITE_STATIC, SQLITE_UTF8));
}

void pv_sql_bind_null(struct pv_sql *sql)
{
    if (!sql->err) sql->err = pv_sql_err(sqlite3_bind_null(sql->stmt, ++sql->bound));
}

bool pv_sql_step(struct pv_sql *sql)
{
    if (sql->err) return false;
    int rc = sqlite3_step(sql->stmt);
    if (rc == SQLITE_ROW) return true;
    sql->err = pv_sql_err(rc);
    return false;
}

bool pv_sql_is_null(struct pv_sql *sql, int column)
{
    return sqlite3_column_type(sql->stmt, column) == SQLITE_NULL;
}

uint64_t pv_sql_u64(struct pv_sql *sql, int column)
{
    sqlite3_int64 value = sqlite3_column_int64(sql->stmt, column);
    if (value >= 0) return (uint64_t)value;
    pv_sql_fail(sql, PV_ERR_CORRUPT);
    return 0;
}

struct pv_bytes pv_sql_bytes(struct pv_sql *sql, int column)
{
    const void *p = sqlite3_column_blob(sql->stmt, column);
    int n = sqlite3_column_bytes(sql->stmt, column);
    if (p) return pv_bytes(p, (size_t)n);
    /* An empty value and a failed allocation look alike. */
    if (sqlite3_errcode(sqlite3_db_handle(sql->stmt)) == SQLITE_NOMEM) pv_sql_fail(sql, PV_ERR_NOMEM);
    return pv_bytes(NULL, 0);
}

void pv_sql_fixed(struct pv_sql *sql, int column, void *ret_bytes, size_t n)
{
    struct pv_bytes bytes = pv_sql_bytes(sql, column);
    if (bytes.p && bytes.n == n) memcpy(ret_bytes, bytes.p, n);
    else pv_sql_fail(sql, PV_ERR_CORRUPT);
}

void pv_sql_copy(struct pv_sql *sql, int column, struct pv_buf *ret_bytes)
{
    struct pv_bytes bytes = pv_sql_bytes(sql, column);
    pv_buf_clear(ret_bytes);
    pv_buf_append(ret_bytes, bytes.p, bytes.n);
    if (ret_bytes->err) pv_sql_fail(sql, ret_bytes->err);
}

void pv_sql_drop(struct pv_sql *sql)
{
    if (!sql->stmt) return;
    if (sql->kept) {
        sqlite3_reset(sql->stmt);
        sqlite3_clear_bindings(sql->stmt); /* they point into memory of the caller */
    } else {
        sqlite3_finalize(sql->stmt);
    }
    sql->stmt = NULL;
}

enum pv_err pv_sql_end(struct pv_sql *sql)
{
    pv_sql_drop(sql);
    return sql->err;
}

enum pv_err pv_sql_run(struct pv_sql *sql)
{
    while (pv_sql_step(sql)) continue;
    return pv_sql_end(sql);
}

enum pv_err pv_sql_run_u64(struct pv_sql *sql, uint64_t otherwise, uint64_t *ret_value)
{
    uint64_t value = otherwise;
    if (pv_sql_step(sql) && !pv_sql_is_null(sql, 0)) value = pv_sql_u64(sql, 0);
    enum pv_err err = pv_sql_end(sql);
    if (!err) *ret_value = value;
    return err;
}

enum pv_err pv_sql_enter(struct pv_store *store, bool *ret_own)
{
    *ret_own = !store->in_transaction;
    return *ret_own ? pv_store_begin(store) : PV_OK;
}

enum pv_err pv_sql_leave(struct pv_store *store, bool own, enum pv_err err)
{
    if (!own) return err;
    if (!err) return pv_store_commit(store);
    pv_store_rollback(store);
    return err;
}

void pv_sql_abandon(struct pv_store *store)
{
    pv_store_rollback(store);
    store->in_transaction = true;
}

void pv_sql_forget(struct pv_store *store)
{
    store->size.known = false;
    store->written_is_current = false;
    store->tail.known = store->tail.changed = false;
    for (size_t i = 0; i < PV_SQL_AUTHORS_KEPT; i++) store->authors[i].no = 0;
}

enum pv_err pv_sql_author(struct pv_store *store, const struct pv_hash *id, uint64_t *ret_no)
{
    size_t slot = id->b[0] % PV_SQL_AUTHORS_KEPT;
    if (store->authors[slot].no && pv_hash_equal(&store->authors[slot].id, id)) {
        *ret_no = store->authors[slot].no;
        return PV_OK;
    }
    uint64_t no = 0;
    struct pv_sql find = pv_sql_begin(store, "SELECT no FROM author WHERE id = ?");
    pv_sql_bind_bytes(&find, PV_BYTES_OF(*id));
    enum pv_err err = pv_sql_run_u64(&find, 0, &no);
    if (!err && no == 0) {
        struct pv_sql add = pv_sql_begin(store, "INSERT INTO author (id) VALUES (?) RETURNING no");
        pv_sql_bind_bytes(&add, PV_BYTES_OF(*id));
        if (pv_sql_step(&add)) no = pv_sql_u64(&add, 0);
        err = pv_sql_run(&add);
    }
    if (err) return err;
    if (store->in_transaction) {
        store->authors[slot].no = no;
        store->authors[slot].id = *id;
    }
    *ret_no = no;
    return PV_OK;
}
