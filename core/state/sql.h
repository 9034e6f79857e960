/* Prepared statements with a sticky error, for the files of core/state alone: bind in order, step, read columns,
 * end. The first failure makes the rest do nothing, and pv_sql_end returns it.
 *
 * SQL texts are string literals: a statement is prepared once and kept by the literal's address. */
#ifndef PV_STATE_SQL_H
#define PV_STATE_SQL_H

#include "core/state/store.h"

enum { PV_SQL_KEPT_MAX = 128, PV_SQL_HASHES_A_PAGE = 64, PV_SQL_AUTHORS_KEPT = 16 };

struct pv_sql_kept {
    const char *text;
    sqlite3_stmt *stmt;
};

struct pv_store {
    sqlite3 *db;
    bool in_transaction;
    bool in_overlay; /* inside pv_overlay_begin: nothing of it stays */
    struct pv_written *written; /* NULL until the first fold */
    bool written_is_current;    /* in this transaction */
    struct pv_sql_kept kept[PV_SQL_KEPT_MAX];
    size_t kept_count;
    /* What one transaction remembers; forgotten where it begins and ends. */
    struct {
        bool known;
        uint64_t next;
    } size;
    struct {
        bool known, changed;
        uint64_t page;
        size_t count;
        struct pv_hash hashes[PV_SQL_HASHES_A_PAGE];
    } tail;
    struct {
        uint64_t no; /* 0: empty slot */
        struct pv_hash id;
    } authors[PV_SQL_AUTHORS_KEPT];
};

/* What a SQLite result means. */
enum pv_err pv_sql_err(int rc);
/* Run statements that return nothing. */
PV_MUST_USE enum pv_err pv_sql_exec(struct pv_store *store, const char *text);

struct pv_sql {
    struct pv_store *store;
    sqlite3_stmt *stmt;
    bool kept;
    int bound;
    enum pv_err err;
};

struct pv_sql pv_sql_begin(struct pv_store *store, const char *text);
void pv_sql_fail(struct pv_sql *sql, enum pv_err err);
void pv_sql_bind_u64(struct pv_sql *sql, uint64_t value);
/* An empty slice is an empty blob, not NULL. The bytes stay the caller's until pv_sql_end. */
void pv_sql_bind_bytes(struct pv_sql *sql, struct pv_bytes bytes);
void pv_sql_bind_text(struct pv_sql *sql, struct pv_bytes text);
void pv_sql_bind_null(struct pv_sql *sql);
/* True: a row is there. */
bool pv_sql_step(struct pv_sql *sql);
bool pv_sql_is_null(struct pv_sql *sql, int column);
uint64_t pv_sql_u64(struct pv_sql *sql, int column);
/* Valid until the next step or end. */
struct pv_bytes pv_sql_bytes(struct pv_sql *sql, int column);
/* Exactly `n` bytes, else CORRUPT. */
void pv_sql_fixed(struct pv_sql *sql, int column, void *ret_bytes, size_t n);
/* Into a caller's buffer, replacing what it held; fails with the buffer's error. */
void pv_sql_copy(struct pv_sql *sql, int column, struct pv_buf *ret_bytes);
PV_MUST_USE enum pv_err pv_sql_end(struct pv_sql *sql);
/* End a statement whose outcome does not matter. */
void pv_sql_drop(struct pv_sql *sql);
/* Step to the end and end, for a statement without rows. */
PV_MUST_USE enum pv_err pv_sql_run(struct pv_sql *sql);
/* The first row's number; `otherwise` where there is no row or a NULL. Ends. */
PV_MUST_USE enum pv_err pv_sql_run_u64(struct pv_sql *sql, uint64_t otherwise, uint64_t *ret_value);

/* Begin a transaction unless one is open; `ret_own` for pv_sql_leave, which commits or rolls back what it began
 * and returns `err` or the commit's error. */
PV_MUST_USE enum pv_err pv_sql_enter(struct pv_store *store, bool *ret_own);
PV_MUST_USE enum pv_err pv_sql_leave(struct pv_store *store, bool own, enum pv_err err);

/* Roll back while the caller still believes to be inside: each further call in this transaction fails. */
void pv_sql_abandon(struct pv_store *store);

/* The number that stands for an author in every table, given in the order of first appearance. */
PV_MUST_USE enum pv_err pv_sql_author(struct pv_store *store, const struct pv_hash *id, uint64_t *ret_no);
/* Write the last page of hashes that a transaction holds back (store_log.c). */
PV_MUST_USE enum pv_err pv_store_hashes_flush(struct pv_store *store);
/* Forget what a transaction remembers. */
void pv_sql_forget(struct pv_store *store);

#endif
