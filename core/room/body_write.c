/* The one writer of clear bodies. */
#include "core/room/body.h"

static void put_party(struct pv_buf *buf, const struct pv_party *party)
{
    pv_cbor_put_array(buf, 4);
    pv_buf_append(buf, party->record.p, party->record.n);
    pv_cbor_put_array(buf, party->device_count);
    for (size_t i = 0; i < party->device_count; i++) pv_cbor_put_hash(buf, &party->devices[i]);
    pv_cbor_put_uint(buf, party->person_epoch);
    pv_cbor_put_hash(buf, &party->kem_hash);
}

static void put_sig(struct pv_buf *buf, const struct pv_sig *sig)
{
    pv_cbor_put_bytes(buf, sig->b, sizeof sig->b);
}

static void put_pk(struct pv_buf *buf, const struct pv_sign_pk *pk)
{
    pv_cbor_put_bytes(buf, pk->b, sizeof pk->b);
}

static void put_text(struct pv_buf *buf, struct pv_bytes text)
{
    pv_cbor_put_text(buf, (const char *)text.p, text.n);
}

static void begin(struct pv_buf *buf, size_t fields, enum pv_roster_type type)
{
    pv_cbor_put_array(buf, fields);
    pv_cbor_put_uint(buf, type);
}

static void put_genesis(struct pv_buf *buf, const struct pv_genesis *genesis)
{
    begin(buf, 10, PV_ROSTER_GENESIS);
    pv_cbor_put_id16(buf, &genesis->nonce);
    pv_cbor_put_uint(buf, genesis->room_kind);
    pv_cbor_put_hash(buf, &genesis->parent);
    put_text(buf, genesis->server_name);
    put_pk(buf, &genesis->log_key);
    pv_cbor_put_hash(buf, &genesis->secret_hash);
    pv_cbor_put_hash(buf, &genesis->kem_hash);
    pv_cbor_put_hash(buf, &genesis->wraps_root);
    if (genesis->room_kind == PV_ROOM_PERSON) {
        pv_cbor_put_array(buf, 2);
        for (size_t i = 0; i < 2; i++) pv_cert_put(buf, &genesis->founders[i]);
    } else {
        put_party(buf, &genesis->founder);
    }
}

static void put_invite(struct pv_buf *buf, const struct pv_invite_body *invite)
{
    begin(buf, 11, PV_ROSTER_INVITE);
    pv_cbor_put_id16(buf, &invite->id);
    pv_cbor_put_uint(buf, invite->role);
    pv_cbor_put_uint(buf, invite->uses);
    if (invite->has_until) pv_cbor_put_uint(buf, invite->until_ms);
    else pv_cbor_put_null(buf);
    if (invite->has_document) pv_cbor_put_hash(buf, &invite->document);
    else pv_cbor_put_null(buf);
    put_pk(buf, &invite->a_key);
    put_pk(buf, &invite->join_key);
    pv_cbor_put_hash(buf, &invite->kem_hash);
    pv_cbor_put_hash(buf, &invite->wraps_root);
    if (invite->has_member_until) pv_cbor_put_uint(buf, invite->member_until_ms);
    else pv_cbor_put_null(buf);
}

static void put_device_add(struct pv_buf *buf, const struct pv_device_add_body *add)
{
    begin(buf, 3, PV_ROSTER_DEVICE_ADD);
    pv_cbor_put_array(buf, add->cert_count);
    for (size_t i = 0; i < add->cert_count; i++) pv_cert_put(buf, &add->certs[i]);
    if (add->has_wraps_root) pv_cbor_put_hash(buf, &add->wraps_root);
    else pv_cbor_put_null(buf);
}

static void put_device_remove(struct pv_buf *buf, const struct pv_device_remove_body *removal)
{
    begin(buf, 4, PV_ROSTER_DEVICE_REMOVE);
    pv_cbor_put_array(buf, removal->device_count);
    for (size_t i = 0; i < removal->device_count; i++) pv_cbor_put_hash(buf, &removal->devices[i]);
    pv_cbor_put_uint(buf, removal->since);
    if (!removal->has_kem) {
        pv_cbor_put_null(buf);
        return;
    }
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_uint(buf, removal->person_epoch);
    pv_cbor_put_hash(buf, &removal->kem_hash);
}

static void put_rekey(struct pv_buf *buf, const struct pv_rekey_body *rekey)
{
    begin(buf, 7, PV_ROSTER_REKEY);
    pv_cbor_put_uint(buf, rekey->epoch);
    pv_cbor_put_hash(buf, &rekey->secret_hash);
    pv_cbor_put_hash(buf, &rekey->kem_hash);
    pv_cbor_put_hash(buf, &rekey->recipients);
    pv_cbor_put_hash(buf, &rekey->wraps_root);
    pv_cbor_put_array(buf, rekey->link_count);
    for (size_t i = 0; i < rekey->link_count; i++) {
        pv_cbor_put_array(buf, 2);
        pv_cbor_put_uint(buf, rekey->links[i].epoch);
        pv_cbor_put_hash(buf, &rekey->links[i].sealed_hash);
    }
}

static void put_ranges(struct pv_buf *buf, const struct pv_range *ranges, size_t count)
{
    pv_cbor_put_array(buf, count);
    for (size_t i = 0; i < count; i++) {
        pv_cbor_put_array(buf, 2);
        pv_cbor_put_uint(buf, ranges[i].from);
        pv_cbor_put_uint(buf, ranges[i].to);
    }
}

static void put_membership(struct pv_buf *buf, const struct pv_membership *membership)
{
    pv_cbor_put_array(buf, 2);
    pv_cbor_put_hash(buf, &membership->person);
    pv_cbor_put_uint(buf, membership->join_index);
}

static void put_server_change(struct pv_buf *buf, const struct pv_roster_body *body)
{
    begin(buf, 5, PV_ROSTER_SERVER);
    pv_cbor_put_hash(buf, &body->u.server.replaces);
    put_text(buf, body->u.server.name);
    put_pk(buf, &body->u.server.log_key);
    if (body->u.server.has_sig) put_sig(buf, &body->u.server.sig);
    else pv_cbor_put_null(buf);
}

/* The types of few fields. */
static void put_short(struct pv_buf *buf, const struct pv_roster_body *body)
{
    static const size_t fields[] = {
        [PV_ROSTER_CLOSE_INVITE] = 2, [PV_ROSTER_JOIN] = 5,   [PV_ROSTER_ROLE] = 5, [PV_ROSTER_REMOVE] = 2,
        [PV_ROSTER_LEAVE] = 1,        [PV_ROSTER_BAD_WRAP] = 2, [PV_ROSTER_POLICY] = 3, [PV_ROSTER_HOLD] = 3,
        [PV_ROSTER_LIFT] = 2,         [PV_ROSTER_FORGET] = 4,
    };
    begin(buf, fields[body->type], body->type);
    if (body->type == PV_ROSTER_CLOSE_INVITE) {
        pv_cbor_put_id16(buf, &body->u.close_invite);
    } else if (body->type == PV_ROSTER_JOIN) {
        pv_cbor_put_id16(buf, &body->u.join.invite);
        put_party(buf, &body->u.join.party);
        pv_cbor_put_hash(buf, &body->u.join.wraps_root);
        put_sig(buf, &body->u.join.join_sig);
    } else if (body->type == PV_ROSTER_ROLE) {
        pv_cbor_put_hash(buf, &body->u.role.person);
        pv_cbor_put_uint(buf, body->u.role.join_index);
        pv_cbor_put_uint(buf, body->u.role.from);
        pv_cbor_put_uint(buf, body->u.role.to);
    } else if (body->type == PV_ROSTER_REMOVE) {
        pv_cbor_put_array(buf, body->u.remove.count);
        for (size_t i = 0; i < body->u.remove.count; i++) put_membership(buf, &body->u.remove.targets[i]);
    } else if (body->type == PV_ROSTER_BAD_WRAP) {
        pv_cbor_put_uint(buf, body->u.bad_wrap_epoch);
    } else if (body->type == PV_ROSTER_POLICY) {
        pv_cbor_put_hash(buf, &body->u.policy.replaces);
        pv_cbor_put_bytes(buf, body->u.policy.value.p, body->u.policy.value.n);
    } else if (body->type == PV_ROSTER_LIFT) {
        pv_cbor_put_id16(buf, &body->u.lift);
    } else if (body->type == PV_ROSTER_HOLD || body->type == PV_ROSTER_FORGET) {
        pv_cbor_put_id16(buf, &body->u.ranges.id);
        put_ranges(buf, body->u.ranges.ranges, body->u.ranges.count);
        if (body->type == PV_ROSTER_FORGET) pv_cbor_put_uint(buf, body->u.ranges.cut_epoch);
    }
}

void pv_roster_body_put(struct pv_buf *buf, const struct pv_roster_body *body)
{
    switch (body->type) {
    case PV_ROSTER_GENESIS: put_genesis(buf, &body->u.genesis); break;
    case PV_ROSTER_INVITE: put_invite(buf, &body->u.invite); break;
    case PV_ROSTER_DEVICE_ADD: put_device_add(buf, &body->u.device_add); break;
    case PV_ROSTER_DEVICE_REMOVE: put_device_remove(buf, &body->u.device_remove); break;
    case PV_ROSTER_REKEY: put_rekey(buf, &body->u.rekey); break;
    case PV_ROSTER_SERVER: put_server_change(buf, body); break;
    case PV_ROSTER_CLOSE_INVITE:
    case PV_ROSTER_JOIN:
    case PV_ROSTER_ROLE:
    case PV_ROSTER_REMOVE:
    case PV_ROSTER_LEAVE:
    case PV_ROSTER_BAD_WRAP:
    case PV_ROSTER_POLICY:
    case PV_ROSTER_HOLD:
    case PV_ROSTER_LIFT:
    case PV_ROSTER_FORGET: put_short(buf, body); break;
    default:
        if (!buf->err) buf->err = PV_ERR_MALFORMED;
    }
}

void pv_sign_body_put(struct pv_buf *buf, const struct pv_sign_body *body)
{
    pv_cbor_put_array(buf, 5);
    pv_cbor_put_hash(buf, &body->document);
    pv_cbor_put_uint(buf, body->index);
    pv_cbor_put_uint(buf, body->purpose);
    pv_cbor_put_uint(buf, body->stance);
    if (!body->stranger) {
        pv_cbor_put_null(buf);
        return;
    }
    pv_cbor_put_array(buf, 3);
    pv_buf_append(buf, body->record.p, body->record.n);
    pv_cbor_put_id16(buf, &body->invite);
    put_sig(buf, &body->a_sig);
}

void pv_server_body_put(struct pv_buf *buf, const struct pv_server_body *body)
{
    static const size_t fields[] = {[PV_SERVER_RELEASE] = 4, [PV_SERVER_RECEIVED] = 6, [PV_SERVER_EXPIRED] = 3,
                                    [PV_SERVER_DELETED] = 2};
    pv_cbor_put_array(buf, fields[body->type]);
    pv_cbor_put_uint(buf, body->type);
    switch (body->type) {
    case PV_SERVER_RELEASE:
        pv_cbor_put_id16(buf, &body->u.release.gate);
        pv_cbor_put_uint(buf, body->u.release.version);
        pv_cbor_put_hash(buf, &body->u.release.request);
        break;
    case PV_SERVER_RECEIVED:
        pv_cbor_put_id16(buf, &body->u.received.gate);
        pv_cbor_put_hash(buf, &body->u.received.request);
        pv_cbor_put_bytes(buf, body->u.received.kem_ct.b, sizeof body->u.received.kem_ct.b);
        pv_cbor_put_hash(buf, &body->u.received.descriptor);
        put_sig(buf, &body->u.received.a_sig);
        break;
    case PV_SERVER_EXPIRED:
        pv_cbor_put_uint(buf, body->u.expired.time_ms);
        if (body->u.expired.is_invite) pv_cbor_put_id16(buf, &body->u.expired.invite);
        else put_membership(buf, &body->u.expired.membership);
        break;
    case PV_SERVER_DELETED: pv_cbor_put_id16(buf, &body->u.deleted_forget); break;
    }
}
