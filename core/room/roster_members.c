/* Rules on members: invite, close_invite, role, remove, leave. */
#include <string.h>

#include "core/room/roster_state.h"

/* ---- invite */

static enum pv_err check_invite(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_invite_body *body = &c->body.roster.u.invite;
    c->need.invites = 1;
    if (pv_state_invite(r, &body->id)) *ret_reason = PV_REASON_DUPLICATE;
    else if (body->uses == 0) *ret_reason = PV_REASON_USES;
    else if (r->due) *ret_reason = PV_REASON_DUE;
    else if (c->header->epoch != pv_roster_epoch(r)) *ret_reason = PV_REASON_STALE_EPOCH;
    else if (r->open_invites >= PV_LIMIT_INVITES_OPEN) *ret_reason = PV_REASON_LIMIT;
    return PV_OK;
}

static void commit_invite(struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_invite_body *body = &c->body.roster.u.invite;
    struct pv_invite *invite = pv_table_insert(&r->invites, &body->id);
    invite->body = *body;
    invite->uses_left = body->uses;
    invite->index = c->item->index;
    invite->maker = c->me_id;
    invite->open = true;
    r->open_invites++;
}

const struct pv_rule pv_rule_invite = {.member = true, .client = true, .owner = true, .check = check_invite,
                                       .commit = commit_invite};

/* ---- close_invite */

static enum pv_err check_close_invite(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_invite *invite = pv_state_invite(r, &c->body.roster.u.close_invite);
    if (!invite || !invite->open) *ret_reason = PV_REASON_CLOSED;
    return PV_OK;
}

static void commit_close_invite(struct pv_roster *r, const struct pv_case *c)
{
    pv_state_close_invite(r, pv_state_invite(r, &c->body.roster.u.close_invite));
}

const struct pv_rule pv_rule_close_invite = {.member = true, .owner = true, .check = check_close_invite,
                                             .commit = commit_close_invite};

/* ---- role */

static enum pv_err check_role(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_principal *target = pv_state_principal(r, &c->body.roster.u.role.person);
    bool is_owner = target && target->role == PV_ROLE_OWNER;
    if (!target) *ret_reason = PV_REASON_NO_TARGET;
    else if (target->join_index != c->body.roster.u.role.join_index || target->role != c->body.roster.u.role.from)
        *ret_reason = PV_REASON_CHANGED;
    else if (target->role == c->body.roster.u.role.to) *ret_reason = PV_REASON_NO_CHANGE;
    else if (is_owner && target != c->me && c->me->since > target->since) *ret_reason = PV_REASON_SENIOR;
    else if (is_owner && pv_state_owner_count(r) == 1) *ret_reason = PV_REASON_LAST_OWNER;
    return PV_OK;
}

/* What a person may have opened the room to: the invites made by, or joined through by, this person. */
static void close_invites_of(struct pv_roster *r, const struct pv_principal *principal)
{
    for (size_t i = 0; i < r->invites.count; i++) {
        struct pv_invite *invite = pv_table_at(&r->invites, i);
        bool joined = principal->via_invite && pv_id16_equal(&principal->invite, &invite->body.id);
        if (joined || pv_hash_equal(&invite->maker, &principal->id)) pv_state_close_invite(r, invite);
    }
}

static void commit_role(struct pv_roster *r, const struct pv_case *c)
{
    struct pv_principal *target = pv_state_principal(r, &c->body.roster.u.role.person);
    enum pv_role from = target->role, to = c->body.roster.u.role.to;
    target->role = to;
    target->since = to == PV_ROLE_OWNER ? c->item->index : 0;
    if (to < from) close_invites_of(r, target);
}

const struct pv_rule pv_rule_role = {.member = true, .client = true, .owner = true, .check = check_role,
                                     .commit = commit_role};

/* ---- remove */

/* Did the present membership come by an invite whose maker is junior to the author, which nobody is to oneself, or no owner (any more)?
 * Then a removal that named an earlier membership counts too: juniors cannot bring back whom a senior removes. */
static bool came_by_junior(const struct pv_roster *r, const struct pv_principal *me, const struct pv_principal *target)
{
    const struct pv_invite *invite = target->via_invite ? pv_state_invite(r, &target->invite) : NULL;
    if (!invite) return false;
    const struct pv_principal *maker = pv_state_principal(r, &invite->maker);
    return !maker || maker->role != PV_ROLE_OWNER || maker->since > me->since;
}

static enum pv_reason refuse_removal(const struct pv_roster *r, const struct pv_case *c,
                                     const struct pv_membership *named)
{
    const struct pv_principal *target = pv_state_principal(r, &named->person);
    if (!target) return PV_REASON_NO_TARGET;
    if (target == c->me) return PV_REASON_SELF;
    bool meant = target->join_index == named->join_index ||
                 (named->join_index < target->join_index && came_by_junior(r, c->me, target));
    if (!meant) return PV_REASON_CHANGED;
    if (target->role == PV_ROLE_OWNER && c->me->since > target->since) return PV_REASON_SENIOR;
    return PV_REASON_NONE;
}

static enum pv_err check_remove(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_membership *targets = c->body.roster.u.remove.targets;
    size_t count = c->body.roster.u.remove.count;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (pv_hash_equal(&targets[i].person, &targets[k].person)) *ret_reason = PV_REASON_DUPLICATE;
    for (size_t i = 0; i < count && !*ret_reason; i++) *ret_reason = refuse_removal(r, c, &targets[i]);
    return PV_OK;
}

static void commit_remove(struct pv_roster *r, const struct pv_case *c)
{
    struct pv_hash persons[PV_LIMIT_TARGETS];
    size_t count = c->body.roster.u.remove.count;
    for (size_t i = 0; i < count; i++) persons[i] = c->body.roster.u.remove.targets[i].person;
    pv_state_drop(r, persons, count);
}

const struct pv_rule pv_rule_remove = {.member = true, .client = true, .owner = true, .check = check_remove,
                                       .commit = commit_remove};

/* ---- leave */

static enum pv_err check_leave(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    bool last = c->me->role == PV_ROLE_OWNER && pv_state_owner_count(r) == 1;
    if (last && r->principals.count > 1) *ret_reason = PV_REASON_LAST_OWNER;
    return PV_OK;
}

static void commit_leave(struct pv_roster *r, const struct pv_case *c)
{
    pv_state_drop(r, &c->me_id, 1);
}

const struct pv_rule pv_rule_leave = {.member = true, .client = true, .check = check_leave, .commit = commit_leave};
