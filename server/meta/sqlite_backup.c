/* The embedded store's backups: a copy of one moment, walks over what it names, the mark of a copy put back, and
 * what is known of its rooms since. */
#include <fcntl.h>
#include <unistd.h>

#include "server/meta/sqlite_store.h"

enum { PAGES_AT_ONCE = 2048 };

/* The reader's transaction stands still while others write, so no step begins anew. */
static enum pv_err copy_pages(struct pv_sqlite_conn *conn, sqlite3 *to,
                              void (*progress)(void *context, uint64_t done, uint64_t total), void *context)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", conn->db, "main");
    if (!backup) return (sqlite3_errcode(to) & 0xff) == SQLITE_NOMEM ? PV_ERR_NOMEM : PV_ERR_IO;
    int rc;
    while ((rc = sqlite3_backup_step(backup, PAGES_AT_ONCE)) == SQLITE_OK) {
        int total = sqlite3_backup_pagecount(backup);
        if (progress) progress(context, (uint64_t)(total - sqlite3_backup_remaining(backup)), (uint64_t)total);
    }
    int end = sqlite3_backup_finish(backup);
    return pv_sqlite_error(conn, rc == SQLITE_DONE ? end : rc);
}

static enum pv_err sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return PV_ERR_IO;
    int failed = fsync(fd);
    close(fd);
    return failed ? PV_ERR_IO : PV_OK;
}

enum pv_err pv_sqlite_snapshot(struct pv_meta *meta, const char *path,
                               void (*progress)(void *context, uint64_t done, uint64_t total), void *context)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    sqlite3 *to = NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return PV_ERR_IO;
    close(fd);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
    if (!rc) rc = sqlite3_exec(to, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", NULL, NULL, NULL);
    if (!rc) rc = sqlite3_exec(conn->db, "BEGIN", NULL, NULL, NULL);
    enum pv_err err = pv_sqlite_error(conn, rc);
    if (!err) {
        err = copy_pages(conn, to, progress, context);
        rc = sqlite3_exec(conn->db, "COMMIT", NULL, NULL, NULL);
        if (!err) err = pv_sqlite_error(conn, rc);
    }
    pv_sqlite_give(store, conn);
    rc = sqlite3_close(to);
    if (!err) err = rc ? PV_ERR_IO : sync_file(path);
    if (err) unlink(path);
    return err;
}

enum pv_err pv_sqlite_each_note(struct pv_meta *meta,
                                enum pv_err (*each)(void *context, const struct pv_meta_room *room, struct pv_bytes note),
                                void *context)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_NOTES);
    enum pv_err err;
    while (!(err = pv_sqlite_row(conn, stmt))) {
        struct pv_meta_room room;
        pv_sqlite_get_room(stmt, &room);
        err = each(context, &room, pv_sqlite_bytes(stmt, 8));
        if (err) break;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}

enum pv_err pv_sqlite_each_blob(struct pv_meta *meta,
                                enum pv_err (*each)(void *context, const struct pv_meta_blob *blob), void *context)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_BLOBS);
    enum pv_err err;
    while (!(err = pv_sqlite_row(conn, stmt))) {
        struct pv_meta_blob blob = {.size_bytes = pv_sqlite_uint(stmt, 2), .refs = pv_sqlite_uint(stmt, 4)};
        err = pv_sqlite_fixed(stmt, 0, blob.name.b, sizeof blob.name.b);
        if (!err) err = pv_sqlite_fixed(stmt, 1, blob.locator.b, sizeof blob.locator.b);
        if (!err) err = pv_sqlite_fixed(stmt, 3, blob.sha256.b, sizeof blob.sha256.b);
        if (!err) err = each(context, &blob);
        if (err) break;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err == PV_ERR_NOT_FOUND ? PV_OK : err;
}

enum pv_err pv_sqlite_blob_drop(struct pv_meta *meta, const struct pv_id16 *locator)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_BLOB_DROP);
    if (stmt) pv_sqlite_bind_bytes(stmt, 1, locator->b, sizeof locator->b);
    enum pv_err err = pv_sqlite_run(conn, stmt);
    if (!err && sqlite3_changes(conn->db) == 0) err = PV_ERR_CONFLICT;
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_mark_restored(struct pv_meta *meta, uint64_t now_ms)
{
    static const enum pv_sqlite_statement all[] = {SQL_RESTORE_ROOMS, SQL_RESTORE_HEADS, SQL_RESTORE_SHOWN, SQL_RESTORE_KEPT,
                                                   SQL_RESTORE_SESSIONS, SQL_RESTORE_NONCES, SQL_RESTORE_TICKETS,
                                                   SQL_RESTORE_CODES, SQL_RESTORE_PAIRINGS};
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    enum pv_err err = pv_sqlite_begin(conn);
    for (size_t i = 0; i < sizeof all / sizeof *all && !err; i++) err = pv_sqlite_exec(conn, all[i]);
    sqlite3_stmt *stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_RESTORE_NOTED);
    if (stmt) pv_sqlite_bind_uint(stmt, 1, now_ms);
    if (!err) err = pv_sqlite_run(conn, stmt);
    err = pv_sqlite_end(conn, err);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_restored_at(struct pv_meta *meta, uint64_t *ret_ms)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_RESTORED_AT);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) *ret_ms = pv_sqlite_uint(stmt, 0);
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_show(struct pv_meta *meta, uint64_t no, const struct pv_hash *device, uint64_t size, struct pv_bytes note,
                           uint64_t *ret_known)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    enum pv_err err = pv_sqlite_begin(conn);
    sqlite3_stmt *stmt = err ? NULL : pv_sqlite_stmt(conn, SQL_SHOW_HEAD);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, no);
        pv_sqlite_bind_uint(stmt, 2, size);
        pv_sqlite_bind_bytes(stmt, 3, note.p, note.n);
    }
    if (!err) err = pv_sqlite_run(conn, stmt);
    stmt = err || !device ? NULL : pv_sqlite_stmt(conn, SQL_SHOW_DEVICE);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, no);
        pv_sqlite_bind_hash(stmt, 2, device);
    }
    if (!err && device) err = pv_sqlite_run(conn, stmt);
    err = pv_sqlite_end(conn, err);
    pv_sqlite_give(store, conn);
    return err ? err : pv_sqlite_known_size(meta, no, ret_known);
}

enum pv_err pv_sqlite_shown(struct pv_meta *meta, uint64_t no, const struct pv_hash *device, bool *ret_shown)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_SHOWN);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, no);
        pv_sqlite_bind_hash(stmt, 2, device);
    }
    enum pv_err err = pv_sqlite_row(conn, stmt);
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    if (err && err != PV_ERR_NOT_FOUND) return err;
    *ret_shown = !err;
    return PV_OK;
}

enum pv_err pv_sqlite_known_size(struct pv_meta *meta, uint64_t no, uint64_t *ret_size)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_KNOWN_SIZE);
    if (stmt) pv_sqlite_bind_uint(stmt, 1, no);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) *ret_size = pv_sqlite_uint(stmt, 0);
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_open_room(struct pv_meta *meta, uint64_t no, uint64_t size)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_OPEN_ROOM);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, no);
        pv_sqlite_bind_uint(stmt, 2, size);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    if (!err && sqlite3_changes(conn->db) == 0) err = PV_ERR_CONFLICT;
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_keep_head(struct pv_meta *meta, const struct pv_hash *room, uint64_t size, struct pv_bytes note, bool is_last)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_KEEP_HEAD);
    if (stmt) {
        pv_sqlite_bind_hash(stmt, 1, room);
        pv_sqlite_bind_uint(stmt, 2, size);
        pv_sqlite_bind_bytes(stmt, 3, note.p, note.n);
        pv_sqlite_bind_uint(stmt, 4, is_last);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_kept_head(struct pv_meta *meta, uint64_t no, struct pv_buf *note, bool *ret_is_last)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_KEPT_HEAD);
    if (stmt) pv_sqlite_bind_uint(stmt, 1, no);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) {
        struct pv_bytes bytes = pv_sqlite_bytes(stmt, 0);
        pv_buf_append(note, bytes.p, bytes.n);
        err = note->err;
    }
    if (!err) {
        *ret_is_last = pv_sqlite_uint(stmt, 1) != 0;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_succeed(struct pv_meta *meta, uint64_t no, const struct pv_hash *successor, struct pv_bytes signed_succession)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_DURABLE);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_SUCCEED);
    if (stmt) {
        pv_sqlite_bind_uint(stmt, 1, no);
        pv_sqlite_bind_hash(stmt, 2, successor);
        pv_sqlite_bind_bytes(stmt, 3, signed_succession.p, signed_succession.n);
    }
    enum pv_err err = pv_sqlite_run(conn, stmt);
    if (!err && sqlite3_changes(conn->db) == 0) err = PV_ERR_CONFLICT;
    pv_sqlite_give(store, conn);
    return err;
}

enum pv_err pv_sqlite_succession(struct pv_meta *meta, uint64_t no, struct pv_buf *signed_succession)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_SUCCESSION);
    if (stmt) pv_sqlite_bind_uint(stmt, 1, no);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    if (!err) {
        struct pv_bytes bytes = pv_sqlite_bytes(stmt, 0);
        pv_buf_append(signed_succession, bytes.p, bytes.n);
        err = signed_succession->err;
    }
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}
