/* The roster of a room: a fold over its log that gives every entry a verdict and tells who may do what.
 *
 * The fold is deterministic in the log's clear bytes. Server and clients run this same code.
 * Source: FORMAT.md §7. */
#ifndef PV_ROOM_ROSTER_H
#define PV_ROOM_ROSTER_H

#include "core/room/body.h"

enum pv_verdict { PV_ACCEPTED = 0, PV_REJECTED = 1, PV_IMPOSSIBLE = 2, PV_UNSUPPORTED = 3 };

/* Why an entry was rejected (a lost race). X(code, name as FORMAT.md §7.2 writes it) */
#define PV_REASON_TABLE(X)                                                                                   \
    X(NONE, "none") X(STALE_CHAIN, "stale_chain") X(GENESIS, "genesis") X(RECORD, "record")                   \
    X(NOT_MEMBER, "not_member") X(ROOM, "room") X(ROLE, "role") X(DUPLICATE, "duplicate") X(USES, "uses")     \
    X(DUE, "due") X(STALE_EPOCH, "stale_epoch") X(CLOSED, "closed") X(INVITE, "invite")                       \
    X(JOIN_KEY, "join_key") X(MEMBER, "member") X(DEVICE_IN_USE, "device_in_use")                             \
    X(FOREIGN_DEVICE, "foreign_device") X(BARRED, "barred") X(UNSIGNED, "unsigned") X(NO_TARGET, "no_target") \
    X(CHANGED, "changed") X(NO_CHANGE, "no_change") X(SENIOR, "senior") X(LAST_OWNER, "last_owner")           \
    X(SELF, "self") X(CERTIFICATE, "certificate") X(PAPER, "paper") X(NO_EFFECT, "no_effect")                 \
    X(EPOCH, "epoch") X(REUSED_SECRET, "reused_secret") X(RECIPIENTS, "recipients") X(LINK, "link")           \
    X(BAD_WRAP, "bad_wrap") X(NO_HOLD, "no_hold") X(NOT_YOURS, "not_yours") X(FUTURE, "future")               \
    X(HOLD, "hold") X(INDEX, "index") X(A_KEY, "a_key") X(LIMIT, "limit") X(UNTIL, "until")                   \
    X(NO_FORGET, "no_forget")

enum pv_reason {
#define PV_REASON_CODE(code, name) PV_REASON_##code,
    PV_REASON_TABLE(PV_REASON_CODE)
#undef PV_REASON_CODE
};
const char *pv_reason_name(enum pv_reason reason);

struct pv_roster; /* opaque */

/* One entry of the log as the fold sees it. */
struct pv_log_item {
    uint64_t index;
    struct pv_entry entry;
    struct pv_hash leaf;
    struct pv_bytes body; /* clear body of kinds 0, 1, 4; ignored for others */
};

PV_MUST_USE enum pv_err pv_roster_new(struct pv_roster **ret_roster);
void pv_roster_free(struct pv_roster *roster);
PV_MUST_USE enum pv_err pv_roster_copy(const struct pv_roster *roster, struct pv_roster **ret_copy);
/* A snapshot for the holder's own store; decoding checks it as strictly as any input. */
PV_MUST_USE enum pv_err pv_roster_encode(const struct pv_roster *roster, struct pv_buf *buf);
PV_MUST_USE enum pv_err pv_roster_decode(struct pv_bytes bytes, struct pv_roster **ret_roster);

/* Note which devices and log keys an item's clear body lists, valid or not, so that authors' signatures can be
 * checked before the fold reaches them. Idempotent; order does not matter. A body that does not parse notes nothing.
 * Notes are no part of the state: verdicts do not ask them, snapshots do not hold them. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_roster_note(struct pv_roster *roster, const struct pv_log_item *item);
/* The key that signs for `author` at `index`: a device or log key listed at or before it. NULL: none. */
const struct pv_sign_pk *pv_roster_author_key(const struct pv_roster *roster, const struct pv_hash *author, uint64_t index);

/* The key that must have signed this very item: its author's as listed by the fold so far or by the item's own body;
 * notes are not asked. For a server that judges one entry at a time. Errors: NOT_FOUND. */
PV_MUST_USE enum pv_err pv_roster_item_key(const struct pv_roster *roster, const struct pv_log_item *item,
                                           struct pv_sign_pk *ret_pk);

/* Fold the next item, whose signature holds and whose `seen` was checked by the caller (they need the tree).
 * Checks everything else of §7: fields, author, body, rules. Impossible and unsupported leave the roster as it was.
 *   ret_reason  set for rejected
 * Errors: NOMEM only; then the roster is unchanged. */
PV_MUST_USE enum pv_err pv_roster_apply(struct pv_roster *roster, const struct pv_log_item *item,
                                        enum pv_verdict *ret_verdict, enum pv_reason *ret_reason);
/* What pv_roster_apply would say, changing nothing: for clients before they sign. */
PV_MUST_USE enum pv_err pv_roster_judge(const struct pv_roster *roster, const struct pv_log_item *item,
                                        enum pv_verdict *ret_verdict, enum pv_reason *ret_reason);

/* ---- what the roster tells; pointers stay valid until the next change */

struct pv_principal {
    struct pv_hash id;            /* person; in a person room the device */
    enum pv_role role;
    uint64_t since;               /* seniority among owners */
    uint64_t join_index;
    bool via_invite;
    struct pv_id16 invite;
    uint64_t person_epoch;
    struct pv_hash kem_hash;
    struct pv_hash setter;        /* device that set the KEM key */
    bool has_until;
    uint64_t until_ms;
};

struct pv_room_device {
    struct pv_hash id;
    struct pv_device device;
    struct pv_hash principal;
    uint64_t index;               /* of the entry that listed it */
    bool has_adder;
    struct pv_hash adder;
    bool paper;
    uint64_t order;               /* seniority among paper devices, lower first; 0: the person's first */
};

struct pv_invite {
    struct pv_invite_body body;
    uint64_t uses_left;
    uint64_t index;
    struct pv_hash maker;         /* principal */
    bool open, opened;
    uint64_t stranger_signs;      /* accepted through it, at most PV_LIMIT_SIGNS_PER_USE for each use it was made with */
};

struct pv_epoch_info {
    uint64_t epoch, index;
    struct pv_hash secret_hash, kem_hash;
};

struct pv_head {
    uint64_t n;
    struct pv_hash leaf;
};

struct pv_recipient {
    struct pv_bytes id;           /* 32 bytes of a principal or 16 of an invite, inside the roster */
    struct pv_hash kem_hash;
};

bool pv_roster_is_born(const struct pv_roster *roster);
uint64_t pv_roster_size(const struct pv_roster *roster); /* entries folded */
const struct pv_hash *pv_roster_room(const struct pv_roster *roster);
enum pv_room_kind pv_roster_room_kind(const struct pv_roster *roster);
struct pv_bytes pv_roster_server_name(const struct pv_roster *roster);
const struct pv_sign_pk *pv_roster_log_key(const struct pv_roster *roster);
uint64_t pv_roster_epoch(const struct pv_roster *roster);
bool pv_roster_rekey_due(const struct pv_roster *roster);
/* Did each principal with a device that is no paper one, save viewers, say that its wrap of the present epoch does not open? */
bool pv_roster_all_complain(const struct pv_roster *roster);
/* The index of the newest accepted roster, sign or server entry: what a snapshot must be newer than. */
uint64_t pv_roster_changed_at(const struct pv_roster *roster);

const struct pv_principal *pv_roster_principals(const struct pv_roster *roster, size_t *ret_count); /* by id */
const struct pv_principal *pv_roster_principal(const struct pv_roster *roster, const struct pv_hash *id);
const struct pv_room_device *pv_roster_devices(const struct pv_roster *roster, size_t *ret_count); /* by id */
const struct pv_room_device *pv_roster_device(const struct pv_roster *roster, const struct pv_hash *id);
/* Would `removal` by `person` take one of `devices` out, named or through those that added it? Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_roster_sweeps(const struct pv_roster *roster, const struct pv_device_remove_body *removal,
                                         const struct pv_hash *person, const struct pv_hash *devices, size_t count, bool *ret_any);
/* The principal for whom a present device acts; NULL: none. */
const struct pv_principal *pv_roster_principal_of(const struct pv_roster *roster, const struct pv_hash *device);
/* The person for whom an accepted entry ever listed the device; NULL: none. */
const struct pv_hash *pv_roster_owner_of(const struct pv_roster *roster, const struct pv_hash *device);
bool pv_roster_is_barred(const struct pv_roster *roster, const struct pv_hash *person, const struct pv_hash *device);
/* Devices barred, for whomever, in no order that means anything; was this one ever barred for the person? A bar that
 * stands need not hold: against a person's first paper device none does. */
size_t pv_roster_bar_count(const struct pv_roster *roster);
const struct pv_hash *pv_roster_bar(const struct pv_roster *roster, size_t i);
bool pv_roster_has_bar(const struct pv_roster *roster, const struct pv_hash *person, const struct pv_hash *device);
const struct pv_invite *pv_roster_invites(const struct pv_roster *roster, size_t *ret_count); /* by id */
const struct pv_invite *pv_roster_invite(const struct pv_roster *roster, const struct pv_id16 *id);
const struct pv_epoch_info *pv_roster_epochs(const struct pv_roster *roster, size_t *ret_count); /* by epoch */
/* No rekey may link an epoch before this one: the highest cut of a forget. */
uint64_t pv_roster_cut(const struct pv_roster *roster);
/* NULL: this author never wrote. */
const struct pv_head *pv_roster_head(const struct pv_roster *roster, const struct pv_hash *author);
const struct pv_hash *pv_roster_policy(const struct pv_roster *roster); /* value's name; zero at first */

/* One forget; ranges point into the roster. */
struct pv_forget_info {
    struct pv_id16 id;
    uint64_t cut;
    bool done;            /* the server has said `deleted` */
    bool held;            /* not done, and under a standing hold */
    const struct pv_range *ranges;
    size_t range_count;
};
/* Holds that stand, how many of them are this person's, and forgets that are not done. */
struct pv_waiting {
    size_t holds, holds_of, forgets;
};
struct pv_waiting pv_roster_waiting(const struct pv_roster *roster, const struct pv_hash *person);
size_t pv_roster_forget_count(const struct pv_roster *roster);
void pv_roster_forget_at(const struct pv_roster *roster, size_t i, struct pv_forget_info *ret_forget);
bool pv_roster_forget(const struct pv_roster *roster, const struct pv_id16 *id, struct pv_forget_info *ret_forget);
/* The highest cut of the forgets that are done. */
uint64_t pv_roster_cut_done(const struct pv_roster *roster);
/* Does an accepted sign keep the entry at this index? */
bool pv_roster_is_signed(const struct pv_roster *roster, uint64_t index);
/* Does a standing hold cover any of these? */
bool pv_roster_is_held(const struct pv_roster *roster, const struct pv_range *ranges, size_t count);
/* What the forgets that are done name together, rising and apart; pointers into the roster. */
const struct pv_range *pv_roster_gone(const struct pv_roster *roster, size_t *ret_count);
/* Was the sealed body at this index deleted under a `forget`? (Bodies of kinds 0, 1 and 4 never are.) */
bool pv_roster_is_forgotten(const struct pv_roster *roster, uint64_t index);

/* Recipients of a rekey made now, sorted; `ret_recipients` is the caller's to free. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_roster_recipients(const struct pv_roster *roster, struct pv_recipient **ret_recipients,
                                             size_t *ret_count);
void pv_recipients_digest(const struct pv_recipient *recipients, size_t count, struct pv_hash *ret_digest);

#endif
