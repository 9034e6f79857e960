/* What every metadata store must do, run over each of them. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/room/epoch.h"
#include "server/meta/meta.h"
#include "tests/tap.h"

enum { NOW = 1000000, REFS_MAX = 4 };

static const char *store_name;
static struct pv_meta *meta;
#define CALL(call, ...) meta->ops->call(meta, ##__VA_ARGS__)

static void check(bool good, const char *what)
{
	tap_ok(good, "%s: %s", store_name, what);
}

static void gives(enum pv_err got, enum pv_err want, const char *what)
{
	tap_ok(got == want, "%s: %s", store_name, what);
	if (got != want) tap_note("got %s, want %s", pv_err_web_name(got), pv_err_web_name(want));
}

static struct pv_hash hash_of(const char *what, uint64_t number)
{
	struct pv_hash hash;
	struct pv_sha256 sha;
	pv_hash_begin(&sha, what);
	pv_sha256_put_uint(&sha, number);
	pv_sha256_final(&sha, &hash);
	return hash;
}

static struct pv_id16 id_of(const char *what, uint64_t number)
{
	struct pv_hash hash = hash_of(what, number);
	struct pv_id16 id;
	memcpy(id.b, hash.b, sizeof id.b);
	return id;
}

/* ---- entries: real encodings, so that a store may look into them */

struct made {
	struct pv_buf entry, refs;
	struct pv_meta_entry row;
	struct pv_hash hashes[64];
};

static struct pv_sign_sk sk;
static struct pv_sign_pk pk;

static void make_entry(struct pv_merkle_edge *edge, uint64_t author, uint64_t n, uint64_t kind, const struct pv_id16 *refs,
		       size_t ref_count, const char *body, struct made *made)
{
	struct pv_header header = {.author = hash_of("author", author), .n = n, .kind = kind};
	pv_buf_init(&made->entry, 4096);
	pv_buf_init(&made->refs, 4096);
	pv_refs_put(&made->refs, refs, ref_count);
	pv_refs_hash(pv_buf_bytes(&made->refs), &header.refs_hash);
	pv_body_hash(pv_bytes_of_string(body), &header.body_hash);
	if (kind == PV_KIND_TALK) header.commit = hash_of("commit", n);
	if (edge->size) header.room = hash_of("room", 1);
	pv_merkle_empty_root(&header.seen_root);
	if (pv_entry_make(&header, &sk, &made->entry)) abort();
	made->row = (struct pv_meta_entry){.index = edge->size, .entry = pv_buf_bytes(&made->entry),
					   .refs = pv_buf_bytes(&made->refs), .body = pv_bytes_of_string(body),
					   .author_n = n, .author = header.author, .hashes = made->hashes};
	pv_entry_leaf(made->row.entry, &made->row.leaf);
	pv_merkle_append(edge, &made->row.leaf, made->hashes, &made->row.hash_count);
}

static void free_made(struct made *made)
{
	pv_buf_release(&made->entry);
	pv_buf_release(&made->refs);
}

static struct pv_meta_append append_of(struct pv_hash room, uint64_t no, uint64_t size, struct pv_meta_entry *rows,
				       size_t count)
{
	return (struct pv_meta_append){.room = room, .no = no, .kind = 1, .size = size, .entries = rows,
				       .entry_count = count, .note = pv_bytes_of_string("note"), .note_time_s = 7,
				       .now_ms = NOW};
}

/* ---- logs */

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

static struct pv_merkle_edge edge;
static struct made made[6];
static uint64_t room_no;

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

/* ---- members, sessions, accounts */

static enum pv_err count_room(void *context, const struct pv_meta_room *room)
{
	(void)room;
	++*(size_t *)context;
	return PV_OK;
}

static void test_members(void)
{
	struct pv_hash room = hash_of("room", 1), device = hash_of("device", 1);
	struct pv_meta_member member = {device, PV_ACCESS_EDITOR};
	struct pv_meta_append append = append_of(room, room_no, 5, NULL, 0);
	enum pv_access access;
	size_t rooms = 0;
	append.members = &member;
	append.member_count = 1;
	gives(CALL(append, &append, 1), PV_OK, "a device comes");
	gives(CALL(access, room_no, &device, &access), PV_OK, "it has access");
	check(access == PV_ACCESS_EDITOR, "as an editor");
	member.access = PV_ACCESS_VIEWER;
	gives(CALL(append, &append, 1), PV_OK, "it changes");
	gives(CALL(access, room_no, &device, &access), PV_OK, "and is");
	check(access == PV_ACCESS_VIEWER, "a viewer");
	gives(CALL(rooms_of, &device, count_room, &rooms), PV_OK, "its rooms");
	check(rooms == 1, "are one");
	member.access = PV_ACCESS_NONE;
	gives(CALL(append, &append, 1), PV_OK, "it goes");
	gives(CALL(access, room_no, &device, &access), PV_ERR_NOT_FOUND, "and has no access");
}

static struct pv_meta_session session_for(uint64_t number)
{
	return (struct pv_meta_session){.device = {.sign_pk = pk, .kem_hash = hash_of("kem", number)},
					.device_id = hash_of("device", number), .expires_ms = NOW + 100};
}

static void test_sessions(void)
{
	struct pv_hash token = hash_of("token", 1), nonce = hash_of("nonce", 1), got_token = hash_of("token", 2);
	struct pv_meta_session session = session_for(1), got;
	uint64_t room = 0;
	gives(CALL(nonce_put, &nonce, NOW + 10), PV_OK, "a nonce is given");
	gives(CALL(nonce_take, &nonce, NOW + 10), PV_ERR_NOT_FOUND, "too late it is void");
	gives(CALL(nonce_take, &nonce, NOW + 9), PV_OK, "in time it is taken");
	gives(CALL(nonce_take, &nonce, NOW), PV_ERR_NOT_FOUND, "once");
	gives(CALL(session_put, &token, &session), PV_OK, "a session begins");
	gives(CALL(session, &token, NOW, &got), PV_OK, "is found");
	check(pv_hash_equal(&got.device_id, &session.device_id) && got.expires_ms == NOW + 100 && !got.has_person &&
	      memcmp(got.device.sign_pk.b, pk.b, sizeof pk.b) == 0, "as written");
	gives(CALL(session, &got_token, NOW, &got), PV_ERR_NOT_FOUND, "another token is not");
	gives(CALL(session, &token, NOW + 100, &got), PV_ERR_NOT_FOUND, "after its time it is not");
	gives(CALL(session_end, &token), PV_OK, "it ends");
	gives(CALL(session, &token, NOW, &got), PV_ERR_NOT_FOUND, "and is gone");
	gives(CALL(ticket_put, &token, 42, NOW + 5), PV_OK, "a ticket");
	gives(CALL(ticket, &token, NOW, &room), PV_OK, "is found");
	check(room == 42, "for its room");
	gives(CALL(ticket, &token, NOW + 5, &room), PV_ERR_NOT_FOUND, "until its time");
}

static void test_counters(void)
{
	struct pv_hash key = hash_of("key", 1), other = hash_of("key", 2);
	uint64_t sum;
	gives(CALL(count, "c", &key, 1, 0, 0, &sum), PV_OK, "a counter begins");
	check(sum == 0, "at zero");
	gives(CALL(count, "c", &key, 1, 5, NOW + 10, &sum), PV_OK, "it adds");
	gives(CALL(count, "c", &key, 1, 7, NOW + 10, &sum), PV_OK, "up");
	check(sum == 12, "to twelve");
	gives(CALL(count, "c", &key, 2, 1, NOW + 10, &sum), PV_OK, "each window");
	check(sum == 1, "apart");
	gives(CALL(count, "d", &key, 1, 1, NOW + 10, &sum), PV_OK, "each name");
	check(sum == 1, "apart");
	gives(CALL(count, "c", &other, 1, 1, NOW + 10, &sum), PV_OK, "each key");
	check(sum == 1, "apart");
	gives(CALL(expire, NOW + 10), PV_OK, "and in time");
	gives(CALL(count, "c", &key, 1, 0, 0, &sum), PV_OK, "it is");
	check(sum == 0, "forgotten");
}

struct account_seen {
	size_t count;
	bool suspended;
};

static enum pv_err see_account(void *context, const struct pv_meta_account *account)
{
	struct account_seen *seen = context;
	seen->count++;
	seen->suspended = account->suspended;
	return PV_OK;
}

static void test_accounts(void)
{
	struct pv_hash person = hash_of("person", 1), device = hash_of("device", 7), code = hash_of("code", 1);
	struct pv_hash token = hash_of("token", 7);
	struct pv_meta_member member = {device, PV_ACCESS_OWNER};
	struct pv_meta_session session = session_for(7), got;
	struct account_seen seen = {0};
	struct pv_meta_room row;
	struct pv_meta_append append = append_of(person, 0, 0, &made[0].row, 1);
	append.kind = 0;
	append.members = &member;
	append.member_count = 1;
	append.registration = PV_REGISTRATION_CODE;
	append.registration_hash = code;
	gives(CALL(append, &append, 1), PV_OK, "registering by a code that is none");
	gives(append.ret_err, PV_ERR_DENIED, "is denied");
	gives(CALL(room, &person, &row), PV_ERR_NOT_FOUND, "and founds nothing");
	gives(CALL(code_put, &code, NOW + 10), PV_OK, "by one that was given");
	append.no = 0;
	gives(CALL(append, &append, 1), PV_OK, "it");
	gives(append.ret_err, PV_OK, "is done");
	gives(CALL(session_put, &token, &session), PV_OK, "its device's session");
	gives(CALL(session, &token, NOW, &got), PV_OK, "knows");
	check(got.has_person && pv_hash_equal(&got.person, &person), "the person");
	struct pv_hash second = hash_of("person", 2);
	struct pv_meta_append again = append_of(second, 0, 0, &made[0].row, 1);
	again.kind = 0;
	again.registration = PV_REGISTRATION_CODE;
	again.registration_hash = code;
	gives(CALL(append, &again, 1), PV_OK, "the code again");
	gives(again.ret_err, PV_ERR_DENIED, "is spent");
	gives(CALL(accounts, see_account, &seen), PV_OK, "the accounts");
	check(seen.count == 1 && !seen.suspended, "are one");
	gives(CALL(suspend, &person, true), PV_OK, "it is suspended");
	gives(CALL(session, &token, NOW, &got), PV_ERR_NOT_FOUND, "its sessions end");
	gives(CALL(session_put, &token, &session), PV_OK, "a new one");
	gives(CALL(session, &token, NOW, &got), PV_ERR_DENIED, "is refused");
	gives(CALL(suspend, &person, false), PV_OK, "it is let in again");
	gives(CALL(session, &token, NOW, &got), PV_OK, "and is");
	gives(CALL(suspend, &second, true), PV_ERR_NOT_FOUND, "nobody else is suspended");
	member.access = PV_ACCESS_NONE;
	struct pv_meta_append revoke = append_of(person, append.no, 1, NULL, 0);
	revoke.kind = 0;
	revoke.members = &member;
	revoke.member_count = 1;
	gives(CALL(append, &revoke, 1), PV_OK, "a device that its person removes");
	gives(CALL(session, &token, NOW, &got), PV_ERR_NOT_FOUND, "loses its sessions");
}

/* ---- blobs, gates */

static void test_blobs(void)
{
	struct pv_meta_blob blob = {id_of("blob", 1), id_of("locator", 1), 77, hash_of("content", 1)}, got;
	struct pv_meta_blob twin = {id_of("blob", 1), id_of("locator", 2), 77, hash_of("content", 2)};
	struct pv_hash room = hash_of("room", 1);
	struct pv_id16 locators[4];
	size_t count;
	bool known;
	gives(CALL(blob, room_no, &blob.name, &got), PV_ERR_NOT_FOUND, "a blob that is not there is not found");
	gives(CALL(blob_put, room_no, &blob, NOW), PV_OK, "it comes");
	gives(CALL(blob_put, room_no, &twin, NOW), PV_ERR_CONFLICT, "its name is taken");
	gives(CALL(blob, room_no, &blob.name, &got), PV_OK, "it is found");
	check(got.size_bytes == 77 && pv_id16_equal(&got.locator, &blob.locator) && pv_hash_equal(&got.sha256, &blob.sha256),
	      "as written");
	gives(CALL(blob, room_no + 1, &blob.name, &got), PV_ERR_NOT_FOUND, "not in another room");
	gives(CALL(blob_known, &blob.locator, &known), PV_OK, "its locator");
	check(known, "is known");
	gives(CALL(blob_known, &twin.locator, &known), PV_OK, "the twin's");
	check(!known, "is not");
	struct pv_merkle_edge saved = edge;
	make_entry(&edge, 1, 11, PV_KIND_TALK, &twin.locator, 1, "refers", &made[5]);
	struct pv_meta_append append = append_of(room, room_no, 5, &made[5].row, 1);
	gives(CALL(append, &append, 1), PV_OK, "an entry that refers to what is not there");
	gives(append.ret_err, PV_ERR_NOT_FOUND, "is not taken");
	free_made(&made[5]);
	edge = saved;
	make_entry(&edge, 1, 11, PV_KIND_TALK, &blob.name, 1, "refers", &made[5]);
	append = append_of(room, room_no, 5, &made[5].row, 1);
	gives(CALL(append, &append, 1), PV_OK, "one that refers to what is there");
	gives(append.ret_err, PV_OK, "is");
	twin.name = id_of("blob", 2);
	gives(CALL(blob_put, room_no, &twin, NOW), PV_OK, "another blob");
	gives(CALL(blob_collect, NOW, 4, locators, &count), PV_OK, "is not collected");
	check(count == 0, "at once");
	gives(CALL(blob_collect, NOW + 1, 4, locators, &count), PV_OK, "but later");
	check(count == 1 && pv_id16_equal(&locators[0], &twin.locator), "while the one referred to stays");
	gives(CALL(blob, room_no, &twin.name, &got), PV_ERR_NOT_FOUND, "it is gone");
}

static void test_gates(void)
{
	struct pv_id16 id = id_of("gate", 1), blob = id_of("blob", 1), other = id_of("gate", 2);
	struct pv_hash request = hash_of("request", 1), ticket = hash_of("ticket", 1), room = hash_of("room", 1);
	struct pv_bytes none = pv_bytes("\x80", 1);
	struct pv_meta_release release = {.gate = id, .version = 2, .max_releases = 1, .request = request, .ticket = ticket,
					  .time_ms = NOW, .ticket_until_ms = NOW + 10};
	struct pv_meta_closed closed = {id, "spent"};
	struct pv_meta_gate gate;
	struct pv_buf bytes, refs;
	uint8_t half[32] = {1, 2, 3};
	uint64_t ticket_room = 0;
	bool released;
	pv_buf_init(&bytes, 4096);
	pv_buf_init(&refs, 4096);
	pv_refs_put(&refs, &blob, 1);
	gives(CALL(gate, &id, &gate, &bytes), PV_ERR_NOT_FOUND, "a gate that is not there is not found");
	gives(CALL(gate_put, &id, room_no, 2, pv_bytes_of_string("two"), half, none), PV_ERR_CONFLICT, "it begins with version 1");
	gives(CALL(gate_put, &id, room_no, 1, pv_bytes_of_string("one"), half, none), PV_OK, "so");
	gives(CALL(gate_put, &id, room_no, 1, pv_bytes_of_string("one"), half, none), PV_ERR_CONFLICT, "once");
	gives(CALL(gate_put, &id, room_no, 2, pv_bytes_of_string("two"), NULL, pv_buf_bytes(&refs)), PV_OK, "version 2 keeps the half");
	gives(CALL(gate_put, &id, room_no + 1, 3, pv_bytes_of_string("x"), NULL, none), PV_ERR_CONFLICT, "and stays in its room");
	gives(CALL(gate, &id, &gate, &bytes), PV_OK, "it is found");
	check(gate.version == 2 && gate.has_half && memcmp(gate.half_b, half, 32) == 0 && gate.room.no == room_no &&
	      pv_hash_equal(&gate.room.id, &room) && gate.releases == 0 && bytes.n == 3, "as written");
	struct pv_meta_append append = append_of(room, room_no, 6, NULL, 0);
	append.releases = &release;
	append.release_count = 1;
	gives(CALL(append, &append, 1), PV_OK, "a release");
	gives(append.ret_err, PV_OK, "is counted");
	gives(CALL(released, &id, &request, &released), PV_OK, "and");
	check(released, "known");
	gives(CALL(ticket, &ticket, NOW, &ticket_room), PV_OK, "its ticket lives");
	check(ticket_room == room_no, "for the room");
	release.request = hash_of("request", 2);
	release.ticket = hash_of("ticket", 2);
	gives(CALL(append, &append, 1), PV_OK, "one more than the most");
	gives(append.ret_err, PV_ERR_EXPIRED, "is refused");
	release.max_releases = UINT64_MAX;
	release.version = 1;
	gives(CALL(append, &append, 1), PV_OK, "one of an old version");
	gives(append.ret_err, PV_ERR_EXPIRED, "too");
	append.release_count = 0;
	append.closed = &closed;
	append.closed_count = 1;
	gives(CALL(append, &append, 1), PV_OK, "it closes");
	pv_buf_clear(&bytes);
	gives(CALL(gate, &id, &gate, &bytes), PV_OK, "and");
	check(!gate.has_half && strcmp(gate.reason, "spent") == 0 && gate.releases == 1, "its half is erased");
	release.version = 2;
	append.closed_count = 0;
	append.release_count = 1;
	gives(CALL(append, &append, 1), PV_OK, "then nothing");
	gives(append.ret_err, PV_ERR_EXPIRED, "is released");
	gives(CALL(gate_close, &id, "revoked"), PV_OK, "closing it again");
	pv_buf_clear(&bytes);
	gives(CALL(gate, &id, &gate, &bytes), PV_OK, "keeps");
	check(strcmp(gate.reason, "spent") == 0, "the first reason");
	gives(CALL(gate, &other, &gate, &bytes), PV_ERR_NOT_FOUND, "another gate is none");
	pv_buf_release(&bytes);
	pv_buf_release(&refs);
}

static void test_stats(void)
{
	struct pv_meta_stats stats;
	gives(CALL(stats, &stats), PV_OK, "it counts");
	check(stats.rooms == 3 && stats.accounts == 1 && stats.blobs == 1 && stats.gates == 1, "what is there");
	gives(CALL(check), PV_OK, "it is well");
	gives(CALL(maintain, NOW), PV_OK, "and keeps itself");
}

/* Many threads, one room each: nothing is lost. */
static void *write_sessions(void *context)
{
	uint64_t first = (uint64_t)(uintptr_t)context * 1000;
	size_t failed = 0;
	for (uint64_t i = 0; i < 50; i++) {
		struct pv_hash token = hash_of("thread", first + i);
		struct pv_meta_session session = session_for(first + i), got;
		failed += CALL(session_put, &token, &session) != PV_OK || CALL(session, &token, NOW, &got) != PV_OK;
	}
	return (void *)(uintptr_t)failed;
}

static void test_threads(void)
{
	pthread_t threads[4];
	size_t failed = 0;
	for (uintptr_t i = 0; i < 4; i++) pthread_create(&threads[i], NULL, write_sessions, (void *)(i + 1));
	for (int i = 0; i < 4; i++) {
		void *result;
		pthread_join(threads[i], &result);
		failed += (size_t)(uintptr_t)result;
	}
	check(failed == 0, "four threads write and read at once");
}

static void run_suite(const char *name, struct pv_meta *store)
{
	store_name = name;
	meta = store;
	edge = (struct pv_merkle_edge){0};
	test_founding();
	test_growing();
	test_reading();
	test_finding();
	test_tree();
	test_note();
	test_deadlines();
	test_beside();
	test_members();
	test_sessions();
	test_counters();
	test_accounts();
	test_blobs();
	test_gates();
	test_stats();
	test_threads();
	CALL(close);
	for (int i = 0; i < 6; i++) free_made(&made[i]);
}

/* ---- what a store with files must do besides */

static void remove_dir(const char *dir)
{
	DIR *list = opendir(dir);
	char path[512];
	for (struct dirent *item; list && (item = readdir(list));) {
		snprintf(path, sizeof path, "%s/%s", dir, item->d_name);
		unlink(path);
	}
	if (list) closedir(list);
	rmdir(dir);
}

static void test_reopen(const char *path)
{
	char why[PV_META_WHY_MAX] = "";
	struct pv_hash room = hash_of("room", 1);
	struct pv_meta_room row;
	store_name = "sqlite";
	gives(pv_meta_sqlite_open(path, &meta, why), PV_OK, "it opens again");
	gives(CALL(room, &room, &row), PV_OK, "the room is there");
	check(row.size == 6, "with all its entries");
	CALL(close);
}

/* Change what the file says of itself. */
static void doctor(const char *path, const char *how)
{
	FILE *file = fopen(path, "r+b");
	/* user_version stands in the header, big-endian at 60; the magic at 0. */
	if (!file) abort();
	if (strcmp(how, "newer") == 0 && fseek(file, 60, SEEK_SET) == 0) fwrite("\0\0\0\x63", 1, 4, file);
	if (strcmp(how, "older") == 0 && fseek(file, 60, SEEK_SET) == 0) fwrite("\0\0\0\x01", 1, 4, file);
	if (strcmp(how, "broken") == 0) fwrite("not a database at all", 1, 21, file);
	fclose(file);
}

static void test_bad_files(const char *path)
{
	char why[PV_META_WHY_MAX] = "";
	struct pv_meta *none = NULL;
	doctor(path, "newer");
	gives(pv_meta_sqlite_open(path, &none, why), PV_ERR_UNSUPPORTED, "a newer version's file is refused");
	check(strstr(why, "newer") && strstr(why, path), "in words that name it");
	doctor(path, "older");
	doctor(path, "broken");
	gives(pv_meta_sqlite_open(path, &none, why), PV_ERR_CORRUPT, "a damaged file is refused");
	check(strstr(why, "damaged") && strstr(why, path), "in words that name it");
	gives(pv_meta_sqlite_open("/nowhere/at/all.db", &none, why), PV_ERR_IO, "so is a place that is none");
	check(strstr(why, "/nowhere/at/all.db") != NULL, "by its name");
}

int main(void)
{
	char dir[] = "/tmp/privity-meta-XXXXXX", path[64], why[PV_META_WHY_MAX] = "";
	struct pv_sign_seed seed = {{7}};
	struct pv_meta *store;
	if (pv_crypto_init() || !mkdtemp(dir)) return 1;
	pv_sign_from_seed(&seed, &sk, &pk);
	if (pv_meta_memory_open(&store)) return 1;
	run_suite("memory", store);
	snprintf(path, sizeof path, "%s/meta.db", dir);
	if (pv_meta_sqlite_open(path, &store, why)) {
		tap_ok(false, "sqlite: %s", why);
		return tap_done();
	}
	run_suite("sqlite", store);
	test_reopen(path);
	test_bad_files(path);
	remove_dir(dir);
	return tap_done();
}
