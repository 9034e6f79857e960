/* The metadata store: one interface for everything the server remembers, blobs' bytes apart.
 *
 * No call spans two transactions, and each write is one transaction, so the interface fits an embedded store and a
 * shared database alike. Calls may come from any thread. Rows arrive by callbacks whose slices are borrowed for the
 * duration of the call; a callback calls no store. Every implementation runs tests/conformance.
 * Errors everywhere: IO, FULL, CORRUPT, NOMEM; others are named at the call. */
#ifndef PV_META_META_H
#define PV_META_META_H

#include "core/log/entry.h"
#include "core/log/merkle.h"

enum pv_access { PV_ACCESS_NONE = -1, PV_ACCESS_VIEWER = 0, PV_ACCESS_EDITOR = 1, PV_ACCESS_OWNER = 2 };

struct pv_meta_room {
    uint64_t no; /* the store's own number for it */
    struct pv_hash id;
    unsigned kind; /* enum pv_room_kind */
    uint64_t size;
    uint64_t note_time_s;
    bool restored; /* from a backup, and read-only until its lost tail is given back */
    bool has_notice; /* the room's policy names how long a forget waits: */
    uint64_t notice_ms;
    uint64_t dropping; /* index + 1 from where on bodies that are forgotten have yet to be dropped; 0: nowhere */
};

struct pv_meta_entry {
    uint64_t index;
    struct pv_bytes entry, refs, body; /* body.p NULL: forgotten */
    unsigned verdict, reason;
    uint64_t author_n;
    struct pv_hash author, leaf;
    const struct pv_hash *hashes;      /* the tree's stored hashes that this leaf completes, itself first */
    size_t hash_count;
    bool forgotten;
};

/* What lies beside one entry, cut for fetching it piece by piece. */
struct pv_meta_beside {
    uint64_t index;
    struct pv_bytes links;       /* encoded array */
    const struct pv_bytes *wraps;
    size_t wrap_count;
    const struct pv_hash *leaves; /* stored hashes of the tree over wraps */
    size_t leaf_count;
    const struct pv_bytes *kem_keys;
    const struct pv_hash *kem_hashes;
    size_t kem_key_count;
};

struct pv_meta_member {
    struct pv_hash device;
    enum pv_access access; /* NONE: no longer present */
};

/* What `count` counts of tickets, by their hash: accounts made. One that is counted makes no more. */
#define PV_META_COUNT_REGISTERED "registered"

enum pv_meta_registration {
    PV_REGISTRATION_NONE = 0, /* the batch founds no account */
    PV_REGISTRATION_FREE,     /* registration is open */
    PV_REGISTRATION_CODE,     /* spends the code */
    PV_REGISTRATION_TICKET    /* the ticket must live, and not be counted yet */
};

/* A gate's release, counted in the transaction that logs it. */
struct pv_meta_release {
    struct pv_id16 gate;
    uint64_t version, max_releases; /* what the gate must be, its half still there; UINT64_MAX: no maximum */
    struct pv_hash request;
    struct pv_hash ticket; /* hash of the ticket */
    uint64_t time_ms, ticket_until_ms;
};

struct pv_meta_closed {
    struct pv_id16 gate;
    const char *reason; /* expired, spent, revoked; a constant */
};

/* A forget that was accepted and waits. */
struct pv_meta_forget {
    struct pv_id16 id;
    uint64_t due_ms;
};

/* Everything one room gains in one commit. The room's size must still be `size`; else, or when a ref or the
 * registration is not there, this room gains nothing and `ret_err` says so while others go on. */
struct pv_meta_append {
    struct pv_hash room;
    uint64_t no; /* 0: the room is new; set by the store */
    unsigned kind;
    uint64_t size; /* before */
    const struct pv_meta_entry *entries;
    size_t entry_count;
    const struct pv_meta_beside *besides;
    size_t beside_count;
    struct pv_bytes note;
    uint64_t note_time_s;
    struct pv_bytes roster; /* a snapshot after these entries; n 0: the old one stays */
    bool deadline_changes;
    uint64_t next_until_ms; /* earliest deadline of the roster, UINT64_MAX none */
    const struct pv_meta_member *members; /* devices that came, went or changed */
    size_t member_count;
    const struct pv_meta_closed *closed; /* gates whose half B is erased */
    size_t closed_count;
    const struct pv_meta_release *releases;
    size_t release_count;
    const struct pv_meta_forget *forgets;
    size_t forget_count;
    const struct pv_id16 *deleted; /* forgets that are done: what they name is to be dropped */
    size_t deleted_count;
    bool policy_changes;
    bool has_notice; /* by the new policy */
    uint64_t notice_ms;
    enum pv_meta_registration registration;
    struct pv_hash registration_hash; /* of the code or ticket */
    uint64_t now_ms;
    bool given_back; /* to a restored room: refs may name blobs that are gone; a new room is restored, too */
    enum pv_err ret_err; /* OK; CONFLICT: the size; NOT_FOUND: a ref;
                          * DENIED: the registration; EXPIRED: a gate to release */
};

struct pv_meta_session {
    struct pv_device device;
    struct pv_hash device_id;
    bool has_person; /* the device stands in a person's room on this server */
    struct pv_hash person;
    uint64_t expires_ms;
};

struct pv_meta_blob {
    struct pv_id16 name, locator;
    uint64_t size_bytes;
    struct pv_hash sha256;
    uint64_t refs; /* filled by each_blob alone */
};

struct pv_meta_lost {
    struct pv_meta_room room;
    struct pv_id16 name;
};

enum { PV_META_REASON_MAX = 16 };

struct pv_meta_gate {
    struct pv_id16 id;
    struct pv_meta_room room;
    uint64_t version;
    bool has_half;
    uint8_t half_b[32]; /* secret */
    uint64_t releases;
    char reason[PV_META_REASON_MAX]; /* why the half is gone, empty while it is there */
};

struct pv_meta_account {
    struct pv_hash person;
    uint64_t created_ms, size, bytes;
    bool suspended;
};

struct pv_meta_stats {
    uint64_t rooms, entries, accounts, devices, blobs, blob_bytes, gates, sessions, store_bytes;
};

struct pv_meta;

struct pv_meta_ops {
    void (*close)(struct pv_meta *meta);
    /* Does the store answer, and is it what it should be? */
    enum pv_err (*check)(struct pv_meta *meta);
    /* Work that the store wants done now and then; never needed for correctness. */
    enum pv_err (*maintain)(struct pv_meta *meta, uint64_t now_ms);
    /* Drop sessions, nonces, tickets, codes, pairings that have expired, and counters of days before yesterday. */
    enum pv_err (*expire)(struct pv_meta *meta, uint64_t now_ms);

    /* ---- rooms and logs */
    /* Errors: NOT_FOUND. */
    enum pv_err (*room)(struct pv_meta *meta, const struct pv_hash *id, struct pv_meta_room *ret_room);
    /* The newest note, appended. */
    enum pv_err (*note)(struct pv_meta *meta, uint64_t no, struct pv_buf *note, uint64_t *ret_size);
    /* Take a note of the same size and a later time. Errors: CONFLICT when the room has moved on. */
    enum pv_err (*renew_note)(struct pv_meta *meta, uint64_t no, uint64_t size, struct pv_bytes note, uint64_t time_s);
    /* The roster's newest snapshot, appended, and how many entries it folds. Errors: NOT_FOUND. */
    enum pv_err (*roster)(struct pv_meta *meta, uint64_t no, struct pv_buf *roster, uint64_t *ret_size);
    /* One transaction for all. The result is that of the commit; see ret_err for each room. */
    enum pv_err (*append)(struct pv_meta *meta, struct pv_meta_append *rooms, size_t count);
    /* Entries [from, from + count), as many as exist, until `each` returns something other than OK, which is then
     * the result. hashes and leaf are not filled; `body` only where asked for sealed ones. */
    enum pv_err (*entries)(struct pv_meta *meta, uint64_t no, uint64_t from, uint64_t count, bool sealed,
                           enum pv_err (*each)(void *context, const struct pv_meta_entry *entry), void *context);
    /* The entry of (author, n): index, verdict, reason, leaf. Errors: NOT_FOUND. */
    enum pv_err (*find)(struct pv_meta *meta, uint64_t no, const struct pv_hash *author, uint64_t n,
                        struct pv_meta_entry *ret_entry);
    /* The highest n of the author here, 0 if none, and the index of its newest entry that was not rejected for
     * `except_reason`. */
    enum pv_err (*newest)(struct pv_meta *meta, uint64_t no, const struct pv_hash *author, unsigned except_reason,
                          uint64_t *ret_n, bool *ret_found, uint64_t *ret_index);
    /* Stored hashes [at, at + count) of the tree. Errors: CORRUPT when one is missing. */
    enum pv_err (*hashes)(struct pv_meta *meta, uint64_t no, uint64_t at, size_t count, struct pv_hash *ret_hashes);
    /* One wrap appended, the count of all, and the stored hashes of their tree, appended. Errors: NOT_FOUND. */
    enum pv_err (*wrap)(struct pv_meta *meta, uint64_t no, uint64_t index, uint64_t i, struct pv_buf *wrap,
                        uint64_t *ret_count, struct pv_buf *leaves);
    /* The encoded links, appended. Errors: NOT_FOUND. */
    enum pv_err (*links)(struct pv_meta *meta, uint64_t no, uint64_t index, struct pv_buf *links);
    /* Errors: NOT_FOUND. */
    enum pv_err (*kem_key)(struct pv_meta *meta, uint64_t no, const struct pv_hash *hash, struct pv_kem_pk *ret_key);
    /* One that was lost, by its hash; one that is there stays. */
    enum pv_err (*kem_put)(struct pv_meta *meta, uint64_t no, const struct pv_hash *hash, const struct pv_kem_pk *key);
    /* Errors: NOT_FOUND: no member. */
    enum pv_err (*access)(struct pv_meta *meta, uint64_t no, const struct pv_hash *device, enum pv_access *ret_access);
    enum pv_err (*rooms_of)(struct pv_meta *meta, const struct pv_hash *device,
                            enum pv_err (*each)(void *context, const struct pv_meta_room *room), void *context);
    /* Rooms with a deadline at or before `now_ms`, at most `max`. */
    enum pv_err (*overdue)(struct pv_meta *meta, uint64_t now_ms, size_t max, struct pv_hash *ret_rooms,
                           size_t *ret_count);
    enum pv_err (*set_deadline)(struct pv_meta *meta, uint64_t no, uint64_t size, uint64_t next_until_ms);

    /* ---- forgetting */
    /* The forgets of a room that wait, until `each` fails. */
    enum pv_err (*forgets)(struct pv_meta *meta, uint64_t no,
                           enum pv_err (*each)(void *context, const struct pv_meta_forget *forget), void *context);
    /* Rooms with something that is deleted and not dropped, at most `max`. */
    enum pv_err (*undropped)(struct pv_meta *meta, size_t max, struct pv_hash *ret_rooms, size_t *ret_count);
    /* Drop bodies and refs of these entries, overwriting them, and wraps and links beside entries before `beside_before`;
     * blobs that lose their last reference are unreferenced since ever. All before `next` is then dropped. Durable. */
    enum pv_err (*drop)(struct pv_meta *meta, uint64_t no, const uint64_t *indexes, size_t count, uint64_t beside_before,
                        uint64_t next);
    /* All is: let no earlier copy stay in the store's files, then forget about it. Errors: BUSY: not now. */
    enum pv_err (*dropped)(struct pv_meta *meta, uint64_t no);

    /* ---- sessions, nonces, tickets, codes, counters */
    enum pv_err (*nonce_put)(struct pv_meta *meta, const struct pv_hash *nonce, uint64_t expires_ms);
    /* Spends it. Errors: NOT_FOUND: unknown, spent or expired. */
    enum pv_err (*nonce_take)(struct pv_meta *meta, const struct pv_hash *nonce, uint64_t now_ms);
    enum pv_err (*session_put)(struct pv_meta *meta, const struct pv_hash *token_hash,
                               const struct pv_meta_session *session);
    /* Errors: NOT_FOUND: unknown, expired, or its row contradicts itself; DENIED: the account is suspended. */
    enum pv_err (*session)(struct pv_meta *meta, const struct pv_hash *token_hash, uint64_t now_ms,
                           struct pv_meta_session *ret_session);
    enum pv_err (*session_end)(struct pv_meta *meta, const struct pv_hash *token_hash);
    enum pv_err (*ticket_put)(struct pv_meta *meta, const struct pv_hash *ticket_hash, uint64_t room,
                              uint64_t expires_ms);
    /* Errors: NOT_FOUND. */
    enum pv_err (*ticket)(struct pv_meta *meta, const struct pv_hash *ticket_hash, uint64_t now_ms, uint64_t *ret_room);
    enum pv_err (*code_put)(struct pv_meta *meta, const struct pv_hash *code_hash, uint64_t expires_ms);
    /* Add to a counter of a key in a window (a day, an hour), or take back what was added, and tell the sum. Survives
     * a restart, maybe not a power cut. */
    enum pv_err (*count)(struct pv_meta *meta, const char *what, const struct pv_hash *key, uint64_t window,
                         int64_t add, uint64_t expires_ms, uint64_t *ret_sum);

    /* ---- pairings: mailboxes through which a new device and an old one of a person exchange four messages */
    /* A new one of `device`, whose older ones end. Errors: CONFLICT: the plate is in use. */
    enum pv_err (*pairing_new)(struct pv_meta *meta, unsigned plate, const struct pv_hash *device, uint64_t now_ms,
                               uint64_t expires_ms);
    /* Whose it is. Errors: NOT_FOUND: unknown or expired. */
    enum pv_err (*pairing)(struct pv_meta *meta, unsigned plate, uint64_t now_ms, struct pv_hash *ret_device);
    /* Leave message `slot` (1 to 4), once. Errors: NOT_FOUND; CONFLICT: another message stands there. */
    enum pv_err (*pairing_put)(struct pv_meta *meta, unsigned plate, unsigned slot, uint64_t now_ms, struct pv_bytes message);
    /* Message `slot`, appended; `ret_there` false if nothing stands there yet. Errors: NOT_FOUND. */
    enum pv_err (*pairing_get)(struct pv_meta *meta, unsigned plate, unsigned slot, uint64_t now_ms, struct pv_buf *message,
                               bool *ret_there);

    /* ---- blobs: a blob exists when its row says so */
    /* Errors: NOT_FOUND. */
    enum pv_err (*blob)(struct pv_meta *meta, uint64_t room, const struct pv_id16 *name, struct pv_meta_blob *ret_blob);
    /* Durable. Errors: CONFLICT: the name is taken. */
    enum pv_err (*blob_put)(struct pv_meta *meta, uint64_t room, const struct pv_meta_blob *blob, uint64_t now_ms);
    /* Forget at most `max` blobs that nothing refers to since before `before_ms`; their bytes are then the caller's
     * to remove by locator. */
    enum pv_err (*blob_collect)(struct pv_meta *meta, uint64_t before_ms, size_t max, struct pv_id16 *ret_locators,
                                size_t *ret_count);
    /* Does a row name this locator? */
    enum pv_err (*blob_known)(struct pv_meta *meta, const struct pv_id16 *locator, bool *ret_known);

    /* ---- gates */
    /* Version must be the old + 1 (1 for a new one), half_b goes with it (NULL keeps the old half), refs are kept
     * alive. Errors: CONFLICT: the version, or another room's; NOT_FOUND: a ref. */
    enum pv_err (*gate_put)(struct pv_meta *meta, const struct pv_id16 *id, uint64_t room, uint64_t version,
                            struct pv_bytes signed_gate, const uint8_t *half_b, struct pv_bytes refs);
    /* The signed gate is appended. Errors: NOT_FOUND. */
    enum pv_err (*gate)(struct pv_meta *meta, const struct pv_id16 *id, struct pv_meta_gate *ret_gate,
                        struct pv_buf *signed_gate);
    /* Erase half B, if the gate is this room's: ids of invites are their makers' choice, so two rooms may name one. */
    enum pv_err (*gate_close)(struct pv_meta *meta, const struct pv_id16 *id, uint64_t room, const char *reason);
    enum pv_err (*released)(struct pv_meta *meta, const struct pv_id16 *gate, const struct pv_hash *request,
                            bool *ret_released);

    /* ---- the operator */
    enum pv_err (*accounts)(struct pv_meta *meta,
                            enum pv_err (*each)(void *context, const struct pv_meta_account *account), void *context);
    /* Ends its sessions. Errors: NOT_FOUND. */
    enum pv_err (*suspend)(struct pv_meta *meta, const struct pv_hash *person, bool suspended);
    enum pv_err (*stats)(struct pv_meta *meta, struct pv_meta_stats *ret_stats);

    /* ---- backups */
    /* Write all that is here at one moment into a store of files at `path`, which is not there yet, while others go
     * on; durable. `progress` may be NULL. */
    enum pv_err (*snapshot)(struct pv_meta *meta, const char *path,
                            void (*progress)(void *context, uint64_t done, uint64_t total), void *context);
    /* Each room with its newest note, until `each` fails. */
    enum pv_err (*each_note)(struct pv_meta *meta,
                             enum pv_err (*each)(void *context, const struct pv_meta_room *room, struct pv_bytes note),
                             void *context);
    /* Each blob's row, until `each` fails. */
    enum pv_err (*each_blob)(struct pv_meta *meta, enum pv_err (*each)(void *context, const struct pv_meta_blob *blob),
                             void *context);
    /* Forget a blob that nothing refers to. Errors: CONFLICT: something does, or there is none. */
    enum pv_err (*blob_drop)(struct pv_meta *meta, const struct pv_id16 *locator);
    /* This store comes from a backup: every room waits for its lost tail; sessions, tickets, codes and pairings, which
     * may have ended since, end. */
    enum pv_err (*mark_restored)(struct pv_meta *meta, uint64_t now_ms);
    /* A note that is signed for this restored room was shown; by `device`, if that says how far it had come, else NULL.
     * `ret_known`: the size of the newest one shown. */
    enum pv_err (*show)(struct pv_meta *meta, uint64_t no, const struct pv_hash *device, uint64_t size, struct pv_bytes note,
                        uint64_t *ret_known);
    enum pv_err (*shown)(struct pv_meta *meta, uint64_t no, const struct pv_hash *device, bool *ret_shown);
    /* The newest note that was shown or kept beside the blobs says so; 0: none. */
    enum pv_err (*known_size)(struct pv_meta *meta, uint64_t no, uint64_t *ret_size);
    /* Beside the blobs stood this head of a room, known here or not; in the place of an earlier one.
     *   is_last  nothing came after it */
    enum pv_err (*keep_head)(struct pv_meta *meta, const struct pv_hash *room, uint64_t size, struct pv_bytes note, bool is_last);
    /* Its note, appended. Errors: NOT_FOUND. */
    enum pv_err (*kept_head)(struct pv_meta *meta, uint64_t no, struct pv_buf *note, bool *ret_is_last);
    /* The room goes on in another one: its owner's signed word. Errors: CONFLICT: in yet another one already. */
    enum pv_err (*succeed)(struct pv_meta *meta, uint64_t no, const struct pv_hash *successor, struct pv_bytes signed_succession);
    /* That word, appended. Errors: NOT_FOUND. */
    enum pv_err (*succession)(struct pv_meta *meta, uint64_t no, struct pv_buf *signed_succession);
    /* Blobs without a row that entries given back refer to, in order, those behind `after` (room.no 0: from the first).
     * Of the room, number and id are filled. */
    enum pv_err (*lost_refs)(struct pv_meta *meta, const struct pv_meta_lost *after, size_t max, struct pv_meta_lost *ret_lost,
                             size_t *ret_count);
    /* It waits no more. Errors: CONFLICT: another size. */
    enum pv_err (*open_room)(struct pv_meta *meta, uint64_t no, uint64_t size);
    /* When the store was last marked, 0 for never. */
    enum pv_err (*restored_at)(struct pv_meta *meta, uint64_t *ret_ms);
};

struct pv_meta {
    const struct pv_meta_ops *ops;
};

enum { PV_META_WHY_MAX = 512 };

/* Open or create. `ret_why` says in a sentence what is wrong.
 * Errors: UNSUPPORTED: made by a newer version; CORRUPT; IO; NOMEM. */
PV_MUST_USE enum pv_err pv_meta_sqlite_open(const char *path, struct pv_meta **ret_meta,
                                            char ret_why[static PV_META_WHY_MAX]);
PV_MUST_USE enum pv_err pv_meta_memory_open(struct pv_meta **ret_meta);

#endif
