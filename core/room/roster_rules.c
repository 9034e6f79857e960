/* Which rule judges an entry: by kind, and by the type of its body. */
#include "core/room/roster_state.h"

static const struct pv_rule *const roster_rules[] = {
    [PV_ROSTER_GENESIS] = &pv_rule_genesis,
    [PV_ROSTER_INVITE] = &pv_rule_invite,
    [PV_ROSTER_CLOSE_INVITE] = &pv_rule_close_invite,
    [PV_ROSTER_JOIN] = &pv_rule_join,
    [PV_ROSTER_ROLE] = &pv_rule_role,
    [PV_ROSTER_REMOVE] = &pv_rule_remove,
    [PV_ROSTER_LEAVE] = &pv_rule_leave,
    [PV_ROSTER_DEVICE_ADD] = &pv_rule_device_add,
    [PV_ROSTER_DEVICE_REMOVE] = &pv_rule_device_remove,
    [PV_ROSTER_REKEY] = &pv_rule_rekey,
    [PV_ROSTER_BAD_WRAP] = &pv_rule_bad_wrap,
    [PV_ROSTER_POLICY] = &pv_rule_policy,
    [PV_ROSTER_SERVER] = &pv_rule_server,
    [PV_ROSTER_HOLD] = &pv_rule_hold,
    [PV_ROSTER_LIFT] = &pv_rule_lift,
    [PV_ROSTER_FORGET] = &pv_rule_forget,
};

static const struct pv_rule *const server_rules[] = {
    [PV_SERVER_RELEASE] = &pv_rule_release,
    [PV_SERVER_RECEIVED] = &pv_rule_received,
    [PV_SERVER_EXPIRED] = &pv_rule_expired,
    [PV_SERVER_DELETED] = &pv_rule_deleted,
};

const struct pv_rule *pv_rule_of(const struct pv_case *c)
{
    switch ((enum pv_kind)c->header->kind) {
    case PV_KIND_ROSTER: return roster_rules[c->body.roster.type];
    case PV_KIND_SIGN: return &pv_rule_sign;
    case PV_KIND_TALK: return &pv_rule_talk;
    case PV_KIND_WORK: return &pv_rule_work;
    case PV_KIND_SERVER: break;
    }
    return server_rules[c->body.server.type];
}
