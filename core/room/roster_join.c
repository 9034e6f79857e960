/* How a person enters a client room, by founding or joining it; and how a person room begins. */
#include <string.h>

#include "core/room/roster_state.h"

/* ---- a party: the person's record and which of its devices enter */

static bool lists(const struct pv_party *party, const struct pv_hash *device)
{
    for (size_t i = 0; i < party->device_count; i++)
        if (pv_hash_equal(&party->devices[i], device)) return true;
    return false;
}

static bool listing_fits(const struct pv_person *person, const struct pv_party *party, const struct pv_hash *author)
{
    for (size_t i = 0; i < party->device_count; i++) {
        if (!pv_person_device(person, &party->devices[i])) return false;
        for (size_t k = 0; k < i; k++)
            if (pv_hash_equal(&party->devices[i], &party->devices[k])) return false;
    }
    const struct pv_hash *first_paper = &person->devices[1].id;
    return lists(party, first_paper) && lists(party, author);
}

/* Leaves the verified person in the case. */
static enum pv_err check_party(struct pv_case *c, const struct pv_party *party, enum pv_reason *ret_reason)
{
    enum pv_err err = pv_record_verify(party->record, &c->person);
    if (err == PV_ERR_NOMEM) return err;
    if (err || !listing_fits(&c->person, party, &c->header->author)) *ret_reason = PV_REASON_RECORD;
    return PV_OK;
}

static void own(struct pv_roster *r, const struct pv_hash *device, const struct pv_hash *owner, bool paper,
                bool first_paper)
{
    struct pv_author *author = pv_state_author(r, device);
    author->owned = true;
    author->owner = *owner;
    author->paper = paper;
    author->first_paper = first_paper;
}

/* A listed device counts as added here by the signer of its certificate, the person genesis's two apart. */
static void add_device(struct pv_roster *r, const struct pv_case *c, size_t place)
{
    const struct pv_record_device *from = &c->person.devices[place];
    bool first_paper = place == 1;
    struct pv_room_device *device = pv_table_insert(&r->devices, &from->id);
    device->device = from->device;
    device->principal = c->person.id;
    device->index = c->item->index;
    device->has_adder = !from->founding;
    if (device->has_adder) device->adder = from->signer;
    device->paper = from->paper;
    device->order = pv_state_paper_order(first_paper, c->item->index, place);
    own(r, &from->id, &c->person.id, from->paper, first_paper);
    if (device->has_adder) pv_state_record_add(r, c->item->index, &from->signer, &from->id);
}

static struct pv_principal *admit(struct pv_roster *r, const struct pv_case *c, const struct pv_party *party,
                                  enum pv_role role)
{
    struct pv_principal *principal = pv_table_insert(&r->principals, &c->person.id);
    principal->role = role;
    principal->since = role == PV_ROLE_OWNER ? c->item->index : 0;
    principal->join_index = c->item->index;
    principal->person_epoch = party->person_epoch;
    principal->kem_hash = party->kem_hash;
    principal->setter = c->header->author;
    for (size_t place = 0; place < c->person.device_count; place++)
        if (lists(party, &c->person.devices[place].id)) add_device(r, c, place);
    return principal;
}

/* ---- genesis */

static enum pv_err check_genesis(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_genesis *genesis = &c->body.roster.u.genesis;
    c->need.principals = c->need.devices = c->need.adds = PV_LIMIT_DEVICES_LISTED;
    c->need.epochs = 1;
    if (r->size) {
        *ret_reason = PV_REASON_GENESIS;
        return PV_OK;
    }
    if (genesis->room_kind == PV_ROOM_CLIENT) return check_party(c, &genesis->founder, ret_reason);
    enum pv_err err = pv_genesis_verify_founders(genesis, &c->header->author);
    if (err == PV_ERR_NOMEM) return err;
    if (err) *ret_reason = PV_REASON_RECORD;
    return PV_OK;
}

static void found_person_room(struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_genesis *genesis = &c->body.roster.u.genesis;
    for (size_t i = 0; i < 2; i++) {
        const struct pv_cert *cert = &genesis->founders[i];
        struct pv_hash id;
        pv_device_id(&cert->device, &id);
        pv_state_add_own_device(r, c->item->index, &id, cert);
        own(r, &id, &id, cert->paper, cert->paper);
        struct pv_room_device *device = pv_state_device(r, &id);
        device->order = pv_state_paper_order(cert->paper, c->item->index, i);
    }
}

static void commit_genesis(struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_genesis *genesis = &c->body.roster.u.genesis;
    r->born = true;
    r->kind = genesis->room_kind;
    pv_state_set_server(r, genesis->server_name, &genesis->log_key);
    pv_state_begin_epoch(r, c->item->index, 0, &genesis->secret_hash, &genesis->kem_hash);
    if (r->kind == PV_ROOM_PERSON) found_person_room(r, c);
    else (void)admit(r, c, &genesis->founder, PV_ROLE_OWNER);
}

const struct pv_rule pv_rule_genesis = {.check = check_genesis, .commit = commit_genesis};

/* ---- join */

/* Of the signs on the document by the listed devices for this person, is the latest an accept? */
static bool has_accepted(const struct pv_roster *r, const struct pv_case *c, const struct pv_hash *document)
{
    const struct pv_party *party = &c->body.roster.u.join.party;
    const struct pv_standing_sign *latest = NULL;
    for (size_t i = 0; i < party->device_count; i++) {
        const struct pv_hash key[2] = {party->devices[i], *document};
        const struct pv_standing_sign *sign = pv_map_find(&r->signs, key);
        if (!sign || !pv_hash_equal(&sign->person, &c->person.id)) continue;
        if (!latest || sign->index > latest->index) latest = sign;
    }
    return latest && latest->stance == PV_STANCE_ACCEPT;
}

static enum pv_reason refuse_device(const struct pv_roster *r, const struct pv_case *c, const struct pv_hash *id)
{
    const struct pv_record_device *device = pv_person_device(&c->person, id);
    const struct pv_author *author = pv_state_author(r, id);
    bool first_paper = device == &c->person.devices[1];
    if (pv_state_device(r, id)) return PV_REASON_DEVICE_IN_USE;
    if (pv_state_bar_holds(r, &c->person.id, id, device->paper, first_paper)) return PV_REASON_BARRED;
    if (author && author->owned && !pv_hash_equal(&author->owner, &c->person.id)) return PV_REASON_FOREIGN_DEVICE;
    return PV_REASON_NONE;
}

static enum pv_reason refuse_person(const struct pv_roster *r, const struct pv_case *c,
                                    const struct pv_invite_body *invite)
{
    const struct pv_party *party = &c->body.roster.u.join.party;
    enum pv_reason reason = PV_REASON_NONE;
    if (pv_state_principal(r, &c->person.id)) return PV_REASON_MEMBER;
    for (size_t i = 0; i < party->device_count && !reason; i++) reason = refuse_device(r, c, &party->devices[i]);
    if (reason) return reason;
    if (c->header->epoch != pv_roster_epoch(r)) return PV_REASON_STALE_EPOCH;
    if (invite->has_document && !has_accepted(r, c, &invite->document)) return PV_REASON_UNSIGNED;
    if (r->principals.count >= PV_LIMIT_MEMBERS) return PV_REASON_LIMIT;
    return PV_REASON_NONE;
}

static enum pv_err check_join(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_join_body *join = &c->body.roster.u.join;
    const struct pv_invite *invite = pv_state_invite(r, &join->invite);
    c->need.principals = 1;
    c->need.devices = c->need.adds = join->party.device_count;
    if (!invite || !invite->open || invite->uses_left == 0) {
        *ret_reason = PV_REASON_INVITE;
        return PV_OK;
    }
    if (!c->has_person) {
        *ret_reason = PV_REASON_RECORD;
        return PV_OK;
    }
    /* First the one signature that only the invited can make, then the record's many. */
    enum pv_err err = pv_join_verify(&invite->body.join_key, &r->room, &c->person.id, &join->party, &join->invite,
                                     &join->join_sig);
    if (err == PV_ERR_NOMEM) return err;
    if (err) *ret_reason = PV_REASON_JOIN_KEY;
    if (!*ret_reason) err = check_party(c, &join->party, ret_reason);
    if (err == PV_ERR_NOMEM) return err;
    if (!*ret_reason) *ret_reason = refuse_person(r, c, &invite->body);
    return PV_OK;
}

static void commit_join(struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_join_body *join = &c->body.roster.u.join;
    struct pv_invite *invite = pv_state_invite(r, &join->invite);
    struct pv_principal *principal = admit(r, c, &join->party, invite->body.role);
    principal->via_invite = true;
    principal->invite = invite->body.id;
    principal->has_until = invite->body.has_member_until;
    principal->until_ms = invite->body.member_until_ms;
    invite->opened = true;
    if (--invite->uses_left == 0) pv_state_close_invite(r, invite);
}

const struct pv_rule pv_rule_join = {.client = true, .check = check_join, .commit = commit_join};
