/* Opening a room's database, transactions, and small values by name. */
#include "core/state/store.h"

#include <stdlib.h>
#include <string.h>

#include "core/state/fold.h"
#include "core/state/written.h"

#define APPLICATION_ID 1347833938 /* "PVRR", tells our database from any other */
#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

/* EXTRA: what was answered as kept survives a loss of power, also in a new database, which has a journal yet: with FULL
 * its removal, which is the commit, could come undone. The cache holds what the fold touches at random. Large pages,
 * since most of what is written is one long log. What is deleted is overwritten. */
static const char settings[] = "PRAGMA page_size = 16384; PRAGMA synchronous = EXTRA; PRAGMA cache_size = -16384;"
                               "PRAGMA secure_delete = ON;";
static const char mark[] = "PRAGMA application_id = " STRING(APPLICATION_ID) ";"
                           "PRAGMA user_version = 3;";
static const char schema[] =
#include "core/state/schema.sql.inc"
    ;
static const char schema_2[] =
#include "core/state/schema_2.sql.inc"
    ;
static const char schema_3[] =
#include "core/state/schema_3.sql.inc"
    ;

_Static_assert(PV_STORE_SCHEMA == 3, "the mark names the schema's version");

static enum pv_err ask(struct pv_store *store, const char *text, uint64_t *ret_number)
{
    struct pv_sql sql = pv_sql_begin(store, text);
    return pv_sql_run_u64(&sql, 0, ret_number);
}

/* What a database is before we touch it. New is only one without a page: what is left of a file that was cut short can
 * look empty, too. In a transaction there is a page already, but no table. Errors: UNSUPPORTED, CORRUPT. */
static const char how_many_pages[] = "PRAGMA page_count";
static const char how_many_tables[] = "SELECT count(*) FROM sqlite_schema";

static enum pv_err judge(struct pv_store *store, const char *how_much, bool *ret_new, uint64_t *ret_old)
{
    uint64_t id = 0, version = 0, held = 0;
    enum pv_err err = ask(store, "PRAGMA application_id", &id);
    if (!err) err = ask(store, "PRAGMA user_version", &version);
    if (!err) err = ask(store, how_much, &held);
    if (err) return err;
    *ret_new = held == 0;
    *ret_old = held != 0 && version < PV_STORE_SCHEMA ? version : 0;
    if (*ret_new) return PV_OK;
    if (id != APPLICATION_ID || version == 0) return PV_ERR_CORRUPT;
    return version > PV_STORE_SCHEMA ? PV_ERR_UNSUPPORTED : PV_OK;
}

/* Several processes may find it empty, or old, at once: the second one sees what the first has made. */
static enum pv_err create(struct pv_store *store)
{
    bool is_new = false;
    uint64_t old = 0; /* its schema */
    enum pv_err err = pv_store_begin(store);
    if (err) return err;
    err = judge(store, how_many_tables, &is_new, &old);
    if (!err && is_new) err = pv_sql_exec(store, schema);
    if (!err && (is_new || old == 1)) err = pv_sql_exec(store, schema_2);
    if (!err && (is_new || old)) err = pv_sql_exec(store, schema_3);
    if (!err && (is_new || old)) err = pv_sql_exec(store, mark);
    if (!err && is_new) err = pv_fold_mark_new(store);
    return pv_sql_leave(store, true, err);
}

/* A new database grows without a write-ahead log, which would write every page twice; afterwards readers and a writer
 * shall not wait for each other. One that others are busy in keeps the mode that it has, and in memory there is no
 * such mode: either is fine. */
static enum pv_err use_log(struct pv_store *store)
{
    enum pv_err err = pv_sql_err(sqlite3_busy_timeout(store->db, 0));
    if (!err) err = pv_sql_exec(store, "PRAGMA journal_mode = WAL");
    if (err == PV_ERR_BUSY) err = PV_OK;
    return err ? err : pv_sql_err(sqlite3_busy_timeout(store->db, PV_STORE_BUSY_TIMEOUT_MS));
}

static enum pv_err set_up(struct pv_store *store)
{
    bool is_new = false;
    uint64_t old = 0;
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL); /* else a new LIMIT ? means a new plan */
    enum pv_err err = pv_sql_err(sqlite3_busy_timeout(store->db, PV_STORE_BUSY_TIMEOUT_MS));
    if (!err) err = judge(store, how_many_pages, &is_new, &old);
    if (!err) err = pv_sql_exec(store, settings);
    if (err) return err;
    if (is_new) return create(store);
    err = use_log(store);
    return err || !old ? err : create(store);
}

enum pv_err pv_store_open(sqlite3 *db, struct pv_store **ret_store)
{
    struct pv_store *store = calloc(1, sizeof *store);
    if (!store) return PV_ERR_NOMEM;
    store->db = db;
    enum pv_err err = set_up(store);
    if (err) pv_store_close(store);
    else *ret_store = store;
    return err;
}

void pv_store_close(struct pv_store *store)
{
    if (!store) return;
    pv_store_rollback(store);
    for (size_t i = 0; i < store->kept_count; i++) sqlite3_finalize(store->kept[i].stmt);
    pv_written_free(store);
    free(store);
}

enum pv_err pv_store_check(struct pv_store *store)
{
    struct pv_sql sql = pv_sql_begin(store, "PRAGMA quick_check(1)");
    bool sound = pv_sql_step(&sql) && pv_bytes_equal(pv_sql_bytes(&sql, 0), pv_bytes_of_string("ok"));
    if (!sound) pv_sql_fail(&sql, PV_ERR_CORRUPT);
    return pv_sql_end(&sql);
}

/* It can fail where memory has run out; then pv_sql_begin tries again before it does anything else. */
void pv_store_rollback(struct pv_store *store)
{
    if (store->in_transaction) pv_sql_forget(store);
    pv_written_forget(store);
    store->in_transaction = false;
    if (!sqlite3_get_autocommit(store->db)) sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

static enum pv_err begin(struct pv_store *store, const char *how)
{
    if (store->in_transaction) return PV_ERR_USAGE;
    pv_sql_forget(store);
    struct pv_sql sql = pv_sql_begin(store, how);
    enum pv_err err = pv_sql_run(&sql);
    store->in_transaction = !err;
    return err;
}

enum pv_err pv_store_begin(struct pv_store *store)
{
    return begin(store, "BEGIN IMMEDIATE");
}

enum pv_err pv_store_begin_reading(struct pv_store *store)
{
    return begin(store, "BEGIN");
}

enum pv_err pv_store_commit(struct pv_store *store)
{
    if (!store->in_transaction) return PV_ERR_USAGE;
    enum pv_err err = pv_store_hashes_flush(store);
    if (!err) {
        struct pv_sql sql = pv_sql_begin(store, "COMMIT");
        err = pv_sql_run(&sql);
    }
    if (err) {
        pv_store_rollback(store);
        return err;
    }
    store->in_transaction = false;
    pv_sql_forget(store);
    return PV_OK;
}

bool pv_store_in_transaction(const struct pv_store *store)
{
    return store->in_transaction || !sqlite3_get_autocommit(store->db);
}

enum pv_err pv_store_data_version(struct pv_store *store, uint64_t *ret_version)
{
    struct pv_sql sql = pv_sql_begin(store, "PRAGMA data_version");
    return pv_sql_run_u64(&sql, 0, ret_version);
}

/* ---- values */

enum pv_err pv_store_value_set(struct pv_store *store, const char *name, struct pv_bytes value)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO value (name, value) VALUES (?, ?)");
    pv_sql_bind_text(&sql, pv_bytes_of_string(name));
    pv_sql_bind_bytes(&sql, value);
    return pv_sql_run(&sql);
}

enum pv_err pv_store_value_get(struct pv_store *store, const char *name, struct pv_buf *ret_value)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT value FROM value WHERE name = ?");
    pv_sql_bind_text(&sql, pv_bytes_of_string(name));
    if (pv_sql_step(&sql)) pv_sql_copy(&sql, 0, ret_value);
    else pv_sql_fail(&sql, PV_ERR_NOT_FOUND);
    return pv_sql_end(&sql);
}

enum pv_err pv_store_number_set(struct pv_store *store, const char *name, uint64_t number)
{
    struct pv_sql sql = pv_sql_begin(store, "INSERT OR REPLACE INTO value (name, value) VALUES (?, ?)");
    pv_sql_bind_text(&sql, pv_bytes_of_string(name));
    pv_sql_bind_u64(&sql, number);
    return pv_sql_run(&sql);
}

enum pv_err pv_store_number_get(struct pv_store *store, const char *name, uint64_t otherwise, uint64_t *ret_number)
{
    struct pv_sql sql = pv_sql_begin(store, "SELECT value FROM value WHERE name = ?");
    pv_sql_bind_text(&sql, pv_bytes_of_string(name));
    return pv_sql_run_u64(&sql, otherwise, ret_number);
}

enum pv_err pv_store_value_delete(struct pv_store *store, const char *name)
{
    struct pv_sql sql = pv_sql_begin(store, "DELETE FROM value WHERE name = ?");
    pv_sql_bind_text(&sql, pv_bytes_of_string(name));
    return pv_sql_run(&sql);
}

enum pv_err pv_store_chunks_delete(struct pv_store *store)
{
    struct pv_sql sql = pv_sql_begin(store, "DELETE FROM value WHERE name GLOB '" PV_STORE_CHUNKS "*'");
    return pv_sql_run(&sql);
}
