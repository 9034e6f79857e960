/* The roster's state, seen only by the files that make it up: core/room/roster*.c.  Source: FORMAT.md §7.2. */
#ifndef PV_ROOM_ROSTER_STATE_H
#define PV_ROOM_ROSTER_STATE_H

#include "core/room/roster.h"
#include "core/room/roster_map.h"

/* Whoever a clear body listed as a signer, and what that author did and was listed for. */
struct pv_author {
    struct pv_hash id;
    struct pv_sign_pk pk;
    uint64_t listed_at;
    bool is_log_key;
    bool wrote;
    struct pv_head head;
    bool owned;          /* an accepted genesis, join or device_add listed it … */
    struct pv_hash owner; /* … for this person (in a person room: itself), for ever */
    bool paper, first_paper;
    uint32_t last_add; /* number + 1 of its newest in `adds` */
    uint32_t device_hint, principal_hint; /* where in their tables they last were: no state, only speed */
};

struct pv_add {
    uint64_t index;
    uint32_t adder, device; /* numbers in `authors` */
    uint32_t earlier;       /* number + 1 of the adder's add before this one */
};

struct pv_bar {
    struct pv_hash person; /* zero in a person room, where bars are absolute */
    struct pv_hash device;
    bool strong; /* set by sweeping or by a paper device: holds against paper devices too */
};

struct pv_standing_sign {
    struct pv_hash device, document;
    struct pv_hash person;
    uint64_t index;
    enum pv_stance stance;
};

struct pv_hold {
    struct pv_id16 id;
    struct pv_hash principal;
    bool lifted;
    size_t ranges_at, range_count; /* in `ranges` */
};

struct pv_forget {
    struct pv_id16 id;
    uint64_t cut;
    bool done;
    size_t ranges_at, range_count;
};

enum { PV_SNAPSHOT_VERSION = 1, PV_SNAPSHOT_FIELDS = 23 };

struct pv_roster {
    uint64_t size;
    bool born;
    struct pv_hash room;
    enum pv_room_kind kind;
    uint8_t server_name[PV_LIMIT_SERVER_NAME_BYTES];
    size_t server_name_len;
    struct pv_sign_pk log_key;
    struct pv_hash log_key_id, server_value, policy_value;
    bool due;
    uint64_t changed_at;
    uint64_t cut; /* no link to an epoch before it */
    size_t open_invites;

    struct pv_map authors;      /* pv_author, by id */
    struct pv_map noted;        /* pv_author: listed ahead of the fold; never asked for a verdict */
    struct pv_table adds;       /* pv_add, by index */
    struct pv_map bars;         /* pv_bar, by (person, device) */
    struct pv_map signs;        /* pv_standing_sign, by (device, document) */
    struct pv_map kept;         /* uint64_t: indexes that an accepted sign names */
    struct pv_map secrets;      /* pv_hash: secret hashes of all epochs */
    struct pv_map complaints;   /* pv_hash: principals who sent bad_wrap in this epoch */
    struct pv_map holds;        /* pv_hold */
    struct pv_map forgets;      /* pv_forget */
    struct pv_table ranges;     /* pv_range, of holds and forgets */
    struct pv_table gone;       /* pv_range, rising and apart: those of the forgets that are done, together */
    struct pv_table epochs;     /* pv_epoch_info, by epoch */
    struct pv_table principals; /* pv_principal */
    struct pv_table devices;    /* pv_room_device */
    struct pv_table invites;    /* pv_invite */
};

/* ---- listing (roster_authors.c) */

enum { PV_LISTED_MAX = 2 + PV_LIMIT_CERTIFICATES + 1 };

struct pv_listed {
    struct pv_hash id;
    struct pv_sign_pk pk;
    bool is_log_key;
};

/* ---- the swept set of a device_remove (roster_sweep.c) */

/* Per author: is it in the set, and through which named devices (position + 1; two different ones are enough to know). */
struct pv_swept {
    bool in, named;
    uint8_t origins[2]; /* a named one's first is itself */
};

struct pv_sweep {
    struct pv_swept *nodes; /* by number in `authors` */
    uint32_t *numbers;      /* of those in the set, as found */
    size_t count;
};

/* ---- one entry under judgement */

struct pv_case {
    const struct pv_log_item *item;
    const struct pv_header *header;
    union {
        struct pv_roster_body roster;
        struct pv_sign_body sign;
        struct pv_server_body server;
    } body;
    struct pv_listed listed[PV_LISTED_MAX];
    size_t listed_count;
    bool has_person;          /* the body holds a record that reads … */
    struct pv_person person;  /* … of this person; verified once a rule has said so */
    const struct pv_author *author;      /* NULL: listed by this very entry. Gone after reserve, like the next two. */
    const struct pv_room_device *device; /* the author, present; NULL: no member's */
    const struct pv_principal *me;
    struct pv_hash me_id;

    /* What committing adds at most. */
    struct {
        size_t principals, devices, invites, adds, bars, signs, holds, forgets, ranges, gone, epochs, complaints;
    } need;

    /* What a rule's check leaves to its commit. */
    struct pv_sweep sweep; /* owned */
    bool takes_kem;
    bool by_invite; /* a stranger's sign that counts against its invite */
};

void pv_case_list(struct pv_case *c);
/* Fill c->sweep. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_sweep(const struct pv_roster *roster, struct pv_case *c);
void pv_sweep_release(struct pv_sweep *sweep);

/* ---- state (roster_state.c) */

void pv_state_init(struct pv_roster *roster);
void pv_state_release(struct pv_roster *roster);
struct pv_author *pv_state_author(const struct pv_roster *roster, const struct pv_hash *id);
struct pv_principal *pv_state_principal(const struct pv_roster *roster, const struct pv_hash *id);
struct pv_room_device *pv_state_device(const struct pv_roster *roster, const struct pv_hash *id);
struct pv_invite *pv_state_invite(const struct pv_roster *roster, const struct pv_id16 *id);
const struct pv_epoch_info *pv_state_epoch(const struct pv_roster *roster);
size_t pv_state_owner_count(const struct pv_roster *roster);
/* Seniority among paper devices: the person's first before all, then by index, then by place in the record. */
uint64_t pv_state_paper_order(bool first, uint64_t index, size_t place);
/* Does a bar for this person stand in the way of the device? */
bool pv_state_bar_holds(const struct pv_roster *roster, const struct pv_hash *person, const struct pv_hash *device,
                        bool paper, bool first_paper);
const struct pv_bar *pv_state_bar(const struct pv_roster *roster, const struct pv_hash *person,
                                  const struct pv_hash *device);
void pv_state_set_bar(struct pv_roster *roster, const struct pv_hash *person, const struct pv_hash *device,
                      bool strong);
void pv_state_close_invite(struct pv_roster *roster, struct pv_invite *invite);
void pv_state_close_all_invites(struct pv_roster *roster);
/* A device of a person room: a principal of its own. It is neither added by another nor ordered yet. */
struct pv_room_device *pv_state_add_own_device(struct pv_roster *roster, uint64_t index, const struct pv_hash *id,
                                               const struct pv_cert *cert);
/* Record that `adder` added `device`; both are authors. */
void pv_state_record_add(struct pv_roster *roster, uint64_t index, const struct pv_hash *adder,
                         const struct pv_hash *device);
void pv_state_set_server(struct pv_roster *roster, struct pv_bytes name, const struct pv_sign_pk *log_key);
void pv_state_begin_epoch(struct pv_roster *roster, uint64_t index, uint64_t epoch, const struct pv_hash *secret_hash,
                          const struct pv_hash *kem_hash);
/* End memberships: at most PV_LIMIT_TARGETS, all present. */
void pv_state_drop(struct pv_roster *roster, const struct pv_hash *persons, size_t count);
void pv_state_add_ranges(struct pv_roster *roster, const struct pv_range *ranges, size_t count, size_t *ret_at);
/* Its ranges are gone from now on: reserved are as many in `gone`. */
void pv_state_forget_done(struct pv_roster *roster, struct pv_forget *forget);
/* Is any index of the ranges under a standing hold? */
bool pv_state_is_held(const struct pv_roster *roster, const struct pv_range *ranges, size_t count);
/* Room for all that the case may add. */
PV_MUST_USE enum pv_err pv_state_reserve(struct pv_roster *roster, const struct pv_case *c);

/* ---- rules: check changes nothing and says why not, commit cannot fail */

struct pv_rule {
    bool member, client, owner; /* asked in this order, before `check` */
    enum pv_err (*check)(const struct pv_roster *roster, struct pv_case *c, enum pv_reason *ret_reason);
    void (*commit)(struct pv_roster *roster, const struct pv_case *c);
};

const struct pv_rule *pv_rule_of(const struct pv_case *c); /* roster_rules.c */
extern const struct pv_rule pv_rule_genesis, pv_rule_invite, pv_rule_close_invite, pv_rule_join, pv_rule_role,
    pv_rule_remove, pv_rule_leave; /* roster_join.c, roster_members.c */
extern const struct pv_rule pv_rule_device_add, pv_rule_device_remove; /* roster_devices.c */
extern const struct pv_rule pv_rule_rekey, pv_rule_bad_wrap, pv_rule_policy, pv_rule_server, pv_rule_hold,
    pv_rule_lift, pv_rule_forget; /* roster_keeping.c */
extern const struct pv_rule pv_rule_sign, pv_rule_talk, pv_rule_work, pv_rule_release, pv_rule_received,
    pv_rule_expired, pv_rule_deleted; /* roster_kinds.c */

#endif
