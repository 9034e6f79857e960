/* What every metadata store must do: logs, the tree, checkpoints, deadlines, what lies beside. */
#include "core/room/epoch.h"
#include "tests/conformance/meta_kit.h"

struct seen {
	uint64_t indexes[16];
	bool with_body[16], forgotten[16];
	size_t count, stop_after;
};

static enum pv_err see(void *context, const struct pv_meta_entry *entry)
{
	struct seen *seen = context;
	if (seen->count == seen->stop_after) return PV_ERR_LIMIT;
	seen->indexes[seen->count] = entry->index;
	seen->with_body[seen->count] = entry->body.p != NULL;
	seen->forgotten[seen->count++] = entry->forgotten;
	return PV_OK;
}

static void test_founding(void)
{
	struct pv_hash room = hash_of("room", 1);
	struct pv_meta_room row;
	struct pv_buf bytes;
	uint64_t size;
	pv_buf_init(&bytes, 4096);
	gives(CALL(room, &room, &row), PV_ERR_NOT_FOUND, "a room that is not there is not found");
	make_entry(&edge, 1, 1, PV_KIND_ROSTER, NULL, 0, "genesis", &made[0]);
	struct pv_meta_append append = append_of(room, 0, 0, &made[0].row, 1);
	append.roster = pv_bytes_of_string("snapshot");
	gives(CALL(append, &append, 1), PV_OK, "a room is founded");
	gives(append.ret_err, PV_OK, "and taken");
	room_no = append.no;
	check(room_no != 0, "it has a number");
	gives(CALL(room, &room, &row), PV_OK, "now it is found");
	check(row.no == room_no && row.size == 1 && row.kind == 1 && row.note_time_s == 7 && pv_hash_equal(&row.id, &room),
	      "as it was written");
	gives(CALL(roster, room_no, &bytes, &size), PV_OK, "its snapshot is read");
	check(size == 1 && pv_bytes_equal(pv_buf_bytes(&bytes), pv_bytes_of_string("snapshot")), "as it was written");
	pv_buf_clear(&bytes);
	gives(CALL(note, room_no, &bytes, &size), PV_OK, "its note is read");
	check(size == 1 && pv_bytes_equal(pv_buf_bytes(&bytes), pv_bytes_of_string("note")), "as it was written");
	append = append_of(room, 0, 0, &made[0].row, 1);
	gives(CALL(append, &append, 1), PV_OK, "founding it again commits nothing");
	gives(append.ret_err, PV_ERR_CONFLICT, "but conflicts");
	pv_buf_release(&bytes);
}

static void test_growing(void)
{
	struct pv_hash room = hash_of("room", 1), other = hash_of("room", 2);
	struct pv_meta_entry rows[3], genesis = made[0].row;
	struct pv_meta_append two[2];
	struct pv_meta_room row;
	make_entry(&edge, 1, 2, PV_KIND_TALK, NULL, 0, "sealed", &made[1]);
	make_entry(&edge, 2, 5, PV_KIND_SIGN, NULL, 0, "", &made[2]);
	make_entry(&edge, 1, 9, PV_KIND_TALK, NULL, 0, "sealed too", &made[3]);
	made[3].row.verdict = 1;
	made[3].row.reason = 3;
	for (int i = 0; i < 3; i++) rows[i] = made[1 + i].row;
	two[0] = append_of(room, room_no, 0, rows, 3);
	two[1] = append_of(other, 0, 0, &genesis, 1);
	gives(CALL(append, two, 2), PV_OK, "a batch of two rooms commits");
	gives(two[0].ret_err, PV_ERR_CONFLICT, "one at a wrong size gains nothing");
	gives(two[1].ret_err, PV_OK, "while the other is founded");
	gives(CALL(room, &room, &row), PV_OK, "the first");
	check(row.size == 1, "has not grown");
	two[0] = append_of(room, room_no, 1, rows, 3);
	two[0].note_time_s = 8;
	gives(CALL(append, two, 1), PV_OK, "at its size it grows");
	gives(two[0].ret_err, PV_OK, "by all");
	gives(CALL(room, &room, &row), PV_OK, "it");
	check(row.size == 4 && row.note_time_s == 8, "has four entries and the new note's time");
}

static void test_reading(void)
{
	struct seen seen = {.stop_after = 16};
	gives(CALL(entries, room_no, 1, 10, false, see, &seen), PV_OK, "entries are read from an index");
	check(seen.count == 3 && seen.indexes[0] == 1 && seen.indexes[2] == 3, "in order to the end");
	check(!seen.with_body[0] && seen.with_body[1] && !seen.forgotten[0], "clear bodies only, an empty one too");
	seen = (struct seen){.stop_after = 16};
	gives(CALL(entries, room_no, 0, 2, true, see, &seen), PV_OK, "with sealed bodies, two");
	check(seen.count == 2 && seen.with_body[1], "come with them");
	seen = (struct seen){.stop_after = 1};
	gives(CALL(entries, room_no, 0, 10, true, see, &seen), PV_ERR_LIMIT, "the reader's error ends the reading");
	seen = (struct seen){.stop_after = 16};
	gives(CALL(entries, room_no, 99, 10, true, see, &seen), PV_OK, "past the end");
	check(seen.count == 0, "there is nothing");
	gives(CALL(entries, room_no, UINT64_MAX - 1, 10, true, see, &seen), PV_OK, "nor far past it");
	check(seen.count == 0, "in any room");
}

static void test_finding(void)
{
	struct pv_hash one = hash_of("author", 1), three = hash_of("author", 3);
	struct pv_meta_entry row;
	uint64_t n, index;
	bool found;
	gives(CALL(find, room_no, &one, 9, &row), PV_OK, "an entry is found by author and number");
	check(row.index == 3 && row.verdict == 1 && row.reason == 3 && pv_hash_equal(&row.leaf, &made[3].row.leaf),
	      "with its place, verdict, reason and leaf");
	gives(CALL(find, room_no, &one, 3, &row), PV_ERR_NOT_FOUND, "a number that was left out is not");
	gives(CALL(find, room_no, &three, 1, &row), PV_ERR_NOT_FOUND, "nor a stranger");
	gives(CALL(find, room_no + 1, &one, 9, &row), PV_ERR_NOT_FOUND, "nor in another room");
	gives(CALL(newest, room_no, &one, 3, &n, &found, &index), PV_OK, "the newest by an author, a reason apart");
	check(n == 9 && found && index == 1, "passes over what was rejected for it");
	gives(CALL(newest, room_no, &one, 4, &n, &found, &index), PV_OK, "another reason apart");
	check(n == 9 && found && index == 3, "does not");
	gives(CALL(newest, room_no, &three, 4, &n, &found, &index), PV_OK, "a stranger's");
	check(n == 0 && !found, "is none");
}

static enum pv_err read_tree(void *context, uint64_t at, size_t count, struct pv_hash *ret_hashes)
{
	(void)context;
	return CALL(hashes, room_no, at, count, ret_hashes);
}

static void test_tree(void)
{
	struct pv_merkle_reader reader = {read_tree, NULL};
	struct pv_hash root, want, all[7];
	gives(pv_merkle_root(&reader, 4, &root), PV_OK, "the tree is read");
	pv_merkle_edge_root(&edge, &want);
	check(pv_hash_equal(&root, &want), "as it was written");
	gives(CALL(hashes, room_no, 0, 7, all), PV_OK, "all of it at once");
	check(pv_hash_equal(&all[1], &made[1].hashes[0]) && pv_hash_equal(&all[2], &made[1].hashes[1]), "in its order");
	gives(CALL(hashes, room_no, 6, 2, all), PV_ERR_CORRUPT, "past its end is an error");
}

static void test_note(void)
{
	struct pv_buf note;
	uint64_t size;
	pv_buf_init(&note, 100);
	gives(CALL(renew_note, room_no, 4, pv_bytes_of_string("newer"), 9), PV_OK, "a note is renewed");
	gives(CALL(renew_note, room_no, 3, pv_bytes_of_string("wrong"), 10), PV_ERR_CONFLICT, "not for another size");
	gives(CALL(renew_note, room_no, 4, pv_bytes_of_string("older"), 8), PV_ERR_CONFLICT, "nor back in time");
	gives(CALL(note, room_no, &note, &size), PV_OK, "it is read");
	check(pv_bytes_equal(pv_buf_bytes(&note), pv_bytes_of_string("newer")), "as renewed");
	pv_buf_release(&note);
}

static void test_deadlines(void)
{
	struct pv_hash room = hash_of("room", 1), due[4];
	struct pv_meta_append append = append_of(room, room_no, 4, NULL, 0);
	size_t count;
	append.deadline_changes = true;
	append.next_until_ms = NOW + 5;
	gives(CALL(append, &append, 1), PV_OK, "a deadline is kept");
	gives(CALL(overdue, NOW, 4, due, &count), PV_OK, "before it");
	check(count == 0, "nothing is due");
	gives(CALL(overdue, NOW + 5, 4, due, &count), PV_OK, "then");
	check(count == 1 && pv_hash_equal(&due[0], &room), "the room is");
	gives(CALL(set_deadline, room_no, 3, UINT64_MAX), PV_OK, "clearing it at a wrong size");
	gives(CALL(overdue, NOW + 5, 4, due, &count), PV_OK, "changes nothing");
	check(count == 1, "it is due still");
	gives(CALL(set_deadline, room_no, 4, UINT64_MAX), PV_OK, "at its size");
	gives(CALL(overdue, UINT64_MAX / 2, 4, due, &count), PV_OK, "it clears");
	check(count == 0, "for good");
}

/* ---- what lies beside */

static void test_beside(void)
{
	static uint8_t wrap_bytes[2][PV_WRAP_BYTES];
	struct pv_hash room = hash_of("room", 1), kem_hash, leaves[4] = {hash_of("leaf", 1), hash_of("leaf", 2)};
	struct pv_kem_pk key, got;
	struct pv_bytes wraps[3] = {{wrap_bytes[0], PV_WRAP_BYTES}, {NULL, 0}, {wrap_bytes[1], PV_WRAP_BYTES}};
	struct pv_bytes key_bytes;
	struct pv_buf wrap, tree;
	uint64_t count;
	memset(wrap_bytes[1], 9, sizeof wrap_bytes[1]);
	memset(key.b, 5, sizeof key.b);
	pv_kem_hash(&key, &kem_hash);
	key_bytes = pv_bytes(key.b, sizeof key.b);
	struct pv_meta_beside beside = {.index = 4, .links = pv_bytes("\x80", 1), .wraps = wraps, .wrap_count = 3,
					.leaves = leaves, .leaf_count = 4, .kem_keys = &key_bytes,
					.kem_hashes = &kem_hash, .kem_key_count = 1};
	make_entry(&edge, 1, 10, PV_KIND_ROSTER, NULL, 0, "rekey", &made[4]);
	struct pv_meta_append append = append_of(room, room_no, 4, &made[4].row, 1);
	append.besides = &beside;
	append.beside_count = 1;
	gives(CALL(append, &append, 1), PV_OK, "an entry with something beside it");
	pv_buf_init(&wrap, 4096);
	pv_buf_init(&tree, 4096);
	gives(CALL(wrap, room_no, 4, 2, &wrap, &count, &tree), PV_OK, "a wrap is read");
	check(count == 3 && wrap.n == PV_WRAP_BYTES && wrap.p[0] == 9 && tree.n == 4 * 32, "with count and tree");
	pv_buf_clear(&wrap);
	gives(CALL(wrap, room_no, 4, 1, &wrap, &count, &tree), PV_OK, "an empty one");
	check(wrap.n == 0, "is empty");
	gives(CALL(wrap, room_no, 4, 3, &wrap, &count, &tree), PV_ERR_NOT_FOUND, "one past the end is not there");
	gives(CALL(wrap, room_no, 3, 0, &wrap, &count, &tree), PV_ERR_NOT_FOUND, "nor beside another entry");
	gives(CALL(links, room_no, 4, &wrap), PV_OK, "links are read");
	check(wrap.n == 1 && wrap.p[0] == 0x80, "as written");
	gives(CALL(kem_key, room_no, &kem_hash, &got), PV_OK, "a KEM key is found by its hash");
	check(memcmp(got.b, key.b, sizeof key.b) == 0, "as written");
	gives(CALL(kem_key, room_no + 1, &kem_hash, &got), PV_ERR_NOT_FOUND, "not in another room");
	pv_buf_release(&wrap);
	pv_buf_release(&tree);
}

void meta_suite_logs(void)
{
	test_founding();
	test_growing();
	test_reading();
	test_finding();
	test_tree();
	test_note();
	test_deadlines();
	test_beside();
}
