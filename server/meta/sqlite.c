/* The embedded store: opening and checking the database, connections, statements, upkeep.
 *
 * One connection writes what must be durable (a sync with each commit), one writes what may be lost in a power cut,
 * a few read; a mutex keeps the two writers apart. WAL checkpoints run apart from commits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/meta/sqlite_store.h"

enum {
    APPLICATION_ID = 0x50765364, /* "PvSd" */
    WAL_PAGES_CHECKPOINT = 1000,
    WAL_PAGES_STOP = 8000        /* start the log over */
};

/* What each version adds; a new store goes through all of them, an older one through those that it lacks. */
static const char *const schema_steps[] = {
#include "server/meta/schema.sql.inc"
    ,
#include "server/meta/schema_2.sql.inc"
    ,
#include "server/meta/schema_3.sql.inc"
    ,
#include "server/meta/schema_4.sql.inc"
    ,
#include "server/meta/schema_5.sql.inc"
    ,
#include "server/meta/schema_6.sql.inc"
};
enum { SCHEMA_VERSION = sizeof schema_steps / sizeof *schema_steps };

static const char *const statements[] = {
#define PV_SQLITE_SQL(name, sql) [SQL_##name] = sql,
    PV_SQLITE_STATEMENTS(PV_SQLITE_SQL)
#undef PV_SQLITE_SQL
};

/* ---- statements */

enum pv_err pv_sqlite_error(const struct pv_sqlite_conn *conn, int rc)
{
    (void)conn;
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return PV_OK;
    case SQLITE_NOMEM: return PV_ERR_NOMEM;
    case SQLITE_FULL: return PV_ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return PV_ERR_CORRUPT;
    default: return PV_ERR_IO;
    }
}

sqlite3_stmt *pv_sqlite_stmt(struct pv_sqlite_conn *conn, enum pv_sqlite_statement id)
{
    if (!conn->statements[id])
        sqlite3_prepare_v3(conn->db, statements[id], -1, SQLITE_PREPARE_PERSISTENT, &conn->statements[id], NULL);
    return conn->statements[id];
}

void pv_sqlite_done(sqlite3_stmt *stmt)
{
    if (!stmt) return;
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
}

static enum pv_err unprepared(const struct pv_sqlite_conn *conn)
{
    enum pv_err err = pv_sqlite_error(conn, sqlite3_errcode(conn->db));
    return err ? err : PV_ERR_IO;
}

enum pv_err pv_sqlite_row(struct pv_sqlite_conn *conn, sqlite3_stmt *stmt)
{
    if (!stmt) return unprepared(conn);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE) return PV_ERR_NOT_FOUND;
    return pv_sqlite_error(conn, rc);
}

enum pv_err pv_sqlite_run(struct pv_sqlite_conn *conn, sqlite3_stmt *stmt)
{
    if (!stmt) return unprepared(conn);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {}
    pv_sqlite_done(stmt);
    return pv_sqlite_error(conn, rc);
}

enum pv_err pv_sqlite_exec(struct pv_sqlite_conn *conn, enum pv_sqlite_statement id)
{
    return pv_sqlite_run(conn, pv_sqlite_stmt(conn, id));
}

static enum pv_err roll_back(struct pv_sqlite_conn *conn)
{
    return sqlite3_get_autocommit(conn->db) ? PV_OK : pv_sqlite_exec(conn, SQL_ROLLBACK);
}

enum pv_err pv_sqlite_begin(struct pv_sqlite_conn *conn)
{
    /* Going back must not need memory that may be gone by then. */
    if (!pv_sqlite_stmt(conn, SQL_ROLLBACK) || !pv_sqlite_stmt(conn, SQL_COMMIT)) return unprepared(conn);
    enum pv_err err = roll_back(conn); /* should it have failed the last time */
    return err ? err : pv_sqlite_exec(conn, SQL_BEGIN);
}

enum pv_err pv_sqlite_end(struct pv_sqlite_conn *conn, enum pv_err err)
{
    if (!err) err = pv_sqlite_exec(conn, SQL_COMMIT);
    enum pv_err rollback = err ? roll_back(conn) : PV_OK;
    (void)rollback; /* the first error is the one to tell */
    return err;
}

void pv_sqlite_bind_bytes(sqlite3_stmt *stmt, int at, const void *p, size_t n)
{
    sqlite3_bind_blob64(stmt, at, n ? p : "", n, SQLITE_STATIC);
}

void pv_sqlite_bind_uint(sqlite3_stmt *stmt, int at, uint64_t value)
{
    sqlite3_bind_int64(stmt, at, (sqlite3_int64)value);
}

void pv_sqlite_bind_hash(sqlite3_stmt *stmt, int at, const struct pv_hash *hash)
{
    pv_sqlite_bind_bytes(stmt, at, hash->b, sizeof hash->b);
}

struct pv_bytes pv_sqlite_bytes(sqlite3_stmt *stmt, int column)
{
    const void *p = sqlite3_column_blob(stmt, column);
    return pv_bytes(p, (size_t)sqlite3_column_bytes(stmt, column));
}

uint64_t pv_sqlite_uint(sqlite3_stmt *stmt, int column)
{
    return (uint64_t)sqlite3_column_int64(stmt, column);
}

enum pv_err pv_sqlite_fixed(sqlite3_stmt *stmt, int column, void *ret_bytes, size_t n)
{
    struct pv_bytes bytes = pv_sqlite_bytes(stmt, column);
    if (bytes.n != n || !bytes.p) return PV_ERR_CORRUPT;
    memcpy(ret_bytes, bytes.p, n);
    return PV_OK;
}

enum pv_err pv_sqlite_rooms(struct pv_sqlite_conn *conn, sqlite3_stmt *stmt, size_t max, struct pv_hash *ret_hashes, size_t *ret_count)
{
    enum pv_err err = PV_OK;
    size_t count = 0;
    while (count < max && !(err = pv_sqlite_row(conn, stmt))) {
        err = pv_sqlite_fixed(stmt, 0, ret_hashes[count].b, sizeof ret_hashes[count].b);
        if (err) break;
        count++;
    }
    pv_sqlite_done(stmt);
    if (err && err != PV_ERR_NOT_FOUND) return err;
    *ret_count = count;
    return PV_OK;
}

enum pv_err pv_sqlite_exists(struct pv_sqlite_conn *conn, sqlite3_stmt *stmt, bool *ret_exists)
{
    enum pv_err err = pv_sqlite_row(conn, stmt);
    pv_sqlite_done(stmt);
    if (err && err != PV_ERR_NOT_FOUND) return err;
    *ret_exists = !err;
    return PV_OK;
}

/* ---- connections */

struct pv_sqlite_conn *pv_sqlite_take(struct pv_sqlite *store, enum pv_sqlite_use use)
{
    if (use == PV_SQLITE_READ && !store->single) {
        for (unsigned i = 0; i < store->reader_count; i++)
            if (pthread_mutex_trylock(&store->readers[i].lock) == 0) return &store->readers[i];
        struct pv_sqlite_conn *conn = &store->readers[atomic_fetch_add(&store->next_reader, 1) % store->reader_count];
        pthread_mutex_lock(&conn->lock);
        return conn;
    }
    pthread_mutex_lock(&store->write);
    return use == PV_SQLITE_SOFT && !store->single ? &store->soft : &store->durable;
}

void pv_sqlite_erases(struct pv_sqlite_conn *conn)
{
    conn->erases = conn->erases || sqlite3_changes(conn->db) > 0;
}

void pv_sqlite_give(struct pv_sqlite *store, struct pv_sqlite_conn *conn)
{
    if (conn->erases) atomic_store(&store->erased, true);
    conn->erases = false;
    if (conn == &store->durable || conn == &store->soft) pthread_mutex_unlock(&store->write);
    else pthread_mutex_unlock(&conn->lock);
}

static int note_wal(void *context, sqlite3 *db, const char *name, int pages)
{
    struct pv_sqlite *store = context;
    (void)db;
    (void)name;
    atomic_store(&store->wal_pages, pages);
    return SQLITE_OK;
}

static enum pv_err pragma(struct pv_sqlite_conn *conn, const char *sql)
{
    return pv_sqlite_error(conn, sqlite3_exec(conn->db, sql, NULL, NULL, NULL));
}

static enum pv_err open_conn(struct pv_sqlite *store, struct pv_sqlite_conn *conn, const char *path, int cache_kib,
                             bool sync)
{
    char sql[64];
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    int rc = sqlite3_open_v2(path, &conn->db, flags, NULL);
    if (rc) return pv_sqlite_error(conn, rc);
    sqlite3_busy_timeout(conn->db, PV_SQLITE_BUSY_MS);
    sqlite3_wal_hook(conn->db, note_wal, store);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL); /* else a new LIMIT ? means a new plan */
    snprintf(sql, sizeof sql, "PRAGMA cache_size = -%d", cache_kib);
    enum pv_err err = pragma(conn, sql);
    if (!err) err = pragma(conn, sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    if (!err) err = pragma(conn, "PRAGMA journal_size_limit = 67108864");
    /* an erased half, body or token leaves no copy in the pages that are written */
    if (!err) err = pragma(conn, "PRAGMA secure_delete = FAST");
    return err;
}

static void close_conn(struct pv_sqlite_conn *conn)
{
    for (unsigned i = 0; i < SQL_COUNT; i++) sqlite3_finalize(conn->statements[i]);
    sqlite3_close(conn->db);
    pthread_mutex_destroy(&conn->lock);
}

void pv_sqlite_close(struct pv_meta *meta)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    for (unsigned i = 0; i < READERS; i++) close_conn(&store->readers[i]);
    close_conn(&store->keeper);
    close_conn(&store->soft);
    close_conn(&store->durable);
    pthread_mutex_destroy(&store->write);
    free(store);
}

/* ---- the schema */

static enum pv_err read_pragma(struct pv_sqlite_conn *conn, const char *sql, int *ret_value)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL);
    if (!rc) rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) *ret_value = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return pv_sqlite_error(conn, rc);
}

/* From `version`, 0 for none, to the newest. */
static enum pv_err raise_schema(struct pv_sqlite_conn *conn, int version)
{
    char sql[128];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d; PRAGMA application_id = %d", SCHEMA_VERSION, APPLICATION_ID);
    enum pv_err err = pragma(conn, "BEGIN IMMEDIATE");
    for (int i = version; i < SCHEMA_VERSION && !err; i++) err = pragma(conn, schema_steps[i]);
    if (!err) err = pragma(conn, sql);
    return pv_sqlite_end(conn, err);
}

static enum pv_err check_schema(struct pv_sqlite_conn *conn, const char *path, char ret_why[static PV_META_WHY_MAX])
{
    int version = 0, application = 0, tables = 0;
    enum pv_err err = read_pragma(conn, "PRAGMA user_version", &version);
    if (!err) err = read_pragma(conn, "PRAGMA application_id", &application);
    if (!err) err = read_pragma(conn, "SELECT count(*) FROM sqlite_master", &tables);
    if (!err && version == 0 && tables == 0) err = raise_schema(conn, 0);
    else if (!err && application != APPLICATION_ID) {
        snprintf(ret_why, PV_META_WHY_MAX, "%s is a database, but not privityd's", path);
        return PV_ERR_CORRUPT;
    } else if (!err && version > SCHEMA_VERSION) {
        snprintf(ret_why, PV_META_WHY_MAX,
                 "%s was written by a newer privityd (its version is %d, this program knows %d): run that one", path,
                 version, SCHEMA_VERSION);
        return PV_ERR_UNSUPPORTED;
    } else if (!err && version > 0 && version < SCHEMA_VERSION) {
        err = raise_schema(conn, version);
    }
    if (err)
        snprintf(ret_why, PV_META_WHY_MAX, "the metadata store %s %s: %s", path,
                 err == PV_ERR_CORRUPT ? "is damaged" : "cannot be used", sqlite3_errmsg(conn->db));
    return err;
}

/* A commit that was cut off before its sync (the program was killed, the disk was full) may be found again in the log, and
 * is shown from now on: it must not be lost then with the power. A checkpoint syncs the log before it moves anything. */
static enum pv_err sync_log(struct pv_sqlite_conn *conn)
{
    int rc = sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) & 0xff;
    return rc == SQLITE_BUSY || rc == SQLITE_FULL ? PV_OK : pv_sqlite_error(conn, rc);
}

static enum pv_err open_all(struct pv_sqlite *store, const char *path, char ret_why[static PV_META_WHY_MAX])
{
    enum pv_err err = open_conn(store, &store->durable, path, 2048, true);
    if (!err && !store->single) err = pragma(&store->durable, "PRAGMA journal_mode = WAL");
    if (!err && !store->single) err = sync_log(&store->durable);
    if (err) {
        snprintf(ret_why, PV_META_WHY_MAX, "the metadata store %s %s: %s", path,
                 err == PV_ERR_CORRUPT ? "is damaged" : "cannot be opened", sqlite3_errmsg(store->durable.db));
        return err;
    }
    err = check_schema(&store->durable, path, ret_why);
    if (err || store->single) return err;
    err = open_conn(store, &store->soft, path, 256, false);
    if (!err) err = open_conn(store, &store->keeper, path, 64, false);
    for (unsigned i = 0; i < store->reader_count && !err; i++) err = open_conn(store, &store->readers[i], path, 512, false);
    if (err) snprintf(ret_why, PV_META_WHY_MAX, "the metadata store %s cannot be opened again", path);
    return err;
}

enum pv_err pv_meta_sqlite_open(const char *path, struct pv_meta **ret_meta, char ret_why[static PV_META_WHY_MAX])
{
    /* Made by us, so that it is never readable by others; its companions take its mode. */
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(ret_why, PV_META_WHY_MAX, "the metadata store %s cannot be opened: %s", path, strerrordesc_np(errno));
        return PV_ERR_IO;
    }
    close(fd);
    return pv_sqlite_open_over(path, READERS, ret_meta, ret_why);
}

enum pv_err pv_meta_memory_open(struct pv_meta **ret_meta)
{
    char why[PV_META_WHY_MAX];
    return pv_sqlite_open_over(":memory:", 0, ret_meta, why);
}

/* ---- upkeep */

enum pv_err pv_sqlite_check(struct pv_meta *meta)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_READ);
    sqlite3_stmt *stmt = pv_sqlite_stmt(conn, SQL_CHECK);
    enum pv_err err = pv_sqlite_row(conn, stmt);
    pv_sqlite_done(stmt);
    pv_sqlite_give(store, conn);
    return err;
}

/* Bring to the disk what checkpoints have moved so far, while writers go on: the one that holds them up then finds
 * little left to sync. */
static int sync_database(struct pv_sqlite_conn *conn)
{
    sqlite3_file *file = NULL;
    int rc = sqlite3_file_control(conn->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return rc || !file || !file->pMethods ? rc : file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

enum pv_err pv_sqlite_cut_log(struct pv_sqlite *store, struct pv_sqlite_conn *conn)
{
    if (store->single) return PV_OK;
    sqlite3_busy_timeout(conn->db, 0);
    int rc = sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(conn->db, PV_SQLITE_BUSY_MS);
    return (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED ? PV_ERR_BUSY : pv_sqlite_error(conn, rc);
}

/* Most is taken over while writers go on, so that their pause is short. Errors: BUSY (somebody reads just then). */
static enum pv_err forget_erased(struct pv_sqlite *store)
{
    atomic_store(&store->erased, false);
    int rc = sqlite3_wal_checkpoint_v2(store->keeper.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (!rc) rc = sync_database(&store->keeper);
    enum pv_err err = (rc & 0xff) == SQLITE_BUSY ? PV_ERR_BUSY : pv_sqlite_error(&store->keeper, rc);
    if (!err) {
        pthread_mutex_lock(&store->write);
        err = pv_sqlite_cut_log(store, &store->keeper);
        pthread_mutex_unlock(&store->write);
    }
    if (err) atomic_store(&store->erased, true);
    return err;
}

enum pv_err pv_sqlite_maintain(struct pv_meta *meta, uint64_t now_ms)
{
    struct pv_sqlite *store = pv_sqlite_of(meta);
    int pages = atomic_load(&store->wal_pages), rc;
    enum pv_err err = PV_OK;
    (void)now_ms;
    if (store->single) return PV_OK;
    if (atomic_load(&store->erased)) err = forget_erased(store);
    if (err && err != PV_ERR_BUSY) return err;
    if (pages < WAL_PAGES_CHECKPOINT) return PV_OK;
    rc = sqlite3_wal_checkpoint_v2(store->keeper.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (!rc && pages >= WAL_PAGES_STOP) rc = sync_database(&store->keeper);
    if (!rc && pages >= WAL_PAGES_STOP) {
        /* Without a pause in writing the log would never start over; most of it is done, so the pause is short. */
        pthread_mutex_lock(&store->write);
        rc = sqlite3_wal_checkpoint_v2(store->keeper.db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
        pthread_mutex_unlock(&store->write);
    }
    return (rc & 0xff) == SQLITE_BUSY ? PV_OK : pv_sqlite_error(&store->keeper, rc);
}

enum pv_err pv_sqlite_expire(struct pv_meta *meta, uint64_t now_ms)
{
    static const enum pv_sqlite_statement all[] = {SQL_EXPIRE_NONCES, SQL_EXPIRE_SESSIONS, SQL_EXPIRE_TICKETS,
                                                   SQL_EXPIRE_CODES, SQL_EXPIRE_COUNTERS, SQL_EXPIRE_PAIRINGS};
    struct pv_sqlite *store = pv_sqlite_of(meta);
    struct pv_sqlite_conn *conn = pv_sqlite_take(store, PV_SQLITE_SOFT);
    enum pv_err err = pv_sqlite_begin(conn);
    for (size_t i = 0; i < sizeof all / sizeof *all && !err; i++) {
        sqlite3_stmt *stmt = pv_sqlite_stmt(conn, all[i]);
        if (stmt) pv_sqlite_bind_uint(stmt, 1, now_ms);
        err = pv_sqlite_run(conn, stmt);
    }
    err = pv_sqlite_end(conn, err);
    pv_sqlite_give(store, conn);
    return err;
}

static const struct pv_meta_ops calls = {
#define PV_SQLITE_CALL(call) .call = pv_sqlite_##call,
    PV_SQLITE_CALLS(PV_SQLITE_CALL)
#undef PV_SQLITE_CALL
};

enum pv_err pv_sqlite_open_over(const char *path, unsigned readers, struct pv_meta **ret_meta,
                                char ret_why[static PV_META_WHY_MAX])
{
    if (readers > READERS) return PV_ERR_LIMIT;
    struct pv_sqlite *store = calloc(1, sizeof *store);
    if (!store) return PV_ERR_NOMEM;
    store->base.ops = &calls;
    store->single = readers == 0;
    atomic_store(&store->erased, !store->single); /* whoever was killed may have left some */
    store->reader_count = readers;
    pthread_mutex_init(&store->write, NULL);
    pthread_mutex_init(&store->durable.lock, NULL);
    pthread_mutex_init(&store->soft.lock, NULL);
    pthread_mutex_init(&store->keeper.lock, NULL);
    for (unsigned i = 0; i < READERS; i++) pthread_mutex_init(&store->readers[i].lock, NULL);
    enum pv_err err = open_all(store, path, ret_why);
    if (err) {
        pv_sqlite_close(&store->base);
        return err;
    }
    *ret_meta = &store->base;
    return PV_OK;
}
