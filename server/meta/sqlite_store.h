/* The embedded store's inside, shared by its files: connections, prepared statements, error mapping. */
#ifndef PV_META_SQLITE_STORE_H
#define PV_META_SQLITE_STORE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "server/meta/meta.h"

enum {
    READERS = 3,
    WRAP_SLOT_BYTES = 1 + 1168,
    INDEX_BITS = 40,
    PV_SQLITE_BUSY_MS = 10000 /* an administrator's command may hold the write lock */
};

/* X(name, SQL): every statement of the store. */
#define PV_SQLITE_STATEMENTS(X)                                                                                     \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                                     \
    X(COMMIT, "COMMIT")                                                                                             \
    X(ROLLBACK, "ROLLBACK")                                                                                         \
    X(SAVEPOINT, "SAVEPOINT one")                                                                                   \
    X(RELEASE, "RELEASE one")                                                                                       \
    X(UNDO, "ROLLBACK TO one")                                                                                      \
    X(CHECK, "SELECT count(*) FROM (SELECT no FROM rooms LIMIT 1)")                                                 \
    X(ROOM, "SELECT no, id, kind, size, note_time, restored, notice, dropping FROM rooms WHERE id = ?1")                              \
    X(ROOM_BY_NO, "SELECT no, id, kind, size, note_time, restored, notice, dropping FROM rooms WHERE no = ?1")                        \
    X(ROOM_NEW, "INSERT INTO rooms (id, kind, size, note, note_time) VALUES (?1, ?2, ?3, ?4, ?5) "                  \
                "ON CONFLICT DO NOTHING")                                                                           \
    X(ROOM_GROW, "UPDATE rooms SET size = ?3, note = ?4, note_time = ?5 WHERE no = ?1 AND size = ?2")               \
    X(ROOM_DEADLINE, "UPDATE rooms SET next_until = ?2 WHERE no = ?1")                                              \
    X(ROOM_DEADLINE_AT, "UPDATE rooms SET next_until = ?3 WHERE no = ?1 AND size = ?2")                             \
    X(OVERDUE, "SELECT id FROM rooms WHERE next_until <= ?1 AND restored = 0 ORDER BY next_until LIMIT ?2")         \
    X(NOTE, "SELECT note, size FROM rooms WHERE no = ?1")                                                           \
    X(NOTE_RENEW, "UPDATE rooms SET note = ?3, note_time = ?4 WHERE no = ?1 AND size = ?2 AND note_time <= ?4")     \
    X(ROSTER, "SELECT roster, size FROM rosters WHERE room = ?1")                                                   \
    X(ROSTER_PUT, "INSERT INTO rosters (room, size, roster) VALUES (?1, ?2, ?3) "                                   \
                  "ON CONFLICT (room) DO UPDATE SET size = ?2, roster = ?3")                                        \
    X(ENTRY_PUT, "INSERT INTO entries (place, author, n, verdict, tree, entry, refs, body) "                        \
                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                                         \
    X(ENTRIES, "SELECT place, n, verdict, entry, refs, body FROM entries WHERE place >= ?1 AND place < ?2 "         \
               "ORDER BY place")                                                                                    \
    X(ENTRY_FIND, "SELECT place, verdict, tree, entry FROM entries WHERE author = ?1 AND n = ?2 "                   \
                  "AND place >= ?3 AND place < ?4")                                                                 \
    X(ENTRY_NEWEST, "SELECT place, n, verdict, entry FROM entries WHERE author = ?1 "                               \
                    "AND place >= ?2 AND place < ?3 ORDER BY n DESC")                                               \
    X(TREE, "SELECT tree FROM entries WHERE place = ?1")                                                            \
    X(BESIDE_PUT, "INSERT INTO besides (place, links, count, leaves, wraps) VALUES (?1, ?2, ?3, ?4, ?5)")           \
    X(WRAP, "SELECT count, leaves, substr(wraps, 1 + ?2 * 1169, 1169) FROM besides WHERE place = ?1")               \
    X(LINKS, "SELECT links FROM besides WHERE place = ?1")                                                          \
    X(NOTICE, "UPDATE rooms SET notice = ?2 WHERE no = ?1")                                                         \
    X(FORGET_PUT, "INSERT INTO forgets (room, id, due) VALUES (?1, ?2, ?3) ON CONFLICT (room, id) DO UPDATE SET due = ?3") \
    X(FORGET_DONE, "DELETE FROM forgets WHERE room = ?1 AND id = ?2")                                               \
    X(FORGETS, "SELECT id, due FROM forgets WHERE room = ?1 ORDER BY id")                                           \
    X(DROPPING, "UPDATE rooms SET dropping = ?2 WHERE no = ?1")                                                     \
    X(UNDROPPED, "SELECT id FROM rooms WHERE dropping > 0 ORDER BY no LIMIT ?1")                                    \
    X(DROP_REFS, "SELECT refs FROM entries WHERE place = ?1 AND refs <> x'f6'")                                     \
    X(DROP, "UPDATE entries SET body = NULL, refs = x'f6' WHERE place = ?1")                                        \
    X(DROP_BESIDE, "DELETE FROM besides WHERE place >= ?1 AND place < ?2")                                          \
    X(BLOB_LET_GO, "UPDATE blobs SET refs = refs - 1, since = iif(refs = 1, 0, since) WHERE room = ?1 AND name = ?2") \
    X(OVERWRITE, "PRAGMA secure_delete = ON")                                                                       \
    X(OVERWRITE_FAST, "PRAGMA secure_delete = FAST")                                                                \
    X(KEM_PUT, "INSERT INTO kem_keys (room, hash, key) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")                 \
    X(KEM, "SELECT key FROM kem_keys WHERE room = ?1 AND hash = ?2")                                                \
    X(MEMBER_PUT, "INSERT INTO members (device, room, access) VALUES (?1, ?2, ?3) "                                 \
                  "ON CONFLICT (device, room) DO UPDATE SET access = ?3")                                           \
    X(MEMBER_DROP, "DELETE FROM members WHERE device = ?1 AND room = ?2")                                           \
    X(ACCESS, "SELECT access FROM members WHERE device = ?1 AND room = ?2")                                         \
    X(ROOMS_OF, "SELECT r.no, r.id, r.kind, r.size, r.note_time, r.restored, r.notice, r.dropping FROM members m "                        \
                "JOIN rooms r ON r.no = m.room WHERE m.device = ?1 ORDER BY r.no")                                  \
    X(PERSON_OF, "SELECT a.person, a.suspended FROM members m JOIN rooms r ON r.no = m.room "                       \
                 "JOIN accounts a ON a.person = r.id WHERE m.device = ?1 AND r.kind = 0")                           \
    X(ACCOUNT_PUT, "INSERT INTO accounts (person, created, suspended) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING")   \
    X(ACCOUNTS, "SELECT a.person, a.created, a.suspended, "                                                         \
                "coalesce((SELECT r.size FROM rooms r WHERE r.id = a.person), 0), "                                 \
                "coalesce((SELECT sum(c.sum) FROM counters c WHERE c.what = 'bytes' AND c.key = a.person), 0) "     \
                "FROM accounts a ORDER BY a.created, a.person")                                                     \
    X(SUSPEND, "UPDATE accounts SET suspended = ?2 WHERE person = ?1")                                              \
    X(SUSPEND_SESSIONS, "DELETE FROM sessions WHERE device IN (SELECT m.device FROM members m "                     \
                        "JOIN rooms r ON r.no = m.room WHERE r.id = ?1)")                                           \
    X(NONCE_PUT, "INSERT INTO nonces (nonce, expires) VALUES (?1, ?2)")                                             \
    X(NONCE_TAKE, "DELETE FROM nonces WHERE nonce = ?1 AND expires > ?2")                                           \
    X(SESSION_PUT, "INSERT INTO sessions (token, device, sign_pk, kem_hash, expires) VALUES (?1, ?2, ?3, ?4, ?5)")  \
    X(SESSION, "SELECT device, sign_pk, kem_hash, expires FROM sessions WHERE token = ?1 AND expires > ?2")         \
    X(SESSION_END, "DELETE FROM sessions WHERE token = ?1")                                                         \
    X(SESSION_END_OF, "DELETE FROM sessions WHERE device = ?1")                                                     \
    X(TICKET_PUT, "INSERT INTO tickets (ticket, room, expires) VALUES (?1, ?2, ?3)")                                \
    X(TICKET, "SELECT room FROM tickets WHERE ticket = ?1 AND expires > ?2")                                        \
    X(CODE_PUT, "INSERT INTO codes (code, expires) VALUES (?1, ?2)")                                                \
    X(CODE_TAKE, "DELETE FROM codes WHERE code = ?1 AND expires > ?2")                                              \
    X(COUNT_ADD, "INSERT INTO counters (what, key, window, sum, expires) VALUES (?1, ?2, ?3, ?4, ?5) "              \
                 "ON CONFLICT (what, key, window) DO UPDATE SET sum = sum + ?4 RETURNING sum")                      \
    X(COUNT_GET, "SELECT sum FROM counters WHERE what = ?1 AND key = ?2 AND window = ?3")                           \
    X(PAIRING_CLEAR, "DELETE FROM pairings WHERE expires <= ?2 OR device = ?1")                                     \
    X(PAIRING_NEW, "INSERT INTO pairings (plate, device, expires) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")      \
    X(PAIRING, "SELECT device FROM pairings WHERE plate = ?1 AND expires > ?2")                                     \
    X(PAIRING_PUT, "INSERT INTO pairing_messages (plate, slot, message) "                                           \
                   "SELECT plate, ?2, ?4 FROM pairings WHERE plate = ?1 AND expires > ?3 ON CONFLICT DO NOTHING")   \
    X(PAIRING_GET, "SELECT m.message FROM pairings p LEFT JOIN pairing_messages m "                                 \
                   "ON m.plate = p.plate AND m.slot = ?2 WHERE p.plate = ?1 AND p.expires > ?3")                    \
    X(EXPIRE_PAIRINGS, "DELETE FROM pairings WHERE expires <= ?1")                                                  \
    X(EXPIRE_NONCES, "DELETE FROM nonces WHERE expires <= ?1")                                                      \
    X(EXPIRE_SESSIONS, "DELETE FROM sessions WHERE expires <= ?1")                                                  \
    X(EXPIRE_TICKETS, "DELETE FROM tickets WHERE expires <= ?1")                                                    \
    X(EXPIRE_CODES, "DELETE FROM codes WHERE expires <= ?1")                                                        \
    X(EXPIRE_COUNTERS, "DELETE FROM counters WHERE expires <= ?1")                                                  \
    X(BLOB, "SELECT locator, size, sha256 FROM blobs WHERE room = ?1 AND name = ?2")                                \
    X(BLOB_PUT, "INSERT INTO blobs (room, name, locator, size, sha256, refs, since) VALUES (?1, ?2, ?3, ?4, ?5, "   \
                "coalesce((SELECT refs FROM lost_refs WHERE room = ?1 AND name = ?2), 0), ?6) ON CONFLICT DO NOTHING")\
    X(BLOB_FOUND, "DELETE FROM lost_refs WHERE room = ?1 AND name = ?2")                                            \
    X(BLOB_LOST, "INSERT INTO lost_refs (room, name, refs) SELECT ?1, ?2, 1 WHERE NOT EXISTS "                      \
                 "(SELECT 1 FROM blobs WHERE room = ?1 AND name = ?2) ON CONFLICT DO UPDATE SET refs = refs + 1")   \
    X(LOST_REFS, "SELECT l.room, r.id, l.name FROM lost_refs l JOIN rooms r ON r.no = l.room "                      \
                 "WHERE (l.room, l.name) > (?1, ?2) ORDER BY l.room, l.name LIMIT ?3")                              \
    X(BLOB_REF, "UPDATE blobs SET refs = refs + ?3 WHERE room = ?1 AND name = ?2")                                  \
    X(BLOB_COLLECT, "DELETE FROM blobs WHERE rowid IN (SELECT rowid FROM blobs WHERE refs = 0 AND since < ?1 "      \
                    "AND room NOT IN (SELECT no FROM rooms WHERE restored = 1) ORDER BY since LIMIT ?2) "           \
                    "RETURNING locator")                                                                            \
    X(BLOB_KNOWN, "SELECT 1 FROM blobs WHERE locator = ?1")                                                         \
    X(GATE, "SELECT room, version, signed, half, reason, refs, "                                                    \
            "(SELECT count(*) FROM releases WHERE gate = ?1) FROM gates WHERE id = ?1")                             \
    X(GATE_NEW, "INSERT INTO gates (id, room, version, signed, half, refs, reason) "                                \
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, '') ON CONFLICT DO NOTHING")                                       \
    X(GATE_UPDATE, "UPDATE gates SET version = ?3, signed = ?4, half = coalesce(?5, half), refs = ?6, "             \
                   "reason = iif(?5 IS NULL, reason, '') WHERE id = ?1 AND room = ?2 AND version = ?3 - 1")         \
    X(GATE_CLOSE, "UPDATE gates SET half = NULL, reason = ?3 WHERE id = ?1 AND room = ?2 AND half IS NOT NULL")     \
    X(RELEASE_PUT, "INSERT INTO releases (gate, request, time) SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM gates "  \
                   "WHERE id = ?1 AND version = ?4 AND half IS NOT NULL) "                                          \
                   "AND (?5 < 0 OR (SELECT count(*) FROM releases WHERE gate = ?1) < ?5) ON CONFLICT DO NOTHING")   \
    X(RELEASED, "SELECT 1 FROM releases WHERE gate = ?1 AND request = ?2")                                          \
    X(STATS, "SELECT (SELECT count(*) FROM rooms), (SELECT coalesce(sum(size), 0) FROM rooms), "                    \
             "(SELECT count(*) FROM accounts), (SELECT count(DISTINCT device) FROM members), "                      \
             "(SELECT count(*) FROM blobs), (SELECT coalesce(sum(size), 0) FROM blobs), "                           \
             "(SELECT count(*) FROM gates), (SELECT count(*) FROM sessions)")                                       \
    X(NOTES, "SELECT no, id, kind, size, note_time, restored, notice, dropping, note FROM rooms ORDER BY no")                         \
    X(BLOBS, "SELECT name, locator, size, sha256, refs FROM blobs ORDER BY rowid")                                  \
    X(BLOB_DROP, "DELETE FROM blobs WHERE locator = ?1 AND refs = 0")                                               \
    X(RESTORE_ROOMS, "UPDATE rooms SET restored = 1")                                                               \
    X(RESTORE_NOTED, "INSERT INTO restores (time) VALUES (?1)")                                                     \
    X(RESTORE_HEADS, "DELETE FROM known_heads")                                                                     \
    X(RESTORE_SHOWN, "DELETE FROM shown_heads")                                                                     \
    X(RESTORE_SESSIONS, "DELETE FROM sessions")                                                                     \
    X(RESTORE_NONCES, "DELETE FROM nonces")                                                                         \
    X(RESTORE_TICKETS, "DELETE FROM tickets")                                                                       \
    X(RESTORE_CODES, "DELETE FROM codes")                                                                           \
    X(RESTORE_PAIRINGS, "DELETE FROM pairings")                                                                     \
    X(SHOW_HEAD, "INSERT INTO known_heads (room, size, note) VALUES (?1, ?2, ?3) "                                  \
                 "ON CONFLICT (room) DO UPDATE SET size = ?2, note = ?3 WHERE size < ?2")                           \
    X(SHOW_DEVICE, "INSERT INTO shown_heads (room, device) VALUES (?1, ?2) ON CONFLICT DO NOTHING")                 \
    X(SHOWN, "SELECT 1 FROM shown_heads WHERE room = ?1 AND device = ?2")                                           \
    X(KNOWN_SIZE, "SELECT max(coalesce((SELECT size FROM known_heads WHERE room = ?1), 0), "                        \
                  "coalesce((SELECT size FROM kept_heads WHERE id = (SELECT id FROM rooms WHERE no = ?1)), 0))")    \
    X(KEEP_HEAD, "INSERT INTO kept_heads (id, size, note, is_last) VALUES (?1, ?2, ?3, ?4) "                        \
                 "ON CONFLICT (id) DO UPDATE SET size = ?2, note = ?3, is_last = ?4")                               \
    X(KEPT_HEAD, "SELECT note, is_last FROM kept_heads WHERE id = (SELECT id FROM rooms WHERE no = ?1)")            \
    X(RESTORE_KEPT, "DELETE FROM kept_heads")                                                                       \
    X(SUCCEED, "INSERT INTO successions (room, successor, signed) VALUES (?1, ?2, ?3) "                             \
               "ON CONFLICT (room) DO UPDATE SET signed = ?3 WHERE successor = ?2")                                 \
    X(SUCCESSION, "SELECT signed FROM successions WHERE room = ?1")                                                 \
    X(OPEN_ROOM, "UPDATE rooms SET restored = 0 WHERE no = ?1 AND size = ?2")                                       \
    X(ROOM_RESTORED, "UPDATE rooms SET restored = 1 WHERE no = ?1")                                                 \
    X(RESTORED_AT, "SELECT coalesce(max(time), 0) FROM restores")                                                   \
    X(PAGES, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")

enum pv_sqlite_statement {
#define PV_SQLITE_ID(name, sql) SQL_##name,
    PV_SQLITE_STATEMENTS(PV_SQLITE_ID)
#undef PV_SQLITE_ID
    SQL_COUNT
};

struct pv_sqlite_conn {
    sqlite3 *db;
    pthread_mutex_t lock; /* readers only; the writers share the store's */
    sqlite3_stmt *statements[SQL_COUNT];
    bool erases; /* since it was taken; its user holds the lock */
};

struct pv_sqlite {
    struct pv_meta base;
    bool single;                   /* in memory: one connection for everything */
    pthread_mutex_t write;
    struct pv_sqlite_conn durable; /* syncs with each commit */
    struct pv_sqlite_conn soft;    /* does not */
    struct pv_sqlite_conn readers[READERS];
    unsigned reader_count;
    struct pv_sqlite_conn keeper;  /* checkpoints */
    atomic_uint next_reader;
    atomic_int wal_pages;
    atomic_bool erased;            /* a secret that the write-ahead log may still hold */
};

/* Open over what SQLite's default VFS has at `path`, in a file system or not. `readers`: up to READERS connections that
 * read beside the writer; 0: one connection for everything, and no log. */
PV_MUST_USE enum pv_err pv_sqlite_open_over(const char *path, unsigned readers, struct pv_meta **ret_meta,
                                            char ret_why[static PV_META_WHY_MAX]);

static inline struct pv_sqlite *pv_sqlite_of(struct pv_meta *meta)
{
    return (struct pv_sqlite *)meta;
}

enum pv_sqlite_use { PV_SQLITE_READ, PV_SQLITE_SOFT, PV_SQLITE_DURABLE };

struct pv_sqlite_conn *pv_sqlite_take(struct pv_sqlite *store, enum pv_sqlite_use use);
void pv_sqlite_give(struct pv_sqlite *store, struct pv_sqlite_conn *conn);
/* After a statement that erases a secret, if it found one: upkeep then cuts the log, once this is committed. */
void pv_sqlite_erases(struct pv_sqlite_conn *conn);
/* The write-ahead log holds pages as they were: it is taken over whole, and cut. No writer may be at work. Errors: BUSY (someone
 * reads now, and is not waited for). */
PV_MUST_USE enum pv_err pv_sqlite_cut_log(struct pv_sqlite *store, struct pv_sqlite_conn *conn);
enum pv_err pv_sqlite_error(const struct pv_sqlite_conn *conn, int rc);

/* A statement ready for binding; NULL: pv_sqlite_error tells. Every use ends in pv_sqlite_done. */
sqlite3_stmt *pv_sqlite_stmt(struct pv_sqlite_conn *conn, enum pv_sqlite_statement id);
/* Run to the end, ignoring rows. */
enum pv_err pv_sqlite_run(struct pv_sqlite_conn *conn, sqlite3_stmt *stmt);
/* One step: OK with a row, NOT_FOUND at the end. */
enum pv_err pv_sqlite_row(struct pv_sqlite_conn *conn, sqlite3_stmt *stmt);
void pv_sqlite_done(sqlite3_stmt *stmt);
/* The first column of the rows, at most `max` of them; is there a row? Both end the statement. */
enum pv_err pv_sqlite_rooms(struct pv_sqlite_conn *conn, sqlite3_stmt *stmt, size_t max, struct pv_hash *ret_hashes, size_t *ret_count);
enum pv_err pv_sqlite_exists(struct pv_sqlite_conn *conn, sqlite3_stmt *stmt, bool *ret_exists);
enum pv_err pv_sqlite_exec(struct pv_sqlite_conn *conn, enum pv_sqlite_statement id);
/* Begin a transaction; its end then needs no memory for statements. */
enum pv_err pv_sqlite_begin(struct pv_sqlite_conn *conn);
/* Commit when `err` is OK, else roll back; the result is what happened. */
enum pv_err pv_sqlite_end(struct pv_sqlite_conn *conn, enum pv_err err);

void pv_sqlite_bind_bytes(sqlite3_stmt *stmt, int at, const void *p, size_t n);
void pv_sqlite_bind_uint(sqlite3_stmt *stmt, int at, uint64_t value);
void pv_sqlite_bind_hash(sqlite3_stmt *stmt, int at, const struct pv_hash *hash);
struct pv_bytes pv_sqlite_bytes(sqlite3_stmt *stmt, int column);
uint64_t pv_sqlite_uint(sqlite3_stmt *stmt, int column);
/* Exactly `n` bytes. Errors: CORRUPT. */
enum pv_err pv_sqlite_fixed(sqlite3_stmt *stmt, int column, void *ret_bytes, size_t n);
void pv_sqlite_get_room(sqlite3_stmt *stmt, struct pv_meta_room *ret_room);
/* Add `delta` to the references of each blob that an encoded array names. Errors: NOT_FOUND. */
enum pv_err pv_sqlite_refs(struct pv_sqlite_conn *conn, uint64_t room, struct pv_bytes refs, int delta);

/* X(call): every call of meta.h; here as pv_sqlite_<call>. */
#define PV_SQLITE_CALLS(X)                                                                                          \
    X(close) X(check) X(maintain) X(expire)                                                   /* sqlite.c */        \
    X(room) X(note) X(renew_note) X(roster) X(entries) X(find) X(newest) X(hashes)            /* sqlite_log.c */    \
    X(wrap) X(links) X(kem_key) X(kem_put) X(access) X(rooms_of) X(overdue) X(set_deadline)                                    \
    X(append)                                                                                 /* sqlite_append.c */ \
    X(forgets) X(undropped) X(drop) X(dropped)                                                /* sqlite_forget.c */ \
    X(nonce_put) X(nonce_take) X(session_put) X(session) X(session_end) X(ticket_put)         /* sqlite_soft.c */   \
    X(ticket) X(code_put) X(count) X(accounts) X(suspend) X(stats)                                                  \
    X(blob) X(blob_put) X(blob_collect) X(blob_known) X(gate_put) X(gate) X(gate_close) X(released) /* sqlite_hold.c */ \
    X(pairing_new) X(pairing) X(pairing_put) X(pairing_get)                                   /* sqlite_pairing.c */ \
    X(snapshot) X(each_note) X(each_blob) X(blob_drop) X(mark_restored) X(restored_at)        /* sqlite_backup.c */ \
    X(show) X(shown) X(known_size) X(open_room) X(keep_head) X(kept_head) X(succeed) X(succession) X(lost_refs)

#define PV_SQLITE_DECLARE(call) __typeof__(*((struct pv_meta_ops *)0)->call) pv_sqlite_##call;
PV_SQLITE_CALLS(PV_SQLITE_DECLARE)
#undef PV_SQLITE_DECLARE

#endif
