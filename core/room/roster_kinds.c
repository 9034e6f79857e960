/* Rules on the other kinds: signing, sealed talk and work, what the server says. */
#include <string.h>

#include "core/room/roster_state.h"

/* ---- sign */

static const struct pv_standing_sign *earlier_sign(const struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_hash key[2] = {c->header->author, c->body.sign.document};
    return pv_map_find(&r->signs, key);
}

/* Whoever holds an open invite may sign its document, and whoever signed may take it back. */
static enum pv_err check_invite_of(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_sign_body *sign = &c->body.sign;
    const struct pv_invite *invite = pv_state_invite(r, &sign->invite);
    if (sign->stance != PV_STANCE_ACCEPT && earlier_sign(r, c)) return PV_OK;
    bool fits = invite && invite->open && invite->body.has_document &&
                pv_hash_equal(&invite->body.document, &sign->document);
    if (!fits) {
        *ret_reason = PV_REASON_INVITE;
        return PV_OK;
    }
    struct pv_stranger_context context = {.room = r->room, .invite = sign->invite, .author = c->header->author,
                                          .n = c->header->n, .document = sign->document};
    enum pv_err err = pv_stranger_verify(&invite->body.a_key, &context, &sign->a_sig);
    if (err == PV_ERR_NOMEM) return err;
    if (err) *ret_reason = PV_REASON_A_KEY;
    else if (invite->stranger_signs >= PV_LIMIT_SIGNS_PER_USE * invite->body.uses) *ret_reason = PV_REASON_LIMIT;
    c->by_invite = true;
    return PV_OK;
}

static enum pv_err check_stranger(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_author *author = pv_state_author(r, &c->header->author);
    if (!c->body.sign.stranger) {
        *ret_reason = PV_REASON_NOT_MEMBER;
        return PV_OK;
    }
    enum pv_err err = pv_record_verify(c->body.sign.record, &c->person);
    if (err == PV_ERR_NOMEM) return err;
    if (err || !pv_person_device(&c->person, &c->header->author)) {
        *ret_reason = PV_REASON_RECORD;
        return PV_OK;
    }
    if (author && author->owned && !pv_hash_equal(&author->owner, &c->person.id)) {
        *ret_reason = PV_REASON_FOREIGN_DEVICE;
        return PV_OK;
    }
    return check_invite_of(r, c, ret_reason);
}

static enum pv_err check_sign(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    uint64_t index = c->body.sign.index;
    c->need.signs = 1;
    c->by_invite = false;
    enum pv_err err = c->me ? PV_OK : check_stranger(r, c, ret_reason);
    if (err || *ret_reason) return err;
    if (index >= c->item->index || pv_roster_is_forgotten(r, index)) *ret_reason = PV_REASON_INDEX;
    return PV_OK;
}

static void commit_sign(struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_hash key[2] = {c->header->author, c->body.sign.document};
    struct pv_standing_sign *sign = pv_map_find(&r->signs, key);
    if (!sign) sign = pv_map_add(&r->signs, key);
    sign->person = pv_state_device(r, &c->header->author) ? c->me_id : c->person.id;
    sign->index = c->item->index;
    sign->stance = c->body.sign.stance;
    /* Who takes a sign back without being a member must not keep from deletion whatever it names. */
    bool keeps = c->by_invite || pv_state_device(r, &c->header->author);
    if (keeps && !pv_map_find(&r->kept, &c->body.sign.index)) (void)pv_map_add(&r->kept, &c->body.sign.index);
    if (c->by_invite) pv_state_invite(r, &c->body.sign.invite)->stranger_signs++;
}

const struct pv_rule pv_rule_sign = {.check = check_sign, .commit = commit_sign};

/* ---- talk, work */

static enum pv_err check_sealed(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    if (c->header->kind == PV_KIND_WORK && c->me->role == PV_ROLE_VIEWER) *ret_reason = PV_REASON_ROLE;
    else if (r->due) *ret_reason = PV_REASON_DUE;
    else if (c->header->epoch != pv_roster_epoch(r)) *ret_reason = PV_REASON_STALE_EPOCH;
    return PV_OK;
}

const struct pv_rule pv_rule_talk = {.member = true, .check = check_sealed};
const struct pv_rule pv_rule_work = {.member = true, .check = check_sealed};

/* ---- the server's */

static void commit_release(struct pv_roster *r, const struct pv_case *c)
{
    struct pv_invite *invite = pv_state_invite(r, &c->body.server.u.release.gate);
    if (invite && invite->open) invite->opened = true;
}

const struct pv_rule pv_rule_release = {.commit = commit_release};
const struct pv_rule pv_rule_received = {.commit = NULL};

static bool has_expired(const struct pv_roster *r, const struct pv_case *c)
{
    uint64_t time_ms = c->body.server.u.expired.time_ms;
    if (c->body.server.u.expired.is_invite) {
        const struct pv_invite *invite = pv_state_invite(r, &c->body.server.u.expired.invite);
        return invite && invite->open && invite->body.has_until && invite->body.until_ms <= time_ms;
    }
    const struct pv_membership *named = &c->body.server.u.expired.membership;
    const struct pv_principal *member = pv_state_principal(r, &named->person);
    if (!member || member->join_index != named->join_index) return false;
    bool last_owner = member->role == PV_ROLE_OWNER && pv_state_owner_count(r) == 1;
    return member->has_until && member->until_ms <= time_ms && !last_owner;
}

static enum pv_err check_expired(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    if (!has_expired(r, c)) *ret_reason = PV_REASON_UNTIL;
    return PV_OK;
}

static void commit_expired(struct pv_roster *r, const struct pv_case *c)
{
    if (c->body.server.u.expired.is_invite)
        pv_state_close_invite(r, pv_state_invite(r, &c->body.server.u.expired.invite));
    else
        pv_state_drop(r, &c->body.server.u.expired.membership.person, 1);
}

const struct pv_rule pv_rule_expired = {.check = check_expired, .commit = commit_expired};

static enum pv_err check_deleted(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_forget *forget = pv_map_find(&r->forgets, &c->body.server.u.deleted_forget);
    bool pending = forget && !forget->done;
    if (!pending || pv_state_is_held(r, pv_table_at(&r->ranges, forget->ranges_at), forget->range_count))
        *ret_reason = PV_REASON_NO_FORGET;
    else c->need.gone = forget->range_count;
    return PV_OK;
}

static void commit_deleted(struct pv_roster *r, const struct pv_case *c)
{
    pv_state_forget_done(r, pv_map_find(&r->forgets, &c->body.server.u.deleted_forget));
}

const struct pv_rule pv_rule_deleted = {.check = check_deleted, .commit = commit_deleted};
