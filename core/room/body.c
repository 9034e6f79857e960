/* The one reader of clear bodies. What it lets through has every field in range; rules are the roster's. */
#include "core/room/body.h"

static enum pv_role get_role(struct pv_cbor *in)
{
    return (enum pv_role)pv_cbor_get_uint(in, PV_ROLE_OWNER);
}

static void get_sig(struct pv_cbor *in, struct pv_sig *ret_sig)
{
    pv_cbor_get_fixed(in, ret_sig->b, sizeof ret_sig->b);
}

static void get_pk(struct pv_cbor *in, struct pv_sign_pk *ret_pk)
{
    pv_cbor_get_fixed(in, ret_pk->b, sizeof ret_pk->b);
}

/* A list that may not be empty. */
static size_t get_list(struct pv_cbor *in, size_t max)
{
    size_t count = pv_cbor_get_array(in, max);
    if (count == 0) pv_cbor_fail(in, PV_ERR_MALFORMED);
    return in->err ? 0 : count;
}

/* Names go into checkpoints, whose lines end them and whose key names know no space or plus. */
static struct pv_bytes get_server_name(struct pv_cbor *in)
{
    struct pv_bytes name = pv_cbor_get_text(in, PV_LIMIT_SERVER_NAME_BYTES);
    if (name.n == 0) pv_cbor_fail(in, PV_ERR_MALFORMED);
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == '+') pv_cbor_fail(in, PV_ERR_MALFORMED);
    return name;
}

static void get_party(struct pv_cbor *in, struct pv_party *ret_party)
{
    pv_cbor_get_array_of(in, 4);
    ret_party->record = pv_record_get(in);
    ret_party->device_count = get_list(in, PV_LIMIT_DEVICES_LISTED);
    for (size_t i = 0; i < ret_party->device_count; i++) pv_cbor_get_hash(in, &ret_party->devices[i]);
    ret_party->person_epoch = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_hash(in, &ret_party->kem_hash);
}

static void get_genesis(struct pv_cbor *in, struct pv_roster_body *body)
{
    struct pv_genesis *genesis = &body->u.genesis;
    pv_cbor_get_id16(in, &genesis->nonce);
    uint64_t kind = pv_cbor_get_uint(in, UINT64_MAX);
    if (kind > PV_ROOM_CLIENT) pv_cbor_fail(in, PV_ERR_UNSUPPORTED);
    genesis->room_kind = kind == PV_ROOM_PERSON ? PV_ROOM_PERSON : PV_ROOM_CLIENT;
    pv_cbor_get_hash(in, &genesis->parent);
    genesis->server_name = get_server_name(in);
    get_pk(in, &genesis->log_key);
    pv_cbor_get_hash(in, &genesis->secret_hash);
    pv_cbor_get_hash(in, &genesis->kem_hash);
    pv_cbor_get_hash(in, &genesis->wraps_root);
    if (genesis->room_kind == PV_ROOM_PERSON) {
        pv_cbor_get_array_of(in, 2);
        for (size_t i = 0; i < 2; i++) pv_cert_get(in, &genesis->founders[i]);
    } else {
        get_party(in, &genesis->founder);
    }
}

static void get_invite(struct pv_cbor *in, struct pv_roster_body *body)
{
    struct pv_invite_body *invite = &body->u.invite;
    pv_cbor_get_id16(in, &invite->id);
    invite->role = get_role(in);
    invite->uses = pv_cbor_get_uint(in, PV_LIMIT_INVITE_USES);
    invite->has_until = !pv_cbor_take_null(in);
    invite->until_ms = invite->has_until ? pv_cbor_get_uint(in, PV_LIMIT_N) : 0;
    invite->has_document = !pv_cbor_take_null(in);
    if (invite->has_document) pv_cbor_get_hash(in, &invite->document);
    get_pk(in, &invite->a_key);
    get_pk(in, &invite->join_key);
    pv_cbor_get_hash(in, &invite->kem_hash);
    pv_cbor_get_hash(in, &invite->wraps_root);
    invite->has_member_until = !pv_cbor_take_null(in);
    invite->member_until_ms = invite->has_member_until ? pv_cbor_get_uint(in, PV_LIMIT_N) : 0;
}

static void get_close_invite(struct pv_cbor *in, struct pv_roster_body *body)
{
    pv_cbor_get_id16(in, &body->u.close_invite);
}

static void get_join(struct pv_cbor *in, struct pv_roster_body *body)
{
    struct pv_join_body *join = &body->u.join;
    pv_cbor_get_id16(in, &join->invite);
    get_party(in, &join->party);
    pv_cbor_get_hash(in, &join->wraps_root);
    get_sig(in, &join->join_sig);
}

static void get_role_change(struct pv_cbor *in, struct pv_roster_body *body)
{
    pv_cbor_get_hash(in, &body->u.role.person);
    body->u.role.join_index = pv_cbor_get_uint(in, PV_LIMIT_N);
    body->u.role.from = get_role(in);
    body->u.role.to = get_role(in);
}

static void get_membership(struct pv_cbor *in, struct pv_membership *ret_membership)
{
    pv_cbor_get_array_of(in, 2);
    pv_cbor_get_hash(in, &ret_membership->person);
    ret_membership->join_index = pv_cbor_get_uint(in, PV_LIMIT_N);
}

static void get_remove(struct pv_cbor *in, struct pv_roster_body *body)
{
    body->u.remove.count = get_list(in, PV_LIMIT_TARGETS);
    for (size_t i = 0; i < body->u.remove.count; i++) get_membership(in, &body->u.remove.targets[i]);
}

static void get_nothing(struct pv_cbor *in, struct pv_roster_body *body)
{
    (void)in;
    (void)body;
}

static void get_device_add(struct pv_cbor *in, struct pv_roster_body *body)
{
    struct pv_device_add_body *add = &body->u.device_add;
    add->cert_count = get_list(in, PV_LIMIT_CERTIFICATES);
    for (size_t i = 0; i < add->cert_count; i++) pv_cert_get(in, &add->certs[i]);
    add->has_wraps_root = !pv_cbor_take_null(in);
    if (add->has_wraps_root) pv_cbor_get_hash(in, &add->wraps_root);
}

static void get_device_remove(struct pv_cbor *in, struct pv_roster_body *body)
{
    struct pv_device_remove_body *removal = &body->u.device_remove;
    removal->device_count = get_list(in, PV_LIMIT_TARGETS);
    for (size_t i = 0; i < removal->device_count; i++) pv_cbor_get_hash(in, &removal->devices[i]);
    removal->since = pv_cbor_get_uint(in, PV_LIMIT_N);
    removal->has_kem = !pv_cbor_take_null(in);
    if (!removal->has_kem) return;
    pv_cbor_get_array_of(in, 2);
    removal->person_epoch = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_hash(in, &removal->kem_hash);
}

static void get_rekey(struct pv_cbor *in, struct pv_roster_body *body)
{
    struct pv_rekey_body *rekey = &body->u.rekey;
    rekey->epoch = pv_cbor_get_uint(in, PV_LIMIT_N);
    pv_cbor_get_hash(in, &rekey->secret_hash);
    pv_cbor_get_hash(in, &rekey->kem_hash);
    pv_cbor_get_hash(in, &rekey->recipients);
    pv_cbor_get_hash(in, &rekey->wraps_root);
    rekey->link_count = pv_cbor_get_array(in, PV_LIMIT_LINKS);
    uint64_t below = rekey->epoch;
    for (size_t i = 0; i < rekey->link_count; i++) {
        struct pv_link_name *link = &rekey->links[i];
        pv_cbor_get_array_of(in, 2);
        link->epoch = pv_cbor_get_uint(in, PV_LIMIT_N);
        pv_cbor_get_hash(in, &link->sealed_hash);
        if (link->epoch >= below) pv_cbor_fail(in, PV_ERR_MALFORMED);
        below = link->epoch;
    }
}

static void get_bad_wrap(struct pv_cbor *in, struct pv_roster_body *body)
{
    body->u.bad_wrap_epoch = pv_cbor_get_uint(in, PV_LIMIT_N);
}

static void get_policy(struct pv_cbor *in, struct pv_roster_body *body)
{
    pv_cbor_get_hash(in, &body->u.policy.replaces);
    body->u.policy.value = pv_cbor_get_bytes(in, PV_LIMIT_POLICY_BYTES);
}

static void get_server_change(struct pv_cbor *in, struct pv_roster_body *body)
{
    pv_cbor_get_hash(in, &body->u.server.replaces);
    body->u.server.name = get_server_name(in);
    get_pk(in, &body->u.server.log_key);
    body->u.server.has_sig = !pv_cbor_take_null(in);
    if (body->u.server.has_sig) get_sig(in, &body->u.server.sig);
}

static void get_ranges(struct pv_cbor *in, struct pv_roster_body *body)
{
    pv_cbor_get_id16(in, &body->u.ranges.id);
    body->u.ranges.count = get_list(in, PV_LIMIT_RANGES);
    uint64_t least = 0; /* ranges lie apart: at least one index between two */
    for (size_t i = 0; i < body->u.ranges.count; i++) {
        struct pv_range *range = &body->u.ranges.ranges[i];
        pv_cbor_get_array_of(in, 2);
        range->from = pv_cbor_get_uint(in, PV_LIMIT_N);
        range->to = pv_cbor_get_uint(in, PV_LIMIT_N);
        if (range->from < least || range->to <= range->from) pv_cbor_fail(in, PV_ERR_MALFORMED);
        least = range->to + 1;
    }
}

static void get_forget(struct pv_cbor *in, struct pv_roster_body *body)
{
    get_ranges(in, body);
    body->u.ranges.cut_epoch = pv_cbor_get_uint(in, PV_LIMIT_N);
}

static void get_lift(struct pv_cbor *in, struct pv_roster_body *body)
{
    pv_cbor_get_id16(in, &body->u.lift);
}

static const struct {
    size_t fields; /* the type among them */
    void (*get)(struct pv_cbor *in, struct pv_roster_body *body);
} types[] = {
    [PV_ROSTER_GENESIS] = {10, get_genesis},
    [PV_ROSTER_INVITE] = {11, get_invite},
    [PV_ROSTER_CLOSE_INVITE] = {2, get_close_invite},
    [PV_ROSTER_JOIN] = {5, get_join},
    [PV_ROSTER_ROLE] = {5, get_role_change},
    [PV_ROSTER_REMOVE] = {2, get_remove},
    [PV_ROSTER_LEAVE] = {1, get_nothing},
    [PV_ROSTER_DEVICE_ADD] = {3, get_device_add},
    [PV_ROSTER_DEVICE_REMOVE] = {4, get_device_remove},
    [PV_ROSTER_REKEY] = {7, get_rekey},
    [PV_ROSTER_BAD_WRAP] = {2, get_bad_wrap},
    [PV_ROSTER_POLICY] = {3, get_policy},
    [PV_ROSTER_SERVER] = {5, get_server_change},
    [PV_ROSTER_HOLD] = {3, get_ranges},
    [PV_ROSTER_LIFT] = {2, get_lift},
    [PV_ROSTER_FORGET] = {4, get_forget},
};

enum pv_err pv_roster_body_read(struct pv_bytes bytes, struct pv_roster_body *ret_body)
{
    struct pv_cbor in;
    struct pv_roster_body body = {.type = PV_ROSTER_GENESIS};
    if (bytes.n > PV_LIMIT_BODY_BYTES) return PV_ERR_LIMIT;
    pv_cbor_init(&in, bytes);
    size_t fields = pv_cbor_get_array(&in, SIZE_MAX);
    uint64_t type = pv_cbor_get_uint(&in, UINT64_MAX);
    if (in.err) return in.err;
    if (type >= sizeof types / sizeof types[0]) return pv_cbor_unknown(bytes); /* of any shape */
    if (fields != types[type].fields) return PV_ERR_MALFORMED;
    body.type = (enum pv_roster_type)type;
    types[type].get(&in, &body);
    enum pv_err err = pv_cbor_finish(&in);
    if (err) return err;
    *ret_body = body;
    return PV_OK;
}
