/* The embedded store's forgetting: what waits, and dropping what is deleted so that its bytes are gone. */
#include <string.h>

#include "server/meta/sqlite_place.h"

enum pv_err pv_sqlite_forgets(struct pv_meta *meta, uint64_t no,
                              enum pv_err (*each)(void *context, const struct pv_meta_forget *forget), void *context)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_FORGETS);
    if (stmt) pv_sqlite_bind_uint(stmt, 1, no);
    enum pv_err err;
    while (!(err = pv_sqlite_row(conn, stmt))) {
        struct pv_meta_forget forget = {.due_ms = pv_sqlite_uint(stmt, 1)};
        err = pv_sqlite_fixed(stmt, 0, forget.id.b, sizeof forget.id.b);
        if (!err) err = each(context, &forget);
        if (err) break;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}

enum pv_err pv_sqlite_undropped(struct pv_meta *meta, size_t max, struct pv_hash *ret_rooms, size_t *ret_count)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_UNDROPPED);
    if (stmt) pv_sqlite_bind_uint(stmt, 1, max);
    enum pv_err err = pv_sqlite_rooms(conn, stmt, max, ret_rooms, ret_count);
    pv_sqlite_give(store, conn);
    return err;
}

/* The refs of an entry that still has them, copied: what they name is counted down while its row changes. */
static enum pv_err read_refs(struct pv_sqlite_conn *conn, uint64_t place, struct pv_buf *ret_refs)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_DROP_REFS);
    if (stmt) pv_sqlite_bind_uint(stmt, 1, place);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) {
        struct pv_bytes refs = pv_sqlite_bytes(stmt, 0);
        pv_buf_clear(ret_refs);
        pv_buf_append(ret_refs, refs.p, refs.n);
        err = ret_refs->err;
    }
    pv_sqlite_done(stmt);
    return err;
}

static enum pv_err let_go(struct pv_sqlite_conn *conn, uint64_t room, struct pv_bytes refs)
{
    size_t count;
    enum pv_err err = pv_refs_check(refs, &count) ? PV_ERR_CORRUPT : PV_OK;
    for (size_t i = 0; !err && i < count; i++) {
        struct pv_id16 name;
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_BLOB_LET_GO);
        pv_refs_at(refs, i, &name);
        if (stmt) {
            pv_sqlite_bind_uint(stmt, 1, room);
            pv_sqlite_bind_bytes(stmt, 2, name.b, sizeof name.b);
        }
        err = pv_sqlite_run(conn, stmt); /* one that a restore lost is none to let go */
    }
    return err;
}

/* Once: an entry that was dropped before has no refs any more. */
static enum pv_err drop_entry(struct pv_sqlite_conn *conn, uint64_t room, uint64_t index, struct pv_buf *refs)
{
    uint64_t place = pv_sqlite_place(room, index);
    enum pv_err err = read_refs(conn, place, refs);
    if (err) return err == PV_ERR_NOT_FOUND ? PV_OK : err;
    err = let_go(conn, room, pv_buf_bytes(refs));
    sqlite3_stmt *stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_DROP);
    if (stmt) pv_sqlite_bind_uint(stmt, 1, place);
    return err ? err : pv_sqlite_run(conn, stmt);
}

static enum pv_err drop_beside(struct pv_sqlite_conn *conn, uint64_t room, uint64_t before)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_DROP_BESIDE);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, pv_sqlite_place(room, 0));
        pv_sqlite_bind_uint(stmt, 2, pv_sqlite_place(room, before));
    }
    return pv_sqlite_run(conn, stmt);
}

static enum pv_err set_dropping(struct pv_sqlite_conn *conn, uint64_t room, uint64_t dropping)
{
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_DROPPING);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, room);
        pv_sqlite_bind_uint(stmt, 2, dropping);
    }
    return pv_sqlite_run(conn, stmt);
}

enum pv_err pv_sqlite_drop(struct pv_meta *meta, uint64_t no, const uint64_t *indexes, size_t count, uint64_t beside_before,
                           uint64_t next)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    struct pv_buf refs;
    pv_buf_init(&refs, 64 * 1024);
    /* Pages that a body gives back are overwritten, too, at the price of writing them. */
    enum pv_err err = pv_sqlite_exec(conn, SQL_OVERWRITE);
    if (!err) err = pv_sqlite_begin(conn);
    for (size_t i = 0; i < count && !err; i++) err = drop_entry(conn, no, indexes[i], &refs);
    if (!err) err = drop_beside(conn, no, beside_before);
    if (!err) err = set_dropping(conn, no, next + 1);
    err = pv_sqlite_end(conn, err);
    enum pv_err back = pv_sqlite_exec(conn, SQL_OVERWRITE_FAST);
    pv_buf_release(&refs);
    pv_sqlite_give(store, conn);
    return err ? err : back;
}

enum pv_err pv_sqlite_dropped(struct pv_meta *meta, uint64_t no)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    enum pv_err err = pv_sqlite_cut_log(store, conn);
    if (!err) err = set_dropping(conn, no, 0);
    pv_sqlite_give(store, conn);
    return err;
}
