/* The inside of an open room and the steps over it.  Private to core/sync. */
#ifndef PV_SYNC_ROOM_PARTS_H
#define PV_SYNC_ROOM_PARTS_H

#include "core/log/checkpoint.h"
#include "core/log/merkle.h"
#include "core/sync/room.h"

struct pv_room {
    struct pv_store *store;
    const struct pv_identity *me;
    struct pv_room *person_room;       /* NULL in the person's own room */
    const struct pv_random *random;
    struct pv_hash id;
    uint64_t now_ms;

    bool stale;                        /* memory has to be read anew */
    struct pv_roster *roster;          /* of all judged entries */
    struct pv_merkle_edge edge;        /* of all stored entries */
    uint64_t snapshot_size;            /* entries in the stored roster snapshot */
    struct pv_roster *view;            /* roster with our unsent entries, or NULL */
    uint64_t view_base;                /* size of the roster under it */
    uint64_t view_unsaved;             /* of our entries in it, how many its stored snapshot does not have */

    struct pv_buf pin;                 /* note */
    struct pv_checkpoint pinned;       /* what it says; size 0: nothing pinned */
    bool has_invite;                   /* reading by a link: its wraps are looked for too */
    struct pv_id16 invite;
    struct pv_kem_seed invite_kem_seed;

    /* How this copy stands to that of the person's own room (mend_plan.c). In memory only: what is lost with it is
     * looked at again. */
    uint64_t pulls_begun, pulls_done;  /* of this room: the newest that was begun, and the newest begun that ended well */
    uint64_t person_wanted;            /* a pull of the person's own room that has to end first; 0: none */
    uint64_t wanted_index, wanted_epoch; /* for devices listed before that index, and a key of a person's epoch before that */
    uint64_t epoch_wanted;             /* of a person's own: rekeyed up to it, for a room takes only a later key */
    bool key_wants_person;             /* a wrap is for a key of the person that is not here yet */
    uint64_t links_gone[16];           /* entries whose links the server did not have in this pull */
    size_t links_gone_count;
    uint64_t newer_than, newer_from;   /* invites from an index on were made after a removal in the person's room */

    pv_room_before_words *before_words; /* NULL: none */
    void *before_words_context;

    /* What was found, and the evidence, a file of FORMAT.md §8.1 (evidence.c). */
    enum pv_err alarm_err;             /* PV_OK: nothing that shows a lie or damage */
    /* The server says that it was restored from a backup and waits for this room's tail; as of the newest answer. */
    bool restored, go_on;              /* go_on: an owner says so */
    uint64_t restored_known;           /* the longest history that was shown to it */

    char alarm[320];
    struct pv_buf evidence;
    bool has_accused;                  /* an entry is what it is about: */
    uint64_t accused;
    uint64_t forked_at;                /* size of the note held, where a larger one does not continue it; 0: not so */
    struct pv_buf fork_note;           /* the larger one */
};

/* The id that this device has as a recipient: the person, or in a person room the device. */
const struct pv_hash *pv_room_my_principal(const struct pv_room *room);

/* ---- transactions: memory follows the store, whoever changed it last */

PV_MUST_USE enum pv_err pv_room_begin(struct pv_room *room);
PV_MUST_USE enum pv_err pv_room_commit(struct pv_room *room);
/* Roll back, and read memory anew at the next begin. */
void pv_room_rollback(struct pv_room *room);
/* Make memory follow the store outside of a transaction. */
PV_MUST_USE enum pv_err pv_room_refresh(struct pv_room *room);
/* Drop the cached view. */
void pv_room_changed(struct pv_room *room);
/* Our newest version joins the cached view. */
PV_MUST_USE enum pv_err pv_room_view_add(struct pv_room *room, const struct pv_sealed_write *sealed);
/* Store the roster if it changed since the snapshot, or enough was folded. */
PV_MUST_USE enum pv_err pv_room_save_roster(struct pv_room *room);

/* Note an alarm and, as evidence, the bytes that it is about; returns `err`. */
enum pv_err pv_room_raise(struct pv_room *room, enum pv_err err, struct pv_bytes evidence, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- evidence: each replaces what is kept if it holds and can be made; what cannot leaves that as it is. After
 * pv_room_raise, whose words it bears, and while the log that shows it is in the store. */

/* Bytes as they were shown. `shown` empty: nothing. */
void pv_evidence_shown(struct pv_room *room, enum pv_err what, struct pv_bytes shown);
/* A signed note that is no successor of the one held. */
void pv_evidence_notes(struct pv_room *room, struct pv_bytes note);
/* Afterwards, where room->forked_at is set: the larger note's leaf there and its inclusion. */
void pv_evidence_fork_path(struct pv_room *room, const struct pv_hash *leaf, const struct pv_merkle_proof *proof);
/* The log at hand, under `note` (or with `consistency` a part of its tree), does not continue that of the note `other`. */
void pv_evidence_other_log(struct pv_room *room, struct pv_bytes other, struct pv_bytes note,
                           const struct pv_merkle_proof *consistency);
/* An entry of the log at hand that must not be in it. */
void pv_evidence_entry(struct pv_room *room, uint64_t index, struct pv_bytes entry, bool has_body, struct pv_bytes body,
                       struct pv_bytes note, const struct pv_merkle_proof *consistency);

/* ---- taking in */

struct pv_fetched {
    struct pv_bytes entry, refs, body;
    bool has_body;
};
/* Store and judge the entries that come next, all or none. `note` covers them; `consistency` proves the tree after
 * them to be a part of the note's (unused when the sizes are equal).
 * Errors: FORK, BROKEN_CHAIN, BAD_SIG, MALFORMED (impossible: alarm raised), UNSUPPORTED, the store's. */
PV_MUST_USE enum pv_err pv_intake(struct pv_room *room, uint64_t from, const struct pv_fetched *items, size_t count,
                                  struct pv_bytes note, const struct pv_merkle_proof *consistency);
/* Take a note of the tree that is held in full, and was of `size` when the note was asked for.
 * Errors: CONFLICT (another process has taken in more since), FORK, BAD_SIG, the store's. */
PV_MUST_USE enum pv_err pv_intake_note(struct pv_room *room, uint64_t size, struct pv_bytes note);
/* Open what can be opened and fold it, at most `max` entries, or all where that is done anew; `ret_more` tells whether
 * something is left. */
PV_MUST_USE enum pv_err pv_open_pending(struct pv_room *room, size_t max, bool *ret_more);

/* ---- keys */

/* Values of the store, each an epoch plus one: whose wrap for us did not open; which someone else complained of. */
#define PV_BAD_WRAP "sync.bad-wrap"
#define PV_COMPLAINT "sync.complaint"
/* Up to which index the server may have lost, by a restore, what lay beside the entries. */
#define PV_LOST_TO "sync.lost-to"
/* The value of PV_LOST_TO at which this device had last given back the KEM keys that it holds. */
#define PV_KEYS_GIVEN "sync.keys-given"

/* Where a secret can be had: a wrap beside an entry. */
struct pv_wrap_source {
    uint64_t epoch, index, slot;
    struct pv_hash kem_hash;
    bool for_invite;
};
/* Where a rekey, about to be applied, has our wrap and our link's; nothing for any other entry. */
PV_MUST_USE enum pv_err pv_keys_rekey_sources(struct pv_room *room, const struct pv_log_item *item,
                                              struct pv_wrap_source ret_sources[static 2], size_t *ret_count);
/* Remember the wraps that an accepted roster entry gives to us. */
PV_MUST_USE enum pv_err pv_keys_note(struct pv_room *room, const struct pv_log_item *item,
                                     const struct pv_wrap_source *rekey_sources, size_t rekey_source_count);
/* What to fetch for the next missing secret. */
struct pv_key_want {
    enum { PV_KEY_NONE, PV_KEY_WRAP, PV_KEY_LINKS } what;
    struct pv_wrap_source wrap;
    uint64_t index;             /* of the rekey whose links */
};
PV_MUST_USE enum pv_err pv_keys_want(struct pv_room *room, struct pv_key_want *ret_want);
PV_MUST_USE enum pv_err pv_keys_take_wrap(struct pv_room *room, const struct pv_wrap_source *source,
                                          struct pv_bytes answer);
/* The server has lost that wrap with its disk: it counts as absent. */
PV_MUST_USE enum pv_err pv_keys_lack_wrap(struct pv_room *room, const struct pv_wrap_source *source);
PV_MUST_USE enum pv_err pv_keys_take_links(struct pv_room *room, uint64_t index, struct pv_bytes answer);
/* The secret of an epoch of `roster`, if it is here and is the one that the log names. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_keys_secret(struct pv_room *room, const struct pv_roster *roster, uint64_t epoch,
                                       struct pv_epoch_secret *ret_secret);
/* Set reached[e - from] for each epoch e at or after `from` that the rekey of `info` links. */
PV_MUST_USE enum pv_err pv_keys_mark_linked(struct pv_room *room, const struct pv_epoch_info *info, uint64_t from,
                                            bool *reached);
/* The same of each epoch below `cut`: reached[e]. */
PV_MUST_USE enum pv_err pv_keys_mark_linked_before(struct pv_room *room, const struct pv_epoch_info *info, uint64_t cut,
                                                   bool *reached);
/* Who began an epoch of the verified log, and with how many links. */
PV_MUST_USE enum pv_err pv_keys_rekeyed_by(struct pv_room *room, const struct pv_epoch_info *info, struct pv_hash *ret_author, size_t *ret_links);
/* The KEM seed of this person (or device) whose public half has `kem_hash`. Errors: NO_KEY. */
PV_MUST_USE enum pv_err pv_keys_my_kem_seed(struct pv_room *room, const struct pv_hash *kem_hash,
                                            struct pv_kem_seed *ret_seed);

/* ---- writing */

struct pv_own_party {
    struct pv_party party;
    struct pv_buf record;       /* party.record points into it */
    struct pv_kem_pk kem_pk;
};
PV_MUST_USE enum pv_err pv_own_party_make(struct pv_room *person_room, struct pv_own_party *ret_party);
void pv_own_party_release(struct pv_own_party *party);
/* Append the person record with the certificates of the devices that are current, as many as fit.
 *   ret_party  may be NULL; takes the devices that it lists, nothing else */
PV_MUST_USE enum pv_err pv_own_record(struct pv_room *person_room, struct pv_buf *record, struct pv_party *ret_party);

/* The view's present secret, wrapped to one recipient: what lies beside an invite, a join, a person's new device. */
PV_MUST_USE enum pv_err pv_wrap_present(struct pv_room *room, const struct pv_roster *view, struct pv_bytes recipient,
                                        const struct pv_kem_pk *pk, const struct pv_hash *kem_hash,
                                        uint8_t ret_wrap[static PV_WRAP_BYTES], struct pv_hash *ret_root);
/* Write a body beside which lie this key and this wrap. In a transaction. */
PV_MUST_USE enum pv_err pv_write_with_wrap(struct pv_room *room, const struct pv_roster_body *body,
                                           const struct pv_kem_pk *pk, const uint8_t wrap[static PV_WRAP_BYTES]);
/* A change that makes a rekey due is sent with that rekey, if every recipient's key is at hand; else the push makes
 * it, when it has fetched them. In a transaction. */
PV_MUST_USE enum pv_err pv_rekey_with_it(struct pv_room *room);

void pv_beside_put(struct pv_buf *buf, const struct pv_bytes *kem_keys, size_t kem_key_count,
                   const struct pv_bytes *links, size_t link_count, const struct pv_bytes *wraps, size_t wrap_count);
/* What the rules would say to this body, written now. In a transaction or not. */
PV_MUST_USE enum pv_err pv_judge_roster(struct pv_room *room, const struct pv_roster_body *body,
                                        enum pv_verdict *ret_verdict, enum pv_reason *ret_reason);
/* Add a roster body to the outbox and sign it; refused if the view's verdict is not accepted. In a transaction. */
PV_MUST_USE enum pv_err pv_write_roster(struct pv_room *room, const struct pv_roster_body *body, struct pv_bytes beside);
/* Add a payload to the outbox, to be sealed later. In a transaction. Errors: MALFORMED (no payload), the store's. */
PV_MUST_USE enum pv_err pv_draft_add(struct pv_room *room, enum pv_kind kind, struct pv_bytes payload);
/* Add anew to the outbox what a `forget` names of the list of rooms, in the person's own room: whoever hides a room so
 * would keep a device there that is revoked later. In a transaction. */
PV_MUST_USE enum pv_err pv_room_list_keep(struct pv_room *room);
/* Sign every draft that the rules allow now. In a transaction. */
PV_MUST_USE enum pv_err pv_seal_drafts(struct pv_room *room);
/* Abandon what the verified log shows to be overtaken. In a transaction. */
PV_MUST_USE enum pv_err pv_outbox_settle(struct pv_room *room);
/* What our next entry continues, and `n`, above which it takes the next number: nobody has used that. */
PV_MUST_USE enum pv_err pv_outbox_head(struct pv_room *room, struct pv_head *ret_head);
/* An entry in our name was judged. In a transaction. */
PV_MUST_USE enum pv_err pv_outbox_judged(struct pv_room *room, const struct pv_log_item *item, enum pv_verdict verdict);

/* Why the rules refused something, in words for the user. */
const char *pv_reason_text(enum pv_reason reason);

/* ---- rekey */

/* Does the verified log have the rekey of the view's epoch? One of ours that is unsent may still lose its race. */
bool pv_rekey_stands(const struct pv_room *room, const struct pv_roster *view);
/* A rekey is due, or someone's wrap of this epoch does not open, or something is to be written in an epoch of over
 * 30 days; and this device may make it, now that none of its own is unsent. */
PV_MUST_USE enum pv_err pv_rekey_is_ours(struct pv_room *room, const struct pv_roster *view, bool *ret_ours);
/* KEM hashes of recipients whose keys are not at hand; at most `max`. */
PV_MUST_USE enum pv_err pv_rekey_missing_keys(struct pv_room *room, struct pv_hash *ret_hashes, size_t max,
                                              size_t *ret_count);
/* Say in the log that our wrap of the present epoch does not open, once. In a transaction. */
PV_MUST_USE enum pv_err pv_rekey_complain(struct pv_room *room, bool *ret_complains);
/* Make the rekey over the present view, into the outbox; `cut`: without links. In a transaction. */
PV_MUST_USE enum pv_err pv_rekey_make(struct pv_room *room, bool cut);

#endif
