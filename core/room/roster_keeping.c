/* Rules on what a room keeps: rekey, bad_wrap, policy, server, hold, lift, forget. */
#include <stdlib.h>

#include "core/room/roster_state.h"

/* ---- rekey */

static enum pv_err check_recipients(const struct pv_roster *r, const struct pv_case *c, enum pv_reason *ret_reason)
{
    struct pv_recipient *recipients;
    struct pv_hash digest;
    size_t count;
    enum pv_err err = pv_roster_recipients(r, &recipients, &count);
    if (err) return err;
    pv_recipients_digest(recipients, count, &digest);
    free(recipients);
    if (!pv_hash_equal(&digest, &c->body.roster.u.rekey.recipients)) *ret_reason = PV_REASON_RECIPIENTS;
    return PV_OK;
}

static bool links_before_cut(const struct pv_roster *r, const struct pv_rekey_body *rekey)
{
    for (size_t i = 0; i < rekey->link_count; i++)
        if (rekey->links[i].epoch < r->cut) return true;
    return false;
}

static enum pv_err check_rekey(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_rekey_body *rekey = &c->body.roster.u.rekey;
    c->need.epochs = 1;
    if (rekey->epoch != pv_roster_epoch(r) + 1) *ret_reason = PV_REASON_EPOCH;
    else if (links_before_cut(r, rekey)) *ret_reason = PV_REASON_LINK;
    else if (pv_map_find(&r->secrets, &rekey->secret_hash)) *ret_reason = PV_REASON_REUSED_SECRET;
    if (*ret_reason) return PV_OK;
    enum pv_err err = check_recipients(r, c, ret_reason);
    if (err || *ret_reason) return err;
    if (!r->due && c->me->role == PV_ROLE_VIEWER) *ret_reason = PV_REASON_ROLE;
    return PV_OK;
}

static void commit_rekey(struct pv_roster *r, const struct pv_case *c)
{
    const struct pv_rekey_body *rekey = &c->body.roster.u.rekey;
    pv_state_begin_epoch(r, c->item->index, rekey->epoch, &rekey->secret_hash, &rekey->kem_hash);
}

const struct pv_rule pv_rule_rekey = {.member = true, .check = check_rekey, .commit = commit_rekey};

/* ---- bad_wrap */

static enum pv_err check_bad_wrap(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    c->need.complaints = 1;
    if (c->body.roster.u.bad_wrap_epoch != pv_roster_epoch(r) || pv_map_find(&r->complaints, &c->me_id))
        *ret_reason = PV_REASON_BAD_WRAP;
    return PV_OK;
}

static void commit_bad_wrap(struct pv_roster *r, const struct pv_case *c)
{
    (void)pv_map_add(&r->complaints, &c->me_id);
}

const struct pv_rule pv_rule_bad_wrap = {.member = true, .check = check_bad_wrap, .commit = commit_bad_wrap};

/* ---- policy, server */

static enum pv_err check_policy(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    if (!pv_hash_equal(&c->body.roster.u.policy.replaces, &r->policy_value)) *ret_reason = PV_REASON_CHANGED;
    return PV_OK;
}

static void commit_policy(struct pv_roster *r, const struct pv_case *c)
{
    pv_policy_value_hash(c->body.roster.u.policy.value, &r->policy_value);
}

const struct pv_rule pv_rule_policy = {.member = true, .owner = true, .check = check_policy, .commit = commit_policy};

/* Is the author of the most senior owner; in a person room, its most senior paper device? */
static bool is_most_senior(const struct pv_roster *r, const struct pv_case *c)
{
    if (r->kind == PV_ROOM_PERSON) {
        if (!c->device->paper) return false;
        for (size_t i = 0; i < r->devices.count; i++) {
            const struct pv_room_device *device = pv_table_at(&r->devices, i);
            if (device->paper && device->order < c->device->order) return false;
        }
        return true;
    }
    for (size_t i = 0; i < r->principals.count; i++) {
        const struct pv_principal *principal = pv_table_at(&r->principals, i);
        if (principal->role == PV_ROLE_OWNER && principal->since < c->me->since) return false;
    }
    return true;
}

static enum pv_err check_server(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_roster_body *body = &c->body.roster;
    if (!pv_hash_equal(&body->u.server.replaces, &r->server_value)) {
        *ret_reason = PV_REASON_CHANGED;
        return PV_OK;
    }
    if (is_most_senior(r, c)) return PV_OK;
    enum pv_err err = PV_ERR_BAD_SIG;
    if (body->u.server.has_sig)
        err = pv_server_change_verify(&r->log_key, &r->room, &body->u.server.replaces, body->u.server.name,
                                      &body->u.server.log_key, &body->u.server.sig);
    if (err == PV_ERR_NOMEM) return err;
    if (err) *ret_reason = PV_REASON_ROLE;
    return PV_OK;
}

static void commit_server(struct pv_roster *r, const struct pv_case *c)
{
    pv_state_set_server(r, c->body.roster.u.server.name, &c->body.roster.u.server.log_key);
}

const struct pv_rule pv_rule_server = {.member = true, .owner = true, .check = check_server, .commit = commit_server};

/* ---- hold, lift */

static enum pv_err check_hold(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    c->need.holds = 1;
    c->need.ranges = c->body.roster.u.ranges.count;
    if (pv_map_find(&r->holds, &c->body.roster.u.ranges.id)) *ret_reason = PV_REASON_DUPLICATE;
    return PV_OK;
}

static void commit_hold(struct pv_roster *r, const struct pv_case *c)
{
    struct pv_hold *hold = pv_map_add(&r->holds, &c->body.roster.u.ranges.id);
    hold->principal = c->me_id;
    hold->range_count = c->body.roster.u.ranges.count;
    pv_state_add_ranges(r, c->body.roster.u.ranges.ranges, hold->range_count, &hold->ranges_at);
}

const struct pv_rule pv_rule_hold = {.member = true, .check = check_hold, .commit = commit_hold};

static enum pv_err check_lift(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_hold *hold = pv_map_find(&r->holds, &c->body.roster.u.lift);
    const struct pv_author *author = pv_state_author(r, &c->header->author);
    if (!hold || hold->lifted) *ret_reason = PV_REASON_NO_HOLD;
    else if (!author->owned || !pv_hash_equal(&author->owner, &hold->principal) ||
             pv_state_bar_holds(r, &hold->principal, &author->id, author->paper, author->first_paper))
        *ret_reason = PV_REASON_NOT_YOURS;
    return PV_OK;
}

static void commit_lift(struct pv_roster *r, const struct pv_case *c)
{
    struct pv_hold *hold = pv_map_find(&r->holds, &c->body.roster.u.lift);
    hold->lifted = true;
}

const struct pv_rule pv_rule_lift = {.check = check_lift, .commit = commit_lift};

/* ---- forget */

static enum pv_err check_forget(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_range *ranges = c->body.roster.u.ranges.ranges;
    size_t count = c->body.roster.u.ranges.count;
    c->need.forgets = 1;
    c->need.ranges = count;
    if (pv_map_find(&r->forgets, &c->body.roster.u.ranges.id)) *ret_reason = PV_REASON_DUPLICATE;
    else if (ranges[count - 1].to > c->item->index) *ret_reason = PV_REASON_FUTURE;
    else if (pv_state_is_held(r, ranges, count)) *ret_reason = PV_REASON_HOLD;
    else if (c->body.roster.u.ranges.cut_epoch > pv_roster_epoch(r)) *ret_reason = PV_REASON_EPOCH;
    return PV_OK;
}

static void commit_forget(struct pv_roster *r, const struct pv_case *c)
{
    struct pv_forget *forget = pv_map_add(&r->forgets, &c->body.roster.u.ranges.id);
    forget->cut = c->body.roster.u.ranges.cut_epoch;
    forget->range_count = c->body.roster.u.ranges.count;
    pv_state_add_ranges(r, c->body.roster.u.ranges.ranges, forget->range_count, &forget->ranges_at);
    if (forget->cut > r->cut) r->cut = forget->cut;
}

const struct pv_rule pv_rule_forget = {.member = true, .owner = true, .check = check_forget, .commit = commit_forget};
