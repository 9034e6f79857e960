/* The clear bodies (roster, sign, server) as structs, with one reader and one writer.  Source: FORMAT.md §5, §6.
 *
 * Slices in a read body are borrowed from the bytes read. */
#ifndef PV_ROOM_BODY_H
#define PV_ROOM_BODY_H

#include "core/room/record.h"

enum pv_role { PV_ROLE_VIEWER = 0, PV_ROLE_EDITOR = 1, PV_ROLE_OWNER = 2 };
enum pv_room_kind { PV_ROOM_PERSON = 0, PV_ROOM_CLIENT = 1 };

enum pv_roster_type {
    PV_ROSTER_GENESIS = 0,
    PV_ROSTER_INVITE = 1,
    PV_ROSTER_CLOSE_INVITE = 2,
    PV_ROSTER_JOIN = 3,
    PV_ROSTER_ROLE = 4,
    PV_ROSTER_REMOVE = 5,
    PV_ROSTER_LEAVE = 6,
    PV_ROSTER_DEVICE_ADD = 7,
    PV_ROSTER_DEVICE_REMOVE = 8,
    PV_ROSTER_REKEY = 9,
    PV_ROSTER_BAD_WRAP = 10,
    PV_ROSTER_POLICY = 11,
    PV_ROSTER_SERVER = 12,
    PV_ROSTER_HOLD = 13,
    PV_ROSTER_LIFT = 14,
    PV_ROSTER_FORGET = 15
};

struct pv_party {
    struct pv_bytes record; /* encoded */
    struct pv_hash devices[PV_LIMIT_DEVICES_LISTED];
    size_t device_count;
    uint64_t person_epoch;
    struct pv_hash kem_hash;
};

struct pv_membership {
    struct pv_hash person;
    uint64_t join_index;
};

struct pv_range {
    uint64_t from, to; /* half-open indexes */
};

struct pv_link_name {
    uint64_t epoch;
    struct pv_hash sealed_hash; /* H("link-sealed"; link) */
};

struct pv_genesis {
    struct pv_id16 nonce;
    enum pv_room_kind room_kind;
    struct pv_hash parent;
    struct pv_bytes server_name; /* UTF-8 */
    struct pv_sign_pk log_key;
    struct pv_hash secret_hash, kem_hash, wraps_root;
    struct pv_cert founders[2];  /* person room */
    struct pv_party founder;     /* client room */
};

struct pv_invite_body {
    struct pv_id16 id;
    enum pv_role role;
    uint64_t uses;
    bool has_until;        /* when the invite closes */
    uint64_t until_ms;
    bool has_member_until; /* when the memberships that come by it end */
    uint64_t member_until_ms;
    bool has_document;
    struct pv_hash document;
    struct pv_sign_pk a_key, join_key;
    struct pv_hash kem_hash, wraps_root;
};

struct pv_join_body {
    struct pv_id16 invite;
    struct pv_party party;
    struct pv_hash wraps_root;
    struct pv_sig join_sig;
};

struct pv_device_add_body {
    struct pv_cert certs[PV_LIMIT_CERTIFICATES];
    size_t cert_count;
    bool has_wraps_root; /* person rooms */
    struct pv_hash wraps_root;
};

struct pv_device_remove_body {
    struct pv_hash devices[PV_LIMIT_TARGETS];
    size_t device_count;
    uint64_t since;
    bool has_kem;
    uint64_t person_epoch;
    struct pv_hash kem_hash;
};

struct pv_rekey_body {
    uint64_t epoch;
    struct pv_hash secret_hash, kem_hash, recipients, wraps_root;
    struct pv_link_name links[PV_LIMIT_LINKS];
    size_t link_count;
};

struct pv_roster_body {
    enum pv_roster_type type;
    union {
        struct pv_genesis genesis;
        struct pv_invite_body invite;
        struct pv_id16 close_invite;
        struct pv_join_body join;
        struct { struct pv_hash person; uint64_t join_index; enum pv_role from, to; } role;
        struct { struct pv_membership targets[PV_LIMIT_TARGETS]; size_t count; } remove;
        struct pv_device_add_body device_add;
        struct pv_device_remove_body device_remove;
        struct pv_rekey_body rekey;
        uint64_t bad_wrap_epoch;
        struct { struct pv_hash replaces; struct pv_bytes value; } policy;
        struct { struct pv_hash replaces; struct pv_bytes name; struct pv_sign_pk log_key; bool has_sig; struct pv_sig sig; } server;
        struct { struct pv_id16 id; struct pv_range ranges[PV_LIMIT_RANGES]; size_t count; uint64_t cut_epoch; } ranges; /* hold, forget */
        struct pv_id16 lift;
    } u;
};

void pv_roster_body_put(struct pv_buf *buf, const struct pv_roster_body *body);
/* Errors: as a reader's; UNSUPPORTED for an unknown type. */
PV_MUST_USE enum pv_err pv_roster_body_read(struct pv_bytes bytes, struct pv_roster_body *ret_body);

/* A person room's genesis: both certificates verify, the first device, no paper, is `author`, the second is its paper
 * device. Errors: MALFORMED, BROKEN_CHAIN, BAD_SIG, NOMEM. */
PV_MUST_USE enum pv_err pv_genesis_verify_founders(const struct pv_genesis *genesis, const struct pv_hash *author);

/* join_sig over the party as it enters `room`. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_join_sign(const struct pv_sign_sk *join_sk, const struct pv_hash *room,
                                     const struct pv_hash *person, const struct pv_party *party,
                                     const struct pv_id16 *invite, struct pv_sig *ret_sig);
PV_MUST_USE enum pv_err pv_join_verify(const struct pv_sign_pk *join_key, const struct pv_hash *room,
                                       const struct pv_hash *person, const struct pv_party *party,
                                       const struct pv_id16 *invite, const struct pv_sig *sig);

enum pv_stance { PV_STANCE_ACCEPT = 0, PV_STANCE_DECLINE = 1, PV_STANCE_WITHDRAW = 2 };

struct pv_sign_body {
    struct pv_hash document;
    uint64_t index;
    uint64_t purpose; /* 0 to 4 */
    enum pv_stance stance;
    bool stranger;
    struct pv_bytes record;
    struct pv_id16 invite;
    struct pv_sig a_sig;
};

/* a_sig of a stranger's sign: `author` and `n` are the header's. */
struct pv_stranger_context {
    struct pv_hash room;
    struct pv_id16 invite;
    struct pv_hash author;
    uint64_t n;
    struct pv_hash document;
};
PV_MUST_USE enum pv_err pv_stranger_sign(const struct pv_sign_sk *a_sk, const struct pv_stranger_context *context,
                                         struct pv_sig *ret_sig);
PV_MUST_USE enum pv_err pv_stranger_verify(const struct pv_sign_pk *a_key, const struct pv_stranger_context *context,
                                           const struct pv_sig *sig);

/* The server's name and log key as a value that a `server` entry replaces: H("server"; "name", log_key). */
void pv_server_value_hash(struct pv_bytes name, const struct pv_sign_pk *log_key, struct pv_hash *ret_hash);
/* A policy value's: H("policy"; value). */
void pv_policy_value_hash(struct pv_bytes value, struct pv_hash *ret_hash);
/* How long a forget waits by a policy's value; false: it does not say. Source: FORMAT.md §10.1. */
bool pv_policy_notice(struct pv_bytes value, uint64_t *ret_ms);
/* The replaced log key's signature over the new value. */
PV_MUST_USE enum pv_err pv_server_change_sign(const struct pv_sign_sk *old_log_sk, const struct pv_hash *room,
                                              const struct pv_hash *replaces, struct pv_bytes name,
                                              const struct pv_sign_pk *log_key, struct pv_sig *ret_sig);
PV_MUST_USE enum pv_err pv_server_change_verify(const struct pv_sign_pk *old_log_key, const struct pv_hash *room,
                                                const struct pv_hash *replaces, struct pv_bytes name,
                                                const struct pv_sign_pk *log_key, const struct pv_sig *sig);

void pv_sign_body_put(struct pv_buf *buf, const struct pv_sign_body *body);
PV_MUST_USE enum pv_err pv_sign_body_read(struct pv_bytes bytes, struct pv_sign_body *ret_body);

enum pv_server_type { PV_SERVER_RELEASE = 0, PV_SERVER_RECEIVED = 1, PV_SERVER_EXPIRED = 2, PV_SERVER_DELETED = 3 };

struct pv_server_body {
    enum pv_server_type type;
    union {
        struct { struct pv_id16 gate; uint64_t version; struct pv_hash request; } release;
        struct { struct pv_id16 gate; struct pv_hash request; struct pv_kem_ct kem_ct; struct pv_hash descriptor; struct pv_sig a_sig; } received;
        struct { uint64_t time_ms; bool is_invite; struct pv_id16 invite; struct pv_membership membership; } expired;
        struct pv_id16 deleted_forget;
    } u;
};

void pv_server_body_put(struct pv_buf *buf, const struct pv_server_body *body);
PV_MUST_USE enum pv_err pv_server_body_read(struct pv_bytes bytes, struct pv_server_body *ret_body);

/* What lies beside an entry, FORMAT.md §3: an encoded array of three arrays. KEM keys and links stand in the order
 * in which the body names them. */
struct pv_beside {
    struct pv_bytes kem_keys[PV_LIMIT_BESIDE_KEM_KEYS]; /* PV_KEM_PK_BYTES each */
    size_t kem_key_count;
    struct pv_bytes links[PV_LIMIT_LINKS];              /* 48 bytes each */
    size_t link_count;
    struct pv_bytes *wraps;                             /* owned array of borrowed slices, 0 or 1168 bytes each */
    size_t wrap_count;
};

PV_MUST_USE enum pv_err pv_beside_read(struct pv_bytes bytes, struct pv_beside *ret_beside);
void pv_beside_release(struct pv_beside *beside);
/* Exactly what the entry's clear body names, and nothing else, lies beside it (kinds 1 to 4: nothing).
 * Errors: MALFORMED, BROKEN_CHAIN, NOMEM. */
PV_MUST_USE enum pv_err pv_beside_check(uint64_t kind, struct pv_bytes body, struct pv_bytes beside);

#endif
