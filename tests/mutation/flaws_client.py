"""Flaws of what a client keeps to: what it seals, when, and what it believes of a server."""
from flaw import Mutant

OUTBOX, OVERTAKEN, INTAKE = "core/sync/outbox.c", "core/sync/overtaken.c", "core/sync/intake.c"
MEMBERS, KEYS = "core/sync/members.c", "core/sync/keys.c"
KEYS_TEST, SYNC, STALE = "tests/unit/test_bad_keys", "tests/unit/test_sync", "tests/cli/stale_join.t"

CLIENT = [
    Mutant("draft_due", OUTBOX, "    return epoch_stands(room, view) && !pv_roster_rekey_due(view) && view", "    return epoch_stands(room, view) && view"),
    Mutant("a secret of a losing rekey", OUTBOX, "    return epoch_stands(room, view) && !pv_roster", "    return !pv_roster"),
    Mutant("log_evidence", OVERTAKEN, "    if (passed || stale) {", "    if (sealed->n) {"),
    Mutant("versions that are overtaken", OVERTAKEN, "    if (passed || stale) {", "    if (passed && stale && false) {"),
    Mutant("heads that came in after all", OVERTAKEN,
           ("    if (born && !s->later && !pv_hash_equal(&entry.header.prev, head)) stale = true;\n", "(s.logged->n > own.n || (s.logged->n == own.n && !pv_hash_equal(&s.logged->leaf, &own.leaf)))"),
           ("", "s.logged->n > own.n")),
    Mutant("a number that a thief spent on nothing", OVERTAKEN, "    return first.n == n && !pv_hash_equal(&first.leaf, &item->leaf) ? abandon_from(room, n) : PV_OK;", "    return PV_OK;", "tests/unit/test_overtaken"),
    Mutant("a number that a thief spent ahead", OVERTAKEN, "    if (n > own.n) return pv_store_number_set(room->store, name, 1);\n", "    if (n > own.n) return PV_OK;\n", "tests/unit/test_overtaken"),
    Mutant("numbers that were spent while nothing waited", INTAKE, "    bool concerns = !s->outbox_empty || verdict == PV_REJECTED;", "    bool concerns = !s->outbox_empty;", "tests/unit/test_overtaken"),
    Mutant("what another copy of the home sent", OUTBOX, "    if (in_log) return pv_store_write_drop(s->room->store, write->id);\n", "", "tests/unit/test_overtaken"),
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
    Mutant("and before anything leaves", "core/sync/push.c", "    if (!asked) asked = before_words(push->pull.room);\n", "    (void)before_words;\n"),
    Mutant("a pinned note is no news only for all that is held", "core/sync/pull.c", "    return room->pinned.size == room->edge.size && pv_bytes", "    return pv_bytes"),
    Mutant("complaints are of the newest epoch", "core/sync/keys.c", "    return err || newest > source->epoch ? err : pv_store", "    return err ? err : pv_store"),
    Mutant("each device that comes is looked for", "core/sync/mend_plan.c", "    if (!room->person_wanted || later) {", "    (void)later;\n    if (!room->person_wanted) {"),
    Mutant("only the own room verifies", "core/state/verified.c", "    if (!is_own) {", "    (void)is_own;\n    if (!own) {"),
    Mutant("durable commits", "core/state/store.c", "PRAGMA synchronous = EXTRA", "PRAGMA synchronous = OFF"),
    Mutant("the journal of a new store", "core/state/store.c", "PRAGMA synchronous = EXTRA", "PRAGMA synchronous = FULL"),
    Mutant("a rejected entry at the end", "core/sync/room.c", "        if (stored.verdict != PV_REJECTED) return PV_ERR_CORRUPT;\n", "        return PV_ERR_CORRUPT;\n"),
    Mutant("a wrap's secret is the log's", "core/sync/keys.c", "    if (pv_hash_equal(&hash, &epochs[epoch].secret_hash)) *ret_secret = secret;\n    else err = PV_ERR_NOT_FOUND;", "    *ret_secret = secret;"),
    Mutant("a wrap is the one that the entry names", "core/sync/keys.c", "    if (pv_merkle_check_inclusion(&leaf, source->slot, count, proof.hashes, proof.count, &root))\n        return", "    if (false)\n        return", "tests/unit/test_sync_lies"),
    Mutant("the log that the inviter saw", "core/sync/members.c", '        if (seen->size > room->edge.size)\n            return raise_unlike', '        if (false)\n            return raise_unlike', "tests/unit/test_sync_lies"),
    Mutant("the history that the inviter saw", "core/sync/members.c", "        if (!pv_hash_equal(&root, &seen->root))\n            return raise_unlike", "        if (false)\n            return raise_unlike", "tests/unit/test_sync_lies"),
    Mutant("a link's own maker", "core/sync/members.c", "    if (!pv_hash_equal(&invite->maker, &link->inviter))\n", "    if (false)\n", "tests/unit/test_sync_lies"),
    # keys come from where the log says
    Mutant("join_wrap, to the joiner's person", MEMBERS, "    if (!err)\n        err = pv_wrap_present(room, view, PV_BYTES_OF(room->me->person), &party", "    if (!err)\n        err = pv_wrap_present(room, view, PV_BYTES_OF(room->me->device), &party", SYNC),
    Mutant("join_wrap, asked for", KEYS, "            return PV_OK;\n        source.kem_hash = body.u.join.party.kem_hash;\n        return source_put(room, &source);\n", "            return PV_OK;\n        source.kem_hash = body.u.join.party.kem_hash;\n        return PV_OK;\n", SYNC),
    Mutant("a secret's KEM key is the log's", KEYS, "    if (!pv_hash_equal(&hash, &info->kem_hash)) return PV_ERR_BROKEN_CHAIN;\n", "", KEYS_TEST),
    Mutant("a wrap's secret is the one that its rekey names", "core/room/epoch.c", "    if (pv_hash_equal(&hash, want)) *ret_secret = secret;\n    else err = PV_ERR_BROKEN_CHAIN;\n", "    *ret_secret = secret;\n    (void)want;\n", KEYS_TEST),
    Mutant("links are those that the entry names", KEYS, "        if (!pv_hash_equal(&sealed_hash, &rekey->links[i].sealed_hash)) {", "        if (false) {", KEYS_TEST),
    Mutant("a link leads to the epoch that its rekey names", "core/room/epoch.c", "    pv_parts_put_uint(&parts, context->old_epoch);\n    pv_parts_put_bytes(&parts, context->old_secret_hash.b, sizeof context->old_secret_hash.b);\n", "", "tests/unit/test_epoch"),
    Mutant("record_first, joining", "cli/cmd_join.c", "    err = pv_directory_record(session, &join->known, report);\n    if (err != PV_OK) return err;\n    err = pv_room_view", "    err = pv_room_view", STALE),
    Mutant("record_first, creating", "cli/cmd_room_new.c", "    err = pv_directory_record(session, &known, report);\n    if (err != PV_OK && err != PV_ERR_OFFLINE) return err;\n    err = pv_cli_write", "    err = pv_cli_write", STALE),
    Mutant("record_first, whatever is sent", "client/devices.c", "    err = pv_room_is_recorded(session->person->room, &room->id, &recorded);\n", "", STALE),
    Mutant("keep_versions", "core/state/store_outbox.c", "UPDATE sealed SET abandoned = 1 WHERE n >= ?", "DELETE FROM sealed WHERE n >= ?", "tests/unit/test_store"),
]
