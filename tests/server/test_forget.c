/* Forgetting at the server: it waits for the notice and for holds, says `deleted`, drops what that names, so that neither
 * the store nor its files have it, and takes nothing more that old keys open. */
#include "tests/server/server_rig.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/state/payload.h"
#include "core/sync/room_parts.h"
#include "tests/tap.h"

enum { HOUR_MS = 3600 * 1000 };

static struct srv srv;
static struct srv_person ada, bob;
static struct rig_member a, b;
static struct pv_buf answer;
static char store_path[64], blobs_path[64], home_path[64];

static void is_ok(enum pv_err err, const char *what)
{
	tap_ok(err == PV_OK, "%s", what);
	if (err) tap_note("%s", pv_err_web_name(err));
}

static struct pv_meta_room row_of(void)
{
	struct pv_meta_room row;
	if (srv.server.meta->ops->room(srv.server.meta, pv_room_id(a.room), &row)) abort();
	return row;
}

static void log_in(void)
{
	srv_login(&srv, &ada.device.me.public, &ada.device.me.sign_sk, ada.token);
	srv_login(&srv, &bob.device.me.public, &bob.device.me.sign_sk, bob.token);
	srv_person_sync_time(&ada);
	srv_person_sync_time(&bob);
}

/* Sessions end within the time that passes. */
static void pass(uint64_t ms)
{
	srv.now_ms += ms;
	log_in();
}

/* Deadlines alone, as if the server were stopped before it drops anything. */
static void end_notices(void)
{
	struct pv_web_response response;
	struct pv_job *job;
	pv_web_response_init(&response);
	if (pv_job_new(PV_JOB_EXPIRE, 0, &job)) abort();
	job->room = *pv_room_id(a.room);
	job->response = &response;
	pv_committer_step(srv.server.committer, job);
	pv_job_free(job);
	pv_web_response_release(&response);
}

static void reopen(void)
{
	char why[PV_META_WHY_MAX];
	srv.server.meta->ops->close(srv.server.meta);
	if (pv_meta_sqlite_open(store_path, &srv.server.meta, why)) abort();
	srv_restart(&srv);
	log_in();
}

static unsigned get(const char *format, unsigned long long index)
{
	char hex[65], rest[64], path[160];
	pv_hex_encode(pv_room_id(a.room)->b, 32, hex);
	snprintf(rest, sizeof rest, format, index);
	snprintf(path, sizeof path, "/v1/rooms/%s/%s", hex, rest);
	return srv_ask(&srv, "GET", path, ada.token, pv_bytes(NULL, 0), &answer);
}

struct see {
	uint64_t index;
	bool has_body, has_refs;
	uint8_t nonce[24], tail[24];
};

static enum pv_err see_entry(void *context, const struct pv_meta_entry *entry)
{
	struct see *see = context;
	see->has_body = !entry->forgotten;
	see->has_refs = !pv_refs_are_dropped(entry->refs);
	if (entry->body.n >= sizeof see->nonce) memcpy(see->nonce, entry->body.p, sizeof see->nonce);
	if (entry->body.n >= sizeof see->tail) memcpy(see->tail, entry->body.p + entry->body.n - sizeof see->tail, sizeof see->tail);
	return PV_OK;
}

static struct see see(uint64_t index)
{
	struct see see = {.index = index};
	if (srv.server.meta->ops->entries(srv.server.meta, row_of().no, index, 1, true, see_entry, &see)) abort();
	return see;
}

/* Whether one of the store's files has these bytes. */
static bool in_files_of(const char *store, const uint8_t *bytes, size_t n)
{
	bool found = false;
	for (const char *const *end = (const char *const[]){"", "-wal", NULL}; *end; end++) {
		char path[80];
		struct pv_buf file;
		uint8_t part[4096];
		size_t got;
		pv_buf_init(&file, SIZE_MAX);
		snprintf(path, sizeof path, "%s%s", store, *end);
		FILE *in = fopen(path, "rb");
		while (in && (got = fread(part, 1, sizeof part, in)) > 0) pv_buf_append(&file, part, got);
		if (in) fclose(in);
		for (size_t i = 0; i + n <= file.n && !found; i++) found = memcmp(file.p + i, bytes, n) == 0;
		pv_buf_release(&file);
	}
	return found;
}

static bool in_files(const uint8_t *bytes, size_t n)
{
	return in_files_of(store_path, bytes, n);
}

static void write_roster(struct rig_member *member, const struct pv_roster_body *body, const char *what)
{
	enum pv_err err = pv_room_begin(member->room);
	if (!err) err = pv_write_roster(member->room, body, pv_bytes(NULL, 0));
	is_ok(err ? err : pv_room_commit(member->room), what);
	is_ok(rig_push(member), "and sends it");
}

static void set_notice(uint64_t ms)
{
	struct pv_roster_body body = {.type = PV_ROSTER_POLICY};
	struct pv_buf value;
	pv_buf_init(&value, 64);
	pv_cbor_put_array(&value, 2);
	pv_cbor_put_uint(&value, 1);
	pv_cbor_put_uint(&value, ms);
	body.u.policy.replaces = *pv_roster_policy(pv_room_roster(a.room));
	body.u.policy.value = pv_buf_bytes(&value);
	write_roster(&a, &body, "Ada sets the room's notice");
	pv_buf_release(&value);
}

/* A file of one blob. */
static uint64_t put(struct rig_member *member, struct pv_id16 name)
{
	struct pv_payload payload = {.type = PV_PAYLOAD_FILE_PUT};
	struct pv_buf buf, refs;
	uint8_t chunk[256];
	struct pv_chunk one = {.length_bytes = 5, .span_bytes = 5, .blob = name};
	struct pv_buf chunks;
	pv_buf_init(&buf, PV_LIMIT_PAYLOAD_BYTES);
	pv_buf_init(&refs, 64);
	pv_buf_init_fixed(&chunks, chunk, sizeof chunk);
	pv_chunk_put(&chunks, &one, false);
	seeded_fill(&member->device->seed, payload.write_id.b, sizeof payload.write_id.b);
	payload.u.file_put.file = (struct pv_file){.mode = 0644, .size_bytes = 5, .manifest = {.count = 1, .encoded = pv_buf_bytes(&chunks)}};
	if (pv_path_from_text(pv_bytes_of_string("secret.txt"), &payload.u.file_put.file.path)) abort();
	pv_payload_put(&buf, &payload);
	pv_refs_put(&refs, &name, 1);
	pv_room_set_time(member->room, srv.now_ms);
	enum pv_err err = buf.err ? buf.err : pv_store_blob_add(member->store, &name, pv_bytes_of_string("sealed bytes of a file"));
	if (!err) err = pv_room_write(member->room, PV_KIND_WORK, pv_buf_bytes(&buf), pv_buf_bytes(&refs));
	if (!err) err = rig_push(member);
	is_ok(err, "a file is put");
	pv_buf_release(&buf);
	pv_buf_release(&refs);
	return row_of().size - 1;
}

static unsigned get_blob(struct pv_id16 name)
{
	char hex[33], path[64];
	pv_hex_encode(name.b, sizeof name.b, hex);
	snprintf(path, sizeof path, "blobs/%s", hex);
	return get(path, 0);
}

/* How many files below a directory have these bytes. */
static const char *sought;
static unsigned found_files;

static int see_file(const char *path, const struct stat *status, int type, struct FTW *at)
{
	uint8_t bytes[4096];
	(void)status;
	(void)at;
	FILE *in = type == FTW_F ? fopen(path, "rb") : NULL;
	size_t n = in ? fread(bytes, 1, sizeof bytes, in) : 0;
	if (in) fclose(in);
	found_files += n && memmem(bytes, n, sought, strlen(sought)) != NULL;
	return 0;
}

static unsigned bytes_below(const char *dir, const char *bytes)
{
	sought = bytes;
	found_files = 0;
	if (nftw(dir, see_file, 8, FTW_PHYS)) abort();
	return found_files;
}

static bool has_blob(struct pv_id16 name)
{
	struct pv_meta_blob blob;
	return srv.server.meta->ops->blob(srv.server.meta, row_of().no, &name, &blob) == PV_OK;
}

static enum pv_err count_one(void *context, const struct pv_id16 *locator, uint64_t written_ms)
{
	(void)locator;
	(void)written_ms;
	++*(size_t *)context;
	return PV_OK;
}

static size_t blobs_stored(void)
{
	size_t count = 0;
	if (srv.server.blobs->ops->each(srv.server.blobs, count_one, &count)) abort();
	return count;
}

static enum pv_err add_bundle(void *context, const struct pv_sealed_write *sealed)
{
	pv_bundle_put(context, &(struct pv_bundle){sealed->entry, sealed->refs, sealed->body, sealed->beside});
	return PV_OK;
}

/* What waits in an outbox, as its device would send it without looking. */
static unsigned send_blindly(struct srv_person *person, struct rig_member *member)
{
	char hex[65], path[128];
	struct pv_buf body;
	pv_buf_init(&body, 1 << 20);
	pv_cbor_put_array(&body, 1);
	if (pv_store_sealed_each(member->store, add_bundle, &body)) abort();
	pv_hex_encode(pv_room_id(a.room)->b, 32, hex);
	snprintf(path, sizeof path, "/v1/rooms/%s/entries", hex);
	unsigned status = srv_ask(&srv, "POST", path, person->token, pv_buf_bytes(&body), &answer);
	pv_buf_release(&body);
	return status;
}

static void forget(uint64_t from, uint64_t to)
{
	struct pv_range range = {from, to};
	is_ok(pv_room_forget(a.room, &range, 1), "Ada forgets");
	is_ok(rig_push(&a), "and sends it");
}

static void test_notice(void)
{
	struct pv_id16 name = {{1, 2, 3}};
	set_notice(HOUR_MS);
	tap_ok(row_of().has_notice && row_of().notice_ms == HOUR_MS, "the server knows it");
	uint64_t at = put(&a, name), cut = row_of().size;
	is_ok(rig_say(&a, "stays"), "Ada says");
	is_ok(rig_push(&a), "and sends");
	is_ok(rig_pull(&b), "Bob sees it");
	is_ok(rig_say(&b, "sealed before the cut"), "and writes, but does not send");
	struct see before = see(at);
	tap_ok(before.has_body && before.has_refs && has_blob(name) && blobs_stored() == 1, "all is there");
	tap_ok(bytes_below(blobs_path, "sealed bytes of a file") > 0 && get_blob(name) == 200, "the blob is a file, and can be had");
	tap_ok(in_files(before.nonce, sizeof before.nonce), "also in the store's files");
	tap_ok(get("entries/%llu/wraps/0", 0) == 200, "and the first wraps");
	forget(at, at + 1);
	uint64_t size = row_of().size;
	tap_ok(send_blindly(&bob, &b) == 409 && strcmp(srv_reason, "stale_epoch") == 0, "what old keys seal is not taken any more");
	srv_tick(&srv);
	tap_ok(row_of().size == size && see(at).has_body, "within the notice nothing is deleted");
	end_notices();
	tap_ok(row_of().size == size, "nor when it is some other deadline that has come");
	pass(HOUR_MS - 2000);
	srv_tick(&srv);
	tap_ok(row_of().size == size, "to its end");
	pass(2000);
	srv_tick(&srv);
	tap_ok(row_of().size == size + 1, "then the server says so, once");
	tap_ok(!see(at).has_body && !see(at).has_refs, "body and refs are gone");
	tap_ok(see(at + 1).has_body && see(cut).has_body, "the others are there");
	tap_ok(!has_blob(name) && blobs_stored() == 0, "so is the blob");
	tap_ok(bytes_below(blobs_path, "sealed bytes of a file") == 0, "under whatever name");
	tap_ok(get_blob(name) == 404, "and whoever asks for it does not bring it back");
	tap_ok(!in_files(before.nonce, sizeof before.nonce), "and no file of the store has the body");
	tap_ok(get("entries/%llu/wraps/0", 0) == 404, "nor the wraps of old epochs");
	tap_ok(row_of().dropping == 0, "nothing is left to do");
	srv_tick(&srv);
	tap_ok(row_of().size == size + 1, "and nothing is said twice");
	is_ok(rig_push(&b), "Bob sends");
	is_ok(rig_pull(&a), "Ada looks");
	struct pv_buf texts;
	pv_buf_init(&texts, SIZE_MAX);
	rig_texts(&a, &texts);
	tap_ok(strcmp((const char *)texts.p, "stays\nsealed before the cut\n") == 0, "and reads what he had written, once");
	pv_buf_release(&texts);
}

static void test_hold(void)
{
	struct pv_roster_body hold = {.type = PV_ROSTER_HOLD}, lift = {.type = PV_ROSTER_LIFT, .u.lift = {{5}}};
	is_ok(rig_say(&a, "disputed"), "Ada says");
	is_ok(rig_push(&a), "and sends");
	uint64_t at = row_of().size - 1;
	forget(at, at + 1);
	is_ok(rig_pull(&b), "Bob sees it");
	hold.u.ranges.id = lift.u.lift;
	hold.u.ranges.ranges[0] = (struct pv_range){at, at + 1};
	hold.u.ranges.count = 1;
	write_roster(&b, &hold, "and holds");
	pass(2 * HOUR_MS);
	uint64_t size = row_of().size;
	srv_tick(&srv);
	srv_tick(&srv);
	tap_ok(row_of().size == size && see(at).has_body, "what is held is not deleted, however long it takes");
	is_ok(rig_pull(&b), "Bob looks");
	write_roster(&b, &lift, "and lifts it");
	srv_tick(&srv);
	tap_ok(!see(at).has_body, "then it goes");
}

/* The server's clock goes back: the notice is not shorter by it, for those who read the times of what it signed. */
static void test_clock_back(void)
{
	is_ok(rig_pull(&a), "Ada looks");
	is_ok(rig_say(&a, "by another clock"), "and says");
	is_ok(rig_push(&a), "and sends");
	uint64_t at = row_of().size - 1;
	srv.now_ms -= 3 * HOUR_MS;
	log_in();
	forget(at, at + 1);
	pass(2 * HOUR_MS);
	srv_tick(&srv);
	tap_ok(see(at).has_body, "after an hour by a clock that went back it is there");
	pass(2 * HOUR_MS + 1000);
	srv_tick(&srv);
	tap_ok(!see(at).has_body, "an hour after what was signed before it is not");
}

/* Stopped between `deleted` and dropping, and held up by a reader in the midst of it. */
static void test_stopped(void)
{
	char words[20000];
	sqlite3 *reader;
	memset(words, 'w', sizeof words - 1);
	words[sizeof words - 1] = '\0';
	is_ok(rig_pull(&a), "Ada looks");
	is_ok(rig_say(&a, words), "and says much");
	is_ok(rig_push(&a), "and sends");
	uint64_t at = row_of().size - 1;
	struct see before = see(at);
	tap_ok(in_files(before.tail, sizeof before.tail), "which is in the store's files");
	forget(at, at + 1);
	pass(2 * HOUR_MS);
	end_notices();
	tap_ok(row_of().dropping != 0 && see(at).has_body, "the server says `deleted`, and is stopped there");
	reopen();
	tap_ok(row_of().dropping != 0 && see(at).has_body, "started again, it knows");
	tap_ok(sqlite3_open(store_path, &reader) == SQLITE_OK && sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM entries", NULL, NULL, NULL) == SQLITE_OK,
	       "somebody reads the store");
	srv_tick(&srv);
	tap_ok(row_of().dropping != 0 && !see(at).has_body, "it drops the body, and knows that its files have it");
	sqlite3_close(reader);
	srv_tick(&srv);
	tap_ok(row_of().dropping == 0 && !see(at).has_body && !see(at).has_refs, "when nobody reads it goes on to the end");
	tap_ok(!in_files(before.nonce, sizeof before.nonce) && !in_files(before.tail, sizeof before.tail), "and no file has any of it");
}

/* A device's own store lies in files, too, which other programs of it may hold open. */
static void test_home(void)
{
	struct rig_member copy;
	sqlite3 *db;
	if (sqlite3_open(home_path, &db) || rig_member_open_over(&copy, &bob.device, pv_room_id(a.room), db)) abort();
	is_ok(rig_pull(&copy), "a copy in files");
	is_ok(rig_member_reopen(&copy), "which has a write-ahead log from its second opening on");
	is_ok(rig_pull(&a), "Ada looks");
	is_ok(rig_say(&a, "in a home, too"), "and says");
	is_ok(rig_push(&a), "and sends");
	uint64_t at = row_of().size - 1;
	struct see before = see(at);
	is_ok(rig_pull(&copy), "the copy sees it");
	tap_ok(in_files_of(home_path, before.nonce, sizeof before.nonce), "and has it there");
	forget(at, at + 1);
	pass(2 * HOUR_MS);
	srv_tick(&srv);
	is_ok(rig_pull(&copy), "it is forgotten");
	tap_ok(!in_files_of(home_path, before.nonce, sizeof before.nonce), "and in none of the files, though the store is open");
	rig_member_close(&copy);
}

static void test_default_notice(void)
{
	struct pv_roster_body body = {.type = PV_ROSTER_POLICY, .u.policy.value = pv_bytes_of_string("something else")};
	is_ok(rig_pull(&a), "Ada looks");
	body.u.policy.replaces = *pv_roster_policy(pv_room_roster(a.room));
	write_roster(&a, &body, "and sets a policy that names no notice");
	tap_ok(!row_of().has_notice, "which the server sees");
	is_ok(rig_say(&a, "to be forgotten"), "Ada says");
	is_ok(rig_push(&a), "and sends");
	uint64_t at = row_of().size - 1;
	forget(at, at + 1);
	pass(7ull * 24 * HOUR_MS - 2000);
	srv_tick(&srv);
	tap_ok(see(at).has_body, "then a forget waits for a week");
	pass(2000);
	srv_tick(&srv);
	tap_ok(!see(at).has_body, "and no longer");
}

/* Writes the device would not: `first` and so many after it. Returns how many are in the log then. */
static uint64_t flood(struct rig_member *member, enum pv_roster_type type, unsigned first, unsigned count)
{
	struct pv_roster_body body = {.type = type, .u.ranges = {.count = 1, .ranges = {{1, 2}}}};
	uint64_t before = row_of().size;
	for (unsigned i = first; i < first + count; i++) {
		body.u.ranges.id = (struct pv_id16){{(uint8_t)type, (uint8_t)(i >> 8), (uint8_t)i, 77}};
		if (pv_room_begin(member->room) || pv_write_roster(member->room, &body, pv_bytes(NULL, 0)) ||
		    pv_room_commit(member->room) || (rig_push(member) && strcmp(srv_reason, "waiting") != 0))
			abort();
	}
	return row_of().size - before;
}

/* Each forget that waits is compared with each hold that stands: nobody makes so many that the server does nothing else. */
static void test_flood(void)
{
	struct pv_waiting waiting = pv_roster_waiting(pv_room_roster(a.room), &ada.device.me.person);
	is_ok(rig_pull(&a), "Ada looks");
	is_ok(rig_pull(&b), "Bob too");
	tap_is_int((long long)waiting.holds, 0, "no hold stands");
	tap_is_int((long long)flood(&a, PV_ROSTER_FORGET, 0, PV_FORGETS_WAITING + 1), PV_FORGETS_WAITING, "so many forgets may wait, and no more");
	tap_ok(strcmp(srv_reason, "waiting") == 0, "the next is refused");
	tap_is_int((long long)flood(&b, PV_ROSTER_HOLD, 0, PV_HOLDS_OF_ONE + 1), PV_HOLDS_OF_ONE, "so many holds of one person may stand");
	tap_ok(strcmp(srv_reason, "waiting") == 0, "another is refused");
}

/* Nor do many together: each has fewer than one person may have, and the room takes so many of all. */
static void test_holds_of_all(void)
{
	enum { MORE = PV_HOLDS_STANDING / PV_HOLDS_OF_ONE - 1 };
	static struct srv_person more[MORE];
	static struct rig_member members[MORE];
	struct pv_invite_link link;
	uint64_t taken = 0;
	is_ok(rig_pull(&a), "Ada looks");
	is_ok(rig_invite(&a, PV_ROLE_VIEWER, MORE, &link), "and invites as many as it takes");
	is_ok(rig_push(&a), "beside Bob, who has as many as he may");
	for (unsigned i = 0; i < MORE; i++)
		if (srv_person_init(&more[i], &srv, 20 + i, NULL) || rig_join(&members[i], &more[i].device, &link)) abort();
	for (unsigned i = 0; i < MORE; i++) {
		if (rig_settle(&members[i])) abort();
		taken += flood(&members[i], PV_ROSTER_HOLD, (i + 2) * PV_HOLDS_OF_ONE, PV_HOLDS_OF_ONE);
	}
	tap_is_int((long long)taken, MORE * PV_HOLDS_OF_ONE, "their holds stand beside his");
	is_ok(rig_pull(&a), "Ada looks");
	tap_is_int((long long)flood(&a, PV_ROSTER_HOLD, PV_HOLDS_OF_ONE, 1), 0, "no more of anybody's");
	tap_ok(strcmp(srv_reason, "waiting") == 0, "hers is refused, though she has none");
	for (unsigned i = 0; i < MORE; i++) {
		rig_member_close(&members[i]);
		srv_person_release(&more[i]);
	}
}

/* A backup of before brings bodies back, and members give back the log that says they are deleted. */
static void test_restored(const char *backup)
{
	char why[PV_META_WHY_MAX];
	uint64_t size = row_of().size, forgotten = 0;
	is_ok(rig_pull(&a), "Ada looks");
	is_ok(rig_pull(&b), "Bob too");
	for (uint64_t i = 0; i < size; i++) forgotten += !see(i).has_body;
	srv.server.meta->ops->close(srv.server.meta);
	if (pv_meta_sqlite_open(backup, &srv.server.meta, why) || srv.server.meta->ops->mark_restored(srv.server.meta, srv.now_ms)) abort();
	srv_restart(&srv);
	log_in();
	tap_ok(row_of().size < size, "a backup is put back");
	is_ok(rig_pull(&a), "Ada gives back what she has");
	is_ok(rig_pull(&b), "Bob shows that he has no more");
	tap_ok(row_of().size == size && !row_of().restored, "the room is whole, and open");
	srv_tick(&srv);
	uint64_t now = 0;
	for (uint64_t i = 0; i < size; i++) now += !see(i).has_body;
	tap_ok(now == forgotten && row_of().dropping == 0, "and what was forgotten is so again");
	is_ok(rig_say(&a, "on we go"), "Ada writes");
	is_ok(rig_push(&a), "and sends");
}

static void remove_store(const char *path)
{
	for (const char *const *end = (const char *const[]){"", "-wal", "-shm", NULL}; *end; end++) {
		char name[96];
		snprintf(name, sizeof name, "%s%s", path, *end);
		unlink(name);
	}
}

static int remove_below(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status;
	(void)type;
	(void)at;
	return remove(path);
}

int main(void)
{
	char dir[] = "/tmp/privity-forget-XXXXXX", backup[64], why[PV_META_WHY_MAX];
	struct pv_invite_link link;
	if (pv_crypto_init() || !mkdtemp(dir)) return 1;
	snprintf(store_path, sizeof store_path, "%s/meta.db", dir);
	snprintf(home_path, sizeof home_path, "%s/home.db", dir);
	snprintf(backup, sizeof backup, "%s/backup.db", dir);
	snprintf(blobs_path, sizeof blobs_path, "%s/blobs", dir);
	srv_init(&srv, 1);
	srv.server.meta->ops->close(srv.server.meta);
	srv.server.blobs->ops->close(srv.server.blobs);
	if (pv_meta_sqlite_open(store_path, &srv.server.meta, why) || pv_blobs_fs_open(blobs_path, &srv.server.blobs)) return 1;
	srv_restart(&srv);
	pv_buf_init(&answer, 1 << 20);
	if (srv_person_init(&ada, &srv, 2, NULL) || srv_person_init(&bob, &srv, 3, NULL) || rig_found(&a, &ada.device) ||
	    rig_invite(&a, PV_ROLE_EDITOR, 1, &link) || rig_join(&b, &bob.device, &link) || rig_push(&a))
		abort();
	if (srv.server.meta->ops->snapshot(srv.server.meta, backup, NULL, NULL)) abort();
	test_notice();
	test_hold();
	test_clock_back();
	test_stopped();
	test_home();
	test_default_notice();
	test_restored(backup);
	test_flood();
	test_holds_of_all();
	rig_member_close(&a);
	rig_member_close(&b);
	srv_person_release(&ada);
	srv_person_release(&bob);
	pv_buf_release(&answer);
	srv_release(&srv);
	remove_store(store_path);
	remove_store(home_path);
	remove_store(backup);
	if (nftw(dir, remove_below, 8, FTW_PHYS | FTW_DEPTH)) return 1;
	return tap_done();
}
