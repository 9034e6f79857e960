/* One device's database of one room: what it stored of the log, what it holds secret, what it has yet to send.
 *
 * The caller opens the SQLite connection (and keys it, natively) and owns it; the store only prepares statements
 * on it. One store serves one thread; several processes may each have a store on the same database.
 *
 * Rules for every call here:
 *   - Writes happen inside pv_store_begin … pv_store_commit, so that they stand or fall together; outside of one
 *     each call is its own transaction. After any error inside a transaction, roll back.
 *   - Slices handed to a callback are valid during that call only. A callback that returns an error ends the
 *     walk, and the walk returns that error. It may write to the store, entries being walked included.
 *   - Text and bytes returned in a `struct pv_buf` replace what it held; its maximum is the caller's
 *     (LIMIT when the value is larger).
 * Errors everywhere: NOMEM, IO, FULL (disk), CORRUPT (damaged, or not a database for this key), BUSY (another
 * process held it longer than the timeout); only further ones are named below. */
#ifndef PV_STATE_STORE_H
#define PV_STATE_STORE_H

#include <sqlite3.h>

#include "core/log/entry.h"
#include "core/log/merkle.h"
#include "core/room/epoch.h"
#include "core/room/roster.h"

enum {
    PV_STORE_SCHEMA = 3,
    PV_STORE_BUSY_TIMEOUT_MS = 10000
};

struct pv_store;

/* Check the database and create its schema if it is empty, or bring an older one up to date. `db` stays the caller's, and must outlive the store.
 * Nothing is written to a database that is not sound. Errors: UNSUPPORTED (a newer schema). */
PV_MUST_USE enum pv_err pv_store_open(sqlite3 *db, struct pv_store **ret_store);
/* Rolls back what is open. NULL is fine. */
void pv_store_close(struct pv_store *store);
/* Read every page of the database and check that it hangs together; slow. Errors: CORRUPT. */
PV_MUST_USE enum pv_err pv_store_check(struct pv_store *store);

/* Take the write lock, waiting up to the timeout. Errors: USAGE (already inside one). */
PV_MUST_USE enum pv_err pv_store_begin(struct pv_store *store);
/* See one state until commit or rollback, whatever others commit meanwhile; takes no lock and writes nothing.
 * Errors: USAGE (already inside one). */
PV_MUST_USE enum pv_err pv_store_begin_reading(struct pv_store *store);
/* On failure everything since begin is rolled back. */
PV_MUST_USE enum pv_err pv_store_commit(struct pv_store *store);
/* Harmless outside of a transaction. */
void pv_store_rollback(struct pv_store *store);
/* Also while one that failed could not be rolled back for want of memory: the next begin does that. */
bool pv_store_in_transaction(const struct pv_store *store);
/* Changes whenever another process committed something: for those who follow. */
PV_MUST_USE enum pv_err pv_store_data_version(struct pv_store *store, uint64_t *ret_version);

/* ---- small values by name (room id, server URL, device id, pin, …); names beginning with `pv.` are the store's */

PV_MUST_USE enum pv_err pv_store_value_set(struct pv_store *store, const char *name, struct pv_bytes value);
/* Errors: NOT_FOUND, LIMIT. */
PV_MUST_USE enum pv_err pv_store_value_get(struct pv_store *store, const char *name, struct pv_buf *ret_value);
PV_MUST_USE enum pv_err pv_store_number_set(struct pv_store *store, const char *name, uint64_t number);
/* `otherwise` when there is none. */
PV_MUST_USE enum pv_err pv_store_number_get(struct pv_store *store, const char *name, uint64_t otherwise,
                                            uint64_t *ret_number);
PV_MUST_USE enum pv_err pv_store_value_delete(struct pv_store *store, const char *name);
/* Chunks that this device has stored and may refer to again, with their keys: values of which this is the name's begin. */
#define PV_STORE_CHUNKS "chunk:"
/* Delete all of these. */
PV_MUST_USE enum pv_err pv_store_chunks_delete(struct pv_store *store);

/* ---- the log. Entries stand without a gap from 0; those at or after the folded size have no verdict yet. */

struct pv_stored_entry {
    uint64_t index;
    struct pv_hash author;
    uint64_t n;
    struct pv_bytes entry;
    struct pv_bytes refs; /* encoded array; null once they were dropped with a forgotten body */
    bool has_body;        /* sealed bodies may come later, or never (forgotten) */
    struct pv_bytes body;
    bool has_verdict;
    enum pv_verdict verdict;
    enum pv_reason reason;
};

typedef enum pv_err pv_store_entry_row(void *context, const struct pv_stored_entry *entry);

/* Append one entry; `author` and `n` are its header's. The hashes of its leaf are appended apart.
 * Errors: CONFLICT (index is not the size). */
PV_MUST_USE enum pv_err pv_store_entry_add(struct pv_store *store, const struct pv_stored_entry *entry);
/* The slices point into `memory`, whose contents are replaced. Errors: NOT_FOUND, LIMIT. */
PV_MUST_USE enum pv_err pv_store_entry_get(struct pv_store *store, uint64_t index, struct pv_buf *memory,
                                           struct pv_stored_entry *ret_entry);
/* Entries `from` up to but not `to`, by index. */
PV_MUST_USE enum pv_err pv_store_entry_each(struct pv_store *store, uint64_t from, uint64_t to,
                                            pv_store_entry_row *row, void *context);
/* The same without bodies (has_body still tells), which is much faster to walk. */
PV_MUST_USE enum pv_err pv_store_header_each(struct pv_store *store, uint64_t from, uint64_t to,
                                             pv_store_entry_row *row, void *context);
/* Indexes in [from, to) of sealed-kind entries that have no body here, at most `max`. */
PV_MUST_USE enum pv_err pv_store_entry_missing_bodies(struct pv_store *store, uint64_t from, uint64_t to, size_t max,
                                                      uint64_t *ret_indexes, size_t *ret_count);
/* Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_store_entry_set_body(struct pv_store *store, uint64_t index, struct pv_bytes body);
PV_MUST_USE enum pv_err pv_store_entry_drop_body(struct pv_store *store, uint64_t index);
PV_MUST_USE enum pv_err pv_store_entry_set_verdict(struct pv_store *store, uint64_t index, enum pv_verdict verdict,
                                                   enum pv_reason reason);
/* The index of the newest entry by `author` with this `n` (a stale chain can repeat one). Walks back from the newest
 * entry, since an index for this would cost every entry. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_store_entry_find(struct pv_store *store, const struct pv_hash *author, uint64_t n,
                                            uint64_t *ret_index);
/* How many entries are stored; how many of them are folded (have a verdict and their effect). */
PV_MUST_USE enum pv_err pv_store_size(struct pv_store *store, uint64_t *ret_size);
PV_MUST_USE enum pv_err pv_store_folded_size(struct pv_store *store, uint64_t *ret_size);
PV_MUST_USE enum pv_err pv_store_set_folded_size(struct pv_store *store, uint64_t size);

/* ---- the Merkle tree, its stored hashes numbered as in core/log/merkle.h */

/* Append stored hashes, `at` being how many there are already. They reach the database at the latest with the
 * commit. Errors: CONFLICT (`at`). */
PV_MUST_USE enum pv_err pv_store_hashes_add(struct pv_store *store, uint64_t at, const struct pv_hash *hashes,
                                            size_t count);
PV_MUST_USE enum pv_err pv_store_hashes_count(struct pv_store *store, uint64_t *ret_count);
/* A reader over them, valid as long as the store. Its errors: NOT_FOUND beyond the end. */
struct pv_merkle_reader pv_store_merkle_reader(struct pv_store *store);
/* Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_store_leaf(struct pv_store *store, uint64_t index, struct pv_hash *ret_leaf);

/* ---- roster snapshot, epochs, KEM keys */

/* Replace the snapshot, taken after `size` entries. */
PV_MUST_USE enum pv_err pv_store_roster_set(struct pv_store *store, uint64_t size, struct pv_bytes snapshot);
/* Errors: NOT_FOUND, LIMIT. */
PV_MUST_USE enum pv_err pv_store_roster_get(struct pv_store *store, uint64_t *ret_size, struct pv_buf *ret_snapshot);

PV_MUST_USE enum pv_err pv_store_epoch_set(struct pv_store *store, uint64_t epoch,
                                           const struct pv_epoch_secret *secret);
/* Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_store_epoch_get(struct pv_store *store, uint64_t epoch, struct pv_epoch_secret *ret_secret);
typedef enum pv_err pv_store_epoch_row(void *context, uint64_t epoch, const struct pv_epoch_secret *secret);
/* Newest first. */
PV_MUST_USE enum pv_err pv_store_epoch_each(struct pv_store *store, pv_store_epoch_row *row, void *context);
/* Is there one of an epoch before `cut`? */
PV_MUST_USE enum pv_err pv_store_epoch_has_before(struct pv_store *store, uint64_t cut, bool *ret_has);
/* Erase the secrets of all epochs before `cut`. */
PV_MUST_USE enum pv_err pv_store_epoch_erase_before(struct pv_store *store, uint64_t cut);

PV_MUST_USE enum pv_err pv_store_kem_key_add(struct pv_store *store, const struct pv_kem_pk *pk);
/* Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_store_kem_key_get(struct pv_store *store, const struct pv_hash *hash,
                                             struct pv_kem_pk *ret_pk);

/* ---- what is kept against the server */

/* Every checkpoint note ever taken, as evidence; the same note twice is kept once. */
PV_MUST_USE enum pv_err pv_store_note_add(struct pv_store *store, uint64_t size, uint64_t time_s,
                                          struct pv_bytes note);
/* The one of the largest size, of those the latest. Errors: NOT_FOUND, LIMIT. */
PV_MUST_USE enum pv_err pv_store_note_newest(struct pv_store *store, uint64_t *ret_size, uint64_t *ret_time_s,
                                             struct pv_buf *ret_note);
typedef enum pv_err pv_store_note_row(void *context, uint64_t size, uint64_t time_s, struct pv_bytes note);
/* In the order in which they came. */
PV_MUST_USE enum pv_err pv_store_note_each(struct pv_store *store, pv_store_note_row *row, void *context);

/* Something that must not be: `what` an error's web name, `text` for people, `bytes` the thing itself.
 * Recorded in the present transaction: after a roll-back begin anew and add it. */
struct pv_evidence {
    uint64_t id;
    uint64_t time_ms;
    uint64_t index;
    enum pv_err what;
    struct pv_bytes text;  /* UTF-8 */
    struct pv_bytes bytes;
};
PV_MUST_USE enum pv_err pv_store_evidence_add(struct pv_store *store, const struct pv_evidence *evidence,
                                              uint64_t *ret_id);
typedef enum pv_err pv_store_evidence_row(void *context, const struct pv_evidence *evidence);
PV_MUST_USE enum pv_err pv_store_evidence_each(struct pv_store *store, pv_store_evidence_row *row, void *context);

/* ---- outbox. A write waits here, with every version of it that was ever sealed, until the verified log shows one
 * accepted. A write without a sealed version is a draft. */

struct pv_write {
    uint64_t id; /* rises in the order of adding; set by the store */
    struct pv_id16 write_id;
    uint64_t kind;
    uint64_t type;            /* payload or roster type */
    struct pv_bytes payload;  /* kinds 2, 3: encoded payload, type and write id in it; kinds 0, 1: clear body */
    struct pv_bytes refs;     /* encoded array */
    struct pv_bytes beside;   /* encoded; kinds 2, 3: of nothing */
    uint64_t created_ms;
    uint64_t sealed_count;    /* versions; set by the store */
};

/* One signed version of a write, by this device. */
struct pv_sealed_write {
    uint64_t write; /* pv_write.id */
    uint64_t n;
    struct pv_hash prev;
    uint64_t epoch;
    struct pv_hash leaf;
    struct pv_bytes entry;
    struct pv_bytes refs;
    struct pv_bytes body;
    struct pv_bytes beside;
    bool abandoned; /* something newer stands in its place */
};

/* Errors: CONFLICT (this write id is here already). */
PV_MUST_USE enum pv_err pv_store_write_add(struct pv_store *store, const struct pv_write *write, uint64_t *ret_id);
/* Change payload, refs and beside of a write that has to be made anew (a rekey over another state). NOT_FOUND. */
PV_MUST_USE enum pv_err pv_store_write_replace(struct pv_store *store, const struct pv_write *write);
typedef enum pv_err pv_store_write_row(void *context, const struct pv_write *write);
/* All writes, oldest first. */
PV_MUST_USE enum pv_err pv_store_write_each(struct pv_store *store, pv_store_write_row *row, void *context);
/* Those without a version that stands. Each is seen, or signed by the callback, until pv_store_drafts_done says up to
 * where there is none left, so that a long outbox is not walked for each write. */
PV_MUST_USE enum pv_err pv_store_draft_each(struct pv_store *store, pv_store_write_row *row, void *context);
/* `first` is the first draft that is left; 0: none is. */
PV_MUST_USE enum pv_err pv_store_drafts_done(struct pv_store *store, uint64_t first);
PV_MUST_USE enum pv_err pv_store_write_count(struct pv_store *store, uint64_t *ret_count);
/* Do words or files wait, sealed or not? */
PV_MUST_USE enum pv_err pv_store_words_wait(struct pv_store *store, bool *ret_wait);
/* The id of the newest write and of the oldest; 0: there is none. */
PV_MUST_USE enum pv_err pv_store_write_newest(struct pv_store *store, uint64_t *ret_id);
PV_MUST_USE enum pv_err pv_store_write_oldest(struct pv_store *store, uint64_t *ret_id);
/* Give a write up: it and its sealed versions go. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_store_write_drop(struct pv_store *store, uint64_t id);

/* This device's own head: n and leaf of what it signed last, (0, zero) at first. Sealing reads it, signs n + 1 onto
 * it and adds the version, in one transaction; adding moves it. */
PV_MUST_USE enum pv_err pv_store_head_get(struct pv_store *store, struct pv_head *ret_head);
/* Take up another head, after a roll-back of this home was found out. */
PV_MUST_USE enum pv_err pv_store_head_set(struct pv_store *store, const struct pv_head *head);
/* Errors: CONFLICT (n is not above the head's), NOT_FOUND (no such write). */
PV_MUST_USE enum pv_err pv_store_sealed_add(struct pv_store *store, const struct pv_sealed_write *sealed);
typedef enum pv_err pv_store_sealed_row(void *context, const struct pv_sealed_write *sealed);
/* Versions not abandoned, by n: what is to be sent next. */
PV_MUST_USE enum pv_err pv_store_sealed_each(struct pv_store *store, pv_store_sealed_row *row, void *context);
/* Those of them from `n` on. */
PV_MUST_USE enum pv_err pv_store_sealed_from(struct pv_store *store, uint64_t n, pv_store_sealed_row *row, void *context);
/* All versions, the abandoned ones too, by n. */
PV_MUST_USE enum pv_err pv_store_sealed_each_ever(struct pv_store *store, pv_store_sealed_row *row, void *context);
/* Mark every version with n at or above `n` abandoned; their writes are drafts again. */
PV_MUST_USE enum pv_err pv_store_sealed_abandon(struct pv_store *store, uint64_t n);
/* The body of a version that waits here. Errors: NOT_FOUND, LIMIT. */
PV_MUST_USE enum pv_err pv_store_sealed_body(struct pv_store *store, const struct pv_hash *leaf, struct pv_buf *ret_body);
/* The verified log accepted this entry of ours: its write and all versions of it go. Errors: NOT_FOUND (it is no
 * version of a write here). */
PV_MUST_USE enum pv_err pv_store_sealed_accepted(struct pv_store *store, const struct pv_hash *leaf);

/* Sealed blobs to upload, until the server has acknowledged them; up to PV_LIMIT_BLOB_BYTES each.
 * Errors: LIMIT, CONFLICT (this name is here already). */
PV_MUST_USE enum pv_err pv_store_blob_add(struct pv_store *store, const struct pv_id16 *name, struct pv_bytes bytes);
/* Errors: NOT_FOUND, LIMIT. */
PV_MUST_USE enum pv_err pv_store_blob_get(struct pv_store *store, const struct pv_id16 *name, struct pv_buf *ret_bytes);
PV_MUST_USE enum pv_err pv_store_blob_acknowledged(struct pv_store *store, const struct pv_id16 *name);
typedef enum pv_err pv_store_blob_row(void *context, const struct pv_id16 *name, uint64_t size_bytes);
/* Names and sizes, in the order of adding. */
PV_MUST_USE enum pv_err pv_store_blob_each(struct pv_store *store, pv_store_blob_row *row, void *context);
PV_MUST_USE enum pv_err pv_store_blob_count(struct pv_store *store, uint64_t *ret_count);

#endif
