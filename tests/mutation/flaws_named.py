"""One flaw for each test that plays a promise with the real programs (tests/twelve, tests/stories), and for each property
that the simulation checks: what has to be able to fail for its own reason does."""
from flaw import Mutant

TWELVE, STORIES = "tests/twelve/", "tests/stories/"
STATE, MEMBERS, DEVICES, JOIN = (f"core/room/roster_{name}.c" for name in ("state", "members", "devices", "join"))
OUTBOX, OVERTAKEN, INTAKE, PULL, REKEY = (f"core/sync/{name}.c" for name in ("outbox", "overtaken", "intake", "pull", "rekey"))

NAMED = [
    Mutant("01 old links end with a removal", STATE, "    r->due = true;\n    pv_state_close_all_invites(r);", "    r->due = true;", TWELVE + "01_removed_member_returns.t"),
    Mutant("02 what crossed a removal is flagged", INTAKE, "    return pv_crossing_add(room->store, &crossing);", "    return PV_OK;", TWELVE + "02_removal_held_back.t"),
    Mutant("03 a bad signature that nothing vouches for", PULL, "        if (!err && !holds && !tail.is_linked) {", "        if (false) {", TWELVE + "03_bad_signature_then_good.t"),
    Mutant("03 a good one vouches for a bad one", "core/sync/vouch.c", "        ret_holds[i] = *find(&vouched, &item->leaf, &header->author) != NULL;", "        ret_holds[i] = false;", TWELVE + "03_bad_signature_then_good.t"),
    Mutant("04 no nonce is used twice", OUTBOX, "        pv_random_fill(room->random, nonce.b, sizeof nonce.b);\n", "        memset(&nonce, 0, sizeof nonce);\n", TWELVE + "04_killed_after_sealing.t"),
    Mutant("05 what a thief's devices added goes too", "core/room/roster_sweep.c", "    for (size_t i = 0; i < steps->count && !err; i++) {\n        struct step step", "    for (size_t i = 0, named = steps->count; i < named && !err; i++) {\n        struct step step", TWELVE + "05_stolen_phone_adds_devices.t"),
    Mutant("06 who writes sees what others of the device wrote", "core/sync/room.c", "    enum pv_err err = pv_store_begin(room->store);\n    if (err) return err;\n    err = refresh(room);\n    if (err) pv_store_rollback", "    enum pv_err err = pv_store_begin(room->store);\n    if (err) return err;\n    if (err) pv_store_rollback", TWELVE + "06_three_processes.t"),
    Mutant("07 what anyone still holds comes back", "core/sync/repair.c", "        if (choice.gives) err = pv_store_entry_each(room->store, size, choice.size, put_entry, body);", "        if (false) err = PV_OK;", TWELVE + "07_restored_then_rolled_back.t"),
    Mutant("08 a kit falls with the device that added it", DEVICES, "        if (device->paper && !senior && !through_another(r, c, &device->id)) reason", "        if (device->paper && !senior) reason", TWELVE + "08_every_loss.t"),
    Mutant("09 a number that the twin used for other words", OVERTAKEN, "(s.logged->n > own.n || ((s.logged->n == own.n || !s.later) && !pv_hash_equal(&s.logged->leaf, &own.leaf)))", "false", TWELVE + "09_home_on_two_machines.t"),
    Mutant("09 a record that somebody else completed", JOIN, "    enum pv_err err = pv_record_verify(party->record, &c->person);", "    enum pv_err err = pv_record_read(party->record, &c->person);", TWELVE + "09_in_anothers_name.t"),
    Mutant("10 a body is sealed with the key that its header commits to", "core/log/seal.c", "    if (!pv_hash_equal(&commit, &header->commit)) return PV_ERR_BAD_MAC;\n", "", TWELVE + "10_wrong_keys.t"),
    Mutant("10 a viewer puts no file", "core/room/roster_kinds.c", "    if (c->header->kind == PV_KIND_WORK && c->me->role == PV_ROLE_VIEWER) *ret_reason = PV_REASON_ROLE;\n    else if (r->due)", "    if (r->due)", TWELVE + "10_wrong_keys.t"),
    Mutant("11 a removal counts whatever came before it", MEMBERS, "    size_t count = c->body.roster.u.remove.count;\n    for (size_t i = 0; i < count; i++)\n        for (size_t k", "    size_t count = c->body.roster.u.remove.count;\n    if (c->header->seen_size < c->item->index) *ret_reason = PV_REASON_CHANGED;\n    for (size_t i = 0; i < count; i++)\n        for (size_t k", TWELVE + "11_flood_against_removal.t"),
    Mutant("11 a junior owner removes no senior one", MEMBERS, "    if (target->role == PV_ROLE_OWNER && c->me->since > target->since) return PV_REASON_SENIOR;\n", "", TWELVE + "11_owners_fight.t"),
    Mutant("11 a junior owner does not bring back", MEMBERS, "    return !maker || maker->role != PV_ROLE_OWNER || maker->since > me->since;", "    return false;", TWELVE + "11_owners_fight.t"),
    Mutant("12 a body that was missing is asked for", PULL, "    return pv_bodies_ask(pull, complete);", "    return complete(pull);", TWELVE + "12_body_withheld.t"),
    Mutant("12 what is newer is said", PULL, ("    if (!err) err = pull->paused;\n", "    if (!err && newer)\n"), ("", "    if (false)\n"), TWELVE + "12_newer_version.t"),
    Mutant("12 a removal that is forgotten", "core/sync/forget_plan.c", "    if (!err) err = keep_state(&p, size);\n", "", TWELVE + "12_rm_forgotten.t"),
    Mutant("story 1: whoever is there makes the keys that are due", REKEY, "    *ret_ours = me && (pv_roster_rekey_due(view) ||", "    *ret_ours = me && me->role == PV_ROLE_OWNER && (pv_roster_rekey_due(view) ||", STORIES + "1_invite_while_offline.t"),
    Mutant("story 2: keys of all epochs are fetched", "core/sync/keys.c", "e-- > pv_roster_cut_done(room->roster) && want.what", "e-- > pv_roster_epoch(room->roster) && want.what", STORIES + "2_adds_a_phone.t"),
    Mutant("story 3: links end with a device that may have copied them", DEVICES, "    pv_state_close_all_invites(r);\n", "", STORIES + "3_laptop_is_stolen.t"),
    Mutant("story 4: a new device comes into every room", "core/sync/mend.c", "    if (!err && may_add && plan->report.missing) err = add_missing(room);\n", "", STORIES + "4_only_the_kit_is_left.t"),
    Mutant("story 5: the same devices may come back", JOIN, "    if (author && author->owned && !pv_hash_equal(&author->owner, &c->person.id)) return PV_REASON_FOREIGN_DEVICE;", "    if (author && author->owned) return PV_REASON_FOREIGN_DEVICE;", STORIES + "5_bob_leaves_and_returns.t"),
    Mutant("story 6: keys that are a month old are changed", REKEY, "    if (!err) *ret_old = room->pinned.time_s * 1000 > entry.header.time_ms + EPOCH_AGE_MAX_MS;\n", "", STORIES + "6_two_months_away.t"),
    Mutant("story 7: the log tells all that the link is closed", DEVICES, "    pv_state_close_all_invites(r);\n", "", STORIES + "7_thousand_viewers.t"),
    Mutant("story 8: own words go over into the successor", "core/sync/successor.c", "    if (from >= room->edge.size) return PV_OK;", "    if (true) return PV_OK;", STORIES + "8_restored_from_backup.t"),
    Mutant("story 8: what only Bob held is given back", "core/sync/repair.c", "        if (choice.gives) err = pv_store_entry_each(room->store, size, choice.size, put_entry, body);", "        if (false) err = PV_OK;", STORIES + "8_restored_from_backup.t"),
    Mutant("story 9: nothing is sealed on an old view", OUTBOX, "    return room->pinned.time_s * 1000 + CHECKPOINT_AGE_MAX_MS >= room->now_ms;", "    return true;", STORIES + "9_clocks.t"),
]

# By property, as the simulation names them.
PROPERTIES = [
    Mutant("P1: messages are sealed", "core/log/seal.c", "    pv_entry_key_commit(&key, &header->commit);\n", "    pv_entry_key_commit(&key, &header->commit);\n    if (payload.p[1] == 2) memcpy(padded, payload.p, payload.n);\n", "simulation P1"),
    Mutant("P1: no nonce twice", "core/sync/outbox.c", "        pv_random_fill(room->random, nonce.b, sizeof nonce.b);\n", "        memset(&nonce, 0, sizeof nonce);\n", "simulation P1"),
    Mutant("P2: what was acknowledged is durable", "server/meta/sqlite.c", 'sync ? "PRAGMA synchronous = FULL"', 'sync ? "PRAGMA synchronous = OFF"', "simulation P2"),
    Mutant("P2: what was kept is not lost", OVERTAKEN, "    if (verdict != PV_ACCEPTED) return note_taken(room, item); /* pv_outbox_settle sees to the rest */\n", "", "simulation P2"),
    Mutant("P3: a log that goes back", INTAKE, ("    if (size < room->pinned.size && !room->restored) { /* even", "    if (size < room->edge.size) {\n"),
           ("    if (false) { /* even", "    if (size < room->edge.size) return PV_OK;\n    if (false) {\n"), "simulation P3"),
    Mutant("P3: what an author saw", INTAKE, "    if (!pv_hash_equal(&root, &h->seen_root))", "    if (false)", "simulation P3"),
    Mutant("P4: nothing is sealed while new keys are due", OUTBOX, "    return pv_rekey_stands(room, view) && !pv_roster_rekey_due(view) && view", "    return pv_rekey_stands(room, view) && view", "simulation P4"),
    Mutant("P4: a removal makes new keys due", STATE, "    r->due = true;\n    pv_state_close_all_invites(r);", "    pv_state_close_all_invites(r);", "simulation P4"),
    Mutant("P6: the fold is the same in any batches", "core/room/roster_snapshot.c", "    pv_cbor_put_bool(buf, invite->opened);", "    pv_cbor_put_bool(buf, false);", "simulation P6"),
    Mutant("P6: server and clients judge alike", "server/work_judge.c", "    err = pv_work_place(work, prepared, NULL, (unsigned)verdict, (unsigned)reason);\n    if (err) {\n        refuse", "    err = pv_work_place(work, prepared, NULL, (unsigned)PV_ACCEPTED, 0);\n    if (err) {\n        refuse", "simulation P6"),
    Mutant("P5: the server's half alone opens nothing", "core/room/gate_keys.c", "    pv_parts_put_bytes(&secret, a->b, sizeof a->b);\n", "    pv_parts_put_bytes(&secret, b->b, sizeof b->b);\n", "simulation P5"),
    Mutant("P5: the link's half alone opens nothing", "core/room/gate_keys.c", "    pv_parts_put_bytes(&secret, b->b, sizeof b->b);\n", "    pv_parts_put_bytes(&secret, a->b, sizeof a->b);\n", "simulation P5"),
    Mutant("P5: the server is given its half and no key", "core/sync/members.c", "    if (!err) err = put_gate(room, in, &b, gate_request);\n", "    if (!err) err = put_gate(room, in, &b, gate_request);\n    if (!err) memcpy(gate_request->p + gate_request->n - 32, gate_key.b, 32);\n", "simulation P5"),
    Mutant("P5: no secret is sent in clear", "core/room/epoch.c", "PV_BYTES_OF(*old_secret), ret_link);\n", "PV_BYTES_OF(*old_secret), ret_link);\n    memcpy(ret_link, old_secret->b, sizeof old_secret->b);\n", "simulation P5"),
    Mutant("P5: the half of a link that has ended is erased", "server/work.c", "        work->closed[append->closed_count++] = (struct pv_meta_closed)", "        if (false) work->closed[append->closed_count++] = (struct pv_meta_closed)", "simulation P5"),
    Mutant("P7: whose signature convicts whom", "core/room/evidence_judge.c", "    finding->is_signed = err == PV_OK;", "    finding->is_signed = true;", "tests/unit/test_evidence"),
    Mutant("P7: a proof leads to its checkpoint", "core/log/merkle.c", "    if (sn != 0) return PV_ERR_MALFORMED;\n    return pv_hash_equal(&r, root) ? PV_OK : PV_ERR_BROKEN_CHAIN;\n}\n\nenum pv_err pv_merkle_root_before", "    return PV_OK;\n}\n\nenum pv_err pv_merkle_root_before", "simulation P7"),
    Mutant("P7: the key of one body opens no other", "core/log/seal.c", "    pv_cbor_put_uint(&info, header->n);\n    pv_cbor_put_bytes(&info, nonce->b, sizeof nonce->b);\n    pv_hkdf", "    (void)nonce;\n    pv_hkdf", "simulation P7"),
    Mutant("P7: the server's time is signed", "core/log/checkpoint.c", "    enum pv_err err = pv_verify_raw(log_pk, note->text, &sig);\n    if (err)", "    enum pv_err err = pv_verify_raw(log_pk, note->text, &sig);\n    if (true)", "simulation P7"),
    Mutant("P7: an author's device is certified", "core/room/record.c", "    if (!err) err = pv_verify(signer_pk, \"certificate\", pv_buf_bytes(&buf), &cert->sig);\n", "    (void)signer_pk;\n", "simulation P7"),
    Mutant("P7: where an entry stands convicts no author", "core/room/evidence_judge.c", "finding.is_signed && finding.kind == PV_FINDING_BODY;", "finding.is_signed;", "simulation P7"),
]
