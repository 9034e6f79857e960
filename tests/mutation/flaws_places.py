"""Flaws of what follows a backup: giving back, heads beside the blobs, and rooms that go on in others."""
from flaw import Mutant

GIVE, RESTORE, PREPARE, PUT = "core/sync/repair.c", "server/work_restore.c", "server/restore.c", "server/successors.c"
HEADS, BACKUP, FIND, SEAL = "server/heads.c", "server/backup_restore.c", "core/sync/successor.c", "core/room/succession.c"
TAIL, AT_ONCE, KEYS_BACK = "tests/server/test_restore", "tests/server/test_restore_at_once", "tests/server/test_restore_keys"
OWN, LINKS, REKEY = "tests/unit/test_overtaken", "tests/server/test_restore_links", "core/sync/rekey.c"
LOST, WHOSE = "tests/server/test_restore_lost", "tests/server/test_go_on"
WORD, GOES_ON, SUCCESSION = "tests/server/test_successor", "tests/cli/successor.t", "tests/unit/test_succession"
HEADS_TEST, RESTORED = "tests/server/heads.t", "tests/cli/restored.t"

PLACES = [
    # what a device shows and gives back
    Mutant("the newest note is shown", GIVE, "    if (choice->gives > gives || (choice->gives == gives && size < choice->size)) return PV_OK;", "    if ((!gives && size > choice->from) || size < choice->size) return PV_OK;", LOST),
    Mutant("another history is an alarm", GIVE, 'strcmp(response->problem_reason, "seen") == 0', 'strcmp(response->problem_reason, "seen") == 2', LOST),
    Mutant("one goes on from the log's head", "core/sync/overtaken.c", "(s.logged->n == own.n || !s.later)", "s.logged->n == own.n", "tests/unit/test_overtaken"),
    Mutant("giving comes before asking for keys", "core/sync/pull.c", "    return gives_back(pull) ? give_back(pull) : next_key(pull);", "    return next_key(pull);", KEYS_BACK),
    Mutant("keys are given back", "core/sync/push.c", "    *ret_is = !err && lost_to > given;", "    *ret_is = false;\n    (void)given;", KEYS_BACK),
    Mutant("what a server lacks again is not given for ever", GIVE, "size <= pull->given || size <= pull->reached || !restored;", "size <= pull->given || !restored;", "tests/unit/test_sync_lies"),
    # what a restored server takes
    Mutant("a tail under the server's own signature", RESTORE, "    if (!pv_checkpoint_open(job->note, name, &work->state->row.id, &work->server->log_pk, ret_checkpoint)) return true;", "    if (!pv_checkpoint_peek(job->note, ret_checkpoint)) return true;", TAIL),
    Mutant("a tail that reproduces the root", RESTORE, "    pv_merkle_edge_root(&work->edge, &root);\n    if (!pv_hash_equal(&root, &checkpoint->root))", "    pv_merkle_edge_root(&work->edge, &root);\n    if (false)", TAIL),
    Mutant("a tail from what is here on", RESTORE, "    if (work->count || job->from != size || checkpoint->size - size != job->count)", "    if (work->count || job->from != size)", TAIL),
    Mutant("what is missing is given up by the first kit alone", RESTORE, "author && author->paper && author->order == 0;", "author;", LOST),
    Mutant("an open room takes no tail", RESTORE, "    if (row->no && !row->restored) return; /* it is open: the answer says so */\n", "", TAIL),
    Mutant("a room that never was", RESTORE, "    return (restored_ms && job->count) || refuse", "    return job->count || refuse", TAIL),
    Mutant("bodies that entries name", PREPARE, "    if (has_body ? pv_hash_equal(&hash, &item->entry.header.body_hash) : pv_kind", "    if (has_body ? true : pv_kind", TAIL),
    Mutant("refs that entries name", PREPARE, "    if (!dropped && !pv_hash_equal(&hash, &item->entry.header.refs_hash))", "    if (false)", TAIL),
    Mutant("nothing new before the tail is back", "server/work_judge.c", "    bool waits = work->state->row.restored || work->given_back;\n", "    bool waits = work->given_back;\n", WHOSE),
    Mutant("nothing new behind a tail in one batch", "server/work_judge.c", "    bool waits = work->state->row.restored || work->given_back;\n", "    bool waits = work->state->row.restored;\n", AT_ONCE),
    Mutant("what does not fit costs no tail of the same batch", RESTORE, "pv_work_rewind(work, before);", "pv_work_rewind(work, 0 * before);", AT_ONCE),
    Mutant("who has not shown a head", RESTORE, "        if (!devices[i].paper) err = has_shown(work, &devices[i].id, &have);\n", "", KEYS_BACK),
    Mutant("an open link may have let one more in", RESTORE, "    for (size_t i = 0; i < count; i++) have &= !invites[i].open;\n", ""),
    Mutant("a longer history is known", RESTORE, "        if (!err && known == row->size && !opens && !ended) err = all_have_shown(work, &opens);", "        if (!err && !opens && !ended) err = all_have_shown(work, &opens);"),
    Mutant("only an owner says that it goes on", RESTORE, "    if (!author || author->role != PV_ROLE_OWNER) {", "    if (!author) {"),
    Mutant("gates of a tail that is given up", RESTORE, "    if (!err && have) err = shut_gates(work);\n", ""),
    Mutant("only the first kit gives up a part", RESTORE, " && author && author->paper && author->order == 0;", " && author;"),
    Mutant("a longer history comes first", RESTORE, "        bool may_go_on = known == row->size || may_give_up(work, job);", "        bool may_go_on = true;"),
    # what a device gives back
    Mutant("what lay beside is lost", GIVE, "    enum pv_err err = note_loss(room);\n", "    enum pv_err err = PV_OK;\n", KEYS_BACK),
    Mutant("who lacks the newest key leaves it to others", REKEY, "    if (err || !has || !(for_nothing || lost_to)) return err;\n", "    if (err || !(for_nothing || lost_to)) return err;\n", LINKS),
    Mutant("what another cuts off is linked again", REKEY, "    if (err || linked) return err;\n", "    return err;\n", LINKS),
    Mutant("but once", REKEY, "    if (err || linked) return err;\n", "    (void)linked;\n    if (err) return err;\n", LINKS),
    Mutant("what was linked before the restore counts for nothing", REKEY, "e > 0 && epochs[e - 1].index >= lost_to && !*ret_has", "e > 0 && !*ret_has", LINKS),
    Mutant("a forget's cut is meant", REKEY, "    if (err || forgets) return err;\n", "    if (err) return err;\n", LINKS),
    Mutant("a key that nobody has is made anew", REKEY, "    if (!err && !*ret_ours) err = is_lost_to_all(room, view, ret_ours);\n", "    (void)is_lost_to_all;\n", LINKS),
    Mutant("who waits for viewers' keys waits for ever", REKEY, "!person || person->role == PV_ROLE_VIEWER);", "!person);", "tests/unit/test_bad_keys"),
    Mutant("no rekey over one that may lose its race", REKEY, " && pv_rekey_stands(room, view);", ";", OWN),
    Mutant("what an answer to a complaint cuts off", REKEY, "    *ret_is = !err && complaint && complaint == count - 1;\n", "", "tests/unit/test_bad_keys"),
    Mutant("who cuts off what it lacks says so first", REKEY, "    if (err || has) return err;\n    body.u.bad_wrap_epoch", "    return err;\n    body.u.bad_wrap_epoch", "tests/unit/test_bad_keys"),
    Mutant("what a kit cuts off is linked again", REKEY, "    *ret_lost = for_nothing && count > cut.from + 1 && cut.is[count - 2 - cut.from];\n", "    *ret_lost = false;\n", "tests/cli/restored_own.t"),
    Mutant("a kit waits for nobody's keys", REKEY, "    *ret_lost = !err && !has && by_kit;", "    *ret_lost = false;", "tests/cli/restored_own.t"),
    Mutant("what a restored server got back is looked at", "core/sync/push.c", "    if (restored && push->conflicts++ < 3) return pv_pull_start(task, NULL);\n", "    (void)restored;\n", LINKS),
    Mutant("a restore between a page and its proof", "core/sync/pull.c", "    if (response->status == 400 && pull->conflicts++ < CONFLICTS_MAX)\n", "    if (false)\n", LINKS),
    Mutant("a key is kept with the word of what it opens", "core/sync/keys.c", "    bool own = !pv_store_in_transaction(room->store);\n", "    bool own = false;\n", LINKS),
    Mutant("keys are fetched before a rekey", "core/sync/members.c", "    if (err || !ours || want.what != PV_KEY_NONE) return err;", "    if (err || !ours) return err;", LINKS),
    Mutant("a restore between a log and its checkpoint", "core/sync/pull.c", "    if (is_old && pull->conflicts++ < CONFLICTS_MAX) {\n", "    (void)is_old;\n    if (false) {\n", LINKS),
    Mutant("an older note that comes again and again", "core/sync/pull.c", "        pull->asked_note = false; /* restored", "        /* restored", "tests/unit/test_sync_lies"),
    Mutant("a smaller tree that was signed anew", "core/sync/pull.c", " && newest.time_s <= pull->room->pinned.time_s;", ";", "tests/unit/test_sync_lies"),
    Mutant("a member without a wrap gives its key", "core/sync/push.c", "    else err = push->complains ? give_key(push) : send_next(push);", "    else err = send_next(push);", KEYS_BACK),
    Mutant("the longest head that fits", GIVE, "    if (choice->gives > gives || (choice->gives == gives && size < choice->size)) return PV_OK;", "    if (choice->gives > gives || (choice->gives == gives && choice->size)) return PV_OK;"),
    # heads beside the blobs
    Mutant("heads are a server's", HEADS, "            pv_checkpoint_open(one->note, name, &one->room, log_pk, &one->checkpoint) == PV_OK) continue;", "            pv_checkpoint_peek(one->note, &one->checkpoint) == PV_OK) continue;", HEADS_TEST),
    Mutant("the last head of a room", HEADS, "    return order ? order : (x->note.p > y->note.p) - (x->note.p < y->note.p);", "    return order ? order : (x->note.p < y->note.p) - (x->note.p > y->note.p);", HEADS_TEST),
    Mutant("a server that ended in order", HEADS, "    if (ends) pv_cbor_put_bytes(&bytes, NULL, 0);\n", "", HEADS_TEST),
    Mutant("damaged heads", HEADS, "        if (in.err) return PV_ERR_CORRUPT;\n        list->is_all", "        if (in.err) return PV_OK;\n        list->is_all", HEADS_TEST),
    Mutant("a room that is longer than its head", BACKUP, "        if (!err && row.size > restoring->heads.notes[i].checkpoint.size) is_last = false;\n", "", HEADS_TEST),
    # a successor's word, at the server
    Mutant("a word of this room", PUT, "    if (!pv_hash_equal(&ret_succession->room, &request->room))", "    if (false)", WORD),
    Mutant("a word by the session's device", PUT, "    if (!pv_hash_equal(&device, &request->session.device_id))", "    if (false)", WORD),
    Mutant("a word that is signed", PUT, "    err = pv_succession_verify(request->body, &request->session.device.sign_pk);\n", "", WORD),
    Mutant("a word by an owner", PUT, "    if (request->access < PV_ACCESS_OWNER) return refuse", "    if (false) return refuse", WORD),
    Mutant("one's own room goes on in itself", PUT, "    if (request->room_row.kind == PV_ROOM_PERSON) return refuse", "    if (false) return refuse", WORD),
    Mutant("an open room needs no successor", PUT, "    return request->room_row.restored ||\n", "    return true ||\n", WORD),
    Mutant("one successor", PUT, '    if (err == PV_ERR_CONFLICT) refuse(response, err, "successor", "an owner has named another successor before");\n    else if', "    if (err == PV_ERR_CONFLICT) response->status = 201;\n    else if", WORD),
    Mutant("an ended room stays ended", RESTORE, "        if (!err) err = has_ended(work, &ended);\n", "", WORD),
    # what a device follows
    Mutant("followed: of this room", FIND, "    if (err || !pv_hash_equal(&succession.room, &room->id)) return refuse", "    if (err) return refuse", WORD),
    Mutant("followed: an owner's", FIND, "    if (!device || !founder || founder->role != PV_ROLE_OWNER)", "    if (!device || !founder)", WORD),
    Mutant("followed: signed", FIND, "    if (pv_succession_verify(bytes, &device->device.sign_pk))", "    if (false)", WORD),
    Mutant("followed: the same history", FIND, "    if (err || pv_hash_equal(&root, &succession->root)) return err;\n", "    return err;\n", WORD),
    Mutant("followed: the link's room", FIND, "    successor->has_link = pv_hash_equal(&successor->link.room, &succession->successor) &&\n", "    successor->has_link =\n", WORD),
    Mutant("followed: the link's maker", FIND, " &&\n                          pv_hash_equal(&successor->link.inviter, &successor->founder);", ";", WORD),
    Mutant("founded: by an owner", FIND, "    if (!room->person_room || !me || me->role != PV_ROLE_OWNER)", "    if (!room->person_room || !me)", WORD),
    Mutant("founded: not over a removal without new keys", FIND, "    if (pv_roster_rekey_due(room->roster))\n", "    if (false)\n", WORD),
    Mutant("founded: roles are kept", FIND, "        *place = (struct place){.member = &members[i], .role = members[i].role};", "        *place = (struct place){.member = &members[i], .role = PV_ROLE_VIEWER};", GOES_ON),
    Mutant("own words: after the successor's head", FIND, "    enum pv_err err = pv_store_entry_each(room->store, from, room->edge.size, open_own, &own);", "    enum pv_err err = pv_store_entry_each(room->store, 0, room->edge.size, open_own, &own);", GOES_ON),
    # what is sealed in it
    Mutant("sealed for this successor", SEAL, "    pv_cbor_put_hash(&parts, &succession->successor);\n    pv_epoch_prk", "    pv_epoch_prk", SUCCESSION),
    Mutant("a place is one person's", SEAL, "    pv_cbor_put_hash(&parts, person);\n", "", "tests/vectors/format.t"),
    Mutant("a place before the common link", SEAL, "    if (!err && found.has_place) {", "    if (!err && found.has_place && !found.common.n) {", SUCCESSION),
    Mutant("a place is found by its person", SEAL, "        if (in.err || found.has_place || !pv_hash_equal(&id, person)) continue;", "        if (in.err || found.has_place) continue;", SUCCESSION),
    Mutant("no place and no common link", SEAL, "        err = PV_ERR_NOT_FOUND;\n", "        err = PV_OK;\n", SUCCESSION),
    Mutant("a word of a newer version", SEAL, "    if (pv_cbor_get_uint(in, UINT64_MAX) != VERSION) pv_cbor_fail(in, PV_ERR_UNSUPPORTED);", "    (void)pv_cbor_get_uint(in, UINT64_MAX);", SUCCESSION),
    Mutant("what is signed", SEAL, '    return err ? err : pv_verify(device_pk, "succession", encoded, &sig);', "    return err;", SUCCESSION),
    Mutant("the operator's word", BACKUP, "    bool is_last = restoring->blobs_are_last && restoring->heads.is_all;", "    bool is_last = restoring->heads.is_all;", HEADS_TEST),
    Mutant("rooms wait for their heads", RESTORE, "    if (!is_last || head.size != work->state->row.size) return PV_OK;", "    if (head.size != work->state->row.size) return PV_OK;", HEADS_TEST),
    Mutant("a head of the same tree", RESTORE, "    *ret_is = !err && pv_hash_equal(&root, &head.root);", "    *ret_is = !err;", HEADS_TEST),
    Mutant("a head of the same tree, while it is put back", BACKUP, "size == head->checkpoint.size && pv_hash_equal(&ours.root, &head->checkpoint.root);", "size == head->checkpoint.size;", HEADS_TEST),
    Mutant("a restored server's own beginning", GIVE, "    if (pv_hash_equal(&root, &checkpoint.root)) return PV_OK;\n    return pv_room_raise", "    return PV_OK;\n    return pv_room_raise", WHOSE),
    Mutant("every owner has shown a head", RESTORE, "        if (principals[i].role == PV_ROLE_OWNER) err = owner_has_shown(work, &principals[i].id, ret_have);\n", "", RESTORED),
    # whose word counts
    Mutant("a kit's coming is nobody's word", RESTORE, "    return author && author->paper && !job->go_on ? NULL : &job->author;", "    (void)author;\n    return &job->author;", WHOSE),
    Mutant("a kit's word is kept", RESTORE, "    return author && author->paper && !job->go_on ? NULL : &job->author;", "    return author && author->paper ? NULL : &job->author;", WHOSE),
    Mutant("a part is given up in one's own room alone", RESTORE, "    return pv_roster_room_kind(work->state->roster) == PV_ROOM_PERSON && author && ", "    return author && ", WHOSE),
    Mutant("a restored server's note is signed", GIVE, "    if (pv_checkpoint_open(note, name, &room->id, pv_roster_log_key(room->roster), &checkpoint))", "    if (pv_checkpoint_peek(note, &checkpoint))", WHOSE),
    Mutant("a head of another history is shown", RESTORE, "        else if (!pv_hash_equal(&root, &checkpoint.root))\n", "        else if (false)\n", LOST),
    # who gets a place, and what goes over
    Mutant("places: none for oneself", FIND, "        if (pv_hash_equal(&members[i].id, &room->me->person) || (there &&", "        if ((there &&", WORD),
    Mutant("places: none for who is there", FIND, "&room->me->person) || (there && pv_roster_principal(there, &members[i].id))) continue;", "&room->me->person)) continue;", WORD),
    Mutant("places: who has no key gets the least role", FIND, "        if (err == PV_ERR_NOT_FOUND) place->role = PV_ROLE_VIEWER;\n", "        if (false) place->role = PV_ROLE_VIEWER;\n", WORD),
    Mutant("own words: nobody else's", FIND, "    if (!pv_hash_equal(&stored->author, &own->room->me->device) || !stored", "    if (!stored", OWN),
    Mutant("own words: as they were accepted", FIND, "        stored->verdict != PV_ACCEPTED || pv_entry_read", "        pv_entry_read", OWN),
]
