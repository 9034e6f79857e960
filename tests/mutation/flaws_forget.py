"""Flaws of forgetting: on the device that forgets, on those that follow, and at the server. What the roster says of forget
entries is in flaws_roster.py."""
from flaw import Mutant

STEPS, PLAN, AFTER = "core/sync/forget.c", "core/sync/forget_plan.c", "core/sync/forgotten.c"
KEYS, TRIAL, OPEN = "core/state/kept_keys.c", "core/state/trial.c", "core/sync/open.c"
NOTICE, JUDGE, DROP = "server/work_forget.c", "server/work_judge.c", "server/meta/sqlite_forget.c"
UNIT, SERVER_TEST = "tests/unit/test_forget", "tests/server/test_forget"

FORGET = [
    # the steps of a forget
    Mutant("a cut that another's links lead across", STEPS, "    if (!err && state.has_cut) err = is_linked_across(room, state.cut, &across);\n", "", UNIT),
    Mutant("a cut that lost its race", STEPS, "    bool lost = state.has_cut && state.cut > pv_roster_epoch(view);", "    bool lost = false;", UNIT),
    Mutant("the cut stands before keys are listed", STEPS, "    if (err || !state.has_cut || state.cut > pv_roster_epoch(room->roster)) return err;", "    if (err || !state.has_cut) return err;", UNIT),
    Mutant("keys stand before the forget", STEPS, "    if (!err && nothing_to_send) err = name_it(room, &state);", "    if (!err) err = name_it(room, &state);", UNIT),
    Mutant("a forget is made once", STEPS, "    if (pv_roster_forget(view, &state.id, &forget)) return PV_OK;\n", "", UNIT),
    Mutant("only an owner asks for one", STEPS, "    if (!err && (!me || me->role != PV_ROLE_OWNER)) err", "    if (!err && !me) err", UNIT),
    Mutant("ranges rise", STEPS, "range->from < range->to && (i == 0 || range->from > asked->ranges[i - 1].to);", "range->from < range->to;", UNIT),
    Mutant("what is to come cannot be asked for", STEPS, "        if (!good || range->to > pv_roster_size(room->roster)) err", "        if (!good) err", UNIT),
    Mutant("one forget at a time", STEPS, '    if (!err) err = pv_room_raise(room, PV_ERR_CONFLICT, pv_bytes(NULL, 0), "another forget of this device is under way: let it be sent first");\n    else if', "    if (!err || err == PV_ERR_NOT_FOUND) err = PV_ERR_NOT_FOUND;\n    if", UNIT),
    Mutant("what is refused is given up", STEPS, "    if (!is_final(err)) return err;\n", "    return err;\n", UNIT),
    # the plan
    Mutant("what another forget names goes along", PLAN, "        if (!forget.done && !forget.held && in_ranges", "        if (false && in_ranges", UNIT),
    Mutant("what is held waits for no other forget", PLAN, "        if (!forget.done && !forget.held && in_ranges", "        if (!forget.done && in_ranges", UNIT),
    Mutant("signed entries stay", PLAN, "    if (pv_roster_is_signed(roster, stored->index)) item->goes = false;\n", "", UNIT),
    Mutant("what the room stands on stays", PLAN, "        if (is_furniture(item->type)) item->goes = false;\n", "", UNIT),
    Mutant("older lists of keys go", PLAN, "        if (item->type == PV_PAYLOAD_KEYS && item->epoch < p->cut) item->goes = true;", "", UNIT),
    Mutant("a body whose key cannot be kept", PLAN, "        return item->goes ? PV_OK : refuse(p, PV_ERR_NOT_FOUND,", "        return true ? PV_OK : refuse(p, PV_ERR_NOT_FOUND,", UNIT),
    Mutant("a key that others have", PLAN, "    if (err == PV_ERR_NO_KEY && !item->goes)\n        err = refuse", "    if (false)\n        err = refuse", UNIT),
    Mutant("blobs go with their file", PLAN, "        if (put) item->goes = put->goes;\n", "", UNIT),
    Mutant("the same write once more", PLAN, "    if (!err) err = follow_writes(&p);\n", "", UNIT),
    Mutant("an older name", PLAN, "    if (!err) follow_profiles(&p);\n", "", UNIT),
    Mutant("today's files stay as they are", PLAN, "    if (!err) err = keep_state(&p, size);\n", "", UNIT),
    Mutant("holds are asked for before anything is cut", PLAN, "    if (pv_roster_is_held(p->room->roster, plan->ranges, plan->range_count))\n        return refuse", "    if (false)\n        return refuse", UNIT),
    Mutant("ranges pass over no hold", PLAN, "        if (!err && !pv_roster_is_held(p->room->roster, &joined, 1)) {", "        if (!err) {", UNIT),
    Mutant("ranges pass over nothing that stays", PLAN, "    return passes ? PV_OK : PV_ERR_CONFLICT;", "    return PV_OK;", UNIT),
    Mutant("there is something to forget", PLAN, '    if (!any) return refuse(p, PV_ERR_DENIED, "there is nothing that can be forgotten", 0);\n', "", UNIT),
    Mutant("keys of what stays", PLAN, "    if (!err) err = list_key(p, item, &key);\n", "", UNIT),
    Mutant("no keys of what goes", PLAN, ("    if (!item || item->goes || !item->type || item->epoch >= p->cut) return PV_OK;", "    if (item->goes || item->epoch >= p->cut || item->type == PV_PAYLOAD_KEYS) return PV_OK;\n    pv_kept"),
           ("    if (!item || !item->type || item->epoch >= p->cut) return PV_OK;", "    if (item->epoch >= p->cut || item->type == PV_PAYLOAD_KEYS) return PV_OK;\n    pv_kept"), UNIT),
    Mutant("seeds of one's own room", PLAN, "    if (!err) err = take_seeds(p, &seeds, &seed_count);\n", "", UNIT),
    Mutant("a file that came back is removed", TRIAL, "        if (!find(before, after->files[i].head)) err = add_remove", "        if (false) err = add_remove", UNIT),
    Mutant("a file that moved is moved back", TRIAL, "        bool moved = !pv_bytes_equal(now->path, file->path), late", "        bool moved = false, late", UNIT),
    Mutant("who stood there first", TRIAL, "        else if (late) err = add_detour(mending, file);\n", "", UNIT),
    # who follows
    Mutant("folding anew", AFTER, "    return add_bits(room, forget.ranges[0].from < folded ? ERASE | REFOLD : ERASE);", "    return add_bits(room, ERASE);", UNIT),
    Mutant("bodies are erased", AFTER, "    return pv_store_erase_entry(e->room->store, stored->index, &e->erased);", "    return PV_OK;", UNIT),
    Mutant("signed bodies are not erased", AFTER, "    if (!pv_roster_is_forgotten(e->room->roster, stored->index)) return PV_OK;\n", "", UNIT),
    Mutant("secrets are erased", AFTER, ("    if (!err && had && may) err = pv_store_epoch_erase_before(room->store, cut);\n", "    *ret_erased = had && may;"), ("", "    *ret_erased = false;"), UNIT),
    Mutant("secrets stay while keys lack", AFTER, "    return !err && type != PV_PAYLOAD_KEYS ? PV_ERR_CONFLICT : PV_OK; /* what", "    return PV_OK; /* what", UNIT),
    Mutant("secrets stay while seeds lack", AFTER, "    enum pv_err err = find_seeds(room, cut);\n", "    enum pv_err err = PV_OK;\n", UNIT),
    Mutant("keys of what is forgotten are erased", AFTER, "    if (!err && (may || !had)) err = pv_kept_keys_erase(room->store, &erasing);\n", "", UNIT),
    Mutant("keys that came late are used", AFTER, "        if (!err && waiting) err = pv_fold_outdate(room->store);\n", "", UNIT),
    Mutant("the files are scrubbed", AFTER, "    err = pv_store_scrub(room->store, &clean);\n", "    clean = true;\n", UNIT),
    Mutant("a kept key is the entry's own", KEYS, " || !pv_hash_equal(&commit, &entry.header.commit)) return PV_OK;", ") return PV_OK;", UNIT),
    Mutant("a kept seed is the epoch's own", KEYS, "        found = pv_hash_equal(&hash, kem_hash);", "        found = true;", UNIT),
    Mutant("kept keys open", OPEN, "    else if (err == PV_ERR_NO_KEY) err = open_with_kept(o, item->index, header, body);\n", "", UNIT),
    Mutant("the state is that without it", OPEN, "    if (pv_roster_is_forgotten(o->room->roster, item->index)) return PV_OK;", "", UNIT),
    Mutant("no secrets from before the cut", "core/sync/keys.c", "e-- > pv_roster_cut_done(room->roster) && want.what", "e-- > 0 && want.what", UNIT),
    Mutant("no links across the cut", "core/sync/rekey.c", "    if (from < cut) from = cut;\n", "", "tests/unit/test_sync_lies"),
    Mutant("a cut has no links", "core/sync/rekey.c", "    if (!err && !cut) err = make_links(room, view, r);", "    if (!err) err = make_links(room, view, r);", UNIT),
    # the server's part
    Mutant("the notice that a policy sets", NOTICE, "        work->has_notice = pv_policy_notice(body.u.policy.value, &work->notice_ms);", "        work->has_notice = false;", SERVER_TEST),
    Mutant("the usual notice", NOTICE, "work->has_notice ? work->notice_ms : PV_FORGET_NOTICE_MS)", "work->notice_ms)", SERVER_TEST),
    Mutant("a notice runs from what was signed last", NOTICE, "    uint64_t from_ms = work->now_ms > signed_ms ? work->now_ms : signed_ms;", "    uint64_t from_ms = work->now_ms;", SERVER_TEST),
    Mutant("a notice runs out", NOTICE, "w->due && forget->due_ms <= w->now_ms && w->due_count", "w->due && w->due_count", SERVER_TEST),
    Mutant("deleted after the notice", NOTICE, "    if (forget->due_ms > w->after_ms && forget->due_ms < w->next_ms) w->next_ms = forget->due_ms;\n", "", SERVER_TEST),
    Mutant("what is deleted is dropped", NOTICE, "            work->deleted[work->deleted_count++] = body.u.deleted_forget;", "            continue;", SERVER_TEST),
    Mutant("only what is forgotten is dropped", NOTICE, "    if (!pv_roster_is_forgotten(d->roster, row->index) || pv_entry_read", "    if (pv_entry_read", SERVER_TEST),
    Mutant("clear bodies are not dropped", NOTICE, "    if (pv_kind_is_sealed(entry.header.kind)) d->indexes", "    d->indexes", SERVER_TEST),
    Mutant("wraps and links before the cut go", NOTICE, "    return cut < count ? epochs[cut].index : 0;", "    return 0;", SERVER_TEST),
    Mutant("wraps and links from the cut on stay", NOTICE, "    return cut < count ? epochs[cut].index : 0;", "    return pv_roster_size(roster);", SERVER_TEST),
    Mutant("nothing comes in under old keys", JUDGE, " || header->epoch >= pv_roster_cut(work->state->roster)) return true;", " || true) return true;", SERVER_TEST),
    Mutant("blobs are let go", DROP, "        err = pv_sqlite_run(conn, stmt); /* one that a restore", "        err = PV_OK; /* one that a restore", SERVER_TEST),
    Mutant("what was dropped is overwritten", DROP, "    enum pv_err err = pv_sqlite_exec(conn, SQL_OVERWRITE);\n", "    enum pv_err err = PV_OK;\n", SERVER_TEST),
    Mutant("the write-ahead log is cut", DROP, "    int rc = store->single ? SQLITE_OK : sqlite3", "    int rc = true ? SQLITE_OK : sqlite3", SERVER_TEST),
    Mutant("dropping goes on where it was cut", DROP, "    if (!err) err = set_dropping(conn, no, next + 1);\n", "    if (!err) err = set_dropping(conn, no, 0);\n", SERVER_TEST),
    Mutant("a body comes back without its refs", "server/restore.c", "    bool dropped = !has_body && pv_kind_is_sealed(item->entry.header.kind) && pv_refs_are_dropped(item->bundle.refs);", "    bool dropped = false;", SERVER_TEST),
]
