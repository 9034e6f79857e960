"""Flaws to plant: each takes one condition out of the rules. A text must stand in its file exactly once; where two
conditions guard one thing, both go.

`rule` is the name that the rules' model (rules.py) gives to it, or what it breaks where that has none."""
from collections import namedtuple

Mutant = namedtuple("Mutant", "rule path old new")

MEMBERS, DEVICES, JOIN = "core/room/roster_members.c", "core/room/roster_devices.c", "core/room/roster_join.c"
KEEPING, KINDS, STATE = "core/room/roster_keeping.c", "core/room/roster_kinds.c", "core/room/roster_state.c"
OUTBOX, INTAKE = "core/sync/outbox.c", "core/sync/intake.c"

ROSTER = [
    Mutant("close_all", STATE, "    r->due = true;\n    pv_state_close_all_invites(r);", "    r->due = true;"),
    Mutant("close_devrm", DEVICES, "    pv_state_close_all_invites(r);\n", ""),
    Mutant("close_due", STATE, "    if (invite->opened) r->due = true; /* someone may hold the link's key */\n", ""),
    Mutant("close_due, when used up", JOIN, "    if (--invite->uses_left == 0) pv_state_close_invite(r, invite);", "    --invite->uses_left;"),
    Mutant("close_due, drawn without joining", KINDS, "    if (invite && invite->open) invite->opened = true;", "    (void)invite;"),
    Mutant("a removal makes a rekey due", STATE, "    r->due = true;\n    pv_state_close_all_invites(r);", "    pv_state_close_all_invites(r);"),
    Mutant("a demotion closes invites", MEMBERS, "    if (to < from) close_invites_of(r, target);", "    (void)from;\n    (void)close_invites_of;"),
    Mutant("no_self_kem", DEVICES, "        if (pv_hash_equal(&author->id, &c->header->author)) return PV_REASON_SELF;\n", ""),
    Mutant("kem_order", DEVICES, "    return removal->person_epoch > c->me->person_epoch || !pv_state_device", "    return true || !pv_state_device"),
    Mutant("kem_order, its setter gone", DEVICES, "c->me->person_epoch || !pv_state_device(r, &c->me->setter) ||\n           swept(r, c, &c->me->setter) != NULL;", "c->me->person_epoch;"),
    Mutant("cascade_trans", "core/room/roster_sweep.c", "    for (size_t i = 0; i < steps->count && !err; i++) {\n        struct step step", "    for (size_t i = 0, named = steps->count; i < named && !err; i++) {\n        struct step step"),
    Mutant("gone_casc", DEVICES, "        pv_state_set_bar(r, &c->me_id, &author->id, bar_is_strong(r, c, author_is_paper, &author->id));", "        (void)author;"),
    Mutant("barred, joining", JOIN, "    if (pv_state_bar_holds(r, &c->person.id, id, device->paper, first_paper)) return PV_REASON_BARRED;", "    (void)first_paper;\n    (void)device;"),
    Mutant("barred, added", DEVICES, "    else if (pv_state_bar_holds(r, &c->me_id, id, added(c)->paper, false)) *ret_reason = PV_REASON_BARRED;\n", ""),
    Mutant("consent: one person a device", JOIN, "    if (author && author->owned && !pv_hash_equal(&author->owner, &c->person.id)) return PV_REASON_FOREIGN_DEVICE;", "    (void)author;"),
    Mutant("paper_rank", DEVICES, "        if (device->paper && !senior && !through_another(r, c, &device->id)) reason = PV_REASON_PAPER;", "        (void)senior;"),
    Mutant("last_owner, leaving", MEMBERS, "    if (last && r->principals.count > 1) *ret_reason = PV_REASON_LAST_OWNER;", "    (void)last;\n    (void)r;\n    (void)ret_reason;"),
    Mutant("last_owner, stepping down", MEMBERS, "    else if (is_owner && pv_state_owner_count(r) == 1) *ret_reason = PV_REASON_LAST_OWNER;\n", ""),
    Mutant("seniority, roles", MEMBERS, "    else if (is_owner && target != c->me && c->me->since > target->since) *ret_reason = PV_REASON_SENIOR;\n", ""),
    Mutant("seniority, removal", MEMBERS, "    if (target->role == PV_ROLE_OWNER && c->me->since > target->since) return PV_REASON_SENIOR;\n", ""),
    Mutant("role_from", MEMBERS, "    else if (target->join_index != c->body.roster.u.role.join_index || target->role != c->body.roster.u.role.from)\n        *ret_reason = PV_REASON_CHANGED;\n", ""),
    Mutant("role_from, removal", MEMBERS, "    if (!meant) return PV_REASON_CHANGED;\n", "    (void)meant;\n"),
    Mutant("senior_again", MEMBERS, "    return !maker || maker->role != PV_ROLE_OWNER || maker->since > me->since;", "    return maker && maker->since < me->since && false;"),
    Mutant("due_noadd", MEMBERS, "    else if (r->due) *ret_reason = PV_REASON_DUE;\n", ""),
    Mutant("header_epoch, invite", MEMBERS, "    else if (c->header->epoch != pv_roster_epoch(r)) *ret_reason = PV_REASON_STALE_EPOCH;\n", ""),
    Mutant("header_epoch, join", JOIN, "    if (c->header->epoch != pv_roster_epoch(r)) return PV_REASON_STALE_EPOCH;\n", ""),
    Mutant("the join key", JOIN, "    if (err) *ret_reason = PV_REASON_JOIN_KEY;\n", "    err = PV_OK;\n"),
    Mutant("sign_dev", JOIN, "        if (!latest || sign->index > latest->index) latest = sign;", "        if (!latest) latest = sign;"),
    Mutant("rekey_writer", KEEPING, "    if (!r->due && c->me->role == PV_ROLE_VIEWER) *ret_reason = PV_REASON_ROLE;\n", ""),
    Mutant("rcpt_kem", KEEPING, "    if (!pv_hash_equal(&digest, &c->body.roster.u.rekey.recipients)) *ret_reason = PV_REASON_RECIPIENTS;", "    (void)ret_reason;"),
    Mutant("a secret is used once", KEEPING, "    else if (pv_map_find(&r->secrets, &rekey->secret_hash)) *ret_reason = PV_REASON_REUSED_SECRET;\n", ""),
    Mutant("the epoch that follows", KEEPING, "    if (rekey->epoch != pv_roster_epoch(r) + 1) *ret_reason = PV_REASON_EPOCH;\n    else if (links", "    if (links"),
    Mutant("due_blocks", KINDS, "    else if (r->due) *ret_reason = PV_REASON_DUE;\n", ""),
    Mutant("stale epochs of words", KINDS, "    else if (c->header->epoch != pv_roster_epoch(r)) *ret_reason = PV_REASON_STALE_EPOCH;\n", ""),
    Mutant("viewers do not work", KINDS, "    if (c->header->kind == PV_KIND_WORK && c->me->role == PV_ROLE_VIEWER) *ret_reason = PV_REASON_ROLE;\n    else if (r->due)", "    if (r->due)"),
    Mutant("a bar holds for every paper", STATE, "    r->open_invites--;\n    if (invite->opened)", "    if (invite->opened)"),
    Mutant("head_always", "core/room/roster.c", "    if (reason != PV_REASON_STALE_CHAIN && author) move_head(author, c);", "    if (!reason && author) move_head(author, c);"),
]

CLIENT = [
    Mutant("draft_due", OUTBOX, "    return epoch_stands(room, view) && !pv_roster_rekey_due(view) && view", "    return epoch_stands(room, view) && view"),
    Mutant("a secret of a losing rekey", OUTBOX, "    return epoch_stands(room, view) && !pv_roster", "    return !pv_roster"),
    Mutant("log_evidence", OUTBOX, "    if (passed || stale) {", "    if (sealed->n) {"),
    Mutant("versions that are overtaken", OUTBOX, "    if (passed || stale) {", "    if (passed && stale && false) {"),
    Mutant("heads that came in after all", OUTBOX,
           ("    if (born && !s->later && !pv_hash_equal(&entry.header.prev, head)) stale = true;\n", "(s.logged->n > own.n || (s.logged->n == own.n && !pv_hash_equal(&s.logged->leaf, &own.leaf)))"),
           ("", "s.logged->n > own.n")),
    Mutant("kem_fresh, bar_first, cross_room", "core/sync/mend_plan.c", "*ret_allowed = report.state == PV_DEVICES_READY || report.state == PV_DEVICES_OUTSIDE;", "*ret_allowed = true;"),
    Mutant("no_join_due", "core/sync/members.c", "    if (removal || pv_roster_rekey_due(roster)) /* a revoked", "    if (false) /* a revoked"),
    Mutant("signatures", "core/sync/vouch.c", "ret_holds[i] = key && pv_entry_verify(&item->entry, key) == PV_OK;", "ret_holds[i] = key != NULL;"),
    Mutant("what an author saw", INTAKE, "    if (!pv_hash_equal(&root, &h->seen_root))", "    if (false)"),
    Mutant("a log that goes back", INTAKE, ("    if (size < room->pinned.size && !room->restored) { /* even", "    if (size < room->edge.size) {\n"),
           ("    if (false) { /* even", "    if (size < room->edge.size) return PV_OK;\n    if (false) {\n")),
    Mutant("the signed tree", INTAKE, "        if (pv_hash_equal(&root, &ret_checkpoint->root)) return PV_OK;", "        return PV_OK;"),
    Mutant("bodies that are others'", INTAKE, "        if (!pv_hash_equal(&hash, &item.entry.header.body_hash))", "        if (false)"),
    Mutant("an own body that is kept back", INTAKE, "    if (!s->outbox_empty && lacks_own_body(room, &item->entry.header, fetched)) {", "    if (false) {"),
    Mutant("changed devices are told first", "core/sync/push.c", "    if (asked) return asked;\n", "    (void)asked;\n"),
    Mutant("and before anything leaves", "core/sync/push.c", "    enum pv_err asked = before_words(push->pull.room);\n    if (asked) return asked;\n", "    (void)before_words;\n"),
    Mutant("only the own room verifies", "core/state/verified.c", "    if (!is_own) {", "    (void)is_own;\n    if (!own) {"),
    Mutant("durable commits", "core/state/store.c", "PRAGMA synchronous = EXTRA", "PRAGMA synchronous = OFF"),
    Mutant("the journal of a new store", "core/state/store.c", "PRAGMA synchronous = EXTRA", "PRAGMA synchronous = FULL"),
    Mutant("a rejected entry at the end", "core/sync/room.c", "        if (stored.verdict != PV_REJECTED) return PV_ERR_CORRUPT;\n", "        return PV_ERR_CORRUPT;\n"),
    Mutant("a wrap's secret is the log's", "core/sync/keys.c", "    if (pv_hash_equal(&hash, &epochs[epoch].secret_hash)) *ret_secret = secret;\n    else err = PV_ERR_NOT_FOUND;", "    *ret_secret = secret;"),
]

SERVER = [
    Mutant("acknowledged is durable", "server/meta/sqlite.c", 'sync ? "PRAGMA synchronous = FULL"', 'sync ? "PRAGMA synchronous = OFF"'),
]

MUTANTS = ROSTER + CLIENT + SERVER
# One of each kind, caught quickly: what continuous integration plants.
SAMPLE = ["close_devrm", "draft_due", "a log that goes back", "acknowledged is durable"]
